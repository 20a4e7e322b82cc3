//! Times of one statement of SQL, planning included, for `benches/sql.py`: prints one JSON object of medians in
//! milliseconds.
//!
//!     cargo bench --bench sql -- LAKE MOMENT STATEMENT
//!
//! `cold`: a session made and the lake opened for each run. `warm`: the same session again. `scrub`: the same session,
//! each run at the tick after the last one's.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement that cannot be made should stop the run, and its figures are printed"
)]

use std::time::Instant;

use azof_tui::cancel::CancelToken;
use azof_tui::event_time::{AsOf, parse_calendar};
use azof_tui::scan::ReadLimits;
use azof_tui::{ExecutionContext, Lakehouse};
use tokio::runtime::Runtime;

const RUNS: usize = 41;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let [lake, moment, statement] = arguments.as_slice() else {
        println!("usage: cargo bench --bench sql -- LAKE MOMENT STATEMENT");
        return;
    };
    let runtime = Runtime::new().expect("a runtime");
    let moment = parse_calendar(moment).map(AsOf::At).expect("a moment");
    let open = || ExecutionContext::new(lake).expect("a lake").at(moment);
    let run = |context: &ExecutionContext| {
        let started = Instant::now();
        let rows: usize = runtime.block_on(async {
            let frame = context.sql(statement).await.expect("a plan");
            let batches = frame.collect().await.expect("rows");
            batches
                .iter()
                .map(arrow::array::RecordBatch::num_rows)
                .sum()
        });
        (started.elapsed().as_secs_f64() * 1e3, rows)
    };
    let cold = median((0..RUNS).map(|_| {
        let started = Instant::now();
        run(&open());
        started.elapsed().as_secs_f64() * 1e3
    }));
    let context = open();
    let rows = run(&context).1;
    let warm = median((0..RUNS).map(|_| run(&context).0));
    let ticks = runtime.block_on(async {
        let lake = Lakehouse::open(lake, ReadLimits::default()).expect("a lake");
        let table = lake.table("financials").await.expect("financials");
        table.ticks(&CancelToken::default()).await.expect("ticks")
    });
    let ticks: Vec<AsOf> = ticks.iter().map(|t| AsOf::At(t.event_time)).collect();
    let last = ticks[ticks.len().saturating_sub(RUNS)..].iter();
    let scrub = median(last.map(|tick| run(&context.at(*tick)).0));
    println!(
        "{{\"cold\": {cold:.3}, \"warm\": {warm:.3}, \"scrub\": {scrub:.3}, \"rows\": {rows}}}"
    );
}

fn median(times: impl Iterator<Item = f64>) -> f64 {
    let mut times: Vec<f64> = times.collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
