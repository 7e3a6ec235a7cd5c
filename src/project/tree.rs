//! A project on disk, as a [`Tree`] for the checks and the packer.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::archive::ArchiveError;
use hyperframes_ci_core::check::{CheckOptions, Report, check};
use hyperframes_ci_core::media::Edges;
use hyperframes_ci_core::project::{Found, HEAD, Listing, Tree, below};

use crate::project::collect::{Project, ProjectError, collect};
use crate::project::error::PackError;
use crate::system::gate::{self, Reach, limit};

/// A project, its files, and the repository around it.
#[derive(Debug)]
pub(crate) struct DiskTree {
    /// The project.
    pub(crate) project: Project,
    listing: Listing,
    /// Paths on disk of the listed files, in the same order.
    sources: Vec<PathBuf>,
    /// Where the files may be.
    pub(crate) reach: Reach,
    /// The first file that could not be read.
    unreadable: RefCell<Option<PackError>>,
}

impl DiskTree {
    /// Lists the files of a project.
    ///
    /// # Errors
    /// Returns [`ProjectError::Unreadable`] if a directory or the ignore file cannot be read.
    pub(crate) fn open(project: Project) -> Result<Self, ProjectError> {
        let collected = collect(&project)?;
        let (files, sources) = collected.files.into_iter().map(|file| (file.file, file.source)).unzip();
        let listing = Listing {
            project: project.prefix.clone(),
            files,
            rules: collected.rules,
            diagnostics: collected.diagnostics,
        };
        let reach = project.reach();
        Ok(Self { project, listing, sources, reach, unreadable: RefCell::new(None) })
    }

    /// Checks the project.
    ///
    /// # Errors
    /// Returns [`PackError::File`] if a file cannot be read.
    pub(crate) fn check(&self, options: &CheckOptions) -> Result<Report, PackError> {
        let report = check(self, options);
        self.check_readable().map(|()| report)
    }

    /// Returns the path on disk of the file at a repository path, if references may reach it.
    pub(crate) fn source(&self, path: &str) -> Option<PathBuf> {
        let archive_path = below(&self.project.prefix, path);
        let index = archive_path
            .and_then(|path| self.files().binary_search_by(|file| file.path.as_str().cmp(path)).ok());
        match index {
            Some(index) => Some(self.sources[index].clone()),
            None => {
                let source = self.project.boundary.join(path).canonicalize().ok()?;
                (source.is_file() && self.project.repository_path(&source).is_some()).then_some(source)
            }
        }
    }

    /// Checks that every file read so far could be read.
    ///
    /// # Errors
    /// Returns [`PackError::File`] for the first file that could not.
    pub(crate) fn check_readable(&self) -> Result<(), PackError> {
        self.unreadable.take().map_or(Ok(()), Err)
    }

    /// Reads a file with `read`; records the first error.
    fn read_with<T>(&self, path: &str, read: impl FnOnce(&Path) -> io::Result<T>) -> Option<T> {
        let source = self.source(path)?;
        match read(&source) {
            Ok(found) => Some(found),
            Err(error) => {
                let error = PackError::File(source, ArchiveError::Read(error));
                self.unreadable.borrow_mut().get_or_insert(error);
                None
            }
        }
    }
}

impl Tree for DiskTree {
    fn listing(&self) -> &Listing {
        &self.listing
    }

    fn find(&self, path: &str) -> Found {
        let Ok(target) = self.project.boundary.join(path).canonicalize() else { return Found::Nothing };
        // Callers handle paths with a dotted name; a link must not lead below one.
        let is_dotted = path.split('/').any(|segment| segment.starts_with('.'));
        if !target.starts_with(&self.project.boundary)
            || (!is_dotted && self.project.repository_path(&target).is_none())
        {
            return Found::OutOfReach;
        }
        if target.is_dir() { Found::Folder } else { Found::File }
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.project.boundary.join(folder)).into_iter().flatten().flatten();
        let mut names = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect::<Vec<_>>();
        names.sort();
        names
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.read_with(path, |source| gate::read(source, &self.reach, limit::PAGE))
    }

    fn head(&self, path: &str) -> Option<Vec<u8>> {
        self.read_with(path, |source| gate::head(source, &self.reach, HEAD as u64))
    }

    fn edges(&self, path: &str) -> Option<Edges> {
        self.read_with(path, |source| gate::edges(source, &self.reach))
    }
}
