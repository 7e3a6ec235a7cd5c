//! Whether a label approves a pull request on GitHub.

use serde_json::{Value, json};

use super::client::Client;
use crate::ci::approval::{Approval, LabelFacts};
use crate::ci::error::ProviderError;
use crate::ci::event::PullRequest;
use crate::ci::rest::Body;
use crate::system::url::encode_component;

const QUERY: &str = "query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      headRefOid
      headRefName
      headRepository { nameWithOwner }
      labels(first: 100) { nodes { name } }
      timelineItems(last: 100, itemTypes: [LABELED_EVENT]) {
        nodes { ... on LabeledEvent { createdAt actor { login } label { name } } }
      }
    }
  }
}";

/// Permissions that include pushing; source: docs.github.com, "Get repository permissions for a user". `maintain` is reported as
/// `write`, and `triage` as `read`.
const WRITE: &[&str] = &["admin", "write"];

/// Reads the labels of a pull request, the last push to its branch, and the permission of who set the label.
///
/// # Errors
/// Returns [`ProviderError`] if the pull request or the permission cannot be read.
pub(super) fn read(client: &Client, request: &PullRequest, label: &str) -> Result<Approval, ProviderError> {
    let (owner, name) =
        client.path.trim_start_matches("/repos/").split_once('/').unwrap_or(("", &client.path));
    let variables = json!({ "owner": owner, "name": name, "number": request.number });
    let (data, errors) = client.graph(QUERY, &variables, "the labels of the pull request")?;
    let pull = &data["repository"]["pullRequest"];
    if !pull.is_object() {
        let message = errors.into_iter().next().map(|error| error.message).unwrap_or_default();
        return Err(ProviderError::Forbidden(format!("the labels of the pull request: {message}")));
    }
    let is_label =
        |value: &Value| value["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(label));
    let nodes = |list: &Value| list["nodes"].as_array().cloned().unwrap_or_default();
    let mut facts = LabelFacts {
        commit: request.head.clone(),
        head: text(&pull["headRefOid"]),
        is_set: nodes(&pull["labels"]).iter().any(is_label),
        ..LabelFacts::default()
    };
    if facts.is_set {
        let events = nodes(&pull["timelineItems"]);
        let last = events.iter().rev().find(|event| is_label(&event["label"]));
        facts.set = last.map(|event| (text(&event["createdAt"]), text(&event["actor"]["login"])));
        facts.pushed = last_push(client, pull, &facts.head)?;
    }
    facts.judge(|user| can_write(client, user))
}

/// Returns when the branch of the pull request has got its newest commit. A fork that cannot be read has no such time.
fn last_push(client: &Client, pull: &Value, head: &str) -> Result<Option<String>, ProviderError> {
    let (Some(repository), Some(branch)) =
        (pull["headRepository"]["nameWithOwner"].as_str(), pull["headRefName"].as_str())
    else {
        return Ok(None);
    };
    let reference = encode_component(&format!("refs/heads/{branch}"));
    let path = format!("/repos/{repository}/activity?ref={reference}&per_page=1");
    let response = client.api.call("GET", &path, &Body::None)?;
    if matches!(response.status, 403 | 404) {
        return Ok(None);
    }
    let activity = response.ok("the pushes to the branch")?;
    let newest = &activity[0];
    Ok((newest["after"] == head).then(|| text(&newest["timestamp"])))
}

/// Returns whether a user may push to the repository.
fn can_write(client: &Client, user: &str) -> Result<bool, ProviderError> {
    let path = format!("/collaborators/{}/permission", encode_component(user));
    let response = client.call("GET", &path, &Body::None)?;
    // Apps and deleted users have none.
    if response.status == 404 {
        return Ok(false);
    }
    let permission = response.ok("the permission of the user who set the label")?;
    Ok(permission["permission"].as_str().is_some_and(|permission| WRITE.contains(&permission)))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
