//! Opening a table and a row of it, and asking for what they show.

use crate::engine::{Arrangement, Request, RequestId};

use super::last_state::Overridden;
use super::rows::CompareMode;
use super::{App, Effect, Overlay, Panel, Pending, RowView, Scroll, TableView};

impl App {
    /// Shows a table, as it was left or from the start.
    pub(super) fn open_table(&mut self, index: usize) -> Vec<Effect> {
        let start = self.start.clone();
        let Some(entry) = self.tables.get_mut(index) else {
            return Vec::new();
        };
        self.table_cursor = index;
        let was_hidden = std::mem::take(&mut self.query.is_open);
        self.query.is_editing = false;
        self.play = None;
        let changed = self.current != Some(index);
        self.narrow.take_if(|_| changed);
        self.current = Some(index);
        let Some(Ok(info)) = &entry.info else {
            return Vec::new();
        };
        let mut is_restored = false;
        if entry.view.is_none() {
            let wanted = start.table.as_ref().is_none_or(|t| *t == entry.name);
            let playhead = start.as_of.filter(|_| wanted).unwrap_or(info.newest);
            let mut view =
                TableView::new(info, playhead, start.columns.as_ref().filter(|_| wanted));
            view.moved = start.as_of.is_some() && wanted;
            let but = Overridden {
                moment: start.as_of.is_some() && wanted,
                columns: start.columns.is_some() && wanted,
                comparison: start.compare.is_some() && wanted,
            };
            let left = self.last.state.tables.get(&entry.name);
            is_restored = left.is_some_and(|left| view.restore(left, info, but));
            if let Some(a) = start.compare.filter(|_| wanted) {
                view.a = Some(a);
                view.compare = CompareMode::Inline;
            }
            entry.view = Some(view);
        } else if !changed {
            return if was_hidden {
                self.read_what_is_stale()
            } else {
                Vec::new()
            };
        }
        // Replies to what was asked of another table, or before, are not this table's.
        let next = RequestId(self.last_id.0 + 1);
        if let Some(view) = self.view_mut() {
            view.valid_from = next;
            view.pending = None;
        }
        let info = self.info().map(|i| i.columns.clone()).unwrap_or_default();
        let unknown = match &start.columns {
            Some(crate::format::Projection::Columns(names)) => names
                .iter()
                .find(|n| !info.iter().any(|c| c.name == **n))
                .cloned(),
            _ => None,
        };
        if is_restored && self.notice.is_none() {
            self.notify("as you left it; --fresh opens the lake as if for the first time");
        }
        if let Some(name) = unknown {
            self.notify(format!("there is no column '{name}'"));
        }
        self.start.columns = None;
        self.start.as_of = None;
        self.start.compare = None;
        let mut effects = self.read_rows();
        if let Some(statement) = self.start.query.take() {
            effects.extend(self.open_with_query(&statement));
        }
        effects.extend(self.read_timeline());
        effects.extend(self.resume_line());
        effects
    }

    pub(super) fn enter(&mut self) -> Vec<Effect> {
        match self.focus {
            Panel::Tables => self.open_table(self.table_cursor),
            Panel::Data if self.query.is_open => {
                self.notify("a row of a query has no more than it shows; Esc closes the query");
                Vec::new()
            }
            Panel::Data if self.view().is_some_and(|v| v.error.is_some()) => self.read_anew(),
            Panel::Data => self.open_row(),
            Panel::Columns | Panel::Timeline => Vec::new(),
        }
    }

    pub(super) fn open_row(&mut self) -> Vec<Effect> {
        let is_shown = self.view().is_some_and(|v| v.error.is_none());
        let Some(key) = self.key_under_cursor().filter(|_| is_shown) else {
            return Vec::new();
        };
        self.overlay = Some(Overlay::Row(RowView {
            key,
            scroll: Scroll::default(),
            record: None,
            id: RequestId(0),
        }));
        self.read_open_row().into_iter().collect()
    }

    /// Asks for the rows of the playhead's moment.
    pub(super) fn read_rows(&mut self) -> Vec<Effect> {
        if self.query.is_open {
            return self.follow_with_query();
        }
        let Some(table) = self.current().map(|t| t.name.clone()) else {
            return Vec::new();
        };
        let Some(view) = self.view() else {
            return Vec::new();
        };
        let projection = view.projection();
        let request = match view.compared() {
            Some((from, to)) => Request::Compare {
                table,
                from,
                to,
                projection,
                arrangement: view.arrangement.clone(),
            },
            None if view.arrangement == Arrangement::default() => Request::Snapshot {
                table,
                as_of: view.playhead,
                projection,
            },
            None => Request::Arranged {
                table,
                as_of: view.playhead,
                projection,
                arrangement: view.arrangement.clone(),
            },
        };
        let effect = self.send(request);
        let (id, now) = (self.last_id, self.clock.ms);
        if let Some(view) = self.view_mut() {
            // A read that keeps being overtaken has been waited for since the first of them.
            let since_ms = view.pending.map_or(now, |p| p.since_ms);
            view.pending = Some(Pending {
                id,
                since_ms,
                progress: None,
            });
        }
        vec![effect]
    }

    /// Asks for what the person has asked for while the rows were not on screen.
    pub(super) fn read_what_is_stale(&mut self) -> Vec<Effect> {
        if self.view().is_some_and(TableView::is_stale) {
            self.read_rows()
        } else {
            Vec::new()
        }
    }

    /// Asks for the open row as of the playhead's moment.
    pub(super) fn read_open_row(&mut self) -> Option<Effect> {
        let Some(Overlay::Row(row)) = &self.overlay else {
            return None;
        };
        // A comparison has both sides at hand.
        if self.view()?.comparison.is_some() {
            return None;
        }
        let key = row.key.clone();
        let request = Request::Row {
            table: self.current()?.name.clone(),
            as_of: self.view()?.moment_of_rows(),
            key,
        };
        let effect = self.send(request);
        let id = self.last_id;
        if let Some(Overlay::Row(row)) = &mut self.overlay {
            row.id = id;
        }
        Some(effect)
    }

    pub(super) fn read_timeline(&mut self) -> Option<Effect> {
        let table = self.current()?.name.clone();
        if self.view()?.timeline.ticks.is_some() {
            return None;
        }
        let effect = self.send(Request::Timeline { table });
        let id = self.last_id;
        let view = self.view_mut()?;
        view.timeline_id = Some(id);
        view.timeline_error = None;
        Some(effect)
    }
}
