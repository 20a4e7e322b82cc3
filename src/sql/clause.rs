//! The clause behind a table's name: the moment, the version, or both.
//!
//! - `AT ('2019-01-17')`, `AT (TIMESTAMP => '2019-01-17')`, `FOR SYSTEM_TIME AS OF …`, `TIMESTAMP AS OF …`: a moment;
//! - `AT (VERSION => 3)`, `VERSION AS OF 3`: a version, read as of the session's moment;
//! - `AT (TIMESTAMP => '2019-01-17', VERSION => 3)`: that moment, as version 3 told of it.

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, ObjectName, Spanned,
    TableFactor, TableVersion, Value,
};

use crate::error::{Error, ErrorKind, Result};
use crate::format::Version;

/// What a clause says. At least one of the two is there.
#[derive(Debug, Clone)]
pub(super) struct Clause {
    /// The moment, not yet worked out.
    pub moment: Option<Expr>,
    /// The version.
    pub version: Option<Version>,
}

impl Clause {
    /// Takes a clause apart; one that names neither a moment nor a version is an error.
    pub(super) fn of(clause: &TableVersion) -> Result<Self> {
        let moment = |expr: &Expr| Self {
            moment: Some(expr.clone()),
            version: None,
        };
        match clause {
            TableVersion::ForSystemTimeAsOf(expr) | TableVersion::TimestampAsOf(expr) => {
                Ok(moment(expr))
            }
            TableVersion::VersionAsOf(expr) => Ok(Self {
                moment: None,
                version: Some(version_of(expr)?),
            }),
            TableVersion::Function(Expr::Function(call)) if is_called(&call.name, "at") => {
                Self::of_call(call)
            }
            TableVersion::Function(other) => Err(not_understood(clause, other)),
            TableVersion::Changes { changes, .. } => Err(not_understood(clause, changes)),
        }
    }

    fn of_call(call: &Function) -> Result<Self> {
        let FunctionArguments::List(list) = &call.args else {
            return Err(not_understood(call, call));
        };
        let mut clause = Self {
            moment: None,
            version: None,
        };
        for argument in &list.args {
            let (name, expr) = match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => ("timestamp".to_owned(), expr),
                FunctionArg::Named {
                    name,
                    arg: FunctionArgExpr::Expr(expr),
                    ..
                } => (name.value.to_lowercase(), expr),
                FunctionArg::ExprNamed {
                    name,
                    arg: FunctionArgExpr::Expr(expr),
                    ..
                } => (name.to_string().to_lowercase(), expr),
                other => return Err(not_understood(call, other)),
            };
            let again = match name.as_str() {
                "timestamp" => clause.moment.replace(expr.clone()).is_some(),
                "version" => clause.version.replace(version_of(expr)?).is_some(),
                _ => return Err(not_understood(call, argument)),
            };
            if again {
                return Err(fault(format!("'{call}' says the {name} twice"), argument));
            }
        }
        if list.args.is_empty() || !list.clauses.is_empty() {
            return Err(not_understood(call, call));
        }
        Ok(clause)
    }
}

/// True where an object of one part has this name.
fn is_called(name: &ObjectName, wanted: &str) -> bool {
    name.to_string().eq_ignore_ascii_case(wanted)
}

fn version_of(expr: &Expr) -> Result<Version> {
    let number = match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        _ => None,
    };
    number.map(Version).ok_or_else(|| {
        fault(format!("'{expr}' is no version"), expr)
            .hint("a version is a whole number: AT (VERSION => 3); azof-tui versions lists them")
    })
}

fn not_understood(clause: &impl ToString, part: &impl Spanned) -> Error {
    fault(
        format!("'{}' names no moment", clause.to_string()),
        part,
    )
    .hint("a moment is AT ('2019-01-17'), AT (TIMESTAMP => '2019-01-17T00:00:00Z') or FOR SYSTEM_TIME AS OF '2019-01-17'; AT (VERSION => 3) is a version")
}

/// An error that tells where in the statement the part stands.
pub(super) fn fault(message: impl Into<String>, part: &impl Spanned) -> Error {
    let error = Error::new(ErrorKind::Query, message);
    let start = part.span().start;
    if start.line == 0 {
        return error;
    }
    error.at_text(start.line as usize, start.column as usize)
}

/// The table that is named with a version of its own. The name is folded as DataFusion folds it.
pub(super) fn version_asked(factor: &TableFactor) -> Option<(String, Version)> {
    let TableFactor::Table {
        name,
        version: Some(clause),
        ..
    } = factor
    else {
        return None;
    };
    // A clause that is not understood is told of where it is planned.
    let version = Clause::of(clause).ok()?.version?;
    let ident = name.0.last()?.as_ident()?;
    let name = match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_ascii_lowercase(),
    };
    Some((name, version))
}
