//! A frame as an SVG picture: how the README's pictures are made.

use std::fmt::Write;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

const CELL_WIDTH: f64 = 8.4;
const CELL_HEIGHT: f64 = 18.0;
const PADDING: f64 = 14.0;
const BACKGROUND: &str = "#10151b";
const FOREGROUND: &str = "#d3d9e0";

/// Draws a buffer of true colours as SVG text, cell by cell, so that it looks the same in every viewer.
pub fn frame_to_svg(buffer: &Buffer) -> String {
    let area = buffer.area;
    let (width, height) = (
        f64::from(area.width) * CELL_WIDTH + 2.0 * PADDING,
        f64::from(area.height) * CELL_HEIGHT + 2.0 * PADDING,
    );
    let mut svg = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for y in 0..area.height {
        let top = PADDING + f64::from(y) * CELL_HEIGHT;
        backgrounds(&mut svg, buffer, y, top);
        texts(&mut svg, buffer, y, top + CELL_HEIGHT * 0.75);
    }
    svg.push_str("</svg>\n");
    svg
}

fn backgrounds(svg: &mut String, buffer: &Buffer, y: u16, top: f64) {
    let mut x = 0;
    while x < buffer.area.width {
        let cell = &buffer[(x, y)];
        let fill = if cell.modifier.contains(Modifier::REVERSED) {
            hex(cell.fg).or(Some(FOREGROUND.to_owned()))
        } else {
            hex(cell.bg)
        };
        let mut end = x + 1;
        while end < buffer.area.width
            && buffer[(end, y)].bg == cell.bg
            && buffer[(end, y)].modifier.contains(Modifier::REVERSED)
                == cell.modifier.contains(Modifier::REVERSED)
        {
            end += 1;
        }
        if let Some(fill) = fill {
            let (left, width) = (
                PADDING + f64::from(x) * CELL_WIDTH,
                f64::from(end - x) * CELL_WIDTH,
            );
            let _ = writeln!(
                svg,
                "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{CELL_HEIGHT:.1}\" fill=\"{fill}\"/>"
            );
        }
        x = end;
    }
}

/// Runs of one style become one text, stretched to the width of its cells.
fn texts(svg: &mut String, buffer: &Buffer, y: u16, baseline: f64) {
    let mut x = 0;
    while x < buffer.area.width {
        let cell = &buffer[(x, y)];
        let style = (cell.fg, cell.modifier);
        let (mut text, mut end) = (String::new(), x);
        while end < buffer.area.width && (buffer[(end, y)].fg, buffer[(end, y)].modifier) == style {
            let symbol = buffer[(end, y)].symbol();
            text.push_str(symbol);
            end += symbol.width().max(1) as u16;
        }
        let trimmed = text.trim_end();
        if !trimmed.trim().is_empty() {
            let lead = trimmed.len() - trimmed.trim_start().len();
            let left = PADDING + f64::from(x + lead as u16) * CELL_WIDTH;
            let shown = trimmed.trim_start();
            let length = shown.width() as f64 * CELL_WIDTH;
            let reversed = style.1.contains(Modifier::REVERSED);
            let fill = if reversed {
                BACKGROUND.to_owned()
            } else {
                hex(style.0).unwrap_or_else(|| FOREGROUND.to_owned())
            };
            let weight = if style.1.contains(Modifier::BOLD) {
                " font-weight=\"bold\""
            } else {
                ""
            };
            let line = if style.1.contains(Modifier::UNDERLINED) {
                " text-decoration=\"underline\""
            } else {
                ""
            };
            let _ = writeln!(
                svg,
                "<text x=\"{left:.1}\" y=\"{baseline:.1}\" fill=\"{fill}\" textLength=\"{length:.1}\" xml:space=\"preserve\"{weight}{line}>{}</text>",
                escape(shown)
            );
        }
        x = end.max(x + 1);
    }
}

fn hex(color: Color) -> Option<String> {
    match color {
        Color::Rgb(r, g, b) => Some(format!("#{r:02x}{g:02x}{b:02x}")),
        _ => None,
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
