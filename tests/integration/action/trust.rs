//! Strangers' pages, names and archives.

use std::fs;
use std::process::Command;

use serde_json::json;

use super::stage::{CLIP, POSTER, Stage, commit};
use crate::support::{html, write};

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
    assert!(run.summary.contains("Nothing was rendered: this run has access to secrets"), "{}", run.summary);
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
        assert_eq!(run.log.contains("but the action expects"), !is_right, "{}", run.log);
        assert_eq!(run.code == 0, is_right);
    }
}

/// An artifact with these files.
pub(super) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut writer, bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn another_run_speaks_for_a_fork_and_believes_nothing_of_it() {
    let stage = Stage::new();
    let report = json!({
        "results": [
            { "composition": "videos/one", "state": "rendered", "output_path": "/elsewhere/one.mp4",
                "diff": { "status": "changed", "name": "one", "summary": format!("one: changed, {HOSTILE}"),
                    "reason": null, "notes": [HOSTILE], "images": { "sheet": "/elsewhere/one-sheet.png" } },
                "poster_path": "/elsewhere/one.png", "gif_path": "/elsewhere/../page.gif",
                "video": { "width": 1280, "height": 720, "fps": 30, "duration": 2, "codec": HOSTILE } },
            { "composition": HOSTILE, "state": "failed", "message": HOSTILE },
            { "composition": "videos/two", "state": "rendered", "output_path": "one.mp4",
                "diff": { "status": "skipped", "name": "two", "summary": HOSTILE, "reason": HOSTILE } },
            { "composition": "videos/three", "state": "rendered", "output_path": "one.mp4",
                "diff": { "status": "approved", "name": "three", "summary": "three: approved" } },
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
        ("diff/one-sheet.png", POSTER),
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
    for part in [
        "from a fork",
        "1280x720, 30 fps, 2 s",
        "/actions/runs/55)",
        "2 errors and 0 warnings",
        "<code>videos&#47;one</code> · **changed**, <code>",
        "> Not compared: <code>videos&#47;two</code>: <code>",
        "<img src=\"https://github.example/o/r/raw/hyperframes-previews/pr/7/",
    ] {
        assert!(body.contains(part), "{part} in {body}");
    }
    for mark in ["approved", "<img src=x", "@admin", "**b**", "`$(", "evil.example", "::error"] {
        assert!(!body.contains(mark), "{mark} in {body}");
    }
    let published = stage.github.media("hyperframes-previews");
    assert_eq!(published.len(), 2, "the page is no picture: {published:?}");
    assert_eq!(stage.emulator.created(), (0, 0));
    // Each use of the action is a section of its own.
    stage.github.state().second_artifact = true;
    let run = stage.run(&runner, &[("api-key", "")]);
    assert_eq!(run.code, 0, "{}", run.log);
    let body = stage.github.state().comments[0].body.clone();
    assert_eq!(
        (stage.github.state().comments.len(), body.matches("<!-- section ").count()),
        (1, 2),
        "{body}"
    );
    assert!(run.used.iter().all(|(name, _)| !name.contains("upload-artifact")), "nothing of its own to keep");
    // The run of a branch of the repository publishes its own results.
    stage.github.state().comments.clear();
    stage.github.state().head_repository = "o/r".to_owned();
    let own = json!({ "action": "completed", "workflow_run": { "id": 55, "head_sha": head, "head_branch": "main",
        "head_repository": { "full_name": "o/r" }, "pull_requests": [] } });
    let run = stage.run(&stage.runner("workflow_run", &own), &[("api-key", "")]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert!(run.log.contains("the pull request is not from a fork"), "{}", run.log);
    assert!(stage.github.state().comments.is_empty());
    stage.github.state().head_repository = "stranger/r".to_owned();
    // A commit that is not the newest of any open request is nobody's.
    stage.github.state().head = "d".repeat(40);
    assert_eq!(stage.run(&runner, &[]).code, 0);
    assert!(stage.github.state().comments.is_empty());
    // An archive that leads out of its folder is refused as a whole.
    stage.github.state().head = head;
    stage.github.state().artifact = archive(&[("../../escape.png", POSTER), ("report.json", b"{}")]);
    let run = stage.run(&runner, &[]);
    assert_eq!(run.code, 1, "{}", run.log);
    assert!(run.log.contains("unsafe path"), "{}", run.log);
}

/// A pull request may bring a configuration of cargo, and a cargo of its own.
#[cfg(unix)]
#[test]
fn a_build_runs_nothing_of_the_checkout() {
    use std::os::unix::fs::PermissionsExt;
    let stage = Stage::new();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let program = |name: &str, text: &str| {
        write(folder.path(), name, text);
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o755)).unwrap();
    };
    let script = fs::read_to_string(crate::support::root().join("action/install.sh")).unwrap();
    program("tree/action/install.sh", &script);
    write(folder.path(), "tree/action/checksums.txt", "");
    write(folder.path(), "workspace/.cargo/config.toml", "[build]\nrustc-wrapper = \"planted\"\n");
    program("workspace/bin/cargo", "#!/bin/sh\necho planted\n");
    program(
        "tools/cargo",
        "#!/bin/sh\nmkdir -p \"$CARGO_TARGET_DIR/release\"\n{ pwd; env; } >\"$CARGO_TARGET_DIR/seen\"\n\
         printf '#!/bin/sh\\necho ran\\n' >\"$CARGO_TARGET_DIR/release/hyperframes-ci\"\n\
         chmod +x \"$CARGO_TARGET_DIR/release/hyperframes-ci\"\n",
    );
    let repository = |id: u64| json!({ "id": id, "full_name": "o/r" });
    let pull = |id: u64, private: bool| {
        json!({ "pull_request": { "head": { "repo": repository(id) }, "base": { "repo": repository(1) } },
            "repository": { "private": private } })
    };
    let (own, fork) = (pull(1, true), pull(2, false));
    let key = ("api-key", "sk_test");
    let cases: &[(&str, &serde_json::Value, bool, bool)] = &[
        ("push", &json!({}), true, true),
        ("pull_request", &own, true, true),
        ("pull_request", &fork, false, true),
        ("pull_request", &fork, true, false),
        ("pull_request", &pull(2, true), false, false),
        ("pull_request", &json!({}), false, false),
        ("pull_request_target", &own, false, false),
        ("workflow_run", &own, false, false),
        ("issue_comment", &own, false, false),
        ("unheard_of", &own, false, false),
    ];
    for (event, payload, has_key, is_built) in cases {
        let mut runner = stage.runner(event, payload);
        runner.set("GITHUB_ACTION_PATH", &path("tree"));
        runner.set("GITHUB_WORKSPACE", &path("workspace"));
        runner.set("PATH", &format!("{}:bin:{}:/usr/bin:/bin", path("workspace/bin"), path("tools")));
        runner.set("RUSTC_WRAPPER", "planted");
        runner.set("SECRET_OF_THE_JOB", "s3cr3t");
        let inputs = [("ledger-cache", "false"), key];
        let run = runner.run(&inputs[..1 + usize::from(*has_key)]);
        assert!(!run.log.contains("planted"), "{}", run.log);
        if *is_built {
            assert!(run.log.contains("\nran"), "{event} {payload}: {}", run.log);
            let seen = runner.temporary().join("hyperframes-ci-build/seen");
            let seen = fs::read_to_string(seen).unwrap();
            let tree = folder.path().join("tree").canonicalize().unwrap();
            assert_eq!(seen.lines().next(), Some(&*tree.display().to_string()));
            assert!(
                !seen.contains("s3cr3t") && !seen.contains("planted") && !seen.contains("workspace/bin"),
                "{seen}"
            );
        } else {
            assert_eq!(run.code, 1, "{event} {payload}: {}", run.log);
            assert!(run.log.contains(&format!("nothing is built for {event}")), "{}", run.log);
        }
    }
}

/// The checkout of a run that is not proven to be ours may bring a program under any name.
#[test]
fn the_input_binary_is_not_a_file_of_a_strangers_checkout() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let stage = Stage::new();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    for name in ["workspace/bin/hf", "tools/hf", "workspace/release/hyperframes-ci"] {
        write(folder.path(), name, "#!/bin/sh\necho the-program-runs\n");
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    symlink(path("tools/hf"), path("workspace/link")).unwrap();
    symlink(path("workspace/bin/hf"), path("tools/link")).unwrap();
    symlink("/dev/zero", path("workspace/device")).unwrap();
    symlink("nowhere", path("workspace/dangling")).unwrap();
    assert!(Command::new("mkfifo").arg(path("workspace/fifo")).status().unwrap().success());
    for (event, name, is_run) in [
        ("push", "workspace/bin/hf", true),
        ("push", "workspace/link", true),
        ("push", "workspace/fifo", false),
        ("push", "workspace/device", false),
        ("push", "workspace/dangling", false),
        ("push", "workspace/bin", false),
        ("push", "workspace/release", true),
        ("issue_comment", "workspace/release", false),
        ("issue_comment", "tools/hf", true),
        ("issue_comment", "workspace/bin/hf", false),
        ("issue_comment", "workspace/../workspace/bin/hf", false),
        ("issue_comment", "workspace/link", false),
        ("issue_comment", "tools/link", false),
        ("workflow_run", "workspace/bin/hf", false),
    ] {
        let mut runner = stage.runner(event, &json!({}));
        runner.set("GITHUB_WORKSPACE", &path("workspace"));
        let run = runner.run(&[("binary", &path(name)), ("ledger-cache", "false")]);
        assert_eq!(run.log.contains("the-program-runs"), is_run, "{event} {name}: {}", run.log);
        assert_eq!(run.code == 0, is_run, "{event} {name}: {}", run.log);
    }
}

/// A comment starts a run with secrets on the default branch, and its workflow checks out what it likes.
#[test]
fn a_checkout_that_is_not_proven_to_be_ours_runs_nothing_next_to_secrets() {
    let stage = Stage::new();
    let payload = json!({ "action": "created", "issue": { "number": 7, "pull_request": {} },
        "repository": { "full_name": "o/r", "private": false, "default_branch": "main" } });
    let inputs = [("projects", "videos/one"), ("mode", "render"), ("renderer", "local")];
    for event in ["issue_comment", "workflow_run", "workflow_dispatch", "discussion_comment", "unheard_of"] {
        let mut runner = stage.runner(event, &payload);
        // The head of the pull request instead of the commit of the run.
        runner.set("GITHUB_SHA", &stage.repository.base);
        let before = stage.github.count("GET", "/contents/hyperframes-ci.toml");
        let run = stage.run(&runner, &[&inputs[..], &[("api-key", "")]].concat());
        assert_eq!(run.code, 0, "{event}: {}", run.log);
        assert!(run.summary.contains("Nothing was rendered"), "{event}: {}", run.summary);
        let asked = stage.github.count("GET", "/contents/hyperframes-ci.toml") - before;
        assert_eq!(asked, 1, "{event}: the configuration is that of the base");
    }
    let created = stage.emulator.created();
    let mut runner = stage.runner("issue_comment", &payload);
    runner.set("GITHUB_SHA", &stage.repository.base);
    let run = stage.run(&runner, &inputs);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(stage.emulator.created().1, created.1 + 1, "in the cloud");
}

/// Repositories can be configured to send secrets to the pull requests of forks.
#[test]
fn a_fork_that_gets_secrets_is_not_rendered_here() {
    let stage = Stage::new();
    let inputs = [("projects", "videos/one"), ("renderer", "local")];
    let payload = stage.repository.pull_request("opened", "stranger/r");
    let run = stage.run(&stage.runner("pull_request", &payload), &inputs);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(stage.emulator.created(), (1, 1), "in the cloud");
    let without_key = [&inputs[..], &[("api-key", "")]].concat();
    let mut runner = stage.runner("pull_request", &payload);
    runner.set("AWS_SESSION_TOKEN", "x");
    let run = stage.run(&runner, &without_key);
    assert!(run.summary.contains("Nothing was rendered"), "{}", run.summary);
    let mut private = payload;
    private["repository"]["private"] = json!(true);
    let run = stage.run(&stage.runner("pull_request", &private), &without_key);
    assert!(run.summary.contains("Nothing was rendered"), "{}", run.summary);
}

/// The input turns the sandbox off for one's own pages only.
#[test]
#[cfg(target_os = "linux")]
fn pages_of_a_fork_are_not_rendered_where_no_layer_holds_files() {
    let stage = Stage::new();
    let inputs =
        [("projects", "videos/one"), ("api-key", ""), ("quality", "draft"), ("allow-unsandboxed", "true")];
    let payload = stage.repository.pull_request("opened", "stranger/r");
    let mut runner = stage.runner("pull_request", &payload);
    runner.set("HYPERFRAMES_CI_TEST_LAYERS", "none");
    let run = stage.run(&runner, &inputs);
    let reason = "this machine cannot sandbox it";
    assert!(run.summary.contains(reason), "{}\n{}", run.summary, run.log);
    let report = fs::read_to_string(&run.outputs["report-path"]).unwrap();
    assert!(report.contains("\"code\": \"not_contained\""), "{report}");
    assert!(!run.outputs.get("video-path").is_some_and(|path| std::path::Path::new(path).exists()));
    let comments =
        stage.github.state().comments.iter().map(|comment| comment.body.clone()).collect::<String>();
    assert!(comments.contains(reason), "{comments}");
    assert_eq!(stage.emulator.created(), (0, 0), "nor anywhere else");
}
