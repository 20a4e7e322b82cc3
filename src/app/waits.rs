//! What the person waits for, and giving up on it: Esc and Ctrl-C.

use crate::engine::Lane;

use super::when::When;
use super::{App, Effect, LONG_READ_MS, Overlay};

impl App {
    /// The read that the person waits for: what they asked for last and is not on screen yet.
    fn waited_for(&self) -> Option<Lane> {
        self.waited_for_over_screen()
            .or_else(|| self.is_finding().map(|_| Lane::Find))
            .or_else(|| self.is_travelling().map(|_| Lane::History))
            .or_else(|| {
                let is_waited_for = self.when.as_ref().is_some_and(When::is_waited_for);
                is_waited_for.then_some(Lane::When)
            })
            .or_else(|| self.query.pending.map(|_| Lane::Query))
            .or_else(|| self.view()?.pending.map(|_| Lane::Snapshot))
    }

    /// The read of what lies over the screen.
    pub(super) fn waited_for_over_screen(&self) -> Option<Lane> {
        match &self.overlay {
            Some(Overlay::History(open)) => {
                (open.history.is_none() && open.error.is_none()).then_some(Lane::History)
            }
            Some(Overlay::Why(open)) => open.answer.is_none().then_some(Lane::Row),
            Some(Overlay::Row(open)) => {
                let has_both = self.view().is_some_and(|v| v.comparison.is_some());
                (open.record.is_none() && !has_both).then_some(Lane::Row)
            }
            _ => None,
        }
    }

    /// Work that goes on while the person does something else.
    fn in_background(&self) -> Option<Lane> {
        (self.exporting.as_ref().map(|_| Lane::Export))
            .or_else(|| self.when()?.pending.map(|_| Lane::When))
            .or_else(|| self.line_pending().map(|_| Lane::Series))
    }

    fn cancel(&mut self, lane: Lane) -> Vec<Effect> {
        match lane {
            Lane::Query => return self.cancel_query(),
            // An answer that comes all the same is not waited for.
            Lane::Find => self.stop_finding(),
            Lane::History => self.travel = None,
            _ => {}
        }
        if self.waited_for_over_screen() == Some(lane) {
            self.overlay = None;
        }
        vec![Effect::Cancel(lane)]
    }

    /// Ctrl-C: what runs is given up; where nothing does, the program ends.
    pub(super) fn interrupt(&mut self) -> Vec<Effect> {
        self.notice = None;
        match self.waited_for().or_else(|| self.in_background()) {
            Some(lane) => self.cancel(lane),
            None => vec![Effect::Quit],
        }
    }

    /// Esc: what is in the way goes first, then what runs.
    pub(super) fn escape(&mut self) -> Vec<Effect> {
        self.notice = None;
        if self.overlay.is_some() {
            let lane = self.waited_for_over_screen();
            self.overlay = None;
            return lane.map(Effect::Cancel).into_iter().collect();
        }
        if self.play.take().is_some() || self.narrow.take().is_some() {
            return Vec::new();
        }
        if let Some(lane) = self.waited_for() {
            return self.cancel(lane);
        }
        let selected = self.grid_mut().and_then(|grid| grid.selected_from.take());
        let is_of_table = !self.query.is_open;
        let lost = self.view_mut().filter(|_| is_of_table);
        let lost = lost.and_then(|v| v.lost_selection.take());
        if selected.is_some() || lost.is_some() {
            return Vec::new();
        }
        if self.query.is_open {
            return self.close_query();
        }
        if let Some(lane) = self.in_background() {
            return self.cancel(lane);
        }
        // Of another table it may still be looked for.
        let when = self.when.take();
        let is_running = when.is_some_and(|w| w.pending.is_some());
        is_running
            .then_some(Effect::Cancel(Lane::When))
            .into_iter()
            .collect()
    }

    /// Since when the person waits for something that has no place on screen of its own, and what it is.
    fn unseen_wait(&self) -> Option<(u64, String)> {
        let finding = self.is_finding().map(|(since, pattern)| {
            let pattern = crate::text::ellipsis(pattern, 40);
            (since, format!("looking for {pattern}"))
        });
        let travelling = || {
            let (since, key) = self.is_travelling()?;
            let key = crate::text::ellipsis(key, 40);
            Some((since, format!("reading every version of {key}")))
        };
        finding.or_else(travelling)
    }

    /// When, in milliseconds since the start, a long wait is told.
    pub(super) fn next_told_wait_ms(&self) -> Option<u64> {
        let told = self.unseen_wait()?.0 + LONG_READ_MS;
        (told > self.clock.ms).then_some(told)
    }

    /// What the person has been waiting for, in words, once that is long.
    pub fn long_wait(&self) -> Option<String> {
        let (since, what) = self.unseen_wait()?;
        (self.clock.ms >= since + LONG_READ_MS).then(|| format!("{what} … Esc cancels"))
    }
}
