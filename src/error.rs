//! The one error of the library: what went wrong, where, and what to do next.

use std::fmt;

use crate::text::visible;

/// A result of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The sort of fault, for callers that act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The lake's path or URL leads nowhere, or is not understood.
    Lake,
    /// The lake has no such table.
    TableNotFound,
    /// The table has no such column.
    ColumnNotFound,
    /// `version.txt` is missing, empty or holds no version.
    Version,
    /// `s<V>.json` is missing or breaks a rule of the format.
    Manifest,
    /// A data file is missing, truncated, not Parquet, or of a type that does not fit.
    DataFile,
    /// The store refused, timed out or answered short.
    Store,
    /// More memory would be needed than the read may take.
    Budget,
    /// The read was cancelled; what it had is not an answer.
    Cancelled,
    /// What the caller asked for makes no sense: a time, an option, an input file.
    Usage,
    /// An entry of the file of settings that is not understood.
    Config,
    /// A query that is not understood, or that failed.
    Query,
    /// An answer could not be written.
    Output,
    /// A file is there already, and was not to be replaced.
    Exists,
    /// Another writer committed first; nothing of this commit is in the table.
    Conflict,
    /// A commit was made though its end was not reached, or whether it was made is not known.
    InDoubt,
}

/// A fault with its place and the next step.
///
/// Guarantees: `Display` is one line, safe to write to a terminal whatever names the data holds, and names every part
/// of the place that is known: table, lake, file, and the JSON path or column.
#[derive(Debug, Clone)]
pub struct Error(Box<Fault>);

#[derive(Debug, Clone)]
struct Fault {
    kind: ErrorKind,
    message: String,
    lake: Option<String>,
    table: Option<String>,
    file: Option<String>,
    within: Option<String>,
    text_position: Option<(usize, usize)>,
    hint: Option<String>,
}

impl Error {
    /// Makes an error; the message says what is wrong, and neither where nor what to do.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Fault {
            kind,
            message: message.into(),
            lake: None,
            table: None,
            file: None,
            within: None,
            text_position: None,
            hint: None,
        }))
    }

    /// The error of a read that was told to stop.
    pub fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "cancelled")
    }

    /// Names the lake, unless it is named already.
    #[must_use]
    pub fn in_lake(mut self, lake: &str) -> Self {
        self.0.lake.get_or_insert_with(|| lake.to_owned());
        self
    }

    /// Names the table, unless it is named already.
    #[must_use]
    pub fn in_table(mut self, table: &str) -> Self {
        self.0.table.get_or_insert_with(|| table.to_owned());
        self
    }

    /// Names the file, unless it is named already.
    #[must_use]
    pub fn in_file(mut self, file: &str) -> Self {
        self.0.file.get_or_insert_with(|| file.to_owned());
        self
    }

    /// Names the place within the file: a JSON path, or `column 'revenue'`.
    #[must_use]
    pub fn within(mut self, place: impl Into<String>) -> Self {
        self.0
            .within
            .get_or_insert_with(|| middle_elided(place.into()));
        self
    }

    /// Names the place in a text that the error speaks of: line and column, which count from one.
    #[must_use]
    pub fn at_text(mut self, line: usize, column: usize) -> Self {
        self.0.text_position.get_or_insert((line, column));
        self.within(format!("line {line}, column {column}"))
    }

    /// The line and column of the text that the error speaks of, which count from one.
    pub fn text_position(&self) -> Option<(usize, usize)> {
        self.0.text_position
    }

    /// Says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// The sort of fault.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The next step, safe for a terminal.
    pub fn next_step(&self) -> Option<String> {
        let usual = match self.0.kind {
            ErrorKind::Manifest => {
                Some("correct the snapshot file, or let version.txt name a sound version")
            }
            ErrorKind::DataFile => Some("write the data file anew, or restore it"),
            ErrorKind::Usage => Some("azof-tui --help tells what may be asked"),
            ErrorKind::Config => Some("azof-tui --print-config shows what may stand there"),
            ErrorKind::Output => Some("check that the place can be written to"),
            ErrorKind::TableNotFound => Some("azof-tui tables lists the tables of a lake"),
            ErrorKind::Store => Some("try again; if it persists, check the store"),
            ErrorKind::Conflict => {
                Some("run it again: it starts from the version that is there now")
            }
            _ => None,
        };
        self.0.hint.as_deref().or(usual).map(visible)
    }

    /// What is wrong, without the place, safe for a terminal.
    pub fn message(&self) -> String {
        visible(&self.0.message)
    }

    /// Where in the table it is wrong, safe for a terminal: `y.parquet, column 'z'`.
    pub fn place_in_table(&self) -> Option<String> {
        let parts = [self.0.file.as_deref(), self.0.within.as_deref()];
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| visible(&parts.join(", ")))
    }

    /// Where it is wrong, safe for a terminal: `table 'x' in ./lake, file y.parquet, column 'z'`.
    pub fn place(&self) -> Option<String> {
        let fault = &self.0;
        let mut place = match (&fault.table, &fault.lake) {
            (Some(table), Some(lake)) => format!("table '{table}' in {lake}"),
            (Some(table), None) => format!("table '{table}'"),
            (None, Some(lake)) => format!("lake {lake}"),
            (None, None) => String::new(),
        };
        for part in [
            &fault.file.as_ref().map(|f| format!("file {f}")),
            &fault.within,
        ]
        .into_iter()
        .flatten()
        {
            if !place.is_empty() {
                place.push_str(", ");
            }
            place.push_str(part);
        }
        (!place.is_empty()).then(|| visible(&place))
    }
}

/// A place that is nested sixty levels deep is told by its ends.
fn middle_elided(place: String) -> String {
    const CHARS_AT_MOST: usize = 120;
    let chars: Vec<char> = place.chars().collect();
    if chars.len() <= CHARS_AT_MOST {
        return place;
    }
    let head: String = chars[..CHARS_AT_MOST / 2].iter().collect();
    let tail: String = chars[chars.len() - CHARS_AT_MOST / 2..].iter().collect();
    format!("{head}…{tail}")
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place() {
            Some(place) => write!(f, "{place}: {}", self.message()),
            None => f.write_str(&self.message()),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_its_place_on_one_safe_line() {
        let error = Error::new(ErrorKind::DataFile, "ends\nearly")
            .in_file("q1\x1b.parquet")
            .within("column 'revenue'")
            .in_table("financials")
            .in_lake("./lake")
            .in_table("another");
        assert_eq!(
            error.to_string(),
            "table 'financials' in ./lake, file q1␛.parquet, column 'revenue': ends↵early"
        );
    }
}
