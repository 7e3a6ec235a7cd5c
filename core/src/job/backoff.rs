//! Delays before retries, as pure functions.

use std::time::Duration;

/// The first pause after a failed request.
const BASE: Duration = Duration::from_millis(500);

/// Maximum delay, even if the server requests more: a CI job has a time limit.
const LONGEST: Duration = Duration::from_secs(60);

/// Returns the delay before retrying a request that has failed `attempt` times (1 or more).
///
/// The server's `Retry-After` takes precedence, but a server that keeps requesting no delay is not flooded; otherwise the delay
/// doubles with each attempt and is spread between half and the whole by `seed`, so that jobs that failed together do not return
/// together.
#[must_use]
pub fn retry_delay(attempt: u32, retry_after: Option<Duration>, seed: u64) -> Duration {
    if let Some(asked) = retry_after {
        let least = if attempt > 1 { BASE } else { Duration::ZERO };
        return asked.clamp(least, LONGEST);
    }
    let whole = BASE.saturating_mul(1 << attempt.saturating_sub(1).min(10)).min(LONGEST);
    let spread = mix(seed ^ u64::from(attempt)) % 1000;
    let half = whole / 2;
    half + half.mul_f64(spread as f64 / 1000.0)
}

/// The pause before the first poll of a render that was submitted a moment ago: it may be the replay of one that has
/// ended long ago.
const FIRST_POLL: Duration = Duration::from_millis(100);

/// The shortest pause between two polls.
const SHORTEST_POLL: Duration = Duration::from_millis(300);

/// Returns the delay before the next poll, `waited` after the submission: a sixth of the time waited so far, so that a short
/// render is noticed at once and a long one costs few requests, and never longer than `interval`.
#[must_use]
pub fn poll_delay(waited: Duration, interval: Duration) -> Duration {
    let shortest = if waited.is_zero() { FIRST_POLL } else { SHORTEST_POLL };
    (waited / 6).max(shortest).min(interval)
}

/// Applies `SplitMix64`'s finalizer, which spreads close seeds over all values.
fn mix(seed: u64) -> u64 {
    let mut value = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_within_their_bounds() {
        for attempt in 1..40 {
            for seed in 0..50 {
                let delay = retry_delay(attempt, None, seed);
                let whole = BASE.saturating_mul(1 << (attempt - 1).min(10)).min(LONGEST);
                assert!(delay >= whole / 2 && delay <= whole, "{attempt} {seed}: {delay:?}");
            }
        }
        assert_ne!(retry_delay(3, None, 1), retry_delay(3, None, 2));
    }

    #[test]
    fn the_server_decides_within_reason() {
        assert_eq!(retry_delay(5, Some(Duration::from_secs(7)), 0), Duration::from_secs(7));
        assert_eq!(retry_delay(1, Some(Duration::from_secs(86_400)), 0), LONGEST);
        assert_eq!(
            [1, 2, 50].map(|tries| retry_delay(tries, Some(Duration::ZERO), 0)),
            [Duration::ZERO, BASE, BASE]
        );
    }

    #[test]
    fn a_render_of_three_seconds_is_noticed_soon_and_with_few_polls() {
        let (mut now, mut polls) = (Duration::ZERO, 1);
        while now < Duration::from_secs(3) {
            now += poll_delay(now, Duration::from_secs(10));
            polls += 1;
        }
        assert!(now <= Duration::from_millis(3500) && polls <= 12, "{polls} polls, noticed at {now:?}");
        assert_eq!(poll_delay(Duration::from_secs(600), Duration::from_secs(10)), Duration::from_secs(10));
    }
}
