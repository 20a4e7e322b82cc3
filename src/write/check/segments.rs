//! Looking at the segments of a snapshot, as far as it can be read.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::event_time::parse_rfc3339;
use crate::format::FileName;
use crate::write::place::{is_late_segment, is_open};
use crate::write::snapshot_json::{time, time_in};

use super::{Checked, Severity};

/// The bounds of a segment or a delta, milliseconds; the far future where it is open, `None` where they are broken.
fn bounds(segment: &Value) -> Option<(i64, i64)> {
    let start = time_in(segment, "start")?;
    let end = if is_open(segment) {
        i64::MAX
    } else {
        time_in(segment, "end")?
    };
    (start <= end).then_some((start, end))
}

/// Looks at segments beside each other, and at what they hold; `around` has the bounds of the one that holds them.
pub(super) fn check_segments(
    file: &str,
    path: &str,
    segments: &[Value],
    around: Option<(i64, i64)>,
    checked: &mut Checked,
) {
    let mut ids: HashSet<&str> = HashSet::new();
    for (i, segment) in segments.iter().enumerate() {
        let place = format!("{file}, {path}[{i}]");
        let Some((start, end)) = bounds(segment) else {
            continue;
        };
        if let Some(id) = segment.get("id").and_then(Value::as_str)
            && !ids.insert(id)
        {
            let message = format!("another segment beside it has the id '{id}' too");
            checked.add(Severity::Warning, &place, message);
        }
        if let Some((outer_start, outer_end)) = around
            && (start < outer_start || end > outer_end)
        {
            let message = "it reaches beyond the segment that holds it, and is not seen there";
            checked.add(Severity::Warning, &place, message);
        }
        let deltas = segment.get("delta").and_then(Value::as_array);
        for (d, delta) in deltas.into_iter().flatten().enumerate() {
            let place = format!("{place}.delta[{d}]");
            if bounds(delta).is_some_and(|(from, _)| from > end) {
                let message = "it starts after its segment's end, so none of its rows is ever seen";
                checked.add(Severity::Warning, place, message);
            } else if let Some((from, to)) = bounds(delta)
                && !is_late_segment(segment)
                && (from < start || time_in(delta, "end").is_some() && to > end)
            {
                let message = format!(
                    "its range {} to {} reaches beyond its segment's",
                    time(from),
                    time_in(delta, "end").map_or("(open)".to_owned(), time)
                );
                checked.add(Severity::Warning, place, message);
            }
        }
        if let Some(children) = segment.get("segments").and_then(Value::as_array) {
            let path = format!("{path}[{i}].segments");
            check_segments(file, &path, children, Some((start, end)), checked);
        }
    }
    check_overlaps(file, path, segments, checked);
    // Where a segment is broken, nobody knows what it was to cover.
    if around.is_none() && segments.iter().all(|s| bounds(s).is_some()) {
        check_gaps(file, path, segments, checked);
    }
}

/// Segments that lie over each other, so that a read there sees the files of both.
///
/// That is how appends go where an open segment without a base lies over what stands behind it: its rows are added to
/// what the others show. Any other two may show what neither means.
fn check_overlaps(file: &str, path: &str, segments: &[Value], checked: &mut Checked) {
    let has_base = |s: &Value| s.get("file").is_some_and(Value::is_string);
    let mut overlap = |i: usize, other: usize, from: i64| {
        let based = [i, other].map(|i| has_base(&segments[i]));
        let said = match based {
            [true, true] => "both have a base",
            [false, false] => "neither has a base",
            _ => "only one of them has a base",
        };
        let from = time(from);
        let message = format!("it overlaps {path}[{other}] from {from} on, and {said}");
        checked.add(Severity::Warning, format!("{file}, {path}[{i}]"), message);
    };
    let bounded = segments
        .iter()
        .enumerate()
        .filter(|(_, s)| !is_late_segment(s));
    let bounded = bounded.filter_map(|(i, s)| bounds(s).map(|(start, end)| (start, end, i)));
    let (over, mut solid): (Vec<_>, Vec<_>) =
        bounded.partition(|(_, _, i)| is_open(&segments[*i]) && !has_base(&segments[*i]));
    // What lies over others should stand before them.
    let mut furthest: Option<(i64, usize)> = None;
    let mut before = solid.iter().peekable();
    for (start, _, i) in over {
        while let Some((_, end, other)) = before.next_if(|(_, _, other)| *other < i) {
            furthest = furthest.max(Some((*end, *other)));
        }
        if let Some((_, other)) = furthest.filter(|(end, _)| *end >= start) {
            overlap(i, other, start);
        }
    }
    solid.sort_unstable();
    let mut furthest: Option<(i64, usize)> = None;
    for (start, end, i) in solid {
        if let Some((_, other)) = furthest.filter(|(end, _)| *end >= start) {
            overlap(i, other, start);
        }
        furthest = furthest.max(Some((end, i)));
    }
}

/// Stretches between segments that none covers.
fn check_gaps(file: &str, path: &str, segments: &[Value], checked: &mut Checked) {
    let mut all: Vec<(i64, i64, usize)> = segments
        .iter()
        .enumerate()
        .filter(|(_, s)| !is_late_segment(s))
        .filter_map(|(i, s)| bounds(s).map(|(start, end)| (start, end, i)))
        .collect();
    all.sort_unstable();
    let mut covered: Option<i64> = None;
    for (start, end, i) in all {
        if let Some(until) = covered
            && until.checked_add(1).is_some_and(|next| start > next)
        {
            let message = format!(
                "no segment covers {} to {}: reads there find nothing",
                time(until + 1),
                time(start - 1)
            );
            checked.add(Severity::Warning, format!("{file}, {path}[{i}]"), message);
        }
        covered = covered.max(Some(end));
    }
}

/// Finds the segments and deltas that break a rule of the format, and takes them out, so that the rest can be looked
/// at; answers the data files that they name.
pub(super) fn take_out_broken(
    file: &str,
    path: &str,
    segments: &mut Vec<Value>,
    checked: &mut Checked,
) -> Vec<String> {
    let mut named = Vec::new();
    let mut at = 0;
    segments.retain_mut(|segment| {
        let path = format!("{path}[{at}]");
        at += 1;
        let name = |value: &Value| value.get("file").and_then(Value::as_str).map(str::to_owned);
        let before = checked.findings.len();
        check_bounds(file, &path, segment, checked);
        let is_sound = checked.findings.len() == before;
        if !is_sound {
            named.extend(name(segment));
        }
        let mut at = 0;
        if let Some(deltas) = segment.get_mut("delta").and_then(Value::as_array_mut) {
            deltas.retain(|delta| {
                let before = checked.findings.len();
                check_bounds(file, &format!("{path}.delta[{at}]"), delta, checked);
                at += 1;
                let is_delta_sound = checked.findings.len() == before;
                if !(is_sound && is_delta_sound) {
                    named.extend(name(delta));
                }
                is_delta_sound
            });
        }
        let children = segment.get_mut("segments").and_then(Value::as_array_mut);
        if let Some(children) = children {
            let path = format!("{path}.segments");
            named.extend(take_out_broken(file, &path, children, checked));
            if !is_sound {
                named.extend(files_of(&json!(children)));
            }
        }
        is_sound
    });
    named
}

/// The data files that a piece of JSON names, at any depth.
fn files_of(json: &Value) -> Vec<String> {
    match json {
        Value::Array(items) => items.iter().flat_map(files_of).collect(),
        Value::Object(map) => {
            let own = map.get("file").and_then(Value::as_str);
            let below = map.values().flat_map(files_of);
            own.map(str::to_owned).into_iter().chain(below).collect()
        }
        _ => Vec::new(),
    }
}

/// The times and the file name of a segment or a delta.
fn check_bounds(file: &str, path: &str, json: &Value, checked: &mut Checked) {
    let mut fault = |field: &str, message: String| {
        checked.add(Severity::Error, format!("{file}, {path}{field}"), message);
    };
    let mut read = |field: &str| {
        let text = match json.get(field) {
            None | Some(Value::Null) if field == "end" => return None,
            Some(Value::String(text)) => text,
            _ => {
                fault(&format!(".{field}"), "it should be a time".to_owned());
                return None;
            }
        };
        match parse_rfc3339(text) {
            Ok(at) => Some(at),
            Err(e) => {
                fault(&format!(".{field}"), e.to_string());
                None
            }
        }
    };
    let bounds = (read("start"), read("end"));
    if let (Some(start), Some(end)) = bounds
        && start > end
    {
        fault("", format!("it starts at {start}, after its end {end}"));
    }
    if let Some(Value::String(name)) = json.get("file")
        && let Err(e) = FileName::try_new(name)
    {
        fault(".file", e);
    }
}
