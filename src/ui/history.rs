//! The history of a key: its versions, what changed in each, and a chart of its numbers over event time.

use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::widgets::Widget;
use ratatui::widgets::canvas::{Canvas as Plot, Line};

use crate::app::App;
use crate::app::cell::{alignment, format_value};
use crate::app::grid::GAP;
use crate::app::history_view::{self, Entry, GUTTER, HistoryView, SINCE, number};
use crate::app::layout::Areas;
use crate::event_time::AsOf;
use crate::history::History;
use crate::scan::Value;
use crate::text::{Align, counted, decimal, ellipsis, fit, thousands, width};

use super::canvas::Canvas;
use super::compare;
use super::grid::{paragraph, underline};
use super::scale::labels;
use super::theme::Role;

/// How the lines of a chart are told apart: by colour, or where there is none by the letter that they are drawn with.
const SERIES: [(Role, char); history_view::CHARTED_AT_MOST] = [
    (Role::Past, 'a'),
    (Role::Removed, 'b'),
    (Role::Changed, 'c'),
    (Role::Focus, 'd'),
    (Role::Touched, 'e'),
    (Role::Text, 'f'),
];

pub(super) fn draw(app: &App, areas: Areas, open: &HistoryView, canvas: &mut Canvas<'_>) {
    let area = history_view::area(areas);
    canvas.clear(area);
    let key = ellipsis(&open.key, usize::from(area.width / 3));
    let mut title = vec![("History of ".to_owned(), Role::Focus), (key, Role::Key)];
    let mut right = Vec::new();
    if let Some(history) = &open.history {
        let versions = counted(history.len(), "version");
        title.push((format!(" · {versions}"), Role::Dim));
        let last = (open.top + open.height).min(open.entries.len());
        let of = thousands(open.entries.len() as i64);
        if open.chart.is_none() && !open.charted.is_empty() {
            right.push(("no room for the chart · ".to_owned(), Role::Waiting));
        }
        if !open.entries.is_empty() {
            right.push((format!("{}–{last} of {of}", open.top + 1), Role::Dim));
        }
    }
    canvas.frame(area, &title, &right, true);
    let inside = Areas::inside(area);
    let said = Rect {
        x: inside.x + 1,
        width: inside.width.saturating_sub(2),
        ..inside
    };
    let Some(history) = &open.history else {
        let (lines, role) = match &open.error {
            None => (
                vec!["reading every version of this key …".to_owned()],
                Role::Waiting,
            ),
            Some(error) => {
                let mut lines = vec![format!("The history cannot be read: {error}")];
                lines.extend(error.next_step().map(|step| format!("→ {step}")));
                (lines, Role::Error)
            }
        };
        return paragraph(canvas, said, &lines, role);
    };
    if open.entries.is_empty() {
        let line = "No moment shows this key.".to_owned();
        return paragraph(canvas, said, &[line], Role::Dim);
    }
    let playhead = app.view().map(|v| v.playhead);
    let here = playhead.and_then(|moment| open.entry_at(moment));
    list(open, history, here, canvas);
    if let Some(area) = open.chart {
        let last = app
            .view()
            .and_then(|v| v.timeline.data_range())
            .map(|r| r.1);
        chart(open, history, (playhead, last), area, canvas);
    }
    hidden_columns(open, area, canvas);
}

fn hidden_columns(open: &HistoryView, area: Rect, canvas: &mut Canvas<'_>) {
    let (left, right) = open.hidden();
    let style = canvas.theme.style(Role::Focus);
    let y = open.list.bottom().min(area.bottom() - 1);
    let y = if open.chart.is_some() {
        y
    } else {
        area.bottom() - 1
    };
    let mut label = String::new();
    if left > 0 {
        label += &format!(" ‹ {left} more ");
    }
    if right > 0 {
        label += &format!(" {right} more › ");
    }
    let cells = width(&label) as u16;
    canvas.put(
        area.right().saturating_sub(cells + 2),
        y,
        &label,
        cells,
        style,
    );
}

fn list(open: &HistoryView, history: &History, here: Option<usize>, canvas: &mut Canvas<'_>) {
    let area = open.list;
    let (from_width, event_time_width) = open.time_widths();
    let since_at = GUTTER + from_width + GAP;
    let event_time_at = since_at + SINCE + GAP;
    let style = canvas
        .theme
        .style(Role::Title)
        .add_modifier(Modifier::UNDERLINED);
    let titles = [
        (GUTTER, "shown from", from_width, Align::Left),
        (since_at, "after", SINCE, Align::Right),
        (event_time_at, "event_time", event_time_width, Align::Left),
    ];
    let values = open.placed.iter().map(|placed| {
        let column = &history.columns()[placed.column];
        let align = alignment(column.data_type);
        (placed.x, column.name.as_str(), placed.width, align)
    });
    for (at, name, cells, align) in titles.into_iter().chain(values) {
        put(canvas, area, (at, area.y), cells, (name, align), style);
    }
    let in_view = open.entries.iter().enumerate().skip(open.top);
    for (line, (row, entry)) in in_view.take(open.height).enumerate() {
        let y = area.y + 1 + line as u16;
        if y >= area.bottom() {
            break;
        }
        if row == open.row {
            let whole = Rect::new(area.x, y, area.width, 1);
            canvas.restyle(whole, canvas.theme.cursor_row(true));
            canvas.put(area.x, y, "▸", 1, canvas.theme.style(Role::Focus));
        }
        let style = |role| canvas.theme.style(role);
        let (kind, text, dim) = (
            style(compare::role(entry.kind)),
            style(Role::Text),
            style(Role::Dim),
        );
        let moment = style(Role::Moment);
        if here == Some(row) {
            canvas.put(area.x + 2, y, "▲", 1, moment);
        }
        canvas.put(area.x + 4, y, entry.kind.glyph(), 1, kind);
        let from = entry.from.to_text(open.precisions.0);
        let shown = if here == Some(row) { moment } else { text };
        put(
            canvas,
            area,
            (GUTTER, y),
            from_width,
            (&from, Align::Left),
            shown,
        );
        let since = open.since(row);
        put(
            canvas,
            area,
            (since_at, y),
            SINCE,
            (&since, Align::Right),
            dim,
        );
        let Some(version) = entry.version else {
            let gone = ("gone", Align::Left);
            put(
                canvas,
                area,
                (event_time_at, y),
                event_time_width,
                gone,
                kind,
            );
            continue;
        };
        let event_time = history.event_time(version).to_text(open.precisions.1);
        let event_time = (event_time.as_str(), Align::Left);
        put(
            canvas,
            area,
            (event_time_at, y),
            event_time_width,
            event_time,
            dim,
        );
        values_of(open, history, (row, entry, version), y, canvas);
    }
}

/// The values of one version; what changed with it bears the sign of a change.
fn values_of(
    open: &HistoryView,
    history: &History,
    (row, entry, version): (usize, &Entry, usize),
    y: u16,
    canvas: &mut Canvas<'_>,
) {
    let area = open.list;
    for placed in &open.placed {
        let column = placed.column;
        let value = history.value(version, column);
        let changed = open.is_changed(entry, column);
        let role = match value {
            _ if changed => Role::Changed,
            Value::Null => Role::Null,
            _ => Role::Text,
        };
        let align = alignment(history.columns()[column].data_type);
        let text = format_value(value, placed.precision);
        let text = fit(&text, usize::from(placed.width), align);
        let style = canvas.theme.style(role);
        put(
            canvas,
            area,
            (placed.x, y),
            placed.width,
            (&text, align),
            style,
        );
        let cell = Rect::new(area.x + placed.x, y, placed.width, 1);
        if changed {
            let sign = entry.kind.glyph();
            canvas.put(cell.x - 1, y, sign, 1, canvas.theme.style(Role::Changed));
            underline(&text, cell, canvas);
        }
        if row == open.row && open.columns.get(open.column) == Some(&column) {
            canvas.restyle(cell, canvas.theme.cursor_cell(true));
        }
    }
}

/// Writes a text into its field, and nothing beyond the area.
fn put(
    canvas: &mut Canvas<'_>,
    area: Rect,
    (x, y): (u16, u16),
    cells: u16,
    (text, align): (&str, Align),
    style: Style,
) {
    let cells = cells.min(area.width.saturating_sub(x));
    let text = fit(text, usize::from(cells), align);
    canvas.put(area.x + x, y, &text, cells, style);
}

/// Lines of numbers over event time. Each value holds until the next one, so the lines go in steps. One line has its
/// scale on the left; several have each a scale of its own, which the legend tells.
fn chart(
    open: &HistoryView,
    history: &History,
    (playhead, last): (Option<AsOf>, Option<i64>),
    area: Rect,
    canvas: &mut Canvas<'_>,
) {
    let (Some(oldest), Some(newest)) = (open.entries.last(), open.entries.first()) else {
        return;
    };
    let rule = "─".repeat(usize::from(area.width));
    let faint = canvas.theme.style(Role::Border);
    canvas.put(area.x, area.y, &rule, area.width, faint);
    legend(open, history, area, canvas);
    let (from, to) = (
        oldest.from.ms(),
        newest.from.ms().max(last.unwrap_or(i64::MIN)),
    );
    let scale_width = match open.charted.as_slice() {
        [one] => open.range(*one).map_or(0, |(least, greatest)| {
            (width(&decimal(least)).max(width(&decimal(greatest))) as u16 + 1).min(area.width / 3)
        }),
        _ => 0,
    };
    let plot = Rect {
        x: area.x + 1 + scale_width,
        y: area.y + 1,
        width: area.width.saturating_sub(scale_width + 2),
        height: area.height.saturating_sub(2),
    };
    let shown = plot.intersection(canvas.buffer.area);
    if plot.width < 10 || shown != plot {
        return;
    }
    if let ([one], true) = (open.charted.as_slice(), scale_width > 0)
        && let Some((least, greatest)) = open.range(*one)
    {
        let scale = Rect {
            x: area.x,
            width: scale_width,
            ..plot
        };
        let dim = canvas.theme.style(Role::Dim);
        for (y, number) in [(plot.y, greatest), (plot.bottom() - 1, least)] {
            let text = decimal(number);
            put(
                canvas,
                scale,
                (0, y),
                scale_width,
                (&text, Align::Right),
                dim,
            );
        }
    }
    for (series, column) in open.charted.iter().enumerate() {
        draw_line(open, history, (series, *column), (from, to), plot, canvas);
    }
    let cell = |at: i64| {
        let length = (i128::from(to) - i128::from(from)).max(1) as f64;
        let share = (i128::from(at) - i128::from(from)) as f64 / length;
        (share * f64::from(plot.width - 1)).round() as u16
    };
    if let Some(playhead) = playhead {
        let x = plot.x + cell(playhead.position_ms().clamp(from, to));
        let style = canvas.theme.style(Role::Moment);
        for y in plot.y..plot.bottom() {
            // The lines stay whole.
            if canvas.buffer[(x, y)].symbol().trim().is_empty() {
                canvas.put(x, y, "│", 1, style);
            }
        }
    }
    let dim = canvas.theme.style(Role::Dim);
    let y = plot.bottom();
    let rule = "─".repeat(usize::from(plot.width));
    canvas.put(plot.x, y, &rule, plot.width, faint);
    for (at, label) in labels(from, to, plot.width) {
        let x = cell(at);
        if x + label.len() as u16 <= plot.width {
            canvas.put(plot.x + x, y, &label, plot.width - x, dim);
        }
    }
}

/// The names of the lines, each with its least and greatest number.
fn legend(open: &HistoryView, history: &History, area: Rect, canvas: &mut Canvas<'_>) {
    let end = area.right().saturating_sub(1);
    let mut x = area.x + 1;
    for (series, column) in open.charted.iter().enumerate() {
        let (role, letter) = SERIES[series % SERIES.len()];
        let sign = if canvas.theme.is_plain() && series > 0 {
            format!(" {letter} ")
        } else {
            " ━ ".to_owned()
        };
        let name = ellipsis(&history.columns()[*column].name, 24);
        let range = open.range(*column).map_or_else(String::new, |(a, b)| {
            format!(" {} … {} ", decimal(a), decimal(b))
        });
        if x + (width(&sign) + width(&name) + width(&range)) as u16 > end {
            canvas.put(x, area.y, "…", 1, canvas.theme.style(Role::Dim));
            break;
        }
        let pieces = [(sign, role), (name, Role::Text), (range, Role::Dim)];
        x = canvas.spans(x, area.y, end.saturating_sub(x), &pieces);
    }
}

fn draw_line(
    open: &HistoryView,
    history: &History,
    (series, column): (usize, usize),
    (from, to): (i64, i64),
    plot: Rect,
    canvas: &mut Canvas<'_>,
) {
    let Some((least, greatest)) = open.range(column) else {
        return;
    };
    // A constant is drawn in the middle.
    let (least, greatest) = if least < greatest {
        (least, greatest)
    } else {
        (least - 1.0, greatest + 1.0)
    };
    // A share of the range, so that the largest numbers there are leave no gaps.
    let height = |n: f64| (n / 2.0 - least / 2.0) / (greatest / 2.0 - least / 2.0);
    let (role, letter) = SERIES[series % SERIES.len()];
    let color = canvas.theme.style(role).fg.unwrap_or(Color::Reset);
    let marker = if canvas.theme.is_plain() && series > 0 {
        Marker::Custom(letter)
    } else {
        Marker::Braille
    };
    let position = |at: i64| (i128::from(at) - i128::from(from)) as f64;
    let right = position(to).max(1.0);
    let mut lines = Vec::new();
    let mut before: Option<(f64, f64)> = None;
    for entry in open.entries.iter().rev() {
        let x = position(entry.from.ms());
        let value = entry.version.map(|version| history.value(version, column));
        let now = value.and_then(number).map(|n| (x, height(n)));
        if let Some((x0, y0)) = before {
            lines.push(Line::new(x0, y0, x, y0, color));
            if let Some((_, y)) = now {
                lines.push(Line::new(x, y0, x, y, color));
            }
        }
        before = now;
    }
    if let Some((x0, y0)) = before {
        lines.push(Line::new(x0, y0, right, y0, color));
    }
    Plot::default()
        .marker(marker)
        .x_bounds([0.0, right])
        .y_bounds([0.0, 1.0])
        .paint(|context| lines.iter().for_each(|line| context.draw(line)))
        .render(plot, canvas.buffer);
}
