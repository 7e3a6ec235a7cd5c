//! Presigned URLs of the storage.

use std::time::Duration;

use hyperframes_ci_core::archive::hex;
use sha2::{Digest, Sha256};

use super::ids::random_secret;
use crate::system::clock::{unix_now, unix_time_in};

/// Query parameters of a presigned URL.
const EXPIRES: &str = "X-Emulator-Expires";
const SIGNATURE: &str = "X-Emulator-Signature";

/// Why a presigned URL is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UrlError {
    /// The signature is for something else.
    WrongSignature,
    /// The URL has expired.
    Expired,
}

/// Signs URLs, and checks their signatures.
pub(crate) struct Presigner {
    /// Base of the URLs, without a slash at the end.
    pub(crate) base_url: String,
    lifetime: Duration,
    secret: String,
}

impl Presigner {
    /// Returns a presigner for the storage at `base_url`, whose URLs are valid for `lifetime`.
    pub(super) fn new(base_url: String, lifetime: Duration) -> Self {
        Self { base_url, lifetime, secret: random_secret() }
    }

    /// Returns a URL for `method` on the stored file `name`. The signature also covers `signed`, such as headers.
    pub(crate) fn url(&self, method: &str, name: &str, signed: &str) -> String {
        let expires = unix_time_in(self.lifetime);
        let signature = self.sign(method, name, expires, signed);
        format!("{}/{name}?{EXPIRES}={expires}&{SIGNATURE}={signature}", self.base_url)
    }

    /// Checks a URL that [`Presigner::url`] made from the same arguments; `parameter` reads its query.
    ///
    /// # Errors
    /// Returns [`UrlError`] if the signature does not match or the URL has expired.
    pub(crate) fn verify(
        &self,
        parameter: impl Fn(&str) -> Option<String>,
        method: &str,
        name: &str,
        signed: &str,
    ) -> Result<(), UrlError> {
        let expires = parameter(EXPIRES).and_then(|value| value.parse().ok()).unwrap_or(0);
        if parameter(SIGNATURE).unwrap_or_default() != self.sign(method, name, expires, signed) {
            return Err(UrlError::WrongSignature);
        }
        if expires <= unix_now() { Err(UrlError::Expired) } else { Ok(()) }
    }

    fn sign(&self, method: &str, name: &str, expires: i64, signed: &str) -> String {
        hex(&Sha256::digest(format!("{}\n{method}\n{name}\n{expires}\n{signed}", self.secret)))
    }
}
