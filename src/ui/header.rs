//! The first line, which says what is shown, and the last one, which says what to press.

use crate::app::keymap::Scope;
use crate::app::layout::Areas;
use crate::app::rows::CompareMode;
use crate::app::{App, Overlay, Panel, TableView};
use crate::event_time::AsOf;
use crate::text::{bytes, counted, ellipsis, width};

use super::canvas::Canvas;
use super::theme::Role;

pub(super) fn draw(app: &App, areas: Areas, canvas: &mut Canvas<'_>) {
    let area = areas.header;
    let facts = facts(app);
    let moment = app.view().map(|view| moment(app, view)).unwrap_or_default();
    let table = app.current().map(|t| t.name.as_str());
    let total = usize::from(area.width);
    // The moment is never left out; the facts and the path give way.
    let moment_width: usize = moment.iter().map(|(t, _)| width(t)).sum();
    let facts_width = width(&facts);
    let mut place_room = total.saturating_sub(moment_width + facts_width + 12);
    let facts = if place_room < 14 {
        place_room = total.saturating_sub(moment_width + 10);
        String::new()
    } else {
        facts
    };
    let table = table.map(|t| ellipsis(t, place_room.max(4)));
    let path_room = place_room.saturating_sub(table.as_deref().map_or(0, |t| width(t) + 3));
    let mut place = vec![(" azof  ".to_owned(), Role::Brand)];
    if path_room >= 6 {
        place.push((start_ellipsis(&app.lake, path_room), Role::Dim));
        if table.is_some() {
            place.push((" › ".to_owned(), Role::Border));
        }
    }
    place.extend(table.map(|t| (t, Role::Key)));
    let end = canvas.spans(area.x, area.y, area.width, &place);
    let facts_at = area.right().saturating_sub(width(&facts) as u16 + 1);
    // The moment stands in the middle where it can, and never over its neighbours.
    let middle = (area.width.saturating_sub(moment_width as u16)) / 2;
    let latest = facts_at
        .saturating_sub(moment_width as u16 + 3)
        .max(end + 2);
    let at = if facts.is_empty() {
        area.right().saturating_sub(moment_width as u16 + 1)
    } else {
        middle.clamp(end + 2, latest)
    };
    canvas.spans(at, area.y, area.right().saturating_sub(at), &moment);
    canvas.put(
        facts_at,
        area.y,
        &facts,
        area.width,
        canvas.theme.style(Role::Dim),
    );
}

/// The moment asked for, and where it differs the moment shown.
fn moment(app: &App, view: &TableView) -> Vec<(String, Role)> {
    // Of a comparison, the header names the moment of the rows that are shown.
    let asked = match view.compared().filter(|_| app.query().is_none()) {
        Some((a, _)) if view.flipped => a,
        Some((_, b)) => b,
        None => view.playhead,
    };
    let mut pieces = vec![
        ("AS OF ".to_owned(), Role::Dim),
        (moment_text(asked), Role::Moment),
    ];
    let other = match app.query() {
        Some(pane) => pane
            .shown()
            .filter(|shown| *shown != asked && pane.error.is_none())
            .map(crate::app::describe),
        None => view.showing_other(),
    };
    match other {
        Some(shown) if view.error.is_none() => {
            pieces.push((format!(" … showing {shown}"), Role::Waiting));
        }
        _ if view.pending.is_some() && view.snapshot.is_none() => {
            pieces.push((" …".to_owned(), Role::Waiting));
        }
        _ if is_at_the_end_of_a_closed_table(app, view) => {
            pieces.push((" last tick".to_owned(), Role::Dim));
        }
        _ if view.b.is_some_and(|b| b != view.playhead) && view.compared().is_some() => {
            pieces.push((
                format!("  playhead {}", moment_text(view.playhead)),
                Role::Dim,
            ));
        }
        _ => {}
    }
    pieces
}

/// A table without an open segment has no current state; its last tick is the newest there is.
fn is_at_the_end_of_a_closed_table(app: &App, view: &TableView) -> bool {
    let is_closed = app.info().is_some_and(|info| info.newest != AsOf::Current);
    let ticks = view.timeline.ticks.as_ref().map(|t| t.len());
    is_closed
        && view.compared().is_none()
        && ticks.is_some()
        && view.timeline.tick_number(view.playhead) == ticks
}

/// A moment with its zone.
fn moment_text(moment: AsOf) -> String {
    match moment {
        AsOf::At(at) => format!(
            "{}Z",
            at.to_text(at.precision().max(crate::event_time::Precision::Second))
        ),
        AsOf::Current => "current".to_owned(),
    }
}

fn facts(app: &App) -> String {
    let mut facts = Vec::new();
    facts.extend(app.info().map(|i| format!("v{}", i.version)));
    if let Some(pane) = app.query() {
        facts.extend(pane.rows().map(|rows| counted(rows.len(), "row")));
        return facts.join(" · ");
    }
    let shown = app
        .view()
        .filter(|v| v.error.is_none())
        .and_then(|v| match &v.comparison {
            Some(comparison) if v.flipped => Some(comparison.diff.a()),
            _ => v.snapshot.as_ref(),
        });
    if let Some(snapshot) = shown {
        facts.push(counted(snapshot.len(), "row"));
        facts.push(format!(
            "{:.0} ms",
            (snapshot.cost().elapsed.as_secs_f64() * 1e3).ceil()
        ));
    }
    facts.join(" · ")
}

/// The end of a path says more than its start.
fn start_ellipsis(path: &str, room: usize) -> String {
    let path = crate::text::visible(path);
    if width(&path) <= room {
        return path;
    }
    let mut tail: Vec<char> = Vec::new();
    let mut used = 1;
    for c in path.chars().rev() {
        used += width(&c.to_string());
        if used > room {
            break;
        }
        tail.push(c);
    }
    std::iter::once('…').chain(tail.into_iter().rev()).collect()
}

pub(super) fn draw_hints(app: &App, areas: Areas, canvas: &mut Canvas<'_>) {
    let area = areas.hints;
    if let Some(notice) = &app.notice {
        canvas.put(
            area.x + 1,
            area.y,
            &notice.text,
            area.width - 2,
            canvas.theme.style(Role::Waiting),
        );
        return;
    }
    let snapshot = app.view().and_then(|v| v.snapshot.as_ref());
    let has_rows = snapshot.is_some_and(|s| !s.is_empty());
    let cost = snapshot.map(|s| s.cost());
    let cost = cost.map_or_else(String::new, |c| {
        // An index answers without a file.
        if c.files == 0 && has_rows {
            return "the index, from memory".to_owned();
        }
        let files = counted(c.files, "file");
        if c.requests == 0 && c.files > 0 {
            return format!("{files} · from memory");
        }
        format!(
            "{files} · {} · {}",
            bytes(c.bytes),
            counted(c.requests as usize, "request")
        )
    });
    let cost_width = width(&cost) as u16;
    let mut x = area.x + 1;
    // What the read took is shown where the keys leave room for it.
    let end = area.right();
    let hints = hints(app);
    let needed = |(keys, hint): &(String, String)| (width(keys) + 1 + width(hint)) as u16;
    // The way out and the help keep their place, whatever else must go.
    let is_kept = |hint: &(String, String)| matches!(hint.1.as_str(), "help" | "quit");
    let mut kept: u16 = hints
        .iter()
        .filter(|h| is_kept(h))
        .map(|h| needed(h) + 2)
        .sum();
    for hint in &hints {
        if is_kept(hint) {
            kept = kept.saturating_sub(needed(hint) + 2);
        }
        if x + needed(hint) + kept > end {
            continue;
        }
        x = canvas.put(
            x,
            area.y,
            &hint.0,
            area.width,
            canvas.theme.style(Role::Shortcut),
        );
        x = canvas.put(
            x + 1,
            area.y,
            &hint.1,
            area.width,
            canvas.theme.style(Role::Dim),
        ) + 2;
    }
    if x + cost_width + 2 <= area.right() {
        canvas.put(
            area.right() - cost_width - 1,
            area.y,
            &cost,
            cost_width,
            canvas.theme.style(Role::Dim),
        );
    }
}

/// The hints for what has the focus: its own keys first.
#[expect(
    clippy::too_many_lines,
    reason = "one arm for each thing that may have the keys"
)]
fn hints(app: &App) -> Vec<(String, String)> {
    let fixed: &[(&str, &str)] = match &app.overlay {
        Some(Overlay::Help(_)) => &[("j k", "scroll"), ("Esc", "close")],
        Some(Overlay::Row(_)) => &[("j k", "scroll"), (", .", "step"), ("Esc", "close")],
        Some(Overlay::History(_)) => &[
            ("Enter", "go to this version"),
            ("v", "line of this column"),
            ("j k h l", "move"),
            (", . < >", "step"),
            ("Esc", "close"),
        ],
        Some(Overlay::Why(_)) => &[("j k", "scroll"), (", .", "step"), ("Esc", "close")],
        Some(Overlay::Commands(_)) => &[
            ("Enter", "do it"),
            ("Tab", "complete"),
            ("↑ ↓", "select"),
            ("Esc", "close"),
        ],
        Some(Overlay::Marks(_)) => &[
            ("Enter", "go there"),
            ("d", "take away"),
            ("j k", "select"),
            ("Esc", "close"),
        ],
        Some(Overlay::Export(_)) => &[("Enter", "write"), ("Esc", "close")],
        Some(Overlay::GoTo(_)) => &[("Enter", "go there"), ("Esc", "close")],
        Some(Overlay::Ask(_)) => &[("Enter", "take it"), ("Esc", "close")],
        None if app.narrow(app.focus).is_some_and(|n| n.is_typing) => {
            &[("Enter", "take it"), ("↑ ↓", "select"), ("Esc", "list all")]
        }
        None if app.awaited_mark.is_some() => {
            &[("a-z 0-9", "the name of the mark"), ("Esc", "none")]
        }
        None => match app.query() {
            Some(pane) if pane.is_editing => &[
                ("C-r", "run"),
                ("Tab", "complete"),
                ("↑ ↓", "earlier statements"),
                ("C-u C-k C-w", "delete line, rest, word"),
                ("Esc", "rows"),
            ],
            Some(_) => &[
                ("e", "edit"),
                (", .", "step"),
                ("@", "go to time"),
                ("a", "mark A"),
                ("d", "compare"),
                ("] [", "changes"),
                ("Esc", "close"),
                ("?", "help"),
                ("q", "quit"),
            ],
            None => &[],
        },
    };
    if !fixed.is_empty() {
        return fixed
            .iter()
            .map(|(k, h)| ((*k).to_owned(), (*h).to_owned()))
            .collect();
    }
    if let Some(view) = app.view().filter(|v| v.comparison.is_some()) {
        let next_mode = if view.compare == CompareMode::Inline {
            "side by side"
        } else {
            "leave"
        };
        let hints = [
            ("] [", "changes"),
            ("c", "rows"),
            ("C", "columns"),
            ("d", next_mode),
            (", .", "step"),
            ("?", "help"),
            ("q", "quit"),
        ];
        let more = [("x", "swap"), ("`", "flip"), ("b", "fix B")];
        return hints
            .iter()
            .chain(&more)
            .map(|(k, h)| ((*k).to_owned(), (*h).to_owned()))
            .collect();
    }
    let label = |b: &crate::app::keymap::Binding| b.keys[0].label();
    let own = app
        .bindings
        .iter()
        .filter(|b| b.scope == Scope::In(app.focus) && !b.hint.is_empty());
    let mut hints: Vec<(String, String)> = own.map(|b| (label(b), b.hint.to_owned())).collect();
    hints.push((", .".to_owned(), "step".to_owned()));
    let playing = app.play.is_some();
    for binding in app
        .bindings
        .iter()
        .filter(|b| b.scope == Scope::Everywhere && !b.hint.is_empty())
    {
        match binding.hint {
            // Shown as pairs.
            "back" | "forward" | "out" => {}
            "zoom in" => hints.push(("+ -".to_owned(), "zoom".to_owned())),
            "play" if playing => hints.push((label(binding), format!("pause ({}/s)", app.speed()))),
            hint => hints.push((label(binding), hint.to_owned())),
        }
    }
    if app.focus == Panel::Timeline {
        hints.insert(1, ("H L".to_owned(), "pan".to_owned()));
    }
    hints
}
