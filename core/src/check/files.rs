//! The files as such: what is no media, and whether all of them fit.

use crate::archive::{DIRECT_UPLOAD_LIMIT, is_compressed};
use crate::findings::{Diagnostic, Rule};
use crate::project::{ProjectFile, TextKind, Tree, join};

/// Pointers of git LFS are smaller than this, in bytes; source: its specification.
const POINTER_SIZE: u64 = 1024;

/// The first bytes of a pointer.
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1";

/// Number of the largest files that are named.
const LARGEST: usize = 5;

pub(super) fn check(tree: &dyn Tree) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for file in tree.files() {
        if file.size >= POINTER.len() as u64
            && file.size < POINTER_SIZE
            && TextKind::of_path(&file.path).is_none()
        {
            let path = join(tree.project(), &file.path);
            if tree.head(&path).is_some_and(|head| head.starts_with(POINTER)) {
                let message = "is a pointer of git LFS, not the file itself";
                let help = "fetch it: `lfs: true` for actions/checkout, or `git lfs pull`";
                found.push(Diagnostic::new(Rule::LfsPointer, path, message).help(help));
            }
        }
    }
    found.extend(too_large(tree));
    found
}

/// The archive is at least as large as what compressing cannot make smaller.
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
        "the project has {} of media, and an archive may have {}; its largest files are {}",
        megabytes(size),
        megabytes(DIRECT_UPLOAD_LIMIT),
        largest.collect::<Vec<_>>().join(", ")
    );
    let help = "leave out what the video does not need with .hyperframesignore";
    let path = if tree.project().is_empty() { "." } else { tree.project() };
    Some(Diagnostic::new(Rule::ProjectTooLarge, path, message).help(help))
}

/// In whole megabytes, rounded up.
fn megabytes(size: u64) -> String {
    format!("{} MB", size.div_ceil(1024 * 1024))
}
