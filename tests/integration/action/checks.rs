//! The part of the fake of GitHub that is about check runs and deployments.

use serde_json::{Value, json};

use super::github::State;
use super::server::{Answer, plain, refuse};

impl State {
    pub(super) fn check_run(&mut self, method: &str, path: &[&str], body: &Value) -> Answer {
        if !self.may_check {
            return refuse(403, "Resource not accessible by integration");
        }
        let annotations = body["output"]["annotations"].as_array().cloned().unwrap_or_default();
        for annotation in &annotations {
            let is_one_line = annotation["start_line"] == annotation["end_line"];
            assert!(is_one_line || annotation["start_column"].is_null(), "{annotation}");
            assert!(annotation["message"].as_str().is_some_and(|text| !text.is_empty()));
        }
        let is_valid = annotations.len() <= 50
            && body["output"]["title"].is_string()
            && body["output"]["summary"].as_str().is_some_and(|text| text.len() <= 65_535);
        match (method, path) {
            _ if !is_valid => refuse(422, "Invalid request"),
            ("POST", []) => {
                assert!(body["name"].is_string() && self.is_head(&body["head_sha"]));
                self.checks.push(body.clone());
                plain(201, json!({ "id": self.checks.len() }))
            }
            ("PATCH", [id]) => {
                let check = &mut self.checks[id.parse::<usize>().unwrap() - 1];
                check["output"]["annotations"].as_array_mut().unwrap().extend(annotations);
                plain(200, json!({}))
            }
            _ => refuse(404, "Not Found"),
        }
    }

    /// Whether a commit is or was the newest of the pull request.
    fn is_head(&self, commit: &Value) -> bool {
        *commit == self.head.as_str() || self.tips.iter().any(|tip| commit == tip.as_str())
    }

    pub(super) fn deployment(&mut self, method: &str, path: &[&str], query: &str, body: &Value) -> Answer {
        if !self.may_deploy {
            return refuse(403, "Resource not accessible by integration");
        }
        match (method, path) {
            ("GET", []) => {
                let asked = |name: &str, value: &str| query.contains(&format!("{name}={value}&"));
                let of = |(_, deployment): &(usize, &Value)| {
                    let text = |name: &str| deployment[name].as_str().unwrap().to_owned();
                    asked("task", &text("task")) && asked("environment", &text("environment"))
                };
                let found = self.deployments.iter().enumerate().filter(of);
                plain(200, found.map(|(id, _)| json!({ "id": id })).collect())
            }
            ("POST", []) => {
                assert!(body["required_contexts"] == json!([]) && body["auto_merge"] == false, "{body}");
                assert!(self.is_head(&body["ref"]), "{body}");
                self.deployments.push(body.clone());
                plain(201, json!({ "id": self.deployments.len() - 1 }))
            }
            ("POST", [id, "statuses"]) => {
                let deployment = &mut self.deployments[id.parse::<usize>().unwrap()];
                deployment["state"] = body["state"].clone();
                if let Some(url) = body.get("environment_url") {
                    deployment["url"] = url.clone();
                }
                plain(201, json!({}))
            }
            _ => refuse(404, "Not Found"),
        }
    }
}
