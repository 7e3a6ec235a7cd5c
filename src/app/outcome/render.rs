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
use super::engine::EngineOutcome;
use super::parts;
use super::repeat::RepeatOutcome;
use crate::app::budget::Billed;
use crate::fault::Error;
use crate::renderers::verify::Mismatch;

/// The outcome of `render`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Outcome {
    /// One render.
    Render(Box<RenderOutcome>),
    /// A batch.
    Batch(Box<BatchOutcome>),
    /// A dry run: the project was checked and packed.
    DryRun(Box<DryRunOutcome>),
}

impl Outcome {
    /// Returns the renders that the run is billed for.
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
    /// Returns [`Mismatch`] if the video does not match the request, [`NotRepeatable`](crate::app::failure::NotRepeatable) if
    /// repeated renders differ, and [`BatchFailed`](crate::app::failure::BatchFailed)
    /// if rows have no video. Returns [`InvalidRows`](crate::app::failure::InvalidRows) if invalid rows would prevent a run.
    pub(crate) fn verdict(&self) -> Result<(), Error> {
        match self {
            Self::Render(render) => {
                render.mismatch.clone().map_or(Ok(()), Err)?;
                render.repeat.as_ref().map_or(Ok(()), |repeat| Ok(repeat.verdict()?))
            }
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
    /// ID of the uploaded archive, if there is one.
    pub(crate) asset_id: Option<String>,
    /// Whether an earlier render was reused.
    pub(crate) reused: bool,
    /// Render key, with its generation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    /// Path of the video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output_path: Option<PathBuf>,
    /// Size of the video in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes_written: Option<u64>,
    /// Properties of the video and its differences from the request.
    #[serde(flatten)]
    pub(crate) video: Option<VideoOutcome>,
    /// Properties of the packed project.
    #[serde(flatten)]
    pub(crate) project: Option<ProjectOutcome>,
    /// Repeated renders, with `--repeat`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) repeat: Option<RepeatOutcome>,
    /// Estimated cost in US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cost_usd: Option<f64>,
    /// The engine, if this machine rendered the page.
    #[serde(flatten)]
    pub(crate) engine: Option<EngineOutcome>,
    /// How it was rendered, such as `rendered on the runner`.
    #[serde(skip)]
    pub(crate) label: &'static str,
    /// A presigned URL of a preview image; its query is a credential.
    #[serde(skip)]
    pub(crate) thumbnail_url: Option<String>,
    /// Renders that this run was billed for.
    #[serde(skip)]
    pub(crate) billed: Billed,
    /// Differences of the video from the request that are an error.
    #[serde(skip)]
    pub(crate) mismatch: Option<Mismatch>,
}

/// A render as its renderer describes it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum RenderView {
    /// As the API describes it. URLs have no query.
    #[schemars(schema_with = "parts::render_detail")]
    Api(Box<RenderDetail>),
    /// Rendered without the API, or submitted without waiting.
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

/// A render without a description by the API.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct OwnRender {
    /// Name of the renderer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) renderer: Option<&'static str>,
    /// `completed`, or `queued` with `--no-wait`.
    pub(crate) status: &'static str,
    /// Container format of the video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<String>,
    /// ID of the render.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) render_id: Option<String>,
    /// Requested resolution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resolution: Option<String>,
}

/// Properties of a video.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct VideoOutcome {
    /// Properties from the headers of the file; null if they cannot be read.
    #[schemars(schema_with = "parts::video")]
    pub(crate) video: Option<Video>,
    /// Differences from the request.
    pub(crate) mismatches: Vec<String>,
}

/// A packed project.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct ProjectOutcome {
    /// Render key of generation 0, which identifies the render.
    pub(crate) identity: String,
    /// Request body, without the project.
    pub(crate) request: Map<String, Value>,
    /// Digest of the manifest.
    pub(crate) digest: String,
    /// Warnings and notes.
    #[schemars(schema_with = "parts::diagnostics")]
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// A dry run: the project was checked and packed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DryRunOutcome {
    /// Render key of generation 0.
    pub(crate) key: String,
    /// Properties of the archive.
    pub(crate) archive: ArchiveOutcome,
    /// Request body, without the project.
    pub(crate) request: Map<String, Value>,
    /// Warnings and notes.
    #[schemars(schema_with = "parts::diagnostics")]
    pub(crate) diagnostics: Vec<Diagnostic>,
}
