//! The lists of tables and of columns: what of them is listed, where, and the field that narrows them.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;

use super::layout::Areas;
use super::{App, Effect, Panel, Prompt};

/// A field that narrows a list to the names that hold its text.
#[derive(Debug)]
pub struct Narrow {
    /// The list.
    pub panel: Panel,
    /// The text.
    pub prompt: Prompt,
    /// True while keys go to the text.
    pub is_typing: bool,
}

impl App {
    /// The field that narrows a list, where there is one.
    pub fn narrow(&self, panel: Panel) -> Option<&Narrow> {
        self.narrow.as_ref().filter(|n| n.panel == panel)
    }

    /// The positions of the tables, or of the columns, that are listed.
    pub fn listed(&self, panel: Panel) -> Vec<usize> {
        let names: Vec<&str> = match panel {
            Panel::Tables => self.tables.iter().map(|t| t.name.as_str()).collect(),
            Panel::Columns => {
                let columns = self.view().map(|v| v.columns.iter());
                let columns = columns.into_iter().flatten();
                columns.map(|c| c.name.as_str()).collect()
            }
            Panel::Data | Panel::Timeline => Vec::new(),
        };
        let wanted = self.narrow(panel).map(|n| n.prompt.text().to_lowercase());
        let is_wanted = |name: &str| match &wanted {
            Some(text) => name.to_lowercase().contains(text),
            None => true,
        };
        (0..names.len())
            .filter(|at| is_wanted(names[*at]))
            .collect()
    }

    /// Where the entries of a list stand.
    pub fn list_area(&self, panel: Panel) -> Option<Rect> {
        let areas = self.areas?;
        let area = match panel {
            Panel::Tables => areas.tables?,
            Panel::Columns => areas.columns?,
            Panel::Data | Panel::Timeline => return None,
        };
        let mut inside = Areas::inside(area);
        if self.narrow(panel).is_some() {
            inside.y += 1;
            inside.height = inside.height.saturating_sub(1);
        }
        if panel == Panel::Columns
            && let Some(facts) = self.facts_area()
        {
            inside.height = facts.y.saturating_sub(inside.y);
        }
        Some(inside)
    }

    /// The place in a list of the first entry in view; the cursor's is among them.
    pub fn list_top(&self, panel: Panel, listed: &[usize]) -> usize {
        let height = self.list_area(panel).map_or(1, |a| usize::from(a.height));
        let at = listed.iter().position(|at| *at == self.list_cursor(panel));
        (at.unwrap_or(0) + 1).saturating_sub(height.max(1))
    }

    /// The position of the table, or of the column, under the cursor of its list.
    fn list_cursor(&self, panel: Panel) -> usize {
        match panel {
            Panel::Tables => self.table_cursor,
            _ => self.view().map_or(0, |v| v.column_cursor),
        }
    }

    fn set_list_cursor(&mut self, panel: Panel, at: usize) {
        if panel == Panel::Tables {
            self.table_cursor = at;
        } else if let Some(view) = self.view_mut() {
            view.column_cursor = at;
        }
    }

    /// Moves the cursor of a list over what is listed: from its place there, of how many, to another.
    pub(super) fn move_in_list(&mut self, panel: Panel, moved: impl Fn(usize, usize) -> usize) {
        let listed = self.listed(panel);
        let cursor = self.list_cursor(panel);
        let place = listed.iter().position(|at| *at == cursor).unwrap_or(0);
        let place = moved(place, listed.len()).min(listed.len().saturating_sub(1));
        if let Some(at) = listed.get(place) {
            self.set_list_cursor(panel, *at);
        }
    }

    /// The table, or the column, at a line of the screen.
    pub(super) fn list_entry_at(&self, panel: Panel, y: u16) -> Option<usize> {
        let area = self.list_area(panel)?;
        let line = (y >= area.y && y < area.bottom()).then(|| usize::from(y - area.y))?;
        let listed = self.listed(panel);
        listed.get(self.list_top(panel, &listed) + line).copied()
    }

    /// Opens the field that narrows the focused list.
    pub(super) fn narrow_list(&mut self) {
        let panel = self.focus;
        let prompt = self.narrow.take().filter(|n| n.panel == panel);
        self.narrow = Some(Narrow {
            panel,
            prompt: prompt.map(|n| n.prompt).unwrap_or_default(),
            is_typing: true,
        });
    }

    /// True while keys are text of the field that narrows a list.
    pub(super) fn narrow_has_keys(&self) -> bool {
        self.overlay.is_none() && self.narrow.as_ref().is_some_and(|n| n.is_typing)
    }

    /// A key in the field.
    pub(super) fn on_narrow_key(&mut self, event: &KeyEvent) -> Vec<Effect> {
        let Some(narrow) = &mut self.narrow else {
            return Vec::new();
        };
        let panel = narrow.panel;
        match event.code {
            KeyCode::Esc => self.narrow = None,
            KeyCode::Backspace if narrow.prompt.text().is_empty() => self.narrow = None,
            // A table is looked for to be opened; columns, to do something with those that are left.
            KeyCode::Enter if panel == Panel::Tables => {
                let found = self.listed(panel).contains(&self.table_cursor);
                self.narrow = None;
                if found {
                    return self.open_table(self.table_cursor);
                }
            }
            KeyCode::Enter if narrow.prompt.text().is_empty() => self.narrow = None,
            KeyCode::Enter => narrow.is_typing = false,
            KeyCode::Up => self.move_in_list(panel, |at, _| at.saturating_sub(1)),
            KeyCode::Down => self.move_in_list(panel, |at, _| at + 1),
            _ => {
                narrow.prompt.on_key(event);
                self.keep_cursor_listed(panel);
            }
        }
        Vec::new()
    }

    /// Text that is pasted into the field.
    pub(super) fn paste_into_narrow(&mut self, text: &str) {
        let Some(narrow) = &mut self.narrow else {
            return;
        };
        narrow.prompt.insert(text);
        let panel = narrow.panel;
        self.keep_cursor_listed(panel);
    }

    /// The cursor goes to the first entry that is listed, where its own is not.
    fn keep_cursor_listed(&mut self, panel: Panel) {
        let listed = self.listed(panel);
        if !listed.contains(&self.list_cursor(panel))
            && let Some(first) = listed.first()
        {
            self.set_list_cursor(panel, *first);
        }
    }
}
