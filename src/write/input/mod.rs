//! Rows to append, out of CSV, NDJSON or Parquet: checked one by one, with the line and column of what is wrong.

mod csv_file;
mod csv_records;
mod infer;
mod json_lines;
mod ndjson;
mod parquet_file;
mod quotes;
mod rejects;
mod rows;

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;

use crate::error::{Error, ErrorKind, Result};
use crate::format::{Column, EVENT_TIME, KEY};

pub use infer::infer_columns;
pub use parquet_file::ParquetRows;

use rejects::RowForm;

pub(super) use rejects::Rejects;
pub(super) use rows::input_schema;

/// The form of what is appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputFormat {
    /// Comma-separated values.
    Csv,
    /// A JSON object a line.
    Ndjson,
    /// A Parquet file.
    Parquet,
}

impl InputFormat {
    /// The form that a file's name tells: `.csv`, `.ndjson`, `.jsonl`, `.json` or `.parquet`.
    pub fn of_name(name: &str) -> Option<Self> {
        let (_, ending) = name.rsplit_once('.')?;
        match ending.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "ndjson" | "jsonl" | "json" => Some(Self::Ndjson),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// Where rows come from.
pub enum Input {
    /// CSV text.
    Csv(Box<dyn Read + Send>),
    /// NDJSON text.
    Ndjson(Box<dyn Read + Send>),
    /// A Parquet file that was opened.
    Parquet(Box<ParquetRows>),
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Csv(_) => "Csv",
            Self::Ndjson(_) => "Ndjson",
            Self::Parquet(_) => "Parquet",
        })
    }
}

/// How rows are found in the input.
#[derive(Debug, Clone)]
pub struct InputOptions {
    /// The input's name of the key.
    pub key: String,
    /// The input's name of the event time.
    pub event_time: String,
    /// CSV: the first line names the columns. Without it they are key, event time, then those of the schema.
    pub header: bool,
    /// Rows that are refused go here, and the others are appended; without it, one refused row refuses all.
    pub rejects: Option<PathBuf>,
}

impl Default for InputOptions {
    fn default() -> Self {
        Self {
            key: KEY.to_owned(),
            event_time: EVENT_TIME.to_owned(),
            header: true,
            rejects: None,
        }
    }
}

/// How far a write has come; written by the work, read by whoever shows it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of text read.
    pub bytes_read: AtomicU64,
    /// Rows read and checked.
    pub rows_read: AtomicU64,
    /// Rows written to data files.
    pub rows_written: AtomicU64,
    /// Rows that are to be read, about; 0 where nobody knows.
    pub rows_expected: AtomicU64,
}

impl Progress {
    /// Begins to count rows, of which there are about this many to be read.
    pub(super) fn begin(&self, rows: u64) {
        self.rows_read.store(0, Ordering::Relaxed);
        self.rows_written.store(0, Ordering::Relaxed);
        self.rows_expected.store(rows, Ordering::Relaxed);
    }

    /// Fewer rows are to be read than was expected.
    pub(super) fn expect_fewer(&self, rows: u64) {
        let expected = self.rows_expected.load(Ordering::Relaxed);
        let left = expected.saturating_sub(rows);
        self.rows_expected.store(left, Ordering::Relaxed);
    }
}

/// Bytes of text that a row may have: one that has no end is an error before it has filled the memory.
const ROW_BYTES_AT_MOST: u64 = 16_000_000;

/// Rows of a batch that is handed on.
const BATCH_ROWS: usize = 16_384;

/// Bytes of a batch that is handed on, about.
const BATCH_BYTES: usize = 4 << 20;

/// Rows that were checked, batch by batch; the last column is the line.
pub(super) trait RowSource: Send {
    /// How the input spells a row.
    fn form(&self) -> RowForm;

    /// The next batch; `None` at the end.
    fn next_batch(&mut self, rejects: &mut Rejects) -> Result<Option<RecordBatch>>;
}

/// Opens an input for a table with these columns, and the place for the rows that are refused.
pub(super) fn open(
    input: Input,
    columns: &[Column],
    options: &InputOptions,
    progress: &Arc<Progress>,
) -> Result<(Box<dyn RowSource>, Rejects)> {
    let counted = |text: Box<dyn Read + Send>| Counting {
        inner: text,
        progress: Arc::clone(progress),
    };
    let source: Box<dyn RowSource> = match input {
        Input::Csv(text) => Box::new(csv_file::CsvRows::open(counted(text), columns, options)?),
        Input::Ndjson(text) => Box::new(ndjson::NdjsonRows::open(counted(text), columns, options)),
        Input::Parquet(rows) => Box::new(rows.for_columns(columns, options)?),
    };
    let rejects = Rejects::open(options.rejects.as_ref(), source.form())?;
    Ok((source, rejects))
}

/// A reader that tells how much was read.
struct Counting {
    inner: Box<dyn Read + Send>,
    progress: Arc<Progress>,
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.progress
            .bytes_read
            .fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// The error of an input that ends or breaks.
pub(super) fn unreadable(e: &std::io::Error) -> Error {
    Error::new(ErrorKind::Usage, format!("the input cannot be read: {e}"))
        .hint("nothing was appended")
}
