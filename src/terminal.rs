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
use signal_hook::consts::SIGTSTP;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::app::{App, Clock, Colours, Effect, Msg, Start};
use crate::clipboard::to_clipboard;
use crate::contained::is_contained;
use crate::engine::{Answer, EngineHandle, Reply, Request};
use crate::error::{Error, ErrorKind, Result};
use crate::event_time::{AsOf, now};
use crate::format::Projection;
use crate::lakehouse::Lakehouse;
use crate::remembered;
use crate::scan::ReadLimits;
use crate::ui;
pub use crate::ui::ThemeName;
use crate::ui::{Depth, Theme};

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
        let _ = disable_raw_mode();
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
    let theme = theme(opening.theme);
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
    started: Instant,
    /// For the test that a panic gives the terminal back: there is no other way to ask for one.
    panics: bool,
}

async fn run(opening: Opening, lake: Lakehouse, theme: Theme, log: Option<File>) -> Result<Left> {
    let failed = |e: io::Error| Error::new(ErrorKind::Output, format!("the terminal fails: {e}"));
    let started = Instant::now();
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut quit = signal(SignalKind::quit()).map_err(failed)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(failed)?;
    let guard = Guard::take(true).map_err(failed)?;
    let terminal = Terminal::new(CrosstermBackend::new(io::stdout())).map_err(failed)?;
    let size = terminal.size().map_err(failed)?;
    let start = Start {
        lake: lake.name().to_owned(),
        table: opening.table,
        as_of: opening.as_of,
        compare: opening.compare,
        columns: opening.columns,
        query: opening.query,
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
            _ = terminate.recv() => return Ok(Left::Signal(signal_hook::consts::SIGTERM)),
            _ = interrupt.recv() => return Ok(Left::Signal(signal_hook::consts::SIGINT)),
            _ = quit.recv() => return Ok(Left::Signal(signal_hook::consts::SIGQUIT)),
            _ = hang_up.recv() => return Ok(Left::Signal(signal_hook::consts::SIGHUP)),
            event = events.next() => match event {
                Some(Ok(event)) => translate(event),
                // The terminal is gone, and with it the person.
                Some(Err(_)) | None => return Ok(Left::Signal(signal_hook::consts::SIGHUP)),
            },
            reply = replies.recv() => reply.map(Msg::Reply),
            () = sleep => None,
        };
        let asked = match msg {
            Some(msg) => {
                let waiting = drain(&mut events, &mut replies).await;
                let mut asked = false;
                for msg in std::iter::once(msg).chain(waiting) {
                    match session.take(msg).map_err(failed)? {
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
                if matches!(session.take(Msg::Time).map_err(failed)?, After::Quit) {
                    return Ok(Left::Quit);
                }
                due = Some(due.unwrap_or(now).max(drawn + FRAME));
            }
            None => {}
        }
        if due.is_some_and(|at| at <= now) {
            session.frame().map_err(failed)?;
            drawn = Instant::now();
            due = None;
        }
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
        self.log(&msg);
        let clock = self.clock();
        let effects = self.app.update(msg, clock);
        self.perform(effects)
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
                    if let Some(log) = &mut self.log {
                        // What a person wrote is theirs.
                        let said = match &request {
                            Request::Query { as_of, .. } => format!("a query as of {as_of}"),
                            request => format!("{request:?}"),
                        };
                        let _ = writeln!(log, "{} ask {} {said}", now(), id.0);
                    }
                    self.engine.send(id, request);
                    after = After::Asked;
                }
                Effect::Cancel(lane) => self.engine.cancel(lane),
                Effect::LoadQueries => {
                    let clock = self.clock();
                    let effects = self.app.update(Msg::Queries(remembered::load()), clock);
                    debug_assert!(effects.is_empty());
                }
                Effect::RememberQuery(statement) => {
                    if let (Err(e), Some(log)) = (remembered::add(&statement), &mut self.log) {
                        let _ = writeln!(log, "{} statements are not kept: {e}", now());
                    }
                }
                Effect::Mouse(true) => execute!(io::stdout(), EnableMouseCapture)?,
                Effect::Mouse(false) => execute!(io::stdout(), DisableMouseCapture)?,
                Effect::Copy(text) => {
                    let mut out = io::stdout();
                    out.write_all(to_clipboard(&text).as_bytes())?;
                    out.flush()?;
                }
                Effect::Theme(colours) => self.theme = theme(Some(palette(colours))),
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

    /// What came back and how long it took; nothing that a person typed, and no data.
    fn log(&mut self, msg: &Msg) {
        let (Some(log), Msg::Reply(reply)) = (&mut self.log, msg) else {
            return;
        };
        let what = match &reply.answer {
            Answer::Snapshot(s) => format!("{} rows as of {} ({:?})", s.len(), s.as_of(), s.cost()),
            Answer::QueryRows(r) if r.is_complete => {
                format!("{} rows of a query as of {}", r.len(), r.as_of())
            }
            Answer::QueryCompared(_) => "two results compared".to_owned(),
            Answer::Ticks(t) => format!("{} ticks", t.len()),
            Answer::Failed(e) => format!("failed: {e}"),
            Answer::Done => "done".to_owned(),
            _ => return,
        };
        let _ = writeln!(
            log,
            "{} answer {} {:?} {what}",
            now(),
            reply.id.0,
            reply.lane
        );
    }
}

/// The palette by the name that the application has for it.
fn palette(colours: Colours) -> ThemeName {
    match colours {
        Colours::Dark => ThemeName::Dark,
        Colours::Light => ThemeName::Light,
        Colours::None => ThemeName::None,
    }
}

/// The palette that was asked for, or that the environment suggests.
fn theme(wanted: Option<ThemeName>) -> Theme {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let depth = match (variable("COLORTERM").as_str(), variable("TERM").as_str()) {
        ("truecolor" | "24bit", _) => Depth::True,
        (_, term) if term.contains("direct") => Depth::True,
        (_, term) if term.contains("256") => Depth::Indexed,
        _ => Depth::Ansi,
    };
    // COLORFGBG is `15;0`: foreground and background among the sixteen; 7 and 15 are whites.
    let light = matches!(variable("COLORFGBG").rsplit(';').next(), Some("7" | "15"));
    let name = wanted.unwrap_or(
        if !variable("NO_COLOR").is_empty() || variable("TERM") == "dumb" {
            ThemeName::None
        } else if light {
            ThemeName::Light
        } else {
            ThemeName::Dark
        },
    );
    Theme::new(name, depth)
}
