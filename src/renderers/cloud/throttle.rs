//! Limits the number of progress reports of transfers.

use std::time::{Duration, Instant};

/// Minimum time between two progress reports of a transfer.
const REPORT_PAUSE: Duration = Duration::from_millis(100);

/// Allows a progress report after a pause, at every tenth of the total, and at the end.
#[derive(Default)]
pub(super) struct Throttle {
    last: Option<(Instant, u64)>,
}

impl Throttle {
    /// Returns whether to report that `done` of `total` bytes were transferred.
    pub(super) fn is_due(&mut self, done: u64, total: u64) -> bool {
        let tenth = done.saturating_mul(10).checked_div(total).unwrap_or_default();
        let is_due = self.last.is_none_or(|(at, last)| tenth != last || at.elapsed() >= REPORT_PAUSE);
        if is_due {
            self.last = Some((Instant::now(), tenth));
        }
        is_due || done == total
    }
}
