//! The part of the fake of GitHub that is about releases.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::github::State;
use super::server::{Answer, Request, page, plain, refuse};

pub(super) struct Release {
    pub(super) tag: String,
    pub(super) is_draft: bool,
    pub(super) is_prerelease: bool,
    pub(super) is_immutable: bool,
    /// The notes.
    pub(super) body: String,
    /// Id, name, bytes.
    pub(super) assets: Vec<(u64, String, Vec<u8>)>,
    /// Ids of assets whose upload was interrupted.
    pub(super) unfinished: Vec<u64>,
}

impl Release {
    pub(super) fn new(tag: &str) -> Self {
        Self {
            tag: tag.to_owned(),
            is_draft: false,
            is_prerelease: tag == "hyperframes-media",
            is_immutable: false,
            body: String::new(),
            assets: Vec::new(),
            unfinished: Vec::new(),
        }
    }
}

impl State {
    /// Answers what is served without a token, which it must not have: storage, and web pages of public repositories.
    pub(super) fn without_token(&self, request: &Request, base: &str) -> Option<Answer> {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let assets = || self.releases.iter().flat_map(|release| &release.assets);
        let answer = match path.trim_start_matches('/').split('/').collect::<Vec<_>>()[..] {
            ["storage", "artifact"] => plain(200, json!({ "bytes": self.artifact })),
            ["storage", "source"] => plain(200, json!({ "bytes": self.source })),
            ["storage", "asset", id] => {
                let (_, _, bytes) = assets().find(|(known, ..)| known.to_string() == id).unwrap();
                plain(200, json!({ "bytes": bytes }))
            }
            ["o", "r", "releases", "download", "hyperframes-media", name] => {
                let found = assets().find(|(_, known, _)| known == name).filter(|_| !self.is_hidden);
                found.map_or_else(
                    || refuse(404, "Not Found"),
                    |(id, ..)| (302, Value::Null, format!("location: {base}/storage/asset/{id}?sig=1\r\n")),
                )
            }
            ["repos", "o", "r"] if request.header("authorization").is_none() => match self.is_hidden {
                true => refuse(404, "Not Found"),
                false => plain(200, json!({ "full_name": "o/r" })),
            },
            _ => return None,
        };
        assert!(!path.starts_with("/storage/") || query == "sig=1");
        assert!(request.header("authorization").is_none(), "{path} sees no token");
        Some(answer)
    }

    pub(super) fn release(
        &mut self,
        method: &str,
        path: &[&str],
        target: &str,
        (body, bytes): (&Value, &[u8]),
        base: &str,
    ) -> Answer {
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let uploads = self.uploads.clone().unwrap_or_else(|| base.to_owned());
        let shown = |index: usize, release: &Release| {
            let assets = release.assets.iter().map(|(id, name, _)| json!({ "id": id, "name": name }));
            json!({ "id": index + 1, "tag_name": release.tag, "draft": release.is_draft,
                "prerelease": release.is_prerelease, "body": release.body, "assets": assets.collect::<Vec<_>>(),
                "immutable": release.is_immutable,
                "upload_url": format!("{uploads}/repos/o/r/releases/{}/assets{{?name,label}}", index + 1) })
        };
        let has_digests = !self.has_no_digests;
        let asset = |release: &Release, (id, name, bytes): &(u64, String, Vec<u8>)| {
            let digest = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            let state = if release.unfinished.contains(id) { "starter" } else { "uploaded" };
            let digest = Some(format!("sha256:{digest}")).filter(|_| has_digests && state == "uploaded");
            json!({ "id": id, "name": name, "state": state, "digest": digest,
                "browser_download_url": format!("https://github.example/o/r/releases/download/{name}") })
        };
        match (method, path) {
            ("POST", []) => {
                let tag = body["tag_name"].as_str().unwrap();
                if self.release_races > 0 {
                    self.release_races -= 1;
                    self.releases.push(Release::new(tag));
                }
                if self.releases.iter().any(|release| release.tag == tag && !release.is_draft) {
                    return plain(
                        422,
                        json!({ "message": "Validation Failed", "errors": [
                        { "resource": "Release", "code": "already_exists", "field": "tag_name" }] }),
                    );
                }
                assert_eq!((&body["draft"], &body["prerelease"]), (&false.into(), &true.into()));
                let is_draft = body["draft"] == true;
                self.releases.push(Release { is_draft, ..Release::new(tag) });
                let index = self.releases.len() - 1;
                plain(201, shown(index, &self.releases[index]))
            }
            ("POST", ["generate-notes"]) => plain(200, json!({ "name": "v1", "body": "" })),
            ("GET", ["tags", tag]) => {
                let found = self
                    .releases
                    .iter()
                    .enumerate()
                    .find(|(_, release)| release.tag == *tag && !release.is_draft);
                found.map_or_else(
                    || refuse(404, "Not Found"),
                    |(index, release)| plain(200, shown(index, release)),
                )
            }
            ("GET", []) => plain(
                200,
                json!(
                    self.releases
                        .iter()
                        .enumerate()
                        .map(|(index, release)| shown(index, release))
                        .collect::<Vec<_>>()
                ),
            ),
            ("GET", [id, "assets"]) => {
                let release = &self.releases[id.parse::<usize>().unwrap() - 1];
                let files = release.assets.iter().map(|file| asset(release, file)).collect::<Vec<_>>();
                page(&files, target, query, base)
            }
            ("GET", [id]) => {
                let index = id.parse::<usize>().unwrap() - 1;
                let found = self.releases.get(index);
                found.map_or_else(|| refuse(404, "Not Found"), |release| plain(200, shown(index, release)))
            }
            ("PATCH", [id]) => {
                let release = &mut self.releases[id.parse::<usize>().unwrap() - 1];
                body["body"].as_str().unwrap().clone_into(&mut release.body);
                plain(200, json!({}))
            }
            ("POST", [_, "assets"]) if std::mem::take(&mut self.releases_vanish) => {
                self.releases.clear();
                refuse(404, "Not Found")
            }
            ("POST", [id, "assets"]) => {
                let name = stored_name(query.strip_prefix("name=").unwrap());
                let fresh = self.fresh();
                let is_race = self.races > 0;
                self.races = self.races.saturating_sub(1);
                let is_same = self.same_races > 0;
                self.same_races = self.same_races.saturating_sub(1);
                let release = &mut self.releases[id.parse::<usize>().unwrap() - 1];
                if is_race {
                    release.assets.push((fresh, name.clone(), b"of another job".to_vec()));
                }
                if is_same {
                    release.assets.push((fresh, name.clone(), bytes.to_vec()));
                }
                if release.is_immutable {
                    return refuse(422, "Cannot upload assets to an immutable release.");
                }
                if release.assets.iter().any(|(_, known, _)| *known == name) {
                    return plain(
                        422,
                        json!({ "message": "Validation Failed", "errors": [
                        { "resource": "ReleaseAsset", "code": "already_exists", "field": "name" }] }),
                    );
                }
                release.assets.push((fresh, name, bytes.to_vec()));
                plain(201, asset(release, release.assets.last().unwrap()))
            }
            ("DELETE", ["assets", id]) => {
                let id = id.parse::<u64>().unwrap();
                self.releases
                    .iter_mut()
                    .for_each(|release| release.assets.retain(|(known, ..)| *known != id));
                plain(204, Value::Null)
            }
            _ => refuse(404, "Not Found"),
        }
    }
}

/// The name that GitHub gives a file: special characters become periods, of which none is at an end.
fn stored_name(encoded: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    let name = String::from_utf8(bytes).unwrap();
    let kept = |one: char| if one.is_ascii_alphanumeric() || "._-".contains(one) { one } else { '.' };
    name.chars().map(kept).collect::<String>().trim_matches('.').to_owned()
}
