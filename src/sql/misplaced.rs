//! What is meant where a statement does not parse because a moment stands in the wrong place.

use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use crate::error::{Error, ErrorKind};

/// How many tokens around the fault are looked at.
const NEAR: usize = 3;

/// Tells of a moment in the wrong place, if that is what the parser stumbled over at a line and a column.
pub(super) fn misplaced(tokens: &[TokenWithSpan], at: (usize, usize)) -> Option<Error> {
    let said: Vec<&TokenWithSpan> = tokens
        .iter()
        .filter(|t| !matches!(t.token, Token::Whitespace(_) | Token::EOF))
        .collect();
    let place = |t: &TokenWithSpan| (t.span.start.line as usize, t.span.start.column as usize);
    let stopped = said
        .iter()
        .position(|t| place(t) >= at)
        .unwrap_or(said.len());
    let near = |wanted: &str, ahead: usize| {
        let from = stopped.saturating_sub(NEAR);
        let to = (stopped + ahead).min(said.len());
        let found = said[from..to].iter().rev();
        found.into_iter().find(|t| is_word(&t.token, wanted))
    };
    if let Some(word) = near("system_time", NEAR) {
        let (line, column) = place(word);
        let message = "behind FOR SYSTEM_TIME comes AS OF and one moment";
        return Some(Error::new(ErrorKind::Query, message).at_text(line, column).hint(
            "changes('prices', A, B) has what differs between two moments, history('prices') every version",
        ));
    }
    for clause in ["timestamp", "version"] {
        let Some(word) = near(clause, NEAR) else {
            continue;
        };
        let before = said
            .iter()
            .position(|t| t.span == word.span)?
            .checked_sub(1);
        let before = before.map(|at| said[at]);
        if let Some(before) = before.filter(|t| is_word(&t.token, "for")) {
            let (line, column) = place(before);
            let clause = clause.to_uppercase();
            let message = format!("'FOR {clause}' is no clause");
            return Some(Error::new(ErrorKind::Query, message).at_text(line, column).hint(format!(
                "it is {clause} AS OF … without FOR; a moment is FOR SYSTEM_TIME AS OF '2019-01-17', too"
            )));
        }
    }
    // The parser stops at the word, at the parenthesis behind it, or at the moment within. A column may have that name.
    let word = near("at", 1)?;
    let behind = said.iter().position(|t| t.span == word.span)? + 1;
    let begins = said.get(behind).is_none_or(|t| t.token == Token::LParen);
    begins.then(|| misplaced_moment(word.span.start))
}

/// The fault of a moment, by its first word, that stands where none is taken.
pub(super) fn misplaced_moment(at: Location) -> Error {
    Error::new(
        ErrorKind::Query,
        "a moment stands once, right behind the name of a table, and in parentheses",
    )
    .at_text(at.line as usize, at.column as usize)
    .hint("such as FROM prices AT ('2019-01-17') p; functions and queries in parentheses take none")
}

fn is_word(token: &Token, wanted: &str) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted))
}
