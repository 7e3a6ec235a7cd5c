//! Renders in a container, with a stand-in for the program `docker`: what it is asked for, and what becomes of its
//! failures. There is no daemon on the machines of the tests; CI builds the image and renders in it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{KEY, Ran, command, html, names, project, write};

const CLIP: &[u8] = include_bytes!("../../src/emulator/clips/placeholder.mp4");
const IMAGE: &str =
    "registry.example/hyperframes-ci@sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";

/// The stand-in. `DOCKER_MODE` is what happens in the container.
const SCRIPT: &str = r#"#!/bin/sh
{ printf '%s\n' "$@"; printf -- '--\n'; } >> "$DOCKER_FOLDER/log"
env > "$DOCKER_FOLDER/env"
has() { [ -e "$DOCKER_FOLDER/$1" ]; }
case $1 in
version)
  has podman && echo 'Client:       Podman Engine'
  has no-daemon || exit 0
  echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.' >&2
  exit 1 ;;
image)
  has no-image || exit 0
  echo 'Error: No such image' >&2
  exit 1 ;;
pull)
  has no-registry || exit 0
  echo 'denied: requested access to the resource is denied' >&2
  exit 1 ;;
run) ;;
rm)
  has hung && exec sleep 60
  exit 0 ;;
*) exit 0 ;;
esac
source() { printf '%s\n' "$2" | sed -n "s#^--mount=type=bind,source=\(.*\),target=$1\(,readonly\)*\$#\1#p"; }
all=$(printf '%s\n' "$@")
project=$(source /project "$all") input=$(source /input "$all") output=$(source /output "$all")
ls -A "$project" > "$DOCKER_FOLDER/project"
case $DOCKER_MODE in
clip)
  if [ -e "$input/variables.json" ] && grep -q Grace "$input/variables.json"; then
    printf '{\n  "error": {\n    "code": "render_failed",\n    "message": "no such font"\n  }\n}\n' >&2
    exit 1
  fi
  if has progress; then
    echo '@hf-progress {"code":"capture_frames","done":20,"total":60,"pct":43}' >&2
    echo '@hf-progress {broken' >&2
  fi
  cp "$DOCKER_FOLDER/clip.mp4" "$output/video.mp4"
  echo '{}' ;;
failed)
  printf '{\n  "error": {\n    "code": "render_failed",\n    "message": "the engine failed: x is not a function"\n  }\n}\n' >&2
  exit 1 ;;
warned)
  echo 'warning: {"code":1}' >&2
  echo '{ not JSON' >&2
  printf '{\n  "error": {\n    "code": "render_failed",\n    "message": "no such font"\n  }\n}\nbye\n' >&2
  exit 1 ;;
killed)
  echo 'starting' >&2
  exit 137 ;;
link)
  ln -s "$DOCKER_FOLDER/clip.mp4" "$output/video.mp4"
  echo '{}' ;;
pipe)
  mkfifo "$output/video.mp4"
  echo '{}' ;;
empty)
  echo 'exec: "hyperframes-ci": executable file not found in $PATH' >&2
  exit 127 ;;
none) echo '{}' ;;
sleep)
  echo $$ > "$DOCKER_FOLDER/pid"
  sleep 60 ;;
real)
  found=
  for argument; do
    shift
    if [ -n "$found" ]; then
      argument=$(printf '%s' "$argument" | sed "s#/project#$project#; s#/input#$input#; s#/output#$output#")
      set -- "$@" "$argument"
    fi
    case $argument in *@sha256:*) found=1 ;; --env=HYPERFRAMES_CI_PROGRESS=*) export "${argument#--env=}" ;; esac
  done
  export HYPERFRAMES_CI_CACHE="$DOCKER_CACHE" HYPERFRAMES_CI_LEDGER="$DOCKER_FOLDER/ledger.jsonl"
  exec "$DOCKER_BINARY" "$@" ;;
esac
"#;

struct Docker(tempfile::TempDir);

impl Docker {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("bin/docker");
        fs::create_dir(folder.path().join("bin")).unwrap();
        fs::write(&program, SCRIPT).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.path().join("clip.mp4"), CLIP).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Makes the stand-in fail in this way.
    fn with(self, name: &str) -> Self {
        fs::write(self.path(name), "").unwrap();
        self
    }

    fn command(&self, mode: &str, flags: &[&str]) -> Command {
        let mut command = self.command_for_people(mode, flags);
        command.arg("--json");
        command
    }

    fn command_for_people(&self, mode: &str, flags: &[&str]) -> Command {
        let mut command = command();
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", self.path("bin").display()));
        command.env("DOCKER_FOLDER", self.0.path()).env("DOCKER_MODE", mode);
        command.env("DOCKER_BINARY", env!("CARGO_BIN_EXE_hyperframes-ci")).env("HEYGEN_API_KEY", KEY);
        let cache = command.get_envs().find(|(name, _)| *name == "HYPERFRAMES_CI_CACHE");
        let cache = cache.and_then(|(_, value)| value).map(ToOwned::to_owned);
        command.env("DOCKER_CACHE", cache.unwrap_or_default());
        command.args(["render", "--renderer", "docker"]);
        if !flags.iter().any(|flag| flag.starts_with("--docker-image")) {
            command.args(["--docker-image", IMAGE]);
        }
        command.args(flags);
        command
    }

    fn run(&self, folder: &Path, mode: &str, flags: &[&str]) -> Ran {
        Ran::of(self.command(mode, flags).current_dir(folder))
    }

    /// The arguments of each call.
    fn calls(&self) -> Vec<Vec<String>> {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        let calls = log.split("--\n").filter(|call| !call.is_empty());
        // An option ends with its line, so that `--` alone is the separator.
        calls.map(|call| call.lines().map(str::to_owned).collect()).collect()
    }

    fn verbs(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call[0].clone()).collect()
    }
}

#[test]
fn a_container_gets_the_project_and_nothing_else() {
    let (docker, folder) = (Docker::new(), project());
    let variables = "{\"title\":\"topsecret\"}";
    let flags = ["-o", "v.mp4", "--fps", "30000/1001", "--variables", variables];
    let result = docker.run(folder.path(), "clip", &flags).ok().json();
    assert_eq!(fs::read(folder.path().join("v.mp4")).unwrap(), CLIP);
    assert_eq!((&result["render"]["renderer"], &result["reused"]), (&json!("docker"), &json!(false)));
    assert_eq!(docker.verbs(), ["version", "image", "run"]);
    let run = docker.calls().pop().unwrap();
    let has = |argument: &str| run.iter().any(|known| known == argument);
    for expected in [
        "--rm",
        "--init",
        "--pull=never",
        "--network=none",
        "--read-only",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        "--entrypoint=hyperframes-ci",
        IMAGE,
        "--renderer=local",
        "--network=none",
        "--fps=30000/1001",
        "--variables-file=/input/variables.json",
    ] {
        assert!(has(expected), "{expected} in {run:?}");
    }
    assert!(!run.iter().any(|argument| argument.starts_with("--user=0:")), "{run:?}");
    let writable =
        run.iter().filter(|argument| argument.starts_with("--mount") && !argument.ends_with(",readonly"));
    let targets = writable.map(|mount| mount.rsplit("target=").next().unwrap());
    assert_eq!(targets.collect::<Vec<_>>(), ["/output", "/tmp"]);
    // Values and secrets are not in command lines, and secrets not in the environment either.
    assert!(!run.iter().any(|argument| argument.contains("topsecret")), "{run:?}");
    let environment = fs::read_to_string(docker.path("env")).unwrap();
    assert!(environment.contains("DOCKER_MODE=") && !environment.contains(KEY), "{environment}");
    assert_eq!(fs::read_to_string(docker.path("project")).unwrap(), ".hyperframesignore\nindex.html\n");
    // The network is asked for.
    docker.run(folder.path(), "clip", &["-o", "v.mp4", "--network", "public"]).ok();
    let run = docker.calls().pop().unwrap();
    assert!(run.contains(&"--network=bridge".to_owned()) && run.contains(&"--network=public".to_owned()));
}

#[test]
fn the_progress_of_the_engine_in_the_container_is_shown() {
    let (docker, folder) = (Docker::new().with("progress"), project());
    let ran = Ran::of(docker.command_for_people("clip", &["-o", "v.mp4"]).current_dir(folder.path())).ok();
    let lines = ran.stderr.lines().filter(|line| line.contains("capture frames")).collect::<Vec<_>>();
    assert_eq!(lines.len(), 1, "{ran:?}");
    assert!(!ran.stderr.contains("@hf-progress"), "{ran:?}");
    let run = docker.calls().pop().unwrap();
    assert!(run.contains(&"--env=HYPERFRAMES_CI_PROGRESS=lines".to_owned()), "{run:?}");
    // The program in the container writes such lines.
    let mut command = docker.command("clip", &["-o", "v.mp4"]);
    let ran = Ran::of(command.env("HYPERFRAMES_CI_PROGRESS", "lines").current_dir(folder.path())).ok();
    assert_eq!(ran.stderr, "@hf-progress {\"code\":\"capture frames\",\"pct\":43.0}\n");
    ran.json();
}

#[test]
fn a_row_that_fails_does_not_fail_the_others() {
    let (docker, folder) = (Docker::new(), project());
    write(folder.path(), "rows.csv", "title\nAda\nGrace\nEdith\n");
    let mut command = docker.command("clip", &["--batch", "rows.csv", "-o", "out/{title}.{ext}"]);
    let ran = Ran::from(command.current_dir(folder.path()).output().unwrap());
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(names(&folder.path().join("out")), ["Ada.mp4", "Edith.mp4"]);
    assert_eq!(docker.verbs().iter().filter(|verb| *verb == "run").count(), 3);
    let run = docker.calls().pop().unwrap();
    assert!(run.contains(&"--workers=1".to_owned()), "{run:?}");
}

#[test]
fn failures_say_what_is_missing() {
    let folder = project();
    let failed = |docker: &Docker, mode: &str, flags: &[&str]| {
        let ran = docker.run(folder.path(), mode, flags);
        let error = ran.error();
        assert_eq!(names(folder.path()), [".git", "index.html"], "nothing half-written is left");
        let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        (ran.code, text("code"), text("message"))
    };
    for (docker, part) in [
        (Docker::new().with("no-daemon"), "Cannot connect to the Docker daemon"),
        (Docker::new().with("no-image").with("no-registry"), "denied: requested access"),
    ] {
        let (code, name, message) = failed(&docker, "clip", &["-o", "v.mp4"]);
        assert_eq!((code, name.as_str()), (1, "container_not_started"));
        assert!(message.contains(part), "{message}");
        assert!(!docker.verbs().contains(&"run".to_owned()));
    }
    // An image is pulled by its digest; an ID cannot be pulled.
    let docker = Docker::new().with("no-image");
    docker.run(folder.path(), "clip", &["-o", "v.mp4", "--dry-run"]).ok();
    assert!(docker.calls().is_empty(), "a dry run asks for nothing");
    let id = format!("--docker-image={}", IMAGE.split('@').nth(1).unwrap());
    assert_eq!(failed(&docker, "clip", &["-o", "v.mp4", &id]).1, "container_not_started");
    assert_eq!(docker.verbs(), ["version", "image"]);
    let docker = Docker::new();
    for (mode, code, part) in [
        ("failed", "render_failed", "x is not a function"),
        ("empty", "container_not_started", "executable file not found"),
        ("none", "render_failed", "the engine did not write a video"),
        // What the container must not pass off as a video: a file of this machine, or one that never ends.
        ("link", "render_failed", "the engine did not write a video"),
        ("pipe", "render_failed", "the engine did not write a video"),
        ("warned", "render_failed", "the render in the container failed: no such font"),
        ("killed", "render_failed", "the render in the container failed: exit status: 137\nstarting"),
    ] {
        let (exit, name, message) = failed(&docker, mode, &["-o", "v.mp4"]);
        assert_eq!((exit, name.as_str()), (1, code), "{message}");
        assert!(message.contains(part), "{message}");
    }
    for flags in
        [&["--docker-image=hyperframes-ci:latest"][..], &["--docker-program=nerdctl"], &["--repeat", "2"]]
    {
        assert_eq!(failed(&docker, "clip", flags).0, 2, "{flags:?}");
    }
    let mut without = command();
    without.args(["render", "--renderer", "docker", "--json"]).current_dir(folder.path());
    let ran = Ran::of(&mut without);
    assert!(
        ran.code == 2 && ran.error()["message"].as_str().unwrap().contains("requires an image"),
        "{ran:?}"
    );
    let nowhere = Ran::of(
        docker
            .command("clip", &["--docker-program=podman"])
            .env("PATH", "/nowhere")
            .current_dir(folder.path()),
    );
    assert_eq!(nowhere.error()["code"], "container_not_started", "{nowhere:?}");
}

/// Waits until `is_so`, for at most 20 s.
fn wait_until(is_so: &dyn Fn() -> bool, what: &str) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Returns the name of the container that was run, if it was removed.
fn removed(docker: &Docker) -> bool {
    let calls = docker.calls();
    let run = calls.iter().find(|call| call[0] == "run").unwrap();
    let name = run.iter().find_map(|argument| argument.strip_prefix("--name=")).unwrap();
    calls.iter().any(|call| *call == ["rm", "--force", name])
}

#[test]
fn an_interruption_removes_the_container() {
    let (docker, folder) = (Docker::new(), project());
    let mut command = docker.command("sleep", &["-o", "v.mp4"]);
    let mut child =
        command.current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until(&|| docker.path("pid").exists(), "the container does not start");
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(removed(&docker), "{:?}", docker.calls());
    assert_eq!(names(folder.path()), [".git", "index.html"]);
}

#[test]
fn a_service_that_hangs_does_not_hold_an_interruption_up() {
    let (docker, folder) = (Docker::new().with("hung"), project());
    let mut command = docker.command("sleep", &["-o", "v.mp4"]);
    let mut child =
        command.current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until(&|| docker.path("pid").exists(), "the container does not start");
    let began = Instant::now();
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(removed(&docker) && began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[test]
fn podman_under_the_name_of_docker_is_podman() {
    let (docker, folder) = (Docker::new().with("podman"), project());
    docker.run(folder.path(), "clip", &["-o", "v.mp4"]).ok();
    let run = docker.calls().pop().unwrap();
    assert!(run.contains(&"--security-opt=label=disable".to_owned()), "{run:?}");
    let docker = Docker::new();
    docker.run(folder.path(), "clip", &["-o", "v.mp4"]).ok();
    assert!(!docker.calls().pop().unwrap().contains(&"--security-opt=label=disable".to_owned()));
}

#[test]
fn the_time_limit_removes_the_container() {
    let (docker, folder) = (Docker::new(), project());
    let ran = docker.run(folder.path(), "sleep", &["-o", "v.mp4", "--max-wait", "0.03"]);
    assert_eq!((ran.code, ran.error()["code"].as_str()), (4, Some("timeout")), "{ran:?}");
    assert!(removed(&docker), "{:?}", docker.calls());
}

/// The real program in place of the container, with the real engine: it takes the command line, renders what was packed
/// (hidden directories as well) and writes where the container would.
#[test]
fn the_program_in_the_image_takes_the_command_line() {
    let (docker, folder) = (Docker::new(), project());
    let inside = "<img src=\".media/a.png\">";
    write(folder.path(), "index.html", &html(160, 90, inside).replace("duration=\"1\"", "duration=\"0.4\""));
    write(folder.path(), ".hyperframesignore", "!.media/\n");
    fs::create_dir(folder.path().join(".media")).unwrap();
    fs::write(folder.path().join(".media/a.png"), include_bytes!("../../src/emulator/clips/placeholder.png"))
        .unwrap();
    let flags = [
        "-o",
        "v.mp4",
        "--fps",
        "5",
        "--quality=draft",
        "--no-best-effort",
        "--variables",
        "{\"title\":\"A\"}",
    ];
    let result = docker.run(folder.path(), "real", &flags).ok().json();
    assert_eq!((&result["video"]["width"], &result["video"]["fps"]), (&json!(160), &json!(5.0)), "{result}");
    assert_eq!(result["mismatches"], json!([]), "{result}");
    let flags = ["-o", "frames", "--format=png-sequence", "--fps", "5"];
    docker.run(folder.path(), "real", &flags).ok();
    assert_eq!(names(&folder.path().join("frames")), ["frame_000001.png", "frame_000002.png"]);
    let mut command = docker.command_for_people("real", &["-o", "p.mp4", "--fps", "5"]);
    let ran = Ran::of(command.current_dir(folder.path())).ok();
    assert!(ran.stderr.contains("] capturing") || ran.stderr.contains("] capture"), "{ran:?}");
}
