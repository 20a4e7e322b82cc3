//! A key on the keyboard: as a terminal sends it, as the screen shows it, and as a file of settings names it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::text::visible;

/// A key: its code, and whether Ctrl is held. Shift shows in the character itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
}

/// A key that is no character: its code, its name, what the screen shows, and other names that people have for it.
type Named = (KeyCode, &'static str, &'static str, &'static [&'static str]);

/// All of them.
const NAMED: [Named; 16] = [
    (KeyCode::Char(' '), "Space", "Space", &[]),
    (KeyCode::Tab, "Tab", "Tab", &[]),
    (KeyCode::BackTab, "S-Tab", "S-Tab", &["BackTab"]),
    (KeyCode::Backspace, "BkSp", "BkSp", &["Backspace", "BS"]),
    (KeyCode::Enter, "Enter", "Enter", &["Return", "CR"]),
    (KeyCode::Esc, "Esc", "Esc", &["Escape"]),
    (KeyCode::Up, "Up", "↑", &["↑"]),
    (KeyCode::Down, "Down", "↓", &["↓"]),
    (KeyCode::Left, "Left", "←", &["←"]),
    (KeyCode::Right, "Right", "→", &["→"]),
    (KeyCode::PageUp, "PgUp", "PgUp", &["PageUp"]),
    (KeyCode::PageDown, "PgDn", "PgDn", &["PageDown"]),
    (KeyCode::Home, "Home", "Home", &[]),
    (KeyCode::End, "End", "End", &[]),
    (KeyCode::Insert, "Ins", "Ins", &["Insert"]),
    (KeyCode::Delete, "Del", "Del", &["Delete"]),
];

/// A key without Ctrl.
pub(super) const fn key(code: KeyCode) -> Key {
    Key { code, ctrl: false }
}

/// The key of a character.
pub(super) const fn char_key(c: char) -> Key {
    key(KeyCode::Char(c))
}

/// Ctrl and a character.
pub(super) const fn ctrl(c: char) -> Key {
    Key {
        code: KeyCode::Char(c),
        ctrl: true,
    }
}

impl Key {
    /// The key of a terminal's event.
    pub fn of(event: &KeyEvent) -> Self {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let code = match event.code {
            // Some terminals send Shift-Tab as Tab with Shift.
            KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            code => code,
        };
        Self { code, ctrl }
    }

    /// The event that a terminal sends for the key.
    pub fn event(self) -> KeyEvent {
        let modifiers = if self.ctrl {
            KeyModifiers::CONTROL
        } else {
            KeyModifiers::NONE
        };
        KeyEvent::new(self.code, modifiers)
    }

    /// True where the key is a character, which a field for text would take.
    pub fn is_text(self) -> bool {
        !self.ctrl && matches!(self.code, KeyCode::Char(_))
    }

    /// What the key is called on screen.
    pub fn label(self) -> String {
        self.called(|(_, _, label, _)| label)
    }

    /// What the key is called in a file of settings; [`Key::parse`] reads it.
    pub fn name(self) -> String {
        self.called(|(_, name, ..)| name)
    }

    fn called(self, which: fn(&Named) -> &'static str) -> String {
        let named = NAMED.iter().find(|(code, ..)| *code == self.code);
        let name = match (named, self.code) {
            (Some(named), _) => which(named).to_owned(),
            (None, KeyCode::Char(c)) => c.to_string(),
            (None, KeyCode::F(number)) => format!("F{number}"),
            (None, other) => format!("{other:?}"),
        };
        if self.ctrl { format!("C-{name}") } else { name }
    }

    /// Reads the name of a key: a character, `Space`, `PgUp`, `F5`, or `C-` and one of them. What terminals cannot tell
    /// from another key is refused.
    pub fn parse(text: &str) -> Result<Self, String> {
        let shown = visible(text);
        let known = || {
            format!(
                "'{shown}' is no key; a key is a character, C-x with Ctrl, F1 to F12, or one of {}",
                NAMED.map(|(_, name, ..)| name).join(" ")
            )
        };
        if let Some(code) = code(text) {
            return Ok(key(code));
        }
        if let Some(rest) = text.strip_prefix("C-").or_else(|| text.strip_prefix("c-")) {
            let code = code(rest).ok_or_else(known)?;
            let told_apart = match code {
                KeyCode::Char(c) => {
                    matches!(c.to_ascii_lowercase(), 'a'..='z' | ' ' | '4'..='7')
                        && !matches!(c.to_ascii_lowercase(), 'h' | 'i' | 'j' | 'm')
                }
                KeyCode::Tab
                | KeyCode::BackTab
                | KeyCode::Backspace
                | KeyCode::Enter
                | KeyCode::Esc => false,
                _ => true,
            };
            if !told_apart {
                return Err(format!("terminals cannot tell {shown} from another key"));
            }
            let code = match code {
                KeyCode::Char(c) => KeyCode::Char(c.to_ascii_lowercase()),
                code => code,
            };
            return Ok(Self { code, ctrl: true });
        }
        Err(match text.get(..2) {
            Some("S-" | "s-") => {
                "Shift shows in the character itself: A, not S-a; S-Tab is the only one".to_owned()
            }
            Some("A-" | "a-" | "M-" | "m-") => "terminals cannot tell Alt from Esc".to_owned(),
            _ => known(),
        })
    }
}

/// The key of a name without Ctrl.
fn code(name: &str) -> Option<KeyCode> {
    let mut chars = name.chars();
    if let (Some(c), None) = (chars.next(), chars.next())
        && !c.is_control()
        && !('←'..='↓').contains(&c)
    {
        return Some(KeyCode::Char(c));
    }
    let is = |other: &&str| name.eq_ignore_ascii_case(other);
    let named = NAMED
        .iter()
        .find(|(_, first, _, others)| is(first) || others.iter().any(is));
    if let Some((code, ..)) = named {
        return Some(*code);
    }
    let number = name.strip_prefix(['F', 'f'])?.parse().ok();
    number.filter(|n| (1..=12).contains(n)).map(KeyCode::F)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_the_key_that_has_it() {
        for (text, name) in [
            ("a", "a"),
            ("A", "A"),
            (" ", "Space"),
            ("space", "Space"),
            ("-", "-"),
            ("C-y", "C-y"),
            ("c-Y", "C-y"),
            ("C-Space", "C-Space"),
            ("C-Left", "C-Left"),
            ("PageUp", "PgUp"),
            ("↑", "Up"),
            ("BackTab", "S-Tab"),
            ("f12", "F12"),
            ("F", "F"),
            ("é", "é"),
        ] {
            let key = Key::parse(text).expect(text);
            assert_eq!(key.name(), name, "{text}");
            assert_eq!(Key::parse(&key.name()), Ok(key), "{text}");
            assert_eq!(Key::of(&key.event()), key, "{text}");
        }
    }

    #[test]
    fn what_no_terminal_sends_is_refused_with_a_reason() {
        for (text, said) in [
            ("", "is no key"),
            ("qq", "is no key"),
            ("F13", "is no key"),
            ("C-", "is no key"),
            ("\n", "is no key"),
            ("C-i", "cannot tell C-i from another"),
            ("C-M", "cannot tell C-M from another"),
            ("C-Enter", "cannot tell"),
            ("C-;", "cannot tell"),
            ("S-a", "A, not S-a"),
            ("M-x", "Alt from Esc"),
        ] {
            let why = Key::parse(text).expect_err(text);
            assert!(why.contains(said), "{text}: {why}");
        }
    }
}
