//! The command line: arguments, the headless commands, and the way into the explorer.

mod args;
mod commands;
mod diff;
mod output;
mod sql;
mod table_format;
mod why;
mod write;
mod write_args;

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use clap::error::ErrorKind as ClapKind;
use clap::{CommandFactory, Parser};
use clap_complete::Shell;

use crate::app::log::untold;
use crate::config;
use crate::engine;
use crate::error::{Error, ErrorKind, Result};
use crate::event_time::now;
use crate::format::Projection;
use crate::scan::ReadLimits;
use crate::terminal::{self, Opening};

use args::{Cli, Command, ThemeChoice};
use commands::Outcome;

/// Exit status of anything that went wrong.
const FAILED: u8 = 2;

/// Exit status of a comparison that found something, as of diff(1).
const DIFFERS: u8 = 1;

/// Runs the program: the explorer, or a command for scripts.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(e) if matches!(e.kind(), ClapKind::DisplayHelp | ClapKind::DisplayVersion) => {
            // Help into a closed pipe is nobody's loss.
            let _ = e.print();
            return ExitCode::SUCCESS;
        }
        Err(e) => return report(&usage_error(&e)),
    };
    match start(cli) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Differs | Outcome::Found) => ExitCode::from(DIFFERS),
        Err(e) => report(&e),
    }
}

/// Has a limit on the size of files end a write with an error, and not the program without a word.
#[cfg(unix)]
fn outlive_limits_of_files() {
    let reached = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    // Where the handler cannot be set, the system does as it does.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, reached);
}

fn start(cli: Cli) -> Result<Outcome> {
    #[cfg(unix)]
    outlive_limits_of_files();
    let lake = cli
        .lake
        .or(cli.common.path)
        .unwrap_or_else(|| ".".to_owned());
    let log = cli.common.log;
    if cli.print_config {
        return print_all(config::default_text().as_bytes()).map(|()| Outcome::Done);
    }
    match cli.command {
        Some(Command::Completions { shell }) => return print_about_itself(Some(shell)),
        Some(Command::Man) => return print_about_itself(None),
        _ => {}
    }
    let (settings, faults) = config::load(cli.common.config.as_deref())?;
    let mut limits = ReadLimits::default();
    let memory = cli.common.memory.or(settings.memory);
    limits.read_bytes = memory.unwrap_or(limits.read_bytes);
    if let Some(command) = cli.command {
        // What is wrong with the settings is no reason to give no answer.
        for fault in &faults {
            say(&format!("warning: {fault}"));
            if let Some(step) = fault.next_step() {
                say(&format!("hint: {step}"));
            }
        }
        return answer(command, &lake, limits, log.as_deref());
    }
    let moment = |text: Option<&str>| text.map(|t| commands::moment(Some(t))).transpose();
    let theme = match cli.theme {
        None => settings.theme,
        Some(ThemeChoice::Auto) => None,
        Some(ThemeChoice::Dark) => Some(terminal::ThemeName::Dark),
        Some(ThemeChoice::Light) => Some(terminal::ThemeName::Light),
        Some(ThemeChoice::None) => Some(terminal::ThemeName::None),
    };
    terminal::explore(Opening {
        lake,
        table: cli.table,
        as_of: moment(cli.as_of.as_deref())?,
        compare: moment(cli.compare.as_deref())?,
        columns: cli.columns.as_deref().map(Projection::parse),
        query: cli.query,
        theme,
        config: settings,
        faults,
        fresh: cli.fresh,
        limits,
        log,
    })
    .map(|()| Outcome::Done)
}

/// Runs a command for scripts.
fn answer(
    command: Command,
    lake: &str,
    limits: ReadLimits,
    log: Option<&std::path::Path>,
) -> Result<Outcome> {
    let started = Instant::now();
    let asked = command.logged();
    let runtime = engine::runtime("azof-cli")?;
    let done = runtime.block_on(async {
        match command {
            Command::Write(command) => Box::pin(write::run(command, lake, limits)).await,
            command => commands::run(command, lake, limits).await,
        }
    });
    // What was cancelled may not yield, and must not hold up the end.
    runtime.shutdown_background();
    if let Some(path) = log {
        let outcome = done.as_ref().map_or_else(untold, |_| "done".to_owned());
        let ms = started.elapsed().as_secs_f64() * 1e3;
        log_line(path, &format!("{asked}: {outcome} ({ms:.1} ms)"))?;
    }
    done
}

/// A shell's completion script, or the manual: the program's page, then one for each command.
fn print_about_itself(shell: Option<Shell>) -> Result<Outcome> {
    let mut text = Vec::new();
    if let Some(shell) = shell {
        clap_complete::generate(shell, &mut Cli::command(), "azof-tui", &mut text);
    } else {
        let mut program = Cli::command();
        program.build();
        let commands = program.get_subcommands().cloned().collect::<Vec<_>>();
        for command in std::iter::once(program)
            .chain(commands)
            .filter(|c| c.get_name() != "help")
        {
            let written = clap_mangen::Man::new(command).render(&mut text);
            written.map_err(|e| Error::new(ErrorKind::Output, e.to_string()))?;
        }
    }
    print_all(&text).map(|()| Outcome::Done)
}

/// Clap explains over several lines; ours are one of each kind.
fn usage_error(e: &clap::Error) -> Error {
    let text = e.render().to_string();
    let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    let message = lines
        .next()
        .unwrap_or("the arguments make no sense")
        .trim_start_matches("error: ")
        .to_owned();
    // What is missing is listed below the first line.
    let listed: Vec<&str> = lines
        .take_while(|l| l.starts_with("--") || l.starts_with('<'))
        .collect();
    let message = if listed.is_empty() {
        message
    } else {
        format!("{message} {}", listed.join(", "))
    };
    let possible = text.lines().find_map(|l| {
        let l = l.trim().strip_prefix("[possible values: ")?;
        Some(format!("it may be {}", l.trim_end_matches(']')))
    });
    let tip = text
        .lines()
        .find_map(|l| l.trim().strip_prefix("tip: "))
        .map(str::to_owned);
    // The usage line names the command that was being read.
    let usage = text
        .lines()
        .find_map(|l| l.trim().strip_prefix("Usage: azof-tui "));
    let command = usage
        .and_then(|l| l.split_whitespace().next())
        .filter(|w| w.chars().all(char::is_alphabetic));
    let help = command.map_or(
        "azof-tui --help shows what there is".to_owned(),
        |command| format!("azof-tui {command} --help shows what it takes"),
    );
    Error::new(ErrorKind::Usage, message).hint(possible.or(tip).unwrap_or(help))
}

/// One line that begins `error:`, and a `hint:` line where there is a next step.
fn report(error: &Error) -> ExitCode {
    say(&format!("error: {error}"));
    if let Some(step) = error.next_step() {
        say(&format!("hint: {step}"));
    }
    ExitCode::from(FAILED)
}

/// Writes a line to standard error.
fn say(line: &str) {
    // Nobody is left to tell if standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

fn print_all(bytes: &[u8]) -> Result<()> {
    match io::stdout().lock().write_all(bytes) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::Output, e.to_string()))
        }
        _ => Ok(()),
    }
}

fn log_line(path: &std::path::Path, line: &str) -> Result<()> {
    let open = OpenOptions::new().create(true).append(true).open(path);
    open.and_then(|mut file| writeln!(file, "{} {line}", now()))
        .map_err(|e| {
            Error::new(
                ErrorKind::Output,
                format!("cannot write to the log {}: {e}", path.display()),
            )
        })
}
