//! Rows out of NDJSON: an object a line.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::RecordBatch;
use serde_json::Value;

use crate::error::Result;
use crate::export::float_name;
use crate::format::{Column, DataType};

use super::json_lines::JsonLines;
use super::rejects::RowForm;
use super::rows::{Cell, RowBuilder, time_of};
use super::{BATCH_BYTES, BATCH_ROWS, Counting, InputOptions, Progress, Rejects, RowSource};

/// Whole numbers up to this one are exact where JSON's numbers are floating-point ones.
const EXACT_AT_MOST: f64 = (1u64 << 53) as f64;

/// Rows of an NDJSON text. A field that is missing is a null; one that the table does not know is refused.
pub(super) struct NdjsonRows {
    lines: JsonLines<Counting>,
    columns: Vec<Column>,
    names: (String, String),
    builder: RowBuilder,
    progress: Arc<Progress>,
}

impl NdjsonRows {
    pub(super) fn open(text: Counting, columns: &[Column], options: &InputOptions) -> Self {
        Self {
            progress: Arc::clone(&text.progress),
            lines: JsonLines::new(text),
            columns: columns.to_vec(),
            names: (options.key.clone(), options.event_time.clone()),
            builder: RowBuilder::new(columns),
        }
    }

    /// Where a field goes: the key, the event time, then the columns in their order.
    fn place_of(&self, name: &str) -> Result<(usize, DataType), String> {
        if name == self.names.0 {
            return Ok((0, DataType::String));
        }
        if name == self.names.1 {
            return Ok((1, DataType::DateTime));
        }
        let found = self
            .columns
            .iter()
            .enumerate()
            .find(|(_, c)| c.name == name);
        found
            .map(|(i, column)| (i + 2, column.data_type))
            .ok_or_else(|| format!("the table has no column '{name}'"))
    }

    /// Reads the object that is at hand, and adds it as a row.
    fn push(&mut self, line: u64) -> Result<(), String> {
        let mut fields = self.lines.fields()?;
        let mut placed: Vec<Option<(&str, &Value, DataType)>> = vec![None; self.columns.len() + 2];
        for (name, value) in &mut fields {
            let (place, data_type) = self.place_of(name)?;
            if data_type == DataType::String {
                spell(value);
            }
            let is_there = placed[place].replace((name, value, data_type)).is_some();
            if is_there {
                return Err(format!("{name} is there twice"));
            }
        }
        let mut cells = Vec::with_capacity(placed.len());
        for field in placed {
            cells.push(match field {
                Some((name, value, data_type)) => {
                    cell_of_json(value, data_type).map_err(|e| format!("{name} is {e}"))?
                }
                None => Cell::Null,
            });
        }
        if matches!(cells[0], Cell::Text("")) {
            cells[0] = Cell::Null;
        }
        self.builder.push(line, cells[0], cells[1], &cells[2..])
    }
}

impl RowSource for NdjsonRows {
    fn form(&self) -> RowForm {
        let own = [(self.names.0.clone(), 0), (self.names.1.clone(), 1)];
        let values = self.columns.iter().enumerate();
        let values = values.map(|(i, column)| (column.name.clone(), i + 2));
        RowForm::Object(own.into_iter().chain(values).collect())
    }

    fn next_batch(&mut self, rejects: &mut Rejects) -> Result<Option<RecordBatch>> {
        while self.builder.len() < BATCH_ROWS && self.builder.bytes() < BATCH_BYTES {
            let Some(line) = self.lines.advance()? else {
                break;
            };
            if let Err(reason) = self.push(line) {
                let row = self.lines.bytes().to_vec();
                rejects.refuse(line, &reason, |_| vec![row])?;
            }
        }
        if self.builder.len() == 0 {
            return Ok(None);
        }
        let read = self.builder.len() as u64;
        self.progress.rows_read.fetch_add(read, Ordering::Relaxed);
        self.builder.take().map(Some)
    }
}

/// In a column of texts a number or a truth value is the text that spells it, unless its digits are lost already.
fn spell(value: &mut Value) {
    let keeps_its_digits = match value {
        Value::Bool(_) => true,
        Value::Number(number) => {
            !number.is_f64() || number.as_f64().is_some_and(|n| n.abs() <= EXACT_AT_MOST)
        }
        _ => false,
    };
    if keeps_its_digits {
        *value = Value::String(value.to_string());
    }
}

fn cell_of_json(value: &Value, data_type: DataType) -> Result<Cell<'_>, String> {
    let refused = |wanted: &str| Err(format!("{value}, which is not {wanted}"));
    Ok(match (data_type, value) {
        (_, Value::Null) => Cell::Null,
        (DataType::String, Value::String(text)) => Cell::Text(text),
        (DataType::String, _) => return refused("a text"),
        (DataType::Int, value) => match value.as_i64() {
            Some(number) => Cell::Int(number),
            None => return refused("a whole number of 64 bits"),
        },
        (DataType::Float, Value::String(text)) => match named_float(text) {
            Some(number) => Cell::Float(number),
            None => return refused("a number"),
        },
        (DataType::Float, value) => match value.as_f64() {
            Some(number) => Cell::Float(number),
            None => return refused("a number"),
        },
        (DataType::Boolean, Value::Bool(value)) => Cell::Bool(*value),
        (DataType::Boolean, _) => return refused("true or false"),
        (DataType::DateTime, Value::String(text)) => match time_of(text) {
            Some(ms) => Cell::Time(ms),
            None => return refused("an RFC 3339 time or a date"),
        },
        (DataType::DateTime, value) => match value.as_i64() {
            Some(ms) => Cell::Time(ms),
            None => return refused("an RFC 3339 time or milliseconds since 1970"),
        },
    })
}

/// The numbers that JSON has no digits for, by their names.
pub(super) fn named_float(text: &str) -> Option<f64> {
    let all = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    all.into_iter().find(|v| float_name(*v) == text)
}
