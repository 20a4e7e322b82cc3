//! Rows filtered, sorted and searched.

use std::sync::Arc;

use crate::diff::{Diff, DiffCells, SortedSide};
use crate::error::{Error, ErrorKind, Result};
use crate::event_time::AsOf;
use crate::expr::{Expression, Field, Pattern};
use crate::format::{Column, EVENT_TIME, KEY, Projection};
use crate::lakehouse::Table;
use crate::sql::ResultCells;
use crate::view::{Cells, Finding, SnapshotCells, Sort};

use super::protocol::{Answer, ArrangedDiff, Arrangement, Held, Request, Searched};
use super::worker::Job;

/// What it takes to arrange the rows of a table.
struct Plan {
    /// The value columns to read.
    projection: Projection,
    filter: Option<Arc<Expression>>,
    /// By a column of these.
    sort: Option<Sort>,
}

impl Plan {
    /// Reads some value columns, and those that are filtered and sorted by, which may be hidden.
    fn new(columns: &[Column], mut names: Vec<String>, arrangement: &Arrangement) -> Result<Self> {
        let filter = arrangement.filter.as_deref();
        let filter = filter
            .map(|text| Expression::filter(text, columns))
            .transpose()?;
        let filtered = filter
            .iter()
            .flat_map(Expression::columns)
            .map(|c| c.name.as_str());
        let sorted = arrangement.sort.as_ref().map(|(name, _)| name.as_str());
        for name in filtered.chain(sorted) {
            if name != KEY && name != EVENT_TIME && !names.iter().any(|n| n == name) {
                names.push(name.to_owned());
            }
        }
        let sort = arrangement.sort.as_ref().map(|(name, descending)| {
            let by = match name.as_str() {
                KEY => Field::Key,
                EVENT_TIME => Field::EventTime,
                name => Field::Value(names.iter().position(|n| n == name).unwrap_or(0)),
            };
            Sort {
                by,
                descending: *descending,
            }
        });
        Ok(Self {
            projection: Projection::Columns(names),
            filter: filter.map(Arc::new),
            sort,
        })
    }
}

impl Job {
    /// Answers with the rows of a moment, and with which of them are wanted, in which order.
    pub(super) async fn answer_arranged(
        &self,
        table: &str,
        as_of: AsOf,
        shown: &Projection,
        arrangement: Arrangement,
    ) -> Result<()> {
        let opened = self.table(table).await?;
        let columns = opened.manifest().schema.columns();
        let shown = match shown {
            Projection::Columns(names) => names.clone(),
            Projection::All => columns.iter().map(|c| c.name.clone()).collect(),
        };
        let plan = Plan::new(columns, shown, &arrangement)?;
        let snapshot = self.read_rows(table, as_of, &plan.projection).await?;
        let order = opened
            .arrange(Arc::clone(&snapshot), plan.filter, plan.sort, &self.cancel)
            .await?;
        self.reply
            .send(Answer::Arranged(snapshot, arrangement, order));
        self.shown(table, as_of, plan.projection).await
    }

    /// The keys of a comparison as they are arranged; nothing where all are by key.
    pub(super) async fn arrange_comparison(
        &self,
        table: &Table,
        diff: &Arc<Diff>,
        arrangement: Arrangement,
    ) -> Result<Option<ArrangedDiff>> {
        if arrangement == Arrangement::default() {
            return Ok(None);
        }
        // The columns need not be among those compared; the rows are the same, in the same order.
        let plan = Plan::new(table.manifest().schema.columns(), Vec::new(), &arrangement)?;
        let (mut kept, mut sorted) = (Vec::new(), Vec::new());
        for side in [diff.a(), diff.b()] {
            let rows = table.snapshot(side.as_of(), &plan.projection, &self.cancel);
            let rows = Arc::new(rows.await?);
            if let Some(filter) = &plan.filter {
                let (rows, filter) = (Arc::clone(&rows), Some(Arc::clone(filter)));
                kept.push(table.arrange(rows, filter, None, &self.cancel).await?);
            }
            if let Some(sort) = plan.sort {
                // Of A only the rows that are removed have a place of their own.
                let is_of_a = sorted.is_empty();
                let order = if is_of_a && diff.summary().removed == 0 {
                    Vec::new().into()
                } else {
                    let rows = Arc::clone(&rows);
                    table.arrange(rows, None, Some(sort), &self.cancel).await?
                };
                let by = sort.by;
                sorted.push(SortedSide { rows, order, by });
            }
        }
        let (diff, cancel) = (Arc::clone(diff), self.cancel.clone());
        let descending = plan.sort.is_some_and(|sort| sort.descending);
        let work = tokio::task::spawn_blocking(move || {
            let sorted = match sorted.as_slice() {
                [a, b] => Some(diff.sorted((a, b), descending, &cancel)?),
                _ => None,
            };
            let kept = match kept.as_slice() {
                [a, b] => Some((&**a, &**b)),
                _ => None,
            };
            diff.order(kept, sorted, &cancel)
        });
        let failed = |_| Error::new(ErrorKind::Usage, "filtering and sorting failed inside");
        let order = Arc::new(work.await.map_err(failed)??);
        let by = arrangement;
        Ok(Some(ArrangedDiff { by, order }))
    }

    /// Answers with the next match of a pattern.
    pub(super) async fn answer_find(&self, request: Request) -> Result<()> {
        let Request::Find {
            among,
            columns,
            pattern,
            from,
            direction,
            includes_start,
        } = request
        else {
            return Err(Error::new(ErrorKind::Usage, "this is no search"));
        };
        let pattern = Pattern::new(&pattern)?;
        let of = |order: Option<Held<[u32]>>| order.map(|order| order.0);
        let cells: Arc<dyn Cells> = match among {
            Searched::Rows(rows, order) => {
                Arc::new(SnapshotCells::new(rows.0, of(order), columns)?)
            }
            Searched::Changes(diff, shown, sides) => {
                Arc::new(DiffCells::new(diff.0, of(shown), columns, sides))
            }
            Searched::Result(rows) => Arc::new(ResultCells::new(rows.0, &columns)),
        };
        let finding = Finding::among(cells, pattern, (from, direction, includes_start));
        let lake = self.tables.lake();
        let found = lake.find(Arc::new(finding), &self.cancel).await?;
        self.reply.send(Answer::Found(found));
        Ok(())
    }
}
