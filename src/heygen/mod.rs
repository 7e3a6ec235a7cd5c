//! The client of the HeyGen API: transport, authentication and downloads.

mod api_base;
pub(crate) mod auth;
mod call_error;
pub(crate) mod download;
pub(crate) mod environment;
pub(crate) mod source;
pub(crate) mod transport;
