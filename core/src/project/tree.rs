//! The files of a project inside its repository, on disk or in memory.
//!
//! Paths have `/` and no `.` or `..`. A *repository path* starts at the repository's root, a *project path* at the
//! project's.

use super::ignore::IgnoreRules;
use crate::archive::is_portable;
use crate::findings::{Diagnostic, Rule};
use crate::media::Edges;

/// A file that is packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFile {
    /// Project path.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
}

/// The files of a project that are packed.
#[derive(Debug)]
pub struct Listing {
    /// The repository path of the project; empty if it is the root.
    pub project: String,
    /// The files that are packed, sorted by path.
    pub files: Vec<ProjectFile>,
    /// The rules that decided.
    pub rules: IgnoreRules,
    /// Findings about entries that cannot be packed.
    pub diagnostics: Vec<Diagnostic>,
}

/// The kind of entry at a repository path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A file.
    File,
    /// A directory.
    Folder,
    /// Nothing exists there.
    Nothing,
    /// A path that must not be read: a link that leads outside the repository, or a hidden file.
    OutOfReach,
}

/// A project inside its repository.
pub trait Tree {
    /// Returns the packed files and the rules that selected them.
    fn listing(&self) -> &Listing;

    /// The repository path of the project; empty if it is the root.
    fn project(&self) -> &str {
        &self.listing().project
    }

    /// The files that are packed, sorted by path.
    fn files(&self) -> &[ProjectFile] {
        &self.listing().files
    }

    /// The rules that decided what is packed.
    fn rules(&self) -> &IgnoreRules {
        &self.listing().rules
    }

    /// Findings about entries that cannot be packed.
    fn diagnostics(&self) -> &[Diagnostic] {
        &self.listing().diagnostics
    }

    /// Returns the kind of entry at a repository path, whether packed or not.
    fn find(&self, path: &str) -> Found;

    /// Returns the contents of the file at a repository path; `None` if it cannot be read, which the tree records.
    fn read(&self, path: &str) -> Option<Vec<u8>>;

    /// Returns the first [`HEAD`] bytes of the file at a repository path, or all if it is smaller.
    fn head(&self, path: &str) -> Option<Vec<u8>>;

    /// Returns the first and last bytes of the media file at a repository path.
    fn edges(&self, path: &str) -> Option<Edges>;

    /// Returns the names in a directory of the repository.
    fn names(&self, folder: &str) -> Vec<String>;

    /// Returns how to provide the file that is missing at a repository path, if the tree knows more than that.
    fn remedy(&self, _path: &str) -> Option<String> {
        None
    }

    /// Returns the packed file at a project path.
    fn packed(&self, path: &str) -> Option<&ProjectFile> {
        let files = self.files();
        files.binary_search_by(|file| file.path.as_str().cmp(path)).ok().map(|place| &files[place])
    }
}

/// Number of bytes at the start of a file that identify its format.
pub const HEAD: usize = 256;

/// Returns a finding if an archive cannot contain the name.
#[must_use]
pub fn unportable_name(path: &str) -> Option<Diagnostic> {
    let found = Diagnostic::new(
        Rule::UnportableName,
        path,
        "the file name contains a backslash or a control character",
    );
    (!is_portable(path))
        .then(|| found.help("rename the file so that the archive can be unpacked on every system"))
}
