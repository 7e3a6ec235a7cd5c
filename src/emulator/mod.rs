//! A HeyGen-compatible render server on loopback: for tests, demos and workflows without a key.
//!
//! Two origins, as in the cloud: the API, and a storage of presigned URLs that refuses any credential. Renders are
//! real, made by a [`Renderer`]; without one they are a small built-in clip, and the details say so. Faults can be
//! asked for with a [`Script`]. `GET /_emulator/stats` on the API's origin counts what happened, and
//! `POST /_emulator/script` replaces the script.

mod api;
mod assets;
mod clips;
mod faults;
mod multipart;
mod oauth;
mod renders;
mod server;
mod state;
mod storage;
mod validate;
mod webhook;

use crate::fault::Fault;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use faults::Script;
use server::Server;
use state::State;

use crate::engine::{Job, Progress};
use crate::system::interrupt;
use crate::system::interrupt::Guard;

/// How an emulator behaves.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Port of the API on 127.0.0.1; 0 takes a free one.
    pub(crate) port: u16,
    /// The only key that is accepted; any where there is none.
    pub(crate) api_key: Option<String>,
    /// How long a placeholder render takes.
    pub(crate) placeholder_delay: Duration,
    /// Whether direct uploads are offered; where not, the endpoint is 404.
    pub(crate) direct_uploads: bool,
    /// How often `complete` answers 409 first, for each asset.
    pub(crate) complete_conflicts: u32,
    /// How long presigned URLs are valid.
    pub(crate) url_lifetime: Duration,
    /// How long access tokens are valid.
    pub(crate) token_lifetime: Duration,
    /// Faults to play.
    pub(crate) script: Script,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            port: 0,
            api_key: None,
            placeholder_delay: Duration::ZERO,
            direct_uploads: true,
            complete_conflicts: 0,
            url_lifetime: Duration::from_secs(3600),
            token_lifetime: Duration::from_secs(3600),
            script: Script::default(),
        }
    }
}

/// Makes a video of an archive.
pub(crate) trait Renderer: Send + Sync {
    /// Renders `job`; the error is the message that the user of the API reads.
    ///
    /// # Errors
    /// When the composition cannot be rendered.
    fn render(&self, job: &Job<'_>, progress: &mut dyn FnMut(Progress)) -> Result<(), String>;
}

/// Why an emulator did not start.
#[derive(Debug)]
pub(crate) enum EmulatorError {
    /// The port is taken, or the system refused it.
    Port(u16, std::io::Error),
    /// There is no room for uploads and videos.
    Storage(std::io::Error),
    /// The script of faults is of no use.
    Script(String),
}

impl std::fmt::Display for EmulatorError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Port(port, error) => write!(f, "the emulator cannot listen on port {port}: {error}"),
            Self::Storage(error) => write!(f, "the emulator has no temporary directory: {error}"),
            Self::Script(message) => write!(f, "the script of faults is not usable: {message}"),
        }
    }
}

impl Fault for EmulatorError {
    fn code(&self) -> &str {
        match self {
            Self::Port(..) | Self::Storage(_) => "emulator_not_started",
            Self::Script(_) => "invalid_script",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Port(..) => "leave out --port to take a free one".to_owned(),
            Self::Storage(_) => "check the free space and TMPDIR".to_owned(),
            Self::Script(_) => "see docs/emulator.md for its form".to_owned(),
        })
    }
}

/// A running emulator; dropping it stops it and deletes what it stored.
pub(crate) struct Emulator {
    api: Server,
    state: Arc<State>,
    _storage: Server,
    _guard: Guard,
}

impl Emulator {
    /// Starts the two servers and the render worker.
    ///
    /// # Errors
    /// See [`EmulatorError`].
    pub(crate) fn start(config: Config, renderer: Option<Arc<dyn Renderer>>) -> Result<Self, EmulatorError> {
        let folder = tempfile::Builder::new()
            .prefix("hyperframes-ci-emulator-")
            .tempdir()
            .map_err(EmulatorError::Storage)?;
        let guard = interrupt::guard_path(folder.path());
        let port = config.port;
        let (mut api, api_listener) = Server::bind(port).map_err(|error| EmulatorError::Port(port, error))?;
        let (mut storage, storage_listener) =
            Server::bind(0).map_err(|error| EmulatorError::Port(0, error))?;
        let state = Arc::new(State::new(config, folder, storage.url.clone()));
        let (for_api, for_storage) = (Arc::clone(&state), Arc::clone(&state));
        api.serve(api_listener, Arc::new(move |request| api::answer(&for_api, request)))
            .and_then(|()| {
                storage
                    .serve(storage_listener, Arc::new(move |request| storage::answer(&for_storage, request)))
            })
            .and_then(|()| renders::start_worker(&state, renderer))
            .map_err(|error| EmulatorError::Port(port, error))?;
        Ok(Self { api, state, _storage: storage, _guard: guard })
    }

    /// The API's base URL.
    pub(crate) fn url(&self) -> &str {
        &self.api.url
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.state.stop();
    }
}

#[cfg(test)]
mod tests;
