//! The history of a row: its versions, what changed in each, the way to them, and the chart.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]

mod support;

use azof_tui::app::history_view::HistoryView;
use azof_tui::app::{Overlay, Start};
use azof_tui::diff::ChangeKind;
use azof_tui::event_time::{AsOf, EventTime, parse_calendar};
use azof_tui::ui::{Depth, Theme, ThemeName};
use ratatui::style::Modifier;
use support::explorer::{Explorer, buffer_text};
use support::{Lake, test_data};

fn financials(size: (u16, u16)) -> Explorer {
    let start = Start {
        table: Some("financials".into()),
        as_of: parse_calendar("2009-03-31").map(AsOf::At),
        ..Start::default()
    };
    Explorer::open(&test_data(), start, size)
}

fn open(e: &Explorer) -> &HistoryView {
    match &e.app.overlay {
        Some(Overlay::History(open)) => open,
        other => panic!("no history is open, but {other:?}"),
    }
}

fn playhead(e: &Explorer) -> AsOf {
    e.app.view().expect("a view").playhead
}

/// Two segments, the second of which does not know the key `b` until 15.
fn lake_with_a_gap() -> Lake {
    let lake = Lake::new();
    let row = |key: &str, at: i64, v: i64| (key.to_owned(), at, Some(v));
    let first = [
        row("a", 0, 1),
        row("b", 0, 7),
        row("b", 5, 7),
        row("b", 7, 8),
    ];
    let second = [row("a", 0, 1), row("b", 15, 9)];
    lake.table(
        "t",
        r#"{"id":"one","start":"1970-01-01T00:00:00Z","end":"1970-01-01T00:00:00.009Z","file":"one.parquet"},
           {"id":"two","start":"1970-01-01T00:00:00.010Z","end":"1970-01-01T00:00:00.019Z","file":"two.parquet"}"#,
    )
    .write("t", "one.parquet", support::parquet(&first, 9, 9))
    .write("t", "two.parquet", support::parquet(&second, 9, 9));
    lake
}

#[test]
fn frame_of_a_history() {
    insta::assert_snapshot!(financials((120, 36)).keys("jjjH").text());
}

#[test]
fn frame_of_a_history_at_80_columns() {
    insta::assert_snapshot!(financials((80, 24)).keys("jjjHlv").text());
}

#[test]
fn every_version_is_there_newest_first_with_what_became_of_the_key() {
    let lake = lake_with_a_gap();
    let mut e = Explorer::open(lake.path(), Start::default(), (100, 34));
    e.keys("jH");
    let entries: Vec<(i64, ChangeKind)> = open(&e)
        .entries
        .iter()
        .map(|e| (e.from.ms(), e.kind))
        .collect();
    assert_eq!(
        entries,
        [
            (20, ChangeKind::Removed),
            (15, ChangeKind::Added),
            (10, ChangeKind::Removed),
            (7, ChangeKind::Changed),
            (5, ChangeKind::Touched),
            (0, ChangeKind::Added),
        ]
    );
    let text = e.text();
    assert!(text.contains("History of b · 4 versions"), "{text}");
    assert!(text.contains("+3 ms") && text.contains("gone"), "{text}");
}

#[test]
fn a_changed_value_is_told_by_sign_underline_and_colour() {
    let lake = lake_with_a_gap();
    let mut e = Explorer::open(lake.path(), Start::default(), (100, 34));
    e.keys("jH");
    let plain = e.buffer_in(Theme::new(ThemeName::None, Depth::Ansi));
    let marked: Vec<String> = (0..plain.area.height)
        .filter_map(|y| {
            let cells = 0..plain.area.width;
            let x = cells.clone().find(|x| {
                let cell = &plain[(*x, y)];
                cell.symbol() == "8"
                    && cell
                        .style()
                        .add_modifier
                        .contains(Modifier::UNDERLINED | Modifier::BOLD)
            })?;
            let line: String = cells.map(|x| plain[(x, y)].symbol().to_owned()).collect();
            assert!(
                line.contains("~8") || plain[(x - 1, y)].symbol() == "~",
                "{line}"
            );
            Some(line)
        })
        .collect();
    assert_eq!(marked.len(), 1, "{}", buffer_text(&plain));
}

#[test]
fn enter_takes_the_playhead_to_the_version_and_escape_leaves_it() {
    let lake = lake_with_a_gap();
    let mut e = Explorer::open(lake.path(), Start::default(), (100, 34));
    e.keys("jHG");
    assert_eq!(open(&e).row, 5);
    e.keys("kk<Enter>");
    assert_eq!(playhead(&e), AsOf::At(EventTime::from_ms(7)));
    assert!(e.app.overlay.is_none());
    e.keys("H");
    assert_eq!(open(&e).row, 3, "it opens at the version that is shown");
    let here = |e: &Explorer| {
        let text = e.text();
        let sign = |l: &&str| l.contains('▲') && l.contains("1970") && !l.contains('╌');
        text.lines().find(sign).expect("a sign").to_owned()
    };
    assert!(here(&e).contains("00.007"), "{}", here(&e));
    // Time moves under it, and the sign goes along.
    e.keys("<");
    assert_eq!(playhead(&e), AsOf::At(EventTime::from_ms(5)));
    assert!(here(&e).contains("00.005"), "{}", here(&e));
    e.keys(">>");
    assert_eq!(playhead(&e), AsOf::At(EventTime::from_ms(10)));
    assert!(here(&e).contains("gone"), "{}", here(&e));
    e.keys("gk<PgDn><PgUp>G$0lh<Esc>");
    assert!(e.app.overlay.is_none());
    assert_eq!(playhead(&e), AsOf::At(EventTime::from_ms(10)));
}

#[test]
fn the_chart_has_a_line_for_each_column_that_is_asked_for() {
    let mut e = financials((120, 40));
    e.keys("jjjH");
    let charted = open(&e).charted.clone();
    assert_eq!(charted.len(), 1, "the first numeric column to begin with");
    let braille = |text: &str| text.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c));
    assert!(braille(&e.text()), "{}", e.text());
    let names: Vec<String> = {
        let open = open(&e);
        let history = open.history.as_ref().expect("a history");
        let at = open.charted[0];
        vec![history.columns()[at].name.clone()]
    };
    assert!(
        e.text().contains(&format!("━ {}", names[0])),
        "{}",
        e.text()
    );
    // A text has no line; a second number has one, and its own scale in the legend.
    let refused = e.keys("0v").text();
    assert!(refused.contains("holds no numbers"), "{refused}");
    e.keys("$v");
    assert_eq!(open(&e).charted.len(), 2);
    let text = e.text();
    assert!(
        text.matches('━').count() >= 2 && text.contains(" … "),
        "{text}"
    );
    e.keys("v");
    assert_eq!(open(&e).charted, charted);
    let plain = e
        .keys("v")
        .buffer_in(Theme::new(ThemeName::None, Depth::Ansi));
    assert!(
        buffer_text(&plain).contains(" b "),
        "without colours a letter tells the lines apart"
    );
}

#[test]
fn a_history_is_usable_at_every_size_and_without_rows() {
    let mut e = financials((140, 42));
    e.keys("H");
    for (width, height) in [(60, 15), (61, 16), (300, 90), (99, 20), (20, 5)] {
        e.send(azof_tui::app::Msg::Resize(width, height));
        e.keys("lllll$v0vGg");
        let _ = e.buffer();
    }
    let lake = Lake::new();
    lake.table("void", "");
    let mut e = Explorer::open(lake.path(), Start::default(), (100, 30));
    assert!(e.keys("H").text().contains("there is no row here"));
}
