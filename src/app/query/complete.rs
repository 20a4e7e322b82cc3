//! What may come next in a statement: tables, columns, functions, words, and the moment.

use crate::expr::sql_name;

/// Candidates shown at once.
pub const SHOWN_AT_MOST: usize = 8;

/// Functions that questions about tables are asked with.
const FUNCTIONS: [&str; 48] = [
    "abs",
    "approx_distinct",
    "array_agg",
    "avg",
    "ceil",
    "changes",
    "coalesce",
    "concat",
    "corr",
    "count",
    "date_bin",
    "date_part",
    "date_trunc",
    "dense_rank",
    "first_value",
    "floor",
    "greatest",
    "history",
    "lag",
    "last_value",
    "lead",
    "least",
    "length",
    "lower",
    "ltrim",
    "max",
    "median",
    "min",
    "now",
    "ntile",
    "nullif",
    "percent_rank",
    "power",
    "rank",
    "regexp_like",
    "replace",
    "round",
    "row_number",
    "rtrim",
    "split_part",
    "sqrt",
    "starts_with",
    "stddev",
    "substr",
    "sum",
    "ticks",
    "trim",
    "upper",
];

/// Words that statements are made of.
const WORDS: [&str; 46] = [
    "ALL",
    "AND",
    "AS",
    "ASC",
    "AT",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "EXPLAIN",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "IN",
    "INNER",
    "INTERSECT",
    "INTERVAL",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "LIMIT",
    "NOT",
    "NULL",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "OVER",
    "PARTITION",
    "SELECT",
    "SHOW",
    "THEN",
    "UNION",
    "WHEN",
    "WHERE",
    "WITH",
];

/// What a candidate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A table of the lake.
    Table,
    /// A column of a table.
    Column,
    /// A function.
    Function,
    /// A word of the language.
    Word,
    /// The moment of the playhead.
    Moment,
}

impl Kind {
    /// Its name on screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Column => "column",
            Self::Function => "function",
            Self::Word => "",
            Self::Moment => "moment",
        }
    }
}

/// A text that may be completed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The text.
    pub text: String,
    /// What it is.
    pub kind: Kind,
}

/// What may stand in the place of the text from a byte to the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The first byte of what is replaced.
    pub from: usize,
    /// The candidates, the likeliest first.
    pub candidates: Vec<Candidate>,
    /// The one that is chosen.
    pub chosen: usize,
}

/// Names known: tables, each with its columns; and the moment of the playhead as a clause.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Tables with their columns.
    pub tables: Vec<(String, Vec<String>)>,
    /// The moment as it stands in a clause: `2019-11-17T00:00:00.000Z`.
    pub moment: Option<String>,
}

/// What may come at the cursor; `None` where nothing is begun, or all is said.
pub fn complete(text: &str, cursor: usize, known: &Known) -> Option<Completion> {
    let before = text.get(..cursor)?;
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let from = before.rfind(|c: char| !is_part(c)).map_or(0, |at| {
        at + before[at..].chars().next().map_or(1, char::len_utf8)
    });
    // Within a text or a comment, words mean nothing.
    let pieces = crate::sql::pieces(before);
    let inside = pieces.last().is_some_and(|(at, piece)| {
        matches!(piece, crate::sql::Piece::Comment)
            || matches!(piece, crate::sql::Piece::Text)
                && !(before[at.clone()].len() > 1 && before[at.clone()].ends_with('\''))
    });
    let begun = &before[from..];
    if inside
        || begun.is_empty() && !before.ends_with('.')
        || begun.starts_with(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let previous = before[..from]
        .trim_end()
        .rsplit(|c: char| !is_part(c))
        .next()
        .unwrap_or_default()
        .to_ascii_uppercase();
    let wants_table = matches!(previous.as_str(), "FROM" | "JOIN" | "DESCRIBE");
    let after_table = known
        .tables
        .iter()
        .any(|(name, _)| name.to_ascii_uppercase() == previous);
    let lower = begun.to_lowercase();
    let begins = |name: &str| name.len() > begun.len() && name.to_lowercase().starts_with(&lower);
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut add = |text: String, kind: Kind| {
        if !candidates.iter().any(|c| c.text == text) {
            candidates.push(Candidate { text, kind });
        }
    };
    if after_table
        && "at".starts_with(&lower)
        && let Some(moment) = &known.moment
    {
        add(format!("AT ('{moment}')"), Kind::Moment);
    }
    let tables = known.tables.iter().filter(|(name, _)| begins(name));
    for (name, _) in tables.filter(|_| wants_table) {
        add(quoted(name), Kind::Table);
    }
    if wants_table {
        for name in ["changes", "history", "ticks"]
            .into_iter()
            .filter(|f| begins(f))
        {
            add(format!("{name}("), Kind::Function);
        }
    } else {
        // Columns of the tables that are named come before those of others.
        let is_named = |name: &str| text.contains(name);
        let (named, others): (Vec<_>, Vec<_>) =
            known.tables.iter().partition(|(name, _)| is_named(name));
        for (_, columns) in named.into_iter().chain(others) {
            for column in columns.iter().filter(|c| begins(c)) {
                add(quoted(column), Kind::Column);
            }
        }
        if !before[..from].ends_with('.') {
            let is_upper = begun.chars().all(|c| !c.is_lowercase());
            let mut words: Vec<&str> = WORDS.into_iter().filter(|w| begins(w)).collect();
            words.sort_by_key(|w| w.len());
            for word in words {
                add(
                    if is_upper {
                        word.to_owned()
                    } else {
                        word.to_lowercase()
                    },
                    Kind::Word,
                );
            }
            for name in FUNCTIONS.into_iter().filter(|f| begins(f)) {
                add(format!("{name}("), Kind::Function);
            }
            for (name, _) in known.tables.iter().filter(|(name, _)| begins(name)) {
                add(quoted(name), Kind::Table);
            }
        }
    }
    candidates.truncate(SHOWN_AT_MOST);
    (!candidates.is_empty()).then_some(Completion {
        from,
        candidates,
        chosen: 0,
    })
}

/// A name as it stands in a statement: in quotes where it would be read as something else.
pub fn quoted(name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !crate::sql::is_keyword(name);
    if is_plain {
        name.to_owned()
    } else {
        sql_name(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(text: &str) -> Vec<String> {
        let known = Known {
            tables: vec![
                (
                    "financials".to_owned(),
                    vec!["key".to_owned(), "revenue".to_owned()],
                ),
                ("Odd one".to_owned(), vec!["Rev".to_owned()]),
            ],
            moment: Some("2019-11-17".to_owned()),
        };
        let completion = complete(text, text.len(), &known);
        completion.map_or_else(Vec::new, |c| {
            c.candidates.into_iter().map(|c| c.text).collect()
        })
    }

    #[test]
    fn what_fits_is_offered_and_nothing_within_texts() {
        assert_eq!(offered("SELECT rev"), ["revenue"]);
        assert_eq!(offered("SELECT key FROM fin"), ["financials"]);
        assert_eq!(offered("SELECT key FROM od"), ["\"Odd one\""]);
        assert_eq!(offered("SELECT key FROM cha"), ["changes("]);
        assert_eq!(
            offered("SELECT key FROM financials A")[0],
            "AT ('2019-11-17')"
        );
        assert_eq!(offered("SEL"), ["SELECT"]);
        assert_eq!(offered("sel"), ["select"]);
        assert_eq!(offered("SELECT roun"), ["round("]);
        for text in ["SELECT 'rev", "SELECT 1 -- rev", "SELECT 12", "SELECT ", ""] {
            assert!(offered(text).is_empty(), "{text}");
        }
    }
}
