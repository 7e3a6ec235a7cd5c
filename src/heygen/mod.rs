//! The HeyGen API's client side: transport, credentials, downloads.

pub(crate) mod auth;
pub(crate) mod download;
pub(crate) mod transport;
