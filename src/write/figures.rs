//! What a layout of a table costs: to read, at a random moment, and to store.

use std::collections::HashMap;

use crate::event_time::{AsOf, EventTime};
use crate::format::{Manifest, plan};
use crate::timeline::Density;

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
    /// Bytes of them; of files that are not written yet, what encoding their first row group gives.
    pub bytes: u64,
    /// Files that a read at a random moment sees, on average. Moments are drawn as rows are dated, so that times in
    /// which nothing happens weigh nothing.
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
    let names = manifest.distinct_files();
    let size = |name: &str| sizes.get(name).copied().unwrap_or((0, 0));
    let mut found = LayoutFigures {
        segments: manifest.segments.len(),
        files: names.len(),
        rows: names.iter().map(|n| size(n).0).sum(),
        bytes: names.iter().map(|n| size(n).1).sum(),
        ..LayoutFigures::default()
    };
    let density = density(layout);
    let Some((first, last)) = density.range() else {
        return found;
    };
    // Plans change where a file comes or goes.
    let mut edges = vec![first, last.saturating_add(1)];
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
    let (mut files, mut rows, mut events) = (0.0, 0.0, 0.0);
    for pair in edges.windows(2) {
        let share = density.changes_between(pair[0], pair[1]);
        let plan = plan(manifest, AsOf::At(EventTime::from_ms(pair[0])));
        files += share * plan.files.len() as f64;
        let seen = plan.files.iter().map(|f| size(f.name.as_str()).0);
        rows += share * seen.sum::<u64>() as f64;
        events += share;
    }
    if events > 0.0 {
        found.files_read = files / events;
        found.rows_read = rows / events;
    }
    found
}

/// When the rows of a table are dated, as its footers tell: those of its deltas, for a base says again what was there.
fn density(layout: &Layout) -> Density {
    let has_deltas = layout.mentions.iter().any(|m| !m.is_base && m.rows > 0);
    let mut density = Density::default();
    for (i, mention) in layout.mentions.iter().enumerate() {
        if let Some((least, greatest)) = mention.event_times
            && !(has_deltas && mention.is_base)
        {
            let rows = mention.rows as usize;
            density.estimate(i, rows, mention.from.max(least), mention.from.max(greatest));
        }
    }
    density
}
