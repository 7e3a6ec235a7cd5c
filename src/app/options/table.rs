//! The table of options. A new option is a row here and a member of [`RenderSpec`](crate::app::spec::RenderSpec).

use hyperframes_ci_core::api::{IdempotencyKey, InvalidIdempotencyKey, Project};
use hyperframes_ci_core::job::UploadRoute;
use hyperframes_ci_core::options::{AspectRatio, Codec, Format, Quality, Resolution};

use super::kind::Kind;
use super::option::{Fallback, Heading, RenderOption, Scope};
use super::parse::{
    bitrate, duration, frame_rate, https_url, integer, number, path, put, replace, seconds, switch, text,
    version, word,
};
use crate::app::spec::{ProjectSource, RendererChoice, VariableSource};
use crate::renderers;
use crate::renderers::cloudrun::CLOUD_RUN_VERSION;
use crate::renderers::docker::{ContainerProgram, image};
use crate::renderers::http::RequestForm;
use crate::renderers::lambda::{DEFAULT_STACK, LAMBDA_VERSION};
use crate::renderers::serverless::ChunkOptions;
use crate::system::sandbox::Network;

/// Maximum width and height in pixels; source: the validation of the official tooling.
const MAX_SIDE: u16 = 7680;

/// Returns the option of this name.
pub(crate) fn option(name: &str) -> Option<&'static RenderOption> {
    OPTIONS.iter().find(|option| option.name == name)
}

/// Defaults of the rows.
const BASE: RenderOption = RenderOption {
    name: "",
    short: None,
    value_name: "",
    kind: Kind::Text,
    help: "",
    details: "",
    fallback: Fallback::None,
    heading: Heading::Rendering,
    scope: Scope::FileAndInput,
    conflicts: &[],
    is_for_single_render: false,
    set: |_, _| Ok(()),
};

/// All options in the order of the help.
pub(crate) static OPTIONS: &[RenderOption] = &[
    RenderOption {
        name: "asset-id",
        value_name: "ID",
        help: "Render an asset that is already uploaded",
        heading: Heading::Project,
        scope: Scope::Run,
        is_for_single_render: true,
        set: |spec, value| {
            let asset_id = text(value)?.to_owned();
            spec.source = ProjectSource::Uploaded(Project::AssetId { asset_id });
            Ok(())
        },
        ..BASE
    },
    RenderOption {
        name: "url",
        value_name: "URL",
        help: "Render a ZIP archive at a public HTTPS URL",
        details: "Earlier renders are not reused, since the contents of a URL may change.",
        heading: Heading::Project,
        scope: Scope::Run,
        is_for_single_render: true,
        set: |spec, value| {
            spec.source = ProjectSource::Uploaded(Project::Url { url: https_url(text(value)?)? });
            Ok(())
        },
        ..BASE
    },
    RenderOption {
        name: "composition",
        short: Some('c'),
        value_name: "PATH",
        help: "Entry HTML file, relative to the project directory",
        fallback: Fallback::Words("index.html"),
        heading: Heading::Project,
        scope: Scope::File,
        is_for_single_render: true,
        set: |spec, value| put(&mut spec.request.composition, text(value)?.to_owned()),
        ..BASE
    },
    RenderOption {
        name: "fps",
        value_name: "RATE",
        kind: Kind::FrameRate,
        help: "Frames per second, from 1 to 240",
        details: "The local and docker renderers also support fractions such as 30000/1001, and at most 30 for gif.",
        fallback: Fallback::Server("30"),
        set: |spec, value| put(&mut spec.request.fps, frame_rate(value)?),
        ..BASE
    },
    RenderOption {
        name: "quality",
        kind: Kind::OneOf(|| Quality::NAMES),
        help: "Encoder preset",
        details: "The local and docker renderers also support looks, which is standard with fewer artifacts, and delivery, which is \
               high.",
        fallback: Fallback::Server("standard"),
        set: |spec, value| put(&mut spec.request.quality, word(value)?),
        ..BASE
    },
    RenderOption {
        name: "format",
        kind: Kind::OneOf(|| Format::NAMES),
        help: "Output format; webm, mov and png-sequence support transparency",
        details: "Only the local and docker renderers support gif, png-sequence and hls. png-sequence and hls write a directory.",
        fallback: Fallback::Server("mp4"),
        set: |spec, value| put(&mut spec.request.format, word(value)?),
        ..BASE
    },
    RenderOption {
        name: "crf",
        value_name: "NUMBER",
        kind: Kind::Integer { min: 0, max: 63 },
        help: "Constant rate factor of the encoder; lower is better and larger",
        details: "Only supported by the local and docker renderers, for mp4, webm and hls.",
        scope: Scope::File,
        conflicts: &["video-bitrate"],
        set: |spec, value| put(&mut spec.request.crf, integer(value, 0, 63)?),
        ..BASE
    },
    RenderOption {
        name: "video-bitrate",
        value_name: "BITRATE",
        help: "Target bitrate of the video, such as 10M",
        details: "Only supported by the local and docker renderers, for mp4, webm and hls.",
        scope: Scope::File,
        set: |spec, value| put(&mut spec.request.video_bitrate, bitrate(text(value)?)?),
        ..BASE
    },
    RenderOption {
        name: "codec",
        kind: Kind::OneOf(|| Codec::NAMES),
        help: "Video codec of an MP4 file",
        details: "Only supported by the lambda and cloudrun renderers, for mp4.",
        fallback: Fallback::Words("h264"),
        scope: Scope::File,
        set: |spec, value| put(&mut spec.request.codec, word(value)?),
        ..BASE
    },
    RenderOption {
        name: "width",
        value_name: "PIXELS",
        kind: Kind::Integer { min: 1, max: MAX_SIDE as i64 },
        help: "Width of the video in pixels",
        details: "Only supported by the lambda and cloudrun renderers, together with --height: the size of the composition, or 1920x1080, \
               3840x2160 or another size of --resolution that is a whole multiple of it.",
        fallback: Fallback::Words("that of the composition"),
        scope: Scope::File,
        conflicts: &["resolution"],
        set: |spec, value| put(&mut spec.request.width, integer(value, 1, MAX_SIDE)?.into()),
        ..BASE
    },
    RenderOption {
        name: "height",
        value_name: "PIXELS",
        kind: Kind::Integer { min: 1, max: MAX_SIDE as i64 },
        help: "Height of the video in pixels; requires --width",
        details: "Only supported by the lambda and cloudrun renderers.",
        fallback: Fallback::Words("that of the composition"),
        scope: Scope::File,
        conflicts: &["resolution"],
        set: |spec, value| put(&mut spec.request.height, integer(value, 1, MAX_SIDE)?.into()),
        ..BASE
    },
    RenderOption {
        name: "gif-loop",
        value_name: "COUNT",
        kind: Kind::Integer { min: 0, max: 65_535 },
        help: "Number of times a gif repeats; 0 repeats it forever",
        details: "Only used with --format gif.",
        fallback: Fallback::Words("0"),
        scope: Scope::File,
        set: |spec, value| put(&mut spec.request.gif_loop, integer(value, 0, u16::MAX)?),
        ..BASE
    },
    RenderOption {
        name: "no-best-effort",
        kind: Kind::Switch,
        help: "Fail if media cannot be loaded, instead of rendering without them",
        details: "Only supported by the local and docker renderers.",
        scope: Scope::File,
        set: |spec, value| {
            let mut is_set = false;
            switch(&mut is_set, value)?;
            spec.request.best_effort = is_set.then_some(false);
            Ok(())
        },
        ..BASE
    },
    RenderOption {
        name: "resolution",
        kind: Kind::OneOf(|| Resolution::NAMES),
        help: "Output resolution",
        details: "4k is billed at 1.5 times the rate and requires mp4.",
        fallback: Fallback::Server("1080p"),
        set: |spec, value| put(&mut spec.request.resolution, word(value)?),
        ..BASE
    },
    RenderOption {
        name: "aspect-ratio",
        value_name: "RATIO",
        kind: Kind::OneOf(|| AspectRatio::NAMES),
        help: "Aspect ratio of the video",
        details: "Detected from the composition by default. A value that contradicts the composition is an error.",
        set: |spec, value| put(&mut spec.request.aspect_ratio, word(value)?),
        ..BASE
    },
    RenderOption {
        name: "variables",
        value_name: "JSON",
        kind: Kind::Values,
        help: "Values of the composition's variables, as a JSON object",
        heading: Heading::Variables,
        conflicts: &["variables-file"],
        set: |spec, value| put(&mut spec.variables, VariableSource::Inline(text(value)?.to_owned())),
        ..BASE
    },
    RenderOption {
        name: "variables-file",
        value_name: "FILE",
        kind: Kind::Path,
        help: "JSON file with values of the composition's variables",
        heading: Heading::Variables,
        set: |spec, value| put(&mut spec.variables, VariableSource::File(path(value)?)),
        ..BASE
    },
    RenderOption {
        name: "strict-variables",
        kind: Kind::Switch,
        help: "Fail on undeclared variables and type mismatches instead of warning",
        heading: Heading::Variables,
        set: |spec, value| switch(&mut spec.has_strict_variables, value),
        ..BASE
    },
    RenderOption {
        name: "title",
        help: "Title of the render in the HeyGen account",
        set: |spec, value| put(&mut spec.request.title, text(value)?.to_owned()),
        ..BASE
    },
    RenderOption {
        name: "data",
        short: Some('d'),
        value_name: "JSON|FILE|-",
        help: "Base request body: JSON, a file, or - for standard input",
        details: "Other options override its members.",
        scope: Scope::Run,
        set: |spec, value| put(&mut spec.base, text(value)?.to_owned()),
        ..BASE
    },
    RenderOption {
        name: "output",
        short: Some('o'),
        value_name: "FILE",
        kind: Kind::Path,
        help: "Output file",
        details: "For a batch, a pattern with placeholders such as {index}, {ext} or {VARIABLE}.",
        fallback: Fallback::Words("renders/<RENDER_ID>.<FORMAT>"),
        heading: Heading::Output,
        scope: Scope::File,
        set: |spec, value| put(&mut spec.output, path(value)?),
        ..BASE
    },
    RenderOption {
        name: "wait",
        kind: Kind::Switch,
        help: "Wait for the render and download the video (the default)",
        heading: Heading::Waiting,
        scope: Scope::Run,
        conflicts: &["no-wait"],
        set: |spec, value| {
            let mut is_set = false;
            switch(&mut is_set, value)?;
            spec.run.is_waiting |= is_set;
            Ok(())
        },
        ..BASE
    },
    RenderOption {
        name: "no-wait",
        kind: Kind::Switch,
        help: "Submit the render, print its ID and exit",
        heading: Heading::Waiting,
        scope: Scope::Run,
        conflicts: &["output"],
        set: |spec, value| {
            let mut is_set = false;
            switch(&mut is_set, value)?;
            spec.run.is_waiting = !is_set;
            Ok(())
        },
        ..BASE
    },
    RenderOption {
        name: "poll-interval",
        value_name: "SECONDS",
        kind: Kind::Number(1.0),
        help: "Maximum interval between two polls, in seconds",
        details: "Polling starts with shorter intervals.",
        fallback: Fallback::Value("10"),
        heading: Heading::Waiting,
        set: |spec, value| replace(&mut spec.run.poll_interval, seconds(number(value, 1.0)?)?),
        ..BASE
    },
    RenderOption {
        name: "max-wait",
        value_name: "MINUTES",
        kind: Kind::Number(0.0001),
        help: "Maximum time for a render, in minutes",
        details: "In a batch, it applies to each row. When it is exceeded, the command exits with code 4 and the render keeps \
               running.",
        fallback: Fallback::Value("60"),
        heading: Heading::Waiting,
        set: |spec, value| replace(&mut spec.run.max_wait, seconds(number(value, 0.0001)? * 60.0)?),
        ..BASE
    },
    RenderOption {
        name: "timeout",
        value_name: "DURATION",
        kind: Kind::Text,
        help: "Maximum time for a render, with a unit, such as 90s or 10m",
        details: "Another spelling of --max-wait, as in the heygen CLI.",
        heading: Heading::Waiting,
        scope: Scope::Run,
        conflicts: &["max-wait"],
        set: |spec, value| replace(&mut spec.run.max_wait, duration(text(value)?)?),
        ..BASE
    },
    RenderOption {
        name: "dry-run",
        kind: Kind::Switch,
        help: "Check and pack only; show what would be uploaded",
        details: "No credential is required.",
        scope: Scope::Run,
        set: |spec, value| switch(&mut spec.is_dry_run, value),
        ..BASE
    },
    RenderOption {
        name: "upload",
        kind: Kind::OneOf(|| &["auto", "direct", "proxy", "inline"]),
        help: "Upload method",
        details: "direct uploads up to 200 MB to the storage, proxy uploads up to 32 MB through the API, and auto uses the method \
               that the server offers. inline sends an archive of up to 1 MB as a part of the submission, in one request.",
        fallback: Fallback::Value("auto"),
        heading: Heading::Network,
        set: |spec, value| {
            spec.run.upload = match text(value)? {
                "direct" => UploadRoute::Direct,
                "proxy" => UploadRoute::Proxy,
                "inline" => UploadRoute::Inline,
                "auto" => UploadRoute::Auto,
                _ => return Err("must be one of auto, direct, proxy, inline".to_owned()),
            };
            Ok(())
        },
        ..BASE
    },
    RenderOption {
        name: "network",
        kind: Kind::OneOf(|| &["none", "public"]),
        help: "Network access of pages rendered on this machine",
        details: "public allows ports 80 and 443 of public addresses. Loopback and private addresses are never allowed.",
        fallback: Fallback::Words("public; none with --renderer docker"),
        heading: Heading::Network,
        scope: Scope::FileAndInput,
        set: |spec, value| {
            spec.run.sandbox.network = match text(value)? {
                "none" => Network::None,
                "public" => Network::Public,
                _ => return Err("must be one of none, public".to_owned()),
            };
            put(&mut spec.run.docker.network, spec.run.sandbox.network)
        },
        ..BASE
    },
    RenderOption {
        name: "allow-unsandboxed",
        kind: Kind::Switch,
        help: "Render locally without a sandbox; pages can read this machine's files",
        details: "Has no effect on pages of pull requests from forks, which are always contained.",
        heading: Heading::Network,
        scope: Scope::RunAndInput,
        set: |spec, value| switch(&mut spec.run.sandbox.is_off, value),
        ..BASE
    },
    RenderOption {
        name: "idempotency-key",
        value_name: "KEY",
        help: "Idempotency-Key of the upload and the render request",
        fallback: Fallback::Words("derived from the request"),
        heading: Heading::Network,
        scope: Scope::RunAndInput,
        is_for_single_render: true,
        set: |spec, value| {
            let key = text(value)?.parse::<IdempotencyKey>();
            put(&mut spec.idempotency_key, key.map_err(|error: InvalidIdempotencyKey| error.to_string())?)
        },
        ..BASE
    },
    RenderOption {
        name: "callback-url",
        value_name: "URL",
        help: "HTTPS webhook to call when the render ends",
        details: "HeyGen calls it even if this command has exited by then.",
        heading: Heading::Network,
        set: |spec, value| put(&mut spec.request.callback_url, https_url(text(value)?)?),
        ..BASE
    },
    RenderOption {
        name: "callback-id",
        value_name: "ID",
        help: "Identifier to include in webhooks and render details",
        heading: Heading::Network,
        set: |spec, value| put(&mut spec.request.callback_id, text(value)?.to_owned()),
        ..BASE
    },
    RenderOption {
        name: "renderer",
        kind: Kind::OneOf(renderers::names),
        help: "Renderer to use",
        details: "auto selects the HeyGen cloud if a credential is available, and otherwise renders locally.",
        fallback: Fallback::Value(renderers::AUTO),
        scope: Scope::FileAndInput,
        set: |spec, value| {
            spec.renderer = match text(value)? {
                renderers::AUTO => RendererChoice::Auto,
                name => RendererChoice::Named(
                    renderers::named(name)
                        .ok_or_else(|| format!("must be one of {}", renderers::names().join(", ")))?
                        .description()
                        .name,
                ),
            };
            Ok(())
        },
        ..BASE
    },
    RenderOption {
        name: "workers",
        value_name: "COUNT",
        kind: Kind::Integer { min: 1, max: 64 },
        help: "Number of browsers that capture frames of one local render",
        details: "By default, 1 for up to 120 frames and in a batch, and otherwise limited by CPU count and memory.",
        fallback: Fallback::Words("depends on the machine"),
        scope: Scope::File,
        set: |spec, value| put(&mut spec.run.workers, usize::from(integer::<u16>(value, 1, 64)?)),
        ..BASE
    },
    RenderOption {
        name: "repeat",
        value_name: "COUNT",
        kind: Kind::Integer { min: 2, max: 10 },
        help: "Render this many times and compare the videos",
        details: "The first video is kept. If others differ visibly, the frames and the likely cause are reported and the command \
               exits with code 7. Only supported by the local renderer.",
        scope: Scope::Run,
        conflicts: &["batch", "dry-run", "no-wait", "asset-id", "url", "emulator"],
        is_for_single_render: true,
        set: |spec, value| put(&mut spec.run.repeat, integer(value, 2, 10)?),
        ..BASE
    },
    RenderOption {
        name: "diagnose",
        kind: Kind::Switch,
        help: "Render locally if the cloud fails, to find the cause",
        details: "The error says whether the same project fails on this machine, and how. Nothing is billed for that.",
        scope: Scope::Run,
        conflicts: &["batch", "dry-run", "no-wait", "asset-id", "url", "repeat"],
        is_for_single_render: true,
        set: |spec, value| switch(&mut spec.is_diagnosing, value),
        ..BASE
    },
    RenderOption {
        name: "emulator",
        kind: Kind::Switch,
        help: "Use the built-in HeyGen emulator instead of the cloud",
        details: "It performs the complete cloud workflow on this machine and requires no account.",
        scope: Scope::Run,
        conflicts: &["renderer", "asset-id", "url", "no-wait"],
        set: |spec, _| replace(&mut spec.renderer, RendererChoice::Emulated),
        ..BASE
    },
    RenderOption {
        name: "verify",
        kind: Kind::Switch,
        help: "Fail if the video does not match the request, instead of warning",
        details: "Compares container, dimensions, aspect ratio, frame rate and duration.",
        heading: Heading::Output,
        set: |spec, value| switch(&mut spec.must_match, value),
        ..BASE
    },
    RenderOption {
        name: "no-reuse",
        kind: Kind::Switch,
        help: "Submit a new render even if an identical one exists",
        heading: Heading::Reuse,
        set: |spec, value| switch(&mut spec.run.reuse.is_off, value),
        ..BASE
    },
    RenderOption {
        name: "reuse-window",
        value_name: "DAYS",
        kind: Kind::Number(0.0),
        help: "Maximum age of a render to reuse, in days",
        heading: Heading::Reuse,
        set: |spec, value| {
            replace(&mut spec.run.reuse.window, Some(seconds(number(value, 0.0)? * 86_400.0)?))
        },
        ..BASE
    },
    RenderOption {
        name: "ledger",
        value_name: "FILE",
        kind: Kind::Path,
        help: "Ledger that records uploads and submitted renders",
        fallback: Fallback::Words("ledger.jsonl in the user's cache directory"),
        heading: Heading::Reuse,
        scope: Scope::File,
        set: |spec, value| put(&mut spec.run.reuse.ledger, path(value)?),
        ..BASE
    },
    RenderOption {
        name: "max-renders",
        value_name: "COUNT",
        kind: Kind::COUNT,
        help: "Maximum number of new renders; 0 only reuses existing ones",
        details: "Applies to renders that are billed. If it is exceeded, nothing is submitted and the command exits with code 6.",
        heading: Heading::Reuse,
        set: |spec, value| put(&mut spec.limits.max_renders, integer(value, 0, u64::MAX)?),
        ..BASE
    },
    RenderOption {
        name: "max-seconds",
        value_name: "SECONDS",
        kind: Kind::Number(0.0),
        help: "Maximum length of all new renders, in billed seconds",
        details: "4k counts 1.5 times. If it is exceeded, nothing is submitted and the command exits with code 6.",
        heading: Heading::Reuse,
        set: |spec, value| put(&mut spec.limits.max_seconds, number(value, 0.0)?),
        ..BASE
    },
    RenderOption {
        name: "min-balance",
        value_name: "AMOUNT",
        kind: Kind::Number(0.0),
        help: "Minimum account balance required to submit",
        details: "In the unit that the account is billed in. If the balance is lower, nothing is submitted and the command exits \
               with code 6.",
        heading: Heading::Reuse,
        set: |spec, value| put(&mut spec.limits.min_balance, number(value, 0.0)?),
        ..BASE
    },
    RenderOption {
        name: "batch",
        value_name: "FILE",
        kind: Kind::Path,
        help: "Render one video per row of a file, or of standard input (-)",
        details: "Supported formats: JSON Lines, a JSON array, {\"rows\": [...]}, and CSV or TSV with a header. A row contains \
               variables, or an object such as {\"variables\": {...}, \"output\": \"a.mp4\", \"title\": \"A\", \"fps\": 30}.",
        heading: Heading::Batches,
        scope: Scope::Entry("rows"),
        conflicts: &["asset-id", "url", "no-wait"],
        is_for_single_render: true,
        set: |spec, value| put(&mut spec.batch.rows, path(value)?),
        ..BASE
    },
    RenderOption {
        name: "concurrency",
        value_name: "COUNT",
        kind: Kind::Integer { min: 1, max: 64 },
        help: "Maximum number of concurrent renders",
        details: "By default, the cloud uses 8 concurrent submissions and up to 400 running renders, and a local renderer is \
               limited by CPU count and memory.",
        fallback: Fallback::Words("depends on the renderer"),
        heading: Heading::Batches,
        scope: Scope::File,
        set: |spec, value| put(&mut spec.run.concurrency, usize::from(integer::<u16>(value, 1, 64)?)),
        ..BASE
    },
    RenderOption {
        name: "keep-going",
        kind: Kind::Switch,
        help: "Render valid rows even if other rows are invalid",
        heading: Heading::Batches,
        scope: Scope::File,
        set: |spec, value| switch(&mut spec.batch.skips_invalid_rows, value),
        ..BASE
    },
    RenderOption {
        name: "fail-fast",
        kind: Kind::Switch,
        help: "Stop submitting after the first failed row",
        heading: Heading::Batches,
        scope: Scope::File,
        conflicts: &["max-failures"],
        set: |spec, value| {
            let mut is_set = false;
            switch(&mut is_set, value)?;
            spec.batch.max_failures = is_set.then_some(1);
            Ok(())
        },
        ..BASE
    },
    RenderOption {
        name: "max-failures",
        value_name: "COUNT",
        kind: Kind::Integer { min: 1, max: i64::MAX },
        help: "Stop submitting after this many failed rows",
        heading: Heading::Batches,
        scope: Scope::File,
        set: |spec, value| put(&mut spec.batch.max_failures, integer(value, 1, u64::MAX)?),
        ..BASE
    },
    RenderOption {
        name: "retry-failed",
        kind: Kind::Switch,
        help: "Render rows again that failed in an earlier run",
        heading: Heading::Batches,
        scope: Scope::File,
        set: |spec, value| switch(&mut spec.batch.is_retrying_failed, value),
        ..BASE
    },
    RenderOption {
        name: "manifest",
        value_name: "FILE",
        kind: Kind::Path,
        help: "Manifest file used to resume a batch",
        fallback: Fallback::Words("renders/<FILE>.manifest.jsonl"),
        heading: Heading::Batches,
        scope: Scope::File,
        is_for_single_render: true,
        set: |spec, value| put(&mut spec.batch.manifest, path(value)?),
        ..BASE
    },
    RenderOption {
        name: "docker-image",
        value_name: "IMAGE",
        help: "Image of --renderer docker, with its digest, or the ID of an image",
        details: "It must contain hyperframes-ci and its engine, as that of the Dockerfile in its repository.",
        heading: Heading::Docker,
        scope: Scope::File,
        set: |spec, value| put(&mut spec.run.docker.image, image(text(value)?)?),
        ..BASE
    },
    RenderOption {
        name: "docker-program",
        value_name: "PROGRAM",
        kind: Kind::OneOf(|| ContainerProgram::NAMES),
        help: "Program that runs containers",
        fallback: Fallback::Words("the first one that is installed"),
        heading: Heading::Docker,
        scope: Scope::File,
        set: |spec, value| put(&mut spec.run.docker.program, word(value)?),
        ..BASE
    },
    RenderOption {
        name: "chunk-size",
        value_name: "FRAMES",
        kind: Kind::Integer { min: 1, max: ChunkOptions::MAX_SIZE as i64 },
        help: "Frames of a chunk, which one machine renders",
        details: "By default, videos have --max-parallel-chunks chunks of at least 10 frames. \
                  Only supported by the lambda and cloudrun renderers. Does not change the identity of a render.",
        fallback: Fallback::Words("auto"),
        heading: Heading::Distributed,
        scope: Scope::File,
        set: |spec, value| put(&mut spec.run.chunks.size, integer(value, 1, ChunkOptions::MAX_SIZE)?.into()),
        ..BASE
    },
    RenderOption {
        name: "target-chunk-frames",
        value_name: "FRAMES",
        kind: Kind::Integer { min: 1, max: ChunkOptions::MAX_SIZE as i64 },
        help: "Frames that a chunk of a short video has at most",
        details: "A video of more than --max-parallel-chunks of them has larger chunks. \
                  Only supported by the lambda and cloudrun renderers. Does not change the identity of a render.",
        heading: Heading::Distributed,
        scope: Scope::File,
        conflicts: &["chunk-size"],
        set: |spec, value| {
            put(&mut spec.run.chunks.target, integer(value, 1, ChunkOptions::MAX_SIZE)?.into())
        },
        ..BASE
    },
    RenderOption {
        name: "max-parallel-chunks",
        value_name: "COUNT",
        kind: Kind::Integer { min: 1, max: ChunkOptions::MAX_PARALLEL as i64 },
        help: "Maximum number of concurrent chunks of a video",
        details: "Only supported by the lambda and cloudrun renderers. Does not change the identity of a render.",
        fallback: Fallback::Words("16"),
        heading: Heading::Distributed,
        scope: Scope::File,
        set: |spec, value| {
            put(&mut spec.run.chunks.max_parallel, integer(value, 1, ChunkOptions::MAX_PARALLEL)?.into())
        },
        ..BASE
    },
    RenderOption {
        name: "lambda-stack",
        value_name: "NAME",
        help: "Name of the stack created by `npx hyperframes lambda deploy`",
        details: "Its state file is read from the .hyperframes directory.",
        fallback: Fallback::Value(DEFAULT_STACK),
        heading: Heading::Lambda,
        scope: Scope::File,
        set: |spec, value| replace(&mut spec.run.lambda.stack, text(value)?.to_owned()),
        ..BASE
    },
    RenderOption {
        name: "lambda-region",
        value_name: "REGION",
        help: "AWS region, which must be that of the stack",
        details: "Overrides the environment variable AWS_REGION.",
        fallback: Fallback::Words("that of the stack"),
        heading: Heading::Lambda,
        scope: Scope::File,
        set: |spec, value| put(&mut spec.run.lambda.region, text(value)?.to_owned()),
        ..BASE
    },
    RenderOption {
        name: "lambda-profile",
        value_name: "NAME",
        help: "AWS profile with the credentials",
        details: "Overrides the environment variable AWS_PROFILE, and credentials in environment variables.",
        heading: Heading::Lambda,
        scope: Scope::File,
        set: |spec, value| put(&mut spec.run.lambda.profile, text(value)?.to_owned()),
        ..BASE
    },
    RenderOption {
        name: "lambda-version",
        value_name: "VERSION",
        help: "Version of the official tooling; must match the stack",
        fallback: Fallback::Value(LAMBDA_VERSION),
        heading: Heading::Lambda,
        scope: Scope::File,
        set: |spec, value| replace(&mut spec.run.lambda.version, version(text(value)?)?),
        ..BASE
    },
    RenderOption {
        name: "cloudrun-project",
        value_name: "ID",
        help: "Google Cloud project of the stack",
        fallback: Fallback::Words("that of the state file"),
        heading: Heading::CloudRun,
        scope: Scope::File,
        set: |spec, value| put(&mut spec.run.cloud_run.project, text(value)?.to_owned()),
        ..BASE
    },
    RenderOption {
        name: "cloudrun-region",
        value_name: "REGION",
        help: "Region of the stack's workflow",
        fallback: Fallback::Words("that of the state file"),
        heading: Heading::CloudRun,
        scope: Scope::File,
        set: |spec, value| put(&mut spec.run.cloud_run.region, text(value)?.to_owned()),
        ..BASE
    },
    RenderOption {
        name: "cloudrun-version",
        value_name: "VERSION",
        help: "Version of the official tooling; must match the stack",
        fallback: Fallback::Value(CLOUD_RUN_VERSION),
        heading: Heading::CloudRun,
        scope: Scope::File,
        set: |spec, value| replace(&mut spec.run.cloud_run.version, version(text(value)?)?),
        ..BASE
    },
    RenderOption {
        name: "http-endpoint",
        value_name: "URL",
        help: "URL of the endpoint of --renderer http",
        details: "https://, or http:// on a loopback address. The variable HYPERFRAMES_CI_HTTP_TOKEN_<HOST> is its bearer \
               token; dots of the host become _, and hyphens become __.",
        heading: Heading::Http,
        scope: Scope::File,
        set: |spec, value| put(&mut spec.run.http.endpoint, text(value)?.to_owned()),
        ..BASE
    },
    RenderOption {
        name: "http-request",
        value_name: "FORM",
        kind: Kind::OneOf(|| RequestForm::NAMES),
        help: "Form of the requests to the endpoint",
        details: "files: the files of the project, for the container of the Cloudflare template. html: one HTML file, for its \
               worker. empty: nothing, for the Vercel template. emulator: files and options, for `hyperframes-ci emulator`.",
        fallback: Fallback::Value("files"),
        heading: Heading::Http,
        scope: Scope::File,
        set: |spec, value| replace(&mut spec.run.http.form, word(value)?),
        ..BASE
    },
];
