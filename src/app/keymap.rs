//! The one table of key bindings: dispatch, help and the hint line all read it.

use crossterm::event::KeyCode;

use super::Panel;
pub use super::action::Action;
use super::copy::Copied;
pub use super::key::Key;
use super::key::{char_key, ctrl, key};
use super::marks::MarkKey;

/// Where a binding holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Wherever the focus is.
    Everywhere,
    /// In one panel.
    In(Panel),
}

/// Keys that do one thing in one scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Where it holds.
    pub scope: Scope,
    /// The keys; the first is the one that is shown. None where only the command does it.
    pub keys: Vec<Key>,
    /// What they do.
    pub action: Action,
    /// What they do, in a word or two, for the hint line; empty where it has no place there.
    pub hint: &'static str,
    /// What they do, for the help.
    pub help: &'static str,
}

impl Binding {
    /// Its keys as the screen shows them; where it has none, the command that does the same.
    pub fn shown(&self) -> String {
        if self.keys.is_empty() {
            return format!(":{}", self.action.command());
        }
        let keys: Vec<String> = self.keys.iter().map(|k| k.label()).collect();
        keys.join(" ")
    }
}

/// All bindings, in the order in which the help shows them.
#[expect(clippy::too_many_lines, reason = "one table, read in one place")]
pub fn bindings() -> Vec<Binding> {
    use Action as A;
    use KeyCode as K;
    let mut all = Vec::new();
    let mut bind = |scope, keys: &[Key], action, hint, help| {
        all.push(Binding {
            scope,
            keys: keys.to_vec(),
            action,
            hint,
            help,
        });
    };
    let everywhere = Scope::Everywhere;
    bind(
        everywhere,
        &[char_key(',')],
        A::Step(-1),
        "back",
        "previous tick: the time before at which the table changed",
    );
    bind(
        everywhere,
        &[char_key('.')],
        A::Step(1),
        "forward",
        "next tick",
    );
    bind(
        everywhere,
        &[char_key('{')],
        A::Step(-10),
        "",
        "ten ticks back",
    );
    bind(
        everywhere,
        &[char_key('}')],
        A::Step(10),
        "",
        "ten ticks forward",
    );
    bind(
        everywhere,
        &[char_key('<')],
        A::PreviousVersion,
        "",
        "previous time this row changed (on a value: that value)",
    );
    bind(
        everywhere,
        &[char_key('>')],
        A::NextVersion,
        "",
        "next time this row changed (on a value: that value)",
    );
    bind(
        everywhere,
        &[char_key('@')],
        A::GoTo,
        "go to time",
        "go to a time: 2019-11-17, 2019-Q3, -90d, now, .-1y, 50%, current",
    );
    bind(
        everywhere,
        &[char_key(' ')],
        A::Play,
        "play",
        "play and pause",
    );
    bind(everywhere, &[char_key('(')], A::Slower, "", "play slower");
    bind(everywhere, &[char_key(')')], A::Faster, "", "play faster");
    bind(
        everywhere,
        &[char_key('+'), char_key('=')],
        A::ZoomIn,
        "zoom in",
        "zoom the timeline in around the playhead",
    );
    bind(everywhere, &[char_key('-')], A::ZoomOut, "out", "zoom out");
    bind(
        everywhere,
        &[key(K::Backspace)],
        A::ZoomUndo,
        "",
        "undo a zoom or pan",
    );
    bind(
        everywhere,
        &[char_key('a')],
        A::SetA,
        "mark A",
        "A, to compare with, is the playhead's moment; again: no A",
    );
    bind(
        everywhere,
        &[char_key('b')],
        A::SetB,
        "",
        "B is this moment; again: B moves with the playhead",
    );
    bind(everywhere, &[char_key('x')], A::Swap, "", "swap A and B");
    bind(
        everywhere,
        &[char_key('`')],
        A::Flip,
        "",
        "flip the view between A and B in place",
    );
    bind(
        everywhere,
        &[char_key('d')],
        A::Compare,
        "compare",
        "compare A and B: inline, side by side, off",
    );
    bind(
        everywhere,
        &[char_key('[')],
        A::PreviousChange,
        "",
        "previous changed row (in the timeline: previous mark)",
    );
    bind(
        everywhere,
        &[char_key(']')],
        A::NextChange,
        "",
        "next changed row (in the timeline: next mark)",
    );
    bind(
        everywhere,
        &[char_key('c')],
        A::FilterRows,
        "",
        "show changed rows only, added, removed, all",
    );
    bind(
        everywhere,
        &[char_key('C')],
        A::FilterColumns,
        "",
        "show changed columns only, all",
    );
    bind(
        everywhere,
        &[char_key('/')],
        A::Find,
        "find",
        "find a text in all columns shown (a regular expression); in a list: narrow it",
    );
    bind(everywhere, &[char_key('n')], A::FindNext, "", "next match");
    bind(
        everywhere,
        &[char_key('N')],
        A::FindPrevious,
        "",
        "previous match",
    );
    bind(
        everywhere,
        &[char_key('&')],
        A::Condition,
        "filter",
        "keep the rows that meet a condition: industry ~ \"Soft\" and revenue > 1e9",
    );
    bind(
        everywhere,
        &[char_key('s')],
        A::Sort,
        "sort",
        "sort by this column: ascending, descending, by key",
    );
    bind(
        everywhere,
        &[char_key('S')],
        A::Unsort,
        "",
        "show the rows by key again",
    );
    bind(
        everywhere,
        &[char_key('w')],
        A::When,
        "",
        "when a condition turns true, on this row or the table: net_income < 0, count() > 100",
    );
    bind(
        everywhere,
        &[char_key('t')],
        A::NextWhen,
        "",
        "the next time that it turns true",
    );
    bind(
        everywhere,
        &[char_key('T')],
        A::PreviousWhen,
        "",
        "the time before that it turned true",
    );
    bind(
        everywhere,
        &[char_key('v')],
        A::Line,
        "",
        "a line over time: rows, then sum, mean, min, max, count of this column, none",
    );
    bind(
        everywhere,
        &[char_key('e')],
        A::Query,
        "query",
        "query: SQL over the lake at the playhead",
    );
    bind(
        everywhere,
        &[char_key('E')],
        A::QueryShown,
        "",
        "the query that shows this screen, with its moment",
    );
    bind(
        everywhere,
        &[key(K::Tab)],
        A::FocusNext,
        "panel",
        "focus the next panel",
    );
    bind(
        everywhere,
        &[key(K::BackTab)],
        A::FocusPrevious,
        "",
        "focus the previous panel",
    );
    for (digit, panel) in [
        ('1', Panel::Tables),
        ('2', Panel::Columns),
        ('3', Panel::Data),
        ('4', Panel::Timeline),
    ] {
        bind(
            everywhere,
            &[char_key(digit)],
            A::Focus(panel),
            "",
            panel.focus_help(),
        );
    }
    bind(
        everywhere,
        &[char_key(':')],
        A::Commands,
        "command",
        "a command by name: every key's, and more",
    );
    bind(
        everywhere,
        &[char_key('m')],
        A::Mark(MarkKey::Set),
        "",
        "and a letter: mark this moment; again: no mark",
    );
    bind(
        everywhere,
        &[char_key('\'')],
        A::Mark(MarkKey::Jump),
        "",
        "and a letter: go to that mark",
    );
    bind(
        everywhere,
        &[ctrl('y')],
        A::Copy(Copied::Command),
        "",
        "copy the command line that shows this (:copy sql for the SQL)",
    );
    bind(
        everywhere,
        &[char_key('o')],
        A::Export,
        "",
        "write what is shown to a file: csv, ndjson, json, parquet, arrow",
    );
    bind(everywhere, &[char_key('?')], A::Help, "help", "this help");
    bind(
        everywhere,
        &[],
        A::Log,
        "",
        "what the engine was asked, what came of it, how long it took",
    );
    bind(
        everywhere,
        &[char_key('%')],
        A::Mouse,
        "",
        "mouse on and off (off lets the terminal select text)",
    );
    bind(
        everywhere,
        &[key(K::Esc)],
        A::Escape,
        "",
        "close, clear, cancel a read",
    );
    bind(everywhere, &[char_key('q')], A::Quit, "quit", "quit");
    bind(
        everywhere,
        &[ctrl('c')],
        A::Interrupt,
        "",
        "cancel a running read; quit where none runs",
    );
    bind(
        everywhere,
        &[ctrl('z')],
        A::Suspend,
        "",
        "suspend; fg comes back",
    );

    for panel in [Panel::Tables, Panel::Columns, Panel::Data] {
        let scope = Scope::In(panel);
        bind(scope, &[char_key('j'), key(K::Down)], A::Down, "", "down");
        bind(scope, &[char_key('k'), key(K::Up)], A::Up, "", "up");
        bind(
            scope,
            &[key(K::PageDown), ctrl('f')],
            A::PageDown,
            "",
            "a page down",
        );
        bind(
            scope,
            &[key(K::PageUp), ctrl('b')],
            A::PageUp,
            "",
            "a page up",
        );
        if panel == Panel::Data {
            bind(scope, &[char_key('g')], A::First, "", "first row");
            bind(scope, &[char_key('G')], A::Last, "", "last row");
            bind(scope, &[char_key('h'), key(K::Left)], A::Left, "", "left");
            bind(
                scope,
                &[char_key('l'), key(K::Right)],
                A::Right,
                "",
                "right",
            );
            bind(
                scope,
                &[char_key('0'), key(K::Home)],
                A::LineStart,
                "",
                "first column",
            );
            bind(
                scope,
                &[char_key('$'), key(K::End)],
                A::LineEnd,
                "",
                "last column",
            );
        } else {
            bind(scope, &[char_key('g'), key(K::Home)], A::First, "", "first");
            bind(scope, &[char_key('G'), key(K::End)], A::Last, "", "last");
        }
    }
    bind(
        Scope::In(Panel::Tables),
        &[key(K::Enter)],
        A::Enter,
        "open",
        "open the table",
    );
    bind(
        Scope::In(Panel::Columns),
        &[key(K::Enter)],
        A::ToggleColumn,
        "show/hide",
        "show or hide the column",
    );
    bind(
        Scope::In(Panel::Columns),
        &[char_key('J')],
        A::ColumnDown,
        "",
        "move the column down, which is right among the rows",
    );
    bind(
        Scope::In(Panel::Columns),
        &[char_key('K')],
        A::ColumnUp,
        "",
        "move the column up, which is left among the rows",
    );
    for panel in [Panel::Columns, Panel::Data] {
        let hint = if panel == Panel::Columns { "pin" } else { "" };
        bind(
            Scope::In(panel),
            &[char_key('p')],
            A::PinColumn,
            hint,
            "pin the column: it stays in view beside the key; again: it scrolls",
        );
        bind(
            Scope::In(panel),
            &[char_key('_')],
            A::FitColumn,
            "",
            "make the column as wide as its values; again: as wide as fits",
        );
    }
    bind(
        Scope::In(Panel::Data),
        &[key(K::Enter)],
        A::Enter,
        "row",
        "the whole row, every value in full",
    );
    bind(
        Scope::In(Panel::Data),
        &[char_key('H')],
        A::History,
        "history",
        "every version of this key, and a chart (v: this column's line)",
    );
    bind(
        Scope::In(Panel::Data),
        &[char_key('i')],
        A::Why,
        "",
        "why this row: its file, the rows it beat, what the read took",
    );
    bind(
        Scope::In(Panel::Data),
        &[char_key('V')],
        A::Select,
        "",
        "select rows from here to the cursor, for y and Y; again: none",
    );
    bind(
        Scope::In(Panel::Data),
        &[char_key('y')],
        A::Copy(Copied::Cell),
        "",
        "copy the cell; of selected rows, this column",
    );
    bind(
        Scope::In(Panel::Data),
        &[char_key('Y')],
        A::Copy(Copied::Row),
        "",
        "copy the row, separated by tabs; or the selected rows",
    );

    let timeline = Scope::In(Panel::Timeline);
    bind(
        timeline,
        &[char_key('h'), key(K::Left)],
        A::Step(-1),
        "",
        "previous tick",
    );
    bind(
        timeline,
        &[char_key('l'), key(K::Right)],
        A::Step(1),
        "",
        "next tick",
    );
    bind(
        timeline,
        &[key(K::PageUp)],
        A::Step(-10),
        "",
        "ten ticks back",
    );
    bind(
        timeline,
        &[key(K::PageDown)],
        A::Step(10),
        "",
        "ten ticks forward",
    );
    bind(
        timeline,
        &[char_key('g'), char_key('0'), key(K::Home)],
        A::First,
        "",
        "first tick",
    );
    bind(
        timeline,
        &[char_key('G'), char_key('$'), key(K::End)],
        A::Last,
        "",
        "current, or the last tick",
    );
    bind(timeline, &[char_key('H')], A::PanLeft, "", "pan left");
    bind(timeline, &[char_key('L')], A::PanRight, "", "pan right");
    bind(
        timeline,
        &[char_key('f')],
        A::Fit,
        "fit",
        "show the whole timeline",
    );
    all
}

/// What a key does in a panel.
pub fn action(bindings: &[Binding], panel: Panel, key: Key) -> Option<Action> {
    let holds = |b: &&Binding| matches!(b.scope, Scope::Everywhere) || b.scope == Scope::In(panel);
    bindings
        .iter()
        .filter(holds)
        .find(|b| b.keys.contains(&key))
        .map(|b| b.action)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn no_key_means_two_things_in_one_place() {
        for panel in Panel::ALL {
            let mut seen: HashMap<Key, Action> = HashMap::new();
            for binding in bindings() {
                if matches!(binding.scope, Scope::In(p) if p != panel) {
                    continue;
                }
                for key in binding.keys {
                    assert_eq!(
                        seen.insert(key, binding.action),
                        None,
                        "{} in {panel:?}",
                        key.label()
                    );
                }
            }
        }
    }

    #[test]
    fn no_binding_needs_a_key_that_terminals_cannot_tell_from_another() {
        for key in bindings().into_iter().flat_map(|b| b.keys) {
            assert_eq!(Key::parse(&key.name()), Ok(key), "{}", key.label());
        }
    }

    #[test]
    fn every_binding_says_what_it_does() {
        assert!(bindings().iter().all(|b| !b.help.is_empty()));
    }
}
