//! Files of a release.

use serde_json::Value;

use super::super::rest::Body;
use super::{GitHub, HostError, Media};
use crate::system::url::encode_component;

/// Tries against other jobs, and against a service that shows what it has a moment later.
const TRIES: u32 = 5;

/// Attaches files to the release of a tag, drafts among them; gives back their URLs in order. A file that is there with
/// the same contents stays; one with others is replaced.
pub(super) fn attach(github: &GitHub, tag: &str, files: &[Media]) -> Result<Vec<String>, HostError> {
    let release = find(github, tag)?;
    let id = release["id"].as_u64().unwrap_or_default();
    let template = release["upload_url"].as_str().unwrap_or_default();
    let upload = template.split('{').next().unwrap_or_default().to_owned();
    files.iter().map(|file| attach_one(github, id, &upload, file)).collect()
}

fn attach_one(github: &GitHub, release: u64, upload: &str, file: &Media) -> Result<String, HostError> {
    let failed = |error: std::io::Error| HostError::Failed(format!("{}: {error}", file.path.display()));
    let sha256 = crate::system::digest::of_file(&file.path).map_err(failed)?;
    for attempt in 0..TRIES {
        if attempt > 0 {
            std::thread::sleep(std::time::Duration::from_millis(300 << attempt.min(4)));
        }
        let assets =
            github.list(&format!("/releases/{release}/assets?per_page=100"), "the release's files")?;
        if let Some(present) = assets.iter().find(|asset| asset["name"] == file.name.as_str()) {
            let is_whole = present["state"] == "uploaded";
            if is_whole && present["digest"] == format!("sha256:{sha256}") {
                return Ok(url(present));
            }
            let path = format!("/releases/assets/{}", present["id"]);
            let answer = github.call("DELETE", &path, &Body::None)?;
            // Another job may have been quicker.
            if answer.status != 404 {
                answer.ok("the release's older file")?;
            }
        }
        let target = format!("{upload}?name={}", encode_component(&file.name));
        let answer = github.api.call("POST", &target, &Body::File(&file.path, media_type(&file.name)))?;
        match answer.status {
            // There is one of that name (another job's), or the service does not know yet that there is none.
            422 | 502 | 503 => {}
            _ => return answer.ok(&format!("attaching {}", file.name)).map(|asset| url(&asset)),
        }
    }
    Err(HostError::Failed(format!("the release does not take {}", file.name)))
}

/// The release of a tag. Drafts have no tag yet that could be asked for.
fn find(github: &GitHub, tag: &str) -> Result<Value, HostError> {
    let answer = github.call("GET", &format!("/releases/tags/{}", encode_component(tag)), &Body::None)?;
    if answer.status != 404 {
        return answer.ok("the release");
    }
    let releases = github.list("/releases?per_page=100", "the releases")?;
    let found = releases.into_iter().find(|release| release["tag_name"] == tag);
    found.ok_or_else(|| HostError::Failed(format!("there is no release of the tag {tag}")))
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
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}
