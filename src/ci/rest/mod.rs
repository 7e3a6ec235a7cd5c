//! A client for the REST API of a CI service. It sends the token to the service's own origin only, and respects rate
//! limits.

mod download;
mod limits;

use std::io::Read;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hyperframes_ci_core::job::retry_delay;
use serde_json::Value;

use super::error::ProviderError;
use super::log;
use crate::system::clock;
use crate::system::gate;
use crate::system::http::{CONNECT_TIMEOUT, USER_AGENT, describe, hardened_config, is_safe_origin};
use crate::system::proxy::proxy;
use crate::system::random;
use crate::system::secret::Secret;
use limits::{Pace, RateLimit};

/// The longest wait for the first byte of a response, and between two reads or writes. A transfer as a whole has no limit: a
/// video takes minutes on a slow connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Redirects of one request that are followed. The API of a renamed repository redirects.
const MAX_REDIRECTS: usize = 3;

/// The largest response that is read, in bytes. A longer one does not parse.
const MAX_RESPONSE: u64 = 64 * 1024 * 1024;

/// Attempts of one request.
const ATTEMPTS: u32 = 5;

/// Parts of an error message that are shown.
const MAX_DETAILS: usize = 6;

/// Pages of a list that are read.
const MAX_PAGES: usize = 100;

/// An API and its token.
#[derive(Debug)]
pub(super) struct Rest {
    agent: ureq::Agent,
    base: String,
    token: Option<Secret>,
    /// The header of the token, and the prefix of its value.
    scheme: (&'static str, &'static str),
    headers: &'static [(&'static str, &'static str)],
    pace: Mutex<Pace>,
}

/// The body of a request.
pub(super) enum Body<'a> {
    /// No body.
    None,
    /// JSON.
    Json(&'a Value),
    /// JSON that reads, or changes no content: it does not count as a write.
    Query(&'a Value),
    /// A file and its media type.
    File(&'a std::path::Path, &'static str),
}

/// A response.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    /// The body, or null if it is not JSON.
    pub(super) json: Value,
    /// The URL of the next page of a list.
    next: Option<String>,
    /// The URL that the response redirects to.
    location: Option<String>,
    /// The rate limit that the request exceeded.
    limit: Option<RateLimit>,
}

impl Response {
    /// Returns the body of a successful response. `subject` names the request in errors.
    ///
    /// # Errors
    /// Returns [`ProviderError::RateLimited`] if a rate limit was exceeded, [`ProviderError::Forbidden`] for other responses
    /// with the statuses 401, 403 and 404, and [`ProviderError::Failed`] for other statuses that are not a success.
    pub(super) fn ok(self, subject: &str) -> Result<Value, ProviderError> {
        if let (200..=299, None) = (self.status, self.limit) {
            return Ok(self.json);
        }
        let text = format!("{subject}: HTTP {} {}", self.status, self.message());
        let text = text.trim_end().to_owned();
        if let Some(limit) = self.limit {
            return Err(ProviderError::RateLimited(text, limit.pause));
        }
        Err(match self.status {
            // 404 is the status of what the token may not read.
            401 | 403 | 404 => ProviderError::Forbidden(text),
            _ => ProviderError::Failed(text),
        })
    }

    /// Returns the message of the service with its details; empty if there is none.
    ///
    /// Sources: docs.github.com, "Troubleshooting the REST API" (`errors` has messages, or fields and codes);
    /// docs.gitlab.com, "REST API" (`message` may be a text or an object).
    pub(super) fn message(&self) -> String {
        let text = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let main =
            ["message", "error"].iter().map(|name| text(&self.json[*name])).find(|text| !text.is_empty());
        let details = match &self.json["errors"] {
            Value::Array(errors) => errors
                .iter()
                .map(|error| {
                    match (error["message"].as_str(), error["field"].as_str(), error["code"].as_str()) {
                        (Some(message), ..) => message.to_owned(),
                        (None, Some(field), Some(code)) => format!("{field}: {code}"),
                        (None, None, Some(code)) => code.to_owned(),
                        _ => text(error),
                    }
                })
                .collect(),
            other => vec![text(other)],
        };
        let parts = main.into_iter().chain(details).filter(|part| !part.is_empty());
        parts.take(MAX_DETAILS).collect::<Vec<_>>().join("; ")
    }

    /// Returns whether the service says that an object of that name exists already.
    pub(super) fn is_already_there(&self) -> bool {
        let message = self.message().to_ascii_lowercase();
        matches!(self.status, 400 | 409 | 422)
            && ["already_exists", "already exists", "already been taken"]
                .iter()
                .any(|text| message.contains(text))
    }
}

impl Rest {
    /// Creates a client of the API at `base`.
    ///
    /// # Errors
    /// Returns [`ProviderError::Event`] if `base` is not a safe origin for the token.
    pub(super) fn new(
        base: &str,
        token: Option<Secret>,
        scheme: (&'static str, &'static str),
        headers: &'static [(&'static str, &'static str)],
    ) -> Result<Self, ProviderError> {
        Self::with_idle_timeout(base, token, scheme, headers, IDLE_TIMEOUT)
    }

    fn with_idle_timeout(
        base: &str,
        token: Option<Secret>,
        scheme: (&'static str, &'static str),
        headers: &'static [(&'static str, &'static str)],
        idle_timeout: Duration,
    ) -> Result<Self, ProviderError> {
        if !is_safe_origin(base) {
            return Err(ProviderError::Event(format!("the API URL {base:?} does not use https")));
        }
        let agent = hardened_config()
            .proxy(proxy(base).map_err(ProviderError::Event)?)
            .timeout_resolve(Some(CONNECT_TIMEOUT))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(idle_timeout))
            .timeout_per_read(Some(idle_timeout))
            .timeout_per_write(Some(idle_timeout))
            .user_agent(USER_AGENT)
            .build()
            .new_agent();
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self { agent, base, token, scheme, headers, pace: Mutex::default() })
    }

    /// Returns the URL of the API.
    #[cfg(test)]
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Returns whether there is a token.
    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Returns whether there is a token that starts with `prefix`, which shows its kind.
    pub(super) fn token_starts_with(&self, prefix: &str) -> bool {
        self.token.as_ref().is_some_and(|token| token.expose().starts_with(prefix))
    }

    /// Sends a request to a path of the API, or to an absolute URL that [`Rest::is_own`] allows. Follows redirects within
    /// the service, waits for rate limits, and retries after server and network errors. A redirect to another host is
    /// returned.
    ///
    /// A POST may be sent twice, since its response can be lost: Git objects are named by their contents, of two equal
    /// comments one is deleted, and references, releases and their files are refused the second time, see
    /// [`Response::is_already_there`].
    ///
    /// # Errors
    /// Returns [`ProviderError::Failed`] if the URL is not the service's own, or there is no response.
    pub(super) fn call(&self, method: &str, path: &str, body: &Body<'_>) -> Result<Response, ProviderError> {
        let mut url = if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() };
        if !self.is_own(&url) {
            return Err(ProviderError::Failed("the service returned a URL of another host".to_owned()));
        }
        let (mut attempt, mut redirects) = (1, 0);
        loop {
            let is_write = method != "GET" && method != "HEAD" && !matches!(body, Body::Query(_));
            if is_write {
                std::thread::sleep(clock::pause(self.pace().reserve(Instant::now())));
            }
            let pause = match self.send(method, &url, body) {
                Ok(Response { status: 301 | 302 | 307 | 308, location: Some(location), .. })
                    if redirects < MAX_REDIRECTS && self.is_own(&location) =>
                {
                    redirects += 1;
                    url = location;
                    continue;
                }
                Ok(response) => match response.limit {
                    Some(limit) if attempt < ATTEMPTS && self.pace().may_wait(limit.pause) => {
                        report_pause(&url, limit.pause);
                        limit.pause
                    }
                    None if response.status >= 500 && attempt < ATTEMPTS => {
                        retry_delay(attempt, None, random())
                    }
                    _ => return Ok(response),
                },
                Err(_) if attempt < ATTEMPTS => retry_delay(attempt, None, random()),
                Err(message) => return Err(ProviderError::Failed(message)),
            };
            attempt += 1;
            std::thread::sleep(clock::pause(pause));
        }
    }

    fn pace(&self) -> std::sync::MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns all items of a list, page by page. `subject` names the list in errors.
    ///
    /// # Errors
    /// Returns [`ProviderError`] as [`Rest::call`] and [`Response::ok`] do, and if a page is not a JSON array.
    pub(super) fn list(&self, path: &str, subject: &str) -> Result<Vec<Value>, ProviderError> {
        self.list_in(path, None, subject)
    }

    /// Returns all items of a list as [`Rest::list`] does; of the list in the member `name` of each page if it is given.
    ///
    /// # Errors
    /// As [`Rest::list`].
    pub(super) fn list_in(
        &self,
        path: &str,
        name: Option<&str>,
        subject: &str,
    ) -> Result<Vec<Value>, ProviderError> {
        let mut items = Vec::new();
        let mut next = Some(path.to_owned());
        for _ in 0..MAX_PAGES {
            let Some(path) = next.take() else { break };
            let mut response = self.call("GET", &path, &Body::None)?;
            next = response.next.take();
            let mut page = response.ok(subject)?;
            let list = match name {
                Some(name) => page[name].take(),
                None => page,
            };
            match list {
                Value::Array(page) => items.extend(page),
                _ => return Err(ProviderError::Failed(format!("{subject}: the response is not a list"))),
            }
        }
        Ok(items)
    }

    /// Returns whether `url` belongs to the service, so that the token may be sent to it: the API's origin, or the
    /// sibling host `uploads.`.
    fn is_own(&self, url: &str) -> bool {
        let origin = |url: &str| {
            let uri = url.parse::<ureq::http::Uri>().ok()?;
            Some((uri.scheme_str()?.to_owned(), uri.host()?.to_owned(), uri.port_u16()))
        };
        let (Some(ours), Some(theirs)) = (origin(&self.base), origin(url)) else { return false };
        let site = ours.1.strip_prefix("api.").unwrap_or(&ours.1);
        ours == theirs || (is_safe_origin(url) && ours.0 == theirs.0 && theirs.1 == format!("uploads.{site}"))
    }

    /// Sends a request once.
    ///
    /// # Errors
    /// Returns a message that names the file, if there is one, and the host.
    fn send(&self, method: &str, url: &str, body: &Body<'_>) -> Result<Response, String> {
        let mut builder = ureq::http::Request::builder().method(method).uri(url);
        for (name, value) in self.headers {
            builder = builder.header(*name, *value);
        }
        if let Some(token) = &self.token {
            builder = builder.header(self.scheme.0, format!("{}{}", self.scheme.1, token.expose()));
        }
        let host = host(url);
        let subject = match body {
            Body::File(path, _) => format!("uploading {}: ", path.display()),
            Body::None | Body::Json(_) | Body::Query(_) => String::new(),
        };
        let invalid = |_| "invalid request".to_owned();
        let response = match body {
            Body::None => self.agent.run(builder.body(()).map_err(invalid)?),
            Body::Json(json) | Body::Query(json) => {
                let builder = builder.header("content-type", "application/json");
                self.agent.run(builder.body(json.to_string()).map_err(invalid)?)
            }
            Body::File(path, kind) => {
                let file = gate::open_made(path)
                    .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
                let builder = builder.header("content-type", *kind);
                self.agent.run(builder.body(file).map_err(invalid)?)
            }
        };
        let response =
            response.map_err(|error| format!("{subject}no response from {host}: {}", describe(&error)))?;
        let (head, body) = response.into_parts();
        let header = |name: &str| head.headers.get(name)?.to_str().ok().map(str::to_owned);
        let mut bytes = Vec::new();
        let read = body.into_reader().take(MAX_RESPONSE).read_to_end(&mut bytes);
        read.map_err(|error| format!("{subject}the response of {host} is incomplete: {error}"))?;
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        let status = head.status.as_u16();
        Ok(Response {
            status,
            limit: RateLimit::of(status, &header, &json),
            json,
            next: header("link").as_deref().and_then(next_link),
            location: header("location"),
        })
    }
}

/// Returns the host of a URL, with its port.
fn host(url: &str) -> String {
    let uri = url.parse::<ureq::http::Uri>().ok();
    uri.and_then(|uri| Some(uri.authority()?.to_string())).unwrap_or_default()
}

/// Logs that the run waits for a rate limit, unless the wait is short.
fn report_pause(url: &str, pause: Duration) {
    if pause >= Duration::from_secs(5) {
        log::print([format!("waiting {} s for the rate limit of {}", pause.as_secs(), host(url))]);
    }
}

/// Returns the `next` URL of a `Link` header; source: RFC 8288.
fn next_link(header: &str) -> Option<String> {
    header.split(',').find_map(|link| {
        let (url, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        parameters.contains("rel=\"next\"").then(|| url.to_owned())
    })
}

#[cfg(test)]
mod tests;
