//! Who performs the actions of many jobs when.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyperframes_ci_core::api::{RenderDetail, RenderList, Request};
use hyperframes_ci_core::job::{
    Action, AssetFact, AssetState, Event, Fact, Failure, Job, Plan, Stage, Step, poll_delay,
};
use hyperframes_ci_core::options::Resolution;
use hyperframes_ci_core::video::Expected;

use crate::fault::Error;
use crate::heygen::download::Download;
use crate::heygen::transport::{Replay, Transport};
use crate::project::pack::Packed;
use crate::renderers::cloud::ledger::LedgerFile;
use crate::renderers::verify::{Verified, verify};
use crate::system::output::OutputFile;

/// Rows that are somewhere between their submission and their result: more would cost memory and gain nothing.
const MOST_IN_FLIGHT: usize = 400;

/// Downloads at a time.
const DOWNLOADS: usize = 6;

/// The shortest pause between two looks at all that wait.
const SHORTEST_PAUSE: Duration = Duration::from_millis(300);

/// One row, ready to be rendered.
pub(crate) struct Order {
    /// Its place, from 0.
    pub(crate) index: u64,
    pub(crate) plan: Plan,
    pub(crate) output: PathBuf,
    pub(crate) expected: Expected,
}

/// What became of a row.
pub(crate) struct RowResult {
    pub(crate) index: u64,
    /// What it is of: the render key of generation 0.
    pub(crate) identity: String,
    pub(crate) output: PathBuf,
    pub(crate) render_id: Option<String>,
    pub(crate) asset_id: Option<String>,
    pub(crate) generation: u32,
    pub(crate) is_reused: bool,
    /// The tier that was asked for, which says what a second is billed at.
    pub(crate) resolution: Option<Resolution>,
    pub(crate) outcome: Outcome,
}

/// How a row stands.
pub(crate) enum Outcome {
    /// Its render exists; more will follow.
    Submitted,
    /// Its video is where it was to go.
    Completed(Box<Verified>),
    /// It came to nothing.
    Failed(Box<Error>),
}

/// Performs jobs.
pub(crate) struct Engine<'a> {
    pub(crate) transport: &'a Transport,
    pub(crate) packed: &'a Packed,
    pub(crate) digest: String,
    pub(crate) concurrency: usize,
    pub(crate) poll_interval: Duration,
    ledger: Mutex<Option<LedgerFile>>,
    /// The upload that all rows share; locked while the first of them makes it.
    asset: Mutex<Option<AssetFact>>,
    /// Nobody sends anything before.
    gate: Mutex<Instant>,
    stop: AtomicBool,
}

struct Work {
    index: u64,
    identity: String,
    job: Job,
    output: PathBuf,
    expected: Expected,
    target: Option<Download>,
    began: Instant,
    /// Since when it waits for its render.
    parked: Option<Instant>,
    was_told: bool,
}

enum Next {
    /// It waits for its render.
    Parked,
    /// Its video is there to be downloaded.
    Save(String),
    Done(Result<(), Box<Failure>>),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many rows are in flight.
#[derive(Default)]
struct Flight {
    count: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl Flight {
    fn take_off(&self) {
        let count = lock(&self.count);
        let full = |count: &mut (usize, bool)| count.0 >= MOST_IN_FLIGHT;
        let mut count = self.changed.wait_while(count, full).unwrap_or_else(PoisonError::into_inner);
        count.0 += 1;
    }

    fn land(&self) {
        lock(&self.count).0 -= 1;
        self.changed.notify_all();
    }

    /// Nothing more takes off.
    fn close(&self) {
        lock(&self.count).1 = true;
        self.changed.notify_all();
    }

    fn is_over(&self) -> bool {
        *lock(&self.count) == (0, true)
    }
}

impl<'a> Engine<'a> {
    pub(crate) fn new(
        transport: &'a Transport,
        packed: &'a Packed,
        ledger: Option<LedgerFile>,
        concurrency: usize,
        poll_interval: Duration,
    ) -> Self {
        let digest = packed.manifest.digest();
        let asset = ledger.as_ref().and_then(|ledger| ledger.known().asset(&digest).cloned());
        Self {
            transport,
            packed,
            concurrency,
            poll_interval,
            // One whose upload was cut is left to the first row.
            asset: Mutex::new(asset.filter(|asset| asset.state == AssetState::Ready)),
            ledger: Mutex::new(ledger),
            digest,
            gate: Mutex::new(Instant::now()),
            stop: AtomicBool::new(false),
        }
    }

    /// Renders the orders as they come; `tell` hears of each row, and says whether to go on.
    pub(crate) fn run(
        &self,
        orders: impl Iterator<Item = Order> + Send,
        tell: &mut dyn FnMut(RowResult) -> bool,
    ) {
        let flight = Flight::default();
        let waiting = Mutex::new(Vec::<Work>::new());
        let (results, heard) = channel::<RowResult>();
        let (rows, queue) = sync_channel::<Order>(0);
        let queue = Mutex::new(queue);
        let (downloads, videos) = channel::<(Work, String)>();
        let videos = Mutex::new(videos);
        std::thread::scope(|scope| {
            let (flight, waiting, queue, videos) = (&flight, &waiting, &queue, &videos);
            scope.spawn(move || {
                for order in orders {
                    if self.stop.load(Ordering::SeqCst) {
                        break;
                    }
                    flight.take_off();
                    if rows.send(order).is_err() {
                        break;
                    }
                }
                flight.close();
            });
            let route = |mut work: Work,
                         next: Next,
                         results: &Sender<RowResult>,
                         downloads: &Sender<(Work, String)>| {
                if let (false, Next::Parked | Next::Save(_)) = (work.was_told, &next) {
                    work.was_told = true;
                    let _ = results.send(work.result(Outcome::Submitted));
                }
                match next {
                    Next::Parked => {
                        work.parked.get_or_insert_with(Instant::now);
                        lock(waiting).push(work);
                    }
                    Next::Save(url) => drop(downloads.send((work, url))),
                    Next::Done(ended) => {
                        let _ = results.send(work.end(ended));
                        flight.land();
                    }
                }
            };
            for _ in 0..self.concurrency {
                let (results, downloads) = (results.clone(), downloads.clone());
                scope.spawn(move || {
                    while let Some(order) = receive(queue) {
                        let (work, next) = self.submit(order);
                        route(work, next, &results, &downloads);
                    }
                });
            }
            for _ in 0..DOWNLOADS.min(self.concurrency) {
                let results = results.clone();
                scope.spawn(move || {
                    while let Some((mut work, url)) = receive(videos) {
                        let next = self.save(&mut work, url);
                        match next {
                            // A fresh look at the render leads back to waiting: it is asked about with the others.
                            Next::Parked => lock(waiting).push(work),
                            Next::Done(ended) => {
                                let _ = results.send(work.end(ended));
                                flight.land();
                            }
                            Next::Save(_) => {}
                        }
                    }
                });
            }
            {
                let (results, downloads) = (results.clone(), downloads.clone());
                scope.spawn(move || {
                    while !flight.is_over() {
                        let pause = self.pause(&lock(waiting));
                        std::thread::sleep(pause);
                        let works = std::mem::take(&mut *lock(waiting));
                        for (work, next) in self.look(works) {
                            route(work, next, &results, &downloads);
                        }
                    }
                });
            }
            drop((results, downloads));
            for result in heard {
                if !tell(result) {
                    self.stop.store(true, Ordering::SeqCst);
                }
            }
        });
    }

    /// From a row to its render.
    fn submit(&self, order: Order) -> (Work, Next) {
        let Order { index, mut plan, output, expected } = order;
        // The first that needs an asset makes it, and the others wait for that.
        let shared = lock(&self.asset);
        plan.reuse.asset.clone_from(&shared);
        let first = shared.is_none().then_some(shared);
        let identity = plan.keys.identity.as_ref().map(|identity| identity.key(0).to_string());
        let mut work = Work {
            index,
            identity: identity.unwrap_or_default(),
            job: Job::new(plan),
            output,
            expected,
            target: None,
            began: Instant::now(),
            parked: None,
            was_told: false,
        };
        let step = work.job.step(Event::Start, Duration::ZERO);
        let next = self.drive(&mut work, step);
        if let (Some(mut shared), Some(id)) = (first, work.job.asset_id()) {
            *shared = Some(AssetFact {
                digest: self.digest.clone(),
                asset_id: id.to_owned(),
                state: AssetState::Ready,
            });
        }
        (work, next)
    }

    /// Performs actions until the job has to wait.
    fn drive(&self, work: &mut Work, mut step: Step) -> Next {
        loop {
            if let Some(fact) = step.fact {
                self.remember(fact);
            }
            let event = match step.action {
                Action::Send(request) => {
                    self.wait_at_gate();
                    let uploading = (work.job.stage() == Stage::Upload).then(|| self.packed.open());
                    match uploading.transpose() {
                        Ok(mut source) => {
                            let source = source.as_mut().map(|file| file as &mut dyn Replay);
                            match self.transport.send(&request, source, &mut |_| {}) {
                                Ok(response) => Event::Answered(response),
                                Err(message) => Event::Unreachable(message),
                            }
                        }
                        Err(error) => Event::Unreachable(format!("the archive is gone: {error}")),
                    }
                }
                Action::Sleep(pause) => match pause.retry {
                    None => return Next::Parked,
                    Some(retry) => {
                        if retry.is_rate_limit {
                            let mut gate = lock(&self.gate);
                            *gate = (*gate).max(Instant::now() + pause.delay);
                        }
                        std::thread::sleep(pause.delay);
                        Event::Woke
                    }
                },
                Action::Save(url) => return Next::Save(url),
                Action::Done(_) => return Next::Done(Ok(())),
                Action::Fail(failure) => return Next::Done(Err(failure)),
            };
            step = work.job.step(event, work.began.elapsed());
        }
    }

    fn wait_at_gate(&self) {
        let left = lock(&self.gate).saturating_duration_since(Instant::now());
        if !left.is_zero() {
            std::thread::sleep(left);
        }
    }

    fn remember(&self, fact: Fact) {
        let mut ledger = lock(&self.ledger);
        if ledger.as_mut().is_some_and(|ledger| ledger.append(fact).is_err()) {
            // The manifest and the account's list still know.
            *ledger = None;
        }
    }

    /// How long to leave those alone that wait.
    fn pause(&self, waiting: &[Work]) -> Duration {
        let waited = waiting.iter().filter_map(|work| Some(work.parked?.elapsed())).min();
        let pause = waited.map_or(SHORTEST_PAUSE / 3, |waited| poll_delay(waited, self.poll_interval));
        pause.max(SHORTEST_PAUSE / 3)
    }

    /// Asks about all that wait: one by its own, many by the account's list.
    fn look(&self, works: Vec<Work>) -> Vec<(Work, Next)> {
        let mut seen = if works.len() > 2 { self.list(&works) } else { HashMap::new() };
        let look = |mut work: Work| {
            // One that is not on the pages that were looked at is asked for by itself.
            let detail = work.job.render().and_then(|(id, _)| seen.remove(id));
            let step = work.job.step(detail.map_or(Event::Woke, Event::Seen), work.began.elapsed());
            let next = self.drive(&mut work, step);
            (work, next)
        };
        works.into_iter().map(look).collect()
    }

    /// The details of those that wait, from as few pages as have them all.
    fn list(&self, works: &[Work]) -> HashMap<String, Box<RenderDetail>> {
        let mut wanted = works.iter().filter_map(|work| work.job.render().map(|(id, _)| id.to_owned()));
        let mut missing = wanted.by_ref().collect::<std::collections::HashSet<_>>();
        let mut seen = HashMap::new();
        let mut token: Option<String> = None;
        // Others may have submitted as well.
        for _ in 0..works.len().div_ceil(100) + 2 {
            self.wait_at_gate();
            let request = Request::renders(Some(100), token.as_deref());
            let page = self.transport.call(&request, 2, crate::system::random()).ok();
            let Some(page) = page.and_then(|response| response.whole::<RenderList>().ok()) else { break };
            for detail in page.data {
                if missing.remove(&detail.render_id) {
                    seen.insert(detail.render_id.clone(), Box::new(detail));
                }
            }
            token = page.next_token.filter(|_| page.has_more && !missing.is_empty());
            if token.is_none() {
                break;
            }
        }
        seen
    }

    /// Downloads until the video is there.
    fn save(&self, work: &mut Work, mut url: String) -> Next {
        loop {
            let target = match &mut work.target {
                Some(target) => target,
                none => match OutputFile::prepare(Some(&work.output)).map(Download::new) {
                    Ok(target) => none.insert(target),
                    Err(error) => {
                        let error = hyperframes_ci_core::job::SaveError {
                            message: error.to_string(),
                            remedy: hyperframes_ci_core::job::Remedy::None,
                            progressed: false,
                        };
                        let step = work.job.step(Event::NotSaved(error), work.began.elapsed());
                        return self.drive(work, step);
                    }
                },
            };
            let event = match target.fetch(self.transport, &url, &mut |_, _| {}) {
                Ok(()) => Event::Saved,
                Err(error) => Event::NotSaved(error),
            };
            let step = work.job.step(event, work.began.elapsed());
            match self.drive(work, step) {
                Next::Save(fresh) => url = fresh,
                other => return other,
            }
        }
    }
}

fn receive<T>(queue: &Mutex<Receiver<T>>) -> Option<T> {
    lock(queue).recv().ok()
}

impl Work {
    fn result(&self, outcome: Outcome) -> RowResult {
        let render = self.job.render();
        RowResult {
            index: self.index,
            identity: self.identity.clone(),
            output: self.output.clone(),
            render_id: render.map(|(id, _)| id.to_owned()),
            asset_id: self.job.asset_id().map(str::to_owned),
            generation: self.job.generation(),
            is_reused: render.is_some_and(|(_, origin)| origin.is_reused()),
            resolution: self.expected.resolution,
            outcome,
        }
    }

    /// Gives the video its name, where there is one.
    fn end(mut self, ended: Result<(), Box<Failure>>) -> RowResult {
        if let Err(failure) = ended {
            return self.result(Outcome::Failed(Box::new(failure.into())));
        }
        let Some(target) = self.target.take() else {
            return self.result(Outcome::Submitted);
        };
        let is_placeholder =
            self.job.detail().is_some_and(|detail| detail.other.get("placeholder") == Some(&true.into()));
        let expected = if is_placeholder { Expected::default() } else { self.expected.clone() };
        let verified = verify(target.output().temporary_path(), &expected);
        match target.keep("unused") {
            Ok(_) => self.result(Outcome::Completed(Box::new(verified))),
            Err(message) => self.result(Outcome::Failed(Box::new(message.into()))),
        }
    }
}
