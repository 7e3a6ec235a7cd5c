//! Many renders of one project.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Emulator, Ran, names, project, write};

/// Rows with titles, one a line.
fn rows(folder: &Path, count: u64) {
    let rows = (1..=count).map(|number| format!("{}\n", json!({ "title": format!("film {number}") })));
    write(folder, "rows.jsonl", &rows.collect::<String>());
}

fn render(emulator: &Emulator, folder: &Path, flags: &[&str]) -> Ran {
    let common = ["render", "--batch", "rows.jsonl", "-o", "renders/{title}.{ext}"];
    emulator.run(folder, &[&common[..], flags].concat())
}

fn count(emulator: &Emulator, method: &str, path: &str) -> usize {
    emulator.requests().iter().filter(|(verb, place, _)| verb == method && place.starts_with(path)).count()
}

#[test]
fn rows_share_one_upload_and_are_rendered_once() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    rows(folder.path(), 60);
    let ran = render(&emulator, folder.path(), &["--json"]).ok();
    let lines = ran.stdout.lines().take(60).map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut seen = lines.map(|line| line["row"].as_u64().unwrap()).collect::<Vec<_>>();
    seen.sort_unstable();
    assert_eq!(seen, (0..60).collect::<Vec<_>>());
    assert_eq!(emulator.created(), (1, 60));
    assert_eq!(names(&folder.path().join("renders")).len(), 61, "videos and the manifest");
    let gets = count(&emulator, "GET", "/v3");
    assert!(gets < 60, "lists instead of single polls: {gets}");
    // Again: everything is there.
    let requests = emulator.requests().len();
    render(&emulator, folder.path(), &[]).ok();
    assert_eq!(count(&emulator, "POST", "/v3/hyperframes"), 60);
    assert!(emulator.requests().len() - requests <= 1, "the account is looked at");
    // Without the manifest and the ledger the account has them, and only videos are fetched.
    fs::remove_dir_all(folder.path().join("renders")).unwrap();
    fs::remove_file(emulator.ledger()).unwrap();
    render(&emulator, folder.path(), &[]).ok();
    assert_eq!(emulator.created(), (1, 60));
    assert!(folder.path().join("renders/film 60.mp4").is_file());
}

#[test]
fn a_video_that_was_cut_is_fetched_again_and_a_whole_one_is_not() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let folder = folder.path();
    rows(folder, 2);
    render(&emulator, folder, &[]).ok();
    let videos = ["renders/film 1.mp4", "renders/film 2.mp4"].map(|path| folder.join(path));
    let whole = videos.each_ref().map(|path| fs::read(path).unwrap());
    fs::write(&videos[0], &whole[0][..whole[0].len() - 1]).unwrap();
    let written = fs::metadata(&videos[1]).unwrap().modified().unwrap();
    render(&emulator, folder, &[]).ok();
    assert_eq!(videos.each_ref().map(|path| fs::read(path).unwrap()), whole);
    assert_eq!(fs::metadata(&videos[1]).unwrap().modified().unwrap(), written);
    assert_eq!(emulator.created(), (1, 2), "nothing is paid again");
}

#[test]
fn equal_rows_are_paid_for_once_also_without_reuse() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    write(folder.path(), "rows.jsonl", &"{\"title\": \"film\"}\n".repeat(4));
    for renders in 1..=2 {
        let flags =
            ["--batch", "rows.jsonl", "-o", "renders/{index}.{ext}", "--no-reuse", "--concurrency", "1"];
        let manifest = format!("renders/{renders}.jsonl");
        let flags = [&["render"], &flags[..], &["--manifest", &manifest]].concat();
        emulator.run(folder.path(), &flags).ok();
        assert_eq!(emulator.created(), (1, renders));
    }
    assert_eq!(names(&folder.path().join("renders")).len(), 4 + 2, "videos and manifests");
}

#[test]
fn another_row_or_another_film_in_the_folder_is_no_other_project() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    for count in [2, 3] {
        rows(folder.path(), count);
        emulator
            .run(folder.path(), &["render", "--batch", "rows.jsonl", "-o", "films/{title}-{index}.{ext}"])
            .ok();
        assert_eq!(emulator.created(), (1, count), "only the new row is rendered");
    }
}

#[test]
fn a_batch_that_is_killed_goes_on_where_it_was() {
    let emulator = Emulator::placeholder(&["--render-seconds", "0.01"]);
    let folder = project();
    rows(folder.path(), 120);
    for milliseconds in [150, 300, 450] {
        let mut command = emulator.command();
        command.args(["render", "--batch", "rows.jsonl", "-o", "renders/{title}.{ext}"]);
        let mut child =
            command.current_dir(folder.path()).stderr(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    render(&emulator, folder.path(), &[]).ok();
    assert_eq!(emulator.created(), (1, 120));
    let videos = names(&folder.path().join("renders")).into_iter().filter(|name| name.ends_with(".mp4"));
    assert_eq!(videos.count(), 120);
}

#[test]
fn rows_of_no_use_are_named_before_anything_is_done() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    write(
        folder.path(),
        "rows.jsonl",
        "{\"title\": \"a\"}\n{\"title\": \"../b\"}\n{\"title\": \"A\"}\nnonsense\n{\"title\": 5, \"x\": 1}\n\
         {\"variables\": {\"title\": \"c\"}, \"fps\": 500}\n{\"variables\": {}, \"output\": \"/etc/passwd\"}\n{\"title\": \"d\"}\n",
    );
    let refused = render(&emulator, folder.path(), &["--strict-variables", "--json"]);
    assert_eq!((refused.code, refused.error()["code"].as_str()), (5, Some("invalid_rows")), "{refused:?}");
    let message = refused.error()["message"].as_str().unwrap().to_owned();
    for part in [
        "rows.jsonl:2:",
        "rows.jsonl:3: output renders/A.mp4 is also the output of row 1",
        "rows.jsonl:4:",
        "rows.jsonl:5:",
        "rows.jsonl:6: invalid option: fps: expected a whole number from 1 to 240",
        "rows.jsonl:7:",
    ] {
        assert!(message.contains(part), "{part} in {message}");
    }
    assert_eq!(emulator.requests(), []);
    let ran = render(&emulator, folder.path(), &["--strict-variables", "--keep-going"]);
    assert!(ran.code == 1 && ran.stderr.contains("✗ 2 of 8 rows completed"), "{ran:?}");
    assert!(folder.path().join("renders/a.mp4").is_file() && folder.path().join("renders/d.mp4").is_file());
}

#[test]
fn a_rate_limit_slows_the_batch_down_and_fails_no_row() {
    let emulator = Emulator::placeholder(&[]);
    emulator.script(
        r#"{"rules": [{"on": "submit", "after": 3, "times": 25, "do": {"status": 429, "retry_after": "0"}}]}"#,
    );
    let folder = project();
    rows(folder.path(), 20);
    render(&emulator, folder.path(), &[]).ok();
    assert_eq!(emulator.created(), (1, 20));
}

#[test]
fn rows_that_failed_are_tried_again_when_that_is_asked_for() {
    let emulator = Emulator::placeholder(&[]);
    emulator.script(r#"{"rules": [{"on": "render", "after": 2, "times": 3, "do": {"fail": "no fonts"}}]}"#);
    let folder = project();
    rows(folder.path(), 10);
    let ran = render(&emulator, folder.path(), &["--json"]);
    assert_eq!((ran.code, ran.error()["code"].as_str()), (1, Some("batch_failed")), "{ran:?}");
    assert_eq!(emulator.created(), (1, 10));
    assert_eq!(render(&emulator, folder.path(), &[]).code, 1);
    assert_eq!(emulator.created(), (1, 10), "nothing is rendered again by itself");
    render(&emulator, folder.path(), &["--retry-failed"]).ok();
    assert_eq!(emulator.created(), (1, 13));
}

#[test]
fn rows_that_are_refused_share_one_new_upload() {
    let puts = |emulator: &Emulator| emulator.requests().iter().filter(|(verb, ..)| verb == "PUT").count();
    let folder = project();
    rows(folder.path(), 40);
    // Every row is refused: of an asset of this run, and of one of an earlier run.
    let emulator = Emulator::placeholder(&[]);
    for uploads in [2, 3] {
        emulator.script(r#"{"rules": [{"on": "submit", "times": 999, "do": {"status": 422}}]}"#);
        let before = count(&emulator, "POST", "/v3/hyperframes/renders");
        assert_eq!(render(&emulator, folder.path(), &["--retry-failed"]).code, 1);
        assert_eq!(puts(&emulator), uploads);
        let submits = count(&emulator, "POST", "/v3/hyperframes/renders") - before;
        assert!((40..=49).contains(&submits), "{submits} submissions");
    }
    // Some rows are.
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    rows(folder.path(), 30);
    let bad = |after: u32| format!(r#"{{"on": "submit", "after": {after}, "do": {{"status": 400}}}}"#);
    emulator.script(&format!(r#"{{"rules": [{}, {}, {}]}}"#, bad(3), bad(9), bad(3)));
    let ran = render(&emulator, folder.path(), &[]);
    assert!(puts(&emulator) <= 2, "{ran:?}");
    assert!(emulator.created().1 >= 28, "{ran:?}");
}

#[test]
fn an_error_that_holds_for_the_account_ends_the_batch_and_leaves_its_rows_open() {
    for (status, code) in [(401, 3), (402, 1), (403, 3)] {
        let emulator = Emulator::placeholder(&[]);
        let fault = format!(r#"{{"on": "submit", "after": 5, "times": 999, "do": {{"status": {status}}}}}"#);
        emulator.script(&format!(r#"{{"rules": [{fault}]}}"#));
        let folder = project();
        rows(folder.path(), 60);
        let ran = render(&emulator, folder.path(), &[]);
        assert_eq!(ran.code, code, "{status}: {ran:?}");
        assert!(count(&emulator, "POST", "/v3/hyperframes/renders") < 30, "{status}: {ran:?}");
        let manifest = fs::read_to_string(folder.path().join("renders/rows.manifest.jsonl")).unwrap();
        assert!(!manifest.contains("failed") && manifest.contains("completed"), "{status}: {manifest}");
        // The same command goes on.
        emulator.script(r#"{"rules": []}"#);
        render(&emulator, folder.path(), &[]).ok();
        assert_eq!(emulator.created(), (1, 60));
    }
}

#[test]
fn submissions_that_are_refused_for_a_while_end_the_batch_in_one_time_limit() {
    for status in [429, 503] {
        let emulator = Emulator::placeholder(&[]);
        emulator.script(&format!(
            r#"{{"rules": [{{"on": "submit", "after": 2, "times": 999, "do": {{"status": {status}}}}}]}}"#
        ));
        let folder = project();
        rows(folder.path(), 60);
        let began = Instant::now();
        let ran = render(&emulator, folder.path(), &["--max-wait", "0.05"]);
        // The first two rows begin the time of the next ones anew.
        assert!(began.elapsed() < Duration::from_secs(12), "{status}: {:?}", began.elapsed());
        assert_eq!(ran.code, 4, "{status}: {ran:?}");
        // The same command goes on.
        emulator.script(r#"{"rules": []}"#);
        render(&emulator, folder.path(), &[]).ok();
        assert_eq!(emulator.created(), (1, 60));
    }
}

#[test]
fn an_outage_ends_the_batch_after_one_round_of_retries() {
    let emulator = Emulator::placeholder(&[]);
    emulator.script(r#"{"rules": [{"on": "submit", "after": 3, "times": 999, "do": {"status": 503}}]}"#);
    let folder = project();
    rows(folder.path(), 60);
    let mut command = emulator.command();
    command.args(["render", ".", "--batch", "rows.jsonl", "--json"]).env("HEYGEN_MAX_RETRIES", "1");
    let ran = Ran::from(command.current_dir(folder.path()).output().unwrap());
    assert_eq!((ran.code, ran.error()["code"].as_str()), (1, Some("scripted_503")), "{ran:?}");
    let requests = emulator.stats()["requests"].as_array().unwrap().clone();
    let refused = requests.iter().filter(|request| request[2] == 503).count();
    // Eight rows with one retry each, and those that were on their way when the eighth of them failed.
    assert!((16..=30).contains(&refused), "{refused} of 114 requests");
    // The same command goes on, since the API refused no row.
    emulator.script(r#"{"rules": []}"#);
    render(&emulator, folder.path(), &[]).ok();
    assert_eq!(emulator.created(), (1, 60));
}

#[test]
fn a_batch_stops_after_as_many_failures_as_are_allowed() {
    let emulator = Emulator::placeholder(&[]);
    emulator.script(r#"{"rules": [{"on": "submit", "times": 999, "do": {"status": 400}}]}"#);
    let folder = project();
    rows(folder.path(), 300);
    let ran = render(&emulator, folder.path(), &["--fail-fast", "--concurrency", "1", "--json"]);
    let message = ran.error()["message"].as_str().unwrap().to_owned();
    assert_eq!(
        (ran.code, message.as_str()),
        (1, "1 of 300 rows failed and 299 were not submitted"),
        "{ran:?}"
    );
    assert_eq!(render(&emulator, folder.path(), &["--fail-fast", "--concurrency", "2"]).code, 1);
    assert!(count(&emulator, "POST", "/v3/hyperframes/renders") < 30);
}

#[test]
fn a_dry_run_says_what_would_become_of_each_row() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    write(folder.path(), "rows.csv", "title,n\nAda,1\nGrace,\n\"Edith, C.\",x\n");
    let flags = ["render", "--batch", "rows.csv", "--dry-run", "--json", "-o", "renders/{index}.mp4"];
    let ran = emulator.run(folder.path(), &flags).ok();
    let states = ran.stdout.lines().take(3).map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert!(states.map(|line| line["state"].clone()).all(|state| state == "would-render"), "{}", ran.stdout);
    assert_eq!(emulator.requests(), []);
    assert_eq!(names(folder.path()), [".git", "index.html", "rows.csv"], "nothing is written");
    let limited =
        emulator.run(folder.path(), &["render", "--batch", "rows.csv", "--max-renders", "2", "--json"]);
    assert_eq!((limited.code, limited.error()["code"].as_str()), (6, Some("max_renders")), "{limited:?}");
    assert_eq!(emulator.created(), (0, 0));
}

#[test]
fn rows_have_options_of_their_own() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    write(
        folder.path(),
        "rows.json",
        r#"{"rows": [{"variables": {"title": "a"}, "output": "out/one.webm", "format": "webm", "title": "T", "fps": 24},
            {"variables": {"title": "b"}, "callbackId": "mine"}]}"#,
    );
    let ran = emulator.run(folder.path(), &["render", "--batch", "rows.json", "--fps", "50"]).ok();
    assert!(ran.stderr.contains("2 of 2 rows completed"), "{}", ran.stderr);
    let listed = emulator.run(folder.path(), &["list", "--json"]).ok().json();
    let of = |id: &str| {
        let renders = listed["renders"].as_array().unwrap().clone();
        renders.into_iter().find(|render| render["callback_id"] == id || render["title"] == id).unwrap()
    };
    assert_eq!(
        (&of("T")["fps"], &of("T")["format"], &of("mine")["fps"]),
        (&json!(24), &json!("webm"), &json!(50))
    );
    assert!(folder.path().join("out/one.webm").is_file() && folder.path().join("renders/2.mp4").is_file());
}

#[test]
fn this_machine_renders_the_same_batch() {
    let folder = project();
    rows(folder.path(), 2);
    let flags = [
        "render",
        "--batch",
        "rows.jsonl",
        "--renderer",
        "local",
        "--quality",
        "draft",
        "-o",
        "renders/{title}.mp4",
    ];
    let ran = crate::support::run_in(folder.path(), &[&flags[..], &["--json"]].concat()).ok();
    assert_eq!(
        ran.stdout.lines().filter(|line| line.contains("\"state\":\"completed\"")).count(),
        2,
        "{}",
        ran.stdout
    );
    assert!(fs::metadata(folder.path().join("renders/film 2.mp4")).unwrap().len() > 1000);
    let again = crate::support::run_in(folder.path(), &flags).ok().stderr;
    assert!(again.contains("already done  2"), "{again}");
}
