//! What goes on over time, in the timeline: the times at which a condition turns true.

use ratatui::layout::Rect;

use crate::app::when::{When, looked_at};
use crate::app::{App, LONG_READ_MS, Pending, TableView};
use crate::text::{counted, thousands, visible};

use super::canvas::Canvas;
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

/// On the bottom border: the condition, and which of its times the playhead stands at.
pub(super) fn draw_when(app: &App, view: &TableView, area: Rect, canvas: &mut Canvas<'_>) {
    let Some(when) = app.when() else { return };
    let mut pieces = vec![
        (" when ".to_owned(), Role::Dim),
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
        Err(_) => format!(" · {}{more}", counted(all, "time")),
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
    pieces.push((" ".to_owned(), Role::Dim));
    let width = area.width.saturating_sub(4);
    canvas.spans(area.x + 2, area.bottom() - 1, width, &pieces);
}

/// True where something has taken so long that it says so.
pub(super) fn is_long(app: &App, pending: Pending) -> bool {
    app.clock.ms >= pending.since_ms + LONG_READ_MS
}
