//! The wall clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Returns the seconds since 1970-01-01T00:00:00Z, or 0 if the clock is set to an earlier time.
pub(crate) fn unix_now() -> i64 {
    unix_time_in(Duration::ZERO)
}

/// Returns [`unix_now`] plus `delay`, in whole seconds.
pub(crate) fn unix_time_in(delay: Duration) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs().saturating_add(delay.as_secs())).unwrap_or(i64::MAX)
}
