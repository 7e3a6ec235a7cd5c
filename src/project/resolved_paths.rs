//! Paths of outputs, compared with many projects.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Paths with links resolved, of which a part may not exist. They are shared by all entries of a configuration, and found
/// by their folder: a comparison of each with each project would take minutes for thousands.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ResolvedPaths(Arc<BTreeSet<PathBuf>>);

impl ResolvedPaths {
    /// Resolves paths of outputs, which may contain placeholders.
    pub(crate) fn new(paths: impl Iterator<Item = PathBuf>) -> Self {
        Self(Arc::new(paths.filter_map(|path| resolved_output(&path)).collect()))
    }

    /// Returns the paths below a folder.
    pub(super) fn below<'a>(&'a self, folder: &'a Path) -> impl Iterator<Item = &'a PathBuf> {
        // Paths are compared name by name, so those below a folder follow it.
        self.0.range(folder.to_owned()..).take_while(move |path| path.starts_with(folder))
    }
}

fn resolved_output(output: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(output).ok()?;
    // A directory with a placeholder may stand for existing ones.
    let fixed = absolute.ancestors().skip(1).find(|folder| !folder.to_string_lossy().contains('{'))?;
    // A missing directory may be created before the project is read, by another process with the same output.
    let existing = fixed.ancestors().find_map(|folder| Some((folder, folder.canonicalize().ok()?)));
    let (folder, resolved) = existing?;
    Some(resolved.join(absolute.strip_prefix(folder).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_outputs_those_in_the_project_are_looked_at_only() {
        for entries in [100, 200] {
            let of = |name: &'static str| (0..entries).map(move |entry| format!("/none/{name}/{entry}.mp4"));
            let outputs = of("a").chain(of("a-b")).chain(of("b"));
            let outputs = ResolvedPaths::new(outputs.map(PathBuf::from));
            let root = std::path::absolute("/none/a").expect("a path");
            assert_eq!(outputs.below(&root).count(), entries);
        }
    }
}
