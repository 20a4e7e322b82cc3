//! Plans the tables of a statement, each with its own moment.

use std::any::Any;
use std::sync::Arc;

use datafusion::common::{DFSchema, Result, TableReference, plan_err};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, TableSource};
use datafusion::sql::sqlparser::ast::{
    FunctionArg, FunctionArgExpr, TableAlias, TableFactor, TableFunctionArgs,
};

use crate::event_time::EventTime;

use super::functions::Function;
use super::moment::moment_of;
use super::provider::AsOfTable;

/// Honours the moment after a table's name, in any session that it is registered with; refuses what DataFusion would
/// forget.
#[derive(Debug)]
pub struct AsOfPlanner {
    now: EventTime,
}

impl AsOfPlanner {
    /// A planner for which this is the present, from which `-90d` counts.
    pub fn new(now: EventTime) -> Self {
        Self { now }
    }
}

impl RelationPlanner for AsOfPlanner {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let TableFactor::Table {
            name,
            alias,
            args,
            with_hints,
            version,
            with_ordinality,
            partitions,
            json_path,
            sample,
            index_hints,
        } = relation
        else {
            // Here the parser takes the word for a name.
            let alias = match &relation {
                TableFactor::Derived { alias, .. } | TableFactor::NestedJoin { alias, .. } => alias,
                _ => &None,
            };
            if alias.as_ref().is_some_and(|a| {
                a.name.quote_style.is_none() && a.name.value.eq_ignore_ascii_case("at")
            }) {
                return plan_err!(
                    "a moment stands behind the name of a table, and not behind a query in parentheses"
                );
            }
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        // DataFusion passes over these without a word.
        if sample.is_some()
            || json_path.is_some()
            || with_ordinality
            || !(with_hints.is_empty() && partitions.is_empty() && index_hints.is_empty())
        {
            return plan_err!(
                "what follows the table '{name}' is not understood: no samples, hints, partitions or paths"
            );
        }
        let own_function = Function::ALL
            .into_iter()
            .find(|f| name.to_string().eq_ignore_ascii_case(f.name()));
        if let (Some(args), Some(function), None) = (&args, own_function, &version) {
            return planned_function(function, args, alias, context);
        }
        let bare = TableFactor::Table {
            name: name.clone(),
            alias: None,
            args,
            with_hints,
            version: None,
            with_ordinality,
            partitions,
            json_path,
            sample,
            index_hints,
        };
        let Some(version) = version else {
            let mut original = bare;
            if let TableFactor::Table { alias: own, .. } = &mut original {
                *own = alias;
            }
            return Ok(RelationPlanning::Original(Box::new(original)));
        };
        let plan = context.plan(bare)?;
        let table = match &plan {
            LogicalPlan::TableScan(scan) => {
                source_as_provider(&scan.source).ok().and_then(|provider| {
                    let any: &dyn Any = provider.as_ref();
                    any.downcast_ref::<AsOfTable>().cloned()
                })
            }
            _ => None,
        };
        let (Some(table), LogicalPlan::TableScan(scan)) = (table, &plan) else {
            return plan_err!(
                "'{name}' is no table of the lake, so '{version}' cannot be honoured; say the moment where the table is named"
            );
        };
        let moment = moment_of(version, self.now, context)?;
        let source = provider_as_source(Arc::new(table.at(moment)));
        let table = scan.table_name.table();
        planned(&format!("{table} AT {moment}"), table, source, alias)
    }
}

/// One of this project's table functions.
fn planned_function(
    function: Function,
    args: &TableFunctionArgs,
    alias: Option<TableAlias>,
    context: &mut dyn RelationPlannerContext,
) -> Result<RelationPlanning> {
    let mut given = Vec::with_capacity(args.args.len());
    for arg in &args.args {
        let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = arg else {
            return plan_err!(
                "'{arg}' is not understood; use it as in {}",
                function.usage()
            );
        };
        given.push(context.sql_to_expr(expr.clone(), &DFSchema::empty())?);
    }
    let said: Vec<String> = args.args.iter().map(ToString::to_string).collect();
    let whole_name = format!("{}({})", function.name(), said.join(", "));
    let source = context
        .context_provider()
        .get_table_function_source(function.name(), given)?;
    planned(&whole_name, function.name(), source, alias)
}

/// A scan under a name that says all that it depends on, known to the statement by its own name. DataFusion takes two
/// scans of one name for the same, whatever they read, and would answer one with the rows of the other.
fn planned(
    whole_name: &str,
    name: &str,
    source: Arc<dyn TableSource>,
    alias: Option<TableAlias>,
) -> Result<RelationPlanning> {
    let plan = LogicalPlanBuilder::scan(TableReference::bare(whole_name), source, None)?
        .alias(TableReference::bare(name))?
        .build()?;
    Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(
        plan, alias,
    ))))
}
