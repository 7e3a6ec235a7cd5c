//! The sign-in on another device; source: RFC 8628.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::endpoint::{OAuthError, TIMEOUT, check_endpoint, malformed, post};
use super::provider::{Provider, SCOPES};
use super::store::text;
use super::tokens::{Tokens, header_token};
use crate::system::http::is_safe_origin;
use crate::system::secret::Secret;

/// The default pause between two polls, in seconds; source: RFC 8628, section 3.2.
const DEFAULT_INTERVAL: u64 = 5;

/// The default lifetime of a code, in seconds.
const DEFAULT_LIFETIME: u64 = 600;

/// The longest time that a code is polled for, in seconds.
const MAX_LIFETIME: u64 = 30 * 60;

/// The server's response to a device authorization request: what the user does on another device.
#[derive(Debug)]
pub(crate) struct DeviceAuthorization {
    /// The URL to open.
    pub(crate) url: String,
    /// The code to enter there, or `None` if the URL contains it.
    pub(crate) code: Option<String>,
    device_code: Secret,
    interval: Duration,
    /// How long the code is valid.
    pub(crate) lifetime: Duration,
}

/// The state of a sign-in on another device.
enum Poll {
    Granted(Box<Tokens>),
    Pending,
    SlowDown,
}

impl Provider {
    /// Starts a sign-in on another device.
    ///
    /// # Errors
    /// Returns [`OAuthError`] if the server refuses or does not respond, or names a URL that is not a safe origin.
    pub(crate) fn authorize_device(&self) -> Result<DeviceAuthorization, OAuthError> {
        check_endpoint(&self.device, "DEVICE")?;
        let response =
            post(&self.device, &[("client_id", &self.client_id), ("scope", SCOPES)], TIMEOUT)?.object()?;
        let text = |name: &str| text(response.get(name));
        let number = |name: &str| response.get(name).and_then(Value::as_u64);
        let device_code = header_token(text("device_code").ok_or_else(malformed)?)?;
        let complete = text("verification_uri_complete").filter(|url| is_safe_origin(url));
        let url = complete.or(text("verification_uri")).ok_or_else(malformed)?;
        if !is_safe_origin(url) {
            return Err(OAuthError::Refused("the server returned an unsafe verification URL".to_owned()));
        }
        Ok(DeviceAuthorization {
            url: url.to_owned(),
            code: if complete.is_some() {
                None
            } else {
                Some(text("user_code").ok_or_else(malformed)?.to_owned())
            },
            device_code,
            interval: Duration::from_secs(number("interval").unwrap_or(DEFAULT_INTERVAL).clamp(1, 60)),
            lifetime: Duration::from_secs(number("expires_in").unwrap_or(DEFAULT_LIFETIME).min(MAX_LIFETIME)),
        })
    }

    /// Polls until the user has granted access on the other device.
    ///
    /// # Errors
    /// Returns [`OAuthError::Refused`] if the user denies access or the code expires.
    pub(crate) fn poll_device(&self, device: &DeviceAuthorization) -> Result<Tokens, OAuthError> {
        let deadline = Instant::now() + device.lifetime;
        let mut interval = device.interval;
        while Instant::now() + interval < deadline {
            std::thread::sleep(interval);
            match self.poll_once(device)? {
                Poll::Granted(tokens) => return Ok(*tokens),
                Poll::Pending => {}
                // Source: RFC 8628, section 3.5.
                Poll::SlowDown => interval = (interval + Duration::from_secs(5)).min(Duration::from_secs(60)),
            }
        }
        Err(OAuthError::Refused("the code has expired".to_owned()))
    }

    fn poll_once(&self, device: &DeviceAuthorization) -> Result<Poll, OAuthError> {
        check_endpoint(&self.token, "TOKEN")?;
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", device.device_code.expose()),
            ("client_id", &self.client_id),
        ];
        let response = match post(&self.token, &form, TIMEOUT) {
            // A short network failure does not end the sign-in.
            Err(OAuthError::Unreachable(_)) => return Ok(Poll::Pending),
            other => other?,
        };
        match response.error() {
            None => Ok(Poll::Granted(Box::new(Tokens::from_response(&response.object()?)?))),
            Some("authorization_pending") => Ok(Poll::Pending),
            Some("slow_down") => Ok(Poll::SlowDown),
            Some("access_denied") => Err(OAuthError::Refused("access was denied".to_owned())),
            Some("expired_token") => Err(OAuthError::Refused("the code has expired".to_owned())),
            Some(_) if response.status == 429 || response.status >= 500 => Ok(Poll::SlowDown),
            Some(name) => Err(OAuthError::Refused(name.to_owned())),
        }
    }
}
