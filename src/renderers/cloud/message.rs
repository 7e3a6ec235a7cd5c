//! Messages between the threads of a run.

use std::time::Instant;

use hyperframes_ci_core::api::Request;

use super::task::Task;
use crate::renderers::{Event, OrderResult};

/// A message to the reporting thread.
pub(super) enum Message {
    Event(Event),
    Result(Box<OrderResult>),
    /// The last result of an order, and whether it holds a permit to submit.
    Ended(Box<OrderResult>, bool),
    End,
}

/// Work for a thread that calls the API.
pub(super) enum Call {
    /// A request of one task.
    Send(Box<Task>, Request),
    /// A request about many tasks at once, each with the time when it is due.
    List(Vec<(Instant, Box<Task>)>),
}

/// The action of a task when it wakes.
pub(super) enum Sleeper {
    /// Continue after a pause.
    Step(Box<Task>),
    /// Send a request that was delayed by the rate limit.
    Send(Box<Task>, Request),
}
