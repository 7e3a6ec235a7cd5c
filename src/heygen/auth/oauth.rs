//! OAuth 2.0 as a public client; sources: RFC 6749, 7636 (proof keys), 7009 (revocation), 8628 (devices).

use std::fmt;
use std::io::Read;
use std::time::Duration;

use hyperframes_ci_core::time::format_utc;
use serde_json::{Map, Value};

use super::pkce::ProofKey;
use super::{CredentialError, Secret, Store, text};
use crate::heygen::transport::{careful, is_safe_origin};
use crate::system::clock::unix_now;
use crate::system::url::encode_component;

const AUTHORIZE_URL: &str = "https://app.heygen.com/oauth/authorize";
const TOKEN_URL: &str = "https://api2.heygen.com/v1/oauth/token";
const REVOKE_URL: &str = "https://api2.heygen.com/v1/oauth/revoke";
const DEVICE_URL: &str = "https://api2.heygen.com/v1/oauth/device_authorization";

/// The public client that the official CLI is registered as: the sign-in is shared with it. It is no secret.
const CLIENT_ID: &str = "q2A2QRSke2LrFTPJhoDbHtXh";

/// What is stored of a sign-in.
pub(crate) const STORED: &[&str] = &["access_token", "refresh_token", "expires_at", "scope", "token_type"];

const SCOPES: &str = "openid profile email";

/// An answer that is longer is none.
const LARGEST_ANSWER: u64 = 64 * 1024;

const TIMEOUT: Duration = Duration::from_secs(15);

/// Nobody waits longer for a sign-in to be given back.
const REVOKE_TIMEOUT: Duration = Duration::from_secs(5);

/// A server that lets its tokens expire at once would be asked for ever.
const SHORTEST_LIFE: i64 = 30;

/// The pause between two questions, unless the server names one; source: RFC 8628, section 3.2.
const DEVICE_INTERVAL: u64 = 5;

/// A code of a device is not waited for any longer, in seconds.
const LONGEST_DEVICE_FLOW: u64 = 30 * 60;

/// Why there is no token.
#[derive(Debug)]
pub(crate) enum OAuthError {
    /// The server says no: the user must sign in again.
    Refused(String),
    /// There is no answer that says yes or no.
    Unreachable(String),
    /// The new sign-in cannot be stored.
    Store(CredentialError),
}

impl fmt::Display for OAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(message) => write!(f, "the sign-in is refused: {message}"),
            Self::Unreachable(message) => write!(f, "the sign-in got no usable answer: {message}"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

/// Where tokens come from.
#[derive(Clone, Debug)]
pub(crate) struct Provider {
    authorize: String,
    token: String,
    revoke: String,
    device: String,
    client_id: String,
}

/// A sign-in that is not stored yet.
#[derive(Debug)]
pub(crate) struct Tokens {
    /// What is sent.
    pub(crate) access: Secret,
    refresh: Option<Secret>,
    /// Its lifetime and scope, as they are stored.
    about: Map<String, Value>,
}

impl Tokens {
    /// What is stored of it. What the server did not say is left out.
    fn fields(&self) -> Map<String, Value> {
        let mut fields = self.about.clone();
        fields.insert("access_token".to_owned(), self.access.expose().into());
        fields.extend(self.refresh.as_ref().map(|token| ("refresh_token".to_owned(), token.expose().into())));
        fields
    }

    /// The same, in the place of everything that a sign-in before it has left.
    pub(crate) fn replacing(&self) -> Map<String, Value> {
        let before = STORED.iter().map(|name| ((*name).to_owned(), Value::Null));
        before.chain(self.fields()).collect()
    }
}

/// What a user is to do on another device.
#[derive(Debug)]
pub(crate) struct Challenge {
    /// Where.
    pub(crate) url: String,
    /// The code to be typed there, unless the URL holds it.
    pub(crate) code: Option<String>,
    device_code: Secret,
    interval: Duration,
    /// How long the code is valid.
    pub(crate) lifetime: Duration,
}

/// How a sign-in on another device stands.
enum Poll {
    Signed(Box<Tokens>),
    Pending,
    SlowDown,
}

impl Provider {
    /// As `HYPERFRAMES_OAUTH_{AUTHORIZE,TOKEN,REVOKE,DEVICE}_URL` and `HYPERFRAMES_OAUTH_CLIENT_ID` say, or HeyGen's.
    pub(crate) fn from_environment(environment: &dyn Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str, usual: &str| {
            let value = environment(&format!("HYPERFRAMES_OAUTH_{name}")).filter(|value| !value.is_empty());
            value.unwrap_or_else(|| usual.to_owned())
        };
        Self {
            authorize: set("AUTHORIZE_URL", AUTHORIZE_URL),
            token: set("TOKEN_URL", TOKEN_URL),
            revoke: set("REVOKE_URL", REVOKE_URL),
            device: set("DEVICE_URL", DEVICE_URL),
            client_id: set("CLIENT_ID", CLIENT_ID),
        }
    }

    /// Where the user is asked. The browser comes back to `redirect_uri` with `state`.
    ///
    /// # Errors
    /// Where that is no place for it.
    pub(crate) fn authorize_url(
        &self,
        redirect_uri: &str,
        state: &str,
        key: &ProofKey,
    ) -> Result<String, OAuthError> {
        safe(&self.authorize, "AUTHORIZE")?;
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

    /// Gives a code for tokens.
    ///
    /// # Errors
    /// See [`OAuthError`].
    pub(crate) fn exchange(
        &self,
        code: &Secret,
        redirect_uri: &str,
        key: &ProofKey,
    ) -> Result<Tokens, OAuthError> {
        self.ask(&[
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", redirect_uri),
            ("client_id", &self.client_id),
            ("code_verifier", key.verifier.expose()),
        ])
    }

    /// Asks for a code that the user types on another device.
    ///
    /// # Errors
    /// See [`OAuthError`].
    pub(crate) fn challenge(&self) -> Result<Challenge, OAuthError> {
        safe(&self.device, "DEVICE")?;
        let answer =
            post(&self.device, &[("client_id", &self.client_id), ("scope", SCOPES)], TIMEOUT)?.object()?;
        let text = |name: &str| text(answer.get(name));
        let number = |name: &str| answer.get(name).and_then(Value::as_u64);
        let wrong = || OAuthError::Unreachable("the answer is not what OAuth documents".to_owned());
        let device_code = checked(text("device_code").ok_or_else(wrong)?)?;
        let whole = text("verification_uri_complete").filter(|url| is_safe_origin(url));
        let url = whole.or(text("verification_uri")).ok_or_else(wrong)?;
        if !is_safe_origin(url) {
            return Err(OAuthError::Refused("the server names an address that is not safe".to_owned()));
        }
        Ok(Challenge {
            url: url.to_owned(),
            code: if whole.is_some() { None } else { Some(text("user_code").ok_or_else(wrong)?.to_owned()) },
            device_code,
            interval: Duration::from_secs(number("interval").unwrap_or(DEVICE_INTERVAL).clamp(1, 60)),
            lifetime: Duration::from_secs(number("expires_in").unwrap_or(600).min(LONGEST_DEVICE_FLOW)),
        })
    }

    /// Waits until the user has allowed it on another device.
    ///
    /// # Errors
    /// See [`OAuthError`].
    pub(crate) fn wait_for(&self, challenge: &Challenge) -> Result<Tokens, OAuthError> {
        let deadline = std::time::Instant::now() + challenge.lifetime;
        let mut interval = challenge.interval;
        while std::time::Instant::now() + interval < deadline {
            std::thread::sleep(interval);
            match self.poll(challenge)? {
                Poll::Signed(tokens) => return Ok(*tokens),
                Poll::Pending => {}
                // Source: RFC 8628, section 3.5.
                Poll::SlowDown => interval = (interval + Duration::from_secs(5)).min(Duration::from_secs(60)),
            }
        }
        Err(OAuthError::Refused("the code has expired".to_owned()))
    }

    fn poll(&self, challenge: &Challenge) -> Result<Poll, OAuthError> {
        safe(&self.token, "TOKEN")?;
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", challenge.device_code.expose()),
            ("client_id", &self.client_id),
        ];
        let answer = match post(&self.token, &form, TIMEOUT) {
            // A moment without a network does not end the sign-in.
            Err(OAuthError::Unreachable(_)) => return Ok(Poll::Pending),
            other => other?,
        };
        match answer.error() {
            None => Ok(Poll::Signed(Box::new(tokens(&answer.object()?)?))),
            Some("authorization_pending") => Ok(Poll::Pending),
            Some("slow_down") => Ok(Poll::SlowDown),
            Some("access_denied") => Err(OAuthError::Refused("it was not allowed".to_owned())),
            Some("expired_token") => Err(OAuthError::Refused("the code has expired".to_owned())),
            Some(_) if answer.status == 429 || answer.status >= 500 => Ok(Poll::SlowDown),
            Some(name) => Err(OAuthError::Refused(name.to_owned())),
        }
    }

    /// Gives a stored sign-in back, as far as the server answers.
    pub(crate) fn revoke(&self, token: &Secret, hint: &str) -> bool {
        let form =
            [("token", token.expose()), ("token_type_hint", hint), ("client_id", self.client_id.as_str())];
        let answer = safe(&self.revoke, "REVOKE").and_then(|()| post(&self.revoke, &form, REVOKE_TIMEOUT));
        answer.is_ok_and(|answer| answer.status < 300)
    }

    /// Gives back a sign-in that is not stored.
    pub(crate) fn revoke_all(&self, tokens: &Tokens) {
        self.revoke(&tokens.access, "access_token");
        if let Some(refresh) = &tokens.refresh {
            self.revoke(refresh, "refresh_token");
        }
    }

    /// Replaces the access token `old` by a fresh one, in the store as well. Where another process has done so already,
    /// its token is taken.
    ///
    /// # Errors
    /// See [`OAuthError`]; the store is as it was then.
    pub(crate) fn refresh(&self, store: &Store, old: &Secret) -> Result<Secret, OAuthError> {
        let lock = store.lock().map_err(OAuthError::Store)?;
        let stored = store.read().map_err(OAuthError::Store)?.unwrap_or_default();
        let text = |name: &str| text(stored.pointer(name));
        if let Some(token) = text("/oauth/access_token").filter(|token| *token != old.expose()) {
            return checked(token);
        }
        let Some(refresh_token) = text("/oauth/refresh_token") else {
            return Err(OAuthError::Refused("there is no refresh token any more".to_owned()));
        };
        let tokens = self.ask(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
            ("client_id", &self.client_id),
        ])?;
        // A refresh token that the server does not replace stays as it is.
        let fields = tokens.fields();
        lock.change(|stored| stored.object("oauth")?.set(fields)).map_err(OAuthError::Store)?;
        Ok(tokens.access)
    }

    fn ask(&self, form: &[(&str, &str)]) -> Result<Tokens, OAuthError> {
        safe(&self.token, "TOKEN")?;
        tokens(&post(&self.token, form, TIMEOUT)?.object()?)
    }
}

/// Refuses an endpoint that would carry tokens where nobody can vouch for them.
fn safe(url: &str, name: &str) -> Result<(), OAuthError> {
    if is_safe_origin(url) {
        return Ok(());
    }
    let message = format!("HYPERFRAMES_OAUTH_{name}_URL is neither https nor on this machine");
    Err(OAuthError::Refused(message))
}

/// What an endpoint says.
struct Answer {
    status: u16,
    object: Option<Map<String, Value>>,
}

impl Answer {
    /// The name of its error; no other word of it, since what else is in an answer may be anything.
    fn error(&self) -> Option<&str> {
        let name = self.object.as_ref().and_then(|object| object.get("error")?.as_str());
        if self.status < 300 { None } else { Some(name.unwrap_or("an error without a name")) }
    }

    /// The fields of a good answer.
    fn object(self) -> Result<Map<String, Value>, OAuthError> {
        match (self.status, self.object) {
            (200..=299, Some(object)) => Ok(object),
            (200..=299, None) => {
                Err(OAuthError::Unreachable("the answer is not what OAuth documents".to_owned()))
            }
            (status @ 400..=499, object) if status != 408 && status != 429 => {
                let name = object.and_then(|object| Some(object.get("error")?.as_str()?.to_owned()));
                Err(OAuthError::Refused(name.unwrap_or_else(|| format!("HTTP {status}"))))
            }
            (status, _) => Err(OAuthError::Unreachable(format!("HTTP {status}"))),
        }
    }
}

fn post(url: &str, form: &[(&str, &str)], patience: Duration) -> Result<Answer, OAuthError> {
    let agent = careful().timeout_global(Some(patience)).build().new_agent();
    let answer = agent.post(url).header("accept", "application/json").send_form(form.iter().copied());
    let answer = answer.map_err(|error| OAuthError::Unreachable(error.to_string()))?;
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    let read = answer.into_body().into_reader().take(LARGEST_ANSWER).read_to_end(&mut body);
    read.map_err(|error| OAuthError::Unreachable(error.to_string()))?;
    Ok(Answer { status, object: serde_json::from_slice(&body).ok() })
}

/// The tokens of an answer, all of which can stand in a header.
fn tokens(answer: &Map<String, Value>) -> Result<Tokens, OAuthError> {
    let text = |name: &str| text(answer.get(name));
    let access = checked(text("access_token").unwrap_or_default())?;
    let refresh = text("refresh_token").map(checked).transpose()?;
    let mut about = Map::new();
    for name in ["scope", "token_type"] {
        if let Some(text) = text(name) {
            checked(text)?;
            about.insert(name.to_owned(), text.into());
        }
    }
    // A lifetime of before would make a fresh token look old.
    about.insert("expires_at".to_owned(), Value::Null);
    if let Some(seconds) = answer.get("expires_in").and_then(Value::as_f64).filter(|seconds| *seconds < 1e10)
    {
        #[expect(clippy::cast_possible_truncation, reason = "casts saturate, and it is below 1e10")]
        let expires = unix_now() + (seconds as i64).max(SHORTEST_LIFE);
        about.insert("expires_at".to_owned(), format_utc(expires).replace(' ', "T").into());
    }
    Ok(Tokens { access, refresh, about })
}

/// A token that can stand in a header.
fn checked(token: &str) -> Result<Secret, OAuthError> {
    let usable = Some(token.to_owned()).filter(|token| !token.is_empty()).and_then(Secret::for_header);
    usable.ok_or_else(|| OAuthError::Refused("the server's token is not usable".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            provider(&format!("{}/token", self.server.url()))
                .refresh(&self.store(), &Secret::new("old".to_owned()))
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
        let refused = unsafe_place.refresh(&case.store(), &Secret::new("old".to_owned()));
        assert!(matches!(refused, Err(OAuthError::Refused(_))));
    }
}
