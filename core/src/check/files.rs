//! Checks of files: Git LFS pointers and the total size.

use std::collections::BTreeMap;

use super::graph::Graph;
use crate::archive::{DIRECT_UPLOAD_LIMIT, is_compressed};
use crate::findings::{Diagnostic, Rule, Severity};
use crate::project::{ProjectFile, TextKind, Tree, join, parent};

/// Git LFS pointers are smaller than this, in bytes; source: the Git LFS specification.
const POINTER_SIZE: u64 = 1024;

/// The first bytes of a Git LFS pointer.
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1";

/// Number of files that the finding about the size lists.
const LARGEST: usize = 5;

pub(super) fn check(tree: &dyn Tree, graph: &Graph) -> Vec<Diagnostic> {
    let used = graph.used();
    let help = "set `lfs: true` for actions/checkout, or run `git lfs pull`";
    let mut found = Vec::new();
    let mut unused = BTreeMap::<&str, Vec<String>>::new();
    for file in tree.files() {
        if file.size >= POINTER.len() as u64
            && file.size < POINTER_SIZE
            && matches!(TextKind::of_path(&file.path), None | Some(TextKind::Script))
        {
            let path = join(tree.project(), &file.path);
            if tree.head(&path).is_some_and(|head| head.starts_with(POINTER)) {
                if used.contains(path.as_str()) {
                    let message = "the file is a Git LFS pointer; its content was not downloaded";
                    found.push(Diagnostic::new(Rule::LfsPointer, path, message).help(help));
                } else {
                    unused.entry(parent(&file.path)).or_default().push(path);
                }
            }
        }
    }
    for paths in unused.into_values() {
        let message = match paths.len() - 1 {
            0 => "the file is a Git LFS pointer, but no composition refers to it".to_owned(),
            more => format!(
                "the file and {more} more in this directory are Git LFS pointers, but no composition refers to them"
            ),
        };
        let mut pointers = Diagnostic::new(Rule::LfsPointer, &paths[0], message).help(help);
        pointers.severity = Severity::Warning;
        found.push(pointers);
    }
    found.extend(too_large(tree));
    found
}

/// Checks the total size of files that are already compressed: the archive cannot be smaller.
fn too_large(tree: &dyn Tree) -> Option<Diagnostic> {
    let total = |files: &[&ProjectFile]| files.iter().map(|file| file.size).sum::<u64>();
    let all = tree.files().iter().collect::<Vec<_>>();
    if total(&all) <= DIRECT_UPLOAD_LIMIT {
        return None;
    }
    let mut stored = all;
    stored
        .retain(|file| tree.head(&join(tree.project(), &file.path)).is_some_and(|head| is_compressed(&head)));
    let size = total(&stored);
    if size <= DIRECT_UPLOAD_LIMIT {
        return None;
    }
    stored.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.path.cmp(&b.path)));
    let largest = stored.iter().take(LARGEST).map(|file| format!("{} ({})", file.path, megabytes(file.size)));
    let message = format!(
        "the project has {} of media, and the limit for an archive is {}; the largest files are {}",
        megabytes(size),
        megabytes(DIRECT_UPLOAD_LIMIT),
        largest.collect::<Vec<_>>().join(", ")
    );
    let help = "use .hyperframesignore to exclude files that the video does not need";
    let path = if tree.project().is_empty() { "." } else { tree.project() };
    Some(Diagnostic::new(Rule::ProjectTooLarge, path, message).help(help))
}

/// Formats a size in whole megabytes, rounded up.
fn megabytes(size: u64) -> String {
    format!("{} MB", size.div_ceil(1024 * 1024))
}
