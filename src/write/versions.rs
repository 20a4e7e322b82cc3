//! The versions of a table.

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::event_time::{EventTime, parse_rfc3339};
use crate::format::{Manifest, Version};
use crate::store::StoredFile;

use super::commit::TableWriter;
use super::snapshot_json::SnapshotJson;

/// A version of a table.
#[derive(Debug)]
pub struct VersionInfo {
    /// Its number.
    pub version: Version,
    /// When it was committed: as it says itself, or else when its file was written.
    pub at: EventTime,
    /// True for the one that `version.txt` names.
    pub is_current: bool,
    /// What it holds, or why it cannot be read.
    pub contents: Result<VersionContents>,
}

/// What a version of a table holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionContents {
    /// What made it, where it says so: `create`, `append`, `compact`, `evolve`.
    pub operation: Option<String>,
    /// The rows that the operation added or wrote, where it says so.
    pub rows: Option<u64>,
    /// Value columns.
    pub columns: usize,
    /// Segments at every depth.
    pub segments: usize,
    /// Distinct data files.
    pub files: usize,
}

/// True for the names that data files have.
pub(super) fn is_data_file(name: &str) -> bool {
    name.strip_suffix(".parquet").is_some()
}

/// True for what a writer of this kind leaves beside the table when it is killed.
pub(super) fn is_left_over(name: &str) -> bool {
    name.starts_with('.') && name.strip_suffix(".tmp").is_some()
}

fn commit_field<'a>(json: &'a SnapshotJson, field: &str) -> Option<&'a Value> {
    json.field("commit")?.get(field)
}

fn committed_at(json: &SnapshotJson, file: &StoredFile) -> EventTime {
    let at = commit_field(json, "at").and_then(Value::as_str);
    let at = at.and_then(|at| parse_rfc3339(at).ok());
    at.unwrap_or(file.modified)
}

fn contents(json: &SnapshotJson, manifest: &Manifest) -> VersionContents {
    let operation = commit_field(json, "operation").and_then(Value::as_str);
    VersionContents {
        operation: operation.map(str::to_owned),
        rows: commit_field(json, "rows").and_then(Value::as_u64),
        columns: manifest.schema.columns().len(),
        segments: manifest.segments.len(),
        files: manifest.distinct_files().len(),
    }
}

impl TableWriter {
    /// The snapshots among some files, oldest first, and when each was committed.
    pub(super) async fn snapshots(
        &self,
        files: &[StoredFile],
    ) -> Result<Vec<(Version, EventTime, SnapshotJson, Manifest)>> {
        let mut found = Vec::new();
        for file in files {
            let Some(version) = Version::of_manifest_file(&file.name) else {
                continue;
            };
            // One that went meanwhile is none.
            let snapshot = self.snapshot_of(version).await.map_err(|e| {
                e.hint("every version has to be read, to know the files that it names: restore the snapshot, or delete it if nobody wants that version")
            })?;
            if let Some((json, manifest)) = snapshot {
                found.push((version, committed_at(&json, file), json, manifest));
            }
        }
        found.sort_by_key(|(version, ..)| *version);
        Ok(found)
    }

    /// The versions of the table, oldest first; one that cannot be read says why.
    pub async fn versions(&self) -> Result<Vec<VersionInfo>> {
        self.try_versions().await.map_err(|e| self.place(e))
    }

    async fn try_versions(&self) -> Result<Vec<VersionInfo>> {
        let Some(current) = self.named_version().await? else {
            return Err(Error::new(
                ErrorKind::TableNotFound,
                "there is no such table",
            ));
        };
        let mut versions = Vec::new();
        for file in self.store.files(&self.table).await? {
            let Some(version) = Version::of_manifest_file(&file.name) else {
                continue;
            };
            let (at, contents) = match self.snapshot_of(version).await {
                Ok(Some((json, manifest))) => {
                    (committed_at(&json, &file), Ok(contents(&json, &manifest)))
                }
                // One that went meanwhile is none.
                Ok(None) => continue,
                Err(e) => (file.modified, Err(e)),
            };
            versions.push(VersionInfo {
                version,
                at,
                is_current: version == current,
                contents,
            });
        }
        versions.sort_by_key(|v| v.version);
        Ok(versions)
    }
}
