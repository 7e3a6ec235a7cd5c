//! Sends the requests of the core by ureq. Only this module adds the credential, for the API's own origin only.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyperframes_ci_core::api::{Body, Request, Response, ResponseError, Target};
use hyperframes_ci_core::job::retry_delay;
use ureq::config::{AutoHeaderValue, ConfigBuilder};
use ureq::typestate::AgentScope;
use ureq::{Agent, AsSendBody, SendBody};

use super::auth::{Credential, OAuthError, Provider, Secret};
use crate::system::http::hardened_config;

pub(crate) use super::api_base::ApiBase;
pub(crate) use super::call_error::{CallError, api_members};

/// The largest response that is read, in bytes. Responses of the API are small.
const MAX_RESPONSE: u64 = 16 * 1024 * 1024;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// The default idle timeout: the longest wait for the first byte of a response, and between two reads or writes.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// An archive that can be sent more than once.
pub(crate) trait Replay: Read + Seek {}
impl<T: Read + Seek> Replay for T {}

/// Sends requests to the API and to presigned URLs.
#[derive(Debug)]
pub(crate) struct Transport {
    api: Agent,
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
        let agent = concat!("hyperframes-ci/", env!("CARGO_PKG_VERSION"));
        Self {
            api: settings().user_agent(agent).accept("application/json").build().new_agent(),
            // The signature of a presigned URL covers the set of headers: none is added.
            external: settings()
                .user_agent(AutoHeaderValue::None)
                .accept(AutoHeaderValue::None)
                .build()
                .new_agent(),
            downloads: settings().user_agent(agent).max_redirects(5).build().new_agent(),
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
    /// Returns a message without secrets if there is no response.
    pub(crate) fn send(
        &self,
        request: &Request,
        mut archive: Option<&mut dyn Replay>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Response, String> {
        if !matches!(request.target, Target::Api(_)) {
            return self.send_once(request, None, archive, progress);
        }
        let mut credential = self.credential();
        let mut is_refreshed = false;
        if let Some(Credential::Session(session)) = &credential
            && session.is_expired
        {
            // If the refresh is refused, the request is sent anyway: the API's own error is clearer.
            if let Some(renewed) = self.renew(&session.access_token)? {
                (credential, is_refreshed) = (Some(renewed), true);
            }
        }
        let again = archive.as_mut().map(|archive| &mut **archive as &mut dyn Replay);
        let response = self.send_once(request, credential.as_ref(), again, progress)?;
        if let (401, false, Some(Credential::Session(session))) = (response.status, is_refreshed, &credential)
            && let Some(renewed) = self.renew(&session.access_token)?
        {
            return self.send_once(request, Some(&renewed), archive, progress);
        }
        Ok(response)
    }

    fn credential(&self) -> Option<Credential> {
        self.credential.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Refreshes the sign-in with the token `old`. Returns `None` if it cannot be refreshed.
    fn renew(&self, old: &Secret) -> Result<Option<Credential>, String> {
        let mut credential = self.credential.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Credential::Session(session)) = credential.as_mut() else { return Ok(None) };
        // Another thread may have refreshed it already.
        if session.access_token.expose() == old.expose() {
            let Some(store) = &session.store else { return Ok(None) };
            match self.tokens.refresh(store, old) {
                Ok(token) => (session.access_token, session.is_expired) = (token, false),
                Err(OAuthError::Refused(_)) => return Ok(None),
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(credential.clone())
    }

    fn send_once(
        &self,
        request: &Request,
        credential: Option<&Credential>,
        archive: Option<&mut dyn Replay>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Response, String> {
        let (agent, url) = match &request.target {
            Target::Api(path) => (&self.api, format!("{}{path}", self.base)),
            Target::Presigned(url) => (&self.external, url.clone()),
        };
        let mut builder = ureq::http::Request::builder().method(request.method.as_str()).uri(url);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let (Target::Api(_), Some(credential)) = (&request.target, credential) {
            builder = match credential {
                Credential::ApiKey(key) => builder.header("x-api-key", key.expose()),
                Credential::Session(session) => {
                    builder.header("authorization", format!("Bearer {}", session.access_token.expose()))
                }
            };
        }
        let response = match &request.body {
            Body::Empty => run(agent, builder, ()),
            Body::Bytes(bytes) => run(agent, builder, bytes.as_slice()),
            Body::Archive { prefix, suffix } => {
                let archive = archive.ok_or("there is no archive to send")?;
                let size = archive.seek(SeekFrom::End(0)).map_err(|error| error.to_string())?;
                archive.rewind().map_err(|error| error.to_string())?;
                let length = size + prefix.len() as u64 + suffix.len() as u64;
                let mut counted = Counted { inner: archive, sent: 0, progress };
                let mut body = prefix.as_slice().chain(&mut counted).chain(suffix.as_slice());
                run(agent, builder.header("content-length", length), SendBody::from_reader(&mut body))
            }
        };
        read_response(response?)
    }

    /// Sends a request outside a job, with at most `max_retries` retries after transient errors.
    ///
    /// # Errors
    /// Returns [`CallError`] if there is no response, or one that is an error or malformed.
    pub(crate) fn call(&self, request: &Request, max_retries: u32, seed: u64) -> Result<Response, CallError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (error, retry_after) = match self.send(request, None, &mut |_| {}) {
                Ok(response) => match response.check() {
                    Ok(()) => return Ok(response),
                    Err(ResponseError::Api(error)) if error.is_transient() => {
                        let retry_after = error.retry_after;
                        (CallError::Api(error), retry_after)
                    }
                    Err(error) => return Err(error.into()),
                },
                Err(message) => (CallError::Unreachable(message), None),
            };
            if attempt > max_retries {
                return Err(error);
            }
            std::thread::sleep(retry_delay(attempt, retry_after, seed));
        }
    }

    /// Opens a presigned URL for reading from byte `offset`, without a credential. `validator` is the `ETag` or the date
    /// of the version that was read before.
    ///
    /// # Errors
    /// Returns a message without secrets if there is no response.
    pub(crate) fn open(
        &self,
        url: &str,
        offset: u64,
        validator: Option<&str>,
    ) -> Result<ureq::http::Response<ureq::Body>, String> {
        let mut request = self.downloads.get(url);
        if offset > 0 {
            request = request.header("range", format!("bytes={offset}-"));
            if let Some(validator) = validator {
                request = request.header("if-range", validator);
            }
        }
        request.call().map_err(|error| describe(&error))
    }
}

fn run(
    agent: &Agent,
    builder: ureq::http::request::Builder,
    body: impl AsSendBody,
) -> Result<ureq::http::Response<ureq::Body>, String> {
    let request = builder.body(body).map_err(|_| "the request is not valid".to_owned())?;
    agent.run(request).map_err(|error| describe(&error))
}

fn read_response(response: ureq::http::Response<ureq::Body>) -> Result<Response, String> {
    let (parts, mut body) = response.into_parts();
    let headers = parts
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let body = body.with_config().limit(MAX_RESPONSE).read_to_vec().map_err(|error| describe(&error))?;
    Ok(Response { status: parts.status.as_u16(), headers, body })
}

/// Returns an error's message without URLs: the query of a presigned one contains its signature.
fn describe(error: &ureq::Error) -> String {
    match error {
        ureq::Error::BadUri(_) => "the URL is not valid".to_owned(),
        ureq::Error::RequireHttpsOnly(_) => "the URL is not HTTPS".to_owned(),
        ureq::Error::HostNotFound => "the host is not known".to_owned(),
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::ConnectionFailed => "the connection failed".to_owned(),
        ureq::Error::Timeout(what) => format!("the server was silent for too long ({what})"),
        other => other.to_string(),
    }
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
