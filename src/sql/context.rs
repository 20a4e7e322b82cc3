//! Sessions of SQL over a lake.

use std::sync::{Arc, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::{CatalogProviderList, MemoryCatalogProviderList};
use datafusion::dataframe::DataFrame;
use datafusion::datasource::ViewTable;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::{SQLOptions, SessionContext, SessionState};
use datafusion::execution::disk_manager::DiskManagerBuilder;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::SessionConfig;
use datafusion::sql::parser::Statement;
use futures::stream::StreamExt;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::AbortHandle;

use crate::cancel::CancelToken;
use crate::error::{Error, ErrorKind, Result};
use crate::event_time::{AsOf, EventTime, now};
use crate::lakehouse::{Lakehouse, Table};
use crate::open_tables::OpenTables;
use crate::scan::ReadLimits;

use super::catalog::{CATALOG, LakeCatalog, LakeSchema, SCHEMA, Views};
use super::checked::CheckedArithmetic;
use super::fault::{fault_in, query_fault};
use super::functions::{Function, TimeFunction};
use super::plan_check::check_plan;
use super::planner::AsOfPlanner;
use super::provider::follows_the_session;
use super::spill;
use super::statement::{Needed, Parsed, parse};
use super::warm::Warm;
use super::yielding::Yielding;

/// The share of the memory that operators may count for themselves; the rest is for what they do not count.
const COUNTED_SHARE: f64 = 0.7;

/// Batches of a result that wait to be taken.
const BATCHES_AHEAD: usize = 4;

/// SQL over a lake: each table as of the session's moment, or as of its own `AT (…)`.
///
/// Where a statement names no version, a table's is the one that was current when the session first named it. Clones
/// share tables, caches and views.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let context = azof_tui::ExecutionContext::new("./test-data")?;
/// context.sql("SELECT key, revenue FROM financials AT ('2019-01-17')").await?.show().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ExecutionContext {
    tables: Arc<OpenTables>,
    base: Arc<SessionState>,
    views: Views,
    warm: Warm,
    as_of: AsOf,
}

impl std::fmt::Debug for ExecutionContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExecutionContext")
            .field("lake", &self.tables.lake().name())
            .field("as_of", &self.as_of)
            .finish_non_exhaustive()
    }
}

impl ExecutionContext {
    /// Opens the lake at a directory or URL, with the machine's usual limits; tables are current.
    pub fn new(location: &str) -> Result<Self> {
        let limits = ReadLimits::default();
        let lake = Lakehouse::open(location, limits.keeping())?;
        Self::with_tables(Arc::new(OpenTables::new(lake)), limits.read_bytes)
    }

    /// A session on tables that others read too; what queries gather, sort and join holds at most so many bytes of memory,
    /// beyond which they spill to temporary files or fail. What an expression makes of one batch of rows is not counted.
    pub fn with_tables(tables: Arc<OpenTables>, memory: usize) -> Result<Self> {
        let failed = |e: datafusion::common::DataFusionError| query_fault(&e);
        let spilling = DiskManagerBuilder::default().with_mode(spill::to_unnamed_files());
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_limit(memory, COUNTED_SHARE)
            .with_disk_manager_builder(spilling)
            .build_arc()
            .map_err(failed)?;
        let mut config = SessionConfig::new()
            .with_create_default_catalog_and_schema(false)
            .with_default_catalog_and_schema(CATALOG, SCHEMA)
            .with_information_schema(true);
        config.options_mut().sql_parser.collect_spans = true;
        // Nulls come last whichever way rows are sorted, as in the explorer.
        "nulls_last".clone_into(&mut config.options_mut().sql_parser.default_null_ordering);
        // Rows come in as few partitions as are worth their while; dealing them out again costs more than it brings.
        config
            .options_mut()
            .optimizer
            .enable_round_robin_repartition = false;
        let mut base = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(runtime)
            .with_default_features()
            .with_physical_optimizer_rule(Arc::new(Yielding))
            .build();
        base.add_analyzer_rule(Arc::new(CheckedArithmetic::new()));
        Ok(Self {
            tables,
            base: Arc::new(base),
            views: Views::default(),
            warm: Warm::default(),
            as_of: AsOf::Current,
        })
    }

    /// The same session at another moment.
    #[must_use]
    pub fn at(&self, as_of: AsOf) -> Self {
        Self {
            as_of,
            ..self.clone()
        }
    }

    /// The moment as of which tables without a clause are read.
    pub fn as_of(&self) -> AsOf {
        self.as_of
    }

    /// Sees the newest versions of tables from here on.
    pub fn refresh(&self) {
        self.tables.forget();
    }

    /// Plans one statement. Those that write, create or change the session are refused; `CREATE TEMPORARY VIEW` names a
    /// query for the statements that follow.
    pub async fn sql(&self, statement: &str) -> Result<DataFrame> {
        let now = now();
        match parse(statement)? {
            Parsed::Reads(parsed) => self.plan((*parsed, statement), now).await,
            Parsed::View { name, query } => {
                let text = query.to_string();
                let frame = self.plan((*query, statement), now).await?;
                let view = ViewTable::new(frame.logical_plan().clone(), Some(text));
                let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
                views.insert(name, Arc::new(view));
                drop(views);
                let nothing = SessionContext::new_with_state(self.base.as_ref().clone());
                nothing.read_empty().map_err(|e| query_fault(&e))
            }
        }
    }

    async fn plan(
        &self,
        (statement, text): (Statement, &str),
        now: EventTime,
    ) -> Result<DataFrame> {
        let needed = Needed::by(&statement);
        // What is not there is told of by the function or the clause, which may stand behind the name of a view.
        let opened = |opened: Result<Table>| match opened {
            Err(e) if e.kind() != ErrorKind::TableNotFound => Err(e),
            _ => Ok(()),
        };
        for table in needed.tables {
            opened(self.tables.open(&table).await)?;
        }
        for (table, version) in needed.versions {
            if self.tables.open(&table).await.is_ok() {
                opened(self.tables.open_version(&table, Some(version)).await)?;
            }
        }
        let names = self.names_to_list(&statement.to_string()).await?;
        let state = self.state(names, now);
        let planned = state.statement_to_plan(statement).await;
        let plan = match planned {
            Ok(plan) => plan,
            Err(e) => return Err(self.with_names(fault_in(&e, text)).await),
        };
        let reading = SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false);
        reading.verify_plan(&plan).map_err(|e| fault_in(&e, text))?;
        check_plan(&plan)?;
        Ok(DataFrame::new(state, plan))
    }

    /// The names of all tables, where a statement lists them; none elsewhere, because a store may take long to list.
    async fn names_to_list(&self, statement: &str) -> Result<Vec<String>> {
        let said = statement.to_ascii_lowercase();
        let lists = said.contains("information_schema") || said.starts_with("show");
        if !lists {
            return Ok(Vec::new());
        }
        let mut names = self.tables.lake().table_names().await?;
        if said.contains("columns") {
            // A table that cannot be opened has no columns to tell, and must not keep the others from it.
            let mut opened = Vec::new();
            for name in names {
                if self.tables.open(&name).await.is_ok() {
                    opened.push(name);
                }
            }
            names = opened;
        }
        Ok(names)
    }

    /// Where a table is not there, says which are.
    async fn with_names(&self, error: Error) -> Error {
        let message = error.message();
        if error.kind() != ErrorKind::Query
            || !(message.contains("table '") && message.contains("not found"))
        {
            return error;
        }
        let names = self.tables.lake().table_names().await.unwrap_or_default();
        if names.is_empty() {
            return error;
        }
        // Names without quotes are read in lower case.
        let in_capitals = names.iter().find(|name| {
            let lower = name.to_lowercase();
            lower != **name && message.contains(&lower)
        });
        if let Some(name) = in_capitals {
            return error.hint(format!("capitals stand in quotes: \"{name}\""));
        }
        error.hint(format!("the lake's tables are {}", names.join(", ")))
    }

    fn state(&self, names: Vec<String>, now: EventTime) -> SessionState {
        let schema = LakeSchema {
            tables: Arc::clone(&self.tables),
            views: Arc::clone(&self.views),
            as_of: self.as_of,
            warm: self.warm.clone(),
            names,
        };
        let catalogs = MemoryCatalogProviderList::new();
        catalogs.register_catalog(CATALOG.to_owned(), Arc::new(LakeCatalog(Arc::new(schema))));
        // A copy with other tables costs a third of a state that is built anew.
        let mut state = self.base.as_ref().clone();
        state.register_catalog_list(Arc::new(catalogs));
        let planner = AsOfPlanner::new(now).with_versions(Arc::clone(&self.tables));
        // Registering answers with an error only in sessions that take no planners.
        let _ = state.register_relation_planner(Arc::new(planner));
        for function in Function::ALL {
            let made = TimeFunction {
                function,
                tables: Arc::clone(&self.tables),
                now,
            };
            state.register_udtf(function.name(), Arc::new(made));
        }
        state.mark_start_execution();
        state.execution_props_mut().query_execution_start_time = now.to_datetime();
        state
    }

    /// Runs one statement in a task of its own, so that neither planning nor an operator that does not yield holds up
    /// the one who asks.
    pub fn run(&self, statement: &str, cancel: &CancelToken) -> QueryStream {
        let (context, text, cancel) = (self.clone(), statement.to_owned(), cancel.clone());
        let (sender, batches) = channel(BATCHES_AHEAD);
        let task = tokio::spawn(async move {
            let frame = match context.sql(&text).await {
                Ok(frame) => frame,
                Err(e) => {
                    let _ = sender.send(Err(e)).await;
                    return;
                }
            };
            let follows = follows_the_session(frame.logical_plan());
            let mut stream = match frame.execute_stream().await {
                Ok(stream) => stream,
                Err(e) => {
                    let _ = sender.send(Err(fault_in(&e, &text))).await;
                    return;
                }
            };
            if sender
                .send(Ok(Piece::Schema(stream.schema(), follows)))
                .await
                .is_err()
            {
                return;
            }
            while let Some(batch) = stream.next().await {
                let failed = batch.is_err();
                let piece = batch.map(Piece::Batch).map_err(|e| fault_in(&e, &text));
                if sender.send(piece).await.is_err() || failed {
                    return;
                }
            }
            let _ = sender.send(Ok(Piece::End)).await;
        });
        QueryStream {
            batches,
            cancel,
            task: task.abort_handle(),
            ended: false,
            follows: true,
        }
    }
}

enum Piece {
    Schema(SchemaRef, bool),
    Batch(RecordBatch),
    End,
}

/// What comes of a query, piece by piece. Dropping it stops the query.
///
/// Guarantee: a result that ends without an error is complete.
#[derive(Debug)]
pub struct QueryStream {
    batches: Receiver<Result<Piece>>,
    cancel: CancelToken,
    task: AbortHandle,
    ended: bool,
    follows: bool,
}

impl std::fmt::Debug for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Schema(..) => "Schema",
            Self::Batch(_) => "Batch",
            Self::End => "End",
        })
    }
}

impl QueryStream {
    /// The columns of the result; comes before its first batch.
    pub async fn schema(&mut self) -> Result<SchemaRef> {
        match self.piece().await? {
            Piece::Schema(schema, follows) => {
                self.follows = follows;
                Ok(schema)
            }
            Piece::Batch(batch) => Ok(batch.schema()),
            Piece::End => Err(Error::cancelled()),
        }
    }

    /// True where the answer depends on the session's moment: known once the columns are. A statement whose tables all bear
    /// moments of their own answers the same at every moment.
    pub fn follows_the_session(&self) -> bool {
        self.follows
    }

    /// The next batch; `None` where there is none.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>> {
        while !self.ended {
            match self.piece().await? {
                Piece::Batch(batch) => return Ok(Some(batch)),
                Piece::Schema(..) => {}
                Piece::End => self.ended = true,
            }
        }
        Ok(None)
    }

    async fn piece(&mut self) -> Result<Piece> {
        let batches = &mut self.batches;
        // A sender that goes without a word has failed inside.
        let lost = || Error::new(ErrorKind::Query, "the query failed inside");
        self.cancel
            .run(async { batches.recv().await.unwrap_or_else(|| Err(lost())) })
            .await
    }
}

impl Drop for QueryStream {
    fn drop(&mut self) {
        self.task.abort();
    }
}
