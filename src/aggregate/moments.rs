//! The moments that a walk visits.

use std::sync::Arc;

use crate::event_time::AsOf;
use crate::timeline::{Epochs, Ticks};

/// Why a walk is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// It needs the snapshot of this moment, which is not at hand: read it, or prepare its epoch, give it to the walk,
    /// and go on.
    Needs(AsOf),
    /// It has visited as many moments as it was allowed to: show how far it is, and go on.
    Budget,
}

/// The moments at which a table's rows may change, ascending, milliseconds: its ticks, and the edges of segments between
/// the first and the last of them, at which rows may go.
pub fn change_moments(ticks: &Ticks, epochs: &Epochs) -> Arc<[i64]> {
    let Some((first, last)) = ticks.range() else {
        return Arc::new([]);
    };
    let edges = (0..epochs.len()).map(|id| epochs.get(id).from);
    let edges = edges.filter(|edge| (first.ms()..=last.ms()).contains(edge));
    let mut moments: Vec<i64> = ticks
        .iter()
        .map(|t| t.event_time.ms())
        .chain(edges)
        .collect();
    moments.sort_unstable();
    moments.dedup();
    moments.into()
}
