//! Releases.

use serde_json::{Value, json};

use super::configuration::named;
use super::github::{self, Release};
use super::stage::{Stage, commit};
use crate::support::write;

#[test]
fn a_release_gets_its_videos_once() {
    let stage = Stage::new();
    let draft = Release { is_draft: true, ..Release::new("v2") };
    stage.github.state().releases = vec![Release::new("v1"), draft];
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
fn a_release_that_cannot_get_files_ends_the_run_before_anything_is_submitted() {
    let stage = Stage::new();
    stage.github.state().releases = vec![Release::new("v1")];
    let runner = stage.runner("push", &json!({}));
    let refused = |inputs: &[(&str, &str)], message: &str| {
        let run = stage.run(&runner, inputs);
        assert_eq!(run.code, 1, "{inputs:?}: {}", run.log);
        assert!(run.log.contains(message), "{inputs:?}: {}", run.log);
        assert_eq!(stage.emulator.created(), (0, 0), "{inputs:?}");
    };
    let projects = ("projects", "videos/one");
    refused(&[projects, ("release-tag", "v9")], "the release of the tag v9 was not found");
    refused(&[projects, ("release-tag", "v1"), ("token", "")], "permission denied: no token");
    stage.github.state().may_write = false;
    refused(
        &[projects, ("release-tag", "v1")],
        "permission denied: files of the release require contents: write",
    );
    stage.github.state().may_write = true;
    stage.github.state().releases[0].is_immutable = true;
    refused(&[projects, ("release-tag", "v1")], "the release of the tag v1 is immutable");
    stage.github.state().releases[0].is_immutable = false;
    let run = stage.run(&runner, &[projects, ("mode", "release")]);
    assert_eq!((run.code, stage.emulator.created()), (2, (0, 0)), "{}", run.log);
    assert!(
        run.log.contains("mode release requires a release event or the input release-tag"),
        "{}",
        run.log
    );
    let run = stage.run(&runner, &[projects, ("release-tag", "v1")]);
    assert_eq!((run.code, stage.emulator.created()), (0, (1, 1)), "{}", run.log);
}

#[test]
fn jobs_that_attach_the_same_file_at_the_same_time_leave_one() {
    let stage = Stage::new();
    stage.github.state().releases = vec![Release::new("v1")];
    stage.github.state().races = 2;
    stage.github.state().lost = vec![("POST", "/assets?name=videos-one.png")];
    let payload = json!({ "action": "published", "release": { "tag_name": "v1" } });
    let run = stage.run(&stage.runner("release", &payload), &[("projects", "videos/one")]);
    assert_eq!(run.code, 0, "{}", run.log);
    let state = stage.github.state();
    let names = state.releases[0].assets.iter().map(|(_, name, _)| name.as_str()).collect::<Vec<_>>();
    assert_eq!(names, ["videos-one.mp4", "videos-one.png", "hyperframes-provenance.json"]);
    assert!(state.releases[0].assets.iter().all(|(.., bytes)| bytes != b"of another job"));
}

#[test]
fn files_with_special_characters_keep_apart_and_are_found_again() {
    let stage = Stage::new();
    named(&stage);
    write(stage.repository.path(), "rows.csv", "title\nGröße 1\nGr..e 1\n");
    commit(stage.repository.path(), "names");
    stage.github.state().releases = vec![Release::new("v1")];
    let payload = json!({ "action": "published", "release": { "tag_name": "v1" } });
    let runner = stage.runner("release", &payload);
    let names = || {
        let state = stage.github.state();
        let names = state.releases[0].assets.iter().map(|(_, name, _)| name.clone());
        names.filter(|name| name.starts_with("customers-")).collect::<Vec<_>>()
    };
    let run = stage.run(&runner, &[]);
    assert_eq!(run.code, 0, "{}", run.log);
    let attached = names();
    assert!(attached.len() == 2 && attached.iter().all(|name| name.is_ascii()), "{attached:?}");
    let uploads = stage.github.count("POST", "/assets?name=");
    let run = stage.run(&runner, &[]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!((names(), stage.github.count("POST", "/assets?name=")), (attached, uploads), "they are there");
}

#[test]
fn a_release_has_every_row() {
    let stage = Stage::new();
    named(&stage);
    stage.github.state().releases = vec![Release::new("v1")];
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
