//! Tables with a column of every type, read cold and by an index.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMillisecondArray,
};
use azof_tui::cancel::CancelToken;
use azof_tui::format::{Column, DataType, Projection};
use azof_tui::scan::ReadLimits;
use azof_tui::snapshot::Snapshot;
use azof_tui::{AsOf, Lakehouse, Table};
use proptest::prelude::*;

use super::{Lake, batch_to_parquet};

/// A row of the table: key, event time (ms), then the columns `n`, `f`, `t`, `b`, `d`.
#[derive(Debug, Clone, PartialEq)]
pub struct MixedRow {
    pub key: String,
    pub event_time: i64,
    pub n: Option<i64>,
    pub f: Option<f64>,
    pub t: Option<String>,
    pub b: Option<bool>,
    pub d: Option<i64>,
}

/// The value columns.
pub fn columns() -> Vec<Column> {
    [
        ("n", DataType::Int),
        ("f", DataType::Float),
        ("t", DataType::String),
        ("b", DataType::Boolean),
        ("d", DataType::DateTime),
    ]
    .into_iter()
    .map(|(name, data_type)| Column {
        name: name.to_owned(),
        data_type,
        nullable: true,
        stored_as: None,
    })
    .collect()
}

/// Rows with values at the edges of their types, few enough that they repeat.
pub fn row(keys: &'static str) -> impl Strategy<Value = MixedRow> {
    let n =
        prop_oneof![4 => -3i64..4, 1 => Just(i64::MAX), 1 => Just(i64::MIN), 2 => 999i64..1_002];
    let f = prop_oneof![
        4 => (-4i32..5).prop_map(|n| f64::from(n) / 2.0),
        1 => Just(-0.0),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
        1 => Just(9_223_372_036_854_775_808.0),
    ];
    let t = "[aB]{0,2}|fifteen letters[ab]{0,2}|Straße|it's \"x\"";
    let d = prop_oneof![3 => -2i64..3, 1 => Just(86_400_000i64)];
    let own = (keys, 0i64..24);
    let values = (
        prop::option::weighted(0.8, n),
        prop::option::weighted(0.8, f),
        prop::option::weighted(0.8, t),
        prop::option::weighted(0.8, any::<bool>()),
        prop::option::weighted(0.8, d),
    );
    (own, values).prop_map(|((key, event_time), (n, f, t, b, d))| MixedRow {
        key,
        event_time,
        n,
        f,
        t,
        b,
        d,
    })
}

pub fn file(rows: &[MixedRow], group: usize) -> Vec<u8> {
    let times = |times: Vec<Option<i64>>| -> ArrayRef {
        Arc::new(TimestampMillisecondArray::from(times).with_timezone("UTC"))
    };
    let keys: StringArray = rows.iter().map(|r| Some(r.key.as_str())).collect();
    let n: Int64Array = rows.iter().map(|r| r.n).collect();
    let f: Float64Array = rows.iter().map(|r| r.f).collect();
    let t: StringArray = rows.iter().map(|r| r.t.as_deref()).collect();
    let b: BooleanArray = rows.iter().map(|r| r.b).collect();
    batch_to_parquet(
        vec![
            ("key", Arc::new(keys) as ArrayRef),
            (
                "event_time",
                times(rows.iter().map(|r| Some(r.event_time)).collect()),
            ),
            ("n", Arc::new(n)),
            ("f", Arc::new(f)),
            ("t", Arc::new(t)),
            ("b", Arc::new(b)),
            ("d", times(rows.iter().map(|r| r.d).collect())),
        ],
        group,
        group,
    )
}

/// A table `t` with these files, each the base of a segment that lies beneath the one before.
pub fn lake(files: &[Vec<MixedRow>], group: usize) -> Lake {
    let lake = Lake::new();
    let columns: Vec<String> = columns()
        .iter()
        .map(|c| {
            format!(
                r#"{{"name":"{}","data_type":"{}","nullable":true}}"#,
                c.name, c.data_type
            )
        })
        .collect();
    let segment = |i: usize| {
        format!(r#"{{"id":"s{i}","start":"1970-01-01T00:00:00.00{i}Z","file":"f{i}.parquet"}}"#)
    };
    let segments: Vec<String> = (0..files.len()).map(segment).collect();
    let manifest = format!(
        r#"{{"schema":{{"columns":[{}]}},"segments":[{}]}}"#,
        columns.join(","),
        segments.join(",")
    );
    lake.write("t", "version.txt", "1")
        .write("t", "s1.json", manifest);
    for (i, rows) in files.iter().enumerate() {
        lake.write("t", &format!("f{i}.parquet"), file(rows, group));
    }
    lake
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    azof_tui::engine::runtime("test")
        .expect("a runtime")
        .block_on(work)
}

pub async fn open(lake: &Lake) -> Table {
    let limits = ReadLimits {
        cache_bytes: 1 << 28,
        ..ReadLimits::default()
    };
    let lake = Lakehouse::open(lake.path(), limits).expect("a lake");
    lake.table("t").await.expect("a table")
}

/// The rows as a read finds them, and as an index answers.
pub async fn both_ways(table: &Table, at: AsOf) -> [Arc<Snapshot>; 2] {
    let cancel = CancelToken::default();
    let cold = table
        .snapshot(at, &Projection::All, &cancel)
        .await
        .expect("rows");
    let epoch = table.epochs().at(at);
    assert!(
        table
            .prepare(&epoch, &Projection::All, &cancel)
            .await
            .expect("an index")
    );
    let indexed = table
        .prepared_snapshot(at, &Projection::All)
        .expect("at hand");
    [Arc::new(cold), Arc::new(indexed)]
}
