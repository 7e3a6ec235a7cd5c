//! Renders: submitting, polling, listing and deleting.

use serde_json::{Value, json};

use super::archives::{check_archive, stored_archive};
use super::rejection::Rejection;
use super::validation::{object, page_size, render_options};
use crate::emulator::envelopes::json;
use crate::emulator::server::{Reply, Request};
use crate::emulator::state::{Inner, Render, RenderOptions, State, Status};
use crate::system::clock::unix_now;

/// `POST /v3/hyperframes/renders`
pub(super) fn submit(state: &State, body: &Value) -> Result<Value, Rejection> {
    let body = object(body)?;
    let options = render_options(body)?;
    let project = body.get("project").ok_or_else(|| Rejection::parameter("project", "is required"))?;
    let archive = stored_archive(state, object(project)?)?;
    Ok(json!({ "render_id": add(state, options, archive)? }))
}

/// Adds a render of a stored archive, and returns its ID.
///
/// # Errors
/// Returns a [`Rejection`] if the archive cannot be rendered.
pub(super) fn add(state: &State, options: RenderOptions, archive: String) -> Result<String, Rejection> {
    let declared_duration = check_archive(&state.path(&archive), options.composition.as_deref())?;
    let mut inner = state.lock();
    let id = inner.ids.next("hfr");
    inner.add_render(Render {
        id: id.clone(),
        options,
        archive,
        status: Status::Queued,
        created_at: unix_now(),
        completed_at: None,
        declared_duration,
        duration: None,
        deleted: false,
        placeholder: false,
    });
    drop(inner);
    state.notify_worker();
    Ok(id)
}

/// `GET /v3/hyperframes/renders/{render_id}`
pub(super) fn detail(state: &State, id: &str) -> Result<Value, Rejection> {
    Ok(render_json(state, find(&mut state.lock(), id)?))
}

/// `DELETE /v3/hyperframes/renders/{render_id}`
pub(super) fn delete(state: &State, id: &str) -> Result<Value, Rejection> {
    find(&mut state.lock(), id)?.deleted = true;
    Ok(json!({ "render_id": id }))
}

/// `GET /v3/hyperframes/renders`: the cursor names the last render of the previous page.
pub(super) fn list(state: &State, request: &Request) -> Result<Reply, Rejection> {
    let limit = page_size(request.parameter("limit").as_deref(), 10, 100)?;
    let inner = state.lock();
    let skipped = match request.parameter("token").filter(|token| !token.is_empty()) {
        None => 0,
        Some(token) => {
            let last = token.strip_prefix("after:").map(str::to_owned);
            let index = last.and_then(|id| inner.render_index.get(&id).copied());
            let index = index.ok_or_else(|| Rejection::parameter("token", "is not a valid cursor"))?;
            inner.renders.len() - index
        }
    };
    let newest_first = inner.renders.iter().rev().skip(skipped);
    let mut page = newest_first.filter(|render| !render.deleted).take(limit + 1).collect::<Vec<_>>();
    let has_more = page.len() > limit;
    page.truncate(limit);
    let token = page.last().filter(|_| has_more).map(|render| format!("after:{}", render.id));
    let body = json!({
        "data": page.iter().map(|render| render_json(state, render)).collect::<Vec<_>>(),
        "has_more": has_more,
        "next_token": token,
    });
    Ok(json(200, &body))
}

/// Returns a render that is not deleted.
///
/// # Errors
/// Returns a [`Rejection`] if there is none.
pub(super) fn find<'a>(inner: &'a mut Inner, id: &str) -> Result<&'a mut Render, Rejection> {
    inner.render_mut(id).filter(|render| !render.deleted).ok_or_else(|| Rejection {
        status: 404,
        code: "hyperframes_render_not_found",
        message: "render not found".to_owned(),
        param: Some("render_id"),
    })
}

fn render_json(state: &State, render: &Render) -> Value {
    let options = &render.options;
    let video_url = state.video_url(render);
    let has_poster = video_url.is_some() && state.path(&render.poster_name()).exists();
    json!({
        "render_id": render.id,
        "status": render.status.as_str(),
        "title": options.title,
        "callback_id": options.callback_id,
        "video_url": video_url,
        "thumbnail_url": has_poster.then(|| state.presigner.url("GET", &render.poster_name(), "")),
        "duration": render.duration,
        "fps": options.fps.unwrap_or(30),
        "quality": options.quality.map_or("standard", |quality| quality.as_str()),
        "format": options.format,
        "resolution": options.resolution,
        "aspect_ratio": options.aspect_ratio,
        "composition": options.composition,
        "created_at": render.created_at,
        "completed_at": render.completed_at,
        "failure_message": render.failure(),
        "placeholder": render.placeholder,
    })
}
