//! What the selected column holds: counts, the ends of its values, and how they are spread.

use ratatui::layout::Rect;

use crate::app::cell::{NULL, format_value};
use crate::app::{App, TableView};
use crate::event_time::EventTime;
use crate::expr::Scalar;
use crate::scan::Value;
use crate::text::{Align, decimal, ellipsis, fit, thousands, width};
use crate::view::{ColumnStatistics, Histogram, TopValues};

use super::canvas::Canvas;
use super::lists::type_name;
use super::theme::Role;
use super::timeline::BARS;

/// Lines of the bars of a histogram.
const BARS_HEIGHT: u16 = 4;

pub(super) fn draw(app: &App, view: &TableView, canvas: &mut Canvas<'_>) {
    let (Some(area), Some(facts)) = (app.facts_area(), view.facts.as_ref()) else {
        return;
    };
    let column = view.columns.iter().find(|c| c.name == facts.column);
    let kind = column.map_or("", |c| type_name(c.data_type));
    rule(area, &facts.column, kind, canvas);
    let inside = Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(2),
        height: area.height - 1,
    };
    if let Some(error) = &facts.error {
        let mut lines = vec![error.to_string()];
        lines.extend(error.next_step());
        return super::grid::paragraph(canvas, inside, &lines, Role::Error);
    }
    let Some((_, known)) = &facts.known else {
        let style = canvas.theme.style(Role::Waiting);
        canvas.put(inside.x, inside.y, "…", inside.width, style);
        return;
    };
    // What is of a moment before is dim until the answer of this one is there.
    let role = if facts.is_of(view) {
        Role::Text
    } else {
        Role::Dim
    };
    let lines = lines(known, view.arranged.is_some());
    for (i, (name, value)) in lines.iter().enumerate() {
        let y = inside.y + i as u16;
        let x = canvas.put(inside.x, y, name, 9, canvas.theme.style(Role::Dim));
        let room = inside.right().saturating_sub(x + 1);
        let text = fit(value, usize::from(room), Align::Right);
        let role = if *value == NULL { Role::Null } else { role };
        canvas.put(x + 1, y, &text, room, canvas.theme.style(role));
    }
    let taken = lines.len() as u16;
    let below = Rect {
        y: inside.y + taken,
        height: inside.height.saturating_sub(taken),
        ..inside
    };
    match &known.histogram {
        None => {}
        Some(Histogram::Top(top)) => draw_top(top, below, role, canvas),
        Some(Histogram::Int(bins) | Histogram::Time(bins)) => {
            draw_bars(
                &bins.iter().map(|b| b.count).collect::<Vec<_>>(),
                below,
                canvas,
            );
        }
        Some(Histogram::Float(bins)) => {
            draw_bars(
                &bins.iter().map(|b| b.count).collect::<Vec<_>>(),
                below,
                canvas,
            );
        }
    }
}

/// A rule with the column's name and type, which joins the border of the panel.
fn rule(area: Rect, name: &str, kind: &str, canvas: &mut Canvas<'_>) {
    let style = canvas.theme.style(Role::Focus);
    let line = "─".repeat(usize::from(area.width));
    let whole = format!("├{line}┤");
    canvas.put(
        area.x.saturating_sub(1),
        area.y,
        &whole,
        area.width + 2,
        style,
    );
    let room = usize::from(area.width).saturating_sub(width(kind) + 6);
    let pieces = [
        (format!(" {} ", ellipsis(name, room)), Role::Key),
        (format!("{kind} "), Role::Dim),
    ];
    canvas.spans(area.x + 1, area.y, area.width.saturating_sub(2), &pieces);
}

/// Names and values, a line each.
fn lines(known: &ColumnStatistics, is_filtered: bool) -> Vec<(&'static str, String)> {
    let number = |n: u64| thousands(n as i64);
    let share = |n: u64| match n {
        0 => String::new(),
        n => format!(" · {}", percent(n as f64 / known.rows.max(1) as f64)),
    };
    let about = if known.distinct.is_estimate {
        "≈"
    } else {
        ""
    };
    let rows = if is_filtered { "rows of &" } else { "rows" };
    let mut lines = vec![
        (rows, number(known.rows)),
        ("nulls", number(known.nulls) + &share(known.nulls)),
        (
            "distinct",
            format!("{about}{}", number(known.distinct.count)),
        ),
        ("min", scalar(&known.min)),
        ("max", scalar(&known.max)),
    ];
    lines.extend(known.mean.map(|mean| ("mean", figure(mean))));
    if known.nans > 0 {
        lines.push(("NaN", number(known.nans) + &share(known.nans)));
    }
    lines
}

/// A share of the whole; a few are not none, and most are not all.
fn percent(share: f64) -> String {
    match share * 100.0 {
        p if p > 0.0 && p < 0.1 => "<0.1%".to_owned(),
        p if p < 100.0 && p > 99.9 => ">99.9%".to_owned(),
        p if p.fract() == 0.0 => format!("{p}%"),
        p => format!("{p:.1}%"),
    }
}

/// A number that was worked out, to as many digits as say something.
pub(super) fn figure(number: f64) -> String {
    let rounded = match number.abs() {
        size if !size.is_finite() || size >= 1e15 => number,
        size if size >= 1_000.0 => number.round(),
        size if size >= 1.0 => (number * 100.0).round() / 100.0,
        _ => (number * 1e6).round() / 1e6,
    };
    // What is too small to be rounded is shown as it is.
    decimal(if rounded == 0.0 { number } else { rounded })
}

fn scalar(value: &Scalar) -> String {
    match value {
        Scalar::Null => NULL.to_owned(),
        Scalar::Bool(yes) => yes.to_string(),
        Scalar::Int(number) => {
            i64::try_from(*number).map_or_else(|_| number.to_string(), thousands)
        }
        Scalar::Float(number) => decimal(*number),
        // A value may be a megabyte; no screen is as wide as this.
        Scalar::Text(text) => ellipsis(text, 1_000),
        Scalar::Time(ms) => {
            let at = EventTime::from_ms(*ms);
            format_value(Value::Time(at), at.precision())
        }
    }
}

/// The most frequent values with their counts.
fn draw_top(top: &TopValues, area: Rect, role: Role, canvas: &mut Canvas<'_>) {
    let number = |n: u64| thousands(n as i64);
    let rows = usize::from(area.height);
    // Values that all occur once say nothing by their counts.
    let says_something = top.values.first().is_some_and(|(_, count)| *count > 1);
    let shown = if says_something { rows } else { 0 };
    let entries = top.values.iter().take(shown);
    for (i, (value, count)) in entries.enumerate() {
        let count = number(*count);
        let cells = width(&count) as u16;
        let y = area.y + i as u16;
        let room = area.width.saturating_sub(cells + 1);
        let text = fit(value, usize::from(room), Align::Left);
        canvas.put(area.x, y, &text, room, canvas.theme.style(role));
        let at = area.right().saturating_sub(cells);
        canvas.put(at, y, &count, cells, canvas.theme.style(Role::Past));
    }
}

/// Bars, from the least value on the left to the greatest on the right.
fn draw_bars(counts: &[u64], area: Rect, canvas: &mut Canvas<'_>) {
    let height = BARS_HEIGHT.min(area.height);
    let most = counts.iter().copied().max().unwrap_or(0);
    if counts.is_empty() || most == 0 || height == 0 {
        return;
    }
    let style = canvas.theme.style(Role::Past);
    let levels = f64::from(height) * 8.0;
    let cells = usize::from(area.width);
    for x in 0..cells {
        // Few bins are drawn wide, so that the first and the last stand at the ends.
        let count = counts[x * counts.len() / cells];
        // What is not nothing shows.
        let level = (count as f64 / most as f64 * levels).ceil() as usize;
        for line in 0..height {
            let below = usize::from(height - 1 - line) * 8;
            let bar = BARS[level.saturating_sub(below).min(8)];
            canvas.put(area.x + x as u16, area.y + line, bar, 1, style);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_figures_are_as_exact_as_they_can_be_read() {
        assert_eq!(percent(0.0), "0%");
        assert_eq!(percent(0.000_1), "<0.1%");
        assert_eq!(percent(0.123), "12.3%");
        assert_eq!(percent(0.999_9), ">99.9%");
        assert_eq!(percent(1.0), "100%");
        assert_eq!(figure(1_234_567.89), "1,234,568");
        assert_eq!(figure(5.333_333), "5.33");
        assert_eq!(figure(-0.000_000_1), "-1e-7");
        assert_eq!(figure(f64::INFINITY), "∞");
        assert_eq!(figure(0.0), "0");
    }
}
