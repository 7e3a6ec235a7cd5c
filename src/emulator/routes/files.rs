//! `POST /render`: the files of a project in, a video out, as the container of the official Cloudflare template does. The
//! options of the request, and an answer before the video is rendered, are additions.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_PAD_INDIFFERENT;
use serde_json::{Map, Value, json};
use zip::write::SimpleFileOptions;

use super::idempotency::{self, create_from_body};
use super::rejection::Rejection;
use super::renders;
use super::storage::stored;
use super::validation::{object, render_options, required};
use crate::emulator::envelopes;
use crate::emulator::server::{Reply, Request};
use crate::emulator::state::{Asset, State, Status};
use crate::system::unpack;

/// How often a render is looked at.
const PAUSE: Duration = Duration::from_millis(50);

/// `POST /render`: answers with the video, or with `Prefer: respond-async` at once; source: RFC 7240.
pub(super) fn submit(state: &State, request: &mut Request) -> Result<Reply, Rejection> {
    let is_async = request.header("prefer").is_some_and(|value| value.contains("respond-async"));
    forget_failed(state, request)?;
    let created = create_from_body(state, request, create)?;
    let id = created["render_id"].as_str().unwrap_or_default().to_owned();
    if is_async {
        let body = json!({ "status": "queued", "status_url": format!("/render/{id}") });
        return Ok(envelopes::json(202, &body).header("location", format!("/render/{id}")));
    }
    loop {
        let status = renders::find(&mut state.lock(), &id)?.status.clone();
        match status {
            Status::Queued | Status::Rendering => std::thread::sleep(PAUSE),
            Status::Completed => return poll(state, &id, request),
            Status::Failed(message) => {
                return Ok(envelopes::json(500, &json!({ "error": message })));
            }
        }
    }
}

/// `GET /render/{id}`
pub(super) fn poll(state: &State, id: &str, request: &Request) -> Result<Reply, Rejection> {
    let render = renders::find(&mut state.lock(), id)?.clone();
    Ok(match &render.status {
        Status::Completed => stored(state, request, &render.video_name()),
        Status::Failed(message) => envelopes::json(200, &json!({ "status": "failed", "error": message })),
        status => envelopes::json(202, &json!({ "status": status.as_str() })),
    })
}

/// Forgets the key of a request whose render failed: the same command renders again.
fn forget_failed(state: &State, request: &Request) -> Result<(), Rejection> {
    let Some(key) = idempotency::key(request)? else { return Ok(()) };
    let mut inner = state.lock();
    let endpoint_key = (request.path.clone(), key.as_str().to_owned());
    let Some(Some(created)) = inner.replays.get(&endpoint_key) else { return Ok(()) };
    let id = created["render_id"].as_str().unwrap_or_default().to_owned();
    if inner.render_mut(&id).is_none_or(|render| render.failure().is_some()) {
        inner.replays.remove(&endpoint_key);
    }
    Ok(())
}

fn create(state: &State, body: &Value) -> Result<Value, Rejection> {
    let body = object(body)?;
    let options = match body.get("request") {
        Some(options) => render_options(object(options)?)?,
        None => render_options(&Map::new())?,
    };
    let files = body.get("files").and_then(Value::as_array);
    let files = files.ok_or_else(|| Rejection::parameter("files", "must be an array"))?;
    let name = Asset::file_name(&state.lock().ids.next("proj"));
    pack(state, &name, files)?;
    Ok(json!({ "render_id": renders::add(state, options, name)? }))
}

/// Stores files as an archive.
fn pack(state: &State, name: &str, files: &[Value]) -> Result<(), Rejection> {
    let invalid = |rule: &str| Rejection::parameter("files", rule);
    let file = File::create(state.path(name)).map_err(|_| Rejection::storage())?;
    let mut archive = zip::ZipWriter::new(io::BufWriter::new(file));
    let mut seen = BTreeSet::new();
    for file in files {
        let file = object(file)?;
        let path = required(file, "path")?;
        if !unpack::is_safe(path) || !seen.insert(path) {
            return Err(invalid("paths must be relative, inside the project, and different"));
        }
        let content = file.get("content").and_then(Value::as_str);
        let content = content.ok_or_else(|| invalid("content must be a string"))?;
        let bytes = STANDARD_PAD_INDIFFERENT.decode(content);
        let bytes = bytes.map_err(|_| invalid("content must be base64"))?;
        let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        let written = archive.start_file(path, options).map_err(io::Error::other);
        written.and_then(|()| archive.write_all(&bytes)).map_err(|_| Rejection::storage())?;
    }
    archive.finish().map(drop).map_err(|_| Rejection::storage())
}
