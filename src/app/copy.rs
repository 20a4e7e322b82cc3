//! Copying: the cell, the row, the rows that are selected; and what shows the screen again.

use std::ops::RangeInclusive;

use crate::clipboard::COPY_AT_MOST;
use crate::scan::Value;
use crate::text::{bytes, counted};

use super::grid::{Grid, Source};
use super::keymap::Action;
use super::rows::{Cell, Rows, Side};
use super::{App, Effect};

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
                let left_out = self.left_out_of_sql().filter(|_| what == Copied::Sql);
                let left_out = left_out.map_or_else(String::new, |what| format!(", {what}"));
                let size = bytes(text.len() as u64);
                self.notify(format!("copied the {name} ({size}){left_out}"));
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
}

fn no_row() -> String {
    "there is no row here".to_owned()
}

/// The grid on screen: its rows, its cursor and columns, and whether A's side of a comparison is shown.
pub(super) type Shown<'a> = (Rows<'a>, &'a Grid, bool);

fn cell((rows, grid, flipped): Shown<'_>) -> Result<String, String> {
    let column = grid.columns.get(grid.column).ok_or_else(no_row)?;
    let value = value(rows, grid.row, flipped, column.source).ok_or_else(no_row)?;
    Ok(value.to_plain().unwrap_or_default())
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
        text += &tsv_of(value);
    }
    Ok(text)
}

/// Some rows as a spreadsheet takes them; no more of them than make a text that is too long for a clipboard.
fn rows(shown: Shown<'_>, selected: RangeInclusive<usize>) -> String {
    let (rows, grid, _) = shown;
    // Of two moments, what became of each row tells which of them it is of.
    let is_compared = matches!(rows, Rows::Compared(_));
    let change = is_compared.then(|| "change".to_owned());
    let titles = grid.columns.iter().map(|c| tsv_field(&c.name));
    let titles: Vec<String> = change.into_iter().chain(titles).collect();
    let mut text = titles.join("\t");
    for at in selected {
        if text.len() > COPY_AT_MOST {
            break;
        }
        text.push('\n');
        if let Some(kind) = rows.kind(at) {
            text += kind.name();
            text.push('\t');
        }
        text += &row(shown, at);
    }
    text
}

fn row((rows, grid, flipped): Shown<'_>, at: usize) -> String {
    let values = grid.columns.iter().map(|column| {
        let value = value(rows, at, flipped, column.source);
        tsv_of(value)
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

/// A value, where there is one, as a field of a line of tab-separated values.
fn tsv_of(value: Option<Value<'_>>) -> String {
    let text = value.and_then(Value::to_plain);
    tsv_field(&text.unwrap_or_default())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_never_ends_its_line_and_can_be_read_back() {
        assert_eq!(tsv_field("a\tb\nc\r\\n"), r"a\tb\nc\r\\n");
    }
}
