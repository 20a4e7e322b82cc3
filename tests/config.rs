//! The file of settings: what it says holds, what is wrong in it is told and left out, and it knows every key.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]

mod support;

use azof_tui::app::cell::TimeStyle;
use azof_tui::app::keymap::{Action, Binding, Key, Scope, bindings};
use azof_tui::app::{Msg, Overlay, Panel, Settings, Start};
use azof_tui::config::{Config, default_text, parse};
use azof_tui::event_time::{AsOf, parse_calendar};
use azof_tui::ui::{Colour, Role, ThemeName};
use support::explorer::Explorer;
use support::{Lake, azof, parquet, stderr, stdout, test_data};

/// Reads settings that have nothing wrong.
fn sound(text: &str) -> Config {
    let (config, faults) = parse(text, "config.toml");
    assert!(faults.is_empty(), "{text}\n{faults:?}");
    config
}

fn faults(text: &str) -> (Config, Vec<String>) {
    let (config, faults) = parse(text, "config.toml");
    let told = |e: &azof_tui::Error| {
        let step = e.next_step();
        assert!(step.is_some(), "{e} says what to do");
        format!("{e}; {}", step.unwrap_or_default())
    };
    (config, faults.iter().map(told).collect())
}

fn financials(settings: Settings) -> Explorer {
    let start = Start {
        table: Some("financials".into()),
        as_of: parse_calendar("2009-03-31").map(AsOf::At),
        settings,
        ..Start::default()
    };
    Explorer::open(&test_data(), start, (140, 42))
}

fn binding(config: &Config, action: Action) -> &Binding {
    let mut all = config.settings.bindings.iter();
    all.find(|b| b.action == action).expect("a binding")
}

fn labels(config: &Config, action: Action) -> Vec<String> {
    let keys = binding(config, action).keys.iter();
    keys.map(|k| k.label()).collect()
}

#[test]
fn the_printed_settings_say_what_holds_without_any() {
    let printed = default_text();
    assert_eq!(sound(&printed), Config::default());
    assert_eq!(sound(""), Config::default());
    assert_eq!(stdout(&azof(&["--print-config"])), printed);
    // What stands there as a comment is an entry, too.
    let entry = |line: &str| {
        let rest = line.strip_prefix("# ")?;
        let name = rest.split_once(" = ")?.0;
        let is_entry = name.chars().all(|c| c.is_ascii_lowercase());
        is_entry.then(|| rest.to_owned())
    };
    let lines = printed.lines();
    let active: Vec<String> = lines
        .map(|line| entry(line).unwrap_or_else(|| line.to_owned()))
        .collect();
    let config = sound(&active.join("\n"));
    assert_eq!(config.memory, Some(2_000_000_000));
    let roles: Vec<Role> = config.colours.iter().map(|(role, _)| *role).collect();
    assert_eq!(roles.len(), Role::ALL.len());
    // Every line fits a terminal.
    let widest = printed.lines().map(|l| l.chars().count()).max();
    assert!(widest.is_some_and(|w| w <= 120), "{widest:?}");
}

#[test]
fn what_is_set_holds() {
    let config = sound(
        r##"
        theme = "light"
        times = "milliseconds"
        memory = "64MB"
        [colours]
        added = "#0000FF"
        error = "light-red"
        [keys]
        quit = ["Q", "F10"]
        down = "F3"
        find-next = "none"
        back = "."
        forward = ","
        [keys.data]
        down = ["F4", "Down"]
        "##,
    );
    assert_eq!(config.theme, Some(ThemeName::Light));
    assert_eq!(config.settings.times, TimeStyle::Milliseconds);
    assert_eq!(config.memory, Some(64_000_000));
    let colours = [
        (Role::Added, Colour::Rgb(0xff)),
        (Role::Error, Colour::parse("light-red").expect("a colour")),
    ];
    assert!(config.colours.iter().all(|c| colours.contains(c)));
    assert_eq!(config.colours.len(), 2);
    assert_eq!(labels(&config, Action::Quit), ["Q", "F10"]);
    assert_eq!(labels(&config, Action::FindNext), [""; 0]);
    // What is said of all panels holds where nothing else is said of one.
    let down: Vec<(Scope, String)> = config
        .settings
        .bindings
        .iter()
        .filter(|b| b.action == Action::Down)
        .map(|b| (b.scope, b.shown()))
        .collect();
    assert_eq!(
        down,
        [
            (Scope::In(Panel::Tables), "F3".to_owned()),
            (Scope::In(Panel::Columns), "F3".to_owned()),
            (Scope::In(Panel::Data), "F4 ↓".to_owned()),
        ]
    );
    // Keys may be swapped: what counts is the whole.
    assert_eq!(labels(&config, Action::Step(-1)), ["."]);
    assert_eq!(labels(&config, Action::Step(1)), [","]);
}

/// What may be wrong, and what is said of it.
const WRONG: [(&str, &str); 30] = [
    (
        "thme = 1",
        "line 1, column 1: 'thme' is no setting; 'theme' is one",
    ),
    ("\n[fonts]", "'fonts' is no setting; there are theme, times"),
    (
        "theme = \"pink\"",
        "line 1, column 9: 'pink' is not understood here; it may be auto, dark, light, none",
    ),
    (
        "theme = 3",
        "a text in quotes belongs here, not a value of type integer",
    ),
    (
        "times = \"iso\"",
        "it may be auto, dates, seconds, milliseconds",
    ),
    (
        "memory = \"many\"",
        "memory 'many': it should be a size such as",
    ),
    ("memory = \"10\"", "at least 1MB"),
    ("memory = 10", "a text in quotes"),
    ("colours = 1", "a table belongs here"),
    (
        "[colours]\nadd = \"red\"",
        "line 2, column 1: 'add' has no colour of its own",
    ),
    (
        "[colours]\nadded = \"rot\"",
        "'rot' is no colour; a colour is #rrggbb, or one of default black red",
    ),
    ("keys = \"x\"", "a table belongs here"),
    (
        "[keys]\nquti = \"x\"",
        "line 2, column 1: 'quti' is no action; 'quit' is one",
    ),
    (
        "[keys]\nfrobnicate = \"x\"",
        "'frobnicate' is no action; azof-tui --print-config names them all",
    ),
    ("[keys]\nquit = 3", "a text in quotes"),
    (
        "[keys]\nquit = [\"Q\", 3]",
        "line 2, column 14: a text in quotes",
    ),
    (
        "[keys]\nquit = \"QQ\"",
        "'QQ' is no key; a key is a character",
    ),
    (
        "[keys]\nquit = \"C-m\"",
        "terminals cannot tell C-m from another key",
    ),
    (
        "[keys]\nquit = \",\"",
        "line 2, column 1: 'quit' cannot have the key ,: it is that of 'back'; give 'back' another key",
    ),
    ("[keys]\nquit = \"j\"", "it is that of 'down'"),
    (
        "[keys.timeline]\npan-left = \"q\"",
        "'pan-left' cannot have the key q: it is that of 'quit'",
    ),
    (
        "[keys.panel]\nquit = \"Q\"",
        "'panel' is no panel; [keys.tables], [keys.columns], [keys.data], [keys.timeline] are",
    ),
    (
        "[keys.data]\nquit = \"Q\"",
        "'quit' is no action of Data alone; its place is [keys]",
    ),
    (
        "[keys.data]\nfit = \"Q\"",
        "'fit' is no action of Data; its place is [keys.timeline]",
    ),
    (
        "[keys]\ncancel = \"none\"",
        "'cancel' keeps Esc; name Esc among its keys",
    ),
    ("[keys]\ninterrupt = \"C-x\"", "'interrupt' keeps C-c"),
    ("[keys]\nquit = \"Esc\"", "it is that of 'cancel'"),
    ("theme = \"dark\"\ntheme = \"light\"", "line 2, column"),
    ("theme = \"dark", "line 1, column"),
    ("\u{1b}]0;x\u{7} = 1", "line 1, column"),
];

#[test]
fn a_wrong_entry_is_told_with_its_line_and_the_rest_holds() {
    for (text, said) in WRONG {
        let (config, told) = faults(text);
        assert_eq!(told.len(), 1, "{text}\n{told:#?}");
        assert!(
            told[0].starts_with("file config.toml, line "),
            "{}",
            told[0]
        );
        assert!(told[0].contains(said), "{text}\n{}", told[0]);
        assert!(!told[0].contains('\u{1b}'));
        assert_eq!(config.settings, Settings::default(), "{text}");
    }
    let (config, told) = faults(
        "theme = 'dark'\ntimes = 7\n[keys]\nquit = 'Q'\nhelp = 'Q'\nswap = '?'\nflip = 'nokey'\n[colours]\nnull = 'red'\nnil = 'red'\n",
    );
    let lines: Vec<&str> = told.iter().filter_map(|t| t.split(", ").nth(1)).collect();
    assert_eq!(lines, ["line 2", "line 5", "line 6", "line 7", "line 10"]);
    assert_eq!(config.theme, Some(ThemeName::Dark));
    assert_eq!(labels(&config, Action::Quit), ["Q"]);
    assert_eq!(labels(&config, Action::Help), ["?"]);
    assert_eq!(labels(&config, Action::Swap), ["x"]);
    assert_eq!(config.colours.len(), 1);
}

#[test]
fn an_entry_that_loses_its_key_gives_up_what_others_wanted_of_it() {
    // quit wants the key of back, which wants that of swap, which keeps it.
    let (config, told) = faults("[keys]\nquit = ','\nback = 'x'\n");
    assert_eq!(told.len(), 2, "{told:#?}");
    assert_eq!(config, Config::default());
}

/// Every binding, moved to another key by the settings: the new key does what the name does, the old one no longer does,
/// and the help, the commands and the hints show the new one.
#[test]
fn every_binding_can_be_moved_and_is_shown_where_it_went() {
    let usual = bindings();
    let printed = default_text();
    for (at, moved) in usual.iter().enumerate() {
        let name = moved.action.command();
        let (section, panel) = match moved.scope {
            Scope::Everywhere => ("keys".to_owned(), Panel::Data),
            Scope::In(panel) => (format!("keys.{}", panel.title().to_lowercase()), panel),
        };
        let in_section = printed
            .split("\n[")
            .find(|part| part.starts_with(&format!("{section}]")))
            .expect("the section is printed");
        assert!(
            in_section
                .lines()
                .any(|l| l.starts_with(&format!("{name} = "))),
            "{name} is not printed in [{section}]"
        );
        let kept = match moved.action {
            Action::Escape => ", \"Esc\"",
            Action::Interrupt => ", \"C-c\"",
            _ => "",
        };
        let config = sound(&format!("[{section}]\n{name} = [\"F9\"{kept}]\n"));
        for (other, (before, after)) in usual.iter().zip(&config.settings.bindings).enumerate() {
            assert_eq!(before == after, other != at, "{name} in [{section}]");
        }
        let prepared = || {
            let mut e = financials(config.settings.clone());
            e.app.focus = panel;
            e.app.overlay = None;
            // What the panel asks for when it gets the focus is asked for before a key is pressed.
            e.send(Msg::Time);
            e
        };
        // What the new key does is what the action is.
        let mut e = prepared();
        let f9 = Key::parse("F9").expect("a key");
        let clock = e.app.clock;
        let by_key = e.app.update(Msg::Key(f9.event()), clock);
        let mut named = prepared();
        named.send(Msg::Key(Key::parse(":").expect("a key").event()));
        if moved.action != Action::Commands {
            named.keys(name);
            let clock = named.app.clock;
            let by_name = named
                .app
                .update(Msg::Key(Key::parse("Enter").expect("a key").event()), clock);
            assert_eq!(by_key.len(), by_name.len(), "{name} in {panel:?}");
            assert_eq!(
                e.app.overlay.as_ref().map(std::mem::discriminant),
                named.app.overlay.as_ref().map(std::mem::discriminant),
                "{name}"
            );
            assert_eq!(e.app.focus, named.app.focus, "{name}");
        }
        // And it is shown.
        let mut e = prepared();
        e.app.overlay = Some(Overlay::Help(azof_tui::app::Scroll::default()));
        e.send(Msg::Resize(140, 120));
        let text = e.text();
        // Long ones are cut at the edge of their box.
        let help: String = moved.help.chars().take(50).collect();
        let shown = text.lines().any(|l| l.contains("F9") && l.contains(&help));
        assert!(shown, "{name} is not in the help as F9:\n{text}");
        if !moved.hint.is_empty() && moved.action != Action::Step(-1) {
            let mut e = prepared();
            e.send(Msg::Resize(400, 42));
            let text = e.text();
            let hints = text.lines().last().unwrap_or_default();
            assert!(hints.contains("F9"), "{name}: {hints}");
        }
        // Of an action that is bound in several panels, the commands show the keys of the first.
        let first = usual.iter().position(|b| b.action == moved.action);
        let commands = e.app.commands();
        let command = commands.iter().find(|c| c.name == name).expect("a command");
        assert!(
            first != Some(at) || command.keys.contains("F9"),
            "{name}: {}",
            command.keys
        );
    }
}

#[test]
fn a_key_that_was_taken_away_does_nothing_and_the_command_is_shown() {
    let config = sound("[keys]\nquit = 'none'\nback = 'F2'\n[keys.data]\nhistory = 'none'\n");
    let mut e = financials(config.settings);
    let before = e.text();
    e.keys("q,H");
    assert!(!e.quit);
    assert_eq!(e.text(), before);
    let hints = before.lines().last().unwrap_or_default();
    assert!(
        hints.contains("F2 . step") && !hints.contains("quit"),
        "{hints}"
    );
    e.send(Msg::Resize(140, 120));
    let help = e.keys("?").text();
    assert!(
        help.contains(":quit ") && help.contains(":history "),
        "{help}"
    );
    e.keys("<Esc>:quit<Enter>");
    assert!(e.quit);
}

#[test]
fn what_is_wrong_is_told_in_full_however_small_the_screen_is() {
    let fault = "file ~/.config/azof-tui/config.toml, line 4, column 1: 'quti' is no action ('quit' is one)";
    let start = Start {
        faults: vec![fault.to_owned(), "another\u{1b}".to_owned()],
        ..Start::default()
    };
    let mut e = Explorer::open(&test_data(), start, (60, 20));
    let text = e.text();
    let words: Vec<&str> = text
        .lines()
        .skip(17)
        .flat_map(str::split_whitespace)
        .collect();
    let told = format!("{fault} (and 1 more: :log)");
    assert!(words.join(" ").ends_with(&told), "{text}");
    // A key takes it away, and the log keeps it.
    assert!(!e.keys("j").text().contains("quti"));
    let log = e.keys(":log<Enter>").text();
    assert!(
        log.contains("! file ~/.config") && log.contains("! another␛"),
        "{log}"
    );
}

#[test]
fn texts_that_lie_over_the_screen_move_by_the_keys_that_are_set() {
    let config = sound("[keys]\nhelp = 'F1'\ndown = 'F3'\n");
    let mut e = financials(config.settings);
    e.send(Msg::Key(Key::parse("F1").expect("a key").event()));
    let top = e.text();
    assert!(
        top.lines()
            .last()
            .is_some_and(|l| l.contains("F3 k scroll")),
        "{top}"
    );
    assert_eq!(e.keys("j<Down>").text(), top);
    let down = Msg::Key(Key::parse("F3").expect("a key").event());
    e.send(down.clone());
    assert_ne!(e.text(), top);
    // From the end, one line up is one line up.
    e.keys("Gk");
    let up = e.text();
    e.send(down);
    assert_ne!(e.text(), up);
    assert_eq!(e.keys("g").text(), top);
    e.send(Msg::Key(Key::parse("F1").expect("a key").event()));
    assert!(e.app.overlay.is_none());
}

#[test]
fn times_are_shown_as_they_are_set_and_moments_never_cut() {
    let shown = |style: &str| {
        let config = sound(&format!("times = '{style}'"));
        let start = Start {
            table: Some("table1".into()),
            as_of: parse_calendar("2024-06-10T08:30:00.125").map(AsOf::At),
            settings: config.settings,
            ..Start::default()
        };
        Explorer::open(&test_data(), start, (140, 30)).text()
    };
    for (style, cell, moment) in [
        ("auto", "2024-06-01  ", "AS OF 2024-06-10 08:30:00.125Z"),
        ("dates", "2024-06-01  ", "AS OF 2024-06-10 08:30:00.125Z"),
        (
            "seconds",
            "2024-06-01 00:00:00  ",
            "AS OF 2024-06-10 08:30:00.125Z",
        ),
        (
            "milliseconds",
            "2024-06-01 00:00:00.000  ",
            "AS OF 2024-06-10 08:30:00.125Z",
        ),
    ] {
        let text = shown(style);
        assert!(
            text.contains(cell) && text.contains(moment),
            "{style}\n{text}"
        );
    }
}

#[test]
fn a_script_is_told_and_gets_its_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mine.toml");
    let path = file.to_str().expect("UTF-8");
    let scan = |more: &[&str]| {
        let lake = test_data();
        let mut arguments = vec![
            "scan", "--path", &lake, "--table", "table1", "--format", "csv",
        ];
        arguments.extend(["--config", path]);
        arguments.extend(more);
        azof(&arguments)
    };
    let missing = scan(&[]);
    assert_eq!(missing.status.code(), Some(2));
    let said = stderr(&missing);
    assert!(
        said.starts_with("error: file ")
            && said.contains("mine.toml: cannot be read")
            && said.contains("\nhint: "),
        "{said}"
    );
    std::fs::write(&file, "theme = 'dark'\nmemory = '1 apple'\n").expect("written");
    let warned = scan(&[]);
    assert!(warned.status.success());
    assert_eq!(stdout(&warned).lines().count(), 3, "{}", stdout(&warned));
    let said = stderr(&warned);
    assert!(
        said.contains("warning: file ")
            && said.contains("mine.toml, line 2, column 10: memory '1 apple'"),
        "{said}"
    );
}

#[test]
fn the_memory_that_is_set_holds_and_the_flag_goes_before_it() {
    let lake = Lake::new();
    let rows: Vec<_> = (0..200_000)
        .map(|i| (format!("key{i}"), i, Some(i)))
        .collect();
    lake.table(
        "t",
        r#"{"id":"s","start":"1970-01-01T00:00:00Z","file":"f.parquet"}"#,
    )
    .write("t", "f.parquet", parquet(&rows, 1 << 20, 1 << 20));
    let file = lake.folder.path().join("config.toml");
    std::fs::write(&file, "memory = '1MB'\n").expect("written");
    let scan = |more: &[&str]| {
        let config = file.to_str().expect("UTF-8");
        let mut arguments = vec!["scan", "--path", lake.path(), "--table", "t"];
        arguments.extend(["--limit", "1", "--config", config]);
        arguments.extend(more);
        azof(&arguments)
    };
    let refused = scan(&[]);
    assert_eq!(refused.status.code(), Some(2), "{}", stdout(&refused));
    assert!(stderr(&refused).contains("memory"), "{}", stderr(&refused));
    assert!(scan(&["--memory", "500MB"]).status.success());
}

#[test]
fn without_a_file_nothing_is_said() {
    let output = azof(&["scan", "--path", &test_data(), "--table", "table1"]);
    assert!(!stderr(&output).contains("warning"), "{}", stderr(&output));
}
