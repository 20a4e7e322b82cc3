//! `azof-tui sql`: statements in, rows out as they come.

use std::io::{IsTerminal, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use crate::cancel::CancelToken;
use crate::error::{Error, ErrorKind, Result};
use crate::event_time::AsOf;
use crate::format::Version;
use crate::lakehouse::Lakehouse;
use crate::open_tables::OpenTables;
use crate::sql::{ExecutionContext, split_statements};
use crate::text::counted;

use super::args::{Format, Output};
use super::output::{write_stream, write_text};
use super::say;

/// Batches that wait to be written.
const BATCHES_AHEAD: usize = 4;

/// A query that takes longer than this says that it is running.
const LONG: Duration = Duration::from_secs(1);

/// The text of the statements: as given, from a file, or from standard input.
pub(super) fn statements(given: Option<String>, file: Option<&Path>) -> Result<String> {
    let text = read_statements(given, file)?;
    // What some editors put before the first character.
    Ok(text
        .strip_prefix('\u{feff}')
        .map_or_else(|| text.clone(), str::to_owned))
}

fn read_statements(given: Option<String>, file: Option<&Path>) -> Result<String> {
    if let Some(text) = given {
        return Ok(text);
    }
    if let Some(path) = file {
        return std::fs::read_to_string(path).map_err(|e| {
            Error::new(
                ErrorKind::Usage,
                format!("cannot read {}: {e}", path.display()),
            )
            .hint("--file names a file of statements; a statement itself is given without it")
        });
    }
    if std::io::stdin().is_terminal() {
        return Err(Error::new(ErrorKind::Usage, "a statement is missing").hint(
            "azof-tui sql \"SELECT * FROM prices AT ('2019-01-17')\", or --file FILE, or a pipe",
        ));
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|e| Error::new(ErrorKind::Usage, format!("cannot read standard input: {e}")))?;
    Ok(text)
}

/// Runs the statements one after the other; Ctrl-C cancels the one that runs, and with it the rest.
pub(super) async fn run(
    lake: Lakehouse,
    memory: usize,
    text: &str,
    (as_of, version): (AsOf, Option<Version>),
    output: Output,
) -> Result<()> {
    let statements = split_statements(text)?;
    if statements.is_empty() {
        return Err(Error::new(ErrorKind::Query, "there is no statement"));
    }
    let results = statements.iter().filter(|s| !is_view(s)).count();
    let is_one_document = output.output.is_some()
        || matches!(
            output.format,
            Format::Parquet | Format::Arrow | Format::Json
        );
    if results > 1 && is_one_document {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("{results} results do not fit into one file"),
        )
        .hint("run one statement at a time; CREATE TEMPORARY VIEW names what the last one needs"));
    }
    let tables = OpenTables::new(lake).at_version(version);
    let context = ExecutionContext::with_tables(Arc::new(tables), memory)?.at(as_of);
    let output = Arc::new(output);
    let cancel = CancelToken::default();
    let interrupted = cancel.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            interrupted.cancel();
        }
    });
    let mut is_first = true;
    for (at, statement) in statements.iter().enumerate() {
        if !is_first && !is_view(statement) && matches!(output.format, Format::Table | Format::Csv)
        {
            write_text(&output, "\n")?;
        }
        is_first &= is_view(statement);
        let ran = run_one(&context, statement, is_view(statement), &output, &cancel).await;
        ran.map_err(|e| match statements.len() {
            1 => e,
            n => e.within(format!("statement {} of {n}", at + 1)),
        })?;
    }
    Ok(())
}

/// True where a statement only names a query for those that follow.
fn is_view(statement: &str) -> bool {
    let mut words = statement.split_whitespace();
    words
        .next()
        .is_some_and(|w| w.eq_ignore_ascii_case("create"))
}

async fn run_one(
    context: &ExecutionContext,
    statement: &str,
    is_view: bool,
    output: &Arc<Output>,
    cancel: &CancelToken,
) -> Result<()> {
    let started = Instant::now();
    let mut result = context.run(statement, cancel);
    let waiting = tokio::spawn(async {
        tokio::time::sleep(LONG).await;
        say("running … Ctrl-C cancels");
    });
    let schema = result.schema().await;
    if is_view {
        waiting.abort();
        return schema.map(|_| ());
    }
    let schema = schema?;
    let (sender, batches) = sync_channel(BATCHES_AHEAD);
    let to = Arc::clone(output);
    let writing =
        tokio::task::spawn_blocking(move || write_stream(&to, &schema, batches.into_iter()));
    loop {
        let batch = result.next().await.transpose();
        let Some(batch) = batch else { break };
        let failed = batch.is_err();
        let sender = sender.clone();
        // The writer may be slower than the query, and must not hold up the cancelling of it.
        let sent = tokio::task::spawn_blocking(move || sender.send(batch).is_ok());
        // Where the writer has gone, so has whoever read.
        if !sent.await.unwrap_or(false) || failed {
            break;
        }
    }
    drop(sender);
    waiting.abort();
    let rows = writing
        .await
        .map_err(|_| Error::new(ErrorKind::Output, "writing the rows failed inside"))??;
    let ms = started.elapsed().as_secs_f64() * 1e3;
    say(&format!("{} · {ms:.0} ms", counted(rows, "row")));
    Ok(())
}
