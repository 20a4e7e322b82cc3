//! What the mouse does: click selects, drag selects rows, wheel scrolls; over the timeline, wheel steps and drag scrubs; drag
//! on the edge of a column resizes it.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Rect;

use super::grid::Grid;
use super::layout::Areas;
use super::query::{result_area, text_area};
use super::rows::{CompareMode, Rows};
use super::table_view::lines_above;
use super::{App, Effect, Overlay, Panel};

/// Rows that a notch of the wheel scrolls.
const WHEEL_ROWS: usize = 3;

/// What is being dragged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drag {
    None,
    /// The playhead.
    Playhead,
    /// The right edge of a column of the grid, which starts at this cell.
    ColumnEdge {
        column: usize,
        start: u16,
    },
    /// The end of a selection that begins at this row.
    Rows {
        from: usize,
    },
}

impl App {
    pub(super) fn on_mouse(&mut self, event: MouseEvent) -> Vec<Effect> {
        let Some(areas) = self.areas else {
            return Vec::new();
        };
        let (x, y) = (event.column, event.row);
        match event.kind {
            MouseEventKind::ScrollUp | MouseEventKind::ScrollDown => {
                return self.on_wheel(areas, x, y, event.kind == MouseEventKind::ScrollDown);
            }
            _ if self.overlay.is_some() => {
                if matches!(event.kind, MouseEventKind::Down(_)) {
                    self.overlay = None;
                }
            }
            MouseEventKind::Down(MouseButton::Left) => return self.on_click(areas, x, y),
            MouseEventKind::Drag(MouseButton::Left) => return self.on_drag(areas, x, y),
            MouseEventKind::Up(_) => self.drag = Drag::None,
            _ => {}
        }
        Vec::new()
    }

    fn on_wheel(&mut self, areas: Areas, x: u16, y: u16, down: bool) -> Vec<Effect> {
        let scroll = |at: &mut usize, by: usize| {
            *at = if down {
                *at + by
            } else {
                at.saturating_sub(by)
            }
        };
        let most = self.text_extent.get();
        if let Some((text, _)) = self.text_on_top() {
            text.bound(most);
            text.by(WHEEL_ROWS, down);
            return Vec::new();
        }
        let marks = self.marks().len();
        match &mut self.overlay {
            Some(Overlay::History(open)) => scroll(&mut open.row, WHEEL_ROWS),
            Some(Overlay::Commands(palette)) => scroll(&mut palette.cursor, 1),
            Some(Overlay::Marks(cursor)) => {
                scroll(cursor, 1);
                *cursor = (*cursor).min(marks.saturating_sub(1));
            }
            Some(
                Overlay::GoTo(_)
                | Overlay::Ask(_)
                | Overlay::Export(_)
                | Overlay::Help(_)
                | Overlay::Row(_)
                | Overlay::Why(_)
                | Overlay::Log(_),
            ) => {}
            None => match areas.panel_at(x, y) {
                Some(Panel::Timeline) => return self.step(if down { 1 } else { -1 }),
                Some(panel @ (Panel::Tables | Panel::Columns)) => {
                    self.move_in_list(panel, |at, _| {
                        let mut at = at;
                        scroll(&mut at, 1);
                        at
                    });
                }
                Some(Panel::Data) if self.query.is_open => {
                    let rows = self.query.rows().map_or(0, Rows::len);
                    let mut row = self.query.grid.row;
                    scroll(&mut row, WHEEL_ROWS);
                    let row = row.min(rows.saturating_sub(1));
                    self.query.grid.move_keeping_line(row);
                }
                Some(Panel::Data) => {
                    if let Some(view) = self.view_mut() {
                        let rows = view.rows().map_or(0, Rows::len);
                        let mut row = view.grid.row;
                        scroll(&mut row, WHEEL_ROWS);
                        view.grid.move_keeping_line(row.min(rows.saturating_sub(1)));
                        view.lost_key = None;
                    }
                }
                None => {}
            },
        }
        Vec::new()
    }

    fn on_click(&mut self, areas: Areas, x: u16, y: u16) -> Vec<Effect> {
        if areas.tabs
            && y == areas.header.bottom()
            && let Some(panel) = tab_at(x)
        {
            self.focus_on(panel);
            return Vec::new();
        }
        let Some(panel) = areas.panel_at(x, y) else {
            return Vec::new();
        };
        // What is listed where, before the focus moves.
        let entry = self.list_entry_at(panel, y);
        self.focus_on(panel);
        match panel {
            Panel::Tables => {
                if let Some(at) = entry {
                    return self.open_table(at);
                }
            }
            Panel::Columns => {
                let left = areas.columns.map_or(0, |area| area.x);
                if let (Some(at), Some(view)) = (entry, self.view_mut()) {
                    view.column_cursor = at;
                    // A click on the sign shows or hides.
                    if x <= left + 3 {
                        return self.toggle_column();
                    }
                }
            }
            Panel::Data => self.click_grid(areas, x, y),
            Panel::Timeline => {
                self.drag = Drag::Playhead;
                return self.scrub_to(areas, x);
            }
        }
        Vec::new()
    }

    /// A click in the text of a query goes on with it; one in the rows puts the cursor there.
    fn click_grid(&mut self, areas: Areas, x: u16, y: u16) {
        let Some(area) = areas.data else { return };
        if self.query.is_open {
            let query = &mut self.query;
            query.is_editing = y < text_area(area, query).bottom();
            query.completion = None;
            if query.is_editing {
                return;
            }
        }
        let Some((shown, grid)) = self.shown_on(area).zip(self.grid_mut()) else {
            return;
        };
        let grabbed = shown.click(grid, x, y);
        if !self.query.is_open
            && !matches!(grabbed, Some(Drag::ColumnEdge { .. }))
            && let Some(view) = self.view_mut()
        {
            view.lost_key = None;
        }
        self.drag = grabbed.unwrap_or(self.drag);
    }

    /// The grid as it stands on the area of the rows.
    fn shown_on(&self, data: Rect) -> Option<Shown> {
        let (area, rows, is_compared, mode) = if let Some(query) = self.query() {
            let area = result_area(data, query);
            (
                area,
                query.rows(),
                query.comparison.is_some(),
                query.compare,
            )
        } else {
            let view = self.view()?;
            (data, view.rows(), view.comparison.is_some(), view.compare)
        };
        Some(Shown {
            inside: Areas::inside(area),
            rows: rows.map_or(0, Rows::len),
            lines: lines_above(is_compared, mode),
            // Side by side, both halves are laid out alike.
            is_halved: mode == CompareMode::SideBySide && is_compared,
        })
    }

    fn on_drag(&mut self, areas: Areas, x: u16, y: u16) -> Vec<Effect> {
        match self.drag {
            Drag::Playhead => return self.scrub_to(areas, x),
            Drag::ColumnEdge { column, start } => {
                if let Some(grid) = self.grid_mut() {
                    grid.resize(column, x.saturating_sub(start));
                }
            }
            Drag::Rows { from } => {
                let shown = areas.data.and_then(|area| self.shown_on(area));
                if let Some((shown, grid)) = shown.zip(self.grid_mut()) {
                    shown.drag(grid, from, y);
                }
            }
            Drag::None => {}
        }
        Vec::new()
    }

    fn scrub_to(&mut self, areas: Areas, x: u16) -> Vec<Effect> {
        let inside = Areas::inside(areas.timeline);
        let cell = x
            .saturating_sub(inside.x)
            .min(inside.width.saturating_sub(1));
        let moment = self
            .view()
            .and_then(|v| v.timeline.moment_at(cell, inside.width));
        moment.map_or_else(Vec::new, |m| self.go_to(m))
    }
}

/// A grid as it stands on screen.
struct Shown {
    inside: Rect,
    rows: usize,
    /// Lines above the rows.
    lines: u16,
    /// True where both sides of a comparison stand side by side.
    is_halved: bool,
}

impl Shown {
    /// Selects the cell at a place of the screen; what is grabbed there, if anything.
    fn click(&self, grid: &mut Grid, x: u16, y: u16) -> Option<Drag> {
        let Self { inside, lines, .. } = *self;
        let half = (inside.width.saturating_sub(1)) / 2 + 1;
        let mut cell = x.saturating_sub(inside.x);
        let mut left = inside.x;
        if self.is_halved && cell >= half {
            cell -= half;
            left += half;
        }
        let hit = grid.column_at(cell);
        if let Some((column, _)) = hit {
            grid.column = column;
        }
        if y + 1 == inside.y + lines {
            let (column, _) = hit.filter(|(_, is_edge)| *is_edge)?;
            let placed = grid.placed.iter().find(|p| p.column == column)?;
            return Some(Drag::ColumnEdge {
                column,
                start: left + placed.x,
            });
        }
        if (inside.y + lines..inside.bottom()).contains(&y) {
            let row = grid.top + usize::from(y - inside.y - lines);
            if row < self.rows {
                grid.row = row;
                grid.selected_from = None;
                return Some(Drag::Rows { from: row });
            }
        }
        None
    }

    /// Selects the rows from one on to that at a line of the screen; above and below the rows, one more.
    fn drag(&self, grid: &mut Grid, from: usize, y: u16) {
        let first = self.inside.y + self.lines;
        let row = match y.checked_sub(first) {
            Some(line) => grid.top + usize::from(line).min(grid.height),
            None => grid.top.saturating_sub(1),
        };
        grid.row = row.min(self.rows.saturating_sub(1));
        if grid.row != from || grid.selected_from.is_some() {
            grid.selected_from.get_or_insert(from);
        }
    }
}

/// The tab at a column of the line of tabs, as [`tabs`] lays them out.
fn tab_at(x: u16) -> Option<Panel> {
    tabs()
        .into_iter()
        .find(|(_, start, label)| (*start..*start + label.len() as u16).contains(&x))
        .map(|(p, ..)| p)
}

/// The tabs of a small screen: panel, first cell, label.
pub fn tabs() -> Vec<(Panel, u16, String)> {
    let mut x = 2;
    let mut all = Vec::new();
    for (number, panel) in Panel::ALL.into_iter().take(3).enumerate() {
        let label = format!(" {} {} ", number + 1, panel.title());
        let width = label.len() as u16;
        all.push((panel, x, label));
        x += width + 1;
    }
    all
}
