//! The base URL of the API.

use std::fmt;

use crate::fault::{Exit, Fault};
use crate::system::http::is_safe_origin;

/// The default base URL.
const DEFAULT_BASE: &str = "https://api.heygen.com";

/// The variable that replaces it.
const VARIABLE: &str = "HEYGEN_API_URL";

/// The API's base URL, without a trailing slash: HTTPS, or HTTP on a loopback address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiBase(String);

/// The error of a base URL that is not a safe origin for a credential.
#[derive(Debug)]
pub(crate) struct InvalidBase {
    url: String,
    /// The environment variable that has it.
    variable: &'static str,
}

impl fmt::Display for InvalidBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid API base URL {:?}", self.url)
    }
}

impl Fault for InvalidBase {
    fn code(&self) -> &str {
        "invalid_api_url"
    }

    fn help(&self) -> Option<String> {
        Some(format!(
            "{} must be an https:// URL, or an http:// URL of a loopback address (such as the emulator's)",
            self.variable
        ))
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

impl ApiBase {
    /// Reads `HEYGEN_API_URL`, or its alias `HEYGEN_API_BASE`.
    ///
    /// # Errors
    /// Returns [`InvalidBase`] if the value is neither an HTTPS URL nor an HTTP URL of a loopback address.
    pub(crate) fn from_environment(
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, InvalidBase> {
        Self::from_environment_or(environment, DEFAULT_BASE)
    }

    /// Reads the same variables; `default` is the URL if they are not set.
    ///
    /// # Errors
    /// As [`ApiBase::from_environment`].
    pub(crate) fn from_environment_or(
        environment: &dyn Fn(&str) -> Option<String>,
        default: &str,
    ) -> Result<Self, InvalidBase> {
        for variable in [VARIABLE, "HEYGEN_API_BASE"] {
            if let Some(url) = environment(variable).filter(|value| !value.trim().is_empty()) {
                return Self::parse_of(variable, &url);
            }
        }
        Self::parse(default)
    }

    /// Parses a base URL and removes its trailing slashes.
    ///
    /// # Errors
    /// Returns [`InvalidBase`] as [`ApiBase::from_environment`] does, and for a URL with a query.
    pub(crate) fn parse(url: &str) -> Result<Self, InvalidBase> {
        Self::parse_of(VARIABLE, url)
    }

    /// Parses a base URL as [`ApiBase::parse`] does; `variable` is where it is from.
    ///
    /// # Errors
    /// As [`ApiBase::parse`].
    pub(crate) fn parse_of(variable: &'static str, url: &str) -> Result<Self, InvalidBase> {
        let trimmed = url.trim().trim_end_matches('/');
        if is_safe_origin(trimmed) && !trimmed.contains('?') {
            Ok(Self(trimmed.to_owned()))
        } else {
            Err(InvalidBase { url: url.to_owned(), variable })
        }
    }

    /// Returns whether the API is reached by HTTPS.
    pub(super) fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }
}

impl fmt::Display for ApiBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_only() {
        for usable in
            ["https://api.heygen.com", "http://127.0.0.1:80/", "http://localhost:8", "http://[::1]:9"]
        {
            assert!(ApiBase::parse(usable).is_ok(), "{usable}");
        }
        for bad in [
            "http://api.heygen.com",
            "http://127.0.0.1.evil.example",
            "ftp://x",
            "api.heygen.com",
            "",
            "https://u:p@x",
            "https://x/?a=b",
        ] {
            assert!(ApiBase::parse(bad).is_err(), "{bad}");
        }
        let set = |name: &str| (name == "HEYGEN_API_BASE").then(|| "ftp://x".to_owned());
        let help = ApiBase::from_environment(&set).expect_err("invalid").help().unwrap_or_default();
        assert!(help.starts_with("HEYGEN_API_BASE must be"), "{help}");
        assert_eq!(ApiBase::parse("https://x.example//").expect("usable").to_string(), "https://x.example");
    }
}
