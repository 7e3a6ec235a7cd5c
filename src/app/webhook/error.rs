//! Errors of `webhook`.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::fault::{Exit, Fault};
use crate::system::gate;

/// The variable with the secrets of endpoints, separated by white space: while a secret is rotated, there are two.
pub(super) const SECRETS: &str = "HEYGEN_WEBHOOK_SECRET";

/// Largest body in bytes. Events have less than a kilobyte.
pub(super) const MAX_BODY: u64 = 1024 * 1024;

/// An error of a `webhook` command.
#[derive(Debug)]
pub(crate) enum WebhookError {
    /// No secret is set.
    NoSecret,
    /// A header is missing.
    NoHeader(&'static str),
    /// The signature is that of another body or another secret.
    WrongSignature,
    /// The time is not a number of seconds.
    InvalidTime,
    /// The time differs from that of this machine by so many seconds.
    Skewed {
        /// The difference; negative if the webhook seems to be from the future.
        age: i64,
        /// The largest difference that is accepted.
        most: i64,
    },
    /// The event was received before.
    Repeated(String),
    /// The signed body is not an event.
    InvalidBody(String),
    /// The body is too large or cannot be read.
    Unreadable(io::Error),
    /// The file of received events cannot be used.
    Seen(PathBuf, io::Error),
    /// The port is taken or not allowed.
    Port(u16, io::Error),
}

impl fmt::Display for WebhookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSecret => write!(f, "{SECRETS} is not set"),
            Self::NoHeader(name) => write!(f, "the webhook has no header {name}"),
            Self::WrongSignature => f.write_str("the signature of the webhook does not match its body"),
            Self::InvalidTime => f.write_str("Heygen-Timestamp is not a number of seconds since 1970"),
            Self::Skewed { age, most } if *age < 0 => {
                write!(f, "the webhook is {} s ahead of the clock; the limit is {most} s", -age)
            }
            Self::Skewed { age, most } => write!(f, "the webhook is {age} s old; the limit is {most} s"),
            Self::Repeated(id) => write!(f, "event {} was received before", crate::ui::plain(id)),
            Self::InvalidBody(reason) => write!(f, "the body of the webhook {reason}"),
            Self::Unreadable(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                write!(f, "the body of the webhook is larger than {}", crate::ui::bytes(MAX_BODY))
            }
            Self::Unreadable(error) => write!(f, "cannot read the body of the webhook: {error}"),
            Self::Seen(path, error) => write!(f, "cannot use {}: {error}", path.display()),
            Self::Port(port, error) => write!(f, "cannot listen on 127.0.0.1:{port}: {error}"),
        }
    }
}

impl Fault for WebhookError {
    fn code(&self) -> &str {
        match self {
            Self::NoSecret => "no_webhook_secret",
            Self::NoHeader(_) | Self::WrongSignature => "webhook_not_authentic",
            Self::InvalidTime | Self::Skewed { .. } => "webhook_expired",
            Self::Repeated(_) => "webhook_repeated",
            Self::InvalidBody(_) | Self::Unreadable(_) => "invalid_webhook",
            Self::Seen(..) => "seen_not_usable",
            Self::Port(..) => "port_not_available",
        }
    }

    fn help(&self) -> Option<String> {
        let help = match self {
            Self::NoSecret => {
                "set it to the secret that HeyGen returned for the endpoint; several secrets are separated by spaces"
            }
            Self::NoHeader(_) => {
                "pass --signature, --timestamp and --event-id, or set HEYGEN_SIGNATURE, HEYGEN_TIMESTAMP and HEYGEN_EVENT_ID"
            }
            Self::WrongSignature => {
                "pass the raw body without any change, and use the whole secret of this endpoint, with its prefix whsec_"
            }
            Self::InvalidTime => "pass the value of the header Heygen-Timestamp",
            Self::Skewed { .. } => "check the clock of this machine, or raise --max-skew",
            Self::Repeated(_) => {
                "respond with status 200 and do nothing: HeyGen delivers an event until it is accepted"
            }
            Self::InvalidBody(_) => "the signature is valid; please report this event",
            Self::Unreadable(_) => "pass the raw body on standard input",
            Self::Seen(_, error) => {
                return Some(gate::help_of(error).unwrap_or_else(|| {
                    "choose a writable file for --seen that only `webhook` writes to".to_owned()
                }));
            }
            Self::Port(..) => "choose another port, or 0 for a free one",
        };
        Some(help.to_owned())
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoSecret => Exit::Usage,
            Self::NoHeader(_) | Self::WrongSignature | Self::InvalidTime | Self::Skewed { .. } => Exit::Auth,
            Self::Repeated(_) => Exit::Repeated,
            Self::InvalidBody(_) | Self::Unreadable(_) | Self::Seen(..) | Self::Port(..) => Exit::General,
        }
    }
}
