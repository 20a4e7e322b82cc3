//! Compaction: the same answers at every moment, out of fewer rows a read.
//!
//! The table becomes a row of segments without gaps or overlaps, each with a base, the state before it begins, and one
//! delta with the rows dated within it, newest first, so that the first row of a key that is seen is its newest. Late
//! rows come to lie where they belong. A new segment begins with a period once the delta has as many rows as the base,
//! times a ratio: a read then sees at most a base, as much again times the ratio, and a period; and every row is
//! stored about 1 + 1/ratio times.
//!
//! Where the table shows jumps that no row dated at that moment explains (a base that holds other rows than the
//! segment before it ended with, a delta that starts after its rows), a segment begins, with the state after the jump.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;

use crate::error::{Error, ErrorKind, Result};
use crate::format::Version;

use super::SegmentBy;
use super::commit::{TableWriter, conflict, names_of};
use super::figures::{LayoutFigures, figures};
use super::input::Progress;
use super::layout::Layout;
use super::pieces::Compaction;
use super::rebase::Rebased;
use super::snapshot_json::SnapshotJson;

/// How often a compaction begins anew, where what came meanwhile is more than rows.
const ATTEMPTS: usize = 3;

/// How compaction weighs reading against storing.
#[derive(Debug, Clone, Copy)]
pub struct CompactOptions {
    /// Where segments may begin; the table's own policy where nothing is said.
    pub segment_by: Option<SegmentBy>,
    /// A segment may begin once the delta before it has this many times the rows of its base. 0: with every period
    /// that has rows.
    pub ratio: f64,
    /// Look at segments again that a compaction made and nothing has touched since.
    pub all: bool,
    /// Only work out what would be done.
    pub dry_run: bool,
}

impl Default for CompactOptions {
    fn default() -> Self {
        Self {
            segment_by: None,
            ratio: 1.0,
            all: false,
            dry_run: false,
        }
    }
}

/// What a compaction did, or would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Compacted {
    /// The version that it made; none where nothing was to be done, or nothing was to be done yet.
    pub version: Option<Version>,
    /// True where the layout would change, or did.
    pub changes: bool,
    /// Versions that others appended while it was at work; their rows are kept, and the figures leave them out.
    pub appends_meanwhile: usize,
    /// The table as it was.
    pub before: LayoutFigures,
    /// The table as it is, or would be.
    pub after: LayoutFigures,
    /// Data files written, or that would be.
    pub files_written: usize,
    /// Data files taken over as they are.
    pub files_kept: usize,
    /// Segments that were compacted by another policy than the one asked for, and stay because
    /// [`CompactOptions::all`] is not set.
    pub segments_of_other_policy: usize,
}

impl TableWriter {
    /// Compacts the table; see the options.
    ///
    /// Rows that others append meanwhile are kept: the layout is put under them. Where others change more than that,
    /// the compaction begins anew, a few times.
    pub async fn compact(
        &self,
        options: CompactOptions,
        progress: &Arc<Progress>,
    ) -> Result<Compacted> {
        self.try_compact(options, progress)
            .await
            .map_err(|e| self.place(e))
    }

    async fn try_compact(
        &self,
        options: CompactOptions,
        progress: &Arc<Progress>,
    ) -> Result<Compacted> {
        if !(options.ratio >= 0.0 && options.ratio.is_finite()) {
            return Err(
                Error::new(ErrorKind::Usage, "the ratio should be 0 or more")
                    .hint("1 is usual; 0 begins a segment wherever the policy lets one begin"),
            );
        }
        for _ in 0..ATTEMPTS {
            if let Some(done) = self.compact_once(options, progress).await? {
                return Ok(done);
            }
        }
        Err(conflict(self.head().await?.version))
    }

    /// `None` where the table became another one meanwhile.
    async fn compact_once(
        &self,
        options: CompactOptions,
        progress: &Arc<Progress>,
    ) -> Result<Option<Compacted>> {
        let head = self.head().await?;
        let layout = Layout::of(self, &head.manifest).await?;
        let mut sizes = HashMap::new();
        for mention in &layout.mentions {
            if !sizes.contains_key(&mention.name) {
                let bytes = self.store.len(&self.table, &mention.name).await?;
                sizes.insert(mention.name.clone(), (mention.rows, bytes.unwrap_or(0)));
            }
        }
        let before = figures(&head.manifest, &layout, &sizes);
        // What comes into view between edges lies in deltas; bases are read for the state at an edge.
        let deltas = layout.mentions.iter().filter(|mention| !mention.is_base);
        let rows: HashMap<&str, u64> = deltas.map(|m| (m.name.as_str(), m.rows)).collect();
        progress.begin(rows.into_values().sum());
        let segment_by = options.segment_by.unwrap_or_else(|| head.json.segment_by());
        let mut work = Compaction {
            writer: self,
            columns: head.manifest.schema.columns().to_vec(),
            segment_by,
            options,
            head: &head,
            sizes: &mut sizes,
            segments: Vec::new(),
            new_files: Vec::new(),
            files_kept: 0,
            segments_kept: 0,
            progress,
        };
        let done = work.run(&layout).await;
        let Compaction {
            segments,
            new_files,
            files_kept,
            segments_kept,
            ..
        } = work;
        if let Err(e) = done {
            self.remove(names_of(&new_files)).await;
            return Err(e);
        }
        let mut json = head.json.clone();
        let changes = *json.segments_mut() != segments;
        json.segments_mut().clone_from(&segments);
        let (_, manifest) = SnapshotJson::parse(&json.to_bytes()?)?;
        let mut compacted = Compacted {
            version: None,
            changes,
            appends_meanwhile: 0,
            before,
            after: if changes {
                figures(&manifest, &layout, &sizes)
            } else {
                before
            },
            files_written: new_files.len(),
            files_kept,
            segments_of_other_policy: if segment_by == head.json.segment_by() {
                0
            } else {
                segments_kept
            },
        };
        if !changes || options.dry_run {
            return Ok(Some(compacted));
        }
        json.set_field("segment_by", json!(segment_by.to_string()));
        let rows = compacted.after.rows;
        match self.commit_rebased(head, json, rows, &new_files).await? {
            Rebased::Made { version, appends } => {
                compacted.version = Some(version);
                compacted.appends_meanwhile = appends;
                Ok(Some(compacted))
            }
            Rebased::Overtaken => Ok(None),
        }
    }
}
