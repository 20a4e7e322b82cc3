//! The language of filters and of `:when`: text -> tokens -> syntax -> a typed expression -> truth, row by row or of a
//! table. Pure.
//!
//! | written | means |
//! |---|---|
//! | `revenue`, `` `net income` ``, `key`, `event_time` | a column; backquotes where its name is no plain word |
//! | `1_000`, `1.5e9`, `"text"`, `'text'`, `true`, `false`, `null` | a value; a quote within its own kind of quotes is doubled |
//! | `= == != <> < <= > >=` | compares numbers, texts (by bytes), times (with a text such as `"2019-11"`), truths |
//! | `~ !~` | the text has a match of a regular expression ([`Pattern`]) |
//! | `in (a, b)`, `not in (a, b)`, `is null`, `is not null` | as in SQL |
//! | `and or not`, `&& \|\| !` | as in SQL |
//! | `+ - * /` | arithmetic; `/` is never whole, and nothing where it divides by zero |
//! | `count() count(x) sum(x) mean(x) min(x) max(x)` | over the rows of a table, where the caller allows it |
//!
//! Nulls are SQL's: a comparison with one is neither true nor false, and a filter keeps only what is true. NaN equals
//! itself and is greater than every number, as rows are sorted.

mod ast;
mod check;
mod complete;
mod error;
mod lexer;
mod node;
mod parser;
mod pattern;
mod scalar;
mod to_sql;
mod vector;

pub use complete::{Candidate, CandidateKind, Completion, complete, written_name};
pub use error::ExprError;
pub use node::{Aggregate, AggregateFunction, Expression, Field, Kind};
pub use pattern::Pattern;
pub use scalar::{Scalar, compare_floats, compare_int_with_float};
pub use to_sql::{sql_name, sql_text};
pub use vector::{BoundExpression, Vector};
