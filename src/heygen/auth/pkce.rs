//! Protection of the sign-in against interception and request forgery: PKCE and `state`; sources: RFC 7636, RFC 6749
//! section 10.12.

use sha2::{Digest, Sha256};

use crate::system::secret::Secret;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};

/// Bytes of randomness: 256 bits, as RFC 7636 recommends.
const BYTES: usize = 32;

/// A PKCE proof key.
#[derive(Debug)]
pub(crate) struct ProofKey {
    /// The code verifier, of 43 characters.
    pub(crate) verifier: Secret,
    /// The code challenge: the verifier's SHA-256, for the method `S256`.
    pub(crate) challenge: String,
}

impl ProofKey {
    /// Creates a random proof key.
    ///
    /// # Errors
    /// Returns an error if the system's random number generator fails.
    pub(crate) fn new() -> std::io::Result<Self> {
        let verifier = random_token()?;
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        Ok(Self { verifier: Secret::new(verifier), challenge })
    }
}

/// Returns 256 random bits in the URL-safe Base64 alphabet.
///
/// # Errors
/// Returns an error if the system's random number generator fails.
pub(crate) fn random_token() -> std::io::Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// Compares two texts in constant time for their length.
pub(crate) fn is_equal(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: RFC 7636, appendix B.
    #[test]
    fn the_challenge_is_that_of_the_standard() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(
            BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn keys_differ_and_are_long_enough() {
        let (a, b) = (ProofKey::new().expect("a key"), ProofKey::new().expect("a key"));
        assert_ne!(a.challenge, b.challenge);
        assert_eq!(a.verifier.expose().len(), 43);
        assert!(is_equal("abc", "abc") && !is_equal("abc", "abd") && !is_equal("abc", "ab"));
    }
}
