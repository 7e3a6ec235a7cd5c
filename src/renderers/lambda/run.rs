//! Performs a run: starts executions in groups, follows them, and retries those that cannot be used.

use std::collections::{HashMap, VecDeque};

use hyperframes_ci_core::job::{Failure, GENERATIONS, RenderFact, RenderState};
use hyperframes_ci_core::options::Format;

use super::error::LambdaError;
use super::follower::{Execution, FOLLOWING, FollowError, Follower, Update};
use super::tooling::{Layout, Site, Start, Tooling, video_key};
use crate::fault::Error;
use crate::renderers::verify::verify;
use crate::renderers::{
    Event, Order, OrderResult, OrderState, Output, Reporter, RunContext, RunOptions, SavedVideo,
};
use crate::system::deadline::Deadline;
use crate::system::gate::Reach;
use crate::system::output::OutputFile;

/// The settings of a run.
pub(super) struct LambdaRun<'a> {
    pub(super) tooling: &'a Tooling,
    pub(super) layout: Layout,
    /// The project and its time limit.
    pub(super) context: &'a RunContext<'a>,
    pub(super) options: &'a RunOptions,
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
    origin: Origin,
    output: OutputFile,
    deadline: Deadline,
}

impl LambdaRun<'_> {
    /// Renders `orders`; returns the estimated cost in US dollars.
    ///
    /// # Errors
    /// Returns an error if the run as a whole cannot continue. Executions that were started keep running.
    pub(super) fn run(
        &self,
        orders: &mut (dyn Iterator<Item = Order> + Send),
        reporter: &mut dyn Reporter,
    ) -> Result<f64, LambdaError> {
        let mut state = RunState {
            run: self,
            site: None,
            follower: self.tooling.follower(self.options.poll_interval)?,
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
    run: &'a LambdaRun<'a>,
    site: Option<Site>,
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
    fn begin(&mut self, free: usize, orders: &mut dyn Iterator<Item = Order>) -> Result<(), LambdaError> {
        let mut starting = Vec::new();
        while starting.len() < free && !self.is_stopped {
            if let Some(flight) = self.retries.pop_front() {
                starting.push(flight);
                continue;
            }
            let Some(order) = orders.next() else { break };
            let Some(mut flight) = self.prepare(order) else { continue };
            match self.recorded_name(&flight.order) {
                Some(name) => {
                    flight.name = name;
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
        if order.limits.is_reuse_only && self.recorded_name(&order).is_none() {
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
                let known = recorded(&order);
                let generation = known.map_or(0, |fact| {
                    fact.generation.saturating_add(u32::from(fact.state == RenderState::Failed))
                });
                let name = order.key(self.run.options, generation);
                let deadline = self.run.context.deadline();
                Some(InFlight { order, generation, name, origin: Origin::New, output, deadline })
            }
            Err(error) => {
                result.state = OrderState::Failed { error, is_fetchable: false };
                self.report(result);
                None
            }
        }
    }

    /// Returns the name of the execution that an earlier run recorded, if it has not failed and may be reused.
    fn recorded_name(&self, order: &Order) -> Option<String> {
        // An identical order of this run is no earlier one.
        let is_reused = !self.run.options.reuse.is_off || order.limits.is_reuse_only;
        let fact = recorded(order).filter(|fact| fact.state != RenderState::Failed && is_reused)?;
        Some(fact.render_id.rsplit(':').next().unwrap_or_default().to_owned())
    }

    /// Starts executions, and follows them or those that already exist under their names.
    fn start(&mut self, mut flights: Vec<InFlight>) -> Result<(), LambdaError> {
        if flights.is_empty() {
            return Ok(());
        }
        let LambdaRun { tooling, layout, .. } = self.run;
        let site = match &self.site {
            Some(site) => site,
            None => self.site.insert(tooling.site(self.run.context.deadline())?),
        };
        let starts = flights
            .iter()
            .map(|flight| Start { name: flight.name.clone(), options: flight.order.options.clone() });
        let errors =
            tooling.start(site, *layout, &starts.collect::<Vec<_>>(), self.run.context.deadline())?;
        for (mut flight, error) in flights.drain(..).zip(errors) {
            match error {
                None => {
                    flight.origin = Origin::New;
                    self.report(flight.result(tooling, OrderState::Submitted));
                    self.follow(flight)?;
                }
                Some(error) if is_name_taken(&error) => {
                    flight.origin = Origin::Found;
                    self.follow(flight)?;
                }
                Some(error) => match LambdaError::of_tool("starting an execution", error) {
                    // The other executions would fail in the same way.
                    error @ LambdaError::Credentials(_) => return Err(error),
                    error => {
                        let mut result = flight.failed(tooling, error.into());
                        result.render_id = None;
                        self.report(result);
                    }
                },
            }
        }
        Ok(())
    }

    /// Follows the execution of an order.
    fn follow(&mut self, flight: InFlight) -> Result<(), LambdaError> {
        let format = flight.order.options.format.unwrap_or(Format::Mp4);
        let since = (flight.origin != Origin::New).then(|| self.run.options.reuse.since()).flatten();
        let arn = self.run.tooling.stack.execution_arn(&flight.name);
        let key = video_key(&flight.name, format);
        let execution = Execution { id: flight.order.index, arn: &arn, key: &key };
        self.follower.follow(execution, flight.output.temporary_path(), since)?;
        self.in_flight.insert(flight.order.index, flight);
        Ok(())
    }

    /// Handles a message about an execution.
    fn handle_update(&mut self, update: Update) -> Result<(), LambdaError> {
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

    /// Saves the downloaded video.
    fn complete(&mut self, flight: InFlight) {
        let verified = verify(flight.output.temporary_path(), &flight.order.expected);
        let format = flight.order.options.format.unwrap_or(Format::Mp4);
        let mut result = flight.result(self.run.tooling, OrderState::Submitted);
        result.state = match flight.output.keep(&format!("{}.{format}", self.run.context.name)) {
            Ok((path, size)) => OrderState::Completed(Some(SavedVideo { path, size, verified })),
            Err(error) => OrderState::Failed { error: error.into(), is_fetchable: false },
        };
        self.report(result);
    }

    /// Handles an execution without a video: an existing one that cannot be used is replaced by a new execution, but one that
    /// this run was billed for fails the order.
    fn retry_or_fail(&mut self, mut flight: InFlight, error: FollowError) -> Result<(), LambdaError> {
        let FollowError { name, message } = error;
        let is_gone = matches!(name.as_str(), "NoSuchKey" | "NotFound");
        let is_unusable = match name.as_str() {
            "TooOld" => true,
            "RenderFailed" => flight.origin == Origin::Found,
            _ => is_gone && flight.origin != Origin::New,
        };
        // Step Functions forgets executions after 90 days, and a recorded one may be of another account.
        let is_forgotten = name == "ExecutionDoesNotExist" && flight.origin == Origin::Resumed;
        let is_repeatable = (is_unusable && flight.generation < GENERATIONS) || is_forgotten;
        if is_repeatable && !flight.order.limits.is_reuse_only {
            flight.generation += u32::from(is_unusable);
            flight.name = flight.order.key(self.run.options, flight.generation);
            self.retries.push_back(flight);
            return Ok(());
        }
        let error = match name.as_str() {
            "RenderFailed" => LambdaError::Render(message),
            _ => LambdaError::of_tool(FOLLOWING, format!("{name}: {message}")),
        };
        if let LambdaError::Credentials(_) = error {
            return Err(error);
        }
        let result = flight.failed(self.run.tooling, error.into());
        self.report(result);
        Ok(())
    }

    /// Stops following executions that exceed the time limit. They keep running: the next run finds them by their names.
    fn time_out(&mut self) -> Result<(), LambdaError> {
        let late = self.in_flight.iter().filter(|(_, flight)| flight.deadline.is_over());
        for index in late.map(|(index, _)| *index).collect::<Vec<_>>() {
            let Some(flight) = self.in_flight.remove(&index) else { continue };
            self.follower.forget(index)?;
            let execution = self.run.tooling.stack.execution_arn(&flight.name);
            let error = LambdaError::TimedOut { execution }.into();
            let state = OrderState::Failed { error, is_fetchable: true };
            let result = flight.result(self.run.tooling, state);
            self.report(result);
        }
        Ok(())
    }

    /// Reports the result of an order.
    fn report(&mut self, result: OrderResult) {
        self.is_stopped |= !self.reporter.result(result);
    }
}

/// Returns the execution that an earlier run recorded for an order.
fn recorded(order: &Order) -> Option<&RenderFact> {
    order.known.as_ref().filter(|fact| fact.is_plausible() && fact.render_id.starts_with("arn:"))
}

/// Returns whether an execution was not started because its name is taken; source: `StartExecution` of the AWS API.
fn is_name_taken(error: &str) -> bool {
    error.contains("ExecutionAlreadyExists") || error.contains("Execution Already Exists")
}

impl InFlight {
    /// Returns a result with the execution.
    fn result(&self, tooling: &Tooling, state: OrderState) -> OrderResult {
        OrderResult {
            generation: self.generation,
            render_id: Some(tooling.stack.execution_arn(&self.name)),
            is_reused: self.origin != Origin::New,
            output: self.output.path().map(ToOwned::to_owned),
            ..self.order.result(state)
        }
    }

    /// Returns the result of an order that failed.
    fn failed(&self, tooling: &Tooling, error: Error) -> OrderResult {
        let state = OrderState::Failed { error, is_fetchable: false };
        OrderResult { is_reused: false, ..self.result(tooling, state) }
    }
}
