//! The table of options. A new option is a row here and a member of [`RenderSpec`](crate::app::spec::RenderSpec).

use hyperframes_ci_core::api::{IdempotencyKey, InvalidIdempotencyKey, Project};
use hyperframes_ci_core::job::UploadRoute;
use hyperframes_ci_core::options::{AspectRatio, Format, Quality, Resolution};

use super::kind::Kind;
use super::option::{Fallback, Heading, RenderOption, Scope};
use super::parse::{https_url, integer, number, path, put, replace, seconds, switch, text, version, word};
use crate::app::spec::{ProjectSource, RendererChoice, VariableSource};
use crate::renderers;
use crate::renderers::lambda::{DEFAULT_STACK, LAMBDA_VERSION};

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
    fallback: Fallback::None,
    heading: Heading::Options,
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
        help: "Render an archive that is uploaded already",
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
        help: "Render an archive at a public HTTPS URL",
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
        help: "Entry HTML inside the project",
        fallback: Fallback::Words("index.html"),
        scope: Scope::File,
        is_for_single_render: true,
        set: |spec, value| put(&mut spec.request.composition, text(value)?.to_owned()),
        ..BASE
    },
    RenderOption {
        name: "fps",
        kind: Kind::Integer { min: 1, max: 240 },
        help: "Frames per second, 1 to 240",
        fallback: Fallback::Server("30"),
        set: |spec, value| put(&mut spec.request.fps, integer(value, 1, 240)?),
        ..BASE
    },
    RenderOption {
        name: "quality",
        kind: Kind::OneOf(|| Quality::NAMES),
        help: "Encoder preset",
        fallback: Fallback::Server("standard"),
        set: |spec, value| put(&mut spec.request.quality, word(value)?),
        ..BASE
    },
    RenderOption {
        name: "format",
        kind: Kind::OneOf(|| Format::NAMES),
        help: "Container; webm and mov carry alpha",
        fallback: Fallback::Server("mp4"),
        set: |spec, value| put(&mut spec.request.format, word(value)?),
        ..BASE
    },
    RenderOption {
        name: "resolution",
        kind: Kind::OneOf(|| Resolution::NAMES),
        help: "Output tier; 4k is billed at 1.5x and is mp4 only",
        fallback: Fallback::Server("1080p"),
        set: |spec, value| put(&mut spec.request.resolution, word(value)?),
        ..BASE
    },
    RenderOption {
        name: "aspect-ratio",
        kind: Kind::OneOf(|| AspectRatio::NAMES),
        help: "Output shape; found out from the composition, and refused where it contradicts it",
        set: |spec, value| put(&mut spec.request.aspect_ratio, word(value)?),
        ..BASE
    },
    RenderOption {
        name: "variables",
        value_name: "JSON",
        kind: Kind::Values,
        help: "Values for the composition's variables, as a JSON object",
        conflicts: &["variables-file"],
        set: |spec, value| put(&mut spec.variables, VariableSource::Inline(text(value)?.to_owned())),
        ..BASE
    },
    RenderOption {
        name: "variables-file",
        value_name: "FILE",
        kind: Kind::Path,
        help: "A file with values for the composition's variables",
        set: |spec, value| put(&mut spec.variables, VariableSource::File(path(value)?)),
        ..BASE
    },
    RenderOption {
        name: "strict-variables",
        kind: Kind::Switch,
        help: "Fail where a value is undeclared or of the wrong type, instead of warning",
        set: |spec, value| switch(&mut spec.has_strict_variables, value),
        ..BASE
    },
    RenderOption {
        name: "title",
        help: "Label of the render, echoed back in details",
        set: |spec, value| put(&mut spec.request.title, text(value)?.to_owned()),
        ..BASE
    },
    RenderOption {
        name: "callback-url",
        value_name: "URL",
        help: "HTTPS webhook, called when the render ends, whether or not anybody waits",
        set: |spec, value| put(&mut spec.request.callback_url, https_url(text(value)?)?),
        ..BASE
    },
    RenderOption {
        name: "callback-id",
        value_name: "ID",
        help: "Tracking id, echoed back in webhooks and details",
        set: |spec, value| put(&mut spec.request.callback_id, text(value)?.to_owned()),
        ..BASE
    },
    RenderOption {
        name: "data",
        short: Some('d'),
        value_name: "JSON|FILE|-",
        help: "Base request body as JSON, a file, or - for standard input; flags override it",
        scope: Scope::Run,
        set: |spec, value| put(&mut spec.base, text(value)?.to_owned()),
        ..BASE
    },
    RenderOption {
        name: "output",
        short: Some('o'),
        value_name: "FILE",
        kind: Kind::Path,
        help: "Where the video goes",
        fallback: Fallback::Words("renders/RENDER_ID.FORMAT"),
        scope: Scope::File,
        set: |spec, value| put(&mut spec.output, path(value)?),
        ..BASE
    },
    RenderOption {
        name: "wait",
        kind: Kind::Switch,
        help: "Wait for the video and download it; this is the default",
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
        help: "Submit and exit with the render id",
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
        help: "Longest pause between two polls, in seconds; polling starts faster",
        fallback: Fallback::Value("10"),
        set: |spec, value| replace(&mut spec.run.poll_interval, seconds(number(value, 1.0)?)?),
        ..BASE
    },
    RenderOption {
        name: "max-wait",
        value_name: "MINUTES",
        kind: Kind::Number(0.0001),
        help: "Time limit in minutes, from the start of a render to its video; for each row of a batch",
        fallback: Fallback::Value("60"),
        set: |spec, value| replace(&mut spec.run.max_wait, seconds(number(value, 0.0001)? * 60.0)?),
        ..BASE
    },
    RenderOption {
        name: "dry-run",
        kind: Kind::Switch,
        help: "Check and pack, and say what would be uploaded; needs no credential",
        scope: Scope::Run,
        set: |spec, value| switch(&mut spec.is_dry_run, value),
        ..BASE
    },
    RenderOption {
        name: "upload",
        kind: Kind::OneOf(|| &["auto", "direct", "proxy"]),
        help: "How the archive travels: direct (200 MB), through the API (32 MB), or whichever the server offers",
        fallback: Fallback::Value("auto"),
        set: |spec, value| {
            spec.run.upload = match text(value)? {
                "direct" => UploadRoute::Direct,
                "proxy" => UploadRoute::Proxy,
                "auto" => UploadRoute::Auto,
                _ => return Err("is one of auto, direct, proxy".to_owned()),
            };
            Ok(())
        },
        ..BASE
    },
    RenderOption {
        name: "idempotency-key",
        value_name: "KEY",
        help: "Idempotency-Key of the upload and the submission",
        fallback: Fallback::Words("made of what is uploaded and rendered"),
        scope: Scope::RunAndInput,
        is_for_single_render: true,
        set: |spec, value| {
            let key = text(value)?.parse::<IdempotencyKey>();
            put(&mut spec.idempotency_key, key.map_err(|error: InvalidIdempotencyKey| error.to_string())?)
        },
        ..BASE
    },
    RenderOption {
        name: "renderer",
        kind: Kind::OneOf(renderers::names),
        help: "Who renders; auto is the cloud with a credential, otherwise this machine",
        fallback: Fallback::Value(renderers::AUTO),
        scope: Scope::FileAndInput,
        set: |spec, value| {
            spec.renderer = match text(value)? {
                renderers::AUTO => RendererChoice::Auto,
                name => RendererChoice::Named(
                    renderers::named(name)
                        .ok_or_else(|| format!("is one of {}", renderers::names().join(", ")))?
                        .description()
                        .name,
                ),
            };
            Ok(())
        },
        ..BASE
    },
    RenderOption {
        name: "emulator",
        kind: Kind::Switch,
        help: "Run the whole cloud flow against the built-in server on this machine; needs no account",
        scope: Scope::Run,
        conflicts: &["renderer", "asset-id", "url", "no-wait"],
        set: |spec, _| replace(&mut spec.renderer, RendererChoice::Emulated),
        ..BASE
    },
    RenderOption {
        name: "verify",
        kind: Kind::Switch,
        help: "Fail where the video is not what was asked for (container, size, shape, frame rate, length), instead of warning",
        set: |spec, value| switch(&mut spec.must_match, value),
        ..BASE
    },
    RenderOption {
        name: "no-reuse",
        kind: Kind::Switch,
        help: "Submit a new render even where there is an equal one",
        heading: Heading::EarlierRenders,
        set: |spec, value| switch(&mut spec.run.reuse.is_off, value),
        ..BASE
    },
    RenderOption {
        name: "reuse-window",
        value_name: "DAYS",
        kind: Kind::Number(0.0),
        help: "How old a render may be to be used again, in days",
        heading: Heading::EarlierRenders,
        set: |spec, value| {
            replace(&mut spec.run.reuse.window, Some(seconds(number(value, 0.0)? * 86_400.0)?))
        },
        ..BASE
    },
    RenderOption {
        name: "ledger",
        value_name: "FILE",
        kind: Kind::Path,
        help: "Where it is written down what was uploaded and submitted",
        fallback: Fallback::Words("ledger.jsonl in the cache"),
        heading: Heading::EarlierRenders,
        scope: Scope::File,
        set: |spec, value| put(&mut spec.run.reuse.ledger, path(value)?),
        ..BASE
    },
    RenderOption {
        name: "max-renders",
        value_name: "COUNT",
        kind: Kind::COUNT,
        help: "Maximum number of new billed renders; 0 uses existing ones only, or fails with exit code 6",
        heading: Heading::Limits,
        set: |spec, value| put(&mut spec.limits.max_renders, integer(value, 0, u64::MAX)?),
        ..BASE
    },
    RenderOption {
        name: "max-seconds",
        value_name: "SECONDS",
        kind: Kind::Number(0.0),
        help: "Submit no more than so many seconds of video; 4k counts 1.5 times",
        heading: Heading::Limits,
        set: |spec, value| put(&mut spec.limits.max_seconds, number(value, 0.0)?),
        ..BASE
    },
    RenderOption {
        name: "min-balance",
        value_name: "AMOUNT",
        kind: Kind::Number(0.0),
        help: "Submit nothing unless so much is left to spend, in the unit that the account is billed in",
        heading: Heading::Limits,
        set: |spec, value| put(&mut spec.limits.min_balance, number(value, 0.0)?),
        ..BASE
    },
    RenderOption {
        name: "batch",
        value_name: "FILE",
        kind: Kind::Path,
        help: "Render each row of a file: JSON Lines, a JSON array, {\"rows\": […]}, or CSV or TSV with a header; - reads standard \
               input. A row is variables, or {\"variables\", \"output\", \"title\", \"fps\", …}",
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
        help: "Rows at a time; in the cloud, renders that are submitted and not ended",
        fallback: Fallback::Words(
            "8 submissions and up to 400 running renders in the cloud, what processors and memory bear on this machine",
        ),
        heading: Heading::Batches,
        scope: Scope::File,
        set: |spec, value| put(&mut spec.run.concurrency, usize::from(integer::<u16>(value, 1, 64)?)),
        ..BASE
    },
    RenderOption {
        name: "keep-going",
        kind: Kind::Switch,
        help: "Render the valid rows if others are invalid",
        heading: Heading::Batches,
        scope: Scope::File,
        set: |spec, value| switch(&mut spec.batch.skips_invalid_rows, value),
        ..BASE
    },
    RenderOption {
        name: "fail-fast",
        kind: Kind::Switch,
        help: "Submit nothing more after the first row that fails",
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
        help: "Submit nothing more after so many rows that failed",
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
        help: "What became of each row, for going on",
        fallback: Fallback::Words("renders/FILE.manifest.jsonl"),
        heading: Heading::Batches,
        scope: Scope::File,
        is_for_single_render: true,
        set: |spec, value| put(&mut spec.batch.manifest, path(value)?),
        ..BASE
    },
    RenderOption {
        name: "lambda-stack",
        value_name: "NAME",
        help: "The stack that `npx hyperframes lambda deploy` has deployed, by its file in .hyperframes",
        fallback: Fallback::Value(DEFAULT_STACK),
        heading: Heading::Lambda,
        scope: Scope::File,
        set: |spec, value| replace(&mut spec.run.lambda.stack, text(value)?.to_owned()),
        ..BASE
    },
    RenderOption {
        name: "lambda-version",
        value_name: "VERSION",
        help: "Version of the official tooling, which should be that of the stack",
        fallback: Fallback::Value(LAMBDA_VERSION),
        heading: Heading::Lambda,
        scope: Scope::File,
        set: |spec, value| replace(&mut spec.run.lambda.version, version(text(value)?)?),
        ..BASE
    },
];
