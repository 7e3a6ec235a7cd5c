//! OAuth 2.0 as a public client: a sign-in that has expired is refreshed.

use std::fmt;
use std::io::Read;
use std::time::Duration;

use hyperframes_ci_core::format_utc;
use serde_json::{Map, Value};

use super::{CredentialError, Secret, Store};
use crate::http::is_safe_origin;
use crate::ledger::unix_now;

const TOKEN_URL: &str = "https://api2.heygen.com/v1/oauth/token";

/// The public client that the official CLI is registered as: the sign-in is shared with it. It is no secret.
const CLIENT_ID: &str = "q2A2QRSke2LrFTPJhoDbHtXh";

/// An answer that is longer is none.
const LARGEST_ANSWER: u64 = 64 * 1024;

const TIMEOUT: Duration = Duration::from_secs(15);

/// A server that lets its tokens expire at once would be asked for ever.
const SHORTEST_LIFE: i64 = 30;

/// Why a sign-in could not be refreshed.
#[derive(Debug)]
pub(crate) enum RefreshError {
    /// The server says no: the user must sign in again.
    Refused(String),
    /// There is no answer that says yes or no.
    Unreachable(String),
    /// The new sign-in cannot be stored.
    Store(CredentialError),
}

impl fmt::Display for RefreshError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(message) => write!(f, "the sign-in cannot be refreshed: {message}"),
            Self::Unreachable(message) => write!(f, "the sign-in could not be refreshed: {message}"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

/// Where tokens come from.
#[derive(Clone, Debug)]
pub(crate) struct TokenEndpoint {
    url: String,
    client_id: String,
}

impl TokenEndpoint {
    /// As `HYPERFRAMES_OAUTH_TOKEN_URL` and `HYPERFRAMES_OAUTH_CLIENT_ID` say, or HeyGen's.
    pub(crate) fn from_environment(environment: &dyn Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| environment(name).filter(|value| !value.is_empty());
        Self {
            url: set("HYPERFRAMES_OAUTH_TOKEN_URL").unwrap_or_else(|| TOKEN_URL.to_owned()),
            client_id: set("HYPERFRAMES_OAUTH_CLIENT_ID").unwrap_or_else(|| CLIENT_ID.to_owned()),
        }
    }

    /// Replaces the access token `old` by a fresh one, in the store as well. Where another process has done so already,
    /// its token is taken.
    ///
    /// # Errors
    /// See [`RefreshError`]; the store is as it was then.
    pub(crate) fn refresh(&self, store: &Store, old: &Secret) -> Result<Secret, RefreshError> {
        let _lock = store.lock().map_err(|error| RefreshError::Unreachable(error.to_string()))?;
        let stored = store.read().map_err(RefreshError::Store)?.unwrap_or_default();
        let text = |name: &str| stored.pointer(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        if let Some(token) = text("/oauth/access_token").filter(|token| *token != old.expose()) {
            return checked(token);
        }
        let Some(refresh_token) = text("/oauth/refresh_token") else {
            return Err(RefreshError::Refused("there is no refresh token any more".to_owned()));
        };
        let answer = self.ask(refresh_token)?;
        let token = answer.get("access_token").and_then(Value::as_str).unwrap_or_default();
        let token = checked(token)?;
        store.update_session(session(&answer)?).map_err(RefreshError::Store)?;
        Ok(token)
    }

    fn ask(&self, refresh_token: &str) -> Result<Map<String, Value>, RefreshError> {
        if !is_safe_origin(&self.url) {
            let message = "HYPERFRAMES_OAUTH_TOKEN_URL is neither https nor on this machine".to_owned();
            return Err(RefreshError::Refused(message));
        }
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(TIMEOUT))
            .tls_config(
                ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::PlatformVerifier).build(),
            )
            .build()
            .new_agent();
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
            ("client_id", self.client_id.as_str()),
        ];
        let answer = agent.post(&self.url).header("accept", "application/json").send_form(form);
        let answer = answer.map_err(|error| RefreshError::Unreachable(error.to_string()))?;
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        let read = answer.into_body().into_reader().take(LARGEST_ANSWER).read_to_end(&mut body);
        read.map_err(|error| RefreshError::Unreachable(error.to_string()))?;
        let object = serde_json::from_slice::<Map<String, Value>>(&body);
        match (status, object) {
            (200..=299, Ok(object)) => Ok(object),
            (200..=299, Err(_)) => {
                Err(RefreshError::Unreachable("the answer is not what OAuth documents".to_owned()))
            }
            // The error's name only: what else is in an answer may be anything.
            (400..=499, object) if status != 408 && status != 429 => {
                let name = object.ok().and_then(|object| Some(object.get("error")?.as_str()?.to_owned()));
                Err(RefreshError::Refused(name.unwrap_or_else(|| format!("HTTP {status}"))))
            }
            _ => Err(RefreshError::Unreachable(format!("HTTP {status}"))),
        }
    }
}

/// What of an answer is stored. A refresh token that the server does not replace stays as it is.
fn session(answer: &Map<String, Value>) -> Result<Map<String, Value>, RefreshError> {
    let mut fields = Map::new();
    for name in ["access_token", "refresh_token", "scope", "token_type"] {
        if let Some(text) = answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()) {
            checked(text)?;
            fields.insert(name.to_owned(), text.into());
        }
    }
    // A lifetime of before would make a fresh token look old.
    fields.insert("expires_at".to_owned(), Value::Null);
    if let Some(seconds) = answer.get("expires_in").and_then(Value::as_f64).filter(|seconds| *seconds < 1e10)
    {
        #[expect(clippy::cast_possible_truncation, reason = "casts saturate, and it is below 1e10")]
        let expires = unix_now() + (seconds as i64).max(SHORTEST_LIFE);
        fields.insert("expires_at".to_owned(), format_utc(expires).replace(' ', "T").into());
    }
    Ok(fields)
}

/// A token that can stand in a header.
fn checked(token: &str) -> Result<Secret, RefreshError> {
    if token.is_empty() || token.chars().any(char::is_control) {
        return Err(RefreshError::Refused("the server's token is not usable".to_owned()));
    }
    Ok(Secret::new(token.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Case {
        server: mockito::ServerGuard,
        folder: tempfile::TempDir,
    }

    impl Case {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let stored = r#"{"api_key":"k","oauth":{"access_token":"old","refresh_token":"r1","x":1},"y":2}"#;
            std::fs::write(folder.path().join("credentials"), stored).expect("written");
            Self { server: mockito::Server::new(), folder }
        }

        fn store(&self) -> Store {
            Store::new(&self.folder.path().join("credentials"))
        }

        fn refresh(&self) -> Result<Secret, RefreshError> {
            let endpoint =
                TokenEndpoint { url: format!("{}/token", self.server.url()), client_id: "c".to_owned() };
            endpoint.refresh(&self.store(), &Secret::new("old".to_owned()))
        }

        fn stored(&self) -> Value {
            self.store().read().expect("readable").expect("stored")
        }
    }

    #[test]
    fn a_fresh_token_is_stored_and_the_rest_is_kept() {
        let mut case = Case::new();
        let asked = case
            .server
            .mock("POST", "/token")
            .match_body("grant_type=refresh_token&refresh_token=r1&client_id=c")
            .with_body(r#"{"access_token":"new","expires_in":3600,"token_type":"Bearer"}"#)
            .expect(1)
            .create();
        assert_eq!(case.refresh().expect("refreshed").expose(), "new");
        let stored = case.stored();
        assert_eq!(stored["oauth"]["access_token"], "new");
        assert_eq!(stored["oauth"]["refresh_token"], "r1", "what the server does not replace stays");
        assert_eq!(
            (&stored["oauth"]["x"], &stored["y"], &stored["api_key"]),
            (&1.into(), &2.into(), &"k".into())
        );
        let expires = stored["oauth"]["expires_at"].as_str().expect("a time");
        let expires = hyperframes_ci_core::parse_iso8601(expires).expect("ISO 8601");
        assert!((3500..=3600).contains(&(expires - unix_now())), "{expires}");
        // Whoever still has the old one takes what is there.
        assert_eq!(case.refresh().expect("known").expose(), "new");
        asked.assert();
    }

    #[test]
    fn what_is_no_token_leaves_the_store_as_it_was() {
        for (status, body) in [
            (400, r#"{"error":"invalid_grant"}"#),
            (200, "<html>sign in</html>"),
            (200, r#"{"access_token":"a\r\nx-evil: 1"}"#),
            (200, r#"{"access_token":"a","refresh_token":"b\u0000"}"#),
            (200, "{}"),
            (503, "busy"),
            (302, ""),
        ] {
            let mut case = Case::new();
            case.server.mock("POST", "/token").with_status(status).with_body(body).create();
            let before = case.stored();
            let error = case.refresh().expect_err("no token");
            assert_eq!(
                matches!(error, RefreshError::Unreachable(_)),
                status != 400 && !body.starts_with('{'),
                "{error}"
            );
            assert_eq!(case.stored(), before, "{body}");
        }
    }

    #[test]
    fn processes_that_refresh_at_the_same_time_ask_once() {
        let mut case = Case::new();
        let asked = case
            .server
            .mock("POST", "/token")
            .with_body(r#"{"access_token":"new","refresh_token":"r2"}"#)
            .expect(1)
            .create();
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| assert_eq!(case.refresh().expect("a token").expose(), "new"));
            }
        });
        asked.assert();
        assert_eq!(case.stored()["oauth"]["refresh_token"], "r2");
    }

    #[test]
    fn the_refresh_token_goes_to_no_unsafe_place() {
        let case = Case::new();
        let endpoint = TokenEndpoint { url: "http://tokens.example/".to_owned(), client_id: "c".to_owned() };
        let refused = endpoint.refresh(&case.store(), &Secret::new("old".to_owned()));
        assert!(matches!(refused, Err(RefreshError::Refused(_))));
    }
}
