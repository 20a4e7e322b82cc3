//! What a condition says of `key` alone, and so may go below the newest-row reduction.

use std::ops::Bound;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::{
    Between, BinaryExpr, Expr, Like, Operator, TableProviderFilterPushDown,
};

use crate::format::KEY;
use crate::scan::KeyFilter;

/// Which conditions a scan answers: those on the key alone, exactly; all others wait until the newest rows are known.
pub(super) fn pushed_down(filters: &[&Expr]) -> Vec<TableProviderFilterPushDown> {
    let answer = |filter: &&Expr| match key_filter(filter) {
        Some(_) => TableProviderFilterPushDown::Exact,
        None => TableProviderFilterPushDown::Unsupported,
    };
    filters.iter().map(answer).collect()
}

/// The keys that all of the conditions that were pushed down want.
pub(super) fn wanted_keys(filters: &[Expr]) -> KeyFilter {
    let wanted = filters.iter().filter_map(key_filter);
    wanted.fold(KeyFilter::all(), KeyFilter::and)
}

/// The keys that a condition wants; `None` where it speaks of more than the key, or in ways that are not understood. The
/// answer is exact: a row satisfies the condition if and only if its key is wanted.
fn key_filter(condition: &Expr) -> Option<KeyFilter> {
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::And => Some(key_filter(left)?.and(key_filter(right)?)),
            Operator::Or => key_filter(left)?.or(&key_filter(right)?),
            _ if is_key(left) => compared(*op, text(right)?),
            _ if is_key(right) => compared(op.swap()?, text(left)?),
            _ => None,
        },
        Expr::InList(InList {
            expr,
            list,
            negated: false,
        }) if is_key(expr) => {
            let keys: Option<Vec<&str>> = list.iter().map(text).collect();
            Some(KeyFilter::listed(keys?.into_iter().map(str::to_owned)))
        }
        Expr::Between(Between {
            expr,
            negated: false,
            low,
            high,
        }) if is_key(expr) => Some(KeyFilter::range(
            Bound::Included(text(low)?),
            Bound::Included(text(high)?),
        )),
        Expr::Like(Like {
            negated: false,
            expr,
            pattern,
            escape_char: None,
            case_insensitive: false,
        }) if is_key(expr) => {
            let prefix = text(pattern)?.strip_suffix('%')?;
            (!prefix.contains(['%', '_', '\\'])).then(|| KeyFilter::prefix(prefix))
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) if func.name() == "starts_with" => {
            match args.as_slice() {
                [of, prefix] if is_key(of) => Some(KeyFilter::prefix(text(prefix)?)),
                _ => None,
            }
        }
        _ => None,
    }
}

fn is_key(expr: &Expr) -> bool {
    matches!(expr, Expr::Column(column) if column.name == KEY)
}

/// A text that is not null; a comparison with null is never true, and left to those who know that.
fn text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(
            ScalarValue::Utf8(Some(text))
            | ScalarValue::Utf8View(Some(text))
            | ScalarValue::LargeUtf8(Some(text)),
            _,
        ) => Some(text),
        _ => None,
    }
}

fn compared(op: Operator, key: &str) -> Option<KeyFilter> {
    let (from, until) = match op {
        Operator::Eq => return Some(KeyFilter::listed([key.to_owned()])),
        Operator::Lt => (Bound::Unbounded, Bound::Excluded(key)),
        Operator::LtEq => (Bound::Unbounded, Bound::Included(key)),
        Operator::Gt => (Bound::Excluded(key), Bound::Unbounded),
        Operator::GtEq => (Bound::Included(key), Bound::Unbounded),
        _ => return None,
    };
    Some(KeyFilter::range(from, until))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::prelude::{col, lit};

    fn shown(condition: &Expr) -> Option<String> {
        key_filter(condition).map(|filter| filter.to_string())
    }

    #[test]
    fn conditions_on_the_key_alone_are_understood_and_no_others() {
        let key = || col("financials.key");
        for (condition, understood) in [
            (key().eq(lit("A")), Some("key = 'A'")),
            (lit("A").lt_eq(key()), Some("key >= 'A'")),
            (
                key().in_list(vec![lit("B"), lit("A")], false),
                Some("key in ('A', 'B')"),
            ),
            (
                key().between(lit("A"), lit("C")),
                Some("key >= 'A' and key <= 'C'"),
            ),
            (key().like(lit("AB%")), Some("key >= 'AB' and key < 'AC'")),
            (
                key().eq(lit("A")).or(key().eq(lit("B"))),
                Some("key in ('A', 'B')"),
            ),
            (key().like(lit("A_%")), None),
            (key().like(lit("A%B")), None),
            (key().not_like(lit("A%")), None),
            (key().ilike(lit("A%")), None),
            (key().in_list(vec![lit("A")], true), None),
            (key().eq(lit(ScalarValue::Utf8(None))), None),
            (key().eq(lit("A")).or(col("revenue").gt(lit(1))), None),
            (key().eq(lit("A")).and(col("revenue").gt(lit(1))), None),
            (col("industry").eq(lit("A")), None),
        ] {
            assert_eq!(shown(&condition).as_deref(), understood, "{condition}");
        }
    }
}
