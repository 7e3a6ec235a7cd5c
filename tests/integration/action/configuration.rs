//! Inputs, outputs, and the configuration of a repository.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::stage::{Stage, commit};
use crate::engine_processes::unpacked;
use crate::support::write;

/// `BLESS=1` writes the page.
#[test]
fn the_documentation_lists_every_input_and_output() {
    let action: Value =
        serde_yaml_ng::from_str(&fs::read_to_string(crate::support::root().join("action.yml")).unwrap())
            .unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut page = "# Inputs and outputs of the action\n\n\
                    <!-- Generated: `cargo xtask docs --update` writes this page. -->\n\n\
                    All inputs are optional. Inputs that are also flags of `render` are explained in [Options](options.md).\n\n\
                    ## Inputs\n\n| input | | default |\n|---|---|---|\n"
        .to_owned();
    for (name, input) in action["inputs"].as_object().unwrap() {
        let default = match text(&input["default"]) {
            default if default.is_empty() => String::new(),
            default => format!("`{default}`"),
        };
        page += &format!("| `{name}` | {} | {default} |\n", text(&input["description"]).replace('<', "&lt;"));
    }
    page += "\n## Outputs\n\n| output | |\n|---|---|\n";
    for (name, output) in action["outputs"].as_object().unwrap() {
        page += &format!("| `{name}` | {} |\n", text(&output["description"]).replace('<', "&lt;"));
    }
    let path = crate::support::root().join("docs/action-inputs.md");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let present = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(present, page, "run `cargo xtask docs --update`");
}

/// Entries of one project, on the runner.
#[test]
fn videos_of_a_pull_request_share_a_process() {
    let mut stage = Stage::new();
    let path = stage.repository.path().to_owned();
    let entry =
        |name: &str, more: &str| format!("[[render]]\nname = {name:?}\nproject = \"videos/one\"\n{more}\n");
    let entries = [entry("large", ""), entry("rough", "quality = \"draft\""), entry("slow", "fps = 24")];
    write(&path, "hyperframes-ci.toml", &entries.concat());
    stage.repository.head = commit(&path, "entries");
    stage.github.state().head.clone_from(&stage.repository.head);
    let temporary = tempfile::tempdir().unwrap();
    let mut runner = stage.pull_request();
    runner.set("TMPDIR", temporary.path().to_str().unwrap());
    let is_done = AtomicBool::new(false);
    let (run, projects) = std::thread::scope(|scope| {
        let watch = scope.spawn(|| unpacked(temporary.path(), &mut || !is_done.load(Ordering::Relaxed)));
        let run = stage.run(&runner, &[("api-key", ""), ("diff", "false")]);
        is_done.store(true, Ordering::Relaxed);
        (run, watch.join().unwrap())
    });
    assert_eq!(run.code, 0, "{}", run.log);
    let videos = ["large.mp4", "rough.mp4", "slow.mp4"].map(|name| run.log.matches(name).count());
    assert!(videos.iter().all(|count| *count > 0), "{}", run.log);
    assert_eq!(projects.len(), 1, "{projects:?}: {}", run.log);
}

/// A repository whose configuration names its videos: one of each event, and many from rows.
pub(super) fn named(stage: &Stage) -> String {
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
    assert!(run.log.contains("hyperframes-ci.toml:3:1: unknown key"), "{}", run.log);
    assert!(
        run.log.contains("::error file=hyperframes-ci.toml,line=3,title=hyperframes-ci::"),
        "{}",
        run.log
    );
    let gone =
        "[[render]]\nproject = \"videos/one\"\n\n[[render]]\nname = \"x\"\nproject = \"videos/gone\"\n";
    write(stage.repository.path(), "hyperframes-ci.toml", gone);
    let run = stage.run(&stage.pull_request(), &[]);
    assert_eq!(run.code, 2);
    let annotation = run.log.lines().find(|line| line.starts_with("::error")).unwrap_or_default();
    assert!(
        annotation.starts_with("::error file=hyperframes-ci.toml,line=4,title=hyperframes-ci::"),
        "{annotation}"
    );
    assert!(annotation.contains("entry \"x\": directory not found"), "{annotation}");
}

#[test]
fn a_run_without_an_entry_for_its_event_says_so() {
    let stage = Stage::new();
    let text = "[[render]]\nproject = \"videos/one\"\non = [\"release\"]\n";
    write(stage.repository.path(), "hyperframes-ci.toml", text);
    commit(stage.repository.path(), "an entry");
    let run = stage.run(&stage.runner("push", &json!({})), &[("mode", "render")]);
    assert_eq!((run.code, stage.emulator.created()), (0, (0, 0)), "{}", run.log);
    assert!(run.log.contains("is for the event push"), "{}", run.log);
    assert!(run.summary.contains("no entry of the configuration is for the event push"), "{}", run.summary);
}

#[test]
fn invalid_inputs_are_annotated() {
    let stage = Stage::new();
    write(stage.repository.path(), "hyperframes-ci.md", "# Videos\n");
    for (input, value, message) in [
        ("fail-on", "x", "input fail-on must be one of error, warning, never (got \"x\")"),
        ("deny", "mising-asset", "input deny: unknown check \"mising-asset\""),
        ("projects", "nowhere", "nowhere"),
        ("projects", "hyperframes-ci.md", "hyperframes-ci.md is not part of a HyperFrames project"),
    ] {
        let run = stage.run(&stage.pull_request(), &[(input, value)]);
        assert_eq!(run.code, 2, "{}", run.log);
        let annotation = run.log.lines().find(|line| line.starts_with("::error title=hyperframes-ci::"));
        assert!(
            annotation.is_some_and(|line| line.contains(message) && line.contains("help: ")),
            "{}",
            run.log
        );
    }
}

#[test]
fn values_are_checked_for_the_projects_of_an_input() {
    let stage = Stage::new();
    write(stage.repository.path(), "values.json", "{\n  \"nosuch\": 1\n}\n");
    commit(stage.repository.path(), "values");
    let inputs = [("mode", "check"), ("projects", "videos/one"), ("variables-file", "values.json")];
    let run = stage.run(&stage.pull_request(), &inputs);
    assert!(run.log.contains("values.json") && run.log.contains("nosuch"), "{}", run.log);
    assert_eq!(stage.emulator.created(), (0, 0));
}

#[test]
fn a_repository_without_projects_succeeds_without_a_comment() {
    let mut stage = Stage::new();
    fs::remove_dir_all(stage.repository.path().join("videos")).unwrap();
    // The base does not have any, either.
    stage.repository.base = commit(stage.repository.path(), "remove the videos");
    let run = stage.run(&stage.pull_request(), &[]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert!(run.log.contains("No HyperFrames project found: nothing to check or render"), "{}", run.log);
    assert!(run.summary.contains("> No HyperFrames project found."), "{}", run.summary);
    assert!(run.outputs["video-path"].is_empty() && !run.log.contains("::error"), "{}", run.log);
    assert!(stage.github.state().comments.is_empty());
}

/// The engine is restored where it is missing and may be used, and saved once it is there.
#[test]
fn the_engine_is_kept_in_the_cache_of_the_service() {
    let stage = Stage::new();
    let used = |runner: &super::runner::Runner, inputs: &[(&str, &str)]| {
        let run = stage.run(runner, &[inputs, &[("projects", "videos/none*"), ("api-key", "")]].concat());
        let of_engine =
            |(name, with): &&(String, _)| name.contains("cache/") && !key(with).contains("ledger");
        let found = run.used.iter().filter(of_engine).map(|(name, with)| (name.clone(), with.clone()));
        found.collect::<Vec<_>>()
    };
    fn key(with: &std::collections::BTreeMap<String, String>) -> &str {
        with.get("key").map(String::as_str).unwrap_or_default()
    }
    let mut runner = stage.pull_request();
    let empty = tempfile::tempdir().unwrap();
    runner.set("HYPERFRAMES_CI_CACHE", &empty.path().display().to_string());
    let restored = used(&runner, &[]);
    let [(name, with)] = restored.as_slice() else { panic!("{restored:?}") };
    assert_eq!(name, "actions/cache/restore", "nothing is installed, so nothing is saved");
    assert!(key(with).starts_with("hyperframes-ci-linux-"), "{with:?}");
    let folder = empty.path().join("engine-");
    assert!(with["path"].starts_with(&*folder.display().to_string()), "{with:?}");
    // Not for what needs none, nor by a second use.
    assert!(used(&runner, &[]).is_empty());
    for inputs in [
        &[("api-key", crate::support::KEY)][..],
        &[("mode", "check")],
        &[("mode", "plan")],
        &[("engine-cache", "false")],
    ] {
        let mut runner = stage.pull_request();
        runner.set("HYPERFRAMES_CI_CACHE", &empty.path().display().to_string());
        assert!(used(&runner, inputs).is_empty(), "{inputs:?}");
    }
    // Nor where it is installed.
    for folder in with["path"].lines() {
        fs::create_dir_all(folder).unwrap();
    }
    let mut runner = stage.pull_request();
    runner.set("HYPERFRAMES_CI_CACHE", &empty.path().display().to_string());
    assert!(used(&runner, &[]).is_empty());
}

/// Two uses in one job, and the jobs of a matrix with equal inputs.
#[test]
fn each_use_has_its_own_artifact_report_and_cache_key() {
    let stage = Stage::new();
    let mut runner = stage.pull_request();
    let inputs = |project| [("projects", project), ("changed-only", "false")];
    let first = stage.run(&runner, &inputs("videos/one"));
    let second = stage.run(&runner, &inputs("videos/two"));
    runner.context("strategy.job-total", "2");
    runner.context("strategy.job-index", "1");
    let third = stage.run(&runner, &inputs("videos/two"));
    let runs = [&first, &second, &third];
    for run in runs {
        assert_eq!(run.code, 0, "{}", run.log);
    }
    let distinct = |value: &dyn Fn(&super::runner::Run) -> String| {
        let values = runs.map(value);
        let set = std::collections::BTreeSet::from(values.clone());
        assert!(set.len() == 3 && !set.contains(""), "{values:?}");
    };
    distinct(&|run| run.outputs["report-path"].clone());
    distinct(&|run| run.outputs["video-path"].clone());
    let input = |run: &super::runner::Run, action: &str, name: &str| {
        let used = run.used.iter().find(|(known, _)| known == action);
        used.map(|(_, inputs)| inputs[name].clone()).unwrap_or_default()
    };
    distinct(&|run| input(run, "actions/upload-artifact", "name"));
    distinct(&|run| input(run, "actions/upload-artifact", "path"));
    distinct(&|run| input(run, "actions/cache/save", "key"));
    assert_eq!(first.used[0].0, "actions/cache/restore");
    assert!(second.used[0].0 != "actions/cache/restore", "it would replace the ledger of the first use");
    let report = fs::read_to_string(&first.outputs["report-path"]).unwrap();
    assert!(report.contains("videos/one") && first.outputs["artifact-name"].starts_with("hyperframes-"));
    let body = stage.github.state().comments[0].body.clone();
    assert_eq!(body.matches("<!-- section ").count(), 3, "{body}");
    let named = [("projects", "videos/one"), ("artifact", "mine")];
    assert_eq!(stage.run(&runner, &named).outputs["artifact-name"], "mine");
}
