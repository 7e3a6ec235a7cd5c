//! The inputs of `action.yml`, which come in as variables: `max-wait` is `INPUT_MAX_WAIT`. Empty is not set.

use std::fmt;
use std::path::PathBuf;

use crate::ci::{Event, Subject};
use crate::fault::Error;
use crate::heygen::auth;
use crate::heygen::auth::Secret;

/// Inputs that are flags of `render` with a value, under the same name.
const VALUES: &[&str] = &[
    "fps",
    "quality",
    "format",
    "resolution",
    "aspect-ratio",
    "variables",
    "variables-file",
    "title",
    "callback-url",
    "callback-id",
    "poll-interval",
    "max-wait",
    "upload",
    "idempotency-key",
    "reuse-window",
    "min-balance",
];

/// Inputs that are flags of `render` without one.
const SWITCHES: &[&str] = &["strict-variables", "no-reuse", "verify"];

/// What the workflow set.
#[derive(Debug)]
pub(super) struct Inputs {
    pub(super) mode: Mode,
    /// Paths and patterns; none for what the configuration names, or the whole repository.
    pub(super) projects: Vec<String>,
    /// Entries inside each project; `index.html` where there are none.
    pub(super) compositions: Vec<String>,
    /// Flags of `render`.
    pub(super) flags: Vec<String>,
    /// What the flags are, for telling jobs apart.
    pub(super) identity: String,
    /// `auto`, `cloud` or `local`, where the workflow says so.
    pub(super) renderer: Option<String>,
    pub(super) max_renders: Option<u64>,
    pub(super) max_seconds: Option<f64>,
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
        let mut flags = Vec::new();
        for name in VALUES {
            if let Some(value) = input(name) {
                // One argument: whatever the value begins with, it is no flag.
                flags.push(format!("--{name}={}", value.trim_end_matches(['\r', '\n'])));
            }
        }
        for name in SWITCHES {
            if switch(name, false)? {
                flags.push(format!("--{name}"));
            }
        }
        for name in ["deny", "warn", "allow"] {
            flags.extend(
                input(name).map(|value| format!("--{name}={}", value.split_whitespace().collect::<String>())),
            );
        }
        if switch("strict", false)? {
            flags.push("--strict".to_owned());
        }
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
        let renderer = input("renderer").map(|value| value.trim().to_owned());
        if let Some(unknown) =
            renderer.as_deref().filter(|name| !["auto", "cloud", "local", "lambda"].contains(name))
        {
            return Err(wrong("renderer", unknown, "auto, cloud, local, lambda"));
        }
        let preview_branch = input("preview-branch").unwrap_or_else(|| "hyperframes-previews".to_owned());
        if !is_branch(&preview_branch) {
            return Err(wrong("preview-branch", &preview_branch, "a branch of letters, digits, - _ . and /"));
        }
        let workspace = crate::ci::workspace(environment);
        let workspace = workspace.or_else(|| std::env::current_dir().ok()).unwrap_or_default();
        Ok(Self {
            identity: format!("{}\n{}", lines("composition").join("\n"), flags.join("\n")),
            mode,
            projects: lines("projects"),
            compositions: lines("composition"),
            flags,
            renderer,
            max_renders: number(&input, "max-renders", "a whole number")?,
            max_seconds: number(&input, "max-seconds", "a number of seconds")?,
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

fn number<T: std::str::FromStr>(
    input: &dyn Fn(&str) -> Option<String>,
    name: &str,
    rule: &str,
) -> Result<Option<T>, Error> {
    let parse = |value: String| value.trim().parse().map_err(|_| wrong(name, &value, rule));
    input(name).map(parse).transpose()
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
        assert!(inputs.flags.is_empty());
        assert!(inputs.projects.is_empty());
        assert!(inputs.comment && inputs.changed_only && inputs.mode == Mode::Auto);
    }

    #[test]
    fn values_are_no_flags_whatever_they_begin_with() {
        let inputs = read(&[
            ("INPUT_TITLE", "--no-reuse $(reboot)"),
            ("INPUT_STRICT_VARIABLES", "true"),
            ("INPUT_DENY", "a,\n b"),
            ("INPUT_PROJECTS", "videos/*\n more "),
        ])
        .expect("inputs");
        assert_eq!(inputs.flags, ["--title=--no-reuse $(reboot)", "--strict-variables", "--deny=a,b"]);
        assert_eq!(inputs.projects, ["videos/*", "more"]);
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
