//! The part of the fake of GitHub that is about check runs.

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
                assert!(body["name"].is_string() && body["head_sha"] == self.head.as_str());
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
}
