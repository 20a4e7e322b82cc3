//! One read: plan, files in parallel, newest rows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::try_join_all;

use crate::cancel::CancelToken;
use crate::error::Result;
use crate::event_time::AsOf;
use crate::format::{Column, Plan, PlannedFile};
use crate::store::{Store, Traffic};

use super::key_filter::KeyFilter;
use super::key_order::KeyOrder;
use super::newest::{RowRef, hash_part, is_mostly_ordered, merge_part};
use super::reader::Reader;
use super::row_group::RowGroupRows;

/// Row groups that a read has decoded, in order of precedence; [`RowRef`]s point into them.
pub type Chunks = Arc<[Arc<RowGroupRows>]>;

/// What a read took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScanCost {
    /// Files that the plan names.
    pub files: usize,
    /// Row groups read.
    pub row_groups: usize,
    /// Row groups whose statistics ruled them out.
    pub row_groups_pruned: usize,
    /// Rows decoded.
    pub rows: usize,
    /// Requests to the store.
    pub requests: u64,
    /// Bytes from the store.
    pub bytes: u64,
    /// From the start to the answer.
    pub elapsed: Duration,
    /// Of that, until all footers were there.
    pub opening: Duration,
    /// Of that, reading and decoding the row groups.
    pub decoding: Duration,
    /// Of that, choosing the newest row of every key.
    pub reducing: Duration,
}

/// The newest row of every key, by key, with the row groups that they lie in.
#[derive(Debug)]
pub struct NewestRows {
    /// The row groups.
    pub chunks: Chunks,
    /// The rows, ascending by key.
    pub rows: Vec<RowRef>,
    /// What the read took.
    pub cost: ScanCost,
}

/// The row groups of some files.
#[derive(Debug)]
pub struct ReadGroups {
    /// Those that have rows, in order of precedence.
    pub chunks: Chunks,
    /// For each of them, the position of its file.
    pub files: Vec<usize>,
    /// How many were ruled out by their statistics.
    pub pruned: usize,
    /// When all footers were there.
    pub opened_at: Instant,
}

/// Reads the row groups of files, with these value columns, that may have rows as of a moment.
///
/// After each row group, `on_progress` is told how many of how many are read. Every fault is an error: a cancelled or
/// failed read gives nothing.
pub async fn read_row_groups(
    reader: &Arc<Reader>,
    store: &Store,
    table: &str,
    (files, as_of): (&[PlannedFile], AsOf),
    columns: &[Column],
    cancel: &CancelToken,
    on_progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<ReadGroups> {
    let names: Vec<&str> = files.iter().map(|f| f.name.as_str()).collect();
    let opened = reader.open_all(store, table, &names, cancel).await?;
    let opened_at = Instant::now();
    let groups: Vec<_> = opened
        .iter()
        .enumerate()
        .flat_map(|(i, f)| (0..f.row_groups()).map(move |g| (i, f, g)))
        .collect();
    let admitted = groups
        .iter()
        .filter(|(_, file, group)| file.admits(*group, as_of));
    let needed = admitted
        .map(|(_, file, group)| Reader::decoded_bytes(file, *group, columns))
        .sum();
    reader.check_budget(needed)?;

    let wanted: Vec<_> = groups
        .iter()
        .map(|(_, file, group)| (Arc::clone(file), *group))
        .collect();
    let total = groups.len();
    let read = reader
        .read_row_groups(store, &wanted, columns, as_of, cancel, |read| {
            on_progress(read, total);
        })
        .await?;
    let found = groups.iter().map(|(file, ..)| *file).zip(read);
    let found = found.filter_map(|(file, rows)| Some((file, Arc::new(rows?))));
    let (files, chunks): (Vec<usize>, Vec<Arc<RowGroupRows>>) = found.unzip();
    Ok(ReadGroups {
        pruned: groups.len() - chunks.len(),
        chunks: chunks.into(),
        files,
        opened_at,
    })
}

/// Reads the row groups of files, with these value columns, that may have rows of some keys as of a moment, and of them
/// the rows of those keys alone.
async fn read_row_groups_of_keys(
    reader: &Arc<Reader>,
    store: &Store,
    table: &str,
    (files, keys, as_of): (&[PlannedFile], &KeyFilter, AsOf),
    columns: &[Column],
    cancel: &CancelToken,
) -> Result<ReadGroups> {
    let names: Vec<&str> = files.iter().map(|f| f.name.as_str()).collect();
    let opened = reader.open_all(store, table, &names, cancel).await?;
    let opened_at = Instant::now();
    let found = reader
        .read_rows_of_keys(store, &opened, (keys, as_of), columns, cancel)
        .await?;
    let (files, chunks): (Vec<usize>, Vec<Arc<RowGroupRows>>) = found
        .into_iter()
        .map(|(at, rows)| (at, Arc::new(rows)))
        .unzip();
    let all: usize = opened.iter().map(|file| file.row_groups()).sum();
    Ok(ReadGroups {
        pruned: all - chunks.len(),
        chunks: chunks.into(),
        files,
        opened_at,
    })
}

/// Reads the rows of a table as a plan's moment saw them, the newest of every key that is wanted, with these value
/// columns.
pub async fn read_newest(
    reader: &Arc<Reader>,
    store: &Store,
    table: &str,
    (plan, keys): (&Plan, &KeyFilter),
    columns: &[Column],
    cancel: &CancelToken,
    on_progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<NewestRows> {
    let started = Instant::now();
    let traffic = Arc::new(Traffic::default());
    let store = &store.counting(Arc::clone(&traffic));
    let as_of = plan.as_of;
    let files = plan.files.as_slice();
    let groups = if keys.is_all() {
        let of = (files, as_of);
        read_row_groups(reader, store, table, of, columns, cancel, on_progress).await?
    } else {
        let of = (files, keys, as_of);
        read_row_groups_of_keys(reader, store, table, of, columns, cancel).await?
    };
    let decoded_at = Instant::now();
    let rows = newest_rows(reader, &groups.chunks, as_of, cancel).await?;
    let cost = ScanCost {
        files: plan.files.len(),
        row_groups: groups.chunks.len(),
        row_groups_pruned: groups.pruned,
        rows: groups.chunks.iter().map(|c| c.event_times.len()).sum(),
        requests: traffic.requests(),
        bytes: traffic.bytes(),
        elapsed: started.elapsed(),
        opening: groups.opened_at.duration_since(started),
        decoding: decoded_at.duration_since(groups.opened_at),
        reducing: decoded_at.elapsed(),
    };
    Ok(NewestRows {
        chunks: groups.chunks,
        rows,
        cost,
    })
}

async fn newest_rows(
    reader: &Arc<Reader>,
    chunks: &Chunks,
    as_of: AsOf,
    cancel: &CancelToken,
) -> Result<Vec<RowRef>> {
    let order = KeyOrder::for_cores(chunks, reader.limits().decoders);
    let is_ordered = is_mostly_ordered(chunks);
    let reducing = (0..order.parts()).map(|part| {
        let (chunks, order, token) = (Arc::clone(chunks), order.clone(), cancel.clone());
        reader.compute(cancel, move || {
            let reduce = if is_ordered { merge_part } else { hash_part };
            reduce(&chunks, &order, as_of, part, &token)
        })
    });
    let mut parts = try_join_all(reducing).await?.into_iter();
    let mut rows = parts.next().unwrap_or_default();
    parts.for_each(|part| rows.extend(part));
    Ok(rows)
}
