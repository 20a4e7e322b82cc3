//! Looking at every row: types, nulls, order, ranges, and what is seen before and after each edge.

use std::collections::{HashMap, HashSet};

use arrow::array::{Array, RecordBatch};

use crate::error::{ErrorKind, Result};
use crate::event_time::{AsOf, EventTime};
use crate::format::{Column, Manifest};
use crate::text::counted;
use crate::write::commit::TableWriter;
use crate::write::layout::{Layout, events};
use crate::write::snapshot_json::time;

use super::{Checked, Severity};

impl TableWriter {
    /// Looks at every row of every file that opens; false where some could not be read.
    pub(super) async fn check_rows(
        &self,
        manifest: &Manifest,
        sound: &[String],
        checked: &mut Checked,
    ) -> Result<bool> {
        let columns = manifest.schema.columns();
        let mut nulls = vec![(0, 0); columns.len()];
        let mut all_read = true;
        for name in sound {
            let rows = match self.rows_of_file(name, columns).await {
                Ok(rows) => rows,
                Err(e) if e.kind() == ErrorKind::DataFile => {
                    checked.add_fault(name, &e);
                    all_read = false;
                    continue;
                }
                Err(e) => return Err(e),
            };
            count_nulls(&rows, columns, &mut nulls);
            check_order(name, &rows, checked);
            check_ranges(name, &rows, manifest, checked);
        }
        for (i, (column, (nulls, files))) in columns.iter().zip(nulls).enumerate() {
            if nulls > 0 {
                let message = format!(
                    "column '{}' may not be null by the schema, and is in {} of {}",
                    column.name,
                    counted(nulls, "row"),
                    counted(files, "file")
                );
                let place = format!("schema.columns[{i}].nullable");
                checked.add(Severity::Warning, place, message);
            }
        }
        Ok(all_read)
    }

    /// Looks at every moment at which files come or go: what is seen before it should be seen after it.
    pub(super) async fn check_edges(
        &self,
        manifest: &Manifest,
        checked: &mut Checked,
    ) -> Result<()> {
        let columns = manifest.schema.columns();
        let layout = Layout::of(self, manifest).await?;
        for stretch in layout.stretches().iter().skip(1) {
            let edge = stretch.start;
            let at = |ms: i64| AsOf::At(EventTime::from_ms(ms));
            let is_kept = |moment: AsOf| manifest.segments.iter().any(|s| s.is_kept(moment));
            if !is_kept(at(edge)) || !is_kept(at(edge - 1)) {
                continue;
            }
            let before = self
                .state_before(manifest, columns, (edge, at(edge - 1)))
                .await?;
            // With the rows that are dated at the edge itself: a base need not hold what they replace.
            let after = self
                .state_before(manifest, columns, (edge.saturating_add(1), at(edge)))
                .await?;
            compare_states(edge, &before, &after, checked);
        }
        Ok(())
    }
}

/// Counts the nulls of a file in columns that may have none: nulls and files by column.
fn count_nulls(rows: &RecordBatch, columns: &[Column], found: &mut [(usize, usize)]) {
    let arrays = columns.iter().zip(rows.columns().iter().skip(2));
    for ((column, array), found) in arrays.zip(found) {
        if !column.nullable && array.null_count() > 0 {
            found.0 += array.null_count();
            found.1 += 1;
        }
    }
}

/// Within a file the newest row of a key should come first, and none twice.
fn check_order(name: &str, rows: &RecordBatch, checked: &mut Checked) {
    let (keys, times) = events(rows);
    let mut first: HashMap<&str, i64> = HashMap::new();
    let mut seen: HashSet<(&str, i64)> = HashSet::new();
    let (mut late, mut repeated) = ((0, None), (0, None));
    for (row, ms) in times.iter().enumerate() {
        let key = keys.value(row);
        if !seen.insert((key, *ms)) {
            repeated.0 += 1;
            repeated.1.get_or_insert((row, key));
        }
        if *first.entry(key).or_insert(*ms) < *ms {
            late.0 += 1;
            late.1.get_or_insert((row, key));
        }
    }
    if let (count, Some((row, key))) = repeated {
        let message = format!(
            "{} with the key and event time of another, such as row {row} ('{key}'): the earlier one wins",
            counted(count, "row")
        );
        checked.add(Severity::Warning, name, message);
    }
    if let (count, Some((row, key))) = late {
        let message = format!(
            "{} behind older ones of their key, such as row {row} ('{key}'): the reference reader takes the older",
            counted(count, "row")
        );
        checked.add(Severity::Warning, name, message);
    }
}

/// Rows of a delta should be dated within its range, and rows of a base before its segment's start.
fn check_ranges(name: &str, rows: &RecordBatch, manifest: &Manifest, checked: &mut Checked) {
    let (_, times) = events(rows);
    for segment in &manifest.segments {
        for delta in segment.deltas.iter().filter(|d| d.file.as_str() == name) {
            let (start, end) = (delta.start.ms(), delta.end.map_or(i64::MAX, EventTime::ms));
            let outside = times.iter().filter(|ms| **ms < start || **ms > end).count();
            if outside > 0 {
                let message = format!(
                    "{} of segment '{}' dated outside the delta's range {} to {}",
                    counted(outside, "row"),
                    segment.id,
                    delta.start,
                    delta.end.map_or("(open)".to_owned(), |end| end.to_string())
                );
                checked.add(Severity::Warning, name, message);
            }
        }
        if segment.base.as_ref().is_some_and(|b| b.as_str() == name) {
            let later = times.iter().filter(|ms| **ms > segment.start.ms()).count();
            if later > 0 {
                let message = format!(
                    "{} of the base of segment '{}' dated after its start {}",
                    counted(later, "row"),
                    segment.id,
                    segment.start
                );
                checked.add(Severity::Warning, name, message);
            }
        }
    }
}

/// Compares what is seen of the rows before an edge, just before and at it.
fn compare_states(edge: i64, before: &RecordBatch, after: &RecordBatch, checked: &mut Checked) {
    let place = format!("at {}", time(edge));
    let ((keys_a, times_a), (keys_b, times_b)) = (events(before), events(after));
    let (mut a, mut b) = (0, 0);
    // How many, and the first key, of: gone, come, gone back, come late, other values.
    let mut found: [(usize, Option<String>); 5] = Default::default();
    let mut count = |kind: usize, key: &str| {
        found[kind].0 += 1;
        found[kind].1.get_or_insert_with(|| key.to_owned());
    };
    while a < keys_a.len() || b < keys_b.len() {
        let (key_a, key_b) = (
            (a < keys_a.len()).then(|| keys_a.value(a)),
            (b < keys_b.len()).then(|| keys_b.value(b)),
        );
        match (key_a, key_b) {
            (Some(x), Some(y)) if x == y => {
                match times_a[a].cmp(&times_b[b]) {
                    _ if times_b[b] == edge => {}
                    std::cmp::Ordering::Greater => count(2, x),
                    std::cmp::Ordering::Less => count(3, x),
                    std::cmp::Ordering::Equal if before.slice(a, 1) != after.slice(b, 1) => {
                        count(4, x);
                    }
                    std::cmp::Ordering::Equal => {}
                }
                a += 1;
                b += 1;
            }
            (Some(x), y) if y.is_none_or(|y| x < y) => {
                count(0, x);
                a += 1;
            }
            (_, Some(y)) => {
                if times_b[b] != edge {
                    count(1, y);
                }
                b += 1;
            }
            _ => break,
        }
    }
    let said = [
        "keys vanish, for the files that begin here lack them",
        "keys come into sight with rows that are dated before, and were not seen then",
        "keys fall back to an older row",
        "keys jump to a row that is dated before, and was not seen then",
        "keys have other values at the same event time",
    ];
    for ((count, key), said) in found.into_iter().zip(said) {
        if let Some(key) = key {
            let message = format!("{said}: {}, such as '{key}'", counted(count, "key"));
            checked.add(Severity::Warning, &place, message);
        }
    }
}
