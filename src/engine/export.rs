//! Writing what is on screen to a file.

use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;

use crate::cancel::CancelToken;
use crate::diff::{
    Change, ChangeKind, Diff, DiffOrder, change_batch, change_schema, flat_change_batch,
    flat_change_schema,
};
use crate::error::{Error, ErrorKind, Result};
use crate::export::{Existing, RowFormat, write_rows_to};
use crate::scan::RowRef;
use crate::snapshot::{RowPart, Snapshot, gather, output_schema};

use super::protocol::{Exported, Held};

/// Rows in a batch.
const BATCH_ROWS: usize = 65_536;

/// Writes the rows; answers how many they were.
pub(super) async fn export(
    rows: Exported,
    (path, format, existing): (String, RowFormat, Existing),
    cancel: &CancelToken,
) -> Result<usize> {
    let token = cancel.clone();
    let writing = tokio::task::spawn_blocking(move || {
        let to = (Path::new(&path), format, existing);
        match rows {
            Exported::Rows {
                snapshot,
                order,
                columns,
            } => write_snapshot(&snapshot.0, order.as_ref(), &columns, to, &token),
            Exported::Changes { diff, kinds, order } => {
                write_changes((&diff.0, order.as_ref()), &kinds, to, &token)
            }
            Exported::Result(result) => {
                let batches = result.0.batches().map(|batch| {
                    token.check()?;
                    batch
                });
                write_rows_to(to.0, to.2, to.1, &result.0.schema(), batches)
            }
        }
    });
    let failed = |_| Error::new(ErrorKind::Output, "writing the rows failed inside");
    writing.await.map_err(failed)?
}

fn write_snapshot(
    snapshot: &Snapshot,
    order: Option<&Held<[u32]>>,
    columns: &[RowPart],
    (path, format, existing): (&Path, RowFormat, Existing),
    cancel: &CancelToken,
) -> Result<usize> {
    let schema = output_schema(snapshot.columns());
    let position = |part: &RowPart| match part {
        RowPart::Key => 0,
        RowPart::EventTime => 1,
        RowPart::Value(at) => at + 2,
    };
    let wanted: Vec<usize> = columns.iter().map(position).collect();
    let cannot = |e: arrow::error::ArrowError| Error::new(ErrorKind::Output, e.to_string());
    let projected = Arc::new(schema.project(&wanted).map_err(cannot)?);
    let all = snapshot.row_refs();
    let len = order.map_or(all.len(), |order| order.0.len());
    let batch = |from: usize| -> Result<RecordBatch> {
        cancel.check()?;
        let stretch = from..(from + BATCH_ROWS).min(len);
        let rows: Vec<RowRef> = match order {
            Some(order) => order.0[stretch]
                .iter()
                .map(|row| all[*row as usize])
                .collect(),
            None => all[stretch].to_vec(),
        };
        let arrays = gather(snapshot.chunks(), &rows, snapshot.columns())?;
        let whole = RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(cannot)?;
        whole.project(&wanted).map_err(cannot)
    };
    let batches = (0..len).step_by(BATCH_ROWS).map(batch);
    write_rows_to(path, existing, format, &projected, batches)
}

fn write_changes(
    (diff, order): (&Diff, Option<&Held<DiffOrder>>),
    kinds: &[ChangeKind],
    (path, format, existing): (&Path, RowFormat, Existing),
    cancel: &CancelToken,
) -> Result<usize> {
    let wanted = |c: &Change| kinds.contains(&c.kind);
    let changes: Vec<Change> = match order {
        Some(order) => {
            let positions = order.0.positions.iter();
            positions
                .map(|at| diff.change(*at as usize))
                .filter(wanted)
                .collect()
        }
        None => diff.changes().filter(wanted).collect(),
    };
    let is_flat = format == RowFormat::Csv;
    let batches = changes.chunks(BATCH_ROWS).map(|part| {
        cancel.check()?;
        if is_flat {
            flat_change_batch(diff, part)
        } else {
            change_batch(diff, part)
        }
    });
    let schema = if is_flat {
        flat_change_schema(diff)
    } else {
        change_schema(diff)
    };
    write_rows_to(path, existing, format, &schema, batches)
}
