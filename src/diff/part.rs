//! A part of a difference: the keys whose rows are among some of either side.

use crate::cancel::CancelToken;
use crate::error::Result;

use super::changes::{ChangeKind, Diff, Summary};

/// Keys between two looks at the cancel token.
const KEYS_PER_CHECK: usize = 16_384;

/// Some keys of a difference, counted as the whole is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffPart {
    /// Their positions among the keys of either side, ascending.
    pub positions: Vec<u32>,
    /// What became of them.
    pub summary: Summary,
}

impl Diff {
    /// The keys of which A has one of these rows, or B one of those: positions in the snapshots, in any order. A key that
    /// comes into sight, or goes from it, between the two moments is one of them.
    pub fn part(&self, of_a: &[u32], of_b: &[u32], cancel: &CancelToken) -> Result<DiffPart> {
        let listed = |len: usize, rows: &[u32]| {
            let mut is_listed = vec![false; len];
            for row in rows {
                if let Some(listed) = is_listed.get_mut(*row as usize) {
                    *listed = true;
                }
            }
            is_listed
        };
        let in_a = listed(self.a().len(), of_a);
        let in_b = listed(self.b().len(), of_b);
        let mut positions = Vec::new();
        let mut summary = Summary {
            schema: self.summary().schema.clone(),
            ..Summary::default()
        };
        let mut cells = vec![0; self.columns().len()];
        for (position, change) in self.changes().enumerate() {
            if position % KEYS_PER_CHECK == 0 {
                cancel.check()?;
            }
            let is_in =
                change.a().is_some_and(|row| in_a[row]) || change.b().is_some_and(|row| in_b[row]);
            if !is_in {
                continue;
            }
            positions.push(position as u32);
            summary.tally(change.kind);
            if change.kind == ChangeKind::Changed {
                for (column, count) in cells.iter_mut().enumerate() {
                    *count += usize::from(self.is_cell_changed(change, column));
                }
            }
        }
        summary.set_cells(self.columns(), cells);
        Ok(DiffPart { positions, summary })
    }
}
