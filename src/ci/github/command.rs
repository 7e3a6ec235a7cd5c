//! The comment `/render` on a pull request (`issue_comment`), which anyone can write.
//!
//! It is obeyed if its author may write to the repository, and the checkout is the newest commit of the pull request. The
//! event does not have that commit. So that a fork cannot exchange its code between the comment and the run, the comment on a
//! fork's pull request names it: `/render <commit>`. Whatever cannot be proven is refused.

use std::path::Path;

use serde_json::{Value, json};

use super::client::Client;
use super::event::{self, RENDER, is_sha};
use crate::ci::checkout;
use crate::ci::error::ProviderError;
use crate::ci::event::{Command, PullRequest, Subject};
use crate::ci::rest::Body;
use crate::system::url::encode_component;

/// Reactions to a comment that is obeyed or refused; source: docs.github.com, "Create reaction for an issue comment".
const ACCEPTED: &str = "eyes";
const REFUSED: &str = "confused";

/// Returns the pull request that a command is about, or why the command is refused, and reacts to the comment.
///
/// # Errors
/// Returns [`ProviderError`] if the API does not respond.
pub(super) fn resolve(
    client: &Client,
    command: &Command,
    repository: &str,
    workspace: Option<&Path>,
) -> Result<Subject, ProviderError> {
    let resolved = match accept(client, command, repository, workspace) {
        Err(ProviderError::Forbidden(message)) => Err(message),
        resolved => resolved?,
    };
    let (subject, reaction) = match resolved {
        Ok(request) => (Subject::PullRequest(request), ACCEPTED),
        Err(reason) => (Subject::Refused(reason), REFUSED),
    };
    if client.require_token().is_err() {
        return Ok(subject);
    }
    // The token may not be allowed to react.
    let path = format!("/issues/comments/{}/reactions", command.comment);
    let _ = client.call("POST", &path, &Body::Json(&json!({ "content": reaction })));
    Ok(subject)
}

/// Returns the pull request, or the reason for which the command is refused.
fn accept(
    client: &Client,
    command: &Command,
    repository: &str,
    workspace: Option<&Path>,
) -> Result<Result<PullRequest, String>, ProviderError> {
    client.require_token()?;
    let path = format!("/collaborators/{}/permission", encode_component(&command.author));
    let author = client.get(&path, "the permission of the author of the comment")?;
    // A name may belong to another user meanwhile.
    let is_author = author.pointer("/user/id").and_then(Value::as_u64) == Some(command.author_id);
    let may_write = matches!(author["permission"].as_str(), Some("admin" | "write"));
    if !is_author || !may_write {
        return Ok(Err(format!("@{} does not have write access to the repository", command.author)));
    }
    let pull = client.get(&format!("/pulls/{}", command.number), "the pull request")?;
    let Some(request) = event::pull_request(&pull, repository).filter(|it| it.number == command.number)
    else {
        return Ok(Err(format!("the pull request #{} cannot be read", command.number)));
    };
    let head = &request.head;
    let named = command.argument.as_deref();
    if request.is_closed {
        return Ok(Err(format!("the pull request #{} is closed", request.number)));
    }
    if named.is_none() && request.is_fork {
        return Ok(Err(format!(
            "the pull request is from a fork, so the comment must name the commit that was reviewed: {RENDER} {head}"
        )));
    }
    if named.is_some_and(|named| named != head) {
        let reason = match named.is_some_and(is_sha) {
            true => "the pull request has another commit",
            false => "a comment names a commit by all its digits",
        };
        return Ok(Err(format!("{reason}: {RENDER} {head}")));
    }
    let present = workspace.and_then(checkout::head);
    if present.as_ref() != Some(head) {
        let present = present.unwrap_or_else(|| "no commit".to_owned());
        return Ok(Err(format!(
            "the checkout is {present}, and the pull request is {head}: check out refs/pull/{}/head",
            request.number
        )));
    }
    Ok(Ok(request))
}
