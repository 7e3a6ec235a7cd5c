//! A HeyGen-compatible render server on loopback: for tests, demos and workflows without a key.
//!
//! It has two origins, as the cloud does: the API, and a storage of presigned URLs that refuses credentials. Renders are
//! made by a [`RenderBackend`]; without one each is a small built-in clip, and its details say so. A [`Script`] injects
//! faults. `GET /_emulator/stats` on the API's origin returns counters, and `POST /_emulator/script` replaces the script;
//! both need the key. Requests that a web page of another site may have caused are refused.

mod config;
mod envelopes;
mod error;
mod faults;
mod placeholder;
mod presenter;
mod routes;
mod server;
mod speech;
mod state;
mod translator;
mod webhook;
mod worker;

use std::sync::Arc;

pub(crate) use config::Config;
pub(crate) use error::EmulatorError;
pub(crate) use faults::Script;
pub(crate) use routes::MAX_JSON;
pub(crate) use server::{Reply, Request, Server};
use state::State;
pub(crate) use worker::RenderBackend;

use crate::system::temporary;

/// A running emulator; dropping it stops it and deletes what it stored.
pub(crate) struct Emulator {
    api: Server,
    state: Arc<State>,
    _storage: Server,
}

impl Emulator {
    /// Starts both servers and the worker.
    ///
    /// # Errors
    /// Returns [`EmulatorError::Storage`] if there is no temporary directory, and [`EmulatorError::Port`] if a port
    /// cannot be bound or a thread not be started.
    pub(crate) fn start(
        config: Config,
        backend: Option<Arc<dyn RenderBackend>>,
    ) -> Result<Self, EmulatorError> {
        let folder = temporary::create_folder("hyperframes-ci-emulator-").map_err(EmulatorError::Storage)?;
        let port = config.port;
        let (mut api, api_listener) = Server::bind(port).map_err(|error| EmulatorError::Port(port, error))?;
        let (mut storage, storage_listener) =
            Server::bind(0).map_err(|error| EmulatorError::Port(0, error))?;
        let state = Arc::new(State::new(config, folder, storage.url.clone(), backend.is_none()));
        let (api_state, storage_state) = (Arc::clone(&state), Arc::clone(&state));
        let (api_url, storage_url) = (api.url.clone(), storage.url.clone());
        api.serve(api_listener, Arc::new(move |request| routes::api(&api_state, request, &api_url)))
            .and_then(|()| {
                let answer = move |request: &mut _| routes::storage(&storage_state, request, &storage_url);
                storage.serve(storage_listener, Arc::new(answer))
            })
            .and_then(|()| worker::start(&state, backend))
            .map_err(|error| EmulatorError::Port(port, error))?;
        Ok(Self { api, state, _storage: storage })
    }

    /// Returns the API key that is accepted.
    pub(crate) fn api_key(&self) -> &str {
        &self.state.config.api_key
    }

    /// Returns the base URL of the API.
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
