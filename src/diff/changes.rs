//! The changes between two snapshots, in key order.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::format::DataType;
use crate::scan::{Snapshot, Value};

/// What became of a key from A to B.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// In B only.
    Added,
    /// In A only.
    Removed,
    /// In both, and a compared value differs.
    Changed,
    /// In both, all compared values equal, reported again: the event time differs.
    Touched,
    /// In both, and nothing differs.
    Same,
}

impl ChangeKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::Added,
        Self::Removed,
        Self::Changed,
        Self::Touched,
        Self::Same,
    ];

    /// The sign that stands for the kind.
    pub fn glyph(self) -> &'static str {
        match self {
            Self::Added => "+",
            Self::Removed => "-",
            Self::Changed => "~",
            Self::Touched => "·",
            Self::Same => " ",
        }
    }

    /// The word for the kind.
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Touched => "touched",
            Self::Same => "same",
        }
    }

    /// True where the two moments say different things of the key: all but touched and same.
    pub fn is_difference(self) -> bool {
        matches!(self, Self::Added | Self::Removed | Self::Changed)
    }
}

/// A key of either side: its rows and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// What became of the key.
    pub kind: ChangeKind,
    a: u32,
    b: u32,
}

/// Stands for no row.
const ABSENT: u32 = u32::MAX;

impl Change {
    /// The key's row in A.
    pub fn a(self) -> Option<usize> {
        (self.a != ABSENT).then_some(self.a as usize)
    }

    /// The key's row in B.
    pub fn b(self) -> Option<usize> {
        (self.b != ABSENT).then_some(self.b as usize)
    }
}

/// A column of either side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedColumn {
    /// Its name.
    pub name: String,
    /// The type of its values: B's where B has it.
    pub data_type: DataType,
    /// Its position in A.
    pub a: Option<usize>,
    /// Its position in B.
    pub b: Option<usize>,
    /// True where both sides have it with one type, so that its values are compared.
    pub compared: bool,
}

/// What became of a column from A to B. Counts once, and changes no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaChange {
    /// In B only.
    Added(String),
    /// In A only.
    Removed(String),
    /// Of another type in B.
    Retyped(String),
}

/// Counts of a difference.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Keys in B only.
    pub added: usize,
    /// Keys in A only.
    pub removed: usize,
    /// Keys of which a compared value differs.
    pub changed: usize,
    /// Keys that were reported again without a change.
    pub touched: usize,
    /// Keys of which nothing differs.
    pub same: usize,
    /// Changed cells of changed rows, by compared column, in the columns' order.
    pub cells: Vec<(String, usize)>,
    /// What became of columns.
    pub schema: Vec<SchemaChange>,
}

impl Summary {
    /// The number of keys of which the two moments say different things.
    pub fn differences(&self) -> usize {
        self.added + self.removed + self.changed
    }

    /// The number of keys of a kind.
    pub fn count(&self, kind: ChangeKind) -> usize {
        match kind {
            ChangeKind::Added => self.added,
            ChangeKind::Removed => self.removed,
            ChangeKind::Changed => self.changed,
            ChangeKind::Touched => self.touched,
            ChangeKind::Same => self.same,
        }
    }
}

/// The difference of two snapshots of a table.
///
/// Guarantees: every key of either side has exactly one change; changes are ascending by key.
#[derive(Debug)]
pub struct Diff {
    a: Arc<Snapshot>,
    b: Arc<Snapshot>,
    columns: Vec<ComparedColumn>,
    changes: Vec<Change>,
    summary: Summary,
}

impl Diff {
    /// Compares the columns that the two snapshots hold.
    pub fn new(a: Arc<Snapshot>, b: Arc<Snapshot>) -> Self {
        let columns = compared_columns(&a, &b);
        let mut counts = vec![0; columns.len()];
        let mut summary = Summary {
            schema: schema_changes(&columns),
            ..Summary::default()
        };
        let mut changes = Vec::with_capacity(a.len().max(b.len()));
        for change in align(&a, &b) {
            let kind = match (change.a(), change.b()) {
                (Some(row_a), Some(row_b)) => {
                    compare_rows(&a, row_a, &b, row_b, &columns, &mut counts)
                }
                (Some(_), None) => ChangeKind::Removed,
                _ => ChangeKind::Added,
            };
            match kind {
                ChangeKind::Added => summary.added += 1,
                ChangeKind::Removed => summary.removed += 1,
                ChangeKind::Changed => summary.changed += 1,
                ChangeKind::Touched => summary.touched += 1,
                ChangeKind::Same => summary.same += 1,
            }
            changes.push(Change { kind, ..change });
        }
        let compared = columns.iter().zip(counts).filter(|(c, _)| c.compared);
        summary.cells = compared.map(|(c, n)| (c.name.clone(), n)).collect();
        Self {
            a,
            b,
            columns,
            changes,
            summary,
        }
    }

    /// The earlier side, by the caller's choice.
    pub fn a(&self) -> &Arc<Snapshot> {
        &self.a
    }

    /// The other side.
    pub fn b(&self) -> &Arc<Snapshot> {
        &self.b
    }

    /// The columns of both sides: B's in their order, then those that only A has.
    pub fn columns(&self) -> &[ComparedColumn] {
        &self.columns
    }

    /// Every key of either side, ascending.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The counts.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The key that a change is of.
    pub fn key(&self, change: Change) -> &str {
        match (change.a(), change.b()) {
            (_, Some(row)) => self.b.key(row),
            (Some(row), None) => self.a.key(row),
            (None, None) => "",
        }
    }

    /// A column's value before and after; `None` where the side has no such row or no such column.
    pub fn values(&self, change: Change, column: usize) -> (Option<Value<'_>>, Option<Value<'_>>) {
        let column = &self.columns[column];
        let a = change
            .a()
            .and_then(|row| Some(self.a.value(row, column.a?)));
        let b = change
            .b()
            .and_then(|row| Some(self.b.value(row, column.b?)));
        (a, b)
    }

    /// True where a changed row differs in this column.
    pub fn is_cell_changed(&self, change: Change, column: usize) -> bool {
        change.kind == ChangeKind::Changed && self.columns[column].compared && {
            let (a, b) = self.values(change, column);
            a != b
        }
    }

    /// The names of the columns in which a changed row differs.
    pub fn changed_columns(&self, change: Change) -> Vec<&str> {
        let differs = |i: &usize| self.is_cell_changed(change, *i);
        (0..self.columns.len())
            .filter(differs)
            .map(|i| self.columns[i].name.as_str())
            .collect()
    }
}

fn compared_columns(a: &Snapshot, b: &Snapshot) -> Vec<ComparedColumn> {
    let position =
        |snapshot: &Snapshot, name: &str| snapshot.columns().iter().position(|c| c.name == name);
    let mut columns: Vec<ComparedColumn> = Vec::new();
    for (i, column) in b.columns().iter().enumerate() {
        let other = position(a, &column.name);
        columns.push(ComparedColumn {
            name: column.name.clone(),
            data_type: column.data_type,
            a: other,
            b: Some(i),
            compared: other.is_some_and(|at| a.columns()[at].data_type == column.data_type),
        });
    }
    for (i, column) in a.columns().iter().enumerate() {
        if position(b, &column.name).is_none() {
            let (name, data_type) = (column.name.clone(), column.data_type);
            columns.push(ComparedColumn {
                name,
                data_type,
                a: Some(i),
                b: None,
                compared: false,
            });
        }
    }
    columns
}

fn schema_changes(columns: &[ComparedColumn]) -> Vec<SchemaChange> {
    let change = |c: &ComparedColumn| match (c.a, c.b) {
        (None, _) => Some(SchemaChange::Added(c.name.clone())),
        (_, None) => Some(SchemaChange::Removed(c.name.clone())),
        _ if !c.compared => Some(SchemaChange::Retyped(c.name.clone())),
        _ => None,
    };
    columns.iter().filter_map(change).collect()
}

/// Matches the rows of two snapshots by key: a merge of two sorted lists, one pair at a time.
fn align<'a>(a: &'a Snapshot, b: &'a Snapshot) -> impl Iterator<Item = Change> + 'a {
    let (mut row_a, mut row_b) = (0, 0);
    std::iter::from_fn(move || {
        let order = match (row_a < a.len(), row_b < b.len()) {
            (false, false) => return None,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (true, true) if is_same_row(a, row_a, b, row_b) => Ordering::Equal,
            (true, true) => a.compare_keys(row_a, b, row_b),
        };
        let mut change = Change {
            kind: ChangeKind::Same,
            a: ABSENT,
            b: ABSENT,
        };
        if order != Ordering::Greater {
            change.a = row_a as u32;
            row_a += 1;
        }
        if order != Ordering::Less {
            change.b = row_b as u32;
            row_b += 1;
        }
        Some(change)
    })
}

/// True where both are one row of one file. (Files never change.)
fn is_same_row(a: &Snapshot, row_a: usize, b: &Snapshot, row_b: usize) -> bool {
    let ((group_a, at_a), (group_b, at_b)) = (a.locate(row_a), b.locate(row_b));
    at_a == at_b && (Arc::ptr_eq(group_a, group_b) || group_a.is_same_group(group_b))
}

fn compare_rows(
    a: &Snapshot,
    row_a: usize,
    b: &Snapshot,
    row_b: usize,
    columns: &[ComparedColumn],
    counts: &mut [usize],
) -> ChangeKind {
    if is_same_row(a, row_a, b, row_b) {
        return ChangeKind::Same;
    }
    let ((group_a, at_a), (group_b, at_b)) = (a.locate(row_a), b.locate(row_b));
    let mut changed = false;
    for (column, count) in columns.iter().zip(counts) {
        let (Some(in_a), Some(in_b), true) = (column.a, column.b, column.compared) else {
            continue;
        };
        if !group_a.columns[in_a].is_equal(at_a, &group_b.columns[in_b], at_b) {
            changed = true;
            *count += 1;
        }
    }
    if changed {
        ChangeKind::Changed
    } else if a.event_time(row_a) == b.event_time(row_b) {
        ChangeKind::Same
    } else {
        ChangeKind::Touched
    }
}
