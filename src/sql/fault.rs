//! DataFusion's errors as this project's: what is wrong, where in the text, and the next step.

use datafusion::common::DataFusionError;
use datafusion::common::diagnostic::Diagnostic;

use crate::error::{Error, ErrorKind};

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
    let text = plain(&error.strip_backtrace());
    if let Some((said, at)) = stopped_at(&text) {
        return Error::new(ErrorKind::Query, said).at_text(at.0, at.1);
    }
    let fault = Error::new(ErrorKind::Query, text);
    match error.diagnostic() {
        Some(Diagnostic {
            span: Some(span), ..
        }) if span.start.line > 0 => {
            fault.at_text(span.start.line as usize, span.start.column as usize)
        }
        _ => fault,
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

/// Without the names of the stages that an error came through.
fn plain(text: &str) -> String {
    const STAGES: [&str; 9] = [
        "Error during planning: ",
        "Schema error: ",
        "SQL error: ",
        "Execution error: ",
        "Invalid or Unsupported Configuration: ",
        "This feature is not implemented: ",
        "External error: ",
        "Optimizer rule",
        "Arrow error: ",
    ];
    let mut rest = text.trim();
    while let Some(after) = STAGES.iter().find_map(|stage| rest.strip_prefix(stage)) {
        rest = after.trim();
    }
    let rest = rest
        .strip_prefix("ParserError(\"")
        .and_then(|inner| inner.strip_suffix("\")"))
        .or_else(|| {
            rest.strip_prefix("TokenizerError(\"")
                .and_then(|inner| inner.strip_suffix("\")"))
        })
        .unwrap_or(rest);
    rest.replace("\\\"", "\"")
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
