//! Rows out of NDJSON: an object a line.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::RecordBatch;

use crate::error::Result;
use crate::export::float_name;
use crate::format::{Column, DataType};

use super::json_lines::{Json, JsonLines};
use super::rejects::RowForm;
use super::rows::{Cell, RowBuilder, float_of_text, time_of};
use super::{BATCH_BYTES, BATCH_ROWS, Counting, InputOptions, Progress, Rejects, RowSource};

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
        let fields = self.lines.fields()?;
        let mut placed: Vec<Option<(&str, &Json<'_>, DataType)>> =
            vec![None; self.columns.len() + 2];
        for (name, value) in &fields {
            let (place, data_type) = self.place_of(name)?;
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

/// Reads a value of a type. In a column of texts a number or a truth value is the text that spells it.
fn cell_of_json<'a>(value: &'a Json<'_>, data_type: DataType) -> Result<Cell<'a>, String> {
    let refused = |wanted: &str| format!("{value}, which is not {wanted}");
    Ok(match (data_type, value) {
        (_, Json::Null) => Cell::Null,
        (DataType::String, Json::Text(text)) => Cell::Text(text),
        (DataType::String, Json::Number(written)) => Cell::Text(written),
        (DataType::String, Json::Bool(yes)) => Cell::Text(if *yes { "true" } else { "false" }),
        (DataType::String, Json::Nested(_)) => return Err(refused("a text")),
        (DataType::Int, value) => match whole(value) {
            Some(number) => Cell::Int(number),
            None => return Err(refused("a whole number of 64 bits")),
        },
        (DataType::Float, Json::Number(written)) => {
            Cell::Float(float_of_text(written).map_err(refused)?)
        }
        (DataType::Float, Json::Text(text)) => match named_float(text) {
            Some(number) => Cell::Float(number),
            None => return Err(refused("a number")),
        },
        (DataType::Float, _) => return Err(refused("a number")),
        (DataType::Boolean, Json::Bool(value)) => Cell::Bool(*value),
        (DataType::Boolean, _) => return Err(refused("true or false")),
        (DataType::DateTime, Json::Text(text)) => match time_of(text) {
            Some(ms) => Cell::Time(ms),
            None => return Err(refused("an RFC 3339 time or a date")),
        },
        (DataType::DateTime, value) => match whole(value) {
            Some(ms) => Cell::Time(ms),
            None => return Err(refused("an RFC 3339 time or milliseconds since 1970")),
        },
    })
}

fn whole(value: &Json<'_>) -> Option<i64> {
    match value {
        Json::Number(written) => written.parse().ok(),
        _ => None,
    }
}

/// The numbers that JSON has no digits for, by their names.
pub(super) fn named_float(text: &str) -> Option<f64> {
    let all = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    all.into_iter().find(|v| float_name(*v) == text)
}
