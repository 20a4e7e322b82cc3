//! What a search goes through.

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::event_time::EventTime;
use crate::expr::Field;
use crate::scan::{RowRef, Value};
use crate::snapshot::Snapshot;

/// Rows and columns as a person sees them.
pub trait Cells: std::fmt::Debug + Send + Sync {
    /// The number of rows.
    fn rows(&self) -> usize;

    /// The number of columns.
    fn columns(&self) -> usize;

    /// The first of these columns in which a value of the row does. A cell may have none, and of two moments it may have two.
    ///
    /// # Panics
    /// Where there is no such row or column.
    fn first(
        &self,
        row: usize,
        columns: &mut dyn Iterator<Item = usize>,
        does: &mut dyn FnMut(Value<'_>) -> bool,
    ) -> Option<usize>;
}

/// What stands in a column of a snapshot's row.
pub fn value_at(snapshot: &Snapshot, at: RowRef, column: Field) -> Value<'_> {
    let (chunk, row) = (&snapshot.chunks()[at.chunk as usize], at.row as usize);
    match column {
        Field::Key => Value::Text(chunk.keys.value(row)),
        Field::EventTime => Value::Time(EventTime::from_ms(chunk.event_times[row])),
        Field::Value(column) => chunk.columns[column].value(row),
    }
}

/// Rows of a snapshot.
#[derive(Debug)]
pub struct SnapshotCells {
    snapshot: Arc<Snapshot>,
    order: Option<Arc<[u32]>>,
    columns: Vec<Field>,
}

impl SnapshotCells {
    /// These columns of the rows in `order` (positions in the snapshot; `None` is all of them by key). It is an error where
    /// the snapshot lacks a column.
    pub fn new(
        snapshot: Arc<Snapshot>,
        order: Option<Arc<[u32]>>,
        columns: Vec<Field>,
    ) -> Result<Self> {
        let is_missing =
            |c: &Field| matches!(c, Field::Value(at) if *at >= snapshot.columns().len());
        if columns.iter().any(is_missing) {
            return Err(Error::new(
                ErrorKind::ColumnNotFound,
                "the rows were read without a column that is to be searched",
            ));
        }
        Ok(Self {
            snapshot,
            order,
            columns,
        })
    }
}

impl Cells for SnapshotCells {
    fn rows(&self) -> usize {
        let order = self.order.as_ref();
        order.map_or(self.snapshot.len(), |order| order.len())
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
        let order = self.order.as_ref();
        let row = order.map_or(row, |order| order[row] as usize);
        // The list of all rows is made once; looking one up is quicker in it.
        let at = self.snapshot.row_refs()[row];
        Iterator::find(&mut columns, |column| {
            does(value_at(&self.snapshot, at, self.columns[*column]))
        })
    }
}
