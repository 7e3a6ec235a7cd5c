//! The sans-IO core of hyperframes-ci.
//!
//! No clock, no network, no file system, no environment, no threads, no printing: text and bytes go in,
//! findings, archives and actions come out. It builds for `wasm32-unknown-unknown`.

mod archive;
mod diagnostic;
mod options;
mod project;

pub use archive::{
    ArchiveError, ArchiveWriter, DIRECT_UPLOAD_LIMIT, Entry, Manifest, PROXY_UPLOAD_LIMIT, hex,
};
pub use diagnostic::{Diagnostic, Position, Severity, Span};
pub use options::{AspectRatio, Format, Quality, Resolution, UnknownValue};
pub use project::{DEFAULT_COMPOSITION, Exclusion, IGNORE_FILE, IgnoreRules};
