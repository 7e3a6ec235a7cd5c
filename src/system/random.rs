//! Random numbers that need not be secret.

/// Returns a random number, for jitter and unique names. Do not use it for secrets.
pub(crate) fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    // The standard library seeds its hash maps from the system's random source.
    std::hash::RandomState::new().build_hasher().finish()
}
