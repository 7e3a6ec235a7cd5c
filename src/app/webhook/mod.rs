//! The use cases `webhook verify` and `webhook listen`.
//!
//! HeyGen signs the raw body, and nothing else: neither the time nor the event ID of the headers. So an event that was
//! captured can be sent again under another ID, and is recognized by the digest of its body.

mod error;
mod listen;
mod seen;
mod verify;

#[cfg(all(test, unix))]
pub(crate) use error::WebhookError;
pub(crate) use listen::{ListenSpec, listen};
pub(crate) use seen::SeenFile;
pub(crate) use verify::{Delivery, Verifier};
