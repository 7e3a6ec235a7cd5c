//! The outcome of `init`.

use schemars::JsonSchema;
use serde::Serialize;

/// The files that set up a repository.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct InitOutcome {
    /// Root directory of the repository.
    pub(crate) root: String,
    /// Whether it is a Git repository.
    pub(crate) git: bool,
    /// Whether nothing was written, because of `--dry-run`.
    pub(crate) dry_run: bool,
    /// CI service: `github`, `gitlab` or `none`.
    pub(crate) ci: &'static str,
    /// Hook manager: `pre-commit`, `lefthook`, `husky` or `none`.
    pub(crate) hooks: &'static str,
    /// Project directories, relative to the root.
    pub(crate) projects: Vec<String>,
    /// Files, in the order in which they are written.
    pub(crate) files: Vec<InitFile>,
    /// Lines to add to existing files, which are never edited.
    pub(crate) additions: Vec<InitAddition>,
    /// Next steps, in order.
    pub(crate) next_steps: Vec<String>,
}

/// A file of `init`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct InitFile {
    /// Path relative to the root.
    pub(crate) path: String,
    /// Action on the file.
    pub(crate) action: InitAction,
    /// Reason for skipping the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// Contents, with `--dry-run`, of a file that would be written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contents: Option<String>,
}

/// An action on a file of `init`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InitAction {
    /// The file did not exist and is created.
    Create,
    /// The file existed and is replaced, because of `--force`.
    Replace,
    /// The file already has these contents.
    Unchanged,
    /// The file exists with other contents and is not replaced.
    Skip,
}

/// Lines to add to an existing file.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct InitAddition {
    /// Path of the file, relative to the root.
    pub(crate) path: String,
    /// Lines to add.
    pub(crate) lines: String,
}
