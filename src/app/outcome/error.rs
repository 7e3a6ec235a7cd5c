//! The JSON envelope of errors.

use hyperframes_ci_core::findings::Diagnostic;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::parts;
use crate::fault::Error;

/// A failure: what standard error has with `--json`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct ErrorOutcome {
    /// The error.
    #[schemars(with = "ErrorView")]
    pub(crate) error: Value,
}

/// See [`ErrorOutcome`].
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct ErrorView {
    /// Stable identifier.
    code: String,
    /// What happened.
    message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// The member of the request that is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<String>,
    /// Where the API's documentation has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    doc_url: Option<String>,
    /// The API's id of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// The render that exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    render_id: Option<String>,
    /// The findings that are the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "parts::optional_diagnostics")]
    diagnostics: Option<Vec<Diagnostic>>,
}

impl From<&Error> for ErrorOutcome {
    fn from(error: &Error) -> Self {
        let mut envelope = error.to_json();
        Self { error: envelope["error"].take() }
    }
}
