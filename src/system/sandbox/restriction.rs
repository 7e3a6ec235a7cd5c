//! What a process forbids itself before it becomes the engine.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::relay::Relay;

/// The restrictions of the layers of the kernel, written to a file for the process that
/// applies them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Restriction {
    /// Files and directories that may be read and run.
    pub(super) readable: Vec<PathBuf>,
    /// Directories that may be changed as well.
    pub(super) writable: Vec<PathBuf>,
    /// Whether Landlock enforces both. Capabilities are given up in any case.
    pub(super) has_landlock: bool,
    /// The only ports that TCP connections may go to; `None` does not limit them.
    pub(super) ports: Option<Vec<u16>>,
    /// The way to the filtering proxy, in a network namespace.
    pub(super) relay: Option<Relay>,
    /// Maximum size of a file, in bytes.
    pub(super) max_file_size: u64,
}
