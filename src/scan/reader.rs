//! Reads row groups: footers, then bytes, then columns, each once, in parallel, under limits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, StringViewArray};
use bytes::Bytes;
use futures::future::try_join_all;
use parquet::arrow::arrow_reader::RowSelection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::cancel::CancelToken;
use crate::error::{Error, ErrorKind, Result};
use crate::event_time::AsOf;
use crate::format::{Column, DataType, EVENT_TIME, KEY};
use crate::memory::{ByteCache, quarter_of_memory};
use crate::store::Store;
use crate::text;

use super::column::ColumnData;
use super::data_file::DataFile;
use super::decode;
use super::newest::Events;

/// What reading may take of the machine.
#[derive(Debug, Clone, Copy)]
pub struct ReadLimits {
    /// Bytes of decoded columns that one read may hold.
    pub read_bytes: usize,
    /// Bytes of decoded columns kept for later reads; 0 keeps none, and then pages beyond the moment are not decoded.
    pub cache_bytes: usize,
    /// Columns decoded at the same time.
    pub decoders: usize,
}

impl Default for ReadLimits {
    /// A quarter of the machine's memory for a read, no cache, a decoder a core.
    fn default() -> Self {
        let decoders = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            read_bytes: quarter_of_memory(),
            cache_bytes: 0,
            decoders,
        }
    }
}

/// Names a decoded chunk. Data files never change, so neither does what a key stands for, but two versions of a
/// table may give a column different types.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct ChunkKey {
    table: String,
    file: String,
    row_group: usize,
    column: String,
    data_type: DataType,
}

/// Reads the data files of a lake; owns the caches that outlive a read.
#[derive(Debug)]
pub struct Reader {
    limits: ReadLimits,
    footers: Arc<Mutex<Footers>>,
    chunks: Option<Arc<ByteCache<ChunkKey, ColumnData>>>,
    cpu: Arc<Semaphore>,
}

/// Opened files by table and name.
type Footers = HashMap<(String, String), Arc<DataFile>>;

/// Some rows of one row group of a file: keys, event times and the wanted columns.
///
/// Guarantees: all columns have the same length; no key and no event time is null.
#[derive(Debug)]
pub struct RowGroupRows {
    /// The file.
    pub file: Arc<DataFile>,
    /// The row group in it.
    pub row_group: usize,
    /// The rows' numbers within the row group; `None` where all of them are here.
    pub row_numbers: Option<Vec<u32>>,
    /// Keys.
    pub keys: StringViewArray,
    /// Event times, milliseconds.
    pub event_times: arrow::buffer::ScalarBuffer<i64>,
    /// The wanted columns, in the order wanted.
    pub columns: Vec<ColumnData>,
}

impl Events for RowGroupRows {
    fn keys(&self) -> &StringViewArray {
        &self.keys
    }
    fn event_times(&self) -> &[i64] {
        &self.event_times
    }
}

impl RowGroupRows {
    /// Bytes held in memory.
    pub fn bytes(&self) -> usize {
        let numbers = self
            .row_numbers
            .as_ref()
            .map_or(0, |n| n.capacity() * size_of::<u32>());
        let own = self.keys.get_array_memory_size() + self.event_times.len() * size_of::<i64>();
        own + numbers + self.columns.iter().map(ColumnData::bytes).sum::<usize>()
    }

    /// True where both hold the same rows of the same file, so that equal positions are the same row.
    pub fn is_same_group(&self, other: &Self) -> bool {
        self.row_group == other.row_group
            && self.file.name == other.file.name
            && self.file.table == other.file.table
            && self.row_numbers == other.row_numbers
    }
}

/// Why a task has no result.
fn stopped(error: &tokio::task::JoinError) -> Error {
    if error.is_cancelled() {
        Error::cancelled()
    } else {
        Error::new(ErrorKind::DataFile, "reading it failed inside")
    }
}

impl Reader {
    /// Makes a reader with empty caches.
    pub fn new(limits: ReadLimits) -> Self {
        Self {
            limits,
            footers: Arc::default(),
            chunks: (limits.cache_bytes > 0).then(|| Arc::new(ByteCache::new(limits.cache_bytes))),
            cpu: Arc::new(Semaphore::new(limits.decoders.max(1))),
        }
    }

    /// A reader with the same caches, that waits for no core which this one takes: for what nobody waits for.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self {
            limits: self.limits,
            footers: Arc::clone(&self.footers),
            chunks: self.chunks.clone(),
            cpu: Arc::new(Semaphore::new(self.limits.decoders.max(1))),
        }
    }

    /// The limits that the reader was made with.
    pub fn limits(&self) -> ReadLimits {
        self.limits
    }

    /// Opens a data file, or finds it open.
    pub async fn open(&self, store: &Store, table: &str, name: &str) -> Result<Arc<DataFile>> {
        let key = (table.to_owned(), name.to_owned());
        if let Some(file) = self
            .footers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
        {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(DataFile::open(store, table, name).await?);
        self.footers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, Arc::clone(&file));
        Ok(file)
    }

    /// Bytes that decoding these columns of a row group takes, at least: what a read is held against its limit by.
    pub fn decoded_bytes(file: &DataFile, row_group: usize, columns: &[Column]) -> usize {
        let rows = file.rows_in_group(row_group);
        let width = |data_type: DataType| match data_type {
            DataType::String => 16,
            DataType::Int | DataType::DateTime => 8,
            DataType::Boolean => 1,
        };
        rows * (16 + 8 + columns.iter().map(|c| width(c.data_type)).sum::<usize>())
    }

    /// The error of a read that would hold more than it may.
    pub fn check_budget(&self, needed: usize) -> Result<()> {
        if needed <= self.limits.read_bytes {
            return Ok(());
        }
        let (needed, allowed) = (
            text::bytes(needed as u64),
            text::bytes(self.limits.read_bytes as u64),
        );
        Err(Error::new(
            ErrorKind::Budget,
            format!("the read needs at least {needed} of memory, and may take {allowed}"),
        )
        .hint("ask for fewer columns"))
    }

    /// Runs what takes a core, on a thread that may be held up, a few at a time.
    pub(crate) async fn compute<T: Send + 'static>(
        &self,
        cancel: &CancelToken,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let token = cancel.clone();
        let run = move |permit: OwnedSemaphorePermit| {
            tokio::task::spawn_blocking(move || {
                let _permit = permit;
                token.check()?;
                work()
            })
        };
        if let Ok(permit) = Arc::clone(&self.cpu).try_acquire_owned() {
            return run(permit).await.map_err(|e| stopped(&e))?;
        }
        // A task of its own: a future that waits for its turn while nobody polls it would keep the turn from all others.
        let cpu = Arc::clone(&self.cpu);
        let waiting = tokio::spawn(async move {
            let permit = cpu.acquire_owned().await.map_err(|_| Error::cancelled())?;
            run(permit).await.map_err(|e| stopped(&e))
        });
        waiting.await.map_err(|e| stopped(&e))??
    }

    /// Reads a row group's keys, event times and these columns; `None` where its statistics rule every row out.
    ///
    /// Without a cache, pages whose statistics lie beyond the moment are not decoded. With one, whole chunks are, so
    /// that they serve every moment; rows beyond the moment are then among the answer and the caller's to pass over.
    pub async fn read_row_group(
        &self,
        store: &Store,
        file: &Arc<DataFile>,
        row_group: usize,
        columns: &[Column],
        as_of: AsOf,
        cancel: &CancelToken,
    ) -> Result<Option<RowGroupRows>> {
        if !file.admits(row_group, as_of) {
            return Ok(None);
        }
        let selection = if self.chunks.is_some() {
            None
        } else {
            file.admitted_pages(row_group, as_of)
        };
        if selection.as_ref().is_some_and(|s| s.row_count() == 0) {
            return Ok(None);
        }
        let named = [(KEY, DataType::String), (EVENT_TIME, DataType::DateTime)];
        let wanted: Vec<(&str, DataType)> = named
            .into_iter()
            .chain(columns.iter().map(|c| (c.name.as_str(), c.data_type)))
            .collect();
        let place = |e: Error| {
            e.in_file(&file.name)
                .in_table(&file.table)
                .in_lake(store.name())
        };
        let read = self.read_columns(store, file, row_group, &wanted, selection.as_ref(), cancel);
        let mut data = read.await.map_err(place)?.into_iter();
        let rows = |name: &str, column: &ColumnData| match column.first_null() {
            None => Ok(()),
            Some(row) => Err(place(
                Error::new(
                    ErrorKind::DataFile,
                    format!("it is null in row {row} of row group {row_group}"),
                )
                .within(format!("column '{name}'"))
                .hint("every row needs a key and an event time; write the file anew"),
            )),
        };
        let (Some(keys), Some(times)) = (data.next(), data.next()) else {
            return Err(Error::cancelled());
        };
        rows(KEY, &keys)?;
        rows(EVENT_TIME, &times)?;
        let (ColumnData::Text(keys), ColumnData::Time(times)) = (keys, times) else {
            return Err(place(Error::new(
                ErrorKind::DataFile,
                "key and event_time are of the wrong types",
            )));
        };
        Ok(Some(RowGroupRows {
            file: Arc::clone(file),
            row_group,
            row_numbers: selection.as_ref().map(decode::selected_rows),
            keys,
            event_times: times.values().clone(),
            columns: data.collect(),
        }))
    }

    /// Reads columns of a row group, in the order given, from the cache where it has them.
    async fn read_columns(
        &self,
        store: &Store,
        file: &Arc<DataFile>,
        row_group: usize,
        wanted: &[(&str, DataType)],
        selection: Option<&RowSelection>,
        cancel: &CancelToken,
    ) -> Result<Vec<ColumnData>> {
        let rows = selection.map_or(file.rows_in_group(row_group), RowSelection::row_count);
        let key = |name: &str, data_type: DataType| ChunkKey {
            table: file.table.clone(),
            file: file.name.clone(),
            row_group,
            column: name.to_owned(),
            data_type,
        };
        let mut found: Vec<Option<ColumnData>> = Vec::with_capacity(wanted.len());
        let mut missing: Vec<(usize, usize)> = Vec::new();
        for (i, (name, data_type)) in wanted.iter().enumerate() {
            let cached = self
                .chunks
                .as_ref()
                .and_then(|chunks| chunks.get(&key(name, *data_type)));
            found.push(match (cached, file.leaf(name, *data_type)?) {
                (Some(data), _) => Some(data),
                (None, None) => Some(ColumnData::nulls(*data_type, rows)),
                (None, Some(leaf)) => {
                    missing.push((i, leaf));
                    None
                }
            });
        }
        let bytes = self.fetch(store, file, row_group, &missing, cancel).await?;
        // As many tasks as there are cores to run them; a task a column would be mostly tasks where columns are small.
        let tasks = self.limits.decoders.clamp(1, missing.len().max(1));
        let mut shares: Vec<Vec<(usize, usize, Bytes)>> = vec![Vec::new(); tasks];
        for (n, ((i, leaf), bytes)) in missing.into_iter().zip(bytes).enumerate() {
            shares[n % tasks].push((i, leaf, bytes));
        }
        let decoding = shares.into_iter().map(|share| {
            let (file, selection, token) = (Arc::clone(file), selection.cloned(), cancel.clone());
            let types: Vec<DataType> = share.iter().map(|(i, ..)| wanted[*i].1).collect();
            self.compute(cancel, move || {
                let columns = share
                    .into_iter()
                    .zip(types)
                    .map(|((i, leaf, bytes), data_type)| {
                        token.check()?;
                        let selection = selection.clone();
                        Ok((
                            i,
                            decode::decode_chunk(
                                &file, row_group, leaf, bytes, selection, data_type,
                            )?,
                        ))
                    });
                columns.collect::<Result<Vec<_>>>()
            })
        });
        for (i, data) in try_join_all(decoding).await?.into_iter().flatten() {
            if let Some(chunks) = &self.chunks {
                chunks.put(key(wanted[i].0, wanted[i].1), data.clone(), data.bytes());
            }
            found[i] = Some(data);
        }
        Ok(found.into_iter().flatten().collect())
    }

    /// Fetches column chunks, neighbours in one piece.
    async fn fetch(
        &self,
        store: &Store,
        file: &DataFile,
        row_group: usize,
        missing: &[(usize, usize)],
        cancel: &CancelToken,
    ) -> Result<Vec<Bytes>> {
        let ranges: Vec<_> = missing
            .iter()
            .map(|(_, leaf)| decode::chunk_range(file, row_group, *leaf))
            .collect();
        if let Some(whole) = &file.whole {
            return Ok(ranges
                .into_iter()
                .map(|r| whole.slice(r.start as usize..r.end as usize))
                .collect());
        }
        let joined = decode::coalesce(&ranges);
        let pieces = cancel
            .run(store.read_ranges(&file.table, &file.name, &joined))
            .await?;
        let slice = |range: &std::ops::Range<u64>| {
            let at = joined.partition_point(|piece| piece.end < range.end);
            let from = (range.start - joined[at].start) as usize;
            pieces[at].slice(from..from + (range.end - range.start) as usize)
        };
        Ok(ranges.iter().map(slice).collect())
    }
}
