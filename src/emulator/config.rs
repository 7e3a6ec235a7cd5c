//! Settings of an emulator.

use std::time::Duration;

use super::faults::Script;
use super::state::random_secret;

/// How an emulator behaves.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Port of the API on 127.0.0.1; 0 takes a free one.
    pub(crate) port: u16,
    /// The only API key that is accepted; a random one by default.
    pub(crate) api_key: String,
    /// How long a placeholder render takes.
    pub(crate) placeholder_delay: Duration,
    /// Whether direct uploads are enabled; otherwise their endpoint returns 404.
    pub(crate) direct_uploads: bool,
    /// How often `complete` replies 409 first, for each asset.
    pub(crate) complete_conflicts: u32,
    /// How long presigned URLs are valid.
    pub(crate) url_lifetime: Duration,
    /// How long access tokens are valid.
    pub(crate) token_lifetime: Duration,
    /// Faults to inject.
    pub(crate) script: Script,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            port: 0,
            api_key: random_secret(),
            placeholder_delay: Duration::ZERO,
            direct_uploads: true,
            complete_conflicts: 0,
            url_lifetime: Duration::from_secs(3600),
            token_lifetime: Duration::from_secs(3600),
            script: Script::default(),
        }
    }
}
