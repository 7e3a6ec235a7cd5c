//! The options of a render: one table that the command line, the environment, the configuration, the action's inputs,
//! the help and the published schema are made of, and the layers that put their values over each other.

mod kind;
mod layers;
mod option;
mod parse;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use kind::Kind;
pub(crate) use layers::{Given, Origin, layered};
pub(crate) use option::{Fallback, Heading, RenderOption, Scope};
pub(crate) use parse::https_url;
pub(crate) use table::{OPTIONS, option};
