//! The use cases, typed in and typed out.

pub(crate) mod batch;
pub(crate) mod config;
pub(crate) mod failure;
