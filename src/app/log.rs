//! What the engine was asked and what became of it. The log view and the log file read this one list.
//!
//! No line holds a value of the data, a text that the person typed, or a secret: statements, conditions, patterns and
//! keys are left out, and errors name stores without their credentials.

use std::collections::VecDeque;
use std::fmt;

use crate::engine::{Answer, Arrangement, Exported, Lane, Reply, Request, RequestId};
use crate::error::{Error, ErrorKind};
use crate::event_time::EventTime;
use crate::format::Projection;
use crate::scan::ScanCost;
use crate::text::{bytes, counted, thousands};

use super::Clock;

/// Lines kept; older ones go.
const KEPT: usize = 2_000;

/// Requests remembered until their answer comes; one that was overtaken while it waited is never answered.
const OPEN_AT_MOST: usize = 64;

/// What a line tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogKind {
    /// Something was asked.
    Asked,
    /// An answer.
    Answered,
    /// A request that was cancelled.
    Cancelled,
    /// A request that failed, or something else that went wrong.
    Failed,
}

impl LogKind {
    /// A sign for it, so that nothing depends on colour.
    pub fn sign(self) -> char {
        match self {
            Self::Asked => '→',
            Self::Answered => '←',
            Self::Cancelled => '×',
            Self::Failed => '!',
        }
    }
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When.
    pub at: EventTime,
    /// What sort of line.
    pub kind: LogKind,
    /// The words, safe for a terminal.
    pub text: String,
}

/// As a file has it.
impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.at, self.kind.sign(), self.text)
    }
}

/// What happened, oldest first, and bounded.
#[derive(Debug, Default)]
pub struct Log {
    lines: VecDeque<LogLine>,
    /// Lines that went to make room.
    gone: usize,
    /// Requests without an answer, and when they were asked.
    open: VecDeque<(RequestId, u64)>,
}

impl Log {
    /// The lines that are kept, oldest first.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = &LogLine> {
        self.lines.iter()
    }

    /// The lines behind the first `seen` ones ever, as far as they are kept, and how many there have been.
    pub fn since(&self, seen: usize) -> (impl Iterator<Item = &LogLine>, usize) {
        let skipped = seen.saturating_sub(self.gone);
        (
            self.lines.iter().skip(skipped),
            self.gone + self.lines.len(),
        )
    }

    fn add(&mut self, at: EventTime, kind: LogKind, text: String) {
        if self.lines.len() >= KEPT {
            self.lines.pop_front();
            self.gone += 1;
        }
        self.lines.push_back(LogLine { at, kind, text });
    }

    /// Something went wrong that is no answer of the engine.
    pub(super) fn fault(&mut self, clock: Clock, text: &str) {
        self.add(clock.wall, LogKind::Failed, crate::text::visible(text));
    }

    /// A request goes to the engine.
    pub(super) fn asked(&mut self, clock: Clock, id: RequestId, request: &Request) {
        if self.open.len() >= OPEN_AT_MOST {
            self.open.pop_front();
        }
        self.open.push_back((id, clock.ms));
        let text = format!("#{} {}", id.0, crate::text::visible(&asked(request)));
        self.add(clock.wall, LogKind::Asked, text);
    }

    /// An answer came.
    pub(super) fn answered(&mut self, clock: Clock, reply: &Reply) {
        let Some((kind, text)) = answered(reply) else {
            return;
        };
        let asked = self.open.iter().position(|(id, _)| *id == reply.id);
        let asked = asked.and_then(|at| self.open.remove(at));
        let ms = asked.map_or_else(String::new, |(_, since)| {
            format!(", {} ms", clock.ms.saturating_sub(since))
        });
        self.add(
            clock.wall,
            kind,
            format!("#{} {}{ms}", reply.id.0, crate::text::visible(&text)),
        );
    }
}

/// A request in words.
fn asked(request: &Request) -> String {
    let columns = |projection: &Projection| match projection {
        Projection::All => "all columns".to_owned(),
        Projection::Columns(names) => counted(names.len(), "column"),
    };
    let arranged = |arrangement: &Arrangement| {
        let filtered = arrangement.filter.as_ref().map_or("", |_| ", filtered");
        let sorted = arrangement.sort.as_ref().map_or("", |_| ", sorted");
        [filtered, sorted].concat()
    };
    match request {
        Request::Tables { .. } => "the tables".to_owned(),
        Request::Timeline { table } => format!("the ticks of {table}"),
        Request::Snapshot {
            table,
            as_of,
            projection,
        } => format!("rows of {table} as of {as_of}, {}", columns(projection)),
        Request::Arranged {
            table,
            as_of,
            projection,
            arrangement,
        } => {
            format!(
                "rows of {table} as of {as_of}, {}{}",
                columns(projection),
                arranged(arrangement)
            )
        }
        Request::Find { .. } => "the next match".to_owned(),
        Request::Compare {
            table,
            from,
            to,
            projection,
            arrangement,
        } => format!(
            "{table} as of {from} compared with {to}, {}{}",
            columns(projection),
            arranged(arrangement)
        ),
        Request::Row { table, as_of, .. } => format!("a row of {table} as of {as_of}"),
        Request::Why { table, as_of, .. } => format!("why a row of {table} is there as of {as_of}"),
        Request::History { table, .. } => format!("the history of a key of {table}"),
        Request::Export { rows, format, .. } => {
            let what = match rows {
                Exported::Rows { .. } => "rows",
                Exported::Changes { .. } => "changes",
                Exported::Result(_) => "the rows of a query",
            };
            format!("{what} to a file, {format:?}")
        }
        Request::Query { as_of, compare, .. } => match compare {
            Some((a, _)) => format!("a query as of {a} compared with {as_of}"),
            None => format!("a query as of {as_of}"),
        },
        Request::Statistics { table, .. } => format!("what a column of {table} holds"),
        Request::When { table, key, .. } => match key {
            Some(_) => format!("when a condition on a row of {table} turns true"),
            None => format!("when a condition on {table} turns true"),
        },
        Request::Series {
            table, function, ..
        } => format!("{} over time of {table}", function.name()),
        Request::RowCounts { tables } => {
            format!("row counts of {}", counted(tables.len(), "table"))
        }
    }
}

/// A fault without what the person typed: of a statement, where it is wrong, and of a file, that it is.
pub fn untold(error: &Error) -> String {
    match error.kind() {
        ErrorKind::Query => match error.text_position() {
            Some((line, column)) => {
                format!("the statement is wrong at line {line}, column {column}")
            }
            None => "the statement cannot be answered".to_owned(),
        },
        ErrorKind::Output => "the file cannot be written".to_owned(),
        ErrorKind::Exists => "a file of that name is there already".to_owned(),
        _ => error.to_string(),
    }
}

/// An answer in words, if it is one to tell of: the last of its request, or one that failed in part.
fn answered(reply: &Reply) -> Option<(LogKind, String)> {
    let rows = |count: usize| counted(count, "row");
    let text = match &reply.answer {
        Answer::Failed(error) if error.kind() == ErrorKind::Cancelled => {
            return Some((LogKind::Cancelled, "cancelled".to_owned()));
        }
        Answer::Failed(error) => {
            return Some((LogKind::Failed, format!("failed: {}", untold(error))));
        }
        Answer::Table(name, Err(error)) | Answer::RowCount(name, Err(error)) => {
            return Some((LogKind::Failed, format!("{name} failed: {error}")));
        }
        Answer::Ticks(ticks) => counted(ticks.len(), "tick"),
        Answer::Snapshot(s) => format!("{}; {}", rows(s.len()), cost(&s.cost())),
        Answer::Arranged(s, _, order) => format!(
            "{} of {}; {}",
            thousands(order.len() as i64),
            rows(s.len()),
            cost(&s.cost())
        ),
        Answer::Compared(diff, None) => format!("{} on either side", counted(diff.len(), "key")),
        Answer::Compared(diff, Some(arranged)) => format!(
            "{} of {}",
            thousands(arranged.order.positions.len() as i64),
            counted(diff.len(), "key")
        ),
        Answer::Statistics(statistics) => {
            rows(usize::try_from(statistics.rows).unwrap_or(usize::MAX))
        }
        Answer::Turns(turns) if turns.is_complete => counted(turns.moments.len(), "time"),
        Answer::Series(line) if line.known == line.moments.len() => counted(line.known, "moment"),
        Answer::Found(found) => match found {
            Some(_) => "a match".to_owned(),
            None => "no match".to_owned(),
        },
        Answer::Row(_, Some(_)) => "the row".to_owned(),
        Answer::Row(_, None) => "no such row".to_owned(),
        Answer::Why(why) => format!("{} of the key", rows(why.rows.len())),
        Answer::History(history) => counted(history.len(), "version"),
        Answer::Exported(count) => format!("{} written", rows(*count)),
        Answer::QueryRows(result) if result.is_complete => rows(result.len()),
        Answer::QueryCompared(diff, _) => format!("{} on either side", counted(diff.len(), "key")),
        Answer::Done if matches!(reply.lane, Lane::Tables | Lane::Statistics) => "done".to_owned(),
        Answer::TableNames(_)
        | Answer::Turns(_)
        | Answer::Series(_)
        | Answer::Table(_, Ok(_))
        | Answer::TimelineProgress(_)
        | Answer::SnapshotProgress(..)
        | Answer::QueryRows(_)
        | Answer::RowCount(_, Ok(_))
        | Answer::Done => return None,
    };
    Some((LogKind::Answered, text))
}

/// What a read took of the store.
fn cost(cost: &ScanCost) -> String {
    // An index answers without a file.
    if cost.files == 0 {
        return "from memory".to_owned();
    }
    let files = counted(cost.files, "file");
    if cost.requests == 0 {
        return format!("{files} from memory");
    }
    let requests = counted(cost.requests as usize, "request");
    format!("{files}, {}, {requests}", bytes(cost.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::event_time::AsOf;

    fn clock(ms: u64) -> Clock {
        Clock {
            ms,
            wall: EventTime::from_ms(ms as i64),
        }
    }

    fn texts(log: &Log) -> Vec<&str> {
        log.lines().map(|l| l.text.as_str()).collect()
    }

    #[test]
    fn what_was_typed_is_left_out_and_how_long_it_took_is_told() {
        let mut log = Log::default();
        let query = Request::Query {
            sql: "SELECT 'secret'".to_owned(),
            as_of: AsOf::Current,
            compare: None,
        };
        log.asked(clock(5), RequestId(7), &query);
        log.asked(
            clock(6),
            RequestId(8),
            &Request::Why {
                table: "t\x1b".to_owned(),
                as_of: AsOf::Current,
                key: "secret".to_owned(),
            },
        );
        let failed = Reply {
            id: RequestId(7),
            lane: Lane::Query,
            answer: Answer::Failed(Error::cancelled()),
        };
        log.answered(clock(25), &failed);
        assert_eq!(
            texts(&log),
            [
                "#7 a query as of current",
                "#8 why a row of t␛ is there as of current",
                "#7 cancelled, 20 ms"
            ]
        );
    }

    #[test]
    fn the_list_is_bounded_and_its_reader_misses_nothing_that_is_kept() {
        let mut log = Log::default();
        for i in 0..KEPT + 10 {
            log.fault(clock(0), &i.to_string());
        }
        assert_eq!(log.lines().len(), KEPT);
        assert_eq!(log.lines().next().map(|l| l.text.as_str()), Some("10"));
        let (new, seen) = log.since(KEPT + 8);
        assert_eq!(
            new.map(|l| l.text.as_str()).collect::<Vec<_>>(),
            [(KEPT + 8).to_string(), (KEPT + 9).to_string()]
        );
        assert_eq!(log.since(seen).0.count(), 0);
        assert_eq!(log.since(0).0.count(), KEPT);
    }
}
