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

/// The largest message of a refusal that is read, in bytes.
const MAX_MESSAGE: u64 = 64 * 1024;

/// Why a download has failed.
enum Failure {
    /// It would fail again.
    Final(String),
    /// The service refuses it, with this status.
    Refused(u16),
    /// It may succeed after a pause.
    Passing(String),
    /// A rate limit is lifted after this time.
    Limited(Duration),
}

fn failed(message: &str) -> ProviderError {
    ProviderError::Failed(format!("the download failed: {message}"))
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
        match self.download_at_most(path, accept, MAX_DOWNLOAD, file)? {
            Some(size) if size <= MAX_DOWNLOAD => Ok(()),
            Some(_) => Err(failed("the file is too large")),
            None => Err(failed("HTTP 404")),
        }
    }

    /// Downloads as [`Rest::download_as`] does, at most one byte more than `limit`. Returns the number of bytes, or `None` if there
    /// is no such file.
    ///
    /// # Errors
    /// Returns [`ProviderError::RateLimited`] if a rate limit lasts too long, [`ProviderError::Forbidden`] if the service refuses
    /// the token, and otherwise as [`Rest::download`].
    pub(crate) fn download_at_most(
        &self,
        path: &str,
        accept: Option<&str>,
        limit: u64,
        file: &Path,
    ) -> Result<Option<u64>, ProviderError> {
        let mut attempt = 1;
        loop {
            let (message, pause) = match self.download_once(path, accept, limit, file) {
                Ok(size) => return Ok(Some(size)),
                Err(Failure::Refused(404)) => return Ok(None),
                Err(Failure::Refused(status @ (401 | 403))) => {
                    return Err(ProviderError::Forbidden(format!("the download: HTTP {status}")));
                }
                Err(Failure::Refused(status)) => return Err(failed(&format!("HTTP {status}"))),
                Err(Failure::Final(message)) => return Err(failed(&message)),
                Err(Failure::Limited(pause)) if attempt < ATTEMPTS && self.pace().may_wait(pause) => {
                    report_pause(&self.base, pause);
                    (String::new(), pause)
                }
                Err(Failure::Limited(pause)) => {
                    return Err(ProviderError::RateLimited("the download".to_owned(), pause));
                }
                Err(Failure::Passing(message)) => (message, retry_delay(attempt, None, random())),
            };
            if attempt >= ATTEMPTS {
                return Err(failed(&message));
            }
            attempt += 1;
            std::thread::sleep(clock::pause(pause));
        }
    }

    fn download_once(
        &self,
        path: &str,
        accept: Option<&str>,
        limit: u64,
        file: &Path,
    ) -> Result<u64, Failure> {
        let mut response = self.open(&format!("{}{path}", self.base), accept)?;
        let (mut redirects, mut is_stored) = (0, false);
        while response.status().is_redirection() && redirects <= MAX_REDIRECTS {
            redirects += 1;
            let location = response.headers().get("location").and_then(|value| value.to_str().ok());
            let location = location.filter(|location| is_safe_origin(location)).map(str::to_owned);
            let location = location
                .ok_or_else(|| Failure::Final("the redirect does not lead to a safe URL".to_owned()))?;
            // A repository that was renamed is moved; storage is found by 302.
            let is_moved = matches!(response.status().as_u16(), 301 | 307 | 308);
            is_stored = !(is_moved && self.is_own(&location));
            response = if !is_stored {
                self.open(&location, accept)?
            } else {
                // The URL is a secret.
                let storage = |_| Failure::Passing("no response from the storage".to_owned());
                self.agent.get(&location).call().map_err(storage)?
            };
        }
        let status = response.status().as_u16();
        if !response.status().is_success() {
            let (head, body) = response.into_parts();
            let header = |name: &str| head.headers.get(name)?.to_str().ok().map(str::to_owned);
            // Some limits are told by the message only.
            let mut message = Vec::new();
            let _ = body.into_reader().take(MAX_MESSAGE).read_to_end(&mut message);
            let message = serde_json::from_slice::<Value>(&message).unwrap_or_default();
            return Err(match RateLimit::of(status, &header, &message) {
                Some(limit) => Failure::Limited(limit.pause),
                None if status >= 500 => Failure::Passing(format!("HTTP {status}")),
                // The URL has expired; the next attempt gets another one.
                None if status == 403 && is_stored => Failure::Passing("HTTP 403 of the storage".to_owned()),
                None => Failure::Refused(status),
            });
        }
        let mut body = response.into_body().into_reader().take(limit.saturating_add(1));
        let mut file = gate::create(file).map_err(|error| Failure::Final(error.to_string()))?;
        std::io::copy(&mut body, &mut file).map_err(|error| Failure::Passing(error.to_string()))
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
        self.agent.run(request).map_err(|error| Failure::Passing(describe(&error)))
    }
}
