//! What is written is read: appends of any age, corrections, compaction and changes of columns, held against a list of
//! events, at every moment and in every version.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]

#[path = "support/memory_lake.rs"]
mod memory_lake;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use azof_tui::ErrorKind;
use azof_tui::format::{Column, DataType};
use azof_tui::write::{CompactOptions, Progress, SchemaChange, SegmentBy, VacuumOptions};
use memory_lake::{
    BEGINNING_MS, DAY_MS, Events, append, append_text, block_on, lake_with_table, read,
    read_as_reference,
};
use object_store::memory::InMemory;
use proptest::prelude::*;

/// A step in the life of a table.
#[derive(Debug, Clone)]
enum Step {
    /// Rows of any age.
    Append(Vec<(String, i64, Option<i64>)>),
    /// Rows as new as the newest, or newer: days after it.
    AppendNewer(Vec<(String, i64, Option<i64>)>),
    Compact {
        ratio: f64,
        by: SegmentBy,
        all: bool,
    },
    Widen,
    RenameThereAndBack,
}

fn rows(days: std::ops::Range<i64>) -> impl Strategy<Value = Vec<(String, i64, Option<i64>)>> {
    let row = ("[a-e]", days, 0i64..3, prop::option::of(0i64..100));
    let row = row.prop_map(|(key, day, hour, value)| (key, day * DAY_MS + hour * 3_600_000, value));
    prop::collection::vec(row, 1..12).prop_map(|rows| {
        // One row a key and event time in one append.
        let mut events = Events::default();
        events.add(&rows);
        events
            .0
            .into_iter()
            .map(|((key, at), value)| (key, at, value))
            .collect()
    })
}

fn step() -> impl Strategy<Value = Step> {
    let by = prop_oneof![
        Just(SegmentBy::Month),
        Just(SegmentBy::Quarter),
        Just(SegmentBy::Year),
        Just(SegmentBy::Bytes(300))
    ];
    prop_oneof![
        4 => rows(-40..400).prop_map(Step::Append),
        4 => rows(0..50).prop_map(Step::AppendNewer),
        3 => (prop_oneof![Just(0.0), Just(1.0), Just(3.0)], by, any::<bool>())
            .prop_map(|(ratio, by, all)| Step::Compact { ratio, by, all }),
        1 => Just(Step::Widen),
        1 => Just(Step::RenameThereAndBack),
    ]
}

fn policies() -> impl Strategy<Value = SegmentBy> {
    prop_oneof![
        Just(SegmentBy::Month),
        Just(SegmentBy::Quarter),
        Just(SegmentBy::Year),
        Just(SegmentBy::Bytes(2_000))
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Every version answers as the list of events that it was given, at every moment; and the reference's rule, the
    /// first row seen, answers the same where nothing late has come since the last compaction.
    #[test]
    fn any_history_of_writes_answers_as_its_events_do(
        by in policies(),
        steps in prop::collection::vec(step(), 1..9),
        moments in prop::collection::vec(-45i64..520, 8),
    ) {
        block_on(async {
            let store = Arc::new(InMemory::new());
            let lake = lake_with_table(store.clone(), by).await;
            let progress = Arc::new(Progress::default());
            let mut events = Events::default();
            let mut past = vec![(1, events.clone())];
            let mut agrees_with_reference = true;
            for step in steps {
                let version = lake.table("t").await.expect("a table").version().0;
                match step {
                    Step::Append(rows) => {
                        let rows: Vec<_> = rows.into_iter().map(|(k, at, v)| (k, BEGINNING_MS + at, v)).collect();
                        let late = events.newest().map_or(0, |newest| rows.iter().filter(|r| r.1 < newest).count());
                        let appended = append(&lake, &rows).await.expect("an append");
                        prop_assert_eq!((appended.rows, appended.late), (rows.len() as u64, late as u64));
                        agrees_with_reference &= late == 0;
                        events.add(&rows);
                        past.push((version + 1, events.clone()));
                    }
                    Step::AppendNewer(rows) => {
                        let newest = events.newest().unwrap_or(BEGINNING_MS);
                        let rows: Vec<_> = rows.into_iter().map(|(k, at, v)| (k, newest + at, v)).collect();
                        prop_assert_eq!(append(&lake, &rows).await.expect("an append").late, 0);
                        events.add(&rows);
                        past.push((version + 1, events.clone()));
                    }
                    Step::Compact { ratio, by, all } => {
                        let options = CompactOptions { segment_by: Some(by), ratio, all, dry_run: false };
                        let planned = CompactOptions { dry_run: true, ..options };
                        let planned = lake.writer("t").compact(planned, &progress).await.expect("a plan");
                        let done = lake.writer("t").compact(options, &progress).await.expect("a compaction");
                        prop_assert_eq!(planned.changes, done.changes);
                        prop_assert_eq!(planned.after, done.after);
                        if done.version.is_some() {
                            past.push((version + 1, events.clone()));
                        }
                        let again = lake.writer("t").compact(options, &progress).await.expect("a compaction");
                        prop_assert!(!again.changes, "twice is once");
                        let thorough = CompactOptions { all: true, ..options };
                        if all {
                            let again = lake.writer("t").compact(thorough, &progress).await.expect("a compaction");
                            prop_assert!(!again.changes, "twice is once");
                        }
                        agrees_with_reference = true;
                    }
                    Step::Widen => {
                        match lake.writer("t").evolve(&[SchemaChange::Widen("v".to_owned())]).await {
                            Ok(made) => past.push((made.0, events.clone())),
                            Err(e) => prop_assert_eq!(e.kind(), ErrorKind::Usage, "it is a Float already"),
                        }
                    }
                    Step::RenameThereAndBack => {
                        let rename = |from: &str, to: &str| SchemaChange::Rename(vec![(from.to_owned(), to.to_owned())]);
                        lake.writer("t").evolve(&[rename("v", "w")]).await.expect("another name");
                        let made = lake.writer("t").evolve(&[rename("w", "v")]).await.expect("the name again");
                        past.push((made.0, events.clone()));
                    }
                }
                let moments = moments.iter().map(|day| Some(BEGINNING_MS + day * DAY_MS)).chain([None]);
                for at in moments {
                    prop_assert_eq!(read(&lake, None, at).await, events.at(at), "as of {:?}", at);
                    if agrees_with_reference {
                        prop_assert_eq!(read_as_reference(&lake, &store, at).await, events.at(at), "the reference, as of {:?}", at);
                    }
                }
                // What tells of a change of sight finds none that an event does not explain.
                let checked = lake.writer("t").check(true, false).await.expect("a check");
                prop_assert!(checked.is_clean(), "{:?}", checked.findings);
            }
            for (version, events) in past {
                for day in &moments {
                    let at = Some(BEGINNING_MS + day * DAY_MS);
                    prop_assert_eq!(read(&lake, Some(version), at).await, events.at(at), "version {} as of {:?}", version, at);
                }
            }
            Ok(())
        })?;
    }

    /// A table of another writer, however odd, answers the same at every moment before and after; and afterwards the
    /// reference's rule answers the same too.
    #[test]
    fn compaction_changes_no_answer_of_any_table(
        segments in prop::collection::vec(odd_segment(), 1..5),
        ratio in prop_oneof![Just(0.0), Just(1.0)],
        by in prop_oneof![Just(SegmentBy::Month), Just(SegmentBy::Bytes(100))],
        moments in prop::collection::vec(-5i64..50, 10),
    ) {
        block_on(async {
            let store = Arc::new(InMemory::new());
            let lake = write_odd_table(&store, &segments).await;
            let moments: Vec<_> = moments.into_iter().map(|at| Some(BEGINNING_MS + at * 3 * DAY_MS)).chain([None]).collect();
            let mut before = Vec::new();
            for at in &moments {
                before.push(read(&lake, None, *at).await);
            }
            let options = CompactOptions { segment_by: Some(by), ratio, ..CompactOptions::default() };
            let progress = Arc::new(Progress::default());
            lake.writer("t").compact(options, &progress).await.expect("a compaction");
            for (at, before) in moments.iter().zip(before) {
                prop_assert_eq!(&read(&lake, None, *at).await, &before, "as of {:?}", at);
                prop_assert_eq!(read_as_reference(&lake, &store, *at).await, before, "the reference, as of {:?}", at);
            }
            let again = lake.writer("t").compact(options, &progress).await.expect("a compaction");
            prop_assert!(!again.changes, "twice is once");
            Ok(())
        })?;
    }
}

/// Start, length, base, deltas with their starts; in threes of days.
type OddSegment = (
    i64,
    Option<i64>,
    Option<Vec<(String, i64, Option<i64>)>>,
    Vec<(i64, Vec<(String, i64, Option<i64>)>)>,
);

fn odd_rows() -> impl Strategy<Value = Vec<(String, i64, Option<i64>)>> {
    prop::collection::vec(("[a-c]", -2i64..40, prop::option::of(0i64..50)), 0..8)
}

fn odd_segment() -> impl Strategy<Value = OddSegment> {
    (
        0i64..30,
        prop::option::of(0i64..16),
        prop::option::of(odd_rows()),
        prop::collection::vec((0i64..40, odd_rows()), 0..3),
    )
}

async fn write_odd_table(store: &Arc<InMemory>, segments: &[OddSegment]) -> azof_tui::Lakehouse {
    use azof_tui::EventTime;
    use azof_tui::snapshot::output_schema;
    use azof_tui::write::{encode_data_file, read_csv};
    use object_store::ObjectStoreExt;
    use object_store::path::Path;

    let ms = |threes: i64| BEGINNING_MS + threes * 3 * DAY_MS;
    let time = |threes: i64| EventTime::from_ms(ms(threes)).to_string();
    let lake = lake_with_table(store.clone(), SegmentBy::Month).await;
    let schema = lake
        .table("t")
        .await
        .expect("a table")
        .manifest()
        .schema
        .clone();
    let mut next = 0;
    let mut file = async |rows: &[(String, i64, Option<i64>)]| {
        next += 1;
        let rows: Vec<_> = rows
            .iter()
            .map(|(k, at, v)| (k.clone(), ms(*at), *v))
            .collect();
        let text = memory_lake::csv_of(&rows);
        let (_, text) = text.split_once('\n').expect("a header");
        let batch = read_csv(text.to_owned(), &schema).expect("rows");
        assert_eq!(batch.schema(), output_schema(schema.columns()));
        let bytes = encode_data_file(&batch).expect("a file");
        let name = format!("f{next}.parquet");
        store
            .put(&Path::from(format!("t/{name}")), bytes.into())
            .await
            .expect("room");
        name
    };
    let mut json = Vec::new();
    for (i, (start, length, base, deltas)) in segments.iter().enumerate() {
        let mut segment = serde_json::json!({ "id": format!("s{i}"), "start": time(*start) });
        if let Some(length) = length {
            segment["end"] = time(start + length).into();
        }
        if let Some(base) = base {
            segment["file"] = file(base).await.into();
        }
        let mut listed = Vec::new();
        for (start, rows) in deltas {
            listed.push(serde_json::json!({ "file": file(rows).await, "start": time(*start) }));
        }
        segment["delta"] = listed.into();
        json.push(segment);
    }
    let manifest = serde_json::json!({
        "schema": { "columns": [{ "name": "v", "data_type": "Int", "nullable": true }] },
        "segments": json,
    });
    store
        .put(&Path::from("t/s1.json"), manifest.to_string().into())
        .await
        .expect("room");
    lake
}

fn row(key: &str, day: i64, value: i64) -> (String, i64, Option<i64>) {
    (key.to_owned(), BEGINNING_MS + day * DAY_MS, Some(value))
}

#[test]
fn bad_rows_are_told_with_their_line_and_nothing_is_appended() {
    block_on(async {
        let store = Arc::new(InMemory::new());
        let lake = lake_with_table(store.clone(), SegmentBy::Month).await;
        for (text, said) in [
            (
                "key,event_time,v\na,2024-01-01,1\nb,2024-01-01,x\n",
                "line 3: v is 'x', which is not a whole number",
            ),
            ("key,event_time,v\n,2024-01-01,1\n", "line 2: key is empty"),
            ("key,event_time,v\na,,1\n", "line 2: event_time is empty"),
            (
                "key,event_time,v\na,soon,1\n",
                "line 2: event_time is 'soon'",
            ),
            (
                "key,event_time,v\na,2024-01-01\n",
                "line 2: it has 2 fields and should have 3",
            ),
            (
                "key,event_time,v\na,99999999999999999,1\n",
                "line 2: event_time is",
            ),
            (
                "key,event_time,v\na,2024-01-01,1\na,2024-01-02,1\na,2024-01-01,2\n",
                "line 4: key 'a' at 2024-01-01T00:00:00.000Z is in line 2 already",
            ),
            (
                "key,event_time,w\na,2024-01-01,1\n",
                "line 1: the table has no column 'w'",
            ),
            (
                "key,time,v\na,2024-01-01,1\n",
                "line 1: the table has no column 'time'",
            ),
            ("key,v\na,1\n", "line 1: there is no column 'event_time'"),
            (
                "key,event_time,v\nb\u{0}\u{1},2024-01-01,9999999999999999999\n",
                "line 2: v is",
            ),
        ] {
            let error = append_text(&lake, text.to_owned()).await.expect_err(said);
            assert!(error.to_string().contains(said), "{error}\n{said}");
            assert_eq!(lake.table("t").await.expect("a table").version().0, 1);
            assert_eq!(
                lake.writer("t")
                    .check(true, false)
                    .await
                    .expect("a check")
                    .findings,
                []
            );
        }
    });
}

/// Segments as large as was asked for, however short or long a time they hold; and the plan says what is made.
#[test]
fn compaction_by_size_fills_segments_up_to_the_size() {
    const DAYS: i64 = 300;
    block_on(async {
        let lake = lake_with_table(Arc::new(InMemory::new()), SegmentBy::Month).await;
        // Ten rows a day for ten days, then one a day: each has 1 byte of key, 8 of time and 8 of value.
        let mut events = Events::default();
        for day in 0..DAYS {
            let keys = if day < 10 { "abcdefghij" } else { "a" };
            let rows: Vec<_> = keys
                .chars()
                .map(|key| row(&key.to_string(), day, day))
                .collect();
            events.add(&rows);
        }
        let rows: Vec<_> = events
            .0
            .iter()
            .map(|((key, at), v)| (key.clone(), *at, *v))
            .collect();
        append(&lake, &rows).await.expect("rows");
        let progress = Arc::new(Progress::default());
        let options = CompactOptions {
            segment_by: Some(SegmentBy::Bytes(17 * 50)),
            ratio: 0.0,
            ..CompactOptions::default()
        };
        let planned = CompactOptions {
            dry_run: true,
            ..options
        };
        let planned = lake
            .writer("t")
            .compact(planned, &progress)
            .await
            .expect("a plan");
        let done = lake
            .writer("t")
            .compact(options, &progress)
            .await
            .expect("a compaction");
        assert_eq!((planned.after, done.version.is_some()), (done.after, true));
        let table = lake.table("t").await.expect("a table");
        let starts: Vec<i64> = table
            .manifest()
            .segments
            .iter()
            .map(|s| (s.start.ms() - BEGINNING_MS) / DAY_MS)
            .collect();
        assert_eq!(starts, [0, 5, 10, 60, 110, 160, 210, 260]);
        for at in [0, 4, 5, 9, 10, 59, 60, 299].map(|day| Some(BEGINNING_MS + day * DAY_MS)) {
            assert_eq!(read(&lake, None, at).await, events.at(at));
        }
        // All that was to be read was read.
        let read = progress.rows_read.load(Ordering::Relaxed);
        assert_eq!(read, events.0.len() as u64);
        assert_eq!(progress.rows_expected.load(Ordering::Relaxed), read);
    });
}

/// What a read costs is weighed by the rows that are dated then, and not by the length of a time without any.
#[test]
fn an_empty_decade_weighs_nothing_in_the_figures() {
    block_on(async {
        let lake = lake_with_table(Arc::new(InMemory::new()), SegmentBy::Month).await;
        for beginning in [0, 3_653] {
            let rows: Vec<_> = (0..20).map(|day| row("a", beginning + day, day)).collect();
            append(&lake, &rows).await.expect("rows");
        }
        let planned = CompactOptions {
            dry_run: true,
            ..CompactOptions::default()
        };
        let progress = Arc::new(Progress::default());
        let planned = lake
            .writer("t")
            .compact(planned, &progress)
            .await
            .expect("a plan");
        // Half of the rows are dated where one file is seen, half where two are.
        assert_eq!(
            (planned.before.files_read * 10.0).round() as i64,
            15,
            "{planned:?}"
        );
    });
}

#[test]
fn a_correction_wins_from_its_version_on() {
    block_on(async {
        let lake = lake_with_table(Arc::new(InMemory::new()), SegmentBy::Month).await;
        append(&lake, &[row("a", 0, 1), row("a", 40, 2)])
            .await
            .expect("rows");
        // Said anew three times, each time over another range of days, so that no start of a delta decides.
        append(&lake, &[row("a", 0, 10), row("b", 30, 5)])
            .await
            .expect("rows");
        append(&lake, &[row("a", 0, 11)]).await.expect("rows");
        append(&lake, &[row("a", 0, 12), row("c", -20, 7)])
            .await
            .expect("rows");
        let at = Some(BEGINNING_MS + DAY_MS);
        let mut said = Vec::new();
        for version in 2..=5 {
            said.push(read(&lake, Some(version), at).await["a"].1);
        }
        assert_eq!(said, [Some(1), Some(10), Some(11), Some(12)]);
        assert_eq!(
            read(&lake, None, Some(BEGINNING_MS - 19 * DAY_MS)).await["c"].1,
            Some(7)
        );
    });
}

#[test]
fn columns_come_and_go_and_old_versions_stay() {
    block_on(async {
        let lake = lake_with_table(Arc::new(InMemory::new()), SegmentBy::Month).await;
        append(&lake, &[row("a", 0, 1)]).await.expect("rows");
        let column = |name: &str, data_type| Column {
            name: name.to_owned(),
            data_type,
            nullable: true,
            stored_as: None,
        };
        let writer = lake.writer("t");
        writer
            .evolve(&[
                SchemaChange::Rename(vec![("v".to_owned(), "price".to_owned())]),
                SchemaChange::Widen("price".to_owned()),
                SchemaChange::Add(column("v", DataType::String)),
            ])
            .await
            .expect("a change");
        append_text(
            &lake,
            "key,event_time,price,v\nb,2024-01-02,1.5,new\n".to_owned(),
        )
        .await
        .expect("rows");
        let text = async |version: Option<u64>| {
            let table = match version {
                Some(version) => lake.table_at("t", azof_tui::format::Version(version)).await,
                None => lake.table("t").await,
            };
            let snapshot = table
                .expect("a table")
                .snapshot(
                    azof_tui::AsOf::Current,
                    &azof_tui::format::Projection::All,
                    &azof_tui::cancel::CancelToken::default(),
                )
                .await
                .expect("rows");
            let names: Vec<String> = snapshot.columns().iter().map(|c| c.name.clone()).collect();
            let rows: Vec<String> = (0..snapshot.len())
                .map(|row| {
                    (0..names.len())
                        .map(|c| format!("{:?}", snapshot.value(row, c)))
                        .collect::<Vec<_>>()
                        .join(" ")
                })
                .collect();
            (names.join(","), rows.join("; "))
        };
        let both = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        // The old column's values do not come back under the new one of its name.
        assert_eq!(
            text(None).await,
            both("price,v", "Float(1.0) Null; Float(1.5) Text(\"new\")")
        );
        assert_eq!(text(Some(2)).await, both("v", "Int(1)"));
        writer
            .evolve(&[
                SchemaChange::Drop("v".to_owned()),
                SchemaChange::Add(column("v", DataType::String)),
            ])
            .await
            .expect("a change");
        assert_eq!(
            text(None).await,
            both("price,v", "Float(1.0) Null; Float(1.5) Null")
        );
        let progress = Arc::new(Progress::default());
        writer
            .compact(CompactOptions::default(), &progress)
            .await
            .expect("a compaction");
        assert_eq!(
            text(None).await,
            both("price,v", "Float(1.0) Null; Float(1.5) Null")
        );
        for bad in [
            SchemaChange::Drop("nope".to_owned()),
            SchemaChange::Rename(vec![("price".to_owned(), "v".to_owned())]),
            SchemaChange::Rename(vec![("price".to_owned(), "key".to_owned())]),
            SchemaChange::Rename(vec![
                ("price".to_owned(), "a".to_owned()),
                ("price".to_owned(), "b".to_owned()),
            ]),
            SchemaChange::Widen("v".to_owned()),
            SchemaChange::Add(column("price", DataType::Int)),
            SchemaChange::Rename(vec![("price".to_owned(), "price".to_owned())]),
        ] {
            assert!(
                writer.evolve(std::slice::from_ref(&bad)).await.is_err(),
                "{bad:?}"
            );
        }
    });
}

#[test]
fn a_vacuum_leaves_what_is_current_and_what_is_young() {
    block_on(async {
        let store = Arc::new(InMemory::new());
        let lake = lake_with_table(store.clone(), SegmentBy::Month).await;
        append(&lake, &[row("a", 0, 1)]).await.expect("rows");
        append(&lake, &[row("a", 40, 2)]).await.expect("rows");
        let progress = Arc::new(Progress::default());
        let writer = lake.writer("t");
        writer
            .compact(CompactOptions::default(), &progress)
            .await
            .expect("a compaction");
        assert_eq!(
            writer
                .vacuum(memory_lake::older_than(DAY_MS))
                .await
                .expect("a vacuum")
                .files,
            []
        );
        let before = read(&lake, None, None).await;
        // The clock of the store may be a moment ahead.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let planned = writer
            .vacuum(VacuumOptions {
                dry_run: true,
                ..memory_lake::older_than(0)
            })
            .await
            .expect("a plan");
        let gone = writer
            .vacuum(memory_lake::older_than(0))
            .await
            .expect("a vacuum");
        assert_eq!(planned, gone);
        assert_eq!(gone.versions.len(), 3);
        assert!(gone.files.len() > gone.versions.len());
        let fresh = memory_lake::lake_on(store);
        assert_eq!(read(&fresh, None, None).await, before);
        assert_eq!(
            fresh.writer("t").versions().await.expect("versions").len(),
            1
        );
        assert!(
            fresh
                .writer("t")
                .check(true, false)
                .await
                .expect("a check")
                .is_clean()
        );
        append(&fresh, &[row("b", 50, 3)]).await.expect("rows");
    });
}

/// Every commit says one number of all keys; a reader that sees two numbers has seen a torn state.
#[test]
fn ten_thousand_reads_during_a_thousand_commits_see_no_torn_state() {
    const COMMITS: i64 = 1_000;
    const READS: usize = 10_000;
    block_on(async {
        let store = Arc::new(InMemory::new());
        let lake = lake_with_table(store.clone(), SegmentBy::Month).await;
        append(&lake, &["a", "b", "c"].map(|key| row(key, 0, 0)))
            .await
            .expect("rows");
        let reads = Arc::new(AtomicUsize::new(0));
        let done = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let (lake, reads, done) = (lake.clone(), Arc::clone(&reads), Arc::clone(&done));
                tokio::spawn(async move {
                    let mut last = 0;
                    while !done.load(Ordering::Relaxed) || reads.load(Ordering::Relaxed) < READS {
                        let rows = read(&lake, None, None).await;
                        let numbers: Vec<i64> = rows.values().filter_map(|(_, v)| *v).collect();
                        assert_eq!(numbers.len(), 3);
                        assert!(
                            numbers.iter().all(|n| *n == numbers[0]),
                            "torn: {numbers:?}"
                        );
                        assert!(numbers[0] >= last, "back from {last} to {}", numbers[0]);
                        last = numbers[0];
                        reads.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let progress = Arc::new(Progress::default());
        for commit in 1..COMMITS {
            // In order, and every third one late: a correction.
            let day = if commit % 3 == 0 { 0 } else { commit / 10 };
            let mut rows = ["a", "b", "c"].map(|key| row(key, day, commit)).to_vec();
            rows.extend(["a", "b", "c"].map(|key| row(key, 200 + commit, commit)));
            append(&lake, &rows).await.expect("a commit");
            if commit % 25 == 0 {
                lake.writer("t")
                    .compact(
                        CompactOptions {
                            ratio: 100.0,
                            ..CompactOptions::default()
                        },
                        &progress,
                    )
                    .await
                    .expect("a compaction");
            }
        }
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            reader.await.expect("a sound reader");
        }
        assert!(reads.load(Ordering::Relaxed) >= READS);
    });
}

#[test]
fn writers_that_meet_lose_nothing() {
    const WRITERS: i64 = 6;
    const EACH: i64 = 15;
    block_on(async {
        let store = Arc::new(InMemory::new());
        let lake = lake_with_table(store.clone(), SegmentBy::Month).await;
        let conflicts = Arc::new(AtomicUsize::new(0));
        let writers: Vec<_> = (0..WRITERS)
            .map(|w| {
                let (lake, conflicts) = (lake.clone(), Arc::clone(&conflicts));
                tokio::spawn(async move {
                    for i in 0..EACH {
                        let rows = [row(&format!("{w}-{i}"), i, i)];
                        while let Err(e) = append(&lake, &rows).await {
                            assert_eq!(e.kind(), ErrorKind::Conflict, "{e}");
                            conflicts.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.expect("a sound writer");
        }
        assert_eq!(read(&lake, None, None).await.len() as i64, WRITERS * EACH);
        assert_eq!(
            lake.table("t").await.expect("a table").version().0 as i64,
            1 + WRITERS * EACH
        );
        // The files of those that lost are gone.
        let checked = lake.writer("t").check(true, false).await.expect("a check");
        assert_eq!(checked.findings, []);
        assert!(conflicts.load(Ordering::Relaxed) > 0, "they never met");
    });
}
