//! Renders on the runner that are not repeated on later pushes.

use std::fs;

use serde_json::Value;

use super::runner::Run;
use super::stage::{Stage, commit};
use crate::support::{html, write};

/// A run for the newest commit and its video, on a runner where no engine can be installed unless `can_render`.
fn push(stage: &mut Stage, text: &str, can_render: bool, inputs: &[(&str, &str)]) -> (Run, Vec<u8>) {
    write(stage.repository.path(), "videos/two/index.html", &html(720, 720, text));
    stage.repository.head = commit(stage.repository.path(), text);
    stage.github.state().head.clone_from(&stage.repository.head);
    let mut runner = stage.pull_request();
    if !can_render {
        runner.set("HYPERFRAMES_CI_CACHE", "/proc/nonexistent");
    }
    let common = [("projects", "videos/one"), ("api-key", ""), ("quality", "draft")];
    let run = stage.run(&runner, &[inputs, &common].concat());
    let video = fs::read(&run.outputs["video-path"]).unwrap_or_default();
    (run, video)
}

#[test]
fn a_composition_that_is_published_already_is_not_rendered_on_the_runner_again() {
    let mut stage = Stage::new();
    let (first, video) = push(&mut stage, "1", true, &[]);
    assert_eq!(first.code, 0, "{}", first.log);
    assert!(first.log.contains("rendering the base once more"), "{}", first.log);
    let media = stage.github.media("hyperframes-previews");
    let uploads = stage.github.count("POST", "/git/blobs");
    let (again, same) = push(&mut stage, "2", false, &[]);
    assert_eq!(again.code, 0, "{}", again.log);
    assert!(again.log.contains("published already, from an earlier push"), "{}", again.log);
    assert!(video == same && video.len() > 1000, "the artifact has the same video");
    for output in ["digest", "duration"] {
        assert_eq!(first.outputs[output], again.outputs[output], "{output}");
    }
    assert_eq!(again.outputs["reused"], "true");
    let results: Value = serde_json::from_str(&again.outputs["results"]).unwrap();
    assert_eq!((&results[0]["state"], &results[0]["video"]["width"]), (&"reused".into(), &1280.0.into()));
    assert_eq!(stage.github.media("hyperframes-previews"), media);
    assert_eq!(stage.github.count("POST", "/git/blobs"), uploads, "nothing is published again");
    let body = stage.github.state().comments[0].body.clone();
    assert!(body.contains("1280x720") && body.contains("reused · [download video]"), "{body}");
    // Neither is the base: its video is kept with what is known about its stability.
    assert!(again.log.contains("comparing with the published video of the base"), "{}", again.log);
    assert!(!again.log.contains("rendering the base once more"), "{}", again.log);
    let status = |run: &Run| run.outputs["changed"].clone();
    assert_eq!((status(&first), status(&again)), ("true".to_owned(), "true".to_owned()));
    assert!(media.iter().any(|name| name.ends_with("-stable.mp4")), "{media:?}");
    // Not if another one is asked for.
    for inputs in [&[("no-reuse", "true")][..], &[("reuse-window", "7")], &[("fps", "24")]] {
        let (run, _) = push(&mut stage, &format!("{inputs:?}").replace('"', ""), false, inputs);
        assert!(run.code != 0 && !run.log.contains("published already"), "{inputs:?}: {}", run.log);
    }
    // A video that is damaged is rendered again.
    let mut state = stage.github.state();
    for object in state.objects.values_mut() {
        if object["encoding"] == "base64" {
            let cut = object["content"].as_str().unwrap()[..64].to_owned();
            object["content"] = cut.into();
        }
    }
    drop(state);
    let (run, _) = push(&mut stage, "4", false, &[]);
    assert!(run.code != 0 && !run.log.contains("published already"), "{}", run.log);
}
