//! Regular expressions as people type them to find something.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

use super::error::ExprError;

/// A compiled pattern may take so many bytes: one that takes more is a mistake, or an attack.
const COMPILED_BYTES_AT_MOST: usize = 4 << 20;

/// How deep groups may nest.
const NESTING_AT_MOST: u32 = 64;

/// Bytes of a pattern, at most.
const BYTES_AT_MOST: usize = 16 << 10;

/// A regular expression with smart case: it ignores case unless it has an upper-case letter that stands for itself.
///
/// Guarantee: a search takes time linear in the text.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
    ignores_case: bool,
}

impl Pattern {
    /// Compiles a pattern; the error's span is within the pattern.
    pub fn new(pattern: &str) -> Result<Self, ExprError> {
        if pattern.len() > BYTES_AT_MOST {
            return Err(ExprError::new(
                0..pattern.len(),
                format!("the pattern is longer than {BYTES_AT_MOST} bytes"),
            ));
        }
        let ignores_case = !has_upper_case(pattern);
        let regex = RegexBuilder::new(pattern)
            .case_insensitive(ignores_case)
            .size_limit(COMPILED_BYTES_AT_MOST)
            .nest_limit(NESTING_AT_MOST)
            .build()
            .map_err(|e| refused(pattern, &e))?;
        Ok(Self {
            regex,
            ignores_case,
        })
    }

    /// The text that was compiled.
    pub fn as_str(&self) -> &str {
        self.regex.as_str()
    }

    /// True where case makes no difference.
    pub fn ignores_case(&self) -> bool {
        self.ignores_case
    }

    /// True where the text has a match.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The bytes of the matches in a text, first to last.
    pub fn matches<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        self.regex.find_iter(text).map(|m| m.range())
    }

    /// A copy that shares no working memory, for another core.
    #[must_use]
    pub fn apart(&self) -> Self {
        self.clone()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

/// True where an upper-case letter stands for itself: neither in an escape such as `\S` nor in the name of a group.
fn has_upper_case(pattern: &str) -> bool {
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let escape = chars.next();
                if matches!(escape, Some('p' | 'P' | 'x' | 'u' | 'U')) && chars.peek() == Some(&'{')
                {
                    chars.by_ref().find(|c| *c == '}');
                }
            }
            '(' if chars.peek() == Some(&'?') => {
                // Flags, or a name up to its bracket.
                chars.by_ref().find(|c| matches!(c, ':' | ')' | '>'));
            }
            c if c.is_uppercase() => return true,
            _ => {}
        }
    }
    false
}

/// The compiler's message, with the place that it points at.
fn refused(pattern: &str, error: &regex::Error) -> ExprError {
    let whole = 0..pattern.len();
    match error {
        regex::Error::CompiledTooBig(_) => {
            ExprError::new(whole, "the pattern is too large").hint("let its repetitions be smaller")
        }
        regex::Error::Syntax(shown) => {
            let said = shown
                .rsplit("error: ")
                .next()
                .map_or("it does not parse", str::trim);
            // The message repeats a pattern of one line, indented by four, over carets at the place.
            let carets = shown.lines().find(|line| {
                let marks = line.trim_start();
                !marks.is_empty() && marks.bytes().all(|b| b == b'^') && marks.len() < line.len()
            });
            let place = carets.filter(|_| !pattern.contains('\n')).map(|line| {
                let from = line.len() - line.trim_start().len() - 4;
                byte_at(pattern, from)..byte_at(pattern, line.len() - 4)
            });
            ExprError::new(
                place.unwrap_or(whole),
                format!("this is no regular expression: {said}"),
            )
            .hint("a sign that stands for itself is written after a backslash, as in \\(")
        }
        _ => ExprError::new(whole, "this is no regular expression"),
    }
}

/// The byte at which a character begins, or the end.
fn byte_at(text: &str, chars: usize) -> usize {
    text.char_indices()
        .nth(chars)
        .map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_matters_once_there_is_an_upper_case_letter() {
        for (pattern, ignores) in [
            ("soft", true),
            ("Soft", false),
            (r"\Soft", true),
            (r"\p{Lu}x", true),
            (r"(?P<Name>x)", true),
            (r"(?P<Name>X)", false),
            ("ärger", true),
            ("Ärger", false),
        ] {
            let pattern = Pattern::new(pattern).expect("a pattern");
            assert_eq!(pattern.ignores_case(), ignores, "{pattern:?}");
        }
        assert!(Pattern::new("soft").is_ok_and(|p| p.is_match("Software")));
        assert!(Pattern::new("SOFT").is_ok_and(|p| !p.is_match("Software")));
    }

    #[test]
    fn a_broken_pattern_is_an_error_at_its_place() {
        for (pattern, span) in [("a(b", 1..2), ("é[z-a]", 3..6), ("*a", 0..1)] {
            let error = Pattern::new(pattern).expect_err("no pattern");
            assert_eq!(error.span, span, "{error}");
            assert!(error.message.starts_with("this is no regular expression: "));
        }
        for pattern in [
            "(".repeat(10_000),
            "(a{1000}){1000}".into(),
            "a".repeat(100_000),
            "(\n".into(),
        ] {
            let error = Pattern::new(&pattern).expect_err("no pattern");
            assert!(error.span.end <= pattern.len() && !error.message.contains('\n'));
        }
    }
}
