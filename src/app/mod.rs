//! What the screen is about, without a screen: all state, changed in one function, [`App::update`], which answers with
//! effects. No I/O, no clock, no waiting.

mod action;
pub mod arrange;
pub mod cell;
mod columns;
pub mod commands;
mod compare;
pub mod copy;
mod cursor;
pub mod export;
pub mod facts;
mod fuzzy;
pub mod grid;
pub mod history_view;
mod key;
pub mod keymap;
pub mod last_state;
pub mod layout;
pub mod line;
pub mod lists;
pub mod log;
pub mod marks;
mod message;
mod mouse;
mod open;
mod permalink;
mod playhead;
mod prompt;
pub mod query;
mod replies;
pub mod rows;
mod scroll;
mod table_view;
mod timeline;
mod travel;
mod update;
mod waits;
pub mod when;
pub mod why;

use std::cell::Cell;
use std::sync::Arc;

use crate::engine::{Request, RequestId, TableInfo};
use crate::error::Error;
use crate::event_time::{AsOf, EventTime, TimeError, parse_as_of};
use crate::format::Projection;
use crate::snapshot::Snapshot;

use arrange::Ask;
use cell::TimeStyle;
use keymap::{Action, Binding, Scope, bindings};
use last_state::{LakeState, Last};
use layout::Areas;
use log::Log;
pub use message::{Clock, Effect, Msg, ThemeName};
pub use mouse::tabs;
pub use playhead::{describe, moment_text, zoned_moment};
pub use prompt::Prompt;
use query::QueryPane;
use rows::CompareMode;
pub use scroll::Scroll;
pub use table_view::{ColumnEntry, Pending, TableEntry, TableView};
pub use timeline::TimelineView;

/// A panel of the main screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Panel {
    /// The tables of the lake.
    Tables,
    /// The columns of the table.
    Columns,
    /// The rows.
    Data,
    /// The timeline.
    Timeline,
}

impl Panel {
    /// All panels, in the order of the keys `1` to `4`.
    pub const ALL: [Self; 4] = [Self::Tables, Self::Columns, Self::Data, Self::Timeline];

    /// Its name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Tables => "Tables",
            Self::Columns => "Columns",
            Self::Data => "Data",
            Self::Timeline => "Timeline",
        }
    }

    const fn focus_help(self) -> &'static str {
        match self {
            Self::Tables => "focus the tables",
            Self::Columns => "focus the columns",
            Self::Data => "focus the rows",
            Self::Timeline => "focus the timeline",
        }
    }
}

/// Where the explorer opens.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// What the lake is called.
    pub lake: String,
    /// The table; the first where none is named.
    pub table: Option<String>,
    /// The moment; the newest where none is named.
    pub as_of: Option<AsOf>,
    /// The moment to compare with.
    pub compare: Option<AsOf>,
    /// The columns shown; all where none are named.
    pub columns: Option<Projection>,
    /// The statement to run.
    pub query: Option<String>,
    /// What the person has set.
    pub settings: Settings,
    /// How the lake was left, to go on from.
    pub last: Option<LakeState>,
    /// What went wrong before the start, for the person to know.
    pub faults: Vec<String>,
}

/// What the person has set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What the keys do.
    pub bindings: Vec<Binding>,
    /// How much of times is shown.
    pub times: TimeStyle,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bindings: bindings(),
            times: TimeStyle::default(),
        }
    }
}

/// What lies over the main screen.
#[derive(Debug)]
pub enum Overlay {
    /// The keys.
    Help(Scroll),
    /// The field that asks for a time.
    GoTo(Prompt),
    /// One row, every value in full.
    Row(RowView),
    /// Every version of one key.
    History(Box<history_view::HistoryView>),
    /// Why a row is what it is.
    Why(why::WhyView),
    /// The field for a command.
    Commands(commands::Palette),
    /// The field for a file's name.
    Export(export::ExportField),
    /// The marks, with the cursor on one of them.
    Marks(usize),
    /// What the engine was asked, and what became of it.
    Log(Scroll),
    /// A field at the foot of the screen.
    Ask(Ask),
}

/// A snapshot, and the position of a row in it; `None` where the row's key is not there.
pub type Record = (Arc<Snapshot>, Option<usize>);

/// One row, every value in full.
#[derive(Debug)]
pub struct RowView {
    /// Its key.
    pub key: String,
    /// How far it is scrolled.
    pub scroll: Scroll,
    /// All columns at the moment that the snapshot names, and the row among them, which is absent where the key is; or why
    /// they cannot be read.
    pub record: Option<Result<Record, Error>>,
    id: RequestId,
}

/// A line for the person that goes away by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The words.
    pub text: String,
    until_ms: u64,
}

/// Playing: the playhead walks by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Play {
    next_ms: u64,
}

/// Ticks a second at which the playhead walks.
const SPEEDS: [u64; 8] = [1, 2, 4, 8, 15, 30, 60, 120];

/// A read that takes longer than this says so.
pub const LONG_READ_MS: u64 = 300;

/// The application.
#[derive(Debug)]
pub struct App {
    /// What the lake is called.
    pub lake: String,
    /// The tables, by name.
    pub tables: Vec<TableEntry>,
    /// The cursor in the list of tables.
    pub table_cursor: usize,
    /// Why the tables cannot be listed.
    pub lake_error: Option<Error>,
    /// True while the tables are being listed.
    pub listing: bool,
    current: Option<usize>,
    /// The panel that the movement keys go to.
    pub focus: Panel,
    /// The panel that was focused before the timeline, for small screens.
    main: Panel,
    /// What lies over the main screen.
    pub overlay: Option<Overlay>,
    /// The query pane, open or not.
    query: QueryPane,
    /// The line that goes away by itself.
    pub notice: Option<Notice>,
    /// Playing, or not.
    pub play: Option<Play>,
    speed: usize,
    /// True while the mouse is ours.
    pub mouse: bool,
    drag: mouse::Drag,
    /// Where things are; `None` where the screen is too small.
    pub areas: Option<Areas>,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// The newest time that was told.
    pub clock: Clock,
    /// The one table of key bindings.
    pub bindings: Vec<Binding>,
    /// How much of times is shown.
    pub times: TimeStyle,
    start: Start,
    counts_asked: bool,
    last: Last,
    travel: Option<travel::Travel>,
    /// The file that is being written.
    pub exporting: Option<export::Exporting>,
    /// What the next key, a mark's name, is for.
    pub awaited_mark: Option<marks::MarkKey>,
    search: Option<arrange::Search>,
    /// What was asked for in the fields at the foot of the screen, the newest last.
    asked: Vec<(arrange::Wanted, String)>,
    /// What the engine was asked, and what became of it.
    pub log: Log,
    when: Option<when::When>,
    narrow: Option<lists::Narrow>,
    /// What lies beneath the help, and comes back when that is closed.
    pub under_help: Option<Box<Overlay>>,
    /// The last line that the text over the screen can begin with, as it was drawn last.
    pub text_extent: Cell<usize>,
    last_id: RequestId,
}

impl App {
    /// Makes the application, and the first things that it wants done.
    pub fn new(mut start: Start, size: (u16, u16), clock: Clock) -> (Self, Vec<Effect>) {
        let last = Last::new(start.last.take(), &mut start.table);
        let mut app = Self {
            lake: start.lake.clone(),
            tables: Vec::new(),
            table_cursor: 0,
            lake_error: None,
            listing: true,
            current: None,
            focus: Panel::Data,
            main: Panel::Data,
            overlay: None,
            query: QueryPane::default(),
            notice: None,
            play: None,
            speed: 3,
            mouse: true,
            drag: mouse::Drag::None,
            areas: None,
            size,
            clock,
            bindings: std::mem::take(&mut start.settings.bindings),
            times: start.settings.times,
            last,
            start,
            counts_asked: false,
            travel: None,
            exporting: None,
            awaited_mark: None,
            search: None,
            asked: Vec::new(),
            log: Log::default(),
            when: None,
            narrow: None,
            under_help: None,
            text_extent: Cell::new(usize::MAX),
            last_id: RequestId(0),
        };
        app.tell_faults();
        let first = app.start.table.clone();
        let effects = vec![app.send(Request::Tables { first }), Effect::Mouse(true)];
        app.settle();
        (app, effects)
    }

    /// The table on screen.
    pub fn current(&self) -> Option<&TableEntry> {
        self.tables.get(self.current?)
    }

    /// What the person does with the table on screen.
    pub fn view(&self) -> Option<&TableView> {
        self.current()?.view.as_ref()
    }

    fn view_mut(&mut self) -> Option<&mut TableView> {
        self.tables.get_mut(self.current?)?.view.as_mut()
    }

    /// What is known of the table on screen.
    pub fn info(&self) -> Option<&TableInfo> {
        self.current()?.info.as_ref()?.as_ref().ok()
    }

    /// True where this table is the one on screen.
    pub fn is_current(&self, table: usize) -> bool {
        self.current == Some(table)
    }

    /// Ticks a second at which the playhead walks when it plays.
    pub fn speed(&self) -> u64 {
        SPEEDS[self.speed]
    }

    /// When, in milliseconds since the start, the application wants to be told the time.
    pub fn next_wake_ms(&self) -> Option<u64> {
        let notice = self.notice.as_ref().map(|n| n.until_ms);
        let play = self.play.map(|p| p.next_ms);
        let reads = [
            self.view().and_then(|v| v.pending),
            self.query.pending,
            self.when().and_then(|w| w.pending),
            self.line_pending(),
        ];
        // A long read says so, and then how long it takes, a second at a time.
        let long = reads.into_iter().flatten().map(|p| {
            let second = (self.clock.ms.saturating_sub(p.since_ms) / 1_000 + 1) * 1_000;
            let told = p.since_ms + LONG_READ_MS;
            if told > self.clock.ms {
                told
            } else {
                p.since_ms + second
            }
        });
        let told = self.next_told_wait_ms();
        [notice, play, told].into_iter().flatten().chain(long).min()
    }

    /// Reads a moment as typed into the field: a time, `current`, or a share of the timeline such as `50%`.
    pub fn resolve_moment(&self, text: &str) -> Result<AsOf, String> {
        let text = text.trim();
        if let Some(share) = text.strip_suffix('%') {
            let share: f64 = share
                .trim()
                .parse()
                .map_err(|_| format!("'{text}' is not a share of the timeline"))?;
            let range = self.view().and_then(|v| v.timeline.data_range());
            let (from, to) = range.ok_or("the timeline has not been read yet")?;
            if !(0.0..=100.0).contains(&share) {
                return Err("a share is between 0% and 100%".to_owned());
            }
            let length = i128::from(to) - i128::from(from);
            let at = i128::from(from) + (length as f64 * share / 100.0) as i128;
            return Ok(AsOf::At(EventTime::from_ms(at as i64)));
        }
        // What begins with a full stop counts from the playhead: .-1y
        let (text, from) = match text.strip_prefix('.') {
            Some(text) => (text, self.view().map(|v| v.playhead)),
            None => (text, None),
        };
        let from = match from {
            Some(AsOf::At(at)) => at,
            _ => self.clock.wall,
        };
        parse_as_of(text, from).map_err(|e: TimeError| e.to_string())
    }

    /// The key that an action has in a panel, as the screen shows it; `None` where it has none there.
    pub fn key_in(&self, panel: Panel, action: Action) -> Option<String> {
        let bound = self.bindings.iter().filter(|b| b.action == action);
        let mut here =
            bound.filter(|b| b.scope == Scope::Everywhere || b.scope == Scope::In(panel));
        here.find_map(|b| b.keys.first().map(|k| k.label()))
    }

    /// What a person may press for an action in the rows or anywhere; the command where no key does it.
    pub fn key(&self, action: Action) -> String {
        self.key_in(Panel::Data, action)
            .unwrap_or_else(|| format!(":{}", action.command()))
    }

    fn send(&mut self, request: Request) -> Effect {
        self.last_id = RequestId(self.last_id.0 + 1);
        self.log.asked(self.clock, self.last_id, &request);
        Effect::Send(self.last_id, request)
    }

    fn notify(&mut self, text: impl Into<String>) {
        const SHOWN_MS: u64 = 2_500;
        self.notice = Some(Notice {
            text: text.into(),
            until_ms: self.clock.ms + SHOWN_MS,
        });
    }

    /// Tells what went wrong before the start: all of it in the log, and the first of it at once.
    fn tell_faults(&mut self) {
        const SHOWN_MS: u64 = 20_000;
        let faults = std::mem::take(&mut self.start.faults);
        for fault in &faults {
            self.log.fault(self.clock, fault);
        }
        let more = match faults.len() {
            0 | 1 => String::new(),
            count => format!(" (and {} more: {})", count - 1, self.key(Action::Log)),
        };
        self.notice = faults.first().map(|first| Notice {
            text: format!("{}{more}", crate::text::visible(first)),
            until_ms: self.clock.ms + SHOWN_MS,
        });
    }

    /// Brings what depends on the screen's size and the rows into line with them.
    fn settle(&mut self) {
        let (width, height) = self.size;
        let has_line = self.view().is_some_and(|v| v.line.is_some());
        self.areas = Areas::new(width, height, self.tables.len(), self.main, has_line);
        if let (Some(areas), Some(Overlay::History(open))) = (self.areas, &mut self.overlay) {
            open.settle(areas);
        }
        let Some(data) = self.areas.and_then(|a| a.data) else {
            return;
        };
        if self.query.is_open {
            self.settle_query(query::result_area(data, &self.query));
            return;
        }
        let inside = Areas::inside(data);
        let times = self.times;
        if let Some(view) = self.view_mut() {
            let lines = view.lines_above_rows();
            // Until the difference is there, one grid has the whole width.
            let is_halved = view.compare == CompareMode::SideBySide && view.comparison.is_some();
            let width = if is_halved {
                inside.width.saturating_sub(1) / 2
            } else {
                inside.width
            };
            let mut grid = std::mem::take(&mut view.grid);
            grid.times = times;
            if let Some(rows) = view.rows() {
                grid.settle(
                    rows,
                    width.saturating_sub(1),
                    inside.height.saturating_sub(lines),
                );
            }
            view.grid = grid;
        }
    }
}

impl App {
    fn settle_query(&mut self, area: ratatui::layout::Rect) {
        let inside = Areas::inside(area);
        let times = self.times;
        let query = &mut self.query;
        let lines = table_view::lines_above(query.comparison.is_some(), query.compare);
        let is_halved = query.compare == CompareMode::SideBySide && query.comparison.is_some();
        let width = if is_halved {
            inside.width.saturating_sub(1) / 2
        } else {
            inside.width
        };
        let mut grid = std::mem::take(&mut query.grid);
        grid.times = times;
        if let Some(rows) = query.rows() {
            let height = inside.height.saturating_sub(lines);
            grid.settle(rows, width.saturating_sub(1), height);
        }
        query.grid = grid;
    }
}
