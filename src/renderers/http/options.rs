//! Options of renders by HTTP.

use std::fmt;
use std::str::FromStr;

use hyperframes_ci_core::options::UnknownValue;

/// Options of renders by HTTP.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct HttpOptions {
    /// URL of the endpoint.
    pub(crate) endpoint: Option<String>,
    /// What is sent to it.
    pub(crate) form: RequestForm,
}

/// What an endpoint takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RequestForm {
    /// `{"files": [{"path", "content"}]}` with contents in base64: the container of the Cloudflare template.
    #[default]
    Files,
    /// `{"html"}`: the worker of the Cloudflare template.
    Html,
    /// Nothing: the Vercel template, which renders the composition that it was deployed with.
    Empty,
    /// Files, and the options of the request: `hyperframes-ci emulator`.
    Emulator,
}

impl RequestForm {
    const ALL: [Self; 4] = [Self::Files, Self::Html, Self::Empty, Self::Emulator];

    /// The names, in the order of the help.
    pub(crate) const NAMES: &[&str] = &["files", "html", "empty", "emulator"];

    /// Returns the name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Html => "html",
            Self::Empty => "empty",
            Self::Emulator => "emulator",
        }
    }

    /// Returns the path of an endpoint whose URL has none.
    pub(super) fn default_path(self) -> &'static str {
        match self {
            Self::Files | Self::Emulator => "/render",
            Self::Html | Self::Empty => "/api/render",
        }
    }

    /// Returns whether the endpoint takes options and variables.
    pub(super) fn takes_options(self) -> bool {
        self == Self::Emulator
    }

    /// Returns whether a request that is repeated with its `Idempotency-Key` is rendered once.
    pub(super) fn is_idempotent(self) -> bool {
        self == Self::Emulator
    }

    /// Returns the maximum size of a request body in bytes.
    pub(super) fn limit(self) -> u64 {
        match self {
            // Source: the limits of Cloudflare Workers for the free plan.
            Self::Files | Self::Empty => 100 * 1024 * 1024,
            // Source: the template; the limit is that of the HTML.
            Self::Html => 2 * 1024 * 1024,
            Self::Emulator => crate::emulator::MAX_JSON,
        }
    }
}

impl fmt::Display for RequestForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RequestForm {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        let known = Self::ALL.into_iter().find(|form| form.as_str() == text);
        known.ok_or_else(|| UnknownValue { given: text.to_owned(), allowed: Self::NAMES })
    }
}
