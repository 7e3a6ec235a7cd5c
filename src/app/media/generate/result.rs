//! Why an entry has no media, and what is told about each.

use hyperframes_ci_core::api::ApiError;
use hyperframes_ci_core::job::Refusal;

use super::entry::Task;
use super::voices;
use crate::app::outcome::{GeneratedMedia, GenerationState};
use crate::fault::{Error, Exit};
use crate::ui::{Console, plain};

/// Codes of errors that apply to all clips of an account.
const ACCOUNT_WIDE: &[&str] = &["insufficient_credit", "plan_upgrade_required", "quota_exceeded", "http_402"];

/// Returns what to do about an error of the API, where media differ from renders.
fn help_of(code: &str) -> Option<&'static str> {
    match code {
        "voice_not_found" | "voice_not_usable" => Some(voices::HELP),
        "forbidden" | "resource_access_denied" => {
            Some("use the API key of an account that may use this voice, avatar or endpoint")
        }
        code if ACCOUNT_WIDE.contains(&code) => Some(
            "add credit to the HeyGen account, or change its plan, and run the same command again; `hyperframes-ci quota` shows the balance",
        ),
        _ => None,
    }
}

/// Why an entry has no media.
pub(super) enum Problem {
    /// The API refused the request.
    Refused(Box<ApiError>),
    /// The API did not take the request.
    NotTaken(String),
    /// The request may have been billed.
    Unconfirmed(String),
    /// A limit forbids the request.
    Limited(Refusal),
    /// The media is paid for, and its files could not be written.
    NotSaved { message: String, help: &'static str },
    /// A clip was not made; `is_paid` if it may still be.
    Clip { error: Error, is_paid: bool },
    /// Anything else; nothing was requested.
    Failed(Error),
    /// The entry has changed since the run began; nothing was requested.
    Changed(String),
    /// The catalogue does not have the sound.
    NoSound(String),
    /// The audio of a clip was not generated.
    NoAudio(String),
    /// Nothing is requested after an error that applies to all entries.
    Skipped,
}

impl Problem {
    /// Returns whether it applies to all entries.
    pub(super) fn is_for_all(&self) -> bool {
        match self {
            Self::Refused(error) => error.is_account_wide(),
            Self::Clip { error, is_paid } => {
                !is_paid
                    && (matches!(error.exit(), Exit::Auth | Exit::Limit)
                        || ACCOUNT_WIDE.contains(&error.code()))
            }
            Self::Failed(_) | Self::Limited(_) => true,
            _ => false,
        }
    }

    pub(super) fn result(self, task: &Task) -> GeneratedMedia {
        let with = |status, message: String, help: Option<String>| GeneratedMedia {
            message: Some(message),
            help,
            seconds: 0.0,
            usd: 0.0,
            ..task.result(status)
        };
        let failed =
            |message: String, help: &str| with(GenerationState::Failed, message, Some(help.to_owned()));
        match self {
            Self::Refused(error) => GeneratedMedia {
                http_status: Some(error.status),
                ..with(
                    GenerationState::Failed,
                    error.to_string(),
                    help_of(&error.code).or(error.help()).map(str::to_owned),
                )
            },
            Self::NotTaken(message) => failed(
                format!("the request was not taken: {message}"),
                "nothing was billed; run the same command again",
            ),
            Self::Unconfirmed(message) => GeneratedMedia {
                seconds: 0.0,
                message: Some(format!(
                    "the answer was lost, and the request may have been billed: {message}"
                )),
                ..task.unconfirmed()
            },
            Self::Limited(refusal) => GeneratedMedia {
                code: Some(refusal.code()),
                ..with(GenerationState::Limited, refusal.to_string(), None)
            },
            Self::NotSaved { message, help } => {
                with(GenerationState::NotSaved, message, Some(help.to_owned()))
            }
            Self::Clip { error, is_paid } => {
                let noun = if task.entry.translation().is_some() { "translation" } else { "clip" };
                let (status, help) = match (is_paid, error.code()) {
                    (true, _) => (
                        GenerationState::NotSaved,
                        Some(format!("run the same command again, which resumes the same {noun}")),
                    ),
                    (false, _) if error.exit() == Exit::Limit => (GenerationState::Limited, error.help()),
                    (false, "render_failed") => (
                        GenerationState::Failed,
                        Some(format!(
                            "failed {noun}s are not billed; correct the entry, or run the same command again"
                        )),
                    ),
                    (false, "network_error" | "malformed_response" | "timeout") => (
                        GenerationState::Failed,
                        Some(format!(
                            "run the same command again; a {noun} that was submitted is found, and not billed again"
                        )),
                    ),
                    (false, code) => {
                        (GenerationState::Failed, help_of(code).map(str::to_owned).or_else(|| error.help()))
                    }
                };
                GeneratedMedia { exit: Some(error.exit()), ..with(status, error.to_string(), help) }
            }
            Self::Failed(error) => GeneratedMedia {
                exit: Some(error.exit()),
                ..with(GenerationState::Failed, error.to_string(), error.help())
            },
            Self::Changed(message) => failed(
                format!("the entry has changed meanwhile: {message}"),
                "nothing was requested for it; run the same command again",
            ),
            Self::NoSound(id) => failed(
                format!("the catalogue has no sound {} for this query", plain(&id)),
                "set `query` to the words that `hyperframes-ci media list sounds` finds it by",
            ),
            Self::NoAudio(file) => {
                with(GenerationState::Skipped, format!("its audio {} was not generated", plain(&file)), None)
            }
            Self::Skipped => with(
                GenerationState::Skipped,
                "not requested after an error that applies to all entries".to_owned(),
                None,
            ),
        }
    }
}

/// Prints the result of an entry.
pub(super) fn report(media: &GeneratedMedia, console: &mut Console) {
    let file = plain(&media.file);
    match media.status {
        GenerationState::Current | GenerationState::Planned | GenerationState::Waiting => {}
        GenerationState::Generated => {
            console.done(&format!("{file}: {:.1} s, ${:.4}", media.seconds, media.usd));
        }
        GenerationState::Recovered => {
            console.done(&format!("{file}: {:.1} s, paid for by an earlier run", media.seconds));
        }
        _ => {
            let message = media.message.as_deref().unwrap_or(media.status.as_str());
            console.not_done(&format!("{file}: {message}"));
            if let Some(help) = &media.help {
                console.detail(&format!("help: {help}"));
            }
        }
    }
}
