//! The inputs of `action.yml`, which come in as variables: `max-wait` is `INPUT_MAX_WAIT`. Empty is not set.

use std::fmt;
use std::path::PathBuf;

use hyperframes_ci_core::findings::{CheckConfig, Level, Rule};

use crate::app::budget::LimitOptions;
use crate::app::options::{Given, OPTIONS, Origin, layered, option};
use crate::app::spec::{RenderSpec, RendererChoice, Severities};
use crate::ci::{Event, Subject};
use crate::fault::Error;
use crate::heygen::auth;
use crate::heygen::auth::Secret;

/// Inputs that mean something else than the option of their name: what they say holds for the run as a whole.
const OF_THE_RUN: [&str; 3] = ["renderer", "max-renders", "max-seconds"];

/// Inputs that say how much findings matter.
const LEVELS: [(&str, Level); 3] = [("deny", Level::Deny), ("warn", Level::Warn), ("allow", Level::Allow)];

/// What the workflow set.
#[derive(Debug)]
pub(super) struct Inputs {
    pub(super) mode: Mode,
    /// Paths and patterns; none for what the configuration names, or the whole repository.
    pub(super) projects: Vec<String>,
    /// Entries inside each project; `index.html` where there are none.
    pub(super) compositions: Vec<String>,
    /// Options of every render.
    pub(super) given: Vec<Given>,
    /// How much findings matter.
    pub(super) severities: Severities,
    /// What distinguishes this job from others with other inputs.
    pub(super) identity: String,
    /// Who renders, where the workflow says so.
    pub(super) renderer: Option<RendererChoice>,
    /// What all renders of the run may cost together.
    pub(super) limits: LimitOptions,
    pub(super) comment: bool,
    pub(super) changed_only: bool,
    pub(super) preview_branch: String,
    pub(super) fail_on: FailOn,
    pub(super) release_tag: Option<String>,
    pub(super) output_dir: PathBuf,
    /// The artifact that has what another run made.
    pub(super) artifact: String,
    pub(super) workspace: PathBuf,
    pub(super) token: Option<Secret>,
    /// Whether there is a credential for the cloud.
    pub(super) has_key: bool,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// What the event suggests.
    Auto,
    /// Checks only.
    Check,
    /// Checks, renders what changed, shows it.
    Preview,
    /// Checks, renders, attaches to a release.
    Release,
    /// Checks and renders.
    Render,
    /// Shows what another run has made.
    Relay,
    /// Takes previews away.
    Cleanup,
}

/// When the step fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailOn {
    /// For errors and renders that failed.
    Error,
    /// For warnings as well.
    Warning,
    /// For nothing that is about the videos.
    Never,
}

impl Mode {
    const ALL: [(&'static str, Self); 7] = [
        ("auto", Self::Auto),
        ("check", Self::Check),
        ("preview", Self::Preview),
        ("release", Self::Release),
        ("render", Self::Render),
        ("relay", Self::Relay),
        ("cleanup", Self::Cleanup),
    ];

    /// What is done for an event. A push alone renders nothing: renders cost, and pushes are many.
    pub(super) fn for_event(self, event: &Event, release_tag: Option<&str>) -> Self {
        match (self, &event.subject) {
            (Self::Auto, Subject::PullRequest(request)) if request.is_closed => Self::Cleanup,
            (Self::Auto, Subject::PullRequest(_)) => Self::Preview,
            (Self::Auto, Subject::Run(_)) => Self::Relay,
            (Self::Auto, Subject::Release { .. }) => Self::Release,
            (Self::Auto, Subject::Other) if release_tag.is_some() => Self::Release,
            (Self::Auto, Subject::Other) => Self::Check,
            (mode, _) => mode,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = Self::ALL.iter().find(|(_, mode)| mode == self);
        f.write_str(found.map_or("auto", |(name, _)| name))
    }
}

impl Inputs {
    /// Reads the inputs.
    ///
    /// # Errors
    /// With the first that makes no sense.
    pub(super) fn read(environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let set = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
        let input = |name: &str| set(&format!("INPUT_{}", name.to_ascii_uppercase().replace('-', "_")));
        let switch = |name: &str, default: bool| match input(name).as_deref().map(str::trim) {
            None => Ok(default),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(other) => Err(wrong(name, other, "true or false")),
        };
        let lines = |name: &str| -> Vec<String> {
            let text = input(name).unwrap_or_default();
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
        };
        let mut given = Vec::new();
        // Switches come last, as the identity of earlier versions has them.
        let (switches, values): (Vec<_>, Vec<_>) = OPTIONS
            .iter()
            .filter(|option| option.scope.is_input())
            .partition(|option| option.kind.is_switch());
        for option in values.into_iter().filter(|option| !OF_THE_RUN.contains(&option.name)) {
            if let Some(value) = input(option.name) {
                let value = value.trim_end_matches(['\r', '\n']).into();
                given.push(Given { option, value, origin: Origin::Input });
            }
        }
        for option in switches {
            if switch(option.name, false)? {
                given.push(Given { option, value: "true".into(), origin: Origin::Input });
            }
        }
        // Mistakes are found before anything is done.
        let mut of_run = RenderSpec::default();
        layered(&mut of_run, given.clone())?;
        let run = OF_THE_RUN.iter().filter_map(|name| Some((option(name)?, input(name)?)));
        let run =
            run.map(|(option, value)| Given { option, value: value.trim().into(), origin: Origin::Input });
        layered(&mut of_run, run.collect())?;
        let own = CheckConfig { levels: levels(&input)?, strict: switch("strict", false)? };
        let severities = Severities { own, ..Severities::default() };
        let mode = input("mode").unwrap_or_else(|| "auto".to_owned());
        let known = Mode::ALL.iter().find(|(name, _)| *name == mode.trim());
        let names = Mode::ALL.map(|(name, _)| name).join(", ");
        let mode = known.map(|(_, mode)| *mode).ok_or_else(|| wrong("mode", &mode, &names))?;
        let fail_on = match input("fail-on").as_deref().map(str::trim) {
            None | Some("error") => FailOn::Error,
            Some("warning") => FailOn::Warning,
            Some("never") => FailOn::Never,
            Some(other) => return Err(wrong("fail-on", other, "error, warning, never")),
        };
        let renderer = input("renderer").map(|_| of_run.renderer);
        let preview_branch = input("preview-branch").unwrap_or_else(|| "hyperframes-previews".to_owned());
        if !is_branch(&preview_branch) {
            return Err(wrong("preview-branch", &preview_branch, "a branch of letters, digits, - _ . and /"));
        }
        let workspace = crate::ci::workspace(environment);
        let workspace = workspace.or_else(|| std::env::current_dir().ok()).unwrap_or_default();
        Ok(Self {
            identity: format!("{}\n{}", lines("composition").join("\n"), identity(&given, &input).join("\n")),
            mode,
            projects: lines("projects"),
            compositions: lines("composition"),
            given,
            severities,
            renderer,
            limits: LimitOptions { min_balance: None, ..of_run.limits },
            comment: switch("comment", true)?,
            changed_only: switch("changed-only", true)?,
            preview_branch,
            fail_on,
            release_tag: input("release-tag").map(|tag| tag.trim().to_owned()),
            output_dir: input("output-dir").map_or_else(
                || crate::ci::default_output(environment, &workspace),
                |folder| workspace.join(folder.trim()),
            ),
            artifact: input("artifact").unwrap_or_else(|| "hyperframes".to_owned()),
            workspace,
            has_key: auth::find(environment).is_ok_and(|found| found.is_some()),
            token: input("token").map(|token| Secret::new(token.trim().to_owned())),
        })
    }

    /// What must never be seen in a log.
    pub(super) fn secrets(&self, environment: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
        let named = ["HEYGEN_API_KEY", "HYPERFRAMES_API_KEY", "INPUT_TOKEN"];
        named.iter().filter_map(|name| environment(name)).filter(|value| !value.trim().is_empty()).collect()
    }
}

/// The severities of the inputs `deny`, `warn` and `allow`: codes, separated by commas.
fn levels(input: &dyn Fn(&str) -> Option<String>) -> Result<Vec<(Rule, Level)>, Error> {
    let mut levels = Vec::new();
    for (name, level) in LEVELS {
        let text = input(name).unwrap_or_default();
        let codes = text.split(',').map(str::trim).filter(|code| !code.is_empty());
        for code in codes {
            let rule = code.parse::<Rule>();
            levels.push((rule.map_err(|error| wrong(name, code, &error.to_string()))?, level));
        }
    }
    Ok(levels)
}

/// A line for everything that is set. Comments are found again by a hash of it: it must stay the same for equal inputs.
fn identity(given: &[Given], input: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let line = |given: &Given| match given.option.kind.is_switch() {
        true => format!("--{}", given.option.name),
        false => format!("--{}={}", given.option.name, given.value.to_string_lossy()),
    };
    let mut lines = given.iter().map(line).collect::<Vec<_>>();
    for (name, _) in LEVELS {
        lines.extend(
            input(name).map(|value| format!("--{name}={}", value.split_whitespace().collect::<String>())),
        );
    }
    lines.extend(input("strict").filter(|value| value.trim() == "true").map(|_| "--strict".to_owned()));
    lines
}

fn wrong(name: &str, value: &str, allowed: &str) -> Error {
    Error::usage(format!("the input {name} cannot be {value:?}"), format!("it is {allowed}"))
}

/// A branch that needs no quoting anywhere.
fn is_branch(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte));
    plain
        && !name.is_empty()
        && !name.contains("..")
        && !name.contains("//")
        && !name.starts_with(['/', '-', '.'])
        && !name.ends_with(['/', '.'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Inputs, Error> {
        Inputs::read(&|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn empty_is_not_set() {
        let inputs =
            read(&[("INPUT_FPS", ""), ("INPUT_VERIFY", " "), ("INPUT_PROJECTS", "\n")]).expect("inputs");
        assert!(inputs.given.is_empty());
        assert!(inputs.projects.is_empty());
        assert!(inputs.comment && inputs.changed_only && inputs.mode == Mode::Auto);
    }

    #[test]
    fn values_are_no_flags_whatever_they_begin_with() {
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
    fn what_makes_no_sense_is_named() {
        for (name, value, part) in [
            ("INPUT_MODE", "fast", "mode"),
            ("INPUT_COMMENT", "yes", "comment"),
            ("INPUT_FAIL_ON", "x", "fail-on"),
            ("INPUT_MAX_RENDERS", "many", "max-renders"),
            ("INPUT_PREVIEW_BRANCH", "a b", "preview-branch"),
            ("INPUT_PREVIEW_BRANCH", "a/../b", "preview-branch"),
            ("INPUT_RENDERER", "gpu", "renderer"),
        ] {
            let error = read(&[(name, value)]).expect_err("refused");
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
