//! Presenter clips: submitting, polling and listing.

use std::fs;

use hyperframes_ci_core::generated::{
    AudioFormat, CaptionFormat, ClipFormat, ClipResolution, ClipShape, MAX_AUDIO, MAX_SCRIPT, Word, captions,
};
use hyperframes_ci_core::media::{Edges, Media};
use hyperframes_ci_core::options::Format;
use serde_json::{Map, Value, json};

use super::catalogue::unknown_avatar;
use super::rejection::Rejection;
use super::validation::{callback_url, object, one_of, optional, page, required};
use super::voices::{spoken, usable_voice};
use crate::emulator::envelopes::json;
use crate::emulator::server::{Reply, Request};
use crate::emulator::state::{State, Status, Video, avatar};
use crate::system::clock::unix_now;

/// What a presenter says: the name of the stored audio, its length in seconds, and words.
type Said = (String, f64, Vec<Word>);

/// `POST /v3/videos`
pub(super) fn submit(state: &State, body: &Value) -> Result<Value, Rejection> {
    let body = object(body)?;
    if required(body, "type")? != "avatar" {
        return Err(Rejection::parameter("type", "the emulator only makes videos of type avatar"));
    }
    let look = avatar(required(body, "avatar_id")?).ok_or_else(unknown_avatar)?;
    let engine = match body.get("engine") {
        None | Some(Value::Null) => None,
        Some(engine) => Some(required(object(engine)?, "type")?),
    };
    if look.engines.is_empty() || engine.is_some_and(|engine| !look.engines.contains(&engine)) {
        return Err(Rejection::parameter("engine", "the avatar does not support the engine"));
    }
    let format = one_of(body, "output_format", ClipFormat::NAMES)?.unwrap_or(ClipFormat::Mp4);
    let resolution = one_of(body, "resolution", ClipResolution::NAMES)?.unwrap_or(ClipResolution::Hd);
    let shape = one_of(body, "aspect_ratio", ClipShape::NAMES)?.unwrap_or(ClipShape::Auto);
    if let Some(background) = body.get("background").filter(|background| !background.is_null()) {
        let background = object(background)?;
        match required(background, "type")? {
            "color" => required(background, "value").map(drop)?,
            "image" => required(background, "url").map(drop)?,
            _ => return Err(Rejection::parameter("background", "type must be color or image")),
        }
    }
    let callback_url = callback_url(body)?;
    let (audio, seconds, words) = said(state, body)?;
    let captions = body.get("caption").filter(|caption| !caption.is_null()).map(|_| {
        let audible = Word { text: "(audio)".to_owned(), start: 0.0, end: seconds };
        captions(if words.is_empty() { std::slice::from_ref(&audible) } else { &words }, CaptionFormat::Srt)
    });
    let mut inner = state.lock();
    let id = inner.ids.next("vid");
    inner.add_video(Video {
        id: id.clone(),
        title: optional(body, "title")?.map(str::to_owned),
        callback_id: optional(body, "callback_id")?.map(str::to_owned),
        callback_url,
        audio,
        seconds,
        format: if format == ClipFormat::Webm { Format::Webm } else { Format::Mp4 },
        size: size(resolution, shape, look.orientation),
        captions,
        status: Status::Queued,
        created_at: unix_now(),
        completed_at: None,
        duration: None,
        placeholder: false,
    });
    drop(inner);
    state.notify_worker();
    Ok(json!({ "video_id": id, "status": "waiting", "output_format": format }))
}

/// Reads what the presenter says: exactly one of a script and an asset.
fn said(state: &State, body: &Map<String, Value>) -> Result<Said, Rejection> {
    match (optional(body, "script")?, optional(body, "audio_asset_id")?) {
        (Some(script), None) => {
            if script.chars().count() > MAX_SCRIPT {
                return Err(Rejection::parameter(
                    "script",
                    &format!("must have at most {MAX_SCRIPT} characters"),
                ));
            }
            let voice = usable_voice(required(body, "voice_id")?)?;
            let spoken = spoken(state, script, false, 1.0, voice.tag, "script")?;
            let name = format!("{}.wav", state.lock().ids.next("said"));
            fs::write(state.path(&name), &spoken.wav).map_err(|_| Rejection::storage())?;
            let word = |(text, start, end)| Word { text, start, end };
            Ok((name, spoken.seconds, spoken.words.into_iter().map(word).collect()))
        }
        (None, Some(asset_id)) => {
            let not_available = |message: &str| Rejection {
                status: 400,
                code: "asset_not_available",
                message: message.to_owned(),
                param: Some("audio_asset_id"),
            };
            let name = match state.lock().assets.get(asset_id) {
                Some(asset) if asset.completed && asset.is_audio() => asset.name(asset_id),
                Some(_) => return Err(not_available("the asset is not complete, or not audio")),
                None => return Err(not_available("asset not found")),
            };
            let bytes = fs::read(state.path(&name)).map_err(|_| Rejection::storage())?;
            if AudioFormat::of(&bytes).is_none() {
                return Err(not_available("the asset is neither MP3 nor WAV"));
            }
            let seconds = Media::read(&Edges::of(&bytes)).and_then(|media| media.duration).unwrap_or(1.0);
            if seconds > MAX_AUDIO {
                return Err(Rejection::parameter("audio_asset_id", "the audio is longer than ten minutes"));
            }
            Ok((name, seconds, Vec::new()))
        }
        _ => Err(Rejection::parameter("script", "exactly one of script and audio_asset_id is required")),
    }
}

/// Returns the width and the height of a clip in pixels.
fn size(resolution: ClipResolution, shape: ClipShape, orientation: &str) -> (u32, u32) {
    let short = match resolution {
        ClipResolution::Hd => 720,
        ClipResolution::FullHd => 1080,
        ClipResolution::UltraHd => 2160,
    };
    let even = |length: u32| length / 2 * 2;
    match (shape, orientation) {
        (ClipShape::Square, _) => (short, short),
        (ClipShape::Portrait, _) => (short, even(short * 5 / 4)),
        (ClipShape::Landscape, _) => (even(short * 5 / 4), short),
        (ClipShape::Tall, _) | (ClipShape::Auto, "portrait") => (short, even(short * 16 / 9)),
        (ClipShape::Wide | ClipShape::Auto, _) => (even(short * 16 / 9), short),
    }
}

/// `GET /v3/videos/{id}`
pub(super) fn detail(state: &State, id: &str) -> Result<Value, Rejection> {
    let inner = state.lock();
    let video = inner.videos.iter().find(|video| video.id == id);
    video.map(|video| video_json(state, video)).ok_or_else(|| Rejection {
        status: 404,
        code: "video_not_found",
        message: "video not found".to_owned(),
        param: Some("video_id"),
    })
}

/// `GET /v3/videos`: newest first; the cursor names the last clip of the previous page.
pub(super) fn list(state: &State, request: &Request) -> Result<Reply, Rejection> {
    let inner = state.lock();
    let (page, token) = page(request, inner.videos.iter().rev(), |video| &video.id)?;
    let data = page.iter().map(|video| video_json(state, video)).collect::<Vec<_>>();
    Ok(json(200, &json!({ "data": data, "has_more": token.is_some(), "next_token": token })))
}

fn video_json(state: &State, video: &Video) -> Value {
    let is_completed = matches!(video.status, Status::Completed);
    let url = |name: String| is_completed.then(|| state.presigner.url("GET", &name, ""));
    let (code, message) = match &video.status {
        Status::Failed(message) => (Some("internal_error"), Some(message)),
        _ => (None, None),
    };
    json!({
        "id": video.id,
        "status": video.status_name(),
        "title": video.title,
        "output_format": video.format,
        "video_url": url(video.video_name()),
        "subtitle_url": video.captions.as_ref().and_then(|_| url(video.captions_name())),
        "duration": video.duration,
        "created_at": video.created_at,
        "completed_at": video.completed_at,
        "failure_code": code,
        "failure_message": message,
        "placeholder": video.placeholder,
    })
}
