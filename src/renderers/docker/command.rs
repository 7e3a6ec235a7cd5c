//! The command lines of containers.

use std::path::Path;

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::findings::Rule;
use hyperframes_ci_core::options::{Format, Quality};
use hyperframes_ci_core::project::DEFAULT_COMPOSITION;

use super::options::ContainerProgram;
use crate::system::sandbox::Network;
use crate::ui::{PROGRESS_LINES, PROGRESS_VARIABLE};

/// Directories in the container.
pub(super) const PROJECT: &str = "/project";
pub(super) const INPUT: &str = "/input";
pub(super) const OUTPUT: &str = "/output";

/// Names of files in [`INPUT`].
pub(super) const CONFIG: &str = "hyperframes-ci.toml";
pub(super) const VARIABLES: &str = "variables.json";

/// The name of the video in [`OUTPUT`].
const VIDEO: &str = "video";

/// Maximum number of processes; a browser with its helpers, Node and FFmpeg are about 20 for each worker of the engine.
const MAX_PROCESSES: u32 = 512;

/// The user `nobody` of the image, for renders that root starts.
const NOBODY: (u32, u32) = (65_534, 65_534);

/// A container to run.
pub(super) struct Container<'a> {
    pub(super) program: ContainerProgram,
    pub(super) image: &'a str,
    pub(super) name: &'a str,
    /// User and group of this process, where the system has them.
    pub(super) user: Option<(u32, u32)>,
    /// The unpacked project.
    pub(super) project: &'a Path,
    /// The configuration and the variables.
    pub(super) input: &'a Path,
    /// Where the video is written.
    pub(super) output: &'a Path,
    /// Temporary files.
    pub(super) temporary: &'a Path,
    pub(super) network: Network,
    /// Maximum memory in bytes, if it is known.
    pub(super) memory: Option<u64>,
}

impl Container<'_> {
    /// Returns the arguments that run the container.
    pub(super) fn arguments(&self) -> Vec<String> {
        let mount = |source: &Path, target: &str, mode: &str| {
            let source = format!("source={}", source.display());
            // The value is a line of CSV.
            let source = match source.contains([',', '"']) {
                true => format!("\"{}\"", source.replace('"', "\"\"")),
                false => source,
            };
            format!("--mount=type=bind,{source},target={target}{mode}")
        };
        let (user, group) = self.user.filter(|(user, _)| *user != 0).unwrap_or(NOBODY);
        let mut arguments = vec![
            "run".to_owned(),
            "--rm".to_owned(),
            // Forwards signals, and ends what the engine leaves behind.
            "--init".to_owned(),
            format!("--name={}", self.name),
            // It was looked for, and pulled if it was missing.
            "--pull=never".to_owned(),
            "--log-driver=none".to_owned(),
            format!("--network={}", if self.network == Network::Public { "bridge" } else { "none" }),
            format!("--user={user}:{group}"),
            "--read-only".to_owned(),
            "--cap-drop=ALL".to_owned(),
            "--security-opt=no-new-privileges".to_owned(),
            format!("--pids-limit={MAX_PROCESSES}"),
            // Browsers need more than the default of 64 MB.
            "--shm-size=1g".to_owned(),
        ];
        arguments.extend(self.memory.map(|bytes| format!("--memory={bytes}b")));
        if self.program == ContainerProgram::Podman {
            // Without root, the user would be another one in the container.
            arguments.extend(self.user.filter(|(user, _)| *user != 0).map(|_| "--userns=keep-id".to_owned()));
            // SELinux would deny the directories, which must not be labelled anew.
            arguments.push("--security-opt=label=disable".to_owned());
        }
        arguments.extend([
            mount(self.project, PROJECT, ",readonly"),
            mount(self.input, INPUT, ",readonly"),
            mount(self.output, OUTPUT, ""),
            mount(self.temporary, "/tmp", ""),
            "--workdir=/tmp".to_owned(),
            "--env=HOME=/tmp".to_owned(),
            "--env=HYPERFRAMES_CI_LEDGER=/tmp/ledger.jsonl".to_owned(),
            format!("--env={PROGRESS_VARIABLE}={PROGRESS_LINES}"),
            "--entrypoint=hyperframes-ci".to_owned(),
            self.image.to_owned(),
        ]);
        arguments
    }
}

/// The render in a container.
pub(super) struct ContainedRender<'a> {
    pub(super) options: &'a RenderRequest,
    pub(super) network: Network,
    pub(super) workers: Option<usize>,
    /// Time limit in minutes.
    pub(super) minutes: f64,
}

impl ContainedRender<'_> {
    /// Returns the arguments of the program in the container. The project was checked already, with the severities of its
    /// configuration, which is not used again.
    pub(super) fn arguments(&self) -> Vec<String> {
        let options = self.options;
        let codes = Rule::ALL.iter().map(|rule| rule.code()).collect::<Vec<_>>().join(",");
        let network = if self.network == Network::Public { "public" } else { "none" };
        let mut arguments = vec![
            "render".to_owned(),
            PROJECT.to_owned(),
            "--renderer=local".to_owned(),
            "--json".to_owned(),
            format!("--config={INPUT}/{CONFIG}"),
            format!("--allow={codes}"),
            format!("--output={}", video(self.format())),
            format!("--format={}", self.format()),
            format!("--quality={}", options.quality.unwrap_or(Quality::Standard)),
            format!("--network={network}"),
            format!("--max-wait={:.4}", self.minutes.max(0.0001)),
        ];
        arguments.extend(options.fps.map(|fps| format!("--fps={fps}")));
        arguments.extend(options.crf.map(|crf| format!("--crf={crf}")));
        arguments.extend(options.video_bitrate.as_ref().map(|bitrate| format!("--video-bitrate={bitrate}")));
        arguments.extend(options.gif_loop.map(|count| format!("--gif-loop={count}")));
        arguments.extend((options.best_effort == Some(false)).then(|| "--no-best-effort".to_owned()));
        arguments.extend(options.resolution.map(|resolution| format!("--resolution={resolution}")));
        let composition = options.composition.as_ref().filter(|path| *path != DEFAULT_COMPOSITION);
        arguments.extend(composition.map(|path| format!("--composition={path}")));
        arguments.extend(options.variables.as_ref().map(|_| format!("--variables-file={INPUT}/{VARIABLES}")));
        arguments.extend(self.workers.map(|count| format!("--workers={count}")));
        arguments
    }

    fn format(&self) -> Format {
        self.options.format.unwrap_or(Format::Mp4)
    }
}

/// Returns the path of the video in the container.
fn video(format: Format) -> String {
    format!("{OUTPUT}/{}", video_name(format))
}

/// Returns the name of the video's file or directory.
pub(super) fn video_name(format: Format) -> String {
    if format.is_directory() { VIDEO.to_owned() } else { format!("{VIDEO}.{format}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(program: ContainerProgram, user: Option<(u32, u32)>, network: Network) -> Vec<String> {
        let container = Container {
            program,
            image: "a@sha256:0",
            name: "hyperframes-ci-1",
            user,
            project: Path::new("/w/a,b/project"),
            input: Path::new("/w/input"),
            output: Path::new("/w/output"),
            temporary: Path::new("/w/tmp"),
            network,
            memory: Some(1024),
        };
        container.arguments()
    }

    #[test]
    fn a_container_has_no_rights() {
        let arguments = container(ContainerProgram::Docker, Some((1000, 1001)), Network::None);
        assert_eq!(
            arguments,
            [
                "run",
                "--rm",
                "--init",
                "--name=hyperframes-ci-1",
                "--pull=never",
                "--log-driver=none",
                "--network=none",
                "--user=1000:1001",
                "--read-only",
                "--cap-drop=ALL",
                "--security-opt=no-new-privileges",
                "--pids-limit=512",
                "--shm-size=1g",
                "--memory=1024b",
                "--mount=type=bind,\"source=/w/a,b/project\",target=/project,readonly",
                "--mount=type=bind,source=/w/input,target=/input,readonly",
                "--mount=type=bind,source=/w/output,target=/output",
                "--mount=type=bind,source=/w/tmp,target=/tmp",
                "--workdir=/tmp",
                "--env=HOME=/tmp",
                "--env=HYPERFRAMES_CI_LEDGER=/tmp/ledger.jsonl",
                "--env=HYPERFRAMES_CI_PROGRESS=lines",
                "--entrypoint=hyperframes-ci",
                "a@sha256:0",
            ]
        );
    }

    #[test]
    fn a_container_is_never_root() {
        for user in [Some((0, 0)), None] {
            let arguments = container(ContainerProgram::Podman, user, Network::Public);
            assert!(arguments.contains(&"--user=65534:65534".to_owned()), "{arguments:?}");
            assert!(arguments.contains(&"--network=bridge".to_owned()), "{arguments:?}");
            assert!(!arguments.contains(&"--userns=keep-id".to_owned()), "{arguments:?}");
        }
        let own = container(ContainerProgram::Podman, Some((1000, 1000)), Network::None);
        assert!(own.contains(&"--userns=keep-id".to_owned()), "{own:?}");
    }

    #[test]
    fn options_become_flags_of_the_program() {
        let options = RenderRequest {
            fps: "30000/1001".parse().ok(),
            format: Some(Format::Hls),
            quality: Some(Quality::Looks),
            crf: Some(18),
            best_effort: Some(false),
            composition: Some("-a.html".to_owned()),
            variables: Some(serde_json::Map::new()),
            ..RenderRequest::default()
        };
        let render =
            ContainedRender { options: &options, network: Network::None, workers: Some(2), minutes: 1.5 };
        let arguments = render.arguments();
        assert_eq!(arguments[..4], ["render", "/project", "--renderer=local", "--json"]);
        assert_eq!(
            arguments[6..],
            [
                "--output=/output/video",
                "--format=hls",
                "--quality=looks",
                "--network=none",
                "--max-wait=1.5000",
                "--fps=30000/1001",
                "--crf=18",
                "--no-best-effort",
                "--composition=-a.html",
                "--variables-file=/input/variables.json",
                "--workers=2",
            ]
        );
    }
}
