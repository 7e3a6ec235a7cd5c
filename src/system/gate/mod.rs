//! The gate for every path that a person, an input, a configuration or a repository names.
//!
//! [`Reach`] says where such a path may lead: links are resolved, and the result is inside one of its directories or
//! refused. A path that was accepted is opened from its directory downwards without following a link ([`Folder`]), so
//! that whatever is exchanged after the check is refused by the system. Files other than regular ones, and files beyond
//! a [`limit`], are never read. Nothing is written below a `.git`.

mod folder;
mod reach;
mod read;
mod refusal;

pub(crate) use folder::{Access, Folder};
pub(crate) use reach::Reach;
pub(crate) use read::{create, edges, head, open, open_made, read, read_text, read_text_or_pipe, regular};
pub(crate) use refusal::{PathRefusal, help_of};

/// The largest files that are read whole, in bytes. Larger ones are refused.
pub(crate) mod limit {
    /// A configuration: that of 20,000 entries takes 3 MB.
    pub(crate) const CONFIG: u64 = 16 * 1024 * 1024;
    /// An ignore file.
    pub(crate) const IGNORE: u64 = 1024 * 1024;
    /// Values of variables.
    pub(crate) const VALUES: u64 = 64 * 1024 * 1024;
    /// Rows of values: a million rows of 2 KB.
    pub(crate) const ROWS: u64 = 2 * 1024 * 1024 * 1024;
    /// A ledger or a manifest, which are read one line at a time: two million rows of 500 bytes.
    pub(crate) const LINES: u64 = 1024 * 1024 * 1024;
    /// A page, a style sheet or a script: no archive is larger.
    pub(crate) const PAGE: u64 = 256 * 1024 * 1024;
    /// A report of another run.
    pub(crate) const REPORT: u64 = 4 * 1024 * 1024;
}

#[cfg(all(test, unix))]
mod tests;
