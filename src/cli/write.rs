//! The commands that make tables and change them.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Float64Array, StringArray, TimestampMillisecondArray, UInt64Array};

use crate::error::{Error, ErrorKind, Result};
use crate::event_time::{EventTime, now, parse_time};
use crate::lakehouse::Lakehouse;
use crate::scan::ReadLimits;
use crate::text::{bytes, counted, thousands};
use crate::write::{
    Checked, CompactOptions, Compacted, Input, InputFormat, InputOptions, LayoutFigures,
    ParquetRows, Progress, SchemaChange, SegmentBy, VacuumOptions, Vacuumed, infer_columns,
    parse_columns, parse_schema,
};

use super::args::Output;
use super::commands::{Outcome, batch, not_a_time};
use super::output::write_rows;
use super::say;
use super::write_args::{InputArgs, WriteCommand};

/// Time between two lines that tell how far the work has come.
const BETWEEN_LINES: Duration = Duration::from_secs(2);

/// Runs a command on a lake.
pub(super) async fn run(command: WriteCommand, lake: &str, limits: ReadLimits) -> Result<Outcome> {
    if matches!(command, WriteCommand::Create { .. }) && !lake.contains("://") {
        // A lake is made with its first table.
        std::fs::create_dir_all(lake).map_err(|e| {
            Error::new(ErrorKind::Lake, format!("it cannot be made: {e}")).in_lake(lake)
        })?;
    }
    let lake = Lakehouse::open(lake, limits)?;
    match command {
        WriteCommand::Create {
            table,
            columns,
            schema,
            like,
            input,
            segments,
        } => {
            create(&lake, &table, (columns, schema, like), &input, segments).await?;
        }
        WriteCommand::Append {
            table,
            file,
            input,
            no_header,
            rejects,
            segments,
        } => {
            let options = options_of(&input, !no_header, rejects);
            append(&lake, &table, &file, (&input, &options), segments).await?;
        }
        WriteCommand::Compact {
            table,
            segments,
            ratio,
            all,
            dry_run,
            output,
        } => {
            let options = CompactOptions {
                segment_by: segments,
                ratio,
                all,
                dry_run,
            };
            let progress = Arc::default();
            let writer = lake.writer(&table);
            let done = telling(writer.compact(options, &progress), &progress, None).await?;
            write_figures(&done, &output)?;
            say(&compacted(&done));
        }
        WriteCommand::Evolve {
            table,
            drop,
            rename,
            widen,
            add,
        } => {
            let changes = changes(drop, &rename, widen, &add)?;
            let version = lake.writer(&table).evolve(&changes).await?;
            say(&format!(
                "{} · version {version}",
                counted(changes.len(), "change")
            ));
        }
        WriteCommand::Check {
            table,
            deep,
            repair,
            output,
        } => return check(&lake, table, deep, repair, &output).await,
        WriteCommand::Versions { table, output } => {
            versions(&lake, &table, &output).await?;
        }
        WriteCommand::Vacuum {
            table,
            retention,
            force,
            dry_run,
        } => {
            let options = VacuumOptions {
                retention_ms: retention_ms(&retention)?,
                force,
                dry_run,
            };
            let done = lake.writer(&table).vacuum(options).await?;
            say(&vacuumed(&done, dry_run));
        }
    }
    Ok(Outcome::Done)
}

/// Makes a table of the columns that are given, listed in a schema file, or guessed from a file like those to come.
async fn create(
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

async fn append(
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

fn options_of(input: &InputArgs, header: bool, rejects: Option<PathBuf>) -> InputOptions {
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

/// Waits for work, and tells now and then how far it has come.
async fn telling<T>(
    work: impl Future<Output = T>,
    progress: &Arc<Progress>,
    length: Option<u64>,
) -> T {
    let started = Instant::now();
    let mut ticks = tokio::time::interval(BETWEEN_LINES);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks.tick().await;
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = ticks.tick() => say(&progress_line(progress, length, started.elapsed().as_secs_f64())),
        }
    }
}

fn progress_line(progress: &Progress, length: Option<u64>, seconds: f64) -> String {
    let read = progress.rows_read.load(Ordering::Relaxed);
    let written = progress.rows_written.load(Ordering::Relaxed);
    let mut line = format!(
        "{} read, {} written · {} rows/s",
        counted(read as usize, "row"),
        thousands(written as i64),
        thousands((read as f64 / seconds.max(1e-9)) as i64)
    );
    let bytes_read = progress.bytes_read.load(Ordering::Relaxed) as f64;
    if let Some(length) = length.filter(|l| *l > 0 && bytes_read > 0.0) {
        // Reading and writing take about the same.
        let of_read = (bytes_read / length as f64).min(1.0);
        let of_written = of_read * written as f64 / (read as f64).max(1.0);
        let done = f64::midpoint(of_read, of_written);
        let left = seconds / done.max(1e-9) - seconds;
        line += &format!(" · {:.0}% · about {left:.0} s left", done * 100.0);
    }
    line
}

fn changes(
    drop: Vec<String>,
    rename: &[String],
    widen: Vec<String>,
    add: &[String],
) -> Result<Vec<SchemaChange>> {
    let mut changes: Vec<SchemaChange> = drop.into_iter().map(SchemaChange::Drop).collect();
    let mut names = Vec::new();
    for text in rename.iter().flat_map(|list| list.split(',')) {
        let (from, to) = text.split_once('=').ok_or_else(|| {
            Error::new(ErrorKind::Usage, format!("'{text}' should be OLD=NEW"))
                .hint("several are given as OLD=NEW,OLD=NEW")
        })?;
        names.push((from.trim().to_owned(), to.trim().to_owned()));
    }
    if !names.is_empty() {
        changes.push(SchemaChange::Rename(names));
    }
    changes.extend(widen.into_iter().map(SchemaChange::Widen));
    for list in add {
        changes.extend(parse_columns(list)?.into_iter().map(SchemaChange::Add));
    }
    if changes.is_empty() {
        return Err(Error::new(ErrorKind::Usage, "no change is asked for")
            .hint("say --drop NAME, --rename OLD=NEW, --widen NAME or --add NAME:TYPE"));
    }
    Ok(changes)
}

fn write_figures(done: &Compacted, output: &Output) -> Result<()> {
    let both = [done.before, done.after];
    let counts = |value: fn(&LayoutFigures) -> u64| -> ArrayRef {
        Arc::new(both.iter().map(|f| Some(value(f))).collect::<UInt64Array>())
    };
    let means = |value: fn(&LayoutFigures) -> f64| -> ArrayRef {
        let rounded = both.iter().map(|f| Some((value(f) * 10.0).round() / 10.0));
        Arc::new(rounded.collect::<Float64Array>())
    };
    let after = if done.version.is_some() || !done.changes {
        "after"
    } else {
        "planned"
    };
    let rows = batch(vec![
        (
            "layout",
            Arc::new(StringArray::from(vec!["before", after])) as ArrayRef,
        ),
        ("segments", counts(|f| f.segments as u64)),
        ("files", counts(|f| f.files as u64)),
        ("rows", counts(|f| f.rows)),
        ("bytes", counts(|f| f.bytes)),
        ("files_a_read", means(|f| f.files_read)),
        ("rows_a_read", means(|f| f.rows_read)),
    ])?;
    write_rows(output, &rows.schema(), &[rows])
}

fn compacted(done: &Compacted) -> String {
    let files = format!(
        "{} written, {} kept",
        counted(done.files_written, "file"),
        thousands(done.files_kept as i64)
    );
    match done.version {
        Some(version) if done.appends_meanwhile > 0 => format!(
            "version {version} · {files} · under {} that came meanwhile",
            counted(done.appends_meanwhile, "append")
        ),
        Some(version) => format!("version {version} · {files}"),
        None if done.changes => {
            let (a, b) = (&done.before, &done.after);
            format!(
                "would be: {files}; a read at a random moment sees {:.0} rows instead of {:.0}, and {} are stored instead of {}",
                b.rows_read,
                a.rows_read,
                bytes(b.bytes),
                bytes(a.bytes)
            )
        }
        None => "nothing to compact".to_owned(),
    }
}

/// Reads `--retention`: a length of time, milliseconds.
fn retention_ms(text: &str) -> Result<i64> {
    let now = now();
    let since = parse_time(&format!("-{}", text.trim_start_matches('-')), now)
        .map_err(|e| not_a_time(&e).hint("--retention is a time such as 12h, 30d or 6mo"))?;
    Ok(now.ms() - since.ms())
}

fn vacuumed(done: &Vacuumed, dry_run: bool) -> String {
    let verb = if dry_run { "would delete" } else { "deleted" };
    let mut said = format!(
        "{verb} {} and {} in all, {}",
        counted(done.versions.len(), "version"),
        counted(done.files.len(), "file"),
        bytes(done.bytes())
    );
    if !done.kept.is_empty() {
        said += &format!(
            " · {} that no version names stayed, younger than a day: --force deletes such too, where no write runs",
            counted(done.kept.len(), "file")
        );
    }
    said
}

async fn check(
    lake: &Lakehouse,
    table: Option<String>,
    deep: bool,
    repair: bool,
    output: &Output,
) -> Result<Outcome> {
    let names = if let Some(table) = table {
        vec![table]
    } else {
        let mut names = lake.table_names().await?;
        names.extend(lake.lost_table_names().await?);
        names.sort_unstable();
        names
    };
    let mut all: Vec<(String, Checked)> = Vec::with_capacity(names.len());
    for name in names {
        let checked = lake.writer(&name).check(deep, repair).await?;
        if let Some(version) = checked.repaired {
            say(&format!(
                "table '{name}': rolled forward to version {version}"
            ));
        }
        all.push((name, checked));
    }
    let rows: Vec<_> = all
        .iter()
        .flat_map(|(name, checked)| checked.findings.iter().map(move |f| (name, f)))
        .collect();
    let texts = |texts: Vec<String>| Arc::new(StringArray::from(texts)) as ArrayRef;
    let found = batch(vec![
        (
            "table",
            texts(rows.iter().map(|(n, _)| (*n).clone()).collect()),
        ),
        (
            "severity",
            texts(rows.iter().map(|(_, f)| f.severity.to_string()).collect()),
        ),
        (
            "place",
            texts(rows.iter().map(|(_, f)| f.place.clone()).collect()),
        ),
        (
            "message",
            texts(rows.iter().map(|(_, f)| f.message.clone()).collect()),
        ),
    ])?;
    write_rows(output, &found.schema(), &[found])?;
    let clean = all.iter().all(|(_, checked)| checked.is_clean());
    say(&format!(
        "{} in {}{}",
        counted(rows.len(), "finding"),
        counted(all.len(), "table"),
        if clean {
            ", none of them worse than a note"
        } else {
            ""
        }
    ));
    Ok(if clean { Outcome::Done } else { Outcome::Found })
}

async fn versions(lake: &Lakehouse, table: &str, output: &Output) -> Result<()> {
    let versions = lake.writer(table).versions().await?;
    let numbers = |of: fn(&crate::write::VersionInfo) -> Option<u64>| -> ArrayRef {
        Arc::new(versions.iter().map(of).collect::<UInt64Array>())
    };
    let times: TimestampMillisecondArray = versions
        .iter()
        .map(|v| EventTime::ms(v.at))
        .collect::<Vec<i64>>()
        .into();
    let operations = versions.iter().map(|v| v.operation.as_deref());
    let current = versions.iter().map(|v| Some(v.is_current));
    let rows = batch(vec![
        ("version", numbers(|v| Some(v.version.0))),
        ("committed_at", Arc::new(times.with_timezone("UTC"))),
        (
            "operation",
            Arc::new(operations.collect::<StringArray>()) as ArrayRef,
        ),
        ("rows", numbers(|v| v.rows)),
        ("columns", numbers(|v| Some(v.columns as u64))),
        ("segments", numbers(|v| Some(v.segments as u64))),
        ("files", numbers(|v| Some(v.files as u64))),
        (
            "current",
            Arc::new(current.collect::<arrow::array::BooleanArray>()),
        ),
    ])?;
    write_rows(output, &rows.schema(), &[rows])?;
    say(&counted(versions.len(), "version"));
    Ok(())
}
