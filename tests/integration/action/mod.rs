//! The GitHub Action without GitHub: action.yml, run as a runner runs it, against a fake of the API and the emulator.

mod github;
mod gitlab;
mod runner;
mod server;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Emulator, KEY, html, write};
use github::{Comment, GitHub, Release};
use runner::{Run, Runner};

/// A repository with two projects on `main`, and a branch that changes one of them.
struct Repository {
    folder: tempfile::TempDir,
    base: String,
    head: String,
}

impl Repository {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        git(path, &["init", "--quiet", "--initial-branch=main"]);
        write(path, "videos/one/index.html", &html(1280, 720, ""));
        write(path, "videos/two/index.html", &html(720, 720, ""));
        write(path, "README.md", "x");
        let base = commit(path, "base");
        write(path, "videos/one/index.html", &html(1280, 720, "<i>changed</i>").replace("title", "headline"));
        let head = commit(path, "head");
        Self { folder, base, head }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn pull_request(&self, action: &str, from: &str) -> Value {
        json!({ "action": action, "pull_request": { "number": 7,
            "head": { "sha": self.head, "repo": { "full_name": from } }, "base": { "sha": self.base } } })
    }
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=t", "-c", "user.email=t@t.invalid", "-C"]).arg(folder).args(arguments);
    let ran = command.output().unwrap();
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap().trim().to_owned()
}

fn commit(folder: &Path, message: &str) -> String {
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--message", message]);
    git(folder, &["rev-parse", "HEAD"])
}

/// GitHub, the emulator, and a repository.
struct Stage {
    github: GitHub,
    emulator: Emulator,
    repository: Repository,
}

impl Stage {
    fn new() -> Self {
        let stage = Self {
            github: GitHub::start(),
            emulator: Emulator::placeholder(&[]),
            repository: Repository::new(),
        };
        stage.github.state().head.clone_from(&stage.repository.head);
        stage
    }

    fn runner(&self, name: &str, payload: &Value) -> Runner {
        let mut runner = Runner::new(&self.github.url, self.repository.path(), name, payload);
        runner.set("HEYGEN_API_URL", &self.emulator.url);
        runner
    }

    fn pull_request(&self) -> Runner {
        self.runner("pull_request", &self.repository.pull_request("synchronize", "o/r"))
    }

    /// Runs the action with a key, and looks for secrets in everything that came of it.
    fn run(&self, runner: &Runner, inputs: &[(&str, &str)]) -> Run {
        let common = [("binary", env!("CARGO_BIN_EXE_hyperframes-ci")), ("api-key", KEY)];
        let mut all = common.to_vec();
        all.retain(|(name, _)| inputs.iter().all(|(known, _)| known != name));
        all.extend(inputs);
        let run = runner.run(&all);
        let masked =
            run.log.lines().filter(|line| !line.starts_with("::add-mask::")).collect::<Vec<_>>().join("\n");
        let state = self.github.state();
        let comments = state.comments.iter().map(|comment| comment.body.clone()).collect::<String>();
        for secret in [KEY, "ghs_supersecret", "Signature="] {
            for (place, text) in [("log", &masked), ("summary", &run.summary), ("comment", &comments)] {
                assert!(!text.contains(secret), "{secret} is in the {place}: {text}");
            }
            assert!(run.outputs.values().all(|value| !value.contains(secret)), "{secret} is in an output");
        }
        run
    }
}

#[test]
fn a_pull_request_gets_a_preview_of_what_it_touches() {
    let stage = Stage::new();
    let runner = stage.pull_request();
    let run = stage.run(&runner, &[("projects", "videos/*")]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(stage.emulator.created(), (1, 1), "one of two is rendered");
    let comments = stage.github.state().comments.clone();
    let [comment] = comments.as_slice() else { panic!("one comment") };
    for part in [
        "<!-- hyperframes-ci -->",
        "**1 rendered, 1 unchanged** for ",
        "<code>videos&#47;one</code>",
        "Unchanged: <code>videos&#47;two</code>",
        "<code>headline</code> is new, <code>title</code> is gone",
        "https://github.example/o/r/raw/hyperframes-previews/pr/7/",
        "1 s rendered in the cloud",
    ] {
        assert!(comment.body.contains(part), "{part} in {}", comment.body);
    }
    let files = stage.github.branch("hyperframes-previews");
    assert!(files.iter().all(|file| file.starts_with("pr/7/")), "{files:?}");
    assert!(
        files.iter().any(|file| file.ends_with(".mp4")) && files.iter().any(|file| file.ends_with(".png"))
    );
    assert!(run.summary.contains("**1 rendered, 1 unchanged**"), "{}", run.summary);
    let of = |name: &str| run.outputs[name].clone();
    assert!(of("render-id").starts_with("hfr_") && of("reused") == "false" && of("duration") == "1.0");
    assert_eq!(of("comment-url"), format!("https://github.example/o/r/pull/7#issuecomment-{}", comment.id));
    assert!(fs::read(of("video-path")).unwrap()[4..].starts_with(b"ftyp"));
    let results: Value = serde_json::from_str(&of("results")).unwrap();
    assert_eq!(
        (&results[0]["state"], &results[0]["composition"]),
        (&json!("rendered"), &json!("videos/one"))
    );
    let report: Value = serde_json::from_str(&fs::read_to_string(of("report-path")).unwrap()).unwrap();
    assert_eq!(report["unchanged"], json!(["videos/two"]));
    let uses = run.used.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
    assert_eq!(uses, ["actions/cache/restore", "actions/cache/save", "actions/upload-artifact"]);
}

#[test]
fn a_second_attempt_pays_nothing_and_edits_the_same_comment() {
    let stage = Stage::new();
    // Other comments, more than a page of them, and one of a stranger with our mark.
    for id in 1..=120 {
        let body = if id == 3 { "<!-- hyperframes-ci -->\nnot ours" } else { "hello" };
        let comment = Comment { id, login: "someone".to_owned(), body: body.to_owned() };
        stage.github.state().comments.push(comment);
    }
    let mut runner = stage.pull_request();
    stage.run(&runner, &[("projects", "videos")]);
    runner.set("GITHUB_RUN_ATTEMPT", "2");
    let again = stage.run(&runner, &[("projects", "videos")]);
    assert_eq!((again.code, again.outputs["reused"].as_str()), (0, "true"), "{}", again.log);
    assert_eq!(stage.emulator.created(), (1, 1));
    let state = stage.github.state();
    assert_eq!(state.comments.len(), 121);
    assert_eq!(state.comments[2].body, "<!-- hyperframes-ci -->\nnot ours", "anybody can write our mark");
    assert!(state.comments[120].body.contains("1 reused"), "{}\n{}", state.comments[120].body, again.log);
}

#[test]
fn a_fork_without_secrets_is_checked_rendered_here_and_not_failed() {
    let stage = Stage::new();
    stage.github.state().may_comment = false;
    stage.github.state().may_write = false;
    let payload = stage.repository.pull_request("opened", "stranger/r");
    let runner = stage.runner("pull_request", &payload);
    // The real engine, since there is no key.
    let run = stage.run(
        &runner,
        &[("projects", "videos"), ("api-key", ""), ("quality", "draft"), ("renderer", "cloud")],
    );
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(stage.emulator.created(), (0, 0));
    assert!(run.summary.contains("rendered on the runner"), "{}", run.summary);
    assert!(run.summary.contains("1280x720"), "{}", run.summary);
    assert!(run.summary.contains("may not comment"), "{}", run.summary);
    assert!(stage.github.state().comments.is_empty());
    let video = &run.outputs["video-path"];
    assert!(fs::metadata(video).unwrap().len() > 1000);
    assert_eq!(run.used.last().unwrap().0, "actions/upload-artifact", "the artifact has the video");
}

#[test]
fn findings_are_annotated_and_fail_the_step() {
    let stage = Stage::new();
    let page = html(1280, 720, &"<img src=\"missing.png\">\n".repeat(30));
    write(stage.repository.path(), "videos/one/index.html", &page);
    commit(stage.repository.path(), "broken");
    let run = stage.run(&stage.pull_request(), &[("projects", "videos")]);
    assert_eq!(run.code, 5, "{}", run.log);
    assert_eq!(stage.emulator.created(), (0, 0), "nothing is rendered, nothing is billed");
    let errors = run.log.lines().filter(|line| line.starts_with("::error file=videos/one/index.html,line="));
    assert_eq!(errors.count(), 10, "as many as GitHub shows: {}", run.log);
    assert!(run.log.contains("20 more findings are in the summary"), "{}", run.log);
    assert!(stage.github.state().comments[0].body.contains("not rendered: 30 errors"));
    let run = stage.run(&stage.pull_request(), &[("projects", "videos"), ("fail-on", "never")]);
    assert_eq!(run.code, 0);
}

#[test]
fn jobs_share_one_comment_and_a_newer_push_marks_the_older_results() {
    let stage = Stage::new();
    write(stage.repository.path(), "videos/two/index.html", &html(720, 720, "<i>too</i>"));
    commit(stage.repository.path(), "both");
    let runs = std::thread::scope(|scope| {
        let jobs = ["videos/one", "videos/two"].map(|project| {
            let stage = &stage;
            scope.spawn(move || stage.run(&stage.pull_request(), &[("projects", project)]).code)
        });
        jobs.map(|job| job.join().unwrap())
    });
    assert_eq!(runs, [0, 0]);
    let comments = stage.github.state().comments.clone();
    let [comment] = comments.as_slice() else { panic!("{} comments", comments.len()) };
    assert!(
        comment.body.contains("videos&#47;one") && comment.body.contains("videos&#47;two"),
        "{}",
        comment.body
    );
    // A newer push: one job is done with it, the other is not.
    let newer = "b".repeat(40);
    stage.github.state().head.clone_from(&newer);
    let mut payload = stage.repository.pull_request("synchronize", "o/r");
    payload["pull_request"]["head"]["sha"] = newer.clone().into();
    stage.run(&stage.runner("pull_request", &payload), &[("projects", "videos/one")]);
    let body = stage.github.state().comments[0].body.clone();
    assert_eq!(body.matches("**Out of date:**").count(), 1, "{body}");
    // The older run ends late: it does not write over the newer one.
    stage.run(&stage.pull_request(), &[("projects", "videos/one")]);
    assert_eq!(stage.github.state().comments[0].body, body);
}

#[test]
fn pictures_stand_beside_those_of_the_base() {
    let stage = Stage::new();
    // What main looks like is published when main is pushed.
    let base = tempfile::tempdir().unwrap();
    let from = stage.repository.path().display().to_string();
    git(base.path(), &["clone", "--quiet", &from, "."]);
    git(base.path(), &["checkout", "--quiet", &stage.repository.base]);
    let mut runner = Runner::new(&stage.github.url, base.path(), "push", &json!({}));
    runner.set("HEYGEN_API_URL", &stage.emulator.url);
    let run = stage.run(&runner, &[("projects", "videos"), ("mode", "preview")]);
    assert_eq!(run.code, 0, "{}", run.log);
    let published = stage.github.branch("hyperframes-previews");
    assert!(!published.is_empty() && published.iter().all(|file| file.starts_with("base/")), "{published:?}");
    let run = stage.run(&stage.pull_request(), &[("projects", "videos")]);
    assert_eq!(run.code, 0, "{}", run.log);
    let body = stage.github.state().comments[0].body.clone();
    assert!(body.contains("| composition | before | now | video |"), "{body}");
    let raw = "https://github.example/o/r/raw/hyperframes-previews";
    assert!(
        body.contains(&format!("<img src=\"{raw}/base/"))
            && body.contains(&format!("<img src=\"{raw}/pr/7/"))
    );
    let left = git(stage.repository.path(), &["worktree", "list"]);
    assert_eq!(left.lines().count(), 1, "the checkout of the base is gone: {left}");
}

/// Everything real but GitHub: the engine renders what main looks like, and what the pull request makes of it. The comment
/// and the summary are left in `target/tables`, with their pictures.
#[test]
fn the_whole_of_it_with_real_renders() {
    let (github, emulator) = (GitHub::start(), Emulator::start(&[]));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    git(path, &["init", "--quiet", "--initial-branch=main"]);
    for name in ["launch-card", "square-audio"] {
        let from = crate::support::example(name);
        let to = path.join("videos").join(name);
        fs::create_dir_all(&to).unwrap();
        assert!(Command::new("cp").arg("-r").arg(from.join(".")).arg(&to).status().unwrap().success());
    }
    let base = commit(path, "base");
    let runner_for = |name: &str, payload: &Value| {
        let mut runner = Runner::new(&github.url, path, name, payload);
        runner.set("HEYGEN_API_URL", &emulator.url);
        runner
    };
    let common = [
        ("binary", env!("CARGO_BIN_EXE_hyperframes-ci")),
        ("api-key", KEY),
        ("projects", "videos"),
        ("quality", "draft"),
    ];
    let run = runner_for("push", &json!({})).run(&[&common[..], &[("mode", "preview")]].concat());
    assert_eq!(run.code, 0, "{}", run.log);
    let page = path.join("videos/launch-card/index.html");
    let html = fs::read_to_string(&page).unwrap();
    let changed = html
        .replace("Ship the story", "Ship the sequel")
        .replace("\"default\": \"dusk\"", "\"default\": \"night\"");
    assert_ne!(changed, html);
    fs::write(&page, changed).unwrap();
    let head = commit(path, "another mood");
    github.state().head.clone_from(&head);
    let payload = json!({ "action": "opened", "pull_request": { "number": 7,
        "head": { "sha": head, "repo": { "full_name": "o/r" } }, "base": { "sha": base } } });
    let runner = runner_for("pull_request", &payload);
    let run = runner.run(&common);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(emulator.created(), (3, 3));
    let body = github.state().comments[0].body.clone();
    assert!(body.contains("1280x720, 30 fps, 2 s") && body.contains("| before | now |"), "{body}");
    crate::support::show("comment.md", &body);
    crate::support::show("summary.md", &run.summary);
    crate::support::show("transcript.txt", &run.log);
    let pictures = github.files("hyperframes-previews");
    assert!(pictures.iter().any(|(name, bytes)| name.ends_with(".gif") && bytes.starts_with(b"GIF8")));
    for (name, bytes) in pictures {
        let to = crate::support::root().join("target/tables").join(name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, bytes).unwrap();
    }
}

#[test]
fn a_newer_push_marks_the_comment_as_soon_as_it_runs() {
    let stage = Stage::new();
    stage.run(&stage.pull_request(), &[("projects", "videos")]);
    let newer = "b".repeat(40);
    stage.github.state().head.clone_from(&newer);
    let mut payload = stage.repository.pull_request("synchronize", "o/r");
    payload["pull_request"]["head"]["sha"] = newer.into();
    // It fails before it has anything to say.
    let run = stage.run(&stage.runner("pull_request", &payload), &[("projects", "nowhere")]);
    assert_eq!(run.code, 2, "{}", run.log);
    assert!(stage.github.state().comments[0].body.contains("**Out of date:**"));
}

#[test]
fn a_comment_that_is_deleted_between_reading_and_writing_is_written_again() {
    let stage = Stage::new();
    stage.run(&stage.pull_request(), &[("projects", "videos")]);
    stage.github.state().deletes_comment_once = true;
    let run = stage.run(&stage.pull_request(), &[("projects", "videos")]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(stage.github.state().comments.len(), 1);
}

#[test]
fn busy_apis_and_other_writers_are_waited_for() {
    let stage = Stage::new();
    stage.run(&stage.pull_request(), &[("projects", "videos")]);
    {
        let mut state = stage.github.state();
        state.busy = (2, 429);
        state.conflicts = 2;
        state.references.clear();
        state.comments.clear();
    }
    let run = stage.run(&stage.pull_request(), &[("projects", "videos")]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(stage.github.state().comments.len(), 1);
    assert!(!stage.github.branch("hyperframes-previews").is_empty());
}

#[test]
fn a_shallow_clone_learns_from_the_api_what_changed() {
    let stage = Stage::new();
    let shallow = tempfile::tempdir().unwrap();
    let from = format!("file://{}", stage.repository.path().display());
    git(shallow.path(), &["clone", "--quiet", "--depth=1", &from, "."]);
    git(shallow.path(), &["remote", "remove", "origin"]);
    stage.github.state().files = vec!["videos/two/index.html".to_owned()];
    let payload = stage.repository.pull_request("opened", "o/r");
    let mut runner = Runner::new(&stage.github.url, shallow.path(), "pull_request", &payload);
    runner.set("HEYGEN_API_URL", &stage.emulator.url);
    let run = stage.run(&runner, &[("projects", "videos")]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert!(run.summary.contains("Unchanged: <code>videos&#47;one</code>"), "{}", run.summary);
    assert_eq!(stage.github.count("GET", "/pulls/7/files"), 1);
}

#[test]
fn a_closed_pull_request_leaves_nothing_behind() {
    let stage = Stage::new();
    stage.run(&stage.pull_request(), &[("projects", "videos")]);
    assert!(!stage.github.branch("hyperframes-previews").is_empty());
    let runner = stage.runner("pull_request", &stage.repository.pull_request("closed", "o/r"));
    for _ in 0..2 {
        let run = stage.run(&runner, &[]);
        assert_eq!(run.code, 0, "{}", run.log);
        assert!(stage.github.branch("hyperframes-previews").is_empty());
    }
    assert_eq!(stage.emulator.created(), (1, 1));
}

#[test]
fn a_release_gets_its_videos_once() {
    let stage = Stage::new();
    let release = |tag: &str, is_draft| Release { tag: tag.to_owned(), is_draft, assets: Vec::new() };
    stage.github.state().releases = vec![release("v1", false), release("v2", true)];
    let payload = json!({ "action": "published", "release": { "tag_name": "v1" } });
    let runner = stage.runner("release", &payload);
    let run = stage.run(&runner, &[("projects", "videos"), ("title", "launch")]);
    assert_eq!(run.code, 0, "{}", run.log);
    let names = |index: usize| {
        let state = stage.github.state();
        state.releases[index].assets.iter().map(|(_, name, _)| name.clone()).collect::<Vec<_>>()
    };
    let expected = [
        "videos-one.mp4",
        "videos-one.png",
        "videos-two.mp4",
        "videos-two.png",
        "hyperframes-provenance.json",
    ];
    assert_eq!(names(0), expected);
    let provenance = stage.github.state().releases[0].assets[4].2.clone();
    let provenance: Value = serde_json::from_slice(&provenance).unwrap();
    assert_eq!(provenance["videos"][0]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(provenance["videos"][0]["request"]["title"], "launch");
    assert!(provenance["videos"][0]["render_id"].as_str().unwrap().starts_with("hfr_"));
    // Again: nothing is rendered, and nothing is uploaded. A file of the same name with other contents is replaced.
    let uploads = stage.github.count("POST", "/assets?name=");
    stage.github.state().releases[0].assets[1].2 = b"an older poster".to_vec();
    let run = stage.run(&runner, &[("projects", "videos"), ("title", "launch")]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(stage.emulator.created(), (2, 2));
    assert_eq!(stage.github.count("POST", "/assets?name="), uploads + 1);
    let mut again = names(0);
    again.sort();
    let mut sorted = expected.map(str::to_owned).to_vec();
    sorted.sort();
    assert_eq!(again, sorted);
    // A draft, named by the workflow.
    let run =
        stage.run(&stage.runner("push", &json!({})), &[("projects", "videos/one"), ("release-tag", "v2")]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(names(1).len(), 3);
}

#[test]
fn jobs_that_attach_the_same_file_at_the_same_time_leave_one() {
    let stage = Stage::new();
    stage.github.state().releases =
        vec![Release { tag: "v1".to_owned(), is_draft: false, assets: Vec::new() }];
    stage.github.state().races = 2;
    let payload = json!({ "action": "published", "release": { "tag_name": "v1" } });
    let run = stage.run(&stage.runner("release", &payload), &[("projects", "videos/one")]);
    assert_eq!(run.code, 0, "{}", run.log);
    let state = stage.github.state();
    let names = state.releases[0].assets.iter().map(|(_, name, _)| name.as_str()).collect::<Vec<_>>();
    assert_eq!(names, ["videos-one.mp4", "videos-one.png", "hyperframes-provenance.json"]);
    assert!(state.releases[0].assets.iter().all(|(.., bytes)| bytes != b"of another job"));
}

#[test]
fn without_ffmpeg_the_clouds_own_picture_is_shown() {
    let stage = Stage::new();
    let programs = tempfile::tempdir().unwrap();
    for name in ["bash", "git", "dirname", "grep", "env"] {
        let found = Command::new("sh").args(["-c", &format!("command -v {name}")]).output().unwrap();
        let found = String::from_utf8(found.stdout).unwrap();
        std::os::unix::fs::symlink(found.trim(), programs.path().join(name)).unwrap();
    }
    let mut runner = stage.pull_request();
    runner.set("PATH", &programs.path().display().to_string());
    let run = stage.run(&runner, &[("projects", "videos")]);
    assert_eq!(run.code, 0, "{}", run.log);
    let files = stage.github.files("hyperframes-previews");
    assert_eq!(files.len(), 2, "{:?}", files.iter().map(|(name, _)| name).collect::<Vec<_>>());
    assert!(files.iter().any(|(name, bytes)| name.ends_with(".png") && bytes == POSTER));
}

#[test]
fn a_key_of_the_users_does_not_make_two_renders_one() {
    let stage = Stage::new();
    let inputs = [("projects", "videos"), ("mode", "render"), ("idempotency-key", "mine")];
    let run = stage.run(&stage.runner("push", &json!({})), &inputs);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(stage.emulator.created(), (2, 2));
}

#[test]
fn limits_hold_for_the_whole_run() {
    let stage = Stage::new();
    write(stage.repository.path(), "videos/two/index.html", &html(720, 720, "<i>too</i>"));
    commit(stage.repository.path(), "both");
    let run = stage.run(&stage.pull_request(), &[("projects", "videos"), ("max-renders", "1")]);
    assert_eq!(run.code, 6, "{}", run.log);
    assert_eq!(stage.emulator.created(), (1, 1));
    assert!(run.summary.contains("1 rendered, 1 failed"), "{}", run.summary);
}

#[test]
fn a_push_is_only_checked() {
    let stage = Stage::new();
    let run = stage.run(&stage.runner("push", &json!({})), &[("projects", "videos")]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(stage.emulator.created(), (0, 0));
    assert!(stage.github.state().requests.is_empty(), "the API has nothing to do with it");
}

#[test]
fn with_secrets_at_hand_the_request_does_not_decide_how_it_is_judged() {
    let stage = Stage::new();
    write(stage.repository.path(), "videos/one/index.html", &html(1280, 720, "<img src=\"missing.png\">"));
    write(stage.repository.path(), "hyperframes-ci.toml", "[check]\nallow = [\"missing-asset\"]\n");
    commit(stage.repository.path(), "allow myself everything");
    let payload = stage.repository.pull_request("opened", "stranger/r");
    let run = stage.run(&stage.runner("pull_request_target", &payload), &[("projects", "videos")]);
    assert_eq!(run.code, 5, "{}", run.log);
    assert_eq!(stage.github.count("GET", "/contents/hyperframes-ci.toml"), 1);
    assert_eq!(stage.emulator.created(), (0, 0));
}

#[test]
fn with_secrets_at_hand_a_strangers_page_does_not_run_here() {
    let stage = Stage::new();
    let payload = stage.repository.pull_request("labeled", "stranger/r");
    let runner = stage.runner("pull_request_target", &payload);
    let inputs = [("projects", "videos"), ("renderer", "local")];
    let run = stage.run(&runner, &[&inputs[..], &[("api-key", "")]].concat());
    assert_eq!(run.code, 0, "never for lack of a key: {}", run.log);
    assert!(run.summary.contains("Nothing was rendered: pages of strangers"), "{}", run.summary);
    let run = stage.run(&runner, &inputs);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(stage.emulator.created(), (1, 1), "in the cloud");
}

/// Names and texts that would be commands, markup, mentions or links if anything let them.
const HOSTILE: &str =
    "`$(touch pwned)` ::set-output name=a::b ::error::x | **x** <img src=x onerror=alert(1)> @admin %0A";

#[test]
fn hostile_names_and_messages_are_text() {
    let stage = Stage::new();
    let path = stage.repository.path();
    let folder = "videos/`$(touch pwned)` ::error::x **b** @admin";
    write(path, &format!("{folder}/index.html"), &html(1280, 720, "").replace("title", "<b>@admin|x"));
    write(path, "videos/one/index.html", &html(1280, 720, "<img src=\"\n::error::pwned.png\">"));
    commit(path, "hostile");
    stage.emulator.script(
        &json!({ "rules": [{ "on": "render", "times": 9, "do": { "fail": format!("a\n{HOSTILE}") } }] })
            .to_string(),
    );
    let mut runner = stage.pull_request();
    runner.set("GITHUB_HEAD_REF", HOSTILE);
    let run = stage.run(&runner, &[("projects", "videos"), ("title", HOSTILE), ("fail-on", "never")]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert!(!path.join("pwned").exists() && !runner.temporary().join("pwned").exists());
    let body = stage.github.state().comments[0].body.clone();
    for text in [&body, &run.summary] {
        for mark in ["<img src=x", "@admin", "**b**", "`$(", "::error"] {
            assert!(!text.contains(mark), "{mark} in {text}");
        }
    }
    let commands = [
        "::error file=",
        "::error title=",
        "::warning file=",
        "::group::",
        "::endgroup::",
        "::add-mask::",
        "::debug::",
    ];
    for line in run.log.lines().filter(|line| line.trim_start().starts_with("::")) {
        assert!(commands.iter().any(|command| line.starts_with(command)), "{line}");
    }
}

#[test]
fn two_hundred_compositions_fit_into_one_comment() {
    let stage = Stage::new();
    for number in 0..200 {
        let name = format!("videos/n{number:03}-{}", "long-".repeat(18));
        write(
            stage.repository.path(),
            &format!("{name}/index.html"),
            &html(1280, 720, "<img src=\"gone.png\">"),
        );
    }
    commit(stage.repository.path(), "many");
    let run = stage.run(&stage.pull_request(), &[("projects", "videos"), ("fail-on", "never")]);
    assert_eq!(run.code, 0, "{}", run.log);
    let body = stage.github.state().comments[0].body.clone();
    assert!(
        body.chars().count() < 65_536 && body.contains("more: the summary of the run has all"),
        "{}",
        body.len()
    );
    assert!(run.summary.matches("not rendered: 1 error").count() >= 200);
}

#[test]
fn the_program_is_verified_before_it_runs() {
    let stage = Stage::new();
    let install = |checksum: &str| {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("action");
        fs::create_dir(&tree).unwrap();
        fs::copy(crate::support::root().join("action/install.sh"), tree.join("install.sh")).unwrap();
        let line = format!("{checksum}  9.9.9  hyperframes-ci-x86_64-unknown-linux-musl.tar.gz\n");
        fs::write(tree.join("checksums.txt"), line).unwrap();
        folder
    };
    // A release of its own, on loopback.
    let packed = tempfile::tempdir().unwrap();
    write(packed.path(), "hyperframes-ci", "#!/bin/sh\necho ran\n");
    let archive = packed.path().join("x.tar.gz");
    let status = Command::new("sh")
        .args(["-c", "chmod +x hyperframes-ci && tar -czf x.tar.gz hyperframes-ci"])
        .current_dir(packed.path())
        .status();
    assert!(status.unwrap().success());
    let bytes = fs::read(&archive).unwrap();
    let sha = Command::new("sha256sum").arg(&archive).output().unwrap();
    let sha = String::from_utf8(sha.stdout).unwrap()[..64].to_owned();
    let mut server = mockito::Server::new();
    let path = "/v9.9.9/hyperframes-ci-x86_64-unknown-linux-musl.tar.gz";
    server
        .mock("GET", path)
        .match_header("authorization", mockito::Matcher::Missing)
        .with_body(bytes)
        .create();
    for (checksum, is_right) in [(sha, true), ("0".repeat(64), false)] {
        let tree = install(&checksum);
        let mut runner = stage.runner("push", &json!({}));
        runner.set("GITHUB_ACTION_PATH", &tree.path().display().to_string());
        runner.context("github.action_repository", "hyperframes-ci/hyperframes-ci");
        let run = runner.run(&[("download-url", &server.url()), ("ledger-cache", "false")]);
        assert_eq!(run.log.contains("ran"), is_right, "{}", run.log);
        assert_eq!(run.log.contains("and the action expects"), !is_right, "{}", run.log);
        assert_eq!(run.code == 0, is_right);
    }
}

/// An artifact with these files.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut writer, bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

const CLIP: &[u8] = include_bytes!("../../../src/emulator/clips/placeholder.mp4");
const POSTER: &[u8] = include_bytes!("../../../src/emulator/clips/placeholder.png");

#[test]
fn another_run_speaks_for_a_fork_and_believes_nothing_of_it() {
    let stage = Stage::new();
    let report = json!({
        "results": [
            { "composition": "videos/one", "state": "rendered", "output_path": "/elsewhere/one.mp4",
                "poster_path": "/elsewhere/one.png", "gif_path": "/elsewhere/../page.gif",
                "video": { "width": 1280, "height": 720, "fps": 30, "duration": 2, "codec": HOSTILE } },
            { "composition": HOSTILE, "state": "failed", "message": HOSTILE },
        ],
        "unchanged": [HOSTILE],
        "findings": { "errors": 2, "warnings": HOSTILE },
        "comment_url": "https://evil.example", "pull_request": 8,
    });
    let report = report.to_string();
    let files: &[(&str, &[u8])] = &[
        ("report.json", report.as_bytes()),
        ("one.mp4", CLIP),
        ("one.png", POSTER),
        ("page.gif", b"<script>alert(1)</script>"),
    ];
    stage.github.state().artifact = archive(files);
    stage.github.state().head_repository = "stranger/r".to_owned();
    let head = stage.repository.head.clone();
    let payload = json!({ "action": "completed", "workflow_run": { "id": 55, "head_sha": head, "head_branch": "main",
        "head_repository": { "full_name": "stranger/r" }, "pull_requests": [] } });
    let runner = stage.runner("workflow_run", &payload);
    let run = stage.run(&runner, &[("api-key", "")]);
    assert_eq!(run.code, 0, "{}", run.log);
    let body = stage.github.state().comments[0].body.clone();
    for part in ["from a fork", "1280x720, 30 fps, 2 s", "/actions/runs/55)", "2 errors and 0 warnings"] {
        assert!(body.contains(part), "{part} in {body}");
    }
    for mark in ["<img src=x", "@admin", "**b**", "`$(", "evil.example", "::error"] {
        assert!(!body.contains(mark), "{mark} in {body}");
    }
    let published = stage.github.branch("hyperframes-previews");
    assert_eq!(published.len(), 2, "the page is no picture: {published:?}");
    assert_eq!(stage.emulator.created(), (0, 0));
    // A commit that is not the newest of any open request is nobody's.
    stage.github.state().comments.clear();
    stage.github.state().head = "d".repeat(40);
    assert_eq!(stage.run(&runner, &[]).code, 0);
    assert!(stage.github.state().comments.is_empty());
    // An archive that leads out of its folder is refused as a whole.
    stage.github.state().head = head;
    stage.github.state().artifact = archive(&[("../../escape.png", POSTER), ("report.json", b"{}")]);
    let run = stage.run(&runner, &[]);
    assert_eq!(run.code, 1, "{}", run.log);
    assert!(run.log.contains("unsafe name"), "{}", run.log);
}

/// `BLESS=1` writes the tables of `docs/action.md`.
#[test]
fn the_documentation_lists_every_input_and_output() {
    let action: Value =
        serde_yaml_ng::from_str(&fs::read_to_string(crate::support::root().join("action.yml")).unwrap())
            .unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut inputs = "| input | | default |\n|---|---|---|\n".to_owned();
    for (name, input) in action["inputs"].as_object().unwrap() {
        let default = match text(&input["default"]) {
            default if default.is_empty() => String::new(),
            default => format!("`{default}`"),
        };
        inputs += &format!("| `{name}` | {} | {default} |\n", text(&input["description"]));
    }
    let mut outputs = "| output | |\n|---|---|\n".to_owned();
    for (name, output) in action["outputs"].as_object().unwrap() {
        outputs += &format!("| `{name}` | {} |\n", text(&output["description"]));
    }
    let path = crate::support::root().join("docs/action.md");
    let present = fs::read_to_string(&path).unwrap();
    let put = |text: &str, heading: &str, table: &str| {
        let (before, rest) = text.split_once(&format!("## {heading}\n\n")).unwrap();
        let (_, after) = rest.split_once("\n## ").unwrap();
        format!("{before}## {heading}\n\n{table}\n## {after}")
    };
    let expected = put(&put(&present, "Inputs", &inputs), "Outputs", &outputs);
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), expected, "BLESS=1 writes docs/action.md");
}

/// A repository whose configuration names its videos: one of each event, and many from rows.
fn named(stage: &Stage) -> String {
    let path = stage.repository.path();
    write(path, "rows.csv", "title\nAda\nGrace\n");
    write(
        path,
        "hyperframes-ci.toml",
        "[defaults]\nquality = \"high\"\n\n[[render]]\nname = \"teaser\"\nproject = \"videos/one\"\nfps = 24\n\n\
         [[render]]\nname = \"customers\"\nproject = \"videos/two\"\nrows = \"rows.csv\"\noutput = \"out/{title}.{ext}\"\n\n\
         [[render]]\nname = \"trailer\"\nproject = \"videos/two\"\non = [\"release\"]\nrenderer = \"cloud\"\n",
    );
    commit(path, "names")
}

#[test]
fn the_configuration_names_what_is_rendered_for_which_event() {
    let mut stage = Stage::new();
    stage.repository.base = named(&stage);
    write(stage.repository.path(), "rows.csv", "title\nAda\nGrace\nEdith\n");
    stage.repository.head = commit(stage.repository.path(), "a row");
    stage.github.state().head.clone_from(&stage.repository.head);
    let run = stage.run(&stage.pull_request(), &[]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(stage.emulator.created(), (1, 3), "a row touches the entry that has it");
    let body = stage.github.state().comments[0].body.clone();
    for part in [
        "<code>customers</code>",
        "3 of 3 rows",
        "Unchanged: <code>teaser</code>",
        "3 s rendered in the cloud",
    ] {
        assert!(body.contains(part), "{part} in {body}");
    }
    assert!(!body.contains("trailer"), "{body}");
    let results: Value = serde_json::from_str(&run.outputs["results"]).unwrap();
    assert_eq!((&results[0]["rows"], &results[0]["state"]), (&json!(3), &json!("rendered")));
    assert!(run.outputs["video-path"].ends_with("customers-Ada.mp4"), "{:?}", run.outputs);
    let again = stage.run(&stage.pull_request(), &[]);
    assert_eq!((again.code, stage.emulator.created()), (0, (1, 3)), "{}", again.log);
    // The workflow's word is above the file's.
    let run = stage.run(&stage.pull_request(), &[("projects", "videos/one"), ("changed-only", "false")]);
    let results: Value = serde_json::from_str(&run.outputs["results"]).unwrap();
    assert_eq!(
        (&results[0]["composition"], &results[0]["request"]["quality"]),
        (&json!("videos/one"), &json!("high"))
    );
}

#[test]
fn a_release_has_every_row() {
    let stage = Stage::new();
    named(&stage);
    stage.github.state().releases =
        vec![Release { tag: "v1".to_owned(), is_draft: false, assets: Vec::new() }];
    let payload = json!({ "action": "published", "release": { "tag_name": "v1" } });
    let runner = stage.runner("release", &payload);
    let names = || {
        stage.github.state().releases[0].assets.iter().map(|(_, name, _)| name.clone()).collect::<Vec<_>>()
    };
    let run = stage.run(&runner, &[]);
    assert_eq!(run.code, 0, "{}", run.log);
    let mut attached = names();
    attached.sort();
    let expected = [
        "customers-Ada.mp4",
        "customers-Grace.mp4",
        "customers.png",
        "hyperframes-provenance.json",
        "teaser.mp4",
        "teaser.png",
        "trailer.mp4",
        "trailer.png",
    ];
    assert_eq!(attached, expected);
    let manifest = |state: &github::State| {
        let mut assets = state.releases[0].assets.iter();
        assets.find(|(_, name, _)| name == "hyperframes-provenance.json").unwrap().2.clone()
    };
    let provenance: Value = serde_json::from_slice(&manifest(&stage.github.state())).unwrap();
    let files = provenance["videos"].as_array().unwrap().iter().map(|video| video["file"].as_str().unwrap());
    assert_eq!(
        files.collect::<Vec<_>>(),
        ["teaser.mp4", "customers-Ada.mp4", "customers-Grace.mp4", "trailer.mp4"]
    );
    let of_row = &provenance["videos"][1];
    assert!(of_row["render_id"].as_str().unwrap().starts_with("hfr_"), "{of_row}");
    assert!(
        of_row["render_key"].as_str().unwrap().starts_with("hfci_") && of_row["project_digest"].is_string()
    );
    let created = stage.emulator.created();
    stage.run(&runner, &[]);
    assert_eq!(stage.emulator.created(), created);
}

#[test]
fn a_row_that_is_wrong_is_annotated_and_not_rendered() {
    let stage = Stage::new();
    named(&stage);
    write(stage.repository.path(), "rows.csv", "title,size\nAda,1\n");
    commit(stage.repository.path(), "wrong");
    let run = stage.run(&stage.pull_request(), &[("changed-only", "false")]);
    assert_eq!(run.code, 5, "{}", run.log);
    assert!(run.log.contains("::error file=rows.csv,line=2"), "{}", run.log);
    assert_eq!(stage.emulator.created(), (1, 1), "the other entry is rendered");
    write(stage.repository.path(), "hyperframes-ci.toml", "[[render]]\nproject = \"videos/one\"\nfsp = 24\n");
    let run = stage.run(&stage.pull_request(), &[]);
    assert_eq!(run.code, 2);
    assert!(run.log.contains("hyperframes-ci.toml:3:1: there is no key"), "{}", run.log);
}
