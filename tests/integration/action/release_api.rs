//! The part of the fake of GitHub that is about releases.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::github::{Release, State};
use super::server::{Answer, plain, refuse};

impl State {
    pub(super) fn release(
        &mut self,
        method: &str,
        path: &[&str],
        query: &str,
        (body, bytes): (&Value, &[u8]),
        base: &str,
    ) -> Answer {
        let shown = |index: usize, release: &Release| {
            let assets = release.assets.iter().map(|(id, name, _)| json!({ "id": id, "name": name }));
            json!({ "id": index + 1, "tag_name": release.tag, "draft": release.is_draft,
                "body": release.body, "assets": assets.collect::<Vec<_>>(),
                "immutable": release.is_immutable,
                "upload_url": format!("{base}/repos/o/r/releases/{}/assets{{?name,label}}", index + 1) })
        };
        let asset = |(id, name, bytes): &(u64, String, Vec<u8>)| {
            let digest = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            json!({ "id": id, "name": name, "state": "uploaded", "digest": format!("sha256:{digest}"),
                "browser_download_url": format!("https://github.example/o/r/releases/download/{name}") })
        };
        match (method, path) {
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
                plain(200, json!(release.assets.iter().map(asset).collect::<Vec<_>>()))
            }
            ("PATCH", [id]) => {
                let release = &mut self.releases[id.parse::<usize>().unwrap() - 1];
                body["body"].as_str().unwrap().clone_into(&mut release.body);
                plain(200, json!({}))
            }
            ("POST", [id, "assets"]) => {
                let name = stored_name(query.strip_prefix("name=").unwrap());
                let fresh = self.fresh();
                let is_race = self.races > 0;
                self.races = self.races.saturating_sub(1);
                let release = &mut self.releases[id.parse::<usize>().unwrap() - 1];
                if is_race {
                    release.assets.push((fresh, name.clone(), b"of another job".to_vec()));
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
                plain(201, asset(release.assets.last().unwrap()))
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
