//! What the files of a table show when: the ground on which compaction and checks stand.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::TimestampMillisecondType;

use crate::cancel::CancelToken;
use crate::error::{Error, ErrorKind, Result};
use crate::event_time::{AsOf, EventTime};
use crate::format::{Column, FileRole, Manifest, Plan, plan};
use crate::scan::{Chunks, DataFile, KeyFilter, RowRef, read_newest};
use crate::snapshot::{Snapshot, gather, output_schema};
use crate::timeline::event_time_range;

use super::commit::TableWriter;

/// A file where a segment names it.
#[derive(Debug, Clone)]
pub(super) struct Mention {
    pub(super) name: String,
    /// True where it is the state at its segment's start.
    pub(super) is_base: bool,
    /// None of its rows is visible before this, milliseconds.
    pub(super) from: i64,
    /// None of its rows is visible after this; none where its segments are open.
    pub(super) until: Option<i64>,
    /// The least and the greatest event time; none where it has no row.
    pub(super) event_times: Option<(i64, i64)>,
    pub(super) rows: u64,
}

/// All files of a table, in order of precedence.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) mentions: Vec<Mention>,
}

/// A stretch of event time at whose edges what is seen may jump, and within which it only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Milliseconds, inclusive.
    pub(super) start: i64,
    /// Inclusive; none for the last one, which *current* belongs to.
    pub(super) end: Option<i64>,
}

impl Stretch {
    /// The moment whose plan has all files that any moment of the stretch sees.
    pub(super) fn last_moment(self) -> AsOf {
        self.end
            .map_or(AsOf::Current, |end| AsOf::At(EventTime::from_ms(end)))
    }
}

impl Layout {
    /// Looks into the footers of all files.
    pub(super) async fn of(writer: &TableWriter, manifest: &Manifest) -> Result<Self> {
        let cancel = CancelToken::default();
        let mut mentions = Vec::new();
        for file in manifest.all_files() {
            let name = file.name.as_str();
            let (reader, store) = (&writer.reader, &writer.store);
            let range = event_time_range(reader, store, &writer.table, name, &cancel).await?;
            let rows = reader.open(store, &writer.table, name).await?.rows() as u64;
            mentions.push(Mention {
                name: name.to_owned(),
                is_base: file.role == FileRole::Base,
                from: file.visible_from.ms(),
                until: manifest.segments[file.segment]
                    .kept_until
                    .map(EventTime::ms),
                event_times: range,
                rows,
            });
        }
        Ok(Self { mentions })
    }

    /// The stretches from the first moment that shows a row.
    ///
    /// An edge is where a file goes out of sight, or one comes into sight with rows that are dated before: a base, or
    /// a delta that starts late. Elsewhere rows come into view one by one, each at its event time.
    pub(super) fn stretches(&self) -> Vec<Stretch> {
        let visible = self.mentions.iter().filter_map(|m| {
            let (least, _) = m.event_times?;
            Some((m, least))
        });
        let first = visible.clone().map(|(m, least)| m.from.max(least)).min();
        let Some(first) = first else {
            return Vec::new();
        };
        let mut starts = BTreeSet::from([first]);
        for (mention, least) in visible {
            if least < mention.from {
                starts.insert(mention.from);
            }
            starts.extend(mention.until.and_then(|until| until.checked_add(1)));
        }
        let starts: Vec<i64> = starts.range(first..).copied().collect();
        let ends = starts.iter().skip(1).map(|s| Some(s - 1)).chain([None]);
        starts
            .iter()
            .zip(ends)
            .map(|(start, end)| Stretch { start: *start, end })
            .collect()
    }
}

pub(super) fn cannot_gather(e: &arrow::error::ArrowError) -> Error {
    Error::new(ErrorKind::Output, format!("rows cannot be gathered: {e}"))
}

/// The keys and event times (milliseconds) of a batch of [`output_schema`].
pub(super) fn events(batch: &RecordBatch) -> (&StringArray, &[i64]) {
    let times = batch
        .column(1)
        .as_primitive::<TimestampMillisecondType>()
        .values();
    (batch.column(0).as_string(), times)
}

impl TableWriter {
    /// The newest row of every key that is dated before a moment (milliseconds), in the files that a plan for that
    /// moment names; by key.
    pub(super) async fn state_before(
        &self,
        manifest: &Manifest,
        columns: &[Column],
        (ms, files_at): (i64, AsOf),
    ) -> Result<RecordBatch> {
        let plan = Plan {
            as_of: AsOf::At(EventTime::from_ms(ms.saturating_sub(1))),
            files: plan(manifest, files_at).files,
        };
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
        state.batch(0, state.len())
    }

    /// The row groups of a moment's plan, in order of precedence.
    pub(super) async fn row_groups(
        &self,
        manifest: &Manifest,
        at: AsOf,
    ) -> Result<Vec<(Arc<DataFile>, usize)>> {
        let plan = plan(manifest, at);
        let names: Vec<&str> = plan.files.iter().map(|f| f.name.as_str()).collect();
        let cancel = CancelToken::default();
        let opened = self
            .reader
            .open_all(&self.store, &self.table, &names, &cancel)
            .await?;
        let groups = opened
            .into_iter()
            .flat_map(|file| (0..file.row_groups()).map(move |g| (Arc::clone(&file), g)));
        Ok(groups
            .filter(|(file, group)| file.rows_in_group(*group) > 0)
            .collect())
    }

    /// Reads whole row groups.
    pub(super) async fn read_groups(
        &self,
        groups: &[(Arc<DataFile>, usize)],
        columns: &[Column],
    ) -> Result<Chunks> {
        let bytes = groups
            .iter()
            .map(|(file, group)| crate::scan::Reader::decoded_bytes(file, *group, columns));
        self.reader.check_budget(bytes.sum())?;
        let reader = Arc::new(self.reader.apart_without_cache());
        let cancel = CancelToken::default();
        let read = reader
            .read_row_groups(&self.store, groups, columns, AsOf::Current, &cancel, |_| {})
            .await?;
        Ok(read.into_iter().flatten().map(Arc::new).collect())
    }

    /// The rows dated within `from..=until` (milliseconds) of some row groups in order of precedence, newest first,
    /// one a key and event time.
    pub(super) async fn rows_within(
        &self,
        groups: &[(Arc<DataFile>, usize)],
        columns: &[Column],
        (from, until): (i64, i64),
    ) -> Result<RecordBatch> {
        let chunks = self.read_groups(groups, columns).await?;
        let mut rows: Vec<(Reverse<i64>, RowRef)> = Vec::new();
        for (chunk, data) in chunks.iter().enumerate() {
            for (row, ms) in data.event_times.iter().enumerate() {
                if (from..=until).contains(ms) {
                    let at = RowRef {
                        chunk: chunk as u32,
                        row: row as u32,
                    };
                    rows.push((Reverse(*ms), at));
                }
            }
        }
        let key = |at: RowRef| chunks[at.chunk as usize].keys.value(at.row as usize);
        rows.sort_unstable_by(|a, b| (a.0, key(a.1), a.1).cmp(&(b.0, key(b.1), b.1)));
        rows.dedup_by(|b, a| a.0 == b.0 && key(a.1) == key(b.1));
        let rows: Vec<RowRef> = rows.into_iter().map(|(_, at)| at).collect();
        let arrays = gather(&chunks, &rows, columns)?;
        RecordBatch::try_new(output_schema(columns), arrays).map_err(|e| cannot_gather(&e))
    }

    /// All rows of a file in its own order.
    pub(super) async fn rows_of_file(&self, name: &str, columns: &[Column]) -> Result<RecordBatch> {
        let file = self.reader.open(&self.store, &self.table, name).await?;
        let groups: Vec<_> = (0..file.row_groups())
            .filter(|group| file.rows_in_group(*group) > 0)
            .map(|group| (Arc::clone(&file), group))
            .collect();
        let chunks = self.read_groups(&groups, columns).await?;
        let rows: Vec<RowRef> = chunks
            .iter()
            .enumerate()
            .flat_map(|(chunk, data)| {
                (0..data.event_times.len()).map(move |row| RowRef {
                    chunk: chunk as u32,
                    row: row as u32,
                })
            })
            .collect();
        let arrays = gather(&chunks, &rows, columns)?;
        RecordBatch::try_new(output_schema(columns), arrays).map_err(|e| cannot_gather(&e))
    }
}

/// The state after some rows came: of every key its newest row among them, and the one in the state before where there
/// is none. `state` is by key, `newer` are batches of later and later rows, each newest first; the answer is by key.
pub(super) fn advance(state: &RecordBatch, newer: &[RecordBatch]) -> Result<RecordBatch> {
    if newer.iter().all(|batch| batch.num_rows() == 0) {
        return Ok(state.clone());
    }
    let sources: Vec<&RecordBatch> = std::iter::once(state).chain(newer.iter().rev()).collect();
    let keys: Vec<&StringArray> = sources.iter().map(|batch| events(batch).0).collect();
    // The first row of a key among the newer ones, the latest batch first, then the state: the newest.
    let order = (1..sources.len()).chain([0]);
    let mut rows: Vec<(&str, usize, (usize, usize))> = Vec::new();
    for (rank, source) in order.enumerate() {
        let keys = keys[source];
        rows.extend((0..keys.len()).map(|row| (keys.value(row), rank, (source, row))));
    }
    rows.sort_unstable();
    rows.dedup_by(|b, a| a.0 == b.0);
    let places: Vec<(usize, usize)> = rows.into_iter().map(|(_, _, place)| place).collect();
    interleave_record_batch(&sources, &places).map_err(|e| cannot_gather(&e))
}
