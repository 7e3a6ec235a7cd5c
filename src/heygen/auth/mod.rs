//! Authentication: credentials, the credentials file, and the OAuth sign-in.
//!
//! The credential comes from [`find`]. The file that stores it is shared with other tools ([`Store`]). A sign-in asks the
//! authorization server ([`Provider`]) for tokens: through a browser that returns to [`Loopback`], or by a
//! [`DeviceAuthorization`].

mod credential;
mod device;
mod endpoint;
mod error;
mod loopback;
mod pkce;
mod provider;
mod store;
pub(crate) mod terminal;
mod tokens;

pub(crate) use crate::system::secret::Secret;
pub(crate) use credential::folder as config_folder;
pub(crate) use credential::{
    Credential, Found, Session, find, find_stored, overriding_variable, secret, store,
};
pub(crate) use device::DeviceAuthorization;
pub(crate) use endpoint::OAuthError;
#[cfg(all(test, unix))]
pub(crate) use error::CredentialError;
pub(crate) use error::NoCredential;
pub(crate) use loopback::{CallbackError, Loopback};
pub(crate) use pkce::{ProofKey, random_token};
pub(crate) use provider::Provider;
pub(crate) use store::{Store, text};
pub(crate) use tokens::{STORED_FIELDS, Tokens};
