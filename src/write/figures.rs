//! What a layout of a table costs: to read, at a random moment, and to store.

use std::collections::HashMap;

use crate::event_time::{AsOf, EventTime};
use crate::format::{FileName, Manifest, plan};

use super::layout::Layout;

/// What a layout costs.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LayoutFigures {
    /// Segments.
    pub segments: usize,
    /// Distinct data files.
    pub files: usize,
    /// Rows in them.
    pub rows: u64,
    /// Bytes of them; of files that are not written yet, an estimate by their rows.
    pub bytes: u64,
    /// Files that a read at a random moment between the first and the last event sees, on average.
    pub files_read: f64,
    /// Rows that it considers, on average.
    pub rows_read: f64,
}

/// What a layout costs; `layout` knows the event times of the table, and `sizes` the rows and bytes of files.
pub(super) fn figures(
    manifest: &Manifest,
    layout: &Layout,
    sizes: &HashMap<String, (u64, u64)>,
) -> LayoutFigures {
    let mut names: Vec<&str> = manifest.files().map(FileName::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let size = |name: &str| sizes.get(name).copied().unwrap_or((0, 0));
    let mut found = LayoutFigures {
        segments: manifest.segments.len(),
        files: names.len(),
        rows: names.iter().map(|n| size(n).0).sum(),
        bytes: names.iter().map(|n| size(n).1).sum(),
        ..LayoutFigures::default()
    };
    let times = layout.mentions.iter().filter_map(|m| m.event_times);
    let first = layout
        .mentions
        .iter()
        .filter_map(|m| Some(m.from.max(m.event_times?.0)))
        .min();
    let last = times.map(|(_, greatest)| greatest).max();
    let (Some(first), Some(last)) = (first, last) else {
        return found;
    };
    // Plans change where a file comes or goes.
    let mut edges = vec![first, last.max(first) + 1];
    for file in manifest.all_files() {
        let until = manifest.segments[file.segment].kept_until;
        let edge = [Some(file.visible_from.ms()), until.map(|u| u.ms() + 1)];
        edges.extend(
            edge.into_iter()
                .flatten()
                .filter(|e| (first..=last).contains(e)),
        );
    }
    edges.sort_unstable();
    edges.dedup();
    let (mut files, mut rows, mut length) = (0.0, 0.0, 0.0);
    for pair in edges.windows(2) {
        let share = (pair[1] - pair[0]) as f64;
        let plan = plan(manifest, AsOf::At(EventTime::from_ms(pair[0])));
        files += share * plan.files.len() as f64;
        let seen = plan.files.iter().map(|f| size(f.name.as_str()).0);
        rows += share * seen.sum::<u64>() as f64;
        length += share;
    }
    if length > 0.0 {
        found.files_read = files / length;
        found.rows_read = rows / length;
    }
    found
}
