//! What the threads of a run hand each other.

use std::time::Instant;

use hyperframes_ci_core::api::Request;

use super::task::Task;
use crate::renderers::{Event, OrderResult};

/// For the thread that reports.
pub(super) enum Message {
    Event(Event),
    Result(Box<OrderResult>),
    /// The last result of an order, and whether it holds a permit to submit.
    Ended(Box<OrderResult>, bool),
    End,
}

/// Something for a thread that talks to the API.
pub(super) enum Call {
    /// A request of one task.
    Send(Box<Task>, Request),
    /// A look at many tasks at once, each with the time when it is due.
    List(Vec<(Instant, Box<Task>)>),
}

/// What a task does when it wakes.
pub(super) enum Sleeper {
    /// Its pause is over.
    Step(Box<Task>),
    /// It was to leave the server alone for a while.
    Send(Box<Task>, Request),
}
