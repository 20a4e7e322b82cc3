//! What is wrong with an expression, and where in its text.

use std::fmt;
use std::ops::Range;

use crate::error::{Error, ErrorKind};

/// A fault of an expression: the bytes of the text that it speaks of, what is wrong, and what to do.
///
/// Guarantee: the span lies within the text that was given, on boundaries of characters; it is empty where something is
/// missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExprError {
    /// The bytes of the text that the fault is about.
    pub span: Range<usize>,
    /// What is wrong, in one line; not yet made safe for a terminal.
    pub message: String,
    /// What to do, where it is more than the message says.
    pub hint: Option<String>,
}

impl ExprError {
    /// A fault at a place.
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            hint: None,
        }
    }

    /// Says what to do.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for ExprError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.hint
            .as_ref()
            .map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

impl std::error::Error for ExprError {}

impl From<ExprError> for Error {
    fn from(e: ExprError) -> Self {
        let error = Self::new(ErrorKind::Usage, e.message);
        error.hint(e.hint.unwrap_or_else(|| {
            "a condition is written as in: revenue > 1e9 and industry ~ \"soft\"".to_owned()
        }))
    }
}

/// The name that is nearest to what was typed, if one is near.
pub(super) fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const CHARS_AT_MOST: usize = 64;
    let typed: Vec<char> = typed.to_lowercase().chars().take(CHARS_AT_MOST).collect();
    let near = names.filter_map(|name| {
        let chars: Vec<char> = name.to_lowercase().chars().take(CHARS_AT_MOST).collect();
        let distance = edits(&typed, &chars);
        (distance <= typed.len().max(chars.len()) / 3).then_some((distance, name))
    });
    near.min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The least number of letters to insert, take out, replace or swap with their neighbour.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut rows: [Vec<usize>; 3] = [Vec::new(), Vec::new(), (0..=b.len()).collect()];
    for i in 1..=a.len() {
        rows.rotate_left(1);
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[0][j - 2] + 1);
            }
            row.push(least);
        }
        rows[2] = row;
    }
    rows[2][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_and_a_far_one_is_not() {
        let names = ["revenue", "net_income", "industry"];
        let nearest = |typed| nearest(typed, names.into_iter());
        assert_eq!(nearest("revnue"), Some("revenue"));
        assert_eq!(nearest("REVENEU"), Some("revenue"));
        assert_eq!(nearest("netincome"), Some("net_income"));
        assert_eq!(nearest("price"), None);
        assert_eq!(nearest(""), None);
    }
}
