//! What keeps others from finishing a sign-in that is not theirs: a proof key and a state; source: RFC 7636, RFC 6749
//! section 10.12.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use sha2::{Digest, Sha256};

use super::Secret;

/// 256 bits, as RFC 7636 recommends.
const BYTES: usize = 32;

/// A proof key: who shows the verifier has asked for the challenge.
#[derive(Debug)]
pub(crate) struct ProofKey {
    /// 43 characters.
    pub(crate) verifier: Secret,
    /// Its SHA-256, by the method `S256`.
    pub(crate) challenge: String,
}

impl ProofKey {
    /// A new one.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub(crate) fn new() -> std::io::Result<Self> {
        let verifier = unguessable()?;
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        Ok(Self { verifier: Secret::new(verifier), challenge })
    }
}

/// A text that nobody can guess, of characters that are safe in a URL.
///
/// # Errors
/// When the system gives no random numbers.
pub(crate) fn unguessable() -> std::io::Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// Whether two texts are equal, in a time that does not tell where they differ.
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
