//! The part of the fake of GitHub that is its GraphQL API.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::github::State;
use super::server::{Answer, plain};

impl State {
    /// Lets another job write the branch first, if that is asked for.
    pub(super) fn conflict(&mut self, name: &str) {
        if self.conflicts > 0
            && let Some(tip) = self.references.get(name).cloned()
        {
            self.conflicts -= 1;
            let n = self.fresh();
            let other = json!({ "tree": self.objects[&tip]["tree"], "parents": [], "n": n });
            let sha = self.store(other);
            self.references.insert(name.to_owned(), sha);
        }
    }

    /// The two operations of the GraphQL API that are used, by their variables.
    pub(super) fn graph(&mut self, body: &Value) -> Answer {
        let variables = &body["variables"];
        if body["query"].as_str().unwrap().starts_with("mutation") {
            return self.update_references(&variables["input"]);
        }
        assert_eq!((&variables["owner"], &variables["name"]), (&json!("o"), &json!("r")));
        if body["query"].as_str().unwrap().contains("headRefName") {
            return self.label_events();
        }
        let mut repository = json!({ "id": "R_1" });
        if variables["isPull"] == true {
            let after = variables["after"].as_str().map_or(0, |cursor| cursor.parse::<usize>().unwrap());
            let nodes = self.comments.iter().skip(after).take(100).map(|comment| {
                let kind = if comment.login.ends_with("[bot]") { "Bot" } else { "User" };
                json!({ "body": comment.body, "author": { "__typename": kind },
                    "viewerDidAuthor": self.login.as_ref() == Some(&comment.login),
                    "url": format!("https://github.example/o/r/pull/7#issuecomment-{}", comment.id) })
            });
            let comments = json!({ "nodes": nodes.collect::<Vec<_>>(), "pageInfo": {
                "hasNextPage": self.comments.len() > after + 100, "endCursor": (after + 100).to_string() } });
            self.delete_comment_once();
            let state = if self.is_closed { "CLOSED" } else { "OPEN" };
            repository["pullRequest"] =
                json!({ "state": state, "headRefOid": self.head, "comments": comments });
        }
        let branch = variables["branch"].as_str().unwrap();
        let name = branch.strip_prefix("refs/").unwrap();
        let Some(tip) = self.references.get(name).cloned() else {
            return plain(200, json!({ "data": { "repository": repository } }));
        };
        let tree = self.objects[&tip]["tree"].as_str().unwrap().to_owned();
        let files = self.objects[&tree].as_object().unwrap().clone();
        let root = entries(&files, "").into_iter().map(|(name, oid)| {
            let inside = shown(&entries(&files, &format!("{name}/")));
            json!({ "name": name, "oid": oid, "object": { "entries": inside } })
        });
        let message = self.objects[&tip]["n"].as_str().unwrap_or_default().to_owned();
        repository["ref"] = json!({ "target": { "oid": tip, "messageHeadline": message,
            "tree": { "oid": tree, "entries": root.collect::<Vec<_>>() } } });
        let place = |variable: &str| {
            let text = variables[variable].as_str().unwrap();
            text.strip_prefix(branch).unwrap().strip_prefix(':').unwrap().to_owned()
        };
        let folder = place("folder");
        let (parent, last) = folder.rsplit_once('/').map_or(("", &*folder), |(parent, last)| (parent, last));
        let parent = if parent.is_empty() { String::new() } else { format!("{parent}/") };
        if let Some((_, oid)) = entries(&files, &parent).into_iter().find(|(name, _)| name == last) {
            repository["folder"] =
                json!({ "oid": oid, "entries": shown(&entries(&files, &format!("{folder}/"))) });
        }
        if let Some(sha) = files.get(&place("sections")) {
            let text = self.objects[sha.as_str().unwrap()]["content"].as_str().unwrap();
            let is_long = text.len() > 512 * 1024;
            let text = if is_long { &text[..512 * 1024] } else { text };
            repository["sections"] = json!({ "oid": sha, "text": text, "isTruncated": is_long });
        }
        plain(200, json!({ "data": { "repository": repository } }))
    }

    /// The labels of the pull request, and when they were set.
    fn label_events(&self) -> Answer {
        let labels = self.labels.iter().map(|(name, ..)| json!({ "name": name })).collect::<Vec<_>>();
        let events = self.labels.iter().map(|(name, time, user)| {
            json!({ "createdAt": time, "actor": { "login": user }, "label": { "name": name } })
        });
        let pull = json!({ "headRefOid": self.head, "headRefName": "feature",
            "headRepository": { "nameWithOwner": self.head_repository }, "labels": { "nodes": labels },
            "timelineItems": { "nodes": events.collect::<Vec<_>>() } });
        plain(200, json!({ "data": { "repository": { "pullRequest": pull } } }))
    }

    fn update_references(&mut self, input: &Value) -> Answer {
        let refused = |kind: &str, message: &str| {
            plain(
                200,
                json!({ "data": { "updateRefs": null }, "errors": [{ "type": kind, "message": message }] }),
            )
        };
        if self.has_no_update_refs {
            let message = "Field 'updateRefs' doesn't exist on type 'Mutation'";
            return plain(
                200,
                json!({ "errors": [{ "message": message, "extensions": { "code": "undefinedField" } }] }),
            );
        }
        if !self.may_write {
            return refused("FORBIDDEN", "Resource not accessible by integration");
        }
        if self.has_ruleset {
            return refused("UNPROCESSABLE", "Repository rule violations found");
        }
        assert_eq!(input["repositoryId"], "R_1");
        let [update] = input["refUpdates"].as_array().unwrap().as_slice() else { panic!("one update") };
        let name = update["name"].as_str().unwrap().strip_prefix("refs/").unwrap().to_owned();
        self.conflict(&name);
        let absent = "0".repeat(40);
        let tip = self.references.get(&name).unwrap_or(&absent);
        if update["beforeOid"] != tip.as_str() {
            return refused(
                "UNPROCESSABLE",
                "Reference could not be updated: it does not have the expected value",
            );
        }
        match update["afterOid"].as_str().unwrap() {
            after if after == absent => drop(self.references.remove(&name)),
            after => {
                assert!(self.objects.contains_key(after) && update["force"] == true);
                self.references.insert(name, after.to_owned());
            }
        }
        plain(200, json!({ "data": { "updateRefs": { "clientMutationId": null } } }))
    }
}

/// The names directly below a prefix of a tree, with hashes: of folders, hashes of what is in them.
fn entries(files: &serde_json::Map<String, Value>, prefix: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::<String, String>::new();
    for (path, sha) in files {
        let Some(rest) = path.strip_prefix(prefix) else { continue };
        match rest.split_once('/') {
            Some((folder, _)) => {
                let inside = files.iter().filter(|(path, _)| path.starts_with(&format!("{prefix}{folder}/")));
                let digest = Sha256::digest(format!("{:?}", inside.collect::<Vec<_>>()));
                found.insert(folder.to_owned(), digest.iter().map(|byte| format!("{byte:02x}")).collect());
            }
            None => drop(found.insert(rest.to_owned(), sha.as_str().unwrap().to_owned())),
        }
    }
    found
}

fn shown(entries: &BTreeMap<String, String>) -> Vec<Value> {
    entries.iter().map(|(name, oid)| json!({ "name": name, "oid": oid })).collect()
}
