//! The versions of a table.

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::event_time::{EventTime, parse_rfc3339};
use crate::format::{Manifest, Version};
use crate::store::StoredFile;

use super::commit::TableWriter;
use super::snapshot_json::SnapshotJson;

/// A version of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionInfo {
    /// Its number.
    pub version: Version,
    /// When it was committed: as it says itself, or else when its file was written.
    pub at: EventTime,
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
    /// True for the one that `version.txt` names.
    pub is_current: bool,
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
            if let Some((json, manifest)) = self.snapshot_of(version).await? {
                let at = commit_field(&json, "at").and_then(Value::as_str);
                let at = at.and_then(|at| parse_rfc3339(at).ok());
                found.push((version, at.unwrap_or(file.modified), json, manifest));
            }
        }
        found.sort_by_key(|(version, ..)| *version);
        Ok(found)
    }

    /// The versions that can be read, oldest first.
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
        let files = self.store.files(&self.table).await?;
        let info = |(version, at, json, manifest): (Version, EventTime, SnapshotJson, Manifest)| {
            VersionInfo {
                version,
                at,
                operation: commit_field(&json, "operation")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
                rows: commit_field(&json, "rows").and_then(Value::as_u64),
                columns: manifest.schema.columns().len(),
                segments: manifest.segments.len(),
                files: manifest.distinct_files().len(),
                is_current: version == current,
            }
        };
        Ok(self
            .snapshots(&files)
            .await?
            .into_iter()
            .map(info)
            .collect())
    }
}
