//! Why a read shows the row that it shows: every row of the key that the planned files hold, and what decided between
//! them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cancel::CancelToken;
use crate::error::Result;
use crate::event_time::{AsOf, EventTime};
use crate::format::{FileName, FileRole, Manifest, plan};
use crate::scan::{KeyFilter, Reader};
use crate::store::{Store, Traffic};

/// What became of a row in the choice of its key's newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is the row that the read shows.
    Shown,
    /// It happened after the moment.
    BeyondMoment,
    /// The row shown has a greater event time.
    Older,
    /// The row shown has the same event time, and its file comes before this one in the plan.
    LowerPrecedence,
    /// The row shown has the same event time, and stands before this one in the same file.
    LaterInFile,
}

impl Verdict {
    /// The verdict in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::BeyondMoment => "beyond the moment",
            Self::Older => "older",
            Self::LowerPrecedence => "lower precedence",
            Self::LaterInFile => "later in the file",
        }
    }
}

/// A row of the key, and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowOrigin {
    /// The data file.
    pub file: FileName,
    /// What the file is to its segment.
    pub role: FileRole,
    /// The segment's name in the manifest.
    pub segment: String,
    /// The position of the file in the plan: less is of higher precedence.
    pub precedence: usize,
    /// The row group, from 0.
    pub row_group: usize,
    /// The row's number in its row group, from 0.
    pub row_in_group: usize,
    /// The row's number in the file, from 0.
    pub row_in_file: usize,
    /// Its event time.
    pub event_time: EventTime,
    /// What became of it.
    pub verdict: Verdict,
}

/// What finding the rows took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SearchCost {
    /// Files that the plan names.
    pub files: usize,
    /// Those of them that statistics did not rule out.
    pub files_read: usize,
    /// Row groups read.
    pub row_groups: usize,
    /// Row groups whose statistics ruled the key out.
    pub row_groups_pruned: usize,
    /// Requests to the store.
    pub requests: u64,
    /// Bytes from the store.
    pub bytes: u64,
    /// From the start to the answer.
    pub elapsed: Duration,
}

/// Every row of a key that the files of a plan hold, with what decided between them.
///
/// Guarantees: the rows stand by event time, newest first, then by precedence, then as in their file; at most one is
/// [`Verdict::Shown`], and it is the row that a read as of the moment shows; none is where such a read shows no such key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// The key.
    pub key: String,
    /// The moment.
    pub as_of: AsOf,
    /// The rows.
    pub rows: Vec<RowOrigin>,
    /// What finding them took.
    pub cost: SearchCost,
}

impl Provenance {
    /// The row that the read shows.
    pub fn shown(&self) -> Option<&RowOrigin> {
        self.rows.iter().find(|r| r.verdict == Verdict::Shown)
    }

    /// The other rows, in order.
    pub fn others(&self) -> impl Iterator<Item = &RowOrigin> {
        self.rows.iter().filter(|r| r.verdict != Verdict::Shown)
    }
}

/// Finds every row of a key in the files that a read as of a moment considers. Row groups whose statistics rule the key
/// out are passed over.
pub async fn read_provenance(
    reader: &Arc<Reader>,
    store: &Store,
    table: &str,
    (manifest, as_of): (&Manifest, AsOf),
    key: &str,
    cancel: &CancelToken,
) -> Result<Provenance> {
    let started = Instant::now();
    let traffic = Arc::new(Traffic::default());
    let store = &store.counting(Arc::clone(&traffic));
    let files = plan(manifest, as_of).files;
    let names: Vec<&str> = files.iter().map(|f| f.name.as_str()).collect();
    let opened = reader.open_all(store, table, &names, cancel).await?;
    let keys = KeyFilter::listed([key.to_owned()]);
    let (mut files_read, mut row_groups, mut all_groups) = (0, 0, 0);
    for file in &opened {
        let groups = 0..file.row_groups();
        let read = groups.filter(|g| file.admits_keys(*g, &keys)).count();
        files_read += usize::from(read > 0);
        row_groups += read;
        all_groups += file.row_groups();
    }
    // Rows beyond the moment are part of the answer.
    let found = reader
        .read_rows_of_keys(store, &opened, (&keys, AsOf::Current), &[], cancel)
        .await?;
    let mut rows = Vec::new();
    for (at, group) in found {
        let (planned, file) = (&files[at], &opened[at]);
        let before: usize = (0..group.row_group).map(|g| file.rows_in_group(g)).sum();
        for (position, event_time) in group.event_times.iter().enumerate() {
            let numbers = group.row_numbers.as_ref();
            let row_in_group = numbers.map_or(position, |numbers| numbers[position] as usize);
            rows.push(RowOrigin {
                file: planned.name.clone(),
                role: planned.role,
                segment: manifest.segments[planned.segment].id.clone(),
                precedence: at,
                row_group: group.row_group,
                row_in_group,
                row_in_file: before + row_in_group,
                event_time: EventTime::from_ms(*event_time),
                verdict: Verdict::BeyondMoment,
            });
        }
    }
    judge(&mut rows, as_of);
    Ok(Provenance {
        key: key.to_owned(),
        as_of,
        rows,
        cost: SearchCost {
            files: files.len(),
            files_read,
            row_groups,
            row_groups_pruned: all_groups - row_groups,
            requests: traffic.requests(),
            bytes: traffic.bytes(),
            elapsed: started.elapsed(),
        },
    })
}

/// Puts the rows in order and gives each its verdict: the first one that the moment admits is shown.
fn judge(rows: &mut [RowOrigin], as_of: AsOf) {
    rows.sort_by_key(|r| (std::cmp::Reverse(r.event_time), r.precedence, r.row_in_file));
    let mut shown: Option<(EventTime, usize)> = None;
    for row in rows.iter_mut() {
        row.verdict = match shown {
            _ if !as_of.admits(row.event_time.ms()) => Verdict::BeyondMoment,
            None => {
                shown = Some((row.event_time, row.precedence));
                Verdict::Shown
            }
            Some((event_time, _)) if row.event_time < event_time => Verdict::Older,
            Some((_, precedence)) if row.precedence != precedence => Verdict::LowerPrecedence,
            Some(_) => Verdict::LaterInFile,
        };
    }
}
