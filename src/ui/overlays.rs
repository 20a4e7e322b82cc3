//! What lies over the main screen: the help, the field for a time, a whole row.

use ratatui::layout::Rect;

use crate::app::cell::{TimeStyle, format_value, precision_of};
use crate::app::keymap::Scope;
use crate::app::layout::Areas;
use crate::app::rows::Comparison;
use crate::app::{App, Overlay, Prompt, RowView, Scroll, TableView, describe, moment_text};
use crate::error::Error;
use crate::event_time::{AsOf, TimeError};
use crate::format::{EVENT_TIME, KEY};
use crate::scan::Value;
use crate::snapshot::Snapshot;
use crate::text::{Align, ellipsis, fit, visible, width, wrapped_at_words};

use super::canvas::Canvas;
use super::theme::Role;

pub(super) type LineOf = Vec<(String, Role)>;

pub(super) fn draw(app: &App, areas: Areas, canvas: &mut Canvas<'_>) {
    match &app.overlay {
        None => {}
        Some(Overlay::Help(scroll)) => help(app, areas, *scroll, canvas),
        Some(Overlay::GoTo(prompt)) => go_to(app, areas, prompt, canvas),
        Some(Overlay::Row(row)) => whole_row(app, areas, row, canvas),
        Some(Overlay::Export(field)) => super::export::draw(app, areas, field, canvas),
        Some(Overlay::Commands(open)) => super::commands::draw(app, areas, open, canvas),
        Some(Overlay::Log(scroll)) => super::log::draw(app, areas, *scroll, canvas),
        Some(Overlay::Marks(cursor)) => super::commands::draw_marks(app, areas, *cursor, canvas),
        Some(Overlay::Why(open)) => super::why::draw(app, areas, open, canvas),
        Some(Overlay::History(open)) => super::history::draw(app, areas, open, canvas),
        Some(Overlay::Ask(ask)) => super::ask::draw(app, ask, areas, canvas),
    }
}

/// A box over the middle of the screen, with lines that scroll; answers the last line that it can begin with.
pub(super) fn scrolled(
    canvas: &mut Canvas<'_>,
    screen: Rect,
    title: &LineOf,
    lines: &[LineOf],
    scroll: Scroll,
    size: (u16, u16),
) -> usize {
    let (width, height) = (size.0.min(screen.width), size.1.min(screen.height));
    let area = Rect::new(
        (screen.width - width) / 2,
        (screen.height - height) / 2,
        width,
        height,
    );
    canvas.clear(area);
    let inside = Areas::inside(area);
    let rows = usize::from(inside.height);
    let top = scroll.first_line(lines.len(), rows);
    let right = if lines.len() > rows {
        vec![(
            format!(
                "{}–{} of {}",
                top + 1,
                (top + rows).min(lines.len()),
                lines.len()
            ),
            Role::Dim,
        )]
    } else {
        Vec::new()
    };
    canvas.frame(area, title, &right, true);
    for (i, line) in lines.iter().skip(top).take(rows).enumerate() {
        canvas.spans(
            inside.x + 1,
            inside.y + i as u16,
            inside.width.saturating_sub(2),
            line,
        );
    }
    lines.len().saturating_sub(rows)
}

/// The help is no wider than this: longer lines are hard to read.
const HELP_WIDTH: u16 = 100;

/// Cells of the help's column of keys.
const KEYS_WIDTH: usize = 14;

fn help(app: &App, areas: Areas, scroll: Scroll, canvas: &mut Canvas<'_>) {
    let sections = [
        (Scope::In(app.focus), format!("In {}", app.focus.title())),
        (Scope::Everywhere, "Everywhere".to_owned()),
    ];
    let box_width = HELP_WIDTH.min(areas.screen.width.saturating_sub(4));
    let room = usize::from(box_width.saturating_sub(4)).saturating_sub(KEYS_WIDTH);
    let mut lines: Vec<LineOf> = Vec::new();
    let tell = |lines: &mut Vec<LineOf>, what: &str, does: &str| {
        let mut what = what;
        for line in wrapped_at_words(does, room) {
            lines.push(vec![
                (fit(what, KEYS_WIDTH, Align::Left), Role::Shortcut),
                (line, Role::Text),
            ]);
            what = "";
        }
    };
    // The keys of what lies beneath come first: they are those that were asked for.
    if let Some(under) = &app.under_help {
        lines.push(vec![("Here".to_owned(), Role::Moment)]);
        for (keys, does) in super::header::overlay_hints(app, under) {
            tell(&mut lines, &keys, &does);
        }
    }
    for (scope, title) in sections {
        if !lines.is_empty() {
            lines.push(Vec::new());
        }
        lines.push(vec![(title, Role::Moment)]);
        for binding in app.bindings.iter().filter(|b| b.scope == scope) {
            tell(&mut lines, &binding.shown(), binding.help);
        }
    }
    lines.push(Vec::new());
    lines.push(vec![("Mouse".to_owned(), Role::Moment)]);
    for (what, does) in [
        (
            "click",
            "selects; in Tables opens; on the timeline moves the playhead",
        ),
        (
            "drag",
            "scrubs the timeline; on the edge of a column's title resizes it",
        ),
        ("wheel", "scrolls; over the timeline steps"),
    ] {
        tell(&mut lines, what, does);
    }
    let height = (lines.len() as u16 + 2).min(areas.screen.height.saturating_sub(2));
    let title = vec![("Help".to_owned(), Role::Focus)];
    let extent = scrolled(
        canvas,
        areas.screen,
        &title,
        &lines,
        scroll,
        (box_width, height),
    );
    app.text_extent.set(extent);
}

fn go_to(app: &App, areas: Areas, prompt: &Prompt, canvas: &mut Canvas<'_>) {
    let screen = areas.screen;
    let box_width = 66.min(screen.width - 4);
    let area = Rect::new(
        (screen.width - box_width) / 2,
        areas.timeline.y.saturating_sub(6),
        box_width,
        5,
    );
    canvas.clear(area);
    canvas.frame(area, &[("Go to a time".to_owned(), Role::Focus)], &[], true);
    let inside = Areas::inside(area);
    prompt_line(canvas, inside, "@ ", prompt);
    let lines = if prompt.text().trim().is_empty() {
        vec![
            vec![(
                "2019-11-17  2019-Q3  2019  -90d  now  .-1y  50%  current".to_owned(),
                Role::Dim,
            )],
            vec![(
                "a span means its first instant; times are UTC".to_owned(),
                Role::Dim,
            )],
        ]
    } else {
        match app.resolve_moment(prompt.text()) {
            Ok(moment) => vec![vec![
                ("→ ".to_owned(), Role::Dim),
                (resolved(app, moment), Role::Moment),
            ]],
            Err(message) => vec![
                vec![(visible(&message), Role::Error)],
                vec![(TimeError::FORMS.to_owned(), Role::Dim)],
            ],
        }
    };
    for (i, line) in lines.iter().enumerate() {
        canvas.spans(
            inside.x + 1,
            inside.y + 1 + i as u16,
            inside.width.saturating_sub(2),
            line,
        );
    }
}

/// The line of a field: a sign, the text, and the cursor in it.
pub(super) fn prompt_line(canvas: &mut Canvas<'_>, inside: Rect, sign: &str, prompt: &Prompt) {
    let (before, after) = prompt.split();
    let x = canvas.put(
        inside.x + 1,
        inside.y,
        sign,
        2,
        canvas.theme.style(Role::Shortcut),
    );
    let room = inside.width.saturating_sub(6);
    let before = tail(&visible(before), usize::from(room));
    let x = canvas.put(x, inside.y, &before, room, canvas.theme.style(Role::Text));
    let under = visible(after).chars().next().unwrap_or(' ').to_string();
    let cursor = canvas
        .theme
        .style(Role::Text)
        .add_modifier(ratatui::style::Modifier::REVERSED);
    let end = canvas.put(x, inside.y, &under, 2, cursor);
    let rest: String = visible(after).chars().skip(1).collect();
    canvas.put(
        end,
        inside.y,
        &rest,
        inside.right().saturating_sub(end + 1),
        canvas.theme.style(Role::Text),
    );
}

/// The end of a text that fits.
fn tail(text: &str, room: usize) -> String {
    let mut start = 0;
    while width(&text[start..]) > room {
        start += text[start..].chars().next().map_or(1, char::len_utf8);
    }
    text[start..].to_owned()
}

fn resolved(app: &App, moment: AsOf) -> String {
    let tick = app.view().and_then(|v| {
        Some((
            v.timeline.tick_number(moment)?,
            v.timeline.ticks.as_ref()?.len(),
        ))
    });
    let tick = match tick {
        Some((0, _)) => " · before the first tick".to_owned(),
        Some((n, of)) => format!(" · tick {n} of {of}"),
        None => String::new(),
    };
    match moment {
        AsOf::At(at) => format!(
            "{}Z{tick}",
            at.to_text(at.precision().max(crate::event_time::Precision::Second))
        ),
        AsOf::Current => "the newest state".to_owned(),
    }
}

fn whole_row(app: &App, areas: Areas, row: &RowView, canvas: &mut Canvas<'_>) {
    let screen = areas.screen;
    let box_width = (screen.width * 4 / 5).clamp(50.min(screen.width), 110);
    let room = usize::from(box_width) - 4;
    let (title, lines) = if let Some(comparison) = app.view().and_then(|v| v.comparison.as_ref()) {
        compared_lines(comparison, &row.key, room, app.times)
    } else {
        // The values are of the moment that they were read at, whatever is on its way.
        let asked = app.view().map(TableView::moment_of_rows);
        let shown = match &row.record {
            Some(Ok((snapshot, _))) => Some(snapshot.as_of()),
            _ => None,
        };
        let mut title = vec![(ellipsis(&row.key, room / 2), Role::Key)];
        let of = |moment| format!(" as of {}", describe(moment));
        title.extend(asked.map(|moment| (of(moment), Role::Moment)));
        title.extend(
            shown
                .filter(|shown| Some(*shown) != asked)
                .map(|shown| (format!(" … showing {}", describe(shown)), Role::Waiting)),
        );
        let said = |text: &str| vec![vec![(text.to_owned(), Role::Waiting)]];
        let lines = match &row.record {
            None => said("reading …"),
            Some(Err(error)) => error_lines(error, room),
            Some(Ok((_, None))) => said("This key is not there as of this moment."),
            Some(Ok((snapshot, Some(at)))) => record_lines(snapshot, *at, room, app.times),
        };
        (title, lines)
    };
    let height = height_of(&lines, screen);
    let extent = scrolled(
        canvas,
        screen,
        &title,
        &lines,
        row.scroll,
        (box_width, height),
    );
    app.text_extent.set(extent);
}

/// Lines of the screen that a box with these lines takes, its frame included.
pub(super) fn height_of(lines: &[LineOf], screen: Rect) -> u16 {
    let wanted = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    wanted.clamp(8, screen.height.saturating_sub(4).max(8))
}

/// What is wrong and what to do, in lines that fit.
pub(super) fn error_lines(error: &Error, room: usize) -> Vec<LineOf> {
    let step = error.next_step().map(|step| format!("→ {step}"));
    let texts = std::iter::once(error.to_string()).chain(step);
    let parts = texts.flat_map(|text| wrapped(&text, room));
    parts.map(|part| vec![(part, Role::Error)]).collect()
}

/// Name and both sides' values of every column compared; what differs has the sign of a change.
fn compared_lines(
    comparison: &Comparison,
    key: &str,
    room: usize,
    styled: TimeStyle,
) -> (LineOf, Vec<LineOf>) {
    let diff = &comparison.diff;
    let Ok(change) = diff.find(key).map(|at| diff.change(at)) else {
        let line = vec![(
            "This key is there at neither moment.".to_owned(),
            Role::Waiting,
        )];
        return (vec![(ellipsis(key, room / 2), Role::Key)], vec![line]);
    };
    let title = vec![
        (ellipsis(key, room / 2), Role::Key),
        (
            format!(" {}", change.kind.name()),
            super::compare::role(change.kind),
        ),
    ];
    let times = (
        change.a().map(|row| Value::Time(diff.a().event_time(row))),
        change.b().map(|row| Value::Time(diff.b().event_time(row))),
    );
    let mut fields = vec![(EVENT_TIME, times, false)];
    for (i, column) in diff.columns().iter().enumerate() {
        fields.push((
            &column.name,
            diff.values(change, i),
            diff.is_cell_changed(change, i),
        ));
    }
    let names = fields
        .iter()
        .map(|(n, ..)| width(&visible(n)))
        .max()
        .unwrap_or(0)
        .min(30);
    let half = room.saturating_sub(names + 6) / 2;
    let moments = [diff.a().as_of(), diff.b().as_of()].map(moment_text);
    let head = |name: &str, moment: &str| {
        (
            fit(&format!("{name} {moment}"), half, Align::Left),
            Role::Moment,
        )
    };
    let gap = || ("  ".to_owned(), Role::Text);
    let mut lines = vec![
        vec![
            (" ".repeat(names + 4), Role::Text),
            head("A", &moments[0]),
            gap(),
            head("B", &moments[1]),
        ],
        Vec::new(),
    ];
    for (name, (a, b), changed) in fields {
        let part = |value: Option<Value<'_>>| match value {
            None => vec![("absent".to_owned(), Role::Waiting)],
            Some(value) => {
                let precision = precision_of(
                    match value {
                        Value::Time(at) => Some(at),
                        _ => None,
                    }
                    .into_iter(),
                );
                let precision = styled.whole(precision);
                let role = match value {
                    _ if changed => Role::Changed,
                    Value::Null => Role::Null,
                    _ => Role::Text,
                };
                wrapped(&format_value(value, precision), half.max(4))
                    .into_iter()
                    .map(|t| (t, role))
                    .collect()
            }
        };
        let (left, right) = (part(a), part(b));
        for i in 0..left.len().max(right.len()) {
            let (label, sign) = if i == 0 { (name, changed) } else { ("", false) };
            let side = |parts: &[(String, Role)]| {
                let (text, role) = parts.get(i).cloned().unwrap_or((String::new(), Role::Text));
                (fit(&text, half, Align::Left), role)
            };
            lines.push(vec![
                (fit(label, names, Align::Left) + "  ", Role::Dim),
                (if sign { "~ " } else { "  " }.to_owned(), Role::Changed),
                side(&left),
                gap(),
                side(&right),
            ]);
        }
    }
    (title, lines)
}

/// Name and value of every column; long values go on below.
fn record_lines(snapshot: &Snapshot, row: usize, room: usize, times: TimeStyle) -> Vec<LineOf> {
    let own = [
        (KEY, Value::Text(snapshot.key(row))),
        (EVENT_TIME, Value::Time(snapshot.event_time(row))),
    ];
    let values = snapshot
        .columns()
        .iter()
        .enumerate()
        .map(|(i, c)| (c.name.as_str(), snapshot.value(row, i)));
    let fields: Vec<(&str, Value<'_>)> = own.into_iter().chain(values).collect();
    let names = fields
        .iter()
        .map(|(n, _)| width(&visible(n)))
        .max()
        .unwrap_or(0)
        .min(30);
    let room = room.saturating_sub(names + 2).max(8);
    let mut lines = Vec::new();
    for (name, value) in fields {
        let precision = match value {
            Value::Time(at) => times.whole(at.precision()),
            _ => crate::event_time::Precision::Date,
        };
        let role = if value == Value::Null {
            Role::Null
        } else {
            Role::Text
        };
        let text = format_value(value, precision);
        for (i, part) in wrapped(&text, room).into_iter().enumerate() {
            let label = if i == 0 {
                fit(name, names, Align::Left)
            } else {
                " ".repeat(names)
            };
            lines.push(vec![(label + "  ", Role::Dim), (part, role)]);
        }
    }
    lines
}

/// Lines of a value in full; its own line breaks are kept. A megabyte is cut at what a person would scroll through.
pub(super) fn wrapped(text: &str, room: usize) -> Vec<String> {
    const LINES_AT_MOST: usize = 2_000;
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut rest = line;
        loop {
            if lines.len() >= LINES_AT_MOST {
                lines.push(format!("… {} bytes in all", text.len()));
                return lines;
            }
            let (mut taken, mut used) = (0, 0);
            for c in rest.chars() {
                used += width(&visible(&c.to_string()));
                if used > room {
                    break;
                }
                taken += c.len_utf8();
            }
            let (now, later) = rest.split_at(taken);
            lines.push(visible(now));
            if later.is_empty() || taken == 0 {
                break;
            }
            rest = later;
        }
    }
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}
