//! The log of what was asked and what came of it, and a lake that is opened again as it was left.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]

mod support;

use azof_tui::app::last_state::LakeState;
use azof_tui::app::log::LogKind;
use azof_tui::app::rows::Rows;
use azof_tui::app::{Msg, Start};
use azof_tui::engine::{Answer, Lane, Reply, RequestId};
use azof_tui::error::{Error, ErrorKind};
use azof_tui::event_time::{AsOf, parse_calendar};
use azof_tui::format::Projection;
use support::explorer::Explorer;
use support::{Lake, parquet, test_data};

fn at(day: &str) -> AsOf {
    AsOf::At(parse_calendar(day).expect("a date"))
}

fn financials(last: Option<LakeState>) -> Explorer {
    let start = Start {
        last,
        ..Start::default()
    };
    Explorer::open(&test_data(), start, (140, 42))
}

/// A state as it is after a file.
fn through_a_file(state: &LakeState) -> LakeState {
    let json = serde_json::to_string(state).expect("written");
    let read: LakeState = serde_json::from_str(&json).expect("read");
    assert_eq!(read, *state);
    read
}

/// The frame without its first and last lines, which tell of reads and ways.
fn middle(e: &Explorer) -> String {
    let text = e.text();
    let lines: Vec<&str> = text.lines().collect();
    lines[1..lines.len() - 1].join("\n")
}

#[test]
fn the_log_tells_what_was_asked_what_came_and_what_failed() {
    let mut e = financials(None);
    e.keys("@2012-03-31<Enter>&industry ~ \"Sec[r]et\"<Enter>jH<Esc>");
    e.send(Msg::Reply(Reply {
        id: RequestId(999),
        lane: Lane::Snapshot,
        answer: Answer::Failed(Error::new(ErrorKind::Store, "the store is away").in_table("t")),
    }));
    let text = e.keys(":log<Enter>").text();
    for line in [
        "the tables",
        "rows of financials as of current, 4 columns",
        "rows of financials as of 2012-03-31T00:00:00.000Z, 4 columns, filtered",
        "0 of ",
        "#999 failed: table 't': the store is away",
        "times are UTC",
        "j k scroll",
    ] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
    let told: Vec<&str> = e.app.log.lines().map(|l| l.text.as_str()).collect();
    assert!(!told.iter().any(|l| l.contains("Sec[r]et")), "{told:?}");
    assert!(told.iter().any(|l| l.ends_with(" ms")), "{told:?}");
    // What comes while it is open is shown, newest last; the playhead moves beneath it.
    let text = e.keys(",").text();
    let newest = e.app.log.lines().last().expect("a line").text.clone();
    assert!(text.contains(&newest), "{text}");
    let mut small = financials(None);
    small.send(Msg::Resize(80, 16));
    for _ in 0..20 {
        small.keys(",");
    }
    let bottom = small.keys(":log<Enter>").text();
    let up = small.keys("k").text();
    assert_ne!(bottom, up, "one line up is one line up");
    assert_eq!(small.keys("j").text(), bottom);
    assert!(small.keys("g").text().contains("#1 the tables"));
    assert_eq!(small.keys("G").text(), bottom);
    small.keys("q");
    assert!(small.app.overlay.is_none() && !small.quit);
}

#[test]
fn a_cancelled_read_is_told_as_one() {
    let mut e = financials(None);
    e.flood("@2012<Enter><Esc>");
    e.wait_until("the end of the read", |app| {
        app.view().is_some_and(|v| v.pending.is_none())
    });
    let ended = e.app.log.lines().last().expect("a line");
    // The answer may have been quicker.
    assert!(
        matches!(ended.kind, LogKind::Cancelled | LogKind::Answered),
        "{ended:?}"
    );
}

#[test]
fn a_lake_is_opened_again_as_it_was_left() {
    let mut left = financials(None);
    left.keys("1j<Enter>1g<Enter>@2012-03-31<Enter>mqa@2014-06-30<Enter>mz");
    left.keys("2jj<Enter>gj<Enter>3&revenue > 0<Enter>ls");
    let state = through_a_file(&left.app.lake_state());
    let again = financials(Some(state.clone()));
    assert!(again.text().contains("as you left it"), "{}", again.text());
    assert_eq!(
        again.app.current().map(|t| t.name.as_str()),
        Some("financials")
    );
    let (before, after) = (
        left.app.view().expect("a view"),
        again.app.view().expect("a view"),
    );
    assert_eq!(after.playhead, at("2014-06-30"));
    assert_eq!(after.a, Some(at("2012-03-31")));
    assert_eq!(after.marks, before.marks);
    assert_eq!(after.columns, before.columns);
    assert_eq!(after.arrangement, before.arrangement);
    assert!(after.arrangement.filter.is_some() && after.arrangement.sort.is_some());
    let rows = |e: &Explorer| e.app.view().and_then(|v| v.rows().map(Rows::len));
    assert_eq!(rows(&left), rows(&again));
    // Left at once, it is as it was: the other table, too.
    assert_eq!(again.app.lake_state(), state);
    assert_eq!(state.tables.len(), 2);
}

#[test]
fn nothing_is_said_of_a_lake_that_was_left_as_it_opens() {
    let left = financials(None);
    let state = through_a_file(&left.app.lake_state());
    let again = financials(Some(state));
    assert_eq!(middle(&again), middle(&left));
    assert!(!again.text().contains("as you left it"), "{}", again.text());
}

#[test]
fn the_command_line_goes_before_what_was_left() {
    let mut left = financials(None);
    left.keys("@2012-03-31<Enter>amq2jj<Enter>");
    let last = Some(left.app.lake_state());
    let start = |change: &dyn Fn(&mut Start)| {
        let mut start = Start {
            last: last.clone(),
            ..Start::default()
        };
        change(&mut start);
        Explorer::open(&test_data(), start, (140, 42))
    };
    let view = |e: &Explorer| {
        let view = e.app.view().expect("a view");
        let shown = view.columns.iter().filter(|c| c.shown).count();
        (view.playhead, view.a, shown, view.marks.len())
    };
    let moment = at("2012-03-31");
    let other = at("2015-03-31");
    assert_eq!(view(&start(&|_| {})), (moment, Some(moment), 5, 1));
    assert_eq!(
        view(&start(&|s| s.as_of = Some(other))),
        (other, Some(moment), 5, 1)
    );
    assert_eq!(
        view(&start(&|s| s.as_of = Some(AsOf::Current))),
        (AsOf::Current, Some(moment), 5, 1)
    );
    assert_eq!(
        view(&start(&|s| s.compare = Some(other))),
        (moment, Some(other), 5, 1)
    );
    assert_eq!(
        view(&start(&|s| s.columns = Some(Projection::parse("revenue")))),
        (moment, Some(moment), 3, 1)
    );
    let named = start(&|s| s.table = Some("table0".into()));
    assert_eq!(named.app.current().map(|t| t.name.as_str()), Some("table0"));
    assert_eq!(view(&named).0, AsOf::Current);
}

#[test]
fn what_is_gone_since_is_passed_over() {
    let lake = Lake::new();
    let rows = [("a".to_owned(), 5, Some(1)), ("b".to_owned(), 7, Some(2))];
    lake.table(
        "t",
        r#"{"id":"s","start":"1970-01-01T00:00:00Z","file":"f.parquet"}"#,
    )
    .write("t", "f.parquet", parquet(&rows, 9, 9));
    let last = |json: &str| -> LakeState { serde_json::from_str(json).expect("a state") };
    let open = |json: &str| {
        let start = Start {
            last: Some(last(json)),
            ..Start::default()
        };
        Explorer::open(lake.path(), start, (100, 30))
    };
    let e = open(
        r#"{"table":"gone","tables":{"gone":{},"t":{
            "as_of":{"at":6},"columns":["old","v"],"hidden":["old"],"filter":"old > 3","sort":["old",true],
            "marks":{"q":{"at":5},"c":"current","\u001b":{"at":5}},"later":1}}}"#,
    );
    let view = e.app.view().expect("a view");
    assert_eq!(e.app.current().map(|t| t.name.as_str()), Some("t"));
    assert!(!e.text().contains("there is no table"), "{}", e.text());
    assert_eq!(view.playhead.position_ms(), 6);
    assert_eq!(view.arrangement, azof_tui::engine::Arrangement::default());
    assert!(view.columns.iter().all(|c| c.shown));
    assert_eq!(view.marks.keys().collect::<Vec<_>>(), [&'c', &'q']);
    assert_eq!(view.rows().map(Rows::len), Some(1));
    // A table that was not looked at stays as it was left.
    assert!(e.app.lake_state().tables.contains_key("gone"));
}
