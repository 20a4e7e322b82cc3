//! Stretches of event time in which a read considers the same segments.

use crate::event_time::{AsOf, EventTime};
use crate::format::{Manifest, PlannedFile, plan};

/// A stretch between two edges of segments. Within it a plan changes only by deltas that have not started yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// Its position among the table's epochs.
    pub id: usize,
    /// The first moment, milliseconds.
    pub from: i64,
    /// The last moment, milliseconds, inclusive.
    pub until: i64,
    /// The moment at which all that the epoch ever shows may be read: its last one, or current.
    pub last: AsOf,
}

/// The epochs of a table, ascending. Together they cover all of event time. *Current* lies in the last one, which keeps
/// the open segments and no other: an end is a time of the calendar, and the calendar ends before event time does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epochs {
    /// The first moment of every epoch but the first, ascending and distinct.
    edges: Vec<i64>,
}

impl Epochs {
    /// Finds the edges in a manifest.
    pub fn of(manifest: &Manifest) -> Self {
        let mut edges = Vec::new();
        for segment in &manifest.segments {
            if segment
                .kept_until
                .is_none_or(|until| segment.kept_from <= until)
            {
                edges.push(segment.kept_from.ms());
                edges.extend(
                    segment
                        .kept_until
                        .and_then(|until| until.ms().checked_add(1)),
                );
            }
        }
        edges.retain(|edge| *edge > i64::MIN);
        edges.sort_unstable();
        edges.dedup();
        Self { edges }
    }

    /// The number of epochs, those without a segment included.
    pub fn len(&self) -> usize {
        self.edges.len() + 1
    }

    /// Never: the time before the first segment is an epoch too.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The epoch of a moment.
    pub fn at(&self, as_of: AsOf) -> Epoch {
        match as_of {
            AsOf::At(at) => self.get(self.edges.partition_point(|edge| *edge <= at.ms())),
            AsOf::Current => self.get(self.len() - 1),
        }
    }

    /// An epoch by its position, which is cut to what there is.
    pub fn get(&self, id: usize) -> Epoch {
        let id = id.min(self.len() - 1);
        let before = id.checked_sub(1).and_then(|before| self.edges.get(before));
        let last = match self.edges.get(id) {
            Some(edge) => AsOf::At(EventTime::from_ms(edge - 1)),
            None => AsOf::Current,
        };
        Epoch {
            id,
            from: before.copied().unwrap_or(i64::MIN),
            until: self.edges.get(id).map_or(i64::MAX, |edge| edge - 1),
            last,
        }
    }
}

impl Epoch {
    /// Every file that a read in this epoch may consider, in order of precedence.
    pub fn files(&self, manifest: &Manifest) -> Vec<PlannedFile> {
        plan(manifest, self.last).files
    }

    /// A moment of this epoch in milliseconds; *current* comes after all others.
    pub fn ms(&self, as_of: AsOf) -> i64 {
        match as_of {
            AsOf::At(at) => at.ms(),
            AsOf::Current => self.until,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(segments: &str) -> Manifest {
        let json = format!(r#"{{"schema":{{"columns":[]}},"segments":[{segments}]}}"#);
        Manifest::parse(json.as_bytes()).expect("a manifest")
    }

    #[test]
    fn epochs_cover_all_time_and_keep_one_set_of_segments_each() {
        let table = manifest(
            r#"{"id":"a","start":"1970-01-01T00:00:00.010Z","end":"1970-01-01T00:00:00.019Z","file":"a"},
               {"id":"b","start":"1970-01-01T00:00:00.015Z","file":"b",
                "segments":[{"id":"c","start":"1970-01-01T00:00:00.000Z","end":"1970-01-01T00:00:00.012Z"}]}"#,
        );
        let epochs = Epochs::of(&table);
        assert_eq!(epochs.edges, [10, 15, 20]);
        for at in -3..30 {
            let as_of = AsOf::At(EventTime::from_ms(at));
            let epoch = epochs.at(as_of);
            assert!(epoch.from <= at && at <= epoch.until);
            assert_eq!(plan(&table, as_of).files, epoch.files(&table));
        }
        assert_eq!(epochs.at(AsOf::Current).from, 20);
        assert_eq!(epochs.get(99), epochs.at(AsOf::Current));
    }
}
