//! A table at one version and one moment, as DataFusion sees it.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{Field, Schema as ArrowSchema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Constraint, Constraints, Result};
use datafusion::datasource::TableType;
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::{Expr, LogicalPlan, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;

use crate::cancel::CancelToken;
use crate::event_time::AsOf;
use crate::format::{EVENT_TIME, KEY};
use crate::lakehouse::Table;
use crate::scan::{arrow_type, time_type};

use super::fault::external;
use super::predicate::{pushed_down, wanted_keys};
use super::scan::AsOfScan;
use super::warm::Warm;

/// A table of a lake as of a moment, to query in any DataFusion session.
///
/// Columns: `key` (string view), `event_time` (milliseconds, UTC), then the schema's. Guarantees: one version of the
/// table and one moment, whatever is written meanwhile; one row a key.
#[derive(Debug, Clone)]
pub struct AsOfTable {
    table: Table,
    as_of: AsOf,
    schema: SchemaRef,
    constraints: Constraints,
    warm: Warm,
    /// True where the moment is the session's, and not one that a statement names.
    is_of_session: bool,
}

impl AsOfTable {
    /// The table at a moment.
    pub fn new(table: Table, as_of: AsOf) -> Self {
        let own = [
            Field::new(KEY, arrow_type(crate::format::DataType::String), false),
            Field::new(EVENT_TIME, time_type(), false),
        ];
        let values = table.manifest().schema.columns().iter();
        let values = values.map(|c| Field::new(&c.name, arrow_type(c.data_type), true));
        let schema = ArrowSchema::new(own.into_iter().chain(values).collect::<Vec<_>>());
        Self {
            table,
            as_of,
            schema: Arc::new(schema),
            constraints: Constraints::new_unverified(vec![Constraint::PrimaryKey(vec![0])]),
            warm: Warm::default(),
            is_of_session: false,
        }
    }

    /// Reads for a session, as of its moment, and counts its reads with those of the session.
    #[must_use]
    pub(super) fn warmed_by(self, warm: &Warm) -> Self {
        Self {
            warm: warm.clone(),
            is_of_session: true,
            ..self
        }
    }

    /// The table, at one version.
    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    /// The same moment of another version of the table.
    pub(super) fn of(&self, version: Table) -> Self {
        Self::new(version, self.as_of).warmed_by(&self.warm)
    }

    /// The same version of the table at another moment.
    #[must_use]
    pub fn at(&self, as_of: AsOf) -> Self {
        Self {
            as_of,
            is_of_session: false,
            ..self.clone()
        }
    }

    /// The moment.
    pub fn as_of(&self) -> AsOf {
        self.as_of
    }
}

#[async_trait]
impl TableProvider for AsOfTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn constraints(&self) -> Option<&Constraints> {
        Some(&self.constraints)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(pushed_down(filters))
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let keys = wanted_keys(filters);
        let rows = self
            .table
            .rows_at_most(self.as_of, &CancelToken::default())
            .await
            .map_err(external)?;
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        let columns = projection.unwrap_or(&all);
        Ok(Arc::new(AsOfScan::try_new(
            self.table.clone(),
            (self.as_of, self.warm.clone()),
            keys,
            (&self.schema, columns),
            (rows, limit),
            state.config().target_partitions(),
        )?))
    }
}

/// True where a plan reads some table as of the session's moment.
pub(super) fn follows_the_session(plan: &LogicalPlan) -> bool {
    let mut follows = false;
    // Looking cannot fail.
    let _ = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Ok(provider) = source_as_provider(&scan.source)
        {
            let any: &dyn Any = provider.as_ref();
            follows |= any
                .downcast_ref::<AsOfTable>()
                .is_some_and(|table| table.is_of_session);
        }
        Ok(if follows {
            TreeNodeRecursion::Stop
        } else {
            TreeNodeRecursion::Continue
        })
    });
    follows
}
