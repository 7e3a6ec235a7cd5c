//! Webhook endpoints: registering, listing, deleting, rotating secrets, and the list of events.

use serde_json::{Value, json};

use super::rejection::Rejection;
use super::validation::{is_webhook, object, page, required};
use crate::emulator::envelopes::json;
use crate::emulator::server::{Reply, Request};
use crate::emulator::state::{Endpoint, Inner, State, random_secret};
use crate::system::secret::Secret;

/// `POST /v3/webhooks/endpoints`: the only response with the secret.
pub(super) fn create(state: &State, body: &Value) -> Result<Value, Rejection> {
    let body = object(body)?;
    let url = required(body, "url")?;
    if !is_webhook(url) {
        return Err(Rejection::parameter("url", "must be an https URL"));
    }
    let events = match body.get("events") {
        None | Some(Value::Null) => None,
        Some(Value::Array(events)) => {
            let events = events.iter().map(|event| event.as_str().map(str::to_owned));
            let events = events.collect::<Option<Vec<_>>>();
            Some(events.ok_or_else(|| Rejection::parameter("events", "must be a list of strings"))?)
        }
        Some(_) => return Err(Rejection::parameter("events", "must be a list of strings")),
    };
    let mut inner = state.lock();
    let id = inner.ids.next("whe");
    let endpoint = Endpoint { id, url: url.to_owned(), events, secret: new_secret() };
    let mut created = endpoint_json(&endpoint);
    created["secret"] = endpoint.secret.expose().into();
    inner.endpoints.push(endpoint);
    Ok(created)
}

/// `GET /v3/webhooks/endpoints`
pub(super) fn list(state: &State) -> Reply {
    let endpoints = state.lock().endpoints.iter().map(endpoint_json).collect::<Vec<_>>();
    json(200, &json!({ "data": endpoints, "has_more": false, "next_token": null }))
}

/// `DELETE /v3/webhooks/endpoints/{id}`
pub(super) fn delete(state: &State, id: &str) -> Result<Value, Rejection> {
    let mut inner = state.lock();
    find(&mut inner, id)?;
    inner.endpoints.retain(|endpoint| endpoint.id != id);
    Ok(json!({ "endpoint_id": id }))
}

/// `POST /v3/webhooks/endpoints/{id}/rotate-secret`: the earlier secret signs nothing any more.
pub(super) fn rotate_secret(state: &State, id: &str) -> Result<Value, Rejection> {
    let mut inner = state.lock();
    let endpoint = find(&mut inner, id)?;
    endpoint.secret = new_secret();
    Ok(json!({ "endpoint_id": id, "secret": endpoint.secret.expose() }))
}

/// `GET /v3/webhooks/events`: newest first; the cursor names the last event of the previous page.
pub(super) fn events(state: &State, request: &Request) -> Result<Reply, Rejection> {
    let wanted = request.parameter("event_type");
    let inner = state.lock();
    let is_wanted = |event: &&Value| wanted.as_deref().is_none_or(|wanted| event["event_type"] == wanted);
    let newest_first = inner.events.iter().rev().filter(is_wanted);
    let (page, token) = page(request, newest_first, |event| event["event_id"].as_str().unwrap_or_default())?;
    Ok(json(200, &json!({ "data": page, "has_more": token.is_some(), "next_token": token })))
}

fn new_secret() -> Secret {
    Secret::new(format!("whsec_{}", random_secret()))
}

fn find<'a>(inner: &'a mut Inner, id: &str) -> Result<&'a mut Endpoint, Rejection> {
    let endpoint = inner.endpoints.iter_mut().find(|endpoint| endpoint.id == id);
    endpoint.ok_or_else(|| Rejection::not_found("webhook endpoint"))
}

fn endpoint_json(endpoint: &Endpoint) -> Value {
    json!({
        "endpoint_id": endpoint.id, "url": endpoint.url, "events": endpoint.events, "status": "enabled",
    })
}
