//! The rows.

use ratatui::layout::Rect;
use ratatui::text::{Line, Text};
use ratatui::widgets::{Paragraph, Widget, Wrap};

use crate::app::cell::format_value;
use crate::app::grid::Source;
use crate::app::layout::Areas;
use crate::app::{App, LONG_READ_MS, Panel, TableView};
use crate::event_time::AsOf;
use crate::scan::{Snapshot, Value};
use crate::text::{fit, thousands, visible};

use super::canvas::Canvas;
use super::lists::title;
use super::theme::Role;

pub(super) fn draw(app: &App, areas: Areas, canvas: &mut Canvas<'_>) {
    let Some(area) = areas.data else { return };
    let focused = app.focus == Panel::Data && app.overlay.is_none();
    let inside = Areas::inside(area);
    let mut left = title(areas, Panel::Data, focused);
    if !left.is_empty() {
        left.push((
            " ─ ".to_owned(),
            if focused { Role::Focus } else { Role::Border },
        ));
        left.push(("by key ↑".to_owned(), Role::Dim));
    }
    let view = app.view();
    canvas.frame(
        area,
        &left,
        &view.map(|v| extent(app, v)).unwrap_or_default(),
        focused,
    );
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
    match &view.snapshot {
        None => paragraph(canvas, padded(inside), &[reading(app, view)], Role::Waiting),
        Some(snapshot) => rows(view, snapshot, inside, focused, canvas),
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
    match view.snapshot.as_ref().filter(|_| view.error.is_none()) {
        Some(snapshot) if !snapshot.is_empty() => {
            let last = (view.grid.top + view.grid.height).min(snapshot.len());
            let number = |n: usize| thousands(n as i64);
            vec![(
                format!(
                    "{}–{} of {}",
                    number(view.grid.top + 1),
                    number(last),
                    number(snapshot.len())
                ),
                Role::Dim,
            )]
        }
        _ => Vec::new(),
    }
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

fn rows(
    view: &TableView,
    snapshot: &Snapshot,
    inside: Rect,
    focused: bool,
    canvas: &mut Canvas<'_>,
) {
    let grid = &view.grid;
    for placed in &grid.placed {
        let column = &grid.columns[placed.column];
        let name = fit(&column.name, usize::from(placed.width), column.align());
        let style = canvas
            .theme
            .style(Role::Title)
            .add_modifier(ratatui::style::Modifier::UNDERLINED);
        canvas.put(inside.x + placed.x, inside.y, &name, placed.width, style);
    }
    if snapshot.is_empty() {
        let below = Rect {
            y: inside.y + 1,
            height: inside.height.saturating_sub(1),
            ..inside
        };
        paragraph(canvas, padded(below), &[no_rows(view, snapshot)], Role::Dim);
        return;
    }
    let in_view = grid.top..(grid.top + grid.height).min(snapshot.len());
    for (line, row) in in_view.enumerate() {
        let y = inside.y + 1 + line as u16;
        if row == grid.row {
            canvas.restyle(
                Rect::new(inside.x, y, inside.width, 1),
                canvas.theme.cursor_row(focused),
            );
            let sign = if view.lost_key.is_some() {
                "▹"
            } else {
                "▸"
            };
            canvas.put(inside.x, y, sign, 1, canvas.theme.style(Role::Focus));
        }
        for placed in &grid.placed {
            let column = &grid.columns[placed.column];
            let value = column.value(snapshot, row);
            let text = format_value(value, placed.precision);
            let text = fit(&text, usize::from(placed.width), column.align());
            let role = match (value, column.source) {
                (Value::Null, _) => Role::Null,
                (_, Source::Key) => Role::Key,
                (_, Source::EventTime) => Role::Dim,
                _ => Role::Text,
            };
            canvas.put(
                inside.x + placed.x,
                y,
                &text,
                placed.width,
                canvas.theme.style(role),
            );
            if row == grid.row && placed.column == grid.column {
                let cell = Rect::new(inside.x + placed.x, y, placed.width, 1);
                canvas.restyle(cell, canvas.theme.cursor_cell(focused));
            }
        }
    }
    if grid
        .placed
        .last()
        .is_some_and(|p| p.column + 1 < grid.columns.len())
    {
        let more = grid.columns.len() - 1 - grid.placed.last().map_or(0, |p| p.column);
        let label = format!("+{more} ›");
        let at = inside.right().saturating_sub(label.chars().count() as u16);
        canvas.put(at, inside.y, &label, 8, canvas.theme.style(Role::Waiting));
    }
}

fn no_rows(view: &TableView, snapshot: &Snapshot) -> String {
    let first = view
        .timeline
        .ticks
        .as_ref()
        .and_then(|t| t.range())
        .map(|(first, _)| first);
    match (snapshot.as_of(), first) {
        (AsOf::At(at), Some(first)) if at < first => {
            format!(
                "No rows yet: the first tick is {}. Press . to go there.",
                first.to_text(first.precision())
            )
        }
        _ => "No rows as of this moment.".to_owned(),
    }
}

fn padded(area: Rect) -> Rect {
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
