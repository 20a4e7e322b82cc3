//! Adding rows: each to the segment where it belongs, and visible at every moment from its event time on.
//!
//! What is as new as the newest row, or newer, goes into deltas of open segments, one a period; a new period opens a
//! segment before the older ones, which stay open, so nothing is copied. What is dated before the newest row is late:
//! it goes into one open segment that stands before all others and begins with the table. All its deltas start with
//! it, the newest commit first, so a row that is said anew wins over what it corrects from this version on.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::TimestampMillisecondType;
use serde_json::json;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::cancel::CancelToken;
use crate::error::{Error, ErrorKind, Result};
use crate::event_time::{AsOf, EventTime};
use crate::format::{Column, Manifest, Version, plan};
use crate::scan::{KeyFilter, read_newest};
use crate::snapshot::Snapshot;
use crate::timeline::event_time_range;

use super::SegmentBy;
use super::commit::{Head, TableWriter};
use super::data_file::{DataFileWriter, write_data_file};
use super::input::{self, Input, InputOptions, Progress, Rejects, input_schema};
use super::place::{Bin, Written};
use super::runs::{Duplicate, Merged, Runs};
use super::snapshot_json::{LATE, SnapshotJson, time};

/// Bytes of rows that are sorted at a time.
const RUN_BYTES: usize = 48 << 20;

/// Batches on their way between two stages.
const BATCHES_UNDER_WAY: usize = 8;

/// Rows of a batch that is written into the base of a table that is opened again.
const BATCH_ROWS: usize = 65_536;

/// What an append did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The version that holds the rows; the one before where there were none.
    pub version: Version,
    /// Rows added.
    pub rows: u64,
    /// Those of them that are dated before what was the newest row.
    pub late: u64,
    /// Rows put aside.
    pub rejected: u64,
    /// Data files written.
    pub files: usize,
}

impl TableWriter {
    /// Appends rows: all of them in one version, or none. `segment_by` is kept for the appends to come.
    ///
    /// Two rows with one key and one event time are refused; one that repeats what the table holds is a correction.
    pub async fn append(
        &self,
        input: Input,
        options: &InputOptions,
        segment_by: Option<SegmentBy>,
        progress: &Arc<Progress>,
    ) -> Result<Appended> {
        self.try_append(input, options, segment_by, progress)
            .await
            .map_err(|e| self.place(e))
    }

    async fn try_append(
        &self,
        input: Input,
        options: &InputOptions,
        segment_by: Option<SegmentBy>,
        progress: &Arc<Progress>,
    ) -> Result<Appended> {
        let mut head = self.head().await?;
        let segment_by = segment_by.unwrap_or_else(|| head.json.segment_by());
        head.json
            .set_field("segment_by", json!(segment_by.to_string()));
        let opened = input::open(input, head.manifest.schema.columns(), options, progress)?;
        let done = self.append_opened(head, opened, segment_by, progress).await;
        if let (Err(e), Some(rejects)) = (&done, &options.rejects)
            && e.kind() != ErrorKind::InDoubt
        {
            // Nothing was appended, so nothing was put aside: the same again must find no file. Where it is in doubt, the
            // rows may have been appended, and the others are there alone.
            let _ = std::fs::remove_file(rejects);
        }
        done
    }

    async fn append_opened(
        &self,
        head: Head,
        input: (Box<dyn input::RowSource>, Rejects),
        segment_by: SegmentBy,
        progress: &Arc<Progress>,
    ) -> Result<Appended> {
        let columns = head.manifest.schema.columns().to_vec();
        let newest = self.newest_event_time(&head.manifest).await?;
        let mut written = Written::default();
        let done = self
            .write_rows(
                input,
                &columns,
                (newest, segment_by),
                progress,
                &mut written,
            )
            .await;
        let rejected = match done {
            Ok(rejected) => rejected,
            Err(e) => {
                self.remove(written.names()).await;
                return Err(e);
            }
        };
        let (rows, late) = written.counts();
        if rows == 0 {
            return Ok(Appended {
                version: head.version,
                rows,
                late,
                rejected,
                files: 0,
            });
        }
        let Head {
            version,
            mut json,
            manifest,
        } = head;
        if !manifest.segments.is_empty() && !manifest.has_open_segment() {
            let opened = self.open_again(&manifest, &mut json, &mut written).await;
            if let Err(e) = opened {
                self.remove(written.names()).await;
                return Err(e);
            }
        }
        written.place_into(&mut json, &manifest, segment_by);
        let new_files = written.finished();
        let version = self
            .commit(version, json, ("append", rows), &new_files)
            .await?;
        Ok(Appended {
            version,
            rows,
            late,
            rejected,
            files: new_files.len(),
        })
    }

    /// The newest event time in the table's data files, milliseconds.
    pub(super) async fn newest_event_time(&self, manifest: &Manifest) -> Result<Option<i64>> {
        let cancel = CancelToken::default();
        let mut newest = None;
        for name in manifest.distinct_files() {
            let range = event_time_range(&self.reader, &self.store, &self.table, name, &cancel);
            newest = newest.max(range.await?.map(|(_, greatest)| greatest));
        }
        Ok(newest)
    }

    /// Sorts the rows and writes them into data files; answers how many were put aside.
    async fn write_rows(
        &self,
        (source, rejects): (Box<dyn input::RowSource>, Rejects),
        columns: &[Column],
        (newest, segment_by): (Option<i64>, SegmentBy),
        progress: &Arc<Progress>,
        written: &mut Written,
    ) -> Result<u64> {
        let bin_of = |ms: i64| match newest {
            Some(newest) if ms < newest => Bin::Late,
            _ => Bin::Period(segment_by.period_start(ms)),
        };
        // By size, all that is not late goes into one segment.
        let by_size = matches!(segment_by, SegmentBy::Bytes(_));
        let schema = input_schema(columns);
        let (to_sort, from_reading) = channel(BATCHES_UNDER_WAY);
        let (to_write, mut from_merging) = channel(BATCHES_UNDER_WAY);
        let reading = tokio::task::spawn_blocking(move || read_all(source, rejects, &to_sort));
        let sorting = tokio::task::spawn_blocking(move || {
            sort_all(Runs::new(schema, RUN_BYTES), from_reading)
        });
        let rejects = joined(reading.await);
        let runs = joined(sorting.await);
        // What reading has to say is the cause of what sorting says.
        let (mut rejects, runs) = (rejects?, runs?);
        let merging = tokio::task::spawn_blocking(move || {
            merge_all(runs.merged()?, &mut rejects, &to_write)?;
            rejects.finish()
        });
        let mut open: Option<(Bin, DataFileWriter)> = None;
        let mut outcome = Ok(());
        while let Some(batch) = from_merging.recv().await {
            outcome = self
                .write_batch(&batch, columns, (&bin_of, by_size), &mut open, written)
                .await;
            if outcome.is_err() {
                break;
            }
            let rows = batch.num_rows() as u64;
            progress.rows_written.fetch_add(rows, Ordering::Relaxed);
        }
        drop(from_merging);
        let merged = joined(merging.await);
        outcome?;
        let rejected = merged?;
        if let Some((bin, file)) = open {
            written.add(bin, file.finish().await?);
        }
        Ok(rejected)
    }

    /// Writes rows that come newest first, beginning a new file where another bin begins.
    async fn write_batch(
        &self,
        batch: &RecordBatch,
        columns: &[Column],
        (bin_of, by_size): (&impl Fn(i64) -> Bin, bool),
        open: &mut Option<(Bin, DataFileWriter)>,
        written: &mut Written,
    ) -> Result<()> {
        let values = batch
            .project(&(0..columns.len() + 2).collect::<Vec<_>>())
            .map_err(|e| Error::new(ErrorKind::Output, e.to_string()))?;
        let times = batch
            .column(1)
            .as_primitive::<TimestampMillisecondType>()
            .values();
        let is_same = |a: Bin, b: Bin| match (a, b) {
            (Bin::Period(_), Bin::Period(_)) if by_size => true,
            (a, b) => a == b,
        };
        let mut from = 0;
        while from < times.len() {
            let bin = bin_of(times[from]);
            let until = from + times[from..].partition_point(|ms| is_same(bin_of(*ms), bin));
            if !open.as_ref().is_some_and(|(held, _)| is_same(*held, bin)) {
                if let Some((held, file)) = open.take() {
                    written.add(held, file.finish().await?);
                }
                let what = match bin {
                    Bin::Period(_) => "rows",
                    Bin::Late => LATE,
                };
                let file = DataFileWriter::begin(&self.store, &self.table, what, columns)?;
                written.begun.push(file.name().to_owned());
                *open = Some((bin, file));
            }
            if let Some((_, file)) = open {
                file.write(&values.slice(from, until - from))?;
            }
            from = until;
        }
        Ok(())
    }

    /// Gives a table whose last segment has ended an open one, which begins with the state at that end.
    async fn open_again(
        &self,
        manifest: &Manifest,
        json: &mut SnapshotJson,
        written: &mut Written,
    ) -> Result<()> {
        let Some(end) = manifest.segments.iter().filter_map(|s| s.kept_until).max() else {
            return Ok(());
        };
        let columns = manifest.schema.columns();
        let start = end.ms() + 1;
        let mut segment = json!({ "id": format!("from {}", time(start)), "start": time(start) });
        let plan = plan(manifest, AsOf::At(end));
        let found = read_newest(
            &self.reader,
            &self.store,
            &self.table,
            (&plan, &KeyFilter::all()),
            columns,
            &CancelToken::default(),
            &|_, _| {},
        )
        .await?;
        let state = Snapshot::listed(plan.as_of, columns.into(), found);
        if !state.is_empty() {
            let batches = (0..state.len()).step_by(BATCH_ROWS);
            let batches: Vec<RecordBatch> = batches
                .map(|from| state.batch(from, BATCH_ROWS))
                .collect::<Result<_>>()?;
            let file = write_data_file(&self.store, &self.table, "base", columns, &batches).await?;
            segment["file"] = json!(file.name);
            written.begun.push(file.name.clone());
            written.base = Some(file);
        }
        json.segments_mut().insert(0, segment);
        Ok(())
    }
}

fn joined<T>(outcome: std::result::Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    outcome.map_err(|_| {
        Error::new(ErrorKind::Usage, "reading the input failed inside")
            .hint("nothing was appended; please report it, with the input if it may be seen")
    })?
}

/// A stage whose successor has failed stops; the successor tells why.
fn read_all(
    mut source: Box<dyn input::RowSource>,
    mut rejects: Rejects,
    to: &Sender<RecordBatch>,
) -> Result<Rejects> {
    while let Some(batch) = source.next_batch(&mut rejects)? {
        if to.blocking_send(batch).is_err() {
            break;
        }
    }
    Ok(rejects)
}

fn sort_all(mut runs: Runs, mut from: Receiver<RecordBatch>) -> Result<Runs> {
    while let Some(batch) = from.blocking_recv() {
        runs.push(batch)?;
    }
    Ok(runs)
}

fn merge_all(mut merged: Merged, rejects: &mut Rejects, to: &Sender<RecordBatch>) -> Result<()> {
    let refuse = |rejects: &mut Rejects, d: &Duplicate, row: (&RecordBatch, usize)| {
        let at = EventTime::from_ms(d.event_time);
        let reason = format!(
            "key '{}' at {at} is in line {} already",
            d.key, d.first_line
        );
        rejects.refuse_read(d.line, &reason, row)
    };
    while let Some(batch) = merged.next_batch(|d, row| refuse(rejects, &d, row))? {
        if to.blocking_send(batch).is_err() {
            break;
        }
    }
    Ok(())
}
