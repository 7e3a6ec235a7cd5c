//! GitHub's own description of its API and examples of its webhooks, as npm has them: every request of the tests is held
//! against the one, and every example runs through the action. `cargo xtask test integration` installs both.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use super::github::GitHub;
use super::stage::git;
use crate::support::clean;

const OPENAPI: (&str, &str, &str) = ("@octokit/openapi", "23.0.2", "generated/api.github.com.json");
const EXAMPLES: (&str, &str, &str) = ("@octokit/webhooks-examples", "7.6.1", "api.github.com/index.json");

/// A file of a package in the cache of xtask; `None` if it is not installed, which is a failure in CI.
fn file((package, version, file): (&str, &str, &str)) -> Option<Value> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("HYPERFRAMES_CI_CACHE")
        .or_else(|| Some(set("XDG_CACHE_HOME")?.join("hyperframes-ci")))
        .or_else(|| Some(set("HOME")?.join(".cache/hyperframes-ci")))?;
    let path = cache.join(format!("tools/{package}-{version}/node_modules/{package}")).join(file);
    let text = fs::read_to_string(&path);
    if text.is_err() {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "{} is missing: cargo xtask test integration installs it",
            path.display()
        );
        crate::support::show("oracle.txt", "not checked: the description of the API is missing\n");
    }
    Some(serde_json::from_str(&text.ok()?).unwrap())
}

/// The description of an API.
pub(super) struct Description {
    document: Value,
    /// Segments of the paths, and the paths.
    paths: Vec<(Vec<String>, String)>,
}

fn description() -> Option<&'static Description> {
    static DESCRIPTION: OnceLock<Option<Description>> = OnceLock::new();
    DESCRIPTION.get_or_init(|| Some(Description::new(file(OPENAPI)?))).as_ref()
}

/// Checks requests against the description, if it is installed.
pub(super) fn check(requests: &[(String, String, Value)]) {
    let Some(description) = description() else { return };
    for (method, target, body) in requests {
        // GraphQL has another description, and presigned URLs and web pages have none.
        if target == "/graphql" || ["/storage/", "/o/r/"].iter().any(|start| target.starts_with(start)) {
            continue;
        }
        let mistakes = description.mistakes(method, target, body);
        assert!(mistakes.is_empty(), "{method} {target} {body}: {mistakes:?}");
    }
}

impl Description {
    /// Of an OpenAPI document.
    pub(super) fn new(document: Value) -> Self {
        let paths = document["paths"].as_object().unwrap().keys();
        let split = |path: &String| path.split('/').map(str::to_owned).collect();
        let paths = paths.map(|path| (split(path), path.clone())).collect();
        Self { document, paths }
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => self.document.pointer(reference.trim_start_matches('#')).unwrap(),
            None => value,
        }
    }

    /// The path of a request in the description.
    fn find(&self, path: &str) -> Option<&(Vec<String>, String)> {
        let segments = path.split('/').collect::<Vec<_>>();
        // A parameter at the end may have slashes, as names of references and paths of files do.
        let has_slashes = |last: &str| matches!(last, "{ref}" | "{path}" | "{basehead}" | "{artifact_path}");
        let matches = |(known, _): &&(Vec<String>, String)| {
            let is_long = known.last().is_some_and(|last| has_slashes(last)) && segments.len() >= known.len();
            (known.len() == segments.len() || is_long)
                && known
                    .iter()
                    .zip(&segments)
                    .all(|(known, given)| known == given || (known.starts_with('{') && !given.is_empty()))
        };
        // The path with the fewest parameters.
        let found = self.paths.iter().filter(matches);
        found.min_by_key(|(known, _)| known.iter().filter(|part| part.starts_with('{')).count())
    }

    /// What an operation of the description is.
    pub(super) fn operation(&self, method: &str, target: &str) -> Option<&Value> {
        let (_, path) = self.find(target.split('?').next().unwrap_or_default())?;
        self.document["paths"][path].get(method.to_ascii_lowercase())
    }

    /// What is wrong with a request.
    pub(super) fn mistakes(&self, method: &str, target: &str, body: &Value) -> Vec<String> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let segments = path.split('/').collect::<Vec<_>>();
        let Some((known, path)) = self.find(path) else { return vec!["no such path".to_owned()] };
        let operations = &self.document["paths"][path];
        let operation = &operations[method.to_ascii_lowercase()];
        if operation.is_null() {
            return vec![format!("no such method of {path}")];
        }
        let of = |value: &Value| value["parameters"].as_array().cloned().unwrap_or_default();
        let parameters = [of(operations), of(operation)].concat();
        let parameters =
            parameters.iter().map(|parameter| self.resolve(parameter).clone()).collect::<Vec<_>>();
        let mut mistakes = Vec::new();
        let given = query.split('&').filter(|pair| !pair.is_empty());
        let given = given.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect::<BTreeMap<_, _>>();
        let of_kind = |kind: &'static str| {
            parameters.iter().filter(move |parameter| parameter["in"] == kind).map(|parameter| {
                (parameter["name"].as_str().unwrap(), &parameter["schema"], parameter["required"] == true)
            })
        };
        for (name, value) in &given {
            match of_kind("query").find(|(known, ..)| known == name) {
                None => mistakes.push(format!("no parameter {name}")),
                Some((_, schema, _)) => mistakes.extend(self.text_mistakes(schema, value, name)),
            }
        }
        for (name, ..) in
            of_kind("query").filter(|(name, _, is_required)| *is_required && !given.contains_key(name))
        {
            mistakes.push(format!("parameter {name} is missing"));
        }
        for (known, given) in known.iter().zip(&segments) {
            let name = known.trim_matches(['{', '}']);
            if let Some((_, schema, _)) = of_kind("path").find(|(known, ..)| *known == name) {
                mistakes.extend(self.text_mistakes(schema, given, name));
            }
        }
        let content = &self.resolve(&operation["requestBody"])["content"];
        match content.get("application/json") {
            Some(content) => self.validate(&content["schema"], body, "body", true, &mut mistakes),
            None if content.is_null() && !body.is_null() => mistakes.push("no body is expected".to_owned()),
            None => {}
        }
        mistakes
    }

    /// What is wrong with a value in a path or a query.
    fn text_mistakes(&self, schema: &Value, text: &str, name: &str) -> Vec<String> {
        let schema = self.resolve(schema);
        let mut mistakes = Vec::new();
        let value = match (schema["type"].as_str(), text.parse::<i64>()) {
            (Some("integer" | "number"), Ok(number)) => number.into(),
            _ => Value::from(text),
        };
        // Some parameters are numbers or names.
        if schema["type"].is_string() {
            self.validate(schema, &value, name, true, &mut mistakes);
        }
        mistakes
    }

    /// The part of OpenAPI 3.0 that the description uses for requests. If `is_strict`, unknown members are mistakes as well.
    fn validate(
        &self,
        schema: &Value,
        value: &Value,
        place: &str,
        is_strict: bool,
        mistakes: &mut Vec<String>,
    ) {
        let schema = self.resolve(schema);
        if value.is_null() && schema["nullable"] == true {
            return;
        }
        let is_type = match schema["type"].as_str() {
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("boolean") => value.is_boolean(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("number") => value.is_number(),
            _ => true,
        };
        if !is_type {
            mistakes.push(format!("{place} must be {}", schema["type"]));
            return;
        }
        if schema["enum"].as_array().is_some_and(|known| !known.contains(value)) {
            mistakes.push(format!("{place} must be one of {}", schema["enum"]));
        }
        if let (Some(allowed), Some(text)) = (schema["x-characters"].as_str(), value.as_str()) {
            let is_allowed = |one: char| one.is_ascii_alphanumeric() || allowed.contains(one);
            if text.is_empty() || !text.chars().all(is_allowed) {
                mistakes.push(format!("{place} has other characters"));
            }
        }
        if schema["maximum"].as_u64().is_some_and(|limit| value.as_u64().is_some_and(|given| given > limit)) {
            mistakes.push(format!("{place} is too large"));
        }
        let length = value.as_str().map_or(0, |text| text.chars().count() as u64);
        if schema["maxLength"].as_u64().is_some_and(|limit| length > limit) {
            mistakes.push(format!("{place} is too long"));
        }
        if let Some(items) = value.as_array() {
            if schema["maxItems"].as_u64().is_some_and(|limit| items.len() as u64 > limit) {
                mistakes.push(format!("{place} has too many items"));
            }
            for item in items.iter().filter(|_| schema["items"].is_object()) {
                self.validate(&schema["items"], item, &format!("{place}[]"), is_strict, mistakes);
            }
        }
        for branches in ["oneOf", "anyOf"].iter().filter_map(|name| schema[*name].as_array()) {
            let is_valid = branches.iter().any(|branch| {
                let mut mistakes = Vec::new();
                self.validate(branch, value, place, false, &mut mistakes);
                mistakes.is_empty()
            });
            if !is_valid {
                mistakes.push(format!("{place} is none of the alternatives"));
            }
        }
        for branch in schema["allOf"].as_array().into_iter().flatten() {
            self.validate(branch, value, place, false, mistakes);
        }
        let Some(members) = value.as_object() else { return };
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !members.contains_key(name) {
                mistakes.push(format!("{place}.{name} is missing"));
            }
        }
        let Some(known) = schema["properties"].as_object() else { return };
        for (name, value) in members {
            match known.get(name) {
                Some(schema) => self.validate(schema, value, &format!("{place}.{name}"), is_strict, mistakes),
                None if is_strict && schema["additionalProperties"].is_null() => {
                    mistakes.push(format!("{place}.{name} is unknown"));
                }
                None => {}
            }
        }
    }
}

#[test]
fn the_oracle_notices_what_github_does_not_know() {
    let Some(description) = description() else { return };
    let good = serde_json::json!({ "name": "x", "head_sha": "a", "status": "completed", "conclusion": "neutral",
        "output": { "title": "t", "summary": "s", "annotations": [] } });
    let mistakes = |method, path: &str, body: &Value| description.mistakes(method, path, body);
    assert_eq!(mistakes("POST", "/repos/o/r/check-runs", &good), Vec::<String>::new());
    for (pointer, value) in [
        ("/name", Value::Null),
        ("/conclusion", "fine".into()),
        ("/output/title", 1.into()),
        ("/output/annotations", serde_json::json!([{ "path": "a" }])),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        assert!(!mistakes("POST", "/repos/o/r/check-runs", &bad).is_empty(), "{pointer}");
    }
    let mut bad = good.clone();
    bad["detail_url"] = "https://x".into();
    assert_eq!(mistakes("POST", "/repos/o/r/check-runs", &bad), ["body.detail_url is unknown"]);
    for (method, path) in [
        ("PUT", "/repos/o/r/check-runs"),
        ("GET", "/repos/o/r/check-run"),
        ("GET", "/repos/o/r/pulls/x"),
        ("GET", "/repos/o/r/pulls?state=opened"),
        ("GET", "/repos/o/r/pulls?page_size=7"),
    ] {
        assert!(!mistakes(method, path, &Value::Null).is_empty(), "{method} {path}");
    }
}

/// Every example, in a repository without projects: nothing panics, and every event selects its mode.
#[test]
fn every_example_of_a_webhook_runs_through_the_action() {
    let Some(events) = file(EXAMPLES) else { return };
    let github = GitHub::start();
    let folder = tempfile::tempdir().unwrap();
    let workspace = folder.path().join("checkout");
    fs::create_dir(&workspace).unwrap();
    fs::write(workspace.join("README.md"), "x").unwrap();
    git(&workspace, &["init", "--quiet"]);
    let head = super::stage::commit(&workspace, "one");
    let (payload, output) = (folder.path().join("event.json"), folder.path().join("output"));
    let mut counts = BTreeMap::<String, usize>::new();
    for event in events.as_array().unwrap() {
        let name = event["name"].as_str().unwrap();
        for example in event["examples"].as_array().unwrap() {
            fs::write(&payload, example.to_string()).unwrap();
            let mut command = Command::new(env!("CARGO_BIN_EXE_hyperframes-ci"));
            clean(&mut command);
            command.arg("action").current_dir(&workspace);
            for (name, value) in [
                ("CI", "true"),
                ("GITHUB_ACTIONS", "true"),
                ("GITHUB_API_URL", &github.url),
                ("GITHUB_SERVER_URL", "https://github.example"),
                ("GITHUB_REPOSITORY", "o/r"),
                ("GITHUB_EVENT_NAME", name),
                ("GITHUB_SHA", &head),
                ("GITHUB_REF", "refs/heads/main"),
                ("GITHUB_RUN_ID", "77"),
                ("HYPERFRAMES_CI_TIME_SCALE", "20"),
                ("INPUT_TOKEN", "ghs_supersecret_token_0123456789"),
            ] {
                command.env(name, value);
            }
            command.env("GITHUB_EVENT_PATH", &payload).env("GITHUB_OUTPUT", &output);
            command.env("GITHUB_WORKSPACE", &workspace).env("RUNNER_TEMP", folder.path());
            let ran = command.output().unwrap();
            let log = [ran.stdout, ran.stderr].concat();
            let log = String::from_utf8_lossy(&log);
            let action = example["action"].as_str().unwrap_or_default();
            let mode = match (name, action) {
                ("pull_request", "closed") => "cleanup",
                ("pull_request", _) => "preview",
                ("release", "edited" | "deleted" | "unpublished") => "check",
                ("release", _) => "release",
                ("workflow_run", _) => "publish",
                _ => "check",
            };
            assert_eq!(ran.status.code(), Some(0), "{name} {action}: {log}");
            assert!(log.contains(&format!("event {name} in o/r, mode {mode}")), "{name} {action}: {log}");
            assert!(!log.contains("panicked"), "{name} {action}: {log}");
            *counts.entry(mode.to_owned()).or_default() += 1;
        }
    }
    assert!(counts.values().sum::<usize>() > 300 && counts.len() == 5, "{counts:?}");
    check(&github.state().requests);
}
