//! Sends the requests of the core by ureq. Only this module adds the credential, for the API's own origin only.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use hyperframes_ci_core::api::{Body, Method, Request, Response, ResponseError, Target};
use hyperframes_ci_core::archive::INLINE_UPLOAD_LIMIT;
use hyperframes_ci_core::job::retry_delay;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::de::DeserializeOwned;
use ureq::config::{AutoHeaderValue, ConfigBuilder};
use ureq::http::Uri;
use ureq::typestate::AgentScope;
use ureq::{Agent, AsSendBody, SendBody};

use super::auth::{Credential, OAuthError, Provider, Secret};
use super::source::Source;
use crate::system::clock::pause;
use crate::system::deadline::Deadline;
use crate::system::http::{CONNECT_TIMEOUT, USER_AGENT, describe, hardened_config};
use crate::system::proxy::proxy;

pub(crate) use super::api_base::ApiBase;
pub(crate) use super::call_error::{CallError, api_members};

/// The largest response that is read, in bytes. Responses of the API are small.
const MAX_RESPONSE: u64 = 16 * 1024 * 1024;

/// Redirects of one request that are followed.
const MAX_REDIRECTS: usize = 5;

/// What a credential in a response is replaced by.
const MASK: &str = "***";

/// Length of the shortest credential that is masked, in bytes.
const SHORTEST_SECRET: usize = 8;

/// The default idle timeout: the longest wait for the first byte of a response, and between two reads or writes.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// An archive that can be sent more than once.
pub(crate) trait Replay: Read + Seek {}
impl<T: Read + Seek> Replay for T {}

/// How long the API may take for a request that it answers once the work is done: speech takes up to 120 s.
const SLOW_RESPONSE: Duration = Duration::from_secs(150);

/// Why there is no response.
#[derive(Debug)]
pub(crate) struct NoResponse {
    /// A message without secrets.
    pub(crate) message: String,
    /// Whether the request was surely not sent.
    pub(crate) is_unsent: bool,
}

impl NoResponse {
    /// Returns the reason of a request that was not sent.
    pub(crate) fn unsent(message: impl Into<String>) -> Self {
        Self { message: message.into(), is_unsent: true }
    }

    /// Returns the reason of an error of a request to `host`.
    pub(crate) fn of(host: &str, error: &ureq::Error) -> Self {
        let is_unsent = match error {
            ureq::Error::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
            ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::ConnectProxyFailed(_)
            | ureq::Error::BadUri(_)
            | ureq::Error::RequireHttpsOnly(_)
            | ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => true,
            _ => false,
        };
        Self { message: format!("{host}: {}", describe(error)), is_unsent }
    }
}

/// ASCII characters that are escaped in URLs, in addition to all other characters.
const UNESCAPED: &AsciiSet = &CONTROLS.add(b' ');

/// Sends requests to the API and to presigned URLs.
#[derive(Debug)]
pub(crate) struct Transport {
    api: Agent,
    /// For requests that are answered once the work is done.
    slow: Agent,
    external: Agent,
    downloads: Agent,
    base: ApiBase,
    /// Replaced when a sign-in is refreshed.
    credential: Mutex<Option<Credential>>,
    tokens: Provider,
}

impl Transport {
    /// Creates a transport to `base` that closes connections after `idle_timeout`. Without a credential, the API responds
    /// with 401.
    pub(crate) fn new(
        base: ApiBase,
        credential: Option<Credential>,
        tokens: Provider,
        idle_timeout: Duration,
    ) -> Self {
        // A presigned URL of an HTTPS API is HTTPS as well: anything else is a downgrade.
        let https_only = base.is_https();
        let settings = || -> ConfigBuilder<AgentScope> {
            hardened_config()
                .https_only(https_only)
                .timeout_resolve(Some(CONNECT_TIMEOUT.min(idle_timeout)))
                .timeout_connect(Some(CONNECT_TIMEOUT.min(idle_timeout)))
                .timeout_recv_response(Some(idle_timeout))
                .timeout_per_read(Some(idle_timeout))
                .timeout_per_write(Some(idle_timeout))
        };
        Self {
            slow: settings()
                .user_agent(USER_AGENT)
                .accept("application/json")
                .timeout_recv_response(Some(SLOW_RESPONSE.max(idle_timeout)))
                .timeout_per_read(Some(SLOW_RESPONSE.max(idle_timeout)))
                .timeout_recv_body(Some(idle_timeout))
                .build()
                .new_agent(),
            // Responses are small: without a limit, a server could keep a connection busy by sending bytes slowly.
            api: settings()
                .user_agent(USER_AGENT)
                .accept("application/json")
                .timeout_recv_body(Some(idle_timeout))
                .build()
                .new_agent(),
            // The signature of a presigned URL covers the set of headers: none is added.
            external: settings()
                .user_agent(AutoHeaderValue::None)
                .accept(AutoHeaderValue::None)
                .build()
                .new_agent(),
            downloads: settings().user_agent(USER_AGENT).max_redirects(5).build().new_agent(),
            base,
            credential: Mutex::new(credential),
            tokens,
        }
    }

    /// Returns the API's base URL.
    pub(crate) fn base(&self) -> &ApiBase {
        &self.base
    }

    /// Sends `request` and reads the whole response. `progress` receives the number of archive bytes sent so far. A sign-in
    /// that has expired, or that the API rejects, is refreshed once.
    ///
    /// # Errors
    /// Returns a message without secrets if there is no response before `deadline`.
    pub(crate) fn send(
        &self,
        request: &Request,
        archive: Option<&mut dyn Replay>,
        deadline: Deadline,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Response, String> {
        self.attempt(request, archive, deadline, progress).map_err(|error| error.message)
    }

    /// Sends `request` as [`Transport::send`] does.
    ///
    /// # Errors
    /// Returns whether the request was sent, if there is no response before `deadline`.
    pub(crate) fn attempt(
        &self,
        request: &Request,
        mut archive: Option<&mut dyn Replay>,
        deadline: Deadline,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Response, NoResponse> {
        if !matches!(request.target, Target::Api(_)) {
            return self.send_once(request, None, archive, deadline, progress);
        }
        let mut credential = self.credential();
        let mut is_refreshed = false;
        if let Some(Credential::Session(session)) = &credential
            && session.is_expired
        {
            // If the refresh is refused, the request is sent anyway: the API's own error is clearer.
            if let Some(renewed) = self.renew(&session.access_token, deadline).map_err(NoResponse::unsent)? {
                (credential, is_refreshed) = (Some(renewed), true);
            }
        }
        let again = archive.as_mut().map(|archive| &mut **archive as &mut dyn Replay);
        let response = self.send_once(request, credential.as_ref(), again, deadline, progress)?;
        if let (401, false, Some(Credential::Session(session))) = (response.status, is_refreshed, &credential)
            && let Some(renewed) = self.renew(&session.access_token, deadline).map_err(NoResponse::unsent)?
        {
            return self.send_once(request, Some(&renewed), archive, deadline, progress);
        }
        Ok(response)
    }

    fn credential(&self) -> Option<Credential> {
        self.credential.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Refreshes the sign-in with the token `old`. Returns `None` if it cannot be refreshed.
    fn renew(&self, old: &Secret, deadline: Deadline) -> Result<Option<Credential>, String> {
        let mut credential = self.credential.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Credential::Session(session)) = credential.as_mut() else { return Ok(None) };
        // Another thread may have refreshed it already.
        if session.access_token.expose() == old.expose() {
            let Some(store) = &session.store else { return Ok(None) };
            match self.tokens.refresh(store, old, deadline) {
                Ok(token) => (session.access_token, session.is_expired) = (token, false),
                Err(OAuthError::Refused(_)) => return Ok(None),
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(credential.clone())
    }

    /// Sends a request once.
    fn send_once(
        &self,
        request: &Request,
        credential: Option<&Credential>,
        archive: Option<&mut dyn Replay>,
        deadline: Deadline,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Response, NoResponse> {
        let (agent, mut url) = match &request.target {
            Target::Api(path) if request.is_slow() => (&self.slow, format!("{}{path}", self.base)),
            Target::Api(path) => (&self.api, format!("{}{path}", self.base)),
            Target::Presigned(url) => (&self.external, url.clone()),
        };
        let mut builder = head(request, &url, credential);
        let proxy = proxy(&url).map_err(NoResponse::unsent)?;
        let response = match &request.body {
            Body::Empty if request.method == Method::Get && matches!(request.target, Target::Api(_)) => {
                for _ in 0..MAX_REDIRECTS {
                    let response = run(agent, builder, (), proxy.clone(), deadline)?;
                    let Some(target) = redirect_within(&url, &response) else {
                        return read_response(response, credential);
                    };
                    builder = head(request, &target, credential);
                    url = target;
                }
                Err(NoResponse { message: "too many redirects".to_owned(), is_unsent: false })
            }
            Body::Empty => run(agent, builder, (), proxy, deadline),
            Body::Bytes(bytes) => run(agent, builder, bytes.as_slice(), proxy, deadline),
            Body::Encoded { prefix, suffix } => {
                let (archive, _) = start_of(archive)?;
                let mut bytes = Vec::new();
                archive
                    .take(INLINE_UPLOAD_LIMIT)
                    .read_to_end(&mut bytes)
                    .map_err(|error| unreadable(&error))?;
                let body = [prefix.as_slice(), BASE64_STANDARD.encode(&bytes).as_bytes(), suffix].concat();
                run(agent, builder, body.as_slice(), proxy, deadline)
            }
            Body::Archive { prefix, suffix } => {
                let (archive, size) = start_of(archive)?;
                let length = size + prefix.len() as u64 + suffix.len() as u64;
                let mut counted = Counted { inner: archive, sent: 0, progress };
                let mut body = prefix.as_slice().chain(&mut counted).chain(suffix.as_slice());
                let builder = builder.header("content-length", length);
                run(agent, builder, SendBody::from_reader(&mut body), proxy, deadline)
            }
        };
        read_response(response?, credential)
    }

    /// Sends a request outside a job, with at most `max_retries` retries after transient errors.
    ///
    /// # Errors
    /// Returns [`CallError`] if there is no response, or one that is an error or malformed.
    pub(crate) fn call(&self, request: &Request, max_retries: u32, seed: u64) -> Result<Response, CallError> {
        let check = |response: Response| response.check().map(|()| response);
        self.call_by(request, max_retries, seed, Deadline::NEVER, check)
    }

    /// Sends a request as [`Transport::call`] does and reads the whole object of the response. A response that was cut is
    /// retried as well.
    ///
    /// # Errors
    /// As [`Transport::call`].
    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        request: &Request,
        max_retries: u32,
        seed: u64,
    ) -> Result<T, CallError> {
        self.call_by(request, max_retries, seed, Deadline::NEVER, |response| response.whole())
    }

    /// Sends a request as [`Transport::call`] does, by `deadline`, and reads the response with `read`.
    ///
    /// # Errors
    /// As [`Transport::call`], and [`CallError::TimedOut`] if there is no response by `deadline`.
    pub(crate) fn call_by<T>(
        &self,
        request: &Request,
        max_retries: u32,
        seed: u64,
        deadline: Deadline,
        mut read: impl FnMut(Response) -> Result<T, ResponseError>,
    ) -> Result<T, CallError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let answer = match self.send(request, None, deadline, &mut |_| {}) {
                Ok(response) => read(response).map_err(CallError::from),
                Err(_) if deadline.is_over() => return Err(CallError::TimedOut),
                Err(message) => Err(CallError::Unreachable(message)),
            };
            let error = match answer {
                Ok(value) => return Ok(value),
                Err(error) if attempt > max_retries || !error.is_transient() => return Err(error),
                Err(error) => error,
            };
            let retry_after = match &error {
                CallError::Api(error) => error.retry_after,
                CallError::Malformed { .. } | CallError::Unreachable(_) | CallError::TimedOut => None,
            };
            let delay = pause(retry_delay(attempt, retry_after, seed));
            if deadline.limit(delay) < delay {
                return Err(CallError::TimedOut);
            }
            std::thread::sleep(delay);
        }
    }
}

/// Opens presigned URLs, without a credential.
impl Source for Transport {
    fn open(
        &self,
        url: &str,
        offset: u64,
        validator: Option<&str>,
        deadline: Deadline,
    ) -> Result<ureq::http::Response<ureq::Body>, String> {
        // A server may name the file as its user did; escaped characters stay as they are.
        let url = &utf8_percent_encode(url, UNESCAPED).to_string();
        let mut request = self.downloads.get(url);
        if offset > 0 {
            request = request.header("range", format!("bytes={offset}-"));
            if let Some(validator) = validator {
                request = request.header("if-range", validator);
            }
        }
        let limit = limit(deadline)?;
        request
            .config()
            .proxy(proxy(url)?)
            .timeout_global(limit)
            .build()
            .call()
            .map_err(|error| describe(&error))
    }
}

/// Returns an archive at its start, and its size in bytes.
fn start_of(archive: Option<&mut dyn Replay>) -> Result<(&mut dyn Replay, u64), NoResponse> {
    let archive = archive.ok_or_else(|| NoResponse::unsent("no archive to send"))?;
    let size = archive.seek(SeekFrom::End(0)).map_err(|error| unreadable(&error))?;
    archive.rewind().map_err(|error| unreadable(&error))?;
    Ok((archive, size))
}

fn unreadable(error: &io::Error) -> NoResponse {
    NoResponse::unsent(error.to_string())
}

/// Returns the head of a request to `url`, with the credential if it goes to the API.
fn head(request: &Request, url: &str, credential: Option<&Credential>) -> ureq::http::request::Builder {
    let mut builder = ureq::http::Request::builder().method(request.method.as_str()).uri(url);
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    if let Target::Presigned(_) = &request.target {
        return builder;
    }
    // The name that the official client sends.
    builder = builder.header("x-heygen-client-source", "hyperframes");
    match credential {
        Some(Credential::ApiKey(key)) => builder.header("x-api-key", key.expose()),
        Some(Credential::Session(session)) => builder
            .header("x-heygen-source", "cli")
            .header("authorization", format!("Bearer {}", session.access_token.expose())),
        None => builder,
    }
}

/// Returns the redirect target of a GET response if it has the same origin: the credential is not sent elsewhere.
fn redirect_within(url: &str, response: &ureq::http::Response<ureq::Body>) -> Option<String> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get("location")?.to_str().ok()?;
    let from = url.parse::<Uri>().ok()?;
    let (scheme, authority) = (from.scheme_str()?, from.authority()?.as_str());
    if location.starts_with('/') && !location.starts_with("//") {
        return Some(format!("{scheme}://{authority}{location}"));
    }
    let to = location.parse::<Uri>().ok()?;
    let port = |uri: &Uri| uri.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
    let is_same = to.scheme_str() == Some(scheme)
        && to.authority().is_some_and(|authority| !authority.as_str().contains('@'))
        && to.host().zip(from.host()).is_some_and(|(to, from)| to.eq_ignore_ascii_case(from))
        && port(&to) == port(&from);
    is_same.then(|| location.to_owned())
}

fn run(
    agent: &Agent,
    builder: ureq::http::request::Builder,
    body: impl AsSendBody,
    proxy: Option<ureq::Proxy>,
    deadline: Deadline,
) -> Result<ureq::http::Response<ureq::Body>, NoResponse> {
    let request = builder.body(body).map_err(|_| NoResponse::unsent("invalid request"))?;
    let authority = request.uri().authority().map(ureq::http::uri::Authority::as_str).unwrap_or_default();
    // A URL of the server may have a password.
    let host = authority.rsplit('@').next().unwrap_or_default().to_owned();
    let limit = limit(deadline).map_err(NoResponse::unsent)?;
    let request = agent.configure_request(request).proxy(proxy).timeout_global(limit).build();
    agent.run(request).map_err(|error| NoResponse::of(&host, &error))
}

/// Returns the time that a request may take, or a message if there is none left.
fn limit(deadline: Deadline) -> Result<Option<Duration>, String> {
    let limit = deadline.request_time();
    if limit == Some(Duration::ZERO) { Err("the time limit is exceeded".to_owned()) } else { Ok(limit) }
}

/// Reads a response, in which the credential is masked: messages may quote it.
fn read_response(
    response: ureq::http::Response<ureq::Body>,
    credential: Option<&Credential>,
) -> Result<Response, NoResponse> {
    let (parts, mut body) = response.into_parts();
    let headers = parts
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let body = body.with_config().limit(MAX_RESPONSE).read_to_vec();
    let body = body.map_err(|error| NoResponse { message: describe(&error), is_unsent: false })?;
    let response = Response { status: parts.status.as_u16(), headers, body };
    Ok(match credential {
        Some(credential) => masked(response, credential.secret().expose()),
        None => response,
    })
}

/// Replaces `secret` in a response: a server that echoes the headers of requests must not bring a key into a log.
fn masked(mut response: Response, secret: &str) -> Response {
    // Anything shorter is no key, and may be a word of the response.
    if secret.len() < SHORTEST_SECRET {
        return response;
    }
    let body = String::from_utf8_lossy(&response.body);
    if body.contains(secret) {
        response.body = body.replace(secret, MASK).into_bytes();
    }
    for (_, value) in &mut response.headers {
        if value.contains(secret) {
            *value = value.replace(secret, MASK);
        }
    }
    response
}

/// Reports the number of bytes read from an archive.
struct Counted<'a> {
    inner: &'a mut dyn Replay,
    sent: u64,
    progress: &'a mut dyn FnMut(u64),
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.sent += count as u64;
        (self.progress)(self.sent);
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
