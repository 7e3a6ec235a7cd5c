//! Faults on request.
//!
//! A script is JSON: `{"rules": [{"on": "submit", "after": 1, "times": 2, "do": {"status": 503}}]}`. A rule skips
//! `after` requests of its step (0 by default), then acts on `times` of them (1 by default). What it can do:
//!
//! | `do` | what happens |
//! |---|---|
//! | `{"status": 503, "code": "…", "retry_after": "2", "body": "…", "content_type": "…"}` | this answer; nothing is done |
//! | `{"delay_ms": 500}` | the answer comes later |
//! | `"drop_before"` | the connection is cut; nothing is done |
//! | `"drop_after"` | the work is done and the connection is cut |
//! | `{"truncate": 100}` | the answer is cut after 100 bytes of its body |
//! | `"stall_before"` | no answer ever, and the connection stays; nothing is done |
//! | `"stall_after"` | the work is done; no answer ever, and the connection stays |
//! | `{"stall": 100}` | nothing more comes after 100 bytes of the answer's body, and the connection stays |
//! | `{"refuse_ms": 500}` | the connection is cut, nothing is done, and connections are refused for so long |
//! | `"bad_host"` | the presigned URLs in the answer lead to a host that does not exist |
//! | `"expire"` | the presigned URL counts as expired |
//! | `"html"` | a proxy's page with status 200; nothing is done |
//! | `{"fail": "no fonts"}` | on `render` only: the render fails with this message |

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::EmulatorError;
use super::server::{Content, Ending, Reply};

/// A step of the flow, as scripts name it.
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
    /// No request: the work on a render.
    Render,
}

/// Faults, in the order in which they are looked at.
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
    #[serde(default = "once")]
    times: u32,
    r#do: Fault,
}

fn once() -> u32 {
    1
}

/// What a rule does.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Named {
    DropBefore,
    DropAfter,
    StallBefore,
    StallAfter,
    BadHost,
    Expire,
    Html,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Fault {
    Named(Named),
    Status(Answer),
    Delay { delay_ms: u64 },
    Truncate { truncate: u64 },
    Stall { stall: u64 },
    Refuse { refuse_ms: u64 },
    Fail { fail: String },
}

#[derive(Clone, Debug, Deserialize)]
struct Answer {
    status: u16,
    code: Option<String>,
    retry_after: Option<String>,
    body: Option<String>,
    content_type: Option<String>,
}

/// What a fault means for the request at hand.
pub(super) enum Effect {
    /// None.
    Go,
    /// Answer this at once.
    Instead(Reply),
    /// Do the work and end the answer so.
    Ending(Ending),
    /// Wait, then do the work.
    Delay(Duration),
    /// Do the work and send whoever reads the answer nowhere.
    BadHost,
    /// The render fails, with this message.
    Fail(String),
}

impl Effect {
    /// The answer, with `work` done or not; `storage` is the base of presigned URLs.
    pub(super) fn play(self, storage: &str, work: impl FnOnce() -> Reply) -> Reply {
        match self {
            // A render fails on its own; see `renders`.
            Self::Go | Self::Fail(_) => work(),
            Self::Instead(reply) => reply,
            Self::Ending(ending) => Reply { ending, ..work() },
            Self::Delay(delay) => {
                std::thread::sleep(delay);
                work()
            }
            Self::BadHost => {
                let mut reply = work();
                if let Content::Bytes(bytes) = &mut reply.content {
                    let text = String::from_utf8_lossy(bytes);
                    *bytes = text.replace(storage, "http://storage.unknown.invalid").into_bytes();
                }
                reply
            }
        }
    }
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// When it cannot be read or is not of the documented form.
    pub(crate) fn read(path: &Path) -> Result<Self, EmulatorError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| EmulatorError::Script(format!("cannot read {}: {error}", path.display())))?;
        Self::parse(&text)
    }

    /// Reads a script from its text.
    ///
    /// # Errors
    /// When it is not of the documented form.
    pub(super) fn parse(text: &str) -> Result<Self, EmulatorError> {
        serde_json::from_str(text).map_err(|error| EmulatorError::Script(error.to_string()))
    }

    /// The fault for the next request of `step`, which counts it.
    pub(super) fn next(&mut self, step: Step) -> Effect {
        for rule in self.rules.iter_mut().filter(|rule| rule.on == step && rule.times > 0) {
            if rule.after > 0 {
                rule.after -= 1;
                continue;
            }
            rule.times -= 1;
            return rule.r#do.effect();
        }
        Effect::Go
    }
}

impl Fault {
    fn effect(&self) -> Effect {
        match self {
            Self::Named(Named::DropBefore) => Effect::Instead(Reply::none(Ending::Cut)),
            Self::Named(Named::DropAfter) => Effect::Ending(Ending::Cut),
            Self::Named(Named::StallBefore) => Effect::Instead(Reply::none(Ending::Silence)),
            Self::Named(Named::StallAfter) => Effect::Ending(Ending::Silence),
            Self::Named(Named::BadHost) => Effect::BadHost,
            Self::Named(Named::Expire) => Effect::Instead(super::storage::expired()),
            Self::Named(Named::Html) => {
                let page = "<!doctype html><title>Sign in</title><p>Please sign in to this network.</p>";
                Effect::Instead(Reply::new(200, "text/html", page))
            }
            Self::Status(answer) => Effect::Instead(answer.reply()),
            Self::Delay { delay_ms } => Effect::Delay(Duration::from_millis(*delay_ms)),
            Self::Truncate { truncate } => Effect::Ending(Ending::CutAfter(*truncate)),
            Self::Stall { stall } => Effect::Ending(Ending::SilenceAfter(*stall)),
            Self::Fail { fail } => Effect::Fail(fail.clone()),
            Self::Refuse { refuse_ms } => {
                Effect::Instead(Reply::none(Ending::Refusal(Duration::from_millis(*refuse_ms))))
            }
        }
    }
}

impl Answer {
    fn reply(&self) -> Reply {
        let code = self.code.clone().unwrap_or_else(|| match self.status {
            429 => "rate_limit_exceeded".to_owned(),
            status => format!("scripted_{status}"),
        });
        let mut reply = match &self.body {
            Some(body) => {
                Reply::new(self.status, self.content_type.as_deref().unwrap_or("text/plain"), body.clone())
            }
            None => super::api::failure(self.status, &code, "a fault of the emulator's script", None),
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
        let mut acts = |step| !matches!(script.next(step), Effect::Go);
        assert_eq!([Step::Submit; 4].map(&mut acts), [false, true, true, false]);
        assert_eq!([Step::Poll; 2].map(&mut acts), [true, false]);
    }

    #[test]
    fn what_a_script_cannot_mean_is_an_error() {
        for bad in
            ["", "[]", r#"{"rules":[{"on":"lunch","do":"html"}]}"#, r#"{"rules":[{"on":"put","do":"burn"}]}"#]
        {
            assert!(Script::parse(bad).is_err(), "{bad}");
        }
    }
}
