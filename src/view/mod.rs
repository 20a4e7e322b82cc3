//! What a person makes of the rows of a snapshot: some of them in another order, those that hold a pattern, what a
//! column holds.
//!
//! Each is a plan made from a snapshot, cut into parts that any core may work on, and then finished: the caller says
//! where parts run.

mod arrange;
mod digits;
mod distinct;
mod find;
mod histogram;
mod merge;
mod plain_text;
mod sort_key;
mod statistics;

pub use arrange::{ArrangedPart, Arranging, Sort};
pub use find::{Cell, Direction, Finding, Found, MatchCount};
pub use histogram::{Bin, Histogram, TopValues};
pub use plain_text::CellMatcher;
pub use statistics::{ColumnStatistics, Distinct, StatisticsPlan};
