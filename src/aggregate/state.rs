//! The aggregates of a table at one moment, taken from moment to moment.

use std::sync::Arc;

use crate::cancel::CancelToken;
use crate::error::Result;
use crate::expr::{BoundExpression, Expression, Scalar};
use crate::scan::RowRef;
use crate::snapshot::Snapshot;

use super::tally::Tally;

/// Rows that are worked out in one go, and between two looks at the cancel token.
const ROWS_PER_BATCH: usize = 4_096;

/// The aggregates of an expression, at the moment of the last snapshot that was taken.
///
/// Guarantee: the values are those of that snapshot's rows, however it was come by.
#[derive(Debug)]
pub struct TableState {
    expression: Arc<Expression>,
    snapshot: Option<Arc<Snapshot>>,
    tallies: Vec<Tally>,
}

impl TableState {
    /// The aggregates of a table without rows.
    pub fn new(expression: Arc<Expression>) -> Self {
        Self {
            tallies: fresh(&expression),
            snapshot: None,
            expression,
        }
    }

    /// The expression.
    pub fn expression(&self) -> &Arc<Expression> {
        &self.expression
    }

    /// Goes to another moment, earlier or later. Where one index answers both, this costs what changes between them.
    ///
    /// After an error the state is that of a table without rows.
    pub fn take(&mut self, snapshot: Arc<Snapshot>, cancel: &CancelToken) -> Result<()> {
        let held = self.snapshot.take();
        let changed = held.as_deref().and_then(|held| changed(held, &snapshot));
        let outcome = if let Some((out, into)) = changed {
            self.change(&snapshot, &out, false, cancel)
                .and_then(|()| self.change(&snapshot, &into, true, cancel))
        } else {
            self.tallies = fresh(&self.expression);
            self.change(&snapshot, snapshot.row_refs(), true, cancel)
        };
        if outcome.is_ok() {
            self.snapshot = Some(snapshot);
        } else {
            self.tallies = fresh(&self.expression);
        }
        outcome
    }

    /// The value of the expression, and of each aggregate, at the moment taken.
    pub fn value(&mut self, cancel: &CancelToken) -> Result<Scalar> {
        let mut values = Vec::with_capacity(self.tallies.len());
        for at in 0..self.tallies.len() {
            let value = match self.tallies[at].value() {
                Some(value) => value,
                None => self.counted_again(at, cancel)?,
            };
            values.push(value);
        }
        self.expression.of_table(&values)
    }

    /// Goes through all rows for one aggregate.
    fn counted_again(&mut self, at: usize, cancel: &CancelToken) -> Result<Scalar> {
        let aggregate = &self.expression.aggregates()[at];
        let mut tally = Tally::new(aggregate);
        if let Some(snapshot) = &self.snapshot {
            let bound =
                BoundExpression::new(&self.expression, snapshot.columns(), snapshot.chunks())?;
            for rows in snapshot.row_refs().chunks(ROWS_PER_BATCH) {
                cancel.check()?;
                let values = bound.argument(aggregate, rows)?;
                tally.change(rows.len(), values.as_ref(), true);
            }
        }
        let value = tally.value().unwrap_or(Scalar::Null);
        self.tallies[at] = tally;
        Ok(value)
    }

    fn change(
        &mut self,
        snapshot: &Snapshot,
        rows: &[RowRef],
        is_in: bool,
        cancel: &CancelToken,
    ) -> Result<()> {
        let bound = BoundExpression::new(&self.expression, snapshot.columns(), snapshot.chunks())?;
        for batch in rows.chunks(ROWS_PER_BATCH) {
            cancel.check()?;
            for (aggregate, tally) in self.expression.aggregates().iter().zip(&mut self.tallies) {
                let values = bound.argument(aggregate, batch)?;
                tally.change(batch.len(), values.as_ref(), is_in);
            }
        }
        Ok(())
    }
}

fn fresh(expression: &Expression) -> Vec<Tally> {
    expression.aggregates().iter().map(Tally::new).collect()
}

/// The rows that go and those that come from one moment to another; `None` where it is less work to start anew.
fn changed(from: &Snapshot, to: &Snapshot) -> Option<(Vec<RowRef>, Vec<RowRef>)> {
    let (earlier, later, ranks) = match from.changed_until(to) {
        Some(ranks) => (from, to, ranks),
        None => (to, from, to.changed_until(from)?),
    };
    if ranks.len() > to.len() / 2 {
        return None;
    }
    let keys = earlier.changed_keys(later, &ranks);
    let before: Vec<RowRef> = keys.iter().filter_map(|key| key.before).collect();
    let after: Vec<RowRef> = keys.iter().map(|key| key.after).collect();
    Some(if std::ptr::eq(earlier, from) {
        (before, after)
    } else {
        (after, before)
    })
}
