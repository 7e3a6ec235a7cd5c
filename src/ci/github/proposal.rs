//! Pull requests with files that a run has made: one commit on a branch of its own, on top of the run's commit.

use serde_json::{Value, json};

use super::client::Client;
use super::objects::{self, entry};
use crate::ci::error::ProviderError;
use crate::ci::provider::{Proposal, Proposed};
use crate::ci::rest::Body;
use crate::system::abort::abort_at;
use crate::system::url::encode_component;

/// The line by which the commits of proposals are recognized: a branch with others is not replaced.
const MARK: &str = "Generated-by: hyperframes-ci";

/// What is created, in errors.
const SUBJECT: &str = "generated media";

/// Writes the branch, and opens a pull request to `target` unless there is one.
///
/// # Errors
/// Returns [`ProviderError`] if the API refuses the branch, or it has commits of others.
pub(super) fn propose(
    client: &Client,
    target: &str,
    commit: &str,
    proposal: &Proposal<'_>,
) -> Result<Proposed, ProviderError> {
    let tip = tip(client, proposal.branch)?;
    if let Some(tip) = &tip {
        let newest = client.get(&format!("/git/commits/{tip}"), "the branch of generated media")?;
        if !newest["message"].as_str().is_some_and(|message| message.contains(MARK)) {
            return Err(ProviderError::Failed(format!(
                "the branch {} has other commits than those of hyperframes-ci; set the input media-branch to another one",
                proposal.branch
            )));
        }
    }
    let entries = proposal.files.iter().map(|file| {
        let blob = objects::upload(client, file, SUBJECT)?;
        Ok(entry(&file.name, Some(&blob)))
    });
    let entries = entries.collect::<Result<Vec<_>, ProviderError>>()?;
    let base = client.get(&format!("/git/commits/{commit}"), "the commit of the run")?;
    let tree = json!({ "base_tree": base["tree"]["sha"], "tree": entries });
    let tree = objects::create(client, "/git/trees", &tree, SUBJECT)?;
    let message = format!("{}\n\n{MARK}\n", proposal.title);
    let body = json!({ "message": message, "tree": tree, "parents": [commit] });
    let made = objects::create(client, "/git/commits", &body, SUBJECT)?;
    abort_at("committed");
    match tip {
        Some(_) => {
            let body = json!({ "sha": made, "force": true });
            let path = format!("/git/refs/heads/{}", proposal.branch);
            client.send("PATCH", &path, &body, "the branch of generated media")?;
        }
        None => {
            let body = json!({ "ref": format!("refs/heads/{}", proposal.branch), "sha": made });
            client.send("POST", "/git/refs", &body, "the branch of generated media")?;
        }
    }
    abort_at("branch");
    open(client, target, proposal)
}

/// Returns the URL of the open pull request of the branch, and opens one if there is none.
fn open(client: &Client, target: &str, proposal: &Proposal<'_>) -> Result<Proposed, ProviderError> {
    let owner = client.path.split('/').nth(2).unwrap_or_default();
    let head = encode_component(&format!("{owner}:{}", proposal.branch));
    let path = format!("/pulls?state=open&head={head}&base={}", encode_component(target));
    let url = |pull: &Value| pull["html_url"].as_str().unwrap_or_default().to_owned();
    let opened = client.get(&path, "the open pull requests").and_then(|list| match list.get(0) {
        Some(pull) => Ok(url(pull)),
        None => {
            let body = json!({
                "title": proposal.title, "body": proposal.body, "head": proposal.branch, "base": target,
            });
            client.send("POST", "/pulls", &body, "the pull request").map(|pull| url(&pull))
        }
    });
    let compare = || format!("{}/compare/{target}...{}?expand=1", client.web, proposal.branch);
    match opened {
        Ok(url) => Ok(Proposed::PullRequest(url)),
        // The branch has what was paid for.
        Err(error) => Ok(Proposed::Branch(compare(), error.to_string())),
    }
}

/// Returns a file of a branch; `None` if the branch or the file does not exist.
///
/// # Errors
/// Returns [`ProviderError`] if the API refuses.
pub(super) fn file(client: &Client, branch: &str, path: &str) -> Result<Option<Vec<u8>>, ProviderError> {
    let Some(tip) = tip(client, branch)? else { return Ok(None) };
    let commit = client.get(&format!("/git/commits/{tip}"), "the branch of generated media")?;
    let tree = commit["tree"]["sha"].as_str().unwrap_or_default();
    let found = objects::find(client, tree, path, "the files of generated media")?;
    found.map(|sha| objects::read_blob(client, &sha, "a file of generated media")).transpose()
}

/// Returns the newest commit of a branch.
fn tip(client: &Client, branch: &str) -> Result<Option<String>, ProviderError> {
    let response = client.call("GET", &format!("/git/ref/heads/{branch}"), &Body::None)?;
    if response.status == 404 {
        return Ok(None);
    }
    let reference = response.ok("the branch of generated media")?;
    Ok(reference["object"]["sha"].as_str().map(str::to_owned))
}
