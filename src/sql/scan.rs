//! The operator that reads a table as of a moment: the newest row of every key, in key order, streamed.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::{Schema as ArrowSchema, SchemaRef};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, Statistics};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column as PhysicalColumn;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet,
};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
};
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::OnceCell;

use crate::cancel::CancelOnDrop;
use crate::event_time::AsOf;
use crate::format::{EVENT_TIME, KEY, Projection};
use crate::lakehouse::Table;
use crate::scan::KeyFilter;
use crate::snapshot::{RowPart, Snapshot};

use super::fault::external;
use super::warm::Warm;

/// With fewer rows than this, a second partition costs more than it brings.
const ROWS_IN_PARTITION: usize = 32_768;

/// Reads one version of a table as of one moment. Partitions are stretches of keys, each in key order; the read behind
/// them is one, and made when the first of them is asked for a row.
#[derive(Debug)]
pub(super) struct AsOfScan {
    table: Table,
    as_of: AsOf,
    warm: Warm,
    keys: KeyFilter,
    projection: Projection,
    parts: Vec<RowPart>,
    rows_at_most: usize,
    limit: Option<usize>,
    properties: Arc<PlanProperties>,
    held: Arc<OnceCell<Held>>,
    metrics: ExecutionPlanMetricsSet,
}

/// The rows that were read, with the memory that they are accounted for by.
#[derive(Debug)]
struct Held {
    snapshot: Snapshot,
    _reservation: MemoryReservation,
}

impl AsOfScan {
    /// Plans the read of some columns (positions in the table's full schema).
    pub(super) fn try_new(
        table: Table,
        (as_of, warm): (AsOf, Warm),
        keys: KeyFilter,
        (schema, columns): (&SchemaRef, &[usize]),
        (rows_at_most, limit): (usize, Option<usize>),
        cores: usize,
    ) -> Result<Self> {
        let mut values: Vec<String> = Vec::new();
        let parts = columns
            .iter()
            .map(|at| match schema.field(*at).name().as_str() {
                KEY => RowPart::Key,
                EVENT_TIME => RowPart::EventTime,
                name => {
                    values.push(name.to_owned());
                    RowPart::Value(values.len() - 1)
                }
            });
        let parts: Vec<RowPart> = parts.collect();
        let projected: SchemaRef = Arc::new(ArrowSchema::project(schema, columns)?);
        let mut eq = EquivalenceProperties::new(Arc::clone(&projected));
        if let Some(at) = parts.iter().position(|part| *part == RowPart::Key) {
            let options = SortOptions {
                descending: false,
                nulls_first: false,
            };
            let key: Arc<dyn PhysicalExpr> = Arc::new(PhysicalColumn::new(KEY, at));
            eq.add_ordering([PhysicalSortExpr::new(key, options)]);
        }
        let partitions = rows_at_most
            .div_ceil(ROWS_IN_PARTITION)
            .clamp(1, cores.max(1));
        let properties = PlanProperties::new(
            eq,
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self {
            table,
            as_of,
            warm,
            keys,
            projection: Projection::Columns(values),
            parts,
            rows_at_most,
            limit,
            properties: Arc::new(properties),
            held: Arc::default(),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }

    fn partitions(&self) -> usize {
        self.properties.partitioning.partition_count()
    }

    fn estimate(&self) -> usize {
        let rows = self
            .limit
            .map_or(self.rows_at_most, |limit| limit.min(self.rows_at_most));
        self.keys.keys_at_most().map_or(rows, |keys| keys.min(rows))
    }
}

/// One read: everything that the future needs of the plan.
struct Read {
    table: Table,
    as_of: AsOf,
    warm: Warm,
    keys: KeyFilter,
    projection: Projection,
    metrics: ExecutionPlanMetricsSet,
    context: Arc<TaskContext>,
}

impl Read {
    async fn run(self) -> Result<Held> {
        let stop = CancelOnDrop::default();
        let snapshot = if self.keys.is_all() {
            self.table
                .snapshot(self.as_of, &self.projection, stop.token())
                .await
        } else {
            self.table
                .snapshot_of_keys(self.as_of, &self.keys, &self.projection, stop.token())
                .await
        };
        let snapshot = snapshot.map_err(external)?;
        let cost = snapshot.cost();
        // An index answers without a file.
        if self.keys.is_all() && cost.files > 0 {
            self.warm.read(&self.table, self.as_of, &self.projection);
        }
        let reservation = MemoryConsumer::new("AsOfScan").register(self.context.memory_pool());
        reservation.try_grow(snapshot.bytes())?;
        for (name, count) in [
            ("files_read", cost.files),
            ("row_groups_read", cost.row_groups),
            ("row_groups_pruned", cost.row_groups_pruned),
            ("rows_decoded", cost.rows),
            ("requests", cost.requests as usize),
            ("bytes_read", cost.bytes as usize),
        ] {
            MetricBuilder::new(&self.metrics)
                .global_counter(name)
                .add(count);
        }
        let read_time = MetricBuilder::new(&self.metrics).subset_time("read_time", 0);
        read_time.add_duration(cost.elapsed);
        Ok(Held {
            snapshot,
            _reservation: reservation,
        })
    }
}

impl DisplayAs for AsOfScan {
    fn fmt_as(&self, form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = self.table.plan(self.as_of).files.len();
        let all = self.table.manifest().files().count();
        let schema = self.properties.eq_properties.schema();
        let columns: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        let mut facts = vec![
            ("table", self.table.name().to_owned()),
            ("as_of", self.as_of.to_string()),
            ("version", self.table.version().to_string()),
            ("files", format!("{files} of {all}")),
            ("columns", format!("[{}]", columns.join(", "))),
        ];
        if !self.keys.is_all() {
            facts.push(("keys", format!("[{}]", self.keys)));
        }
        if let Some(limit) = self.limit {
            facts.push(("limit", limit.to_string()));
        }
        if form == DisplayFormatType::TreeRender {
            return facts
                .iter()
                .try_for_each(|(name, fact)| writeln!(f, "{name}={fact}"));
        }
        let facts: Vec<String> = facts
            .iter()
            .map(|(name, fact)| format!("{name}={fact}"))
            .collect();
        write!(f, "AsOfScan: {}", facts.join(", "))
    }
}

impl ExecutionPlan for AsOfScan {
    fn name(&self) -> &'static str {
        "AsOfScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let (held, schema, parts) = (Arc::clone(&self.held), self.schema(), self.parts.clone());
        let (of, limit) = (self.partitions(), self.limit);
        let batch_rows = context.session_config().batch_size().max(1);
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        let read = Read {
            table: self.table.clone(),
            as_of: self.as_of,
            warm: self.warm.clone(),
            keys: self.keys.clone(),
            projection: self.projection.clone(),
            metrics: self.metrics.clone(),
            context,
        };
        let out = Arc::clone(&schema);
        let batches = async move {
            held.get_or_try_init(|| read.run()).await?;
            let rows = held.get().map_or(0, |h| h.snapshot.len());
            let rows = limit.map_or(rows, |limit| limit.min(rows));
            let share = partition * rows / of..(partition + 1) * rows / of;
            let stretches = share
                .clone()
                .step_by(batch_rows)
                .map(move |from| from..(from + batch_rows).min(share.end));
            let gather = move |stretch: Range<usize>| {
                let Some(held) = held.get() else {
                    return Err(external(crate::Error::cancelled()));
                };
                let timer = baseline.elapsed_compute().timer();
                let batch = gather(&held.snapshot, stretch, &parts, &out)?;
                timer.done();
                baseline.record_output(batch.num_rows());
                Ok(batch)
            };
            Ok::<_, DataFusionError>(stream::iter(stretches).map(gather))
        };
        let batches = stream::once(batches).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        _inputs: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let rows = self.estimate();
        let share = if args.partition().is_some() {
            rows / self.partitions()
        } else {
            rows
        };
        let mut statistics = Statistics::new_unknown(&self.schema());
        statistics.num_rows = Precision::Inexact(share);
        Ok(Arc::new(statistics))
    }
}

fn gather(
    snapshot: &Snapshot,
    rows: Range<usize>,
    parts: &[RowPart],
    schema: &SchemaRef,
) -> Result<RecordBatch> {
    let count = rows.len();
    let arrays = snapshot.arrays(rows, parts).map_err(external)?;
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)
        .map_err(DataFusionError::from)
}
