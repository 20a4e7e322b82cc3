//! A set of keys by rank that is copied cheaply: which keys of an epoch exist at a moment.

use std::sync::Arc;

const WORDS: usize = 16;
const BITS: usize = WORDS * 64;

/// A set of ranks below a fixed number, in blocks that copies share until one of them changes.
///
/// Guarantee: a member's position is the number of members before it.
#[derive(Debug, Clone, Default)]
pub(super) struct KeySet {
    blocks: Vec<Arc<[u64; WORDS]>>,
    /// The number of members before each block; one longer than `blocks`.
    before: Vec<u32>,
}

impl KeySet {
    /// The ranks for which `is_member` holds, among those below `ranks`.
    pub(super) fn new(ranks: usize, is_member: impl Fn(usize) -> bool) -> Self {
        let empty = Arc::new([0; WORDS]);
        let blocks = (0..ranks.div_ceil(BITS))
            .map(|block| {
                let mut words = [0u64; WORDS];
                for rank in block * BITS..ranks.min((block + 1) * BITS) {
                    words[rank % BITS / 64] |= u64::from(is_member(rank)) << (rank % 64);
                }
                if words == [0; WORDS] {
                    Arc::clone(&empty)
                } else {
                    Arc::new(words)
                }
            })
            .collect();
        Self::counted(blocks)
    }

    fn counted(blocks: Vec<Arc<[u64; WORDS]>>) -> Self {
        let mut sum = 0;
        let sums = blocks.iter().map(|block| {
            sum += block.iter().map(|word| word.count_ones()).sum::<u32>();
            sum
        });
        let before = std::iter::once(0).chain(sums).collect();
        Self { blocks, before }
    }

    /// A copy with these ranks put in, or taken out. Costs what changes, and a pointer a block.
    pub(super) fn with(&self, ranks: impl Iterator<Item = u32>, member: bool) -> Self {
        let mut blocks = self.blocks.clone();
        let mut changed = vec![0i32; blocks.len()];
        for rank in ranks {
            let rank = rank as usize;
            let words = Arc::make_mut(&mut blocks[rank / BITS]);
            let (word, bit) = (&mut words[rank % BITS / 64], 1 << (rank % 64));
            if (*word & bit != 0) != member {
                *word ^= bit;
                changed[rank / BITS] += if member { 1 } else { -1 };
            }
        }
        let mut sum = 0;
        let sums = changed.iter().map(|n| {
            sum += n;
            sum
        });
        let sums = std::iter::once(0).chain(sums);
        let before = self
            .before
            .iter()
            .zip(sums)
            .map(|(n, sum)| n.wrapping_add_signed(sum));
        Self {
            before: before.collect(),
            blocks,
        }
    }

    /// The number of members.
    pub(super) fn len(&self) -> usize {
        self.before.last().copied().unwrap_or(0) as usize
    }

    /// The rank of the member at a position; `None` where there are not so many.
    pub(super) fn select(&self, position: usize) -> Option<usize> {
        if position >= self.len() {
            return None;
        }
        let block = self.before.partition_point(|n| *n as usize <= position) - 1;
        let mut left = (position - self.before[block] as usize) as u32;
        for (i, word) in self.blocks[block].iter().enumerate() {
            let ones = word.count_ones();
            if left < ones {
                let mut word = *word;
                for _ in 0..left {
                    word &= word - 1;
                }
                return Some(block * BITS + i * 64 + word.trailing_zeros() as usize);
            }
            left -= ones;
        }
        None
    }

    /// The ranks of the members from a position on, ascending: one walk, where [`KeySet::select`] would begin anew for
    /// each of them.
    pub(super) fn members_from(&self, position: usize) -> impl Iterator<Item = usize> {
        let first = self.select(position).unwrap_or(self.blocks.len() * BITS);
        let words = (first / 64..self.blocks.len() * WORDS).map(move |at| {
            let word = self.blocks[at / WORDS][at % WORDS];
            let before_first = if at == first / 64 { first % 64 } else { 0 };
            (at, word & (u64::MAX << before_first))
        });
        words.flat_map(|(at, mut word)| {
            std::iter::from_fn(move || {
                let bit = word.trailing_zeros() as usize;
                word &= word.wrapping_sub(1);
                (bit < 64).then_some(at * 64 + bit)
            })
        })
    }

    /// The number of members below a rank.
    pub(super) fn position(&self, rank: usize) -> usize {
        let Some(block) = self.blocks.get(rank / BITS) else {
            return self.len();
        };
        let (word, bit) = (rank % BITS / 64, rank % 64);
        let whole: u32 = block[..word].iter().map(|w| w.count_ones()).sum();
        let part = (block[word] & ((1 << bit) - 1)).count_ones();
        (self.before[rank / BITS] + whole + part) as usize
    }

    /// Bytes that a set of so many ranks takes when it shares nothing.
    pub(super) fn bytes(ranks: usize) -> usize {
        ranks.div_ceil(BITS) * (BITS / 8 + 16 + 8 + 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn a_set_answers_as_a_sorted_list_does(
            ranks in 1usize..5_000,
            members in prop::collection::btree_set(0usize..5_000, 0..300),
            changed in prop::collection::btree_set(0usize..5_000, 0..50),
            put in any::<bool>(),
        ) {
            let mut members: BTreeSet<usize> = members.into_iter().filter(|r| *r < ranks).collect();
            let changed: BTreeSet<usize> = changed.into_iter().filter(|r| *r < ranks).collect();
            let before = KeySet::new(ranks, |r| members.contains(&r));
            let set = before.with(changed.iter().map(|r| *r as u32), put);
            prop_assert_eq!(before.len(), members.len(), "the copy leaves the original alone");
            for rank in changed {
                if put { members.insert(rank); } else { members.remove(&rank); }
            }
            let list: Vec<usize> = members.iter().copied().collect();
            prop_assert_eq!(set.len(), list.len());
            for (position, rank) in list.iter().enumerate() {
                prop_assert_eq!(set.select(position), Some(*rank));
                prop_assert_eq!(set.position(*rank), position);
            }
            prop_assert_eq!(set.select(list.len()), None);
            for position in [0, list.len() / 3, list.len(), list.len() + 1] {
                let rest = list.get(position..).unwrap_or_default();
                prop_assert_eq!(set.members_from(position).collect::<Vec<_>>(), rest);
            }
            for rank in 0..ranks {
                prop_assert_eq!(set.position(rank), list.partition_point(|r| *r < rank));
            }
        }
    }
}
