//! Many renders of one project: rows go in, videos come out, a few at a time and in constant memory.
//!
//! ```text
//! rows ─► submit (--concurrency) ─► waiting ─► download ─► result ─► manifest
//!                                     ▲ one list call for up to 100 renders
//! ```
//!
//! Each row is a job of the core, as a single render is; what is here is only who performs its actions when. A rate limit
//! that one row meets slows all of them down.

mod manifest;
mod tally;

pub(crate) use manifest::{Entry, Manifest, ManifestError, RowState};
pub(crate) use tally::Tally;
