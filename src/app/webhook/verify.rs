//! Verification of one webhook.

use std::io::{self, Read};

use hyperframes_ci_core::api::{JobEnd, WebhookEvent};
use hyperframes_ci_core::archive::hex;
use sha2::{Digest, Sha256};

use super::error::{MAX_BODY, SECRETS, WebhookError};
use crate::app::outcome::{WebhookEnd, WebhookOutcome};
use crate::heygen::environment;
use crate::system::clock::unix_now;
use crate::system::secret::Secret;
use crate::system::signature;

/// A webhook as it was received.
#[derive(Clone, Debug, Default)]
pub(crate) struct Delivery {
    /// The raw body.
    pub(crate) body: Vec<u8>,
    /// The header `Heygen-Signature`.
    pub(crate) signature: Option<String>,
    /// The header `Heygen-Timestamp`.
    pub(crate) timestamp: Option<String>,
    /// The header `Heygen-Event-Id`.
    pub(crate) event_id: Option<String>,
}

/// A webhook whose signature and time are valid.
#[derive(Clone, Debug)]
pub(crate) struct Verified {
    /// What its body says.
    pub(crate) event: WebhookEvent,
    /// Identifier of the event: that of the body, which is signed, or of the header.
    pub(crate) id: Option<String>,
    /// When it was sent, in seconds since 1970.
    pub(crate) timestamp: i64,
    /// SHA-256 of the body, in hexadecimal.
    pub(crate) digest: String,
}

/// Verifies webhooks.
pub(crate) struct Verifier {
    secrets: Vec<Secret>,
    /// Largest difference to the clock, in seconds.
    max_skew: i64,
}

impl Delivery {
    /// Reads the raw body from `source`.
    ///
    /// # Errors
    /// Returns [`WebhookError::Unreadable`] if it is larger than [`MAX_BODY`] or breaks off.
    pub(crate) fn read_body(source: &mut dyn Read) -> Result<Vec<u8>, WebhookError> {
        let mut body = Vec::new();
        source.take(MAX_BODY + 1).read_to_end(&mut body).map_err(WebhookError::Unreadable)?;
        if body.len() as u64 > MAX_BODY {
            return Err(WebhookError::Unreadable(io::ErrorKind::FileTooLarge.into()));
        }
        Ok(body)
    }
}

impl Verified {
    /// Returns what commands print; without the signature of the URL unless `shows_urls`.
    pub(crate) fn outcome(&self, shows_urls: bool) -> WebhookOutcome {
        let event = if shows_urls { self.event.clone() } else { self.event.redacted() };
        WebhookOutcome {
            event_id: self.id.clone(),
            end: event.end().map(|end| match end {
                JobEnd::Success => WebhookEnd::Success,
                JobEnd::Fail => WebhookEnd::Fail,
            }),
            event_type: event.event_type,
            resource_id: event.resource_id,
            callback_id: event.callback_id,
            url: event.url,
            message: event.message,
            timestamp: self.timestamp,
            body_sha256: self.digest.clone(),
        }
    }
}

impl Verifier {
    /// Reads the secrets from the environment.
    ///
    /// # Errors
    /// Returns [`WebhookError::NoSecret`] if there is none.
    pub(crate) fn from_environment(max_skew: i64) -> Result<Self, WebhookError> {
        let text = environment::variable(SECRETS).unwrap_or_default();
        let secrets =
            text.split_whitespace().map(|secret| Secret::new(secret.to_owned())).collect::<Vec<_>>();
        if secrets.is_empty() { Err(WebhookError::NoSecret) } else { Ok(Self { secrets, max_skew }) }
    }

    /// Verifies a webhook. The signature is checked first: nothing else is told about a body that is not signed.
    ///
    /// # Errors
    /// Returns an error if a header is missing, the signature or the time is wrong, or the body is not an event.
    pub(crate) fn verify(&self, delivery: &Delivery) -> Result<Verified, WebhookError> {
        let header = |value: &Option<String>, name| {
            let value = value.as_deref().map(str::trim).filter(|value| !value.is_empty());
            value.map(str::to_owned).ok_or(WebhookError::NoHeader(name))
        };
        let given = header(&delivery.signature, "Heygen-Signature")?;
        // Every secret is tried, so that the time does not tell which one was right.
        let valid =
            self.secrets.iter().filter(|secret| signature::is_valid(secret, &delivery.body, &given)).count();
        if valid == 0 {
            return Err(WebhookError::WrongSignature);
        }
        let sent = header(&delivery.timestamp, "Heygen-Timestamp")?;
        let timestamp = sent.parse::<i64>().map_err(|_| WebhookError::InvalidTime)?;
        let age = unix_now().saturating_sub(timestamp);
        if age.saturating_abs() > self.max_skew {
            return Err(WebhookError::Skewed { age, most: self.max_skew });
        }
        let event = WebhookEvent::parse(&delivery.body).map_err(WebhookError::InvalidBody)?;
        let id = event.id.clone().or_else(|| header(&delivery.event_id, "Heygen-Event-Id").ok());
        Ok(Verified { event, id, timestamp, digest: hex(&Sha256::digest(&delivery.body)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"event_type":"hyperframes_video.success","event_data":{"render_id":"r"}}"#;

    fn verifier() -> Verifier {
        let secrets = ["whsec_new", "whsec_old"].map(|text| Secret::new(text.to_owned()));
        Verifier { secrets: secrets.into(), max_skew: 300 }
    }

    fn delivery(secret: &str, age: i64) -> Delivery {
        Delivery {
            body: BODY.into(),
            signature: Some(signature::sign(&Secret::new(secret.to_owned()), BODY.as_bytes())),
            timestamp: Some((unix_now() - age).to_string()),
            event_id: Some("evt_1".to_owned()),
        }
    }

    #[test]
    fn both_secrets_of_a_rotation_are_accepted() {
        for secret in ["whsec_new", "whsec_old"] {
            let verified = verifier().verify(&delivery(secret, 10)).expect("verified");
            assert_eq!(
                (verified.id.as_deref(), verified.event.resource_id.as_deref()),
                (Some("evt_1"), Some("r"))
            );
        }
        let error = verifier().verify(&delivery("whsec_other", 0)).expect_err("another secret");
        assert!(matches!(error, WebhookError::WrongSignature));
    }

    #[test]
    fn another_body_a_wrong_time_and_missing_headers_are_refused() {
        let refused = |change: &dyn Fn(&mut Delivery)| {
            let mut delivery = delivery("whsec_new", 0);
            change(&mut delivery);
            verifier().verify(&delivery).expect_err("refused").to_string()
        };
        assert!(refused(&|delivery| delivery.body.push(b' ')).contains("does not match"));
        assert!(refused(&|delivery| delivery.signature = None).contains("Heygen-Signature"));
        assert!(refused(&|delivery| delivery.timestamp = Some(" ".to_owned())).contains("Heygen-Timestamp"));
        assert!(refused(&|delivery| delivery.timestamp = Some("soon".to_owned())).contains("not a number"));
        let at = |seconds: i64| {
            refused(&move |delivery| delivery.timestamp = Some((unix_now() + seconds).to_string()))
        };
        assert!(at(-310).contains("old; the limit is 300 s") && at(310).contains("ahead of the clock"));
        assert!(at(i64::MIN / 2).contains("old"));
        let extreme = refused(&|delivery| delivery.timestamp = Some(i64::MIN.to_string()));
        assert!(extreme.contains("old"), "{extreme}");
    }

    #[test]
    fn the_signed_id_counts_more_than_that_of_the_header() {
        let body = r#"{"event_id":"evt_signed","event_type":"x"}"#;
        let secret = Secret::new("whsec_new".to_owned());
        let delivery = Delivery {
            body: body.into(),
            signature: Some(signature::sign(&secret, body.as_bytes())),
            ..delivery("whsec_new", 0)
        };
        assert_eq!(verifier().verify(&delivery).expect("verified").id.as_deref(), Some("evt_signed"));
    }
}
