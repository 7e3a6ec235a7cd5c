//! Everything that renders, behind one trait.
//!
//! A renderer is a [`Renderer`]: a static [`Description`], which the command line, the configuration, the action's
//! validation and the reports read, and a way to open a [`Session`], which performs a run. One render is a run of one
//! [`Order`]. A new renderer is one folder, one line in `registry.rs`, and its options in `app::options`.

mod cloud;
mod emulated;
pub(crate) mod lambda;
mod local;
mod order;
mod registry;
mod renderer;
mod report;
pub(crate) mod verify;

pub(crate) use local::emulator_backend;
pub(crate) use order::{
    Input, Order, OrderResult, OrderState, Output, RunOptions, RunTotals, SavedVideo, Work,
};
pub(crate) use registry::{AUTO, automatic, cloud, emulated, local, named, names};
pub(crate) use renderer::{Capability, Description, Renderer, Session};
pub(crate) use report::{Event, Reporter};
