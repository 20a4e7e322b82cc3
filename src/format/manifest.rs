//! A table at one version: its schema and its segment tree, checked.

use crate::error::{Error, ErrorKind, Result};
use crate::event_time::{AsOf, EventTime, parse_rfc3339};

use super::wire::{DeltaJson, ManifestJson, SegmentJson};
use super::{Column, DataType, FileName, Schema};

/// A manifest larger than this is refused before it is parsed.
pub const MANIFEST_BYTES_AT_MOST: u64 = 64 << 20;

/// Nested deeper than this, `serde_json` stops: 128 JSON levels, two a segment.
const SEGMENT_DEPTH_AT_MOST: usize = 63;

/// What `s<V>.json` says.
///
/// Guarantees: every start is at or before its end; every data file name is a plain path segment; the segments stand
/// in the order in which a read considers them (a child before its parent, otherwise as in the file), so a plan is a
/// filter over a list and never a walk that data could deepen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The value columns.
    pub schema: Schema,
    /// All segments, children before their parents: the order of precedence.
    pub segments: Vec<Segment>,
}

/// A stretch of event time with its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The name that the manifest gives it.
    pub id: String,
    /// How many segments hold this one.
    pub depth: usize,
    /// The first time of its stretch, inclusive.
    pub start: EventTime,
    /// The last time of its stretch, inclusive; none where it is open.
    pub end: Option<EventTime>,
    /// The latest of its start and its ancestors' starts: a read before this skips it.
    pub kept_from: EventTime,
    /// The earliest of its end and its ancestors' ends: a read after this skips it. None where all of them are open.
    pub kept_until: Option<EventTime>,
    /// The state at the start.
    pub base: Option<FileName>,
    /// Inserts and updates, latest start first; those with equal starts as in the file.
    pub deltas: Vec<Delta>,
}

/// A file of inserts and updates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delta {
    /// The data file.
    pub file: FileName,
    /// The earliest event time that it is meant to hold, inclusive; its rows are not visible before.
    pub start: EventTime,
    /// The latest event time that it is meant to hold, inclusive.
    pub end: Option<EventTime>,
}

impl Segment {
    /// True where a read as of this moment considers the segment.
    pub fn is_kept(&self, as_of: AsOf) -> bool {
        match as_of {
            AsOf::At(at) => self.kept_from <= at && self.kept_until.is_none_or(|until| at <= until),
            AsOf::Current => self.kept_until.is_none(),
        }
    }
}

impl Manifest {
    /// Parses and checks the bytes of `s<V>.json`. Errors carry the JSON path.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let refused = |message: String| Error::new(ErrorKind::Manifest, message);
        let text = std::str::from_utf8(bytes)
            .map_err(|e| refused(format!("it is not UTF-8 (at byte {})", e.valid_up_to())))?;
        if let Ok(wire) = serde_json::from_str::<ManifestJson>(text) {
            return Self::from_wire(wire);
        }
        // Read once more, slower, to tell where it is wrong.
        let mut json = serde_json::Deserializer::from_str(text);
        let wire: ManifestJson = serde_path_to_error::deserialize(&mut json).map_err(|e| {
            let path = e.path().to_string();
            let cause = e.into_inner();
            let error = if cause.to_string().starts_with("recursion limit exceeded") {
                refused(format!(
                    "segments are nested too deep (at most {SEGMENT_DEPTH_AT_MOST} levels)"
                ))
            } else if cause.is_data() {
                refused(format!("{cause}"))
            } else {
                refused(format!("it is not JSON: {cause}"))
            };
            if path == "." {
                error
            } else {
                error.within(path)
            }
        })?;
        json.end()
            .map_err(|e| refused(format!("it is not JSON: {e}")))?;
        Self::from_wire(wire)
    }

    fn from_wire(wire: ManifestJson) -> Result<Self> {
        let mut columns = Vec::with_capacity(wire.schema.columns.len());
        for (i, column) in wire.schema.columns.into_iter().enumerate() {
            let data_type = DataType::parse(&column.data_type)
                .map_err(|e| at(e, format!("schema.columns[{i}].data_type")))?;
            columns.push(Column {
                name: column.name,
                data_type,
                nullable: column.nullable,
                stored_as: column.stored_as,
            });
        }
        let schema = Schema::try_new(columns)
            .map_err(|(i, e)| at(e, format!("schema.columns[{i}].name")))?;
        let mut segments = Vec::new();
        let root = Ancestors {
            depth: 0,
            kept_from: EventTime::from_ms(i64::MIN),
            kept_until: None,
        };
        for (i, segment) in wire.segments.into_iter().enumerate() {
            add_segment(segment, &format!("segments[{i}]"), &root, &mut segments)?;
        }
        Ok(Self { schema, segments })
    }

    /// Every data file, once a mention, in order of precedence.
    pub fn files(&self) -> impl Iterator<Item = &FileName> {
        self.segments
            .iter()
            .flat_map(|s| s.deltas.iter().map(|d| &d.file).chain(&s.base))
    }

    /// The names of the data files, each once, ascending.
    pub fn distinct_files(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.files().map(FileName::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// True where some segment and all that hold it are open, so that the table has a current state.
    pub fn has_open_segment(&self) -> bool {
        self.segments.iter().any(|s| s.kept_until.is_none())
    }

    /// The moments at which some segment begins, and the last moments at which one ends, ascending and distinct.
    pub fn segment_edges(&self) -> Vec<EventTime> {
        let mut edges: Vec<EventTime> = self.segments.iter().map(|s| s.start).collect();
        edges.sort_unstable();
        edges.dedup();
        edges
    }
}

/// What the segments around one say of it.
struct Ancestors {
    depth: usize,
    kept_from: EventTime,
    kept_until: Option<EventTime>,
}

/// Appends a segment after its children. The recursion is no deeper than the parser's limit.
fn add_segment(
    wire: SegmentJson,
    path: &str,
    around: &Ancestors,
    out: &mut Vec<Segment>,
) -> Result<()> {
    let (start, end) = bounds(&wire.start, wire.end.as_deref(), path)?;
    let kept_until = match (around.kept_until, end) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    let here = Ancestors {
        depth: around.depth + 1,
        kept_from: around.kept_from.max(start),
        kept_until,
    };
    for (i, child) in wire.segments.unwrap_or_default().into_iter().enumerate() {
        add_segment(child, &format!("{path}.segments[{i}]"), &here, out)?;
    }
    let mut deltas = Vec::new();
    for (i, delta) in wire.delta.unwrap_or_default().iter().enumerate() {
        deltas.push(checked_delta(delta, &format!("{path}.delta[{i}]"))?);
    }
    deltas.sort_by_key(|d| std::cmp::Reverse(d.start));
    let base = wire
        .file
        .map(|name| FileName::try_new(&name).map_err(|e| at(e, format!("{path}.file"))));
    out.push(Segment {
        id: wire.id,
        depth: around.depth,
        start,
        end,
        kept_from: here.kept_from,
        kept_until,
        base: base.transpose()?,
        deltas,
    });
    Ok(())
}

fn checked_delta(wire: &DeltaJson, path: &str) -> Result<Delta> {
    let (start, end) = bounds(&wire.start, wire.end.as_deref(), path)?;
    let file = FileName::try_new(&wire.file).map_err(|e| at(e, format!("{path}.file")))?;
    Ok(Delta { file, start, end })
}

fn bounds(start: &str, end: Option<&str>, path: &str) -> Result<(EventTime, Option<EventTime>)> {
    let start = parse_rfc3339(start).map_err(|e| at(e.to_string(), format!("{path}.start")))?;
    let end =
        end.map(|end| parse_rfc3339(end).map_err(|e| at(e.to_string(), format!("{path}.end"))));
    let end = end.transpose()?;
    if let Some(end) = end.filter(|end| *end < start) {
        return Err(at(
            format!("it starts at {start}, after its end {end}"),
            path.to_owned(),
        ));
    }
    Ok((start, end))
}

fn at(message: String, path: String) -> Error {
    Error::new(ErrorKind::Manifest, message).within(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(json: &str) -> String {
        Manifest::parse(json.as_bytes())
            .expect_err("a refusal")
            .to_string()
    }

    fn with_segment(segment: &str) -> String {
        format!(r#"{{"schema":{{"columns":[]}},"segments":[{segment}]}}"#)
    }

    #[test]
    fn faults_name_their_json_path() {
        let columns = |c: &str| format!(r#"{{"schema":{{"columns":[{c}]}},"segments":[]}}"#);
        for (json, said) in [
            ("{".to_owned(), "not JSON"),
            (r#"{"segments":[]}"#.to_owned(), "missing field `schema`"),
            (
                columns(r#"{"name":"a","data_type":"Real"}"#),
                "schema.columns[0].data_type: 'Real' is not a column type",
            ),
            (
                columns(r#"{"name":"key","data_type":"Int"}"#),
                "schema.columns[0].name: 'key' is in every table",
            ),
            (
                with_segment(r#"{"id":"x","start":"2019-13-01T00:00:00Z"}"#),
                "segments[0].start: '2019-13-01T00:00:00Z' is not",
            ),
            (
                with_segment(
                    r#"{"id":"x","start":"2019-01-01T00:00:00Z","end":"2018-01-01T00:00:00Z"}"#,
                ),
                "segments[0]: it starts at",
            ),
            (
                with_segment(r#"{"id":"x","start":"2019-01-01T00:00:00Z","file":"../x"}"#),
                "segments[0].file: '../x'",
            ),
            (
                with_segment(
                    r#"{"id":"x","start":"2019-01-01T00:00:00Z","segments":[{"id":"y","start":5}]}"#,
                ),
                "segments[0].segments[0].start: invalid type",
            ),
            (
                with_segment(r#"{"id":"x","start":"2019-01-01T00:00:00Z"}"#) + "x",
                "not JSON",
            ),
        ] {
            assert!(
                refusal(&json).contains(said),
                "{} has not: {said}",
                refusal(&json)
            );
        }
    }

    #[test]
    fn nesting_beyond_the_limit_is_an_error_and_not_a_crash() {
        let deep = |levels: usize| {
            let open = r#"{"id":"x","start":"2019-01-01T00:00:00Z","segments":["#.repeat(levels);
            with_segment(
                &(open.trim_end_matches(r#","segments":["#).to_owned()
                    + "}"
                    + &"]}".repeat(levels - 1)),
            )
        };
        assert!(Manifest::parse(deep(60).as_bytes()).is_ok());
        assert!(refusal(&deep(64)).contains("nested too deep"));
        assert!(refusal(&deep(100_000)).contains("nested too deep"));
    }

    #[test]
    fn children_come_before_their_parents_and_inherit_their_bounds() {
        let json = with_segment(
            r#"{"id":"y","start":"2019-01-01T00:00:00Z","end":"2019-12-31T00:00:00Z","unknown":1,"segments":[
                 {"id":"q1","start":"2018-01-01T00:00:00Z"},{"id":"q2","start":"2019-04-01T00:00:00Z","end":"2020-04-01T00:00:00Z"}]}"#,
        );
        let manifest = Manifest::parse(json.as_bytes()).expect("a manifest");
        let ids: Vec<&str> = manifest.segments.iter().map(|s| s.id.as_str()).collect();
        assert_eq!(ids, ["q1", "q2", "y"]);
        assert_eq!(
            manifest.segments[0].kept_from.to_string(),
            "2019-01-01T00:00:00.000Z"
        );
        assert_eq!(manifest.segments[0].kept_until, manifest.segments[2].end);
        assert!(!manifest.has_open_segment());
    }
}
