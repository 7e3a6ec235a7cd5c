//! Reports of bytes on their way, not too many of them.

use std::time::{Duration, Instant};

/// The shortest pause between two reports of bytes on their way.
const REPORT_PAUSE: Duration = Duration::from_millis(100);

/// Lets reports of bytes through now and then, at every tenth, and at the end.
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
