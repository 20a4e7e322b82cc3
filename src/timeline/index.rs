//! The index of an epoch: which row of a key is the newest, at every moment of the epoch.
//!
//! Keys stand in key order; a key's position among all that the epoch ever shows is its *rank*. A key's *versions* are
//! the rows of it that are ever the newest, each from the moment at which it becomes so: what a row loses against while
//! it is visible is worked out once, when the index is made, so that a look-up is a search among the key's versions.
//! *Steps* are the same moments in order of time. The keys that exist at a moment are a set that grows, and is kept for
//! several moments.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::cancel::CancelToken;
use crate::error::Result;
use crate::scan::{KeyOrder, RowGroupRows, RowRef};

use super::epoch::Epoch;
use super::key_set::KeySet;

/// Births between two sets of keys that are kept, at least.
const BIRTHS_PER_CHECKPOINT: usize = 8_192;

/// Sets of keys that are kept, at most.
const CHECKPOINTS_AT_MOST: usize = 64;

/// A row from the moment at which it becomes its key's newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyVersion {
    /// The moment, milliseconds; the epoch's first one where it was so before.
    pub from: i64,
    /// The row.
    pub at: RowRef,
}

/// A moment at which a key's newest row changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Step {
    at: i64,
    rank: u32,
}

/// The newest row of every key at every moment of an epoch.
#[derive(Debug)]
pub struct EpochIndex {
    /// The row groups that rows lie in, with keys and event times, and no other column.
    chunks: Arc<[Arc<RowGroupRows>]>,
    /// Where the versions of each rank begin; one longer than there are keys.
    starts: Vec<u32>,
    /// Versions by rank, then by moment; each is of a moment of its own.
    versions: Vec<KeyVersion>,
    /// Changes after the epoch's first moment, by moment, then by rank.
    steps: Vec<Step>,
    /// Those of the steps that are the first of their key, as moment and rank.
    births: Vec<Step>,
    /// The keys that exist after `i * births_per_checkpoint` births.
    checkpoints: Vec<Arc<KeySet>>,
    births_per_checkpoint: usize,
    /// The keys of the last moment asked for, and how many births that is after.
    last_keys: Mutex<(usize, Arc<KeySet>)>,
}

/// A row of one key.
#[derive(Debug, Clone, Copy)]
pub struct KeyRow {
    /// Its event time, milliseconds.
    pub event_time: i64,
    /// The moment, milliseconds, before which no row of its file is visible.
    pub visible_from: i64,
    /// Where it lies.
    pub at: RowRef,
}

/// The versions of a key in an epoch, oldest first, from all of its rows that the epoch's files hold, in order of
/// precedence.
pub fn key_versions(epoch: &Epoch, rows: &[KeyRow]) -> Vec<KeyVersion> {
    let candidates = rows
        .iter()
        .enumerate()
        .map(|(rank, row)| Candidate::new(epoch, rank, *row));
    let visible = candidates.filter(|c| c.visible_from <= epoch.until);
    let mut versions = Vec::new();
    push_versions(&mut visible.collect::<Vec<_>>(), &mut versions);
    versions
}

/// A row of one key, while versions are being worked out.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    visible_from: i64,
    event_time: i64,
    /// Less is of higher precedence.
    rank: u32,
    at: RowRef,
}

impl Candidate {
    fn new(epoch: &Epoch, rank: usize, row: KeyRow) -> Self {
        Self {
            visible_from: row.event_time.max(row.visible_from).max(epoch.from),
            event_time: row.event_time,
            rank: rank as u32,
            at: row.at,
        }
    }
}

/// The keys of one stretch of the key order, with their versions.
#[derive(Default)]
pub(super) struct IndexPart {
    /// How many versions each key has.
    counts: Vec<u32>,
    versions: Vec<KeyVersion>,
}

/// Works out the versions of the keys in part `part` of `order`.
///
/// `visible_from` says of each chunk before which moment none of its rows is visible. Chunks stand in order of
/// precedence, as do rows within a chunk.
pub(super) fn index_part(
    chunks: &[Arc<RowGroupRows>],
    visible_from: &[i64],
    epoch: &Epoch,
    order: &KeyOrder,
    part: usize,
    cancel: &CancelToken,
) -> Result<IndexPart> {
    // What becomes visible only after the epoch is never shown in it.
    let is_shown =
        |chunk: u32, event_time: i64| event_time.max(visible_from[chunk as usize]) <= epoch.until;
    let candidate = |(rank, at): (usize, &RowRef)| {
        let row = KeyRow {
            event_time: chunks[at.chunk as usize].event_times[at.row as usize],
            visible_from: visible_from[at.chunk as usize],
            at: *at,
        };
        Candidate::new(epoch, rank, row)
    };
    let mut out = IndexPart::default();
    let mut group: Vec<Candidate> = Vec::new();
    order.for_each_key(chunks, part, cancel, is_shown, |rows| {
        let before = out.versions.len();
        if let [only] = rows {
            let only = candidate((0, only));
            out.versions.push(KeyVersion {
                from: only.visible_from,
                at: only.at,
            });
        } else {
            group.clear();
            group.extend(rows.iter().enumerate().map(candidate));
            push_versions(&mut group, &mut out.versions);
        }
        out.counts.push((out.versions.len() - before) as u32);
    })?;
    Ok(out)
}

/// Appends the versions of one key. The candidates come in order of precedence.
fn push_versions(group: &mut [Candidate], out: &mut Vec<KeyVersion>) {
    // Of those that become visible together, the newest comes first, and of equally new ones that of higher
    // precedence: the sort is stable.
    group.sort_by(|a, b| (a.visible_from, b.event_time).cmp(&(b.visible_from, a.event_time)));
    let mut best: Option<Candidate> = None;
    for row in group {
        let wins = best.is_none_or(|best| {
            row.event_time > best.event_time
                || row.event_time == best.event_time && row.rank < best.rank
        });
        if wins {
            best = Some(*row);
            out.push(KeyVersion {
                from: row.visible_from,
                at: row.at,
            });
        }
    }
}

impl EpochIndex {
    /// Puts the parts, in key order, together.
    pub(super) fn new(
        epoch: &Epoch,
        chunks: Arc<[Arc<RowGroupRows>]>,
        parts: Vec<IndexPart>,
    ) -> Self {
        let keys = parts.iter().map(|p| p.counts.len()).sum::<usize>();
        let mut starts = Vec::with_capacity(keys + 1);
        let mut versions = Vec::with_capacity(parts.iter().map(|p| p.versions.len()).sum());
        starts.push(0);
        let mut end = 0;
        for part in parts {
            starts.extend(part.counts.iter().map(|count| {
                end += count;
                end
            }));
            versions.extend_from_slice(&part.versions);
        }
        let mut steps: Vec<Step> = Vec::new();
        let mut births: Vec<Step> = Vec::new();
        for rank in 0..keys {
            for at in starts[rank]..starts[rank + 1] {
                let step = Step {
                    at: versions[at as usize].from,
                    rank: rank as u32,
                };
                if step.at > epoch.from {
                    steps.push(step);
                    if at == starts[rank] {
                        births.push(step);
                    }
                }
            }
        }
        steps.sort_unstable();
        births.sort_unstable();
        let mut keys_then = KeySet::new(keys, |rank| {
            versions[starts[rank] as usize].from <= epoch.from
        });
        let births_per_checkpoint = births
            .len()
            .div_ceil(CHECKPOINTS_AT_MOST)
            .max(BIRTHS_PER_CHECKPOINT);
        let mut checkpoints = Vec::with_capacity(births.len() / births_per_checkpoint + 1);
        for born in births.chunks(births_per_checkpoint) {
            let after = keys_then.with(born.iter().map(|b| b.rank), true);
            checkpoints.push(Arc::new(std::mem::replace(&mut keys_then, after)));
        }
        let first = checkpoints.first().cloned();
        let keys_then = Arc::new(keys_then);
        checkpoints.push(Arc::clone(&keys_then));
        let last_keys = Mutex::new((0, first.unwrap_or(keys_then)));
        Self {
            chunks,
            starts,
            versions,
            steps,
            births,
            checkpoints,
            births_per_checkpoint,
            last_keys,
        }
    }

    /// The row groups that [`RowRef`]s point into, with keys and event times alone.
    pub fn chunks(&self) -> &Arc<[Arc<RowGroupRows>]> {
        &self.chunks
    }

    /// The number of keys that the epoch ever shows.
    pub fn key_count(&self) -> usize {
        self.starts.len() - 1
    }

    /// The versions of a key in this epoch, oldest first.
    pub fn versions_of(&self, rank: usize) -> &[KeyVersion] {
        &self.versions[self.starts[rank] as usize..self.starts[rank + 1] as usize]
    }

    /// The rank of a key; where it never shows, the rank before which it would stand.
    pub fn find(&self, key: &str) -> std::result::Result<usize, usize> {
        let (mut low, mut high) = (0, self.key_count());
        while low < high {
            let middle = low.midpoint(high);
            match self.key(middle).cmp(key) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Ok(middle),
                Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }

    fn key(&self, rank: usize) -> &str {
        let at = self.versions[self.starts[rank] as usize].at;
        self.chunks[at.chunk as usize].keys.value(at.row as usize)
    }

    /// The newest row of a key at a moment (milliseconds) of the epoch.
    fn newest(&self, rank: usize, at: i64) -> Option<RowRef> {
        match self.versions_of(rank) {
            [only] => (only.from <= at).then_some(only.at),
            versions => {
                let after = versions.partition_point(|v| v.from <= at);
                Some(versions[after.checked_sub(1)?].at)
            }
        }
    }

    /// The rows of a moment (milliseconds), which must be one of the epoch's.
    pub fn rows_at(self: &Arc<Self>, at: i64) -> EpochRows {
        EpochRows {
            index: Arc::clone(self),
            keys: OnceLock::new(),
            all: OnceLock::new(),
            born: self.births.partition_point(|b| b.at <= at),
            at,
        }
    }

    /// The keys that exist after so many births: from the nearest set that is at hand.
    fn keys_after(&self, born: usize) -> Arc<KeySet> {
        let mut last = self
            .last_keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let checkpoint = (born + self.births_per_checkpoint / 2) / self.births_per_checkpoint;
        let checkpoint = checkpoint.min(self.checkpoints.len() - 1);
        // The last of the checkpoints is after all births, not after a whole number of stretches.
        let births_at = (checkpoint * self.births_per_checkpoint).min(self.births.len());
        let (held, keys) = if last.0.abs_diff(born) <= births_at.abs_diff(born) {
            (last.0, &last.1)
        } else {
            (births_at, &self.checkpoints[checkpoint])
        };
        let between = &self.births[held.min(born)..held.max(born)];
        let keys = if held == born {
            Arc::clone(keys)
        } else {
            Arc::new(keys.with(between.iter().map(|b| b.rank), born > held))
        };
        *last = (born, Arc::clone(&keys));
        keys
    }

    /// The ranks of the keys whose newest row differs between two moments (milliseconds), ascending; `from <= to`.
    fn changed_ranks(&self, from: i64, to: i64) -> Vec<u32> {
        let until = |at: i64| self.steps.partition_point(|s| s.at <= at);
        let mut ranks: Vec<u32> = self.steps[until(from)..until(to)]
            .iter()
            .map(|s| s.rank)
            .collect();
        ranks.sort_unstable();
        ranks.dedup();
        ranks
    }

    /// Bytes held in memory, those of the keys and event times included.
    pub fn bytes(&self) -> usize {
        let events: usize = self.chunks.iter().map(|c| c.bytes()).sum();
        events
            + self.starts.capacity() * size_of::<u32>()
            + self.versions.capacity() * size_of::<KeyVersion>()
            + (self.steps.capacity() + self.births.capacity()) * size_of::<Step>()
            + self.checkpoints.len() * KeySet::bytes(self.key_count())
    }

    /// Bytes that making an index of so many rows takes at least.
    pub(super) fn bytes_needed(rows: usize) -> usize {
        let sorted = size_of::<(u128, RowRef)>();
        rows.saturating_mul(sorted + size_of::<KeyVersion>() + size_of::<u32>() + 24)
    }
}

/// The rows of an epoch's index at a moment: nothing but the moment and the set of keys that exist then.
#[derive(Debug, Clone)]
pub struct EpochRows {
    index: Arc<EpochIndex>,
    /// Looked up when the first row is: a moment that is passed in a hurry costs nothing.
    keys: OnceLock<Arc<KeySet>>,
    /// All rows, for those who go through them.
    all: OnceLock<Vec<RowRef>>,
    /// How many keys have come since the epoch began.
    born: usize,
    at: i64,
}

/// A key whose newest row differs between two moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangedKey {
    /// Its position among the rows of the later moment.
    pub position: usize,
    /// Its row at the earlier moment.
    pub before: Option<RowRef>,
    /// Its row at the later moment.
    pub after: RowRef,
}

impl EpochRows {
    /// The number of rows.
    pub fn len(&self) -> usize {
        self.index.checkpoints[0].len() + self.born
    }

    /// True where there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn keys(&self) -> &KeySet {
        self.keys.get_or_init(|| self.index.keys_after(self.born))
    }

    /// The row at a position, by key.
    ///
    /// # Panics
    /// Where there is no such row.
    pub fn row(&self, position: usize) -> RowRef {
        let row = self
            .keys()
            .select(position)
            .and_then(|rank| self.index.newest(rank, self.at));
        let Some(row) = row else {
            panic!("row {position} of {}", self.len());
        };
        row
    }

    /// The rows of a stretch of positions, cut to what there is, by key.
    pub fn rows(&self, stretch: Range<usize>) -> Vec<RowRef> {
        let members = self.keys().members_from(stretch.start);
        let rows = members.filter_map(|rank| self.index.newest(rank, self.at));
        rows.take(stretch.len()).collect()
    }

    /// The position of a key; where it has no row, the position before which it would stand.
    pub fn find(&self, key: &str) -> std::result::Result<usize, usize> {
        match self.index.find(key) {
            Ok(rank) if self.index.newest(rank, self.at).is_some() => {
                Ok(self.keys().position(rank))
            }
            Ok(rank) | Err(rank) => Err(self.keys().position(rank)),
        }
    }

    /// All rows, by key.
    pub fn all(&self) -> &[RowRef] {
        self.all.get_or_init(|| {
            let mut rows = Vec::with_capacity(self.len());
            let ranks = 0..self.index.key_count();
            rows.extend(ranks.filter_map(|rank| self.index.newest(rank, self.at)));
            rows
        })
    }

    /// The ranks of the keys whose newest row differs between this moment and a later one of the same index, ascending;
    /// `None` where the other is of another index, or earlier.
    pub fn changed_until(&self, later: &Self) -> Option<Vec<u32>> {
        let is_later = Arc::ptr_eq(&self.index, &later.index) && self.at <= later.at;
        is_later.then(|| self.index.changed_ranks(self.at, later.at))
    }

    /// The rows of some of those keys at both moments.
    pub fn changed_keys(&self, later: &Self, ranks: &[u32]) -> Vec<ChangedKey> {
        let keys = later.keys();
        let key = |rank: &u32| {
            let rank = *rank as usize;
            Some(ChangedKey {
                position: keys.position(rank),
                before: self.index.newest(rank, self.at),
                after: self.index.newest(rank, later.at)?,
            })
        };
        ranks.iter().filter_map(key).collect()
    }
}
