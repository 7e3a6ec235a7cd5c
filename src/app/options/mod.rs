//! The options of a render: one table that the command line, the environment, the configuration, the action's inputs,
//! the help and the published schema are made of, and the layers that put their values over each other.

mod kind;
mod layers;
mod table;

pub(crate) use kind::Kind;
pub(crate) use layers::{Given, Origin, layered};
pub(crate) use table::{Fallback, Heading, OPTIONS, RenderOption, Scope, https_url, option};
