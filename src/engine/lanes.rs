//! Which request of a lane runs: one at a time, the newest next.

use std::time::{Duration, Instant};

use crate::cancel::CancelToken;

use super::protocol::{Request, RequestId};

/// A request that is overtaken may still finish within this time of its start, so that a held key shows moments on its
/// way; after it, it is cancelled.
pub(super) const GRACE: Duration = Duration::from_millis(120);

/// One lane: at most one request runs and one waits.
#[derive(Debug, Default)]
pub(super) struct LaneState {
    running: Option<Running>,
    waiting: Option<(RequestId, Request)>,
}

#[derive(Debug)]
struct Running {
    id: RequestId,
    cancel: CancelToken,
    started: Instant,
}

impl LaneState {
    /// Takes a request; it replaces the one that waits.
    pub(super) fn push(&mut self, id: RequestId, request: Request) {
        self.waiting = Some((id, request));
    }

    /// The request to start now, if none runs; the token stops it.
    pub(super) fn next(&mut self, now: Instant) -> Option<(RequestId, Request, CancelToken)> {
        if self.running.is_some() {
            return None;
        }
        let (id, request) = self.waiting.take()?;
        let cancel = CancelToken::default();
        self.running = Some(Running {
            id,
            cancel: cancel.clone(),
            started: now,
        });
        Some((id, request, cancel))
    }

    /// The request has ended, whichever way.
    pub(super) fn ended(&mut self, id: RequestId) {
        if self.running.as_ref().is_some_and(|r| r.id == id) {
            self.running = None;
        }
    }

    /// When the request that runs must give way to the one that waits.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let running = self.running.as_ref().filter(|r| !r.cancel.is_cancelled())?;
        self.waiting.as_ref().map(|_| running.started + GRACE)
    }

    /// Cancels the request that runs if it has been overtaken and had its time.
    pub(super) fn expire(&mut self, now: Instant) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.cancel_running();
        }
    }

    /// Cancels the request that runs and forgets the one that waits, which is answered for by the caller.
    pub(super) fn cancel(&mut self) -> Option<RequestId> {
        self.cancel_running();
        self.waiting.take().map(|(id, _)| id)
    }

    fn cancel_running(&self) {
        if let Some(running) = &self.running {
            running.cancel.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> Request {
        Request::Tables { first: None }
    }

    #[test]
    fn one_runs_one_waits_and_the_newest_replaces_the_one_that_waits() {
        let mut lane = LaneState::default();
        let now = Instant::now();
        lane.push(RequestId(1), tables());
        let (id, _, first) = lane.next(now).expect("starts");
        assert_eq!(id, RequestId(1));
        lane.push(RequestId(2), tables());
        lane.push(RequestId(3), tables());
        assert!(lane.next(now).is_none());
        lane.expire(now);
        assert!(!first.is_cancelled(), "it has its grace");
        lane.expire(now + GRACE);
        assert!(first.is_cancelled());
        lane.ended(RequestId(1));
        assert_eq!(lane.next(now).map(|(id, ..)| id), Some(RequestId(3)));
        assert_eq!(lane.deadline(), None);
    }

    #[test]
    fn cancelling_stops_the_one_and_forgets_the_other() {
        let mut lane = LaneState::default();
        lane.push(RequestId(1), tables());
        let (_, _, token) = lane.next(Instant::now()).expect("starts");
        lane.push(RequestId(2), tables());
        assert_eq!(lane.cancel(), Some(RequestId(2)));
        assert!(token.is_cancelled());
        lane.ended(RequestId(1));
        assert!(lane.next(Instant::now()).is_none());
    }
}
