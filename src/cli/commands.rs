//! The commands for scripts.

use std::sync::Arc;
use std::time::Instant;

use arrow::array::{
    ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray, UInt64Array,
};
use arrow::datatypes::{Field, Schema as ArrowSchema, SchemaRef};

use futures::stream::{self, StreamExt};

use crate::cancel::CancelToken;
use crate::error::{Error, ErrorKind, Result};
use crate::event_time::{AsOf, EventTime, TimeError, now, parse_as_of, parse_time};
use crate::format::{Projection, Version};
use crate::history::history_schema;
use crate::lakehouse::{Lakehouse, Table, TableSummary};
use crate::scan::{ReadLimits, ScanCost};
use crate::snapshot::output_schema;
use crate::text::{bytes, counted, visible};

use super::args::{Command, Output, TableName};
use super::output::write_rows;
use super::say;

/// Tables looked at at the same time.
const TABLES_AT_ONCE: usize = 8;

/// More buckets than this are no summary.
const BUCKETS_AT_MOST: usize = 1_000_000;

/// Rows in a batch that leaves the program.
const BATCH_ROWS: usize = 65_536;

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    /// The two moments that were compared differ.
    Differs,
    /// A check found something.
    Found,
}

/// Runs a command on a lake.
#[expect(clippy::too_many_lines, reason = "one arm a command")]
pub(super) async fn run(command: Command, lake: &str, limits: ReadLimits) -> Result<Outcome> {
    let lake = Lakehouse::open(lake, limits)?;
    if let Command::Diff {
        table,
        from,
        to,
        columns,
        summary,
        touched,
        output,
    } = command
    {
        let (from, to) = (moment(Some(&from))?, moment(to.as_deref())?);
        if columns
            .as_deref()
            .is_some_and(|c| Projection::parse(c) == Projection::Columns(Vec::new()))
        {
            return Err(Error::new(
                ErrorKind::Usage,
                "--columns names no value column to compare",
            )
            .hint("without --columns, all are compared"));
        }
        let projection = columns
            .as_deref()
            .map_or(Projection::All, Projection::parse);
        let diff = open(&lake, &table)
            .await?
            .diff(from, to, &projection, &CancelToken::default())
            .await?;
        super::diff::write(&diff, summary, touched, &output)?;
        let differs = diff.summary().differences() > 0 || !diff.summary().schema.is_empty();
        return Ok(if differs {
            Outcome::Differs
        } else {
            Outcome::Done
        });
    }
    match command {
        Command::Tables { at_version, output } => tables(&lake, at_version, &output).await,
        Command::Scan {
            table,
            as_of,
            columns,
            limit,
            output,
        } => {
            let as_of = moment(as_of.as_deref())?;
            let projection = columns
                .as_deref()
                .map_or(Projection::All, Projection::parse);
            scan(&lake, &table, as_of, &projection, limit, &output).await
        }
        Command::History {
            table,
            key,
            columns,
            output,
        } => {
            let projection = columns
                .as_deref()
                .map_or(Projection::All, Projection::parse);
            history(&lake, &table, &key, &projection, &output).await
        }
        Command::Why {
            table,
            key,
            as_of,
            output,
        } => {
            let as_of = moment(as_of.as_deref())?;
            let table = open(&lake, &table).await?;
            super::why::run(&table, &key, as_of, &output).await
        }
        Command::Timeline {
            table,
            from,
            to,
            buckets,
            output,
        } => {
            let bound = |text: Option<String>| {
                text.map(|t| parse_time(&t, now()).map_err(|e| not_a_time(&e)))
                    .transpose()
            };
            timeline(&lake, &table, (bound(from)?, bound(to)?), buckets, &output).await
        }
        Command::Sql {
            statement,
            file,
            as_of,
            at_version,
            output,
        } => {
            let text = super::sql::statements(statement, file.as_deref())?;
            let of = (moment(as_of.as_deref())?, at_version.map(Version));
            super::sql::run(lake, limits.read_bytes, &text, of, output).await
        }
        Command::Gen { table, file } => {
            let name = file.trim_end_matches(".csv").trim_end_matches(".parquet");
            let rows = open(&lake, &table).await?.write_from_csv(name).await?;
            say(&format!("wrote {} to {name}.parquet", counted(rows, "row")));
            Ok(())
        }
        // Those that need no lake are answered before one is opened.
        // So is the one above.
        Command::Completions { .. } | Command::Man | Command::Diff { .. } | Command::Write(_) => {
            Ok(())
        }
    }
    .map(|()| Outcome::Done)
}

/// Opens a table, at the version that was asked for.
async fn open(lake: &Lakehouse, table: &TableName) -> Result<Table> {
    match table.at_version {
        Some(version) => lake.table_at(&table.table, Version(version)).await,
        None => lake.table(&table.table).await,
    }
}

/// Reads `--as-of`.
pub(super) fn moment(text: Option<&str>) -> Result<AsOf> {
    text.map_or(Ok(AsOf::Current), |text| {
        parse_as_of(text, now()).map_err(|e| not_a_time(&e))
    })
}

pub(super) fn not_a_time(e: &TimeError) -> Error {
    Error::new(ErrorKind::Usage, e.to_string()).hint(TimeError::FORMS)
}

async fn tables(lake: &Lakehouse, at_version: Option<u64>, output: &Output) -> Result<()> {
    let names = lake.table_names().await?;
    let cancel = CancelToken::default();
    let looking = names.iter().map(|name| async {
        let table = TableName {
            table: name.clone(),
            at_version,
        };
        match open(lake, &table).await {
            Ok(table) => table.summary(&cancel).await,
            Err(e) => Err(e),
        }
    });
    let seen: Vec<Result<TableSummary>> = stream::iter(looking)
        .buffered(TABLES_AT_ONCE)
        .collect()
        .await;
    let number = |value: fn(&TableSummary) -> u64| -> ArrayRef {
        Arc::new(
            seen.iter()
                .map(|s| s.as_ref().ok().map(value))
                .collect::<UInt64Array>(),
        )
    };
    let time = |end: fn((EventTime, EventTime)) -> EventTime| -> ArrayRef {
        let times = seen.iter().map(|s| {
            s.as_ref()
                .ok()
                .and_then(|s| s.event_times)
                .map(|range| end(range).ms())
        });
        Arc::new(
            times
                .collect::<TimestampMillisecondArray>()
                .with_timezone("UTC"),
        )
    };
    let errors = seen
        .iter()
        .map(|s| s.as_ref().err().map(ToString::to_string));
    let batch = batch(vec![
        (
            "name",
            Arc::new(names.iter().map(Some).collect::<StringArray>()) as ArrayRef,
        ),
        ("version", number(|s| s.version.0)),
        ("columns", number(|s| s.columns as u64)),
        ("segments", number(|s| s.segments as u64)),
        ("files", number(|s| s.files as u64)),
        ("bytes", number(|s| s.bytes)),
        ("first_event_time", time(|r| r.0)),
        ("last_event_time", time(|r| r.1)),
        ("error", Arc::new(errors.collect::<StringArray>())),
    ])?;
    write_rows(output, &batch.schema(), &[batch])?;
    say(&format!(
        "{} in {}",
        counted(names.len(), "table"),
        lake.name()
    ));
    Ok(())
}

async fn scan(
    lake: &Lakehouse,
    table: &TableName,
    as_of: AsOf,
    projection: &Projection,
    limit: Option<usize>,
    output: &Output,
) -> Result<()> {
    let table = open(lake, table).await?;
    let snapshot = table
        .snapshot(as_of, projection, &CancelToken::default())
        .await?;
    let rows = snapshot.len().min(limit.unwrap_or(usize::MAX));
    let mut batches = Vec::with_capacity(rows.div_ceil(BATCH_ROWS));
    for from in (0..rows).step_by(BATCH_ROWS) {
        batches.push(snapshot.batch(from, BATCH_ROWS.min(rows - from))?);
    }
    write_rows(output, &output_schema(snapshot.columns()), &batches)?;
    let shown = if rows < snapshot.len() {
        format!("first {rows} of ")
    } else {
        String::new()
    };
    say(&format!(
        "{shown}{} as of {as_of} · {}",
        counted(snapshot.len(), "row"),
        cost(snapshot.cost())
    ));
    Ok(())
}

async fn history(
    lake: &Lakehouse,
    table: &TableName,
    key: &str,
    projection: &Projection,
    output: &Output,
) -> Result<()> {
    let table = open(lake, table).await?;
    let history = table
        .history(key, projection, &CancelToken::default())
        .await?;
    let schema = history_schema(history.columns());
    write_rows(output, &schema, &[history.batch()?])?;
    say(&format!(
        "{} of '{}'",
        counted(history.len(), "version"),
        visible(key)
    ));
    Ok(())
}

/// What a read took, for people.
fn cost(cost: ScanCost) -> String {
    let requests = counted(cost.requests as usize, "request");
    let ms = cost.elapsed.as_secs_f64() * 1e3;
    format!(
        "{} · {} · {requests} · {ms:.0} ms",
        counted(cost.files, "file"),
        bytes(cost.bytes)
    )
}

async fn timeline(
    lake: &Lakehouse,
    table: &TableName,
    (from, to): (Option<EventTime>, Option<EventTime>),
    buckets: Option<usize>,
    output: &Output,
) -> Result<()> {
    let started = Instant::now();
    let ticks = open(lake, table)
        .await?
        .ticks(&CancelToken::default())
        .await?;
    let (first, last) = ticks.range().map_or((0, 0), |(a, b)| (a.ms(), b.ms()));
    let (from, to) = (
        from.map_or(first, EventTime::ms),
        to.map_or(last, EventTime::ms),
    );
    if from > to {
        return Err(Error::new(ErrorKind::Usage, "--from is after --to").hint("swap them"));
    }
    let times = |ms: Vec<i64>| {
        Arc::new(TimestampMillisecondArray::from(ms).with_timezone("UTC")) as ArrayRef
    };
    let counts = |changes: Vec<u64>| {
        Arc::new(
            changes
                .into_iter()
                .map(|n| n as i64)
                .collect::<Int64Array>(),
        ) as ArrayRef
    };
    let within: Vec<_> = ticks
        .iter()
        .filter(|t| (from..=to).contains(&t.event_time.ms()))
        .collect();
    let batch = match buckets {
        None => batch(vec![
            (
                "event_time",
                times(within.iter().map(|t| t.event_time.ms()).collect()),
            ),
            (
                "changes",
                counts(within.iter().map(|t| u64::from(t.changes)).collect()),
            ),
        ])?,
        Some(0) => return Err(Error::new(ErrorKind::Usage, "--buckets must be at least 1")),
        Some(n) if n > BUCKETS_AT_MOST => {
            let message = format!("--buckets must be at most {BUCKETS_AT_MOST}");
            return Err(Error::new(ErrorKind::Usage, message)
                .hint("without --buckets, every tick is listed"));
        }
        Some(_) if ticks.is_empty() => batch(vec![
            ("start", times(vec![])),
            ("end", times(vec![])),
            ("changes", counts(vec![])),
        ])?,
        Some(n) => {
            // Both bounds are moments that count, so the stretch is one longer than their distance.
            let length = i128::from(to) - i128::from(from) + 1;
            let n = (n as i128).min(length);
            let edges: Vec<i64> = (0..=n)
                .map(|i| (i128::from(from) + length * i / n) as i64)
                .collect();
            batch(vec![
                ("start", times(edges[..n as usize].to_vec())),
                (
                    "end",
                    times(edges[1..].iter().map(|e| e.saturating_sub(1)).collect()),
                ),
                (
                    "changes",
                    counts(
                        edges
                            .windows(2)
                            .map(|w| ticks.changes_between(w[0], w[1]))
                            .collect(),
                    ),
                ),
            ])?
        }
    };
    write_rows(output, &batch.schema(), &[batch])?;
    let changes: u64 = within.iter().map(|t| u64::from(t.changes)).sum();
    let ms = started.elapsed().as_secs_f64() * 1e3;
    say(&format!(
        "{} at {} · {ms:.0} ms",
        counted(changes as usize, "change"),
        counted(within.len(), "tick")
    ));
    Ok(())
}

pub(super) fn batch(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch> {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
        .collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(SchemaRef::new(ArrowSchema::new(fields)), arrays).map_err(|e| {
        Error::new(
            ErrorKind::Output,
            format!("the rows cannot be gathered: {e}"),
        )
    })
}
