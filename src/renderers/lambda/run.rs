//! Many renders at a time: started together, followed together.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use hyperframes_ci_core::job::{Failure, GENERATIONS, RenderState};
use hyperframes_ci_core::options::Format;

use super::error::LambdaError;
use super::follower::{FOLLOWING, Follower, News, Problem};
use super::tooling::{Layout, Site, Start, Tooling, key};
use crate::fault::Error;
use crate::renderers::verify::verify;
use crate::renderers::{Event, Order, OrderResult, OrderState, Reporter, RunOptions, SavedVideo};
use crate::system::output::OutputFile;
use crate::system::random;

/// How the executions of a run are started and followed.
pub(super) struct LambdaRun<'a> {
    pub(super) tooling: &'a Tooling,
    pub(super) layout: Layout,
    /// The project's name, for files that have no other.
    pub(super) project: &'a str,
    pub(super) options: &'a RunOptions,
    /// Executions at a time.
    pub(super) concurrency: usize,
}

/// Where an execution comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Origin {
    /// This run has started it.
    New,
    /// An earlier run has recorded it.
    Resumed,
    /// It existed under its name.
    Found,
}

/// An order and its execution.
struct InFlight {
    order: Order,
    generation: u32,
    name: String,
    origin: Origin,
    output: OutputFile,
    began: Instant,
}

impl LambdaRun<'_> {
    /// Renders `orders`, and returns what it cost, in dollars, by the tooling's estimate.
    ///
    /// # Errors
    /// Returns an error if the run cannot go on as a whole. Executions that were started go on without it.
    pub(super) fn run(
        &self,
        orders: &mut (dyn Iterator<Item = Order> + Send),
        reporter: &mut dyn Reporter,
    ) -> Result<f64, LambdaError> {
        let mut state = State {
            run: self,
            site: None,
            follower: self.tooling.follower(self.options.poll_interval)?,
            in_flight: HashMap::new(),
            again: VecDeque::new(),
            cost: 0.0,
            is_stopped: false,
            reporter,
        };
        let mut orders = orders.fuse();
        loop {
            let free = self.concurrency.saturating_sub(state.in_flight.len());
            // The command line takes a second to start: it starts several at a time.
            if !state.is_stopped && (state.in_flight.is_empty() || free >= self.concurrency.div_ceil(2)) {
                state.begin(free.max(1), &mut orders)?;
            }
            if state.in_flight.is_empty() {
                if state.is_stopped || state.again.is_empty() {
                    return Ok(state.cost);
                }
                continue;
            }
            if let Some(news) = state.follower.hear()? {
                state.take_in(news)?;
            }
            state.end_late()?;
        }
    }
}

struct State<'a> {
    run: &'a LambdaRun<'a>,
    site: Option<Site>,
    follower: Follower,
    in_flight: HashMap<u64, InFlight>,
    /// Orders whose execution cannot be used: they are to start another.
    again: VecDeque<InFlight>,
    cost: f64,
    is_stopped: bool,
    reporter: &'a mut dyn Reporter,
}

impl State<'_> {
    /// Begins up to `free` orders: by the execution that is known, or by a new one.
    fn begin(&mut self, free: usize, orders: &mut dyn Iterator<Item = Order>) -> Result<(), LambdaError> {
        let mut starting = Vec::new();
        while starting.len() < free && !self.is_stopped {
            if let Some(flight) = self.again.pop_front() {
                starting.push(flight);
                continue;
            }
            let Some(mut order) = orders.next() else { break };
            if let Some(refusal) = order.limits.exceeded.take() {
                let error = Failure::refused(refusal).into();
                self.report(order.result(OrderState::Failed { error, is_fetchable: false }));
                continue;
            }
            // What is to be written is made ready before anything is billed.
            let mut result = order.result(OrderState::Submitted);
            let output = std::mem::replace(&mut order.output, crate::renderers::order::Output::None);
            let output = match output.open().and_then(|output| match output {
                Some(output) => Ok(output),
                None => Ok(OutputFile::prepare(None)?),
            }) {
                Ok(output) => output,
                Err(error) => {
                    result.state = OrderState::Failed { error, is_fetchable: false };
                    self.report(result);
                    continue;
                }
            };
            let known = order.known.clone().filter(|fact| fact.render_id.starts_with("arn:"));
            let is_failed = known.as_ref().is_some_and(|fact| fact.state == RenderState::Failed);
            let generation = known.as_ref().map_or(0, |fact| fact.generation + u32::from(is_failed));
            let mut flight = InFlight {
                generation,
                name: self.name(&order, generation),
                order,
                origin: Origin::New,
                output,
                began: Instant::now(),
            };
            match known.filter(|_| !is_failed && !self.run.options.reuse.is_off) {
                Some(fact) => {
                    let name = fact.render_id.rsplit(':').next().unwrap_or_default();
                    flight.name = name.to_owned();
                    flight.origin = Origin::Resumed;
                    self.follow(flight)?;
                }
                None => starting.push(flight),
            }
        }
        self.start(starting)
    }

    /// The name of an execution: its render key, or one of its own where earlier renders do not count.
    fn name(&self, order: &Order, generation: u32) -> String {
        match &order.identity {
            Some(identity) if !self.run.options.reuse.is_off => identity.key(generation).to_string(),
            _ => format!("hfci-{:016x}{:016x}", random(), random()),
        }
    }

    fn start(&mut self, mut flights: Vec<InFlight>) -> Result<(), LambdaError> {
        if flights.is_empty() {
            return Ok(());
        }
        let LambdaRun { tooling, layout, .. } = self.run;
        let site = match &self.site {
            Some(site) => site,
            None => self.site.insert(tooling.site()?),
        };
        let starts = flights
            .iter()
            .map(|flight| Start { name: flight.name.clone(), options: flight.order.options.clone() });
        let started = tooling.start(site, *layout, &starts.collect::<Vec<_>>())?;
        for (mut flight, problem) in flights.drain(..).zip(started) {
            match problem {
                None => {
                    flight.origin = Origin::New;
                    self.report(flight.result(tooling, OrderState::Submitted));
                    self.follow(flight)?;
                }
                Some(problem) if is_taken(&problem) => {
                    flight.origin = Origin::Found;
                    self.follow(flight)?;
                }
                Some(problem) => match LambdaError::of_tool("starting an execution", problem) {
                    // It is the same for every other one.
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

    fn follow(&mut self, flight: InFlight) -> Result<(), LambdaError> {
        let format = flight.order.options.format.unwrap_or(Format::Mp4);
        let since = (flight.origin != Origin::New).then(|| self.run.options.reuse.since());
        let (index, execution) = (flight.order.index, self.run.tooling.stack.execution(&flight.name));
        let key = key(&flight.name, format);
        self.follower.follow(index, &execution, &key, flight.output.temporary_path(), since)?;
        self.in_flight.insert(index, flight);
        Ok(())
    }

    fn take_in(&mut self, news: News) -> Result<(), LambdaError> {
        if let Some(progress) = news.progress.filter(|_| self.in_flight.contains_key(&news.id)) {
            let (stage, percent) = ("rendering".to_owned(), progress * 100.0);
            self.reporter.event(Event::Progress { stage, percent });
            return Ok(());
        }
        let Some(flight) = self.in_flight.remove(&news.id) else { return Ok(()) };
        match news.failed {
            None => {
                debug_assert!(news.saved.is_some());
                if flight.origin == Origin::New {
                    self.cost += news.cost.unwrap_or_default();
                }
                self.complete(flight);
                Ok(())
            }
            Some(problem) => self.recover(flight, problem),
        }
    }

    /// The video is there.
    fn complete(&mut self, flight: InFlight) {
        let verified = verify(flight.output.temporary_path(), &flight.order.expected);
        let format = flight.order.options.format.unwrap_or(Format::Mp4);
        let mut result = flight.result(self.run.tooling, OrderState::Submitted);
        result.state = match flight.output.keep(&format!("{}.{format}", self.run.project)) {
            Ok((path, size)) => OrderState::Completed(Some(SavedVideo { path, size, verified })),
            Err(error) => OrderState::Failed { error: error.into(), is_fetchable: false },
        };
        self.report(result);
    }

    /// There is no video: what existed already makes room for another execution, what this run has paid for does not.
    fn recover(&mut self, mut flight: InFlight, problem: Problem) -> Result<(), LambdaError> {
        let Problem { name, message } = problem;
        let is_gone = matches!(name.as_str(), "NoSuchKey" | "NotFound");
        let is_unusable = match name.as_str() {
            "TooOld" => true,
            "RenderFailed" => flight.origin == Origin::Found,
            _ => is_gone && flight.origin != Origin::New,
        };
        // Names are forgotten after 90 days, and other accounts have others.
        let is_forgotten = name == "ExecutionDoesNotExist" && flight.origin == Origin::Resumed;
        if (is_unusable && flight.generation < GENERATIONS) || is_forgotten {
            flight.generation += u32::from(is_unusable);
            flight.name = self.name(&flight.order, flight.generation);
            self.again.push_back(flight);
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

    /// Ends the waiting for an execution that takes too long. It goes on: the next run finds it by its name.
    fn end_late(&mut self) -> Result<(), LambdaError> {
        let most = self.run.options.max_wait;
        let late = self.in_flight.iter().find(|(_, flight)| flight.began.elapsed() > most);
        if let Some(index) = late.map(|(index, _)| *index)
            && let Some(flight) = self.in_flight.remove(&index)
        {
            self.follower.forget(index)?;
            let execution = self.run.tooling.stack.execution(&flight.name);
            let error = LambdaError::TimedOut { execution }.into();
            let state = OrderState::Failed { error, is_fetchable: true };
            let result = flight.result(self.run.tooling, state);
            self.report(result);
        }
        Ok(())
    }

    fn report(&mut self, result: OrderResult) {
        self.is_stopped |= !self.reporter.result(result);
    }
}

/// Whether an execution did not start because there is one of its name; source: `StartExecution` of the AWS API.
fn is_taken(problem: &str) -> bool {
    problem.contains("ExecutionAlreadyExists") || problem.contains("Execution Already Exists")
}

impl InFlight {
    fn result(&self, tooling: &Tooling, state: OrderState) -> OrderResult {
        OrderResult {
            generation: self.generation,
            render_id: Some(tooling.stack.execution(&self.name)),
            is_reused: self.origin != Origin::New,
            output: self.output.path().map(ToOwned::to_owned),
            ..self.order.result(state)
        }
    }

    fn failed(&self, tooling: &Tooling, error: Error) -> OrderResult {
        let state = OrderState::Failed { error, is_fetchable: false };
        OrderResult { is_reused: false, ..self.result(tooling, state) }
    }
}
