//! Rate limits of the services' APIs.
//!
//! Sources: docs.github.com, "Rate limits for the REST API" and "Best practices for using the REST API"; docs.gitlab.com,
//! "Rate limits".

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::system::clock::unix_now;

/// Pause if the service does not say how long: GitHub asks for at least a minute.
const DEFAULT_PAUSE: Duration = Duration::from_secs(60);

/// The longest time that one run waits for rate limits: a primary limit of GitHub is lifted after at most an hour, which is
/// too long for a job.
const MAX_PAUSES: Duration = Duration::from_secs(20 * 60);

/// Writing requests within [`WINDOW`]. GitHub allows 80 that create content; source: "About secondary rate limits".
const MAX_WRITES: usize = 75;

/// The period over which writing requests are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// A rate limit that a response reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RateLimit {
    /// Time until the limit is lifted.
    pub(super) pause: Duration,
}

impl RateLimit {
    /// Returns the rate limit that a response reports, or `None` if it is about something else. A limit is reported with 429
    /// or 403, and 503 may ask for a pause as well; GraphQL reports one with 200.
    pub(super) fn of(status: u16, header: &dyn Fn(&str) -> Option<String>, body: &Value) -> Option<Self> {
        let is_of_graph =
            status == 200 && body.pointer("/errors/0/type").is_some_and(|kind| kind == "RATE_LIMITED");
        if !is_of_graph && !matches!(status, 403 | 429 | 503) {
            return None;
        }
        let number = |name: &str| header(name).and_then(|value| value.trim().parse::<i64>().ok());
        let until = |seconds: i64| Self { pause: Duration::from_secs(u64::try_from(seconds).unwrap_or(0)) };
        let message = body.get("message").and_then(Value::as_str).unwrap_or_default();
        if let Some(seconds) = number("retry-after") {
            return Some(until(seconds));
        }
        if number("x-ratelimit-remaining") == Some(0)
            && let Some(reset) = number("x-ratelimit-reset")
        {
            // The clock of the service may be ahead.
            return Some(until(reset.saturating_sub(unix_now()).saturating_add(1)));
        }
        let is_limit = is_of_graph
            || status == 429
            || (status == 403 && message.to_ascii_lowercase().contains("rate limit"));
        is_limit.then_some(Self { pause: DEFAULT_PAUSE })
    }
}

/// The requests and pauses of one run.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Times of the writing requests within the last [`WINDOW`].
    writes: VecDeque<Instant>,
    /// Time spent waiting for rate limits.
    waited: Duration,
}

impl Pace {
    /// Reserves a writing request at `now` and returns the time to wait before it is sent.
    pub(super) fn reserve(&mut self, now: Instant) -> Duration {
        while self.writes.front().is_some_and(|at| now.saturating_duration_since(*at) >= WINDOW) {
            self.writes.pop_front();
        }
        let at = match self.writes.len().checked_sub(MAX_WRITES) {
            Some(index) => self.writes[index] + WINDOW,
            None => now,
        };
        self.writes.push_back(at);
        at.saturating_duration_since(now)
    }

    /// Reserves a pause. Returns `false` if the run would wait for too long.
    pub(super) fn may_wait(&mut self, pause: Duration) -> bool {
        let is_allowed = self.waited.saturating_add(pause) <= MAX_PAUSES;
        if is_allowed {
            self.waited += pause;
        }
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rate_limits_are_told_from_refusals() {
        let limit = |status, headers: &[(&str, String)], message: &str| {
            let header =
                |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
            RateLimit::of(status, &header, &json!({ "message": message })).map(|limit| limit.pause.as_secs())
        };
        let text = |name, value: &str| (name, value.to_owned());
        assert_eq!(limit(403, &[], "Resource not accessible by integration"), None);
        assert_eq!(limit(403, &[text("retry-after", "3")], ""), Some(3));
        assert_eq!(limit(403, &[], "You have exceeded a secondary rate limit."), Some(60));
        assert_eq!(limit(429, &[], ""), Some(60));
        assert_eq!(limit(503, &[text("retry-after", "7")], ""), Some(7));
        assert_eq!(limit(503, &[], ""), None);
        let reset = text("x-ratelimit-reset", &(unix_now() + 600).to_string());
        let primary = [text("x-ratelimit-remaining", "0"), reset.clone()];
        assert!(
            limit(403, &primary, "API rate limit exceeded").is_some_and(|pause| (599..=601).contains(&pause))
        );
        // A refusal has these headers as well.
        assert_eq!(limit(403, &[text("x-ratelimit-remaining", "12"), reset], "Must have admin rights"), None);
        assert_eq!(limit(200, &primary, ""), None);
        assert_eq!(limit(429, &[text("retry-after", "-4")], ""), Some(0));
        let graph = json!({ "errors": [{ "type": "RATE_LIMITED", "message": "API rate limit exceeded" }] });
        assert!(RateLimit::of(200, &|_| None, &graph).is_some_and(|limit| limit.pause == DEFAULT_PAUSE));
    }

    #[test]
    fn writes_are_spread_and_pauses_are_bounded() {
        let (start, mut pace) = (Instant::now(), Pace::default());
        let mut now = start;
        let mut sent = Vec::new();
        for _ in 0..300 {
            now += pace.reserve(now);
            sent.push(now);
        }
        for window in sent.windows(MAX_WRITES + 1) {
            assert!(window[MAX_WRITES] - window[0] >= WINDOW);
        }
        assert_eq!(now - start, 3 * WINDOW);
        assert!(pace.may_wait(Duration::from_secs(600)) && pace.may_wait(Duration::from_secs(600)));
        assert!(!pace.may_wait(Duration::from_secs(1)));
    }
}
