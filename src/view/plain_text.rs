//! Values as the texts that a search looks at.

use std::fmt::Write;

use crate::event_time::{EventTime, Precision};
use crate::expr::Pattern;
use crate::scan::Value;
use crate::text::{decimal, thousands};

/// Times whose answer is remembered, a power of two: rows share them.
const TIMES_KEPT: usize = 4_096;

/// Looks for a pattern in values: in texts as they are; in numbers both as digits (`1234567`) and as they are shown
/// (`1,234,567`); in times as they are shown at every precision that loses nothing, and as files have them; in `true` and
/// `false`. Nulls match nothing.
#[derive(Debug)]
pub struct CellMatcher {
    pattern: Pattern,
    /// False where no number can match, nor any time, nor a truth.
    may_be_number: bool,
    may_be_time: bool,
    truths: [bool; 2],
    times: Vec<Option<(i64, bool)>>,
    written: String,
}

impl CellMatcher {
    /// A matcher for one core.
    pub fn new(pattern: &Pattern) -> Self {
        let pattern = pattern.apart();
        let signs = |signs: &str| may_be_of(&pattern, signs);
        Self {
            may_be_number: signs("0123456789-+.,eNa∞inf"),
            may_be_time: signs("0123456789-+:. TZms"),
            truths: [pattern.is_match("false"), pattern.is_match("true")],
            times: Vec::new(),
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
            Value::Int(number) => {
                self.may_be_number && {
                    let digits = self.is_written(|out| write!(out, "{number}"));
                    digits
                        || number.unsigned_abs() >= 1_000
                            && self.pattern.is_match(&thousands(number))
                }
            }
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

    fn time_matches(&mut self, at: EventTime) -> bool {
        if self.times.is_empty() {
            self.times.resize(TIMES_KEPT, None);
        }
        let hash = (at.ms() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52;
        let slot = hash as usize % TIMES_KEPT;
        if let Some((ms, matches)) = self.times[slot]
            && ms == at.ms()
        {
            return matches;
        }
        let precisions = [Precision::Date, Precision::Second, Precision::Millisecond];
        let mut lossless = precisions.into_iter().filter(|p| *p >= at.precision());
        let matches = lossless.any(|p| self.pattern.is_match(&at.to_text(p)))
            || self.is_written(|out| write!(out, "{at}"));
        self.times[slot] = Some((at.ms(), matches));
        matches
    }
}

/// False where a pattern without any sign of its own asks for a character that is not among these, in either case.
fn may_be_of(pattern: &Pattern, characters: &str) -> bool {
    let literal = pattern.as_str();
    let is_literal = !literal.contains(|c: char| r"\.+*?()|[]{}^$".contains(c));
    let has = |c: char| {
        characters
            .chars()
            .any(|known| known.to_lowercase().eq(c.to_lowercase()))
    };
    !is_literal || literal.chars().all(has)
}
