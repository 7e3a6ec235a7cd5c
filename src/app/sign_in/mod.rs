//! The use cases of `auth`: sign in, report, refresh and forget the credential that this machine stores.
//!
//! The file of credentials is shared with the other HeyGen tools. `store.rs` verifies a credential before it is stored,
//! `user.rs` selects what is stored and shown of a user.

mod browser;
mod device;
mod error;
mod login;
mod logout;
mod refresh;
mod status;
mod store;
mod user;

#[cfg(all(test, unix))]
pub(crate) use error::SignInError;
pub(crate) use login::{SignInMethod, sign_in};
pub(crate) use logout::{SignOutSpec, sign_out};
pub(crate) use refresh::refresh;
pub(crate) use status::status;
