//! Nothing is paid twice: what an earlier run made is found, by whoever looks for it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Emulator, project, write};

/// Renders with these flags and gives back the result.
fn render(emulator: &Emulator, folder: &Path, flags: &[&str]) -> Value {
    emulator.run(folder, &[&["render", "--json", "-o", "v.mp4"], flags].concat()).ok().json()
}

/// How many requests began with this method and path.
fn count(emulator: &Emulator, method: &str, path: &str) -> usize {
    let requests = emulator.requests();
    requests.iter().filter(|(verb, place, _)| verb == method && place.starts_with(path)).count()
}

#[test]
fn a_second_run_uploads_nothing_and_submits_nothing() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let first = render(&emulator, folder.path(), &[]);
    assert_eq!(first["reused"], false);
    let key = first["key"].as_str().unwrap();
    assert!(key.starts_with("hfci_") && key.len() == 69, "{key}");
    assert_eq!(first["render"]["callback_id"], key);
    fs::remove_file(folder.path().join("v.mp4")).unwrap();
    let before = emulator.requests().len();
    let second = render(&emulator, folder.path(), &[]);
    assert_eq!(
        (&second["reused"], &second["render"]["render_id"]),
        (&true.into(), &first["render"]["render_id"])
    );
    assert!(folder.path().join("v.mp4").is_file());
    let requests = &emulator.requests()[before..];
    let methods = requests.iter().map(|(method, ..)| method.as_str()).collect::<Vec<_>>();
    assert_eq!(methods, ["GET", "GET"], "the detail and the video: {requests:?}");
    // Another machine has no ledger: the account knows.
    fs::remove_file(emulator.ledger()).unwrap();
    let third = render(&emulator, folder.path(), &[]);
    assert_eq!(
        (&third["reused"], &third["render"]["render_id"]),
        (&true.into(), &first["render"]["render_id"])
    );
    assert_eq!(emulator.created(), (1, 1));
    assert_eq!(count(&emulator, "POST", "/v3"), 3, "all of the first run");
}

#[test]
fn what_does_not_change_the_video_does_not_render_again() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    render(
        &emulator,
        folder.path(),
        &["--variables", r#"{"title": "x", "n": 1}"#, "--fps", "24", "--title", "a"],
    );
    let elsewhere = tempfile::tempdir().unwrap();
    fs::create_dir(elsewhere.path().join(".git")).unwrap();
    write(
        elsewhere.path(),
        "deep/down/index.html",
        &fs::read_to_string(folder.path().join("index.html")).unwrap(),
    );
    let again = emulator
        .run(
            elsewhere.path(),
            &[
                "render",
                "deep/down",
                "--json",
                "-o",
                "v.mp4",
                "--title",
                "b",
                "--fps",
                "24",
                "--callback-url",
                "https://hooks.example/x",
                "--variables",
                r#"{"n": 1.0, "title": "x"}"#,
            ],
        )
        .ok()
        .json();
    assert_eq!(again["reused"], true);
    assert_eq!(emulator.created(), (1, 1));
}

#[test]
fn what_changes_the_video_renders_again_and_uploads_only_what_changed() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    render(&emulator, folder.path(), &[]);
    for flags in [
        &["--variables", r#"{"title": "y"}"#][..],
        &["--fps", "24"],
        &["--quality", "high"],
        &["--format", "webm"],
        &["--resolution", "4k"],
    ] {
        assert_eq!(render(&emulator, folder.path(), flags)["reused"], false, "{flags:?}");
    }
    assert_eq!(emulator.created(), (1, 6), "one upload for all");
    write(folder.path(), "style.css", "b { color: red }");
    assert_eq!(render(&emulator, folder.path(), &[])["reused"], false);
    assert_eq!(emulator.created(), (2, 7));
}

#[test]
fn a_render_under_way_is_joined() {
    let emulator = Emulator::placeholder(&["--render-seconds", "2"]);
    let folder = project();
    let first = emulator.run(folder.path(), &["render", "--json", "--no-wait"]).ok().json();
    for forget in [false, true] {
        if forget {
            fs::remove_file(emulator.ledger()).unwrap();
        }
        // Not beside the page: a film that lies there is a file of the project like any other.
        let second = emulator.run(folder.path(), &["render", "--json", "-o", "renders/v.mp4"]).ok().json();
        assert_eq!(second["render"]["render_id"], first["render"]["render_id"]);
        assert_eq!(second["reused"], true);
    }
    let third = emulator.run(folder.path(), &["render", "--json", "--no-wait"]).ok().json();
    assert_eq!(third["render"]["status"], "completed", "what is there is told: {third}");
    assert_eq!(emulator.created(), (1, 1));
}

#[test]
fn a_failed_render_is_rendered_again_once_it_is_asked_for_again() {
    for forget in [false, true] {
        let emulator = Emulator::placeholder(&[]);
        emulator.script(r#"{"rules": [{"on": "render", "times": 2, "do": {"fail": "no fonts"}}]}"#);
        let folder = project();
        for failures in 1..=2 {
            let ran = emulator.run(folder.path(), &["render", "--json", "-o", "v.mp4"]);
            assert_eq!((ran.code, ran.error()["code"].as_str()), (1, Some("render_failed")), "{ran:?}");
            assert_eq!(emulator.created().1, failures, "a run that fails does not pay again by itself");
            if forget {
                fs::remove_file(emulator.ledger()).unwrap();
            }
        }
        let third = render(&emulator, folder.path(), &[]);
        assert_eq!(third["reused"], false);
        assert_eq!(emulator.created(), (1, 3), "one upload: forgetting {forget}");
        assert_eq!(render(&emulator, folder.path(), &[])["reused"], true);
    }
}

#[test]
fn a_ledger_in_the_project_is_no_part_of_it() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    render(&emulator, folder.path(), &["--ledger", "ledger.jsonl"]);
    let second = render(&emulator, folder.path(), &["--ledger", "ledger.jsonl"]);
    assert_eq!((second["reused"].as_bool(), emulator.created()), (Some(true), (1, 1)));
}

#[test]
fn no_reuse_renders_again_and_the_newest_is_used_after_that() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    render(&emulator, folder.path(), &[]);
    let second = render(&emulator, folder.path(), &["--no-reuse"]);
    fs::remove_file(emulator.ledger()).unwrap();
    let third = render(&emulator, folder.path(), &["--no-reuse"]);
    assert_ne!(second["render"]["render_id"], third["render"]["render_id"]);
    assert_eq!(emulator.created(), (1, 3));
    let fourth = render(&emulator, folder.path(), &[]);
    assert_eq!(fourth["render"]["render_id"], third["render"]["render_id"]);
}

#[test]
fn a_render_that_is_too_old_or_deleted_is_rendered_again() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let first = render(&emulator, folder.path(), &[]);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let second = render(&emulator, folder.path(), &["--reuse-window", "0"]);
    assert_ne!(first["render"]["render_id"], second["render"]["render_id"]);
    let id = second["render"]["render_id"].as_str().unwrap();
    emulator.run(folder.path(), &["delete", id, "--no-confirm"]).ok();
    let third = render(&emulator, folder.path(), &[]);
    // The one before is there, and equal.
    assert_eq!(emulator.created(), (1, 2));
    assert_eq!(third["render"]["render_id"], first["render"]["render_id"]);
    let id = first["render"]["render_id"].as_str().unwrap();
    emulator.run(folder.path(), &["delete", id, "--no-confirm"]).ok();
    assert_eq!(render(&emulator, folder.path(), &[])["reused"], false);
    assert_eq!(emulator.created(), (1, 3));
}

#[test]
fn an_asset_that_is_gone_is_uploaded_again() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let first = render(&emulator, folder.path(), &[]);
    let asset = first["asset_id"].as_str().unwrap();
    let ledger = fs::read_to_string(emulator.ledger()).unwrap();
    fs::write(emulator.ledger(), ledger.replace(asset, "asst_gone")).unwrap();
    render(&emulator, folder.path(), &["--fps", "24"]);
    assert_eq!(emulator.created(), (1, 2), "the server gives the same asset to the same archive");
    assert!(!fs::read_to_string(emulator.ledger()).unwrap().contains(crate::support::KEY));
}

#[test]
fn a_callback_id_of_the_users_is_kept_and_the_ledger_still_knows_the_render() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let flags = ["--callback-id", "mine"];
    assert_eq!(render(&emulator, folder.path(), &flags)["render"]["callback_id"], "mine");
    assert_eq!(render(&emulator, folder.path(), &flags)["reused"], true);
    assert_eq!(count(&emulator, "GET", "/v3/hyperframes/renders?"), 0);
    assert_eq!(emulator.created(), (1, 1));
}

#[test]
fn an_uploaded_archive_is_not_rendered_twice_and_one_at_a_url_is() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let asset = render(&emulator, folder.path(), &[])["asset_id"].as_str().unwrap().to_owned();
    let remote = |source: &[&str]| render(&emulator, folder.path(), source);
    assert_eq!(
        remote(&["--asset-id", &asset])["reused"],
        false,
        "another identity: its contents are not known"
    );
    assert_eq!(remote(&["--asset-id", &asset])["reused"], true);
    assert_eq!(emulator.created(), (1, 2));
}

#[test]
fn jobs_that_run_at_the_same_time_share_everything() {
    let emulator = Emulator::placeholder(&["--render-seconds", "1"]);
    let folder = project();
    let spawn = |number: usize| {
        let mut command = emulator.command();
        // No ledger in common: as on two machines.
        command.env("HYPERFRAMES_CI_LEDGER", folder.path().join(format!(".ledger-{number}")));
        let output = format!("out/{number}.mp4");
        command.args(["render", "--json", "-o", &output]).current_dir(folder.path());
        command.stdout(std::process::Stdio::null()).spawn().unwrap()
    };
    let jobs = (0..6).map(spawn).collect::<Vec<_>>();
    for mut job in jobs {
        assert!(job.wait().unwrap().success());
    }
    assert_eq!(emulator.created(), (1, 1));
}

#[test]
fn a_ledger_that_cannot_be_written_is_found_out_first() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let ran = emulator.run(folder.path(), &["render", "--json", "--ledger", "/proc/nowhere/ledger"]);
    assert_eq!((ran.code, ran.error()["code"].as_str()), (2, Some("ledger_not_usable")), "{ran:?}");
    assert_eq!(emulator.requests(), []);
}

#[test]
fn a_log_says_what_is_used_again() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    render(&emulator, folder.path(), &[]);
    let again = emulator.run(folder.path(), &["render", "-o", "v.mp4"]).ok().stderr;
    assert!(again.contains("(earlier run, from the ledger)"), "{again}");
    assert!(again.contains("reused an earlier render; nothing was uploaded or submitted"), "{again}");
    let other = emulator.run(folder.path(), &["render", "-o", "v.mp4", "--fps", "24"]).ok().stderr;
    assert!(other.contains("uploaded by an earlier run"), "{other}");
    assert!(!other.contains("nothing was uploaded"), "{other}");
}
