//! The pace of requests to a server that limits their rate: additive increase, multiplicative decrease.
//!
//! Without a limit there is no pace. The first 429 sets it to what the server has just accepted, each further one lowers
//! it, and every accepted request raises it a little, so that it stays near the server's limit. A server that says how long to
//! wait (`Retry-After`) is obeyed instead of lowering the pace further. After many accepted requests in a row, the pace rises
//! faster, since the limit was temporary.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hyperframes_ci_core::api::{Response, ResponseError};
use hyperframes_ci_core::job::retry_delay;

use crate::system::clock::pause;

/// The period over which accepted requests are counted to estimate the server's limit.
const WINDOW: Duration = Duration::from_secs(1);

/// Factor that a rate limit multiplies the pace with.
const DECREASE: f64 = 0.7;

/// Increase of the pace by each accepted request, as a share of the pace after the last refusal.
const INCREASE: f64 = 0.03;

/// Accepted requests in a row after which the pace rises by [`RECOVERY`] instead.
const STREAK: u32 = 20;

/// How much each further accepted request raises the pace, as a share of it.
const RECOVERY: f64 = 0.1;

/// The lowest pace, in requests per second: `Retry-After` and the pauses between repeats are for longer waits.
const LOWEST: f64 = 0.5;

/// Pace in requests per second from which the limit is removed.
const UNLIMITED: f64 = 200.0;

/// See the documentation of the module.
pub(super) struct Pace {
    /// Requests per second; `None` without a limit.
    rate: Option<f64>,
    /// The pace after the last refusal.
    base: f64,
    /// Requests that were accepted since then.
    streak: u32,
    /// Time until which no request is sent.
    hold: Instant,
    /// Time from which the next request may be sent.
    next: Instant,
    /// Time when the pace was last lowered. Refusals of requests sent earlier are about the previous pace and are ignored.
    lowered: Option<Instant>,
    /// Times of the requests that were accepted within the last [`WINDOW`].
    accepted: VecDeque<Instant>,
}

impl Pace {
    /// Returns a pace without a limit.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            rate: None,
            base: 0.0,
            streak: 0,
            hold: now,
            next: now,
            lowered: None,
            accepted: VecDeque::new(),
        }
    }

    /// Reserves one request at `now`.
    ///
    /// # Errors
    /// Returns the time to ask again if it is too early.
    fn admit(&mut self, now: Instant) -> Result<(), Instant> {
        if self.hold > now {
            return Err(self.hold);
        }
        let Some(rate) = self.rate else { return Ok(()) };
        if self.next > now {
            return Err(self.next);
        }
        self.next = now + pause(Duration::from_secs_f64(rate.recip()));
        Ok(())
    }

    /// Returns the time until which a request that is ready at `now` must wait. A request that is not paced waits only for
    /// the pause that the server requested.
    pub(super) fn wait(&mut self, now: Instant, is_paced: bool) -> Option<Instant> {
        if is_paced { self.admit(now).err() } else { self.hold(now) }
    }

    /// Records whether the request that was sent at `sent` exceeded the rate limit.
    pub(super) fn record(&mut self, response: &Response, sent: Instant, is_paced: bool) {
        match response.check() {
            Err(ResponseError::Api(error)) if error.status == 429 => {
                let asked = error.retry_after.map(|asked| pause(retry_delay(1, Some(asked), 0)));
                self.on_refused(sent, Instant::now(), asked);
            }
            _ if is_paced => self.on_accepted(Instant::now()),
            _ => {}
        }
    }

    /// Returns the end of the pause that the server requested, if it is after `now`.
    pub(super) fn hold(&self, now: Instant) -> Option<Instant> {
        Some(self.hold).filter(|hold| *hold > now)
    }

    /// Records that the server accepted a request.
    fn on_accepted(&mut self, now: Instant) {
        self.accepted.push_back(now);
        self.forget(now);
        self.streak = self.streak.saturating_add(1);
        let raised = |rate: f64| if self.streak > STREAK { rate * RECOVERY } else { self.base * INCREASE };
        self.rate = self.rate.map(|rate| rate + raised(rate));
        self.rate = self.rate.filter(|rate| *rate < UNLIMITED);
    }

    /// Records that the server refused a request sent at `sent` because of its rate limit, and requested a pause of
    /// `retry_after`.
    pub(super) fn on_refused(&mut self, sent: Instant, now: Instant, retry_after: Option<Duration>) {
        self.hold = self.hold.max(now + retry_after.unwrap_or_default());
        if self.lowered.is_some_and(|lowered| sent < lowered) {
            return;
        }
        self.forget(now);
        let count = u32::try_from(self.accepted.len()).unwrap_or(u32::MAX);
        let observed = f64::from(count) / WINDOW.as_secs_f64();
        let lowered = |rate: f64| if retry_after.is_some() { rate } else { (rate * DECREASE).max(LOWEST) };
        let rate = self.rate.map_or(observed.max(1.0), lowered);
        (self.rate, self.base, self.streak) = (Some(rate), rate, 0);
        self.lowered = Some(now);
        self.next = self.next.max(now + pause(Duration::from_secs_f64(rate.recip())));
    }

    fn forget(&mut self, now: Instant) {
        while self.accepted.front().is_some_and(|at| now.saturating_duration_since(*at) > WINDOW) {
            self.accepted.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Submits `rows` renders, 8 at a time, to a server that accepts `limit` a second; returns the requests and the time.
    fn simulate(rows: usize, limit: usize) -> (usize, Duration) {
        const STEP: Duration = Duration::from_millis(10);
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let (mut now, mut requests, mut left) = (start, 0, rows);
        // For each lane: its attempts, and when it is ready.
        let mut lanes = [(0, start); 8];
        let mut served = VecDeque::new();
        while left > 0 {
            for (lane, (attempts, ready)) in lanes.iter_mut().enumerate() {
                if *ready > now || left == 0 || pace.admit(now).is_err() {
                    continue;
                }
                requests += 1;
                while served.front().is_some_and(|at| now - *at >= Duration::from_secs(1)) {
                    served.pop_front();
                }
                if served.len() < limit {
                    served.push_back(now);
                    pace.on_accepted(now);
                    left -= 1;
                    *attempts = 0;
                } else {
                    pace.on_refused(now, now, None);
                    *attempts += 1;
                    *ready = now + retry_delay(*attempts, None, lane as u64);
                }
            }
            now += STEP;
        }
        (requests, now - start)
    }

    #[test]
    fn a_rate_limit_without_a_hint_costs_few_requests_and_little_time() {
        for (rows, limit) in [(40, 4), (40, 1), (400, 20), (1000, 4)] {
            let (requests, time) = simulate(rows, limit);
            let least = rows as f64 / limit as f64;
            assert!(requests < rows + rows / 4 + 10, "{rows} rows at {limit}/s took {requests} requests");
            assert!(time.as_secs_f64() < least * 1.8 + 5.0, "{rows} rows at {limit}/s took {time:?}");
        }
        assert_eq!(simulate(40, 1000).0, 40);
    }

    #[test]
    fn a_passing_limit_is_recovered_from() {
        let (start, mut pace) = (Instant::now(), Pace::new(Instant::now()));
        let (mut now, mut refused) = (start, 0);
        for _ in 0..500 {
            while pace.admit(now).is_err() {
                now += Duration::from_millis(10);
            }
            if refused < 25 {
                refused += 1;
                pace.on_refused(now, now, None);
            } else {
                pace.on_accepted(now);
            }
        }
        assert!(now - start < Duration::from_secs(110), "{:?}", now - start);
        // A request is retried at the time that `Retry-After` names.
        let (start, mut pace) = (Instant::now(), Pace::new(Instant::now()));
        let mut now = start;
        for _ in 0..25 {
            while pace.admit(now).is_err() {
                now += Duration::from_millis(10);
            }
            pace.on_refused(now, now, Some(Duration::ZERO));
        }
        assert!(now - start < Duration::from_secs(30), "{:?}", now - start);
    }

    #[test]
    fn a_pause_that_the_server_asks_for_holds_everything() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        assert!(pace.admit(now).is_ok() && pace.hold(now).is_none());
        pace.on_refused(now, now, Some(Duration::from_secs(7)));
        assert_eq!(pace.admit(now), Err(now + Duration::from_secs(7)));
        assert!(pace.admit(now + Duration::from_secs(7)).is_ok());
    }

    #[test]
    fn refusals_of_one_burst_lower_the_pace_once() {
        let sent = Instant::now();
        let now = sent + Duration::from_millis(50);
        let mut pace = Pace::new(sent);
        (0..4).for_each(|_| pace.on_accepted(now));
        (0..4).for_each(|_| pace.on_refused(sent, now, None));
        assert_eq!(pace.rate, Some(4.0));
    }
}
