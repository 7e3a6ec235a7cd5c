//! The part of the fake of GitHub that is about Git objects and references.

use serde_json::{Value, json};

use super::github::State;
use super::server::{Answer, base64, plain, refuse, unbase64};

/// Files that a list of all files has; 100,000 on GitHub.
pub(super) const MOST_LISTED: usize = 1000;

impl State {
    pub(super) fn git(&mut self, method: &str, path: &[&str], query: &str, body: &Value) -> Answer {
        match (method, path) {
            ("GET", ["ref", rest @ ..]) => match self.references.get(&rest.join("/")) {
                Some(sha) => plain(200, json!({ "object": { "sha": sha } })),
                None => refuse(404, "Not Found"),
            },
            ("GET", ["commits", sha]) => {
                let commit = self.objects[*sha].clone();
                plain(200, json!({ "sha": sha, "tree": { "sha": commit["tree"] }, "message": commit["n"] }))
            }
            ("GET", ["blobs", sha]) => {
                let blob = &self.objects[*sha];
                let content = blob["content"].as_str().unwrap();
                let is_text = blob["encoding"] == "utf-8";
                let bytes = if is_text { content.as_bytes().to_vec() } else { unbase64(content) };
                plain(200, json!({ "content": base64(&bytes), "encoding": "base64" }))
            }
            ("GET", ["trees", sha]) if query == "recursive=1" => {
                let entries = self.objects[*sha].as_object().unwrap().iter();
                let is_cut = entries.len() > MOST_LISTED;
                let entries = entries.map(|(path, sha)| json!({ "path": path, "sha": sha, "type": "blob" }));
                let entries = entries.take(MOST_LISTED).collect::<Vec<_>>();
                plain(200, json!({ "tree": entries, "truncated": is_cut }))
            }
            // A folder is the hash of the whole tree, and its path.
            ("GET", ["trees", sha]) => {
                let (tree, folder) = sha.split_once(':').unwrap_or((sha, ""));
                let folder = folder.replace('|', "/");
                let files = self.objects[tree].as_object().unwrap().iter();
                let inside = files.filter_map(|(path, sha)| Some((path.strip_prefix(folder.as_str())?, sha)));
                let mut entries = inside
                    .map(|(path, sha)| match path.split_once('/') {
                        Some((name, _)) => {
                            let sha = format!("{tree}:{folder}{name}/").replace('/', "|");
                            json!({ "path": name, "sha": sha, "type": "tree" })
                        }
                        None => json!({ "path": path, "sha": sha, "type": "blob" }),
                    })
                    .collect::<Vec<_>>();
                entries.dedup();
                plain(200, json!({ "tree": entries }))
            }
            ("POST", ["blobs"]) => {
                let sha = self.store(body.clone());
                plain(201, json!({ "sha": sha }))
            }
            ("POST", ["trees"]) => {
                let mut tree =
                    body["base_tree"].as_str().map_or_else(|| json!({}), |sha| self.objects[sha].clone());
                let paths = body["tree"].as_array().unwrap().iter().map(|entry| entry["path"].as_str());
                let paths = paths.collect::<Vec<_>>();
                for path in &paths {
                    assert_eq!(paths.iter().filter(|other| *other == path).count(), 1, "{path:?} twice");
                }
                for entry in body["tree"].as_array().unwrap() {
                    let path = entry["path"].as_str().unwrap();
                    let sha = match (&entry["sha"], &entry["content"]) {
                        (Value::Null, Value::String(text)) => {
                            self.store(json!({ "content": text, "encoding": "utf-8" })).into()
                        }
                        (sha, _) => sha.clone(),
                    };
                    let Some(sha) = sha.as_str() else {
                        let removed = tree.as_object_mut().unwrap().shift_remove(path);
                        assert!(removed.is_some(), "GitHub refuses to delete a missing file");
                        continue;
                    };
                    assert!(self.objects.contains_key(sha), "a missing blob");
                    tree[path] = sha.into();
                }
                if tree.as_object().unwrap().is_empty() {
                    return refuse(422, "Invalid tree info");
                }
                let sha = self.store(tree);
                plain(201, json!({ "sha": sha }))
            }
            ("POST", ["commits"]) => {
                let sha = self
                    .store(json!({ "tree": body["tree"], "parents": body["parents"], "n": body["message"] }));
                plain(201, json!({ "sha": sha }))
            }
            ("POST", ["refs"]) => {
                let name = body["ref"].as_str().unwrap().strip_prefix("refs/").unwrap().to_owned();
                if self.references.contains_key(&name) {
                    return refuse(422, "Reference already exists");
                }
                self.references.insert(name, body["sha"].as_str().unwrap().to_owned());
                plain(201, json!({}))
            }
            ("PATCH", ["refs", rest @ ..]) => {
                let name = rest.join("/");
                let sha = body["sha"].as_str().unwrap().to_owned();
                self.conflict(&name);
                let tip = self.references.get(&name).cloned().unwrap_or_default();
                let is_descendant = self.objects[&sha]["parents"].as_array().unwrap().contains(&json!(tip));
                if body["force"] != true && !is_descendant {
                    return refuse(422, "Update is not a fast forward");
                }
                self.references.insert(name, sha);
                plain(200, json!({}))
            }
            ("DELETE", ["refs", rest @ ..]) => match self.references.remove(&rest.join("/")) {
                Some(_) => plain(204, Value::Null),
                None => refuse(422, "Reference does not exist"),
            },
            _ => refuse(404, "Not Found"),
        }
    }
}
