//! What a table was at a moment: the plan, the read and the newest row of every key, held against a naive reader.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]

mod support;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Int32Array, LargeStringArray, StringArray, StringViewArray,
    TimestampMicrosecondArray, TimestampNanosecondArray,
};
use arrow::datatypes::Int32Type;
use azof_tui::cancel::CancelToken;
use azof_tui::diff::{ChangeKind, Diff};
use azof_tui::format::Projection;
use azof_tui::provenance::Verdict;
use azof_tui::scan::{ReadLimits, Value};
use azof_tui::snapshot::Snapshot;
use azof_tui::{AsOf, ErrorKind, EventTime, Lakehouse};
use proptest::prelude::*;
use support::{Lake, Row, batch_to_parquet, parquet, shared_lake, test_data};

/// A segment as the test invents it; times are small numbers of milliseconds.
#[derive(Debug, Clone)]
struct Segment {
    start: i64,
    end: Option<i64>,
    base: Option<Vec<Row>>,
    deltas: Vec<(i64, Vec<Row>)>,
    children: Vec<Segment>,
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    // Few keys and few times make many ties; some times lie outside every range.
    prop::collection::vec(
        (
            "[a-e]|longer than twelve bytes [ab]",
            -2i64..32,
            prop::option::of(0i64..50),
        ),
        0..14,
    )
}

fn leaf() -> impl Strategy<Value = Segment> {
    let bounds = (0i64..24, prop::option::of(0i64..16));
    (
        bounds,
        prop::option::of(rows()),
        prop::collection::vec((0i64..30, rows()), 0..3),
    )
        .prop_map(|((start, length), base, deltas)| Segment {
            start,
            end: length.map(|l| start + l),
            base,
            deltas,
            children: vec![],
        })
}

fn tree() -> impl Strategy<Value = Vec<Segment>> {
    let segment = leaf().prop_recursive(2, 8, 3, |inner| {
        (leaf(), prop::collection::vec(inner, 0..3))
            .prop_map(|(s, children)| Segment { children, ..s })
    });
    prop::collection::vec(segment, 0..4)
}

/// Writes the files of a segment and answers its JSON.
fn write_segment(
    lake: &Lake,
    segment: &Segment,
    next: &mut usize,
    group: usize,
    page: usize,
) -> String {
    let mut file = |rows: &Vec<Row>| {
        *next += 1;
        let name = format!("f{next}.parquet");
        lake.write("t", &name, parquet(rows, group, page));
        name
    };
    let time = |ms: i64| EventTime::from_ms(ms).to_string();
    let mut json = format!(r#"{{"id":"s","start":"{}""#, time(segment.start));
    if let Some(end) = segment.end {
        json += &format!(r#","end":"{}""#, time(end));
    }
    if let Some(base) = &segment.base {
        json += &format!(r#","file":"{}""#, file(base));
    }
    let deltas: Vec<String> = segment
        .deltas
        .iter()
        .map(|(start, rows)| {
            format!(
                r#"{{"file":"{}","start":"{}","end":"{}"}}"#,
                file(rows),
                time(*start),
                time(start + 9)
            )
        })
        .collect();
    json += &format!(r#","delta":[{}]"#, deltas.join(","));
    let children: Vec<String> = segment
        .children
        .iter()
        .map(|c| write_segment(lake, c, next, group, page))
        .collect();
    json + &format!(r#","segments":[{}]}}"#, children.join(","))
}

/// FORMAT 3, word by word: the rows of the planned files, earlier file first.
fn naive_plan(segments: &[Segment], at: Option<i64>, out: &mut Vec<Vec<Row>>) {
    for s in segments {
        let kept = match at {
            Some(t) => s.start <= t && s.end.is_none_or(|e| t <= e),
            None => s.end.is_none(),
        };
        if !kept {
            continue;
        }
        naive_plan(&s.children, at, out);
        let mut deltas: Vec<&(i64, Vec<Row>)> = s
            .deltas
            .iter()
            .filter(|(start, _)| at.is_none_or(|t| *start <= t))
            .collect();
        deltas.sort_by_key(|(start, _)| std::cmp::Reverse(*start));
        out.extend(deltas.into_iter().map(|(_, rows)| rows.clone()));
        out.extend(s.base.clone());
    }
}

/// FORMAT 4, word by word.
fn naive_snapshot(segments: &[Segment], at: Option<i64>) -> BTreeMap<String, (i64, Option<i64>)> {
    let mut files = Vec::new();
    naive_plan(segments, at, &mut files);
    let mut newest: BTreeMap<String, (i64, Option<i64>)> = BTreeMap::new();
    for (key, time, value) in files.into_iter().flatten() {
        if at.is_some_and(|t| time > t) {
            continue;
        }
        match newest.get(&key) {
            Some((held, _)) if *held >= time => {}
            _ => drop(newest.insert(key, (time, value))),
        }
    }
    newest
}

/// The ticks, word by word: when each (key, event time) pair is first visible.
fn naive_ticks(segments: &[Segment], from: i64, seen: &mut HashMap<(String, i64), i64>) {
    for s in segments {
        let from = from.max(s.start);
        let mut add = |rows: &[Row], from: i64| {
            for (key, time, _) in rows {
                let at = (*time).max(from);
                let first = seen.entry((key.clone(), *time)).or_insert(at);
                *first = at.min(*first);
            }
        };
        s.deltas
            .iter()
            .for_each(|(start, rows)| add(rows, from.max(*start)));
        s.base.iter().for_each(|rows| add(rows, from));
        naive_ticks(&s.children, from, seen);
    }
}

fn contents(snapshot: &Snapshot) -> BTreeMap<String, (i64, Option<i64>)> {
    let value = |row| match snapshot.value(row, 0) {
        Value::Int(v) => Some(v),
        _ => None,
    };
    let rows: Vec<_> = (0..snapshot.len())
        .map(|r| {
            (
                snapshot.key(r).to_owned(),
                (snapshot.event_time(r).ms(), value(r)),
            )
        })
        .collect();
    assert!(
        rows.windows(2).all(|w| w[0].0 < w[1].0),
        "rows come in key order"
    );
    rows.into_iter().collect()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    azof_tui::engine::runtime("test")
        .expect("a runtime")
        .block_on(work)
}

fn as_of(at: Option<i64>) -> AsOf {
    at.map_or(AsOf::Current, |t| AsOf::At(EventTime::from_ms(t)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_read_equals_the_naive_one_at_every_moment(
        segments in tree(), group in 1usize..8, page in 1usize..4, moments in prop::collection::vec(-3i64..45, 6),
        budget in 0usize..20_000,
    ) {
        let lake = Lake::new();
        let mut next = 0;
        let json: Vec<String> = segments.iter().map(|s| write_segment(&lake, s, &mut next, group, page)).collect();
        lake.table("t", &json.join(","));
        block_on(async {
            let cold = Lakehouse::open(lake.path(), ReadLimits::default()).expect("a lake");
            let kept = Lakehouse::open(lake.path(), ReadLimits { cache_bytes: 1 << 20, ..ReadLimits::default() }).expect("a lake");
            let starved = Lakehouse::open(lake.path(), ReadLimits { cache_bytes: 1, decoders: 1, ..ReadLimits::default() }).expect("a lake");
            let tight = Lakehouse::open(lake.path(), ReadLimits { cache_bytes: budget, ..ReadLimits::default() }).expect("a lake").table("t").await.expect("a table");
            let indexed = kept.table("t").await.expect("a table");
            let cancel = CancelToken::default();
            let mut all_moments: Vec<Option<i64>> = moments.iter().copied().map(Some).chain([None]).collect();
            // Neighbours lie in one epoch more often than moments drawn at random.
            all_moments.extend(moments.iter().flat_map(|at| [Some(*at), Some(at + 1), Some(*at)]));
            for at in all_moments.iter().copied() {
                let expected = naive_snapshot(&segments, at);
                let epoch = indexed.epochs().at(as_of(at));
                prop_assert!(indexed.prepare(&epoch, &Projection::All, &cancel).await.expect("an index"));
                let snapshot = indexed.prepared_snapshot(as_of(at), &Projection::All).expect("it is at hand");
                prop_assert_eq!(contents(&snapshot), expected.clone(), "by the index, as of {:?}", at);
                // Whatever is driven out of memory, the answer is the same.
                tight.prepare(&epoch, &Projection::All, &cancel).await.expect("an index, or no room for one");
                let snapshot_of_tight = tight.snapshot(as_of(at), &Projection::All, &cancel).await.expect("rows");
                prop_assert_eq!(contents(&snapshot_of_tight), expected.clone(), "with {} bytes, as of {:?}", budget, at);
                for (row, key) in expected.keys().enumerate() {
                    prop_assert_eq!(snapshot.find(key), Ok(row));
                    prop_assert_eq!(snapshot.find(&format!("{key} ")), Err(row + 1));
                }
                for lakehouse in [&cold, &kept, &starved] {
                    let table = lakehouse.table("t").await.expect("a table");
                    let snapshot = table.snapshot(as_of(at), &Projection::All, &CancelToken::default()).await.expect("rows");
                    prop_assert_eq!(contents(&snapshot), expected.clone(), "as of {:?}", at);
                }
            }
            // Differences that the index answers are those of two reads.
            let cold_table = cold.table("t").await.expect("a table");
            for pair in all_moments.windows(2) {
                let by_index = indexed.diff(as_of(pair[0]), as_of(pair[1]), &Projection::All, &cancel).await.expect("a difference");
                let by_reads = cold_table.diff(as_of(pair[0]), as_of(pair[1]), &Projection::All, &cancel).await.expect("a difference");
                let all = |diff: &Diff| -> Vec<(String, ChangeKind, Option<usize>, Option<usize>)> {
                    diff.changes().map(|c| (diff.key(c).to_owned(), c.kind, c.a(), c.b())).collect()
                };
                prop_assert_eq!(all(&by_index), all(&by_reads), "from {:?} to {:?}", pair[0], pair[1]);
                prop_assert_eq!(by_index.summary(), by_reads.summary());
            }
            // What a key's history says of a moment is what a read as of it says.
            for key in ["a", "b", "longer than twelve bytes a", "no such key"] {
                let history = indexed.history(key, &Projection::All, &cancel).await.expect("a history");
                for at in (-3..45).map(Some).chain([None]) {
                    let moment = at.unwrap_or(i64::MAX);
                    let holds = |v: &usize| {
                        history.valid_from(*v).ms() <= moment && history.valid_to(*v).is_none_or(|to| moment <= to.ms())
                    };
                    let shown: Vec<usize> = (0..history.len()).filter(holds).collect();
                    prop_assert!(shown.len() <= 1);
                    let shown = shown.first().map(|v| {
                        let value = if let Value::Int(value) = history.value(*v, 0) { Some(value) } else { None };
                        (history.event_time(*v).ms(), value)
                    });
                    let expected = naive_snapshot(&segments, at);
                    prop_assert_eq!(shown, expected.get(key).copied(), "{} at {:?}", key, at);
                }
                // The moments at which it changes are all of those, and no others.
                let differs = |at: &i64| naive_snapshot(&segments, Some(at - 1)).get(key) != naive_snapshot(&segments, Some(*at)).get(key);
                prop_assert_eq!(history.changes(None), (-3..60).filter(differs).collect::<Vec<_>>());
            }
            let ticks = cold.table("t").await.expect("a table").ticks(&CancelToken::default()).await.expect("ticks");
            let mut seen = HashMap::new();
            naive_ticks(&segments, i64::MIN, &mut seen);
            let mut expected: BTreeMap<i64, u32> = BTreeMap::new();
            seen.values().for_each(|at| *expected.entry(*at).or_default() += 1);
            let found: BTreeMap<i64, u32> = ticks.iter().map(|t| (t.event_time.ms(), t.changes)).collect();
            prop_assert_eq!(found, expected);
            Ok(())
        })?;
    }
}

/// Why a key's row is the one shown, word by word: of every row of the key in the planned files, the position of its
/// file, its position there, its event time, and what became of it; in order of those three.
fn naive_explanation(
    segments: &[Segment],
    at: Option<i64>,
    key: &str,
) -> Vec<(usize, usize, i64, Verdict)> {
    let mut files = Vec::new();
    naive_plan(segments, at, &mut files);
    let mut rows = Vec::new();
    for (file, of_file) in files.iter().enumerate() {
        for (row, (_, time, _)) in of_file.iter().enumerate().filter(|(_, (k, ..))| k == key) {
            rows.push((file, row, *time));
        }
    }
    let admitted = |time: i64| at.is_none_or(|t| time <= t);
    // The greatest event time, and of equal ones the first.
    let newest = rows.iter().filter(|r| admitted(r.2)).map(|r| r.2).max();
    let shown = rows.iter().copied().find(|r| Some(r.2) == newest);
    let verdict = |row: &(usize, usize, i64)| match shown {
        _ if !admitted(row.2) => Verdict::BeyondMoment,
        Some(shown) if shown == *row => Verdict::Shown,
        Some(shown) if row.2 < shown.2 => Verdict::Older,
        Some(shown) if row.0 > shown.0 => Verdict::LowerPrecedence,
        _ => Verdict::LaterInFile,
    };
    rows.iter().map(|r| (r.0, r.1, r.2, verdict(r))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_row_is_explained_by_every_row_of_its_key_that_the_planned_files_hold(
        segments in tree(), group in 1usize..8, page in 1usize..4, moments in prop::collection::vec(-3i64..45, 5),
    ) {
        let lake = Lake::new();
        let mut next = 0;
        let json: Vec<String> = segments.iter().map(|s| write_segment(&lake, s, &mut next, group, page)).collect();
        lake.table("t", &json.join(","));
        block_on(async {
            let kept = ReadLimits { cache_bytes: 1 << 20, ..ReadLimits::default() };
            for limits in [ReadLimits::default(), kept] {
                let table = Lakehouse::open(lake.path(), limits).expect("a lake").table("t").await.expect("a table");
                for at in moments.iter().copied().map(Some).chain([None]) {
                    let snapshot = table.snapshot(as_of(at), &Projection::All, &CancelToken::default()).await.expect("rows");
                    for key in ["a", "c", "longer than twelve bytes b", "no such key"] {
                        let why = table.provenance(key, as_of(at), &CancelToken::default()).await.expect("an answer");
                        let mut found: Vec<_> = why.rows.iter().map(|r| (r.precedence, r.row_in_file, r.event_time.ms(), r.verdict)).collect();
                        let order: Vec<_> = found.iter().map(|r| (std::cmp::Reverse(r.2), r.0, r.1)).collect();
                        prop_assert!(order.is_sorted(), "newest first");
                        found.sort_unstable_by_key(|r| (r.0, r.1));
                        prop_assert_eq!(&found, &naive_explanation(&segments, at, key), "{} as of {:?}", key, at);
                        // The row that is shown is the one that a read shows, to the row group.
                        let row = snapshot.find(key).ok().map(|row| snapshot.locate(row));
                        let place = row.map(|(rows, at)| {
                            let number = rows.row_numbers.as_ref().map_or(at, |n| n[at] as usize);
                            (rows.row_group, number, rows.event_times[at])
                        });
                        let shown = why.shown().map(|r| (r.row_group, r.row_in_group, r.event_time.ms()));
                        prop_assert_eq!(shown, place);
                    }
                }
            }
            Ok(())
        })?;
    }
}

fn one_file_lake(columns: Vec<(&str, ArrayRef)>) -> Lake {
    let lake = Lake::new();
    lake.table(
        "t",
        r#"{"id":"s","start":"1960-01-01T00:00:00Z","file":"f.parquet"}"#,
    )
    .write("t", "f.parquet", batch_to_parquet(columns, 100, 100));
    lake
}

fn current(lake: &Lake) -> Snapshot {
    block_on(async {
        let table = Lakehouse::open(lake.path(), ReadLimits::default())
            .expect("a lake")
            .table("t")
            .await
            .expect("a table");
        table
            .snapshot(AsOf::Current, &Projection::All, &CancelToken::default())
            .await
            .expect("rows")
    })
}

#[test]
fn files_of_other_writers_are_read() {
    let views: ArrayRef = Arc::new(StringViewArray::from(vec!["a", "b"]));
    let large: ArrayRef = Arc::new(LargeStringArray::from(vec!["a", "b"]));
    let dictionary: ArrayRef = Arc::new(
        vec!["a", "b"]
            .into_iter()
            .collect::<DictionaryArray<Int32Type>>(),
    );
    let micros: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![-1, 1_999]));
    let nanos: ArrayRef =
        Arc::new(TimestampNanosecondArray::from(vec![-1, 1_999_999]).with_timezone("+02:00"));
    for keys in [views, large, dictionary] {
        for times in [&micros, &nanos] {
            // Another order, a narrower number, a surplus column.
            let lake = one_file_lake(vec![
                ("surplus", Arc::new(StringArray::from(vec!["x", "y"]))),
                ("v", Arc::new(Int32Array::from(vec![Some(7), None]))),
                ("event_time", Arc::clone(times)),
                ("key", Arc::clone(&keys)),
            ]);
            let expected = [("a".to_owned(), (-1, Some(7))), ("b".to_owned(), (1, None))];
            assert_eq!(contents(&current(&lake)), expected.into_iter().collect());
        }
    }
}

#[test]
fn a_column_that_a_file_lacks_reads_as_null() {
    let times: ArrayRef = Arc::new(arrow::array::TimestampMillisecondArray::from(vec![3]));
    let lake = one_file_lake(vec![
        ("key", Arc::new(StringArray::from(vec!["a"]))),
        ("event_time", times),
    ]);
    assert_eq!(
        contents(&current(&lake)),
        [("a".to_owned(), (3, None))].into_iter().collect()
    );
}

#[test]
fn pages_and_row_groups_beyond_the_moment_are_not_decoded() {
    let lake = Lake::new();
    let rows: Vec<Row> = (0..1000)
        .map(|i| (format!("k{i:04}"), i, Some(i)))
        .collect();
    lake.table(
        "t",
        r#"{"id":"s","start":"1970-01-01T00:00:00Z","file":"f.parquet"}"#,
    )
    .write("t", "f.parquet", parquet(&rows, 500, 50));
    block_on(async {
        let table = Lakehouse::open(lake.path(), ReadLimits::default())
            .expect("a lake")
            .table("t")
            .await
            .expect("a table");
        let at = as_of(Some(120));
        let snapshot = table
            .snapshot(at, &Projection::All, &CancelToken::default())
            .await
            .expect("rows");
        assert_eq!(snapshot.len(), 121);
        let cost = snapshot.cost();
        assert_eq!(
            (cost.row_groups, cost.row_groups_pruned, cost.rows),
            (1, 1, 150),
            "three pages of fifty"
        );
    });
}

#[test]
fn only_the_columns_asked_for_are_read() {
    block_on(async {
        let lake = Lakehouse::open(&test_data(), ReadLimits::default()).expect("the lake");
        let table = lake.table("financials").await.expect("the table");
        let none = Projection::Columns(Vec::new());
        let at = as_of(Some(1_500_000_000_000));
        let bare = table
            .snapshot(at, &none, &CancelToken::default())
            .await
            .expect("rows");
        let full = table
            .snapshot(at, &Projection::All, &CancelToken::default())
            .await
            .expect("rows");
        assert_eq!(bare.len(), full.len());
        assert!(bare.columns().is_empty());
        let refused = table
            .snapshot(at, &Projection::parse("nope"), &CancelToken::default())
            .await
            .expect_err("refused");
        assert_eq!(refused.kind(), ErrorKind::ColumnNotFound);
        assert!(
            refused
                .next_step()
                .is_some_and(|hint| hint.contains("net_income"))
        );
    });
}

#[test]
fn a_read_over_its_budget_is_an_error_before_anything_is_decoded() {
    block_on(async {
        let limits = ReadLimits {
            read_bytes: 1_000,
            ..ReadLimits::default()
        };
        let lake = Lakehouse::open(&test_data(), limits).expect("the lake");
        let table = lake.table("financials").await.expect("the table");
        let refused = table
            .snapshot(AsOf::Current, &Projection::All, &CancelToken::default())
            .await
            .expect_err("refused");
        assert_eq!(refused.kind(), ErrorKind::Budget);
    });
}

#[test]
fn a_cancelled_read_is_an_error() {
    block_on(async {
        let lake = Lakehouse::open(&test_data(), ReadLimits::default()).expect("the lake");
        let table = lake.table("financials").await.expect("the table");
        let cancel = CancelToken::default();
        cancel.cancel();
        for outcome in [
            table
                .snapshot(AsOf::Current, &Projection::All, &cancel)
                .await
                .map(|_| ()),
            table.ticks(&cancel).await.map(|_| ()),
        ] {
            assert_eq!(outcome.expect_err("cancelled").kind(), ErrorKind::Cancelled);
        }
    });
}

#[test]
fn the_public_lake_reads_as_it_should() {
    let Some(path) = shared_lake("the_public_lake_reads_as_it_should") else {
        return;
    };
    block_on(async {
        let lake = Lakehouse::open(&path, ReadLimits::default()).expect("the lake");
        let table = lake.table("financials").await.expect("the table");
        for (at, rows) in [
            ("2019-11-17", 22_790),
            ("1999-12-31", 0),
            ("2000-01-01", 1_760),
        ] {
            let at = azof_tui::event_time::parse_calendar(at).expect("a date");
            let snapshot = table
                .snapshot(AsOf::At(at), &Projection::All, &CancelToken::default())
                .await
                .expect("rows");
            assert_eq!(snapshot.len(), rows, "{at}");
        }
        let now = table
            .snapshot(AsOf::Current, &Projection::All, &CancelToken::default())
            .await
            .expect("rows");
        assert_eq!(now.len(), 22_855);
        // DuckDB counts the same over the files; see tests/check_with_duckdb.py.
        let ticks = table.ticks(&CancelToken::default()).await.expect("ticks");
        let changes: u64 = ticks.iter().map(|t| u64::from(t.changes)).sum();
        assert_eq!((ticks.len(), changes), (252, 1_039_795));
        assert_eq!(
            ticks.range().map(|(first, _)| first.to_string()).as_deref(),
            Some("2000-01-01T00:00:00.000Z")
        );
    });
}
