//! The orders of a run, their options and their results.

use std::fmt;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hyperframes_ci_core::api::{IdempotencyKey, Product, Project, RenderDetail, RenderRequest};
use hyperframes_ci_core::generated::AudioFormat;
use hyperframes_ci_core::job::{Archive, FileKind, Limits, RenderFact, RenderIdentity, Source, UploadRoute};
use hyperframes_ci_core::options::{Format, Resolution};
use hyperframes_ci_core::video::Expected;
use serde_json::{Map, Value};

use super::cloudrun::CloudRunOptions;
use super::docker::DockerOptions;
use super::http::HttpOptions;
use super::lambda::LambdaOptions;
use super::serverless::ChunkOptions;
use super::verify::Verified;
use crate::engine::{EngineDescription, SharedEngine};
use crate::fault::Error;
use crate::heygen::transport::Replay;
use crate::project::pack::Packed;
use crate::system::clock::unix_now;
use crate::system::deadline::Deadline;
use crate::system::gate::Reach;
use crate::system::output::OutputFile;
use crate::system::output_folder::OutputFolder;
use crate::system::random;
use crate::system::sandbox::SandboxOptions;

/// Options of a run, which apply to all of its orders.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RunOptions {
    /// Whether to wait for videos and download them.
    pub(crate) is_waiting: bool,
    /// Maximum interval between two polls.
    pub(crate) poll_interval: Duration,
    /// Time limit of a render, from its beginning to its video; see [`RunContext::time_left`].
    pub(crate) max_wait: Duration,
    /// How to upload an archive.
    pub(crate) upload: UploadRoute,
    /// Which earlier renders to reuse.
    pub(crate) reuse: ReusePolicy,
    /// Number of orders to render at a time; the default of the renderer if absent.
    pub(crate) concurrency: Option<usize>,
    /// Number of renders of the same project to compare; one without comparison if absent.
    pub(crate) repeat: Option<u32>,
    /// Number of browsers of one local render; by its length and the machine if absent.
    pub(crate) workers: Option<usize>,
    /// How distributed renderers divide a video.
    pub(crate) chunks: ChunkOptions,
    /// Options of Lambda.
    pub(crate) lambda: LambdaOptions,
    /// Options of Cloud Run.
    pub(crate) cloud_run: CloudRunOptions,
    /// Options of renders in a container.
    pub(crate) docker: DockerOptions,
    /// Options of renders by HTTP.
    pub(crate) http: HttpOptions,
    /// How pages that this machine renders are contained.
    pub(crate) sandbox: SandboxOptions,
    /// The engine of this machine: renders with clones of these options share it.
    pub(crate) engine: SharedEngine,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            is_waiting: true,
            poll_interval: Duration::from_secs(10),
            max_wait: Duration::from_secs(3600),
            upload: UploadRoute::Auto,
            reuse: ReusePolicy::default(),
            concurrency: None,
            repeat: None,
            workers: None,
            chunks: ChunkOptions::default(),
            lambda: LambdaOptions::default(),
            cloud_run: CloudRunOptions::default(),
            docker: DockerOptions::default(),
            http: HttpOptions::default(),
            sandbox: SandboxOptions::default(),
            engine: SharedEngine::default(),
        }
    }
}

/// Which earlier renders to reuse.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct ReusePolicy {
    /// Whether to reuse none.
    pub(crate) is_off: bool,
    /// Maximum age of a render; any if absent, since clocks of servers may be wrong.
    pub(crate) window: Option<Duration>,
    /// Path of the ledger; the default if absent.
    pub(crate) ledger: Option<PathBuf>,
}

impl ReusePolicy {
    /// Returns the earliest creation time, in Unix seconds, of a render that may be reused, if the age counts.
    pub(crate) fn since(&self) -> Option<i64> {
        let window = i64::try_from(self.window?.as_secs()).unwrap_or(i64::MAX);
        Some(unix_now().saturating_sub(window))
    }
}

/// The project and options that all orders of a run have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunContext<'a> {
    /// The project or render.
    pub(crate) input: Input<'a>,
    /// The options.
    pub(crate) options: &'a RunOptions,
    /// Name of the project, for files without a name.
    pub(crate) name: &'a str,
    /// Declared width and height of the composition in pixels.
    pub(crate) size: Option<(f64, f64)>,
    /// When the command began to work on it: its time limit counts from here.
    pub(crate) began: Instant,
    /// Whether there may be many orders.
    pub(crate) is_batch: bool,
    /// Failures that end the run.
    pub(crate) max_failures: Option<u64>,
    /// Whether an order calls a webhook.
    pub(crate) has_callback: bool,
}

impl<'a> RunContext<'a> {
    /// Returns the context of one order that begins now and has no project here.
    pub(crate) fn single(input: Input<'a>, options: &'a RunOptions) -> Self {
        Self {
            input,
            options,
            name: "",
            size: None,
            began: Instant::now(),
            is_batch: false,
            max_failures: None,
            has_callback: false,
        }
    }

    /// Returns the path of the archive of the project.
    ///
    /// # Errors
    /// Returns an error if the run is for an uploaded project or an earlier render.
    pub(crate) fn archive(&self) -> Result<&Path, Error> {
        match self.input {
            Input::Archive(packed) => Ok(packed.path()),
            _ => Err(Error::usage(
                "only the cloud renderer supports --asset-id and --url",
                "remove --asset-id and --url, or use --renderer cloud",
            )),
        }
    }

    /// Returns the time that an order may take that begins now. A single render has one limit from its beginning to its
    /// video; each row of a batch has its own.
    pub(crate) fn time_left(&self) -> Duration {
        let spent = if self.is_batch { Duration::ZERO } else { self.began.elapsed() };
        self.options.max_wait.saturating_sub(spent)
    }

    /// Returns the end of [`RunContext::time_left`].
    pub(crate) fn deadline(&self) -> Deadline {
        Deadline::after(self.time_left())
    }
}

/// The input of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Input<'a> {
    /// A packed project.
    Archive(&'a Packed),
    /// A project that the server already has or can download.
    Uploaded(&'a Project),
    /// The id of an existing render to wait for.
    Render(&'a str),
    /// A presenter clip, and its audio if it is not spoken by a voice of the API.
    Clip(Option<&'a Audio>),
    /// The translation of a video.
    Translation(&'a Footage),
}

impl Input<'_> {
    /// Returns what is made of it.
    pub(crate) fn product(&self) -> Product {
        match self {
            Self::Archive(_) | Self::Uploaded(_) | Self::Render(_) => Product::Render,
            Self::Clip(_) => Product::Clip,
            Self::Translation(_) => Product::Translation,
        }
    }

    /// Returns the source of its jobs.
    pub(crate) fn source(&self) -> Source {
        match *self {
            Self::Archive(packed) => Source::Archive(Archive {
                size: packed.size,
                sha256: packed.sha256.clone(),
                digest: packed.manifest.digest(),
                kind: FileKind::Zip,
            }),
            Self::Uploaded(project) => Source::Project(project.clone()),
            Self::Render(id) => Source::Render(id.to_owned()),
            Self::Clip(Some(audio)) => Source::Archive(Archive {
                size: audio.bytes.len() as u64,
                sha256: audio.sha256.clone(),
                digest: audio.sha256.clone(),
                kind: match audio.format {
                    AudioFormat::Mp3 => FileKind::Mp3,
                    AudioFormat::Wav => FileKind::Wav,
                },
            }),
            Self::Clip(None) => Source::Body,
            Self::Translation(video) => Source::Archive(Archive {
                size: video.bytes.len() as u64,
                sha256: video.sha256.clone(),
                digest: video.sha256.clone(),
                kind: FileKind::Mp4,
            }),
        }
    }

    /// Opens what is uploaded; returns it with its size in bytes.
    ///
    /// # Errors
    /// Returns an error if the archive was removed.
    pub(crate) fn open(&self) -> io::Result<Option<(Box<dyn Replay + '_>, u64)>> {
        Ok(match *self {
            Self::Archive(packed) => Some((Box::new(packed.open()?), packed.size)),
            Self::Clip(Some(audio)) => {
                Some((Box::new(Cursor::new(audio.bytes.as_slice())), audio.bytes.len() as u64))
            }
            Self::Translation(video) => {
                Some((Box::new(Cursor::new(video.bytes.as_slice())), video.bytes.len() as u64))
            }
            Self::Uploaded(_) | Self::Render(_) | Self::Clip(None) => None,
        })
    }
}

/// An audio file, read whole, so that what is sent is what was hashed.
pub(crate) struct Audio {
    /// The contents.
    pub(crate) bytes: Vec<u8>,
    /// SHA-256 in hexadecimal.
    pub(crate) sha256: String,
    /// The format.
    pub(crate) format: AudioFormat,
}

impl fmt::Debug for Audio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Audio({:?}, {} bytes)", self.format, self.bytes.len())
    }
}

/// An MP4 video, read whole, so that what is sent is what was hashed.
pub(crate) struct Footage {
    /// The contents.
    pub(crate) bytes: Vec<u8>,
    /// SHA-256 in hexadecimal.
    pub(crate) sha256: String,
}

impl fmt::Debug for Footage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Footage({} bytes)", self.bytes.len())
    }
}

/// A video to render.
#[derive(Debug)]
pub(crate) struct Order {
    /// Index in the run, from 0.
    pub(crate) index: u64,
    /// Identifies equal renders; `None` if the input may change between runs.
    pub(crate) identity: Option<RenderIdentity>,
    /// The body of the request, without the project.
    pub(crate) body: Map<String, Value>,
    /// The typed body.
    pub(crate) options: RenderRequest,
    /// The user's `Idempotency-Key`.
    pub(crate) idempotency_key: Option<IdempotencyKey>,
    /// The render of an earlier run, if one is recorded.
    pub(crate) known: Option<RenderFact>,
    /// Limits to check before it is submitted.
    pub(crate) limits: Limits,
    /// Where to save the video.
    pub(crate) output: Output,
    /// Expected properties of the video.
    pub(crate) expected: Expected,
}

/// Where to save a video.
#[derive(Debug)]
pub(crate) enum Output {
    /// Nowhere: the run does not wait for it.
    None,
    /// A file that was prepared.
    Ready(OutputFile),
    /// A directory that was prepared.
    ReadyFolder(OutputFolder),
    /// A path, which is prepared once the render is complete, and where it may lead.
    Path(PathBuf, Reach),
}

impl Output {
    /// Returns the final path, if it is known.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::None => None,
            Self::Ready(file) => file.path(),
            Self::ReadyFolder(folder) => folder.path(),
            Self::Path(path, _) => Some(path),
        }
    }

    /// Prepares the file or directory of a video in `format`.
    ///
    /// # Errors
    /// Returns an error if it must not be written or cannot be created.
    pub(crate) fn prepare(path: Option<&Path>, format: Format, reach: &Reach) -> Result<Self, Error> {
        Ok(if format.is_directory() {
            Self::ReadyFolder(OutputFolder::prepare(path, format, reach)?)
        } else {
            Self::Ready(OutputFile::prepare(path, reach)?)
        })
    }

    /// Prepares the file; returns `None` for [`Output::None`] and for a directory.
    ///
    /// # Errors
    /// Returns an error if the file cannot be created.
    pub(crate) fn open(self) -> Result<Option<OutputFile>, Error> {
        match self {
            Self::None | Self::ReadyFolder(_) => Ok(None),
            Self::Ready(file) => Ok(Some(file)),
            Self::Path(path, reach) => Ok(Some(OutputFile::prepare(Some(&path), &reach)?)),
        }
    }
}

/// The result of an order.
#[derive(Debug)]
pub(crate) struct OrderResult {
    /// Index in the run.
    pub(crate) index: u64,
    /// Identifies equal renders.
    pub(crate) identity: Option<RenderIdentity>,
    /// Generation of the render: a failed render is replaced by one of the next generation.
    pub(crate) generation: u32,
    /// Id of the render, if the renderer assigns one.
    pub(crate) render_id: Option<String>,
    /// Id of the uploaded project.
    pub(crate) asset_id: Option<String>,
    /// Whether an earlier run was billed for it.
    pub(crate) is_reused: bool,
    /// The requested resolution, which determines the billing factor.
    pub(crate) resolution: Option<Resolution>,
    /// The requested container format.
    pub(crate) format: Format,
    /// Path of the video, which may not have been saved.
    pub(crate) output: Option<PathBuf>,
    /// The render as described by the API.
    pub(crate) detail: Option<Box<RenderDetail>>,
    /// The state.
    pub(crate) state: OrderState,
}

/// The state of an order.
#[derive(Debug)]
pub(crate) enum OrderState {
    /// The render was submitted. Another result follows if the run waits for it.
    Submitted,
    /// The render is complete, and the video saved if the run waits for it.
    Completed(Option<SavedVideo>),
    /// The render, or the download of its video, failed.
    Failed {
        /// The error.
        error: Error,
        /// Whether the same command resumes it: the render did not fail at the server, so that its video is fetched
        /// later and not paid for again, or only the time for the submission was over.
        is_fetchable: bool,
    },
}

/// A saved video.
#[derive(Debug)]
pub(crate) struct SavedVideo {
    /// Path of the file.
    pub(crate) path: PathBuf,
    /// Size in bytes.
    pub(crate) size: u64,
    /// Properties of the video, and how they differ from the request.
    pub(crate) verified: Verified,
}

impl Order {
    /// Returns the name under which a renderer finds the render again: the render key, or a random one if earlier renders must
    /// not be reused.
    pub(crate) fn key(&self, options: &RunOptions, generation: u32) -> String {
        match &self.identity {
            Some(identity) if !options.reuse.is_off => identity.key(generation).to_string(),
            _ => format!("hfci-{:016x}{:016x}", random(), random()),
        }
    }

    /// Returns a result without a render.
    pub(crate) fn result(&self, state: OrderState) -> OrderResult {
        OrderResult {
            index: self.index,
            identity: self.identity.clone(),
            generation: 0,
            render_id: None,
            asset_id: None,
            is_reused: false,
            resolution: self.options.resolution,
            format: self.options.format.unwrap_or(Format::Mp4),
            output: self.output.path().map(Path::to_owned),
            detail: None,
            state,
        }
    }
}

/// Totals of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunTotals {
    /// Estimated cost in US dollars, if the renderer provides one.
    pub(crate) cost_usd: Option<f64>,
    /// The engine, if this machine rendered the pages.
    pub(crate) engine: Option<EngineDescription>,
}

impl RunTotals {
    /// Returns the totals of both runs.
    pub(crate) fn plus(self, other: Self) -> Self {
        let costs = self.cost_usd.into_iter().chain(other.cost_usd);
        Self { cost_usd: costs.reduce(|sum, cost| sum + cost), engine: self.engine.or(other.engine) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_a_render_counts_only_if_the_user_says_so() {
        assert_eq!(ReusePolicy::default().since(), None);
        let policy = ReusePolicy { window: Some(Duration::from_secs(60)), ..ReusePolicy::default() };
        assert!(policy.since().is_some_and(|since| (since - (unix_now() - 60)).abs() <= 1));
    }
}
