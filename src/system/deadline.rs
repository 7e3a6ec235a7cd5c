//! The time limit of work that waits for something else: a server, a lock, a child process.

use std::time::{Duration, Instant};

/// How long a request may take that begins when the time is over, such as the last poll.
const GRACE: Duration = Duration::from_secs(1);

/// A point in time by which work ends, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// No limit.
    pub(crate) const NEVER: Self = Self(None);

    /// Returns the deadline of work that begins now and may take `limit`.
    pub(crate) fn after(limit: Duration) -> Self {
        Self::since(Instant::now(), limit)
    }

    /// Returns the deadline of work that began at `began` and may take `limit`.
    pub(crate) fn since(began: Instant, limit: Duration) -> Self {
        Self(began.checked_add(limit))
    }

    /// Returns the time that is left, zero if it is over; `None` without a limit.
    pub(crate) fn left(self) -> Option<Duration> {
        self.0.map(|end| end.saturating_duration_since(Instant::now()))
    }

    /// Returns whether the deadline has passed.
    pub(crate) fn is_over(self) -> bool {
        self.left() == Some(Duration::ZERO)
    }

    /// Returns the shorter of `limit` and the time that is left.
    pub(crate) fn limit(self, limit: Duration) -> Duration {
        self.left().map_or(limit, |left| left.min(limit))
    }

    /// Returns the time that a request may take, with a second of grace for a request that begins at the end; zero once
    /// that is over as well, and `None` without a limit.
    pub(crate) fn request_time(self) -> Option<Duration> {
        self.0.map(|end| (end + GRACE).saturating_duration_since(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_no_clock_can_hold_is_none() {
        assert_eq!(Deadline::after(Duration::MAX), Deadline::NEVER);
        assert!(!Deadline::NEVER.is_over() && Deadline::NEVER.left().is_none());
    }

    #[test]
    fn a_request_at_the_end_has_a_moment() {
        let over = Deadline::after(Duration::ZERO);
        assert!(over.is_over() && over.request_time() > Some(Duration::from_millis(500)));
        assert_eq!(over.limit(Duration::from_secs(5)), Duration::ZERO);
        assert_eq!(Deadline::NEVER.limit(Duration::from_secs(5)), Duration::from_secs(5));
    }
}
