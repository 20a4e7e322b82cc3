//! Making a table.

use crate::error::{Error, ErrorKind, Result};
use crate::format::{Column, DataType, FileName, Schema, VERSION_FILE, Version};

use super::snapshot_json::SnapshotJson;
use super::{SegmentBy, TableWriter};

/// Reads columns as people type them: `price:Float,sold:Int`. A `!` behind the type says that it may not be null.
pub fn parse_columns(list: &str) -> Result<Vec<Column>> {
    let refused = |message: String| {
        Error::new(ErrorKind::Usage, message)
            .hint("columns are given as price:Float,sold:Int; a ! behind the type forbids nulls")
    };
    let mut columns = Vec::new();
    for text in list.split(',').map(str::trim).filter(|t| !t.is_empty()) {
        let (name, data_type) = text
            .rsplit_once(':')
            .ok_or_else(|| refused(format!("'{text}' has no type")))?;
        let (data_type, nullable) = data_type
            .strip_suffix('!')
            .map_or((data_type, true), |bare| (bare, false));
        let of_name = |t: &DataType| t.name().eq_ignore_ascii_case(data_type.trim());
        let Some(data_type) = DataType::ALL.into_iter().find(of_name) else {
            let e = DataType::parse(data_type.trim()).err().unwrap_or_default();
            return Err(refused(e));
        };
        columns.push(Column {
            name: name.trim().to_owned(),
            data_type,
            nullable,
            stored_as: None,
        });
    }
    checked(columns)
}

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

fn checked(columns: Vec<Column>) -> Result<Vec<Column>> {
    match Schema::try_new(columns) {
        Ok(schema) => Ok(schema.columns().to_vec()),
        Err((_, e)) => Err(Error::new(ErrorKind::Usage, e)),
    }
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
        FileName::try_new(&self.table)
            .map_err(|_| refused(format!("'{}' is not a table name", self.table)))?;
        if self.table.starts_with('.') {
            return Err(refused(
                "a table's name does not begin with a dot".to_owned(),
            ));
        }
        let columns = checked(columns.to_vec())?;
        if let Some((version, _)) = self.roll_forward().await? {
            return Err(refused(format!("the table exists, at version {version}"))
                .hint("azof-tui append adds rows to it, azof-tui evolve changes its columns"));
        }
        self.store.make_folder(&self.table)?;
        let json = SnapshotJson::new(&columns, segment_by);
        self.commit(Version(0), json, ("create", 0), &[])
            .await
            .map_err(|e| match e.kind() {
                ErrorKind::Conflict => {
                    refused("the table exists".to_owned()).hint("azof-tui append adds rows to it")
                }
                _ => e,
            })
            .inspect(|version| debug_assert_eq!(version.0, 1, "{VERSION_FILE}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_read_as_people_type_them() {
        let columns = parse_columns(" price:Float, sold:int!,").expect("columns");
        let seen: Vec<_> = columns
            .iter()
            .map(|c| (c.name.as_str(), c.data_type, c.nullable))
            .collect();
        assert_eq!(
            seen,
            [
                ("price", DataType::Float, true),
                ("sold", DataType::Int, false)
            ]
        );
        for bad in ["price", "price:Real", "a:Int,a:Int", "key:String", ":Int"] {
            assert!(parse_columns(bad).is_err(), "{bad}");
        }
        let schema = br#"{"columns":[{"name":"a","data_type":"Int","nullable":false}]}"#;
        assert_eq!(parse_schema(schema).expect("a schema").len(), 1);
        assert!(parse_schema(b"[]").is_err());
    }
}
