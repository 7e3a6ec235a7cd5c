//! Renders: submitted, worked off one after the other, listed, deleted.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_PAD_INDIFFERENT;
use hyperframes_ci_core::composition::Composition;
use hyperframes_ci_core::project::DEFAULT_COMPOSITION;
use serde_json::{Map, Value, json};

use super::faults::{Effect, Step};
use super::server::{Reply, Request};
use super::state::{Inner, State};
use super::validate::{Options, Rejection, object, required};
use super::{Renderer, assets, clips, webhook};
use crate::engine::Job;
use crate::system::clock::unix_now;

/// A fetched or decoded project is not larger.
const LARGEST_PROJECT: u64 = hyperframes_ci_core::archive::DIRECT_UPLOAD_LIMIT;

/// No composition's HTML is larger.
const LARGEST_HTML: u64 = 64 * 1024 * 1024;

/// A render.
#[derive(Clone, Debug)]
pub(super) struct Render {
    pub(super) id: String,
    pub(super) options: Options,
    /// Name of the stored archive.
    archive: String,
    status: Status,
    created_at: i64,
    completed_at: Option<i64>,
    /// Length that the composition says it has, in seconds.
    authored: Option<f64>,
    duration: Option<f64>,
    deleted: bool,
    placeholder: bool,
}

#[derive(Clone, Debug)]
enum Status {
    Queued,
    Rendering,
    Completed,
    Failed(String),
}

impl Render {
    fn video(&self) -> String {
        format!("{}.{}", self.id, self.options.format)
    }

    fn poster(&self) -> String {
        format!("{}.png", self.id)
    }

    /// The error that ended it.
    pub(super) fn failure(&self) -> Option<&str> {
        match &self.status {
            Status::Failed(message) => Some(message),
            _ => None,
        }
    }

    /// The presigned URL of the video.
    pub(super) fn video_url(&self, state: &State) -> Option<String> {
        matches!(self.status, Status::Completed).then(|| state.presign("GET", &self.video(), ""))
    }

    fn to_json(&self, state: &State) -> Value {
        let options = &self.options;
        let status = match &self.status {
            Status::Queued => "queued",
            Status::Rendering => "rendering",
            Status::Completed => "completed",
            Status::Failed(_) => "failed",
        };
        let video_url = self.video_url(state);
        let has_poster = video_url.is_some() && state.path(&self.poster()).exists();
        json!({
            "render_id": self.id,
            "status": status,
            "title": options.title,
            "callback_id": options.callback_id,
            "video_url": video_url,
            "thumbnail_url": has_poster.then(|| state.presign("GET", &self.poster(), "")),
            "duration": self.duration,
            "fps": options.fps.unwrap_or(30),
            "quality": options.quality.map_or("standard", |quality| quality.as_str()),
            "format": options.format,
            "resolution": options.resolution,
            "aspect_ratio": options.aspect_ratio,
            "composition": options.composition,
            "created_at": self.created_at,
            "completed_at": self.completed_at,
            "failure_message": self.failure(),
            "placeholder": self.placeholder,
        })
    }
}

/// `POST /v3/hyperframes/renders`
pub(super) fn submit(state: &State, body: &Value) -> Result<Value, Rejection> {
    let body = object(body)?;
    let options = Options::of(body)?;
    let project = body.get("project").ok_or_else(|| Rejection::parameter("project", "is required"))?;
    let archive = archive(state, object(project)?)?;
    let authored = check_archive(&state.path(&archive), options.composition.as_deref())?;
    let mut inner = state.lock();
    let id = state.fresh_id(&mut inner, "hfr");
    inner.stats.renders_submitted += 1;
    let place = inner.renders.len();
    inner.places.insert(id.clone(), place);
    inner.queue.push_back(place);
    inner.renders.push(Render {
        id: id.clone(),
        options,
        archive,
        status: Status::Queued,
        created_at: unix_now(),
        completed_at: None,
        authored,
        duration: None,
        deleted: false,
        placeholder: false,
    });
    drop(inner);
    state.notify();
    Ok(json!({ "render_id": id }))
}

/// The stored archive that `project` names.
fn archive(state: &State, project: &Map<String, Value>) -> Result<String, Rejection> {
    match required(project, "type")? {
        "asset_id" => {
            let asset_id = required(project, "asset_id")?;
            let inner = state.lock();
            match inner.assets.get(asset_id) {
                Some(asset) if asset.completed => Ok(assets::file_name(asset_id)),
                Some(_) => Err(Rejection::parameter("project", "the upload of this asset is not complete")),
                None => Err(Rejection::parameter("project", "there is no such asset")),
            }
        }
        "url" => fetch(state, required(project, "url")?),
        "base64" => {
            let bytes = STANDARD_PAD_INDIFFERENT
                .decode(required(project, "data")?)
                .map_err(|_| Rejection::parameter("project", "data is not base64"))?;
            keep(state, &mut bytes.as_slice())
        }
        _ => Err(Rejection::parameter("project", "type must be asset_id, url or base64")),
    }
}

fn keep(state: &State, source: &mut dyn Read) -> Result<String, Rejection> {
    let name = assets::file_name(&state.fresh_id(&mut state.lock(), "proj"));
    let stored = File::create(state.path(&name))
        .and_then(|mut file| io::copy(&mut source.take(LARGEST_PROJECT + 1), &mut file));
    match stored {
        Ok(size) if size > LARGEST_PROJECT => Err(Rejection::too_large(LARGEST_PROJECT)),
        Ok(_) => Ok(name),
        Err(_) => Err(Rejection::project("the project cannot be read")),
    }
}

/// HTTPS, or HTTP on loopback: the emulator is no way into the network that it runs in.
fn fetch(state: &State, url: &str) -> Result<String, Rejection> {
    if !url.starts_with("https://") && !url.starts_with("http://127.0.0.1:") {
        return Err(Rejection::parameter("project", "url must be https"));
    }
    let answer =
        ureq::get(url).call().map_err(|_| Rejection::project("the project's url cannot be fetched"))?;
    keep(state, &mut answer.into_body().into_reader())
}

/// Checks the archive and gives back how long its composition says that it is, in seconds.
fn check_archive(path: &Path, composition: Option<&str>) -> Result<Option<f64>, Rejection> {
    let file = File::open(path).map_err(|_| Rejection::project("the archive is gone"))?;
    let mut archive =
        zip::ZipArchive::new(file).map_err(|_| Rejection::project("the project is no zip archive"))?;
    let entry = composition.unwrap_or(DEFAULT_COMPOSITION);
    for wanted in [DEFAULT_COMPOSITION, entry] {
        if archive.index_for_name(wanted).is_none() {
            return Err(Rejection::project(format!("the archive has no {wanted}")));
        }
    }
    let mut source = Vec::new();
    let read = archive.by_name(entry).map(|entry| entry.take(LARGEST_HTML).read_to_end(&mut source));
    if !matches!(read, Ok(Ok(_))) {
        return Err(Rejection::project(format!("{entry} in the archive is damaged")));
    }
    let composition = Composition::parse(entry, &String::from_utf8_lossy(&source));
    Ok(composition.root.and_then(|root| root.duration.number()))
}

fn find<'a>(inner: &'a mut Inner, id: &str) -> Result<&'a mut Render, Rejection> {
    let place = inner.places.get(id).copied();
    let found = place.and_then(|place| inner.renders.get_mut(place)).filter(|render| !render.deleted);
    found.ok_or_else(|| Rejection {
        status: 404,
        code: "hyperframes_render_not_found",
        message: "there is no such render".to_owned(),
        param: Some("render_id"),
    })
}

/// `GET /v3/hyperframes/renders/{render_id}`
pub(super) fn detail(state: &State, id: &str) -> Result<Value, Rejection> {
    Ok(find(&mut state.lock(), id)?.to_json(state))
}

/// `DELETE /v3/hyperframes/renders/{render_id}`
pub(super) fn delete(state: &State, id: &str) -> Result<Value, Rejection> {
    find(&mut state.lock(), id)?.deleted = true;
    Ok(json!({ "render_id": id }))
}

/// `GET /v3/hyperframes/renders`: the cursor names the last render of the page before.
pub(super) fn list(state: &State, request: &Request) -> Result<Reply, Rejection> {
    let limit = match request.parameter("limit") {
        None => 10,
        Some(text) => text
            .parse::<usize>()
            .ok()
            .filter(|limit| (1..=100).contains(limit))
            .ok_or_else(|| Rejection::parameter("limit", "must be an integer from 1 to 100"))?,
    };
    let inner = state.lock();
    let newest_first = || inner.renders.iter().rev();
    let after = match request.parameter("token").filter(|token| !token.is_empty()) {
        None => 0,
        Some(token) => {
            let last = token.strip_prefix("after:").map(str::to_owned);
            let place = last.and_then(|id| inner.places.get(&id).copied());
            let place = place.ok_or_else(|| Rejection::parameter("token", "is not a cursor of this list"))?;
            inner.renders.len() - place
        }
    };
    let mut page =
        newest_first().skip(after).filter(|render| !render.deleted).take(limit + 1).collect::<Vec<_>>();
    let has_more = page.len() > limit;
    page.truncate(limit);
    let token = page.last().filter(|_| has_more).map(|render| format!("after:{}", render.id));
    let body = json!({
        "data": page.iter().map(|render| render.to_json(state)).collect::<Vec<_>>(),
        "has_more": has_more,
        "next_token": token,
    });
    Ok(Reply::new(200, "application/json", body.to_string()))
}

/// Starts the thread that works renders off, one after the other.
pub(super) fn start_worker(state: &Arc<State>, renderer: Option<Arc<dyn Renderer>>) -> io::Result<()> {
    let state = Arc::clone(state);
    std::thread::Builder::new().name("renders".to_owned()).spawn(move || {
        while let Some(render) = next(&state) {
            let result = make(&state, &render, renderer.as_deref());
            finish(&state, &render.id, result, renderer.is_none());
        }
    })?;
    Ok(())
}

/// Waits for a render to do; `None` when the emulator stops.
fn next(state: &State) -> Option<Render> {
    let mut inner = state.lock();
    loop {
        if inner.stopped {
            return None;
        }
        while let Some(place) = inner.queue.pop_front() {
            let render = &mut inner.renders[place];
            if !render.deleted {
                render.status = Status::Rendering;
                return Some(render.clone());
            }
        }
        inner = state.wait(inner);
    }
}

fn make(state: &State, render: &Render, renderer: Option<&dyn Renderer>) -> Result<(), String> {
    let output = state.path(&render.video());
    let options = &render.options;
    if let Effect::Fail(message) = state.fault(Step::Render) {
        std::thread::sleep(state.config.placeholder_delay);
        return Err(message);
    }
    let Some(renderer) = renderer else {
        std::thread::sleep(state.config.placeholder_delay);
        return fs::write(output, clips::clip(options.format))
            .and_then(|()| fs::write(state.path(&render.poster()), clips::poster()))
            .map_err(|error| error.to_string());
    };
    let job = Job {
        archive: &state.path(&render.archive),
        composition: options.composition.as_deref(),
        fps: options.fps,
        quality: options.quality,
        format: options.format,
        resolution: options.resolution,
        aspect_ratio: options.aspect_ratio,
        variables: options.variables.as_ref(),
        output: &output,
    };
    renderer.render(&job, &mut |_| {})
}

fn finish(state: &State, id: &str, result: Result<(), String>, placeholder: bool) {
    let mut inner = state.lock();
    let Some(place) = inner.places.get(id).copied() else { return };
    let render = &mut inner.renders[place];
    render.placeholder = placeholder;
    render.completed_at = Some(unix_now());
    render.status = match result {
        Ok(()) => Status::Completed,
        Err(message) => Status::Failed(message),
    };
    if matches!(render.status, Status::Completed) {
        render.duration = if placeholder { Some(1.0) } else { render.authored };
    }
    let done = render.clone();
    drop(inner);
    webhook::notify(state, &done);
}
