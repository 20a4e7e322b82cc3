//! The query pane: writing, running, following the playhead, comparing, and telling what is wrong.
#![allow(clippy::expect_used, reason = "a broken fixture should stop a test")]

mod support;

use azof_tui::app::{Effect, Msg, Start};
use azof_tui::event_time::{AsOf, parse_calendar};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use support::explorer::Explorer;
use support::test_data;

const BY_INDUSTRY: &str = "SELECT industry, count(*) AS n, sum(revenue) AS total FROM financials GROUP BY industry ORDER BY industry";

fn open(moment: &str, query: Option<&str>) -> Explorer {
    let start = Start {
        table: Some("financials".to_owned()),
        as_of: parse_calendar(moment).map(AsOf::At),
        query: query.map(str::to_owned),
        ..Start::default()
    };
    Explorer::open(&test_data(), start, (140, 34))
}

fn pane(explorer: &Explorer) -> &azof_tui::app::query::QueryPane {
    explorer.app.query().expect("the pane is open")
}

fn total(explorer: &Explorer) -> String {
    let text = explorer.text();
    let line = text
        .lines()
        .find(|l| l.contains("Banks") || l.contains("Software"));
    line.expect("a row").to_owned()
}

#[test]
fn a_statement_is_completed_run_and_shown() {
    let mut explorer = open("2009-03-31", None);
    explorer.keys("e");
    assert!(
        explorer.text().contains("FROM financials"),
        "it begins with what the screen shows"
    );
    explorer.keys("<C-u><Up><End><C-u><Up><End><C-u>");
    explorer.keys("select key, rev");
    let offered = pane(&explorer).completion.as_ref().expect("candidates");
    assert_eq!(offered.candidates[0].text, "revenue");
    explorer
        .keys("<Tab> from fin<Tab> where revenue > 1e10 order by revenue desc limit 3 ;<Enter>");
    explorer.settle();
    let result = pane(&explorer).result.as_ref().expect("rows");
    assert_eq!((result.len(), result.is_complete), (3, true));
    assert_eq!(
        result.as_of(),
        parse_calendar("2009-03-31")
            .map(AsOf::At)
            .expect("a moment")
    );
    assert!(
        explorer.text().contains("as of 2009-03-31"),
        "{}",
        explorer.text()
    );
}

#[test]
fn the_result_follows_the_playhead_and_comes_back() {
    let mut explorer = open("2009-03-31", Some(BY_INDUSTRY));
    let first = total(&explorer);
    explorer.keys("}}").settle();
    let later = total(&explorer);
    assert_ne!(first, later);
    explorer.keys("{{").settle();
    assert_eq!(total(&explorer), first);
    explorer.keys("<Esc>").settle();
    assert!(explorer.app.query().is_none());
    assert!(
        explorer.text().contains("by key"),
        "the table is there again"
    );
}

#[test]
fn two_moments_of_a_result_are_compared_by_the_columns_named() {
    let mut explorer = open("2008-03-31", Some(BY_INDUSTRY));
    explorer.keys("a}}").settle();
    explorer.keys("d");
    assert!(explorer.text().contains("Which columns tell rows apart?"));
    explorer.keys("industry<Enter>").settle();
    let comparison = pane(&explorer).comparison.as_ref().expect("a comparison");
    assert!(comparison.diff.summary().changed > 0);
    assert!(
        explorer.text().contains("A 2008-03-31 → B"),
        "{}",
        explorer.text()
    );
    explorer.keys("]");
    explorer.keys("d");
    let text = explorer.text();
    let sides = text.lines().filter(|l| l.contains("A 2008-03-31"));
    assert_eq!(
        sides.count(),
        2,
        "the headline, and the title of a side:\n{text}"
    );
    explorer.keys("d").settle();
    assert!(pane(&explorer).comparison.is_none());
}

#[test]
fn a_key_column_tells_rows_apart_by_itself_and_doubles_are_an_error() {
    let mut explorer = open("2008-03-31", Some("SELECT key, revenue FROM financials"));
    explorer.keys("a}}d").settle();
    assert!(pane(&explorer).comparison.is_some());
    let mut explorer = open(
        "2008-03-31",
        Some("SELECT industry, revenue FROM financials"),
    );
    explorer.keys("a}}d");
    explorer.keys("industry<Enter>").settle();
    let error = pane(&explorer).error.as_ref().expect("an error");
    assert!(
        error.message().contains("two rows have the industry"),
        "{error}"
    );
}

#[test]
fn what_is_wrong_is_said_and_marked_in_the_text() {
    let explorer = open("2009-03-31", Some("SELECT key, revnue FROM financials"));
    let error = pane(&explorer).error.as_ref().expect("an error");
    assert_eq!(error.text_position(), Some((1, 13)));
    assert!(explorer.text().contains("revnue"), "{}", explorer.text());
    let refused = open("2009-03-31", Some("DROP TABLE financials"));
    assert!(
        refused.text().contains("DROP TABLE is refused"),
        "{}",
        refused.text()
    );
}

#[test]
fn cancelling_frees_the_screen_at_once() {
    let mut explorer = open("2009-03-31", None);
    explorer.keys("e");
    explorer.keys("<C-u><Up><End><C-u><Up><End><C-u>");
    explorer.flood("SELECT count(*) FROM financials a, financials b, financials c, financials d WHERE a.revenue + b.revenue > c.revenue + d.revenue;<Enter>");
    assert!(pane(&explorer).pending.is_some());
    let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    let clock = explorer.app.clock;
    let effects = explorer.app.update(Msg::Key(ctrl_c), clock);
    assert!(
        matches!(effects.as_slice(), [Effect::Cancel(_)]),
        "{effects:?}"
    );
    assert!(pane(&explorer).pending.is_none(), "in the very next frame");
}

#[test]
fn a_key_right_behind_esc_is_a_key_of_the_rows() {
    let mut explorer = open("2009-03-31", Some(BY_INDUSTRY));
    let before = total(&explorer);
    explorer.keys("e");
    // Terminals send Esc and a key in one piece as the key with Alt.
    explorer.send(Msg::Key(KeyEvent::new(
        KeyCode::Char('}'),
        KeyModifiers::ALT,
    )));
    explorer.settle();
    assert_ne!(total(&explorer), before);
    assert!(!pane(&explorer).editor.text().contains('}'));
}

#[test]
fn statements_come_back_in_the_order_they_were_run() {
    let mut explorer = open("2009-03-31", None);
    explorer.send(Msg::Queries(vec![
        "SELECT 1".to_owned(),
        "SELECT 2".to_owned(),
    ]));
    explorer.keys("e<C-u><Up><End><C-u><Up><End><C-u>");
    explorer.keys("<Up>");
    assert_eq!(pane(&explorer).editor.text(), "SELECT 2");
    explorer.keys("<Up><Up>");
    assert_eq!(pane(&explorer).editor.text(), "SELECT 1");
    explorer.keys("<Down><Down>");
    assert!(
        !pane(&explorer).editor.text().contains("SELECT"),
        "what was being written"
    );
}

#[test]
fn the_query_of_the_screen_says_its_moment() {
    let mut explorer = open("2009-03-31", None);
    explorer.keys("E").settle();
    let text = pane(&explorer).editor.text().to_owned();
    assert!(
        text.contains("FROM financials AT ('2009-03-31T00:00:00.000Z')"),
        "{text}"
    );
    let rows = pane(&explorer).result.as_ref().expect("rows").len();
    assert_eq!(
        explorer
            .app
            .view()
            .and_then(|v| v.snapshot.as_ref())
            .map(|s| s.len()),
        Some(rows)
    );
    // Its moment is its own: the playhead does not move it.
    explorer.keys("<Esc>,,").settle();
    assert_eq!(pane(&explorer).result.as_ref().map(|r| r.len()), Some(rows));
}

#[test]
fn hostile_results_and_small_screens_are_shown() {
    for size in [(60, 15), (80, 24), (200, 60)] {
        let start = Start {
            table: Some("financials".to_owned()),
            query: Some("SELECT '\u{1b}[31m\u{202e}' AS \"a\u{7}b\", repeat('x', 100000) AS long, NULL AS nothing, 1.5, now(), [1,2], count(*) FROM financials".to_owned()),
            ..Start::default()
        };
        let mut explorer = Explorer::open(&test_data(), start, size);
        assert!(
            pane(&explorer).error.is_none(),
            "{:?}",
            pane(&explorer).error
        );
        assert!(!explorer.text().contains('\u{1b}'));
        explorer.keys("e").keys("<Esc>lllhh$0");
    }
}

#[test]
fn of_a_result_of_millions_the_first_part_is_shown_as_one() {
    let explorer = open(
        "2009-03-31",
        Some("SELECT * FROM generate_series(1, 1500000)"),
    );
    let text = explorer.text();
    assert!(text.contains("of the first 1,000,000"), "{text}");
    assert!(text.contains("more than 1,000,000 rows"), "{text}");
}

#[test]
fn a_comparison_of_results_has_the_order_that_the_statement_asks_for() {
    let statement = "SELECT key, revenue FROM financials WHERE revenue IS NOT NULL ORDER BY revenue DESC LIMIT 12";
    let mut explorer = open("2008-03-31", Some(statement));
    explorer.keys("a@2012-03-31<Enter>d").settle();
    let comparison = pane(&explorer).comparison.as_ref().expect("a comparison");
    let rows = azof_tui::app::rows::Rows::Compared(comparison);
    let b = comparison.diff.b();
    let mut revenues = Vec::new();
    let mut removed = 0;
    for row in 0..rows.len() {
        match b.find(rows.key(row)) {
            Ok(at) => revenues.push(format!("{:?}", b.value(at, 0))),
            Err(_) => removed += 1,
        }
    }
    assert_eq!(revenues.len(), 12);
    assert!(removed > 0, "the twelve of 2008 are not those of 2012");
    let number = |text: &String| {
        text.trim_start_matches("Int(")
            .trim_end_matches(')')
            .parse()
    };
    let numbers: Vec<i64> = revenues
        .iter()
        .map(number)
        .collect::<Result<_, _>>()
        .expect("numbers");
    assert!(numbers.is_sorted_by(|a, b| a >= b), "{numbers:?}");
    // What is left of the rows keeps the order.
    let all: Vec<String> = (0..rows.len())
        .map(|row| rows.key(row).to_owned())
        .collect();
    explorer.keys("c");
    let comparison = pane(&explorer).comparison.as_ref().expect("a comparison");
    let rows = azof_tui::app::rows::Rows::Compared(comparison);
    let changed: Vec<String> = (0..rows.len())
        .map(|row| rows.key(row).to_owned())
        .collect();
    let kept: Vec<String> = all
        .into_iter()
        .filter(|key| changed.contains(key))
        .collect();
    assert_eq!(changed, kept);
}

#[test]
fn a_text_is_found_in_a_result() {
    let mut explorer = open(
        "2009-03-31",
        Some("SELECT value, 'row ' || value AS name FROM generate_series(1, 5000) ORDER BY value"),
    );
    explorer.keys("/row 4321$<Enter>");
    let cursor = |explorer: &Explorer| (pane(explorer).grid.row, pane(explorer).grid.column);
    assert_eq!(cursor(&explorer), (4320, 1));
    explorer.keys("0g/4,321<Enter>");
    assert_eq!(cursor(&explorer), (4320, 0), "as it is shown");
    explorer.keys("/^row 1\\d$<Enter>nN");
    assert_eq!(cursor(&explorer), (9, 1));
    let text = explorer.keys("/no such row<Enter>").text();
    assert!(text.contains("nothing matches no such row"), "{text}");
}
