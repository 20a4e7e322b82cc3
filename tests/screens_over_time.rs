//! When a condition turns true, from the keyboard.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]

mod support;

use std::sync::Arc;

use azof_tui::app::{App, Effect, Msg, Overlay, Start};
use azof_tui::engine::{Answer, Lane, Reply, Request, RequestId, Turns};
use azof_tui::error::Error;
use azof_tui::event_time::{AsOf, EventTime, parse_calendar};
use crossterm::event::{KeyCode, KeyEvent};
use support::explorer::Explorer;
use support::{Lake, parquet, test_data};

fn at(ms: i64) -> AsOf {
    AsOf::At(EventTime::from_ms(ms))
}

fn playhead(app: &App) -> AsOf {
    app.view().expect("a view").playhead
}

/// Two keys: `a` turns negative at 10 and at 30, `b` comes at 15.
fn two_keys() -> Lake {
    let lake = Lake::new();
    let row = |key: &str, ms, v| (key.to_owned(), ms, Some(v));
    let rows = [
        row("a", 0, 5),
        row("a", 10, -1),
        row("a", 20, 3),
        row("a", 30, -2),
        row("b", 15, -9),
    ];
    lake.table(
        "t",
        r#"{"id":"s","start":"1970-01-01T00:00:00Z","file":"f.parquet"}"#,
    )
    .write("t", "f.parquet", parquet(&rows, 9, 9));
    lake
}

fn explorer(lake: &Lake) -> Explorer {
    Explorer::open(lake.path(), Start::default(), (120, 30))
}

#[test]
fn a_condition_on_the_row_goes_to_the_first_time_that_it_turns_true() {
    let lake = two_keys();
    let mut e = explorer(&lake);
    let text = e.keys(":when v <").keys(" 0<Enter>").text();
    assert_eq!(playhead(&e.app), at(10));
    assert!(
        text.contains("v < 0 of a turned true 1970-01-01 00:00:00.010, time 1 of 2"),
        "{text}"
    );
    assert!(text.contains("when v < 0 of a · time 1 of 2"), "{text}");
    e.keys("t");
    assert_eq!(playhead(&e.app), at(30));
    let text = e.keys("t").text();
    assert!(text.contains("does not turn true later"), "{text}");
    e.keys("T");
    assert_eq!(playhead(&e.app), at(10));
    let text = e.keys("T").text();
    assert!(text.contains("does not turn true earlier"), "{text}");
}

#[test]
fn another_row_is_asked_the_same_condition() {
    let lake = two_keys();
    let mut e = explorer(&lake);
    e.keys("w")
        .keys("v <")
        .keys(" 0<Enter>")
        .keys("@current<Enter>jT");
    assert_eq!(playhead(&e.app), at(15));
    assert!(e.text().contains("v < 0 of b turned true"), "{}", e.text());
    e.keys("w<Enter>");
    assert!(
        e.text().contains("does not turn true later"),
        "nothing typed goes on with what was asked: {}",
        e.text()
    );
}

#[test]
fn a_condition_on_the_table_looks_at_every_moment() {
    let lake = two_keys();
    for (condition, first, times) in [
        ("count() > 1", 15, 1),
        ("sum(v) < 0", 10, 1),
        ("max(v) < 0", 10, 2),
        ("count() > 0", 0, 1),
    ] {
        let mut e = explorer(&lake);
        e.keys("w").keys(condition).keys("<Enter>");
        assert_eq!(playhead(&e.app), at(first), "{condition}");
        let when = e.app.when().expect("a condition");
        assert!(when.turns.is_complete && when.key.is_none(), "{condition}");
        assert_eq!(when.turns.moments.len(), times, "{condition}");
    }
    let mut e = explorer(&lake);
    let text = e.keys("wcount() > 9<Enter>").text();
    assert!(text.contains("count() > 9 never turns true"), "{text}");
    assert_eq!(playhead(&e.app), AsOf::Current);
    assert!(e.keys("<Esc>").app.when().is_none(), "Esc forgets it");
}

#[test]
fn what_is_wrong_with_a_condition_is_told_at_its_place() {
    let lake = two_keys();
    for (typed, said) in [
        ("w > 0", "there is no column 'w'"),
        (
            "sum(v)",
            "this is a whole number, and a condition is wanted",
        ),
        ("v > 0 and count() > 1", "v is of a row"),
        ("count( > 1", "is missing"),
    ] {
        for open in ["w", ":when "] {
            let mut e = explorer(&lake);
            let text = e.keys(open).keys(typed).keys("<Enter>").text();
            assert!(text.contains(said), "{typed}:\n{text}");
            assert!(matches!(e.app.overlay, Some(Overlay::Ask(_))), "{typed}");
        }
    }
    // Pasted as a whole it is a command as well.
    let mut e = explorer(&lake);
    e.keys(":");
    e.send(Msg::Paste("when w > 0".to_owned()));
    let text = e.keys("<Enter>").text();
    assert!(text.contains("there is no column 'w'"), "{text}");
}

#[test]
fn columns_and_aggregates_are_completed() {
    let lake = two_keys();
    let mut e = explorer(&lake);
    let text = e.keys("wco").text();
    assert!(text.contains("count("), "{text}");
    e.keys("<Tab>) > 1<Enter>");
    assert_eq!(playhead(&e.app), at(15));
}

/// Asks, and answers as an engine might: the request's number, with the application waiting.
fn asked(e: &mut Explorer, condition: &str) -> RequestId {
    e.keys("w").keys(condition);
    let clock = e.app.clock;
    let effects = e
        .app
        .update(Msg::Key(KeyEvent::from(KeyCode::Enter)), clock);
    match effects.as_slice() {
        [Effect::Send(id, Request::When { .. })] => *id,
        other => panic!("{other:?}"),
    }
}

fn reply(id: RequestId, answer: Answer) -> Msg {
    let lane = Lane::When;
    Msg::Reply(Reply { id, lane, answer })
}

#[test]
fn a_long_search_says_how_far_it_is_and_esc_stops_it() {
    let lake = two_keys();
    let mut e = explorer(&lake);
    let id = asked(&mut e, "count() > 1");
    let so_far = Turns {
        moments: Vec::new(),
        known_until: Some(0),
        visited: (1, 5),
        is_complete: false,
    };
    e.send(reply(id, Answer::Turns(Arc::new(so_far))));
    assert!(!e.text().contains("Esc cancels"), "{}", e.text());
    e.wait_ms(400);
    let text = e.text();
    assert!(
        text.contains("looked at 1 of 5 ticks · Esc cancels"),
        "{text}"
    );
    let clock = e.app.clock;
    let effects = e.app.update(Msg::Key(KeyEvent::from(KeyCode::Esc)), clock);
    assert_eq!(effects, [Effect::Cancel(Lane::When)]);
    e.send(reply(id, Answer::Failed(Error::cancelled())));
    assert_eq!(playhead(&e.app), AsOf::Current);
    // It is asked anew where it is wanted again.
    e.keys("T");
    assert_eq!(playhead(&e.app), at(15));
}

#[test]
fn who_goes_elsewhere_is_not_taken_back() {
    let lake = two_keys();
    let mut e = explorer(&lake);
    let id = asked(&mut e, "count() > 1");
    e.keys(",");
    let moved = playhead(&e.app);
    let found = Turns {
        moments: vec![15],
        known_until: Some(30),
        visited: (5, 5),
        is_complete: true,
    };
    e.send(reply(id, Answer::Turns(Arc::new(found))));
    assert_eq!(playhead(&e.app), moved);
    e.keys("T");
    assert_eq!(playhead(&e.app), at(15));
}

#[test]
fn frame_of_the_times_of_a_condition() {
    let start = Start {
        table: Some("financials".into()),
        as_of: parse_calendar("2012-03-31").map(AsOf::At),
        ..Start::default()
    };
    let mut e = Explorer::open(&test_data(), start, (140, 36));
    e.keys("w").keys("sum(net_income) <").keys(" 0<Enter>");
    insta::assert_snapshot!(e.text());
}
