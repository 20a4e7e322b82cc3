//! The tables of a lake as DataFusion's catalog, opened when a statement names them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, SchemaProvider, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::TableType;

use crate::error::ErrorKind;
use crate::event_time::AsOf;
use crate::open_tables::OpenTables;

use super::fault::external;
use super::provider::AsOfTable;
use super::warm::Warm;

/// What the catalog and its schema are called.
pub(super) const CATALOG: &str = "lake";
/// See [`CATALOG`].
pub(super) const SCHEMA: &str = "public";

/// Temporary views by name.
pub(super) type Views = Arc<Mutex<HashMap<String, Arc<dyn TableProvider>>>>;

/// A lake with one schema, whose tables are as of one moment.
#[derive(Debug)]
pub(super) struct LakeCatalog(pub(super) Arc<LakeSchema>);

impl CatalogProvider for LakeCatalog {
    fn schema_names(&self) -> Vec<String> {
        vec![SCHEMA.to_owned()]
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        (name == SCHEMA).then(|| Arc::clone(&self.0) as Arc<dyn SchemaProvider>)
    }
}

/// The tables of a lake as of one moment, and the session's views.
#[derive(Debug)]
pub(super) struct LakeSchema {
    pub(super) tables: Arc<OpenTables>,
    pub(super) views: Views,
    pub(super) as_of: AsOf,
    pub(super) warm: Warm,
    /// The names to list: looked up before a statement that lists.
    pub(super) names: Vec<String>,
}

#[async_trait]
impl SchemaProvider for LakeSchema {
    fn table_names(&self) -> Vec<String> {
        let views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<String> = self.names.iter().chain(views.keys()).cloned().collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        let view = {
            let views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
            views.get(name).cloned()
        };
        if view.is_some() {
            return Ok(view);
        }
        match self.tables.open(name).await {
            Ok(table) => {
                let table = AsOfTable::new(table, self.as_of).warmed_by(&self.warm);
                Ok(Some(Arc::new(table)))
            }
            Err(e) if e.kind() == ErrorKind::TableNotFound => Ok(None),
            Err(e) => Err(external(e)),
        }
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        let views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Some(if views.contains_key(name) {
            TableType::View
        } else {
            TableType::Base
        }))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.tables.get(name).is_some() || self.table_names().iter().any(|n| n == name)
    }
}
