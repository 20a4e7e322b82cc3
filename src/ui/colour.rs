//! Colours as people name them, and the nearest of them that a terminal has.

use ratatui::style::Color;

/// A colour that the person has set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Red, green and blue, a byte each: `0xff8800`.
    Rgb(u32),
    /// One of the terminal's own sixteen, or its default.
    Own(Color),
}

/// The terminal's own colours, by name.
const OWN: [(&str, Color); 17] = [
    ("default", Color::Reset),
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("gray", Color::Gray),
    ("dark-gray", Color::DarkGray),
    ("light-red", Color::LightRed),
    ("light-green", Color::LightGreen),
    ("light-yellow", Color::LightYellow),
    ("light-blue", Color::LightBlue),
    ("light-magenta", Color::LightMagenta),
    ("light-cyan", Color::LightCyan),
    ("white", Color::White),
];

impl Colour {
    /// The names of the terminal's own colours.
    pub fn own_names() -> impl Iterator<Item = &'static str> {
        OWN.into_iter().map(|(name, _)| name)
    }

    /// Reads `#rrggbb`, or the name of one of the terminal's own.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(digits) = text.strip_prefix('#') {
            let is_hex = digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit());
            return u32::from_str_radix(digits, 16)
                .ok()
                .filter(|_| is_hex)
                .map(Self::Rgb);
        }
        let own = OWN.iter().find(|(name, _)| *name == text);
        own.map(|(_, colour)| Self::Own(*colour))
    }
}

/// The nearest of the sixteen, as terminals usually have them.
pub(super) fn nearest_ansi(rgb: u32) -> Color {
    const USUAL: [(u32, Color); 16] = [
        (0x00_0000, Color::Black),
        (0xcd_0000, Color::Red),
        (0x00_cd00, Color::Green),
        (0xcd_cd00, Color::Yellow),
        (0x00_00ee, Color::Blue),
        (0xcd_00cd, Color::Magenta),
        (0x00_cdcd, Color::Cyan),
        (0xe5_e5e5, Color::Gray),
        (0x7f_7f7f, Color::DarkGray),
        (0xff_0000, Color::LightRed),
        (0x00_ff00, Color::LightGreen),
        (0xff_ff00, Color::LightYellow),
        (0x5c_5cff, Color::LightBlue),
        (0xff_00ff, Color::LightMagenta),
        (0x00_ffff, Color::LightCyan),
        (0xff_ffff, Color::White),
    ];
    let part = |rgb: u32, shift: u32| (rgb >> shift) as u8;
    let distance = |other: u32| -> u32 {
        [16, 8, 0]
            .map(|shift| u32::from(part(rgb, shift).abs_diff(part(other, shift))).pow(2))
            .iter()
            .sum()
    };
    let nearest = USUAL.iter().min_by_key(|(other, _)| distance(*other));
    nearest.map_or(Color::Reset, |(_, colour)| *colour)
}

/// The nearest of xterm's 6 x 6 x 6 cube and 24 greys.
pub(super) fn nearest_indexed(r: u8, g: u8, b: u8) -> u8 {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let distance = |x: (u8, u8, u8)| {
        let d = |a: u8, b: u8| i32::from(a.abs_diff(b)).pow(2);
        d(x.0, r) + d(x.1, g) + d(x.2, b)
    };
    let level = |c: u8| (0..6).min_by_key(|i| LEVELS[*i].abs_diff(c)).unwrap_or(0);
    let (lr, lg, lb) = (level(r), level(g), level(b));
    let cube = (
        distance((LEVELS[lr], LEVELS[lg], LEVELS[lb])),
        (16 + 36 * lr + 6 * lg + lb) as u8,
    );
    let greys = (0..24u8).map(|i| (distance((8 + 10 * i, 8 + 10 * i, 8 + 10 * i)), 232 + i));
    greys.chain([cube]).min().map_or(15, |(_, index)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexed_colours_are_the_nearest() {
        assert_eq!(nearest_indexed(0, 0, 0), 16);
        assert_eq!(nearest_indexed(255, 255, 255), 231);
        assert_eq!(nearest_indexed(128, 128, 128), 244);
        assert_eq!(nearest_indexed(255, 135, 0), 208);
    }

    #[test]
    fn one_of_the_sixteen_is_the_nearest_to_itself() {
        assert_eq!(nearest_ansi(0), Color::Black);
        assert_eq!(nearest_ansi(0xff_ffff), Color::White);
        assert_eq!(nearest_ansi(0xf0_1020), Color::LightRed);
    }
}
