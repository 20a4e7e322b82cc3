//! Compaction: the same answers at every moment, out of fewer rows a read.
//!
//! The table becomes a row of segments without gaps or overlaps, each with a base, the state before it begins, and one
//! delta with the rows dated within it, newest first, so that the first row of a key that is seen is its newest. Late
//! rows come to lie where they belong. A new segment begins with a period once the delta has as many rows as the base,
//! times a ratio: a read then sees at most a base, as much again times the ratio, and a period; and every row is
//! stored about 1 + 1/ratio times.
//!
//! Where the table shows jumps that no row dated at that moment explains (a base that holds other rows than the
//! segment before it ended with, a delta that starts after its rows), a segment begins, with the state after the jump.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use serde_json::{Value, json};

use crate::error::{Error, ErrorKind, Result};
use crate::event_time::{AsOf, EventTime};
use crate::format::{Column, Manifest, Version, plan};
use crate::scan::DataFile;
use crate::snapshot::output_schema;

use super::SegmentBy;
use super::append::period_name;
use super::commit::{Head, TableWriter};
use super::data_file::write_data_file;
use super::input::Progress;
use super::layout::{Layout, Stretch, advance, cannot_gather, events};
use super::snapshot_json::{WrittenFile, time, time_in};

/// How compaction weighs reading against storing.
#[derive(Debug, Clone, Copy)]
pub struct CompactOptions {
    /// Where segments may begin; the table's own policy where nothing is said.
    pub segment_by: Option<SegmentBy>,
    /// A segment may begin once the delta before it has this many times the rows of its base. 0: with every period
    /// that has rows.
    pub ratio: f64,
    /// Look at segments again that a compaction made and nothing has touched since.
    pub all: bool,
    /// Only work out what would be done.
    pub dry_run: bool,
}

impl Default for CompactOptions {
    fn default() -> Self {
        Self {
            segment_by: None,
            ratio: 1.0,
            all: false,
            dry_run: false,
        }
    }
}

/// What a layout costs.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LayoutFigures {
    /// Segments.
    pub segments: usize,
    /// Distinct data files.
    pub files: usize,
    /// Rows in them.
    pub rows: u64,
    /// Bytes of them; of files that are not written yet, an estimate by their rows.
    pub bytes: u64,
    /// Files that a read at a random moment between the first and the last event sees, on average.
    pub files_read: f64,
    /// Rows that it considers, on average.
    pub rows_read: f64,
}

/// What a compaction did, or would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Compacted {
    /// The version that it made; none where nothing was to be done, or nothing was to be done yet.
    pub version: Option<Version>,
    /// True where the layout would change, or did.
    pub changes: bool,
    /// The table as it was.
    pub before: LayoutFigures,
    /// The table as it is, or would be.
    pub after: LayoutFigures,
    /// Data files written, or that would be.
    pub files_written: usize,
    /// Data files taken over as they are.
    pub files_kept: usize,
}

impl TableWriter {
    /// Compacts the table; see the options.
    pub async fn compact(
        &self,
        options: CompactOptions,
        progress: &Arc<Progress>,
    ) -> Result<Compacted> {
        self.try_compact(options, progress)
            .await
            .map_err(|e| self.place(e))
    }

    async fn try_compact(
        &self,
        options: CompactOptions,
        progress: &Arc<Progress>,
    ) -> Result<Compacted> {
        if !(options.ratio >= 0.0 && options.ratio.is_finite()) {
            return Err(Error::new(
                ErrorKind::Usage,
                "the ratio should be 0 or more",
            ));
        }
        let mut head = self.head().await?;
        let layout = Layout::of(self, &head.manifest).await?;
        let mut sizes = HashMap::new();
        for mention in &layout.mentions {
            if !sizes.contains_key(&mention.name) {
                let bytes = self.store.len(&self.table, &mention.name).await?;
                sizes.insert(mention.name.clone(), (mention.rows, bytes.unwrap_or(0)));
            }
        }
        let before = figures(&head.manifest, &layout, &sizes);
        let segment_by = options.segment_by.unwrap_or_else(|| head.json.segment_by());
        let mut work = Compaction {
            writer: self,
            columns: head.manifest.schema.columns().to_vec(),
            segment_by,
            options,
            head: &head,
            bytes_a_row: before.bytes as f64 / before.rows.max(1) as f64,
            sizes: &mut sizes,
            segments: Vec::new(),
            new_files: Vec::new(),
            files_kept: 0,
            progress,
        };
        let done = work.run(&layout).await;
        let (segments, new_files, files_kept) = (work.segments, work.new_files, work.files_kept);
        if let Err(e) = done {
            self.remove(&new_files).await;
            return Err(e);
        }
        let changes = *head.json.segments_mut() != segments;
        head.json.segments_mut().clone_from(&segments);
        let (_, manifest) = super::snapshot_json::SnapshotJson::parse(&head.json.to_bytes()?)?;
        let mut compacted = Compacted {
            version: None,
            changes,
            before,
            after: if changes {
                figures(&manifest, &layout, &sizes)
            } else {
                before
            },
            files_written: new_files.len(),
            files_kept,
        };
        if changes && !options.dry_run {
            head.json
                .set_field("segment_by", json!(segment_by.to_string()));
            let rows = compacted.after.rows;
            let version = self
                .commit(head.version, head.json, ("compact", rows), &new_files)
                .await?;
            compacted.version = Some(version);
        }
        Ok(compacted)
    }
}

/// What a layout costs; `layout` knows the event times of the table, and `sizes` the rows and bytes of files.
fn figures(
    manifest: &Manifest,
    layout: &Layout,
    sizes: &HashMap<String, (u64, u64)>,
) -> LayoutFigures {
    let mut names: Vec<&str> = manifest
        .files()
        .map(crate::format::FileName::as_str)
        .collect();
    names.sort_unstable();
    names.dedup();
    let size = |name: &str| sizes.get(name).copied().unwrap_or((0, 0));
    let mut found = LayoutFigures {
        segments: manifest.segments.len(),
        files: names.len(),
        rows: names.iter().map(|n| size(n).0).sum(),
        bytes: names.iter().map(|n| size(n).1).sum(),
        ..LayoutFigures::default()
    };
    let times = layout.mentions.iter().filter_map(|m| m.event_times);
    let first = layout
        .mentions
        .iter()
        .filter_map(|m| Some(m.from.max(m.event_times?.0)))
        .min();
    let last = times.map(|(_, greatest)| greatest).max();
    let (Some(first), Some(last)) = (first, last) else {
        return found;
    };
    // Plans change where a file comes or goes.
    let mut edges = vec![first, last.max(first) + 1];
    for file in manifest.all_files() {
        let until = manifest.segments[file.segment].kept_until;
        let edge = [Some(file.visible_from.ms()), until.map(|u| u.ms() + 1)];
        edges.extend(
            edge.into_iter()
                .flatten()
                .filter(|e| (first..=last).contains(e)),
        );
    }
    edges.sort_unstable();
    edges.dedup();
    let (mut files, mut rows, mut length) = (0.0, 0.0, 0.0);
    for pair in edges.windows(2) {
        let share = (pair[1] - pair[0]) as f64;
        let plan = plan(manifest, AsOf::At(EventTime::from_ms(pair[0])));
        files += share * plan.files.len() as f64;
        let seen = plan.files.iter().map(|f| size(f.name.as_str()).0);
        rows += share * seen.sum::<u64>() as f64;
        length += share;
    }
    if length > 0.0 {
        found.files_read = files / length;
        found.rows_read = rows / length;
    }
    found
}

/// A compaction under way.
struct Compaction<'a> {
    writer: &'a TableWriter,
    columns: Vec<Column>,
    segment_by: SegmentBy,
    options: CompactOptions,
    head: &'a Head,
    bytes_a_row: f64,
    /// Rows and bytes of files, those that are written or would be included.
    sizes: &'a mut HashMap<String, (u64, u64)>,
    segments: Vec<Value>,
    new_files: Vec<String>,
    files_kept: usize,
    progress: &'a Arc<Progress>,
}

/// A segment that is being gathered.
struct Piece {
    start: i64,
    /// The state before it begins, by key.
    base: RecordBatch,
    /// Its rows: batches of later and later times, each newest first.
    rows: Vec<RecordBatch>,
}

impl Piece {
    fn row_count(&self) -> usize {
        self.rows.iter().map(RecordBatch::num_rows).sum()
    }
}

impl Compaction<'_> {
    async fn run(&mut self, layout: &Layout) -> Result<()> {
        let stretches = layout.stretches();
        let mut piece: Option<Piece> = None;
        for (i, stretch) in stretches.iter().enumerate() {
            if let Some(done) = self.done_before(layout, *stretch, i == 0) {
                self.emit(piece.take(), Some(stretch.start - 1)).await?;
                let files = done
                    .get("delta")
                    .and_then(Value::as_array)
                    .map_or(0, Vec::len);
                self.files_kept += files + usize::from(done.get("file").is_some());
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
            let begun = piece.take().unwrap_or_else(|| Piece {
                // Nothing is seen before, so the segment may as well begin with its period.
                start: if i == 0 && base.num_rows() == 0 {
                    self.segment_by.period_start(stretch.start)
                } else {
                    stretch.start
                },
                base,
                rows: Vec::new(),
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
        let is_seen = |m: &super::layout::Mention| {
            let starts = m
                .event_times
                .is_some_and(|(least, _)| stretch.end.is_none_or(|end| m.from.max(least) <= end));
            starts && m.until.is_none_or(|until| until >= stretch.start)
        };
        let is_own = |m: &super::layout::Mention| own.contains(&m.name.as_str());
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
            let until = (self.segment_by.next_period(next) - 1).min(end);
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
            self.progress
                .rows_read
                .fetch_add(rows.num_rows() as u64, Ordering::Relaxed);
            if rows.num_rows() > 0 {
                // The first row tells the period, for statistics may promise more than there is.
                let (_, times) = events(&rows);
                let first = times.last().copied().unwrap_or(next);
                let start = self.candidate(first);
                let count = piece.row_count();
                let is_full =
                    count > 0 && count as f64 >= self.options.ratio * piece.base.num_rows() as f64;
                // What is there already is dated before the edge of a stretch, perhaps within the same period.
                let last = piece
                    .rows
                    .last()
                    .and_then(|rows| events(rows).1.first().copied());
                if is_full && start > piece.start && last.is_none_or(|last| start > last) {
                    let base = advance(&piece.base, &piece.rows)?;
                    self.emit(Some(piece), Some(start - 1)).await?;
                    piece = Piece {
                        start,
                        base,
                        rows: Vec::new(),
                    };
                }
                piece.rows.push(rows);
            }
            if until == end || until == i64::MAX {
                return Ok(piece);
            }
            from = until + 1;
        }
    }

    /// Where a segment that holds this time may begin.
    fn candidate(&self, ms: i64) -> i64 {
        match self.segment_by {
            SegmentBy::Bytes(_) => SegmentBy::Month.period_start(ms),
            by => by.period_start(ms),
        }
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
        let by = match self.segment_by {
            SegmentBy::Bytes(_) => SegmentBy::Month,
            by => by,
        };
        let mut segment = json!({
            "id": period_name(by, piece.start),
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
                bytes: (rows as f64 * self.bytes_a_row) as u64,
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
        self.new_files.push(file.name.clone());
        Ok((file.name.clone(), Some(file)))
    }
}
