//! The requests: an upload URL, the upload, and the publication.
//!
//! A publication that creates a project is repeated only if the server has surely not processed it, since nothing tells
//! whether it exists: the API has neither an idempotency key nor a list of projects. That of a known project is safe to repeat.

use std::time::Duration;

use hyperframes_ci_core::api::{ApiError, Body, Method, Request, Response, ResponseError, Target};
use hyperframes_ci_core::job::retry_delay;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::PublishError;
use super::link::Link;
use crate::app::config::is_plain_id;
use crate::fault::Error;
use crate::heygen::auth::Credential;
use crate::heygen::environment::{self, stored_or_set};
use crate::heygen::transport::{ApiBase, CallError, NoResponse, Transport};
use crate::project::pack::Packed;
use crate::system::clock::pause;
use crate::system::deadline::Deadline;
use crate::system::http::is_safe_origin;
use crate::system::{random, url};

/// The default base URL, which is not that of the API's version 3.
const DEFAULT_BASE: &str = "https://api2.heygen.com";

/// The variable of the official command that replaces it, before `HEYGEN_API_URL`.
const BASE_VARIABLE: &str = "HYPERFRAMES_PUBLISHED_PROJECTS_API_URL";

const UPLOAD: &str = "/v1/hyperframes/projects/publish/upload";
const COMPLETE: &str = "/v1/hyperframes/projects/publish/complete";

const MEDIA_TYPE: &str = "application/zip";

/// The header of S3 that a signature may cover, and its value.
const ENCRYPTION: (&str, &str) = ("x-amz-server-side-encryption", "AES256");

/// What is published.
pub(super) struct Publication<'a> {
    pub(super) title: String,
    pub(super) file_name: String,
    pub(super) is_public: bool,
    pub(super) space: Option<String>,
    pub(super) link: &'a Link,
    pub(super) packed: &'a Packed,
}

/// The answer of the server. Its claim token, if it has one, is not read.
#[derive(Debug, Deserialize)]
pub(super) struct Published {
    pub(super) project_id: String,
    pub(super) title: Option<String>,
    pub(super) url: String,
    #[serde(default)]
    claimed: bool,
    pub(super) file_count: Option<u64>,
}

#[derive(Deserialize)]
struct Upload {
    upload_url: String,
    upload_key: String,
    content_type: Option<String>,
    #[serde(default)]
    upload_headers: Map<String, Value>,
}

impl Upload {
    /// Returns the headers that the signature covers.
    fn headers(&self) -> Vec<(String, String)> {
        let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        let mut headers = self.upload_headers.iter().filter_map(text).collect::<Vec<_>>();
        let mut add = |name: &str, value: &str| {
            if !headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                headers.push((name.to_owned(), value.to_owned()));
            }
        };
        add(
            "content-type",
            self.content_type.as_deref().filter(|kind| !kind.is_empty()).unwrap_or(MEDIA_TYPE),
        );
        let query = self.upload_url.split_once('?').map(|(_, query)| query).unwrap_or_default();
        let mut signed = query.split('&').filter_map(|pair| pair.strip_prefix("X-Amz-SignedHeaders="));
        if signed.any(|names| names.contains(ENCRYPTION.0)) {
            add(ENCRYPTION.0, ENCRYPTION.1);
        }
        headers
    }
}

/// A connection to the server, with a sign-in.
pub(super) struct Publisher {
    transport: Transport,
    retries: u32,
}

impl Publisher {
    /// Connects with the stored sign-in, even if the environment has an API key, which cannot own a project.
    ///
    /// # Errors
    /// Returns [`PublishError::NeedsSignIn`] if there is none, and a usage error if a setting is invalid.
    pub(super) fn new(space: Option<&str>) -> Result<Self, Error> {
        if space.is_some_and(|space| !is_plain_id(space)) {
            return Err(Error::usage(
                "--space must be the ID of a space",
                "copy it from the settings of the space",
            ));
        }
        let found = stored_or_set()?.ok_or(PublishError::NeedsSignIn(None))?;
        if matches!(found.credential, Credential::ApiKey(_)) {
            return Err(PublishError::NeedsSignIn(Some(found.source)).into());
        }
        let base = match environment::variable(BASE_VARIABLE).filter(|url| !url.trim().is_empty()) {
            Some(url) => ApiBase::parse_of(BASE_VARIABLE, &url)?,
            None => ApiBase::from_environment_or(&environment::variable, DEFAULT_BASE)?,
        };
        let transport = environment::transport_with(base, found.credential)?;
        Ok(Self { transport, retries: environment::max_retries()? })
    }

    /// Uploads the archive and publishes it.
    ///
    /// # Errors
    /// Returns [`PublishError`] if the storage refuses the archive, an answer is lost, or the project does not belong to the
    /// account; otherwise the error of the server.
    pub(super) fn publish(&self, publication: &Publication<'_>) -> Result<Published, Error> {
        let upload = self.upload(publication)?;
        let mut body = json!({
            "upload_key": upload.upload_key,
            "file_name": publication.file_name,
            "title": publication.title,
            "project_id": publication.link.id,
        });
        if publication.is_public {
            body["is_public"] = true.into();
        }
        let published =
            self.complete(&request(COMPLETE, &body, publication.space.as_deref()), publication.link)?;
        if !published.claimed {
            return Err(PublishError::Unclaimed.into());
        }
        Ok(published)
    }

    /// Asks for an upload URL and stores the archive there.
    fn upload(&self, publication: &Publication<'_>) -> Result<Upload, Error> {
        let body = json!({
            "file_name": publication.file_name,
            "content_type": MEDIA_TYPE,
            "content_length": publication.packed.size,
        });
        let request = request(UPLOAD, &body, publication.space.as_deref());
        let is_known = !publication.link.is_pending;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let read =
                |response: Response| response.data::<Upload>().map_err(|error| described(error, &response));
            let upload = self.transport.call_by(&request, self.retries, random(), Deadline::NEVER, read);
            let upload = upload.map_err(|error| PublishError::Server(error, is_known))?;
            let put = Request::put_archive(&upload.upload_url, &upload.headers(), MEDIA_TYPE);
            let mut archive =
                publication.packed.open().map_err(|error| PublishError::Storage(error.to_string()))?;
            let sent = self.transport.attempt(&put, Some(&mut archive), Deadline::NEVER, &mut |_| {});
            let reason = match sent {
                Ok(response) if response.is_success() => return Ok(upload),
                Ok(response) => format!("HTTP {}", response.status),
                Err(error) => error.message,
            };
            // Another URL each time: this one may have expired.
            if attempt > self.retries {
                return Err(PublishError::Storage(reason).into());
            }
            self.wait(attempt, None);
        }
    }

    /// Sends the publication.
    fn complete(&self, request: &Request, link: &Link) -> Result<Published, Error> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let answered = self.transport.attempt(request, None, Deadline::NEVER, &mut |_| {});
            let failure = match answered {
                Ok(response) => match read(&response) {
                    Ok(published) => return Ok(published),
                    Err(error) => Failure::of(error),
                },
                Err(NoResponse { message, is_unsent }) => Failure {
                    is_unprocessed: is_unsent,
                    error: CallError::Unreachable(message),
                    may_succeed: true,
                },
            };
            let is_safe = failure.is_unprocessed || !link.is_pending;
            if !failure.may_succeed {
                return Err(PublishError::Server(failure.error, !link.is_pending).into());
            }
            if !is_safe {
                return Err(PublishError::Unconfirmed(failure.error.to_string()).into());
            }
            if attempt > self.retries {
                return Err(PublishError::Server(failure.error, !link.is_pending).into());
            }
            let retry_after = match &failure.error {
                CallError::Api(error) => error.retry_after,
                _ => None,
            };
            self.wait(attempt, retry_after);
        }
    }

    fn wait(&self, attempt: u32, retry_after: Option<Duration>) {
        std::thread::sleep(pause(retry_delay(attempt, retry_after, random())));
    }
}

/// A publication that did not succeed.
struct Failure {
    error: CallError,
    /// Whether the server has surely not processed the request.
    is_unprocessed: bool,
    /// Whether the same request may succeed later, or has succeeded.
    may_succeed: bool,
}

impl Failure {
    fn of(error: ResponseError) -> Self {
        let error = CallError::from(error);
        match &error {
            CallError::Api(api) => {
                let is_unprocessed = matches!(api.status, 425 | 429);
                let may_succeed = api.is_transient();
                Self { is_unprocessed, may_succeed, error }
            }
            // A success that cannot be read, from a proxy or cut on the way.
            _ => Self { is_unprocessed: false, may_succeed: true, error },
        }
    }
}

/// Returns a request with a body of JSON.
fn request(path: &str, body: &Value, space: Option<&str>) -> Request {
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    headers.extend(space.map(|space| ("x-space-id".to_owned(), space.to_owned())));
    let body = Body::Bytes(body.to_string().into_bytes());
    Request { method: Method::Post, target: Target::Api(path.to_owned()), headers, body }
}

/// Reads the answer to a publication. Its ID and its URL are written into comments and files.
fn read(response: &Response) -> Result<Published, ResponseError> {
    let published = response.data::<Published>().map_err(|error| described(error, response))?;
    let is_url = is_safe_origin(&published.url) && url::is_plain(&published.url);
    if is_url && is_plain_id(&published.project_id) {
        return Ok(published);
    }
    let message = "the response has no valid project ID and URL".to_owned();
    Err(ResponseError::Malformed { status: response.status, message, is_cut: false })
}

/// Adds the message of the server, which this version of the API sends without an envelope.
fn described(error: ResponseError, response: &Response) -> ResponseError {
    #[derive(Deserialize)]
    struct Message {
        message: String,
    }
    match (error, serde_json::from_slice::<Message>(&response.body)) {
        (ResponseError::Api(error), Ok(Message { message })) => {
            ResponseError::Api(Box::new(ApiError { message, ..*error }))
        }
        (error, _) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> Response {
        Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    #[test]
    fn the_upload_has_the_headers_that_its_signature_covers() {
        let upload = |json: Value| serde_json::from_value::<Upload>(json).expect("an upload").headers();
        let url =
            "https://s3.example/k?X-Amz-SignedHeaders=content-type%3Bhost%3Bx-amz-server-side-encryption&x=1";
        let signed = upload(json!({ "upload_url": url, "upload_key": "k" }));
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(signed, [pair("content-type", MEDIA_TYPE), pair(ENCRYPTION.0, ENCRYPTION.1)]);
        let given = upload(json!({ "upload_url": "https://s3.example/k", "upload_key": "k",
            "upload_headers": { "Content-Type": "application/x", "x-n": 1 } }));
        assert_eq!(given, [pair("Content-Type", "application/x")]);
    }

    #[test]
    fn an_answer_is_read_only_if_its_url_can_be_shown() {
        let answer = |url: &str, id: &str| {
            let body = json!({ "data": { "project_id": id, "title": "t", "url": url, "claimed": true,
                "claim_token": "secret", "file_count": 1 } });
            read(&response(200, &body.to_string()))
        };
        assert_eq!(answer("https://x.example/p/a", "a").expect("published").project_id, "a");
        // What is not needed may be missing: the project exists.
        let least = r#"{"data": {"project_id": "a", "title": null, "url": "https://x.example/p/a"}}"#;
        assert_eq!(read(&response(200, least)).expect("published").file_count, None);
        for (url, id) in [
            ("javascript:alert(1)", "a"),
            ("http://x.example/p/a", "a"),
            ("https://x.example/p/a?claim_token=secret", "a"),
            ("https://x.example/p/a)[x](https://evil.example", "a"),
            (&format!("https://x.example/{}", "a".repeat(500)), "a"),
            ("https://x.example/p/a", "a -->"),
        ] {
            let error = answer(url, id).expect_err("refused").to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn errors_have_the_message_of_the_server() {
        let error = read(&response(400, r#"{"message": "no index.html"}"#)).expect_err("an error");
        assert_eq!(error.to_string(), "no index.html (HTTP 400, http_400)");
        let failure = |status| Failure::of(read(&response(status, "{}")).expect_err("an error"));
        let states = [200, 400, 401, 429, 500, 503].map(|status| {
            let failure = failure(status);
            (failure.may_succeed, failure.is_unprocessed)
        });
        let (lost, refused) = ((true, false), (false, false));
        assert_eq!(states, [lost, refused, refused, (true, true), lost, lost]);
    }
}
