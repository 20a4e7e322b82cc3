//! The event times that a data file holds.

use std::sync::Arc;

use crate::cancel::CancelToken;
use crate::error::Result;
use crate::event_time::AsOf;
use crate::scan::Reader;
use crate::store::Store;

/// The earliest and the latest event time in a file (milliseconds): from the statistics in its footer, or from its rows
/// where it has none; `None` where it has no row.
pub async fn event_time_range(
    reader: &Arc<Reader>,
    store: &Store,
    table: &str,
    file: &str,
    cancel: &CancelToken,
) -> Result<Option<(i64, i64)>> {
    let opened = cancel.run(reader.open(store, table, file)).await?;
    let mut range: Option<(i64, i64)> = None;
    for group in 0..opened.row_groups() {
        let found = if let Some(found) = opened.event_time_range(group) {
            Some(found)
        } else {
            let wanted = [(Arc::clone(&opened), group)];
            let read = reader.read_row_groups(store, &wanted, &[], AsOf::Current, cancel, |_| {});
            read.await?.pop().flatten().and_then(|rows| {
                Some((
                    *rows.event_times.iter().min()?,
                    *rows.event_times.iter().max()?,
                ))
            })
        };
        range = match (range, found) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
    }
    Ok(range)
}
