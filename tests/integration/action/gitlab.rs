//! A stateful fake of GitLab's API, and a runner for `templates/render.yml`.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde::Deserialize;
use serde_json::{Value, json};

use super::oracle::Description;
use super::server::{Answer, page, plain, refuse, serve};
use super::stage::{Repository, commit, git};
use crate::support::{Emulator, KEY, clean, html, root, write};

#[derive(Default)]
struct State {
    /// Id, author, text.
    notes: Vec<(u64, String, String)>,
    head: String,
    releases: BTreeMap<String, Vec<Value>>,
    descriptions: BTreeMap<String, String>,
    /// Artifacts of the job on the target branch.
    artifacts: BTreeMap<String, Vec<u8>>,
    /// When the label was set, and by whom.
    label: Option<(String, u64)>,
    packages: BTreeMap<String, Vec<u8>>,
    serial: u64,
    /// Method, target below the API, body, and the kind of the token.
    requests: Vec<(String, String, Value, &'static str)>,
}

/// The part of GitLab's API that may be used.
fn description() -> Description {
    Description::new(serde_json::from_str(include_str!("gitlab-api.json")).unwrap())
}

struct Stage {
    api: String,
    state: Arc<Mutex<State>>,
    emulator: Emulator,
    repository: Repository,
}

impl Stage {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let api = format!("http://{}/api/v4", listener.local_addr().unwrap());
        let repository = Repository::new();
        let head = repository.head.clone();
        let state = Arc::new(Mutex::new(State { head, serial: 10, ..State::default() }));
        let (shared, base) = (Arc::clone(&state), api.clone());
        serve(listener, move |request| {
            let path = request.target.strip_prefix("/api/v4").unwrap_or_default();
            let as_user = request.header("private-token") == Some("glpat-supersecret");
            let as_job = request.header("job-token") == Some("job-supersecret");
            if !as_user && !as_job {
                return refuse(401, "401 Unauthorized");
            }
            let mut state = shared.lock().unwrap();
            let token = if as_user { "user" } else { "job" };
            state.requests.push((request.method.clone(), path.to_owned(), request.json(), token));
            state.answer(&request.method, path, &request.json(), &request.body, as_user, &base)
        });
        Self { api, state, emulator: Emulator::placeholder(&[]), repository }
    }

    /// Runs the component's job with these variables; gives back exit code, log and what is in the artifacts.
    fn run(&self, variables: &[(&str, &str)], inputs: &[(&str, &str)]) -> (i32, String) {
        let text = fs::read_to_string(root().join("templates/render.yml")).unwrap();
        let mut documents = serde_yaml_ng::Deserializer::from_str(&text);
        let spec = Value::deserialize(documents.next().unwrap()).unwrap();
        let jobs = Value::deserialize(documents.next().unwrap()).unwrap();
        let known = spec["spec"]["inputs"].as_object().unwrap();
        assert!(inputs.iter().all(|(name, _)| known.contains_key(*name)), "{inputs:?}");
        let evaluate = |text: &str| {
            known.iter().fold(text.to_owned(), |text, (name, input)| {
                let given = inputs.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
                text.replace(
                    &format!("$[[ inputs.{name} ]]"),
                    given.unwrap_or(input["default"].as_str().unwrap()),
                )
            })
        };
        let job = &jobs["$[[ inputs.job-name ]]"];
        let lines = |name: &str| {
            let lines = job[name].as_array().unwrap().iter().map(|line| evaluate(line.as_str().unwrap()));
            lines.collect::<Vec<_>>().join("\n")
        };
        let script = format!("{}\n{}", lines("before_script"), lines("script"));
        let mut command = Command::new("bash");
        clean(&mut command);
        let folder = self.repository.path().display().to_string();
        command.args(["-e", "-o", "pipefail", "-c", &script]).current_dir(&folder);
        for (name, value) in job["variables"].as_object().unwrap() {
            command.env(name, evaluate(value.as_str().unwrap()).replace("$CI_PROJECT_DIR", &folder));
        }
        let program = Path::new(env!("CARGO_BIN_EXE_hyperframes-ci")).parent().unwrap();
        let path = std::env::join_paths(
            [program.to_owned()].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        );
        command
            .env("PATH", path.unwrap())
            .env("HEYGEN_API_URL", &self.emulator.url)
            .env("HYPERFRAMES_CI_TIME_SCALE", "20")
            .env("HEYGEN_API_KEY", KEY);
        let common = [
            ("GITLAB_CI", "true"),
            ("CI", "true"),
            ("CI_API_V4_URL", self.api.as_str()),
            ("CI_PROJECT_PATH", "group/r"),
            ("CI_PROJECT_ID", "42"),
            ("CI_PROJECT_DIR", folder.as_str()),
            ("CI_COMMIT_SHA", self.repository.head.as_str()),
            ("CI_JOB_URL", "https://gitlab.example/group/r/-/jobs/9"),
            ("CI_JOB_NAME", "hyperframes"),
            ("CI_JOB_TOKEN", "job-supersecret"),
        ];
        let ran = command.envs(common).envs(variables.iter().copied()).output().unwrap();
        let description = description();
        for (method, target, body, token) in &self.state.lock().unwrap().requests {
            let mistakes = description.mistakes(method, target, body);
            assert!(mistakes.is_empty(), "{method} {target} {body}: {mistakes:?}");
            let tokens = &description.operation(method, target).unwrap()["x-tokens"];
            assert!(
                tokens.as_array().unwrap().contains(&json!(token)),
                "{method} {target} with a {token} token"
            );
        }
        let log = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        for secret in [KEY, "job-supersecret", "glpat-supersecret", "Signature="] {
            assert!(!log.contains(secret), "{log}");
            for name in crate::support::names(&self.repository.path().join("hyperframes")) {
                let path = self.repository.path().join("hyperframes").join(name);
                let bytes = if path.is_file() { fs::read(path).unwrap() } else { Vec::new() };
                assert!(!String::from_utf8_lossy(&bytes).contains(secret));
            }
        }
        (ran.status.code().unwrap(), log)
    }

    fn merge_request(&self) -> Vec<(&str, &str)> {
        vec![
            ("CI_PIPELINE_SOURCE", "merge_request_event"),
            ("CI_MERGE_REQUEST_IID", "7"),
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &self.repository.base),
            ("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH", "group/r"),
            ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
            ("HYPERFRAMES_CI_TOKEN", "glpat-supersecret"),
        ]
    }

    fn artifact(&self, name: &str) -> String {
        fs::read_to_string(self.repository.path().join("hyperframes").join(name)).unwrap()
    }
}

impl State {
    fn answer(
        &mut self,
        method: &str,
        target: &str,
        body: &Value,
        bytes: &[u8],
        as_user: bool,
        base: &str,
    ) -> Answer {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if path == "/user" {
            return plain(200, json!({ "username": "project_bot" }));
        }
        let Some(path) = path.strip_prefix("/projects/42/") else { return refuse(404, "404 Not Found") };
        let segments = path.split('/').collect::<Vec<_>>();
        self.serial += 1;
        match (method, segments.as_slice()) {
            (_, ["merge_requests", ..]) if !as_user => refuse(401, "401 Unauthorized"),
            ("GET", ["merge_requests", "7"]) => {
                let labels = if self.label.is_some() { json!(["looks good"]) } else { json!([]) };
                plain(200, json!({ "iid": 7, "sha": self.head, "labels": labels }))
            }
            ("GET", ["merge_requests", "7", "resource_label_events"]) => {
                let set = self.label.iter().map(|(time, user)| {
                    json!({ "action": "add", "created_at": time, "label": { "name": "looks good" },
                        "user": { "id": user, "username": format!("user{user}") } })
                });
                plain(200, json!(set.collect::<Vec<_>>()))
            }
            ("GET", ["merge_requests", "7", "versions"]) => plain(
                200,
                json!([{ "head_commit_sha": self.head, "created_at": "2026-11-27T10:00:00.000Z" }]),
            ),
            ("GET", ["members", "all", "1"]) => plain(200, json!({ "access_level": 30 })),
            ("GET", ["members", "all", "2"]) => plain(200, json!({ "access_level": 20 })),
            ("GET", ["jobs", "artifacts", "main", "raw", "hyperframes", rest @ ..]) => {
                assert_eq!(query, "job=hyperframes");
                match self.artifacts.get(&rest.join("/")) {
                    Some(bytes) => plain(200, json!({ "bytes": bytes })),
                    None => refuse(404, "404 Not Found"),
                }
            }
            ("GET", ["releases"]) => {
                // The newest first.
                let listed = self.releases.iter().rev().map(|(tag, links)| {
                    json!({ "tag_name": tag, "upcoming_release": false, "assets": { "links": links } })
                });
                plain(200, json!(listed.collect::<Vec<_>>()))
            }
            ("PUT", ["releases", tag]) => {
                let text = body["description"].as_str().unwrap().to_owned();
                self.descriptions.insert((*tag).to_owned(), text);
                plain(200, json!({}))
            }
            ("GET", ["packages", "generic", ..]) => plain(200, json!({ "bytes": self.packages[path] })),
            ("GET", ["merge_requests", "7", "notes"]) => {
                let notes = self.notes.iter().map(
                    |(id, author, text)| json!({ "id": id, "body": text, "author": { "username": author } }),
                );
                page(&notes.collect::<Vec<_>>(), target, query, base)
            }
            ("POST", ["merge_requests", "7", "notes"]) => {
                self.notes.push((
                    self.serial,
                    "project_bot".to_owned(),
                    body["body"].as_str().unwrap().to_owned(),
                ));
                plain(201, json!({ "id": self.serial }))
            }
            ("PUT", ["merge_requests", "7", "notes", id]) => {
                let id = id.parse::<u64>().unwrap();
                match self.notes.iter_mut().find(|(known, ..)| *known == id) {
                    Some(note) => {
                        body["body"].as_str().unwrap().clone_into(&mut note.2);
                        plain(200, json!({ "id": id }))
                    }
                    None => refuse(404, "404 Not found"),
                }
            }
            ("GET", ["releases", tag]) if self.releases.contains_key(*tag) => {
                plain(200, json!({ "tag_name": tag, "description": self.descriptions.get(*tag) }))
            }
            ("GET", ["repository", "tags", "v9"]) => refuse(404, "404 Tag Not Found"),
            ("POST", ["releases"]) => {
                self.releases.insert(body["tag_name"].as_str().unwrap().to_owned(), Vec::new());
                plain(201, json!({}))
            }
            ("GET", ["releases", tag, "assets", "links"]) => plain(200, json!(self.releases[*tag])),
            ("POST", ["releases", tag, "assets", "links"]) => {
                let mut link = body.clone();
                link["id"] = self.serial.into();
                self.releases.get_mut(*tag).unwrap().push(link.clone());
                plain(201, link)
            }
            ("PUT", ["releases", tag, "assets", "links", id]) => {
                let id = id.parse::<u64>().unwrap();
                let links = self.releases.get_mut(*tag).unwrap();
                let link = links.iter_mut().find(|link| link["id"] == id).unwrap();
                link["url"] = body["url"].clone();
                plain(200, link.clone())
            }
            // A package in object storage.
            ("HEAD", ["packages", "generic", ..]) if self.packages.contains_key(path) => {
                (302, Value::Null, "location: https://storage.example/package?sig=1\r\n".to_owned())
            }
            ("HEAD", ["packages", "generic", ..]) => plain(404, Value::Null),
            ("PUT", ["packages", "generic", ..]) => {
                let earlier = self.packages.insert(path.to_owned(), bytes.to_vec());
                assert!(earlier.is_none(), "{path} is uploaded twice");
                plain(201, json!({}))
            }
            _ => refuse(404, "404 Not Found"),
        }
    }
}

#[test]
fn the_description_notices_what_gitlab_does_not_know() {
    let description = description();
    let mistakes = |method, target: &str, body: &Value| description.mistakes(method, target, body);
    let good = json!({ "name": "a.mp4", "url": "https://x", "link_type": "other" });
    let links = "/projects/42/releases/v1/assets/links";
    assert_eq!(mistakes("POST", links, &good), Vec::<String>::new());
    for (method, target, body) in [
        ("POST", links, json!({ "name": "a.mp4" })),
        ("POST", links, json!({ "name": "a.mp4", "url": "https://x", "link_type": "video" })),
        ("POST", links, json!({ "name": "a.mp4", "url": "https://x", "kind": "other" })),
        ("PUT", "/projects/42/releases/v1/assets/links/7", json!({ "link_type": "other" })),
        ("GET", "/projects/42/merge_requests/7/notes?order=asc", Value::Null),
        ("GET", "/projects/42/merge_requests/7/notes?sort=up", Value::Null),
        ("GET", "/projects/42/merge_requests/7/notes?per_page=200", Value::Null),
        ("GET", "/projects/42/jobs/artifacts/main/raw/a/b.png", Value::Null),
        ("PUT", "/projects/42/packages/generic/videos/v1/a%20b.mp4", Value::Null),
        ("PATCH", "/projects/42/releases/v1", json!({})),
    ] {
        assert!(!mistakes(method, target, &body).is_empty(), "{method} {target} {body}");
    }
}

#[test]
fn a_merge_request_gets_one_note() {
    let stage = Stage::new();
    for attempt in 0..2 {
        let (code, log) = stage.run(&stage.merge_request(), &[("projects", "videos")]);
        assert_eq!(code, 0, "{log}");
        assert!(log.contains("section_start:") && log.contains("section_end:"), "{log}");
        let notes = stage.state.lock().unwrap().notes.clone();
        let [(_, _, text)] = notes.as_slice() else { panic!("{} notes after {attempt}", notes.len()) };
        assert!(text.contains("<code>videos&#47;one</code>") && text.contains("1 unchanged"), "{text}");
        assert!(
            text.contains("https://gitlab.example/group/r/-/jobs/9/artifacts/raw/hyperframes/videos-one.mp4"),
            "{text}"
        );
    }
    assert_eq!(stage.emulator.created(), (1, 1));
    let variables = stage.artifact("hyperframes.env");
    assert!(variables.contains("HYPERFRAMES_RENDER_ID=hfr_") && variables.len() < 5_000, "{variables}");
    let names = variables.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect::<Vec<_>>();
    assert!(
        names.contains(&"HYPERFRAMES_REPORT_PATH") && !names.contains(&"HYPERFRAMES_RESULTS"),
        "{names:?}"
    );
    assert!(stage.artifact("summary.md").contains("1 reused"));
    assert!(stage.repository.path().join("hyperframes/videos-one.mp4").is_file());
}

#[test]
fn findings_are_a_code_quality_report_and_no_token_costs_only_the_note() {
    let stage = Stage::new();
    write(stage.repository.path(), "videos/one/index.html", &html(1280, 720, "<img src=\"gone.png\">"));
    commit(stage.repository.path(), "broken");
    let mut variables = stage.merge_request();
    variables.retain(|(name, _)| *name != "HYPERFRAMES_CI_TOKEN");
    let (code, log) = stage.run(&variables, &[("projects", "videos")]);
    assert_eq!(code, 5, "{log}");
    let report: Value = serde_json::from_str(&stage.artifact("gl-code-quality-report.json")).unwrap();
    assert_eq!(report[0]["check_name"], "missing-asset");
    assert_eq!(report[0]["location"]["path"], "videos/one/index.html");
    assert!(log.contains("project access token"), "{log}");
    assert!(stage.state.lock().unwrap().notes.is_empty());
}

#[test]
fn projects_are_published_once_and_linked_by_the_note() {
    let mut stage = Stage::new();
    let home = tempfile::tempdir().unwrap();
    let session = json!({ "oauth": { "access_token": KEY, "expires_at": "2999-01-01T00:00:00Z" } });
    write(home.path(), "file", &session.to_string());
    let file = home.path().join("file").display().to_string();
    let inputs = [("publish", "true"), ("publish-space", "s1"), ("diff", "false")];
    for (text, credentials) in [("1", Some(file.as_str())), ("2", None), ("3", Some(file.as_str()))] {
        write(stage.repository.path(), "videos/one/index.html", &html(720, 720, text));
        stage.repository.head = commit(stage.repository.path(), text);
        stage.state.lock().unwrap().head.clone_from(&stage.repository.head);
        let mut variables = stage.merge_request();
        variables.extend(credentials.map(|file| ("HEYGEN_CREDENTIALS", file)));
        let (code, log) = stage.run(&variables, &inputs);
        assert_eq!(code, 0, "{log}");
        let notes = &stage.state.lock().unwrap().notes;
        let (note, stats) = (&notes[0].2, stage.emulator.stats());
        let projects = stats["projects"].as_array().unwrap();
        assert_eq!((notes.len(), projects.len(), &projects[0]["space"]), (1, 1, &json!("s1")), "{log}");
        let link = format!("]({}/p/{})", stage.emulator.url, projects[0]["project_id"].as_str().unwrap());
        assert_eq!(note.contains(&link), credentials.is_some(), "{note}");
        assert_eq!(note.contains("No project was published"), credentials.is_none(), "{note}");
    }
    assert_eq!(stage.emulator.stats()["projects"][0]["versions"], 2);
}

#[test]
fn a_tag_gets_a_release_with_links() {
    let stage = Stage::new();
    for _ in 0..2 {
        let (code, log) = stage
            .run(&[("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_TAG", "v1")], &[("projects", "videos/one")]);
        assert_eq!(code, 0, "{log}");
        let state = stage.state.lock().unwrap();
        let names =
            state.releases["v1"].iter().map(|link| link["name"].as_str().unwrap()).collect::<Vec<_>>();
        assert_eq!(names, ["videos-one.mp4", "videos-one.png", "hyperframes-provenance.json"]);
    }
    assert_eq!(stage.emulator.created(), (1, 1));
}

#[test]
fn files_with_special_characters_are_packaged_under_plain_names() {
    let stage = Stage::new();
    let path = stage.repository.path();
    write(path, "rows.csv", "title\nGröße 1\n");
    let entry = "[[render]]\nname = \"customers\"\nproject = \"videos/two\"\nrows = \"rows.csv\"\noutput = \"out/{title}.{ext}\"\n";
    write(path, "hyperframes-ci.toml", entry);
    commit(path, "names");
    let (code, log) = stage.run(&[("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_TAG", "v1")], &[]);
    assert_eq!(code, 0, "{log}");
    let state = stage.state.lock().unwrap();
    let names =
        state.releases.values().flatten().map(|link| link["name"].as_str().unwrap()).collect::<Vec<_>>();
    assert!(names.contains(&"customers-Größe 1.mp4"), "{names:?}");
}

#[test]
fn a_release_that_cannot_be_created_ends_the_run_before_anything_is_submitted() {
    let stage = Stage::new();
    for (tag, token, message) in [
        ("v9", "job-supersecret", "the tag v9 was not found, so a release cannot be created for it"),
        ("v1", "", "releases require CI_JOB_TOKEN, which is not set"),
    ] {
        let variables = [("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_TAG", tag), ("CI_JOB_TOKEN", token)];
        let (code, log) = stage.run(&variables, &[("projects", "videos/one")]);
        assert!(code == 1 && log.contains(message), "{code}: {log}");
    }
    assert_eq!(stage.emulator.created(), (0, 0));
}

/// Runs the job on the target branch, and keeps its artifacts with another video.
fn publish_base(stage: &Stage) {
    let path = stage.repository.path();
    git(path, &["checkout", "--quiet", &stage.repository.base]);
    let variables = [("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BRANCH", "main")];
    let (code, log) = stage.run(&variables, &[("projects", "videos"), ("mode", "preview")]);
    assert_eq!(code, 0, "{log}");
    let folder = path.join("hyperframes");
    super::review::edited(&folder.join("videos-one.mp4"));
    let mut state = stage.state.lock().unwrap();
    for name in ["report.json", "videos-one.mp4"] {
        state.artifacts.insert(name.to_owned(), fs::read(folder.join(name)).unwrap());
    }
    fs::remove_dir_all(folder).unwrap();
    git(path, &["checkout", "--quiet", &stage.repository.head]);
}

#[test]
fn a_change_is_in_the_note_and_a_label_of_a_developer_approves_it() {
    let stage = Stage::new();
    publish_base(&stage);
    let inputs = [("projects", "videos"), ("fail-on-diff", "changed"), ("approval-label", "looks good")];
    for (label, expected) in [
        (None, 7),
        (Some(("2026-11-27T10:05:00.000Z", 1)), 0),
        // Set before the push; and by a reporter, and by a stranger.
        (Some(("2026-11-27T09:55:00.000Z", 1)), 7),
        (Some(("2026-11-27T10:05:00.000Z", 2)), 7),
        (Some(("2026-11-27T10:05:00.000Z", 3)), 7),
    ] {
        stage.state.lock().unwrap().label = label.map(|(time, user)| (time.to_owned(), user));
        let (code, log) = stage.run(&stage.merge_request(), &inputs);
        assert_eq!(code, expected, "{label:?}: {log}");
        let note = stage.state.lock().unwrap().notes[0].2.clone();
        assert!(note.contains("<code>videos&#47;one</code> · **changed**, 7 of 10 frames"), "{note}");
        let image =
            "https://gitlab.example/group/r/-/jobs/9/artifacts/raw/hyperframes/diff/videos-one-sheet.png";
        assert!(note.contains(image), "{note}");
        assert_eq!(note.contains("Approved for "), expected == 0, "{note}");
    }
    assert!(stage.artifact("diff/index.html").contains("videos/one"));
    let variables = stage.artifact("hyperframes.env");
    assert!(variables.contains("HYPERFRAMES_CHANGED=true") && variables.len() < 5_000, "{variables}");
    assert_eq!(stage.emulator.created(), (3, 3), "the base is not rendered again");
}

#[test]
fn a_release_says_what_has_changed_since_the_last_one() {
    let stage = Stage::new();
    let release = |tag: &str| {
        let variables = [("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_TAG", tag)];
        let (code, log) = stage.run(&variables, &[("projects", "videos/one"), ("diff-baseline", "release")]);
        assert_eq!(code, 0, "{log}");
    };
    release("v1");
    release("v2");
    let notes = stage.state.lock().unwrap().descriptions["v2"].clone();
    assert!(notes.contains("### Videos since <code>v1") && notes.contains("No visible change: "), "{notes}");
}

#[test]
fn generated_media_is_a_patch_that_git_applies() {
    let stage = Stage::new();
    let path = stage.repository.path();
    let entry = "[[media]]\nfile = \"voice.wav\"\ntext = \"Hello.\"\nvoice = \"emulator-ada\"\n";
    write(path, "hyperframes-ci.toml", entry);
    commit(path, "declare a voice-over");
    let push = [("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BRANCH", "main")];
    let spoken = || stage.emulator.stats()["speeches_generated"].clone();
    let (code, log) = stage.run(&push, &[("mode", "media")]);
    assert!(code == 2 && log.contains("mode media requires the input max-cost"), "{log}");
    let media = [("mode", "media"), ("max-cost", "0.10")];
    // A merge request generates nothing.
    let (_, log) = stage.run(&stage.merge_request(), &media);
    assert_eq!(spoken(), 0, "{log}");
    let (code, log) = stage.run(&push, &media);
    assert_eq!((code, spoken()), (0, json!(1)), "{log}");
    let made = fs::read(path.join("voice.wav")).unwrap();
    for name in ["voice.wav", "hyperframes-ci.lock"] {
        fs::remove_file(path.join(name)).unwrap();
    }
    git(path, &["apply", "hyperframes/media.patch"]);
    assert_eq!(fs::read(path.join("voice.wav")).unwrap(), made);
    stage.emulator.run(path, &["media", "check"]).ok();
}
