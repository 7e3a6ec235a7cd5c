//! The output of the main flows: on a terminal, in a log (`CI=true`), and as JSON.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::emulator::Emulator;
use crate::program::{answering, check, command, in_log, on_terminal};
use crate::redaction::redact;

const PROJECT: &str = "<html data-composition-variables='[{\"id\":\"title\",\"label\":\"Title\",\"type\":\"string\",\"default\":\"x\"}]'>
<div data-composition-id=\"main\" data-width=\"1280\" data-height=\"720\" data-start=\"0\" data-duration=\"1\" data-no-timeline>
<b data-var-text=\"title\"></b></div></html>
";

const CONFIG: &str = "[defaults]
quality = \"high\"

[[render]]
project = \"videos/launch\"
on = [\"pull_request\"]
";

/// A repository and the home of its user.
struct Stage {
    repository: TempDir,
    home: TempDir,
}

impl Stage {
    /// Returns a repository with one project and a file of rows.
    fn new() -> Self {
        let repository = tempfile::Builder::new().prefix("repository").tempdir().unwrap();
        let stage = Self { repository, home: tempfile::tempdir().unwrap() };
        fs::create_dir(stage.repository.path().join(".git")).unwrap();
        stage.write("videos/launch/index.html", PROJECT);
        stage.write("rows.csv", "title\nOne\nTwo\n");
        stage
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.repository.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn home(&self) -> &Path {
        self.home.path()
    }
}

/// The modes of output.
const MODES: [&str; 3] = ["terminal", "log", "json"];

/// Runs a flow in every mode, each on a stage of its own: the lines before the last one are run silently. Compares what the
/// last line prints with the snapshots.
fn flow(name: &str, lines: &[&str], is_online: bool, prepare: impl Fn(&Stage)) {
    for mode in MODES {
        let stage = Stage::new();
        prepare(&stage);
        let emulator = is_online.then(|| Emulator::start(stage.home()));
        let program = |line: &str| {
            let mut program = emulator
                .as_ref()
                .map_or_else(|| command(stage.home()), |emulator| emulator.command(stage.home()));
            program.args(line.split_whitespace()).current_dir(stage.repository.path());
            program
        };
        let (last, first) = lines.split_last().unwrap();
        for line in first {
            let output = program(line).output().unwrap();
            assert!(output.status.success(), "{line}: {output:?}");
        }
        let text = match mode {
            "terminal" => on_terminal(program(last)),
            "log" => in_log(program(last).env("CI", "true")),
            _ => in_log(program(last).arg("--json")),
        };
        let json = if mode == "json" { " --json" } else { "" };
        let text = format!("$ hyperframes-ci {last}{json}\n{text}");
        check(&format!("flows/{name}.{mode}.txt"), redact(&text, stage.repository.path(), stage.home()));
    }
}

#[test]
fn check_prints_findings() {
    flow("check", &["check"], false, |_| {});
    flow("check-findings", &["check"], false, |stage| {
        stage.write("videos/launch/index.html", &PROJECT.replace("<b ", "<img src=\"a.png\"><b "));
    });
}

#[test]
fn render_prints_progress_and_the_video() {
    flow("render", &["render videos/launch -o launch.mp4"], true, |_| {});
    flow(
        "render-reuse",
        &["render videos/launch -o launch.mp4", "render videos/launch -o again.mp4"],
        true,
        |_| {},
    );
    flow("render-dry-run", &["render videos/launch --dry-run"], true, |_| {});
    flow("render-no-credential", &["render videos/launch --renderer cloud"], false, |_| {});
}

#[test]
fn a_batch_prints_its_rows() {
    let line = "render videos/launch --batch rows.csv -o out/{title}.mp4 --concurrency 1";
    flow("batch", &[line], true, |_| {});
    flow("batch-resume", &[line, line], true, |_| {});
    flow("batch-invalid-row", &[&format!("{line} --strict-variables")], true, |stage| {
        stage.write("rows.csv", "titel\nOne\n");
    });
}

#[test]
fn renders_are_listed_and_shown() {
    let render = "render videos/launch -o launch.mp4";
    flow("list", &[render, "list"], true, |_| {});
    flow("list-empty", &["list"], true, |_| {});
    flow("get-unknown", &["get hfr_unknown"], true, |_| {});
}

#[test]
fn a_render_is_shown() {
    for mode in MODES {
        let stage = Stage::new();
        let emulator = Emulator::start(stage.home());
        let program = |arguments: &[&str]| {
            let mut program = emulator.command(stage.home());
            program.args(arguments).current_dir(stage.repository.path());
            program
        };
        let rendered = program(&["render", "videos/launch", "-o", "a.mp4", "--json"]).output().unwrap();
        let outcome: serde_json::Value = serde_json::from_slice(&rendered.stdout).unwrap();
        let id = outcome["render"]["render_id"].as_str().or(outcome["render"]["id"].as_str());
        let id = id.unwrap_or_else(|| panic!("no id in {outcome:#}"));
        let text = match mode {
            "terminal" => on_terminal(program(&["get", id])),
            "log" => in_log(program(&["get", id]).env("CI", "true")),
            _ => in_log(&mut program(&["get", id, "--json"])),
        };
        let text = redact(&text, stage.repository.path(), stage.home());
        check(&format!("flows/get.{mode}.txt"), format!("$ hyperframes-ci get [RENDER]\n{text}"));
    }
}

#[test]
fn the_configuration_is_shown() {
    flow("config-show", &["config show"], false, |stage| stage.write("hyperframes-ci.toml", CONFIG));
    flow("config-invalid", &["config show"], false, |stage| {
        stage.write("hyperframes-ci.toml", &CONFIG.replace("quality", "qualty"));
    });
}

#[test]
fn the_account_is_shown() {
    flow("auth-status", &["auth status"], true, |_| {});
    flow("auth-status-none", &["auth status"], false, |_| {});
}

#[test]
fn init_prints_its_files_and_the_next_steps() {
    flow("init", &["init --yes"], false, |_| {});
    flow("init-dry-run", &["init --dry-run --hooks lefthook"], false, |_| {});
    flow("init-twice", &["init --yes", "init --yes"], false, |_| {});
    flow("init-existing", &["init --yes --hooks pre-commit --ci gitlab"], false, |stage| {
        stage.write(".gitlab-ci.yml", "test:\n  script: [make]\n");
        stage.write(".pre-commit-config.yaml", "repos: []\n");
        stage.write("hyperframes-ci.toml", "[[render]]\nproject = \"videos/other\"\n");
    });
    flow("init-empty", &["init --yes"], false, |stage| {
        fs::remove_dir_all(stage.repository.path().join("videos")).unwrap();
        fs::remove_dir_all(stage.repository.path().join(".git")).unwrap();
    });
}

#[test]
fn init_asks_on_a_terminal_and_writes_what_is_confirmed() {
    for (name, answers) in [("yes", "y\ny\n"), ("no", "n\nn\n")] {
        let stage = Stage::new();
        stage.write("lefthook.yml", "pre-push:\n");
        let mut program = command(stage.home());
        program.arg("init").current_dir(stage.repository.path());
        let text = redact(&answering(program, answers), stage.repository.path(), stage.home());
        check(&format!("flows/init-answer-{name}.terminal.txt"), format!("$ hyperframes-ci init\n{text}"));
        assert_eq!(stage.repository.path().join("hyperframes-ci.toml").exists(), name == "yes");
    }
}

#[test]
fn usage_errors_name_the_flag() {
    flow("usage-value", &["render videos/launch --fps 0"], false, |_| {});
    flow("usage-flag", &["render videos/launch --qualty high"], false, |_| {});
    flow("usage-project", &["render videos/lunch"], false, |_| {});
}
