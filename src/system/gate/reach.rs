//! Where a path may lead.

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::refusal::PathRefusal;

/// The directories that the paths of one origin may lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    /// With links resolved. A path that enters one of them must not leave it through a link.
    roots: Arc<[Root]>,
    /// Whether paths must be inside of a root.
    is_limited: bool,
}

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
    Failed(io::Error, bool),
}

impl Reach {
    /// Returns the reach of a person at a terminal: anywhere.
    pub(crate) fn anywhere() -> Self {
        Self::default()
    }

    /// Returns the reach of paths that stay inside of `folder`; `name` is what messages call it.
    pub(crate) fn inside(folder: &Path, name: &str) -> Self {
        Self { roots: Arc::new([Root::new(folder, name)]), is_limited: true }
    }

    /// Returns the reach of the command line: anywhere, but in a CI job a path in the `workspace` must not leave it
    /// through a link, which may come with the checkout.
    pub(crate) fn of_user(workspace: Option<&Path>) -> Self {
        let roots = workspace.map(|workspace| Root::new(workspace, "the workspace"));
        Self { roots: roots.into_iter().collect(), is_limited: false }
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
        let resolved = self.walk(path).map_err(Unresolved::into_error)?;
        match self.root_of(&resolved) {
            None if self.is_limited => Err(self.outside().into()),
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
        if self.roots.is_empty() {
            return Ok(Located::Anywhere);
        }
        let resolved = match self.walk(path) {
            Ok(resolved) => resolved,
            // Such as an open file of this process below /dev/fd.
            Err(Unresolved::Failed(_, false)) if !self.is_limited => return Ok(Located::Anywhere),
            Err(error) => return Err(error.into_error()),
        };
        match self.root_of(&resolved) {
            Some(root) => {
                let relative = resolved.strip_prefix(&root.path).unwrap_or(Path::new("")).to_owned();
                Ok(Located::Inside(root.path.clone(), relative))
            }
            None if self.is_limited => Err(self.outside().into()),
            None => Ok(Located::Anywhere),
        }
    }

    fn outside(&self) -> PathRefusal {
        let names = self.roots.iter().map(|root| root.name.as_str()).collect::<Vec<_>>();
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
        let failed = |error| Unresolved::Failed(error, false);
        let absolute = std::env::current_dir().map_err(failed)?.join(path);
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
                        resolved = target.map_err(|error| Unresolved::Failed(error, root.is_some()))?;
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
            Self::Failed(error, _) => error,
        }
    }
}
