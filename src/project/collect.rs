//! Lists the files of a project that belong in its archive.
//!
//! Of the content of a file, only the first bytes are read, to find credentials. Files that [`hyperframes_ci_core::project::IgnoreRules`] excludes are not
//! examined, and symbolic links are followed only inside the repository.

use crate::fault::{Exit, Fault};
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use hyperframes_ci_core::findings::{Diagnostic, Rule};
use hyperframes_ci_core::project::{
    HEAD, IGNORE_FILE, IgnoreRules, ProjectFile, credential, join, unportable_name,
};

use super::hidden_links::{FileId, hidden_files, linked_id};
use super::resolved_paths::ResolvedPaths;
use crate::system::gate::{self, Reach, limit};
use crate::system::stdio::RedirectedOutput;

/// A project directory and the repository around it.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    /// The project directory, with links resolved.
    pub(crate) root: PathBuf,
    /// The project directory as the user wrote it, for messages.
    pub(crate) display_path: String,
    /// Name of the directory, for titles and file names.
    pub(crate) name: String,
    /// The directory that references may reach: the repository around the project, or the project itself.
    pub(crate) boundary: PathBuf,
    /// Path of the project in `boundary`, with `/`; empty if they are the same.
    pub(crate) prefix: String,
    /// Paths in the project, with `/`, of files that the command itself reads or writes; they are not packed.
    outputs: Vec<String>,
}

/// An error of reading a project.
#[derive(Debug)]
pub(crate) enum ProjectError {
    /// The path does not exist.
    Missing(PathBuf),
    /// The path is not a directory.
    NotADirectory(PathBuf),
    /// A file or directory cannot be read.
    Unreadable(PathBuf, std::io::Error),
    /// A name in the path is not UTF-8.
    NotUnicode(PathBuf),
}

impl std::fmt::Display for ProjectError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "directory not found: {}", path.display()),
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
                    "pass the directory that contains index.html, for example `hyperframes-ci render videos/launch`"
                }
                Self::Unreadable(_, error) => {
                    return gate::help_of(error).or_else(|| Some("check the permissions".to_owned()));
                }
                Self::NotUnicode(_) => "rename it; paths in archives must be UTF-8",
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
    /// Opens the project at `directory`. Its boundary is the nearest ancestor with a `.git`, otherwise `workspace`
    /// (`GITHUB_WORKSPACE`) if the project is inside of it.
    ///
    /// # Errors
    /// Returns [`ProjectError`] if the directory does not exist, is a file, is not in `reach`, cannot be read, or its path
    /// is not UTF-8.
    pub(crate) fn open(
        directory: &Path,
        workspace: Option<&Path>,
        reach: &Reach,
    ) -> Result<Self, ProjectError> {
        let metadata = fs::metadata(directory).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => ProjectError::Missing(directory.to_owned()),
            _ => ProjectError::Unreadable(directory.to_owned(), error),
        })?;
        if !metadata.is_dir() {
            return Err(ProjectError::NotADirectory(directory.to_owned()));
        }
        let root = reach
            .resolve(directory)
            .and_then(|root| root.canonicalize())
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

    /// Excludes files that the command itself reads or writes from the project.
    pub(crate) fn without(self, outputs: &[&Path]) -> Self {
        self.without_any(&ResolvedPaths::new(outputs.iter().map(PathBuf::from)))
    }

    /// Excludes those of the files that are in the project.
    pub(crate) fn without_any(mut self, files: &ResolvedPaths) -> Self {
        let inside = files.below(&self.root).filter_map(|path| portable_path(&self.root, path));
        self.outputs.extend(inside);
        self
    }

    /// Returns the rules about what is packed.
    ///
    /// # Errors
    /// Returns [`ProjectError::Unreadable`] if the ignore file cannot be read.
    pub(crate) fn ignore_rules(&self) -> Result<IgnoreRules, ProjectError> {
        let ignore_file = self.root.join(IGNORE_FILE);
        let rules = match gate::read_text(&ignore_file, &self.reach(), limit::IGNORE) {
            Ok(text) => IgnoreRules::new(Some(&text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => IgnoreRules::new(None),
            Err(error) => return Err(ProjectError::Unreadable(ignore_file, error)),
        };
        Ok(rules.with_outputs(&self.outputs))
    }

    /// Returns where the files of the project may be.
    pub(crate) fn reach(&self) -> Reach {
        Reach::inside(&self.boundary, "the repository")
    }

    /// Returns the path of an absolute `path` in the project, with `/`; `None` if it is outside, or not UTF-8.
    pub(crate) fn path_in_project(&self, path: &Path) -> Option<String> {
        portable_path(&self.root, path)
    }

    /// Returns the repository path of `path`, whose links are resolved. Returns `None` if references must not reach it:
    /// outside of the boundary, below a name that starts with a dot, or not UTF-8.
    pub(crate) fn repository_path(&self, path: &Path) -> Option<String> {
        portable_path(&self.boundary, path)
            .filter(|path| path.split('/').all(|segment| !segment.starts_with('.')))
    }
}

/// Returns the boundary of a directory whose links are resolved: the nearest ancestor with a `.git`, otherwise
/// `workspace` if the directory is inside of it, otherwise the directory itself.
fn boundary_of(folder: &Path, workspace: Option<&Path>) -> PathBuf {
    let workspace = || workspace?.canonicalize().ok().filter(|workspace| folder.starts_with(workspace));
    repository(folder).map(Path::to_owned).or_else(workspace).unwrap_or_else(|| folder.to_owned())
}

/// Returns the boundary of a directory, or of the current one if it does not exist.
pub(crate) fn boundary(directory: &Path, workspace: Option<&Path>) -> PathBuf {
    let resolved = directory.canonicalize().or_else(|_| Path::new(".").canonicalize());
    boundary_of(&resolved.unwrap_or_else(|_| directory.to_owned()), workspace)
}

/// Returns the nearest ancestor of `folder`, or itself, that contains a `.git`.
pub(crate) fn repository(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|ancestor| ancestor.join(".git").exists())
}

/// Returns `path` relative to `base`, with `/`; `None` if it is not below `base` or not UTF-8.
fn portable_path(base: &Path, path: &Path) -> Option<String> {
    let segments = path.strip_prefix(base).ok()?.iter().map(|segment| segment.to_str());
    Some(segments.collect::<Option<Vec<_>>>()?.join("/"))
}

/// A file to pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceFile {
    /// Path in the archive, with `/`, and size in bytes.
    pub(crate) file: ProjectFile,
    /// Path of the file, with links resolved.
    pub(crate) source: PathBuf,
}

/// The files of a project, and findings about those that cannot be packed.
#[derive(Debug)]
pub(crate) struct Collected {
    /// The files, sorted by the bytes of their paths.
    pub(crate) files: Vec<SourceFile>,
    /// The rules that selected them.
    pub(crate) rules: IgnoreRules,
    /// Findings with repository paths.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Lists the files that belong in the project's archive.
///
/// # Errors
/// Returns [`ProjectError::Unreadable`] if a directory or the ignore file cannot be read. Other problems are findings.
pub(crate) fn collect(project: &Project) -> Result<Collected, ProjectError> {
    let rules = project.ignore_rules()?;
    let redirected = RedirectedOutput::find();
    let mut walk = Walk {
        project,
        rules: &rules,
        redirected,
        reach: project.reach(),
        linked: Vec::new(),
        files: Vec::new(),
        diagnostics: Vec::new(),
    };
    walk.directory(&project.root, "", &mut vec![project.root.clone()])?;
    walk.leave_out_hidden_links();
    let Walk { mut files, diagnostics, .. } = walk;
    files.sort_by(|a, b| a.file.path.cmp(&b.file.path));
    Ok(Collected { files, rules, diagnostics })
}

/// A walk through the directories of a project.
struct Walk<'a> {
    project: &'a Project,
    rules: &'a IgnoreRules,
    /// A log of this very command, which grows while it is read, is no part of the project.
    redirected: RedirectedOutput,
    /// Where files may be.
    reach: Reach,
    /// Files with several names: their identities and paths.
    linked: Vec<(FileId, String)>,
    files: Vec<SourceFile>,
    diagnostics: Vec<Diagnostic>,
}

impl Walk<'_> {
    /// Walks `directory`, whose path in the archive is `prefix`. `ancestors` are the directories above, with links
    /// resolved, to detect cycles of links.
    fn directory(
        &mut self,
        directory: &Path,
        prefix: &str,
        ancestors: &mut Vec<PathBuf>,
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
            // Before a link is followed: ignored links may lead anywhere.
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
            self.entry(source, &metadata, path, ancestors)?;
        }
        Ok(())
    }

    /// Adds a file, or walks a directory.
    fn entry(
        &mut self,
        source: PathBuf,
        metadata: &Metadata,
        path: String,
        ancestors: &mut Vec<PathBuf>,
    ) -> Result<(), ProjectError> {
        if metadata.is_dir() {
            if ancestors.contains(&source) {
                let help = "remove the link, or ignore it with .hyperframesignore";
                self.report(
                    Rule::LinkCycle,
                    &path,
                    "the symbolic link points to one of its parent directories",
                    help,
                );
                return Ok(());
            }
            ancestors.push(source.clone());
            self.directory(&source, &format!("{path}/"), ancestors)?;
            ancestors.pop();
        } else if !metadata.is_file() {
            let help = "ignore it with .hyperframesignore";
            self.report(Rule::NotAFile, &path, "neither a file nor a directory; not packed", help);
        } else if let Some(found) = unportable_name(&path) {
            self.diagnostics.push(Diagnostic { path: join(&self.project.prefix, &path), ..found });
        } else if self.redirected.contains(&source) {
        } else if let Some(found) = credential(&path, || gate::head(&source, &self.reach, HEAD as u64).ok()) {
            self.diagnostics.push(Diagnostic { path: join(&self.project.prefix, &path), ..found });
        } else {
            if let Some(id) = linked_id(metadata) {
                self.linked.push((id, path.clone()));
            }
            self.files.push(SourceFile { file: ProjectFile { path, size: metadata.len() }, source });
        }
        Ok(())
    }

    /// Leaves out files that are hidden files of the repository under another name. Names are compared only if a packed
    /// file has several.
    fn leave_out_hidden_links(&mut self) {
        if self.linked.is_empty() {
            return;
        }
        let hidden = hidden_files(&self.project.boundary);
        for (id, path) in std::mem::take(&mut self.linked) {
            if hidden.contains(&id) {
                self.files.retain(|file| file.file.path != path);
                let message = "the file is not packed: it is a hard link to a hidden file";
                self.report(
                    Rule::CredentialFile,
                    &path,
                    message,
                    "copy the file if it is a part of the video",
                );
            }
        }
    }

    /// Returns the target of a link; records a finding if it does not exist or is outside of the repository.
    fn follow(&mut self, link: &Path, path: &str) -> Option<(PathBuf, Metadata)> {
        let Some((target, metadata)) = link
            .canonicalize()
            .ok()
            .and_then(|target| fs::metadata(&target).ok().map(|found| (target, found)))
        else {
            let help = "restore its target, remove the link, or ignore it with .hyperframesignore";
            self.report(Rule::DanglingLink, path, "the target of the symbolic link does not exist", help);
            return None;
        };
        if self.project.repository_path(&target).is_none() {
            let help = "copy the file into the project; only files inside the repository without dotted names are packed";
            self.report(Rule::EscapingLink, path, "the symbolic link points outside the repository", help);
            return None;
        }
        Some((target, metadata))
    }

    /// Records a finding about a path of the project.
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
        let project = Project::open(&folder.join(project), None, &Reach::anywhere()).expect("a project");
        let collected = collect(&project).expect("collected");
        let findings = collected.diagnostics.iter().map(|found| format!("{} {}", found.rule, found.path));
        let mut findings = findings.collect::<Vec<_>>();
        findings.sort();
        (collected.files.into_iter().map(|file| file.file.path).collect(), findings)
    }

    #[test]
    fn files_are_sorted_by_bytes_without_ignored_ones() {
        let folder =
            tree(&["index.html", "a/b.css", "a.css", "B.css", "renders/x.mp4", ".env", "node_modules/x.js"]);
        assert_eq!(listed(folder.path(), "").0, ["B.css", "a.css", "a/b.css", "index.html"]);
    }

    #[test]
    fn outputs_are_left_out_even_if_their_directory_is_made_later() {
        let folder = tree(&["index.html"]);
        let path = |name: &str| folder.path().join(name);
        let (video, row) = (path("out/deep/v.mp4"), path("rows/{title}.mp4"));
        let project = Project::open(folder.path(), None, &Reach::anywhere())
            .expect("a project")
            .without(&[&video, &row]);
        for file in [&video, &path("rows/a.mp4"), &path("out/deep/other.mp4")] {
            fs::create_dir_all(file.parent().expect("a parent")).expect("folders");
            fs::write(file, "x").expect("written");
        }
        let collected = collect(&project).expect("collected");
        let paths = collected.files.into_iter().map(|file| file.file.path).collect::<Vec<_>>();
        assert_eq!(paths, ["index.html", "out/deep/other.mp4"]);
    }

    #[test]
    fn the_nearest_repository_is_the_boundary() {
        let folder = tree(&["outer/.git/config", "outer/inner/.git", "outer/inner/video/index.html"]);
        let project =
            Project::open(&folder.path().join("outer/inner/video"), Some(folder.path()), &Reach::anywhere())
                .expect("open");
        assert!(project.boundary.ends_with("outer/inner"));
        assert_eq!(project.prefix, "video");
        let lone = tree(&["work/video/index.html"]);
        let project = Project::open(&lone.path().join("work/video"), Some(lone.path()), &Reach::anywhere())
            .expect("open");
        assert_eq!(project.prefix, "work/video");
        let project = Project::open(&lone.path().join("work/video"), None, &Reach::anywhere()).expect("open");
        assert_eq!(project.prefix, "");
    }

    #[cfg(unix)]
    #[test]
    fn credentials_and_other_names_of_hidden_files_are_left_out() {
        let folder =
            tree(&["index.html", "built/a.json", ".env", "b.txt", "gha-creds-1.json", ".git/config"]);
        let path = |name: &str| folder.path().join(name);
        fs::write(path("key"), "-----BEGIN RSA PRIVATE KEY-----").expect("written");
        fs::write(path(".gitignore"), "built").expect("written");
        fs::hard_link(path(".env"), path("env.txt")).expect("linked");
        fs::hard_link(path(".git/config"), path("built/config.txt")).expect("linked");
        fs::hard_link(path("b.txt"), path("c.txt")).expect("linked");
        let (files, findings) = listed(folder.path(), "");
        // What Git ignores is packed: builds make compositions.
        assert_eq!(files, ["b.txt", "built/a.json", "c.txt", "index.html"]);
        let left_out = ["built/config.txt", "env.txt", "gha-creds-1.json", "key"];
        assert_eq!(findings, left_out.map(|path| format!("credential-file {path}")));
    }

    #[cfg(unix)]
    #[test]
    fn links_may_lead_to_files_of_the_repository_only() {
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
