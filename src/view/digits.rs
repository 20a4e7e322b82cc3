//! Whole numbers and times written out without an allocation, for those who write millions of them.

use crate::event_time::{EventTime, Precision};

/// A whole number as digits and as it is shown: `-1234567`, `-1,234,567`.
pub(super) struct Digits {
    plain: [u8; 20],
    plain_from: usize,
    grouped: [u8; 26],
    grouped_from: usize,
}

impl Digits {
    pub fn new(number: i64) -> Self {
        let (mut plain, mut grouped) = ([0; 20], [0; 26]);
        let (mut plain_from, mut grouped_from) = (plain.len(), grouped.len());
        let mut rest = number.unsigned_abs();
        for written in 0.. {
            let digit = b'0' + (rest % 10) as u8;
            rest /= 10;
            if written > 0 && written % 3 == 0 {
                grouped_from -= 1;
                grouped[grouped_from] = b',';
            }
            plain_from -= 1;
            plain[plain_from] = digit;
            grouped_from -= 1;
            grouped[grouped_from] = digit;
            if rest == 0 {
                break;
            }
        }
        if number < 0 {
            plain_from -= 1;
            plain[plain_from] = b'-';
            grouped_from -= 1;
            grouped[grouped_from] = b'-';
        }
        Self {
            plain,
            plain_from,
            grouped,
            grouped_from,
        }
    }

    pub fn plain(&self) -> &str {
        ascii(&self.plain[self.plain_from..])
    }

    pub fn grouped(&self) -> &str {
        ascii(&self.grouped[self.grouped_from..])
    }

    /// True where the two differ.
    pub fn is_grouped(&self) -> bool {
        self.plain.len() - self.plain_from != self.grouped.len() - self.grouped_from
    }
}

/// Only ASCII is written here.
fn ascii(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap_or_default()
}

const DAY_MS: i64 = 86_400_000;

/// A time of the years 0 to 9999: `2019-11-17 08:30:00.125`.
pub(super) struct TimeText([u8; 23]);

impl TimeText {
    /// Nothing for other years.
    pub fn new(at: EventTime) -> Option<Self> {
        let (days, ms) = (at.ms().div_euclid(DAY_MS), at.ms().rem_euclid(DAY_MS));
        // From 0000-03-01, in eras of 400 years that begin in March (Hinnant, `chrono`-Compatible Low-Level Date Algorithms).
        let from_march = days.checked_add(719_468)?;
        let (era, day_of_era) = (
            from_march.div_euclid(146_097),
            from_march.rem_euclid(146_097),
        );
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        if !(0..=9_999).contains(&year) {
            return None;
        }
        let mut text = *b"0000-00-00 00:00:00.000";
        for (at, width, value) in [
            (0, 4, year),
            (5, 2, month),
            (8, 2, day),
            (11, 2, ms / 3_600_000),
            (14, 2, ms / 60_000 % 60),
            (17, 2, ms / 1_000 % 60),
            (20, 3, ms % 1_000),
        ] {
            let mut rest = value;
            for place in text[at..at + width].iter_mut().rev() {
                *place = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        }
        Some(Self(text))
    }

    /// As it is shown.
    pub fn shown(&self, precision: Precision) -> &str {
        let end = match precision {
            Precision::Date => 10,
            Precision::Second => 19,
            Precision::Millisecond => 23,
        };
        ascii(&self.0[..end])
    }

    /// As files have it.
    pub fn in_files(&self) -> InFiles {
        let mut text = [b'Z'; 24];
        text[..23].copy_from_slice(&self.0);
        text[10] = b'T';
        InFiles(text)
    }
}

/// `2019-11-17T08:30:00.125Z`
pub(super) struct InFiles([u8; 24]);

impl std::ops::Deref for InFiles {
    type Target = str;

    fn deref(&self) -> &str {
        ascii(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::thousands;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_written_as_they_are_elsewhere(number in prop_oneof![any::<i64>(), -2_000i64..2_000]) {
            let digits = Digits::new(number);
            prop_assert_eq!(digits.plain(), number.to_string());
            prop_assert_eq!(digits.grouped(), thousands(number));
            prop_assert_eq!(digits.is_grouped(), digits.plain() != digits.grouped());
        }

        #[test]
        fn times_are_written_as_they_are_elsewhere(
            ms in prop_oneof![any::<i64>(), -62_300_000_000_000i64..253_500_000_000_000, -100_000_000i64..100_000_000],
        ) {
            let at = EventTime::from_ms(ms);
            if let Some(text) = TimeText::new(at) {
                for precision in [Precision::Date, Precision::Second, Precision::Millisecond] {
                    prop_assert_eq!(text.shown(precision), at.to_text(precision));
                }
                prop_assert_eq!(&*text.in_files(), at.to_string());
            } else {
                prop_assert!(!(-62_167_219_200_000..253_402_300_800_000).contains(&ms));
            }
        }
    }

    #[test]
    fn the_edges_of_the_calendar_are_written_or_left_out() {
        let written = |ms| TimeText::new(EventTime::from_ms(ms)).is_some();
        assert!(written(-62_167_219_200_000) && written(253_402_300_799_999));
        assert!(!written(-62_167_219_200_001) && !written(253_402_300_800_000));
        assert!(!written(i64::MIN) && !written(i64::MAX));
    }
}
