//! How a version comes to be: data files, then `s<N+1>.json` created if absent, then `version.txt`.
//!
//! Creating the snapshot file is the commit. A writer that stops before it has changed nothing; one that stops after
//! it has committed, and the next writer moves `version.txt` for it. Two writers that start from one version both
//! create `s<N+1>.json`, and the store lets one of them. An id in the file tells a writer whose answer was lost that
//! the file is its own.

use std::sync::Arc;

use serde_json::json;

use crate::error::{Error, ErrorKind, Result};
use crate::event_time::now;
use crate::format::{
    MANIFEST_BYTES_AT_MOST, Manifest, VERSION_BYTES_AT_MOST, VERSION_FILE, Version,
};
use crate::scan::Reader;
use crate::store::{Created, Store, unique_id};

use super::snapshot_json::SnapshotJson;

/// Looks at a snapshot file whose creation ended in doubt.
const LOOKS: usize = 3;

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
        let mut newest = named.unwrap_or(Version(0));
        loop {
            let next = Version(newest.0.saturating_add(1));
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
        // A file that is no snapshot was written by no writer of this kind; nothing moves to it.
        self.snapshot_of(newest).await.map_err(|e| {
            e.hint("it is beyond version.txt, so a commit was interrupted; remove or correct it")
        })?;
        self.store.advance_version(&self.table, newest).await?;
        Ok(Some((newest, true)))
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
        mut json: SnapshotJson,
        (operation, rows): (&str, u64),
        new_files: &[String],
    ) -> Result<Version> {
        let next = Version(base.0 + 1);
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
        let bytes = match prepared {
            Ok(bytes) => bytes,
            Err(e) => {
                self.remove(new_files).await;
                return Err(e.in_file(&file));
            }
        };
        let created = self.store.create(&self.table, &file, bytes.into()).await;
        if !matches!(created, Ok(Created::New)) {
            self.settle(next, &id, created.err(), new_files).await?;
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
            Error::new(ErrorKind::Store, message).hint(
                "azof-tui check --repair moves it, and so does the next writer; do not write the same again",
            )
        })?;
        Ok(next)
    }

    /// Finds out how a creation in doubt ended: `Ok` where the file is this commit's.
    async fn settle(
        &self,
        version: Version,
        id: &str,
        fault: Option<Error>,
        new_files: &[String],
    ) -> Result<()> {
        let mut last = None;
        for _ in 0..LOOKS {
            match self.snapshot_of(version).await {
                Ok(Some((found, _))) => {
                    let theirs = found.field("commit").and_then(|c| c.get("id"));
                    if theirs.and_then(|id| id.as_str()) == Some(id) {
                        return Ok(());
                    }
                    // The name is taken, so this commit can never come to be.
                    self.remove(new_files).await;
                    let message =
                        format!("conflict: another writer made version {version} meanwhile");
                    return Err(Error::new(ErrorKind::Conflict, message));
                }
                Ok(None) => break,
                Err(e) => last = Some(e),
            }
        }
        // A write whose answer was lost may still arrive, so the data files stay.
        let fault = fault.or(last);
        Err(fault
            .unwrap_or_else(|| Error::new(ErrorKind::Store, "the store contradicts itself"))
            .in_file(&version.manifest_file())
            .hint(format!(
                "whether version {version} was made is not known: azof-tui versions tells, and commit {id} is this one"
            )))
    }

    /// Removes data files that nothing refers to. What stays costs room until the next vacuum, and nothing else.
    pub(super) async fn remove(&self, files: &[String]) {
        for file in files {
            let _ = self.store.delete(&self.table, file).await;
        }
    }
}
