//! What happens on each message.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::view::Direction;

use super::arrange::Wanted;
use super::commands::Palette;
use super::keymap::{Action, Key, action};
use super::when::Way;
use super::{App, Clock, Effect, Msg, Overlay, Panel, Play, Prompt, SPEEDS, Scroll, TableView};

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
                    Some(Overlay::GoTo(prompt)) => prompt.insert(&text),
                    Some(Overlay::Ask(ask)) => ask.paste(&text),
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
                    _ => prompt.on_key(event),
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
        if self.query.is_open && is_of_table_rows(action) {
            self.notify("this is for the rows of a table; Esc closes the query");
            return Vec::new();
        }
        if self.puts_off(action) {
            return Vec::new();
        }
        match action {
            Action::FocusNext => self.focus_by(1),
            Action::FocusPrevious => self.focus_by(Panel::ALL.len() - 1),
            Action::Focus(panel) => self.focus_on(panel),
            Action::Step(ticks) => return self.step(ticks),
            Action::PreviousVersion => return self.travel(false),
            Action::NextVersion => return self.travel(true),
            Action::GoTo => self.overlay = Some(Overlay::GoTo(Prompt::default())),
            Action::ZoomIn => self.with_view(|v| v.timeline.zoom(0.5, v.playhead)),
            Action::ZoomOut => self.with_view(|v| v.timeline.zoom(2.0, v.playhead)),
            Action::ZoomUndo => self.with_view(|v| {
                v.timeline.undo();
            }),
            Action::PanLeft => self.pan(-0.25),
            Action::PanRight => self.pan(0.25),
            Action::Fit => self.with_view(|v| v.timeline.fit()),
            Action::Play => return self.toggle_play(),
            Action::Slower => self.change_speed(self.speed.saturating_sub(1)),
            Action::Faster => self.change_speed((self.speed + 1).min(SPEEDS.len() - 1)),
            Action::Help => self.open_help(),
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
            Action::Interrupt => return self.interrupt(),
            Action::Suspend => return vec![Effect::Suspend],
            Action::History => return self.open_history(),
            Action::Why => return self.open_why(),
            Action::Log => self.overlay = Some(Overlay::Log(Scroll::End(0))),
            Action::Commands => self.overlay = Some(Overlay::Commands(Palette::default())),
            Action::Copy(what) => return self.copy(what),
            Action::Select => self.select(),
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
            Action::FilterRows if self.query.is_open => self.next_query_filter(),
            Action::FilterColumns if self.query.is_open => self.toggle_changed_query_columns(),
            Action::FilterRows => self.next_filter(),
            Action::FilterColumns => self.toggle_changed_columns(),
            movement => return self.move_cursor(movement),
        }
        Vec::new()
    }

    pub(super) fn with_view(&mut self, change: impl FnOnce(&mut TableView)) {
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
        self.with_view(|v| v.timeline.pan(share));
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
    pub(super) fn query_has_keys(&self) -> bool {
        self.query.is_open && (self.query.is_editing || self.query.asking.is_some())
    }
}

/// True for what is done with the rows of a table, which have keys and a past; the rows of a query do not.
fn is_of_table_rows(action: Action) -> bool {
    matches!(
        action,
        Action::PreviousVersion
            | Action::NextVersion
            | Action::History
            | Action::Why
            | Action::Sort
            | Action::Unsort
            | Action::PinColumn
            | Action::Flip
    )
}
