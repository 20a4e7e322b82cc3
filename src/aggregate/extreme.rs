//! The least or greatest of values that come and go.

use std::borrow::Borrow;
use std::collections::BTreeMap;

/// Distinct values that are kept; when all of them have gone, the rows have to be gone through again.
const KEPT_AT_MOST: usize = 512;

/// What is kept has gone; the rows have to be gone through again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unknown;

/// The outermost values of a multiset, with their counts.
///
/// Guarantee: every value from the outermost one to the bound is held, with its exact count; beyond the bound nothing is
/// known. Without a bound everything is held.
#[derive(Debug, Clone)]
pub(super) struct Extreme<K> {
    is_greatest: bool,
    kept: BTreeMap<K, u64>,
    bound: Option<K>,
}

impl<K: Ord + Clone> Extreme<K> {
    pub fn new(is_greatest: bool) -> Self {
        Self {
            is_greatest,
            kept: BTreeMap::new(),
            bound: None,
        }
    }

    /// True where a value lies beyond the bound, so that nothing is known of its like.
    fn is_beyond<Q: Ord + ?Sized>(&self, value: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.bound.as_ref().is_some_and(|bound| {
            if self.is_greatest {
                value < bound.borrow()
            } else {
                value > bound.borrow()
            }
        })
    }

    /// Puts a value in.
    pub fn add<Q: Ord + ?Sized>(&mut self, value: &Q, own: impl FnOnce(&Q) -> K)
    where
        K: Borrow<Q>,
    {
        if self.is_beyond(value) {
            return;
        }
        if let Some(count) = self.kept.get_mut(value) {
            *count += 1;
            return;
        }
        self.kept.insert(own(value), 1);
        if self.kept.len() > KEPT_AT_MOST {
            let (dropped, innermost) = if self.is_greatest {
                (self.kept.pop_first(), self.kept.first_key_value())
            } else {
                (self.kept.pop_last(), self.kept.last_key_value())
            };
            drop(dropped);
            self.bound = innermost.map(|(value, _)| value.clone());
        }
    }

    /// Takes a value out that was put in.
    pub fn remove<Q: Ord + ?Sized>(&mut self, value: &Q)
    where
        K: Borrow<Q>,
    {
        if self.is_beyond(value) {
            return;
        }
        if let Some(count) = self.kept.get_mut(value) {
            *count -= 1;
            if *count == 0 {
                self.kept.remove(value);
            }
        }
    }

    /// The outermost value, if there is one; an error where what is kept does not tell.
    pub fn outermost(&self) -> Result<Option<&K>, Unknown> {
        let found = if self.is_greatest {
            self.kept.last_key_value()
        } else {
            self.kept.first_key_value()
        };
        match found {
            Some((value, _)) => Ok(Some(value)),
            None if self.bound.is_none() => Ok(None),
            None => Err(Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_outermost_value_is_that_of_all_or_said_to_be_unknown(
            steps in prop::collection::vec((0i64..1_500, any::<bool>()), 0..4_000), is_greatest: bool,
        ) {
            let mut extreme = Extreme::new(is_greatest);
            let mut all: Vec<i64> = (0..1_400).collect();
            all.iter().for_each(|v| extreme.add(v, |v| *v));
            for (value, is_outermost) in steps {
                // Mostly the outermost goes, so that what is kept runs out.
                all.sort_unstable();
                if is_outermost && !all.is_empty() {
                    let value = if is_greatest { all.remove(all.len() - 1) } else { all.remove(0) };
                    extreme.remove(&value);
                } else {
                    all.push(value);
                    extreme.add(&value, |v| *v);
                }
                let expected = if is_greatest { all.iter().max() } else { all.iter().min() };
                if let Ok(found) = extreme.outermost() {
                    prop_assert_eq!(found, expected);
                }
            }
        }
    }
}
