//! The first line, which says what is shown, and the last one, which says what to press.

use ratatui::layout::Rect;

use crate::app::copy::Copied;
use crate::app::keymap::{Action, Scope};
use crate::app::layout::Areas;
use crate::app::rows::CompareMode;
use crate::app::{App, Overlay, Panel, TableView};
use crate::event_time::{AsOf, Precision};
use crate::text::{bytes, counted, ellipsis, width, wrapped_at_words};

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
    let asked = match app.query() {
        Some(_) => app.moment_of_query(),
        None => view.moment_of_rows(),
    };
    let mut pieces = vec![
        ("AS OF ".to_owned(), Role::Dim),
        (moment_text(app, asked), Role::Moment),
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
                format!("  playhead {}", moment_text(app, view.playhead)),
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
fn moment_text(app: &App, moment: AsOf) -> String {
    match moment {
        AsOf::At(at) => format!(
            "{}Z",
            at.to_text(app.times.whole(at.precision()).max(Precision::Second))
        ),
        AsOf::Current => "current".to_owned(),
    }
}

fn facts(app: &App) -> String {
    let mut facts = Vec::new();
    facts.extend(app.info().map(|i| format!("v{}", i.version)));
    if let Some(pane) = app.query() {
        let more = pane.result.as_ref().is_some_and(|r| r.has_more);
        let at_least = if more { "more than " } else { "" };
        facts.extend(
            pane.rows()
                .map(|rows| format!("{at_least}{}", counted(rows.len(), "row"))),
        );
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
        return draw_notice(&notice.text, area, canvas);
    }
    if let Some(waiting) = app.long_wait() {
        return draw_notice(&waiting, area, canvas);
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

/// A notice stands in the place of the hints; what is too long for one line goes on above it.
fn draw_notice(text: &str, area: Rect, canvas: &mut Canvas<'_>) {
    const LINES_AT_MOST: usize = 4;
    let room = area.width.saturating_sub(2);
    let mut lines = wrapped_at_words(text, usize::from(room));
    lines.truncate(LINES_AT_MOST);
    let height = lines.len() as u16;
    let y = (area.y + 1).saturating_sub(height);
    canvas.clear(Rect { y, height, ..area });
    for (line, y) in lines.iter().zip(y..) {
        canvas.put(area.x + 1, y, line, room, canvas.theme.style(Role::Waiting));
    }
}

fn fixed(keys: &str, hint: &str) -> (String, String) {
    (keys.to_owned(), hint.to_owned())
}

fn of(app: &App, panel: Panel, actions: &[Action], hint: &str) -> (String, String) {
    let keys = actions.iter().filter_map(|a| app.key_in(panel, *a));
    (keys.collect::<Vec<_>>().join(" "), hint.to_owned())
}

/// What to press in what lies over the screen, which moves as the rows do.
pub(super) fn overlay_hints(app: &App, overlay: &Overlay) -> Vec<(String, String)> {
    use Action as A;
    let of = |actions: &[Action], hint: &str| of(app, Panel::Data, actions, hint);
    let step = || of(&[A::Step(-1), A::Step(1)], "step");
    let close = || of(&[A::Escape], "close");
    let text = || vec![of(&[A::Down, A::Up], "scroll"), step(), close()];
    match overlay {
        Overlay::Help(_) => vec![of(&[A::Down, A::Up], "scroll"), close()],
        Overlay::Row(_) | Overlay::Why(_) | Overlay::Log(_) => text(),
        Overlay::History(_) => vec![
            of(&[A::Enter], "go to this version"),
            fixed("v", "line of this column"),
            of(&[A::Down, A::Up, A::Left, A::Right], "move"),
            of(
                &[A::Step(-1), A::Step(1), A::PreviousVersion, A::NextVersion],
                "step",
            ),
            close(),
        ],
        Overlay::Commands(_) => vec![
            fixed("Enter", "do it"),
            fixed("Tab", "complete"),
            fixed("↑ ↓", "select"),
            fixed("Esc", "close"),
        ],
        Overlay::Marks(_) => vec![
            of(&[A::Enter], "go there"),
            fixed("d", "take away"),
            of(&[A::Down, A::Up], "select"),
            close(),
        ],
        Overlay::Export(_) => vec![
            fixed("Enter", "write"),
            fixed("C-u", "clear"),
            fixed("Esc", "close"),
        ],
        Overlay::GoTo(_) => vec![fixed("Enter", "go there"), fixed("Esc", "close")],
        Overlay::Ask(_) => vec![
            fixed("Enter", "take it"),
            fixed("C-u", "clear"),
            fixed("Esc", "close"),
        ],
    }
}

/// The hints for what has the focus: its own keys first. Keys of actions are those of the bindings; only the keys of
/// fields are always the same.
fn hints(app: &App) -> Vec<(String, String)> {
    use Action as A;
    // What lies over the screen moves as the rows do.
    let panel = app.overlay.as_ref().map_or(app.focus, |_| Panel::Data);
    let of = |actions: &[Action], hint: &str| of(app, panel, actions, hint);
    let step = || of(&[A::Step(-1), A::Step(1)], "step");
    let close = || of(&[A::Escape], "close");
    let mut hints = match &app.overlay {
        Some(overlay) => overlay_hints(app, overlay),
        None if app.narrow(app.focus).is_some_and(|n| n.is_typing) => vec![
            fixed("Enter", "take it"),
            fixed("↑ ↓", "select"),
            fixed("Esc", "list all"),
        ],
        None if app.focus == Panel::Data && app.selects_rows() => vec![
            of(&[A::Copy(Copied::Row)], "copy rows"),
            of(&[A::Copy(Copied::Cell)], "copy this column"),
            of(&[A::Down, A::Up], "more, less"),
            of(&[A::Escape], "none"),
        ],
        None if app.awaited_mark.is_some() => {
            vec![
                fixed("a-z 0-9", "the name of the mark"),
                fixed("Esc", "none"),
            ]
        }
        None => match app.query() {
            Some(pane) if pane.is_editing => vec![
                fixed("C-r", "run"),
                fixed("Tab", "complete"),
                fixed("↑ ↓", "earlier statements"),
                fixed("C-u C-k C-w", "delete line, rest, word"),
                fixed("Esc", "rows"),
            ],
            Some(_) => vec![
                of(&[A::Query], "edit"),
                step(),
                of(&[A::GoTo], "go to time"),
                of(&[A::SetA], "mark A"),
                of(&[A::Compare], "compare"),
                of(&[A::NextChange, A::PreviousChange], "changes"),
                close(),
                of(&[A::Help], "help"),
                of(&[A::Quit], "quit"),
            ],
            None => Vec::new(),
        },
    };
    if hints.is_empty()
        && let Some(view) = app.view().filter(|v| v.comparison.is_some())
    {
        let next_mode = if view.compare == CompareMode::Inline {
            "side by side"
        } else {
            "leave"
        };
        hints = vec![
            of(&[A::NextChange, A::PreviousChange], "changes"),
            of(&[A::FilterRows], "rows"),
            of(&[A::FilterColumns], "columns"),
            of(&[A::Compare], next_mode),
            step(),
            of(&[A::Help], "help"),
            of(&[A::Quit], "quit"),
            of(&[A::Swap], "swap"),
            of(&[A::Flip], "flip"),
            of(&[A::SetB], "fix B"),
        ];
    }
    if hints.is_empty() {
        let in_scope = |scope: Scope| {
            let bindings = app.bindings.iter();
            bindings.filter(move |b| b.scope == scope && !b.hint.is_empty())
        };
        hints.extend(in_scope(Scope::In(app.focus)).map(|b| of(&[b.action], b.hint)));
        if app.focus == Panel::Timeline {
            hints.push(of(&[A::PanLeft, A::PanRight], "pan"));
        }
        hints.push(step());
        for binding in in_scope(Scope::Everywhere) {
            match binding.action {
                // Shown as pairs.
                A::Step(_) | A::ZoomOut => {}
                A::ZoomIn => hints.push(of(&[A::ZoomIn, A::ZoomOut], "zoom")),
                A::Play if app.play.is_some() => {
                    hints.push(of(&[A::Play], &format!("pause ({}/s)", app.speed())));
                }
                action => hints.push(of(&[action], binding.hint)),
            }
        }
    }
    hints.retain(|(keys, _)| !keys.is_empty());
    hints
}
