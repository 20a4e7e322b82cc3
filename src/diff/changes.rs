//! The changes between two snapshots, in key order.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::format::DataType;
use crate::scan::{Chunks, RowGroupRows, RowRef, Value};
use crate::snapshot::Snapshot;
use crate::timeline::ChangedKey;

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
    a: Option<usize>,
    b: Option<usize>,
}

impl Change {
    /// The key's row in A.
    pub fn a(self) -> Option<usize> {
        self.a
    }

    /// The key's row in B.
    pub fn b(self) -> Option<usize> {
        self.b
    }
}

/// A key that is not the same on both sides, and where it stands.
#[derive(Debug, Clone, Copy)]
struct Noted {
    /// Its position among the keys of either side.
    position: u32,
    kind: ChangeKind,
    /// How many of the keys before it are in B only.
    added_before: u32,
    /// How many of the keys before it are in A only.
    removed_before: u32,
}

impl Noted {
    /// The same counts for what comes after.
    fn sums_after(self) -> (u32, u32) {
        (
            self.added_before + u32::from(self.kind == ChangeKind::Added),
            self.removed_before + u32::from(self.kind == ChangeKind::Removed),
        )
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
/// Guarantees: every key of either side has exactly one change; changes are ascending by key. Held are those keys alone
/// that are not the same, so that moments that lie close are compared and kept at the cost of what lies between them.
#[derive(Debug)]
pub struct Diff {
    a: Arc<Snapshot>,
    b: Arc<Snapshot>,
    columns: Vec<ComparedColumn>,
    noted: Vec<Noted>,
    keys: usize,
    summary: Summary,
}

impl Diff {
    /// Compares the columns that the two snapshots hold.
    pub fn new(a: Arc<Snapshot>, b: Arc<Snapshot>) -> Self {
        let columns = compared_columns(&a, &b);
        // Moments of one epoch differ in the keys that changed between them, and in no other.
        let pairs = if let Some(changed) = a.changed_until(&b) {
            let pair = |c: ChangedKey| (c.position as u32, c.before, Some(c.after));
            Pairs {
                keys: b.len(),
                found: changed.into_iter().map(pair).collect(),
            }
        } else if let Some(changed) = b.changed_until(&a) {
            let pair = |c: ChangedKey| (c.position as u32, Some(c.after), c.before);
            Pairs {
                keys: a.len(),
                found: changed.into_iter().map(pair).collect(),
            }
        } else {
            align(&a, &b)
        };
        let mut summary = Summary {
            schema: schema_changes(&columns),
            ..Summary::default()
        };
        let (changed, counts) = changed_pairs(&a, &b, &columns, &pairs.found);
        let mut noted: Vec<Noted> = Vec::with_capacity(pairs.found.len());
        let (mut added_before, mut removed_before) = (0, 0);
        for ((position, row_a, row_b), is_changed) in pairs.found.into_iter().zip(changed) {
            let kind = match (row_a, row_b) {
                (Some(_), Some(_)) if is_changed => ChangeKind::Changed,
                (Some(row_a), Some(row_b)) => {
                    let (group_a, at_a) = place(a.chunks(), row_a);
                    let (group_b, at_b) = place(b.chunks(), row_b);
                    if group_a.event_times[at_a] == group_b.event_times[at_b] {
                        continue;
                    }
                    ChangeKind::Touched
                }
                (Some(_), None) => ChangeKind::Removed,
                _ => ChangeKind::Added,
            };
            noted.push(Noted {
                position,
                kind,
                added_before,
                removed_before,
            });
            match kind {
                ChangeKind::Added => added_before += 1,
                ChangeKind::Removed => removed_before += 1,
                ChangeKind::Changed => summary.changed += 1,
                ChangeKind::Touched => summary.touched += 1,
                ChangeKind::Same => {}
            }
        }
        summary.added = added_before as usize;
        summary.removed = removed_before as usize;
        summary.same = pairs.keys - noted.len();
        let compared = columns.iter().zip(counts).filter(|(c, _)| c.compared);
        summary.cells = compared.map(|(c, n)| (c.name.clone(), n)).collect();
        Self {
            a,
            b,
            columns,
            noted,
            keys: pairs.keys,
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

    /// The number of keys of either side.
    pub fn len(&self) -> usize {
        self.keys
    }

    /// True where neither side has a row.
    pub fn is_empty(&self) -> bool {
        self.keys == 0
    }

    /// What became of a key, by its position among the keys of either side, ascending.
    pub fn change(&self, position: usize) -> Change {
        let after = self
            .noted
            .partition_point(|n| n.position as usize <= position);
        match after.checked_sub(1).map(|at| self.noted[at]) {
            Some(noted) if noted.position as usize == position => change_of(noted),
            before => {
                let (added, removed) = before.map_or((0, 0), Noted::sums_after);
                Change {
                    kind: ChangeKind::Same,
                    a: Some(position - added as usize),
                    b: Some(position - removed as usize),
                }
            }
        }
    }

    /// Every key of either side, ascending.
    pub fn changes(&self) -> impl Iterator<Item = Change> {
        (0..self.keys).map(|position| self.change(position))
    }

    /// The keys that are not the same on both sides, ascending, each with its position among the keys of either side.
    pub fn differing(&self) -> impl ExactSizeIterator<Item = (usize, Change)> {
        self.noted
            .iter()
            .map(|n| (n.position as usize, change_of(*n)))
    }

    /// The position of a key; where neither side has it, the position before which it would stand.
    pub fn find(&self, key: &str) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.keys);
        while low < high {
            let middle = low.midpoint(high);
            match self.key(self.change(middle)).cmp(key) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Ok(middle),
                Ordering::Greater => high = middle,
            }
        }
        Err(low)
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

fn change_of(noted: Noted) -> Change {
    let position = noted.position as usize;
    let (a, b) = (
        position - noted.added_before as usize,
        position - noted.removed_before as usize,
    );
    Change {
        kind: noted.kind,
        a: (noted.kind != ChangeKind::Added).then_some(a),
        b: (noted.kind != ChangeKind::Removed).then_some(b),
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

/// Keys that may differ, ascending: position among the keys of either side, row in A, row in B.
struct Pairs {
    keys: usize,
    found: Vec<(u32, Option<RowRef>, Option<RowRef>)>,
}

/// Matches the rows of two snapshots by key: a merge of two sorted lists. Two rows that are one row of one file are the
/// same, and left out. (Files never change.)
fn align(a: &Snapshot, b: &Snapshot) -> Pairs {
    let (rows_a, rows_b) = (a.row_refs(), b.row_refs());
    let same_groups = same_groups(a.chunks(), b.chunks());
    let mut found = Vec::new();
    let (mut at_a, mut at_b, mut keys) = (0, 0, 0);
    loop {
        let (row_a, row_b) = (rows_a.get(at_a), rows_b.get(at_b));
        let order = match (row_a, row_b) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(row_a), Some(row_b)) => {
                if row_a.row == row_b.row && same_groups[row_a.chunk as usize] == Some(row_b.chunk)
                {
                    (at_a, at_b, keys) = (at_a + 1, at_b + 1, keys + 1);
                    continue;
                }
                compare_keys(a.chunks(), *row_a, b.chunks(), *row_b)
            }
        };
        let (in_a, in_b) = (order != Ordering::Greater, order != Ordering::Less);
        found.push((
            keys,
            row_a.copied().filter(|_| in_a),
            row_b.copied().filter(|_| in_b),
        ));
        (at_a, at_b, keys) = (at_a + usize::from(in_a), at_b + usize::from(in_b), keys + 1);
    }
    Pairs {
        keys: keys as usize,
        found,
    }
}

/// For each chunk of A, the chunk of B that holds the same rows of the same file.
fn same_groups(a: &Chunks, b: &Chunks) -> Vec<Option<u32>> {
    let same =
        |x: &Arc<RowGroupRows>, y: &Arc<RowGroupRows>| Arc::ptr_eq(x, y) || x.is_same_group(y);
    a.iter()
        .map(|x| b.iter().position(|y| same(x, y)).map(|at| at as u32))
        .collect()
}

fn place(chunks: &Chunks, at: RowRef) -> (&RowGroupRows, usize) {
    (&chunks[at.chunk as usize], at.row as usize)
}

fn compare_keys(chunks_a: &Chunks, a: RowRef, chunks_b: &Chunks, b: RowRef) -> Ordering {
    let ((a, at_a), (b, at_b)) = (place(chunks_a, a), place(chunks_b, b));
    let (view_a, view_b) = (a.keys.views()[at_a], b.keys.views()[at_b]);
    // A short key is whole in its view.
    if view_a == view_b && view_a as u32 <= 12 {
        return Ordering::Equal;
    }
    a.keys.value(at_a).cmp(b.keys.value(at_b))
}

/// For each pair, whether a compared value differs; and for each column, in how many pairs it does.
///
/// One column after the other: so the rows of a column are looked up in a row, and few places in memory at a time.
fn changed_pairs(
    a: &Snapshot,
    b: &Snapshot,
    columns: &[ComparedColumn],
    pairs: &[(u32, Option<RowRef>, Option<RowRef>)],
) -> (Vec<bool>, Vec<usize>) {
    let mut changed = vec![false; pairs.len()];
    let mut counts = vec![0; columns.len()];
    for (column, count) in columns.iter().zip(&mut counts) {
        let (Some(in_a), Some(in_b), true) = (column.a, column.b, column.compared) else {
            continue;
        };
        for ((_, row_a, row_b), changed) in pairs.iter().zip(&mut changed) {
            let (Some(row_a), Some(row_b)) = (*row_a, *row_b) else {
                continue;
            };
            let ((group_a, at_a), (group_b, at_b)) =
                (place(a.chunks(), row_a), place(b.chunks(), row_b));
            if !group_a.columns[in_a].is_equal(at_a, &group_b.columns[in_b], at_b) {
                *changed = true;
                *count += 1;
            }
        }
    }
    (changed, counts)
}
