//! Sign-ins: a page where the user allows one, tokens that are refreshed and given back, codes for other devices; sources:
//! RFC 6749, 7636, 7009, 8628.

use std::collections::HashMap;
use std::io::Read;
use std::time::Duration;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::server::{Reply, Request};
use super::state::State;
use crate::system::clock::{unix_now, unix_time_in};
use crate::system::page::{document, escape};

/// A form is not longer, in bytes.
const LARGEST_FORM: u64 = 64 * 1024;

/// How long codes are valid.
const CODE_LIFETIME: Duration = Duration::from_secs(600);

/// The pause between two questions of a device, in seconds.
const DEVICE_INTERVAL: i64 = 1;

/// What is known of sign-ins.
#[derive(Default)]
pub(super) struct Grants {
    /// Codes that the browser carries, until they are used.
    codes: HashMap<String, Code>,
    /// When access tokens end, in seconds since 1970.
    access: HashMap<String, i64>,
    /// Refresh tokens, each good for one use, and the sign-in that they belong to.
    refresh: HashMap<String, (u64, bool)>,
    devices: HashMap<String, Device>,
    serial: u64,
}

struct Code {
    challenge: String,
    redirect_uri: String,
    client_id: String,
    expires: i64,
}

struct Device {
    user_code: String,
    client_id: String,
    expires: i64,
    /// Whether the user has allowed it, or not; `None` as long as nothing was said.
    allowed: Option<bool>,
    asked: i64,
}

impl Grants {
    /// Whether a request with this token is let in.
    pub(super) fn accepts(&self, token: &str) -> bool {
        self.access.get(token).is_some_and(|expires| *expires > unix_now())
    }
}

/// Answers a request about sign-ins; `None` where it is about something else.
pub(super) fn answer(state: &State, request: &mut Request) -> Option<Reply> {
    let path = request.path.clone();
    match (request.method.as_str(), path.as_str()) {
        ("GET", "/oauth/authorize") => Some(consent(request)),
        ("POST", "/oauth/authorize") => Some(decide(state, request)),
        ("POST", "/v1/oauth/token") => Some(token(state, &form(request))),
        ("POST", "/v1/oauth/revoke") => Some(revoke(state, &form(request))),
        ("POST", "/v1/oauth/device_authorization") => {
            let host = request.header("host").unwrap_or_default().to_owned();
            Some(device(state, &form(request), &host))
        }
        ("GET", "/oauth/device") => {
            Some(device_page(&request.parameter("user_code").unwrap_or_default(), None))
        }
        ("POST", "/oauth/device") => Some(decide_device(state, &form(request))),
        _ => None,
    }
}

type Form = HashMap<String, String>;

fn form(request: &mut Request) -> Form {
    let mut text = String::new();
    let _ = request.take(LARGEST_FORM).read_to_string(&mut text);
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

fn text<'a>(form: &'a Form, name: &str) -> &'a str {
    form.get(name).map_or("", String::as_str)
}

fn json(status: u16, value: &Value) -> Reply {
    Reply::new(status, "application/json", value.to_string()).header("cache-control", "no-store")
}

fn refused(error: &str) -> Reply {
    json(400, &json!({ "error": error }))
}

fn page(status: u16, title: &str, body: &str) -> Reply {
    Reply::new(status, "text/html; charset=utf-8", document(title, body)).header("cache-control", "no-store")
}

/// What is wrong with a request to sign in. Where it leads is looked at first: nobody is sent anywhere else.
fn mistake(query: &Form) -> Option<&'static str> {
    let redirect_uri = text(query, "redirect_uri");
    let port = redirect_uri.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.split('/').next());
    if port.is_none_or(|port| port.parse::<u16>().is_err()) {
        return Some("redirect_uri must be http://127.0.0.1:PORT/…");
    }
    [
        (text(query, "response_type") == "code", "response_type must be code"),
        (!text(query, "client_id").is_empty(), "client_id is missing"),
        (!text(query, "state").is_empty(), "state is missing"),
        (text(query, "code_challenge_method") == "S256", "code_challenge_method must be S256"),
        (text(query, "code_challenge").len() == 43, "code_challenge is no SHA-256"),
    ]
    .into_iter()
    .find_map(|(is_right, message)| (!is_right).then_some(message))
}

/// What a sign-in is asked for with, or the page that says that it is none.
fn asked(request: &Request) -> Result<Form, Reply> {
    let query: Form = form_urlencoded::parse(request.query.as_bytes()).into_owned().collect();
    match mistake(&query) {
        Some(mistake) => Err(page(400, "This is no sign-in", &format!("<p>{}</p>", escape(mistake)))),
        None => Ok(query),
    }
}

fn consent(request: &Request) -> Reply {
    let query = match asked(request) {
        Ok(query) => query,
        Err(page) => return page,
    };
    let body = format!(
        "<p>The client <code>{}</code> asks for: {}.</p><form method=\"post\" action=\"/oauth/authorize?{}\">\
         <button name=\"decision\" value=\"allow\">Allow</button> <button name=\"decision\" value=\"deny\">Deny</button></form>",
        escape(text(&query, "client_id")),
        escape(text(&query, "scope")),
        escape(&request.query),
    );
    page(200, "Sign in to the emulator", &body)
}

fn decide(state: &State, request: &mut Request) -> Reply {
    let query = match asked(request) {
        Ok(query) => query,
        Err(page) => return page,
    };
    let is_allowed = text(&form(request), "decision") == "allow";
    let redirect_uri = text(&query, "redirect_uri");
    // As it was given: it is encoded.
    let echoed =
        request.query.split('&').find(|pair| pair.starts_with("state=")).unwrap_or_default().to_owned();
    let answer = if is_allowed {
        let mut inner = state.lock();
        let code = state.fresh_id(&mut inner, "code");
        let granted = Code {
            challenge: text(&query, "code_challenge").to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            client_id: text(&query, "client_id").to_owned(),
            expires: unix_time_in(CODE_LIFETIME),
        };
        inner.grants.codes.insert(code.clone(), granted);
        format!("code={code}")
    } else {
        "error=access_denied".to_owned()
    };
    Reply::new(302, "text/plain", "").header("location", format!("{redirect_uri}?{answer}&{echoed}"))
}

fn token(state: &State, form: &Form) -> Reply {
    match text(form, "grant_type") {
        "authorization_code" => {
            // Used once, whatever comes of it.
            let Some(code) = state.lock().grants.codes.remove(text(form, "code")) else {
                return refused("invalid_grant");
            };
            let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(text(form, "code_verifier")));
            let is_right = code.expires > unix_now()
                && code.challenge == challenge
                && code.redirect_uri == text(form, "redirect_uri")
                && code.client_id == text(form, "client_id");
            if is_right { signed(state, None) } else { refused("invalid_grant") }
        }
        "refresh_token" => {
            let mut inner = state.lock();
            let Some((grant, is_used)) = inner.grants.refresh.get_mut(text(form, "refresh_token")) else {
                return refused("invalid_grant");
            };
            let grant = *grant;
            if std::mem::replace(is_used, true) {
                // Somebody has stolen it, or the other way round: nobody keeps the sign-in.
                inner.grants.refresh.retain(|_, (other, _)| *other != grant);
                return refused("invalid_grant");
            }
            drop(inner);
            signed(state, Some(grant))
        }
        "urn:ietf:params:oauth:grant-type:device_code" => {
            let mut inner = state.lock();
            let Some(device) = inner.grants.devices.get_mut(text(form, "device_code")) else {
                return refused("invalid_grant");
            };
            let since = unix_now() - std::mem::replace(&mut device.asked, unix_now());
            match device.allowed {
                _ if device.client_id != text(form, "client_id") => refused("invalid_grant"),
                _ if device.expires <= unix_now() => refused("expired_token"),
                Some(false) => refused("access_denied"),
                None if since < DEVICE_INTERVAL => refused("slow_down"),
                None => refused("authorization_pending"),
                Some(true) => {
                    inner.grants.devices.remove(text(form, "device_code"));
                    drop(inner);
                    signed(state, None)
                }
            }
        }
        _ => refused("unsupported_grant_type"),
    }
}

/// A fresh pair of tokens.
fn signed(state: &State, grant: Option<u64>) -> Reply {
    let mut inner = state.lock();
    let lifetime = state.config.token_lifetime;
    let (access, refresh) = (state.fresh_id(&mut inner, "at"), state.fresh_id(&mut inner, "rt"));
    inner.grants.serial += 1;
    let grant = grant.unwrap_or(inner.grants.serial);
    inner.grants.access.insert(access.clone(), unix_time_in(lifetime));
    inner.grants.refresh.insert(refresh.clone(), (grant, false));
    let tokens = json!({ "access_token": access, "refresh_token": refresh, "expires_in": lifetime.as_secs(),
        "token_type": "Bearer", "scope": "openid profile email" });
    json(200, &tokens)
}

/// Always the same answer; source: RFC 7009, section 2.2.
fn revoke(state: &State, form: &Form) -> Reply {
    let mut inner = state.lock();
    let token = text(form, "token");
    inner.grants.access.remove(token);
    inner.grants.refresh.remove(token);
    json(200, &json!({}))
}

fn device(state: &State, form: &Form, host: &str) -> Reply {
    if text(form, "client_id").is_empty() {
        return refused("invalid_client");
    }
    let mut inner = state.lock();
    let device_code = state.fresh_id(&mut inner, "device");
    let user_code = state.fresh_id(&mut inner, "c")[2..10].to_ascii_uppercase();
    let device = Device {
        user_code: user_code.clone(),
        client_id: text(form, "client_id").to_owned(),
        expires: unix_time_in(CODE_LIFETIME),
        allowed: None,
        asked: 0,
    };
    inner.grants.devices.insert(device_code.clone(), device);
    let place = format!("http://{host}/oauth/device");
    let answer = json!({ "device_code": device_code, "user_code": user_code, "verification_uri": place,
        "verification_uri_complete": format!("{place}?user_code={user_code}"), "expires_in": CODE_LIFETIME.as_secs(),
        "interval": DEVICE_INTERVAL });
    json(200, &answer)
}

fn device_page(user_code: &str, outcome: Option<&str>) -> Reply {
    if let Some(outcome) = outcome {
        return page(200, outcome, "<p>You can close this window.</p>");
    }
    let body = format!(
        "<form method=\"post\"><p><input name=\"user_code\" value=\"{}\" aria-label=\"Code\"></p>\
         <button name=\"decision\" value=\"allow\">Allow</button> <button name=\"decision\" value=\"deny\">Deny</button></form>",
        escape(user_code)
    );
    page(200, "Sign in another device", &body)
}

fn decide_device(state: &State, form: &Form) -> Reply {
    let mut inner = state.lock();
    let code = text(form, "user_code").trim().to_ascii_uppercase();
    let Some(device) = inner.grants.devices.values_mut().find(|device| device.user_code == code) else {
        return page(400, "There is no such code", "");
    };
    let is_allowed = text(form, "decision") == "allow";
    device.allowed = Some(is_allowed);
    device_page("", Some(if is_allowed { "Allowed" } else { "Denied" }))
}
