//! Text -> tokens.

use std::ops::Range;

use super::error::ExprError;

/// Bytes of an expression, at most.
pub(super) const BYTES_AT_MOST: usize = 16 << 10;

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    /// A plain word: a name, a function, or a word of the language.
    Word(String),
    /// A name in backquotes.
    Name(String),
    /// A text in quotes.
    Text(String),
    /// A whole number that fits 64 bits.
    Int(i64),
    /// Another number.
    Float(f64),
    /// An operator, a bracket or a comma.
    Sign(&'static str),
}

/// A token and its bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub span: Range<usize>,
}

/// Longer ones before those that they begin with.
const SIGNS: [&str; 20] = [
    "==", "!=", "<>", "<=", ">=", "!~", "&&", "||", "=", "<", ">", "~", "!", "+", "-", "*", "/",
    "(", ")", ",",
];

/// True for what a plain word may begin with.
pub(super) fn begins_word(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// True for what a plain word may go on with.
pub(super) fn continues_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Reads all tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ExprError> {
    let (found, fault) = tokens_until_fault(text);
    fault.map_or(Ok(found), Err)
}

/// Reads tokens up to the first fault.
pub(super) fn tokens_until_fault(text: &str) -> (Vec<Token>, Option<ExprError>) {
    let mut found = Vec::new();
    if text.len() > BYTES_AT_MOST {
        let fault = ExprError::new(
            0..text.len(),
            format!("the expression is longer than {BYTES_AT_MOST} bytes"),
        );
        return (found, Some(fault));
    }
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        match token(text, at, c) {
            Ok(token) => {
                at = token.span.end;
                found.push(token);
            }
            Err(fault) => return (found, Some(fault)),
        }
    }
    (found, None)
}

fn token(text: &str, at: usize, first: char) -> Result<Token, ExprError> {
    let rest = &text[at..];
    let made = |kind: TokenKind, len: usize| Token {
        kind,
        span: at..at + len,
    };
    if begins_word(first) {
        let len = rest.find(|c| !continues_word(c)).unwrap_or(rest.len());
        return Ok(made(TokenKind::Word(rest[..len].to_owned()), len));
    }
    if first.is_ascii_digit() || first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())
    {
        return number(rest, at);
    }
    if matches!(first, '"' | '\'' | '`') {
        let (content, len) = quoted(rest, first).ok_or_else(|| {
            ExprError::new(at..text.len(), "this quote is never closed")
                .hint(format!("end it with {first}"))
        })?;
        let kind = if first == '`' {
            TokenKind::Name(content)
        } else {
            TokenKind::Text(content)
        };
        return Ok(made(kind, len));
    }
    if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
        return Ok(made(TokenKind::Sign(sign), sign.len()));
    }
    let fault = ExprError::new(
        at..at + first.len_utf8(),
        format!("'{first}' means nothing here"),
    );
    Err(match first {
        '&' => fault.hint("write `and` or `&&`"),
        '|' => fault.hint("write `or` or `||`"),
        '%' | '^' => fault.hint("arithmetic has + - * /"),
        _ => fault.hint("a text stands in quotes, an odd column name in backquotes"),
    })
}

/// The content of a quoted text and the bytes that it takes; a doubled quote stands for one.
fn quoted(rest: &str, quote: char) -> Option<(String, usize)> {
    let mut content = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            content.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
            content.push(quote);
            chars.next();
        } else {
            return Some((content, at + 1));
        }
    }
    None
}

/// Where the byte `at` of a quoted text's content stands in the text as written, from its first quote on.
pub(super) fn written_at(written: &str, at: usize) -> usize {
    let Some(quote) = written.chars().next() else {
        return 0;
    };
    let (mut in_content, mut in_written) = (0, 1);
    let mut chars = written[1..].chars().peekable();
    while in_content < at {
        let Some(c) = chars.next() else { break };
        if c == quote && chars.peek() == Some(&quote) {
            chars.next();
            in_written += 1;
        }
        in_content += c.len_utf8();
        in_written += c.len_utf8();
    }
    in_written.min(written.len())
}

fn number(rest: &str, at: usize) -> Result<Token, ExprError> {
    let bytes = rest.as_bytes();
    let digits = |from: usize| {
        let is_part = |b: &&u8| b.is_ascii_digit() || **b == b'_';
        from + bytes[from..].iter().take_while(is_part).count()
    };
    let mut len = digits(0);
    let mut is_whole = true;
    if bytes.get(len) == Some(&b'.') {
        is_whole = false;
        len = digits(len + 1);
    }
    if matches!(bytes.get(len), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(len + 1), Some(b'+' | b'-')));
        if bytes.get(len + 1 + sign).is_some_and(u8::is_ascii_digit) {
            is_whole = false;
            len = digits(len + 1 + sign);
        }
    }
    let span = at..at + len;
    if let Some(next) = rest[len..].chars().next().filter(|c| continues_word(*c)) {
        let span = at..at + len + next.len_utf8();
        return Err(
            ExprError::new(span, "a number runs into a word").hint(
                "write a space between them; a column whose name begins with a digit stands in backquotes",
            ),
        );
    }
    let plain = rest[..len].replace('_', "");
    let whole = is_whole.then(|| plain.parse::<i64>().ok()).flatten();
    let kind = match (whole, plain.parse::<f64>()) {
        (Some(whole), _) => TokenKind::Int(whole),
        (None, Ok(number)) if number.is_finite() => TokenKind::Float(number),
        _ => return Err(ExprError::new(span, "this number is too large")),
    };
    Ok(Token { kind, span })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<TokenKind> {
        let found = tokens(text).expect("tokens");
        found.into_iter().map(|t| t.kind).collect()
    }

    #[test]
    fn numbers_take_underscores_and_exponents() {
        let found = kinds("1_000 1e9 .5 2.5E-3 9223372036854775807 9223372036854775808");
        let expected = [
            TokenKind::Int(1_000),
            TokenKind::Float(1e9),
            TokenKind::Float(0.5),
            TokenKind::Float(2.5e-3),
            TokenKind::Int(i64::MAX),
            TokenKind::Float(9_223_372_036_854_775_808.0),
        ];
        assert_eq!(found, expected);
        for odd in ["1e999", "12abc", "#", "\"open", "1e9é"] {
            let error = tokens(odd).expect_err("no token");
            assert!(odd.get(error.span.clone()).is_some(), "{odd}: {error:?}");
        }
    }

    #[test]
    fn a_doubled_quote_stands_for_one_and_places_are_found_behind_it() {
        let written = r#""a""b""c""#;
        assert_eq!(kinds(written), [TokenKind::Text(r#"a"b"c"#.into())]);
        assert_eq!(
            [0, 1, 2, 3, 4, 5].map(|at| written_at(written, at)),
            [1, 2, 4, 5, 7, 8]
        );
        assert_eq!(
            kinds("`net income`"),
            [TokenKind::Name("net income".into())]
        );
    }
}
