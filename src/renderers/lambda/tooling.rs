//! The official command line and SDK for Lambda, ready for a stack, with one project.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::options::{AspectRatio, Format, Quality, Resolution};
use serde::Deserialize;
use serde_json::json;

use super::error::LambdaError;
use super::follower::{FOLLOWING, Follower};
use super::stack::Stack;
use crate::system::programs::process::{self, RunningProcess};
use crate::system::programs::{self, Node, NpmPackages, WorkDir, set_noninteractive};
use crate::system::unpack::unpack;

/// What must not differ in version from the two. Their ranges would let npm mix versions.
const SIBLINGS: &[&str] = &["core", "engine", "lint", "parsers", "producer", "studio-server"];

/// What the SDK parses pages with, at the version that it was tested with.
const PARSER: (&str, &str) = ("linkedom", "0.18.12");

const FOLLOW: &str = include_str!("follow.mjs");

/// The size that a composition is laid out at, in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// The width.
    pub(super) width: f64,
    /// The height.
    pub(super) height: f64,
}

/// The official tooling, ready for a stack, with one project.
pub(super) struct Tooling {
    pub(super) stack: Stack,
    modules: NpmPackages,
    node: PathBuf,
    /// Where it works; the project, unpacked, is in it.
    place: WorkDir,
}

/// A project in the stack's bucket.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Site {
    site_id: String,
}

/// An execution that is to be started.
#[derive(Clone, Debug)]
pub(super) struct Start {
    /// Its name.
    pub(super) name: String,
    pub(super) options: RenderRequest,
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

impl Tooling {
    /// Finds or installs the tooling, in this version, and unpacks `archive`; `announce` hears what is being installed.
    ///
    /// # Errors
    /// When that is not possible.
    pub(super) fn new(
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
    pub(super) fn site(&self) -> Result<Site, LambdaError> {
        const WHAT: &str = "uploading the project to the stack's bucket";
        let output = self.run(&["sites", "create", "project"], &[], WHAT)?;
        serde_json::from_str(&output).map_err(|_| LambdaError::of_tool(WHAT, output))
    }

    /// Starts executions; gives back the error of each that did not start, in their order.
    pub(super) fn start(
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
    pub(super) fn follower(&self, pause: Duration) -> Result<Follower, LambdaError> {
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
        Ok(Follower::new(running, input))
    }
}

/// Variables that the AWS SDK reads; the user's credentials are among them, and the project is only packed here.
const AWS: &[&str] = &["AWS_"];

/// Where an execution's video is in the bucket.
pub(super) fn key(name: &str, format: Format) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault as _;

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
