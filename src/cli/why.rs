//! `azof-tui why`: where a row comes from, and the rows of its key that it beat.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray, TimestampMillisecondArray, UInt64Array};

use crate::cancel::CancelToken;
use crate::error::Result;
use crate::event_time::AsOf;
use crate::format::FileRole;
use crate::lakehouse::Table;
use crate::provenance::RowOrigin;
use crate::text::{bytes, counted, visible};

use super::args::Output;
use super::commands::batch;
use super::output::write_rows;
use super::say;

/// Prints every row of the key that the planned files hold, newest first, with what became of it.
pub(super) async fn run(table: &Table, key: &str, as_of: AsOf, output: &Output) -> Result<()> {
    let why = table
        .provenance(key, as_of, &CancelToken::default())
        .await?;
    let text = |of: fn(&RowOrigin) -> &str| -> ArrayRef {
        Arc::new(
            why.rows
                .iter()
                .map(|r| Some(of(r)))
                .collect::<StringArray>(),
        )
    };
    let number = |of: fn(&RowOrigin) -> usize| -> ArrayRef {
        Arc::new(
            why.rows
                .iter()
                .map(|r| Some(of(r) as u64))
                .collect::<UInt64Array>(),
        )
    };
    let times = why.rows.iter().map(|r| Some(r.event_time.ms()));
    let times = times.collect::<TimestampMillisecondArray>();
    let rows = batch(vec![
        ("verdict", text(|r| r.verdict.words())),
        ("event_time", Arc::new(times.with_timezone("UTC"))),
        ("file", text(|r| r.file.as_str())),
        (
            "role",
            text(|r| match r.role {
                FileRole::Base => "base",
                FileRole::Delta => "delta",
            }),
        ),
        ("segment", text(|r| &r.segment)),
        ("row_group", number(|r| r.row_group)),
        ("row", number(|r| r.row_in_file)),
    ])?;
    write_rows(output, &rows.schema(), &[rows])?;
    let cost = why.cost;
    let found = match why.shown() {
        Some(_) => counted(why.rows.len(), "row"),
        None => format!("not there, {}", counted(why.rows.len(), "row")),
    };
    say(&format!(
        "'{}' as of {as_of}: {found} · {} planned, {} read · {} row groups ruled out · {} · {:.0} ms",
        visible(key),
        counted(cost.files, "file"),
        cost.files_read,
        cost.row_groups_pruned,
        bytes(cost.bytes),
        cost.elapsed.as_secs_f64() * 1e3
    ));
    Ok(())
}
