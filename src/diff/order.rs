//! The keys of a difference in an order of their own: those that a filter leaves, by the values of a column or as the sides
//! list them.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use crate::cancel::CancelToken;
use crate::error::Result;
use crate::expr::{Field, Scalar};
use crate::scan::Value;
use crate::snapshot::Snapshot;
use crate::view::value_at;

use super::changes::{ChangeKind, Diff, Pair, Summary, changed_pairs};

/// Keys between two looks at the cancel token.
const KEYS_PER_CHECK: usize = 16_384;

/// Some keys of a difference, counted as the whole is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffOrder {
    /// Their positions among the keys of either side, in the order in which they are shown.
    pub positions: Arc<[u32]>,
    /// True where that is the order of the keys.
    pub is_by_key: bool,
    /// Which of these, ascending, are not the same on both sides, and what became of them.
    pub differing: Vec<(u32, ChangeKind)>,
    /// What became of them all.
    pub summary: Summary,
}

/// The rows of one side by the values of a column: what [`Arranging`](crate::view::Arranging) makes of all of them.
#[derive(Debug, Clone)]
pub struct SortedSide {
    /// The side's rows, with that column.
    pub rows: Arc<Snapshot>,
    /// Its rows in their order.
    pub order: Arc<[u32]>,
    /// The column.
    pub by: Field,
}

impl SortedSide {
    fn value(&self, row: u32) -> Value<'_> {
        value_at(&self.rows, self.rows.row_refs()[row as usize], self.by)
    }
}

impl Diff {
    /// The keys of which A has one of the rows `kept.0`, or B one of `kept.1` (positions in the snapshots, in any order; all
    /// keys where there is nothing to keep by), as `sorted` has them, or else by key. A key that comes into sight, or goes
    /// from it, between the two moments is kept.
    pub fn order(
        &self,
        kept: Option<(&[u32], &[u32])>,
        sorted: Option<Vec<u32>>,
        cancel: &CancelToken,
    ) -> Result<DiffOrder> {
        let kept = kept.map(|(a, b)| (marked(self.a().len(), a), marked(self.b().len(), b)));
        let mut kinds = Vec::with_capacity(self.len());
        let mut is_kept = Vec::with_capacity(if kept.is_some() { self.len() } else { 0 });
        let mut summary = Summary {
            schema: self.summary().schema.clone(),
            ..Summary::default()
        };
        let mut changed: Vec<Pair> = Vec::new();
        for (position, change) in self.changes().enumerate() {
            if position % KEYS_PER_CHECK == 0 {
                cancel.check()?;
            }
            kinds.push(change.kind);
            let Some((in_a, in_b)) = &kept else { continue };
            let is_in =
                change.a().is_some_and(|row| in_a[row]) || change.b().is_some_and(|row| in_b[row]);
            is_kept.push(is_in);
            if !is_in {
                continue;
            }
            summary.tally(change.kind);
            if change.kind == ChangeKind::Changed {
                let place = |side: &Snapshot, row: usize| side.row_refs()[row];
                changed.push((
                    position as u32,
                    change.a().map(|row| place(self.a(), row)),
                    change.b().map(|row| place(self.b(), row)),
                ));
            }
        }
        if kept.is_some() {
            let mut cells = vec![0; self.columns().len()];
            for pairs in changed.chunks(KEYS_PER_CHECK) {
                cancel.check()?;
                let (_, counts) = changed_pairs((self.a(), self.b()), self.columns(), pairs);
                let sums = cells.iter_mut().zip(counts);
                sums.for_each(|(sum, count)| *sum += count);
            }
            summary.set_cells(self.columns(), cells);
        } else {
            summary = self.summary().clone();
        }
        let is_by_key = sorted.is_none();
        let mut positions = sorted.unwrap_or_else(|| (0..self.len() as u32).collect());
        if kept.is_some() {
            positions.retain(|at| is_kept[*at as usize]);
        }
        let shown = positions.iter().enumerate();
        let shown = shown.map(|(i, at)| (i as u32, kinds[*at as usize]));
        let differing = shown.filter(|(_, kind)| *kind != ChangeKind::Same);
        Ok(DiffOrder {
            differing: differing.collect(),
            positions: positions.into(),
            is_by_key,
            summary,
        })
    }

    /// The positions of all keys by the values that B has, or A where B has no such row; from the greatest to the least with
    /// `descending`. Keys with equal values stay in key order; nulls come last either way, and NaN after all other numbers.
    ///
    /// The sides' rows are those of this difference, and their orders are of the same column and the same way. A's order is
    /// looked at only where rows are removed.
    pub fn sorted(
        &self,
        (of_a, of_b): (&SortedSide, &SortedSide),
        descending: bool,
        cancel: &CancelToken,
    ) -> Result<Vec<u32>> {
        let mut at_b = vec![0; self.b().len()];
        let mut at_a = vec![None; self.a().len()];
        for (position, change) in self.changes().enumerate() {
            if position % KEYS_PER_CHECK == 0 {
                cancel.check()?;
            }
            match (change.a(), change.b()) {
                (_, Some(row)) => at_b[row] = position as u32,
                (Some(row), None) => at_a[row] = Some(position as u32),
                (None, None) => {}
            }
        }
        let mut removed = (of_a.order.iter())
            .filter_map(|row| Some((at_a[*row as usize]?, *row)))
            .peekable();
        let mut merged = Vec::with_capacity(self.len());
        for (i, row) in of_b.order.iter().enumerate() {
            if i % KEYS_PER_CHECK == 0 {
                cancel.check()?;
            }
            let position = at_b[*row as usize];
            if removed.peek().is_some() {
                let value = Scalar::from(of_b.value(*row));
                let is_before = |(at, row): &(u32, u32)| {
                    let order = order(&Scalar::from(of_a.value(*row)), &value, descending);
                    order.then(at.cmp(&position)) == Ordering::Less
                };
                while let Some((at, _)) = removed.next_if(is_before) {
                    merged.push(at);
                }
            }
            merged.push(position);
        }
        merged.extend(removed.map(|(at, _)| at));
        Ok(merged)
    }
}

impl Diff {
    /// The positions of all keys as B lists its rows; a removed row comes behind the one that it followed in A. The lists are
    /// of all rows of a side.
    pub fn listed(&self, of_a: &[u32], of_b: &[u32], cancel: &CancelToken) -> Result<Vec<u32>> {
        let mut at_a = vec![(0, false); self.a().len()];
        let mut at_b = vec![0; self.b().len()];
        for (position, change) in self.changes().enumerate() {
            if position % KEYS_PER_CHECK == 0 {
                cancel.check()?;
            }
            if let Some(row) = change.a() {
                at_a[row] = (position as u32, change.b().is_none());
            }
            if let Some(row) = change.b() {
                at_b[row] = position as u32;
            }
        }
        let mut followers: HashMap<Option<u32>, Vec<u32>> = HashMap::new();
        let mut before = None;
        for row in of_a {
            let (position, is_removed) = at_a[*row as usize];
            if is_removed {
                followers.entry(before).or_default().push(position);
            } else {
                before = Some(position);
            }
        }
        let mut listed = followers.remove(&None).unwrap_or_default();
        for row in of_b {
            let position = at_b[*row as usize];
            listed.push(position);
            listed.extend(followers.remove(&Some(position)).unwrap_or_default());
        }
        Ok(listed)
    }
}

fn marked(len: usize, rows: &[u32]) -> Vec<bool> {
    let mut is_marked = vec![false; len];
    for row in rows {
        if let Some(marked) = is_marked.get_mut(*row as usize) {
            *marked = true;
        }
    }
    is_marked
}

/// As rows are sorted: nulls last either way, and NaN right before them.
fn order(a: &Scalar, b: &Scalar, descending: bool) -> Ordering {
    let rank = |value: &Scalar| match value {
        Scalar::Null => 2,
        Scalar::Float(number) if number.is_nan() => 1,
        _ => 0,
    };
    let by_value = || {
        let order = a.order(b).unwrap_or(Ordering::Equal);
        if descending { order.reverse() } else { order }
    };
    rank(a).cmp(&rank(b)).then_with(by_value)
}
