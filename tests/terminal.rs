//! The program in a real pseudo-terminal: it starts, scrubs, resizes, and leaves the terminal as it found it, by every
//! door.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]

mod support;

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use support::test_data;
use tempfile::TempDir;

/// What has not come by then never comes.
const DEADLINE: Duration = Duration::from_secs(20);

struct Pty {
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    output: Receiver<Vec<u8>>,
    parser: vt100::Parser,
    /// Where settings and states are; one of its own, where none was given.
    _home: Home,
}

/// A home directory that several sittings may share.
type Home = std::rc::Rc<TempDir>;

fn home() -> Home {
    std::rc::Rc::new(tempfile::tempdir().expect("a folder"))
}

impl Pty {
    /// Runs a shell in a terminal of 120 x 32, without a start-up file.
    fn shell(home: Home, environment: &[(&str, &str)]) -> Self {
        let size = PtySize {
            rows: 32,
            cols: 120,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system()
            .openpty(size)
            .expect("a pseudo-terminal");
        let mut command = CommandBuilder::new("bash");
        command.args(["--norc", "--noprofile", "-i"]);
        command.env("PS1", "ready> ");
        command.env("TERM", "xterm-256color");
        command.env("HOME", home.path());
        command.env("XDG_CONFIG_HOME", home.path().join("config"));
        command.env("XDG_STATE_HOME", home.path().join("state"));
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).expect("a shell");
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let writer = pair.master.take_writer().expect("a writer");
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        let mut pty = Self {
            master: pair.master,
            writer,
            child,
            output,
            parser: vt100::Parser::new(32, 120, 0),
            _home: home,
        };
        pty.wait_for("ready>");
        // The shell's own editor switches bracketed paste on at every prompt.
        pty.keys("bind 'set enable-bracketed-paste off'; echo pla''in\r");
        pty.wait_for("plain");
        pty
    }

    fn explorer(environment: &[(&str, &str)]) -> Self {
        Self::opened(home(), environment, "--table table1")
    }

    /// The explorer on the committed lake, with these options.
    fn opened(home: Home, environment: &[(&str, &str)], options: &str) -> Self {
        let mut pty = Self::shell(home, environment);
        let program = env!("CARGO_BIN_EXE_azof-tui");
        pty.keys(&format!(
            "clear; {program} --path {} {options}\r",
            test_data()
        ));
        pty
    }

    fn keys(&mut self, keys: &str) {
        self.writer
            .write_all(keys.as_bytes())
            .expect("the terminal takes keys");
    }

    fn text(&self) -> String {
        self.parser.screen().contents()
    }

    fn pump(&mut self) {
        if let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(20)) {
            self.parser.process(&bytes);
        }
    }

    fn wait_for(&mut self, needle: &str) {
        self.wait_until(needle, |text| text.contains(needle));
    }

    fn wait_until(&mut self, what: &str, holds: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !holds(&self.text()) {
            assert!(
                Instant::now() < deadline,
                "{what:?} never came; the screen:\n{}",
                self.text()
            );
            self.pump();
        }
    }

    /// The process of the explorer, by the shell's word.
    fn signal(&self, name: &str) {
        let shell = self.child.process_id().expect("a process").to_string();
        let done = std::process::Command::new("pkill")
            .args(["-x", &format!("-{name}"), "-P", &shell, "azof-tui"])
            .status();
        assert!(done.expect("pkill runs").success(), "no explorer to signal");
    }

    /// The number of the explorer's process.
    fn explorer_process(&self) -> String {
        let shell = self.child.process_id().expect("a process").to_string();
        let found = std::process::Command::new("pgrep")
            .args(["-x", "-P", &shell, "azof-tui"])
            .output()
            .expect("pgrep runs");
        let found = String::from_utf8(found.stdout).expect("UTF-8");
        assert!(!found.trim().is_empty(), "no explorer runs");
        found.trim().to_owned()
    }

    /// Back in the shell, the terminal must be as it was.
    fn assert_restored(&mut self) {
        self.wait_until("the shell", |text| text.trim_end().ends_with("ready>"));
        let screen = self.parser.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        self.keys("stty -a | tr ';' ' ' | tr '\\n' ' ' | grep -o ' icanon.* echo ' | wc -l | sed 's/^/modes: /'\r");
        self.wait_for("modes: 1");
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // The shell may be gone already.
        let _ = self.child.kill();
    }
}

#[test]
fn it_starts_scrubs_resizes_and_quits() {
    let mut pty = Pty::explorer(&[]);
    pty.wait_for("AS OF current");
    pty.wait_for("6 ticks");
    pty.keys(",");
    pty.wait_for("AS OF 2024-06-29");
    pty.keys(",,");
    pty.wait_for("abc3");
    pty.master
        .resize(PtySize {
            rows: 24,
            cols: 80,
            pixel_width: 0,
            pixel_height: 0,
        })
        .expect("resized");
    pty.parser.screen_mut().set_size(24, 80);
    pty.wait_for("1 Tables");
    pty.master
        .resize(PtySize {
            rows: 10,
            cols: 40,
            pixel_width: 0,
            pixel_height: 0,
        })
        .expect("resized");
    pty.parser.screen_mut().set_size(10, 40);
    pty.wait_for("needs 60 x 15");
    pty.keys("q");
    pty.assert_restored();
}

#[test]
fn ctrl_c_leaves_when_nothing_runs() {
    let mut pty = Pty::explorer(&[]);
    pty.wait_for("6 ticks");
    pty.keys("\x03");
    pty.assert_restored();
}

#[test]
fn every_signal_that_ends_it_leaves_the_terminal_as_it_was() {
    for signal in ["TERM", "HUP", "INT", "QUIT"] {
        let mut pty = Pty::explorer(&[]);
        pty.wait_for("6 ticks");
        pty.signal(signal);
        pty.assert_restored();
    }
}

#[test]
fn the_status_after_a_signal_is_what_shells_expect() {
    let mut pty = Pty::explorer(&[]);
    pty.wait_for("6 ticks");
    pty.signal("TERM");
    pty.wait_until("the shell", |text| text.trim_end().ends_with("ready>"));
    pty.keys("echo status=$?\r");
    pty.wait_for("status=143");
}

#[test]
fn a_panic_leaves_the_terminal_as_it_was() {
    let mut pty = Pty::explorer(&[("AZOF_TUI_PANIC", "1")]);
    pty.wait_for("asked to panic");
    pty.assert_restored();
}

#[test]
fn ctrl_z_suspends_and_fg_comes_back() {
    let mut pty = Pty::explorer(&[]);
    pty.wait_for("6 ticks");
    pty.keys("\x1a");
    pty.wait_for("Stopped");
    pty.assert_restored();
    pty.keys("fg\r");
    pty.wait_for("AS OF current");
    pty.keys(",");
    pty.wait_for("AS OF 2024-06-29");
    pty.keys("q");
    pty.assert_restored();
}

/// Ends with a terminal in its hands, as a terminal's window does that is killed: every handle of it is closed at once.
/// No part of the tests by itself; the next one runs it in a process of its own.
#[test]
#[ignore = "it is run by it_ends_when_its_terminal_goes_away"]
fn holds_a_terminal_until_it_is_killed() {
    let Some(report) = std::env::var_os("AZOF_TUI_TEST_REPORT") else {
        return;
    };
    let mut pty = Pty::explorer(&[]);
    pty.wait_for("6 ticks");
    let explorer = pty.explorer_process();
    let beside = std::path::Path::new(&report).with_extension("part");
    std::fs::write(&beside, explorer).expect("written");
    std::fs::rename(&beside, &report).expect("in place");
    loop {
        pty.pump();
    }
}

#[test]
fn it_ends_when_its_terminal_goes_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("explorer");
    let mut holder = std::process::Command::new(std::env::current_exe().expect("this program"))
        .args([
            "--exact",
            "--ignored",
            "holds_a_terminal_until_it_is_killed",
        ])
        .env("AZOF_TUI_TEST_REPORT", &report)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("a process");
    let started = wait_until(|| report.exists());
    let explorer = std::fs::read_to_string(&report).unwrap_or_default();
    holder.kill().expect("killed");
    holder.wait().expect("gone");
    assert!(started, "no explorer came up");
    assert!(
        wait_until(|| !runs(&explorer)),
        "it still runs without a terminal: {}",
        status(&explorer)
    );
}

/// A shell that is told to end hands the signal on, takes the terminal back for itself, and is gone: the explorer, which
/// is in the background by then, must not be stopped as it gives back a terminal that is another's.
#[test]
fn it_ends_when_its_shell_is_told_to() {
    let mut pty = Pty::explorer(&[]);
    pty.wait_for("6 ticks");
    let explorer = pty.explorer_process();
    let shell = pty.child.process_id().expect("a process").to_string();
    let told = std::process::Command::new("kill")
        .args(["-HUP", &shell])
        .status();
    assert!(told.expect("kill runs").success());
    // The terminal stays, and takes what is written to it.
    let ended = wait_until(|| {
        pty.pump();
        !runs(&explorer)
    });
    assert!(ended, "it outlives its shell: {}", status(&explorer));
}

/// Waits until something holds; answers whether it came.
fn wait_until(mut holds: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

/// True while a process runs; one that has ended and waits to be asked about has no files any more.
fn runs(process: &str) -> bool {
    let files = std::path::Path::new("/proc").join(process).join("fd");
    std::fs::read_dir(files).is_ok_and(|mut files| files.next().is_some())
}

/// What the system says of a process.
fn status(process: &str) -> String {
    let file = std::path::Path::new("/proc").join(process).join("status");
    std::fs::read_to_string(file).unwrap_or_else(|e| e.to_string())
}

fn lakes(home: &Home) -> Vec<std::path::PathBuf> {
    let folder = std::fs::read_dir(home.path().join("state/azof-tui/lakes"));
    let files = folder.into_iter().flatten().flatten();
    files.map(|f| f.path()).collect()
}

#[test]
fn a_lake_opens_as_it_was_left_unless_it_is_to_be_fresh() {
    let home = home();
    let mut pty = Pty::opened(home.clone(), &[], "--table table1");
    pty.wait_for("6 ticks");
    pty.keys(",,mq");
    pty.wait_for("mark q");
    pty.keys("q");
    pty.assert_restored();
    assert_eq!(lakes(&home).len(), 1);
    // The table and the moment come back, and the mark.
    let mut pty = Pty::opened(home.clone(), &[], "");
    pty.wait_for("› table1");
    pty.wait_for("AS OF 2024-06-20");
    pty.wait_for("as you left it");
    pty.wait_for("6 ticks");
    pty.keys("@current\r");
    pty.wait_for("AS OF current");
    pty.keys("'q");
    pty.wait_for("AS OF 2024-06-20");
    // A signal is a way to leave, too.
    pty.keys(",");
    pty.wait_for("AS OF 2024-06-01");
    pty.signal("TERM");
    pty.assert_restored();
    // What the command line says goes before what was left; the rest of it holds.
    let mut pty = Pty::opened(home.clone(), &[], "--as-of 2024-02-20");
    pty.wait_for("› table1");
    pty.wait_for("AS OF 2024-02-20");
    pty.wait_for("6 ticks");
    pty.keys("'q");
    pty.wait_for("AS OF 2024-06-20");
    pty.keys("q");
    pty.assert_restored();
    let left = std::fs::read(&lakes(&home)[0]).expect("the file");
    let mut pty = Pty::opened(home.clone(), &[], "--fresh");
    pty.wait_for("› financials");
    pty.wait_for("AS OF current");
    pty.keys("q");
    pty.assert_restored();
    assert_eq!(std::fs::read(&lakes(&home)[0]).expect("the file"), left);
}

#[test]
fn what_is_wrong_at_the_start_is_told_and_stands_in_the_log() {
    let home = home();
    let mut pty = Pty::opened(home.clone(), &[], "--table table1");
    pty.wait_for("6 ticks");
    pty.keys("q");
    pty.assert_restored();
    std::fs::write(&lakes(&home)[0], "{ not this").expect("written");
    let config = home.path().join("config/azof-tui");
    std::fs::create_dir_all(&config).expect("a folder");
    std::fs::write(
        config.join("config.toml"),
        "[keys]\nquti = 'x'\nquit = 'Q'\n",
    )
    .expect("written");
    let log = home.path().join("log");
    let options = format!("--table table1 --log {}", log.display());
    let mut pty = Pty::opened(home.clone(), &[], &options);
    pty.wait_for("config.toml, line 2, column 1: 'quti' is no action");
    pty.wait_for("6 ticks");
    pty.keys(":log\r");
    pty.wait_for("cannot be read from");
    pty.wait_for("the tables");
    pty.keys("\x1b");
    pty.wait_until("no log", |text| !text.contains("times are UTC"));
    pty.keys("qQ");
    pty.assert_restored();
    let log = std::fs::read_to_string(log).expect("the log");
    for line in [
        "config.toml, line 2, column 1: 'quti' is no action ('quit' is one)",
        "how the lake was left cannot be read from",
        " → #1 the tables",
        "rows of table1 as of current, ",
        " rows; ",
    ] {
        assert!(log.contains(line), "{line}:\n{log}");
    }
}

#[test]
fn settings_that_were_named_must_be_there() {
    let mut pty = Pty::opened(home(), &[], "--config nowhere.toml");
    pty.wait_for("error: file nowhere.toml: cannot be read");
    pty.wait_for("hint: ");
    pty.assert_restored();
}
