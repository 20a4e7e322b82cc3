//! Rows out of the program, in every format, to standard output or a file.

use std::io::{self, BufWriter, IsTerminal, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::error::{Error, ErrorKind, Result};
use crate::export::{Existing, RowFormat, Stop, write_file};

use super::args::{Format, Output};
use super::table_format::{LongCells, write_table};

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
    let long_cells = if output.output.is_none() && io::stdout().is_terminal() {
        LongCells::Cut
    } else {
        LongCells::Whole
    };
    write_to(output, |out| {
        write_format(output.format, out, schema, &mut counted, long_cells)
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
        Some(path) => write_file(path, Existing::Replace, write),
    };
    let place = || {
        output
            .output
            .as_ref()
            .map_or("standard output".to_owned(), |p| p.display().to_string())
    };
    match done {
        Ok(()) | Err(Stop::PipeClosed) => Ok(()),
        Err(stop) => Err(stop.into_error(&place())),
    }
}

fn write_format(
    format: Format,
    out: &mut (dyn Write + Send),
    schema: &SchemaRef,
    batches: &mut dyn Iterator<Item = Result<RecordBatch, Stop>>,
    long_cells: LongCells,
) -> Result<(), Stop> {
    let format = match format {
        Format::Table => {
            write_table(out, schema, batches, long_cells)?;
            return out.flush().map_err(Stop::from);
        }
        Format::Csv => RowFormat::Csv,
        Format::Json => RowFormat::Json,
        Format::Ndjson => RowFormat::Ndjson,
        Format::Parquet => RowFormat::Parquet,
        Format::Arrow => RowFormat::Arrow,
    };
    crate::export::write_format(format, out, schema, batches)
}
