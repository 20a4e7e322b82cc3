//! What the engine makes ready while the person looks, and that it changes no answer.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]

mod support;

use std::time::{Duration, Instant};

use azof_tui::engine::{Answer, EngineHandle, Reply, Request, RequestId};
use azof_tui::format::Projection;
use azof_tui::scan::ReadLimits;
use azof_tui::{AsOf, EventTime, Lakehouse, Table};
use support::{Lake, Row, parquet};
use tokio::sync::mpsc::UnboundedReceiver;

/// Segments of ten milliseconds each, one after the other, with a base and a delta.
const SEGMENTS: i64 = 8;

fn lake() -> Lake {
    let lake = Lake::new();
    let time = |ms: i64| EventTime::from_ms(ms).to_string();
    let mut segments = Vec::new();
    for n in 0..SEGMENTS {
        let (from, to) = (n * 10, n * 10 + 9);
        let base: Vec<Row> = vec![("a".to_owned(), from - 5, Some(n))];
        let delta: Vec<Row> = (0..5)
            .map(|i| (format!("k{i}"), from + i, Some(i)))
            .collect();
        lake.write("t", &format!("b{n}.parquet"), parquet(&base, 10, 10))
            .write("t", &format!("d{n}.parquet"), parquet(&delta, 10, 10));
        segments.push(format!(
            r#"{{"id":"{n}","start":"{0}","end":"{1}","file":"b{n}.parquet","delta":[{{"file":"d{n}.parquet","start":"{0}","end":"{1}"}}]}}"#,
            time(from),
            time(to)
        ));
    }
    lake.table("t", &segments.join(","));
    lake
}

/// The engine on a lake, and the same table beside it, which shares its caches.
struct Fixture {
    engine: EngineHandle,
    replies: UnboundedReceiver<Reply>,
    table: Table,
    next: u64,
}

impl Fixture {
    fn new(lake: &Lake, cache_bytes: usize) -> Self {
        let limits = ReadLimits {
            cache_bytes,
            ..ReadLimits::default()
        };
        let lakehouse = Lakehouse::open(lake.path(), limits).expect("a lake");
        let runtime = azof_tui::engine::runtime("test").expect("a runtime");
        let table = runtime.block_on(lakehouse.table("t")).expect("a table");
        let (engine, replies) = EngineHandle::start(lakehouse).expect("an engine");
        Self {
            engine,
            replies,
            table,
            next: 0,
        }
    }

    /// Asks for the rows of a moment, and answers how many there are.
    fn rows_at(&mut self, ms: i64) -> usize {
        self.next += 1;
        let request = Request::Snapshot {
            table: "t".to_owned(),
            as_of: AsOf::At(EventTime::from_ms(ms)),
            projection: Projection::All,
        };
        self.engine.send(RequestId(self.next), request);
        let mut rows = None;
        loop {
            match self.replies.blocking_recv().expect("a reply").answer {
                Answer::Snapshot(snapshot) => rows = Some(snapshot.len()),
                Answer::Failed(error) => panic!("{error}"),
                Answer::Done => return rows.expect("rows"),
                _ => {}
            }
        }
    }

    fn is_prepared(&self, ms: i64) -> bool {
        let epoch = self.table.epochs().at(AsOf::At(EventTime::from_ms(ms)));
        self.table.is_prepared(&epoch, &Projection::All)
    }

    fn wait_for(&self, ms: i64) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !self.is_prepared(ms) {
            assert!(Instant::now() < deadline, "{ms} is never made ready");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn the_epoch_on_screen_and_its_neighbours_are_made_ready() {
    let lake = lake();
    let mut fixture = Fixture::new(&lake, 64 << 20);
    assert_eq!(fixture.rows_at(34), 6);
    for near in [34, 24, 44] {
        fixture.wait_for(near);
    }
    assert!(!fixture.is_prepared(54) && !fixture.is_prepared(14));
    // Going on, the one ahead is made ready, and no more is read for what is behind.
    assert_eq!(fixture.rows_at(42), 4);
    fixture.wait_for(54);
    assert!(!fixture.is_prepared(64));
    for ms in 0..SEGMENTS * 10 {
        assert_eq!(
            fixture.rows_at(ms),
            2 + (ms % 10).min(4) as usize,
            "at {ms}"
        );
    }
}

#[test]
fn without_room_nothing_is_kept_and_every_answer_is_the_same() {
    let lake = lake();
    for cache_bytes in [0, 1, 2_000, 6_000, 12_000] {
        let mut fixture = Fixture::new(&lake, cache_bytes);
        for ms in (0..SEGMENTS * 10).chain((0..SEGMENTS * 10).rev().step_by(7)) {
            assert_eq!(
                fixture.rows_at(ms),
                2 + (ms % 10).min(4) as usize,
                "at {ms}"
            );
        }
        assert!(cache_bytes > 1 || !fixture.is_prepared(34));
    }
}
