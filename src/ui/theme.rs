//! Colours with meaning: what is drawn asks for a role, and a theme says how the role looks.

use crate::app::ThemeName;

use ratatui::style::{Color, Modifier, Style};

use super::colour::{Colour, nearest_ansi, nearest_indexed};

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

#[cfg(test)]
mod tests {
    use super::*;

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
