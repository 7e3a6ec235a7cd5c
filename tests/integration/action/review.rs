//! Comparisons with the base, and the gate.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::github::Release;
use super::runner::{Run, Runner};
use super::server::base64;
use super::stage::{Stage, commit, git};
use crate::support::{html, write};

/// Requests of a preview of one composition that is compared with its published base. One more than without a comparison,
/// which downloads the video of the base; the pictures of the comparison take the place of the animated one.
const FIRST: usize = 10;
const ANOTHER_PUSH: usize = 11;

const VIDEOS: (&str, &str) = ("projects", "videos");
const STRICT: [(&str, &str); 2] = [VIDEOS, ("fail-on-diff", "changed")];

/// Publishes what main looks like.
pub(super) fn publish_base(stage: &Stage) {
    let base = tempfile::tempdir().unwrap();
    let from = stage.repository.path().display().to_string();
    git(base.path(), &["clone", "--quiet", &from, "."]);
    git(base.path(), &["checkout", "--quiet", &stage.repository.base]);
    let mut runner = Runner::new(&stage.github.url, base.path(), "push", &json!({}));
    runner.set("HEYGEN_API_URL", &stage.emulator.url);
    let run = stage.run(&runner, &[VIDEOS, ("mode", "preview")]);
    assert_eq!(run.code, 0, "{}", run.log);
}

/// Replaces the published videos by others: every render of the emulator is the same clip.
pub(super) fn change_base(stage: &Stage) {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.mp4");
    edited(&other);
    let content = base64(&fs::read(other).unwrap()).replace('\n', "");
    let mut state = stage.github.state();
    let sha = state.store(json!({ "content": content, "encoding": "base64" }));
    let trees = state.objects.values_mut().filter_map(Value::as_object_mut);
    let files = trees.flat_map(serde_json::Map::iter_mut);
    let videos = files.filter(|(name, _)| name.starts_with("base/") && name.ends_with(".mp4"));
    assert!(videos.map(|(_, file)| *file = sha.clone().into()).count() > 0);
}

/// The clip of the emulator with a box in its last frames.
pub(super) fn edited(to: &Path) {
    let clip = to.with_extension("clip.mp4");
    fs::write(&clip, super::stage::CLIP).unwrap();
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y", "-i"]).arg(&clip);
    command.args(["-vf", "drawbox=x=20:y=20:w=40:h=20:color=white:t=fill:enable='gte(t,0.7)'"]);
    assert!(command.args(["-c:a", "copy"]).arg(to).status().unwrap().success());
}

fn comment(stage: &Stage) -> String {
    stage.github.state().comments[0].body.clone()
}

fn results(run: &Run) -> Value {
    serde_json::from_str(&run.outputs["diff-results"]).unwrap_or_else(|_| panic!("{}", run.log))
}

#[test]
fn a_video_that_looks_the_same_is_one_line() {
    let stage = Stage::new();
    publish_base(&stage);
    stage.github.state().requests.clear();
    let run = stage.run(&stage.pull_request(), &STRICT);
    assert_eq!(run.code, 0, "{}", run.log);
    let requests = stage.github.state().requests.len();
    assert!(requests <= FIRST, "{requests}: {:?}", stage.github.state().requests);
    let body = comment(&stage);
    assert!(body.contains("No visible change: <code>videos&#47;one</code> ([download video]("), "{body}");
    assert!(!body.contains("<img"), "{body}");
    assert_eq!(
        (run.outputs["changed"].as_str(), results(&run)["status"].as_str()),
        ("false", Some("unchanged"))
    );
    assert_eq!(stage.emulator.created().0, 3, "the base is not rendered again");
}

#[test]
fn a_change_is_shown_and_fails_the_gate() {
    let mut stage = Stage::new();
    publish_base(&stage);
    change_base(&stage);
    stage.github.state().requests.clear();
    let runner = stage.pull_request();
    let run = stage.run(&runner, &STRICT);
    assert_eq!(run.code, 7, "{}", run.log);
    assert!(run.log.contains("differences in 1 of 1 comparison; fail-on-diff is changed"), "{}", run.log);
    let requests = stage.github.state().requests.len();
    // One more for the video of the base.
    assert!(requests <= FIRST + 1, "{requests}: {:?}", stage.github.state().requests);
    let body = comment(&stage);
    assert!(body.contains("<code>videos&#47;one</code> · **changed**, "), "{body}");
    assert!(body.contains(" frames, 0.30–1.00 s"), "{body}");
    let image = body.split("<img src=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let image = image.strip_prefix("https://github.example/o/r/raw/hyperframes-previews/").unwrap();
    let files = stage.github.files("hyperframes-previews");
    let (_, picture) = files.iter().find(|(name, _)| name == image).expect("the picture is published");
    assert!(picture.starts_with(b"\x89PNG"));
    assert!(run.summary.contains("| Time | Change | Frames | Levels | Place |"), "{}", run.summary);
    let compared = results(&run);
    let comparison = &compared["comparisons"][0];
    assert_eq!((&comparison["status"], &comparison["name"]), (&json!("changed"), &json!("videos/one")));
    assert_eq!(run.outputs["changed"], "true");
    let page = compared["report"]["page"].as_str().unwrap();
    assert!(fs::read_to_string(page).unwrap().contains("videos/one"));
    // Without a gate, it is shown only. Another push needs one request more: the comment is marked as out of date.
    let path = stage.repository.path().to_owned();
    write(&path, "videos/one/index.html", &html(1280, 720, "<i>changed again</i>"));
    stage.repository.head = commit(&path, "another push");
    stage.github.state().head.clone_from(&stage.repository.head);
    stage.github.state().requests.clear();
    let run = stage.run(&stage.pull_request(), &[VIDEOS]);
    assert_eq!(run.code, 0, "{}", run.log);
    let requests = stage.github.state().requests.len();
    assert!(requests <= ANOTHER_PUSH, "{requests}: {:?}", stage.github.state().requests);
    let run = stage.run(&stage.pull_request(), &[VIDEOS, ("diff", "false")]);
    assert_eq!((run.code, run.outputs["changed"].as_str()), (0, ""), "{}", run.log);
}

#[test]
fn a_label_approves_the_commit_that_it_was_set_on() {
    let stage = Stage::new();
    publish_base(&stage);
    change_base(&stage);
    let inputs = [&STRICT[..], &[("approval-label", "looks good")]].concat();
    stage.github.state().pushed = Some("2026-11-27T10:00:00Z".to_owned());
    stage.github.state().users = vec![("kim", 1, "write"), ("lee", 2, "read")];
    let run_with = |labels: &[(&str, &str)]| {
        let labels = labels
            .iter()
            .map(|(time, user)| ("Looks Good".to_owned(), format!("2026-11-27T{time}Z"), (*user).to_owned()));
        stage.github.state().labels = labels.collect();
        let run = stage.run(&stage.pull_request(), &inputs);
        (run.code, run.log, comment(&stage))
    };
    let (code, log, body) = run_with(&[]);
    assert_eq!(code, 7, "{log}");
    assert!(log.contains("not approved: the pull request does not have the label"), "{log}");
    assert!(body.contains("The differences are not approved") && body.contains("looks good"), "{body}");
    let (code, log, body) = run_with(&[("10:05:00", "kim")]);
    assert_eq!(code, 0, "{log}");
    assert!(body.contains("Approved for ") && body.contains("<code>kim</code>"), "{body}");
    // A push after the approval.
    for labels in
        [&[("09:55:00", "kim")][..], &[("10:00:00", "kim")], &[("09:55:00", "kim"), ("09:56:00", "kim")]]
    {
        let (code, log, _) = run_with(labels);
        assert_eq!(code, 7, "{labels:?}: {log}");
        assert!(log.contains("the label was not set for the newest commit"), "{log}");
    }
    // It is approved again.
    assert_eq!(run_with(&[("09:55:00", "kim"), ("10:01:00", "kim")]).0, 0);
    // Somebody who may set labels, but not write; and somebody who is not a collaborator.
    for user in ["lee", "stranger", "github-actions[bot]"] {
        let (code, log, _) = run_with(&[("09:00:00", "kim"), ("10:05:00", user)]);
        assert_eq!(code, 7, "{log}");
        assert!(log.contains(&format!("{user} set the label without write access")), "{log}");
    }
    // A newer commit than that of the run.
    stage.github.state().head = "b".repeat(40);
    assert_eq!(run_with(&[("10:05:00", "kim")]).0, 7);
}

#[test]
fn a_fork_is_approved_if_the_time_of_its_last_push_is_known() {
    let stage = Stage::new();
    publish_base(&stage);
    change_base(&stage);
    stage.github.state().may_comment = false;
    stage.github.state().may_write = false;
    stage.github.state().head_repository = "stranger/r".to_owned();
    stage.github.state().labels =
        vec![("ok".to_owned(), "2026-11-27T10:05:00Z".to_owned(), "kim".to_owned())];
    stage.github.state().users = vec![("kim", 1, "admin")];
    let payload = stage.repository.pull_request("opened", "stranger/r");
    let runner = stage.runner("pull_request", &payload);
    let inputs = [&STRICT[..], &[("approval-label", "ok"), ("api-key", "")]].concat();
    // The fork is private, so nothing is known about it.
    let run = stage.run(&runner, &inputs);
    assert_eq!(run.code, 7, "{}", run.log);
    assert!(run.summary.contains("**changed**"), "{}", run.summary);
    stage.github.state().pushed = Some("2026-11-27T10:00:00Z".to_owned());
    let run = stage.run(&runner, &inputs);
    assert_eq!(run.code, 0, "{}", run.log);
    assert!(run.summary.contains("Approved for "), "{}", run.summary);
}

#[test]
fn a_base_that_must_be_paid_for_is_rendered_on_request_only() {
    let stage = Stage::new();
    let run = stage.run(&stage.pull_request(), &[VIDEOS]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(stage.emulator.created(), (1, 1));
    let body = comment(&stage);
    assert!(body.contains("> Not compared: <code>videos&#47;one</code>: "), "{body}");
    assert_eq!(results(&run)["comparisons"][0]["status"], "skipped");
    assert_eq!(run.outputs["changed"], "true", "what was not compared is not unchanged");
    let run = stage.run(&stage.pull_request(), &STRICT);
    assert_eq!(run.code, 1, "a gate without a result is not passed: {}", run.log);
    let run = stage.run(&stage.pull_request(), &[&STRICT[..], &[("diff-baseline", "render")]].concat());
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(stage.emulator.created(), (2, 2));
    assert!(comment(&stage).contains("No visible change"), "{}", comment(&stage));
    // It is found from now on.
    let run = stage.run(&stage.pull_request(), &STRICT);
    assert_eq!((run.code, stage.emulator.created()), (0, (2, 2)), "{}", run.log);
}

#[test]
fn another_picture_of_equal_inputs_is_unstable() {
    let mut stage = Stage::new();
    let script = "<script>const size = Math.random();</script>";
    let path = stage.repository.path().to_owned();
    write(&path, "videos/two/index.html", &html(720, 720, script));
    stage.repository.base = commit(&path, "a page that differs from run to run");
    write(&path, "README.md", "y");
    stage.repository.head = commit(&path, "nothing about videos");
    stage.github.state().head.clone_from(&stage.repository.head);
    publish_base(&stage);
    change_base(&stage);
    let inputs = [("projects", "videos/two"), ("changed-only", "false"), ("fail-on-diff", "changed")];
    let run = stage.run(&stage.pull_request(), &inputs);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(results(&run)["comparisons"][0]["status"], "unstable");
    let body = comment(&stage);
    assert!(body.contains("<code>videos&#47;two</code> · **unstable**"), "{body}");
    assert!(body.contains("likely cause&#58; videos&#47;two&#47;index&#46;html&#58;"), "{body}");
}

#[test]
fn a_new_composition_is_not_compared() {
    let stage = Stage::new();
    write(stage.repository.path(), "videos/three/index.html", &html(1280, 720, "new"));
    commit(stage.repository.path(), "new");
    let inputs = [("projects", "videos/three"), ("fail-on-diff", "changed")];
    let run = stage.run(&stage.pull_request(), &inputs);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(results(&run)["comparisons"][0]["status"], "new");
    assert!(comment(&stage).contains("<code>videos&#47;three</code> (new) · "), "{}", comment(&stage));
}

#[test]
fn a_removed_composition_is_named_and_fails_the_gate() {
    let stage = Stage::new();
    publish_base(&stage);
    let path = stage.repository.path();
    fs::remove_dir_all(path.join("videos/two")).unwrap();
    commit(path, "remove two");
    let run = stage.run(&stage.pull_request(), &STRICT);
    assert_eq!(run.code, 7, "{}", run.log);
    let compared = results(&run)["comparisons"].as_array().unwrap().clone();
    let removed = compared.iter().filter(|one| one["status"] == "removed").collect::<Vec<_>>();
    assert_eq!((removed.len(), &removed[0]["name"]), (1, &json!("videos/two")), "{compared:?}");
    assert!(comment(&stage).contains("Removed: <code>videos&#47;two</code>\n"), "{}", comment(&stage));
    // The last one.
    fs::remove_dir_all(path.join("videos/one")).unwrap();
    let other = fs::read_dir(path.join("videos")).map_or(0, Iterator::count);
    assert_eq!(other, 0, "the repository has other videos");
    commit(path, "remove one");
    let run = stage.run(&stage.pull_request(), &[]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(results(&run)["status"], "removed");
    let both = "**2 removed** for ";
    assert!(comment(&stage).contains(both), "{}", comment(&stage));
}

#[test]
fn a_removed_entry_is_named() {
    let stage = Stage::new();
    let path = stage.repository.path().to_owned();
    let entry = |name: &str| {
        format!("[[render]]\nname = \"{name}\"\nproject = \"videos/{name}\"\non = [\"pull_request\"]\n")
    };
    git(&path, &["checkout", "--quiet", "--detach", &stage.repository.base]);
    write(&path, "hyperframes-ci.toml", &format!("{}{}", entry("one"), entry("two")));
    let base = commit(&path, "configure");
    write(&path, "hyperframes-ci.toml", &entry("one"));
    commit(&path, "one is enough");
    let mut stage = stage;
    stage.repository.base = base;
    let run = stage.run(&stage.pull_request(), &[("fail-on-diff", "never")]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert!(comment(&stage).contains("Removed: <code>two</code>\n"), "{}", comment(&stage));
}

#[test]
fn golden_files_need_no_base() {
    let stage = Stage::new();
    let path = stage.repository.path();
    let clip = path.join("one.mp4");
    let update = |to: &Path| {
        let mut diff = crate::support::command();
        diff.args(["diff", "--update", "golden"]).arg(to).current_dir(path);
        assert!(diff.status().unwrap().success());
    };
    fs::write(&clip, super::stage::CLIP).unwrap();
    update(&clip);
    fs::remove_file(&clip).unwrap();
    let golden = [VIDEOS, ("fail-on-diff", "changed"), ("diff-baseline", "file")];
    let run = stage.run(&stage.pull_request(), &golden);
    assert_eq!(run.code, 0, "{}", run.log);
    let statuses = |run: &Run| {
        let compared = results(run)["comparisons"].as_array().unwrap().clone();
        compared.iter().map(|one| (one["name"].clone(), one["status"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(statuses(&run)[0], (json!("videos/one"), json!("unchanged")), "{}", run.log);
    let requests = format!("{:?}", stage.github.state().requests);
    assert!(
        !requests.contains("base%2F") && !requests.contains("/base/"),
        "no video of the base: {requests}"
    );
    // Another picture is one that the commit does not keep.
    let other = tempfile::tempdir().unwrap();
    let other = other.path().join("one.mp4");
    edited(&other);
    update(&other);
    let run = stage.run(&stage.pull_request(), &golden);
    assert_eq!(run.code, 7, "{}", run.log);
    assert_eq!(statuses(&run)[0].1, json!("changed"), "{}", run.log);
    // A directory of the configuration, where there is none.
    write(path, "hyperframes-ci.toml", "[defaults.diff]\ngolden = \"kept\"\n");
    let run = stage.run(&stage.pull_request(), &golden);
    assert_eq!((run.code, statuses(&run)[0].1.clone()), (0, json!("new")), "{}", run.log);
    let reason = results(&run)["comparisons"][0]["summary"].as_str().unwrap().to_owned();
    assert!(
        reason.contains("kept/one.golden; write it with `hyperframes-ci diff --update kept`"),
        "{reason}"
    );
}

#[test]
fn what_the_target_branch_has_got_meanwhile_is_not_a_change() {
    let mut stage = Stage::new();
    publish_base(&stage);
    let path = stage.repository.path().to_owned();
    let head = stage.repository.head.clone();
    git(&path, &["checkout", "--quiet", "--detach", &stage.repository.base]);
    write(&path, "videos/one/index.html", &html(1280, 720, "<b>of another pull request</b>"));
    stage.repository.base = commit(&path, "main goes on");
    git(&path, &["checkout", "--quiet", &head]);
    let run = stage.run(&stage.pull_request(), &STRICT);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(results(&run)["status"], "unchanged", "the published video is that of the merge base");
}

#[test]
fn a_release_says_what_has_changed_since_the_last_one() {
    let stage = Stage::new();
    let v2 = Release { body: "# v2\r\n\r\nFaster.".to_owned(), ..Release::new("v2") };
    // The newest first, as GitHub lists them.
    let draft = Release { is_draft: true, ..Release::new("v1-draft") };
    stage.github.state().releases = vec![v2, draft, Release::new("v1"), Release::new("v0")];
    let inputs = [VIDEOS, ("diff-baseline", "release"), ("fail-on-diff", "any")];
    let release = |tag: &str| {
        let payload = json!({ "action": "published", "release": { "tag_name": tag } });
        let run = stage.run(&stage.runner("release", &payload), &inputs);
        assert_eq!(run.code, 0, "{}", run.log);
        run
    };
    let run = release("v1");
    assert!(run.summary.contains("no earlier release has videos"), "{}", run.summary);
    // Of the two videos of v1, one is another one.
    {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("other.mp4");
        edited(&other);
        let mut state = stage.github.state();
        let assets = &mut state.releases[2].assets;
        let find = |assets: &[(u64, String, Vec<u8>)], wanted: &str| {
            assets.iter().position(|(_, name, _)| name == wanted).unwrap()
        };
        let (video, manifest) = (find(assets, "videos-one.mp4"), find(assets, "hyperframes-provenance.json"));
        assets[video].2 = fs::read(other).unwrap();
        let mut provenance: Value = serde_json::from_slice(&assets[manifest].2).unwrap();
        assert!(provenance["videos"][0].get("change").is_none());
        provenance["videos"][0]["sha256"] = sha256(&assets[video].2).into();
        assets[manifest].2 = provenance.to_string().into_bytes();
    }
    for _ in 0..2 {
        release("v2");
        let state = stage.github.state();
        let notes = state.releases[0].body.clone();
        assert!(
            notes.starts_with("# v2\n\nFaster.\n\n<!-- hyperframes-ci videos -->\n### Videos since <code>v1"),
            "{notes}"
        );
        assert!(notes.contains("- <code>videos&#47;one</code>: **changed**, 7 of 10 frames"), "{notes}");
        assert!(notes.contains("No visible change: <code>videos&#47;two</code>"), "{notes}");
        assert_eq!(notes.matches("### Videos since").count(), 1, "{notes}");
        let provenance =
            &state.releases[0].assets.iter().find(|(_, name, _)| name.ends_with(".json")).unwrap().2;
        let provenance: Value = serde_json::from_slice(provenance).unwrap();
        let change = &provenance["videos"][0]["change"];
        assert_eq!((&change["since"], &change["status"]), (&json!("v1"), &json!("changed")));
    }
    // A video that is not the one of its provenance is not believed.
    stage.github.state().releases[2].assets.iter_mut().for_each(|(_, name, bytes)| {
        if name == "videos-one.mp4" {
            *bytes = super::stage::CLIP.to_vec();
        }
    });
    let run = release("v2");
    assert!(run.summary.contains("is not the one of its provenance"), "{}", run.summary);
    assert_eq!(stage.emulator.created(), (2, 2));
}

#[test]
fn rows_are_compared_by_their_inputs() {
    let mut stage = Stage::new();
    let path = stage.repository.path().to_owned();
    stage.repository.base = super::configuration::named(&stage);
    // The same rows in another order, and a new one.
    write(&path, "rows.csv", "title\nGrace\nEdith\nAda\n");
    stage.repository.head = commit(&path, "rows");
    stage.github.state().head.clone_from(&stage.repository.head);
    let run = stage.run(&stage.pull_request(), &[("fail-on-diff", "changed")]);
    assert_eq!(run.code, 0, "{}", run.log);
    let compared = results(&run);
    let comparisons = compared["comparisons"].as_array().unwrap();
    assert_eq!(comparisons.len(), 1, "{compared}");
    assert_eq!(
        (&comparisons[0]["name"], &comparisons[0]["status"]),
        (&json!("customers, row 2"), &json!("new"))
    );
    // Other values: the base of the row is an earlier render.
    write(&path, "rows.csv", "title\nAda\nGrace Hopper\n");
    stage.repository.head = commit(&path, "a name");
    stage.github.state().head.clone_from(&stage.repository.head);
    let run = stage.run(&stage.pull_request(), &[("fail-on-diff", "changed")]);
    assert_eq!(run.code, 0, "{}", run.log);
    let comparison = results(&run)["comparisons"][0].clone();
    assert_eq!(
        (&comparison["name"], &comparison["status"]),
        (&json!("customers, row 2"), &json!("unchanged"))
    );
    assert_eq!(stage.emulator.created().1, 4, "the base is not paid for again: {}", run.log);
    assert!(comment(&stage).contains("No visible change: <code>customers</code>"), "{}", comment(&stage));
    // Equal rows.
    write(&path, "rows.csv", "title\nGrace\nAda\n");
    stage.repository.head = commit(&path, "the same");
    stage.github.state().head.clone_from(&stage.repository.head);
    let run = stage.run(&stage.pull_request(), &[("fail-on-diff", "any")]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert!(results(&run)["comparisons"][0]["summary"].as_str().unwrap().contains("all 2 rows are equal"));
}

#[test]
fn the_first_rows_are_compared_and_all_are_counted() {
    let mut stage = Stage::new();
    let path = stage.repository.path().to_owned();
    super::configuration::named(&stage);
    let rows = |names: std::ops::Range<u32>| {
        names.fold("title\n".to_owned(), |text, name| format!("{text}Row {name}\n"))
    };
    write(&path, "rows.csv", &rows(0..14));
    stage.repository.base = commit(&path, "14 rows");
    // The first one is equal, the others have other values, and the last one is removed.
    write(&path, "rows.csv", &rows(100..112).replace("title\n", &rows(0..1)));
    stage.repository.head = commit(&path, "13 rows");
    stage.github.state().head.clone_from(&stage.repository.head);
    let run = stage.run(&stage.pull_request(), &[("diff-baseline", "render")]);
    assert_eq!(run.code, 0, "{}", run.log);
    let counts = "12 of 13 rows have other inputs, 10 unchanged, 2 not compared, 1 removed";
    assert!(comment(&stage).replace("&#44;", ",").contains(counts), "{}", comment(&stage));
    let compared = results(&run);
    let statuses = compared["comparisons"].as_array().unwrap().iter();
    let statuses = statuses.map(|one| one["status"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(statuses, [&["unchanged"; 10][..], &["skipped", "removed"]].concat(), "{compared}");
    assert!(run.summary.replace("&#44;", ",").contains(counts), "{}", run.summary);
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};

    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
