//! How the values of a column are spread.

/// A stretch of values and how many lie in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin<T> {
    /// The least value that belongs to it.
    pub from: T,
    /// The greatest value that belongs to it; of a [`Histogram::Float`], the first that does not, save in the last bin.
    pub to: T,
    /// How many values lie in it.
    pub count: u64,
}

/// The values that occur most often, most often first, equally frequent ones by text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TopValues {
    /// Values with their counts, which are exact.
    pub values: Vec<(String, u64)>,
    /// How many rows have another value.
    pub others: u64,
    /// True where there were more distinct values than are counted, so that a frequent one may be missing.
    pub is_partial: bool,
}

/// How the values of a column are spread.
#[derive(Debug, Clone, PartialEq)]
pub enum Histogram {
    /// Whole numbers, in bins of equal width, save that the last may be narrower.
    Int(Vec<Bin<i64>>),
    /// Times in milliseconds, likewise.
    Time(Vec<Bin<i64>>),
    /// Finite numbers, in bins of equal width.
    Float(Vec<Bin<f64>>),
    /// Text and truths.
    Top(TopValues),
}

/// Whole numbers from `least` to `greatest` in bins of equal width, at most `bins` of them.
#[derive(Debug)]
pub(super) struct WholeBins {
    least: i64,
    greatest: i64,
    width: i128,
    counts: Vec<u64>,
}

impl WholeBins {
    pub fn new(least: i64, greatest: i64, bins: usize) -> Self {
        let range = i128::from(greatest) - i128::from(least) + 1;
        let width = (range + bins.max(1) as i128 - 1) / bins.max(1) as i128;
        let used = (range + width - 1) / width;
        Self {
            least,
            greatest,
            width,
            counts: vec![0; used as usize],
        }
    }

    pub fn add(&mut self, value: i64) {
        let bin = (i128::from(value) - i128::from(self.least)) / self.width;
        self.counts[bin as usize] += 1;
    }

    pub fn finish(self) -> Vec<Bin<i64>> {
        let edge = |bin: usize| i128::from(self.least) + self.width * bin as i128;
        let bins = self.counts.iter().enumerate().map(|(i, count)| Bin {
            from: edge(i) as i64,
            to: (edge(i + 1) - 1).min(self.greatest.into()) as i64,
            count: *count,
        });
        bins.collect()
    }
}

/// Finite numbers from `least` to `greatest` in bins of equal width.
#[derive(Debug)]
pub(super) struct FloatBins {
    /// The edges, one more than there are bins, ascending.
    edges: Vec<f64>,
    counts: Vec<u64>,
}

impl FloatBins {
    pub fn new(least: f64, greatest: f64, bins: usize) -> Self {
        let bins = bins.max(1);
        // Shares of both ends, because the whole range of doubles is no double; rounding must not turn the order.
        let share = |i: usize| i as f64 / bins as f64;
        let edge = |i: usize| least * (1.0 - share(i)) + greatest * share(i);
        let mut edges = vec![least];
        for i in 1..bins {
            edges.push(edge(i).clamp(edges[i - 1], greatest));
        }
        edges.push(greatest);
        // Where there is no number between two edges, bins are fewer.
        edges.dedup();
        if edges.len() == 1 {
            edges.push(greatest);
        }
        Self {
            counts: vec![0; edges.len() - 1],
            edges,
        }
    }

    pub fn add(&mut self, value: f64) {
        let after = self.edges.partition_point(|edge| *edge <= value);
        let bin = after.saturating_sub(1).min(self.counts.len() - 1);
        self.counts[bin] += 1;
    }

    pub fn finish(self) -> Vec<Bin<f64>> {
        let bins = self.counts.iter().enumerate().map(|(i, count)| Bin {
            from: self.edges[i],
            to: self.edges[i + 1],
            count: *count,
        });
        bins.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_whole_number_lies_in_its_bin(values in prop::collection::vec(prop_oneof![any::<i64>(), -20i64..20], 1..40), bins in 1usize..12) {
            let (least, greatest) = (values.iter().min().copied(), values.iter().max().copied());
            let (least, greatest) = least.zip(greatest).expect("values");
            let mut made = WholeBins::new(least, greatest, bins);
            values.iter().for_each(|v| made.add(*v));
            let made = made.finish();
            prop_assert!(made.len() <= bins);
            prop_assert_eq!((made[0].from, made[made.len() - 1].to), (least, greatest));
            prop_assert!(made.windows(2).all(|pair| pair[0].to + 1 == pair[1].from));
            for bin in made {
                let within = values.iter().filter(|v| bin.from <= **v && **v <= bin.to).count();
                prop_assert_eq!(bin.count, within as u64);
            }
        }

        #[test]
        fn every_finite_number_lies_in_its_bin(values in prop::collection::vec(prop_oneof![any::<f64>(), -2.0f64..2.0], 1..40), bins in 1usize..12) {
            let values: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).chain([1.0]).collect();
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let mut made = FloatBins::new(least, greatest, bins);
            values.iter().for_each(|v| made.add(*v));
            let made = made.finish();
            let last = made.len() - 1;
            prop_assert_eq!(made.iter().map(|b| b.count).sum::<u64>(), values.len() as u64);
            for (i, bin) in made.iter().enumerate() {
                prop_assert!(bin.from <= bin.to);
                let within = values.iter().filter(|v| bin.from <= **v && (**v < bin.to || i == last)).count();
                prop_assert_eq!(bin.count, within as u64);
            }
        }
    }
}
