//! The library's face: a lake and its tables.

mod views;

use std::sync::Arc;

use futures::future::try_join_all;
use futures::stream::{self, StreamExt};

use crate::cancel::CancelToken;
use crate::diff::{Comparing, Diff};
use crate::error::{Error, ErrorKind, Result};
use crate::event_time::{AsOf, EventTime};
use crate::format::{
    Column, FileName, MANIFEST_BYTES_AT_MOST, Manifest, Plan, Projection, VERSION_BYTES_AT_MOST,
    VERSION_FILE, Version, plan,
};
use crate::history::{Histories, History, read_histories, read_history};
use crate::provenance::{Provenance, read_provenance};
use crate::scan::{KeyFilter, ReadLimits, Reader, read_newest};
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::timeline::{
    Epoch, EpochCache, EpochKey, Epochs, Ticks, TimelineProgress, read_index, read_ticks_with,
    read_values,
};
use crate::write::{TableWriter, encode_data_file, read_csv};

/// A CSV file larger than this is not turned into one data file.
const CSV_BYTES_AT_MOST: u64 = 1 << 30;

/// Folders looked into at the same time.
const LOOKS_AT_ONCE: usize = 32;

/// A lake: a directory or object-store prefix of tables. Clones share the store and the caches.
#[derive(Debug, Clone)]
pub struct Lakehouse {
    store: Store,
    reader: Arc<Reader>,
    /// Does what nobody waits for.
    background: Arc<Reader>,
    epochs: Arc<EpochCache>,
}

impl Lakehouse {
    /// Opens the lake at a directory or URL; see [`Store::open`].
    pub fn open(location: &str, limits: ReadLimits) -> Result<Self> {
        Ok(Self::with_store(Store::open(location)?, limits))
    }

    /// Opens a lake on a store that the caller has made.
    ///
    /// Of what the limits allow to be kept, a quarter goes to decoded columns and the rest to the indexes of epochs and
    /// their values, which are what answers while a person scrubs.
    pub fn with_store(store: Store, limits: ReadLimits) -> Self {
        let for_epochs = limits.cache_bytes / 4 * 3;
        let chunks = ReadLimits {
            cache_bytes: limits.cache_bytes - for_epochs,
            ..limits
        };
        let reader = Reader::new(chunks);
        Self {
            store,
            background: Arc::new(reader.apart()),
            reader: Arc::new(reader),
            epochs: Arc::new(EpochCache::new(for_epochs)),
        }
    }

    /// What reading may take of the machine.
    pub fn limits(&self) -> ReadLimits {
        self.reader.limits()
    }

    /// What the lake is called in messages.
    pub fn name(&self) -> &str {
        self.store.name()
    }

    /// The names of the tables, ascending: every folder that holds `version.txt`.
    pub async fn table_names(&self) -> Result<Vec<String>> {
        self.names_of(false).await
    }

    /// The same, and the folders that hold a snapshot file though no `version.txt`: tables that lost it.
    pub async fn table_names_with_lost(&self) -> Result<Vec<String>> {
        self.names_of(true).await
    }

    async fn names_of(&self, with_lost: bool) -> Result<Vec<String>> {
        let folders = self.store.folders().await?;
        let looking = folders.into_iter().map(|folder| async move {
            let is_table = match self.store.len(&folder, VERSION_FILE).await {
                Ok(None) => with_lost && self.has_snapshot(&folder).await,
                // One that cannot be looked into is listed, so that opening it can say why.
                Ok(Some(_)) | Err(_) => true,
            };
            is_table.then_some(folder)
        });
        let found: Vec<Option<String>> = stream::iter(looking)
            .buffered(LOOKS_AT_ONCE)
            .collect()
            .await;
        let mut names: Vec<String> = found.into_iter().flatten().collect();
        names.sort_unstable();
        Ok(names)
    }

    async fn has_snapshot(&self, folder: &str) -> bool {
        let files = self.store.files(folder).await.unwrap_or_default();
        let mut versions = files
            .iter()
            .map(|file| Version::of_manifest_file(&file.name));
        versions.any(|version| version.is_some())
    }

    /// Opens a table at its current version, which is read once: whatever is read through the answer is of it.
    pub async fn table(&self, name: &str) -> Result<Table> {
        self.open_table(name)
            .await
            .map_err(|e| e.in_table(name).in_lake(self.name()))
    }

    /// Opens a table at an earlier version, as it was before later rows and corrections came.
    pub async fn table_at(&self, name: &str, version: Version) -> Result<Table> {
        self.open_table_at(name, version)
            .await
            .map_err(|e| e.in_table(name).in_lake(self.name()))
    }

    async fn open_table_at(&self, name: &str, version: Version) -> Result<Table> {
        check_table_name(name)?;
        if let Some(table) = self.open_version(name, version).await? {
            return Ok(table);
        }
        // Where there is a table at all, it says which version is current.
        let current = self.open_table(name).await?.version;
        Err(no_snapshot(ErrorKind::Version, version).hint(format!(
            "the current one is {current}; azof-tui versions --table {name} lists those that are there"
        )))
    }

    /// What changes a table, or makes it.
    pub fn writer(&self, name: &str) -> TableWriter {
        TableWriter::new(self.store.clone(), Arc::clone(&self.reader), name)
    }

    async fn open_table(&self, name: &str) -> Result<Table> {
        check_table_name(name)?;
        let Some(bytes) = self
            .in_file(
                VERSION_FILE,
                self.store
                    .read_small(name, VERSION_FILE, VERSION_BYTES_AT_MOST),
            )
            .await?
        else {
            return Err(self.no_version(name).await);
        };
        let version = Version::parse(&bytes).map_err(|e| {
            Error::new(ErrorKind::Version, e)
                .in_file(VERSION_FILE)
                .hint("it should hold the number N of the newest sN.json beside it")
        })?;
        self.open_version(name, version).await?.ok_or_else(|| {
            let file = version.manifest_file();
            no_snapshot(ErrorKind::Manifest, version).hint(format!(
                "restore {file}, or let {VERSION_FILE} name one that exists"
            ))
        })
    }

    /// `None` where there is no such version.
    async fn open_version(&self, name: &str, version: Version) -> Result<Option<Table>> {
        let file = version.manifest_file();
        let read = self.store.read_small(name, &file, MANIFEST_BYTES_AT_MOST);
        let Some(bytes) = self.in_file(&file, read).await? else {
            return Ok(None);
        };
        let manifest = Manifest::parse(&bytes).map_err(|e| e.in_file(&file))?;
        Ok(Some(Table {
            lake: self.clone(),
            name: name.to_owned(),
            version,
            epochs: Arc::new(Epochs::of(&manifest)),
            manifest: Arc::new(manifest),
        }))
    }

    async fn in_file<T>(&self, file: &str, read: impl Future<Output = Result<T>>) -> Result<T> {
        read.await.map_err(|e| e.in_file(file))
    }

    /// Tells a folder without a version from a name that leads nowhere.
    async fn no_version(&self, name: &str) -> Error {
        if self.store.folder_exists(name).await.unwrap_or(false) {
            return Error::new(
                ErrorKind::Version,
                "it is missing, so this folder is no table",
            )
            .in_file(VERSION_FILE)
            .hint(format!(
                "a table's folder holds {VERSION_FILE} with the number of its newest version"
            ));
        }
        self.with_known_tables(Error::new(
            ErrorKind::TableNotFound,
            "there is no such table",
        ))
        .await
    }

    /// Tells of a table that is not there which ones are.
    pub async fn with_known_tables(&self, error: Error) -> Error {
        let known = self.table_names().await.unwrap_or_default();
        if known.is_empty() {
            error.hint("the lake has no tables")
        } else {
            error.hint(format!("its tables are {}", known.join(", ")))
        }
    }
}

fn no_snapshot(kind: ErrorKind, version: Version) -> Error {
    Error::new(kind, format!("version {version} has no snapshot file"))
        .in_file(&version.manifest_file())
}

fn check_table_name(name: &str) -> Result<()> {
    if name.is_empty() || name.contains('/') || name == "." || name == ".." {
        return Err(Error::new(
            ErrorKind::TableNotFound,
            "this is not a table name",
        ));
    }
    Ok(())
}

/// A table at one version.
#[derive(Debug, Clone)]
pub struct Table {
    lake: Lakehouse,
    name: String,
    version: Version,
    manifest: Arc<Manifest>,
    epochs: Arc<Epochs>,
}

/// What a listing says of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSummary {
    /// Its version.
    pub version: Version,
    /// Value columns.
    pub columns: usize,
    /// Segments at every depth.
    pub segments: usize,
    /// Distinct data files.
    pub files: usize,
    /// Bytes of the data files.
    pub bytes: u64,
    /// The earliest and the latest event time in the data files; `None` where they hold no row.
    pub event_times: Option<(EventTime, EventTime)>,
}

impl Table {
    /// The table's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version that was current when the table was opened.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Schema and segments.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The files that a read as of a moment considers.
    pub fn plan(&self, as_of: AsOf) -> Plan {
        plan(&self.manifest, as_of)
    }

    /// The newest moment that can be read: current, or the last end of a table without an open segment.
    pub fn newest_moment(&self) -> AsOf {
        let last_end = self
            .manifest
            .segments
            .iter()
            .filter_map(|s| s.kept_until)
            .max();
        match last_end {
            Some(end) if !self.manifest.has_open_segment() => AsOf::At(end),
            _ => AsOf::Current,
        }
    }

    /// Reads the rows as of a moment: the newest of every key, ascending by key.
    pub async fn snapshot(
        &self,
        as_of: AsOf,
        projection: &Projection,
        cancel: &CancelToken,
    ) -> Result<Snapshot> {
        self.snapshot_with(as_of, projection, cancel, &|_, _| {})
            .await
    }

    /// Reads the rows, and tells after each row group how many of how many are read. Where the index of the moment's
    /// epoch is at hand with these columns, it answers.
    pub async fn snapshot_with(
        &self,
        as_of: AsOf,
        projection: &Projection,
        cancel: &CancelToken,
        on_progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Snapshot> {
        if let Some(snapshot) = self.prepared_snapshot(as_of, projection) {
            return Ok(snapshot);
        }
        self.read_snapshot(as_of, &KeyFilter::all(), projection, cancel, on_progress)
            .await
    }

    /// Reads the rows of some keys as of a moment; row groups whose statistics rule the keys out are not read.
    pub async fn snapshot_of_keys(
        &self,
        as_of: AsOf,
        keys: &KeyFilter,
        projection: &Projection,
        cancel: &CancelToken,
    ) -> Result<Snapshot> {
        self.read_snapshot(as_of, keys, projection, cancel, &|_, _| {})
            .await
    }

    async fn read_snapshot(
        &self,
        as_of: AsOf,
        keys: &KeyFilter,
        projection: &Projection,
        cancel: &CancelToken,
        on_progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Snapshot> {
        let columns = self.columns(projection)?;
        let plan = self.plan(as_of);
        let found = read_newest(
            &self.lake.reader,
            &self.lake.store,
            &self.name,
            (&plan, keys),
            &columns,
            cancel,
            on_progress,
        )
        .await
        .map_err(|e| self.place(e))?;
        Ok(Snapshot::listed(as_of, columns, found))
    }

    /// The most rows that a read as of a moment may find, as the footers of its files say, which are opened for that.
    pub async fn rows_at_most(&self, as_of: AsOf, cancel: &CancelToken) -> Result<usize> {
        let plan = self.plan(as_of);
        let names: Vec<&str> = plan.files.iter().map(|f| f.name.as_str()).collect();
        let lake = &self.lake;
        let opened = lake
            .reader
            .open_all(&lake.store, &self.name, &names, cancel)
            .await
            .map_err(|e| self.place(e))?;
        Ok(opened.iter().map(|file| file.rows()).sum())
    }

    /// The stretches of event time in which reads consider the same segments.
    pub fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    /// The rows as of a moment, where they are at hand without a read; see [`Table::prepare`].
    pub fn prepared_snapshot(&self, as_of: AsOf, projection: &Projection) -> Option<Snapshot> {
        let columns = self.columns(projection).ok()?;
        let epoch = self.epochs.at(as_of);
        let key = self.epoch_key(&epoch);
        let index = self.lake.epochs.index(&key)?;
        let values = self.lake.epochs.values(&key, &columns)?;
        let rows = index.rows_at(epoch.ms(as_of));
        Some(Snapshot::indexed(as_of, columns, values, rows))
    }

    /// Makes the index of an epoch and fetches these value columns, so that every moment of it is at hand; answers
    /// whether it is. It is not where memory does not allow.
    pub async fn prepare(
        &self,
        epoch: &Epoch,
        projection: &Projection,
        cancel: &CancelToken,
    ) -> Result<bool> {
        let columns = self.columns(projection)?;
        let key = self.epoch_key(epoch);
        let (lake, of) = (&self.lake, (&*self.manifest, epoch));
        let index = if let Some(index) = lake.epochs.index(&key) {
            index
        } else {
            let budget = lake.epochs.budget();
            let made = read_index(&lake.reader, &lake.store, &self.name, of, budget, cancel).await;
            let Some(made) = made.map_err(|e| self.place(e))? else {
                return Ok(false);
            };
            lake.epochs.put_index(key.clone(), Arc::new(made));
            // It may have come out larger than it was taken for.
            let Some(kept) = lake.epochs.index(&key) else {
                return Ok(false);
            };
            kept
        };
        if lake.epochs.values(&key, &columns).is_none() {
            let read = read_values(
                &lake.reader,
                &lake.store,
                &self.name,
                of,
                &index,
                &columns,
                cancel,
            );
            let values = read.await.map_err(|e| self.place(e))?;
            lake.epochs.put_values(key, columns, values);
        }
        Ok(self.is_prepared(epoch, projection))
    }

    /// The same table, read behind the back of those who wait.
    #[must_use]
    pub fn in_background(&self) -> Self {
        let reader = Arc::clone(&self.lake.background);
        let lake = Lakehouse {
            reader,
            ..self.lake.clone()
        };
        Self {
            lake,
            ..self.clone()
        }
    }

    /// True where the cache would hold so many epochs as large as this one, which it holds.
    pub fn has_room_for_epochs(
        &self,
        epoch: &Epoch,
        projection: &Projection,
        epochs: usize,
    ) -> bool {
        let key = self.epoch_key(epoch);
        let bytes = || {
            let values = self
                .lake
                .epochs
                .values(&key, &self.columns(projection).ok()?)?;
            let values: usize = values.iter().map(|c| c.bytes()).sum();
            Some(self.lake.epochs.index(&key)?.bytes() + values)
        };
        bytes().is_some_and(|bytes| bytes.saturating_mul(epochs) <= self.lake.epochs.budget())
    }

    /// True where every moment of an epoch is at hand with these value columns.
    pub fn is_prepared(&self, epoch: &Epoch, projection: &Projection) -> bool {
        let key = self.epoch_key(epoch);
        self.columns(projection)
            .is_ok_and(|columns| self.lake.epochs.values(&key, &columns).is_some())
            && self.lake.epochs.index(&key).is_some()
    }

    fn epoch_key(&self, epoch: &Epoch) -> EpochKey {
        EpochKey {
            table: self.name.clone(),
            version: self.version,
            epoch: epoch.id,
        }
    }

    /// The value columns of a projection.
    fn columns(&self, projection: &Projection) -> Result<Arc<[Column]>> {
        let schema = &self.manifest.schema;
        let wanted = projection.resolve(schema).map_err(|e| self.place(e))?;
        Ok(wanted
            .into_iter()
            .map(|i| schema.columns()[i].clone())
            .collect())
    }

    /// Compares two moments in these value columns; both are read at the same time.
    pub async fn diff(
        &self,
        from: AsOf,
        to: AsOf,
        projection: &Projection,
        cancel: &CancelToken,
    ) -> Result<Diff> {
        let (a, b) = tokio::try_join!(
            self.snapshot(from, projection, cancel),
            self.snapshot(to, projection, cancel)
        )?;
        self.compare(Arc::new(a), Arc::new(b), cancel).await
    }

    /// Compares two snapshots, on all cores.
    pub async fn compare(
        &self,
        a: Arc<Snapshot>,
        b: Arc<Snapshot>,
        cancel: &CancelToken,
    ) -> Result<Diff> {
        let reader = &self.lake.reader;
        let cores = reader.limits().decoders.max(1);
        let comparing = reader
            .compute(cancel, move || Ok(Comparing::new(a, b, cores)))
            .await?;
        let comparing = Arc::new(comparing);
        let parts = (0..comparing.parts()).map(|part| {
            let comparing = Arc::clone(&comparing);
            reader.compute(cancel, move || Ok(comparing.compare(part)))
        });
        let parts = try_join_all(parts).await?;
        // All parts have been compared, so nothing else holds it.
        let comparing = Arc::into_inner(comparing).ok_or_else(Error::cancelled)?;
        Ok(comparing.finish(parts))
    }

    /// Reads every version of a key: what each moment shows of it.
    pub async fn history(
        &self,
        key: &str,
        projection: &Projection,
        cancel: &CancelToken,
    ) -> Result<History> {
        let (lake, columns) = (&self.lake, self.columns(projection)?);
        let of = (&*self.manifest, &*self.epochs);
        read_history(
            &lake.reader,
            &lake.store,
            &self.name,
            of,
            key,
            columns,
            cancel,
        )
        .await
        .map_err(|e| self.place(e))
    }

    /// Finds every row of a key in the files that a read as of a moment considers, and says why the one that the read
    /// shows is it.
    pub async fn provenance(
        &self,
        key: &str,
        as_of: AsOf,
        cancel: &CancelToken,
    ) -> Result<Provenance> {
        let (lake, of) = (&self.lake, (&*self.manifest, as_of));
        read_provenance(&lake.reader, &lake.store, &self.name, of, key, cancel)
            .await
            .map_err(|e| self.place(e))
    }

    /// Reads every version of some keys.
    pub async fn histories(
        &self,
        keys: &KeyFilter,
        projection: &Projection,
        cancel: &CancelToken,
    ) -> Result<Histories> {
        let (lake, columns) = (&self.lake, self.columns(projection)?);
        let of = (&*self.manifest, &*self.epochs);
        let reader = &lake.reader;
        read_histories(reader, &lake.store, &self.name, of, keys, columns, cancel)
            .await
            .map_err(|e| self.place(e))
    }

    /// Reads when the table changes, and how much: every data file's keys and event times.
    pub async fn ticks(&self, cancel: &CancelToken) -> Result<Ticks> {
        self.ticks_with(cancel, |_| {}).await
    }

    /// Reads the ticks, and tells now and then what is known so far: first what the footers of the files let one
    /// estimate, then what was counted.
    pub async fn ticks_with(
        &self,
        cancel: &CancelToken,
        on_progress: impl FnMut(TimelineProgress),
    ) -> Result<Ticks> {
        read_ticks_with(
            &self.lake.reader,
            &self.lake.store,
            &self.name,
            &self.manifest,
            cancel,
            on_progress,
        )
        .await
        .map_err(|e| self.place(e))
    }

    /// Writes `NAME.parquet` from `NAME.csv` in the table's folder, by the table's schema; answers the number of rows.
    pub async fn write_from_csv(&self, name: &str) -> Result<usize> {
        self.try_write_from_csv(name)
            .await
            .map_err(|e| self.place(e))
    }

    async fn try_write_from_csv(&self, name: &str) -> Result<usize> {
        let (source, target) = (format!("{name}.csv"), format!("{name}.parquet"));
        FileName::try_new(&target).map_err(|e| Error::new(ErrorKind::Usage, e))?;
        let text = self
            .lake
            .store
            .read_small(&self.name, &source, CSV_BYTES_AT_MOST)
            .await;
        let text = text.map_err(|e| e.in_file(&source))?.ok_or_else(|| {
            Error::new(ErrorKind::Usage, "it is missing")
                .in_file(&source)
                .hint("put the rows there: key, event time, values")
        })?;
        let batch = read_csv(text, &self.manifest.schema).map_err(|e| e.in_file(&source))?;
        let bytes = encode_data_file(&batch)?;
        self.lake
            .store
            .write(&self.name, &target, bytes.into())
            .await
            .map_err(|e| e.in_file(&target))?;
        Ok(batch.num_rows())
    }

    /// What a listing says of the table; reads the footers of all its files.
    pub async fn summary(&self, cancel: &CancelToken) -> Result<TableSummary> {
        let names = self.manifest.distinct_files();
        let looking = names.iter().map(|name| async move {
            let length = self.lake.store.len(&self.name, name);
            let length = cancel.run(length).await.map_err(|e| e.in_file(name))?;
            let range = crate::timeline::event_time_range(
                &self.lake.reader,
                &self.lake.store,
                &self.name,
                name,
                cancel,
            );
            Ok::<_, Error>((length.unwrap_or(0), range.await?))
        });
        let mut looking = stream::iter(looking).buffered(LOOKS_AT_ONCE);
        let (mut bytes, mut event_times) = (0, None);
        while let Some(seen) = looking.next().await {
            let (length, range) = seen.map_err(|e| self.place(e))?;
            bytes += length;
            event_times = match (event_times, range) {
                (Some((a, b)), Some((c, d))) => Some((i64::min(a, c), i64::max(b, d))),
                (a, b) => a.or(b),
            };
        }
        Ok(TableSummary {
            version: self.version,
            columns: self.manifest.schema.columns().len(),
            segments: self.manifest.segments.len(),
            files: names.len(),
            bytes,
            event_times: event_times.map(|(a, b)| (EventTime::from_ms(a), EventTime::from_ms(b))),
        })
    }

    fn place(&self, error: Error) -> Error {
        error.in_table(&self.name).in_lake(self.lake.name())
    }
}
