//! The rows that the grid shows: those of one moment, or those of two with what became of each.

use std::sync::Arc;

use crate::diff::{Change, ChangeKind, Diff, Summary};
use crate::engine::ArrangedDiff;
use crate::event_time::Precision;
use crate::format::{DataType, EVENT_TIME, KEY};
use crate::scan::Value;
use crate::snapshot::Snapshot;
use crate::sql::{ResultRows, key_in_words};

use super::cell::format_value;
use super::grid::{GridColumn, Source};

/// How two moments are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CompareMode {
    /// They are not.
    #[default]
    Off,
    /// One grid, with the changes marked.
    Inline,
    /// Two grids, aligned by key.
    SideBySide,
}

impl CompareMode {
    /// The mode after this one.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Off => Self::Inline,
            Self::Inline => Self::SideBySide,
            Self::SideBySide => Self::Off,
        }
    }
}

/// Which rows of a comparison are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RowFilter {
    /// All.
    #[default]
    All,
    /// Added, removed and changed ones.
    Differences,
    /// Added ones.
    Added,
    /// Removed ones.
    Removed,
}

impl RowFilter {
    /// The filter after this one.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::All => Self::Differences,
            Self::Differences => Self::Added,
            Self::Added => Self::Removed,
            Self::Removed => Self::All,
        }
    }

    /// What is shown, in words; empty where that is everything.
    pub fn label(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Differences => "changed only",
            Self::Added => "added only",
            Self::Removed => "removed only",
        }
    }

    fn admits(self, kind: ChangeKind) -> bool {
        match self {
            Self::All => true,
            Self::Differences => kind.is_difference(),
            Self::Added => kind == ChangeKind::Added,
            Self::Removed => kind == ChangeKind::Removed,
        }
    }
}

/// A side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The fixed moment.
    A,
    /// The other one, which the playhead moves.
    B,
}

/// What stands in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    /// There is no such row on this side; that is not a null.
    Absent,
    /// A value, null among them.
    Value(Value<'a>),
}

/// A difference with what of it is shown.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The difference.
    pub diff: Arc<Diff>,
    /// What of it a filter leaves, and how it is sorted.
    pub arranged: Option<ArrangedDiff>,
    /// Positions, among the keys of either side, of the rows shown, in their order; `None` where all are, by key.
    shown: Option<Arc<[u32]>>,
    /// Positions, among the rows shown, of those that are differences, ascending.
    differences: Vec<u32>,
}

impl Comparison {
    /// Shows the rows of which a filter admits what became of them, as they are arranged.
    pub fn new(diff: Arc<Diff>, filter: RowFilter, arranged: Option<ArrangedDiff>) -> Self {
        if let Some(arranged) = arranged {
            return Self::of_arranged(diff, filter, arranged);
        }
        let differing = diff.differing().filter(|(_, c)| filter.admits(c.kind));
        let (positions, kinds): (Vec<u32>, Vec<ChangeKind>) =
            differing.map(|(at, c)| (at as u32, c.kind)).unzip();
        let is_all = filter == RowFilter::All;
        let rows = positions.iter().copied().enumerate();
        let differences = rows
            .zip(kinds)
            .filter(|(_, kind)| kind.is_difference())
            .map(|((i, at), _)| if is_all { at } else { i as u32 })
            .collect();
        Self {
            diff,
            arranged: None,
            shown: (!is_all).then_some(positions.into()),
            differences,
        }
    }

    fn of_arranged(diff: Arc<Diff>, filter: RowFilter, arranged: ArrangedDiff) -> Self {
        let order = &arranged.order;
        let (shown, differences) = if filter == RowFilter::All {
            let differences = order.differing.iter().filter(|(_, k)| k.is_difference());
            let differences = differences.map(|(row, _)| *row).collect();
            (Arc::clone(&order.positions), differences)
        } else {
            // All that such a filter admits are differences.
            let admitted = order.differing.iter().filter(|(_, k)| filter.admits(*k));
            let shown = admitted.map(|(row, _)| order.positions[*row as usize]);
            let shown: Arc<[u32]> = shown.collect();
            let differences = (0..shown.len() as u32).collect();
            (shown, differences)
        };
        Self {
            diff,
            shown: Some(shown),
            differences,
            arranged: Some(arranged),
        }
    }

    /// Positions, among the keys of either side, of the rows shown, in their order; `None` where all are, by key.
    pub fn shown(&self) -> Option<&Arc<[u32]>> {
        self.shown.as_ref()
    }

    /// True where a condition leaves some rows out.
    pub fn is_filtered(&self) -> bool {
        self.arranged
            .as_ref()
            .is_some_and(|a| a.by.filter.is_some())
    }

    /// What the rows are sorted by, and whether from the greatest on; nothing where they are by key.
    pub fn sort(&self) -> Option<&(String, bool)> {
        self.arranged.as_ref()?.by.sort.as_ref()
    }

    /// Counts of the rows that a condition leaves, or of all.
    pub fn summary(&self) -> &Summary {
        match &self.arranged {
            Some(arranged) => &arranged.order.summary,
            None => self.diff.summary(),
        }
    }

    /// The number of rows shown.
    fn len(&self) -> usize {
        self.shown.as_ref().map_or(self.diff.len(), |s| s.len())
    }

    fn change(&self, row: usize) -> Change {
        let position = self.shown.as_ref().map_or(row, |shown| shown[row] as usize);
        self.diff.change(position)
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        let found = self.diff.find(key);
        let Some(shown) = &self.shown else {
            return found;
        };
        let is_by_key = |a: &ArrangedDiff| a.order.is_by_key;
        if !self.arranged.as_ref().is_none_or(is_by_key) {
            // Where the key is left out, the cursor stays on its line.
            let at = found.map_err(|_| usize::MAX)?;
            let row = shown.iter().position(|shown| *shown as usize == at);
            return row.ok_or(usize::MAX);
        }
        match found {
            Ok(at) => shown.binary_search(&(at as u32)),
            Err(at) => Err(shown.partition_point(|shown| (*shown as usize) < at)),
        }
    }

    /// How many of the rows shown are differences.
    pub fn difference_count(&self) -> usize {
        self.differences.len()
    }

    /// How many of the rows up to this one, itself included, are differences.
    pub fn differences_until(&self, row: usize) -> usize {
        self.differences.partition_point(|at| *at as usize <= row)
    }

    /// The row of the next difference after a row, or of the last one before it.
    pub fn neighbour(&self, row: usize, forward: bool) -> Option<usize> {
        let at = if forward {
            self.differences.get(self.differences_until(row))
        } else {
            let before = self.differences.partition_point(|at| (*at as usize) < row);
            before
                .checked_sub(1)
                .and_then(|at| self.differences.get(at))
        };
        at.map(|row| *row as usize)
    }
}

/// The rows of the grid.
#[derive(Debug, Clone, Copy)]
pub enum Rows<'a> {
    /// Those of one moment: all by key, or these positions in their order.
    Plain(&'a Snapshot, Option<&'a [u32]>),
    /// Those of two.
    Compared(&'a Comparison),
    /// Those of a query.
    Result(&'a ResultRows),
}

/// The row of a snapshot that stands in a row of the grid.
fn place(order: Option<&[u32]>, row: usize) -> usize {
    order.map_or(row, |order| order[row] as usize)
}

impl<'a> Rows<'a> {
    /// A value of a column in words. The key of a query's comparison may be made of several columns.
    pub fn text(self, source: Source, value: Value<'_>, precision: Precision) -> String {
        match (source, value, self) {
            (Source::Key, Value::Text(key), Self::Compared(_)) => {
                format_value(Value::Text(&key_in_words(key)), precision)
            }
            _ => format_value(value, precision),
        }
    }

    /// How many there are.
    pub fn len(self) -> usize {
        match self {
            Self::Plain(snapshot, order) => order.map_or(snapshot.len(), <[u32]>::len),
            Self::Compared(comparison) => comparison.len(),
            Self::Result(result) => result.len(),
        }
    }

    /// True where there is none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The key of a row; rows of a query have none.
    pub fn key(self, row: usize) -> &'a str {
        match self {
            Self::Result(_) => "",
            Self::Plain(snapshot, order) => snapshot.key(place(order, row)),
            Self::Compared(comparison) => comparison.diff.key(comparison.change(row)),
        }
    }

    /// The row of a key; where there is none, the row before which it would stand.
    pub fn find(self, key: &str) -> Result<usize, usize> {
        match self {
            Self::Plain(snapshot, None) => snapshot.find(key),
            // Where the key is filtered out, the cursor stays on its line.
            Self::Plain(snapshot, Some(order)) => {
                let at = snapshot.find(key).map_err(|_| usize::MAX)?;
                let shown = order.iter().position(|row| *row as usize == at);
                shown.ok_or(usize::MAX)
            }
            Self::Result(_) => Err(0),
            Self::Compared(comparison) => comparison.find(key),
        }
    }

    /// What became of a row; `None` where only one moment is shown.
    pub fn kind(self, row: usize) -> Option<ChangeKind> {
        match self {
            Self::Plain(..) | Self::Result(_) => None,
            Self::Compared(comparison) => Some(comparison.change(row).kind),
        }
    }

    /// What stands in a cell on one side.
    pub fn cell(self, row: usize, source: Source, side: Side) -> Cell<'a> {
        let (snapshot, at) = match self {
            Self::Result(result) => {
                return match source {
                    Source::Value(column) => Cell::Value(result.value(row, column)),
                    Source::Key | Source::EventTime => Cell::Absent,
                };
            }
            Self::Plain(snapshot, order) => (snapshot, Some(place(order, row))),
            Self::Compared(comparison) => {
                let change = comparison.change(row);
                match side {
                    Side::A => (comparison.diff.a().as_ref(), change.a()),
                    Side::B => (comparison.diff.b().as_ref(), change.b()),
                }
            }
        };
        let Some(at) = at else { return Cell::Absent };
        match (source, self) {
            (Source::Key, _) => Cell::Value(Value::Text(snapshot.key(at))),
            (Source::EventTime, _) => Cell::Value(Value::Time(snapshot.event_time(at))),
            (Source::Value(column), Self::Plain(..) | Self::Result(_)) => {
                Cell::Value(snapshot.value(at, column))
            }
            (Source::Value(column), Self::Compared(comparison)) => {
                let column = &comparison.diff.columns()[column];
                let position = if side == Side::A { column.a } else { column.b };
                position.map_or(Cell::Absent, |position| {
                    Cell::Value(snapshot.value(at, position))
                })
            }
        }
    }

    /// True where a row's cell differs between the two sides.
    pub fn is_cell_changed(self, row: usize, source: Source) -> bool {
        match (self, source) {
            (Self::Compared(comparison), Source::Value(column)) => comparison
                .diff
                .is_cell_changed(comparison.change(row), column),
            _ => false,
        }
    }

    /// The columns of the grid: the key, the event time if wanted, and the values; of a comparison, on request, only
    /// those in which something changed.
    pub fn columns(self, event_time: bool, changed_only: bool) -> Vec<GridColumn> {
        let own = |name: &str, source, data_type| GridColumn {
            name: name.to_owned(),
            source,
            data_type,
        };
        if let Self::Result(result) = self {
            let values = result.columns().iter().enumerate();
            return values
                .map(|(i, c)| own(&c.name, Source::Value(i), c.data_type))
                .collect();
        }
        let mut columns = vec![own(KEY, Source::Key, DataType::String)];
        if event_time {
            columns.push(own(EVENT_TIME, Source::EventTime, DataType::DateTime));
        }
        match self {
            Self::Result(_) => {}
            Self::Plain(snapshot, _) => {
                let values = snapshot.columns().iter().enumerate();
                columns.extend(values.map(|(i, c)| own(&c.name, Source::Value(i), c.data_type)));
            }
            Self::Compared(comparison) => {
                let cells = &comparison.summary().cells;
                let is_changed =
                    |name: &str| cells.iter().any(|(n, count)| n == name && *count > 0);
                let values = comparison.diff.columns().iter().enumerate();
                let values = values.filter(|(_, c)| !changed_only || is_changed(&c.name));
                columns.extend(values.map(|(i, c)| own(&c.name, Source::Value(i), c.data_type)));
            }
        }
        columns
    }
}
