//! Retries of writes that conflict with other jobs.

use std::time::Duration;

use crate::system::{clock, random};

/// Factor that pauses are shortened by in unit tests.
const SCALE: u32 = if cfg!(test) { 40 } else { 1 };

/// Sleeps before a retry, for a random time of 0.1 s up to 6.5 s that grows with the number of earlier attempts. The first
/// attempt does not wait.
pub(super) fn wait_before(attempt: u32) {
    if attempt > 0 {
        wait(Duration::from_millis(100 + random() % (400 << attempt.min(4))));
    }
}

/// Sleeps for `pause`.
pub(super) fn wait(pause: Duration) {
    std::thread::sleep(clock::pause(pause / SCALE));
}
