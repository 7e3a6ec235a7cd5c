//! Where the credential comes from, and how it is kept out of everything that is printed.

mod error;
mod loopback;
mod oauth;
mod pkce;
mod secret;
mod store;
pub(crate) mod terminal;

use crate::fault::{Exit, Fault};
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::system::clock::unix_now;

pub(crate) use error::SignInError;
pub(crate) use loopback::Loopback;
pub(crate) use oauth::{Challenge, OAuthError, Provider, STORED, Tokens};
pub(crate) use pkce::{ProofKey, unguessable};
pub(crate) use secret::Secret;
pub(crate) use store::Store;

/// The variables that may hold an API key, first match wins.
const KEY_VARIABLES: [&str; 2] = ["HEYGEN_API_KEY", "HYPERFRAMES_API_KEY"];

/// A credential for the API.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    /// Sent as `x-api-key`.
    ApiKey(Secret),
    /// Sent as `Authorization: Bearer`.
    Session(Session),
}

/// A sign-in.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// What is sent.
    pub(crate) access_token: Secret,
    /// Whether it has expired, by this machine's clock.
    pub(crate) is_expired: bool,
    /// Where it is stored, if it can be refreshed.
    pub(crate) store: Option<Store>,
}

/// A credential and where it was found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The credential.
    pub(crate) credential: Credential,
    /// A variable's name or a file's path.
    pub(crate) source: String,
}

/// Why there is no usable credential although something was set.
#[derive(Debug)]
pub(crate) enum CredentialError {
    /// A credential holds control characters, which would break out of the header.
    ControlCharacters(String),
    /// The file cannot be read.
    Unreadable(PathBuf, std::io::Error),
    /// The file is neither JSON of the known shape nor one line of text.
    Corrupt(PathBuf, String),
    /// The file cannot be replaced.
    Unwritable(PathBuf, std::io::Error),
    /// The stored token has expired, it cannot be refreshed, and there is no API key beside it.
    Expired(PathBuf),
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ControlCharacters(source) => {
                write!(f, "the credential in {source} holds control characters")
            }
            Self::Unreadable(path, error) => {
                write!(f, "cannot read the credentials file {}: {error}", path.display())
            }
            Self::Unwritable(path, error) => {
                write!(f, "cannot write the credentials file {}: {error}", path.display())
            }
            Self::Corrupt(path, message) => {
                write!(f, "the credentials file {} is not usable: {message}", path.display())
            }
            Self::Expired(path) => write!(f, "the sign-in stored in {} has expired", path.display()),
        }
    }
}

impl Fault for CredentialError {
    fn code(&self) -> &str {
        match self {
            Self::ControlCharacters(_) => "invalid_credential",
            Self::Unreadable(..) | Self::Unwritable(..) | Self::Corrupt(..) => "credentials_file",
            Self::Expired(_) => "credential_expired",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::ControlCharacters(_) => {
                "copy the key again; a secret often ends in a stray line break".to_owned()
            }
            Self::Unwritable(path, _) => {
                format!("set HEYGEN_API_KEY, or make {} writable", path.display())
            }
            Self::Unreadable(path, _) | Self::Corrupt(path, _) => {
                format!("set HEYGEN_API_KEY, or mend or delete {}", path.display())
            }
            Self::Expired(_) => "run `hyperframes-ci auth login`, or set HEYGEN_API_KEY".to_owned(),
        })
    }

    fn exit(&self) -> Exit {
        Exit::Auth
    }
}

/// There is no credential where one is needed.
#[derive(Debug)]
pub(crate) struct NoCredential;

impl fmt::Display for NoCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no credential for the HeyGen API")
    }
}

impl Fault for NoCredential {
    fn code(&self) -> &str {
        "not_authenticated"
    }

    fn help(&self) -> Option<String> {
        let help = "set HEYGEN_API_KEY (in GitHub Actions, from a secret), run `hyperframes-ci auth login`, or render without an \
             account with --renderer local";
        Some(help.to_owned())
    }

    fn exit(&self) -> Exit {
        Exit::Auth
    }
}

/// Finds the credential: `HEYGEN_API_KEY`, `HYPERFRAMES_API_KEY`, then the file `credentials` in
/// `HEYGEN_CONFIG_DIR` or `~/.heygen`. Empty means absent.
///
/// # Errors
/// When something is set and cannot be used; see [`CredentialError`].
pub(crate) fn find(environment: &dyn Fn(&str) -> Option<String>) -> Result<Option<Found>, CredentialError> {
    for variable in KEY_VARIABLES {
        if let Some(key) = environment(variable).filter(|key| !key.is_empty()) {
            let credential = Credential::ApiKey(secret(key, variable)?);
            return Ok(Some(Found { credential, source: variable.to_owned() }));
        }
    }
    match file_path(environment) {
        Some(path) => read_file(&path),
        None => Ok(None),
    }
}

/// The file of credentials; none without a home.
pub(crate) fn store(environment: &dyn Fn(&str) -> Option<String>) -> Option<Store> {
    file_path(environment).map(|path| Store::new(&path))
}

/// The variable that comes before what is stored, where one is set.
pub(crate) fn variable_that_counts(environment: &dyn Fn(&str) -> Option<String>) -> Option<&'static str> {
    KEY_VARIABLES.into_iter().find(|name| environment(name).is_some_and(|key| !key.is_empty()))
}

/// The text that a member holds; an empty one is none.
pub(crate) fn text(member: Option<&Value>) -> Option<&str> {
    member.and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn file_path(environment: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let set = |name: &str| environment(name).filter(|value| !value.is_empty());
    let folder = set("HEYGEN_CONFIG_DIR").map(PathBuf::from).or_else(|| {
        let home = set("HOME").or_else(|| set("USERPROFILE"))?;
        Some(Path::new(&home).join(".heygen"))
    })?;
    Some(folder.join("credentials"))
}

/// A credential from `source` that can stand in a header.
///
/// # Errors
/// When it holds control characters.
pub(crate) fn secret(text: String, source: &str) -> Result<Secret, CredentialError> {
    Secret::for_header(text).ok_or_else(|| CredentialError::ControlCharacters(source.to_owned()))
}

fn read_file(path: &Path) -> Result<Option<Found>, CredentialError> {
    let store = Store::new(path);
    let Some(stored) = store.read()? else { return Ok(None) };
    let source = path.display().to_string();
    let found = |credential| Ok(Some(Found { credential, source: source.clone() }));
    let text = |pointer: &str| text(stored.pointer(pointer));
    let token = text("/oauth/access_token");
    let is_expired = text("/oauth/expires_at").is_some_and(is_past);
    let can_be_refreshed = text("/oauth/refresh_token").is_some();
    if let Some(token) = token.filter(|_| !is_expired || can_be_refreshed) {
        let access_token = secret(token.to_owned(), &source)?;
        let store = can_be_refreshed.then_some(store);
        return found(Credential::Session(Session { access_token, is_expired, store }));
    }
    if let Some(key) = text("/api_key") {
        return found(Credential::ApiKey(secret(key.to_owned(), &source)?));
    }
    if token.is_some() { Err(CredentialError::Expired(path.to_owned())) } else { Ok(None) }
}

/// Whether an ISO 8601 time lies in the past, or within the 60 s before it that clocks may differ by. A time that
/// cannot be read counts as past: the server would refuse the token later and less clearly.
fn is_past(expires_at: &str) -> bool {
    const SKEW: i64 = 60;
    hyperframes_ci_core::time::parse_iso8601(expires_at).is_none_or(|expiry| expiry <= unix_now() + SKEW)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<Option<Found>, CredentialError> {
        find(&|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    fn with_file(contents: &str) -> Result<Option<Found>, CredentialError> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("credentials"), contents).expect("written");
        with(&[("HEYGEN_CONFIG_DIR", &folder.path().display().to_string())])
    }

    fn exposed(found: Result<Option<Found>, CredentialError>) -> Option<String> {
        found.expect("usable").map(|found| match found.credential {
            Credential::ApiKey(secret) => format!("key {}", secret.expose()),
            Credential::Session(session) => {
                let state = if session.is_expired { "expired" } else { "token" };
                format!("{state} {}", session.access_token.expose())
            }
        })
    }

    #[test]
    fn the_environment_comes_first_and_empty_is_absent() {
        let found = with(&[("HEYGEN_API_KEY", ""), ("HYPERFRAMES_API_KEY", "b")]);
        assert_eq!(exposed(found).as_deref(), Some("key b"));
        assert_eq!(
            exposed(with(&[("HEYGEN_API_KEY", "a"), ("HYPERFRAMES_API_KEY", "b")])).as_deref(),
            Some("key a")
        );
        assert_eq!(exposed(with(&[])), None);
    }

    #[test]
    fn control_characters_are_refused_and_not_repeated() {
        let error = with(&[("HEYGEN_API_KEY", "topsecret\r\nx: y")]).expect_err("refused");
        assert!(!error.to_string().contains("topsecret"));
    }

    #[test]
    fn every_form_of_the_file() {
        assert_eq!(exposed(with_file("")), None);
        assert_eq!(exposed(with_file("legacy-key\n")).as_deref(), Some("key legacy-key"));
        assert_eq!(exposed(with_file(r#"{"api_key":"k"}"#)).as_deref(), Some("key k"));
        let live = r#"{"api_key":"k","oauth":{"access_token":"t","expires_at":"2999-01-01T00:00:00Z"}}"#;
        assert_eq!(exposed(with_file(live)).as_deref(), Some("token t"));
        let stale = r#"{"api_key":"k","oauth":{"access_token":"t","expires_at":"2001-01-01T00:00:00.000Z"}}"#;
        assert_eq!(exposed(with_file(stale)).as_deref(), Some("key k"));
        let refreshable = r#"{"api_key":"k","oauth":{"access_token":"t","refresh_token":"r","expires_at":"2001-01-01T00:00:00Z"}}"#;
        assert_eq!(exposed(with_file(refreshable)).as_deref(), Some("expired t"));
        let only_stale = r#"{"oauth":{"access_token":"t","expires_at":"2001-01-01T00:00:00Z"}}"#;
        assert!(matches!(with_file(only_stale), Err(CredentialError::Expired(_))));
        assert!(matches!(with_file("{broken"), Err(CredentialError::Corrupt(..))));
        assert!(matches!(with_file("a\nb"), Err(CredentialError::Corrupt(..))));
    }
}
