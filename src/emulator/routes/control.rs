//! `/_emulator`: statistics, and replacing the script. Both need the API key.

use std::io::Read;

use serde_json::json;

use super::key::{is_key, unauthenticated};
use super::validation::MAX_JSON;
use crate::emulator::envelopes::{error, json};
use crate::emulator::faults::Script;
use crate::emulator::server::{Reply, Request};
use crate::emulator::state::State;

/// Returns whether a path belongs to this module.
pub(super) fn is_control(path: &str) -> bool {
    path.starts_with("/_emulator/")
}

/// Answers a request of a test; returns `None` for any other request.
pub(super) fn answer(state: &State, request: &mut Request) -> Option<Reply> {
    if !is_control(&request.path) {
        return None;
    }
    // The key itself: sign-ins need no key, so their tokens do not count.
    let bearer = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    if !request.header("x-api-key").or(bearer).is_some_and(|given| is_key(state, given)) {
        return Some(unauthenticated().reply());
    }
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/_emulator/stats") => Some(json(200, &json!(state.lock().stats))),
        ("POST", "/_emulator/script") => Some(replace_script(state, request)),
        _ => None,
    }
}

fn replace_script(state: &State, request: &mut Request) -> Reply {
    let mut text = String::new();
    let read = request.take(MAX_JSON).read_to_string(&mut text);
    let script = read
        .map_err(|error| error.to_string())
        .and_then(|_| Script::parse(&text).map_err(|error| error.to_string()));
    match script {
        Ok(script) => {
            state.set_script(script);
            json(200, &json!({}))
        }
        Err(message) => error(400, "invalid_parameter", &message, None),
    }
}
