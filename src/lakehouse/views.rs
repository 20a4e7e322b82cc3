//! What is made of a table's rows, on all cores: filters, sorts, searches, statistics, and what goes on over time.

use std::sync::Arc;

use futures::future::try_join_all;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::aggregate::{Pause, Point, Series, Step, When};
use crate::cancel::CancelToken;
use crate::error::Result;
use crate::event_time::{AsOf, EventTime};
use crate::expr::{Expression, Field};
use crate::format::Projection;
use crate::snapshot::Snapshot;
use crate::view::{Arranging, ColumnStatistics, Finding, Found, MatchCount, Sort, StatisticsPlan};

use super::{Lakehouse, Table};

/// Moments that a walk visits before it first gives way and tells how far it is; each stretch after has twice as many, up
/// to the other.
const FIRST_MOMENTS: usize = 16;
const MOMENTS_AT_MOST: usize = 1_024;

impl Lakehouse {
    /// The first match of a search, in its order, worked out on all cores.
    pub async fn find(&self, finding: Arc<Finding>, cancel: &CancelToken) -> Result<Option<Found>> {
        let reader = &self.reader;
        let parts = (0..finding.parts()).map(|part| {
            let (finding, token) = (Arc::clone(&finding), cancel.clone());
            reader.compute(cancel, move || finding.run(part, &token))
        });
        // In the order of the parts, a few of them at a time.
        let mut found = stream::iter(parts).buffered(reader.limits().decoders.max(1));
        while let Some(found) = found.next().await {
            if let Some(found) = found? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

impl Table {
    /// Positions of the rows of a snapshot that a filter keeps, in the order of a sort; see [`Arranging`].
    pub async fn arrange(
        &self,
        snapshot: Arc<Snapshot>,
        filter: Option<Arc<Expression>>,
        sort: Option<Sort>,
        cancel: &CancelToken,
    ) -> Result<Arc<[u32]>> {
        let reader = &self.lake.reader;
        let cores = reader.limits().decoders.max(1);
        let plan = Arc::new(Arranging::new(snapshot, filter, sort, cores)?);
        let parts = (0..plan.parts()).map(|part| {
            let (plan, token) = (Arc::clone(&plan), cancel.clone());
            reader.compute(cancel, move || plan.run(part, &token))
        });
        let parts = try_join_all(parts).await?;
        let token = cancel.clone();
        reader
            .compute(cancel, move || plan.finish(parts, &token))
            .await
    }

    /// The first match of a search, in its order.
    pub async fn find(&self, finding: Arc<Finding>, cancel: &CancelToken) -> Result<Option<Found>> {
        self.lake.find(finding, cancel).await
    }

    /// How many matches a search has in all.
    pub async fn count_matches(
        &self,
        finding: Arc<Finding>,
        cancel: &CancelToken,
    ) -> Result<MatchCount> {
        let reader = &self.lake.reader;
        let parts = (0..finding.count_parts()).map(|part| {
            let (finding, token) = (Arc::clone(&finding), cancel.clone());
            reader.compute(cancel, move || finding.count(part, &token))
        });
        let counts = stream::iter(parts).buffered(reader.limits().decoders.max(1));
        let add = |a, b| async move { Ok(a + b) };
        counts.try_fold(MatchCount::default(), add).await
    }

    /// What columns hold; see [`StatisticsPlan`].
    pub async fn statistics(
        &self,
        snapshot: Arc<Snapshot>,
        order: Option<Arc<[u32]>>,
        (fields, bins): (Vec<Field>, usize),
        cancel: &CancelToken,
    ) -> Result<Vec<ColumnStatistics>> {
        let reader = &self.lake.reader;
        let plan = Arc::new(StatisticsPlan::new(snapshot, order, fields, bins)?);
        let parts = (0..plan.parts()).map(|part| {
            let (plan, token) = (Arc::clone(&plan), cancel.clone());
            reader.compute(cancel, move || plan.run(part, &token))
        });
        try_join_all(parts).await
    }

    /// Walks to the next moment at which a condition on the table turns true; after each stretch, `on_progress` is told
    /// how many moments have been visited, of how many. The walk comes back with the answer, to be gone on with.
    ///
    /// It takes a core for as long as it goes: [`Table::in_background`] keeps it out of the way of reads.
    pub async fn next_turn(
        &self,
        mut walk: When,
        projection: &Projection,
        cancel: &CancelToken,
        mut on_progress: impl FnMut(usize, usize),
    ) -> Result<(When, Option<EventTime>)> {
        let mut moments = FIRST_MOMENTS;
        loop {
            let (table, columns, token) = (self.clone(), projection.clone(), cancel.clone());
            let run = move || {
                let at_hand = |at| table.prepared_snapshot(at, &columns).map(Arc::new);
                let step = walk.run(&at_hand, moments, &token)?;
                Ok((walk, step))
            };
            let step;
            (walk, step) = self.lake.reader.compute(cancel, run).await?;
            let (visited, all) = walk.progress();
            on_progress(visited, all);
            moments = (moments * 2).min(MOMENTS_AT_MOST);
            match step {
                Step::Turned(at) => return Ok((walk, Some(at))),
                Step::Done => return Ok((walk, None)),
                Step::Paused(Pause::Budget) => {}
                Step::Paused(Pause::Needs(at)) => {
                    walk.give(self.needed(at, projection, cancel).await?);
                }
            }
        }
    }

    /// Works out an aggregate at every moment of a series; after each stretch, `on_progress` is told what is known so
    /// far.
    ///
    /// It takes a core for as long as it goes: [`Table::in_background`] keeps it out of the way of reads.
    pub async fn fill_series(
        &self,
        mut series: Series,
        projection: &Projection,
        cancel: &CancelToken,
        mut on_progress: impl FnMut(&[Point]),
    ) -> Result<Series> {
        let mut moments = FIRST_MOMENTS;
        loop {
            let (table, columns, token) = (self.clone(), projection.clone(), cancel.clone());
            let run = move || {
                let at_hand = |at| table.prepared_snapshot(at, &columns).map(Arc::new);
                let pause = series.run(&at_hand, moments, &token, &mut |_, _| {})?;
                Ok((series, pause))
            };
            let pause;
            (series, pause) = self.lake.reader.compute(cancel, run).await?;
            on_progress(series.points());
            moments = (moments * 2).min(MOMENTS_AT_MOST);
            match pause {
                None => return Ok(series),
                Some(Pause::Budget) => {}
                Some(Pause::Needs(at)) => {
                    series.give(self.needed(at, projection, cancel).await?);
                }
            }
        }
    }

    /// The rows of a moment, by the index of its epoch, which is made for those that follow; where memory has no room for
    /// one, by a read.
    async fn needed(
        &self,
        at: AsOf,
        projection: &Projection,
        cancel: &CancelToken,
    ) -> Result<Arc<Snapshot>> {
        let epoch = self.epochs().at(at);
        if self.prepare(&epoch, projection, cancel).await?
            && let Some(prepared) = self.prepared_snapshot(at, projection)
        {
            return Ok(Arc::new(prepared));
        }
        Ok(Arc::new(self.snapshot(at, projection, cancel).await?))
    }
}
