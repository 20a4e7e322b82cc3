//! The timings that `benches/compare.py` sets beside those of other engines, as one JSON object on standard output.
//!
//!     cargo bench --bench figures -- LAKE TABLE --as-of T --column C --from A --to B \
//!         --within-from A2 --within-to B2 --runs N
//!
//! `cold_*` open the lake anew each time; the files are in the page cache. `decode_*` is the limit: the same column
//! chunks, already in memory and with their footers read, decoded on all cores. `step`,
//! `same_changes_step` and `compare_within` are requests to the engine of the explorer, from request to reply, once the
//! epoch's index is ready. All times are milliseconds.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement without its data should stop, and prints"
)]

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use azof_tui::cancel::CancelToken;
use azof_tui::engine::{Answer, Arrangement, EngineHandle, Reply, Request, RequestId};
use azof_tui::event_time::parse_calendar;
use azof_tui::format::Projection;
use azof_tui::scan::ReadLimits;
use azof_tui::{AsOf, EventTime, Lakehouse, Table};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

/// Steps that are timed.
const STEPS: usize = 500;

/// Changes of a step where tables of different sizes are compared.
const SAME_CHANGES: u64 = 100;

fn main() {
    let arguments = Arguments::read();
    let runtime = azof_tui::engine::runtime("figures").expect("a runtime");
    let mut out = serde_json::Map::new();
    let all = Projection::All;
    let one = Projection::parse(&arguments.text("column"));
    let at = arguments.moment("as-of");
    for (name, projection) in [("all", &all), ("one", &one)] {
        let cold = arguments.sample(|| {
            runtime.block_on(async {
                let table = arguments.open(ReadLimits::default()).await;
                let rows = table
                    .snapshot(at, projection, &CancelToken::default())
                    .await;
                (rows.expect("rows"), table)
            })
        });
        out.insert(format!("cold_{name}"), cold);
        let table = runtime.block_on(arguments.open(ReadLimits::default()));
        let decoding = Decoding::new(&arguments, &table, at, projection);
        out.insert(
            format!("decode_{name}"),
            arguments.sample(|| decoding.run()),
        );
    }
    let (from, to) = (arguments.moment("from"), arguments.moment("to"));
    let across = arguments.sample(|| {
        runtime.block_on(async {
            let table = arguments.open(ReadLimits::default()).await;
            let diff = table.diff(from, to, &all, &CancelToken::default()).await;
            diff.expect("a diff").summary().differences()
        })
    });
    out.insert("compare_across".to_owned(), across);

    let ticks = runtime.block_on(async {
        let table = arguments.open(ReadLimits::default()).await;
        table.ticks(&CancelToken::default()).await.expect("ticks")
    });
    let mut explorer = Explorer::start(&arguments);
    let (a, b) = (
        arguments.moment("within-from"),
        arguments.moment("within-to"),
    );
    explorer.snapshot(b);
    settle();
    let changes = explorer.compare(a, b).1;
    let mut within = arguments.sample(|| explorer.compare(a, b));
    within["changes"] = json!(changes);
    out.insert("compare_within".to_owned(), within);

    let epoch = runtime
        .block_on(arguments.open(ReadLimits::default()))
        .epochs()
        .at(b);
    let within: Vec<_> = ticks
        .iter()
        .filter(|t| (epoch.from..=epoch.until).contains(&t.event_time.ms()))
        .collect();
    let mut times = Vec::new();
    let mut counts = Vec::new();
    for tick in within.iter().cycle().take(STEPS.max(within.len())) {
        let took = explorer.snapshot(AsOf::At(tick.event_time));
        // Where the ticks start anew, the step goes back over all of them.
        if tick != &within[0] {
            times.push(ms(took));
            counts.push(tick.changes);
        }
    }
    out.insert("step".to_owned(), json!({ "ms": times, "changes": counts }));

    let mut stops: Vec<EventTime> = Vec::new();
    let mut since = 0;
    for tick in &within {
        since += u64::from(tick.changes);
        if since >= SAME_CHANGES {
            stops.push(tick.event_time);
            since = 0;
        }
    }
    let mut times = Vec::new();
    for stop in stops.iter().cycle().take(STEPS) {
        let took = explorer.snapshot(AsOf::At(*stop));
        if stop != &stops[0] {
            times.push(ms(took));
        }
    }
    out.insert(
        "same_changes_step".to_owned(),
        json!({ "ms": times, "changes": SAME_CHANGES }),
    );
    println!("{}", Value::Object(out));
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}

struct Arguments {
    lake: String,
    table: String,
    named: HashMap<String, String>,
}

impl Arguments {
    fn read() -> Self {
        let mut plain = Vec::new();
        let mut named = HashMap::new();
        let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
        while let Some(word) = words.next() {
            match word.strip_prefix("--") {
                Some(name) => {
                    named.insert(name.to_owned(), words.next().expect("a value"));
                }
                None => plain.push(word),
            }
        }
        let [lake, table] = plain
            .try_into()
            .expect("usage: figures LAKE TABLE --as-of T ...");
        Self { lake, table, named }
    }

    fn text(&self, name: &str) -> String {
        self.named
            .get(name)
            .unwrap_or_else(|| panic!("--{name} is missing"))
            .clone()
    }

    fn moment(&self, name: &str) -> AsOf {
        AsOf::At(parse_calendar(&self.text(name)).expect("a time"))
    }

    /// Times some runs after two that warm up.
    fn sample<T>(&self, mut run: impl FnMut() -> T) -> Value {
        let runs: usize = self.text("runs").parse().expect("a number");
        let mut times = Vec::new();
        for i in 0..runs + 2 {
            let started = Instant::now();
            let result = run();
            let took = started.elapsed();
            drop(result);
            if i >= 2 {
                times.push(ms(took));
            }
        }
        json!({ "ms": times })
    }

    async fn open(&self, limits: ReadLimits) -> Table {
        let lake = Lakehouse::open(&self.lake, limits).expect("a lake");
        lake.table(&self.table).await.expect("the table")
    }
}

/// A column chunk to decode.
struct Chunk {
    bytes: Bytes,
    metadata: ArrowReaderMetadata,
    row_group: usize,
    column: usize,
    rows: usize,
}

/// The column chunks that a read takes, in memory.
struct Decoding(Vec<Chunk>);

impl Decoding {
    fn new(arguments: &Arguments, table: &Table, at: AsOf, projection: &Projection) -> Self {
        let schema = table.manifest().schema.columns();
        let mut names = vec!["key", "event_time"];
        let wanted = projection
            .resolve(&table.manifest().schema)
            .expect("columns");
        names.extend(wanted.into_iter().map(|i| schema[i].name.as_str()));
        let mut chunks = Vec::new();
        for file in table.plan(at).files {
            let path = format!("{}/{}/{}", arguments.lake, arguments.table, file.name);
            let bytes = Bytes::from(std::fs::read(path).expect("a file"));
            let plain =
                ArrowReaderMetadata::load(&bytes, ArrowReaderOptions::new()).expect("a footer");
            let fields = plain.schema().fields().iter().map(|f| {
                let text = matches!(f.data_type(), arrow::datatypes::DataType::Utf8);
                let view = || {
                    f.as_ref()
                        .clone()
                        .with_data_type(arrow::datatypes::DataType::Utf8View)
                };
                if text { view() } else { f.as_ref().clone() }
            });
            let views = arrow::datatypes::Schema::new(fields.collect::<Vec<_>>());
            let options = ArrowReaderOptions::new().with_schema(views.into());
            let metadata = ArrowReaderMetadata::load(&bytes, options).expect("a footer");
            for row_group in 0..metadata.metadata().num_row_groups() {
                let rows = metadata.metadata().row_group(row_group).num_rows() as usize;
                let columns = metadata.parquet_schema().columns().iter().enumerate();
                for (column, _) in columns.filter(|(_, c)| names.contains(&c.name())) {
                    let (bytes, metadata) = (bytes.clone(), metadata.clone());
                    chunks.push(Chunk {
                        bytes,
                        metadata,
                        row_group,
                        column,
                        rows,
                    });
                }
            }
        }
        Self(chunks)
    }

    /// Decodes all of them, and holds them as a read would.
    fn run(&self) -> Vec<RecordBatch> {
        let held = Mutex::new(Vec::new());
        let next = Mutex::new(self.0.iter());
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        std::thread::scope(|scope| {
            for _ in 0..cores {
                scope.spawn(|| {
                    let mut decoded = Vec::new();
                    loop {
                        let chunk = next.lock().expect("no panic").next();
                        let Some(chunk) = chunk else { break };
                        decoded.extend(chunk.decode());
                    }
                    held.lock().expect("no panic").extend(decoded);
                });
            }
        });
        held.into_inner().expect("no panic")
    }
}

impl Chunk {
    fn decode(&self) -> Vec<RecordBatch> {
        let mask = ProjectionMask::leaves(self.metadata.parquet_schema(), [self.column]);
        let (bytes, metadata) = (self.bytes.clone(), self.metadata.clone());
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, metadata)
            .with_projection(mask)
            .with_row_groups(vec![self.row_group])
            .with_batch_size(self.rows)
            .build()
            .expect("a reader");
        reader.map(|batch| batch.expect("rows")).collect()
    }
}

/// The engine, as the explorer talks to it.
struct Explorer {
    engine: EngineHandle,
    replies: UnboundedReceiver<Reply>,
    table: String,
    next: u64,
}

impl Explorer {
    fn start(arguments: &Arguments) -> Self {
        let limits = ReadLimits::default().keeping();
        let lake = Lakehouse::open(&arguments.lake, limits).expect("a lake");
        let (engine, replies) = EngineHandle::start(lake).expect("an engine");
        Self {
            engine,
            replies,
            table: arguments.table.clone(),
            next: 0,
        }
    }

    fn snapshot(&mut self, as_of: AsOf) -> Duration {
        let table = self.table.clone();
        self.ask(Request::Snapshot {
            table,
            as_of,
            projection: Projection::All,
        })
        .0
    }

    fn compare(&mut self, from: AsOf, to: AsOf) -> (Duration, usize) {
        let table = self.table.clone();
        self.ask(Request::Compare {
            table,
            from,
            to,
            projection: Projection::All,
            arrangement: Arrangement::default(),
        })
    }

    fn ask(&mut self, request: Request) -> (Duration, usize) {
        self.next += 1;
        let id = RequestId(self.next);
        let started = Instant::now();
        self.engine.send(id, request);
        let mut answered = None;
        loop {
            let reply = self.replies.blocking_recv().expect("a reply");
            let took = started.elapsed();
            match reply.answer {
                Answer::Snapshot(rows) => answered = Some((took, rows.len())),
                Answer::Compared(diff, _) => answered = Some((took, diff.differing().len())),
                Answer::Failed(error) => panic!("{error}"),
                Answer::Done if reply.id == id => return answered.expect("an answer"),
                _ => {}
            }
        }
    }
}

/// Waits until the engine makes nothing ready any more: until the process takes no time on a core.
fn settle() {
    let ticks = || {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let after_name = stat.rsplit(") ").next().unwrap_or_default().to_owned();
        let field = |n: usize| {
            after_name
                .split(' ')
                .nth(n)
                .and_then(|f| f.parse::<u64>().ok())
        };
        field(11).unwrap_or(0) + field(12).unwrap_or(0)
    };
    let mut last = ticks();
    loop {
        std::thread::sleep(Duration::from_millis(300));
        let now = ticks();
        if now == last {
            return;
        }
        last = now;
    }
}
