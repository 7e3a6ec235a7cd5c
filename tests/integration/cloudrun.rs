//! Renders in a Google Cloud project, with the official SDK, against a stand-in on loopback (`cloudrun/google.mjs`).
//!
//! Real are the official SDK with Google's client libraries, unchanged, their requests, the exchange of a token, the objects in the
//! bucket and the bytes in them. What the workflow and the service on Cloud Run would do is not: an execution of the stand-in
//! lasts for a while, and copies a video that the local engine has rendered before to where it is told to put its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::lambda::rendered;
use crate::support::{Ran, command, names, project, root, show, write};

const BUCKET: &str = "renders-of-the-tests";
const WORKFLOW: &str = "projects/tests-1/locations/europe-west1/workflows/hyperframes-render";
const SUBJECT: &str = "subject-token-of-the-tests";
/// By what pauses between requests are divided.
const SCALE: u32 = 20;

struct Google {
    server: Child,
    url: String,
    folder: tempfile::TempDir,
}

impl Google {
    /// A project with a stack; `seconds` is how long a render takes.
    fn start(seconds: f64) -> Self {
        let mut server = Command::new("node")
            .arg(root().join("tests/integration/cloudrun/google.mjs"))
            .args([BUCKET, WORKFLOW, SUBJECT, &seconds.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let google = Self { server, url: url.trim().to_owned(), folder: tempfile::tempdir().unwrap() };
        for format in ["mp4", "webm"] {
            google.put(&format!("fixtures/video.{format}"), &rendered(format));
        }
        write(google.folder.path(), "token", SUBJECT);
        // What google-github-actions/auth writes, apart from the addresses.
        let credentials = json!({ "type": "external_account",
            "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a/providers/b",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": format!("{}/sts", google.url),
            "credential_source": { "file": google.folder.path().join("token") } });
        write(google.folder.path(), "credentials.json", &credentials.to_string());
        google
    }

    fn control(&self, path: &str) -> String {
        format!("{}/control/{path}", self.url)
    }

    /// What the stand-in knows.
    fn known(&self) -> Value {
        let text = ureq::get(self.control("")).call().unwrap().body_mut().read_to_string().unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The names of the renders that were started, and how they stand.
    fn executions(&self) -> Vec<(String, String)> {
        let known = self.known();
        let executions = known["executions"].as_array().unwrap().iter();
        executions
            .map(|one| {
                (
                    argument(one)["RenderId"].as_str().unwrap().to_owned(),
                    one["state"].as_str().unwrap().to_owned(),
                )
            })
            .collect()
    }

    /// The number of uploaded projects.
    fn sites(&self) -> usize {
        let known = self.known();
        let objects = known["objects"].as_array().unwrap().iter();
        objects.filter(|name| name.as_str().unwrap().starts_with("sites/")).count()
    }

    fn faults(&self, faults: &Value) {
        ureq::put(self.control("faults")).send(faults.to_string()).unwrap();
    }

    /// Writes an object.
    fn put(&self, name: &str, contents: &[u8]) {
        let path = format!("objects/{}", name.replace('/', "%2F"));
        ureq::put(self.control(&path)).send(contents).unwrap();
    }

    /// Removes an object.
    fn remove(&self, name: &str) {
        ureq::delete(self.control(&format!("objects/{}", name.replace('/', "%2F")))).call().unwrap();
    }

    /// A repository with a project, and what the official tooling would have written down about the stack.
    fn repository(&self) -> tempfile::TempDir {
        let folder = project();
        write_state(folder.path(), BUCKET);
        folder
    }

    fn command(&self) -> Command {
        let mut command = command();
        command.env("CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE", format!("{}/storage/v1/", self.url));
        command.env("CLOUDSDK_API_ENDPOINT_OVERRIDES_WORKFLOWEXECUTIONS", &self.url);
        command.env("GOOGLE_APPLICATION_CREDENTIALS", self.folder.path().join("credentials.json"));
        command.env("METADATA_SERVER_DETECTION", "none");
        command.env("HYPERFRAMES_CI_TIME_SCALE", SCALE.to_string());
        command.args(["render", "--renderer", "cloudrun", "--json", "--poll-interval", "1"]);
        command
    }

    fn render(&self, folder: &Path, flags: &[&str]) -> Ran {
        Ran::of(self.command().args(flags).current_dir(folder))
    }
}

impl Drop for Google {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn write_state(folder: &Path, bucket: &str) {
    let state = json!({ "projectId": "tests-1", "region": "europe-west1", "bucketName": bucket,
        "serviceUrl": "https://hyperframes-render-a1.europe-west1.run.app", "workflowId": "hyperframes-render" });
    write(folder, ".hyperframes/cloudrun-state.json", &state.to_string());
}

/// What an execution was told.
fn argument(execution: &Value) -> Value {
    serde_json::from_str(execution["argument"].as_str().unwrap()).unwrap()
}

#[test]
#[ignore = "needs packages of npm: cargo xtask test lambda"]
fn a_render_is_started_once_whoever_asks_for_it() {
    let google = Google::start(0.3);
    let folder = google.repository();
    let options = ["--codec", "h264", "--width", "3840", "--height", "2160", "--max-parallel-chunks", "8"];
    let ran = google.render(folder.path(), &[&["-o", "renders/first.mp4"][..], &options].concat()).ok();
    let result = ran.json();
    let key = result["key"].as_str().unwrap();
    assert_eq!(google.executions(), [(key.to_owned(), "SUCCEEDED".to_owned())]);
    let known = google.known();
    assert_eq!(result["render"]["render_id"], known["executions"][0]["name"]);
    let config = &argument(&known["executions"][0])["Config"];
    let told = ["codec", "outputResolution", "width", "height", "fps", "maxParallelChunks", "chunkSize"];
    assert_eq!(
        told.map(|name| config[name].clone()),
        [json!("h264"), json!("landscape-4k"), json!(1280), json!(720), json!(30), json!(8), Value::Null]
    );
    assert_eq!((&result["reused"], google.sites()), (&json!(false), 1));
    assert!(result["cost_usd"].as_f64().unwrap() > 0.0);
    assert_eq!(fs::read(folder.path().join("renders/first.mp4")).unwrap(), rendered("mp4"));
    assert_eq!(names(&folder.path().join("renders")), ["first.mp4"], "nothing half-written is left");
    // From another machine, divided otherwise: found by its name, and neither uploaded nor started again.
    let other = google.repository();
    let flags = [&options[..6], &["--chunk-size", "60", "-o", "renders/second.mp4"]].concat();
    let again = google.render(other.path(), &flags).ok().json();
    assert_eq!((&again["reused"], &again["cost_usd"]), (&json!(true), &json!(0.0)));
    assert_eq!((google.executions().len(), google.sites()), (1, 1));
    // Also when the workflow has forgotten its execution.
    ureq::get(google.control("forget")).call().unwrap();
    google.render(other.path(), &flags).ok();
    assert_eq!(google.executions().len(), 0);
    // One whose video is gone makes room for the next.
    google.remove(&format!("renders/{key}/output.mp4"));
    let new = google.render(other.path(), &flags).ok().json();
    assert_eq!((&new["reused"], google.executions().len()), (&json!(false), 1));
    // Whoever wants another gets one, of the same upload.
    google.render(other.path(), &["--no-reuse"]).ok();
    assert_eq!((google.executions().len(), google.sites()), (2, 1));
}

#[test]
#[ignore = "needs packages of npm: cargo xtask test lambda"]
fn machines_that_start_a_render_at_the_same_time_share_it() {
    let google = Google::start(0.5);
    let folders = [google.repository(), google.repository(), google.repository()];
    std::thread::scope(|scope| {
        for folder in &folders {
            scope.spawn(|| google.render(folder.path(), &["-o", "renders/film.mp4"]).ok());
        }
    });
    assert_eq!((google.executions().len(), google.sites()), (1, 1));
    assert!(folders.iter().all(|folder| folder.path().join("renders/film.mp4").is_file()));
}

#[test]
#[ignore = "needs packages of npm: cargo xtask test lambda"]
fn a_batch_fans_out_from_one_upload() {
    let google = Google::start(0.3);
    let folder = google.repository();
    let row = |number: u32| match number {
        2 => json!({ "title": "broken" }),
        3 => json!({ "title": "cancelled" }),
        4 => json!({ "title": "lost" }),
        5 => json!({ "variables": { "title": "film 5" }, "format": "webm", "fps": 60 }),
        _ => json!({ "title": format!("film {number}") }),
    };
    let rows = (1..=7).map(|number| format!("{}\n", row(number))).collect::<String>();
    write(folder.path(), "rows.jsonl", &rows);
    let flags = ["--batch", "rows.jsonl", "-o", "films/{index}.{ext}", "--concurrency", "4"];
    let ran = google.render(folder.path(), &flags);
    assert_eq!(ran.code, 1, "{ran:?}");
    for problem in ["FONT_FETCH_FAILED", "ended as cancelled", "output.mp4 does not exist"] {
        assert!(ran.stdout.contains(problem), "{problem}: {ran:?}");
    }
    let films = ["1.mp4", "5.webm", "6.mp4", "7.mp4"];
    assert_eq!(names(&folder.path().join("films")), films);
    assert_eq!((google.executions().len(), google.sites()), (7, 1));
    // Again: what is there is there, and what failed is not tried unless somebody says so.
    assert_eq!(google.render(folder.path(), &flags).code, 1);
    assert_eq!(google.executions().len(), 7);
    // Without the manifest everything is found by its name; what has failed is tried once more.
    fs::remove_dir_all(folder.path().join("films")).unwrap();
    fs::remove_dir_all(folder.path().join("renders")).unwrap();
    let ran = google.render(folder.path(), &flags);
    assert_eq!(names(&folder.path().join("films")), films, "{ran:?}");
    assert_eq!(google.executions().len(), 10);
}

#[test]
#[ignore = "needs packages of npm: cargo xtask test lambda"]
fn equal_rows_share_an_execution_also_without_reuse() {
    let google = Google::start(0.2);
    let folder = google.repository();
    write(folder.path(), "rows.jsonl", "{\"title\":\"a\"}\n{\"title\":\"b\"}\n{\"title\":\"a\"}\n");
    let flags = ["--batch", "rows.jsonl", "-o", "films/{index}.{ext}"];
    google.render(folder.path(), &flags).ok();
    assert_eq!(names(&folder.path().join("films")), ["1.mp4", "2.mp4", "3.mp4"]);
    assert_eq!(google.executions().len(), 2);
    let other = google.repository();
    fs::copy(folder.path().join("rows.jsonl"), other.path().join("rows.jsonl")).unwrap();
    google.render(other.path(), &[&flags[..], &["--no-reuse"]].concat()).ok();
    assert_eq!(names(&other.path().join("films")), ["1.mp4", "2.mp4", "3.mp4"]);
    assert_eq!(google.executions().len(), 4);
}

#[test]
#[ignore = "needs packages of npm: cargo xtask test lambda"]
fn an_execution_that_waits_for_its_turn_is_not_too_old() {
    let google = Google::start(0.1);
    ureq::get(google.control("busy")).call().unwrap();
    let folder = google.repository();
    let wait = |is_so: &dyn Fn() -> bool| {
        let began = Instant::now();
        while !is_so() {
            assert!(began.elapsed() < Duration::from_secs(60), "{:?}", google.known());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let mut first = google.command();
    let first = first.current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut first = first.spawn().unwrap();
    let polls = || {
        let known = google.known();
        let log = known["log"].as_array().unwrap().iter();
        log.filter(|line| line.as_str().unwrap().starts_with("GET /v1/")).count()
    };
    wait(&|| polls() > 0);
    first.kill().unwrap();
    first.wait().unwrap();
    google.faults(&json!([]));
    std::thread::scope(|scope| {
        let second = scope.spawn(|| google.render(folder.path(), &["--reuse-window", "1"]));
        wait(&|| polls() > 1 || second.is_finished());
        ureq::get(google.control("free")).call().unwrap();
        second.join().unwrap().ok();
    });
    assert_eq!(google.executions().len(), 1);
}

#[test]
#[ignore = "needs packages of npm: cargo xtask test lambda"]
fn what_was_changed_in_the_bucket_costs_nothing_and_becomes_no_video() {
    let google = Google::start(0.2);
    let folder = google.repository();
    let flags = ["-o", "renders/film.mp4"];
    let key = google.render(folder.path(), &flags).ok().json()["key"].as_str().unwrap().to_owned();
    let (video, film) = (format!("renders/{key}/output.mp4"), folder.path().join("renders/film.mp4"));
    let whole = rendered("mp4");
    for damaged in [&b"<html>signed out</html>"[..], b"", &whole[..whole.len() - 100]] {
        fs::remove_file(&film).ok();
        google.put(&video, damaged);
        let ran = google.render(folder.path(), &flags);
        let error = ran.error();
        assert_eq!((ran.code, error["code"].as_str()), (1, Some("download_failed")), "{ran:?}");
        assert!(error["hint"].as_str().unwrap().contains(&video), "{ran:?}");
        assert_eq!(names(&folder.path().join("renders")), Vec::<String>::new());
    }
    google.put(&video, &whole);
    // A damaged record is none: the execution is found in the list of the workflow.
    for record in [&b"{broken"[..], b"", b"{\"execution\":5}", b"{\"execution\":\"../../v1/projects\"}"] {
        google.put(&format!("renders/{key}/execution.json"), record);
        google.render(folder.path(), &flags).ok();
    }
    assert_eq!(google.executions().len(), 1);
}

#[test]
#[ignore = "needs packages of npm: cargo xtask test lambda"]
fn a_render_that_is_killed_at_any_step_is_started_once() {
    let steps = [
        ("the upload of the project", "^PUT /upload/", "after"),
        ("the claim, before", "^POST /upload/.*claim", "before"),
        ("the claim, after", "^POST /upload/.*claim", "after"),
        ("the start, before", "^POST /v1/", "before"),
        ("the start, after", "^POST /v1/", "after"),
        ("the record, before", "^POST /upload/.*execution", "before"),
        ("the poll", "^GET /v1/", "before"),
        ("the download", "^GET /storage/.*output", "before"),
    ];
    let kill = |(step, pattern, hang): (&str, &str, &str)| {
        let google = Google::start(0.2);
        let folder = google.repository();
        google.faults(&json!([{ "match": pattern, "times": 1, "hang": hang }]));
        let mut command = google.command();
        let command = command.args(["-o", "renders/film.mp4"]).current_dir(folder.path());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        while google.known()["hung"] != 1 {
            assert!(began.elapsed() < Duration::from_secs(120), "{step}: never reached");
            std::thread::sleep(Duration::from_millis(20));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let before = google.executions().len();
        // What it has left behind goes on, or fails, while the next run begins.
        google.faults(&json!([]));
        google.render(folder.path(), &["-o", "renders/film.mp4"]).ok();
        assert_eq!((google.executions().len(), google.sites()), (1, 1), "killed at {step}");
        assert_eq!(fs::read(folder.path().join("renders/film.mp4")).unwrap(), rendered("mp4"), "{step}");
        format!("Cloud Run, killed at {step}: {before} executions before, 1 after the next run\n")
    };
    let lines = std::thread::scope(|scope| {
        let halves = steps
            .chunks(4)
            .map(|steps| scope.spawn(move || steps.iter().map(|step| kill(*step)).collect::<String>()));
        let halves = halves.collect::<Vec<_>>();
        halves.into_iter().map(|half| half.join().unwrap()).collect::<String>()
    });
    show("cloudrun.txt", &lines);
}

#[test]
#[ignore = "needs packages of npm: cargo xtask test lambda"]
fn faults_of_the_service_cost_no_second_execution() {
    let google = Google::start(0.1);
    let folder = google.repository();
    // Each with the exit code, the error, and the number of executions.
    let cases = [
        (json!([{ "match": "^POST /v1/", "times": 1, "cut": true }]), 0, "", 1),
        (json!([{ "match": "^POST /v1/", "times": 1, "status": 500 }]), 0, "", 1),
        (json!([{ "match": "^POST /v1/", "times": 2, "status": 429, "text": "Quota exceeded" }]), 0, "", 1),
        (json!([{ "match": "^POST /upload/", "times": 2, "cut": true }]), 0, "", 1),
        (json!([{ "match": "^GET ", "times": 4, "status": 503 }]), 0, "", 1),
        (json!([{ "match": "^GET /storage/.*output", "times": 2, "cut": true }]), 0, "", 1),
        (
            json!([{ "match": "^POST /v1/", "times": 99, "status": 429, "text": "Quota exceeded" }]),
            1,
            "rate_limited",
            0,
        ),
        (json!([{ "match": "^POST /v1/", "times": 1, "status": 403 }]), 3, "not_authenticated", 0),
        (json!([{ "match": "^GET /storage/", "times": 1, "status": 403 }]), 3, "not_authenticated", 0),
        (
            json!([{ "match": "^POST /v1/", "times": 1, "status": 404, "text": "Workflow not found" }]),
            2,
            "stack_unknown",
            0,
        ),
        (json!([{ "match": "^GET /v1/", "times": 1, "status": 403 }]), 3, "not_authenticated", 1),
    ];
    let mut expected = 0;
    for (number, (faults, code, error, started)) in cases.iter().enumerate() {
        google.faults(faults);
        let variables = json!({ "title": format!("film {number}") }).to_string();
        let ran = google.render(folder.path(), &["--variables", &variables]);
        assert_eq!(ran.code, *code, "{faults}: {ran:?}");
        if *code != 0 {
            assert_eq!(ran.error()["code"], *error, "{faults}: {ran:?}");
        }
        expected += started;
        assert_eq!(google.executions().len(), expected, "{faults}: {ran:?}");
        if *code != 0 {
            // Once the cause is gone, the same command renders it, without a long wait and once in all.
            google.faults(&json!([]));
            google.render(folder.path(), &["--variables", &variables]).ok();
            expected += 1 - started;
            assert_eq!(google.executions().len(), expected, "{faults}");
        }
    }
}

#[test]
#[ignore = "needs packages of npm: cargo xtask test lambda"]
fn what_is_not_done_in_time_goes_on_and_is_gone_on_with() {
    let google = Google::start(20.0);
    let folder = google.repository();
    let ran = google.render(folder.path(), &["--max-wait", "0.2"]);
    assert_eq!((ran.code, ran.error()["code"].as_str()), (4, Some("timeout")), "{ran:?}");
    assert!(ran.stderr.contains("the render is still running: projects/123456789012/"), "{ran:?}");
    google.render(folder.path(), &["-o", "renders/film.mp4"]).ok();
    assert_eq!(google.executions().len(), 1);
}

#[test]
#[ignore = "needs packages of npm: cargo xtask test lambda"]
fn what_cannot_work_is_told_with_its_remedy() {
    let google = Google::start(0.1);
    let folder = google.repository();
    let error = |ran: &Ran| {
        let envelope = ran.error();
        (ran.code, envelope["code"].as_str().unwrap().to_owned(), envelope["hint"].to_string())
    };
    let mut nobody = google.command();
    nobody.env_remove("GOOGLE_APPLICATION_CREDENTIALS");
    let (code, name, hint) = error(&Ran::of(nobody.current_dir(folder.path())));
    assert_eq!((code, name.as_str()), (3, "not_authenticated"));
    assert!(hint.contains("google-github-actions/auth"), "{hint}");
    write(google.folder.path(), "token", "expired");
    assert_eq!(error(&google.render(folder.path(), &[])).1, "not_authenticated");
    write(google.folder.path(), "token", SUBJECT);
    // A file that is missing, damaged, or without a key: the remedy is not the network.
    let good = fs::read_to_string(google.folder.path().join("credentials.json")).unwrap();
    let key = "-----BEGIN PRIVATE KEY-----\\ntopsecret\\n-----END PRIVATE KEY-----\\n";
    let broken = format!(
        "{{\"type\":\"service_account\",\"client_email\":\"a@b.example\",\"private_key\":\"{key}\"}}"
    );
    for (contents, part) in [
        (None, "credentials.json"),
        (Some("{"), "credentials.json"),
        (Some("{\"type\":\"service_account\"}"), "client_email"),
        (Some(&*broken), "DECODER"),
    ] {
        fs::remove_file(google.folder.path().join("credentials.json")).ok();
        contents.inspect(|text| write(google.folder.path(), "credentials.json", text));
        let ran = google.render(folder.path(), &[]);
        assert_eq!((ran.code, error(&ran).1.as_str()), (3, "not_authenticated"), "{ran:?}");
        assert!(ran.stderr.contains(part) && !ran.stderr.contains("topsecret"), "{ran:?}");
    }
    write(google.folder.path(), "credentials.json", &good);
    for flags in [
        &["--fps", "25"][..],
        &["--no-wait"],
        &["--min-balance", "1"],
        &["--format", "gif"],
        &["--crf", "18"],
        &["--resolution", "1080p"],
        &["--width", "1920", "--height", "1080"],
        &["--cloudrun-version", "latest"],
        &["--cloudrun-region", "europe/west"],
    ] {
        assert_eq!(google.render(folder.path(), flags).code, 2, "{flags:?}");
    }
    assert_eq!(google.render(folder.path(), &["--max-renders", "0"]).code, 6);
    // Another project, region and bucket than those of the stack.
    for flags in [&["--cloudrun-project", "other-1"][..], &["--cloudrun-region", "us-central1"]] {
        let (code, name, hint) = error(&google.render(folder.path(), flags));
        assert_eq!((code, name.as_str()), (2, "stack_unknown"), "{flags:?}");
        assert!(hint.contains("hyperframes cloudrun deploy"), "{hint}");
    }
    write_state(folder.path(), "no-such-bucket");
    let ran = google.render(folder.path(), &[]);
    assert_eq!(error(&ran).1, "stack_unknown", "{ran:?}");
    assert!(ran.stderr.contains("bucket does not exist"), "{ran:?}");
    fs::remove_file(folder.path().join(".hyperframes/cloudrun-state.json")).unwrap();
    let (code, name, _) = error(&google.render(folder.path(), &[]));
    assert_eq!((code, name.as_str()), (2, "stack_unknown"));
    assert_eq!((google.executions().len(), names(&folder.path().join("renders"))), (0, Vec::new()));
}
