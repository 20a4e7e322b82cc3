//! One read: plan, files in parallel, newest rows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::try_join_all;
use futures::stream::{self, StreamExt, TryStreamExt};
use hashbrown::DefaultHashBuilder;

use crate::cancel::CancelToken;
use crate::error::Result;
use crate::format::{Column, Plan};
use crate::store::{Store, Traffic};

use super::newest::{merge_shares, reduce_share};
use super::reader::{Reader, RowGroupRows};
use super::snapshot::Snapshot;

/// Files whose bytes are awaited at the same time.
const FILES_AT_ONCE: usize = 16;

/// With fewer rows than this, a second core costs more than it brings.
const ROWS_PER_SHARE: usize = 32_768;

/// With fewer rows than this, handing the merge to another thread takes longer than the merge.
const ROWS_WORTH_A_TASK: usize = 100_000;

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
}

/// Reads the rows of a table as a plan's moment saw them, ordered by key, with these value columns.
///
/// After each row group, `on_progress` is told how many of how many are read. Every fault is an error: a cancelled or failed read gives no snapshot.
pub async fn read_snapshot(
    reader: &Arc<Reader>,
    store: &Store,
    table: &str,
    plan: &Plan,
    columns: Vec<Column>,
    cancel: &CancelToken,
    on_progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Snapshot> {
    let started = Instant::now();
    let traffic = Arc::new(Traffic::default());
    let store = &store.counting(Arc::clone(&traffic));
    let as_of = plan.as_of;

    // Futures are gathered before they are run: a closure held over an await is not `Send` for every lifetime.
    let opening: Vec<_> = plan
        .files
        .iter()
        .map(|f| {
            cancel
                .run(reader.open(store, table, f.name.as_str()))
                .boxed()
        })
        .collect();
    let files: Vec<_> = stream::iter(opening)
        .buffered(FILES_AT_ONCE)
        .try_collect()
        .await?;
    let groups: Vec<_> = files
        .iter()
        .flat_map(|f| (0..f.row_groups()).map(move |g| (f, g)))
        .collect();
    let admitted = groups
        .iter()
        .filter(|(file, group)| file.admits(*group, as_of));
    let needed = admitted
        .map(|(file, group)| Reader::decoded_bytes(file, *group, &columns))
        .sum();
    reader.check_budget(needed)?;

    let reading: Vec<_> = groups
        .iter()
        .map(|(file, group)| {
            reader
                .read_row_group(store, file, *group, &columns, as_of, cancel)
                .boxed()
        })
        .collect();
    let mut reading = stream::iter(reading).buffered(FILES_AT_ONCE);
    let mut read: Vec<Option<RowGroupRows>> = Vec::with_capacity(groups.len());
    on_progress(0, groups.len());
    while let Some(rows) = reading.next().await {
        read.push(rows?);
        on_progress(read.len(), groups.len());
    }
    drop(reading);
    let chunks: Vec<Arc<RowGroupRows>> = read.into_iter().flatten().map(Arc::new).collect();

    let row_count: usize = chunks.iter().map(|c| c.event_times.len()).sum();
    let shares = row_count
        .div_ceil(ROWS_PER_SHARE)
        .clamp(1, reader.limits().decoders.max(1));
    let hasher = DefaultHashBuilder::default();
    let chunks = Arc::new(chunks);
    let reducing = (0..shares).map(|share| {
        let (chunks, hasher, token) = (Arc::clone(&chunks), hasher.clone(), cancel.clone());
        reader.compute(cancel, move || {
            reduce_share(&chunks, &hasher, as_of, (share, shares), &token)
        })
    });
    let parts = try_join_all(reducing).await?;
    let rows = if parts.len() == 1 || row_count < ROWS_WORTH_A_TASK {
        merge_shares(&chunks, parts)
    } else {
        let merging = Arc::clone(&chunks);
        reader
            .compute(cancel, move || Ok(merge_shares(&merging, parts)))
            .await?
    };

    let cost = ScanCost {
        files: plan.files.len(),
        row_groups: chunks.len(),
        row_groups_pruned: groups.len() - chunks.len(),
        rows: row_count,
        requests: traffic.requests(),
        bytes: traffic.bytes(),
        elapsed: started.elapsed(),
    };
    let chunks = Arc::try_unwrap(chunks).unwrap_or_else(|shared| shared.as_ref().clone());
    Ok(Snapshot::new(as_of, columns, chunks, rows, cost))
}
