//! The rows of a table at a moment.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow::compute::interleave;
use arrow::datatypes::{DataType as ArrowType, Field, Schema as ArrowSchema, SchemaRef};

use crate::error::{Error, ErrorKind, Result};
use crate::event_time::{AsOf, EventTime};
use crate::format::{Column, EVENT_TIME, KEY};

use crate::scan::{
    Chunks, NewestRows, RowGroupRows, RowRef, ScanCost, Value, arrow_type, time_type,
};
use crate::timeline::{ChangedKey, EpochRows};

/// The rows of a table as of a moment, the newest of every key.
///
/// Guarantees: one row a key; ascending by key (byte order); immutable, so it is shared and read without locks. Values
/// stay where they were decoded and are looked up, never copied, until [`Snapshot::batch`] gathers them.
#[derive(Debug)]
pub struct Snapshot {
    as_of: AsOf,
    columns: Arc<[Column]>,
    chunks: Chunks,
    rows: Rows,
    cost: ScanCost,
}

/// One part of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowPart {
    /// The key.
    Key,
    /// The event time.
    EventTime,
    /// A value column, by its position in the snapshot.
    Value(usize),
}

/// Which rows they are.
#[derive(Debug)]
enum Rows {
    /// As a read found them.
    Listed(Vec<RowRef>),
    /// As an epoch's index answers.
    Indexed(EpochRows),
}

impl Snapshot {
    /// The rows that a read found.
    pub fn listed(as_of: AsOf, columns: Arc<[Column]>, found: NewestRows) -> Self {
        let NewestRows { chunks, rows, cost } = found;
        Self {
            as_of,
            columns,
            chunks,
            rows: Rows::Listed(rows),
            cost,
        }
    }

    /// The rows of an index; `chunks` are those that it points into, with the value columns.
    pub fn indexed(as_of: AsOf, columns: Arc<[Column]>, chunks: Chunks, rows: EpochRows) -> Self {
        Self {
            as_of,
            columns,
            chunks,
            rows: Rows::Indexed(rows),
            cost: ScanCost::default(),
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
        match &self.rows {
            Rows::Listed(rows) => rows.len(),
            Rows::Indexed(rows) => rows.len(),
        }
    }

    /// True where there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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
        let at = match &self.rows {
            Rows::Listed(rows) => rows[row],
            Rows::Indexed(rows) => rows.row(row),
        };
        (&self.chunks[at.chunk as usize], at.row as usize)
    }

    /// The row of a key; where there is none, the row before which it would stand.
    pub fn find(&self, key: &str) -> Result<usize, usize> {
        match &self.rows {
            Rows::Listed(rows) => rows.binary_search_by(|at| self.key_at(*at).cmp(key)),
            Rows::Indexed(rows) => rows.find(key),
        }
    }

    fn key_at(&self, at: RowRef) -> &str {
        self.chunks[at.chunk as usize].keys.value(at.row as usize)
    }

    /// All rows by key, as places in [`Snapshot::chunks`].
    pub fn row_refs(&self) -> &[RowRef] {
        match &self.rows {
            Rows::Listed(rows) => rows,
            Rows::Indexed(rows) => rows.all(),
        }
    }

    /// The row groups that the rows lie in.
    pub fn chunks(&self) -> &Chunks {
        &self.chunks
    }

    /// The keys whose row differs between this moment and a later one, as ranks of the index that answers both with the
    /// same columns; `None` where no one index does.
    pub fn changed_until(&self, later: &Self) -> Option<Vec<u32>> {
        match (&self.rows, &later.rows) {
            (Rows::Indexed(a), Rows::Indexed(b)) if Arc::ptr_eq(&self.chunks, &later.chunks) => {
                a.changed_until(b)
            }
            _ => None,
        }
    }

    /// The rows of some of those keys at both moments.
    pub fn changed_keys(&self, later: &Self, ranks: &[u32]) -> Vec<ChangedKey> {
        match (&self.rows, &later.rows) {
            (Rows::Indexed(a), Rows::Indexed(b)) => a.changed_keys(b, ranks),
            _ => Vec::new(),
        }
    }

    fn rows_of(&self, stretch: Range<usize>) -> Cow<'_, [RowRef]> {
        match &self.rows {
            Rows::Listed(rows) => Cow::Borrowed(rows.get(stretch).unwrap_or_default()),
            Rows::Indexed(rows) => rows.rows(stretch).into(),
        }
    }

    /// Gathers parts of a stretch of rows, each into an array as it is held in memory (texts as views).
    pub fn arrays(&self, stretch: Range<usize>, parts: &[RowPart]) -> Result<Vec<ArrayRef>> {
        let rows = self.rows_of(stretch);
        let places: Vec<(usize, usize)> = rows
            .iter()
            .map(|at| (at.chunk as usize, at.row as usize))
            .collect();
        let gathered = |of: &dyn Fn(&RowGroupRows) -> ArrayRef, held: ArrowType| {
            if places.is_empty() {
                return Ok(arrow::array::new_empty_array(&held));
            }
            let sources: Vec<ArrayRef> = self.chunks.iter().map(|chunk| of(chunk)).collect();
            let sources: Vec<&dyn Array> = sources.iter().map(AsRef::as_ref).collect();
            interleave(&sources, &places).map_err(|e| cannot_gather(&e))
        };
        let part = |part: &RowPart| match part {
            RowPart::Key => gathered(&|chunk| Arc::new(chunk.keys.clone()), ArrowType::Utf8View),
            RowPart::EventTime => {
                let times = places
                    .iter()
                    .map(|(chunk, row)| self.chunks[*chunk].event_times[*row]);
                let times: TimestampMillisecondArray = times.collect::<Vec<i64>>().into();
                Ok(Arc::new(times.with_timezone("UTC")) as ArrayRef)
            }
            RowPart::Value(at) => gathered(
                &|chunk| chunk.columns[*at].to_array(),
                arrow_type(self.columns[*at].data_type),
            ),
        };
        parts.iter().map(part).collect()
    }

    /// Bytes that the row groups and the list of rows hold in memory.
    pub fn bytes(&self) -> usize {
        let rows = match &self.rows {
            Rows::Listed(rows) => rows.len() * size_of::<RowRef>(),
            Rows::Indexed(_) => 0,
        };
        rows + self.chunks.iter().map(|chunk| chunk.bytes()).sum::<usize>()
    }

    /// Gathers rows `from..from + count`, cut to what there is, into a batch of [`output_schema`].
    pub fn batch(&self, from: usize, count: usize) -> Result<RecordBatch> {
        let end = from.saturating_add(count).min(self.len());
        let rows = self.rows_of(from..end);
        let arrays = gather(&self.chunks, &rows, &self.columns)?;
        RecordBatch::try_new(output_schema(&self.columns), arrays).map_err(|e| cannot_gather(&e))
    }
}

fn cannot_gather(e: &arrow::error::ArrowError) -> Error {
    Error::new(ErrorKind::Output, format!("rows cannot be gathered: {e}"))
}

/// Gathers rows into the columns of [`output_schema`].
pub(crate) fn gather(
    chunks: &Chunks,
    rows: &[RowRef],
    columns: &[Column],
) -> Result<Vec<ArrayRef>> {
    let keys: StringArray = rows
        .iter()
        .map(|at| Some(chunks[at.chunk as usize].keys.value(at.row as usize)))
        .collect();
    let times: TimestampMillisecondArray = rows
        .iter()
        .map(|at| chunks[at.chunk as usize].event_times[at.row as usize])
        .collect::<Vec<i64>>()
        .into();
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(keys), Arc::new(times.with_timezone("UTC"))];
    let indices: Vec<(usize, usize)> = rows
        .iter()
        .map(|at| (at.chunk as usize, at.row as usize))
        .collect();
    for (i, column) in columns.iter().enumerate() {
        let wanted = output_type(column);
        if indices.is_empty() {
            arrays.push(arrow::array::new_empty_array(&wanted));
            continue;
        }
        let sources: Vec<ArrayRef> = chunks.iter().map(|c| c.columns[i].to_array()).collect();
        let sources: Vec<&dyn Array> = sources.iter().map(AsRef::as_ref).collect();
        let gathered = interleave(&sources, &indices).map_err(|e| cannot_gather(&e))?;
        arrays.push(if *gathered.data_type() == wanted {
            gathered
        } else {
            arrow::compute::cast(&gathered, &wanted).map_err(|e| cannot_gather(&e))?
        });
    }
    Ok(arrays)
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
