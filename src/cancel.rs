//! Telling a read to stop.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use crate::error::{Error, Result};

/// Tells a read to stop; clones tell the same read.
///
/// Guarantee: a read that has been told to stop ends in exactly one error, [`Error::cancelled`], and never in an
/// answer that looks complete.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<State>);

#[derive(Debug, Default)]
struct State {
    cancelled: AtomicBool,
    notify: Notify,
}

impl CancelToken {
    /// Tells the read to stop. Telling it twice does nothing more.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Release);
        self.0.notify.notify_waiters();
    }

    /// True once the read has been told to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Acquire)
    }

    /// For loops that compute: an error once the read has been told to stop.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            Err(Error::cancelled())
        } else {
            Ok(())
        }
    }

    /// Awaits a future, or stops awaiting it as soon as the read is told to stop.
    pub async fn run<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let stopped = self.0.notify.notified();
        tokio::pin!(stopped);
        // Register before looking, so that a call in between is not missed.
        stopped.as_mut().enable();
        self.check()?;
        tokio::select! {
            biased;
            () = stopped => Err(Error::cancelled()),
            done = work => done,
        }
    }
}

/// Tells a read to stop when it is dropped: nobody waits for its answer any more.
#[derive(Debug, Default)]
pub struct CancelOnDrop(CancelToken);

impl CancelOnDrop {
    /// What tells the read.
    pub fn token(&self) -> &CancelToken {
        &self.0
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
