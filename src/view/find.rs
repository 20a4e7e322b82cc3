//! The next cell that holds a pattern.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use crate::cancel::CancelToken;
use crate::error::Result;
use crate::expr::{Field, Pattern};
use crate::scan::Value;
use crate::snapshot::Snapshot;

use super::cells::{Cells, SnapshotCells};
use super::plain_text::CellMatcher;

/// Rows of the first part, so that a near match is found at once; each part after has twice as many, up to the other.
const FIRST_ROWS: usize = 1_024;
const ROWS_AT_MOST: usize = 16_384;

/// Rows between two looks at the cancel token.
const ROWS_PER_CHECK: usize = 256;

/// A cell: the row's position in the order that is shown, and the column's among those that are searched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// Position of the row.
    pub row: usize,
    /// Position of the column.
    pub column: usize,
}

/// Which way a search goes: cells are in order of rows, then of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the next match.
    Forward,
    /// To the one before.
    Backward,
}

/// A match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub cell: Cell,
    /// True where the search went past the last row, or the first, and on from the other end.
    pub wrapped: bool,
}

/// How many matches there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MatchCount {
    /// Rows with at least one.
    pub rows: usize,
    /// Cells.
    pub cells: usize,
}

impl std::ops::Add for MatchCount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            rows: self.rows + other.rows,
            cells: self.cells + other.cells,
        }
    }
}

/// A search through cells.
///
/// [`Finding::parts`] come in the order of the search: the answer is that of the first part that has one, whichever is
/// done first. For a count, each of [`Finding::count_parts`] is counted.
#[derive(Debug)]
pub struct Finding {
    cells: Arc<dyn Cells>,
    pattern: Pattern,
    from: Cell,
    direction: Direction,
    includes_start: bool,
    parts: Vec<Part>,
}

/// Rows, and whether they come after the end that the search ran over.
#[derive(Debug, Clone)]
struct Part {
    rows: Range<usize>,
    wrapped: bool,
}

impl Finding {
    /// Plans a search through these columns of the rows in `order` (positions in the snapshot; `None` is all of them by
    /// key), as [`Finding::among`] does. It is an error where the snapshot lacks a column.
    pub fn new(
        snapshot: Arc<Snapshot>,
        order: Option<Arc<[u32]>>,
        columns: Vec<Field>,
        pattern: Pattern,
        start: (Cell, Direction, bool),
    ) -> Result<Self> {
        let cells = SnapshotCells::new(snapshot, order, columns)?;
        Ok(Self::among(Arc::new(cells), pattern, start))
    }

    /// Plans a search which starts after `from`, or with `includes_start` at it, and ends where it began.
    pub fn among(
        cells: Arc<dyn Cells>,
        pattern: Pattern,
        (from, direction, includes_start): (Cell, Direction, bool),
    ) -> Self {
        let rows = cells.rows();
        let from = Cell {
            row: from.row.min(rows.saturating_sub(1)),
            ..from
        };
        let parts = match direction {
            Direction::Forward => {
                let ahead = ascending(from.row, rows, false);
                ahead
                    .into_iter()
                    .chain(ascending(0, (from.row + 1).min(rows), true))
                    .collect()
            }
            Direction::Backward => {
                let ahead = descending(0, (from.row + 1).min(rows), false);
                ahead
                    .into_iter()
                    .chain(descending(from.row, rows, true))
                    .collect()
            }
        };
        Self {
            cells,
            pattern,
            from,
            direction,
            includes_start,
            parts,
        }
    }

    /// The number of parts, in the order of the search.
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// The first match of a part.
    pub fn run(&self, part: usize, cancel: &CancelToken) -> Result<Option<Found>> {
        let Part { rows, wrapped } = self.parts[part].clone();
        let mut matcher = CellMatcher::new(&self.pattern);
        let mut row_in = |row: usize| {
            let count = self.cells.columns();
            let admitted = |column: &usize| {
                let column = *column;
                self.admits(Cell { row, column }, wrapped)
            };
            let mut matches = |value: Value<'_>| matcher.matches(value);
            let column = match self.direction {
                Direction::Forward => {
                    let mut columns = (0..count).filter(admitted);
                    self.cells.first(row, &mut columns, &mut matches)
                }
                Direction::Backward => {
                    let mut columns = (0..count).rev().filter(admitted);
                    self.cells.first(row, &mut columns, &mut matches)
                }
            };
            column.map(|column| Found {
                cell: Cell { row, column },
                wrapped,
            })
        };
        for i in 0..rows.len() {
            if i % ROWS_PER_CHECK == 0 {
                cancel.check()?;
            }
            let row = match self.direction {
                Direction::Forward => rows.start + i,
                Direction::Backward => rows.end - 1 - i,
            };
            if let Some(found) = row_in(row) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Searches here, one part after the other.
    pub fn run_all(&self, cancel: &CancelToken) -> Result<Option<Found>> {
        for part in 0..self.parts() {
            if let Some(found) = self.run(part, cancel)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The number of parts that a count has.
    pub fn count_parts(&self) -> usize {
        self.cells.rows().div_ceil(ROWS_AT_MOST)
    }

    /// Counts the matches of one of them.
    pub fn count(&self, part: usize, cancel: &CancelToken) -> Result<MatchCount> {
        let from = part * ROWS_AT_MOST;
        let mut matcher = CellMatcher::new(&self.pattern);
        let mut count = MatchCount::default();
        for row in from..(from + ROWS_AT_MOST).min(self.cells.rows()) {
            if row % ROWS_PER_CHECK == 0 {
                cancel.check()?;
            }
            let mut matches = |value: Value<'_>| matcher.matches(value);
            let mut columns = 0..self.cells.columns();
            let mut cells = 0;
            while self.cells.first(row, &mut columns, &mut matches).is_some() {
                cells += 1;
            }
            count.rows += usize::from(cells > 0);
            count.cells += cells;
        }
        Ok(count)
    }

    /// True where the search comes by a cell on this side of the end.
    fn admits(&self, cell: Cell, wrapped: bool) -> bool {
        let order = match self.direction {
            Direction::Forward => cell.cmp(&self.from),
            Direction::Backward => self.from.cmp(&cell),
        };
        match order {
            Ordering::Greater => !wrapped,
            Ordering::Equal => wrapped != self.includes_start,
            Ordering::Less => wrapped,
        }
    }
}

/// `from..to` in parts, from the first row on.
fn ascending(from: usize, to: usize, wrapped: bool) -> Vec<Part> {
    let (mut parts, mut at, mut size) = (Vec::new(), from, FIRST_ROWS);
    while at < to {
        let end = (at + size).min(to);
        parts.push(Part {
            rows: at..end,
            wrapped,
        });
        at = end;
        size = (size * 2).min(ROWS_AT_MOST);
    }
    parts
}

/// `from..to` in parts, from the last row on.
fn descending(from: usize, to: usize, wrapped: bool) -> Vec<Part> {
    let mirrored = ascending(0, to - from, wrapped).into_iter();
    let part = |part: Part| Part {
        rows: to - part.rows.end..to - part.rows.start,
        ..part
    };
    mirrored.map(part).collect()
}
