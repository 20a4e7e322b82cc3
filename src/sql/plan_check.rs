//! Plans that would be answered wrong; they are refused before anything is optimized.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result as PlanResult};
use datafusion::logical_expr::expr::InSubquery;
use datafusion::logical_expr::utils::{merge_schema, split_conjunction};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator};

use crate::error::{Error, ErrorKind, Result};

/// Refuses questions whose nulls the optimizer loses.
pub(super) fn check_plan(plan: &LogicalPlan) -> Result<()> {
    let mut fault = None;
    // What is looked at here cannot fail; the closure only has that form.
    let _ = plan.apply_with_subqueries(|node| {
        fault = lost_null(node);
        Ok(if fault.is_some() {
            TreeNodeRecursion::Stop
        } else {
            TreeNodeRecursion::Continue
        })
    });
    fault.map_or(Ok(()), Err)
}

/// Finds `x IN (SELECT …)` that may be null where null is not the same as false. The optimizer makes a join of it, which
/// answers yes or no: right where it is all of a condition that keeps rows, or one of its parts that are joined by AND.
fn lost_null(node: &LogicalPlan) -> Option<Error> {
    let inputs = node.inputs();
    let schema = merge_schema(&inputs);
    let mut found = None;
    if let LogicalPlan::Filter(filter) = node {
        found = split_conjunction(&filter.predicate)
            .into_iter()
            .filter(|part| !is_whole_condition(part))
            .find_map(|part| null_that_matters(part, &schema));
    } else {
        let _ = node.apply_expressions(|expr| {
            found = found.take().or_else(|| any_with_null(expr, &schema));
            Ok(TreeNodeRecursion::Continue)
        });
    }
    found.map(|text| {
        Error::new(
            ErrorKind::Query,
            format!("whether {text} may be null here, and would be taken for false"),
        )
        .hint("EXISTS (SELECT 1 FROM … WHERE y = x), or NOT EXISTS, is never null and says what you mean")
    })
}

/// `x IN (SELECT …)` or its opposite, and nothing beside it.
fn is_whole_condition(expr: &Expr) -> bool {
    match expr {
        Expr::InSubquery(_) => true,
        Expr::Not(inner) => is_whole_condition(inner),
        Expr::Alias(alias) => is_whole_condition(&alias.expr),
        _ => false,
    }
}

/// Where a condition keeps rows, null and false are one; `AND`, `OR` and `IN` that is not turned round leave it so.
fn null_that_matters(expr: &Expr, schema: &DFSchema) -> Option<String> {
    match expr {
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::And | Operator::Or,
            right,
        }) => null_that_matters(left, schema).or_else(|| null_that_matters(right, schema)),
        Expr::InSubquery(found) if !found.negated => None,
        other => any_with_null(other, schema),
    }
}

/// The first such question within an expression that may be null.
fn any_with_null(expr: &Expr, schema: &DFSchema) -> Option<String> {
    let mut found = None;
    let _: PlanResult<TreeNodeRecursion> = expr.apply(|part| {
        if let Expr::InSubquery(inner) = part
            && may_be_null(inner, schema)
        {
            let not = if inner.negated { "NOT " } else { "" };
            found = Some(format!("{} {not}IN (SELECT …)", inner.expr));
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    found
}

fn may_be_null(found: &InSubquery, schema: &DFSchema) -> bool {
    let listed = found.subquery.subquery.schema();
    let is_listed_nullable = listed.fields().iter().any(|field| field.is_nullable());
    is_listed_nullable || found.expr.nullable(schema).unwrap_or(true)
}
