//! The history of the row under the cursor: every version of its key, newest first, and a chart of its numbers.

mod keys;
mod versions;

use std::sync::Arc;

use ratatui::layout::Rect;

use crate::diff::ChangeKind;
use crate::engine::RequestId;
use crate::error::Error;
use crate::event_time::{AsOf, EventTime, Precision};
use crate::history::History;
use crate::text;

use super::cell::{TimeStyle, precision_of};
use super::grid::{GAP, Placed};
use super::layout::Areas;

pub use versions::{Entry, number, span};
use versions::{Measure, entries, measure};

/// Versions that are measured to know how wide the columns are; a cell of another one is cut.
const VERSIONS_MEASURED: usize = 2_000;

/// A column of text is not wider than this.
const TEXT_AT_MOST: u16 = 28;

/// Cells before the first column: the cursor's sign, the playhead's, and that of the change.
pub const GUTTER: u16 = 6;

/// Cells of the time since the entry before.
pub const SINCE: u16 = 9;

/// Entries above the one that the history opens at.
const LATER_IN_VIEW: usize = 4;

/// More lines than these cannot be told apart.
pub const CHARTED_AT_MOST: usize = 6;

/// Lower than this, all lines go to the list.
const LEAST_HEIGHT_WITH_CHART: u16 = 14;

/// Every version of one key, and the chart of its numbers.
#[derive(Debug)]
pub struct HistoryView {
    /// The table.
    pub table: String,
    /// The key.
    pub key: String,
    /// The versions, once they have been read.
    pub history: Option<Arc<History>>,
    /// Why they cannot be.
    pub error: Option<Error>,
    /// The moments at which something happened, newest first.
    pub entries: Vec<Entry>,
    /// The value columns, as positions in the history: those that the grid shows first.
    pub columns: Vec<usize>,
    /// The cursor's entry.
    pub row: usize,
    /// The cursor's column, a position in `columns`.
    pub column: usize,
    /// The first entry in view.
    pub top: usize,
    /// Entries in view.
    pub height: usize,
    /// The value columns in view, by their position in the history.
    pub placed: Vec<Placed>,
    /// How the moments and the event times are printed.
    pub precisions: (Precision, Precision),
    /// The columns in the chart, as positions in the history.
    pub charted: Vec<usize>,
    /// Where the list is.
    pub list: Rect,
    /// Where the chart is, if there is one.
    pub chart: Option<Rect>,
    times: TimeStyle,
    first: usize,
    /// What is known of each column of the history.
    measures: Vec<Measure>,
    /// The value column that the grid's cursor was on.
    wanted: Option<String>,
    /// The names of the columns that the grid shows, in its order.
    shown: Vec<String>,
    id: RequestId,
}

impl HistoryView {
    fn new(
        table: String,
        key: String,
        shown: Vec<String>,
        wanted: Option<String>,
        times: TimeStyle,
    ) -> Self {
        Self {
            times,
            table,
            key,
            history: None,
            error: None,
            entries: Vec::new(),
            columns: Vec::new(),
            row: 0,
            column: 0,
            top: 0,
            height: 1,
            placed: Vec::new(),
            precisions: (Precision::Date, Precision::Date),
            charted: Vec::new(),
            list: Rect::default(),
            chart: None,
            first: 0,
            measures: Vec::new(),
            wanted,
            shown,
            id: RequestId(0),
        }
    }

    /// Takes the versions. Cursor and chart stay on what they were on, wherever that is now.
    fn take(&mut self, history: Arc<History>, playhead: AsOf) {
        let names = |positions: &[usize], history: &History| -> Vec<String> {
            let name = |at: &usize| history.columns()[*at].name.clone();
            positions.iter().map(name).collect()
        };
        let before = self.history.take().map(|old| {
            let on = self.columns.get(self.column).map(|at| vec![*at]);
            (
                names(&self.charted, &old),
                names(&on.unwrap_or_default(), &old).pop(),
                self.entries.get(self.row).map(|e| e.from),
            )
        });
        let position = |name: &String| history.columns().iter().position(|c| c.name == *name);
        self.columns = self.shown.iter().filter_map(position).collect();
        let others: Vec<usize> = (0..history.columns().len())
            .filter(|at| !self.columns.contains(at))
            .collect();
        self.columns.extend(others);
        self.entries = entries(&history);
        self.measures = (0..history.columns().len())
            .map(|column| measure(&history, column, self.times))
            .collect();
        self.precisions = (
            self.times
                .whole(precision_of(self.entries.iter().map(|e| e.from))),
            self.times.cell(precision_of(
                (0..history.len()).map(|v| history.event_time(v)),
            )),
        );
        let (charted, on, from) = before.unwrap_or_else(|| {
            let first = self.columns.iter().find(|at| self.is_numeric(**at));
            let wanted = self
                .wanted
                .as_ref()
                .and_then(position)
                .filter(|at| self.is_numeric(*at));
            let charted = wanted.as_ref().or(first).map(|at| vec![*at]);
            (
                names(&charted.unwrap_or_default(), &history),
                self.wanted.clone(),
                None,
            )
        });
        self.charted = charted.iter().filter_map(position).collect();
        let column = on.as_ref().and_then(position);
        self.column = column
            .and_then(|at| self.columns.iter().position(|c| *c == at))
            .unwrap_or(0);
        self.history = Some(history);
        self.error = None;
        self.row = match from {
            Some(from) => self.entry_at(AsOf::At(from)),
            None => self.entry_at(playhead),
        }
        .unwrap_or(self.entries.len().saturating_sub(1));
        // Some of what came later is in view, and more of what came before.
        self.top = self.row.saturating_sub(LATER_IN_VIEW);
    }

    /// The entry that a moment shows: the last one at or before it; `None` before the first.
    pub fn entry_at(&self, moment: AsOf) -> Option<usize> {
        let at = self
            .entries
            .partition_point(|e| e.from.ms() > moment.position_ms());
        (at < self.entries.len()).then_some(at)
    }

    /// True where a column holds numbers.
    pub fn is_numeric(&self, column: usize) -> bool {
        self.measures.get(column).is_some_and(|m| m.range.is_some())
    }

    /// The least and the greatest number of a column.
    pub fn range(&self, column: usize) -> Option<(f64, f64)> {
        self.measures.get(column)?.range
    }

    /// True where a version's value differs from that of the version before, if that one was shown until then.
    pub fn is_changed(&self, entry: &Entry, column: usize) -> bool {
        match (&self.history, entry.version, entry.kind) {
            (Some(history), Some(version), ChangeKind::Changed) => {
                history.value(version, column) != history.value(version - 1, column)
            }
            _ => false,
        }
    }

    /// The time since the entry before, in words; empty for the oldest.
    pub fn since(&self, row: usize) -> String {
        match (self.entries.get(row + 1), self.entries.get(row)) {
            (Some(before), Some(entry)) => format!("+{}", span(before.from, entry.from)),
            _ => String::new(),
        }
    }

    /// Where the value columns begin, from the list's left edge.
    pub fn values_at(&self) -> u16 {
        let (from, event_time) = self.time_widths();
        GUTTER + from + GAP + SINCE + GAP + event_time + GAP
    }

    /// Cells of the moment and of the event time.
    pub fn time_widths(&self) -> (u16, u16) {
        let longest = |precision, title: &str, times: &mut dyn Iterator<Item = EventTime>| {
            let text = |at: EventTime| at.to_text(precision).len() as u16;
            let widest = times.take(VERSIONS_MEASURED).map(text).max();
            widest.unwrap_or(0).max(title.len() as u16)
        };
        let history = self.history.as_ref();
        let len = history.map_or(0, |h| h.len());
        let mut event_times = (0..len).filter_map(|version| history.map(|h| h.event_time(version)));
        (
            longest(
                self.precisions.0,
                "shown from",
                &mut self.entries.iter().map(|e| e.from),
            ),
            longest(self.precisions.1, "event_time", &mut event_times),
        )
    }

    /// Brings cursor and columns into their bounds, and says where list and chart are.
    pub(super) fn settle(&mut self, areas: Areas) {
        let inside = Areas::inside(area(areas));
        let has_chart = !self.charted.is_empty() && inside.height >= LEAST_HEIGHT_WITH_CHART;
        let chart_height = if has_chart {
            (inside.height * 2 / 5).clamp(6, 16)
        } else {
            0
        };
        self.list = Rect {
            height: inside.height - chart_height,
            ..inside
        };
        self.chart = has_chart.then(|| Rect {
            y: self.list.bottom(),
            height: chart_height,
            ..inside
        });
        // The titles take a line.
        self.height = usize::from(self.list.height.saturating_sub(1)).max(1);
        let count = self.entries.len();
        self.row = self.row.min(count.saturating_sub(1));
        self.top = self
            .top
            .min(self.row)
            .max((self.row + 1).saturating_sub(self.height))
            .min(count.saturating_sub(self.height));
        self.column = self.column.min(self.columns.len().saturating_sub(1));
        self.first = self.first.min(self.column);
        self.place();
        while self.first < self.column && !self.is_whole(self.column) {
            self.first += 1;
            self.place();
        }
    }

    fn is_whole(&self, column: usize) -> bool {
        self.placed
            .iter()
            .any(|p| p.column == self.columns[column] && p.width >= self.measures[p.column].width)
    }

    fn place(&mut self) {
        self.placed.clear();
        let mut x = self.values_at();
        let end = self.list.width.saturating_sub(1);
        for column in self.columns.iter().skip(self.first) {
            let Measure {
                width, precision, ..
            } = self.measures[*column];
            let room = end.saturating_sub(x);
            // A number cut short would be another number.
            if room < width && !self.placed.is_empty() || room == 0 {
                break;
            }
            self.placed.push(Placed {
                column: *column,
                x,
                width: width.min(room),
                precision,
            });
            x += width + GAP;
        }
    }

    /// How many columns there are to the left and to the right of those in view.
    pub fn hidden(&self) -> (usize, usize) {
        (
            self.first,
            self.columns
                .len()
                .saturating_sub(self.first + self.placed.len()),
        )
    }

    /// The value under the cursor as programs read it.
    fn value_under_cursor(&self) -> Option<String> {
        let version = self.entries.get(self.row)?.version?;
        let column = self.columns.get(self.column)?;
        let history = self.history.as_ref()?;
        let value = history.value(version, *column);
        Some(value.to_plain().unwrap_or_default())
    }

    fn toggle_chart(&mut self) -> Result<(), String> {
        let (Some(history), Some(column)) = (&self.history, self.columns.get(self.column)) else {
            return Ok(());
        };
        if let Some(at) = self.charted.iter().position(|c| c == column) {
            self.charted.remove(at);
            return Ok(());
        }
        if !self.is_numeric(*column) {
            let name = text::ellipsis(&history.columns()[*column].name, 24);
            return Err(format!("{name} holds no numbers to chart"));
        }
        if self.charted.len() == CHARTED_AT_MOST {
            return Err(format!(
                "{CHARTED_AT_MOST} lines are all that can be told apart"
            ));
        }
        self.charted.push(*column);
        Ok(())
    }
}

/// The screen's part that the history lies over: all between the header and the timeline.
pub fn area(areas: Areas) -> Rect {
    let top = areas.header.bottom();
    Rect {
        y: top,
        height: areas.timeline.y.saturating_sub(top),
        ..areas.screen
    }
}
