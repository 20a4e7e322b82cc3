//! The query pane: the statement above, its rows below.

use ratatui::layout::Rect;
use ratatui::style::Modifier;
use unicode_segmentation::UnicodeSegmentation;

use crate::app::keymap::Action;
use crate::app::layout::Areas;
use crate::app::query::{Completion, QueryPane, SHOWN_AT_MOST, quoted, result_area, text_area};
use crate::app::rows::Rows;
use crate::app::{App, LONG_READ_MS, Panel, zoned_moment};
use crate::sql::{Piece, pieces};
use crate::text::{Align, fit, thousands, visible, width};

use super::canvas::Canvas;
use super::grid::{Look, hidden_columns, padded, paragraph, place_among_changes, rows, selected};
use super::theme::Role;

pub(super) fn draw(app: &App, pane: &QueryPane, areas: Areas, data: Rect, canvas: &mut Canvas<'_>) {
    let focused = app.focus == Panel::Data && app.overlay.is_none();
    let text = text_area(data, pane);
    let result = result_area(data, pane);
    // On small screens the tabs stand where the title would.
    let title = if areas.tabs { "" } else { "Query" };
    let role = if focused && pane.is_editing {
        Role::Focus
    } else {
        Role::Title
    };
    let right = if areas.tabs {
        String::new()
    } else if pane.is_editing {
        "; Enter or C-r runs · Tab completes · Esc to the rows".to_owned()
    } else {
        let (edit, compare) = (app.key(Action::Query), app.key(Action::Compare));
        format!("{edit} edits · {compare} compares · Esc closes")
    };
    let right = [(right, Role::Dim)];
    canvas.frame(
        text,
        &[(title.to_owned(), role)],
        &right,
        focused && pane.is_editing,
    );
    draw_result(app, pane, result, focused && !pane.is_editing, canvas);
    // Last, because what may come next lies over the rows.
    draw_text(pane, Areas::inside(text), focused, canvas);
    if let Some(prompt) = &pane.asking {
        ask(prompt, result, canvas);
    }
}

fn draw_text(pane: &QueryPane, area: Rect, focused: bool, canvas: &mut Canvas<'_>) {
    let text = pane.editor.text();
    let height = usize::from(area.height).max(1);
    let mut looks: Vec<(usize, Role)> = Vec::new();
    for (range, piece) in pieces(text) {
        looks.push((range.start, role_of(piece)));
    }
    let fault = pane
        .error
        .as_ref()
        .and_then(crate::error::Error::text_position);
    // Who looks at the rows sees how the statement begins, or where it is wrong.
    let line = match fault {
        _ if pane.is_editing => pane.editor.line() + 1,
        Some((line, _)) => line,
        None => 0,
    };
    let top = line.saturating_sub(height);
    let mut start = 0;
    let mut cursor = None;
    for (number, line) in text.split('\n').enumerate() {
        let end = start + line.len();
        if number >= top && number < top + height {
            let y = area.y + (number - top) as u16;
            // A line that is too long for the pane shows the part with the cursor.
            let has_cursor = (start..=end).contains(&pane.editor.cursor());
            let room = usize::from(area.width.saturating_sub(2)).max(1);
            let skipped = if has_cursor && pane.is_editing {
                let before = &text[start..pane.editor.cursor()];
                (before.graphemes(true).count() + 1).saturating_sub(room)
            } else {
                0
            };
            let mut x = area.x + 1;
            for (at, grapheme) in line.grapheme_indices(true).skip(skipped) {
                if x + 1 >= area.right() {
                    break;
                }
                if start + at == pane.editor.cursor() {
                    cursor = Some((x, y));
                }
                let look = looks.partition_point(|(from, _)| *from <= start + at);
                let role = looks
                    .get(look.wrapping_sub(1))
                    .map_or(Role::Text, |(_, role)| *role);
                let column = line[..at].chars().count() + 1;
                let mut style = canvas.theme.style(role);
                if fault.is_some_and(|(line, from)| {
                    line == number + 1 && column >= from && !is_past(text, start, at, from)
                }) {
                    style = canvas
                        .theme
                        .style(Role::Error)
                        .add_modifier(Modifier::UNDERLINED);
                }
                x = canvas.put(x, y, &visible(grapheme), 2, style);
            }
            let dim = canvas.theme.style(Role::Dim);
            if skipped > 0 {
                canvas.put(area.x, y, "‹", 1, dim);
            }
            if line.graphemes(true).count() - skipped > room {
                canvas.put(area.right() - 1, y, "›", 1, dim);
            }
            if has_cursor && cursor.is_none() {
                cursor = Some((x, y));
            }
            // What is wanted behind the last word has no word to underline.
            if fault.is_some_and(|(line, from)| {
                line == number + 1 && from > text[start..end].chars().count()
            }) {
                canvas.put(x, y, "‸", 1, canvas.theme.style(Role::Error));
            }
        }
        start = end + 1;
    }
    if text.is_empty() {
        let hint =
            "SELECT … FROM a_table WHERE … — tables are as of the playhead, or AT ('2019-01-17')";
        canvas.put(
            area.x + 2,
            area.y,
            hint,
            area.width.saturating_sub(3),
            canvas.theme.style(Role::Dim),
        );
        cursor = Some((area.x + 1, area.y));
    }
    let Some((x, y)) = cursor.filter(|_| pane.is_editing && focused) else {
        return;
    };
    let under = ratatui::style::Style::new().add_modifier(Modifier::REVERSED);
    canvas.restyle(Rect::new(x, y, 1, 1), under);
    if let Some(completion) = &pane.completion {
        draw_completion(completion, pane, (x, y + 1), canvas);
    }
}

/// True where the word that an error begins with has ended before this place.
fn is_past(text: &str, line_start: usize, at: usize, from: usize) -> bool {
    let line = &text[line_start..];
    let begin = line.char_indices().nth(from - 1).map_or(0, |(at, _)| at);
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    let end = at + line[at..].chars().next().map_or(0, char::len_utf8);
    at > begin && line[begin..end].chars().any(|c| !is_part(c))
}

fn role_of(piece: Piece) -> Role {
    match piece {
        Piece::Keyword => Role::Shortcut,
        Piece::Function => Role::Key,
        Piece::Text => Role::Added,
        Piece::Number => Role::Moment,
        Piece::Comment => Role::Dim,
        Piece::Name | Piece::Other => Role::Text,
    }
}

fn draw_completion(
    completion: &Completion,
    pane: &QueryPane,
    (x, y): (u16, u16),
    canvas: &mut Canvas<'_>,
) {
    let begun = width(&visible(
        &pane.editor.text()[completion.from..pane.editor.cursor()],
    )) as u16;
    let texts = completion
        .candidates
        .iter()
        .map(|c| width(&visible(&c.text)))
        .max()
        .unwrap_or(0)
        .min(40);
    let total = texts as u16 + 13;
    let screen = canvas.buffer.area;
    let x = x
        .saturating_sub(begun + 2)
        .min(screen.right().saturating_sub(total));
    let height = completion.candidates.len().min(SHOWN_AT_MOST) as u16 + 2;
    let y = if y + height > screen.bottom() {
        y.saturating_sub(height + 1)
    } else {
        y
    };
    let area = Rect::new(x, y, total, height);
    canvas.clear(area);
    canvas.frame(area, &[], &[], true);
    let inside = Areas::inside(area);
    for (line, candidate) in completion.candidates.iter().enumerate() {
        let y = inside.y + line as u16;
        let pieces = [
            (
                format!(" {} ", fit(&candidate.text, texts, Align::Left)),
                Role::Text,
            ),
            (fit(candidate.kind.label(), 8, Align::Left), Role::Dim),
        ];
        canvas.spans(inside.x, y, inside.width, &pieces);
        if line == completion.chosen {
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

fn draw_result(app: &App, pane: &QueryPane, area: Rect, focused: bool, canvas: &mut Canvas<'_>) {
    let inside = Areas::inside(area);
    let mut left = vec![(
        "Result".to_owned(),
        if focused { Role::Focus } else { Role::Title },
    )];
    if let Some(shown) = pane.shown() {
        left.push((" ─ as of ".to_owned(), Role::Dim));
        left.push((zoned_moment(shown), Role::Moment));
    } else if pane.is_timeless() {
        left.push((" ─ the same at every moment".to_owned(), Role::Dim));
    }
    let is_long = pane
        .pending
        .is_some_and(|p| app.clock.ms >= p.since_ms + LONG_READ_MS);
    let mut right = Vec::new();
    if is_long {
        let seconds = pane
            .pending
            .map_or(0, |p| app.clock.ms.saturating_sub(p.since_ms))
            / 1_000;
        right.push((
            format!("running · {seconds} s · Esc cancels"),
            Role::Waiting,
        ));
    } else if let Some(shown) = pane.rows().filter(|r| !r.is_empty()) {
        right.extend(extent(pane, shown));
    }
    canvas.frame(area, &left, &right, focused);
    if let Some(error) = &pane.error {
        let mut lines = vec![error.to_string()];
        lines.extend(error.next_step().map(|step| format!("→ {step}")));
        return paragraph(canvas, padded(inside), &lines, Role::Error);
    }
    let Some(shown) = pane.rows() else {
        let line = match pane.pending {
            Some(_) => "running …",
            None if pane.was_cancelled() => "Cancelled; C-r runs it again.",
            None => "Write a statement, and ; Enter or C-r runs it.",
        };
        return paragraph(canvas, padded(inside), &[line.to_owned()], Role::Dim);
    };
    let look = Look {
        grid: &pane.grid,
        compare: pane.compare,
        flipped: false,
        lost: false,
    };
    rows(look, shown, inside, focused, canvas);
    hidden_columns(&pane.grid, area, focused, canvas);
    if shown.is_empty() {
        let below = Rect {
            y: inside.y + 1,
            height: inside.height.saturating_sub(1),
            ..inside
        };
        paragraph(canvas, padded(below), &["No rows.".to_owned()], Role::Dim);
    }
}

fn extent(pane: &QueryPane, shown: Rows<'_>) -> Vec<(String, Role)> {
    let number = |n: usize| thousands(n as i64);
    let last = (pane.grid.top + pane.grid.height).min(shown.len());
    let has_more = matches!(shown, Rows::Result(result) if result.has_more);
    let the_first = if has_more { "the first " } else { "" };
    let mut pieces = Vec::new();
    match shown {
        Rows::Compared(comparison) => {
            let only = (pane.filter, pane.changed_columns_only);
            pieces.extend(place_among_changes(comparison, pane.grid.row, only));
        }
        Rows::Result(result) => {
            let ms = format!("{:.0} ms · ", (result.elapsed.as_secs_f64() * 1e3).ceil());
            pieces.push((ms, Role::Dim));
            if !result.is_complete {
                pieces.push(("so far ".to_owned(), Role::Waiting));
            }
        }
        Rows::Plain(..) => {}
    }
    pieces.push((
        format!(
            "{}–{} of {the_first}{}",
            number(pane.grid.top + 1),
            number(last),
            number(shown.len())
        ),
        Role::Dim,
    ));
    pieces.extend(selected(&pane.grid));
    pieces
}

fn ask(prompt: &crate::app::Prompt, over: Rect, canvas: &mut Canvas<'_>) {
    let box_width = 66.min(over.width.saturating_sub(2));
    let area = Rect::new(
        over.x + (over.width - box_width) / 2,
        over.y + 1,
        box_width,
        4,
    );
    canvas.clear(area);
    let title = [("Which columns tell rows apart?".to_owned(), Role::Focus)];
    canvas.frame(area, &title, &[], true);
    let inside = Areas::inside(area);
    let (before, after) = prompt.split();
    let x = canvas.put(
        inside.x + 1,
        inside.y,
        &visible(before),
        inside.width - 2,
        canvas.theme.style(Role::Text),
    );
    canvas.put(
        x,
        inside.y,
        &visible(after),
        inside.right().saturating_sub(x + 1),
        canvas.theme.style(Role::Text),
    );
    let under = ratatui::style::Style::new().add_modifier(Modifier::REVERSED);
    canvas.restyle(Rect::new(x.min(inside.right() - 1), inside.y, 1, 1), under);
    let hint = format!(
        "names with commas between, such as {} · Enter compares",
        quoted("industry")
    );
    canvas.put(
        inside.x + 1,
        inside.y + 1,
        &hint,
        inside.width - 2,
        canvas.theme.style(Role::Dim),
    );
}
