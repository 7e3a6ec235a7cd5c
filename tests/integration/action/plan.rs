//! Mode `plan` and the jobs that it plans: the recipe of docs/recipes/matrix.md.

use serde_json::{Value, json};

use super::configuration::named;
use super::runner::{Run, Runner};
use super::stage::{Stage, commit};
use crate::support::{html, write};

/// The jobs of a matrix: names, and values of the input `targets` as GitHub's `toJSON` writes them.
fn jobs(plan: &Run) -> Vec<(String, String)> {
    let matrix: Value = serde_json::from_str(&plan.outputs["matrix"]).unwrap();
    let jobs = matrix["include"].as_array().unwrap().iter();
    let jobs = jobs.map(|job| (job["name"].as_str().unwrap().to_owned(), format!("{:#}", job["targets"])));
    jobs.collect()
}

fn plan(stage: &Stage, inputs: &[(&str, &str)]) -> Run {
    let run = stage.run(&stage.pull_request(), &[&[("mode", "plan")], inputs].concat());
    assert_eq!(run.outputs["count"], jobs(&run).len().to_string(), "{}", run.log);
    run
}

/// Runs the jobs of a plan, in this order of their places in the matrix.
fn render(stage: &Stage, jobs: &[(String, String)], inputs: &[(&str, &str)]) -> Vec<Run> {
    let total = jobs.len().to_string();
    let run = |(index, (_, targets)): (usize, &(String, String))| {
        let mut runner: Runner = stage.pull_request();
        runner.context("strategy.job-index", &index.to_string());
        runner.context("strategy.job-total", &total);
        stage.run(&runner, &[&[("targets", targets.as_str())], inputs].concat())
    };
    jobs.iter().enumerate().map(run).collect()
}

#[test]
fn each_touched_composition_is_rendered_by_a_job_of_its_own_and_all_share_a_comment() {
    let mut stage = Stage::new();
    let path = stage.repository.path().to_owned();
    let hostile = "videos/b \"$(touch pwned)\" {{ x }}";
    write(&path, &format!("{hostile}/index.html"), &html(720, 720, "<img src=\"gone.png\">"));
    stage.repository.head = commit(&path, "one more");
    stage.github.state().head.clone_from(&stage.repository.head);
    let videos = [("projects", "videos")];
    let planned = plan(&stage, &videos);
    assert_eq!(planned.code, 5, "a finding fails the plan, too: {}", planned.log);
    assert_eq!(planned.log.matches("::error file=videos/b").count(), 1, "{}", planned.log);
    assert!(planned.summary.contains("**2 to render, 1 unchanged**"), "{}", planned.summary);
    assert!(planned.summary.contains("> Planned: 2 compositions in 2 jobs."), "{}", planned.summary);
    assert_eq!(stage.emulator.created(), (0, 0));
    assert!(stage.github.state().comments.is_empty());
    let jobs = jobs(&planned);
    assert_eq!(jobs.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), [hostile, "videos/one"]);
    let runs = render(&stage, &jobs, &videos);
    assert_eq!(runs.iter().map(|run| run.code).collect::<Vec<_>>(), [5, 0], "{}", runs[1].log);
    assert!(!runs[0].log.contains("::error file="), "the plan has annotated it: {}", runs[0].log);
    assert!(runs[0].log.contains("gone.png"), "but the log says why: {}", runs[0].log);
    assert_eq!(stage.emulator.created(), (1, 1), "each job renders its own only");
    assert!(runs[0].outputs["artifact-name"] != runs[1].outputs["artifact-name"]);
    assert!(!path.join("pwned").exists());
    let body = |stage: &Stage| {
        let comments = stage.github.state().comments.clone();
        let [comment] = comments.as_slice() else { panic!("one comment") };
        comment.body.clone()
    };
    let first = body(&stage);
    assert_eq!(first.matches("<!-- section ").count(), 2, "{first}");
    assert!(first.contains("not rendered: 1 error") && first.contains("<code>videos&#47;one</code>"));
    // The next push touches one only: its section is found again, whichever place it has in the matrix.
    std::fs::remove_dir_all(path.join(hostile)).unwrap();
    stage.repository.head = commit(&path, "removed");
    stage.github.state().head.clone_from(&stage.repository.head);
    let planned = plan(&stage, &videos);
    assert_eq!(planned.code, 0, "{}", planned.log);
    assert_eq!(self::jobs(&planned), jobs[1..]);
    render(&stage, &jobs[1..], &videos);
    let second = body(&stage);
    assert_eq!(second.matches("<!-- section ").count(), 2, "the other one is out of date: {second}");
    assert_eq!(second.matches("1 reused").count(), 1, "{second}");
}

#[test]
fn entries_and_several_compositions_of_a_project_are_planned() {
    let mut stage = Stage::new();
    write(stage.repository.path(), "videos/one/b.html", &html(720, 720, ""));
    stage.repository.head = commit(stage.repository.path(), "another composition");
    let inputs = [("projects", "videos/one"), ("composition", "index.html\nb.html")];
    let planned = plan(&stage, &inputs);
    let targets = jobs(&planned).into_iter().map(|(_, targets)| targets).collect::<Vec<_>>();
    assert_eq!(
        targets,
        [["videos/one/index.html"], ["videos/one/b.html"]].map(|names| format!("{:#}", json!(names)))
    );
    let runs = render(&stage, &jobs(&planned), &inputs);
    assert_eq!(stage.emulator.created().1, 2, "{}", runs[1].log);
    named(&stage);
    let planned = plan(&stage, &[]);
    assert_eq!(jobs(&planned).iter().map(|(name, _)| &**name).collect::<Vec<_>>(), ["teaser", "customers"]);
    let runs = render(&stage, &jobs(&planned)[..1], &[]);
    let results: Value = serde_json::from_str(&runs[0].outputs["results"]).unwrap();
    assert_eq!((results.as_array().unwrap().len(), &results[0]["composition"]), (1, &json!("teaser")));
}

#[test]
fn nothing_is_planned_where_nothing_is_touched() {
    let stage = Stage::new();
    let run = plan(&stage, &[("projects", "videos/two")]);
    assert_eq!((run.code, &*run.outputs["count"]), (0, "0"), "{}", run.log);
    assert_eq!(run.outputs["matrix"], json!({ "include": [] }).to_string());
    let push = stage.run(&stage.runner("push", &json!({})), &[("projects", "videos"), ("mode", "plan")]);
    assert_eq!(
        (push.code, &*push.outputs["count"]),
        (0, "2"),
        "all, where nothing is compared: {}",
        push.log
    );
    let run = stage.run(&stage.pull_request(), &[("targets", "[\"videos/gone/index.html\"]")]);
    assert_eq!(run.code, 2, "{}", run.log);
    assert!(
        run.log.contains("input targets: no composition or entry \"videos/gone/index.html\""),
        "{}",
        run.log
    );
}
