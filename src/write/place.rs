//! Where the data files of an append go in the snapshot.
//!
//! A pure matter of the snapshot and the files: what an append makes of a version can be made of another one again.

use serde_json::{Value, json};

use crate::event_time::EventTime;
use crate::format::Manifest;

use super::SegmentBy;
use super::snapshot_json::{LATE, SnapshotJson, WrittenFile, array_of, time, time_in};

/// Where a row goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bin {
    /// The period that begins at this time, milliseconds.
    Period(i64),
    Late,
}

/// The data files of an append.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// The names of all that were begun.
    pub(super) begun: Vec<String>,
    /// Those that were finished, the newest period first, the late ones last.
    pub(super) files: Vec<(Bin, WrittenFile)>,
    /// The base of the segment that opens the table again.
    pub(super) base: Option<WrittenFile>,
}

impl Written {
    pub(super) fn add(&mut self, bin: Bin, file: WrittenFile) {
        self.files.push((bin, file));
    }

    /// What is left to remove where nothing comes of it.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.begun.iter().map(String::as_str)
    }

    /// All files that the snapshot names.
    pub(super) fn finished(&self) -> Vec<WrittenFile> {
        let files = self.files.iter().map(|(_, file)| file);
        files.chain(&self.base).cloned().collect()
    }

    /// Rows, and those of them that are late.
    pub(super) fn counts(&self) -> (u64, u64) {
        let rows = |late_only: bool| {
            let files = self.files.iter();
            let files = files.filter(|(bin, _)| !late_only || *bin == Bin::Late);
            files.map(|(_, file)| file.rows).sum()
        };
        (rows(false), rows(true))
    }

    /// Names the files in the snapshot.
    pub(super) fn place_into(
        &self,
        json: &mut SnapshotJson,
        manifest: &Manifest,
        segment_by: SegmentBy,
    ) {
        let latest_start = manifest.segments.iter().map(|s| s.start.ms()).max();
        // The oldest period first, for each new segment goes before those that are there.
        for (bin, file) in self.files.iter().rev() {
            match bin {
                Bin::Period(_) => place_in_period(json, latest_start, segment_by, file),
                Bin::Late => {}
            }
        }
        let late = self.files.iter().filter(|(bin, _)| *bin == Bin::Late);
        for (_, file) in late {
            place_late(json, manifest, file);
        }
    }
}

/// The position of the first segment that is not the one of late rows.
fn first_period(segments: &[Value]) -> usize {
    usize::from(segments.first().is_some_and(is_late_segment))
}

/// True for a segment without an end.
pub(super) fn is_open(segment: &Value) -> bool {
    segment.get("end").is_none_or(Value::is_null)
}

/// True for the segment that this writer keeps late rows in.
pub(super) fn is_late_segment(segment: &Value) -> bool {
    segment.get("id").and_then(Value::as_str) == Some(LATE)
        && segment.get("late") == Some(&Value::Bool(true))
        && is_open(segment)
        && segment.get("file").is_none_or(Value::is_null)
        && segment
            .get("segments")
            .is_none_or(|s| s.as_array().is_none_or(Vec::is_empty))
}

/// A delta whose rows are as new as all before, or newer: into the open segment of its period, or a new one.
fn place_in_period(
    json: &mut SnapshotJson,
    latest_start: Option<i64>,
    segment_by: SegmentBy,
    file: &WrittenFile,
) {
    let (least, _) = file.event_times;
    let segments = json.segments_mut();
    let at = first_period(segments);
    let is_of_period = |segment: &Value| {
        let Some(start) = time_in(segment, "start") else {
            return false;
        };
        let has_children = segment
            .get("segments")
            .is_some_and(|s| s.as_array().is_some_and(|s| !s.is_empty()));
        let is_same = match segment_by {
            SegmentBy::Bytes(limit) => bytes_of(segment) < limit,
            by => by.period_start(start) == by.period_start(least),
        };
        is_open(segment) && !has_children && start <= least && is_same
    };
    let delta = file.delta(least);
    // What stands before it must hold no row that this one may correct.
    let has_ended = |segment: &Value| time_in(segment, "end").is_some_and(|end| end < least);
    let before = segments[at..].iter().take_while(|s| has_ended(s)).count();
    let held = segments.get_mut(at + before).filter(|s| is_of_period(s));
    if let Some(Value::Object(segment)) = held {
        // Its start is at or after all others', and where it is equal the earlier in the file wins.
        array_of(segment, "delta").insert(0, delta);
        segment.shift_remove("compact");
        return;
    }
    let start = segment_by.period_start(least);
    let start = latest_start.map_or(start, |latest| start.max(latest.min(least)));
    let id = unused_id(segments, &period_name(segment_by, start));
    segments.insert(
        at,
        json!({ "id": id, "start": time(start), "delta": [delta] }),
    );
}

/// The id, or where a segment has it already the id with a number.
fn unused_id(segments: &[Value], id: &str) -> String {
    let is_used = |id: &str| {
        let mut ids = segments.iter().filter_map(|s| s.get("id")?.as_str());
        ids.any(|used| used == id)
    };
    let mut number = 1;
    let mut unused = id.to_owned();
    while is_used(&unused) {
        number += 1;
        unused = format!("{id} ({number})");
    }
    unused
}

/// `2024`, `2024-Q3` or `2024-08`.
pub(super) fn period_name(segment_by: SegmentBy, start: i64) -> String {
    let Some((year, month, ..)) = crate::event_time::calendar(EventTime::from_ms(start)) else {
        return time(start);
    };
    let is_by_size = matches!(segment_by, SegmentBy::Bytes(_));
    if is_by_size || segment_by.period_start(start) != start {
        return format!("from {}", time(start));
    }
    match segment_by {
        SegmentBy::Year => format!("{year:04}"),
        SegmentBy::Quarter => format!("{year:04}-Q{}", (month - 1) / 3 + 1),
        _ => format!("{year:04}-{month:02}"),
    }
}

/// Bytes of a segment's deltas, as far as the snapshot tells.
fn bytes_of(segment: &Value) -> u64 {
    let deltas = segment.get("delta").and_then(Value::as_array);
    deltas.map_or(0, |deltas| {
        deltas.iter().filter_map(|d| d.get("bytes")?.as_u64()).sum()
    })
}

/// A delta of late rows: before all others, so that what it says again wins.
fn place_late(json: &mut SnapshotJson, manifest: &Manifest, file: &WrittenFile) {
    let (least, _) = file.event_times;
    let first = manifest.segments.iter().map(|s| s.start.ms()).min();
    let segments = json.segments_mut();
    if first_period(segments) == 0 {
        let start = first.map_or(least, |first| first.min(least));
        segments.insert(
            0,
            json!({ "id": LATE, "start": time(start), "late": true, "delta": [] }),
        );
    }
    let Some(Value::Object(segment)) = segments.first_mut() else {
        return;
    };
    // One start for all: of two that say the same row, the one that was committed last must win.
    let held = segment.get("start").cloned();
    let held = held.and_then(|s| time_in(&json!({ "start": s }), "start"));
    let start = held.map_or(least, |held| held.min(least));
    segment.insert("start".to_owned(), json!(time(start)));
    let deltas = array_of(segment, "delta");
    deltas.insert(0, file.delta(start));
    for delta in deltas.iter_mut() {
        delta["start"] = json!(time(start));
    }
}
