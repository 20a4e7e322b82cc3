//! SQL over a lake at any event time, by DataFusion.
//!
//! A statement sees each table as of the session's moment, or as of its own `AT ('2019-01-17')`,
//! `AT (TIMESTAMP => …)` or `FOR SYSTEM_TIME AS OF …`; `AT (VERSION => 3)` reads an earlier version. DataFusion's planner drops such a clause and would answer with
//! something else; so every table of a statement is planned here first ([`AsOfPlanner`]), and a clause that cannot be
//! honoured is an error.
//!
//! Below the newest-row reduction goes the projection and what a statement wants of `key`; nothing else may.

mod catalog;
mod checked;
mod clause;
mod context;
mod dialect;
mod fault;
mod functions;
mod highlight;
mod misplaced;
mod moment;
mod plan_check;
mod planner;
mod predicate;
mod provider;
mod result;
mod scan;
mod spill;
mod statement;
mod warm;
mod wording;
mod yielding;

pub use context::{ExecutionContext, QueryStream};
pub use dialect::AsOfDialect;
pub use highlight::{Piece, is_keyword, pieces};
pub use planner::AsOfPlanner;
pub use provider::AsOfTable;
pub use result::{ResultCells, ResultRows, key_in_words};
pub use statement::split_statements;
