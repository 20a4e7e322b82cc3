//! The JSON of `s<V>.json`, as it stands in the file. What it means is [`super::manifest`]'s.

use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub(super) struct ManifestJson {
    pub schema: SchemaJson,
    pub segments: Vec<SegmentJson>,
    /// Fields that this version does not know. Collecting them also keeps an array from passing for an object.
    #[serde(flatten)]
    pub _unknown: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub(super) struct SchemaJson {
    pub columns: Vec<ColumnJson>,
    /// Fields that this version does not know. Collecting them also keeps an array from passing for an object.
    #[serde(flatten)]
    pub _unknown: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub(super) struct ColumnJson {
    pub name: String,
    pub data_type: String,
    #[serde(default = "yes")]
    pub nullable: bool,
    pub stored_as: Option<String>,
    /// Fields that this version does not know. Collecting them also keeps an array from passing for an object.
    #[serde(flatten)]
    pub _unknown: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub(super) struct SegmentJson {
    pub id: String,
    pub start: String,
    pub end: Option<String>,
    pub file: Option<String>,
    pub delta: Option<Vec<DeltaJson>>,
    pub segments: Option<Vec<SegmentJson>>,
    /// Fields that this version does not know. Collecting them also keeps an array from passing for an object.
    #[serde(flatten)]
    pub _unknown: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub(super) struct DeltaJson {
    pub file: String,
    pub start: String,
    pub end: Option<String>,
    /// Fields that this version does not know. Collecting them also keeps an array from passing for an object.
    #[serde(flatten)]
    pub _unknown: Map<String, Value>,
}

fn yes() -> bool {
    true
}
