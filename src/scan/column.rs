//! The values of one column of one row group, typed as the schema says, whatever the file's own type was.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, StringViewArray,
    TimestampMillisecondArray, new_null_array,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType as ArrowType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType,
};

use crate::event_time::EventTime;
use crate::format::DataType;

/// One value. Two are equal where they are of one type and say the same; NaN equals NaN.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// No value, which is a value too.
    Null,
    /// UTF-8 text.
    Text(&'a str),
    /// A whole number.
    Int(i64),
    /// A number of 64-bit floating point.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// A moment.
    Time(EventTime),
}

impl Value<'_> {
    /// As programs read it: no separators, times in RFC 3339; `None` for a null.
    pub fn to_plain(self) -> Option<String> {
        Some(match self {
            Self::Null => return None,
            Self::Text(text) => text.to_owned(),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Bool(yes) => yes.to_string(),
            Self::Time(at) => at.to_string(),
        })
    }
}

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => same_number(*a, *b),
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Time(a), Self::Time(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value<'_> {}

/// Equality as the format has it: NaN equals NaN, and zero equals negative zero.
#[expect(clippy::float_cmp, reason = "two cells differ or they do not")]
fn same_number(a: f64, b: f64) -> bool {
    a == b || a.is_nan() && b.is_nan()
}

/// The values of a column, one a row.
#[derive(Debug, Clone)]
pub enum ColumnData {
    /// `String`; short texts are held in place, longer ones point into the page they were decoded from.
    Text(StringViewArray),
    /// `Int`
    Int(Int64Array),
    /// `Float`
    Float(Float64Array),
    /// `Boolean`
    Bool(BooleanArray),
    /// `DateTime`, milliseconds UTC.
    Time(TimestampMillisecondArray),
}

/// The Arrow type that holds a column in memory.
pub fn arrow_type(data_type: DataType) -> ArrowType {
    match data_type {
        DataType::String => ArrowType::Utf8View,
        DataType::Int => ArrowType::Int64,
        DataType::Float => ArrowType::Float64,
        DataType::Boolean => ArrowType::Boolean,
        DataType::DateTime => time_type(),
    }
}

/// Milliseconds since 1970, UTC.
pub fn time_type() -> ArrowType {
    ArrowType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

/// True where a file's column of this type can be read as the schema's type.
pub(super) fn is_readable(found: &ArrowType, wanted: DataType) -> bool {
    match wanted {
        DataType::String => match found {
            ArrowType::Dictionary(_, values) => is_string(values),
            found => is_string(found),
        },
        DataType::Int => found.is_integer(),
        // A column that was widened keeps its old files.
        DataType::Float => {
            found.is_integer() || matches!(found, ArrowType::Float32 | ArrowType::Float64)
        }
        DataType::Boolean => *found == ArrowType::Boolean,
        DataType::DateTime => matches!(found, ArrowType::Timestamp(..)),
    }
}

fn is_string(found: &ArrowType) -> bool {
    matches!(
        found,
        ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View
    )
}

impl ColumnData {
    /// A column that a file lacks: all null.
    pub fn nulls(data_type: DataType, rows: usize) -> Self {
        let array = new_null_array(&arrow_type(data_type), rows);
        match data_type {
            DataType::String => Self::Text(array.as_string_view().clone()),
            DataType::Int => Self::Int(array.as_primitive().clone()),
            DataType::Float => Self::Float(array.as_primitive().clone()),
            DataType::Boolean => Self::Bool(array.as_boolean().clone()),
            DataType::DateTime => Self::Time(array.as_primitive().clone()),
        }
    }

    /// Casts a decoded array to the schema's type. Times finer than a millisecond are floored; a number that does not
    /// fit is an error, and so is a type that cannot be read as the wanted one.
    pub fn cast(array: &ArrayRef, wanted: DataType) -> Result<Self, String> {
        if !is_readable(array.data_type(), wanted) {
            return Err(format!(
                "it holds {}, which does not cast to {wanted}",
                array.data_type()
            ));
        }
        let strict = CastOptions {
            safe: false,
            ..CastOptions::default()
        };
        let to = |target: ArrowType| {
            if *array.data_type() == target {
                return Ok(Arc::clone(array));
            }
            cast_with_options(array, &target, &strict).map_err(|e| {
                format!(
                    "a value does not cast from {} to {wanted}: {e}",
                    array.data_type()
                )
            })
        };
        Ok(match wanted {
            DataType::String => Self::Text(to(ArrowType::Utf8View)?.as_string_view().clone()),
            DataType::Int => Self::Int(to(ArrowType::Int64)?.as_primitive::<Int64Type>().clone()),
            DataType::Float => Self::Float(
                to(ArrowType::Float64)?
                    .as_primitive::<Float64Type>()
                    .clone(),
            ),
            DataType::Boolean => Self::Bool(array.as_boolean().clone()),
            DataType::DateTime => {
                let ms: TimestampMillisecondArray = match array.data_type() {
                    // Arrow's own cast rounds towards zero, which is up for times before 1970.
                    ArrowType::Timestamp(TimeUnit::Microsecond, _) => array
                        .as_primitive::<TimestampMicrosecondType>()
                        .unary(|us| us.div_euclid(1_000)),
                    ArrowType::Timestamp(TimeUnit::Nanosecond, _) => array
                        .as_primitive::<TimestampNanosecondType>()
                        .unary(|ns| ns.div_euclid(1_000_000)),
                    ArrowType::Timestamp(TimeUnit::Millisecond, _) => {
                        array.as_primitive::<TimestampMillisecondType>().clone()
                    }
                    _ => to(ArrowType::Timestamp(TimeUnit::Millisecond, None))?
                        .as_primitive::<TimestampMillisecondType>()
                        .clone(),
                };
                Self::Time(ms.with_timezone("UTC"))
            }
        })
    }

    /// The value in a row.
    ///
    /// # Panics
    /// Where the column has no such row.
    pub fn value(&self, row: usize) -> Value<'_> {
        match self {
            Self::Text(a) if a.is_valid(row) => Value::Text(a.value(row)),
            Self::Int(a) if a.is_valid(row) => Value::Int(a.value(row)),
            Self::Float(a) if a.is_valid(row) => Value::Float(a.value(row)),
            Self::Bool(a) if a.is_valid(row) => Value::Bool(a.value(row)),
            Self::Time(a) if a.is_valid(row) => Value::Time(EventTime::from_ms(a.value(row))),
            _ => Value::Null,
        }
    }

    /// True where a row of this column and a row of another hold the same value; null equals null. Columns of different
    /// types hold different values.
    pub fn is_equal(&self, row: usize, other: &Self, other_row: usize) -> bool {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => {
                both(a, row, b, other_row, || a.value(row) == b.value(other_row))
            }
            (Self::Time(a), Self::Time(b)) => {
                both(a, row, b, other_row, || a.value(row) == b.value(other_row))
            }
            (Self::Text(a), Self::Text(b)) => both(a, row, b, other_row, || {
                // A view has the length and the first four bytes of a long text, and all of a short one.
                let (view_a, view_b) = (a.views()[row], b.views()[other_row]);
                if view_a as u64 != view_b as u64 {
                    false
                } else if view_a as u32 <= 12 {
                    view_a == view_b
                } else {
                    a.value(row) == b.value(other_row)
                }
            }),
            _ => self.value(row) == other.value(other_row),
        }
    }

    /// The column as an Arrow array of [`arrow_type`].
    pub fn to_array(&self) -> ArrayRef {
        match self {
            Self::Text(a) => Arc::new(a.clone()),
            Self::Int(a) => Arc::new(a.clone()),
            Self::Float(a) => Arc::new(a.clone()),
            Self::Bool(a) => Arc::new(a.clone()),
            Self::Time(a) => Arc::new(a.clone()),
        }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(a) => a.len(),
            Self::Int(a) => a.len(),
            Self::Float(a) => a.len(),
            Self::Bool(a) => a.len(),
            Self::Time(a) => a.len(),
        }
    }

    /// True where there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held in memory.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Text(a) => a.get_array_memory_size(),
            Self::Int(a) => a.get_array_memory_size(),
            Self::Float(a) => a.get_array_memory_size(),
            Self::Bool(a) => a.get_array_memory_size(),
            Self::Time(a) => a.get_array_memory_size(),
        }
    }

    /// The row of the first null.
    pub(super) fn first_null(&self) -> Option<usize> {
        let nulls = match self {
            Self::Text(a) => a.nulls(),
            Self::Int(a) => a.nulls(),
            Self::Float(a) => a.nulls(),
            Self::Bool(a) => a.nulls(),
            Self::Time(a) => a.nulls(),
        }?;
        (nulls.null_count() > 0)
            .then(|| (0..nulls.len()).find(|i| nulls.is_null(*i)))
            .flatten()
    }
}

/// Compares where both have a value; null equals null.
#[inline]
fn both(
    a: &impl Array,
    row: usize,
    b: &impl Array,
    other_row: usize,
    equal: impl FnOnce() -> bool,
) -> bool {
    if a.nulls().is_none() && b.nulls().is_none() {
        return equal();
    }
    match (a.is_valid(row), b.is_valid(other_row)) {
        (true, true) => equal(),
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{
        DictionaryArray, Int8Array, StringArray, TimestampNanosecondArray, UInt64Array,
    };
    use arrow::datatypes::Int32Type;

    fn cast(array: impl Array + 'static, wanted: DataType) -> Result<ColumnData, String> {
        ColumnData::cast(&(Arc::new(array) as ArrayRef), wanted)
    }

    #[test]
    fn times_before_1970_are_floored_not_truncated() {
        let times = cast(
            TimestampNanosecondArray::from(vec![-1, 1_999_999]),
            DataType::DateTime,
        )
        .expect("times");
        assert_eq!(times.value(0), Value::Time(EventTime::from_ms(-1)));
        assert_eq!(times.value(1), Value::Time(EventTime::from_ms(1)));
    }

    #[test]
    fn types_of_other_writers_are_read_when_they_fit() {
        let names: DictionaryArray<Int32Type> =
            vec![Some("a"), None, Some("a")].into_iter().collect();
        let names = cast(names, DataType::String).expect("text");
        assert_eq!(
            [names.value(0), names.value(1)],
            [Value::Text("a"), Value::Null]
        );
        assert!(
            cast(Int8Array::from(vec![-3]), DataType::Int)
                .is_ok_and(|c| c.value(0) == Value::Int(-3))
        );
        assert!(cast(UInt64Array::from(vec![u64::MAX]), DataType::Int).is_err());
        assert!(cast(StringArray::from(vec!["1"]), DataType::Int).is_err());
        assert!(cast(Int8Array::from(vec![1]), DataType::DateTime).is_err());
    }

    #[test]
    fn whole_numbers_widen_to_floats_and_nan_equals_nan() {
        let widened =
            cast(Int8Array::from(vec![Some(-3), None]), DataType::Float).expect("numbers");
        assert_eq!(
            [widened.value(0), widened.value(1)],
            [Value::Float(-3.0), Value::Null]
        );
        let odd = cast(
            arrow::array::Float32Array::from(vec![f32::NAN, 0.0, -0.0]),
            DataType::Float,
        );
        let odd = odd.expect("numbers");
        assert!(odd.is_equal(0, &odd, 0) && odd.is_equal(1, &odd, 2) && !odd.is_equal(0, &odd, 1));
        assert!(cast(StringArray::from(vec!["1.5"]), DataType::Float).is_err());
    }
}
