//! Requests of the core over ureq: the one place that adds the credential, and only for the API's own origin.

use crate::fault::{Exit, Fault};
use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyperframes_ci_core::api::{ApiError, Body, Request, Response, ResponseError, Target};
use hyperframes_ci_core::job::retry_delay;
use serde_json::{Map, Value};
use ureq::config::{AutoHeaderValue, ConfigBuilder};
use ureq::typestate::AgentScope;
use ureq::{Agent, AsSendBody, SendBody};

use crate::heygen::auth::{Credential, OAuthError, Provider, Secret};

/// The API's origin unless `HEYGEN_API_URL` (or its alias `HEYGEN_API_BASE`) names another.
const DEFAULT_BASE: &str = "https://api.heygen.com";

/// API answers are small; a larger one is not an answer of the API.
const LARGEST_ANSWER: u64 = 16 * 1024 * 1024;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a server may say nothing, unless the user says otherwise: to the first byte of the answer, and between two
/// reads or writes.
pub(crate) const SILENCE: Duration = Duration::from_secs(60);

/// The API's base URL, without a trailing slash: HTTPS, or HTTP on loopback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiBase(String);

/// A base URL that would send the credential where nobody can vouch for it.
#[derive(Debug)]
pub(crate) struct InvalidBase(String);

impl fmt::Display for InvalidBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the API's base URL {:?} is not usable", self.0)
    }
}

impl Fault for InvalidBase {
    fn code(&self) -> &str {
        "invalid_api_url"
    }

    fn help(&self) -> Option<String> {
        let help =
            "HEYGEN_API_URL must be https://…, or http:// on a loopback address such as the emulator's";
        Some(help.to_owned())
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

impl ApiBase {
    /// Reads `HEYGEN_API_URL` or `HEYGEN_API_BASE`.
    ///
    /// # Errors
    /// When the value is no HTTPS URL, or an HTTP URL that leaves the machine.
    pub(crate) fn from_environment(
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, InvalidBase> {
        let set = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
        match set("HEYGEN_API_URL").or_else(|| set("HEYGEN_API_BASE")) {
            Some(url) => Self::parse(&url),
            None => Ok(Self(DEFAULT_BASE.to_owned())),
        }
    }

    /// Checks a base URL and drops its trailing slashes.
    pub(crate) fn parse(url: &str) -> Result<Self, InvalidBase> {
        let trimmed = url.trim().trim_end_matches('/');
        if is_safe_origin(trimmed) && !trimmed.contains('?') {
            Ok(Self(trimmed.to_owned()))
        } else {
            Err(InvalidBase(url.to_owned()))
        }
    }

    fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }
}

impl fmt::Display for ApiBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What every client has in common: the platform's certificates, no redirects, and answers of any status.
pub(crate) fn careful() -> ConfigBuilder<AgentScope> {
    let tls = ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::PlatformVerifier).build();
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .tls_config(tls)
}

/// Whether a credential may go to `url`: it is HTTPS, or HTTP that does not leave the machine.
pub(crate) fn is_safe_origin(url: &str) -> bool {
    let Ok(uri) = url.parse::<ureq::http::Uri>() else { return false };
    uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
        && match uri.scheme_str() {
            Some("https") => true,
            Some("http") => uri.host().is_some_and(is_loopback),
            _ => false,
        }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The archive as a source of bytes that can be sent more than once.
pub(crate) trait Replay: Read + Seek {}
impl<T: Read + Seek> Replay for T {}

/// Sends requests.
#[derive(Debug)]
pub(crate) struct Transport {
    api: Agent,
    foreign: Agent,
    downloads: Agent,
    base: ApiBase,
    /// Behind a lock, since a sign-in may be refreshed on the way.
    credential: Mutex<Option<Credential>>,
    tokens: Provider,
}

impl Transport {
    /// A transport to `base` that gives a connection up after so much silence; without a credential the API will answer
    /// 401.
    pub(crate) fn new(
        base: ApiBase,
        credential: Option<Credential>,
        tokens: Provider,
        silence: Duration,
    ) -> Self {
        // A presigned URL of an HTTPS API is HTTPS as well: anything else is a downgrade.
        let https_only = base.is_https();
        let settings = || -> ConfigBuilder<AgentScope> {
            careful()
                .https_only(https_only)
                .timeout_resolve(Some(CONNECT_TIMEOUT.min(silence)))
                .timeout_connect(Some(CONNECT_TIMEOUT.min(silence)))
                .timeout_recv_response(Some(silence))
                .timeout_per_read(Some(silence))
                .timeout_per_write(Some(silence))
        };
        let agent = concat!("hyperframes-ci/", env!("CARGO_PKG_VERSION"));
        Self {
            api: settings().user_agent(agent).accept("application/json").build().new_agent(),
            // The signature of a presigned URL covers the header set: nothing of ours is added.
            foreign: settings()
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

    /// Where it leads.
    pub(crate) fn base(&self) -> &ApiBase {
        &self.base
    }

    /// Sends `request` and reads the whole answer; `progress` hears of the archive's bytes as they go. A sign-in that has
    /// expired, or that the API refuses, is refreshed once.
    ///
    /// # Errors
    /// A message about why there is no answer; it names no secret.
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
        let mut is_fresh = false;
        if let Some(Credential::Session(session)) = &credential
            && session.is_expired
        {
            // Refused: the API says so as well, in words that are known.
            if let Some(renewed) = self.renew(&session.access_token)? {
                (credential, is_fresh) = (Some(renewed), true);
            }
        }
        let again = archive.as_mut().map(|archive| &mut **archive as &mut dyn Replay);
        let answer = self.send_once(request, credential.as_ref(), again, progress)?;
        if let (401, false, Some(Credential::Session(session))) = (answer.status, is_fresh, &credential)
            && let Some(renewed) = self.renew(&session.access_token)?
        {
            return self.send_once(request, Some(&renewed), archive, progress);
        }
        Ok(answer)
    }

    fn credential(&self) -> Option<Credential> {
        self.credential.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A session in the place of the one with the token `old`; `None` where it cannot be refreshed.
    fn renew(&self, old: &Secret) -> Result<Option<Credential>, String> {
        let mut credential = self.credential.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Credential::Session(session)) = credential.as_mut() else { return Ok(None) };
        // Unless another thread was quicker.
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
            Target::Presigned(url) => (&self.foreign, url.clone()),
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
        let answer = match &request.body {
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
        read_answer(answer?)
    }

    /// Sends a request outside a job, repeating it after transient errors as a job would.
    ///
    /// # Errors
    /// See [`CallError`].
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

    /// Opens a presigned URL for reading, from byte `offset` on, without any credential.
    ///
    /// # Errors
    /// A message about why there is no answer; it names no secret.
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

/// Why a single call gave no data.
#[derive(Debug)]
pub(crate) enum CallError {
    /// The API refused.
    Api(Box<ApiError>),
    /// The answer is not what the API documents.
    Malformed(String),
    /// No answer.
    Unreachable(String),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(error) => error.fmt(f),
            Self::Malformed(message) => f.write_str(message),
            Self::Unreachable(message) => write!(f, "the API gave no answer: {message}"),
        }
    }
}

impl Fault for CallError {
    fn code(&self) -> &str {
        match self {
            Self::Api(error) => &error.code,
            Self::Malformed(_) => "malformed_response",
            Self::Unreachable(_) => "network_error",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Api(error) => error.help().map(str::to_owned),
            _ => Some("check the network, HEYGEN_API_URL and the proxy settings".to_owned()),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Api(error) if error.is_authentication() => Exit::Auth,
            _ => Exit::General,
        }
    }

    fn members(&self) -> Map<String, Value> {
        match self {
            Self::Api(error) => api_members(error),
            _ => Map::new(),
        }
    }
}

/// What scripts read of an error of the API, beside its code and message.
pub(crate) fn api_members(error: &ApiError) -> Map<String, Value> {
    let fields = [("param", &error.param), ("doc_url", &error.doc_url), ("request_id", &error.request_id)];
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?.into()))).collect()
}

impl From<ResponseError> for CallError {
    fn from(error: ResponseError) -> Self {
        match error {
            ResponseError::Api(error) => Self::Api(error),
            malformed @ ResponseError::Malformed { .. } => Self::Malformed(malformed.to_string()),
        }
    }
}

type Answer = ureq::http::Response<ureq::Body>;

fn run(
    agent: &Agent,
    builder: ureq::http::request::Builder,
    body: impl AsSendBody,
) -> Result<Answer, String> {
    let request = builder.body(body).map_err(|_| "the request is not valid".to_owned())?;
    agent.run(request).map_err(|error| describe(&error))
}

fn read_answer(answer: Answer) -> Result<Response, String> {
    let (parts, mut body) = answer.into_parts();
    let headers = parts
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let body = body.with_config().limit(LARGEST_ANSWER).read_to_vec().map_err(|error| describe(&error))?;
    Ok(Response { status: parts.status.as_u16(), headers, body })
}

/// The error without any URL in it: presigned ones carry their signature in the query.
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
