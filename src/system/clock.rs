//! The wall clock, and the length of pauses.

use std::sync::OnceLock;
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

/// Returns the time to wait for a pause of `delay` between requests: `delay`, divided by `HYPERFRAMES_CI_TIME_SCALE` in tests.
///
/// The variable is a number of 1 or more; any other value counts as 1. It shortens pauses only, not limits on time such as
/// `--max-wait`.
pub(crate) fn pause(delay: Duration) -> Duration {
    static SCALE: OnceLock<f64> = OnceLock::new();
    let scale = SCALE.get_or_init(|| {
        let set = std::env::var("HYPERFRAMES_CI_TIME_SCALE").ok().and_then(|text| text.parse::<f64>().ok());
        set.filter(|scale| scale.is_finite() && *scale >= 1.0).unwrap_or(1.0)
    });
    delay.div_f64(*scale)
}
