//! Which rows are shown, and in which order: the filter, the sort, and finding a text among them.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent};

use crate::diff::ShownSides;
use crate::engine::{Arrangement, Held, Request, RequestId, Searched};
use crate::error::Error;
use crate::expr::{Completion, Expression, Field, Pattern, complete};
use crate::format::{Column, KEY};
use crate::view::{Cell, Direction, Found};

use super::grid::{Grid, Source};
use super::keymap::Action;
use super::rows::{CompareMode, Comparison, Rows};
use super::when::Way;
use super::{App, Effect, Overlay, Prompt};

/// What a field at the foot of the screen asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A text to find.
    Pattern,
    /// A condition that rows must meet.
    Condition,
    /// A condition that turns true at some time.
    When,
}

impl Wanted {
    /// What a command of this name asks for.
    pub(super) fn of_command(name: &str) -> Option<Self> {
        Some(match name {
            "find" => Self::Pattern,
            "filter" => Self::Condition,
            "when" => Self::When,
            _ => return None,
        })
    }
}

/// A field at the foot of the screen.
#[derive(Debug)]
pub struct Ask {
    /// What it asks for.
    pub wanted: Wanted,
    /// The text.
    pub prompt: Prompt,
    /// What is wrong with it: the bytes, and the words.
    pub fault: Option<(std::ops::Range<usize>, String)>,
    /// What may come next.
    pub completion: Completion,
    /// The candidate that is chosen.
    pub chosen: usize,
    /// The position of the earlier text that stands in the field, and what was being written before.
    recalled: Option<(usize, String)>,
}

impl Ask {
    /// Types a text that was pasted: what was said of the one before does not hold for it.
    pub(super) fn paste(&mut self, text: &str) {
        self.prompt.insert(text);
        self.fault = None;
        self.completion = Completion::default();
        self.chosen = 0;
    }
}

/// Some rows of a snapshot, in an order of their own.
#[derive(Debug, Clone)]
pub struct Arranged {
    /// How they were arranged.
    pub by: Arrangement,
    /// Their positions in the snapshot.
    pub order: Arc<[u32]>,
}

/// What is being looked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Search {
    pattern: String,
    id: RequestId,
    /// When the answer that is on its way was asked for.
    since_ms: Option<u64>,
    /// Where the cursor was when it was asked for.
    from: Cell,
    /// The rows that are gone through.
    among: Option<Searched>,
    /// The way that it goes, and whether the cursor's own cell counts.
    way: Option<(Direction, bool)>,
    /// What the person wants to do with the row that is found.
    then: Option<Action>,
    /// True where a selection was begun meanwhile, which begins at that row.
    selects: bool,
}

impl App {
    /// Opens a field at the foot of the screen.
    pub(super) fn ask(&mut self, wanted: Wanted) {
        let Some(view) = self.view() else { return };
        if wanted == Wanted::Condition && self.query.is_open {
            self.notify("this is for the rows of a table; Esc closes the query");
            return;
        }
        let mut prompt = Prompt::default();
        if wanted == Wanted::Condition {
            prompt.insert(view.arrangement.filter.as_deref().unwrap_or_default());
        }
        self.overlay = Some(Overlay::Ask(Ask {
            wanted,
            prompt,
            fault: None,
            completion: Completion::default(),
            chosen: 0,
            recalled: None,
        }));
    }

    /// Brings back what was asked for before in a field of this kind.
    fn recall_asked(&mut self, earlier: bool) {
        let Some(Overlay::Ask(ask)) = &mut self.overlay else {
            return;
        };
        let own = self
            .asked
            .iter()
            .filter(|(wanted, _)| *wanted == ask.wanted);
        let own: Vec<&str> = own.map(|(_, text)| text.as_str()).collect();
        let draft = || (own.len(), ask.prompt.text().to_owned());
        let (at, draft) = ask.recalled.take().unwrap_or_else(draft);
        let at = if earlier {
            at.saturating_sub(1)
        } else {
            at + 1
        };
        ask.fault = None;
        ask.completion = Completion::default();
        match own.get(at) {
            Some(text) => {
                ask.prompt.set(text);
                ask.recalled = Some((at, draft));
            }
            // Past the newest is what was being written.
            None => ask.prompt.set(&draft),
        }
    }

    pub(super) fn on_ask_key(&mut self, event: &KeyEvent) -> Vec<Effect> {
        let columns = self.info().map(|i| i.columns.clone()).unwrap_or_default();
        let Some(Overlay::Ask(ask)) = &mut self.overlay else {
            return Vec::new();
        };
        let candidates = ask.completion.candidates.len();
        match event.code {
            KeyCode::Esc => {
                self.overlay = None;
                return Vec::new();
            }
            KeyCode::Enter => return self.answer_ask(),
            // On an empty line, and from what came back, the arrows go through what was asked before.
            KeyCode::Down if ask.recalled.is_some() => self.recall_asked(false),
            KeyCode::Up if ask.recalled.is_some() || ask.prompt.text().is_empty() => {
                self.recall_asked(true);
            }
            KeyCode::Down if candidates > 0 => ask.chosen = (ask.chosen + 1) % candidates,
            KeyCode::Up if candidates > 0 => {
                ask.chosen = (ask.chosen + candidates - 1) % candidates;
            }
            KeyCode::Up => self.recall_asked(true),
            KeyCode::Down => self.recall_asked(false),
            KeyCode::Tab => {
                if let Some(candidate) = ask.completion.candidates.get(ask.chosen) {
                    ask.prompt
                        .replace(ask.completion.span.clone(), &candidate.text);
                }
                ask.completion = Completion::default();
            }
            _ => {
                ask.prompt.on_key(event);
                ask.recalled = None;
                ask.fault = None;
                ask.chosen = 0;
                let (before, _) = ask.prompt.split();
                let (text, cursor) = (ask.prompt.text(), before.len());
                ask.completion = match ask.wanted {
                    Wanted::Pattern => Completion::default(),
                    Wanted::Condition => complete(text, cursor, &columns, false),
                    Wanted::When => complete(text, cursor, &columns, true),
                };
            }
        }
        Vec::new()
    }

    /// A filter of the open table in the words of SQL.
    pub(super) fn condition_in_sql(&self, text: &str) -> Option<String> {
        let condition = Expression::filter(text, &self.info()?.columns);
        Some(condition.ok()?.to_sql())
    }

    /// Opens a field with a text in it, and takes that as it stands; the field stays open where something is wrong.
    pub(super) fn ask_with(&mut self, wanted: Wanted, text: &str) -> Vec<Effect> {
        self.overlay = None;
        self.ask(wanted);
        let Some(Overlay::Ask(ask)) = &mut self.overlay else {
            return Vec::new();
        };
        ask.prompt.set(text);
        self.answer_ask()
    }

    fn answer_ask(&mut self) -> Vec<Effect> {
        let columns = self.info().map(|i| i.columns.clone()).unwrap_or_default();
        let Some(Overlay::Ask(ask)) = &mut self.overlay else {
            return Vec::new();
        };
        let text = ask.prompt.text().trim().to_owned();
        let fault = match ask.wanted {
            _ if text.is_empty() => None,
            Wanted::Pattern => Pattern::new(&text).err(),
            Wanted::Condition => Expression::filter(&text, &columns).err(),
            Wanted::When => Expression::condition(&text, &columns).err(),
        };
        if let Some(fault) = fault {
            // The text was trimmed; its bytes begin later in the field.
            let lead = ask.prompt.text().len() - ask.prompt.text().trim_start().len();
            let span = fault.span.start + lead..fault.span.end + lead;
            ask.fault = Some((span, fault.to_string()));
            return Vec::new();
        }
        let wanted = ask.wanted;
        self.overlay = None;
        if !text.is_empty() {
            self.asked.retain(|asked| *asked != (wanted, text.clone()));
            self.asked.push((wanted, text.clone()));
        }
        match wanted {
            Wanted::Condition => self.filter_by((!text.is_empty()).then_some(text)),
            Wanted::When if text.is_empty() => self.go_when(Way::Next),
            Wanted::When => self.answer_when(&text, &columns),
            Wanted::Pattern if text.is_empty() => self.find_next(Direction::Forward),
            Wanted::Pattern => {
                self.search = Some(Search {
                    pattern: text,
                    ..Search::default()
                });
                self.find(Direction::Forward, true)
            }
        }
    }

    /// Asks for the times of a condition that has been read before.
    fn answer_when(&mut self, text: &str, columns: &[Column]) -> Vec<Effect> {
        let condition = Expression::condition(text, columns).map_err(|e| e.to_string());
        let asked = condition.and_then(|condition| self.ask_when(&condition));
        asked.unwrap_or_else(|why| {
            self.notify(why);
            Vec::new()
        })
    }

    /// Keeps the rows that meet a condition; none keeps all.
    pub(super) fn filter_by(&mut self, condition: Option<String>) -> Vec<Effect> {
        if let Some(view) = self.view_mut() {
            view.arrangement.filter = condition;
        }
        self.read_anew()
    }

    /// Sorts by the column under the cursor: ascending, descending, not.
    pub(super) fn sort(&mut self) -> Vec<Effect> {
        let next = RequestId(self.last_id.0 + 1);
        let Some(view) = self.view_mut() else {
            return Vec::new();
        };
        let Some(column) = view.grid.columns.get(view.grid.column) else {
            return Vec::new();
        };
        let name = column.name.clone();
        view.arrangement.sort = match &view.arrangement.sort {
            // By key they are already.
            None if name == KEY => Some((name, true)),
            Some((by, false)) if *by == name => Some((name, true)),
            Some((by, true)) if *by == name => None,
            _ => Some((name, false)),
        };
        view.top_from = Some(next);
        self.read_anew()
    }

    /// Shows all rows by key again.
    pub(super) fn unsort(&mut self) -> Vec<Effect> {
        let Some(view) = self.view_mut() else {
            return Vec::new();
        };
        if view.arrangement.sort.take().is_none() {
            self.notify("the rows are by key");
            return Vec::new();
        }
        self.read_anew()
    }

    /// Goes to the next match, or the one before.
    pub(super) fn find_next(&mut self, direction: Direction) -> Vec<Effect> {
        if self.search.is_none() {
            self.notify(format!(
                "nothing is looked for; {} finds",
                self.key(Action::Find)
            ));
            return Vec::new();
        }
        self.find(direction, false)
    }

    fn find(&mut self, direction: Direction, includes_start: bool) -> Vec<Effect> {
        let Some(search) = self.search.clone() else {
            return Vec::new();
        };
        let Some((among, grid)) = self.searched() else {
            return Vec::new();
        };
        let columns = grid.columns.iter().map(|c| match c.source {
            Source::Key => Field::Key,
            Source::EventTime => Field::EventTime,
            Source::Value(at) => Field::Value(at),
        });
        let from = Cell {
            row: grid.row,
            column: grid.column,
        };
        let request = Request::Find {
            among: among.clone(),
            columns: columns.collect(),
            pattern: search.pattern,
            from,
            direction,
            includes_start,
        };
        let effect = self.send(request);
        let id = self.last_id;
        if let Some(search) = &mut self.search {
            search.id = id;
            search.from = from;
            search.since_ms = Some(self.clock.ms);
            search.among = Some(among);
            search.way = Some((direction, includes_start));
        }
        vec![effect]
    }

    /// The rows on screen, and the grid that shows them.
    fn searched(&self) -> Option<(Searched, &Grid)> {
        let of = |comparison: &Comparison, sides| {
            let shown = comparison.shown().map(|s| Held(Arc::clone(s)));
            Searched::Changes(Held(Arc::clone(&comparison.diff)), shown, sides)
        };
        let sides = |mode, flipped| match (mode, flipped) {
            (CompareMode::SideBySide, _) => ShownSides::Both,
            (_, true) => ShownSides::A,
            (_, false) => ShownSides::B,
        };
        if let Some(query) = self.query() {
            let searched = match (&query.comparison, &query.result) {
                (Some(comparison), _) => of(comparison, sides(query.compare, false)),
                (None, result) => Searched::Result(Held(Arc::clone(result.as_ref()?))),
            };
            return Some((searched, &query.grid));
        }
        let view = self.view()?;
        let searched = match (&view.comparison, &view.snapshot) {
            (Some(comparison), _) => of(comparison, sides(view.compare, view.flipped)),
            (None, snapshot) => {
                let order = view.arranged.as_ref();
                let order = order.map(|a| Held(Arc::clone(&a.order)));
                Searched::Rows(Held(Arc::clone(snapshot.as_ref()?)), order)
            }
        };
        Some((searched, &view.grid))
    }

    /// Since when a match is being looked for, and of what.
    pub(super) fn is_finding(&self) -> Option<(u64, &str)> {
        let search = self.search.as_ref()?;
        Some((search.since_ms?, &search.pattern))
    }

    /// An answer that is on its way is not waited for any more.
    pub(super) fn stop_finding(&mut self) {
        if let Some(search) = &mut self.search {
            search.since_ms = None;
            search.id = RequestId(0);
            search.then = None;
            search.selects = false;
        }
    }

    /// A selection that is begun now begins where a match is found.
    pub(super) fn begins_selection_while_finding(&mut self) {
        if let Some(search) = self.search.as_mut().filter(|s| s.since_ms.is_some()) {
            search.selects = true;
        }
    }

    /// Puts off what is to be done with the row under the cursor until that is the one that is being looked for; false
    /// where none is.
    pub(super) fn puts_off(&mut self, action: Action) -> bool {
        let waits = matches!(
            action,
            Action::History
                | Action::Why
                | Action::Enter
                | Action::Copy(_)
                | Action::PreviousVersion
                | Action::NextVersion
        );
        let search = self.search.as_mut().filter(|s| s.since_ms.is_some());
        let Some(search) = search.filter(|_| waits) else {
            return false;
        };
        search.then = Some(action);
        true
    }

    pub(super) fn on_found(&mut self, id: RequestId, found: Option<Found>) -> Vec<Effect> {
        let Some(search) = self.search.clone().filter(|s| s.id == id) else {
            return Vec::new();
        };
        // Rows of another moment, or others of the same, may have come meanwhile: they are looked through instead.
        let is_shown = self.searched().map(|(among, _)| among) == search.among;
        if let Some((direction, includes_start)) = search.way.filter(|_| !is_shown) {
            return self.find(direction, includes_start);
        }
        self.stop_finding();
        let pattern = crate::text::ellipsis(&search.pattern, 30);
        let Some(found) = found else {
            self.notify(format!("nothing matches {pattern}"));
            return Vec::new();
        };
        let is_of_query = self.query.is_open;
        let rows = self.query.rows().filter(|_| is_of_query);
        let rows = rows.or_else(|| self.view()?.rows()).map_or(0, Rows::len);
        let Some(grid) = self.grid_mut() else {
            return Vec::new();
        };
        // Whoever moved on while it was looked for is as far from the match as from where they were.
        let moved = |found: usize, from: usize, now: usize, count: usize| {
            (found + now)
                .saturating_sub(from)
                .min(count.saturating_sub(1))
        };
        let from = search.from;
        if search.selects {
            let begun = grid
                .selected_from
                .map(|row| moved(found.cell.row, from.row, row, rows));
            grid.selected_from = begun;
        }
        grid.row = moved(found.cell.row, from.row, grid.row, rows);
        grid.column = moved(
            found.cell.column,
            from.column,
            grid.column,
            grid.columns.len(),
        );
        if let Some(view) = self.view_mut().filter(|_| !is_of_query) {
            view.lost_key = None;
        }
        if found.wrapped {
            self.notify(format!("{pattern}: on from the other end"));
        }
        search.then.map_or_else(Vec::new, |action| self.act(action))
    }

    pub(super) fn on_no_find(&mut self, id: RequestId, error: &Error) {
        if self.search.as_ref().is_some_and(|s| s.id == id) {
            self.stop_finding();
        }
        if error.kind() != crate::error::ErrorKind::Cancelled {
            self.notify(error.message());
        }
    }
}
