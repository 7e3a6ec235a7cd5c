//! The one interpreter of [`core::job`](hyperframes_ci_core::job): performs the actions of one job, or of thousands.
//!
//! ```text
//! orders ─► submit ─► parked ─► download ─► result
//!             ▲ retries: asleep, no thread waits
//!                       ▲ one list call for up to 100 renders, or a poll of its own
//! ```
//!
//! Each kind of work has a lane with its own threads, so that a slow order does not delay other kinds of work; nothing
//! sleeps on a thread. A rate limit that one order meets slows all of them down. Orders of one project share one upload:
//! the first that needs it is the leader, and the others wait for it.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use hyperframes_ci_core::api::{Body, Request, Target};
use hyperframes_ci_core::job::{
    Action, AssetFact, AssetState, Event as JobEvent, Failure, Job, ListSays, Pause, Source, Stage, Step,
};

use super::lanes::{Due, Lane, Schedule, Semaphore, lock};
use super::ledger::LedgerFile;
use super::list::list;
use super::message::{Call, Message, Sleeper};
use super::pace::Pace;
use super::plan::plan;
use super::task::Task;
use super::throttle::Throttle;
use super::upload::{Admitted, SharedUpload};
use crate::fault::Error;
use crate::heygen::transport::{Replay, Transport};
use crate::renderers::{Event, Order, OrderResult, Reporter, RunContext};
use crate::system::clock::{pause, unix_now};
use crate::system::deadline::Deadline;
use crate::system::output::OutputError;

/// Maximum number of concurrent downloads.
const DOWNLOADS: usize = 6;

/// Maximum number of concurrent polls.
const POLLS: usize = 4;

/// Minimum time between two list calls about all waiting orders.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// Minimum number of waiting orders for a list call; fewer are polled one by one.
const WORTH_A_LIST: usize = 3;

/// The dependencies and settings of the interpreter.
pub(super) struct Interpreter<'a> {
    pub(super) transport: &'a Transport,
    pub(super) context: &'a RunContext<'a>,
    pub(super) ledger: &'a Mutex<Option<LedgerFile>>,
    /// Maximum number of concurrent submissions.
    pub(super) concurrency: usize,
    /// Maximum number of orders that have started and have no result: further ones are not submitted before one ends.
    pub(super) in_flight: usize,
    /// Maximum number of retries of one request after transient errors.
    pub(super) max_retries: u32,
    /// The result of searching the account's list, for orders without a known render.
    pub(super) listed: ListSays,
    /// Time for which the API must report a render as unknown before it counts as deleted.
    pub(super) gone_grace: Duration,
}

impl Interpreter<'_> {
    /// Performs `orders` and reports the result of each.
    ///
    /// # Errors
    /// Returns an error if the run as a whole cannot continue, such as for the account's balance.
    pub(super) fn run(
        &self,
        orders: &mut (dyn Iterator<Item = Order> + Send),
        reporter: &mut dyn Reporter,
    ) -> Result<(), Error> {
        let (sender, messages) = channel();
        let run = Run::new(self, sender);
        std::thread::scope(|scope| {
            let run = &run;
            scope.spawn(move || run.feed(orders));
            scope.spawn(|| run.wake());
            for _ in 0..self.concurrency {
                scope.spawn(|| run.perform(&run.submissions));
            }
            for _ in 0..if self.context.is_batch { POLLS } else { 1 } {
                scope.spawn(|| run.perform(&run.polls));
            }
            scope.spawn(|| run.perform(&run.lists));
            for _ in 0..DOWNLOADS.min(self.concurrency) {
                scope.spawn(|| run.save());
            }
            run.report(&messages, reporter);
        });
        let fatal = lock(&run.fatal).take();
        fatal.map_or(Ok(()), |failure| Err(failure.into()))
    }
}

/// One run. Further methods are in `outcome.rs` and `replacement.rs`.
pub(super) struct Run<'a> {
    pub(super) interpreter: &'a Interpreter<'a>,
    source: Source,
    submissions: Lane<Call>,
    polls: Lane<Call>,
    /// Requests the state of many renders at once, instead of polling each.
    lists: Lane<Call>,
    downloads: Lane<(Box<Task>, String)>,
    pub(super) schedule: Schedule<Sleeper, Box<Task>>,
    /// Permits for orders in flight, and for orders before their submission.
    flights: Semaphore,
    permits: Semaphore,
    /// Number of orders in flight, and whether all orders were started.
    open: Mutex<(usize, bool)>,
    pub(super) upload: SharedUpload,
    /// The rate at which requests are sent.
    pace: Mutex<Pace>,
    pub(super) stop: AtomicBool,
    /// Number of tasks since the last submission that the API did not accept because it was unavailable.
    pub(super) unavailable: AtomicUsize,
    /// Notices that were reported: the same notice is reported once.
    notices: Mutex<HashSet<String>>,
    /// Time of the last submission.
    pub(super) last_submission: Mutex<Option<Instant>>,
    pub(super) fatal: Mutex<Option<Box<Failure>>>,
    messages: Sender<Message>,
}

impl<'a> Run<'a> {
    fn new(interpreter: &'a Interpreter<'a>, messages: Sender<Message>) -> Self {
        let source = interpreter.context.input.source();
        let asset = match &source {
            Source::Archive(archive) => {
                lock(interpreter.ledger).as_ref().and_then(|ledger| ledger.asset(&archive.digest))
            }
            Source::Project(_) | Source::Render(_) | Source::Body => None,
        };
        let context = interpreter.context;
        let is_shared = matches!(source, Source::Archive(_)) && context.is_batch;
        Self {
            interpreter,
            source,
            submissions: Lane::new(),
            polls: Lane::new(),
            lists: Lane::new(),
            downloads: Lane::new(),
            schedule: Schedule::new(pause(SHORTEST_PAUSE)),
            flights: Semaphore::new(interpreter.in_flight),
            permits: Semaphore::new(interpreter.concurrency),
            open: Mutex::new((0, false)),
            upload: SharedUpload::new(asset, is_shared, context.options.reuse.is_off),
            pace: Mutex::new(Pace::new(Instant::now())),
            stop: AtomicBool::new(false),
            unavailable: AtomicUsize::new(0),
            notices: Mutex::default(),
            last_submission: Mutex::new(None),
            fatal: Mutex::new(None),
            messages,
        }
    }

    /// Forwards messages of the threads to the reporter until all of them have ended.
    fn report(&self, messages: &Receiver<Message>, reporter: &mut dyn Reporter) {
        let report = |reporter: &mut dyn Reporter, result: OrderResult| {
            if !reporter.result(result) {
                self.stop.store(true, Ordering::SeqCst);
            }
        };
        for message in messages {
            match message {
                Message::Event(event) => reporter.event(event),
                Message::Result(result) => report(reporter, *result),
                Message::Ended(result, has_permit) => {
                    report(reporter, *result);
                    // After the result is reported, which may prevent further orders.
                    self.leave(has_permit);
                }
                Message::End => return,
            }
        }
    }

    /// Starts orders, as many as may be in flight at the same time.
    fn feed(&self, orders: &mut (dyn Iterator<Item = Order> + Send)) {
        loop {
            self.flights.acquire();
            self.permits.acquire();
            let is_over = || self.stop.load(Ordering::SeqCst);
            // Checked again, since reading the next row may have taken a while.
            let next = if is_over() { None } else { orders.next().filter(|_| !is_over()) };
            let Some(order) = next else { break };
            lock(&self.open).0 += 1;
            self.admit(order);
        }
        lock(&self.open).1 = true;
        self.end_if_over();
    }

    /// Starts an order, unless it must wait for the upload of another one.
    fn admit(&self, order: Order) {
        let Some(Admitted { mut order, asset, is_leader }) = self.upload.admit(order) else { return };
        let Interpreter { context, max_retries, listed, gone_grace, .. } = self.interpreter;
        let mut plan = plan(context, self.source.clone(), &mut order, asset);
        if let Some(key) = plan.keys.chosen.as_ref().filter(|_| !plan.keys.is_chosen_for_many) {
            plan.keys.chosen_for = lock(self.interpreter.ledger).as_ref().and_then(|ledger| ledger.key(key));
        }
        (plan.max_retries, plan.reuse.listed) = (*max_retries, *listed);
        let job = Job::new(plan).with_gone_grace(*gone_grace);
        let mut task = Box::new(Task::new(order, job, is_leader));
        let step = task.step(JobEvent::Start);
        self.route(task, step);
    }

    /// Moves a task to the queue or the lane for its next action.
    pub(super) fn route(&self, mut task: Box<Task>, step: Step) {
        step.facts.into_iter().for_each(|fact| self.remember(fact));
        if let Some(notice) = step.notice
            && lock(&self.notices).insert(notice.clone())
        {
            self.say(Event::Warning(notice));
        }
        if !self.interpreter.context.is_batch {
            task.events(&step.action).into_iter().for_each(|event| self.say(event));
        }
        let is_submitting = matches!(step.action, Action::Send(_)) && task.job.stage() == Stage::Submit;
        if task.is_leader && (task.job.asset_id().is_some() || is_submitting) {
            self.open_upload(&mut task);
        }
        match step.action {
            Action::Send(_) | Action::Sleep(Pause { retry: Some(_), .. }) if self.is_abandoned(&task) => {
                self.abandon(task);
            }
            Action::Send(request) => self.queue(task, request),
            Action::Sleep(Pause { delay, retry: None }) => {
                self.release_permit(&mut task);
                self.schedule.park(Instant::now() + pause(delay), task);
            }
            Action::Sleep(Pause { delay, retry: Some(_) }) => {
                self.schedule.sleep(Instant::now() + pause(delay), Sleeper::Step(task));
            }
            Action::Save(url) => {
                self.release_permit(&mut task);
                self.downloads.push((task, url));
            }
            Action::Done(outcome) => {
                self.end_leadership(&mut task);
                let _ = self.submitted(&mut task);
                let has_permit = task.has_permit;
                self.end(task.done(outcome), has_permit);
            }
            Action::ReplaceAsset(refused) => self.replace_asset(task, refused),
            Action::Fail(failure) => self.fail(task, failure),
        }
    }

    /// Puts a request into the lane of its kind.
    fn queue(&self, task: Box<Task>, request: Request) {
        let lane = if task.job.stage() == Stage::Poll { &self.polls } else { &self.submissions };
        lane.push(Call::Send(task, request));
    }

    /// Reports that the render of a task exists, and releases its permit to submit.
    fn release_permit(&self, task: &mut Task) {
        self.end_leadership(task);
        if std::mem::take(&mut task.has_permit) {
            self.permits.release();
        }
        if let Some(result) = self.submitted(task) {
            let _ = self.messages.send(Message::Result(Box::new(result)));
        }
    }

    /// Starts the orders that waited for the upload of the leader, or for its submission if that includes the archive.
    fn open_upload(&self, leader: &mut Task) {
        leader.is_leader = false;
        if let Source::Archive(archive) = &self.source {
            let asset = leader.job.asset_id().map(|id| {
                let (digest, asset_id) = (archive.digest.clone(), id.to_owned());
                AssetFact { digest, asset_id, state: AssetState::Ready }
            });
            let waiting = self.upload.open(asset);
            if self.stop.load(Ordering::SeqCst) {
                waiting.into_iter().for_each(|_| self.leave(true));
            } else {
                waiting.into_iter().for_each(|order| self.admit(order));
            }
        }
    }

    /// Replaces a leader that needed no upload, or failed, with the next order.
    pub(super) fn end_leadership(&self, task: &mut Task) {
        self.end_replacement(task);
        if !std::mem::take(&mut task.is_leader) {
            return;
        }
        if self.stop.load(Ordering::SeqCst) {
            self.upload.abandon().into_iter().for_each(|_| self.leave(true));
        } else if let Some(order) = self.upload.next_leader() {
            self.admit(order);
        }
    }

    pub(super) fn end(&self, result: OrderResult, has_permit: bool) {
        let _ = self.messages.send(Message::Ended(Box::new(result), has_permit));
    }

    /// Records the end of an order.
    pub(super) fn leave(&self, has_permit: bool) {
        if has_permit {
            self.permits.release();
        }
        self.flights.release();
        lock(&self.open).0 -= 1;
        self.end_if_over();
    }

    fn end_if_over(&self) {
        if *lock(&self.open) == (0, true) {
            self.submissions.close();
            self.polls.close();
            self.lists.close();
            self.downloads.close();
            self.schedule.close();
            let _ = self.messages.send(Message::End);
        }
    }

    /// Wakes tasks that are due.
    fn wake(&self) {
        while let Some(Due { woken, parked }) = self.schedule.next() {
            for sleeper in woken {
                match sleeper {
                    Sleeper::Step(mut task) => {
                        let step = task.step(JobEvent::Woke);
                        self.route(task, step);
                    }
                    Sleeper::Send(task, _) if self.is_abandoned(&task) => self.abandon(task),
                    Sleeper::Send(task, request) => self.queue(task, request),
                }
            }
            if parked.len() >= WORTH_A_LIST {
                self.lists.push(Call::List(parked));
            } else {
                self.poll(parked);
            }
        }
    }

    /// Polls the tasks that are due, and parks the others again.
    fn poll(&self, parked: Vec<(Instant, Box<Task>)>) {
        for (due, mut task) in parked {
            if due > Instant::now() {
                self.schedule.park(due, task);
            } else {
                let step = task.step(JobEvent::Woke);
                self.route(task, step);
            }
        }
    }

    /// Sends the requests of a lane to the API.
    fn perform(&self, lane: &Lane<Call>) {
        while let Some(call) = lane.pop() {
            match call {
                Call::Send(task, request) => self.send(task, request),
                Call::List(parked) => self.poll_by_list(parked),
            }
        }
    }

    fn send(&self, mut task: Box<Task>, request: Request) {
        let sent = Instant::now();
        let is_paced = matches!(request.target, Target::Api(_)) && task.job.stage() != Stage::Poll;
        let wait = lock(&self.pace).wait(sent, is_paced);
        if let Some(until) = wait {
            match task.within_limit(until) {
                Some(until) => self.schedule.sleep(until, Sleeper::Send(task, request)),
                None => {
                    let step = task.end_pause();
                    self.route(task, step);
                }
            }
            return;
        }
        let is_upload = matches!(request.body, Body::Archive { .. } | Body::Encoded { .. });
        let opened = if is_upload { self.interpreter.context.input.open() } else { Ok(None) };
        let (mut source, total) = match opened {
            Ok(opened) => opened.unzip(),
            Err(error) => {
                let error = OutputError::NotKept(format!("cannot read the archive: {error}"));
                self.end_leadership(&mut task);
                self.end(task.broken(error.into()), task.has_permit);
                return;
            }
        };
        let total = total.unwrap_or_default();
        let mut throttle = Throttle::default();
        let is_quiet = source.is_none() || self.interpreter.context.is_batch;
        let mut progress = |done: u64| {
            if !is_quiet && throttle.is_due(done, total) {
                self.say(Event::Uploading { done, total });
            }
        };
        let source = source.as_mut().map(|source| &mut **source as &mut dyn Replay);
        let event = match self.interpreter.transport.send(&request, source, task.deadline(), &mut progress) {
            Ok(response) => {
                if let Target::Api(_) = request.target {
                    lock(&self.pace).record(&response, sent, is_paced);
                    if let Some(date) = response.date() {
                        task.job.set_clock_offset(date.saturating_sub(unix_now()));
                    }
                }
                JobEvent::Answered(response)
            }
            Err(message) => JobEvent::Unreachable(message),
        };
        let step = task.step(event);
        self.route(task, step);
    }

    /// Requests the state of many tasks from the account's list. Tasks that are not on it are polled when they are due.
    fn poll_by_list(&self, parked: Vec<(Instant, Box<Task>)>) {
        let sent = Instant::now();
        let hold = lock(&self.pace).hold(sent);
        if let Some(hold) = hold {
            for (due, task) in parked {
                match task.within_limit(due.max(hold)) {
                    Some(until) => self.schedule.park(until, task),
                    None => self.poll(vec![(due, task)]),
                }
            }
            return;
        }
        let deadlines = parked.iter().map(|(_, task)| task.deadline());
        let deadline = deadlines.min_by_key(|deadline| deadline.left()).unwrap_or(Deadline::NEVER);
        let wanted = parked.iter().filter_map(|(_, task)| task.job.render().map(|(id, _)| id.to_owned()));
        let (mut seen, delay) = list(self.interpreter.transport, wanted.collect(), deadline);
        if let Some(delay) = delay {
            lock(&self.pace).on_refused(sent, Instant::now(), Some(pause(delay)));
        }
        let mut missing = Vec::new();
        for (due, mut task) in parked {
            match task.job.render().and_then(|(id, _)| seen.remove(id)) {
                Some(detail) => {
                    let step = task.step(JobEvent::Seen(detail));
                    self.route(task, step);
                }
                None => missing.push((due, task)),
            }
        }
        self.poll(missing);
    }

    /// Downloads the videos of the download lane.
    fn save(&self) {
        while let Some((mut task, url)) = self.downloads.pop() {
            let mut throttle = Throttle::default();
            let is_quiet = self.interpreter.context.is_batch;
            let mut progress = |done: u64, total: Option<u64>| {
                if !is_quiet && throttle.is_due(done, total.unwrap_or_default()) {
                    self.say(Event::Downloading { done, total });
                }
            };
            let deadline = task.download_deadline(self.interpreter.context);
            let event = task.save(self.interpreter.transport, &url, deadline, &mut progress);
            let step = task.step(event);
            self.route(task, step);
        }
    }

    pub(super) fn say(&self, event: Event) {
        let _ = self.messages.send(Message::Event(event));
    }
}
