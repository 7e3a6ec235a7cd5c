//! Texts that must not be seen.

use std::fmt;

/// A text that cannot be printed or serialized by accident.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    /// Keeps `text` secret from here on.
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// Keeps a text secret that can stand in a header; `None` where it holds control characters.
    pub(crate) fn for_header(text: String) -> Option<Self> {
        let secret = Self(text);
        (!secret.0.chars().any(char::is_control)).then_some(secret)
    }

    /// The text itself, for a request header and nothing else.
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

    #[test]
    fn a_panic_does_not_tell_it() {
        let credential = || crate::heygen::auth::Credential::ApiKey(Secret::new("topsecret".to_owned()));
        let failed: fn(crate::heygen::auth::Credential) -> Result<(), crate::heygen::auth::Credential> = Err;
        let panic = std::panic::catch_unwind(|| failed(credential()).expect("an example"));
        let message = panic.expect_err("it panics");
        let message = message.downcast_ref::<String>().expect("a message");
        assert!(message.contains("***") && !message.contains("topsecret"), "{message}");
    }
}
