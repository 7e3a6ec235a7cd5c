//! The links of a release to files in the package registry.

use serde_json::{Value, json};

use super::client::Client;
use crate::ci::error::ProviderError;
use crate::ci::provider::{EarlierRelease, Media};
use crate::ci::release_notes::with_section;
use crate::ci::rest::Body;
use crate::system::url::encode_component;

/// Checks that there is a job token, and that the release of a tag exists or can be created.
pub(super) fn check(client: &Client, tag: &str) -> Result<(), ProviderError> {
    if !client.job.has_token() {
        return Err(ProviderError::Forbidden("releases require CI_JOB_TOKEN, which is not set".to_owned()));
    }
    let tag_path = encode_component(tag);
    let response = client.job.call("GET", &client.path(&format!("/releases/{tag_path}")), &Body::None)?;
    match response.status {
        404 => {}
        _ => return response.ok("the release").map(|_| ()),
    }
    let path = client.path(&format!("/repository/tags/{tag_path}"));
    let api = if client.api.has_token() { &client.api } else { &client.job };
    let response = api.call("GET", &path, &Body::None)?;
    // A token that may not read the tags gets another message.
    if response.status == 404 && response.json["message"] == "404 Tag Not Found" {
        return Err(ProviderError::NotFound(
            format!("the tag {tag} was not found, so a release cannot be created for it"),
            "create the tag first, or correct the input release-tag",
        ));
    }
    Ok(())
}

/// Links files to the release of a tag and returns their URLs in the same order. Creates the release if there is none.
/// A link of the same name is replaced if its URL differs.
pub(super) fn attach(client: &Client, tag: &str, files: &[Media]) -> Result<Vec<String>, ProviderError> {
    let base = client.path(&format!("/releases/{}", encode_component(tag)));
    if client.job.call("GET", &base, &Body::None)?.status == 404 {
        let body = json!({ "tag_name": tag, "description": "Videos." });
        let response = client.job.call("POST", &client.path("/releases"), &Body::Json(&body))?;
        if !response.is_already_there() {
            response.ok("the release")?;
        }
    }
    let links = client.job.list(&format!("{base}/assets/links?per_page=100"), "the release's links")?;
    let mut urls = Vec::new();
    for file in files {
        let url = package(client, tag, file)?;
        let body = json!({ "name": file.name, "url": url, "link_type": "other" });
        let present = links.iter().find(|link| link["name"] == file.name.as_str());
        match present {
            Some(link) if link["url"] == url.as_str() => {}
            Some(link) => {
                let path = format!("{base}/assets/links/{}", link["id"]);
                client.job.call("PUT", &path, &Body::Json(&body))?.ok("a link of the release")?;
            }
            None => {
                let path = format!("{base}/assets/links");
                let response = client.job.call("POST", &path, &Body::Json(&body))?;
                // An earlier attempt whose response was lost, or another job.
                if !response.is_already_there() {
                    response.ok("a link of the release")?;
                }
            }
        }
        urls.push(url);
    }
    Ok(urls)
}

/// Returns the newest release before that of `tag`, or of all, that has a file of this name in the project's package registry.
/// The list is sorted, the newest first.
pub(super) fn before(
    client: &Client,
    tag: Option<&str>,
    file: &str,
) -> Result<Option<EarlierRelease>, ProviderError> {
    let releases = client.job.list(&client.path("/releases?per_page=100"), "the releases")?;
    let own = releases.iter().position(|release| tag.is_some_and(|tag| release["tag_name"] == tag));
    let earlier = releases[own.map_or(0, |own| own + 1)..].iter();
    let read = |release: &Value| {
        let links = release["assets"]["links"].as_array().into_iter().flatten();
        let files = links.filter_map(|link| {
            let address = link["url"].as_str()?.strip_prefix(&client.url)?;
            let is_package = address.starts_with(&client.path("/packages/generic/"));
            is_package.then_some((link["name"].as_str()?.to_owned(), address.to_owned()))
        });
        Some(EarlierRelease { tag: release["tag_name"].as_str()?.to_owned(), files: files.collect() })
    };
    let upcoming = |release: &&Value| release["upcoming_release"] != true;
    Ok(earlier.filter(upcoming).filter_map(read).find(|release| release.file(file).is_ok()))
}

/// Writes a section of the notes of the release of `tag`.
pub(super) fn set_notes(client: &Client, tag: &str, section: &str) -> Result<(), ProviderError> {
    let path = client.path(&format!("/releases/{}", encode_component(tag)));
    let release = client.job.call("GET", &path, &Body::None)?.ok("the release")?;
    let notes = release["description"].as_str().unwrap_or_default();
    let changed = with_section(notes, section);
    if changed == notes {
        return Ok(());
    }
    let body = json!({ "description": changed });
    client.job.call("PUT", &path, &Body::Json(&body))?.ok("the notes of the release").map(|_| ())
}

/// Uploads a file to the package registry, unless it exists, and returns its URL.
fn package(client: &Client, tag: &str, file: &Media) -> Result<String, ProviderError> {
    let failed = |error: std::io::Error| ProviderError::Failed(format!("{}: {error}", file.path.display()));
    let sha256 = crate::system::digest::of_file(&file.path).map_err(failed)?;
    // The package is named by the contents: a file of that name is the same file.
    let path = client.path(&format!(
        "/packages/generic/hyperframes-{}/{}/{}",
        &sha256[..12],
        package_part(tag),
        package_part(&file.name)
    ));
    let existing = client.job.call("HEAD", &path, &Body::None)?;
    // A package in object storage redirects there.
    if !matches!(existing.status, 200 | 301 | 302 | 307 | 308) {
        let response = client.job.call("PUT", &path, &Body::File(&file.path, "application/octet-stream"))?;
        response.ok(&format!("packaging {}", file.name))?;
    }
    Ok(format!("{}{path}", client.url))
}

/// Replaces the characters that the registry refuses in a version or the name of a file; source: docs.gitlab.com, "GitLab
/// generic packages repository".
fn package_part(text: &str) -> String {
    let is_allowed = |character: char| character.is_ascii_alphanumeric() || ".-_+".contains(character);
    text.chars().map(|character| if is_allowed(character) { character } else { '-' }).collect()
}
