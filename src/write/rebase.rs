//! A new layout of a table under the rows that others append while it is made.
//!
//! A compaction reads and writes for long, and every append meanwhile makes the version that it was to be. But it
//! answers at every moment as the version did that it began with; so what an append made of that version can be made
//! of the layout too, and answers as the append's version does. Whether a version is such an append is not believed
//! but tried: placing its files into the version before must give it, word for word.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::cancel::CancelToken;
use crate::error::Result;
use crate::format::{FileName, Version};
use crate::timeline::event_time_range;

use super::SegmentBy;
use super::commit::{Attempt, Head, TableWriter, Unnamed};
use super::place::{Bin, Written, is_late_segment};
use super::snapshot_json::{SnapshotJson, WrittenFile};

/// How often a layout is put under what came meanwhile. That takes a few small reads, and an append much more.
const REBASES_AT_MOST: usize = 32;

/// How the commit of a layout ended that did not fail.
pub(super) enum Rebased {
    Made {
        version: Version,
        /// Versions that came meanwhile, under whose rows the layout was put.
        appends: usize,
    },
    /// Some version that came meanwhile is more than an append, or they came too fast; nothing was committed.
    Overtaken,
}

impl TableWriter {
    /// Commits the snapshot of a layout that was made of `base`, under the rows that others appended since.
    pub(super) async fn commit_rebased(
        &self,
        mut base: Head,
        mut layout: SnapshotJson,
        rows: u64,
        new_files: &[WrittenFile],
    ) -> Result<Rebased> {
        let mut new_files = Unnamed::new(new_files);
        let mut appends = 0;
        for _ in 0..REBASES_AT_MOST {
            let what = ("compact", rows);
            let attempt = self.attempt(base.version, layout.clone(), what, &mut new_files);
            if let Attempt::Made(version) = attempt.await? {
                return Ok(Rebased::Made { version, appends });
            }
            match self.put_under(&mut base, &mut layout).await {
                Ok(Some(more)) => appends += more,
                Ok(None) => break,
                Err(e) => {
                    self.remove(new_files.names()).await;
                    return Err(e);
                }
            }
        }
        self.remove(new_files.names()).await;
        Ok(Rebased::Overtaken)
    }

    /// Makes of the layout what the versions after `base` made of it, which moves to the newest of them; answers how
    /// many they are, or `None` where one is more than an append.
    async fn put_under(&self, base: &mut Head, layout: &mut SnapshotJson) -> Result<Option<usize>> {
        let Some((newest, _)) = self.roll_forward().await? else {
            return Ok(None);
        };
        let first = base.version.0 + 1;
        for version in first..=newest.0 {
            let version = Version(version);
            let Some((json, manifest)) = self.snapshot_of(version).await? else {
                return Ok(None);
            };
            let next = Head {
                version,
                json,
                manifest,
            };
            let Some((written, segment_by)) = self.appended(base, &next).await? else {
                return Ok(None);
            };
            let (_, manifest) = SnapshotJson::parse(&layout.to_bytes()?)?;
            written.place_into(layout, &manifest, segment_by);
            // The later word on the policy is the append's, where it has one.
            if segment_by != base.json.segment_by() {
                layout.set_field("segment_by", json!(segment_by.to_string()));
            }
            *base = next;
        }
        Ok(Some((newest.0 + 1 - first) as usize))
    }

    /// The files that an append put into `next`, if that is all that makes it differ from the version before.
    async fn appended(&self, before: &Head, next: &Head) -> Result<Option<(Written, SegmentBy)>> {
        let held: HashSet<&FileName> = before.manifest.files().collect();
        let new: HashSet<&str> = next
            .manifest
            .files()
            .filter(|name| !held.contains(name))
            .map(FileName::as_str)
            .collect();
        let mut files: Vec<(Bin, WrittenFile)> = Vec::with_capacity(new.len());
        for (delta, is_late) in deltas(&next.json) {
            let number = |field: &str| delta.get(field).and_then(Value::as_u64);
            let name = delta.get("file").and_then(Value::as_str);
            let Some(name) = name.filter(|name| new.contains(name)) else {
                continue;
            };
            let (reader, cancel) = (&self.reader, CancelToken::default());
            let range = event_time_range(reader, &self.store, &self.table, name, &cancel).await?;
            let (Some(event_times), Some(rows), Some(bytes)) =
                (range, number("rows"), number("bytes"))
            else {
                return Ok(None);
            };
            let bin = if is_late {
                Bin::Late
            } else {
                Bin::Period(event_times.0)
            };
            let file = WrittenFile {
                name: name.to_owned(),
                rows,
                bytes,
                event_times,
            };
            files.push((bin, file));
        }
        // As an append writes them: the newest first, what is late last.
        files.sort_by_key(|(bin, file)| (*bin == Bin::Late, std::cmp::Reverse(file.event_times)));
        let written = Written {
            files,
            ..Written::default()
        };
        let segment_by = next.json.segment_by();
        let mut made = before.json.clone();
        written.place_into(&mut made, &before.manifest, segment_by);
        for field in ["commit", "segment_by"] {
            if let Some(value) = next.json.field(field) {
                made.set_field(field, value.clone());
            }
        }
        Ok((made == next.json).then_some((written, segment_by)))
    }
}

/// The deltas of the top-level segments, and whether they are late rows.
fn deltas(json: &SnapshotJson) -> impl Iterator<Item = (&Value, bool)> {
    let segments = json.field("segments").and_then(Value::as_array);
    segments.into_iter().flatten().flat_map(|segment| {
        let deltas = segment.get("delta").and_then(Value::as_array);
        let is_late = is_late_segment(segment);
        deltas
            .into_iter()
            .flatten()
            .map(move |delta| (delta, is_late))
    })
}
