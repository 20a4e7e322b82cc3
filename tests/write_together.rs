//! Writers that are at work at the same time: what one takes away, and what one adds, while another is about to commit.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]

#[path = "support/meddling_store.rs"]
mod meddling_store;
#[path = "support/memory_lake.rs"]
mod memory_lake;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use azof_tui::ErrorKind;
use azof_tui::store::StoredFile;
use azof_tui::write::{
    CompactOptions, Compacted, Input, InputOptions, Progress, SchemaChange, SegmentBy,
    VacuumOptions,
};
use azof_tui::{Lakehouse, Result};
use meddling_store::MeddlingStore;
use memory_lake::{
    BEGINNING_MS, DAY_MS, Events, append, block_on, lake_on, lake_with_table, older_than, read,
};
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use proptest::prelude::*;

fn row(key: &str, day: i64, value: i64) -> (String, i64, Option<i64>) {
    (key.to_owned(), BEGINNING_MS + day * DAY_MS, Some(value))
}

/// A store in which a vacuum runs whenever a data file was put.
fn vacuumed_while_written(inner: &Arc<InMemory>, options: VacuumOptions) -> Arc<MeddlingStore> {
    MeddlingStore::after_data_files(inner, move |inner| {
        Box::pin(async move {
            let lake = lake_on(inner);
            lake.writer("t").vacuum(options).await.expect("a vacuum");
        })
    })
}

#[test]
fn a_vacuum_spares_the_files_of_a_write_that_runs() {
    block_on(async {
        let store = Arc::new(InMemory::new());
        lake_with_table(store.clone(), SegmentBy::Month).await;
        let meddling = vacuumed_while_written(&store, older_than(0));
        let rows = [row("a", 0, 1), row("b", 40, 2)];
        append(&lake_on(meddling), &rows).await.expect("an append");
        // What a killed writer left is as young, and stays too; force takes it.
        let orphan = "rows-0123456789abcdef.parquet";
        let path = Path::from(format!("t/{orphan}"));
        store.put(&path, "left".into()).await.expect("room");
        let lake = lake_on(store);
        assert_eq!(read(&lake, None, None).await.len(), 2);
        // The clock of the store may be a moment ahead.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let names = |files: &[StoredFile]| -> Vec<String> {
            files.iter().map(|file| file.name.clone()).collect()
        };
        let writer = lake.writer("t");
        let spared = writer.vacuum(older_than(0)).await.expect("a vacuum");
        assert_eq!(names(&spared.kept), [orphan]);
        let forced = VacuumOptions {
            force: true,
            ..older_than(0)
        };
        let gone = writer.vacuum(forced).await.expect("a vacuum");
        assert_eq!(names(&gone.files), [orphan]);
        assert_eq!(read(&lake, None, None).await.len(), 2);
    });
}

#[test]
fn a_write_that_a_forced_vacuum_robbed_ends_with_a_conflict_and_commits_nothing() {
    block_on(async {
        let store = Arc::new(InMemory::new());
        lake_with_table(store.clone(), SegmentBy::Month).await;
        append(&lake_on(store.clone()), &[row("a", 0, 1)])
            .await
            .expect("rows");
        let forced = VacuumOptions {
            force: true,
            ..older_than(0)
        };
        let meddling = vacuumed_while_written(&store, forced);
        // The store's clock may be a moment ahead of the vacuum's.
        let mut robbed = 0;
        for attempt in 0..20 {
            match append(&lake_on(meddling.clone()), &[row("b", 40, attempt)]).await {
                Ok(_) => {}
                Err(e) => {
                    assert_eq!(e.kind(), ErrorKind::Conflict, "{e}");
                    assert!(e.to_string().contains("it is gone"), "{e}");
                    robbed += 1;
                }
            }
            let lake = lake_on(store.clone());
            read(&lake, None, None).await;
            let checked = lake.writer("t").check(true, false).await.expect("a check");
            assert_eq!(checked.findings, []);
        }
        assert!(robbed > 0, "no vacuum came in time");
        append(&lake_on(store.clone()), &[row("b", 40, 2)])
            .await
            .expect("the same again");
    });
}

async fn compact(lake: &Lakehouse, options: CompactOptions) -> Result<Compacted> {
    let progress = Arc::new(Progress::default());
    lake.writer("t").compact(options, &progress).await
}

type Rows = Vec<(String, i64, Option<i64>)>;

/// Rows of any age, one a key and event time.
fn rows(days: std::ops::Range<i64>) -> impl Strategy<Value = Rows> {
    let row = ("[a-d]", days, prop::option::of(0i64..100));
    prop::collection::vec(row, 1..8).prop_map(|rows| {
        let mut events = Events::default();
        for (key, day, value) in rows {
            events.add(&[(key, BEGINNING_MS + day * DAY_MS, value)]);
        }
        let rows = events.0.into_iter();
        rows.map(|((key, at), value)| (key, at, value)).collect()
    })
}

/// A store in which appends of these rows commit while the first data file of a compaction is put.
fn appended_while_compacting(inner: &Arc<InMemory>, appends: Vec<Rows>) -> Arc<MeddlingStore> {
    let waiting = Mutex::new(appends);
    MeddlingStore::after_data_files(inner, move |inner| {
        let appends = std::mem::take(&mut *waiting.lock().expect("no panic"));
        Box::pin(async move {
            let lake = lake_on(inner);
            for rows in appends {
                append(&lake, &rows).await.expect("an append");
            }
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Appends of any age that commit while a compaction is at work stay, and every moment answers as the events do.
    #[test]
    fn a_compaction_goes_under_the_appends_that_come_meanwhile(
        before in prop::collection::vec(rows(-40..200), 1..5),
        meanwhile in prop::collection::vec(rows(-60..260), 1..4),
        afterwards in rows(-60..260),
        by in prop_oneof![Just(SegmentBy::Month), Just(SegmentBy::Year), Just(SegmentBy::Bytes(600))],
        ratio in prop_oneof![Just(0.0), Just(1.0)],
        moments in prop::collection::vec(-70i64..280, 10),
    ) {
        block_on(async {
            let store = Arc::new(InMemory::new());
            let lake = lake_with_table(store.clone(), by).await;
            let mut events = Events::default();
            for rows in &before {
                append(&lake, rows).await.expect("an append");
                events.add(rows);
            }
            let meddled = lake_on(appended_while_compacting(&store, meanwhile.clone()));
            let options = CompactOptions { ratio, all: true, ..CompactOptions::default() };
            let done = compact(&meddled, options).await.expect("a compaction");
            // One that writes no file meets nobody.
            if done.files_written > 0 {
                prop_assert_eq!(done.appends_meanwhile, meanwhile.len());
                for rows in &meanwhile {
                    events.add(rows);
                }
            }
            for last in [None, Some(&afterwards)] {
                if let Some(rows) = last {
                    append(&lake, rows).await.expect("an append");
                    events.add(rows);
                }
                for at in moments.iter().map(|day| Some(BEGINNING_MS + day * DAY_MS)).chain([None]) {
                    prop_assert_eq!(read(&lake, None, at).await, events.at(at), "as of {:?}", at);
                }
            }
            let checked = lake.writer("t").check(true, false).await.expect("a check");
            prop_assert_eq!(checked.findings, []);
            Ok(())
        })?;
    }
}

/// A change of the columns is more than rows: the compaction begins anew and keeps it.
#[test]
fn a_compaction_begins_anew_where_the_columns_change_meanwhile() {
    block_on(async {
        let store = Arc::new(InMemory::new());
        let lake = lake_with_table(store.clone(), SegmentBy::Month).await;
        append(&lake, &[row("a", 0, 1), row("b", 40, 2)])
            .await
            .expect("rows");
        append(&lake, &[row("a", 3, 3)]).await.expect("rows");
        let is_done = AtomicBool::new(false);
        let meddling = MeddlingStore::after_data_files(&store, move |inner| {
            let first = !is_done.swap(true, Ordering::SeqCst);
            Box::pin(async move {
                if first {
                    let widen = [SchemaChange::Widen("v".to_owned())];
                    lake_on(inner)
                        .writer("t")
                        .evolve(&widen)
                        .await
                        .expect("a change");
                }
            })
        });
        let done = compact(&lake_on(meddling), CompactOptions::default()).await;
        assert!(done.expect("a compaction").version.is_some());
        assert_eq!(
            read(&lake, None, None).await["a"],
            (BEGINNING_MS + 3 * DAY_MS, Some(3))
        );
        let checked = lake.writer("t").check(true, false).await.expect("a check");
        assert!(checked.is_clean(), "{:?}", checked.findings);
        // Nothing is left of the first attempt.
        assert!(
            !checked
                .findings
                .iter()
                .any(|f| f.message.contains("no version names it"))
        );
    });
}

/// The policy that an append sets while a compaction runs is the later word, and stays.
#[test]
fn a_compaction_keeps_the_policy_that_an_append_sets_meanwhile() {
    block_on(async {
        let store = Arc::new(InMemory::new());
        let lake = lake_with_table(store.clone(), SegmentBy::Month).await;
        append(&lake, &[row("a", 0, 1), row("b", 40, 2)])
            .await
            .expect("rows");
        let is_done = AtomicBool::new(false);
        let meddling = MeddlingStore::after_data_files(&store, move |inner| {
            let first = !is_done.swap(true, Ordering::SeqCst);
            Box::pin(async move {
                if first {
                    let text = memory_lake::csv_of(&[row("a", 50, 3)]);
                    let input = Input::Csv(Box::new(std::io::Cursor::new(text)));
                    let (options, progress) = (InputOptions::default(), Arc::default());
                    lake_on(inner)
                        .writer("t")
                        .append(input, &options, Some(SegmentBy::Year), &progress)
                        .await
                        .expect("an append");
                }
            })
        });
        let done = compact(&lake_on(meddling), CompactOptions::default()).await;
        let done = done.expect("a compaction");
        assert_eq!(done.appends_meanwhile, 1);
        let file = format!("t/s{}.json", done.version.expect("a version"));
        let snapshot = store.get(&Path::from(file)).await.expect("a snapshot");
        let snapshot = snapshot.bytes().await.expect("bytes");
        let snapshot: serde_json::Value = serde_json::from_slice(&snapshot).expect("JSON");
        assert_eq!(snapshot["segment_by"], "year");
        assert_eq!(snapshot["commit"]["operation"], "compact");
    });
}

/// Compactions that run beside a writer that never rests end well, and no row is lost.
#[test]
fn compactions_beside_a_steady_writer_do_not_starve() {
    const COMPACTIONS: usize = 12;
    const MEETINGS: usize = 6;
    const PATIENCE: Duration = Duration::from_secs(30);
    block_on(async {
        let store = Arc::new(InMemory::new());
        let lake = lake_with_table(store.clone(), SegmentBy::Month).await;
        append(&lake, &[row("a", 0, 0)]).await.expect("rows");
        let (is_over, written) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicI64::new(0)),
        );
        let conflicts = Arc::new(AtomicUsize::new(0));
        let writer = tokio::spawn({
            let (store, is_over) = (store.clone(), Arc::clone(&is_over));
            let (written, conflicts) = (Arc::clone(&written), Arc::clone(&conflicts));
            async move {
                let lake = lake_on(store);
                while !is_over.load(Ordering::Relaxed) {
                    let i = written.load(Ordering::Relaxed) + 1;
                    // Newer ones, late ones, and corrections of the same day.
                    let rows = [
                        row(&format!("k{}", i % 7), i % 90, i),
                        row("steady", i, i),
                        row("day", 0, i),
                    ];
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    match append(&lake, &rows).await {
                        Ok(_) => written.store(i, Ordering::Relaxed),
                        Err(e) => {
                            assert_eq!(e.kind(), ErrorKind::Conflict, "{e}");
                            conflicts.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            }
        });
        let (mut compactions, mut met, started) = (0, 0, Instant::now());
        while (compactions < COMPACTIONS || met < MEETINGS) && started.elapsed() < PATIENCE {
            match compact(&lake, CompactOptions::default()).await {
                Ok(done) => {
                    compactions += usize::from(done.changes);
                    met += usize::from(done.appends_meanwhile > 0);
                }
                // How often one begins anew is bounded.
                Err(e) => assert_eq!(e.kind(), ErrorKind::Conflict, "{e}"),
            }
            tokio::task::yield_now().await;
        }
        is_over.store(true, Ordering::Relaxed);
        writer.await.expect("a sound writer");
        assert!(met >= MEETINGS, "they met only {met} times");
        let i = written.load(Ordering::Relaxed);
        let rows = read(&lake, None, None).await;
        assert_eq!(rows["steady"].1, Some(i));
        assert_eq!(rows["day"].1, Some(i));
        let first = BEGINNING_MS + i / 2 * DAY_MS;
        let then = read(&lake, None, Some(first)).await;
        assert_eq!(then["steady"], (first, Some(i / 2)));
        assert_eq!(then["day"].1, Some(i));
        let checked = lake.writer("t").check(true, false).await.expect("a check");
        assert!(checked.is_clean(), "{:?}", checked.findings);
    });
}
