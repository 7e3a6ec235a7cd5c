//! Validation of request bodies; a rejection names the field at fault.

use std::io::Read;

use hyperframes_ci_core::options::{AspectRatio, Format, Resolution};
use serde_json::{Map, Value, json};

use super::rejection::Rejection;
use crate::emulator::server::Request;
use crate::emulator::state::RenderOptions;

/// Largest JSON body, in bytes: base64 projects are for small archives only.
pub(crate) const MAX_JSON: u64 = 48 * 1024 * 1024;

/// Names of the encoder presets and formats of the API.
const QUALITIES: &[&str] = &["draft", "standard", "high"];
const FORMATS: &[&str] = &["mp4", "webm", "mov"];

/// Returns the number of items per page, 1 to `most`.
pub(super) fn page_size(text: Option<&str>, default: usize, most: usize) -> Result<usize, Rejection> {
    let Some(text) = text else { return Ok(default) };
    let size = text.parse().ok().filter(|size| (1..=most).contains(size));
    size.ok_or_else(|| Rejection::parameter("limit", &format!("must be an integer from 1 to {most}")))
}

/// Returns the page of items that a request asks for, newest first, and the cursor of the next one: it names the last item of
/// the page by its `id`.
///
/// # Errors
/// Returns a [`Rejection`] if the size or the cursor is invalid.
pub(super) fn page<'a, T>(
    request: &Request,
    newest_first: impl Iterator<Item = &'a T>,
    id: impl Fn(&T) -> &str,
) -> Result<(Vec<&'a T>, Option<String>), Rejection> {
    let limit = page_size(request.parameter("limit").as_deref(), 10, 100)?;
    let items = newest_first.collect::<Vec<_>>();
    let skipped = match request.parameter("token").filter(|token| !token.is_empty()) {
        None => 0,
        Some(token) => {
            let last = items.iter().position(|item| token == format!("after:{}", id(item)));
            last.ok_or_else(|| Rejection::parameter("token", "is not a valid cursor"))? + 1
        }
    };
    let page = items.iter().skip(skipped).take(limit).copied().collect::<Vec<_>>();
    let has_more = items.len() > skipped + page.len();
    let token = page.last().filter(|_| has_more).map(|last| format!("after:{}", id(last)));
    Ok((page, token))
}

/// Reads the body as JSON; an empty body is an empty object.
///
/// # Errors
/// Returns a [`Rejection`] if the body breaks off or is not valid JSON.
pub(super) fn json_body(request: &mut Request) -> Result<Value, Rejection> {
    let mut bytes = Vec::new();
    request
        .take(MAX_JSON)
        .read_to_end(&mut bytes)
        .map_err(|_| Rejection::parameter("body", "the request body is incomplete"))?;
    if bytes.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(&bytes)
        .map_err(|error| Rejection::parameter("body", &format!("invalid JSON: {error}")))
}

/// Reads a body as an object.
///
/// # Errors
/// Returns a [`Rejection`] if it is something else.
pub(super) fn object(body: &Value) -> Result<&Map<String, Value>, Rejection> {
    body.as_object().ok_or_else(|| Rejection::parameter("body", "must be an object"))
}

/// Reads a required string.
///
/// # Errors
/// Returns a [`Rejection`] if it is absent, empty or not a string.
pub(super) fn required<'a>(body: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, Rejection> {
    body.get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Rejection::parameter(name, "must be a string"))
}

/// Reads an optional string; absent or null is `None`.
///
/// # Errors
/// Returns a [`Rejection`] if it is not a string.
pub(super) fn optional<'a>(
    body: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, Rejection> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Rejection::parameter(name, "must be a string")),
    }
}

/// Reads an optional name; null is not allowed.
///
/// # Errors
/// Returns a [`Rejection`] if it is none of the allowed names.
pub(super) fn one_of<T: std::str::FromStr>(
    body: &Map<String, Value>,
    name: &'static str,
    allowed: &[&str],
) -> Result<Option<T>, Rejection> {
    let rule = || Rejection::parameter(name, &format!("must be one of {}", allowed.join(", ")));
    match body.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if allowed.contains(&text.as_str()) => {
            text.parse().map(Some).map_err(|_| rule())
        }
        Some(_) => Err(rule()),
    }
}

/// Reads the options of a submission: every field but the project.
///
/// # Errors
/// Returns a [`Rejection`] of the first field that is invalid.
pub(super) fn render_options(body: &Map<String, Value>) -> Result<RenderOptions, Rejection> {
    let fps = match body.get("fps") {
        None | Some(Value::Null) => None,
        Some(value) => {
            let fps = value.as_u64().and_then(|fps| u32::try_from(fps).ok());
            let in_range = fps.filter(|fps| (1..=240).contains(fps));
            Some(in_range.ok_or_else(|| Rejection::parameter("fps", "must be an integer from 1 to 240"))?)
        }
    };
    let variables = match body.get("variables") {
        None | Some(Value::Null) => None,
        Some(Value::Object(values)) => Some(values.clone()),
        Some(_) => return Err(Rejection::parameter("variables", "must be an object")),
    };
    let options = RenderOptions {
        fps,
        quality: one_of(body, "quality", QUALITIES)?,
        format: one_of(body, "format", FORMATS)?.unwrap_or(Format::Mp4),
        resolution: one_of(body, "resolution", Resolution::NAMES)?,
        aspect_ratio: one_of(body, "aspect_ratio", AspectRatio::NAMES)?,
        composition: optional(body, "composition")?.map(str::to_owned),
        variables,
        title: optional(body, "title")?.map(str::to_owned),
        callback_id: optional(body, "callback_id")?.map(str::to_owned),
        callback_url: callback_url(body)?,
    };
    if options.resolution == Some(Resolution::UltraHd) && options.format.has_alpha() {
        return Err(Rejection::parameter("resolution", "4k is not supported for webm and mov"));
    }
    Ok(options)
}

/// Reads the webhook of a job.
///
/// # Errors
/// Returns a [`Rejection`] if it may not be called.
pub(super) fn callback_url(body: &Map<String, Value>) -> Result<Option<String>, Rejection> {
    match optional(body, "callback_url")? {
        Some(url) if !is_webhook(url) => Err(Rejection::parameter("callback_url", "must be an https URL")),
        url => Ok(url.map(str::to_owned)),
    }
}

/// Returns whether a webhook may be called: by HTTPS, or by HTTP on loopback so that webhooks can be tested.
pub(super) fn is_webhook(url: &str) -> bool {
    url.starts_with("https://")
        || url.starts_with("http://127.0.0.1:")
        || url.starts_with("http://localhost:")
}
