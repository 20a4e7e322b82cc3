//! What the person does with columns: shows and hides them, moves them, keeps them in view, makes them wide.

use crate::engine::RequestId;

use super::{App, Effect, Panel, TableView};

/// What is longer than this is cut where a line names it.
const NAME_WIDTH: usize = 28;

impl TableView {
    /// The column that is selected: in the list of columns its cursor's, elsewhere the grid's.
    fn selected_column(&self, focus: Panel) -> Option<usize> {
        if focus == Panel::Columns {
            return Some(self.column_cursor);
        }
        let name = &self.grid.columns.get(self.grid.column)?.name;
        self.columns.iter().position(|c| c.name == *name)
    }

    /// The position among the rows' columns of the column that is selected.
    fn selected_in_grid(&self, focus: Panel) -> Option<usize> {
        let name = &self.columns.get(self.selected_column(focus)?)?.name;
        self.grid.columns.iter().position(|c| c.name == *name)
    }

    /// The number of columns that stay in view, the key included; they are the first ones.
    fn pinned(&self) -> usize {
        1 + self.columns.iter().filter(|c| c.pinned).count()
    }

    /// Puts a column elsewhere; the cursor stays on its column, and the rows show the new order.
    fn put_column(&mut self, from: usize, to: usize) {
        let on = self.columns.get(self.column_cursor).map(|c| c.rank);
        let column = self.columns.remove(from);
        self.columns.insert(to, column);
        let now = self.columns.iter().position(|c| Some(c.rank) == on);
        self.column_cursor = now.unwrap_or(0);
        self.set_grid_columns();
    }
}

impl App {
    /// Shows or hides the column under the cursor.
    pub(super) fn toggle_column(&mut self) -> Vec<Effect> {
        let next = RequestId(self.last_id.0 + 1);
        let Some(view) = self.view_mut() else {
            return Vec::new();
        };
        let at = view.column_cursor;
        if at == 0 {
            self.notify("the key is always shown");
            return Vec::new();
        }
        view.columns[at].shown = !view.columns[at].shown;
        if !view.columns[at].is_value() {
            // The event time comes with every read.
            view.set_grid_columns();
            return Vec::new();
        }
        view.valid_from = next;
        self.read_rows()
    }

    /// Moves the column under the cursor one place up or down the list, which is left or right among the rows. Columns
    /// that stay in view stay among themselves.
    pub(super) fn move_column(&mut self, down: bool) {
        let Some(view) = self.view_mut() else { return };
        let (at, pinned) = (view.column_cursor, view.pinned());
        let places = if at < pinned {
            1..pinned
        } else {
            pinned..view.columns.len()
        };
        let to = if down { at + 1 } else { at.saturating_sub(1) };
        if at == 0 {
            self.notify("the key stays where it is");
        } else if places.contains(&to) {
            view.put_column(at, to);
        } else {
            self.notify(match (down, at < pinned) {
                (false, false) if pinned > 1 => {
                    "above are the pinned columns; p pins this one, too"
                }
                (true, true) => "below are the columns that scroll; p unpins this one",
                (false, _) => "this is the first column",
                (true, _) => "this is the last column",
            });
        }
    }

    /// Keeps the selected column in view beside the key, or lets it scroll again.
    pub(super) fn pin_column(&mut self) {
        let focus = self.focus;
        let Some(view) = self.view_mut().filter(|v| !v.columns.is_empty()) else {
            return;
        };
        let Some(at) = view.selected_column(focus) else {
            return;
        };
        if at == 0 {
            self.notify("the key always stays in view");
            return;
        }
        let name = crate::text::ellipsis(&view.columns[at].name, NAME_WIDTH);
        let is_pinned = !view.columns[at].pinned;
        view.columns[at].pinned = is_pinned;
        // Behind the last one that is pinned, which is in front of the first one that is not.
        let to = view.pinned() - usize::from(is_pinned);
        view.put_column(at, to);
        self.notify(if is_pinned {
            format!("{name} stays in view; p lets it scroll")
        } else {
            format!("{name} scrolls with the rest")
        });
    }

    /// Makes the selected column as wide as its values, or gives it back the width that fits the others.
    pub(super) fn fit_column(&mut self) {
        let focus = self.focus;
        if self.query.is_open {
            let grid = &mut self.query.grid;
            grid.toggle_natural(grid.column);
            return;
        }
        let Some(view) = self.view_mut() else { return };
        match view.selected_in_grid(focus) {
            Some(at) => view.grid.toggle_natural(at),
            None => self.notify("the column is not shown; Enter shows it"),
        }
    }

    /// Sets the width of the selected column, in cells; `auto` gives it back the width that fits.
    pub(super) fn set_width(&mut self, typed: &str) -> Result<(), String> {
        let focus = self.focus;
        let width =
            match typed {
                "auto" => None,
                number => Some(number.parse().map_err(|_| {
                    format!("'{typed}' is no width; a number of cells, or auto, is")
                })?),
            };
        let (grid, at) = if self.query.is_open {
            let at = self.query.grid.column;
            (&mut self.query.grid, Some(at))
        } else {
            let view = self.view_mut().ok_or("no table is open")?;
            let at = view.selected_in_grid(focus);
            (&mut view.grid, at)
        };
        let at = at.ok_or("the column is not shown; Enter shows it")?;
        match width {
            Some(width) => grid.resize(at, width),
            None => grid.forget_width(at),
        }
        Ok(())
    }
}
