//! What a session reads again is made ready: the second read of some columns of an epoch has its index made behind it, and
//! those that follow are answered by that.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cancel::CancelOnDrop;
use crate::event_time::AsOf;
use crate::format::{Projection, Version};
use crate::lakehouse::Table;

/// Reads after which an index is made.
const READS: usize = 2;

/// More than this are forgotten, and counted from none.
const COUNTED_AT_MOST: usize = 10_000;

/// A table at a version, an epoch of it, and the columns read.
type Asked = (String, Version, usize, Projection);

/// How often a session has read what from its files. What is being made ends with the session.
#[derive(Debug, Clone, Default)]
pub(super) struct Warm(Arc<Reads>);

#[derive(Debug, Default)]
struct Reads {
    counts: Mutex<HashMap<Asked, usize>>,
    stop: CancelOnDrop,
}

impl Warm {
    /// Counts a read from files, and has the index of its epoch made where it is not the first one.
    pub(super) fn read(&self, table: &Table, as_of: AsOf, projection: &Projection) {
        let epoch = table.epochs().at(as_of);
        let asked = (
            table.name().to_owned(),
            table.version(),
            epoch.id,
            projection.clone(),
        );
        let reads = {
            let counts = self.0.counts.lock();
            let mut counts = counts.unwrap_or_else(PoisonError::into_inner);
            if counts.len() > COUNTED_AT_MOST {
                counts.clear();
            }
            let reads = counts.entry(asked).or_default();
            *reads += 1;
            *reads
        };
        // What was driven out is made again, and what memory does not allow is tried ever more seldom.
        if reads < READS || !reads.is_power_of_two() {
            return;
        }
        let (table, projection) = (table.in_background(), projection.clone());
        let cancel = self.0.stop.token().clone();
        tokio::spawn(async move {
            // Where it fails, a read of that moment says so.
            let _ = table.prepare(&epoch, &projection, &cancel).await;
        });
    }
}
