//! Rows into files of other programs: CSV, JSON, Parquet, Arrow.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StringArray, StructArray,
};
use arrow::datatypes::{
    DataType, Field, FieldRef, Fields, Float32Type, Float64Type, Schema as ArrowSchema, SchemaRef,
    TimeUnit, TimestampMillisecondType, TimestampNanosecondType,
};
use arrow::ipc::writer::StreamWriter;
use arrow::json::writer::NullableEncoder;
use arrow::json::writer::{
    JsonArray, JsonFormat, LineDelimited, Writer as JsonWriter, WriterBuilder as JsonBuilder,
};
use arrow::json::{Encoder, EncoderFactory, EncoderOptions};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use crate::error::{Error, ErrorKind, Result};
use crate::event_time::EventTime;

/// The form of rows in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowFormat {
    /// Comma-separated, with a header; nulls are empty.
    Csv,
    /// One array of objects.
    Json,
    /// An object a line.
    Ndjson,
    /// A Parquet file.
    Parquet,
    /// An Arrow IPC stream.
    Arrow,
}

impl RowFormat {
    /// The form that the end of a file's name stands for.
    pub fn of_name(name: &str) -> Option<Self> {
        let (_, end) = name.rsplit_once('.')?;
        match end.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "parquet" => Some(Self::Parquet),
            "arrow" | "arrows" => Some(Self::Arrow),
            _ => None,
        }
    }
}

/// What becomes of a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Existing {
    /// It stays, and nothing is written.
    Keep,
    /// The new one takes its place.
    Replace,
}

/// Why writing stopped.
#[derive(Debug)]
pub enum Stop {
    /// The reader of our pipe has seen enough.
    PipeClosed,
    /// It cannot be written, in words.
    Fault(String),
    /// The file is there already, and is to stay.
    Exists,
    /// There are no more rows, and this is why.
    Own(Error),
}

impl From<io::Error> for Stop {
    fn from(e: io::Error) -> Self {
        if e.kind() == io::ErrorKind::BrokenPipe {
            Self::PipeClosed
        } else {
            Self::Fault(e.to_string())
        }
    }
}

/// Writers of rows wrap the pipe's error in their own; the words are all that is left of it.
fn stop(e: impl std::fmt::Display) -> Stop {
    let text = e.to_string();
    if text.contains("Broken pipe") {
        Stop::PipeClosed
    } else {
        Stop::Fault(text)
    }
}

/// Writes rows to a file, which appears whole or not at all; answers how many they were. One that is an error ends the
/// writing, and is the error.
pub fn write_rows_to(
    path: &Path,
    existing: Existing,
    format: RowFormat,
    schema: &SchemaRef,
    batches: impl Iterator<Item = Result<RecordBatch>>,
) -> Result<usize> {
    let mut rows = 0;
    let mut counted = batches.map(|batch| {
        if let Ok(batch) = &batch {
            rows += batch.num_rows();
        }
        batch.map_err(Stop::Own)
    });
    let written = write_file(path, existing, |out| {
        write_format(format, out, schema, &mut counted)
    });
    match written {
        Ok(()) => Ok(rows),
        Err(stop) => Err(stop.into_error(&path.display().to_string())),
    }
}

impl Stop {
    /// The error of writing to a place.
    pub fn into_error(self, place: &str) -> Error {
        let cannot =
            |why: &str| Error::new(ErrorKind::Output, format!("cannot write to {place}: {why}"));
        match self {
            Self::Own(e) => e,
            Self::PipeClosed => cannot("its reader has closed it"),
            Self::Exists => Error::new(ErrorKind::Exists, format!("{place} is there already"))
                .hint("name another file"),
            Self::Fault(why) => cannot(&why),
        }
    }
}

/// Writes a file under a name of its own and gives it the wanted one once it is whole.
pub fn write_file(
    path: &Path,
    existing: Existing,
    write: impl FnOnce(&mut (dyn Write + Send)) -> Result<(), Stop>,
) -> Result<(), Stop> {
    if existing == Existing::Keep && path.symlink_metadata().is_ok() {
        return Err(Stop::Exists);
    }
    let mut partial = path.file_name().unwrap_or_default().to_owned();
    partial.push(".partial");
    let partial: PathBuf = path.with_file_name(partial);
    let written = File::create(&partial).map_err(Stop::from).and_then(|file| {
        let mut out = BufWriter::new(file);
        write(&mut out)?;
        out.into_inner()
            .map_err(|e| Stop::from(e.into_error()))?
            .sync_all()?;
        publish(&partial, path, existing)
    });
    if written.is_err() {
        // The error that is reported is the first one.
        let _ = fs::remove_file(&partial);
    }
    written
}

fn publish(partial: &Path, path: &Path, existing: Existing) -> Result<(), Stop> {
    if existing == Existing::Keep {
        // Another program may have made the file meanwhile; only one of the two makes it here.
        let reserved = OpenOptions::new().write(true).create_new(true).open(path);
        if let Err(e) = reserved {
            return Err(match e.kind() {
                io::ErrorKind::AlreadyExists => Stop::Exists,
                _ => Stop::from(e),
            });
        }
    }
    fs::rename(partial, path).map_err(|e| {
        if existing == Existing::Keep {
            // What holds the name is ours, and empty.
            let _ = fs::remove_file(path);
        }
        Stop::from(e)
    })
}

/// A batch with its times as the text that CSV and JSON show: Arrow's own writers know no zone by name, and stop at a
/// time beyond the calendar. In CSV, what is nested is text too.
fn as_text(batch: &RecordBatch, format: RowFormat) -> Result<RecordBatch, Stop> {
    let schema = batch.schema();
    let text = |array: &ArrayRef| {
        if format == RowFormat::Csv && array.data_type().is_nested() {
            nested_as_text(array)
        } else {
            Ok(time_as_text(array))
        }
    };
    let arrays = batch.columns().iter().map(text);
    let arrays: Vec<ArrayRef> = arrays.collect::<Result<_, _>>().map_err(stop)?;
    let fields = schema.fields().iter().zip(&arrays);
    let fields = fields.map(|(f, a)| Field::new(f.name(), a.data_type().clone(), true));
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let schema = ArrowSchema::new(fields.collect::<Vec<_>>());
    RecordBatch::try_new_with_options(Arc::new(schema), arrays, &options).map_err(stop)
}

fn nested_as_text(array: &ArrayRef) -> arrow::error::Result<ArrayRef> {
    let options = FormatOptions::default();
    let shown = ArrayFormatter::try_new(array, &options)?;
    let texts = (0..array.len()).map(|row| {
        let text = shown.value(row).to_string();
        array.is_valid(row).then_some(text)
    });
    Ok(Arc::new(texts.collect::<StringArray>()))
}

fn time_as_text(array: &ArrayRef) -> ArrayRef {
    if let Some(times) = array.as_primitive_opt::<TimestampMillisecondType>() {
        let texts = times
            .iter()
            .map(|ms| ms.map(|ms| EventTime::from_ms(ms).to_string()));
        return Arc::new(texts.collect::<StringArray>());
    }
    if let DataType::Timestamp(_, zone) = array.data_type() {
        return finer_time_as_text(array, zone.is_some());
    }
    if let Some(side) = array.as_struct_opt() {
        let columns: Vec<ArrayRef> = side.columns().iter().map(time_as_text).collect();
        let fields = side.fields().iter().zip(&columns);
        let fields: Fields = fields
            .map(|(f, a)| Field::new(f.name(), a.data_type().clone(), true))
            .collect();
        return Arc::new(StructArray::new(fields, columns, side.nulls().cloned()));
    }
    Arc::clone(array)
}

/// Times in another unit than the format's, with all their digits.
fn finer_time_as_text(array: &ArrayRef, zoned: bool) -> ArrayRef {
    let utc = DataType::Timestamp(TimeUnit::Nanosecond, None);
    let Ok(ns) = arrow::compute::cast(array, &utc) else {
        return Arc::clone(array);
    };
    let texts = ns
        .as_primitive::<TimestampNanosecondType>()
        .iter()
        .map(|ns| {
            let at = chrono::DateTime::from_timestamp_nanos(ns?);
            let zone = if zoned { "Z" } else { "" };
            Some(format!("{}{zone}", at.format("%Y-%m-%dT%H:%M:%S%.f")))
        });
    Arc::new(texts.collect::<StringArray>())
}

/// An object has a name once: of two columns of one name, a reader would see the second alone.
fn names_once(schema: &SchemaRef) -> Result<(), Stop> {
    let mut names = HashSet::new();
    let twice = schema.fields().iter().find(|f| !names.insert(f.name()));
    match twice {
        None => Ok(()),
        Some(field) => Err(Stop::Own(
            Error::new(
                ErrorKind::Output,
                format!(
                    "two columns are called '{}', which no JSON object holds",
                    field.name()
                ),
            )
            .hint("give them names of their own with AS"),
        )),
    }
}

/// Writes rows in a form. A batch that is an error ends the writing, and is the error.
pub fn write_format(
    format: RowFormat,
    out: &mut (dyn Write + Send),
    schema: &SchemaRef,
    batches: &mut dyn Iterator<Item = Result<RecordBatch, Stop>>,
) -> Result<(), Stop> {
    if matches!(format, RowFormat::Json | RowFormat::Ndjson) {
        names_once(schema)?;
    }
    match format {
        RowFormat::Csv => {
            let mut writer = arrow::csv::WriterBuilder::new()
                .with_header(true)
                .build(&mut *out);
            let empty = RecordBatch::new_empty(SchemaRef::clone(schema));
            for batch in std::iter::once(Ok(empty)).chain(batches) {
                writer.write(&as_text(&batch?, format)?).map_err(stop)?;
            }
        }
        RowFormat::Json => {
            write_json::<JsonArray>(out, batches)?;
            writeln!(out)?;
        }
        RowFormat::Ndjson => write_json::<LineDelimited>(out, batches)?,
        RowFormat::Parquet => {
            let properties = WriterProperties::builder()
                .set_compression(Compression::SNAPPY)
                .build();
            let writing =
                ArrowWriter::try_new(&mut *out, SchemaRef::clone(schema), Some(properties));
            let mut writer = writing.map_err(stop)?;
            for batch in batches {
                writer.write(&batch?).map_err(stop)?;
            }
            writer.close().map_err(stop)?;
        }
        RowFormat::Arrow => {
            let mut writer = StreamWriter::try_new(&mut *out, schema).map_err(stop)?;
            for batch in batches {
                writer.write(&batch?).map_err(stop)?;
            }
            writer.finish().map_err(stop)?;
        }
    }
    out.flush().map_err(Stop::from)
}

fn write_json<F: JsonFormat>(
    out: &mut (dyn Write + Send),
    batches: &mut dyn Iterator<Item = Result<RecordBatch, Stop>>,
) -> Result<(), Stop> {
    let builder = JsonBuilder::new()
        .with_explicit_nulls(true)
        .with_encoder_factory(Arc::new(NamedFloats));
    let mut writer: JsonWriter<_, F> = builder.build(out);
    for batch in batches {
        let batch = as_text(&batch?, RowFormat::Json)?;
        writer.write(&batch).map_err(stop)?;
    }
    writer.finish().map_err(stop)
}

/// What JSON calls a number that it has no digits for: `NaN`, `Infinity` or `-Infinity`.
///
/// As the JSON of protocol buffers spells them, in texts. A null would be another value when it is read back.
pub fn float_name(value: f64) -> &'static str {
    match value {
        v if v.is_nan() => "NaN",
        v if v > 0.0 => "Infinity",
        _ => "-Infinity",
    }
}

/// Floats in JSON, those that are no finite number by their names.
#[derive(Debug)]
struct NamedFloats;

impl EncoderFactory for NamedFloats {
    fn make_default_encoder<'a>(
        &self,
        _field: &'a FieldRef,
        array: &'a dyn Array,
        _options: &'a EncoderOptions,
    ) -> arrow::error::Result<Option<NullableEncoder<'a>>> {
        let encoder: Box<dyn Encoder + 'a> = match array.data_type() {
            DataType::Float64 => {
                let values = array.as_primitive::<Float64Type>().values();
                Box::new(FloatEncoder(values, |v: f64| v))
            }
            DataType::Float32 => {
                let values = array.as_primitive::<Float32Type>().values();
                Box::new(FloatEncoder(values, f64::from))
            }
            _ => return Ok(None),
        };
        Ok(Some(NullableEncoder::new(encoder, array.nulls().cloned())))
    }
}

/// Values, and how each widens.
struct FloatEncoder<'a, T>(&'a [T], fn(T) -> f64);

impl<T: Copy + serde::Serialize> Encoder for FloatEncoder<'_, T> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        let value = (self.1)(self.0[row]);
        if value.is_finite() {
            // A number into memory cannot fail.
            let _ = serde_json::to_writer(out, &self.0[row]);
        } else {
            out.extend_from_slice(format!("\"{}\"", float_name(value)).as_bytes());
        }
    }
}
