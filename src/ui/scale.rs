//! The labels of a time axis: from centuries to milliseconds, as many as fit.

use crate::event_time::{EventTime, calendar, month_start};

/// The distance between two labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Months(i32),
    Ms(i64),
}

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// From the shortest to the longest.
const STEPS: [Step; 34] = [
    Step::Ms(1),
    Step::Ms(2),
    Step::Ms(5),
    Step::Ms(10),
    Step::Ms(20),
    Step::Ms(50),
    Step::Ms(100),
    Step::Ms(500),
    Step::Ms(1_000),
    Step::Ms(5_000),
    Step::Ms(15_000),
    Step::Ms(30_000),
    Step::Ms(MINUTE),
    Step::Ms(5 * MINUTE),
    Step::Ms(15 * MINUTE),
    Step::Ms(30 * MINUTE),
    Step::Ms(HOUR),
    Step::Ms(3 * HOUR),
    Step::Ms(6 * HOUR),
    Step::Ms(12 * HOUR),
    Step::Ms(DAY),
    Step::Ms(2 * DAY),
    Step::Ms(7 * DAY),
    Step::Months(1),
    Step::Months(3),
    Step::Months(6),
    Step::Months(12),
    Step::Months(24),
    Step::Months(60),
    Step::Months(120),
    Step::Months(240),
    Step::Months(600),
    Step::Months(1_200),
    Step::Months(12_000),
];

/// A label and the moment (milliseconds) that it stands at.
pub(super) type Label = (i64, String);

/// The labels of an axis from `from` to `to` (milliseconds) on `width` cells: the closest that leave room between them.
pub(super) fn labels(from: i64, to: i64, width: u16) -> Vec<Label> {
    let fits = |labels: &[Label]| {
        let length = (i128::from(to) - i128::from(from) + 1) as f64;
        let cell = |ms: i64| (i128::from(ms) - i128::from(from)) as f64 / length * f64::from(width);
        labels
            .windows(2)
            .all(|pair| cell(pair[1].0) - cell(pair[0].0) >= pair[0].1.len() as f64 + 3.0)
    };
    // So many labels can never fit, and making them would be work for nothing.
    let most = i128::from(width) / 6 + 2;
    STEPS
        .into_iter()
        .find_map(|step| make(step, from, to, most).filter(|labels| fits(labels)))
        .unwrap_or_default()
}

fn make(step: Step, from: i64, to: i64, most: i128) -> Option<Vec<Label>> {
    let length = i128::from(to) - i128::from(from);
    let step_ms = match step {
        Step::Ms(ms) => i128::from(ms),
        Step::Months(months) => i128::from(months) * 28 * i128::from(DAY),
    };
    if length / step_ms > most {
        return None;
    }
    let mut labels = Vec::new();
    let mut at = first_at(step, from)?;
    while at <= to {
        labels.push((at, label(step, EventTime::from_ms(at))?));
        at = match step {
            Step::Ms(ms) => at.checked_add(ms)?,
            Step::Months(months) => match month_start(EventTime::from_ms(at), months) {
                Some(next) => next.ms(),
                None => break,
            },
        };
    }
    Some(labels)
}

/// The first moment at or after `from` that a label may stand at.
fn first_at(step: Step, from: i64) -> Option<i64> {
    match step {
        Step::Ms(ms) => {
            let floor = from.div_euclid(ms).checked_mul(ms)?;
            if floor < from {
                floor.checked_add(ms)
            } else {
                Some(floor)
            }
        }
        Step::Months(months) => {
            let (year, month, ..) = calendar(EventTime::from_ms(from))?;
            let index = year * 12 + month as i32 - 1;
            let back = index.rem_euclid(months);
            let floor = month_start(EventTime::from_ms(from), -back)?;
            if floor.ms() < from {
                Some(month_start(floor, months)?.ms())
            } else {
                Some(floor.ms())
            }
        }
    }
}

fn label(step: Step, at: EventTime) -> Option<String> {
    let (year, month, day, hour, minute, second, ms) = calendar(at)?;
    Some(match step {
        Step::Months(months) if months % 12 == 0 => format!("{year}"),
        Step::Months(_) => format!("{year}-{month:02}"),
        Step::Ms(step) if step % DAY == 0 => format!("{year}-{month:02}-{day:02}"),
        Step::Ms(_) if hour == 0 && minute == 0 && second == 0 && ms == 0 => {
            format!("{year}-{month:02}-{day:02}")
        }
        Step::Ms(step) if step % MINUTE == 0 => format!("{hour:02}:{minute:02}"),
        Step::Ms(step) if step % 1_000 == 0 => format!("{hour:02}:{minute:02}:{second:02}"),
        Step::Ms(_) => format!("{hour:02}:{minute:02}:{second:02}.{ms:03}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event_time::parse_calendar;

    fn texts(from: &str, to: &str, width: u16) -> Vec<String> {
        let ms = |t| parse_calendar(t).expect("a time").ms();
        labels(ms(from), ms(to), width)
            .into_iter()
            .map(|(_, text)| text)
            .collect()
    }

    #[test]
    fn labels_fit_the_zoom() {
        assert_eq!(
            texts("2000-01-01", "2021-01-01", 60),
            ["2000", "2005", "2010", "2015", "2020"]
        );
        assert_eq!(
            texts("2019-01-15", "2019-12-31", 60),
            ["2019-04", "2019-07", "2019-10"]
        );
        assert_eq!(
            texts("2019-01-01T06:00", "2019-01-02T06:00", 60),
            ["06:00", "12:00", "18:00", "2019-01-02", "06:00"]
        );
        assert_eq!(
            texts("2019-01-01T06:00:00", "2019-01-01T06:00:00.040", 60).len(),
            3
        );
    }

    #[test]
    fn no_range_is_too_wild() {
        for (from, to) in [
            (0, 0),
            (i64::MIN, i64::MAX),
            (i64::MAX - 1, i64::MAX),
            (i64::MIN, i64::MIN),
        ] {
            for width in [0, 1, 80, 500] {
                assert!(labels(from, to, width).len() <= 100);
            }
        }
    }
}
