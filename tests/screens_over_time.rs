//! When a condition turns true, and lines over time, from the keyboard.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]

mod support;

use std::sync::Arc;

use azof_tui::aggregate::Point;
use azof_tui::app::{App, Effect, Msg, Overlay, Start};
use azof_tui::engine::{Answer, Lane, OverTime, Reply, Request, RequestId, Turns};
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

/// Three keys that come and a value that goes up and down; the last change is far from the others.
fn counted_lake() -> Lake {
    let lake = Lake::new();
    let row = |key: &str, ms, v| (key.to_owned(), ms, v);
    let rows = [
        row("a", 0, Some(1)),
        row("b", 10, Some(2)),
        row("c", 20, None),
        row("a", 30, Some(10)),
        row("b", 100, Some(0)),
    ];
    lake.table(
        "t",
        r#"{"id":"s","start":"1970-01-01T00:00:00Z","file":"f.parquet"}"#,
    )
    .write("t", "f.parquet", parquet(&rows, 9, 9));
    lake
}

#[test]
fn a_line_goes_through_the_rows_and_the_aggregates_of_the_column() {
    let lake = counted_lake();
    let mut e = explorer(&lake);
    for (key, label, value, range) in [
        ("v", "rows", "3", "from 1 to 3"),
        ("$v", "sum(v)", "10", "from 1 to 12"),
        ("v", "mean(v)", "5", "from 1 to 6"),
        ("v", "min(v)", "0", "from 0 to 2"),
        ("v", "max(v)", "10", "from 1 to 10"),
        ("v", "count(v)", "2", "from 1 to 2"),
    ] {
        let text = e.keys(key).text();
        assert!(
            text.contains(&format!("{label} {value} · {range}")),
            "{text}"
        );
    }
    assert!(e.keys("v").app.view().expect("a view").line.is_none());
    assert!(!e.text().contains("count(v)"));
}

#[test]
fn the_value_of_the_line_follows_the_playhead() {
    let lake = counted_lake();
    let mut e = explorer(&lake);
    assert!(e.keys(":line sum v<Enter>").text().contains("sum(v) 10 ·"));
    assert!(e.keys(",").text().contains("sum(v) 10 ·"));
    assert!(e.keys(",").text().contains("sum(v) 12 ·"));
    assert!(e.keys("4g").text().contains("sum(v) 1 ·"));
    let text = e.keys("@1969<Enter>").text();
    assert!(text.contains("sum(v) · from 1 to 12"), "{text}");
}

#[test]
fn a_line_by_name_may_be_of_any_column_of_numbers() {
    let lake = counted_lake();
    let mut e = explorer(&lake);
    for (typed, said) in [
        ("line rows", "rows 3 ·"),
        ("line mean(v)", "mean(v) 5 ·"),
        ("line max v", "max(v) 10 ·"),
    ] {
        e.keys(":");
        e.send(Msg::Paste(typed.to_owned()));
        assert!(
            e.keys("<Enter>").text().contains(said),
            "{typed}: {}",
            e.text()
        );
    }
    e.keys(":line off<Enter>");
    assert!(e.app.view().expect("a view").line.is_none());
    for (typed, said) in [
        ("line best v", "'best' is no line"),
        ("line sum w", "'w' is no column of numbers"),
        ("line sum key", "'key' is no column of numbers"),
    ] {
        e.keys(":");
        e.send(Msg::Paste(typed.to_owned()));
        let text = e.keys("<Enter>").text();
        assert!(text.contains(said), "{typed}: {text}");
        e.keys("<Esc>");
    }
}

#[test]
fn an_aggregate_without_a_column_is_of_the_selected_one() {
    let mut e = Explorer::open(&test_data(), Start::default(), (140, 36));
    e.keys("3$:line mean<Enter>");
    assert!(e.text().contains("mean(net_income)"), "{}", e.text());
    e.keys("2jjj:line max<Enter>");
    assert!(e.text().contains("max(revenue)"), "{}", e.text());
}

#[test]
fn a_line_sharpens_and_can_be_cancelled() {
    let lake = counted_lake();
    let mut e = explorer(&lake);
    let clock = e.app.clock;
    let effects = e
        .app
        .update(Msg::Key(KeyEvent::from(KeyCode::Char('v'))), clock);
    let [Effect::Send(id, Request::Series { .. })] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    let (id, lane) = (*id, Lane::Series);
    let so_far = OverTime {
        moments: [0, 10, 20, 30, 100].into(),
        points: vec![
            Point::Value(1.0),
            Point::Unknown,
            Point::Unknown,
            Point::Value(3.0),
            Point::Unknown,
        ],
        known: 2,
    };
    let answer = Answer::Series(Arc::new(so_far));
    e.send(Msg::Reply(Reply { id, lane, answer }));
    e.wait_ms(400);
    let text = e.text();
    assert!(
        text.contains("rows ≈ 3 · from 1 to 3 · 2 of 5 ticks · Esc cancels"),
        "{text}"
    );
    let clock = e.app.clock;
    let effects = e.app.update(Msg::Key(KeyEvent::from(KeyCode::Esc)), clock);
    assert_eq!(effects, [Effect::Cancel(Lane::Series)]);
    let answer = Answer::Failed(Error::cancelled());
    e.send(Msg::Reply(Reply { id, lane, answer }));
    assert!(
        e.text().contains("cancelled at 2 of 5 ticks"),
        "{}",
        e.text()
    );
}

#[test]
fn frame_of_a_line() {
    let start = Start {
        table: Some("financials".into()),
        as_of: parse_calendar("2012-03-31").map(AsOf::At),
        ..Start::default()
    };
    let mut e = Explorer::open(&test_data(), start, (140, 36));
    insta::assert_snapshot!(e.keys(":line sum revenue<Enter>").text());
    e.send(Msg::Resize(80, 24));
    insta::assert_snapshot!(e.text());
}

#[test]
fn a_line_that_gave_way_to_another_tables_goes_on_when_its_table_is_opened_again() {
    let lake = two_keys();
    lake.table(
        "u",
        r#"{"id":"s","start":"1970-01-01T00:00:00Z","file":"f.parquet"}"#,
    )
    .write(
        "u",
        "f.parquet",
        parquet(&[("a".to_owned(), 0, Some(1))], 9, 9),
    );
    let mut e = explorer(&lake);
    e.keys("1j<Enter>k<Enter>");
    // What is asked for here is never answered.
    let clock = e.app.clock;
    let mut press = |keys: &[KeyCode]| -> Vec<String> {
        let effects = keys.iter().flat_map(|key| {
            let message = Msg::Key(KeyEvent::from(*key));
            e.app.update(message, clock)
        });
        let series = effects.filter_map(|effect| match effect {
            Effect::Send(_, Request::Series { table, .. }) => Some(table),
            _ => None,
        });
        series.collect()
    };
    let (v, j, k, enter) = (
        KeyCode::Char('v'),
        KeyCode::Char('j'),
        KeyCode::Char('k'),
        KeyCode::Enter,
    );
    assert_eq!(press(&[v]), ["t"]);
    assert_eq!(press(&[j, enter]), [""; 0], "u has no line");
    assert_eq!(press(&[v]), ["u"]);
    assert_eq!(press(&[k, enter]), ["t"], "it goes on");
    assert_eq!(press(&[j, enter]), ["u"]);
}
