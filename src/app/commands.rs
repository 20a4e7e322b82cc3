//! Commands by name: every binding has one, and some take an argument. The field completes what is typed.

use crossterm::event::{KeyCode, KeyEvent};

use super::arrange::Wanted;
use super::copy::Copied;
use super::fuzzy::score;
use super::keymap::{Action, Scope};
use super::marks::MarkKey;
use super::message::ThemeName;
use super::{App, Effect, Overlay, Panel, Prompt};

/// The field for a command.
#[derive(Debug, Default)]
pub struct Palette {
    /// What is typed.
    pub prompt: Prompt,
    /// The cursor among the candidates.
    pub cursor: usize,
    /// Why what was typed cannot be done.
    pub error: Option<String>,
}

/// Something that can be done by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Its name.
    pub name: &'static str,
    /// What may follow it, in capitals; empty where nothing may.
    pub argument: &'static str,
    /// The keys that do it; empty where none does.
    pub keys: String,
    /// What it does.
    pub help: &'static str,
    /// What is done where no argument is given.
    action: Option<Action>,
    /// The panels that the action is bound in; none where it is bound everywhere.
    panels: Vec<Panel>,
}

/// What the field may mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The text that stands for it in the field.
    pub text: String,
    /// The command.
    pub command: Command,
    /// True where the text has an argument.
    pub has_argument: bool,
}

/// What the help says counts, but less than any name.
const BY_HELP: i32 = -1_000;

/// Commands that take an argument, or have no key.
const MORE: [(&str, &str, &str); 15] = [
    (
        "goto",
        "TIME",
        "go to a time: 2019-11-17, 2019-Q3, -90d, now, .-1y, 50%, current",
    ),
    ("table", "NAME", "open a table"),
    ("column", "NAME", "go to a column"),
    (
        "copy",
        "WHAT",
        "copy the cell, the row, all rows (or those selected), or this moment as command or sql",
    ),
    ("export", "FILE", "write what is shown to a file"),
    (
        "mark",
        "LETTER",
        "set a mark to this moment; again: take it away",
    ),
    ("jump", "LETTER", "go to a mark"),
    ("marks", "", "list the marks of this table"),
    ("theme", "COLOURS", "dark, light, or none"),
    ("filter", "CONDITION", "keep the rows that meet a condition"),
    ("find", "PATTERN", "find a text in all columns shown"),
    ("when", "CONDITION", "go to the first time it turns true"),
    (
        "line",
        "WHAT",
        "rows, sum COLUMN, mean, min, max, count, or off",
    ),
    ("width", "CELLS", "set the width of this column, or auto"),
    ("quit", "", "quit"),
];

impl Action {
    /// The name that the action has among the commands.
    pub fn command(self) -> &'static str {
        match self {
            Self::FocusNext => "focus-next",
            Self::FocusPrevious => "focus-previous",
            Self::Focus(Panel::Tables) => "focus-tables",
            Self::Focus(Panel::Columns) => "focus-columns",
            Self::Focus(Panel::Data) => "focus-data",
            Self::Focus(Panel::Timeline) => "focus-timeline",
            Self::Step(-1) => "back",
            Self::Step(1) => "forward",
            Self::Step(ticks) if ticks < 0 => "back-ten",
            Self::Step(_) => "forward-ten",
            Self::GoTo => "goto",
            Self::ZoomIn => "zoom-in",
            Self::ZoomOut => "zoom-out",
            Self::ZoomUndo => "zoom-undo",
            Self::Play => "play",
            Self::Slower => "slower",
            Self::Faster => "faster",
            Self::Help => "help",
            Self::Mouse => "mouse",
            Self::Escape => "cancel",
            Self::Quit => "quit",
            Self::Interrupt => "interrupt",
            Self::Suspend => "suspend",
            Self::Up => "up",
            Self::Down => "down",
            Self::Left => "left",
            Self::Right => "right",
            Self::PageUp => "page-up",
            Self::PageDown => "page-down",
            Self::First => "first",
            Self::Last => "last",
            Self::LineStart => "first-column",
            Self::LineEnd => "last-column",
            Self::PreviousVersion => "previous-version",
            Self::NextVersion => "next-version",
            Self::History => "history",
            Self::Why => "why",
            Self::Commands => "commands",
            Self::Select => "select",
            Self::Copy(Copied::Cell) => "copy-cell",
            Self::Copy(Copied::Row) => "copy-row",
            Self::Copy(Copied::Rows) => "copy-rows",
            Self::Copy(Copied::Command) => "copy-command",
            Self::Copy(Copied::Sql) => "copy-sql",
            Self::Export => "export",
            Self::Mark(MarkKey::Set) => "mark",
            Self::Mark(MarkKey::Jump) => "jump",
            Self::Enter => "open",
            Self::ToggleColumn => "toggle-column",
            Self::ColumnUp => "column-up",
            Self::ColumnDown => "column-down",
            Self::PinColumn => "pin",
            Self::FitColumn => "fit-column",
            Self::PanLeft => "pan-left",
            Self::PanRight => "pan-right",
            Self::Fit => "fit",
            Self::SetA => "set-a",
            Self::SetB => "set-b",
            Self::Swap => "swap",
            Self::Flip => "flip",
            Self::Compare => "compare",
            Self::PreviousChange => "previous-change",
            Self::NextChange => "next-change",
            Self::Find => "find",
            Self::FindNext => "find-next",
            Self::FindPrevious => "find-previous",
            Self::Condition => "filter",
            Self::Line => "line",
            Self::When => "when",
            Self::NextWhen => "next-when",
            Self::PreviousWhen => "previous-when",
            Self::Sort => "sort",
            Self::Unsort => "unsort",
            Self::Query => "query",
            Self::QueryShown => "query-shown",
            Self::Log => "log",
            Self::FilterRows => "changed-rows",
            Self::FilterColumns => "changed-columns",
        }
    }
}

impl App {
    /// All commands, by name: those of the bindings, and those that only have a name.
    pub fn commands(&self) -> Vec<Command> {
        let mut all: Vec<Command> = Vec::new();
        for binding in &self.bindings {
            let name = binding.action.command();
            let panel = match binding.scope {
                Scope::Everywhere => None,
                Scope::In(panel) => Some(panel),
            };
            if let Some(known) = all.iter_mut().find(|c| c.name == name) {
                // Bound everywhere once is bound everywhere.
                match panel {
                    Some(panel) if !known.panels.is_empty() => known.panels.push(panel),
                    Some(_) => {}
                    None => known.panels.clear(),
                }
                continue;
            }
            let keys: Vec<String> = binding.keys.iter().map(|k| k.label()).collect();
            all.push(Command {
                name,
                argument: "",
                keys: keys.join(" "),
                help: binding.help,
                action: Some(binding.action),
                panels: panel.into_iter().collect(),
            });
        }
        for (name, argument, help) in MORE {
            if let Some(known) = all.iter_mut().find(|c| c.name == name) {
                known.argument = argument;
                continue;
            }
            all.push(Command {
                name,
                argument,
                keys: String::new(),
                help,
                action: None,
                panels: Vec::new(),
            });
        }
        all.sort_by_key(|c| c.name);
        all
    }

    /// What the text in the field may mean, the likeliest first.
    pub fn candidates(&self, text: &str) -> Vec<Candidate> {
        let text = text.trim_start();
        let commands = self.commands();
        if let Some((name, argument)) = text.split_once(char::is_whitespace) {
            let Some(command) = commands.into_iter().find(|c| c.name == name) else {
                return Vec::new();
            };
            let typed = argument.trim();
            let possible = self.arguments(command.name);
            let mut fitting: Vec<(i32, String)> = possible
                .into_iter()
                .filter_map(|a| Some((score(typed, &a)?, a)))
                .collect();
            fitting.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
            let candidate = |(_, argument): (i32, String)| Candidate {
                text: format!("{} {argument}", command.name),
                command: command.clone(),
                has_argument: true,
            };
            return fitting.into_iter().map(candidate).collect();
        }
        let fit = |c: &Command| {
            let by_help = || {
                let typed = text.to_lowercase();
                (typed.len() > 2 && c.help.to_lowercase().contains(&typed)).then_some(BY_HELP)
            };
            score(text, c.name).or_else(by_help)
        };
        let mut fitting: Vec<(i32, Command)> = commands
            .into_iter()
            .filter_map(|c| Some((fit(&c)?, c)))
            .collect();
        fitting.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        let candidate = |(_, command): (i32, Command)| Candidate {
            text: command.name.to_owned(),
            command,
            has_argument: false,
        };
        fitting.into_iter().map(candidate).collect()
    }

    /// The arguments that a command may have, where they can be listed.
    fn arguments(&self, command: &str) -> Vec<String> {
        match command {
            "table" => self.tables.iter().map(|t| t.name.clone()).collect(),
            "column" => {
                let columns = self.view().map(|v| v.grid.columns.iter());
                columns
                    .into_iter()
                    .flatten()
                    .map(|c| c.name.clone())
                    .collect()
            }
            "line" => self.lines(),
            "copy" => Copied::ALL.map(|c| c.name().to_owned()).to_vec(),
            "theme" => ThemeName::ALL.map(|c| c.name().to_owned()).to_vec(),
            "jump" => self.marks().iter().map(|(c, _)| c.to_string()).collect(),
            _ => Vec::new(),
        }
    }

    /// A key in the field for a command.
    pub(super) fn on_palette_key(&mut self, event: &KeyEvent) -> Vec<Effect> {
        let Some(Overlay::Commands(palette)) = &self.overlay else {
            return Vec::new();
        };
        let candidates = self.candidates(palette.prompt.text());
        let last = candidates.len().saturating_sub(1);
        let cursor = palette.cursor.min(last);
        let Some(Overlay::Commands(palette)) = &mut self.overlay else {
            return Vec::new();
        };
        match event.code {
            KeyCode::Esc => self.overlay = None,
            KeyCode::Enter => return self.run_typed(candidates.into_iter().nth(cursor)),
            KeyCode::Up => palette.cursor = cursor.saturating_sub(1),
            KeyCode::Down => palette.cursor = (cursor + 1).min(last),
            KeyCode::PageUp => palette.cursor = cursor.saturating_sub(10),
            KeyCode::PageDown => palette.cursor = (cursor + 10).min(last),
            KeyCode::Tab => {
                if let Some(candidate) = candidates.get(cursor) {
                    palette.prompt.set(&completed(candidate));
                    palette.cursor = 0;
                    palette.error = None;
                }
            }
            // What was typed away closes the field.
            KeyCode::Backspace if palette.prompt.text().is_empty() => self.overlay = None,
            _ => {
                palette.prompt.on_key(event);
                palette.cursor = 0;
                palette.error = None;
                // What takes an expression is typed on in the field that completes one.
                let name = palette.prompt.text().strip_suffix(' ');
                if let Some(wanted) = name.and_then(Wanted::of_command) {
                    self.overlay = None;
                    self.ask(wanted);
                }
            }
        }
        Vec::new()
    }

    /// Enter: does what is typed, or else what is selected.
    fn run_typed(&mut self, selected: Option<Candidate>) -> Vec<Effect> {
        let Some(Overlay::Commands(palette)) = &self.overlay else {
            return Vec::new();
        };
        let text = palette.prompt.text().trim().to_owned();
        if text.is_empty() && palette.cursor == 0 {
            self.overlay = None;
            return Vec::new();
        }
        let typed = text.split_once(char::is_whitespace);
        let outcome = match (typed, selected) {
            (Some((name, argument)), selected) => {
                let argument = argument.trim();
                let possible = self.arguments(name);
                let selected = selected.filter(|s| s.has_argument);
                let meant = match selected {
                    // One that is there in full is meant, whatever else fits.
                    Some(selected) if !possible.iter().any(|p| p == argument) => {
                        let rest = selected.text.split_once(' ');
                        rest.map_or_else(|| argument.to_owned(), |(_, a)| a.to_owned())
                    }
                    _ => argument.to_owned(),
                };
                self.run_with(name, &meant)
            }
            (None, Some(selected)) => match selected.command.action {
                Some(action) => {
                    self.overlay = None;
                    return self.run_action(action, &selected.command.panels);
                }
                None if selected.command.argument.is_empty() => {
                    self.run_with(selected.command.name, "")
                }
                None => {
                    if let Some(Overlay::Commands(palette)) = &mut self.overlay {
                        palette.prompt.set(&completed(&selected));
                        palette.cursor = 0;
                    }
                    return Vec::new();
                }
            },
            (None, None) => Err(format!("there is no command '{text}'")),
        };
        match outcome {
            Ok(effects) => {
                if matches!(self.overlay, Some(Overlay::Commands(_))) {
                    self.overlay = None;
                }
                effects
            }
            Err(why) => {
                if let Some(Overlay::Commands(palette)) = &mut self.overlay {
                    palette.error = Some(why);
                }
                Vec::new()
            }
        }
    }

    /// Does what a binding does; where it is bound in other panels than the focused one, there.
    fn run_action(&mut self, action: Action, panels: &[Panel]) -> Vec<Effect> {
        if let Some(first) = panels.first()
            && !panels.contains(&self.focus)
        {
            self.focus_on(*first);
        }
        self.act(action)
    }

    /// Runs a command with its argument. What makes no sense changes nothing.
    fn run_with(&mut self, name: &str, argument: &str) -> Result<Vec<Effect>, String> {
        match name {
            "goto" => Ok(self.resolve_moment(argument).map(|at| self.go_to(at))?),
            "table" => {
                let at = self.tables.iter().position(|t| t.name == argument);
                let at = at.ok_or_else(|| format!("there is no table '{argument}'"))?;
                Ok(self.open_table(at))
            }
            "column" => self.go_to_column(argument).map(|()| Vec::new()),
            "copy" => {
                let what = Copied::ALL.into_iter().find(|c| c.name() == argument);
                let what = what.ok_or_else(|| {
                    format!("'{argument}' cannot be copied; cell, row, rows, command and sql can")
                })?;
                Ok(self.copy(what))
            }
            "export" => self.export_to(argument),
            "line" => self.line_of(argument),
            "width" => self.set_width(argument).map(|()| Vec::new()),
            "filter" | "find" | "when" => {
                let wanted = Wanted::of_command(name);
                Ok(wanted.map_or_else(Vec::new, |wanted| self.ask_with(wanted, argument)))
            }
            "mark" => {
                let mark = Self::mark_name(argument)?;
                self.set_mark(mark);
                Ok(Vec::new())
            }
            "jump" => {
                let mark = Self::mark_name(argument)?;
                self.jump_to_named(mark)
            }
            "marks" => {
                self.open_marks();
                Ok(Vec::new())
            }
            "theme" => {
                let theme = ThemeName::ALL.into_iter().find(|c| c.name() == argument);
                let theme = theme.ok_or_else(|| {
                    format!("there is no theme '{argument}'; dark, light and none are")
                })?;
                Ok(vec![Effect::Theme(theme)])
            }
            _ => {
                let command = self.commands().into_iter().find(|c| c.name == name);
                Err(match command {
                    Some(_) => format!("{name} takes no argument"),
                    None => format!("there is no command '{name}'"),
                })
            }
        }
    }

    fn go_to_column(&mut self, name: &str) -> Result<(), String> {
        let view = self.view_mut().ok_or("no table is open")?;
        if let Some(at) = view.grid.columns.iter().position(|c| c.name == name) {
            view.grid.column = at;
            self.focus_on(Panel::Data);
            return Ok(());
        }
        let hidden = view.columns.iter().position(|c| c.name == name);
        let at = hidden.ok_or_else(|| format!("there is no column '{name}'"))?;
        view.column_cursor = at;
        Err(format!(
            "column '{name}' is not shown; Enter in Columns shows it"
        ))
    }
}

/// What the field holds once a candidate is taken over: room for the argument, if there is one.
fn completed(candidate: &Candidate) -> String {
    if candidate.command.argument.is_empty() || candidate.has_argument {
        candidate.text.clone()
    } else {
        format!("{} ", candidate.text)
    }
}
