//! The checks: everything that would fail or silently render wrong, found before anything is uploaded.
//!
//! A project comes in as a [`Tree`](crate::project::Tree), findings go out as a [`Report`]. All of them are collected; each knows its file
//! and, where there is one, its place.

mod bindings;
mod composition;
mod files;
mod graph;
mod options;
mod page;
mod references;
mod report;
mod run;
mod values;

pub use options::{CheckOptions, Values};
pub use report::Report;
pub use run::check;
