//! The project as a ZIP archive. Equal contents give equal bytes on every machine.
//!
//! Entries are sorted by path, carry the date 1980-01-01 and mode 0644, and are deflated at a fixed level by a
//! fixed backend, or stored if their first bytes are those of a compressed format. Contents are streamed through one
//! buffer, or several entries are encoded in parallel and added in their order.
//!
//! # The manifest digest
//!
//! SHA-256, in lowercase hexadecimal, over the line `hyperframes-ci manifest 1` and one line for each entry in
//! the order of their paths' UTF-8 bytes. A line is `<sha256 of the bytes as packed> <size in decimal> <path>`,
//! in UTF-8, ended by a line feed. A path contains no line feed: [`ArchiveWriter::add`] refuses control characters.

mod content;
mod encode;
mod error;
mod limits;
mod manifest;
mod path;
mod writer;
mod zip;

pub(crate) use content::is_compressed;
pub use encode::{Encoded, EntryEncoder};
pub use error::ArchiveError;
pub use limits::{DIRECT_UPLOAD_LIMIT, INLINE_UPLOAD_LIMIT, PROXY_UPLOAD_LIMIT};
pub use manifest::{Entry, Manifest, hex};
pub(crate) use path::is_portable;
pub use writer::ArchiveWriter;
