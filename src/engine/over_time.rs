//! What goes on over time: when a condition turns true, and an aggregate at every moment.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::aggregate::{Point, Series, When, change_moments, moments_of_truth};
use crate::error::{Error, ErrorKind, Result};
use crate::event_time::EventTime;
use crate::expr::{AggregateFunction, Expression};
use crate::lakehouse::Table;
use crate::timeline::Ticks;

use super::protocol::{Answer, Held, OverTime, Turns};
use super::worker::{Job, PROGRESS_EVERY};

impl Job {
    /// Answers with the times at which a condition turns true: the first one as soon as it is found, then all there are.
    pub(super) async fn answer_when(
        &self,
        table: &str,
        condition: &str,
        key: Option<String>,
        ticks: Option<Held<Ticks>>,
    ) -> Result<()> {
        let table = self.table(table).await?;
        let columns = table.manifest().schema.columns();
        let condition = Arc::new(Expression::condition(condition, columns)?);
        if condition.is_of_table() {
            return self.walk(&table.in_background(), condition, ticks).await;
        }
        let Some(key) = key else {
            return Err(Error::new(
                ErrorKind::Usage,
                "the condition is on a row, and no row is named",
            )
            .hint("go to a row, or write a condition on the table, such as count() > 100"));
        };
        let projection = condition.projection();
        let history = table.history(&key, &projection, &self.cancel).await?;
        let moments = moments_of_truth(&history, &condition)?;
        self.reply.send(Answer::Turns(Arc::new(Turns {
            moments: moments.into_iter().map(EventTime::ms).collect(),
            known_until: None,
            visited: (history.len(), history.len()),
            is_complete: true,
        })));
        Ok(())
    }

    /// Answers with an aggregate at every moment: coarsely at first, then ever more of it.
    pub(super) async fn answer_series(
        &self,
        table: &str,
        (function, column): (AggregateFunction, Option<String>),
        ticks: Option<Held<Ticks>>,
    ) -> Result<()> {
        let table = self.table(table).await?.in_background();
        let columns = table.manifest().schema.columns();
        let aggregate = Expression::aggregate(function, column.as_deref(), columns)?;
        let ticks = self.ticks_of(&table, ticks).await?;
        let moments = change_moments(&ticks, table.epochs());
        let send = |points: &[Point]| {
            let known = points.iter().filter(|p| **p != Point::Unknown).count();
            self.reply.send(Answer::Series(Arc::new(OverTime {
                moments: Arc::clone(&moments),
                points: points.to_vec(),
                known,
            })));
        };
        let mut told = Instant::now();
        let mut pause = Duration::ZERO;
        let projection = aggregate.projection();
        let series = Series::new(Arc::new(aggregate), Arc::clone(&moments));
        let tell = |points: &[Point]| {
            if told.elapsed() >= pause {
                let started = Instant::now();
                send(points);
                // Of a million points, telling is work, too.
                pause = PROGRESS_EVERY.max(started.elapsed() * 20);
                told = Instant::now();
            }
        };
        let series = table
            .fill_series(series, &projection, &self.cancel, tell)
            .await?;
        send(series.points());
        Ok(())
    }

    /// The ticks of a table: those that were answered before, or a read.
    async fn ticks_of(&self, table: &Table, held: Option<Held<Ticks>>) -> Result<Arc<Ticks>> {
        match held {
            Some(ticks) => Ok(ticks.0),
            None => Ok(Arc::new(table.ticks(&self.cancel).await?)),
        }
    }

    /// Goes through all moments of a table.
    async fn walk(
        &self,
        table: &Table,
        condition: Arc<Expression>,
        ticks: Option<Held<Ticks>>,
    ) -> Result<()> {
        let ticks = self.ticks_of(table, ticks).await?;
        let moments = change_moments(&ticks, table.epochs());
        let projection = condition.projection();
        let mut walk = When::from_start(condition, Arc::clone(&moments))?;
        let mut found: Vec<i64> = Vec::new();
        let mut told = Instant::now();
        loop {
            let tell = |visited: usize, of: usize| {
                if told.elapsed() >= PROGRESS_EVERY {
                    told = Instant::now();
                    // The moment that was looked at last may be one, and is told of next.
                    let known_until = visited.checked_sub(1).map(|last| moments[last]);
                    self.reply.send(Answer::Turns(Arc::new(Turns {
                        moments: found.clone(),
                        known_until,
                        visited: (visited, of),
                        is_complete: false,
                    })));
                }
            };
            let (next, turned) = table
                .next_turn(walk, &projection, &self.cancel, tell)
                .await?;
            walk = next;
            found.extend(turned.map(EventTime::ms));
            // Who waits for the first one does not wait for the others.
            if turned.is_none() || found.len() == 1 {
                self.reply.send(Answer::Turns(Arc::new(Turns {
                    moments: found.clone(),
                    known_until: walk.reached().map(EventTime::ms),
                    visited: walk.progress(),
                    is_complete: turned.is_none(),
                })));
            }
            if turned.is_none() {
                return Ok(());
            }
        }
    }
}
