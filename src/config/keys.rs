//! The keys that the file of settings gives to actions.

use std::collections::HashMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use crate::app::Panel;
use crate::app::keymap::{Action, Binding, Key, Scope, bindings};

use super::read::Faults;
use super::{NO_KEY, nearest};

/// Actions that keep a key, so that there is a way back from everything and out of it.
const KEPT: [(Action, &str); 2] = [(Action::Escape, "Esc"), (Action::Interrupt, "C-c")];

/// What a panel's section is called below `keys`.
pub(super) fn section(panel: Panel) -> String {
    panel.title().to_lowercase()
}

/// An entry of the file: the bindings that it changes, and their keys.
struct Entry {
    at: Range<usize>,
    name: String,
    bindings: Vec<usize>,
    keys: Vec<Key>,
}

/// Reads the keys: `[keys]` has those that hold everywhere, `[keys.data]` and its like those of one panel. An action that
/// is bound in panels alone may stand in `[keys]`, too, and is then meant in all of them.
pub(super) fn read_keys(value: &Spanned<DeValue<'_>>, faults: &mut Faults<'_>) -> Vec<Binding> {
    let usual = bindings();
    let Some(table) = faults.table(value) else {
        return usual;
    };
    let (mut general, mut special) = (Vec::new(), Vec::new());
    for (name, value) in table {
        let panel = Panel::ALL
            .into_iter()
            .find(|p| section(*p) == *name.get_ref());
        let Some(panel) = panel else {
            general.extend(read_entry(name, value, None, &usual, faults));
            continue;
        };
        let Some(table) = faults.table(value) else {
            continue;
        };
        for (name, value) in table {
            special.extend(read_entry(name, value, Some(panel), &usual, faults));
        }
    }
    // What is said of a panel goes before what is said of all.
    general.extend(special);
    without_conflicts(general, &usual, faults)
}

fn read_entry(
    name: &Spanned<std::borrow::Cow<'_, str>>,
    value: &Spanned<DeValue<'_>>,
    panel: Option<Panel>,
    usual: &[Binding],
    faults: &mut Faults<'_>,
) -> Option<Entry> {
    let at = name.span();
    let name = name.get_ref().as_ref();
    let bound_in = |scope: Option<Scope>| -> Vec<usize> {
        let bindings = usual.iter().enumerate();
        let bindings = bindings
            .filter(|(_, b)| b.action.command() == name && scope.is_none_or(|s| s == b.scope));
        bindings.map(|(at, _)| at).collect()
    };
    let bindings = match panel {
        Some(panel) => bound_in(Some(Scope::In(panel))),
        None => match bound_in(Some(Scope::Everywhere)) {
            none if none.is_empty() => bound_in(None),
            everywhere => everywhere,
        },
    };
    if bindings.is_empty() {
        let elsewhere = bound_in(None).first().map(|at| usual[*at].scope);
        let (said, hint) = match (elsewhere, panel) {
            (Some(Scope::Everywhere), Some(panel)) => (
                format!("'{name}' is no action of {} alone", panel.title()),
                "its place is [keys]: it holds everywhere".to_owned(),
            ),
            (Some(Scope::In(other)), Some(panel)) => (
                format!("'{name}' is no action of {}", panel.title()),
                format!("its place is [keys.{}]", section(other)),
            ),
            _ if value.get_ref().is_table() => (
                format!("'{name}' is no panel"),
                Panel::ALL
                    .map(|p| format!("[keys.{}]", section(p)))
                    .join(", ")
                    + " are",
            ),
            _ => {
                let names = usual.iter().map(|b| b.action.command());
                let hint = match nearest(name, names) {
                    Some(near) => format!("'{near}' is one"),
                    None => "azof-tui --print-config names them all".to_owned(),
                };
                (format!("'{name}' is no action"), hint)
            }
        };
        faults.add(at, said, Some(hint));
        return None;
    }
    let keys = read_list(value, faults)?;
    for (action, kept) in KEPT {
        let is_kept = |key: &Key| Key::parse(kept) == Ok(*key);
        if action.command() == name && !keys.iter().any(is_kept) {
            let hint = format!("name {kept} among its keys: there must be a way back");
            faults.add(value.span(), format!("'{name}' keeps {kept}"), Some(hint));
            return None;
        }
    }
    Some(Entry {
        at,
        name: name.to_owned(),
        bindings,
        keys,
    })
}

/// The keys of an entry: one, a list of them, or none.
fn read_list(value: &Spanned<DeValue<'_>>, faults: &mut Faults<'_>) -> Option<Vec<Key>> {
    let one = std::slice::from_ref(value);
    let list = match value.get_ref() {
        DeValue::String(text) if text.as_ref() == NO_KEY => return Some(Vec::new()),
        DeValue::Array(list) => list.iter().collect::<Vec<_>>(),
        _ => one.iter().collect(),
    };
    let mut keys = Vec::new();
    for value in list {
        match Key::parse(faults.text(value)?) {
            Ok(key) if keys.contains(&key) => {}
            Ok(key) => keys.push(key),
            Err(why) => {
                let hint = format!("a key, a list of keys, or \"{NO_KEY}\" belongs here");
                faults.add(value.span(), why, Some(hint));
                return None;
            }
        }
    }
    Some(keys)
}

/// The table with the entries applied. Where a key would mean two things in one place, an entry is left out: the later of
/// two, or the one against what the program has.
fn without_conflicts(
    mut entries: Vec<Entry>,
    usual: &[Binding],
    faults: &mut Faults<'_>,
) -> Vec<Binding> {
    loop {
        let mut table = usual.to_vec();
        let mut changed_by: HashMap<usize, usize> = HashMap::new();
        for (number, entry) in entries.iter().enumerate() {
            for at in &entry.bindings {
                table[*at].keys.clone_from(&entry.keys);
                changed_by.insert(*at, number);
            }
        }
        let Some((key, first, second)) = conflict(&table) else {
            return table;
        };
        let line = |at: &usize| changed_by.get(at).map(|entry| entries[*entry].at.start);
        let (loser, winner) = if line(&first) > line(&second) {
            (first, second)
        } else {
            (second, first)
        };
        let Some(loser) = changed_by.get(&loser) else {
            // The program's own table has no conflicts; a test holds that.
            return table;
        };
        let entry = entries.remove(*loser);
        let other = table[winner].action.command();
        let key = key.name();
        faults.add(
            entry.at,
            format!(
                "'{}' cannot have the key {key}: it is that of '{other}'",
                entry.name
            ),
            Some(format!("give '{other}' another key, or \"{NO_KEY}\"")),
        );
    }
}

/// A key that means two things in one place, and the two bindings.
fn conflict(table: &[Binding]) -> Option<(Key, usize, usize)> {
    Panel::ALL.into_iter().find_map(|panel| {
        let mut seen: HashMap<Key, usize> = HashMap::new();
        let held = table.iter().enumerate();
        let mut held =
            held.filter(|(_, b)| b.scope == Scope::Everywhere || b.scope == Scope::In(panel));
        held.find_map(|(at, binding)| {
            let mut keys = binding.keys.iter();
            keys.find_map(|key| seen.insert(*key, at).map(|first| (*key, first, at)))
        })
    })
}
