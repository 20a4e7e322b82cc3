//! Whole numbers that do not fit: an error, where the engine would go on with another number.

use std::sync::Arc;

use arrow::array::{ArrayRef, Datum};
use arrow::compute::kernels::numeric::{add, mul, sub};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, ColumnarValue, Expr, ExprSchemable, LogicalPlan, Operator, Projection,
    ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, cast,
};
use datafusion::optimizer::AnalyzerRule;

/// Has whole numbers added, subtracted and multiplied by functions that fail where the result is beyond 64 bits, and summed
/// with room for more, until the sum is made a whole number again.
#[derive(Debug)]
pub(super) struct CheckedArithmetic {
    functions: [Arc<ScalarUDF>; 3],
}

impl CheckedArithmetic {
    pub(super) fn new() -> Self {
        let made = |operator| Arc::new(ScalarUDF::new_from_impl(Checked::new(operator)));
        Self {
            functions: [Operator::Plus, Operator::Minus, Operator::Multiply].map(made),
        }
    }

    fn function(&self, operator: Operator) -> Option<&Arc<ScalarUDF>> {
        match operator {
            Operator::Plus => Some(&self.functions[0]),
            Operator::Minus => Some(&self.functions[1]),
            Operator::Multiply => Some(&self.functions[2]),
            _ => None,
        }
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
        let Expr::BinaryExpr(BinaryExpr { left, op, right }) = expr else {
            return Transformed::no(expr);
        };
        let is_whole = |side: &Expr| matches!(side.get_type(schema), Ok(DataType::Int64));
        match self.function(op) {
            Some(function) if is_whole(&left) && is_whole(&right) => {
                let args = vec![*left, *right];
                let call = ScalarFunction::new_udf(Arc::clone(function), args);
                Transformed::yes(Expr::ScalarFunction(call))
            }
            _ => Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right })),
        }
    }
}

impl AnalyzerRule for CheckedArithmetic {
    fn name(&self) -> &'static str {
        "checked_arithmetic"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let rewritten = plan.transform_up_with_subqueries(|node| {
            let schema = merge_schema(&node.inputs());
            let names = NamePreserver::new(&node);
            let rewritten = node.map_expressions(|expr| {
                let name = names.save(&expr);
                let rewritten = expr.transform_up(|expr| Ok(self.rewrite(expr, &schema)))?;
                Ok(rewritten.update_data(|expr| name.restore(expr)))
            })?;
            let rewritten = if rewritten.transformed {
                rewritten.map_data(LogicalPlan::recompute_schema)?
            } else {
                rewritten
            };
            rewritten.transform_data(|node| match node {
                LogicalPlan::Aggregate(aggregate) => with_wide_sums(aggregate),
                other => Ok(Transformed::no(other)),
            })
        });
        rewritten.map(|plan| plan.data)
    }
}

/// Digits of a whole number of 64 bits; a sum has room for ten more.
const DIGITS: u8 = 19;

/// Sums whole numbers as decimals, and has the sums be whole numbers behind.
fn with_wide_sums(aggregate: Aggregate) -> Result<Transformed<LogicalPlan>> {
    let input = aggregate.input.schema();
    let wide = aggregate.aggr_expr.iter().map(|expr| wide_sum(expr, input));
    let wide: Vec<Option<Expr>> = wide.collect();
    if wide.iter().all(Option::is_none) {
        return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
    }
    let groups = aggregate.schema.fields().len() - aggregate.aggr_expr.len();
    let is_wide: Vec<bool> = wide.iter().map(Option::is_some).collect();
    let kept = aggregate.aggr_expr.into_iter().zip(wide);
    let exprs = kept.map(|(expr, wide)| wide.unwrap_or(expr)).collect();
    let summed = Aggregate::try_new(aggregate.input, aggregate.group_expr, exprs)?;
    let named = aggregate.schema.iter().zip(summed.schema.iter());
    let columns = named.enumerate().map(|(at, ((relation, field), summed))| {
        let column = Expr::Column(Column::from(summed));
        if at < groups || !is_wide[at - groups] {
            return column;
        }
        cast(column, DataType::Int64).alias_qualified(relation.cloned(), field.name())
    });
    let columns: Vec<Expr> = columns.collect();
    let summed = Arc::new(LogicalPlan::Aggregate(summed));
    let projected = Projection::try_new(columns, summed)?;
    Ok(Transformed::yes(LogicalPlan::Projection(projected)))
}

/// A sum of whole numbers as one of decimals, of the same name; nothing for what is no such sum.
fn wide_sum(expr: &Expr, input: &DFSchema) -> Option<Expr> {
    let mut sum = expr;
    while let Expr::Alias(alias) = sum {
        sum = &alias.expr;
    }
    let Expr::AggregateFunction(sum) = sum else {
        return None;
    };
    let [summed] = sum.params.args.as_slice() else {
        return None;
    };
    if sum.func.name() != "sum" || summed.get_type(input).ok()? != DataType::Int64 {
        return None;
    }
    let mut wide = sum.clone();
    wide.params.args = vec![cast(summed.clone(), DataType::Decimal128(DIGITS, 0))];
    Some(Expr::AggregateFunction(wide).alias(expr.schema_name().to_string()))
}

/// One of the three.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    operator: Operator,
    signature: Signature,
}

impl Checked {
    fn new(operator: Operator) -> Self {
        let both = vec![DataType::Int64, DataType::Int64];
        Self {
            operator,
            signature: Signature::exact(both, Volatility::Immutable),
        }
    }

    fn work_out(&self, left: &dyn Datum, right: &dyn Datum) -> Result<ArrayRef, ArrowError> {
        match self.operator {
            Operator::Plus => add(left, right),
            Operator::Minus => sub(left, right),
            _ => mul(left, right),
        }
    }
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &'static str {
        match self.operator {
            Operator::Plus => "checked_add",
            Operator::Minus => "checked_sub",
            _ => "checked_mul",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = args.args.as_slice() else {
            return datafusion::common::plan_err!("{} takes two numbers", self.name());
        };
        let worked_out = match (left, right) {
            (ColumnarValue::Array(left), ColumnarValue::Array(right)) => {
                self.work_out(left, right)?
            }
            (ColumnarValue::Array(left), ColumnarValue::Scalar(right)) => {
                self.work_out(left, &right.to_scalar()?)?
            }
            (ColumnarValue::Scalar(left), ColumnarValue::Array(right)) => {
                self.work_out(&left.to_scalar()?, right)?
            }
            (ColumnarValue::Scalar(left), ColumnarValue::Scalar(right)) => {
                let one = self.work_out(&left.to_scalar()?, &right.to_scalar()?)?;
                return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&one, 0)?));
            }
        };
        Ok(ColumnarValue::Array(worked_out))
    }
}
