//! Reads the keys and event times of every file of a table, and makes ticks of them.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use futures::FutureExt;
use futures::stream::{self, StreamExt, TryStreamExt};
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::cancel::CancelToken;
use crate::error::Result;
use crate::event_time::AsOf;
use crate::format::{FileRole, Manifest, PlannedFile};
use crate::scan::{Reader, RowGroupRows};
use crate::store::Store;

use super::{Density, Ticks, event_time_range};

/// Files read at the same time.
const FILES_AT_ONCE: usize = 8;

/// How far the reading of ticks has come.
#[derive(Debug, Clone)]
pub struct TimelineProgress {
    /// What is known and estimated so far.
    pub density: Density,
    /// Files read.
    pub files_read: usize,
    /// Files to read.
    pub files: usize,
}

/// Estimates from footers alone how densely a table changes.
async fn read_density(
    reader: &Arc<Reader>,
    store: &Store,
    table: &str,
    files: &[PlannedFile],
    cancel: &CancelToken,
) -> Result<Density> {
    let ranges: Vec<_> = files
        .iter()
        .map(|file| {
            let looking = async move {
                let name = file.name.as_str();
                let range = event_time_range(reader, store, table, name, cancel).await?;
                let rows = reader.open(store, table, name).await?.rows();
                Ok::<_, crate::error::Error>((range, rows))
            };
            looking.boxed()
        })
        .collect();
    let ranges: Vec<_> = stream::iter(ranges)
        .buffered(FILES_AT_ONCE)
        .try_collect()
        .await?;
    let mut density = Density::default();
    for (i, (file, (range, rows))) in files.iter().zip(ranges).enumerate() {
        if let Some((least, greatest)) = range.filter(|_| adds_changes(files, file)) {
            let from = file.visible_from.ms();
            density.estimate(i, rows, least.max(from), greatest.max(from));
        }
    }
    Ok(density)
}

/// Bases repeat what earlier files hold, save the first ones of a table.
fn adds_changes(files: &[PlannedFile], file: &PlannedFile) -> bool {
    let earliest = files.iter().map(|f| f.visible_from).min();
    file.role == FileRole::Delta || Some(file.visible_from) == earliest
}

/// Reads the ticks of a table, and tells now and then how far it has come.
pub async fn read_ticks_with(
    reader: &Arc<Reader>,
    store: &Store,
    table: &str,
    manifest: &Manifest,
    cancel: &CancelToken,
    mut on_progress: impl FnMut(TimelineProgress),
) -> Result<Ticks> {
    // Everything is read once: keeping it would only drive out what is on screen.
    let reader = &Arc::new(reader.apart_without_cache());
    let mut files = manifest.all_files();
    // A base repeats what came before it, so it goes before the deltas that begin with it.
    files.sort_by_key(|file| (file.visible_from, file.role == FileRole::Delta));
    let mut density = read_density(reader, store, table, &files, cancel).await?;
    on_progress(TimelineProgress {
        density: density.clone(),
        files_read: 0,
        files: files.len(),
    });
    let reading: Vec<_> = files
        .iter()
        .map(|file| read_events(reader, store, table, file, cancel).boxed())
        .collect();
    let mut reading = stream::iter(reading).buffered(FILES_AT_ONCE);
    let mut pairs = Pairs::default();
    let mut files_read = 0;
    while let Some(groups) = reading.next().await {
        let (visible_from, groups) = (files[files_read].visible_from.ms(), groups?);
        let (counted, filled) = reader
            .compute(cancel, move || {
                let mut counts: HashMap<i64, u32> = HashMap::new();
                for group in &groups {
                    for time in &group.event_times {
                        *counts.entry((*time).max(visible_from)).or_default() += 1;
                    }
                    pairs.add(group, visible_from);
                }
                Ok((counts.into_iter().collect::<Vec<_>>(), pairs))
            })
            .await?;
        pairs = filled;
        density.count(files_read, &counted);
        files_read += 1;
        // A picture every eighth of the way is enough to watch it sharpen.
        if files_read % files.len().div_ceil(8) == 0 {
            on_progress(TimelineProgress {
                density: density.clone(),
                files_read,
                files: files.len(),
            });
        }
    }
    reader.compute(cancel, move || Ok(pairs.into_ticks())).await
}

/// The keys and event times of all row groups of a file.
async fn read_events(
    reader: &Arc<Reader>,
    store: &Store,
    table: &str,
    file: &PlannedFile,
    cancel: &CancelToken,
) -> Result<Vec<RowGroupRows>> {
    let opened = cancel
        .run(reader.open(store, table, file.name.as_str()))
        .await?;
    let wanted: Vec<_> = (0..opened.row_groups())
        .map(|group| (Arc::clone(&opened), group))
        .collect();
    let read = reader.read_row_groups(store, &wanted, &[], AsOf::Current, cancel, |_| {});
    Ok(read.await?.into_iter().flatten().collect())
}

/// The (key, event time) pairs seen, each with the moment from which it is visible. Files come in the order in which they
/// become visible, so of two equal pairs the one that comes first is visible first.
#[derive(Default)]
struct Pairs {
    hasher: DefaultHashBuilder,
    ids: HashTable<u32>,
    /// The bytes of all keys, end to end; key `i` ends at `ends[i]`.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// The event time that came last with each key. Bases repeat mostly it, and repetitions need not be kept.
    last: Vec<i64>,
    /// Pairs that are visible from their event time on, which are most.
    on_time: Vec<Pair>,
    /// Pairs that are visible later, with the moment.
    late: Vec<(Pair, i64)>,
}

/// A key id and an event time, in twelve bytes that order as the two do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Pair([u32; 3]);

impl Pair {
    fn new(id: u32, time: i64) -> Self {
        // With the sign turned over, the least time is the least number.
        let time = (time as u64) ^ (1 << 63);
        Self([id, (time >> 32) as u32, time as u32])
    }

    fn time(self) -> i64 {
        ((u64::from(self.0[1]) << 32 | u64::from(self.0[2])) ^ (1 << 63)) as i64
    }
}

impl Pairs {
    fn add(&mut self, group: &RowGroupRows, visible_from: i64) {
        for (row, time) in group.event_times.iter().enumerate() {
            let keys = self.last.len();
            let id = self.intern(group.keys.value(row).as_bytes());
            if id as usize == keys {
                self.last.push(*time);
            } else if std::mem::replace(&mut self.last[id as usize], *time) == *time {
                continue;
            }
            let pair = Pair::new(id, *time);
            if *time >= visible_from {
                self.on_time.push(pair);
            } else {
                self.late.push((pair, visible_from));
            }
        }
    }

    fn intern(&mut self, key: &[u8]) -> u32 {
        let Self {
            hasher,
            ids,
            bytes,
            ends,
            ..
        } = self;
        let held = |id: u32| {
            let start = if id == 0 { 0 } else { ends[id as usize - 1] };
            &bytes[start..ends[id as usize]]
        };
        let hash = hasher.hash_one(key);
        if let Some(id) = ids.find(hash, |id| held(*id) == key) {
            return *id;
        }
        let id = ends.len() as u32;
        ids.insert_unique(hash, id, |id| hasher.hash_one(held(*id)));
        bytes.extend_from_slice(key);
        ends.push(bytes.len());
        id
    }

    /// Each pair counts once, when it is first visible: on time if any file has it so.
    fn into_ticks(mut self) -> Ticks {
        self.ids.clear();
        self.on_time.sort_unstable();
        self.on_time.dedup();
        self.late.sort_unstable();
        self.late.dedup_by_key(|(pair, _)| *pair);
        let mut changes = Vec::with_capacity(self.on_time.len() + self.late.len());
        let mut on_time = self.on_time.iter().peekable();
        for (pair, visible_from) in &self.late {
            while on_time.next_if(|other| *other < pair).is_some() {}
            if on_time.peek() != Some(&pair) {
                changes.push(*visible_from);
            }
        }
        changes.extend(self.on_time.iter().map(|pair| pair.time()));
        Ticks::from_changes(changes)
    }
}
