//! What the versions of a key say: when it came, changed and went, and what its columns hold.

use crate::diff::ChangeKind;
use crate::event_time::{EventTime, Precision, calendar};
use crate::format::DataType;
use crate::history::History;
use crate::scan::Value;
use crate::text;

use super::super::cell::{TimeStyle, format_value, precision_of};
use super::{TEXT_AT_MOST, VERSIONS_MEASURED};

/// A moment at which the key came, changed or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The moment.
    pub from: EventTime,
    /// The version that is shown from then on; `None` where the key is gone.
    pub version: Option<usize>,
    /// What became of the key.
    pub kind: ChangeKind,
}

/// What is known of a column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure {
    pub width: u16,
    pub precision: Precision,
    /// The least and the greatest number.
    pub range: Option<(f64, f64)>,
}

/// The moments at which the key came, changed or went, newest first.
pub(super) fn entries(history: &History) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let gone_after = |version: usize| {
        let until = history.valid_to(version)?;
        until.ms().checked_add(1).map(EventTime::from_ms)
    };
    let gone = |from| Entry {
        from,
        version: None,
        kind: ChangeKind::Removed,
    };
    for version in 0..history.len() {
        let from = history.valid_from(version);
        let before = version.checked_sub(1);
        let gap = before.and_then(gone_after).filter(|gone| *gone < from);
        entries.extend(gap.map(gone));
        let differs = |before: usize| {
            (0..history.columns().len())
                .any(|c| history.value(version, c) != history.value(before, c))
        };
        let kind = match before {
            Some(before) if gap.is_none() && differs(before) => ChangeKind::Changed,
            Some(_) if gap.is_none() => ChangeKind::Touched,
            _ => ChangeKind::Added,
        };
        entries.push(Entry {
            from,
            version: Some(version),
            kind,
        });
    }
    let end = history.len().checked_sub(1).and_then(gone_after);
    entries.extend(end.map(gone));
    entries.reverse();
    entries
}

pub(super) fn measure(history: &History, column: usize, times: TimeStyle) -> Measure {
    let about = &history.columns()[column];
    let values = || (0..history.len()).map(|version| history.value(version, column));
    let precision = precision_of(values().filter_map(|value| match value {
        Value::Time(at) => Some(at),
        _ => None,
    }));
    let precision = times.cell(precision);
    let widest = values()
        .take(VERSIONS_MEASURED)
        .map(|value| {
            let shown = format_value(value, precision);
            text::width(&text::ellipsis(&shown, 64)) as u16
        })
        .max()
        .unwrap_or(0)
        .max(text::width(&text::visible(&about.name)) as u16)
        .max(1);
    let width = if about.data_type == DataType::String {
        widest.min(TEXT_AT_MOST)
    } else {
        widest
    };
    let range = values().filter_map(number).fold(None, |range, n| {
        let (least, greatest) = range.unwrap_or((n, n));
        Some((n.min(least), n.max(greatest)))
    });
    Measure {
        width,
        precision,
        range,
    }
}

/// A value that a chart can show.
pub fn number(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Int(number) => Some(number as f64),
        Value::Float(number) => Some(number).filter(|n| n.is_finite()),
        _ => None,
    }
}

/// The length of a stretch of time in words: `3 mo`, `17 d`, `2.5 h`, `40 ms`.
pub fn span(from: EventTime, to: EventTime) -> String {
    const UNITS: [(f64, f64, &str); 5] = [
        (1_000.0, 1.0, "ms"),
        (60_000.0, 1_000.0, "s"),
        (3_600_000.0, 60_000.0, "min"),
        (86_400_000.0, 3_600_000.0, "h"),
        (60.0 * 86_400_000.0, 86_400_000.0, "d"),
    ];
    const MONTH_MS: f64 = 365.2425 / 12.0 * 86_400_000.0;
    let ms = (i128::from(to.ms()) - i128::from(from.ms())) as f64;
    let short = |number: f64, unit: &str| {
        let text = format!("{number:.1}");
        format!("{} {unit}", text.trim_end_matches(".0"))
    };
    if let Some((_, length, unit)) = UNITS.iter().find(|(below, ..)| ms < *below) {
        return short(ms / length, unit);
    }
    let months = match (calendar(from), calendar(to)) {
        (Some((y, m, d, h, min, s, milli)), Some((y2, m2, d2, h2, min2, s2, milli2)))
            if (d, h, min, s, milli) == (d2, h2, min2, s2, milli2) =>
        {
            f64::from((y2 - y) * 12 + m2 as i32 - m as i32)
        }
        _ => ms / MONTH_MS,
    };
    if months < 24.0 {
        short(months, "mo")
    } else {
        short(months / 12.0, "y")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event_time::parse_calendar;

    #[test]
    fn a_stretch_of_time_reads_as_people_say_it() {
        let at = |text: &str| parse_calendar(text).expect("a time");
        for (from, to, said) in [
            ("2019-07-01", "2019-10-01", "3 mo"),
            ("2019-03-31", "2019-06-30", "3 mo"),
            ("2019-01-31", "2019-04-15", "2.4 mo"),
            ("2019-01-01", "2019-01-18", "17 d"),
            ("2019-01-01", "2020-01-01", "12 mo"),
            ("2016-02-01", "2019-02-01", "3 y"),
            ("2019-01-01T00:00", "2019-01-01T02:30", "2.5 h"),
            ("2019-01-01T00:00:00", "2019-01-01T00:00:00.040", "40 ms"),
        ] {
            assert_eq!(span(at(from), at(to)), said, "{from} to {to}");
        }
        let whole = span(EventTime::from_ms(i64::MIN), EventTime::from_ms(i64::MAX));
        assert!(whole.ends_with(" y"), "{whole}");
    }
}
