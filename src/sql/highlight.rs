//! What the pieces of a statement are, while it is being written.

use std::ops::Range;

use datafusion::sql::sqlparser::keywords::ALL_KEYWORDS;

/// What a piece of SQL is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// A word of the language.
    Keyword,
    /// A name.
    Name,
    /// A name with a parenthesis behind it.
    Function,
    /// A text.
    Text,
    /// A number.
    Number,
    /// A comment.
    Comment,
    /// Everything else.
    Other,
}

/// Cuts a text into pieces, whole or not; together they are the text.
pub fn pieces(text: &str) -> Vec<(Range<usize>, Piece)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let (length, piece) = next(rest);
        let piece = match piece {
            // Some functions are keywords as well; the parenthesis tells.
            Piece::Name if rest[length..].starts_with('(') => Piece::Function,
            Piece::Name if is_keyword(&rest[..length]) => Piece::Keyword,
            piece => piece,
        };
        found.push((at..at + length, piece));
        at += length;
    }
    found
}

fn next(rest: &str) -> (usize, Piece) {
    let first = rest.chars().next().unwrap_or(' ');
    let until = |end: &str, from: usize| {
        rest.get(from..)
            .and_then(|after| after.find(end))
            .map_or(rest.len(), |at| from + at + end.len())
    };
    let while_char = |holds: fn(char) -> bool| rest.find(|c: char| !holds(c)).unwrap_or(rest.len());
    match first {
        '\'' => (until("'", 1), Piece::Text),
        '"' => (until("\"", 1), Piece::Name),
        '`' => (until("`", 1), Piece::Name),
        '-' if rest.starts_with("--") => (rest.find('\n').unwrap_or(rest.len()), Piece::Comment),
        '/' if rest.starts_with("/*") => (until("*/", 2), Piece::Comment),
        c if c.is_ascii_digit() => (
            while_char(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_'),
            Piece::Number,
        ),
        c if c.is_alphabetic() || c == '_' => (
            while_char(|c| c.is_alphanumeric() || c == '_' || c == '$'),
            Piece::Name,
        ),
        c => (c.len_utf8(), Piece::Other),
    }
}

/// True for the words of the language, in any case, that a person would not take for a name.
pub fn is_keyword(word: &str) -> bool {
    // Words that are keywords somewhere, and columns everywhere.
    const NAMES: [&str; 12] = [
        "KEY", "VALUE", "NAME", "DATE", "TIME", "COUNT", "TYPE", "YEAR", "MONTH", "DAY", "HOUR",
        "CHANGES",
    ];
    let upper = word.to_ascii_uppercase();
    ALL_KEYWORDS.binary_search(&upper.as_str()).is_ok() && !NAMES.contains(&upper.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pieces_say_what_they_are() {
        let text =
            "SELECT sum(revenue) -- all\nFROM financials AT ('2019') WHERE n > 1.5e3 /* open";
        let of = |wanted: Piece| -> Vec<&str> {
            pieces(text)
                .into_iter()
                .filter(|(_, p)| *p == wanted)
                .map(|(at, _)| &text[at])
                .collect()
        };
        assert_eq!(of(Piece::Keyword), ["SELECT", "FROM", "AT", "WHERE"]);
        assert_eq!(of(Piece::Function), ["sum"]);
        assert_eq!(of(Piece::Name), ["revenue", "financials", "n"]);
        assert_eq!(of(Piece::Text), ["'2019'"]);
        assert_eq!(of(Piece::Number), ["1.5e3"]);
        assert_eq!(of(Piece::Comment), ["-- all", "/* open"]);
    }

    proptest! {
        #[test]
        fn pieces_are_the_whole_text(text in "\\PC{0,40}") {
            let joined: String = pieces(&text).into_iter().map(|(at, _)| text[at].to_owned()).collect();
            prop_assert_eq!(joined, text);
        }
    }
}
