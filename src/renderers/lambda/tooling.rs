//! The official command line and SDK for Lambda, prepared for one stack and one project.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::options::{Codec, Format, FrameRate, Quality};
use serde::Deserialize;
use serde_json::json;

use super::error::LambdaError;
use super::follower::{FOLLOWING, Follower};
use super::options::LAMBDA_VERSION;
use super::stack::Stack;
use crate::renderers::RunOptions;
use crate::renderers::serverless::{ChunkOptions, Unscalable, preset};
use crate::system::deadline::Deadline;
use crate::system::programs::process::{self, OutputTail, RunningProcess};
use crate::system::programs::{self, Lock, Node, NpmPackages, WorkDir, set_noninteractive};
use crate::system::unpack::unpack;

/// Packages to pin to the same version: the version ranges of the tooling would let npm mix versions.
const PINNED_PACKAGES: &[&str] = &["core", "engine", "lint", "parsers", "producer", "studio-server"];

/// The HTML parser of the SDK, at the tested version.
const PARSER: (&str, &str) = ("linkedom", "0.18.12");

/// The tooling of [`LAMBDA_VERSION`] with all its dependencies.
static LOCK: Lock = Lock {
    manifest: include_str!("lock/package.json"),
    lock: include_str!("lock/package-lock.json"),
    contents: include_str!("lock/contents.json"),
};

const FOLLOW: &str = include_str!("follow.mjs");

/// The size that a composition is laid out at, in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// The width.
    pub(super) width: f64,
    /// The height.
    pub(super) height: f64,
}

/// The official tooling, prepared for one stack and one project.
pub(super) struct Tooling {
    pub(super) stack: Stack,
    modules: NpmPackages,
    node: PathBuf,
    /// The working directory, which contains the unpacked project.
    work_dir: WorkDir,
    /// Variables of its processes: the region and the profile.
    variables: Vec<(&'static str, String)>,
    chunks: ChunkOptions,
}

/// A project in the stack's bucket.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Site {
    site_id: String,
}

/// An execution to start.
#[derive(Clone, Debug)]
pub(super) struct Start {
    /// Name of the execution.
    pub(super) name: String,
    pub(super) options: RenderRequest,
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

/// Returns the packages of a version of the tooling: those of the lock file, or for another version those that npm chooses.
fn packages(cache: &Path, version: &str) -> NpmPackages {
    let name = format!("the HyperFrames tooling for Lambda {version}");
    if version == LAMBDA_VERSION {
        return NpmPackages::locked(name, cache.join(format!("lambda-{version}-{}", LOCK.id())), &LOCK);
    }
    let pinned = PINNED_PACKAGES.iter().map(|name| format!("@hyperframes/{name}")).collect::<Vec<_>>();
    let mut pins = pinned.iter().map(|name| (name.as_str(), version)).collect::<Vec<_>>();
    pins.push(PARSER);
    let packages = [("hyperframes", version), ("@hyperframes/aws-lambda", version)];
    NpmPackages::new(name, cache.join(format!("lambda-{version}")), &packages, &pins)
}

impl Tooling {
    /// Finds or installs a version of the tooling and unpacks `archive`; `on_install` is called with the name of everything
    /// that is installed.
    ///
    /// # Errors
    /// Returns an error if Node is missing, an installation fails, or the archive cannot be unpacked.
    pub(super) fn new(
        stack: &Stack,
        options: &RunOptions,
        archive: &Path,
        deadline: Deadline,
        on_install: &mut dyn FnMut(&str),
    ) -> Result<Self, LambdaError> {
        let cache = programs::cache()?;
        let modules = packages(&cache, &options.lambda.version);
        let node = Node::find(&cache);
        if let Some(missing) = node.missing_for(&modules) {
            return Err(programs::ProgramError::Missing(vec![missing]).into());
        }
        let node = node.install(&modules, deadline, on_install)?;
        let work_dir = WorkDir::new().map_err(LambdaError::Folder)?;
        fs::create_dir(work_dir.path().join(".hyperframes")).map_err(LambdaError::Folder)?;
        // Where the tooling expects it.
        let state = format!(".hyperframes/lambda-stack-{}.json", stack.name);
        fs::copy(&stack.path, work_dir.path().join(state)).map_err(LambdaError::Folder)?;
        unpack(archive, &work_dir.project()).map_err(LambdaError::Unpack)?;
        let variables =
            [("AWS_REGION", &options.lambda.region), ("AWS_PROFILE", &options.lambda.profile)].into_iter();
        let variables = variables.filter_map(|(name, value)| Some((name, value.clone()?))).collect();
        Ok(Self { stack: stack.clone(), modules, node, work_dir, variables, chunks: options.chunks })
    }

    /// Uploads the project to the bucket, unless the bucket already has it.
    pub(super) fn site(&self, deadline: Deadline) -> Result<Site, LambdaError> {
        const WHAT: &str = "uploading the project to the stack's bucket";
        let output = self.run(&["sites", "create", "project"], &[], WHAT, deadline)?;
        serde_json::from_str(&output).map_err(|_| LambdaError::of_tool(WHAT, output))
    }

    /// Starts executions; returns the error of each that was not started, in their order.
    pub(super) fn start(
        &self,
        site: &Site,
        layout: Layout,
        starts: &[Start],
        deadline: Deadline,
    ) -> Result<Vec<Option<String>>, LambdaError> {
        let mut errors = vec![None; starts.len()];
        let mut remaining = (0..starts.len()).collect::<Vec<_>>();
        let settings_of = |index: usize| Settings::of(&starts[index].options, layout);
        while let Some(first) = remaining.first() {
            let settings = settings_of(*first)?;
            let (group, others) = remaining
                .iter()
                .partition::<Vec<_>, _>(|index| settings_of(**index).is_ok_and(|of| of == settings));
            remaining = others;
            let group_starts = group.iter().map(|index| &starts[*index]).collect::<Vec<_>>();
            let group_errors = self.start_group(site, layout, &settings, &group_starts, deadline)?;
            for (index, error) in group.into_iter().zip(group_errors) {
                errors[index] = error;
            }
        }
        Ok(errors)
    }

    /// Starts executions with the same settings; returns the error of each that was not started, in their order.
    fn start_group(
        &self,
        site: &Site,
        layout: Layout,
        settings: &Settings,
        starts: &[&Start],
        deadline: Deadline,
    ) -> Result<Vec<Option<String>>, LambdaError> {
        const WHAT: &str = "starting executions";
        let mut text = String::new();
        for Start { name, options } in starts {
            let variables = options.variables.clone().unwrap_or_default();
            let key = video_key(name, settings.format);
            let line = json!({ "outputKey": key, "executionName": name, "variables": variables });
            text.push_str(&format!("{line}\n"));
        }
        let file = self.work_dir.path().join("batch.jsonl");
        fs::write(&file, text).map_err(LambdaError::Folder)?;
        let mut flags = vec![
            "--batch=batch.jsonl".to_owned(),
            format!("--site-id={}", site.site_id),
            format!("--width={:.0}", layout.width),
            format!("--height={:.0}", layout.height),
        ];
        flags.extend(settings.flags());
        flags.extend(self.chunks.size.map(|size| format!("--chunk-size={size}")));
        flags.extend(self.chunks.max_parallel.map(|count| format!("--max-parallel-chunks={count}")));
        let output = self.run(&["render-batch", "project"], &flags, WHAT, deadline)?;
        let results: Vec<StartResult> =
            serde_json::from_str(&output).map_err(|_| LambdaError::of_tool(WHAT, output.clone()))?;
        let error_of = |start: &&Start| {
            let key = video_key(&start.name, settings.format);
            match results.iter().find(|result| result.output_key == key) {
                Some(StartResult { execution_arn: Some(_), .. }) => None,
                Some(result) => Some(result.error.clone().unwrap_or_default()),
                None => Some("the tooling did not report the execution".to_owned()),
            }
        };
        Ok(starts.iter().map(error_of).collect())
    }

    /// Runs the official command line and returns its output.
    fn run(
        &self,
        verb: &[&str],
        flags: &[String],
        what: &'static str,
        deadline: Deadline,
    ) -> Result<String, LambdaError> {
        let mut command = self.node();
        command
            .arg(self.modules.file("hyperframes/bin/hyperframes.mjs"))
            .arg("lambda")
            .args(verb)
            .args(flags)
            .arg(format!("--stack-name={}", self.stack.name))
            .arg("--json")
            .current_dir(self.work_dir.path());
        let (ended, output) = process::capture(process::with_variables(command, AWS_VARIABLES), deadline)
            .map_err(|error| match error.kind() {
                io::ErrorKind::TimedOut => LambdaError::ToolTimedOut { what },
                _ => LambdaError::of_tool(what, error.to_string()),
            })?;
        if ended.status.success() {
            return Ok(output);
        }
        let lines = if ended.output.is_empty() { OutputTail::of(&output).into_lines() } else { ended.output };
        Err(LambdaError::of_tool(what, lines.join("\n").trim().to_owned()))
    }

    /// Returns a command that runs Node.
    fn node(&self) -> Command {
        let mut command = Command::new(&self.node);
        command.env("TMPDIR", self.work_dir.temporary());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        set_noninteractive(&mut command);
        command
    }

    /// Starts the process that follows executions, with at most `pause` between two polls.
    pub(super) fn follower(&self, pause: Duration) -> Result<Follower, LambdaError> {
        let failed = |error: io::Error| LambdaError::of_tool(FOLLOWING, error.to_string());
        let settings = json!({
            "region": self.stack.region,
            "bucket": self.stack.bucket_name,
            "memory": self.stack.lambda_memory_mb,
            "pause": pause.as_millis(),
        });
        let mut command = self.node();
        // Node resolves packages from the working directory.
        command
            .args(["--input-type=module", "--eval", FOLLOW, "--"])
            .arg(settings.to_string())
            .current_dir(self.modules.folder());
        let mut running =
            RunningProcess::start(process::with_variables(command, AWS_VARIABLES), Stdio::piped())
                .map_err(failed)?;
        let input =
            running.take_stdin().ok_or_else(|| failed(io::Error::other("cannot open its standard input")))?;
        Ok(Follower::new(running, input))
    }
}

/// Prefix of the variables of the AWS SDK. They contain credentials, but these processes do not run the project.
const AWS_VARIABLES: &[&str] = &["AWS_"];

/// Returns the key of the video of an execution in the bucket.
pub(super) fn video_key(name: &str, format: Format) -> String {
    format!("renders/{name}/output.{format}")
}

impl Settings {
    fn of(options: &RenderRequest, layout: Layout) -> Result<Self, Unscalable> {
        Ok(Self {
            fps: options.fps.unwrap_or(FrameRate::from(30)),
            quality: options.quality.unwrap_or(Quality::Standard),
            format: options.format.unwrap_or(Format::Mp4),
            codec: options.codec,
            preset: preset(options, (layout.width, layout.height))?,
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
        let layout = Layout { width: 1080.0, height: 1920.0 };
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
        assert_eq!(LOCK.problems(), Vec::<String>::new());
        let manifest = serde_json::from_str::<serde_json::Value>(LOCK.manifest).unwrap_or_default();
        let pins = PINNED_PACKAGES.iter().map(|name| (format!("@hyperframes/{name}"), LAMBDA_VERSION));
        for (name, version) in pins.chain([(PARSER.0.to_owned(), PARSER.1)]) {
            assert_eq!(manifest["overrides"][&name], version, "{name}");
        }
        for name in ["hyperframes", "@hyperframes/aws-lambda"] {
            assert_eq!(manifest["dependencies"][name], LAMBDA_VERSION, "{name}");
        }
    }

    #[test]
    fn errors_about_credentials_are_recognized() {
        let code = |output: &str| LambdaError::of_tool(FOLLOWING, output.to_owned()).code().to_owned();
        assert_eq!(code("CredentialsProviderError: none"), "not_authenticated");
        assert_eq!(code("ENOTFOUND states.eu-west-1.amazonaws.com"), "lambda_tooling_failed");
    }
}
