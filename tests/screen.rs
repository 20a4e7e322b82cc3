//! What the person sees: frames at every size, and what keys and the mouse do to them.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]

mod support;

use azof_tui::Lakehouse;
use azof_tui::app::{Msg, Panel, Start};
use azof_tui::engine::{Answer, Lane, Reply, RequestId};
use azof_tui::event_time::{AsOf, EventTime, parse_calendar};
use azof_tui::format::Projection;
use azof_tui::scan::ReadLimits;
use azof_tui::store::Store;
use azof_tui::ui::{Depth, Role, Theme, ThemeName};
use crossterm::event::{KeyCode, KeyEvent, MouseButton, MouseEventKind};
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use object_store::throttle::{ThrottleConfig, ThrottledStore};
use proptest::prelude::*;
use ratatui::style::Style;
use support::explorer::{Explorer, buffer_text};
use support::{Lake, test_data};

fn at(day: &str) -> AsOf {
    AsOf::At(parse_calendar(day).expect("a date"))
}

fn financials(size: (u16, u16)) -> Explorer {
    let start = Start {
        table: Some("financials".into()),
        as_of: Some(at("2009-03-31")),
        ..Start::default()
    };
    Explorer::open(&test_data(), start, size)
}

/// A letter a cell for the role that its style is, so that colours can be read in a text.
fn roles(explorer: &Explorer, row: u16) -> String {
    let theme = Theme::new(ThemeName::Dark, Depth::True);
    let buffer = explorer.buffer();
    let letter = |style: Style| {
        let found = Role::ALL
            .into_iter()
            .find(|r| theme.style(*r).fg == style.fg);
        found.map_or('?', |r| format!("{r:?}").chars().next().unwrap_or('?'))
    };
    (0..buffer.area.width)
        .map(|x| {
            let cell = &buffer[(x, row)];
            if cell.symbol() == " " {
                ' '
            } else {
                letter(cell.style())
            }
        })
        .collect()
}

fn line_with(text: &str, needle: &str) -> u16 {
    text.lines()
        .position(|l| l.contains(needle))
        .unwrap_or_else(|| panic!("{needle:?} is not in\n{text}")) as u16
}

#[test]
fn frame_140x42() {
    insta::assert_snapshot!(financials((140, 42)).text());
}

#[test]
fn frame_100x30() {
    insta::assert_snapshot!(financials((100, 30)).text());
}

#[test]
fn frame_80x24() {
    insta::assert_snapshot!(financials((80, 24)).text());
}

#[test]
fn frame_40x10() {
    insta::assert_snapshot!(financials((40, 10)).text());
}

#[test]
fn frame_of_the_help() {
    insta::assert_snapshot!(financials((100, 40)).keys("?").text());
}

#[test]
fn frame_of_a_whole_row() {
    insta::assert_snapshot!(financials((100, 30)).keys("j<Enter>").text());
}

#[test]
fn frame_of_the_field_for_a_time() {
    insta::assert_snapshot!(financials((100, 30)).keys("@2012-Q3").text());
}

#[test]
fn colours_have_meaning() {
    let explorer = financials((140, 42));
    let text = explorer.text();
    let header = roles(&explorer, 0);
    assert!(
        header.contains("MMMMMMMMMM MMMMMMMMM"),
        "the moment stands out: {header}"
    );
    let playhead = line_with(&text, "▲");
    assert!(roles(&explorer, playhead).contains('M'));
    let bars = roles(&explorer, playhead - 2);
    let past = bars.rfind('P').expect("past");
    let now = bars.rfind('M').expect("the playhead");
    let future = bars.rfind("FF").expect("future");
    assert!(past < now && now < future, "{bars}");
    let mut with_null = Explorer::open(
        &{
            let lake = Box::leak(Box::new(Lake::new()));
            lake.sound_table("t");
            lake.path().to_owned()
        },
        Start::default(),
        (100, 20),
    );
    let text = with_null.keys("").text();
    assert!(
        roles(&with_null, line_with(&text, "∅")).contains('N'),
        "{text}"
    );
}

#[test]
fn without_colours_nothing_is_lost() {
    let explorer = financials((100, 30));
    let plain = explorer.buffer_in(Theme::new(ThemeName::None, Depth::Ansi));
    // What is to come is hatched where it cannot be dim.
    let unbarred = |text: String| text.replace(['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█', '░'], "#");
    assert_eq!(
        unbarred(buffer_text(&plain)),
        unbarred(buffer_text(&explorer.buffer()))
    );
    assert!(buffer_text(&plain).contains('░'));
    let colours = plain
        .content
        .iter()
        .filter(|c| c.style().fg != Some(ratatui::style::Color::Reset));
    assert_eq!(colours.count(), 0);
}

#[test]
fn the_playhead_walks_the_ticks() {
    let start = Start {
        table: Some("table1".into()),
        ..Start::default()
    };
    let mut e = Explorer::open(&test_data(), start, (120, 30));
    assert!(e.text().contains("AS OF current"), "{}", e.text());
    assert!(e.keys(",").text().contains("AS OF 2024-06-29 00:00:00Z"));
    assert!(e.keys(",,").text().contains("AS OF 2024-06-01 00:00:00Z"));
    let text = e.text();
    assert!(text.contains("abc3") && !text.contains("abc4"), "{text}");
    assert!(e.keys("{").text().contains("AS OF 2024-02-01 00:00:00Z"));
    assert!(e.keys(",").text().contains("this is the first tick"));
    assert!(e.keys("}").text().contains("AS OF current"));
    e.keys("4gl");
    assert_eq!(e.app.focus, Panel::Timeline);
    assert!(e.text().contains("AS OF 2024-02-15"), "{}", e.text());
    assert!(e.keys("G").text().contains("AS OF current"));
}

#[test]
fn a_time_can_be_typed_in_every_form() {
    let mut e = financials((120, 34));
    for (typed, shown) in [
        ("2019-11-17", "AS OF 2019-11-17 00:00:00Z"),
        ("2012-q3", "AS OF 2012-07-01 00:00:00Z"),
        ("-90d", "AS OF 2025-03-03 00:00:00Z"),
        ("now", "AS OF 2025-06-01 00:00:00Z"),
        ("0%", "AS OF 2005-04-21 00:00:00Z"),
        ("current", "AS OF current"),
        ("2019-11-17T08:30:00.125Z", "AS OF 2019-11-17 08:30:00.125Z"),
    ] {
        let text = e.keys("@").keys(typed).keys("<Enter>").text();
        assert!(text.contains(shown), "{typed}:\n{text}");
    }
    let refused = e.keys("@soon<Enter>").text();
    assert!(
        refused.contains("'soon' is not a time") && refused.contains("Go to a time"),
        "{refused}"
    );
    assert!(!e.keys("<Esc>").text().contains("Go to a time"));
}

#[test]
fn before_the_first_tick_the_screen_says_so() {
    let text = financials((120, 34)).keys("@1999<Enter>").text();
    assert!(
        text.contains("No rows yet: the first tick is 2005-04-21") && text.contains("0 rows"),
        "{text}"
    );
}

#[test]
fn columns_are_hidden_and_shown() {
    let mut e = financials((140, 42));
    let text = e.keys("2jj<Enter>").text();
    assert!(
        text.contains("○ industry") && !text.contains("  Banks  "),
        "{text}"
    );
    assert!(e.keys("<Enter>").text().contains("Banks"));
    e.keys("gj<Enter>");
    assert!(e.text().contains("○ event_time"));
    assert!(
        e.keys("g<Enter>")
            .text()
            .contains("the key is always shown")
    );
}

#[test]
fn the_explorer_opens_where_it_is_told() {
    let start = Start {
        table: Some("table2".into()),
        as_of: Some(at("2024-02-10")),
        columns: Some(Projection::parse("created,value2")),
        ..Start::default()
    };
    let text = Explorer::open(&test_data(), start, (120, 30)).text();
    assert!(
        text.contains("AS OF 2024-02-10") && text.contains("○ value1"),
        "{text}"
    );
    let header = text
        .lines()
        .find(|l| l.contains("created") && l.contains("value2"))
        .expect("titles");
    assert!(header.find("created") < header.find("value2"), "{header}");
    let wrong = Start {
        table: Some("nope".into()),
        ..Start::default()
    };
    assert!(
        Explorer::open(&test_data(), wrong, (120, 30))
            .text()
            .contains("there is no table 'nope'")
    );
}

#[test]
fn a_table_without_an_open_segment_opens_at_its_last_tick() {
    let lake = Lake::new();
    let rows = [
        ("a".to_owned(), 0, Some(1)),
        ("a".to_owned(), 86_400_000, Some(2)),
    ];
    lake.table("t", r#"{"id":"s","start":"1970-01-01T00:00:00Z","end":"1970-12-31T00:00:00Z","file":"f.parquet"}"#)
        .write("t", "f.parquet", support::parquet(&rows, 9, 9));
    let mut e = Explorer::open(lake.path(), Start::default(), (120, 30));
    e.keys("");
    assert!(
        e.text().contains("AS OF 1970-01-02 00:00:00Z"),
        "{}",
        e.text()
    );
    assert!(e.keys(".").text().contains("nothing is newer"));
}

#[test]
fn the_cursor_stays_on_its_key_while_time_moves() {
    let mut e = financials((140, 42));
    e.keys("jjjjjjj");
    let key = |e: &Explorer| {
        let view = e.app.view().expect("a view");
        view.snapshot
            .as_ref()
            .expect("rows")
            .key(view.grid.row)
            .to_owned()
    };
    let held = key(&e);
    e.keys("}}}}}}}}}}");
    assert_eq!(key(&e), held);
    let text = e.keys("@2005-04-21<Enter>").text();
    if key(&e) != held {
        assert!(
            text.contains(&format!("{held} is not there as of")),
            "{text}"
        );
        e.keys("@current<Enter>");
        assert_eq!(key(&e), held, "and comes back to it");
    }
}

#[test]
fn zooming_and_panning_keep_the_playhead_in_sight() {
    let mut e = financials((140, 42));
    assert!(e.text().contains("whole range"));
    let zoomed = e.keys("+++").text();
    assert!(
        !zoomed.contains("whole range") && zoomed.contains('▲'),
        "{zoomed}"
    );
    e.keys("4LL");
    assert!(e.keys("f").text().contains("whole range"));
    assert!(!e.keys("<BS>").text().contains("whole range"));
    assert!(
        e.keys("<BS><BS><BS><BS><BS>")
            .text()
            .contains("whole range")
    );
}

#[test]
fn playing_walks_by_itself_and_stops_at_the_end() {
    let mut e = Explorer::open(
        &test_data(),
        Start {
            table: Some("table0".into()),
            ..Start::default()
        },
        (120, 30),
    );
    e.keys(" ");
    let mut seen = vec![e.app.view().expect("a view").playhead];
    for _ in 0..40 {
        e.wait_ms(130);
        e.settle();
        seen.push(e.app.view().expect("a view").playhead);
    }
    seen.dedup();
    assert_eq!(seen.len(), 5, "four ticks and current: {seen:?}");
    assert!(e.app.play.is_none());
}

/// Presses a key, which leads to a moment (milliseconds); answers the screen.
fn go(e: &mut Explorer, key: char, expected: i64) -> String {
    e.send(Msg::Key(KeyEvent::from(KeyCode::Char(key))));
    e.settle();
    let playhead = e.app.view().expect("a view").playhead;
    assert_eq!(playhead, AsOf::At(EventTime::from_ms(expected)), "{key}");
    e.text()
}

#[test]
fn the_row_or_the_cell_goes_to_where_it_changed() {
    let lake = Lake::new();
    let row = |key: &str, at: i64, v: i64| (key.to_owned(), at, Some(v));
    let rows = [
        row("a", 10, 1),
        row("a", 20, 1),
        row("a", 30, 2),
        row("b", 5, 0),
        row("b", 15, 1),
        row("b", 35, 2),
    ];
    lake.table(
        "t",
        r#"{"id":"s","start":"1970-01-01T00:00:00Z","file":"f.parquet"}"#,
    )
    .write("t", "f.parquet", support::parquet(&rows, 2, 2));
    let mut e = Explorer::open(lake.path(), Start::default(), (100, 30));
    go(&mut e, '<', 30);
    assert!(go(&mut e, '<', 20).contains("a: change 2 of 3"));
    go(&mut e, '<', 10);
    assert!(go(&mut e, '<', 10).contains("a has no earlier change"));
    go(&mut e, '>', 20);
    go(&mut e, '>', 30);
    assert!(go(&mut e, '>', 30).contains("a has no later change"));
    e.keys("$");
    assert!(go(&mut e, '<', 10).contains("v of a: change 1 of 2"));
    go(&mut e, '>', 30);
    e.keys("0j");
    go(&mut e, '<', 15);
}

#[test]
fn the_mouse_selects_scrolls_scrubs_and_resizes() {
    let mut e = financials((140, 42));
    let text = e.text();
    let table0 = line_with(&text, "table0");
    let timeline = line_with(&text, "▲");
    e.mouse(MouseEventKind::ScrollDown, 60, 10);
    assert_eq!(e.app.view().expect("a view").grid.row, 3);
    e.mouse(MouseEventKind::ScrollUp, 60, timeline);
    let before = e.app.view().expect("a view").playhead;
    e.mouse(MouseEventKind::Down(MouseButton::Left), 100, timeline);
    e.mouse(MouseEventKind::Drag(MouseButton::Left), 120, timeline);
    let after = e.app.view().expect("a view").playhead;
    assert!(after.position_ms() > before.position_ms());
    e.mouse(MouseEventKind::Up(MouseButton::Left), 120, timeline);
    let edge = {
        let view = e.app.view().expect("a view");
        let areas = e.app.areas.expect("areas");
        areas.data.expect("data").x + 1 + view.grid.placed[0].x + view.grid.placed[0].width
    };
    e.mouse(MouseEventKind::Down(MouseButton::Left), edge, 2);
    e.mouse(MouseEventKind::Drag(MouseButton::Left), edge + 9, 2);
    e.mouse(MouseEventKind::Up(MouseButton::Left), edge + 9, 2);
    assert!(e.app.view().expect("a view").grid.placed[0].width >= 12);
    e.mouse(MouseEventKind::Down(MouseButton::Left), 5, table0);
    assert!(e.text().contains("› table0"), "{}", e.text());
}

#[test]
fn hostile_text_shows_safely_and_aligned() {
    let lake = Lake::new();
    let long = "x".repeat(1 << 20);
    let keys = [
        "\u{1b}]0;owned\u{7}",
        "a\u{202e}b",
        "nul\0",
        "line\nbreak",
        "👩\u{200d}👩\u{200d}👧 family",
        "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
        "東京証券取引所",
        "\u{9b}31m",
        "\u{e0041}tag",
        "ـــعربي",
        "\u{301}alone",
        &long,
    ];
    let rows: Vec<_> = keys
        .iter()
        .map(|k| ((*k).to_owned(), 0, Some(7_777_777)))
        .collect();
    lake.table(
        "t",
        r#"{"id":"s","start":"1970-01-01T00:00:00Z","file":"f.parquet"}"#,
    )
    .write("t", "f.parquet", support::parquet(&rows, 99, 99));
    let e = Explorer::open(lake.path(), Start::default(), (120, 30));
    let buffer = e.buffer();
    let mut aligned = 0;
    let mut ends = std::collections::BTreeSet::new();
    for y in 0..buffer.area.height {
        let cells: Vec<&str> = (0..buffer.area.width)
            .map(|x| buffer[(x, y)].symbol())
            .collect();
        for symbol in &cells {
            assert!(
                !symbol
                    .chars()
                    .any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)),
                "{symbol:?}"
            );
        }
        // The numbers of all rows end in one column, whatever the widths of the keys.
        let digits = |x: usize| {
            cells
                .get(x..x + 9)
                .is_some_and(|c| c.concat() == "7,777,777")
        };
        if let Some(x) = (0..cells.len()).find(|x| digits(*x)) {
            ends.insert(x);
            aligned += 1;
        }
    }
    assert_eq!(
        (aligned, ends.len()),
        (keys.len(), 1),
        "{}",
        buffer_text(&buffer)
    );
    assert!(e.text().contains("␛]0;owned␇") && e.text().contains("line↵break"));
}

#[test]
fn a_wide_table_scrolls_sideways_and_an_empty_one_is_usable() {
    let lake = Lake::new();
    let columns: Vec<String> = (0..300)
        .map(|i| format!(r#"{{"name":"column_{i}","data_type":"Int"}}"#))
        .collect();
    let manifest = format!(
        r#"{{"schema":{{"columns":[{}]}},"segments":[{{"id":"s","start":"1970-01-01T00:00:00Z","file":"f.parquet"}}]}}"#,
        columns.join(",")
    );
    lake.write("wide", "version.txt", "1")
        .write("wide", "s1.json", manifest);
    lake.write(
        "wide",
        "f.parquet",
        support::parquet(&[("a".into(), 0, Some(1))], 9, 9),
    );
    lake.table("void", "");
    let mut e = Explorer::open(
        lake.path(),
        Start {
            table: Some("wide".into()),
            ..Start::default()
        },
        (100, 30),
    );
    assert!(e.text().contains('›'), "{}", e.text());
    assert!(e.keys("$").text().contains("column_299"));
    e.keys("0");
    let grid = &e.app.view().expect("a table").grid;
    let is_first = |p: &azof_tui::app::grid::Placed| grid.columns[p.column].name == "column_0";
    assert!(grid.placed.iter().any(is_first), "{}", e.text());
    let text = e.keys("1gg<Enter>").keys("jjj,.<Enter>").text();
    let void = e.keys("1g<Enter>").text();
    assert!(
        void.contains("No rows as of this moment") || text.contains("No rows"),
        "{void}"
    );
    e.keys("3jkG<Enter>,.{}+-@50%<Enter><Esc>");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn a_hundred_random_sizes_and_keys_never_panic(
        sizes in prop::collection::vec((0u16..260, 0u16..90), 100),
        keys in prop::collection::vec("[jklhgG0$,.{}+123456789?\\-fHL]", 100),
    ) {
        let mut e = financials((140, 42));
        for ((width, height), key) in sizes.into_iter().zip(keys) {
            e.send(Msg::Resize(width, height));
            e.flood(&key);
            let buffer = e.buffer();
            prop_assert_eq!((buffer.area.width, buffer.area.height), (width, height));
            // A frame may come while the terminal is already smaller than the state knows.
            let mut small = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, width / 2, height / 2));
            azof_tui::ui::draw_buffer(&e.app, Theme::new(ThemeName::Dark, Depth::True), &mut small);
        }
    }
}

#[test]
fn a_reply_that_was_overtaken_changes_nothing() {
    let mut e = financials((140, 42));
    let old = e.app.view().and_then(|v| v.snapshot.clone()).expect("rows");
    e.flood(",,,,,,,,,,").settle();
    let view = e.app.view().expect("a view");
    assert_eq!(view.snapshot.as_ref().expect("rows").as_of(), view.playhead);
    assert!(!e.text().contains("showing"));
    // Another read is on its way, and now the answer to the first of all comes once more.
    let shown = view.playhead;
    e.flood(",");
    e.send(Msg::Reply(Reply {
        id: RequestId(2),
        lane: Lane::Snapshot,
        answer: Answer::Snapshot(old),
    }));
    let view = e.app.view().expect("a view");
    assert!(view.pending.is_some());
    assert_eq!(view.snapshot.as_ref().expect("rows").as_of(), shown);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Without `o` and `:`, which may write files.
    #[test]
    fn any_keys_in_any_order_never_panic_and_the_screen_is_of_its_moment(
        keys in prop::collection::vec("<Enter>|<Esc>|<Tab>|<BS>|<Down>|[a-np-zA-Z,.(){}<>@/&'`\\[\\]+?0$1-4%-]", 120),
        size in prop::sample::select(vec![(140, 34), (60, 15), (80, 24)]),
    ) {
        let mut e = financials(size);
        for key in keys {
            e.keys(&key);
            e.buffer();
            let Some(view) = e.app.view() else { continue };
            if view.error.is_none() && view.pending.is_none() && e.app.query().is_none() {
                prop_assert_eq!(view.showing_other(), None, "{}", key);
            }
        }
    }
}

/// A table of the committed lake in a store that has no path.
fn in_memory(table: &str) -> InMemory {
    let memory = InMemory::new();
    azof_tui::engine::runtime("test")
        .expect("a runtime")
        .block_on(async {
            for entry in std::fs::read_dir(format!("{}/{table}", test_data())).expect("the table") {
                let entry = entry.expect("a file");
                let path = object_store::path::Path::from(format!(
                    "{table}/{}",
                    entry.file_name().display()
                ));
                memory
                    .put(
                        &path,
                        std::fs::read(entry.path()).expect("its bytes").into(),
                    )
                    .await
                    .expect("put");
            }
        });
    memory
}

#[test]
fn nothing_assumes_a_local_path() {
    let store = Store::new(
        std::sync::Arc::new(in_memory("financials")),
        object_store::path::Path::default(),
        "memory".to_owned(),
    );
    let lake = Lakehouse::with_store(store, ReadLimits::default());
    let mut e = Explorer::on(
        lake,
        Start {
            as_of: Some(at("2009-03-31")),
            ..Start::default()
        },
        (140, 42),
    );
    e.wait_until("the rows", |app| {
        app.view().is_some_and(|v| v.snapshot.is_some())
    });
    assert!(e.text().contains("274 rows"), "{}", e.text());
}

/// A store that takes its time holds up neither a key nor a frame nor the way out.
#[test]
fn a_slow_store_never_blocks_the_screen() {
    let memory = in_memory("financials");
    let slow = ThrottledStore::new(
        memory,
        ThrottleConfig {
            wait_get_per_call: std::time::Duration::from_millis(150),
            ..ThrottleConfig::default()
        },
    );
    let store = Store::new(
        std::sync::Arc::new(slow),
        object_store::path::Path::default(),
        "slow".to_owned(),
    );
    let lake = Lakehouse::with_store(store, ReadLimits::default());
    let mut e = Explorer::on(
        lake,
        Start {
            table: Some("financials".into()),
            ..Start::default()
        },
        (140, 42),
    );
    assert!(e.text().contains("looking for tables"), "{}", e.text());
    e.wait_until("the table", |app| app.view().is_some());
    assert!(
        e.text().contains("reading") && e.text().contains("Esc cancels"),
        "{}",
        e.text()
    );
    // A flood of keys is answered at once, and queues nothing.
    let started = std::time::Instant::now();
    for _ in 0..200 {
        e.flood("@2010<Enter>@2011<Enter>");
        let _ = e.buffer();
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(10));
    e.wait_until("the rows", |app| {
        app.view().is_some_and(|v| v.pending.is_none())
    });
    assert!(
        e.text().contains("AS OF 2011-01-01 00:00:00Z") && !e.text().contains("showing"),
        "{}",
        e.text()
    );
    // While older rows are on screen, the header says so; a long read says how far it is; Esc takes it back.
    e.flood("@2015<Enter>");
    assert!(
        e.text()
            .contains("AS OF 2015-01-01 00:00:00Z … showing 2011-01-01"),
        "{}",
        e.text()
    );
    e.wait_ms(400);
    assert!(e.text().contains("Esc cancels"), "{}", e.text());
    e.flood("<Esc>");
    e.wait_until("the cancelled read", |app| {
        app.view().is_some_and(|v| v.pending.is_none())
    });
    assert!(
        e.text().contains("AS OF 2011-01-01 00:00:00Z") && e.text().contains("cancelled"),
        "{}",
        e.text()
    );
    // Leaving does not wait for a read that runs.
    e.flood("@2019<Enter>q");
    assert!(e.quit);
    let started = std::time::Instant::now();
    drop(e);
    assert!(started.elapsed() < std::time::Duration::from_millis(100));
}
