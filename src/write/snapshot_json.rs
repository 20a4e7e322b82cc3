//! A snapshot file under change: the JSON itself, so that fields of others are kept.

use serde_json::{Map, Value, json};

use crate::error::{Error, ErrorKind, Result};
use crate::event_time::{EventTime, parse_rfc3339};
use crate::format::{Column, Manifest};

use super::SegmentBy;

/// The name of the segment that holds late rows; it stands first, so what it says wins over what it corrects.
pub(super) const LATE: &str = "late";

/// The JSON of `s<V>.json`.
///
/// Guarantees: it has passed [`Manifest::parse`] when it was read, so `schema.columns` and `segments` are arrays of
/// objects; fields that are not touched stay as they were, in their order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SnapshotJson(Map<String, Value>);

impl SnapshotJson {
    /// A snapshot without segments.
    pub(super) fn new(columns: &[Column], segment_by: SegmentBy) -> Self {
        let columns: Vec<Value> = columns.iter().map(column_json).collect();
        let mut map = Map::new();
        map.insert("schema".to_owned(), json!({ "columns": columns }));
        map.insert("segments".to_owned(), json!([]));
        map.insert("segment_by".to_owned(), json!(segment_by.to_string()));
        Self(map)
    }

    /// Reads the bytes of a snapshot file, and what they mean.
    pub(super) fn parse(bytes: &[u8]) -> Result<(Self, Manifest)> {
        let manifest = Manifest::parse(bytes)?;
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(map)) => Ok((Self(map), manifest)),
            _ => Err(Error::new(ErrorKind::Manifest, "it is not a JSON object")),
        }
    }

    /// The bytes of the file.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(&self.0)
            .map_err(|e| Error::new(ErrorKind::Manifest, format!("it cannot be written: {e}")))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// A field beside `schema` and `segments`.
    pub(super) fn field(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Sets a field beside `schema` and `segments`.
    pub(super) fn set_field(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// The policy by which appends open segments, as the table's creation or the last append that named one left it.
    pub(super) fn segment_by(&self) -> SegmentBy {
        let text = self.0.get("segment_by").and_then(Value::as_str);
        text.and_then(|t| SegmentBy::parse(t).ok())
            .unwrap_or_default()
    }

    /// The top-level segments.
    pub(super) fn segments_mut(&mut self) -> &mut Vec<Value> {
        array_of(&mut self.0, "segments")
    }

    /// The schema's object.
    pub(super) fn schema_mut(&mut self) -> &mut Map<String, Value> {
        let schema = self.0.entry("schema").or_insert_with(|| json!({}));
        if !schema.is_object() {
            *schema = json!({});
        }
        match schema {
            Value::Object(map) => map,
            _ => unreachable!("it was made an object"),
        }
    }

    /// The schema's columns.
    pub(super) fn columns_mut(&mut self) -> &mut Vec<Value> {
        array_of(self.schema_mut(), "columns")
    }
}

/// An array in an object; made where there is none.
pub(super) fn array_of<'a>(map: &'a mut Map<String, Value>, name: &str) -> &'a mut Vec<Value> {
    let value = map.entry(name).or_insert_with(|| json!([]));
    if !value.is_array() {
        *value = json!([]);
    }
    match value {
        Value::Array(array) => array,
        _ => unreachable!("it was made an array"),
    }
}

/// A column as the schema lists it.
pub(super) fn column_json(column: &Column) -> Value {
    let mut json = json!({
        "name": column.name,
        "data_type": column.data_type.name(),
        "nullable": column.nullable,
    });
    if let Some(stored) = &column.stored_as {
        json["stored_as"] = json!(stored);
    }
    json
}

/// A data file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WrittenFile {
    pub(super) name: String,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// The least and the greatest event time, milliseconds.
    pub(super) event_times: (i64, i64),
}

impl WrittenFile {
    /// The file as a delta whose rows are visible from `start` (milliseconds) on.
    pub(super) fn delta(&self, start: i64) -> Value {
        json!({
            "file": self.name,
            "start": time(start),
            "end": time(self.event_times.1),
            "rows": self.rows,
            "bytes": self.bytes,
        })
    }
}

/// A time (milliseconds) as metadata spells it.
pub(super) fn time(ms: i64) -> String {
    EventTime::from_ms(ms).to_string()
}

/// The time in a field of an object, milliseconds.
pub(super) fn time_in(value: &Value, field: &str) -> Option<i64> {
    let text = value.get(field)?.as_str()?;
    parse_rfc3339(text).ok().map(EventTime::ms)
}
