//! Opening the history, and what keys do in it.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent};

use crate::engine::{Request, RequestId};
use crate::error::Error;
use crate::event_time::AsOf;
use crate::history::History;

use super::super::keymap::Action;
use super::super::{App, Effect, Overlay};
use super::HistoryView;

impl App {
    /// Shows the history of the row under the cursor.
    pub(in crate::app) fn open_history(&mut self) -> Vec<Effect> {
        let key = self.key_under_cursor();
        let (Some(key), Some(table)) = (key, self.current().map(|t| t.name.clone())) else {
            self.notify("there is no row here");
            return Vec::new();
        };
        let shown = self.view().map_or_else(Vec::new, |view| {
            let columns = view.columns.iter().filter(|c| c.shown && c.is_value());
            columns.map(|c| c.name.clone()).collect()
        });
        let wanted = self.value_column_under_cursor();
        let mut open = HistoryView::new(table, key, shown, wanted, self.times);
        let playhead = self.view().map_or(AsOf::Current, |v| v.playhead);
        let known = self.travelled_history(&open.table, &open.key);
        let is_known = known.is_some();
        if let Some(history) = known {
            open.take(history, playhead);
        }
        self.overlay = Some(Overlay::History(Box::new(open)));
        if is_known {
            Vec::new()
        } else {
            self.read_open_history().into_iter().collect()
        }
    }

    /// Asks for the versions of the history that is open; also where the table has changed under it.
    pub(in crate::app) fn read_open_history(&mut self) -> Option<Effect> {
        let Some(Overlay::History(open)) = &self.overlay else {
            return None;
        };
        let request = Request::History {
            table: open.table.clone(),
            key: open.key.clone(),
        };
        let effect = self.send(request);
        let id = self.last_id;
        if let Some(Overlay::History(open)) = &mut self.overlay {
            open.id = id;
        }
        Some(effect)
    }

    /// Takes the versions, if they are what the open history waits for.
    pub(in crate::app) fn on_open_history(&mut self, id: RequestId, history: &Arc<History>) {
        let playhead = self.view().map_or(AsOf::Current, |v| v.playhead);
        if let Some(Overlay::History(open)) = &mut self.overlay
            && open.id == id
        {
            open.take(Arc::clone(history), playhead);
        }
    }

    /// The versions will not come.
    pub(in crate::app) fn on_no_open_history(&mut self, id: RequestId, error: &Error) {
        if let Some(Overlay::History(open)) = &mut self.overlay
            && open.id == id
            && open.history.is_none()
        {
            open.error = Some(error.clone());
        }
    }

    /// A key while the history is open.
    pub(in crate::app) fn on_history_key(
        &mut self,
        event: &KeyEvent,
        wanted: Option<Action>,
    ) -> Vec<Effect> {
        let playhead = self.view().map_or(AsOf::Current, |v| v.playhead);
        let Some(Overlay::History(open)) = &mut self.overlay else {
            return Vec::new();
        };
        let (count, page) = (open.entries.len(), open.height);
        match wanted {
            Some(Action::Escape | Action::Quit | Action::History) => self.overlay = None,
            Some(Action::Up) => open.row = open.row.saturating_sub(1),
            Some(Action::Down) => open.row += 1,
            Some(Action::PageUp) => open.row = open.row.saturating_sub(page),
            Some(Action::PageDown) => open.row = open.row.saturating_add(page),
            Some(Action::First) => open.row = 0,
            Some(Action::Last) => open.row = count.saturating_sub(1),
            Some(Action::Left) => open.column = open.column.saturating_sub(1),
            Some(Action::Right) => open.column += 1,
            Some(Action::LineStart) => open.column = 0,
            Some(Action::LineEnd) => open.column = open.columns.len().saturating_sub(1),
            Some(Action::Enter) => {
                if let Some(entry) = open.entries.get(open.row) {
                    let moment = AsOf::At(entry.from);
                    self.overlay = None;
                    return self.go_to(moment);
                }
            }
            Some(way @ (Action::PreviousVersion | Action::NextVersion)) => {
                let here = playhead.position_ms();
                let next = if way == Action::PreviousVersion {
                    open.entries.iter().position(|e| e.from.ms() < here)
                } else {
                    open.entries.iter().rposition(|e| e.from.ms() > here)
                };
                if let Some(next) = next {
                    open.row = next;
                    let moment = AsOf::At(open.entries[next].from);
                    return self.go_to(moment);
                }
                let when = if way == Action::NextVersion {
                    "later"
                } else {
                    "earlier"
                };
                self.notify(format!("there is no {when} version"));
            }
            // The playhead moves under an open history, and the sign of it follows.
            Some(
                a @ (Action::Step(_)
                | Action::Play
                | Action::Slower
                | Action::Faster
                | Action::ZoomIn
                | Action::ZoomOut
                | Action::ZoomUndo
                | Action::GoTo
                | Action::Help),
            ) => return self.act(a),
            Some(Action::Copy(_)) => {
                let copied = open.value_under_cursor();
                let said = match &copied {
                    Some(text) => format!(
                        "copied the value ({})",
                        crate::text::bytes(text.len() as u64)
                    ),
                    None => "there is no value here".to_owned(),
                };
                self.notify(said);
                return copied.map(Effect::Copy).into_iter().collect();
            }
            Some(Action::Export) => {
                self.notify("azof-tui history writes it: --output FILE");
            }
            _ if event.code == KeyCode::Char('v') => {
                if let Err(why) = open.toggle_chart() {
                    self.notify(why);
                }
            }
            _ => {}
        }
        Vec::new()
    }
}
