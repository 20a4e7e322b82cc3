//! What a column of a snapshot holds.

use std::sync::Arc;

use arrow::array::Array;

use crate::cancel::CancelToken;
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Field, Kind, Scalar};
use crate::scan::{ColumnData, RowRef};
use crate::snapshot::Snapshot;

use super::distinct::Counter;
use super::histogram::{FloatBins, Histogram, TopValues, WholeBins};

/// Rows between two looks at the cancel token.
const ROWS_PER_CHECK: usize = 8_192;

/// Values that are listed with their counts.
const TOP_VALUES: usize = 20;

/// How many distinct values there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Distinct {
    /// Their number, null not among them.
    pub count: u64,
    /// True where it is an estimate, good to a few percent.
    pub is_estimate: bool,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnStatistics {
    /// The column.
    pub field: Field,
    /// What sort of values.
    pub kind: Kind,
    /// All rows.
    pub rows: u64,
    /// Rows without a value.
    pub nulls: u64,
    /// Rows whose number is NaN: no part of the least, the greatest, the mean or the histogram.
    pub nans: u64,
    /// Distinct values.
    pub distinct: Distinct,
    /// The least value, infinities included; null where there is none.
    pub min: Scalar,
    /// The greatest value.
    pub max: Scalar,
    /// The mean of numbers.
    pub mean: Option<f64>,
    /// How the values are spread; `None` where there are none to spread.
    pub histogram: Option<Histogram>,
}

/// Works out what columns hold, a column a part.
#[derive(Debug)]
pub struct StatisticsPlan {
    snapshot: Arc<Snapshot>,
    order: Option<Arc<[u32]>>,
    fields: Vec<Field>,
    bins: usize,
}

impl StatisticsPlan {
    /// Plans the statistics of some columns over the rows in `order` (positions in the snapshot; `None` is all), with
    /// histograms of at most `bins` bins. It is an error where the snapshot lacks a column.
    pub fn new(
        snapshot: Arc<Snapshot>,
        order: Option<Arc<[u32]>>,
        fields: Vec<Field>,
        bins: usize,
    ) -> Result<Self> {
        let is_missing =
            |f: &Field| matches!(f, Field::Value(at) if *at >= snapshot.columns().len());
        if fields.iter().any(is_missing) {
            return Err(Error::new(
                ErrorKind::ColumnNotFound,
                "the rows were read without a column whose statistics are asked for",
            ));
        }
        Ok(Self {
            snapshot,
            order,
            fields,
            bins: bins.clamp(1, 1_000),
        })
    }

    /// The number of parts, which is that of columns.
    pub fn parts(&self) -> usize {
        self.fields.len()
    }

    /// Works out one column.
    pub fn run(&self, part: usize, cancel: &CancelToken) -> Result<ColumnStatistics> {
        let field = self.fields[part];
        match field {
            Field::Key => self.texts(field, cancel),
            Field::EventTime => self.whole(field, Kind::Time, cancel),
            Field::Value(at) => match Kind::of(self.snapshot.columns()[at].data_type) {
                Kind::Float => self.floats(field, cancel),
                Kind::Bool => self.truths(field, cancel),
                kind @ (Kind::Int | Kind::Time) => self.whole(field, kind, cancel),
                Kind::Text | Kind::Null => self.texts(field, cancel),
            },
        }
    }

    /// Goes through the rows.
    fn each(&self, cancel: &CancelToken, mut see: impl FnMut(RowRef)) -> Result<()> {
        let rows = self.snapshot.row_refs();
        if let Some(order) = &self.order {
            for batch in order.chunks(ROWS_PER_CHECK) {
                cancel.check()?;
                batch.iter().for_each(|row| see(rows[*row as usize]));
            }
        } else {
            for batch in rows.chunks(ROWS_PER_CHECK) {
                cancel.check()?;
                batch.iter().for_each(|at| see(*at));
            }
        }
        Ok(())
    }

    fn rows(&self) -> u64 {
        self.order
            .as_ref()
            .map_or(self.snapshot.len(), |order| order.len()) as u64
    }

    fn whole_at(&self, field: Field, at: RowRef) -> Option<i64> {
        let (chunk, row) = (&self.snapshot.chunks()[at.chunk as usize], at.row as usize);
        match field {
            Field::Value(column) => match &chunk.columns[column] {
                ColumnData::Int(a) => a.is_valid(row).then(|| a.value(row)),
                ColumnData::Time(a) => a.is_valid(row).then(|| a.value(row)),
                _ => None,
            },
            Field::EventTime => Some(chunk.event_times[row]),
            Field::Key => None,
        }
    }

    fn float_at(&self, field: Field, at: RowRef) -> Option<f64> {
        let (chunk, row) = (&self.snapshot.chunks()[at.chunk as usize], at.row as usize);
        match field {
            Field::Value(column) => match &chunk.columns[column] {
                ColumnData::Float(a) => a.is_valid(row).then(|| a.value(row)),
                _ => None,
            },
            Field::Key | Field::EventTime => None,
        }
    }

    fn whole(&self, field: Field, kind: Kind, cancel: &CancelToken) -> Result<ColumnStatistics> {
        let (mut counter, mut nulls, mut sum) = (Counter::new(), 0, 0i128);
        let mut range: Option<(i64, i64)> = None;
        self.each(cancel, |at| match self.whole_at(field, at) {
            Some(value) => {
                counter.add(value);
                sum += i128::from(value);
                let (least, greatest) = range.unwrap_or((value, value));
                range = Some((least.min(value), greatest.max(value)));
            }
            None => nulls += 1,
        })?;
        let rows = self.rows();
        let histogram = match range {
            None => None,
            Some((least, greatest)) => {
                let mut bins = WholeBins::new(least, greatest, self.bins);
                self.each(cancel, |at| {
                    if let Some(value) = self.whole_at(field, at) {
                        bins.add(value);
                    }
                })?;
                let bins = bins.finish();
                Some(if kind == Kind::Time {
                    Histogram::Time(bins)
                } else {
                    Histogram::Int(bins)
                })
            }
        };
        let value = |value: i64| {
            if kind == Kind::Time {
                Scalar::Time(value)
            } else {
                Scalar::Int(value.into())
            }
        };
        let is_number = kind == Kind::Int && rows > nulls;
        Ok(ColumnStatistics {
            min: range.map_or(Scalar::Null, |r| value(r.0)),
            max: range.map_or(Scalar::Null, |r| value(r.1)),
            mean: is_number.then(|| sum as f64 / (rows - nulls) as f64),
            histogram,
            ..self.counted(field, kind, nulls, &counter)
        })
    }

    fn floats(&self, field: Field, cancel: &CancelToken) -> Result<ColumnStatistics> {
        let (mut counter, mut nulls, mut nans, mut sum) = (Counter::new(), 0, 0, 0.0);
        let mut range: Option<(f64, f64)> = None;
        let mut finite: Option<(f64, f64)> = None;
        let widen = |range: &mut Option<(f64, f64)>, value: f64| {
            let (least, greatest) = range.unwrap_or((value, value));
            *range = Some((least.min(value), greatest.max(value)));
        };
        self.each(cancel, |at| match self.float_at(field, at) {
            Some(value) => {
                // One pattern of bits for zero, and one for NaN.
                let value = if value.is_nan() {
                    f64::NAN
                } else {
                    value + 0.0
                };
                counter.add(value.to_bits());
                if value.is_nan() {
                    nans += 1;
                    return;
                }
                sum += value;
                widen(&mut range, value);
                if value.is_finite() {
                    widen(&mut finite, value);
                }
            }
            None => nulls += 1,
        })?;
        let histogram = match finite {
            None => None,
            Some((least, greatest)) => {
                let mut bins = FloatBins::new(least, greatest, self.bins);
                self.each(cancel, |at| {
                    if let Some(value) = self.float_at(field, at).filter(|v| v.is_finite()) {
                        bins.add(value + 0.0);
                    }
                })?;
                Some(Histogram::Float(bins.finish()))
            }
        };
        let numbers = self.rows() - nulls - nans;
        Ok(ColumnStatistics {
            nans,
            min: range.map_or(Scalar::Null, |r| Scalar::Float(r.0)),
            max: range.map_or(Scalar::Null, |r| Scalar::Float(r.1)),
            mean: (numbers > 0).then(|| sum / numbers as f64),
            histogram,
            ..self.counted(field, Kind::Float, nulls, &counter)
        })
    }

    fn truths(&self, field: Field, cancel: &CancelToken) -> Result<ColumnStatistics> {
        let (mut counter, mut nulls) = (Counter::new(), 0);
        self.each(cancel, |at| {
            let (chunk, row) = (&self.snapshot.chunks()[at.chunk as usize], at.row as usize);
            match field {
                Field::Value(column) => match &chunk.columns[column] {
                    ColumnData::Bool(a) if a.is_valid(row) => counter.add(a.value(row)),
                    _ => nulls += 1,
                },
                Field::Key | Field::EventTime => nulls += 1,
            }
        })?;
        let counted = self.counted(field, Kind::Bool, nulls, &counter);
        let counts = counter.into_counts();
        let value = |yes: Option<&bool>| yes.map_or(Scalar::Null, |yes| Scalar::Bool(*yes));
        let (min, max) = (value(counts.keys().min()), value(counts.keys().max()));
        let named = counts
            .into_iter()
            .map(|(yes, count)| (yes.to_string(), count));
        Ok(ColumnStatistics {
            min,
            max,
            histogram: top(named.collect(), self.rows() - nulls, false),
            ..counted
        })
    }

    fn texts(&self, field: Field, cancel: &CancelToken) -> Result<ColumnStatistics> {
        let (mut counter, mut nulls) = (Counter::new(), 0);
        let mut range: Option<(&str, &str)> = None;
        let chunks = self.snapshot.chunks();
        self.each(cancel, |at| {
            let (chunk, row) = (&chunks[at.chunk as usize], at.row as usize);
            let text = match field {
                Field::Value(column) => match &chunk.columns[column] {
                    ColumnData::Text(a) if a.is_valid(row) => Some(a.value(row)),
                    _ => None,
                },
                Field::Key | Field::EventTime => Some(chunk.keys.value(row)),
            };
            let Some(text) = text else {
                nulls += 1;
                return;
            };
            counter.add(text);
            let (least, greatest) = range.unwrap_or((text, text));
            range = Some((least.min(text), greatest.max(text)));
        })?;
        let counted = self.counted(field, Kind::Text, nulls, &counter);
        let is_partial = !counter.is_exact();
        let counts = counter.into_counts().into_iter().collect();
        Ok(ColumnStatistics {
            min: range.map_or(Scalar::Null, |r| Scalar::Text(r.0.into())),
            max: range.map_or(Scalar::Null, |r| Scalar::Text(r.1.into())),
            histogram: top(counts, self.rows() - nulls, is_partial),
            ..counted
        })
    }

    /// What is known of a column whose values have been counted.
    fn counted<T: std::hash::Hash + Eq>(
        &self,
        field: Field,
        kind: Kind,
        nulls: u64,
        counter: &Counter<T>,
    ) -> ColumnStatistics {
        ColumnStatistics {
            field,
            kind,
            rows: self.rows(),
            nulls,
            nans: 0,
            distinct: Distinct {
                count: counter.distinct(),
                is_estimate: !counter.is_exact(),
            },
            min: Scalar::Null,
            max: Scalar::Null,
            mean: None,
            histogram: None,
        }
    }
}

/// The most frequent of counted values.
fn top<T: Ord + AsRef<str>>(
    mut counts: Vec<(T, u64)>,
    values: u64,
    is_partial: bool,
) -> Option<Histogram> {
    if counts.is_empty() {
        return None;
    }
    let order = |a: &(T, u64), b: &(T, u64)| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0));
    if counts.len() > TOP_VALUES {
        counts.select_nth_unstable_by(TOP_VALUES, order);
        counts.truncate(TOP_VALUES);
    }
    counts.sort_unstable_by(order);
    let listed: u64 = counts.iter().map(|(_, count)| count).sum();
    Some(Histogram::Top(TopValues {
        values: counts
            .into_iter()
            .map(|(text, count)| (text.as_ref().to_owned(), count))
            .collect(),
        others: values - listed,
        is_partial,
    }))
}
