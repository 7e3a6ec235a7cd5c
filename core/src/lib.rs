//! The sans-IO core of hyperframes-ci.
//!
//! No clock, no network, no file system, no environment, no threads, no printing: text and bytes go in,
//! findings, archives and actions come out. It builds for `wasm32-unknown-unknown`.

mod diagnostic;
mod options;

pub use diagnostic::{Diagnostic, Position, Severity, Span};
pub use options::{AspectRatio, Format, Quality, Resolution, UnknownValue};
