//! Retries of writes that conflict with other jobs.

use std::time::Duration;

/// Sleeps before a retry, for a random time of 0.1 s up to 3.3 s that grows with the number of earlier attempts. The first
/// attempt does not wait.
pub(super) fn wait_before(attempt: u32) {
    if attempt > 0 {
        let milliseconds = 100 + crate::system::random() % (400 << attempt.min(3));
        std::thread::sleep(Duration::from_millis(milliseconds));
    }
}
