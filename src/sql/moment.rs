//! The moment that a clause names.

use chrono::{DateTime, Utc};
use datafusion::arrow::array::Array;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::TimestampMillisecondType;
use datafusion::common::{DFSchema, Result, ScalarValue, plan_err};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::sql::sqlparser::ast::{
    Expr as SqlExpr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, TableVersion,
};

use crate::event_time::{AsOf, EventTime, TimeError, parse_as_of};
use crate::scan::time_type;

/// Reads a table's clause; anything but one constant moment is an error.
pub(super) fn moment_of(
    version: TableVersion,
    now: EventTime,
    context: &mut dyn RelationPlannerContext,
) -> Result<AsOf> {
    let said = version.to_string();
    let expr = match version {
        TableVersion::ForSystemTimeAsOf(expr) | TableVersion::TimestampAsOf(expr) => expr,
        TableVersion::Function(SqlExpr::Function(call)) => argument_of(call, &said)?,
        _ => {
            return plan_err!(
                "'{said}' names no event time; write AT ('2019-01-17') or FOR SYSTEM_TIME AS OF '2019-01-17'"
            );
        }
    };
    let constant = context
        .sql_to_expr(expr, &DFSchema::empty())
        .map_err(|e| e.context(format!("'{said}' needs a constant moment")))?;
    let moment = fold(constant, now)?;
    let Expr::Literal(value, _) = &moment else {
        return plan_err!(
            "'{said}' needs a constant moment, and this depends on more than the time of the query"
        );
    };
    to_moment(value, now).map_or_else(|why| plan_err!("'{said}': {why}"), Ok)
}

/// The argument of `AT (…)` or `AT (TIMESTAMP => …)`.
fn argument_of(call: Function, said: &str) -> Result<SqlExpr> {
    if call.name.to_string().eq_ignore_ascii_case("at")
        && let FunctionArguments::List(list) = call.args
        && list.clauses.is_empty()
        && let Ok([argument]) = <[FunctionArg; 1]>::try_from(list.args)
    {
        match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => return Ok(expr),
            FunctionArg::Named {
                name,
                arg: FunctionArgExpr::Expr(expr),
                ..
            } if name.value.eq_ignore_ascii_case("timestamp") => return Ok(expr),
            FunctionArg::ExprNamed {
                name,
                arg: FunctionArgExpr::Expr(expr),
                ..
            } if name.to_string().eq_ignore_ascii_case("timestamp") => return Ok(expr),
            _ => {}
        }
    }
    plan_err!(
        "'{said}' is not understood; a moment is AT ('2019-01-17') or AT (TIMESTAMP => '2019-01-17T00:00:00Z')"
    )
}

/// Works an expression out, as far as it can be without rows.
pub(super) fn fold(expr: Expr, now: EventTime) -> Result<Expr> {
    let now: Option<DateTime<Utc>> = now.to_datetime();
    let context = SimplifyContext::builder()
        .with_query_execution_start_time(now)
        .build();
    let simplifier = ExprSimplifier::new(context);
    let typed = simplifier.coerce(expr, &DFSchema::empty())?;
    simplifier.simplify(typed)
}

/// A constant as a moment: a text as people type it, a time, a date, or milliseconds since 1970.
pub(super) fn to_moment(value: &ScalarValue, now: EventTime) -> Result<AsOf, String> {
    if value.is_null() {
        return Err("null is no moment".to_owned());
    }
    match value {
        ScalarValue::Utf8(Some(text))
        | ScalarValue::Utf8View(Some(text))
        | ScalarValue::LargeUtf8(Some(text)) => {
            parse_as_of(text, now).map_err(|e| format!("{e}; {}", TimeError::FORMS))
        }
        ScalarValue::Int64(Some(ms)) => Ok(AsOf::At(EventTime::from_ms(*ms))),
        ScalarValue::TimestampNanosecond(Some(ns), _) => {
            Ok(AsOf::At(EventTime::from_ms(ns.div_euclid(1_000_000))))
        }
        ScalarValue::TimestampMicrosecond(Some(us), _) => {
            Ok(AsOf::At(EventTime::from_ms(us.div_euclid(1_000))))
        }
        other => {
            let refused = || format!("{} is no moment", other.data_type());
            if !other.data_type().is_temporal() {
                return Err(refused());
            }
            let array = other.to_array().map_err(|_| refused())?;
            let ms = cast(&array, &time_type()).map_err(|_| refused())?;
            let ms =
                datafusion::arrow::array::AsArray::as_primitive_opt::<TimestampMillisecondType>(
                    &ms,
                )
                .filter(|ms| ms.len() == 1 && ms.is_valid(0))
                .map(|ms| ms.value(0));
            ms.map(|ms| AsOf::At(EventTime::from_ms(ms)))
                .ok_or_else(refused)
        }
    }
}
