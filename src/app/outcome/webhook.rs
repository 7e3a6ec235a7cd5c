//! Outcomes of `webhook`.

use schemars::JsonSchema;
use serde::Serialize;

/// A webhook whose signature and time are valid.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct WebhookOutcome {
    /// Identifier of the event: that of the signed body, otherwise that of the header.
    pub(crate) event_id: Option<String>,
    /// Type of the event, such as `hyperframes_video.success`.
    pub(crate) event_type: String,
    /// `success` or `fail`; null for events of another kind.
    pub(crate) end: Option<WebhookEnd>,
    /// ID of the render, the clip or the translation.
    pub(crate) resource_id: Option<String>,
    /// Identifier that the job was submitted with (`--callback-id`).
    pub(crate) callback_id: Option<String>,
    /// URL of the result, without its query unless `--show-urls` is set.
    pub(crate) url: Option<String>,
    /// Reason of a failure.
    pub(crate) message: Option<String>,
    /// Time of the delivery, in seconds since 1970.
    pub(crate) timestamp: i64,
    /// SHA-256 of the body.
    pub(crate) body_sha256: String,
}

/// How a job has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WebhookEnd {
    /// It has a result.
    Success,
    /// It has failed.
    Fail,
}

/// A line of `webhook listen`: its address first, then one line for each webhook.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum WebhookListenOutcome {
    /// It listens.
    Listening(ListeningOutcome),
    /// A webhook was received.
    Delivery(DeliveryOutcome),
}

/// The address of `webhook listen`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct ListeningOutcome {
    /// URL on loopback.
    pub(crate) url: String,
}

/// The result of a webhook.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DeliveryOutcome {
    /// `handled`, `failed` or `refused`.
    pub(crate) state: DeliveryState,
    /// Error code of a webhook that is refused, such as `webhook_repeated`.
    pub(crate) code: Option<String>,
    /// The event; null for a webhook that is refused.
    pub(crate) event: Option<WebhookOutcome>,
    /// Exit code of the command; null if it was not started or was ended by a signal.
    pub(crate) exit_code: Option<i32>,
}

/// Whether a webhook was handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeliveryState {
    /// The command succeeded.
    Handled,
    /// The command failed; the event will be delivered again.
    Failed,
    /// The command was not started.
    Refused,
}

impl DeliveryOutcome {
    /// Returns the outcome of a webhook that is refused.
    pub(crate) fn refused(code: &str) -> Self {
        Self { state: DeliveryState::Refused, code: Some(code.to_owned()), event: None, exit_code: None }
    }
}
