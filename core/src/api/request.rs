//! Requests as data.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::options::{AspectRatio, Codec, Format, FrameRate, Quality, Resolution};

/// The HTTP methods that the API uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates.
    Post,
    /// Stores bytes under a presigned URL.
    Put,
    /// Deletes.
    Delete,
}

impl Method {
    /// Returns the method as it stands in a request line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// The target of a request, which determines whether it may carry the credential.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// Path and query below the API's base URL; the only target that gets the credential.
    Api(String),
    /// A presigned URL on another host; the request has no credential and no added headers.
    Presigned(String),
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(path) => write!(f, "Api({path})"),
            // The query of a presigned URL is a credential.
            Self::Presigned(url) => write!(f, "Presigned({})", url.split('?').next().unwrap_or_default()),
        }
    }
}

/// The body of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// These bytes.
    Bytes(Vec<u8>),
    /// The archive, streamed by the shell between two pieces of framing.
    Archive {
        /// Bytes before the archive.
        prefix: Vec<u8>,
        /// Bytes after the archive.
        suffix: Vec<u8>,
    },
    /// The archive in base64, between two pieces of JSON.
    Encoded {
        /// Bytes before the archive.
        prefix: Vec<u8>,
        /// Bytes after the archive.
        suffix: Vec<u8>,
    },
}

/// One HTTP request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The target.
    pub target: Target,
    /// Headers, without credential, host and content length.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
}

/// A value for the `Idempotency-Key` header: 1 to 255 characters of `[A-Za-z0-9_:.-]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// The error of an invalid idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidIdempotencyKey;

impl fmt::Display for InvalidIdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be 1 to 255 characters of A-Z a-z 0-9 _ : . -")
    }
}

impl std::error::Error for InvalidIdempotencyKey {}

impl FromStr for IdempotencyKey {
    type Err = InvalidIdempotencyKey;

    fn from_str(text: &str) -> Result<Self, InvalidIdempotencyKey> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_:.-".contains(&byte);
        if (1..=255).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidIdempotencyKey)
        }
    }
}

impl IdempotencyKey {
    /// Returns a derived key, `<key>.<number>`; the key itself for 0, and if the result would be too long.
    #[must_use]
    pub fn numbered(&self, number: u32) -> Self {
        match number {
            0 => self.clone(),
            _ => format!("{}.{number}", self.0).parse().unwrap_or_else(|_| self.clone()),
        }
    }

    /// Returns a derived key for a part, `<key>.<part>`; a key that is too long for that is truncated.
    #[must_use]
    pub fn of_part(&self, part: &str) -> Self {
        let kept = self.0.get(..255_usize.saturating_sub(part.len() + 1)).unwrap_or(&self.0);
        format!("{kept}.{part}").parse().unwrap_or_else(|_| self.clone())
    }

    /// Returns the header's value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The body of `POST /v3/assets/direct-uploads`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UploadRequest {
    /// Name for reference; the stored object is named by the server.
    pub filename: String,
    /// Media type of the bytes.
    pub content_type: &'static str,
    /// Exact size in bytes; signed into the upload URL.
    pub size_bytes: u64,
    /// SHA-256 of the archive in hexadecimal; the storage checks it.
    pub checksum_sha256: String,
}

/// The location of the project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Project {
    /// An uploaded archive.
    AssetId {
        /// The asset.
        asset_id: String,
    },
    /// A public HTTPS URL of an archive.
    Url {
        /// The URL.
        url: String,
    },
}

/// The body of `POST /v3/hyperframes/renders`, without the project; options that are not set are absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RenderRequest {
    /// Frames per second, 1 to 240; the server's default is 30. The API takes whole numbers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fps: Option<FrameRate>,
    /// Encoder preset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
    /// Container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// Output tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// Output shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aspect_ratio: Option<AspectRatio>,
    /// Entry HTML inside the archive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub composition: Option<String>,
    /// Values for the composition's variables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variables: Option<Map<String, Value>>,
    /// Label, echoed back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Tracking id, echoed in webhooks and details.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_id: Option<String>,
    /// HTTPS webhook, fired on termination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// Constant rate factor of the encoder, 0 to 63. Not in the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crf: Option<u8>,
    /// Target bitrate of the video, such as `10M`. Not in the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video_bitrate: Option<String>,
    /// Number of times that a GIF is repeated; 0 is without end. Not in the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gif_loop: Option<u16>,
    /// Whether media that fail to load are left out of the video instead of failing the render. Not in the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_effort: Option<bool>,
    /// Video codec of an MP4 file. Not in the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codec: Option<Codec>,
    /// Width of the video in pixels. Not in the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height of the video in pixels. Not in the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
}

/// The endpoint of renders.
pub(super) const RENDERS: &str = "/v3/hyperframes/renders";

/// The endpoint of speech.
const SPEECH_PATH: &str = "/v3/voices/speech";

const JSON: &str = "application/json";

/// Length of an object without members, in bytes.
const EMPTY_OBJECT: usize = 2;

impl Request {
    /// `POST /v3/assets/direct-uploads`: asks for a presigned URL.
    #[must_use]
    pub fn create_upload(upload: &UploadRequest, key: &IdempotencyKey) -> Self {
        Self::post("/v3/assets/direct-uploads", to_json(upload), key)
    }

    /// `PUT <upload_url>`: the archive's bytes, with the headers that the signature covers and no other.
    #[must_use]
    pub fn put_archive(
        upload_url: &str,
        upload_headers: &[(String, String)],
        content_type: &'static str,
    ) -> Self {
        let mut headers = upload_headers
            .iter()
            // The transport sets the length from the body; two of them would be a malformed request.
            .filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"))
            .cloned()
            .collect::<Vec<_>>();
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            headers.push(("content-type".to_owned(), content_type.to_owned()));
        }
        Self {
            method: Method::Put,
            target: Target::Presigned(upload_url.to_owned()),
            headers,
            body: Body::Archive { prefix: Vec::new(), suffix: Vec::new() },
        }
    }

    /// `POST /v3/assets/{asset_id}/complete`: completes the upload of an asset.
    #[must_use]
    pub fn complete_upload(asset_id: &str, checksum_sha256: &str, key: &IdempotencyKey) -> Self {
        let body = serde_json::json!({ "checksum_sha256": checksum_sha256 });
        Self::post(&format!("/v3/assets/{}/complete", segment(asset_id)), to_json(&body), key)
    }

    /// `POST /v3/assets`: the archive through the API itself, as `multipart/form-data`, up to
    /// [`PROXY_UPLOAD_LIMIT`](crate::archive::PROXY_UPLOAD_LIMIT).
    ///
    /// The checksum is only used for the boundary, which must not occur in the archive.
    #[must_use]
    pub fn proxy_upload(upload: &UploadRequest, key: &IdempotencyKey) -> Self {
        let UploadRequest { filename, content_type, checksum_sha256, .. } = upload;
        let boundary = format!("hyperframes-ci-{checksum_sha256}");
        let filename = filename.replace(['"', '\r', '\n', '\\'], "_");
        let prefix = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{filename}\"\r\n\
             content-type: {content_type}\r\n\r\n"
        );
        let mut request = Self::post("/v3/assets", Vec::new(), key);
        request.headers[0].1 = format!("multipart/form-data; boundary={boundary}");
        request.body = Body::Archive {
            prefix: prefix.into_bytes(),
            suffix: format!("\r\n--{boundary}--\r\n").into_bytes(),
        };
        request
    }

    /// Makes the archive a part of a body of JSON: `project` with `type: "base64"`.
    #[must_use]
    pub(crate) fn with_project(mut self) -> Self {
        if let Body::Bytes(options) = &self.body {
            let prefix = br#"{"project":{"type":"base64","media_type":"application/zip","data":""#;
            let mut suffix = br#""}"#.to_vec();
            suffix.extend((options.len() > EMPTY_OBJECT).then_some(b','));
            suffix.extend(options.iter().skip(1));
            self.body = Body::Encoded { prefix: prefix.to_vec(), suffix };
        }
        self
    }

    /// `POST` of `body` to `path`.
    pub(super) fn create(path: &str, body: &Map<String, Value>, key: &IdempotencyKey) -> Self {
        Self::post(path, to_json(body), key)
    }

    /// `GET {path}/{id}`
    pub(super) fn one(path: &str, id: &str) -> Self {
        Self::bare(Method::Get, format!("{path}/{}", segment(id)))
    }

    /// `GET /v3/avatars/looks/{id}`
    #[must_use]
    pub fn avatar(id: &str) -> Self {
        Self::one("/v3/avatars/looks", id)
    }

    /// `GET /v3/voices/{id}`
    #[must_use]
    pub fn voice(id: &str) -> Self {
        Self::one("/v3/voices", id)
    }

    /// `GET /v3/hyperframes/renders/{render_id}`.
    #[must_use]
    pub fn render(render_id: &str) -> Self {
        Self::one(RENDERS, render_id)
    }

    /// Returns `path` with a query of the filters that have a value.
    pub(super) fn filtered(path: &str, filters: &[(&str, Option<&str>)]) -> String {
        let set = filters.iter().filter_map(|(name, value)| Some((name, (*value)?)));
        let query = set.map(|(name, value)| format!("{name}={}", segment(value))).collect::<Vec<_>>();
        let separator = if query.is_empty() { "" } else { "?" };
        format!("{path}{separator}{}", query.join("&"))
    }

    /// `GET` of one page of the list at `path`, which may have filters.
    pub(super) fn page(path: &str, limit: Option<u32>, token: Option<&str>) -> Self {
        let mut query = Vec::new();
        query.extend(limit.map(|limit| format!("limit={limit}")));
        query.extend(token.map(|token| format!("token={}", segment(token))));
        let separator = match query.is_empty() {
            true => "",
            false if path.contains('?') => "&",
            false => "?",
        };
        Self::bare(Method::Get, format!("{path}{separator}{}", query.join("&")))
    }

    /// `GET /v3/video-translations/languages`: the languages that videos are translated to.
    #[must_use]
    pub fn languages() -> Self {
        Self::bare(Method::Get, "/v3/video-translations/languages".to_owned())
    }

    /// `DELETE /v3/hyperframes/renders/{render_id}`: a soft delete; later reads are 404.
    #[must_use]
    pub fn delete_render(render_id: &str) -> Self {
        Self::bare(Method::Delete, format!("{RENDERS}/{}", segment(render_id)))
    }

    fn post(path: &str, body: Vec<u8>, key: &IdempotencyKey) -> Self {
        let headers = vec![
            ("content-type".to_owned(), JSON.to_owned()),
            ("idempotency-key".to_owned(), key.as_str().to_owned()),
        ];
        Self { method: Method::Post, target: Target::Api(path.to_owned()), headers, body: Body::Bytes(body) }
    }

    /// `POST /v3/voices/speech`: speech, which is billed from here on. The endpoint takes no idempotency key.
    #[must_use]
    pub fn speech(body: &Map<String, Value>) -> Self {
        Self {
            method: Method::Post,
            target: Target::Api(SPEECH_PATH.to_owned()),
            headers: vec![("content-type".to_owned(), JSON.to_owned())],
            body: Body::Bytes(to_json(body)),
        }
    }

    /// Returns whether the response may take up to two minutes, since the work is done meanwhile.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        matches!(&self.target, Target::Api(path) if path == SPEECH_PATH || path.ends_with("/publish/complete"))
    }

    /// `GET /v3/users/me`: the account of the credential, with its balance.
    #[must_use]
    pub fn account() -> Self {
        Self::bare(Method::Get, "/v3/users/me".to_owned())
    }

    fn bare(method: Method, path: String) -> Self {
        Self { method, target: Target::Api(path), headers: Vec::new(), body: Body::Empty }
    }
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("maps with string keys always serialize")
}

/// Percent-encodes all but the unreserved characters, so that an id can never become another path or a query.
fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric()
            || b"-_~".contains(&byte)
            || (byte == b'.' && !text.trim_matches('.').is_empty())
        {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_cannot_leave_their_segment() {
        let request = Request::render("../users/me?x=1#y");
        assert_eq!(
            request.target,
            Target::Api("/v3/hyperframes/renders/..%2Fusers%2Fme%3Fx%3D1%23y".to_owned())
        );
        assert_eq!(Request::render("..").target, Target::Api("/v3/hyperframes/renders/%2E%2E".to_owned()));
    }

    #[test]
    fn an_option_that_was_not_set_is_absent() {
        assert_eq!(serde_json::to_value(RenderRequest::default()).expect("json"), serde_json::json!({}));
    }

    #[test]
    fn the_upload_carries_the_signed_headers_and_no_other() {
        let signed = [
            ("x-amz-checksum-sha256".to_owned(), "abc=".to_owned()),
            ("Content-Length".to_owned(), "10".to_owned()),
        ];
        let request = Request::put_archive("https://bucket.example/key?sig=1", &signed, "audio/wav");
        let names = request.headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
        assert_eq!(names, ["x-amz-checksum-sha256", "content-type"]);
        assert!(!format!("{request:?}").contains("sig=1"));
    }

    #[test]
    fn a_file_name_cannot_break_out_of_the_multipart_header() {
        let key = "k".parse().expect("a key");
        let upload = UploadRequest {
            filename: "a\"\r\nx: y.zip".to_owned(),
            content_type: "application/zip",
            size_bytes: 1,
            checksum_sha256: "00ff".to_owned(),
        };
        let request = Request::proxy_upload(&upload, &key);
        let Body::Archive { prefix, .. } = request.body else { unreachable!("an archive body") };
        assert_eq!(String::from_utf8(prefix).expect("text").lines().count(), 4);
    }

    #[test]
    fn idempotency_keys_are_checked() {
        for bad in ["", "a b", "ä", "a/b", &"x".repeat(256)] {
            assert_eq!(bad.parse::<IdempotencyKey>(), Err(InvalidIdempotencyKey), "{bad:?}");
        }
        assert!("A-z_0:9.x".parse::<IdempotencyKey>().is_ok());
        let long = "x".repeat(255).parse::<IdempotencyKey>().expect("a key");
        let parts = ["one", "two"].map(|part| long.of_part(part));
        assert!(parts[0] != parts[1] && parts.iter().all(|part| part.as_str().len() == 255));
    }

    #[test]
    fn pages_are_asked_for_with_an_encoded_cursor() {
        assert_eq!(
            Request::page(RENDERS, Some(5), Some("a+b=")).target,
            Target::Api("/v3/hyperframes/renders?limit=5&token=a%2Bb%3D".to_owned())
        );
        let path = Request::filtered("/v3/voices", &[("a", None), ("language", Some("Spanish (Spain)"))]);
        assert_eq!(
            Request::page(&path, None, Some("t")).target,
            Target::Api("/v3/voices?language=Spanish%20%28Spain%29&token=t".to_owned())
        );
    }
}
