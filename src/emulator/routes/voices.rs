//! `/v3/voices`: the catalogue, and speech.

use std::fs;

use hyperframes_ci_core::generated::{MAX_SCRIPT, SPEECH_USD_PER_SECOND};
use serde_json::{Value, json};

use super::catalogue::{filter, filter_of, is, page};
use super::rejection::Rejection;
use super::validation::{json_body, object, optional, required};
use crate::emulator::server::{Reply, Request};
use crate::emulator::speech::{self, Piece, Spoken};
use crate::emulator::state::{State, VOICES, Voice, voice};
use crate::system::programs::find;

/// `GET /v3/voices`
pub(super) fn list(request: &Request) -> Result<Reply, Rejection> {
    let kind = filter_of(request, "type", &["public", "private"])?;
    let (engine, language) = (filter(request, "engine"), filter(request, "language"));
    let gender = filter(request, "gender");
    let is_wanted = |voice: &&Voice| {
        is(&kind, kind_of(voice))
            && is(&language, voice.language)
            && is(&gender, voice.gender)
            && engine.as_ref().is_none_or(|engine| engine == "starfish" && voice.is_starfish)
    };
    page(request, VOICES.iter().filter(is_wanted).map(voice_json), 20, 100)
}

/// `GET /v3/voices/{id}`
pub(super) fn detail(id: &str) -> Result<Value, Rejection> {
    let voice = voice(id).ok_or_else(unknown_voice)?;
    let mut detail = voice_json(voice);
    detail["status"] = json!(voice.status);
    Ok(detail)
}

/// `POST /v3/voices/speech`: billed by the second. An idempotency key has no effect.
pub(super) fn speak(state: &State, request: &mut Request) -> Result<Value, Rejection> {
    let body = json_body(request)?;
    std::thread::sleep(request.work);
    let body = object(&body)?;
    let text = required(body, "text")?;
    if text.chars().count() > MAX_SCRIPT {
        return Err(Rejection::parameter("text", &format!("must have at most {MAX_SCRIPT} characters")));
    }
    let voice = usable_voice(required(body, "voice_id")?)?;
    let is_ssml = match optional(body, "input_type")? {
        None | Some("text") => false,
        Some("ssml") => true,
        Some(_) => return Err(Rejection::parameter("input_type", "must be one of text, ssml")),
    };
    let speed = body.get("speed").filter(|speed| !speed.is_null()).map(Value::as_f64);
    let speed = match speed {
        None => 1.0,
        Some(Some(speed)) if (0.5..=2.0).contains(&speed) => speed,
        Some(_) => return Err(Rejection::parameter("speed", "must be a number from 0.5 to 2.0")),
    };
    optional(body, "language")?;
    let language = optional(body, "locale")?.unwrap_or(voice.tag);
    let spoken = spoken(state, text, is_ssml, speed, language, "text")?;
    let mut inner = state.lock();
    let id = inner.ids.next("spch");
    let name = format!("{id}.wav");
    fs::write(state.path(&name), &spoken.wav).map_err(|_| Rejection::storage())?;
    inner.stats.speeches_generated += 1;
    inner.stats.speech_seconds += spoken.seconds;
    inner.stats.cost_usd += spoken.seconds * SPEECH_USD_PER_SECOND;
    drop(inner);
    let word = |word: &str, start: f64, end: f64| json!({ "word": word, "start": start, "end": end });
    let first = word("<start>", 0.0, 0.0);
    let words = spoken.words.iter().map(|(text, start, end)| word(text, *start, *end));
    let last = word("<end>", spoken.seconds, spoken.seconds);
    Ok(json!({
        "audio_url": state.presigner.url("GET", &name, ""),
        "duration": spoken.seconds,
        "request_id": id,
        "word_timestamps": std::iter::once(first).chain(words).chain([last]).collect::<Vec<_>>(),
    }))
}

/// Returns the voice with this ID.
///
/// # Errors
/// Returns a [`Rejection`] if it is unknown or cannot speak.
pub(super) fn usable_voice(id: &str) -> Result<&'static Voice, Rejection> {
    let voice = voice(id).ok_or_else(unknown_voice)?;
    match voice.is_usable() {
        true => Ok(voice),
        false => Err(Rejection {
            status: 400,
            code: "voice_not_usable",
            message: "the voice does not support speech".to_owned(),
            param: Some("voice_id"),
        }),
    }
}

/// Speaks a script, which is the parameter `name`.
///
/// # Errors
/// Returns a [`Rejection`] if it is invalid or has no words.
pub(super) fn spoken(
    state: &State,
    text: &str,
    is_ssml: bool,
    speed: f64,
    language: &str,
    name: &'static str,
) -> Result<Spoken, Rejection> {
    let pieces = speech::pieces(text, is_ssml).map_err(|message| Rejection::parameter(name, &message))?;
    if !pieces.iter().any(|piece| matches!(piece, Piece::Word(_))) {
        return Err(Rejection::parameter(name, "must have words"));
    }
    // With `--placeholder`, nothing depends on the programs of the machine.
    let program = if state.is_placeholder { None } else { find("espeak-ng") };
    Ok(speech::speak(&pieces, speed, language, program.as_deref(), state.folder()))
}

fn unknown_voice() -> Rejection {
    Rejection {
        status: 404,
        code: "voice_not_found",
        message: "voice not found".to_owned(),
        param: Some("voice_id"),
    }
}

fn kind_of(voice: &Voice) -> &'static str {
    if voice.is_private { "private" } else { "public" }
}

fn voice_json(voice: &Voice) -> Value {
    json!({
        "voice_id": voice.id,
        "name": voice.name,
        "language": voice.language,
        "gender": voice.gender,
        "type": kind_of(voice),
        "support_locale": voice.is_starfish,
        "support_pause": true,
        "preview_audio_url": null,
    })
}
