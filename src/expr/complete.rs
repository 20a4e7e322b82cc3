//! What may be written at the cursor.

use std::ops::Range;

use crate::format::{Column, DataType, EVENT_TIME, KEY};

use super::lexer::{Token, TokenKind, begins_word, continues_word, tokens_until_fault};
use super::node::{AggregateFunction, Kind};
use super::parser::is_reserved;

/// What a candidate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CandidateKind {
    /// A column, with what it holds.
    Column(Kind),
    /// An aggregate of the table.
    Function,
    /// A sign or word between two values, or before one.
    Operator,
    /// A value that is written as a word.
    Value,
}

/// Something that may be written at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The text to write in place of the span.
    pub text: String,
    /// What it is.
    pub kind: CandidateKind,
}

/// What may be written at the cursor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Completion {
    /// The bytes that a candidate replaces: the word that the cursor stands in or at the end of; empty between words.
    pub span: Range<usize>,
    /// The candidates: those that begin as the word does first, then columns that have it within; columns in their order.
    pub candidates: Vec<Candidate>,
}

/// What may follow.
enum Wanted {
    Operand,
    /// Something after a value, of a kind where that is plain.
    Operator(Option<Kind>),
    AfterIs,
    Nothing,
}

/// Lists what fits at the cursor, a byte of the text, which is cut to it; aggregates are offered where `aggregates` is
/// true. A text that is wrong elsewhere is completed all the same.
pub fn complete(text: &str, cursor: usize, columns: &[Column], aggregates: bool) -> Completion {
    let cursor = (0..=cursor.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    let (before, word, span) = split_at_word(text, cursor);
    let Some((before, word)) = before.zip(word) else {
        return Completion {
            span: cursor..cursor,
            ..Completion::default()
        };
    };
    let mut found = Vec::new();
    match wanted(&before, columns) {
        Wanted::Operand => operands(
            columns,
            aggregates && !is_in_call(&before),
            &before,
            &mut found,
        ),
        Wanted::Operator(kind) => operators(kind, &mut found),
        Wanted::AfterIs => words(&["null", "not null"], CandidateKind::Operator, &mut found),
        Wanted::Nothing => {}
    }
    let typed = word.to_lowercase();
    let plain = |c: &Candidate| c.text.trim_start_matches('`').to_lowercase();
    let (first, rest): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|c| plain(c).starts_with(&typed));
    let is_column = |c: &Candidate| matches!(c.kind, CandidateKind::Column(_));
    let within = rest
        .into_iter()
        .filter(|c| is_column(c) && plain(c).contains(&typed));
    Completion {
        span,
        candidates: first.into_iter().chain(within).collect(),
    }
}

/// The tokens before the word at the cursor, the word up to the cursor, and its bytes, those after the cursor included;
/// nothing where the cursor stands within a text or a number.
fn split_at_word(text: &str, cursor: usize) -> (Option<Vec<Token>>, Option<String>, Range<usize>) {
    let (mut found, fault) = tokens_until_fault(&text[..cursor]);
    let tail = text[cursor..]
        .find(|c| !continues_word(c))
        .map_or(text.len(), |at| cursor + at);
    if let Some(fault) = fault {
        // An open backquote is a name in the making; other faults are texts in the making, or nothing at all.
        let open = &text[fault.span.start..cursor];
        let Some(name) = open.strip_prefix('`') else {
            return (None, None, cursor..cursor);
        };
        let rest = &text[cursor..];
        let end = rest.find('`').map_or(cursor, |at| cursor + at + 1);
        return (Some(found), Some(name.to_owned()), fault.span.start..end);
    }
    match found.last() {
        Some(Token {
            kind: TokenKind::Word(word),
            span,
        }) if span.end == cursor => {
            let (word, from) = (word.clone(), span.start);
            found.pop();
            (Some(found), Some(word), from..tail)
        }
        Some(Token { kind, span }) if span.end == cursor && !matches!(kind, TokenKind::Sign(_)) => {
            (None, None, cursor..cursor)
        }
        _ => {
            let is_word = text[cursor..].starts_with(begins_word);
            (
                Some(found),
                Some(String::new()),
                cursor..if is_word { tail } else { cursor },
            )
        }
    }
}

fn wanted(before: &[Token], columns: &[Column]) -> Wanted {
    let Some(last) = before.last() else {
        return Wanted::Operand;
    };
    let is_word = |token: Option<&Token>, word: &str| matches!(token.map(|t| &t.kind), Some(TokenKind::Word(w)) if w.eq_ignore_ascii_case(word));
    match &last.kind {
        TokenKind::Sign(")") => Wanted::Operator(None),
        // What follows is a pattern in quotes.
        TokenKind::Sign("~" | "!~") => Wanted::Nothing,
        TokenKind::Sign(_) => Wanted::Operand,
        TokenKind::Text(_) => Wanted::Operator(Some(Kind::Null)),
        TokenKind::Int(_) | TokenKind::Float(_) => Wanted::Operator(Some(Kind::Float)),
        TokenKind::Name(name) => Wanted::Operator(kind_of(name, columns)),
        TokenKind::Word(word) if is_reserved(word) => {
            let before_last = before.len().checked_sub(2).and_then(|at| before.get(at));
            if is_word(Some(last), "is") || is_word(Some(last), "not") && is_word(before_last, "is")
            {
                return if is_word(Some(last), "is") {
                    Wanted::AfterIs
                } else {
                    Wanted::Nothing
                };
            }
            match word.to_ascii_lowercase().as_str() {
                "null" | "true" | "false" => Wanted::Operator(Some(Kind::Null)),
                "in" => Wanted::Nothing,
                _ => Wanted::Operand,
            }
        }
        TokenKind::Word(word) => Wanted::Operator(kind_of(word, columns)),
    }
}

fn kind_of(name: &str, columns: &[Column]) -> Option<Kind> {
    match name {
        KEY => Some(Kind::Text),
        EVENT_TIME => Some(Kind::Time),
        _ => {
            let column = columns.iter().find(|c| c.name == name)?;
            Some(Kind::of(column.data_type))
        }
    }
}

/// True where the cursor stands within the brackets of a function.
fn is_in_call(before: &[Token]) -> bool {
    let mut open: Vec<bool> = Vec::new();
    for (i, token) in before.iter().enumerate() {
        match token.kind {
            TokenKind::Sign("(") => {
                let name = i.checked_sub(1).map(|at| &before[at].kind);
                open.push(matches!(name, Some(TokenKind::Word(w)) if !is_reserved(w)));
            }
            TokenKind::Sign(")") => {
                open.pop();
            }
            _ => {}
        }
    }
    open.contains(&true)
}

fn operands(columns: &[Column], aggregates: bool, before: &[Token], found: &mut Vec<Candidate>) {
    let own = [(KEY, DataType::String), (EVENT_TIME, DataType::DateTime)];
    let values = columns.iter().map(|c| (c.name.as_str(), c.data_type));
    for (name, data_type) in values.chain(own) {
        found.push(Candidate {
            text: written_name(name),
            kind: CandidateKind::Column(Kind::of(data_type)),
        });
    }
    if aggregates {
        found.extend(AggregateFunction::ALL.into_iter().map(|f| Candidate {
            text: format!("{}(", f.name()),
            kind: CandidateKind::Function,
        }));
    }
    let is_after_comparison = matches!(
        before.last().map(|t| &t.kind),
        Some(TokenKind::Sign("=" | "==" | "!=" | "<>"))
    );
    if is_after_comparison {
        words(&["true", "false"], CandidateKind::Value, found);
    } else {
        words(&["not"], CandidateKind::Operator, found);
    }
}

fn operators(kind: Option<Kind>, found: &mut Vec<Candidate>) {
    let signs: &[&str] = match kind {
        Some(Kind::Text) => &[
            "~", "=", "!=", "!~", "in (", "not in (", "<", "<=", ">", ">=",
        ],
        Some(Kind::Int | Kind::Float) => &[
            ">", ">=", "<", "<=", "=", "!=", "+", "-", "*", "/", "in (", "not in (",
        ],
        Some(Kind::Time) => &[">=", ">", "<", "<=", "=", "!="],
        Some(Kind::Bool) => &["=", "!="],
        Some(Kind::Null) => &[],
        None => &["=", "!=", ">", ">=", "<", "<="],
    };
    words(signs, CandidateKind::Operator, found);
    if kind != Some(Kind::Null) {
        words(&["is null", "is not null"], CandidateKind::Operator, found);
    }
    words(&["and", "or"], CandidateKind::Operator, found);
}

fn words(words: &[&str], kind: CandidateKind, found: &mut Vec<Candidate>) {
    found.extend(words.iter().map(|text| Candidate {
        text: (*text).to_owned(),
        kind,
    }));
}

/// A column's name as the language has it: in backquotes where it is no plain word.
pub fn written_name(name: &str) -> String {
    let is_plain = name.starts_with(begins_word) && name.chars().all(continues_word);
    if is_plain && !is_reserved(name) {
        name.to_owned()
    } else {
        format!("`{}`", name.replace('`', "``"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn columns() -> Vec<Column> {
        let column = |name: &str, data_type| Column {
            name: name.to_owned(),
            data_type,
            nullable: true,
            stored_as: None,
        };
        vec![
            column("industry", DataType::String),
            column("revenue", DataType::Int),
            column("net income", DataType::Int),
            column("active", DataType::Boolean),
        ]
    }

    /// The candidates at `|`, and the bytes that they replace.
    fn at(marked: &str, aggregates: bool) -> (Vec<String>, String) {
        let cursor = marked.find('|').expect("a cursor");
        let text = marked.replacen('|', "", 1);
        let found = complete(&text, cursor, &columns(), aggregates);
        let texts = found.candidates.into_iter().map(|c| c.text).collect();
        (texts, text[found.span].to_owned())
    }

    #[test]
    fn columns_are_offered_where_a_value_is_wanted() {
        let (found, _) = at("|", false);
        assert_eq!(
            found,
            [
                "industry",
                "revenue",
                "`net income`",
                "active",
                "key",
                "event_time",
                "not"
            ]
        );
        assert_eq!(
            at("re|v > 1", false),
            (vec!["revenue".into()], "rev".into())
        );
        assert_eq!(at("key = 'x' and IND|", false).0, ["industry"]);
        assert_eq!(
            at("`net|", false),
            (vec!["`net income`".into()], "`net".into())
        );
        assert_eq!(at("net|", false).0, ["`net income`"]);
        assert_eq!(at("active = t|", false).0[0], "true");
    }

    #[test]
    fn operators_fit_the_value_before_them() {
        let (found, span) = at("industry |", false);
        assert_eq!((found[0].as_str(), span.as_str()), ("~", ""));
        assert!(at("revenue |", false).0.contains(&"*".to_owned()));
        assert!(!at("active |", false).0.contains(&"*".to_owned()));
        assert_eq!(at("revenue is n|", false).0, ["null", "not null"]);
        assert_eq!(at("revenue > 1 a|", false).0, ["and"]);
        assert_eq!(at("(revenue > 1) o|", false).0, ["or"]);
    }

    #[test]
    fn aggregates_are_offered_where_they_may_stand() {
        assert_eq!(at("su|", true).0, ["sum("]);
        assert!(at("su|", false).0.is_empty());
        assert!(at("sum(su|", true).0.is_empty());
        assert_eq!(at("sum(rev|", true).0, ["revenue"]);
    }

    #[test]
    fn nothing_is_offered_within_a_text_or_a_number() {
        for marked in [
            "industry ~ \"so|",
            "industry ~ |",
            "revenue > 1|",
            "key in |",
        ] {
            assert!(at(marked, true).0.is_empty(), "{marked}");
        }
    }

    proptest! {
        #[test]
        fn a_span_lies_in_the_text_whatever_is_typed(text in "[a-z`\"' é(~=<1.]{0,20}", cursor in 0usize..30) {
            let found = complete(&text, cursor, &columns(), true);
            prop_assert!(text.get(found.span).is_some());
        }
    }
}
