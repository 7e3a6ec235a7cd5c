//! Finds the projects of the paths that a user passes.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::composition::Composition;
use hyperframes_ci_core::project::{DEFAULT_COMPOSITION, IgnoreRules};
use ignore::WalkBuilder;

use crate::project::collect::{Project, ProjectError};
use crate::system::gate::{self, Reach, limit};

/// Attribute of the root of a composition.
const ROOT_ATTRIBUTE: &str = "data-composition-id";

/// Prefix of the attributes of compositions, also of fragments without a root.
const ATTRIBUTE_PREFIX: &str = "data-composition-";

/// An error of finding projects.
#[derive(Debug)]
pub(crate) enum DiscoverError {
    /// A path that does not exist, or a pattern that matches nothing.
    NotFound(String),
    /// An invalid pattern.
    Pattern(String, glob::PatternError),
    /// A directory without a project in or below it.
    NoProject(PathBuf),
    /// A project that cannot be opened.
    Project(ProjectError),
}

impl fmt::Display for DiscoverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(path) => write!(f, "no such file or directory: {path}"),
            Self::Pattern(pattern, error) => write!(f, "invalid pattern {pattern}: {error}"),
            Self::NoProject(path) => {
                write!(f, "no HyperFrames project found in {} or its subdirectories", path.display())
            }
            Self::Project(error) => error.fmt(f),
        }
    }
}

/// Returns the projects of `paths`: project directories, directories above them, files inside them, and patterns for any
/// of these. Files that do not belong to a project are skipped, so that hooks can pass all changed files.
///
/// # Errors
/// Returns [`DiscoverError`] if a path does not exist, a pattern is invalid, a directory contains no project, or a project
/// cannot be opened or is not in `reach`.
pub(crate) fn projects(
    paths: &[PathBuf],
    workspace: Option<&Path>,
    reach: &Reach,
) -> Result<Vec<Project>, DiscoverError> {
    let mut found = BTreeMap::new();
    for path in paths {
        for path in expand(path)? {
            let directories =
                if path.is_dir() { projects_below(&path)? } else { project_of(&path).into_iter().collect() };
            for directory in directories {
                let project = Project::open(&directory, workspace, reach).map_err(DiscoverError::Project)?;
                found.entry(project.root.clone()).or_insert(project);
            }
        }
    }
    Ok(found.into_values().collect())
}

/// Returns the path itself if it exists, otherwise the matches of the pattern.
fn expand(path: &Path) -> Result<Vec<PathBuf>, DiscoverError> {
    if path.symlink_metadata().is_ok() {
        return Ok(vec![path.to_owned()]);
    }
    let pattern = path.to_string_lossy();
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::default() };
    let matches = glob::glob_with(&pattern, options)
        .map_err(|error| DiscoverError::Pattern(pattern.to_string(), error))?;
    let matches = matches.flatten().collect::<Vec<_>>();
    if matches.is_empty() { Err(DiscoverError::NotFound(pattern.into_owned())) } else { Ok(matches) }
}

/// Returns `directory` if it is a project, otherwise the projects below it.
fn projects_below(directory: &Path) -> Result<Vec<PathBuf>, DiscoverError> {
    let mut found = search(directory);
    if found.is_empty() {
        // An index.html that is not a composition: the checks report its mistakes.
        if !directory.join(DEFAULT_COMPOSITION).is_file() {
            return Err(DiscoverError::NoProject(directory.to_owned()));
        }
        found.push(directory.to_owned());
    }
    Ok(found)
}

/// Searches for projects in and below `directory`. Directories that Git ignores or that are never packed are skipped, and
/// links are not followed.
pub(crate) fn search(directory: &Path) -> Vec<PathBuf> {
    if is_project(directory) {
        return vec![directory.to_owned()];
    }
    walk(directory, false)
}

/// Returns the projects that [`search`] leaves out because a name on their path is not UTF-8: neither configurations nor
/// archives can name them.
pub(crate) fn search_unnamed(directory: &Path) -> Vec<PathBuf> {
    let is_unnamed =
        |path: &PathBuf| path.strip_prefix(directory).is_ok_and(|inside| inside.to_str().is_none());
    walk(directory, true).into_iter().filter(is_unnamed).collect()
}

/// Returns the projects below `directory`; those with names that are not UTF-8 if `with_unnamed`.
fn walk(directory: &Path, with_unnamed: bool) -> Vec<PathBuf> {
    let rules = IgnoreRules::new(None);
    let mut found = Vec::new();
    let walk = WalkBuilder::new(directory)
        .ignore(false)
        .sort_by_file_name(std::ffi::OsStr::cmp)
        .filter_entry(move |entry| {
            let name = entry.file_name().to_str();
            // The directory itself may have any name.
            let is_kept = match name {
                Some(name) => rules.exclusion_of_file(name).is_none(),
                None => with_unnamed,
            };
            entry.depth() == 0 || is_kept
        })
        .build();
    let mut last: Option<PathBuf> = None;
    for entry in walk.flatten().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_dir())) {
        // A project does not contain other projects.
        if last.as_ref().is_none_or(|last| !entry.path().starts_with(last)) && is_project(entry.path()) {
            last = Some(entry.path().to_owned());
            found.push(entry.into_path());
        }
    }
    found
}

/// Returns the project of a file: the nearest directory above that is one, otherwise the directory of the file if it is a
/// composition.
fn project_of(file: &Path) -> Option<PathBuf> {
    let file = std::path::absolute(file).ok()?;
    let folder = file.parent()?;
    let nearest = folder.ancestors().find(|ancestor| is_project(ancestor) || ancestor.join(".git").exists());
    if let Some(project) = nearest.filter(|nearest| is_project(nearest)) {
        return Some(project.to_owned());
    }
    let is_html = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("html"));
    (is_html && text(&file)?.contains(ATTRIBUTE_PREFIX)).then(|| folder.to_owned())
}

/// Returns whether the `index.html` of a directory is a composition.
fn is_project(directory: &Path) -> bool {
    let index = directory.join(DEFAULT_COMPOSITION);
    // Parsed only if it contains the attribute.
    let text = text(&index).filter(|text| text.contains(ROOT_ATTRIBUTE));
    text.is_some_and(|text| Composition::parse(DEFAULT_COMPOSITION, &text).root.is_some())
}

/// Reads a file, and replaces invalid UTF-8.
fn text(path: &Path) -> Option<String> {
    let bytes = gate::read(path, &Reach::anywhere(), limit::PAGE).ok()?;
    Some(
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn found(folder: &Path, paths: &[&str]) -> Result<Vec<String>, String> {
        let paths = paths.iter().map(|path| folder.join(path)).collect::<Vec<_>>();
        let projects = projects(&paths, None, &Reach::anywhere()).map_err(|error| error.to_string())?;
        let root = folder.canonicalize().expect("a folder");
        Ok(projects
            .iter()
            .map(|project| {
                project.root.strip_prefix(&root).expect("inside").display().to_string().replace('\\', "/")
            })
            .collect())
    }

    #[test]
    fn projects_are_found_by_directories_files_and_patterns() {
        let folder = tempfile::tempdir().expect("a folder");
        let composition = "<div data-composition-id=a></div>";
        for (file, text) in [
            (".git/config", ""),
            ("index.html", "<p>A page about <code>&lt;div data-composition-id></code>"),
            ("videos/a/index.html", composition),
            ("videos/a/parts/b.html", composition),
            ("videos/a/node_modules/x/index.html", composition),
            ("videos/c/index.html", composition),
            (".gitignore", "/build"),
            ("build/c/index.html", composition),
            ("node_modules/x/index.html", composition),
            ("lone/d.html", composition),
            ("docs/e.html", "<p>"),
        ] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(path, text).expect("written");
        }
        let found = |paths: &[&str]| found(folder.path(), paths);
        let both = Ok(vec!["videos/a".to_owned(), "videos/c".to_owned()]);
        assert_eq!(found(&[""]), both);
        assert_eq!(found(&["videos/*"]), both);
        assert_eq!(found(&["videos/a/parts/b.html", "videos/c"]), both);
        assert_eq!(found(&["lone/d.html"]), Ok(vec!["lone".to_owned()]));
        assert_eq!(found(&["docs/e.html", ".git/config"]), Ok(Vec::new()));
        assert!(found(&["docs"]).expect_err("none").starts_with("no HyperFrames project found in"));
        assert!(found(&["gone/*"]).expect_err("none").starts_with("no such file or directory: "));
    }
}
