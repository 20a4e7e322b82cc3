//! The colours: those that were asked for, set, or that the environment suggests.

use crate::app::ThemeName;
use crate::ui::{Depth, Theme};

use super::Config;

impl Config {
    /// A palette, or the one that the environment suggests, with the colours that are set.
    pub fn palette(&self, wanted: Option<ThemeName>) -> Theme {
        let variable = |name: &str| std::env::var(name).unwrap_or_default();
        let depth = match (variable("COLORTERM").as_str(), variable("TERM").as_str()) {
            ("truecolor" | "24bit", _) => Depth::True,
            (_, term) if term.contains("direct") => Depth::True,
            (_, term) if term.contains("256") => Depth::Indexed,
            _ => Depth::Ansi,
        };
        // COLORFGBG is `15;0`: foreground and background among the sixteen; 7 and 15 are whites.
        let light = matches!(variable("COLORFGBG").rsplit(';').next(), Some("7" | "15"));
        let suggested = if !variable("NO_COLOR").is_empty() || variable("TERM") == "dumb" {
            ThemeName::None
        } else if light {
            ThemeName::Light
        } else {
            ThemeName::Dark
        };
        let theme = Theme::new(wanted.unwrap_or(suggested), depth);
        let set = self.colours.iter();
        set.fold(theme, |theme, (role, colour)| theme.with(*role, *colour))
    }
}
