//! Values as the texts that a search looks at.

use std::fmt::Write;

use crate::event_time::{EventTime, Precision};
use crate::expr::Pattern;
use crate::scan::Value;
use crate::text::decimal;

use super::digits::{Digits, TimeText};

/// Looks for a pattern in values: in texts as they are; in numbers both as digits (`1234567`) and as they are shown
/// (`1,234,567`); in times as they are shown at every precision that loses nothing, and as files have them; in `true` and
/// `false`. Nulls match nothing.
#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each form of a value is looked at or not"
)]
pub struct CellMatcher {
    pattern: Pattern,
    /// False where no number can match.
    may_be_number: bool,
    /// False where no match is lost if whole numbers are not looked at as digits alone, or with their separators.
    digits: bool,
    grouped: bool,
    /// False where no match is lost if times are not looked at as they are shown, or as files have them.
    shown: bool,
    in_files: bool,
    /// False where the beginning of a text has no match that the text has not.
    looks_around: bool,
    truths: [bool; 2],
    written: String,
}

impl CellMatcher {
    /// A matcher for one core.
    pub fn new(pattern: &Pattern) -> Self {
        let pattern = pattern.apart();
        let looks_around = pattern.looks_around();
        // A match without a separator stands between two of them, and so among the other text's signs, too; unless it
        // depends on what is around it.
        Self {
            may_be_number: pattern.may_match_among("0123456789-+.,einfaN∞E"),
            digits: pattern.may_match_among("0123456789-"),
            grouped: pattern.may_match_among("0123456789-,")
                && (looks_around || pattern.may_contain(',')),
            // The times that no calendar has are shown in ms.
            shown: pattern.may_match_among("0123456789-+:. ms"),
            in_files: pattern.may_match_among("0123456789-+:.TZ")
                && (looks_around || pattern.may_contain('T') || pattern.may_contain('Z')),
            looks_around,
            truths: [pattern.is_match("false"), pattern.is_match("true")],
            written: String::new(),
            pattern,
        }
    }

    /// True where the value has a match.
    pub fn matches(&mut self, value: Value<'_>) -> bool {
        match value {
            Value::Null => false,
            Value::Text(text) => self.pattern.is_match(text),
            Value::Bool(yes) => self.truths[usize::from(yes)],
            Value::Int(number) => self.whole_matches(number),
            Value::Float(number) => {
                self.may_be_number && {
                    let digits = self.is_written(|out| write!(out, "{number}"));
                    digits || self.pattern.is_match(&decimal(number))
                }
            }
            Value::Time(at) => self.time_matches(at),
        }
    }

    fn is_written(&mut self, write: impl FnOnce(&mut String) -> std::fmt::Result) -> bool {
        self.written.clear();
        write(&mut self.written).is_ok() && self.pattern.is_match(&self.written)
    }

    fn whole_matches(&self, number: i64) -> bool {
        if !self.digits && !self.grouped {
            return false;
        }
        let digits = Digits::new(number);
        self.digits && self.pattern.is_match(digits.plain())
            || self.grouped && digits.is_grouped() && self.pattern.is_match(digits.grouped())
    }

    fn time_matches(&mut self, at: EventTime) -> bool {
        if !self.shown && !self.in_files {
            return false;
        }
        let precisions = [Precision::Date, Precision::Second, Precision::Millisecond];
        let mut lossless = precisions.into_iter().filter(|p| *p >= at.precision());
        let Some(text) = TimeText::new(at) else {
            return lossless.any(|p| self.pattern.is_match(&at.to_text(p)))
                || self.is_written(|out| write!(out, "{at}"));
        };
        let is_shown = |p| self.pattern.is_match(text.shown(p));
        // Shorter forms are beginnings of the longest.
        let is_shown = self.shown
            && if self.looks_around {
                lossless.any(is_shown)
            } else {
                is_shown(Precision::Millisecond)
            };
        is_shown || self.in_files && self.pattern.is_match(&text.in_files())
    }
}
