//! Making a table.

use crate::error::{Error, ErrorKind, Result};
use crate::format::{Column, FileName, Schema, Version};

use super::snapshot_json::SnapshotJson;
use super::{SegmentBy, TableWriter};

/// Reads the columns of a schema file: the `schema` of a snapshot, or a whole snapshot.
pub fn parse_schema(bytes: &[u8]) -> Result<Vec<Column>> {
    let refused = |e: String| {
        Error::new(ErrorKind::Usage, format!("it is not a schema: {e}"))
            .hint(r#"a schema file holds {"columns": [{"name": "price", "data_type": "Float"}]}"#)
    };
    let mut json: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|e| refused(e.to_string()))?;
    if json.get("schema").is_none() {
        json = serde_json::json!({ "schema": json });
    }
    json["segments"] = serde_json::json!([]);
    let text = json.to_string();
    let manifest =
        crate::format::Manifest::parse(text.as_bytes()).map_err(|e| refused(e.to_string()))?;
    Ok(manifest.schema.columns().to_vec())
}

impl TableWriter {
    /// Makes a table of these columns, without rows: its version 1.
    pub async fn create(&self, columns: &[Column], segment_by: SegmentBy) -> Result<Version> {
        self.try_create(columns, segment_by)
            .await
            .map_err(|e| self.place(e))
    }

    async fn try_create(&self, columns: &[Column], segment_by: SegmentBy) -> Result<Version> {
        let refused = |message: String| Error::new(ErrorKind::Usage, message);
        if FileName::try_new(&self.table).is_err() || self.table.starts_with('.') {
            return Err(refused(format!("'{}' is not a table name", self.table))
                .hint("it is the name of a folder: without a slash, and no dot before it"));
        }
        Schema::try_new(columns.to_vec())
            .map_err(|(_, e)| refused(e).hint("give each column a name of its own"))?;
        if let Some((version, _)) = self.roll_forward().await? {
            return Err(refused(format!("the table exists, at version {version}"))
                .hint("azof-tui append adds rows to it, azof-tui evolve changes its columns"));
        }
        self.store.make_folder(&self.table)?;
        let json = SnapshotJson::new(columns, segment_by);
        self.commit(Version(0), json, ("create", 0), &[])
            .await
            .map_err(|e| match e.kind() {
                ErrorKind::Conflict => {
                    refused("the table exists".to_owned()).hint("azof-tui append adds rows to it")
                }
                _ => e,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_file_is_a_schema_or_a_snapshot() {
        let schema = r#"{"columns":[{"name":"a","data_type":"Int","nullable":false}]}"#;
        let snapshot = format!(r#"{{"schema":{schema},"segments":[]}}"#);
        for text in [schema, &snapshot] {
            assert_eq!(parse_schema(text.as_bytes()).expect("a schema").len(), 1);
        }
        assert!(parse_schema(b"[]").is_err());
    }
}
