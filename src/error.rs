//! Every way a command can end badly, and the one table from there to exit codes.

use std::fmt;

use hyperframes_ci_core::api::ApiError;
use hyperframes_ci_core::findings::{Findings, Severity};
use hyperframes_ci_core::job::{Failure, FailureKind};
use serde_json::{Map, Value};

use crate::action::ActionError;
use crate::app::batch::ManifestError;
use crate::app::config::ConfigError;
use crate::emulator::EmulatorError;
use crate::engine::EngineError;
use crate::heygen::auth::{CredentialError, SignInError};
use crate::heygen::download::TargetError;
use crate::heygen::transport::{CallError, InvalidBase};
use crate::project::changes::ChangesError;
use crate::project::collect::ProjectError;
use crate::project::input::InputError;
use crate::project::pack::PackError;
use crate::renderers::cloud::ledger::LedgerError;
use crate::renderers::lambda::LambdaError;
use crate::ui::counted;

/// A command's failure.
#[derive(Debug)]
pub(crate) enum Error {
    /// The command line makes no sense.
    Usage {
        /// What is wrong.
        message: String,
        /// What to do about it.
        help: Option<String>,
    },
    /// A JSON input is of no use.
    Input(InputError),
    /// The directory is no project.
    Project(ProjectError),
    /// The checks found errors: nothing was uploaded, nothing is billed.
    Preflight(Findings),
    /// `check` found errors, and has told them.
    Checked {
        /// How many.
        errors: usize,
    },
    /// The configuration is of no use.
    Config(ConfigError),
    /// What changed is not known.
    Changes(ChangesError),
    /// The archive could not be made.
    Pack(PackError),
    /// The archive is larger than the API takes.
    TooLarge {
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
        /// The largest files, as lines.
        largest: Vec<String>,
    },
    /// There is nowhere to write the video to.
    Target(TargetError),
    /// The video could not be put in place.
    Output(String),
    /// The API's base URL is not usable.
    Base(InvalidBase),
    /// A credential was set and cannot be used.
    Credential(CredentialError),
    /// No credential where one is needed.
    NoCredential,
    /// Nobody is signed in.
    SignIn(SignInError),
    /// A single call failed.
    Call(CallError),
    /// A render job failed.
    Job(Box<Failure>),
    /// The local engine failed.
    Engine(EngineError),
    /// Lambda, or the way there, failed.
    Lambda(LambdaError),
    /// The emulator did not start.
    Emulator(EmulatorError),
    /// The user said no.
    Declined,
    /// The action failed.
    Action(ActionError),
    /// Rows of a batch are of no use: how many, and the first of them in words.
    Rows {
        /// How many.
        count: u64,
        /// The first of them, as lines.
        first: Vec<String>,
    },
    /// Rows of a batch came to nothing: how many of how many.
    Batch {
        /// How many.
        failed: u64,
        /// Of how many.
        rows: u64,
    },
    /// Entries of the configuration came to nothing.
    Entries {
        /// How many.
        failed: usize,
        /// Of how many.
        of: usize,
        /// The exit code that stands for all of them.
        code: u8,
        /// Whether anything was rendered at all.
        began: bool,
    },
    /// The manifest of a batch is of no use.
    Manifest(ManifestError),
    /// The ledger is of no use.
    Ledger(LedgerError),
    /// The video is not as it was asked for: what is not, one sentence each.
    Mismatch(Vec<String>),
}

/// The exit codes; users' scripts depend on them.
mod exit {
    pub(super) const GENERAL: u8 = 1;
    pub(super) const USAGE: u8 = 2;
    pub(super) const AUTH: u8 = 3;
    pub(super) const TIMEOUT: u8 = 4;
    pub(super) const PREFLIGHT: u8 = 5;
    pub(super) const LIMIT: u8 = 6;
}

impl Error {
    /// A usage error with a remedy.
    pub(crate) fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), help: Some(help.into()) }
    }

    /// The process's exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } | Self::Input(_) | Self::Base(_) | Self::Declined => exit::USAGE,
            Self::Project(ProjectError::Missing(_) | ProjectError::NotADirectory(_)) => exit::USAGE,
            Self::Target(_) | Self::Config(_) | Self::Changes(_) | Self::Ledger(_) => exit::USAGE,
            Self::Preflight(_) | Self::Checked { .. } | Self::TooLarge { .. } | Self::Rows { .. } => {
                exit::PREFLIGHT
            }
            Self::Manifest(_) => exit::USAGE,
            Self::Entries { code, .. } => *code,
            Self::Action(ActionError::NoHost) => exit::USAGE,
            Self::Action(ActionError::Failed { is_limit: true, .. }) => exit::LIMIT,
            Self::Action(ActionError::Failed { films: 0, .. }) => exit::PREFLIGHT,
            Self::NoCredential | Self::Credential(_) => exit::AUTH,
            Self::SignIn(error) if error.is_usage() => exit::USAGE,
            Self::SignIn(error) if !error.is_transient() => exit::AUTH,
            Self::Lambda(error) => match error {
                LambdaError::Stack { .. } | LambdaError::Unsupported { .. } => exit::USAGE,
                LambdaError::Credentials(_) => exit::AUTH,
                LambdaError::TimedOut { .. } => exit::TIMEOUT,
                _ => exit::GENERAL,
            },
            _ if self.api_error().is_some_and(ApiError::is_authentication) => exit::AUTH,
            Self::Job(failure) => match failure.kind {
                FailureKind::TimedOut(_) => exit::TIMEOUT,
                FailureKind::Limit(_) => exit::LIMIT,
                _ => exit::GENERAL,
            },
            _ => exit::GENERAL,
        }
    }

    /// Stable identifier, for scripts.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Usage { .. } => "usage",
            Self::Input(error) => error.code(),
            Self::Project(error) => error.code(),
            Self::Preflight(_) | Self::Checked { .. } => "preflight_failed",
            Self::Config(error) => error.code(),
            Self::Changes(error) => error.code(),
            Self::Pack(error) => error.code(),
            Self::TooLarge { .. } => "archive_too_large",
            Self::Target(_) | Self::Output(_) => "output_not_writable",
            Self::Base(_) => "invalid_api_url",
            Self::Credential(error) => error.code(),
            Self::NoCredential => "not_authenticated",
            Self::SignIn(error) => error.code(),
            Self::Call(CallError::Api(error)) => &error.code,
            Self::Call(CallError::Malformed(_)) => "malformed_response",
            Self::Call(CallError::Unreachable(_)) => "network_error",
            Self::Job(failure) => failure.code(),
            Self::Engine(error) => error.code(),
            Self::Lambda(error) => error.code(),
            Self::Emulator(error) => error.code(),
            Self::Declined => "declined",
            Self::Rows { .. } => "invalid_rows",
            Self::Batch { .. } => "batch_failed",
            Self::Entries { .. } => "entries_failed",
            Self::Manifest(_) => "manifest_not_usable",
            Self::Action(ActionError::NoHost) => "no_host",
            Self::Action(ActionError::Host(error)) => error.code(),
            Self::Action(ActionError::Failed { .. }) => "action_failed",
            Self::Ledger(_) => "ledger_not_usable",
            Self::Mismatch(_) => "output_mismatch",
        }
    }

    /// What to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::Usage { help, .. } => help.clone(),
            Self::Input(error) => Some(error.help()),
            Self::Project(error) => Some(error.help().to_owned()),
            Self::Preflight(_) => Some("nothing was uploaded and nothing is billed".to_owned()),
            Self::Checked { .. } => Some("`hyperframes-ci check --explain CODE` says more about each".to_owned()),
            Self::Config(error) => error.help(),
            Self::Changes(error) => Some(error.help().to_owned()),
            Self::Pack(error) => Some(error.help().to_owned()),
            Self::TooLarge { .. } => {
                Some("leave out what the video does not need with .hyperframesignore".to_owned())
            }
            Self::Target(error) => Some(error.help().to_owned()),
            Self::Output(_) => Some("check the free space, or choose another path with -o".to_owned()),
            Self::Base(_) => Some(InvalidBase::HELP.to_owned()),
            Self::Credential(error) => Some(error.help()),
            Self::NoCredential => Some(
                "set HEYGEN_API_KEY (in GitHub Actions, from a secret), run `hyperframes-ci auth login`, or render without an \
                 account with --renderer local"
                    .to_owned(),
            ),
            Self::SignIn(error) => error.help(),
            Self::Call(CallError::Api(error)) => error.help().map(str::to_owned),
            Self::Call(_) => Some("check the network, HEYGEN_API_URL and the proxy settings".to_owned()),
            Self::Job(failure) => match (failure.help(), resume_command(failure)) {
                (Some(help), Some(resume)) => Some(format!("{help}; then go on with `{resume}`")),
                (None, Some(resume)) => Some(format!("go on with `{resume}`")),
                (help, None) => help.map(str::to_owned),
            },
            Self::Engine(error) => error.help(),
            Self::Lambda(error) => error.help(),
            Self::Emulator(error) => error.help(),
            Self::Declined => None,
            Self::Rows { .. } => {
                Some("nothing was uploaded and nothing is billed; --keep-going renders the others".to_owned())
            }
            Self::Batch { .. } => Some(
                "the same command goes on with what is missing; --retry-failed tries those that failed again".to_owned(),
            ),
            Self::Entries { began: true, .. } => Some("the same command goes on with what is missing".to_owned()),
            Self::Entries { .. } => Some("nothing was uploaded and nothing is billed".to_owned()),
            Self::Manifest(_) => Some("name a file that can be written with --manifest".to_owned()),
            Self::Action(ActionError::NoHost) => {
                Some("`hyperframes-ci render` and `hyperframes-ci check` work anywhere".to_owned())
            }
            Self::Action(ActionError::Host(error)) => error.help(),
            Self::Action(ActionError::Failed { .. }) => {
                Some("the summary and report.json say more about each; the input fail-on decides".to_owned())
            }
            Self::Ledger(_) => Some(LedgerError::HELP.to_owned()),
            Self::Mismatch(_) => Some("the video was kept; without --verify this is a warning".to_owned()),
        }
    }

    /// Whether a render lives on that was not waited for long enough.
    pub(crate) fn is_timeout(&self) -> bool {
        self.exit_code() == exit::TIMEOUT
    }

    /// The API's answer, where that is what failed.
    fn api_error(&self) -> Option<&ApiError> {
        match self {
            Self::Call(CallError::Api(error)) => Some(error),
            Self::Job(failure) => failure.api_error(),
            _ => None,
        }
    }

    /// The envelope that scripts read from standard error: `{"error": {…}}`.
    pub(crate) fn to_json(&self) -> Value {
        let mut error = Map::new();
        error.insert("code".to_owned(), self.code().into());
        error.insert("message".to_owned(), self.to_string().into());
        error.extend(self.help().map(|help| ("hint".to_owned(), help.into())));
        if let Some(api) = self.api_error() {
            let fields = [("param", &api.param), ("doc_url", &api.doc_url), ("request_id", &api.request_id)];
            for (name, value) in fields {
                error.extend(value.clone().map(|value| (name.to_owned(), value.into())));
            }
        }
        if let Self::Job(failure) = self {
            error.extend(failure.render_id.clone().map(|id| ("render_id".to_owned(), id.into())));
        }
        if let Self::Preflight(findings) = self {
            error.insert("diagnostics".to_owned(), serde_json::json!(findings.diagnostics));
        }
        serde_json::json!({ "error": error })
    }
}

/// The command that polls and downloads a render that lives on.
pub(crate) fn resume_command(failure: &Failure) -> Option<String> {
    let render_id = failure.render_id.as_ref().filter(|_| failure.is_resumable())?;
    Some(format!("hyperframes-ci get {render_id} --wait"))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage { message, .. } | Self::Output(message) => f.write_str(message),
            Self::Input(error) => error.fmt(f),
            Self::Project(error) => error.fmt(f),
            Self::Preflight(findings) => found(findings.count(Severity::Error), f),
            Self::Checked { errors } => found(*errors, f),
            Self::Config(error) => error.fmt(f),
            Self::Changes(error) => error.fmt(f),
            Self::Pack(error) => error.fmt(f),
            Self::TooLarge { size, limit, largest } => {
                let (size, limit) = (crate::ui::bytes(*size), crate::ui::bytes(*limit));
                write!(
                    f,
                    "the archive is too large: {size}, and the limit is {limit}; its largest files are"
                )?;
                largest.iter().try_for_each(|line| write!(f, "\n  {line}"))
            }
            Self::Target(error) => error.fmt(f),
            Self::Base(error) => error.fmt(f),
            Self::Credential(error) => error.fmt(f),
            Self::SignIn(error) => error.fmt(f),
            Self::NoCredential => f.write_str("there is no credential for the HeyGen API"),
            Self::Call(CallError::Api(error)) => error.fmt(f),
            Self::Call(CallError::Malformed(message)) => f.write_str(message),
            Self::Call(CallError::Unreachable(message)) => write!(f, "the API gave no answer: {message}"),
            Self::Job(failure) => failure.fmt(f),
            Self::Engine(error) => error.fmt(f),
            Self::Lambda(error) => error.fmt(f),
            Self::Emulator(error) => error.fmt(f),
            Self::Declined => f.write_str("nothing was deleted"),
            Self::Rows { count, first } => {
                write!(f, "{} of no use", counted(usize::try_from(*count).unwrap_or(usize::MAX), "row"))?;
                first.iter().try_for_each(|line| write!(f, "\n  {line}"))
            }
            Self::Batch { failed, rows } => write!(f, "{failed} of {rows} rows failed"),
            Self::Entries { failed, of, .. } => write!(f, "{failed} of {} failed", counted(*of, "entry")),
            Self::Manifest(error) => error.fmt(f),
            Self::Action(error) => error.fmt(f),
            Self::Ledger(error) => error.fmt(f),
            Self::Mismatch(mismatches) => {
                write!(f, "the video is not as it was asked for: {}", mismatches.join("; "))
            }
        }
    }
}

fn found(errors: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "the checks found {}", counted(errors, "error"))
}

macro_rules! from {
    ($($source:ty => $variant:ident),+ $(,)?) => {
        $(impl From<$source> for Error {
            fn from(error: $source) -> Self {
                Self::$variant(error)
            }
        })+
    };
}

from! {
    InputError => Input,
    ProjectError => Project,
    PackError => Pack,
    ConfigError => Config,
    ChangesError => Changes,
    TargetError => Target,
    InvalidBase => Base,
    CredentialError => Credential,
    SignInError => SignIn,
    CallError => Call,
    Box<Failure> => Job,
    EngineError => Engine,
    LambdaError => Lambda,
    EmulatorError => Emulator,
    LedgerError => Ledger,
    ActionError => Action,
    ManifestError => Manifest,
}
