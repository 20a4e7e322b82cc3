//! The explorer without a terminal: its state, a real engine, and frames as text.

use std::time::{Duration, Instant};

use azof_tui::app::{App, Clock, Effect, Msg, Start};
use azof_tui::engine::{Answer, EngineHandle, Reply};
use azof_tui::event_time::parse_calendar;
use azof_tui::scan::ReadLimits;
use azof_tui::ui::{Depth, Theme, ThemeName, draw_buffer};
use azof_tui::{EventTime, Lakehouse};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::mpsc::UnboundedReceiver;

/// A wait that takes longer than this has failed.
const DEADLINE: Duration = Duration::from_secs(20);

pub struct Explorer {
    pub app: App,
    engine: EngineHandle,
    replies: UnboundedReceiver<Reply>,
    open_requests: usize,
    pub quit: bool,
    pub copied: Option<String>,
    clock_ms: u64,
}

impl Explorer {
    pub fn open(lake: &str, start: Start, size: (u16, u16)) -> Self {
        let limits = ReadLimits {
            cache_bytes: 64 << 20,
            ..ReadLimits::default()
        };
        let mut explorer = Self::on(Lakehouse::open(lake, limits).expect("a lake"), start, size);
        explorer.settle();
        explorer
    }

    /// Opens on a lake that the caller has made, and waits for nothing.
    pub fn on(lakehouse: Lakehouse, start: Start, size: (u16, u16)) -> Self {
        let (engine, replies) = EngineHandle::start(lakehouse).expect("an engine");
        let start = Start {
            lake: "./lake".to_owned(),
            ..start
        };
        let (app, effects) = App::new(start, size, Self::clock(0));
        let mut explorer = Self {
            app,
            engine,
            replies,
            open_requests: 0,
            quit: false,
            copied: None,
            clock_ms: 0,
        };
        explorer.perform(effects);
        explorer
    }

    /// Takes the replies that come until something holds.
    pub fn wait_until(&mut self, what: &str, holds: impl Fn(&App) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !holds(&self.app) {
            assert!(Instant::now() < deadline, "{what} never came");
            match self.replies.try_recv() {
                Ok(reply) => self.send(Msg::Reply(reply)),
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    fn clock(ms: u64) -> Clock {
        Clock {
            ms,
            wall: parse_calendar("2025-06-01").unwrap_or(EventTime::from_ms(0)),
        }
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(id, request) => {
                    self.open_requests += 1;
                    self.engine.send(id, request);
                }
                Effect::Cancel(lane) => self.engine.cancel(lane),
                Effect::Quit => self.quit = true,
                Effect::Copy(text) => self.copied = Some(text),
                Effect::Theme(_)
                | Effect::Mouse(_)
                | Effect::Suspend
                | Effect::LoadQueries
                | Effect::RememberQuery(_) => {}
            }
        }
    }

    pub fn send(&mut self, msg: Msg) {
        let effects = self.app.update(msg, Self::clock(self.clock_ms));
        self.perform(effects);
    }

    /// Lets time pass.
    pub fn wait_ms(&mut self, ms: u64) {
        self.clock_ms += ms;
        self.send(Msg::Time);
    }

    /// Waits until nothing that was asked for is outstanding.
    pub fn settle(&mut self) {
        let deadline = Instant::now() + DEADLINE;
        // A request that was replaced while it waited is never answered, so what counts is what is on its way.
        while self.is_waiting() {
            assert!(Instant::now() < deadline, "the engine does not answer");
            match self.replies.try_recv() {
                Ok(reply) => {
                    let ended = matches!(reply.answer, Answer::Done | Answer::Failed(_));
                    if ended {
                        self.open_requests = self.open_requests.saturating_sub(1);
                    }
                    self.send(Msg::Reply(reply));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    fn is_waiting(&self) -> bool {
        let view = self.app.view();
        self.app.listing
            || view.is_some_and(|v| v.pending.is_some())
            || view.is_some_and(|v| v.timeline.ticks.is_none() && v.timeline_error.is_none())
            || self.open_requests > 0
    }

    /// Types keys: characters, or names in angle brackets. Waits after each for the answer.
    pub fn keys(&mut self, keys: &str) -> &mut Self {
        for event in parse_keys(keys) {
            self.send(Msg::Key(event));
            self.settle();
        }
        self
    }

    /// Types keys without waiting.
    pub fn flood(&mut self, keys: &str) -> &mut Self {
        for event in parse_keys(keys) {
            self.send(Msg::Key(event));
        }
        // What was overtaken is not answered.
        self.open_requests = 0;
        self
    }

    pub fn mouse(&mut self, kind: MouseEventKind, x: u16, y: u16) {
        self.send(Msg::Mouse(MouseEvent {
            kind,
            column: x,
            row: y,
            modifiers: KeyModifiers::NONE,
        }));
        self.settle();
    }

    pub fn buffer_in(&self, theme: Theme) -> Buffer {
        let (width, height) = self.app.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        draw_buffer(&self.app, theme, &mut buffer);
        buffer
    }

    pub fn buffer(&self) -> Buffer {
        self.buffer_in(Theme::new(ThemeName::Dark, Depth::True))
    }

    /// The frame as text. What a read took differs from run to run and is left out.
    pub fn text(&self) -> String {
        let text = buffer_text(&self.buffer());
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        if let Some(header) = lines.first_mut()
            && header.ends_with(" ms")
        {
            header.truncate(header.rfind(" · ").unwrap_or(header.len()));
            // Where the facts begin depends on how many digits the time had.
            if let Some((left, facts)) = header.clone().rsplit_once("  v") {
                *header = format!("{}   v{facts}", left.trim_end());
            }
        }
        // What had been read before is a matter of luck.
        if let Some(hints) = lines.last_mut()
            && (hints.ends_with("from memory") || hints.contains(" request"))
        {
            let end = hints.rfind("  ").unwrap_or(hints.len());
            hints.truncate(end);
            hints.truncate(hints.trim_end().len());
        }
        lines.join("\n")
    }
}

pub fn buffer_text(buffer: &Buffer) -> String {
    let mut lines = Vec::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut x = 0;
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += azof_tui::text::width(symbol).max(1) as u16;
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

fn parse_keys(keys: &str) -> Vec<KeyEvent> {
    let mut events = Vec::new();
    let mut rest = keys;
    while let Some(c) = rest.chars().next() {
        let named = rest.strip_prefix('<').and_then(|r| r.split_once('>'));
        let (code, modifiers, left) = match named {
            Some((name, left)) if name.len() > 1 => {
                let plain = KeyModifiers::NONE;
                let (code, modifiers) = match name {
                    "Tab" => (KeyCode::Tab, plain),
                    "S-Tab" => (KeyCode::BackTab, plain),
                    "Enter" => (KeyCode::Enter, plain),
                    "Esc" => (KeyCode::Esc, plain),
                    "BS" => (KeyCode::Backspace, plain),
                    "Up" => (KeyCode::Up, plain),
                    "Down" => (KeyCode::Down, plain),
                    "Left" => (KeyCode::Left, plain),
                    "Right" => (KeyCode::Right, plain),
                    "PgUp" => (KeyCode::PageUp, plain),
                    "PgDn" => (KeyCode::PageDown, plain),
                    "Home" => (KeyCode::Home, plain),
                    "End" => (KeyCode::End, plain),
                    other => match other.strip_prefix("C-").and_then(|c| c.chars().next()) {
                        Some(c) => (KeyCode::Char(c), KeyModifiers::CONTROL),
                        None => panic!("no key is called {other}"),
                    },
                };
                (code, modifiers, left)
            }
            _ => (KeyCode::Char(c), KeyModifiers::NONE, &rest[c.len_utf8()..]),
        };
        events.push(KeyEvent::new(code, modifiers));
        rest = left;
    }
    events
}
