//! What the selected column holds in the rows on screen, and keeping that in step with them.

use std::sync::Arc;

use ratatui::layout::Rect;

use crate::engine::{Held, Request, RequestId};
use crate::error::{Error, ErrorKind};
use crate::event_time::AsOf;
use crate::snapshot::Snapshot;
use crate::view::ColumnStatistics;

use super::layout::Areas;
use super::{App, Effect, Panel, TableView};

/// Lines that the facts of a column take.
const FACTS_HEIGHT: u16 = 11;

/// Lines that the list keeps.
const LIST_HEIGHT: u16 = 4;

/// A histogram is not wider than this.
const BINS_AT_MOST: u16 = 60;

/// What a column holds.
#[derive(Debug)]
pub struct Facts {
    /// The column.
    pub column: String,
    /// What is known of it: of the rows of this moment, which may not be those on screen yet.
    pub known: Option<(AsOf, Arc<ColumnStatistics>)>,
    /// True while that is not of the rows that it was asked of last.
    is_outdated: bool,
    /// Why it cannot be known.
    pub error: Option<Error>,
    /// The rows that it was asked of.
    snapshot: Arc<Snapshot>,
    order: Option<Arc<[u32]>>,
    bins: usize,
    id: RequestId,
}

impl Facts {
    /// True where this is of the rows on screen.
    pub fn is_of(&self, view: &TableView) -> bool {
        let of = view.snapshot.as_ref();
        !self.is_outdated && of.is_some_and(|s| Arc::ptr_eq(s, &self.snapshot))
    }
}

impl App {
    /// Where the facts of the selected column stand: below the list of columns, while that has the focus and the room.
    pub fn facts_area(&self) -> Option<Rect> {
        if self.focus != Panel::Columns || self.query.is_open || self.view()?.snapshot.is_none() {
            return None;
        }
        let inside = Areas::inside(self.areas?.columns?);
        (inside.height >= FACTS_HEIGHT + LIST_HEIGHT).then(|| Rect {
            y: inside.bottom() - FACTS_HEIGHT,
            height: FACTS_HEIGHT,
            ..inside
        })
    }

    /// Asks what the selected column holds, where that is on screen and not of these rows yet.
    pub(super) fn follow_facts(&mut self) -> Option<Effect> {
        let bins = self.facts_area()?.width.saturating_sub(2).min(BINS_AT_MOST);
        let bins = usize::from(bins);
        let table = self.current()?.name.clone();
        let view = self.view()?;
        let snapshot = view.snapshot.clone()?;
        let order = view.arranged.as_ref().map(|a| Arc::clone(&a.order));
        let column = view.columns.get(view.column_cursor)?.name.clone();
        let is_same = |f: &Facts| {
            let orders = (&f.order, &order);
            f.column == column
                && f.bins == bins
                && Arc::ptr_eq(&f.snapshot, &snapshot)
                && match orders {
                    (Some(a), Some(b)) => Arc::ptr_eq(a, b),
                    (a, b) => a.is_none() && b.is_none(),
                }
        };
        if view.facts.as_ref().is_some_and(is_same) {
            return None;
        }
        let effect = self.send(Request::Statistics {
            table,
            snapshot: Held(Arc::clone(&snapshot)),
            order: order.clone().map(Held),
            column: column.clone(),
            bins,
        });
        let id = self.last_id;
        let view = self.view_mut()?;
        // Until the answer is there, what was true of the rows before says so.
        let before = view.facts.take().filter(|f| f.column == column);
        view.facts = Some(Facts {
            known: before.and_then(|f| f.known),
            is_outdated: true,
            error: None,
            column,
            snapshot,
            order,
            bins,
            id,
        });
        Some(effect)
    }

    /// The answer.
    pub(super) fn on_statistics(&mut self, id: RequestId, statistics: Arc<ColumnStatistics>) {
        if let Some(facts) = self.facts_of(id) {
            facts.known = Some((facts.snapshot.as_of(), statistics));
            facts.is_outdated = false;
            facts.error = None;
        }
    }

    /// There is no answer. One that was overtaken has another behind it.
    pub(super) fn on_no_statistics(&mut self, id: RequestId, error: Error) {
        if let Some(facts) = self.facts_of(id)
            && error.kind() != ErrorKind::Cancelled
        {
            facts.error = Some(error);
        }
    }

    fn facts_of(&mut self, id: RequestId) -> Option<&mut Facts> {
        let views = self.tables.iter_mut().filter_map(|t| t.view.as_mut());
        let mut facts = views.filter_map(|v| v.facts.as_mut());
        facts.find(|f| f.id == id)
    }
}
