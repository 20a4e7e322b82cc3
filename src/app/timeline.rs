//! The timeline on screen: which stretch of time it shows, and where moments stand on it.

use std::sync::Arc;

use crate::event_time::{AsOf, EventTime};
use crate::timeline::{Density, Ticks, TimelineProgress};

/// Zooming in stops at a stretch of this many milliseconds.
const SHORTEST_MS: i64 = 20;

/// What the timeline knows and shows.
#[derive(Debug, Clone, Default)]
pub struct TimelineView {
    /// The ticks, once they have been read.
    pub ticks: Option<Arc<Ticks>>,
    /// Until then, what is estimated, and how far the reading has come (files read, of how many).
    pub estimate: Option<(Density, usize, usize)>,
    /// The stretch shown (milliseconds, both inclusive); `None` shows all.
    window: Option<(i64, i64)>,
    /// The stretches shown before, newest last.
    earlier: Vec<Option<(i64, i64)>>,
}

impl TimelineView {
    /// Takes what is known so far.
    pub fn progress(&mut self, progress: TimelineProgress) {
        if self.ticks.is_none() {
            self.estimate = Some((progress.density, progress.files_read, progress.files));
        }
    }

    /// Takes the ticks.
    pub fn finish(&mut self, ticks: Arc<Ticks>) {
        self.ticks = Some(ticks);
        self.estimate = None;
    }

    /// The ticks cannot be read; an estimate that will never sharpen says nothing.
    pub fn give_up(&mut self) {
        self.estimate = None;
    }

    /// The first and the last moment of the data (milliseconds).
    pub fn data_range(&self) -> Option<(i64, i64)> {
        match (&self.ticks, &self.estimate) {
            (Some(ticks), _) => ticks.range().map(|(a, b)| (a.ms(), b.ms())),
            (None, Some((density, ..))) => density.range(),
            (None, None) => None,
        }
    }

    /// The stretch shown (milliseconds, both inclusive).
    pub fn shown_range(&self) -> Option<(i64, i64)> {
        let data = self.data_range()?;
        Some(self.window.unwrap_or(data))
    }

    /// True where less than all is shown.
    pub fn is_zoomed(&self) -> bool {
        self.window.is_some()
    }

    /// Zooms by a factor (below 1 shows less) around a moment.
    pub fn zoom(&mut self, factor: f64, around: AsOf) {
        let (Some((from, to)), Some(data)) = (self.shown_range(), self.data_range()) else {
            return;
        };
        let length = to.saturating_sub(from).max(1) as f64;
        let center = (around.position_ms().clamp(from, to)) as f64;
        let share = (center - from as f64) / length;
        let wanted = (length * factor).max(SHORTEST_MS as f64);
        if wanted >= data.1.saturating_sub(data.0) as f64 {
            return self.show(None);
        }
        let start = center - wanted * share;
        self.show(Some(Self::within(data, start as i64, wanted as i64)));
    }

    /// Moves the stretch by a share of its length.
    pub fn pan(&mut self, share: f64) {
        let (Some((from, to)), Some(data)) = (self.window, self.data_range()) else {
            return;
        };
        let length = to.saturating_sub(from);
        self.show(Some(Self::within(
            data,
            from.saturating_add((length as f64 * share) as i64),
            length,
        )));
    }

    /// Shows all.
    pub fn fit(&mut self) {
        self.show(None);
    }

    /// Goes back to the stretch shown before; false where there was none.
    pub fn undo(&mut self) -> bool {
        let Some(earlier) = self.earlier.pop() else {
            return false;
        };
        self.window = earlier;
        true
    }

    /// Moves the stretch, if it must, so that a moment is on it.
    pub fn follow(&mut self, moment: AsOf) {
        let (Some((from, to)), Some(data)) = (self.window, self.data_range()) else {
            return;
        };
        let at = moment.position_ms().clamp(data.0, data.1);
        if at < from || at > to {
            let length = to.saturating_sub(from);
            // A third of the way in, so that the next steps need no further move.
            let start = at.saturating_sub(if at < from {
                length / 3 * 2
            } else {
                length / 3
            });
            self.window = Some(Self::within(data, start, length));
        }
    }

    fn within(data: (i64, i64), start: i64, length: i64) -> (i64, i64) {
        let start = start.min(data.1.saturating_sub(length)).max(data.0);
        (start, start.saturating_add(length))
    }

    fn show(&mut self, window: Option<(i64, i64)>) {
        if window != self.window {
            self.earlier.push(self.window);
            self.window = window;
        }
    }

    /// The cell, of `width`, in which a moment stands; clamped to the ends.
    pub fn cell_of(&self, moment: AsOf, width: u16) -> Option<u16> {
        let (from, to) = self.shown_range()?;
        let at = moment.position_ms().clamp(from, to);
        let share = (i128::from(at) - i128::from(from)) as f64
            / (i128::from(to) - i128::from(from) + 1) as f64;
        Some(((share * f64::from(width)) as u16).min(width.saturating_sub(1)))
    }

    /// The stretch of time that a cell stands for: milliseconds, the end exclusive.
    pub fn cell_range(&self, cell: u16, width: u16) -> Option<(i64, i64)> {
        let (from, to) = self.shown_range()?;
        let length = i128::from(to) - i128::from(from) + 1;
        let edge = |cell: u16| {
            (i128::from(from) + length * i128::from(cell) / i128::from(width.max(1))) as i64
        };
        Some((edge(cell), edge(cell + 1).max(edge(cell).saturating_add(1))))
    }

    /// The changes in each of `width` cells.
    pub fn densities(&self, width: u16) -> Vec<f64> {
        let changes = |cell| {
            let Some((from, to)) = self.cell_range(cell, width) else {
                return 0.0;
            };
            match (&self.ticks, &self.estimate) {
                (Some(ticks), _) => ticks.changes_between(from, to) as f64,
                (None, Some((density, ..))) => density.changes_between(from, to),
                (None, None) => 0.0,
            }
        };
        (0..width).map(changes).collect()
    }

    /// The moment that a click on a cell means: the last tick in the cell, or where there is none the last one before.
    pub fn moment_at(&self, cell: u16, width: u16) -> Option<AsOf> {
        let (from, to) = self.cell_range(cell, width)?;
        let Some(ticks) = &self.ticks else {
            return Some(AsOf::At(EventTime::from_ms(from)));
        };
        let at = ticks.count_before(to).max(1) - 1;
        ticks.get(at).map(|t| AsOf::At(t.event_time))
    }

    /// The moment so many ticks from another; `newest` is what comes after the last tick. The ends are ends.
    pub fn step(&self, from: AsOf, ticks_away: i32, newest: AsOf) -> Option<AsOf> {
        let ticks = self.ticks.as_ref().filter(|t| !t.is_empty())?;
        let count = ticks.len() as i64;
        // Positions: 0 .. count - 1 are the ticks; where the newest state is current, it stands after them.
        let last = if newest == AsOf::Current {
            count
        } else {
            count - 1
        };
        let target = match from {
            AsOf::Current => count + i64::from(ticks_away),
            AsOf::At(at) if ticks_away > 0 => {
                ticks.count_until(at.ms()) as i64 + i64::from(ticks_away) - 1
            }
            AsOf::At(at) => ticks.count_before(at.ms()) as i64 + i64::from(ticks_away),
        };
        let target = target.clamp(0, last);
        Some(
            ticks
                .get(target as usize)
                .map_or(newest, |t| AsOf::At(t.event_time)),
        )
    }

    /// The position, from 1, of the last tick at or before a moment; 0 before the first.
    pub fn tick_number(&self, moment: AsOf) -> Option<usize> {
        Some(self.ticks.as_ref()?.count_until(moment.position_ms()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(times: &[i64]) -> TimelineView {
        let mut view = TimelineView::default();
        view.finish(Arc::new(Ticks::from_changes(times.to_vec())));
        view
    }

    fn at(ms: i64) -> AsOf {
        AsOf::At(EventTime::from_ms(ms))
    }

    #[test]
    fn stepping_walks_the_ticks_and_ends_at_the_newest_state() {
        let v = view(&[10, 20, 30]);
        assert_eq!(v.step(AsOf::Current, -1, AsOf::Current), Some(at(30)));
        assert_eq!(v.step(at(30), 1, AsOf::Current), Some(AsOf::Current));
        assert_eq!(v.step(at(25), -1, AsOf::Current), Some(at(20)));
        assert_eq!(v.step(at(25), 1, AsOf::Current), Some(at(30)));
        assert_eq!(v.step(at(5), -10, AsOf::Current), Some(at(10)));
        assert_eq!(v.step(at(10), 10, AsOf::Current), Some(AsOf::Current));
        assert_eq!(v.step(at(30), 1, at(40)), Some(at(30)));
        assert_eq!(view(&[]).step(AsOf::Current, -1, AsOf::Current), None);
    }

    #[test]
    fn cells_cover_the_range_without_gaps() {
        let v = view(&[0, 999]);
        assert_eq!(v.cell_range(0, 10), Some((0, 100)));
        assert_eq!(v.cell_range(9, 10), Some((900, 1000)));
        assert_eq!(
            [
                v.cell_of(at(0), 10),
                v.cell_of(at(999), 10),
                v.cell_of(AsOf::Current, 10)
            ],
            [Some(0), Some(9), Some(9)]
        );
        assert!((v.densities(10).iter().sum::<f64>() - 2.0).abs() < 1e-9);
        assert_eq!(v.moment_at(5, 10), Some(at(0)));
        assert_eq!(v.moment_at(9, 10), Some(at(999)));
    }

    #[test]
    fn zooming_keeps_the_playhead_in_place_and_can_be_undone() {
        let mut v = view(&[0, 100_000]);
        v.zoom(0.5, at(50_000));
        assert_eq!(v.shown_range(), Some((25_000, 75_000)));
        v.follow(at(99_000));
        assert!(
            v.shown_range()
                .is_some_and(|(from, to)| from <= 99_000 && 99_000 <= to)
        );
        v.zoom(8.0, at(99_000));
        assert!(!v.is_zoomed());
        assert!(v.undo() && v.undo() && !v.undo());
        assert!(!v.is_zoomed());
        for _ in 0..80 {
            v.zoom(0.5, at(50_000));
        }
        assert!(
            v.shown_range()
                .is_some_and(|(from, to)| to - from == SHORTEST_MS)
        );
    }
}
