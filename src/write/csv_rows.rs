//! Rows out of CSV, typed by a table's schema.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, RecordBatch, StringBuilder,
    TimestampMillisecondBuilder,
};
use csv::{ReaderBuilder, StringRecord};

use crate::error::{Error, ErrorKind, Result};
use crate::event_time::parse_calendar;
use crate::format::{Column, DataType, EVENT_TIME, KEY, Schema};
use crate::snapshot::output_schema;

/// Reads CSV without a header: key, event time, then the columns of the schema in order. An empty field is a null; a
/// key and an event time must not be. The error names the line and the column.
pub fn read_csv(text: &[u8], schema: &Schema) -> Result<RecordBatch> {
    let own = [(KEY, DataType::String), (EVENT_TIME, DataType::DateTime)];
    let named = schema
        .columns()
        .iter()
        .map(|c: &Column| (c.name.as_str(), c.data_type));
    let mut fields: Vec<Field> = own
        .into_iter()
        .chain(named)
        .map(|(name, t)| Field::new(name, t))
        .collect();
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text);
    let mut record = StringRecord::new();
    loop {
        let more = reader.read_record(&mut record).map_err(|e| {
            let line = e.position().map_or(0, csv::Position::line);
            refused(line, "it is not CSV in UTF-8")
        })?;
        if !more {
            break;
        }
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != fields.len() {
            return Err(refused(
                line,
                &format!(
                    "it has {} fields and should have {}",
                    record.len(),
                    fields.len()
                ),
            )
            .hint(format!(
                "the fields are {}",
                fields.iter().map(|f| f.name).collect::<Vec<_>>().join(", ")
            )));
        }
        for (i, (field, text)) in fields.iter_mut().zip(&record).enumerate() {
            if text.is_empty() && i < own.len() {
                return Err(refused(line, &format!("{} is empty", field.name)));
            }
            field.push(text).map_err(|e| refused(line, &e))?;
        }
    }
    let arrays = fields.into_iter().map(Field::finish).collect();
    RecordBatch::try_new(output_schema(schema.columns()), arrays).map_err(|e| {
        Error::new(
            ErrorKind::Usage,
            format!("the rows do not fit the schema: {e}"),
        )
    })
}

fn refused(line: u64, message: &str) -> Error {
    Error::new(ErrorKind::Usage, message).within(format!("line {line}"))
}

/// A column under construction.
struct Field<'a> {
    name: &'a str,
    values: Values,
}

enum Values {
    Text(StringBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Bool(BooleanBuilder),
    Time(TimestampMillisecondBuilder),
}

impl<'a> Field<'a> {
    fn new(name: &'a str, data_type: DataType) -> Self {
        let values = match data_type {
            DataType::String => Values::Text(StringBuilder::new()),
            DataType::Int => Values::Int(Int64Builder::new()),
            DataType::Float => Values::Float(Float64Builder::new()),
            DataType::Boolean => Values::Bool(BooleanBuilder::new()),
            DataType::DateTime => {
                Values::Time(TimestampMillisecondBuilder::new().with_timezone("UTC"))
            }
        };
        Self { name, values }
    }

    fn push(&mut self, text: &str) -> Result<(), String> {
        let refused = |wanted: &str| format!("{} is '{text}', which is not {wanted}", self.name);
        let some = (!text.is_empty()).then_some(text);
        match &mut self.values {
            Values::Text(b) => b.append_option(some),
            Values::Int(b) => b.append_option(
                some.map(|t| t.trim().parse())
                    .transpose()
                    .map_err(|_| refused("a whole number"))?,
            ),
            Values::Float(b) => b.append_option(
                some.map(|t| t.trim().parse())
                    .transpose()
                    .map_err(|_| refused("a number"))?,
            ),
            Values::Bool(b) => b.append_option(match some.map(str::trim) {
                None => None,
                Some(t) if t.eq_ignore_ascii_case("true") => Some(true),
                Some(t) if t.eq_ignore_ascii_case("false") => Some(false),
                Some(_) => return Err(refused("true or false")),
            }),
            Values::Time(b) => b.append_option(match some {
                None => None,
                Some(t) => Some(
                    parse_calendar(t)
                        .ok_or_else(|| refused("an RFC 3339 time or a date"))?
                        .ms(),
                ),
            }),
        }
        Ok(())
    }

    fn finish(self) -> ArrayRef {
        match self.values {
            Values::Text(mut b) => Arc::new(b.finish()),
            Values::Int(mut b) => Arc::new(b.finish()),
            Values::Float(mut b) => Arc::new(b.finish()),
            Values::Bool(mut b) => Arc::new(b.finish()),
            Values::Time(mut b) => Arc::new(b.finish()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                "1,2024-01-01,,maybe",
                "line 1: b is 'maybe', which is not true or false",
            ),
        ] {
            let error = read_csv(csv.as_bytes(), &schema())
                .expect_err(csv)
                .to_string();
            assert!(error.starts_with(said), "{error}");
        }
    }

    #[test]
    fn an_empty_field_is_a_null() {
        let batch = read_csv(b"1,2024-01-01T00:00:00.000Z,,FALSE", &schema()).expect("rows");
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
