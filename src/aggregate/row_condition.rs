//! When a condition on one row turns true.

use crate::error::{Error, ErrorKind, Result};
use crate::event_time::EventTime;
use crate::expr::{Expression, Scalar};
use crate::history::History;

/// The moments at which a condition on the row of a key turns true, ascending: it is true of the version that is shown
/// from then on, and was not of the one before, or there was none.
///
/// It is an error where the history was read without a column of the condition.
pub fn moments_of_truth(history: &History, condition: &Expression) -> Result<Vec<EventTime>> {
    let position = |wanted: &crate::format::Column| {
        let mut columns = history.columns().iter();
        let found = columns.position(|c| c.name == wanted.name && c.data_type == wanted.data_type);
        found.ok_or_else(|| {
            let name = &wanted.name;
            Error::new(
                ErrorKind::ColumnNotFound,
                format!("the history was read without column '{name}'"),
            )
            .hint("read it with the others")
        })
    };
    let columns = condition.columns().iter().map(position);
    let positions: Vec<usize> = columns.collect::<Result<_>>()?;
    let mut moments = Vec::new();
    let mut true_until: Option<Option<EventTime>> = None;
    for version in 0..history.len() {
        let from = history.valid_from(version);
        let is_true = condition.of_version(history, version, &positions)? == Scalar::Bool(true);
        let goes_on = true_until
            .flatten()
            .is_some_and(|until| until.ms().checked_add(1) == Some(from.ms()));
        if is_true && !goes_on {
            moments.push(from);
        }
        true_until = is_true.then(|| history.valid_to(version));
    }
    Ok(moments)
}
