//! The list of columns: moving, pinning, widths, narrowing, and what a column holds.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]

mod support;

use azof_tui::app::{Effect, Msg, Panel, Start};
use azof_tui::engine::Request;
use azof_tui::event_time::{AsOf, parse_calendar};
use crossterm::event::{KeyCode, KeyEvent, MouseButton, MouseEventKind};
use support::explorer::Explorer;
use support::test_data;

fn financials(size: (u16, u16)) -> Explorer {
    let start = Start {
        table: Some("financials".into()),
        as_of: parse_calendar("2009-03-31").map(AsOf::At),
        ..Start::default()
    };
    Explorer::open(&test_data(), start, size)
}

/// The titles of the rows' columns, from left to right.
fn titles(e: &Explorer) -> Vec<String> {
    let grid = &e.app.view().expect("a view").grid;
    grid.columns.iter().map(|c| c.name.clone()).collect()
}

/// The titles of those that are in view.
fn in_view(e: &Explorer) -> Vec<String> {
    let grid = &e.app.view().expect("a view").grid;
    let placed = grid.placed.iter();
    placed
        .map(|p| grid.columns[p.column].name.clone())
        .collect()
}

#[test]
fn moving_a_column_moves_it_among_the_rows_without_a_read() {
    let mut e = financials((140, 36));
    let before = titles(&e);
    e.keys("2jjj");
    let clock = e.app.clock;
    let effects = e
        .app
        .update(Msg::Key(KeyEvent::from(KeyCode::Char('K'))), clock);
    let reads = effects.iter().filter(|e| {
        matches!(
            e,
            Effect::Send(_, Request::Snapshot { .. } | Request::Arranged { .. })
        )
    });
    assert_eq!(reads.count(), 0);
    let mut expected = before.clone();
    expected.swap(2, 3);
    assert_eq!(titles(&e), expected);
    e.keys("J");
    assert_eq!(titles(&e), before);
    assert!(e.keys("GJ").text().contains("this is the last column"));
    assert!(e.keys("gJ").text().contains("the key stays where it is"));
    assert!(e.keys("jK").text().contains("this is the first column"));
    assert_eq!(titles(&e), before);
}

#[test]
fn moved_columns_are_copied_compared_and_read_anew_in_their_order() {
    let mut e = financials((140, 36));
    e.keys("2jjjKK3");
    let moved = titles(&e);
    assert_eq!(
        moved[1],
        before_time(&moved),
        "a value stands before the event time"
    );
    e.keys(",");
    assert_eq!(titles(&e), moved, "the next moment keeps them");
    e.keys("a.d");
    assert_eq!(titles(&e), moved, "a comparison has them in the same order");
    e.keys("dd<C-y>");
    let line = e.copied.clone().expect("a command line");
    assert!(line.contains(&format!("--columns {}", moved[1])), "{line}");
}

fn before_time(titles: &[String]) -> String {
    let at = titles.iter().position(|t| t == "event_time");
    titles[at.expect("the event time") - 1].clone()
}

#[test]
fn a_pinned_column_stays_in_view_while_the_rest_scrolls() {
    let mut e = financials((60, 20));
    e.keys("3$");
    assert!(
        !in_view(&e).contains(&"industry".to_owned()),
        "{:?}",
        in_view(&e)
    );
    e.keys(":column industry<Enter>p");
    let text = e.text();
    assert!(text.contains("industry stays in view"), "{text}");
    assert_eq!(titles(&e)[1], "industry");
    let shown = e.keys("$");
    assert!(in_view(shown).contains(&"industry".to_owned()));
    assert!(in_view(shown).contains(titles(shown).last().expect("a column")));
    let text = e.keys("2").text();
    assert!(text.contains("◆ industry"), "{text}");
    e.keys("3:column industry<Enter>p$");
    assert!(
        !in_view(&e).contains(&"industry".to_owned()),
        "{:?}",
        in_view(&e)
    );
    assert!(e.keys("0p").text().contains("the key always stays in view"));
}

#[test]
fn pinned_columns_leave_room_for_others() {
    let mut e = financials((100, 30));
    for _ in 0..4 {
        e.keys("2Gp");
    }
    let last = titles(&e).last().expect("a column").clone();
    assert!(in_view(e.keys("3$")).contains(&last), "{:?}", in_view(&e));
}

#[test]
fn a_width_can_be_set_fitted_and_given_back() {
    let mut e = financials((140, 36));
    let width = |e: &Explorer| {
        let grid = &e.app.view().expect("a view").grid;
        let placed = grid.placed.iter();
        placed
            .filter(|p| p.column == grid.column)
            .map(|p| p.width)
            .next()
            .expect("in view")
    };
    e.keys(":column industry<Enter>");
    let automatic = width(&e);
    e.keys(":width 9<Enter>");
    assert_eq!(width(&e), 9);
    e.keys("_");
    assert_eq!(width(&e), automatic);
    e.keys("_:width auto<Enter>");
    assert_eq!(width(&e), automatic);
    let text = e.keys(":width wide<Enter>").text();
    assert!(text.contains("'wide' is no width"), "{text}");
    // In the list of columns it is the one under its cursor.
    e.keys("<Esc>2jj:width 11<Enter>3:column industry<Enter>");
    assert_eq!(width(&e), 11);
    assert_eq!(e.app.focus, Panel::Data);
}

#[test]
fn typing_narrows_a_list_to_the_names_that_hold_the_text() {
    let mut e = financials((140, 36));
    let text = e.keys("2/REV").text();
    assert!(text.contains("│ / REV"), "{text}");
    assert_eq!(e.app.listed(Panel::Columns), [3], "{text}");
    assert_eq!(e.app.view().expect("a view").column_cursor, 3);
    // It stays narrow while something is done with what is left, and Esc lists all again.
    let before = titles(&e);
    e.keys("<Enter><Enter>");
    assert!(!titles(&e).contains(&"revenue".to_owned()), "{before:?}");
    assert_eq!(e.app.listed(Panel::Columns), [3]);
    e.keys("<Enter><Esc>");
    assert_eq!(titles(&e), before);
    assert!(e.app.listed(Panel::Columns).len() > 3);
    let text = e.keys("/nope").text();
    assert!(text.contains("no column is called that"), "{text}");
    assert!(
        e.keys("<BS><BS><BS><BS><BS>")
            .app
            .narrow(Panel::Columns)
            .is_none()
    );
}

#[test]
fn a_table_is_opened_by_a_few_of_its_letters() {
    let mut e = financials((140, 36));
    e.keys("1/e2<Enter>");
    assert_eq!(e.app.current().map(|t| t.name.as_str()), Some("table2"));
    assert!(e.app.narrow(Panel::Tables).is_none());
    e.keys("/zzz<Enter>");
    assert_eq!(e.app.current().map(|t| t.name.as_str()), Some("table2"));
    // Keys of other panels are text as long as the field takes them.
    e.keys("/");
    e.send(Msg::Paste("financ".to_owned()));
    assert_eq!(e.app.listed(Panel::Tables), [0]);
    e.keys("q<BS>");
    assert!(!e.quit);
    e.keys("<Down><Enter>");
    assert_eq!(e.app.current().map(|t| t.name.as_str()), Some("financials"));
}

#[test]
fn a_click_selects_what_a_narrowed_list_shows_there() {
    let mut e = financials((140, 36));
    e.keys("2/e<Enter>");
    let listed = e.app.listed(Panel::Columns);
    let area = e.app.list_area(Panel::Columns).expect("an area");
    e.mouse(
        MouseEventKind::Down(MouseButton::Left),
        area.x + 8,
        area.y + 2,
    );
    assert_eq!(e.app.view().expect("a view").column_cursor, listed[2]);
}
