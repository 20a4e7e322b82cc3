//! What may be kept in memory, and what makes room for it.

use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;

/// Values under a byte budget, least recently used out first.
#[derive(Debug)]
pub struct ByteCache<K: Hash + Eq, V> {
    budget: usize,
    held: Mutex<Held<K, V>>,
}

#[derive(Debug)]
struct Held<K: Hash + Eq, V> {
    values: LruCache<K, (V, usize)>,
    bytes: usize,
}

impl<K: Hash + Eq, V: Clone> ByteCache<K, V> {
    /// An empty cache that holds at most so many bytes.
    pub fn new(budget: usize) -> Self {
        let values = LruCache::unbounded();
        Self {
            budget,
            held: Mutex::new(Held { values, bytes: 0 }),
        }
    }

    /// The most bytes that it holds.
    pub fn budget(&self) -> usize {
        self.budget
    }

    /// A value that was kept, and now is the one most recently used.
    pub fn get(&self, key: &K) -> Option<V> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.values.get(key).map(|(value, _)| value.clone())
    }

    /// Keeps a value; those least recently used make room. One larger than the whole budget is not kept.
    pub fn put(&self, key: K, value: V, bytes: usize) {
        if bytes > self.budget {
            return;
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, (_, old))) = held.values.push(key, (value, bytes)) {
            held.bytes -= old;
        }
        held.bytes += bytes;
        while held.bytes > self.budget {
            let Some((_, (_, old))) = held.values.pop_lru() else {
                break;
            };
            held.bytes -= old;
        }
    }

    /// Bytes held now.
    pub fn bytes(&self) -> usize {
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .bytes
    }
}

/// A quarter of the machine's memory, or 2 GiB where the machine does not say.
pub fn quarter_of_memory() -> usize {
    const FALLBACK: usize = 2 << 30;
    let Ok(info) = std::fs::read_to_string("/proc/meminfo") else {
        return FALLBACK;
    };
    let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = total.and_then(|rest| {
        rest.trim()
            .trim_end_matches("kB")
            .trim()
            .parse::<usize>()
            .ok()
    });
    kib.and_then(|kib| kib.checked_mul(1024))
        .map_or(FALLBACK, |bytes| bytes / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_values_make_room() {
        let cache = ByteCache::new(200);
        cache.put(0, 'a', 100);
        cache.put(1, 'b', 100);
        assert!(cache.get(&0).is_some());
        cache.put(2, 'c', 100);
        assert_eq!(cache.get(&1), None);
        assert_eq!((cache.get(&0), cache.get(&2)), (Some('a'), Some('c')));
        cache.put(2, 'd', 50);
        assert_eq!(cache.bytes(), 150);
        cache.put(3, 'e', 201);
        assert_eq!(cache.get(&3), None);
        assert_eq!(cache.get(&2), Some('d'));
    }
}
