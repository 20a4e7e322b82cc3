//! When a condition on a table turns true.

use std::sync::Arc;

use crate::cancel::CancelToken;
use crate::error::Result;
use crate::event_time::{AsOf, EventTime};
use crate::expr::{Expression, Scalar};
use crate::snapshot::Snapshot;

use super::moments::Pause;
use super::state::TableState;

/// How a walk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The condition turns true at this moment. Going on finds the next one.
    Turned(EventTime),
    /// The walk is not done.
    Paused(Pause),
    /// It does not turn true any more.
    Done,
}

/// A walk through the moments of a table, oldest first, to those at which a condition on the table turns true: where it
/// is true and was not at the moment before. Before the first moment stands a table without rows.
///
/// Nothing is skipped: a condition may turn true and false again between any two moments.
#[derive(Debug)]
pub struct When {
    state: TableState,
    moments: Arc<[i64]>,
    /// The moment to visit next.
    next: usize,
    from: usize,
    /// Whether the condition was true at the moment before; not known before the first visit of a walk that begins late.
    was_true: Option<bool>,
    given: Option<Arc<Snapshot>>,
}

impl When {
    /// A walk over moments (ascending, milliseconds; see [`change_moments`](super::change_moments)) from the first one.
    pub fn from_start(condition: Arc<Expression>, moments: Arc<[i64]>) -> Result<Self> {
        let mut state = TableState::new(condition);
        let is_true = state.value(&CancelToken::default())? == Scalar::Bool(true);
        Ok(Self {
            state,
            moments,
            next: 0,
            from: 0,
            was_true: Some(is_true),
            given: None,
        })
    }

    /// A walk over those of the moments that come after `at` (milliseconds).
    pub fn after(condition: Arc<Expression>, moments: Arc<[i64]>, at: i64) -> Result<Self> {
        let walk = Self::from_start(condition, moments)?;
        Ok(
            match walk.moments.partition_point(|m| *m <= at).checked_sub(1) {
                None => walk,
                Some(base) => Self {
                    next: base,
                    from: base,
                    was_true: None,
                    ..walk
                },
            },
        )
    }

    /// How many moments have been visited, of how many.
    pub fn progress(&self) -> (usize, usize) {
        (self.next - self.from, self.moments.len() - self.from)
    }

    /// The moment that was visited last.
    pub fn reached(&self) -> Option<EventTime> {
        let last = (self.next > self.from).then(|| self.moments[self.next - 1])?;
        Some(EventTime::from_ms(last))
    }

    /// Gives the snapshot that was needed.
    pub fn give(&mut self, snapshot: Arc<Snapshot>) {
        self.given = Some(snapshot);
    }

    /// Walks on, over at most `budget` moments. `at_hand` answers with the snapshot of a moment, with the columns of the
    /// condition, where that takes no read.
    pub fn run(
        &mut self,
        at_hand: &dyn Fn(AsOf) -> Option<Arc<Snapshot>>,
        budget: usize,
        cancel: &CancelToken,
    ) -> Result<Step> {
        for _ in 0..budget {
            let Some(ms) = self.moments.get(self.next).copied() else {
                return Ok(Step::Done);
            };
            cancel.check()?;
            let at = AsOf::At(EventTime::from_ms(ms));
            let given = self.given.take().filter(|given| given.as_of() == at);
            let Some(snapshot) = given.or_else(|| at_hand(at)) else {
                return Ok(Step::Paused(Pause::Needs(at)));
            };
            self.state.take(snapshot, cancel)?;
            let is_true = self.state.value(cancel)? == Scalar::Bool(true);
            self.next += 1;
            if is_true && self.was_true.replace(is_true) == Some(false) {
                return Ok(Step::Turned(EventTime::from_ms(ms)));
            }
            self.was_true = Some(is_true);
        }
        Ok(if self.next < self.moments.len() {
            Step::Paused(Pause::Budget)
        } else {
            Step::Done
        })
    }
}
