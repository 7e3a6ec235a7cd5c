//! Where a path may lead.

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::refusal::PathRefusal;

/// The directories that the paths of one origin may lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    /// With links resolved. A path must be inside of one, and must not leave it through a link; without any, it may lead
    /// anywhere.
    roots: Arc<[Root]>,
    /// Whether open files of this process may be named, as `<(…)` of a shell does.
    has_descriptors: bool,
}

/// Directories outside of the workspace that the command line of a CI job may name.
static JOB_FOLDERS: OnceLock<Vec<PathBuf>> = OnceLock::new();

#[derive(Clone, Debug, PartialEq, Eq)]
struct Root {
    path: PathBuf,
    /// What messages call it.
    name: String,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Located {
    /// Inside of this directory, whose links are resolved, at this relative path without links.
    Inside(PathBuf, PathBuf),
    /// Anywhere else: a person has named it.
    Anywhere,
}

/// Why a path cannot be resolved.
enum Unresolved {
    /// A link leads out.
    Refused(PathRefusal),
    /// A link has no target, or the system refuses to say.
    Failed(io::Error),
}

impl Reach {
    /// Returns the reach of a person at a terminal: anywhere.
    pub(crate) fn anywhere() -> Self {
        Self::default()
    }

    /// Returns the reach of paths that stay inside of `folder`; `name` is what messages call it.
    pub(crate) fn inside(folder: &Path, name: &str) -> Self {
        Self { roots: Arc::new([Root::new(folder, name)]), has_descriptors: false }
    }

    /// Allows the command line of a CI job to name files in these directories, too. Only the first call counts.
    pub(crate) fn set_job_folders(folders: Vec<PathBuf>) {
        let _ = JOB_FOLDERS.set(folders);
    }

    /// Returns the reach of the command line: anywhere, but in a CI job inside of the `workspace`, the current directory and
    /// directories for temporary files. A part of an argument may be a stranger's: the name of a branch, a file or an input.
    pub(crate) fn of_user(workspace: Option<&Path>) -> Self {
        const TEMPORARY: &str = "the temporary directory";
        let Some(workspace) = workspace else { return Self::anywhere() };
        let mut reach = Self { has_descriptors: true, ..Self::inside(workspace, "the workspace") };
        let folders = JOB_FOLDERS.get().into_iter().flatten();
        for folder in folders.map(PathBuf::as_path).chain([&*std::env::temp_dir()]) {
            reach = reach.or(folder, TEMPORARY);
        }
        match std::env::current_dir() {
            Ok(current) if reach.root_of(&current).is_none() => reach.or(&current, "the current directory"),
            _ => reach,
        }
    }

    /// Returns the reach of a path that a variable sets, which the author of a job or of its machine chooses: that of the
    /// command line, and the directory of the path, unless it is in the reach as it is written.
    pub(crate) fn of_variable(workspace: Option<&Path>, path: &Path) -> Self {
        let reach = Self::of_user(workspace);
        let is_plain = path.is_absolute() && !path.components().any(|part| part == Component::ParentDir);
        match path.parent() {
            Some(parent) if workspace.is_some() && is_plain && reach.root_of(path).is_none() => {
                reach.or(parent, "the directory of the variable")
            }
            _ => reach,
        }
    }

    /// Allows another directory too.
    #[must_use]
    pub(crate) fn or(self, folder: &Path, name: &str) -> Self {
        let roots = self.roots.iter().cloned().chain([Root::new(folder, name)]).collect();
        Self { roots, ..self }
    }

    /// Resolves the links of a path, of which a part may not exist.
    ///
    /// # Errors
    /// Returns [`PathRefusal`] as an error if the path leads out, and the error of a link without a target.
    pub(crate) fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        if self.is_descriptor(path) {
            return Ok(path.to_owned());
        }
        let resolved = self.walk(path).map_err(Unresolved::into_error)?;
        match self.root_of(&resolved) {
            None if !self.roots.is_empty() => Err(self.outside().into()),
            _ => Ok(resolved),
        }
    }

    /// Returns the root and the relative path of a path that is in a root as it is written.
    pub(super) fn direct(&self, path: &Path) -> Option<Located> {
        let absolute =
            if path.is_absolute() { path.to_owned() } else { std::env::current_dir().ok()?.join(path) };
        let root = self.root_of(&absolute)?;
        let relative = absolute.strip_prefix(&root.path).ok()?;
        let is_plain = relative.components().all(|part| matches!(part, Component::Normal(_)));
        is_plain.then(|| Located::Inside(root.path.clone(), relative.to_owned()))
    }

    /// Returns whether a path is outside of all directories of the reach, and allowed.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub(crate) fn is_anywhere(&self, path: &Path) -> io::Result<bool> {
        Ok(self.locate(path)? == Located::Anywhere)
    }

    /// Finds out where a path leads, to open it.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub(super) fn locate(&self, path: &Path) -> io::Result<Located> {
        if self.roots.is_empty() || self.is_descriptor(path) {
            return Ok(Located::Anywhere);
        }
        let resolved = self.walk(path).map_err(Unresolved::into_error)?;
        match self.root_of(&resolved) {
            Some(root) => {
                let relative = resolved.strip_prefix(&root.path).unwrap_or(Path::new("")).to_owned();
                Ok(Located::Inside(root.path.clone(), relative))
            }
            None => Err(self.outside().into()),
        }
    }

    /// Returns whether a path is that of an open file of this process, which may be named.
    fn is_descriptor(&self, path: &Path) -> bool {
        let folders = ["/dev/fd", "/proc/self/fd"].map(Path::new);
        let streams = ["/dev/stdin", "/dev/stdout", "/dev/stderr"].map(Path::new);
        self.has_descriptors
            && (streams.contains(&path) || path.parent().is_some_and(|parent| folders.contains(&parent)))
    }

    fn outside(&self) -> PathRefusal {
        let mut names = self.roots.iter().map(|root| root.name.as_str()).collect::<Vec<_>>();
        names.dedup();
        PathRefusal::Outside(names.join(" and "))
    }

    /// Returns the innermost root that a resolved path is in.
    fn root_of(&self, path: &Path) -> Option<&Root> {
        let roots = self.roots.iter().filter(|root| path.starts_with(&root.path));
        roots.max_by_key(|root| root.path.as_os_str().len())
    }

    /// Resolves links, `.` and `..`. Folders that do not exist are created as they are written, so `..` leads back out of
    /// them.
    fn walk(&self, path: &Path) -> Result<PathBuf, Unresolved> {
        let absolute = std::env::current_dir().map_err(Unresolved::Failed)?.join(path);
        let mut resolved = PathBuf::new();
        for part in absolute.components() {
            match part {
                Component::Prefix(_) => resolved.push(part),
                // The form that `canonicalize` gives to drives.
                Component::RootDir => {
                    resolved.push(part);
                    resolved = resolved.canonicalize().unwrap_or(resolved);
                }
                Component::CurDir => {}
                Component::ParentDir => {
                    resolved.pop();
                }
                Component::Normal(name) => {
                    let root = self.root_of(&resolved);
                    resolved.push(name);
                    if resolved.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
                        let target = resolved.canonicalize();
                        resolved = target.map_err(Unresolved::Failed)?;
                        if let Some(root) = root.filter(|root| !resolved.starts_with(&root.path)) {
                            return Err(Unresolved::Refused(PathRefusal::LeadsOut(root.name.clone())));
                        }
                    }
                }
            }
        }
        Ok(resolved)
    }
}

impl Root {
    fn new(folder: &Path, name: &str) -> Self {
        let folder = if folder == Path::new("") { Path::new(".") } else { folder };
        let path = folder.canonicalize().or_else(|_| std::path::absolute(folder));
        Self { path: path.unwrap_or_else(|_| folder.to_owned()), name: name.to_owned() }
    }
}

impl Unresolved {
    fn into_error(self) -> io::Error {
        match self {
            Self::Refused(refusal) => refusal.into(),
            Self::Failed(error) => error,
        }
    }
}
