//! The API's origin: routes, authentication, idempotency, error envelopes.

use std::io::Read;

use hyperframes_ci_core::api::IdempotencyKey;
use hyperframes_ci_core::archive::hex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::faults::{Script, Step};
use super::server::{Reply, Request};
use super::state::State;
use super::validate::Rejection;
use super::{assets, oauth, renders};

/// JSON bodies are not larger; base64 projects would be, and are for small archives only.
const LARGEST_JSON: u64 = 48 * 1024 * 1024;

/// Answers one request.
pub(super) fn answer(state: &State, request: &mut Request) -> Reply {
    let reply = route(state, request);
    // Whoever asks for the figures is no part of them.
    if !request.path.starts_with("/_emulator/") {
        state.record(&request.method, &request.path, reply.seen_status());
    }
    let id = hex(&Sha256::digest(format!("{}{}", request.path, state.lock().stats.requests.len())));
    reply.header("x-request-id", format!("req_{}", &id[..16]))
}

/// The error envelope.
pub(super) fn failure(status: u16, code: &str, message: &str, param: Option<&str>) -> Reply {
    let body = json!({ "error": { "code": code, "message": message, "param": param, "doc_url": null } });
    Reply::new(status, "application/json", body.to_string())
}

/// `{"data": …}`
pub(super) fn data(value: &Value) -> Reply {
    Reply::new(200, "application/json", json!({ "data": value }).to_string())
}

fn rejected(rejection: &Rejection) -> Reply {
    failure(rejection.status, rejection.code, &rejection.message, rejection.param)
}

fn route(state: &State, request: &mut Request) -> Reply {
    let path = request.path.clone();
    let segments = path.trim_matches('/').split('/').collect::<Vec<_>>();
    let method = request.method.clone();
    match (method.as_str(), segments.as_slice()) {
        ("GET", ["_emulator", "stats"]) => {
            let stats = state.lock().stats.clone();
            return Reply::new(200, "application/json", json!(stats).to_string());
        }
        ("POST", ["_emulator", "script"]) => return replace_script(state, request),
        _ => {}
    }
    if let Some(reply) = oauth::answer(state, request) {
        return reply;
    }
    let step = match (method.as_str(), segments.as_slice()) {
        ("POST", ["v3", "assets", "direct-uploads"]) => Step::CreateUpload,
        ("POST", ["v3", "assets", _, "complete"]) => Step::Complete,
        ("POST", ["v3", "assets"]) => Step::ProxyUpload,
        ("POST", ["v3", "hyperframes", "renders"]) => Step::Submit,
        ("GET", ["v3", "hyperframes", "renders"]) => Step::List,
        ("GET", ["v3", "hyperframes", "renders", _]) => Step::Poll,
        ("DELETE", ["v3", "hyperframes", "renders", _]) => Step::Delete,
        ("GET", ["v3", "users", "me"]) => Step::Me,
        (_, ["v3", "assets" | "hyperframes" | "users", ..]) => {
            return failure(405, "method_not_allowed", "no such endpoint for this method", None);
        }
        _ => return failure(404, "not_found", "no such endpoint", None),
    };
    let id = percent_encoding::percent_decode_str(
        segments.get(if step == Step::Complete { 2 } else { 3 }).unwrap_or(&""),
    )
    .decode_utf8_lossy();
    state.fault(step).play(&state.storage_url, || match authenticate(state, request) {
        Err(reply) => reply,
        Ok(()) => perform(state, request, step, &id),
    })
}

fn replace_script(state: &State, request: &mut Request) -> Reply {
    let mut text = String::new();
    let read = request.take(LARGEST_JSON).read_to_string(&mut text);
    match read
        .map_err(|error| error.to_string())
        .and_then(|_| Script::parse(&text).map_err(|error| error.to_string()))
    {
        Ok(script) => {
            state.set_script(script);
            Reply::new(200, "application/json", "{}")
        }
        Err(message) => failure(400, "invalid_parameter", &message, None),
    }
}

fn authenticate(state: &State, request: &Request) -> Result<(), Reply> {
    let bearer = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let given = request.header("x-api-key").or(bearer).filter(|key| !key.is_empty());
    let accepted = match (&state.config.api_key, given) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(expected), Some(given)) => expected == given || state.lock().grants.accepts(given),
    };
    if accepted {
        return Ok(());
    }
    Err(failure(401, "authentication_failed", "the API key is missing or not valid", None))
}

fn perform(state: &State, request: &mut Request, step: Step, id: &str) -> Reply {
    let result = match step {
        Step::CreateUpload if !state.config.direct_uploads => {
            return failure(404, "not_found", "no such endpoint", None);
        }
        Step::CreateUpload => idempotent(state, request, assets::create_upload),
        Step::Submit => idempotent(state, request, renders::submit),
        Step::ProxyUpload => assets::proxy_upload(state, request),
        Step::Complete => json_body(request).and_then(|body| assets::complete(state, id, &body)),
        Step::Poll => renders::detail(state, id),
        Step::List => return renders::list(state, request).unwrap_or_else(|rejection| rejected(&rejection)),
        Step::Delete => renders::delete(state, id),
        Step::Me => Ok(me()),
        Step::Put | Step::Download | Step::Render => Err(Rejection::not_found("endpoint")),
    };
    match result {
        Ok(value) => data(&value),
        Err(rejection) => rejected(&rejection),
    }
}

/// The key of the request, checked.
pub(super) fn idempotency_key(request: &Request) -> Result<Option<IdempotencyKey>, Rejection> {
    let invalid =
        |_| Rejection::parameter("Idempotency-Key", "must be 1 to 255 characters of A-Z a-z 0-9 _ : . -");
    request.header("idempotency-key").map(|key| key.parse().map_err(invalid)).transpose()
}

fn json_body(request: &mut Request) -> Result<Value, Rejection> {
    let mut bytes = Vec::new();
    request
        .take(LARGEST_JSON)
        .read_to_end(&mut bytes)
        .map_err(|_| Rejection::parameter("body", "the body did not arrive whole"))?;
    if bytes.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(&bytes)
        .map_err(|error| Rejection::parameter("body", &format!("not JSON: {error}")))
}

/// Creates something at most once for a key: the same request gets the same answer again, another is refused.
fn idempotent(
    state: &State,
    request: &mut Request,
    create: impl FnOnce(&State, &Value) -> Result<Value, Rejection>,
) -> Result<Value, Rejection> {
    let key = idempotency_key(request)?;
    let body = json_body(request)?;
    let Some(key) = key else { return create(state, &body) };
    let hash = hex(&Sha256::digest(body.to_string()));
    once(state, &request.path, &key, &hash, || create(state, &body))
}

/// See [`idempotent`]; `hash` stands for the request.
pub(super) fn once(
    state: &State,
    path: &str,
    key: &IdempotencyKey,
    hash: &str,
    create: impl FnOnce() -> Result<Value, Rejection>,
) -> Result<Value, Rejection> {
    let place = (path.to_owned(), key.as_str().to_owned());
    // Two requests with one key may come at the same moment.
    let _turn = state.turn();
    if let Some((earlier, _, answer)) = state.lock().replays.get(&place) {
        if earlier != hash {
            return Err(Rejection {
                status: 409,
                code: "idempotency_conflict",
                message: "the key was used with another request".to_owned(),
                param: Some("Idempotency-Key"),
            });
        }
        return serde_json::from_slice(answer).map_err(|_| Rejection::not_found("answer"));
    }
    // Failures are not kept: what was refused may be mended and sent again.
    let value = create()?;
    let answer = value.to_string().into_bytes();
    state.lock().replays.insert(place, (hash.to_owned(), 200, answer));
    Ok(value)
}

fn me() -> Value {
    json!({
        "username": "emulator",
        "email": "emulator@localhost.invalid",
        "first_name": "Local",
        "last_name": "Emulator",
        "billing_type": "wallet",
        "wallet": { "currency": "usd", "remaining_balance": 100.0, "auto_reload": { "enabled": false } },
        "subscription": null,
        "usage_based": null,
    })
}
