//! The shape of an expression as it is written, before its names and types are known.

use std::ops::Range;

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    /// The comparison that a sign stands for.
    pub fn of_sign(sign: &str) -> Option<Self> {
        Some(match sign {
            "=" | "==" => Self::Equal,
            "!=" | "<>" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    /// True where the order of two values satisfies the comparison.
    pub fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// What is done to two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// An expression as written, and its bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ast {
    pub kind: AstKind,
    pub span: Range<usize>,
    /// How many levels lie beneath.
    pub depth: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AstKind {
    Column(String),
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    Null,
    Call(String, Range<usize>, Vec<Ast>),
    Not(Box<Ast>),
    Negate(Box<Ast>),
    And(Vec<Ast>),
    Or(Vec<Ast>),
    Compare(Comparison, Box<Ast>, Box<Ast>),
    /// With true, the text must not match.
    Match(Box<Ast>, Box<Ast>, bool),
    /// With true, the value must be none of the list.
    OneOf(Box<Ast>, Vec<Ast>, bool),
    /// With true, it must not be null.
    IsNull(Box<Ast>, bool),
    Arithmetic(Operation, Box<Ast>, Box<Ast>),
}

impl AstKind {
    /// The expressions right beneath.
    pub fn parts(&self) -> Vec<&Ast> {
        match self {
            Self::Column(_)
            | Self::Text(_)
            | Self::Int(_)
            | Self::Float(_)
            | Self::Bool(_)
            | Self::Null => Vec::new(),
            Self::Call(_, _, parts) | Self::And(parts) | Self::Or(parts) => parts.iter().collect(),
            Self::Not(part) | Self::Negate(part) | Self::IsNull(part, _) => vec![part],
            Self::Compare(_, a, b) | Self::Match(a, b, _) | Self::Arithmetic(_, a, b) => vec![a, b],
            Self::OneOf(value, list, _) => std::iter::once(&**value).chain(list).collect(),
        }
    }
}
