//! Whether a label approves a merge request on GitLab.

use serde_json::Value;

use super::client::Client;
use crate::ci::approval::{Approval, LabelFacts};
use crate::ci::error::ProviderError;
use crate::ci::event::PullRequest;
use crate::ci::rest::Body;

/// The role *Developer*, from which on members may push; source: docs.gitlab.com, "Members API".
const DEVELOPER: u64 = 30;

/// Reads the labels of a merge request, when its newest version was pushed, and the role of who set the label.
///
/// # Errors
/// Returns [`ProviderError`] if one of them cannot be read.
pub(super) fn read(client: &Client, request: &PullRequest, label: &str) -> Result<Approval, ProviderError> {
    let path = |rest: &str| client.path(&format!("/merge_requests/{}{rest}", request.number));
    let found = client.api.call("GET", &path(""), &Body::None)?.ok("the merge request")?;
    let labels = found["labels"].as_array().into_iter().flatten();
    let is_label = |value: &Value| value.as_str() == Some(label);
    let mut facts = LabelFacts {
        commit: request.head.clone(),
        head: text(&found["sha"]),
        is_set: labels.into_iter().any(is_label),
        ..LabelFacts::default()
    };
    let mut id = None;
    if facts.is_set {
        let events = client.api.list(&path("/resource_label_events?per_page=100"), "the label's history")?;
        let is_set = |event: &&Value| event["action"] == "add" && is_label(&event["label"]["name"]);
        if let Some(event) = events.iter().rev().find(is_set) {
            facts.set = Some((text(&event["created_at"]), text(&event["user"]["username"])));
            id = event["user"]["id"].as_u64();
        }
        // The newest is the first.
        let versions = client.api.call("GET", &path("/versions?per_page=1"), &Body::None)?;
        let versions = versions.ok("the versions of the merge request")?;
        let newest = &versions[0];
        facts.pushed =
            (newest["head_commit_sha"] == facts.head.as_str()).then(|| text(&newest["created_at"]));
    }
    facts.judge(|_| {
        let Some(id) = id else { return Ok(false) };
        let member = client.api.call("GET", &client.path(&format!("/members/all/{id}")), &Body::None)?;
        if member.status == 404 {
            return Ok(false);
        }
        let member = member.ok("the role of the user who set the label")?;
        Ok(member["access_level"].as_u64().is_some_and(|level| level >= DEVELOPER))
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
