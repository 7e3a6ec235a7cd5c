//! The choices of `init`: the CI service, the hook manager and the events.

/// A CI service that `init` can set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CiService {
    /// GitHub Actions.
    GitHub,
    /// GitLab CI/CD.
    GitLab,
    /// None: only the configuration and hooks are written.
    None,
}

impl CiService {
    /// All of them.
    pub(crate) const ALL: &[Self] = &[Self::GitHub, Self::GitLab, Self::None];

    /// Returns the value of `--ci`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::None => "none",
        }
    }
}

/// A hook manager that `init` can set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HookManager {
    /// pre-commit.
    PreCommit,
    /// Lefthook.
    Lefthook,
    /// husky.
    Husky,
}

impl HookManager {
    /// All of them, in the order in which they are detected.
    pub(crate) const ALL: &[Self] = &[Self::PreCommit, Self::Lefthook, Self::Husky];

    /// Returns the value of `--hooks`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PreCommit => "pre-commit",
            Self::Lefthook => "lefthook",
            Self::Husky => "husky",
        }
    }

    /// Returns the files that configure it, from the root of the repository; the first one is created.
    pub(super) fn files(self) -> &'static [&'static str] {
        match self {
            Self::PreCommit => &[".pre-commit-config.yaml", ".pre-commit-config.yml"],
            Self::Lefthook => {
                &["lefthook.yml", "lefthook.yaml", ".lefthook.yml", ".lefthook.yaml", ".config/lefthook.yml"]
            }
            Self::Husky => &[".husky/pre-commit"],
        }
    }

    /// Returns a folder that shows that it is used, even without a file for it.
    pub(super) fn folder(self) -> Option<&'static str> {
        (self == Self::Husky).then_some(".husky")
    }
}

/// The events that workflows are made for, as `on` of the configuration names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Events(pub(crate) Vec<String>);

impl Events {
    /// Returns whether an event is one of them.
    pub(super) fn has(&self, event: &str) -> bool {
        self.0.iter().any(|known| known == event)
    }
}
