//! The repository that `init` sets up: its projects, its CI service and its hooks.

use std::fs;
use std::path::{Path, PathBuf};

use super::choices::{CiService, HookManager};
use crate::project::{collect, discover};
use crate::system::gate::{self, Reach};

/// The action, as workflows name it.
pub(super) const ACTION: &str = "hyperframes-ci/hyperframes-ci";

/// The text that shows that a file of a hook manager has our hook.
pub(super) const HOOK_MARK: &str = "hyperframes";

/// Largest file that is searched, in bytes.
const MAX_SIZE: u64 = 1024 * 1024;

/// A repository, or a directory outside of one.
#[derive(Clone, Debug)]
pub(crate) struct Repository {
    /// Its root, with links resolved.
    pub(crate) root: PathBuf,
    /// Whether it is a Git repository.
    pub(crate) is_git: bool,
    /// Project directories from the root, with `/`, sorted; `.` if the root is a project.
    pub(crate) projects: Vec<String>,
    /// Projects that are left out because their names are not UTF-8, for messages.
    pub(crate) unnamed: Vec<String>,
    /// The hook manager that is configured.
    pub(crate) hooks: Option<HookManager>,
}

impl Repository {
    /// Searches the repository around `directory`. Links to directories are not followed.
    pub(crate) fn find(directory: &Path, workspace: Option<&Path>) -> Self {
        let root = collect::boundary(directory, workspace);
        let mut projects = discover::search(&root)
            .iter()
            .filter_map(|project| path_from(&root, project))
            .collect::<Vec<_>>();
        projects.sort();
        let unnamed = discover::search_unnamed(&root);
        let unnamed = unnamed.iter().map(|project| project.strip_prefix(&root).unwrap_or(project));
        let unnamed = unnamed.map(|project| project.to_string_lossy().into_owned()).collect();
        let mut repository =
            Self { is_git: collect::repository(&root).is_some(), root, projects, unnamed, hooks: None };
        repository.hooks = HookManager::ALL.iter().copied().find(|hooks| repository.uses(*hooks));
        repository
    }

    /// Returns the first of the hook manager's configuration files that exists.
    pub(super) fn hook_file(&self, hooks: HookManager) -> Option<&'static str> {
        hooks.files().iter().copied().find(|path| self.has(path))
    }

    fn uses(&self, hooks: HookManager) -> bool {
        self.hook_file(hooks).is_some() || hooks.folder().is_some_and(|folder| self.has(folder))
    }

    /// Returns the CI service of the repository: by its files, otherwise by the URL of its remotes.
    pub(crate) fn detect_ci(&self) -> CiService {
        let is_on_gitlab = || self.text(".git/config").is_some_and(|text| has_gitlab_remote(&text));
        match (self.has(".github/workflows"), self.has(".gitlab-ci.yml")) {
            (true, false) => CiService::GitHub,
            (false, true) => CiService::GitLab,
            _ if is_on_gitlab() => CiService::GitLab,
            _ => CiService::GitHub,
        }
    }

    /// Returns whether there are files of several CI services, so that [`Repository::detect_ci`] is a guess.
    pub(crate) fn has_several_ci(&self) -> bool {
        self.has(".github/workflows") && self.has(".gitlab-ci.yml")
    }

    /// Returns whether the hook manager runs our hook already.
    pub(crate) fn has_own_hook(&self, hooks: HookManager) -> bool {
        let text = self.hook_file(hooks).and_then(|path| self.text(path));
        text.is_some_and(|text| text.contains(HOOK_MARK))
    }

    /// Returns a workflow other than `own` that already runs the action.
    pub(super) fn workflow_with_action(&self, own: &str) -> Option<String> {
        let folder = ".github/workflows";
        let entries = fs::read_dir(self.root.join(folder)).ok()?;
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut paths = names
            .filter(|name| name.ends_with(".yml") || name.ends_with(".yaml"))
            .map(|name| format!("{folder}/{name}"))
            .filter(|path| path != own && self.text(path).is_some_and(|text| uses_action(&text)))
            .collect::<Vec<_>>();
        paths.sort();
        paths.into_iter().next()
    }

    /// Returns the name of the default branch: that of `origin`, otherwise the current branch, otherwise `main`.
    pub(super) fn default_branch(&self) -> String {
        let branch = |path: &str, prefix: &str| {
            let text = self.text(path)?;
            let name = text.trim().strip_prefix(prefix)?.to_owned();
            is_plain(&name).then_some(name)
        };
        branch(".git/refs/remotes/origin/HEAD", "ref: refs/remotes/origin/")
            .or_else(|| branch(".git/HEAD", "ref: refs/heads/"))
            .unwrap_or_else(|| "main".to_owned())
    }

    /// Returns whether something exists at a path from the root. Links count as what they are.
    fn has(&self, path: &str) -> bool {
        self.root.join(path).symlink_metadata().is_ok()
    }

    /// Returns the text of a file inside the repository; `None` if it does not exist, is not a small text file, or a link
    /// leads out of the repository.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        gate::read_text(&self.root.join(path), &Reach::inside(&self.root, "the repository"), MAX_SIZE).ok()
    }
}

/// Returns a path from `root` with `/`, `.` for the root itself; `None` if it is not UTF-8.
fn path_from(root: &Path, path: &Path) -> Option<String> {
    let parts = path.strip_prefix(root).ok()?.iter().map(|part| part.to_str());
    let path = parts.collect::<Option<Vec<_>>>()?.join("/");
    Some(if path.is_empty() { ".".to_owned() } else { path })
}

/// Returns whether a workflow has a step with the action.
fn uses_action(text: &str) -> bool {
    let steps = text.lines().map(|line| line.trim_start().trim_start_matches("- "));
    steps.filter_map(|line| line.strip_prefix("uses:")).any(|uses| {
        let uses = uses.trim().trim_start_matches(['"', '\'']);
        uses.strip_prefix(ACTION).is_some_and(|rest| rest.starts_with(['@', '/']))
    })
}

/// Returns whether a configuration of Git has a remote whose host is a GitLab.
fn has_gitlab_remote(config: &str) -> bool {
    let urls = config.lines().filter_map(|line| line.trim().strip_prefix("url"));
    urls.filter_map(|rest| rest.trim_start().strip_prefix('=')).any(|url| {
        let url = url.trim();
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        host.rsplit('@').next().unwrap_or_default().contains("gitlab")
    })
}

/// Returns whether the name of a branch can stand in YAML without quotes.
fn is_plain(name: &str) -> bool {
    let is_allowed = |character: char| character.is_ascii_alphanumeric() || "-_./".contains(character);
    name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.chars().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remotes_are_recognized_by_their_host() {
        for (url, expected) in [
            ("https://gitlab.com/a/b.git", true),
            ("git@gitlab.example.com:a/b.git", true),
            ("ssh://git@gitlab.example.com:22/a/b.git", true),
            ("https://github.com/gitlab/b.git", false),
            ("git@github.com:a/gitlab.git", false),
        ] {
            let config = format!("[remote \"origin\"]\n\turl = {url}\n");
            assert_eq!(has_gitlab_remote(&config), expected, "{url}");
        }
    }

    #[test]
    fn steps_with_the_action_are_found_in_any_form() {
        for text in [
            "    - uses: hyperframes-ci/hyperframes-ci@v0",
            "      uses: \"hyperframes-ci/hyperframes-ci@0123\" # v0",
        ] {
            assert!(uses_action(text), "{text}");
        }
        for text in ["# - uses: hyperframes-ci/hyperframes-ci@v0", "- uses: hyperframes-ci/other@v0"] {
            assert!(!uses_action(text), "{text}");
        }
    }
}
