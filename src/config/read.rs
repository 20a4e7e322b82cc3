//! Reading the file of settings, entry by entry.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::app::ThemeName;
use crate::app::cell::TimeStyle;
use crate::error::{Error, ErrorKind};
use crate::text::parse_bytes;
use crate::ui::{Colour, Role};

use super::keys::read_keys;
use super::{AUTO, Config, nearest};

/// The entries of the file's top level.
const ENTRIES: [&str; 5] = ["theme", "times", "memory", "colours", "keys"];

/// Reads settings. What is wrong is left out and told, in the order of its lines, as an error that names the file.
pub fn parse(text: &str, name: &str) -> (Config, Vec<Error>) {
    let mut faults = Faults {
        text,
        name,
        found: Vec::new(),
    };
    let (table, mistakes) = DeTable::parse_recoverable(text);
    for mistake in mistakes {
        faults.add_first_of_line(mistake.span().unwrap_or(0..0), mistake.message());
    }
    let mut config = Config::default();
    for (entry, value) in table.get_ref() {
        match entry.get_ref().as_ref() {
            "theme" => {
                let names = || std::iter::once(AUTO).chain(ThemeName::ALL.map(ThemeName::name));
                if let Some(name) = faults.one_of(value, names()) {
                    config.theme = ThemeName::ALL.into_iter().find(|t| t.name() == name);
                }
            }
            "times" => {
                if let Some(name) =
                    faults.one_of(value, TimeStyle::ALL.into_iter().map(TimeStyle::name))
                {
                    let style = TimeStyle::ALL.into_iter().find(|t| t.name() == name);
                    config.settings.times = style.unwrap_or_default();
                }
            }
            "memory" => {
                let size = faults.text(value);
                if let Some(size) = size {
                    match parse_memory(size) {
                        Ok(bytes) => config.memory = Some(bytes),
                        Err(why) => {
                            faults.add(value.span(), format!("memory '{size}': {why}"), None);
                        }
                    }
                }
            }
            "colours" => config.colours = read_colours(value, &mut faults),
            "keys" => config.settings.bindings = read_keys(value, &mut faults),
            other => {
                let hint = match nearest(other, ENTRIES.into_iter()) {
                    Some(near) => format!("'{near}' is one"),
                    None => format!("there are {}", ENTRIES.join(", ")),
                };
                faults.add(entry.span(), format!("'{other}' is no setting"), Some(hint));
            }
        }
    }
    (config, faults.in_order())
}

/// Reads what `--memory` and the entry of that name take.
pub fn parse_memory(text: &str) -> Result<usize, String> {
    parse_bytes(text)
        .and_then(|bytes| usize::try_from(bytes).ok())
        .filter(|bytes| *bytes >= 1_000_000)
        .ok_or_else(|| "it should be a size such as 500MB or 2GB, and at least 1MB".to_owned())
}

fn read_colours(value: &Spanned<DeValue<'_>>, faults: &mut Faults<'_>) -> Vec<(Role, Colour)> {
    let mut colours = Vec::new();
    let Some(table) = faults.table(value) else {
        return colours;
    };
    for (entry, value) in table {
        let name = entry.get_ref().as_ref();
        let Some(role) = Role::ALL.into_iter().find(|r| r.called().0 == name) else {
            let names = || Role::ALL.into_iter().map(|r| r.called().0);
            let hint = match nearest(name, names()) {
                Some(near) => format!("'{near}' is one"),
                None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
            };
            let said = format!("'{name}' has no colour of its own");
            faults.add(entry.span(), said, Some(hint));
            continue;
        };
        let Some(text) = faults.text(value) else {
            continue;
        };
        if let Some(colour) = Colour::parse(text) {
            colours.push((role, colour));
        } else {
            let own = Colour::own_names().collect::<Vec<_>>().join(" ");
            let hint = format!("a colour is #rrggbb, or one of {own}");
            faults.add(value.span(), format!("'{text}' is no colour"), Some(hint));
        }
    }
    colours
}

/// What is wrong with the text, and where.
pub(super) struct Faults<'a> {
    text: &'a str,
    name: &'a str,
    found: Vec<(usize, Error)>,
}

impl Faults<'_> {
    pub(super) fn add(
        &mut self,
        at: Range<usize>,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let before = self.text.get(..at.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        let error = Error::new(ErrorKind::Config, message)
            .in_file(self.name)
            .at_text(line, column);
        let error = match hint {
            Some(hint) => error.hint(hint),
            None => error,
        };
        self.found.push((at.start, error));
    }

    /// Tells of a mistake, unless another one of its line is told of: what follows from a slip is no news.
    fn add_first_of_line(&mut self, at: Range<usize>, message: &str) {
        let start = |at: usize| {
            let before = self.text.get(..at).unwrap_or(self.text);
            before.rfind('\n').map_or(0, |end| end + 1)
        };
        let line = start(at.start);
        if !self.found.iter().any(|(at, _)| start(*at) == line) {
            self.add(at, message, None);
        }
    }

    /// The text of a value that should be one.
    pub(super) fn text<'v>(&mut self, value: &'v Spanned<DeValue<'_>>) -> Option<&'v str> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            let found = value.get_ref().type_str();
            self.add(
                value.span(),
                format!("a text in quotes belongs here, not a value of type {found}"),
                None,
            );
        }
        text
    }

    /// The entries of a value that should be a table.
    pub(super) fn table<'v, 'i>(
        &mut self,
        value: &'v Spanned<DeValue<'i>>,
    ) -> Option<&'v DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            let found = value.get_ref().type_str();
            self.add(
                value.span(),
                format!("a table belongs here, not a value of type {found}"),
                None,
            );
        }
        table
    }

    /// One of some words.
    fn one_of<'v, 'n>(
        &mut self,
        value: &'v Spanned<DeValue<'_>>,
        names: impl Iterator<Item = &'n str>,
    ) -> Option<&'v str> {
        let text = self.text(value)?;
        let names: Vec<&str> = names.collect();
        if names.contains(&text) {
            return Some(text);
        }
        let hint = format!("it may be {}", names.join(", "));
        self.add(
            value.span(),
            format!("'{text}' is not understood here"),
            Some(hint),
        );
        None
    }

    fn in_order(mut self) -> Vec<Error> {
        self.found.sort_by_key(|(at, _)| *at);
        self.found.into_iter().map(|(_, error)| error).collect()
    }
}
