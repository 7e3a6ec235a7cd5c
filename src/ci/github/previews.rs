//! Where comments find their pictures: a branch without history of its own, written through the Git data API.
//!
//! Files are named by what is in them, in a folder for each pull request (`pr/7/<name>`) or `base/<name>`: a name never
//! changes its contents, so that no image proxy shows an old picture.

use std::fs;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use super::super::rest::Body;
use super::super::wait_for_others;
use super::{GitHub, HostError, Media, Request};

/// The API takes no larger file well, and nobody waits for a larger picture; in bytes.
const LARGEST: u64 = 25 * 1024 * 1024;

/// Tries against other jobs that write at the same time.
const TRIES: u32 = 6;

/// The state of the branch.
struct Branch {
    /// Its commit and its files, where it exists.
    tip: Option<(String, Vec<File>)>,
}

#[derive(Clone)]
struct File {
    path: String,
    sha: String,
}

/// Publishes files; gives back their names and URLs. What is too large is left out.
pub(super) fn publish(
    github: &GitHub,
    request: Option<&Request>,
    media: &[Media],
) -> Result<Vec<(String, String)>, HostError> {
    let is_small = |file: &&Media| fs::metadata(&file.path).is_ok_and(|metadata| metadata.len() <= LARGEST);
    let media = media.iter().filter(is_small).collect::<Vec<_>>();
    let folder = request.map_or_else(|| "base".to_owned(), |request| format!("pr/{}", request.number));
    let paths = media.iter().map(|file| format!("{folder}/{}", file.name)).collect::<Vec<_>>();
    let mut blobs: Vec<Option<String>> = vec![None; media.len()];
    for attempt in 0..TRIES {
        wait_for_others(attempt);
        let branch = read(github)?;
        let known = branch.tip.as_ref().map(|(_, files)| files.as_slice()).unwrap_or_default();
        let mut tree = Vec::new();
        for ((file, path), blob) in media.iter().zip(&paths).zip(&mut blobs) {
            if known.iter().any(|known| known.path == *path) {
                continue;
            }
            let sha = match blob {
                Some(sha) => sha.clone(),
                None => blob.insert(upload(github, file)?).clone(),
            };
            tree.push(json!({ "path": path, "mode": "100644", "type": "blob", "sha": sha }));
        }
        let message = format!("previews for {folder}");
        if tree.is_empty() || advance(github, &branch, &tree, &message)? {
            let urls = paths.iter().map(|path| url(github, path));
            return Ok(media.iter().map(|file| file.name.clone()).zip(urls).collect());
        }
    }
    Err(HostError::Failed("the previews branch is being written by others all the time".to_owned()))
}

/// The URLs of files that were published before, in whatever folder.
pub(super) fn published(github: &GitHub, names: &[String]) -> Result<Vec<(String, String)>, HostError> {
    let Some((_, files)) = read(github)?.tip else { return Ok(Vec::new()) };
    let found = names.iter().filter_map(|name| {
        let file = files.iter().find(|file| file.path.rsplit('/').next() == Some(name))?;
        Some((name.clone(), url(github, &file.path)))
    });
    Ok(found.collect())
}

/// Takes the folder of a pull request away, and the history that still holds its files.
pub(super) fn clean_up(github: &GitHub, request: &Request) -> Result<(), HostError> {
    let folder = format!("pr/{}/", request.number);
    for attempt in 0..TRIES {
        wait_for_others(attempt);
        let Some((tip, files)) = read(github)?.tip else { return Ok(()) };
        if files.iter().all(|file| !file.path.starts_with(&folder)) {
            return Ok(());
        }
        let kept = files
            .iter()
            .filter(|file| !file.path.starts_with(&folder))
            .map(|file| json!({ "path": file.path, "mode": "100644", "type": "blob", "sha": file.sha }));
        let kept = kept.collect::<Vec<_>>();
        let reference = format!("/git/refs/heads/{}", github.preview_branch);
        if kept.is_empty() {
            return delete(github, &reference);
        }
        let tree = send(github, "/git/trees", &json!({ "tree": kept }), "the previews' tree")?;
        let commit = json!({ "message": "previews", "tree": tree["sha"], "parents": [] });
        let commit = send(github, "/git/commits", &commit, "the previews' commit")?;
        // Without a parent there is nothing to fast-forward: only what was there a moment ago is replaced.
        if read(github)?.tip.is_some_and(|(now, _)| now == tip) {
            let update = json!({ "sha": commit["sha"], "force": true });
            github.send("PATCH", &reference, &update, "the previews branch")?;
            return Ok(());
        }
    }
    Err(HostError::Failed("the previews branch is being written by others all the time".to_owned()))
}

fn delete(github: &GitHub, reference: &str) -> Result<(), HostError> {
    let answer = github.call("DELETE", reference, &Body::None)?;
    // Gone already is gone.
    if matches!(answer.status, 404 | 422) { Ok(()) } else { answer.ok("the previews branch").map(|_| ()) }
}

fn read(github: &GitHub) -> Result<Branch, HostError> {
    let answer = github.call("GET", &format!("/git/ref/heads/{}", github.preview_branch), &Body::None)?;
    // An empty repository has no references, and says 409.
    if matches!(answer.status, 404 | 409) {
        return Ok(Branch { tip: None });
    }
    let reference = answer.ok("the previews branch")?;
    let sha = reference.pointer("/object/sha").and_then(Value::as_str).unwrap_or_default().to_owned();
    let commit = github.get(&format!("/git/commits/{sha}"), "the previews' commit")?;
    let tree = commit.pointer("/tree/sha").and_then(Value::as_str).unwrap_or_default();
    let tree = github.get(&format!("/git/trees/{tree}?recursive=1"), "the previews' tree")?;
    let entries = tree.get("tree").and_then(Value::as_array).cloned().unwrap_or_default();
    let files = entries.iter().filter(|entry| entry["type"] == "blob").filter_map(|entry| {
        let text = |name: &str| entry.get(name)?.as_str().map(str::to_owned);
        Some(File { path: text("path")?, sha: text("sha")? })
    });
    Ok(Branch { tip: Some((sha, files.collect())) })
}

fn upload(github: &GitHub, file: &Media) -> Result<String, HostError> {
    let failed = |error: std::io::Error| HostError::Failed(format!("{}: {error}", file.path.display()));
    let bytes = fs::read(&file.path).map_err(failed)?;
    let blob = json!({ "content": BASE64_STANDARD.encode(&bytes), "encoding": "base64" });
    let blob = send(github, "/git/blobs", &blob, "a preview")?;
    Ok(blob["sha"].as_str().unwrap_or_default().to_owned())
}

/// Adds files to the branch; `false` where another job was quicker.
fn advance(github: &GitHub, branch: &Branch, tree: &[Value], message: &str) -> Result<bool, HostError> {
    let mut body = json!({ "tree": tree });
    if let Some((tip, _)) = &branch.tip {
        let commit = github.get(&format!("/git/commits/{tip}"), "the previews' commit")?;
        body["base_tree"] = commit["tree"]["sha"].clone();
    }
    let tree = send(github, "/git/trees", &body, "the previews' tree")?;
    let parents = branch.tip.iter().map(|(tip, _)| tip.as_str()).collect::<Vec<_>>();
    let commit = json!({ "message": message, "tree": tree["sha"], "parents": parents });
    let commit = send(github, "/git/commits", &commit, "the previews' commit")?;
    let name = format!("heads/{}", github.preview_branch);
    let answer = match &branch.tip {
        Some(_) => {
            let update = json!({ "sha": commit["sha"], "force": false });
            github.call("PATCH", &format!("/git/refs/{name}"), &Body::Json(&update))?
        }
        None => {
            let create = json!({ "ref": format!("refs/{name}"), "sha": commit["sha"] });
            github.call("POST", "/git/refs", &Body::Json(&create))?
        }
    };
    // No fast-forward any more, or created meanwhile.
    if matches!(answer.status, 409 | 422) {
        return Ok(false);
    }
    answer.ok("the previews branch").map(|_| true)
}

/// Git's objects are named by what is in them: creating one twice creates one.
fn send(github: &GitHub, path: &str, body: &Value, what: &str) -> Result<Value, HostError> {
    github.send("POST", path, body, what)
}

fn url(github: &GitHub, path: &str) -> String {
    format!("{}/raw/{}/{path}", github.web, github.preview_branch)
}
