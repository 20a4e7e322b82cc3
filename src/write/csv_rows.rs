//! Rows out of CSV, typed by a table's schema.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use bytes::{Buf, Bytes};

use crate::error::{Error, ErrorKind, Result};
use crate::format::{Column, EVENT_TIME, KEY, Schema};
use crate::snapshot::output_schema;

use super::input::{self, Input, InputOptions, input_schema};

/// Reads CSV without a header: key, event time, then the columns of the schema in order. An empty field is a null; a
/// key and an event time must not be. The error names the line and the column.
pub fn read_csv(text: impl Into<Bytes>, schema: &Schema) -> Result<RecordBatch> {
    // Files of other writers have nulls where their schema forbids them, and this makes such files too.
    let columns: Vec<Column> = schema
        .columns()
        .iter()
        .map(|column| Column {
            nullable: true,
            ..column.clone()
        })
        .collect();
    let options = InputOptions {
        header: false,
        ..InputOptions::default()
    };
    let names = columns.iter().map(|column| column.name.as_str());
    let names: Vec<&str> = [KEY, EVENT_TIME].into_iter().chain(names).collect();
    let place = |e: Error| e.hint(format!("a line has the fields {}", names.join(", ")));
    let text = Input::Csv(Box::new(text.into().reader()));
    let (mut source, mut rejects) = input::open(text, &columns, &options, &Arc::default())?;
    let mut batches = Vec::new();
    while let Some(batch) = source.next_batch(&mut rejects).map_err(place)? {
        batches.push(batch);
    }
    let refused = |e: arrow::error::ArrowError| {
        Error::new(
            ErrorKind::Usage,
            format!("the rows do not fit the schema: {e}"),
        )
    };
    let rows = concat_batches(&input_schema(&columns), &batches).map_err(refused)?;
    let values = rows.columns()[..names.len()].to_vec();
    RecordBatch::try_new(output_schema(schema.columns()), values).map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::DataType;

    fn schema() -> Schema {
        let column = |name: &str, data_type| Column {
            name: name.into(),
            data_type,
            nullable: true,
            stored_as: None,
        };
        Schema::try_new(vec![
            column("n", DataType::Int),
            column("b", DataType::Boolean),
        ])
        .expect("a schema")
    }

    #[test]
    fn faults_name_their_line_and_column() {
        for (csv, said) in [
            (
                "1,2024-01-01,5,true\n2,2024-01-01,x,true",
                "line 2: n is 'x', which is not a whole number",
            ),
            (
                "1,2024-01-01,5",
                "line 1: it has 3 fields and should have 4",
            ),
            (",2024-01-01,5,true", "line 1: key is empty"),
            ("1,yesterday,5,true", "line 1: event_time is 'yesterday'"),
            (
                "1,2024-01-01,5,\"true\n2,2024-01-01,5,true",
                "line 1: the quote that opens in line 1 is never closed",
            ),
            (
                "1,2024-01-01,,maybe",
                "line 1: b is 'maybe', which is not true or false",
            ),
        ] {
            let error = read_csv(csv, &schema()).expect_err(csv).to_string();
            assert!(error.starts_with(said), "{error}");
        }
    }

    #[test]
    fn an_empty_field_is_a_null() {
        let batch = read_csv("1,2024-01-01T00:00:00.000Z,,FALSE", &schema()).expect("rows");
        assert_eq!(
            (
                batch.num_rows(),
                batch.column(2).null_count(),
                batch.column(3).null_count()
            ),
            (1, 1, 0)
        );
    }
}
