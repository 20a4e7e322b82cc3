//! The JSON of `s<V>.json`, as it stands in the file. What it means is [`super::manifest`]'s.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct ManifestJson {
    pub schema: SchemaJson,
    pub segments: Vec<SegmentJson>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SchemaJson {
    pub columns: Vec<ColumnJson>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ColumnJson {
    pub name: String,
    pub data_type: String,
    #[serde(default = "yes")]
    pub nullable: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct SegmentJson {
    pub id: String,
    pub start: String,
    pub end: Option<String>,
    pub file: Option<String>,
    pub delta: Option<Vec<DeltaJson>>,
    pub segments: Option<Vec<SegmentJson>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct DeltaJson {
    pub file: String,
    pub start: String,
    pub end: Option<String>,
}

fn yes() -> bool {
    true
}
