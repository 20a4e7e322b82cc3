//! The changes between two snapshots, in key order.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use crate::format::DataType;
use crate::scan::{Chunks, ColumnData, RowGroupRows, RowRef, Value, compare_keys_at};
use crate::snapshot::Snapshot;
use crate::timeline::ChangedKey;

/// With fewer keys than this that may differ, a second core costs more than it brings.
const PAIRS_PER_PART: usize = 8_192;

/// Keys that share an entry of the table by which what is noted of a key is found.
const KEYS_PER_BLOCK: usize = 256;

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

    /// Counts a key more.
    pub(super) fn tally(&mut self, kind: ChangeKind) {
        let count = match kind {
            ChangeKind::Added => &mut self.added,
            ChangeKind::Removed => &mut self.removed,
            ChangeKind::Changed => &mut self.changed,
            ChangeKind::Touched => &mut self.touched,
            ChangeKind::Same => &mut self.same,
        };
        *count += 1;
    }

    /// Takes the numbers of changed cells, one a column, of the columns that are compared.
    pub(super) fn set_cells(&mut self, columns: &[ComparedColumn], counts: Vec<usize>) {
        let compared = columns.iter().zip(counts).filter(|(c, _)| c.compared);
        self.cells = compared.map(|(c, n)| (c.name.clone(), n)).collect();
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
    /// For every [`KEYS_PER_BLOCK`] keys, how many of those noted come before them.
    noted_before: Vec<u32>,
    keys: usize,
    summary: Summary,
}

impl Diff {
    /// Compares the columns that the two snapshots hold.
    pub fn new(a: Arc<Snapshot>, b: Arc<Snapshot>) -> Self {
        let comparing = Comparing::new(a, b, 1);
        let parts = (0..comparing.parts())
            .map(|part| comparing.compare(part))
            .collect();
        comparing.finish(parts)
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
        let block = position / KEYS_PER_BLOCK;
        let edge = |block: usize| {
            let before = self.noted_before.get(block);
            before.map_or(self.noted.len(), |n| *n as usize)
        };
        let from = edge(block);
        let in_block = &self.noted[from..edge(block + 1)];
        let after = from + in_block.partition_point(|n| n.position as usize <= position);
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
        let mut noted = self.noted.iter().peekable();
        let (mut added, mut removed) = (0, 0);
        (0..self.keys).map(move |position| {
            match noted.next_if(|n| n.position as usize == position) {
                Some(at) => {
                    (added, removed) = at.sums_after();
                    change_of(*at)
                }
                None => Change {
                    kind: ChangeKind::Same,
                    a: Some(position - added as usize),
                    b: Some(position - removed as usize),
                },
            }
        })
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

fn noted_before(noted: &[Noted], keys: usize) -> Vec<u32> {
    let mut at = 0;
    let before = (0..keys).step_by(KEYS_PER_BLOCK).map(|begins| {
        at += noted[at..].partition_point(|n| (n.position as usize) < begins);
        at as u32
    });
    before.collect()
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

/// A difference in the making, in parts that are compared apart from each other.
#[derive(Debug)]
pub struct Comparing {
    a: Arc<Snapshot>,
    b: Arc<Snapshot>,
    columns: Vec<ComparedColumn>,
    parts: Vec<Stretch>,
    /// For each chunk of A, the chunk of B that holds the same rows of the same file.
    same_groups: Vec<Option<u32>>,
    /// Whether the rows of both sides are merged.
    is_merged: bool,
    /// The keys that may differ, where one index answers both.
    ranks: Vec<u32>,
}

/// What one part compares.
#[derive(Debug, Clone)]
enum Stretch {
    /// Rows of A and rows of B, of the same stretch of keys.
    Rows(Range<usize>, Range<usize>),
    /// Some of the keys that may differ; `forward` where B is the later side.
    Ranks { of: Range<usize>, forward: bool },
}

/// A part that was compared.
#[derive(Debug)]
pub struct ComparedPart {
    /// How many keys it covers, where positions count from its first key.
    keys: u32,
    found: Vec<(u32, ChangeKind)>,
    counts: Vec<usize>,
}

/// A key that may differ: position, row in A, row in B.
pub(super) type Pair = (u32, Option<RowRef>, Option<RowRef>);

impl Comparing {
    /// Splits the work into at most so many parts.
    pub fn new(a: Arc<Snapshot>, b: Arc<Snapshot>, parts: usize) -> Self {
        let columns = compared_columns(&a, &b);
        let mut comparing = Self {
            same_groups: Vec::new(),
            is_merged: false,
            ranks: Vec::new(),
            parts: Vec::new(),
            columns,
            a,
            b,
        };
        // Moments of one epoch differ in the keys that changed between them, and in no other.
        let (a, b) = (&comparing.a, &comparing.b);
        let changed = a.changed_until(b).map(|ranks| (ranks, true));
        let changed = changed.or_else(|| b.changed_until(a).map(|ranks| (ranks, false)));
        if let Some((ranks, forward)) = changed {
            let stretches = split(ranks.len(), parts.min(ranks.len() / PAIRS_PER_PART + 1));
            comparing.parts = stretches.map(|of| Stretch::Ranks { of, forward }).collect();
            comparing.ranks = ranks;
            return comparing;
        }
        let rows = (a.row_refs(), b.row_refs());
        let parts = parts.min(rows.0.len().max(rows.1.len()) / PAIRS_PER_PART + 1);
        let (mut from_a, mut from_b) = (0, 0);
        for end in split(rows.0.len(), parts).map(|of| of.end) {
            // The last part takes what is left of B.
            let end_b = match rows.0.get(end) {
                Some(row) => rows.1.partition_point(|other| {
                    compare_keys(b.chunks(), *other, a.chunks(), *row) == Ordering::Less
                }),
                None => rows.1.len(),
            };
            comparing
                .parts
                .push(Stretch::Rows(from_a..end, from_b..end_b));
            (from_a, from_b) = (end, end_b);
        }
        comparing.same_groups = same_groups(a.chunks(), b.chunks());
        comparing.is_merged = true;
        comparing
    }

    /// The number of parts, at least one.
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// Compares one part.
    pub fn compare(&self, part: usize) -> ComparedPart {
        let (keys, pairs) = match &self.parts[part] {
            Stretch::Rows(of_a, of_b) => {
                let (rows_a, rows_b) = (self.a.row_refs(), self.b.row_refs());
                self.align(&rows_a[of_a.clone()], &rows_b[of_b.clone()])
            }
            Stretch::Ranks { of, forward } => (0, self.pairs_of(&self.ranks[of.clone()], *forward)),
        };
        let (changed, counts) = changed_pairs((&self.a, &self.b), &self.columns, &pairs);
        let time =
            |chunks: &Chunks, at: RowRef| chunks[at.chunk as usize].event_times[at.row as usize];
        let kind = |row_a, row_b, is_changed| match (row_a, row_b) {
            (Some(_), Some(_)) if is_changed => ChangeKind::Changed,
            (Some(a), Some(b)) if time(self.a.chunks(), a) == time(self.b.chunks(), b) => {
                ChangeKind::Same
            }
            (Some(_), Some(_)) => ChangeKind::Touched,
            (Some(_), None) => ChangeKind::Removed,
            _ => ChangeKind::Added,
        };
        let found = pairs.into_iter().zip(changed);
        let found = found.map(|((position, a, b), is_changed)| (position, kind(a, b, is_changed)));
        let found = found
            .filter(|(_, kind)| *kind != ChangeKind::Same)
            .collect();
        ComparedPart {
            keys,
            found,
            counts,
        }
    }

    /// Puts the parts, in their order, together.
    pub fn finish(self, parts: Vec<ComparedPart>) -> Diff {
        let mut summary = Summary {
            schema: schema_changes(&self.columns),
            ..Summary::default()
        };
        let mut noted: Vec<Noted> = Vec::with_capacity(parts.iter().map(|p| p.found.len()).sum());
        let mut keys = 0;
        let mut counts = vec![0; self.columns.len()];
        for part in parts {
            for (position, kind) in part.found {
                let position = keys + position;
                noted.push(Noted {
                    position,
                    kind,
                    added_before: summary.added as u32,
                    removed_before: summary.removed as u32,
                });
                summary.tally(kind);
            }
            keys += part.keys;
            counts
                .iter_mut()
                .zip(part.counts)
                .for_each(|(sum, n)| *sum += n);
        }
        let keys = if self.is_merged {
            keys as usize
        } else {
            // Within an epoch keys only ever come: the later moment has them all.
            self.a.len().max(self.b.len())
        };
        summary.same = keys - noted.len();
        summary.set_cells(&self.columns, counts);
        Diff {
            a: self.a,
            b: self.b,
            columns: self.columns,
            noted_before: noted_before(&noted, keys),
            noted,
            keys,
            summary,
        }
    }

    fn pairs_of(&self, ranks: &[u32], forward: bool) -> Vec<Pair> {
        let (earlier, later) = if forward {
            (&self.a, &self.b)
        } else {
            (&self.b, &self.a)
        };
        let pair = |key: ChangedKey| {
            let position = key.position as u32;
            if forward {
                (position, key.before, Some(key.after))
            } else {
                (position, Some(key.after), key.before)
            }
        };
        earlier
            .changed_keys(later, ranks)
            .into_iter()
            .map(pair)
            .collect()
    }

    /// Matches rows by key: a merge of two sorted lists. Two rows that are one row of one file are the same, and left
    /// out. (Files never change.) Answers how many keys there are as well.
    fn align(&self, rows_a: &[RowRef], rows_b: &[RowRef]) -> (u32, Vec<Pair>) {
        let mut found = Vec::new();
        let (mut at_a, mut at_b, mut keys) = (0, 0, 0);
        loop {
            let (row_a, row_b) = (rows_a.get(at_a), rows_b.get(at_b));
            let order = match (row_a, row_b) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(row_a), Some(row_b)) => {
                    let same_group = self.same_groups[row_a.chunk as usize] == Some(row_b.chunk);
                    if row_a.row == row_b.row && same_group {
                        (at_a, at_b, keys) = (at_a + 1, at_b + 1, keys + 1);
                        continue;
                    }
                    compare_keys(self.a.chunks(), *row_a, self.b.chunks(), *row_b)
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
        (keys, found)
    }
}

/// For each pair of rows, whether a compared value differs; and for each column, in how many pairs it does.
///
/// One column after the other: so few places in memory are looked at at a time, and in about their order.
pub(super) fn changed_pairs(
    (a, b): (&Snapshot, &Snapshot),
    columns: &[ComparedColumn],
    pairs: &[Pair],
) -> (Vec<bool>, Vec<usize>) {
    let mut changed = vec![false; pairs.len()];
    let mut counts = vec![0; columns.len()];
    for (column, count) in columns.iter().zip(&mut counts) {
        let (Some(in_a), Some(in_b), true) = (column.a, column.b, column.compared) else {
            continue;
        };
        let of = |chunks: &Chunks, at: usize| -> Vec<ColumnData> {
            chunks
                .iter()
                .map(|chunk| chunk.columns[at].clone())
                .collect()
        };
        let (values_a, values_b) = (of(a.chunks(), in_a), of(b.chunks(), in_b));
        for ((_, row_a, row_b), changed) in pairs.iter().zip(&mut changed) {
            let (Some(a), Some(b)) = (*row_a, *row_b) else {
                continue;
            };
            let (values, others) = (&values_a[a.chunk as usize], &values_b[b.chunk as usize]);
            if !values.is_equal(a.row as usize, others, b.row as usize) {
                *changed = true;
                *count += 1;
            }
        }
    }
    (changed, counts)
}

/// Splits `0..len` into so many stretches, at least one.
fn split(len: usize, parts: usize) -> impl Iterator<Item = Range<usize>> {
    let parts = parts.max(1);
    (0..parts).map(move |part| part * len / parts..(part + 1) * len / parts)
}

fn same_groups(a: &Chunks, b: &Chunks) -> Vec<Option<u32>> {
    let same =
        |x: &Arc<RowGroupRows>, y: &Arc<RowGroupRows>| Arc::ptr_eq(x, y) || x.is_same_group(y);
    a.iter()
        .map(|x| b.iter().position(|y| same(x, y)).map(|at| at as u32))
        .collect()
}

fn compare_keys(chunks_a: &Chunks, a: RowRef, chunks_b: &Chunks, b: RowRef) -> Ordering {
    let (at_a, at_b) = (a.row as usize, b.row as usize);
    let (a, b) = (
        &chunks_a[a.chunk as usize].keys,
        &chunks_b[b.chunk as usize].keys,
    );
    compare_keys_at(a, at_a, b, at_b)
}
