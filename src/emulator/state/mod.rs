//! The emulator's state, behind one lock: handlers hold it briefly, and renders run without it.

mod asset;
mod catalogue;
mod endpoint;
mod grants;
mod ids;
mod presign;
mod project;
mod render;
mod translation;
mod video;
mod voices;

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::Value;

use super::config::Config;
use super::faults::{Effect, Script, Step};
use crate::system::temporary::TemporaryFolder;
pub(crate) use asset::{Asset, media_type};
pub(crate) use catalogue::{AVATARS, Avatar, LANGUAGES, SOUNDS, Sound, avatar};
pub(crate) use endpoint::Endpoint;
pub(crate) use grants::{CODE_LIFETIME, CodeRequest, DEVICE_INTERVAL, GrantError, Grants, Tokens};
use ids::IdGenerator;
pub(crate) use ids::random_secret;
use presign::Presigner;
pub(crate) use presign::UrlError;
pub(crate) use project::PublishedProject;
pub(crate) use render::{Render, RenderOptions, Status};
pub(crate) use translation::Translation;
pub(crate) use video::Video;
pub(crate) use voices::{VOICES, Voice, voice};

/// Settings, stored files and everything that changes.
pub(super) struct State {
    pub(super) config: Config,
    pub(super) presigner: Presigner,
    /// Whether videos are the built-in clip, and speech is tones.
    pub(super) is_placeholder: bool,
    folder: TemporaryFolder,
    inner: Mutex<Inner>,
    changed: Condvar,
}

/// Everything that changes.
pub(super) struct Inner {
    pub(super) ids: IdGenerator,
    pub(super) assets: HashMap<String, Asset>,
    /// In the order of their submission.
    pub(super) renders: Vec<Render>,
    /// Indices of renders by id.
    pub(super) render_index: HashMap<String, usize>,
    /// Presenter clips, in the order of their submission.
    pub(super) videos: Vec<Video>,
    /// Translations, in the order of their submission.
    pub(super) translations: Vec<Translation>,
    /// Webhook endpoints, in the order of their registration.
    pub(super) endpoints: Vec<Endpoint>,
    /// Events of webhooks, in their order.
    pub(super) events: Vec<Value>,
    /// What waits for the worker.
    queue: VecDeque<Queued>,
    /// Replies by endpoint and idempotency key; `None` while the first request is processed.
    pub(super) replays: HashMap<(String, String), Option<Value>>,
    pub(super) grants: Grants,
    pub(super) stats: Stats,
    script: Script,
    stopped: bool,
}

/// The index of a render, a clip or a translation that waits for the worker.
enum Queued {
    Render(usize),
    Video(usize),
    Translation(usize),
}

/// Work for the worker.
pub(super) enum Work {
    /// A render.
    Render(Box<Render>),
    /// A presenter clip.
    Video(Box<Video>),
    /// A translation.
    Translation(Box<Translation>),
}

/// Counters for tests.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Stats {
    /// Number of assets whose upload is complete.
    pub(super) assets_created: u64,
    /// Number of renders that were accepted, and would be billed by the cloud.
    pub(super) renders_submitted: u64,
    /// Number of speeches that were generated, and would be billed by the cloud.
    pub(super) speeches_generated: u64,
    /// Length of all speeches in seconds.
    pub(super) speech_seconds: f64,
    /// Number of presenter clips that were accepted.
    pub(super) videos_submitted: u64,
    /// Number of presenter clips that were made, and would be billed by the cloud.
    pub(super) videos_completed: u64,
    /// Number of translations that were accepted, each into one language.
    pub(super) translations_submitted: u64,
    /// Number of translations that were made, and would be billed by the cloud.
    pub(super) translations_completed: u64,
    /// What the cloud would have charged for speeches, clips and translations, in US dollars.
    pub(super) cost_usd: f64,
    /// Number of webhooks that a receiver has accepted.
    pub(super) webhooks_delivered: u64,
    /// Number of webhooks that no attempt has delivered.
    pub(super) webhooks_lost: u64,
    /// Number of attempts to deliver a webhook.
    pub(super) webhook_attempts: u64,
    /// Projects that were published, in their order.
    pub(super) projects: Vec<PublishedProject>,
    /// Bytes of archives that were received.
    pub(super) bytes_uploaded: u64,
    /// Method, path and status of every request; status 0 if no reply was sent.
    pub(super) requests: Vec<(String, String, u16)>,
}

impl Inner {
    /// Adds a render to the list and to the worker's queue.
    pub(super) fn add_render(&mut self, render: Render) {
        let index = self.renders.len();
        self.render_index.insert(render.id.clone(), index);
        self.queue.push_back(Queued::Render(index));
        self.renders.push(render);
        self.stats.renders_submitted += 1;
    }

    /// Adds a clip to the list and to the worker's queue.
    pub(super) fn add_video(&mut self, video: Video) {
        self.queue.push_back(Queued::Video(self.videos.len()));
        self.videos.push(video);
        self.stats.videos_submitted += 1;
    }

    /// Adds a translation to the list and to the worker's queue.
    pub(super) fn add_translation(&mut self, translation: Translation) {
        self.queue.push_back(Queued::Translation(self.translations.len()));
        self.translations.push(translation);
        self.stats.translations_submitted += 1;
    }

    /// Returns a render by its id.
    pub(super) fn render_mut(&mut self, id: &str) -> Option<&mut Render> {
        let index = self.render_index.get(id).copied()?;
        self.renders.get_mut(index)
    }
}

impl State {
    /// Returns an empty state that stores files in `folder` and returns URLs of the storage at `storage_url`.
    pub(super) fn new(
        config: Config,
        folder: TemporaryFolder,
        storage_url: String,
        is_placeholder: bool,
    ) -> Self {
        let inner = Inner {
            ids: IdGenerator::default(),
            assets: HashMap::new(),
            renders: Vec::new(),
            render_index: HashMap::new(),
            videos: Vec::new(),
            translations: Vec::new(),
            endpoints: Vec::new(),
            events: Vec::new(),
            queue: VecDeque::new(),
            replays: HashMap::new(),
            grants: Grants::new(config.token_lifetime),
            stats: Stats::default(),
            script: config.script.clone(),
            stopped: false,
        };
        Self {
            presigner: Presigner::new(storage_url, config.url_lifetime),
            is_placeholder,
            config,
            folder,
            inner: Mutex::new(inner),
            changed: Condvar::new(),
        }
    }

    /// Locks everything that changes.
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the worker.
    pub(super) fn notify_worker(&self) {
        self.changed.notify_all();
    }

    /// Waits for queued work and marks it as under way; returns `None` once the emulator stops.
    pub(super) fn next_work(&self) -> Option<Work> {
        let mut guard = self.lock();
        loop {
            let inner = &mut *guard;
            if inner.stopped {
                return None;
            }
            while let Some(queued) = inner.queue.pop_front() {
                match queued {
                    Queued::Render(index) if inner.renders[index].deleted => {}
                    Queued::Render(index) => {
                        inner.renders[index].status = Status::Rendering;
                        return Some(Work::Render(Box::new(inner.renders[index].clone())));
                    }
                    Queued::Video(index) => {
                        inner.videos[index].status = Status::Rendering;
                        return Some(Work::Video(Box::new(inner.videos[index].clone())));
                    }
                    Queued::Translation(index) => {
                        inner.translations[index].status = Status::Rendering;
                        return Some(Work::Translation(Box::new(inner.translations[index].clone())));
                    }
                }
            }
            guard = self.changed.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Stops the worker after its current render.
    pub(super) fn stop(&self) {
        self.lock().stopped = true;
        self.notify_worker();
    }

    /// Returns the effect of the script on the next request of `step`.
    pub(super) fn next_fault(&self, step: Step) -> Effect {
        self.lock().script.next(step)
    }

    /// Replaces the script.
    pub(super) fn set_script(&self, script: Script) {
        self.lock().script = script;
    }

    /// Adds a request to the statistics.
    pub(super) fn record(&self, method: &str, path: &str, status: u16) {
        self.lock().stats.requests.push((method.to_owned(), path.to_owned(), status));
    }

    /// Returns a presigned URL of the video; `None` if it is not completed.
    pub(super) fn video_url(&self, render: &Render) -> Option<String> {
        let is_completed = matches!(render.status, Status::Completed);
        is_completed.then(|| self.presigner.url("GET", &render.video_name(), ""))
    }

    /// Returns the directory of stored files.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the path of the stored file `name`.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }
}
