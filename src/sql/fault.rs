//! DataFusion's errors as this project's: what is wrong, where in the text, and the next step.

use datafusion::common::DataFusionError;
use datafusion::common::diagnostic::Diagnostic;

use crate::error::{Error, ErrorKind};

use super::wording::{Said, place_of_quoted, retold};

/// Passes an error of this project through DataFusion.
pub(super) fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// Tells what went wrong with a statement.
pub(super) fn query_fault(error: &DataFusionError) -> Error {
    // What a table said keeps its own words.
    if let Some(own) = error.iter().find_map(own_error) {
        return own;
    }
    let root = error.find_root();
    if let Some(own) = own_error(root) {
        return own;
    }
    if let DataFusionError::ResourcesExhausted(said) = root {
        let said = said.lines().next().unwrap_or_default();
        return Error::new(
            ErrorKind::Budget,
            format!("the query needs more memory than it may take: {said}"),
        )
        .hint("ask for less, or allow more with --memory");
    }
    let Said { message, hint } = retold(&error.strip_backtrace());
    let hinted = |fault: Error| match &hint {
        Some(hint) => fault.hint(hint.clone()),
        None => fault,
    };
    if let Some((said, at)) = stopped_at(&message) {
        return hinted(Error::new(ErrorKind::Query, said).at_text(at.0, at.1));
    }
    let fault = hinted(Error::new(ErrorKind::Query, message));
    match error.diagnostic() {
        Some(Diagnostic {
            span: Some(span), ..
        }) if span.start.line > 0 => {
            fault.at_text(span.start.line as usize, span.start.column as usize)
        }
        _ => fault,
    }
}

/// What went wrong with a statement, with the place of what the message names, where it has none.
pub(super) fn fault_in(error: &DataFusionError, statement: &str) -> Error {
    let fault = query_fault(error);
    if fault.kind() != ErrorKind::Query || fault.text_position().is_some() {
        return fault;
    }
    match place_of_quoted(&fault.message(), statement) {
        Some((line, column)) => fault.at_text(line, column),
        None => fault,
    }
}

fn own_error(error: &DataFusionError) -> Option<Error> {
    match error {
        DataFusionError::External(inner) => inner.downcast_ref::<Error>().cloned(),
        DataFusionError::Shared(inner) => own_error(inner),
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
            own_error(inner)
        }
        _ => None,
    }
}

/// What the parser said, and the line and column at which it stopped: `… at Line: 1, Column: 8`.
fn stopped_at(text: &str) -> Option<(String, (usize, usize))> {
    let (said, place) = text.rsplit_once(" at Line: ")?;
    let (line, rest) = place.split_once(", Column: ")?;
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (column, after) = rest.split_at(digits);
    let place = (line.parse().ok()?, column.parse().ok()?);
    Some((format!("{}{after}", said.trim_end()), place))
}
