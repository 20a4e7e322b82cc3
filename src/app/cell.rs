//! Values as people read them.

use crate::event_time::{EventTime, Precision};
use crate::scan::Value;
use crate::text::{Align, decimal, thousands};

/// How a null is shown.
pub const NULL: &str = "∅";

/// A value as text: not yet made safe or cut, which is done where it is drawn.
pub fn format_value(value: Value<'_>, precision: Precision) -> String {
    match value {
        Value::Null => NULL.to_owned(),
        Value::Text(text) => text.to_owned(),
        Value::Int(number) => thousands(number),
        Value::Float(number) => decimal(number),
        Value::Bool(yes) => yes.to_string(),
        Value::Time(at) => at.to_text(precision),
    }
}

/// Where values of a type stand in their column.
pub fn alignment(data_type: crate::format::DataType) -> Align {
    match data_type {
        crate::format::DataType::Int | crate::format::DataType::Float => Align::Right,
        _ => Align::Left,
    }
}

/// The least precision that prints all of these times without loss.
pub fn precision_of(times: impl Iterator<Item = EventTime>) -> Precision {
    times
        .map(EventTime::precision)
        .max()
        .unwrap_or(Precision::Date)
}
