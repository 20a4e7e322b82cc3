//! Rows out of NDJSON: an object a line.

use std::io::{BufRead, BufReader};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::RecordBatch;
use serde_json::{Map, Value};

use crate::error::Result;
use crate::export::float_name;
use crate::format::{Column, DataType};

use super::rejects::RowForm;
use super::rows::{Cell, RowBuilder, time_of};
use super::{BATCH_BYTES, BATCH_ROWS, Counting, InputOptions, Progress, Rejects, RowSource};

/// Rows of an NDJSON text. A field that is missing is a null; one that the table does not know is refused.
pub(super) struct NdjsonRows {
    text: BufReader<Counting>,
    columns: Vec<Column>,
    names: (String, String),
    builder: RowBuilder,
    line: u64,
    buffer: Vec<u8>,
    progress: Arc<Progress>,
}

impl NdjsonRows {
    pub(super) fn open(text: Counting, columns: &[Column], options: &InputOptions) -> Self {
        Self {
            progress: Arc::clone(&text.progress),
            text: BufReader::with_capacity(1 << 18, text),
            columns: columns.to_vec(),
            names: (options.key.clone(), options.event_time.clone()),
            builder: RowBuilder::new(columns),
            line: 0,
            buffer: Vec::new(),
        }
    }

    fn push(&mut self) -> Result<(), String> {
        let object: Map<String, Value> = serde_json::from_slice(&self.buffer)
            .map_err(|e| format!("it is not a JSON object: {e}"))?;
        let (mut key, mut event_time) = (Cell::Null, Cell::Null);
        let mut values = vec![Cell::Null; self.columns.len()];
        for (name, value) in &object {
            let typed =
                |data_type| cell_of_json(value, data_type).map_err(|e| format!("{name} is {e}"));
            if *name == self.names.0 {
                key = typed(DataType::String)?;
            } else if *name == self.names.1 {
                event_time = typed(DataType::DateTime)?;
            } else if let Some(i) = self.columns.iter().position(|c| c.name == *name) {
                values[i] = typed(self.columns[i].data_type)?;
            } else {
                return Err(format!("the table has no column '{name}'"));
            }
        }
        if matches!(key, Cell::Text("")) {
            key = Cell::Null;
        }
        self.builder.push(self.line, key, event_time, &values)
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
            self.buffer.clear();
            let read = self.text.read_until(b'\n', &mut self.buffer);
            if read.map_err(|e| super::unreadable(&e))? == 0 {
                break;
            }
            self.line += 1;
            if self.buffer.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            if let Err(reason) = self.push() {
                let text = String::from_utf8_lossy(&self.buffer).trim_end().to_owned();
                rejects.refuse(self.line, &reason, |_| vec![text])?;
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
