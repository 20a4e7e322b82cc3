//! Expressions over many rows at once: a column of values for each part, worked out only for the rows that still need it.

use std::cmp::Ordering;

use arrow::array::{
    Array, BooleanArray, Float64Array, Int64Array, StringViewArray, TimestampMillisecondArray,
};

use crate::error::{Error, ErrorKind, Result};
use crate::format::Column;
use crate::scan::{Chunks, ColumnData, RowRef};

use super::ast::Comparison as C;
use super::node::{Aggregate, Expression, Field, Kind, Node, Op};
use super::scalar::{
    Scalar, both, compare_floats, compare_int_with_float, either, float_arithmetic, overflow,
    whole_arithmetic,
};

/// Values of one kind, one a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Vector<'a> {
    /// True, false or nothing.
    Bool(Vec<Option<bool>>),
    /// Whole numbers.
    Int(Vec<Option<i64>>),
    /// Numbers.
    Float(Vec<Option<f64>>),
    /// Texts, where they were decoded.
    Text(Vec<Option<&'a str>>),
    /// Moments, milliseconds.
    Time(Vec<Option<i64>>),
}

/// A column over all row groups of a snapshot.
enum Slot<'a> {
    Text(Vec<&'a StringViewArray>),
    Int(Vec<&'a Int64Array>),
    Float(Vec<&'a Float64Array>),
    Bool(Vec<&'a BooleanArray>),
    Time(Vec<&'a TimestampMillisecondArray>),
}

/// An expression with the columns that it reads from.
pub struct BoundExpression<'a> {
    expression: &'a Expression,
    chunks: &'a Chunks,
    /// One for each of the expression's columns.
    slots: Vec<Slot<'a>>,
}

impl std::fmt::Debug for BoundExpression<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("BoundExpression")
            .field(&self.expression.text())
            .finish()
    }
}

impl<'a> BoundExpression<'a> {
    /// Looks up the columns of an expression among `columns`, which are those of the row groups. It is an error where
    /// one is missing, or of another type.
    pub fn new(expression: &'a Expression, columns: &[Column], chunks: &'a Chunks) -> Result<Self> {
        let slot = |wanted: &Column| {
            let at = columns
                .iter()
                .position(|c| c.name == wanted.name && c.data_type == wanted.data_type)
                .ok_or_else(|| missing(wanted))?;
            let slot = match Kind::of(wanted.data_type) {
                Kind::Int => each(chunks, at, |c| {
                    if let ColumnData::Int(a) = c {
                        Some(a)
                    } else {
                        None
                    }
                })
                .map(Slot::Int),
                Kind::Float => each(chunks, at, |c| {
                    if let ColumnData::Float(a) = c {
                        Some(a)
                    } else {
                        None
                    }
                })
                .map(Slot::Float),
                Kind::Bool => each(chunks, at, |c| {
                    if let ColumnData::Bool(a) = c {
                        Some(a)
                    } else {
                        None
                    }
                })
                .map(Slot::Bool),
                Kind::Time => each(chunks, at, |c| {
                    if let ColumnData::Time(a) = c {
                        Some(a)
                    } else {
                        None
                    }
                })
                .map(Slot::Time),
                Kind::Text | Kind::Null => each(chunks, at, |c| {
                    if let ColumnData::Text(a) = c {
                        Some(a)
                    } else {
                        None
                    }
                })
                .map(Slot::Text),
            };
            slot.ok_or_else(|| missing(wanted))
        };
        Ok(Self {
            expression,
            chunks,
            slots: expression
                .columns()
                .iter()
                .map(slot)
                .collect::<Result<_>>()?,
        })
    }

    /// The values for some rows, in their order.
    pub fn values(&self, rows: &[RowRef]) -> Result<Vector<'a>> {
        self.evaluate(&self.expression.root, rows)
    }

    /// For a condition: which of some rows satisfy it.
    pub fn truths(&self, rows: &[RowRef]) -> Result<Vec<Option<bool>>> {
        self.truth(&self.expression.root, rows)
    }

    /// What an aggregate of the expression takes of some rows; `None` where it takes nothing but their number.
    pub(crate) fn argument(
        &self,
        aggregate: &'a Aggregate,
        rows: &[RowRef],
    ) -> Result<Option<Vector<'a>>> {
        let argument = aggregate.argument.as_ref();
        argument.map(|node| self.evaluate(node, rows)).transpose()
    }

    fn truth(&self, node: &'a Node, rows: &[RowRef]) -> Result<Vec<Option<bool>>> {
        Ok(match self.evaluate(node, rows)? {
            Vector::Bool(truths) => truths,
            _ => vec![None; rows.len()],
        })
    }

    fn evaluate(&self, node: &'a Node, rows: &[RowRef]) -> Result<Vector<'a>> {
        Ok(match &node.op {
            Op::Field(field) => self.field(*field, rows),
            Op::Literal(value) => literal(node.kind, value, rows.len()),
            // An expression of rows has none.
            Op::Aggregate(_) => Vector::Bool(vec![None; rows.len()]),
            Op::Not(inner) => {
                let mut truths = self.truth(inner, rows)?;
                truths.iter_mut().for_each(|t| *t = t.map(|yes| !yes));
                Vector::Bool(truths)
            }
            Op::And(parts) => Vector::Bool(self.joined(parts, false, rows)?),
            Op::Or(parts) => Vector::Bool(self.joined(parts, true, rows)?),
            Op::Compare(comparison, a, b) => {
                let (a, b) = (self.evaluate(a, rows)?, self.evaluate(b, rows)?);
                // One loop for each comparison, so that none is looked up in it.
                Vector::Bool(match comparison {
                    C::Equal => compared(&a, &b, Ordering::is_eq),
                    C::NotEqual => compared(&a, &b, Ordering::is_ne),
                    C::Less => compared(&a, &b, Ordering::is_lt),
                    C::LessOrEqual => compared(&a, &b, Ordering::is_le),
                    C::Greater => compared(&a, &b, Ordering::is_gt),
                    C::GreaterOrEqual => compared(&a, &b, Ordering::is_ge),
                })
            }
            Op::Match(text, pattern, negated) => Vector::Bool(match self.evaluate(text, rows)? {
                Vector::Text(texts) => texts
                    .into_iter()
                    .map(|text| Some(pattern.is_match(text?) != *negated))
                    .collect(),
                _ => vec![None; rows.len()],
            }),
            Op::OneOf(value, list, negated) => {
                let value = self.evaluate(value, rows)?;
                let mut found = vec![Some(false); rows.len()];
                for item in list {
                    let same = compared(&value, &self.evaluate(item, rows)?, Ordering::is_eq);
                    found
                        .iter_mut()
                        .zip(same)
                        .for_each(|(f, s)| *f = either(*f, s));
                }
                found
                    .iter_mut()
                    .for_each(|f| *f = f.map(|found| found != *negated));
                Vector::Bool(found)
            }
            Op::IsNull(value, negated) => {
                let nulls = self.evaluate(value, rows)?.nulls();
                Vector::Bool(
                    nulls
                        .into_iter()
                        .map(|null| Some(null != *negated))
                        .collect(),
                )
            }
            Op::Arithmetic(operation, a, b) => {
                let (a, b) = (self.evaluate(a, rows)?, self.evaluate(b, rows)?);
                match (a, b) {
                    (Vector::Int(a), Vector::Int(b)) if node.kind == Kind::Int => {
                        let pairs = a.into_iter().zip(b);
                        let values = pairs.map(|pair| match pair {
                            (Some(a), Some(b)) => whole_arithmetic(*operation, a, b)
                                .map(Some)
                                .ok_or_else(overflow),
                            _ => Ok(None),
                        });
                        Vector::Int(values.collect::<Result<_>>()?)
                    }
                    (a, b) => {
                        let pairs = a.into_floats().into_iter().zip(b.into_floats());
                        let values = pairs.map(|(a, b)| float_arithmetic(*operation, a?, b?));
                        Vector::Float(values.collect())
                    }
                }
            }
        })
    }

    /// `and` with `stop` false, `or` with `stop` true: a row that is settled is not looked at again.
    fn joined(&self, parts: &'a [Node], stop: bool, rows: &[RowRef]) -> Result<Vec<Option<bool>>> {
        let mut all = vec![Some(!stop); rows.len()];
        let mut open: Vec<u32> = Vec::new();
        let mut open_rows: Vec<RowRef> = Vec::new();
        for (i, part) in parts.iter().enumerate() {
            let join = if stop { either } else { both };
            if i == 0 {
                all = self.truth(part, rows)?;
            } else {
                let truths = self.truth(part, &open_rows)?;
                for (at, truth) in open.iter().zip(truths) {
                    let at = *at as usize;
                    all[at] = join(all[at], truth);
                }
            }
            open.clear();
            open.extend((0..rows.len() as u32).filter(|at| all[*at as usize] != Some(stop)));
            open_rows.clear();
            open_rows.extend(open.iter().map(|at| rows[*at as usize]));
        }
        Ok(all)
    }

    fn field(&self, field: Field, rows: &[RowRef]) -> Vector<'a> {
        let chunks = self.chunks;
        let place = |at: &RowRef| (at.chunk as usize, at.row as usize);
        match field {
            Field::Key => Vector::Text(
                rows.iter()
                    .map(place)
                    .map(|(chunk, row)| Some(chunks[chunk].keys.value(row)))
                    .collect(),
            ),
            Field::EventTime => Vector::Time(
                rows.iter()
                    .map(place)
                    .map(|(chunk, row)| Some(chunks[chunk].event_times[row]))
                    .collect(),
            ),
            Field::Value(at) => match &self.slots[at] {
                Slot::Text(arrays) => Vector::Text(
                    rows.iter()
                        .map(place)
                        .map(|(chunk, row)| {
                            let array = arrays[chunk];
                            array.is_valid(row).then(|| array.value(row))
                        })
                        .collect(),
                ),
                Slot::Bool(arrays) => Vector::Bool(
                    rows.iter()
                        .map(place)
                        .map(|(chunk, row)| {
                            let array = arrays[chunk];
                            array.is_valid(row).then(|| array.value(row))
                        })
                        .collect(),
                ),
                Slot::Int(arrays) => Vector::Int(
                    rows.iter()
                        .map(place)
                        .map(|(chunk, row)| {
                            let array = arrays[chunk];
                            array.is_valid(row).then(|| array.values()[row])
                        })
                        .collect(),
                ),
                Slot::Float(arrays) => Vector::Float(
                    rows.iter()
                        .map(place)
                        .map(|(chunk, row)| {
                            let array = arrays[chunk];
                            array.is_valid(row).then(|| array.values()[row])
                        })
                        .collect(),
                ),
                Slot::Time(arrays) => Vector::Time(
                    rows.iter()
                        .map(place)
                        .map(|(chunk, row)| {
                            let array = arrays[chunk];
                            array.is_valid(row).then(|| array.values()[row])
                        })
                        .collect(),
                ),
            },
        }
    }
}

fn each<'a, T>(
    chunks: &'a Chunks,
    at: usize,
    array: impl Fn(&'a ColumnData) -> Option<&'a T>,
) -> Option<Vec<&'a T>> {
    chunks.iter().map(|c| array(&c.columns[at])).collect()
}

fn missing(column: &Column) -> Error {
    Error::new(
        ErrorKind::ColumnNotFound,
        format!("the rows were read without column '{}'", column.name),
    )
    .hint("read it with the others")
}

fn literal(kind: Kind, value: &Scalar, rows: usize) -> Vector<'_> {
    match value {
        Scalar::Bool(yes) => Vector::Bool(vec![Some(*yes); rows]),
        Scalar::Int(number) => Vector::Int(vec![i64::try_from(*number).ok(); rows]),
        Scalar::Float(number) => Vector::Float(vec![Some(*number); rows]),
        Scalar::Text(text) => Vector::Text(vec![Some(&**text); rows]),
        Scalar::Time(ms) => Vector::Time(vec![Some(*ms); rows]),
        Scalar::Null => match kind {
            Kind::Text => Vector::Text(vec![None; rows]),
            _ => Vector::Bool(vec![None; rows]),
        },
    }
}

fn compared(a: &Vector<'_>, b: &Vector<'_>, holds: impl Fn(Ordering) -> bool) -> Vec<Option<bool>> {
    match (a, b) {
        (Vector::Bool(a), Vector::Bool(b)) => zipped(a, b, |a, b| holds(a.cmp(&b))),
        (Vector::Int(a), Vector::Int(b)) | (Vector::Time(a), Vector::Time(b)) => {
            zipped(a, b, |a, b| holds(a.cmp(&b)))
        }
        (Vector::Float(a), Vector::Float(b)) => zipped(a, b, |a, b| holds(compare_floats(a, b))),
        (Vector::Int(a), Vector::Float(b)) => {
            zipped(a, b, |a, b| holds(compare_int_with_float(a.into(), b)))
        }
        (Vector::Float(a), Vector::Int(b)) => zipped(a, b, |a, b| {
            holds(compare_int_with_float(b.into(), a).reverse())
        }),
        (Vector::Text(a), Vector::Text(b)) => zipped(a, b, |a, b| holds(a.cmp(b))),
        // A null as it is written, in a list.
        _ => vec![None; a.len()],
    }
}

#[inline]
fn zipped<A: Copy, B: Copy>(
    a: &[Option<A>],
    b: &[Option<B>],
    holds: impl Fn(A, B) -> bool,
) -> Vec<Option<bool>> {
    a.iter()
        .zip(b)
        .map(|(a, b)| Some(holds((*a)?, (*b)?)))
        .collect()
}

impl Vector<'_> {
    /// The number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::Bool(v) => v.len(),
            Self::Int(v) | Self::Time(v) => v.len(),
            Self::Float(v) => v.len(),
            Self::Text(v) => v.len(),
        }
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Which of the values are null.
    pub fn nulls(&self) -> Vec<bool> {
        match self {
            Self::Bool(v) => v.iter().map(Option::is_none).collect(),
            Self::Int(v) | Self::Time(v) => v.iter().map(Option::is_none).collect(),
            Self::Float(v) => v.iter().map(Option::is_none).collect(),
            Self::Text(v) => v.iter().map(Option::is_none).collect(),
        }
    }

    /// A value by its position.
    pub fn get(&self, at: usize) -> Scalar {
        let null = Scalar::Null;
        match self {
            Self::Bool(v) => v[at].map_or(null, Scalar::Bool),
            Self::Int(v) => v[at].map_or(null, |n| Scalar::Int(n.into())),
            Self::Time(v) => v[at].map_or(null, Scalar::Time),
            Self::Float(v) => v[at].map_or(null, Scalar::Float),
            Self::Text(v) => v[at].map_or(null, |text| Scalar::Text(text.into())),
        }
    }

    fn into_floats(self) -> Vec<Option<f64>> {
        match self {
            Self::Float(v) => v,
            Self::Int(v) => v.into_iter().map(|n| n.map(|n| n as f64)).collect(),
            other => vec![None; other.len()],
        }
    }
}
