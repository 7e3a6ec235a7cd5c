//! Identifiers that clients cannot guess.

use hyperframes_ci_core::archive::hex;
use sha2::{Digest, Sha256};

use crate::system::random;

/// Returns a secret for signatures and keys: unguessable enough for a server on loopback.
pub(crate) fn random_secret() -> String {
    (0..4).map(|_| format!("{:016x}", random())).collect()
}

/// Generates unique identifiers.
pub(crate) struct IdGenerator {
    secret: String,
    serial: u64,
}

impl Default for IdGenerator {
    fn default() -> Self {
        Self { secret: random_secret(), serial: 0 }
    }
}

impl IdGenerator {
    /// Returns a new identifier, such as `asst_…`: `prefix` and 20 hexadecimal digits.
    pub(crate) fn next(&mut self, prefix: &str) -> String {
        self.serial += 1;
        let digest = Sha256::digest(format!("{}:{prefix}:{}", self.secret, self.serial));
        format!("{prefix}_{}", &hex(&digest)[..20])
    }
}
