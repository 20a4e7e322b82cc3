//! A table as the person works with it: its columns, its moments, what is shown of it and what is on its way.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::{Arrangement, RequestId, TableInfo};
use crate::error::Error;
use crate::event_time::AsOf;
use crate::format::{DataType, Projection};
use crate::snapshot::Snapshot;

use super::arrange::Arranged;
use super::grid::Grid;
use super::playhead::describe;
use super::rows::{CompareMode, Comparison, RowFilter, Rows};
use super::timeline::TimelineView;
use super::{facts, line};

/// A table in the list.
#[derive(Debug)]
pub struct TableEntry {
    /// Its name.
    pub name: String,
    /// What it is; `None` until it has been opened.
    pub info: Option<Result<TableInfo, Error>>,
    /// The rows at its newest moment, once counted.
    pub rows: Option<Result<usize, Error>>,
    /// What the person does with it, once they have looked at it.
    pub(super) view: Option<TableView>,
}

/// A column in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnEntry {
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
    /// True where it is shown.
    pub shown: bool,
    /// True where it stays in view beside the key while the rest scrolls.
    pub pinned: bool,
    /// Its place among the columns as they are read, which moving it on screen does not change.
    pub(super) rank: usize,
}

impl ColumnEntry {
    /// True for a column that the schema lists: neither the key nor the event time.
    pub fn is_value(&self) -> bool {
        self.name != crate::format::KEY && self.name != crate::format::EVENT_TIME
    }
}

/// A read that has not been answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    pub(super) id: RequestId,
    /// When it was asked for, in milliseconds since the start.
    pub since_ms: u64,
    /// Row groups read, of how many, once that is known.
    pub progress: Option<(usize, usize)>,
}

/// What the person does with a table.
#[derive(Debug)]
pub struct TableView {
    /// The table's columns: key, event time, then the values.
    pub columns: Vec<ColumnEntry>,
    /// The cursor in the list of columns.
    pub column_cursor: usize,
    /// The moment that the person wants to see.
    pub playhead: AsOf,
    /// True once the person has chosen a moment.
    pub(super) moved: bool,
    /// The timeline.
    pub timeline: TimelineView,
    /// Why the timeline cannot be read.
    pub timeline_error: Option<Error>,
    pub(super) timeline_id: Option<RequestId>,
    /// What the selected column holds.
    pub facts: Option<facts::Facts>,
    /// The line over time, where one is shown.
    pub line: Option<line::Line>,
    /// The moment compared with, fixed.
    pub a: Option<AsOf>,
    /// The other moment, where it is not the playhead's.
    pub b: Option<AsOf>,
    /// The moments that the person has given a letter.
    pub marks: BTreeMap<char, AsOf>,
    /// How the two are shown.
    pub compare: CompareMode,
    /// The difference on screen.
    pub comparison: Option<Comparison>,
    /// Which rows of it are shown.
    pub filter: RowFilter,
    /// True where only columns in which something changed are shown.
    pub changed_columns_only: bool,
    /// True where the inline comparison shows A's side of the rows.
    pub flipped: bool,
    /// Where the playhead was before it was flipped to A.
    pub(super) flip_back: Option<AsOf>,
    /// The filter and the sort that are wanted.
    pub arrangement: Arrangement,
    /// Those of the rows on screen; `None` where all are shown by key.
    pub arranged: Option<Arranged>,
    /// Rows of this request or a later one are shown from the first one on.
    pub(super) top_from: Option<RequestId>,
    /// The rows on screen, or B's where two moments are compared; of the playhead's moment, unless a read is pending.
    pub snapshot: Option<Arc<Snapshot>>,
    pub(super) snapshot_id: RequestId,
    /// Replies to requests before this one are of other columns.
    pub(super) valid_from: RequestId,
    /// The read that is on its way.
    pub pending: Option<Pending>,
    /// Why the rows cannot be read.
    pub error: Option<Error>,
    /// The grid.
    pub grid: Grid,
    /// The key that the cursor was on when it went from view.
    pub lost_key: Option<String>,
    /// The key at which a selection began that is not shown, because one of its ends has gone from view.
    pub(super) lost_selection: Option<String>,
}

/// Lines above the rows of a grid: titles, and of a comparison the headline and the names of its sides.
pub(super) fn lines_above(is_compared: bool, mode: CompareMode) -> u16 {
    match (is_compared, mode) {
        (false, _) | (_, CompareMode::Off) => 1,
        (true, CompareMode::Inline) => 2,
        (true, CompareMode::SideBySide) => 3,
    }
}

impl TableView {
    pub(super) fn new(info: &TableInfo, playhead: AsOf, shown: Option<&Projection>) -> Self {
        let own = |name: &str, data_type| ColumnEntry {
            name: name.to_owned(),
            data_type,
            shown: true,
            pinned: false,
            rank: 0,
        };
        let mut columns = vec![
            own(crate::format::KEY, DataType::String),
            own(crate::format::EVENT_TIME, DataType::DateTime),
        ];
        let mut values: Vec<ColumnEntry> = info
            .columns
            .iter()
            .map(|c| own(&c.name, c.data_type))
            .collect();
        if let Some(Projection::Columns(names)) = shown {
            let names: Vec<&String> = names
                .iter()
                .filter(|n| info.columns.iter().any(|c| c.name == **n))
                .collect();
            let rank = |name: &str| names.iter().position(|n| *n == name);
            for column in &mut values {
                column.shown = rank(&column.name).is_some();
            }
            values.sort_by_key(|c| rank(&c.name).unwrap_or(usize::MAX));
        }
        columns.extend(values);
        for (rank, column) in columns.iter_mut().enumerate() {
            column.rank = rank;
        }
        Self {
            columns,
            column_cursor: 0,
            playhead,
            moved: false,
            timeline: TimelineView::default(),
            timeline_error: None,
            timeline_id: None,
            line: None,
            facts: None,
            arrangement: Arrangement::default(),
            arranged: None,
            top_from: None,
            snapshot: None,
            snapshot_id: RequestId(0),
            valid_from: RequestId(0),
            pending: None,
            error: None,
            grid: Grid::default(),
            lost_key: None,
            lost_selection: None,
            a: None,
            b: None,
            marks: BTreeMap::new(),
            compare: CompareMode::Off,
            comparison: None,
            filter: RowFilter::All,
            changed_columns_only: false,
            flipped: false,
            flip_back: None,
        }
    }

    /// The value columns that are shown, in the order in which they are read.
    pub(super) fn projection(&self) -> Projection {
        let mut values: Vec<&ColumnEntry> = self
            .columns
            .iter()
            .filter(|c| c.shown && c.is_value())
            .collect();
        values.sort_by_key(|c| c.rank);
        Projection::Columns(values.into_iter().map(|c| c.name.clone()).collect())
    }

    /// True where a column is among those that are shown.
    pub(super) fn shows(&self, name: &str) -> bool {
        self.columns.iter().any(|c| c.name == name && c.shown)
    }

    /// The rows of the grid.
    pub fn rows(&self) -> Option<Rows<'_>> {
        match (&self.comparison, &self.snapshot) {
            (Some(comparison), _) => Some(Rows::Compared(comparison)),
            (None, Some(snapshot)) => Some(Rows::Plain(
                snapshot,
                self.arranged.as_ref().map(|a| &*a.order),
            )),
            (None, None) => None,
        }
    }

    /// Lines of the data panel above its rows: titles, and of a comparison the headline and the names of its sides.
    pub fn lines_above_rows(&self) -> u16 {
        lines_above(self.comparison.is_some(), self.compare)
    }

    /// The two moments to compare, where they are.
    pub fn compared(&self) -> Option<(AsOf, AsOf)> {
        let a = self.a.filter(|_| self.compare != CompareMode::Off)?;
        Some((a, self.b.unwrap_or(self.playhead)))
    }

    /// True where the rows at hand are not those that are asked for.
    pub(super) fn is_stale(&self) -> bool {
        let shown = self.comparison.as_ref().map(|c| &c.diff);
        let shown = shown.map(|diff| (diff.a().as_of(), diff.b().as_of()));
        let is_of_moment = match self.compared() {
            Some(wanted) => shown == Some(wanted),
            None => {
                shown.is_none() && self.snapshot.as_ref().map(|s| s.as_of()) == Some(self.playhead)
            }
        };
        !is_of_moment || self.snapshot_id < self.valid_from
    }

    /// What is shown, in words, where it is not what was asked for.
    pub fn showing_other(&self) -> Option<String> {
        let text = |moment| describe(moment);
        match (self.compared(), &self.comparison, &self.snapshot) {
            (Some(wanted), Some(comparison), _) => {
                let shown = (comparison.diff.a().as_of(), comparison.diff.b().as_of());
                (shown != wanted).then(|| format!("{} → {}", text(shown.0), text(shown.1)))
            }
            (Some(_), None, Some(snapshot)) => Some(text(snapshot.as_of())),
            (None, _, Some(snapshot)) => {
                (snapshot.as_of() != self.playhead).then(|| text(snapshot.as_of()))
            }
            (_, _, None) => None,
        }
    }
}
