//! Moments that statements name.

use chrono::{DateTime, Utc};
use datafusion::arrow::array::Array;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::TimestampMillisecondType;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::sql::sqlparser::ast::Expr as SqlExpr;

use crate::error::Result as OwnResult;
use crate::event_time::{AsOf, EventTime, TimeError, parse_as_of};
use crate::scan::time_type;

use super::clause::fault;
use super::fault::query_fault;

/// Works out the moment of a clause; anything but one constant is an error.
pub(super) fn moment_of(
    expr: SqlExpr,
    now: EventTime,
    context: &mut dyn RelationPlannerContext,
) -> OwnResult<AsOf> {
    let said = expr.to_string();
    let at = expr.clone();
    let no_constant = |why: &str| {
        fault(format!("'{said}' is no constant moment{why}"), &at).hint(
            "a moment may be computed, but not from rows: AT ('2019-01-17'), AT (now() - interval '90 days')",
        )
    };
    let constant = context
        .sql_to_expr(expr, &DFSchema::empty())
        .and_then(|constant| fold(constant, now))
        .map_err(|e| no_constant(&format!(": {}", query_fault(&e).message())))?;
    let Expr::Literal(value, _) = &constant else {
        return Err(no_constant(""));
    };
    to_moment(value, now).map_err(|why| fault(why, &at).hint(TimeError::FORMS))
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
        | ScalarValue::LargeUtf8(Some(text)) => parse_as_of(text, now).map_err(|e| e.to_string()),
        // Whoever writes so means a year, and would be answered with the first seconds of 1970.
        ScalarValue::Int64(Some(year @ 1_000..=9_999)) => Err(format!(
            "{year} is read as milliseconds since 1970; a year is '{year}'"
        )),
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
