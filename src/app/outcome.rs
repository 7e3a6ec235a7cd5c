//! Results of use cases: what `--json` prints, and what `schema output` describes.

use std::path::{Path, PathBuf};

use hyperframes_ci_core::api::RenderDetail;
use hyperframes_ci_core::findings::{Diagnostic, Findings, Severity};
use hyperframes_ci_core::video::Video;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::budget::Billed;
use super::failure::BatchFailed;
use super::schemas;
use crate::fault::Error;
use crate::renderers::verify::Mismatch;

/// What became of a render, or of many.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Outcome {
    /// One render.
    Render(Box<RenderOutcome>),
    /// Rows of a batch.
    Batch(Box<BatchOutcome>),
    /// A render that was only checked and packed.
    DryRun(Box<DryRunOutcome>),
}

impl Outcome {
    /// What was paid for.
    pub(crate) fn billed(&self) -> Billed {
        match self {
            Self::Render(render) => render.billed,
            Self::Batch(batch) => batch.results.as_ref().map(|results| results.billed).unwrap_or_default(),
            Self::DryRun(_) => Billed::default(),
        }
    }

    /// Where the video is, where there is one.
    pub(crate) fn video_path(&self) -> Option<&Path> {
        match self {
            Self::Render(render) => render.output_path.as_deref(),
            Self::Batch(_) | Self::DryRun(_) => None,
        }
    }

    /// Whether it is all that was asked for.
    ///
    /// # Errors
    /// Returns an error if the video is not as it must be, or rows have no video.
    pub(crate) fn verdict(&self) -> Result<(), Error> {
        match self {
            Self::Render(render) => render.mismatch.clone().map_or(Ok(()), |mismatch| Err(mismatch.into())),
            Self::Batch(batch) => Ok(batch.verdict()?),
            Self::DryRun(_) => Ok(()),
        }
    }
}

/// One render.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RenderOutcome {
    /// The render.
    pub(crate) render: RenderView,
    /// The uploaded archive, where there is one.
    pub(crate) asset_id: Option<String>,
    /// Whether an earlier run paid for it.
    pub(crate) reused: bool,
    /// The render key, with the generation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    /// Where the video is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output_path: Option<PathBuf>,
    /// Size of the video in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes_written: Option<u64>,
    /// What the video is, by its headers, and how it differs from what was asked for.
    #[serde(flatten)]
    pub(crate) video: Option<VideoOutcome>,
    /// What is known about a project that was packed.
    #[serde(flatten)]
    pub(crate) project: Option<ProjectOutcome>,
    /// What it cost in dollars, by the tooling's estimate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cost_usd: Option<f64>,
    /// How it was rendered, such as `rendered on the runner`.
    #[serde(skip)]
    pub(crate) label: &'static str,
    /// A presigned URL of a picture; its query is a credential.
    #[serde(skip)]
    pub(crate) thumbnail_url: Option<String>,
    /// What was paid for it in this run.
    #[serde(skip)]
    pub(crate) billed: Billed,
    /// What about the video is not as it must be.
    #[serde(skip)]
    pub(crate) mismatch: Option<Mismatch>,
}

/// A render as its renderer describes it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum RenderView {
    /// As the API describes it; URLs without their queries.
    #[schemars(schema_with = "schemas::render_detail")]
    Api(Box<RenderDetail>),
    /// Made without the API, or submitted and not asked about yet.
    Own(OwnRender),
}

impl RenderView {
    /// The render's id, where it has one.
    pub(crate) fn id(&self) -> Option<&str> {
        match self {
            Self::Api(detail) => Some(&detail.render_id),
            Self::Own(own) => own.render_id.as_deref(),
        }
    }
}

/// A render that the API has not described.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct OwnRender {
    /// The renderer's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) renderer: Option<&'static str>,
    /// `completed`, or `queued` where nobody waited.
    pub(crate) status: &'static str,
    /// Container of the video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<String>,
    /// The render's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) render_id: Option<String>,
    /// The tier that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resolution: Option<String>,
}

/// A video that was read.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct VideoOutcome {
    /// By its headers; null where they cannot be read.
    #[schemars(schema_with = "schemas::video")]
    pub(crate) video: Option<Video>,
    /// How it differs from what was asked for, one sentence each.
    pub(crate) mismatches: Vec<String>,
}

/// A project that was packed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct ProjectOutcome {
    /// The render key of generation 0: what the render is of.
    pub(crate) identity: String,
    /// The request body, without the project.
    pub(crate) request: Map<String, Value>,
    /// The manifest digest.
    pub(crate) digest: String,
    /// Findings short of errors.
    #[schemars(schema_with = "schemas::diagnostics")]
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// A render that was only checked and packed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DryRunOutcome {
    /// The render key of generation 0.
    pub(crate) key: String,
    /// The archive.
    pub(crate) archive: ArchiveOutcome,
    /// The request body, without the project.
    pub(crate) request: Map<String, Value>,
    /// Findings short of errors.
    #[schemars(schema_with = "schemas::diagnostics")]
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Rows of a batch.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct BatchOutcome {
    /// The manifest digest of the project.
    pub(crate) digest: String,
    /// Rows of the file.
    pub(crate) rows: u64,
    /// Rows that cannot be rendered as they are.
    pub(crate) invalid: u64,
    /// Rows that needed a new render when the run began.
    pub(crate) would_render: u64,
    /// Rows that use an earlier render.
    pub(crate) reused: u64,
    /// Rows whose video was in place when the run began.
    pub(crate) done: u64,
    /// Rows that failed in an earlier run, and were left out.
    pub(crate) failed_before: u64,
    /// What the run has come to; absent after a dry run.
    #[serde(flatten)]
    pub(crate) results: Option<BatchResults>,
}

/// What a batch has come to.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct BatchResults {
    /// Rows whose video this run has put in place.
    pub(crate) completed: u64,
    /// Rows without a video.
    pub(crate) failed: u64,
    /// What this run paid for.
    pub(crate) billed: Billed,
    /// Rows that were not submitted.
    pub(crate) not_submitted: u64,
    /// What it cost in dollars, by the tooling's estimate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cost_usd: Option<f64>,
}

impl BatchOutcome {
    /// Rows with a video in place.
    pub(crate) fn in_place(&self) -> u64 {
        self.results.as_ref().map_or(0, |results| results.completed) + self.done
    }

    /// Whether every row has a video.
    ///
    /// # Errors
    /// Returns [`BatchFailed`].
    fn verdict(&self) -> Result<(), BatchFailed> {
        let missing = self.rows.saturating_sub(self.in_place());
        match self.results {
            Some(_) if missing > 0 => Err(BatchFailed { failed: missing, rows: self.rows }),
            _ => Ok(()),
        }
    }
}

/// An archive in figures.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct ArchiveOutcome {
    /// The project's name.
    pub(crate) project: String,
    /// The manifest digest.
    pub(crate) digest: String,
    /// Files.
    pub(crate) file_count: usize,
    /// Their size in bytes.
    pub(crate) content_bytes: u64,
    /// The archive's size in bytes.
    pub(crate) size_bytes: u64,
    /// SHA-256 of the archive, in hexadecimal.
    pub(crate) sha256: String,
    /// What the API takes, in bytes.
    pub(crate) upload_limit_bytes: u64,
    /// Whether it is larger.
    pub(crate) exceeds_upload_limit: bool,
    /// The largest files.
    pub(crate) largest_files: Vec<FileSize>,
    /// All files, with `--list`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) files: Option<Vec<FileDigest>>,
    /// Where the archive was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output_path: Option<PathBuf>,
}

/// A file of an archive.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct FileSize {
    /// Its path in the archive.
    pub(crate) path: String,
    /// Its size in bytes.
    pub(crate) size_bytes: u64,
}

/// A file of an archive, with its hash.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct FileDigest {
    /// Its path in the archive.
    pub(crate) path: String,
    /// Its size in bytes.
    pub(crate) size_bytes: u64,
    /// SHA-256 of its contents, in hexadecimal.
    pub(crate) sha256: String,
}

/// A project that was packed for itself.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct PackOutcome {
    /// The archive.
    pub(crate) archive: ArchiveOutcome,
    /// Findings short of errors.
    #[schemars(schema_with = "schemas::diagnostics")]
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// What checks found.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct CheckOutcome {
    /// The findings, by path and place.
    #[schemars(schema_with = "schemas::diagnostics")]
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// How many of them are errors.
    pub(crate) errors: usize,
    /// How many of them are warnings.
    pub(crate) warnings: usize,
    /// How many of them are notes.
    pub(crate) notes: usize,
}

impl From<&Findings> for CheckOutcome {
    fn from(findings: &Findings) -> Self {
        Self {
            diagnostics: findings.diagnostics.clone(),
            errors: findings.count(Severity::Error),
            warnings: findings.count(Severity::Warning),
            notes: findings.count(Severity::Note),
        }
    }
}

/// What a check is about.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RuleOutcome {
    /// The rule's code.
    pub(crate) code: String,
    /// `error`, `warning` or `note`, unless the user says otherwise.
    pub(crate) severity: &'static str,
    /// Which part of a project it is about.
    pub(crate) group: &'static str,
    /// One sentence.
    pub(crate) summary: &'static str,
    /// Why, and what to do about it.
    pub(crate) explanation: String,
    /// Where the documentation has it.
    pub(crate) url: String,
}

/// One render of the account.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DetailOutcome {
    /// As the API describes it; URLs without their queries unless they were asked for.
    #[schemars(schema_with = "schemas::render_detail")]
    pub(crate) render: RenderDetail,
}

/// Renders of the account.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct ListOutcome {
    /// Newest first; URLs without their queries unless they were asked for.
    #[schemars(schema_with = "schemas::render_details")]
    pub(crate) renders: Vec<RenderDetail>,
    /// Whether there are more.
    pub(crate) has_more: bool,
    /// The cursor of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

/// A render that was deleted.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DeleteOutcome {
    /// The render.
    pub(crate) render: DeletedRender,
    /// True.
    pub(crate) deleted: bool,
}

/// See [`DeleteOutcome`].
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DeletedRender {
    /// The render's id.
    pub(crate) render_id: String,
}

/// A running emulator.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct EmulatorOutcome {
    /// The API's base URL.
    pub(crate) url: String,
    /// Whether renders are built-in clips.
    pub(crate) placeholder: bool,
}

/// What is set, and where.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct ConfigOutcome {
    /// The configuration file.
    pub(crate) path: String,
    /// Whether it exists.
    pub(crate) exists: bool,
    /// Every setting by its name.
    #[schemars(with = "std::collections::BTreeMap<String, SettingOutcome>")]
    pub(crate) settings: Map<String, Value>,
    /// The entries, unless one was chosen.
    pub(crate) entries: Vec<EntryOutcome>,
}

/// A setting that counts.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct SettingOutcome {
    /// Its value.
    pub(crate) value: String,
    /// Where it was set.
    pub(crate) origin: String,
}

/// An entry of the configuration.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct EntryOutcome {
    /// Its name.
    pub(crate) name: String,
    /// The project's directory.
    pub(crate) project: String,
    /// Events that it is for; all where there are none.
    pub(crate) on: Vec<String>,
    /// The line that it begins on.
    pub(crate) line: usize,
    /// What it sets.
    pub(crate) settings: Map<String, Value>,
}

/// Renders of the entries of the configuration.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct EntriesOutcome {
    /// In the order of the file.
    #[schemars(schema_with = "schemas::entry_renders")]
    pub(crate) renders: Vec<EntryRender>,
}

/// What became of an entry.
#[derive(Debug, Serialize)]
pub(crate) struct EntryRender {
    /// The entry's name.
    pub(crate) entry: String,
    /// Its render, or why there is none.
    #[serde(flatten)]
    pub(crate) result: EntryResult,
}

/// See [`EntryRender`].
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum EntryResult {
    /// Its render.
    Outcome(Outcome),
    /// The error envelope.
    Failed(ErrorOutcome),
}

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
    #[schemars(schema_with = "schemas::optional_diagnostics")]
    diagnostics: Option<Vec<Diagnostic>>,
}

impl From<&Error> for ErrorOutcome {
    fn from(error: &Error) -> Self {
        let mut envelope = error.to_json();
        Self { error: envelope["error"].take() }
    }
}

/// What is set to sign in, and whether it works.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct StatusOutcome {
    /// Whether there is a credential.
    pub(crate) configured: bool,
    /// Whether the API accepts it.
    pub(crate) valid: bool,
    /// More about it, where there is one.
    #[serde(flatten)]
    pub(crate) credential: Option<CredentialOutcome>,
}

/// A credential and its account.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct CredentialOutcome {
    /// Where it comes from.
    pub(crate) source: String,
    /// `oauth` or `api_key`.
    pub(crate) kind: &'static str,
    /// When a stored sign-in expires.
    pub(crate) expires_at: Option<Value>,
    /// Who it belongs to.
    pub(crate) user: Value,
    /// How the account is billed.
    pub(crate) billing: Map<String, Value>,
    /// What is left to spend, in the unit that the account is billed in.
    pub(crate) left: Option<f64>,
}

/// A sign-in that is stored.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct SignInOutcome {
    /// True.
    pub(crate) signed_in: bool,
    /// Who is signed in.
    pub(crate) user: Value,
}

/// A sign-in that was refreshed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RefreshOutcome {
    /// True.
    pub(crate) refreshed: bool,
    /// When it expires.
    pub(crate) expires_at: Option<Value>,
}

/// A sign-in that was forgotten.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct SignOutOutcome {
    /// Whether there was something to forget.
    pub(crate) signed_out: bool,
    /// Whether the server has taken the sign-in back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) revoked: Option<bool>,
}
