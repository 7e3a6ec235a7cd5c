//! The files of a project inside its repository, as the checks see them, wherever they are.
//!
//! Paths have `/` and no `.` or `..`. A *repository path* starts at the repository's root, a *project path* at the
//! project's.

use super::ignore::IgnoreRules;
use crate::archive::is_portable;
use crate::findings::{Diagnostic, Rule};

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
    /// The project's repository path; empty where it is the repository.
    pub project: String,
    /// The files that are packed, sorted by path.
    pub files: Vec<ProjectFile>,
    /// The rules that decided.
    pub rules: IgnoreRules,
    /// Findings about what is not among the files.
    pub diagnostics: Vec<Diagnostic>,
}

/// The kind of thing at a repository path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A file.
    File,
    /// A directory.
    Folder,
    /// Nothing exists there.
    Nothing,
    /// Something that must not be reached: a link that leads out of the repository or below a dotted name.
    OutOfReach,
}

/// A project inside its repository.
pub trait Tree {
    /// Returns what is packed.
    fn listing(&self) -> &Listing;

    /// The project's repository path; empty where it is the repository.
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

    /// Findings about what is not among the files.
    fn diagnostics(&self) -> &[Diagnostic] {
        &self.listing().diagnostics
    }

    /// Returns the kind of thing at a repository path, packed or not.
    fn find(&self, path: &str) -> Found;

    /// The contents of the file at a repository path; `None` where they cannot be read, which the tree remembers.
    fn read(&self, path: &str) -> Option<Vec<u8>>;

    /// Its first bytes, 256 or all there are.
    fn head(&self, path: &str) -> Option<Vec<u8>>;

    /// The names in a folder of the repository.
    fn names(&self, folder: &str) -> Vec<String>;

    /// The packed file at a project path.
    fn packed(&self, path: &str) -> Option<&ProjectFile> {
        let files = self.files();
        files.binary_search_by(|file| file.path.as_str().cmp(path)).ok().map(|place| &files[place])
    }
}

/// Bytes at the start of a file that are read to recognise its format.
pub const HEAD: usize = 256;

/// Returns a finding if an archive cannot contain the name.
#[must_use]
pub fn unportable_name(path: &str) -> Option<Diagnostic> {
    let found =
        Diagnostic::new(Rule::UnportableName, path, "the name holds a backslash or a control character");
    (!is_portable(path)).then(|| found.help("rename it: archives are unpacked on every system"))
}
