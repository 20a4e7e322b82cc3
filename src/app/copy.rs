//! Copying: the cell, the row, and the moment itself as the command line and the SQL that show it.

use std::ops::RangeInclusive;

use crate::clipboard::COPY_AT_MOST;
use crate::expr::sql_text;
use crate::format::{EVENT_TIME, KEY};
use crate::scan::Value;
use crate::text::{bytes, counted};

use super::grid::{Grid, Source};
use super::keymap::Action;
use super::rows::{Cell, Comparison, RowFilter, Rows, Side};
use super::{App, Effect, TableView};

/// What is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Copied {
    /// The cell under the cursor; of selected rows, those of its column, a line each.
    Cell,
    /// The row under the cursor, the columns shown, separated by tabs; or the selected rows, under their titles.
    Row,
    /// All rows that are shown, or those selected, under their titles, separated by tabs.
    Rows,
    /// The command line that shows what is on screen.
    Command,
    /// The SQL that answers what is on screen.
    Sql,
}

impl Copied {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Cell, Self::Row, Self::Rows, Self::Command, Self::Sql];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cell => "cell",
            Self::Row => "row",
            Self::Rows => "rows",
            Self::Command => "command",
            Self::Sql => "sql",
        }
    }

    /// True for what is of the selected rows, where some are.
    fn is_of_rows(self) -> bool {
        matches!(self, Self::Cell | Self::Row | Self::Rows)
    }
}

impl App {
    /// Copies something of what is on screen. What is too long for a clipboard is not copied in part.
    pub(super) fn copy(&mut self, what: Copied) -> Vec<Effect> {
        let shown = || self.shown_grid().ok_or_else(no_row);
        let selection = shown().ok().and_then(|(_, grid, _)| grid.selection());
        let selection = selection.filter(|_| what.is_of_rows());
        let made = match (what, selection.clone()) {
            (Copied::Cell, None) => shown().and_then(cell),
            (Copied::Cell, Some(rows)) => shown().and_then(|shown| column(shown, rows)),
            (Copied::Row, None) => shown().map(|shown| row(shown, shown.1.row)),
            (Copied::Row | Copied::Rows, Some(selected)) => {
                shown().map(|shown| rows(shown, selected))
            }
            (Copied::Rows, None) => shown().map(|shown| {
                let last = shown.0.len().saturating_sub(1);
                rows(shown, 0..=last)
            }),
            (Copied::Command, _) => self.command_line(),
            (Copied::Sql, _) => self.sql(),
        };
        let name = match selection {
            None => what.name().to_owned(),
            Some(rows) => {
                let count = rows.end() - rows.start() + 1;
                let of = if what == Copied::Cell { "cell" } else { "row" };
                format!("{} selected", counted(count, of))
            }
        };
        match made {
            Ok(text) if text.len() > COPY_AT_MOST => {
                self.notify(format!(
                    "a clipboard takes {}, and the {} would be more; {} exports rows to a file",
                    bytes(COPY_AT_MOST as u64),
                    name,
                    self.key(Action::Export)
                ));
                Vec::new()
            }
            Ok(text) => {
                self.notify(format!("copied the {name} ({})", bytes(text.len() as u64)));
                if what.is_of_rows()
                    && let Some(grid) = self.grid_mut()
                {
                    grid.selected_from = None;
                }
                vec![Effect::Copy(text)]
            }
            Err(why) => {
                self.notify(why);
                Vec::new()
            }
        }
    }

    pub(super) fn shown_grid(&self) -> Option<Shown<'_>> {
        let (rows, grid, flipped) = if let Some(query) = self.query() {
            (query.rows(), &query.grid, false)
        } else {
            let view = self.view()?;
            // An error stands where the rows would; and the row of a key that is not there is another key's.
            let is_shown = view.error.is_none() && view.lost_key.is_none();
            let rows = view.rows().filter(|_| is_shown);
            (rows, &view.grid, view.flipped)
        };
        Some((rows.filter(|r| !r.is_empty())?, grid, flipped))
    }

    /// The command line that opens the explorer at what is on screen, quoted for a POSIX shell.
    pub fn command_line(&self) -> Result<String, String> {
        let (entry, view) = self.current().zip(self.view()).ok_or_else(no_table)?;
        let mut words = vec!["azof-tui".to_owned()];
        let mut option = |name: &str, value: &str| -> Result<(), String> {
            if value.contains('\0') {
                return Err(format!("{name} cannot hold a NUL; copy sql can"));
            }
            if value.starts_with('-') {
                words.push(format!("{name}={}", shell_word(value)));
            } else {
                words.push(name.to_owned());
                words.push(shell_word(value));
            }
            Ok(())
        };
        option("--path", &self.lake)?;
        option("--table", &entry.name)?;
        let moment = view.compared().map_or(view.playhead, |(_, b)| b);
        option("--as-of", &moment.to_string())?;
        let is_sorted = view.comparison.as_ref().is_some_and(|c| c.sort().is_some());
        let query = self.query();
        if let Some((a, _)) = view.compared().filter(|_| query.is_some() || !is_sorted) {
            option("--compare", &a.to_string())?;
        }
        if let Some(query) = query {
            option("--query", query.editor.text())?;
            words.push(FRESH.to_owned());
            return Ok(words.join(" "));
        }
        if view
            .comparison
            .as_ref()
            .is_some_and(Comparison::is_filtered)
        {
            return Err(
                "the command line has no word for a filter of a comparison; without it, the rest has"
                    .to_owned(),
            );
        }
        if view.arranged.is_some() || is_sorted {
            // Filters and sorts are told in SQL.
            option("--query", &self.sql()?)?;
            words.push(FRESH.to_owned());
            return Ok(words.join(" "));
        }
        let shown: Vec<&str> = shown_values(view).collect();
        let all = self
            .info()
            .map(|i| i.columns.as_slice())
            .unwrap_or_default();
        if !shown
            .iter()
            .copied()
            .eq(all.iter().map(|c| c.name.as_str()))
        {
            // As the option reads its list.
            let is_plain =
                |name: &&str| !name.contains(',') && name.trim() == *name && !name.is_empty();
            if let Some(odd) = shown.iter().find(|name| !is_plain(name)) {
                let odd = crate::text::ellipsis(odd, 24);
                return Err(format!(
                    "--columns cannot name the column '{odd}'; copy sql can"
                ));
            }
            option("--columns", &shown.join(","))?;
        }
        words.push(FRESH.to_owned());
        Ok(words.join(" "))
    }

    /// The SQL that answers what is on screen: the rows of the moment by key, or the changes between two.
    pub fn sql(&self) -> Result<String, String> {
        if let Some(query) = self.query() {
            return Ok(query.editor.text().to_owned());
        }
        let (entry, view) = self.current().zip(self.view()).ok_or_else(no_table)?;
        if view
            .comparison
            .as_ref()
            .is_some_and(Comparison::is_filtered)
        {
            return Err(
                "the filter of a comparison has no SQL; without it, the rest has".to_owned(),
            );
        }
        if let Some((a, b)) = view.compared() {
            let only = match view.filter {
                RowFilter::All => "",
                RowFilter::Differences => " WHERE \"change\" IN ('added', 'removed', 'changed')",
                RowFilter::Added => " WHERE \"change\" = 'added'",
                RowFilter::Removed => " WHERE \"change\" = 'removed'",
            };
            let changes = format!(
                "changes({}, {}, {})",
                sql_text(&entry.name),
                sql_text(&a.to_string()),
                sql_text(&b.to_string())
            );
            let sort = view.comparison.as_ref().and_then(Comparison::sort);
            let by_time = sort.is_some_and(|(name, _)| name == EVENT_TIME);
            let by_time = by_time.then_some(EVENT_TIME);
            let shown: Vec<&str> = by_time.into_iter().chain(shown_values(view)).collect();
            let of = if view.columns.iter().all(|c| c.shown || !c.is_value()) {
                changes
            } else {
                format!("({})", changes_of(&changes, &shown))
            };
            let order = match sort {
                None => "\"key\"".to_owned(),
                Some((name, true)) if name == KEY => "\"key\" DESC".to_owned(),
                Some((name, _)) if name == KEY => "\"key\"".to_owned(),
                Some((name, _)) if !view.shows(name) => {
                    let name = crate::text::ellipsis(name, 24);
                    return Err(format!(
                        "the rows are by the column '{name}', which is hidden; shown, it can be told in SQL"
                    ));
                }
                Some((name, descending)) => by_shown_value(name, *descending),
            };
            return Ok(format!("SELECT * FROM {of}{only} ORDER BY {order}"));
        }
        self.statement_shown(true).ok_or_else(no_table)
    }
}

/// Nothing of how the lake was left comes in between.
const FRESH: &str = "--fresh";

fn no_row() -> String {
    "there is no row here".to_owned()
}

fn no_table() -> String {
    "no table is open".to_owned()
}

/// The names of the value columns that are shown, in their order.
fn shown_values(view: &TableView) -> impl Iterator<Item = &str> {
    let values = view.columns.iter().filter(|c| c.shown && c.is_value());
    values.map(|c| c.name.as_str())
}

/// The changes of some columns alone: what changed in others only was merely reported again.
fn changes_of(changes: &str, columns: &[&str]) -> String {
    let texts: Vec<String> = columns.iter().map(|c| sql_text(c)).collect();
    let kind = if texts.is_empty() {
        "CASE WHEN \"change\" = 'changed' THEN 'touched' ELSE \"change\" END".to_owned()
    } else {
        format!(
            "CASE WHEN \"change\" = 'changed' AND NOT array_has_any(\"columns\", [{}]) THEN 'touched' ELSE \"change\" END",
            texts.join(", ")
        )
    };
    let sides = columns.iter().flat_map(|column| {
        let name = |side| crate::expr::sql_name(&format!("{side}_{column}"));
        [format!(", {}", name("from")), format!(", {}", name("to"))]
    });
    let sides: String = sides.collect();
    format!("SELECT \"key\", {kind} AS \"change\"{sides} FROM {changes}")
}

/// By the later value of a column, as the rows of a comparison are sorted.
fn by_shown_value(column: &str, descending: bool) -> String {
    let [from, to] = ["from", "to"].map(|side| crate::expr::sql_name(&format!("{side}_{column}")));
    let way = if descending { " DESC" } else { "" };
    format!("CASE WHEN \"change\" = 'removed' THEN {from} ELSE {to} END{way} NULLS LAST, \"key\"")
}

/// The grid on screen: its rows, its cursor and columns, and whether A's side of a comparison is shown.
pub(super) type Shown<'a> = (Rows<'a>, &'a Grid, bool);

fn cell((rows, grid, flipped): Shown<'_>) -> Result<String, String> {
    let column = grid.columns.get(grid.column).ok_or_else(no_row)?;
    let value = value(rows, grid.row, flipped, column.source).ok_or_else(no_row)?;
    Ok(plain(value))
}

/// The cells of some rows in the cursor's column, a line each; no more than make a text that is too long for a clipboard.
fn column(
    (rows, grid, flipped): Shown<'_>,
    selected: RangeInclusive<usize>,
) -> Result<String, String> {
    let column = grid.columns.get(grid.column).ok_or_else(no_row)?;
    let mut text = String::new();
    for (line, at) in selected.enumerate() {
        if text.len() > COPY_AT_MOST {
            break;
        }
        if line > 0 {
            text.push('\n');
        }
        let value = value(rows, at, flipped, column.source);
        text += &value.map_or_else(String::new, |value| tsv_field(&plain(value)));
    }
    Ok(text)
}

/// Some rows as a spreadsheet takes them; no more of them than make a text that is too long for a clipboard.
fn rows(shown: Shown<'_>, selected: RangeInclusive<usize>) -> String {
    let (_, grid, _) = shown;
    let titles = grid.columns.iter().map(|c| tsv_field(&c.name));
    let mut text = titles.collect::<Vec<_>>().join("\t");
    for at in selected {
        if text.len() > COPY_AT_MOST {
            break;
        }
        text.push('\n');
        text += &row(shown, at);
    }
    text
}

fn row((rows, grid, flipped): Shown<'_>, at: usize) -> String {
    let values = grid.columns.iter().map(|column| {
        let value = value(rows, at, flipped, column.source);
        value.map_or_else(String::new, |value| tsv_field(&plain(value)))
    });
    values.collect::<Vec<_>>().join("\t")
}

/// A value of a row, as the side that is shown has it, or else the other one.
fn value(rows: Rows<'_>, row: usize, flipped: bool, source: Source) -> Option<Value<'_>> {
    let row = row.min(rows.len().checked_sub(1)?);
    let sides = if flipped {
        [Side::A, Side::B]
    } else {
        [Side::B, Side::A]
    };
    let cells = sides.map(|side| rows.cell(row, source, side));
    cells.into_iter().find_map(|cell| match cell {
        Cell::Value(value) => Some(value),
        Cell::Absent => None,
    })
}

/// A value as programs read it: no separators, times in RFC 3339, nothing for a null.
pub(super) fn plain(value: Value<'_>) -> String {
    match value {
        Value::Null => String::new(),
        Value::Text(text) => text.to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Bool(yes) => yes.to_string(),
        Value::Time(at) => at.to_string(),
    }
}

/// A field of a line of tab-separated values: what would end it is written as `\t`, `\n`, `\r`, and `\\`.
fn tsv_field(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\\' => out.push_str("\\\\"),
            c => out.push(c),
        }
    }
    out
}

/// A word that a POSIX shell takes for exactly this text.
fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./:@%+,-".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_field_never_ends_its_line_and_can_be_read_back() {
        assert_eq!(tsv_field("a\tb\nc\r\\n"), r"a\tb\nc\r\\n");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_shell_reads_a_quoted_word_as_what_it_was(text in "[a-zA-Z0-9'\"$`\\\\ \n*?~!#&;|<>(){}=,é-]{0,12}") {
            let script = format!("printf %s {}", shell_word(&text));
            let run = std::process::Command::new("sh").args(["-c", &script]).output();
            let run = run.expect("a shell");
            prop_assert_eq!(String::from_utf8_lossy(&run.stdout), text);
        }
    }
}
