//! Looking for what is wrong with a table: its metadata, and its rows.

use std::collections::{HashMap, HashSet};
use std::fmt;

use arrow::array::{Array, RecordBatch};
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::event_time::{AsOf, EventTime};
use crate::format::{
    Column, DataType, FileName, Manifest, VERSION_BYTES_AT_MOST, VERSION_FILE, Version,
};
use crate::text::counted;

use super::commit::TableWriter;
use super::layout::{Layout, events};
use super::place::is_late_segment;
use super::snapshot_json::{time, time_in};
use super::versions::{is_data_file, is_left_over};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Note,
    /// Reads work, and may surprise.
    Warning,
    /// Some read fails, or answers what nobody meant.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The file, and the JSON path or the row in it.
    pub place: String,
    /// What it is.
    pub message: String,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// The version that was looked at; none where there is none to look at.
    pub version: Option<Version>,
    /// The findings, the metadata's first.
    pub findings: Vec<Finding>,
    /// The version to which an interrupted commit was rolled forward.
    pub repaired: Option<Version>,
}

impl Checked {
    /// True where nothing is worse than a note.
    pub fn is_clean(&self) -> bool {
        self.findings.iter().all(|f| f.severity == Severity::Note)
    }

    fn add(&mut self, severity: Severity, place: impl Into<String>, message: impl Into<String>) {
        self.findings.push(Finding {
            severity,
            place: place.into(),
            message: message.into(),
        });
    }

    /// A fault that a read would end with.
    fn add_fault(&mut self, file: &str, e: &Error) {
        let place = e.place().unwrap_or_else(|| file.to_owned());
        self.add(Severity::Error, place, e.message());
    }
}

impl TableWriter {
    /// Checks the metadata and that all files are there and open; with `deep`, every row too. `repair` rolls an
    /// interrupted commit forward first. The error is that the check itself could not be done.
    pub async fn check(&self, deep: bool, repair: bool) -> Result<Checked> {
        self.try_check(deep, repair)
            .await
            .map_err(|e| self.place(e))
    }

    async fn try_check(&self, deep: bool, repair: bool) -> Result<Checked> {
        let mut checked = Checked::default();
        if repair && let Some((version, true)) = self.roll_forward().await? {
            checked.repaired = Some(version);
        }
        let Some(version) = self.check_version(&mut checked).await? else {
            return Ok(checked);
        };
        checked.version = Some(version);
        let file = version.manifest_file();
        let (json, manifest) = match self.snapshot_of(version).await {
            Ok(Some(found)) => found,
            Ok(None) => {
                checked.add(Severity::Error, file, "the snapshot file is missing");
                return Ok(checked);
            }
            Err(e) if e.kind() == ErrorKind::Manifest => {
                checked.add_fault(&file, &e);
                return Ok(checked);
            }
            Err(e) => return Err(e),
        };
        check_schema(&file, &manifest, &mut checked);
        if let Some(segments) = json.field("segments").and_then(Value::as_array) {
            check_segments(&file, "segments", segments, None, &mut checked);
        }
        if !manifest.segments.is_empty() && !manifest.has_open_segment() {
            let message = "no segment is open, so there is no current state";
            checked.add(Severity::Note, &file, message);
        }
        let sound = self.check_files(&manifest, &mut checked).await?;
        if deep {
            self.check_rows(&manifest, &sound, &mut checked).await?;
            if sound.len() == names(&manifest).len() {
                self.check_edges(&manifest, &mut checked).await?;
            }
        }
        Ok(checked)
    }

    async fn check_version(&self, checked: &mut Checked) -> Result<Option<Version>> {
        let read = self
            .store
            .read_small(&self.table, VERSION_FILE, VERSION_BYTES_AT_MOST);
        let bytes = read.await?;
        let Some(bytes) = bytes else {
            let first = Version(1).manifest_file();
            if self.store.len(&self.table, &first).await?.is_some() {
                let message = "it is missing, though version 1 is there: the table's creation was interrupted; --repair finishes it";
                checked.add(Severity::Error, VERSION_FILE, message);
                return Ok(None);
            }
            return Err(Error::new(
                ErrorKind::TableNotFound,
                "there is no such table",
            ));
        };
        let version = match Version::parse(&bytes) {
            Ok(version) => version,
            Err(e) => {
                checked.add(Severity::Error, VERSION_FILE, e);
                return Ok(None);
            }
        };
        if bytes.iter().any(u8::is_ascii_whitespace) {
            let message =
                "white space stands around the version, which the reference reader does not take";
            checked.add(Severity::Warning, VERSION_FILE, message);
        }
        let next = Version(version.0.saturating_add(1)).manifest_file();
        if self.store.len(&self.table, &next).await?.is_some() {
            let message = format!(
                "it names {version}, though {next} is there: a commit was interrupted; --repair rolls it forward"
            );
            checked.add(Severity::Error, VERSION_FILE, message);
        }
        Ok(Some(version))
    }

    /// Finds missing, broken and unreferenced files; answers those that open.
    async fn check_files(&self, manifest: &Manifest, checked: &mut Checked) -> Result<Vec<String>> {
        let mut sound = Vec::new();
        let names = names(manifest);
        for name in &names {
            match self.reader.open(&self.store, &self.table, name).await {
                Ok(file) => {
                    sound.push(name.clone());
                    for column in manifest.schema.columns() {
                        if !file.has_column(column.stored_name()) && column.stored_as.is_none() {
                            let message = format!(
                                "it has no column '{}', which reads as null",
                                column.stored_name()
                            );
                            checked.add(Severity::Note, name, message);
                        }
                    }
                }
                Err(e) if e.kind() == ErrorKind::DataFile => checked.add_fault(name, &e),
                Err(e) => return Err(e),
            }
        }
        // A store that cannot list has no unreferenced files to be told of.
        let Ok(files) = self.store.files(&self.table).await else {
            return Ok(sound);
        };
        let mut named: HashSet<String> = names.into_iter().collect();
        for file in &files {
            let version = file
                .name
                .strip_prefix('s')
                .and_then(|n| n.strip_suffix(".json"));
            let version = version.and_then(|n| Version::parse(n.as_bytes()).ok());
            if let Some(version) = version
                && let Ok(Some((_, manifest))) = self.snapshot_of(version).await
            {
                named.extend(manifest.files().map(ToString::to_string));
            }
        }
        for file in files {
            let is_forgotten = is_data_file(&file.name) && !named.contains(&file.name);
            if is_forgotten || is_left_over(&file.name) {
                let message = "no version names it; azof-tui vacuum takes it away";
                checked.add(Severity::Note, file.name, message);
            }
        }
        Ok(sound)
    }

    /// Looks at every row of every file that opens.
    async fn check_rows(
        &self,
        manifest: &Manifest,
        sound: &[String],
        checked: &mut Checked,
    ) -> Result<()> {
        let columns = manifest.schema.columns();
        let mut nulls = vec![(0, 0); columns.len()];
        for name in sound {
            let rows = match self.rows_of_file(name, columns).await {
                Ok(rows) => rows,
                Err(e) if e.kind() == ErrorKind::DataFile => {
                    checked.add_fault(name, &e);
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
        Ok(())
    }

    /// Looks at every moment at which files come or go: what is seen before it should be seen after it.
    async fn check_edges(&self, manifest: &Manifest, checked: &mut Checked) -> Result<()> {
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

fn names(manifest: &Manifest) -> Vec<String> {
    let mut names: Vec<String> = manifest.files().map(FileName::to_string).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn check_schema(file: &str, manifest: &Manifest, checked: &mut Checked) {
    for (i, column) in manifest.schema.columns().iter().enumerate() {
        let place = format!("{file}, schema.columns[{i}]");
        if column.data_type == DataType::Float {
            let message = "Float is an extension, which the reference reader does not know";
            checked.add(Severity::Note, &place, message);
        }
        if column.stored_as.is_some() {
            let message = format!(
                "data files call it '{}': the reference reader does not find it",
                column.stored_name()
            );
            checked.add(Severity::Note, &place, message);
        }
    }
}

/// The bounds of a segment, milliseconds; the far future where it is open.
fn bounds(segment: &Value) -> Option<(i64, i64)> {
    let start = time_in(segment, "start")?;
    Some((start, time_in(segment, "end").unwrap_or(i64::MAX)))
}

fn check_segments(
    file: &str,
    path: &str,
    segments: &[Value],
    around: Option<(i64, i64)>,
    checked: &mut Checked,
) {
    let has_base = |s: &Value| s.get("file").is_some_and(Value::is_string);
    let mut ids: HashSet<&str> = HashSet::new();
    for (i, segment) in segments.iter().enumerate() {
        let place = format!("{file}, {path}[{i}]");
        let Some((start, end)) = bounds(segment) else {
            continue;
        };
        if let Some(id) = segment.get("id").and_then(Value::as_str)
            && !ids.insert(id)
        {
            let message = format!("another segment beside it has the id '{id}' too");
            checked.add(Severity::Warning, &place, message);
        }
        if let Some((outer_start, outer_end)) = around
            && (start < outer_start || end > outer_end)
        {
            let message = "it reaches beyond the segment that holds it, and is not seen there";
            checked.add(Severity::Warning, &place, message);
        }
        let deltas = segment.get("delta").and_then(Value::as_array);
        for (d, delta) in deltas.into_iter().flatten().enumerate() {
            if let Some((from, to)) = bounds(delta)
                && !is_late_segment(segment)
                && (from < start || time_in(delta, "end").is_some() && to > end)
            {
                let message = format!(
                    "its range {} to {} reaches beyond its segment's",
                    time(from),
                    time_in(delta, "end").map_or("(open)".to_owned(), time)
                );
                checked.add(Severity::Warning, format!("{place}.delta[{d}]"), message);
            }
        }
        if let Some(children) = segment.get("segments").and_then(Value::as_array) {
            let path = format!("{path}[{i}].segments");
            check_segments(file, &path, children, Some((start, end)), checked);
        }
    }
    // Segments without a base lie over each other where an append has opened them; two bases should not.
    let mut based: Vec<(i64, i64, usize)> = segments
        .iter()
        .enumerate()
        .filter(|(_, s)| has_base(s))
        .filter_map(|(i, s)| bounds(s).map(|(start, end)| (start, end, i)))
        .collect();
    based.sort_unstable();
    for pair in based.windows(2) {
        if pair[1].0 <= pair[0].1 {
            let message = format!(
                "it overlaps {path}[{}] from {} on, and both have a base",
                pair[0].2,
                time(pair[1].0)
            );
            checked.add(
                Severity::Warning,
                format!("{file}, {path}[{}]", pair[1].2),
                message,
            );
        }
    }
    if around.is_none() {
        check_gaps(file, path, segments, checked);
    }
}

/// Stretches between segments that none covers.
fn check_gaps(file: &str, path: &str, segments: &[Value], checked: &mut Checked) {
    let mut all: Vec<(i64, i64, usize)> = segments
        .iter()
        .enumerate()
        .filter(|(_, s)| !is_late_segment(s))
        .filter_map(|(i, s)| bounds(s).map(|(start, end)| (start, end, i)))
        .collect();
    all.sort_unstable();
    let mut covered: Option<i64> = None;
    for (start, end, i) in all {
        if let Some(until) = covered
            && until.checked_add(1).is_some_and(|next| start > next)
        {
            let message = format!(
                "no segment covers {} to {}: reads there find nothing",
                time(until + 1),
                time(start - 1)
            );
            checked.add(Severity::Warning, format!("{file}, {path}[{i}]"), message);
        }
        covered = covered.max(Some(end));
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
            "{} repeat the key and event time of another, such as row {row} ('{key}'): the earlier one wins",
            counted(count, "row")
        );
        checked.add(Severity::Warning, name, message);
    }
    if let (count, Some((row, key))) = late {
        let message = format!(
            "{} stand behind older ones of their key, such as row {row} ('{key}'): the reference reader takes the older",
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
