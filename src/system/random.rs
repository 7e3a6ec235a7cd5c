//! Numbers that differ.

/// A number that differs from run to run: it spreads pauses and makes names unique. It is no secret.
pub(crate) fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    // The standard library seeds its hash maps from the system's random source.
    std::hash::RandomState::new().build_hasher().finish()
}
