//! What is on screen is of the moment that it names, whatever was asked for meanwhile and whatever cannot be read.
#![allow(clippy::expect_used, reason = "a broken fixture should stop a test")]

mod support;

use std::fs;
use std::path::Path;

use azof_tui::app::{Overlay, Start};
use azof_tui::event_time::{AsOf, parse_calendar};
use azof_tui::format::Projection;
use parquet::file::reader::{FileReader, SerializedFileReader};
use support::explorer::Explorer;
use support::test_data;

const READABLE: &str = "2012-03-31";
const DAMAGED: &str = "2006-02-15";

fn moment(text: &str) -> AsOf {
    parse_calendar(text).map(AsOf::At).expect("a time")
}

fn open_on(lake: &str, at: &str, columns: Option<&str>) -> Explorer {
    let start = Start {
        table: Some("financials".to_owned()),
        as_of: Some(moment(at)),
        columns: columns.map(|name| Projection::Columns(vec![name.to_owned()])),
        ..Start::default()
    };
    Explorer::open(lake, start, (140, 34))
}

fn open(at: &str) -> Explorer {
    open_on(&test_data(), at, None)
}

fn run(explorer: &mut Explorer, statement: &str) {
    explorer.keys("e<C-u><C-u><C-u><C-u><C-u><C-u>");
    explorer.keys(statement).keys(";<Enter>");
    explorer.settle();
}

fn result_moment(explorer: &Explorer) -> AsOf {
    let result = explorer.app.query().and_then(|q| q.result.clone());
    result.expect("a result").as_of()
}

/// A copy of the lake in which the revenue of one quarter's base is not Parquet any more.
fn damaged() -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    let table = copy.path().join("financials");
    fs::create_dir(&table).expect("a folder");
    for entry in fs::read_dir(Path::new(&test_data()).join("financials")).expect("the lake") {
        let entry = entry.expect("a file");
        fs::copy(entry.path(), table.join(entry.file_name())).expect("a copy");
    }
    let path = table.join("2006-Q1_base.parquet");
    let mut bytes = fs::read(&path).expect("the base");
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes.clone())).expect("Parquet");
    for group in reader.metadata().row_groups() {
        let revenue = group
            .columns()
            .iter()
            .find(|c| c.column_path().string() == "revenue");
        let (start, length) = revenue.expect("the column").byte_range();
        bytes[start as usize..(start + length) as usize].fill(0xff);
    }
    fs::write(&path, bytes).expect("the damage");
    copy
}

fn path(lake: &tempfile::TempDir) -> &str {
    lake.path().to_str().expect("UTF-8")
}

#[test]
fn a_whole_row_that_cannot_be_read_says_so() {
    let lake = damaged();
    let mut explorer = open_on(path(&lake), DAMAGED, Some("industry"));
    explorer.keys("<Enter>");
    let text = explorer.text();
    assert!(
        matches!(explorer.app.overlay, Some(Overlay::Row(_))),
        "{text}"
    );
    assert!(text.contains("2006-Q1_base.parquet"), "{text}");
    assert!(!text.contains("reading …"), "{text}");
}

#[test]
fn a_moment_that_cannot_be_read_is_neither_written_nor_copied() {
    let lake = damaged();
    let mut explorer = open_on(path(&lake), READABLE, None);
    explorer.keys("@").keys(DAMAGED).keys("<Enter>");
    assert!(explorer.app.view().is_some_and(|v| v.error.is_some()));
    explorer.keys("o");
    assert!(explorer.app.overlay.is_none(), "there is nothing to write");
    explorer.keys("Y");
    assert_eq!(explorer.copied, None);
    // A moment that can be read is one key away, and then all is as before.
    explorer.keys("@").keys(READABLE).keys("<Enter>");
    assert!(explorer.app.view().is_some_and(|v| v.error.is_none()));
    explorer.keys("Y");
    assert!(explorer.copied.is_some());
}

#[test]
fn leaving_a_comparison_that_could_not_be_read_reads_the_moment() {
    let lake = damaged();
    let mut explorer = open_on(path(&lake), READABLE, None);
    explorer.keys("@").keys(DAMAGED).keys("<Enter>a");
    explorer.keys("@").keys(READABLE).keys("<Enter>d");
    assert!(
        explorer.app.view().is_some_and(|v| v.error.is_some()),
        "{}",
        explorer.text()
    );
    explorer.keys("dd");
    assert!(
        explorer.app.view().is_some_and(|v| v.error.is_none()),
        "{}",
        explorer.text()
    );
}

#[test]
fn a_column_hidden_behind_a_query_is_gone_from_the_table() {
    let mut explorer = open(READABLE);
    run(&mut explorer, "SELECT 1 AS one");
    explorer.keys("<Esc>2jj<Enter>3<Esc>");
    assert!(explorer.app.query().is_none());
    let view = explorer.app.view().expect("the table");
    let hidden = view
        .columns
        .iter()
        .find(|c| !c.shown)
        .expect("a hidden column");
    assert!(view.grid.columns.iter().all(|c| c.name != hidden.name));
}

#[test]
fn a_table_that_is_picked_behind_its_query_is_of_the_playhead() {
    let mut explorer = open(READABLE);
    run(&mut explorer, "SELECT count(*) AS n FROM financials");
    explorer.keys("<Esc>,,1<Enter>");
    let view = explorer.app.view().expect("the table");
    assert!(explorer.app.query().is_none());
    assert_eq!(view.showing_other(), None);
    assert_eq!(
        view.snapshot.as_ref().map(|s| s.as_of()),
        Some(view.playhead)
    );
}

#[test]
fn a_query_is_of_the_playhead_though_b_is_fixed_while_nothing_is_compared() {
    let mut explorer = open(READABLE);
    explorer.keys("b,,,");
    run(&mut explorer, "SELECT count(*) AS n FROM financials");
    let playhead = explorer.app.view().expect("the table").playhead;
    assert_ne!(playhead, moment(READABLE));
    assert_eq!(result_moment(&explorer), playhead);
}

#[test]
fn a_comparison_of_a_query_follows_a() {
    let mut explorer = open("2008-03-31");
    run(&mut explorer, "SELECT key, revenue FROM financials");
    explorer.keys("<Esc>a}}d");
    let a = |explorer: &Explorer| {
        let comparison = explorer.app.query().and_then(|q| q.comparison.as_ref());
        comparison.map(|c| c.diff.a().as_of())
    };
    assert_eq!(a(&explorer), Some(moment("2008-03-31")));
    explorer.keys("{a}");
    assert_eq!(a(&explorer), explorer.app.view().and_then(|v| v.a));
    assert_ne!(a(&explorer), Some(moment("2008-03-31")));
    let rows = |explorer: &Explorer| {
        explorer
            .app
            .query()
            .and_then(azof_tui::app::query::QueryPane::rows)
            .map_or(0, azof_tui::app::rows::Rows::len)
    };
    let all = rows(&explorer);
    explorer.keys("c");
    assert!(rows(&explorer) < all, "only what changed is shown");
    // On A itself, a takes A away, and with it the comparison.
    explorer.keys("{a");
    assert_eq!(a(&explorer), None);
    assert_eq!(
        result_moment(&explorer),
        explorer.app.view().expect("the table").playhead
    );
}

#[test]
fn a_result_that_is_the_same_at_every_moment_says_so_and_is_not_read_again() {
    let mut explorer = open(READABLE);
    run(
        &mut explorer,
        "SELECT count(*) AS n FROM financials AT ('2008-03-31')",
    );
    let before = explorer
        .app
        .query()
        .and_then(|q| q.result.clone())
        .expect("a result");
    explorer.keys("<Esc>,,");
    let after = explorer
        .app
        .query()
        .and_then(|q| q.result.clone())
        .expect("a result");
    assert!(std::sync::Arc::ptr_eq(&before, &after));
    let text = explorer.text();
    assert!(text.contains("the same at every moment"), "{text}");
    assert!(!text.contains("showing"), "{text}");
}

#[test]
fn keys_for_rows_of_a_table_leave_it_alone_behind_a_query() {
    let mut explorer = open(READABLE);
    run(
        &mut explorer,
        "SELECT key, revenue FROM financials ORDER BY revenue",
    );
    explorer.keys("<Esc>");
    for key in ["<", ">", "H", "i", "s"] {
        explorer.keys(key);
        assert!(
            explorer.text().contains("this is for the rows of a table"),
            "{key}"
        );
        assert!(explorer.app.overlay.is_none(), "{key}");
    }
    assert_eq!(
        explorer.app.view().map(|v| v.playhead),
        Some(moment(READABLE))
    );
}

#[test]
fn what_is_typed_into_a_query_does_not_reach_the_log() {
    let mut explorer = open(READABLE);
    run(
        &mut explorer,
        "SELECT key FROM financials WHERE revenue = CAST('pa55word' AS INT)",
    );
    assert!(
        explorer.text().contains("'pa55word' is no int"),
        "{}",
        explorer.text()
    );
    let told = explorer.app.log.lines().map(|line| line.text.clone());
    let told = told.collect::<Vec<_>>().join("\n");
    assert!(
        told.contains("the statement is wrong at line 1, column 50"),
        "{told}"
    );
    assert!(!told.contains("pa55word"), "{told}");
}

#[test]
fn the_sql_of_a_comparison_is_of_the_columns_that_are_shown() {
    let mut explorer = open_on(&test_data(), "2008-03-31", Some("net_income"));
    explorer.keys("a}}dc:copy sql<Enter>");
    let sql = explorer.copied.take().expect("the statement");
    let comparison = explorer.app.view().and_then(|v| v.comparison.as_ref());
    let summary = comparison.expect("a comparison").diff.summary();
    let shown = [summary.added, summary.removed, summary.changed]
        .iter()
        .sum::<usize>();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let rows = runtime.block_on(async {
        let context = azof_tui::ExecutionContext::new(&test_data()).expect("a lake");
        let frame = context.sql(&sql).await.expect(&sql);
        frame.collect().await.expect(&sql)
    });
    assert_eq!(
        rows.iter()
            .map(arrow::array::RecordBatch::num_rows)
            .sum::<usize>(),
        shown,
        "{sql}"
    );
    assert!(rows[0].schema().field_with_name("to_net_income").is_ok());
}

#[test]
fn the_rows_of_a_query_are_written_as_they_are_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("rows.csv");
    let mut explorer = open(READABLE);
    run(
        &mut explorer,
        "SELECT 18446744073709551615 AS most, 1.5 AS half, NULL AS nothing, 'a,b' AS text, TIMESTAMP '2019-01-17' AS time",
    );
    explorer
        .keys("<Esc>o<C-u>")
        .keys(file.to_str().expect("UTF-8"))
        .keys("<Enter>");
    let written = fs::read_to_string(&file).expect("the file");
    assert_eq!(
        written,
        "most,half,nothing,text,time\n18446744073709551615,1.5,,\"a,b\",2019-01-17T00:00:00.000Z\n"
    );
}

#[test]
fn a_query_that_opens_with_two_moments_compares_them() {
    let start = Start {
        table: Some("financials".to_owned()),
        as_of: Some(moment(READABLE)),
        compare: Some(moment("2008-03-31")),
        query: Some("SELECT key, revenue FROM financials".to_owned()),
        ..Start::default()
    };
    let mut explorer = Explorer::open(&test_data(), start, (140, 34));
    explorer.settle();
    let pane = explorer.app.query().expect("the pane");
    let diff = &pane.comparison.as_ref().expect("a comparison").diff;
    assert_eq!(
        (diff.a().as_of(), diff.b().as_of()),
        (moment("2008-03-31"), moment(READABLE))
    );
}

#[test]
fn what_is_pressed_while_a_row_is_looked_for_is_done_with_that_row() {
    let mut explorer = open(READABLE);
    explorer.flood("/ZXQE<Enter>H").settle();
    explorer.wait_until("the history", |app| {
        matches!(app.overlay, Some(Overlay::History(_)))
    });
    let Some(Overlay::History(history)) = &explorer.app.overlay else {
        panic!("{}", explorer.text());
    };
    assert_eq!(history.key, "ZXQE");
    // Rows of another moment, or others of the same, are looked through instead.
    for between in ["/ZXQE<Enter>,,,", "&revenue > 0<Enter>/ZXQE<Enter>"] {
        let mut explorer = open("2014-06-30");
        explorer.flood(between);
        explorer.wait_until("the match", |app| {
            let view = app.view().expect("the table");
            let rows = view.rows().expect("rows");
            view.pending.is_none() && rows.key(view.grid.row) == "ZXQE"
        });
    }
}

#[test]
fn the_help_tells_the_keys_of_what_lies_beneath_and_gives_it_back() {
    let mut explorer = open(READABLE);
    let text = explorer.keys("H?").text();
    assert!(text.contains("go to this version"), "{text}");
    explorer.keys("<Esc>");
    assert!(matches!(explorer.app.overlay, Some(Overlay::History(_))));
    explorer.keys("y");
    assert!(explorer.copied.is_some(), "the value under the cursor");
}

#[test]
fn rows_that_are_filtered_and_sorted_are_copied_whole_and_as_a_command() {
    let mut explorer = open(READABLE);
    explorer.keys("&industry ~ \"Software\"<Enter>lls:copy rows<Enter>");
    let rows = explorer.copied.take().expect("the rows");
    let shown = explorer
        .app
        .view()
        .and_then(azof_tui::app::TableView::rows)
        .map_or(0, azof_tui::app::rows::Rows::len);
    assert_eq!(rows.lines().count(), shown + 1);
    assert!(rows.starts_with("key\tevent_time\tindustry\t"), "{rows}");
    explorer.keys(":copy command<Enter>");
    let command = explorer.copied.take().expect("the command");
    assert!(
        command.contains("--query") && command.contains("ORDER BY"),
        "{command}"
    );
}

#[test]
fn a_time_may_count_from_the_playhead() {
    let explorer = open("2013-11-26");
    assert_eq!(
        explorer.app.resolve_moment(".-1y"),
        Ok(moment("2012-11-26"))
    );
    assert_eq!(
        explorer.app.resolve_moment(".-90d"),
        Ok(moment("2013-08-28"))
    );
}

#[test]
fn what_was_asked_for_before_comes_back_in_its_own_field() {
    let mut explorer = open(READABLE);
    let typed = |explorer: &Explorer| match &explorer.app.overlay {
        Some(Overlay::Ask(ask)) => ask.prompt.text().to_owned(),
        other => panic!("no field: {other:?}"),
    };
    explorer.keys("/ZX<Enter>/AB<Enter>/ZX<Enter>&revenue > 5<Enter>");
    explorer.keys("/mine<Up>");
    assert_eq!(typed(&explorer), "ZX", "asked again, it is the newest");
    explorer.keys("<Up><Up>");
    assert_eq!(typed(&explorer), "AB");
    explorer.keys("<Down><Down>");
    assert_eq!(typed(&explorer), "mine");
    explorer.keys("<Esc>&<C-u><Up>");
    assert_eq!(typed(&explorer), "revenue > 5");
    explorer.keys("<Esc>w<Up>");
    assert_eq!(typed(&explorer), "");
}
