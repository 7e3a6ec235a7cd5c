//! Downloads of files.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use hyperframes_ci_core::job::retry_delay;
use serde_json::Value;
use ureq::Body;
use ureq::http::Response;

use super::limits::RateLimit;
use super::{ATTEMPTS, MAX_REDIRECTS, Rest, report_pause};
use crate::ci::error::ProviderError;
use crate::system::clock;
use crate::system::gate;
use crate::system::http::{describe, is_safe_origin};
use crate::system::random;

/// The largest file that is downloaded, in bytes. Artifacts are untrusted.
const MAX_DOWNLOAD: u64 = 512 * 1024 * 1024;

/// Why a download has failed.
enum Failure {
    /// It would fail again.
    Final(String),
    /// It may succeed after a pause; that of the rate limit, if there is one.
    Passing(String, Option<Duration>),
}

impl Rest {
    /// Downloads from a path of the API to `file`. The token is not sent to the presigned URL that the API redirects
    /// to. Waits for rate limits, and retries after server and network errors.
    ///
    /// # Errors
    /// Returns [`ProviderError::Failed`] if there is no such path, the redirect is not a safe origin, the body is too
    /// large, or `file` cannot be written.
    pub(crate) fn download(&self, path: &str, file: &Path) -> Result<(), ProviderError> {
        self.download_as(path, None, file)
    }

    /// Downloads as [`Rest::download`] does, in the media type `accept`.
    ///
    /// # Errors
    /// As [`Rest::download`].
    pub(crate) fn download_as(
        &self,
        path: &str,
        accept: Option<&str>,
        file: &Path,
    ) -> Result<(), ProviderError> {
        let mut attempt = 1;
        loop {
            let (message, pause) = match self.download_once(path, accept, file) {
                Ok(()) => return Ok(()),
                Err(Failure::Final(message)) => (message, None),
                Err(Failure::Passing(message, Some(limit))) if self.pace().may_wait(limit) => {
                    report_pause(&self.base, limit);
                    (message, Some(limit))
                }
                Err(Failure::Passing(message, Some(_))) => (message, None),
                Err(Failure::Passing(message, None)) => (message, Some(retry_delay(attempt, None, random()))),
            };
            match pause.filter(|_| attempt < ATTEMPTS) {
                Some(pause) => std::thread::sleep(clock::pause(pause)),
                None => return Err(ProviderError::Failed(format!("the download failed: {message}"))),
            }
            attempt += 1;
        }
    }

    fn download_once(&self, path: &str, accept: Option<&str>, file: &Path) -> Result<(), Failure> {
        let mut response = self.open(&format!("{}{path}", self.base), accept)?;
        let mut redirects = 0;
        while response.status().is_redirection() && redirects <= MAX_REDIRECTS {
            redirects += 1;
            let location = response.headers().get("location").and_then(|value| value.to_str().ok());
            let location = location.filter(|location| is_safe_origin(location)).map(str::to_owned);
            let location = location
                .ok_or_else(|| Failure::Final("the redirect does not lead to a safe URL".to_owned()))?;
            // A repository that was renamed is moved; storage is found by 302.
            let is_moved = matches!(response.status().as_u16(), 301 | 307 | 308);
            response = if is_moved && self.is_own(&location) {
                self.open(&location, accept)?
            } else {
                // The URL is a secret.
                let storage = |_| Failure::Passing("no response from the storage".to_owned(), None);
                self.agent.get(&location).call().map_err(storage)?
            };
        }
        let status = response.status().as_u16();
        if !response.status().is_success() {
            let header = |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
            let limit = RateLimit::of(status, &header, &Value::Null).map(|limit| limit.pause);
            let message = format!("HTTP {status}");
            let is_passing = status >= 500 || limit.is_some();
            return Err(if is_passing { Failure::Passing(message, limit) } else { Failure::Final(message) });
        }
        let mut body = response.into_body().into_reader().take(MAX_DOWNLOAD + 1);
        let mut file = gate::create(file).map_err(|error| Failure::Final(error.to_string()))?;
        let copied = std::io::copy(&mut body, &mut file);
        let size = copied.map_err(|error| Failure::Passing(error.to_string(), None))?;
        if size > MAX_DOWNLOAD { Err(Failure::Final("the file is too large".to_owned())) } else { Ok(()) }
    }

    /// Sends a request for a URL of the service, with the token.
    fn open(&self, url: &str, accept: Option<&str>) -> Result<Response<Body>, Failure> {
        let mut builder = ureq::http::Request::builder().uri(url);
        if let Some(token) = &self.token {
            builder = builder.header(self.scheme.0, format!("{}{}", self.scheme.1, token.expose()));
        }
        if let Some(accept) = accept {
            builder = builder.header("accept", accept);
        }
        let request = builder.body(()).map_err(|_| Failure::Final("invalid URL".to_owned()))?;
        self.agent.run(request).map_err(|error| Failure::Passing(describe(&error), None))
    }
}
