//! Changing a table's columns. Files stay as they are: what changes is the name and the type under which they are read.
//!
//! A column keeps the name that data files give it for good (`stored_as`), whatever it is called later; a dropped
//! column's stored name is never given to another one (`dropped`), so that no old value comes back under a new name.

use serde_json::{Value, json};

use crate::error::{Error, ErrorKind, Result};
use crate::format::{Column, DataType, FileName, Version};

use super::commit::{Head, TableWriter};
use super::snapshot_json::column_json;

/// A change of the columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaChange {
    /// A new column at the end, null in all rows that are there.
    Add(Column),
    /// Int to Float: every whole number becomes the nearest Float.
    Widen(String),
    /// Other names, all at once: from, to. So two columns may swap theirs.
    Rename(Vec<(String, String)>),
    /// A column goes.
    Drop(String),
}

impl TableWriter {
    /// Makes these changes, one after the other, in one version. Older versions stay readable as they were.
    pub async fn evolve(&self, changes: &[SchemaChange]) -> Result<Version> {
        self.try_evolve(changes).await.map_err(|e| self.place(e))
    }

    async fn try_evolve(&self, changes: &[SchemaChange]) -> Result<Version> {
        if changes.is_empty() {
            return Err(refused("no change is asked for".to_owned()));
        }
        let mut head = self.head().await?;
        let before = head.json.clone();
        let mut columns = head.manifest.schema.columns().to_vec();
        for change in changes {
            match change {
                SchemaChange::Add(column) => self.add(&mut head, &mut columns, column).await?,
                SchemaChange::Widen(name) => {
                    let at = find(&columns, name)?;
                    if columns[at].data_type != DataType::Int {
                        return Err(refused(format!(
                            "column '{name}' is {}, and only an Int can be widened, to Float",
                            columns[at].data_type
                        )));
                    }
                    columns[at].data_type = DataType::Float;
                    head.json.columns_mut()[at]["data_type"] = json!(DataType::Float.name());
                }
                SchemaChange::Rename(names) => {
                    let mut found: Vec<(usize, &str)> = Vec::with_capacity(names.len());
                    for (from, to) in names {
                        let at = find(&columns, from)?;
                        if found.iter().any(|(other, _)| *other == at) {
                            return Err(refused(format!("column '{from}' is renamed twice")));
                        }
                        found.push((at, to));
                    }
                    for (at, to) in found {
                        rename(&mut columns[at], &mut head.json.columns_mut()[at], to);
                    }
                }
                SchemaChange::Drop(name) => {
                    let at = find(&columns, name)?;
                    let column = columns.remove(at);
                    head.json.columns_mut().remove(at);
                    let schema = head.json.schema_mut();
                    let dropped = super::snapshot_json::array_of(schema, "dropped");
                    dropped.push(json!(column.stored_name()));
                }
            }
            crate::format::Schema::try_new(columns.clone()).map_err(|(_, e)| refused(e))?;
        }
        if head.json == before {
            return Err(refused("the columns are so already".to_owned()));
        }
        self.commit(head.version, head.json, ("evolve", 0), &[])
            .await
    }

    async fn add(&self, head: &mut Head, columns: &mut Vec<Column>, column: &Column) -> Result<()> {
        if !column.nullable && !head.manifest.segments.is_empty() {
            return Err(refused(format!(
                "column '{}' would be null in the rows that are there, so it may not forbid nulls",
                column.name
            )));
        }
        let mut number = 1;
        let mut stored = column.name.clone();
        while self.is_stored(head, columns, &stored).await? {
            number += 1;
            stored = format!("{}~{number}", column.name);
        }
        let column = Column {
            stored_as: (stored != column.name).then_some(stored),
            ..column.clone()
        };
        head.json.columns_mut().push(column_json(&column));
        columns.push(column);
        Ok(())
    }

    /// True where data files give this name to some column, even one that was dropped, or that no schema listed.
    async fn is_stored(&self, head: &mut Head, columns: &[Column], name: &str) -> Result<bool> {
        let of_schema = columns.iter().any(|c| c.stored_name() == name);
        let dropped = head.json.schema_mut().get("dropped");
        let was_dropped = dropped
            .and_then(Value::as_array)
            .is_some_and(|dropped| dropped.iter().any(|d| d.as_str() == Some(name)));
        if of_schema || was_dropped {
            return Ok(true);
        }
        for file in head.manifest.files().map(FileName::as_str) {
            let file = self.reader.open(&self.store, &self.table, file).await?;
            if file.has_column(name) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Gives a column another name, and its JSON too; the name that data files give it stays.
fn rename(column: &mut Column, json: &mut Value, to: &str) {
    let stored = column.stored_name().to_owned();
    to.clone_into(&mut column.name);
    json["name"] = json!(to);
    if stored == to {
        column.stored_as = None;
        if let Value::Object(json) = json {
            json.shift_remove("stored_as");
        }
    } else {
        json["stored_as"] = json!(stored);
        column.stored_as = Some(stored);
    }
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::Usage, message)
        .hint("nothing was changed; azof-tui evolve --help tells what may be asked")
}

fn find(columns: &[Column], name: &str) -> Result<usize> {
    columns.iter().position(|c| c.name == name).ok_or_else(|| {
        let known: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
        Error::new(
            ErrorKind::ColumnNotFound,
            format!("there is no column '{name}'"),
        )
        .hint(format!("its columns are {}", known.join(", ")))
    })
}
