//! What reaches the application, and what it wants done: both plain data.

use crossterm::event::{KeyEvent, MouseEvent};

use crate::engine::{Lane, Reply, Request, RequestId};
use crate::event_time::EventTime;

/// What happens to the application.
#[derive(Debug, Clone)]
pub enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has this many columns and rows.
    Resize(u16, u16),
    /// The engine answered.
    Reply(Reply),
    /// The statements of earlier sittings, oldest first.
    Queries(Vec<String>),
    /// Something went wrong outside that the log should tell of.
    Fault(String),
    /// Time has passed.
    Time,
}

/// A message with the time at which it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Milliseconds since the program started; never runs back.
    pub ms: u64,
    /// The calendar's time, for `now` and `-90d`.
    pub wall: EventTime,
}

/// A palette of the screen, as one asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThemeName {
    /// For dark backgrounds.
    Dark,
    /// For light ones.
    Light,
    /// No colours.
    None,
}

impl ThemeName {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Dark, Self::Light, Self::None];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::None => "none",
        }
    }
}

/// What the application wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask the engine.
    Send(RequestId, Request),
    /// Stop what runs in a lane.
    Cancel(Lane),
    /// Put a text into the clipboard of the person's terminal.
    Copy(String),
    /// Draw in another palette.
    Theme(ThemeName),
    /// Read the statements of earlier sittings.
    LoadQueries,
    /// Keep a statement for later sittings.
    RememberQuery(String),
    /// Take, or give back, the mouse.
    Mouse(bool),
    /// Hand the terminal back to the shell until it continues us.
    Suspend,
    /// Leave.
    Quit,
}
