//! Tables by name, each opened once, so that all requests of a sitting read one version.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::error::Result;
use crate::lakehouse::{Lakehouse, Table};

/// The tables of a lake that have been opened; whoever opens one first decides its version.
#[derive(Debug)]
pub struct OpenTables {
    lake: Lakehouse,
    tables: Mutex<HashMap<String, Table>>,
}

impl OpenTables {
    /// No table is open yet.
    pub fn new(lake: Lakehouse) -> Self {
        Self {
            lake,
            tables: Mutex::default(),
        }
    }

    /// The lake.
    pub fn lake(&self) -> &Lakehouse {
        &self.lake
    }

    /// A table that is open.
    pub fn get(&self, name: &str) -> Option<Table> {
        let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.get(name).cloned()
    }

    /// A table, opened now if it is not yet.
    pub async fn open(&self, name: &str) -> Result<Table> {
        if let Some(table) = self.get(name) {
            return Ok(table);
        }
        let table = self.lake.table(name).await?;
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(tables.entry(name.to_owned()).or_insert(table).clone())
    }

    /// Forgets what is open, so that newer versions are seen.
    pub fn forget(&self) {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.clear();
    }
}
