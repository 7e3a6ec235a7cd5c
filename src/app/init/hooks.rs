//! Hooks that check projects before they are committed.

use super::REPOSITORY;
use super::choices::HookManager;

/// A hook: a file to create, and the lines to add to an existing one.
#[derive(Debug)]
pub(super) struct Hook {
    /// The whole file.
    pub(super) file: String,
    /// The lines for an existing file.
    pub(super) lines: String,
    /// Whether the file is a program.
    pub(super) is_program: bool,
}

/// Returns the hook for a hook manager. All of them run the npm package, which needs no compiler.
pub(super) fn hook(hooks: HookManager) -> Hook {
    let version = env!("CARGO_PKG_VERSION");
    let preflight = format!("npx --yes hyperframes-preflight@{version}");
    match hooks {
        HookManager::PreCommit => {
            let lines = format!(
                "  - repo: {REPOSITORY}\n    rev: v{version}\n    hooks:\n      - id: hyperframes-preflight-node\n"
            );
            Hook { file: format!("repos:\n{lines}"), lines, is_program: false }
        }
        HookManager::Lefthook => {
            let lines =
                format!("pre-commit:\n  commands:\n    hyperframes:\n      run: {preflight} --staged\n");
            Hook { file: lines.clone(), lines, is_program: false }
        }
        HookManager::Husky => {
            let lines = format!("{preflight} --staged\n");
            Hook { file: lines.clone(), lines, is_program: true }
        }
    }
}

/// Returns the command that activates the hooks of a clone.
pub(super) fn activation(hooks: HookManager) -> &'static str {
    match hooks {
        HookManager::PreCommit => "pre-commit install",
        HookManager::Lefthook => "lefthook install",
        HookManager::Husky => "npm install --save-dev husky && npx husky",
    }
}
