//! Projects on disk: finds, reads and packs them.

pub(crate) mod changes;
pub(crate) mod checkout;
pub(crate) mod collect;
pub(crate) mod discover;
pub(crate) mod display_path;
pub(crate) mod engine_pin;
mod error;
mod hidden_links;
pub(crate) mod index;
pub(crate) mod input;
pub(crate) mod pack;
pub(crate) mod remote_branch;
pub(crate) mod resolved_paths;
pub(crate) mod tree;

#[cfg(all(test, unix))]
pub(crate) use error::PackError;
