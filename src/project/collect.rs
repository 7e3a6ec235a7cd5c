//! From a directory to the list of files that belong in its archive.
//!
//! Nothing here reads a file's contents. What the rules of [`hyperframes_ci_core::project::IgnoreRules`] leave out is not
//! even looked at; symbolic links are judged by where they end.

use crate::fault::{Exit, Fault};
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use hyperframes_ci_core::findings::{Diagnostic, Rule};
use hyperframes_ci_core::project::{IGNORE_FILE, IgnoreRules, ProjectFile, join, unportable_name};

/// A project directory and the repository around it.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    /// The project directory, with links resolved.
    pub(crate) root: PathBuf,
    /// The project directory as the user wrote it, for messages.
    pub(crate) display_path: String,
    /// The directory's name, for titles and file names.
    pub(crate) name: String,
    /// What references may reach: the enclosing repository, or the project itself where there is none.
    pub(crate) boundary: PathBuf,
    /// The project's path inside `boundary`, with `/`; empty where they are the same.
    pub(crate) prefix: String,
    /// Files inside the project that the command itself writes or reads, with `/`: they are no part of it.
    outputs: Vec<String>,
}

/// Why a directory is no project.
#[derive(Debug)]
pub(crate) enum ProjectError {
    /// There is nothing at the path.
    Missing(PathBuf),
    /// The path is a file.
    NotADirectory(PathBuf),
    /// The path, or something on the way, cannot be read.
    Unreadable(PathBuf, std::io::Error),
    /// A name on the way is not UTF-8.
    NotUnicode(PathBuf),
}

impl std::fmt::Display for ProjectError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "there is no directory {}", path.display()),
            Self::NotADirectory(path) => write!(f, "{} is a file, not a project directory", path.display()),
            Self::Unreadable(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::NotUnicode(path) => write!(f, "the name of {} is not valid Unicode", path.display()),
        }
    }
}

impl Fault for ProjectError {
    fn code(&self) -> &str {
        match self {
            Self::Missing(_) | Self::NotADirectory(_) => "project_not_found",
            Self::Unreadable(..) => "project_unreadable",
            Self::NotUnicode(_) => "project_name",
        }
    }

    fn help(&self) -> Option<String> {
        Some(
            match self {
                Self::Missing(_) | Self::NotADirectory(_) => {
                    "name the directory that holds index.html, such as `hyperframes-ci render videos/launch`"
                }
                Self::Unreadable(..) => "check the permissions",
                Self::NotUnicode(_) => "rename it: an archive's paths are UTF-8",
            }
            .to_owned(),
        )
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Missing(_) | Self::NotADirectory(_) => Exit::Usage,
            Self::Unreadable(..) | Self::NotUnicode(_) => Exit::General,
        }
    }
}

impl Project {
    /// Finds the project at `directory` and the repository around it: the nearest directory with a `.git`,
    /// otherwise `workspace` (`GITHUB_WORKSPACE`) where the project lies inside it.
    ///
    /// # Errors
    /// See [`ProjectError`].
    pub(crate) fn open(directory: &Path, workspace: Option<&Path>) -> Result<Self, ProjectError> {
        let metadata = fs::metadata(directory).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => ProjectError::Missing(directory.to_owned()),
            _ => ProjectError::Unreadable(directory.to_owned(), error),
        })?;
        if !metadata.is_dir() {
            return Err(ProjectError::NotADirectory(directory.to_owned()));
        }
        let root = directory
            .canonicalize()
            .map_err(|error| ProjectError::Unreadable(directory.to_owned(), error))?;
        let boundary = boundary_of(&root, workspace);
        let prefix = portable_path(&boundary, &root).ok_or_else(|| ProjectError::NotUnicode(root.clone()))?;
        let name = root.file_name().and_then(|name| name.to_str()).unwrap_or("project").to_owned();
        Ok(Self {
            display_path: directory.display().to_string(),
            root,
            name,
            boundary,
            prefix,
            outputs: Vec::new(),
        })
    }

    /// The same project without the files that the command itself writes or reads, where those are inside of it.
    pub(crate) fn without(self, outputs: &[&Path]) -> Self {
        let inside = |output: &&Path| {
            let whole = std::path::absolute(output).ok()?;
            // A folder that does not exist holds nothing that could be packed; one with a placeholder may.
            let fixed = whole.ancestors().skip(1).find(|folder| !folder.to_string_lossy().contains('{'))?;
            let rest = whole.strip_prefix(fixed).ok()?;
            portable_path(&self.root, &fixed.canonicalize().ok()?.join(rest))
        };
        let outputs = outputs.iter().filter_map(inside).collect();
        Self { outputs, ..self }
    }

    /// Where `path`, with links resolved, lies inside the boundary; `None` where it lies outside, below a dotted
    /// name, or has a name that is not UTF-8: all of them are out of reach.
    pub(crate) fn reach(&self, path: &Path) -> Option<String> {
        portable_path(&self.boundary, path)
            .filter(|inside| inside.split('/').all(|segment| !segment.starts_with('.')))
    }
}

/// What surrounds a folder whose links are resolved: the nearest directory with a `.git`, otherwise `workspace` where the
/// folder lies inside it, otherwise the folder itself.
fn boundary_of(folder: &Path, workspace: Option<&Path>) -> PathBuf {
    let workspace = || workspace?.canonicalize().ok().filter(|workspace| folder.starts_with(workspace));
    repository(folder).map(Path::to_owned).or_else(workspace).unwrap_or_else(|| folder.to_owned())
}

/// The repository around a directory, or around the current one where that does not exist.
pub(crate) fn boundary(directory: &Path, workspace: Option<&Path>) -> PathBuf {
    let whole = directory.canonicalize().or_else(|_| Path::new(".").canonicalize());
    boundary_of(&whole.unwrap_or_else(|_| directory.to_owned()), workspace)
}

/// The nearest directory around `folder` with a `.git`.
pub(crate) fn repository(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|ancestor| ancestor.join(".git").exists())
}

/// `path` below `base`, with `/`; `None` where it is not below or not UTF-8.
fn portable_path(base: &Path, path: &Path) -> Option<String> {
    let segments = path.strip_prefix(base).ok()?.iter().map(|segment| segment.to_str());
    Some(segments.collect::<Option<Vec<_>>>()?.join("/"))
}

/// One file to pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceFile {
    /// Path in the archive, with `/`, and size in bytes.
    pub(crate) file: ProjectFile,
    /// Where it is, with links resolved.
    pub(crate) source: PathBuf,
}

/// The files of a project, sorted by path, and what is wrong with the others.
#[derive(Debug)]
pub(crate) struct Collected {
    /// The files, sorted by the bytes of their paths.
    pub(crate) files: Vec<SourceFile>,
    /// The rules that decided.
    pub(crate) rules: IgnoreRules,
    /// Findings, with repository paths; an error among them means that the archive would not be what the author
    /// meant.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Lists the files that belong in the project's archive.
///
/// # Errors
/// When a directory or the ignore file cannot be read. Everything else is a finding.
pub(crate) fn collect(project: &Project) -> Result<Collected, ProjectError> {
    let ignore_file = project.root.join(IGNORE_FILE);
    let rules = match fs::read_to_string(&ignore_file) {
        Ok(text) => IgnoreRules::new(Some(&text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => IgnoreRules::new(None),
        Err(error) => return Err(ProjectError::Unreadable(ignore_file, error)),
    };
    let rules = rules.with_outputs(&project.outputs);
    let mut walk = Walk { project, rules: &rules, files: Vec::new(), diagnostics: Vec::new() };
    walk.directory(&project.root, "", &mut vec![project.root.clone()])?;
    let Walk { mut files, diagnostics, .. } = walk;
    files.sort_by(|a, b| a.file.path.cmp(&b.file.path));
    Ok(Collected { files, rules, diagnostics })
}

struct Walk<'a> {
    project: &'a Project,
    rules: &'a IgnoreRules,
    files: Vec<SourceFile>,
    diagnostics: Vec<Diagnostic>,
}

impl Walk<'_> {
    /// Walks `directory`, whose path in the archive is `prefix`; `above` are the directories on the way, with
    /// links resolved, so that a link to one of them is noticed.
    fn directory(
        &mut self,
        directory: &Path,
        prefix: &str,
        above: &mut Vec<PathBuf>,
    ) -> Result<(), ProjectError> {
        let unreadable = |error| ProjectError::Unreadable(directory.to_owned(), error);
        for entry in fs::read_dir(directory).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let Ok(name) = entry.file_name().into_string() else {
                let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
                self.report(Rule::UnportableName, &path, "the name is not valid Unicode", "rename it");
                continue;
            };
            let path = format!("{prefix}{name}");
            let kind = entry.file_type().map_err(unreadable)?;
            // Asked before a link is followed: what is ignored may point anywhere.
            if self.rules.exclusion(&path, kind.is_dir()).is_some() {
                continue;
            }
            let (source, metadata) = if kind.is_symlink() {
                match self.follow(&entry.path(), &path) {
                    Some(target) => target,
                    None => continue,
                }
            } else {
                let metadata =
                    entry.metadata().map_err(|error| ProjectError::Unreadable(entry.path(), error))?;
                (entry.path(), metadata)
            };
            if kind.is_symlink() && metadata.is_dir() && self.rules.exclusion(&path, true).is_some() {
                continue;
            }
            self.entry(source, &metadata, path, above)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        source: PathBuf,
        metadata: &Metadata,
        path: String,
        above: &mut Vec<PathBuf>,
    ) -> Result<(), ProjectError> {
        if metadata.is_dir() {
            if above.contains(&source) {
                let help = "remove the link, or ignore it with .hyperframesignore";
                self.report(Rule::LinkCycle, &path, "the link leads back to a directory that it is in", help);
                return Ok(());
            }
            above.push(source.clone());
            self.directory(&source, &format!("{path}/"), above)?;
            above.pop();
        } else if !metadata.is_file() {
            let help = "ignore it with .hyperframesignore";
            self.report(Rule::NotAFile, &path, "neither a file nor a directory; left out", help);
        } else if let Some(found) = unportable_name(&path) {
            self.diagnostics.push(Diagnostic { path: join(&self.project.prefix, &path), ..found });
        } else {
            self.files.push(SourceFile { file: ProjectFile { path, size: metadata.len() }, source });
        }
        Ok(())
    }

    /// Where a link ends, if that is inside the repository.
    fn follow(&mut self, link: &Path, path: &str) -> Option<(PathBuf, Metadata)> {
        let Some((target, metadata)) = link
            .canonicalize()
            .ok()
            .and_then(|target| fs::metadata(&target).ok().map(|found| (target, found)))
        else {
            let help = "restore its target, remove the link, or ignore it with .hyperframesignore";
            self.report(Rule::DanglingLink, path, "the link leads nowhere", help);
            return None;
        };
        if self.project.reach(&target).is_none() {
            let help = "copy the file into the project; only files of the repository, without dotted names, are packed";
            self.report(Rule::EscapingLink, path, "the link leads out of the repository", help);
            return None;
        }
        Some((target, metadata))
    }

    fn report(&mut self, rule: Rule, path: &str, message: &str, help: &str) {
        let path = join(&self.project.prefix, path);
        self.diagnostics.push(Diagnostic::new(rule, path, message).help(help));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(path, "x").expect("written");
        }
        folder
    }

    fn listed(folder: &Path, project: &str) -> (Vec<String>, Vec<String>) {
        let project = Project::open(&folder.join(project), None).expect("a project");
        let collected = collect(&project).expect("collected");
        let findings = collected.diagnostics.iter().map(|found| format!("{} {}", found.rule, found.path));
        let mut findings = findings.collect::<Vec<_>>();
        findings.sort();
        (collected.files.into_iter().map(|file| file.file.path).collect(), findings)
    }

    #[test]
    fn files_are_sorted_by_bytes_and_ignored_ones_are_absent() {
        let folder =
            tree(&["index.html", "a/b.css", "a.css", "B.css", "renders/x.mp4", ".env", "node_modules/x.js"]);
        assert_eq!(listed(folder.path(), "").0, ["B.css", "a.css", "a/b.css", "index.html"]);
    }

    #[test]
    fn the_nearest_repository_is_the_boundary() {
        let folder = tree(&["outer/.git/config", "outer/inner/.git", "outer/inner/video/index.html"]);
        let project =
            Project::open(&folder.path().join("outer/inner/video"), Some(folder.path())).expect("open");
        assert!(project.boundary.ends_with("outer/inner"));
        assert_eq!(project.prefix, "video");
        let lone = tree(&["work/video/index.html"]);
        let project = Project::open(&lone.path().join("work/video"), Some(lone.path())).expect("open");
        assert_eq!(project.prefix, "work/video");
        let project = Project::open(&lone.path().join("work/video"), None).expect("open");
        assert_eq!(project.prefix, "");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_judged_by_where_they_end() {
        use std::os::unix::fs::symlink;
        let folder = tree(&[
            "outside/secret.txt",
            "repo/.git/config",
            "repo/.env",
            "repo/shared/logo.svg",
            "repo/video/index.html",
            "repo/video/a/x.css",
        ]);
        let video = folder.path().join("repo/video");
        symlink("../shared", video.join("shared")).expect("a link");
        symlink("../../outside/secret.txt", video.join("secret.txt")).expect("a link");
        symlink("../.env", video.join("env.txt")).expect("a link");
        symlink("../.git/config", video.join("config.txt")).expect("a link");
        symlink("nowhere", video.join("dangling.png")).expect("a link");
        symlink("..", video.join("a/loop")).expect("a link");
        let (files, findings) = listed(folder.path(), "repo/video");
        assert_eq!(files, ["a/x.css", "index.html", "shared/logo.svg"]);
        assert_eq!(
            findings,
            [
                "dangling-link video/dangling.png",
                "escaping-link video/config.txt",
                "escaping-link video/env.txt",
                "escaping-link video/secret.txt",
                "link-cycle video/a/loop",
            ]
        );
    }
}
