//! Sign-ins over HTTP: the consent page, tokens, and codes for other devices; sources: RFC 6749, 7009, 8628.

use std::collections::HashMap;
use std::io::Read;

use serde_json::{Value, json};

use crate::emulator::envelopes::json;
use crate::emulator::server::{Reply, Request};
use crate::emulator::state::{CODE_LIFETIME, CodeRequest, DEVICE_INTERVAL, GrantError, State, Tokens};
use crate::system::page::{document, escape};

/// Forms are read up to this many bytes.
const MAX_FORM: u64 = 64 * 1024;

/// Answers a request of a sign-in; returns `None` for any other request.
pub(super) fn answer(state: &State, request: &mut Request) -> Option<Reply> {
    let path = request.path.clone();
    match (request.method.as_str(), path.as_str()) {
        ("GET", "/oauth/authorize") => Some(consent(request)),
        ("POST", "/oauth/authorize") => Some(decide(state, request)),
        ("POST", "/v1/oauth/token") => Some(exchange(state, &form(request))),
        ("POST", "/v1/oauth/revoke") => Some(revoke(state, &form(request))),
        ("POST", "/v1/oauth/device_authorization") => {
            let host = request.header("host").unwrap_or_default().to_owned();
            Some(start_device(state, &form(request), &host))
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
    let _ = request.take(MAX_FORM).read_to_string(&mut text);
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

fn text<'a>(form: &'a Form, name: &str) -> &'a str {
    form.get(name).map_or("", String::as_str)
}

fn uncached(status: u16, value: &Value) -> Reply {
    json(status, value).header("cache-control", "no-store")
}

fn refuse(error: GrantError) -> Reply {
    uncached(400, &json!({ "error": error }))
}

fn page(status: u16, title: &str, body: &str) -> Reply {
    // The form redirects to the client, which listens on a port of its own. Without a referrer, browsers send its origin as
    // null.
    const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' http://127.0.0.1:*; \
        frame-ancestors 'none'; base-uri 'none'";
    Reply::new(status, "text/html; charset=utf-8", document(title, body))
        .header("cache-control", "no-store")
        .header("content-security-policy", POLICY)
        .header("x-content-type-options", "nosniff")
        .header("referrer-policy", "same-origin")
}

/// Returns the first mistake of an authorization request. The redirect URI is validated first, to prevent open redirects.
fn find_mistake(query: &Form) -> Option<&'static str> {
    let redirect_uri = text(query, "redirect_uri");
    let port = redirect_uri.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.split('/').next());
    // It becomes a header of the reply.
    let is_text = redirect_uri.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_text || port.is_none_or(|port| port.parse::<u16>().is_err()) {
        return Some("redirect_uri must be http://127.0.0.1:PORT/…");
    }
    [
        (text(query, "response_type") == "code", "response_type must be code"),
        (!text(query, "client_id").is_empty(), "client_id is missing"),
        (!text(query, "state").is_empty(), "state is missing"),
        (text(query, "code_challenge_method") == "S256", "code_challenge_method must be S256"),
        (text(query, "code_challenge").len() == 43, "code_challenge is not a SHA-256 digest"),
    ]
    .into_iter()
    .find_map(|(is_right, message)| (!is_right).then_some(message))
}

/// Reads an authorization request, or returns the page that explains its mistake.
fn authorization_request(request: &Request) -> Result<Form, Reply> {
    let query: Form = form_urlencoded::parse(request.query.as_bytes()).into_owned().collect();
    match find_mistake(&query) {
        Some(mistake) => Err(page(400, "Invalid sign-in request", &format!("<p>{}</p>", escape(mistake)))),
        None => Ok(query),
    }
}

fn consent(request: &Request) -> Reply {
    let query = match authorization_request(request) {
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
    let query = match authorization_request(request) {
        Ok(query) => query,
        Err(page) => return page,
    };
    let is_allowed = text(&form(request), "decision") == "allow";
    let redirect_uri = text(&query, "redirect_uri");
    // As it was sent: it is encoded already.
    let state_parameter =
        request.query.split('&').find(|pair| pair.starts_with("state=")).unwrap_or_default().to_owned();
    let answer = if is_allowed {
        let code = state.lock().grants.issue_code(CodeRequest {
            challenge: text(&query, "code_challenge").to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            client_id: text(&query, "client_id").to_owned(),
        });
        format!("code={code}")
    } else {
        "error=access_denied".to_owned()
    };
    Reply::new(302, "text/plain", "").header("location", format!("{redirect_uri}?{answer}&{state_parameter}"))
}

/// Exchanges a code or a refresh token for tokens.
fn exchange(state: &State, form: &Form) -> Reply {
    let grants = &mut state.lock().grants;
    let client_id = text(form, "client_id");
    let tokens = match text(form, "grant_type") {
        "authorization_code" => {
            let (verifier, redirect_uri) = (text(form, "code_verifier"), text(form, "redirect_uri"));
            grants.redeem_code(text(form, "code"), verifier, redirect_uri, client_id)
        }
        "refresh_token" => grants.redeem_refresh_token(text(form, "refresh_token")),
        "urn:ietf:params:oauth:grant-type:device_code" => {
            grants.redeem_device_code(text(form, "device_code"), client_id)
        }
        _ => Err("unsupported_grant_type"),
    };
    match tokens {
        Ok(Tokens { access, refresh, lifetime }) => {
            let tokens = json!({ "access_token": access, "refresh_token": refresh, "expires_in": lifetime.as_secs(),
                "token_type": "Bearer", "scope": "openid profile email" });
            uncached(200, &tokens)
        }
        Err(error) => refuse(error),
    }
}

/// Always the same reply; source: RFC 7009, section 2.2.
fn revoke(state: &State, form: &Form) -> Reply {
    state.lock().grants.revoke(text(form, "token"));
    uncached(200, &json!({}))
}

fn start_device(state: &State, form: &Form, host: &str) -> Reply {
    let client_id = text(form, "client_id");
    if client_id.is_empty() {
        return refuse("invalid_client");
    }
    let codes = state.lock().grants.start_device(client_id);
    let (device_code, user_code) = (codes.device_code, codes.user_code);
    let url = format!("http://{host}/oauth/device");
    let body = json!({ "device_code": device_code, "user_code": user_code, "verification_uri": url,
        "verification_uri_complete": format!("{url}?user_code={user_code}"),
        "expires_in": CODE_LIFETIME.as_secs(), "interval": DEVICE_INTERVAL });
    uncached(200, &body)
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
    let user_code = text(form, "user_code").trim().to_ascii_uppercase();
    let is_allowed = text(form, "decision") == "allow";
    if !state.lock().grants.decide_device(&user_code, is_allowed) {
        return page(400, "Unknown code", "");
    }
    device_page("", Some(if is_allowed { "Allowed" } else { "Denied" }))
}
