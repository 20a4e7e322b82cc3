//! Which keys a read wants: the one sort of filter that may go below the newest-row reduction, because it takes or
//! leaves all rows of a key together.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Bound;

use crate::text::{counted, ellipsis};

/// A set of keys: all of a stretch, or those of a list that lie in it. Keys are ordered by their bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyFilter {
    /// The keys wanted; `None` where all of the stretch are.
    listed: Option<BTreeSet<String>>,
    /// Bounds are bytes: the end of a prefix need not be text.
    from: Bound<Vec<u8>>,
    until: Bound<Vec<u8>>,
}

impl Default for KeyFilter {
    fn default() -> Self {
        Self::all()
    }
}

impl KeyFilter {
    /// All keys.
    pub fn all() -> Self {
        Self {
            listed: None,
            from: Bound::Unbounded,
            until: Bound::Unbounded,
        }
    }

    /// These keys.
    pub fn listed(keys: impl IntoIterator<Item = String>) -> Self {
        Self {
            listed: Some(keys.into_iter().collect()),
            ..Self::all()
        }
    }

    /// The keys of a stretch.
    pub fn range(from: Bound<&str>, until: Bound<&str>) -> Self {
        Self {
            listed: None,
            from: from.map(|key| key.as_bytes().to_vec()),
            until: until.map(|key| key.as_bytes().to_vec()),
        }
    }

    /// The keys that begin with a text.
    pub fn prefix(prefix: &str) -> Self {
        let mut end = prefix.as_bytes().to_vec();
        // The bytes of text are less than 0xff, so the last one has a successor.
        let until = match end.last_mut() {
            None => Bound::Unbounded,
            Some(last) => {
                *last += 1;
                Bound::Excluded(end)
            }
        };
        Self {
            listed: None,
            from: Bound::Included(prefix.as_bytes().to_vec()),
            until,
        }
    }

    /// The keys that both want.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let listed = match (self.listed, other.listed) {
            (Some(a), Some(b)) => Some(a.intersection(&b).cloned().collect()),
            (a, b) => a.or(b),
        };
        Self {
            listed,
            from: later(self.from, other.from),
            until: earlier(self.until, other.until),
        }
    }

    /// The keys that either wants, where both are lists; `None` otherwise.
    #[must_use]
    pub fn or(&self, other: &Self) -> Option<Self> {
        let (a, b) = (self.only_listed()?, other.only_listed()?);
        Some(Self::listed(a.union(b).cloned()))
    }

    fn only_listed(&self) -> Option<&BTreeSet<String>> {
        let is_list = self.from == Bound::Unbounded && self.until == Bound::Unbounded;
        self.listed.as_ref().filter(|_| is_list)
    }

    /// True where it leaves out no key.
    pub fn is_all(&self) -> bool {
        *self == Self::all()
    }

    /// The most keys that it wants; `None` where it does not say.
    pub fn keys_at_most(&self) -> Option<usize> {
        self.listed.as_ref().map(BTreeSet::len)
    }

    /// True where it wants this key.
    pub fn admits(&self, key: &str) -> bool {
        self.is_within(key.as_bytes())
            && self
                .listed
                .as_ref()
                .is_none_or(|listed| listed.contains(key))
    }

    /// False where it wants no key of a stretch; both ends are of the stretch.
    pub fn admits_any_of(&self, least: &[u8], greatest: &[u8]) -> bool {
        let begins_in_time = match &self.from {
            Bound::Included(from) => greatest >= from.as_slice(),
            Bound::Excluded(from) => greatest > from.as_slice(),
            Bound::Unbounded => true,
        };
        let ends_in_time = match &self.until {
            Bound::Included(until) => least <= until.as_slice(),
            Bound::Excluded(until) => least < until.as_slice(),
            Bound::Unbounded => true,
        };
        let has_listed = || {
            self.listed.as_ref().is_none_or(|listed| {
                listed
                    .iter()
                    .any(|key| least <= key.as_bytes() && key.as_bytes() <= greatest)
            })
        };
        begins_in_time && ends_in_time && has_listed()
    }

    fn is_within(&self, key: &[u8]) -> bool {
        let is_after = match &self.from {
            Bound::Included(from) => key >= from.as_slice(),
            Bound::Excluded(from) => key > from.as_slice(),
            Bound::Unbounded => true,
        };
        is_after
            && match &self.until {
                Bound::Included(until) => key <= until.as_slice(),
                Bound::Excluded(until) => key < until.as_slice(),
                Bound::Unbounded => true,
            }
    }
}

fn later(a: Bound<Vec<u8>>, b: Bound<Vec<u8>>) -> Bound<Vec<u8>> {
    match (&a, &b) {
        (Bound::Unbounded, _) => b,
        (_, Bound::Unbounded) => a,
        (Bound::Included(x) | Bound::Excluded(x), Bound::Included(y) | Bound::Excluded(y)) => {
            let a_wins = x > y || x == y && matches!(a, Bound::Excluded(_));
            if a_wins { a } else { b }
        }
    }
}

fn earlier(a: Bound<Vec<u8>>, b: Bound<Vec<u8>>) -> Bound<Vec<u8>> {
    match (&a, &b) {
        (Bound::Unbounded, _) => b,
        (_, Bound::Unbounded) => a,
        (Bound::Included(x) | Bound::Excluded(x), Bound::Included(y) | Bound::Excluded(y)) => {
            let a_wins = x < y || x == y && matches!(a, Bound::Excluded(_));
            if a_wins { a } else { b }
        }
    }
}

/// For people: `key in ('A', 'B')`, `key >= 'AB' and key < 'AC'`.
impl fmt::Display for KeyFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LISTED_AT_MOST: usize = 5;
        let mut parts = Vec::new();
        let quoted = |key: &[u8]| format!("'{}'", ellipsis(&String::from_utf8_lossy(key), 40));
        if let Some(listed) = &self.listed {
            let shown: Vec<String> = listed
                .iter()
                .take(LISTED_AT_MOST)
                .map(|key| quoted(key.as_bytes()))
                .collect();
            let more = listed.len().saturating_sub(LISTED_AT_MOST);
            parts.push(match (shown.as_slice(), more) {
                ([one], 0) => format!("key = {one}"),
                (shown, 0) => format!("key in ({})", shown.join(", ")),
                (shown, _) => format!(
                    "key in ({}, … {})",
                    shown.join(", "),
                    counted(listed.len(), "key")
                ),
            });
        }
        match &self.from {
            Bound::Included(from) => parts.push(format!("key >= {}", quoted(from))),
            Bound::Excluded(from) => parts.push(format!("key > {}", quoted(from))),
            Bound::Unbounded => {}
        }
        match &self.until {
            Bound::Included(until) => parts.push(format!("key <= {}", quoted(until))),
            Bound::Excluded(until) => parts.push(format!("key < {}", quoted(until))),
            Bound::Unbounded => {}
        }
        f.write_str(&parts.join(" and "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bound(kind: u8, key: &str) -> Bound<&str> {
        match kind % 3 {
            0 => Bound::Included(key),
            1 => Bound::Excluded(key),
            _ => Bound::Unbounded,
        }
    }

    fn filter() -> impl Strategy<Value = KeyFilter> {
        let key = || "[a-c]{0,2}";
        prop_oneof![
            Just(KeyFilter::all()),
            prop::collection::vec(key(), 0..4).prop_map(KeyFilter::listed),
            key().prop_map(|p| KeyFilter::prefix(&p)),
            (any::<u8>(), key(), any::<u8>(), key()).prop_map(|(a, from, b, until)| {
                KeyFilter::range(bound(a, &from), bound(b, &until))
            }),
        ]
    }

    proptest! {
        #[test]
        fn filters_combine_as_sets_do_and_never_rule_out_a_stretch_with_a_key_of_theirs(
            a in filter(), b in filter(), key in "[a-c]{0,2}", least in "[a-c]{0,2}", greatest in "[a-c]{0,2}",
        ) {
            let both = a.clone().and(b.clone());
            prop_assert_eq!(both.admits(&key), a.admits(&key) && b.admits(&key));
            if let Some(either) = a.or(&b) {
                prop_assert_eq!(either.admits(&key), a.admits(&key) || b.admits(&key));
            }
            if both.admits(&key) && least <= key && key <= greatest {
                prop_assert!(both.admits_any_of(least.as_bytes(), greatest.as_bytes()));
            }
        }

        #[test]
        fn a_prefix_filter_is_what_it_says(prefix in "\\PC{0,3}", key in "\\PC{0,5}") {
            prop_assert_eq!(KeyFilter::prefix(&prefix).admits(&key), key.starts_with(&prefix));
        }
    }
}
