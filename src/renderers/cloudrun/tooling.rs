//! The official SDK for Cloud Run, prepared for one stack and one project.

use std::time::Duration;

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::job::RenderFact;
use hyperframes_ci_core::options::{Format, FrameRate, Quality};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::options::CLOUD_RUN_VERSION;
use super::platform::PLATFORM;
use super::stack::CloudRunState;
use crate::renderers::RunOptions;
use crate::renderers::serverless::{
    ChunkOptions, FOLLOW, Follower, Packages, Platform, Preparation, RETRY_PAUSE, ServerlessError, Stack,
    Start, Started, Tooling, Unscalable, millis, preset, video_key,
};
use crate::system::clock::pause;
use crate::system::deadline::Deadline;
use crate::system::programs::Lock;

/// The tooling of [`CLOUD_RUN_VERSION`] with all its dependencies.
static LOCK: Lock = Lock {
    manifest: include_str!("lock/package.json"),
    lock: include_str!("lock/package-lock.json"),
    contents: include_str!("lock/contents.json"),
};

static PACKAGES: Packages = Packages {
    name: "Cloud Run",
    folder: "cloudrun",
    version: CLOUD_RUN_VERSION,
    lock: &LOCK,
    roots: &["@hyperframes/gcp-cloud-run"],
};

const CLIENTS: &str = include_str!("clients.mjs");
const SERVICE: &str = include_str!("service.mjs");
const START: &str = include_str!("start.mjs");

/// How long a claim of a render may send requests.
const LEASE: Duration = Duration::from_secs(20);

/// How long to wait for the answer to one of them.
const ANSWER: Duration = Duration::from_secs(30);

/// How long to wait before a claim without an execution is taken over: longer than both together.
const GRACE: Duration = Duration::from_secs(60);

/// How long to wait before the list of executions is searched for one whose answer was lost.
const SETTLE: Duration = Duration::from_secs(5);

/// The stack, and the official SDK for it.
pub(super) struct CloudRunStack {
    state: CloudRunState,
    tooling: Tooling,
    /// Width and height that the composition is laid out at, in pixels.
    layout: (f64, f64),
    chunks: ChunkOptions,
}

/// A line of the results of `start.mjs`.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum StartResult {
    Started(String),
    Found(String),
    Error(String),
}

impl CloudRunStack {
    /// Prepares the tooling; `on_install` is called with the name of everything that is installed.
    ///
    /// # Errors
    /// Returns an error if a program is missing, an installation fails, or the archive cannot be unpacked.
    pub(super) fn new(
        state: &CloudRunState,
        options: &RunOptions,
        preparation: &Preparation<'_>,
        on_install: &mut dyn FnMut(&str),
    ) -> Result<Self, ServerlessError> {
        let packages = (&PACKAGES, options.cloud_run.version.as_str());
        let tooling = Tooling::new(&PLATFORM, packages, Vec::new(), preparation, on_install)?;
        Ok(Self { state: state.clone(), tooling, layout: preparation.layout, chunks: options.chunks })
    }

    /// Returns the settings of the scripts.
    fn settings(&self) -> Value {
        json!({
            "project": self.state.project_id,
            "region": self.state.region,
            "workflow": self.state.workflow_id,
            "service": self.state.service_url,
            "bucket": self.state.bucket_name,
        })
    }
}

impl Stack for CloudRunStack {
    fn platform(&self) -> &'static Platform {
        &PLATFORM
    }

    fn recorded(&self, fact: &RenderFact, key: String) -> Option<(String, String)> {
        self.state.may_have(&fact.render_id).then(|| (key, fact.render_id.clone()))
    }

    fn start(&self, starts: &[Start], deadline: Deadline) -> Result<Vec<Started>, ServerlessError> {
        const WHAT: &str = "starting executions";
        let mut list = Vec::new();
        for Start { name, options } in starts {
            let key = video_key(name, options.format.unwrap_or(Format::Mp4));
            list.push(
                json!({ "name": name, "key": key, "config": config(options, self.layout, self.chunks)? }),
            );
        }
        let file = self.tooling.write("starts.json", &Value::from(list).to_string())?;
        let mut settings = self.settings();
        settings["projectDir"] = self.tooling.project().to_string_lossy().into();
        for (name, duration) in [
            ("lease", LEASE),
            ("answer", ANSWER),
            ("grace", GRACE),
            ("settle", SETTLE),
            ("retry", RETRY_PAUSE),
        ] {
            settings[name] = millis(pause(duration));
        }
        let mut command = self.tooling.script(&format!("{CLIENTS}\n{START}"), &settings);
        command.arg(file);
        let output = self.tooling.run(command, WHAT, deadline)?;
        let results = serde_json::from_str::<Vec<StartResult>>(&output)
            .ok()
            .filter(|results| results.len() == starts.len())
            .ok_or_else(|| ServerlessError::of_tool(&PLATFORM, WHAT, output))?;
        let started = results.into_iter().map(|result| match result {
            StartResult::Started(id) => Started::New(id),
            StartResult::Found(id) => Started::Found(id),
            StartResult::Error(text) => Started::Failed(text),
        });
        Ok(started.collect())
    }

    fn follower(&self, pause: Duration) -> Result<Follower, ServerlessError> {
        self.tooling.follower(&format!("{CLIENTS}\n{SERVICE}\n{FOLLOW}"), self.settings(), pause)
    }
}

/// Returns the configuration of a render for the SDK, with the defaults of the cloud.
fn config(options: &RenderRequest, layout: (f64, f64), chunks: ChunkOptions) -> Result<Value, Unscalable> {
    #[expect(clippy::cast_possible_truncation, reason = "pixels")]
    let pixels = |length: f64| Value::from(length.round() as i64);
    let members = [
        ("fps", Some(json!(options.fps.unwrap_or(FrameRate::from(30))))),
        ("width", Some(pixels(layout.0))),
        ("height", Some(pixels(layout.1))),
        ("format", Some(json!(options.format.unwrap_or(Format::Mp4)))),
        ("quality", Some(json!(options.quality.unwrap_or(Quality::Standard)))),
        ("codec", options.codec.map(|codec| json!(codec))),
        ("outputResolution", preset(options, layout)?.map(Value::from)),
        ("chunkSize", chunks.size.map(Value::from)),
        ("targetChunkFrames", chunks.target.map(Value::from)),
        ("maxParallelChunks", chunks.max_parallel.map(Value::from)),
        ("variables", Some(Value::Object(options.variables.clone().unwrap_or_default()))),
    ];
    let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Ok(Value::Object(members.collect::<Map<_, _>>()))
}

#[cfg(test)]
mod tests {
    use hyperframes_ci_core::options::Codec;

    use super::*;
    use crate::fault::Fault as _;

    #[test]
    fn options_become_the_configuration_of_the_sdk() {
        let (hd, none) = ((1280.0, 720.0), ChunkOptions::default());
        let plain = config(&RenderRequest::default(), hd, none).expect("a known size");
        let base = json!({"fps": 30, "width": 1280, "height": 720, "format": "mp4", "quality": "standard"});
        let mut expected = base.clone();
        expected["variables"] = json!({});
        assert_eq!(plain, expected);
        let options = RenderRequest {
            codec: Some(Codec::H265),
            width: Some(3840),
            height: Some(2160),
            variables: Some(Map::from_iter([("a".to_owned(), json!(1))])),
            ..RenderRequest::default()
        };
        let chunks = ChunkOptions { size: Some(60), target: Some(90), max_parallel: Some(4) };
        let mut expected = base;
        for (name, value) in [
            ("codec", json!("h265")),
            ("outputResolution", json!("landscape-4k")),
            ("chunkSize", json!(60)),
            ("targetChunkFrames", json!(90)),
            ("maxParallelChunks", json!(4)),
            ("variables", json!({ "a": 1 })),
        ] {
            expected[name] = value;
        }
        assert_eq!(config(&options, hd, chunks).expect("a known size"), expected);
        assert!(config(&options, (1000.0, 1000.0), none).is_err());
    }

    #[test]
    fn a_claim_is_taken_over_after_its_last_answer() {
        assert!(GRACE > LEASE + ANSWER);
    }

    #[test]
    fn the_lock_file_fixes_every_package_of_the_default_version() {
        assert_eq!(PACKAGES.problems(), Vec::<String>::new());
    }

    #[test]
    fn errors_of_the_tooling_are_told_apart() {
        let code = |output: &str| {
            ServerlessError::of_tool(&PLATFORM, "starting", output.to_owned()).code().to_owned()
        };
        assert_eq!(code("Error: Could not load the default credentials."), "not_authenticated");
        assert_eq!(code("PERMISSION_DENIED: workflows.executions.create"), "not_authenticated");
        assert_eq!(code("RESOURCE_EXHAUSTED: quota exceeded"), "rate_limited");
        assert_eq!(code("NOT_FOUND: the specified bucket does not exist."), "stack_unknown");
        assert_eq!(code("INTERNAL: backend error"), "cloudrun_tooling_failed");
    }
}
