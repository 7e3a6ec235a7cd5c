//! Events of GitHub; source: docs.github.com, "Webhook events and payloads".

use serde_json::Value;

use crate::ci::error::ProviderError;
use crate::ci::event::{Event, PullRequest, Subject, TriggeringRun};
use crate::ci::provider::{Environment, required, variable};

/// Reads the event of a run.
///
/// # Errors
/// Returns [`ProviderError::Event`] if a variable of the runner is missing, or the payload cannot be read.
pub(super) fn read(environment: &Environment<'_>) -> Result<Event, ProviderError> {
    let set = |name: &str| variable(environment, name);
    let required = |name: &str| required(environment, name);
    let name = required("GITHUB_EVENT_NAME")?;
    let repository = required("GITHUB_REPOSITORY")?;
    if !is_repository(&repository) {
        return Err(ProviderError::Event(format!(
            "{repository:?} is not a repository (expected owner/name)"
        )));
    }
    let path = required("GITHUB_EVENT_PATH")?;
    let text = std::fs::read_to_string(&path)
        .map_err(|error| ProviderError::Event(format!("cannot read {path}: {error}")))?;
    let payload: Value =
        serde_json::from_str(&text).map_err(|error| ProviderError::Event(format!("{path}: {error}")))?;
    let server = set("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
    let run = set("GITHUB_RUN_ID").unwrap_or_default();
    let attempt = set("GITHUB_RUN_ATTEMPT").unwrap_or_else(|| "1".to_owned());
    let run_url = format!("{server}/{repository}/actions/runs/{run}/attempts/{attempt}");
    let job =
        format!("{} {}", set("GITHUB_WORKFLOW").unwrap_or_default(), set("GITHUB_JOB").unwrap_or_default());
    let subject = subject(&name, &payload, &repository);
    Ok(Event {
        kind: subject.kind().unwrap_or(&name).to_owned(),
        subject,
        is_privileged: matches!(name.as_str(), "pull_request_target" | "workflow_run" | "issue_comment"),
        commit: set("GITHUB_SHA").unwrap_or_default(),
        name,
        repository,
        run_url,
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
        "release" => match text("/release/tag_name").filter(|tag| !tag.is_empty()) {
            Some(tag) => Subject::Release { tag },
            None => Subject::Other,
        },
        _ => Subject::Other,
    }
}

/// Reads a pull request, which has the same format in payloads and in the API. Returns `None` if it is incomplete.
pub(super) fn pull_request(pull: &Value, repository: &str) -> Option<PullRequest> {
    let text = |pointer: &str| pull.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let sha = |pointer: &str| text(pointer).filter(|sha| is_sha(sha));
    Some(PullRequest {
        number: pull.get("number")?.as_u64()?,
        head: sha("/head/sha")?,
        base: sha("/base/sha")?,
        // The repository of a deleted fork is null.
        is_fork: text("/head/repo/full_name").as_deref() != Some(repository),
        is_closed: text("/state").as_deref() == Some("closed"),
    })
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
    fn repositories_are_names() {
        assert!(is_repository("hyperframes-ci/x.y_z"));
        for bad in ["", "a", "a/b/c", "../x", "a/..", "a/b?c", "a /b"] {
            assert!(!is_repository(bad), "{bad}");
        }
    }
}
