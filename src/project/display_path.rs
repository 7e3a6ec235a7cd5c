//! Paths in output: relative to the current directory for people, and to the repository for programs.

use std::path::{Component, Path, PathBuf};

use crate::project::collect::repository;

/// Formats paths relative to a directory.
#[derive(Debug)]
pub(crate) struct DisplayPaths {
    base: PathBuf,
}

impl DisplayPaths {
    /// Paths for people are relative to the current directory. Paths for programs are relative to `workspace`
    /// (`GITHUB_WORKSPACE`) if the current directory is inside of it, otherwise to the repository around it.
    pub(crate) fn new(for_people: bool, workspace: Option<&Path>) -> Self {
        let current = std::env::current_dir().and_then(|path| path.canonicalize()).unwrap_or_default();
        let workspace = workspace.and_then(|workspace| workspace.canonicalize().ok());
        let base = if for_people {
            current
        } else {
            workspace
                .filter(|workspace| current.starts_with(workspace))
                .unwrap_or_else(|| repository(&current).unwrap_or(&current).to_owned())
        };
        Self { base }
    }

    /// Returns the display path, with `/`, of a path that is absolute or in the repository at `boundary`.
    pub(crate) fn path(&self, boundary: &Path, path: &str) -> String {
        relative(&self.base, &boundary.join(path))
    }
}

/// Returns `path` relative to `base`, both of which are absolute.
fn relative(base: &Path, path: &Path) -> String {
    let components = |path: &Path| {
        let parts = path.components().filter(|part| !matches!(part, Component::CurDir));
        parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    let (base, path) = (components(base), components(path));
    let shared = base.iter().zip(&path).take_while(|(one, other)| one == other).count();
    // Only the root in common: the absolute path is clearer.
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
    fn paths_are_relative_to_the_base() {
        let base = Path::new("/repo/videos");
        for (path, expected) in [
            ("/repo/videos/a/index.html", "a/index.html"),
            ("/repo/shared/b.css", "../shared/b.css"),
            ("/repo/videos/.", "."),
            ("/elsewhere/c.html", "/elsewhere/c.html"),
        ] {
            assert_eq!(relative(base, Path::new(path)), expected);
        }
    }
}
