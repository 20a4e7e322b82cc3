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
         font-family=\"'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for y in 0..area.height {
        let top = PADDING + f64::from(y) * CELL_HEIGHT;
        backgrounds(&mut svg, buffer, y, top);
        texts(&mut svg, buffer, y, top);
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

/// Runs of one style become one text with a place for every character, so that no viewer's font shifts a column;
/// lines and bars become shapes, so that they join.
fn texts(svg: &mut String, buffer: &Buffer, y: u16, top: f64) {
    let baseline = top + CELL_HEIGHT * 0.75;
    let mut x = 0;
    while x < buffer.area.width {
        let cell = &buffer[(x, y)];
        let style = (cell.fg, cell.modifier);
        let reversed = cell.modifier.contains(Modifier::REVERSED);
        let fill = if reversed {
            BACKGROUND.to_owned()
        } else {
            hex(cell.fg).unwrap_or_else(|| FOREGROUND.to_owned())
        };
        let (mut text, mut places) = (String::new(), String::new());
        while x < buffer.area.width && (buffer[(x, y)].fg, buffer[(x, y)].modifier) == style {
            let symbol = buffer[(x, y)].symbol();
            let left = PADDING + f64::from(x) * CELL_WIDTH;
            if !shape(svg, symbol, left, top, &fill) && symbol != " " {
                for c in symbol.chars() {
                    text.push(c);
                    let _ = write!(places, "{left:.1} ");
                }
            }
            x += symbol.width().max(1) as u16;
        }
        if !text.is_empty() {
            let weight = if style.1.contains(Modifier::BOLD) {
                " font-weight=\"bold\""
            } else {
                ""
            };
            let places = places.trim_end();
            let _ = writeln!(
                svg,
                "<text x=\"{places}\" y=\"{baseline:.1}\" fill=\"{fill}\"{weight}>{}</text>",
                escape(&text)
            );
        }
    }
}

/// Draws what is a line or a bar; false where the symbol is neither.
fn shape(svg: &mut String, symbol: &str, left: f64, top: f64, fill: &str) -> bool {
    let (right, bottom) = (left + CELL_WIDTH, top + CELL_HEIGHT);
    if let Some(dots) = symbol.chars().next().and_then(braille) {
        for (column, row) in dots {
            let x = left + CELL_WIDTH * f64::from(2 * column + 1) / 4.0;
            let y = top + CELL_HEIGHT * f64::from(2 * row + 1) / 8.0;
            let _ = writeln!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"1.3\" fill=\"{fill}\"/>"
            );
        }
        return true;
    }
    let (x, y) = (left + CELL_WIDTH / 2.0, top + CELL_HEIGHT / 2.0);
    let path = match symbol {
        "─" => format!("M{left:.1} {y:.1}H{right:.1}"),
        "│" => format!("M{x:.1} {top:.1}V{bottom:.1}"),
        "╭" => format!("M{right:.1} {y:.1}Q{x:.1} {y:.1} {x:.1} {bottom:.1}"),
        "╮" => format!("M{left:.1} {y:.1}Q{x:.1} {y:.1} {x:.1} {bottom:.1}"),
        "╰" => format!("M{right:.1} {y:.1}Q{x:.1} {y:.1} {x:.1} {top:.1}"),
        "╯" => format!("M{left:.1} {y:.1}Q{x:.1} {y:.1} {x:.1} {top:.1}"),
        "┴" => format!("M{left:.1} {y:.1}H{right:.1}M{x:.1} {y:.1}V{top:.1}"),
        "╌" => format!("M{:.1} {y:.1}h3M{:.1} {y:.1}h3", left + 0.6, left + 4.8),
        _ => {
            const BARS: &str = "▁▂▃▄▅▆▇█";
            let Some(level) = BARS.chars().position(|b| symbol.starts_with(b)) else {
                return false;
            };
            let height = CELL_HEIGHT * (level + 1) as f64 / 8.0;
            // A hair wider than its cell, so that neighbours leave no seam.
            let width = CELL_WIDTH + 0.2;
            let _ = writeln!(
                svg,
                "<rect x=\"{left:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\"/>",
                bottom - height
            );
            return true;
        }
    };
    let _ = writeln!(svg, "<path d=\"{path}\" stroke=\"{fill}\" fill=\"none\"/>");
    true
}

/// The dots of a character of braille, as columns and rows; many fonts have none of them.
fn braille(symbol: char) -> Option<impl Iterator<Item = (u32, u32)>> {
    /// The places of the dots, in the order of the bits.
    const PLACES: [(u32, u32); 8] = [
        (0, 0),
        (0, 1),
        (0, 2),
        (1, 0),
        (1, 1),
        (1, 2),
        (0, 3),
        (1, 3),
    ];
    let bits = u32::from(symbol).checked_sub(0x2800).filter(|b| *b < 256)?;
    let places = PLACES.into_iter().enumerate();
    Some(places.filter_map(move |(bit, place)| (bits >> bit & 1 == 1).then_some(place)))
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
