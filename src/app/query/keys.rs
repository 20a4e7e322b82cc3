//! Keys and text for the statement, and for the names of the columns that tell rows apart.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::format::KEY;

use super::super::rows::CompareMode;
use super::super::{App, Effect};
use super::BYTES_AT_MOST;
use super::complete::{Known, complete};

impl App {
    /// A key while the text has them.
    pub(in crate::app) fn on_query_key(&mut self, event: &KeyEvent) -> Vec<Effect> {
        if self.query.asking.is_some() {
            return self.on_asking_key(event);
        }
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let query = &mut self.query;
        let (before, after) = query.editor.text().split_at(query.editor.cursor());
        let is_said = before.trim_end().ends_with(';') && after.trim().is_empty();
        match event.code {
            KeyCode::Esc if query.completion.take().is_some() => return Vec::new(),
            KeyCode::Esc if query.pending.is_some() => return self.cancel_query(),
            KeyCode::Esc => {
                query.is_editing = false;
                // An empty pane is nothing to look at.
                if query.ran.is_none() && query.editor.text().is_empty() {
                    return self.close_query();
                }
                return Vec::new();
            }
            KeyCode::F(5) => return self.run_query(),
            KeyCode::Char('r') if ctrl => return self.run_query(),
            KeyCode::Enter if is_said => return self.run_query(),
            KeyCode::Enter => {
                query.editor.insert("\n");
            }
            KeyCode::Tab => {
                match query.completion.take() {
                    Some(completion) => {
                        let chosen = &completion.candidates[completion.chosen];
                        query.editor.replace_before(completion.from, &chosen.text);
                    }
                    None => {
                        query.editor.insert("  ");
                    }
                }
                return Vec::new();
            }
            KeyCode::Char('n') if ctrl => return self.choose(true),
            KeyCode::Char('p') if ctrl => return self.choose(false),
            KeyCode::Up if query.completion.is_some() => return self.choose(false),
            KeyCode::Down if query.completion.is_some() => return self.choose(true),
            KeyCode::Up => {
                if !query.editor.up() {
                    self.recall(true);
                }
            }
            KeyCode::Down => {
                if !query.editor.down() {
                    self.recall(false);
                }
            }
            KeyCode::Char('u') if ctrl => query.editor.clear_before(),
            KeyCode::Char('k') if ctrl => query.editor.clear_after(),
            KeyCode::Char('w') if ctrl => query.editor.delete_word(),
            KeyCode::Char('a') if ctrl => query.editor.home(),
            KeyCode::Char('e') if ctrl => query.editor.end(),
            KeyCode::Char(c) if !ctrl => {
                query.editor.insert(c.encode_utf8(&mut [0; 4]));
                let known = self.known_names();
                let (text, cursor) = (self.query.editor.text(), self.query.editor.cursor());
                self.query.completion = complete(text, cursor, &known);
                return Vec::new();
            }
            KeyCode::Backspace => query.editor.backspace(),
            KeyCode::Delete => query.editor.delete(),
            KeyCode::Left => query.editor.left(),
            KeyCode::Right => query.editor.right(),
            KeyCode::Home => query.editor.home(),
            KeyCode::End => query.editor.end(),
            _ => return Vec::new(),
        }
        self.query.completion = None;
        Vec::new()
    }

    fn on_asking_key(&mut self, event: &KeyEvent) -> Vec<Effect> {
        let Some(prompt) = &mut self.query.asking else {
            return Vec::new();
        };
        match event.code {
            KeyCode::Esc => self.query.asking = None,
            KeyCode::Enter => {
                let names = prompt
                    .text()
                    .split(',')
                    .map(str::trim)
                    .filter(|n| !n.is_empty());
                let names: Vec<String> = names.map(str::to_owned).collect();
                if names.is_empty() {
                    self.query.asking = None;
                    return Vec::new();
                }
                let has = |name: &String| {
                    let result = self.query.result.as_ref();
                    result.is_some_and(|r| r.columns().iter().any(|c| c.name == *name))
                };
                if let Some(missing) = names.iter().find(|n| !has(n)) {
                    let missing = format!("the result has no column '{missing}'");
                    self.notify(missing);
                    return Vec::new();
                }
                self.query.asking = None;
                self.query.by = Some(names);
                return self.compare_query(CompareMode::Inline);
            }
            _ => prompt.on_key(event),
        }
        Vec::new()
    }

    fn choose(&mut self, next: bool) -> Vec<Effect> {
        if let Some(completion) = &mut self.query.completion {
            let of = completion.candidates.len();
            let step = if next { 1 } else { of - 1 };
            completion.chosen = (completion.chosen + step) % of;
        }
        Vec::new()
    }

    /// Brings back a statement that was run before.
    fn recall(&mut self, earlier: bool) {
        let query = &mut self.query;
        let (at, draft) = match query.recalled.take() {
            Some((at, draft)) => (at, draft),
            None => (query.remembered.len(), query.editor.text().to_owned()),
        };
        let at = if earlier {
            at.saturating_sub(1)
        } else {
            at + 1
        };
        match query.remembered.get(at) {
            Some(text) => {
                query.editor.set(&text.clone());
                query.recalled = Some((at, draft));
            }
            // Past the newest is what was being written.
            None => query.editor.set(&draft),
        }
    }

    fn known_names(&self) -> Known {
        let columns = |info: &crate::engine::TableInfo| {
            let own = [KEY, crate::format::EVENT_TIME].map(str::to_owned);
            own.into_iter()
                .chain(info.columns.iter().map(|c| c.name.clone()))
                .collect()
        };
        let tables = self.tables.iter().map(|t| {
            let info = t.info.as_ref().and_then(|info| info.as_ref().ok());
            (t.name.clone(), info.map(columns).unwrap_or_default())
        });
        // The table on screen is the likeliest.
        let mut tables: Vec<(String, Vec<String>)> = tables.collect();
        if let Some(at) = self.current {
            tables[..=at].rotate_right(1);
        }
        let moment = self.view().map(|v| v.playhead.to_string());
        Known { tables, moment }
    }

    /// Text that was pasted while the text has the keys.
    pub(in crate::app) fn paste_into_query(&mut self, text: &str) {
        match &mut self.query.asking {
            Some(prompt) => prompt.insert(text),
            None if self.query.editor.insert(text) => {}
            None => self.notify(format!(
                "the text is longer than {}, which is more than the pane takes; azof-tui sql --file FILE runs it",
                crate::text::bytes(BYTES_AT_MOST as u64)
            )),
        }
        self.query.completion = None;
    }
}
