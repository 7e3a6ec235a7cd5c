//! Scripted faults.
//!
//! A script is JSON: `{"rules": [{"on": "submit", "after": 1, "times": 2, "do": {"status": 503}}]}`. A rule skips
//! `after` requests of its step (0 by default), then acts on `times` of them (1 by default). Actions:
//!
//! | `do` | effect |
//! |---|---|
//! | `{"status": 503, "code": "…", "retry_after": "2", "body": "…", "content_type": "…"}` | this reply; the request is not processed |
//! | `{"delay_ms": 500}` | the request is processed after this time |
//! | `{"work_ms": 500}` | the request takes this time to be processed; its idempotency key is in progress meanwhile |
//! | `"ignore_key"` | the request is processed as if it had no idempotency key |
//! | `"drop_before"` | the connection is closed; the request is not processed |
//! | `"drop_after"` | the request is processed, and the connection is closed |
//! | `{"truncate": 100}` | the connection is closed after 100 bytes of the reply's body |
//! | `"stall_before"` | no reply, and the connection stays open; the request is not processed |
//! | `"stall_after"` | the request is processed; no reply, and the connection stays open |
//! | `{"stall": 100}` | nothing after 100 bytes of the reply's body, and the connection stays open |
//! | `{"refuse_ms": 500}` | the connection is closed, the request is not processed, and new connections are refused for this time |
//! | `"bad_host"` | the presigned URLs in the reply name a host that does not exist |
//! | `"expire"` | the presigned URL counts as expired |
//! | `"html"` | a proxy's page with status 200; the request is not processed |
//! | `{"fail": "no fonts"}` | on `render`, `make_video` and `translate` only: it fails with this message |

use std::path::Path;
use std::time::Duration;

use hyperframes_ci_core::lang::json::describe;
use serde::Deserialize;

use super::envelopes;
use super::error::EmulatorError;
use super::server::{Content, Ending, Reply, Request};
use crate::system::gate::{self, Reach, limit};

/// A step of a render's flow, as scripts name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    /// `POST /v3/assets/direct-uploads`
    CreateUpload,
    /// The presigned PUT.
    Put,
    /// `POST /v3/assets/{id}/complete`
    Complete,
    /// `POST /v3/assets`
    ProxyUpload,
    /// `POST /v3/hyperframes/renders`
    Submit,
    /// `GET /v3/hyperframes/renders/{id}`
    Poll,
    /// `GET /v3/hyperframes/renders`
    List,
    /// `DELETE /v3/hyperframes/renders/{id}`
    Delete,
    /// A presigned GET.
    Download,
    /// `GET /v3/users/me`
    Me,
    /// `GET /v3/voices` and `GET /v3/voices/{id}`
    Voices,
    /// `POST /v3/voices/speech`
    Speech,
    /// `GET /v3/avatars`, `GET /v3/avatars/looks` and `GET /v3/avatars/looks/{id}`
    Avatars,
    /// `GET /v3/audio/sounds`
    Sounds,
    /// `GET /v3/video-translations/languages`
    Languages,
    /// `POST /v3/videos`
    SubmitVideo,
    /// `GET /v3/videos/{id}`
    PollVideo,
    /// `GET /v3/videos`
    ListVideos,
    /// `POST /v3/video-translations`
    SubmitTranslation,
    /// `GET /v3/video-translations/{id}`
    PollTranslation,
    /// `GET /v3/video-translations`
    ListTranslations,
    /// `/v3/webhooks/endpoints` and `GET /v3/webhooks/events`
    Webhooks,
    /// `POST /v1/hyperframes/projects/publish/upload`
    PublishUpload,
    /// `POST /v1/hyperframes/projects/publish/complete`
    Publish,
    /// Not a request: the worker renders the video.
    Render,
    /// Not a request: the worker makes the presenter clip.
    MakeVideo,
    /// Not a request: the worker translates the video.
    Translate,
}

/// Faults to inject: the first rule that applies to a request acts on it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Script {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    on: Step,
    #[serde(default)]
    after: u32,
    #[serde(default = "one")]
    times: u32,
    #[serde(rename = "do")]
    action: Action,
}

fn one() -> u32 {
    1
}

/// The effect of a rule; see the table of this module.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Action {
    Named(NamedAction),
    Status(ScriptedReply),
    Delay { delay_ms: u64 },
    Work { work_ms: u64 },
    Truncate { truncate: u64 },
    Stall { stall: u64 },
    Refuse { refuse_ms: u64 },
    Fail { fail: String },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum NamedAction {
    DropBefore,
    DropAfter,
    StallBefore,
    StallAfter,
    BadHost,
    Expire,
    Html,
    IgnoreKey,
}

#[derive(Clone, Debug, Deserialize)]
struct ScriptedReply {
    status: u16,
    code: Option<String>,
    retry_after: Option<String>,
    body: Option<String>,
    content_type: Option<String>,
}

impl Script {
    /// Reads a script from a file.
    ///
    /// # Errors
    /// Returns [`EmulatorError::Script`] if the file cannot be read or is invalid.
    pub(crate) fn read(path: &Path) -> Result<Self, EmulatorError> {
        let text = gate::read_text_or_pipe(path, &Reach::anywhere(), limit::VALUES)
            .map_err(|error| EmulatorError::Script(format!("cannot read {}: {error}", path.display())))?;
        Self::parse(&text)
    }

    /// Parses a script.
    ///
    /// # Errors
    /// Returns [`EmulatorError::Script`] if it is not valid JSON of the documented form.
    pub(super) fn parse(text: &str) -> Result<Self, EmulatorError> {
        serde_json::from_str(text).map_err(|error| EmulatorError::Script(describe(&error)))
    }

    /// Returns the effect on the next request of `step`, and counts the request.
    pub(super) fn next(&mut self, step: Step) -> Effect {
        for rule in self.rules.iter_mut().filter(|rule| rule.on == step && rule.times > 0) {
            if rule.after > 0 {
                rule.after -= 1;
                continue;
            }
            rule.times -= 1;
            return rule.action.effect();
        }
        Effect::None
    }
}

/// The effect of a fault on one request.
pub(super) enum Effect {
    /// The request is processed as usual.
    None,
    /// The request is not processed; this is the reply.
    Replace(Reply),
    /// The request is processed, and the reply ends like this.
    EndWith(Ending),
    /// The request is processed after this time.
    Delay(Duration),
    /// The request takes this time to be processed.
    Work(Duration),
    /// The request is processed without its idempotency key.
    IgnoreKey,
    /// The request is processed, and presigned URLs in the reply name a host that does not exist.
    BadHost,
    /// The render fails with this message.
    FailRender(String),
}

impl Effect {
    /// Changes the request if the effect concerns its processing.
    pub(super) fn prepare(&self, request: &mut Request) {
        match self {
            Self::Work(work) => request.work = *work,
            Self::IgnoreKey => request.headers.retain(|(name, _)| name != "idempotency-key"),
            _ => {}
        }
    }

    /// Returns the reply; `process` processes the request, and `storage_url` is the base of presigned URLs.
    pub(super) fn apply(self, storage_url: &str, process: impl FnOnce() -> Reply) -> Reply {
        match self {
            // Only the worker fails renders; the other two are in the request.
            Self::None | Self::FailRender(_) | Self::Work(_) | Self::IgnoreKey => process(),
            Self::Replace(reply) => reply,
            Self::EndWith(ending) => Reply { ending, ..process() },
            Self::Delay(delay) => {
                std::thread::sleep(delay);
                process()
            }
            Self::BadHost => {
                let mut reply = process();
                if let Content::Bytes(bytes) = &mut reply.content {
                    let text = String::from_utf8_lossy(bytes);
                    *bytes = text.replace(storage_url, "http://storage.unknown.invalid").into_bytes();
                }
                reply
            }
        }
    }
}

impl Action {
    fn effect(&self) -> Effect {
        match self {
            Self::Named(NamedAction::DropBefore) => Effect::Replace(Reply::unsent(Ending::Disconnect)),
            Self::Named(NamedAction::DropAfter) => Effect::EndWith(Ending::Disconnect),
            Self::Named(NamedAction::StallBefore) => Effect::Replace(Reply::unsent(Ending::Stall)),
            Self::Named(NamedAction::StallAfter) => Effect::EndWith(Ending::Stall),
            Self::Named(NamedAction::BadHost) => Effect::BadHost,
            Self::Named(NamedAction::Expire) => Effect::Replace(envelopes::url_expired()),
            Self::Named(NamedAction::Html) => {
                let page = "<!doctype html><title>Sign in</title><p>Please sign in to this network.</p>";
                Effect::Replace(Reply::new(200, "text/html", page))
            }
            Self::Status(scripted) => Effect::Replace(scripted.reply()),
            Self::Named(NamedAction::IgnoreKey) => Effect::IgnoreKey,
            Self::Work { work_ms } => Effect::Work(Duration::from_millis(*work_ms)),
            Self::Delay { delay_ms } => Effect::Delay(Duration::from_millis(*delay_ms)),
            Self::Truncate { truncate } => Effect::EndWith(Ending::DisconnectAfter(*truncate)),
            Self::Stall { stall } => Effect::EndWith(Ending::StallAfter(*stall)),
            Self::Fail { fail } => Effect::FailRender(fail.clone()),
            Self::Refuse { refuse_ms } => {
                Effect::Replace(Reply::unsent(Ending::Refuse(Duration::from_millis(*refuse_ms))))
            }
        }
    }
}

impl ScriptedReply {
    fn reply(&self) -> Reply {
        let code = self.code.clone().unwrap_or_else(|| match self.status {
            429 => "rate_limit_exceeded".to_owned(),
            status => format!("scripted_{status}"),
        });
        let mut reply = match &self.body {
            Some(body) => {
                Reply::new(self.status, self.content_type.as_deref().unwrap_or("text/plain"), body.clone())
            }
            None => envelopes::error(self.status, &code, "fault injected by the emulator script", None),
        };
        if let Some(retry_after) = &self.retry_after {
            reply = reply.header("retry-after", retry_after.clone());
        }
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_count_the_requests_of_their_step() {
        let mut script = Script::parse(
            r#"{"rules": [{"on": "submit", "after": 1, "times": 2, "do": {"status": 503}}, {"on": "poll", "do": "drop_before"}]}"#,
        )
        .expect("a script");
        let mut applies = |step| !matches!(script.next(step), Effect::None);
        assert_eq!([Step::Submit; 4].map(&mut applies), [false, true, true, false]);
        assert_eq!([Step::Poll; 2].map(&mut applies), [true, false]);
    }

    #[test]
    fn invalid_scripts_are_errors() {
        for bad in
            ["", "[]", r#"{"rules":[{"on":"lunch","do":"html"}]}"#, r#"{"rules":[{"on":"put","do":"burn"}]}"#]
        {
            assert!(Script::parse(bad).is_err(), "{bad}");
        }
    }
}
