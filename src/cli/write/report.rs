//! What the commands that write, and those that look after a table, print.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, StringArray, TimestampMillisecondArray, UInt64Array,
};

use crate::cli::args::Output;
use crate::cli::commands::{Outcome, batch};
use crate::cli::output::write_rows;
use crate::cli::say;
use crate::error::{Error, ErrorKind, Result};
use crate::event_time::EventTime;
use crate::lakehouse::Lakehouse;
use crate::text::{bytes, counted, thousands};
use crate::write::{Checked, Compacted, LayoutFigures, Vacuumed, VersionContents};

pub(super) fn write_figures(done: &Compacted, output: &Output) -> Result<()> {
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

pub(super) fn compacted(done: &Compacted) -> String {
    let files = format!(
        "{} written, {} kept",
        counted(done.files_written, "file"),
        thousands(done.files_kept as i64)
    );
    let mut said = match done.version {
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
    };
    if done.segments_of_other_policy > 0 {
        said += &format!(
            " · {} compacted by the table's policy as before: --all lays them out by the one that is asked for",
            match done.segments_of_other_policy {
                1 => "1 segment stays".to_owned(),
                n => format!("{} stay", counted(n, "segment")),
            }
        );
    }
    said
}

pub(super) fn vacuumed(done: &Vacuumed, dry_run: bool) -> String {
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

pub(super) async fn check(
    lake: &Lakehouse,
    table: Option<String>,
    deep: bool,
    repair: bool,
    output: &Output,
) -> Result<Outcome> {
    let names = if let Some(table) = table {
        vec![table]
    } else {
        lake.table_names_with_lost().await?
    };
    if names.is_empty() {
        return Err(Error::new(ErrorKind::Lake, "there is no table to check")
            .in_lake(lake.name())
            .hint(
                "a lake is a directory whose child directories hold version.txt, or the URL of one",
            ));
    }
    let is_one = names.len() == 1;
    let mut all: Vec<(String, Checked)> = Vec::with_capacity(names.len());
    let mut failed = None;
    for name in names {
        let checked = match lake.writer(&name).check(deep, repair).await {
            Ok(checked) => checked,
            Err(e) if is_one => return Err(e),
            // The others are looked at all the same, and the first that could not be is told at the end.
            Err(e) => {
                failed.get_or_insert(e);
                continue;
            }
        };
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
    if let Some(e) = failed {
        return Err(e);
    }
    Ok(if clean { Outcome::Done } else { Outcome::Found })
}

pub(super) async fn versions(lake: &Lakehouse, table: &str, output: &Output) -> Result<()> {
    let versions = lake.writer(table).versions().await?;
    let known = |of: fn(&VersionContents) -> Option<u64>| -> ArrayRef {
        let contents = versions.iter().map(|v| v.contents.as_ref().ok());
        Arc::new(contents.map(|c| c.and_then(of)).collect::<UInt64Array>())
    };
    let text = |texts: Vec<Option<String>>| -> ArrayRef { Arc::new(StringArray::from(texts)) };
    let times: TimestampMillisecondArray = versions
        .iter()
        .map(|v| EventTime::ms(v.at))
        .collect::<Vec<i64>>()
        .into();
    let numbers = versions.iter().map(|v| Some(v.version.0));
    let operations = versions.iter().map(|v| v.contents.as_ref().ok());
    let operations = operations.map(|c| c.and_then(|c| c.operation.clone()));
    let current = versions.iter().map(|v| Some(v.is_current));
    let errors = versions.iter().map(|v| v.contents.as_ref().err());
    let errors = errors.map(|e| e.map(ToString::to_string));
    let rows = batch(vec![
        (
            "version",
            Arc::new(numbers.collect::<UInt64Array>()) as ArrayRef,
        ),
        ("committed_at", Arc::new(times.with_timezone("UTC"))),
        ("operation", text(operations.collect())),
        ("rows", known(|c| c.rows)),
        ("columns", known(|c| Some(c.columns as u64))),
        ("segments", known(|c| Some(c.segments as u64))),
        ("files", known(|c| Some(c.files as u64))),
        ("current", Arc::new(current.collect::<BooleanArray>())),
        ("error", text(errors.collect())),
    ])?;
    write_rows(output, &rows.schema(), &[rows])?;
    say(&counted(versions.len(), "version"));
    Ok(())
}
