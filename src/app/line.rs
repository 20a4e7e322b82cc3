//! The line over time in the timeline: the number of rows, or an aggregate of a column, at every tick.

use std::sync::Arc;

use crate::aggregate::Point;
use crate::engine::{Held, OverTime, Request, RequestId};
use crate::error::{Error, ErrorKind};
use crate::expr::AggregateFunction;
use crate::format::DataType;
use crate::text::ellipsis;

use super::{App, Effect, Panel, Pending, TableView};

/// What is longer than this is cut where a line names it.
const NAME_WIDTH: usize = 28;

/// What the line is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// The aggregate.
    pub function: AggregateFunction,
    /// The column; `None` where rows are counted.
    pub column: Option<String>,
}

impl Measure {
    const ROWS: Self = Self {
        function: AggregateFunction::Count,
        column: None,
    };

    /// What it is called on screen.
    pub fn label(&self) -> String {
        match &self.column {
            None => "rows".to_owned(),
            Some(column) => format!("{}({})", self.function.name(), ellipsis(column, NAME_WIDTH)),
        }
    }

    /// The one after this, as the key goes through them: the rows, then the aggregates of a column, then none. On
    /// another column it is the same aggregate of that.
    fn next(&self, column: Option<&str>) -> Option<Self> {
        const ORDER: [AggregateFunction; 5] = [
            AggregateFunction::Sum,
            AggregateFunction::Mean,
            AggregateFunction::Min,
            AggregateFunction::Max,
            AggregateFunction::Count,
        ];
        let column = column?.to_owned();
        let function = match &self.column {
            None => ORDER[0],
            Some(own) if *own != column => self.function,
            Some(_) => {
                let at = ORDER.iter().position(|f| *f == self.function)?;
                *ORDER.get(at + 1)?
            }
        };
        Some(Self {
            function,
            column: Some(column),
        })
    }
}

/// The line over time of a table.
#[derive(Debug)]
pub struct Line {
    /// What it is of.
    pub of: Measure,
    /// What is known of it.
    pub series: Arc<OverTime>,
    /// The work, while it goes on.
    pub pending: Option<Pending>,
    /// Why it will not go on.
    pub error: Option<Error>,
}

/// Where the line is in a stretch of time: its least and its greatest value; `None` where it has none.
pub type Span = Option<(f64, f64)>;

impl Line {
    /// The value at a moment (milliseconds), and whether it is known to be that: there may be a moment between, whose
    /// value is not known yet. `None` before the first, and where there is none.
    pub fn value_at(&self, at: i64) -> Option<(f64, bool)> {
        let end = self.series.moments.partition_point(|m| *m <= at);
        let points = &self.series.points[..end.min(self.series.points.len())];
        let known = points.iter().rposition(|p| *p != Point::Unknown)?;
        match points[known] {
            Point::Value(value) => Some((value, known + 1 == points.len())),
            Point::Unknown | Point::Nothing => None,
        }
    }

    /// The line in each of `count` equal parts of the stretch `from..=to` (milliseconds): each value holds until the next
    /// one that is known.
    pub fn spans(&self, (from, to): (i64, i64), count: u32) -> Vec<Span> {
        let length = i128::from(to) - i128::from(from) + 1;
        let edge =
            |part: u32| i128::from(from) + length * i128::from(part) / i128::from(count.max(1));
        let (moments, points) = (&self.series.moments, &self.series.points);
        let mut next = moments.partition_point(|m| *m < from);
        let before = self.value_at(from.saturating_sub(1));
        let mut now = before.map(|(value, _)| value).filter(|v| v.is_finite());
        let mut spans = Vec::with_capacity(count as usize);
        for part in 0..count {
            let end = edge(part + 1);
            let mut span = now.map(|v| (v, v));
            while next < moments.len() && i128::from(moments[next]) < end {
                let point = points.get(next).copied().unwrap_or(Point::Unknown);
                next += 1;
                now = match point {
                    Point::Unknown => continue,
                    Point::Value(value) if value.is_finite() => Some(value),
                    Point::Value(_) | Point::Nothing => None,
                };
                if let Some(v) = now {
                    let (least, greatest) = span.unwrap_or((v, v));
                    span = Some((least.min(v), greatest.max(v)));
                }
            }
            spans.push(span);
        }
        spans
    }
}

impl TableView {
    /// The name of the column that is selected, if it holds numbers.
    fn selected_number(&self, focus: Panel) -> Option<&str> {
        let (name, data_type) = if focus == Panel::Columns {
            let column = self.columns.get(self.column_cursor)?;
            (&column.name, column.data_type)
        } else {
            let column = self.grid.columns.get(self.grid.column)?;
            (&column.name, column.data_type)
        };
        matches!(data_type, DataType::Int | DataType::Float).then_some(name.as_str())
    }
}

impl App {
    /// Shows the next line: the number of rows, then the aggregates of the selected column, then none.
    pub(super) fn next_line(&mut self) -> Vec<Effect> {
        let Some(view) = self.view() else {
            return Vec::new();
        };
        let column = view.selected_number(self.focus);
        let next = match &view.line {
            None => Some(Measure::ROWS),
            Some(line) => line.of.next(column),
        };
        let said = match &next {
            None => "no line".to_owned(),
            Some(of) if column.is_none() => {
                format!(
                    "line: {} (on a column of numbers, v goes on with that)",
                    of.label()
                )
            }
            Some(of) => format!("line: {}", of.label()),
        };
        self.notify(said);
        self.show_line(next)
    }

    /// Reads what a line is to be of: `off`, `rows`, `sum`, `sum revenue` or `sum(revenue)`.
    pub(super) fn line_of(&mut self, typed: &str) -> Result<Vec<Effect>, String> {
        let view = self.view().ok_or("no table is open")?;
        let typed = typed.trim();
        let of = match typed {
            "off" => None,
            "rows" => Some(Measure::ROWS),
            _ => {
                let (name, column) = typed
                    .split_once(['(', ' '])
                    .map_or((typed, None), |(name, column)| {
                        (name, Some(column.trim_end_matches(')').trim()))
                    });
                let function = AggregateFunction::ALL
                    .into_iter()
                    .find(|f| f.name() == name)
                    .ok_or_else(|| {
                        format!("'{name}' is no line; rows, sum, mean, min, max, count and off are")
                    })?;
                let selected = || view.selected_number(self.focus);
                let column = column.filter(|c| !c.is_empty()).or_else(selected);
                let column =
                    column.ok_or_else(|| format!("name a column of numbers: {name} revenue"))?;
                if !self.number_columns().any(|c| c == column) {
                    return Err(format!("'{column}' is no column of numbers"));
                }
                Some(Measure {
                    function,
                    column: Some(column.to_owned()),
                })
            }
        };
        Ok(self.show_line(of))
    }

    /// The columns that a line may be of.
    pub(super) fn number_columns(&self) -> impl Iterator<Item = &str> {
        let columns = self.info().map(|i| i.columns.iter());
        let is_number = |t| matches!(t, DataType::Int | DataType::Float);
        columns
            .into_iter()
            .flatten()
            .filter(move |c| is_number(c.data_type))
            .map(|c| c.name.as_str())
    }

    /// The lines that there are, by name.
    pub(super) fn lines(&self) -> Vec<String> {
        let of_columns = self.number_columns().flat_map(|column| {
            AggregateFunction::ALL
                .into_iter()
                .map(move |f| format!("{} {column}", f.name()))
        });
        let selected = self.view().and_then(|v| v.selected_number(self.focus));
        let of_selected = AggregateFunction::ALL
            .into_iter()
            .filter(|_| selected.is_some())
            .map(|f| f.name().to_owned());
        let own = ["rows", "off"].map(str::to_owned);
        own.into_iter()
            .chain(of_selected)
            .chain(of_columns)
            .collect()
    }

    fn show_line(&mut self, of: Option<Measure>) -> Vec<Effect> {
        let table = self.current().map(|t| t.name.clone());
        let Some((table, view)) = table.zip(self.view_mut()) else {
            return Vec::new();
        };
        let before = view.line.take();
        let Some(of) = of else {
            let is_running = before.is_some_and(|line| line.pending.is_some());
            return is_running
                .then_some(Effect::Cancel(crate::engine::Lane::Series))
                .into_iter()
                .collect();
        };
        let request = Request::Series {
            table,
            function: of.function,
            column: of.column.clone(),
            ticks: view.timeline.ticks.clone().map(Held),
        };
        let effect = self.send(request);
        let pending = Pending {
            id: self.last_id,
            since_ms: self.clock.ms,
            progress: None,
        };
        // One line is worked on at a time: that of another table waits until the table is opened again.
        for view in self.tables.iter_mut().filter_map(|t| t.view.as_mut()) {
            if let Some(line) = &mut view.line {
                line.pending = None;
            }
        }
        if let Some(view) = self.view_mut() {
            view.line = Some(Line {
                of,
                series: Arc::default(),
                pending: Some(pending),
                error: None,
            });
        }
        vec![effect]
    }

    /// Takes up the line of the table on screen where it gave way to that of another table.
    pub(super) fn resume_line(&mut self) -> Vec<Effect> {
        let line = self.view().and_then(|v| v.line.as_ref());
        let is_whole = |line: &Line| {
            let series = &line.series;
            !series.moments.is_empty() && series.known == series.moments.len()
        };
        let cut = line.filter(|l| l.pending.is_none() && l.error.is_none() && !is_whole(l));
        match cut.map(|line| line.of.clone()) {
            Some(of) => self.show_line(Some(of)),
            None => Vec::new(),
        }
    }

    /// More of the line is known.
    pub(super) fn on_series(&mut self, id: RequestId, series: Arc<OverTime>) {
        if let Some(line) = self.line_of_request(id) {
            line.pending
                .take_if(|_| series.known == series.moments.len());
            line.series = series;
        }
    }

    /// No more of the line will be known.
    pub(super) fn on_no_series(&mut self, id: RequestId, error: Error) {
        let Some(line) = self.line_of_request(id) else {
            return;
        };
        line.pending = None;
        let label = line.of.label();
        let is_cancelled = error.kind() == ErrorKind::Cancelled;
        let said = format!("{label}: {error}");
        line.error = Some(error);
        if !is_cancelled {
            self.notify(said);
        }
    }

    /// The work on the line of the table on screen.
    pub(super) fn line_pending(&self) -> Option<Pending> {
        self.view()?.line.as_ref()?.pending
    }

    fn line_of_request(&mut self, id: RequestId) -> Option<&mut Line> {
        let views = self.tables.iter_mut().filter_map(|t| t.view.as_mut());
        let mut lines = views.filter_map(|v| v.line.as_mut());
        lines.find(|line| line.pending.is_some_and(|p| p.id == id))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp, reason = "the values are whole")]

    use super::*;

    fn line(points: &[(i64, Point)]) -> Line {
        Line {
            of: Measure::ROWS,
            series: Arc::new(OverTime {
                moments: points.iter().map(|p| p.0).collect(),
                points: points.iter().map(|p| p.1).collect(),
                known: 0,
            }),
            pending: None,
            error: None,
        }
    }

    #[test]
    fn a_value_holds_until_the_next_one_that_is_known() {
        use Point::{Nothing, Unknown, Value};
        let line = line(&[
            (0, Value(1.0)),
            (20, Unknown),
            (45, Value(3.0)),
            (47, Value(2.0)),
            (70, Nothing),
        ]);
        assert_eq!(
            line.spans((-10, 89), 10),
            [
                None,
                Some((1.0, 1.0)),
                Some((1.0, 1.0)),
                Some((1.0, 1.0)),
                Some((1.0, 1.0)),
                Some((1.0, 3.0)),
                Some((2.0, 2.0)),
                Some((2.0, 2.0)),
                Some((2.0, 2.0)),
                None,
            ]
        );
        // A stretch that begins between two moments begins with what holds then.
        assert_eq!(line.spans((50, 59), 2), [Some((2.0, 2.0)); 2]);
        assert_eq!(line.value_at(-1), None);
        assert_eq!(line.value_at(19), Some((1.0, true)));
        assert_eq!(line.value_at(20), Some((1.0, false)));
        assert_eq!(line.value_at(46), Some((3.0, true)));
        assert_eq!(line.value_at(i64::MAX), None);
        assert_eq!(line.spans((i64::MIN, i64::MAX), 3).len(), 3);
    }

    #[test]
    fn the_key_goes_through_the_lines_of_a_column_and_stays_on_its_aggregate_elsewhere() {
        let mut of = Some(Measure::ROWS);
        let mut seen = Vec::new();
        while let Some(now) = of {
            seen.push(now.label());
            of = now.next(Some("n"));
        }
        assert_eq!(
            seen,
            ["rows", "sum(n)", "mean(n)", "min(n)", "max(n)", "count(n)"]
        );
        let mean = Measure {
            function: AggregateFunction::Mean,
            column: Some("n".to_owned()),
        };
        assert_eq!(
            mean.next(Some("m")).map(|m| m.label()),
            Some("mean(m)".to_owned())
        );
        assert_eq!(mean.next(None), None);
    }
}
