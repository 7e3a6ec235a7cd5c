//! Snapshots of errors: one message of every code, as the console prints it. `cargo xtask bless` updates them.
//!
//! The suite `snapshots` compares the files with the codes in the sources, so that a new code needs a sample here.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyperframes_ci_core::api::{ApiError, Product};
use hyperframes_ci_core::archive::ArchiveError;
use hyperframes_ci_core::diff::{FailOn, GoldenError};
use hyperframes_ci_core::findings::{Diagnostic, Findings, Rule};
use hyperframes_ci_core::generated::Lock;
use hyperframes_ci_core::job::{Failure, FailureKind, Refusal, Stage};
use hyperframes_ci_core::text::Span;
use hyperframes_ci_core::video::VideoError;
use snapbox::Data;
use snapbox::data::DataFormat;

use crate::action::ActionError;
use crate::app::config::ConfigError;
use crate::app::diff::DiffError;
use crate::app::failure::{
    ArchiveTooLarge, BatchFailed, CheckFailed, CollectFailed, Declined, DiffFailed, EntriesFailed,
    InvalidRows, NotRepeatable, PreflightFailed,
};
use crate::app::init::InitError;
use crate::app::media::MediaError;
use crate::app::publish::PublishError;
use crate::app::sign_in::SignInError;
use crate::app::webhook::WebhookError;
use crate::ci::ProviderError;
use crate::emulator::EmulatorError;
use crate::engine::EngineError;
use crate::fault::{Error, Exit, Location};
use crate::heygen::auth::{CallbackError, CredentialError, NoCredential, OAuthError};
use crate::heygen::transport::{ApiBase, CallError};
use crate::project::changes::ChangesError;
use crate::project::collect::ProjectError;
use crate::project::remote_branch::RemoteError;
use crate::project::{PackError, input};
use crate::renderers::LedgerFile;
use crate::renderers::cloudrun;
use crate::renderers::docker::DockerError;
use crate::renderers::http::HttpError;
use crate::renderers::lambda;
use crate::renderers::serverless::ServerlessError;
use crate::renderers::verify::Mismatch;
use crate::system::edit::EditError;
use crate::system::gate::Reach;
use crate::system::output::OutputError;
use crate::system::output_place::OutputRefusal;
use crate::system::programs::ProgramError;
use crate::system::sandbox::{Excess, SandboxError};

/// Returns an error of the system whose text is the same everywhere.
fn denied() -> io::Error {
    io::ErrorKind::PermissionDenied.into()
}

fn path(path: &str) -> PathBuf {
    PathBuf::from(path)
}

/// Returns the answer of the API with a status and a code.
fn answer(status: u16, code: &str, message: &str) -> Box<ApiError> {
    Box::new(ApiError {
        status,
        code: code.to_owned(),
        message: message.to_owned(),
        param: None,
        doc_url: None,
        request_id: Some("req_123".to_owned()),
        retry_after: None,
    })
}

/// Returns the failure of a render.
fn failure(stage: Stage, render: Option<&str>, kind: FailureKind) -> Box<Failure> {
    Box::new(Failure {
        product: Product::Render,
        stage,
        render_id: render.map(str::to_owned),
        detail: None,
        kind,
    })
}

/// Errors of the application and the command line.
fn application() -> Vec<Error> {
    let mut findings = Findings::default();
    findings.diagnostics.push(Diagnostic::new(Rule::MissingAsset, "index.html", "file not found: a.png"));
    let folder = tempfile::tempdir().expect("a folder");
    vec![
        Error::usage("--fps must be a number from 1 to 240", "pass --fps 30"),
        ConfigError::Unreadable(path("hyperframes-ci.toml"), denied()).into(),
        ConfigError::Invalid(
            vec!["hyperframes-ci.toml:1:1: unknown key \"x\"".to_owned()],
            Location { path: path("hyperframes-ci.toml"), line: 1 },
        )
        .into(),
        ConfigError::NotFound(path("hyperframes-ci.toml")).into(),
        ConfigError::Missing(path("hyperframes-ci.toml")).into(),
        PreflightFailed(findings).into(),
        CheckFailed { errors: 2 }.into(),
        DiffFailed { failing: 1, total: 3, is_incomplete: false, gate: FailOn::Changed }.into(),
        DiffFailed { failing: 2, total: 3, is_incomplete: true, gate: FailOn::Any }.into(),
        DiffError::Unreadable(path("head.mp4"), denied()).into(),
        DiffError::NoFrames(path("head.mp4")).into(),
        DiffError::NoGolden(path("golden/launch.golden")).into(),
        DiffError::Golden(path("golden/launch.golden"), GoldenError::Newer(3)).into(),
        DiffError::Golden(path("golden/launch.golden"), GoldenError::Damaged).into(),
        DiffError::SameGolden("launch.a".to_owned()).into(),
        DiffError::Decode(path("head.mp4"), "Invalid data found".to_owned()).into(),
        MediaError::NotCurrent { count: 1, total: 3 }.into(),
        MediaError::NotAdoptable {
            file: "assets/voice.mp3".to_owned(),
            reason: "file not found: assets/voice.mp3".to_owned(),
        }
        .into(),
        MediaError::NotFetched { count: 1, total: 3 }.into(),
        MediaError::NotPushed { count: 1, total: 3 }.into(),
        RemoteError::Foreign { branch: "gh-pages".to_owned(), remote: "origin".to_owned() }.into(),
        RemoteError::NoGit(io::ErrorKind::NotFound.into()).into(),
        RemoteError::NoRemote("origin".to_owned()).into(),
        RemoteError::Failed {
            branch: "hyperframes-previews".to_owned(),
            remote: "origin".to_owned(),
            message: "fatal: Authentication failed".to_owned(),
        }
        .into(),
        MediaError::NotReady { count: 1, total: 3 }.into(),
        MediaError::NotGenerated { failed: 1, total: 3, unconfirmed: 0, exit: Exit::General }.into(),
        MediaError::NotGenerated { failed: 1, total: 3, unconfirmed: 1, exit: Exit::General }.into(),
        MediaError::Limit(Refusal::Media { seconds: 90.0, most: 60.0 }).into(),
        MediaError::Limit(Refusal::Cost { usd: 0.03, most: 0.01 }).into(),
        MediaError::NoLedger.into(),
        MediaError::Lock(
            path("hyperframes-ci.lock"),
            Lock::parse("version = 1\n<<<<<<< HEAD\n").expect_err("a conflict"),
        )
        .into(),
        MediaError::Unreadable(path("hyperframes-ci.lock"), denied()).into(),
        MediaError::NoEntries(path("hyperframes-ci.toml")).into(),
        EngineError::NotLinted("exit status: 1: SyntaxError".to_owned()).into(),
        EditError::Changed(path("index.html")).into(),
        EditError::Failed(path("index.html"), denied()).into(),
        ArchiveTooLarge {
            size: 300 << 20,
            limit: 200 << 20,
            largest: vec!["a.mp4 (290.0 MB)".to_owned(), "b.mp4 (10.0 MB)".to_owned()],
        }
        .into(),
        ArchiveTooLarge { size: (1 << 20) + 1, limit: 1 << 20, largest: Vec::new() }.into(),
        InvalidRows { count: 2, first: vec!["row 1: title must be a string".to_owned()], is_skippable: true }
            .into(),
        BatchFailed { failed: 1, not_submitted: 2, rows: 10, is_timeout: false, is_reuse_off: false }.into(),
        BatchFailed { failed: 0, not_submitted: 2, rows: 10, is_timeout: true, is_reuse_off: false }.into(),
        EntriesFailed { failed: 1, total: 3, exit: Exit::General, has_started: true }.into(),
        CollectFailed { failed: 1, total: 3 }.into(),
        Declined.into(),
        InitError::Declined.into(),
        InitError::NoDirectory(path("videos")).into(),
        InitError::Refused(path("hyperframes-ci.toml"), OutputRefusal::LeadsOut("the repository".to_owned()))
            .into(),
        ActionError::NoProvider.into(),
        ActionError::Failed { renders: 1, findings: 2, is_limit: false }.into(),
        ActionError::Different {
            failed: DiffFailed { failing: 1, total: 3, is_incomplete: false, gate: FailOn::Changed },
            reason: Some("the pull request does not have the label".to_owned()),
        }
        .into(),
        Mismatch(vec!["the video has 25 fps instead of 30".to_owned()]).into(),
        NotRepeatable {
            differences: vec!["render 2: changed, 9 of 60 frames, 1.20–1.50 s".to_owned()],
            has_cause: true,
        }
        .into(),
        crate::app::batch::Manifest::open(folder.path(), 1).expect_err("a folder").into(),
        LedgerFile::check_kind(folder.path()).expect_err("a folder").into(),
    ]
}

/// Errors of signing in, and of credentials.
fn sign_in() -> Vec<Error> {
    let file = || path("credentials");
    let rejected = || CallError::Api(answer(401, "unauthorized", "Invalid API key"));
    let mut errors: Vec<Error> = [
        SignInError::NotInteractive,
        SignInError::RemoteSession,
        SignInError::NoHome,
        SignInError::Callback(CallbackError::TimedOut(Duration::from_secs(300))),
        SignInError::Callback(CallbackError::Denied("access_denied".to_owned())),
        SignInError::Callback(CallbackError::NoCode),
        SignInError::OAuth(OAuthError::Refused("invalid_grant".to_owned())),
        SignInError::OAuth(OAuthError::Unreachable("connection refused".to_owned())),
        SignInError::Key(denied()),
        SignInError::NoKey,
        SignInError::Rejected(rejected()),
        SignInError::Unverified(CallError::TimedOut),
        SignInError::NoSession,
        SignInError::Declined,
    ]
    .map(Error::from)
    .into();
    let credentials = [
        CredentialError::ControlCharacters("HEYGEN_API_KEY".to_owned()),
        CredentialError::Unexpanded("HEYGEN_API_KEY".to_owned(), "$(HEYGEN_API_KEY)".to_owned()),
        CredentialError::Unreadable(file(), denied()),
        CredentialError::Corrupt(file(), "expected value at line 1 column 1".to_owned()),
        CredentialError::Unwritable(file(), denied()),
        CredentialError::Expired(file()),
    ];
    errors.extend(credentials.map(Error::from));
    errors.push(NoCredential.into());
    errors
}

/// Errors of calls and of renders in the cloud.
fn cloud() -> Vec<Error> {
    let calls = [
        CallError::Api(answer(404, "hyperframes_render_not_found", "Render not found")),
        CallError::Api(answer(429, "rate_limit_exceeded", "Too many requests")),
        CallError::Malformed { message: "the body is a web page".to_owned(), is_cut: false },
        CallError::Unreachable("connection refused".to_owned()),
        CallError::TimedOut,
    ];
    let render = Some("hfr_123");
    let failures = [
        failure(
            Stage::Submit,
            None,
            FailureKind::Api(answer(402, "insufficient_credit", "Insufficient credit")),
        ),
        failure(Stage::CreateUpload, None, FailureKind::Malformed("expected an object".to_owned())),
        failure(Stage::Poll, render, FailureKind::Unreachable("connection refused".to_owned())),
        failure(Stage::Upload, None, FailureKind::Storage(answer(403, "http_403", "AccessDenied"))),
        failure(Stage::Upload, None, FailureKind::TooLarge { size: 300 << 20, limit: 32 << 20 }),
        failure(Stage::Poll, render, FailureKind::RenderFailed("out of memory".to_owned())),
        failure(Stage::Poll, render, FailureKind::Deleted),
        failure(Stage::Poll, render, FailureKind::NotFound),
        failure(
            Stage::Poll,
            render,
            FailureKind::TimedOut {
                waited: Duration::from_secs(60),
                reason: Some("HTTP 503".to_owned()),
                is_unknown: false,
            },
        ),
        failure(
            Stage::Submit,
            None,
            FailureKind::TimedOut { waited: Duration::from_secs(60), reason: None, is_unknown: false },
        ),
        failure(Stage::Download, render, FailureKind::NoVideo),
        failure(Stage::Download, render, FailureKind::NotSaved("the disk is full".to_owned())),
        failure(Stage::Submit, None, FailureKind::EqualFailed),
        failure(Stage::Submit, None, FailureKind::KeyUsed("my-key".to_owned())),
        Failure::refused(Refusal::Renders { renders: 12, most: 10 }),
        Failure::refused(Refusal::Seconds { seconds: Some(90.0), most: 60.0 }),
        Failure::refused(Refusal::Seconds { seconds: None, most: 60.0 }),
        Failure::refused(Refusal::Balance { balance: Some(3.0), least: 10.0 }),
    ];
    let invalid_base = ApiBase::parse("ftp://example.com").expect_err("invalid");
    let errors = calls.into_iter().map(Error::from).chain(failures.into_iter().map(Error::from));
    errors.chain([invalid_base.into()]).collect()
}

/// Errors of projects, files and CI services.
fn files() -> Vec<Error> {
    let project = || path("videos/launch");
    let changed = ArchiveError::Changed { expected: 100, found: 90 };
    vec![
        ProjectError::Missing(project()).into(),
        ProjectError::NotADirectory(path("videos/launch/index.html")).into(),
        ProjectError::Unreadable(project(), denied()).into(),
        ProjectError::NotUnicode(project()).into(),
        PackError::File(path("videos/launch/a.png"), changed).into(),
        PackError::File(path("videos/launch/a.png"), ArchiveError::Read(denied())).into(),
        PackError::Archive(denied()).into(),
        input::text_of("--variables-file", Path::new("absent.json"), &Reach::anywhere(), 1)
            .expect_err("absent")
            .into(),
        input::from_text("--variables", "{\"title\": Hello}").expect_err("invalid").into(),
        input::from_text("--variables", "[1]").expect_err("an array").into(),
        unknown_duration().into(),
        ChangesError::NoGit(io::ErrorKind::NotFound.into()).into(),
        ChangesError::UnknownRevision("mian".to_owned()).into(),
        ChangesError::Unmerged(["videos/launch/index.html".to_owned()].into()).into(),
        ChangesError::Failed("fatal: bad object".to_owned()).into(),
        OutputError::Refused(path("out"), OutputRefusal::Directory).into(),
        OutputError::NotWritable(path("out"), denied()).into(),
        crate::ui::OutputError(io::ErrorKind::StorageFull.into()).into(),
        ProviderError::Event("the event has no pull request".to_owned()).into(),
        ProviderError::Runner(path("summary.md"), denied()).into(),
        ProviderError::Forbidden("pull-requests: write".to_owned()).into(),
        ProviderError::NotFound(
            "the release of the tag v1 was not found".to_owned(),
            "create the release first",
        )
        .into(),
        ProviderError::RateLimited("the comment: HTTP 403".to_owned(), Duration::from_secs(3_200)).into(),
        ProviderError::Immutable(
            "the release of the tag v1 is immutable: files cannot be attached to it".to_owned(),
            "create the release as a draft, attach the videos with the input release-tag, and publish it afterwards",
        )
        .into(),
        ProviderError::Foreign(
            "the release of the tag hyperframes-media is not a store of generated media: it is not a prerelease".to_owned(),
            "nothing was changed; give that release another tag, or keep the files with store = \"branch\"",
        )
        .into(),
        ProviderError::NotAService("gitlab.example".to_owned()).into(),
        ProviderError::Unsupported("releases").into(),
        ProviderError::Failed("HTTP 502".to_owned()).into(),
    ]
}

/// Errors of renders on this machine and in AWS.
fn machine() -> Vec<Error> {
    let missing = || ProgramError::Missing(vec![("FFmpeg".to_owned(), "install ffmpeg".to_owned())]);
    vec![
        missing().into(),
        ProgramError::Install { what: "npm".to_owned(), output: "E404".to_owned() }.into(),
        ProgramError::TimedOut { what: "npm".to_owned() }.into(),
        EngineError::Folder(denied()).into(),
        EngineError::NotKept(io::ErrorKind::StorageFull.into()).into(),
        EngineError::Start(denied()).into(),
        EngineError::TimedOut.into(),
        EngineError::Limit(Excess::Disk(20 << 30)).into(),
        EngineError::Sandbox(SandboxError::Strangers(
            "macos does not support a sandbox for files".to_owned(),
        ))
        .into(),
        EngineError::Failed("TypeError: x is not a function".to_owned()).into(),
        EngineError::NoVideo.into(),
        EngineError::Refused(vec![crate::engine::Refused {
            file: Some("index.html".to_owned()),
            line: Some(4),
            reason: "\"../../etc/passwd\" leads outside of the project".to_owned(),
        }])
        .into(),
        EngineError::Unsupported(
            "--resolution 4k requires a composition with an aspect ratio of 16:9, 9:16 or 1:1".to_owned(),
        )
        .into(),
        EngineError::Unpack(crate::system::unpack::UnpackError::Damaged("invalid header".to_owned())).into(),
        EmulatorError::Port(8080, io::ErrorKind::AddrInUse.into()).into(),
        EmulatorError::Storage(denied()).into(),
        EmulatorError::Script("faults.json:1:1: expected an array".to_owned()).into(),
        ServerlessError::Stack {
            message: "no stack has this name".to_owned(),
            help: "choose one with --lambda-stack: one".to_owned(),
        }
        .into(),
        ServerlessError::Credentials(&lambda::PLATFORM, "no credentials".to_owned()).into(),
        ServerlessError::Render(&lambda::PLATFORM, "States.TaskFailed".to_owned()).into(),
        ServerlessError::Tool {
            platform: &lambda::PLATFORM,
            what: "deploy",
            output: "AccessDenied".to_owned(),
        }
        .into(),
        ServerlessError::Credentials(&cloudrun::PLATFORM, "PERMISSION_DENIED".to_owned()).into(),
        ServerlessError::Quota(&cloudrun::PLATFORM, "RESOURCE_EXHAUSTED".to_owned()).into(),
        ServerlessError::Tool {
            platform: &cloudrun::PLATFORM,
            what: "starting executions",
            output: "INTERNAL".to_owned(),
        }
        .into(),
        ServerlessError::Damaged { video: "a.mp4".to_owned(), error: VideoError::Damaged("it is cut") }
            .into(),
        ServerlessError::TimedOut { execution: "hf-123".to_owned() }.into(),
    ]
}

/// Errors of renders in a container.
fn container() -> Vec<Error> {
    let output = || "Cannot connect to the Docker daemon".to_owned();
    let errors = [
        DockerError::NoImageSet,
        DockerError::NoProgram(vec!["docker", "podman"]),
        DockerError::NoService("docker", output()),
        DockerError::NoImage("hyperframes-ci@sha256:0a1b".to_owned(), "denied".to_owned()),
        DockerError::Folder(denied()),
        DockerError::Unpack(crate::system::unpack::UnpackError::TooLarge),
        DockerError::NotStarted("executable file not found".to_owned()),
        DockerError::Render("TypeError: x is not a function".to_owned()),
        DockerError::TimedOut,
    ];
    errors.map(Error::from).into()
}

/// Errors of renders by an endpoint.
fn endpoint() -> Vec<Error> {
    let variable = || "HYPERFRAMES_CI_HTTP_TOKEN_RENDER_EXAMPLE_COM".to_owned();
    let link = Some("https://storage.example.com/v.mp4".to_owned());
    let failed = |message: &str, may_have_rendered| HttpError::Failed {
        message: message.to_owned(),
        may_have_rendered,
    };
    let errors = [
        HttpError::NoEndpoint,
        HttpError::InvalidEndpoint("must be https://, or http:// on a loopback address"),
        HttpError::InvalidToken(variable()),
        HttpError::Unsupported {
            message: "an endpoint with --http-request files does not take fps".to_owned(),
            help: "remove the option, or render by `hyperframes-ci emulator` with --http-request emulator",
        },
        HttpError::TooLarge { size: 300 << 20, limit: 100 << 20 },
        HttpError::Archive(denied()),
        HttpError::Unauthorized { message: "HTTP 401: invalid token".to_owned(), variable: variable() },
        failed("render.example.com: connection refused", false),
        failed("render.example.com responded with HTTP 502: container unavailable", true),
        HttpError::Render("out of memory".to_owned()),
        HttpError::NotSaved { message: "the storage responded with HTTP 404".to_owned(), link },
        HttpError::NotSaved { message: "the transfer ended after 10 of 20 bytes".to_owned(), link: None },
        HttpError::TimedOut { is_resumable: true, refusal: None },
        HttpError::TimedOut { is_resumable: false, refusal: None },
        HttpError::TimedOut { is_resumable: false, refusal: Some("x responded with HTTP 429".to_owned()) },
    ];
    errors.map(Error::from).into()
}

/// Errors of publishing.
fn publishing() -> Vec<Error> {
    let errors = [
        PublishError::NeedsSignIn(None),
        PublishError::NeedsSignIn(Some("HEYGEN_API_KEY".to_owned())),
        PublishError::Unclaimed,
        PublishError::Storage("HTTP 403".to_owned()),
        PublishError::Unconfirmed("cannot reach the API: connection reset".to_owned()),
        PublishError::TeamFile(path(".hyperframes/project.json"), "projectId is missing".to_owned()),
    ];
    errors.map(Error::from).into()
}

/// Errors of webhooks.
fn webhooks() -> Vec<Error> {
    vec![
        WebhookError::NoSecret.into(),
        WebhookError::NoHeader("Heygen-Signature").into(),
        WebhookError::WrongSignature.into(),
        WebhookError::InvalidTime.into(),
        WebhookError::Skewed { age: 900, most: 300 }.into(),
        WebhookError::Skewed { age: -900, most: 300 }.into(),
        WebhookError::Repeated("evt_123".to_owned()).into(),
        WebhookError::InvalidBody("must be a JSON object".to_owned()).into(),
        WebhookError::Unreadable(io::ErrorKind::FileTooLarge.into()).into(),
        WebhookError::Unreadable(denied()).into(),
        WebhookError::Seen(path("seen.jsonl"), denied()).into(),
        WebhookError::Port(8788, io::ErrorKind::AddrInUse.into()).into(),
    ]
}

/// Returns an error as the console prints it, with its exit code.
fn printed(error: &Error) -> String {
    let help = error.help().map(|help| format!("  help: {help}\n")).unwrap_or_default();
    format!("error: {error}\n{help}exit code: {}\n", error.exit().code())
}

#[test]
fn errors_are_printed_as_in_the_snapshots() {
    let mut by_code = BTreeMap::<String, Vec<String>>::new();
    let errors: [fn() -> Vec<Error>; 9] =
        [application, sign_in, cloud, files, machine, container, endpoint, publishing, webhooks];
    for error in errors.into_iter().flat_map(|errors| errors()) {
        // Folders of this run.
        let temporary = std::env::temp_dir();
        let text = printed(&error).lines().map(|line| without_folder(line, &temporary)).collect::<String>();
        by_code.entry(error.code().to_owned()).or_default().push(text);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/errors");
    let assert = snapbox::Assert::new().action_env("SNAPSHOTS");
    for (code, texts) in by_code {
        let expected = Data::read_from(&folder.join(format!("{code}.txt")), Some(DataFormat::Text)).raw();
        assert.eq(texts.join("\n"), expected);
    }
}

/// A value that is the length of a file that does not exist.
fn unknown_duration() -> input::InputError {
    let text = "{\"seconds\": \"@duration:voice.mp3\"}";
    let message = "the length of \"voice.mp3\" is unknown: file not found".to_owned();
    input::InputError::at("--variables", "the value", text, Span { start: 12, end: 33 }, message)
}

/// Replaces the path of a temporary folder in a line.
fn without_folder(line: &str, temporary: &Path) -> String {
    let prefix = format!("{}/", temporary.display());
    let Some((before, after)) = line.split_once(&prefix) else { return format!("{line}\n") };
    let rest = after.find(|end: char| !(end.is_ascii_alphanumeric() || "._-".contains(end)));
    format!("{before}[FOLDER]{}\n", &after[rest.unwrap_or(after.len())..])
}
