//! How far a write has come, told on standard error now and then.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::cli::say;
use crate::text::{counted, thousands};
use crate::write::Progress;

/// Time between two lines that tell how far the work has come.
const BETWEEN_LINES: Duration = Duration::from_secs(2);

/// Waits for work, and tells now and then how far it has come.
pub(super) async fn telling<T>(
    work: impl Future<Output = T>,
    progress: &Arc<Progress>,
    length: Option<u64>,
) -> T {
    let started = Instant::now();
    let mut ticks = tokio::time::interval(BETWEEN_LINES);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks.tick().await;
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = ticks.tick() => say(&progress_line(progress, length, started.elapsed().as_secs_f64())),
        }
    }
}

fn progress_line(progress: &Progress, length: Option<u64>, seconds: f64) -> String {
    let read = progress.rows_read.load(Ordering::Relaxed);
    let written = progress.rows_written.load(Ordering::Relaxed);
    let mut line = format!(
        "{} read, {} written · {} rows/s",
        counted(read as usize, "row"),
        thousands(written as i64),
        thousands((read as f64 / seconds.max(1e-9)) as i64)
    );
    if let Some(done) = share_done(progress, length) {
        let left = seconds / done - seconds;
        line += &format!(" · {:.0}% · about {left:.0} s left", done * 100.0);
    }
    line
}

/// How much of the work is done, where that can be told.
fn share_done(progress: &Progress, length: Option<u64>) -> Option<f64> {
    let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
    let (read, written) = (of(&progress.rows_read), of(&progress.rows_written));
    let share = |part: f64, whole: f64| (whole > 0.0).then(|| (part / whole).min(1.0));
    let done = if let Some(length) = length {
        // Reading and writing take about the same.
        let of_read = share(of(&progress.bytes_read), length as f64)?;
        f64::midpoint(of_read, of_read * written / read.max(1.0))
    } else {
        // A compaction writes as it reads.
        share(read, of(&progress.rows_expected))?
    };
    (done > 0.0).then_some(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_told_where_it_is_known() {
        let progress = Progress::default();
        progress.rows_read.store(2_000, Ordering::Relaxed);
        let line = |length| progress_line(&progress, length, 4.0);
        assert_eq!(line(None), "2,000 rows read, 0 written · 500 rows/s");
        progress.rows_expected.store(8_000, Ordering::Relaxed);
        let said = "2,000 rows read, 0 written · 500 rows/s · 25% · about 12 s left";
        assert_eq!(line(None), said);
        progress.bytes_read.store(50, Ordering::Relaxed);
        progress.rows_written.store(1_000, Ordering::Relaxed);
        let said = "2,000 rows read, 1,000 written · 500 rows/s · 38% · about 7 s left";
        assert_eq!(line(Some(100)), said);
    }
}
