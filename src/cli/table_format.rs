//! Rows as aligned columns for people.

use std::io::Write;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Field, Float64Type, Int64Type, SchemaRef, TimeUnit, TimestampMillisecondType,
    UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::event_time::{EventTime, Precision};
use crate::export::Stop;
use crate::text::{self, Align, decimal, ellipsis, fit, grouped, thousands};

/// No column is wider than this, so that one long text does not push all others off the screen.
const CELL_AT_MOST: usize = 60;

/// What becomes of a cell that is wider than its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LongCells {
    /// It is cut: on a screen, columns stay in line.
    Cut,
    /// It is written whole, for a file or another program: what was cut would be lost.
    Whole,
}

/// The last column's cells may run on for some lines of a screen.
const LAST_CELL_AT_MOST: usize = 4 * CELL_AT_MOST;

/// Rows looked at before the first one is written, to know how wide the columns are.
const ROWS_MEASURED: usize = 20_000;

/// Writes a header, a rule and the rows. Text is made visible, numbers get separators, nulls are `∅`, and times show
/// the precision that their column needs.
pub(super) fn write_table(
    out: &mut (dyn Write + Send),
    schema: &SchemaRef,
    batches: &mut dyn Iterator<Item = Result<RecordBatch, Stop>>,
    long_cells: LongCells,
) -> Result<(), Stop> {
    let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    if names == ["plan_type", "plan"] {
        return write_plan(out, batches);
    }
    let (mut measured, mut rows) = (Vec::new(), 0);
    while rows < ROWS_MEASURED {
        let Some(batch) = batches.next().transpose()? else {
            break;
        };
        rows += batch.num_rows();
        measured.push(batch);
    }
    let mut columns: Vec<Column> = (0..schema.fields().len())
        .map(|i| Column::new(schema.field(i), measured.iter().map(|b| b.column(i))))
        .collect();
    let line = |out: &mut (dyn Write + Send), cells: Vec<String>| {
        writeln!(out, "{}", cells.join("  ").trim_end())
    };
    let last = columns.len().saturating_sub(1);
    let fitted = |(i, column): (usize, &Column), text: &str| match long_cells {
        LongCells::Whole => padded(text, column),
        // The last one pushes no other off the screen, and is what a check has to say.
        LongCells::Cut if i == last => padded(&ellipsis(text, LAST_CELL_AT_MOST), column),
        LongCells::Cut => fit(text, column.width, column.align),
    };
    let heads = columns.iter().enumerate().map(|c| fitted(c, &c.1.name));
    line(out, heads.collect())?;
    line(out, columns.iter().map(|c| "─".repeat(c.width)).collect())?;
    for batch in measured.into_iter().map(Ok).chain(batches) {
        let batch = batch?;
        for (column, array) in columns.iter_mut().zip(batch.columns()) {
            column.precision = column.precision.max(precision_of(array));
        }
        for row in 0..batch.num_rows() {
            let cells = columns.iter().enumerate().zip(batch.columns());
            let cells = cells.map(|(c, array)| fitted(c, &c.1.cell(array, row)));
            line(out, cells.collect())?;
        }
    }
    Ok(())
}

/// A cell that is at least as wide as its column.
fn padded(text: &str, column: &Column) -> String {
    let text = text::visible(text);
    let width = column.width.max(text::width(&text));
    fit(&text, width, column.align)
}

/// Writes what EXPLAIN says, line by line: plans are long, and their lines say what lies in what.
fn write_plan(
    out: &mut (dyn Write + Send),
    batches: &mut dyn Iterator<Item = Result<RecordBatch, Stop>>,
) -> Result<(), Stop> {
    for batch in batches {
        let batch = batch?;
        let texts = [0, 1].map(|at| batch.column(at).as_string_opt::<i32>());
        let [Some(kinds), Some(plans)] = texts else {
            continue;
        };
        for (kind, plan) in kinds.iter().zip(plans) {
            writeln!(out, "{}", text::visible(kind.unwrap_or_default()))?;
            for line in plan.unwrap_or_default().lines() {
                writeln!(out, "  {}", text::visible(line))?;
            }
        }
    }
    Ok(())
}

fn precision_of(array: &ArrayRef) -> Precision {
    let times = array.as_primitive_opt::<TimestampMillisecondType>();
    times
        .into_iter()
        .flatten()
        .flatten()
        .map(|ms| EventTime::from_ms(ms).precision())
        .fold(Precision::Date, Precision::max)
}

struct Column {
    name: String,
    align: Align,
    precision: Precision,
    width: usize,
}

impl Column {
    fn new<'a>(field: &Field, arrays: impl Iterator<Item = &'a ArrayRef> + Clone) -> Self {
        let mut column = Self {
            name: field.name().clone(),
            align: if field.data_type().is_numeric() {
                Align::Right
            } else {
                Align::Left
            },
            precision: arrays
                .clone()
                .map(precision_of)
                .fold(Precision::Date, Precision::max),
            width: text::width(&ellipsis(field.name(), CELL_AT_MOST)),
        };
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
            DataType::Utf8View => array.as_string_view().value(row).to_owned(),
            DataType::Int64 => thousands(array.as_primitive::<Int64Type>().value(row)),
            DataType::Float64 => decimal(array.as_primitive::<Float64Type>().value(row)),
            DataType::UInt64 => grouped(array.as_primitive::<UInt64Type>().value(row)),
            DataType::Boolean => array.as_boolean().value(row).to_string(),
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                EventTime::from_ms(array.as_primitive::<TimestampMillisecondType>().value(row))
                    .to_text(self.precision)
            }
            other => ArrayFormatter::try_new(array, &FormatOptions::default()).map_or_else(
                |_| format!("({other})"),
                |shown| shown.value(row).to_string(),
            ),
        }
    }
}
