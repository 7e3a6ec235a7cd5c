//! Renders in the HeyGen cloud.

mod engine;
pub(crate) mod failure;
pub(crate) mod ledger;
pub(crate) mod run;
mod survey;

pub(crate) use engine::{Engine, Order, Outcome, RowResult};
pub(crate) use survey::Survey;
