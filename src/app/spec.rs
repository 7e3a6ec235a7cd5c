//! The specification of a render, which front ends build and use cases take.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyperframes_ci_core::api::{IdempotencyKey, Project, RenderRequest};
use hyperframes_ci_core::findings::{CheckConfig, Level, Rule};

use crate::app::budget::LimitOptions;
use crate::app::config::DeclaredMedia;
use crate::fault::Error;
use crate::project::resolved_paths::ResolvedPaths;
use crate::renderers::RunOptions;
use crate::system::gate::Reach;

/// What to render, how, and within which limits.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RenderSpec {
    /// The project.
    pub(crate) source: ProjectSource,
    /// The options of the request, without variables.
    pub(crate) request: RenderRequest,
    /// The base request body, below the options: JSON, a file, or `-` for standard input.
    pub(crate) base: Option<String>,
    /// Values for the composition's variables.
    pub(crate) variables: Option<VariableSource>,
    /// Whether an undeclared value or a value of the wrong type is an error.
    pub(crate) has_strict_variables: bool,
    /// The renderer.
    pub(crate) renderer: RendererChoice,
    /// Path of the video; for a batch, a pattern.
    pub(crate) output: Option<PathBuf>,
    /// Outputs and manifests of all entries of the configuration, which are not part of any project.
    pub(crate) other_outputs: ResolvedPaths,
    /// Files with reports of the run.
    pub(crate) reports: Vec<PathBuf>,
    /// Whether to check and pack only.
    pub(crate) is_dry_run: bool,
    /// The user's `Idempotency-Key`.
    pub(crate) idempotency_key: Option<IdempotencyKey>,
    /// Whether a video that does not match the request is an error.
    pub(crate) must_match: bool,
    /// Whether a render that fails elsewhere is repeated on this machine.
    pub(crate) is_diagnosing: bool,
    /// Options of the run.
    pub(crate) run: RunOptions,
    /// Limits of the cost.
    pub(crate) limits: LimitOptions,
    /// Options of a batch.
    pub(crate) batch: BatchOptions,
    /// Severities of findings.
    pub(crate) severities: Severities,
    /// The workspace of the CI service: references may reach files in it if there is no repository.
    pub(crate) workspace: Option<PathBuf>,
    /// Names of the options that are set, as messages show them, by option: `--batch`, or `hyperframes-ci.toml:3: rows`.
    pub(crate) labels: BTreeMap<&'static str, String>,
    /// Where the paths of options may lead that a configuration or an input of the action has set, by option; those of
    /// the project by `project`.
    pub(crate) reaches: BTreeMap<&'static str, Reach>,
}

/// Where the project is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum ProjectSource {
    /// The current directory, by default.
    #[default]
    CurrentDirectory,
    /// A directory.
    Directory(PathBuf),
    /// A project that the server already has or can download.
    Uploaded(Project),
}

/// Where the values of variables are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum VariableSource {
    /// A JSON object.
    Inline(String),
    /// A file with a JSON object.
    File(PathBuf),
}

/// Which renderer to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RendererChoice {
    /// The first one that is available.
    #[default]
    Auto,
    /// The one of this name.
    Named(&'static str),
    /// The cloud flow against the built-in emulator.
    Emulated,
}

/// Options of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct BatchOptions {
    /// The file of rows; `None` for a single render.
    pub(crate) rows: Option<PathBuf>,
    /// Whether to render the valid rows if others are invalid.
    pub(crate) skips_invalid_rows: bool,
    /// Number of failed rows after which no more are submitted.
    pub(crate) max_failures: Option<u64>,
    /// Whether to render rows that failed in an earlier run again.
    pub(crate) is_retrying_failed: bool,
    /// Path of the manifest.
    pub(crate) manifest: Option<PathBuf>,
}

/// Severities of findings.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Severities {
    /// Set by the user for this run; overrides the rest.
    pub(crate) own: CheckConfig,
    /// Path of a configuration that replaces that of the repository.
    pub(crate) config: Option<PathBuf>,
    /// Severities of a configuration that was already read; later ones override earlier ones.
    pub(crate) known: Option<Vec<CheckConfig>>,
    /// Generated media of that configuration.
    pub(crate) media: Arc<DeclaredMedia>,
}

impl Severities {
    /// Validates the severities of the user.
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
                let message =
                    format!("{} and {} both set the severity of {rule}", flag(*other), flag(*level));
                return Err(Error::usage(message, "remove one of them"));
            }
        }
        Ok(())
    }
}

impl RenderSpec {
    /// Returns the project's directory.
    pub(crate) fn directory(&self) -> &Path {
        match &self.source {
            ProjectSource::Directory(directory) => directory,
            ProjectSource::CurrentDirectory | ProjectSource::Uploaded(_) => Path::new("."),
        }
    }

    /// Returns the name of an option in messages, with the place where it is set.
    pub(crate) fn label(&self, option: &str) -> String {
        self.labels.get(option).cloned().unwrap_or_else(|| format!("--{option}"))
    }

    /// Returns where the path of an option may lead.
    pub(crate) fn reach(&self, option: &str) -> Reach {
        let set = self.reaches.get(option).cloned();
        set.unwrap_or_else(|| Reach::of_user(self.workspace.as_deref()))
    }

    /// Returns the files that the run itself reads or writes; they are not part of the project.
    pub(crate) fn own_files(&self) -> Vec<&Path> {
        let files = [&self.output, &self.batch.rows, &self.batch.manifest, &self.run.reuse.ledger];
        let reports = self.reports.iter().map(PathBuf::as_path);
        files.into_iter().filter_map(Option::as_deref).chain(reports).collect()
    }
}
