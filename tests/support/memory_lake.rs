//! Lakes in memory, and what they should hold: events in a list, looked through as the format's words have it.
#![allow(
    dead_code,
    clippy::expect_used,
    reason = "each test file uses its share, and a broken fixture should stop it"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMillisecondType};
use azof_tui::cancel::CancelToken;
use azof_tui::format::Projection;
use azof_tui::scan::ReadLimits;
use azof_tui::store::Store;
use azof_tui::write::{
    Appended, Input, InputOptions, Progress, SegmentBy, VacuumOptions, parse_columns,
};
use azof_tui::{AsOf, EventTime, Lakehouse, Result};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

pub const DAY_MS: i64 = 86_400_000;

/// 2024-01-01.
pub const BEGINNING_MS: i64 = 1_704_067_200_000;

/// Key to event time (ms) and value.
pub type Rows = BTreeMap<String, (i64, Option<i64>)>;

/// What a table should say: the last word on every key and event time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Events(pub BTreeMap<(String, i64), Option<i64>>);

impl Events {
    pub fn add(&mut self, rows: &[(String, i64, Option<i64>)]) {
        for (key, at, value) in rows {
            self.0.insert((key.clone(), *at), *value);
        }
    }

    /// Word by word: of each key the row with the greatest event time.
    pub fn at(&self, at: Option<i64>) -> Rows {
        let mut newest = Rows::new();
        for ((key, time), value) in &self.0 {
            // They come in order of key, then time.
            if at.is_none_or(|at| *time <= at) {
                newest.insert(key.clone(), (*time, *value));
            }
        }
        newest
    }

    pub fn newest(&self) -> Option<i64> {
        self.0.keys().map(|(_, at)| *at).max()
    }
}

pub fn moment(at: Option<i64>) -> AsOf {
    at.map_or(AsOf::Current, |at| AsOf::At(EventTime::from_ms(at)))
}

pub fn lake_on(store: Arc<dyn ObjectStore>) -> Lakehouse {
    let store = Store::new(store, Path::default(), "memory".to_owned());
    Lakehouse::with_store(store, ReadLimits::default())
}

/// A lake with a table `t` of one Int column `v`.
pub async fn lake_with_table(store: Arc<dyn ObjectStore>, by: SegmentBy) -> Lakehouse {
    let lake = lake_on(store);
    let columns = parse_columns("v:Int").expect("columns");
    lake.writer("t")
        .create(&columns, by)
        .await
        .expect("a table");
    lake
}

pub fn csv_of(rows: &[(String, i64, Option<i64>)]) -> String {
    let mut text = "key,event_time,v\n".to_owned();
    for (key, at, value) in rows {
        let value = value.map_or(String::new(), |v| v.to_string());
        text += &format!("{key},{},{value}\n", EventTime::from_ms(*at));
    }
    text
}

pub async fn append(lake: &Lakehouse, rows: &[(String, i64, Option<i64>)]) -> Result<Appended> {
    append_text(lake, csv_of(rows)).await
}

pub async fn append_text(lake: &Lakehouse, text: String) -> Result<Appended> {
    let input = Input::Csv(Box::new(std::io::Cursor::new(text)));
    let progress = Arc::new(Progress::default());
    lake.writer("t")
        .append(input, &InputOptions::default(), None, &progress)
        .await
}

/// What a cold read of a version answers; `None` is the current version.
pub async fn read(lake: &Lakehouse, version: Option<u64>, at: Option<i64>) -> Rows {
    let table = match version {
        Some(version) => lake.table_at("t", azof_tui::format::Version(version)).await,
        None => lake.table("t").await,
    };
    let table = table.expect("a table");
    let snapshot = table
        .snapshot(moment(at), &Projection::All, &CancelToken::default())
        .await
        .expect("rows");
    rows_of(&snapshot.batch(0, snapshot.len()).expect("a batch"))
        .into_iter()
        .map(|(key, at, value)| (key, (at, value)))
        .collect()
}

fn rows_of(batch: &RecordBatch) -> Vec<(String, i64, Option<i64>)> {
    let column = |name: &str| batch.column_by_name(name).expect("a column");
    let keys = column("key").as_string::<i32>();
    let times = column("event_time").as_primitive::<TimestampMillisecondType>();
    let values = column("v");
    let value = |row: usize| {
        if values.is_null(row) {
            return None;
        }
        Some(match values.as_primitive_opt::<Int64Type>() {
            Some(ints) => ints.value(row),
            None => values.as_primitive::<Float64Type>().value(row) as i64,
        })
    };
    (0..batch.num_rows())
        .map(|row| (keys.value(row).to_owned(), times.value(row), value(row)))
        .collect()
}

/// As the reference reads: the first row of a key that is seen, in the order of the plan.
pub async fn read_as_reference(lake: &Lakehouse, store: &Arc<InMemory>, at: Option<i64>) -> Rows {
    let table = lake.table("t").await.expect("a table");
    let mut first = Rows::new();
    for file in table.plan(moment(at)).files {
        let bytes = store
            .get(&Path::from(format!("t/{}", file.name)))
            .await
            .expect("a file")
            .bytes()
            .await
            .expect("bytes");
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)
            .expect("a Parquet file")
            .build()
            .expect("a reader");
        for batch in reader {
            for (key, time, value) in rows_of(&batch.expect("rows")) {
                if at.is_none_or(|at| time <= at) {
                    first.entry(key).or_insert((time, value));
                }
            }
        }
    }
    first
}

/// A vacuum of what was replaced this long ago, that spares what a write may need.
pub fn older_than(retention_ms: i64) -> VacuumOptions {
    VacuumOptions {
        retention_ms,
        force: false,
        dry_run: false,
    }
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    azof_tui::engine::runtime("test")
        .expect("a runtime")
        .block_on(work)
}
