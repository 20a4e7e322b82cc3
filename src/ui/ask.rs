//! The field at the foot of the screen that asks for a text to find or a condition.

use ratatui::layout::Rect;
use ratatui::style::Modifier;
use unicode_segmentation::UnicodeSegmentation;

use crate::app::App;
use crate::app::arrange::{Ask, Wanted};
use crate::app::keymap::Action;
use crate::app::layout::Areas;
use crate::text::{Align, fit, visible, width, wrapped_at_words};

use super::canvas::Canvas;
use super::theme::Role;

/// Candidates shown at once.
const CANDIDATES_AT_MOST: usize = 8;

pub(super) fn draw(app: &App, ask: &Ask, areas: Areas, canvas: &mut Canvas<'_>) {
    let (sign, hint) = match ask.wanted {
        Wanted::Pattern => (
            " / ",
            format!(
                "a regular expression; capitals tell cases apart · Enter finds, {} and {} go on · Up: earlier ones",
                app.key(Action::FindNext),
                app.key(Action::FindPrevious)
            ),
        ),
        Wanted::When => (
            " when ",
            "net_income < 0 (this row) or count() > 100 (the table) · Enter goes to the first time · Up: earlier ones"
                .to_owned(),
        ),
        Wanted::Condition => (
            " & ",
            "such as industry ~ \"Soft\" and revenue > 1e9 · Tab completes · C-u clears · empty shows all · Up: earlier ones"
                .to_owned(),
        ),
    };
    let line = Rect {
        y: areas.hints.y,
        height: 1,
        ..areas.screen
    };
    canvas.clear(line);
    let sign_width = width(sign) as u16;
    let shortcut = canvas.theme.style(Role::Shortcut);
    let mut x = canvas.put(line.x, line.y, sign, sign_width, shortcut);
    let (before, _) = ask.prompt.split();
    let room = usize::from(line.width.saturating_sub(sign_width + 3));
    let skipped = (before.graphemes(true).count() + 1).saturating_sub(room);
    let start = x;
    let mut cursor = x;
    let mut fault_at = None;
    for (at, grapheme) in ask.prompt.text().grapheme_indices(true).skip(skipped) {
        if at == before.len() {
            cursor = x;
        }
        let mut style = canvas.theme.style(Role::Text);
        if let Some((span, _)) = &ask.fault
            && at >= span.start
            && (at < span.end || at == span.start)
        {
            style = canvas
                .theme
                .style(Role::Error)
                .add_modifier(Modifier::UNDERLINED);
            fault_at.get_or_insert(x);
        }
        x = canvas.put(
            x,
            line.y,
            &visible(grapheme),
            line.right().saturating_sub(x),
            style,
        );
    }
    if before.len() == ask.prompt.text().len() {
        cursor = x;
    }
    let under = ratatui::style::Style::new().add_modifier(Modifier::REVERSED);
    canvas.restyle(Rect::new(cursor, line.y, 1, 1), under);
    if ask.prompt.text().is_empty() {
        canvas.put(
            x + 2,
            line.y,
            &hint,
            line.right().saturating_sub(x + 3),
            canvas.theme.style(Role::Dim),
        );
    }
    match &ask.fault {
        Some((_, words)) => draw_fault(words, fault_at.unwrap_or(x), line, canvas),
        None => draw_candidates(ask, line, start, canvas),
    }
}

/// What is wrong, above the text that it speaks of; what is longer than a line has as many as it needs.
fn draw_fault(words: &str, at: u16, line: Rect, canvas: &mut Canvas<'_>) {
    let style = canvas.theme.style(Role::Error);
    let words = visible(words);
    let room = usize::from(line.width.saturating_sub(2));
    if width(&words) > room {
        let parts = wrapped_at_words(&words, room);
        let top = line.y.saturating_sub(parts.len() as u16);
        for (y, part) in (top..line.y).zip(&parts) {
            canvas.clear(Rect { y, ..line });
            canvas.put(line.x + 1, y, part, room as u16, style);
        }
        return;
    }
    let words = format!(" {words} ");
    let cells = width(&words) as u16;
    let x = at.min(line.right().saturating_sub(cells + 1));
    let area = Rect::new(x, line.y - 1, cells.min(line.right() - x), 1);
    canvas.clear(area);
    canvas.put(x, area.y, &words, area.width, style);
}

/// What may come next, above the field.
fn draw_candidates(ask: &Ask, line: Rect, start: u16, canvas: &mut Canvas<'_>) {
    let candidates = &ask.completion.candidates;
    if candidates.is_empty() {
        return;
    }
    let shown = candidates.len().min(CANDIDATES_AT_MOST);
    let first = ask.chosen.saturating_sub(CANDIDATES_AT_MOST - 1);
    let texts = candidates
        .iter()
        .map(|c| width(&visible(&c.text)))
        .max()
        .unwrap_or(0)
        .min(40);
    let height = shown as u16 + 2;
    let box_width = (texts as u16 + 4).min(line.width);
    let at = start.min(line.right().saturating_sub(box_width));
    let area = Rect::new(at, line.y.saturating_sub(height), box_width, height);
    canvas.clear(area);
    canvas.frame(area, &[], &[], true);
    let inside = Areas::inside(area);
    for (row, candidate) in candidates.iter().enumerate().skip(first).take(shown) {
        let y = inside.y + (row - first) as u16;
        let text = format!(" {} ", fit(&candidate.text, texts, Align::Left));
        canvas.put(
            inside.x,
            y,
            &text,
            inside.width,
            canvas.theme.style(Role::Text),
        );
        if row == ask.chosen {
            canvas.restyle(
                Rect {
                    y,
                    height: 1,
                    ..inside
                },
                canvas.theme.cursor_cell(true),
            );
        }
    }
}
