//! A store that fails at any one operation of any write leaves the old version or the new one, whole; and the next
//! writer recovers.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]

#[path = "support/meddling_store.rs"]
mod meddling_store;
#[path = "support/memory_lake.rs"]
mod memory_lake;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use azof_tui::format::{Column, DataType};
use azof_tui::write::{CompactOptions, Progress, SchemaChange, SegmentBy};
use azof_tui::{Lakehouse, Result};
use meddling_store::{Fate, MeddlingStore};
use memory_lake::{BEGINNING_MS, DAY_MS, Events, append, block_on, lake_on, lake_with_table, read};
use object_store::memory::InMemory;

/// What goes wrong at an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// It fails and does nothing.
    Refuses,
    /// It is done, and the answer is lost.
    LosesAnswer,
    /// The writer dies before it: nothing reaches the store any more.
    DiesBefore,
    /// The writer dies right after it.
    DiesAfter,
    /// What is read comes short; what is written is refused.
    Truncates,
}

impl Fault {
    /// What becomes of an operation, where this one is the fault of another.
    fn fate(self, at: usize, fails_at: usize) -> Fate {
        let is_dead = matches!(self, Self::DiesBefore | Self::DiesAfter);
        if at > fails_at && is_dead {
            return Fate::Fails;
        }
        if at != fails_at {
            return Fate::Works;
        }
        match self {
            Self::Refuses | Self::DiesBefore => Fate::Fails,
            Self::LosesAnswer | Self::DiesAfter => Fate::WorksAndFails,
            Self::Truncates => Fate::ComesShort,
        }
    }
}

const FAULTS: [Fault; 5] = [
    Fault::Refuses,
    Fault::LosesAnswer,
    Fault::DiesBefore,
    Fault::DiesAfter,
    Fault::Truncates,
];

fn row(key: &str, day: i64, value: i64) -> (String, i64, Option<i64>) {
    (key.to_owned(), BEGINNING_MS + day * DAY_MS, Some(value))
}

fn late_rows() -> Vec<(String, i64, Option<i64>)> {
    vec![row("a", 3, 70), row("b", 0, 71), row("d", 45, 72)]
}

fn newer_rows() -> Vec<(String, i64, Option<i64>)> {
    vec![row("a", 100, 80), row("e", 130, 81)]
}

/// The writes that are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    Create,
    Append,
    AppendLate,
    Compact,
    Evolve,
    Vacuum,
}

impl Write {
    async fn run(self, lake: &Lakehouse) -> Result<()> {
        let progress = Arc::new(Progress::default());
        let writer = lake.writer("t");
        match self {
            Self::Create => {
                let columns = azof_tui::write::parse_columns("v:Int").expect("columns");
                lake.writer("new")
                    .create(&columns, SegmentBy::Month)
                    .await
                    .map(|_| ())
            }
            Self::Append => append(lake, &newer_rows()).await.map(|_| ()),
            Self::AppendLate => append(lake, &late_rows()).await.map(|_| ()),
            Self::Compact => writer
                .compact(CompactOptions::default(), &progress)
                .await
                .map(|_| ()),
            Self::Evolve => {
                let column = Column {
                    name: "w".to_owned(),
                    data_type: DataType::Boolean,
                    nullable: true,
                    stored_as: None,
                };
                let changes = [
                    SchemaChange::Widen("v".to_owned()),
                    SchemaChange::Add(column),
                ];
                writer.evolve(&changes).await.map(|_| ())
            }
            Self::Vacuum => writer.vacuum(memory_lake::older_than(0)).await.map(|_| ()),
        }
    }

    /// What the table says once it is done.
    fn events_after(self, mut events: Events) -> Events {
        match self {
            Self::Append => events.add(&newer_rows()),
            Self::AppendLate => events.add(&late_rows()),
            _ => {}
        }
        events
    }
}

/// A table of a few versions, late rows among them, with and without compaction.
async fn beginning(compacted: bool) -> (InMemory, Events) {
    let store = Arc::new(InMemory::new());
    let lake = lake_with_table(store.clone(), SegmentBy::Month).await;
    let mut events = Events::default();
    for rows in [
        vec![
            row("a", 0, 1),
            row("b", 0, 2),
            row("a", 40, 3),
            row("c", 60, 4),
        ],
        vec![row("a", 0, 9), row("b", 20, 5)],
        vec![row("b", 70, 6)],
    ] {
        append(&lake, &rows).await.expect("rows");
        events.add(&rows);
    }
    if compacted {
        Write::Compact.run(&lake).await.expect("a compaction");
        append(&lake, &[row("c", 95, 7)]).await.expect("rows");
        events.add(&[row("c", 95, 7)]);
    }
    (store.fork(), events)
}

async fn answers(lake: &Lakehouse, events: &Events) -> bool {
    for at in [-1, 0, 3, 21, 45, 65, 80, 140]
        .map(|day| Some(BEGINNING_MS + day * DAY_MS))
        .into_iter()
        .chain([None])
    {
        if read(lake, None, at).await != events.at(at) {
            return false;
        }
    }
    true
}

/// A store with what the other one holds, of which one operation goes wrong; and how many there were.
fn faulty(
    store: &InMemory,
    fails_at: usize,
    fault: Fault,
) -> (Arc<MeddlingStore>, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let fate = move || fault.fate(counted.fetch_add(1, Ordering::SeqCst), fails_at);
    (MeddlingStore::of_fate(Arc::new(store.fork()), fate), count)
}

#[test]
fn a_fault_at_any_operation_leaves_the_old_version_or_the_new_one_and_the_next_writer_recovers() {
    let mut points = 0;
    let mut both: BTreeSet<(String, bool)> = BTreeSet::new();
    block_on(async {
        for compacted in [false, true] {
            let (store, before) = beginning(compacted).await;
            for write in [
                Write::Create,
                Write::Append,
                Write::AppendLate,
                Write::Compact,
                Write::Evolve,
                Write::Vacuum,
            ] {
                // A vacuum of age 0 takes what is as old as this moment.
                tokio::time::sleep(std::time::Duration::from_millis(3)).await;
                let (counting, count) = faulty(&store, usize::MAX, Fault::Refuses);
                write
                    .run(&lake_on(counting))
                    .await
                    .expect("without a fault");
                let operations = count.load(Ordering::SeqCst);
                assert!(operations > 3, "{write:?} takes {operations} operations");
                let after = write.events_after(before.clone());
                for fails_at in 0..operations {
                    for fault in FAULTS {
                        points += 1;
                        let place = format!(
                            "{write:?}, {fault:?} at operation {fails_at} of {operations}, compacted: {compacted}"
                        );
                        let (failing, _) = faulty(&store, fails_at, fault);
                        let done = write.run(&lake_on(failing.clone())).await;
                        // Whoever comes next sees what the store holds.
                        let sound = Arc::new(failing.inner.fork());
                        let lake = lake_on(sound.clone());
                        let is_new = answers(&lake, &after).await;
                        assert!(
                            is_new || answers(&lake, &before).await,
                            "{place}: neither old nor new"
                        );
                        assert!(is_new || done.is_err(), "{place}: it was said to be done");
                        both.insert((format!("{write:?}"), done.is_ok()));
                        // The next writer starts from what was committed, whether or not the pointer had moved.
                        append(&lake, &[row("z", 50, 1)])
                            .await
                            .unwrap_or_else(|e| panic!("{place}: {e}"));
                        let (mut old, mut new) = (before.clone(), after.clone());
                        old.add(&[row("z", 50, 1)]);
                        new.add(&[row("z", 50, 1)]);
                        assert!(
                            answers(&lake, &new).await || !is_new && answers(&lake, &old).await,
                            "{place}: after the next writer"
                        );
                        let checked = lake.writer("t").check(true, false).await.expect("a check");
                        assert!(checked.is_clean(), "{place}: {:?}", checked.findings);
                        for version in lake.writer("t").versions().await.expect("versions") {
                            version.contents.expect("it can be read");
                            read(&lake, Some(version.version.0), None).await;
                        }
                        if write == Write::Create {
                            let again = write.run(&lake).await;
                            let table = lake
                                .table("new")
                                .await
                                .unwrap_or_else(|e| panic!("{place}: {e}"));
                            assert_eq!(table.version().0, 1, "{place}: {again:?}");
                        }
                    }
                }
            }
        }
    });
    assert!(points > 500, "only {points} points were tried");
    for write in [
        "Create",
        "Append",
        "AppendLate",
        "Compact",
        "Evolve",
        "Vacuum",
    ] {
        assert!(
            both.contains(&(write.to_owned(), false)),
            "{write} never failed"
        );
    }
    let line = format!("write_faults: {points} points of failure were tried\n");
    std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).expect("standard error");
}
