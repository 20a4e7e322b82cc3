//! Rows as aligned columns for people.

use std::io::{self, Write};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampMillisecondType, UInt64Type};

use crate::event_time::{EventTime, Precision};
use crate::text::{self, Align, decimal, ellipsis, fit, thousands};

/// A cell is cut to this width, so that one long text does not push all others off the screen.
const CELL_AT_MOST: usize = 60;

/// Writes a header, a rule and the rows. Text is made visible, numbers get separators, nulls are `∅`, and times show
/// the precision that their column needs.
pub(super) fn write_table(out: &mut dyn Write, batches: &[RecordBatch]) -> io::Result<()> {
    let Some(first) = batches.first() else {
        return Ok(());
    };
    let schema = first.schema();
    let columns: Vec<Column> = (0..schema.fields().len())
        .map(|i| Column::new(schema.field(i).name(), batches.iter().map(|b| b.column(i))))
        .collect();
    let line =
        |out: &mut dyn Write, cells: Vec<String>| writeln!(out, "{}", cells.join("  ").trim_end());
    line(
        out,
        columns
            .iter()
            .map(|c| fit(&c.name, c.width, c.align))
            .collect(),
    )?;
    line(out, columns.iter().map(|c| "─".repeat(c.width)).collect())?;
    for batch in batches {
        for row in 0..batch.num_rows() {
            line(
                out,
                columns
                    .iter()
                    .enumerate()
                    .map(|(i, c)| fit(&c.cell(batch.column(i), row), c.width, c.align))
                    .collect(),
            )?;
        }
    }
    Ok(())
}

struct Column {
    name: String,
    align: Align,
    precision: Precision,
    width: usize,
}

impl Column {
    fn new<'a>(name: &str, arrays: impl Iterator<Item = &'a ArrayRef> + Clone) -> Self {
        let kind = arrays.clone().next().map(|a| a.data_type().clone());
        let mut column = Self {
            name: name.to_owned(),
            align: if kind.is_some_and(|k| k.is_numeric()) {
                Align::Right
            } else {
                Align::Left
            },
            precision: Precision::Date,
            width: text::width(&ellipsis(name, CELL_AT_MOST)),
        };
        for array in arrays.clone() {
            if let Some(times) = array.as_primitive_opt::<TimestampMillisecondType>() {
                let precisions = times
                    .iter()
                    .flatten()
                    .map(|ms| EventTime::from_ms(ms).precision());
                column.precision = precisions.fold(column.precision, Precision::max);
            }
        }
        for array in arrays {
            for row in 0..array.len() {
                column.width = column.width.max(text::width(&ellipsis(
                    &column.cell(array, row),
                    CELL_AT_MOST,
                )));
            }
        }
        column
    }

    fn cell(&self, array: &ArrayRef, row: usize) -> String {
        if array.is_null(row) {
            return "∅".to_owned();
        }
        match array.data_type() {
            DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
            DataType::Int64 => thousands(array.as_primitive::<Int64Type>().value(row)),
            DataType::Float64 => decimal(array.as_primitive::<Float64Type>().value(row)),
            DataType::UInt64 => thousands(array.as_primitive::<UInt64Type>().value(row) as i64),
            DataType::Boolean => array.as_boolean().value(row).to_string(),
            DataType::Timestamp(..) => {
                EventTime::from_ms(array.as_primitive::<TimestampMillisecondType>().value(row))
                    .to_text(self.precision)
            }
            other => format!("({other})"),
        }
    }
}
