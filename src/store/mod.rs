//! Bytes in and out of a path or URL, through `object_store`. Counts every request and byte.

mod durable;
mod location;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt};

use crate::error::{Error, ErrorKind, Result};

pub use durable::{Created, NewFile, StoredFile, unique_id};

/// What was asked of a store.
#[derive(Debug, Default)]
pub struct Traffic {
    requests: AtomicU64,
    bytes: AtomicU64,
}

impl Traffic {
    /// Requests sent, those that failed included.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Bytes received.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn asked(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    fn received(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// A lake's prefix in a store. Clones share the connection.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<dyn ObjectStore>,
    root: Path,
    /// What the lake is called in messages: what the person typed, without secrets.
    name: String,
    traffic: Arc<Traffic>,
    /// Where the lake is, if it is a local directory.
    directory: Option<PathBuf>,
}

/// The end of a file.
#[derive(Debug, Clone)]
pub struct Tail {
    /// The last bytes of the file; all of it where it is short.
    pub bytes: Bytes,
    /// The length of the whole file.
    pub file_len: u64,
}

impl Store {
    /// Opens a directory or a URL (`file`, `s3`, `gs`, `az`, `http`, `https`). Credentials come from the environment
    /// as `object_store` reads it. Nothing is requested yet, but a local directory must exist.
    pub fn open(location: &str) -> Result<Self> {
        let found = location::resolve(location)?;
        let directory = found.directory;
        Ok(Self {
            directory,
            ..Self::new(found.store, found.root, found.name)
        })
    }

    /// Wraps a store that the caller has made; `name` stands for it in messages.
    pub fn new(inner: Arc<dyn ObjectStore>, root: Path, name: String) -> Self {
        Self {
            inner,
            root,
            name,
            traffic: Arc::default(),
            directory: None,
        }
    }

    /// What the lake is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same store, counting into `traffic` from here on.
    #[must_use]
    pub fn counting(&self, traffic: Arc<Traffic>) -> Self {
        Self {
            traffic,
            ..self.clone()
        }
    }

    /// The names of the folders directly under the lake.
    pub async fn folders(&self) -> Result<Vec<String>> {
        self.traffic.asked();
        if let Some(directory) = &self.directory {
            return self.local_folders(directory.clone()).await;
        }
        let listing = self.inner.list_with_delimiter(Some(&self.root)).await.map_err(|e| {
            let hint = "check the path or URL and the credentials; a store that cannot list needs --table NAME";
            self.fault(&e).hint(hint)
        })?;
        let name = |path: &Path| path.filename().map(str::to_owned);
        Ok(listing.common_prefixes.iter().filter_map(name).collect())
    }

    /// A local directory is listed by itself: one name that the store cannot spell would spoil the whole listing.
    async fn local_folders(&self, directory: PathBuf) -> Result<Vec<String>> {
        let list = move || -> std::io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in std::fs::read_dir(directory)? {
                let entry = entry?;
                // A link to a folder is the owner's business, and followed.
                if entry.path().is_dir() {
                    names.push(entry.file_name().to_string_lossy().into_owned());
                }
            }
            Ok(names)
        };
        let listed = tokio::task::spawn_blocking(list)
            .await
            .map_err(|_| Error::cancelled())?;
        listed.map_err(|e| {
            Error::new(ErrorKind::Store, format!("it cannot be listed: {e}"))
                .in_lake(&self.name)
                .hint("check that the directory may be read")
        })
    }

    /// True where anything lies under a folder of the lake.
    pub async fn folder_exists(&self, folder: &str) -> Result<bool> {
        self.traffic.asked();
        let listing = self
            .inner
            .list_with_delimiter(Some(&self.path(folder, None)?))
            .await;
        let listing = listing.map_err(|e| self.fault(&e))?;
        Ok(!listing.objects.is_empty() || !listing.common_prefixes.is_empty())
    }

    /// A whole small file; `None` where it does not exist, an error where it is larger than `limit` bytes.
    pub async fn read_small(&self, folder: &str, file: &str, limit: u64) -> Result<Option<Bytes>> {
        self.traffic.asked();
        let path = self.path(folder, Some(file))?;
        if let Some(directory) = &self.directory {
            let (store, file) = (self.clone(), directory.join(folder).join(file));
            let read = move || {
                store.read_local(&file, |length| {
                    std::iter::once(0..length.min(limit)).collect()
                })
            };
            let read = tokio::task::spawn_blocking(read).await;
            let Some((mut answers, size)) = read.map_err(|_| Error::cancelled())?? else {
                return Ok(None);
            };
            if size > limit {
                return Err(too_large(size, limit));
            }
            let bytes = answers.pop().unwrap_or_default();
            self.traffic.received(bytes.len());
            return Ok(Some(bytes));
        }
        let answer = match self.inner.get(&path).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            answer => answer.map_err(|e| self.fault(&e))?,
        };
        let size = answer.meta.size;
        if size > limit {
            return Err(too_large(size, limit));
        }
        let bytes = answer.bytes().await.map_err(|e| self.fault(&e))?;
        self.traffic.received(bytes.len());
        if bytes.len() as u64 != size {
            return Err(short_answer(bytes.len() as u64, size));
        }
        Ok(Some(bytes))
    }

    /// True for a local directory: [`Store::read_tail`] and [`Store::read_ranges`] then answer at the first poll and
    /// hold up the thread meanwhile, so they belong on one that may be held up.
    pub fn is_local(&self) -> bool {
        self.directory.is_some()
    }

    /// Reads stretches of a local file; `None` where it does not exist.
    fn read_local(
        &self,
        file: &std::path::Path,
        ranges: impl FnOnce(u64) -> Vec<Range<u64>>,
    ) -> Result<Option<(Vec<Bytes>, u64)>> {
        let read = || -> std::io::Result<(Vec<Bytes>, u64)> {
            let open = File::open(file)?;
            let length = open.metadata()?.len();
            let read = |range: Range<u64>| {
                // A range beyond the end comes out short, which the caller reports.
                let mut bytes =
                    Vec::with_capacity(range.end.min(length).saturating_sub(range.start) as usize);
                (&open).seek(SeekFrom::Start(range.start))?;
                (&open)
                    .take(range.end - range.start)
                    .read_to_end(&mut bytes)?;
                Ok(Bytes::from(bytes))
            };
            let answers = ranges(length).into_iter().map(read);
            Ok((answers.collect::<std::io::Result<_>>()?, length))
        };
        match read() {
            Ok(answer) => Ok(Some(answer)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(
                Error::new(ErrorKind::Store, format!("the store failed: {e}"))
                    .in_lake(&self.name)
                    .hint("check that the file may be read"),
            ),
        }
    }

    /// The last `wanted` bytes of a file, or all of it where the store knows no ranges, and its length; `None` where it does not exist.
    pub async fn read_tail(&self, folder: &str, file: &str, wanted: u64) -> Result<Option<Tail>> {
        let path = self.path(folder, Some(file))?;
        self.traffic.asked();
        if let Some(directory) = &self.directory {
            let tail =
                |length: u64| std::iter::once(length.saturating_sub(wanted)..length).collect();
            let read = self.read_local(&directory.join(folder).join(file), tail)?;
            return Ok(read.and_then(|(mut answers, file_len)| {
                let bytes = answers.pop()?;
                self.traffic.received(bytes.len());
                Some(Tail { bytes, file_len })
            }));
        }
        let options = GetOptions {
            range: Some(GetRange::Suffix(wanted)),
            ..GetOptions::default()
        };
        let (bytes, file_len) = match self.inner.get_opts(&path, options).await {
            Ok(answer) => {
                let file_len = answer.meta.size;
                (answer.bytes().await.map_err(|e| self.fault(&e))?, file_len)
            }
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            // Some stores know no suffix ranges, and a store may refuse one on an empty file: ask for the length first.
            Err(_) => {
                self.traffic.asked();
                let file_len = match self.inner.head(&path).await {
                    Err(object_store::Error::NotFound { .. }) => return Ok(None),
                    head => head.map_err(|e| self.fault(&e))?.size,
                };
                let range = file_len.saturating_sub(wanted)..file_len;
                if file_len == 0 {
                    (Bytes::new(), 0)
                } else {
                    self.traffic.asked();
                    let tail = if let Ok(tail) = self.inner.get_range(&path, range).await {
                        tail
                    } else {
                        // A server that knows no ranges at all gives the whole file.
                        self.traffic.asked();
                        let answer = self.inner.get(&path).await.map_err(|e| self.fault(&e))?;
                        answer.bytes().await.map_err(|e| self.fault(&e))?
                    };
                    (tail, file_len)
                }
            }
        };
        self.traffic.received(bytes.len());
        if ![file_len.min(wanted), file_len].contains(&(bytes.len() as u64)) {
            return Err(short_answer(bytes.len() as u64, file_len.min(wanted)));
        }
        Ok(Some(Tail { bytes, file_len }))
    }

    /// Stretches of a file, in the order asked for; each answer has the length asked for.
    pub async fn read_ranges(
        &self,
        folder: &str,
        file: &str,
        ranges: &[Range<u64>],
    ) -> Result<Vec<Bytes>> {
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        self.traffic.asked();
        let path = self.path(folder, Some(file))?;
        let answers = if let Some(directory) = &self.directory {
            let read = self.read_local(&directory.join(folder).join(file), |_| ranges.to_vec())?;
            read.ok_or_else(|| Error::new(ErrorKind::Store, "it is gone").in_lake(&self.name))?
                .0
        } else {
            let answers = self.inner.get_ranges(&path, ranges).await;
            answers.map_err(|e| self.fault(&e))?
        };
        if answers.len() != ranges.len() {
            return Err(short_answer(answers.len() as u64, ranges.len() as u64));
        }
        for (answer, range) in answers.iter().zip(ranges) {
            self.traffic.received(answer.len());
            let wanted = range.end - range.start;
            if answer.len() as u64 != wanted {
                return Err(short_answer(answer.len() as u64, wanted));
            }
        }
        Ok(answers)
    }

    /// The length of a file; `None` where it does not exist.
    pub async fn len(&self, folder: &str, file: &str) -> Result<Option<u64>> {
        self.traffic.asked();
        match self.inner.head(&self.path(folder, Some(file))?).await {
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            head => Ok(Some(head.map_err(|e| self.fault(&e))?.size)),
        }
    }

    /// Writes a file whole: a reader sees all of it or none.
    pub async fn write(&self, folder: &str, file: &str, bytes: Bytes) -> Result<()> {
        self.traffic.asked();
        let put = self
            .inner
            .put(&self.path(folder, Some(file))?, bytes.into())
            .await;
        put.map(|_| ()).map_err(|e| self.fault(&e))
    }

    /// Names are joined as text, already in the store's own spelling: `Path::child` would encode them once more.
    fn path(&self, folder: &str, file: Option<&str>) -> Result<Path> {
        let mut text = self.root.as_ref().to_owned();
        for part in [Some(folder), file].into_iter().flatten() {
            if !text.is_empty() {
                text.push('/');
            }
            text.push_str(part);
        }
        Path::parse(&text).map_err(|_| {
            let name = file.unwrap_or(folder);
            Error::new(
                ErrorKind::Store,
                format!("'{name}' cannot be a name in this store"),
            )
        })
    }

    fn fault(&self, error: &object_store::Error) -> Error {
        use object_store::Error as E;
        let cause = root_cause(error);
        // Servers answer whole pages; the first line says what there is to say.
        let detail = crate::text::ellipsis(
            &location::redact(cause.lines().next().unwrap_or_default()),
            200,
        );
        let (message, hint) = match error {
            E::NotFound { .. } => ("it does not exist".to_owned(), None),
            E::PermissionDenied { .. } | E::Unauthenticated { .. } => (
                format!("the store refused access: {detail}"),
                Some("credentials are read from the environment, such as AWS_ACCESS_KEY_ID"),
            ),
            _ => (
                format!("the store failed: {detail}"),
                Some("try again; if it persists, check the store"),
            ),
        };
        let made = Error::new(ErrorKind::Store, message).in_lake(&self.name);
        match hint {
            Some(hint) => made.hint(hint),
            None => made,
        }
    }
}

fn too_large(size: u64, limit: u64) -> Error {
    let message = format!("it has {size} bytes, more than the {limit} that it may have");
    Error::new(ErrorKind::Budget, message)
}

fn short_answer(got: u64, wanted: u64) -> Error {
    Error::new(
        ErrorKind::Store,
        format!("the store answered short: {got} of {wanted} bytes"),
    )
    .hint("the file may have been cut while it was read; try again")
}

/// The innermost cause: what a person can act on, without the wrappers.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
