//! Putting text on the screen's buffer, clipped to it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::text;

use super::theme::{Role, Theme};

/// The buffer of a frame with the theme that it is drawn in.
pub(super) struct Canvas<'a> {
    pub buffer: &'a mut Buffer,
    pub theme: Theme,
}

impl Canvas<'_> {
    /// Writes a safe text, cut to `width` cells; answers the cell after it.
    pub fn put(&mut self, x: u16, y: u16, text: &str, width: u16, style: Style) -> u16 {
        let area = self.buffer.area;
        if y >= area.bottom() || x >= area.right() || width == 0 {
            return x;
        }
        let cut = text::ellipsis(text, usize::from(width));
        self.buffer
            .set_stringn(x, y, &cut, usize::from(width.min(area.right() - x)), style)
            .0
    }

    /// Writes pieces one after another; answers the cell after them.
    pub fn spans(&mut self, x: u16, y: u16, width: u16, pieces: &[(String, Role)]) -> u16 {
        let end = x.saturating_add(width);
        pieces.iter().fold(x, |x, (text, role)| {
            self.put(x, y, text, end.saturating_sub(x), self.theme.style(*role))
        })
    }

    /// Changes the style of cells and leaves their text.
    pub fn restyle(&mut self, area: Rect, style: Style) {
        let area = area.intersection(self.buffer.area);
        self.buffer.set_style(area, style);
    }

    /// Empties cells.
    pub fn clear(&mut self, area: Rect) {
        for position in area.intersection(self.buffer.area).positions() {
            self.buffer[position].reset();
        }
    }

    /// Draws a rounded border with a title on the left and one on the right; the right one gives way.
    pub fn frame(
        &mut self,
        area: Rect,
        left: &[(String, Role)],
        right: &[(String, Role)],
        focused: bool,
    ) {
        if area.width < 2 || area.height < 2 {
            return;
        }
        let style = self
            .theme
            .style(if focused { Role::Focus } else { Role::Border });
        let line = "─".repeat(usize::from(area.width) - 2);
        let (last_x, last_y) = (area.right() - 1, area.bottom() - 1);
        self.put_line(area.x, area.y, &format!("╭{line}╮"), style);
        self.put_line(area.x, last_y, &format!("╰{line}╯"), style);
        for y in area.y + 1..last_y {
            self.put_line(area.x, y, "│", style);
            self.put_line(last_x, y, "│", style);
        }
        let room = area.width.saturating_sub(4);
        let width = |pieces: &[(String, Role)]| {
            pieces
                .iter()
                .map(|(t, _)| text::width(t) as u16)
                .sum::<u16>()
        };
        let (left_width, right_width) = (width(left), width(right));
        if left_width > 0 {
            let end = self.spans(area.x + 2, area.y, room.saturating_sub(2), &padded(left));
            debug_assert!(end < area.right());
        }
        if right_width > 0 && left_width + right_width + 6 <= room {
            self.spans(
                area.right() - 4 - right_width,
                area.y,
                right_width + 2,
                &padded(right),
            );
        }
    }

    /// Writes characters as they are, clipped.
    fn put_line(&mut self, x: u16, y: u16, text: &str, style: Style) {
        let area = self.buffer.area;
        if y < area.bottom() && x < area.right() {
            self.buffer
                .set_stringn(x, y, text, usize::from(area.right() - x), style);
        }
    }
}

/// With a space on either side.
fn padded(pieces: &[(String, Role)]) -> Vec<(String, Role)> {
    let mut pieces = pieces.to_vec();
    if let Some(first) = pieces.first_mut() {
        first.0.insert(0, ' ');
    }
    if let Some(last) = pieces.last_mut() {
        last.0.push(' ');
    }
    pieces
}
