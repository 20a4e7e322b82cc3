//! Table functions: what only a table with a past can tell.
//!
//! - `changes('table', A, B)`: a row a key that is not the same at both moments;
//! - `history('table')`: a row a version of a key, with the stretch of event time in which it is shown;
//! - `ticks('table')`: a row a moment at which the table changed.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, TimestampMillisecondArray};
use arrow::datatypes::{DataType as ArrowType, Field, Schema as ArrowSchema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{Session, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{Result, plan_err};
use datafusion::datasource::TableType;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::future::BoxFuture;
use futures::stream::{self, TryStreamExt};

use crate::cancel::{CancelOnDrop, CancelToken};
use crate::diff::{Change, ChangeKind, change_batch};
use crate::error::Result as OwnResult;
use crate::event_time::{AsOf, EventTime};
use crate::format::{EVENT_TIME, KEY, Projection};
use crate::history::history_schema;
use crate::lakehouse::Table;
use crate::open_tables::OpenTables;
use crate::scan::{arrow_type, time_type};

use super::fault::external;
use super::moment::{fold, to_moment};
use super::predicate::{pushed_down, wanted_keys};

/// Rows in a batch.
const BATCH_ROWS: usize = 8_192;

/// Which function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Changes,
    History,
    Ticks,
}

impl Function {
    pub(super) const ALL: [Self; 3] = [Self::Changes, Self::History, Self::Ticks];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::History => "history",
            Self::Ticks => "ticks",
        }
    }

    pub(super) fn usage(self) -> &'static str {
        match self {
            Self::Changes => "changes('table', '2018-05-17', '2019-11-17')",
            Self::History => "history('table')",
            Self::Ticks => "ticks('table')",
        }
    }
}

/// A function on the tables of a session, all of which are open when it is called.
#[derive(Debug)]
pub(super) struct TimeFunction {
    pub(super) function: Function,
    pub(super) tables: Arc<OpenTables>,
    pub(super) now: EventTime,
}

impl TimeFunction {
    fn moment(&self, expr: &Expr) -> Result<AsOf> {
        let usage = self.function.usage();
        let Expr::Literal(value, _) = fold(expr.clone(), self.now)? else {
            return plan_err!("'{expr}' is not a constant moment; use it as in {usage}");
        };
        to_moment(&value, self.now).map_or_else(|why| plan_err!("{why}; use it as in {usage}"), Ok)
    }
}

impl TableFunctionImpl for TimeFunction {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let usage = self.function.usage();
        let exprs = args.exprs();
        let name = match exprs.first() {
            Some(Expr::Literal(value, _)) => value.try_as_str().flatten(),
            _ => None,
        };
        let Some(name) = name else {
            return plan_err!("the first argument is a table's name; use it as in {usage}");
        };
        let Some(table) = self.tables.get(name) else {
            return plan_err!("there is no table '{name}'; use it as in {usage}");
        };
        match (self.function, &exprs[1..]) {
            (Function::Changes, [from, to]) => {
                let (from, to) = (self.moment(from)?, self.moment(to)?);
                produced(changes_schema(&table), move |cancel| {
                    let table = table.clone();
                    Box::pin(async move { changes(&table, from, to, &cancel).await })
                })
            }
            (Function::History, []) => Ok(Arc::new(HistoryTable { table })),
            (Function::Ticks, []) => produced(ticks_schema(), move |cancel| {
                let table = table.clone();
                Box::pin(async move { ticks(&table, &cancel).await })
            }),
            (_, given) => plan_err!(
                "{} takes other arguments than these {}; use it as in {usage}",
                self.function.name(),
                given.len() + 1
            ),
        }
    }
}

/// Makes the rows, when they are wanted.
type Make = dyn Fn(CancelToken) -> BoxFuture<'static, OwnResult<Vec<RecordBatch>>> + Send + Sync;

/// Rows that are made when they are wanted.
struct Produced {
    schema: SchemaRef,
    make: Box<Make>,
}

impl fmt::Debug for Produced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Produced")
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

fn produced(
    schema: SchemaRef,
    make: impl Fn(CancelToken) -> BoxFuture<'static, OwnResult<Vec<RecordBatch>>>
    + Send
    + Sync
    + 'static,
) -> Result<Arc<dyn TableProvider>> {
    let partition = Produced {
        schema: Arc::clone(&schema),
        make: Box::new(make),
    };
    Ok(Arc::new(StreamingTable::try_new(
        schema,
        vec![Arc::new(partition)],
    )?))
}

impl PartitionStream for Produced {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let stop = CancelOnDrop::default();
        let making = (self.make)(stop.token().clone());
        let batches = async move {
            let _stop = stop;
            let batches = making.await.map_err(external)?;
            Ok::<_, datafusion::common::DataFusionError>(stream::iter(batches.into_iter().map(Ok)))
        };
        let batches = stream::once(batches).try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            batches,
        ))
    }
}

/// `key`, `change`, `columns` (those that differ), then `from_…` and `to_…` of the event time and of every column.
fn changes_schema(table: &Table) -> SchemaRef {
    let item = Arc::new(Field::new("item", ArrowType::Utf8, true));
    let mut fields = vec![
        Field::new(KEY, ArrowType::Utf8, false),
        Field::new("change", ArrowType::Utf8, false),
        Field::new("columns", ArrowType::List(item), false),
    ];
    let values = table.manifest().schema.columns().iter();
    let values = values.map(|c| (c.name.as_str(), out_type(c.data_type)));
    for (name, data_type) in std::iter::once((EVENT_TIME, time_type())).chain(values) {
        for side in ["from", "to"] {
            fields.push(Field::new(
                format!("{side}_{name}"),
                data_type.clone(),
                true,
            ));
        }
    }
    Arc::new(ArrowSchema::new(fields))
}

fn out_type(data_type: crate::format::DataType) -> ArrowType {
    match arrow_type(data_type) {
        ArrowType::Utf8View => ArrowType::Utf8,
        other => other,
    }
}

async fn changes(
    table: &Table,
    from: AsOf,
    to: AsOf,
    cancel: &CancelToken,
) -> OwnResult<Vec<RecordBatch>> {
    let diff = table.diff(from, to, &Projection::All, cancel).await?;
    let schema = changes_schema(table);
    let changes: Vec<Change> = diff
        .differing()
        .map(|(_, change)| change)
        .filter(|change| change.kind != ChangeKind::Same)
        .collect();
    let flat = |part: &[Change]| {
        cancel.check()?;
        let batch = change_batch(&diff, part)?;
        let (own, sides) = batch.columns().split_at(3);
        let mut arrays: Vec<ArrayRef> = own.to_vec();
        if let [Some(from), Some(to)] = [&sides[0], &sides[1]].map(|s| s.as_struct_opt()) {
            for (from, to) in from.columns().iter().zip(to.columns()) {
                arrays.extend([Arc::clone(from), Arc::clone(to)]);
            }
        }
        RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(|e| {
            crate::Error::new(
                crate::ErrorKind::Output,
                format!("changes cannot be gathered: {e}"),
            )
        })
    };
    changes.chunks(BATCH_ROWS).map(flat).collect()
}

fn ticks_schema() -> SchemaRef {
    Arc::new(ArrowSchema::new(vec![
        Field::new(EVENT_TIME, time_type(), false),
        Field::new("changes", ArrowType::Int64, false),
    ]))
}

async fn ticks(table: &Table, cancel: &CancelToken) -> OwnResult<Vec<RecordBatch>> {
    let ticks = table.ticks(cancel).await?;
    let times: TimestampMillisecondArray = ticks
        .iter()
        .map(|t| t.event_time.ms())
        .collect::<Vec<_>>()
        .into();
    let changes: Int64Array = ticks.iter().map(|t| Some(i64::from(t.changes))).collect();
    let arrays: Vec<ArrayRef> = vec![Arc::new(times.with_timezone("UTC")), Arc::new(changes)];
    let batch = RecordBatch::try_new(ticks_schema(), arrays).map_err(|e| {
        crate::Error::new(
            crate::ErrorKind::Output,
            format!("ticks cannot be gathered: {e}"),
        )
    })?;
    Ok(vec![batch])
}

/// All versions of a table's keys; a condition on the key is answered by reading no others.
#[derive(Debug)]
struct HistoryTable {
    table: Table,
}

#[async_trait]
impl TableProvider for HistoryTable {
    fn schema(&self) -> SchemaRef {
        history_schema(self.table.manifest().schema.columns())
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
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
        let table = self.table.clone();
        let rows = produced(self.schema(), move |cancel| {
            let (table, keys) = (table.clone(), keys.clone());
            Box::pin(async move {
                let all = table.histories(&keys, &Projection::All, &cancel).await?;
                (0..all.len())
                    .step_by(BATCH_ROWS)
                    .map(|from| all.batch(from, BATCH_ROWS))
                    .collect()
            })
        })?;
        rows.scan(state, projection, &[], limit).await
    }
}
