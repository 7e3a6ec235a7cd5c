//! A client for the REST API of a CI service. It sends the token to the service's own origin only, and respects rate
//! limits.

use std::io::Read;
use std::time::Duration;

use hyperframes_ci_core::job::retry_delay;
use serde_json::Value;

use super::error::ProviderError;
use crate::system::clock::unix_now;
use crate::system::gate;
use crate::system::http::{describe, hardened_config, is_safe_origin};
use crate::system::proxy::proxy;
use crate::system::secret::Secret;

/// The time limit of one request, transfers included.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The largest response that is read, in bytes. A longer one does not parse.
const MAX_RESPONSE: u64 = 64 * 1024 * 1024;

/// The largest artifact that is downloaded, in bytes. Artifacts are untrusted.
const MAX_DOWNLOAD: u64 = 512 * 1024 * 1024;

/// Attempts of one request.
const ATTEMPTS: u32 = 5;

/// The longest pause that a server may request. A longer one is an error.
const MAX_PAUSE: Duration = Duration::from_secs(90);

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
}

/// The body of a request.
pub(super) enum Body<'a> {
    /// No body.
    None,
    /// JSON.
    Json(&'a Value),
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
}

impl Response {
    /// Returns the body of a successful response. `subject` names the request in errors.
    ///
    /// # Errors
    /// Returns [`ProviderError::Forbidden`] for the statuses 401, 403 and 404, and [`ProviderError::Failed`] for other
    /// statuses that are not a success.
    pub(super) fn ok(self, subject: &str) -> Result<Value, ProviderError> {
        match self.status {
            200..=299 => Ok(self.json),
            status => {
                let message = self.json.get("message").and_then(Value::as_str).unwrap_or_default();
                let text = format!("{subject}: HTTP {status} {message}");
                Err(match status {
                    // 404 is the status of what the token may not read.
                    401 | 403 | 404 => ProviderError::Forbidden(text),
                    _ => ProviderError::Failed(text),
                })
            }
        }
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
        if !is_safe_origin(base) {
            return Err(ProviderError::Event(format!("the API URL {base:?} does not use https")));
        }
        let agent = hardened_config()
            .proxy(proxy(base).map_err(ProviderError::Event)?)
            .timeout_global(Some(TIMEOUT))
            .user_agent(concat!("hyperframes-ci/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Ok(Self { agent, base: base.trim_end_matches('/').to_owned(), token, scheme, headers })
    }

    /// Returns whether there is a token.
    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Sends a request to a path of the API, or to an absolute URL that [`Rest::is_own`] allows. Retries after rate
    /// limits and, unless the request is a POST, after server and network errors.
    ///
    /// # Errors
    /// Returns [`ProviderError::Failed`] if the URL is not the service's own, or there is no response.
    pub(super) fn call(&self, method: &str, path: &str, body: &Body<'_>) -> Result<Response, ProviderError> {
        let url = if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() };
        if !self.is_own(&url) {
            return Err(ProviderError::Failed("the service returned a URL of another host".to_owned()));
        }
        let is_idempotent = method != "POST";
        for attempt in 1.. {
            let pause = match self.send(method, &url, body) {
                Ok((response, pause)) => match pause {
                    Some(pause) if attempt < ATTEMPTS && pause <= MAX_PAUSE => pause,
                    None if is_idempotent && response.status >= 500 && attempt < ATTEMPTS => {
                        retry_delay(attempt, None, u64::from(attempt))
                    }
                    _ => return Ok(response),
                },
                Err(_) if is_idempotent && attempt < ATTEMPTS => {
                    retry_delay(attempt, None, u64::from(attempt))
                }
                Err(message) => return Err(ProviderError::Failed(message)),
            };
            std::thread::sleep(pause);
        }
        Err(ProviderError::Failed("no response".to_owned()))
    }

    /// Returns all items of a list, page by page. `subject` names the list in errors.
    ///
    /// # Errors
    /// Returns [`ProviderError`] as [`Rest::call`] and [`Response::ok`] do, and if a page is not a JSON array.
    pub(super) fn list(&self, path: &str, subject: &str) -> Result<Vec<Value>, ProviderError> {
        let mut items = Vec::new();
        let mut next = Some(path.to_owned());
        for _ in 0..MAX_PAGES {
            let Some(path) = next.take() else { break };
            let mut response = self.call("GET", &path, &Body::None)?;
            next = response.next.take();
            match response.ok(subject)? {
                Value::Array(page) => items.extend(page),
                _ => return Err(ProviderError::Failed(format!("{subject}: the response is not a list"))),
            }
        }
        Ok(items)
    }

    /// Downloads from a path of the API to `file`. The token is not sent to the presigned URL that the API redirects
    /// to.
    ///
    /// # Errors
    /// Returns [`ProviderError::Failed`] if there is no such path, the redirect is not a safe origin, the body is too
    /// large, or `file` cannot be written.
    pub(super) fn download(&self, path: &str, file: &std::path::Path) -> Result<(), ProviderError> {
        let failed = |message: &dyn std::fmt::Display| {
            ProviderError::Failed(format!("the download failed: {message}"))
        };
        let mut builder = ureq::http::Request::builder().uri(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            builder = builder.header(self.scheme.0, format!("{}{}", self.scheme.1, token.expose()));
        }
        let request = builder.body(()).map_err(|_| failed(&"invalid URL"))?;
        let mut response = self.agent.run(request).map_err(|error| failed(&describe(&error)))?;
        if response.status().is_redirection() {
            let location = response.headers().get("location").and_then(|value| value.to_str().ok());
            let location = location.filter(|location| is_safe_origin(location));
            let location =
                location.ok_or_else(|| failed(&"the redirect does not lead to a safe URL"))?.to_owned();
            response =
                self.agent.get(&location).call().map_err(|_| failed(&"no response from the storage"))?;
        }
        if !response.status().is_success() {
            return Err(failed(&format!("HTTP {}", response.status().as_u16())));
        }
        let mut body = response.into_body().into_reader().take(MAX_DOWNLOAD + 1);
        let mut file = gate::create(file).map_err(|error| failed(&error))?;
        let size = std::io::copy(&mut body, &mut file).map_err(|error| failed(&error))?;
        if size > MAX_DOWNLOAD { Err(failed(&"the file is too large")) } else { Ok(()) }
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

    /// Sends a request once. Returns the response, and the pause that the server requests before a retry.
    fn send(&self, method: &str, url: &str, body: &Body<'_>) -> Result<(Response, Option<Duration>), String> {
        let mut builder = ureq::http::Request::builder().method(method).uri(url);
        for (name, value) in self.headers {
            builder = builder.header(*name, *value);
        }
        if let Some(token) = &self.token {
            builder = builder.header(self.scheme.0, format!("{}{}", self.scheme.1, token.expose()));
        }
        let host = url.parse::<ureq::http::Uri>().ok().and_then(|uri| Some(uri.authority()?.to_string()));
        let host = host.unwrap_or_default();
        let unreachable = |error: &ureq::Error| format!("no response from {host}: {}", describe(error));
        let invalid = |_| "invalid request".to_owned();
        let response = match body {
            Body::None => self.agent.run(builder.body(()).map_err(invalid)?),
            Body::Json(json) => {
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
        let response = response.map_err(|error| unreachable(&error))?;
        let status = response.status().as_u16();
        let header = |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
        let pause = pause(status, &header);
        let next = header("link").as_deref().and_then(next_link);
        let mut bytes = Vec::new();
        let read = response.into_body().into_reader().take(MAX_RESPONSE).read_to_end(&mut bytes);
        read.map_err(|error| format!("the response of {host} is incomplete: {error}"))?;
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok((Response { status, json, next }, pause))
    }
}

/// Returns the pause that a server requests: a rate limit names seconds, or the time at which it ends.
fn pause(status: u16, header: &dyn Fn(&str) -> Option<String>) -> Option<Duration> {
    if !matches!(status, 403 | 429 | 503) {
        return None;
    }
    let number = |name: &str| header(name).and_then(|value| value.trim().parse::<i64>().ok());
    let seconds = match number("retry-after") {
        Some(seconds) => Some(seconds),
        None if number("x-ratelimit-remaining") == Some(0) => {
            number("x-ratelimit-reset").map(|reset| reset - unix_now() + 1)
        }
        None => (status == 429).then_some(5),
    };
    seconds.map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// Returns the `next` URL of a `Link` header; source: RFC 8288.
fn next_link(header: &str) -> Option<String> {
    header.split(',').find_map(|link| {
        let (url, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        parameters.contains("rel=\"next\"").then(|| url.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(base: &str) -> Rest {
        Rest::new(base, None, ("authorization", "Bearer "), &[]).expect("a safe origin")
    }

    #[test]
    fn the_token_stays_with_its_service() {
        let public = rest("https://api.github.example");
        assert!(public.is_own("https://api.github.example/repos"));
        assert!(public.is_own("https://uploads.github.example/repos/1/assets?name=a"));
        for external in [
            "https://evil.example/",
            "https://api.github.example.evil.example/",
            "http://api.github.example/",
            "https://uploads.evil.example/",
            "https://api.github.example@evil.example/",
        ] {
            assert!(!public.is_own(external), "{external}");
        }
        // An Enterprise server has all of it below one host.
        let own = rest("https://ghe.example/api/v3");
        assert!(own.is_own("https://ghe.example/api/uploads/repos/o/r/releases/1/assets?name=a"));
        assert!(!own.is_own("https://api.github.example/repos"));
        assert!(Rest::new("http://api.github.example", None, ("a", "b"), &[]).is_err());
    }

    #[test]
    fn a_service_that_does_not_respond_is_named() {
        // Bound and closed again, so that nothing listens there.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let host = listener.local_addr().expect("an address").to_string();
        drop(listener);
        let error = rest(&format!("http://{host}")).call("POST", "/x", &Body::None).expect_err("no response");
        let message = error.to_string();
        assert!(message.starts_with(&format!("no response from {host}: ")), "{message}");
        assert!(!message.contains("io: "), "{message}");
    }

    #[test]
    fn pages_are_found() {
        let header = "<https://a.example/?page=1>; rel=\"prev\", <https://a.example/?page=3>; rel=\"next\"";
        assert_eq!(next_link(header).as_deref(), Some("https://a.example/?page=3"));
        assert_eq!(next_link("<https://a.example/?page=1>; rel=\"last\""), None);
    }

    #[test]
    fn rate_limits_are_waited_for_and_refusals_are_not() {
        let pause_of = |status, headers: &[(&str, String)]| {
            pause(status, &|name| {
                headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
            })
        };
        assert_eq!(pause_of(403, &[]), None);
        assert_eq!(pause_of(403, &[("retry-after", "3".to_owned())]), Some(Duration::from_secs(3)));
        let reset = (unix_now() + 9).to_string();
        let limited = [("x-ratelimit-remaining", "0".to_owned()), ("x-ratelimit-reset", reset)];
        assert!(pause_of(429, &limited).is_some_and(|pause| (9..=11).contains(&pause.as_secs())));
        assert_eq!(pause_of(200, &limited), None);
    }
}
