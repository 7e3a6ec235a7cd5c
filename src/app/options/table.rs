//! The table. A new option is a row here and a member of [`RenderSpec`].

use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use hyperframes_ci_core::api::{IdempotencyKey, InvalidIdempotencyKey, Project};
use hyperframes_ci_core::job::UploadRoute;
use hyperframes_ci_core::options::{AspectRatio, Format, Quality, Resolution, UnknownValue};

use super::kind::Kind;
use crate::app::spec::{ProjectSource, RenderSpec, RendererChoice, VariableSource};
use crate::renderers;
use crate::renderers::lambda::{DEFAULT_STACK, LAMBDA_VERSION};

/// An option of a render.
pub(crate) struct RenderOption {
    /// The name of its flag, of its key in the configuration, and of the action's input.
    pub(crate) name: &'static str,
    /// The letter of its short flag.
    pub(crate) short: Option<char>,
    /// What help calls its value; derived from the name where it is empty.
    pub(crate) value_name: &'static str,
    /// What it takes.
    pub(crate) kind: Kind,
    /// One line of help.
    pub(crate) help: &'static str,
    /// What holds where nobody sets it.
    pub(crate) fallback: Fallback,
    /// Where help lists it.
    pub(crate) heading: Heading,
    /// Where it can be set beside the command line.
    pub(crate) scope: Scope,
    /// Options that it excludes.
    pub(crate) conflicts: &'static [&'static str],
    /// Whether it is for one render and not for those that the configuration names.
    pub(crate) is_for_one: bool,
    /// Puts a value into a specification.
    pub(crate) set: fn(&mut RenderSpec, &OsStr) -> Result<(), String>,
}

/// What holds where nobody sets an option.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fallback {
    /// Nothing.
    None,
    /// A value of ours.
    Value(&'static str),
    /// A value of the server's.
    Server(&'static str),
    /// Something that is best said in words.
    Words(&'static str),
}

/// Where help lists an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heading {
    /// Under "Options".
    Options,
    /// Which earlier renders may be used.
    EarlierRenders,
    /// What a render may cost.
    Limits,
    /// For batches only.
    Batches,
    /// For Lambda.
    Lambda,
}

impl Heading {
    /// The heading; `None` for the first.
    pub(crate) fn title(self) -> Option<&'static str> {
        match self {
            Self::Options => None,
            Self::EarlierRenders => Some("Earlier renders"),
            Self::Limits => Some("Limits"),
            Self::Batches => Some("Batches"),
            Self::Lambda => Some("Lambda"),
        }
    }
}

/// Where an option can be set beside the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Nowhere: it is for one run.
    Run,
    /// For one run, and as an input of the action.
    RunAndInput,
    /// In the configuration and the environment.
    File,
    /// In the configuration, the environment, and as an input of the action.
    FileAndInput,
    /// In an entry of the configuration only, under another name.
    Entry(&'static str),
}

impl Scope {
    /// Whether it is a key of `[defaults]` and `[[render]]`, and a variable of the environment.
    pub(crate) fn is_key(self) -> bool {
        matches!(self, Self::File | Self::FileAndInput)
    }

    /// Whether it is an input of the action that means the same.
    pub(crate) fn is_input(self) -> bool {
        matches!(self, Self::RunAndInput | Self::FileAndInput)
    }
}

impl fmt::Debug for RenderOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl RenderOption {
    /// The name in the configuration.
    pub(crate) fn key(&self) -> &'static str {
        match self.scope {
            Scope::Entry(name) => name,
            _ => self.name,
        }
    }

    /// The variable of the environment that sets it as well.
    pub(crate) fn variable(&self) -> String {
        format!("HYPERFRAMES_CI_{}", self.name.to_ascii_uppercase().replace('-', "_"))
    }

    /// The help with what the server does, but without a value of ours.
    pub(crate) fn description(&self) -> String {
        match self.fallback {
            Fallback::None | Fallback::Value(_) => self.help.to_owned(),
            Fallback::Server(value) => format!("{} [server default: {value}]", self.help),
            Fallback::Words(words) => format!("{} [default: {words}]", self.help),
        }
    }

    /// What holds where nobody sets it, for people.
    pub(crate) fn default(&self) -> &'static str {
        match self.fallback {
            Fallback::None if self.kind.is_switch() => "false",
            Fallback::None => "",
            Fallback::Value(value) | Fallback::Server(value) | Fallback::Words(value) => value,
        }
    }

    /// Whether it and another one exclude each other.
    pub(crate) fn excludes(&self, other: &Self) -> bool {
        self.conflicts.contains(&other.name) || other.conflicts.contains(&self.name)
    }
}

/// The option of this name.
pub(crate) fn option(name: &str) -> Option<&'static RenderOption> {
    OPTIONS.iter().find(|option| option.name == name)
}

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
    is_for_one: false,
    set: |_, _| Ok(()),
};

/// All options, in the order of the help.
pub(crate) static OPTIONS: &[RenderOption] = &[
    RenderOption {
        name: "asset-id",
        value_name: "ID",
        help: "Render an archive that is uploaded already",
        scope: Scope::Run,
        is_for_one: true,
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
        is_for_one: true,
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
        is_for_one: true,
        set: |spec, value| put(&mut spec.request.composition, text(value)?.to_owned()),
        ..BASE
    },
    RenderOption {
        name: "fps",
        kind: Kind::Whole { least: 1, most: 240 },
        help: "Frames per second, 1 to 240",
        fallback: Fallback::Server("30"),
        set: |spec, value| put(&mut spec.request.fps, whole(value, 1, 240)?),
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
        set: |spec, value| put(&mut spec.variables, VariableSource::File(value.into())),
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
        set: |spec, value| put(&mut spec.output, PathBuf::from(value)),
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
        help: "How long to wait for the render, in minutes; also how long to try to submit it, and to download it",
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
                _ => UploadRoute::Auto,
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
        is_for_one: true,
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
                    renderers::named(name).ok_or_else(|| "is unknown".to_owned())?.description().name,
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
        fallback: Fallback::Value("30"),
        heading: Heading::EarlierRenders,
        set: |spec, value| replace(&mut spec.run.reuse.window, seconds(number(value, 0.0)? * 86_400.0)?),
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
        set: |spec, value| put(&mut spec.run.reuse.ledger, PathBuf::from(value)),
        ..BASE
    },
    RenderOption {
        name: "max-renders",
        value_name: "COUNT",
        kind: Kind::COUNT,
        help: "Submit no more than so many renders; 0 uses what is there, or fails with exit code 6",
        heading: Heading::Limits,
        set: |spec, value| put(&mut spec.limits.max_renders, whole(value, 0, u64::MAX)?),
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
        help: "Render each row of a file: JSON Lines, a JSON array, {\"rows\": […]}, or CSV with a header. A row is variables, or \
               {\"variables\", \"output\", \"title\", \"fps\", …}",
        heading: Heading::Batches,
        scope: Scope::Entry("rows"),
        conflicts: &["asset-id", "url", "no-wait"],
        is_for_one: true,
        set: |spec, value| put(&mut spec.batch.rows, PathBuf::from(value)),
        ..BASE
    },
    RenderOption {
        name: "concurrency",
        value_name: "COUNT",
        kind: Kind::Whole { least: 1, most: 64 },
        help: "Rows at a time",
        fallback: Fallback::Words("8 in the cloud, what processors and memory bear on this machine"),
        heading: Heading::Batches,
        scope: Scope::File,
        set: |spec, value| put(&mut spec.run.concurrency, usize::from(whole::<u16>(value, 1, 64)?)),
        ..BASE
    },
    RenderOption {
        name: "keep-going",
        kind: Kind::Switch,
        help: "Render the other rows where some are of no use",
        heading: Heading::Batches,
        scope: Scope::File,
        set: |spec, value| switch(&mut spec.batch.is_keeping_going, value),
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
        kind: Kind::COUNT,
        help: "Submit nothing more after so many rows that failed",
        heading: Heading::Batches,
        scope: Scope::File,
        set: |spec, value| put(&mut spec.batch.max_failures, whole(value, 0, u64::MAX)?),
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
        is_for_one: true,
        set: |spec, value| put(&mut spec.batch.manifest, PathBuf::from(value)),
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

fn put<T>(member: &mut Option<T>, value: T) -> Result<(), String> {
    *member = Some(value);
    Ok(())
}

fn replace<T>(member: &mut T, value: T) -> Result<(), String> {
    *member = value;
    Ok(())
}

fn switch(member: &mut bool, value: &OsStr) -> Result<(), String> {
    *member = match text(value)?.trim() {
        "true" | "1" => true,
        "false" | "0" => false,
        _ => return Err("is true or false".to_owned()),
    };
    Ok(())
}

fn text(value: &OsStr) -> Result<&str, String> {
    value.to_str().ok_or_else(|| "is not valid Unicode".to_owned())
}

fn word<T: std::str::FromStr<Err = UnknownValue>>(value: &OsStr) -> Result<T, String> {
    text(value)?.parse::<T>().map_err(|error| format!("is one of {}", error.allowed.join(", ")))
}

/// A whole number between two bounds.
fn whole<T>(value: &OsStr, least: T, most: T) -> Result<T, String>
where
    T: std::str::FromStr + PartialOrd + fmt::Display + Copy + Into<u64> + TryFrom<u64>,
{
    let parsed = text(value)?.trim().parse().ok().filter(|number| *number >= least && *number <= most);
    parsed.ok_or_else(|| match most.into() {
        u64::MAX => format!("must be a whole number of {least} or more"),
        most => format!("must be a whole number from {least} to {most}"),
    })
}

/// A number of at least `least`, without a sign, an exponent or words such as "inf".
fn number(value: &OsStr, least: f64) -> Result<f64, String> {
    let text = text(value)?.trim();
    let digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value = text.parse::<f64>().ok().filter(|value| digits && *value >= least);
    value.ok_or_else(|| format!("must be a number of {least} or more"))
}

fn seconds(seconds: f64) -> Result<Duration, String> {
    Duration::try_from_secs_f64(seconds).map_err(|_| "is too large".to_owned())
}

/// An HTTPS URL.
pub(crate) fn https_url(text: &str) -> Result<String, String> {
    let uri = text.parse::<ureq::http::Uri>().ok();
    let usable = uri.is_some_and(|uri| uri.scheme_str() == Some("https") && uri.host().is_some());
    if usable { Ok(text.to_owned()) } else { Err("must be an https:// URL".to_owned()) }
}

/// A version of a package: three numbers, and no range, tag or address.
fn version(text: &str) -> Result<String, String> {
    let parts = text.split('.').collect::<Vec<_>>();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_version = parts.len() == 3 && parts.iter().all(is_number);
    if is_version { Ok(text.to_owned()) } else { Err("must be a version such as 1.2.3".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, value: &str) -> Result<RenderSpec, String> {
        let mut spec = RenderSpec::default();
        let option = option(name).expect("an option");
        (option.set)(&mut spec, OsStr::new(value)).map(|()| spec)
    }

    #[test]
    fn defaults_are_those_of_the_specification() {
        for option in OPTIONS {
            if let Fallback::Value(value) = option.fallback {
                assert_eq!(check(option.name, value), Ok(RenderSpec::default()), "{}", option.name);
            }
        }
    }

    #[test]
    fn words_are_those_that_are_taken() {
        for option in OPTIONS {
            if let Kind::OneOf(words) = option.kind {
                for word in words() {
                    assert!(check(option.name, word).is_ok(), "{} {word}", option.name);
                }
                assert!(
                    check(option.name, "nonsense").is_err() || option.name == "upload",
                    "{}",
                    option.name
                );
            }
        }
    }

    #[test]
    fn conflicts_are_options() {
        for option in OPTIONS {
            assert!(option.conflicts.iter().all(|name| super::option(name).is_some()), "{}", option.name);
        }
    }

    #[test]
    fn numbers_with_something_behind_them_are_refused() {
        for bad in ["0", "241", "30abc", "", "-1", "29.97", "1e2"] {
            assert!(check("fps", bad).is_err(), "{bad}");
        }
        assert_eq!(check("fps", "240").map(|spec| spec.request.fps), Ok(Some(240)));
        for bad in ["0.5", "10abc", "inf", "NaN", "1e5", "-3", "99999999999999999999999"] {
            assert!(check("poll-interval", bad).is_err(), "{bad}");
        }
        let poll = check("poll-interval", "2.5").map(|spec| spec.run.poll_interval);
        assert_eq!(poll, Ok(Duration::from_millis(2500)));
        assert_eq!(check("max-wait", "0.5").map(|spec| spec.run.max_wait), Ok(Duration::from_secs(30)));
    }

    #[test]
    fn urls_are_https() {
        assert!(https_url("https://hooks.example/x?y=1").is_ok());
        for bad in ["http://hooks.example", "ftp://x", "hooks.example", "https://", "javascript:alert(1)"] {
            assert!(https_url(bad).is_err(), "{bad}");
        }
    }
}
