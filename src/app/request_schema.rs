//! JSON Schemas of the requests that the program sends to the API.

use hyperframes_ci_core::generated::{ClipFormat, ClipResolution, ClipShape, MAX_SCRIPT, TranslationMode};
use hyperframes_ci_core::options::{AspectRatio, Resolution};
use serde_json::{Value, json};

use crate::renderers::{FORMATS, QUALITIES};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Returns the schema of `POST /v3/hyperframes/renders`, which is that of `--data`.
pub(crate) fn render() -> Value {
    json!({
        "$schema": DIALECT,
        "title": "POST /v3/hyperframes/renders",
        "type": "object",
        "properties": {
            "project": {
                "description": "Set by the program: the uploaded archive",
                "oneOf": [
                    { "type": "object", "required": ["type", "asset_id"], "properties": {
                        "type": { "const": "asset_id" }, "asset_id": { "type": "string" },
                    } },
                    { "type": "object", "required": ["type", "url"], "properties": {
                        "type": { "const": "url" }, "url": { "type": "string", "pattern": "^https://" },
                    } },
                    { "type": "object", "required": ["type", "media_type", "data"], "properties": {
                        "type": { "const": "base64" }, "media_type": { "type": "string" },
                        "data": { "type": "string", "contentEncoding": "base64" },
                    } },
                ],
            },
            "fps": { "type": "integer", "minimum": 1, "maximum": 240, "description": "Frames per second; 30 by default" },
            "quality": { "enum": QUALITIES },
            "format": { "enum": FORMATS },
            "resolution": { "enum": Resolution::NAMES, "description": "4k requires mp4" },
            "aspect_ratio": { "enum": AspectRatio::NAMES },
            "composition": { "type": "string", "description": "Entry HTML file in the project" },
            "variables": { "type": "object", "description": "Values of variables" },
            "title": { "type": "string" },
            "callback_id": { "type": "string", "description": "Included in webhooks and details" },
            "callback_url": { "type": "string", "pattern": "^https://" },
        },
    })
}

/// Returns the schema of the requests for generated media: `POST /v3/voices/speech`, `POST /v3/videos` and
/// `POST /v3/video-translations`.
pub(crate) fn media() -> Value {
    json!({
        "$schema": DIALECT,
        "title": "Requests of `media generate`",
        "anyOf": [
            { "$ref": "#/$defs/speech" }, { "$ref": "#/$defs/presenter" }, { "$ref": "#/$defs/translation" },
        ],
        "$defs": {
            "speech": {
                "title": "POST /v3/voices/speech",
                "type": "object",
                "required": ["text", "voice_id"],
                "properties": {
                    "text": { "type": "string", "minLength": 1, "maxLength": MAX_SCRIPT },
                    "voice_id": { "type": "string" },
                    "input_type": { "enum": ["text", "ssml"] },
                    "speed": { "type": "number", "minimum": 0.5, "maximum": 2.0 },
                    "locale": { "type": "string", "description": "BCP 47 tag, such as en-US" },
                },
                "additionalProperties": false,
            },
            "presenter": {
                "title": "POST /v3/videos",
                "type": "object",
                "required": ["type", "avatar_id"],
                "properties": {
                    "type": { "const": "avatar" },
                    "avatar_id": { "type": "string", "description": "ID of a look" },
                    "script": { "type": "string", "minLength": 1, "maxLength": MAX_SCRIPT },
                    "voice_id": { "type": "string" },
                    "audio_asset_id": { "type": "string" },
                    "title": { "type": "string" },
                    "output_format": { "enum": ClipFormat::NAMES },
                    "resolution": { "enum": ClipResolution::NAMES },
                    "aspect_ratio": { "enum": ClipShape::NAMES },
                    "background": { "type": "object", "required": ["type"], "properties": {
                        "type": { "enum": ["color", "image"] }, "value": { "type": "string" }, "url": { "type": "string" },
                    } },
                    "engine": { "type": "object", "required": ["type"], "properties": { "type": { "type": "string" } } },
                    "caption": { "type": "object", "required": ["file_format"], "properties": {
                        "file_format": { "const": "srt" },
                    } },
                },
                "additionalProperties": false,
            },
            "translation": {
                "title": "POST /v3/video-translations",
                "type": "object",
                "required": ["output_languages"],
                "properties": {
                    "video": { "type": "object", "required": ["type", "asset_id"], "properties": {
                        "type": { "const": "asset_id" }, "asset_id": { "type": "string" },
                    } },
                    "output_languages": { "type": "array", "items": { "type": "string" }, "minItems": 1, "maxItems": 1 },
                    "mode": { "enum": TranslationMode::NAMES },
                    "enable_caption": { "type": "boolean" },
                    "title": { "type": "string" },
                },
                "additionalProperties": false,
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use boon::{Compiler, Schemas};
    use hyperframes_ci_core::api::{Project, RenderRequest};
    use hyperframes_ci_core::generated::{Background, Presenter, PresenterVoice, Speech, Translation};
    use hyperframes_ci_core::options::{Format, Quality};
    use serde_json::Map;

    use super::*;

    /// Returns whether a value is valid by a schema.
    fn is_valid(schema: Value, value: &Value) -> bool {
        let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
        compiler.add_resource("https://schemas.invalid/x", schema).expect("a schema");
        let index = compiler.compile("https://schemas.invalid/x", &mut schemas).expect("compiled");
        schemas.validate(value, index).is_ok()
    }

    #[test]
    fn every_render_request_is_valid_and_names_no_unknown_member() {
        let request = RenderRequest {
            fps: Some("60".parse().expect("a rate")),
            quality: Some(Quality::High),
            format: Some(Format::Webm),
            resolution: Some(Resolution::FullHd),
            aspect_ratio: Some("9:16".parse().expect("a ratio")),
            composition: Some("a.html".to_owned()),
            variables: Some(Map::new()),
            title: Some("t".to_owned()),
            callback_id: Some("c".to_owned()),
            callback_url: Some("https://example.com".to_owned()),
            ..RenderRequest::default()
        };
        let mut body = json!(request);
        body["project"] = json!(Project::AssetId { asset_id: "a".to_owned() });
        assert!(is_valid(render(), &body), "{body}");
        let schema = render();
        let known = schema["properties"].as_object().expect("members");
        let members = body.as_object().expect("an object");
        assert_eq!(members.len(), known.len(), "every member is set: {body}");
        assert!(members.keys().all(|name| known.contains_key(name)), "{body}");
        for (name, wrong) in
            [("fps", json!(0)), ("format", json!("gif")), ("callback_url", json!("http://x"))]
        {
            let mut other = body.clone();
            other[name] = wrong;
            assert!(!is_valid(render(), &other), "{other}");
        }
    }

    #[test]
    fn every_media_request_is_valid() {
        let mut speech = Speech::new("Hello", "v");
        (speech.is_ssml, speech.speed, speech.locale) = (true, 1.5, Some("en-US".to_owned()));
        let clip = Presenter {
            avatar: "a".to_owned(),
            voice: PresenterVoice::script("Hello", "v"),
            format: ClipFormat::Webm,
            resolution: Some(ClipResolution::FullHd),
            aspect_ratio: Some(ClipShape::Square),
            background: Background::parse("#00ff00"),
            engine: Some("avatar_iv".to_owned()),
            has_captions: true,
        };
        let translation = Translation {
            video_sha256: None,
            seconds: None,
            language: "German".to_owned(),
            mode: TranslationMode::Precision,
        };
        let mut translated = translation.body();
        translated.insert("video".to_owned(), json!(Project::AssetId { asset_id: "a".to_owned() }));
        for body in [speech.body(), clip.body(), translated] {
            let body = Value::Object(body);
            assert!(is_valid(media(), &body), "{body}");
            let mut other = body.clone();
            other["voices"] = json!(1);
            assert!(!is_valid(media(), &other), "{other}");
        }
    }
}
