//! How densely a table changes, before every file has been read.

/// Changes over time, partly counted and partly estimated from footers.
#[derive(Debug, Clone, Default)]
pub struct Density {
    /// Files not read yet: their rows are taken to be spread evenly over the range that the footer gives.
    spread: Vec<Spread>,
    /// Moments (milliseconds) and changes of the files that were read; several entries may share a moment.
    counted: Vec<(i64, u32)>,
}

/// Rows spread evenly over a range of moments, milliseconds, both inclusive.
#[derive(Debug, Clone, Copy)]
struct Spread {
    file: usize,
    from: i64,
    to: i64,
    rows: f64,
}

impl Density {
    /// Adds a file that has not been read: its rows, and the first and last moments at which they become visible.
    pub(crate) fn estimate(&mut self, file: usize, rows: usize, from: i64, to: i64) {
        self.spread.push(Spread {
            file,
            from,
            to: to.max(from),
            rows: rows as f64,
        });
    }

    /// Replaces a file's estimate by what it holds. A file that was not estimated is passed over.
    pub(super) fn count(&mut self, file: usize, changes: &[(i64, u32)]) {
        let before = self.spread.len();
        self.spread.retain(|s| s.file != file);
        if self.spread.len() < before {
            self.counted.extend_from_slice(changes);
        }
    }

    /// The first and last moments (milliseconds).
    pub fn range(&self) -> Option<(i64, i64)> {
        let ends = self
            .spread
            .iter()
            .map(|s| (s.from, s.to))
            .chain(self.counted.iter().map(|c| (c.0, c.0)));
        ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// The number of changes within `from..to` (milliseconds, `to` exclusive).
    pub fn changes_between(&self, from: i64, to: i64) -> f64 {
        let spread = self.spread.iter().map(|s| {
            // One more than the distance: both ends are inclusive.
            let length = s.to as f64 - s.from as f64 + 1.0;
            let shared = (to as f64).min(s.to as f64 + 1.0) - (from as f64).max(s.from as f64);
            s.rows * (shared.max(0.0) / length)
        });
        let counted = self
            .counted
            .iter()
            .filter(|(at, _)| (from..to).contains(at))
            .map(|(_, n)| f64::from(*n));
        spread.sum::<f64>() + counted.sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_a_file_replaces_its_estimate() {
        let mut density = Density::default();
        density.estimate(0, 100, 0, 9);
        density.estimate(1, 10, 20, 20);
        assert_eq!(density.range(), Some((0, 20)));
        assert!((density.changes_between(0, 5) - 50.0).abs() < 1e-9);
        density.count(0, &[(3, 100)]);
        density.count(7, &[(3, 100)]);
        assert!((density.changes_between(0, 5) - 100.0).abs() < 1e-9);
        assert!((density.changes_between(5, 21) - 10.0).abs() < 1e-9);
    }
}
