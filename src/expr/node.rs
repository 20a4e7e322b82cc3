//! An expression whose names and types are known.

use crate::error::Result;
use crate::format::{Column, DataType, Projection};
use crate::history::History;
use crate::scan::Value;

use super::ast::{Comparison, Operation};
use super::pattern::Pattern;
use super::scalar::{Leaf, Scalar, evaluate};

/// What sort of value an expression has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// Text.
    Text,
    /// A moment.
    Time,
    /// Nothing: `null` as it is written.
    Null,
}

impl Kind {
    /// What a column of a type holds.
    pub fn of(data_type: DataType) -> Self {
        match data_type {
            DataType::String => Self::Text,
            DataType::Int => Self::Int,
            DataType::Float => Self::Float,
            DataType::Boolean => Self::Bool,
            DataType::DateTime => Self::Time,
        }
    }

    /// True for numbers, whole or not.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Float)
    }

    /// The kind in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Int => "a whole number",
            Self::Float => "a number",
            Self::Text => "text",
            Self::Time => "a time",
            Self::Null => "null",
        }
    }
}

/// A column of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// The key.
    Key,
    /// The event time.
    EventTime,
    /// A value column, by its position in the list that the context speaks of.
    Value(usize),
}

/// A part of an expression.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub kind: Kind,
    pub op: Op,
    /// True where it is about a table: whole numbers may then be beyond 64 bits.
    pub is_wide: bool,
}

/// What a part does.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// A value column by its position in [`Expression::columns`].
    Field(Field),
    Literal(Scalar),
    Not(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Compare(Comparison, Box<Node>, Box<Node>),
    Match(Box<Node>, Pattern, bool),
    OneOf(Box<Node>, Vec<Node>, bool),
    IsNull(Box<Node>, bool),
    Arithmetic(Operation, Box<Node>, Box<Node>),
    /// By its position in [`Expression::aggregates`].
    Aggregate(usize),
}

/// What an aggregate does with the values of all rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AggregateFunction {
    /// `count()` is the number of rows; of a condition, how often it is true; of a value, how often it is not null.
    Count,
    /// The sum of what is not null; null where nothing is.
    Sum,
    /// The sum over the count.
    Mean,
    /// The least.
    Min,
    /// The greatest.
    Max,
}

impl AggregateFunction {
    /// All of them, as the language lists them.
    pub const ALL: [Self; 5] = [Self::Count, Self::Sum, Self::Mean, Self::Min, Self::Max];

    /// The name in the language.
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Mean => "mean",
            Self::Min => "min",
            Self::Max => "max",
        }
    }
}

/// An aggregate of an expression.
#[derive(Debug, Clone)]
pub struct Aggregate {
    pub(crate) function: AggregateFunction,
    /// What is worked out for each row; `None` where rows are counted.
    pub(crate) argument: Option<Node>,
    /// The kind of its value.
    pub(crate) kind: Kind,
}

impl Aggregate {
    /// What it does with the values.
    pub fn function(&self) -> AggregateFunction {
        self.function
    }

    /// The kind of its value.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

/// An expression that has been checked against the columns of a table.
///
/// Guarantees: its types fit, so that working it out fails only where a whole number grows too large; it is at most a
/// hundred levels deep; with aggregates it names no column outside them.
#[derive(Debug, Clone)]
pub struct Expression {
    pub(super) text: String,
    pub(crate) root: Node,
    pub(super) columns: Vec<Column>,
    pub(crate) aggregates: Vec<Aggregate>,
}

impl Expression {
    /// The text that it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The kind of its value.
    pub fn kind(&self) -> Kind {
        self.root.kind
    }

    /// The value columns that it reads, each once: what a snapshot that it is used on must hold.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The same columns, as a read asks for them.
    pub fn projection(&self) -> Projection {
        Projection::Columns(self.columns.iter().map(|c| c.name.clone()).collect())
    }

    /// Its aggregates, in the order written.
    pub fn aggregates(&self) -> &[Aggregate] {
        &self.aggregates
    }

    /// True where it is about the table, and not about a row.
    pub fn is_of_table(&self) -> bool {
        !self.aggregates.is_empty()
    }

    /// The value for a row: `value` answers for a column, of which a value column is one of
    /// [`Expression::columns`]. One value at a time; for many rows there is [`BoundExpression`](super::BoundExpression).
    pub fn of_row<'a>(&self, value: impl Fn(Field) -> Value<'a>) -> Result<Scalar> {
        evaluate(&self.root, &|leaf| match leaf {
            Leaf::Field(field) => value(field).into(),
            Leaf::Aggregate(_) => Scalar::Null,
        })
    }

    /// The value for a table, whose aggregates are given in the order of [`Expression::aggregates`].
    pub fn of_table(&self, aggregates: &[Scalar]) -> Result<Scalar> {
        evaluate(&self.root, &|leaf| match leaf {
            Leaf::Aggregate(at) => aggregates.get(at).cloned().unwrap_or(Scalar::Null),
            Leaf::Field(_) => Scalar::Null,
        })
    }

    /// The value for a version of a key; `positions` are those of [`Expression::columns`] in the history's.
    pub(crate) fn of_version(
        &self,
        history: &History,
        version: usize,
        positions: &[usize],
    ) -> Result<Scalar> {
        self.of_row(|field| match field {
            Field::Key => Value::Text(history.key()),
            Field::EventTime => Value::Time(history.event_time(version)),
            Field::Value(at) => history.value(version, positions[at]),
        })
    }
}
