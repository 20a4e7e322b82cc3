//! The rows of a query as the explorer shows them: typed columns in blocks, as they come.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType as ArrowType, Field, Float64Type, Int64Type, Schema, SchemaRef,
    TimestampMillisecondType,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::error::{Error, ErrorKind, Result};
use crate::event_time::AsOf;
use crate::expr::Field as TableField;
use crate::format::{Column, DataType};
use crate::scan::{ColumnData, NewestRows, RowGroupRows, RowRef, ScanCost, Value, arrow_type};
use crate::snapshot::Snapshot;
use crate::view::Cells;

/// Between the parts of a key that is made of several columns; sorts before every other character.
const KEY_SEPARATOR: &str = "\u{1}";

/// How a null among the parts of a key is written.
const KEY_NULL: &str = "\u{2}";

/// The rows of a query, or as many of them as have come.
///
/// Guarantees: rows stand as the query gave them; every block has all columns; immutable but for what is appended, so a
/// clone is a state to show, and shares its blocks.
#[derive(Debug, Clone)]
pub struct ResultRows {
    as_of: AsOf,
    columns: Arc<[Column]>,
    blocks: Vec<Arc<Vec<ColumnData>>>,
    /// The first row of every block, and the number of all rows.
    starts: Vec<usize>,
    /// True once the query has ended; false while more may come.
    pub is_complete: bool,
    /// True where the query has more rows than are kept.
    pub has_more: bool,
    /// True where they are of the moment, and not the same at every moment.
    pub follows_moment: bool,
    /// From the asking to the last row so far.
    pub elapsed: Duration,
}

impl ResultRows {
    /// No rows yet, of these columns.
    pub fn new(as_of: AsOf, schema: &SchemaRef) -> Self {
        let column = |field: &Arc<Field>| Column {
            name: field.name().clone(),
            data_type: shown_type(field.data_type()),
            nullable: field.is_nullable(),
            stored_as: None,
        };
        Self {
            as_of,
            columns: schema.fields().iter().map(column).collect(),
            blocks: Vec::new(),
            starts: vec![0],
            is_complete: false,
            has_more: false,
            follows_moment: true,
            elapsed: Duration::ZERO,
        }
    }

    /// Appends rows.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let columns = batch.columns().iter().zip(self.columns.iter());
        let columns = columns.map(|(array, column)| shown_values(array, column.data_type));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        self.starts.push(self.len() + batch.num_rows());
        self.blocks.push(Arc::new(columns));
        Ok(())
    }

    /// The moment that tables without one of their own were read as of.
    pub fn as_of(&self) -> AsOf {
        self.as_of
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The columns as they are shown, in Arrow's words.
    pub fn schema(&self) -> SchemaRef {
        let fields = self.columns.iter();
        let fields = fields.map(|c| Field::new(&c.name, arrow_type(c.data_type), true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// The rows as they are shown, block by block.
    pub fn batches(&self) -> impl Iterator<Item = Result<RecordBatch>> {
        let schema = self.schema();
        self.blocks
            .iter()
            .zip(self.starts.windows(2))
            .map(move |(block, range)| {
                let arrays = block.iter().map(ColumnData::to_array).collect();
                let rows = RecordBatchOptions::new().with_row_count(Some(range[1] - range[0]));
                RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &rows)
                    .map_err(|e| failed(&e))
            })
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// True where there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A value.
    ///
    /// # Panics
    /// Where there is no such row or column.
    pub fn value(&self, row: usize, column: usize) -> Value<'_> {
        let block = self.starts.partition_point(|start| *start <= row) - 1;
        self.blocks[block][column].value(row - self.starts[block])
    }

    /// The rows by key, to be compared with those of another moment, and their positions there as the query lists them. The
    /// key is made of these columns, which must tell all rows apart.
    pub fn keyed(&self, by: &[String]) -> Result<(Snapshot, Vec<u32>)> {
        let mut of_key = Vec::with_capacity(by.len());
        for name in by {
            let at = self.columns.iter().position(|c| c.name == *name);
            of_key.push(at.ok_or_else(|| {
                let names: Vec<&str> = self.columns.iter().map(|c| c.name.as_str()).collect();
                Error::new(
                    ErrorKind::Query,
                    format!("the result has no column '{name}'"),
                )
                .hint(format!("its columns are {}", names.join(", ")))
            })?);
        }
        let values: Vec<usize> = (0..self.columns.len())
            .filter(|at| !of_key.contains(at))
            .collect();
        let key = |row: usize| {
            let parts = of_key.iter().map(|at| {
                let plain = self.value(row, *at).to_plain();
                plain.unwrap_or_else(|| KEY_NULL.to_owned())
            });
            parts.collect::<Vec<_>>().join(KEY_SEPARATOR)
        };
        let mut keys: Vec<(String, usize)> = (0..self.len()).map(|row| (key(row), row)).collect();
        keys.sort_unstable();
        if let Some(pair) = keys.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let shown = key_in_words(&pair[0].0);
            return Err(Error::new(
                ErrorKind::Query,
                format!("two rows have the {} '{shown}'", by.join(" · ")),
            )
            .hint("name columns that tell all rows apart"));
        }
        let mut listed = vec![0; keys.len()];
        for (at, (_, row)) in keys.iter().enumerate() {
            listed[*row] = at as u32;
        }
        let rows: Vec<RowRef> = keys
            .iter()
            .enumerate()
            .map(|(at, _)| RowRef {
                chunk: 0,
                row: at as u32,
            })
            .collect();
        let texts: StringViewArray = keys.iter().map(|(key, _)| Some(key.as_str())).collect();
        let places: Vec<(usize, usize)> = keys
            .iter()
            .map(|(_, row)| {
                let block = self.starts.partition_point(|start| *start <= *row) - 1;
                (block, row - self.starts[block])
            })
            .collect();
        let gather = |at: &usize| {
            let data_type = self.columns[*at].data_type;
            if places.is_empty() {
                return Ok(ColumnData::nulls(data_type, 0));
            }
            let arrays: Vec<ArrayRef> = self.blocks.iter().map(|b| b[*at].to_array()).collect();
            let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
            let gathered = arrow::compute::interleave(&arrays, &places).map_err(|e| failed(&e))?;
            shown_values(&gathered, data_type)
        };
        let columns = values.iter().map(gather).collect::<Result<Vec<_>>>()?;
        let chunk = RowGroupRows {
            file: None,
            row_group: 0,
            row_numbers: None,
            keys: texts,
            event_times: vec![0; rows.len()].into(),
            is_ordered: true,
            columns,
        };
        let found = NewestRows {
            chunks: vec![Arc::new(chunk)].into(),
            rows,
            cost: ScanCost {
                elapsed: self.elapsed,
                ..ScanCost::default()
            },
        };
        let columns = values.iter().map(|at| self.columns[*at].clone()).collect();
        Ok((Snapshot::listed(self.as_of, columns, found), listed))
    }
}

/// Rows of a query, to search through.
#[derive(Debug)]
pub struct ResultCells {
    rows: Arc<ResultRows>,
    columns: Vec<usize>,
}

impl ResultCells {
    /// These columns of all rows; those that a result has not got are left out.
    pub fn new(rows: Arc<ResultRows>, columns: &[TableField]) -> Self {
        let columns = columns.iter().filter_map(|field| match field {
            TableField::Value(at) if *at < rows.columns.len() => Some(*at),
            _ => None,
        });
        Self {
            columns: columns.collect(),
            rows,
        }
    }
}

impl Cells for ResultCells {
    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn columns(&self) -> usize {
        self.columns.len()
    }

    fn first(
        &self,
        row: usize,
        mut columns: &mut dyn Iterator<Item = usize>,
        does: &mut dyn FnMut(Value<'_>) -> bool,
    ) -> Option<usize> {
        Iterator::find(&mut columns, |column| {
            does(self.rows.value(row, self.columns[*column]))
        })
    }
}

/// A key that is made of columns as a person reads it.
pub fn key_in_words(key: &str) -> String {
    key.replace(KEY_SEPARATOR, " · ").replace(KEY_NULL, "∅")
}

fn failed(e: &arrow::error::ArrowError) -> Error {
    Error::new(ErrorKind::Query, format!("a value cannot be shown: {e}"))
}

/// The type that a column of a result is shown as; what fits none of ours is text.
fn shown_type(found: &ArrowType) -> DataType {
    match found {
        ArrowType::UInt64 => DataType::String,
        t if t.is_integer() => DataType::Int,
        t if t.is_floating() => DataType::Float,
        ArrowType::Boolean => DataType::Boolean,
        ArrowType::Timestamp(..) | ArrowType::Date32 | ArrowType::Date64 => DataType::DateTime,
        _ => DataType::String,
    }
}

fn shown_values(array: &ArrayRef, wanted: DataType) -> Result<ColumnData> {
    let to = |target: &ArrowType| cast(array, target).map_err(|e| failed(&e));
    let held = arrow_type(wanted);
    Ok(match wanted {
        DataType::Int => ColumnData::Int(to(&held)?.as_primitive::<Int64Type>().clone()),
        DataType::Float => ColumnData::Float(to(&held)?.as_primitive::<Float64Type>().clone()),
        DataType::Boolean => ColumnData::Bool(to(&held)?.as_boolean().clone()),
        DataType::DateTime => ColumnData::Time(
            to(&held)?
                .as_primitive::<TimestampMillisecondType>()
                .clone(),
        ),
        DataType::String => match array.data_type() {
            ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View => {
                ColumnData::Text(to(&held)?.as_string_view().clone())
            }
            _ => {
                let options = FormatOptions::default();
                let shown = ArrayFormatter::try_new(array, &options).map_err(|e| failed(&e))?;
                let texts = (0..array.len()).map(|row| {
                    let text = shown.value(row).to_string();
                    array.is_valid(row).then_some(text)
                });
                ColumnData::Text(texts.collect())
            }
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int32Array, StringArray};

    fn rows(names: &[&str], numbers: &[i32]) -> ResultRows {
        let schema = Arc::new(Schema::new(vec![
            Field::new("name", ArrowType::Utf8, true),
            Field::new("n", ArrowType::Int32, true),
        ]));
        let mut rows = ResultRows::new(AsOf::Current, &schema);
        for (name, number) in names.iter().zip(numbers) {
            let arrays: Vec<ArrayRef> = vec![
                Arc::new(StringArray::from(vec![*name])),
                Arc::new(Int32Array::from(vec![*number])),
            ];
            let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).expect("a batch");
            rows.push(&batch).expect("rows");
        }
        rows
    }

    #[test]
    fn rows_of_several_blocks_are_found_by_their_number() {
        let rows = rows(&["b", "a"], &[1, 2]);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows.value(1, 0), Value::Text("a"));
        assert_eq!(rows.value(0, 1), Value::Int(1));
    }

    #[test]
    fn keyed_rows_stand_by_key_and_a_key_twice_is_an_error() {
        let by = ["name".to_owned()];
        let (keyed, listed) = rows(&["b", "a"], &[1, 2]).keyed(&by).expect("keys");
        assert_eq!(listed, [1, 0]);
        assert_eq!((keyed.key(0), keyed.value(0, 0)), ("a", Value::Int(2)));
        let error = rows(&["a", "a"], &[1, 2]).keyed(&by).expect_err("twice");
        assert_eq!(error.message(), "two rows have the name 'a'");
        assert!(
            rows(&["a", "a"], &[1, 2])
                .keyed(&["name".into(), "n".into()])
                .is_ok()
        );
        assert!(rows(&["a"], &[1]).keyed(&["x".to_owned()]).is_err());
    }
}
