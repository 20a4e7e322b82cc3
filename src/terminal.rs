//! The terminal: raw mode and its guard, signals, and the event loop. The only file that touches the terminal.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Stdout, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture, Event,
    EventStream,
};
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute};
use futures::StreamExt;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;

pub use crate::app::ThemeName;
use crate::app::{App, Clock, Effect, Msg, Start};
use crate::clipboard::to_clipboard;
use crate::config::Config;
use crate::contained::is_contained;
use crate::engine::{EngineHandle, Reply};
use crate::error::{Error, ErrorKind, Result};
use crate::event_time::{AsOf, now};
use crate::format::Projection;
use crate::lakehouse::Lakehouse;
use crate::remembered::{lakes, queries};
use crate::scan::ReadLimits;
use crate::ui;
use crate::ui::Theme;

/// Frames are at least this far apart.
const FRAME: Duration = Duration::from_millis(8);

/// After a message that asked the engine for something, the frame waits this long for the answer, so that a fast answer
/// costs one frame and not two.
const ANSWER_WAIT: Duration = Duration::from_millis(6);

/// Exit status after a signal is this plus its number, as shells have it.
const SIGNAL_STATUS: i32 = 128;

/// Where the explorer opens.
#[derive(Debug, Default)]
pub struct Opening {
    /// The lake's path or URL.
    pub lake: String,
    /// The table.
    pub table: Option<String>,
    /// The moment.
    pub as_of: Option<AsOf>,
    /// The moment to compare with.
    pub compare: Option<AsOf>,
    /// The columns.
    pub columns: Option<Projection>,
    /// The statement to run.
    pub query: Option<String>,
    /// The palette; `None` looks at the environment.
    pub theme: Option<ThemeName>,
    /// What the person has set.
    pub config: Config,
    /// What is wrong with it.
    pub faults: Vec<Error>,
    /// True where the lake opens as if for the first time, and what is remembered of it is left alone.
    pub fresh: bool,
    /// Where to append what happens.
    pub log: Option<PathBuf>,
    /// What reading may take of the machine.
    pub limits: ReadLimits,
}

/// True while the terminal is ours, so that whoever leaves gives it back exactly once.
static OURS: AtomicBool = AtomicBool::new(false);

/// Gives the terminal back when it goes out of scope, however that comes about.
struct Guard;

impl Guard {
    fn take(mouse: bool) -> io::Result<Self> {
        enable_raw_mode()?;
        OURS.store(true, Ordering::SeqCst);
        let guard = Self;
        execute!(
            io::stdout(),
            EnterAlternateScreen,
            EnableBracketedPaste,
            cursor::Hide
        )?;
        if mouse {
            execute!(io::stdout(), EnableMouseCapture)?;
        }
        Ok(guard)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        give_back();
    }
}

/// True where the terminal is another's by now, or gone: a shell that is told to end takes it back for itself. A process
/// in the background that changes a terminal's modes is stopped, and whoever could continue it is gone.
fn is_in_background() -> bool {
    // proc_pid_stat(5): after the name in brackets come state, parent, process group, session, terminal, and the
    // terminal's foreground group. Where there is no such file, nothing is known.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let mut fields = fields.split_whitespace().skip(2);
    let (own, foreground) = (fields.next(), fields.nth(2));
    own != foreground
}

fn give_back() {
    if OURS.swap(false, Ordering::SeqCst) {
        // There is nothing to be done about a terminal that is gone.
        let _ = execute!(
            io::stdout(),
            DisableMouseCapture,
            DisableBracketedPaste,
            LeaveAlternateScreen,
            cursor::Show
        );
        if !is_in_background() {
            let _ = disable_raw_mode();
        }
    }
}

/// Opens the explorer, and comes back when the person leaves it.
pub fn explore(opening: Opening) -> Result<()> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(Error::new(ErrorKind::Usage, "the explorer needs a terminal")
            .hint("for scripts there are commands such as tables, scan and timeline; see azof-tui --help"));
    }
    let log = opening.log.as_deref().map(|path| {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|e| {
                Error::new(
                    ErrorKind::Output,
                    format!("cannot write to the log {}: {e}", path.display()),
                )
            })
    });
    let log = log.transpose()?;
    let lake = Lakehouse::open(&opening.lake, opening.limits.keeping())?;
    let theme = opening.config.palette(opening.theme);
    let default_hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        // A panic that becomes an error value is not news.
        if !is_contained() {
            give_back();
            default_hook(info);
        }
    }));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|e| {
        Error::new(
            ErrorKind::Usage,
            format!("the machine gives no event loop: {e}"),
        )
    })?;
    let left = runtime.block_on(run(opening, lake, theme, log));
    runtime.shutdown_background();
    match left? {
        Left::Quit => Ok(()),
        Left::Signal(number) => std::process::exit(SIGNAL_STATUS + number),
    }
}

/// Which door was taken.
enum Left {
    Quit,
    Signal(i32),
}

struct Session {
    app: App,
    engine: EngineHandle,
    theme: Theme,
    terminal: Terminal<CrosstermBackend<Stdout>>,
    guard: Option<Guard>,
    log: Option<File>,
    /// Lines of the log that have been written.
    logged: usize,
    /// What the lake is remembered by; `None` where nothing is kept.
    remembered_as: Option<String>,
    started: Instant,
    /// For the test that a panic gives the terminal back: there is no other way to ask for one.
    panics: bool,
}

async fn run(opening: Opening, lake: Lakehouse, theme: Theme, log: Option<File>) -> Result<Left> {
    let failed = |e: io::Error| Error::new(ErrorKind::Output, format!("the terminal fails: {e}"));
    let started = Instant::now();
    let mut signals = Signals::new().map_err(failed)?;
    let guard = Guard::take(true).map_err(failed)?;
    let terminal = Terminal::new(CrosstermBackend::new(io::stdout())).map_err(failed)?;
    let size = terminal.size().map_err(failed)?;
    let remembered_as = Some(identity(&opening.lake, &lake)).filter(|_| !opening.fresh);
    let mut faults: Vec<String> = opening.faults.iter().map(told).collect();
    let last = match remembered_as.as_deref().map(lakes::load) {
        Some(Ok(last)) => last,
        Some(Err(why)) => {
            faults.push(why);
            None
        }
        None => None,
    };
    let start = Start {
        lake: lake.name().to_owned(),
        table: opening.table,
        as_of: opening.as_of,
        compare: opening.compare,
        columns: opening.columns,
        query: opening.query,
        settings: opening.config.settings,
        last,
        faults,
    };
    let (engine, mut replies) = EngineHandle::start(lake)?;
    let clock = Clock { ms: 0, wall: now() };
    let (app, effects) = App::new(start, (size.width, size.height), clock);
    let mut session = Session {
        app,
        engine,
        theme,
        terminal,
        guard: Some(guard),
        log,
        logged: 0,
        remembered_as,
        started,
        panics: std::env::var_os("AZOF_TUI_PANIC").is_some(),
    };
    session.frame().map_err(failed)?;
    // The mouse is ours already.
    let effects = effects
        .into_iter()
        .filter(|e| !matches!(e, Effect::Mouse(_)))
        .collect();
    session.perform(effects).map_err(failed)?;
    session.write_log();

    let left = work(&mut session, &mut signals, &mut replies)
        .await
        .map_err(failed);
    session.leave();
    left
}

/// The signals that end the program.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for one; answers its number.
    async fn recv(&mut self) -> i32 {
        tokio::select! {
            _ = self.terminate.recv() => SIGTERM,
            _ = self.interrupt.recv() => SIGINT,
            _ = self.quit.recv() => SIGQUIT,
            _ = self.hang_up.recv() => SIGHUP,
        }
    }
}

/// Takes what happens and draws, until the person leaves.
async fn work(
    session: &mut Session,
    signals: &mut Signals,
    replies: &mut UnboundedReceiver<Reply>,
) -> io::Result<Left> {
    let started = session.started;
    let mut events = EventStream::new();
    let mut drawn = Instant::now();
    let mut due: Option<Instant> = None;
    loop {
        let wake = session
            .app
            .next_wake_ms()
            .map(|ms| started + Duration::from_millis(ms));
        let timer = [wake, due].into_iter().flatten().min();
        let sleep = async {
            match timer {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        let msg = tokio::select! {
            biased;
            number = signals.recv() => return Ok(Left::Signal(number)),
            event = events.next() => match event {
                Some(Ok(event)) => translate(event),
                // The terminal is gone, and with it the person.
                Some(Err(_)) | None => return Ok(Left::Signal(SIGHUP)),
            },
            Some(reply) = replies.recv() => Some(Msg::Reply(reply)),
            () = sleep => None,
        };
        let asked = match msg {
            Some(msg) => {
                let waiting = drain(&mut events, replies).await;
                let mut asked = false;
                for msg in std::iter::once(msg).chain(waiting) {
                    match session.take(msg)? {
                        After::Quit => return Ok(Left::Quit),
                        After::Asked => asked = true,
                        After::Nothing => {}
                    }
                }
                Some(asked)
            }
            None => None,
        };
        let now = Instant::now();
        match asked {
            // An answer may come before the eye could see the question.
            Some(true) => due = Some(due.unwrap_or(now + ANSWER_WAIT).max(drawn + FRAME)),
            Some(false) => due = Some(now.max(drawn + FRAME)),
            None if wake.is_some_and(|at| at <= now) => {
                if matches!(session.take(Msg::Time)?, After::Quit) {
                    return Ok(Left::Quit);
                }
                due = Some(due.unwrap_or(now).max(drawn + FRAME));
            }
            None => {}
        }
        if due.is_some_and(|at| at <= now) {
            session.frame()?;
            drawn = Instant::now();
            due = None;
        }
    }
}

/// What a lake is remembered by: a folder's own path, or a URL without its secrets.
fn identity(typed: &str, lake: &Lakehouse) -> String {
    let folder = std::fs::canonicalize(typed).ok();
    let folder = folder.and_then(|path| path.to_str().map(str::to_owned));
    folder.unwrap_or_else(|| lake.name().to_owned())
}

/// A fault of the settings on one line, with what to do about it.
fn told(fault: &Error) -> String {
    match fault.next_step() {
        Some(step) => format!("{fault} ({step})"),
        None => fault.to_string(),
    }
}

/// Takes all messages that wait, so that one frame answers them all.
async fn drain(events: &mut EventStream, replies: &mut UnboundedReceiver<Reply>) -> Vec<Msg> {
    const AT_MOST: usize = 1_000;
    let mut messages = Vec::new();
    while messages.len() < AT_MOST {
        let next = tokio::select! {
            biased;
            Some(Ok(event)) = events.next() => translate(event),
            Some(reply) = replies.recv() => Some(Msg::Reply(reply)),
            () = std::future::ready(()) => break,
        };
        messages.extend(next);
    }
    messages
}

fn translate(event: Event) -> Option<Msg> {
    match event {
        Event::Key(key) => Some(Msg::Key(key)),
        Event::Mouse(mouse) => Some(Msg::Mouse(mouse)),
        Event::Paste(text) => Some(Msg::Paste(text)),
        Event::Resize(width, height) => Some(Msg::Resize(width, height)),
        Event::FocusGained | Event::FocusLost => None,
    }
}

/// What a message leaves to be done by the loop.
enum After {
    Nothing,
    /// The engine was asked for something.
    Asked,
    Quit,
}

impl Session {
    fn take(&mut self, msg: Msg) -> io::Result<After> {
        let clock = self.clock();
        let effects = self.app.update(msg, clock);
        let after = self.perform(effects);
        self.write_log();
        after
    }

    fn clock(&self) -> Clock {
        Clock {
            ms: self.started.elapsed().as_millis() as u64,
            wall: now(),
        }
    }

    fn perform(&mut self, effects: Vec<Effect>) -> io::Result<After> {
        let mut after = After::Nothing;
        for effect in effects {
            match effect {
                Effect::Send(id, request) => {
                    self.engine.send(id, request);
                    after = After::Asked;
                }
                Effect::Cancel(lane) => self.engine.cancel(lane),
                Effect::LoadQueries => {
                    let clock = self.clock();
                    let effects = self.app.update(Msg::Queries(queries::load()), clock);
                    debug_assert!(effects.is_empty());
                }
                Effect::RememberQuery(statement) => {
                    if let Err(e) = queries::add(&statement) {
                        let fault = Msg::Fault(format!("the statement is not kept: {e}"));
                        self.app.update(fault, self.clock());
                    }
                }
                Effect::Mouse(true) => execute!(io::stdout(), EnableMouseCapture)?,
                Effect::Mouse(false) => execute!(io::stdout(), DisableMouseCapture)?,
                Effect::Copy(text) => {
                    let mut out = io::stdout();
                    out.write_all(to_clipboard(&text).as_bytes())?;
                    out.flush()?;
                }
                Effect::Theme(name) => self.theme = self.theme.named(name),
                Effect::Suspend => self.suspend()?,
                Effect::Quit => return Ok(After::Quit),
            }
        }
        Ok(after)
    }

    /// Gives the terminal back, stops until the shell continues us, and takes it again.
    fn suspend(&mut self) -> io::Result<()> {
        self.guard = None;
        signal_hook::low_level::emulate_default_handler(SIGTSTP)?;
        self.guard = Some(Guard::take(self.app.mouse)?);
        // What was on the screen is gone; a new terminal has drawn nothing yet.
        execute!(io::stdout(), Clear(ClearType::All))?;
        self.terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        let size = self.terminal.size()?;
        let clock = self.clock();
        self.app.update(Msg::Resize(size.width, size.height), clock);
        Ok(())
    }

    fn frame(&mut self) -> io::Result<()> {
        assert!(
            !self.panics || self.app.current().is_none(),
            "asked to panic"
        );
        self.terminal
            .draw(|frame| ui::draw(&self.app, self.theme, frame))
            .map(|_| ())
    }

    /// Gives the terminal back, and keeps how the lake is being left.
    fn leave(&mut self) {
        self.guard = None;
        let state = self.app.lake_state();
        if let Some(lake) = self
            .remembered_as
            .as_deref()
            .filter(|_| !state.tables.is_empty())
            && let Err(e) = lakes::keep(lake, state)
        {
            let fault = format!("how the lake is left is not kept: {e}");
            self.app.update(Msg::Fault(fault), self.clock());
        }
        self.write_log();
    }

    /// Writes what is new in the log to the file that was asked for.
    fn write_log(&mut self) {
        let (new, seen) = self.app.log.since(self.logged);
        if let Some(file) = &mut self.log {
            let lines = new.fold(String::new(), |mut lines, line| {
                lines += &format!("{line}\n");
                lines
            });
            // A log that cannot be written is no reason to stop.
            let _ = file.write_all(lines.as_bytes());
        }
        self.logged = seen;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lake_is_remembered_without_its_secrets_and_a_folder_by_its_own_path() {
        let limits = ReadLimits::default();
        let url = "https://me:secret@example.com/lake?sig=secret";
        let lake = Lakehouse::open(url, limits).expect("a lake");
        assert_eq!(identity(url, &lake), "https://example.com/lake?…");
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/test-data");
        let round_about = concat!(env!("CARGO_MANIFEST_DIR"), "/src/../test-data/");
        let lake = Lakehouse::open(round_about, limits).expect("a lake");
        let own = std::fs::canonicalize(here).expect("it is there");
        assert_eq!(Some(identity(round_about, &lake).as_str()), own.to_str());
    }
}
