//! Catalogues: avatars, sounds and languages, and what all catalogues share.

use std::fs;

use serde_json::{Value, json};

use super::rejection::Rejection;
use super::validation::page_size;
use crate::emulator::envelopes::json;
use crate::emulator::server::{Reply, Request};
use crate::emulator::speech;
use crate::emulator::state::{AVATARS, Avatar, LANGUAGES, SOUNDS, State, avatar};

/// Returns a parameter that is not empty.
pub(super) fn filter(request: &Request, name: &str) -> Option<String> {
    request.parameter(name).filter(|value| !value.is_empty())
}

/// Returns a parameter that must be one of some values.
pub(super) fn filter_of(
    request: &Request,
    name: &'static str,
    allowed: &[&str],
) -> Result<Option<String>, Rejection> {
    let value = filter(request, name);
    match value.as_ref().is_none_or(|value| allowed.contains(&value.as_str())) {
        true => Ok(value),
        false => Err(Rejection::parameter(name, &format!("must be one of {}", allowed.join(", ")))),
    }
}

/// Returns whether a filter is absent or has this value.
pub(super) fn is(wanted: &Option<String>, value: &str) -> bool {
    wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(value))
}

/// Returns one page of at most `most` items; the cursor is the number of items before it.
pub(super) fn page(
    request: &Request,
    items: impl Iterator<Item = Value>,
    default: usize,
    most: usize,
) -> Result<Reply, Rejection> {
    let limit = page_size(filter(request, "limit").as_deref(), default, most)?;
    let mut items = items.collect::<Vec<_>>();
    let start = match filter(request, "token").map(|token| token.parse::<usize>()) {
        None => 0,
        Some(Ok(start)) if start <= items.len() => start,
        Some(_) => return Err(Rejection::parameter("token", "is not a valid cursor")),
    };
    let end = items.len().min(start + limit);
    let token = (end < items.len()).then(|| end.to_string());
    items.truncate(end);
    let page = items.split_off(start);
    Ok(json(200, &json!({ "data": page, "has_more": token.is_some(), "next_token": token })))
}

/// `GET /v3/avatars`
pub(super) fn groups(request: &Request) -> Result<Reply, Rejection> {
    let mut groups: Vec<(&str, usize)> = Vec::new();
    for look in AVATARS {
        match groups.iter_mut().find(|(group, _)| *group == look.group) {
            Some((_, count)) => *count += 1,
            None => groups.push((look.group, 1)),
        }
    }
    let group = |(group, count): (&str, usize)| {
        let voice = AVATARS.iter().find(|look| look.group == group).map(|look| look.voice);
        json!({ "id": group, "name": group, "looks_count": count, "default_voice_id": voice })
    };
    page(request, groups.into_iter().map(group), 20, 50)
}

/// `GET /v3/avatars/looks`
pub(super) fn looks(request: &Request) -> Result<Reply, Rejection> {
    let (group, kind) = (filter(request, "group_id"), filter(request, "avatar_type"));
    let is_wanted = |look: &&Avatar| is(&group, look.group) && is(&kind, "studio_avatar");
    page(request, AVATARS.iter().filter(is_wanted).map(look_json), 20, 50)
}

/// `GET /v3/avatars/looks/{id}`
pub(super) fn look(id: &str) -> Result<Value, Rejection> {
    avatar(id).map(look_json).ok_or_else(unknown_avatar)
}

pub(super) fn unknown_avatar() -> Rejection {
    Rejection {
        status: 404,
        code: "avatar_not_found",
        message: "avatar not found".to_owned(),
        param: Some("avatar_id"),
    }
}

fn look_json(look: &Avatar) -> Value {
    json!({
        "id": look.id,
        "name": look.name,
        "group_id": look.group,
        "avatar_type": "studio_avatar",
        "supported_api_engines": look.engines,
        "preferred_orientation": look.orientation,
        "default_voice_id": look.voice,
        "preview_image_url": null,
        "status": "completed",
    })
}

/// `GET /v3/video-translations/languages`
pub(super) fn languages() -> Value {
    json!(LANGUAGES)
}

/// `GET /v3/audio/sounds`: every word of the query that a sound has counts for its score.
pub(super) fn sounds(state: &State, request: &Request) -> Result<Reply, Rejection> {
    let kind = filter_of(request, "type", &["music", "sound_effects"])?;
    let least = match filter(request, "min_score").map(|score| score.parse::<f64>()) {
        None => 0.0,
        Some(Ok(score)) if (0.0..=1.0).contains(&score) => score,
        Some(_) => return Err(Rejection::parameter("min_score", "must be a number from 0 to 1")),
    };
    let query = filter(request, "query").unwrap_or_default().to_lowercase();
    let words = query.split_whitespace().collect::<Vec<_>>();
    let mut found = Vec::new();
    for sound in SOUNDS.iter().filter(|sound| is(&kind, sound.kind)) {
        let text = format!("{} {} {}", sound.id, sound.name, sound.description).to_lowercase();
        let hits = words.iter().filter(|word| text.contains(**word)).count();
        let score = if words.is_empty() { 1.0 } else { hits as f64 / words.len() as f64 };
        if score < least || hits == 0 && !words.is_empty() {
            continue;
        }
        let name = format!("{}.wav", sound.id);
        let path = state.path(&name);
        if !path.exists() {
            fs::write(path, speech::melody(sound.seconds)).map_err(|_| Rejection::storage())?;
        }
        found.push((score, sound, name));
    }
    // The sort is stable: equal scores stay in the order of the catalogue.
    found.sort_by(|(one, ..), (other, ..)| other.total_cmp(one));
    let item = |(score, sound, name): (f64, &crate::emulator::state::Sound, String)| {
        json!({
            "id": sound.id,
            "name": sound.name,
            "description": sound.description,
            "duration": sound.seconds,
            "score": score,
            "audio_url": state.presigner.url("GET", &name, ""),
        })
    };
    page(request, found.into_iter().map(item), 10, 50)
}
