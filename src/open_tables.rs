//! Tables by name, each opened once, so that all requests of a sitting read one current version.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::error::Result;
use crate::format::Version;
use crate::lakehouse::{Lakehouse, Table};

/// A table's name, and the version that was asked for; the current one where none was.
type Asked = (String, Option<Version>);

/// The tables of a lake that have been opened; whoever opens one first decides what its current version is.
#[derive(Debug)]
pub struct OpenTables {
    lake: Lakehouse,
    version: Option<Version>,
    tables: Mutex<HashMap<Asked, Table>>,
}

impl OpenTables {
    /// No table is open yet.
    pub fn new(lake: Lakehouse) -> Self {
        Self {
            lake,
            version: None,
            tables: Mutex::default(),
        }
    }

    /// Every table is opened at this version instead of its current one.
    #[must_use]
    pub fn at_version(self, version: Option<Version>) -> Self {
        Self { version, ..self }
    }

    /// The lake.
    pub fn lake(&self) -> &Lakehouse {
        &self.lake
    }

    /// A table that is open.
    pub fn get(&self, name: &str) -> Option<Table> {
        self.get_version(name, self.version)
    }

    /// A table that is open at a version.
    pub fn get_version(&self, name: &str, version: Option<Version>) -> Option<Table> {
        let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.get(&(name.to_owned(), version)).cloned()
    }

    /// A table, opened now if it is not yet.
    pub async fn open(&self, name: &str) -> Result<Table> {
        self.open_version(name, self.version).await
    }

    /// A table at a version, opened now if it is not yet.
    pub async fn open_version(&self, name: &str, version: Option<Version>) -> Result<Table> {
        if let Some(table) = self.get_version(name, version) {
            return Ok(table);
        }
        let table = match version {
            Some(version) => self.lake.table_at(name, version).await?,
            None => self.lake.table(name).await?,
        };
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = (name.to_owned(), version);
        Ok(tables.entry(asked).or_insert(table).clone())
    }

    /// Forgets what is open, so that newer versions are seen.
    pub fn forget(&self) {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.clear();
    }
}
