//! Resolves references to files.

use std::collections::BTreeMap;

use super::credential::credential;
use super::ignore::Exclusion;
use super::link::Link;
use super::path::{below, join, parent, resolve};
use super::tree::{Found, Tree};
use crate::text::case_fold;

/// The destination of a reference. Paths are repository paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// Not a local file: inline content, a remote URL, a directory, or a name without an extension that a script may
    /// complete.
    None,
    /// A remote URL with `http:`.
    Insecure,
    /// Unknown, because it contains a placeholder.
    Placeholder,
    /// A file on this machine.
    LocalFile,
    /// A path outside the repository, or a hidden file.
    Escapes,
    /// A packed file of the project.
    Packed(String),
    /// A file of the project that is not packed.
    Ignored(String, Exclusion),
    /// A file of the repository outside the project.
    Outside(String),
    /// A file that does not exist, although one whose name differs in case only does.
    OtherCase(String, String),
    /// A mount whose path is relative to its own file, although mounts start at the root of the project. Holds the file
    /// that it means.
    RelativeMount(String),
    /// A file that does not exist.
    Missing(String),
}

impl Destination {
    /// Returns the path of the file, whether or not it exists.
    pub(crate) fn path(&self) -> Option<&str> {
        match self {
            Self::Packed(path) | Self::Outside(path) | Self::Missing(path) => Some(path),
            Self::Ignored(path, _) | Self::OtherCase(path, _) | Self::RelativeMount(path) => Some(path),
            _ => None,
        }
    }
}

/// Resolves the references of one project.
pub(crate) struct Resolver<'a> {
    tree: &'a dyn Tree,
    /// Indexes of the packed files, by their paths in lower case.
    folded: BTreeMap<String, usize>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(tree: &'a dyn Tree) -> Self {
        let folded = BTreeMap::from_iter(
            tree.files().iter().enumerate().map(|(place, file)| (case_fold(&file.path), place)),
        );
        Self { tree, folded }
    }

    /// Returns the destination of the reference `target` in the file at the repository path `from`.
    pub(crate) fn destination(&self, from: &str, target: &str) -> Destination {
        if Link::is_placeholder(target) {
            return Destination::Placeholder;
        }
        let project = self.tree.project();
        match Link::of(target) {
            Link::Inline => Destination::None,
            Link::Remote(scheme) if scheme == "http" => Destination::Insecure,
            Link::Remote(_) => Destination::None,
            Link::File(_) => Destination::LocalFile,
            Link::Root(path) => match resolve("", &path) {
                Some(path) => self.inside(&path),
                None => Destination::Escapes,
            },
            Link::Relative(path) => {
                let found = match resolve(parent(from), &path) {
                    Some(path) => self.at(&path),
                    None => Destination::Escapes,
                };
                if matches!(found, Destination::Packed(_) | Destination::Outside(_)) {
                    return found;
                }
                // Mounted compositions become part of the page, so their references are relative to the project.
                let rooted = below(project, from).and_then(|_| resolve("", &path));
                match rooted.filter(|path| self.tree.packed(path).is_some()) {
                    Some(path) => Destination::Packed(join(project, &path)),
                    None => found,
                }
            }
        }
    }

    /// Returns the destination of a mount in the file at the repository path `from`. Paths of mounts start at the root of
    /// the project, also in files of its subdirectories.
    pub(crate) fn mount(&self, from: &str, target: &str) -> Destination {
        let Link::Relative(path) = Link::of(target) else { return self.destination(from, target) };
        if Link::is_placeholder(target) {
            return Destination::Placeholder;
        }
        let rooted = match resolve(self.tree.project(), &path) {
            Some(path) => self.at(&path),
            None => Destination::Escapes,
        };
        match rooted {
            Destination::Missing(_) | Destination::Escapes | Destination::None => {}
            _ => return rooted,
        }
        match resolve(parent(from), &path).map(|path| self.at(&path)) {
            Some(Destination::Packed(path)) => Destination::RelativeMount(path),
            _ => rooted,
        }
    }

    /// Returns the destination of a module that [`Self::destination`] has no file for: browsers complete no names.
    pub(crate) fn module(&self, from: &str, target: &str) -> Destination {
        let Link::Relative(path) = Link::of(target) else { return Destination::None };
        let path = resolve(parent(from), &path).filter(|path| self.tree.find(path) != Found::File);
        path.filter(|_| !target.ends_with('/')).map_or(Destination::None, Destination::Missing)
    }

    /// Returns the destination of a reference in a page with `<base href>`, if that is a packed file.
    pub(crate) fn below_base(&self, from: &str, base: &str, target: &str) -> Option<Destination> {
        let (Link::Relative(base), Link::Relative(target)) = (Link::of(base), Link::of(target)) else {
            return None;
        };
        let folder = base.rfind('/').map_or("", |slash| &base[..=slash]);
        let path = resolve(parent(from), &format!("{folder}{target}"))?;
        Some(self.at(&path)).filter(|found| matches!(found, Destination::Packed(_)))
    }

    fn at(&self, path: &str) -> Destination {
        if let Some(inside) = below(self.tree.project(), path) {
            return self.inside(inside);
        }
        if path.split('/').any(|segment| segment.starts_with('.')) {
            return Destination::Escapes;
        }
        match self.tree.find(path) {
            Found::File if credential(path, || self.tree.head(path)).is_some() => Destination::Escapes,
            Found::File => Destination::Outside(path.to_owned()),
            Found::Folder => Destination::None,
            Found::OutOfReach => Destination::Escapes,
            Found::Nothing => {
                let name = path.rsplit('/').next().unwrap_or(path);
                let other = |actual: &String| case_fold(actual) == case_fold(name);
                match self.tree.names(parent(path)).into_iter().find(other) {
                    Some(actual) => Destination::OtherCase(path.to_owned(), join(parent(path), &actual)),
                    None => missing(path.to_owned()),
                }
            }
        }
    }

    /// Returns the destination for a project path.
    fn inside(&self, inside: &str) -> Destination {
        let path = join(self.tree.project(), inside);
        if self.tree.packed(inside).is_some() {
            return Destination::Packed(path);
        }
        if let Some(place) = self.folded.get(&case_fold(inside)) {
            let actual = &self.tree.files()[*place].path;
            return Destination::OtherCase(path, join(self.tree.project(), actual));
        }
        match self.tree.find(&path) {
            // Only the paths of files are compared with the rules: the text of a page can be a path of any length.
            Found::File => match self.tree.rules().exclusion_of_file(inside) {
                Some(reason) => Destination::Ignored(path, reason),
                // A file that is not packed for another reason, such as its name, has its own finding.
                None => Destination::None,
            },
            Found::Folder => Destination::None,
            Found::OutOfReach => Destination::Escapes,
            Found::Nothing => missing(path),
        }
    }
}

/// Returns the destination for a path without a file. A name without an extension may be completed by a script.
fn missing(path: String) -> Destination {
    let name = path.rsplit('/').next().unwrap_or_default();
    if name.contains('.') { Destination::Missing(path) } else { Destination::None }
}
