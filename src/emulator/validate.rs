//! The rules of request bodies, with the field at fault.

use hyperframes_ci_core::options::{AspectRatio, Format, Quality, Resolution};
use serde_json::{Map, Value};

/// Why a request is refused.
#[derive(Debug)]
pub(super) struct Rejection {
    /// HTTP status.
    pub(super) status: u16,
    /// Machine-readable code.
    pub(super) code: &'static str,
    /// For people.
    pub(super) message: String,
    /// The field at fault.
    pub(super) param: Option<&'static str>,
}

impl Rejection {
    /// A field with a value that is not allowed.
    pub(super) fn parameter(param: &'static str, rule: &str) -> Self {
        Self {
            status: 400,
            code: "invalid_parameter",
            message: format!("{param}: {rule}"),
            param: Some(param),
        }
    }

    /// Something that does not exist.
    pub(super) fn not_found(what: &str) -> Self {
        Self { status: 404, code: "not_found", message: format!("no such {what}"), param: None }
    }

    /// The project is no archive that can be rendered.
    pub(super) fn project(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            code: "hyperframes_project_invalid",
            message: message.into(),
            param: Some("project"),
        }
    }

    /// The project is too large.
    pub(super) fn too_large(limit: u64) -> Self {
        Self {
            status: 413,
            code: "hyperframes_project_too_large",
            message: format!("the limit is {limit} bytes"),
            param: Some("size_bytes"),
        }
    }
}

/// The body as an object.
pub(super) fn object(body: &Value) -> Result<&Map<String, Value>, Rejection> {
    body.as_object().ok_or_else(|| Rejection::parameter("body", "must be an object"))
}

/// A text that must be there.
pub(super) fn required<'a>(body: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, Rejection> {
    body.get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Rejection::parameter(name, "must be a text"))
}

/// A text that may be absent or null.
pub(super) fn optional<'a>(
    body: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, Rejection> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Rejection::parameter(name, "must be a text")),
    }
}

fn one_of<T: std::str::FromStr>(
    body: &Map<String, Value>,
    name: &'static str,
    allowed: &[&str],
) -> Result<Option<T>, Rejection> {
    let rule = || Rejection::parameter(name, &format!("must be one of {}", allowed.join(", ")));
    match body.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => text.parse().map(Some).map_err(|_| rule()),
        Some(_) => Err(rule()),
    }
}

/// The options of a submission, checked.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) fps: Option<u32>,
    pub(super) quality: Option<Quality>,
    pub(super) format: Format,
    pub(super) resolution: Option<Resolution>,
    pub(super) aspect_ratio: Option<AspectRatio>,
    pub(super) composition: Option<String>,
    pub(super) variables: Option<Map<String, Value>>,
    pub(super) title: Option<String>,
    pub(super) callback_id: Option<String>,
    pub(super) callback_url: Option<String>,
}

impl Options {
    /// Checks everything in `body` but the project.
    pub(super) fn of(body: &Map<String, Value>) -> Result<Self, Rejection> {
        let fps = match body.get("fps") {
            None | Some(Value::Null) => None,
            Some(value) => {
                let fps = value.as_u64().and_then(|fps| u32::try_from(fps).ok());
                let in_range = fps.filter(|fps| (1..=240).contains(fps));
                Some(
                    in_range
                        .ok_or_else(|| Rejection::parameter("fps", "must be an integer from 1 to 240"))?,
                )
            }
        };
        let variables = match body.get("variables") {
            None | Some(Value::Null) => None,
            Some(Value::Object(values)) => Some(values.clone()),
            Some(_) => return Err(Rejection::parameter("variables", "must be an object")),
        };
        let options = Self {
            fps,
            quality: one_of(body, "quality", Quality::NAMES)?,
            format: one_of(body, "format", Format::NAMES)?.unwrap_or(Format::Mp4),
            resolution: one_of(body, "resolution", Resolution::NAMES)?,
            aspect_ratio: one_of(body, "aspect_ratio", AspectRatio::NAMES)?,
            composition: optional(body, "composition")?.map(str::to_owned),
            variables,
            title: optional(body, "title")?.map(str::to_owned),
            callback_id: optional(body, "callback_id")?.map(str::to_owned),
            callback_url: optional(body, "callback_url")?.map(str::to_owned),
        };
        if options.resolution == Some(Resolution::UltraHd) && options.format.has_alpha() {
            return Err(Rejection::parameter("resolution", "4k is not available for webm and mov"));
        }
        if options.callback_url.as_deref().is_some_and(|url| !is_webhook(url)) {
            return Err(Rejection::parameter("callback_url", "must be an https URL"));
        }
        Ok(options)
    }
}

/// HTTPS, or HTTP on loopback so that webhooks can be rehearsed.
fn is_webhook(url: &str) -> bool {
    url.starts_with("https://")
        || url.starts_with("http://127.0.0.1:")
        || url.starts_with("http://localhost:")
}
