//! The newest row of every key: FORMAT.md 4.
//!
//! Of all rows of a key with `event_time <= T`, the one with the greatest event time wins; of equal ones, the one in
//! the file of higher precedence; within a file, the earlier. Chunks come in that order of precedence, so a row takes
//! the place of the one before it only if it is strictly newer.
//!
//! There are two ways, and the rows choose: chunks in key order, as compaction leaves large ones, are merged; others
//! are hashed, and only the winners are sorted.

use std::cmp::Ordering;
use std::hash::BuildHasher;
use std::sync::Arc;

use arrow::array::StringViewArray;
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::cancel::CancelToken;
use crate::error::Result;
use crate::event_time::AsOf;

use super::key_order::{INLINE_BYTES, KeyOrder, key_at, sort_key};

/// Where a row lies: the chunk's position in its snapshot, and the row's in the chunk. Less is of higher precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowRef {
    /// Position of the chunk.
    pub chunk: u32,
    /// Position of the row in the chunk.
    pub row: u32,
}

/// The keys and event times of some rows.
pub trait Events {
    /// The keys, none of them null.
    fn keys(&self) -> &StringViewArray;
    /// The event times in milliseconds, one a key.
    fn event_times(&self) -> &[i64];
    /// True where the rows stand in key order, and no key twice.
    fn is_ordered(&self) -> bool;
}

/// Rows between two looks at the cancel token.
const ROWS_PER_CHECK: usize = 1 << 16;

struct Winner {
    view: u128,
    event_time: i64,
    at: RowRef,
}

/// The winners among one share of the keys.
pub(super) struct Share {
    /// Winning rows, ascending by key.
    rows: Vec<(u128, RowRef)>,
}

/// Finds the winners among the keys whose hash falls to share `share` of `shares`, ascending by key.
pub(super) fn reduce_share<E: Events>(
    chunks: &[Arc<E>],
    hasher: &DefaultHashBuilder,
    as_of: AsOf,
    (share, shares): (usize, usize),
    cancel: &CancelToken,
) -> Result<Share> {
    let expected = chunks
        .iter()
        .map(|c| c.event_times().len())
        .max()
        .unwrap_or(0)
        / shares;
    let mut table: HashTable<u32> = HashTable::with_capacity(expected + expected / 4);
    let mut winners: Vec<Winner> = Vec::with_capacity(expected + expected / 4);
    let mut winner_hashes: Vec<u64> = Vec::with_capacity(expected + expected / 4);
    for (chunk_at, chunk) in chunks.iter().enumerate() {
        let (keys, times) = (chunk.keys(), chunk.event_times());
        for (row, (view, time)) in keys.views().iter().zip(times).enumerate() {
            if row % ROWS_PER_CHECK == 0 {
                cancel.check()?;
            }
            if !as_of.admits(*time) {
                continue;
            }
            // Hashing each key once a share costs less than keeping the hashes between two passes.
            let is_short = *view as u32 <= INLINE_BYTES;
            let hash = if is_short {
                hasher.hash_one(view)
            } else {
                hasher.hash_one(keys.value(row).as_bytes())
            };
            if shares > 1 && (hash >> 32) as usize % shares != share {
                continue;
            }
            let at = RowRef {
                chunk: chunk_at as u32,
                row: row as u32,
            };
            let same = |slot: &u32| {
                let held = &winners[*slot as usize];
                held.view == *view && *view as u32 <= INLINE_BYTES
                    || (*view as u32 > INLINE_BYTES && held.view as u64 == *view as u64)
                        && key_at(chunks, held.at) == keys.value(row)
            };
            if let Some(slot) = table.find(hash, same) {
                let held = &mut winners[*slot as usize];
                if *time > held.event_time {
                    *held = Winner {
                        view: *view,
                        event_time: *time,
                        at,
                    };
                }
            } else {
                let slot = winners.len() as u32;
                winners.push(Winner {
                    view: *view,
                    event_time: *time,
                    at,
                });
                winner_hashes.push(hash);
                table.insert_unique(hash, slot, |slot| winner_hashes[*slot as usize]);
            }
        }
    }
    drop(table);
    cancel.check()?;
    let sort_key = |w: &Winner| sort_key(w.view, || key_at(chunks, w.at));
    let mut rows: Vec<(u128, RowRef)> = winners.iter().map(|w| (sort_key(w), w.at)).collect();
    // A base written in key order comes out sorted, or nearly; the stable sort takes runs as they are.
    rows.sort_by(|a, b| KeyOrder::compare(chunks, *a, *b));
    Ok(Share { rows })
}

/// Merges shares into one list of rows, ascending by key (byte order).
pub(super) fn merge_shares<E: Events>(chunks: &[Arc<E>], mut shares: Vec<Share>) -> Vec<RowRef> {
    while shares.len() > 1 {
        let mut merged = Vec::with_capacity(shares.len().div_ceil(2));
        let mut pairs = shares.into_iter();
        while let Some(left) = pairs.next() {
            merged.push(match pairs.next() {
                Some(right) => merge_two(chunks, left, right),
                None => left,
            });
        }
        shares = merged;
    }
    shares
        .pop()
        .map(|s| s.rows.into_iter().map(|(_, at)| at).collect())
        .unwrap_or_default()
}

fn merge_two<E: Events>(chunks: &[Arc<E>], left: Share, right: Share) -> Share {
    let mut rows = Vec::with_capacity(left.rows.len() + right.rows.len());
    let (mut left, mut right) = (
        left.rows.into_iter().peekable(),
        right.rows.into_iter().peekable(),
    );
    while let (Some(l), Some(r)) = (left.peek(), right.peek()) {
        let next = if KeyOrder::compare(chunks, *l, *r) == Ordering::Greater {
            right.next()
        } else {
            left.next()
        };
        rows.extend(next);
    }
    rows.extend(left);
    rows.extend(right);
    Share { rows }
}

/// Finds the winners among one part of the keys by merging, ascending by key.
pub(super) fn merge_part<E: Events>(
    chunks: &[Arc<E>],
    order: &KeyOrder,
    as_of: AsOf,
    part: usize,
    cancel: &CancelToken,
) -> Result<Vec<RowRef>> {
    let time = |at: RowRef| chunks[at.chunk as usize].event_times()[at.row as usize];
    let mut winners: Vec<RowRef> = Vec::new();
    let admits = |_: u32, time: i64| as_of.admits(time);
    order.for_each_key(chunks, part, cancel, admits, |rows| {
        // They come in order of precedence, so the first of the newest wins.
        let (mut best, others) = (rows[0], &rows[1..]);
        for row in others {
            if time(*row) > time(best) {
                best = *row;
            }
        }
        winners.push(best);
    })?;
    Ok(winners)
}

/// True where most rows lie in chunks that stand in key order, so that merging them is quicker than hashing.
pub(super) fn is_mostly_ordered<E: Events>(chunks: &[Arc<E>]) -> bool {
    let rows = |chunk: &&Arc<E>| chunk.event_times().len();
    let all: usize = chunks.iter().map(|c| rows(&c)).sum();
    let ordered: usize = chunks
        .iter()
        .filter(|c| c.is_ordered())
        .map(|c| rows(&c))
        .sum();
    ordered > all / 2
}

#[cfg(test)]
mod tests {
    use super::super::key_order::is_ascending;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    struct Batch {
        keys: StringViewArray,
        times: Vec<i64>,
    }

    impl Events for Batch {
        fn keys(&self) -> &StringViewArray {
            &self.keys
        }
        fn event_times(&self) -> &[i64] {
            &self.times
        }
        fn is_ordered(&self) -> bool {
            is_ascending(&self.keys)
        }
    }

    proptest! {
        #[test]
        fn the_newest_row_of_a_key_wins_and_rows_come_in_key_order(
            batches in prop::collection::vec(prop::collection::vec(("[a-c\u{0}é]{0,3}|commonprefix[ab]{0,3}", 0i64..6), 0..30), 0..5),
            at in -1i64..7,
            shares in 1usize..4,
        ) {
            let chunks: Vec<Arc<Batch>> = batches.iter().map(|rows| Arc::new(Batch {
                keys: rows.iter().map(|r| Some(r.0.as_str())).collect(),
                times: rows.iter().map(|r| r.1).collect(),
            })).collect();
            let as_of = AsOf::At(crate::event_time::EventTime::from_ms(at));
            let mut naive: BTreeMap<&str, (i64, RowRef)> = BTreeMap::new();
            for (chunk, rows) in batches.iter().enumerate() {
                for (row, (key, time)) in rows.iter().enumerate().filter(|(_, r)| r.1 <= at) {
                    let candidate = (*time, RowRef { chunk: chunk as u32, row: row as u32 });
                    let held = naive.entry(key).or_insert(candidate);
                    if candidate.0 > held.0 {
                        *held = candidate;
                    }
                }
            }
            let hasher = DefaultHashBuilder::default();
            let parts = (0..shares)
                .map(|share| reduce_share(&chunks, &hasher, as_of, (share, shares), &CancelToken::default()))
                .collect::<Result<Vec<_>>>()
                .expect("not cancelled");
            let expected: Vec<RowRef> = naive.into_values().map(|(_, at)| at).collect();
            prop_assert_eq!(merge_shares(&chunks, parts), expected.clone());
            let order = KeyOrder::split(&chunks, shares);
            let merged = (0..order.parts())
                .map(|part| merge_part(&chunks, &order, as_of, part, &CancelToken::default()))
                .collect::<Result<Vec<_>>>()
                .expect("not cancelled")
                .concat();
            prop_assert_eq!(merged, expected);
        }
    }
}
