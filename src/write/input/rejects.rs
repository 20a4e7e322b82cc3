//! Rows that are refused: an error, or put aside whole, as they stood in the input.

use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMillisecondType};
use serde_json::{Map, Number, Value};
use tempfile::NamedTempFile;

use crate::error::{Error, ErrorKind, Result};
use crate::event_time::EventTime;
use crate::export::float_name;

/// How the input spells a row, so that one that was read already can be put aside like those that could not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::write) enum RowForm {
    /// A field a column: the input's name of each, and its place in a batch of rows.
    Fields(Vec<(String, usize)>),
    /// An object, with the same.
    Object(Vec<(String, usize)>),
}

impl RowForm {
    /// The names of what is put down of a row.
    fn names(&self) -> Vec<&str> {
        match self {
            Self::Fields(fields) => fields.iter().map(|(name, _)| name.as_str()).collect(),
            Self::Object(_) => vec!["row"],
        }
    }

    fn spell(&self, batch: &RecordBatch, row: usize) -> Vec<Vec<u8>> {
        let value = |at: usize| json_of(batch.column(at), row);
        match self {
            Self::Fields(fields) => {
                let values = fields.iter().map(|(_, at)| value(*at));
                values.map(|value| text_of(&value).into_bytes()).collect()
            }
            Self::Object(fields) => {
                let values = fields.iter().map(|(name, at)| (name.clone(), value(*at)));
                let object = Value::Object(values.collect::<Map<_, _>>());
                vec![object.to_string().into_bytes()]
            }
        }
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A value of a column of a table.
fn json_of(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    if let Some(texts) = array.as_string_opt::<i32>() {
        return texts.value(row).into();
    }
    if let Some(ints) = array.as_primitive_opt::<Int64Type>() {
        return ints.value(row).into();
    }
    if let Some(floats) = array.as_primitive_opt::<Float64Type>() {
        let value = floats.value(row);
        return Number::from_f64(value).map_or_else(|| float_name(value).into(), Value::Number);
    }
    if let Some(times) = array.as_primitive_opt::<TimestampMillisecondType>() {
        return EventTime::from_ms(times.value(row)).to_string().into();
    }
    let boolean = array.as_boolean_opt();
    boolean.map_or(Value::Null, |values| values.value(row).into())
}

/// The writer looks through the rest of a field for quotes as often as its buffer is full, so a large buffer keeps a
/// field of megabytes from taking forever.
const BUFFER_BYTES: usize = 1 << 20;

/// The rows that were refused.
pub(in crate::write) struct Rejects {
    /// Under another name until all of them are there: a program that is stopped leaves no file in the way of the next.
    to: Option<(csv::Writer<NamedTempFile>, PathBuf)>,
    form: RowForm,
    count: u64,
}

impl Rejects {
    /// Without a file, the first refused row is an error.
    pub(super) fn open(path: Option<&PathBuf>, form: RowForm) -> Result<Self> {
        let open = |path: &PathBuf| {
            if path.symlink_metadata().is_ok() {
                return Err(is_there(path));
            }
            let file = unfinished(path).map_err(|e| cannot_write(path, &e))?;
            let mut writer = csv::WriterBuilder::new()
                .flexible(true)
                .buffer_capacity(BUFFER_BYTES)
                .from_writer(file);
            let names = ["line", "reason"].into_iter().chain(form.names());
            writer
                .write_record(names)
                .map_err(|e| cannot_write(path, &e))?;
            Ok::<_, Error>((writer, path.clone()))
        };
        Ok(Self {
            to: path.map(open).transpose()?,
            form,
            count: 0,
        })
    }

    /// Puts a row aside as it stood, byte by byte, or fails where nothing is put aside.
    pub(super) fn refuse(
        &mut self,
        line: u64,
        reason: &str,
        row: impl FnOnce(&RowForm) -> Vec<Vec<u8>>,
    ) -> Result<()> {
        let Some((writer, path)) = &mut self.to else {
            return Err(Error::new(ErrorKind::Usage, reason)
                .within(format!("line {line}"))
                .hint(
                    "correct it, or put such rows aside with --rejects FILE; nothing was appended",
                ));
        };
        self.count += 1;
        let mut record = vec![line.to_string().into_bytes(), reason.as_bytes().to_vec()];
        record.extend(row(&self.form));
        writer
            .write_record(&record)
            .map_err(|e| cannot_write(path, &e))
    }

    /// The same for a row that was read: of a batch with the key, the event time, then the value columns.
    pub(in crate::write) fn refuse_read(
        &mut self,
        line: u64,
        reason: &str,
        (batch, row): (&RecordBatch, usize),
    ) -> Result<()> {
        self.refuse(line, reason, |form| form.spell(batch, row))
    }

    /// Writes what is left, and gives the file its name.
    pub(in crate::write) fn finish(self) -> Result<u64> {
        if let Some((writer, path)) = self.to {
            let file = writer
                .into_inner()
                .map_err(|e| cannot_write(&path, e.error()))?;
            file.persist_noclobber(&path)
                .map_err(|e| match e.error.kind() {
                    std::io::ErrorKind::AlreadyExists => is_there(&path),
                    _ => cannot_write(&path, &e.error),
                })?;
        }
        Ok(self.count)
    }
}

/// A file in the folder of another, with the rights that one would have.
fn unfinished(path: &Path) -> std::io::Result<NamedTempFile> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".rejects-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder.unwrap_or(Path::new(".")))
}

/// One that is there may be the very input, or hold what was put aside before.
fn is_there(path: &Path) -> Error {
    Error::new(
        ErrorKind::Exists,
        format!("{} is there already", path.display()),
    )
    .hint("name another file for the refused rows, or move that one away; nothing was appended")
}

fn cannot_write(path: &Path, e: &impl std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::Output,
        format!("cannot write the refused rows to {}: {e}", path.display()),
    )
    .hint("--rejects names a file in a folder that can be written to; nothing was appended")
}
