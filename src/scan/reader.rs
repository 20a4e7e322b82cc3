//! Reads row groups: footers, then bytes, then columns, each once, in parallel, under limits.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::FutureExt;
use futures::stream::{self, StreamExt, TryStreamExt};
use parquet::arrow::arrow_reader::RowSelection;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::cancel::CancelToken;
use crate::error::{Error, ErrorKind, Result};
use crate::event_time::AsOf;
use crate::format::{Column, DataType, EVENT_TIME, KEY};
use crate::memory::ByteCache;
use crate::store::Store;
use crate::text;

use super::asked::{Asked, WantedChunk};
use super::column::ColumnData;
use super::data_file::DataFile;
use super::decode;
use super::key_filter::KeyFilter;
use super::limits::ReadLimits;
use super::row_group::RowGroupRows;

/// Files whose bytes are awaited at the same time.
const FILES_AT_ONCE: usize = 16;

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

    /// A reader apart that keeps nothing: for what is read once.
    #[must_use]
    pub fn apart_without_cache(&self) -> Self {
        Self {
            chunks: None,
            ..self.apart()
        }
    }

    /// The limits that the reader was made with.
    pub fn limits(&self) -> ReadLimits {
        self.limits
    }

    /// Opens a data file, or finds it open.
    pub async fn open(
        self: &Arc<Self>,
        store: &Store,
        table: &str,
        name: &str,
    ) -> Result<Arc<DataFile>> {
        let opened = self
            .open_all(store, table, &[name], &CancelToken::default())
            .await?;
        opened.into_iter().next().ok_or_else(Error::cancelled)
    }

    /// Opens data files, or finds them open, in the order given.
    pub async fn open_all(
        self: &Arc<Self>,
        store: &Store,
        table: &str,
        names: &[&str],
        cancel: &CancelToken,
    ) -> Result<Vec<Arc<DataFile>>> {
        let found: Vec<Option<Arc<DataFile>>> = {
            let footers = self.footers.lock().unwrap_or_else(PoisonError::into_inner);
            let mut key = (table.to_owned(), String::new());
            let find = |name: &&str| {
                (*name).clone_into(&mut key.1);
                footers.get(&key).cloned()
            };
            names.iter().map(find).collect()
        };
        let missing = names
            .iter()
            .zip(&found)
            .filter(|(_, found)| found.is_none());
        let missing: Vec<String> = missing.map(|(name, _)| (*name).to_owned()).collect();
        let opened = if store.is_local() {
            let (store, table) = (store.clone(), table.to_owned());
            let open = move |name: &String| {
                let opening = DataFile::open(&store, &table, name);
                opening
                    .now_or_never()
                    .unwrap_or_else(|| Err(Error::cancelled()))
            };
            self.compute_each(missing, cancel, open, |_| {}).await?
        } else {
            let opening: Vec<_> = missing
                .iter()
                .map(|name| cancel.run(DataFile::open(store, table, name)).boxed())
                .collect();
            stream::iter(opening)
                .buffered(FILES_AT_ONCE)
                .try_collect()
                .await?
        };
        let mut opened = opened.into_iter().map(Arc::new);
        let mut footers = self.footers.lock().unwrap_or_else(PoisonError::into_inner);
        let files = found.into_iter().map(|found| {
            let file = found.or_else(|| opened.next());
            if let Some(file) = &file {
                footers.insert((table.to_owned(), file.name.clone()), Arc::clone(file));
            }
            file.ok_or_else(Error::cancelled)
        });
        files.collect()
    }

    /// Bytes that decoding these columns of a row group takes, at least: what a read is held against its limit by.
    pub fn decoded_bytes(file: &DataFile, row_group: usize, columns: &[Column]) -> usize {
        file.rows_in_group(row_group) * Self::row_bytes(columns)
    }

    fn row_bytes(columns: &[Column]) -> usize {
        let width = |data_type: DataType| match data_type {
            DataType::String => 16,
            DataType::Int | DataType::Float | DataType::DateTime => 8,
            DataType::Boolean => 1,
        };
        16 + 8 + columns.iter().map(|c| width(c.data_type)).sum::<usize>()
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
        .hint("ask for fewer columns, or allow more with --memory"))
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

    /// Does the same to each item, on all cores, in the items' order; `on_done` is told of each that is done.
    async fn compute_each<I, T>(
        self: &Arc<Self>,
        items: Vec<I>,
        cancel: &CancelToken,
        work: impl Fn(&I) -> Result<T> + Send + Sync + 'static,
        mut on_done: impl FnMut(usize),
    ) -> Result<Vec<T>>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
    {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let tasks = self.limits.decoders.clamp(1, items.len());
        let shared = Arc::new((items, work, AtomicUsize::new(0)));
        let (done, mut finished) = unbounded_channel();
        let running: Vec<_> = (0..tasks)
            .map(|_| {
                let (shared, done, token) = (Arc::clone(&shared), done.clone(), cancel.clone());
                let share = move || {
                    let (items, work, next) = &*shared;
                    let mut results = Vec::new();
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(item) = items.get(at) else { break };
                        token.check()?;
                        let result = work(item);
                        if result.is_err() {
                            // What is left would be done for nothing.
                            next.store(items.len(), Ordering::Relaxed);
                        }
                        results.push((at, result?));
                        let _ = done.send(at);
                    }
                    Ok(results)
                };
                let (reader, cancel) = (Arc::clone(self), cancel.clone());
                tokio::spawn(async move { reader.compute(&cancel, share).await })
            })
            .collect();
        drop(done);
        while let Some(at) = finished.recv().await {
            on_done(at);
        }
        let mut results = Vec::with_capacity(shared.0.len());
        for share in running {
            results.extend(share.await.map_err(|e| stopped(&e))??);
        }
        results.sort_unstable_by_key(|(at, _)| *at);
        Ok(results.into_iter().map(|(_, result)| result).collect())
    }

    /// Reads row groups' keys, event times and these columns; `None` where its statistics rule every row of one out.
    /// After each row group, `on_progress` is told how many are read.
    ///
    /// Without a cache, pages whose statistics lie beyond the moment are not decoded. With one, whole chunks are, so
    /// that they serve every moment; rows beyond the moment are then among the answer and the caller's to pass over.
    pub async fn read_row_groups(
        self: &Arc<Self>,
        store: &Store,
        groups: &[(Arc<DataFile>, usize)],
        columns: &[Column],
        as_of: AsOf,
        cancel: &CancelToken,
        on_progress: impl Fn(usize),
    ) -> Result<Vec<Option<RowGroupRows>>> {
        let mut asked: Vec<Option<Asked>> = Vec::with_capacity(groups.len());
        for (file, row_group) in groups {
            let group = self.ask(file, *row_group, columns, as_of);
            asked.push(group.map_err(|e| place(e, file, store))?);
        }
        self.gather(store, asked, cancel, on_progress).await
    }

    /// Finds the rows of some keys in some files, with these value columns, by row group, each with the position of its
    /// file; rows beyond the moment may be among them. Row groups whose statistics rule the keys or the moment out are
    /// not read, and values only of the rows that are found.
    pub async fn read_rows_of_keys(
        self: &Arc<Self>,
        store: &Store,
        files: &[Arc<DataFile>],
        (keys, as_of): (&KeyFilter, AsOf),
        columns: &[Column],
        cancel: &CancelToken,
    ) -> Result<Vec<(usize, RowGroupRows)>> {
        let groups = files.iter().enumerate().flat_map(|(at, file)| {
            let admitted = (0..file.row_groups())
                .filter(|group| file.admits(*group, as_of) && file.admits_keys(*group, keys));
            admitted.map(move |group| (at, file, group))
        });
        let groups: Vec<_> = groups.collect();
        let (mut found, mut asked, mut needed) = (Vec::new(), Vec::new(), 0);
        let mut rest = groups.as_slice();
        while !rest.is_empty() {
            // As many at a time as memory allows; what has been searched is let go.
            let mut bytes = 0;
            let fits = |(_, file, group): &&(usize, &Arc<DataFile>, usize)| {
                bytes += Self::decoded_bytes(file, *group, &[]);
                bytes <= self.limits.read_bytes
            };
            let (batch, after) = rest.split_at(rest.iter().take_while(fits).count().max(1));
            rest = after;
            let wanted: Vec<_> = batch
                .iter()
                .map(|(_, file, group)| (Arc::clone(file), *group))
                .collect();
            let read = self
                .read_row_groups(store, &wanted, &[], AsOf::Current, cancel, |_| {})
                .await?;
            for ((at, file, group), rows) in batch.iter().zip(read) {
                let Some(rows) = rows else { continue };
                let of_key: Vec<usize> = (0..rows.event_times.len())
                    .filter(|row| keys.admits(rows.keys.value(*row)))
                    .collect();
                if of_key.is_empty() {
                    continue;
                }
                needed += of_key.len() * Self::row_bytes(columns);
                self.check_budget(needed)?;
                let ranges = of_key.iter().map(|row| *row..row + 1);
                let selection =
                    RowSelection::from_consecutive_ranges(ranges, rows.event_times.len());
                let group = self.ask_selection(file, *group, columns, Some(selection));
                asked.push(Some(group.map_err(|e| place(e, file, store))?));
                found.push(*at);
            }
        }
        let rows = self.gather(store, asked, cancel, |_| {}).await?;
        let found = found.into_iter().zip(rows);
        Ok(found
            .filter_map(|(at, rows)| Some((at, rows?.compact())))
            .collect())
    }

    /// Decodes what the row groups miss, and makes rows of them.
    async fn gather(
        self: &Arc<Self>,
        store: &Store,
        mut asked: Vec<Option<Asked>>,
        cancel: &CancelToken,
        on_progress: impl Fn(usize),
    ) -> Result<Vec<Option<RowGroupRows>>> {
        let mut read = asked.iter().filter(|group| group.is_none()).count();
        on_progress(read);
        if store.is_local() {
            let mut chunks: Vec<WantedChunk> = Vec::new();
            let mut left: Vec<usize> = Vec::new();
            for (at, group) in asked.iter().enumerate() {
                chunks.extend(group.iter().flat_map(|g| g.missing(at)));
                left.push(group.iter().map(|g| g.missing.len()).sum());
            }
            read = left.iter().filter(|left| **left == 0).count();
            on_progress(read);
            // The largest first, so that the last ones to be done are small.
            chunks.sort_by_key(|c| std::cmp::Reverse(c.range.end - c.range.start));
            let of: Vec<(usize, usize)> = chunks.iter().map(|c| (c.asked, c.column)).collect();
            let from = store.clone();
            let read_and_decode = move |chunk: &WantedChunk| {
                let file = &chunk.file;
                if let Some(whole) = &file.whole {
                    let range = chunk.range.start as usize..chunk.range.end as usize;
                    return chunk.decode(whole.slice(range));
                }
                let ranges = [chunk.range.clone()];
                let reading = from.read_ranges(&file.table, &file.name, &ranges);
                let bytes = reading
                    .now_or_never()
                    .and_then(|read| read.map(|mut b| b.pop()).transpose());
                chunk.decode(bytes.ok_or_else(Error::cancelled)??)
            };
            let decode = move |chunk: &WantedChunk| {
                let file = &chunk.file;
                read_and_decode(chunk).map_err(|e| e.in_file(&file.name).in_table(&file.table))
            };
            let places = of.clone();
            let decoded = self.compute_each(chunks, cancel, decode, |at| {
                let group = places[at].0;
                left[group] -= 1;
                if left[group] == 0 {
                    read += 1;
                    on_progress(read);
                }
            });
            for ((group, column), data) in of
                .into_iter()
                .zip(decoded.await.map_err(|e| e.in_lake(store.name()))?)
            {
                if let Some(group) = &mut asked[group] {
                    self.keep(group, column, &data);
                    group.found[column] = Some(data);
                }
            }
        } else {
            let fetching: Vec<_> = asked
                .iter()
                .map(|group| self.fetch_and_decode(store, group.as_ref(), cancel).boxed())
                .collect();
            let mut fetching = stream::iter(fetching).buffered(FILES_AT_ONCE);
            let mut decoded = Vec::with_capacity(asked.len());
            while let Some(columns) = fetching.next().await {
                let columns = columns.map_err(|e| match &asked[decoded.len()] {
                    Some(group) => place(e, &group.file, store),
                    None => e,
                })?;
                read += usize::from(asked[decoded.len()].is_some());
                on_progress(read);
                decoded.push(columns);
            }
            drop(fetching);
            for (group, columns) in asked.iter_mut().zip(decoded) {
                for (column, data) in columns {
                    if let Some(group) = group {
                        self.keep(group, column, &data);
                        group.found[column] = Some(data);
                    }
                }
            }
        }
        let finish = |group: Asked| {
            let file = Arc::clone(&group.file);
            group.finish().map_err(|e| place(e, &file, store))
        };
        asked
            .into_iter()
            .map(|group| group.map(finish).transpose())
            .collect()
    }

    /// Works out what of a row group is to be decoded; `None` where that is nothing.
    fn ask(
        &self,
        file: &Arc<DataFile>,
        row_group: usize,
        columns: &[Column],
        as_of: AsOf,
    ) -> Result<Option<Asked>> {
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
        self.ask_selection(file, row_group, columns, selection)
            .map(Some)
    }

    /// Works out which columns of the selected rows are to be decoded. Chunks that are kept are whole ones.
    fn ask_selection(
        &self,
        file: &Arc<DataFile>,
        row_group: usize,
        columns: &[Column],
        selection: Option<RowSelection>,
    ) -> Result<Asked> {
        let rows = selection
            .as_ref()
            .map_or(file.rows_in_group(row_group), RowSelection::row_count);
        let named = [(KEY, DataType::String), (EVENT_TIME, DataType::DateTime)];
        let wanted = named
            .into_iter()
            .chain(columns.iter().map(|c| (c.stored_name(), c.data_type)));
        let mut asked = Asked {
            file: Arc::clone(file),
            row_group,
            selection,
            columns: Vec::with_capacity(columns.len() + 2),
            found: Vec::with_capacity(columns.len() + 2),
            missing: Vec::new(),
        };
        for (i, (name, data_type)) in wanted.enumerate() {
            // Chunks that are kept are whole ones.
            let kept = self.chunks.as_ref().filter(|_| asked.selection.is_none());
            let cached =
                kept.and_then(|chunks| chunks.get(&chunk_key(file, row_group, name, data_type)));
            asked.columns.push((name.to_owned(), data_type));
            asked
                .found
                .push(match (cached, file.leaf(name, data_type)?) {
                    (Some(data), _) => Some(data),
                    (None, None) => Some(ColumnData::nulls(data_type, rows)),
                    (None, Some(leaf)) => {
                        asked.missing.push((i, leaf));
                        None
                    }
                });
        }
        Ok(asked)
    }

    /// Keeps a decoded chunk for later reads.
    fn keep(&self, asked: &Asked, column: usize, data: &ColumnData) {
        if let (Some(chunks), None) = (&self.chunks, &asked.selection) {
            let (name, data_type) = &asked.columns[column];
            let key = chunk_key(&asked.file, asked.row_group, name, *data_type);
            chunks.put(key, data.clone(), data.bytes());
        }
    }

    /// Fetches what a row group misses, neighbours in one piece, and decodes it.
    async fn fetch_and_decode(
        self: &Arc<Self>,
        store: &Store,
        asked: Option<&Asked>,
        cancel: &CancelToken,
    ) -> Result<Vec<(usize, ColumnData)>> {
        let Some(asked) = asked else {
            return Ok(Vec::new());
        };
        let chunks: Vec<WantedChunk> = asked.missing(0).collect();
        let ranges: Vec<_> = chunks.iter().map(|c| c.range.clone()).collect();
        let bytes = self.fetch(store, &asked.file, &ranges, cancel).await?;
        let columns: Vec<usize> = chunks.iter().map(|c| c.column).collect();
        let pairs = chunks.into_iter().zip(bytes).collect();
        let decode = |(chunk, bytes): &(WantedChunk, Bytes)| chunk.decode(bytes.clone());
        let decoded = self.compute_each(pairs, cancel, decode, |_| {}).await?;
        Ok(columns.into_iter().zip(decoded).collect())
    }

    /// Fetches stretches of a file, neighbours in one piece.
    async fn fetch(
        &self,
        store: &Store,
        file: &DataFile,
        ranges: &[Range<u64>],
        cancel: &CancelToken,
    ) -> Result<Vec<Bytes>> {
        if let Some(whole) = &file.whole {
            let slice = |r: &Range<u64>| whole.slice(r.start as usize..r.end as usize);
            return Ok(ranges.iter().map(slice).collect());
        }
        let joined = decode::coalesce(ranges);
        let pieces = cancel
            .run(store.read_ranges(&file.table, &file.name, &joined))
            .await?;
        let slice = |range: &Range<u64>| {
            let at = joined.partition_point(|piece| piece.end < range.end);
            let from = (range.start - joined[at].start) as usize;
            pieces[at].slice(from..from + (range.end - range.start) as usize)
        };
        Ok(ranges.iter().map(slice).collect())
    }
}

fn place(e: Error, file: &DataFile, store: &Store) -> Error {
    e.in_file(&file.name)
        .in_table(&file.table)
        .in_lake(store.name())
}

fn chunk_key(file: &DataFile, row_group: usize, name: &str, data_type: DataType) -> ChunkKey {
    ChunkKey {
        table: file.table.clone(),
        file: file.name.clone(),
        row_group,
        column: name.to_owned(),
        data_type,
    }
}
