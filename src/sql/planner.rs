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
    FunctionArg, FunctionArgExpr, TableAlias, TableFactor, TableFunctionArgs, TableVersion,
};

use crate::error::{Error, ErrorKind, Result as OwnResult};
use crate::event_time::EventTime;
use crate::open_tables::OpenTables;

use super::clause::Clause;
use super::fault::external;
use super::functions::Function;
use super::misplaced::misplaced_moment;
use super::moment::moment_of;
use super::provider::AsOfTable;

/// Honours the moment after a table's name, in any session that it is registered with; refuses what DataFusion would
/// forget.
#[derive(Debug)]
pub struct AsOfPlanner {
    now: EventTime,
    versions: Option<Arc<OpenTables>>,
}

impl AsOfPlanner {
    /// A planner for which this is the present, from which `-90d` counts.
    pub fn new(now: EventTime) -> Self {
        Self {
            now,
            versions: None,
        }
    }

    /// Honours versions too, of tables that are open at them.
    #[must_use]
    pub(super) fn with_versions(self, tables: Arc<OpenTables>) -> Self {
        Self {
            versions: Some(tables),
            ..self
        }
    }

    /// The table as its clause has it, and what that says.
    fn honoured(
        &self,
        table: &AsOfTable,
        clause: &TableVersion,
        context: &mut dyn RelationPlannerContext,
    ) -> OwnResult<(AsOfTable, String)> {
        let Clause { moment, version } = Clause::of(clause)?;
        let mut said = String::new();
        let mut honoured = table.clone();
        if let Some(version) = version {
            let Some(tables) = &self.versions else {
                return Err(Error::new(
                    ErrorKind::Query,
                    format!(
                        "'{clause}' cannot be honoured: this session reads one version of each table"
                    ),
                ));
            };
            let name = table.table().name();
            // One that cannot be opened was told of before the planning.
            let Some(of_version) = tables.get_version(name, Some(version)) else {
                return Err(
                    Error::new(ErrorKind::Query, format!("version {version} is not open"))
                        .in_table(name),
                );
            };
            honoured = honoured.of(of_version);
            said = format!(" VERSION {version}");
        }
        if let Some(moment) = moment {
            honoured = honoured.at(moment_of(moment, self.now, context)?);
        }
        let said = format!("{said} AT {}", honoured.as_of());
        Ok((honoured, said))
    }
}

impl RelationPlanner for AsOfPlanner {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        // Behind anything but a plain table the parser takes the word for a name.
        let alias = match &relation {
            TableFactor::Table { alias, .. }
            | TableFactor::Function { alias, .. }
            | TableFactor::TableFunction { alias, .. }
            | TableFactor::Derived { alias, .. }
            | TableFactor::NestedJoin { alias, .. } => alias.as_ref(),
            _ => None,
        };
        if let Some(alias) = alias
            && !alias.explicit
            && alias.name.quote_style.is_none()
            && alias.name.value.eq_ignore_ascii_case("at")
        {
            return Err(external(misplaced_moment(alias.name.span.start)));
        }
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
        let (table, clause) = self.honoured(&table, &version, context).map_err(external)?;
        let source = provider_as_source(Arc::new(table));
        let table = scan.table_name.table();
        planned(&format!("{table}{clause}"), table, source, alias)
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
