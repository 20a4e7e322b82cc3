//! Marks: moments of a table that the person has given a letter.

use crossterm::event::{KeyCode, KeyEvent};

use crate::event_time::AsOf;

use super::describe;
use super::keymap::Action;
use super::{App, Effect, Overlay};

/// What the next key, a mark's name, is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MarkKey {
    /// To set the mark.
    Set,
    /// To go to it.
    Jump,
}

/// True for what a mark may be called.
pub(super) fn is_name(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

impl App {
    /// Waits for the name of a mark.
    pub(super) fn await_mark(&mut self, what: MarkKey) {
        self.awaited_mark = Some(what);
    }

    /// The key after `m` or `'`.
    pub(super) fn on_mark_key(&mut self, what: MarkKey, event: &KeyEvent) -> Vec<Effect> {
        match event.code {
            KeyCode::Esc => Vec::new(),
            KeyCode::Char(name) if is_name(name) => match what {
                MarkKey::Set => {
                    self.set_mark(name);
                    Vec::new()
                }
                MarkKey::Jump => self.jump_to_named(name).unwrap_or_else(|why| {
                    self.notify(why);
                    Vec::new()
                }),
            },
            _ => {
                self.notify("a mark is a small letter or a digit");
                Vec::new()
            }
        }
    }

    /// Reads the name of a mark as typed.
    pub(super) fn mark_name(typed: &str) -> Result<char, String> {
        let mut chars = typed.chars();
        match (chars.next(), chars.next()) {
            (Some(name), None) if is_name(name) => Ok(name),
            _ => Err("a mark is a small letter or a digit".to_owned()),
        }
    }

    /// Sets a mark to the playhead, or takes it away where it stands there.
    pub(super) fn set_mark(&mut self, name: char) {
        let jump = self.key(Action::Mark(MarkKey::Jump));
        let Some(view) = self.view_mut() else { return };
        let here = view.playhead;
        let said = if view.marks.get(&name) == Some(&here) {
            view.marks.remove(&name);
            format!("mark {name} is gone")
        } else {
            view.marks.insert(name, here);
            format!("mark {name} is {}; {jump}{name} comes back", describe(here))
        };
        self.notify(said);
    }

    /// Goes to a mark.
    pub(super) fn jump_to_named(&mut self, name: char) -> Result<Vec<Effect>, String> {
        let mark = self.view().and_then(|v| v.marks.get(&name).copied());
        let moment = mark.ok_or_else(|| {
            let set = self.key(Action::Mark(MarkKey::Set));
            format!("there is no mark {name}; {set}{name} sets it")
        })?;
        Ok(self.go_to(moment))
    }

    /// Lists the marks.
    pub(super) fn open_marks(&mut self) {
        self.overlay = Some(Overlay::Marks(0));
    }

    /// The marks of the table on screen, by moment.
    pub fn marks(&self) -> Vec<(char, AsOf)> {
        let marks = self.view().map(|v| v.marks.iter());
        let mut marks: Vec<(char, AsOf)> = marks
            .into_iter()
            .flatten()
            .map(|(name, at)| (*name, *at))
            .collect();
        marks.sort_by_key(|(name, at)| (at.position_ms(), *name));
        marks
    }

    /// A key while the marks are listed.
    pub(super) fn on_marks_key(&mut self, event: &KeyEvent, wanted: Option<Action>) -> Vec<Effect> {
        let marks = self.marks();
        let Some(Overlay::Marks(cursor)) = &mut self.overlay else {
            return Vec::new();
        };
        let last = marks.len().saturating_sub(1);
        let selected = marks.get(*cursor).copied();
        match (wanted, event.code) {
            (Some(Action::Escape | Action::Quit), _) => self.overlay = None,
            (Some(Action::Up), _) => *cursor = cursor.saturating_sub(1),
            (Some(Action::Down), _) => *cursor = (*cursor + 1).min(last),
            (Some(Action::First | Action::LineStart), _) => *cursor = 0,
            (Some(Action::Last | Action::LineEnd), _) => *cursor = last,
            (Some(Action::Enter), _) => {
                self.overlay = None;
                return selected.map_or_else(Vec::new, |(_, at)| self.go_to(at));
            }
            (_, KeyCode::Delete | KeyCode::Char('d')) => {
                *cursor = (*cursor).min(last.saturating_sub(1));
                if let (Some(view), Some((name, _))) = (self.view_mut(), selected) {
                    view.marks.remove(&name);
                }
            }
            _ => {}
        }
        Vec::new()
    }
}
