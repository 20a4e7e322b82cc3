//! The grid of rows: its cursor, what of it is in view, and how wide its columns are.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use crate::event_time::Precision;
use crate::format::DataType;
use crate::scan::Value;
use crate::text::{self, Align};

pub use crate::snapshot::RowPart as Source;

use super::cell::{TimeStyle, alignment, precision_of};
use super::rows::{Cell, Rows, Side};

/// Cells between two columns.
pub const GAP: u16 = 2;

/// Cells before the first column: room for the cursor's sign.
const GUTTER: u16 = 2;

/// Cells before the first column of a comparison: room for the sign of the change, too.
const COMPARED_GUTTER: u16 = 4;

/// A column of text is not wider than this while others want the room: the first of these at which all columns are in
/// view, or else the last.
const TEXT_AT_MOST: [u16; 3] = [28, 18, 11];

/// No column is wider than this on its own account.
const ANY_AT_MOST: u16 = 400;

/// A column of the grid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridColumn {
    /// Its title.
    pub name: String,
    /// What it shows.
    pub source: Source,
    /// The type of its values.
    pub data_type: DataType,
}

impl GridColumn {
    /// Where its values stand.
    pub fn align(&self) -> Align {
        alignment(self.data_type)
    }
}

/// A column in view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Its position among the grid's columns.
    pub column: usize,
    /// Its first cell, from the grid's left edge.
    pub x: u16,
    /// Its cells.
    pub width: u16,
    /// How its times are printed.
    pub precision: Precision,
}

/// Cursor, view and widths of the grid.
#[derive(Debug, Clone, Default)]
pub struct Grid {
    /// The columns: the key, then those shown.
    pub columns: Vec<GridColumn>,
    /// How much of times is shown.
    pub times: TimeStyle,
    /// The cursor's row.
    pub row: usize,
    /// The cursor's column.
    pub column: usize,
    /// The row at which the selection began, which reaches to the cursor's; `None` where none is selected.
    pub selected_from: Option<usize>,
    /// The first row in view.
    pub top: usize,
    /// The columns that are to stay in view, the key included: the first ones.
    pinned: usize,
    /// How many of them do: the key, and as many as leave room for others.
    pub held: usize,
    /// The first column in view after those.
    first: usize,
    /// Rows in view.
    pub height: usize,
    /// Cells before the first column.
    pub gutter: u16,
    /// What a column of text has to make do with.
    text_at_most: u16,
    /// Columns in view.
    pub placed: Vec<Placed>,
    /// The widest cell seen of each column, so that columns do not twitch while rows go by.
    widest: HashMap<String, u16>,
    /// Widths that the person has set.
    custom: HashMap<String, u16>,
}

impl Grid {
    /// Takes the columns to show, the first `pinned` of which are to stay in view.
    pub fn set_columns(&mut self, columns: Vec<GridColumn>, pinned: usize) {
        self.pinned = pinned;
        if columns != self.columns {
            // The cursor stays on its column, wherever that is now.
            let name = self.columns.get(self.column).map(|c| c.name.clone());
            self.column = name
                .and_then(|n| columns.iter().position(|c| c.name == n))
                .unwrap_or(0);
            self.columns = columns;
        }
    }

    /// The rows that are selected, the first and the last.
    pub fn selection(&self) -> Option<RangeInclusive<usize>> {
        let from = self.selected_from?;
        Some(from.min(self.row)..=from.max(self.row))
    }

    /// Moves the cursor to a row and keeps it on the same line of the screen if it can.
    pub fn move_keeping_line(&mut self, row: usize) {
        let line = self.row.saturating_sub(self.top);
        self.row = row;
        self.top = row.saturating_sub(line);
    }

    /// Brings the first of the columns that scroll into view.
    pub(super) fn show_first_columns(&mut self) {
        self.first = 0;
    }

    /// Forgets what was seen of widths, for another table or size.
    pub fn forget_widths(&mut self) {
        self.widest.clear();
    }

    /// Sets a column's width.
    pub fn resize(&mut self, column: usize, width: u16) {
        if let Some(column) = self.columns.get(column) {
            let name = column.name.clone();
            self.set_custom_width(&name, width);
        }
    }

    /// Sets the width of the column of a name, whether that is there yet or not.
    pub fn set_custom_width(&mut self, name: &str, width: u16) {
        self.custom
            .insert(name.to_owned(), width.clamp(3, ANY_AT_MOST));
    }

    /// The widths that the person has set, by the columns' names.
    pub fn custom_widths(&self) -> impl Iterator<Item = (&str, u16)> {
        self.custom
            .iter()
            .map(|(name, width)| (name.as_str(), *width))
    }

    /// Gives a column back the width that fits.
    pub fn forget_width(&mut self, column: usize) {
        if let Some(column) = self.columns.get(column) {
            self.custom.remove(&column.name);
        }
    }

    /// Makes a column as wide as what was seen of it; one that the person has made wide gets back the width that fits.
    pub fn toggle_natural(&mut self, column: usize) {
        let Some(name) = self.columns.get(column).map(|c| c.name.clone()) else {
            return;
        };
        if self.custom.remove(&name).is_none() {
            let natural = self.widest.get(&name).copied().unwrap_or(1);
            self.custom.insert(name, natural);
        }
    }

    /// Brings everything into its bounds for an area of `width` by `height` cells, and places the columns.
    pub fn settle(&mut self, rows: Rows<'_>, width: u16, height: u16) {
        self.height = usize::from(height).max(1);
        self.gutter = if matches!(rows, Rows::Compared(_)) {
            COMPARED_GUTTER
        } else {
            GUTTER
        };
        self.row = self.row.min(rows.len().saturating_sub(1));
        self.selected_from = self.selected_from.filter(|from| *from < rows.len());
        self.top = self
            .top
            .min(self.row)
            .max((self.row + 1).saturating_sub(self.height));
        self.top = self.top.min(rows.len().saturating_sub(self.height));
        self.column = self.column.min(self.columns.len().saturating_sub(1));
        self.held = self.holdable(rows, width);
        self.first = self
            .first
            .clamp(self.held, self.columns.len().max(self.held));
        if self.column >= self.held {
            self.first = self.first.min(self.column);
        }
        let least = self.least_first(rows, width);
        self.first = self.first.max(least);
        self.place(rows, width);
        // Scroll right until the cursor's column is in view, whole if it can be.
        while self.column > self.first && !self.is_whole(self.column, width) {
            self.first += 1;
            self.place(rows, width);
        }
        // And back left while there is room to the right.
        while self.first > self.held && self.is_whole(self.columns.len() - 1, width) {
            self.first -= 1;
            self.place(rows, width);
            if !self.is_whole(self.columns.len() - 1, width) || !self.is_whole(self.column, width) {
                self.first += 1;
                self.place(rows, width);
                break;
            }
        }
    }

    /// How many of the columns that are to stay in view may: those that leave half of the width to others.
    fn holdable(&mut self, rows: Rows<'_>, width: u16) -> usize {
        self.text_at_most = TEXT_AT_MOST[0];
        let mut end = self.gutter;
        let mut held = 0;
        for index in 0..self.pinned.min(self.columns.len()) {
            self.measure(rows, index);
            end = end.saturating_add(self.wanted(index) + GAP);
            if held > 0 && end > width / 2 {
                break;
            }
            held += 1;
        }
        held.max(1)
    }

    /// A first column from which the cursor's might be in view, were all texts as narrow as they get; from one before it is
    /// not. Saves laying out hundreds of columns that are passed over.
    fn least_first(&mut self, rows: Rows<'_>, width: u16) -> usize {
        if self.column < self.first {
            return self.first;
        }
        self.text_at_most = TEXT_AT_MOST[TEXT_AT_MOST.len() - 1];
        let mut used = self.gutter;
        for index in 0..self.held.min(self.columns.len()) {
            self.measure(rows, index);
            used = used.saturating_add(self.wanted(index) + GAP);
        }
        for index in (self.first..=self.column).rev() {
            self.measure(rows, index);
            used = used.saturating_add(self.wanted(index) + GAP);
            if used > width.saturating_add(GAP) {
                return (index + 1).min(self.column);
            }
        }
        self.first
    }

    fn is_whole(&self, column: usize, width: u16) -> bool {
        self.placed.iter().any(|p| {
            p.column == column && p.x + p.width <= width && p.width >= self.wanted(p.column)
        }) || self.placed.len() == self.held + 1 && self.placed[self.held].column == column
    }

    /// The width that a column would have with all others.
    fn wanted(&self, column: usize) -> u16 {
        let column = &self.columns[column];
        if let Some(width) = self.custom.get(&column.name) {
            return *width;
        }
        let natural = self.widest.get(&column.name).copied().unwrap_or(1);
        if column.data_type == DataType::String {
            natural.min(self.text_at_most)
        } else {
            natural
        }
    }

    fn place(&mut self, rows: Rows<'_>, width: u16) {
        for text_at_most in TEXT_AT_MOST {
            self.text_at_most = text_at_most;
            self.place_at(rows, width);
            let last = self.placed.last();
            if last.is_some_and(|p| {
                p.column + 1 == self.columns.len() && p.width == self.wanted(p.column)
            }) {
                break;
            }
        }
        self.share_spare_room(width);
    }

    fn place_at(&mut self, rows: Rows<'_>, width: u16) {
        self.placed.clear();
        let mut x = self.gutter;
        let order: Vec<usize> = (0..self.columns.len().min(self.held))
            .chain(self.first..self.columns.len())
            .collect();
        for index in order {
            if x >= width {
                break;
            }
            let precision = self.measure(rows, index);
            let wanted = self.wanted(index);
            let room = width - x;
            // A number cut short would be another number: it is not begun where it does not fit.
            let least = if self.columns[index].align() == Align::Right {
                wanted
            } else {
                wanted.min(8)
            };
            if room < least && self.placed.len() > 1 {
                break;
            }
            self.placed.push(Placed {
                column: index,
                x,
                width: wanted.min(room),
                precision,
            });
            x += wanted.min(room) + GAP;
        }
    }

    /// Gives what is left to the texts that are cut, from the left.
    fn share_spare_room(&mut self, width: u16) {
        let end = self.placed.last().map_or(0, |p| p.x + p.width);
        let mut spare = width.saturating_sub(end);
        let mut shift = 0;
        for placed in &mut self.placed {
            placed.x += shift;
            let name = &self.columns[placed.column].name;
            if self.custom.contains_key(name) {
                continue;
            }
            let natural = self.widest.get(name).copied().unwrap_or(1);
            let more = natural.saturating_sub(placed.width).min(spare);
            placed.width += more;
            spare -= more;
            shift += more;
        }
    }

    /// Looks at the cells of a column that are in view.
    fn measure(&mut self, rows: Rows<'_>, index: usize) -> Precision {
        let column = &self.columns[index];
        let in_view = self.top..(self.top + self.height).min(rows.len());
        let sides = match rows {
            Rows::Plain(..) | Rows::Result(_) => &[Side::B][..],
            Rows::Compared(_) => &[Side::A, Side::B],
        };
        let values = || {
            let cells = in_view.clone().flat_map(|row| {
                sides
                    .iter()
                    .map(move |side| rows.cell(row, column.source, *side))
            });
            cells.filter_map(|cell| match cell {
                Cell::Value(value) => Some(value),
                Cell::Absent => None,
            })
        };
        let precision = precision_of(values().filter_map(|value| match value {
            Value::Time(at) => Some(at),
            _ => None,
        }));
        let precision = self.times.cell(precision);
        let cell = |value| {
            let text = rows.text(column.source, value, precision);
            text::width(&text::ellipsis(&text, usize::from(ANY_AT_MOST))) as u16
        };
        let title = text::width(&text::visible(&column.name)) as u16;
        let seen = values()
            .map(cell)
            .max()
            .unwrap_or(0)
            .max(title)
            .clamp(1, ANY_AT_MOST);
        let widest = self.widest.entry(column.name.clone()).or_insert(seen);
        *widest = (*widest).max(seen);
        precision
    }

    /// The column at a cell of the grid, and whether the cell is its right edge.
    pub fn column_at(&self, x: u16) -> Option<(usize, bool)> {
        let placed = self.placed.iter().rev().find(|p| x + 1 >= p.x)?;
        let end = placed.x + placed.width;
        (x <= end).then_some((placed.column, x == end))
    }
}
