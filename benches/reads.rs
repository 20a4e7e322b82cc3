//! How long reads take, cold: each run opens the lake anew, so that footers are read and chunks decoded again. The files
//! are in the page cache.
//!
//!     cargo bench
//!
//! Runs on the public lake where it stands beside the project, and on `test-data` in any case.
#![allow(clippy::expect_used, reason = "a bench without its data should stop")]

use std::path::Path;

use azof_tui::cancel::CancelToken;
use azof_tui::event_time::parse_calendar;
use azof_tui::format::Projection;
use azof_tui::scan::ReadLimits;
use azof_tui::{AsOf, Lakehouse, Table};
use divan::Bencher;

fn main() {
    divan::main();
}

/// The lakes that are here, with two moments of `financials` to read and to compare.
fn lakes() -> Vec<(&'static str, &'static str, &'static str, &'static str)> {
    let all = [
        ("public", "../shared/data/azof", "2018-05-17", "2019-11-17"),
        ("test-data", "test-data", "2018-05-17", "2019-11-17"),
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    all.into_iter()
        .filter(|(_, path, ..)| root.join(path).join("financials").exists())
        .collect()
}

fn day(text: &str) -> AsOf {
    AsOf::At(parse_calendar(text).expect("a date"))
}

/// Runs a read on a table opened anew each time.
fn cold<T>(bencher: Bencher<'_, '_>, lake: &str, read: impl AsyncFn(Table) -> T + Sync) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(lake);
    let path = path.to_str().expect("a UTF-8 path");
    let runtime = azof_tui::engine::runtime("bench").expect("a runtime");
    bencher.bench_local(|| {
        runtime.block_on(async {
            let lake = Lakehouse::open(path, ReadLimits::default()).expect("a lake");
            read(lake.table("financials").await.expect("the table")).await
        })
    });
}

#[divan::bench(args = lakes())]
fn as_of_all_columns(bencher: Bencher<'_, '_>, (_, lake, _, at): (&str, &str, &str, &str)) {
    cold(bencher, lake, async |table| {
        table
            .snapshot(day(at), &Projection::All, &CancelToken::default())
            .await
            .expect("rows")
            .len()
    });
}

#[divan::bench(args = lakes())]
fn as_of_one_column(bencher: Bencher<'_, '_>, (_, lake, _, at): (&str, &str, &str, &str)) {
    cold(bencher, lake, async |table| {
        let one = Projection::parse("revenue");
        table
            .snapshot(day(at), &one, &CancelToken::default())
            .await
            .expect("rows")
            .len()
    });
}

#[divan::bench(args = lakes())]
fn compare_all_columns(bencher: Bencher<'_, '_>, (_, lake, from, to): (&str, &str, &str, &str)) {
    cold(bencher, lake, async |table| {
        let diff = table
            .diff(
                day(from),
                day(to),
                &Projection::All,
                &CancelToken::default(),
            )
            .await;
        diff.expect("a diff").summary().differences()
    });
}

#[divan::bench(args = lakes())]
fn ticks(bencher: Bencher<'_, '_>, (_, lake, ..): (&str, &str, &str, &str)) {
    cold(bencher, lake, async |table| {
        table
            .ticks(&CancelToken::default())
            .await
            .expect("ticks")
            .len()
    });
}
