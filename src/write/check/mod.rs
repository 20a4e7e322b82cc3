//! Looking for what is wrong with a table: its metadata, and its rows.

mod rows;
mod segments;

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::format::{
    DataType, FileName, MANIFEST_BYTES_AT_MOST, Manifest, VERSION_BYTES_AT_MOST, VERSION_FILE,
    Version,
};
use crate::text::counted;

use super::commit::TableWriter;
use super::snapshot_json::SnapshotJson;
use super::versions::{is_data_file, is_left_over};

use segments::{check_segments, take_out_broken};

/// What is said of a file that is named and not there.
const MISSING: &str = "the data file is missing";

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
        let (segments, manifest) = match self.snapshot_of(version).await {
            Ok(Some((json, manifest))) => (json.field("segments").cloned(), manifest),
            Ok(None) => {
                checked.add(Severity::Error, file, "the snapshot file is missing");
                return Ok(checked);
            }
            Err(e) if e.kind() == ErrorKind::Manifest => {
                match self.salvaged(&file, &e, &mut checked).await? {
                    Some(found) => found,
                    None => return Ok(checked),
                }
            }
            Err(e) => return Err(e),
        };
        check_schema(&file, &manifest, &mut checked);
        if let Some(Value::Array(segments)) = &segments {
            check_segments(&file, "segments", segments, None, &mut checked);
        }
        if !manifest.segments.is_empty() && !manifest.has_open_segment() {
            let message = "no segment is open, so there is no current state";
            checked.add(Severity::Note, &file, message);
        }
        let sound = self.check_files(&manifest, &mut checked).await?;
        if deep {
            self.check_rows(&manifest, &sound, &mut checked).await?;
            if sound.len() == manifest.distinct_files().len() {
                self.check_edges(&manifest, &mut checked).await?;
            }
        }
        Ok(checked)
    }

    /// The segments of a snapshot as they stand, and what it means without the segments and deltas that break a rule,
    /// each of which is a finding; `None` where nothing can be made of it.
    async fn salvaged(
        &self,
        file: &str,
        fault: &Error,
        checked: &mut Checked,
    ) -> Result<Option<(Option<Value>, Manifest)>> {
        let read = self
            .store
            .read_small(&self.table, file, MANIFEST_BYTES_AT_MOST);
        let mut json: Value = match read.await?.map(|bytes| serde_json::from_slice(&bytes)) {
            Some(Ok(json)) => json,
            _ => Value::Null,
        };
        let segments = json.get("segments").cloned();
        let before = checked.findings.len();
        let named = match json.get_mut("segments").and_then(Value::as_array_mut) {
            Some(segments) => take_out_broken(file, "segments", segments, checked),
            None => Vec::new(),
        };
        let found = SnapshotJson::parse(json.to_string().as_bytes());
        match &found {
            // What is wrong is not in a segment.
            _ if checked.findings.len() == before => checked.add_fault(file, fault),
            Err(e) => checked.add_fault(file, e),
            Ok(_) => {}
        }
        for name in named {
            if FileName::try_new(&name).is_ok()
                && self.store.len(&self.table, &name).await?.is_none()
            {
                checked.add(Severity::Error, name, MISSING);
            }
        }
        Ok(found.ok().map(|(_, manifest)| (segments, manifest)))
    }

    async fn check_version(&self, checked: &mut Checked) -> Result<Option<Version>> {
        let read = self
            .store
            .read_small(&self.table, VERSION_FILE, VERSION_BYTES_AT_MOST);
        let bytes = read.await?;
        let Some(bytes) = bytes else {
            let Some(newest) = self.newest_snapshot().await? else {
                return Err(Error::new(
                    ErrorKind::TableNotFound,
                    "there is no such table",
                ));
            };
            let first = Version(1).manifest_file();
            let next_step = if self.store.len(&self.table, &first).await?.is_some() {
                "--repair makes it".to_owned()
            } else {
                format!("write the number {newest} into it")
            };
            let message = format!(
                "it is missing, though {} is there, so nothing can be read: {next_step}",
                newest.manifest_file()
            );
            checked.add(Severity::Error, VERSION_FILE, message);
            return Ok(None);
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

    /// The newest version whose snapshot file is there, whatever `version.txt` says.
    async fn newest_snapshot(&self) -> Result<Option<Version>> {
        if let Ok(files) = self.store.files(&self.table).await {
            return Ok(files
                .iter()
                .filter_map(|f| Version::of_manifest_file(&f.name))
                .max());
        }
        // A store that cannot list, or a folder that is not there.
        let first = Version(1);
        let length = self.store.len(&self.table, &first.manifest_file()).await?;
        Ok(length.map(|_| first))
    }

    /// Finds missing, broken and unreferenced files; answers those that open.
    async fn check_files(&self, manifest: &Manifest, checked: &mut Checked) -> Result<Vec<String>> {
        let mut sound = Vec::new();
        let names = manifest.distinct_files();
        // A column that was added later is in none of the older files, however many there are.
        let mut lacking: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
        for name in &names {
            match self.reader.open(&self.store, &self.table, name).await {
                Ok(file) => {
                    sound.push((*name).to_owned());
                    for column in manifest.schema.columns() {
                        if !file.has_column(column.stored_name()) && column.stored_as.is_none() {
                            lacking.entry(column.stored_name()).or_insert((name, 0)).1 += 1;
                        }
                    }
                }
                Err(e) if e.kind() == ErrorKind::DataFile => checked.add_fault(name, &e),
                Err(e) => return Err(e),
            }
        }
        for (column, (name, count)) in lacking {
            let who = match count {
                1 => "it has".to_owned(),
                _ => format!("it and {} have", counted(count - 1, "other file")),
            };
            let message = format!("{who} no column '{column}', which reads as null");
            checked.add(Severity::Note, name, message);
        }
        // A store that cannot list has no unreferenced files to be told of.
        let Ok(files) = self.store.files(&self.table).await else {
            return Ok(sound);
        };
        let there: HashSet<&str> = files.iter().map(|f| f.name.as_str()).collect();
        let mut named: HashSet<String> = names.into_iter().map(str::to_owned).collect();
        let current = checked.version;
        for snapshot in &files {
            let version = Version::of_manifest_file(&snapshot.name)
                .filter(|version| Some(*version) != current);
            let Some(version) = version else {
                continue;
            };
            let found = match self.snapshot_of(version).await {
                Ok(found) => found,
                Err(e) if e.kind() == ErrorKind::Manifest => {
                    checked.add_fault(&snapshot.name, &e);
                    continue;
                }
                Err(e) => return Err(e),
            };
            for name in found.iter().flat_map(|(_, manifest)| manifest.files()) {
                // A file that several versions name is told once.
                if named.insert(name.to_string()) && !there.contains(name.as_str()) {
                    let message = format!("{MISSING}; {} names it", snapshot.name);
                    checked.add(Severity::Error, name.as_str(), message);
                }
            }
        }
        // A snapshot that is not understood may name what no other does.
        let is_all_known = !checked
            .findings
            .iter()
            .any(|f| f.severity == Severity::Error && f.place.contains(".json"));
        for file in &files {
            let is_forgotten =
                is_all_known && is_data_file(&file.name) && !named.contains(&file.name);
            if is_forgotten || is_left_over(&file.name) {
                let message = "no version names it; azof-tui vacuum takes it away";
                checked.add(Severity::Note, &file.name, message);
            }
        }
        Ok(sound)
    }
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
