//! Finds the projects of the paths that a user passes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::composition::Composition;
use hyperframes_ci_core::project::{DEFAULT_COMPOSITION, IgnoreRules, TextKind};
use ignore::WalkBuilder;

use crate::project::collect::{Project, ProjectError};
use crate::system::file;
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
    /// A file that is not part of a project, or a link that leads nowhere.
    NoProjectFile(PathBuf),
    /// A path that is neither a directory nor a regular file, but this.
    Special(PathBuf, &'static str),
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
            Self::NoProjectFile(path) => {
                let is_file = path.is_file();
                let reason = if is_file {
                    "is not part of a HyperFrames project"
                } else {
                    "is a link that leads nowhere"
                };
                write!(f, "{} {reason}", path.display())
            }
            Self::Special(path, kind) => write!(f, "{} is {kind}, not a directory", path.display()),
            Self::Project(error) => error.fmt(f),
        }
    }
}

/// A project to check, and the files in it that the user named.
#[derive(Debug)]
pub(crate) struct Selected {
    pub(crate) project: Project,
    /// Project paths of compositions that are checked as entries of their own.
    pub(crate) files: BTreeSet<String>,
    /// The directory is not a project, but contains compositions.
    pub(crate) is_partial: bool,
}

/// Returns the projects of `paths`: project directories, directories above them, files inside them, and patterns for any
/// of these. Files that match a pattern and do not belong to a project are skipped.
///
/// # Errors
/// Returns [`DiscoverError`] if a path does not exist, a pattern is invalid, a directory contains no project, a file that is
/// named is part of none, or a project cannot be opened or is not in `reach`.
pub(crate) fn projects(
    paths: &[PathBuf],
    workspace: Option<&Path>,
    reach: &Reach,
) -> Result<Vec<Project>, DiscoverError> {
    let is_stray = |path: &&PathBuf| {
        let exists = path.symlink_metadata().is_ok();
        // Links to devices and the like have an error of their own.
        let is_file = path.metadata().map_or(true, |found| found.is_file());
        exists && is_file && project_of(path).is_none()
    };
    if let Some(path) = paths.iter().find(is_stray) {
        return Err(DiscoverError::NoProjectFile(path.clone()));
    }
    let selected = selection(paths, workspace, reach)?.into_iter();
    Ok(selected.filter(|selected| !selected.is_partial).map(|selected| selected.project).collect())
}

/// Returns the projects of `paths`, as [`projects`] does, and directories with compositions that are not projects, such
/// as a library of blocks. Files that do not belong to either are skipped, so that hooks can pass all changed files.
///
/// # Errors
/// As [`projects`], except that every file may be one of no project.
pub(crate) fn selection(
    paths: &[PathBuf],
    workspace: Option<&Path>,
    reach: &Reach,
) -> Result<Vec<Selected>, DiscoverError> {
    let mut found = BTreeMap::<PathBuf, Selected>::new();
    let mut add = |directory: &Path, files: Vec<PathBuf>, is_partial: bool| {
        let project = Project::open(directory, workspace, reach).map_err(DiscoverError::Project)?;
        let selected = found.entry(project.root.clone()).or_insert_with(|| Selected {
            project,
            files: BTreeSet::new(),
            is_partial,
        });
        let files = files.iter().filter_map(|file| file.canonicalize().ok());
        let files = files.filter_map(|file| selected.project.path_in_project(&file)).collect::<Vec<_>>();
        selected.files.extend(files);
        Ok(())
    };
    for path in paths {
        for path in expand(path)? {
            if let Some(special) = path.metadata().ok().filter(|found| !found.is_dir() && !found.is_file()) {
                return Err(DiscoverError::Special(path, file::kind(&special)));
            }
            if !path.is_dir() {
                let Some(directory) = project_of(&path) else { continue };
                let is_partial = !is_project(&directory);
                let is_entry = has_root(&path);
                add(&directory, is_entry.then_some(path).into_iter().collect(), is_partial)?;
                continue;
            }
            match projects_below(&path) {
                Ok(directories) => {
                    for directory in directories {
                        add(&directory, Vec::new(), false)?;
                    }
                }
                Err(error) => match blocks(&path) {
                    blocks if blocks.is_empty() => return Err(error),
                    blocks => add(&path, blocks, true)?,
                },
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
    projects_in(directory, false)
}

/// Returns the projects that [`search`] leaves out because a name on their path is not UTF-8: neither configurations nor
/// archives can name them.
pub(crate) fn search_unnamed(directory: &Path) -> Vec<PathBuf> {
    let is_unnamed =
        |path: &PathBuf| path.strip_prefix(directory).is_ok_and(|inside| inside.to_str().is_none());
    projects_in(directory, true).into_iter().filter(is_unnamed).collect()
}

/// Returns the projects below `directory`; those with names that are not UTF-8 if `with_unnamed`.
fn projects_in(directory: &Path, with_unnamed: bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut last: Option<PathBuf> = None;
    let directories = walk(directory, with_unnamed).flatten();
    for entry in directories.filter(|entry| entry.file_type().is_some_and(|kind| kind.is_dir())) {
        // A project does not contain other projects.
        if last.as_ref().is_none_or(|last| !entry.path().starts_with(last)) && is_project(entry.path()) {
            last = Some(entry.path().to_owned());
            found.push(entry.into_path());
        }
    }
    found
}

/// Walks `directory` without what Git ignores or is never packed, and without names that are not UTF-8 unless
/// `with_unnamed`.
fn walk(directory: &Path, with_unnamed: bool) -> ignore::Walk {
    let rules = IgnoreRules::new(None);
    WalkBuilder::new(directory)
        .ignore(false)
        .sort_by_file_name(std::ffi::OsStr::cmp)
        .filter_entry(move |entry| {
            let is_kept = match entry.file_name().to_str() {
                Some(name) => rules.exclusion_of_file(name).is_none(),
                None => with_unnamed,
            };
            // The directory itself may have any name.
            entry.depth() == 0 || is_kept
        })
        .build()
}

/// Returns the compositions in and below a directory.
fn blocks(directory: &Path) -> Vec<PathBuf> {
    let files =
        walk(directory, false).flatten().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()));
    files.map(ignore::DirEntry::into_path).filter(|path| has_root(path)).collect()
}

/// Returns whether a file is HTML with the root of a composition.
fn has_root(path: &Path) -> bool {
    let is_html = TextKind::of_path(&path.to_string_lossy()) == Some(TextKind::Html);
    is_html.then(|| text(path)).flatten().is_some_and(|text| is_root(&text))
}

/// Returns whether a page has the root of a composition.
pub(super) fn is_root(page: &str) -> bool {
    // Parsed only if it contains the attribute.
    page.contains(ROOT_ATTRIBUTE) && Composition::parse(DEFAULT_COMPOSITION, page).root.is_some()
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
    has_root(&directory.join(DEFAULT_COMPOSITION))
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
        let selected = selection(&paths, None, &Reach::anywhere()).map_err(|error| error.to_string())?;
        let root = folder.canonicalize().expect("a folder");
        let name = |selected: &Selected| {
            let path = selected.project.root.strip_prefix(&root).expect("inside").display().to_string();
            let mut name = path.replace('\\', "/");
            if selected.is_partial {
                name.push('?');
            }
            selected.files.iter().for_each(|file| name.push_str(&format!(" {file}")));
            name
        };
        Ok(selected.iter().map(name).collect())
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
        let named = Ok(vec!["videos/a parts/b.html".to_owned(), "videos/c".to_owned()]);
        assert_eq!(found(&["videos/a/parts/b.html", "videos/c"]), named);
        let block = Ok(vec!["lone? d.html".to_owned()]);
        assert_eq!(found(&["lone/d.html"]), block);
        assert_eq!(found(&["lone"]), block);
        assert_eq!(found(&["docs/e.html", ".git/config"]), Ok(Vec::new()));
        assert!(found(&["docs"]).expect_err("none").starts_with("no HyperFrames project found in"));
        assert!(found(&["gone/*"]).expect_err("none").starts_with("no such file or directory: "));
        let strict = |path: &str| {
            let found = projects(&[folder.path().join(path)], None, &Reach::anywhere());
            found.map(|found| found.len()).map_err(|error| error.to_string())
        };
        assert_eq!((strict("videos/a/index.html"), strict("videos/*")), (Ok(1), Ok(2)));
        let stray = strict("docs/e.html").expect_err("no project");
        assert!(stray.ends_with("e.html is not part of a HyperFrames project"), "{stray}");
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("gone", folder.path().join("link")).expect("linked");
            let dangling = strict("link").expect_err("no project");
            assert!(dangling.ends_with("link is a link that leads nowhere"), "{dangling}");
        }
    }
}
