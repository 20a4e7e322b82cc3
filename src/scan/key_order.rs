//! Rows in key order.
//!
//! Keys of up to twelve bytes, which is most of them, are held whole in their Arrow view (length and bytes in 128
//! bits), so they are compared and sorted as one number; the bytes of longer keys are looked at in place.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::cancel::CancelToken;
use crate::error::Result;

use super::newest::{Events, RowRef};

/// Keys no longer than this are held in their view.
pub(super) const INLINE_BYTES: u32 = 12;

/// Rows between two looks at the cancel token.
const ROWS_PER_CHECK: usize = 1 << 16;

/// Keys looked at to find where to split.
const SAMPLES: usize = 512;

/// A way to split rows by key into parts of about equal size, so that each core sorts one.
#[derive(Debug, Clone)]
pub struct KeyOrder {
    /// The first sort key of every part but the first.
    splits: Vec<u128>,
}

impl KeyOrder {
    /// Splits the keys of some chunks into so many parts, by what a sample says of them.
    pub fn split<E: Events>(chunks: &[Arc<E>], parts: usize) -> Self {
        let rows: usize = chunks.iter().map(|c| c.event_times().len()).sum();
        let mut sample = Vec::with_capacity(SAMPLES);
        if parts > 1 {
            for chunk in chunks.iter() {
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

    /// The rows of one part that `admits` (chunk, event time in ms), ascending by key; those of one key as the chunks
    /// have them. With each comes its sort key.
    pub fn sorted_part<E: Events>(
        &self,
        chunks: &[Arc<E>],
        part: usize,
        cancel: &CancelToken,
        admits: impl Fn(u32, i64) -> bool,
    ) -> Result<Vec<(u128, RowRef)>> {
        let first = part
            .checked_sub(1)
            .and_then(|i| self.splits.get(i))
            .copied();
        let end = self.splits.get(part).copied();
        let is_within = |key: u128| first.is_none_or(|f| key >= f) && end.is_none_or(|e| key < e);
        let total: usize = chunks.iter().map(|c| c.event_times().len()).sum();
        let mut rows = Vec::with_capacity(total / self.parts() + total / 16);
        for (chunk_at, chunk) in (0..).zip(chunks.iter()) {
            for (row, time) in chunk.event_times().iter().enumerate() {
                if row % ROWS_PER_CHECK == 0 {
                    cancel.check()?;
                }
                let key = sort_key_at(chunk.as_ref(), row);
                if is_within(key) && admits(chunk_at, *time) {
                    rows.push((
                        key,
                        RowRef {
                            chunk: chunk_at,
                            row: row as u32,
                        },
                    ));
                }
            }
        }
        cancel.check()?;
        // Files written in key order come as long runs, which the stable sort takes as they are.
        rows.sort_by(|a, b| Self::compare(chunks, *a, *b));
        Ok(rows)
    }

    /// Orders two rows by key.
    pub fn compare<E: Events>(chunks: &[Arc<E>], a: (u128, RowRef), b: (u128, RowRef)) -> Ordering {
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

fn sort_key_at<E: Events>(chunk: &E, row: usize) -> u128 {
    sort_key(chunk.keys().views()[row], || chunk.keys().value(row))
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

/// True where the rows of a chunk stand in key order.
pub(super) fn is_ascending<E: Events>(chunk: &E) -> bool {
    let mut last = 0;
    (0..chunk.event_times().len()).all(|row| {
        let key = sort_key_at(chunk, row);
        let follows = key > last || row == 0;
        last = key;
        follows
    })
}
