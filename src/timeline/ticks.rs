//! The ticks of a table: FORMAT.md 4.

use crate::event_time::EventTime;

/// A moment at which a table changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// The moment.
    pub event_time: EventTime,
    /// How many (key, event time) pairs become visible at it.
    pub changes: u32,
}

/// The moments at which a table changes, ascending and distinct, with the number of changes at each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ticks {
    times: Vec<i64>,
    /// `sums[i]` is the number of changes at the first `i` ticks; one longer than `times`.
    sums: Vec<u64>,
}

impl Ticks {
    /// Makes ticks of moments (milliseconds), one for each change, in any order.
    pub fn from_changes(mut visible_from: Vec<i64>) -> Self {
        visible_from.sort_unstable();
        let mut ticks = Self {
            times: Vec::new(),
            sums: vec![0],
        };
        for (i, time) in visible_from.iter().enumerate() {
            if ticks.times.last() != Some(time) {
                ticks.times.push(*time);
                ticks.sums.push(0);
            }
            if let Some(sum) = ticks.sums.last_mut() {
                *sum = i as u64 + 1;
            }
        }
        ticks
    }

    /// The number of ticks.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// True where the table never changes, for it holds no row.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// A tick by its position, oldest first.
    pub fn get(&self, index: usize) -> Option<Tick> {
        let event_time = EventTime::from_ms(*self.times.get(index)?);
        Some(Tick {
            event_time,
            changes: (self.sums[index + 1] - self.sums[index]) as u32,
        })
    }

    /// All ticks, oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Tick> {
        (0..self.len()).map(|i| Tick {
            event_time: EventTime::from_ms(self.times[i]),
            changes: (self.sums[i + 1] - self.sums[i]) as u32,
        })
    }

    /// The first and the last tick's moments.
    pub fn range(&self) -> Option<(EventTime, EventTime)> {
        Some((
            EventTime::from_ms(*self.times.first()?),
            EventTime::from_ms(*self.times.last()?),
        ))
    }

    /// How many ticks lie at or before a moment (milliseconds): the position of the first one after it.
    pub fn count_until(&self, ms: i64) -> usize {
        self.times.partition_point(|t| *t <= ms)
    }

    /// How many ticks lie before a moment (milliseconds): the position of the first one at or after it.
    pub fn count_before(&self, ms: i64) -> usize {
        self.times.partition_point(|t| *t < ms)
    }

    /// The number of changes at ticks within `from..to` (milliseconds, `to` exclusive).
    pub fn changes_between(&self, from: i64, to: i64) -> u64 {
        let (from, to) = (self.count_before(from), self.count_before(to));
        if from < to {
            self.sums[to] - self.sums[from]
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_counted_by_moment() {
        let ticks = Ticks::from_changes(vec![5, 1, 5, 9, 5]);
        let pairs: Vec<(i64, u32)> = ticks
            .iter()
            .map(|t| (t.event_time.ms(), t.changes))
            .collect();
        assert_eq!(pairs, [(1, 1), (5, 3), (9, 1)]);
        assert_eq!(
            [
                ticks.count_until(0),
                ticks.count_until(5),
                ticks.count_until(99)
            ],
            [0, 2, 3]
        );
        assert_eq!(
            [
                ticks.count_before(1),
                ticks.count_before(5),
                ticks.count_before(6)
            ],
            [0, 1, 2]
        );
        assert_eq!(
            [
                ticks.changes_between(1, 5),
                ticks.changes_between(1, 6),
                ticks.changes_between(6, 6)
            ],
            [1, 4, 0]
        );
        assert_eq!(ticks.get(3), None);
        assert!(Ticks::from_changes(Vec::new()).is_empty());
    }
}
