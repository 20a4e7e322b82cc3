//! Every version of one key: what each moment shows of it, from the first to the last.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, TimestampMillisecondArray};
use arrow::datatypes::{Field, Schema as ArrowSchema, SchemaRef};

use crate::cancel::CancelToken;
use crate::error::{Error, ErrorKind, Result};
use crate::event_time::{AsOf, EventTime};
use crate::format::{Column, FileName, Manifest};
use crate::scan::{Chunks, KeyFilter, KeyOrder, Reader, RowGroupRows, RowRef, Value, time_type};
use crate::snapshot::{gather, output_schema};
use crate::store::Store;
use crate::timeline::{Epoch, Epochs, KeyRow, key_versions};

/// Files searched at the same time; what was searched is let go before the next ones are.
const FILES_AT_ONCE: usize = 16;

/// A row of a key, and the stretch of event time in which it is what a read shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// The first moment, milliseconds.
    from: i64,
    /// The last moment, milliseconds; `None` where it is current.
    until: Option<i64>,
    at: RowRef,
}

/// The versions of a key, oldest first.
///
/// Guarantees: at every moment, the version whose stretch holds it is the row that a read as of it shows, in event time
/// and values; where no stretch does, a read shows no such key. Stretches that touch differ in event time or a value.
#[derive(Debug)]
pub struct History {
    key: String,
    columns: Arc<[Column]>,
    chunks: Chunks,
    versions: Vec<Version>,
}

impl History {
    /// The key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The number of versions.
    pub fn len(&self) -> usize {
        self.versions.len()
    }

    /// True where no moment shows the key.
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// The first moment at which a version is shown.
    pub fn valid_from(&self, version: usize) -> EventTime {
        EventTime::from_ms(self.versions[version].from)
    }

    /// The last moment at which a version is shown; `None` where it is current.
    pub fn valid_to(&self, version: usize) -> Option<EventTime> {
        self.versions[version].until.map(EventTime::from_ms)
    }

    /// The event time of a version.
    pub fn event_time(&self, version: usize) -> EventTime {
        let (chunk, row) = self.row(version);
        EventTime::from_ms(chunk.event_times[row])
    }

    /// A value of a version.
    pub fn value(&self, version: usize, column: usize) -> Value<'_> {
        let (chunk, row) = self.row(version);
        chunk.columns[column].value(row)
    }

    fn row(&self, version: usize) -> (&RowGroupRows, usize) {
        let at = self.versions[version].at;
        (&self.chunks[at.chunk as usize], at.row as usize)
    }

    /// The moments at which the key comes, goes or changes, ascending, milliseconds; with a column, those at which its
    /// value does.
    pub fn changes(&self, column: Option<usize>) -> Vec<i64> {
        let mut moments = Vec::new();
        for (i, version) in self.versions.iter().enumerate() {
            let before = i.checked_sub(1).map(|before| &self.versions[before]);
            let gap = before.and_then(|before| before.until?.checked_add(1));
            let is_joined = gap == Some(version.from);
            if let (Some(gap), false) = (gap, is_joined) {
                moments.push(gap);
            }
            let is_same =
                is_joined && column.is_some_and(|c| self.value(i - 1, c) == self.value(i, c));
            if !is_same {
                moments.push(version.from);
            }
        }
        let end = self
            .versions
            .last()
            .and_then(|last| last.until?.checked_add(1));
        moments.extend(end);
        moments
    }

    /// The versions, newest first, in rows of [`history_schema`].
    pub fn batch(&self) -> Result<RecordBatch> {
        version_batch(&self.chunks, &self.columns, self.versions.iter().rev())
    }
}

/// The versions of many keys: by key, then oldest first. What [`History`] guarantees of one key holds for each.
#[derive(Debug)]
pub struct Histories {
    columns: Arc<[Column]>,
    chunks: Chunks,
    versions: Vec<Version>,
}

impl Histories {
    /// The number of versions of all keys.
    pub fn len(&self) -> usize {
        self.versions.len()
    }

    /// True where no moment shows any of the keys.
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// Versions `from..from + count`, cut to what there is, in rows of [`history_schema`].
    pub fn batch(&self, from: usize, count: usize) -> Result<RecordBatch> {
        let end = from.saturating_add(count).min(self.len());
        let versions = self.versions.get(from..end).unwrap_or_default();
        version_batch(&self.chunks, &self.columns, versions.iter())
    }
}

fn version_batch<'a>(
    chunks: &Chunks,
    columns: &[Column],
    versions: impl Iterator<Item = &'a Version> + Clone,
) -> Result<RecordBatch> {
    let from: TimestampMillisecondArray = versions.clone().map(|v| Some(v.from)).collect();
    let until: TimestampMillisecondArray = versions.clone().map(|v| v.until).collect();
    let rows: Vec<RowRef> = versions.map(|v| v.at).collect();
    let mut arrays: Vec<ArrayRef> = vec![
        Arc::new(from.with_timezone("UTC")),
        Arc::new(until.with_timezone("UTC")),
    ];
    arrays.extend(gather(chunks, &rows, columns)?);
    RecordBatch::try_new(history_schema(columns), arrays).map_err(|e| {
        Error::new(
            ErrorKind::Output,
            format!("versions cannot be gathered: {e}"),
        )
    })
}

/// `valid_from` and `valid_to` (ms, UTC, both inclusive; a null `valid_to` is current), then as
/// [`output_schema`] has them.
pub fn history_schema(columns: &[Column]) -> SchemaRef {
    let own = [
        Field::new("valid_from", time_type(), false),
        Field::new("valid_to", time_type(), true),
    ];
    let rows = output_schema(columns);
    let rows = rows.fields().iter().map(|f| f.as_ref().clone());
    Arc::new(ArrowSchema::new(
        own.into_iter().chain(rows).collect::<Vec<_>>(),
    ))
}

/// Reads all versions of a key. Row groups whose statistics rule the key out are passed over.
pub async fn read_history(
    reader: &Arc<Reader>,
    store: &Store,
    table: &str,
    of: (&Manifest, &Epochs),
    key: &str,
    columns: Arc<[Column]>,
    cancel: &CancelToken,
) -> Result<History> {
    let keys = KeyFilter::listed([key.to_owned()]);
    let all = read_histories(reader, store, table, of, &keys, columns, cancel).await?;
    Ok(History {
        key: key.to_owned(),
        columns: all.columns,
        chunks: all.chunks,
        versions: all.versions,
    })
}

/// Reads all versions of some keys. Row groups whose statistics rule the keys out are passed over.
pub async fn read_histories(
    reader: &Arc<Reader>,
    store: &Store,
    table: &str,
    (manifest, epochs): (&Manifest, &Epochs),
    keys: &KeyFilter,
    columns: Arc<[Column]>,
    cancel: &CancelToken,
) -> Result<Histories> {
    // Everything is read once: keeping it would only drive out what is on screen.
    let reader = &Arc::new(reader.apart_without_cache());
    let mut names: Vec<&FileName> = manifest.files().collect();
    names.sort_unstable();
    names.dedup();
    let mut chunks: Vec<Arc<RowGroupRows>> = Vec::new();
    let mut of_file: HashMap<&FileName, Vec<usize>> = HashMap::new();
    let mut held = 0;
    for batch in names.chunks(FILES_AT_ONCE) {
        let paths: Vec<&str> = batch.iter().map(|name| name.as_str()).collect();
        let files = reader.open_all(store, table, &paths, cancel).await?;
        let found = if keys.is_all() {
            let groups: Vec<_> = files
                .iter()
                .enumerate()
                .flat_map(|(at, f)| {
                    (0..f.row_groups()).map(move |group| (at, Arc::clone(f), group))
                })
                .collect();
            held += groups
                .iter()
                .map(|(_, f, group)| Reader::decoded_bytes(f, *group, &columns))
                .sum::<usize>();
            reader.check_budget(held)?;
            let wanted: Vec<_> = groups.iter().map(|(_, f, g)| (Arc::clone(f), *g)).collect();
            let read = reader
                .read_row_groups(store, &wanted, &columns, AsOf::Current, cancel, |_| {})
                .await?;
            let read = groups.iter().zip(read);
            read.filter_map(|((at, ..), rows)| Some((*at, rows?)))
                .collect()
        } else {
            reader
                .read_rows_of_keys(store, &files, (keys, AsOf::Current), &columns, cancel)
                .await?
        };
        for (file, rows) in found {
            of_file.entry(batch[file]).or_default().push(chunks.len());
            chunks.push(Arc::new(rows));
        }
    }
    let chunks: Chunks = chunks.into();
    let task = {
        let (chunks, cancel) = (Arc::clone(&chunks), cancel.clone());
        let of_epoch: Vec<(Epoch, Vec<(usize, i64)>)> = (0..epochs.len())
            .map(|id| {
                let epoch = epochs.get(id);
                let files = epoch.files(manifest);
                let parts = files.iter().flat_map(|file| {
                    let of = of_file.get(&file.name).into_iter().flatten();
                    of.map(|chunk| (*chunk, file.visible_from.ms()))
                });
                let parts = parts.collect();
                (epoch, parts)
            })
            .collect();
        move || all_versions(&chunks, &of_epoch, &cancel)
    };
    let versions = reader.compute(cancel, task).await?;
    Ok(Histories {
        columns,
        chunks,
        versions,
    })
}

/// Works out the versions of all keys: those of each epoch, joined where they go on over an edge; by key, then oldest
/// first. Each epoch comes with its chunks in order of precedence, and when each becomes visible.
fn all_versions(
    chunks: &Chunks,
    epochs: &[(Epoch, Vec<(usize, i64)>)],
    cancel: &CancelToken,
) -> Result<Vec<Version>> {
    let mut ids: HashMap<&str, usize> = HashMap::new();
    let mut of_key: Vec<Vec<Version>> = Vec::new();
    let mut rows: Vec<KeyRow> = Vec::new();
    for (epoch, parts) in epochs {
        cancel.check()?;
        let of_epoch: Vec<Arc<RowGroupRows>> = parts
            .iter()
            .map(|(chunk, _)| Arc::clone(&chunks[*chunk]))
            .collect();
        let order = KeyOrder::split(&of_epoch, 1);
        let mut versions_of = |found: &[RowRef]| {
            rows.clear();
            rows.extend(found.iter().map(|row| {
                let (chunk, visible_from) = parts[row.chunk as usize];
                KeyRow {
                    event_time: chunks[chunk].event_times[row.row as usize],
                    visible_from,
                    at: RowRef {
                        chunk: chunk as u32,
                        row: row.row,
                    },
                }
            }));
            let Some(first) = rows.first() else { return };
            let key = chunks[first.at.chunk as usize]
                .keys
                .value(first.at.row as usize);
            let id = *ids.entry(key).or_insert_with(|| {
                of_key.push(Vec::new());
                of_key.len() - 1
            });
            let shown = key_versions(epoch, &rows);
            let ends = shown.iter().skip(1).map(|next| Some(next.from - 1));
            let last = (epoch.until < i64::MAX).then_some(epoch.until);
            for (version, until) in shown.iter().zip(ends.chain([last])) {
                let version = Version {
                    from: version.from,
                    until,
                    at: version.at,
                };
                push_version(&mut of_key[id], chunks, version);
            }
        };
        order.for_each_key(&of_epoch, 0, cancel, |_, _| true, &mut versions_of)?;
    }
    let mut keys: Vec<(&str, usize)> = ids.into_iter().collect();
    keys.sort_unstable();
    Ok(keys
        .into_iter()
        .flat_map(|(_, id)| std::mem::take(&mut of_key[id]))
        .collect())
}

/// Appends a version; one that goes on with the same row, or with a row that says the same, is one with it.
fn push_version(versions: &mut Vec<Version>, chunks: &Chunks, version: Version) {
    if let Some(last) = versions.last_mut() {
        let touches = last.until.and_then(|until| until.checked_add(1)) == Some(version.from);
        let (a, b) = (
            &chunks[last.at.chunk as usize],
            &chunks[version.at.chunk as usize],
        );
        let (at_a, at_b) = (last.at.row as usize, version.at.row as usize);
        let is_same = a.event_times[at_a] == b.event_times[at_b]
            && a.columns
                .iter()
                .zip(&b.columns)
                .all(|(x, y)| x.is_equal(at_a, y, at_b));
        if touches && is_same {
            last.until = version.until;
            return;
        }
    }
    versions.push(version);
}
