//! How a lake was left, so that the next sitting goes on from there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::{Arrangement, TableInfo};
use crate::event_time::{AsOf, EventTime};
use crate::expr::Expression;
use crate::format::EVENT_TIME;

use super::marks::is_name;
use super::{App, ColumnEntry, TableView};

/// How a lake was left. What it names may be gone: each part that has no meaning any more is passed over.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LakeState {
    /// The table on screen.
    pub table: Option<String>,
    /// How each table was left.
    #[serde(default)]
    pub tables: BTreeMap<String, TableState>,
}

/// How a table was left.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TableState {
    /// The moment that the person chose; `None` for the newest.
    as_of: Option<Moment>,
    /// The columns but for the key, in their order.
    columns: Vec<String>,
    /// Those that are not shown.
    hidden: Vec<String>,
    /// Those that stay in view while the rest scrolls.
    pinned: Vec<String>,
    /// The widths that the person has set, in cells.
    widths: BTreeMap<String, u16>,
    /// The condition that rows meet.
    filter: Option<String>,
    /// The column that they are sorted by, and whether from the greatest to the least.
    sort: Option<(String, bool)>,
    /// The moments that have a letter.
    marks: BTreeMap<char, Moment>,
    /// The moments to compare.
    a: Option<Moment>,
    b: Option<Moment>,
}

/// A moment in a file; exact, and of any time that data may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Moment {
    /// Milliseconds since 1970.
    At(i64),
    /// The newest state.
    Current,
}

impl From<AsOf> for Moment {
    fn from(moment: AsOf) -> Self {
        match moment {
            AsOf::At(at) => Self::At(at.ms()),
            AsOf::Current => Self::Current,
        }
    }
}

impl From<Moment> for AsOf {
    fn from(moment: Moment) -> Self {
        match moment {
            Moment::At(ms) => Self::At(EventTime::from_ms(ms)),
            Moment::Current => Self::Current,
        }
    }
}

/// How the lake was left before this sitting.
#[derive(Debug, Default)]
pub(super) struct Last {
    pub state: LakeState,
    /// True where the table to open is the one that was on screen, and none was asked for.
    pub has_chosen_the_table: bool,
}

impl Last {
    /// Takes what is known, and chooses the table where the person has not.
    pub(super) fn new(state: Option<LakeState>, table: &mut Option<String>) -> Self {
        let state = state.unwrap_or_default();
        let has_chosen_the_table = table.is_none() && state.table.is_some();
        if has_chosen_the_table {
            table.clone_from(&state.table);
        }
        Self {
            state,
            has_chosen_the_table,
        }
    }
}

/// The parts of a state that the command line says otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Overridden {
    pub moment: bool,
    pub columns: bool,
    pub comparison: bool,
}

impl App {
    /// How the lake is being left.
    pub fn lake_state(&self) -> LakeState {
        // Tables that were not looked at stay as they were left before.
        let mut state = self.last.state.clone();
        state.table = self.current().map(|t| t.name.clone()).or(state.table);
        for entry in &self.tables {
            let Some(view) = &entry.view else { continue };
            state.tables.insert(entry.name.clone(), view.state());
        }
        state
    }
}

impl TableView {
    fn state(&self) -> TableState {
        let others = self.columns.iter().skip(1);
        let hidden = self.columns.iter().filter(|c| !c.shown);
        let pinned = self.columns.iter().filter(|c| c.pinned);
        let widths = self.grid.custom_widths();
        TableState {
            as_of: Some(self.playhead.into())
                .filter(|_| self.moved && self.playhead != AsOf::Current),
            columns: others.map(|c| c.name.clone()).collect(),
            hidden: hidden.map(|c| c.name.clone()).collect(),
            pinned: pinned.map(|c| c.name.clone()).collect(),
            widths: widths
                .map(|(name, width)| (name.to_owned(), width))
                .collect(),
            filter: self.arrangement.filter.clone(),
            sort: self.arrangement.sort.clone(),
            marks: self
                .marks
                .iter()
                .map(|(name, at)| (*name, (*at).into()))
                .collect(),
            a: self.a.map(Moment::from),
            b: self.b.map(Moment::from),
        }
    }

    /// Goes on from how the table was left; answers whether that differs from how it opens otherwise.
    pub(super) fn restore(
        &mut self,
        state: &TableState,
        info: &TableInfo,
        but: Overridden,
    ) -> bool {
        let before = self.state();
        let marks = state.marks.iter().filter(|(name, _)| is_name(**name));
        self.marks = marks.map(|(name, at)| (*name, (*at).into())).collect();
        if !but.comparison {
            self.a = state.a.map(AsOf::from);
            self.b = state.b.map(AsOf::from);
        }
        if let Some(moment) = state.as_of.filter(|_| !but.moment) {
            self.playhead = moment.into();
            self.moved = true;
        }
        if !but.columns {
            self.restore_columns(state);
        }
        let is_there = |name: &str| {
            name == crate::format::KEY
                || name == EVENT_TIME
                || info.columns.iter().any(|c| c.name == name)
        };
        self.arrangement = Arrangement {
            filter: state
                .filter
                .clone()
                .filter(|f| Expression::filter(f, &info.columns).is_ok()),
            sort: state.sort.clone().filter(|(name, _)| is_there(name)),
        };
        self.state() != before
    }

    /// Orders the columns as they were, those that are pinned in front and the ones that are new at the end; hides those
    /// that were hidden.
    fn restore_columns(&mut self, state: &TableState) {
        for column in self.columns.iter_mut().skip(1) {
            column.shown = !state.hidden.contains(&column.name);
            column.pinned = state.pinned.contains(&column.name);
        }
        let rank = |c: &ColumnEntry| {
            let at = state.columns.iter().position(|name| *name == c.name);
            (!c.pinned, at.unwrap_or(usize::MAX))
        };
        self.columns[1..].sort_by_key(rank);
        for (name, width) in &state.widths {
            self.grid.set_custom_width(name, *width);
        }
    }
}
