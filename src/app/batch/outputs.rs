//! Compares the outputs of rows: no two different rows may write the same file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::job::{ProjectIdentity, RenderIdentity};

use super::rows::ValidRow;
use crate::system::hash::{Hashes, repeated};
use crate::system::output_place::OutputTarget;

/// Hashes of the outputs of rows, 8 bytes each, and of their folders. Only rows with a hash that occurs twice are compared
/// again.
#[derive(Default)]
pub(super) struct OutputHashes {
    files: Hashes,
    folders: Hashes,
    /// The last folder.
    folder: PathBuf,
}

impl OutputHashes {
    pub(super) fn add(&mut self, target: &OutputTarget) {
        self.files.push(target.folded_hash());
        let folder = target.path.parent().unwrap_or(Path::new(""));
        if folder != self.folder {
            folder.clone_into(&mut self.folder);
            target.folder_hashes().for_each(|hash| self.folders.push(hash));
        }
    }

    /// Returns those that occur more than once, or that are a file and a folder, sorted.
    pub(super) fn repeated(self) -> Vec<u64> {
        let files = self.files.into_sorted();
        let folders = self.folders.into_sorted();
        let mixed = folders.into_iter().filter(|folder| files.binary_search(folder).is_ok());
        let mut repeated = repeated(&files).into_iter().chain(mixed).collect::<Vec<_>>();
        repeated.sort_unstable();
        repeated.dedup();
        repeated
    }
}

/// Two different rows that write the same file, or files that cannot both exist.
pub(super) struct Clash {
    /// Whether the rows clash on every file system, and not only on those that ignore case.
    pub(super) is_certain: bool,
    /// The message about the later row.
    pub(super) message: String,
}

/// The first row that writes a file, or below it as a folder.
struct Writer {
    index: u64,
    line: u64,
    /// The file; `None` for a folder.
    file: Option<(u64, String)>,
}

/// The rows that write the files whose hashes are `repeated`.
pub(super) struct Writers {
    repeated: Vec<u64>,
    known: HashMap<u64, Writer>,
}

impl Writers {
    /// Returns an empty set; `repeated` must be sorted.
    pub(super) fn new(repeated: Vec<u64>) -> Self {
        Self { repeated, known: HashMap::new() }
    }

    /// Adds a row; returns the clash with an earlier one. Equal rows share a render, and may share a file.
    pub(super) fn add(&mut self, row: &ValidRow, target: &OutputTarget) -> Option<Clash> {
        let (index, line) = (row.row.index, row.row.line);
        let own = index + 1;
        let remedy = if row.row.output.is_some() {
            format!("set a different output for row {own}")
        } else {
            format!("add {{index}} to the output to give row {own} its own file")
        };
        let clash = |first: &Writer, is_certain, verb| {
            let (number, first_line) = (first.index + 1, first.line);
            let message = format!("output {} {verb} row {number} (line {first_line}); {remedy}", row.output);
            Some(Clash { is_certain, message })
        };
        for folder in target.folder_hashes().filter(|folder| self.repeated.binary_search(folder).is_ok()) {
            let first = self.known.entry(folder).or_insert(Writer { index, line, file: None });
            if first.file.is_some() {
                return clash(first, true, "is below the output of");
            }
        }
        let key = target.folded_hash();
        self.repeated.binary_search(&key).ok()?;
        let identity = RenderIdentity::new(ProjectIdentity::Digest(""), &row.body).key(0).to_string();
        let file = (target.exact_hash(), identity);
        match self.known.get(&key) {
            None => {
                self.known.insert(key, Writer { index, line, file: Some(file) });
                None
            }
            Some(first @ Writer { file: None, .. }) => {
                clash(first, true, "is a parent directory of the output of")
            }
            Some(Writer { file: Some((_, identity)), .. }) if *identity == file.1 => None,
            Some(first @ Writer { file: Some((path, _)), .. }) => {
                clash(first, *path == file.0, "is also the output of")
            }
        }
    }
}
