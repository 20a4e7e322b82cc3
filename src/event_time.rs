//! Event times: the one kind of time that the format knows, and what people type for it.

use std::fmt;

use chrono::{
    DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Utc,
};

/// A moment at which something happened, in whole milliseconds since 1970-01-01T00:00:00Z.
///
/// Any `i64` is a valid event time, because data may hold any; those beyond the calendar's range (about ±262,000
/// years) print as a number of milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventTime(i64);

impl EventTime {
    /// Makes an event time from milliseconds since 1970 (UTC).
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since 1970 (UTC).
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// The calendar reading, or `None` beyond the calendar's range.
    pub fn to_datetime(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_millis(self.0)
    }

    /// The least precision that prints this time without loss.
    pub fn precision(self) -> Precision {
        if self.0.rem_euclid(86_400_000) == 0 {
            Precision::Date
        } else if self.0.rem_euclid(1_000) == 0 {
            Precision::Second
        } else {
            Precision::Millisecond
        }
    }

    /// Prints the time for people, at the given precision and without its zone: `2019-11-17 08:30:00`.
    pub fn to_text(self, precision: Precision) -> String {
        let Some(at) = self.to_datetime() else {
            return format!("{} ms", self.0);
        };
        let date = Self::date_text(at);
        match precision {
            Precision::Date => date,
            Precision::Second => format!("{date} {}", at.format("%H:%M:%S")),
            Precision::Millisecond => format!("{date} {}", at.format("%H:%M:%S%.3f")),
        }
    }

    /// Prints the time of day alone, to the millisecond: `08:30:00.125`.
    pub fn time_of_day(self) -> String {
        self.to_datetime()
            .map_or_else(String::new, |at| at.format("%H:%M:%S%.3f").to_string())
    }

    fn date_text(at: DateTime<Utc>) -> String {
        if (0..=9999).contains(&at.year()) {
            format!("{:04}-{:02}-{:02}", at.year(), at.month(), at.day())
        } else {
            format!("{:+}-{:02}-{:02}", at.year(), at.month(), at.day())
        }
    }
}

/// RFC 3339 in milliseconds: `2019-11-17T00:00:00.000Z`, as every file and pipe gets it.
impl fmt::Display for EventTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_datetime() {
            Some(at) => write!(f, "{}T{}Z", Self::date_text(at), at.format("%H:%M:%S%.3f")),
            None => write!(f, "{}", self.0),
        }
    }
}

/// How much of a time is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    /// `2019-11-17`
    Date,
    /// `2019-11-17 08:30:00`
    Second,
    /// `2019-11-17 08:30:00.125`
    Millisecond,
}

/// The moment that a read is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AsOf {
    /// The table as it was at this time, inclusive.
    At(EventTime),
    /// The newest state: every row of every open segment, even one dated in the future.
    Current,
}

impl AsOf {
    /// True where a row with this event time may be seen.
    pub fn admits(self, event_time_ms: i64) -> bool {
        match self {
            Self::At(at) => event_time_ms <= at.ms(),
            Self::Current => true,
        }
    }

    /// The moment as a number to order moments by; `Current` comes after every time.
    pub fn position_ms(self) -> i64 {
        match self {
            Self::At(at) => at.ms(),
            Self::Current => i64::MAX,
        }
    }
}

impl fmt::Display for AsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(at) => at.fmt(f),
            Self::Current => f.write_str("current"),
        }
    }
}

/// What [`parse_time`] says of a text that is no time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeError(String);

impl TimeError {
    /// The forms that are understood, for a hint line.
    pub const FORMS: &str = "a time is 2019-11-17T08:30:00Z, 2019-11-17, 2019-11, 2019-Q3, 2019, now, -90d, -2h, or milliseconds since 1970";
}

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TimeError {}

/// Reads an RFC 3339 time as metadata files hold it. Finer than a millisecond is floored.
pub fn parse_rfc3339(text: &str) -> Result<EventTime, TimeError> {
    DateTime::parse_from_rfc3339(text)
        .map(|at| EventTime(at.timestamp_millis()))
        .map_err(|_| TimeError(format!("'{text}' is not an RFC 3339 time")))
}

/// Reads a moment as a person types it; `current` and `latest` name the newest state, all else is [`parse_time`]'s.
pub fn parse_as_of(text: &str, now: EventTime) -> Result<AsOf, TimeError> {
    match text.trim().to_ascii_lowercase().as_str() {
        "current" | "latest" => Ok(AsOf::Current),
        _ => parse_time(text, now).map(AsOf::At),
    }
}

/// Reads a time as a person types it: RFC 3339 (the zone may be left out and means UTC then), a date, a month, a
/// quarter, a year, `now`, an offset from now such as `-90d` or `+2h` (units `ms s m h d w mo q y`), or milliseconds
/// since 1970. A span names its first instant.
pub fn parse_time(text: &str, now: EventTime) -> Result<EventTime, TimeError> {
    let text = text.trim();
    let refused = || TimeError(format!("'{text}' is not a time"));
    if text.is_empty() {
        return Err(TimeError("a time is missing".to_owned()));
    }
    if text.eq_ignore_ascii_case("now") {
        return Ok(now);
    }
    if let Some(at) = parse_offset(text, now)? {
        return Ok(at);
    }
    if let Some(at) = parse_calendar(text) {
        return Ok(at);
    }
    // Four digits are a year, and were read above; anything else that is a number counts milliseconds.
    if let Ok(ms) = text.parse::<i64>() {
        let at = EventTime(ms);
        return at
            .to_datetime()
            .map(|_| at)
            .ok_or_else(|| TimeError(format!("'{text}' ms is beyond the calendar")));
    }
    Err(refused())
}

/// Reads what names a moment by the calendar alone: RFC 3339, with or without its zone, a date, month, quarter or year.
pub fn parse_calendar(text: &str) -> Option<EventTime> {
    let text = text.trim();
    if let Some(at) = parse_span_start(text) {
        return Some(at);
    }
    let spaced = text.replacen([' ', 't'], "T", 1);
    if let Ok(at) = DateTime::parse_from_rfc3339(&spaced) {
        return Some(EventTime(at.timestamp_millis()));
    }
    let unzoned = spaced.trim_end_matches(['Z', 'z']);
    // chrono wants minutes with every hour.
    let padded = format!("{unzoned}:00");
    let forms = [
        (unzoned, "%Y-%m-%dT%H:%M:%S%.f"),
        (unzoned, "%Y-%m-%dT%H:%M"),
        (padded.as_str(), "%Y-%m-%dT%H:%M"),
    ];
    let read = |(text, form): (&str, &str)| NaiveDateTime::parse_from_str(text, form).ok();
    forms
        .into_iter()
        .find_map(read)
        .map(|at| EventTime(at.and_utc().timestamp_millis()))
}

/// `2019`, `2019-11`, `2019-Q3` or `2019-11-17`: the first instant of the span.
fn parse_span_start(text: &str) -> Option<EventTime> {
    let digits = |part: &str, len: usize| -> Option<u32> {
        (part.len() == len && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse().ok())
            .flatten()
    };
    let mut parts = text.splitn(3, '-');
    let year = digits(parts.next()?, 4)?;
    let (month, day) = match (parts.next(), parts.next()) {
        (None, _) => (1, 1),
        (Some(middle), None) => match middle.strip_prefix(['Q', 'q']).and_then(|q| digits(q, 1)) {
            Some(quarter @ 1..=4) => (quarter * 3 - 2, 1),
            _ => (digits(middle, 2)?, 1),
        },
        (Some(month), Some(day)) => (digits(month, 2)?, digits(day, 2)?),
    };
    let date = NaiveDate::from_ymd_opt(year as i32, month, day)?;
    Some(EventTime(
        date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis(),
    ))
}

/// `-90d`, `+2h`: an offset from now; `Ok(None)` where the text is no offset.
fn parse_offset(text: &str, now: EventTime) -> Result<Option<EventTime>, TimeError> {
    let Some(body) = text.strip_prefix(['-', '+']) else {
        return Ok(None);
    };
    let forward = text.starts_with('+');
    let unit_at = body
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(body.len());
    let (count, unit) = body.split_at(unit_at);
    let Ok(count) = count.parse::<u32>() else {
        return Ok(None);
    };
    let beyond = || TimeError(format!("'{text}' from now is beyond the calendar"));
    let from = now.to_datetime().ok_or_else(beyond)?;
    let months = |n: u32| {
        let months = Months::new(count.checked_mul(n)?);
        if forward {
            from.checked_add_months(months)
        } else {
            from.checked_sub_months(months)
        }
    };
    let span = |delta: Option<TimeDelta>| {
        let delta = delta?;
        if forward {
            from.checked_add_signed(delta)
        } else {
            from.checked_sub_signed(delta)
        }
    };
    let days = |n: u64| {
        let days = Days::new(u64::from(count) * n);
        if forward {
            from.checked_add_days(days)
        } else {
            from.checked_sub_days(days)
        }
    };
    let at = match unit {
        "ms" => span(TimeDelta::try_milliseconds(i64::from(count))),
        "s" => span(TimeDelta::try_seconds(i64::from(count))),
        "m" | "min" => span(TimeDelta::try_minutes(i64::from(count))),
        "h" => span(TimeDelta::try_hours(i64::from(count))),
        "d" => days(1),
        "w" => days(7),
        "mo" => months(1),
        "q" => months(3),
        "y" => months(12),
        _ => return Ok(None),
    };
    at.map(|at| Some(EventTime(at.timestamp_millis())))
        .ok_or_else(beyond)
}

/// The machine's clock, floored to the millisecond.
pub fn now() -> EventTime {
    EventTime(Utc::now().timestamp_millis())
}

/// The first instant of the month that is `months` after the one that holds `at`; `None` beyond the calendar.
pub fn month_start(at: EventTime, months: i32) -> Option<EventTime> {
    let at = at.to_datetime()?;
    let index = at
        .year()
        .checked_mul(12)?
        .checked_add(at.month0() as i32)?
        .checked_add(months)?;
    let date = NaiveDate::from_ymd_opt(index.div_euclid(12), index.rem_euclid(12) as u32 + 1, 1)?;
    Some(EventTime(
        date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis(),
    ))
}

/// Year, month (1 to 12), day, hour, minute, second and millisecond of a time; `None` beyond the calendar.
pub fn calendar(at: EventTime) -> Option<(i32, u32, u32, u32, u32, u32, u32)> {
    let at = at.to_datetime()?;
    let ms = at.timestamp_subsec_millis();
    Some((
        at.year(),
        at.month(),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        ms,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let now = parse_rfc3339("2024-03-31T12:00:00Z").expect("a time");
        parse_time(text, now).map_or_else(|e| e.to_string(), |at| at.to_string())
    }

    #[test]
    fn every_form_that_people_type_names_its_first_instant() {
        for (typed, meant) in [
            ("2019-11-17T08:30:00Z", "2019-11-17T08:30:00.000Z"),
            (
                "2019-11-17T08:30:00.123456+02:00",
                "2019-11-17T06:30:00.123Z",
            ),
            ("2019-11-17 08:30", "2019-11-17T08:30:00.000Z"),
            ("2019-11-17T08", "2019-11-17T08:00:00.000Z"),
            ("2019-11-17", "2019-11-17T00:00:00.000Z"),
            ("2019-11", "2019-11-01T00:00:00.000Z"),
            ("2019-q3", "2019-07-01T00:00:00.000Z"),
            ("2019", "2019-01-01T00:00:00.000Z"),
            ("now", "2024-03-31T12:00:00.000Z"),
            ("-2h", "2024-03-31T10:00:00.000Z"),
            ("-1mo", "2024-02-29T12:00:00.000Z"),
            ("+1w", "2024-04-07T12:00:00.000Z"),
            ("1573948800000", "2019-11-17T00:00:00.000Z"),
            ("-1000", "1969-12-31T23:59:59.000Z"),
        ] {
            assert_eq!(read(typed), meant, "{typed}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for typed in [
            "",
            "yesterday",
            "2019-13",
            "2019-02-30",
            "2019-Q5",
            "-5x",
            "99999999999999999",
            "-4000000000y",
        ] {
            let now = EventTime::from_ms(0);
            assert!(parse_time(typed, now).is_err(), "{typed}");
        }
    }

    #[test]
    fn times_beyond_the_calendar_print_as_numbers() {
        assert_eq!(
            EventTime::from_ms(i64::MAX).to_string(),
            i64::MAX.to_string()
        );
        assert_eq!(
            EventTime::from_ms(i64::MIN).to_text(Precision::Date),
            format!("{} ms", i64::MIN)
        );
        assert_eq!(
            EventTime::from_ms(-62_198_755_200_000).to_text(Precision::Date),
            "-1-01-01"
        );
    }

    #[test]
    fn precision_is_the_least_that_loses_nothing() {
        assert_eq!(EventTime::from_ms(-86_400_000).precision(), Precision::Date);
        assert_eq!(EventTime::from_ms(-1_000).precision(), Precision::Second);
        assert_eq!(EventTime::from_ms(-1).precision(), Precision::Millisecond);
    }
}
