//! What a person makes of a snapshot's rows (filter, sort, find, statistics), each held against a naive way.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]

mod support;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::AsArray;
use azof_tui::cancel::CancelToken;
use azof_tui::diff::{ChangeKind, SortedSide};
use azof_tui::expr::{
    BoundExpression, ExprError, Expression, Field, Kind, Pattern, Scalar, compare_floats,
};
use azof_tui::scan::Value;
use azof_tui::snapshot::Snapshot;
use azof_tui::sql::AsOfTable;
use azof_tui::view::{
    Arranging, Cell, Direction, Finding, Found, Histogram, MatchCount, Sort, StatisticsPlan,
};
use azof_tui::{AsOf, ErrorKind, EventTime};
use proptest::prelude::*;
use support::mixed::{self, MixedRow, block_on, both_ways, columns};

const FIELDS: [Field; 7] = [
    Field::Key,
    Field::EventTime,
    Field::Value(0),
    Field::Value(1),
    Field::Value(2),
    Field::Value(3),
    Field::Value(4),
];

fn value(snapshot: &Snapshot, row: usize, field: Field) -> Value<'_> {
    match field {
        Field::Key => Value::Text(snapshot.key(row)),
        Field::EventTime => Value::Time(snapshot.event_time(row)),
        Field::Value(column) => snapshot.value(row, column),
    }
}

/// An expression's value for a row, one value at a time.
fn naive(expression: &Expression, snapshot: &Snapshot, row: usize) -> azof_tui::Result<Scalar> {
    let position = |at: usize| {
        let name = &expression.columns()[at].name;
        snapshot
            .columns()
            .iter()
            .position(|c| c.name == *name)
            .expect("a column")
    };
    expression.of_row(|field| match field {
        Field::Value(at) => snapshot.value(row, position(at)),
        own => value(snapshot, row, own),
    })
}

fn naive_rows(filter: Option<&Expression>, snapshot: &Snapshot) -> azof_tui::Result<Vec<u32>> {
    let mut kept = Vec::new();
    for row in 0..snapshot.len() {
        let is_kept = match filter {
            Some(filter) => naive(filter, snapshot, row)? == Scalar::Bool(true),
            None => true,
        };
        kept.extend(is_kept.then_some(row as u32));
    }
    Ok(kept)
}

/// Sorted by a value, with nulls last, and NaN right before them.
fn naive_sort(rows: &mut [u32], snapshot: &Snapshot, sort: Sort) {
    let of = |row: &u32| Scalar::from(value(snapshot, *row as usize, sort.by));
    naive_order(rows, sort.descending, of);
}

fn naive_order(rows: &mut [u32], descending: bool, value: impl Fn(&u32) -> Scalar) {
    let rank = |v: &Scalar| match v {
        Scalar::Null => 2,
        Scalar::Float(f) if f.is_nan() => 1,
        _ => 0,
    };
    rows.sort_by(|a, b| {
        let (a, b) = (value(a), value(b));
        rank(&a).cmp(&rank(&b)).then_with(|| {
            let order = a.order(&b).unwrap_or(Ordering::Equal);
            if descending { order.reverse() } else { order }
        })
    });
}

fn operand() -> impl Strategy<Value = String> {
    let simple = prop::sample::select(vec![
        "n",
        "f",
        "1",
        "-2",
        "1e3",
        "0.5",
        "1_000",
        "9223372036854775807",
        "9.3e18",
    ]);
    let simple = simple.prop_map(str::to_owned);
    simple.prop_recursive(2, 6, 2, |inner| {
        (
            inner.clone(),
            prop::sample::select(vec!["+", "-", "*", "/"]),
            inner,
        )
            .prop_map(|(a, o, b)| format!("({a} {o} {b})"))
    })
}

fn condition() -> impl Strategy<Value = String> {
    let compare = || prop::sample::select(vec!["=", "==", "!=", "<>", "<", "<=", ">", ">="]);
    let numbers = (operand(), compare(), operand()).prop_map(|(a, c, b)| format!("{a} {c} {b}"));
    let texts = (
        prop::sample::select(vec!["t", "key", "`t`"]),
        compare(),
        prop::sample::select(vec![
            "'a'",
            "\"B\"",
            "\"fifteen lettersa\"",
            "'it''s \"x\"'",
            "key",
        ]),
    );
    let texts = texts.prop_map(|(a, c, b)| format!("{a} {c} {b}"));
    let times = (
        prop::sample::select(vec!["d", "event_time"]),
        compare(),
        prop::sample::select(vec![
            "'1970'",
            "\"1970-01-02\"",
            "'1970-01-01T00:00:00.002Z'",
            "'2500-01-01'",
            "'1600-01-01'",
            "event_time",
        ]),
    );
    let times = times.prop_map(|(a, c, b)| format!("{a} {c} {b}"));
    let others = prop::sample::select(vec![
        "b",
        "b = true",
        "b != (n > 0)",
        "null",
        "n is null",
        "t is not null",
        "f / 0 is null",
        "t ~ 'a'",
        "t !~ \"B$\"",
        "t ~ '^STRAẞE$|ss|STRASSE'",
        "n in (1, 2, null)",
        "n not in (1, f)",
        "t in ('a', 'B', '')",
        "d in ('1970', event_time)",
        "null in (n)",
        "f in (1, 0.5, -1)",
        "n * n * n >= n",
    ]);
    let leaf =
        prop_oneof![3 => numbers, 2 => texts, 2 => times, 4 => others.prop_map(str::to_owned)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| format!("not ({a})")),
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|parts| format!("({})", parts.join(") and ("))),
            prop::collection::vec(inner, 2..4)
                .prop_map(|parts| format!("({})", parts.join(") || ("))),
        ]
    })
}

fn files() -> impl Strategy<Value = Vec<Vec<MixedRow>>> {
    prop::collection::vec(prop::collection::vec(mixed::row("[a-e]{1,2}"), 0..25), 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_filter_keeps_and_a_sort_orders_what_the_naive_way_does(
        files in files(), group in 1usize..9, conditions in prop::collection::vec(condition(), 12), descending: bool, parts in 1usize..6,
    ) {
        let lake = mixed::lake(&files, group);
        block_on(async {
            let table = mixed::open(&lake).await;
            let cancel = CancelToken::default();
            for snapshot in both_ways(&table, AsOf::Current).await {
                for text in &conditions {
                    let filter = Expression::filter(text, &columns());
                    prop_assert!(filter.is_ok(), "{}: {:?}", text, filter);
                    let filter = Arc::new(filter.expect("a condition"));
                    let bound = BoundExpression::new(&filter, snapshot.columns(), snapshot.chunks()).expect("columns");
                    let truths = bound.truths(snapshot.row_refs());
                    let naive_truths: azof_tui::Result<Vec<Option<bool>>> = (0..snapshot.len())
                        .map(|row| naive(&filter, &snapshot, row).map(|v| if let Scalar::Bool(yes) = v { Some(yes) } else { None }))
                        .collect();
                    prop_assert_eq!(truths.as_ref().ok(), naive_truths.as_ref().ok(), "{}", text);
                    let arranging = Arranging::new(Arc::clone(&snapshot), Some(Arc::clone(&filter)), None, 3).expect("a plan").in_parts(parts);
                    let rows = arranging.run_all(&cancel).ok();
                    let expected = naive_rows(Some(&filter), &snapshot).ok();
                    prop_assert_eq!(rows.as_deref(), expected.as_deref(), "{}", text);
                }
                // Of whole numbers SQL rounds those that are as large as these, and wraps larger ones.
                let is_small = |row| match snapshot.value(row, 0) {
                    Value::Int(n) => n.unsigned_abs() <= 1_000,
                    _ => true,
                };
                let are_small = (0..snapshot.len()).all(is_small);
                let alike = conditions.iter().filter(|text| {
                    are_small && !text.contains("9223372036854775807") && !text.contains("9.3e18")
                });
                let alike = alike.filter_map(|text| {
                    let filter = Expression::filter(text, &columns()).ok()?;
                    Some((text, naive_rows(Some(&filter), &snapshot).ok()?, filter.to_sql()))
                });
                for (text, expected, sql) in alike {
                    let session = datafusion::prelude::SessionContext::new();
                    let rows = Arc::new(AsOfTable::new(table.clone(), AsOf::Current));
                    session.register_table("rows", rows).expect("registered");
                    let statement = format!("SELECT key FROM rows WHERE {sql} ORDER BY key");
                    let batches = session.sql(&statement).await.expect("a plan").collect().await;
                    let batches = batches.unwrap_or_else(|e| panic!("{sql}: {e}"));
                    let keys: Vec<String> = batches
                        .iter()
                        .flat_map(|b| b.column(0).as_string_view().iter().flatten().map(str::to_owned))
                        .collect();
                    let expected: Vec<&str> = expected.iter().map(|row| snapshot.key(*row as usize)).collect();
                    prop_assert_eq!(keys, expected, "{} as {}", text, sql);
                }
                let filter = Arc::new(Expression::filter("n is null or n > -3", &columns()).expect("a condition"));
                for by in FIELDS {
                    for filter in [None, Some(&filter)] {
                        let sort = Sort { by, descending };
                        let arranging = Arranging::new(Arc::clone(&snapshot), filter.cloned(), Some(sort), 3).expect("a plan").in_parts(parts);
                        let mut expected = naive_rows(filter.map(|f| &**f), &snapshot).expect("rows");
                        naive_sort(&mut expected, &snapshot, sort);
                        prop_assert_eq!(&*arranging.run_all(&cancel).expect("rows"), expected.as_slice(), "{:?}", sort);
                    }
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_difference_is_sorted_and_filtered_as_the_naive_way_does(
        files in files(), at in 0i64..40, condition in condition(), descending: bool, forward: bool,
    ) {
        let lake = mixed::lake(&files, 5);
        block_on(async {
            let table = mixed::open(&lake).await;
            let cancel = CancelToken::default();
            let [early, late] = [AsOf::At(EventTime::from_ms(at)), AsOf::Current];
            let (a, b) = if forward { (early, late) } else { (late, early) };
            for (a, b) in both_ways(&table, a).await.into_iter().zip(both_ways(&table, b).await) {
                let diff = table.compare(Arc::clone(&a), Arc::clone(&b), &cancel).await.expect("a difference");
                let one_by_one: Vec<_> = (0..diff.len()).map(|at| diff.change(at)).collect();
                prop_assert!(diff.changes().eq(one_by_one.iter().copied()));
                let filter = Arc::new(Expression::filter(&condition, &columns()).expect("a condition"));
                let arrange = |side: &Arc<Snapshot>, filter: Option<&Arc<Expression>>, sort| {
                    Arranging::new(Arc::clone(side), filter.cloned(), sort, 2).expect("a plan").run_all(&cancel)
                };
                // A condition that cannot be worked out for some row is an error for all of them.
                let (Ok(in_a), Ok(in_b)) = (arrange(&a, Some(&filter), None), arrange(&b, Some(&filter), None)) else {
                    continue;
                };
                for by in FIELDS {
                    let sort = Some(Sort { by, descending });
                    let sides = [&a, &b].map(|side| {
                        let order = arrange(side, None, sort).expect("rows");
                        SortedSide { rows: Arc::clone(side), order, by }
                    });
                    let sorted = diff.sorted((&sides[0], &sides[1]), descending, &cancel).expect("an order");
                    // What a row shows, one after the other.
                    let shown = |at: &u32| match (one_by_one[*at as usize].a(), one_by_one[*at as usize].b()) {
                        (_, Some(row)) => Scalar::from(value(&b, row, by)),
                        (Some(row), None) => Scalar::from(value(&a, row, by)),
                        (None, None) => Scalar::Null,
                    };
                    let mut naive: Vec<u32> = (0..diff.len() as u32).collect();
                    naive_order(&mut naive, descending, shown);
                    prop_assert_eq!(&sorted, &naive, "{:?}", sort);
                    // Listed as B is, each removed row right behind the one that it followed in A.
                    let position = |side: usize, row: u32| {
                        let of = |c: &azof_tui::diff::Change| if side == 0 { c.a() } else { c.b() };
                        one_by_one.iter().position(|c| of(c) == Some(row as usize)).expect("a row") as u32
                    };
                    let mut naive: Vec<u32> = sides[1].order.iter().map(|row| position(1, *row)).collect();
                    let before: Vec<u32> = sides[0].order.iter().map(|row| position(0, *row)).collect();
                    for (i, at) in before.iter().enumerate() {
                        if one_by_one[*at as usize].kind == ChangeKind::Removed {
                            let after = i.checked_sub(1).map(|i| before[i]);
                            let place = after.map_or(0, |after| 1 + naive.iter().position(|p| *p == after).expect("it is there"));
                            naive.insert(place, *at);
                        }
                    }
                    let listed = diff.listed(&sides[0].order, &sides[1].order, &cancel).expect("an order");
                    prop_assert_eq!(&listed, &naive);
                    for kept in [None, Some((&*in_a, &*in_b))] {
                        let order = diff.order(kept, Some(sorted.clone()), &cancel).expect("an order");
                        let is_kept = |at: &u32| kept.is_none_or(|(in_a, in_b)| {
                            let change = one_by_one[*at as usize];
                            change.a().is_some_and(|row| in_a.contains(&(row as u32)))
                                || change.b().is_some_and(|row| in_b.contains(&(row as u32)))
                        });
                        let expected: Vec<u32> = sorted.iter().copied().filter(is_kept).collect();
                        prop_assert_eq!(&*order.positions, expected.as_slice());
                        let kinds = expected.iter().map(|at| one_by_one[*at as usize].kind).enumerate();
                        let differing = kinds.filter(|(_, kind)| *kind != ChangeKind::Same);
                        let differing: Vec<(u32, ChangeKind)> = differing.map(|(i, kind)| (i as u32, kind)).collect();
                        prop_assert_eq!(&order.differing, &differing);
                        for kind in ChangeKind::ALL {
                            let count = expected.iter().filter(|at| one_by_one[**at as usize].kind == kind).count();
                            prop_assert_eq!(order.summary.count(kind), count);
                        }
                    }
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_search_finds_what_the_naive_one_does_and_ends_where_it_began(
        files in files(), pattern in prop::sample::select(vec!["a", "B", "1", "1,0", "^1970", "0", "tru", "ers[ab]", "∞", "\\.5", "zz", "00:00", "T00", ",", "1970-01-01 0", "0Z$", "^1,", "1,001", "-3", "[01]:[03]", "\\d,\\d", "[tz]", "0[0-9]$", "\\b1\\b", "(e|1e)", "19.0", "[^0-9]", "1,?0", "n$", "$", "-\\d+$", "0.[TZ ]?0", "[xq]{2}"]),
        from in (0usize..30, 0usize..7), includes_start: bool, sorted: bool,
    ) {
        let lake = mixed::lake(&files, 5);
        block_on(async {
            let table = mixed::open(&lake).await;
            let cancel = CancelToken::default();
            let pattern = Pattern::new(pattern).expect("a pattern");
            for snapshot in both_ways(&table, AsOf::Current).await {
                let sort = Sort { by: Field::Value(1), descending: true };
                let order = Arranging::new(Arc::clone(&snapshot), None, Some(sort), 1).expect("a plan").run_all(&cancel).expect("rows");
                let order = sorted.then_some(order);
                let place = |row: usize| order.as_ref().map_or(row, |order| order[row] as usize);
                let from = Cell { row: from.0.min(snapshot.len().saturating_sub(1)), column: from.1 };
                let mut hits = Vec::new();
                for row in 0..snapshot.len() {
                    for (column, field) in FIELDS.into_iter().enumerate() {
                        if naive_match(&pattern, value(&snapshot, place(row), field)) {
                            hits.push(Cell { row, column });
                        }
                    }
                }
                let ahead = |c: &&Cell| **c > from || includes_start && **c == from;
                let behind = |c: &&Cell| **c < from || includes_start && **c == from;
                let forward = hits.iter().find(ahead).map(|c| (*c, false)).or(hits.first().map(|c| (*c, true)));
                let backward = hits.iter().rfind(behind).map(|c| (*c, false)).or(hits.last().map(|c| (*c, true)));
                for (direction, expected) in [(Direction::Forward, forward), (Direction::Backward, backward)] {
                    let finding = Finding::new(
                        Arc::clone(&snapshot), order.clone(), FIELDS.to_vec(), pattern.clone(), (from, direction, includes_start),
                    ).expect("a plan");
                    let found = finding.run_all(&cancel).expect("not cancelled");
                    prop_assert_eq!(found, expected.map(|(cell, wrapped)| Found { cell, wrapped }), "{:?} from {:?}", direction, from);
                    let count = (0..finding.count_parts()).map(|part| finding.count(part, &cancel).expect("a count"));
                    let count = count.fold(MatchCount::default(), |a, b| a + b);
                    let mut rows: Vec<usize> = hits.iter().map(|c| c.row).collect();
                    rows.dedup();
                    prop_assert_eq!(count, MatchCount { rows: rows.len(), cells: hits.len() });
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn statistics_say_what_the_values_do(files in files(), bins in 1usize..9) {
        let lake = mixed::lake(&files, 7);
        block_on(async {
            let table = mixed::open(&lake).await;
            let cancel = CancelToken::default();
            for snapshot in both_ways(&table, AsOf::Current).await {
                let plan = StatisticsPlan::new(Arc::clone(&snapshot), None, FIELDS.to_vec(), bins).expect("a plan");
                prop_assert_eq!(plan.parts(), FIELDS.len());
                for (part, field) in FIELDS.into_iter().enumerate() {
                    let found = plan.run(part, &cancel).expect("statistics");
                    let values: Vec<Scalar> = (0..snapshot.len()).map(|row| value(&snapshot, row, field).into()).collect();
                    let is_nan = |v: &Scalar| matches!(v, Scalar::Float(f) if f.is_nan());
                    let there: Vec<&Scalar> = values.iter().filter(|v| **v != Scalar::Null).collect();
                    let mut sorted: Vec<&Scalar> = there.iter().copied().filter(|v| !is_nan(v)).collect();
                    sorted.sort_by(|a, b| a.order(b).expect("one family"));
                    prop_assert_eq!(found.rows, values.len() as u64);
                    prop_assert_eq!(found.nulls as usize, values.len() - there.len());
                    prop_assert_eq!(found.nans as usize, there.len() - sorted.len());
                    let order = |a: Option<&&Scalar>, b: &Scalar| a.map_or(*b == Scalar::Null, |a| a.order(b) == Some(Ordering::Equal));
                    prop_assert!(order(sorted.first(), &found.min) && order(sorted.last(), &found.max));
                    let mut distinct = sorted.clone();
                    distinct.dedup_by(|a, b| a.order(b) == Some(Ordering::Equal));
                    prop_assert!(!found.distinct.is_estimate);
                    prop_assert_eq!(found.distinct.count as usize, distinct.len() + usize::from(found.nans > 0));
                    let numbers: Vec<f64> =
                        values.iter().filter(|v| !is_nan(v)).filter_map(Scalar::as_f64).collect();
                    let whole = values.iter().filter_map(|v| if let Scalar::Int(n) = v { Some(*n) } else { None });
                    let sum = match found.kind {
                        Kind::Int => Some(whole.sum::<i128>() as f64),
                        Kind::Float => Some(numbers.iter().sum::<f64>()),
                        _ => None,
                    };
                    let mean = sum.filter(|_| !numbers.is_empty()).map(|sum| sum / numbers.len() as f64);
                    prop_assert_eq!(format!("{:?}", mean.map(|m| m + 0.0)), format!("{:?}", found.mean.map(|m| m + 0.0)));
                    match found.histogram {
                        None => {
                            let is_number = matches!(found.kind, Kind::Int | Kind::Float);
                            let has_no_range = is_number && numbers.iter().all(|n| n.is_infinite());
                            prop_assert!(there.is_empty() || has_no_range);
                        }
                        Some(Histogram::Int(made) | Histogram::Time(made)) => {
                            prop_assert_eq!(made.iter().map(|b| b.count).sum::<u64>() as usize, sorted.len());
                        }
                        Some(Histogram::Float(made)) => {
                            let finite = numbers.iter().filter(|n| n.is_finite()).count();
                            prop_assert_eq!(made.iter().map(|b| b.count).sum::<u64>() as usize, finite);
                        }
                        Some(Histogram::Top(top)) => {
                            let mut counts: BTreeMap<String, u64> = BTreeMap::new();
                            for v in &there {
                                let text = match v { Scalar::Text(t) => t.to_string(), Scalar::Bool(b) => b.to_string(), v => format!("{v:?}") };
                                *counts.entry(text).or_default() += 1;
                            }
                            let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
                            counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
                            counts.truncate(20);
                            prop_assert_eq!(top.others, there.len() as u64 - counts.iter().map(|c| c.1).sum::<u64>());
                            prop_assert_eq!(top.values, counts);
                        }
                    }
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn nothing_that_is_typed_panics_and_an_error_names_its_place(text in "[a-z0-9 \"'`~<>=!().,*/+é_-]{0,40}|(n|f|t|and|or|not|\\(|\\)|=|<|>|in|is|null|sum\\(|1|'a'|\\+|-| ){0,20}") {
        for read in [Expression::filter, Expression::condition, Expression::value] {
            match read(&text, &columns()) {
                Ok(expression) => prop_assert_eq!(expression.text(), &text),
                Err(e) => prop_assert!(text.get(e.span.clone()).is_some(), "{:?}", e),
            }
        }
    }
}

/// The texts of a value, each tried.
fn naive_match(pattern: &Pattern, value: Value<'_>) -> bool {
    use azof_tui::event_time::Precision;
    use azof_tui::text::{decimal, thousands};
    let texts = match value {
        Value::Null => vec![],
        Value::Text(text) => vec![text.to_owned()],
        Value::Bool(yes) => vec![yes.to_string()],
        Value::Int(n) => vec![n.to_string(), thousands(n)],
        Value::Float(n) => vec![n.to_string(), decimal(n)],
        Value::Time(at) => {
            let all = [Precision::Date, Precision::Second, Precision::Millisecond];
            let lossless = all.into_iter().filter(|p| *p >= at.precision());
            lossless
                .map(|p| at.to_text(p))
                .chain([at.to_string()])
                .collect()
        }
    };
    texts.iter().any(|text| pattern.is_match(text))
}

/// Works out an expression without columns.
fn worked_out(text: &str) -> Scalar {
    let expression = Expression::value(text, &[]).unwrap_or_else(|e| panic!("{text}: {e}"));
    expression
        .of_row(|_| Value::Null)
        .unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[test]
fn expressions_mean_what_sql_means() {
    let (yes, no, unknown) = (Scalar::Bool(true), Scalar::Bool(false), Scalar::Null);
    for (text, expected) in [
        ("1 + 2 * 3 = 7", &yes),
        ("(1 + 2) * 3 = 9", &yes),
        ("7 / 2 = 3.5", &yes),
        ("10 - 2 - 3 = 5", &yes),
        ("- 2 * -3 = 6", &yes),
        ("2 - -1 = 3", &yes),
        ("not true or true", &yes),
        ("not (true or true)", &no),
        ("true or false and false", &yes),
        ("! false && true", &yes),
        ("null and false", &no),
        ("null and true", &unknown),
        ("null or true", &yes),
        ("null or false", &unknown),
        ("not null", &unknown),
        ("1 in (2, null)", &unknown),
        ("1 in (1, null)", &yes),
        ("1 not in (2, null)", &unknown),
        ("1 not in (2, 3)", &yes),
        ("null is null", &yes),
        ("1 / 0 is null", &yes),
        ("1 / 0 = 1", &unknown),
        ("'abc' ~ 'B'", &no),
        ("'abc' ~ 'b'", &yes),
        ("'ABC' ~ 'b'", &yes),
        ("'abc' !~ '^b'", &yes),
        ("'b' > 'B'", &yes),
        ("9007199254740993 > 9007199254740992.0", &yes),
        ("9223372036854775807 < 9223372036854775808", &yes),
        ("-9223372036854775808 = -9223372036854775807 - 1", &yes),
        ("1e3 = 1_000", &yes),
        ("'it''s' = \"it's\"", &yes),
        ("TRUE AND NOT FALSE", &yes),
        ("(1 < 2) = true", &yes),
    ] {
        assert_eq!(worked_out(text), *expected, "{text}");
    }
}

#[test]
fn nan_is_the_greatest_number_and_equals_itself() {
    let columns = columns();
    for (text, expected) in [
        ("f > 1e308", true),
        ("f = f", true),
        ("f < 0", false),
        ("f >= 9223372036854775807", true),
        ("n < f", true),
    ] {
        let expression = Expression::filter(text, &columns).expect("a condition");
        let row = |field| match field {
            Field::Value(at) if expression.columns()[at].name == "n" => Value::Int(i64::MAX),
            _ => Value::Float(f64::NAN),
        };
        assert_eq!(
            expression.of_row(row).expect("a value"),
            Scalar::Bool(expected),
            "{text}"
        );
    }
    assert_eq!(compare_floats(0.0, -0.0), Ordering::Equal);
}

#[test]
#[allow(clippy::too_many_lines, reason = "one table of what is told")]
fn a_wrong_expression_is_told_its_place_and_what_to_do() {
    let columns: Vec<_> = ["revenue", "net income"]
        .into_iter()
        .map(|name| azof_tui::format::Column {
            name: name.to_owned(),
            data_type: azof_tui::format::DataType::Int,
            nullable: true,
            stored_as: None,
        })
        .chain(columns())
        .collect();
    let told = |text: &str| -> (String, String) {
        let ExprError {
            span,
            message,
            hint,
        } = Expression::filter(text, &columns).expect_err(text);
        (
            text[span].to_owned(),
            format!("{message}; {}", hint.unwrap_or_default()),
        )
    };
    for (text, place, message) in [
        (
            "revnue > 1",
            "revnue",
            "there is no column 'revnue'; did you mean 'revenue'?",
        ),
        (
            "t > 5",
            "5",
            "t is text, and 5 is a whole number; they do not compare; a number stands without quotes, a text in quotes",
        ),
        (
            "revenue + 1",
            "revenue + 1",
            "this is a whole number, and a condition is wanted; compare it, as in: revenue > 1e9",
        ),
        (
            "d > 'yesterday'",
            "'yesterday'",
            "'yesterday' is not a time; a time is \"2019-11-17T08:30:00Z\", \"2019-11-17\", \"2019-11\", \"2019-Q3\" or \"2019\"",
        ),
        (
            "t ~ 'a\"\"(b'",
            "(",
            "this is no regular expression: unclosed group; a sign that stands for itself is written after a backslash, as in \\(",
        ),
        (
            "t ~ \"x\"\"(b\"",
            "(",
            "this is no regular expression: unclosed group; a sign that stands for itself is written after a backslash, as in \\(",
        ),
        (
            "t ~ n",
            "n",
            "a pattern in quotes is missing here; write it as in: industry ~ \"soft\"",
        ),
        (
            "n ~ '1'",
            "n",
            "n is a whole number, and ~ looks into text; compare it with = < or >",
        ),
        (
            "n = null",
            "null",
            "nothing compares with null; write n is null",
        ),
        (
            "n > 1 n < 3",
            "n",
            "'n' was not expected here; join two conditions with `and` or `or`",
        ),
        ("(n > 1", "(", "this bracket is never closed; end it with )"),
        (
            "n > ",
            "",
            "something is missing at the end; a column, a number, or a text in quotes",
        ),
        (
            "",
            "",
            "there is no condition yet; write one, such as revenue > 1e9",
        ),
        (
            "sum(n) > 1",
            "sum",
            "a filter looks at one row at a time; conditions on the whole table are for :when",
        ),
        (
            "1 < n < 3",
            "<",
            "comparisons do not chain; write a < b and b < c",
        ),
        (
            "n % 2 = 0",
            "%",
            "'%' means nothing here; arithmetic has + - * /",
        ),
        (
            "t + 1 > 2",
            "t",
            "t is text, and arithmetic takes numbers; ",
        ),
    ] {
        assert_eq!(told(text), (place.to_owned(), message.to_owned()), "{text}");
    }
    let of_table = |text: &str| {
        Expression::condition(text, &columns)
            .expect_err(text)
            .to_string()
    };
    assert_eq!(
        of_table("sum(n) > revenue"),
        "revenue is of a row, and the rest is about the table; write sum(revenue), count(revenue) or another aggregate of it"
    );
    assert_eq!(
        of_table("sum(t) > 1"),
        "t is text, which has no sum; count, min and max take any column, sum and mean numbers"
    );
    assert_eq!(
        of_table("cuont() > 1"),
        "there is no function 'cuont'; did you mean 'count'?"
    );
    assert_eq!(
        of_table("sum(sum(n)) > 1"),
        "an aggregate stands within another; within the brackets is what each row has"
    );
}

#[test]
fn what_is_nested_too_deep_or_too_long_is_an_error() {
    let deep = [
        format!("{}n > 1{}", "(".repeat(5_000), ")".repeat(5_000)),
        format!("{} b", "not ".repeat(3_000)),
        format!("n > {}1", "-".repeat(5_000)),
        format!("n {} > 1", "+ 1 ".repeat(3_000)),
        format!("n {}", "is null ".repeat(1_500)),
        format!("n in ({})", vec!["1"; 2_000].join(",")),
        "b and ".repeat(5_000),
        format!("{}n", "sum(".repeat(3_000)),
    ];
    for text in deep {
        let error = Expression::condition(&text, &columns()).expect_err("refused");
        assert!(text.get(error.span).is_some());
    }
    // Many conditions side by side are fine.
    let wide = vec!["n > 1"; 1_000].join(" and ");
    assert!(Expression::filter(&wide, &columns()).is_ok());
}

#[test]
fn a_number_that_grows_too_large_is_an_error_and_not_another_number() {
    let expression = Expression::filter("n * n > 0", &columns()).expect("a condition");
    let error = expression
        .of_row(|_| Value::Int(i64::MAX))
        .expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.next_step().is_some_and(|hint| hint.contains("1.0 *")));
}

#[test]
fn what_is_cancelled_is_an_error() {
    let rows = vec![MixedRow {
        key: "a".into(),
        event_time: 0,
        n: Some(1),
        f: None,
        t: None,
        b: None,
        d: None,
    }];
    let lake = mixed::lake(&[rows], 5);
    block_on(async {
        let table = mixed::open(&lake).await;
        let [snapshot, _] = both_ways(&table, AsOf::Current).await;
        let cancel = CancelToken::default();
        cancel.cancel();
        let sort = Sort {
            by: Field::Value(0),
            descending: false,
        };
        let arranging = Arranging::new(Arc::clone(&snapshot), None, Some(sort), 1).expect("a plan");
        let start = (Cell { row: 0, column: 0 }, Direction::Forward, true);
        let finding = Finding::new(
            Arc::clone(&snapshot),
            None,
            FIELDS.to_vec(),
            Pattern::new("x").expect("a pattern"),
            start,
        )
        .expect("a plan");
        let plan =
            StatisticsPlan::new(Arc::clone(&snapshot), None, FIELDS.to_vec(), 5).expect("a plan");
        let outcomes = [
            arranging.run_all(&cancel).map(|_| ()),
            finding.run_all(&cancel).map(|_| ()),
            finding.count(0, &cancel).map(|_| ()),
            plan.run(2, &cancel).map(|_| ()),
        ];
        for outcome in outcomes {
            assert_eq!(outcome.expect_err("cancelled").kind(), ErrorKind::Cancelled);
        }
        let missing = Expression::filter(
            "x > 1",
            &[azof_tui::format::Column {
                name: "x".into(),
                data_type: azof_tui::format::DataType::Int,
                nullable: true,
                stored_as: None,
            }],
        );
        let refused = Arranging::new(snapshot, missing.ok().map(Arc::new), None, 1)
            .expect_err("no such column");
        assert_eq!(refused.kind(), ErrorKind::ColumnNotFound);
    });
}
