//! Rows out of the program, in every format, to standard output or a file.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, StructArray};
use arrow::datatypes::{Field, Fields, SchemaRef, TimestampMillisecondType};
use arrow::ipc::writer::StreamWriter;
use arrow::json::writer::{
    JsonArray, JsonFormat, LineDelimited, Writer as JsonWriter, WriterBuilder as JsonBuilder,
};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use crate::error::{Error, ErrorKind, Result};
use crate::event_time::EventTime;

use super::args::{Format, Output};
use super::table_format::write_table;

/// Why writing stopped.
enum Stop {
    /// The reader of our pipe has seen enough.
    PipeClosed,
    Fault(String),
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
    if output.output.is_none()
        && io::stdout().is_terminal()
        && matches!(output.format, Format::Parquet | Format::Arrow)
    {
        return Err(
            Error::new(ErrorKind::Usage, "this format is not for a terminal")
                .hint("write it to a file with --output FILE, or pipe it"),
        );
    }
    write_to(output, |out| {
        write_format(output.format, out, schema, batches)
    })
}

/// Writes a text as it is.
pub(super) fn write_text(output: &Output, text: &str) -> Result<()> {
    write_to(output, |out| Ok(out.write_all(text.as_bytes())?))
}

fn write_to(output: &Output, write: impl FnOnce(&mut dyn Write) -> Result<(), Stop>) -> Result<()> {
    let done = match &output.output {
        None => {
            let mut out = BufWriter::new(io::stdout().lock());
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
        Err(Stop::Fault(e)) => Err(Error::new(
            ErrorKind::Output,
            format!("cannot write to {}: {e}", place()),
        )),
    }
}

fn write_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), Stop>,
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

/// The batches with their times as the text that CSV and JSON show: Arrow's own writers know no zone by name, and stop
/// at a time beyond the calendar.
fn with_times_as_text(batches: &[RecordBatch]) -> Result<Vec<RecordBatch>, Stop> {
    let as_text = |batch: &RecordBatch| {
        let schema = batch.schema();
        let columns = batch.columns().iter().zip(schema.fields());
        RecordBatch::try_from_iter_with_nullable(
            columns.map(|(array, field)| (field.name().clone(), time_as_text(array), true)),
        )
    };
    batches
        .iter()
        .map(as_text)
        .collect::<Result<_, _>>()
        .map_err(stop)
}

fn time_as_text(array: &ArrayRef) -> ArrayRef {
    if let Some(times) = array.as_primitive_opt::<TimestampMillisecondType>() {
        let texts = times
            .iter()
            .map(|ms| ms.map(|ms| EventTime::from_ms(ms).to_string()));
        return Arc::new(texts.collect::<StringArray>());
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

fn write_format(
    format: Format,
    out: &mut dyn Write,
    schema: &SchemaRef,
    batches: &[RecordBatch],
) -> Result<(), Stop> {
    match format {
        Format::Table => {
            let empty = [RecordBatch::new_empty(SchemaRef::clone(schema))];
            write_table(out, if batches.is_empty() { &empty } else { batches })?;
        }
        Format::Csv => {
            let mut writer = arrow::csv::WriterBuilder::new()
                .with_header(true)
                .build(&mut *out);
            let empty = [RecordBatch::new_empty(SchemaRef::clone(schema))];
            for batch in with_times_as_text(if batches.is_empty() { &empty } else { batches })? {
                writer.write(&batch).map_err(stop)?;
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
            let mut file = Vec::new();
            let mut writer =
                ArrowWriter::try_new(&mut file, SchemaRef::clone(schema), Some(properties))
                    .map_err(stop)?;
            for batch in batches {
                writer.write(batch).map_err(stop)?;
            }
            writer.close().map_err(stop)?;
            out.write_all(&file)?;
        }
        Format::Arrow => {
            let mut writer = StreamWriter::try_new(&mut *out, schema).map_err(stop)?;
            for batch in batches {
                writer.write(batch).map_err(stop)?;
            }
            writer.finish().map_err(stop)?;
        }
    }
    out.flush().map_err(Stop::from)
}

fn write_json<F: JsonFormat>(out: &mut dyn Write, batches: &[RecordBatch]) -> Result<(), Stop> {
    let builder = JsonBuilder::new().with_explicit_nulls(true);
    let mut writer: JsonWriter<_, F> = builder.build(out);
    for batch in with_times_as_text(batches)? {
        writer.write(&batch).map_err(stop)?;
    }
    writer.finish().map_err(stop)
}
