//! Looking for what is wrong with a table: its metadata, and its rows.

mod rows;
mod segments;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::format::{
    DataType, FileName, MANIFEST_BYTES_AT_MOST, Manifest, VERSION_BYTES_AT_MOST, VERSION_FILE,
    Version,
};
use crate::store::StoredFile;
use crate::text::{counted, thousands};

use super::commit::TableWriter;
use super::segment_by::SegmentBy;
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
        let place = e.place_in_table().unwrap_or_else(|| file.to_owned());
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
        if repair {
            self.repair(&mut checked).await?;
        }
        let Some(version) = self.check_version(&mut checked).await? else {
            return Ok(checked);
        };
        checked.version = Some(version);
        let file = version.manifest_file();
        let (segments, manifest) = match self.snapshot_of(version).await {
            Ok(Some((json, manifest))) => {
                check_policy(&file, &json, &mut checked);
                (json.field("segments").cloned(), manifest)
            }
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
        let noted = noted_in(&file, segments.as_ref());
        let sound = self.check_files(&manifest, noted, &mut checked).await?;
        if deep {
            let all_read = self.check_rows(&manifest, &sound, &mut checked).await?;
            if all_read && sound.len() == manifest.distinct_files().len() {
                match self.check_edges(&manifest, &mut checked).await {
                    Err(e) if e.kind() == ErrorKind::DataFile => checked.add_fault(&file, &e),
                    done => done?,
                }
            }
        }
        Ok(checked)
    }

    /// Rolls an interrupted commit forward. One that cannot be is a finding, and so is a `version.txt` that holds no version,
    /// which is written anew.
    async fn repair(&self, checked: &mut Checked) -> Result<()> {
        let rolled = match self.named_version().await {
            Err(e) if e.kind() == ErrorKind::Version => self.roll_forward_from(None).await,
            Err(e) => return Err(e),
            Ok(named) => self.roll_forward_from(named).await,
        };
        match rolled {
            Ok(Some((version, true))) => checked.repaired = Some(version),
            Ok(_) => {}
            Err(e) if matches!(e.kind(), ErrorKind::Manifest | ErrorKind::DataFile) => {
                let place = e.place_in_table().unwrap_or_default();
                checked.add(
                    Severity::Error,
                    place,
                    format!("not rolled forward: {}", e.message()),
                );
            }
            Err(e) => return Err(e),
        }
        Ok(())
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

    /// Finds missing, broken and unreferenced files, and those that are not as it was noted of them; answers those that open.
    async fn check_files(
        &self,
        manifest: &Manifest,
        mut noted: Vec<Noted>,
        checked: &mut Checked,
    ) -> Result<Vec<String>> {
        let mut sound = Vec::new();
        let mut rows: HashMap<&str, u64> = HashMap::new();
        let names = manifest.distinct_files();
        // A column that was added later is in none of the older files, however many there are.
        let mut lacking: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
        for name in &names {
            match self.reader.open(&self.store, &self.table, name).await {
                Ok(file) => {
                    sound.push((*name).to_owned());
                    rows.insert(name, file.rows() as u64);
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
            check_noted(&noted, &rows, &HashMap::new(), checked);
            return Ok(sound);
        };
        let bytes: HashMap<&str, u64> = files.iter().map(|f| (f.name.as_str(), f.bytes)).collect();
        check_beyond(&files, checked);
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
            if let Some((json, _)) = &found {
                noted.extend(noted_in(&snapshot.name, json.field("segments")));
            }
            for name in found.iter().flat_map(|(_, manifest)| manifest.files()) {
                // A file that several versions name is told once.
                if named.insert(name.to_string()) && !there.contains(name.as_str()) {
                    let message = format!("{MISSING}; {} names it", snapshot.name);
                    checked.add(Severity::Error, name.as_str(), message);
                }
            }
        }
        check_noted(&noted, &rows, &bytes, checked);
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

/// What a snapshot notes of a data file.
struct Noted {
    snapshot: String,
    file: String,
    rows: Option<u64>,
    bytes: Option<u64>,
}

/// What a snapshot notes of the files of its segments, at any depth.
fn noted_in(snapshot: &str, segments: Option<&Value>) -> Vec<Noted> {
    match segments {
        Some(Value::Array(items)) => {
            let items = items.iter().map(Some);
            items.flat_map(|item| noted_in(snapshot, item)).collect()
        }
        Some(Value::Object(fields)) => {
            let number = |name: &str| fields.get(name).and_then(Value::as_u64);
            let file = fields.get("file").and_then(Value::as_str);
            let own = file.map(|file| Noted {
                snapshot: snapshot.to_owned(),
                file: file.to_owned(),
                rows: number("rows"),
                bytes: number("bytes"),
            });
            let below = fields.values().flat_map(|v| noted_in(snapshot, Some(v)));
            own.into_iter().chain(below).collect()
        }
        _ => Vec::new(),
    }
}

/// Files should have as many rows and bytes as snapshots say. What several snapshots say of a file is told once.
fn check_noted(
    noted: &[Noted],
    rows: &HashMap<&str, u64>,
    bytes: &HashMap<&str, u64>,
    checked: &mut Checked,
) {
    let mut told: HashSet<(&str, &str)> = HashSet::new();
    for note in noted {
        let file = note.file.as_str();
        for (what, said, is) in [
            ("row", note.rows, rows.get(file)),
            ("byte", note.bytes, bytes.get(file)),
        ] {
            let (Some(said), Some(is)) = (said, is) else {
                continue;
            };
            if said != *is && told.insert((file, what)) {
                let message = format!(
                    "it has {}, and {} says {}",
                    counted(usize::try_from(*is).unwrap_or(usize::MAX), what),
                    note.snapshot,
                    thousands(i64::try_from(said).unwrap_or(i64::MAX))
                );
                checked.add(Severity::Error, file, message);
            }
        }
    }
}

/// Snapshots beyond a gap: whoever comes to the version before one would take it for a commit.
fn check_beyond(files: &[StoredFile], checked: &mut Checked) {
    let Some(mut newest) = checked.version else {
        return;
    };
    let versions = files.iter();
    let versions = versions.filter_map(|f| Version::of_manifest_file(&f.name));
    let versions: BTreeSet<Version> = versions.collect();
    while let Some(next) = newest.0.checked_add(1).map(Version)
        && versions.contains(&next)
    {
        newest = next;
    }
    for beyond in versions.iter().filter(|version| **version > newest) {
        let message = format!(
            "it stands beyond version {newest}, with none between: move it away, or a writer that comes so far takes it for what follows"
        );
        checked.add(Severity::Error, beyond.manifest_file(), message);
    }
}

/// The policy by which segments open should be one.
fn check_policy(file: &str, json: &SnapshotJson, checked: &mut Checked) {
    let policy = json.field("segment_by").and_then(Value::as_str);
    if let Some(Err(e)) = policy.map(SegmentBy::parse) {
        let message = format!("{e}: the next append takes {}", SegmentBy::default());
        checked.add(Severity::Warning, format!("{file}, segment_by"), message);
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
