//! Files that the standard output and the standard error of this process are redirected to.

use std::io;
use std::path::Path;

use same_file::Handle;

/// The files that this process prints to.
#[derive(Debug)]
pub(crate) struct RedirectedOutput(Vec<Handle>);

impl RedirectedOutput {
    /// Finds the files; none where the streams are terminals or pipes.
    pub(crate) fn find() -> Self {
        let is_file = |handle: &Handle| handle.as_file().metadata().is_ok_and(|metadata| metadata.is_file());
        let streams = [Handle::stdout(), Handle::stderr()];
        Self(streams.into_iter().filter_map(io::Result::ok).filter(is_file).collect())
    }

    /// Returns whether the regular file at `path` is one of them.
    pub(crate) fn contains(&self, path: &Path) -> bool {
        !self.0.is_empty() && Handle::from_path(path).is_ok_and(|file| self.0.contains(&file))
    }
}
