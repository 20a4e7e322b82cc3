//! Indexes made, and kept for as long as the byte budget lasts.

use std::sync::Arc;

use futures::future::try_join_all;

use crate::cancel::CancelToken;
use crate::error::{Error, ErrorKind, Result};
use crate::format::{Column, Manifest, Version};
use crate::memory::ByteCache;
use crate::scan::{Chunks, DataFile, KeyOrder, Reader, RowGroupRows, read_row_groups};
use crate::store::Store;

use super::epoch::Epoch;
use super::index::{EpochIndex, index_part};

/// Names an epoch of a table at one version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EpochKey {
    /// The table.
    pub table: String,
    /// Its version.
    pub version: Version,
    /// The position of the epoch.
    pub epoch: usize,
}

/// An index, or with columns the values that it points into.
type KeptKey = (EpochKey, Option<Arc<[Column]>>);

/// Indexes of epochs, and the row groups that they point into with value columns, under one byte budget.
#[derive(Debug)]
pub struct EpochCache(ByteCache<KeptKey, Kept>);

#[derive(Debug, Clone)]
enum Kept {
    Index(Arc<EpochIndex>),
    Values(Chunks),
}

impl EpochCache {
    /// An empty cache that holds at most so many bytes; with 0 it keeps nothing.
    pub fn new(budget: usize) -> Self {
        Self(ByteCache::new(budget))
    }

    /// The most bytes that it holds.
    pub fn budget(&self) -> usize {
        self.0.budget()
    }

    /// The index of an epoch.
    pub fn index(&self, key: &EpochKey) -> Option<Arc<EpochIndex>> {
        match self.0.get(&(key.clone(), None))? {
            Kept::Index(index) => Some(index),
            Kept::Values(_) => None,
        }
    }

    /// The row groups of an epoch's index with these value columns.
    pub fn values(&self, key: &EpochKey, columns: &Arc<[Column]>) -> Option<Chunks> {
        match self.0.get(&(key.clone(), Some(Arc::clone(columns))))? {
            Kept::Values(chunks) => Some(chunks),
            Kept::Index(_) => None,
        }
    }

    /// Keeps the index of an epoch.
    pub fn put_index(&self, key: EpochKey, index: Arc<EpochIndex>) {
        let bytes = index.bytes();
        self.0.put((key, None), Kept::Index(index), bytes);
    }

    /// Keeps row groups with value columns; their keys and event times are counted with the index.
    pub fn put_values(&self, key: EpochKey, columns: Arc<[Column]>, chunks: Chunks) {
        let list = chunks.len() * size_of::<RowGroupRows>();
        let bytes = list
            + chunks
                .iter()
                .flat_map(|c| &c.columns)
                .map(crate::scan::ColumnData::bytes)
                .sum::<usize>();
        self.0
            .put((key, Some(columns)), Kept::Values(chunks), bytes);
    }
}

/// Reads the row groups that an epoch's index points into, with these value columns. Their keys and event times are the
/// index's own.
pub async fn read_values(
    reader: &Arc<Reader>,
    store: &Store,
    table: &str,
    (manifest, epoch): (&Manifest, &Epoch),
    index: &EpochIndex,
    columns: &[Column],
    cancel: &CancelToken,
) -> Result<Chunks> {
    let files = epoch.files(manifest);
    let files = (files.as_slice(), epoch.last);
    let groups = read_row_groups(reader, store, table, files, columns, cancel, &|_, _| {}).await?;
    let with_values = index.chunks().iter().zip(groups.chunks.iter());
    let with_values = with_values.map(|(own, read)| {
        if !own.is_same_group(read) {
            return Err(Error::new(
                ErrorKind::DataFile,
                "its row groups are not those of its index",
            ));
        }
        Ok(Arc::new(own.with_columns(read.columns.clone())))
    });
    with_values.collect()
}

/// Reads the keys and event times of an epoch and makes its index; `None` where that would take more than `budget`
/// bytes.
pub async fn read_index(
    reader: &Arc<Reader>,
    store: &Store,
    table: &str,
    (manifest, epoch): (&Manifest, &Epoch),
    budget: usize,
    cancel: &CancelToken,
) -> Result<Option<EpochIndex>> {
    let files = epoch.files(manifest);
    let names: Vec<&str> = files.iter().map(|f| f.name.as_str()).collect();
    let opened = reader.open_all(store, table, &names, cancel).await?;
    let admitted = |file: &Arc<DataFile>| -> usize {
        let groups = (0..file.row_groups()).filter(|group| file.admits(*group, epoch.last));
        groups.map(|group| file.rows_in_group(group)).sum()
    };
    let rows = opened.iter().map(admitted).sum();
    if EpochIndex::bytes_needed(rows) > budget || rows > u32::MAX as usize {
        return Ok(None);
    }
    let planned = (files.as_slice(), epoch.last);
    let groups = read_row_groups(reader, store, table, planned, &[], cancel, &|_, _| {}).await?;
    let chunks = groups.chunks;
    let visible_from: Arc<[i64]> = groups
        .files
        .iter()
        .map(|at| files[*at].visible_from.ms())
        .collect();
    let order = KeyOrder::for_cores(&chunks, reader.limits().decoders);
    let indexing = (0..order.parts()).map(|part| {
        let (chunks, visible_from) = (Arc::clone(&chunks), Arc::clone(&visible_from));
        let (order, epoch, token) = (order.clone(), epoch.clone(), cancel.clone());
        reader.compute(cancel, move || {
            index_part(&chunks, &visible_from, &epoch, &order, part, &token)
        })
    });
    let parts = try_join_all(indexing).await?;
    let epoch = epoch.clone();
    reader
        .compute(cancel, move || {
            Ok(Some(EpochIndex::new(&epoch, chunks, parts)))
        })
        .await
}
