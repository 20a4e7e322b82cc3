//! One value at a time: what the language says of values, kept simple. The way over whole columns (`vector.rs`) is held
//! against this one; tables and single rows are judged by it.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::scan::Value;

use super::ast::Operation;
use super::node::{Field, Kind, Node, Op};

/// A value of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// Nothing.
    Null,
    /// A truth.
    Bool(bool),
    /// A whole number; a sum over a table may be beyond 64 bits.
    Int(i128),
    /// A number of 64-bit floating point.
    Float(f64),
    /// UTF-8 text.
    Text(Arc<str>),
    /// A moment, milliseconds since 1970.
    Time(i64),
}

impl From<Value<'_>> for Scalar {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Text(text) => Self::Text(text.into()),
            Value::Int(number) => Self::Int(number.into()),
            Value::Float(number) => Self::Float(number),
            Value::Bool(yes) => Self::Bool(yes),
            Value::Time(at) => Self::Time(at.ms()),
        }
    }
}

impl Scalar {
    /// The value as a number for a chart; a time counts milliseconds, a truth is 0 or 1, and text is nothing.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Time(ms) => Some(*ms as f64),
            Self::Bool(yes) => Some(f64::from(u8::from(*yes))),
            Self::Null | Self::Text(_) => None,
        }
    }

    /// The order of two values of one family; `None` where one is null, or they are of different families.
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        Some(match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => compare_floats(*a, *b),
            (Self::Int(a), Self::Float(b)) => compare_int_with_float(*a, *b),
            (Self::Float(a), Self::Int(b)) => compare_int_with_float(*b, *a).reverse(),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Time(a), Self::Time(b)) => a.cmp(b),
            _ => return None,
        })
    }

    fn truth(&self) -> Option<bool> {
        match self {
            Self::Bool(yes) => Some(*yes),
            _ => None,
        }
    }
}

/// The order of floating-point numbers: NaN equals itself and comes last, zero equals negative zero.
#[inline]
pub fn compare_floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b)
        .unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// The order of a whole number and a floating-point one, without rounding.
#[inline]
pub fn compare_int_with_float(a: i128, b: f64) -> Ordering {
    // Rounding keeps the order, so only what rounds to the same number needs a closer look.
    match (a as f64).partial_cmp(&b) {
        None => Ordering::Less,
        Some(Ordering::Equal) if b.abs() < 1.7e38 => a.cmp(&(b as i128)),
        Some(order) => order,
    }
}

/// What an expression asks of where it is used.
pub(crate) enum Leaf {
    /// A column of the row.
    Field(Field),
    /// An aggregate of the table, by its position in the expression.
    Aggregate(usize),
}

/// Works out an expression.
pub(crate) fn evaluate(node: &Node, leaf: &dyn Fn(Leaf) -> Scalar) -> Result<Scalar> {
    let truth = |yes: Option<bool>| yes.map_or(Scalar::Null, Scalar::Bool);
    Ok(match &node.op {
        Op::Field(field) => leaf(Leaf::Field(*field)),
        Op::Aggregate(at) => leaf(Leaf::Aggregate(*at)),
        Op::Literal(value) => value.clone(),
        Op::Not(inner) => truth(evaluate(inner, leaf)?.truth().map(|yes| !yes)),
        Op::And(parts) => truth(joined(parts, false, leaf)?),
        Op::Or(parts) => truth(joined(parts, true, leaf)?),
        Op::Compare(comparison, a, b) => {
            let order = evaluate(a, leaf)?.order(&evaluate(b, leaf)?);
            truth(order.map(|order| comparison.holds(order)))
        }
        Op::Match(text, pattern, negated) => match evaluate(text, leaf)? {
            Scalar::Text(text) => Scalar::Bool(pattern.is_match(&text) != *negated),
            _ => Scalar::Null,
        },
        Op::OneOf(value, list, negated) => {
            let value = evaluate(value, leaf)?;
            let mut found = Some(false);
            for item in list {
                let is_it = value.order(&evaluate(item, leaf)?).map(Ordering::is_eq);
                found = either(found, is_it);
            }
            truth(found.map(|found| found != *negated))
        }
        Op::IsNull(value, negated) => {
            Scalar::Bool((evaluate(value, leaf)? == Scalar::Null) != *negated)
        }
        Op::Arithmetic(operation, a, b) => {
            let (a, b) = (evaluate(a, leaf)?, evaluate(b, leaf)?);
            match (a, b) {
                (Scalar::Null, _) | (_, Scalar::Null) => Scalar::Null,
                (Scalar::Int(a), Scalar::Int(b)) if node.kind == Kind::Int => {
                    let fits = |n: &i128| node.is_wide || i64::try_from(*n).is_ok();
                    let result = match operation {
                        Operation::Add => a.checked_add(b),
                        Operation::Subtract => a.checked_sub(b),
                        Operation::Multiply => a.checked_mul(b),
                        Operation::Divide => None,
                    };
                    Scalar::Int(result.filter(fits).ok_or_else(overflow)?)
                }
                (a, b) => match (a.as_f64(), b.as_f64()) {
                    (Some(a), Some(b)) => {
                        float_arithmetic(*operation, a, b).map_or(Scalar::Null, Scalar::Float)
                    }
                    _ => Scalar::Null,
                },
            }
        }
    })
}

/// `and` with `stop` false, `or` with `stop` true: parts after one that settles it are not worked out.
fn joined(parts: &[Node], stop: bool, leaf: &dyn Fn(Leaf) -> Scalar) -> Result<Option<bool>> {
    let mut all = Some(!stop);
    for part in parts {
        let truth = evaluate(part, leaf)?.truth();
        all = if stop {
            either(all, truth)
        } else {
            both(all, truth)
        };
        if all == Some(stop) {
            break;
        }
    }
    Ok(all)
}

/// SQL's `and`.
#[inline]
pub(super) fn both(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// SQL's `or`.
#[inline]
pub(super) fn either(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

/// Arithmetic in floating point; what divides by zero is nothing.
#[inline]
pub(super) fn float_arithmetic(operation: Operation, a: f64, b: f64) -> Option<f64> {
    match operation {
        Operation::Add => Some(a + b),
        Operation::Subtract => Some(a - b),
        Operation::Multiply => Some(a * b),
        Operation::Divide => (b != 0.0).then(|| a / b),
    }
}

/// Whole-number arithmetic of one row; `None` where it does not fit 64 bits.
#[inline]
pub(super) fn whole_arithmetic(operation: Operation, a: i64, b: i64) -> Option<i64> {
    match operation {
        Operation::Add => a.checked_add(b),
        Operation::Subtract => a.checked_sub(b),
        Operation::Multiply => a.checked_mul(b),
        Operation::Divide => None,
    }
}

/// The error of a whole number that does not fit.
pub(super) fn overflow() -> Error {
    Error::new(
        ErrorKind::Usage,
        "a whole number grows beyond what it can hold in the arithmetic of this condition",
    )
    .hint("write one of its numbers with a point, as in 1.0 * price * quantity")
}
