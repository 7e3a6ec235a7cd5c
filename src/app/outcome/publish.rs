//! Outcome of `publish`.

use hyperframes_ci_core::findings::Diagnostic;
use schemars::JsonSchema;
use serde::Serialize;

use super::parts;

/// A published project.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct PublishOutcome {
    /// ID of the project.
    pub(crate) project_id: String,
    /// Title of the project.
    pub(crate) title: String,
    /// URL at which the project is played. It is not a secret: a private project requires a sign-in.
    pub(crate) url: String,
    /// Whether a project that was published before was updated.
    pub(crate) updated: bool,
    /// Whether the project was requested to be public.
    pub(crate) public: bool,
    /// Number of files that the server has.
    pub(crate) file_count: u64,
    /// Digest of the manifest.
    pub(crate) digest: String,
    /// Size of the archive in bytes.
    pub(crate) size_bytes: u64,
    /// Warnings and notes.
    #[schemars(schema_with = "parts::diagnostics")]
    pub(crate) diagnostics: Vec<Diagnostic>,
}
