//! A story: one command, and everything that goes wrong while it is run and run again. Drawn from a seed.
//!
//! A story is possible if the command can keep its promise. [`Story::is_possible`] names what is excluded, and why; leaving
//! out a decision never makes a possible story impossible, so that stories can be shrunk.

use std::collections::BTreeSet;

use crate::faults::{Fault, Signal, Site, When};
use crate::random::Random;

/// Everything about a story.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) seed: u64,
    pub(crate) shape: Shape,
    pub(crate) decisions: Vec<Decision>,
}

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Rows of a batch; a single render if absent.
    pub(crate) rows: Option<u64>,
    /// `--concurrency`, for batches.
    pub(crate) concurrency: Option<u64>,
    /// `--upload`.
    pub(crate) upload: &'static str,
    /// `--idempotency-key`.
    pub(crate) has_chosen_key: bool,
    /// `--min-balance`.
    pub(crate) has_min_balance: bool,
    /// `--max-wait` is short, in a story that may use all of it.
    pub(crate) is_impatient: bool,
    /// How often a render is looked at before it has ended.
    pub(crate) steps: u64,
    /// Rows that are equal to the first one, with outputs of their own.
    pub(crate) copies: u64,
}

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The request of this kind with this ordinal, counted from 0 over the whole story, meets a fault.
    Fault { site: Site, ordinal: u64, fault: Fault },
    /// The processes of a run get a signal some time after their start.
    Signal { run: u64, milliseconds: u64, signal: Signal },
    /// The ledger is damaged before a run.
    Ledger { run: u64, damage: Damage },
    /// The manifest of the batch is damaged before a run.
    Manifest { run: u64, damage: Damage },
    /// The same command runs twice at the same time, on one ledger or on two.
    Twin { run: u64, shares_ledger: bool },
    /// The first renders of a row fail at the server.
    Failure { row: u64, times: u64, status: &'static str },
    /// A new render is left out of the first answers about it: the API's 404 or a proxy's, and the list.
    Lag { reads: u64, lists: u64, is_page: bool },
    /// Lists show a render that has ended as still running.
    StaleLists(u64),
    /// A completed render has no URL at first.
    NullUrl(u64),
    /// The storage does not show an upload at first.
    NotVisible(u64),
    /// What a used key of a submission is answered with.
    Keys(Keys),
    /// Keys of uploads do not count.
    UploadKeysIgnored,
    /// The server's clock, in seconds beside ours; `Date` may be missing.
    Clock { date: Option<i64>, created: i64 },
    /// What the storage identifies versions by.
    Validators(Validators),
    /// Renders of others in the account.
    Noise(u64),
    /// No render ends during the first runs.
    Endless { runs: u64 },
    /// The first runs do not wait for videos (`--no-wait`).
    Detached { runs: u64 },
    /// The server has dropped all assets before a run.
    AssetsDropped { run: u64 },
    /// Renders have no `created_at`.
    NoCreationTime,
    /// Another process holds the lock of the ledger during a run and does not move.
    LockHeld { run: u64 },
    /// The command is run again after it succeeded.
    Again,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    Deleted,
    /// The end is cut off.
    Truncated,
    /// Bytes that are not text, in the middle of a line.
    Garbage,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Keys {
    /// The first answer is replayed.
    #[default]
    Replayed,
    /// 422.
    Refused,
    /// Another render is made.
    Ignored,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Validators {
    #[default]
    Strong,
    Weak,
    Date,
}

impl Story {
    /// The story of a seed.
    pub(crate) fn draw(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let shape = Shape::draw(&mut random);
        let mut story = Self { seed, shape, decisions: Vec::new() };
        let candidates = if seed % 40 == 7 {
            story.shape = Shape { rows: Some(60), is_impatient: false, steps: 2, copies: 0, ..shape };
            marathon(&mut random)
        } else {
            draw_decisions(&shape, &mut random)
        };
        for decision in candidates {
            if story.decisions.contains(&decision) {
                continue;
            }
            story.decisions.push(decision);
            if !story.is_possible() {
                story.decisions.pop();
            }
        }
        story
    }

    /// The same story with other decisions.
    pub(crate) fn with(&self, decisions: &[Decision]) -> Self {
        Self { decisions: decisions.to_vec(), ..self.clone() }
    }

    pub(crate) fn is_batch(&self) -> bool {
        self.shape.rows.is_some()
    }

    /// How the server treats keys of submissions.
    pub(crate) fn keys(&self) -> Keys {
        let mut keys = self.decisions.iter().filter_map(|decision| match decision {
            Decision::Keys(keys) => Some(*keys),
            _ => None,
        });
        keys.next().unwrap_or_default()
    }

    pub(crate) fn has(&self, wanted: impl Fn(&Decision) -> bool) -> bool {
        self.decisions.iter().any(wanted)
    }

    /// Whether a run does not wait for videos.
    pub(crate) fn is_detached(&self, run: u64) -> bool {
        self.has(|decision| matches!(decision, Decision::Detached { runs } if run < *runs))
    }

    fn faults(&self) -> impl Iterator<Item = (Site, Fault)> {
        self.decisions.iter().filter_map(|decision| match decision {
            Decision::Fault { site, fault, .. } => Some((*site, *fault)),
            _ => None,
        })
    }

    /// Whether the command can keep its promise. Excluded is:
    ///
    /// 1. *A server that ignores keys, and* one of these. Nothing but the list tells then whether a render exists:
    ///    a list that lags behind; a submission that takes effect after its answer was given up; a second process at the same
    ///    time; a list that is refused for good (a page with status 200, a redirect, 401 to 404), so that the tool goes on
    ///    without it.
    /// 2. *A render that fails at the server, or an asset that it drops, and a key of the user's*: the key is answered with them
    ///    for good.
    /// 3. *A render that stays unknown, to its own URL and to the list, for longer than the grace period*: it cannot be
    ///    told from a deleted one. Lags end after at most four answers, which are seconds, and the grace period is 30 s.
    /// 4. *Another version of a video under the same validator, or cut exactly between two boxes without a length*: nothing in
    ///    the answer tells. The clip ends with its largest box, so that every cut falls inside it.
    /// 5. *A refusal of an upload, a submission or a balance for good at every run*: faults have an end.
    ///
    /// `property.rs` allows for more assets where nothing could tell of the first: see `paid` there. docs/faults.md has the same
    /// list.
    pub(crate) fn is_possible(&self) -> bool {
        let ignores_keys = self.keys() == Keys::Ignored;
        let is_final = |fault: Fault| match fault {
            Fault::Page(_) | Fault::Redirect => true,
            Fault::Status { status, .. } => (400..=404).contains(&status),
            _ => false,
        };
        let hides_renders = |decision: &Decision| match decision {
            Decision::Lag { lists, .. } => *lists > 0,
            Decision::Twin { .. } | Decision::Fault { fault: Fault::Late { .. }, .. } => true,
            Decision::Fault { site: Site::List, fault, .. } => is_final(*fault),
            _ => false,
        };
        let is_forever = |decision: &Decision| {
            matches!(decision, Decision::Failure { .. } | Decision::AssetsDropped { .. })
        };
        let is_hidden = ignores_keys && self.has(hides_renders);
        let is_answered_for_good = self.shape.has_chosen_key && self.has(is_forever);
        !(is_hidden || is_answered_for_good)
    }

    /// How many runs may be needed at most: every one that does not succeed has met something.
    pub(crate) fn most_runs(&self) -> u64 {
        let needed = self.decisions.iter().map(|decision| match decision {
            Decision::Failure { times, .. } => times * 2,
            Decision::Lag { reads, lists, .. } => (reads + lists) * 2,
            Decision::Endless { runs } | Decision::Detached { runs } => *runs,
            Decision::Again => 2,
            _ => 1,
        });
        needed.sum::<u64>() + if self.shape.is_impatient { 6 } else { 2 }
    }

    /// The number of answers that may have been lost before the client knew the asset: each may cost another asset if the
    /// server ignores the keys of uploads.
    pub(crate) fn hidden_uploads(&self) -> u64 {
        let is_upload = |site| matches!(site, Site::CreateUpload | Site::ProxyUpload);
        let hidden = self.faults().filter(|(site, fault)| is_upload(*site) && fault.hides_effect()).count();
        hidden as u64 + self.forgotten() + self.signals()
    }

    /// How often the ledger is lost, or another process does not have it.
    pub(crate) fn forgotten(&self) -> u64 {
        let is_lost =
            |decision: &&Decision| matches!(decision, Decision::Ledger { .. } | Decision::Twin { .. });
        self.decisions.iter().filter(is_lost).count() as u64
    }

    fn signals(&self) -> u64 {
        let at_requests = self.faults().filter(|(_, fault)| fault.signal().is_some()).count();
        let is_signal = |decision: &&Decision| matches!(decision, Decision::Signal { .. });
        (at_requests + self.decisions.iter().filter(is_signal).count()) as u64
    }
}

impl Shape {
    fn draw(random: &mut Random) -> Self {
        let is_batch = random.chance(45);
        Self {
            rows: is_batch.then(|| 1 + random.below(9)),
            concurrency: random.pick(&[None, None, Some(1), Some(2), Some(4)]).filter(|_| is_batch),
            upload: random.pick(&["auto", "auto", "auto", "inline", "direct", "proxy"]),
            has_chosen_key: random.chance(8),
            has_min_balance: random.chance(10),
            is_impatient: random.chance(6),
            steps: random.below(5),
            copies: if is_batch && random.chance(15) { 1 + random.below(2) } else { 0 },
        }
    }
}

fn draw_decisions(shape: &Shape, random: &mut Random) -> Vec<Decision> {
    let mut decisions = draw_server(shape, random);
    let runs = 6;
    if random.chance(25) {
        for _ in 0..=random.below(3) {
            let damage = random.pick(&[Damage::Deleted, Damage::Deleted, Damage::Truncated, Damage::Garbage]);
            decisions.push(Decision::Ledger { run: 1 + random.below(runs), damage });
        }
    }
    if shape.rows.is_some() && random.chance(15) {
        let damage = random.pick(&[Damage::Deleted, Damage::Truncated, Damage::Garbage]);
        decisions.push(Decision::Manifest { run: 1 + random.below(runs), damage });
    }
    if random.chance(12) {
        decisions.push(Decision::Twin { run: random.below(3), shares_ledger: random.chance(60) });
    }
    if random.chance(25) {
        for _ in 0..=random.below(3) {
            let signal = random.pick(&[Signal::Kill, Signal::Kill, Signal::Term, Signal::Int]);
            decisions.push(Decision::Signal {
                run: random.below(4),
                milliseconds: random.below(200),
                signal,
            });
        }
    }
    if random.chance(30) {
        decisions.push(Decision::Again);
    }
    decisions.extend(draw_faults(shape, random));
    if shape.is_impatient {
        let site = random.pick(&[Site::List, Site::Submit, Site::Get, Site::Video, Site::Video]);
        decisions.push(Decision::Fault { site, ordinal: random.below(4), fault: Fault::Trickle });
        if random.chance(30) {
            decisions.push(Decision::LockHeld { run: random.below(2) });
        }
    }
    decisions
}

/// What kind of server it is.
fn draw_server(shape: &Shape, random: &mut Random) -> Vec<Decision> {
    let mut decisions = Vec::new();
    if random.chance(35) {
        decisions.push(Decision::Keys(random.pick(&[Keys::Ignored, Keys::Ignored, Keys::Refused])));
    }
    if random.chance(8) {
        decisions.push(Decision::UploadKeysIgnored);
    }
    if random.chance(25) {
        let (reads, lists) = (random.below(5), random.below(5));
        decisions.push(Decision::Lag { reads, lists, is_page: random.chance(30) });
    }
    if random.chance(15) {
        decisions.push(Decision::StaleLists(1 + random.below(5)));
    }
    if random.chance(15) {
        decisions.push(Decision::NullUrl(1 + random.below(4)));
    }
    if random.chance(12) {
        decisions.push(Decision::NotVisible(1 + random.below(5)));
    }
    if random.chance(25) {
        const DAY: i64 = 86_400;
        let offsets = [0, 61, -61, 3600, -3600, DAY, -DAY, 31 * DAY, -31 * DAY];
        let date = Some(random.pick(&offsets)).filter(|_| random.chance(75));
        decisions.push(Decision::Clock { date, created: random.pick(&offsets) });
    }
    if random.chance(30) {
        decisions.push(Decision::Validators(random.pick(&[Validators::Weak, Validators::Date])));
    }
    if random.chance(20) {
        decisions.push(Decision::Noise(random.pick(&[3, 40, 99, 100, 101, 250])));
    }
    if random.chance(15) {
        let row = random.below(shape.rows.unwrap_or(1));
        let status = random.pick(&["failed", "failed", "FAILED", "error", "canceled", "expired"]);
        decisions.push(Decision::Failure { row, times: 1 + random.below(2), status });
    }
    if shape.is_impatient && random.chance(70) {
        decisions.push(Decision::Endless { runs: 1 });
    }
    if shape.rows.is_none() && random.chance(15) {
        decisions.push(Decision::Detached { runs: 1 + random.below(2) });
    }
    if random.chance(8) {
        decisions.push(Decision::AssetsDropped { run: 1 + random.below(3) });
    }
    if random.chance(5) {
        decisions.push(Decision::NoCreationTime);
    }
    decisions
}

fn draw_faults(shape: &Shape, random: &mut Random) -> Vec<Decision> {
    let rows = shape.rows.unwrap_or(1);
    let mut taken = BTreeSet::new();
    let mut decisions = Vec::new();
    let mut add = |site, ordinal, fault| {
        if taken.insert((site, ordinal)) {
            decisions.push(Decision::Fault { site, ordinal, fault });
        }
    };
    let count = random.pick(&[1, 1, 2, 3, 4, 6, 8, 12]);
    for _ in 0..count {
        let (site, most) = random.pick(&[
            (Site::List, 6),
            (Site::CreateUpload, 2),
            (Site::Put, 2),
            (Site::Complete, 2),
            (Site::ProxyUpload, 2),
            (Site::Submit, rows + 3),
            (Site::Submit, rows + 3),
            (Site::Get, 3 * rows + 6),
            (Site::Get, 3 * rows + 6),
            (Site::Video, rows + 4),
            (Site::Video, rows + 4),
            (Site::Account, 2),
        ]);
        let (first, fault) = (random.below(most), Fault::draw(site, random));
        // The same fault many times in a row outlives the retries of a run.
        let times = if random.chance(8) && fault.signal().is_none() { 2 + random.below(11) } else { 1 };
        let times = if matches!(fault, Fault::Stall(_) | Fault::StallHalfway) { 1 } else { times };
        (first..first + times).for_each(|ordinal| add(site, ordinal, fault));
    }
    decisions
}

/// Many rows, a twentieth of the answers lost, twenty signals, and keys that are ignored.
fn marathon(random: &mut Random) -> Vec<Decision> {
    let mut decisions = vec![Decision::Keys(Keys::Ignored)];
    for site in [Site::Submit, Site::Get, Site::List, Site::Video] {
        for ordinal in (0..120).filter(|_| random.chance(5)).collect::<Vec<_>>() {
            decisions.push(Decision::Fault { site, ordinal, fault: Fault::Reset(When::After) });
        }
    }
    for ordinal in 0..20 {
        let signal = random.pick(&[Signal::Kill, Signal::Kill, Signal::Term]);
        let fault = match random.below(3) {
            0 => Fault::Signal(signal, When::After),
            1 => Fault::Signal(signal, When::Before),
            _ => Fault::SignalLater { signal, milliseconds: random.below(10) },
        };
        let (site, ordinal) = (random.pick(&[Site::Submit, Site::Submit, Site::Video]), 3 * ordinal + 1);
        let place = |decision: &Decision| matches!(decision, Decision::Fault { site: other, ordinal: at, .. } if (*other, *at) == (site, ordinal));
        decisions.retain(|decision| !place(decision));
        decisions.push(Decision::Fault { site, ordinal, fault });
    }
    decisions
}
