//! From the paths that a user names to the projects behind them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::composition::Composition;
use hyperframes_ci_core::project::{DEFAULT_COMPOSITION, IgnoreRules};
use ignore::WalkBuilder;

use crate::project::collect::{Project, ProjectError};

/// The attribute of a composition's root.
const ROOT: &str = "data-composition-id";

/// Marks whatever has to do with compositions, fragments without a root among them.
const MARK: &str = "data-composition-";

/// Why a path leads to no project.
#[derive(Debug)]
pub(crate) enum DiscoverError {
    /// There is nothing there, and it is no pattern that matches something.
    Nothing(String),
    /// A pattern that makes no sense.
    Pattern(String, glob::PatternError),
    /// A directory with no project in or below it.
    NoProject(PathBuf),
    /// Something on the way.
    Project(ProjectError),
}

impl fmt::Display for DiscoverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing(path) => write!(f, "there is nothing at {path}"),
            Self::Pattern(pattern, error) => write!(f, "{pattern} is no pattern: {error}"),
            Self::NoProject(path) => write!(f, "there is no project in {}, nor below it", path.display()),
            Self::Project(error) => error.fmt(f),
        }
    }
}

/// The projects behind `paths`: directories that are projects or hold some, files of projects, and patterns for both.
/// Files that have nothing to do with a composition lead nowhere, so that hooks can name whatever changed.
///
/// # Errors
/// See [`DiscoverError`].
pub(crate) fn projects(paths: &[PathBuf], workspace: Option<&Path>) -> Result<Vec<Project>, DiscoverError> {
    let mut found = BTreeMap::new();
    for path in paths {
        for path in expand(path)? {
            let directories = if path.is_dir() { below(&path)? } else { around(&path).into_iter().collect() };
            for directory in directories {
                let project = Project::open(&directory, workspace).map_err(DiscoverError::Project)?;
                found.entry(project.root.clone()).or_insert(project);
            }
        }
    }
    Ok(found.into_values().collect())
}

/// What a path stands for: itself, or what a pattern matches.
fn expand(path: &Path) -> Result<Vec<PathBuf>, DiscoverError> {
    if path.symlink_metadata().is_ok() {
        return Ok(vec![path.to_owned()]);
    }
    let pattern = path.to_string_lossy();
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::default() };
    let matches = glob::glob_with(&pattern, options)
        .map_err(|error| DiscoverError::Pattern(pattern.to_string(), error))?;
    let matches = matches.flatten().collect::<Vec<_>>();
    if matches.is_empty() { Err(DiscoverError::Nothing(pattern.into_owned())) } else { Ok(matches) }
}

/// The projects in `directory`: itself, or those below it.
fn below(directory: &Path) -> Result<Vec<PathBuf>, DiscoverError> {
    let mut found = search(directory);
    if found.is_empty() {
        // Named by the user, and with an index.html: then something is wrong with it, and the checks say what.
        if !directory.join(DEFAULT_COMPOSITION).is_file() {
            return Err(DiscoverError::NoProject(directory.to_owned()));
        }
        found.push(directory.to_owned());
    }
    Ok(found)
}

/// What git ignores, such as the output of a build, and what is never packed, holds no project. Links are not followed:
/// they lead to what is found elsewhere, or in circles.
fn search(directory: &Path) -> Vec<PathBuf> {
    if is_project(directory) {
        return vec![directory.to_owned()];
    }
    let rules = IgnoreRules::new(None);
    let mut found = Vec::new();
    let walk = WalkBuilder::new(directory)
        .ignore(false)
        .sort_by_file_name(std::ffi::OsStr::cmp)
        .filter_entry(move |entry| {
            let name = entry.file_name().to_str();
            // The directory itself may have any name.
            entry.depth() == 0 || name.is_some_and(|name| rules.exclusion_of_file(name).is_none())
        })
        .build();
    let mut last: Option<PathBuf> = None;
    for entry in walk.flatten().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_dir())) {
        // What is inside a project is a part of it.
        if last.as_ref().is_none_or(|last| !entry.path().starts_with(last)) && is_project(entry.path()) {
            last = Some(entry.path().to_owned());
            found.push(entry.into_path());
        }
    }
    found
}

/// The project that a file belongs to: the nearest directory above that is one; or the file's own directory, where the
/// file is a composition.
fn around(file: &Path) -> Option<PathBuf> {
    let file = std::path::absolute(file).ok()?;
    let folder = file.parent()?;
    let nearest = folder.ancestors().find(|ancestor| is_project(ancestor) || ancestor.join(".git").exists());
    if let Some(project) = nearest.filter(|nearest| is_project(nearest)) {
        return Some(project.to_owned());
    }
    let is_html = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("html"));
    (is_html && text(&file)?.contains(MARK)).then(|| folder.to_owned())
}

fn is_project(directory: &Path) -> bool {
    let index = directory.join(DEFAULT_COMPOSITION);
    // Cheap first: most pages do not even hold the word.
    let text = text(&index).filter(|text| text.contains(ROOT));
    text.is_some_and(|text| Composition::parse(DEFAULT_COMPOSITION, &text).root.is_some())
}

fn text(file: &Path) -> Option<String> {
    let bytes = std::fs::read(file).ok()?;
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
        let projects = projects(&paths, None).map_err(|error| error.to_string())?;
        let root = folder.canonicalize().expect("a folder");
        Ok(projects
            .iter()
            .map(|project| {
                project.root.strip_prefix(&root).expect("inside").display().to_string().replace('\\', "/")
            })
            .collect())
    }

    #[test]
    fn folders_files_and_patterns_lead_to_projects() {
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
        assert!(found(&["docs"]).expect_err("none").starts_with("there is no project in"));
        assert!(found(&["gone/*"]).expect_err("none").starts_with("there is nothing at"));
    }
}
