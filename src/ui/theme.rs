//! Colours with meaning: what is drawn asks for a role, and a theme says how the role looks.

use ratatui::style::{Color, Modifier, Style};

/// What a piece of the screen means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Values and words.
    Text,
    /// What is said in passing: hints, units, the event time.
    Dim,
    /// Lines between things.
    Border,
    /// The border and title of the panel with the focus.
    Focus,
    /// The name of the program.
    Brand,
    /// The moment shown, and the playhead.
    Moment,
    /// Keys of rows.
    Key,
    /// Titles of columns.
    Title,
    /// A null.
    Null,
    /// A key on the keyboard.
    Shortcut,
    /// Changes up to the playhead.
    Past,
    /// Changes after the playhead.
    Future,
    /// Something went wrong.
    Error,
    /// Estimates and reads under way.
    Waiting,
    /// A row that B has and A has not.
    Added,
    /// A row that A has and B has not.
    Removed,
    /// A cell that differs.
    Changed,
    /// A row that was reported again without a change.
    Touched,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 18] = [
        Self::Text,
        Self::Dim,
        Self::Border,
        Self::Focus,
        Self::Brand,
        Self::Moment,
        Self::Key,
        Self::Title,
        Self::Null,
        Self::Shortcut,
        Self::Past,
        Self::Future,
        Self::Error,
        Self::Waiting,
        Self::Added,
        Self::Removed,
        Self::Changed,
        Self::Touched,
    ];

    /// What the role is called in a file of settings, and what it means.
    pub fn called(self) -> (&'static str, &'static str) {
        match self {
            Self::Text => ("text", "values and words"),
            Self::Dim => (
                "dim",
                "what is said in passing: hints, units, the event time",
            ),
            Self::Border => ("border", "lines between things"),
            Self::Focus => ("focus", "the border and title of the panel with the focus"),
            Self::Brand => ("brand", "the name of the program"),
            Self::Moment => ("moment", "the moment shown, and the playhead"),
            Self::Key => ("key", "keys of rows"),
            Self::Title => ("title", "titles of columns"),
            Self::Null => ("null", "a null"),
            Self::Shortcut => ("shortcut", "a key on the keyboard"),
            Self::Past => ("past", "changes up to the playhead"),
            Self::Future => ("future", "changes after the playhead"),
            Self::Error => ("error", "something went wrong"),
            Self::Waiting => ("waiting", "estimates and reads under way"),
            Self::Added => ("added", "a row that B has and A has not"),
            Self::Removed => ("removed", "a row that A has and B has not"),
            Self::Changed => ("changed", "a cell that differs"),
            Self::Touched => ("touched", "a row that was reported again without a change"),
        }
    }
}

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

/// How many colours a terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// 24 bits.
    True,
    /// The 256 of xterm.
    Indexed,
    /// The 16 of ANSI.
    Ansi,
}

/// Which palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThemeName {
    /// For dark backgrounds.
    Dark,
    /// For light backgrounds.
    Light,
    /// No colours: bold, underlined, dim and reversed say it all.
    None,
}

impl ThemeName {
    /// All palettes.
    pub const ALL: [Self; 3] = [Self::Dark, Self::Light, Self::None];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::None => "none",
        }
    }
}

/// How roles look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    name: ThemeName,
    depth: Depth,
    /// What the person has set, in the order of [`Role::ALL`].
    set: [Option<Colour>; Role::ALL.len()],
}

/// A colour in full, and the nearest in meaning among the sixteen.
type Tone = (u32, Color);

impl Theme {
    /// A palette at a depth of colour.
    pub const fn new(name: ThemeName, depth: Depth) -> Self {
        Self {
            name,
            depth,
            set: [None; Role::ALL.len()],
        }
    }

    /// The same with another colour for a role; where there are no colours, there is none either.
    #[must_use]
    pub fn with(mut self, role: Role, colour: Colour) -> Self {
        if let Some(at) = Role::ALL.iter().position(|r| *r == role) {
            self.set[at] = Some(colour);
        }
        self
    }

    /// The same colours in another palette.
    #[must_use]
    pub fn named(self, name: ThemeName) -> Self {
        Self { name, ..self }
    }

    /// The colour that a role has in full, `0xrrggbb`, where the person has set none.
    pub fn usual(self, role: Role) -> u32 {
        self.tone(role).0
    }

    /// True where there are no colours, so that signs must say what they would.
    pub const fn is_plain(self) -> bool {
        matches!(self.name, ThemeName::None)
    }

    /// How a role looks.
    pub fn style(self, role: Role) -> Style {
        let style = Style::new();
        let bold = matches!(
            role,
            Role::Focus
                | Role::Brand
                | Role::Moment
                | Role::Title
                | Role::Shortcut
                | Role::Error
                | Role::Added
                | Role::Removed
                | Role::Changed
        );
        let style = if bold {
            style.add_modifier(Modifier::BOLD)
        } else {
            style
        };
        if self.name == ThemeName::None {
            return match role {
                Role::Dim | Role::Border | Role::Null | Role::Future => {
                    style.add_modifier(Modifier::DIM)
                }
                Role::Error => style.add_modifier(Modifier::UNDERLINED),
                _ => style,
            };
        }
        let set = Role::ALL.iter().position(|r| *r == role);
        style.fg(match set.and_then(|at| self.set[at]) {
            None => self.color(self.tone(role)),
            Some(Colour::Own(colour)) => colour,
            Some(Colour::Rgb(rgb)) => self.color((rgb, nearest_ansi(rgb))),
        })
    }

    /// The row under the cursor; `focused` where the movement keys go there.
    pub fn cursor_row(self, focused: bool) -> Style {
        match self.name {
            ThemeName::None if focused => Style::new().add_modifier(Modifier::BOLD),
            ThemeName::None => Style::new(),
            ThemeName::Dark => self.background(if focused {
                (0x1d_2a38, Color::Black)
            } else {
                (0x19_2028, Color::Black)
            }),
            ThemeName::Light => self.background(if focused {
                (0xe3_edf7, Color::White)
            } else {
                (0xf0_f3f6, Color::White)
            }),
        }
    }

    /// The cell, or the entry of a list, under the cursor.
    pub fn cursor_cell(self, focused: bool) -> Style {
        match self.name {
            ThemeName::None if focused => Style::new().add_modifier(Modifier::REVERSED),
            ThemeName::None => Style::new().add_modifier(Modifier::UNDERLINED),
            _ if self.depth == Depth::Ansi && focused => {
                Style::new().add_modifier(Modifier::REVERSED)
            }
            _ if self.depth == Depth::Ansi => Style::new().add_modifier(Modifier::UNDERLINED),
            ThemeName::Dark => self.background(if focused {
                (0x2b_4c6f, Color::Blue)
            } else {
                (0x25_303c, Color::Black)
            }),
            ThemeName::Light => self.background(if focused {
                (0xbf_dcf7, Color::Cyan)
            } else {
                (0xe1_e7ed, Color::White)
            }),
        }
    }

    fn background(self, tone: Tone) -> Style {
        if self.depth == Depth::Ansi {
            Style::new()
        } else {
            Style::new().bg(self.color(tone))
        }
    }

    fn color(self, (rgb, ansi): Tone) -> Color {
        let (r, g, b) = ((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8);
        match self.depth {
            Depth::True => Color::Rgb(r, g, b),
            Depth::Indexed => Color::Indexed(nearest_indexed(r, g, b)),
            Depth::Ansi => ansi,
        }
    }

    fn tone(self, role: Role) -> Tone {
        if self.name == ThemeName::Light {
            return match role {
                Role::Text => (0x1f_252c, Color::Reset),
                Role::Key => (0x1f_252c, Color::Reset),
                Role::Dim => (0x5d_6874, Color::DarkGray),
                Role::Border => (0xb4_bec8, Color::Gray),
                Role::Focus | Role::Brand => (0x0b_6e83, Color::Cyan),
                Role::Moment => (0xa0_4d00, Color::Magenta),
                Role::Title => (0x3c_4650, Color::Reset),
                Role::Null => (0x8a_94a0, Color::DarkGray),
                Role::Shortcut => (0x0b_6e83, Color::Cyan),
                Role::Past => (0x2f_7ab8, Color::Blue),
                Role::Future => (0xa9_c6e0, Color::Gray),
                Role::Error => (0xb4_232c, Color::Red),
                Role::Waiting => (0x7a_5c00, Color::Magenta),
                Role::Added => (0x0a_62d0, Color::Blue),
                Role::Removed => (0xb8_4a00, Color::Red),
                Role::Changed => (0x2b_0b3f, Color::Black),
                Role::Touched => (0x6a_737d, Color::DarkGray),
            };
        }
        match role {
            Role::Text => (0xd3_d9e0, Color::Reset),
            Role::Key => (0xe9_edf2, Color::White),
            Role::Dim => (0x8c_98a5, Color::Gray),
            Role::Border => (0x46_515d, Color::DarkGray),
            Role::Focus | Role::Brand => (0x4f_c4d6, Color::Cyan),
            Role::Moment => (0xff_b757, Color::Yellow),
            Role::Title => (0xaf_bac6, Color::White),
            Role::Null => (0x66_717d, Color::DarkGray),
            Role::Shortcut => (0x4f_c4d6, Color::Cyan),
            Role::Past => (0x58_a6e0, Color::Blue),
            Role::Future => (0x32_4a61, Color::DarkGray),
            Role::Error => (0xff_7b80, Color::Red),
            Role::Waiting => (0xe0_c36a, Color::Yellow),
            // Blue, orange and pale yellow differ for every kind of colour-blindness; a test holds that.
            Role::Added => (0x5a_a9ff, Color::LightBlue),
            Role::Removed => (0xff_7a2a, Color::LightRed),
            Role::Changed => (0xf7_ee9a, Color::LightYellow),
            Role::Touched => (0x98_a2ad, Color::Gray),
        }
    }
}

/// The nearest of the sixteen, as terminals usually have them.
fn nearest_ansi(rgb: u32) -> Color {
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
fn nearest_indexed(r: u8, g: u8, b: u8) -> u8 {
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
    fn a_colour_that_is_set_holds_in_every_palette_that_has_colours() {
        let red = Colour::parse("#FE0102").expect("a colour");
        assert_eq!(red, Colour::Rgb(0xfe_0102));
        for no in ["", "#", "#fff", "#+12345", "#gggggg", "pink", "Red"] {
            assert_eq!(Colour::parse(no), None, "{no}");
        }
        for name in ThemeName::ALL {
            let theme = Theme::new(name, Depth::True);
            let set = theme.with(Role::Added, red);
            let wanted = (name != ThemeName::None).then_some(Color::Rgb(0xfe, 1, 2));
            assert_eq!(set.style(Role::Added).fg, wanted);
            assert_eq!(set.style(Role::Removed), theme.style(Role::Removed));
            assert_eq!(
                theme.named(ThemeName::Light).with(Role::Added, red),
                set.named(ThemeName::Light)
            );
        }
        let own = Colour::parse("light-blue").expect("a colour");
        for (depth, colour, wanted) in [
            (Depth::Indexed, red, Color::Indexed(196)),
            (Depth::Ansi, red, Color::LightRed),
            (Depth::True, own, Color::LightBlue),
            (Depth::Ansi, own, Color::LightBlue),
        ] {
            let theme = Theme::new(ThemeName::Dark, depth).with(Role::Text, colour);
            assert_eq!(theme.style(Role::Text).fg, Some(wanted), "{depth:?}");
        }
    }

    #[test]
    fn without_colours_no_style_has_one() {
        let theme = Theme::new(ThemeName::None, Depth::True);
        for role in Role::ALL {
            let style = theme.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
        }
        for style in [
            theme.cursor_row(true),
            theme.cursor_cell(true),
            theme.cursor_cell(false),
        ] {
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }
}
