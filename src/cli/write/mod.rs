//! The commands that make tables and change them.

mod input;
mod progress;
mod report;

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::event_time::{now, parse_time};
use crate::lakehouse::Lakehouse;
use crate::scan::ReadLimits;
use crate::text::counted;
use crate::write::{
    CompactOptions, SchemaChange, VacuumOptions, parse_columns, parse_names, parse_renames,
};

use super::commands::Outcome;
use super::say;
use super::write_args::WriteCommand;

use input::{append, create, options_of};
use progress::telling;
use report::{check, compacted, vacuumed, versions, write_figures};

/// Runs a command on a lake.
pub(super) async fn run(command: WriteCommand, lake: &str, limits: ReadLimits) -> Result<Outcome> {
    if matches!(command, WriteCommand::Create { .. }) && !lake.contains("://") {
        // A lake is made with its first table.
        std::fs::create_dir_all(lake).map_err(|e| {
            Error::new(ErrorKind::Lake, format!("it cannot be made: {e}"))
                .in_lake(lake)
                .hint("name a folder that can be made with --path")
        })?;
    }
    let lake = Lakehouse::open(lake, limits)?;
    match run_on(&lake, command).await {
        Err(e) if e.kind() == ErrorKind::TableNotFound => Err(lake.with_known_tables(e).await),
        done => done,
    }
}

async fn run_on(lake: &Lakehouse, command: WriteCommand) -> Result<Outcome> {
    match command {
        WriteCommand::Create {
            table,
            columns,
            schema,
            like,
            input,
            segments,
        } => {
            create(lake, &table, (columns, schema, like), &input, segments).await?;
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
            append(lake, &table, &file, (&input, &options), segments).await?;
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
            let changes = changes(&drop, &rename, &widen, &add)?;
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
        } => return check(lake, table, deep, repair, &output).await,
        WriteCommand::Versions { table, output } => {
            versions(lake, &table, &output).await?;
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

/// The changes in the order in which they are made.
fn changes(
    drop: &[String],
    rename: &[String],
    widen: &[String],
    add: &[String],
) -> Result<Vec<SchemaChange>> {
    let names = |lists: &[String]| -> Vec<String> {
        lists.iter().flat_map(|list| parse_names(list)).collect()
    };
    let mut changes: Vec<SchemaChange> = names(drop).into_iter().map(SchemaChange::Drop).collect();
    let mut pairs = Vec::new();
    for list in rename {
        pairs.extend(parse_renames(list)?);
    }
    if !pairs.is_empty() {
        changes.push(SchemaChange::Rename(pairs));
    }
    changes.extend(names(widen).into_iter().map(SchemaChange::Widen));
    for list in add {
        changes.extend(parse_columns(list)?.into_iter().map(SchemaChange::Add));
    }
    if changes.is_empty() {
        return Err(Error::new(ErrorKind::Usage, "no change is asked for")
            .hint("say --drop NAME, --rename OLD=NEW, --widen NAME or --add NAME:TYPE"));
    }
    Ok(changes)
}

/// Reads `--retention`: a length of time, milliseconds. Without a unit nobody could tell minutes from days, and a year
/// from a number; and what is deleted is gone.
fn retention_ms(text: &str) -> Result<i64> {
    const FORMS: &str = "--retention is a number with a unit: 90min, 12h, 30d, 2w, 6mo or 1y";
    let length = text.trim();
    let length = length.strip_prefix('-').unwrap_or(length);
    let refused =
        |why: &str| Error::new(ErrorKind::Usage, format!("--retention '{text}' {why}")).hint(FORMS);
    let unit = length.trim_start_matches(|c: char| c.is_ascii_digit());
    if unit.len() == length.len() || !unit.bytes().all(|b| b.is_ascii_alphabetic()) {
        return Err(refused("is not a length of time"));
    }
    if unit.is_empty() {
        return Err(refused("has no unit"));
    }
    let now = now();
    let since = parse_time(&format!("-{length}"), now)
        .map_err(|e| refused(&format!("is no length of time: {e}")))?;
    Ok(now.ms() - since.ms())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retention_has_a_unit() {
        for (text, ms) in [("0s", 0), ("90min", 5_400_000), ("-12h", 43_200_000)] {
            assert_eq!(retention_ms(text).expect(text), ms);
        }
        for (text, said) in [
            ("5", "has no unit"),
            ("2020", "has no unit"),
            ("", "is not a length of time"),
            ("xyz", "is not a length of time"),
            ("2020-01-01", "is not a length of time"),
            ("5 d", "is not a length of time"),
            ("5parsecs", "'5parsecs' is no length of time"),
            ("99999999y", "beyond the calendar"),
        ] {
            let error = retention_ms(text).expect_err(text);
            assert!(error.to_string().contains(said), "{error}");
            assert!(error.next_step().is_some_and(|step| step.contains("30d")));
        }
    }
}
