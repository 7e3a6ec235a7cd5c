//! How paths are shown: to people from where they are, to programs from the root of the repository.

use std::path::{Component, Path, PathBuf};

use crate::project::collect::repository;

/// Where shown paths start.
#[derive(Debug)]
pub(crate) struct DisplayPaths {
    base: PathBuf,
}

impl DisplayPaths {
    /// Paths for people start at the current directory. Paths for programs start at the repository around it, or at
    /// `workspace` (`GITHUB_WORKSPACE`) where the current directory lies inside it.
    pub(crate) fn new(for_people: bool, workspace: Option<&Path>) -> Self {
        let here = std::env::current_dir().and_then(|here| here.canonicalize()).unwrap_or_default();
        let workspace = workspace.and_then(|workspace| workspace.canonicalize().ok());
        let base = if for_people {
            here
        } else {
            workspace
                .filter(|workspace| here.starts_with(workspace))
                .unwrap_or_else(|| repository(&here).unwrap_or(&here).to_owned())
        };
        Self { base }
    }

    /// The path of a file of the repository at `boundary`, or of any other where it is a whole path; with `/`.
    pub(crate) fn path(&self, boundary: &Path, path: &str) -> String {
        relative(&self.base, &boundary.join(path))
    }
}

/// `path` as seen from `base`; both are whole.
fn relative(base: &Path, path: &Path) -> String {
    let normal = |path: &Path| {
        let parts = path.components().filter(|part| !matches!(part, Component::CurDir));
        parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    let (base, path) = (normal(base), normal(path));
    let shared = base.iter().zip(&path).take_while(|(ours, theirs)| ours == theirs).count();
    // Nothing in common but the root: the whole path says more.
    if shared <= 1 && !base.is_empty() {
        return path.join("/").replacen("//", "/", 1);
    }
    let up = std::iter::repeat_n("..".to_owned(), base.len() - shared);
    let parts = up.chain(path[shared..].iter().cloned()).collect::<Vec<_>>();
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_short() {
        let base = Path::new("/repo/videos");
        for (path, shown) in [
            ("/repo/videos/a/index.html", "a/index.html"),
            ("/repo/shared/b.css", "../shared/b.css"),
            ("/repo/videos/.", "."),
            ("/elsewhere/c.html", "/elsewhere/c.html"),
        ] {
            assert_eq!(relative(base, Path::new(path)), shown);
        }
    }
}
