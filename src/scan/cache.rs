//! Decoded column chunks kept for the next read, under a byte budget, least recently used out first.

use std::sync::{Mutex, PoisonError};

use lru::LruCache;

use super::column::ColumnData;

/// Names a decoded chunk. Data files never change, so neither does what a key stands for, but two versions of a
/// table may give a column different types.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ChunkKey {
    pub table: String,
    pub file: String,
    pub row_group: usize,
    pub column: String,
    pub data_type: crate::format::DataType,
}

/// Decoded column chunks under a byte budget.
#[derive(Debug)]
pub(super) struct ChunkCache {
    budget: usize,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    chunks: LruCache<ChunkKey, ColumnData>,
    bytes: usize,
}

impl ChunkCache {
    pub(super) fn new(budget: usize) -> Self {
        let chunks = LruCache::unbounded();
        Self {
            budget,
            held: Mutex::new(Held { chunks, bytes: 0 }),
        }
    }

    pub(super) fn get(&self, key: &ChunkKey) -> Option<ColumnData> {
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .chunks
            .get(key)
            .cloned()
    }

    /// Keeps a chunk; those least recently used make room. One larger than the whole budget is not kept.
    pub(super) fn put(&self, key: ChunkKey, data: &ColumnData) {
        let bytes = data.bytes();
        if bytes > self.budget {
            return;
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, old)) = held.chunks.push(key, data.clone()) {
            held.bytes -= old.bytes();
        }
        held.bytes += bytes;
        while held.bytes > self.budget {
            let Some((_, old)) = held.chunks.pop_lru() else {
                break;
            };
            held.bytes -= old.bytes();
        }
    }

    /// Bytes held now.
    #[cfg(test)]
    fn bytes(&self) -> usize {
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .bytes
    }
}

/// A quarter of the machine's memory, or 2 GiB where the machine does not say.
pub(super) fn quarter_of_memory() -> usize {
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
    use crate::format::DataType;

    fn key(row_group: usize) -> ChunkKey {
        ChunkKey {
            table: "t".into(),
            file: "f".into(),
            row_group,
            column: "c".into(),
            data_type: DataType::Int,
        }
    }

    #[test]
    fn the_least_recently_used_chunks_make_room() {
        let chunk = ColumnData::nulls(DataType::Int, 100);
        let cache = ChunkCache::new(chunk.bytes() * 2);
        cache.put(key(0), &chunk);
        cache.put(key(1), &chunk);
        assert!(cache.get(&key(0)).is_some());
        cache.put(key(2), &chunk);
        assert!(cache.get(&key(1)).is_none());
        assert!(cache.get(&key(0)).is_some() && cache.get(&key(2)).is_some());
        cache.put(key(2), &chunk);
        assert_eq!(cache.bytes(), chunk.bytes() * 2);
        cache.put(key(3), &ColumnData::nulls(DataType::Int, 1_000));
        assert!(cache.get(&key(3)).is_none());
    }
}
