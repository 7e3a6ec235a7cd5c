//! Pull requests and pushes.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::github::{Comment, GitHub};
use super::runner::Runner;
use super::stage::{POSTER, Stage, commit, git};
use crate::support::{Emulator, KEY, html, write};

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
        "<code>headline</code> added, <code>title</code> removed",
        "https://github.example/o/r/raw/hyperframes-previews/pr/7/",
        "1 s rendered in the cloud",
    ] {
        assert!(comment.body.contains(part), "{part} in {}", comment.body);
    }
    let files = stage.github.branch("hyperframes-previews");
    assert!(files.iter().all(|file| file.starts_with("pr/7/")), "{files:?}");
    assert!(
        files.iter().any(|file| file.ends_with(".mp4")) && files.iter().any(|file| file.ends_with(".gif"))
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
    assert!(
        run.log.contains("rendering the base once more"),
        "the base is rendered from the merge base: {}",
        run.log
    );
    assert!(run.summary.contains(" · **changed**, "), "{}", run.summary);
    assert!(run.summary.contains("does not have permission to comment"), "{}", run.summary);
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
    assert!(run.log.contains("20 more findings are in the job summary"), "{}", run.log);
    assert!(stage.github.state().comments[0].body.contains("not rendered: 30 errors"));
    let run = stage.run(&stage.pull_request(), &[("projects", "videos"), ("fail-on", "never")]);
    assert_eq!(run.code, 0);
}

#[test]
fn checks_concern_what_the_pull_request_touches() {
    let mut stage = Stage::new();
    let path = stage.repository.path().to_owned();
    git(&path, &["reset", "--quiet", "--hard", &stage.repository.base]);
    write(&path, "videos/two/index.html", &html(720, 720, "<img src=\"gone.png\">"));
    stage.repository.base = commit(&path, "broken for long");
    write(&path, "videos/one/index.html", &html(1280, 720, "<i>changed</i>"));
    stage.repository.head = commit(&path, "head");
    stage.github.state().head.clone_from(&stage.repository.head);
    let others = "1 composition that the pull request does not affect (check-all: true checks all)";
    for mode in ["preview", "check"] {
        let run = stage.run(&stage.pull_request(), &[("projects", "videos"), ("mode", mode)]);
        assert_eq!(run.code, 0, "{mode}: {}", run.log);
        assert!(run.log.contains(&format!("not checked: {others}")), "{mode}: {}", run.log);
        assert!(run.summary.contains("Not checked: 1 composition that this pull request does not affect."));
        assert!(!run.log.contains("::error"), "{mode}: {}", run.log);
        let all = [("projects", "videos"), ("mode", mode), ("check-all", "true")];
        let run = stage.run(&stage.pull_request(), &all);
        assert_eq!(run.code, 5, "{mode}: {}", run.log);
        assert!(run.log.contains("::error file=videos/two/index.html,line="), "{mode}: {}", run.log);
        assert!(!run.log.contains("not checked:"), "{mode}: {}", run.log);
    }
    // A composition that has become broken by the pull request is its concern, whichever file has changed.
    write(&path, "videos/one/index.html", &html(1280, 720, "<img src=\"gone.png\">"));
    stage.repository.head = commit(&path, "broken");
    let run = stage.run(&stage.pull_request(), &[("projects", "videos"), ("mode", "check")]);
    assert_eq!(run.code, 5, "{}", run.log);
    assert!(run.log.contains("::error file=videos/one/index.html,line="), "{}", run.log);
    assert!(!run.log.contains("::error file=videos/two"), "{}", run.log);
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
    let run = stage.run(&stage.pull_request(), &[("projects", "videos"), ("diff", "false")]);
    assert_eq!(run.code, 0, "{}", run.log);
    let body = stage.github.state().comments[0].body.clone();
    assert!(body.contains("| Before | After |"), "{body}");
    let raw = "https://github.example/o/r/raw/hyperframes-previews";
    // The image of the base is copied: a newer base does not delete it.
    let images = body.split("<img src=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let images = images.map(|url| url.strip_prefix(&format!("{raw}/")).unwrap()).collect::<Vec<_>>();
    let published = stage.github.branch("hyperframes-previews");
    assert_eq!(images.len(), 2, "{body}");
    assert!(
        images.iter().all(|image| image.starts_with("pr/7/") && published.contains(&(*image).to_owned()))
    );
    assert!(published.contains(&images[0].replace("pr/7/", "base/")), "{published:?}");
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
        ("quality", "standard"),
    ];
    let run = runner_for("push", &json!({})).run(&[&common[..], &[("mode", "preview")]].concat());
    assert_eq!(run.code, 0, "{}", run.log);
    let page = path.join("videos/launch-card/index.html");
    let html = fs::read_to_string(&page).unwrap();
    let changed = html.replace("Ship the story", "Ship the sequel");
    assert_ne!(changed, html);
    fs::write(&page, changed).unwrap();
    let head = commit(path, "another title");
    github.state().head.clone_from(&head);
    let payload = json!({ "action": "opened", "pull_request": { "number": 7,
        "head": { "sha": head, "repo": { "full_name": "o/r" } }, "base": { "sha": base } } });
    let runner = runner_for("pull_request", &payload);
    let run = runner.run(&common);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(emulator.created(), (3, 3));
    let body = github.state().comments[0].body.clone();
    assert!(body.contains("1280x720, 30 fps, 2 s") && body.contains("**changed**, "), "{body}");
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
    assert!(
        run.summary.contains("nothing is compared with it. Check out with `fetch-depth: 0`"),
        "{}",
        run.summary
    );
    // In a private repository, Git cannot fetch the base without credentials, but the API has it.
    let page =
        git(stage.repository.path(), &["show", &format!("{}:videos/one/index.html", stage.repository.base)]);
    let files = [("o-r-b/videos/one/index.html", page.as_bytes()), ("o-r-b/other/link", b"x")];
    stage.github.state().source = super::trust::archive(&files);
    stage.github.state().files = vec!["videos/one/index.html".to_owned()];
    let mut runner = Runner::new(&stage.github.url, shallow.path(), "pull_request", &payload);
    runner.set("HEYGEN_API_URL", &stage.emulator.url);
    let run = stage.run(&runner, &[("projects", "videos")]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert!(!run.summary.contains("nothing is compared with it"), "{}", run.summary);
    assert!(run.summary.contains("<code>headline</code> added"), "{}", run.summary);
}

/// The API lists the first 3,000 files only.
#[test]
fn a_pull_request_of_more_files_than_the_api_lists_renders_everything() {
    let stage = Stage::new();
    let shallow = tempfile::tempdir().unwrap();
    let from = format!("file://{}", stage.repository.path().display());
    git(shallow.path(), &["clone", "--quiet", "--depth=1", &from, "."]);
    git(shallow.path(), &["remote", "remove", "origin"]);
    stage.github.state().files = (0..3000).map(|number| format!("other/{number}.txt")).collect();
    let payload = stage.repository.pull_request("opened", "o/r");
    let mut runner = Runner::new(&stage.github.url, shallow.path(), "pull_request", &payload);
    runner.set("HEYGEN_API_URL", &stage.emulator.url);
    let run = stage.run(&runner, &[("projects", "videos"), ("diff", "false")]);
    assert_eq!((run.code, stage.emulator.created()), (0, (2, 2)), "{}", run.log);
    assert!(run.log.contains("3000 files or more"), "{}", run.log);
    assert!(
        run.summary.contains("could not be determined, so every composition was rendered"),
        "{}",
        run.summary
    );
    assert_eq!(stage.github.count("GET", "/pulls/7/files"), 30);
}

#[test]
fn a_merge_group_is_checked_as_far_as_it_changes_something() {
    let stage = Stage::new();
    write(stage.repository.path(), "videos/two/index.html", &html(720, 720, "<img src=\"gone.png\">"));
    let base = commit(stage.repository.path(), "broken for long");
    write(stage.repository.path(), "videos/one/index.html", &html(1280, 720, "<i>changed</i>"));
    commit(stage.repository.path(), "the group");
    for (base, requests) in [(base, 0), ("e".repeat(40), 1)] {
        // The second base is not in the clone.
        stage.github.state().files = vec!["videos/one/index.html".to_owned()];
        let payload = json!({ "action": "checks_requested", "merge_group": { "base_sha": base } });
        let run = stage.run(&stage.runner("merge_group", &payload), &[("projects", "videos")]);
        assert_eq!(run.code, 0, "{}", run.log);
        assert!(run.log.contains("not checked: 1 composition"), "{}", run.log);
        assert_eq!(stage.github.count("GET", "/compare/"), requests);
        assert_eq!((stage.emulator.created(), stage.github.state().comments.len()), ((0, 0), 0));
    }
}

#[test]
fn the_variables_of_a_new_composition_are_not_listed() {
    let mut stage = Stage::new();
    write(stage.repository.path(), "videos/three/index.html", &html(720, 720, ""));
    stage.repository.head = commit(stage.repository.path(), "a new one");
    stage.github.state().head.clone_from(&stage.repository.head);
    let run = stage.run(&stage.pull_request(), &[("projects", "videos/three")]);
    assert_eq!(run.code, 0, "{}", run.log);
    let body = stage.github.state().comments[0].body.clone();
    assert!(
        body.contains("<code>videos&#47;three</code> (new)") && !body.contains("Variables changed"),
        "{body}"
    );
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
    let mut files = stage.github.files("hyperframes-previews");
    files.retain(|(name, _)| !name.ends_with("/sections.json"));
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
        body.chars().count() < 65_536 && body.contains("more; see the summary of the run"),
        "{}",
        body.len()
    );
    assert!(run.summary.matches("not rendered: 1 error").count() >= 200);
}

#[test]
fn a_gif_is_shown_in_the_comment_as_it_was_rendered() {
    let stage = Stage::new();
    let inputs = [
        ("projects", "videos/one"),
        ("api-key", ""),
        ("quality", "draft"),
        ("format", "gif"),
        ("fps", "5"),
        ("diff", "false"),
    ];
    let runner = stage.pull_request();
    let run = stage.run(&runner, &inputs);
    assert_eq!(run.code, 0, "{}", run.log);
    let video = fs::read(&run.outputs["video-path"]).unwrap();
    assert!(video.starts_with(b"GIF8"), "{}", run.log);
    let pictures = stage.github.files("hyperframes-previews");
    let shown = pictures.iter().filter(|(name, _)| name.ends_with(".gif")).collect::<Vec<_>>();
    let [(name, bytes)] = shown.as_slice() else { panic!("{shown:?}") };
    assert!(*bytes == video, "the render itself, and no smaller one");
    let body = stage.github.state().comments[0].body.clone();
    let image = format!("<img src=\"https://github.example/o/r/raw/hyperframes-previews/{name}\"");
    assert!(body.contains(&image), "{image} in {body}");
    assert_eq!(body.matches(&format!("{name})")).count(), 1, "a link to download it: {body}");
}
