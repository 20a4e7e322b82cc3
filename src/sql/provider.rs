//! A table at one version and one moment, as DataFusion sees it.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{Field, Schema as ArrowSchema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Constraint, Constraints, Result};
use datafusion::datasource::TableType;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
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
        }
    }

    /// Counts its reads with those of a session.
    #[must_use]
    pub(super) fn warmed_by(self, warm: &Warm) -> Self {
        Self {
            warm: warm.clone(),
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
