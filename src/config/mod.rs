//! What the person has set: a file in TOML. A wrong entry is one message that names its line, and the rest holds.

mod file;
mod keys;
mod palette;
mod print;
mod read;

use crate::app::Settings;
use crate::app::ThemeName;
use crate::ui::{Colour, Role};

pub use file::load;
pub(crate) use file::own_folder;
pub use print::default_text;
pub use read::{parse, parse_memory};

/// What the person has set; what they have not is as the program has it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    /// The palette; `None` looks at the environment.
    pub theme: Option<ThemeName>,
    /// Colours of single roles, in every palette that has any.
    pub colours: Vec<(Role, Colour)>,
    /// What the keys do, and how times are shown.
    pub settings: Settings,
    /// Bytes that one read may hold.
    pub memory: Option<usize>,
}

/// What `theme` is called where the environment chooses.
const AUTO: &str = "auto";

/// What stands for no key at all.
const NO_KEY: &str = "none";

/// The name among some that a mistyped one is closest to, where one is close.
fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const EDITS_AT_MOST: usize = 2;
    let (near, name) = names
        .map(|name| (distance(typed, name), name))
        .min_by_key(|(edits, _)| *edits)?;
    (near <= EDITS_AT_MOST && near < typed.chars().count()).then_some(name)
}

/// Characters to change, leave out or add to turn one word into another (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let changed = before[j] + usize::from(from != *to);
            row.push(changed.min(before[j + 1] + 1).min(row[j] + 1));
        }
        before = row;
    }
    before.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_understood_and_a_guess_is_not_made() {
        let names = || ["colours", "keys", "theme", "times"].into_iter();
        assert_eq!(nearest("colors", names()), Some("colours"));
        assert_eq!(nearest("keysx", names()), Some("keys"));
        assert_eq!(nearest("fonts", names()), None);
        assert_eq!(nearest("x", names()), None);
    }
}
