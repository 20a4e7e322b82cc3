//! What changed between two moments: the library, the command and the explorer.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use azof_tui::app::{Start, TableView};
use azof_tui::cancel::CancelToken;
use azof_tui::diff::{ChangeKind, Diff, SchemaChange};
use azof_tui::event_time::parse_calendar;
use azof_tui::format::Projection;
use azof_tui::scan::{ReadLimits, Value};
use azof_tui::snapshot::Snapshot;
use azof_tui::ui::{Depth, Role, Theme, ThemeName};
use azof_tui::{AsOf, EventTime, Lakehouse};
use proptest::prelude::*;
use ratatui::style::Color;
use support::explorer::{Explorer, buffer_text};
use support::{Lake, Row, azof, parquet, shared_lake, stderr, stdout, test_data};

fn block_on<T>(work: impl Future<Output = T>) -> T {
    azof_tui::engine::runtime("test")
        .expect("a runtime")
        .block_on(work)
}

fn at(ms: i64) -> AsOf {
    AsOf::At(EventTime::from_ms(ms))
}

fn day(text: &str) -> AsOf {
    AsOf::At(parse_calendar(text).expect("a date"))
}

/// Key -> (event time, values); values by column.
type Contents = BTreeMap<String, (i64, Vec<Option<i64>>)>;

fn contents(snapshot: &Snapshot) -> Contents {
    let value = |row, column| match snapshot.value(row, column) {
        Value::Int(v) => Some(v),
        _ => None,
    };
    (0..snapshot.len())
        .map(|row| {
            let values = (0..snapshot.columns().len())
                .map(|c| value(row, c))
                .collect();
            (
                snapshot.key(row).to_owned(),
                (snapshot.event_time(row).ms(), values),
            )
        })
        .collect()
}

/// FORMAT 5, word by word.
fn naive(a: &Contents, b: &Contents, key: &str) -> ChangeKind {
    match (a.get(key), b.get(key)) {
        (None, _) => ChangeKind::Added,
        (_, None) => ChangeKind::Removed,
        (Some(a), Some(b)) if a.1 != b.1 => ChangeKind::Changed,
        (Some(a), Some(b)) if a.0 != b.0 => ChangeKind::Touched,
        _ => ChangeKind::Same,
    }
}

fn kinds(diff: &Diff) -> BTreeMap<String, ChangeKind> {
    diff.changes()
        .map(|c| (diff.key(c).to_owned(), c.kind))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_difference_is_what_the_format_says(
        rows in prop::collection::vec(("[a-f]", 0i64..20, prop::option::of(0i64..3)), 0..40),
        from in -1i64..22, to in -1i64..22,
    ) {
        let lake = Lake::new();
        let rows: Vec<Row> = rows;
        lake.table("t", r#"{"id":"s","start":"1970-01-01T00:00:00Z","file":"f.parquet"}"#)
            .write("t", "f.parquet", parquet(&rows, 7, 3));
        block_on(async {
            let table = Lakehouse::open(lake.path(), ReadLimits::default()).expect("a lake").table("t").await.expect("a table");
            let cancel = CancelToken::default();
            let all = Projection::All;
            let diff = table.diff(at(from), at(to), &all, &cancel).await.expect("a diff");
            let (a, b) = (contents(diff.a()), contents(diff.b()));
            let found = kinds(&diff);
            let keys: Vec<&String> = diff.changes().map(|c| diff.key(c)).map(|k| found.get_key_value(k).expect("it").0).collect();
            prop_assert!(keys.windows(2).all(|w| w[0] < w[1]), "ascending, each once");
            prop_assert_eq!(found.len(), a.keys().chain(b.keys()).collect::<std::collections::BTreeSet<_>>().len());
            for (key, kind) in &found {
                prop_assert_eq!(*kind, naive(&a, &b, key), "{}", key);
            }
            // The counts are those of the changes.
            for kind in ChangeKind::ALL {
                prop_assert_eq!(diff.summary().count(kind), found.values().filter(|k| **k == kind).count());
            }
            let cells: usize = diff.changes().map(|c| diff.changed_columns(c).len()).sum();
            prop_assert_eq!(cells, diff.summary().cells.iter().map(|(_, n)| n).sum::<usize>());
            // A difference of a moment with itself is all same.
            let same = table.diff(at(from), at(from), &all, &cancel).await.expect("a diff");
            prop_assert!(same.changes().all(|c| c.kind == ChangeKind::Same));
            // Seen from the other side, it is mirrored.
            let mirrored = kinds(&table.diff(at(to), at(from), &all, &cancel).await.expect("a diff"));
            for (key, kind) in &found {
                let expected = match kind {
                    ChangeKind::Added => ChangeKind::Removed,
                    ChangeKind::Removed => ChangeKind::Added,
                    other => *other,
                };
                prop_assert_eq!(mirrored[key], expected);
            }
            // Applied to A, it gives B.
            let mut applied = a.clone();
            for change in diff.changes() {
                let key = diff.key(change).to_owned();
                match change.b() {
                    None => drop(applied.remove(&key)),
                    Some(row) if change.kind != ChangeKind::Same => {
                        let value = if let Value::Int(v) = diff.b().value(row, 0) { Some(v) } else { None };
                        applied.insert(key, (diff.b().event_time(row).ms(), vec![value]));
                    }
                    Some(_) => {}
                }
            }
            prop_assert_eq!(applied, b);
            // Without the column, what was changed is touched or same, and nothing else differs.
            let bare = kinds(&table.diff(at(from), at(to), &Projection::Columns(Vec::new()), &cancel).await.expect("a diff"));
            for (key, kind) in &found {
                match kind {
                    ChangeKind::Changed => prop_assert!(matches!(bare[key], ChangeKind::Touched | ChangeKind::Same)),
                    other => prop_assert_eq!(bare[key], *other),
                }
            }
            Ok(())
        })?;
    }
}

#[test]
fn the_projected_difference_is_the_full_one_projected() {
    block_on(async {
        let lake = Lakehouse::open(&test_data(), ReadLimits::default()).expect("the lake");
        let table = lake.table("financials").await.expect("the table");
        let cancel = CancelToken::default();
        let (a, b) = (day("2012-01-15"), day("2013-06-30"));
        let full = table
            .diff(a, b, &Projection::All, &cancel)
            .await
            .expect("a diff");
        for column in ["industry", "revenue", "net_income"] {
            let one = table
                .diff(a, b, &Projection::parse(column), &cancel)
                .await
                .expect("a diff");
            let of = |diff: &Diff| {
                diff.summary()
                    .cells
                    .iter()
                    .find(|(n, _)| n == column)
                    .map(|(_, n)| *n)
            };
            assert_eq!(of(&one), of(&full), "{column}");
            assert_eq!(one.columns().len(), 1);
            for (projected, whole) in one.changes().zip(full.changes()) {
                assert_eq!(one.key(projected), full.key(whole));
                let differs = full.changed_columns(whole).contains(&column);
                assert_eq!(projected.kind == ChangeKind::Changed, differs);
            }
        }
    });
}

#[test]
fn columns_of_one_side_count_once_and_change_no_row() {
    let one = Lake::new();
    one.sound_table("t");
    let two = Lake::new();
    two.write("t", "version.txt", "1").write("t", "base.parquet", parquet(&[("a".into(), 0, Some(1)), ("b".into(), 5, None)], 9, 9)).write(
        "t",
        "s1.json",
        r#"{"schema":{"columns":[{"name":"w","data_type":"String"}]},"segments":[{"id":"s","start":"1970-01-01T00:00:00Z","file":"base.parquet"}]}"#,
    );
    block_on(async {
        let mut sides = Vec::new();
        for lake in [&one, &two] {
            let table = Lakehouse::open(lake.path(), ReadLimits::default())
                .expect("a lake")
                .table("t")
                .await
                .expect("a table");
            let read = table
                .snapshot(AsOf::Current, &Projection::All, &CancelToken::default())
                .await;
            sides.push(Arc::new(read.expect("rows")));
        }
        let diff = Diff::new(Arc::clone(&sides[0]), Arc::clone(&sides[1]));
        assert!(diff.changes().all(|c| c.kind == ChangeKind::Same));
        assert_eq!(
            diff.summary().schema,
            [
                SchemaChange::Added("w".into()),
                SchemaChange::Removed("v".into())
            ]
        );
    });
}

/// The figures were computed by `DuckDB` over the files; `tests/check_diff_with_duckdb.py` computes them again.
#[test]
fn the_public_lake_differs_as_an_independent_engine_says() {
    let Some(path) = shared_lake("the_public_lake_differs_as_an_independent_engine_says") else {
        return;
    };
    let output = azof(&[
        "diff",
        "--path",
        &path,
        "--table",
        "financials",
        "--from",
        "2018-05-17",
        "--to",
        "2019-11-17",
        "--summary",
        "--format",
        "json",
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        stdout(&output),
        concat!(
            r#"{"from":"2018-05-17T00:00:00.000Z","to":"2019-11-17T00:00:00.000Z","added":329,"removed":0,"changed":18259,"touched":85,"same":4117,"#,
            r#""cells":{"industry":0,"revenue":15590,"shares_diluted":15686,"net_income":18224}}"#,
            "\n"
        )
    );
}

fn diff(more: &[&str]) -> std::process::Output {
    let lake = test_data();
    let mut arguments = vec!["diff", "--path", &lake];
    arguments.extend(more);
    azof(&arguments)
}

#[test]
fn the_command_ends_as_diff_does() {
    let same = diff(&[
        "--table",
        "table0",
        "--from",
        "2024-01-01",
        "--to",
        "2024-01-31",
        "--format",
        "ndjson",
    ]);
    assert_eq!((same.status.code(), stdout(&same).as_str()), (Some(0), ""));
    let some = diff(&[
        "--table",
        "table0",
        "--from",
        "2024-01-01",
        "--format",
        "ndjson",
    ]);
    assert_eq!(some.status.code(), Some(1));
    let wrong = diff(&["--table", "nope", "--from", "2024-01-01"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).starts_with("error: table 'nope'"));
}

#[test]
fn every_format_tells_the_changes() {
    let run = |format: &str| {
        stdout(&diff(&[
            "--table",
            "table0",
            "--from",
            "2024-01-15",
            "--format",
            format,
        ]))
    };
    let lines: Vec<serde_json::Value> = run("ndjson")
        .lines()
        .map(|l| serde_json::from_str(l).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(
        lines[0],
        serde_json::json!({"key": "1", "change": "changed", "columns": ["value"],
            "from": {"event_time": "2024-01-01T00:00:00.000Z", "value": "abc"},
            "to": {"event_time": "2024-02-01T00:00:00.000Z", "value": "abc2"}})
    );
    assert_eq!(
        lines[2],
        serde_json::json!({"key": "3", "change": "added", "columns": [], "from": null,
            "to": {"event_time": "2024-03-10T00:00:00.000Z", "value": "www2"}})
    );
    let table = run("table");
    assert!(
        table.contains("~  1    2024-01-01 → 2024-02-01  abc → abc2"),
        "{table}"
    );
    assert!(
        table.contains("+  3    2024-03-10               www2"),
        "{table}"
    );
    assert!(run("csv").starts_with("key,change,columns,from_event_time,to_event_time,from_value,to_value\n1,changed,value,2024-01-01"));
    assert_eq!(
        serde_json::from_str::<Vec<serde_json::Value>>(&run("json")).expect("JSON"),
        lines
    );
    let removed = stdout(&diff(&[
        "--table",
        "table0",
        "--from",
        "current",
        "--to",
        "2024-01-15",
        "--format",
        "ndjson",
    ]));
    assert!(
        removed.contains(r#""key":"3","change":"removed""#) && removed.contains(r#""to":null"#),
        "{removed}"
    );
    let touched = |more: &[&str]| {
        let mut arguments = vec![
            "--table",
            "table1",
            "--from",
            "2024-02-20",
            "--to",
            "2024-06-10",
            "--format",
            "ndjson",
        ];
        arguments.extend(more);
        stdout(&diff(&arguments)).lines().count()
    };
    assert_eq!([touched(&[]), touched(&["--touched"])], [1, 2]);
}

// --- The explorer ---

/// Ten keys of every kind between day 1 and day 2: see the rows.
fn kinds_lake() -> Lake {
    let day = 86_400_000;
    let text = "a very long text that will certainly be cut because it is so long".to_owned();
    let names = |rows: &[(&str, i64, Option<&str>, Option<i64>)]| {
        let keys: arrow::array::StringArray = rows.iter().map(|r| Some(r.0)).collect();
        let times: arrow::array::TimestampMillisecondArray =
            rows.iter().map(|r| r.1).collect::<Vec<_>>().into();
        let words: arrow::array::StringArray = rows.iter().map(|r| r.2).collect();
        let numbers: arrow::array::Int64Array = rows.iter().map(|r| r.3).collect();
        support::batch_to_parquet(
            vec![
                ("key", Arc::new(keys) as _),
                ("event_time", Arc::new(times) as _),
                ("word", Arc::new(words) as _),
                ("number", Arc::new(numbers) as _),
            ],
            99,
            99,
        )
    };
    let longer = format!("{text} and then some");
    let lake = Lake::new();
    lake.write("t", "version.txt", "1").write(
        "t",
        "s1.json",
        r#"{"schema":{"columns":[{"name":"word","data_type":"String"},{"name":"number","data_type":"Int"}]},
            "segments":[{"id":"a","start":"1970-01-01T00:00:00Z","end":"1970-01-01T23:59:59.999Z","file":"a.parquet"},
                        {"id":"b","start":"1970-01-02T00:00:00Z","file":"b.parquet"}]}"#,
    );
    lake.write(
        "t",
        "a.parquet",
        names(&[
            ("changed", 0, Some("one"), Some(1)),
            ("cut", 0, Some(&text), Some(1)),
            ("filled", 0, Some("was null"), None),
            ("removed", 0, Some("gone soon"), Some(3)),
            ("same", 0, Some("still"), Some(4)),
            ("touched", 0, Some("again"), Some(5)),
        ]),
    );
    lake.write(
        "t",
        "b.parquet",
        names(&[
            ("added", day, Some("new"), None),
            ("changed", day, Some("two"), Some(1)),
            ("cut", day, Some(&longer), Some(1)),
            ("filled", day, Some("was null"), Some(8)),
            ("same", 0, Some("still"), Some(4)),
            ("touched", day, Some("again"), Some(5)),
        ]),
    );
    lake
}

fn compared(size: (u16, u16), keys: &str) -> (Explorer, Lake) {
    let lake = kinds_lake();
    let start = Start {
        as_of: Some(day("1970-01-02")),
        compare: Some(day("1970-01-01")),
        ..Start::default()
    };
    let mut explorer = Explorer::open(lake.path(), start, size);
    explorer.keys(keys);
    (explorer, lake)
}

fn row_of(text: &str, key: &str) -> String {
    let found = text
        .lines()
        .find(|l| l.contains(&format!(" {key} ")) && !l.contains("Tables"));
    found
        .unwrap_or_else(|| panic!("no row {key} in\n{text}"))
        .to_owned()
}

#[test]
fn frame_inline() {
    insta::assert_snapshot!(compared((120, 24), "").0.text());
}

#[test]
fn frame_side_by_side() {
    insta::assert_snapshot!(compared((130, 24), "d").0.text());
}

#[test]
fn frame_inline_at_80_columns() {
    insta::assert_snapshot!(compared((80, 24), "").0.text());
}

#[test]
fn frame_side_by_side_at_80_columns() {
    insta::assert_snapshot!(compared((80, 24), "d").0.text());
}

#[test]
fn every_kind_can_be_told_from_the_text_alone() {
    let text = compared((120, 24), "").0.text();
    assert!(row_of(&text, "added").contains("+ added"), "{text}");
    assert!(row_of(&text, "removed").contains("- removed"), "{text}");
    assert!(row_of(&text, "changed").contains("~ changed"), "{text}");
    assert!(row_of(&text, "touched").contains("· touched"), "{text}");
    assert!(row_of(&text, "same").contains("  same"), "{text}");
    // The changed cell has its sign, the unchanged one beside it has none.
    let changed = row_of(&text, "changed");
    assert!(
        changed.contains("~two") && !changed.contains("~1") && !changed.contains("~ 1"),
        "{changed}"
    );
    // A change is seen although the text that differs is cut off.
    let cut = row_of(&text, "cut");
    assert!(cut.contains("~a very long") && cut.contains('…'), "{cut}");
    // Null against a value is a change of that cell.
    let filled = row_of(&text, "filled");
    assert!(
        filled.contains('8') && filled.matches('~').count() == 2,
        "{filled}"
    );
    // Null and absent differ: the added row's number is null on its side, and there is no row at all on the other.
    let both = compared((130, 24), "d").0.text();
    let added = row_of(&both, "added");
    assert!(added.contains('∅') && added.contains("╌╌╌╌╌╌"), "{added}");
    assert!(
        !row_of(&both, "filled").contains('╌') && row_of(&both, "filled").contains('∅'),
        "{both}"
    );
}

#[test]
fn without_colours_nothing_is_lost() {
    let (explorer, _lake) = compared((120, 24), "");
    let plain = explorer.buffer_in(Theme::new(ThemeName::None, Depth::Ansi));
    let unbarred = |text: String| text.replace(['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█', '░'], "#");
    assert_eq!(
        unbarred(buffer_text(&plain)),
        unbarred(buffer_text(&explorer.buffer()))
    );
}

#[test]
fn the_headline_the_columns_and_the_position_count() {
    let (mut explorer, _lake) = compared((140, 30), "");
    let text = explorer.text();
    assert!(
        text.contains("A 1970-01-01 → B 1970-01-02   +1 −1 ~3 ·1 =1   word 2 · number 1"),
        "{text}"
    );
    assert!(text.contains("change 1 of 5 · 1–7 of 7"), "{text}");
    assert!(
        text.lines()
            .any(|l| l.contains("● word") && l.contains('2')),
        "{text}"
    );
    assert!(explorer.keys("]]").text().contains("change 3 of 5"));
    assert!(
        explorer
            .keys("]]]")
            .text()
            .contains("this is the last change")
    );
    assert!(explorer.keys("[[").text().contains("change 3 of 5"));
}

#[test]
fn rows_and_columns_are_filtered_by_change() {
    let (mut explorer, _lake) = compared((140, 30), "");
    let changed = explorer.keys("c").text();
    assert!(
        changed.contains("changed only")
            && !changed.contains(" same ")
            && !changed.contains(" touched "),
        "{changed}"
    );
    let added = explorer.keys("c").text();
    assert!(
        added.contains("added only") && added.contains("1–1 of 1"),
        "{added}"
    );
    assert!(explorer.keys("c").text().contains("removed only"));
    assert!(explorer.keys("c").text().contains("1–7 of 7"));
    // table1's only column changed; nothing is hidden. In this one both changed too.
    assert!(explorer.keys("C").text().contains("word"));
}

#[test]
fn marks_are_set_swapped_and_flipped() {
    let mut e = Explorer::open(
        &test_data(),
        Start {
            table: Some("table0".into()),
            ..Start::default()
        },
        (140, 30),
    );
    assert!(e.keys("d").text().contains("first press a"));
    e.keys("@2024-01-01<Enter>a");
    assert!(e.text().contains("A is set"));
    e.keys("@2024-03-10<Enter>d");
    assert!(
        e.text()
            .contains("A 2024-01-01 → B 2024-03-10   +1 −0 ~2 ·0 =0"),
        "{}",
        e.text()
    );
    assert!(
        e.keys("x")
            .text()
            .contains("A 2024-03-10 → B 2024-01-01   +0 −1 ~2 ·0 =0"),
        "{}",
        e.text()
    );
    e.keys("x");
    let flipped = e.keys("`").text();
    assert!(
        flipped.contains("showing A") && flipped.contains("abc ") && !flipped.contains("abc2"),
        "{flipped}"
    );
    assert!(e.keys("`").text().contains("abc2"));
    // B follows the playhead until it is set.
    assert!(e.keys(",").text().contains("→ B 2024-02-20"));
    e.keys("b");
    assert!(e.keys(",").text().contains("→ B 2024-02-20"));
    e.keys("4]");
    assert!(e.text().contains("AS OF 2024-02-20"), "the next mark");
    e.keys("[");
    assert!(
        e.text().contains("playhead 2024-01-01"),
        "the previous mark: {}",
        e.text()
    );
    // Side by side, then off: the rows are the playhead's again.
    e.keys("3dd");
    assert!(
        !e.text().contains("→ B") && e.text().contains("2 rows"),
        "{}",
        e.text()
    );
    e.keys("`");
    assert!(e.text().contains("AS OF 2024-01-01"));
    // Set again where it stands, A is taken away.
    e.keys("@2024-01-01<Enter>a");
    assert!(e.keys("d").text().contains("first press a"));
}

#[test]
fn counts_and_rows_are_always_of_the_same_moments() {
    let mut e = Explorer::open(
        &test_data(),
        Start {
            table: Some("financials".into()),
            as_of: Some(day("2012-01-01")),
            compare: Some(day("2010-01-01")),
            ..Start::default()
        },
        (140, 42),
    );
    for _ in 0..6 {
        e.flood("}}}}");
        let view = e.app.view().expect("a view");
        let shown = view.comparison.as_ref().expect("a comparison");
        assert!(Arc::ptr_eq(
            shown.diff.b(),
            view.snapshot.as_ref().expect("rows")
        ));
        e.settle();
        let view = e.app.view().expect("a view");
        assert_eq!(
            view.comparison
                .as_ref()
                .expect("a comparison")
                .diff
                .b()
                .as_of(),
            view.playhead
        );
    }
}

#[test]
fn the_cursor_stays_on_its_key_or_says_that_it_is_gone() {
    let (mut e, _lake) = compared((140, 30), "G");
    let key = |e: &Explorer| {
        let view = e.app.view().expect("a view");
        view.rows().expect("rows").key(view.grid.row).to_owned()
    };
    assert_eq!(key(&e), "touched");
    e.keys("@1970-01-01<Enter>");
    assert_eq!(key(&e), "touched");
    e.keys("g");
    e.keys("@1970-01-02<Enter>ggk@1970-01-02<Enter>");
    e.keys("g");
    assert_eq!(key(&e), "added");
    let text = e.keys("@1970-01-01<Enter>").text();
    assert!(
        text.contains("added is not there as of 1970-01-01"),
        "{text}"
    );
}

// --- Colours ---

fn linear(color: Color) -> [f64; 3] {
    let Color::Rgb(r, g, b) = color else {
        panic!("a colour in full")
    };
    [r, g, b].map(|c| {
        let c = f64::from(c) / 255.0;
        if c <= 0.040_45 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    })
}

fn luminance(c: [f64; 3]) -> f64 {
    0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]
}

/// CIE L*a*b* under D65.
fn lab(c: [f64; 3]) -> [f64; 3] {
    let xyz = [
        (0.4124 * c[0] + 0.3576 * c[1] + 0.1805 * c[2]) / 0.950_47,
        luminance(c),
        (0.0193 * c[0] + 0.1192 * c[1] + 0.9505 * c[2]) / 1.088_83,
    ];
    let f = |t: f64| {
        if t > 0.008_856 {
            t.cbrt()
        } else {
            7.787 * t + 16.0 / 116.0
        }
    };
    let [x, y, z] = xyz.map(f);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// Machado, Oliveira and Fernandes (2009), severity 1: nobody, protanopia, deuteranopia, tritanopia.
const EYES: [[[f64; 3]; 3]; 4] = [
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    [
        [0.152_286, 1.052_583, -0.204_868],
        [0.114_503, 0.786_281, 0.099_216],
        [-0.003_882, -0.048_116, 1.051_998],
    ],
    [
        [0.367_322, 0.860_646, -0.227_968],
        [0.280_085, 0.672_501, 0.047_413],
        [-0.011_820, 0.042_940, 0.968_881],
    ],
    [
        [1.255_528, -0.076_749, -0.178_779],
        [-0.078_411, 0.930_809, 0.147_602],
        [0.004_733, 0.691_367, 0.303_900],
    ],
];

#[test]
fn kinds_differ_for_every_eye_in_every_theme() {
    let kinds = [Role::Added, Role::Removed, Role::Changed, Role::Touched];
    for (name, background) in [
        (ThemeName::Dark, Color::Rgb(0x10, 0x15, 0x1b)),
        (ThemeName::Light, Color::Rgb(255, 255, 255)),
    ] {
        let theme = Theme::new(name, Depth::True);
        for eye in EYES {
            let seen = |color: Color| {
                let c = linear(color);
                eye.map(|row| (row[0] * c[0] + row[1] * c[1] + row[2] * c[2]).clamp(0.0, 1.0))
            };
            let colors = kinds.map(|k| seen(theme.style(k).fg.expect("a colour")));
            let behind = luminance(seen(background)) + 0.05;
            for (i, color) in colors.iter().enumerate() {
                let front = luminance(*color) + 0.05;
                let ratio = front.max(behind) / front.min(behind);
                assert!(
                    ratio >= 4.5,
                    "{name:?}: {:?} has a contrast of {ratio:.1} to the background",
                    kinds[i]
                );
                for (j, other) in colors.iter().enumerate().skip(i + 1) {
                    let (a, b) = (lab(*color), lab(*other));
                    let distance = (0..3).map(|k| (a[k] - b[k]).powi(2)).sum::<f64>().sqrt();
                    assert!(
                        distance >= 20.0,
                        "{name:?}: {:?} and {:?} are {distance:.0} apart",
                        kinds[i],
                        kinds[j]
                    );
                }
            }
        }
    }
}

#[test]
fn a_whole_row_shows_both_sides_and_tells_absent_from_null() {
    let (mut e, _lake) = compared((130, 30), "g<Enter>");
    let added = e.text();
    assert!(
        added.contains("added added") && added.contains("absent") && added.contains('∅'),
        "{added}"
    );
    let changed = e.keys("<Esc>j<Enter>").text();
    assert!(changed.contains("changed changed"), "{changed}");
    let word = changed
        .lines()
        .find(|l| l.contains("~ one"))
        .expect("the column that changed");
    assert!(word.contains("word") && word.contains("two"), "{word}");
}

#[test]
fn the_header_names_the_moment_of_the_rows_that_are_shown() {
    let (mut e, _lake) = compared((140, 30), "");
    assert!(e.text().contains("AS OF 1970-01-02"));
    assert!(
        e.keys("`").text().contains("AS OF 1970-01-01"),
        "A's side is shown"
    );
    e.keys("`b@1970-01-01<Enter>");
    let text = e.text();
    assert!(
        text.contains("AS OF 1970-01-02 00:00:00Z  playhead 1970-01-01 00:00:00Z"),
        "{text}"
    );
    assert!(e.keys("d`").text().contains("both sides are shown"));
}

#[test]
fn a_key_that_the_filter_leaves_out_is_not_called_gone() {
    let (mut e, _lake) = compared((140, 30), "ccc");
    assert!(row_of(&e.text(), "removed").contains("- removed"));
    // Between A and itself nothing is removed; the key is there all the same.
    let text = e.keys("@1970-01-01<Enter>").text();
    assert!(
        text.contains("removed is there, but not among the rows shown (removed only)"),
        "{text}"
    );
}

#[test]
fn a_filter_leaves_the_keys_that_meet_it_at_one_of_the_moments() {
    let (mut e, _lake) = compared((140, 30), "");
    // `filled` meets it at B alone, `removed` at A alone.
    let text = e.keys("&number >= 3<Enter>").text();
    for key in ["filled", "removed", "same", "touched"] {
        row_of(&text, key);
    }
    assert!(text.contains("by key ↑ & number >= 3"), "{text}");
    assert!(text.contains("+0 −1 ~1 ·1 =1"), "{text}");
    assert!(text.contains("of 4 "), "{text}");
    // What became of the rows filters further, and changes are counted among those that are left.
    let text = e.keys("g").text();
    assert!(text.contains("change 1 of 2"), "{text}");
    let text = e.keys("ccc").text();
    row_of(&text, "removed");
    assert!(text.contains("of 1 "), "{text}");
    let text = e.keys("c&<C-u>number > 99<Enter>").text();
    assert!(
        text.contains("No row meets the condition at either moment"),
        "{text}"
    );
    // A column that is not shown may be filtered by.
    let text = e.keys("&<C-u><Enter>2G<Enter>3&number = 8<Enter>").text();
    row_of(&text, "filled");
    assert!(text.contains("of 1 "), "{text}");
    let text = e.keys(":copy sql<Enter>").text();
    assert!(
        text.contains("the filter of a comparison has no SQL"),
        "{text}"
    );
}

#[test]
fn a_sort_holds_in_a_comparison() {
    let (mut e, _lake) = compared((140, 30), "dd");
    assert!(e.keys("$s").text().contains("by number ↑"), "{}", e.text());
    let text = e.keys("d").text();
    assert!(text.contains("by number ↑"), "{text}");
    // By what the rows show: B's numbers, A's where a row is removed; nulls last, and equal ones by key.
    let order = |e: &Explorer| -> Vec<String> {
        let rows = e.app.view().and_then(TableView::rows).expect("rows");
        (0..rows.len())
            .map(|row| rows.key(row).to_owned())
            .collect()
    };
    let ascending = order(&e);
    let shown = |key: &str| {
        let comparison = e
            .app
            .view()
            .and_then(|v| v.comparison.as_ref())
            .expect("a comparison");
        let diff = &comparison.diff;
        let change = diff.change(diff.find(key).expect("a key"));
        let column = diff
            .columns()
            .iter()
            .position(|c| c.name == "number")
            .expect("a column");
        let (a, b) = diff.values(change, column);
        match b.or(a) {
            Some(Value::Int(number)) => Some(number),
            _ => None,
        }
    };
    let mut expected = ascending.clone();
    expected.sort_by_key(|key| (shown(key).is_none(), shown(key), key.clone()));
    assert_eq!(ascending, expected);
    let mut by_key = ascending.clone();
    by_key.sort();
    assert_ne!(ascending, by_key, "the sort does something");
    // Changes are walked in the order that is shown, and the rows that are left keep it.
    e.keys("g]");
    let first = e.app.view().map(|v| v.grid.row).expect("a row");
    let is_difference = |e: &Explorer, row| {
        let rows = e.app.view().and_then(TableView::rows).expect("rows");
        rows.kind(row).is_some_and(ChangeKind::is_difference)
    };
    assert!(
        is_difference(&e, first) && (1..first).all(|row| !is_difference(&e, row)),
        "{first}\n{}",
        e.text()
    );
    e.keys("c");
    let changed = order(&e);
    let kept: Vec<&String> = ascending.iter().filter(|k| changed.contains(k)).collect();
    assert!(changed.len() < ascending.len() && changed.iter().eq(kept));
    e.keys("ccc$s");
    assert!(e.text().contains("by number ↓"), "{}", e.text());
    let descending = order(&e);
    assert_ne!(descending, ascending);
    assert_eq!(
        descending.last(),
        ascending.last(),
        "nulls are last either way"
    );
    // With a filter, too; the cursor stays on its key while the moments change.
    let text = e.keys("&number >= 3<Enter>").text();
    assert!(text.contains("by number ↓ & number >= 3"), "{text}");
    e.keys("&<C-u><Enter>gj");
    let key = order(&e)[1].clone();
    e.keys("x");
    let row = e.app.view().map(|v| v.grid.row).expect("a row");
    assert_eq!(order(&e)[row], key);
    assert!(e.keys("S").text().contains("by key ↑"), "{}", e.text());
    assert!(e.keys("s").text().contains("by number ↑"), "{}", e.text());
    assert!(e.keys("d").text().contains("by number ↑"), "{}", e.text());
    assert!(e.keys("d").text().contains("by number ↑"), "{}", e.text());
}

#[test]
fn the_sql_of_a_sorted_comparison_has_its_order() {
    let (mut e, lake) = compared((140, 30), "");
    let order = |e: &Explorer| -> Vec<String> {
        let rows = e.app.view().and_then(TableView::rows).expect("rows");
        (0..rows.len())
            .map(|row| rows.key(row).to_owned())
            .collect()
    };
    for keys in ["0s", "s", "ls", "s", "$s", "s", "2G<Enter>3hs", "$s"] {
        e.keys(keys).keys(":copy sql<Enter>");
        let statement = e.copied.take().expect("a statement");
        let output = support::azof(&["sql", "--path", lake.path(), "--format", "csv", &statement]);
        assert!(
            output.status.success(),
            "{statement}: {}",
            support::stderr(&output)
        );
        let answer = support::stdout(&output);
        let keys: Vec<&str> = answer
            .lines()
            .skip(1)
            .filter_map(|l| l.split(',').next())
            .collect();
        // What is the same on both sides is no change.
        let mut shown = order(&e);
        shown.retain(|key| key != "same");
        assert_eq!(keys, shown, "{statement}");
        let comparison = e.app.view().and_then(|v| v.comparison.as_ref());
        let is_sorted = comparison.is_some_and(|c| c.sort().is_some());
        let line = e.keys("<C-y>").copied.take().expect("a command line");
        assert_eq!(line.contains("--query"), is_sorted, "{line}");
        assert_eq!(line.contains("--compare"), !is_sorted, "{line}");
    }
}

#[test]
fn a_text_is_found_in_a_comparison_on_the_sides_that_are_shown() {
    let (mut e, _lake) = compared((140, 30), "g");
    let cursor = |e: &Explorer| {
        let view = e.app.view().expect("a view");
        let rows = view.rows().expect("rows");
        let column = view.grid.columns[view.grid.column].name.clone();
        (rows.key(view.grid.row).to_owned(), column)
    };
    // A removed row is shown as A has it.
    e.keys("/^removed$<Enter>");
    assert_eq!(cursor(&e), ("removed".into(), "key".into()));
    // B says `two` of the key of which A says `one`; inline, that is what is shown.
    e.keys("g0/^two$<Enter>");
    let two = cursor(&e);
    assert_eq!(two.1, "word");
    let text = e.keys("g0/^one$<Enter>").text();
    let one = cursor(&e);
    assert!(one != two, "{text}");
    e.keys("g0`/^one$<Enter>");
    assert_eq!(cursor(&e), two, "A's side is shown");
    // Side by side, both are.
    e.keys("`dg0/^one$<Enter>");
    assert_eq!(cursor(&e), two);
    e.keys("g0/^two$<Enter>");
    assert_eq!(cursor(&e), two);
    // Only among the rows that are left, in their order.
    let text = e.keys("dd").keys("ccc/same<Enter>").text();
    assert!(text.contains("nothing matches same"), "{text}");
}

#[test]
fn a_change_is_found_by_its_position_among_hundreds() {
    let lake = test_data();
    block_on(async {
        let lake = Lakehouse::open(&lake, ReadLimits::default()).expect("a lake");
        let table = lake.table("financials").await.expect("a table");
        let cancel = CancelToken::default();
        let mut keys = 0;
        for (from, to) in [
            ("2008-03-31", "2008-04-07"),
            ("2008-03-31", "2024-12-31"),
            ("2024-12-31", "2012-06-30"),
            ("1999-01-01", "2024-12-31"),
        ] {
            let mut sides = Vec::new();
            for moment in [from, to] {
                let moment = AsOf::At(parse_calendar(moment).expect("a time"));
                let rows = table.snapshot(moment, &Projection::All, &cancel).await;
                sides.push(Arc::new(rows.expect("rows")));
            }
            let (b, a) = (sides.pop().expect("B"), sides.pop().expect("A"));
            let diff = Diff::new(a, b);
            let one_by_one = (0..diff.len()).map(|at| diff.change(at));
            assert!(diff.changes().eq(one_by_one), "{from} to {to}");
            for change in diff.changes() {
                let key = diff.key(change);
                assert_eq!(change.a(), diff.a().find(key).ok(), "{key}");
                assert_eq!(change.b(), diff.b().find(key).ok(), "{key}");
            }
            keys = keys.max(diff.len());
        }
        assert!(keys > 256, "more than a block of them: {keys}");
    });
}
