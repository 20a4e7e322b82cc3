//! Rows out of the program, in every format, to standard output or a file.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StringArray, StructArray,
};
use arrow::datatypes::{
    DataType, Field, Fields, Schema as ArrowSchema, SchemaRef, TimeUnit, TimestampMillisecondType,
    TimestampNanosecondType,
};
use arrow::ipc::writer::StreamWriter;
use arrow::json::writer::{
    JsonArray, JsonFormat, LineDelimited, Writer as JsonWriter, WriterBuilder as JsonBuilder,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use crate::error::{Error, ErrorKind, Result};
use crate::event_time::EventTime;

use super::args::{Format, Output};
use super::table_format::write_table;

/// Why writing stopped.
pub(super) enum Stop {
    /// The reader of our pipe has seen enough.
    PipeClosed,
    Fault(String),
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

/// Writes rows as asked. A file appears whole or not at all; a closed pipe ends the writing quietly.
pub(super) fn write_rows(
    output: &Output,
    schema: &SchemaRef,
    batches: &[RecordBatch],
) -> Result<()> {
    write_stream(output, schema, batches.iter().cloned().map(Ok)).map(|_| ())
}

/// Writes rows as they come; answers how many they were. One that is an error ends the writing, and is the error.
pub(super) fn write_stream(
    output: &Output,
    schema: &SchemaRef,
    batches: impl Iterator<Item = Result<RecordBatch>>,
) -> Result<usize> {
    if output.output.is_none()
        && io::stdout().is_terminal()
        && matches!(output.format, Format::Parquet | Format::Arrow)
    {
        return Err(
            Error::new(ErrorKind::Usage, "this format is not for a terminal")
                .hint("write it to a file with --output FILE, or pipe it"),
        );
    }
    let mut rows = 0;
    let mut counted = batches.map(|batch| {
        if let Ok(batch) = &batch {
            rows += batch.num_rows();
        }
        batch.map_err(Stop::Own)
    });
    write_to(output, |out| {
        write_format(output.format, out, schema, &mut counted)
    })?;
    Ok(rows)
}

/// Writes a text as it is.
pub(super) fn write_text(output: &Output, text: &str) -> Result<()> {
    write_to(output, |out| Ok(out.write_all(text.as_bytes())?))
}

fn write_to(
    output: &Output,
    write: impl FnOnce(&mut (dyn Write + Send)) -> Result<(), Stop>,
) -> Result<()> {
    let done = match &output.output {
        None => {
            let mut out = BufWriter::new(io::stdout());
            write(&mut out).and_then(|()| Ok(out.flush()?))
        }
        Some(path) => write_file(path, write),
    };
    let place = || {
        output
            .output
            .as_ref()
            .map_or("standard output".to_owned(), |p| p.display().to_string())
    };
    match done {
        Ok(()) | Err(Stop::PipeClosed) => Ok(()),
        Err(Stop::Own(e)) => Err(e),
        Err(Stop::Fault(e)) => Err(Error::new(
            ErrorKind::Output,
            format!("cannot write to {}: {e}", place()),
        )),
    }
}

fn write_file(
    path: &Path,
    write: impl FnOnce(&mut (dyn Write + Send)) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut partial = path.file_name().unwrap_or_default().to_owned();
    partial.push(".partial");
    let partial: PathBuf = path.with_file_name(partial);
    let written = File::create(&partial).map_err(Stop::from).and_then(|file| {
        let mut out = BufWriter::new(file);
        write(&mut out)?;
        out.into_inner()
            .map_err(|e| Stop::from(e.into_error()))?
            .sync_all()?;
        Ok(fs::rename(&partial, path)?)
    });
    if written.is_err() {
        // The error that is reported is the first one.
        let _ = fs::remove_file(&partial);
    }
    written
}

/// A batch with its times as the text that CSV and JSON show: Arrow's own writers know no zone by name, and stop at a
/// time beyond the calendar. In CSV, what is nested is text too.
fn as_text(batch: &RecordBatch, format: Format) -> Result<RecordBatch, Stop> {
    let schema = batch.schema();
    let text = |array: &ArrayRef| {
        if format == Format::Csv && array.data_type().is_nested() {
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

fn write_format(
    format: Format,
    out: &mut (dyn Write + Send),
    schema: &SchemaRef,
    batches: &mut dyn Iterator<Item = Result<RecordBatch, Stop>>,
) -> Result<(), Stop> {
    match format {
        Format::Table => write_table(out, schema, batches)?,
        Format::Csv => {
            let mut writer = arrow::csv::WriterBuilder::new()
                .with_header(true)
                .build(&mut *out);
            let empty = RecordBatch::new_empty(SchemaRef::clone(schema));
            for batch in std::iter::once(Ok(empty)).chain(batches) {
                writer.write(&as_text(&batch?, format)?).map_err(stop)?;
            }
        }
        Format::Json => {
            write_json::<JsonArray>(out, batches)?;
            writeln!(out)?;
        }
        Format::Ndjson => write_json::<LineDelimited>(out, batches)?,
        Format::Parquet => {
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
        Format::Arrow => {
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
    let builder = JsonBuilder::new().with_explicit_nulls(true);
    let mut writer: JsonWriter<_, F> = builder.build(out);
    for batch in batches {
        let batch = as_text(&batch?, Format::Json)?;
        writer.write(&batch).map_err(stop)?;
    }
    writer.finish().map_err(stop)
}
