//! Rows out of a Parquet file.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt64Array};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType as ArrowType, SchemaRef, TimeUnit, TimestampMillisecondType};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use crate::contained::contain;
use crate::error::{Error, ErrorKind, Result};
use crate::format::{Column, DataType, EVENT_TIME, KEY};
use crate::scan::ColumnData;

use super::rejects::RowForm;
use super::rows::{check_event_time, input_schema};
use super::{BATCH_ROWS, InputOptions, Rejects, RowSource};
use crate::write::data_file::is_text;

/// A Parquet file that was opened to be appended.
pub struct ParquetRows {
    reader: ParquetRecordBatchReader,
    /// The columns of the file.
    schema: SchemaRef,
    /// For each column of the input's schema but the line, its place in the file.
    places: Vec<Option<usize>>,
    /// The input's names of the key and the event time.
    names: (String, String),
    columns: Vec<Column>,
    rows: u64,
}

impl ParquetRows {
    /// Opens a file.
    pub fn of_file(file: File) -> Result<Self> {
        let made = contain(|| {
            let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
            let schema = SchemaRef::clone(builder.schema());
            Ok((builder.with_batch_size(BATCH_ROWS).build()?, schema))
        });
        Self::of_made(made)
    }

    /// Opens a file that is in memory.
    pub fn of_bytes(bytes: Bytes) -> Result<Self> {
        let made = contain(|| {
            let builder = ParquetRecordBatchReaderBuilder::try_new(bytes)?;
            let schema = SchemaRef::clone(builder.schema());
            Ok((builder.with_batch_size(BATCH_ROWS).build()?, schema))
        });
        Self::of_made(made)
    }

    fn of_made(
        made: Result<parquet::errors::Result<(ParquetRecordBatchReader, SchemaRef)>, String>,
    ) -> Result<Self> {
        let refused = |e: String| {
            Error::new(ErrorKind::Usage, format!("the input is not Parquet: {e}"))
                .hint("nothing was appended")
        };
        let (reader, schema) = made.map_err(refused)?.map_err(|e| refused(e.to_string()))?;
        Ok(Self {
            reader,
            schema,
            places: Vec::new(),
            names: (String::new(), String::new()),
            columns: Vec::new(),
            rows: 0,
        })
    }

    /// The columns that the file holds.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Finds the table's columns by name.
    pub(super) fn for_columns(
        mut self,
        columns: &[Column],
        options: &InputOptions,
    ) -> Result<Self> {
        let named = |name: &str| self.schema.fields().iter().position(|f| f.name() == name);
        let own = [
            (&options.key, "--key"),
            (&options.event_time, "--event-time"),
        ];
        let mut places = Vec::with_capacity(columns.len() + 2);
        for (name, option) in own {
            let Some(at) = named(name) else {
                let known: Vec<&str> = self
                    .schema
                    .fields()
                    .iter()
                    .map(|f| f.name().as_str())
                    .collect();
                return Err(
                    Error::new(ErrorKind::Usage, format!("there is no column '{name}'")).hint(
                        format!(
                            "{option} names it where it has another name; the columns are {}",
                            known.join(", ")
                        ),
                    ),
                );
            };
            places.push(Some(at));
        }
        places.extend(columns.iter().map(|c| named(&c.name)));
        let surplus = self
            .schema
            .fields()
            .iter()
            .enumerate()
            .find(|(i, _)| !places.contains(&Some(*i)));
        if let Some((_, field)) = surplus {
            let message = format!("the table has no column '{}'", field.name());
            return Err(Error::new(ErrorKind::Usage, message).hint("azof-tui evolve adds one"));
        }
        self.places = places;
        self.names = (options.key.clone(), options.event_time.clone());
        self.columns = columns.to_vec();
        Ok(self)
    }

    /// A column of a batch, as the table has it.
    fn typed(
        &self,
        batch: &RecordBatch,
        at: usize,
        name: &str,
        data_type: DataType,
    ) -> Result<ArrayRef> {
        let Some(place) = self.places.get(at).copied().flatten() else {
            return Ok(ColumnData::nulls(data_type, batch.num_rows()).to_array());
        };
        let held = as_written(batch.column(place), data_type);
        ColumnData::cast(&held, data_type)
            .map(|data| data.to_array())
            .map_err(|e| {
                Error::new(ErrorKind::Usage, e)
                    .within(format!("column '{name}'"))
                    .hint("nothing was appended")
            })
    }
}

impl RowSource for ParquetRows {
    fn form(&self) -> RowForm {
        let own = [&self.names.0, &self.names.1].into_iter();
        let names = own.chain(self.columns.iter().map(|column| &column.name));
        let held = names.enumerate().zip(&self.places);
        let held = held.filter(|(_, place)| place.is_some());
        RowForm::Fields(held.map(|((at, name), _)| (name.clone(), at)).collect())
    }

    fn next_batch(&mut self, rejects: &mut Rejects) -> Result<Option<RecordBatch>> {
        let broken = |e: String| {
            Error::new(ErrorKind::Usage, format!("the input cannot be read: {e}"))
                .hint("nothing was appended")
        };
        let next = contain(|| self.reader.next()).map_err(broken)?;
        let Some(batch) = next.transpose().map_err(|e| broken(e.to_string()))? else {
            return Ok(None);
        };
        let mut arrays = vec![
            self.typed(&batch, 0, KEY, DataType::String)?,
            self.typed(&batch, 1, EVENT_TIME, DataType::DateTime)?,
        ];
        for (i, column) in self.columns.iter().enumerate() {
            arrays.push(self.typed(&batch, i + 2, &column.name, column.data_type)?);
        }
        let first = self.rows + 1;
        self.rows += batch.num_rows() as u64;
        let plain = arrays.iter().map(|a| {
            if is_text(a.data_type()) {
                cast(a, &arrow::datatypes::DataType::Utf8)
            } else {
                Ok(Arc::clone(a))
            }
        });
        let mut plain: Vec<ArrayRef> = plain
            .collect::<Result<_, _>>()
            .map_err(|e| broken(e.to_string()))?;
        plain.push(Arc::new((first..=self.rows).collect::<UInt64Array>()));
        // Nulls among the keys are taken out before the schema, which has none, is put on.
        let numbered = plain.into_iter().enumerate();
        let loose = RecordBatch::try_from_iter_with_nullable(
            numbered.map(|(i, array)| (i.to_string(), array, true)),
        )
        .map_err(|e| broken(e.to_string()))?;
        let mut admitted = vec![true; batch.num_rows()];
        for (row, admitted) in admitted.iter_mut().enumerate() {
            if let Err(reason) = check(&arrays, &self.columns, row) {
                rejects.refuse_read(first + row as u64, &reason, (&loose, row))?;
                *admitted = false;
            }
        }
        let kept = filter_record_batch(&loose, &BooleanArray::from(admitted))
            .map_err(|e| broken(e.to_string()))?;
        RecordBatch::try_new(input_schema(&self.columns), kept.columns().to_vec())
            .map(Some)
            .map_err(|e| broken(e.to_string()))
    }
}

fn check(arrays: &[ArrayRef], columns: &[Column], row: usize) -> Result<(), String> {
    let keys = arrays[0].as_string_view();
    if keys.is_null(row) || keys.value(row).is_empty() {
        return Err("key is empty".to_owned());
    }
    let times = arrays[1].as_primitive::<TimestampMillisecondType>();
    if times.is_null(row) {
        return Err("event_time is empty".to_owned());
    }
    check_event_time(times.value(row))?;
    for (column, array) in columns.iter().zip(&arrays[2..]) {
        if !column.nullable && array.is_null(row) {
            return Err(format!(
                "{} is empty, and the schema says that it may not be",
                column.name
            ));
        }
    }
    Ok(())
}

/// The type of a table's column that holds what a file's column of this type does; `None` where none does.
pub(super) fn column_type(found: &arrow::datatypes::DataType) -> Option<DataType> {
    DataType::ALL.into_iter().find(|wanted| {
        // The first that fits: an Int before the Float that it widens to.
        let empty = arrow::array::new_empty_array(found);
        let held = if found.is_integer() {
            empty
        } else {
            as_written(&empty, *wanted)
        };
        ColumnData::cast(&held, *wanted).is_ok()
    })
}

/// An array whose values other programs write in another type than tables do: dates, which are times at midnight, and
/// numbers that are names.
fn as_written(array: &ArrayRef, wanted: DataType) -> ArrayRef {
    let held = array.data_type();
    let target = match wanted {
        DataType::DateTime if matches!(held, ArrowType::Date32 | ArrowType::Date64) => {
            ArrowType::Timestamp(TimeUnit::Millisecond, None)
        }
        DataType::String if held.is_integer() => ArrowType::Utf8,
        _ => return Arc::clone(array),
    };
    // What does not cast is told of by the cast to the column's own type.
    cast(array, &target).unwrap_or_else(|_| Arc::clone(array))
}
