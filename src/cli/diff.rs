//! What `diff` prints: changes as rows, or their counts.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema as ArrowSchema};

use crate::app::cell::format_value;
use crate::diff::{
    Change, ChangeKind, Diff, SchemaChange, change_batch, change_schema, flat_change_batch,
};
use crate::error::{Error, ErrorKind, Result};
use crate::event_time::Precision;
use crate::scan::Value;
use crate::text::thousands;

use super::args::{Format, Output};
use super::output::{write_rows, write_text};
use super::say;

/// Changes in a batch that leaves the program.
const BATCH_ROWS: usize = 65_536;

pub(super) fn write(diff: &Diff, summary: bool, touched: bool, output: &Output) -> Result<()> {
    if summary {
        write_summary(diff, output)?;
    } else {
        let wanted =
            |c: &Change| c.kind.is_difference() || touched && c.kind == ChangeKind::Touched;
        let changes: Vec<Change> = diff.differing().map(|(_, c)| c).filter(wanted).collect();
        match output.format {
            Format::Table | Format::Csv => {
                let batches = changes
                    .chunks(BATCH_ROWS)
                    .map(|part| side_by_side(diff, part, output.format));
                let batches = batches.collect::<Result<Vec<_>>>()?;
                let empty = side_by_side(diff, &[], output.format)?;
                write_rows(output, &empty.schema(), &batches)?;
            }
            _ => {
                let batches = changes
                    .chunks(BATCH_ROWS)
                    .map(|part| change_batch(diff, part));
                write_rows(
                    output,
                    &change_schema(diff),
                    &batches.collect::<Result<Vec<_>>>()?,
                )?;
            }
        }
    }
    say(&headline(diff));
    Ok(())
}

/// The counts on one line, with the signs of the kinds.
fn headline(diff: &Diff) -> String {
    let s = diff.summary();
    let number = |n: usize| thousands(n as i64);
    let mut line = format!(
        "A {} → B {}   +{} −{} ~{} ·{} ={}",
        diff.a().as_of(),
        diff.b().as_of(),
        number(s.added),
        number(s.removed),
        number(s.changed),
        number(s.touched),
        number(s.same)
    );
    // Writing to a String cannot fail.
    for (name, cells) in s.cells.iter().filter(|(_, n)| *n > 0) {
        let _ = write!(line, "   {name} {}", number(*cells));
    }
    for change in &s.schema {
        let _ = match change {
            SchemaChange::Added(name) => write!(line, "   column {name} is new"),
            SchemaChange::Removed(name) => write!(line, "   column {name} is gone"),
            SchemaChange::Retyped(name) => write!(line, "   column {name} has another type"),
        };
    }
    line
}

fn gathered(columns: Vec<(String, ArrayRef)>) -> Result<RecordBatch> {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(n, a)| Field::new(n, a.data_type().clone(), true))
        .collect();
    let arrays = columns.into_iter().map(|(_, a)| a).collect();
    RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), arrays).map_err(|e| {
        Error::new(
            ErrorKind::Output,
            format!("changes cannot be gathered: {e}"),
        )
    })
}

/// A row a change. For people: a sign, and `old → new` in the cells that changed. As CSV: the kind and the changed
/// columns, then both sides of every column.
fn side_by_side(diff: &Diff, changes: &[Change], format: Format) -> Result<RecordBatch> {
    if format != Format::Table {
        return flat_change_batch(diff, changes);
    }
    let texts = |values: Vec<Option<String>>| Arc::new(StringArray::from(values)) as ArrayRef;
    let keys = texts(
        changes
            .iter()
            .map(|c| Some(diff.key(*c).to_owned()))
            .collect(),
    );
    let mut columns = Vec::new();
    columns.push((
        String::new(),
        texts(
            changes
                .iter()
                .map(|c| Some(c.kind.glyph().to_owned()))
                .collect(),
        ),
    ));
    columns.push(("key".to_owned(), keys));
    let times = changes.iter().map(|c| Some(event_times(diff, *c)));
    columns.push(("event_time".to_owned(), texts(times.collect())));
    for (i, column) in diff.columns().iter().enumerate() {
        let cells = changes.iter().map(|c| Some(cell(diff, *c, i)));
        columns.push((column.name.clone(), texts(cells.collect())));
    }
    gathered(columns)
}

fn shown(value: Value<'_>) -> String {
    let precision = if let Value::Time(at) = value {
        at.precision()
    } else {
        Precision::Date
    };
    format_value(value, precision)
}

fn event_times(diff: &Diff, change: Change) -> String {
    let a = change
        .a()
        .map(|row| shown(Value::Time(diff.a().event_time(row))));
    let b = change
        .b()
        .map(|row| shown(Value::Time(diff.b().event_time(row))));
    match (a, b) {
        (Some(a), Some(b)) if a != b => format!("{a} → {b}"),
        (a, b) => b.or(a).unwrap_or_default(),
    }
}

fn cell(diff: &Diff, change: Change, column: usize) -> String {
    match diff.values(change, column) {
        (Some(a), Some(b)) if diff.is_cell_changed(change, column) => {
            format!("{} → {}", shown(a), shown(b))
        }
        (a, b) => b.or(a).map(shown).unwrap_or_default(),
    }
}

/// `{"from":…,"to":…,"added":…,…,"cells":{…}}` as JSON; for people, and as CSV, a line a count.
fn write_summary(diff: &Diff, output: &Output) -> Result<()> {
    let s = diff.summary();
    if matches!(output.format, Format::Json | Format::Ndjson) {
        let cells: serde_json::Map<String, serde_json::Value> = s
            .cells
            .iter()
            .map(|(name, n)| (name.clone(), (*n).into()))
            .collect();
        let mut json = serde_json::json!({
            "from": diff.a().as_of().to_string(),
            "to": diff.b().as_of().to_string(),
            "added": s.added,
            "removed": s.removed,
            "changed": s.changed,
            "touched": s.touched,
            "same": s.same,
            "cells": cells,
        });
        if !s.schema.is_empty() {
            let name = |c: &SchemaChange| match c {
                SchemaChange::Added(name) => format!("+{name}"),
                SchemaChange::Removed(name) => format!("-{name}"),
                SchemaChange::Retyped(name) => format!("~{name}"),
            };
            json["schema"] = s.schema.iter().map(name).collect();
        }
        return write_text(output, &format!("{json}\n"));
    }
    let kinds = ChangeKind::ALL
        .into_iter()
        .map(|k| (format!("{} rows", k.name()), s.count(k)));
    let cells = s
        .cells
        .iter()
        .map(|(name, n)| (format!("changed cells of {name}"), *n));
    let (what, counts): (Vec<String>, Vec<i64>) =
        kinds.chain(cells).map(|(w, n)| (w, n as i64)).unzip();
    let batch = gathered(vec![
        (
            "what".to_owned(),
            Arc::new(StringArray::from(what)) as ArrayRef,
        ),
        ("count".to_owned(), Arc::new(Int64Array::from(counts))),
    ])?;
    write_rows(output, &batch.schema(), &[batch])
}
