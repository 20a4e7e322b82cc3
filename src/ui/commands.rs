//! The field for a command, and the list of marks.

use ratatui::layout::Rect;

use crate::app::commands::Palette;
use crate::app::keymap::Action;
use crate::app::layout::Areas;
use crate::app::marks::MarkKey;
use crate::app::{App, Scroll, zoned_moment};
use crate::event_time::{AsOf, Precision};
use crate::text::{Align, ellipsis, fit, visible, width};

use super::canvas::Canvas;
use super::overlays::{LineOf, prompt_line, scrolled};
use super::theme::Role;

/// Candidates in view.
const LISTED_AT_MOST: u16 = 14;

pub(super) fn draw(app: &App, areas: Areas, palette: &Palette, canvas: &mut Canvas<'_>) {
    let screen = areas.screen;
    let candidates = app.candidates(palette.prompt.text());
    let box_width = 116.min(screen.width.saturating_sub(4));
    let listed = LISTED_AT_MOST.min(screen.height.saturating_sub(8)).max(1);
    let area = Rect::new((screen.width - box_width) / 2, 2, box_width, listed + 4);
    canvas.clear(area);
    let count = format!("{} of {}", candidates.len(), app.commands().len());
    let right = [(count, Role::Dim)];
    canvas.frame(area, &[("Command".to_owned(), Role::Focus)], &right, true);
    let inside = Areas::inside(area);
    prompt_line(canvas, inside, ": ", &palette.prompt);
    let below = Rect {
        x: inside.x + 1,
        y: inside.y + 1,
        width: inside.width.saturating_sub(2),
        height: inside.height.saturating_sub(1),
    };
    let mut say = |line: u16, text: &str, role: Role| {
        let text = visible(text);
        canvas.put(
            below.x,
            below.y + line,
            &text,
            below.width,
            canvas.theme.style(role),
        );
    };
    if let Some(error) = &palette.error {
        say(0, error, Role::Error);
    } else if let Some(typed) = palette.prompt.text().trim_start().strip_prefix("goto ") {
        match app.resolve_moment(typed) {
            Ok(AsOf::At(at)) => {
                let precision = at.precision().max(Precision::Second);
                say(0, &format!("→ {}Z", at.to_text(precision)), Role::Moment);
            }
            Ok(AsOf::Current) => say(0, "→ the newest state", Role::Moment),
            Err(_) if typed.trim().is_empty() => {}
            Err(why) => say(0, &why, Role::Waiting),
        }
    }
    let cursor = palette.cursor.min(candidates.len().saturating_sub(1));
    let rows = usize::from(below.height.saturating_sub(1));
    let top = (cursor + 1).saturating_sub(rows);
    for (line, (at, candidate)) in candidates
        .iter()
        .enumerate()
        .skip(top)
        .take(rows)
        .enumerate()
    {
        let y = below.y + 1 + line as u16;
        if at == cursor {
            let whole = Rect::new(inside.x, y, inside.width, 1);
            canvas.restyle(whole, canvas.theme.cursor_row(true));
            canvas.put(inside.x, y, "▸", 1, canvas.theme.style(Role::Focus));
        }
        let command = &candidate.command;
        let name = if candidate.has_argument {
            ellipsis(&candidate.text, 40)
        } else {
            candidate.text.clone()
        };
        let argument = if candidate.has_argument || command.argument.is_empty() {
            String::new()
        } else {
            format!(" {}", command.argument)
        };
        let padding = 24usize
            .saturating_sub(width(&name) + width(&argument))
            .max(1);
        let pieces = [
            (name, Role::Key),
            (argument + &" ".repeat(padding), Role::Dim),
            (fit(&command.keys, 9, Align::Left) + " ", Role::Shortcut),
            (command.help.to_owned(), Role::Text),
        ];
        canvas.spans(below.x + 1, y, below.width.saturating_sub(1), &pieces);
    }
    if candidates.is_empty() && palette.error.is_none() {
        let typed = palette.prompt.text().trim();
        let known = app.commands();
        let takes = typed.split_whitespace().next().and_then(|name| {
            let command = known.iter().find(|c| c.name == name)?;
            (!command.argument.is_empty())
                .then(|| format!("{} {}: {}", name, command.argument, command.help))
        });
        let text = takes.unwrap_or_else(|| "no command is called that".to_owned());
        canvas.put(
            below.x,
            below.y + 1,
            &text,
            below.width,
            canvas.theme.style(Role::Dim),
        );
    }
}

pub(super) fn draw_marks(app: &App, areas: Areas, cursor: usize, canvas: &mut Canvas<'_>) {
    let marks = app.marks();
    let ticks = app.view().map(|v| &v.timeline);
    let line = |(at, (name, moment)): (usize, &(char, AsOf))| -> LineOf {
        let text = zoned_moment(*moment);
        let tick = ticks.and_then(|t| t.tick_number(*moment));
        let tick = tick.map_or_else(String::new, |n| format!("  tick {n}"));
        let sign = if at == cursor { "▸ " } else { "  " };
        vec![
            (sign.to_owned(), Role::Focus),
            (format!("{name}  "), Role::Shortcut),
            (text, Role::Moment),
            (tick, Role::Dim),
        ]
    };
    let mut lines: Vec<LineOf> = marks.iter().enumerate().map(line).collect();
    if lines.is_empty() {
        let key = app.key(Action::Mark(MarkKey::Set));
        let text = format!("No marks yet: {key} and a letter marks this moment.");
        lines.push(vec![(text, Role::Dim)]);
    }
    let title = vec![("Marks".to_owned(), Role::Focus)];
    let height = (lines.len() as u16 + 2).clamp(5, areas.screen.height.saturating_sub(4));
    let rows = usize::from(height) - 2;
    let scroll = Scroll::Top((cursor + 1).saturating_sub(rows));
    let box_width = 56.min(areas.screen.width);
    scrolled(
        canvas,
        areas.screen,
        &title,
        &lines,
        scroll,
        (box_width, height),
    );
}
