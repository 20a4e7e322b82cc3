//! How a version comes to be: data files, then `s<N+1>.json` created if absent, then `version.txt`.
//!
//! Creating the snapshot file is the commit. A writer that stops before it has changed nothing; one that stops after
//! it has committed, and the next writer moves `version.txt` for it. Two writers that start from one version both
//! create `s<N+1>.json`, and the store lets one of them. An id in the file tells a writer whose answer was lost that
//! the file is its own.
//!
//! Until then nothing names the data files, and a vacuum may take them for forgotten ones. So they are looked at once
//! more just before the commit: a version that lacks a file never comes to be.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};
use serde_json::json;

use crate::error::{Error, ErrorKind, Result};
use crate::event_time::now;
use crate::format::{
    MANIFEST_BYTES_AT_MOST, Manifest, VERSION_BYTES_AT_MOST, VERSION_FILE, Version,
};
use crate::scan::Reader;
use crate::store::{Created, Store, unique_id};

use super::snapshot_json::{SnapshotJson, WrittenFile};

/// Looks at a snapshot file whose creation ended in doubt.
const LOOKS: usize = 3;

/// Data files looked at at the same time.
const LOOKS_AT_ONCE: usize = 32;

/// Data files that were looked at within this time are not looked at again: a commit that is tried anew, for others
/// came before it, has just seen them.
const LOOK_HOLDS: Duration = Duration::from_secs(1);

/// Writes one table of a lake.
///
/// Every operation starts from the version that is current, and makes the next one or nothing. Data files are never
/// rewritten, so whoever reads an older version goes on reading it.
#[derive(Debug, Clone)]
pub struct TableWriter {
    pub(super) store: Store,
    pub(super) reader: Arc<Reader>,
    pub(super) table: String,
}

/// The version that a writer starts from.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) version: Version,
    pub(super) json: SnapshotJson,
    pub(super) manifest: Manifest,
}

/// Data files that no version names yet.
#[derive(Debug)]
pub(super) struct Unnamed<'a> {
    files: &'a [WrittenFile],
    seen_at: Option<Instant>,
}

impl<'a> Unnamed<'a> {
    pub(super) fn new(files: &'a [WrittenFile]) -> Self {
        Self {
            files,
            seen_at: None,
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        names_of(self.files)
    }
}

/// How a commit ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    Made(Version),
    /// Another writer made this version first, and nothing of the commit can come to be.
    Lost(Version),
}

impl TableWriter {
    /// Makes a writer of a table, which need not exist yet.
    pub fn new(store: Store, reader: Arc<Reader>, table: &str) -> Self {
        Self {
            store,
            reader,
            table: table.to_owned(),
        }
    }

    pub(super) fn place(&self, error: Error) -> Error {
        error.in_table(&self.table).in_lake(self.store.name())
    }

    /// The version that `version.txt` names; `None` where there is no such file.
    pub(super) async fn named_version(&self) -> Result<Option<Version>> {
        let read = self
            .store
            .read_small(&self.table, VERSION_FILE, VERSION_BYTES_AT_MOST);
        let bytes = read.await.map_err(|e| e.in_file(VERSION_FILE))?;
        let parse = |bytes: bytes::Bytes| {
            Version::parse(&bytes).map_err(|e| {
                Error::new(ErrorKind::Version, e)
                    .in_file(VERSION_FILE)
                    .hint("it should hold the number N of the newest sN.json beside it")
            })
        };
        bytes.map(parse).transpose()
    }

    /// Reads the snapshot of a version; `None` where there is no such file.
    pub(super) async fn snapshot_of(
        &self,
        version: Version,
    ) -> Result<Option<(SnapshotJson, Manifest)>> {
        let file = version.manifest_file();
        let read = self
            .store
            .read_small(&self.table, &file, MANIFEST_BYTES_AT_MOST);
        let bytes = read.await.map_err(|e| e.in_file(&file))?;
        let parse = |bytes: bytes::Bytes| SnapshotJson::parse(&bytes);
        bytes.map(parse).transpose().map_err(|e| e.in_file(&file))
    }

    /// Moves `version.txt` to the newest version that was committed; answers it, and whether it was moved. `None`
    /// where there is no table.
    pub(super) async fn roll_forward(&self) -> Result<Option<(Version, bool)>> {
        let named = self.named_version().await?;
        self.roll_forward_from(named).await
    }

    /// The same from a version that `version.txt` names, or from the first where it names none.
    pub(super) async fn roll_forward_from(
        &self,
        named: Option<Version>,
    ) -> Result<Option<(Version, bool)>> {
        let mut newest = named.unwrap_or(Version(0));
        while let Some(next) = newest.0.checked_add(1).map(Version) {
            let file = next.manifest_file();
            let found = self.store.len(&self.table, &file).await;
            if found.map_err(|e| e.in_file(&file))?.is_none() {
                break;
            }
            newest = next;
        }
        if Some(newest) == named || newest == Version(0) {
            return Ok(named.map(|version| (version, false)));
        }
        self.verify_beyond(named, newest).await?;
        self.store.advance_version(&self.table, newest).await?;
        Ok(Some((newest, true)))
    }

    /// Makes sure that a version beyond the one that is named can be read. A commit names files that are there; a file that
    /// is no snapshot, or names others, was written by no writer of this kind, and nothing moves to it.
    async fn verify_beyond(&self, named: Option<Version>, newest: Version) -> Result<()> {
        let file = newest.manifest_file();
        let found = self.snapshot_of(newest).await.map_err(|e| {
            e.hint("it is beyond version.txt, so a commit was interrupted; remove or correct it")
        })?;
        let known = match named {
            Some(named) => self.snapshot_of(named).await.ok().flatten(),
            None => None,
        };
        let known: HashSet<&str> = known
            .iter()
            .flat_map(|(_, manifest)| manifest.distinct_files())
            .collect();
        let names = found
            .iter()
            .flat_map(|(_, manifest)| manifest.distinct_files())
            .filter(|name| !known.contains(name))
            .map(str::to_owned);
        let names: Vec<String> = names.collect();
        let mut looks = Vec::with_capacity(names.len());
        for name in names {
            looks.push(async move {
                let found = self.store.len(&self.table, &name).await;
                (found, name)
            });
        }
        let mut looks = stream::iter(looks).buffer_unordered(LOOKS_AT_ONCE);
        while let Some((found, name)) = looks.next().await {
            if found.map_err(|e| e.in_file(&name))?.is_none() {
                let message = format!("the data file is missing, though {file} names it");
                return Err(Error::new(ErrorKind::DataFile, message)
                    .in_file(&name)
                    .hint(format!(
                        "{file} is beyond {VERSION_FILE}: restore the data file, or move {file} away to stay at the version before"
                    )));
            }
        }
        Ok(())
    }

    /// Refuses to make a version behind which another one stands already: the next writer would take that for what
    /// follows, and what is written now would be lost.
    async fn refuse_beyond(&self, next: Version) -> Result<()> {
        let Some(beyond) = next.0.checked_add(1).map(Version) else {
            let message = format!("no version follows {}", next.0 - 1);
            return Err(Error::new(ErrorKind::Version, message).in_file(VERSION_FILE));
        };
        let file = beyond.manifest_file();
        let length = |version: Version| async move {
            let file = version.manifest_file();
            let found = self.store.len(&self.table, &file).await;
            found.map_err(|e| e.in_file(&file))
        };
        // Where the version itself has been made meanwhile, another writer was first, and its successors may be there.
        if length(beyond).await?.is_some() && length(next).await?.is_none() {
            let message =
                format!("it is there already, though there is no version {next} before it");
            return Err(Error::new(ErrorKind::Manifest, message)
                .in_file(&file)
                .hint(format!(
                    "move {file} away: the next writer would take it for what follows version {next}; nothing was committed"
                )));
        }
        Ok(())
    }

    /// The version to start from, after an interrupted commit was rolled forward.
    pub(super) async fn head(&self) -> Result<Head> {
        let Some((version, _)) = self.roll_forward().await? else {
            return Err(
                Error::new(ErrorKind::TableNotFound, "there is no such table")
                    .hint("azof-tui create makes one; azof-tui tables lists the tables of a lake"),
            );
        };
        let Some((json, manifest)) = self.snapshot_of(version).await? else {
            let file = version.manifest_file();
            let message = format!("version {version} has no snapshot file");
            return Err(Error::new(ErrorKind::Manifest, message)
                .in_file(&file)
                .hint(format!(
                    "restore {file}, or let {VERSION_FILE} name one that exists"
                )));
        };
        Ok(Head {
            version,
            json,
            manifest,
        })
    }

    /// Makes the version after `base`. The files that it names must have been finished; where the commit certainly did
    /// not happen they are removed again.
    pub(super) async fn commit(
        &self,
        base: Version,
        json: SnapshotJson,
        what: (&str, u64),
        new_files: &[WrittenFile],
    ) -> Result<Version> {
        let mut new_files = Unnamed::new(new_files);
        match self.attempt(base, json, what, &mut new_files).await? {
            Attempt::Made(version) => Ok(version),
            Attempt::Lost(version) => {
                self.remove(new_files.names()).await;
                Err(conflict(version))
            }
        }
    }

    /// The same, but where another writer made that version first the files stay, for another attempt.
    pub(super) async fn attempt(
        &self,
        base: Version,
        mut json: SnapshotJson,
        (operation, rows): (&str, u64),
        new_files: &mut Unnamed<'_>,
    ) -> Result<Attempt> {
        let next = Version(base.0.saturating_add(1));
        let file = next.manifest_file();
        let id = unique_id();
        json.set_field(
            "commit",
            json!({
                "id": id,
                "at": now().to_string(),
                "operation": operation,
                "rows": rows,
            }),
        );
        let prepared = json.to_bytes().and_then(|bytes| {
            // What would not be read back must not become a version.
            Manifest::parse(&bytes)?;
            self.store.sync_folder(&self.table)?;
            Ok(bytes)
        });
        let prepared = match prepared {
            Ok(bytes) => match self.refuse_beyond(next).await {
                Ok(()) => self.verify(new_files).await.map(|()| bytes),
                Err(e) => Err(e),
            },
            Err(e) => Err(e.in_file(&file)),
        };
        let bytes = match prepared {
            Ok(bytes) => bytes,
            Err(e) => {
                self.remove(new_files.names()).await;
                return Err(e);
            }
        };
        let created = self.store.create(&self.table, &file, bytes.into()).await;
        if !matches!(created, Ok(Created::New)) && !self.is_own(next, &id, created.err()).await? {
            return Ok(Attempt::Lost(next));
        }
        let mut moved = self.store.advance_version(&self.table, next).await;
        if moved.is_err() {
            moved = self.store.advance_version(&self.table, next).await;
        }
        moved.map_err(|e| {
            let message = format!(
                "version {next} is committed, but {VERSION_FILE} could not be moved to it: {}",
                e.message()
            );
            Error::new(ErrorKind::InDoubt, message).hint(
                "azof-tui check --repair moves it, and so does the next writer; do not write the same again",
            )
        })?;
        Ok(Attempt::Made(next))
    }

    /// Finds out whose a version is whose creation ended in doubt, or failed because it was there.
    async fn is_own(&self, version: Version, id: &str, fault: Option<Error>) -> Result<bool> {
        let mut last = None;
        let mut is_absent = false;
        for _ in 0..LOOKS {
            match self.snapshot_of(version).await {
                Ok(Some((found, _))) => {
                    let theirs = found.field("commit").and_then(|c| c.get("id"));
                    // Where the name is taken by another, this commit can never come to be.
                    return Ok(theirs.and_then(|id| id.as_str()) == Some(id));
                }
                Ok(None) => {
                    is_absent = true;
                    break;
                }
                Err(e) => last = Some(e),
            }
        }
        // On a disk of this machine, what is not there now will not arrive later.
        if let Some(certain) = fault
            .as_ref()
            .filter(|_| is_absent && self.store.is_local())
        {
            return Err(certain.clone().in_file(&version.manifest_file()));
        }
        // A write whose answer was lost may still arrive, so the data files stay.
        let fault = fault.or(last);
        let message = fault.map_or_else(
            || "the store contradicts itself".to_owned(),
            |e| e.message(),
        );
        Err(Error::new(ErrorKind::InDoubt, message)
            .in_file(&version.manifest_file())
            .hint(format!(
                "whether version {version} was made is not known: azof-tui versions tells, and commit {id} is this one"
            )))
    }

    /// Looks whether data files that are about to be named are there, as long as they were written.
    async fn verify(&self, unnamed: &mut Unnamed<'_>) -> Result<()> {
        if unnamed.seen_at.is_some_and(|at| at.elapsed() < LOOK_HOLDS) {
            return Ok(());
        }
        let seen_at = Instant::now();
        // A closure over files of any lifetime would keep the compiler from seeing that the future may move.
        let mut looks = Vec::with_capacity(unnamed.files.len());
        for file in unnamed.files {
            looks.push(self.verify_file(file));
        }
        let mut looks = stream::iter(looks).buffer_unordered(LOOKS_AT_ONCE);
        while let Some(seen) = looks.next().await {
            seen?;
        }
        drop(looks);
        unnamed.seen_at = Some(seen_at);
        Ok(())
    }

    async fn verify_file(&self, file: &WrittenFile) -> Result<()> {
        let found = self.store.len(&self.table, &file.name).await;
        let found = found.map_err(|e| e.in_file(&file.name))?;
        let fault = match found {
            Some(found) if found == file.bytes => return Ok(()),
            None => "it is gone before it was committed, as a vacuum leaves it".to_owned(),
            Some(found) => format!(
                "it has {found} bytes before it was committed, and was written with {}",
                file.bytes
            ),
        };
        Err(
            Error::new(ErrorKind::Conflict, format!("conflict: {fault}"))
                .in_file(&file.name)
                .hint("run it again, while no vacuum --force runs; nothing was committed"),
        )
    }

    /// Removes data files that nothing refers to. What stays costs room until a vacuum, and nothing else.
    pub(super) async fn remove(&self, names: impl IntoIterator<Item = &str>) {
        for name in names {
            let _ = self.store.delete(&self.table, name).await;
        }
    }
}

/// The names of files.
pub(super) fn names_of(files: &[WrittenFile]) -> impl Iterator<Item = &str> {
    files.iter().map(|file| file.name.as_str())
}

/// The error of a commit that another writer forestalled.
pub(super) fn conflict(version: Version) -> Error {
    let message = format!("conflict: another writer made version {version} meanwhile");
    Error::new(ErrorKind::Conflict, message)
}
