//! Taking away what nobody needs any more: versions that were replaced long ago, and the files that none names.
//!
//! A data file that no version ever named may be forgotten, or belong to a write that is about to commit; only its age
//! tells. So such files stay for a day at least, however short the retention, unless that is forced.

use std::collections::HashSet;

use crate::error::Result;
use crate::event_time::now;
use crate::format::Version;
use crate::store::StoredFile;

use super::commit::TableWriter;
use super::versions::{is_data_file, is_left_over};

/// Files that no version names stay at least this long: longer than any write takes.
pub const UNNAMED_KEPT_MS: i64 = 24 * 3_600_000;

/// What a vacuum may take away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VacuumOptions {
    /// Versions that were replaced within this time (milliseconds) stay, with their files.
    pub retention_ms: i64,
    /// Take files that no version names by the retention alone, though it is shorter than [`UNNAMED_KEPT_MS`]. A write
    /// that runs meanwhile may lose its files, and then ends with a conflict.
    pub force: bool,
    /// Only work out what would be taken away.
    pub dry_run: bool,
}

/// What a vacuum took away, or would.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vacuumed {
    /// Versions that can no longer be read.
    pub versions: Vec<Version>,
    /// Files, those of the versions included.
    pub files: Vec<StoredFile>,
    /// Files that no version names and that stay, for they may belong to a write that runs: older than the retention,
    /// and younger than [`UNNAMED_KEPT_MS`].
    pub kept: Vec<StoredFile>,
}

impl Vacuumed {
    /// The bytes of the files that went.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|f| f.bytes).sum()
    }
}

impl TableWriter {
    /// Takes away versions that another one replaced longer ago than the retention, then the data files that no version
    /// left names and that are older than it, and what killed writers left. Snapshots go before the files that they
    /// name, so at no moment does a version that is there lack a file.
    pub async fn vacuum(&self, options: VacuumOptions) -> Result<Vacuumed> {
        self.try_vacuum(options).await.map_err(|e| self.place(e))
    }

    async fn try_vacuum(&self, options: VacuumOptions) -> Result<Vacuumed> {
        let at = now().ms();
        let limit = at.saturating_sub(options.retention_ms.max(0));
        let unnamed_limit = if options.force {
            limit
        } else {
            limit.min(at.saturating_sub(UNNAMED_KEPT_MS))
        };
        let current = self.head().await?.version;
        // Files before snapshots: one that is named while the versions are read is seen to be named.
        let files = self.store.files(&self.table).await?;
        let snapshots = self
            .snapshots(&self.store.files(&self.table).await?)
            .await?;

        let mut vacuumed = Vacuumed::default();
        let (mut named, mut was_named) = (HashSet::new(), HashSet::new());
        for (i, (version, _, _, manifest)) in snapshots.iter().enumerate() {
            let replaced_at = snapshots.get(i + 1).map(|(_, at, ..)| at.ms());
            let is_expired = *version < current && replaced_at.is_some_and(|at| at <= limit);
            let names = manifest.files().map(ToString::to_string);
            if is_expired {
                vacuumed.versions.push(*version);
                was_named.extend(names);
            } else {
                named.extend(names);
            }
        }
        let expired: HashSet<String> = vacuumed
            .versions
            .iter()
            .map(|version| version.manifest_file())
            .collect();
        let (manifests, others): (Vec<StoredFile>, Vec<StoredFile>) =
            files.into_iter().partition(|f| expired.contains(&f.name));
        vacuumed.files.extend(manifests);
        for file in others {
            let is_unneeded =
                is_data_file(&file.name) && !named.contains(&file.name) || is_left_over(&file.name);
            let age_limit = if was_named.contains(&file.name) {
                limit
            } else {
                unnamed_limit
            };
            if is_unneeded && file.modified.ms() <= age_limit {
                vacuumed.files.push(file);
            } else if is_unneeded && file.modified.ms() <= limit {
                vacuumed.kept.push(file);
            }
        }
        if !options.dry_run {
            for file in &vacuumed.files {
                self.store.delete(&self.table, &file.name).await?;
            }
        }
        Ok(vacuumed)
    }
}
