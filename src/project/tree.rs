//! A project on disk, as the checks and the packer see it.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;

use hyperframes_ci_core::archive::ArchiveError;
use hyperframes_ci_core::check::{CheckOptions, Report, check};
use hyperframes_ci_core::project::{Found, HEAD, Listing, Tree, below};

use crate::project::collect::{Project, ProjectError, collect};
use crate::project::error::PackError;

/// A project, its files, and the repository around it.
#[derive(Debug)]
pub(crate) struct DiskTree {
    /// The project.
    pub(crate) project: Project,
    listing: Listing,
    /// Where each of the listed files is.
    sources: Vec<PathBuf>,
    /// The first file that could not be read.
    unreadable: RefCell<Option<PackError>>,
}

impl DiskTree {
    /// Lists a project's files.
    ///
    /// # Errors
    /// When a directory or the ignore file cannot be read.
    pub(crate) fn open(project: Project) -> Result<Self, ProjectError> {
        let collected = collect(&project)?;
        let (files, sources) = collected.files.into_iter().map(|file| (file.file, file.source)).unzip();
        let listing = Listing {
            project: project.prefix.clone(),
            files,
            rules: collected.rules,
            diagnostics: collected.diagnostics,
        };
        Ok(Self { project, listing, sources, unreadable: RefCell::new(None) })
    }

    /// Checks the project.
    ///
    /// # Errors
    /// When something cannot be read.
    pub(crate) fn check(&self, options: &CheckOptions) -> Result<Report, PackError> {
        let report = check(self, options);
        self.readable().map(|()| report)
    }

    /// Where the file at a repository path is, if that may be reached.
    pub(crate) fn source(&self, path: &str) -> Option<PathBuf> {
        let inside = below(&self.project.prefix, path);
        let place = inside
            .and_then(|inside| self.files().binary_search_by(|file| file.path.as_str().cmp(inside)).ok());
        match place {
            Some(place) => Some(self.sources[place].clone()),
            None => {
                let source = self.project.boundary.join(path).canonicalize().ok()?;
                (source.is_file() && self.project.reach(&source).is_some()).then_some(source)
            }
        }
    }

    /// Whether everything that was asked for could be read so far.
    ///
    /// # Errors
    /// With the first file that could not.
    pub(crate) fn readable(&self) -> Result<(), PackError> {
        self.unreadable.take().map_or(Ok(()), Err)
    }

    fn read_up_to(&self, path: &str, limit: u64) -> Option<Vec<u8>> {
        let source = self.source(path)?;
        let mut bytes = Vec::new();
        match File::open(&source).and_then(|file| file.take(limit).read_to_end(&mut bytes)) {
            Ok(_) => Some(bytes),
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
        // A path with a dotted name is the caller's business; a link that leads below one is not to be followed.
        let is_dotted = path.split('/').any(|segment| segment.starts_with('.'));
        if !target.starts_with(&self.project.boundary)
            || (!is_dotted && self.project.reach(&target).is_none())
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
        self.read_up_to(path, u64::MAX)
    }

    fn head(&self, path: &str) -> Option<Vec<u8>> {
        self.read_up_to(path, HEAD as u64)
    }
}
