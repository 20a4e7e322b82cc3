//! The list of tables and the list of columns.

use ratatui::layout::Rect;

use crate::app::layout::Areas;
use crate::app::{App, Panel};
use crate::format::DataType;
use crate::text::{Align, fit, thousands, width};

use super::canvas::Canvas;
use super::theme::Role;

pub(super) fn draw_tables(app: &App, areas: Areas, canvas: &mut Canvas<'_>) {
    let Some(area) = areas.tables else { return };
    let focused = app.focus == Panel::Tables && app.overlay.is_none();
    let right = if app.listing {
        vec![("…".to_owned(), Role::Waiting)]
    } else {
        Vec::new()
    };
    canvas.frame(area, &title(areas, Panel::Tables, focused), &right, focused);
    let inside = Areas::inside(area);
    if let Some(error) = &app.lake_error {
        let mut lines = vec![error.to_string()];
        lines.extend(error.next_step());
        super::grid::paragraph(canvas, inside, &lines, Role::Error);
        return;
    }
    if app.tables.is_empty() && !app.listing {
        super::grid::paragraph(canvas, inside, &["no tables here".to_owned()], Role::Dim);
    }
    draw_narrow(app, Panel::Tables, inside, canvas);
    for (y, index) in lines(app, Panel::Tables) {
        let Some(entry) = app.tables.get(index) else {
            continue;
        };
        let current = app.is_current(index);
        let (tail, tail_role) = match (&entry.info, &entry.rows) {
            (Some(Err(_)), _) | (_, Some(Err(_))) => ("error".to_owned(), Role::Error),
            (_, Some(Ok(rows))) => (thousands(*rows as i64), Role::Dim),
            _ => (String::new(), Role::Dim),
        };
        let tail_width = width(&tail) as u16;
        let sign = if current { "▸ " } else { "  " };
        let x = canvas.put(inside.x, y, sign, 2, canvas.theme.style(Role::Moment));
        let name_role = match &entry.info {
            Some(Err(_)) => Role::Error,
            None => Role::Dim,
            _ if current => Role::Key,
            _ => Role::Text,
        };
        canvas.put(
            x,
            y,
            &entry.name,
            inside.width.saturating_sub(tail_width + 4),
            canvas.theme.style(name_role),
        );
        canvas.put(
            inside.right().saturating_sub(tail_width + 1),
            y,
            &tail,
            tail_width,
            canvas.theme.style(tail_role),
        );
        if index == app.table_cursor {
            mark(canvas, inside, y, focused);
        }
    }
}

pub(super) fn draw_columns(app: &App, areas: Areas, canvas: &mut Canvas<'_>) {
    let Some(area) = areas.columns else { return };
    let focused = app.focus == Panel::Columns && app.overlay.is_none();
    let Some(view) = app.view() else {
        canvas.frame(area, &title(areas, Panel::Columns, focused), &[], focused);
        return;
    };
    let shown = view.columns.iter().filter(|c| c.shown).count();
    let right = if shown < view.columns.len() {
        vec![(format!("{shown} of {}", view.columns.len()), Role::Dim)]
    } else {
        Vec::new()
    };
    canvas.frame(
        area,
        &title(areas, Panel::Columns, focused),
        &right,
        focused,
    );
    let inside = Areas::inside(area);
    draw_narrow(app, Panel::Columns, inside, canvas);
    for (y, index) in lines(app, Panel::Columns) {
        let Some(column) = view.columns.get(index) else {
            continue;
        };
        // While two moments are compared, what changed in a column says more than its type.
        let changes = view.comparison.as_ref().and_then(|c| {
            let cells = &c.summary().cells;
            cells
                .iter()
                .find(|(name, _)| *name == column.name)
                .map(|(_, count)| *count)
        });
        let kind = changes.map_or_else(
            || type_name(column.data_type).to_owned(),
            |n| thousands(n as i64),
        );
        let kind_role = if changes.is_some_and(|n| n > 0) {
            Role::Changed
        } else {
            Role::Dim
        };
        let room = inside.width.saturating_sub(kind.len() as u16 + 5);
        let (sign, sign_role) = match (column.shown, column.pinned) {
            (true, true) => ("◆", Role::Focus),
            (true, false) => ("●", Role::Focus),
            (false, true) => ("◇", Role::Dim),
            (false, false) => ("○", Role::Dim),
        };
        canvas.put(inside.x + 1, y, sign, 1, canvas.theme.style(sign_role));
        let role = if column.shown { Role::Text } else { Role::Dim };
        canvas.put(
            inside.x + 3,
            y,
            &fit(&column.name, usize::from(room), Align::Left),
            room,
            canvas.theme.style(role),
        );
        let kind_at = inside.right().saturating_sub(kind.len() as u16 + 1);
        canvas.put(
            kind_at,
            y,
            &kind,
            kind.len() as u16,
            canvas.theme.style(kind_role),
        );
        if index == view.column_cursor {
            mark(canvas, inside, y, focused);
        }
    }
    super::facts::draw(app, view, canvas);
}

/// The lines of the screen on which a list has its entries, and which they are.
fn lines(app: &App, panel: Panel) -> Vec<(u16, usize)> {
    let Some(area) = app.list_area(panel) else {
        return Vec::new();
    };
    let listed = app.listed(panel);
    let top = app.list_top(panel, &listed);
    let shown = listed.into_iter().skip(top);
    (area.y..area.bottom()).zip(shown).collect()
}

/// The field that narrows a list, above its entries, with how many of them are left.
fn draw_narrow(app: &App, panel: Panel, inside: Rect, canvas: &mut Canvas<'_>) {
    let Some(narrow) = app.narrow(panel) else {
        return;
    };
    let left = app.listed(panel).len();
    let count = thousands(left as i64);
    let at = inside.right().saturating_sub(count.len() as u16 + 1);
    let field = Rect {
        width: at.saturating_sub(inside.x),
        height: 1,
        ..inside
    };
    if narrow.is_typing {
        super::overlays::prompt_line(canvas, field, "/ ", &narrow.prompt);
    } else {
        let shortcut = canvas.theme.style(Role::Shortcut);
        let x = canvas.put(field.x + 1, field.y, "/ ", 2, shortcut);
        let room = field.right().saturating_sub(x + 1);
        let text = crate::text::visible(narrow.prompt.text());
        canvas.put(x, field.y, &text, room, canvas.theme.style(Role::Waiting));
    }
    let role = if left == 0 { Role::Waiting } else { Role::Dim };
    let cells = count.len() as u16;
    canvas.put(at, inside.y, &count, cells, canvas.theme.style(role));
    if left == 0 {
        let line = format!("no {} is called that", noun(panel));
        let dim = canvas.theme.style(Role::Dim);
        canvas.put(inside.x + 1, inside.y + 1, &line, inside.width, dim);
    }
}

fn noun(panel: Panel) -> &'static str {
    if panel == Panel::Tables {
        "table"
    } else {
        "column"
    }
}

/// The name of a panel; on small screens the tabs stand there instead.
pub(super) fn title(areas: Areas, panel: Panel, focused: bool) -> Vec<(String, Role)> {
    if areas.tabs && panel != Panel::Timeline {
        return Vec::new();
    }
    vec![(
        panel.title().to_owned(),
        if focused { Role::Focus } else { Role::Title },
    )]
}

/// What the schema's types are called on screen.
pub(super) fn type_name(data_type: DataType) -> &'static str {
    match data_type {
        DataType::String => "string",
        DataType::Int => "int",
        DataType::Float => "float",
        DataType::Boolean => "bool",
        DataType::DateTime => "time",
    }
}

fn mark(canvas: &mut Canvas<'_>, inside: Rect, y: u16, focused: bool) {
    if focused {
        canvas.restyle(
            Rect::new(inside.x, y, inside.width, 1),
            canvas.theme.cursor_cell(true),
        );
    }
}
