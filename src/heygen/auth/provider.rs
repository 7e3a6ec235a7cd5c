//! The authorization server, asked as a public OAuth 2.0 client; sources: RFC 6749, 7636 (PKCE), 7009 (revocation).

use std::time::Duration;

use super::endpoint::{OAuthError, TIMEOUT, check_endpoint, post};
use super::pkce::ProofKey;
use super::store::{Store, text};
use super::tokens::{Tokens, header_token};
use crate::system::deadline::Deadline;
use crate::system::secret::Secret;
use crate::system::url::encode_component;

const AUTHORIZE_URL: &str = "https://app.heygen.com/oauth/authorize";
const TOKEN_URL: &str = "https://api2.heygen.com/v1/oauth/token";
const REVOKE_URL: &str = "https://api2.heygen.com/v1/oauth/revoke";
const DEVICE_URL: &str = "https://api2.heygen.com/v1/oauth/device_authorization";

/// The id of the public client of the official CLI, which shares its sign-in with this program. It is not a secret.
const CLIENT_ID: &str = "q2A2QRSke2LrFTPJhoDbHtXh";

pub(super) const SCOPES: &str = "openid profile email";

/// The time limit of a revocation, which the user waits for at logout.
const REVOKE_TIMEOUT: Duration = Duration::from_secs(5);

/// The authorization server's endpoints.
#[derive(Clone, Debug)]
pub(crate) struct Provider {
    authorize: String,
    pub(super) token: String,
    revoke: String,
    pub(super) device: String,
    pub(super) client_id: String,
}

impl Provider {
    /// Reads `HYPERFRAMES_OAUTH_{AUTHORIZE,TOKEN,REVOKE,DEVICE}_URL` and `HYPERFRAMES_OAUTH_CLIENT_ID`. The default is
    /// HeyGen's server.
    pub(crate) fn from_environment(environment: &dyn Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str, default: &str| {
            let value = environment(&format!("HYPERFRAMES_OAUTH_{name}")).filter(|value| !value.is_empty());
            value.unwrap_or_else(|| default.to_owned())
        };
        Self {
            authorize: set("AUTHORIZE_URL", AUTHORIZE_URL),
            token: set("TOKEN_URL", TOKEN_URL),
            revoke: set("REVOKE_URL", REVOKE_URL),
            device: set("DEVICE_URL", DEVICE_URL),
            client_id: set("CLIENT_ID", CLIENT_ID),
        }
    }

    /// Returns the URL that the user signs in at. It redirects the browser to `redirect_uri` with `state`.
    ///
    /// # Errors
    /// Returns [`OAuthError::Refused`] if the endpoint is not a safe origin.
    pub(crate) fn authorize_url(
        &self,
        redirect_uri: &str,
        state: &str,
        key: &ProofKey,
    ) -> Result<String, OAuthError> {
        check_endpoint(&self.authorize, "AUTHORIZE")?;
        let pairs = [
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", redirect_uri),
            ("scope", SCOPES),
            ("state", state),
            ("code_challenge", &key.challenge),
            ("code_challenge_method", "S256"),
        ];
        let query = pairs.map(|(name, value)| format!("{name}={}", encode_component(value))).join("&");
        let joint = if self.authorize.contains('?') { '&' } else { '?' };
        Ok(format!("{}{joint}{query}", self.authorize))
    }

    /// Exchanges an authorization code for tokens.
    ///
    /// # Errors
    /// Returns [`OAuthError`] if the server refuses or does not respond.
    pub(crate) fn exchange(
        &self,
        code: &Secret,
        redirect_uri: &str,
        key: &ProofKey,
    ) -> Result<Tokens, OAuthError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", redirect_uri),
            ("client_id", &self.client_id),
            ("code_verifier", key.verifier.expose()),
        ];
        self.request_tokens(&form, Deadline::NEVER)
    }

    /// Revokes a token. Returns whether the server confirmed it.
    pub(crate) fn revoke(&self, token: &Secret, hint: &str) -> bool {
        let form =
            [("token", token.expose()), ("token_type_hint", hint), ("client_id", self.client_id.as_str())];
        let answer =
            check_endpoint(&self.revoke, "REVOKE").and_then(|()| post(&self.revoke, &form, REVOKE_TIMEOUT));
        answer.is_ok_and(|answer| answer.status < 300)
    }

    /// Revokes tokens that will not be stored. Failures are ignored: the tokens expire.
    pub(crate) fn revoke_all(&self, tokens: &Tokens) {
        self.revoke(&tokens.access, "access_token");
        if let Some(refresh) = &tokens.refresh {
            self.revoke(refresh, "refresh_token");
        }
    }

    /// Refreshes the access token `old` and stores the new one. If another process has refreshed it already, returns that
    /// token instead.
    ///
    /// # Errors
    /// Returns [`OAuthError`] if the server refuses or does not respond, or the file cannot be written. The file is
    /// unchanged then.
    pub(crate) fn refresh(
        &self,
        store: &Store,
        old: &Secret,
        deadline: Deadline,
    ) -> Result<Secret, OAuthError> {
        let lock = store.lock_by(deadline).map_err(OAuthError::Store)?;
        let stored = store.read().map_err(OAuthError::Store)?.unwrap_or_default();
        let text = |name: &str| text(stored.pointer(name));
        if let Some(token) = text("/oauth/access_token").filter(|token| *token != old.expose()) {
            return header_token(token);
        }
        let Some(refresh_token) = text("/oauth/refresh_token") else {
            return Err(OAuthError::Refused("the refresh token was removed".to_owned()));
        };
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
            ("client_id", &self.client_id),
        ];
        let tokens = self.request_tokens(&form, deadline)?;
        // A refresh token that the server does not replace stays stored.
        let fields = tokens.updated_fields();
        lock.change(|stored| stored.object("oauth")?.set(fields)).map_err(OAuthError::Store)?;
        Ok(tokens.access)
    }

    fn request_tokens(&self, form: &[(&str, &str)], deadline: Deadline) -> Result<Tokens, OAuthError> {
        check_endpoint(&self.token, "TOKEN")?;
        Tokens::from_response(
            &post(&self.token, form, deadline.request_time().map_or(TIMEOUT, |left| left.min(TIMEOUT)))?
                .object()?,
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::system::clock::unix_now;

    fn provider(token: &str) -> Provider {
        let variables = [("HYPERFRAMES_OAUTH_TOKEN_URL", token), ("HYPERFRAMES_OAUTH_CLIENT_ID", "c")];
        Provider::from_environment(&|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_user_is_asked_with_everything_encoded() {
        let key = ProofKey::new().expect("a key");
        let url =
            provider("").authorize_url("http://127.0.0.1:1/oauth/callback", "a&b", &key).expect("a URL");
        let expected = format!(
            "https://app.heygen.com/oauth/authorize?response_type=code&client_id=c\
             &redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Foauth%2Fcallback&scope=openid%20profile%20email&state=a%26b\
             &code_challenge={}&code_challenge_method=S256",
            key.challenge
        );
        assert_eq!(url, expected);
        assert!(!url.contains(key.verifier.expose()));
    }

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

        fn refresh(&self) -> Result<Secret, OAuthError> {
            provider(&format!("{}/token", self.server.url())).refresh(
                &self.store(),
                &Secret::new("old".to_owned()),
                Deadline::NEVER,
            )
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
        let expires = hyperframes_ci_core::time::parse_iso8601(expires).expect("ISO 8601");
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
                matches!(error, OAuthError::Unreachable(_)),
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
        let unsafe_place = provider("http://tokens.example/");
        let refused = unsafe_place.refresh(&case.store(), &Secret::new("old".to_owned()), Deadline::NEVER);
        assert!(matches!(refused, Err(OAuthError::Refused(_))));
    }
}
