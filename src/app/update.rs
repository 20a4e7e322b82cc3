//! What happens on each message.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::engine::{Arrangement, Lane, Request, RequestId};
use crate::event_time::AsOf;
use crate::text::counted;
use crate::view::Direction;

use super::arrange::{Ask, Wanted};
use super::commands::Palette;
use super::grid::Grid;
use super::keymap::{Action, Key, action};
use super::last_state::Overridden;
use super::rows::{CompareMode, Rows};
use super::when::{Way, When};
use super::{
    App, Clock, Effect, Msg, Overlay, Panel, Pending, Play, Prompt, RowView, SPEEDS, Scroll,
    TableView,
};

impl App {
    /// Takes a message; answers with what is to be done.
    pub fn update(&mut self, msg: Msg, clock: Clock) -> Vec<Effect> {
        self.clock = clock;
        let mut effects = match msg {
            Msg::Key(event) if event.kind == KeyEventKind::Release => Vec::new(),
            Msg::Key(event) => self.on_key(&event),
            Msg::Mouse(event) => self.on_mouse(event),
            Msg::Paste(text) => {
                match &mut self.overlay {
                    Some(Overlay::GoTo(prompt) | Overlay::Ask(Ask { prompt, .. })) => {
                        prompt.insert(&text);
                    }
                    Some(Overlay::Commands(palette)) => palette.prompt.insert(&text),
                    Some(Overlay::Export(field)) => field.prompt.insert(&text),
                    Some(_) => {}
                    None => {
                        if self.narrow_has_keys() {
                            self.paste_into_narrow(&text);
                        } else if self.query_has_keys() {
                            self.paste_into_query(&text);
                        }
                    }
                }
                Vec::new()
            }
            Msg::Resize(width, height) => {
                self.size = (width, height);
                self.tables
                    .iter_mut()
                    .filter_map(|t| t.view.as_mut())
                    .for_each(|v| v.grid.forget_widths());
                self.query.grid.forget_widths();
                Vec::new()
            }
            Msg::Reply(reply) => self.on_reply(reply),
            Msg::Queries(earlier) => {
                self.on_queries(earlier);
                Vec::new()
            }
            Msg::Fault(text) => {
                self.log.fault(clock, &text);
                Vec::new()
            }
            Msg::Time => self.on_time(),
        };
        self.settle();
        effects.extend(self.follow_facts());
        effects
    }

    fn on_time(&mut self) -> Vec<Effect> {
        if self
            .notice
            .as_ref()
            .is_some_and(|n| n.until_ms <= self.clock.ms)
        {
            self.notice = None;
        }
        let due = self.play.is_some_and(|p| p.next_ms <= self.clock.ms);
        if !due {
            return Vec::new();
        }
        // The next step waits for the rows of the last one; steps are never queued.
        self.play = Some(Play {
            next_ms: self.clock.ms + 1_000 / self.speed(),
        });
        if self.view().is_none_or(|v| v.pending.is_some()) || self.query.pending.is_some() {
            return Vec::new();
        }
        let before = self.view().map(|v| v.playhead);
        let effects = self.step(1);
        if self.view().map(|v| v.playhead) == before {
            self.play = None;
        }
        effects
    }

    fn on_key(&mut self, event: &KeyEvent) -> Vec<Effect> {
        if event.modifiers.contains(KeyModifiers::ALT) {
            // Terminals send Alt as an Esc before the key, and cannot tell the two apart.
            let plain = KeyEvent::new(event.code, event.modifiers - KeyModifiers::ALT);
            let mut effects = self.on_key(&KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE));
            effects.extend(self.on_key(&plain));
            return effects;
        }
        self.notice = None;
        let key = Key::of(event);
        // What lies over the screen moves as the rows do.
        let panel = match self.overlay {
            Some(_) => Panel::Data,
            None => self.focus,
        };
        let wanted = action(&self.bindings, panel, key);
        let is_typed = key.is_text() && self.takes_text();
        if !is_typed && matches!(wanted, Some(Action::Interrupt | Action::Suspend)) {
            return self.act(wanted.unwrap_or(Action::Interrupt));
        }
        if let Some(what) = self.awaited_mark.take() {
            return self.on_mark_key(what, event);
        }
        if self.narrow_has_keys() {
            return self.on_narrow_key(event);
        }
        if self.overlay.is_none() && self.query_has_keys() {
            return self.on_query_key(event);
        }
        match &mut self.overlay {
            Some(Overlay::GoTo(prompt)) => {
                match event.code {
                    KeyCode::Esc => self.overlay = None,
                    KeyCode::Enter => return self.go_to_typed(),
                    _ => edit(prompt, event),
                }
                Vec::new()
            }
            Some(Overlay::Ask(_)) => self.on_ask_key(event),
            Some(Overlay::Help(_) | Overlay::Row(_) | Overlay::Why(_) | Overlay::Log(_)) => {
                self.on_text_key(wanted)
            }
            Some(Overlay::History(_)) => self.on_history_key(event, wanted),
            Some(Overlay::Commands(_)) => self.on_palette_key(event),
            Some(Overlay::Export(_)) => self.on_export_key(event),
            Some(Overlay::Marks(_)) => self.on_marks_key(event, wanted),
            None => wanted.map_or_else(Vec::new, |a| self.act(a)),
        }
    }

    pub(super) fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::FocusNext => self.focus_by(1),
            Action::FocusPrevious => self.focus_by(Panel::ALL.len() - 1),
            Action::Focus(panel) => self.focus_on(panel),
            Action::Step(ticks) => return self.step(ticks),
            Action::PreviousVersion => return self.travel(false),
            Action::NextVersion => return self.travel(true),
            Action::GoTo => self.overlay = Some(Overlay::GoTo(Prompt::default())),
            Action::ZoomIn => self.timeline(|v| v.timeline.zoom(0.5, v.playhead)),
            Action::ZoomOut => self.timeline(|v| v.timeline.zoom(2.0, v.playhead)),
            Action::ZoomUndo => self.timeline(|v| {
                v.timeline.undo();
            }),
            Action::PanLeft => self.pan(-0.25),
            Action::PanRight => self.pan(0.25),
            Action::Fit => self.timeline(|v| v.timeline.fit()),
            Action::Play => return self.toggle_play(),
            Action::Slower => self.change_speed(self.speed.saturating_sub(1)),
            Action::Faster => self.change_speed((self.speed + 1).min(SPEEDS.len() - 1)),
            Action::Help => self.overlay = Some(Overlay::Help(Scroll::default())),
            Action::Mouse => {
                self.mouse = !self.mouse;
                self.notify(if self.mouse {
                    "mouse on"
                } else {
                    "mouse off: the terminal selects text"
                });
                return vec![Effect::Mouse(self.mouse)];
            }
            Action::Escape => return self.escape(),
            Action::Quit => return vec![Effect::Quit],
            Action::Interrupt => {
                if self.query.pending.is_some() {
                    return self.cancel_query();
                }
                if self.exporting.is_some()
                    || self.view().is_some_and(|v| v.pending.is_some())
                    || self.when().is_some_and(|w| w.pending.is_some())
                    || self.line_pending().is_some()
                {
                    return self.escape();
                }
                return vec![Effect::Quit];
            }
            Action::Suspend => return vec![Effect::Suspend],
            // The rows of a query have no past of their own.
            Action::History | Action::Why if self.query.is_open => {
                self.notify("this is for the rows of a table; Esc closes the query");
            }
            Action::History => return self.open_history(),
            Action::Why => return self.open_why(),
            Action::Log => self.overlay = Some(Overlay::Log(Scroll::End(0))),
            Action::Commands => self.overlay = Some(Overlay::Commands(Palette::default())),
            Action::Copy(what) => return self.copy(what),
            Action::Mark(what) => self.await_mark(what),
            Action::Export => self.open_export(),
            Action::Enter => return self.enter(),
            Action::ColumnUp => self.move_column(false),
            Action::ColumnDown => self.move_column(true),
            Action::PinColumn => self.pin_column(),
            Action::FitColumn => self.fit_column(),
            Action::ToggleColumn => return self.toggle_column(),
            Action::SetA => return self.set_a(),
            Action::SetB => return self.set_b(),
            Action::Swap => return self.swap(),
            Action::Flip => return self.flip(),
            Action::Compare if self.query.is_open => return self.next_query_compare(),
            Action::Compare => return self.next_compare_mode(),
            Action::PreviousChange | Action::NextChange
                if self.query.is_open && self.focus != Panel::Timeline =>
            {
                self.jump_in_query(action == Action::NextChange);
            }
            Action::PreviousChange => return self.jump(false),
            Action::NextChange => return self.jump(true),
            Action::Find if matches!(self.focus, Panel::Tables | Panel::Columns) => {
                self.narrow_list();
            }
            Action::Find => self.ask(Wanted::Pattern),
            Action::FindNext => return self.find_next(Direction::Forward),
            Action::FindPrevious => return self.find_next(Direction::Backward),
            Action::Condition => self.ask(Wanted::Condition),
            Action::Line => return self.next_line(),
            Action::When => self.ask(Wanted::When),
            Action::NextWhen => return self.go_when(Way::Next),
            Action::PreviousWhen => return self.go_when(Way::Previous),
            Action::Sort => return self.sort(),
            Action::Unsort => return self.unsort(),
            Action::Query => return self.open_query(false),
            Action::QueryShown => return self.open_query(true),
            Action::FilterRows => self.next_filter(),
            Action::FilterColumns => self.toggle_changed_columns(),
            movement => return self.move_cursor(movement),
        }
        Vec::new()
    }

    fn focus_by(&mut self, places: usize) {
        let at = Panel::ALL
            .iter()
            .position(|p| *p == self.focus)
            .unwrap_or(0);
        self.focus_on(Panel::ALL[(at + places) % Panel::ALL.len()]);
    }

    pub(super) fn focus_on(&mut self, panel: Panel) {
        self.focus = panel;
        if let Some(narrow) = &mut self.narrow {
            narrow.is_typing &= narrow.panel == panel;
        }
        if panel != Panel::Timeline {
            self.main = panel;
        }
    }

    pub(super) fn timeline(&mut self, change: impl FnOnce(&mut TableView)) {
        if let Some(view) = self.view_mut() {
            change(view);
        }
    }

    fn pan(&mut self, share: f64) {
        if self.view().is_some_and(|v| !v.timeline.is_zoomed()) {
            self.notify(format!(
                "the whole range is shown; {} zooms in",
                self.key(Action::ZoomIn)
            ));
        }
        self.timeline(|v| v.timeline.pan(share));
    }

    /// Esc: what is in the way goes first, then what runs.
    fn escape(&mut self) -> Vec<Effect> {
        self.notice = None;
        if self.overlay.take().is_some() {
            return Vec::new();
        }
        if self.play.take().is_some() {
            return Vec::new();
        }
        if self.narrow.take().is_some() {
            return Vec::new();
        }
        if self.when.as_ref().is_some_and(When::is_waited_for) {
            return vec![Effect::Cancel(Lane::When)];
        }
        if self.query.is_open {
            return match self.query.pending {
                Some(_) => self.cancel_query(),
                None => self.close_query(),
            };
        }
        if self.view().is_some_and(|v| v.pending.is_some()) {
            return vec![Effect::Cancel(Lane::Snapshot)];
        }
        if self.exporting.is_some() {
            return vec![Effect::Cancel(Lane::Export)];
        }
        if self.when().is_some_and(|w| w.pending.is_some()) {
            return vec![Effect::Cancel(Lane::When)];
        }
        if self.line_pending().is_some() {
            return vec![Effect::Cancel(Lane::Series)];
        }
        self.when = None;
        Vec::new()
    }

    /// True while characters are text of some field.
    fn takes_text(&self) -> bool {
        match self.overlay {
            Some(
                Overlay::GoTo(_) | Overlay::Ask(_) | Overlay::Commands(_) | Overlay::Export(_),
            ) => true,
            Some(_) => false,
            None => self.query_has_keys() || self.narrow_has_keys() || self.awaited_mark.is_some(),
        }
    }

    /// True while keys are text of the query.
    fn query_has_keys(&self) -> bool {
        self.query.is_open && (self.query.is_editing || self.query.asking.is_some())
    }

    fn toggle_play(&mut self) -> Vec<Effect> {
        if self.play.take().is_some() {
            return Vec::new();
        }
        let newest = self.info().map_or(AsOf::Current, |i| i.newest);
        let Some(view) = self.view() else {
            return Vec::new();
        };
        let Some(end) = view.timeline.step(AsOf::Current, i32::MAX, newest) else {
            self.notify("the timeline is still being read");
            return Vec::new();
        };
        let at_end = view.playhead == end || view.playhead == AsOf::Current;
        self.play = Some(Play {
            next_ms: self.clock.ms + 1_000 / self.speed(),
        });
        // At the end there is nothing left to play but all of it.
        if at_end {
            self.step(i32::MIN)
        } else {
            Vec::new()
        }
    }

    fn change_speed(&mut self, speed: usize) {
        self.speed = speed;
        self.notify(format!(
            "{} a second",
            counted(self.speed() as usize, "tick")
        ));
    }

    /// Moves the playhead by ticks.
    pub(super) fn step(&mut self, ticks: i32) -> Vec<Effect> {
        let newest = self.info().map_or(AsOf::Current, |i| i.newest);
        let Some(view) = self.view() else {
            return Vec::new();
        };
        match view.timeline.step(view.playhead, ticks, newest) {
            Some(moment) if moment == view.playhead => {
                self.notify(if ticks < 0 {
                    "this is the first tick"
                } else {
                    "nothing is newer"
                });
                Vec::new()
            }
            Some(moment) => self.go_to(moment),
            None => {
                let (empty, failed) =
                    (view.timeline.ticks.is_some(), view.timeline_error.is_some());
                self.notify(if empty {
                    "the table holds no rows".to_owned()
                } else if failed {
                    let at = self.key(Action::GoTo);
                    format!("the timeline cannot be read; {at} goes to a time")
                } else {
                    "the timeline is still being read".to_owned()
                });
                Vec::new()
            }
        }
    }

    /// Moves the playhead to a moment.
    pub(super) fn go_to(&mut self, moment: AsOf) -> Vec<Effect> {
        let Some(view) = self.view_mut() else {
            return Vec::new();
        };
        view.moved = true;
        if let Some(when) = &mut self.when {
            // Who goes elsewhere does not want to be taken away from there.
            when.wait_no_more();
        }
        let Some(view) = self.view_mut() else {
            return Vec::new();
        };
        if view.playhead == moment && view.error.is_none() {
            return Vec::new();
        }
        view.playhead = moment;
        view.timeline.follow(moment);
        let mut effects = self.read_rows();
        effects.extend(self.read_open_row());
        effects.extend(self.read_open_why());
        effects
    }

    fn go_to_typed(&mut self) -> Vec<Effect> {
        let Some(Overlay::GoTo(prompt)) = &self.overlay else {
            return Vec::new();
        };
        if prompt.text().trim().is_empty() {
            self.overlay = None;
            return Vec::new();
        }
        // What makes no sense is told in the field itself, which stays open.
        let Ok(moment) = self.resolve_moment(prompt.text()) else {
            return Vec::new();
        };
        self.overlay = None;
        self.go_to(moment)
    }

    /// Asks for the rows of the playhead's moment.
    pub(super) fn read_rows(&mut self) -> Vec<Effect> {
        if self.query.is_open {
            return self.read_query();
        }
        let Some(table) = self.current().map(|t| t.name.clone()) else {
            return Vec::new();
        };
        let Some(view) = self.view() else {
            return Vec::new();
        };
        let projection = view.projection();
        let request = match view.compared() {
            Some((from, to)) => Request::Compare {
                table,
                from,
                to,
                projection,
                filter: view.arrangement.filter.clone(),
            },
            None if view.arrangement == Arrangement::default() => Request::Snapshot {
                table,
                as_of: view.playhead,
                projection,
            },
            None => Request::Arranged {
                table,
                as_of: view.playhead,
                projection,
                arrangement: view.arrangement.clone(),
            },
        };
        let effect = self.send(request);
        let (id, now) = (self.last_id, self.clock.ms);
        if let Some(view) = self.view_mut() {
            // A read that keeps being overtaken has been waited for since the first of them.
            let since_ms = view.pending.map_or(now, |p| p.since_ms);
            view.pending = Some(Pending {
                id,
                since_ms,
                progress: None,
            });
        }
        vec![effect]
    }

    /// Asks for the open row as of the playhead's moment.
    fn read_open_row(&mut self) -> Option<Effect> {
        let Some(Overlay::Row(row)) = &self.overlay else {
            return None;
        };
        // A comparison has both sides at hand.
        if self.view()?.compare != CompareMode::Off {
            return None;
        }
        let key = row.key.clone();
        let request = Request::Row {
            table: self.current()?.name.clone(),
            as_of: self.view()?.playhead,
            key,
        };
        let effect = self.send(request);
        let id = self.last_id;
        if let Some(Overlay::Row(row)) = &mut self.overlay {
            row.id = id;
        }
        Some(effect)
    }

    fn enter(&mut self) -> Vec<Effect> {
        match self.focus {
            Panel::Tables => self.open_table(self.table_cursor),
            // A row of a query has no more than it shows.
            Panel::Data if self.query.is_open => Vec::new(),
            Panel::Data => self.open_row(),
            Panel::Columns | Panel::Timeline => Vec::new(),
        }
    }

    fn open_row(&mut self) -> Vec<Effect> {
        let Some(view) = self.view() else {
            return Vec::new();
        };
        let Some(rows) = view
            .rows()
            .filter(|r| !r.is_empty() && view.error.is_none())
        else {
            return Vec::new();
        };
        let key = rows.key(view.grid.row).to_owned();
        self.overlay = Some(Overlay::Row(RowView {
            key,
            scroll: Scroll::default(),
            record: None,
            id: RequestId(0),
        }));
        self.read_open_row().into_iter().collect()
    }

    /// Shows a table, as it was left or from the start.
    pub(super) fn open_table(&mut self, index: usize) -> Vec<Effect> {
        let start = self.start.clone();
        let Some(entry) = self.tables.get_mut(index) else {
            return Vec::new();
        };
        self.table_cursor = index;
        self.query.is_open = false;
        self.play = None;
        let changed = self.current != Some(index);
        self.narrow.take_if(|_| changed);
        self.current = Some(index);
        let Some(Ok(info)) = &entry.info else {
            return Vec::new();
        };
        let mut is_restored = false;
        if entry.view.is_none() {
            let wanted = start.table.as_ref().is_none_or(|t| *t == entry.name);
            let playhead = start.as_of.filter(|_| wanted).unwrap_or(info.newest);
            let mut view =
                TableView::new(info, playhead, start.columns.as_ref().filter(|_| wanted));
            view.moved = start.as_of.is_some() && wanted;
            let but = Overridden {
                moment: start.as_of.is_some() && wanted,
                columns: start.columns.is_some() && wanted,
                comparison: start.compare.is_some() && wanted,
            };
            let left = self.last.state.tables.get(&entry.name);
            is_restored = left.is_some_and(|left| view.restore(left, info, but));
            if let Some(a) = start.compare.filter(|_| wanted) {
                view.a = Some(a);
                view.compare = CompareMode::Inline;
            }
            entry.view = Some(view);
        } else if !changed {
            return Vec::new();
        }
        // Replies to what was asked of another table, or before, are not this table's.
        let next = RequestId(self.last_id.0 + 1);
        if let Some(view) = self.view_mut() {
            view.valid_from = next;
            view.pending = None;
        }
        let info = self.info().map(|i| i.columns.clone()).unwrap_or_default();
        let unknown = match &start.columns {
            Some(crate::format::Projection::Columns(names)) => names
                .iter()
                .find(|n| !info.iter().any(|c| c.name == **n))
                .cloned(),
            _ => None,
        };
        if is_restored && self.notice.is_none() {
            self.notify("as you left it; --fresh opens the lake as if for the first time");
        }
        if let Some(name) = unknown {
            self.notify(format!("there is no column '{name}'"));
        }
        self.start.columns = None;
        self.start.as_of = None;
        self.start.compare = None;
        let mut effects = self.read_rows();
        if let Some(statement) = self.start.query.take() {
            effects.extend(self.open_with_query(&statement));
        }
        effects.extend(self.read_timeline());
        effects
    }

    fn read_timeline(&mut self) -> Option<Effect> {
        let table = self.current()?.name.clone();
        if self.view()?.timeline.ticks.is_some() {
            return None;
        }
        let effect = self.send(Request::Timeline { table });
        let id = self.last_id;
        let view = self.view_mut()?;
        view.timeline_id = Some(id);
        view.timeline_error = None;
        Some(effect)
    }

    fn move_cursor(&mut self, action: Action) -> Vec<Effect> {
        let page = self.page();
        let moved = |at: usize, count: usize| {
            match action {
                Action::Up => at.saturating_sub(1),
                Action::Down => at + 1,
                Action::PageUp => at.saturating_sub(page),
                Action::PageDown => at + page,
                Action::First => 0,
                Action::Last => usize::MAX,
                _ => at,
            }
            .min(count.saturating_sub(1))
        };
        match self.focus {
            Panel::Tables | Panel::Columns => self.move_in_list(self.focus, moved),
            Panel::Timeline => {
                return match action {
                    Action::First => self.step(i32::MIN),
                    Action::Last => self.step(i32::MAX),
                    _ => Vec::new(),
                };
            }
            Panel::Data => {
                let step = |grid: &mut Grid, rows: usize| {
                    match action {
                        Action::PageUp | Action::PageDown => {
                            grid.move_keeping_line(moved(grid.row, rows));
                        }
                        _ => grid.row = moved(grid.row, rows),
                    }
                    let last = grid.columns.len().saturating_sub(1);
                    grid.column = match action {
                        Action::Left => grid.column.saturating_sub(1),
                        Action::Right => (grid.column + 1).min(last),
                        Action::LineStart => 0,
                        Action::LineEnd => last,
                        _ => grid.column,
                    };
                };
                if self.query.is_open {
                    let rows = self.query.rows().map_or(0, Rows::len);
                    step(&mut self.query.grid, rows);
                    return Vec::new();
                }
                self.timeline(|v| {
                    let rows = v.rows().map_or(0, Rows::len);
                    step(&mut v.grid, rows);
                    v.lost_key = None;
                });
            }
        }
        Vec::new()
    }

    /// Rows of the focused panel in view.
    fn page(&self) -> usize {
        let Some(areas) = self.areas else { return 1 };
        let height = match self.focus {
            Panel::Tables | Panel::Columns => self.list_area(self.focus).map(|a| a.height),
            Panel::Data => areas.data.map(|d| d.height.saturating_sub(3)),
            Panel::Timeline => None,
        };
        usize::from(height.unwrap_or(1).max(1))
    }
}

pub(super) fn edit(prompt: &mut Prompt, event: &KeyEvent) {
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    match event.code {
        KeyCode::Char('u') if ctrl => prompt.clear_before(),
        KeyCode::Char('a') if ctrl => prompt.home(),
        KeyCode::Char('e') if ctrl => prompt.end(),
        KeyCode::Char(c) if !ctrl => prompt.insert(c.encode_utf8(&mut [0; 4])),
        KeyCode::Backspace => prompt.backspace(),
        KeyCode::Delete => prompt.delete(),
        KeyCode::Left => prompt.left(),
        KeyCode::Right => prompt.right(),
        KeyCode::Home => prompt.home(),
        KeyCode::End => prompt.end(),
        _ => {}
    }
}

/// A moment in a sentence.
pub fn describe(moment: AsOf) -> String {
    match moment {
        AsOf::At(at) => at.to_text(at.precision()),
        AsOf::Current => "now (current)".to_owned(),
    }
}
