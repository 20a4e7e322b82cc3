//! The timeline: density, scale, playhead.

use ratatui::layout::Rect;
use ratatui::style::Modifier;

use crate::app::layout::Areas;
use crate::app::{App, Panel, TableView, moment_text};
use crate::event_time::{AsOf, EventTime, calendar};
use crate::text::{counted, thousands};

use super::canvas::Canvas;
use super::over_time;
use super::scale::labels;
use super::theme::Role;

/// Eighths of a cell, from below.
pub(super) const BARS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

pub(super) fn draw(app: &App, areas: Areas, canvas: &mut Canvas<'_>) {
    let area = areas.timeline;
    let focused = app.focus == Panel::Timeline && app.overlay.is_none();
    let whole = Areas::inside(area);
    let mut left = vec![(
        Panel::Timeline.title().to_owned(),
        if focused { Role::Focus } else { Role::Title },
    )];
    let Some(view) = app.view() else {
        canvas.frame(area, &left, &[], focused);
        return;
    };
    let rule = (
        " ─ ".to_owned(),
        if focused { Role::Focus } else { Role::Border },
    );
    if let Some((from, to)) = view.timeline.data_range() {
        left.push(rule);
        left.push((format!("{} … {}", month(from), month(to)), Role::Dim));
        let ticks = view.timeline.ticks.as_ref();
        left.extend(ticks.map(|t| (format!(" · {}", counted(t.len(), "tick")), Role::Dim)));
    }
    canvas.frame(area, &left, &state(view), focused);
    over_time::draw_facts(app, view, area, canvas);
    if let Some(error) = &view.timeline_error {
        let mut lines = vec![format!("The timeline cannot be read: {error}")];
        lines.extend(error.next_step().map(|step| format!("→ {step}")));
        return super::grid::paragraph(canvas, whole, &lines, Role::Error);
    }
    if view.timeline.data_range().is_none() {
        let line = if view.timeline.ticks.is_some() {
            "the table holds no rows"
        } else {
            "reading the timeline …"
        };
        canvas.put(
            whole.x + 1,
            whole.y,
            line,
            whole.width,
            canvas.theme.style(Role::Dim),
        );
        return;
    }
    let of_line = Rect {
        height: areas.line.min(whole.height),
        ..whole
    };
    let inside = Rect {
        y: of_line.bottom(),
        height: whole.height - of_line.height,
        ..whole
    };
    if let Some(line) = &view.line {
        over_time::draw_line(view, line, of_line, canvas);
    }
    let bars = inside.height.saturating_sub(2).max(1);
    density(
        view,
        Rect {
            height: bars,
            ..inside
        },
        canvas,
    );
    if inside.height >= 2 {
        let info = app
            .info()
            .map(|i| i.segment_edges.as_slice())
            .unwrap_or_default();
        scale(
            view,
            info,
            Rect {
                y: inside.y + bars,
                height: 1,
                ..inside
            },
            canvas,
        );
    }
    if inside.height >= 3 {
        let line = Rect {
            y: inside.y + bars + 1,
            height: 1,
            ..inside
        };
        if let Some(when) = app.when() {
            over_time::draw_turns(view, when, line, canvas);
        }
        playhead(view, line, canvas);
    }
}

/// What stands on the right of the border: how far the reading has come, or where the playhead is.
fn state(view: &TableView) -> Vec<(String, Role)> {
    if let Some((_, read, of)) = &view.timeline.estimate {
        let text = format!(
            "≈ from footers, {} of {} files read",
            thousands(*read as i64),
            thousands(*of as i64)
        );
        return vec![(text, Role::Waiting)];
    }
    let span = match view.timeline.shown_range() {
        Some((from, to)) if view.timeline.is_zoomed() => {
            format!("{} … {}", edge(from, to), edge(to, from))
        }
        _ => "whole range".to_owned(),
    };
    let tick = match (view.timeline.tick_number(view.playhead), view.playhead) {
        (Some(_), AsOf::Current) => " · current".to_owned(),
        (Some(0), _) => " · before the first tick".to_owned(),
        (Some(_), AsOf::At(at))
            if view
                .timeline
                .data_range()
                .is_some_and(|(_, last)| at.ms() > last) =>
        {
            " · after the last tick".to_owned()
        }
        (Some(n), _) => format!(" · tick {}", thousands(n as i64)),
        _ => String::new(),
    };
    vec![(span, Role::Dim), (tick, Role::Dim)]
}

fn month(ms: i64) -> String {
    calendar(EventTime::from_ms(ms)).map_or_else(
        || format!("{ms} ms"),
        |(year, month, ..)| format!("{year}-{month:02}"),
    )
}

/// An edge of a stretch, as precise as its length asks for.
fn edge(ms: i64, other: i64) -> String {
    const DAY: u64 = 86_400_000;
    let at = EventTime::from_ms(ms);
    let text = at.to_text(crate::event_time::Precision::Millisecond);
    let cut = match ms.abs_diff(other) {
        length if length > 90 * DAY => 7,
        length if length > 3 * DAY => 10,
        length if length > DAY / 24 => 16,
        length if length > 60_000 => 19,
        _ => 23,
    };
    text.get(..cut).unwrap_or(&text).to_owned()
}

/// Bars of the changes in each cell, bright up to the playhead and dim after it.
fn density(view: &TableView, area: Rect, canvas: &mut Canvas<'_>) {
    let densities = view.timeline.densities(area.width);
    let most = densities.iter().copied().fold(0.0, f64::max);
    let levels = usize::from(area.height) * 8;
    let playhead = view.timeline.cell_of(view.playhead, area.width);
    // What lies outside A and B, or after the playhead, is dimmed.
    let bright = match view.compared() {
        Some((a, b)) => {
            let (a, b) = (
                view.timeline.cell_of(a, area.width),
                view.timeline.cell_of(b, area.width),
            );
            a.min(b)..=a.max(b)
        }
        None => Some(0)..=playhead,
    };
    for (cell, changes) in densities.iter().enumerate() {
        let cell_at = Some(cell as u16);
        let role = if cell_at == playhead {
            Role::Moment
        } else if bright.contains(&cell_at) {
            Role::Past
        } else {
            Role::Future
        };
        // What is not nothing shows.
        let height = if *changes > 0.0 {
            (changes / most * levels as f64).ceil() as usize
        } else {
            0
        };
        for line in 0..area.height {
            let below = usize::from(area.height - 1 - line) * 8;
            let bar = BARS[height.saturating_sub(below).min(8)];
            let bar = match role {
                // Without colours, what is to come is hatched.
                Role::Future if canvas.theme.is_plain() && bar != " " => "░",
                _ => bar,
            };
            let mut style = canvas.theme.style(role);
            if role == Role::Moment && canvas.theme.is_plain() {
                style = style.add_modifier(Modifier::REVERSED);
            }
            canvas.put(area.x + cell as u16, area.y + line, bar, 1, style);
        }
    }
}

/// A rule with the segments' edges, and labels as the zoom allows.
fn scale(view: &TableView, segment_edges: &[EventTime], area: Rect, canvas: &mut Canvas<'_>) {
    let Some((from, to)) = view.timeline.shown_range() else {
        return;
    };
    let line = "─".repeat(usize::from(area.width));
    let faint = canvas.theme.style(Role::Border);
    canvas.put(area.x, area.y, &line, area.width, faint);
    let start = segment_edges.partition_point(|e| e.ms() < from);
    let shown = &segment_edges[start..segment_edges.partition_point(|e| e.ms() <= to)];
    // Edges in every other cell say nothing.
    if shown.len() * 2 <= usize::from(area.width) {
        for at in shown {
            if let Some(cell) = view.timeline.cell_of(AsOf::At(*at), area.width) {
                canvas.put(area.x + cell, area.y, "┴", 1, faint);
            }
        }
    }
    let dim = canvas.theme.style(Role::Dim);
    for (at, label) in labels(from, to, area.width) {
        let Some(cell) = view
            .timeline
            .cell_of(AsOf::At(EventTime::from_ms(at)), area.width)
        else {
            continue;
        };
        // A label begins at its moment.
        if cell + label.len() as u16 <= area.width {
            canvas.put(area.x + cell, area.y, &label, area.width - cell, dim);
        }
    }
}

fn playhead(view: &TableView, area: Rect, canvas: &mut Canvas<'_>) {
    let Some(cell) = view.timeline.cell_of(view.playhead, area.width) else {
        return;
    };
    if let (Some((a, b)), style) = (view.compared(), canvas.theme.style(Role::Moment)) {
        let ends = (
            view.timeline.cell_of(a, area.width),
            view.timeline.cell_of(b, area.width),
        );
        if let (Some(from), Some(to)) = ends {
            for between in from.min(to)..=from.max(to) {
                canvas.put(area.x + between, area.y, "╌", 1, style);
            }
        }
    }
    let style = canvas.theme.style(Role::Moment);
    // A moment outside the data stands at the edge, and points to where it is.
    let sign = match (view.playhead, view.timeline.shown_range()) {
        (AsOf::At(at), Some((from, _))) if at.ms() < from => "◂",
        (AsOf::At(at), Some((_, to))) if at.ms() > to => "▸",
        _ => "▲",
    };
    canvas.put(area.x + cell, area.y, sign, 1, style);
    let label = moment_text(view.playhead);
    let width = label.chars().count() as u16;
    let named = view.marks.iter().map(|(c, at)| (Some(*at), c.to_string()));
    let sides = [(view.a, "A"), (view.b, "B")].map(|(at, name)| (at, name.to_owned()));
    let marks: Vec<(u16, String)> = named
        .chain(sides)
        .filter_map(|(at, name)| mark(view, at?, &name, area.width))
        .collect();
    // Beside the sign, where it hides no mark: right of it, or left.
    let is_free = |x: u16| {
        let taken =
            |(at, name): &(u16, String)| *at < x + width && x < *at + name.chars().count() as u16;
        x + width <= area.width && !marks.iter().any(taken)
    };
    let places = [
        cell.checked_add(2),
        cell.checked_sub(width + 1),
        cell.checked_sub(width + 4),
    ];
    if let Some(x) = places.into_iter().flatten().find(|x| is_free(*x)) {
        canvas.put(area.x + x, area.y, &label, width, style);
    }
    for (at, name) in marks.iter().filter(|(at, _)| *at != cell) {
        canvas.put(area.x + at, area.y, name, 2, style);
    }
}

/// Where a mark stands and how it is written: one outside the stretch shown points to where it is.
fn mark(view: &TableView, at: AsOf, name: &str, width: u16) -> Option<(u16, String)> {
    let (from, to) = view.timeline.shown_range()?;
    Some(match at {
        AsOf::At(at) if at.ms() < from => (0, format!("◂{name}")),
        AsOf::At(at) if at.ms() > to => (width.saturating_sub(2), format!("{name}▸")),
        _ => (view.timeline.cell_of(at, width)?, name.to_owned()),
    })
}
