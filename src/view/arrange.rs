//! Some rows of a snapshot, in another order.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use arrow::array::Array;

use crate::cancel::CancelToken;
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{BoundExpression, Expression, Field};
use crate::scan::{ColumnData, RowRef};
use crate::snapshot::Snapshot;

use super::merge::{merge, sort};
use super::sort_key::{SortKeys, common_prefix, compare_texts, float_key, int_key, text_key};

/// With fewer rows than this, a second core costs more than it brings.
const ROWS_PER_PART: usize = 16_384;

/// Rows that a filter looks at in one go, and between two looks at the cancel token.
const ROWS_PER_BATCH: usize = 4_096;

/// What rows are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sort {
    /// The column; a value column by its position in [`Snapshot::columns`].
    pub by: Field,
    /// From the greatest to the least.
    pub descending: bool,
}

/// Filters and sorts the rows of a snapshot.
///
/// Guarantees: rows that compare equal stay in key order, and so do all rows without a sort; nulls come last either
/// way, and NaN after all other numbers. A filter keeps the rows for which it is true.
#[derive(Debug)]
pub struct Arranging {
    snapshot: Arc<Snapshot>,
    filter: Option<Arc<Expression>>,
    sort: Option<Sort>,
    parts: Vec<Range<usize>>,
    /// Bytes that all texts to sort by begin with.
    common: OnceLock<usize>,
}

/// What one part has found.
#[derive(Debug)]
pub struct ArrangedPart {
    keys: SortKeys,
    /// Rows, ascending, that are no number.
    nans: Vec<u32>,
    /// Rows, ascending, that have no value.
    nulls: Vec<u32>,
}

impl Arranging {
    /// Plans the work for so many cores. It is an error where the snapshot lacks a column of the filter or the sort, or
    /// has more rows than 32 bits count.
    pub fn new(
        snapshot: Arc<Snapshot>,
        filter: Option<Arc<Expression>>,
        sort: Option<Sort>,
        cores: usize,
    ) -> Result<Self> {
        if let Some(filter) = &filter {
            BoundExpression::new(filter, snapshot.columns(), snapshot.chunks())?;
        }
        if let Some(Sort {
            by: Field::Value(at),
            ..
        }) = sort
            && at >= snapshot.columns().len()
        {
            return Err(Error::new(
                ErrorKind::ColumnNotFound,
                format!("the rows were read without the column to sort by, the {at}th"),
            ));
        }
        let rows = snapshot.len();
        if u32::try_from(rows).is_err() {
            return Err(Error::new(
                ErrorKind::Budget,
                "there are more rows than can be sorted or filtered",
            )
            .hint("ask in SQL instead"));
        }
        Ok(Self {
            snapshot,
            filter,
            sort,
            parts: even_parts(rows, cores, ROWS_PER_PART),
            common: OnceLock::new(),
        })
    }

    /// Cuts the work into so many parts, however small they are.
    #[must_use]
    pub fn in_parts(mut self, parts: usize) -> Self {
        self.parts = even_parts(self.snapshot.len(), parts, 1);
        self
    }

    /// The number of parts, at least one.
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// Works on one part.
    pub fn run(&self, part: usize, cancel: &CancelToken) -> Result<ArrangedPart> {
        let kept = self.kept(self.parts[part].clone(), cancel)?;
        let mut out = ArrangedPart {
            keys: SortKeys::Rows(Vec::new()),
            nans: Vec::new(),
            nulls: Vec::new(),
        };
        match self.sort {
            None | Some(Sort { by: Field::Key, .. }) => out.keys = SortKeys::Rows(kept),
            Some(Sort { by, descending }) => {
                self.sorted(&kept, by, descending, &mut out, cancel)?;
            }
        }
        Ok(out)
    }

    /// The rows of a part that the filter keeps.
    fn kept(&self, rows: Range<usize>, cancel: &CancelToken) -> Result<Vec<u32>> {
        let Some(filter) = &self.filter else {
            return Ok((rows.start as u32..rows.end as u32).collect());
        };
        let bound = BoundExpression::new(filter, self.snapshot.columns(), self.snapshot.chunks())?;
        let all = self.snapshot.row_refs();
        let mut kept = Vec::new();
        let mut from = rows.start;
        while from < rows.end {
            cancel.check()?;
            let to = (from + ROWS_PER_BATCH).min(rows.end);
            let truths = bound.truths(&all[from..to])?.into_iter();
            let is_true = truths.enumerate().filter(|(_, truth)| *truth == Some(true));
            kept.extend(is_true.map(|(i, _)| (from + i) as u32));
            from = to;
        }
        Ok(kept)
    }

    fn sorted(
        &self,
        kept: &[u32],
        by: Field,
        descending: bool,
        out: &mut ArrangedPart,
        cancel: &CancelToken,
    ) -> Result<()> {
        let refs = self.snapshot.row_refs();
        let chunks = self.snapshot.chunks();
        let flip = |key: u64| if descending { !key } else { key };
        let place = |row: &u32| refs[*row as usize];
        let column = |at: RowRef, i: usize| &chunks[at.chunk as usize].columns[i];
        let common = self.common_of(by);
        let mut numbers: Vec<(u64, u32)> = Vec::new();
        let mut texts: Vec<(u128, u32)> = Vec::new();
        for batch in kept.chunks(ROWS_PER_BATCH) {
            cancel.check()?;
            for row in batch {
                let at = place(row);
                let i = at.row as usize;
                let Field::Value(field) = by else {
                    let ms = chunks[at.chunk as usize].event_times[i];
                    numbers.push((flip(int_key(ms)), *row));
                    continue;
                };
                match column(at, field) {
                    ColumnData::Int(a) if a.is_valid(i) => {
                        numbers.push((flip(int_key(a.values()[i])), *row));
                    }
                    ColumnData::Time(a) if a.is_valid(i) => {
                        numbers.push((flip(int_key(a.values()[i])), *row));
                    }
                    ColumnData::Bool(a) if a.is_valid(i) => {
                        numbers.push((flip(u64::from(a.value(i))), *row));
                    }
                    ColumnData::Float(a) if a.is_valid(i) => match float_key(a.values()[i]) {
                        Some(key) => numbers.push((flip(key), *row)),
                        None => out.nans.push(*row),
                    },
                    ColumnData::Text(a) if a.is_valid(i) => {
                        let key = text_key(&a.value(i).as_bytes()[common..]);
                        texts.push((if descending { !key } else { key }, *row));
                    }
                    _ => out.nulls.push(*row),
                }
            }
        }
        // One of the two is empty: a column has one type.
        out.keys = if texts.is_empty() {
            SortKeys::Numbers(sort(numbers, Ord::cmp, cancel)?)
        } else {
            let text = |row: u32| self.text(row, by);
            let order = |a: &(u128, u32), b: &(u128, u32)| compare_texts(*a, *b, descending, text);
            SortKeys::Texts(sort(texts, order, cancel)?)
        };
        Ok(())
    }

    /// How many bytes all texts of a column begin with, so that what tells them apart comes early.
    fn common_of(&self, by: Field) -> usize {
        let Field::Value(field) = by else { return 0 };
        let chunks = self.snapshot.chunks();
        *self.common.get_or_init(|| {
            let text = |at: &RowRef| match &chunks[at.chunk as usize].columns[field] {
                ColumnData::Text(a) => {
                    let row = at.row as usize;
                    a.is_valid(row).then(|| a.value(row))
                }
                _ => None,
            };
            common_prefix(self.snapshot.row_refs().iter().filter_map(text))
        })
    }

    fn text(&self, row: u32, by: Field) -> &str {
        let at = self.snapshot.row_refs()[row as usize];
        let chunk = &self.snapshot.chunks()[at.chunk as usize];
        match by {
            Field::Value(field) => match &chunk.columns[field] {
                ColumnData::Text(a) => a.value(at.row as usize),
                _ => "",
            },
            Field::Key | Field::EventTime => chunk.keys.value(at.row as usize),
        }
    }

    /// Puts the parts, all of them and in their order, together: positions of rows in the snapshot.
    pub fn finish(&self, parts: Vec<ArrangedPart>, cancel: &CancelToken) -> Result<Arc<[u32]>> {
        let (mut rows, mut numbers, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        let (mut nans, mut nulls) = (Vec::new(), Vec::new());
        for part in parts {
            nans.extend(part.nans);
            nulls.extend(part.nulls);
            match part.keys {
                SortKeys::Rows(part) => rows.extend(part),
                SortKeys::Numbers(part) => numbers.push(part),
                SortKeys::Texts(part) => texts.push(part),
            }
        }
        if let Some(Sort { by, descending }) = self.sort {
            if by == Field::Key && descending {
                rows.reverse();
            }
            let text = |row: u32| self.text(row, by);
            let order = |a: &(u128, u32), b: &(u128, u32)| compare_texts(*a, *b, descending, text);
            rows.extend(
                merge(numbers, Ord::cmp, cancel)?
                    .iter()
                    .map(|(_, row)| *row),
            );
            rows.extend(merge(texts, order, cancel)?.iter().map(|(_, row)| *row));
        }
        rows.extend(nans);
        rows.extend(nulls);
        Ok(rows.into())
    }

    /// Does all of it here, one part after the other.
    pub fn run_all(&self, cancel: &CancelToken) -> Result<Arc<[u32]>> {
        let parts = (0..self.parts()).map(|part| self.run(part, cancel));
        self.finish(parts.collect::<Result<_>>()?, cancel)
    }
}

/// Cuts `rows` into stretches of nearly equal length, at most one a core and at least one.
pub(super) fn even_parts(rows: usize, cores: usize, rows_per_part: usize) -> Vec<Range<usize>> {
    let parts = rows.div_ceil(rows_per_part).clamp(1, cores.max(1));
    let edge = |part: usize| rows * part / parts;
    (0..parts).map(|part| edge(part)..edge(part + 1)).collect()
}
