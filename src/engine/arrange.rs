//! Rows filtered, sorted and searched.

use std::sync::Arc;

use crate::diff::Diff;
use crate::error::{Error, ErrorKind, Result};
use crate::event_time::AsOf;
use crate::expr::{Expression, Field, Pattern};
use crate::format::{EVENT_TIME, KEY, Projection};
use crate::lakehouse::Table;
use crate::view::{Finding, Sort};

use super::protocol::{Answer, Arrangement, Filtered, Request};
use super::worker::Job;

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
        let filter = arrangement.filter.as_deref();
        let filter = filter
            .map(|text| Expression::filter(text, columns))
            .transpose()?;
        // Columns that are hidden may be filtered and sorted by.
        let mut names = match shown {
            Projection::Columns(names) => names.clone(),
            Projection::All => columns.iter().map(|c| c.name.clone()).collect(),
        };
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
        let projection = Projection::Columns(names.clone());
        let snapshot = self.read_rows(table, as_of, &projection).await?;
        let order = opened
            .arrange(
                Arc::clone(&snapshot),
                filter.map(Arc::new),
                sort,
                &self.cancel,
            )
            .await?;
        self.reply
            .send(Answer::Arranged(snapshot, arrangement, order));
        self.shown(table, as_of, projection).await
    }

    /// The keys of a comparison that a filter leaves: those of a row that meets it at one of the two moments at least.
    pub(super) async fn filter_comparison(
        &self,
        table: &Table,
        diff: &Arc<Diff>,
        filter: Option<String>,
    ) -> Result<Option<Filtered>> {
        let Some(by) = filter else { return Ok(None) };
        let filter = Expression::filter(&by, table.manifest().schema.columns())?;
        let (projection, filter) = (filter.projection(), Arc::new(filter));
        let mut sides = Vec::with_capacity(2);
        for side in [diff.a(), diff.b()] {
            // The columns of the filter need not be among those compared; the rows are the same, in the same order.
            let rows = table.snapshot(side.as_of(), &projection, &self.cancel);
            let rows = Arc::new(rows.await?);
            let filter = Some(Arc::clone(&filter));
            sides.push(table.arrange(rows, filter, None, &self.cancel).await?);
        }
        let (diff, cancel) = (Arc::clone(diff), self.cancel.clone());
        let work = tokio::task::spawn_blocking(move || diff.part(&sides[0], &sides[1], &cancel));
        let failed = |_| Error::new(ErrorKind::Usage, "filtering failed inside");
        let part = Arc::new(work.await.map_err(failed)??);
        Ok(Some(Filtered { by, part }))
    }

    /// Answers with the next match of a pattern.
    pub(super) async fn answer_find(&self, request: Request) -> Result<()> {
        let Request::Find {
            table,
            snapshot,
            order,
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
        let order = order.map(|order| order.0);
        let of = (from, direction, includes_start);
        let finding = Finding::new(Arc::clone(&snapshot.0), order, columns, pattern, of)?;
        let found = self
            .table(&table)
            .await?
            .find(Arc::new(finding), &self.cancel)
            .await?;
        self.reply.send(Answer::Found(snapshot.0, found));
        Ok(())
    }
}
