//! The renderers, behind one trait.
//!
//! A [`Renderer`] has a static [`Description`], which the command line, the configuration, the action and the reports use,
//! and opens a [`Session`], which performs one run. A single render is a run of one [`Order`]. A new renderer is a module
//! here, a line in `registry.rs`, and its options in `app::options`.

mod cloud;
pub(crate) mod cloudrun;
pub(crate) mod docker;
mod each;
mod emulated;
pub(crate) mod http;
pub(crate) mod lambda;
mod local;
mod order;
mod registry;
mod renderer;
mod report;
pub(crate) mod serverless;
mod support;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod verify;

pub(crate) use crate::engine::ENGINE_VERSION;
pub(crate) use cloud::answers::{KeptAnswer, KeptClip, MediaAnswers};
pub(crate) use cloud::clip::{ClipOrder, make_clip};
pub(crate) use cloud::failure::get_command;
pub(crate) use cloud::ledger::LedgerFile;
pub(crate) use cloud::ledger_path;
pub(crate) use local::{emulator_backend, provision as provision_engine};
pub(crate) use order::{
    Audio, Footage, Input, Order, OrderResult, OrderState, Output, RunContext, RunOptions, RunTotals,
    SavedVideo,
};
#[cfg(test)]
pub(crate) use registry::RENDERERS;
pub(crate) use registry::{AUTO, automatic, cloud, emulated, local, named, names};
pub(crate) use renderer::{Capability, Description, FORMATS, QUALITIES, Renderer, Session};
pub(crate) use report::{Event, Reporter};
pub(crate) use support::check_support;
