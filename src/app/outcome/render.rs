//! Outcomes of renders.

use std::path::{Path, PathBuf};

use hyperframes_ci_core::api::RenderDetail;
use hyperframes_ci_core::findings::Diagnostic;
use hyperframes_ci_core::video::Video;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::archive::ArchiveOutcome;
use super::batch::BatchOutcome;
use super::parts;
use crate::app::budget::Billed;
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
    /// Returns what the run is billed for.
    pub(crate) fn billed(&self) -> Billed {
        match self {
            Self::Render(render) => render.billed,
            Self::Batch(batch) => batch.results.as_ref().map(|results| results.billed).unwrap_or_default(),
            Self::DryRun(_) => Billed::default(),
        }
    }

    /// Returns the path of the video, for a single render.
    pub(crate) fn video_path(&self) -> Option<&Path> {
        match self {
            Self::Render(render) => render.output_path.as_deref(),
            Self::Batch(_) | Self::DryRun(_) => None,
        }
    }

    /// Checks that the outcome is complete.
    ///
    /// # Errors
    /// Returns [`Mismatch`] if the video does not match the request, and [`BatchFailed`](crate::app::failure::BatchFailed)
    /// if rows have no video. Returns [`InvalidRows`](crate::app::failure::InvalidRows) if rows would keep a run from
    /// rendering.
    pub(crate) fn verdict(&self) -> Result<(), Error> {
        match self {
            Self::Render(render) => render.mismatch.clone().map_or(Ok(()), |mismatch| Err(mismatch.into())),
            Self::Batch(batch) => batch.verdict(),
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
    #[schemars(schema_with = "parts::render_detail")]
    Api(Box<RenderDetail>),
    /// Made without the API, or submitted and not asked about yet.
    Own(OwnRender),
}

impl RenderView {
    /// Returns the id of the render, if it has one.
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
    #[schemars(schema_with = "parts::video")]
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
    #[schemars(schema_with = "parts::diagnostics")]
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
    #[schemars(schema_with = "parts::diagnostics")]
    pub(crate) diagnostics: Vec<Diagnostic>,
}
