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
use serde_json::{Value, json};
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
use super::runs::{Duplicate, Merged, Runs};
use super::snapshot_json::{LATE, SnapshotJson, WrittenFile, array_of, time, time_in};

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

/// Where a row goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bin {
    /// The period that begins at this time, milliseconds.
    Period(i64),
    Late,
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
        let columns = head.manifest.schema.columns().to_vec();
        let newest = self.newest_event_time(&head.manifest).await?;
        let source = input::open(input, &columns, options, progress)?;
        let rejects = Rejects::open(options.rejects.as_ref())?;

        let mut written = Written::default();
        let done = self
            .write_rows(
                (source, rejects),
                &columns,
                (newest, segment_by),
                progress,
                &mut written,
            )
            .await;
        let rejected = match done {
            Ok(rejected) => rejected,
            Err(e) => {
                self.remove(&written.names).await;
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
                self.remove(&written.names).await;
                return Err(e);
            }
        }
        written.place_into(&mut json, &manifest, segment_by);
        let files = written.names.len();
        let version = self
            .commit(version, json, ("append", rows), &written.names)
            .await?;
        Ok(Appended {
            version,
            rows,
            late,
            rejected,
            files,
        })
    }

    /// The newest event time in the table's data files, milliseconds.
    pub(super) async fn newest_event_time(&self, manifest: &Manifest) -> Result<Option<i64>> {
        let mut names: Vec<&str> = manifest
            .files()
            .map(crate::format::FileName::as_str)
            .collect();
        names.sort_unstable();
        names.dedup();
        let cancel = CancelToken::default();
        let mut newest = None;
        for name in names {
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
                written.names.push(file.name().to_owned());
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
            written.names.push(file.name);
        }
        json.segments_mut().insert(0, segment);
        Ok(())
    }
}

fn joined<T>(outcome: std::result::Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    outcome.map_err(|_| Error::new(ErrorKind::Usage, "reading the input failed inside"))?
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
    let refuse = |rejects: &mut Rejects, d: Duplicate| {
        let at = EventTime::from_ms(d.event_time);
        let reason = format!(
            "key '{}' at {at} is in line {} already",
            d.key, d.first_line
        );
        rejects.refuse(d.line, &reason, || vec![d.key.clone(), at.to_string()])
    };
    while let Some(batch) = merged.next_batch(|d| refuse(rejects, d))? {
        if to.blocking_send(batch).is_err() {
            break;
        }
    }
    Ok(())
}

/// The data files of an append.
#[derive(Debug, Default)]
struct Written {
    /// All that were begun.
    names: Vec<String>,
    /// Those that were finished, the newest period first, the late ones last.
    files: Vec<(Bin, WrittenFile)>,
}

impl Written {
    fn add(&mut self, bin: Bin, file: WrittenFile) {
        self.files.push((bin, file));
    }

    /// Rows, and those of them that are late.
    fn counts(&self) -> (u64, u64) {
        let rows = |late_only: bool| {
            let files = self.files.iter();
            let files = files.filter(|(bin, _)| !late_only || *bin == Bin::Late);
            files.map(|(_, file)| file.rows).sum()
        };
        (rows(false), rows(true))
    }

    /// Names the files in the snapshot.
    fn place_into(&self, json: &mut SnapshotJson, manifest: &Manifest, segment_by: SegmentBy) {
        let latest_start = manifest.segments.iter().map(|s| s.start.ms()).max();
        // The oldest period first, for each new segment goes before those that are there.
        for (bin, file) in self.files.iter().rev() {
            match bin {
                Bin::Period(_) => place_in_period(json, latest_start, segment_by, file),
                Bin::Late => {}
            }
        }
        let late = self.files.iter().filter(|(bin, _)| *bin == Bin::Late);
        for (_, file) in late {
            place_late(json, manifest, file);
        }
    }
}

/// The position of the first segment that is not the one of late rows.
fn first_period(segments: &[Value]) -> usize {
    usize::from(segments.first().is_some_and(is_late_segment))
}

/// True for the segment that this writer keeps late rows in.
pub(super) fn is_late_segment(segment: &Value) -> bool {
    segment.get("id").and_then(Value::as_str) == Some(LATE)
        && segment.get("late") == Some(&Value::Bool(true))
        && segment.get("end").is_none_or(Value::is_null)
        && segment.get("file").is_none_or(Value::is_null)
        && segment
            .get("segments")
            .is_none_or(|s| s.as_array().is_none_or(Vec::is_empty))
}

/// A delta whose rows are as new as all before, or newer: into the open segment of its period, or a new one.
fn place_in_period(
    json: &mut SnapshotJson,
    latest_start: Option<i64>,
    segment_by: SegmentBy,
    file: &WrittenFile,
) {
    let (least, _) = file.event_times;
    let segments = json.segments_mut();
    let at = first_period(segments);
    let is_of_period = |segment: &Value| {
        let Some(start) = time_in(segment, "start") else {
            return false;
        };
        let is_open = segment.get("end").is_none_or(Value::is_null);
        let has_children = segment
            .get("segments")
            .is_some_and(|s| s.as_array().is_some_and(|s| !s.is_empty()));
        let is_same = match segment_by {
            SegmentBy::Bytes(limit) => bytes_of(segment) < limit,
            by => by.period_start(start) == by.period_start(least),
        };
        is_open && !has_children && start <= least && is_same
    };
    let delta = file.delta(least);
    // What stands before it must hold no row that this one may correct.
    let has_ended = |segment: &Value| time_in(segment, "end").is_some_and(|end| end < least);
    let before = segments[at..].iter().take_while(|s| has_ended(s)).count();
    let held = segments.get_mut(at + before).filter(|s| is_of_period(s));
    if let Some(Value::Object(segment)) = held {
        // Its start is at or after all others', and where it is equal the earlier in the file wins.
        array_of(segment, "delta").insert(0, delta);
        segment.shift_remove("compact");
        return;
    }
    let start = segment_by.period_start(least);
    let start = latest_start.map_or(start, |latest| start.max(latest.min(least)));
    let id = match segment_by {
        SegmentBy::Bytes(_) => format!("from {}", time(start)),
        by => period_name(by, start),
    };
    let id = unused_id(segments, &id);
    segments.insert(
        at,
        json!({ "id": id, "start": time(start), "delta": [delta] }),
    );
}

/// The id, or where a segment has it already the id with a number.
fn unused_id(segments: &[Value], id: &str) -> String {
    let is_used = |id: &str| {
        let mut ids = segments.iter().filter_map(|s| s.get("id")?.as_str());
        ids.any(|used| used == id)
    };
    let mut number = 1;
    let mut unused = id.to_owned();
    while is_used(&unused) {
        number += 1;
        unused = format!("{id} ({number})");
    }
    unused
}

/// `2024`, `2024-Q3` or `2024-08`.
pub(super) fn period_name(segment_by: SegmentBy, start: i64) -> String {
    let Some((year, month, ..)) = crate::event_time::calendar(EventTime::from_ms(start)) else {
        return time(start);
    };
    if segment_by.period_start(start) != start {
        return format!("from {}", time(start));
    }
    match segment_by {
        SegmentBy::Year => format!("{year:04}"),
        SegmentBy::Quarter => format!("{year:04}-Q{}", (month - 1) / 3 + 1),
        SegmentBy::Month | SegmentBy::Bytes(_) => format!("{year:04}-{month:02}"),
    }
}

/// Bytes of a segment's deltas, as far as the snapshot tells.
fn bytes_of(segment: &Value) -> u64 {
    let deltas = segment.get("delta").and_then(Value::as_array);
    deltas.map_or(0, |deltas| {
        deltas.iter().filter_map(|d| d.get("bytes")?.as_u64()).sum()
    })
}

/// A delta of late rows: before all others, so that what it says again wins.
fn place_late(json: &mut SnapshotJson, manifest: &Manifest, file: &WrittenFile) {
    let (least, _) = file.event_times;
    let first = manifest.segments.iter().map(|s| s.start.ms()).min();
    let segments = json.segments_mut();
    if first_period(segments) == 0 {
        let start = first.map_or(least, |first| first.min(least));
        segments.insert(
            0,
            json!({ "id": LATE, "start": time(start), "late": true, "delta": [] }),
        );
    }
    let Some(Value::Object(segment)) = segments.first_mut() else {
        return;
    };
    // One start for all: of two that say the same row, the one that was committed last must win.
    let held = segment.get("start").cloned();
    let held = held.and_then(|s| time_in(&json!({ "start": s }), "start"));
    let start = held.map_or(least, |held| held.min(least));
    segment.insert("start".to_owned(), json!(time(start)));
    let deltas = array_of(segment, "delta");
    deltas.insert(0, file.delta(start));
    for delta in deltas.iter_mut() {
        delta["start"] = json!(time(start));
    }
}
