//! Rows that come in: `create --like`, and `append`.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use crate::cli::say;
use crate::cli::write_args::InputArgs;
use crate::error::{Error, ErrorKind, Result};
use crate::lakehouse::Lakehouse;
use crate::text::{counted, thousands};
use crate::write::{
    Input, InputFormat, InputOptions, ParquetRows, SegmentBy, infer_columns, parse_columns,
    parse_schema,
};

use super::progress::telling;

/// Makes a table of the columns that are given, listed in a schema file, or guessed from a file like those to come.
pub(super) async fn create(
    lake: &Lakehouse,
    table: &str,
    (columns, schema, like): (Option<String>, Option<PathBuf>, Option<PathBuf>),
    input: &InputArgs,
    segments: SegmentBy,
) -> Result<()> {
    let columns =
        match (columns, schema, like) {
            (Some(columns), ..) => parse_columns(&columns)?,
            (_, Some(file), _) => {
                let text = std::fs::read(&file).map_err(|e| cannot_read(&file, &e))?;
                parse_schema(&text).map_err(|e| e.in_file(&file.display().to_string()))?
            }
            (_, _, Some(file)) => {
                let options = options_of(input, true, None);
                infer_columns(open(&file, input)?.0, &options)
                    .map_err(|e| e.in_file(&file.display().to_string()))?
            }
            _ => {
                return Err(Error::new(ErrorKind::Usage, "the columns are missing").hint(
                "name them with --columns price:Float,sold:Int, --schema FILE or --like FILE",
            ));
            }
        };
    let version = lake.writer(table).create(&columns, segments).await?;
    let named: Vec<String> = columns
        .iter()
        .map(|c| format!("{}:{}", c.name, c.data_type))
        .collect();
    say(&format!(
        "made table '{table}', version {version}: {}",
        named.join(",")
    ));
    Ok(())
}

pub(super) async fn append(
    lake: &Lakehouse,
    table: &str,
    file: &Path,
    (input, options): (&InputArgs, &InputOptions),
    segments: Option<SegmentBy>,
) -> Result<()> {
    let (rows, length) = open(file, input)?;
    let progress = Arc::default();
    let started = Instant::now();
    let writer = lake.writer(table);
    let work = writer.append(rows, options, segments, &progress);
    let appended = Box::pin(telling(work, &progress, length))
        .await
        .map_err(|e| match e.kind() {
            ErrorKind::Usage => e.in_file(&file.display().to_string()),
            _ => e,
        })?;
    let seconds = started.elapsed().as_secs_f64();
    let mut said = format!(
        "{} in {} · version {}",
        counted(appended.rows as usize, "row"),
        counted(appended.files, "file"),
        appended.version
    );
    if appended.rows == 0 {
        "no row to append".clone_into(&mut said);
    }
    if appended.late > 0 {
        said += &format!(" · {} late", thousands(appended.late as i64));
    }
    if appended.rejected > 0 {
        said += &format!(" · {} put aside", thousands(appended.rejected as i64));
    }
    let rate = appended.rows as f64 / seconds.max(1e-9);
    say(&format!(
        "{said} · {seconds:.1} s · {} rows/s",
        thousands(rate as i64)
    ));
    Ok(())
}

pub(super) fn options_of(
    input: &InputArgs,
    header: bool,
    rejects: Option<PathBuf>,
) -> InputOptions {
    InputOptions {
        key: input.key.clone(),
        event_time: input.event_time.clone(),
        header,
        rejects,
    }
}

fn cannot_read(file: &Path, e: &io::Error) -> Error {
    Error::new(ErrorKind::Usage, format!("it cannot be read: {e}"))
        .in_file(&file.display().to_string())
        .hint("name a file with rows, or - for standard input")
}

/// Opens an input, and tells its length where it is known.
fn open(file: &Path, input: &InputArgs) -> Result<(Input, Option<u64>)> {
    let is_stdin = file == Path::new("-");
    let by_name = InputFormat::of_name(&file.to_string_lossy()).filter(|_| !is_stdin);
    let Some(form) = input.input_format.map(InputFormat::from).or(by_name) else {
        return Err(Error::new(
            ErrorKind::Usage,
            "the name does not tell the form of the rows",
        )
        .in_file(&file.display().to_string())
        .hint("say it with --input-format csv, ndjson or parquet"));
    };
    if form == InputFormat::Parquet && is_stdin {
        let mut held = Vec::new();
        io::stdin()
            .lock()
            .read_to_end(&mut held)
            .map_err(|e| cannot_read(file, &e))?;
        let rows = ParquetRows::of_bytes(held.into())?;
        return Ok((Input::Parquet(Box::new(rows)), None));
    }
    let (text, length): (Box<dyn Read + Send>, Option<u64>) = if is_stdin {
        (Box::new(io::stdin()), None)
    } else {
        let opened = File::open(file).map_err(|e| cannot_read(file, &e))?;
        let length = opened.metadata().map_err(|e| cannot_read(file, &e))?;
        if form == InputFormat::Parquet {
            let rows =
                ParquetRows::of_file(opened).map_err(|e| e.in_file(&file.display().to_string()))?;
            return Ok((Input::Parquet(Box::new(rows)), None));
        }
        let length = length.is_file().then_some(length.len());
        (Box::new(opened), length)
    };
    Ok(match form {
        InputFormat::Ndjson => (Input::Ndjson(text), length),
        _ => (Input::Csv(text), length),
    })
}
