//! Credentials, and where they are found.

use std::path::{Path, PathBuf};

use hyperframes_ci_core::archive::hex;
use sha2::{Digest, Sha256};

use super::error::CredentialError;
use super::store::{Store, text};
use crate::system::clock::unix_now;
use crate::system::secret::Secret;

/// Environment variables of an API key; the first that is set wins.
const KEY_VARIABLES: [&str; 2] = ["HEYGEN_API_KEY", "HYPERFRAMES_API_KEY"];

/// A credential for the API.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    /// Sent as `x-api-key`.
    ApiKey(Secret),
    /// Sent as `Authorization: Bearer`.
    Session(Session),
}

impl Credential {
    /// Returns the key or token that is sent with requests.
    pub(crate) fn secret(&self) -> &Secret {
        match self {
            Self::ApiKey(key) => key,
            Self::Session(session) => &session.access_token,
        }
    }

    /// Returns a digest that distinguishes accounts: 16 hexadecimal digits of a SHA-256, which do not reveal a key.
    ///
    /// An API key identifies its account. Tokens of a sign-in change when they are refreshed, so the stored user identifies
    /// the account; `None` if no user is stored.
    pub(crate) fn account_digest(&self) -> Option<String> {
        let identity = match self {
            Self::ApiKey(key) => format!("key {}", key.expose()),
            Self::Session(session) => {
                let stored = session.store.as_ref()?.read().ok()??;
                let user = stored.get("user")?;
                let name = user.get("email").or_else(|| user.get("username"))?.as_str()?.to_owned();
                format!("user {name}")
            }
        };
        let digest = Sha256::digest(format!("hyperframes-ci account\n{identity}"));
        Some(hex(&digest)[..16].to_owned())
    }
}

/// An OAuth sign-in.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The access token.
    pub(crate) access_token: Secret,
    /// Whether the token has expired, by this machine's clock.
    pub(crate) is_expired: bool,
    /// The file that the token is stored in, if it can be refreshed.
    pub(crate) store: Option<Store>,
}

/// A credential and its source.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The credential.
    pub(crate) credential: Credential,
    /// The name of the environment variable, or the path of the file.
    pub(crate) source: String,
}

/// Finds the credential in `HEYGEN_API_KEY`, in `HYPERFRAMES_API_KEY`, or in the file `credentials` of
/// `HEYGEN_CONFIG_DIR` or `~/.heygen`. Empty values count as not set.
///
/// # Errors
/// Returns [`CredentialError`] if the credential contains control characters, or the file cannot be read, is not in a
/// known format, or holds an expired sign-in only.
pub(crate) fn find(environment: &dyn Fn(&str) -> Option<String>) -> Result<Option<Found>, CredentialError> {
    for variable in KEY_VARIABLES {
        if let Some(key) = environment(variable).filter(|key| !key.is_empty()) {
            if is_reference(&key) {
                return Err(CredentialError::Unexpanded(variable.to_owned(), key));
            }
            let credential = Credential::ApiKey(secret(key, variable)?);
            return Ok(Some(Found { credential, source: variable.to_owned() }));
        }
    }
    find_stored(environment)
}

/// Finds the credential in the file, as [`find`] does without the environment variables of keys.
///
/// # Errors
/// As [`find`].
pub(crate) fn find_stored(
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Found>, CredentialError> {
    file_path(environment).map_or(Ok(None), |path| read_file(&path))
}

/// Returns whether a key is a reference to a variable that a CI service did not replace, since it does not exist:
/// `$(NAME)` of Azure Pipelines, `${{ NAME }}` of templates, `$NAME` and `${NAME}` of shells. No key has such a form, so it
/// can be printed.
fn is_reference(key: &str) -> bool {
    let key = key.trim();
    let inner = |open: &str, close: &str| key.strip_prefix(open)?.strip_suffix(close);
    let name = inner("$(", ")")
        .or_else(|| inner("${{", "}}"))
        .or_else(|| inner("${", "}"))
        .or_else(|| key.strip_prefix('$'));
    let name = name.map(str::trim).unwrap_or_default();
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-. ".contains(&byte))
}

/// Returns the credentials file, or `None` if no home directory is set.
pub(crate) fn store(environment: &dyn Fn(&str) -> Option<String>) -> Option<Store> {
    file_path(environment).map(|path| Store::new(&path))
}

/// Returns the environment variable that overrides the stored credentials, if one is set.
pub(crate) fn overriding_variable(environment: &dyn Fn(&str) -> Option<String>) -> Option<&'static str> {
    KEY_VARIABLES.into_iter().find(|name| environment(name).is_some_and(|key| !key.is_empty()))
}

fn file_path(environment: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    Some(folder(environment)?.join("credentials"))
}

/// Returns the directory of the stored credential and of the settings of the `heygen` CLI.
pub(crate) fn folder(environment: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let set = |name: &str| environment(name).filter(|value| !value.is_empty());
    set("HEYGEN_CONFIG_DIR").map(PathBuf::from).or_else(|| {
        let home = set("HOME").or_else(|| set("USERPROFILE"))?;
        Some(Path::new(&home).join(".heygen"))
    })
}

/// Wraps a credential from `source`.
///
/// # Errors
/// Returns [`CredentialError::ControlCharacters`] if it cannot be sent in a header.
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

/// Returns whether an ISO 8601 time is past, allowing 60 s of clock skew. An invalid time counts as past: the server
/// would reject the token later, with a less specific error.
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
    fn a_reference_that_the_ci_service_left_is_not_a_key() {
        for key in
            ["$(HEYGEN_API_KEY)", "${{ secrets.HEYGEN_API_KEY }}", "${{secrets.KEY}}", "$KEY", "${KEY}"]
        {
            let error = with(&[("HEYGEN_API_KEY", key)]).expect_err("refused");
            assert!(matches!(&error, CredentialError::Unexpanded(..)), "{key}: {error}");
        }
        let error = with(&[("HEYGEN_API_KEY", "$(MY_KEY)")]).expect_err("refused");
        assert_eq!(
            error.to_string(),
            "HEYGEN_API_KEY contains \"$(MY_KEY)\" instead of a key: the CI service has no such variable"
        );
        assert!(crate::fault::Fault::help(&error).is_some_and(|help| help.contains(" MY_KEY ")), "{error}");
        for key in ["$", "$(a)b", "$2b$10$abc", "sk_$(x"] {
            assert!(with(&[("HEYGEN_API_KEY", key)]).is_ok(), "{key}");
        }
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

    #[test]
    fn a_panic_does_not_tell_it() {
        let credential = || Credential::ApiKey(Secret::new("topsecret".to_owned()));
        let failed: fn(Credential) -> Result<(), Credential> = Err;
        let panic = std::panic::catch_unwind(|| failed(credential()).expect("an example"));
        let message = panic.expect_err("it panics");
        let message = message.downcast_ref::<String>().expect("a message");
        assert!(message.contains("***") && !message.contains("topsecret"), "{message}");
    }
}
