//! Writing what is on screen to a file.

use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;

use crate::cancel::CancelToken;
use crate::diff::{Change, ChangeKind, Diff, change_batch, change_schema};
use crate::error::{Error, ErrorKind, Result};
use crate::export::{Existing, RowFormat, write_rows_to};
use crate::lakehouse::Table;
use crate::snapshot::{Snapshot, output_schema};

use super::protocol::Exported;

/// Rows in a batch.
const BATCH_ROWS: usize = 65_536;

/// Reads the rows and writes them; answers how many they were.
pub(super) async fn export(
    table: &Table,
    rows: Exported,
    (path, format, existing): (String, RowFormat, Existing),
    cancel: &CancelToken,
) -> Result<usize> {
    let token = cancel.clone();
    let writing = match rows {
        Exported::Moment {
            as_of,
            projection,
            event_time,
        } => {
            let snapshot = table.snapshot(as_of, &projection, cancel).await?;
            tokio::task::spawn_blocking(move || {
                write_snapshot(&snapshot, event_time, (Path::new(&path), format, existing), &token)
            })
        }
        Exported::Changes {
            from,
            to,
            projection,
            kinds,
        } => {
            let diff = table.diff(from, to, &projection, cancel).await?;
            tokio::task::spawn_blocking(move || {
                write_changes(&diff, &kinds, (Path::new(&path), format, existing), &token)
            })
        }
    };
    let failed = |_| Error::new(ErrorKind::Output, "writing the rows failed inside");
    writing.await.map_err(failed)?
}

fn write_snapshot(
    snapshot: &Snapshot,
    event_time: bool,
    (path, format, existing): (&Path, RowFormat, Existing),
    cancel: &CancelToken,
) -> Result<usize> {
    let schema = output_schema(snapshot.columns());
    // The event time is the second column.
    let wanted: Vec<usize> = (0..schema.fields().len())
        .filter(|at| event_time || *at != 1)
        .collect();
    let cannot = |e: arrow::error::ArrowError| Error::new(ErrorKind::Output, e.to_string());
    let projected = Arc::new(schema.project(&wanted).map_err(cannot)?);
    let batch = |from: usize| -> Result<RecordBatch> {
        cancel.check()?;
        let batch = snapshot.batch(from, BATCH_ROWS)?;
        batch.project(&wanted).map_err(cannot)
    };
    let batches = (0..snapshot.len()).step_by(BATCH_ROWS).map(batch);
    write_rows_to(path, existing, format, &projected, batches)
}

fn write_changes(
    diff: &Diff,
    kinds: &[ChangeKind],
    (path, format, existing): (&Path, RowFormat, Existing),
    cancel: &CancelToken,
) -> Result<usize> {
    let changes: Vec<Change> = diff.changes().filter(|c| kinds.contains(&c.kind)).collect();
    let batches = changes.chunks(BATCH_ROWS).map(|part| {
        cancel.check()?;
        change_batch(diff, part)
    });
    write_rows_to(path, existing, format, &change_schema(diff), batches)
}
