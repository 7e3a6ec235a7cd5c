//! Translations of videos: submitting, polling and listing.

use std::fs;

use hyperframes_ci_core::generated::{
    PRECISE_TRANSLATION_USD_PER_SECOND, TRANSLATION_USD_PER_SECOND, TranslationMode,
};
use hyperframes_ci_core::media::{Edges, Media};
use serde_json::{Map, Value, json};

use super::rejection::Rejection;
use super::validation::{callback_url, object, one_of, optional, page, required};
use crate::emulator::envelopes::json;
use crate::emulator::server::{Reply, Request};
use crate::emulator::state::{LANGUAGES, State, Status, Translation};
use crate::system::clock::unix_now;

/// `POST /v3/video-translations`: one translation for each language.
pub(super) fn submit(state: &State, body: &Value) -> Result<Value, Rejection> {
    let body = object(body)?;
    let languages = languages(body)?;
    let mode = one_of(body, "mode", TranslationMode::NAMES)?.unwrap_or(TranslationMode::Speed);
    let has_captions = match body.get("enable_caption") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(is_enabled)) => *is_enabled,
        Some(_) => return Err(Rejection::parameter("enable_caption", "must be a boolean")),
    };
    let title = optional(body, "title")?.map(str::to_owned);
    let callback_id = optional(body, "callback_id")?.map(str::to_owned);
    let callback_url = callback_url(body)?;
    let (video, seconds) = video(state, body)?;
    let mut inner = state.lock();
    let mut ids = Vec::new();
    for language in languages {
        let id = inner.ids.next("vtr");
        inner.add_translation(Translation {
            id: id.clone(),
            title: title.clone(),
            callback_id: callback_id.clone(),
            callback_url: callback_url.clone(),
            video: video.clone(),
            language,
            seconds,
            usd_per_second: match mode {
                TranslationMode::Speed => TRANSLATION_USD_PER_SECOND,
                TranslationMode::Precision => PRECISE_TRANSLATION_USD_PER_SECOND,
            },
            has_captions,
            status: Status::Queued,
            created_at: unix_now(),
            completed_at: None,
        });
        ids.push(id);
    }
    drop(inner);
    state.notify_worker();
    Ok(json!({ "video_translation_ids": ids }))
}

/// Reads the languages, which must be in the catalogue.
fn languages(body: &Map<String, Value>) -> Result<Vec<&'static str>, Rejection> {
    let invalid = |rule: &str| Rejection::parameter("output_languages", rule);
    let given = body.get("output_languages").and_then(Value::as_array).filter(|given| !given.is_empty());
    let given = given.ok_or_else(|| invalid("must be an array of languages"))?;
    let known =
        given.iter().map(|name| LANGUAGES.iter().copied().find(|known| name.as_str() == Some(*known)));
    known.collect::<Option<_>>().ok_or_else(|| invalid("contains an unknown language"))
}

/// Returns the name of the stored video and its length in seconds.
fn video(state: &State, body: &Map<String, Value>) -> Result<(String, f64), Rejection> {
    let video = body.get("video").and_then(Value::as_object);
    let video = video.ok_or_else(|| Rejection::parameter("video", "must be an object"))?;
    if required(video, "type")? != "asset_id" {
        return Err(Rejection::parameter("video", "the emulator only translates assets"));
    }
    let not_available = |message: &str| Rejection {
        status: 400,
        code: "asset_not_available",
        message: message.to_owned(),
        param: Some("video"),
    };
    let asset_id = required(video, "asset_id")?;
    let name = match state.lock().assets.get(asset_id) {
        Some(asset) if asset.completed && asset.is_video() => asset.name(asset_id),
        Some(_) => return Err(not_available("the asset is not complete, or not a video")),
        None => return Err(not_available("asset not found")),
    };
    let bytes = fs::read(state.path(&name)).map_err(|_| Rejection::storage())?;
    let media = Media::read(&Edges::of(&bytes)).filter(|media| media.video.is_some());
    let media = media.ok_or_else(|| not_available("the asset is not a video"))?;
    Ok((name, media.duration.unwrap_or(1.0)))
}

/// `GET /v3/video-translations/{id}`
pub(super) fn detail(state: &State, id: &str) -> Result<Value, Rejection> {
    let inner = state.lock();
    let translation = inner.translations.iter().find(|translation| translation.id == id);
    translation.map(|translation| translation_json(state, translation)).ok_or_else(|| Rejection {
        status: 404,
        code: "video_translation_not_found",
        message: "translation not found".to_owned(),
        param: Some("video_translation_id"),
    })
}

/// `GET /v3/video-translations`: newest first; the cursor names the last translation of the previous page.
pub(super) fn list(state: &State, request: &Request) -> Result<Reply, Rejection> {
    let inner = state.lock();
    let (page, token) = page(request, inner.translations.iter().rev(), |translation| &translation.id)?;
    let data = page.iter().map(|translation| translation_json(state, translation)).collect::<Vec<_>>();
    Ok(json(200, &json!({ "data": data, "has_more": token.is_some(), "next_token": token })))
}

fn translation_json(state: &State, translation: &Translation) -> Value {
    let is_completed = matches!(translation.status, Status::Completed);
    let url = |name: String| is_completed.then(|| state.presigner.url("GET", &name, ""));
    let captions = |extension: &str| {
        translation.has_captions.then(|| url(translation.captions_name(extension))).flatten()
    };
    let message = match &translation.status {
        Status::Failed(message) => Some(message),
        _ => None,
    };
    json!({
        "id": translation.id,
        "status": translation.status_name(),
        "title": translation.title,
        "callback_id": translation.callback_id,
        "output_language": translation.language,
        "video_url": url(translation.video_name()),
        "srt_caption_url": captions("srt"),
        "vtt_caption_url": captions("vtt"),
        "duration": is_completed.then_some(translation.seconds),
        "created_at": translation.created_at,
        "completed_at": translation.completed_at,
        "failure_message": message,
    })
}
