//! The newest row of every key: FORMAT.md 4.
//!
//! Of all rows of a key with `event_time <= T`, the one with the greatest event time wins; of equal ones, the one in
//! the file of higher precedence; within a file, the earlier. Chunks come in that order of precedence, so a row takes
//! the place of the one before it only if it is strictly newer.
//!
//! There are two ways, and the rows choose: chunks in key order, as compaction leaves large ones, are merged; others
//! are hashed, and only the winners are sorted.

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

/// Finds the winners among one part of the keys by hashing, ascending by key.
pub(super) fn hash_part<E: Events>(
    chunks: &[Arc<E>],
    order: &KeyOrder,
    as_of: AsOf,
    part: usize,
    cancel: &CancelToken,
) -> Result<Vec<RowRef>> {
    let bounds = order.bounds(part);
    let largest = chunks.iter().map(|c| c.event_times().len()).max();
    let expected = largest.unwrap_or(0) / order.parts();
    let expected = expected + expected / 4;
    let hasher = DefaultHashBuilder::default();
    let mut table: HashTable<u32> = HashTable::with_capacity(expected);
    let mut winners: Vec<Winner> = Vec::with_capacity(expected);
    let mut hashes: Vec<u64> = Vec::with_capacity(expected);
    let mut sort_keys: Vec<u128> = Vec::with_capacity(expected);
    for (chunk_at, chunk) in chunks.iter().enumerate() {
        let (keys, times) = (chunk.keys(), chunk.event_times());
        for (row, (view, time)) in keys.views().iter().zip(times).enumerate() {
            if row % ROWS_PER_CHECK == 0 {
                cancel.check()?;
            }
            let key = sort_key(*view, || keys.value(row));
            if !as_of.admits(*time) || !bounds.contain(key) {
                continue;
            }
            let is_short = *view as u32 <= INLINE_BYTES;
            let hash = if is_short {
                hasher.hash_one(view)
            } else {
                hasher.hash_one(keys.value(row).as_bytes())
            };
            let at = RowRef {
                chunk: chunk_at as u32,
                row: row as u32,
            };
            let same = |slot: &u32| {
                let held = &winners[*slot as usize];
                // A short key is whole in its view; of a long one, the view has the length and the first four bytes.
                if is_short {
                    held.view == *view
                } else {
                    held.view as u64 == *view as u64 && key_at(chunks, held.at) == keys.value(row)
                }
            };
            let winner = Winner {
                view: *view,
                event_time: *time,
                at,
            };
            if let Some(slot) = table.find(hash, same) {
                let held = &mut winners[*slot as usize];
                if *time > held.event_time {
                    *held = winner;
                }
            } else {
                let slot = winners.len() as u32;
                winners.push(winner);
                hashes.push(hash);
                sort_keys.push(key);
                table.insert_unique(hash, slot, |slot| hashes[*slot as usize]);
            }
        }
    }
    drop(table);
    cancel.check()?;
    let rows = sort_keys.into_iter().zip(winners);
    let mut rows: Vec<(u128, RowRef)> = rows.map(|(key, winner)| (key, winner.at)).collect();
    rows.sort_unstable_by(|a, b| KeyOrder::compare(chunks, *a, *b));
    Ok(rows.into_iter().map(|(_, at)| at).collect())
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
    // The first part makes room for all, so that the others can be put behind it.
    let rows: usize = chunks.iter().map(|c| c.event_times().len()).sum();
    let room = if part == 0 {
        rows
    } else {
        rows / order.parts()
    };
    let mut winners: Vec<RowRef> = Vec::with_capacity(room);
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
            let order = KeyOrder::split(&chunks, shares);
            let hashed = (0..order.parts())
                .map(|part| hash_part(&chunks, &order, as_of, part, &CancelToken::default()))
                .collect::<Result<Vec<_>>>()
                .expect("not cancelled")
                .concat();
            let expected: Vec<RowRef> = naive.into_values().map(|(_, at)| at).collect();
            prop_assert_eq!(&hashed, &expected);
            let merged = (0..order.parts())
                .map(|part| merge_part(&chunks, &order, as_of, part, &CancelToken::default()))
                .collect::<Result<Vec<_>>>()
                .expect("not cancelled")
                .concat();
            prop_assert_eq!(merged, expected);
        }
    }
}
