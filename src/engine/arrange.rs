//! Rows filtered, sorted and searched.

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::event_time::AsOf;
use crate::expr::{Expression, Field, Pattern};
use crate::format::{EVENT_TIME, KEY, Projection};
use crate::view::{Finding, Sort};

use super::protocol::{Answer, Arrangement, Request};
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
