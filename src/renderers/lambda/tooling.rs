//! The official command line and SDK for Lambda, prepared for one stack and one project.

use std::sync::Mutex;
use std::time::Duration;

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::job::RenderFact;
use hyperframes_ci_core::options::{Codec, Format, FrameRate, Quality};
use serde::Deserialize;
use serde_json::json;

use super::options::LAMBDA_VERSION;
use super::platform::PLATFORM;
use super::stack::LambdaState;
use crate::renderers::RunOptions;
use crate::renderers::serverless::{
    ChunkOptions, FOLLOW, Follower, Packages, Platform, Preparation, ServerlessError, Stack, Start, Started,
    Tooling, Unscalable, preset, video_key,
};
use crate::system::deadline::Deadline;
use crate::system::programs::Lock;

/// The tooling of [`LAMBDA_VERSION`] with all its dependencies.
static LOCK: Lock = Lock {
    manifest: include_str!("lock/package.json"),
    lock: include_str!("lock/package-lock.json"),
    contents: include_str!("lock/contents.json"),
};

static PACKAGES: Packages = Packages {
    name: "Lambda",
    folder: "lambda",
    version: LAMBDA_VERSION,
    lock: &LOCK,
    roots: &["hyperframes", "@hyperframes/aws-lambda"],
};

const SERVICE: &str = include_str!("service.mjs");

/// The stack, and the official tooling for it.
pub(super) struct LambdaStack {
    state: LambdaState,
    tooling: Tooling,
    /// Width and height that the composition is laid out at, in pixels.
    layout: (f64, f64),
    chunks: ChunkOptions,
    /// Id of the project in the bucket, once it is uploaded.
    site: Mutex<Option<String>>,
}

/// A project in the stack's bucket.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Site {
    site_id: String,
}

/// Options of the command line, which are the same for all executions of one call.
#[derive(Clone, Debug, PartialEq)]
struct Settings {
    fps: FrameRate,
    quality: Quality,
    format: Format,
    codec: Option<Codec>,
    /// The size, if it is not that of the composition.
    preset: Option<String>,
}

/// The result of one execution in the output of `render-batch`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartResult {
    output_key: String,
    execution_arn: Option<String>,
    error: Option<String>,
}

impl LambdaStack {
    /// Prepares the tooling; `on_install` is called with the name of everything that is installed.
    ///
    /// # Errors
    /// Returns an error if a program is missing, an installation fails, or the archive cannot be unpacked.
    pub(super) fn new(
        state: &LambdaState,
        options: &RunOptions,
        preparation: &Preparation<'_>,
        on_install: &mut dyn FnMut(&str),
    ) -> Result<Self, ServerlessError> {
        let variables =
            [("AWS_REGION", &options.lambda.region), ("AWS_PROFILE", &options.lambda.profile)].into_iter();
        let variables = variables.filter_map(|(name, value)| Some((name, value.clone()?))).collect();
        let packages = (&PACKAGES, options.lambda.version.as_str());
        let tooling = Tooling::new(&PLATFORM, packages, variables, preparation, on_install)?;
        // Where the tooling expects it.
        tooling.write(&format!(".hyperframes/lambda-stack-{}.json", state.name), &state.text)?;
        Ok(Self {
            state: state.clone(),
            tooling,
            layout: preparation.layout,
            chunks: options.chunks,
            site: Mutex::default(),
        })
    }

    /// Uploads the project to the bucket, unless the bucket already has it; returns its id.
    fn site(&self, deadline: Deadline) -> Result<String, ServerlessError> {
        const WHAT: &str = "uploading the project to the stack's bucket";
        let mut site = self.site.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(id) = &*site {
            return Ok(id.clone());
        }
        let output = self.run(&["sites", "create", "project"], &[], WHAT, deadline)?;
        let made: Site =
            serde_json::from_str(&output).map_err(|_| ServerlessError::of_tool(&PLATFORM, WHAT, output))?;
        Ok(site.insert(made.site_id).clone())
    }

    /// Starts executions with the same settings; returns the result of each, in their order.
    fn start_group(
        &self,
        site: &str,
        settings: &Settings,
        starts: &[&Start],
        deadline: Deadline,
    ) -> Result<Vec<Started>, ServerlessError> {
        const WHAT: &str = "starting executions";
        let mut text = String::new();
        for Start { name, options } in starts {
            let variables = options.variables.clone().unwrap_or_default();
            let key = video_key(name, settings.format);
            let line = json!({ "outputKey": key, "executionName": name, "variables": variables });
            text.push_str(&format!("{line}\n"));
        }
        self.tooling.write("batch.jsonl", &text)?;
        let mut flags = vec![
            "--batch=batch.jsonl".to_owned(),
            format!("--site-id={site}"),
            format!("--width={:.0}", self.layout.0),
            format!("--height={:.0}", self.layout.1),
        ];
        flags.extend(settings.flags());
        flags.extend(self.chunks.size.map(|size| format!("--chunk-size={size}")));
        flags.extend(self.chunks.target.map(|frames| format!("--target-chunk-frames={frames}")));
        flags.extend(self.chunks.max_parallel.map(|count| format!("--max-parallel-chunks={count}")));
        let output = self.run(&["render-batch", "project"], &flags, WHAT, deadline)?;
        let results: Vec<StartResult> = serde_json::from_str(&output)
            .map_err(|_| ServerlessError::of_tool(&PLATFORM, WHAT, output.clone()))?;
        let started = |start: &&Start| {
            let key = video_key(&start.name, settings.format);
            let arn = self.state.execution_arn(&start.name);
            match results.iter().find(|result| result.output_key == key) {
                Some(StartResult { execution_arn: Some(_), .. }) => Started::New(arn),
                Some(StartResult { error: Some(error), .. }) if is_name_taken(error) => Started::Found(arn),
                Some(result) => Started::Failed(result.error.clone().unwrap_or_default()),
                None => Started::Failed("the tooling did not report the execution".to_owned()),
            }
        };
        Ok(starts.iter().map(started).collect())
    }

    /// Runs the official command line and returns its output.
    fn run(
        &self,
        verb: &[&str],
        flags: &[String],
        what: &'static str,
        deadline: Deadline,
    ) -> Result<String, ServerlessError> {
        let mut command = self.tooling.node();
        command
            .arg(self.tooling.module("hyperframes/bin/hyperframes.mjs"))
            .arg("lambda")
            .args(verb)
            .args(flags)
            .arg(format!("--stack-name={}", self.state.name))
            .arg("--json")
            .current_dir(self.tooling.folder());
        self.tooling.run(command, what, deadline)
    }
}

impl Stack for LambdaStack {
    fn platform(&self) -> &'static Platform {
        &PLATFORM
    }

    fn recorded(&self, fact: &RenderFact, _: String) -> Option<(String, String)> {
        let id = Some(&fact.render_id).filter(|id| id.starts_with("arn:"))?;
        let name = id.rsplit(':').next().unwrap_or_default().to_owned();
        let arn = self.state.execution_arn(&name);
        Some((name, arn))
    }

    fn start(&self, starts: &[Start], deadline: Deadline) -> Result<Vec<Started>, ServerlessError> {
        let site = self.site(deadline)?;
        let mut results = vec![None; starts.len()];
        let mut remaining = (0..starts.len()).collect::<Vec<_>>();
        let settings_of = |index: usize| Settings::of(&starts[index].options, self.layout);
        while let Some(first) = remaining.first() {
            let settings = settings_of(*first)?;
            let (group, others) = remaining
                .iter()
                .partition::<Vec<_>, _>(|index| settings_of(**index).is_ok_and(|of| of == settings));
            remaining = others;
            let group_starts = group.iter().map(|index| &starts[*index]).collect::<Vec<_>>();
            let started = self.start_group(&site, &settings, &group_starts, deadline)?;
            for (index, result) in group.into_iter().zip(started) {
                results[index] = Some(result);
            }
        }
        Ok(results.into_iter().flatten().collect())
    }

    fn follower(&self, pause: Duration) -> Result<Follower, ServerlessError> {
        let settings = json!({
            "region": self.state.region,
            "bucket": self.state.bucket_name,
            "memory": self.state.lambda_memory_mb,
        });
        self.tooling.follower(&format!("{SERVICE}\n{FOLLOW}"), settings, pause)
    }
}

/// Returns whether an execution was not started because its name is taken; source: `StartExecution` of the AWS API.
fn is_name_taken(error: &str) -> bool {
    error.contains("ExecutionAlreadyExists") || error.contains("Execution Already Exists")
}

impl Settings {
    fn of(options: &RenderRequest, layout: (f64, f64)) -> Result<Self, Unscalable> {
        Ok(Self {
            fps: options.fps.unwrap_or(FrameRate::from(30)),
            quality: options.quality.unwrap_or(Quality::Standard),
            format: options.format.unwrap_or(Format::Mp4),
            codec: options.codec,
            preset: preset(options, layout)?,
        })
    }

    /// Returns the flags of `render-batch`.
    fn flags(&self) -> Vec<String> {
        let mut flags = vec![
            format!("--fps={}", self.fps),
            format!("--quality={}", self.quality),
            format!("--format={}", self.format),
        ];
        flags.extend(self.codec.map(|codec| format!("--codec={codec}")));
        flags.extend(self.preset.as_ref().map(|preset| format!("--output-resolution={preset}")));
        flags
    }
}

#[cfg(test)]
mod tests {
    use hyperframes_ci_core::options::{AspectRatio, Resolution};

    use super::*;
    use crate::fault::Fault as _;

    #[test]
    fn options_become_flags_with_the_defaults_of_the_cloud() {
        let layout = (1080.0, 1920.0);
        let flags = |options: RenderRequest| Settings::of(&options, layout).expect("a known size").flags();
        assert_eq!(flags(RenderRequest::default()), ["--fps=30", "--quality=standard", "--format=mp4"]);
        let options = RenderRequest {
            fps: Some(24.into()),
            quality: Some(Quality::High),
            format: Some(Format::Webm),
            resolution: Some(Resolution::FullHd),
            aspect_ratio: Some(AspectRatio::Portrait),
            ..RenderRequest::default()
        };
        assert_eq!(
            flags(options),
            ["--fps=24", "--quality=high", "--format=webm", "--output-resolution=portrait"]
        );
        let options = RenderRequest {
            codec: Some(Codec::H265),
            width: Some(2160),
            height: Some(3840),
            ..RenderRequest::default()
        };
        let more = ["--codec=h265", "--output-resolution=portrait-4k"];
        assert_eq!(flags(options)[3..], more);
    }

    #[test]
    fn the_lock_file_fixes_every_package_of_the_default_version() {
        assert_eq!(PACKAGES.problems(), Vec::<String>::new());
    }

    #[test]
    fn errors_about_credentials_are_recognized() {
        let code = |output: &str| {
            ServerlessError::of_tool(&PLATFORM, "starting", output.to_owned()).code().to_owned()
        };
        assert_eq!(code("CredentialsProviderError: none"), "not_authenticated");
        assert_eq!(code("ENOTFOUND states.eu-west-1.amazonaws.com"), "lambda_tooling_failed");
    }
}
