//! What `action.yml` runs: from an event to checks, renders, and what people see of them.
//!
//! `inputs.rs` reads what the workflow set, `scope.rs` finds out what is to be done, `runner.rs` renders one composition
//! after the other, `pictures.rs` makes pictures of a video, `report.rs` reports in markdown and JSON, and `publish.rs`
//! hands it all to the service. What happens where (comments, previews, releases) is behind
//! [`CiProvider`](crate::ci::CiProvider).

mod base;
mod error;
mod inputs;
mod markdown;
mod pictures;
mod preview;
mod publish;
mod report;
mod runner;
mod scope;
mod start;
mod workflow_run;

pub(crate) use start::run;
