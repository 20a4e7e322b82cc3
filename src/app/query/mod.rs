//! The query pane: a statement, its result at the playhead, and what became of it between two moments.

mod compare;
mod complete;
mod editor;
mod keys;

use std::sync::Arc;

use ratatui::layout::Rect;

use crate::diff::Diff;
use crate::engine::{ArrangedDiff, Lane, Request, RequestId};
use crate::error::{Error, ErrorKind};
use crate::event_time::AsOf;
use crate::format::KEY;
use crate::sql::ResultRows;

use super::grid::Grid;
use super::rows::{CompareMode, Comparison, RowFilter, Rows};
use super::{App, Effect, Panel, Pending, Prompt};
pub use complete::{Candidate, Completion, Kind, SHOWN_AT_MOST, quoted};
pub use editor::{BYTES_AT_MOST, Editor};

/// Statements kept of those that were run.
const REMEMBERED: usize = 1_000;

/// The query pane.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct QueryPane {
    /// True while the pane is on screen.
    pub is_open: bool,
    /// True while keys go to the text.
    pub is_editing: bool,
    /// The statement.
    pub editor: Editor,
    /// What may come next in it.
    pub completion: Option<Completion>,
    /// The statement that was run.
    ran: Option<String>,
    /// Its rows, or those that have come.
    pub result: Option<Arc<ResultRows>>,
    result_id: RequestId,
    valid_from: RequestId,
    /// The run that is on its way.
    pub pending: Option<Pending>,
    /// Why it has no rows.
    pub error: Option<Error>,
    /// How two moments are shown.
    pub compare: CompareMode,
    /// True where two moments are to be compared once the rows are there.
    is_to_be_compared: bool,
    /// Which rows of a comparison are shown.
    pub filter: RowFilter,
    /// True where only columns in which something changed are shown.
    pub changed_columns_only: bool,
    /// What became of the rows between them.
    pub comparison: Option<Comparison>,
    /// The columns that tell rows apart, as the person named them.
    by: Option<Vec<String>>,
    /// The field that asks for them.
    pub asking: Option<Prompt>,
    /// The grid.
    pub grid: Grid,
    remembered: Vec<String>,
    /// The position among those remembered that the text came from, and what stood there before.
    recalled: Option<(usize, String)>,
    is_loaded: bool,
}

impl QueryPane {
    /// The rows of the grid.
    pub fn rows(&self) -> Option<Rows<'_>> {
        match (&self.comparison, &self.result) {
            (Some(comparison), _) => Some(Rows::Compared(comparison)),
            (None, Some(result)) => Some(Rows::Result(result)),
            (None, None) => None,
        }
    }

    /// The columns that tell rows apart.
    pub fn key_columns(&self) -> Option<Vec<String>> {
        if self.by.is_some() {
            return self.by.clone();
        }
        let has_key = self
            .result
            .as_ref()?
            .columns()
            .iter()
            .any(|c| c.name == KEY);
        has_key.then(|| vec![KEY.to_owned()])
    }

    /// The moment that the rows are of; `None` where there are none, or where they are the same at every moment.
    pub fn shown(&self) -> Option<AsOf> {
        match (&self.comparison, &self.result) {
            (Some(comparison), _) => Some(comparison.diff.b().as_of()),
            (None, result) => {
                let result = result.as_ref().filter(|r| r.follows_moment);
                result.map(|r| r.as_of())
            }
        }
    }

    /// True where the rows are the same at every moment.
    pub fn is_timeless(&self) -> bool {
        let result = self.result.as_ref().filter(|_| self.comparison.is_none());
        result.is_some_and(|r| !r.follows_moment)
    }

    /// True where a statement was run and given up before it had rows.
    pub fn was_cancelled(&self) -> bool {
        let has_answer = self.result.is_some() || self.error.is_some();
        self.ran.is_some() && self.pending.is_none() && !has_answer
    }

    /// Lines of the pane that the text takes.
    pub fn text_lines(&self) -> usize {
        self.editor.text().split('\n').count()
    }

    fn set_columns(&mut self) {
        let Some(rows) = self.rows() else { return };
        let mut columns = rows.columns(false, self.changed_columns_only);
        if let (Rows::Compared(_), Some(by), Some(key)) =
            (rows, self.key_columns(), columns.first_mut())
        {
            key.name = by.join(" · ");
        }
        self.grid.set_columns(columns, 1);
    }
}

/// Lines of text that the pane shows at once.
const TEXT_LINES: std::ops::RangeInclusive<u16> = 3..=10;

/// With fewer lines than this, the text gives way to the rows while these have the keys.
const SMALL: u16 = 12;

/// The area of the statement, border included; the rest of the rows' area is the result's.
pub fn text_area(data: Rect, pane: &QueryPane) -> Rect {
    let lines = (pane.text_lines() as u16).clamp(*TEXT_LINES.start(), *TEXT_LINES.end());
    let most = if pane.is_editing || data.height > SMALL {
        (data.height / 2).max(3)
    } else {
        // The rows have the keys, and want the room.
        3
    };
    Rect {
        height: (lines + 2).min(most),
        ..data
    }
}

/// The area of the result, border included.
pub fn result_area(data: Rect, pane: &QueryPane) -> Rect {
    let text = text_area(data, pane);
    Rect {
        y: text.bottom(),
        height: data.height.saturating_sub(text.height),
        ..data
    }
}

impl App {
    /// The query pane, where it is on screen.
    pub fn query(&self) -> Option<&QueryPane> {
        Some(&self.query).filter(|q| q.is_open)
    }

    /// Opens the pane to write in it; with `pinned`, on the statement that shows the current screen.
    pub(super) fn open_query(&mut self, pinned: bool) -> Vec<Effect> {
        let is_compared = self.view().is_some_and(|v| v.comparison.is_some());
        let text = if pinned && is_compared && !self.query.is_open {
            match self.sql() {
                Ok(text) => Some(text),
                Err(why) => {
                    self.notify(why);
                    return Vec::new();
                }
            }
        } else if pinned || self.query.editor.text().is_empty() {
            self.statement_shown(pinned)
        } else {
            None
        };
        let query = &mut self.query;
        if let Some(text) = text {
            query.editor.set(&text);
        }
        query.is_open = true;
        query.is_editing = true;
        self.focus_on(Panel::Data);
        let mut effects = Vec::new();
        if !self.query.is_loaded {
            self.query.is_loaded = true;
            effects.push(Effect::LoadQueries);
        }
        if pinned {
            effects.extend(self.run_query());
        } else if self
            .query
            .shown()
            .is_some_and(|at| at != self.moment_of_query())
        {
            effects.extend(self.read_query());
        }
        effects
    }

    /// Opens the pane with a statement and runs it.
    pub(super) fn open_with_query(&mut self, statement: &str) -> Vec<Effect> {
        let mut effects = self.open_query(false);
        self.query.editor.set(statement);
        effects.extend(self.run_query());
        self.query.is_editing = false;
        self.query.is_to_be_compared = self.view().is_some_and(|v| v.compared().is_some());
        effects
    }

    /// The statement that shows what the screen shows; with its moment, or as of the playhead.
    pub(super) fn statement_shown(&self, pinned: bool) -> Option<String> {
        let (table, view) = (self.current()?, self.view()?);
        let columns = view.columns.iter().filter(|c| c.shown);
        let columns: Vec<String> = columns.map(|c| quoted(&c.name)).collect();
        let clause = if pinned {
            format!(" AT ('{}')", view.playhead)
        } else {
            String::new()
        };
        let order = match &view.arrangement.sort {
            Some((name, descending)) => {
                let way = if *descending { " DESC" } else { "" };
                format!("{}{way} NULLS LAST, key", quoted(name))
            }
            None => "key".to_owned(),
        };
        let filter = view.arrangement.filter.as_deref();
        let filter = filter.and_then(|text| self.condition_in_sql(text));
        let filter = filter.map_or_else(String::new, |sql| format!("\nWHERE {sql}"));
        Some(format!(
            "SELECT {}\nFROM {}{clause}{filter}\nORDER BY {order}",
            columns.join(", "),
            quoted(&table.name),
        ))
    }

    /// Takes the statements of earlier sittings.
    pub(super) fn on_queries(&mut self, earlier: Vec<String>) {
        let own = std::mem::take(&mut self.query.remembered);
        self.query.remembered = earlier.into_iter().chain(own).collect();
    }

    /// Runs the statement of the editor.
    fn run_query(&mut self) -> Vec<Effect> {
        let query = &mut self.query;
        let text = query.editor.text().trim().to_owned();
        if text.is_empty() {
            self.notify("there is no statement");
            return Vec::new();
        }
        query.completion = None;
        query.recalled = None;
        let mut effects = Vec::new();
        if query.remembered.last() != Some(&text) {
            query.remembered.push(text.clone());
            if query.remembered.len() > REMEMBERED {
                query.remembered.remove(0);
            }
            effects.push(Effect::RememberQuery(text.clone()));
        }
        if query.ran.as_ref() != Some(&text) {
            // Another statement has other rows, and its own columns.
            query.by = None;
            query.compare = CompareMode::Off;
            query.comparison = None;
            query.result = None;
            query.grid = Grid::default();
        }
        query.ran = Some(text);
        query.valid_from = RequestId(self.last_id.0 + 1);
        effects.extend(self.read_query());
        effects
    }

    /// The playhead has moved: asks for the rows anew, where they depend on it.
    pub(super) fn follow_with_query(&mut self) -> Vec<Effect> {
        if self.query.is_timeless() && self.query.pending.is_none() {
            return Vec::new();
        }
        self.read_query()
    }

    /// Asks for the rows of the statement at the playhead.
    pub(super) fn read_query(&mut self) -> Vec<Effect> {
        let Some(sql) = self.query.ran.clone() else {
            return Vec::new();
        };
        let as_of = self.moment_of_query();
        let a = self.view().and_then(|v| v.a);
        let compare = match self.query.compare {
            CompareMode::Off => None,
            _ => a.zip(self.query.key_columns()),
        };
        let effect = self.send(Request::Query {
            sql,
            as_of,
            compare,
        });
        let (id, now) = (self.last_id, self.clock.ms);
        let since_ms = self.query.pending.map_or(now, |p| p.since_ms);
        self.query.pending = Some(Pending {
            id,
            since_ms,
            progress: None,
        });
        vec![effect]
    }

    pub(super) fn on_query_rows(&mut self, id: RequestId, rows: Arc<ResultRows>) -> Vec<Effect> {
        let query = &mut self.query;
        // A part of an overtaken run would replace whole rows by some.
        let is_wanted = query.pending.is_some_and(|p| id <= p.id)
            && id >= query.valid_from
            && id >= query.result_id;
        let is_current = query.pending.is_some_and(|p| p.id == id);
        if !is_wanted
            || !(rows.is_complete
                || is_current && (query.result.is_none() || query.result_id == id))
        {
            return Vec::new();
        }
        if rows.is_complete && is_current {
            query.pending = None;
        }
        // Rows of a query have no keys to find them again by.
        let ended = query.result_id != id && query.grid.selected_from.take().is_some();
        query.result_id = id;
        query.error = None;
        query.comparison = None;
        query.result = Some(rows);
        query.set_columns();
        if ended {
            self.notify("the selection went with its rows");
        }
        let query = &mut self.query;
        if query.pending.is_none() && std::mem::take(&mut query.is_to_be_compared) {
            return self.next_query_compare();
        }
        Vec::new()
    }

    pub(super) fn on_query_compared(
        &mut self,
        id: RequestId,
        diff: Arc<Diff>,
        order: ArrangedDiff,
    ) {
        let query = &mut self.query;
        if query.pending.is_none_or(|p| id > p.id) || id < query.valid_from || id < query.result_id
        {
            return;
        }
        if query.pending.is_some_and(|p| p.id == id) {
            query.pending = None;
        }
        query.result_id = id;
        query.error = None;
        query.grid.selected_from = None;
        query.comparison = Some(Comparison::new(diff, query.filter, Some(order)));
        query.set_columns();
    }

    pub(super) fn on_query_failure(&mut self, id: RequestId, error: Error) {
        let query = &mut self.query;
        if query.pending.is_none_or(|p| p.id != id) {
            return;
        }
        query.pending = None;
        if error.kind() == ErrorKind::Cancelled {
            return;
        }
        if query.compare != CompareMode::Off {
            query.compare = CompareMode::Off;
            query.comparison = None;
            query.by = None;
            query.grid.selected_from = None;
            query.set_columns();
        }
        query.error = Some(error);
    }

    /// Gives up on the run that is on its way: the screen is free at once, whatever the engine still does.
    pub(super) fn cancel_query(&mut self) -> Vec<Effect> {
        self.query.pending = None;
        self.query.valid_from = RequestId(self.last_id.0 + 1);
        self.notify("cancelled");
        vec![Effect::Cancel(Lane::Query)]
    }

    /// Closes the pane; the table is as the playhead has it.
    pub(super) fn close_query(&mut self) -> Vec<Effect> {
        self.query.is_open = false;
        self.query.is_editing = false;
        self.read_what_is_stale()
    }

    /// The moment that the statement is asked of: the playhead's, or B's of a comparison that has one.
    pub fn moment_of_query(&self) -> AsOf {
        let Some(view) = self.view() else {
            return AsOf::Current;
        };
        let b = view.b.filter(|_| self.query.compare != CompareMode::Off);
        b.unwrap_or(view.playhead)
    }
}
