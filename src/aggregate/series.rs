//! An aggregate at every tick.

use std::sync::Arc;

use crate::cancel::CancelToken;
use crate::error::Result;
use crate::event_time::{AsOf, EventTime};
use crate::expr::Expression;
use crate::snapshot::Snapshot;

use super::moments::Pause;
use super::state::TableState;

/// Moments that are visited out of order, each halving the gaps between those before: enough for the shape of a line on
/// a screen. The rest come in order of time, so that each epoch is gone through once.
const COARSE_MOMENTS: usize = 256;

/// The aggregate at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Point {
    /// Not worked out yet.
    Unknown,
    /// The aggregate is null.
    Nothing,
    /// Its value.
    Value(f64),
}

/// A walk that works out an aggregate at every moment of a table, coarsely at first.
#[derive(Debug)]
pub struct Series {
    state: TableState,
    moments: Arc<[i64]>,
    points: Vec<Point>,
    /// Positions of moments in the order of visits, and how many of them are done.
    visits: Vec<u32>,
    visited: usize,
    given: Option<Arc<Snapshot>>,
}

impl Series {
    /// A walk over moments (ascending, milliseconds), such as the ticks.
    pub fn new(aggregate: Arc<Expression>, moments: Arc<[i64]>) -> Self {
        Self {
            state: TableState::new(aggregate),
            points: vec![Point::Unknown; moments.len()],
            visits: visits(moments.len()),
            visited: 0,
            given: None,
            moments,
        }
    }

    /// The moments.
    pub fn moments(&self) -> &Arc<[i64]> {
        &self.moments
    }

    /// What is known so far, a point a moment.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// How many moments have been visited, of how many.
    pub fn progress(&self) -> (usize, usize) {
        (self.visited, self.visits.len())
    }

    /// Gives the snapshot that was needed.
    pub fn give(&mut self, snapshot: Arc<Snapshot>) {
        self.given = Some(snapshot);
    }

    /// Walks on, over at most `budget` moments; `None` when all are known. `at_hand` answers with the snapshot of a
    /// moment, with the columns of the aggregate, where that takes no read. `on_point` is told of each point.
    pub fn run(
        &mut self,
        at_hand: &dyn Fn(AsOf) -> Option<Arc<Snapshot>>,
        budget: usize,
        cancel: &CancelToken,
        on_point: &mut dyn FnMut(usize, Point),
    ) -> Result<Option<Pause>> {
        for _ in 0..budget {
            let Some(position) = self.visits.get(self.visited).map(|at| *at as usize) else {
                return Ok(None);
            };
            cancel.check()?;
            let at = AsOf::At(EventTime::from_ms(self.moments[position]));
            let given = self.given.take().filter(|given| given.as_of() == at);
            let Some(snapshot) = given.or_else(|| at_hand(at)) else {
                return Ok(Some(Pause::Needs(at)));
            };
            self.state.take(snapshot, cancel)?;
            let value = self.state.value(cancel)?.as_f64();
            let point = value.map_or(Point::Nothing, Point::Value);
            self.points[position] = point;
            self.visited += 1;
            on_point(position, point);
        }
        Ok((self.visited < self.visits.len()).then_some(Pause::Budget))
    }
}

/// Every position below `count` once: the first, the last, those that halve the gaps, then the rest in order.
fn visits(count: usize) -> Vec<u32> {
    let mut order = Vec::with_capacity(count);
    let mut is_listed = vec![false; count];
    let mut list = |at: usize, order: &mut Vec<u32>| {
        if at < count && !std::mem::replace(&mut is_listed[at], true) {
            order.push(at as u32);
        }
    };
    list(0, &mut order);
    list(count.wrapping_sub(1), &mut order);
    let mut gap = count.next_power_of_two();
    while gap > 1 && order.len() < COARSE_MOMENTS {
        gap /= 2;
        (gap..count)
            .step_by(gap)
            .for_each(|at| list(at, &mut order));
    }
    (0..count).for_each(|at| list(at, &mut order));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_is_visited_once_and_the_first_visits_spread_over_all() {
        for count in [0, 1, 2, 3, 100, 256, 257, 5_000] {
            let order = visits(count);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..count as u32).collect::<Vec<_>>());
        }
        let mut first = visits(5_000)[..34].to_vec();
        first.sort_unstable();
        assert!(first.windows(2).all(|pair| pair[1] - pair[0] <= 5_000 / 8));
    }
}
