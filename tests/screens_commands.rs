//! Commands by name, copying, and marks.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]

mod support;

use azof_tui::app::keymap::Scope;
use azof_tui::app::{Effect, Msg, Overlay, Panel, Start, ThemeName};
use azof_tui::event_time::{AsOf, EventTime, parse_calendar};
use crossterm::event::{KeyCode, KeyEvent, MouseButton, MouseEventKind};
use support::explorer::Explorer;
use support::{Lake, azof, parquet, stdout, test_data};

fn financials() -> Explorer {
    let start = Start {
        table: Some("financials".into()),
        as_of: parse_calendar("2009-03-31").map(AsOf::At),
        ..Start::default()
    };
    Explorer::open(&test_data(), start, (120, 36))
}

fn playhead(e: &Explorer) -> AsOf {
    e.app.view().expect("a view").playhead
}

fn type_text(e: &mut Explorer, text: &str) {
    for c in text.chars() {
        e.send(Msg::Key(KeyEvent::from(KeyCode::Char(c))));
    }
    e.settle();
}

#[test]
fn every_key_has_a_name_that_does_the_same() {
    let bindings = financials().app.bindings.clone();
    for binding in bindings {
        let Some(bound) = binding.keys.first() else {
            continue;
        };
        let panel = match binding.scope {
            Scope::In(panel) => panel,
            Scope::Everywhere => Panel::Data,
        };
        let focus = ["1", "2", "3", "4"][Panel::ALL
            .iter()
            .position(|p| *p == panel)
            .expect("a panel")];
        let prepared = || {
            let mut e = financials();
            // Something to move, to undo and to compare.
            e.keys("3jjla@2010-03-31<Enter>+").keys(focus).keys("j");
            e
        };
        let mut by_key = prepared();
        by_key.send(Msg::Key(bound.event()));
        by_key.settle();
        let mut by_name = prepared();
        by_name.keys(":");
        type_text(&mut by_name, binding.action.command());
        by_name.keys("<Enter>");
        if let (Some(Overlay::Why(a)), Some(Overlay::Why(b))) =
            (&by_key.app.overlay, &by_name.app.overlay)
        {
            // What a read took differs from run to run.
            assert_eq!(a.key, b.key);
            continue;
        }
        // Nor does a query always take as long.
        let still = |e: &Explorer| {
            let lines = e.text();
            let lines = lines.lines().filter(|l| !l.contains(" ms · "));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(still(&by_key), still(&by_name), "{:?}", binding.action);
        assert_eq!(by_key.quit, by_name.quit, "{:?}", binding.action);
        assert_eq!(by_key.copied, by_name.copied, "{:?}", binding.action);
    }
}

#[test]
fn frame_of_the_commands() {
    insta::assert_snapshot!(financials().keys(":zo").text());
}

#[test]
fn a_command_is_found_by_a_few_letters_and_shows_its_key() {
    let mut e = financials();
    let text = e.keys(":hist").text();
    let line = text
        .lines()
        .find(|l| l.contains("▸ history"))
        .expect("a selected command");
    assert!(line.contains(" H "), "{line}");
    e.keys("<Enter>");
    assert!(matches!(e.app.overlay, Some(Overlay::History(_))));
    // What the help says counts, too.
    let text = e.keys("<Esc>:terminal").text();
    assert!(text.contains("mouse"), "{text}");
    e.keys("<Esc>:<Down><Down><Up><Enter>");
    assert!(!matches!(e.app.overlay, Some(Overlay::Commands(_))));
    e.keys(":<BS>");
    assert!(e.app.overlay.is_none());
}

#[test]
fn a_command_of_another_panel_goes_there() {
    let mut e = financials();
    e.keys("4:toggle<Enter>");
    assert_eq!(e.app.focus, Panel::Columns);
    assert!(e.text().contains("the key is always shown"), "{}", e.text());
}

#[test]
fn commands_with_an_argument_do_what_they_say() {
    let mut e = financials();
    e.keys(":goto 2012-Q3<Enter>");
    assert_eq!(
        playhead(&e),
        AsOf::At(parse_calendar("2012-07-01").expect("a time"))
    );
    e.keys(":column net_income<Enter>");
    let grid = &e.app.view().expect("a view").grid;
    assert_eq!(grid.columns[grid.column].name, "net_income");
    // A few letters of what there is are enough, and Tab completes them.
    let text = e.keys(":column shar<Tab>").text();
    assert!(text.contains(": column shares_diluted"), "{text}");
    e.keys("<Enter>:table ta2<Enter>");
    assert_eq!(e.app.current().map(|t| t.name.as_str()), Some("table2"));
    e.keys(":quit<Enter>");
    assert!(e.quit);
}

#[test]
fn what_makes_no_sense_is_told_in_the_field_which_stays_open() {
    for (typed, said) in [
        ("goto soon", "'soon' is not a time"),
        ("table nope", "there is no table 'nope'"),
        ("column nope", "there is no column 'nope'"),
        ("theme pink", "there is no theme 'pink'"),
        ("mark A", "a mark is a small letter or a digit"),
        ("jump z", "there is no mark z"),
        ("copy everything", "'everything' cannot be copied"),
        ("quit now", "quit takes no argument"),
        ("frobnicate", "there is no command 'frobnicate'"),
        ("frobnicate it", "there is no command 'frobnicate'"),
    ] {
        let mut e = financials();
        let before = playhead(&e);
        e.keys(":");
        type_text(&mut e, typed);
        let text = e.keys("<Enter>").text();
        assert!(text.contains(said), "{typed}:\n{text}");
        assert!(
            matches!(e.app.overlay, Some(Overlay::Commands(_))),
            "{typed}"
        );
        assert_eq!(playhead(&e), before);
        assert!(
            !e.keys("x").text().contains(said),
            "typing on takes the error away"
        );
    }
}

#[test]
fn the_theme_is_an_effect() {
    let mut e = financials();
    e.keys(":");
    type_text(&mut e, "theme light");
    let clock = e.app.clock;
    let effects = e
        .app
        .update(Msg::Key(KeyEvent::from(KeyCode::Enter)), clock);
    assert_eq!(effects, [Effect::Theme(ThemeName::Light)]);
}

#[test]
fn cells_and_rows_are_copied_as_programs_read_them() {
    let lake = Lake::new();
    let rows = [
        ("tab\there\\\n".to_owned(), 1_500, Some(1_234_567)),
        ("void".to_owned(), 0, None),
    ];
    lake.table(
        "t",
        r#"{"id":"s","start":"1970-01-01T00:00:00Z","file":"f.parquet"}"#,
    )
    .write("t", "f.parquet", parquet(&rows, 9, 9));
    let mut e = Explorer::open(lake.path(), Start::default(), (100, 30));
    e.keys("y");
    assert_eq!(
        e.copied.as_deref(),
        Some("tab\there\\\n"),
        "a cell as it is"
    );
    e.keys("ly");
    assert_eq!(e.copied.as_deref(), Some("1970-01-01T00:00:01.500Z"));
    let text = e.keys("ly").text();
    assert_eq!(e.copied.as_deref(), Some("1234567"));
    assert!(text.contains("copied the cell (7 B)"), "{text}");
    e.keys("Y");
    assert_eq!(
        e.copied.as_deref(),
        Some("tab\\there\\\\\\n\t1970-01-01T00:00:01.500Z\t1234567")
    );
    e.keys("jY");
    assert_eq!(
        e.copied.as_deref(),
        Some("void\t1970-01-01T00:00:00.000Z\t")
    );
}

#[test]
fn what_is_too_long_for_a_clipboard_is_not_copied_in_part() {
    let lake = Lake::new();
    let rows = [("x".repeat(1 << 20), 0, None)];
    lake.table(
        "t",
        r#"{"id":"s","start":"1970-01-01T00:00:00Z","file":"f.parquet"}"#,
    )
    .write("t", "f.parquet", parquet(&rows, 9, 9));
    let mut e = Explorer::open(lake.path(), Start::default(), (100, 30));
    let text = e.keys("y").text();
    assert_eq!(e.copied, None);
    assert!(
        text.contains("a clipboard takes 100 kB, and the cell would be more"),
        "{text}"
    );
}

/// A table and columns whose names want quoting everywhere.
fn hostile_lake() -> Lake {
    let lake = Lake::new();
    let columns = ["v", "it's", "say \\\"hi\\\"", "$HOME; `ls`"]
        .map(|name| format!(r#"{{"name":"{name}","data_type":"Int","nullable":true}}"#));
    let manifest = format!(
        r#"{{"schema":{{"columns":[{}]}},"segments":[{{"id":"s","start":"1970-01-01T00:00:00Z","file":"f.parquet"}}]}}"#,
        columns.join(",")
    );
    let rows = [
        ("a".to_owned(), 0, Some(1)),
        ("a".to_owned(), 20, Some(2)),
        ("b".to_owned(), 10, Some(3)),
    ];
    lake.write(HOSTILE, "version.txt", "1")
        .write(HOSTILE, "s1.json", manifest)
        .write(HOSTILE, "f.parquet", parquet(&rows, 9, 9));
    lake
}

const HOSTILE: &str = "it's \"a\" table";

#[test]
fn the_copied_command_line_is_read_by_a_shell_as_what_is_on_screen() {
    let lake = hostile_lake();
    let start = Start {
        as_of: Some(AsOf::At(EventTime::from_ms(15))),
        ..Start::default()
    };
    let mut e = Explorer::open(lake.path(), start, (140, 34));
    let words = |e: &Explorer| -> Vec<String> {
        let line = e.copied.clone().expect("a command line");
        let script = line.replacen("azof-tui", "printf '%s\\n'", 1);
        let run = std::process::Command::new("sh")
            .args(["-c", &script])
            .output();
        let text = String::from_utf8(run.expect("a shell").stdout).expect("UTF-8");
        text.lines().map(str::to_owned).collect()
    };
    e.keys("<C-y>");
    let whole = [
        "--path",
        "./lake",
        "--table",
        HOSTILE,
        "--as-of",
        "1970-01-01T00:00:00.015Z",
    ];
    // What is remembered of the lake is not on screen.
    let with = |more: &[&'static str]| [&whole, more, &["--fresh"]].concat();
    assert_eq!(words(&e), with(&[]));
    // With a column hidden, the others are named.
    e.keys("2jj<Enter><C-y>");
    let expected = with(&["--columns", "it's,say \"hi\",$HOME; `ls`"]);
    assert_eq!(words(&e), expected);
    // Of a comparison, both moments.
    e.keys("2<Enter>a@1970-01-01T00:00:00.020<Enter>d<C-y>");
    let expected = [
        "--path",
        "./lake",
        "--table",
        HOSTILE,
        "--as-of",
        "1970-01-01T00:00:00.020Z",
        "--compare",
        "1970-01-01T00:00:00.015Z",
        "--fresh",
    ];
    assert_eq!(words(&e), expected);
}

#[test]
fn the_copied_sql_answers_what_is_on_screen() {
    let lake = hostile_lake();
    let start = Start {
        as_of: Some(AsOf::At(EventTime::from_ms(15))),
        ..Start::default()
    };
    let mut e = Explorer::open(lake.path(), start, (140, 34));
    let answer = |statement: &str| {
        let output = azof(&["sql", "--path", lake.path(), "--format", "csv", statement]);
        assert!(
            output.status.success(),
            "{statement}: {}",
            support::stderr(&output)
        );
        stdout(&output)
    };
    e.keys(":copy sql<Enter>");
    let statement = e.copied.clone().expect("a statement");
    let scanned = azof(&[
        "scan",
        "--path",
        lake.path(),
        "--table",
        HOSTILE,
        "--format",
        "csv",
        "--as-of",
        "1970-01-01T00:00:00.015Z",
    ]);
    assert_eq!(answer(&statement), stdout(&scanned), "{statement}");
    e.keys("2jj<Enter>:copy sql<Enter>");
    let fewer = answer(&e.copied.clone().expect("a statement"));
    assert!(fewer.starts_with("key,event_time,it's,"), "{fewer}");
    e.keys("@current<Enter>:copy sql<Enter>");
    let current = e.copied.clone().expect("a statement");
    assert!(current.contains("AT ('current')"), "{current}");
    assert!(answer(&current).contains("1970-01-01T00:00:00.020Z"));
    // What changed in the column that is hidden is not shown, and not asked for.
    e.keys("@1970-01-01T00:00:00.015<Enter>a@current<Enter>dc:copy sql<Enter>");
    let none = e.copied.clone().expect("a statement");
    assert_eq!(answer(&none).lines().count(), 1, "{none}");
    e.keys("2<Enter>:copy sql<Enter>");
    let changes = e.copied.clone().expect("a statement");
    let rows = answer(&changes);
    assert_eq!(rows.lines().count(), 2, "{changes}:\n{rows}");
    assert!(
        rows.lines()
            .nth(1)
            .is_some_and(|l| l.starts_with("a,changed")),
        "{rows}"
    );
}

#[test]
fn a_mark_is_set_shown_listed_and_gone_back_to() {
    let mut e = financials();
    let first = playhead(&e);
    let text = e.keys("mq").text();
    assert!(text.contains("mark q is 2009-03-31"), "{text}");
    e.keys("@2015-06-30<Enter>m7");
    let second = playhead(&e);
    e.keys("@2012<Enter>");
    let text = e.text();
    let line = text
        .lines()
        .find(|l| l.contains('▲'))
        .expect("the playhead");
    assert!(line.contains('q') && line.contains('7'), "{line}");
    e.keys("'q");
    assert_eq!(playhead(&e), first);
    // The timeline walks from mark to mark.
    e.keys("4]");
    assert_eq!(playhead(&e), second);
    let text = e.keys("3:marks<Enter>").text();
    assert!(
        text.contains("q  2009-03-31") && text.contains("7  2015-06-30"),
        "{text}"
    );
    e.keys("<Enter>");
    assert_eq!(playhead(&e), first);
    // Set again in its place, it goes; and the list takes away, too.
    assert!(e.keys("mq").text().contains("mark q is gone"));
    assert!(e.keys("'q").text().contains("there is no mark q"));
    e.keys(":marks<Enter>d");
    assert!(e.text().contains("No marks yet"), "{}", e.text());
    e.keys("<Esc>m<Esc>j");
    assert!(e.app.marks().is_empty());
    assert!(
        e.keys("m?")
            .text()
            .contains("a mark is a small letter or a digit")
    );
    assert!(e.keys("m").text().contains("the name of the mark"));
}

#[test]
fn marks_belong_to_their_table() {
    let mut e = financials();
    e.keys("mx:table table0<Enter>");
    assert!(e.app.marks().is_empty());
    e.keys(":table financials<Enter>");
    assert_eq!(e.app.marks().len(), 1);
}

/// The first and the last of the keys that are selected.
fn selected(e: &Explorer) -> Option<(String, String)> {
    let view = e.app.view().expect("a view");
    let rows = view.rows().expect("rows");
    let selection = view.grid.selection()?;
    let key = |row: &usize| rows.key(*row).to_owned();
    Some((key(selection.start()), key(selection.end())))
}

#[test]
fn selected_rows_are_copied_under_their_titles_and_their_column_alone() {
    let mut e = financials();
    e.keys("3:copy rows<Enter>");
    let all: Vec<String> = e
        .copied
        .take()
        .expect("the rows")
        .lines()
        .map(str::to_owned)
        .collect();
    let text = e.keys("jVjj").text();
    assert!(text.contains("3 rows selected"), "{text}");
    assert!(text.contains("Y copy rows"), "{text}");
    assert_eq!(text.matches('▌').count(), 2, "{text}");
    e.keys("Y");
    assert_eq!(
        e.copied.take(),
        Some([&all[..1], &all[2..5]].concat().join("\n"))
    );
    assert!(
        e.text().contains("copied the 3 rows selected"),
        "{}",
        e.text()
    );
    assert_eq!(
        selected(&e),
        None,
        "what was copied is not selected any more"
    );
    // Upwards it is the same; the key column is that of the cursor.
    e.keys("0Vky");
    let keys: Vec<&str> = all[3..5]
        .iter()
        .filter_map(|l| l.split('\t').next())
        .collect();
    assert_eq!(e.copied.take(), Some(keys.join("\n")));
    e.keys("gVG:copy rows<Enter>");
    assert_eq!(e.copied.take(), Some(all.join("\n")));
}

#[test]
fn a_selection_stays_between_its_keys_and_ends_where_those_go() {
    let mut e = financials();
    e.keys("3gjjVjjj");
    let ends = selected(&e).expect("a selection");
    assert!(ends.0 < ends.1, "{ends:?}");
    e.keys("...");
    assert_eq!(selected(&e).as_ref(), Some(&ends));
    // Rows in another order are other rows.
    e.keys("llls");
    assert_eq!(selected(&e), None);
    e.keys("SgVj<Esc>");
    assert_eq!(selected(&e), None);
    e.keys("VjV");
    assert_eq!(selected(&e), None);
    // Before the first tick there is nothing to select.
    let text = e.keys("Vj@1990-01-01<Enter>V").text();
    assert!(text.contains("there is no row here"), "{text}");
    assert_eq!(e.app.view().expect("a view").grid.selected_from, None);
}

#[test]
fn a_drag_selects_and_a_click_ends_it() {
    let mut e = financials();
    let left = MouseButton::Left;
    e.mouse(MouseEventKind::Down(left), 60, 4);
    assert_eq!(selected(&e), None);
    e.mouse(MouseEventKind::Drag(left), 60, 7);
    let down = e.app.view().expect("a view").grid.selection();
    assert_eq!(down, Some(1..=4));
    e.mouse(MouseEventKind::Drag(left), 60, 3);
    let up = e.app.view().expect("a view").grid.selection();
    assert_eq!(up, Some(0..=1));
    e.mouse(MouseEventKind::Up(left), 60, 3);
    e.keys("jj");
    assert_eq!(e.app.view().expect("a view").grid.selection(), Some(1..=2));
    e.mouse(MouseEventKind::Down(left), 60, 5);
    assert_eq!(selected(&e), None);
}

#[test]
fn rows_of_a_query_are_selected_alike() {
    let start = Start {
        query: Some("SELECT value FROM generate_series(1, 9) ORDER BY value".into()),
        ..Start::default()
    };
    let mut e = Explorer::open(&test_data(), start, (120, 36));
    let text = e.keys("jVjj").text();
    assert!(text.contains("3 rows selected"), "{text}");
    e.keys("Y");
    assert_eq!(e.copied.take().as_deref(), Some("value\n2\n3\n4"));
    // The first Esc ends the selection, the second closes the pane.
    e.keys("Vj<Esc>");
    assert!(
        e.app
            .query()
            .is_some_and(|q| q.grid.selected_from.is_none())
    );
    e.keys("<Esc>");
    assert!(e.app.query().is_none());
}

#[test]
fn a_selection_comes_back_with_the_rows_at_its_ends() {
    let mut e = financials();
    e.keys("3gjjVjjj");
    let ends = selected(&e).expect("a selection");
    e.keys("@1990-01-01<Enter>");
    assert_eq!(selected(&e), None, "there are no rows");
    e.keys("@2009-03-31<Enter>");
    assert_eq!(selected(&e), Some(ends));
    e.keys("@1990-01-01<Enter><Esc>@2009-03-31<Enter>");
    assert_eq!(selected(&e), None, "it was given up meanwhile");
}

#[test]
fn the_first_sort_by_key_turns_the_rows_round() {
    let mut e = financials();
    assert!(e.keys("30s").text().contains("by key ↓"), "{}", e.text());
    assert!(e.keys("s").text().contains("by key ↑"), "{}", e.text());
}

#[test]
fn the_sql_of_a_comparison_says_what_it_leaves_out_and_opens_by_its_key() {
    let mut e = financials();
    let text = e.keys("a@2012-03-31<Enter>d:copy sql<Enter>").text();
    assert!(text.contains("that are the same at both moments"), "{text}");
    let copied = e.copied.take().expect("a statement");
    let text = e.keys("c:copy sql<Enter>").text();
    assert!(
        !text.contains("that are the same at both moments"),
        "{text}"
    );
    e.keys("cccE");
    assert_eq!(
        e.app.query().map(|q| q.editor.text().to_owned()),
        Some(copied)
    );
}

#[test]
fn the_copied_sql_of_a_query_bears_its_moments() {
    let statement = "SELECT key, revenue FROM financials";
    let start = Start {
        table: Some("financials".into()),
        as_of: parse_calendar("2009-03-31").map(AsOf::At),
        query: Some(statement.into()),
        ..Start::default()
    };
    let mut e = Explorer::open(&test_data(), start, (120, 36));
    e.keys(":copy sql<Enter>");
    let copied = e.copied.take().expect("a statement");
    assert_eq!(
        copied,
        format!("-- as of 2009-03-31T00:00:00.000Z\n{statement}")
    );
    e.keys("a@2012-03-31<Enter>d:copy sql<Enter>");
    let copied = e.copied.take().expect("a statement");
    let said = "-- as of 2012-03-31T00:00:00.000Z, compared with 2009-03-31T00:00:00.000Z\n";
    assert!(copied.starts_with(said), "{copied}");
    e.keys("<C-y>");
    let command = e.copied.take().expect("a command line");
    assert!(
        command.contains("--compare 2009-03-31T00:00:00.000Z"),
        "{command}"
    );
}

#[test]
fn rows_of_two_moments_are_copied_with_what_became_of_them() {
    let mut e = financials();
    e.keys("a@2012-03-31<Enter>d:copy rows<Enter>");
    let copied = e.copied.take().expect("the rows");
    assert!(copied.starts_with("change\tkey\t"), "{}", &copied[..60]);
    let rows = e
        .app
        .view()
        .and_then(azof_tui::app::TableView::rows)
        .expect("rows");
    for (row, line) in copied.lines().skip(1).enumerate() {
        let kind = rows.kind(row).expect("two moments").name();
        assert!(
            line.starts_with(&format!("{kind}\t{}\t", rows.key(row))),
            "{line}"
        );
    }
}
