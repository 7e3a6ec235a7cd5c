//! Signatures of webhooks: HMAC-SHA256 of a message, in hexadecimal.

use hyperframes_ci_core::archive::hex;
use ring::hmac;

use super::secret::Secret;

/// Signs `message` with the whole text of `secret`; returns lower-case hexadecimal.
pub(crate) fn sign(secret: &Secret, message: &[u8]) -> String {
    hex(hmac::sign(&key(secret), message).as_ref())
}

/// Returns whether `signature` is that of `message`. The comparison takes the same time wherever they differ.
pub(crate) fn is_valid(secret: &Secret, message: &[u8], signature: &str) -> bool {
    decode(signature).is_some_and(|bytes| hmac::verify(&key(secret), message, &bytes).is_ok())
}

fn key(secret: &Secret) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes())
}

/// Decodes hexadecimal; returns `None` if the text is something else.
fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.chars().map(|digit| digit.to_digit(16)).collect::<Option<Vec<_>>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| u8::try_from(high * 16 + low).ok());
    if rest.is_empty() { bytes.collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_rfc_4231() {
        // Test case 2.
        let secret = Secret::new("Jefe".to_owned());
        let message = b"what do ya want for nothing?";
        let signature = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(sign(&secret, message), signature);
        assert!(is_valid(&secret, message, signature));
        for wrong in ["", "5bdcc1", &signature[1..], &signature.replace('5', "6"), "täst"] {
            assert!(!is_valid(&secret, message, wrong), "{wrong}");
        }
        assert!(!is_valid(&Secret::new("jefe".to_owned()), message, signature));
    }
}
