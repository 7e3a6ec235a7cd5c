//! Media keys.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::archive::hex;

/// Identifies generated media: equal keys are media that need not be generated again. It is `hfcm_` and the SHA-256, in
/// lowercase hexadecimal, of a text that the documentation of each kind defines.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MediaKey(String);

impl MediaKey {
    /// Returns the key of media that `text` describes.
    pub(super) fn of(text: &str) -> Self {
        Self(format!("hfcm_{}", hex(&Sha256::digest(text))))
    }

    /// Returns the key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MediaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
