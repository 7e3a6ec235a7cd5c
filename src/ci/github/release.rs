//! The files of a release.

use std::time::Duration;

use hyperframes_ci_core::archive::hex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::client::Client;
use crate::ci::contention::wait;
use crate::ci::error::ProviderError;
use crate::ci::provider::{EarlierRelease, Media};
use crate::ci::release_notes::with_section;
use crate::ci::rest::Body;
use crate::system::url::encode_component;

/// Attempts to upload a file: other jobs may upload it as well, and lists are eventually consistent.
const ATTEMPTS: u32 = 5;

/// Checks that the release of a tag exists, and that the token may write to it.
///
/// The permission cannot be read, so a request is sent that requires it and stores nothing: generating release notes.
pub(super) fn check(client: &Client, tag: &str) -> Result<(), ProviderError> {
    let release = find(client, tag)?;
    if is_immutable(&release) {
        return Err(immutable(tag));
    }
    let body = json!({ "tag_name": release["tag_name"] });
    let response = client.call("POST", "/releases/generate-notes", &Body::Json(&body))?;
    match response.status {
        401 | 403 | 429 => response.ok("files of the release require contents: write").map(|_| ()),
        // Other statuses do not say anything about the permission, such as 404 of an older server.
        _ => Ok(()),
    }
}

/// Attaches files to the release of a tag, which may be a draft, and returns their URLs in the same order. A file of
/// the same name is replaced if its contents differ.
pub(super) fn attach(client: &Client, tag: &str, files: &[Media]) -> Result<Vec<String>, ProviderError> {
    let release = find(client, tag)?;
    attach_to(client, &release, &assets(client, &release)?, files, || immutable(tag))
}

/// Returns whether files cannot be attached to a release any more.
pub(super) fn is_immutable(release: &Value) -> bool {
    release["immutable"] == true && release["draft"] != true
}

/// Returns the files of a release.
pub(super) fn assets(client: &Client, release: &Value) -> Result<Vec<Value>, ProviderError> {
    client.list(&format!("/releases/{}/assets?per_page=100", release["id"]), "the release's files")
}

/// Attaches files to a release, which has the files `known`, and returns their URLs in the same order. A file of the same name is
/// replaced if its contents differ, or its upload was interrupted.
pub(super) fn attach_to(
    client: &Client,
    release: &Value,
    known: &[Value],
    files: &[Media],
    immutable: impl Fn() -> ProviderError,
) -> Result<Vec<String>, ProviderError> {
    files.iter().map(|file| attach_one(client, release, known, file, &immutable)).collect()
}

/// Returns the newest release before that of `tag`, or of all, that has a file of this name. The list is sorted, the newest
/// first.
pub(super) fn before(
    client: &Client,
    tag: Option<&str>,
    file: &str,
) -> Result<Option<EarlierRelease>, ProviderError> {
    let releases = client.list("/releases?per_page=100", "the releases")?;
    let own = releases.iter().position(|release| tag.is_some_and(|tag| release["tag_name"] == tag));
    let is_prerelease = own.is_some_and(|own| releases[own]["prerelease"] == true);
    let earlier = releases[own.map_or(0, |own| own + 1)..]
        .iter()
        .filter(|release| release["draft"] != true && (is_prerelease || release["prerelease"] != true));
    let read = |release: &Value| {
        let assets = release["assets"].as_array().into_iter().flatten();
        let files = assets.filter_map(|asset| {
            let address = format!("{}/releases/assets/{}", client.path, asset["id"].as_u64()?);
            Some((asset["name"].as_str()?.to_owned(), address))
        });
        Some(EarlierRelease { tag: release["tag_name"].as_str()?.to_owned(), files: files.collect() })
    };
    Ok(earlier.filter_map(read).find(|release| release.file(file).is_ok()))
}

/// Writes a section of the notes of the release of `tag`.
pub(super) fn set_notes(client: &Client, tag: &str, section: &str) -> Result<(), ProviderError> {
    let release = find(client, tag)?;
    let notes = release["body"].as_str().unwrap_or_default();
    let changed = with_section(notes, section);
    if changed == notes.replace("\r\n", "\n") {
        return Ok(());
    }
    let id = release["id"].as_u64().unwrap_or_default();
    let body = json!({ "body": changed });
    client
        .call("PATCH", &format!("/releases/{id}"), &Body::Json(&body))?
        .ok("the notes of the release")
        .map(|_| ())
}

fn attach_one(
    client: &Client,
    release: &Value,
    known: &[Value],
    file: &Media,
    immutable: impl Fn() -> ProviderError,
) -> Result<String, ProviderError> {
    let failed = |error: std::io::Error| ProviderError::Failed(format!("{}: {error}", file.path.display()));
    let sha256 = crate::system::digest::of_file(&file.path).map_err(failed)?;
    let template = release["upload_url"].as_str().unwrap_or_default();
    let upload = template.split('{').next().unwrap_or_default();
    let name = asset_name(&file.name);
    for attempt in 0..ATTEMPTS {
        let mut read = Vec::new();
        if attempt > 0 {
            wait(Duration::from_millis(300 << attempt.min(4)));
            read = assets(client, release)?;
        }
        let present = if attempt == 0 { known } else { &read };
        if let Some(present) = present.iter().find(|asset| asset["name"] == name.as_str()) {
            if is_complete(present, &sha256) {
                return Ok(url(present));
            }
            let path = format!("/releases/assets/{}", present["id"]);
            let response = client.call("DELETE", &path, &Body::None)?;
            // Another job may have deleted it.
            if response.status != 404 {
                response.ok("the release's older file")?;
            }
        }
        let target = format!("{upload}?name={}", encode_component(&name));
        let response = client.api.call("POST", &target, &Body::File(&file.path, media_type(&file.name)))?;
        match response.status {
            422 if response.message().to_ascii_lowercase().contains("immutable") => return Err(immutable()),
            // Another job has uploaded a file of that name, an earlier attempt has, or the deletion is not visible yet.
            422 if response.is_already_there() => {}
            // The upload may have created an incomplete file, which is deleted.
            502 | 503 => {}
            // The release was deleted, or another job has deleted the file before it was complete.
            404 if client.call("GET", &format!("/releases/{}", release["id"]), &Body::None)?.status
                == 404 =>
            {
                return Err(ProviderError::NotFound(
                    format!("the release was deleted while {} was attached to it", file.name),
                    "run the same command again",
                ));
            }
            404 => {}
            _ => return response.ok(&format!("attaching {}", file.name)).map(|asset| url(&asset)),
        }
    }
    Err(ProviderError::Failed(format!(
        "cannot attach {} to the release: other jobs keep writing a file of that name",
        file.name
    )))
}

/// Returns whether a file of a release was uploaded as a whole and has this digest. Servers that do not tell digests are believed if
/// the file is named by it.
pub(super) fn is_complete(asset: &Value, sha256: &str) -> bool {
    let is_named = || asset["name"].as_str().is_some_and(|name| name.starts_with(sha256));
    asset["state"] == "uploaded"
        && match asset["digest"].as_str() {
            Some(digest) => digest.strip_prefix("sha256:") == Some(sha256),
            None => is_named(),
        }
}

/// Returns the error of a release that cannot be changed any more; source: docs.github.com, "Immutable releases".
fn immutable(tag: &str) -> ProviderError {
    ProviderError::Immutable(
        format!("the release of the tag {tag} is immutable: files cannot be attached to it"),
        "create the release as a draft, attach the videos with the input release-tag, and publish it afterwards",
    )
}

/// Finds the release of a tag. A draft can be found in the list of releases only.
fn find(client: &Client, tag: &str) -> Result<Value, ProviderError> {
    let response = client.call("GET", &format!("/releases/tags/{}", encode_component(tag)), &Body::None)?;
    if response.status != 404 {
        return response.ok("the release");
    }
    let releases = client.list("/releases?per_page=100", "the releases")?;
    let found = releases.into_iter().find(|release| release["tag_name"] == tag);
    found.ok_or_else(|| {
        let message = format!("the release of the tag {tag} was not found");
        ProviderError::NotFound(
            message,
            "create the release first, or correct the input release-tag; drafts require `contents: write`",
        )
    })
}

/// Returns the name that a file has in a release. GitHub replaces special characters, and files with different names would then
/// be the same; source: docs.github.com, "Upload a release asset".
pub(super) fn asset_name(name: &str) -> String {
    let is_kept = |character: char| character.is_ascii_alphanumeric() || ".-_".contains(character);
    let plain = name.chars().map(|character| if is_kept(character) { character } else { '.' });
    let plain = plain.collect::<String>();
    let plain = plain.trim_matches('.');
    if plain == name {
        return name.to_owned();
    }
    let hash = &hex(&Sha256::digest(name))[..6];
    match plain.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}-{hash}.{extension}"),
        None => format!("{plain}-{hash}"),
    }
}

fn url(asset: &Value) -> String {
    asset["browser_download_url"].as_str().unwrap_or_default().to_owned()
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("mp4") => "video/mp4",
        Some("webm") => "video/webm",
        Some("mov") => "video/quicktime",
        Some("png") => "image/png",
        Some("gif") => "image/gif",
        Some("mp3") => "audio/mpeg",
        Some("wav") => "audio/wav",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}
