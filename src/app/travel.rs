//! The times at which the row under the cursor, or the cell, changed: from one to the next.

use std::sync::Arc;

use crate::engine::{Request, RequestId};
use crate::error::{Error, ErrorKind};
use crate::event_time::{AsOf, EventTime};
use crate::history::History;
use crate::text::ellipsis;

use super::grid::Source;
use super::{App, Effect};

/// What is longer than this is cut where a line names it.
const NAME_WIDTH: usize = 24;

/// The history of the row under the cursor, and what is wanted of it.
#[derive(Debug)]
pub(super) struct Travel {
    table: String,
    key: String,
    id: RequestId,
    history: Option<Arc<History>>,
    since_ms: u64,
    /// The way to go once the history is there, and the column whose changes count.
    waiting: Option<(bool, Option<String>)>,
}

impl App {
    /// Goes to the next moment, or the previous one, at which the row under the cursor changed; with the cursor on a
    /// value, at which that value did.
    pub(super) fn travel(&mut self, forward: bool) -> Vec<Effect> {
        let key = self.key_under_cursor();
        let (Some(key), Some(table)) = (key, self.current().map(|t| t.name.clone())) else {
            self.notify("there is no row here");
            return Vec::new();
        };
        let column = self.value_column_under_cursor();
        if let Some(travel) = self
            .travel
            .as_mut()
            .filter(|t| t.key == key && t.table == table)
        {
            if travel.history.is_some() {
                return self.travel_on(forward, column.as_deref());
            }
            travel.waiting = Some((forward, column));
            return Vec::new();
        }
        let request = Request::History {
            table: table.clone(),
            key: key.clone(),
        };
        let effect = self.send(request);
        self.travel = Some(Travel {
            table,
            key,
            id: self.last_id,
            history: None,
            since_ms: self.clock.ms,
            waiting: Some((forward, column)),
        });
        vec![effect]
    }

    /// Since when the person waits to be taken to another version, and of which key.
    pub(super) fn is_travelling(&self) -> Option<(u64, &str)> {
        let travel = self.travel.as_ref()?;
        let is_waiting = travel.waiting.is_some() && travel.history.is_none();
        is_waiting.then_some((travel.since_ms, &*travel.key))
    }

    /// Who goes elsewhere does not want to be taken away from there.
    pub(super) fn travel_no_more(&mut self) {
        if let Some(travel) = &mut self.travel {
            travel.waiting = None;
        }
    }

    /// The history of a key, where it has been read already. One that is still on its way is given up, because the next
    /// request may take its place.
    pub(super) fn travelled_history(&mut self, table: &str, key: &str) -> Option<Arc<History>> {
        let travel = self.travel.take()?;
        let is_it = travel.table == table && travel.key == key;
        let known = travel.history.clone();
        self.travel = known.is_some().then_some(travel);
        known.filter(|_| is_it)
    }

    /// The history has come.
    pub(super) fn on_history(&mut self, id: RequestId, history: Arc<History>) -> Vec<Effect> {
        self.on_open_history(id, &history);
        let Some(travel) = self.travel.as_mut().filter(|t| t.id == id) else {
            return Vec::new();
        };
        travel.history = Some(history);
        match travel.waiting.take() {
            // The person may have gone to another table or row meanwhile.
            Some((forward, column)) if self.is_on_travelled_row() => {
                self.travel_on(forward, column.as_deref())
            }
            _ => Vec::new(),
        }
    }

    /// The history will not come.
    pub(super) fn on_no_history(&mut self, id: RequestId, error: &Error) {
        self.on_no_open_history(id, error);
        if self.travel.as_ref().is_some_and(|t| t.id == id) {
            self.travel = None;
            if error.kind() != ErrorKind::Cancelled {
                self.notify(format!("the history cannot be read: {error}"));
            }
        }
    }

    pub(super) fn key_under_cursor(&self) -> Option<String> {
        let view = self.view()?;
        let at_cursor = || {
            let rows = view.rows().filter(|rows| !rows.is_empty())?;
            Some(rows.key(view.grid.row.min(rows.len() - 1)).to_owned())
        };
        view.lost_key.clone().or_else(at_cursor)
    }

    pub(super) fn value_column_under_cursor(&self) -> Option<String> {
        let grid = &self.view()?.grid;
        let column = grid.columns.get(grid.column)?;
        matches!(column.source, Source::Value(_)).then(|| column.name.clone())
    }

    fn is_on_travelled_row(&self) -> bool {
        let (table, key) = (
            self.current().map(|t| t.name.as_str()),
            self.key_under_cursor(),
        );
        self.travel
            .as_ref()
            .is_some_and(|t| Some(t.table.as_str()) == table && Some(&t.key) == key.as_ref())
    }

    fn travel_on(&mut self, forward: bool, column: Option<&str>) -> Vec<Effect> {
        let (Some(travel), Some(view)) = (&self.travel, self.view()) else {
            return Vec::new();
        };
        let Some(history) = travel.history.clone() else {
            return Vec::new();
        };
        let named = |name: &str| history.columns().iter().position(|h| h.name == name);
        let column = column.and_then(named);
        let moments = history.changes(column);
        let here = view.playhead.position_ms();
        let next = if forward {
            let at = moments.partition_point(|at| *at <= here);
            (at < moments.len()).then_some(at)
        } else {
            moments.partition_point(|at| *at < here).checked_sub(1)
        };
        let what = match column {
            Some(column) => format!(
                "{} of {}",
                ellipsis(&history.columns()[column].name, NAME_WIDTH),
                ellipsis(&travel.key, NAME_WIDTH)
            ),
            None => ellipsis(&travel.key, NAME_WIDTH),
        };
        let Some(at) = next else {
            let when = if forward { "later" } else { "earlier" };
            self.notify(format!("{what} has no {when} change"));
            return Vec::new();
        };
        self.notify(format!("{what}: change {} of {}", at + 1, moments.len()));
        self.go_to(AsOf::At(EventTime::from_ms(moments[at])))
    }
}
