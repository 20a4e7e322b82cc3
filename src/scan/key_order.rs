//! Rows in key order.
//!
//! Keys of up to twelve bytes, which is most of them, are held whole in their Arrow view (length and bytes in 128
//! bits), so they are compared and sorted as one number; the bytes of longer keys are looked at in place.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::StringViewArray;

use crate::cancel::CancelToken;
use crate::error::Result;

use super::newest::{Events, RowRef};

/// Keys no longer than this are held in their view.
pub(super) const INLINE_BYTES: u32 = 12;

/// Rows between two looks at the cancel token.
const ROWS_PER_CHECK: usize = 1 << 16;

/// A chunk in key order is merged as it lies if it has more than one in so many of all rows.
const RUN_SHARE: usize = 32;

/// With fewer rows than this, a second core costs more than it brings.
const ROWS_PER_PART: usize = 32_768;

/// Keys looked at to find where to split.
const SAMPLES: usize = 512;

/// A way to split rows by key into parts of about equal size, so that each core sorts one.
#[derive(Debug, Clone)]
pub struct KeyOrder {
    /// The first sort key of every part but the first.
    splits: Vec<u128>,
}

impl KeyOrder {
    /// Splits the keys of some chunks into a part a core, or fewer where there are few rows.
    pub fn for_cores<E: Events>(chunks: &[Arc<E>], cores: usize) -> Self {
        let rows: usize = chunks.iter().map(|c| c.event_times().len()).sum();
        Self::split(chunks, rows.div_ceil(ROWS_PER_PART).clamp(1, cores.max(1)))
    }

    /// Splits the keys of some chunks into so many parts, by what a sample says of them.
    pub fn split<E: Events>(chunks: &[Arc<E>], parts: usize) -> Self {
        let rows: usize = chunks.iter().map(|c| c.event_times().len()).sum();
        let mut sample = Vec::with_capacity(SAMPLES);
        if parts > 1 {
            for chunk in chunks {
                let every = rows.div_ceil(SAMPLES).max(1);
                let picked = (0..chunk.event_times().len()).step_by(every);
                sample.extend(picked.map(|row| sort_key_at(chunk.as_ref(), row)));
            }
        }
        sample.sort_unstable();
        let at = |part: usize| sample.get(part * sample.len() / parts).copied();
        Self {
            splits: (1..parts).filter_map(at).collect(),
        }
    }

    /// The number of parts.
    pub fn parts(&self) -> usize {
        self.splits.len() + 1
    }

    /// Visits the keys of one part, ascending, each with those of its rows that `admits` (chunk, event time in ms), as
    /// the chunks have them: in order of precedence.
    ///
    /// Files written in key order are merged as they lie; the rows of all others are sorted first.
    pub fn for_each_key<E: Events>(
        &self,
        chunks: &[Arc<E>],
        part: usize,
        cancel: &CancelToken,
        admits: impl Fn(u32, i64) -> bool,
        mut visit: impl FnMut(&[RowRef]),
    ) -> Result<()> {
        let bounds = self.bounds(part);
        let rows: usize = chunks.iter().map(|c| c.event_times().len()).sum();
        let mut loose = Vec::new();
        let mut runs: Vec<Run<'_, E>> = Vec::new();
        for (at, chunk) in (0..).zip(chunks) {
            if chunk.is_ordered() && chunk.event_times().len() > rows / RUN_SHARE {
                match runs.last_mut() {
                    Some(run) if run.is_followed_by(chunk) => run.chunks.push((at, chunk)),
                    _ => runs.push(Run::new(at, chunk)),
                }
            } else {
                bounds.gather(at, chunk.as_ref(), &admits, cancel, &mut loose)?;
            }
        }
        loose.sort_by(|a, b| Self::compare(chunks, *a, *b));
        cancel.check()?;
        for run in &mut runs {
            run.start(bounds, &admits);
        }
        let mut loose = loose.as_slice();
        let mut group: Vec<RowRef> = Vec::new();
        let mut until_check = ROWS_PER_CHECK;
        loop {
            until_check -= 1;
            if until_check == 0 {
                cancel.check()?;
                until_check = ROWS_PER_CHECK;
            }
            // The least head, and the least among the others.
            let mut least = loose.first().map_or(NO_KEY, |row| row.0);
            let mut next = NO_KEY;
            let mut first = None;
            for (at, run) in runs.iter().enumerate() {
                if run.head < least {
                    (next, least, first) = (least, run.head, Some(at));
                } else {
                    next = next.min(run.head);
                }
            }
            if least == NO_KEY {
                break;
            }
            // As long as one run is ahead of all others, its keys are in no other file.
            if let Some(run) = first.filter(|_| least < next).map(|at| &mut runs[at]) {
                while run.head < next {
                    visit(&[run.row()]);
                    run.advance(bounds, &admits);
                }
                continue;
            }
            // The sort key says too little of long keys: of those that share it, the least text goes first.
            let mut text = "";
            if least as u32 > INLINE_BYTES {
                let heads = runs.iter().filter(|run| run.head == least).map(Run::row);
                let heads =
                    heads.chain(loose.first().filter(|row| row.0 == least).map(|row| row.1));
                text = heads
                    .map(|row| key_at(chunks, row))
                    .min()
                    .unwrap_or_default();
            }
            let is_least = |key: u128, row: RowRef| {
                key == least && (key as u32 <= INLINE_BYTES || key_at(chunks, row) == text)
            };
            group.clear();
            while let Some(((key, row), rest)) = loose.split_first()
                && is_least(*key, *row)
            {
                group.push(*row);
                loose = rest;
            }
            for run in &mut runs {
                if run.head == least && is_least(least, run.row()) {
                    group.push(run.row());
                    run.advance(bounds, &admits);
                }
            }
            if group.len() > 1 {
                group.sort_unstable();
            }
            visit(&group);
        }
        Ok(())
    }

    /// The sort keys of a part.
    pub(super) fn bounds(&self, part: usize) -> Bounds {
        let first = part.checked_sub(1).and_then(|i| self.splits.get(i));
        Bounds {
            first: first.copied().unwrap_or(0),
            end: self.splits.get(part).copied().unwrap_or(NO_KEY),
        }
    }

    /// Orders two rows by key.
    pub(super) fn compare<E: Events>(
        chunks: &[Arc<E>],
        a: (u128, RowRef),
        b: (u128, RowRef),
    ) -> Ordering {
        a.0.cmp(&b.0).then_with(|| {
            if a.0 as u32 > INLINE_BYTES {
                key_at(chunks, a.1).cmp(key_at(chunks, b.1))
            } else {
                Ordering::Equal
            }
        })
    }
}

pub(super) fn key_at<E: Events>(chunks: &[Arc<E>], at: RowRef) -> &str {
    chunks[at.chunk as usize].keys().value(at.row as usize)
}

/// Orders two keys.
pub fn compare_keys_at(
    a: &StringViewArray,
    at_a: usize,
    b: &StringViewArray,
    at_b: usize,
) -> Ordering {
    let key_a = sort_key(a.views()[at_a], || a.value(at_a));
    let key_b = sort_key(b.views()[at_b], || b.value(at_b));
    key_a.cmp(&key_b).then_with(|| {
        if key_a as u32 > INLINE_BYTES {
            a.value(at_a).cmp(b.value(at_b))
        } else {
            Ordering::Equal
        }
    })
}

fn sort_key_at<E: Events>(chunk: &E, row: usize) -> u128 {
    sort_key(chunk.keys().views()[row], || chunk.keys().value(row))
}

/// Greater than the sort key of every key.
const NO_KEY: u128 = u128::MAX;

/// The sort keys of a part: from the first one to before the end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    first: u128,
    end: u128,
}

impl Bounds {
    /// True where a sort key is of the part.
    pub(super) fn contain(self, key: u128) -> bool {
        self.first <= key && key < self.end
    }

    fn gather<E: Events>(
        self,
        at: u32,
        chunk: &E,
        admits: &impl Fn(u32, i64) -> bool,
        cancel: &CancelToken,
        out: &mut Vec<(u128, RowRef)>,
    ) -> Result<()> {
        for (row, time) in chunk.event_times().iter().enumerate() {
            if row % ROWS_PER_CHECK == 0 {
                cancel.check()?;
            }
            let key = sort_key_at(chunk, row);
            if self.contain(key) && admits(at, *time) {
                let row = row as u32;
                out.push((key, RowRef { chunk: at, row }));
            }
        }
        Ok(())
    }
}

/// Chunks in key order, one after the other, as a cursor.
struct Run<'a, E> {
    chunks: Vec<(u32, &'a Arc<E>)>,
    /// The position of the current chunk among the run's.
    at: usize,
    /// The position of the current chunk among all.
    chunk: u32,
    keys: &'a [u128],
    times: &'a [i64],
    /// The row after the head.
    next: usize,
    /// The head's sort key, or [`NO_KEY`].
    head: u128,
}

impl<'a, E: Events> Run<'a, E> {
    fn new(at: u32, chunk: &'a Arc<E>) -> Self {
        Self {
            chunks: vec![(at, chunk)],
            at: 0,
            chunk: at,
            keys: &[],
            times: &[],
            next: 0,
            head: NO_KEY,
        }
    }

    /// True where a chunk, which is not empty, begins after the last key of this run.
    fn is_followed_by(&self, chunk: &E) -> bool {
        self.chunks.last().is_some_and(|(_, last)| {
            let end = last.event_times().len() - 1;
            last.keys().value(end) < chunk.keys().value(0)
        })
    }

    /// The row of the head.
    fn row(&self) -> RowRef {
        let (chunk, row) = (self.chunk, (self.next - 1) as u32);
        RowRef { chunk, row }
    }

    /// Goes to the first row within the bounds.
    fn start(&mut self, bounds: Bounds, admits: &impl Fn(u32, i64) -> bool) {
        let is_before = |chunk: &E, row: usize| sort_key_at(chunk, row) < bounds.first;
        self.at = self
            .chunks
            .partition_point(|(_, c)| is_before(c, c.event_times().len() - 1));
        self.enter();
        if let Some((_, chunk)) = self.chunks.get(self.at) {
            let (mut low, mut high) = (0, self.times.len());
            while low < high {
                let middle = low.midpoint(high);
                if is_before(chunk, middle) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            self.next = low;
        }
        self.advance(bounds, admits);
    }

    /// Takes the slices of the current chunk.
    fn enter(&mut self) {
        self.next = 0;
        (self.keys, self.times) = (&[], &[]);
        if let Some((at, chunk)) = self.chunks.get(self.at) {
            self.chunk = *at;
            (self.keys, self.times) = (chunk.keys().views(), chunk.event_times());
        }
    }

    /// Goes to the next row that is admitted.
    #[inline]
    fn advance(&mut self, bounds: Bounds, admits: &impl Fn(u32, i64) -> bool) {
        loop {
            let row = self.next;
            if let (Some(time), Some(view)) = (self.times.get(row), self.keys.get(row)) {
                self.next += 1;
                if admits(self.chunk, *time) {
                    let key = sort_key(*view, || self.chunks[self.at].1.keys().value(row));
                    self.head = if key < bounds.end { key } else { NO_KEY };
                    return;
                }
            } else if self.at < self.chunks.len() {
                self.at += 1;
                self.enter();
            } else {
                self.head = NO_KEY;
                return;
            }
        }
    }
}

/// A number that orders as the key's bytes do, except among keys that share their first twelve bytes and are not both
/// short: the first twelve bytes, big-endian, then the length, at most 13.
pub(super) fn sort_key<'a>(view: u128, key: impl FnOnce() -> &'a str) -> u128 {
    let length = view as u32;
    if length <= INLINE_BYTES {
        // The bytes follow the length, the unused ones are zero; reversing the number puts them in order on top.
        (view >> 32).swap_bytes() | u128::from(length)
    } else {
        let mut head = [0; 16];
        head[..INLINE_BYTES as usize].copy_from_slice(&key().as_bytes()[..INLINE_BYTES as usize]);
        u128::from_be_bytes(head) | u128::from(INLINE_BYTES + 1)
    }
}

/// True where keys stand in order, and none of them twice.
pub(super) fn is_ascending(keys: &StringViewArray) -> bool {
    let mut last = 0;
    for (row, view) in keys.views().iter().enumerate() {
        let key = sort_key(*view, || keys.value(row));
        // Of long keys the sort key says too little.
        let follows = key > last
            || row == 0
            || key == last && key as u32 > INLINE_BYTES && keys.value(row - 1) < keys.value(row);
        if !follows {
            return false;
        }
        last = key;
    }
    true
}
