//! Paid once, delivered always: what a run leaves is fetched by the next, and only failed renders are paid for again.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Emulator, Ran, project, write};

const BATCH: [&str; 5] = ["render", "--batch", "rows.jsonl", "-o", "renders/{title}.{ext}"];

fn rows(folder: &Path, count: u64) {
    let rows = (1..=count).map(|number| format!("{}\n", json!({ "title": format!("row {number}") })));
    write(folder, "rows.jsonl", &rows.collect::<String>());
}

fn batch(emulator: &Emulator, folder: &Path, flags: &[&str]) -> Ran {
    let mut command = emulator.command();
    // What is refused for good is not worth minutes of repeats.
    command.args(BATCH).args(flags).env("HEYGEN_MAX_RETRIES", "2").current_dir(folder);
    command.output().unwrap().into()
}

/// The last state of each row in the manifest.
fn states(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("renders/rows.manifest.jsonl")).unwrap();
    let mut states = std::collections::BTreeMap::new();
    for line in text.lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        states.insert(entry["row"].as_u64().unwrap(), entry["state"].as_str().unwrap().to_owned());
    }
    states.into_values().collect()
}

/// The number of rows whose video is in place.
fn videos(folder: &Path, count: u64) -> usize {
    let is_video = |number: &u64| {
        fs::read(folder.join(format!("renders/row {number}.mp4")))
            .is_ok_and(|video| video.get(4..8) == Some(b"ftyp"))
    };
    (1..=count).filter(is_video).count()
}

#[test]
fn rows_that_could_not_be_downloaded_are_fetched_and_not_paid_for_again() {
    for (step, fault) in [
        ("download", r#"{"status": 404}"#),
        ("download", r#"{"status": 301}"#),
        ("poll", r#"{"status": 301}"#),
    ] {
        let emulator = Emulator::placeholder(&[]);
        let rule = |step: &str, fault: &str| format!(r#"{{"on": "{step}", "times": 999, "do": {fault}}}"#);
        // Without a list every render is polled on its own.
        let script =
            format!(r#"{{"rules": [{}, {}]}}"#, rule("list", r#"{"status": 404}"#), rule(step, fault));
        emulator.script(&script);
        let folder = project();
        rows(folder.path(), 6);
        let ran = batch(&emulator, folder.path(), &[]);
        assert_eq!(ran.code, 1, "{step} {fault}: {ran:?}");
        assert_eq!(states(folder.path()), ["submitted"; 6], "{step} {fault}");
        emulator.script(r#"{"rules": []}"#);
        // Whichever command is used: nothing failed at the server.
        let flags: &[&str] = if step == "poll" { &[] } else { &["--retry-failed"] };
        batch(&emulator, folder.path(), flags).ok();
        assert_eq!(emulator.created(), (1, 6), "{step} {fault}");
        assert_eq!(videos(folder.path(), 6), 6, "{step} {fault}");
    }
}

#[test]
fn only_rows_that_failed_at_the_server_are_paid_for_again() {
    let emulator = Emulator::placeholder(&[]);
    emulator.script(
        r#"{"rules": [{"on": "render", "times": 2, "do": {"fail": "no fonts"}},
            {"on": "download", "times": 999, "do": {"status": 404}}]}"#,
    );
    let folder = project();
    rows(folder.path(), 6);
    assert_eq!(batch(&emulator, folder.path(), &[]).code, 1);
    let mut found = states(folder.path());
    found.sort();
    assert_eq!(found, ["failed", "failed", "submitted", "submitted", "submitted", "submitted"]);
    emulator.script(r#"{"rules": []}"#);
    assert_eq!(batch(&emulator, folder.path(), &[]).code, 1);
    assert_eq!((emulator.created(), videos(folder.path(), 6)), ((1, 6), 4), "what is paid for is fetched");
    batch(&emulator, folder.path(), &["--retry-failed"]).ok();
    assert_eq!((emulator.created(), videos(folder.path(), 6)), ((1, 8), 6));
}

#[test]
fn a_manifest_that_calls_a_complete_render_failed_pays_nothing() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    rows(folder.path(), 3);
    batch(&emulator, folder.path(), &[]).ok();
    // As earlier versions wrote it after a full disk.
    let path = folder.path().join("renders/rows.manifest.jsonl");
    let text = fs::read_to_string(&path).unwrap().replace("\"completed\"", "\"failed\"");
    fs::write(&path, text).unwrap();
    fs::remove_file(folder.path().join("renders/row 1.mp4")).unwrap();
    batch(&emulator, folder.path(), &["--retry-failed"]).ok();
    assert_eq!((emulator.created(), videos(folder.path(), 3)), ((1, 3), 3));
    // An empty file is what a full disk leaves.
    fs::write(folder.path().join("renders/row 2.mp4"), "").unwrap();
    batch(&emulator, folder.path(), &[]).ok();
    assert_eq!((emulator.created(), videos(folder.path(), 3)), ((1, 3), 3));
}

/// The number of requests with this method and path.
fn count(emulator: &Emulator, method: &str, path: &str) -> usize {
    emulator.requests().iter().filter(|(verb, place, _)| verb == method && place.starts_with(path)).count()
}

#[test]
fn a_render_that_a_replica_or_a_proxy_does_not_know_is_polled_on() {
    let page = r#"{"status": 404, "body": "<html>not found", "content_type": "text/html"}"#;
    let unknown = r#"{"status": 404, "code": "hyperframes_render_not_found"}"#;
    for (fault, times) in [(page, 1), (page, 4), (unknown, 1), (unknown, 2), (unknown, 99)] {
        let emulator = Emulator::placeholder(&[]);
        emulator.script(&format!(r#"{{"rules": [{{"on": "poll", "times": {times}, "do": {fault}}}]}}"#));
        let folder = project();
        // The list has it, however long the detail is missing.
        emulator.run(folder.path(), &["render", "-o", "v.mp4"]).ok();
        assert_eq!(emulator.created(), (1, 1), "{times} times {fault}");
        assert!(folder.path().join("v.mp4").is_file());
    }
}

#[test]
fn a_key_that_the_server_ignores_pays_nothing_twice() {
    let ignored = r#"{"on": "submit", "times": 999, "do": "ignore_key"}"#;
    for lost in ["\"drop_after\"", "\"stall_after\"", r#"{"truncate": 10}"#] {
        let emulator = Emulator::placeholder(&[]);
        emulator.script(&format!(r#"{{"rules": [{{"on": "submit", "do": {lost}}}, {ignored}]}}"#));
        let folder = project();
        let mut command = emulator.command();
        command.args(["render", "-o", "v.mp4"]).env("HYPERFRAMES_CI_TIMEOUT", "2");
        let ran = Ran::from(command.current_dir(folder.path()).output().unwrap()).ok();
        assert_eq!(emulator.created(), (1, 1), "{lost}: {ran:?}");
        assert_eq!(count(&emulator, "POST", "/v3/hyperframes/renders"), 1, "{lost}");
    }
    let emulator = Emulator::placeholder(&[]);
    emulator.script(&format!(
        r#"{{"rules": [{{"on": "submit", "after": 5, "times": 6, "do": "drop_after"}}, {ignored}]}}"#
    ));
    let folder = project();
    rows(folder.path(), 30);
    batch(&emulator, folder.path(), &[]).ok();
    assert_eq!((emulator.created(), videos(folder.path(), 30)), ((1, 30), 30));
}

#[test]
fn a_submission_in_progress_is_joined() {
    for flags in [&[][..], &["--idempotency-key", "mine"]] {
        let emulator = Emulator::placeholder(&[]);
        emulator.script(r#"{"rules": [{"on": "submit", "do": {"work_ms": 2500}}]}"#);
        let folder = project();
        let spawn = |number: usize| {
            let mut command = emulator.command();
            // No ledger in common, as on two machines.
            command.env("HYPERFRAMES_CI_LEDGER", folder.path().join(format!(".ledger-{number}")));
            command.args(["render", "--json", "-o", &format!("out/{number}.mp4")]).args(flags);
            command.current_dir(folder.path()).stdout(std::process::Stdio::null()).spawn().unwrap()
        };
        let jobs = (0..3).map(spawn).collect::<Vec<_>>();
        for mut job in jobs {
            assert!(job.wait().unwrap().success());
        }
        assert_eq!(emulator.created(), (1, 1), "{flags:?}");
    }
}

#[test]
fn the_ledger_of_one_account_is_none_of_anothers() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let render = || emulator.run(folder.path(), &["render", "--json", "-o", "v.mp4"]).ok().json();
    let lists = || {
        count(&emulator, "GET", "/v3/hyperframes/renders")
            - count(&emulator, "GET", "/v3/hyperframes/renders/")
    };
    render();
    let ledger = fs::read_to_string(emulator.ledger()).unwrap();
    let account = ledger.split("\"account\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(account.len() == 16 && !ledger.contains(crate::support::KEY), "{ledger}");
    // As earlier versions wrote it: it counts.
    fs::write(emulator.ledger(), ledger.replace(&format!("\"account\":\"{account}\","), "")).unwrap();
    let before = lists();
    assert_eq!((&render()["reused"], lists()), (&true.into(), before));
    // Of another account: only the account's own list counts.
    fs::write(emulator.ledger(), ledger.replace(&account, "0123456789abcdef")).unwrap();
    assert_eq!((&render()["reused"], lists()), (&true.into(), before + 1));
    assert_eq!(emulator.created(), (1, 1));
}

#[test]
fn no_more_is_paid_than_may_be_in_flight() {
    for (flags, most) in [
        (&["--fail-fast", "--concurrency", "1"][..], 1),
        (&["--max-failures", "3", "--concurrency", "2"], 4),
        (&["--fail-fast"], 8),
    ] {
        let emulator = Emulator::placeholder(&["--render-seconds", "0.05"]);
        emulator.script(r#"{"rules": [{"on": "render", "times": 999, "do": {"fail": "no fonts"}}]}"#);
        let folder = project();
        rows(folder.path(), 60);
        assert_eq!(batch(&emulator, folder.path(), flags).code, 1);
        let paid = emulator.created().1;
        assert!(paid >= 1 && paid <= most, "{flags:?}: {paid}");
    }
    let emulator = Emulator::placeholder(&["--render-seconds", "0.05"]);
    let folder = project();
    rows(folder.path(), 20);
    batch(&emulator, folder.path(), &["--concurrency", "3"]).ok();
    let text = fs::read_to_string(folder.path().join("renders/rows.manifest.jsonl")).unwrap();
    let (mut running, mut most) = (0_i32, 0);
    for line in text.lines() {
        running += if line.contains("\"submitted\"") { 1 } else { -1 };
        most = most.max(running);
    }
    assert!(most <= 3 && running == 0, "{most} at a time");
}

#[test]
fn rows_with_an_inline_archive_are_paid_once_and_ask_for_the_balance_once() {
    let emulator = Emulator::placeholder(&[]);
    let fault = r#"{"rules": [{"on": "submit", "after": 2, "do": "drop_after"}, {"on": "submit", "after": 4, "do": {"status": 503}}]}"#;
    emulator.script(fault);
    let folder = project();
    rows(folder.path(), 12);
    let flags = ["--upload", "inline", "--min-balance", "1"];
    batch(&emulator, folder.path(), &flags).ok();
    assert_eq!((emulator.created(), videos(folder.path(), 12)), ((0, 12), 12));
    assert_eq!(count(&emulator, "GET", "/v3/users/me"), 1);
    // Without a manifest and a ledger, and with an upload.
    fs::remove_dir_all(folder.path().join("renders")).unwrap();
    fs::remove_file(emulator.ledger()).unwrap();
    batch(&emulator, folder.path(), &[]).ok();
    assert_eq!((emulator.created(), videos(folder.path(), 12)), ((0, 12), 12));
}

#[test]
fn an_upload_that_fails_fails_once_for_all_rows() {
    for (step, fault, tries) in [
        ("create_upload", r#"{"status": 400}"#, 1),
        ("create_upload", r#"{"status": 503}"#, 3),
        ("complete", r#"{"status": 422}"#, 1),
    ] {
        let emulator = Emulator::placeholder(&[]);
        emulator.script(&format!(r#"{{"rules": [{{"on": "{step}", "times": 999, "do": {fault}}}]}}"#));
        let folder = project();
        rows(folder.path(), 20);
        let ran = batch(&emulator, folder.path(), &[]);
        assert_eq!(ran.code, 1, "{ran:?}");
        let path = if step == "complete" { "/v3/assets/asst_" } else { "/v3/assets/direct-uploads" };
        assert_eq!(count(&emulator, "POST", path), tries, "{step} {fault}: {ran:?}");
        assert_eq!(emulator.created().1, 0);
        // No row has failed: the same command goes on.
        emulator.script(r#"{"rules": []}"#);
        batch(&emulator, folder.path(), &[]).ok();
        assert_eq!((emulator.created(), videos(folder.path(), 20)), ((1, 20), 20));
    }
}

#[test]
fn an_asset_that_the_server_has_dropped_is_not_uploaded_for_each_row() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    rows(folder.path(), 1);
    batch(&emulator, folder.path(), &[]).ok();
    let ledger = fs::read_to_string(emulator.ledger()).unwrap();
    let asset = ledger.split("\"asset_id\":\"").nth(1).unwrap().split('"').next().unwrap();
    fs::write(emulator.ledger(), ledger.replace(asset, "asst_gone")).unwrap();
    rows(folder.path(), 60);
    batch(&emulator, folder.path(), &[]).ok();
    assert_eq!((emulator.created(), videos(folder.path(), 60)), ((1, 60), 60));
    let uploads = count(&emulator, "POST", "/v3/assets/direct-uploads") - 1;
    assert!(uploads <= 8, "{uploads} uploads by rows that were on their way at the same time");
}

#[test]
fn a_key_of_the_users_is_not_used_for_another_video() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let render = |title: &str, output: &str| -> Ran {
        let mut command = emulator.command();
        command.args(["render", "--idempotency-key", "mine", "--json", "-o", output]);
        command.args(["--variables", &json!({ "title": title }).to_string()]).current_dir(folder.path());
        command.output().unwrap().into()
    };
    render("one", "renders/one.mp4").ok();
    let refused = render("two", "renders/two.mp4");
    assert_eq!(refused.code, 2, "{refused:?}");
    assert_eq!(refused.error()["code"], "idempotency_key_used");
    assert_eq!(emulator.created(), (1, 1), "nothing is uploaded or submitted");
    assert!(!folder.path().join("renders/two.mp4").exists());
    // The first video may be had again, and another key makes the second one.
    render("one", "renders/again.mp4").ok();
    assert_eq!(emulator.created(), (1, 1));
}

#[test]
fn a_failed_render_of_equal_rows_is_paid_once() {
    let emulator = Emulator::placeholder(&[]);
    emulator.script(r#"{"rules": [{"on": "render", "times": 99, "do": {"fail": "no fonts"}}]}"#);
    let folder = project();
    write(folder.path(), "rows.jsonl", &"{\"title\": \"row\"}\n".repeat(30));
    let flags = ["render", "--batch", "rows.jsonl", "-o", "renders/{index}.{ext}"];
    for more in [&[][..], &["--concurrency", "2"], &["--retry-failed"]] {
        let ran = emulator.run(folder.path(), &[&flags, more].concat());
        assert_eq!(ran.code, 1, "{ran:?}");
        let paid = if more == ["--retry-failed"] { 2 } else { 1 };
        assert_eq!(emulator.created(), (1, paid), "{more:?}: {ran:?}");
    }
    // Once it renders, all of them have it.
    emulator.script(r#"{"rules": []}"#);
    emulator.run(folder.path(), &[&flags[..], &["--retry-failed"]].concat()).ok();
    assert_eq!(emulator.created(), (1, 3));
    assert!((1..=30).all(|number| folder.path().join(format!("renders/{number}.mp4")).is_file()));
}

#[test]
fn identical_rows_share_a_render_without_keys_a_ledger_or_reuse() {
    for (more, has_ledger) in
        [(&[][..], true), (&[], false), (&["--no-reuse"], true), (&["--no-reuse"], false)]
    {
        let emulator = Emulator::placeholder(&[]);
        emulator.script(r#"{"rules": [{"on": "submit", "times": 999, "do": "ignore_key"}]}"#);
        let folder = project();
        let pair = "{\"title\": \"row\"}\n{\"title\": \"other\"}\n";
        write(folder.path(), "rows.jsonl", &pair.repeat(10));
        let videos = || (1..=20).map(|row| folder.path().join(format!("renders/{row}.mp4")));
        let render = |renders: u64| {
            let mut command = emulator.command();
            if !has_ledger {
                command.env_remove("HYPERFRAMES_CI_LEDGER").env_remove("HOME");
            }
            command.args(["render", "--batch", "rows.jsonl", "-o", "renders/{index}.{ext}"]).args(more);
            let ran = Ran::from(command.current_dir(folder.path()).output().unwrap()).ok();
            assert_eq!(emulator.created().1, renders, "{more:?} {has_ledger}: {ran:?}");
            assert!(videos().all(|video| video.is_file()), "{ran:?}");
        };
        render(2);
        videos().for_each(|video| fs::remove_file(video).unwrap());
        render(if more.is_empty() { 2 } else { 4 });
    }
}

#[test]
fn a_render_of_another_machine_is_not_taken_for_ones_own() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let render = |title: &str, ledger: &str, more: &[&str]| -> Ran {
        let mut command = emulator.command();
        let output = format!("renders/{title}.mp4");
        command.args(["render", "--json", "-o", &output, "--ledger", ledger]).args(more);
        command.args(["--variables", &json!({ "title": title }).to_string()]).current_dir(folder.path());
        command.output().unwrap().into()
    };
    let key = ["--idempotency-key", "build-17"];
    render("one", ".ledger-1", &key).ok();
    // The server answers with the first video's render.
    for _ in 0..2 {
        let refused = render("two", ".ledger-2", &key);
        assert_eq!((refused.code, refused.error()["code"].as_str()), (2, Some("idempotency_key_used")));
        assert!(!folder.path().join("renders/two.mp4").exists());
    }
    assert_eq!(emulator.created(), (1, 1));
    // Nor does the ledger keep it: without the key the right video is made.
    let video = render("two", ".ledger-2", &[]).ok().json();
    assert_eq!(emulator.created(), (1, 2), "{video}");
}
