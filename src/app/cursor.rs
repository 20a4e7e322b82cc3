//! The focus, and the cursor in the panel that has it.

use super::grid::Grid;
use super::keymap::Action;
use super::rows::Rows;
use super::{App, Effect, Panel};

impl App {
    pub(super) fn focus_by(&mut self, places: usize) {
        let at = Panel::ALL
            .iter()
            .position(|p| *p == self.focus)
            .unwrap_or(0);
        self.focus_on(Panel::ALL[(at + places) % Panel::ALL.len()]);
    }

    pub(super) fn focus_on(&mut self, panel: Panel) {
        self.focus = panel;
        if let Some(narrow) = &mut self.narrow {
            narrow.is_typing &= narrow.panel == panel;
        }
        if panel != Panel::Timeline {
            self.main = panel;
        }
    }

    pub(super) fn move_cursor(&mut self, action: Action) -> Vec<Effect> {
        let page = self.page();
        let moved = |at: usize, count: usize| {
            match action {
                Action::Up => at.saturating_sub(1),
                Action::Down => at + 1,
                Action::PageUp => at.saturating_sub(page),
                Action::PageDown => at + page,
                Action::First => 0,
                Action::Last => usize::MAX,
                _ => at,
            }
            .min(count.saturating_sub(1))
        };
        match self.focus {
            Panel::Tables | Panel::Columns => self.move_in_list(self.focus, moved),
            Panel::Timeline => {
                return match action {
                    Action::First => self.step(i32::MIN),
                    Action::Last => self.step(i32::MAX),
                    _ => Vec::new(),
                };
            }
            Panel::Data => {
                let step = |grid: &mut Grid, rows: usize| {
                    match action {
                        Action::PageUp | Action::PageDown => {
                            grid.move_keeping_line(moved(grid.row, rows));
                        }
                        _ => grid.row = moved(grid.row, rows),
                    }
                    let last = grid.columns.len().saturating_sub(1);
                    grid.column = match action {
                        Action::Left => grid.column.saturating_sub(1),
                        Action::Right => (grid.column + 1).min(last),
                        Action::LineStart => {
                            grid.show_first_columns();
                            0
                        }
                        Action::LineEnd => last,
                        _ => grid.column,
                    };
                };
                if self.query.is_open {
                    let rows = self.query.rows().map_or(0, Rows::len);
                    step(&mut self.query.grid, rows);
                    return Vec::new();
                }
                self.with_view(|v| {
                    let rows = v.rows().map_or(0, Rows::len);
                    step(&mut v.grid, rows);
                    v.lost_key = None;
                });
            }
        }
        Vec::new()
    }

    /// The grid on screen.
    pub(super) fn grid_mut(&mut self) -> Option<&mut Grid> {
        if self.query.is_open {
            Some(&mut self.query.grid)
        } else {
            self.view_mut().map(|v| &mut v.grid)
        }
    }

    /// True where rows are selected.
    pub fn selects_rows(&self) -> bool {
        let grid = self.shown_grid().map(|(_, grid, _)| grid);
        !self.query_has_keys() && grid.is_some_and(|g| g.selected_from.is_some())
    }

    /// Begins a selection of rows at the cursor's, or ends it.
    pub(super) fn select(&mut self) {
        if self.shown_grid().is_none() {
            self.notify("there is no row here");
            return;
        }
        if let Some(view) = self.view_mut() {
            view.lost_selection = None;
        }
        self.begins_selection_while_finding();
        if let Some(grid) = self.grid_mut() {
            let ended = grid.selected_from.take().is_some();
            grid.selected_from = (!ended).then_some(grid.row);
        }
    }

    /// Rows of the focused panel in view.
    pub(super) fn page(&self) -> usize {
        let Some(areas) = self.areas else { return 1 };
        let height = match self.focus {
            Panel::Tables | Panel::Columns => self.list_area(self.focus).map(|a| a.height),
            Panel::Data => areas.data.map(|d| d.height.saturating_sub(3)),
            Panel::Timeline => None,
        };
        usize::from(height.unwrap_or(1).max(1))
    }
}
