//! The rows.

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Text};
use ratatui::widgets::{Paragraph, Widget, Wrap};

use crate::app::grid::{Grid, Source};
use crate::app::layout::Areas;
use crate::app::rows::{Cell, CompareMode, Comparison, RowFilter, Rows, Side};
use crate::app::{App, LONG_READ_MS, Panel, TableView};
use crate::diff::ChangeKind;
use crate::event_time::AsOf;
use crate::scan::Value;
use crate::text::{counted, fit, thousands, visible};

use super::canvas::Canvas;
use super::compare;
use super::lists::title;
use super::theme::Role;

pub(super) fn draw(app: &App, areas: Areas, canvas: &mut Canvas<'_>) {
    let Some(area) = areas.data else { return };
    if let Some(pane) = app.query() {
        return super::query::draw(app, pane, areas, area, canvas);
    }
    let focused = app.focus == Panel::Data && app.overlay.is_none();
    let inside = Areas::inside(area);
    let mut left = title(areas, Panel::Data, focused);
    if !left.is_empty() {
        left.push((
            " ─ ".to_owned(),
            if focused { Role::Focus } else { Role::Border },
        ));
        left.extend(in_force(app));
    }
    let view = app.view();
    let mut right = view.map(|v| extent(app, v)).unwrap_or_default();
    // The tabs stand where the title would; what does not fit beside them goes, the least important first.
    let taken = if areas.tabs {
        crate::app::tabs()
            .last()
            .map_or(0, |(_, x, label)| *x + label.len() as u16)
    } else {
        0
    };
    let width = |pieces: &[(String, Role)]| {
        pieces
            .iter()
            .map(|(t, _)| crate::text::width(t) as u16)
            .sum::<u16>()
    };
    while !right.is_empty() && width(&right) + taken + 5 > area.width {
        right.remove(0);
    }
    canvas.frame(area, &left, &right, focused);
    let Some(view) = view else {
        no_table(app, inside, canvas);
        return;
    };
    if let Some(error) = &view.error {
        let mut lines = vec![
            "This table cannot be read as of this moment.".to_owned(),
            String::new(),
            error.to_string(),
        ];
        lines.extend(error.next_step().map(|step| format!("→ {step}")));
        paragraph(canvas, padded(inside), &lines, Role::Error);
        return;
    }
    match view.rows() {
        None => paragraph(canvas, padded(inside), &[reading(app, view)], Role::Waiting),
        Some(shown) => {
            let look = Look::of(view);
            rows(look, shown, inside, focused, canvas);
            if shown.is_empty() {
                let lines = view.lines_above_rows();
                let below = Rect {
                    y: inside.y + lines,
                    height: inside.height.saturating_sub(lines),
                    ..inside
                };
                paragraph(canvas, padded(below), &[no_rows(view)], Role::Dim);
            }
            hidden_columns(&view.grid, area, focused, canvas);
        }
    }
}

/// The order and the filter of the rows that are shown.
fn in_force(app: &App) -> Vec<(String, Role)> {
    let by = app.view().and_then(|view| match &view.comparison {
        Some(comparison) => comparison.arranged.as_ref().map(|a| &a.by),
        None => view.arranged.as_ref().map(|a| &a.by),
    });
    let mut pieces = vec![match by.and_then(|by| by.sort.as_ref()) {
        Some((name, descending)) => {
            let sign = if *descending { "↓" } else { "↑" };
            (
                format!("by {} {sign}", crate::text::ellipsis(name, 20)),
                Role::Waiting,
            )
        }
        None => ("by key ↑".to_owned(), Role::Dim),
    }];
    pieces.extend(by.and_then(|by| by.filter.as_deref()).map(condition));
    pieces
}

fn condition(text: &str) -> (String, Role) {
    let text = crate::text::ellipsis(text, 44);
    (format!(" & {text}"), Role::Waiting)
}

/// On the bottom border: how many columns there are to the left and to the right of those in view.
pub(super) fn hidden_columns(grid: &Grid, area: Rect, focused: bool, canvas: &mut Canvas<'_>) {
    let left = grid
        .placed
        .get(grid.held)
        .map_or(0, |p| p.column.saturating_sub(grid.held));
    let right = grid
        .placed
        .last()
        .map_or(0, |p| (grid.columns.len() - 1).saturating_sub(p.column));
    let style = canvas
        .theme
        .style(if focused { Role::Focus } else { Role::Dim });
    if left > 0 {
        let label = format!(" ‹ {left} more ");
        canvas.put(area.x + 2, area.bottom() - 1, &label, area.width / 2, style);
    }
    if right > 0 {
        let label = format!(" {right} more › ");
        let width = label.chars().count() as u16;
        canvas.put(
            area.right().saturating_sub(width + 2),
            area.bottom() - 1,
            &label,
            width,
            style,
        );
    }
}

/// What stands on the right of the top border: how far a long read has come, or which rows are in view.
fn extent(app: &App, view: &TableView) -> Vec<(String, Role)> {
    if view
        .pending
        .is_some_and(|p| app.clock.ms >= p.since_ms + LONG_READ_MS)
    {
        return vec![(reading(app, view), Role::Waiting)];
    }
    let number = |n: usize| thousands(n as i64);
    match view
        .rows()
        .filter(|r| view.error.is_none() && !r.is_empty())
    {
        Some(rows) => {
            let last = (view.grid.top + view.grid.height).min(rows.len());
            let span = format!(
                "{}–{} of {}",
                number(view.grid.top + 1),
                number(last),
                number(rows.len())
            );
            let mut pieces = match rows {
                Rows::Compared(comparison) => {
                    let shown = (view.filter, view.changed_columns_only);
                    place_among_changes(comparison, view.grid.row, shown)
                }
                _ => Vec::new(),
            };
            pieces.push((span, Role::Dim));
            pieces.extend(selected(&view.grid));
            pieces
        }
        None => Vec::new(),
    }
}

/// How many rows are selected.
pub(super) fn selected(grid: &Grid) -> Option<(String, Role)> {
    let rows = grid.selection()?;
    let count = counted(rows.end() - rows.start() + 1, "row");
    Some((format!(" · {count} selected"), Role::Focus))
}

/// Which part of a comparison is shown, and which change a row is.
pub(super) fn place_among_changes(
    comparison: &Comparison,
    row: usize,
    (filter, changed_columns_only): (RowFilter, bool),
) -> Vec<(String, Role)> {
    let mut pieces = Vec::new();
    if !filter.label().is_empty() {
        pieces.push((format!("{} · ", filter.label()), Role::Waiting));
    }
    if changed_columns_only {
        pieces.push(("changed columns · ".to_owned(), Role::Waiting));
    }
    let of = comparison.difference_count();
    let kind = Rows::Compared(comparison).kind(row);
    pieces.push(if kind.is_some_and(ChangeKind::is_difference) {
        let at = thousands(comparison.differences_until(row) as i64);
        let text = format!("change {at} of {} · ", thousands(of as i64));
        (text, Role::Text)
    } else {
        (format!("{} · ", counted(of, "change")), Role::Text)
    });
    pieces
}

fn reading(app: &App, view: &TableView) -> String {
    let seconds = view
        .pending
        .map_or(0, |p| app.clock.ms.saturating_sub(p.since_ms))
        / 1_000;
    let far = match view.pending.and_then(|p| p.progress) {
        Some((read, of)) if of > 0 => format!("reading row group {read} of {of}"),
        _ => "reading".to_owned(),
    };
    let time = if seconds > 0 {
        format!(" · {seconds} s")
    } else {
        String::new()
    };
    format!("{far}{time} · Esc cancels")
}

fn no_table(app: &App, inside: Rect, canvas: &mut Canvas<'_>) {
    if let Some(error) = &app.lake_error {
        let mut lines = vec![
            "The lake cannot be read.".to_owned(),
            String::new(),
            error.to_string(),
        ];
        lines.extend(error.next_step().map(|step| format!("→ {step}")));
        return paragraph(canvas, padded(inside), &lines, Role::Error);
    }
    if let Some(Err(error)) = app.current().and_then(|t| t.info.as_ref()) {
        let mut lines = vec![
            "This table cannot be opened.".to_owned(),
            String::new(),
            error.to_string(),
        ];
        lines.extend(error.next_step().map(|step| format!("→ {step}")));
        return paragraph(canvas, padded(inside), &lines, Role::Error);
    }
    let line = if app.listing {
        "looking for tables".to_owned()
    } else if app.tables.is_empty() {
        "No tables here: a table is a folder that holds version.txt.".to_owned()
    } else {
        "Pick a table: 1, then Enter.".to_owned()
    };
    paragraph(canvas, padded(inside), &[line], Role::Dim);
}

/// What a grid is drawn by, beside its rows.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub grid: &'a Grid,
    /// How two moments are shown.
    pub compare: CompareMode,
    /// True where the inline comparison shows A's side.
    pub flipped: bool,
    /// True where the key under the cursor has gone from view.
    pub lost: bool,
}

impl<'a> Look<'a> {
    fn of(view: &'a TableView) -> Self {
        Self {
            grid: &view.grid,
            compare: view.compare,
            flipped: view.flipped,
            lost: view.lost_key.is_some(),
        }
    }
}

/// The rows of one moment or of two, with their titles.
pub(super) fn rows(
    look: Look<'_>,
    rows: Rows<'_>,
    inside: Rect,
    focused: bool,
    canvas: &mut Canvas<'_>,
) {
    match (rows, look.compare) {
        (Rows::Compared(comparison), CompareMode::SideBySide) => {
            compare::headline(look.flipped, comparison, inside, canvas);
            let width = (inside.width.saturating_sub(1)) / 2;
            let left = Rect {
                y: inside.y + 1,
                width,
                height: inside.height.saturating_sub(1),
                ..inside
            };
            let right = Rect {
                x: inside.x + width + 1,
                ..left
            };
            for y in left.y..left.bottom() {
                canvas.put(left.right(), y, "│", 1, canvas.theme.style(Role::Border));
            }
            for (area, side) in [(left, Side::A), (right, Side::B)] {
                if !area.is_empty() {
                    compare::side_title(comparison, side, area, canvas);
                }
                let titles = Rect {
                    y: area.y + 1,
                    height: area.height.saturating_sub(1),
                    ..area
                };
                half(look, rows, side, titles, focused, canvas);
            }
        }
        (Rows::Compared(comparison), _) => {
            compare::headline(look.flipped, comparison, inside, canvas);
            let titles = Rect {
                y: inside.y + 1,
                height: inside.height.saturating_sub(1),
                ..inside
            };
            let side = if look.flipped { Side::A } else { Side::B };
            half(look, rows, side, titles, focused, canvas);
        }
        (Rows::Plain(..) | Rows::Result(_), _) => {
            half(look, rows, Side::B, inside, focused, canvas);
        }
    }
}

/// One grid: its titles and the rows in view, as one side has them.
fn half(
    look: Look<'_>,
    rows: Rows<'_>,
    side: Side,
    area: Rect,
    focused: bool,
    canvas: &mut Canvas<'_>,
) {
    let grid = look.grid;
    if area.is_empty() {
        return;
    }
    for placed in &grid.placed {
        let column = &grid.columns[placed.column];
        let name = fit(&column.name, usize::from(placed.width), column.align());
        let style = canvas
            .theme
            .style(Role::Title)
            .add_modifier(Modifier::UNDERLINED);
        canvas.put(area.x + placed.x, area.y, &name, placed.width, style);
    }
    pin_line(grid, area, canvas);
    let in_view = grid.top..(grid.top + grid.height).min(rows.len());
    for (line, row) in in_view.enumerate() {
        let y = area.y + 1 + line as u16;
        if y >= area.bottom() {
            break;
        }
        let is_selected = grid.selection().is_some_and(|rows| rows.contains(&row));
        if row == grid.row || is_selected {
            canvas.restyle(
                Rect::new(area.x, y, area.width, 1),
                canvas.theme.cursor_row(focused),
            );
            let sign = match row == grid.row {
                true if look.lost => "▹",
                true => "▸",
                false => "▌",
            };
            canvas.put(area.x, y, sign, 1, canvas.theme.style(Role::Focus));
        }
        draw_row(
            look,
            rows,
            (row, side),
            Rect {
                y,
                height: 1,
                ..area
            },
            focused,
            canvas,
        );
    }
}

/// Columns that stay in view stand apart from those that scroll.
fn pin_line(grid: &Grid, area: Rect, canvas: &mut Canvas<'_>) {
    if grid.held < 2 || grid.placed.len() <= grid.held {
        return;
    }
    let last = &grid.placed[grid.held - 1];
    let style = canvas.theme.style(Role::Border);
    for y in area.y..area.bottom() {
        canvas.put(area.x + last.x + last.width, y, "│", 1, style);
    }
}

fn draw_row(
    look: Look<'_>,
    rows: Rows<'_>,
    (row, side): (usize, Side),
    area: Rect,
    focused: bool,
    canvas: &mut Canvas<'_>,
) {
    let grid = look.grid;
    let kind = rows.kind(row);
    if let Some(kind) = kind {
        canvas.put(
            area.x + 2,
            area.y,
            kind.glyph(),
            1,
            canvas.theme.style(compare::role(kind)),
        );
    }
    // Inline, a row that only the other side has is shown as that side has it.
    let side = match (kind, look.compare) {
        (Some(ChangeKind::Removed), CompareMode::Inline) => Side::A,
        (Some(ChangeKind::Added), CompareMode::Inline) if !look.flipped => Side::B,
        _ => side,
    };
    if kind.is_some() && rows.cell(row, Source::Key, side) == Cell::Absent {
        // Absent is not null: there is no row here at all.
        let filler = "╌".repeat(usize::from(area.width.saturating_sub(grid.gutter + 1)));
        canvas.put(
            area.x + grid.gutter,
            area.y,
            &filler,
            area.width,
            canvas.theme.style(Role::Border),
        );
        return;
    }
    for placed in &grid.placed {
        let column = &grid.columns[placed.column];
        let x = area.x + placed.x;
        let cell = Rect::new(x, area.y, placed.width, 1);
        let Cell::Value(value) = rows.cell(row, column.source, side) else {
            canvas.put(
                x,
                area.y,
                &"╌".repeat(usize::from(placed.width)),
                placed.width,
                canvas.theme.style(Role::Border),
            );
            continue;
        };
        let text = fit(
            &rows.text(column.source, value, placed.precision),
            usize::from(placed.width),
            column.align(),
        );
        let changed = rows.is_cell_changed(row, column.source);
        let role = match (kind, value, column.source) {
            _ if changed => Role::Changed,
            (_, Value::Null, _) => Role::Null,
            (Some(ChangeKind::Added), ..) => Role::Added,
            (Some(ChangeKind::Removed), ..) => Role::Removed,
            (Some(ChangeKind::Touched), _, Source::EventTime) => Role::Touched,
            (_, _, Source::Key) => Role::Key,
            (_, _, Source::EventTime) => Role::Dim,
            _ => Role::Text,
        };
        canvas.put(x, area.y, &text, placed.width, canvas.theme.style(role));
        if changed {
            // The sign stands in the gap before the cell, so that it shows whatever the cell holds, cut or not.
            canvas.put(
                x.saturating_sub(1),
                area.y,
                ChangeKind::Changed.glyph(),
                1,
                canvas.theme.style(Role::Changed),
            );
            underline(&text, cell, canvas);
        }
        if row == grid.row && placed.column == grid.column {
            canvas.restyle(cell, canvas.theme.cursor_cell(focused));
        }
    }
}

/// Underlines a cell's text, not the space around it.
pub(super) fn underline(text: &str, cell: Rect, canvas: &mut Canvas<'_>) {
    let lead = (text.len() - text.trim_start().len()) as u16;
    let shown = crate::text::width(text.trim()) as u16;
    let area = Rect {
        x: cell.x + lead,
        width: shown.min(cell.width.saturating_sub(lead)),
        ..cell
    };
    canvas.restyle(area, Style::new().add_modifier(Modifier::UNDERLINED));
}

fn no_rows(view: &TableView) -> String {
    if view.comparison.is_some() {
        return match view.filter.label() {
            "" if view
                .comparison
                .as_ref()
                .is_some_and(Comparison::is_filtered) =>
            {
                "No row meets the condition at either moment. Press & to change it.".to_owned()
            }
            "" => "No rows as of either moment.".to_owned(),
            filter => {
                format!("No rows are left by the filter: {filter}. Press c for the next one.")
            }
        };
    }
    let first = view
        .timeline
        .ticks
        .as_ref()
        .and_then(|t| t.range())
        .map(|(first, _)| first);
    if view
        .arranged
        .as_ref()
        .is_some_and(|a| a.by.filter.is_some())
    {
        return "No row meets the condition as of this moment. Press & to change it.".to_owned();
    }
    match (view.snapshot.as_ref().map(|s| s.as_of()), first) {
        (Some(AsOf::At(at)), Some(first)) if at < first => {
            format!(
                "No rows yet: the first tick is {}. Press . to go there.",
                first.to_text(first.precision())
            )
        }
        _ => "No rows as of this moment.".to_owned(),
    }
}

pub(super) fn padded(area: Rect) -> Rect {
    Rect {
        x: area.x + 1,
        y: area.y + u16::from(area.height > 4),
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(u16::from(area.height > 4)),
    }
}

/// Writes lines, wrapped at words.
pub(super) fn paragraph(canvas: &mut Canvas<'_>, area: Rect, lines: &[String], role: Role) {
    let style = canvas.theme.style(role);
    let lines: Vec<Line<'_>> = lines
        .iter()
        .map(|l| Line::styled(visible(l), style))
        .collect();
    let area = area.intersection(canvas.buffer.area);
    Paragraph::new(Text::from(lines))
        .wrap(Wrap { trim: true })
        .render(area, canvas.buffer);
}
