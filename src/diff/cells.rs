//! The cells of two moments, to search through.

use std::sync::Arc;

use crate::expr::Field;
use crate::scan::{RowRef, Value};
use crate::snapshot::Snapshot;
use crate::view::{Cells, value_at};

use super::changes::Diff;

/// Which sides of a difference are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownSides {
    /// B's rows, and A's where a row is removed.
    B,
    /// A's rows.
    A,
    /// Both, side by side.
    Both,
}

/// Rows of a difference.
#[derive(Debug)]
pub struct DiffCells {
    diff: Arc<Diff>,
    shown: Option<Arc<[u32]>>,
    columns: Vec<Field>,
    sides: ShownSides,
}

impl DiffCells {
    /// These columns (values by their position in [`Diff::columns`]) of the keys at these positions, or of all by key.
    pub fn new(
        diff: Arc<Diff>,
        shown: Option<Arc<[u32]>>,
        columns: Vec<Field>,
        sides: ShownSides,
    ) -> Self {
        Self {
            diff,
            shown,
            columns,
            sides,
        }
    }
}

impl Cells for DiffCells {
    fn rows(&self) -> usize {
        self.shown.as_ref().map_or(self.diff.len(), |s| s.len())
    }

    fn columns(&self) -> usize {
        self.columns.len()
    }

    fn first(
        &self,
        row: usize,
        mut columns: &mut dyn Iterator<Item = usize>,
        does: &mut dyn FnMut(Value<'_>) -> bool,
    ) -> Option<usize> {
        let shown = self.shown.as_ref();
        let change = self.diff.change(shown.map_or(row, |s| s[row] as usize));
        let (in_a, in_b) = match self.sides {
            ShownSides::A => (change.a(), None),
            ShownSides::B => (change.a().filter(|_| change.b().is_none()), change.b()),
            ShownSides::Both => (change.a(), change.b()),
        };
        // The list of all rows is made once; looking one up is quicker in it.
        let place = |side: &Snapshot, row: Option<usize>| row.map(|row| side.row_refs()[row]);
        let (a, b) = (self.diff.a(), self.diff.b());
        let (at_a, at_b) = (place(a, in_a), place(b, in_b));
        Iterator::find(&mut columns, |column| {
            let own = self.columns[*column];
            let (of_a, of_b) = match own {
                Field::Value(at) => {
                    let column = &self.diff.columns()[at];
                    (column.a.map(Field::Value), column.b.map(Field::Value))
                }
                Field::Key | Field::EventTime => (Some(own), Some(own)),
            };
            let mut has = |side: &Snapshot, at: Option<RowRef>, column: Option<Field>| {
                let found = at.zip(column);
                found.is_some_and(|(at, column)| does(value_at(side, at, column)))
            };
            has(b, at_b, of_b) || has(a, at_a, of_a)
        })
    }
}
