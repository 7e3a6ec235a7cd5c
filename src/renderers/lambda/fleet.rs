//! Many renders at a time: started together, followed together.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::job::{RenderFact, RenderIdentity, RenderState};
use hyperframes_ci_core::options::Format;
use hyperframes_ci_core::video::Expected;

use super::{Follower, Lambda, LambdaError, Layout, News, Problem, Site, Start, key};
use crate::fault::Error;
use crate::renderers::cloud::{Outcome, RowResult};
use crate::renderers::verify::verify;
use crate::system::output::OutputFile;

/// Renders of one identity that were of no use, before it is given up.
const GENERATIONS: u32 = 32;

/// One video to be.
pub(crate) struct Order {
    /// Its place, from 0.
    pub(crate) index: u64,
    pub(crate) identity: RenderIdentity,
    pub(crate) options: RenderRequest,
    pub(crate) output: PathBuf,
    pub(crate) expected: Expected,
    /// The render that an earlier run has told of.
    pub(crate) known: Option<RenderFact>,
}

/// What happens to a video.
pub(crate) enum Told {
    /// How far it is, 0 to 1.
    Progress(f64),
    /// What became of it.
    Result(Box<RowResult>),
}

/// Renders of one project.
pub(crate) struct Fleet {
    pub(crate) lambda: Lambda,
    pub(crate) layout: Layout,
    /// Executions that go on at a time.
    pub(crate) concurrency: usize,
    /// The longest pause between two looks at one.
    pub(crate) pause: Duration,
    pub(crate) max_wait: Duration,
    /// Whether renders that exist do not count.
    pub(crate) is_fresh: bool,
    /// Renders that began before, in seconds since 1970, do not count.
    pub(crate) since: Option<i64>,
}

/// Where the execution of a flight comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Origin {
    /// This run has started it.
    New,
    /// An earlier run has told of it.
    Resumed,
    /// It was there under its name.
    Found,
}

struct Flight {
    order: Order,
    generation: u32,
    name: String,
    origin: Origin,
    target: OutputFile,
    began: Instant,
}

impl Fleet {
    /// Renders `orders`; `tell` hears what happens to each, and says whether to go on. Gives back what it cost, in dollars,
    /// by the tooling's estimate.
    ///
    /// # Errors
    /// When it cannot go on as a whole. Executions that were started go on without it.
    pub(crate) fn run(
        &self,
        orders: impl Iterator<Item = Order>,
        tell: &mut dyn FnMut(u64, Told) -> bool,
    ) -> Result<f64, LambdaError> {
        let mut run = Run {
            fleet: self,
            site: None,
            follower: self.lambda.follower(self.pause)?,
            flights: HashMap::new(),
            again: VecDeque::new(),
            cost: 0.0,
            is_stopped: false,
            tell,
        };
        let mut orders = orders.fuse();
        loop {
            let free = self.concurrency.saturating_sub(run.flights.len());
            // The command line takes a second to start: it starts several at a time.
            if !run.is_stopped && (run.flights.is_empty() || free >= self.concurrency.div_ceil(2)) {
                run.take_off(free.max(1), &mut orders)?;
            }
            if run.flights.is_empty() {
                if run.is_stopped || run.again.is_empty() {
                    return Ok(run.cost);
                }
                continue;
            }
            if let Some(news) = run.follower.hear()? {
                run.hear(news)?;
            }
            run.end_late()?;
        }
    }
}

struct Run<'a> {
    fleet: &'a Fleet,
    site: Option<Site>,
    follower: Follower,
    flights: HashMap<u64, Flight>,
    /// Flights whose execution is of no use: they are to start another.
    again: VecDeque<Flight>,
    cost: f64,
    is_stopped: bool,
    tell: &'a mut dyn FnMut(u64, Told) -> bool,
}

impl Run<'_> {
    /// Brings up to `free` videos on their way: by the execution that is known, or by a new one.
    fn take_off(&mut self, free: usize, orders: &mut dyn Iterator<Item = Order>) -> Result<(), LambdaError> {
        let mut starting = Vec::new();
        while starting.len() < free && !self.is_stopped {
            if let Some(flight) = self.again.pop_front() {
                starting.push(flight);
                continue;
            }
            let Some(order) = orders.next() else { break };
            // What is to be written is made ready before anything is billed.
            let target = match OutputFile::prepare(Some(&order.output)) {
                Ok(target) => target,
                Err(error) => {
                    self.fail(order, 0, None, error.into());
                    continue;
                }
            };
            let known = order.known.clone().filter(|fact| fact.render_id.starts_with("arn:"));
            let is_failed = known.as_ref().is_some_and(|fact| fact.state == RenderState::Failed);
            let generation = known.as_ref().map_or(0, |fact| fact.generation + u32::from(is_failed));
            let mut flight = Flight {
                generation,
                name: self.name(&order, generation),
                order,
                origin: Origin::New,
                target,
                began: Instant::now(),
            };
            match known.filter(|_| !is_failed && !self.fleet.is_fresh) {
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

    fn name(&self, order: &Order, generation: u32) -> String {
        if self.fleet.is_fresh {
            format!("hfci-{:016x}{:016x}", crate::system::random(), crate::system::random())
        } else {
            order.identity.key(generation).to_string()
        }
    }

    fn start(&mut self, mut flights: Vec<Flight>) -> Result<(), LambdaError> {
        if flights.is_empty() {
            return Ok(());
        }
        let Fleet { lambda, layout, .. } = self.fleet;
        let site = match &self.site {
            Some(site) => site,
            None => self.site.insert(lambda.site()?),
        };
        let starts = flights
            .iter()
            .map(|flight| Start { name: flight.name.clone(), options: flight.order.options.clone() });
        let started = lambda.start(site, *layout, &starts.collect::<Vec<_>>())?;
        for (mut flight, problem) in flights.drain(..).zip(started) {
            match problem {
                None => {
                    flight.origin = Origin::New;
                    let result = flight.result(lambda, Outcome::Submitted);
                    self.tell(flight.order.index, Told::Result(Box::new(result)));
                    self.follow(flight)?;
                }
                Some(problem) if is_taken(&problem) => {
                    flight.origin = Origin::Found;
                    self.follow(flight)?;
                }
                Some(problem) => match LambdaError::of_tool("starting an execution", problem) {
                    // It is the same for every other one.
                    error @ LambdaError::Credentials(_) => return Err(error),
                    error => self.fail(flight.order, flight.generation, None, error.into()),
                },
            }
        }
        Ok(())
    }

    fn follow(&mut self, flight: Flight) -> Result<(), LambdaError> {
        let Fleet { lambda, since, .. } = self.fleet;
        let format = flight.order.options.format.unwrap_or(Format::Mp4);
        let since = since.filter(|_| flight.origin != Origin::New);
        let (index, execution) = (flight.order.index, lambda.stack.execution(&flight.name));
        let key = key(&flight.name, format);
        self.follower.follow(index, &execution, &key, flight.target.temporary_path(), since)?;
        self.flights.insert(index, flight);
        Ok(())
    }

    fn hear(&mut self, news: News) -> Result<(), LambdaError> {
        if let Some(progress) = news.progress.filter(|_| self.flights.contains_key(&news.id)) {
            self.tell(news.id, Told::Progress(progress));
            return Ok(());
        }
        let Some(flight) = self.flights.remove(&news.id) else { return Ok(()) };
        match news.failed {
            None => {
                debug_assert!(news.saved.is_some());
                if flight.origin == Origin::New {
                    self.cost += news.cost.unwrap_or_default();
                }
                self.land(flight);
                Ok(())
            }
            Some(problem) => self.lose(flight, problem),
        }
    }

    /// The video is there.
    fn land(&mut self, flight: Flight) {
        let verified = verify(flight.target.temporary_path(), &flight.order.expected);
        let format = flight.order.options.format.unwrap_or(Format::Mp4);
        let mut result = flight.result(&self.fleet.lambda, Outcome::Completed(Box::new(verified)));
        if let Err(message) = flight.target.keep(&format!("{}.{format}", flight.name)) {
            result.outcome = Outcome::Failed(Box::new(message.into()));
        }
        self.tell(result.index, Told::Result(Box::new(result)));
    }

    /// There is no video: what exists already makes room for another execution, what this run has paid for does not.
    fn lose(&mut self, mut flight: Flight, Problem { name, message }: Problem) -> Result<(), LambdaError> {
        let is_gone = matches!(name.as_str(), "NoSuchKey" | "NotFound");
        let is_useless = match name.as_str() {
            "TooOld" => true,
            "RenderFailed" => flight.origin == Origin::Found,
            _ => is_gone && flight.origin != Origin::New,
        };
        // Names are forgotten after 90 days, and other accounts have others.
        let is_forgotten = name == "ExecutionDoesNotExist" && flight.origin == Origin::Resumed;
        if (is_useless && flight.generation < GENERATIONS) || is_forgotten {
            flight.generation += u32::from(is_useless);
            flight.name = self.name(&flight.order, flight.generation);
            self.again.push_back(flight);
            return Ok(());
        }
        let error = match name.as_str() {
            "RenderFailed" => LambdaError::Render(message),
            _ => LambdaError::of_tool(super::FOLLOWING, format!("{name}: {message}")),
        };
        if let LambdaError::Credentials(_) = error {
            return Err(error);
        }
        let execution = self.fleet.lambda.stack.execution(&flight.name);
        self.fail(flight.order, flight.generation, Some(execution), error.into());
        Ok(())
    }

    fn end_late(&mut self) -> Result<(), LambdaError> {
        let most = self.fleet.max_wait;
        let late = self.flights.iter().find(|(_, flight)| flight.began.elapsed() > most);
        if let Some(index) = late.map(|(index, _)| *index)
            && let Some(flight) = self.flights.remove(&index)
        {
            let execution = self.fleet.lambda.stack.execution(&flight.name);
            self.follower.forget(index)?;
            // It goes on: the next run finds it by its name.
            let error = LambdaError::TimedOut { execution: execution.clone() };
            self.fail(flight.order, flight.generation, Some(execution), error.into());
        }
        Ok(())
    }

    fn fail(&mut self, order: Order, generation: u32, render_id: Option<String>, error: Error) {
        let index = order.index;
        let mut result = order.result(generation, Outcome::Failed(Box::new(error)));
        result.render_id = render_id;
        self.tell(index, Told::Result(Box::new(result)));
    }

    fn tell(&mut self, index: u64, told: Told) {
        self.is_stopped |= !(self.tell)(index, told);
    }
}

/// Whether an execution did not start because there is one of its name; source: `StartExecution` of the AWS API.
fn is_taken(problem: &str) -> bool {
    problem.contains("ExecutionAlreadyExists") || problem.contains("Execution Already Exists")
}

impl Order {
    fn result(self, generation: u32, outcome: Outcome) -> RowResult {
        RowResult {
            index: self.index,
            identity: self.identity.key(0).to_string(),
            output: self.output,
            render_id: None,
            asset_id: None,
            generation,
            is_reused: false,
            resolution: self.options.resolution,
            outcome,
        }
    }
}

impl Flight {
    fn result(&self, lambda: &Lambda, outcome: Outcome) -> RowResult {
        let Order { index, identity, options, output, .. } = &self.order;
        RowResult {
            index: *index,
            identity: identity.key(0).to_string(),
            output: output.clone(),
            render_id: Some(lambda.stack.execution(&self.name)),
            asset_id: None,
            generation: self.generation,
            is_reused: self.origin != Origin::New,
            resolution: options.resolution,
            outcome,
        }
    }
}
