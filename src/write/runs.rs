//! Rows of any number in order, newest first, in little memory: sorted runs, kept aside on disk, and merged.
//!
//! The order is that of data files: latest event time first, then by key, then by line. Two rows of one key and one
//! event time therefore come one after the other, wherever in the input they stood.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::path::PathBuf;

use arrow::array::{AsArray, RecordBatch, StringArray, TimestampMillisecondArray, UInt64Array};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{SchemaRef, TimestampMillisecondType, UInt64Type};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use crate::error::{Error, ErrorKind, Result};
use crate::store::unique_id;

/// Rows of a batch that leaves the merge, and of one that is kept aside.
const BATCH_ROWS: usize = 8_192;

/// Rows that are sorted in memory; the least of which is never a problem.
const LEAST_BYTES: usize = 1 << 20;

/// The columns that order is made of.
struct Order<'a> {
    keys: &'a StringArray,
    times: &'a TimestampMillisecondArray,
    lines: &'a UInt64Array,
}

impl<'a> Order<'a> {
    /// The first two columns and the last.
    fn of(batch: &'a RecordBatch) -> Option<Self> {
        Some(Self {
            keys: batch.column(0).as_string_opt()?,
            times: batch
                .column(1)
                .as_primitive_opt::<TimestampMillisecondType>()?,
            lines: batch.columns().last()?.as_primitive_opt::<UInt64Type>()?,
        })
    }

    fn at(&self, row: usize) -> (Reverse<i64>, &'a str, u64) {
        (
            Reverse(self.times.value(row)),
            self.keys.value(row),
            self.lines.value(row),
        )
    }
}

fn broken(e: &arrow::error::ArrowError) -> Error {
    let folder = std::env::temp_dir();
    Error::new(
        ErrorKind::Output,
        format!("rows cannot be kept in {} while they are sorted: {e}", folder.display()),
    )
    .hint("it needs about as much room as the input; TMPDIR names another folder; nothing was appended")
}

/// A folder that goes away with its runs.
struct Aside(PathBuf);

impl Drop for Aside {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Rows that come in any order.
pub(super) struct Runs {
    schema: SchemaRef,
    bytes_at_most: usize,
    pending: Vec<RecordBatch>,
    pending_bytes: usize,
    aside: Option<Aside>,
    spilled: usize,
}

impl Runs {
    /// Holds about this many bytes of rows in memory.
    pub(super) fn new(schema: SchemaRef, bytes_at_most: usize) -> Self {
        Self {
            schema,
            bytes_at_most: bytes_at_most.max(LEAST_BYTES),
            pending: Vec::new(),
            pending_bytes: 0,
            aside: None,
            spilled: 0,
        }
    }

    /// Takes rows: key, event time, values, line.
    pub(super) fn push(&mut self, batch: RecordBatch) -> Result<()> {
        self.pending_bytes += batch.get_array_memory_size();
        self.pending.push(batch);
        if self.pending_bytes >= self.bytes_at_most {
            self.spill()?;
        }
        Ok(())
    }

    fn sorted(&mut self) -> Result<Vec<RecordBatch>> {
        let batches = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        sort_newest_first(&batches)
    }

    fn spill(&mut self) -> Result<()> {
        let sorted = self.sorted()?;
        let cannot = |e: std::io::Error| broken(&arrow::error::ArrowError::from(e));
        let folder = if let Some(aside) = &self.aside {
            aside.0.clone()
        } else {
            let folder = std::env::temp_dir().join(format!("azof-tui-{}", unique_id()));
            fs::create_dir(&folder).map_err(cannot)?;
            self.aside = Some(Aside(folder.clone()));
            folder
        };
        let file = File::create(folder.join(self.spilled.to_string())).map_err(cannot)?;
        let out = BufWriter::with_capacity(1 << 18, file);
        let mut writer = StreamWriter::try_new(out, &self.schema).map_err(|e| broken(&e))?;
        for batch in &sorted {
            writer.write(batch).map_err(|e| broken(&e))?;
        }
        writer.finish().map_err(|e| broken(&e))?;
        self.spilled += 1;
        Ok(())
    }

    /// All rows in order.
    pub(super) fn merged(mut self) -> Result<Merged> {
        let mut runs: Vec<Run> = Vec::with_capacity(self.spilled + 1);
        if let Some(aside) = &self.aside {
            for run in 0..self.spilled {
                let file = File::open(aside.0.join(run.to_string()));
                let file = file.map_err(|e| broken(&arrow::error::ArrowError::from(e)))?;
                let reader = StreamReader::try_new(BufReader::with_capacity(1 << 18, file), None);
                runs.push(Run::Aside(Box::new(reader.map_err(|e| broken(&e))?)));
            }
        }
        runs.push(Run::Held(self.sorted()?.into_iter()));
        Merged::of(self.schema, runs, self.aside)
    }
}

/// Sorts rows into batches, newest first.
pub(super) fn sort_newest_first(batches: &[RecordBatch]) -> Result<Vec<RecordBatch>> {
    let orders: Vec<Order<'_>> = batches.iter().filter_map(Order::of).collect();
    let mut places: Vec<(usize, usize)> = Vec::new();
    for (i, batch) in batches.iter().enumerate() {
        places.extend((0..batch.num_rows()).map(|row| (i, row)));
    }
    places.sort_unstable_by(|a, b| orders[a.0].at(a.1).cmp(&orders[b.0].at(b.1)));
    let sources: Vec<&RecordBatch> = batches.iter().collect();
    places
        .chunks(BATCH_ROWS)
        .map(|places| interleave_record_batch(&sources, places).map_err(|e| broken(&e)))
        .collect()
}

enum Run {
    Held(std::vec::IntoIter<RecordBatch>),
    Aside(Box<StreamReader<BufReader<File>>>),
}

impl Run {
    /// The next batch that has rows.
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let batch = match self {
                Self::Held(batches) => batches.next(),
                Self::Aside(reader) => reader.next().transpose().map_err(|e| broken(&e))?,
            };
            match batch {
                Some(batch) if batch.num_rows() == 0 => {}
                batch => return Ok(batch),
            }
        }
    }
}

/// The next row of a run.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Next {
    event_time: Reverse<i64>,
    key: String,
    line: u64,
    run: usize,
}

/// A row that repeats the key and the event time of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Duplicate {
    pub(super) key: String,
    pub(super) event_time: i64,
    pub(super) first_line: u64,
    pub(super) line: u64,
}

/// All rows in order, batch by batch.
pub(super) struct Merged {
    schema: SchemaRef,
    runs: Vec<Run>,
    /// The batch of each run that is being read, and the row in it.
    at: Vec<Option<(RecordBatch, usize)>>,
    heap: BinaryHeap<Reverse<Next>>,
    last: Option<(i64, String, u64)>,
    /// Holds the runs until they are read.
    _aside: Option<Aside>,
}

impl Merged {
    fn of(schema: SchemaRef, mut runs: Vec<Run>, aside: Option<Aside>) -> Result<Self> {
        let at = runs
            .iter_mut()
            .map(|run| Ok(run.next()?.map(|batch| (batch, 0))))
            .collect::<Result<Vec<_>>>()?;
        let mut merged = Self {
            schema,
            runs,
            at,
            heap: BinaryHeap::new(),
            last: None,
            _aside: aside,
        };
        for run in 0..merged.runs.len() {
            merged.offer(run);
        }
        Ok(merged)
    }

    /// Puts the row at which a run stands among those that may be next.
    fn offer(&mut self, run: usize) {
        if let Some((batch, row)) = &self.at[run]
            && let Some(order) = Order::of(batch)
        {
            let (event_time, key, line) = order.at(*row);
            self.heap.push(Reverse(Next {
                event_time,
                key: key.to_owned(),
                line,
                run,
            }));
        }
    }

    /// The next rows, at most [`BATCH_ROWS`]; `None` at the end. `on_duplicate` is given a row that repeats a key and an
    /// event time, with the batch that it stands in; it is left out, or fails.
    pub(super) fn next_batch(
        &mut self,
        mut on_duplicate: impl FnMut(Duplicate, (&RecordBatch, usize)) -> Result<()>,
    ) -> Result<Option<RecordBatch>> {
        let mut sources: Vec<RecordBatch> = Vec::new();
        // The source of the batch at which each run stands.
        let mut source_of: Vec<Option<usize>> = vec![None; self.runs.len()];
        let mut places: Vec<(usize, usize)> = Vec::with_capacity(BATCH_ROWS);
        while places.len() < BATCH_ROWS {
            let Some(Reverse(next)) = self.heap.pop() else {
                break;
            };
            let run = next.run;
            let Some((batch, row)) = &self.at[run] else {
                break;
            };
            let source = *source_of[run].get_or_insert_with(|| {
                sources.push(batch.clone());
                sources.len() - 1
            });
            let repeats = self
                .last
                .as_ref()
                .filter(|(time, key, _)| *time == next.event_time.0 && *key == next.key);
            if let Some((event_time, key, first_line)) = repeats {
                let duplicate = Duplicate {
                    key: key.clone(),
                    event_time: *event_time,
                    first_line: *first_line,
                    line: next.line,
                };
                on_duplicate(duplicate, (batch, *row))?;
            } else {
                places.push((source, *row));
                self.last = Some((next.event_time.0, next.key, next.line));
            }
            let row = row + 1;
            if row < batch.num_rows() {
                if let Some(at) = &mut self.at[run] {
                    at.1 = row;
                }
            } else {
                self.at[run] = self.runs[run].next()?.map(|batch| (batch, 0));
                source_of[run] = None;
            }
            self.offer(run);
        }
        if places.is_empty() {
            return Ok(None);
        }
        let sources: Vec<&RecordBatch> = sources.iter().collect();
        let batch = interleave_record_batch(&sources, &places).map_err(|e| broken(&e))?;
        debug_assert_eq!(batch.schema(), self.schema);
        Ok(Some(batch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use arrow::array::ArrayRef;
    use proptest::prelude::*;

    use super::super::input::input_schema;

    fn batch(rows: &[(String, i64, u64)]) -> RecordBatch {
        let keys: StringArray = rows.iter().map(|r| Some(r.0.as_str())).collect();
        let times: TimestampMillisecondArray = rows.iter().map(|r| r.1).collect::<Vec<_>>().into();
        let lines: UInt64Array = rows.iter().map(|r| Some(r.2)).collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(keys),
            Arc::new(times.with_timezone("UTC")),
            Arc::new(lines),
        ];
        RecordBatch::try_new(input_schema(&[]), columns).expect("a batch")
    }

    proptest! {
        #[test]
        fn rows_come_newest_first_and_every_duplicate_is_told(
            batches in prop::collection::vec(prop::collection::vec(("[a-d]{1,2}", 0i64..9), 0..40), 0..7),
            spill_after in 1usize..4,
        ) {
            let mut line = 0;
            let mut naive: Vec<(Reverse<i64>, String, u64)> = Vec::new();
            let mut runs = Runs::new(input_schema(&[]), 0);
            for (i, rows) in batches.iter().enumerate() {
                let rows: Vec<(String, i64, u64)> = rows.iter().map(|(key, time)| { line += 1; (key.clone(), *time, line) }).collect();
                naive.extend(rows.iter().map(|(key, time, line)| (Reverse(*time), key.clone(), *line)));
                runs.push(batch(&rows)).expect("room");
                if (i + 1) % spill_after == 0 {
                    runs.spill().expect("room aside");
                }
            }
            naive.sort();
            let mut merged = runs.merged().expect("runs");
            let (mut found, mut told) = (Vec::new(), Vec::new());
            while let Some(batch) = merged.next_batch(|d, _| { told.push(d.line); Ok(()) }).expect("rows") {
                let order = Order::of(&batch).expect("columns");
                found.extend((0..batch.num_rows()).map(|row| { let (t, k, l) = order.at(row); (t, k.to_owned(), l) }));
            }
            let mut repeats = Vec::new();
            let mut kept: Vec<(Reverse<i64>, String, u64)> = Vec::new();
            for row in naive {
                if kept.last().is_some_and(|k| k.0 == row.0 && k.1 == row.1) {
                    repeats.push(row.2);
                } else {
                    kept.push(row);
                }
            }
            prop_assert_eq!(found, kept);
            prop_assert_eq!(told, repeats);
        }
    }
}
