//! How many distinct values there are: counted up to a bound, estimated beyond it.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashMap};

/// Distinct values that are told apart exactly.
pub(super) const EXACT_AT_MOST: usize = 1 << 16;

/// Bits of a hash that choose a register: 16,384 of them, so that an estimate is off by 0.8 % (one standard error).
const REGISTER_BITS: u32 = 14;

/// Counts of values while they are few; then `HyperLogLog` (Flajolet et al., 2007) for how many there are, and counts of
/// those alone that were among the first.
#[derive(Debug)]
pub(super) struct Counter<T> {
    counts: HashMap<T, u64>,
    hasher: DefaultHashBuilder,
    /// The longest run of leading zeros seen by each register, and one; empty while the counts are all.
    registers: Vec<u8>,
}

impl<T: Hash + Eq> Counter<T> {
    pub fn new() -> Self {
        Self {
            counts: HashMap::new(),
            hasher: DefaultHashBuilder::default(),
            registers: Vec::new(),
        }
    }

    /// Counts a value.
    pub fn add(&mut self, value: T) {
        if self.registers.is_empty() {
            *self.counts.entry(value).or_default() += 1;
            if self.counts.len() > EXACT_AT_MOST {
                self.registers = vec![0; 1 << REGISTER_BITS];
                for value in self.counts.keys() {
                    let hash = self.hasher.hash_one(value);
                    note(&mut self.registers, hash);
                }
            }
            return;
        }
        note(&mut self.registers, self.hasher.hash_one(&value));
        if let Some(count) = self.counts.get_mut(&value) {
            *count += 1;
        }
    }

    /// True where all distinct values have been counted.
    pub fn is_exact(&self) -> bool {
        self.registers.is_empty()
    }

    /// The number of distinct values.
    pub fn distinct(&self) -> u64 {
        if self.is_exact() {
            return self.counts.len() as u64;
        }
        let registers = self.registers.len() as f64;
        let sum: f64 = self.registers.iter().map(|r| (-f64::from(*r)).exp2()).sum();
        let raw = 0.7213 / (1.0 + 1.079 / registers) * registers * registers / sum;
        // What has been seen for certain is a lower bound.
        (raw.round() as u64).max(self.counts.len() as u64)
    }

    /// The values that were counted, with their counts.
    pub fn into_counts(self) -> HashMap<T, u64> {
        self.counts
    }
}

fn note(registers: &mut [u8], hash: u64) {
    let hash = mixed(hash);
    let register = (hash >> (64 - REGISTER_BITS)) as usize;
    let rest = (hash << REGISTER_BITS) | 1 << (REGISTER_BITS - 1);
    registers[register] = registers[register].max(rest.leading_zeros() as u8 + 1);
}

/// Spreads a hash over all its bits (the last step of `MurmurHash3`): one that is good enough for a table is not for
/// estimates.
fn mixed(mut hash: u64) -> u64 {
    hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ hash >> 33
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_are_counted_and_many_are_estimated_within_four_percent() {
        for distinct in [
            0,
            1,
            1_000,
            EXACT_AT_MOST,
            EXACT_AT_MOST + 1,
            200_000,
            1_000_000,
        ] {
            let mut counter = Counter::new();
            for i in 0..distinct + distinct / 3 {
                counter.add(i % distinct.max(1));
            }
            let (found, expected) = (counter.distinct() as f64, distinct as f64);
            assert_eq!(counter.is_exact(), distinct <= EXACT_AT_MOST);
            let allowed = if counter.is_exact() {
                0.0
            } else {
                expected * 0.04
            };
            assert!(
                (found - expected).abs() <= allowed,
                "{found} for {expected}"
            );
        }
    }
}
