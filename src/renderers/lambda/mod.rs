//! Renders on AWS Lambda, in the user's own account, by the official tooling.
//!
//! `hyperframes lambda sites create` uploads the project once, `hyperframes lambda render-batch` starts executions of the
//! stack's state machine, and `follow.mjs` looks at them and fetches their videos with the official SDK. An execution is
//! named after its render key, and AWS takes a name once: a render that exists is found by its name, without a ledger.
//!
//! The tooling works on the packed archive, unpacked to a temporary directory, and is installed into our cache: nothing
//! that is installed in a checkout is run.

mod error;
mod fleet;
mod stack;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::options::{AspectRatio, Format, Quality, Resolution};
use hyperframes_ci_core::project::DEFAULT_COMPOSITION;
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub(crate) use error::LambdaError;
pub(crate) use fleet::{Fleet, Order, Told};
pub(crate) use stack::{DEFAULT_STACK, Stack};

use crate::system::programs;
use crate::system::programs::process;
use crate::system::programs::process::{ProcessEvent, RunningProcess};
use crate::system::programs::{Node, NpmPackages, WorkDir, set_noninteractive};
use crate::system::unpack::unpack;

/// The version of the official command line and of `@hyperframes/aws-lambda`, the newest that this was tested with; the
/// stack should be deployed with the same one.
pub(crate) const LAMBDA_VERSION: &str = "0.8.31";

/// What must not differ in version from the two. Their ranges would let npm mix versions.
const SIBLINGS: &[&str] = &["core", "engine", "lint", "parsers", "producer", "studio-server"];

/// What the SDK parses pages with, at the version that it was tested with.
const PARSER: (&str, &str) = ("linkedom", "0.18.12");

/// Step Functions takes no more for an execution, in bytes; the rest of the input is small.
const MOST_VARIABLES: usize = 250 * 1024;

/// How the follower is waited for.
const TICK: Duration = Duration::from_millis(200);

const FOLLOW: &str = include_str!("follow.mjs");

/// The size that a composition is laid out at, in pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// The width.
    pub(crate) width: f64,
    /// The height.
    pub(crate) height: f64,
}

/// Says whether Lambda can render what is asked for.
///
/// # Errors
/// With what it cannot.
pub(crate) fn check(options: &RenderRequest) -> Result<(), LambdaError> {
    let unsupported = |message: String, help| Err(LambdaError::Unsupported { message, help });
    if let Some(fps) = options.fps.filter(|fps| ![24, 30, 60].contains(fps)) {
        return unsupported(format!("Lambda renders no {fps} frames per second"), "24, 30 or 60");
    }
    if let Some(path) = options.composition.as_deref().filter(|path| *path != DEFAULT_COMPOSITION) {
        return unsupported(
            format!("Lambda renders {DEFAULT_COMPOSITION}, and this is {path}"),
            "give the composition a project of its own",
        );
    }
    if let Some(resolution) = options.resolution.filter(|_| options.aspect_ratio.is_none()) {
        return unsupported(format!("{resolution} needs a composition of 16:9, 9:16 or 1:1"), "leave it out");
    }
    let size = options.variables.as_ref().map_or(0, |variables| json!(variables).to_string().len());
    if size > MOST_VARIABLES {
        return unsupported(
            format!("the values for variables have {size} bytes, and Lambda takes {MOST_VARIABLES}"),
            "pass media by its URL",
        );
    }
    Ok(())
}

/// The official tooling, ready for a stack, with one project.
pub(crate) struct Lambda {
    stack: Stack,
    modules: NpmPackages,
    node: PathBuf,
    /// Where it works; the project, unpacked, is in it.
    place: WorkDir,
}

/// A project in the stack's bucket.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Site {
    site_id: String,
}

/// An execution that is to be started.
#[derive(Clone, Debug)]
struct Start {
    /// Its name.
    name: String,
    options: RenderRequest,
}

/// What an execution's options mean for the command line: those with equal ones are started together.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Settings {
    fps: u32,
    quality: Quality,
    format: Format,
    resolution: Option<Resolution>,
    shape: Option<AspectRatio>,
}

/// A line of the answer of `render-batch`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    output_key: String,
    execution_arn: Option<String>,
    error: Option<String>,
}

impl Lambda {
    /// Finds or installs the tooling, in this version, and unpacks `archive`; `announce` hears what is being installed.
    ///
    /// # Errors
    /// When that is not possible.
    pub(crate) fn new(
        stack: &Stack,
        version: &str,
        archive: &Path,
        announce: &mut dyn FnMut(&str),
    ) -> Result<Self, LambdaError> {
        let cache = programs::cache()?;
        let siblings = SIBLINGS.iter().map(|name| format!("@hyperframes/{name}")).collect::<Vec<_>>();
        let mut pins = siblings.iter().map(|name| (name.as_str(), version)).collect::<Vec<_>>();
        pins.push(PARSER);
        let modules = NpmPackages::new(
            format!("the HyperFrames tooling for Lambda {version}"),
            cache.join(format!("lambda-{version}")),
            &[("hyperframes", version), ("@hyperframes/aws-lambda", version)],
            &pins,
        );
        let node = Node::find(&cache);
        if let Some(missing) = node.missing_for(&modules) {
            return Err(programs::ProgramError::Missing(vec![missing]).into());
        }
        let node = node.install(&modules, announce)?;
        let place = WorkDir::new().map_err(LambdaError::Folder)?;
        fs::create_dir(place.path().join(".hyperframes")).map_err(LambdaError::Folder)?;
        // Where the tooling looks for it.
        let state = format!(".hyperframes/lambda-stack-{}.json", stack.name);
        fs::copy(&stack.path, place.path().join(state)).map_err(LambdaError::Folder)?;
        unpack(archive, &place.project()).map_err(LambdaError::Unpack)?;
        Ok(Self { stack: stack.clone(), modules, node, place })
    }

    /// The project in the bucket: uploaded, unless the same is there already.
    fn site(&self) -> Result<Site, LambdaError> {
        const WHAT: &str = "uploading the project to the stack's bucket";
        let output = self.run(&["sites", "create", "project"], &[], WHAT)?;
        serde_json::from_str(&output).map_err(|_| LambdaError::of_tool(WHAT, output))
    }

    /// Starts executions; gives back the error of each that did not start, in their order.
    fn start(
        &self,
        site: &Site,
        layout: Layout,
        starts: &[Start],
    ) -> Result<Vec<Option<String>>, LambdaError> {
        const WHAT: &str = "starting executions";
        let mut started = vec![None; starts.len()];
        let mut left = (0..starts.len()).collect::<Vec<_>>();
        while let Some(first) = left.first() {
            let settings = Settings::of(&starts[*first].options);
            let (group, others) =
                left.iter().partition::<Vec<_>, _>(|at| Settings::of(&starts[**at].options) == settings);
            left = others;
            let mut text = String::new();
            for at in &group {
                let Start { name, options } = &starts[*at];
                let variables = options.variables.clone().unwrap_or_default();
                let key = key(name, settings.format);
                let line = json!({ "outputKey": key, "executionName": name, "variables": variables });
                text.push_str(&format!("{line}\n"));
            }
            let file = self.place.path().join("batch.jsonl");
            fs::write(&file, text).map_err(LambdaError::Folder)?;
            let mut flags = vec![
                "--batch=batch.jsonl".to_owned(),
                format!("--site-id={}", site.site_id),
                format!("--width={:.0}", layout.width),
                format!("--height={:.0}", layout.height),
            ];
            flags.extend(settings.flags());
            let output = self.run(&["render-batch", "project"], &flags, WHAT)?;
            let lines: Vec<Line> =
                serde_json::from_str(&output).map_err(|_| LambdaError::of_tool(WHAT, output.clone()))?;
            for at in group {
                let key = key(&starts[at].name, settings.format);
                let line = lines.iter().find(|line| line.output_key == key);
                let problem = match line {
                    Some(Line { execution_arn: Some(_), .. }) => None,
                    Some(line) => Some(line.error.clone().unwrap_or_default()),
                    None => Some("the tooling did not say what became of it".to_owned()),
                };
                started[at] = problem;
            }
        }
        Ok(started)
    }

    /// Runs the official command line; gives back what it answers.
    fn run(&self, verb: &[&str], flags: &[String], what: &'static str) -> Result<String, LambdaError> {
        let mut command = self.node();
        command
            .arg(self.modules.file("hyperframes/bin/hyperframes.mjs"))
            .arg("lambda")
            .args(verb)
            .args(flags)
            .arg(format!("--stack-name={}", self.stack.name))
            .arg("--json")
            .current_dir(self.place.path());
        let (ended, output) = process::capture(process::with_variables(command, AWS))
            .map_err(|error| LambdaError::of_tool(what, error.to_string()))?;
        if ended.status.success() {
            return Ok(output);
        }
        let said = if ended.output.is_empty() { output } else { ended.output.join("\n") };
        Err(LambdaError::of_tool(what, said.trim().to_owned()))
    }

    fn node(&self) -> Command {
        let mut command = Command::new(&self.node);
        command.env("TMPDIR", self.place.temporary());
        set_noninteractive(&mut command);
        command
    }

    /// Starts to follow; nothing is followed yet.
    fn follower(&self, pause: Duration) -> Result<Follower, LambdaError> {
        let failed = |error: std::io::Error| LambdaError::of_tool(FOLLOWING, error.to_string());
        let settings = json!({
            "region": self.stack.region,
            "bucket": self.stack.bucket_name,
            "memory": self.stack.lambda_memory_mb,
            "pause": pause.as_millis(),
        });
        let mut command = self.node();
        // Packages are looked for from the working directory.
        command
            .args(["--input-type=module", "--eval", FOLLOW, "--"])
            .arg(settings.to_string())
            .current_dir(self.modules.folder());
        let mut running =
            RunningProcess::start(process::with_variables(command, AWS), Stdio::piped()).map_err(failed)?;
        let input =
            running.take_stdin().ok_or_else(|| failed(std::io::Error::other("it cannot be spoken to")))?;
        Ok(Follower { running, input, errors: process::OutputTail::default() })
    }
}

/// Variables that the AWS SDK reads; the user's credentials are among them, and the project is only packed here.
const AWS: &[&str] = &["AWS_"];

const FOLLOWING: &str = "following the executions";

/// Where an execution's video is in the bucket.
fn key(name: &str, format: Format) -> String {
    format!("renders/{name}/output.{format}")
}

impl Settings {
    fn of(options: &RenderRequest) -> Self {
        Self {
            fps: options.fps.unwrap_or(30),
            quality: options.quality.unwrap_or(Quality::Standard),
            format: options.format.unwrap_or(Format::Mp4),
            resolution: options.resolution,
            shape: options.aspect_ratio,
        }
    }

    fn flags(self) -> Vec<String> {
        let mut flags = vec![
            format!("--fps={}", self.fps),
            format!("--quality={}", self.quality),
            format!("--format={}", self.format),
        ];
        if let Some((resolution, shape)) = self.resolution.zip(self.shape) {
            flags.push(format!("--output-resolution={}", shape.preset(resolution)));
        }
        flags
    }
}

/// The process that follows executions.
struct Follower {
    running: RunningProcess,
    input: std::process::ChildStdin,
    errors: process::OutputTail,
}

/// What the follower says.
#[derive(Debug, Deserialize)]
struct News {
    id: u64,
    /// Of the render, 0 to 1.
    progress: Option<f64>,
    /// The size of the video, which is in place, in bytes.
    saved: Option<u64>,
    /// What the execution cost, in dollars, by the tooling's estimate.
    cost: Option<f64>,
    failed: Option<Problem>,
}

#[derive(Debug, Deserialize)]
struct Problem {
    name: String,
    message: String,
}

impl Follower {
    /// Begins to follow an execution, whose video goes to `path`. One that began before `since`, in seconds since 1970, is
    /// of no use.
    fn follow(
        &mut self,
        id: u64,
        execution: &str,
        key: &str,
        path: &Path,
        since: Option<i64>,
    ) -> Result<(), LambdaError> {
        let mut task = Map::new();
        task.insert("id".to_owned(), id.into());
        task.insert("execution".to_owned(), execution.into());
        task.insert("key".to_owned(), key.into());
        let path = std::path::absolute(path).map_err(LambdaError::Folder)?;
        task.insert("path".to_owned(), path.to_string_lossy().into());
        task.extend(since.map(|since| ("since".to_owned(), since.into())));
        self.say(&Value::Object(task))
    }

    /// Ends following.
    fn forget(&mut self, id: u64) -> Result<(), LambdaError> {
        self.say(&json!({ "forget": id }))
    }

    fn say(&mut self, task: &Value) -> Result<(), LambdaError> {
        let said = writeln!(self.input, "{task}").and_then(|()| self.input.flush());
        said.map_err(|error| LambdaError::of_tool(FOLLOWING, error.to_string()))
    }

    /// Waits for news, for a moment.
    fn hear(&mut self) -> Result<Option<News>, LambdaError> {
        let failed = |error: std::io::Error| LambdaError::of_tool(FOLLOWING, error.to_string());
        match self.running.next_event(TICK).map_err(failed)? {
            ProcessEvent::Stdout(line) => Ok(serde_json::from_str(&line).ok()),
            ProcessEvent::Stderr(line) => {
                self.errors.push(&line);
                Ok(None)
            }
            ProcessEvent::Idle => Ok(None),
            ProcessEvent::Exited(_) => {
                let said = std::mem::take(&mut self.errors).into_lines().join("\n");
                Err(LambdaError::of_tool(FOLLOWING, said))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault as _;

    #[test]
    fn what_lambda_cannot_render_is_told_before_anything_is_started() {
        let code = |options: RenderRequest| check(&options).err().map(|error| error.to_string());
        assert_eq!(code(RenderRequest::default()), None);
        assert_eq!(code(RenderRequest { fps: Some(60), ..RenderRequest::default() }), None);
        let fps = code(RenderRequest { fps: Some(25), ..RenderRequest::default() });
        assert_eq!(fps.as_deref(), Some("Lambda renders no 25 frames per second"));
        let composition =
            RenderRequest { composition: Some("a.html".to_owned()), ..RenderRequest::default() };
        assert!(code(composition).is_some());
        let resolution = RenderRequest { resolution: Some(Resolution::FullHd), ..RenderRequest::default() };
        assert!(code(resolution).is_some());
        let variables = Map::from_iter([("a".to_owned(), "x".repeat(MOST_VARIABLES).into())]);
        assert!(code(RenderRequest { variables: Some(variables), ..RenderRequest::default() }).is_some());
    }

    #[test]
    fn options_become_flags_with_the_defaults_of_the_cloud() {
        let flags = |options: RenderRequest| Settings::of(&options).flags();
        assert_eq!(flags(RenderRequest::default()), ["--fps=30", "--quality=standard", "--format=mp4"]);
        let options = RenderRequest {
            fps: Some(24),
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
    }

    #[test]
    fn what_aws_says_about_credentials_is_told_apart() {
        let code = |output: &str| LambdaError::of_tool(FOLLOWING, output.to_owned()).code().to_owned();
        assert_eq!(code("CredentialsProviderError: none"), "not_authenticated");
        assert_eq!(code("ENOTFOUND states.eu-west-1.amazonaws.com"), "lambda_tooling_failed");
    }
}
