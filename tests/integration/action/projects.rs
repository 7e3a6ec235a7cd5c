//! Links of a comment to published projects.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::github::Comment;
use super::runner::{Run, Runner};
use super::stage::{Stage, commit};
use crate::support::{KEY, html, listener, write};

fn sign_in(runner: &mut Runner) {
    let folder = runner.temporary().join("heygen");
    let session = json!({ "oauth": { "access_token": KEY, "expires_at": "2999-01-01T00:00:00Z" } });
    write(&folder, "credentials", &session.to_string());
    runner.set("HEYGEN_CONFIG_DIR", &folder.display().to_string());
}

/// A push with these changes, on a runner with a sign-in.
fn push(stage: &mut Stage, path: &str, text: &str, inputs: &[(&str, &str)]) -> Run {
    change(stage, path, text);
    let mut runner = stage.pull_request();
    sign_in(&mut runner);
    stage.run(&runner, &[inputs, &[("publish", "true"), ("diff", "false")]].concat())
}

fn change(stage: &mut Stage, path: &str, text: &str) {
    write(stage.repository.path(), path, &html(720, 720, text));
    stage.repository.head = commit(stage.repository.path(), text);
    stage.github.state().head.clone_from(&stage.repository.head);
}

fn comment(stage: &Stage) -> String {
    stage.github.state().comments[0].body.clone()
}

fn projects(stage: &Stage) -> Vec<serde_json::Value> {
    stage.emulator.stats()["projects"].as_array().unwrap().clone()
}

#[test]
fn pushes_update_the_projects_that_the_comment_links_to_and_they_remain_when_it_is_closed() {
    let mut stage = Stage::new();
    let run = push(&mut stage, "videos/two/index.html", "1", &[("publish-space", "s1")]);
    assert_eq!(run.code, 0, "{}", run.log);
    let first = projects(&stage);
    assert_eq!(first.len(), 2, "both are changed");
    assert!(first.iter().all(|project| project["is_public"] == false && project["space"] == "s1"));
    assert_eq!(first[0]["title"], "one (#7)");
    let link = |index: usize| {
        format!("]({}/p/{})", stage.emulator.url, first[index]["project_id"].as_str().unwrap())
    };
    let links = [link(0), link(1)];
    let body = comment(&stage);
    assert!(links.iter().all(|link| body.contains(link)), "{body}");
    let url = |index: usize| links[index].trim_matches(['(', ')', ']']);
    let urls = json!({ "videos/one": url(0), "videos/two": url(1) });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&run.outputs["project-urls"]).unwrap(), urls);
    // A push that changes one of them; on another day, without the other.
    let run = push(&mut stage, "videos/two/index.html", "2", &[("publish-space", "s1")]);
    assert_eq!(run.code, 0, "{}", run.log);
    let second = projects(&stage);
    assert_eq!((second.len(), &second[1]["versions"]), (2, &json!(2)), "{}", run.log);
    // What is only remembered is remembered on.
    stage.repository.base = stage.repository.head.clone();
    let run = push(&mut stage, "videos/two/index.html", "3", &[]);
    assert_eq!(run.code, 0, "{}", run.log);
    let body = comment(&stage);
    assert!(!body.contains(&links[0]) && body.contains(&links[1]), "{body}");
    assert_eq!(body.matches("<!-- project ").count(), 2, "{body}");
    assert_eq!(projects(&stage).len(), 2);
    // Closed: nothing can delete them, and the comment says so.
    stage.github.state().is_closed = true;
    let run = stage.run(&stage.runner("pull_request", &stage.repository.pull_request("closed", "o/r")), &[]);
    assert_eq!(run.code, 0, "{}", run.log);
    let body = comment(&stage);
    assert!(body.contains("Published projects remain until someone deletes them"), "{body}");
    assert_eq!(body.matches("\n- http").count(), 2, "{body}");
    // Opened again: the same projects.
    stage.github.state().is_closed = false;
    let run = push(&mut stage, "videos/two/index.html", "4", &[]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(projects(&stage).len(), 2);
}

#[test]
fn what_prevents_a_publication_is_a_note() {
    let mut stage = Stage::new();
    // Without a sign-in: the API key cannot own a project.
    let run = stage.run(&stage.pull_request(), &[("publish", "true"), ("diff", "false")]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert!(
        comment(&stage).contains("No project was published: publishing requires a sign-in"),
        "{}",
        comment(&stage)
    );
    // A server that fails, an answer that is lost.
    for (fault, text) in [(r#"{"status": 400}"#, "HTTP 400"), (r#""drop_before""#, "the answer was lost")] {
        stage.emulator.script(&format!(r#"{{"rules": [{{"on": "publish", "times": 9, "do": {fault}}}]}}"#));
        let run = push(&mut stage, "videos/one/index.html", &format!("{fault}1"), &[]);
        assert_eq!(run.code, 0, "{}", run.log);
        let body = comment(&stage);
        assert!(body.contains("was not published") && body.contains(text), "{body}");
        assert!(!body.contains("<!-- project "), "{body}");
    }
    stage.emulator.script(r#"{"rules": []}"#);
    let run = push(&mut stage, "videos/one/index.html", "5", &[("comment", "false")]);
    assert!(run.summary.contains("`publish` requires the comment"), "{}", run.summary);
    assert_eq!(projects(&stage).len(), 0);
    // A fork, with and without secrets.
    let mut runner = stage.runner("pull_request", &stage.repository.pull_request("synchronize", "evil/r"));
    sign_in(&mut runner);
    let run = stage.run(&runner, &[("publish", "true"), ("diff", "false")]);
    assert!(run.summary.contains("No project was published: the code may be from a fork"), "{}", run.summary);
    assert_eq!(projects(&stage).len(), 0);
}

#[test]
fn runs_that_publish_nothing_forget_no_project() {
    for is_read_only in [false, true] {
        let mut stage = Stage::new();
        // Where the previews branch cannot be written, sections are in the comment only.
        stage.github.state().may_write = !is_read_only;
        let run = push(&mut stage, "videos/one/index.html", "1", &[]);
        assert_eq!((run.code, projects(&stage).len()), (0, 1), "{}", run.log);
        // Anyone can write a comment like ours.
        let forged = comment(&stage).replace(projects(&stage)[0]["project_id"].as_str().unwrap(), "forged");
        stage.github.state().comments.push(Comment { id: 99, login: "someone".to_owned(), body: forged });
        // Without a sign-in, and without the input.
        for inputs in [&[("publish", "true"), ("diff", "false")][..], &[("diff", "false")]] {
            change(&mut stage, "videos/one/index.html", &format!("{inputs:?}"));
            let run = stage.run(&stage.pull_request(), inputs);
            assert_eq!(run.code, 0, "{}", run.log);
            assert_eq!(comment(&stage).matches("<!-- project ").count(), 1, "{}", comment(&stage));
        }
        push(&mut stage, "videos/one/index.html", "2", &[]);
        let published = projects(&stage);
        assert_eq!((published.len(), &published[0]["versions"]), (1, &json!(2)), "{}", comment(&stage));
    }
}

#[test]
fn a_deleted_comment_forgets_no_project() {
    let mut stage = Stage::new();
    push(&mut stage, "videos/one/index.html", "1", &[]);
    stage.github.state().comments.clear();
    let run = push(&mut stage, "videos/one/index.html", "2", &[]);
    let published = projects(&stage);
    assert_eq!((published.len(), &published[0]["versions"]), (1, &json!(2)), "{}", run.log);
    assert!(comment(&stage).contains(published[0]["project_id"].as_str().unwrap()));
}

#[test]
fn a_long_message_of_the_server_takes_no_room_from_the_links() {
    let mut stage = Stage::new();
    change(&mut stage, "videos/two/index.html", "1");
    let completions = AtomicUsize::new(0);
    let (url, _) = listener(move |head, own| {
        let (status, body) = if head.contains("/publish/complete") {
            let project = json!({ "project_id": "p1", "url": format!("{own}/p/p1"), "claimed": true });
            match completions.fetch_add(1, Ordering::Relaxed) {
                0 => (200, json!({ "data": project })),
                _ => (400, json!({ "message": "`<!-- long -->\n".repeat(20_000) })),
            }
        } else {
            (200, json!({ "data": { "upload_url": format!("{own}/put"), "upload_key": "k" } }))
        };
        let body = body.to_string();
        format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    });
    let mut runner = stage.pull_request();
    sign_in(&mut runner);
    runner.set("HYPERFRAMES_PUBLISHED_PROJECTS_API_URL", &url);
    let run = stage.run(&runner, &[("publish", "true"), ("diff", "false")]);
    assert_eq!(run.code, 0, "{}", run.log);
    let body = comment(&stage);
    assert!(body.contains("was not published") && body.contains(&format!("p1 {url}/p/p1 -->")), "{body}");
    assert!(body.len() < 10_000 && !body.contains("<!-- long"), "{body}");
}
