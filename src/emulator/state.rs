//! What the emulator knows, behind one lock: its handlers are short, and renders run outside it.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use hyperframes_ci_core::archive::hex;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::assets::Asset;
use super::faults::{Effect, Script, Step};
use super::renders::Render;
use super::{Config, storage};
use crate::system::clock::unix_time_in;

/// The emulator's state.
pub(super) struct State {
    pub(super) config: Config,
    /// Base of presigned URLs.
    pub(super) storage_url: String,
    folder: TempDir,
    secret: String,
    inner: Mutex<Inner>,
    changed: Condvar,
    /// Held while something is created that must be created once.
    creating: Mutex<()>,
}

/// What changes.
#[derive(Default)]
pub(super) struct Inner {
    pub(super) assets: HashMap<String, Asset>,
    /// In the order of their submission.
    pub(super) renders: Vec<Render>,
    /// Places of renders by id, and of those that nobody has begun.
    pub(super) places: HashMap<String, usize>,
    pub(super) queue: VecDeque<usize>,
    /// Answers by endpoint and idempotency key, with the hash of the request that they answer.
    pub(super) replays: HashMap<(String, String), (String, u16, Vec<u8>)>,
    pub(super) grants: super::oauth::Grants,
    pub(super) stats: Stats,
    pub(super) stopped: bool,
    script: Script,
    serial: u64,
}

/// Counters for tests.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Stats {
    /// Assets that came to be.
    pub(super) assets_created: u64,
    /// Renders that were accepted, and billed in the cloud.
    pub(super) renders_submitted: u64,
    /// Bytes of archives that arrived.
    pub(super) bytes_uploaded: u64,
    /// Every request: method, path, status.
    pub(super) requests: Vec<(String, String, u16)>,
}

impl State {
    pub(super) fn new(config: Config, folder: TempDir, storage_url: String) -> Self {
        use std::hash::{BuildHasher, Hasher};
        // Four draws from the standard library's seeded hashers: unguessable enough for a server on loopback.
        let secret = (0..4)
            .map(|_| format!("{:016x}", std::hash::RandomState::new().build_hasher().finish()))
            .collect();
        let inner = Inner { script: config.script.clone(), ..Inner::default() };
        Self {
            config,
            storage_url,
            folder,
            secret,
            inner: Mutex::new(inner),
            changed: Condvar::new(),
            creating: Mutex::default(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody else creates anything that must be created once.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        self.creating.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the worker up.
    pub(super) fn notify(&self) {
        self.changed.notify_all();
    }

    /// Waits until something changes.
    pub(super) fn wait<'a>(&self, inner: MutexGuard<'a, Inner>) -> MutexGuard<'a, Inner> {
        self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the worker after its present render.
    pub(super) fn stop(&self) {
        self.lock().stopped = true;
        self.notify();
    }

    /// The fault for the next request of `step`.
    pub(super) fn fault(&self, step: Step) -> Effect {
        self.lock().script.next(step)
    }

    /// Replaces the script.
    pub(super) fn set_script(&self, script: Script) {
        self.lock().script = script;
    }

    /// Writes a request into the statistics.
    pub(super) fn record(&self, method: &str, path: &str, status: u16) {
        self.lock().stats.requests.push((method.to_owned(), path.to_owned(), status));
    }

    /// A fresh id, such as `asst_…`.
    pub(super) fn fresh_id(&self, inner: &mut Inner, prefix: &str) -> String {
        inner.serial += 1;
        let digest = Sha256::digest(format!("{}:{prefix}:{}", self.secret, inner.serial));
        format!("{prefix}_{}", &hex(&digest)[..20])
    }

    /// Where the file `name` is stored.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A presigned URL for `method` on the stored file `name`; `signed` is whatever the signature covers beside
    /// them, such as headers.
    pub(super) fn presign(&self, method: &str, name: &str, signed: &str) -> String {
        let expires = unix_time_in(self.config.url_lifetime);
        let signature = self.sign(method, name, expires, signed);
        format!(
            "{}/{name}?{}={expires}&{}={signature}",
            self.storage_url,
            storage::EXPIRES,
            storage::SIGNATURE
        )
    }

    /// The signature of a presigned URL.
    pub(super) fn sign(&self, method: &str, name: &str, expires: i64, signed: &str) -> String {
        hex(&Sha256::digest(format!("{}\n{method}\n{name}\n{expires}\n{signed}", self.secret)))
    }
}
