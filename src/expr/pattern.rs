//! Regular expressions as people type them to find something.

use std::ops::Range;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

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
    /// What it says, to tell which texts need not be looked at.
    syntax: Arc<Hir>,
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
        let syntax = ParserBuilder::new()
            .case_insensitive(ignores_case)
            .nest_limit(NESTING_AT_MOST)
            .build()
            .parse(pattern)
            .map_err(|e| ExprError::new(0..pattern.len(), e.to_string()))?;
        Ok(Self {
            regex,
            syntax: Arc::new(syntax),
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

    /// False where no text made of these characters alone has a match.
    pub fn may_match_among(&self, characters: &str) -> bool {
        may_match_among(&self.syntax, characters)
    }

    /// False where no match has this character in it.
    pub fn may_contain(&self, character: char) -> bool {
        may_contain(&self.syntax, character)
    }

    /// True where a match depends on what stands around it, as with `^` and `\b`.
    pub fn looks_around(&self) -> bool {
        !self.syntax.properties().look_set().is_empty()
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

/// What nests is bounded by [`NESTING_AT_MOST`].
fn may_match_among(syntax: &Hir, characters: &str) -> bool {
    match syntax.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(literal) => match str::from_utf8(&literal.0) {
            Ok(text) => text.chars().all(|c| characters.contains(c)),
            Err(_) => true,
        },
        HirKind::Class(class) => characters.chars().any(|c| has(class, c)),
        HirKind::Repetition(repeated) => {
            repeated.min == 0 || may_match_among(&repeated.sub, characters)
        }
        HirKind::Capture(group) => may_match_among(&group.sub, characters),
        HirKind::Concat(parts) => parts.iter().all(|p| may_match_among(p, characters)),
        HirKind::Alternation(ways) => ways.iter().any(|w| may_match_among(w, characters)),
    }
}

fn may_contain(syntax: &Hir, character: char) -> bool {
    match syntax.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => match str::from_utf8(&literal.0) {
            Ok(text) => text.contains(character),
            Err(_) => true,
        },
        HirKind::Class(class) => has(class, character),
        HirKind::Repetition(repeated) => may_contain(&repeated.sub, character),
        HirKind::Capture(group) => may_contain(&group.sub, character),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().any(|p| may_contain(p, character))
        }
    }
}

fn has(class: &Class, character: char) -> bool {
    match class {
        Class::Unicode(class) => {
            let mut ranges = class.ranges().iter();
            ranges.any(|r| (r.start()..=r.end()).contains(&character))
        }
        // Of a byte beyond ASCII any character may be made.
        Class::Bytes(class) => {
            let mut ranges = class.ranges().iter();
            ranges.any(|r| r.end() >= 0x80 || (r.start()..=r.end()).contains(&(character as u8)))
        }
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
    fn what_a_pattern_can_match_is_known_beforehand() {
        for (pattern, among_digits, has_comma, looks) in [
            ("soft", false, false, false),
            ("12", true, false, false),
            ("1,2", false, true, false),
            ("1,?2", true, true, false),
            ("[xyz]{3}", false, false, false),
            ("([a-c]|[7-9])+", true, false, false),
            ("x*", true, false, false),
            ("1.2", true, true, false),
            ("^1", true, false, true),
            (r"\b9", true, false, true),
            ("(?:ab|(?:c|(?:d|é)))", false, false, false),
        ] {
            let pattern = Pattern::new(pattern).expect("a pattern");
            assert_eq!(
                pattern.may_match_among("0123456789"),
                among_digits,
                "{pattern:?}"
            );
            assert_eq!(pattern.may_contain(','), has_comma, "{pattern:?}");
            assert_eq!(pattern.looks_around(), looks, "{pattern:?}");
        }
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
