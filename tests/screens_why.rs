//! Why a row is what it is, on screen.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]

mod support;

use azof_tui::app::Start;
use azof_tui::event_time::{AsOf, EventTime};
use support::explorer::Explorer;
use support::{Lake, azof, parquet, stdout};

/// A key with a row of every fate: shown, beyond the moment, older, of lower precedence, later in its file.
fn lake() -> Lake {
    let lake = Lake::new();
    let row = |at: i64, v: i64| ("k".to_owned(), at, Some(v));
    lake.table(
        "t",
        r#"{"id":"year","start":"1970-01-01T00:00:00Z","file":"base.parquet",
            "delta":[{"file":"delta.parquet","start":"1970-01-01T00:00:00.002Z","end":"1970-01-01T00:00:00.090Z"}]}"#,
    )
    .write("t", "base.parquet", parquet(&[("a".into(), 0, None), row(1, 1), row(5, 2)], 2, 2))
    .write("t", "delta.parquet", parquet(&[row(5, 3), row(5, 4), row(50, 5)], 9, 9));
    lake
}

fn explorer(lake: &Lake) -> Explorer {
    let start = Start {
        as_of: Some(AsOf::At(EventTime::from_ms(10))),
        ..Start::default()
    };
    Explorer::open(lake.path(), start, (110, 40))
}

#[test]
fn a_row_tells_its_file_and_the_rows_that_it_beat() {
    let lake = lake();
    let mut e = explorer(&lake);
    let text = e.keys("ji").text();
    for said in [
        "Why k",
        "1970-01-01 00:00:00.010Z",
        "delta.parquet",
        "delta of segment year",
        "0 of row group 0 (0 of the file)",
        "4 other rows of this key",
        "beyond the moment",
        "later in the file",
        "lower precedence",
        "older",
        "base · row group 0 row 1",
        "base · row group 1 row 0",
        "2 planned, 0 ruled out by their times, 2 read",
        "choosing the newest rows",
        "What the rows on screen took",
        "key, event_time and 1 value column",
    ] {
        assert!(text.contains(said), "{said:?} is not in\n{text}");
    }
}

#[test]
fn the_answer_follows_the_playhead_and_closes() {
    let lake = lake();
    let mut e = explorer(&lake);
    e.keys("ji");
    let text = e.keys(",,").text();
    assert!(text.contains("1970-01-01 00:00:00.001Z"), "{text}");
    assert!(text.contains("base of segment year"), "{text}");
    let text = e.keys("@1960<Enter>").keys("i").text();
    assert!(!text.contains("delta of segment"), "{text}");
    e.keys("<Esc><Esc>");
    assert!(e.app.overlay.is_none());
    e.keys("@1970-01-01T00:00:00.003<Enter>ji");
    assert!(e.app.overlay.is_some());
    e.keys("jkGg<PgDn>i");
    assert!(e.app.overlay.is_none());
}

#[test]
fn an_error_is_told_where_it_belongs() {
    let lake = lake();
    let mut e = explorer(&lake);
    e.keys("j");
    std::fs::remove_file(lake.file("t", "delta.parquet")).expect("removed");
    // What has been opened is held; a new explorer has not.
    let mut fresh = explorer(&lake);
    assert!(fresh.text().contains("cannot be read"), "{}", fresh.text());
    assert!(fresh.keys("i").text().contains("there is no row here"));
}

#[test]
fn the_command_prints_the_same_rows() {
    let lake = lake();
    let output = azof(&[
        "why",
        "--path",
        lake.path(),
        "--table",
        "t",
        "--key",
        "k",
        "--as-of",
        "1970-01-01T00:00:00.010Z",
        "--format",
        "csv",
    ]);
    let rows = [
        "verdict,event_time,file,role,segment,row_group,row",
        "beyond the moment,1970-01-01T00:00:00.050Z,delta.parquet,delta,year,0,2",
        "shown,1970-01-01T00:00:00.005Z,delta.parquet,delta,year,0,0",
        "later in the file,1970-01-01T00:00:00.005Z,delta.parquet,delta,year,0,1",
        "lower precedence,1970-01-01T00:00:00.005Z,base.parquet,base,year,1,2",
        "older,1970-01-01T00:00:00.001Z,base.parquet,base,year,0,1",
    ];
    assert_eq!(stdout(&output).lines().collect::<Vec<_>>(), rows);
}
