//! The versions of a table, and taking away those that nobody needs any more.

use std::collections::HashSet;

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::event_time::{EventTime, now, parse_rfc3339};
use crate::format::{FileName, Manifest, Version};
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

/// What a vacuum took away, or would.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vacuumed {
    /// Versions that can no longer be read.
    pub versions: Vec<Version>,
    /// Files, those of the versions included.
    pub files: Vec<StoredFile>,
}

impl Vacuumed {
    /// The bytes of the files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|f| f.bytes).sum()
    }
}

/// The version whose snapshot a file is: `s12.json`.
fn version_of(name: &str) -> Option<Version> {
    let digits = name.strip_prefix('s')?.strip_suffix(".json")?;
    let version = Version::parse(digits.as_bytes()).ok()?;
    (version.manifest_file() == name).then_some(version)
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
    /// The snapshots that are there, oldest first, with their files.
    async fn snapshots(
        &self,
        files: &[StoredFile],
    ) -> Result<Vec<(Version, EventTime, SnapshotJson, Manifest)>> {
        let mut found = Vec::new();
        for file in files {
            let Some(version) = version_of(&file.name) else {
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
            let files: HashSet<&FileName> = manifest.files().collect();
            VersionInfo {
                version,
                at,
                operation: commit_field(&json, "operation")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
                rows: commit_field(&json, "rows").and_then(Value::as_u64),
                columns: manifest.schema.columns().len(),
                segments: manifest.segments.len(),
                files: files.len(),
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

    /// Takes away versions that another one replaced longer ago than this (milliseconds), then the data files that no
    /// version left names and that are older than this, and what killed writers left. Snapshots go before the files
    /// that they name, so at no moment does a version that is there lack a file.
    pub async fn vacuum(&self, retention_ms: i64, dry_run: bool) -> Result<Vacuumed> {
        self.try_vacuum(retention_ms, dry_run)
            .await
            .map_err(|e| self.place(e))
    }

    async fn try_vacuum(&self, retention_ms: i64, dry_run: bool) -> Result<Vacuumed> {
        let current = self.head().await?.version;
        let files = self.store.files(&self.table).await?;
        let limit = now().ms().saturating_sub(retention_ms.max(0));
        let snapshots = self.snapshots(&files).await?;
        let mut vacuumed = Vacuumed::default();
        let mut named: HashSet<String> = HashSet::new();
        for (i, (version, _, _, manifest)) in snapshots.iter().enumerate() {
            let replaced_at = snapshots.get(i + 1).map(|(_, at, ..)| at.ms());
            let is_expired = *version < current && replaced_at.is_some_and(|at| at <= limit);
            if is_expired {
                vacuumed.versions.push(*version);
            } else {
                named.extend(manifest.files().map(ToString::to_string));
            }
        }
        let expired: HashSet<String> = vacuumed
            .versions
            .iter()
            .map(|version| version.manifest_file())
            .collect();
        let (manifests, others): (Vec<StoredFile>, Vec<StoredFile>) =
            files.into_iter().partition(|f| expired.contains(&f.name));
        let is_unneeded = |file: &StoredFile| {
            let is_data = is_data_file(&file.name) && !named.contains(&file.name);
            (is_data || is_left_over(&file.name)) && file.modified.ms() <= limit
        };
        vacuumed.files.extend(manifests);
        vacuumed
            .files
            .extend(others.into_iter().filter(is_unneeded));
        if !dry_run {
            for file in &vacuumed.files {
                self.store.delete(&self.table, &file.name).await?;
            }
        }
        Ok(vacuumed)
    }
}
