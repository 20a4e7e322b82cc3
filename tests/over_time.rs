//! Aggregates and conditions over event time, held against reads of every moment.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]
#![allow(clippy::float_cmp, reason = "the aggregates are exact")]
#![allow(clippy::print_stderr, reason = "what is measured is printed")]

mod support;

use std::sync::Arc;
use std::time::Instant;

use azof_tui::aggregate::{Pause, Point, Series, Step, When, change_moments, moments_of_truth};
use azof_tui::cancel::CancelToken;
use azof_tui::expr::{AggregateFunction, Expression, Field, Pattern, Scalar};
use azof_tui::format::Projection;
use azof_tui::scan::{ReadLimits, Value};
use azof_tui::snapshot::Snapshot;
use azof_tui::view::{Arranging, Cell, Direction, Finding, Sort};
use azof_tui::{AsOf, ErrorKind, EventTime, Lakehouse, Table};
use proptest::prelude::*;
use support::mixed::{self, MixedRow, block_on, columns};

fn at(ms: i64) -> AsOf {
    AsOf::At(EventTime::from_ms(ms))
}

/// A column's values at a moment, as a read finds them; nulls are left out.
fn values(snapshot: &Snapshot, column: usize) -> Vec<Scalar> {
    let all = (0..snapshot.len()).map(|row| Scalar::from(snapshot.value(row, column)));
    all.filter(|v| *v != Scalar::Null).collect()
}

/// An aggregate, worked out anew.
fn naive(function: AggregateFunction, snapshot: &Snapshot, column: usize) -> Scalar {
    use AggregateFunction as F;
    let values = values(snapshot, column);
    let by_order = |a: &&Scalar, b: &&Scalar| a.order(b).expect("one family");
    match function {
        F::Count => {
            let is_counted = |v: &&Scalar| !matches!(v, Scalar::Bool(false));
            Scalar::Int(values.iter().filter(is_counted).count() as i128)
        }
        F::Min => values
            .iter()
            .min_by(by_order)
            .cloned()
            .unwrap_or(Scalar::Null),
        F::Max => values
            .iter()
            .max_by(by_order)
            .cloned()
            .unwrap_or(Scalar::Null),
        F::Sum | F::Mean if values.is_empty() => Scalar::Null,
        F::Sum | F::Mean => {
            let count = values.len() as f64;
            let whole: Option<i128> = values
                .iter()
                .map(|v| {
                    if let Scalar::Int(n) = v {
                        Some(*n)
                    } else {
                        None
                    }
                })
                .sum();
            match whole {
                Some(sum) if function == F::Sum => Scalar::Int(sum),
                Some(sum) => Scalar::Float(sum as f64 / count),
                None => {
                    let numbers: Vec<f64> = values.iter().filter_map(Scalar::as_f64).collect();
                    let sum = if numbers.iter().all(|n| n.is_finite()) {
                        // All of them are halves.
                        numbers.iter().map(|n| (n * 2.0) as i128).sum::<i128>() as f64 / 2.0
                    } else {
                        numbers.iter().sum()
                    };
                    Scalar::Float(if function == F::Sum { sum } else { sum / count })
                }
            }
        }
    }
}

type Condition = (&'static str, fn(&Snapshot) -> bool);

fn conditions() -> Vec<Condition> {
    use AggregateFunction as F;
    fn number(v: &Scalar) -> Option<f64> {
        v.as_f64()
    }
    vec![
        ("count() > 3", |s| s.len() > 3),
        ("count() < 2", |s| s.len() < 2),
        ("sum(n) < 0", |s| {
            number(&naive(F::Sum, s, 0)).is_some_and(|n| n < 0.0)
        }),
        ("sum(n) < 0 and count() > 2", |s| {
            s.len() > 2 && number(&naive(F::Sum, s, 0)).is_some_and(|n| n < 0.0)
        }),
        ("max(f) < 1.5 or min(t) = 'a'", |s| {
            let max = naive(F::Max, s, 1);
            max.order(&Scalar::Float(1.5))
                .is_some_and(std::cmp::Ordering::is_lt)
                || naive(F::Min, s, 2) == Scalar::Text("a".into())
        }),
        ("count(b) * 2 > count(n) - 1", |s| {
            number(&naive(F::Count, s, 3))
                .zip(number(&naive(F::Count, s, 0)))
                .is_some_and(|(b, n)| b * 2.0 > n - 1.0)
        }),
        ("not mean(n) > 0.5", |s| {
            number(&naive(F::Mean, s, 0)).is_some_and(|n| n <= 0.5)
        }),
        ("count(n > 0) >= 2", |s| {
            values(s, 0)
                .iter()
                .filter(|v| number(v).is_some_and(|n| n > 0.0))
                .count()
                >= 2
        }),
        ("max(d) > min(event_time)", |s| {
            let earliest = (0..s.len()).map(|row| s.event_time(row).ms()).min();
            naive(F::Max, s, 4)
                .as_f64()
                .zip(earliest)
                .is_some_and(|(d, e)| d > e as f64)
        }),
    ]
}

/// Walks to the end, reading what is not at hand.
async fn all_turns(
    table: &Table,
    mut walk: When,
    at_hand: &dyn Fn(AsOf) -> Option<Arc<Snapshot>>,
    budget: usize,
) -> Vec<i64> {
    let cancel = CancelToken::default();
    let mut turns = Vec::new();
    loop {
        match walk.run(at_hand, budget, &cancel).expect("not cancelled") {
            Step::Turned(at) => turns.push(at.ms()),
            Step::Done => {
                let (done, all) = walk.progress();
                assert_eq!(done, all);
                return turns;
            }
            Step::Paused(Pause::Budget) => {}
            Step::Paused(Pause::Needs(at)) => {
                walk.give(Arc::new(
                    table
                        .snapshot(at, &Projection::All, &cancel)
                        .await
                        .expect("rows"),
                ));
            }
        }
    }
}

fn files() -> impl Strategy<Value = Vec<Vec<MixedRow>>> {
    prop::collection::vec(prop::collection::vec(mixed::row("[a-d]"), 0..30), 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_condition_on_the_table_turns_true_where_reads_of_every_moment_say_so(files in files(), budget in 1usize..9) {
        let lake = mixed::lake(&files, 6);
        block_on(async {
            let (table, cold) = (mixed::open(&lake).await, mixed::open(&lake).await);
            let cancel = CancelToken::default();
            let ticks = table.ticks(&cancel).await.expect("ticks");
            let moments = change_moments(&ticks, table.epochs());
            let mut snapshots = Vec::new();
            for ms in moments.iter() {
                snapshots.push(cold.snapshot(at(*ms), &Projection::All, &cancel).await.expect("rows"));
            }
            for epoch in 0..table.epochs().len() {
                table.prepare(&table.epochs().get(epoch), &Projection::All, &cancel).await.expect("an index");
            }
            let prepared = |at| table.prepared_snapshot(at, &Projection::All).map(Arc::new);
            let empty = block_on_empty();
            for (text, holds) in conditions() {
                let condition = Arc::new(Expression::condition(text, &columns()).expect("a condition"));
                let truths: Vec<bool> = snapshots.iter().map(holds).collect();
                let turns: Vec<i64> = (0..moments.len())
                    .filter(|i| truths[*i] && !i.checked_sub(1).map_or_else(|| holds(&empty), |before| truths[before]))
                    .map(|i| moments[i])
                    .collect();
                let walk = || When::from_start(Arc::clone(&condition), Arc::clone(&moments)).expect("a walk");
                let by_index = all_turns(&table, walk(), &prepared, budget).await;
                prop_assert_eq!(&by_index, &turns, "by the index: {}", text);
                let by_reads = all_turns(&cold, walk(), &|_| None, budget).await;
                prop_assert_eq!(&by_reads, &turns, "by reads: {}", text);
                for after in [-5, 0, 3, 11, 40] {
                    let walk = When::after(Arc::clone(&condition), Arc::clone(&moments), after).expect("a walk");
                    let found = all_turns(&table, walk, &prepared, budget).await;
                    let expected: Vec<i64> = turns.iter().copied().filter(|at| *at > after).collect();
                    prop_assert_eq!(found, expected, "{} after {}", text, after);
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn an_aggregate_over_time_is_that_of_a_read_of_every_tick(files in files(), budget in 1usize..9) {
        let lake = mixed::lake(&files, 6);
        block_on(async {
            let (table, cold) = (mixed::open(&lake).await, mixed::open(&lake).await);
            let cancel = CancelToken::default();
            let ticks = table.ticks(&cancel).await.expect("ticks");
            let moments: Arc<[i64]> = ticks.iter().map(|t| t.event_time.ms()).collect();
            let mut snapshots = Vec::new();
            for ms in moments.iter() {
                snapshots.push(cold.snapshot(at(*ms), &Projection::All, &cancel).await.expect("rows"));
            }
            for epoch in 0..table.epochs().len() {
                table.prepare(&table.epochs().get(epoch), &Projection::All, &cancel).await.expect("an index");
            }
            for function in AggregateFunction::ALL {
                for (column, name) in ["n", "f", "t", "b", "d"].into_iter().enumerate() {
                    let Ok(aggregate) = Expression::aggregate(function, Some(name), &columns()) else {
                        prop_assert!(column >= 2 && matches!(function, AggregateFunction::Sum | AggregateFunction::Mean));
                        continue;
                    };
                    let mut series = Series::new(Arc::new(aggregate), Arc::clone(&moments));
                    let mut told = vec![Point::Unknown; moments.len()];
                    loop {
                        let prepared = |at| table.prepared_snapshot(at, &Projection::All).map(Arc::new);
                        let mut on_point = |i: usize, point| told[i] = point;
                        match series.run(&prepared, budget, &cancel, &mut on_point).expect("not cancelled") {
                            None => break,
                            Some(pause) => prop_assert_eq!(pause, Pause::Budget),
                        }
                    }
                    prop_assert_eq!(format!("{told:?}"), format!("{:?}", series.points()));
                    for (point, snapshot) in told.iter().zip(&snapshots) {
                        let expected = naive(function, snapshot, column).as_f64();
                        let same = match (point, expected) {
                            (Point::Nothing, None) => true,
                            (Point::Value(found), Some(expected)) => *found == expected || found.is_nan() && expected.is_nan(),
                            _ => false,
                        };
                        prop_assert!(same, "{}({}): {:?} for {:?}", function.name(), name, point, expected);
                    }
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_condition_on_a_row_turns_true_where_reads_of_every_moment_say_so(files in files()) {
        let lake = mixed::lake(&files, 6);
        block_on(async {
            let table = mixed::open(&lake).await;
            let cancel = CancelToken::default();
            let mut snapshots = Vec::new();
            for ms in -2..30 {
                snapshots.push((ms, table.snapshot(at(ms), &Projection::All, &cancel).await.expect("rows")));
            }
            for text in ["n > 0", "n is null", "not b", "t ~ 'a' or f < 0", "event_time > '1970-01-01T00:00:00.005Z'", "key = 'a'"] {
                let condition = Expression::condition(text, &columns()).expect("a condition");
                for key in ["a", "b", "c", "d", "no such key"] {
                    let history = table.history(key, &Projection::All, &cancel).await.expect("a history");
                    let found: Vec<i64> = moments_of_truth(&history, &condition).expect("moments").iter().map(|t| t.ms()).collect();
                    let holds = |snapshot: &Snapshot| snapshot.find(key).is_ok_and(|row| {
                        let value = condition.of_row(|field| match field {
                            Field::Key => Value::Text(snapshot.key(row)),
                            Field::EventTime => Value::Time(snapshot.event_time(row)),
                            Field::Value(at) => {
                                let name = &condition.columns()[at].name;
                                snapshot.value(row, columns().iter().position(|c| c.name == *name).expect("a column"))
                            }
                        });
                        value.expect("a value") == Scalar::Bool(true)
                    });
                    let pairs = snapshots.windows(2);
                    let expected: Vec<i64> = pairs.filter(|p| holds(&p[1].1) && !holds(&p[0].1)).map(|p| p[1].0).collect();
                    prop_assert_eq!(found, expected, "{} of {}", text, key);
                }
            }
            Ok(())
        })?;
    }
}

/// A table without rows.
fn block_on_empty() -> Snapshot {
    let found = azof_tui::scan::NewestRows {
        chunks: Arc::new([]),
        rows: Vec::new(),
        cost: azof_tui::scan::ScanCost::default(),
    };
    Snapshot::listed(at(i64::MIN), columns().into(), found)
}

#[test]
fn a_cancelled_walk_is_an_error() {
    let cancel = CancelToken::default();
    cancel.cancel();
    let none = |_| None;
    let moments: Arc<[i64]> = Arc::new([1, 2]);
    let condition = Arc::new(Expression::condition("count() > 1", &[]).expect("a condition"));
    let mut walk = When::from_start(Arc::clone(&condition), Arc::clone(&moments)).expect("a walk");
    assert_eq!(
        walk.run(&none, 9, &cancel).expect_err("cancelled").kind(),
        ErrorKind::Cancelled
    );
    let mut series = Series::new(condition, moments);
    let outcome = series.run(&none, 9, &cancel, &mut |_, _| {});
    assert_eq!(outcome.expect_err("cancelled").kind(), ErrorKind::Cancelled);
}

#[test]
fn a_table_answers_on_all_cores_what_a_plan_answers_on_one() {
    let row = |i: i64| MixedRow {
        key: format!("key {:05}", i * 7_919 % 40_000),
        event_time: i % 50,
        n: (i % 11 != 0).then_some(i * 31 % 1_000),
        f: Some(i as f64 / 8.0),
        t: Some(format!("text {}", i % 97)),
        b: Some(i % 3 == 0),
        d: None,
    };
    let lake = mixed::lake(&[(0..40_000).map(row).collect()], 9_000);
    block_on(async {
        let table = mixed::open(&lake).await;
        let cancel = CancelToken::default();
        let [snapshot, _] = mixed::both_ways(&table, AsOf::Current).await;
        let filter = Expression::filter("n > 500 and t ~ '7'", &columns());
        let filter = Some(Arc::new(filter.expect("a condition")));
        for by in [
            Field::Key,
            Field::EventTime,
            Field::Value(0),
            Field::Value(2),
        ] {
            let sort = Some(Sort {
                by,
                descending: true,
            });
            let plan =
                Arranging::new(Arc::clone(&snapshot), filter.clone(), sort, 1).expect("a plan");
            let order = table
                .arrange(Arc::clone(&snapshot), filter.clone(), sort, &cancel)
                .await;
            let order = order.expect("rows");
            assert!(order.len() > 1_000);
            assert_eq!(order, plan.run_all(&cancel).expect("rows"));
        }
        for (pattern, row) in [("key 39999", 5), ("text 96", 39_990), ("no such text", 0)] {
            let start = (Cell { row, column: 1 }, Direction::Backward, false);
            let pattern = Pattern::new(pattern).expect("a pattern");
            let fields = vec![Field::Key, Field::Value(2), Field::Value(0)];
            let finding = Finding::new(Arc::clone(&snapshot), None, fields, pattern, start);
            let finding = Arc::new(finding.expect("a plan"));
            let found = table
                .find(Arc::clone(&finding), &cancel)
                .await
                .expect("an answer");
            assert_eq!(found, finding.run_all(&cancel).expect("an answer"));
            let count = table
                .count_matches(finding, &cancel)
                .await
                .expect("a count");
            assert_eq!(count.cells > 0, found.is_some());
        }
        let asked = (vec![Field::Value(0), Field::Key], 10);
        let statistics = table
            .statistics(Arc::clone(&snapshot), None, asked, &cancel)
            .await;
        let statistics = statistics.expect("statistics");
        assert_eq!(statistics[1].distinct.count, 40_000);
        assert_eq!(
            statistics[0].nulls,
            statistics[0].rows - values(&snapshot, 0).len() as u64
        );

        let ticks = table.ticks(&cancel).await.expect("ticks");
        let moments = change_moments(&ticks, table.epochs());
        let condition =
            Arc::new(Expression::condition("count() >= 20_000", &columns()).expect("a condition"));
        let projection = condition.projection();
        let walk = When::from_start(Arc::clone(&condition), Arc::clone(&moments)).expect("a walk");
        let (walk, turned) = table
            .next_turn(walk, &projection, &cancel, |_, _| {})
            .await
            .expect("an answer");
        assert_eq!(turned.map(EventTime::ms), Some(24));
        let (_, turned) = table
            .next_turn(walk, &projection, &cancel, |_, _| {})
            .await
            .expect("an answer");
        assert_eq!(turned, None);
        let sum = Arc::new(Expression::value("sum(n)", &columns()).expect("an aggregate"));
        let projection = sum.projection();
        let mut told = 0;
        let series = Series::new(sum, moments);
        let series = table
            .in_background()
            .fill_series(series, &projection, &cancel, |_| told += 1)
            .await;
        let series = series.expect("a series");
        assert!(told > 0 && series.progress() == (50, 50));
        let last = naive(AggregateFunction::Sum, &snapshot, 0).as_f64();
        assert_eq!(series.points().last(), last.map(Point::Value).as_ref());
    });
}

/// How long things take on a million rows, on as many cores as there are:
///
///     cargo run --release --example make_events -- /tmp/events 10000000
///     AZOF_EVENTS=/tmp/events cargo test --release --test over_time -- --ignored --nocapture
#[test]
#[ignore = "measures, and wants a large lake"]
fn how_long_a_million_rows_take() {
    let Ok(path) = std::env::var("AZOF_EVENTS") else {
        eprintln!("PASSED OVER: AZOF_EVENTS names no lake");
        return;
    };
    block_on(async {
        let limits = ReadLimits {
            cache_bytes: 4 << 30,
            ..ReadLimits::default()
        };
        let lake = Lakehouse::open(&path, limits).expect("a lake");
        let table = lake.table("events").await.expect("the table");
        let cancel = CancelToken::default();
        let snapshot = table
            .snapshot(AsOf::Current, &Projection::All, &cancel)
            .await;
        let snapshot = Arc::new(snapshot.expect("rows"));
        eprintln!("{} rows", snapshot.len());
        measure_orders(&table, &snapshot).await;
        measure_cells(&table, &snapshot).await;
        measure_series(&table).await;
    });
}

fn ms_since(started: Instant) -> String {
    format!("{:.1} ms", started.elapsed().as_secs_f64() * 1e3)
}

async fn measure_orders(table: &Table, snapshot: &Arc<Snapshot>) {
    let schema = snapshot.columns();
    for (filter, by) in [
        (Some("note ~ \"DESK\" and price > 500"), None),
        (Some("status ~ \"open\" and price > 1e3"), None),
        (Some("price * quantity > 1e5 or due is null"), None),
        (None, Some(("price", false))),
        (None, Some(("price", true))),
        (None, Some(("status", false))),
        (None, Some(("note", true))),
        (Some("status ~ 'open'"), Some(("due", false))),
    ] {
        let read = |text| Arc::new(Expression::filter(text, schema).expect("a condition"));
        let sort = by.map(|(name, descending)| {
            let at = schema
                .iter()
                .position(|c| c.name == name)
                .expect("a column");
            let by = Field::Value(at);
            Sort { by, descending }
        });
        for _ in 0..2 {
            let started = Instant::now();
            let order = table
                .arrange(
                    Arc::clone(snapshot),
                    filter.map(read),
                    sort,
                    &CancelToken::default(),
                )
                .await;
            let rows = order.expect("rows").len();
            eprintln!(
                "filter {filter:?}, sort {by:?}: {}, {rows} rows",
                ms_since(started)
            );
        }
    }
}

async fn measure_cells(table: &Table, snapshot: &Arc<Snapshot>) {
    let cancel = CancelToken::default();
    let values = (0..snapshot.columns().len()).map(Field::Value);
    let fields: Vec<Field> = [Field::Key, Field::EventTime]
        .into_iter()
        .chain(values)
        .collect();
    for pattern in ["no such text", "zzzzzz", "[0-9]{12}", "99"] {
        let start = (Cell { row: 0, column: 0 }, Direction::Forward, true);
        let compiled = Pattern::new(pattern).expect("a pattern");
        let finding = Finding::new(Arc::clone(snapshot), None, fields.clone(), compiled, start);
        let finding = Arc::new(finding.expect("a plan"));
        let started = Instant::now();
        let found = table
            .find(Arc::clone(&finding), &cancel)
            .await
            .expect("an answer");
        eprintln!("find {pattern}: {}, {found:?}", ms_since(started));
        let started = Instant::now();
        let count = table
            .count_matches(finding, &cancel)
            .await
            .expect("a count");
        eprintln!("count {pattern}: {}, {count:?}", ms_since(started));
    }
    let started = Instant::now();
    let found = table
        .statistics(Arc::clone(snapshot), None, (fields, 40), &cancel)
        .await;
    let found = found.expect("statistics");
    eprintln!(
        "statistics of {} columns: {}",
        found.len(),
        ms_since(started)
    );
    for column in found {
        eprintln!("  {:?}: {:?}", column.field, column.distinct);
    }
}

async fn measure_series(table: &Table) {
    let cancel = CancelToken::default();
    let ticks = table.ticks(&cancel).await.expect("ticks");
    let moments: Vec<i64> = ticks.iter().map(|t| t.event_time.ms()).collect();
    for text in ["sum(price)", "max(price)", "min(note)"] {
        let schema = table.manifest().schema.columns();
        let aggregate = Arc::new(Expression::value(text, schema).expect("an aggregate"));
        let projection = aggregate.projection();
        // The moments of one epoch, whose index answers.
        let epoch = table.epochs().at(at(moments[moments.len() / 2]));
        assert!(
            table
                .prepare(&epoch, &projection, &cancel)
                .await
                .expect("an index")
        );
        let is_within = |ms: &i64| (epoch.from..=epoch.until).contains(ms);
        let within: Arc<[i64]> = moments.iter().copied().filter(is_within).collect();
        let series = Series::new(aggregate, Arc::clone(&within));
        let started = Instant::now();
        let mut first = None;
        let series = table.fill_series(series, &projection, &cancel, |_| {
            first.get_or_insert_with(|| ms_since(started));
        });
        let (_, all) = series.await.expect("a series").progress();
        eprintln!(
            "{text} at {all} ticks: {}, the first of them in {first:?}",
            ms_since(started)
        );
    }
}
