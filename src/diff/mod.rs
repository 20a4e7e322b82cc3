//! Two snapshots of a table -> row changes, cell changes, a summary: FORMAT.md 5.
//!
//! Rows are matched by key, never by position. Values are compared as they are typed, never as text; two rows that are
//! the same row of the same file are the same without a look at their values.

mod batch;
mod cells;
mod changes;
mod order;

pub use batch::{change_batch, change_schema, flat_change_batch, flat_change_schema};
pub use cells::{DiffCells, ShownSides};
pub use changes::{
    Change, ChangeKind, ComparedColumn, ComparedPart, Comparing, Diff, SchemaChange, Summary,
};
pub use order::{DiffOrder, SortedSide};
