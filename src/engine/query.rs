//! Queries: rows as they come, and two results compared.

use std::sync::Arc;
use std::time::Instant;

use crate::diff::{Comparing, Diff, DiffOrder};
use crate::error::{Error, ErrorKind, Result};
use crate::event_time::AsOf;
use crate::sql::{ExecutionContext, ResultRows};
use crate::text::counted;

use super::protocol::{Answer, ArrangedDiff, Arrangement};
use super::worker::{Job, PROGRESS_EVERY};

/// The most rows of a query that are kept to be shown.
const ROWS_AT_MOST: usize = 1_000_000;

impl Job {
    /// Answers with the rows of a query, or with what became of them since another moment.
    pub(super) async fn answer_query(
        &self,
        sql: &str,
        as_of: AsOf,
        compare: Option<(AsOf, Vec<String>)>,
    ) -> Result<()> {
        let Some((from, by)) = compare else {
            let tell =
                |rows: &ResultRows| self.reply.send(Answer::QueryRows(Arc::new(rows.clone())));
            return self.query(sql, as_of, tell).await.map(|_| ());
        };
        let (a, b) = tokio::try_join!(
            self.query(sql, from, |_| {}),
            self.query(sql, as_of, |_| {})
        )?;
        if a.has_more || b.has_more {
            let most = counted(ROWS_AT_MOST, "row");
            let message = format!("a result of more than {most} is not compared");
            return Err(Error::new(ErrorKind::Query, message).hint("ask for less"));
        }
        let cancel = self.cancel.clone();
        let compare = move || -> Result<(Diff, DiffOrder)> {
            let ((a, of_a), (b, of_b)) = (a.keyed(&by)?, b.keyed(&by)?);
            cancel.check()?;
            let comparing = Comparing::new(Arc::new(a), Arc::new(b), 1);
            let parts = (0..comparing.parts()).map(|part| comparing.compare(part));
            let parts = parts.collect();
            let diff = comparing.finish(parts);
            let listed = diff.listed(&of_a, &of_b, &cancel)?;
            let order = diff.order(None, Some(listed), &cancel)?;
            Ok((diff, order))
        };
        let comparing = async {
            let failed = |_| Err(Error::new(ErrorKind::Query, "comparing failed inside"));
            tokio::task::spawn_blocking(compare)
                .await
                .unwrap_or_else(failed)
        };
        let (diff, order) = self.cancel.run(comparing).await?;
        let order = ArrangedDiff {
            by: Arrangement::default(),
            order: Arc::new(order),
        };
        self.reply
            .send(Answer::QueryCompared(Arc::new(diff), order));
        Ok(())
    }

    /// Runs a query; `on_rows` is told of the rows so far, now and then and at the end.
    async fn query(
        &self,
        sql: &str,
        as_of: AsOf,
        on_rows: impl Fn(&ResultRows),
    ) -> Result<ResultRows> {
        let started = Instant::now();
        let made = self.queries.get().cloned();
        let context = if let Some(context) = made {
            context
        } else {
            let memory = self.tables.lake().limits().read_bytes;
            let context = ExecutionContext::with_tables(Arc::clone(&self.tables), memory)?;
            self.queries.get_or_init(|| context).clone()
        };
        let mut stream = context.at(as_of).run(sql, &self.cancel);
        let mut rows = ResultRows::new(as_of, &stream.schema().await?);
        rows.follows_moment = stream.follows_the_session();
        let mut told = Instant::now();
        while let Some(batch) = stream.next().await? {
            let room = ROWS_AT_MOST - rows.len();
            rows.push(&batch.slice(0, batch.num_rows().min(room)))?;
            rows.elapsed = started.elapsed();
            if batch.num_rows() > room {
                rows.has_more = true;
                break;
            }
            if told.elapsed() >= PROGRESS_EVERY {
                told = Instant::now();
                on_rows(&rows);
            }
        }
        rows.is_complete = true;
        rows.elapsed = started.elapsed();
        on_rows(&rows);
        Ok(rows)
    }
}
