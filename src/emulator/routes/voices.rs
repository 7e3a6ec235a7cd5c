//! `/v3/voices`: the catalogue, and speech.

use std::fs;

use hyperframes_ci_core::generated::{MAX_SCRIPT, SPEECH_USD_PER_SECOND};
use serde_json::{Value, json};

use super::rejection::Rejection;
use super::validation::{json_body, object, optional, page_size, required};
use crate::emulator::envelopes::json;
use crate::emulator::server::{Reply, Request};
use crate::emulator::speech::{self, Piece};
use crate::emulator::state::{State, VOICES, Voice, voice};
use crate::system::programs::find;

/// `GET /v3/voices`: the cursor is the number of voices before the page.
pub(super) fn list(request: &Request) -> Result<Reply, Rejection> {
    let parameter = |name: &str| request.parameter(name).filter(|value| !value.is_empty());
    let limit = page_size(parameter("limit").as_deref(), 20)?;
    let start = match parameter("token").map(|token| token.parse::<usize>()) {
        None => 0,
        Some(Ok(start)) if start <= VOICES.len() => start,
        Some(_) => return Err(Rejection::parameter("token", "is not a valid cursor")),
    };
    let kind = parameter("type");
    if kind.as_ref().is_some_and(|kind| !["public", "private"].contains(&kind.as_str())) {
        return Err(Rejection::parameter("type", "must be one of public, private"));
    }
    let (engine, language, gender) = (parameter("engine"), parameter("language"), parameter("gender"));
    let is_wanted = |voice: &&Voice| {
        let is = |wanted: &Option<String>, value: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(value))
        };
        is(&kind, kind_of(voice))
            && is(&language, voice.language)
            && is(&gender, voice.gender)
            && engine.as_ref().is_none_or(|engine| engine == "starfish" && voice.is_starfish)
    };
    let found = VOICES.iter().filter(is_wanted).collect::<Vec<_>>();
    let page = found.iter().skip(start).take(limit).map(|voice| voice_json(voice)).collect::<Vec<_>>();
    let end = start + page.len();
    let token = (end < found.len()).then(|| end.to_string());
    Ok(json(200, &json!({ "data": page, "has_more": token.is_some(), "next_token": token })))
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
    let voice = voice(required(body, "voice_id")?).ok_or_else(unknown_voice)?;
    if !voice.is_usable() {
        return Err(Rejection {
            status: 400,
            code: "voice_not_usable",
            message: "the voice does not support speech".to_owned(),
            param: Some("voice_id"),
        });
    }
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
    let pieces = speech::pieces(text, is_ssml).map_err(|message| Rejection::parameter("text", &message))?;
    if !pieces.iter().any(|piece| matches!(piece, Piece::Word(_))) {
        return Err(Rejection::parameter("text", "must have words"));
    }
    // With `--placeholder`, nothing depends on the programs of the machine.
    let program = if state.is_placeholder { None } else { find("espeak-ng") };
    let spoken = speech::speak(&pieces, speed, language, program.as_deref(), state.folder());
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
        "support_locale": true,
        "support_pause": true,
        "preview_audio_url": null,
    })
}
