//! Rows under construction: values that were read, checked against the schema, put into columns.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, RecordBatch, StringBuilder,
    TimestampMillisecondBuilder, UInt64Array,
};
use arrow::datatypes::{DataType as ArrowType, Field, Schema as ArrowSchema, SchemaRef};

use crate::error::{Error, ErrorKind, Result};
use crate::event_time::{EventTime, calendar, parse_calendar};
use crate::format::{Column, DataType};
use crate::snapshot::output_schema;

/// The column that carries where a row stood in its input: its line, or its number.
pub(in crate::write) const LINE: &str = "\u{0}line";

/// A value that was read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cell<'a> {
    Null,
    Text(&'a str),
    Int(i64),
    Float(f64),
    Bool(bool),
    Time(i64),
}

/// The columns of input rows: [`output_schema`], then the line.
pub(in crate::write) fn input_schema(columns: &[Column]) -> SchemaRef {
    let output = output_schema(columns);
    let line = Arc::new(Field::new(LINE, ArrowType::UInt64, false));
    let fields: Vec<_> = output.fields().iter().cloned().chain([line]).collect();
    Arc::new(ArrowSchema::new(fields))
}

/// Reads a text as a value of a type; an empty one is a null. The error says what it should be.
pub(super) fn cell_of_text(text: &str, data_type: DataType) -> Result<Cell<'_>, String> {
    let refused = |wanted: &str| format!("'{text}', which is not {wanted}");
    if text.is_empty() {
        return Ok(Cell::Null);
    }
    Ok(match data_type {
        DataType::String => Cell::Text(text),
        DataType::Int => Cell::Int(
            text.trim()
                .parse()
                .map_err(|_| match float_of_text(text.trim()) {
                    Ok(number) if number.fract() != 0.0 => format!(
                        "'{text}', which an Int does not hold; azof-tui evolve --widen makes the column a Float"
                    ),
                    _ => refused("a whole number of 64 bits"),
                })?,
        ),
        DataType::Float => Cell::Float(float_of_text(text.trim()).map_err(refused)?),
        DataType::Boolean => match text.trim() {
            t if t.eq_ignore_ascii_case("true") => Cell::Bool(true),
            t if t.eq_ignore_ascii_case("false") => Cell::Bool(false),
            _ => return Err(refused("true or false")),
        },
        DataType::DateTime => {
            Cell::Time(time_of(text).ok_or_else(|| refused("an RFC 3339 time or a date"))?)
        }
    })
}

/// Reads a number; the error is what it should be. An infinity is one only where it is spelled so: digits that no Float
/// holds would silently become another value.
pub(super) fn float_of_text(text: &str) -> Result<f64, &'static str> {
    match text.parse::<f64>() {
        Ok(value) if value.is_infinite() && text.bytes().any(|b| b.is_ascii_digit()) => {
            Err("within the range of a Float, up to 1.8e308")
        }
        Ok(value) => Ok(value),
        Err(_) => Err("a number"),
    }
}

/// Reads a time by the calendar, milliseconds.
pub(super) fn time_of(text: &str) -> Option<i64> {
    plain_time(text.as_bytes()).or_else(|| parse_calendar(text).map(EventTime::ms))
}

/// The usual spellings, quickly: `2019-11-17`, `2019-11-17T08:30:00Z`, `2019-11-17T08:30:00.125Z`.
fn plain_time(text: &[u8]) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| {
        let digits = text.get(range)?;
        digits.iter().try_fold(0i64, |sum, digit| {
            digit
                .is_ascii_digit()
                .then(|| sum * 10 + i64::from(digit - b'0'))
        })
    };
    let is = |at: usize, wanted: u8| text.get(at) == Some(&wanted);
    if !is(4, b'-') || !is(7, b'-') {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days).contains(&day) {
        return None;
    }
    let ms = match text.len() {
        10 => 0,
        20 | 24 => {
            let is_plain = is(10, b'T') && is(13, b':') && is(16, b':') && is(text.len() - 1, b'Z');
            let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
            if !is_plain || hour > 23 || minute > 59 || second > 59 {
                return None;
            }
            let fraction = match text.len() {
                24 if is(19, b'.') => number(20..23)?,
                24 => return None,
                _ => 0,
            };
            ((hour * 60 + minute) * 60 + second) * 1_000 + fraction
        }
        _ => return None,
    };
    // Days since 1970 by the calendar's era of 400 years.
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let since = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(since * 86_400_000 + ms)
}

/// Columns that grow row by row.
pub(super) struct RowBuilder {
    columns: Vec<Column>,
    keys: StringBuilder,
    times: TimestampMillisecondBuilder,
    values: Vec<Values>,
    lines: Vec<u64>,
    bytes: usize,
}

enum Values {
    Text(StringBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Bool(BooleanBuilder),
    Time(TimestampMillisecondBuilder),
}

impl RowBuilder {
    pub(super) fn new(columns: &[Column]) -> Self {
        Self {
            columns: columns.to_vec(),
            keys: StringBuilder::new(),
            times: TimestampMillisecondBuilder::new().with_timezone("UTC"),
            values: columns.iter().map(|c| Values::new(c.data_type)).collect(),
            lines: Vec::new(),
            bytes: 0,
        }
    }

    /// Adds a row: all of it, or nothing and why not.
    pub(super) fn push(
        &mut self,
        line: u64,
        key: Cell<'_>,
        event_time: Cell<'_>,
        values: &[Cell<'_>],
    ) -> Result<(), String> {
        let Cell::Text(key) = key else {
            return Err("key is empty".to_owned());
        };
        let Cell::Time(event_time) = event_time else {
            return Err("event_time is empty".to_owned());
        };
        check_event_time(event_time)?;
        for (column, cell) in self.columns.iter().zip(values) {
            if matches!(cell, Cell::Null) && !column.nullable {
                return Err(format!(
                    "{} is empty, and the schema says that it may not be",
                    column.name
                ));
            }
        }
        self.bytes += key.len() + 16 + 8 * values.len();
        self.keys.append_value(key);
        self.times.append_value(event_time);
        for (column, cell) in self.values.iter_mut().zip(values) {
            if let Cell::Text(text) = cell {
                self.bytes += text.len();
            }
            column.push(*cell);
        }
        self.lines.push(line);
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// About as many bytes as the rows take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The rows as a batch of [`input_schema`]; the builder starts anew.
    pub(super) fn take(&mut self) -> Result<RecordBatch> {
        let mut arrays: Vec<ArrayRef> =
            vec![Arc::new(self.keys.finish()), Arc::new(self.times.finish())];
        arrays.extend(self.values.iter_mut().map(Values::finish));
        arrays.push(Arc::new(UInt64Array::from(std::mem::take(&mut self.lines))));
        self.bytes = 0;
        RecordBatch::try_new(input_schema(&self.columns), arrays).map_err(|e| {
            Error::new(
                ErrorKind::Usage,
                format!("the rows do not fit the schema: {e}"),
            )
        })
    }
}

/// Metadata spells times in RFC 3339, which knows the years 0 to 9999.
pub(super) fn check_event_time(ms: i64) -> Result<(), String> {
    match calendar(EventTime::from_ms(ms)) {
        Some((0..=9999, ..)) => Ok(()),
        _ => Err(format!(
            "event_time is {}, and should lie in the years 0 to 9999",
            EventTime::from_ms(ms)
        )),
    }
}

impl Values {
    fn new(data_type: DataType) -> Self {
        match data_type {
            DataType::String => Self::Text(StringBuilder::new()),
            DataType::Int => Self::Int(Int64Builder::new()),
            DataType::Float => Self::Float(Float64Builder::new()),
            DataType::Boolean => Self::Bool(BooleanBuilder::new()),
            DataType::DateTime => {
                Self::Time(TimestampMillisecondBuilder::new().with_timezone("UTC"))
            }
        }
    }

    /// Adds a value, which is of the column's type or null.
    fn push(&mut self, cell: Cell<'_>) {
        match (self, cell) {
            (Self::Text(b), Cell::Text(v)) => b.append_value(v),
            (Self::Int(b), Cell::Int(v)) => b.append_value(v),
            (Self::Float(b), Cell::Float(v)) => b.append_value(v),
            (Self::Bool(b), Cell::Bool(v)) => b.append_value(v),
            (Self::Time(b), Cell::Time(v)) => b.append_value(v),
            (Self::Text(b), _) => b.append_null(),
            (Self::Int(b), _) => b.append_null(),
            (Self::Float(b), _) => b.append_null(),
            (Self::Bool(b), _) => b.append_null(),
            (Self::Time(b), _) => b.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(b) => Arc::new(b.finish()),
            Self::Int(b) => Arc::new(b.finish()),
            Self::Float(b) => Arc::new(b.finish()),
            Self::Bool(b) => Arc::new(b.finish()),
            Self::Time(b) => Arc::new(b.finish()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_quick_reading_of_a_time_is_the_calendars(
            year in 0i32..10_000, month in 0u32..14, day in 0u32..33, hour in 0u32..25, minute in 0u32..61,
            second in 0u32..61, ms in 0u32..1_000,
        ) {
            for text in [
                format!("{year:04}-{month:02}-{day:02}"),
                format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"),
                format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z"),
            ] {
                let slow = parse_calendar(&text).map(EventTime::ms);
                if let Some(quick) = plain_time(text.as_bytes()) {
                    prop_assert_eq!(Some(quick), slow, "{}", text);
                }
                prop_assert_eq!(time_of(&text), slow, "{}", text);
            }
        }
    }
}
