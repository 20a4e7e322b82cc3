//! What happens on each reply of the engine.

use std::sync::Arc;

use crate::diff::Diff;
use crate::engine::{Answer, ArrangedDiff, Lane, Reply, Request, RequestId, TableInfo};
use crate::error::{Error, ErrorKind};
use crate::event_time::AsOf;
use crate::format::EVENT_TIME;
use crate::snapshot::Snapshot;

use super::arrange::Arranged;
use super::describe;
use super::grid::Source;
use super::keymap::Action;
use super::rows::{CompareMode, Comparison, Rows};
use super::{App, Effect, Overlay, TableEntry, TableView};

/// A comparison with how it is arranged.
type Compared = (Arc<Diff>, Option<ArrangedDiff>);

impl App {
    pub(super) fn on_reply(&mut self, reply: Reply) -> Vec<Effect> {
        self.log.answered(self.clock, &reply);
        match reply.answer {
            Answer::TableNames(names) => self.on_table_names(names),
            Answer::Table(name, info) => return self.on_table(&name, info),
            Answer::TimelineProgress(progress) => {
                if let Some(view) = self.waiting_for_timeline(reply.id) {
                    view.timeline.progress(progress);
                }
            }
            Answer::Ticks(ticks) => {
                let Some(view) = self.waiting_for_timeline(reply.id) else {
                    return Vec::new();
                };
                view.timeline.finish(ticks);
                let is_shown = self.view().is_some_and(|v| v.timeline_id == Some(reply.id));
                return if is_shown {
                    self.settle_on_last_tick()
                } else {
                    Vec::new()
                };
            }
            Answer::SnapshotProgress(read, of) => {
                if let Some(pending) = self
                    .view_mut()
                    .and_then(|v| v.pending.as_mut())
                    .filter(|p| p.id == reply.id)
                {
                    pending.progress = Some((read, of));
                }
            }
            Answer::Found(found) => return self.on_found(reply.id, found),
            Answer::Arranged(snapshot, by, order) => {
                let arranged = Some(Arranged { by, order });
                self.on_rows(reply.id, snapshot, (None, arranged));
                return self.ask_for_counts();
            }
            Answer::Snapshot(snapshot) => {
                self.on_rows(reply.id, snapshot, (None, None));
                return self.ask_for_counts();
            }
            Answer::Compared(diff, arranged) => {
                let rows = Arc::clone(diff.b());
                self.on_rows(reply.id, rows, (Some((diff, arranged)), None));
                return self.ask_for_counts();
            }
            Answer::Row(snapshot, row) => {
                if let Some(Overlay::Row(open)) = &mut self.overlay
                    && open.id == reply.id
                {
                    open.record = Some(Ok((snapshot, row)));
                }
            }
            Answer::Statistics(statistics) => self.on_statistics(reply.id, statistics),
            Answer::Turns(turns) => return self.on_turns(reply.id, turns),
            Answer::Series(series) => self.on_series(reply.id, series),
            Answer::Exported(rows) => self.on_exported(reply.id, rows),
            Answer::Why(why) => self.on_why(reply.id, Ok(why)),
            Answer::QueryRows(rows) => return self.on_query_rows(reply.id, rows),
            Answer::QueryCompared(diff, order) => {
                self.on_query_compared(reply.id, diff, order);
            }
            Answer::History(history) => return self.on_history(reply.id, history),
            Answer::RowCount(name, rows) => {
                if let Some(entry) = self.tables.iter_mut().find(|t| t.name == name) {
                    entry.rows = Some(rows);
                }
            }
            Answer::Failed(error) => {
                self.on_failure(reply.id, reply.lane, error);
                return if reply.lane == Lane::Snapshot {
                    self.ask_for_counts()
                } else {
                    Vec::new()
                };
            }
            Answer::Done => {
                if reply.lane == Lane::Tables {
                    self.listing = false;
                    // The rows may have come before the end of the list.
                    if self.view().is_some_and(|v| v.snapshot.is_some()) {
                        return self.ask_for_counts();
                    }
                }
            }
        }
        Vec::new()
    }

    fn waiting_for_timeline(&mut self, id: RequestId) -> Option<&mut TableView> {
        self.tables
            .iter_mut()
            .filter_map(|t| t.view.as_mut())
            .find(|v| v.timeline_id == Some(id))
    }

    fn on_table_names(&mut self, names: Vec<String>) {
        let entry = |name| TableEntry {
            name,
            info: None,
            rows: None,
            view: None,
        };
        self.tables = names.into_iter().map(entry).collect();
        if let Some(wanted) = self.start.table.clone() {
            match self.tables.iter().position(|t| t.name == wanted) {
                Some(at) => self.table_cursor = at,
                // It was there when the lake was left.
                None if self.last.has_chosen_the_table => self.start.table = None,
                None => self.notify(format!("there is no table '{wanted}'")),
            }
        }
    }

    fn on_table(&mut self, name: &str, info: Result<TableInfo, Error>) -> Vec<Effect> {
        let Some(at) = self.tables.iter().position(|t| t.name == name) else {
            return Vec::new();
        };
        self.tables[at].info = Some(info);
        let wanted = match &self.start.table {
            // One that was picked while it was being opened.
            _ if self.current == Some(at) => true,
            Some(table) if self.tables.iter().any(|t| t.name == *table) => table == name,
            // Without a wish, the first table that opens.
            _ => self.current.is_none() && self.tables[at].info.as_ref().is_some_and(Result::is_ok),
        };
        let unopened =
            self.current.is_none() || (self.current == Some(at) && self.view().is_none());
        if wanted && unopened {
            self.open_table(at)
        } else {
            Vec::new()
        }
    }

    fn on_rows(
        &mut self,
        id: RequestId,
        snapshot: Arc<Snapshot>,
        shown: (Option<Compared>, Option<Arranged>),
    ) {
        let Some(at) = self.tables.iter().position(|t| {
            // A reply is taken if it is of these columns and newer than what is shown; so a held key shows moments on
            // its way, and what was overtaken changes nothing.
            t.view.as_ref().is_some_and(|v| {
                v.pending.is_some_and(|p| id <= p.id) && id >= v.valid_from && id > v.snapshot_id
            })
        }) else {
            return;
        };
        if self.current != Some(at) {
            return;
        }
        let newest = self.info().map(|i| i.newest);
        let entry = &mut self.tables[at];
        if newest == Some(snapshot.as_of()) {
            entry.rows = Some(Ok(snapshot.len()));
        } else if matches!(entry.rows, Some(Err(_))) {
            // What failed was another moment.
            entry.rows = None;
        }
        let Some(view) = entry.view.as_mut() else {
            return;
        };
        if view.pending.is_some_and(|p| p.id == id) {
            view.pending = None;
        }
        view.error = None;
        let moment = snapshot.as_of();
        view.show(id, snapshot, shown);
        let Some(key) = view.lost_key.clone() else {
            return;
        };
        let short = crate::text::ellipsis(&key, 24);
        // A key that a filter leaves out is still there.
        let is_there = view
            .comparison
            .as_ref()
            .is_some_and(|c| c.diff.b().find(&key).is_ok());
        let is_there = is_there
            || view.arranged.is_some()
                && view.snapshot.as_ref().is_some_and(|s| s.find(&key).is_ok());
        let is_filtered = view
            .comparison
            .as_ref()
            .is_some_and(Comparison::is_filtered);
        let filter = if view.arranged.is_some() || is_filtered {
            "filtered"
        } else {
            view.filter.label()
        };
        if is_there {
            // All that the cursor is asked for is of the row that it is on.
            view.lost_key = None;
        }
        self.notify(if is_there {
            format!("{short} is there, but not among the rows shown ({filter})")
        } else {
            format!("{short} is not there as of {}", describe(moment))
        });
    }

    /// A table without an open segment opens at its last tick, which is known only now.
    fn settle_on_last_tick(&mut self) -> Vec<Effect> {
        let newest = self.info().map_or(AsOf::Current, |i| i.newest);
        let Some(view) = self.view_mut() else {
            return Vec::new();
        };
        let last = view.timeline.step(AsOf::Current, i32::MAX, newest);
        match last {
            Some(last) if newest != AsOf::Current && !view.moved && view.playhead != last => {
                let effects = self.go_to(last);
                self.with_view(|v| v.moved = false);
                effects
            }
            _ => Vec::new(),
        }
    }

    /// Counting the rows of all tables can wait until there are rows on screen.
    fn ask_for_counts(&mut self) -> Vec<Effect> {
        if self.counts_asked || self.listing {
            return Vec::new();
        }
        self.counts_asked = true;
        let uncounted = self
            .tables
            .iter()
            .filter(|t| t.rows.is_none() && matches!(t.info, Some(Ok(_))));
        let tables: Vec<String> = uncounted.map(|t| t.name.clone()).collect();
        if tables.is_empty() {
            Vec::new()
        } else {
            vec![self.send(Request::RowCounts { tables })]
        }
    }

    fn on_failure(&mut self, id: RequestId, lane: Lane, error: Error) {
        let cancelled = error.kind() == ErrorKind::Cancelled;
        match lane {
            Lane::Tables => {
                self.listing = false;
                self.lake_error = Some(error);
            }
            Lane::Timeline => {
                if let Some(view) = self.waiting_for_timeline(id).filter(|_| !cancelled) {
                    view.timeline.give_up();
                    view.timeline_error = Some(error);
                }
            }
            Lane::Snapshot => {
                let again = format!("{} reads it again", self.key(Action::Enter));
                let Some(view) = self
                    .view_mut()
                    .filter(|v| v.pending.is_some_and(|p| p.id == id))
                else {
                    return;
                };
                view.pending = None;
                if !cancelled {
                    view.error = Some(error.clone());
                    if let Some(entry) = self.current.and_then(|at| self.tables.get_mut(at)) {
                        entry.rows = Some(Err(error));
                    }
                } else if let Some(snapshot) = &view.snapshot {
                    // What is shown is what is asked for again.
                    if view.b.is_none() {
                        view.playhead = snapshot.as_of();
                    }
                    let columns: Vec<String> =
                        snapshot.columns().iter().map(|c| c.name.clone()).collect();
                    if let Some(comparison) = &view.comparison {
                        view.a = Some(comparison.diff.a().as_of());
                        let arranged = comparison.arranged.as_ref().map(|a| a.by.clone());
                        view.arrangement = arranged.unwrap_or_default();
                    } else {
                        view.compare = CompareMode::Off;
                        let arranged = view.arranged.as_ref().map(|a| a.by.clone());
                        view.arrangement = arranged.unwrap_or_default();
                    }
                    for column in view.columns.iter_mut().filter(|c| c.is_value()) {
                        column.shown &= columns.contains(&column.name);
                    }
                    view.top_from = None;
                    view.set_grid_columns();
                    self.notify("cancelled");
                } else {
                    view.error = Some(error.hint(again));
                }
            }
            Lane::History => self.on_no_history(id, &error),
            Lane::Query => self.on_query_failure(id, error),
            Lane::Find => self.on_no_find(id, &error),
            Lane::Series => self.on_no_series(id, error),
            Lane::Column => self.on_no_statistics(id, error),
            Lane::When => self.on_no_turns(id, error),
            Lane::Row => match &mut self.overlay {
                Some(Overlay::Row(open)) if open.id == id && !cancelled => {
                    open.record = Some(Err(error));
                }
                _ => self.on_why(id, Err(error)),
            },
            Lane::Export => self.on_not_exported(id, &error),
            Lane::Statistics => {}
        }
    }
}

/// The keys that a grid stands on.
pub(super) struct HeldKeys {
    /// The one under the cursor, or that was before it went from view.
    cursor: Option<String>,
    /// The one at which the selection began.
    selected_from: Option<String>,
}

impl TableView {
    /// Puts rows on screen; the cursor stays on its key, or where the key would be.
    fn show(
        &mut self,
        id: RequestId,
        snapshot: Arc<Snapshot>,
        (compared, arranged): (Option<Compared>, Option<Arranged>),
    ) {
        let held = self.held_keys();
        self.comparison =
            compared.map(|(diff, arranged)| Comparison::new(diff, self.filter, arranged));
        self.snapshot = Some(snapshot);
        self.snapshot_id = id;
        self.arranged = arranged;
        if self.top_from.take_if(|from| *from <= id).is_some() {
            (self.grid.row, self.grid.top) = (0, 0);
            self.grid.selected_from = None;
            self.lost_selection = None;
        } else {
            self.return_to(held);
        }
        self.set_grid_columns();
    }

    /// The keys that the grid stands on, to return to among other rows.
    pub(super) fn held_keys(&mut self) -> HeldKeys {
        let lost = self.lost_key.take();
        let key_of = |row: usize| {
            let rows = self.rows().filter(|r| !r.is_empty())?;
            Some(rows.key(row.min(rows.len() - 1)).to_owned())
        };
        let selected_from = self.grid.selected_from.and_then(key_of);
        let cursor = lost.or_else(|| key_of(self.grid.row));
        HeldKeys {
            selected_from: self.lost_selection.take().or(selected_from),
            cursor,
        }
    }

    /// Puts the cursor on its key, or where that would be. A selection goes on between its keys; while one of them is not
    /// there, it is not shown.
    pub(super) fn return_to(&mut self, held: HeldKeys) {
        let Some((key, rows)) = held.cursor.zip(self.rows()) else {
            return;
        };
        let (row, len) = (rows.find(&key), rows.len());
        let selected_from = held.selected_from.as_ref();
        let selected_from = selected_from.and_then(|key| rows.find(key).ok());
        self.grid.selected_from = selected_from.filter(|_| row.is_ok());
        self.lost_selection = held
            .selected_from
            .filter(|_| self.grid.selected_from.is_none());
        match row {
            Ok(row) => self.grid.move_keeping_line(row),
            Err(row) => {
                let line = self.grid.row.min(len.saturating_sub(1));
                let row = if row == usize::MAX { line } else { row };
                self.grid.move_keeping_line(row.min(len.saturating_sub(1)));
                self.lost_key = Some(key);
            }
        }
    }

    /// Takes the columns of the rows that are shown.
    pub(super) fn set_grid_columns(&mut self) {
        let Some(rows) = self.rows() else { return };
        let mut columns = rows.columns(self.shows(EVENT_TIME), self.changed_columns_only);
        if let Rows::Plain(..) = rows {
            // Columns may have been read for the filter or the sort alone.
            columns.retain(|c| c.source == Source::Key || self.shows(&c.name));
        }
        let place = |name: &str| self.columns.iter().position(|c| c.name == name);
        columns.sort_by_key(|c| place(&c.name).unwrap_or(usize::MAX));
        let is_pinned = |name: &str| self.columns.iter().any(|c| c.name == name && c.pinned);
        let pinned = columns.iter().filter(|c| is_pinned(&c.name)).count();
        self.grid.set_columns(columns, 1 + pinned);
    }
}
