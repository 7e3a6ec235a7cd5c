//! Scenarios of the render job: a script of answers against the actions that it takes.
#![allow(
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "a test helper that cannot go on has no better way to say so"
)]

mod flow;
mod reuse;
mod scenario;
