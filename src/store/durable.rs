//! Bytes into a path or URL, so that they stay: what is reported as written survives a loss of power on a local disk.
//!
//! On a local directory files are written beside their final name or under a name that nothing refers to yet, flushed
//! to the disk, and only then named; the folder is flushed too. Object stores promise as much of every put.

use std::collections::hash_map::RandomState;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, BufWriter, Write};
use std::path::{Path as FsPath, PathBuf};

use bytes::Bytes;
use object_store::{
    ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion, WriteMultipart,
};

use super::Store;
use crate::error::{Error, ErrorKind, Result};
use crate::event_time::EventTime;
use crate::format::{VERSION_BYTES_AT_MOST, VERSION_FILE, Version};

/// A file larger than this goes to an object store in parts.
const PUT_BYTES_AT_MOST: usize = 32 << 20;

/// The bytes of a part.
const PART_BYTES: usize = 8 << 20;

/// How often a version file that others move meanwhile is looked at again.
const ATTEMPTS: usize = 8;

/// A file of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// When it was last written.
    pub modified: EventTime,
}

/// How creating a file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It was not there, and now is, whole.
    New,
    /// It was there, and is as it was.
    Exists,
}

/// A name that nothing else has: 16 hexadecimal digits.
pub fn unique_id() -> String {
    // The standard library seeds its hashers at random; the clock and the process are mixed in.
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_i64(crate::event_time::now().ms());
    hasher.write_u32(std::process::id());
    format!("{:016x}", hasher.finish())
}

impl Store {
    /// The files directly in a folder, by name.
    pub async fn files(&self, folder: &str) -> Result<Vec<StoredFile>> {
        self.traffic.asked();
        let mut files = if let Some(directory) = &self.directory {
            local_files(&directory.join(folder)).map_err(|e| self.local_fault("be listed", &e))?
        } else {
            let path = self.path(folder, None)?;
            let listing = self.inner.list_with_delimiter(Some(&path)).await;
            let listing = listing.map_err(|e| self.fault(&e))?;
            let file = |meta: object_store::ObjectMeta| {
                Some(StoredFile {
                    name: meta.location.filename()?.to_owned(),
                    bytes: meta.size,
                    modified: EventTime::from_ms(meta.last_modified.timestamp_millis()),
                })
            };
            listing.objects.into_iter().filter_map(file).collect()
        };
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    /// Removes a file; one that is not there is removed already.
    pub async fn delete(&self, folder: &str, file: &str) -> Result<()> {
        self.traffic.asked();
        if let Some(directory) = &self.directory {
            return match fs::remove_file(directory.join(folder).join(file)) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    Err(self.local_fault("be removed", &e).in_file(file))
                }
                _ => Ok(()),
            };
        }
        match self.inner.delete(&self.path(folder, Some(file))?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(self.fault(&e).in_file(file)),
        }
    }

    /// Makes the folder of a table where it is a directory; elsewhere folders need not be made.
    pub fn make_folder(&self, folder: &str) -> Result<()> {
        let Some(directory) = &self.directory else {
            return Ok(());
        };
        fs::create_dir_all(directory.join(folder))
            .and_then(|()| sync_directory(directory))
            .map_err(|e| self.local_fault("be made", &e))
    }

    /// Begins a file that is written piece by piece, under a name that nothing refers to yet.
    pub fn new_file(&self, folder: &str, name: &str) -> Result<NewFile> {
        let sink = if let Some(directory) = &self.directory {
            let path = directory.join(folder).join(name);
            let file = OpenOptions::new().write(true).create_new(true).open(&path);
            let file = file.map_err(|e| self.local_fault("be written", &e).in_file(name))?;
            Sink::Local(BufWriter::with_capacity(1 << 20, file), path)
        } else {
            Sink::Memory(Vec::new())
        };
        Ok(NewFile {
            store: self.clone(),
            folder: folder.to_owned(),
            name: name.to_owned(),
            sink: Some(sink),
            bytes: 0,
        })
    }

    /// Makes the names of new files survive a loss of power.
    pub fn sync_folder(&self, folder: &str) -> Result<()> {
        let Some(directory) = &self.directory else {
            return Ok(());
        };
        sync_directory(&directory.join(folder)).map_err(|e| self.local_fault("be written", &e))
    }

    /// Creates a small file whole, if there is none of its name. After an error it may be there all the same.
    pub async fn create(&self, folder: &str, file: &str, bytes: Bytes) -> Result<Created> {
        self.traffic.asked();
        if let Some(directory) = &self.directory {
            let created = create_local(&directory.join(folder), file, &bytes);
            return created.map_err(|e| self.local_fault("be written", &e).in_file(file));
        }
        let options = PutOptions::from(PutMode::Create);
        let path = self.path(folder, Some(file))?;
        match self.inner.put_opts(&path, bytes.into(), options).await {
            Ok(_) => Ok(Created::New),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(Created::Exists),
            Err(e) => Err(self.fault(&e).in_file(file)),
        }
    }

    /// Moves the version file forward to this version; one that is there already or beyond stays.
    pub async fn advance_version(&self, folder: &str, to: Version) -> Result<()> {
        let advanced = if let Some(directory) = &self.directory {
            self.traffic.asked();
            advance_local(&directory.join(folder), to)
                .map_err(|e| self.local_fault("be written", &e))
        } else {
            self.advance_remote(folder, to).await
        };
        advanced.map_err(|e| e.in_file(VERSION_FILE))
    }

    async fn advance_remote(&self, folder: &str, to: Version) -> Result<()> {
        let path = self.path(folder, Some(VERSION_FILE))?;
        let text = || PutPayload::from(to.to_string());
        for _ in 0..ATTEMPTS {
            self.traffic.asked();
            let mode = match self.inner.get(&path).await {
                Err(object_store::Error::NotFound { .. }) => PutMode::Create,
                Err(e) => return Err(self.fault(&e)),
                Ok(answer) => {
                    let seen = UpdateVersion {
                        e_tag: answer.meta.e_tag.clone(),
                        version: answer.meta.version.clone(),
                    };
                    let bytes = answer.bytes().await.map_err(|e| self.fault(&e))?;
                    if Version::parse(&bytes).is_ok_and(|held| held >= to) {
                        return Ok(());
                    }
                    PutMode::Update(seen)
                }
            };
            self.traffic.asked();
            match self.inner.put_opts(&path, text(), mode.into()).await {
                Ok(_) => return Ok(()),
                // Another writer moved it meanwhile.
                Err(
                    object_store::Error::Precondition { .. }
                    | object_store::Error::AlreadyExists { .. },
                ) => {}
                // A store without conditional puts: between the look above and this, only a slow rival gets lost.
                Err(object_store::Error::NotImplemented { .. }) => {
                    let put = self.inner.put(&path, text()).await;
                    return put.map(|_| ()).map_err(|e| self.fault(&e));
                }
                Err(e) => return Err(self.fault(&e)),
            }
        }
        Err(Error::new(
            ErrorKind::Store,
            "other writers move it all the time",
        ))
    }

    fn local_fault(&self, what: &str, e: &io::Error) -> Error {
        let message = format!("it cannot {what}: {e}");
        let error = Error::new(ErrorKind::Store, message).in_lake(&self.name);
        match e.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                error.hint("the disk is full: make room and run it again; nothing was committed")
            }
            _ => error.hint("check that the directory may be written to"),
        }
    }
}

/// A file that is written piece by piece. It is there once [`NewFile::finish`] has answered; one that is dropped
/// before is removed.
#[derive(Debug)]
pub struct NewFile {
    store: Store,
    folder: String,
    name: String,
    /// None once it is finished.
    sink: Option<Sink>,
    bytes: u64,
}

#[derive(Debug)]
enum Sink {
    Local(BufWriter<File>, PathBuf),
    Memory(Vec<u8>),
}

impl NewFile {
    /// Writes what is left, makes it last, and answers its length.
    pub async fn finish(mut self) -> Result<u64> {
        self.store.traffic.asked();
        let (store, name) = (self.store.clone(), self.name.clone());
        match self.sink.take() {
            Some(Sink::Local(file, path)) => {
                let written = file.into_inner().map_err(io::IntoInnerError::into_error);
                if let Err(e) = written.and_then(|file| file.sync_all()) {
                    let _ = fs::remove_file(path);
                    return Err(store.local_fault("be written", &e).in_file(&name));
                }
            }
            Some(Sink::Memory(bytes)) => {
                let path = store.path(&self.folder, Some(&name))?;
                let put = if bytes.len() <= PUT_BYTES_AT_MOST {
                    store.inner.put(&path, bytes.into()).await.map(|_| ())
                } else {
                    put_in_parts(&store, &path, bytes.into()).await
                };
                put.map_err(|e| store.fault(&e).in_file(&name))?;
            }
            None => {}
        }
        Ok(self.bytes)
    }
}

async fn put_in_parts(
    store: &Store,
    path: &object_store::path::Path,
    bytes: Bytes,
) -> object_store::Result<()> {
    let upload = store.inner.put_multipart(path).await?;
    let mut parts = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
    parts.put(bytes);
    parts.finish().await.map(|_| ())
}

impl Write for NewFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = match &mut self.sink {
            Some(Sink::Local(file, _)) => file.write(buffer)?,
            Some(Sink::Memory(bytes)) => bytes.write(buffer)?,
            None => 0,
        };
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Some(Sink::Local(file, _)) => file.flush(),
            _ => Ok(()),
        }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(Sink::Local(_, path)) = &self.sink {
            // What is left of a failed write is refused by nobody, but takes room.
            let _ = fs::remove_file(path);
        }
    }
}

fn local_files(folder: &FsPath) -> io::Result<Vec<StoredFile>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let meta = match entry.metadata() {
            Ok(meta) => meta,
            // It went while the folder was listed.
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(e),
        };
        if !meta.is_dir() {
            let age = meta.modified()?.duration_since(std::time::UNIX_EPOCH);
            files.push(StoredFile {
                name: entry.file_name().to_string_lossy().into_owned(),
                bytes: meta.len(),
                modified: EventTime::from_ms(age.map_or(0, |age| age.as_millis() as i64)),
            });
        }
    }
    Ok(files)
}

/// Writes a file under a name that no reader looks for, flushed to the disk.
fn write_aside(folder: &FsPath, file: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let aside = folder.join(format!(".{file}.{}.tmp", unique_id()));
    let written = File::create_new(&aside).and_then(|mut out| {
        out.write_all(bytes)?;
        out.sync_all()
    });
    if let Err(e) = written {
        let _ = fs::remove_file(&aside);
        return Err(e);
    }
    Ok(aside)
}

fn create_local(folder: &FsPath, file: &str, bytes: &[u8]) -> io::Result<Created> {
    let aside = write_aside(folder, file, bytes)?;
    // A link fails where the name is taken, and the name never stands for half a file.
    let linked = fs::hard_link(&aside, folder.join(file));
    let _ = fs::remove_file(&aside);
    match linked {
        Ok(()) => sync_directory(folder).map(|()| Created::New),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(Created::Exists),
        Err(e) => Err(e),
    }
}

fn advance_local(folder: &FsPath, to: Version) -> io::Result<()> {
    // Writers take turns, so that a slow one cannot move the version back. Where a file system knows no locks, the
    // look before the rename is what there is.
    let turn = File::open(folder)?;
    let _ = turn.lock();
    let path = folder.join(VERSION_FILE);
    let held = match fs::metadata(&path) {
        Ok(meta) if meta.len() <= VERSION_BYTES_AT_MOST => Version::parse(&fs::read(&path)?).ok(),
        Ok(_) => None,
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(e),
    };
    if held.is_some_and(|held| held >= to) {
        return Ok(());
    }
    let aside = write_aside(folder, VERSION_FILE, to.to_string().as_bytes())?;
    if let Err(e) = fs::rename(&aside, path) {
        let _ = fs::remove_file(&aside);
        return Err(e);
    }
    sync_directory(folder)
}

/// Flushes the names in a folder. Systems on which a folder cannot be opened need no such thing.
fn sync_directory(folder: &FsPath) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}
