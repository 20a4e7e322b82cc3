//! The file of settings as it would be if it said what the program does without one.

use std::fmt::Write;

use crate::app::Panel;
use crate::app::ThemeName;
use crate::app::cell::TimeStyle;
use crate::app::keymap::{Binding, Scope, bindings};
use crate::ui::{Colour, Depth, Role, Theme};

use super::keys::section;
use super::{AUTO, NO_KEY};

const HEAD: &str = "\
# The settings of azof-tui, each as it is where nothing is said. The file's place is ~/.config/azof-tui/config.toml
# (below $XDG_CONFIG_HOME where that is set), or where --config says. An entry that is wrong is told of when the program
# starts, and left out; all others hold.
";

/// The commented settings, which say what holds without them.
pub fn default_text() -> String {
    let mut out = HEAD.to_owned();
    let quoted = |names: &mut dyn Iterator<Item = &str>| {
        let names: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
        names.join(", ")
    };
    let themes = quoted(&mut std::iter::once(AUTO).chain(ThemeName::ALL.map(ThemeName::name)));
    let times = quoted(&mut TimeStyle::ALL.into_iter().map(TimeStyle::name));
    let own: Vec<&str> = Colour::own_names().collect();
    let (dark_ones, light_ones) = own.split_at(own.len() / 2 + 1);
    let _ = write!(
        out,
        "
# The colours: {themes}. \"{AUTO}\" has none where NO_COLOR is set or TERM is \"dumb\", and else goes
# by the background that COLORFGBG tells. --theme goes before this.
theme = \"{AUTO}\"

# How much of times is shown in cells: {times}.
# \"{auto}\" has dates alone where all times of a column on screen are midnights, and milliseconds where any has them.
# A moment is never cut.
times = \"{auto}\"

# What one read may hold, and three quarters of it what is kept for the next ones: a quarter of the machine's memory.
# --memory goes before this.
# memory = \"2GB\"

# Single colours, in the dark palette and in the light one: \"#rrggbb\", or one of the terminal's own,
# {}
# {}.
# What stands here is the dark palette's.
[colours]
",
        dark_ones.join(" "),
        light_ones.join(" "),
        auto = TimeStyle::Auto.name(),
    );
    let dark = Theme::new(ThemeName::Dark, Depth::True);
    for role in Role::ALL {
        let (name, meaning) = role.called();
        let entry = format!("# {name} = \"#{:06x}\"", dark.usual(role));
        let _ = writeln!(out, "{entry:24} # {meaning}");
    }
    out += "
# The keys: a key, a list of keys, or \"none\". A key is a character, C-x with Ctrl, Space, Tab, S-Tab, BkSp, Enter, Esc,
# Up, Down, Left, Right, PgUp, PgDn, Home, End, Ins, Del, or F1 to F12. These hold wherever the focus is.
[keys]
";
    let table = bindings();
    print_keys(&table, Scope::Everywhere, &mut out);
    for panel in Panel::ALL {
        let _ = write!(
            out,
            "\n# These hold in {}.\n[keys.{}]\n",
            panel.title(),
            section(panel)
        );
        print_keys(&table, Scope::In(panel), &mut out);
    }
    out
}

fn print_keys(table: &[Binding], scope: Scope, out: &mut String) {
    for binding in table.iter().filter(|b| b.scope == scope) {
        let keys: Vec<String> = binding.keys.iter().map(|k| text(&k.name())).collect();
        let keys = match keys.as_slice() {
            [] => text(NO_KEY),
            [one] => one.clone(),
            several => format!("[{}]", several.join(", ")),
        };
        let entry = format!("{} = {keys}", binding.action.command());
        let _ = writeln!(out, "{entry:26} # {}", binding.help);
    }
}

/// A text of TOML.
fn text(content: &str) -> String {
    format!("\"{}\"", content.replace('\\', "\\\\").replace('"', "\\\""))
}
