//! Changes as Arrow rows, for those who want them outside: kind, changed columns, and both sides' whole rows.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, ListBuilder, RecordBatch, StringArray,
    StringBuilder, StructArray, TimestampMillisecondArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType as ArrowType, Field, Fields, Schema as ArrowSchema, SchemaRef};

use crate::error::{Error, ErrorKind, Result};
use crate::format::{DataType, EVENT_TIME, KEY};
use crate::scan::{Value, time_type};
use crate::snapshot::Snapshot;

use super::changes::{Change, Diff};

/// The schema of [`change_batch`]: `key`, `change`, `columns` (list of strings), `from` and `to` (structures of
/// `event_time` and the side's columns; null where the side has no such row).
pub fn change_schema(diff: &Diff) -> SchemaRef {
    let side = |name: &str, snapshot: &Snapshot| {
        Field::new(name, ArrowType::Struct(side_fields(snapshot)), true)
    };
    let item = Arc::new(Field::new("item", ArrowType::Utf8, true));
    Arc::new(ArrowSchema::new(vec![
        Field::new(KEY, ArrowType::Utf8, false),
        Field::new("change", ArrowType::Utf8, false),
        Field::new("columns", ArrowType::List(item), false),
        side("from", diff.a()),
        side("to", diff.b()),
    ]))
}

/// Makes rows of [`change_schema`] of some changes.
pub fn change_batch(diff: &Diff, changes: &[Change]) -> Result<RecordBatch> {
    let failed = |e: arrow::error::ArrowError| {
        Error::new(
            ErrorKind::Output,
            format!("changes cannot be gathered: {e}"),
        )
    };
    let keys: StringArray = changes.iter().map(|c| Some(diff.key(*c))).collect();
    let kinds: StringArray = changes.iter().map(|c| Some(c.kind.name())).collect();
    let mut columns = ListBuilder::new(StringBuilder::new());
    for change in changes {
        for name in diff.changed_columns(*change) {
            columns.values().append_value(name);
        }
        columns.append(true);
    }
    let from =
        side(diff.a(), &changes.iter().map(|c| c.a()).collect::<Vec<_>>()).map_err(failed)?;
    let to = side(diff.b(), &changes.iter().map(|c| c.b()).collect::<Vec<_>>()).map_err(failed)?;
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(keys),
        Arc::new(kinds),
        Arc::new(columns.finish()),
        Arc::new(from),
        Arc::new(to),
    ];
    RecordBatch::try_new(change_schema(diff), arrays).map_err(failed)
}

/// The schema of [`flat_change_batch`]: `key`, `change`, `columns` (their names, with spaces between), then `from_…` and
/// `to_…` of the event time and of every column, all of them texts.
pub fn flat_change_schema(diff: &Diff) -> SchemaRef {
    let own = [KEY, "change", "columns"].map(str::to_owned);
    let names = diff.columns().iter().map(|c| c.name.as_str());
    let sides = [EVENT_TIME].into_iter().chain(names);
    let sides = sides.flat_map(|name| [format!("from_{name}"), format!("to_{name}")]);
    let fields = own.into_iter().chain(sides);
    let fields = fields.map(|name| Field::new(name, ArrowType::Utf8, true));
    Arc::new(ArrowSchema::new(fields.collect::<Vec<_>>()))
}

/// Makes rows of [`flat_change_schema`] of some changes, for files such as CSV that hold neither lists nor structures.
pub fn flat_change_batch(diff: &Diff, changes: &[Change]) -> Result<RecordBatch> {
    let texts = |text: &dyn Fn(&Change) -> Option<String>| -> ArrayRef {
        Arc::new(changes.iter().map(text).collect::<StringArray>())
    };
    let time = |snapshot: &Snapshot, row: Option<usize>| {
        row.map(|row| snapshot.event_time(row).to_string())
    };
    let mut arrays = vec![
        texts(&|c| Some(diff.key(*c).to_owned())),
        texts(&|c| Some(c.kind.name().to_owned())),
        texts(&|c| Some(diff.changed_columns(*c).join(" "))),
        texts(&|c| time(diff.a(), c.a())),
        texts(&|c| time(diff.b(), c.b())),
    ];
    for column in 0..diff.columns().len() {
        arrays.push(texts(&|c| diff.values(*c, column).0?.to_plain()));
        arrays.push(texts(&|c| diff.values(*c, column).1?.to_plain()));
    }
    RecordBatch::try_new(flat_change_schema(diff), arrays).map_err(|e| {
        let message = format!("changes cannot be gathered: {e}");
        Error::new(ErrorKind::Output, message)
    })
}

fn side_fields(snapshot: &Snapshot) -> Fields {
    let own = Field::new(EVENT_TIME, time_type(), true);
    let values = snapshot.columns().iter().map(|c| {
        let arrow = match c.data_type {
            DataType::String => ArrowType::Utf8,
            DataType::Int => ArrowType::Int64,
            DataType::Float => ArrowType::Float64,
            DataType::Boolean => ArrowType::Boolean,
            DataType::DateTime => time_type(),
        };
        Field::new(&c.name, arrow, true)
    });
    std::iter::once(own).chain(values).collect()
}

fn side(snapshot: &Snapshot, rows: &[Option<usize>]) -> arrow::error::Result<StructArray> {
    let times = rows
        .iter()
        .map(|row| row.map(|row| Value::Time(snapshot.event_time(row))));
    let mut arrays = vec![values(DataType::DateTime, times)];
    for (i, column) in snapshot.columns().iter().enumerate() {
        arrays.push(values(
            column.data_type,
            rows.iter().map(|row| row.map(|row| snapshot.value(row, i))),
        ));
    }
    let present: NullBuffer = rows
        .iter()
        .map(Option::is_some)
        .collect::<Vec<bool>>()
        .into();
    StructArray::try_new(side_fields(snapshot), arrays, Some(present))
}

fn values<'a>(data_type: DataType, values: impl Iterator<Item = Option<Value<'a>>>) -> ArrayRef {
    match data_type {
        DataType::String => {
            let texts = values.map(|v| {
                if let Some(Value::Text(text)) = v {
                    Some(text)
                } else {
                    None
                }
            });
            Arc::new(texts.collect::<StringArray>())
        }
        DataType::Int => {
            let numbers = values.map(|v| {
                if let Some(Value::Int(number)) = v {
                    Some(number)
                } else {
                    None
                }
            });
            Arc::new(numbers.collect::<Int64Array>())
        }
        DataType::Float => {
            let numbers = values.map(|v| {
                if let Some(Value::Float(number)) = v {
                    Some(number)
                } else {
                    None
                }
            });
            Arc::new(numbers.collect::<Float64Array>())
        }
        DataType::Boolean => {
            let bools = values.map(|v| {
                if let Some(Value::Bool(yes)) = v {
                    Some(yes)
                } else {
                    None
                }
            });
            Arc::new(bools.collect::<BooleanArray>())
        }
        DataType::DateTime => {
            let times = values.map(|v| {
                if let Some(Value::Time(at)) = v {
                    Some(at.ms())
                } else {
                    None
                }
            });
            Arc::new(
                times
                    .collect::<TimestampMillisecondArray>()
                    .with_timezone("UTC"),
            )
        }
    }
}
