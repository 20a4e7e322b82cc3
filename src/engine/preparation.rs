//! What is made ready while the person looks: the index of the epoch on screen, then the one ahead, then the one behind.

use std::collections::HashSet;

use crate::cancel::CancelToken;
use crate::event_time::AsOf;
use crate::format::Projection;
use crate::lakehouse::Table;
use crate::timeline::Epoch;

/// Neighbours are made ready where the cache would hold so many epochs as large as the one on screen.
const EPOCHS_HELD: usize = 3;

/// The rows that are on screen.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) table: Table,
    pub(super) as_of: AsOf,
    pub(super) projection: Projection,
}

impl Shown {
    fn epoch(&self) -> Epoch {
        self.table.epochs().at(self.as_of)
    }

    fn is_of(&self, other: &Self) -> bool {
        self.table.name() == other.table.name() && self.projection == other.projection
    }
}

/// Something to make ready.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) table: Table,
    pub(super) epoch: Epoch,
    pub(super) projection: Projection,
    pub(super) cancel: CancelToken,
}

/// Decides what is made ready next. At most one task runs.
#[derive(Debug, Default)]
pub(super) struct Preparation {
    shown: Option<Shown>,
    is_forward: bool,
    /// What is left to do, the next one last.
    queue: Vec<Epoch>,
    running: Option<Task>,
    /// What does not fit into memory, or cannot be read, and is not tried again: table, epoch, columns.
    given_up: HashSet<(String, usize, Projection)>,
}

impl Preparation {
    /// Takes note of what is on screen now. What runs is cancelled if it is neither of this epoch nor ahead of it.
    pub(super) fn show(&mut self, shown: &Shown) {
        let last = self
            .shown
            .replace(shown.clone())
            .filter(|last| last.is_of(shown));
        let turned = match &last {
            Some(last) if last.as_of != shown.as_of => {
                let forward = shown.as_of.position_ms() > last.as_of.position_ms();
                std::mem::replace(&mut self.is_forward, forward) != forward
            }
            _ => false,
        };
        let here = shown.epoch();
        if last.is_some_and(|last| last.epoch() == here) && !turned {
            // A large neighbour may have driven it out. It alone is made again, or the two would take turns.
            let is_idle = self.running.is_none() && self.queue.is_empty();
            if is_idle && !shown.table.is_prepared(&here, &shown.projection) {
                self.queue.push(here);
            }
            return;
        }
        let epochs = shown.table.epochs();
        let after = (here.id + 1 < epochs.len()).then(|| epochs.get(here.id + 1));
        let before = here.id.checked_sub(1).map(|id| epochs.get(id));
        let (ahead, behind) = if self.is_forward {
            (after, before)
        } else {
            (before, after)
        };
        if let Some(running) = &self.running {
            let is_near = running.epoch == here || Some(&running.epoch) == ahead.as_ref();
            if !is_near
                || running.table.name() != shown.table.name()
                || running.projection != shown.projection
            {
                running.cancel.cancel();
            }
        }
        self.queue = [behind, ahead, Some(here)].into_iter().flatten().collect();
    }

    /// The task that ran has ended; `given_up` where it need not be tried again.
    pub(super) fn ended(&mut self, given_up: bool) {
        if let Some(task) = self.running.take().filter(|_| given_up) {
            let table = task.table.name().to_owned();
            self.given_up
                .insert((table, task.epoch.id, task.projection));
        }
    }

    /// What to start now, if anything.
    pub(super) fn next(&mut self) -> Option<Task> {
        if self.running.is_some() {
            return None;
        }
        let shown = self.shown.as_ref()?;
        let here = shown.epoch();
        while let Some(epoch) = self.queue.pop() {
            let is_neighbour = epoch != here;
            let task = (
                shown.table.name().to_owned(),
                epoch.id,
                shown.projection.clone(),
            );
            if self.given_up.contains(&task)
                || shown.table.is_prepared(&epoch, &shown.projection)
                || is_neighbour
                    && !shown
                        .table
                        .has_room_for_epochs(&here, &shown.projection, EPOCHS_HELD)
            {
                continue;
            }
            let task = Task {
                table: shown.table.clone(),
                epoch,
                projection: shown.projection.clone(),
                cancel: CancelToken::default(),
            };
            self.running = Some(task.clone());
            return Some(task);
        }
        None
    }

    /// Cancels what runs.
    pub(super) fn stop(&mut self) {
        self.queue.clear();
        if let Some(running) = &self.running {
            running.cancel.cancel();
        }
    }
}
