//! The API key.

use sha2::{Digest, Sha256};

use super::rejection::Rejection;
use crate::emulator::state::State;

/// Returns whether `given` is the API key, in a time that does not depend on how much of it is right.
pub(super) fn is_key(state: &State, given: &str) -> bool {
    Sha256::digest(given) == Sha256::digest(&state.config.api_key)
}

/// Returns the rejection of a request without the key.
pub(super) fn unauthenticated() -> Rejection {
    Rejection {
        status: 401,
        code: "authentication_failed",
        message: "the API key is missing or invalid".to_owned(),
        param: None,
    }
}
