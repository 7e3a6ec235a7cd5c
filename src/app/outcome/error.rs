//! The JSON envelope of errors.

use hyperframes_ci_core::findings::Diagnostic;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::parts;
use crate::fault::Error;

/// An error, as printed to standard error with `--json`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct ErrorOutcome {
    /// The error.
    #[schemars(with = "ErrorView")]
    pub(crate) error: Value,
}

/// The error and its details.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct ErrorView {
    /// Stable identifier of the error.
    code: String,
    /// Description of the error.
    message: String,
    /// Suggested remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// Parameter of the API request that caused the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<String>,
    /// URL of the API documentation.
    #[serde(skip_serializing_if = "Option::is_none")]
    doc_url: Option<String>,
    /// Request ID of the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// ID of the render.
    #[serde(skip_serializing_if = "Option::is_none")]
    render_id: Option<String>,
    /// What a render on this machine has shown, with `--diagnose`.
    #[serde(skip_serializing_if = "Option::is_none")]
    diagnosis: Option<DiagnosisView>,
    /// The findings that are the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "parts::optional_diagnostics")]
    diagnostics: Option<Vec<Diagnostic>>,
}

/// What came of a render on this machine.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DiagnosisView {
    /// Whether the same project renders on this machine.
    renders_locally: bool,
    /// How it fails on this machine; null if it renders.
    message: Option<String>,
}

impl From<&Error> for ErrorOutcome {
    fn from(error: &Error) -> Self {
        let mut envelope = error.to_json();
        Self { error: envelope["error"].take() }
    }
}
