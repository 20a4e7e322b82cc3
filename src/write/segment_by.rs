//! When an append opens a new segment.

use std::fmt;

use crate::event_time::{EventTime, calendar, month_start};
use crate::text::parse_bytes;

/// The policy by which an append opens segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SegmentBy {
    /// A segment a calendar month.
    Month,
    /// A segment a calendar quarter.
    #[default]
    Quarter,
    /// A segment a calendar year.
    Year,
    /// A segment until its data files have this many bytes, when an append opens the next one; a compaction counts the
    /// bytes of rows before they are encoded.
    Bytes(u64),
}

impl SegmentBy {
    /// Reads `month`, `quarter`, `year` or a size such as `256MB`; the error says what may be said.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "month" => Ok(Self::Month),
            "quarter" => Ok(Self::Quarter),
            "year" => Ok(Self::Year),
            size => parse_bytes(size)
                .filter(|bytes| *bytes > 0)
                .map(Self::Bytes)
                .ok_or_else(|| {
                    format!("'{text}' should be month, quarter, year, or a size such as 256MB")
                }),
        }
    }

    /// The first instant (milliseconds) of the period that holds a time; by size, the time itself.
    pub fn period_start(self, ms: i64) -> i64 {
        let months = |length: i32| {
            let at = EventTime::from_ms(ms);
            let (_, month, ..) = calendar(at)?;
            let into = (month as i32 - 1) % length;
            month_start(at, -into)
        };
        let start = match self {
            Self::Month => months(1),
            Self::Quarter => months(3),
            Self::Year => months(12),
            Self::Bytes(_) => None,
        };
        start.map_or(ms, EventTime::ms)
    }

    /// The first instant (milliseconds) of the period after the one that holds a time; by size, periods are months.
    pub fn next_period(self, ms: i64) -> i64 {
        let length = match self {
            Self::Month | Self::Bytes(_) => 1,
            Self::Quarter => 3,
            Self::Year => 12,
        };
        let by_month = if matches!(self, Self::Bytes(_)) {
            Self::Month
        } else {
            self
        };
        let start = EventTime::from_ms(by_month.period_start(ms));
        month_start(start, length).map_or(i64::MAX, EventTime::ms)
    }
}

impl fmt::Display for SegmentBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Month => f.write_str("month"),
            Self::Quarter => f.write_str("quarter"),
            Self::Year => f.write_str("year"),
            Self::Bytes(bytes) => write!(f, "{bytes}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event_time::parse_calendar;

    fn ms(text: &str) -> i64 {
        parse_calendar(text).expect("a time").ms()
    }

    #[test]
    fn periods_begin_on_the_calendar() {
        let at = ms("2024-08-17T12:00:00Z");
        for (by, start, next) in [
            (SegmentBy::Month, "2024-08-01", "2024-09-01"),
            (SegmentBy::Quarter, "2024-07-01", "2024-10-01"),
            (SegmentBy::Year, "2024-01-01", "2025-01-01"),
        ] {
            assert_eq!(
                (by.period_start(at), by.next_period(at)),
                (ms(start), ms(next))
            );
            assert_eq!(SegmentBy::parse(&by.to_string()), Ok(by));
        }
        assert_eq!(SegmentBy::parse("1KB"), Ok(SegmentBy::Bytes(1_000)));
        assert!(SegmentBy::parse("week").is_err() && SegmentBy::parse("0").is_err());
    }
}
