//! Git objects of the repository: blobs, trees and commits, by the Git data API.

use std::io::Read;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use super::client::Client;
use crate::ci::error::ProviderError;
use crate::ci::provider::Media;
use crate::system::gate;

/// A file of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) sha: String,
}

/// Creates an object and returns its hash. Creating one twice has no effect, since its name is the hash of its contents.
/// `subject` names it in errors.
///
/// # Errors
/// Returns [`ProviderError`] if the API refuses it.
pub(super) fn create(
    client: &Client,
    path: &str,
    body: &Value,
    subject: &str,
) -> Result<String, ProviderError> {
    let object = client.send("POST", path, body, subject)?;
    Ok(object["sha"].as_str().unwrap_or_default().to_owned())
}

/// Uploads a file and returns the hash of its blob.
///
/// # Errors
/// Returns [`ProviderError`] if the file cannot be read, or the API refuses it.
pub(super) fn upload(client: &Client, file: &Media, subject: &str) -> Result<String, ProviderError> {
    let failed = |error: std::io::Error| ProviderError::Failed(format!("{}: {error}", file.path.display()));
    let mut bytes = Vec::new();
    gate::open_made(&file.path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(failed)?;
    let blob = json!({ "content": BASE64_STANDARD.encode(&bytes), "encoding": "base64" });
    create(client, "/git/blobs", &blob, subject)
}

/// Returns the contents of a blob.
///
/// # Errors
/// Returns [`ProviderError`] if it cannot be read.
pub(super) fn read_blob(client: &Client, sha: &str, subject: &str) -> Result<Vec<u8>, ProviderError> {
    let blob = client.get(&format!("/git/blobs/{sha}"), subject)?;
    let text = blob["content"].as_str().unwrap_or_default().replace(['\n', '\r'], "");
    let contents = BASE64_STANDARD.decode(text);
    contents.map_err(|_| ProviderError::Failed(format!("{subject}: the response is not Base64")))
}

/// Returns the hash of the file at a path in a tree; `None` if there is none. Folder by folder: the list of all files of a large
/// repository is cut.
///
/// # Errors
/// Returns [`ProviderError`] if it cannot be read.
pub(super) fn find(
    client: &Client,
    tree: &str,
    path: &str,
    subject: &str,
) -> Result<Option<String>, ProviderError> {
    let mut sha = tree.to_owned();
    let mut parts = path.split('/').peekable();
    while let Some(name) = parts.next() {
        let kind = if parts.peek().is_some() { "tree" } else { "blob" };
        let listed = client.get(&format!("/git/trees/{sha}"), subject)?;
        let mut entries = listed["tree"].as_array().into_iter().flatten();
        let found = entries.find(|entry| entry["path"] == name && entry["type"] == kind);
        match found.and_then(|entry| entry["sha"].as_str()) {
            Some(found) => found.clone_into(&mut sha),
            None => return Ok(None),
        }
    }
    Ok(Some(sha))
}

/// Returns all files of a tree, with their paths as names. The list of more than 100,000 files is cut.
///
/// # Errors
/// Returns [`ProviderError`] if it cannot be read.
pub(super) fn files(client: &Client, tree: &str, subject: &str) -> Result<Vec<File>, ProviderError> {
    let tree = client.get(&format!("/git/trees/{tree}?recursive=1"), subject)?;
    let entries = tree["tree"].as_array().into_iter().flatten().filter(|entry| entry["type"] == "blob");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Ok(entries
        .filter_map(|entry| Some(File { name: text(&entry["path"])?, sha: text(&entry["sha"])? }))
        .collect())
}

/// Returns the entry of a file in a tree; without a hash, the file is deleted.
pub(super) fn entry(path: &str, sha: Option<&str>) -> Value {
    json!({ "path": path, "mode": "100644", "type": "blob", "sha": sha })
}
