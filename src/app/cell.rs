//! Values as people read them.

use crate::event_time::{EventTime, Precision};
use crate::scan::Value;
use crate::text::{Align, decimal, thousands};

/// How a null is shown.
pub const NULL: &str = "∅";

/// How much of a time is shown, where the person wants other than what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeStyle {
    /// What the times beside it need: dates alone where all are midnights, milliseconds where any has them.
    #[default]
    Auto,
    /// Dates alone.
    Dates,
    /// Dates and times of day to the second.
    Seconds,
    /// All of it.
    Milliseconds,
}

impl TimeStyle {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Dates, Self::Seconds, Self::Milliseconds];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Dates => "dates",
            Self::Seconds => "seconds",
            Self::Milliseconds => "milliseconds",
        }
    }

    /// How the cells of a column are printed whose times need this much.
    pub fn cell(self, needed: Precision) -> Precision {
        match self {
            Self::Auto => needed,
            Self::Dates => Precision::Date,
            Self::Seconds => Precision::Second,
            Self::Milliseconds => Precision::Millisecond,
        }
    }

    /// How a moment is printed, or a value in full: never with less than it needs.
    pub fn whole(self, needed: Precision) -> Precision {
        self.cell(needed).max(needed)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_may_cut_a_cell_but_never_a_moment() {
        use Precision::{Date, Millisecond, Second};
        for (style, cells, wholes) in [
            (TimeStyle::Auto, [Date, Second], [Date, Second]),
            (TimeStyle::Dates, [Date, Date], [Date, Second]),
            (TimeStyle::Seconds, [Second, Second], [Second, Second]),
            (
                TimeStyle::Milliseconds,
                [Millisecond, Millisecond],
                [Millisecond, Millisecond],
            ),
        ] {
            assert_eq!([Date, Second].map(|p| style.cell(p)), cells, "{style:?}");
            assert_eq!([Date, Second].map(|p| style.whole(p)), wholes, "{style:?}");
        }
    }
}
