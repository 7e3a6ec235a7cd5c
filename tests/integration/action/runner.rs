//! A runner for action.yml: it evaluates the few expressions that are there, and runs the steps under bash.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{clean, root};

/// What a run of the action came to.
pub(super) struct Run {
    pub(super) code: i32,
    /// Standard output and standard error, as the log has them.
    pub(super) log: String,
    /// The action's outputs.
    pub(super) outputs: BTreeMap<String, String>,
    pub(super) summary: String,
    /// `uses` steps that would have run, with their inputs.
    pub(super) used: Vec<(String, BTreeMap<String, String>)>,
}

/// A runner's environment.
pub(super) struct Runner {
    folder: tempfile::TempDir,
    variables: BTreeMap<String, String>,
    contexts: BTreeMap<String, String>,
}

fn action() -> Value {
    let text = fs::read_to_string(root().join("action.yml")).unwrap();
    serde_yaml_ng::from_str(&text).unwrap()
}

impl Runner {
    /// For an event of `o/r`, checked out at `workspace`.
    pub(super) fn new(api: &str, workspace: &Path, name: &str, payload: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let event = folder.path().join("event.json");
        fs::write(&event, payload.to_string()).unwrap();
        let temporary = folder.path().join("temp");
        fs::create_dir(&temporary).unwrap();
        let path = |path: &Path| path.display().to_string();
        let variables = [
            ("CI", "true".to_owned()),
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("GITHUB_API_URL", api.to_owned()),
            ("GITHUB_SERVER_URL", "https://github.example".to_owned()),
            ("GITHUB_REPOSITORY", "o/r".to_owned()),
            ("GITHUB_EVENT_NAME", name.to_owned()),
            ("GITHUB_EVENT_PATH", path(&event)),
            ("GITHUB_WORKSPACE", path(workspace)),
            ("GITHUB_SHA", "c".repeat(40)),
            ("GITHUB_RUN_ID", "77".to_owned()),
            ("GITHUB_RUN_ATTEMPT", "1".to_owned()),
            ("GITHUB_WORKFLOW", "videos".to_owned()),
            ("GITHUB_JOB", "preview".to_owned()),
            ("GITHUB_ACTION_PATH", path(root())),
            ("GITHUB_OUTPUT", String::new()),
            ("GITHUB_STEP_SUMMARY", path(&folder.path().join("summary.md"))),
            ("RUNNER_TEMP", path(&temporary)),
            ("RUNNER_OS", "Linux".to_owned()),
            ("RUNNER_ARCH", "X64".to_owned()),
            // The pauses before retries and between checks.
            ("HYPERFRAMES_CI_TIME_SCALE", "20".to_owned()),
        ];
        let contexts = [
            ("github.token", "ghs_supersecret_token_0123456789".to_owned()),
            ("github.action_repository", String::new()),
            ("github.event_name", name.to_owned()),
            ("github.event.action", payload["action"].as_str().unwrap_or_default().to_owned()),
            ("github.run_id", "77".to_owned()),
            ("github.run_attempt", "1".to_owned()),
            ("github.job", "preview".to_owned()),
            ("strategy.job-index", "0".to_owned()),
            ("strategy.job-total", "1".to_owned()),
            ("runner.temp", path(&temporary)),
        ];
        let owned = |(name, value): (&str, String)| (name.to_owned(), value);
        let mut contexts = BTreeMap::from(contexts.map(owned));
        for pointer in
            ["pull_request/head/repo/id", "pull_request/base/repo/id", "repository/private", "repository/id"]
        {
            // What a payload does not have is empty.
            let value = payload.pointer(&format!("/{pointer}")).filter(|value| !value.is_null());
            let name = format!("github.event.{}", pointer.replace('/', "."));
            contexts.insert(name, value.map(plain).unwrap_or_default());
        }
        Self { folder, variables: variables.map(owned).into(), contexts }
    }

    /// Sets a variable of the runner's.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Sets what an expression is.
    pub(super) fn context(&mut self, name: &str, value: &str) {
        self.contexts.insert(name.to_owned(), value.to_owned());
    }

    /// A folder of the runner's.
    pub(super) fn temporary(&self) -> PathBuf {
        self.folder.path().join("temp")
    }

    /// Runs the action with these inputs.
    pub(super) fn run(&self, inputs: &[(&str, &str)]) -> Run {
        let action = action();
        let mut contexts = self.contexts.clone();
        for (name, input) in action["inputs"].as_object().unwrap() {
            let given = inputs.iter().find(|(known, _)| known == name).map(|(_, value)| (*value).to_owned());
            let default = evaluate(input["default"].as_str().unwrap(), &contexts);
            contexts.insert(format!("inputs.{name}"), given.unwrap_or(default));
        }
        for (name, _) in inputs {
            assert!(action["inputs"].get(name).is_some(), "action.yml has no input {name}");
        }
        let (mut code, mut log, mut used) = (0, String::new(), Vec::new());
        for (index, step) in action["runs"]["steps"].as_array().unwrap().iter().enumerate() {
            let condition = step["if"].as_str().unwrap_or_default();
            if !holds(condition, &contexts, code == 0) {
                continue;
            }
            if let Some(uses) = step["uses"].as_str() {
                let with = step["with"].as_object().unwrap().iter();
                let with = with.map(|(name, value)| (name.clone(), evaluate(&plain(value), &contexts)));
                used.push((uses.split('@').next().unwrap().to_owned(), with.collect()));
                continue;
            }
            let output = self.folder.path().join(format!("output-{index}"));
            let mut command = Command::new("bash");
            clean(&mut command);
            let script = format!("exec 2>&1\n{}", step["run"].as_str().unwrap());
            command.args(["-e", "-o", "pipefail", "-c", &script]);
            command.current_dir(&self.variables["GITHUB_WORKSPACE"]).envs(&self.variables);
            command.env("GITHUB_OUTPUT", &output);
            for (name, value) in step["env"].as_object().unwrap() {
                command.env(name, evaluate(&plain(value), &contexts));
            }
            let ran = command.output().unwrap();
            log.push_str(&String::from_utf8_lossy(&ran.stdout));
            log.push_str(&String::from_utf8_lossy(&ran.stderr));
            let id = step["id"].as_str().unwrap();
            for (name, value) in outputs(&fs::read_to_string(&output).unwrap_or_default()) {
                contexts.insert(format!("steps.{id}.outputs.{name}"), value);
            }
            contexts.insert(format!("steps.{id}.conclusion"), "success".to_owned());
            if !ran.status.success() {
                code = ran.status.code().unwrap_or(-1);
                contexts.insert(format!("steps.{id}.conclusion"), "failure".to_owned());
            }
        }
        let outputs = action["outputs"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, output)| (name.clone(), evaluate(output["value"].as_str().unwrap(), &contexts)));
        let outputs = outputs.collect::<BTreeMap<_, _>>();
        if let Some(results) = outputs.get("results").filter(|results| !results.is_empty()) {
            crate::contract::check_results(results);
        }
        let summary = fs::read_to_string(&self.variables["GITHUB_STEP_SUMMARY"]).unwrap_or_default();
        Run { code, log, outputs, summary, used }
    }
}

impl Runner {
    /// Runs the program of the action with these inputs, without the other steps.
    pub(super) fn run_program(&self, inputs: &[(&str, &str)]) -> Run {
        let output = self.folder.path().join("output");
        let mut command = Command::new(env!("CARGO_BIN_EXE_hyperframes-ci"));
        clean(&mut command);
        command.arg("action").current_dir(&self.variables["GITHUB_WORKSPACE"]).envs(&self.variables);
        command.env("GITHUB_OUTPUT", &output);
        for (name, value) in inputs {
            command.env(format!("INPUT_{}", name.to_ascii_uppercase().replace('-', "_")), value);
        }
        let ran = command.output().unwrap();
        let log = [ran.stdout, ran.stderr].concat();
        Run {
            code: ran.status.code().unwrap_or(-1),
            log: String::from_utf8_lossy(&log).into_owned(),
            outputs: outputs(&fs::read_to_string(&output).unwrap_or_default()),
            summary: fs::read_to_string(&self.variables["GITHUB_STEP_SUMMARY"]).unwrap_or_default(),
            used: Vec::new(),
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Puts the values of `${{ name }}` into a text.
fn evaluate(text: &str, contexts: &BTreeMap<String, String>) -> String {
    let mut evaluated = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        let (name, after) = after.split_once("}}").unwrap();
        evaluated.push_str(before);
        evaluated.push_str(&value(name.trim(), contexts));
        rest = after;
    }
    evaluated + rest
}

fn value(name: &str, contexts: &BTreeMap<String, String>) -> String {
    if let Some(known) = contexts.get(name) {
        return known.clone();
    }
    if let Some((name, wanted)) = name.split_once("!=") {
        return (value(name.trim(), contexts) != wanted.trim().trim_matches('\'')).to_string();
    }
    // What a step did not set is empty; anything else is a name that no runner knows.
    assert!(name.starts_with("steps."), "action.yml names {name}");
    String::new()
}

/// `always() && a == 'b' && c != ''`
fn holds(condition: &str, contexts: &BTreeMap<String, String>, is_well: bool) -> bool {
    let terms = condition.split("&&").map(str::trim).filter(|term| !term.is_empty()).collect::<Vec<_>>();
    let runs = is_well || terms.contains(&"always()");
    runs && terms.iter().filter(|term| **term != "always()").all(|term| {
        let (name, wanted, equal) = match term.split_once("==") {
            Some((name, wanted)) => (name, wanted, true),
            None => term.split_once("!=").map(|(name, wanted)| (name, wanted, false)).unwrap(),
        };
        (value(name.trim(), contexts) == wanted.trim().trim_matches('\'')) == equal
    })
}

/// The lines of `GITHUB_OUTPUT`, as the runner reads them.
fn outputs(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some((name, delimiter)) = line.split_once("<<") {
            let value = lines.by_ref().take_while(|line| *line != delimiter).collect::<Vec<_>>();
            found.insert(name.to_owned(), value.join("\n"));
        } else if let Some((name, value)) = line.split_once('=') {
            found.insert(name.to_owned(), value.to_owned());
        }
    }
    found
}
