//! `:when`: the times at which a condition turns true, on the row under the cursor or on the table, and going to them.

use std::sync::Arc;

use crate::engine::{Held, Request, RequestId, Turns};
use crate::error::{Error, ErrorKind};
use crate::event_time::{AsOf, EventTime};
use crate::expr::Expression;
use crate::text::{counted, ellipsis};

use super::{App, Effect, Pending};

/// What is longer than this is cut where a line names it.
const CONDITION_WIDTH: usize = 44;
const KEY_WIDTH: usize = 24;

/// Which of the times is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The first of all.
    First,
    /// The next after the playhead.
    Next,
    /// The last before the playhead.
    Previous,
}

/// What is known of the time that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Nothing yet: more moments have to be looked at.
    NotYet,
    /// There is none.
    Nothing,
    /// It is this one of the times.
    At(usize),
}

/// A condition and the times at which it turns true.
#[derive(Debug)]
pub struct When {
    /// The condition, as written.
    pub condition: String,
    /// The table that it is asked of.
    pub table: String,
    /// The key of the row that it is on; `None` where it is on the table.
    pub key: Option<String>,
    /// What is known of the times.
    pub turns: Arc<Turns>,
    /// The search, while it goes on.
    pub pending: Option<Pending>,
    /// Why it will not go on.
    pub error: Option<Error>,
    /// The time that the person waits for.
    waiting: Option<Way>,
}

impl When {
    /// The condition in a few words, with the row that it is on.
    pub fn label(&self) -> String {
        let condition = ellipsis(&self.condition, CONDITION_WIDTH);
        match &self.key {
            Some(key) => format!("{condition} of {}", ellipsis(key, KEY_WIDTH)),
            None => condition,
        }
    }

    /// True while the person waits for a time.
    pub(super) fn is_waited_for(&self) -> bool {
        self.waiting.is_some() && self.pending.is_some()
    }

    /// The person does not wait for a time any more.
    pub(super) fn wait_no_more(&mut self) {
        self.waiting = None;
    }

    /// What is known of the time that is wanted, seen from a moment (milliseconds).
    fn find(&self, way: Way, here: i64) -> Known {
        let turns = &self.turns;
        let is_known_until = |moment| turns.known_until.is_some_and(|until| until >= moment);
        let found = match way {
            Way::First => (!turns.moments.is_empty()).then_some(0),
            Way::Next => {
                let at = turns.moments.partition_point(|at| *at <= here);
                (at < turns.moments.len()).then_some(at)
            }
            Way::Previous => turns
                .moments
                .partition_point(|at| *at < here)
                .checked_sub(1),
        };
        let is_settled = match way {
            Way::First | Way::Next => found.is_some(),
            Way::Previous => is_known_until(here),
        };
        match found {
            _ if !is_settled && !turns.is_complete => Known::NotYet,
            Some(at) => Known::At(at),
            None => Known::Nothing,
        }
    }
}

impl App {
    /// The condition whose times are known or looked for, where it is of the table on screen.
    pub fn when(&self) -> Option<&When> {
        let table = &self.current()?.name;
        self.when.as_ref().filter(|w| w.table == *table)
    }

    /// Asks when a condition turns true, and goes to the first time; an error where it is on a row and there is none.
    pub(super) fn ask_when(&mut self, condition: &Expression) -> Result<Vec<Effect>, String> {
        self.search_when(
            condition.text().to_owned(),
            condition.is_of_table(),
            Way::First,
        )
    }

    fn search_when(
        &mut self,
        condition: String,
        is_of_table: bool,
        way: Way,
    ) -> Result<Vec<Effect>, String> {
        let table = self.current().map(|t| t.name.clone());
        let table = table.ok_or("no table is open")?;
        let key = if is_of_table {
            None
        } else if self.query.is_open {
            return Err(
                "a condition on a row is for the rows of a table; Esc closes the query".to_owned(),
            );
        } else {
            let key = self.key_under_cursor();
            Some(key.ok_or("the condition is on a row, and there is no row here")?)
        };
        let ticks = self.view().and_then(|v| v.timeline.ticks.clone());
        let effect = self.send(Request::When {
            table: table.clone(),
            condition: condition.clone(),
            key: key.clone(),
            ticks: ticks.map(Held),
        });
        self.when = Some(When {
            condition,
            table,
            key,
            turns: Arc::default(),
            pending: Some(Pending {
                id: self.last_id,
                since_ms: self.clock.ms,
                progress: None,
            }),
            error: None,
            waiting: Some(way),
        });
        Ok(vec![effect])
    }

    /// Goes to the next time at which the condition turns true, or to the one before. A condition on a row is asked anew
    /// of the row under the cursor, where that is another one.
    pub(super) fn go_when(&mut self, way: Way) -> Vec<Effect> {
        let Some(when) = &self.when else {
            self.notify("no condition is asked for; w asks when one turns true");
            return Vec::new();
        };
        let is_same = Some(&when.table) == self.current().map(|t| &t.name)
            && (when.key.is_none() || self.query.is_open || when.key == self.key_under_cursor());
        let here = self.view().map_or(i64::MAX, |v| v.playhead.position_ms());
        let is_over = when.pending.is_none() && when.find(way, here) == Known::NotYet;
        if is_same && !is_over {
            if let Some(when) = &mut self.when {
                when.waiting = Some(way);
            }
            return self.answer_waiting();
        }
        let columns = self.info().map(|i| i.columns.clone()).unwrap_or_default();
        let condition = Expression::condition(&when.condition, &columns);
        let outcome = condition.map_err(|e| e.to_string()).and_then(|condition| {
            self.search_when(condition.text().to_owned(), condition.is_of_table(), way)
        });
        outcome.unwrap_or_else(|why| {
            self.notify(why);
            Vec::new()
        })
    }

    /// More is known of the times.
    pub(super) fn on_turns(&mut self, id: RequestId, turns: Arc<Turns>) -> Vec<Effect> {
        let Some(when) = self.when_of(id) else {
            return Vec::new();
        };
        if let Some(pending) = &mut when.pending {
            pending.progress = Some(turns.visited);
        }
        when.pending.take_if(|_| turns.is_complete);
        when.turns = turns;
        self.answer_waiting()
    }

    /// Nothing more will be known.
    pub(super) fn on_no_turns(&mut self, id: RequestId, error: Error) {
        let Some(when) = self.when_of(id) else { return };
        when.pending = None;
        when.waiting = None;
        let said = if error.kind() == ErrorKind::Cancelled {
            "cancelled".to_owned()
        } else {
            format!("{}: {error}", when.label())
        };
        when.error = Some(error);
        self.notify(said);
    }

    fn when_of(&mut self, id: RequestId) -> Option<&mut When> {
        let is_it = |w: &&mut When| w.pending.is_some_and(|p| p.id == id);
        self.when.as_mut().filter(is_it)
    }

    /// Goes to the time that is waited for, once it is known. The person may have gone to another table meanwhile.
    fn answer_waiting(&mut self) -> Vec<Effect> {
        let here = self.view().map_or(i64::MAX, |v| v.playhead.position_ms());
        let table = self.current().map(|t| t.name.clone());
        let Some(when) = self
            .when
            .as_mut()
            .filter(|w| Some(&w.table) == table.as_ref())
        else {
            return Vec::new();
        };
        let Some(way) = when.waiting else {
            return Vec::new();
        };
        let found = when.find(way, here);
        if found == Known::NotYet {
            return Vec::new();
        }
        when.waiting = None;
        let (label, all) = (when.label(), when.turns.moments.len());
        let Known::At(at) = found else {
            self.notify(match way {
                Way::Previous => format!("{label} does not turn true earlier"),
                Way::Next if all > 0 => format!("{label} does not turn true later"),
                Way::First | Way::Next => format!("{label} never turns true"),
            });
            return Vec::new();
        };
        let place = if when.turns.is_complete {
            format!("time {} of {all}", at + 1)
        } else {
            format!("time {}, looking on", at + 1)
        };
        let moment = AsOf::At(EventTime::from_ms(when.turns.moments[at]));
        self.notify(format!(
            "{label} turned true {}, {place}",
            super::describe(moment)
        ));
        self.go_to(moment)
    }
}

/// How far the search has come, in words.
pub fn looked_at(when: &When) -> String {
    match when.pending.and_then(|p| p.progress) {
        Some((visited, of)) if of > 0 => {
            format!("looked at {visited} of {}", counted(of, "tick"))
        }
        _ => "looking".to_owned(),
    }
}
