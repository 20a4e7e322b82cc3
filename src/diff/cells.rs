//! The cells of two moments, to search through.

use std::sync::Arc;

use crate::expr::Field;
use crate::scan::Value;
use crate::view::Cells;

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

    fn any(&self, row: usize, column: usize, does: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
        let shown = self.shown.as_ref();
        let change = self.diff.change(shown.map_or(row, |s| s[row] as usize));
        let (in_a, in_b) = match self.sides {
            ShownSides::A => (change.a(), None),
            ShownSides::B => (change.a().filter(|_| change.b().is_none()), change.b()),
            ShownSides::Both => (change.a(), change.b()),
        };
        let own = self.columns[column];
        let (column_a, column_b) = match own {
            Field::Value(at) => {
                let column = &self.diff.columns()[at];
                (column.a, column.b)
            }
            Field::Key | Field::EventTime => (None, None),
        };
        [
            (self.diff.b(), in_b, column_b),
            (self.diff.a(), in_a, column_a),
        ]
        .into_iter()
        .any(|(side, row, column)| {
            row.is_some_and(|row| match own {
                Field::Key => does(Value::Text(side.key(row))),
                Field::EventTime => does(Value::Time(side.event_time(row))),
                Field::Value(_) => column.is_some_and(|at| does(side.value(row, at))),
            })
        })
    }
}
