//! The two origins: the API, with its authentication and faults, and the storage.

mod archives;
mod assets;
mod catalogue;
mod control;
mod files;
mod guard;
mod idempotency;
mod key;
mod multipart;
mod oauth;
mod projects;
mod rejection;
mod renders;
mod storage;
mod translations;
mod validation;
mod videos;
mod voices;
mod webhooks;

use std::borrow::Cow;

use hyperframes_ci_core::archive::hex;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::envelopes::{data, error, storage_error};
use super::faults::Step;
use super::server::{Reply, Request};
use super::state::State;
use idempotency::create_from_body;
use key::{is_key, unauthenticated};
use rejection::Rejection;
pub(crate) use validation::MAX_JSON;
use validation::json_body;

/// Answers a request on the API's origin, which is at `url`.
pub(super) fn api(state: &State, request: &mut Request, url: &str) -> Reply {
    let reply = match guard::refusal(request, url) {
        Some(reason) => error(403, "forbidden", reason, None),
        None => route(state, request, url),
    };
    // Requests for the statistics are not part of them.
    if !control::is_control(&request.path) {
        state.record(&request.method, &request.path, reply.received_status());
    }
    let id = hex(&Sha256::digest(format!("{}{}", request.path, state.lock().stats.requests.len())));
    reply.header("x-request-id", format!("req_{}", &id[..16]))
}

/// Answers a request on the storage's origin, which is at `url`.
pub(super) fn storage(state: &State, request: &mut Request, url: &str) -> Reply {
    if let Some(reason) = guard::refusal(request, url) {
        // Not 403, which clients take for an expired URL.
        let reply = storage_error(400, "InvalidRequest", reason);
        state.record(&request.method, &request.path, reply.received_status());
        return reply;
    }
    let step = if request.method == "PUT" { Step::Put } else { Step::Download };
    let fault = state.next_fault(step);
    let reply = fault.apply(&state.presigner.base_url, || storage::answer(state, request));
    // Paths are file names; the query, which is a credential, is not recorded.
    state.record(&request.method, &request.path, reply.received_status());
    reply
}

/// The balance of the account before anything is billed, in US dollars.
const BALANCE: f64 = 100.0;

type Handler<'a> = &'a dyn Fn(&mut Request) -> Result<Reply, Rejection>;

fn route(state: &State, request: &mut Request, url: &str) -> Reply {
    if let Some(reply) = control::answer(state, request).or_else(|| oauth::answer(state, request)) {
        return reply;
    }
    let (method, path) = (request.method.clone(), request.path.clone());
    let segments = path.trim_matches('/').split('/').collect::<Vec<_>>();
    let (step, handler): (Step, Handler<'_>) = match (method.as_str(), segments.as_slice()) {
        ("POST", ["v3", "assets", "direct-uploads"]) => (Step::CreateUpload, &|request| {
            if !state.config.direct_uploads {
                return Err(Rejection::not_found("endpoint"));
            }
            create_from_body(state, request, assets::create_upload).map(|value| data(&value))
        }),
        ("POST", ["v3", "assets", id, "complete"]) => (Step::Complete, &|request| {
            let body = json_body(request)?;
            assets::complete(state, &decode(id), &body).map(|value| data(&value))
        }),
        ("POST", ["v3", "assets"]) => {
            (Step::ProxyUpload, &|request| assets::proxy_upload(state, request).map(|value| data(&value)))
        }
        ("POST", ["v3", "hyperframes", "renders"]) => (Step::Submit, &|request| {
            create_from_body(state, request, renders::submit).map(|value| data(&value))
        }),
        ("GET", ["v3", "hyperframes", "renders"]) => (Step::List, &|request| renders::list(state, request)),
        ("GET", ["v3", "hyperframes", "renders", id]) => {
            (Step::Poll, &|_| renders::detail(state, &decode(id)).map(|value| data(&value)))
        }
        ("DELETE", ["v3", "hyperframes", "renders", id]) => {
            (Step::Delete, &|_| renders::delete(state, &decode(id)).map(|value| data(&value)))
        }
        ("POST", ["v1", "hyperframes", "projects", "publish", "upload"]) => {
            (Step::PublishUpload, &|request| {
                projects::create_upload(state, request).map(|value| data(&value))
            })
        }
        ("POST", ["v1", "hyperframes", "projects", "publish", "complete"]) => {
            (Step::Publish, &|request| projects::complete(state, request, url).map(|value| data(&value)))
        }
        ("POST", ["render"]) => (Step::Submit, &|request| files::submit(state, request)),
        ("GET", ["render", id]) => (Step::Poll, &|request| files::poll(state, &decode(id), request)),
        ("GET", ["v3", "users", "me"]) => (Step::Me, &|_| Ok(data(&account(state)))),
        ("GET", ["v3", "voices"]) => (Step::Voices, &|request| voices::list(request)),
        ("POST", ["v3", "videos"]) => (Step::SubmitVideo, &|request| {
            create_from_body(state, request, videos::submit).map(|value| data(&value))
        }),
        ("GET", ["v3", "videos"]) => (Step::ListVideos, &|request| videos::list(state, request)),
        ("GET", ["v3", "videos", id]) => {
            (Step::PollVideo, &|_| videos::detail(state, &decode(id)).map(|value| data(&value)))
        }
        ("GET", ["v3", "avatars"]) => (Step::Avatars, &|request| catalogue::groups(request)),
        ("GET", ["v3", "avatars", "looks"]) => (Step::Avatars, &|request| catalogue::looks(request)),
        ("GET", ["v3", "avatars", "looks", id]) => {
            (Step::Avatars, &|_| catalogue::look(&decode(id)).map(|value| data(&value)))
        }
        ("GET", ["v3", "audio", "sounds"]) => (Step::Sounds, &|request| catalogue::sounds(state, request)),
        ("GET", ["v3", "video-translations", "languages"]) => {
            (Step::Languages, &|_| Ok(data(&catalogue::languages())))
        }
        ("POST", ["v3", "video-translations"]) => (Step::SubmitTranslation, &|request| {
            create_from_body(state, request, translations::submit).map(|value| data(&value))
        }),
        ("GET", ["v3", "video-translations"]) => {
            (Step::ListTranslations, &|request| translations::list(state, request))
        }
        ("GET", ["v3", "video-translations", id]) => {
            (Step::PollTranslation, &|_| translations::detail(state, &decode(id)).map(|value| data(&value)))
        }
        ("POST", ["v3", "voices", "speech"]) => {
            (Step::Speech, &|request| voices::speak(state, request).map(|value| data(&value)))
        }
        ("GET", ["v3", "voices", id]) => {
            (Step::Voices, &|_| voices::detail(&decode(id)).map(|value| data(&value)))
        }
        ("POST", ["v3", "webhooks", "endpoints"]) => (Step::Webhooks, &|request| {
            create_from_body(state, request, webhooks::create).map(|value| data(&value))
        }),
        ("GET", ["v3", "webhooks", "endpoints"]) => (Step::Webhooks, &|_| Ok(webhooks::list(state))),
        ("DELETE", ["v3", "webhooks", "endpoints", id]) => {
            (Step::Webhooks, &|_| webhooks::delete(state, &decode(id)).map(|value| data(&value)))
        }
        ("POST", ["v3", "webhooks", "endpoints", id, "rotate-secret"]) => (Step::Webhooks, &|request| {
            let rotate = |state: &_, _: &_| webhooks::rotate_secret(state, &decode(id));
            create_from_body(state, request, rotate).map(|value| data(&value))
        }),
        ("GET", ["v3", "webhooks", "events"]) => {
            (Step::Webhooks, &|request| webhooks::events(state, request))
        }
        (
            _,
            [
                "v3",
                "assets" | "audio" | "avatars" | "hyperframes" | "users" | "video-translations" | "videos"
                | "voices" | "webhooks",
                ..,
            ],
        ) => {
            return error(405, "method_not_allowed", "no such endpoint for this method", None);
        }
        _ => return Rejection::not_found("endpoint").reply(),
    };
    let is_without_envelope = matches!(step, Step::PublishUpload | Step::Publish);
    let fault = state.next_fault(step);
    fault.prepare(request);
    fault.apply(&state.presigner.base_url, || {
        authenticate(state, request).and_then(|()| handler(request)).unwrap_or_else(|rejection| {
            match is_without_envelope {
                true => rejection.message_reply(),
                false => rejection.reply(),
            }
        })
    })
}

fn decode(segment: &str) -> Cow<'_, str> {
    percent_decode_str(segment).decode_utf8_lossy()
}

fn authenticate(state: &State, request: &Request) -> Result<(), Rejection> {
    let bearer = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let given = request.header("x-api-key").or(bearer).filter(|key| !key.is_empty());
    if given.is_some_and(|given| is_key(state, given) || state.lock().grants.accepts(given)) {
        return Ok(());
    }
    Err(unauthenticated())
}

fn account(state: &State) -> Value {
    let balance = BALANCE - state.lock().stats.cost_usd;
    json!({
        "username": "emulator",
        "email": "emulator@localhost.invalid",
        "first_name": "Local",
        "last_name": "Emulator",
        "billing_type": "wallet",
        "wallet": { "currency": "usd", "remaining_balance": balance, "auto_reload": { "enabled": false } },
        "subscription": null,
        "usage_based": null,
    })
}
