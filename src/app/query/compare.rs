//! Two moments of a result: which columns tell rows apart, how the moments are shown, which rows and columns.

use std::sync::Arc;

use crate::engine::RequestId;

use super::super::rows::{CompareMode, Comparison};
use super::super::{App, Effect, Prompt};

impl App {
    /// Shows other rows of the comparison: all, the changed ones, the added ones, the removed ones.
    pub(in crate::app) fn next_query_filter(&mut self) {
        let query = &mut self.query;
        let Some(comparison) = &query.comparison else {
            self.notify("there is nothing to filter by; a, then d, compares two moments");
            return;
        };
        let (diff, order) = (Arc::clone(&comparison.diff), comparison.arranged.clone());
        query.filter = query.filter.next();
        query.grid.selected_from = None;
        query.comparison = Some(Comparison::new(diff, query.filter, order));
    }

    /// Shows the columns in which something changed, or all.
    pub(in crate::app) fn toggle_changed_query_columns(&mut self) {
        let query = &mut self.query;
        if query.comparison.is_none() {
            self.notify("there is nothing to filter by; a, then d, compares two moments");
            return;
        }
        query.changed_columns_only = !query.changed_columns_only;
        query.set_columns();
    }

    /// Reads the comparison of the statement anew where one is shown, because A or B is another moment.
    pub(in crate::app) fn read_query_comparison_anew(&mut self) -> Vec<Effect> {
        if self.query.compare == CompareMode::Off {
            return Vec::new();
        }
        if self.view().is_none_or(|v| v.a.is_none()) {
            return self.compare_query(CompareMode::Off);
        }
        self.query.valid_from = RequestId(self.last_id.0 + 1);
        self.read_query()
    }

    /// Compares the result of A with that of the playhead: inline, side by side, off.
    pub(in crate::app) fn next_query_compare(&mut self) -> Vec<Effect> {
        if self.view().is_none_or(|v| v.a.is_none()) {
            self.notify("first press a: it sets A, the moment to compare with, to the playhead");
            return Vec::new();
        }
        if self.query.result.is_none() {
            self.notify("there is no result to compare");
            return Vec::new();
        }
        match self.query.compare {
            CompareMode::Off if self.query.key_columns().is_none() => {
                self.query.asking = Some(Prompt::default());
                Vec::new()
            }
            CompareMode::Inline => {
                self.query.compare = CompareMode::SideBySide;
                self.query.grid.forget_widths();
                Vec::new()
            }
            mode => self.compare_query(mode.next()),
        }
    }

    pub(in crate::app) fn compare_query(&mut self, mode: CompareMode) -> Vec<Effect> {
        self.query.compare = mode;
        self.query.grid.forget_widths();
        self.query.valid_from = RequestId(self.last_id.0 + 1);
        if mode == CompareMode::Off {
            self.query.comparison = None;
            self.query.by = None;
            self.query.grid.selected_from = None;
            self.query.set_columns();
        }
        self.read_query()
    }

    /// Walks the changed rows.
    pub(in crate::app) fn jump_in_query(&mut self, forward: bool) {
        let query = &mut self.query;
        let Some(comparison) = &query.comparison else {
            self.notify("no changes are shown; a, then d, compares two moments");
            return;
        };
        match comparison.neighbour(query.grid.row, forward) {
            Some(row) => query.grid.row = row,
            None if forward => self.notify("this is the last change"),
            None => self.notify("this is the first change"),
        }
    }
}
