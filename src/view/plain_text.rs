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
pub struct CellMatcher {
    pattern: Pattern,
    /// The pattern, in lower case, where it is nothing but a text to look for.
    literal: Option<String>,
    /// False where no number can match, nor any time.
    may_be_number: bool,
    may_be_time: bool,
    truths: [bool; 2],
    written: String,
}

impl CellMatcher {
    /// A matcher for one core.
    pub fn new(pattern: &Pattern) -> Self {
        let pattern = pattern.apart();
        // Beyond ASCII, a letter without case may match another one.
        let signs = |c: char| r"\.+*?()|[]{}^$".contains(c);
        let is_literal = pattern.as_str().is_ascii() && !pattern.as_str().contains(signs);
        let literal = is_literal.then(|| pattern.as_str().to_lowercase());
        // False where a text to look for has a character that is not among these.
        let may_be = |signs: &str| {
            literal
                .as_ref()
                .is_none_or(|literal| literal.chars().all(|c| signs.contains(c)))
        };
        Self {
            may_be_number: may_be("0123456789-+.,enainf"),
            may_be_time: may_be("0123456789-+:. tzms"),
            truths: [pattern.is_match("false"), pattern.is_match("true")],
            written: String::new(),
            literal,
            pattern,
        }
    }

    /// True where the value has a match.
    pub fn matches(&mut self, value: Value<'_>) -> bool {
        match value {
            Value::Null => false,
            Value::Text(text) => self.pattern.is_match(text),
            Value::Bool(yes) => self.truths[usize::from(yes)],
            Value::Int(number) => self.may_be_number && self.whole_matches(number),
            Value::Float(number) => {
                self.may_be_number && {
                    let digits = self.is_written(|out| write!(out, "{number}"));
                    digits || self.pattern.is_match(&decimal(number))
                }
            }
            Value::Time(at) => self.may_be_time && self.time_matches(at),
        }
    }

    fn is_written(&mut self, write: impl FnOnce(&mut String) -> std::fmt::Result) -> bool {
        self.written.clear();
        write(&mut self.written).is_ok() && self.pattern.is_match(&self.written)
    }

    fn whole_matches(&self, number: i64) -> bool {
        let digits = Digits::new(number);
        match &self.literal {
            // What has no comma stands among the digits as they are, if anywhere.
            Some(literal) if !literal.contains(',') => self.pattern.is_match(digits.plain()),
            Some(_) => self.pattern.is_match(digits.grouped()),
            None => {
                self.pattern.is_match(digits.plain())
                    || digits.is_grouped() && self.pattern.is_match(digits.grouped())
            }
        }
    }

    fn time_matches(&mut self, at: EventTime) -> bool {
        let precisions = [Precision::Date, Precision::Second, Precision::Millisecond];
        let mut lossless = precisions.into_iter().filter(|p| *p >= at.precision());
        let Some(text) = TimeText::new(at) else {
            return lossless.any(|p| self.pattern.is_match(&at.to_text(p)))
                || self.is_written(|out| write!(out, "{at}"));
        };
        match &self.literal {
            // Shorter forms are beginnings of the longest.
            Some(literal) if !literal.contains(['t', 'z']) => {
                self.pattern.is_match(text.shown(Precision::Millisecond))
            }
            Some(_) => self.pattern.is_match(&text.in_files()),
            None => {
                lossless.any(|p| self.pattern.is_match(text.shown(p)))
                    || self.pattern.is_match(&text.in_files())
            }
        }
    }
}
