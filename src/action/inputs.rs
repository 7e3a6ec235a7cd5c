//! The inputs of `action.yml`, passed as environment variables: `max-wait` is `INPUT_MAX_WAIT`. Empty means not set.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::archive::hex;
use hyperframes_ci_core::findings::{CheckConfig, Level, Rule};
use hyperframes_ci_core::project::DEFAULT_COMPOSITION;
use sha2::{Digest, Sha256};

use super::artifact;
use super::mode::{FailOn, Mode};
use super::plan::parse_targets;
use super::review::ReviewInputs;
use crate::app::budget::LimitOptions;
use crate::app::config::is_plain_id;
use crate::app::media::PREVIEW_BRANCH;
use crate::app::options::{Given, OPTIONS, Origin, apply_layers, option};
use crate::app::spec::{RenderSpec, RendererChoice, Severities};
use crate::ci;
use crate::fault::Error;
use crate::heygen::auth::{self, Secret};
use crate::project::collect::Project;
use crate::project::discover::{self, DiscoverError};
use crate::system::gate::Reach;
use crate::system::output_place::OutputRefusal;
use crate::system::programs::is_plain_branch;

/// Inputs that apply to the run as a whole, unlike the options of the same name, which apply to one render.
const RUN_INPUTS: [&str; 3] = ["renderer", "max-renders", "max-seconds"];

/// Inputs that set the severity of rules.
const LEVELS: [(&str, Level); 3] = [("deny", Level::Deny), ("warn", Level::Warn), ("allow", Level::Allow)];

/// Variables that are set if a run has credentials of AWS, or may ask for a token of its own, which runs for forks may not.
pub(crate) const SECRETS: [&str; 7] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
];

/// The inputs of the action.
#[derive(Debug)]
pub(super) struct Inputs {
    pub(super) mode: Mode,
    /// Paths and patterns of projects; if empty, the entries of the configuration or the whole repository.
    pub(super) projects: Vec<String>,
    /// Compositions in each project; `index.html` if empty.
    pub(super) compositions: Vec<String>,
    /// Names of the compositions and entries to render, from a plan; all if `None`.
    pub(super) targets: Option<BTreeSet<String>>,
    /// IDs of the renders to collect; all of the ledger if empty.
    pub(super) render_ids: Vec<String>,
    /// The most that generated media may cost, in US dollars.
    pub(super) max_cost: Option<f64>,
    /// Whether speech whose response was lost is requested again.
    pub(super) repeats_unconfirmed: bool,
    /// Branch of generated media.
    pub(super) media_branch: String,
    /// Why the inputs about checks and renders cannot be used; cleaning up needs none of them.
    pub(super) problem: Option<Error>,
    /// Options of every render.
    pub(super) given: Vec<Given>,
    /// Severities of findings.
    pub(super) severities: Severities,
    /// Identifies the job among jobs with other inputs.
    pub(super) identity: String,
    /// The renderer, if the workflow sets one.
    pub(super) renderer: Option<RendererChoice>,
    /// Limits for all renders of the run together.
    pub(super) limits: LimitOptions,
    pub(super) comment: bool,
    /// Publish the projects of a pull request, and link to them in its comment.
    pub(super) publish: bool,
    /// ID of the shared space to publish to.
    pub(super) publish_space: Option<String>,
    /// Create a check run with all findings.
    pub(super) check_run: bool,
    /// Say whether the engine is installed, so that it is saved in the cache of the service.
    pub(super) engine_cache: bool,
    pub(super) changed_only: bool,
    /// Check compositions that the pull request does not affect, too.
    pub(super) check_all: bool,
    pub(super) preview_branch: String,
    /// URL at which a host serves the previews branch, without a slash at its end.
    pub(super) preview_url: Option<String>,
    pub(super) fail_on: FailOn,
    /// Comparisons with the base.
    pub(super) review: ReviewInputs,
    pub(super) release_tag: Option<String>,
    pub(super) output_dir: PathBuf,
    /// Whether the output directory has files of others, which must not be uploaded.
    pub(super) has_foreign_files: bool,
    /// The directory of the CI service for temporary files.
    pub(super) temporary: Option<PathBuf>,
    /// Name of the artifact with the results, of this run or of the triggering run.
    pub(super) artifact: String,
    /// Number of this use of the action in the job, if it is known.
    pub(super) number: Option<String>,
    pub(super) workspace: PathBuf,
    pub(super) token: Option<Secret>,
    /// Whether there is a credential for the cloud.
    pub(super) has_key: bool,
    /// Whether there is any credential that GitHub or GitLab do not give to every run.
    pub(super) has_secrets: bool,
}

/// Reads an environment variable.
type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Reads inputs by their names.
#[derive(Clone, Copy)]
struct InputReader<'a>(&'a Environment<'a>);

impl InputReader<'_> {
    /// Returns the value of an input, unless it is empty.
    fn value(self, name: &str) -> Option<String> {
        let variable = format!("INPUT_{}", name.to_ascii_uppercase().replace('-', "_"));
        (self.0)(&variable).filter(|value| !value.trim().is_empty())
    }

    /// Returns the value of an input without surrounding white space.
    fn trimmed(self, name: &str) -> Option<String> {
        self.value(name).map(|value| value.trim().to_owned())
    }

    /// Returns a boolean input, or `default` if it is not set.
    fn switch(self, name: &str, default: bool) -> Result<bool, Error> {
        match self.trimmed(name).as_deref() {
            None => Ok(default),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(other) => Err(invalid(name, other, "must be true or false")),
        }
    }

    /// Returns the lines of an input, without empty ones.
    fn lines(self, name: &str) -> Vec<String> {
        let text = self.value(name).unwrap_or_default();
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// Returns the inputs that are options of every render.
    fn options(self) -> Result<Vec<Given>, Error> {
        let mut given = Vec::new();
        // Switches come last: the identity depends on the order.
        let (switches, values): (Vec<_>, Vec<_>) = OPTIONS
            .iter()
            .filter(|option| option.scope.is_input())
            .partition(|option| option.kind.is_switch());
        for option in values.into_iter().filter(|option| !RUN_INPUTS.contains(&option.name)) {
            if let Some(value) = self.value(option.name) {
                let value = value.trim_end_matches(['\r', '\n']).into();
                given.push(Given { option, value, origin: Origin::Input });
            }
        }
        for option in switches {
            if self.switch(option.name, false)? {
                given.push(Given { option, value: "true".into(), origin: Origin::Input });
            }
        }
        Ok(given)
    }

    /// Returns the inputs about checks and renders, validated.
    fn rendering(self) -> Result<RenderInputs, Error> {
        let given = self.options()?;
        let run = self.run_spec(&given)?;
        let own = CheckConfig { levels: self.levels()?, strict: self.switch("strict", false)? };
        Ok(RenderInputs { given, run, own })
    }

    /// Returns the inputs that apply to the run as a whole, with `given` validated.
    fn run_spec(self, given: &[Given]) -> Result<RenderSpec, Error> {
        let mut spec = RenderSpec::default();
        apply_layers(&mut spec, given.to_vec())?;
        let run = RUN_INPUTS.iter().filter_map(|name| Some((option(name)?, self.trimmed(name)?)));
        let run = run.map(|(option, value)| Given { option, value: value.into(), origin: Origin::Input });
        apply_layers(&mut spec, run.collect())?;
        Ok(spec)
    }

    /// Returns the severities of the inputs `deny`, `warn` and `allow`: codes separated by commas.
    fn levels(self) -> Result<Vec<(Rule, Level)>, Error> {
        let mut levels = Vec::new();
        for (name, level) in LEVELS {
            let text = self.value(name).unwrap_or_default();
            let codes = text.split(',').map(str::trim).filter(|code| !code.is_empty());
            for code in codes {
                let rule = code.parse::<Rule>();
                levels.push((
                    rule.map_err(|error| {
                        Error::usage(
                            format!("input {name}: {error}"),
                            "see https://github.com/hyperframes-ci/hyperframes-ci/blob/main/docs/checks.md for all codes",
                        )
                    })?,
                    level,
                ));
            }
        }
        Ok(levels)
    }

    fn mode(self) -> Result<Mode, Error> {
        let value = self.value("mode").unwrap_or_else(|| "auto".to_owned());
        let known = Mode::ALL.iter().find(|(name, _)| *name == value.trim());
        let rule = format!("must be one of {}", Mode::ALL.map(|(name, _)| name).join(", "));
        known.map(|(_, mode)| *mode).ok_or_else(|| invalid("mode", &value, &rule))
    }

    fn targets(self) -> Result<Option<BTreeSet<String>>, Error> {
        let Some(text) = self.trimmed("targets") else { return Ok(None) };
        parse_targets(&text).map(Some).map_err(|rule| invalid("targets", &text, rule))
    }

    fn fail_on(self) -> Result<FailOn, Error> {
        match self.trimmed("fail-on").as_deref() {
            None | Some("error") => Ok(FailOn::Error),
            Some("warning") => Ok(FailOn::Warning),
            Some("never") => Ok(FailOn::Never),
            Some(other) => Err(invalid("fail-on", other, "must be one of error, warning, never")),
        }
    }

    fn review(self) -> Result<ReviewInputs, Error> {
        let read = ReviewInputs::read(self.switch("diff", true)?, |name| self.trimmed(name));
        read.map_err(|input| invalid(input.name, &input.value, &input.rule))
    }

    fn preview_url(self) -> Result<Option<String>, Error> {
        let Some(url) = self.trimmed("preview-url") else { return Ok(None) };
        let is_url = url.starts_with("https://") || url.starts_with("http://");
        // It is written into Markdown.
        let is_plain = url.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/%@".contains(&byte));
        if is_url && is_plain {
            return Ok(Some(url.trim_end_matches('/').to_owned()));
        }
        Err(invalid("preview-url", &url, "must be an http or https URL without a query"))
    }

    fn branch(self, name: &str, default: &str) -> Result<String, Error> {
        let branch = self.value(name).unwrap_or_else(|| default.to_owned());
        if !is_plain_branch(&branch) {
            let rule = "must be a branch name with only letters, digits, - _ . and /";
            return Err(invalid(name, &branch, rule));
        }
        Ok(branch)
    }

    fn space(self) -> Result<Option<String>, Error> {
        let space = self.trimmed("publish-space");
        match space.as_deref().filter(|space| !is_plain_id(space)) {
            Some(other) => Err(invalid("publish-space", other, "must be the ID of a space")),
            None => Ok(space),
        }
    }

    fn max_cost(self) -> Result<Option<f64>, Error> {
        let Some(text) = self.trimmed("max-cost") else { return Ok(None) };
        let cost = text.parse::<f64>().ok().filter(|cost| cost.is_finite() && *cost >= 0.0);
        cost.map(Some).ok_or_else(|| invalid("max-cost", &text, "must be a number of US dollars, 0 or more"))
    }
}

/// The inputs about checks and renders.
#[derive(Default)]
struct RenderInputs {
    given: Vec<Given>,
    run: RenderSpec,
    own: CheckConfig,
}

impl Inputs {
    /// Returns the paths of the compositions that are looked at in each project.
    pub(super) fn compositions_of_projects(&self) -> Vec<String> {
        match &*self.compositions {
            [] => vec![DEFAULT_COMPOSITION.to_owned()],
            named => named.to_vec(),
        }
    }

    /// Returns what identifies the job and its inputs, for sections of comments and names of artifacts.
    pub(super) fn key(&self, job: &str, part: Option<&str>) -> String {
        let part = part.map(|name| format!("\n{name}")).unwrap_or_default();
        let text = format!("{job}\n{}\n{}{part}", self.projects.join("\n"), self.identity);
        hex(&Sha256::digest(text))[..16].to_owned()
    }

    /// Returns the name of the artifact of this use of the action.
    pub(super) fn artifact_name(&self, job: &str, part: Option<&str>) -> String {
        artifact::name(&self.artifact, &self.key(job, part), self.number.as_deref())
    }

    /// Finds the projects of a checkout at `root` that the input `projects` names, or all.
    ///
    /// # Errors
    /// Returns an error if there is none, or one cannot be read.
    pub(super) fn discover(&self, root: &Path, reach: &Reach) -> Result<Vec<Project>, DiscoverError> {
        let repository = [".".to_owned()];
        let named = if self.projects.is_empty() { &repository[..] } else { &self.projects };
        let paths = named.iter().map(|path| root.join(path)).collect::<Vec<_>>();
        discover::projects(&paths, Some(root), reach)
    }

    /// Reads the inputs.
    ///
    /// # Errors
    /// Returns a usage error for the first invalid input.
    pub(super) fn read(environment: &Environment<'_>) -> Result<Self, Error> {
        let inputs = InputReader(environment);
        let rendering = inputs.rendering();
        let (RenderInputs { given, run, own }, problem) = match rendering {
            Ok(rendering) => (rendering, None),
            Err(error) => (RenderInputs::default(), Some(error)),
        };
        let mode = inputs.mode()?;
        let fail_on = inputs.fail_on()?;
        let preview_branch = inputs.branch("preview-branch", PREVIEW_BRANCH)?;
        let preview_url = inputs.preview_url()?;
        let workspace = ci::workspace(environment);
        let workspace = workspace.or_else(|| std::env::current_dir().ok()).unwrap_or_default();
        let compositions = inputs.lines("composition");
        let targets = inputs.targets()?;
        // A credential that cannot be read is one, too.
        let has_key = !matches!(auth::find(environment), Ok(None));
        let is_set = |name: &&str| environment(name).is_some_and(|value| !value.trim().is_empty());
        Ok(Self {
            identity: format!(
                "{}\n{}{}",
                compositions.join("\n"),
                identity(&given, inputs).join("\n"),
                targets.as_ref().map(|names| format!("\n--targets={names:?}")).unwrap_or_default()
            ),
            mode,
            projects: inputs.lines("projects"),
            compositions,
            targets,
            render_ids: inputs.lines("render-ids"),
            max_cost: inputs.max_cost()?,
            repeats_unconfirmed: inputs.switch("repeat-unconfirmed", false)?,
            media_branch: inputs.branch("media-branch", "hyperframes-media")?,
            given,
            problem,
            severities: Severities { own, ..Severities::default() },
            renderer: inputs.value("renderer").map(|_| run.renderer),
            limits: LimitOptions { min_balance: None, ..run.limits },
            comment: inputs.switch("comment", true)?,
            publish: inputs.switch("publish", false)?,
            publish_space: inputs.space()?,
            check_run: inputs.switch("check-run", true)?,
            engine_cache: inputs.switch("engine-cache", false)?,
            changed_only: inputs.switch("changed-only", true)?,
            check_all: inputs.switch("check-all", false)?,
            preview_branch,
            preview_url,
            fail_on,
            review: inputs.review()?,
            release_tag: inputs.trimmed("release-tag"),
            output_dir: inputs
                .trimmed("output-dir")
                .map_or_else(|| ci::default_output(environment, &workspace), |folder| workspace.join(folder)),
            has_foreign_files: false,
            temporary: ci::default_output(environment, &workspace).parent().map(Path::to_owned),
            artifact: inputs.trimmed("artifact").unwrap_or_else(|| artifact::DEFAULT.to_owned()),
            number: environment("HYPERFRAMES_CI_USE").filter(|number| !number.trim().is_empty()),
            workspace,
            has_key: auth::find(environment).is_ok_and(|found| found.is_some()),
            has_secrets: has_key || SECRETS.iter().any(is_set),
            token: inputs.trimmed("token").map(Secret::new),
        })
    }

    /// Resolves the output directory, which may be in the checkout: it must not leave the workspace and the directory for
    /// temporary files.
    ///
    /// # Errors
    /// Returns a usage error if it does, or if it is inside of a `.git`.
    pub(super) fn resolve_output_dir(&mut self) -> Result<(), Error> {
        let reach = Reach::inside(&self.workspace, "the workspace");
        let reach = match &self.temporary {
            Some(folder) => reach.or(folder, "the temporary directory of the job"),
            None => reach,
        };
        let resolved = OutputRefusal::resolve(&self.output_dir, &reach).map_err(|refusal| {
            let path = self.output_dir.display();
            Error::usage(
                format!("input output-dir: {path} {refusal}"),
                "choose a directory inside the workspace",
            )
        })?;
        self.has_foreign_files = resolved.read_dir().is_ok_and(|mut entries| entries.next().is_some());
        self.output_dir = resolved;
        Ok(())
    }

    /// Returns the secrets of the environment, to be masked in logs.
    pub(super) fn secrets(environment: &Environment<'_>) -> Vec<String> {
        let named = ["HEYGEN_API_KEY", "HYPERFRAMES_API_KEY", "INPUT_TOKEN"];
        named.iter().filter_map(|name| environment(name)).filter(|value| !value.trim().is_empty()).collect()
    }
}

/// Returns a line for every input that is set. The sections of comments are found by a hash of the lines, so they must
/// stay the same for the same inputs.
fn identity(given: &[Given], inputs: InputReader<'_>) -> Vec<String> {
    let line = |given: &Given| match given.option.kind.is_switch() {
        true => format!("--{}", given.option.name),
        false => format!("--{}={}", given.option.name, given.value.to_string_lossy()),
    };
    let mut lines = given.iter().map(line).collect::<Vec<_>>();
    for (name, _) in LEVELS {
        let value = inputs.value(name);
        lines.extend(value.map(|value| format!("--{name}={}", value.split_whitespace().collect::<String>())));
    }
    lines.extend(inputs.trimmed("strict").filter(|value| value == "true").map(|_| "--strict".to_owned()));
    lines
}

/// Returns the error for an invalid value of an input; `rule` is a predicate such as `must be true or false`.
fn invalid(name: &str, value: &str, rule: &str) -> Error {
    Error::usage(format!("input {name} {rule} (got {value:?})"), format!("correct `{name}` in the workflow"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Inputs, Error> {
        let mut inputs = Inputs::read(&|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })?;
        inputs.problem.take().map_or(Ok(inputs), Err)
    }

    #[test]
    fn empty_inputs_are_not_set() {
        let inputs =
            read(&[("INPUT_FPS", ""), ("INPUT_VERIFY", " "), ("INPUT_PROJECTS", "\n")]).expect("inputs");
        assert!(inputs.given.is_empty());
        assert!(inputs.projects.is_empty());
        assert!(inputs.comment && inputs.changed_only && inputs.mode == Mode::Auto);
    }

    #[test]
    fn values_are_not_parsed_as_flags() {
        let inputs = read(&[
            ("INPUT_TITLE", "--no-reuse $(reboot)"),
            ("INPUT_STRICT_VARIABLES", "true"),
            ("INPUT_DENY", "unused-variable,\n missing-asset"),
            ("INPUT_PROJECTS", "videos/*\n more "),
        ])
        .expect("inputs");
        let given = inputs.given.iter().map(|given| (given.option.name, given.value.to_string_lossy()));
        assert_eq!(
            given.collect::<Vec<_>>(),
            [("title", "--no-reuse $(reboot)".into()), ("strict-variables", "true".into())]
        );
        let denied = [(Rule::UnusedVariable, Level::Deny), (Rule::MissingAsset, Level::Deny)];
        assert_eq!(inputs.severities.own.levels, denied);
        assert!(inputs.identity.ends_with("--deny=unused-variable,missing-asset"), "{}", inputs.identity);
        assert_eq!(inputs.projects, ["videos/*", "more"]);
    }

    #[test]
    fn renderers_of_the_registry_can_be_chosen() {
        let inputs = read(&[("INPUT_RENDERER", "clip")]).expect("inputs");
        assert_eq!(inputs.renderer, Some(RendererChoice::Named("clip")));
    }

    #[test]
    fn errors_name_the_invalid_input() {
        for (name, value, part) in [
            ("INPUT_MODE", "fast", "mode"),
            ("INPUT_COMMENT", "yes", "comment"),
            ("INPUT_FAIL_ON", "x", "fail-on"),
            ("INPUT_MAX_RENDERS", "many", "max-renders"),
            ("INPUT_PREVIEW_BRANCH", "a b", "preview-branch"),
            ("INPUT_PREVIEW_BRANCH", "a/../b", "preview-branch"),
            ("INPUT_RENDERER", "gpu", "renderer"),
            ("INPUT_PREVIEW_URL", "javascript:x", "preview-url"),
            ("INPUT_PREVIEW_URL", "https://x)[y](z", "preview-url"),
            ("INPUT_TARGETS", "videos/one", "targets"),
            ("INPUT_PUBLISH_SPACE", "a b", "publish-space"),
            ("INPUT_FAIL_ON_DIFF", "always", "fail-on-diff"),
            ("INPUT_DIFF_BASELINE", "main", "diff-baseline"),
        ] {
            let error = read(&[(name, value)]).expect_err("refused");
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
