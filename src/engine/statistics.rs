//! What a column holds in the rows on screen.

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::expr::Field;
use crate::format::{EVENT_TIME, KEY, Projection};
use crate::snapshot::Snapshot;

use super::protocol::{Answer, Held};
use super::worker::Job;

impl Job {
    /// Answers with what a column holds in the rows at these positions; one that is not among their columns is read.
    pub(super) async fn answer_statistics(
        &self,
        table: &str,
        (snapshot, order): (Held<Snapshot>, Option<Held<[u32]>>),
        column: &str,
        bins: usize,
    ) -> Result<()> {
        let table = self.table(table).await?;
        let mut snapshot = snapshot.0;
        let position = |s: &Snapshot| s.columns().iter().position(|c| c.name == column);
        let field = match column {
            KEY => Field::Key,
            EVENT_TIME => Field::EventTime,
            _ => {
                if position(&snapshot).is_none() {
                    let projection = Projection::Columns(vec![column.to_owned()]);
                    let as_of = snapshot.as_of();
                    let read = table.snapshot(as_of, &projection, &self.cancel).await?;
                    // The positions are of the same rows: those of this moment, in the order of their keys.
                    if read.len() != snapshot.len() {
                        let message = "the rows of this moment are others than before";
                        return Err(Error::new(ErrorKind::DataFile, message)
                            .hint("open the lake again to see its newest version"));
                    }
                    snapshot = Arc::new(read);
                }
                let at = position(&snapshot).ok_or_else(|| {
                    let message = format!("there is no column '{column}'");
                    Error::new(ErrorKind::ColumnNotFound, message)
                })?;
                Field::Value(at)
            }
        };
        let asked = (vec![field], bins);
        let order = order.map(|order| order.0);
        let found = table.statistics(snapshot, order, asked, &self.cancel);
        if let Some(statistics) = found.await?.pop() {
            self.reply.send(Answer::Statistics(Arc::new(statistics)));
        }
        Ok(())
    }
}
