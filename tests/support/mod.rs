//! What tests share: lakes made in a temporary folder, the program as a process, and the explorer without a terminal.
#![allow(
    dead_code,
    clippy::expect_used,
    reason = "each test file uses its share, and a broken fixture should stop it"
)]

pub mod explorer;
pub mod mixed;
pub mod table_commands;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

/// Key, event time (ms), value.
pub type Row = (String, i64, Option<i64>);

/// A lake in a folder that goes away with it.
pub struct Lake {
    pub folder: tempfile::TempDir,
}

impl Lake {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    pub fn path(&self) -> &str {
        self.folder.path().to_str().expect("a UTF-8 path")
    }

    pub fn file(&self, table: &str, name: &str) -> PathBuf {
        self.folder.path().join(table).join(name)
    }

    pub fn write(&self, table: &str, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        std::fs::create_dir_all(self.folder.path().join(table)).expect("a folder");
        std::fs::write(self.file(table, name), bytes).expect("a file");
        self
    }

    /// A table of version 1 with one Int column `v` and these segments (JSON).
    pub fn table(&self, name: &str, segments: &str) -> &Self {
        let manifest = format!(
            r#"{{"schema":{{"columns":[{{"name":"v","data_type":"Int","nullable":true}}]}},"segments":[{segments}]}}"#
        );
        self.write(name, "version.txt", "1\n")
            .write(name, "s1.json", manifest)
    }

    /// A sound table of one base with the rows a and b.
    pub fn sound_table(&self, name: &str) -> &Self {
        let rows = [("a".to_owned(), 0, Some(1)), ("b".to_owned(), 5, None)];
        self.table(
            name,
            r#"{"id":"s","start":"1970-01-01T00:00:00Z","file":"base.parquet"}"#,
        )
        .write(name, "base.parquet", parquet(&rows, 10, 10))
    }
}

/// A data file with a column `v`, `group` rows a row group and `page` rows a page.
pub fn parquet(rows: &[Row], group: usize, page: usize) -> Vec<u8> {
    let times: TimestampMillisecondArray = rows.iter().map(|r| r.1).collect::<Vec<i64>>().into();
    let keys: StringArray = rows.iter().map(|r| Some(r.0.as_str())).collect();
    let values: Int64Array = rows.iter().map(|r| r.2).collect();
    batch_to_parquet(
        vec![
            ("key", Arc::new(keys) as ArrayRef),
            ("event_time", Arc::new(times.with_timezone("UTC"))),
            ("v", Arc::new(values)),
        ],
        group,
        page,
    )
}

pub fn batch_to_parquet(columns: Vec<(&str, ArrayRef)>, group: usize, page: usize) -> Vec<u8> {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(n, a)| Field::new(*n, a.data_type().clone(), true))
        .collect();
    let arrays = columns.into_iter().map(|(_, a)| a).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("a batch");
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(group.max(1)))
        .set_data_page_row_count_limit(page.max(1))
        .set_write_batch_size(page.max(1))
        .build();
    let mut writer =
        ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).expect("a writer");
    writer.write(&batch).expect("rows");
    writer.into_inner().expect("a file")
}

pub fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

/// What every process of a test runs under, so that none reads or writes the settings and states of who runs the tests.
pub const NO_HOME: [(&str, &str); 3] = [
    ("HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/no-home")),
    (
        "XDG_CONFIG_HOME",
        concat!(env!("CARGO_TARGET_TMPDIR"), "/no-home/config"),
    ),
    (
        "XDG_STATE_HOME",
        concat!(env!("CARGO_TARGET_TMPDIR"), "/no-home/state"),
    ),
];

/// Runs the program; standard input is closed.
pub fn azof(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_azof-tui"))
        .envs(NO_HOME)
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .output()
        .expect("the program runs")
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// The committed lake.
pub fn test_data() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/test-data").to_owned()
}

/// The public lake beside the repository; where it is not there, says that the test passed over it.
pub fn shared_lake(test: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/azof");
    if path.join("financials/version.txt").exists() {
        return Some(path.to_str().expect("a UTF-8 path").to_owned());
    }
    // Straight to the stream: what a passing test prints by macro is never shown.
    let line = format!("PASSED OVER: {test} needs ../shared/data/azof, which is not here\n");
    std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).expect("standard error");
    None
}
