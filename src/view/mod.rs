//! What a person makes of rows: some of a snapshot's in another order, those that hold a pattern, what a column holds.
//!
//! Each is a plan made from the rows, cut into parts that any core may work on, and then finished: the caller says
//! where parts run.

mod arrange;
mod cells;
mod digits;
mod distinct;
mod find;
mod histogram;
mod merge;
mod plain_text;
mod sort_key;
mod statistics;

pub use arrange::{ArrangedPart, Arranging, Sort};
pub use cells::{Cells, SnapshotCells, value_at};
pub use find::{Cell, Direction, Finding, Found, MatchCount};
pub use histogram::{Bin, Histogram, TopValues};
pub use plain_text::CellMatcher;
pub use statistics::{ColumnStatistics, Distinct, StatisticsPlan};
