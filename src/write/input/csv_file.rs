//! Rows out of CSV.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::RecordBatch;

use crate::error::{Error, ErrorKind, Result};
use crate::format::{Column, DataType};

use super::csv_records::CsvRecords;
use super::rejects::RowForm;
use super::rows::{Cell, RowBuilder, cell_of_text};
use super::{BATCH_BYTES, BATCH_ROWS, Counting, InputOptions, Progress, Rejects, RowSource};

/// Where a field of a line goes.
#[derive(Debug, Clone, Copy)]
enum Place {
    Key,
    EventTime,
    Value(usize),
}

/// Rows of a CSV text. An empty field is a null; a key and an event time must not be.
pub(super) struct CsvRows {
    records: CsvRecords<Counting>,
    /// The input's name of each field, and where it goes.
    fields: Vec<(String, Place)>,
    columns: Vec<Column>,
    names: (String, String),
    builder: RowBuilder,
    progress: Arc<Progress>,
}

impl CsvRows {
    pub(super) fn open(text: Counting, columns: &[Column], options: &InputOptions) -> Result<Self> {
        let progress = Arc::clone(&text.progress);
        let mut records = CsvRecords::new(text);
        let fields = if options.header {
            places(records.header()?, columns, options)?
        } else {
            let own = [
                (options.key.clone(), Place::Key),
                (options.event_time.clone(), Place::EventTime),
            ];
            let values = columns.iter().enumerate();
            let values = values.map(|(i, column)| (column.name.clone(), Place::Value(i)));
            own.into_iter().chain(values).collect()
        };
        Ok(Self {
            records,
            fields,
            columns: columns.to_vec(),
            names: (options.key.clone(), options.event_time.clone()),
            builder: RowBuilder::new(columns),
            progress,
        })
    }

    /// Reads the fields of the record that is at hand, and adds them as a row.
    fn push(&mut self, line: u64) -> Result<(), String> {
        let (record, fields) = (self.records.fields(), &self.fields);
        if record.len() != fields.len() {
            return Err(format!(
                "it has {} fields and should have {}",
                record.len(),
                fields.len()
            ));
        }
        let (mut key, mut event_time) = (Cell::Null, Cell::Null);
        let mut values = vec![Cell::Null; self.columns.len()];
        for ((_, place), bytes) in fields.iter().zip(record) {
            let (name, data_type) = match place {
                Place::Key => (&self.names.0, DataType::String),
                Place::EventTime => (&self.names.1, DataType::DateTime),
                Place::Value(i) => (&self.columns[*i].name, self.columns[*i].data_type),
            };
            let text =
                std::str::from_utf8(bytes).map_err(|_| format!("{name} is not text in UTF-8"))?;
            let cell = cell_of_text(text, data_type).map_err(|e| format!("{name} is {e}"))?;
            match place {
                Place::Key => key = cell,
                Place::EventTime => event_time = cell,
                Place::Value(i) => values[*i] = cell,
            }
        }
        self.builder.push(line, key, event_time, &values)
    }
}

impl RowSource for CsvRows {
    fn form(&self) -> RowForm {
        let fields = self.fields.iter().map(|(name, place)| {
            let at = match place {
                Place::Key => 0,
                Place::EventTime => 1,
                Place::Value(i) => i + 2,
            };
            (name.clone(), at)
        });
        RowForm::Fields(fields.collect())
    }

    fn next_batch(&mut self, rejects: &mut Rejects) -> Result<Option<RecordBatch>> {
        while self.builder.len() < BATCH_ROWS && self.builder.bytes() < BATCH_BYTES {
            let Some(begun) = self.records.advance()? else {
                break;
            };
            let refusal = match begun.astray {
                Some(astray) => Some((astray.opened, astray.to_string())),
                None => self
                    .push(begun.line)
                    .err()
                    .map(|reason| (begun.line, reason)),
            };
            if let Some((line, reason)) = refusal {
                let fields = self.records.fields().iter();
                rejects.refuse(line, &reason, |_| fields.map(<[u8]>::to_vec).collect())?;
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

/// Finds the columns by the names in the first line: each of the table's at most once, key and event time surely.
fn places(
    names: Vec<String>,
    columns: &[Column],
    options: &InputOptions,
) -> Result<Vec<(String, Place)>> {
    let refused = |message: String, hint: String| {
        Error::new(ErrorKind::Usage, message)
            .within("line 1")
            .hint(hint)
    };
    let place_of = |name: &str| {
        if name == options.key {
            Some(Place::Key)
        } else if name == options.event_time {
            Some(Place::EventTime)
        } else {
            let value = columns.iter().position(|c| c.name == name);
            value.map(Place::Value)
        }
    };
    let mut places = Vec::with_capacity(names.len());
    for name in &names {
        places.push(place_of(name).ok_or_else(|| {
            let known: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
            refused(
                format!("the table has no column '{name}'"),
                format!(
                    "its columns are {}; azof-tui evolve adds one, --key and --event-time name those two, and --no-header says that the first line is a row",
                    known.join(", ")
                ),
            )
        })?);
    }
    for (wanted, option) in [
        (&options.key, "--key"),
        (&options.event_time, "--event-time"),
    ] {
        if !names.contains(wanted) {
            return Err(refused(
                format!("there is no column '{wanted}'"),
                format!(
                    "{option} names it where it has another name; the columns are {}",
                    names.join(", ")
                ),
            ));
        }
    }
    Ok(names.into_iter().zip(places).collect())
}
