//! What a render is to be: the one type that all front ends make and all use cases take.

use std::path::{Path, PathBuf};

use hyperframes_ci_core::api::{IdempotencyKey, Project, RenderRequest};
use hyperframes_ci_core::findings::{CheckConfig, Level, Rule};

use crate::app::budget::LimitOptions;
use crate::fault::Error;
use crate::renderers::RunOptions;

/// What is to be rendered, how, and on which conditions.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RenderSpec {
    /// What is rendered.
    pub(crate) source: ProjectSource,
    /// The options of the request, without variables.
    pub(crate) request: RenderRequest,
    /// The base request body, below the options: JSON, a file, or `-` for standard input.
    pub(crate) base: Option<String>,
    /// Values for the composition's variables.
    pub(crate) variables: Option<VariableSource>,
    /// Whether a value that does not fit is an error.
    pub(crate) has_strict_variables: bool,
    /// Who renders.
    pub(crate) renderer: RendererChoice,
    /// Where the video goes; for a batch, a pattern.
    pub(crate) output: Option<PathBuf>,
    /// Whether to check and pack only.
    pub(crate) is_dry_run: bool,
    /// The user's `Idempotency-Key`.
    pub(crate) idempotency_key: Option<IdempotencyKey>,
    /// Whether a video that is not as it was asked for is an error.
    pub(crate) must_match: bool,
    /// How the run is done.
    pub(crate) run: RunOptions,
    /// What it may cost.
    pub(crate) limits: LimitOptions,
    /// Rows, each of which is a render.
    pub(crate) batch: BatchOptions,
    /// How much findings matter.
    pub(crate) severities: Severities,
    /// The directory that the CI service works in: what references may reach where there is no repository.
    pub(crate) workspace: Option<PathBuf>,
}

/// What is rendered.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum ProjectSource {
    /// The current directory, since nobody names anything else.
    #[default]
    CurrentDirectory,
    /// A directory.
    Directory(PathBuf),
    /// A project that the server can reach already.
    Uploaded(Project),
}

/// Where values for variables come from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum VariableSource {
    /// A JSON object.
    Inline(String),
    /// A file with one.
    File(PathBuf),
}

/// Who renders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RendererChoice {
    /// The first that is available.
    #[default]
    Auto,
    /// The one of this name.
    Named(&'static str),
    /// The built-in server.
    Emulated,
}

/// Options of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct BatchOptions {
    /// The file of rows; `None` for a single render.
    pub(crate) rows: Option<PathBuf>,
    /// Whether to render the other rows where some are invalid.
    pub(crate) is_keeping_going: bool,
    /// Rows that may fail before nothing more is submitted.
    pub(crate) max_failures: Option<u64>,
    /// Whether to render rows again that failed in an earlier run.
    pub(crate) is_retrying_failed: bool,
    /// The manifest.
    pub(crate) manifest: Option<PathBuf>,
}

/// How much findings matter.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Severities {
    /// What the user says for this run, over everything else.
    pub(crate) own: CheckConfig,
    /// A configuration in place of the repository's.
    pub(crate) config: Option<PathBuf>,
    /// What the configuration says, where it was read already; later ones win.
    pub(crate) known: Option<Vec<CheckConfig>>,
}

impl Severities {
    /// Refuses contradictions.
    ///
    /// # Errors
    /// Returns a usage error if a rule has two severities.
    pub(crate) fn validate(&self) -> Result<(), Error> {
        let flag = |level: Level| match level {
            Level::Deny => "--deny",
            Level::Warn => "--warn",
            Level::Allow => "--allow",
        };
        let all: &[(Rule, Level)] = &self.own.levels;
        for (index, (rule, level)) in all.iter().enumerate() {
            if let Some((_, other)) =
                all[..index].iter().find(|(known, other)| known == rule && other != level)
            {
                let message = format!("{} and {} both name {rule}", flag(*other), flag(*level));
                return Err(Error::usage(message, "leave one of them out"));
            }
        }
        Ok(())
    }
}

impl RenderSpec {
    /// The project's directory.
    pub(crate) fn directory(&self) -> &Path {
        match &self.source {
            ProjectSource::Directory(directory) => directory,
            ProjectSource::CurrentDirectory | ProjectSource::Uploaded(_) => Path::new("."),
        }
    }

    /// Files that the run itself writes, or reads rows from: they are no part of the project.
    pub(crate) fn own_files(&self) -> Vec<&Path> {
        let files = [&self.output, &self.batch.rows, &self.batch.manifest];
        files.into_iter().filter_map(Option::as_deref).collect()
    }
}
