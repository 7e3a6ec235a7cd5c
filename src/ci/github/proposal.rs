//! Pull requests with files that a run has made: one commit on a branch of its own, on top of the run's commit.

use std::io::Read;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use super::client::Client;
use super::snapshot::read_blob;
use crate::ci::error::ProviderError;
use crate::ci::provider::{Media, Proposal, Proposed};
use crate::ci::rest::Body;
use crate::system::gate;
use crate::system::url::encode_component;

/// The line by which the commits of proposals are recognized: a branch with others is not replaced.
const MARK: &str = "Generated-by: hyperframes-ci";

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
        let blob = upload(client, file)?;
        Ok(json!({ "path": file.name, "mode": "100644", "type": "blob", "sha": blob }))
    });
    let entries = entries.collect::<Result<Vec<_>, ProviderError>>()?;
    let base = client.get(&format!("/git/commits/{commit}"), "the commit of the run")?;
    let tree = json!({ "base_tree": base["tree"]["sha"], "tree": entries });
    let tree = create(client, "/git/trees", &tree)?;
    let message = format!("{}\n\n{MARK}\n", proposal.title);
    let body = json!({ "message": message, "tree": tree, "parents": [commit] });
    let made = create(client, "/git/commits", &body)?;
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
    let tree = client.get(&format!("/git/trees/{tree}?recursive=1"), "the files of generated media")?;
    let found = tree["tree"].as_array().into_iter().flatten().find(|entry| entry["path"] == path);
    let sha = found.and_then(|entry| entry["sha"].as_str());
    sha.map(|sha| read_blob(client, sha, "a file of generated media")).transpose()
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

fn upload(client: &Client, file: &Media) -> Result<String, ProviderError> {
    let failed = |error: std::io::Error| ProviderError::Failed(format!("{}: {error}", file.path.display()));
    let mut bytes = Vec::new();
    gate::open_made(&file.path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(failed)?;
    create(client, "/git/blobs", &json!({ "content": BASE64_STANDARD.encode(&bytes), "encoding": "base64" }))
}

/// Creates a Git object and returns its hash.
fn create(client: &Client, path: &str, body: &Value) -> Result<String, ProviderError> {
    let object = client.send("POST", path, body, "generated media")?;
    Ok(object["sha"].as_str().unwrap_or_default().to_owned())
}
