//! Texts that must not be printed.

use std::fmt;

/// A text that cannot be printed or serialized by accident.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    /// Wraps `text`.
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// Wraps a header value. Returns `None` if it contains control characters.
    pub(crate) fn for_header(text: String) -> Option<Self> {
        let secret = Self(text);
        (!secret.0.chars().any(char::is_control)).then_some(secret)
    }

    /// Returns the text, for a request header or the credentials file only.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        // Best effort without `unsafe`: the buffer that is freed holds zeroes.
        let mut bytes = std::mem::take(&mut self.0).into_bytes();
        bytes.fill(0);
        std::hint::black_box(&bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", Secret::new("topsecret".to_owned())), "***");
    }
}
