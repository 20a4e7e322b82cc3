//! What goes on over time, in the timeline: the line of an aggregate, and the times at which a condition turns true.

use ratatui::layout::Rect;

use crate::app::line::{Line, Span};
use crate::app::when::{When, looked_at};
use crate::app::{App, LONG_READ_MS, Pending, TableView};
use crate::error::ErrorKind;
use crate::text::{counted, thousands, visible, width};

use super::canvas::Canvas;
use super::facts::figure;
use super::theme::Role;

/// A sign in every cell in which the condition turns true.
pub(super) fn draw_turns(view: &TableView, when: &When, area: Rect, canvas: &mut Canvas<'_>) {
    let style = canvas.theme.style(Role::Waiting);
    let moments = &when.turns.moments;
    for cell in 0..area.width {
        let Some((from, to)) = view.timeline.cell_range(cell, area.width) else {
            return;
        };
        let first = moments.partition_point(|at| *at < from);
        if moments.get(first).is_some_and(|at| *at < to) {
            canvas.put(area.x + cell, area.y, "◆", 1, style);
        }
    }
}

/// On the bottom border: what the line says, on the left, and the condition, on the right.
pub(super) fn draw_facts(app: &App, view: &TableView, area: Rect, canvas: &mut Canvas<'_>) {
    let room = area.width.saturating_sub(4);
    let of_line = padded(line_facts(app, view, area.width.saturating_sub(2)));
    let of_when = padded(when_facts(app, view));
    let y = area.bottom() - 1;
    let cells = |pieces: &[(String, Role)]| pieces.iter().map(|(t, _)| width(t)).sum::<usize>();
    let (line_width, when_width) = (cells(&of_line), cells(&of_when));
    // Where there is no room for both, the condition has it: the line is there to be seen.
    if when_width == 0 || line_width + when_width < usize::from(room) {
        canvas.spans(area.x + 2, y, room, &of_line);
    }
    let at = area.right().saturating_sub(2 + when_width as u16);
    canvas.spans(at.max(area.x + 2), y, room, &of_when);
}

/// With a space on either side, where there is something.
fn padded(mut pieces: Vec<(String, Role)>) -> Vec<(String, Role)> {
    if !pieces.is_empty() {
        pieces.insert(0, (" ".to_owned(), Role::Dim));
        pieces.push((" ".to_owned(), Role::Dim));
    }
    pieces
}

/// The condition, and which of its times the playhead stands at.
fn when_facts(app: &App, view: &TableView) -> Vec<(String, Role)> {
    let Some(when) = app.when() else {
        return Vec::new();
    };
    let mut pieces = vec![
        ("when ".to_owned(), Role::Dim),
        (when.label(), Role::Waiting),
    ];
    let turns = &when.turns;
    let number = |n: usize| thousands(n as i64);
    let here = turns.moments.binary_search(&view.playhead.position_ms());
    let all = turns.moments.len();
    let more = if turns.is_complete { "" } else { "+" };
    let count = match here {
        Ok(at) => format!(" · time {} of {}{more}", number(at + 1), number(all)),
        Err(_) if turns.is_complete && all == 0 => " · never".to_owned(),
        Err(_) if all == 0 => " · not so far".to_owned(),
        Err(_) if turns.is_complete => format!(" · {}", counted(all, "time")),
        Err(_) => format!(" · {} so far", counted(all, "time")),
    };
    pieces.push((count, Role::Dim));
    if when.pending.is_some_and(|pending| is_long(app, pending)) {
        pieces.push((
            format!(" · {} · Esc cancels", looked_at(when)),
            Role::Waiting,
        ));
    }
    if let Some(error) = &when.error {
        pieces.push((format!(" · {}", visible(&error.message())), Role::Error));
    }
    pieces
}

/// Dots of a braille cell, from above: the left column, then the right one.
const DOTS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// The line of an aggregate, on the same cells as the density beneath it, bright up to the playhead.
pub(super) fn draw_line(view: &TableView, line: &Line, area: Rect, canvas: &mut Canvas<'_>) {
    let Some(stretch) = view.timeline.shown_range() else {
        return;
    };
    let spans = line.spans(stretch, u32::from(area.width) * 2);
    let Some((least, greatest)) = range(&spans) else {
        return;
    };
    let rows = usize::from(area.height) * 4;
    // Dots from below; a constant lies in the middle.
    let dot = |value: f64| {
        if least < greatest {
            // Halved, so that the largest numbers there are leave no infinite range.
            let share = (value / 2.0 - least / 2.0) / (greatest / 2.0 - least / 2.0);
            (share * (rows - 1) as f64).round() as usize
        } else {
            rows / 2
        }
    };
    let playhead = view.timeline.cell_of(view.playhead, area.width);
    let mut cells = vec![0u8; usize::from(area.width) * usize::from(area.height)];
    for (x, span) in spans.iter().enumerate() {
        let Some((low, high)) = span.map(|(a, b)| (dot(a), dot(b))) else {
            continue;
        };
        for y in low..=high {
            let from_top = rows - 1 - y;
            let cell = from_top / 4 * usize::from(area.width) + x / 2;
            cells[cell] |= DOTS[x % 2][from_top % 4];
        }
    }
    for (at, dots) in cells.iter().enumerate().filter(|(_, dots)| **dots != 0) {
        let (x, y) = (at % usize::from(area.width), at / usize::from(area.width));
        let role = if playhead.is_some_and(|p| x as u16 > p) {
            Role::Future
        } else {
            Role::Past
        };
        let sign = char::from_u32(0x2800 + u32::from(*dots)).unwrap_or(' ');
        let style = canvas.theme.style(role);
        canvas.put(
            area.x + x as u16,
            area.y + y as u16,
            &sign.to_string(),
            1,
            style,
        );
    }
}

/// The least and the greatest value of a line.
fn range(spans: &[Span]) -> Option<(f64, f64)> {
    let known = spans.iter().flatten().copied();
    known.reduce(|(a, b), (least, greatest)| (a.min(least), b.max(greatest)))
}

/// What the line is of, its value at the playhead, its range in the stretch shown, and how far it has come.
pub(super) fn line_facts(app: &App, view: &TableView, cells: u16) -> Vec<(String, Role)> {
    let Some(line) = &view.line else {
        return Vec::new();
    };
    let mut pieces = vec![(line.of.label(), Role::Text)];
    let here = view.playhead.position_ms();
    if let Some((value, is_known)) = line.value_at(here) {
        let about = if is_known { "" } else { "≈ " };
        pieces.push((format!(" {about}{}", figure(value)), Role::Moment));
    }
    let stretch = view.timeline.shown_range();
    let spans = stretch.map(|s| line.spans(s, u32::from(cells) * 2));
    if let Some((least, greatest)) = spans.as_deref().and_then(range) {
        let text = format!(" · from {} to {}", figure(least), figure(greatest));
        pieces.push((text, Role::Dim));
    }
    let (known, all) = (line.series.known, line.series.moments.len());
    let number = |n: usize| thousands(n as i64);
    match (&line.pending, &line.error) {
        (Some(pending), _) if is_long(app, *pending) => {
            let far = if all > 0 {
                format!(" · {} of {}", number(known), counted(all, "tick"))
            } else {
                " · reading".to_owned()
            };
            pieces.push((format!("{far} · Esc cancels"), Role::Waiting));
        }
        (None, Some(error)) if error.kind() == ErrorKind::Cancelled => {
            let far = format!(
                " · cancelled at {} of {}",
                number(known),
                counted(all, "tick")
            );
            pieces.push((far, Role::Waiting));
        }
        (None, Some(error)) => {
            pieces.push((format!(" · {}", visible(&error.message())), Role::Error));
        }
        _ => {}
    }
    pieces
}

/// True where something has taken so long that it says so.
pub(super) fn is_long(app: &App, pending: Pending) -> bool {
    app.clock.ms >= pending.since_ms + LONG_READ_MS
}
