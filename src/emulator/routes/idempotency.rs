//! Idempotency keys: a key creates something at most once.

use hyperframes_ci_core::api::IdempotencyKey;
use hyperframes_ci_core::archive::hex;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::rejection::Rejection;
use super::validation::json_body;
use crate::emulator::server::Request;
use crate::emulator::state::{Replay, State};

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
/// Returns a [`Rejection`] if the key or the body is invalid, if the key was used with another body, or from `create`.
pub(super) fn create_from_body(
    state: &State,
    request: &mut Request,
    create: impl FnOnce(&State, &Value) -> Result<Value, Rejection>,
) -> Result<Value, Rejection> {
    let key = key(request)?;
    let body = json_body(request)?;
    let Some(key) = key else { return create(state, &body) };
    let hash = hex(&Sha256::digest(body.to_string()));
    create_once(state, &request.path, &key, &hash, || create(state, &body))
}

/// Creates something, or returns what an earlier request with the same path, key and hash created.
///
/// # Errors
/// Returns a [`Rejection`] if the key was used with another hash, or from `create`. Rejections are not remembered: the
/// corrected request may use the same key.
pub(super) fn create_once(
    state: &State,
    path: &str,
    key: &IdempotencyKey,
    request_hash: &str,
    create: impl FnOnce() -> Result<Value, Rejection>,
) -> Result<Value, Rejection> {
    let endpoint_key = (path.to_owned(), key.as_str().to_owned());
    // Two requests with one key may arrive at the same time.
    let _guard = state.lock_creation();
    if let Some(replay) = state.lock().replays.get(&endpoint_key) {
        if replay.request_hash != request_hash {
            return Err(Rejection {
                status: 409,
                code: "idempotency_conflict",
                message: "the key was used with another request".to_owned(),
                param: Some("Idempotency-Key"),
            });
        }
        return Ok(replay.data.clone());
    }
    let data = create()?;
    let replay = Replay { request_hash: request_hash.to_owned(), data: data.clone() };
    state.lock().replays.insert(endpoint_key, replay);
    Ok(data)
}
