//! The branch of the images and videos that comments show. It is separate from the repository's history and written by
//! the Git data API.
//!
//! The names of files depend on their contents, so that image proxies cannot serve outdated ones. Each pull request
//! has a directory (`pr/7/<name>`); the others are in `base/<name>`.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use std::collections::BTreeSet;
use std::fs;
use std::io::Read;

use serde_json::{Value, json};

use super::client::Client;
use crate::ci::contention::wait_before;
use crate::ci::error::ProviderError;
use crate::ci::event::PullRequest;
use crate::ci::provider::Media;
use crate::ci::rest::{Body, Response};
use crate::system::gate;

/// The largest file that is published, in bytes. The API is unreliable beyond.
const MAX_FILE: u64 = 25 * 1024 * 1024;

/// Attempts of a write that conflicts with other jobs.
const ATTEMPTS: u32 = 6;

/// The branch.
pub(super) struct PreviewBranch<'a> {
    pub(super) client: &'a Client,
    pub(super) name: &'a str,
}

/// The newest commit of the branch.
struct Tip {
    commit: String,
    files: Vec<File>,
}

/// A file of the branch.
struct File {
    path: String,
    sha: String,
}

impl File {
    /// Returns the number of the pull request whose directory the file is in.
    fn pull_request(&self) -> Option<u64> {
        self.path.strip_prefix("pr/")?.split('/').next()?.parse().ok()
    }

    /// Returns the entry of the file in a tree.
    fn entry(&self) -> Value {
        json!({ "path": self.path, "mode": "100644", "type": "blob", "sha": self.sha })
    }
}

impl PreviewBranch<'_> {
    /// Publishes files in the directory of `request` and returns names and URLs. Files that are too large are left out.
    ///
    /// # Errors
    /// Returns [`ProviderError`] if the API refuses, or other jobs write the branch all the time.
    pub(super) fn publish(
        &self,
        request: Option<&PullRequest>,
        media: &[Media],
    ) -> Result<Vec<(String, String)>, ProviderError> {
        let is_small =
            |file: &&Media| fs::metadata(&file.path).is_ok_and(|metadata| metadata.len() <= MAX_FILE);
        let media = media.iter().filter(is_small).collect::<Vec<_>>();
        let folder = request.map_or_else(|| "base".to_owned(), |request| format!("pr/{}", request.number));
        let paths = media.iter().map(|file| format!("{folder}/{}", file.name)).collect::<Vec<_>>();
        let mut blobs: Vec<Option<String>> = vec![None; media.len()];
        for attempt in 0..ATTEMPTS {
            wait_before(attempt);
            let tip = self.read()?;
            let present = tip.as_ref().map(|tip| tip.files.as_slice()).unwrap_or_default();
            let mut added = Vec::new();
            for ((file, path), blob) in media.iter().zip(&paths).zip(&mut blobs) {
                if present.iter().any(|present| present.path == *path) {
                    continue;
                }
                let sha = match blob {
                    Some(sha) => sha.clone(),
                    None => blob.insert(self.upload(file)?).clone(),
                };
                added.push(File { path: path.clone(), sha }.entry());
            }
            if added.is_empty() || self.commit(tip.as_ref(), &added, &format!("previews for {folder}"))? {
                let urls = paths.iter().map(|path| self.url(path));
                return Ok(media.iter().map(|file| file.name.clone()).zip(urls).collect());
            }
        }
        Err(contended())
    }

    /// Returns the names and URLs of files that are published already, in any directory.
    ///
    /// # Errors
    /// Returns [`ProviderError`] if the branch cannot be read.
    pub(super) fn published(&self, names: &[String]) -> Result<Vec<(String, String)>, ProviderError> {
        let Some(Tip { files, .. }) = self.read()? else { return Ok(Vec::new()) };
        let found = names.iter().filter_map(|name| {
            let file = files.iter().find(|file| file.path.rsplit('/').next() == Some(name))?;
            Some((name.clone(), self.url(&file.path)))
        });
        Ok(found.collect())
    }

    /// Deletes the directories of `request` and of all closed pull requests, and the branch's history, which contains their
    /// files. Returns the numbers of the pull requests.
    ///
    /// # Errors
    /// Returns [`ProviderError`] if the API refuses, or other jobs write the branch all the time.
    pub(super) fn clean_up(&self, request: Option<&PullRequest>) -> Result<Vec<u64>, ProviderError> {
        for attempt in 0..ATTEMPTS {
            wait_before(attempt);
            let Some(tip) = self.read()? else { return Ok(Vec::new()) };
            let mut stale = tip.files.iter().filter_map(File::pull_request).collect::<BTreeSet<_>>();
            // Read after the branch: a pull request with a directory that is not open now was closed.
            let open = if stale.is_empty() { BTreeSet::new() } else { self.open_pull_requests(&stale)? };
            stale.retain(|number| !open.contains(number) || request.is_some_and(|it| it.number == *number));
            let is_stale = |file: &&File| file.pull_request().is_some_and(|number| stale.contains(&number));
            if stale.is_empty() {
                return Ok(Vec::new());
            }
            let kept = tip.files.iter().filter(|file| !is_stale(file)).map(File::entry).collect::<Vec<_>>();
            let reference = format!("/git/refs/heads/{}", self.name);
            if kept.is_empty() {
                self.delete(&reference)?;
                return Ok(stale.into_iter().collect());
            }
            let tree = self.create("/git/trees", &json!({ "tree": kept }), "the previews' tree")?;
            let commit = json!({ "message": "previews", "tree": tree["sha"], "parents": [] });
            let commit = self.create("/git/commits", &commit, "the previews' commit")?;
            // A commit without a parent cannot fast-forward, so the update is forced: not if another job has just
            // written.
            if self.read()?.is_some_and(|now| now.commit == tip.commit) {
                let update = json!({ "sha": commit["sha"], "force": true });
                self.client.send("PATCH", &reference, &update, "the previews branch")?;
                return Ok(stale.into_iter().collect());
            }
        }
        Err(contended())
    }

    /// Returns the numbers of the open pull requests; those of `directories` if the token may not list them.
    fn open_pull_requests(&self, directories: &BTreeSet<u64>) -> Result<BTreeSet<u64>, ProviderError> {
        match self.client.list("/pulls?state=open&per_page=100", "the open pull requests") {
            Ok(open) => Ok(open.iter().filter_map(|pull| pull["number"].as_u64()).collect()),
            Err(ProviderError::Forbidden(_)) => Ok(directories.clone()),
            Err(error) => Err(error),
        }
    }

    fn delete(&self, reference: &str) -> Result<(), ProviderError> {
        let response = self.client.call("DELETE", reference, &Body::None)?;
        // Another job may have deleted it.
        if response.status == 404 || says(&response, "does not exist") {
            Ok(())
        } else {
            response.ok("the previews branch").map(|_| ())
        }
    }

    /// Reads the branch. Returns `None` if it does not exist.
    fn read(&self) -> Result<Option<Tip>, ProviderError> {
        let path = format!("/git/ref/heads/{}", self.name);
        let response = self.client.call("GET", &path, &Body::None)?;
        // The status of an empty repository is 409.
        if matches!(response.status, 404 | 409) {
            return Ok(None);
        }
        let reference = response.ok("the previews branch")?;
        let sha = reference.pointer("/object/sha").and_then(Value::as_str).unwrap_or_default().to_owned();
        let commit = self.client.get(&format!("/git/commits/{sha}"), "the previews' commit")?;
        let tree = commit.pointer("/tree/sha").and_then(Value::as_str).unwrap_or_default();
        let tree = self.client.get(&format!("/git/trees/{tree}?recursive=1"), "the previews' tree")?;
        let entries = tree.get("tree").and_then(Value::as_array).cloned().unwrap_or_default();
        let files = entries.iter().filter(|entry| entry["type"] == "blob").filter_map(|entry| {
            let text = |name: &str| entry.get(name)?.as_str().map(str::to_owned);
            Some(File { path: text("path")?, sha: text("sha")? })
        });
        Ok(Some(Tip { commit: sha, files: files.collect() }))
    }

    /// Uploads a file and returns the hash of its blob.
    fn upload(&self, file: &Media) -> Result<String, ProviderError> {
        let failed =
            |error: std::io::Error| ProviderError::Failed(format!("{}: {error}", file.path.display()));
        let mut bytes = Vec::new();
        gate::open_made(&file.path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(failed)?;
        let blob = json!({ "content": BASE64_STANDARD.encode(&bytes), "encoding": "base64" });
        let blob = self.create("/git/blobs", &blob, "a preview")?;
        Ok(blob["sha"].as_str().unwrap_or_default().to_owned())
    }

    /// Commits files on top of `tip`. Returns `false` if another job has written the branch since it was read.
    fn commit(&self, tip: Option<&Tip>, added: &[Value], message: &str) -> Result<bool, ProviderError> {
        let mut body = json!({ "tree": added });
        if let Some(tip) = tip {
            let path = format!("/git/commits/{}", tip.commit);
            let commit = self.client.get(&path, "the previews' commit")?;
            body["base_tree"] = commit["tree"]["sha"].clone();
        }
        let tree = self.create("/git/trees", &body, "the previews' tree")?;
        let parents = tip.iter().map(|tip| tip.commit.as_str()).collect::<Vec<_>>();
        let commit = json!({ "message": message, "tree": tree["sha"], "parents": parents });
        let commit = self.create("/git/commits", &commit, "the previews' commit")?;
        let name = format!("heads/{}", self.name);
        let response = match tip {
            Some(_) => {
                let update = json!({ "sha": commit["sha"], "force": false });
                self.client.call("PATCH", &format!("/git/refs/{name}"), &Body::Json(&update))?
            }
            None => {
                let create = json!({ "ref": format!("refs/{name}"), "sha": commit["sha"] });
                self.client.call("POST", "/git/refs", &Body::Json(&create))?
            }
        };
        // Another job has written, created or deleted the branch. Other refusals, such as those of rulesets, are final.
        let is_race =
            ["fast forward", "already exists", "does not exist"].iter().any(|text| says(&response, text));
        if response.status == 409 || is_race {
            return Ok(false);
        }
        response.ok("the previews branch").map(|_| true)
    }

    /// Creates a Git object. Creating one twice has no effect, since its name is the hash of its contents.
    fn create(&self, path: &str, body: &Value, subject: &str) -> Result<Value, ProviderError> {
        self.client.send("POST", path, body, subject)
    }

    fn url(&self, path: &str) -> String {
        format!("{}/raw/{}/{path}", self.client.web, self.name)
    }
}

/// Returns whether a request was refused as invalid with a message that contains `text`.
fn says(response: &Response, text: &str) -> bool {
    response.status == 422 && response.message().contains(text)
}

fn contended() -> ProviderError {
    ProviderError::Failed("cannot write the previews branch: other jobs keep writing it".to_owned())
}
