//! Idempotency keys: a key creates something at most once.

use std::collections::hash_map::Entry;

use hyperframes_ci_core::api::IdempotencyKey;
use serde_json::Value;

use super::rejection::Rejection;
use super::validation::json_body;
use crate::emulator::server::Request;
use crate::emulator::state::State;

/// Reads the idempotency key.
///
/// # Errors
/// Returns a [`Rejection`] if it is invalid.
pub(super) fn key(request: &Request) -> Result<Option<IdempotencyKey>, Rejection> {
    let invalid =
        |_| Rejection::parameter("Idempotency-Key", "must be 1 to 255 characters of A-Z a-z 0-9 _ : . -");
    request.header("idempotency-key").map(|key| key.parse().map_err(invalid)).transpose()
}

/// Creates something from the JSON body, at most once for the request's key.
///
/// # Errors
/// Returns a [`Rejection`] if the key or the body is invalid, if the key is in progress, or from `create`.
pub(super) fn create_from_body(
    state: &State,
    request: &mut Request,
    create: impl FnOnce(&State, &Value) -> Result<Value, Rejection>,
) -> Result<Value, Rejection> {
    let key = key(request)?;
    let body = json_body(request)?;
    let work = request.work;
    let create = || {
        std::thread::sleep(work);
        create(state, &body)
    };
    match key {
        None => create(),
        Some(key) => create_once(state, &request.path, &key, create),
    }
}

/// Creates something, or returns what an earlier request with the same path and key created, whatever its body was.
///
/// # Errors
/// Returns a [`Rejection`] while an earlier request with the key is processed, or from `create`. Rejections are not
/// remembered: the corrected request may use the same key.
pub(super) fn create_once(
    state: &State,
    path: &str,
    key: &IdempotencyKey,
    create: impl FnOnce() -> Result<Value, Rejection>,
) -> Result<Value, Rejection> {
    let endpoint_key = (path.to_owned(), key.as_str().to_owned());
    match state.lock().replays.entry(endpoint_key.clone()) {
        Entry::Vacant(entry) => drop(entry.insert(None)),
        Entry::Occupied(entry) => {
            return entry.get().clone().ok_or_else(|| Rejection {
                status: 409,
                code: "request_in_progress",
                message: "the first request with this key is still being processed".to_owned(),
                param: Some("Idempotency-Key"),
            });
        }
    }
    let created = create();
    let mut inner = state.lock();
    match &created {
        Ok(data) => drop(inner.replays.insert(endpoint_key, Some(data.clone()))),
        Err(_) => drop(inner.replays.remove(&endpoint_key)),
    }
    drop(inner);
    created
}
