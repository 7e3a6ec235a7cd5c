//! Performs a run: starts executions in groups, follows them, and retries those that cannot be used.

use std::collections::{HashMap, VecDeque};

use hyperframes_ci_core::job::{Failure, GENERATIONS, RenderFact, RenderState};
use hyperframes_ci_core::options::Format;
use hyperframes_ci_core::video::check_complete;

use super::error::ServerlessError;
use super::follower::{Execution, FOLLOWING, FollowError, Follower, Update};
use super::stack::{Stack, Start, Started, video_key};
use crate::fault::Error;
use crate::renderers::verify::verify;
use crate::renderers::{Event, Order, OrderResult, OrderState, Output, Reporter, RunContext, SavedVideo};
use crate::system::deadline::Deadline;
use crate::system::gate::Reach;
use crate::system::output::OutputFile;

/// The settings of a run.
pub(super) struct StackRun<'a> {
    pub(super) stack: &'a dyn Stack,
    /// The project and its time limit.
    pub(super) context: &'a RunContext<'a>,
    /// Number of executions at a time.
    pub(super) concurrency: usize,
}

/// The origin of an execution.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Origin {
    /// Started by this run.
    New,
    /// Recorded by an earlier run.
    Resumed,
    /// Found by its name.
    Found,
}

/// An order and its execution.
struct InFlight {
    order: Order,
    generation: u32,
    name: String,
    /// Id of the execution, once it is known.
    execution: Option<String>,
    origin: Origin,
    output: OutputFile,
    deadline: Deadline,
}

impl StackRun<'_> {
    /// Renders `orders`; returns the estimated cost in US dollars.
    ///
    /// # Errors
    /// Returns an error if the run as a whole cannot continue. Executions that were started keep running.
    pub(super) fn run(
        &self,
        orders: &mut (dyn Iterator<Item = Order> + Send),
        reporter: &mut dyn Reporter,
    ) -> Result<f64, ServerlessError> {
        let mut state = RunState {
            run: self,
            follower: self.stack.follower(self.context.options.poll_interval)?,
            in_flight: HashMap::new(),
            retries: VecDeque::new(),
            cost: 0.0,
            is_stopped: false,
            reporter,
        };
        let mut orders = orders.fuse();
        loop {
            let free = self.concurrency.saturating_sub(state.in_flight.len());
            // Executions are started in groups, since each call of the command line takes about a second.
            if !state.is_stopped && (state.in_flight.is_empty() || free >= self.concurrency.div_ceil(2)) {
                state.begin(free.max(1), &mut orders)?;
            }
            if state.in_flight.is_empty() {
                if state.is_stopped || state.retries.is_empty() {
                    return Ok(state.cost);
                }
                continue;
            }
            if let Some(update) = state.follower.next_update()? {
                state.handle_update(update)?;
            }
            state.time_out()?;
        }
    }
}

/// The state of a run.
struct RunState<'a> {
    run: &'a StackRun<'a>,
    follower: Follower,
    in_flight: HashMap<u64, InFlight>,
    /// Orders whose execution cannot be used, and that need another one.
    retries: VecDeque<InFlight>,
    /// Estimated cost in US dollars.
    cost: f64,
    /// Whether the reporter has ended the run.
    is_stopped: bool,
    reporter: &'a mut dyn Reporter,
}

impl RunState<'_> {
    /// Begins up to `free` orders: follows a recorded execution, or starts a new one.
    fn begin(&mut self, free: usize, orders: &mut dyn Iterator<Item = Order>) -> Result<(), ServerlessError> {
        let mut starting = Vec::new();
        while starting.len() < free && !self.is_stopped {
            if let Some(flight) = self.retries.pop_front() {
                starting.push(flight);
                continue;
            }
            let Some(order) = orders.next() else { break };
            let Some(mut flight) = self.prepare(order) else { continue };
            match self.recorded(&flight.order) {
                Some((name, execution)) => {
                    flight.name = name;
                    flight.execution = Some(execution);
                    flight.origin = Origin::Resumed;
                    self.follow(flight)?;
                }
                None => starting.push(flight),
            }
        }
        self.start(starting)
    }

    /// Checks the limits of an order and opens its output, before anything is billed; reports an error as its result.
    fn prepare(&mut self, mut order: Order) -> Option<InFlight> {
        let mut result = order.result(OrderState::Submitted);
        if let Some(refusal) = order.limits.exceeded.take() {
            let error = Failure::refused(refusal).into();
            result.state = OrderState::Failed { error, is_fetchable: false };
            self.report(result);
            return None;
        }
        if order.limits.is_reuse_only && self.recorded(&order).is_none() {
            result.state = OrderState::Failed { error: Failure::equal_failed().into(), is_fetchable: false };
            self.report(result);
            return None;
        }
        let output = std::mem::replace(&mut order.output, Output::None).open();
        let output = output.and_then(|output| match output {
            Some(output) => Ok(output),
            None => Ok(OutputFile::prepare(
                None,
                &Reach::inside(std::path::Path::new(""), "the current directory"),
            )?),
        });
        match output {
            Ok(output) => {
                let known = self.fact(&order);
                let generation = known.map_or(0, |fact| {
                    fact.generation.saturating_add(u32::from(fact.state == RenderState::Failed))
                });
                let name = order.key(self.run.context.options, generation);
                let deadline = self.run.context.deadline();
                Some(InFlight {
                    order,
                    generation,
                    name,
                    execution: None,
                    origin: Origin::New,
                    output,
                    deadline,
                })
            }
            Err(error) => {
                result.state = OrderState::Failed { error, is_fetchable: false };
                self.report(result);
                None
            }
        }
    }

    /// Returns what an earlier run recorded about an order, if it is an execution of this stack.
    fn fact<'o>(&self, order: &'o Order) -> Option<&'o RenderFact> {
        let fact = order.known.as_ref().filter(|fact| fact.is_plausible())?;
        self.recorded_execution(order, fact).map(|_| fact)
    }

    /// Returns the name and the id of a recorded execution, if it is one of this stack.
    fn recorded_execution(&self, order: &Order, fact: &RenderFact) -> Option<(String, String)> {
        self.run.stack.recorded(fact, order.key(self.run.context.options, fact.generation))
    }

    /// Returns the name and the id of the execution that an earlier run recorded, if it has not failed and may be reused.
    fn recorded(&self, order: &Order) -> Option<(String, String)> {
        // An identical order of this run is no earlier one.
        let is_reused = !self.run.context.options.reuse.is_off || order.limits.is_reuse_only;
        let fact = self.fact(order).filter(|fact| fact.state != RenderState::Failed && is_reused)?;
        self.recorded_execution(order, fact)
    }

    /// Starts executions, and follows them or those that already exist under their names.
    fn start(&mut self, mut flights: Vec<InFlight>) -> Result<(), ServerlessError> {
        if flights.is_empty() {
            return Ok(());
        }
        let stack = self.run.stack;
        let starts = flights
            .iter()
            .map(|flight| Start { name: flight.name.clone(), options: flight.order.options.clone() });
        let started = stack.start(&starts.collect::<Vec<_>>(), self.run.context.deadline())?;
        for (mut flight, started) in flights.drain(..).zip(started) {
            match started {
                Started::New(execution) => {
                    flight.origin = Origin::New;
                    flight.execution = Some(execution);
                    self.report(flight.result(OrderState::Submitted));
                    self.follow(flight)?;
                }
                Started::Found(execution) => {
                    flight.origin = Origin::Found;
                    flight.execution = Some(execution);
                    self.follow(flight)?;
                }
                Started::Failed(error) => {
                    let error = ServerlessError::of_tool(stack.platform(), "starting an execution", error);
                    if error.is_of_all() {
                        return Err(error);
                    }
                    let mut result = flight.failed(error.into());
                    result.render_id = None;
                    self.report(result);
                }
            }
        }
        Ok(())
    }

    /// Follows the execution of an order.
    fn follow(&mut self, flight: InFlight) -> Result<(), ServerlessError> {
        let format = flight.order.options.format.unwrap_or(Format::Mp4);
        let since = (flight.origin != Origin::New).then(|| self.run.context.options.reuse.since()).flatten();
        let key = video_key(&flight.name, format);
        let execution = Execution { id: flight.order.index, execution: flight.id(), key: &key };
        self.follower.follow(execution, flight.output.temporary_path(), since)?;
        self.in_flight.insert(flight.order.index, flight);
        Ok(())
    }

    /// Handles a message about an execution.
    fn handle_update(&mut self, update: Update) -> Result<(), ServerlessError> {
        if let Some(progress) = update.progress.filter(|_| self.in_flight.contains_key(&update.id)) {
            let (stage, percent) = ("rendering".to_owned(), progress * 100.0);
            self.reporter.event(Event::Progress { stage, percent });
            return Ok(());
        }
        let Some(flight) = self.in_flight.remove(&update.id) else { return Ok(()) };
        match update.failed {
            None => {
                debug_assert!(update.saved.is_some());
                if flight.origin == Origin::New {
                    self.cost += update.cost.unwrap_or_default();
                }
                self.complete(flight);
                Ok(())
            }
            Some(error) => self.retry_or_fail(flight, error),
        }
    }

    /// Saves the downloaded video, if it is whole.
    fn complete(&mut self, mut flight: InFlight) {
        let format = flight.order.options.format.unwrap_or(Format::Mp4);
        let checked = check_complete(flight.output.file(), flight.order.expected.duration);
        if let Err(error) = checked {
            let error = ServerlessError::Damaged { video: video_key(&flight.name, format), error };
            return self.report(flight.failed(error.into()));
        }
        let verified = verify(flight.output.temporary_path(), &flight.order.expected);
        let mut result = flight.result(OrderState::Submitted);
        result.state = match flight.output.keep(&format!("{}.{format}", self.run.context.name)) {
            Ok((path, size)) => OrderState::Completed(Some(SavedVideo { path, size, verified })),
            Err(error) => OrderState::Failed { error: error.into(), is_fetchable: false },
        };
        self.report(result);
    }

    /// Handles an execution without a video: an existing one that cannot be used is replaced by a new execution, but one that
    /// this run was billed for fails the order.
    fn retry_or_fail(&mut self, mut flight: InFlight, error: FollowError) -> Result<(), ServerlessError> {
        let FollowError { name, message } = error;
        let is_gone = matches!(name.as_str(), "NoSuchKey" | "NotFound");
        let is_unusable = match name.as_str() {
            "TooOld" => true,
            "RenderFailed" => flight.origin == Origin::Found,
            _ => is_gone && flight.origin != Origin::New,
        };
        // Step Functions forgets executions after 90 days, and a recorded one may be of another account.
        let is_foreign = matches!(name.as_str(), "ExecutionDoesNotExist" | "PERMISSION_DENIED");
        let is_forgotten = is_foreign && flight.origin == Origin::Resumed;
        let is_repeatable = (is_unusable && flight.generation < GENERATIONS) || is_forgotten;
        if is_repeatable && !flight.order.limits.is_reuse_only {
            flight.generation += u32::from(is_unusable);
            flight.execution = None;
            flight.name = flight.order.key(self.run.context.options, flight.generation);
            self.retries.push_back(flight);
            return Ok(());
        }
        let platform = self.run.stack.platform();
        let error = match name.as_str() {
            "RenderFailed" => ServerlessError::Render(platform, message),
            _ => ServerlessError::of_tool(platform, FOLLOWING, format!("{name}: {message}")),
        };
        if error.is_of_all() {
            return Err(error);
        }
        let result = flight.failed(error.into());
        self.report(result);
        Ok(())
    }

    /// Stops following executions that exceed the time limit. They keep running: the next run finds them by their names.
    fn time_out(&mut self) -> Result<(), ServerlessError> {
        let late = self.in_flight.iter().filter(|(_, flight)| flight.deadline.is_over());
        for index in late.map(|(index, _)| *index).collect::<Vec<_>>() {
            let Some(flight) = self.in_flight.remove(&index) else { continue };
            self.follower.forget(index)?;
            let execution = flight.id().to_owned();
            let error = ServerlessError::TimedOut { execution }.into();
            let state = OrderState::Failed { error, is_fetchable: true };
            let result = flight.result(state);
            self.report(result);
        }
        Ok(())
    }

    /// Reports the result of an order.
    fn report(&mut self, result: OrderResult) {
        self.is_stopped |= !self.reporter.result(result);
    }
}

impl InFlight {
    /// Returns the id of the execution, or an empty string before it is known.
    fn id(&self) -> &str {
        self.execution.as_deref().unwrap_or_default()
    }

    /// Returns a result with the execution.
    fn result(&self, state: OrderState) -> OrderResult {
        OrderResult {
            generation: self.generation,
            render_id: self.execution.clone(),
            is_reused: self.origin != Origin::New,
            output: self.output.path().map(ToOwned::to_owned),
            ..self.order.result(state)
        }
    }

    /// Returns the result of an order that failed.
    fn failed(&self, error: Error) -> OrderResult {
        let state = OrderState::Failed { error, is_fetchable: false };
        OrderResult { is_reused: false, ..self.result(state) }
    }
}
