//! The segments that a compaction makes, gathered from edge to edge with the state in hand.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use serde_json::{Value, json};

use crate::error::Result;
use crate::event_time::{AsOf, EventTime};
use crate::format::Column;
use crate::scan::DataFile;
use crate::snapshot::output_schema;

use super::SegmentBy;
use super::commit::{Head, TableWriter};
use super::compact::CompactOptions;
use super::data_file::{encoded_bytes, write_data_file};
use super::input::Progress;
use super::layout::{Layout, Mention, Stretch, advance, cannot_gather, events};
use super::place::period_name;
use super::snapshot_json::{WrittenFile, time, time_in};

/// A compaction under way.
pub(super) struct Compaction<'a> {
    pub(super) writer: &'a TableWriter,
    pub(super) columns: Vec<Column>,
    pub(super) segment_by: SegmentBy,
    pub(super) options: CompactOptions,
    pub(super) head: &'a Head,
    /// Rows and bytes of files, those that are written or would be included.
    pub(super) sizes: &'a mut HashMap<String, (u64, u64)>,
    pub(super) segments: Vec<Value>,
    pub(super) new_files: Vec<WrittenFile>,
    pub(super) files_kept: usize,
    /// Segments of an earlier compaction that were not looked at again.
    pub(super) segments_kept: usize,
    pub(super) progress: &'a Arc<Progress>,
}

/// A segment that is being gathered.
struct Piece {
    start: i64,
    /// The state before it begins, by key.
    base: RecordBatch,
    /// Its rows: batches of later and later times, each newest first.
    rows: Vec<RecordBatch>,
    /// Where size decides: the bytes of those, before they are encoded.
    bytes: u64,
    /// The latest time among them.
    last: Option<i64>,
}

impl Piece {
    fn begin(start: i64, base: RecordBatch) -> Self {
        Self {
            start,
            base,
            rows: Vec::new(),
            bytes: 0,
            last: None,
        }
    }

    /// Takes rows that are later than all before.
    fn push(&mut self, rows: RecordBatch, bytes: u64) {
        self.bytes += bytes;
        self.last = events(&rows).1.first().copied().or(self.last);
        self.rows.push(rows);
    }

    fn row_count(&self) -> usize {
        self.rows.iter().map(RecordBatch::num_rows).sum()
    }
}

impl Compaction<'_> {
    /// Makes the segments, from the first stretch to the last.
    pub(super) async fn run(&mut self, layout: &Layout) -> Result<()> {
        let stretches = layout.stretches();
        let mut piece: Option<Piece> = None;
        for (i, stretch) in stretches.iter().enumerate() {
            if let Some(done) = self.done_before(layout, *stretch, i == 0) {
                self.emit(piece.take(), Some(stretch.start - 1)).await?;
                let deltas = done.get("delta").and_then(Value::as_array);
                let names = deltas.into_iter().flatten().map(|delta| delta.get("file"));
                self.files_kept += names.clone().count() + usize::from(done.get("file").is_some());
                let rows = names.filter_map(|name| Some(self.sizes.get(name?.as_str()?)?.0));
                self.progress.expect_fewer(rows.sum());
                self.segments_kept += 1;
                self.segments.push(done);
                continue;
            }
            let at = (stretch.start, AsOf::At(EventTime::from_ms(stretch.start)));
            let (writer, manifest) = (self.writer, &self.head.manifest);
            let base = writer.state_before(manifest, &self.columns, at).await?;
            let goes_on = match &piece {
                Some(piece) => advance(&piece.base, &piece.rows)? == base,
                None => false,
            };
            if !goes_on {
                self.emit(piece.take(), Some(stretch.start - 1)).await?;
            }
            let begun = piece.take().unwrap_or_else(|| {
                // Nothing is seen before, so the segment may as well begin with its period.
                let start = if i == 0 && base.num_rows() == 0 {
                    self.segment_by.period_start(stretch.start)
                } else {
                    stretch.start
                };
                Piece::begin(start, base)
            });
            piece = Some(self.gather(*stretch, begun).await?);
        }
        self.emit(piece, None).await
    }

    /// The segment that an earlier compaction made of this stretch, if nothing was added to it since.
    fn done_before(&self, layout: &Layout, stretch: Stretch, is_first: bool) -> Option<Value> {
        if self.options.all {
            return None;
        }
        let segment = self.compact_segment(stretch, is_first)?;
        let deltas = segment.get("delta").and_then(Value::as_array);
        let deltas = deltas.into_iter().flatten().filter_map(|d| d.get("file"));
        let own: Vec<&str> = deltas
            .chain(segment.get("file"))
            .filter_map(Value::as_str)
            .collect();
        let is_seen = |m: &Mention| {
            let starts = m
                .event_times
                .is_some_and(|(least, _)| stretch.end.is_none_or(|end| m.from.max(least) <= end));
            starts && m.until.is_none_or(|until| until >= stretch.start)
        };
        let is_own = |m: &Mention| own.contains(&m.name.as_str());
        let only_own = layout.mentions.iter().filter(|m| is_seen(m)).all(is_own);
        only_own.then(|| segment.clone())
    }

    /// The top-level segment of exactly this stretch that a compaction has made.
    fn compact_segment(&self, stretch: Stretch, is_first: bool) -> Option<&Value> {
        let segments = self.head.json.field("segments")?.as_array()?;
        segments.iter().find(|segment| {
            let start = time_in(segment, "start");
            let has_one = segment
                .get("delta")
                .and_then(Value::as_array)
                .is_none_or(|d| d.len() <= 1);
            let has_children = segment.get("segments").is_some();
            segment.get("compact") == Some(&Value::Bool(true))
                && has_one
                && !has_children
                && (start == Some(stretch.start)
                    || is_first && start.is_some_and(|s| s <= stretch.start))
                && time_in(segment, "end") == stretch.end
        })
    }

    /// Adds the rows of a stretch, and begins new pieces where the policy says so.
    async fn gather(&mut self, stretch: Stretch, mut piece: Piece) -> Result<Piece> {
        let manifest = &self.head.manifest;
        let groups = self
            .writer
            .row_groups(manifest, stretch.last_moment())
            .await?;
        let range = |(file, group): &(Arc<DataFile>, usize)| {
            file.event_time_range(*group)
                .unwrap_or((i64::MIN, i64::MAX))
        };
        let end = stretch.end.unwrap_or(i64::MAX);
        let mut from = stretch.start;
        // Row groups that span ages may have nothing in most of them: where a period is empty, more are looked at at once.
        let mut periods: i64 = 1;
        loop {
            let next = groups
                .iter()
                .map(range)
                .filter(|(_, greatest)| *greatest >= from)
                .map(|(least, _)| least.max(from))
                .min();
            let Some(next) = next.filter(|next| *next <= end) else {
                return Ok(piece);
            };
            let period = self.segment_by.next_period(next) - 1;
            let length = period.saturating_sub(next).saturating_add(1);
            let until = next
                .saturating_add(length.saturating_mul(periods) - 1)
                .min(end);
            let within: Vec<_> = groups
                .iter()
                .filter(|group| {
                    let (least, greatest) = range(group);
                    least <= until && greatest >= next
                })
                .cloned()
                .collect();
            let rows = self
                .writer
                .rows_within(&within, &self.columns, (next, until))
                .await?;
            let oldest = events(&rows).1.last().copied();
            if let Some(oldest) = oldest.filter(|_| periods > 1) {
                // Its period is taken by itself.
                (from, periods) = (oldest, 1);
                continue;
            }
            periods = match oldest {
                Some(_) => 1,
                None => periods.saturating_mul(2),
            };
            self.progress
                .rows_read
                .fetch_add(rows.num_rows() as u64, Ordering::Relaxed);
            let mut rest = rows;
            while rest.num_rows() > 0 {
                let (taken, bytes) = self.room(&piece, &rest);
                let left = rest.num_rows() - taken;
                if taken > 0 {
                    piece.push(rest.slice(left, taken), bytes);
                }
                rest = rest.slice(0, left);
                if let Some(oldest) = events(&rest).1.last() {
                    let start = self.segment_by.period_start(*oldest);
                    let base = advance(&piece.base, &piece.rows)?;
                    self.emit(Some(piece), Some(start - 1)).await?;
                    piece = Piece::begin(start, base);
                }
            }
            if until == end || until == i64::MAX {
                return Ok(piece);
            }
            from = until + 1;
        }
    }

    /// How many of these rows, which come newest first, a piece takes before the next one begins, from the oldest on;
    /// and their bytes, where size decides.
    fn room(&self, piece: &Piece, rows: &RecordBatch) -> (usize, u64) {
        if let SegmentBy::Bytes(limit) = self.segment_by {
            return self.room_by_size(piece, rows, limit);
        }
        let (_, times) = events(rows);
        // The oldest row tells the period, for statistics may promise more than there is. What is there already is dated
        // before the edge of a stretch, perhaps within the same period.
        let starts = times.last().is_some_and(|oldest| {
            let start = self.segment_by.period_start(*oldest);
            start > piece.start && piece.last.is_none_or(|last| start > last)
        });
        let begins_anew = starts && self.is_full(piece, piece.row_count());
        (if begins_anew { 0 } else { times.len() }, 0)
    }

    fn room_by_size(&self, piece: &Piece, rows: &RecordBatch, limit: u64) -> (usize, u64) {
        let (_, times) = events(rows);
        let held = piece.row_count();
        let (mut taken, mut bytes, mut last) = (0, 0, piece.last);
        for (size, at) in row_bytes(rows).into_iter().zip(times).rev() {
            // Rows of one moment stay together.
            let may_begin = last != Some(*at) && *at > piece.start;
            if may_begin && piece.bytes + bytes >= limit && self.is_full(piece, held + taken) {
                break;
            }
            taken += 1;
            bytes += size;
            last = Some(*at);
        }
        (taken, bytes)
    }

    /// True where a piece of so many rows is worth a base of its own behind it.
    fn is_full(&self, piece: &Piece, rows: usize) -> bool {
        rows > 0 && rows as f64 >= self.options.ratio * piece.base.num_rows() as f64
    }

    /// Makes a segment of a piece.
    async fn emit(&mut self, piece: Option<Piece>, end: Option<i64>) -> Result<()> {
        let Some(piece) = piece.filter(|p| p.base.num_rows() > 0 || p.row_count() > 0) else {
            return Ok(());
        };
        let held = self
            .compact_segment(
                Stretch {
                    start: piece.start,
                    end,
                },
                false,
            )
            .cloned();
        let mut segment = json!({
            "id": period_name(self.segment_by, piece.start),
            "start": time(piece.start),
        });
        if let Some(end) = end {
            segment["end"] = json!(time(end));
        }
        if piece.base.num_rows() > 0 {
            let name = held
                .as_ref()
                .and_then(|s| s.get("file"))
                .and_then(Value::as_str);
            let (name, _) = self
                .file(
                    "base",
                    name.map(str::to_owned),
                    std::slice::from_ref(&piece.base),
                )
                .await?;
            segment["file"] = json!(name);
        }
        if piece.row_count() > 0 {
            let delta = held.as_ref().and_then(|s| s.get("delta")?.get(0));
            let name = delta.and_then(|d| d.get("file")).and_then(Value::as_str);
            let newest_first: Vec<RecordBatch> = piece.rows.iter().rev().cloned().collect();
            let (name, file) = self
                .file("delta", name.map(str::to_owned), &newest_first)
                .await?;
            segment["delta"] = match (delta, file) {
                (Some(delta), None) => json!([delta]),
                (_, Some(file)) => json!([file.delta(file.event_times.0)]),
                (None, None) => json!([{ "file": name, "start": time(piece.start) }]),
            };
        }
        segment["compact"] = json!(true);
        // What others wrote into a segment that stays as it is stays too.
        let is_as_before = held.as_ref().is_some_and(|held| {
            ["start", "end", "file", "delta"]
                .iter()
                .all(|field| held.get(field) == segment.get(field))
        });
        self.segments.push(match held {
            Some(held) if is_as_before => held,
            _ => segment,
        });
        Ok(())
    }

    /// A file of these rows: the one that is held, if it has just them, or a new one.
    async fn file(
        &mut self,
        what: &str,
        held: Option<String>,
        batches: &[RecordBatch],
    ) -> Result<(String, Option<WrittenFile>)> {
        let rows: u64 = batches.iter().map(|b| b.num_rows() as u64).sum();
        if let Some(held) = held
            && self.sizes.get(&held).is_some_and(|(held, _)| *held == rows)
        {
            let found = self.writer.rows_of_file(&held, &self.columns).await?;
            let wanted = concat_batches(&output_schema(&self.columns), batches)
                .map_err(|e| cannot_gather(&e))?;
            if found == wanted {
                self.files_kept += 1;
                return Ok((held, None));
            }
        }
        let file = if self.options.dry_run {
            let times = batches.iter().flat_map(|b| events(b).1.iter().copied());
            WrittenFile {
                name: format!("planned-{}.parquet", self.new_files.len()),
                rows,
                bytes: encoded_bytes(&self.columns, batches)?,
                event_times: (
                    times.clone().min().unwrap_or_default(),
                    times.max().unwrap_or_default(),
                ),
            }
        } else {
            let writer = self.writer;
            write_data_file(&writer.store, &writer.table, what, &self.columns, batches).await?
        };
        self.progress
            .rows_written
            .fetch_add(rows, Ordering::Relaxed);
        self.sizes
            .insert(file.name.clone(), (file.rows, file.bytes));
        self.new_files.push(file.clone());
        Ok((file.name.clone(), Some(file)))
    }
}

/// The bytes of each row: its texts, and eight for each other value. They are the same whichever file the row lies in,
/// so that a second compaction finds the segments of the first.
fn row_bytes(rows: &RecordBatch) -> Vec<u64> {
    let mut bytes = vec![0; rows.num_rows()];
    for column in rows.columns() {
        let texts = column.as_string_opt::<i32>();
        for (row, bytes) in bytes.iter_mut().enumerate() {
            *bytes += match texts {
                Some(texts) if texts.is_null(row) => 0,
                Some(texts) => texts.value(row).len() as u64,
                None => 8,
            };
        }
    }
    bytes
}
