//! Events of GitHub; source: docs.github.com, "Webhook events and payloads".

use serde_json::Value;

use crate::ci::error::ProviderError;
use crate::ci::event::{Command, Event, PullRequest, Subject, TriggeringRun};
use crate::ci::provider::{Environment, required, variable};
use crate::ci::trust::{self, Evidence, Proof};

/// The first word of a comment that asks for renders.
pub(super) const RENDER: &str = "/render";

/// Reads the event of a run. `has_secrets` says whether the run has credentials; `checkout` returns whether the checkout
/// proves that its code is of the repository.
///
/// # Errors
/// Returns [`ProviderError::Event`] if a variable of the runner is missing, or the payload cannot be read.
pub(crate) fn read(
    environment: &Environment<'_>,
    has_secrets: bool,
    checkout: &dyn Fn(Proof) -> bool,
) -> Result<Event, ProviderError> {
    let set = |name: &str| variable(environment, name);
    let required = |name: &str| required(environment, name);
    let name = required("GITHUB_EVENT_NAME")?;
    let repository = repository(environment)?;
    let path = required("GITHUB_EVENT_PATH")?;
    let text = std::fs::read_to_string(&path)
        .map_err(|error| ProviderError::Event(format!("cannot read {path}: {error}")))?;
    let payload: Value =
        serde_json::from_str(&text).map_err(|error| ProviderError::Event(format!("{path}: {error}")))?;
    let server = set("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
    let run = set("GITHUB_RUN_ID").unwrap_or_default();
    let attempt = set("GITHUB_RUN_ATTEMPT").unwrap_or_else(|| "1".to_owned());
    let run_url = format!("{server}/{repository}/actions/runs/{run}/attempts/{attempt}");
    let mut job =
        format!("{} {}", set("GITHUB_WORKFLOW").unwrap_or_default(), set("GITHUB_JOB").unwrap_or_default());
    // All jobs of a matrix have one name.
    if let Some(index) = set("HYPERFRAMES_CI_MATRIX").filter(|index| !index.ends_with(" of 1")) {
        job.push_str(&format!(" {}", index.split(' ').next().unwrap_or_default()));
    }
    let subject = subject(&name, &payload, &repository);
    let rule = trust::rule_for(&name);
    let trust = rule.trust(&Evidence {
        is_own_head: payload.get("pull_request").is_some_and(|pull| is_own_head(pull, &repository)),
        is_public: payload.pointer("/repository/private") == Some(&Value::Bool(false)),
        has_secrets,
        checkout,
    });
    let commit = set("GITHUB_SHA").unwrap_or_default();
    let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let base = match rule.proof {
        Proof::Head => text("/pull_request/base/sha").filter(|sha| is_sha(sha)),
        _ if is_on_own_ref(environment) => Some(commit.clone()).filter(|sha| is_sha(sha)),
        _ => text("/repository/default_branch"),
    };
    Ok(Event {
        kind: subject.kind().unwrap_or(&name).to_owned(),
        subject,
        config: rule.config(trust, base),
        trust,
        commit,
        name,
        repository,
        run_url,
        is_private: payload.pointer("/repository/private") == Some(&Value::Bool(true)),
        job,
    })
}

fn subject(name: &str, payload: &Value, repository: &str) -> Subject {
    let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let sha = |pointer: &str| text(pointer).filter(|sha| is_sha(sha));
    match name {
        "pull_request" | "pull_request_target" => {
            let pull = payload.get("pull_request").and_then(|pull| pull_request(pull, repository));
            pull.map_or(Subject::Other, |request| {
                let is_closed = text("/action").as_deref() == Some("closed");
                Subject::PullRequest(PullRequest { is_closed, ..request })
            })
        }
        "workflow_run" => {
            let run = TriggeringRun {
                id: payload.pointer("/workflow_run/id").and_then(Value::as_u64).unwrap_or_default(),
                head: sha("/workflow_run/head_sha").unwrap_or_default(),
                repository: text("/workflow_run/head_repository/full_name").unwrap_or_default(),
                branch: text("/workflow_run/head_branch").unwrap_or_default(),
            };
            let is_known = run.id > 0 && !run.head.is_empty() && is_repository(&run.repository);
            if is_known { Subject::Run(run) } else { Subject::Other }
        }
        "issue_comment" => command(payload).map_or(Subject::Other, Subject::Command),
        "merge_group" => {
            sha("/merge_group/base_sha").map_or(Subject::Other, |base| Subject::MergeGroup { base })
        }
        // Other actions change the text of a release, or delete it.
        "release" if matches!(text("/action").as_deref(), Some("edited" | "deleted" | "unpublished")) => {
            Subject::Other
        }
        "release" => match text("/release/tag_name").filter(|tag| !tag.is_empty()) {
            Some(tag) => Subject::Release { tag },
            None => Subject::Other,
        },
        _ => Subject::Other,
    }
}

/// Reads the command of a new comment on a pull request; returns `None` for other comments.
fn command(payload: &Value) -> Option<Command> {
    let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str);
    let number = |pointer: &str| payload.pointer(pointer).and_then(Value::as_u64);
    // An edited comment may be another's.
    let is_new = text("/action") == Some("created");
    let is_pull = payload.pointer("/issue/pull_request").is_some_and(Value::is_object);
    let mut words = text("/comment/body")?.lines().next()?.split_whitespace();
    if !is_new || !is_pull || words.next() != Some(RENDER) {
        return None;
    }
    Some(Command {
        number: number("/issue/number")?,
        comment: number("/comment/id")?,
        author: text("/comment/user/login")?.to_owned(),
        author_id: number("/comment/user/id")?,
        argument: words.next().map(str::to_ascii_lowercase),
    })
}

/// Reads a pull request, which has the same format in payloads and in the API. Returns `None` if it is incomplete.
pub(super) fn pull_request(pull: &Value, repository: &str) -> Option<PullRequest> {
    let text = |pointer: &str| pull.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let sha = |pointer: &str| text(pointer).filter(|sha| is_sha(sha));
    Some(PullRequest {
        number: pull.get("number")?.as_u64()?,
        head: sha("/head/sha")?,
        base: sha("/base/sha")?,
        is_fork: !is_own_head(pull, repository),
        is_closed: text("/state").as_deref() == Some("closed"),
    })
}

/// Returns whether the head of a pull request is in `repository`. Names can change hands when a repository is renamed, so
/// ids are compared if both are known. The repository of a deleted fork is null.
fn is_own_head(pull: &Value, repository: &str) -> bool {
    if pull.pointer("/head/sha").and_then(Value::as_str).is_none_or(|sha| !is_sha(sha)) {
        return false;
    }
    let id = |side: &str| pull.pointer(&format!("/{side}/repo/id"));
    match (id("head"), id("base")) {
        (Some(head), Some(base)) => head.is_u64() && head == base,
        _ => pull.pointer("/head/repo/full_name").and_then(Value::as_str) == Some(repository),
    }
}

/// Returns the repository of the run.
///
/// # Errors
/// Returns [`ProviderError::Event`] if it is missing, or not `owner/name`.
pub(super) fn repository(environment: &Environment<'_>) -> Result<String, ProviderError> {
    let repository = required(environment, "GITHUB_REPOSITORY")?;
    if is_repository(&repository) {
        return Ok(repository);
    }
    Err(ProviderError::Event(format!("{repository:?} is not a repository (expected owner/name)")))
}

/// Returns whether the run is about a branch or a tag of the repository, and not about a pull request or a commit only.
pub(super) fn is_on_own_ref(environment: &Environment<'_>) -> bool {
    let name = variable(environment, "GITHUB_REF").unwrap_or_default();
    name.starts_with("refs/heads/") || name.starts_with("refs/tags/")
}

/// Returns whether a text is `owner/name` in the characters that GitHub allows.
fn is_repository(text: &str) -> bool {
    let is_name = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            && !part.bytes().all(|byte| byte == b'.')
    };
    text.split_once('/').is_some_and(|(owner, name)| is_name(owner) && is_name(name))
}

/// Returns whether a text is a number of few digits.
pub(super) fn is_number(text: &str) -> bool {
    (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns whether a text is a full SHA-1 or SHA-256.
pub(super) fn is_sha(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(head: &Value, action: &str) -> Subject {
        let sha = |digit: &str| digit.repeat(40);
        let payload = json!({ "action": action, "pull_request": {
            "number": 7, "head": { "sha": sha("a"), "repo": head }, "base": { "sha": sha("b") } } });
        subject("pull_request", &payload, "o/r")
    }

    #[test]
    fn forks_are_told_from_branches() {
        let is_fork = |head: &Value| {
            matches!(request(head, "opened"), Subject::PullRequest(PullRequest { is_fork: true, .. }))
        };
        assert!(!is_fork(&json!({ "full_name": "o/r" })));
        assert!(is_fork(&json!({ "full_name": "stranger/r" })));
        assert!(is_fork(&json!(null)), "a deleted fork");
    }

    #[test]
    fn what_is_no_commit_is_not_believed() {
        let payload = json!({ "pull_request": { "number": 7, "head": { "sha": "$(reboot)" }, "base": { "sha": "b" } } });
        assert_eq!(subject("pull_request", &payload, "o/r"), Subject::Other);
        assert!(matches!(
            request(&json!(null), "closed"),
            Subject::PullRequest(PullRequest { is_closed: true, .. })
        ));
    }

    #[test]
    fn a_release_that_is_edited_or_deleted_gets_no_videos() {
        let subject = |action: &str| {
            subject("release", &json!({ "action": action, "release": { "tag_name": "v1" } }), "o/r")
        };
        for action in ["published", "released", "prereleased", "created"] {
            assert_eq!(subject(action), Subject::Release { tag: "v1".to_owned() }, "{action}");
        }
        for action in ["edited", "deleted", "unpublished"] {
            assert_eq!(subject(action), Subject::Other, "{action}");
        }
    }

    #[test]
    fn a_merge_group_has_the_commit_that_it_is_merged_into() {
        let base = "b".repeat(40);
        let payload = json!({ "action": "checks_requested", "merge_group": { "base_sha": base } });
        assert_eq!(subject("merge_group", &payload, "o/r"), Subject::MergeGroup { base });
        assert_eq!(subject("merge_group", &json!({}), "o/r"), Subject::Other);
    }

    #[test]
    fn repositories_are_names() {
        assert!(is_repository("hyperframes-ci/x.y_z"));
        for bad in ["", "a", "a/b/c", "../x", "a/..", "a/b?c", "a /b"] {
            assert!(!is_repository(bad), "{bad}");
        }
    }

    fn comment(body: &str) -> Value {
        json!({ "action": "created", "issue": { "number": 7, "pull_request": {} },
            "comment": { "id": 9, "body": body, "user": { "login": "ada", "id": 3 } } })
    }

    #[test]
    fn commands_are_new_comments_on_pull_requests() {
        let argument = |body: &str| command(&comment(body)).map(|command| command.argument);
        assert_eq!(argument("/render"), Some(None));
        assert_eq!(argument("/render \r\nplease"), Some(None));
        assert_eq!(argument(" /render ABC"), Some(Some("abc".to_owned())));
        for other in ["", "\n/render", "/renders", "please /render", "> /render"] {
            assert_eq!(argument(other), None, "{other}");
        }
        for (pointer, value) in [
            ("/action", json!("edited")),
            ("/issue/pull_request", json!(null)),
            ("/issue/number", json!("7")),
            ("/comment/user", json!(null)),
            ("/comment/user/id", json!(null)),
        ] {
            let mut payload = comment("/render");
            *payload.pointer_mut(pointer).expect("a member") = value;
            assert_eq!(command(&payload), None, "{pointer}");
        }
    }
}
