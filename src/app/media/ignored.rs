//! Whether Git would commit files that a store keeps.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Output, Stdio};

use hyperframes_ci_core::generated::MediaStore;

use crate::app::config::MediaEntry;
use crate::system::programs::{GitNetwork, git};

/// Paths of one command, whose question and answer fit into the buffers of pipes.
const BATCH: usize = 50;

/// Returns the files of entries with a store that are tracked, or that no ignore rule covers; none outside of a repository.
pub(super) fn not_ignored(root: &Path, entries: &[MediaEntry]) -> Vec<String> {
    let kept = entries.iter().filter(|entry| entry.store != MediaStore::Git);
    let kept = kept.map(|entry| entry.file.as_str()).collect::<Vec<_>>();
    let root = if root == Path::new("") { Path::new(".") } else { root };
    let mut found = Vec::new();
    for batch in kept.chunks(BATCH) {
        let Ok(output) = check(root, batch) else { return found };
        // 0 and 1: some and none of them are ignored.
        if !matches!(output.status.code(), Some(0 | 1)) {
            return found;
        }
        let ignored = String::from_utf8_lossy(&output.stdout).into_owned();
        let is_ignored = |path: &str| ignored.split('\0').any(|known| known == path);
        found.extend(batch.iter().filter(|path| !is_ignored(path)).map(|path| (*path).to_owned()));
    }
    found
}

/// Asks Git which paths are ignored.
fn check(root: &Path, paths: &[&str]) -> io::Result<Output> {
    let mut command = git(root, GitNetwork::Off);
    command.args(["check-ignore", "-z", "--stdin"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let written = child.stdin.take().map_or(Ok(()), |mut input| input.write_all(paths.join("\0").as_bytes()));
    let output = child.wait_with_output();
    written.and(output)
}
