//! One aggregate, kept up as rows come and go.

use std::sync::Arc;

use crate::expr::{Aggregate, AggregateFunction, Kind, Scalar, Vector};

use super::exact_sum::ExactSum;
use super::extreme::Extreme;

/// One aggregate of the rows put in so far.
#[derive(Debug, Clone)]
pub(super) enum Tally {
    /// Rows.
    Rows(u64),
    /// Rows with a value, or for which a condition is true.
    Count(u64),
    /// Whole numbers: their sum, how many, and whether the mean is wanted.
    Whole(i128, u64, bool),
    /// Numbers, likewise.
    Float(Box<ExactSum>, u64, bool),
    /// Numbers, times and truths as numbers that order as they do, with their kind.
    Outermost(Extreme<i64>, Kind),
    /// Texts.
    OutermostText(Extreme<Arc<str>>),
}

impl Tally {
    /// The aggregate of no rows.
    pub fn new(aggregate: &Aggregate) -> Self {
        use AggregateFunction as F;
        let Some(kind) = aggregate.argument.as_ref().map(|a| a.kind) else {
            return Self::Rows(0);
        };
        let wants_mean = aggregate.function == F::Mean;
        let is_greatest = aggregate.function == F::Max;
        match (aggregate.function, kind) {
            (F::Count, _) => Self::Count(0),
            (F::Sum | F::Mean, Kind::Int) => Self::Whole(0, 0, wants_mean),
            (F::Sum | F::Mean, _) => Self::Float(Box::default(), 0, wants_mean),
            (F::Min | F::Max, Kind::Text) => Self::OutermostText(Extreme::new(is_greatest)),
            (F::Min | F::Max, kind) => Self::Outermost(Extreme::new(is_greatest), kind),
        }
    }

    /// Puts in so many rows with these values of the aggregate's argument, or takes them out.
    pub fn change(&mut self, rows: usize, values: Option<&Vector<'_>>, is_in: bool) {
        if let (Self::Rows(count), _) = (&mut *self, values) {
            shift(count, rows as u64, is_in);
            return;
        }
        let Some(values) = values else { return };
        match self {
            Self::Rows(_) => {}
            Self::Count(count) => shift(count, counted(values), is_in),
            Self::Whole(sum, count, _) => {
                if let Vector::Int(values) = values {
                    for value in values.iter().flatten() {
                        let value = i128::from(*value);
                        *sum += if is_in { value } else { -value };
                        shift(count, 1, is_in);
                    }
                }
            }
            Self::Float(sum, count, _) => {
                if let Vector::Float(values) = values {
                    for value in values.iter().flatten() {
                        if is_in {
                            sum.add(*value);
                        } else {
                            sum.remove(*value);
                        }
                        shift(count, 1, is_in);
                    }
                }
            }
            Self::Outermost(extreme, _) => {
                let mut change = |value: i64| {
                    if is_in {
                        extreme.add(&value, |v| *v);
                    } else {
                        extreme.remove(&value);
                    }
                };
                match values {
                    Vector::Int(v) | Vector::Time(v) => {
                        v.iter().flatten().copied().for_each(change);
                    }
                    Vector::Bool(v) => v.iter().flatten().for_each(|yes| change(i64::from(*yes))),
                    Vector::Float(v) => v.iter().flatten().for_each(|n| change(float_order(*n))),
                    Vector::Text(_) => {}
                }
            }
            Self::OutermostText(extreme) => {
                if let Vector::Text(texts) = values {
                    for text in texts.iter().copied().flatten() {
                        if is_in {
                            extreme.add(text, |text| text.into());
                        } else {
                            extreme.remove(text);
                        }
                    }
                }
            }
        }
    }

    /// The aggregate; `None` where the rows have to be gone through again to tell.
    pub fn value(&self) -> Option<Scalar> {
        Some(match self {
            Self::Rows(count) | Self::Count(count) => Scalar::Int((*count).into()),
            Self::Whole(_, 0, _) | Self::Float(_, 0, _) => Scalar::Null,
            Self::Whole(sum, count, true) => Scalar::Float(*sum as f64 / *count as f64),
            Self::Whole(sum, _, false) => Scalar::Int(*sum),
            Self::Float(sum, count, true) => Scalar::Float(sum.value() / *count as f64),
            Self::Float(sum, _, false) => Scalar::Float(sum.value()),
            Self::Outermost(extreme, kind) => match (extreme.outermost().ok()?, kind) {
                (None, _) => Scalar::Null,
                (Some(value), Kind::Int) => Scalar::Int((*value).into()),
                (Some(value), Kind::Bool) => Scalar::Bool(*value != 0),
                (Some(value), Kind::Float) => Scalar::Float(float_of_order(*value)),
                (Some(value), _) => Scalar::Time(*value),
            },
            Self::OutermostText(extreme) => match extreme.outermost().ok()? {
                None => Scalar::Null,
                Some(text) => Scalar::Text(Arc::clone(text)),
            },
        })
    }
}

fn shift(count: &mut u64, by: u64, is_in: bool) {
    *count = if is_in {
        *count + by
    } else {
        count.saturating_sub(by)
    };
}

fn counted(values: &Vector<'_>) -> u64 {
    let counted = match values {
        Vector::Bool(truths) => truths.iter().filter(|t| **t == Some(true)).count(),
        values => values.nulls().iter().filter(|null| !**null).count(),
    };
    counted as u64
}

/// A double as a number that orders as it does: one zero, one NaN, which comes last.
fn float_order(number: f64) -> i64 {
    let number = if number.is_nan() {
        f64::NAN.abs()
    } else {
        number + 0.0
    };
    let bits = number.to_bits() as i64;
    bits ^ (bits >> 63 & i64::MAX)
}

fn float_of_order(order: i64) -> f64 {
    f64::from_bits((order ^ (order >> 63 & i64::MAX)) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::compare_floats;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn doubles_order_as_the_numbers_that_stand_for_them(a: f64, b: f64) {
            prop_assert_eq!(float_order(a).cmp(&float_order(b)), compare_floats(a, b));
            prop_assert_eq!(compare_floats(float_of_order(float_order(a)), a), std::cmp::Ordering::Equal);
        }
    }
}
