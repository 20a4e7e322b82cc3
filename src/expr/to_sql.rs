//! A filter in the words of SQL, for a statement that shows what the screen shows.

use std::fmt::Write;

use crate::event_time::EventTime;
use crate::format::{EVENT_TIME, KEY};

use super::ast::{Comparison, Operation};
use super::node::{Expression, Field, Kind, Node, Op};
use super::scalar::Scalar;

/// The moments (in milliseconds) that 64 bits of nanoseconds can say.
const NANOSECONDS: std::ops::RangeInclusive<i64> = i64::MIN / 1_000_000..=i64::MAX / 1_000_000;

impl Expression {
    /// The expression in SQL, true for the same rows.
    ///
    /// Three things are not alike: whole numbers that grow beyond 64 bits are an error here and wrap there; those beyond
    /// 53 bits are compared with floating-point ones exactly here, and rounded there; and a NaN that is stored with its
    /// sign set is the greatest number here and the least there.
    pub fn to_sql(&self) -> String {
        let mut sql = String::new();
        self.write(&self.root, &mut sql);
        sql
    }

    fn write(&self, node: &Node, sql: &mut String) {
        match &node.op {
            Op::Field(Field::Key) => sql.push_str(KEY),
            Op::Field(Field::EventTime) => sql.push_str(EVENT_TIME),
            Op::Field(Field::Value(at)) => {
                sql.push_str(&sql_name(self.columns.get(*at).map_or("", |c| &c.name)));
            }
            Op::Literal(value) => sql.push_str(&literal(value)),
            // Filters have none.
            Op::Aggregate(_) => sql.push_str("NULL"),
            Op::Not(part) => {
                sql.push_str("NOT ");
                self.grouped(part, sql);
            }
            Op::And(parts) => self.joined(parts, " AND ", sql),
            Op::Or(parts) => self.joined(parts, " OR ", sql),
            Op::Compare(comparison, a, b) => {
                self.compared(a, b.kind, sql);
                let sign = match comparison {
                    Comparison::Equal => " = ",
                    Comparison::NotEqual => " <> ",
                    Comparison::Less => " < ",
                    Comparison::LessOrEqual => " <= ",
                    Comparison::Greater => " > ",
                    Comparison::GreaterOrEqual => " >= ",
                };
                sql.push_str(sign);
                self.compared(b, a.kind, sql);
            }
            Op::Match(text, pattern, negated) => {
                self.grouped(text, sql);
                let not = if *negated { "!" } else { "" };
                let any_case = if pattern.ignores_case() { "*" } else { "" };
                let _ = write!(sql, " {not}~{any_case} {}", sql_text(pattern.as_str()));
            }
            Op::OneOf(value, list, negated) => {
                let other = list.iter().map(|item| item.kind).find(|k| k.is_number());
                self.compared(value, other.unwrap_or(value.kind), sql);
                sql.push_str(if *negated { " NOT IN (" } else { " IN (" });
                for (at, item) in list.iter().enumerate() {
                    if at > 0 {
                        sql.push_str(", ");
                    }
                    self.compared(item, value.kind, sql);
                }
                sql.push(')');
            }
            Op::IsNull(value, negated) => {
                self.grouped(value, sql);
                sql.push_str(if *negated { " IS NOT NULL" } else { " IS NULL" });
            }
            Op::Arithmetic(operation, a, b) => {
                let is_quotient = *operation == Operation::Divide;
                if is_quotient {
                    sql.push_str("CAST(");
                }
                self.grouped(a, sql);
                sql.push_str(match operation {
                    Operation::Add => " + ",
                    Operation::Subtract => " - ",
                    Operation::Multiply => " * ",
                    // Never whole, and nothing where it divides by zero.
                    Operation::Divide => " AS DOUBLE) / nullif(",
                });
                if is_quotient {
                    self.compared(b, b.kind, sql);
                    sql.push_str(", 0)");
                } else {
                    self.grouped(b, sql);
                }
            }
        }
    }

    fn joined(&self, parts: &[Node], word: &str, sql: &mut String) {
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                sql.push_str(word);
            }
            self.grouped(part, sql);
        }
    }

    /// A side of a comparison with a value of some kind.
    fn compared(&self, node: &Node, other: Kind, sql: &mut String) {
        match (&node.op, node.kind, other) {
            // Whole numbers are compared as such, where 64 bits of floating point would round them.
            (Op::Literal(Scalar::Float(number)), _, Kind::Int)
                if number.fract() == 0.0 && number.abs() < 9.2e18 =>
            {
                let _ = write!(sql, "{number:.0}");
            }
            // What comes of dividing infinities is a NaN with its sign set, which SQL orders before all numbers.
            (Op::Arithmetic(..), Kind::Float, _) => {
                sql.push_str("nanvl(");
                self.write(node, sql);
                sql.push_str(" + 0.0, CAST('NaN' AS DOUBLE))");
            }
            // SQL's order has a negative zero below zero.
            (op, Kind::Float, _) if !matches!(op, Op::Literal(_)) => {
                self.grouped(node, sql);
                sql.push_str(" + 0.0");
            }
            _ => self.grouped(node, sql),
        }
    }

    /// A part, in parentheses unless it is a single word.
    fn grouped(&self, node: &Node, sql: &mut String) {
        if matches!(node.op, Op::Field(_) | Op::Literal(_)) {
            return self.write(node, sql);
        }
        sql.push('(');
        self.write(node, sql);
        sql.push(')');
    }
}

fn literal(value: &Scalar) -> String {
    match value {
        Scalar::Null => "NULL".to_owned(),
        Scalar::Bool(yes) => yes.to_string(),
        Scalar::Int(number) => number.to_string(),
        Scalar::Float(number) if number.is_finite() => format!("{:e}", number + 0.0),
        Scalar::Float(number) => format!("CAST('{number}' AS DOUBLE)"),
        Scalar::Text(text) => sql_text(text),
        // SQL reads a text as nanoseconds, which do not reach farther than this.
        Scalar::Time(ms) if NANOSECONDS.contains(ms) => {
            sql_text(&EventTime::from_ms(*ms).to_string())
        }
        Scalar::Time(ms) => format!("arrow_cast({ms}, 'Timestamp(Millisecond, Some(\"UTC\"))')"),
    }
}

/// A name as SQL has it, in quotes.
pub fn sql_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL has it.
pub fn sql_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
