//! What goes wrong at the fake of GitHub, drawn from a seed.
//!
//! Whether a request meets a fault follows from the seed, the job, the kind of request, and how often the job has sent that kind:
//! the order of parallel jobs does not matter.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::github::State;
use super::server::{Answer, CUT, NONE, Request};

/// One request of which kind never succeeds, and how it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outage {
    /// A part of the path.
    pub(super) part: &'static str,
    pub(super) fault: Fault,
}

/// What a request meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The server has not understood it: an HTML page with this status.
    Failed(u16),
    /// It takes place, and a proxy answers.
    Lost,
    /// The connection ends before anything takes place.
    Refused,
    /// It takes place, and the connection ends without an answer.
    Silent,
    /// It takes place, and the answer ends in the middle.
    Cut,
    /// A secondary rate limit, for this number of seconds.
    Slow(u16, u64),
    /// The primary rate limit, which is lifted in a moment.
    Exhausted,
    /// The token may not.
    Forbidden,
}

/// Faults that pass if a request is repeated.
const PASSING: [Fault; 11] = [
    Fault::Failed(500),
    Fault::Failed(502),
    Fault::Failed(503),
    Fault::Lost,
    Fault::Lost,
    Fault::Refused,
    Fault::Silent,
    Fault::Cut,
    Fault::Slow(403, 1),
    Fault::Slow(429, 0),
    Fault::Exhausted,
];

/// Faults that last.
pub(super) const LASTING: [Fault; 4] =
    [Fault::Failed(500), Fault::Refused, Fault::Forbidden, Fault::Slow(403, 4000)];

/// The faults of one story.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) seed: u64,
    /// Requests in a thousand that meet a fault which passes.
    pub(super) rate: u64,
    pub(super) outage: Option<Outage>,
    /// The longest latency of a request, in milliseconds, before its effect and again before its answer.
    pub(super) latency: u64,
    /// Requests after which the pull request is closed.
    pub(super) closes_after: Option<u64>,
    /// Requests after which the pull request has another newest commit.
    pub(super) moves_after: Option<u64>,
    counts: BTreeMap<String, u64>,
    /// What was met, for people.
    pub(super) met: Vec<String>,
}

impl Faults {
    /// Draws what a request meets.
    pub(super) fn meet(&mut self, request: &Request) -> Option<Fault> {
        let path = request.target.split('?').next().unwrap_or_default();
        if path.starts_with("/storage/") {
            return None;
        }
        let kind = path.split('/').map(|part| if part.len() == 40 { ":sha" } else { part });
        let kind = format!("{} {}", request.method, kind.collect::<Vec<_>>().join("/"));
        let job = request.header("authorization").unwrap_or_default();
        let count = self.counts.entry(format!("{job} {kind}")).or_default();
        *count += 1;
        let mut random = Random::new(self.seed ^ hash(&format!("{job} {kind} {count}")));
        let is_met = random.below(1000) < self.rate;
        let passing = PASSING[usize::try_from(random.below(PASSING.len() as u64)).unwrap()];
        let outage = self.outage.filter(|outage| path.contains(outage.part)).map(|outage| outage.fault);
        let fault = outage.or_else(|| is_met.then_some(passing))?;
        let name = job.rsplit('_').next().unwrap_or_default();
        self.met.push(format!("job {name}: {kind} number {count}: {fault:?}"));
        Some(fault)
    }

    /// Returns how long a request takes before its effect, and before its answer.
    pub(super) fn pause(&self, request: &Request) -> Duration {
        let random = hash(&format!("{} {} {}", self.seed, request.target, self.counts.len()));
        Duration::from_millis(random.checked_rem(self.latency).unwrap_or(0))
    }
}

impl Fault {
    /// Returns the answer if nothing takes place.
    pub(super) fn before(self) -> Option<Answer> {
        let message = |text: &str| json!({ "message": text });
        Some(match self {
            Self::Failed(status) => (status, page(), String::new()),
            Self::Refused => (NONE, Value::Null, String::new()),
            Self::Slow(status, seconds) => (
                status,
                message("You have exceeded a secondary rate limit."),
                format!("retry-after: {seconds}\r\n"),
            ),
            Self::Exhausted => (
                403,
                message("API rate limit exceeded"),
                "x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 1\r\n".to_owned(),
            ),
            Self::Forbidden => (403, message("Resource not accessible by integration"), String::new()),
            Self::Lost | Self::Silent | Self::Cut => return None,
        })
    }

    /// Returns what becomes of the answer of a request that took place.
    pub(super) fn after(self, answer: Answer) -> Answer {
        match self {
            Self::Lost => (502, page(), String::new()),
            Self::Silent => (NONE, Value::Null, String::new()),
            Self::Cut => (answer.0, answer.1, format!("{}{CUT}", answer.2)),
            _ => answer,
        }
    }
}

impl State {
    /// Lets happen what is due at this request.
    pub(super) fn happen(&mut self) {
        let is_due = |left: &mut Option<u64>| match left {
            Some(0) => left.take().is_some(),
            Some(more) => {
                *more -= 1;
                false
            }
            None => false,
        };
        self.is_closed |= is_due(&mut self.faults.closes_after);
        if is_due(&mut self.faults.moves_after) {
            self.tips.push(std::mem::replace(&mut self.head, "f".repeat(40)));
        }
    }
}

/// The page of a proxy.
fn page() -> Value {
    json!({ "bytes": b"<html>Server Error</html>".as_slice() })
}

fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// Numbers that follow from a seed: SplitMix64.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Whether something happens that happens `percent` times of 100.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(super) fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}
