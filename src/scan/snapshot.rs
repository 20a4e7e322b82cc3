//! The rows of a table at a moment.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow::compute::interleave;
use arrow::datatypes::{DataType as ArrowType, Field, Schema as ArrowSchema, SchemaRef};

use crate::error::{Error, ErrorKind, Result};
use crate::event_time::{AsOf, EventTime};
use crate::format::{Column, EVENT_TIME, KEY};

use super::column::{Value, arrow_type, time_type};
use super::newest::RowRef;
use super::read::ScanCost;
use super::reader::RowGroupRows;

/// The rows of a table as of a moment, the newest of every key.
///
/// Guarantees: one row a key; ascending by key (byte order); immutable, so it is shared and read without locks. Values
/// stay where they were decoded and are looked up, never copied, until [`Snapshot::batch`] gathers them.
#[derive(Debug)]
pub struct Snapshot {
    as_of: AsOf,
    columns: Vec<Column>,
    chunks: Vec<Arc<RowGroupRows>>,
    rows: Vec<RowRef>,
    cost: ScanCost,
}

impl Snapshot {
    pub(super) fn new(
        as_of: AsOf,
        columns: Vec<Column>,
        chunks: Vec<Arc<RowGroupRows>>,
        rows: Vec<RowRef>,
        cost: ScanCost,
    ) -> Self {
        Self {
            as_of,
            columns,
            chunks,
            rows,
            cost,
        }
    }

    /// The moment that the rows are of.
    pub fn as_of(&self) -> AsOf {
        self.as_of
    }

    /// The value columns, in the order asked for.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// What the read took.
    pub fn cost(&self) -> ScanCost {
        self.cost
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True where there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The key of a row.
    ///
    /// # Panics
    /// Where there is no such row; so do the other accessors by row.
    pub fn key(&self, row: usize) -> &str {
        let (chunk, at) = self.locate(row);
        chunk.keys.value(at)
    }

    /// The event time of a row.
    pub fn event_time(&self, row: usize) -> EventTime {
        let (chunk, at) = self.locate(row);
        EventTime::from_ms(chunk.event_times[at])
    }

    /// A value: row, and position in [`Snapshot::columns`].
    pub fn value(&self, row: usize, column: usize) -> Value<'_> {
        let (chunk, at) = self.locate(row);
        chunk.columns[column].value(at)
    }

    /// The row group that holds a row, and the row's position in it.
    pub fn locate(&self, row: usize) -> (&Arc<RowGroupRows>, usize) {
        let at = self.rows[row];
        (&self.chunks[at.chunk as usize], at.row as usize)
    }

    /// Orders the keys of two rows, the other one of another snapshot.
    pub fn compare_keys(&self, row: usize, other: &Self, other_row: usize) -> std::cmp::Ordering {
        let ((a, at_a), (b, at_b)) = (self.locate(row), other.locate(other_row));
        let (view_a, view_b) = (a.keys.views()[at_a], b.keys.views()[at_b]);
        // A short key is whole in its view.
        if view_a == view_b && view_a as u32 <= 12 {
            return std::cmp::Ordering::Equal;
        }
        a.keys.value(at_a).cmp(b.keys.value(at_b))
    }

    /// The row of a key; where there is none, the row before which it would stand.
    pub fn find(&self, key: &str) -> Result<usize, usize> {
        self.rows.binary_search_by(|at| {
            self.chunks[at.chunk as usize]
                .keys
                .value(at.row as usize)
                .cmp(key)
        })
    }

    /// Gathers rows `from..from + count`, cut to what there is, into a batch of [`output_schema`].
    pub fn batch(&self, from: usize, count: usize) -> Result<RecordBatch> {
        let rows = self.rows.get(from..).unwrap_or_default();
        let rows = &rows[..count.min(rows.len())];
        let schema = output_schema(&self.columns);
        let keys: StringArray = rows
            .iter()
            .map(|at| Some(self.chunks[at.chunk as usize].keys.value(at.row as usize)))
            .collect();
        let times: TimestampMillisecondArray = rows
            .iter()
            .map(|at| self.chunks[at.chunk as usize].event_times[at.row as usize])
            .collect::<Vec<i64>>()
            .into();
        let mut arrays: Vec<ArrayRef> = vec![Arc::new(keys), Arc::new(times.with_timezone("UTC"))];
        let indices: Vec<(usize, usize)> = rows
            .iter()
            .map(|at| (at.chunk as usize, at.row as usize))
            .collect();
        let failed = |e: arrow::error::ArrowError| {
            Error::new(ErrorKind::Output, format!("rows cannot be gathered: {e}"))
        };
        for (i, column) in self.columns.iter().enumerate() {
            let wanted = output_type(column);
            if indices.is_empty() {
                arrays.push(arrow::array::new_empty_array(&wanted));
                continue;
            }
            let sources: Vec<ArrayRef> = self
                .chunks
                .iter()
                .map(|c| c.columns[i].to_array())
                .collect();
            let sources: Vec<&dyn Array> = sources.iter().map(AsRef::as_ref).collect();
            let gathered = interleave(&sources, &indices).map_err(failed)?;
            arrays.push(if *gathered.data_type() == wanted {
                gathered
            } else {
                arrow::compute::cast(&gathered, &wanted).map_err(failed)?
            });
        }
        RecordBatch::try_new(schema, arrays).map_err(failed)
    }
}

/// The schema of rows that leave the program: `key` (string), `event_time` (ms, UTC), then the value columns, all of
/// which may be null.
pub fn output_schema(columns: &[Column]) -> SchemaRef {
    let own = [
        Field::new(KEY, ArrowType::Utf8, false),
        Field::new(EVENT_TIME, time_type(), false),
    ];
    let values = columns
        .iter()
        .map(|c| Field::new(&c.name, output_type(c), true));
    Arc::new(ArrowSchema::new(
        own.into_iter().chain(values).collect::<Vec<_>>(),
    ))
}

/// Strings leave as plain strings, which every reader knows.
fn output_type(column: &Column) -> ArrowType {
    match arrow_type(column.data_type) {
        ArrowType::Utf8View => ArrowType::Utf8,
        other => other,
    }
}
