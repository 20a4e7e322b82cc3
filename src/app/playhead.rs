//! The playhead: by ticks, to a moment, and walking by itself.

use crate::event_time::{AsOf, Precision};
use crate::text::counted;

use super::keymap::Action;
use super::{App, Effect, Overlay, Play};

impl App {
    /// Moves the playhead by ticks.
    pub(super) fn step(&mut self, ticks: i32) -> Vec<Effect> {
        let newest = self.info().map_or(AsOf::Current, |i| i.newest);
        let Some(view) = self.view() else {
            return Vec::new();
        };
        match view.timeline.step(view.playhead, ticks, newest) {
            Some(moment) if moment == view.playhead => {
                self.notify(if ticks < 0 {
                    "this is the first tick"
                } else {
                    "nothing is newer"
                });
                Vec::new()
            }
            Some(moment) => self.go_to(moment),
            None => {
                let (empty, failed) =
                    (view.timeline.ticks.is_some(), view.timeline_error.is_some());
                self.notify(if empty {
                    "the table holds no rows".to_owned()
                } else if failed {
                    let at = self.key(Action::GoTo);
                    format!("the timeline cannot be read; {at} goes to a time")
                } else {
                    "the timeline is still being read".to_owned()
                });
                Vec::new()
            }
        }
    }

    /// Moves the playhead to a moment.
    pub(super) fn go_to(&mut self, moment: AsOf) -> Vec<Effect> {
        let Some(view) = self.view_mut() else {
            return Vec::new();
        };
        view.moved = true;
        self.travel_no_more();
        if let Some(when) = &mut self.when {
            // Who goes elsewhere does not want to be taken away from there.
            when.wait_no_more();
        }
        let Some(view) = self.view_mut() else {
            return Vec::new();
        };
        if view.playhead == moment && view.error.is_none() {
            return Vec::new();
        }
        view.playhead = moment;
        view.timeline.follow(moment);
        let mut effects = self.read_rows();
        effects.extend(self.read_open_row());
        effects.extend(self.read_open_why());
        effects
    }

    pub(super) fn go_to_typed(&mut self) -> Vec<Effect> {
        let Some(Overlay::GoTo(prompt)) = &self.overlay else {
            return Vec::new();
        };
        if prompt.text().trim().is_empty() {
            self.overlay = None;
            return Vec::new();
        }
        // What makes no sense is told in the field itself, which stays open.
        let Ok(moment) = self.resolve_moment(prompt.text()) else {
            return Vec::new();
        };
        self.overlay = None;
        self.go_to(moment)
    }

    pub(super) fn toggle_play(&mut self) -> Vec<Effect> {
        if self.play.take().is_some() {
            return Vec::new();
        }
        let newest = self.info().map_or(AsOf::Current, |i| i.newest);
        let Some(view) = self.view() else {
            return Vec::new();
        };
        let Some(end) = view.timeline.step(AsOf::Current, i32::MAX, newest) else {
            self.notify("the timeline is still being read");
            return Vec::new();
        };
        let at_end = view.playhead == end || view.playhead == AsOf::Current;
        self.play = Some(Play {
            next_ms: self.clock.ms + 1_000 / self.speed(),
        });
        // At the end there is nothing left to play but all of it.
        if at_end {
            self.step(i32::MIN)
        } else {
            Vec::new()
        }
    }

    pub(super) fn change_speed(&mut self, speed: usize) {
        self.speed = speed;
        self.notify(format!(
            "{} a second",
            counted(self.speed() as usize, "tick")
        ));
    }
}

/// A moment where its zone is told elsewhere: no longer than it has to be.
pub fn moment_text(moment: AsOf) -> String {
    match moment {
        AsOf::At(at) => at.to_text(at.precision()),
        AsOf::Current => "current".to_owned(),
    }
}

/// A moment with its zone, to the second at least.
pub fn zoned_moment(moment: AsOf) -> String {
    match moment {
        AsOf::At(at) => format!("{}Z", at.to_text(at.precision().max(Precision::Second))),
        AsOf::Current => "current".to_owned(),
    }
}

/// A moment in a sentence.
pub fn describe(moment: AsOf) -> String {
    match moment {
        AsOf::At(_) => moment_text(moment),
        AsOf::Current => "now (current)".to_owned(),
    }
}
