//! One render: the request, what the endpoint answers, and the video.

use std::io::{Cursor, Read as _};
use std::time::{Duration, Instant};

use hyperframes_ci_core::job::{Remedy, SaveError, poll_delay, retry_delay};
use serde::Deserialize;
use serde_json::Value;
use ureq::Body;
use ureq::http::Response;

use super::endpoint::{Endpoint, without_query};
use super::error::HttpError;
use crate::heygen::download::Download;
use crate::renderers::Event;
use crate::system::clock::pause;
use crate::system::deadline::Deadline;
use crate::system::http::describe;
use crate::system::random;
use crate::ui::plain;

/// The largest answer that is read, in bytes, if it is not a video.
const MAX_ANSWER: u64 = 1024 * 1024;

/// Bytes in which JSON begins.
const MAX_SPACE: u64 = 64;

/// Characters of a text that messages quote.
const MAX_QUOTED: usize = 500;

/// Polls in a row that may fail.
const MAX_FAILED_POLLS: u32 = 30;

/// A render of one order.
pub(super) struct Exchange<'a> {
    pub(super) endpoint: &'a Endpoint,
    /// The `Idempotency-Key`.
    pub(super) key: Option<String>,
    /// Maximum interval between two polls.
    pub(super) poll_interval: Duration,
    /// Retries of a request.
    pub(super) retries: u32,
    pub(super) deadline: Deadline,
    pub(super) report: &'a mut dyn FnMut(Event),
}

/// What an endpoint answers.
enum Answer {
    /// The video, of this length in bytes, if the endpoint says so.
    Video(Response<Body>, Option<u64>),
    /// A link to the video.
    Link(String),
    /// The render is not complete: where to ask again, and when at the earliest.
    Later(String, Option<Duration>),
    /// The render failed.
    Failed(String),
}

/// A JSON answer. The templates return `url`; the other members are those of endpoints that answer before the video is
/// rendered.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct JsonAnswer {
    url: Option<String>,
    video_url: Option<String>,
    status: Option<String>,
    status_url: Option<String>,
    error: Option<Value>,
    message: Option<String>,
}

impl Exchange<'_> {
    /// Renders `body`, and downloads the video.
    ///
    /// # Errors
    /// Returns [`HttpError`] if there is no video.
    pub(super) fn run(&mut self, body: &[u8], download: &mut Download) -> Result<(), HttpError> {
        let endpoint = self.endpoint;
        self.render(body, download).map_err(|error| error.map_text(|text| endpoint.masked(&text)))
    }

    fn render(&mut self, body: &[u8], download: &mut Download) -> Result<(), HttpError> {
        let mut answer = self.submit(body)?;
        let began = Instant::now();
        loop {
            match answer {
                Answer::Video(response, total) => return self.receive(response, total, download),
                Answer::Link(link) => return self.download(&link, download),
                Answer::Failed(message) => return Err(HttpError::Render(message)),
                Answer::Later(url, least) => {
                    // As before the retry of a request, an endpoint does not ask for more than a minute.
                    let least = least.map(|least| pause(retry_delay(1, Some(least), 0)));
                    let delay =
                        poll_delay(began.elapsed(), self.poll_interval).max(least.unwrap_or_default());
                    self.sleep(delay)?;
                    answer = self.poll(&url)?;
                }
            }
        }
    }

    /// Sends the request. It is repeated only if the endpoint has surely not begun to render, or renders a key once.
    fn submit(&mut self, body: &[u8]) -> Result<Answer, HttpError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let is_repeatable = self.endpoint.form.is_idempotent();
            let (message, least) = match self.endpoint.post(body, self.key.as_deref(), self.deadline) {
                Ok(response) => {
                    let least = retry_after(&response);
                    match response.status().as_u16() {
                        // The endpoint has refused it.
                        status @ 429 => (self.responded(status), least),
                        status @ 503 if is_repeatable || least.is_some() => (self.responded(status), least),
                        status @ (409 | 425 | 500 | 502 | 504) if is_repeatable => {
                            (self.responded(status), least)
                        }
                        _ => return self.read(self.endpoint.url(), response),
                    }
                }
                Err(_) if self.deadline.is_over() => return Err(self.timed_out()),
                Err(error) if error.is_unsent || is_repeatable => (error.message, None),
                Err(error) => {
                    return Err(HttpError::Failed { message: error.message, may_have_rendered: true });
                }
            };
            if attempt > self.retries {
                return Err(HttpError::Failed { message, may_have_rendered: false });
            }
            if self.sleep(pause(retry_delay(attempt, least, random()))).is_err() {
                return Err(HttpError::TimedOut { is_resumable: is_repeatable, refusal: Some(message) });
            }
        }
    }

    /// Asks how far the render is.
    fn poll(&mut self, url: &str) -> Result<Answer, HttpError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (message, least) = match self.endpoint.get(url, &[], self.deadline) {
                Ok(response) => match response.status().as_u16() {
                    status @ (408 | 425 | 429 | 500..=599) => {
                        (self.responded(status), retry_after(&response))
                    }
                    _ => return self.read(url, response),
                },
                Err(_) if self.deadline.is_over() => return Err(self.timed_out()),
                Err(error) => (error.message, None),
            };
            if attempt > self.retries.max(MAX_FAILED_POLLS) {
                return Err(HttpError::Failed { message, may_have_rendered: true });
            }
            self.sleep(pause(retry_delay(attempt, least, random())))?;
        }
    }

    /// Reads an answer of `url`.
    fn read(&mut self, url: &str, response: Response<Body>) -> Result<Answer, HttpError> {
        let status = response.status().as_u16();
        let least = retry_after(&response);
        let location = self.endpoint.location(url, &response);
        let (kind, response) = typed(response);
        let is_text =
            ["application/json", "text/", "application/xhtml"].iter().any(|known| kind.starts_with(known));
        let is_video = !is_text && !kind.contains("+json");
        match status {
            303 => {
                return location
                    .map(Answer::Link)
                    .ok_or_else(|| self.unusable(status, "no link to the video"));
            }
            300..=399 => {
                let target =
                    location.map(|target| format!(" to {}", without_query(&target))).unwrap_or_default();
                let message = format!(
                    "the endpoint redirects{target} (HTTP {status}); set --http-endpoint to its new URL"
                );
                return Err(HttpError::Failed { message, may_have_rendered: false });
            }
            200 if is_video => {
                let total = header(&response, "content-length").and_then(|value| value.parse().ok());
                return Ok(Answer::Video(response, total));
            }
            _ => {}
        }
        let text = self.text(response)?;
        let is_page = kind.starts_with("text/html") || text.trim_start().starts_with('<');
        let answer = serde_json::from_str::<JsonAnswer>(&text).ok();
        if !(200..=299).contains(&status) {
            let reason = match &answer {
                Some(answer) => answer.reason(),
                None if is_page => Some("a web page, possibly of a proxy or a sign-in".to_owned()),
                None => Some(text).filter(|text| !text.trim().is_empty()),
            };
            let reason = reason.map(|reason| format!(": {}", self.quoted(&reason))).unwrap_or_default();
            let message = format!("HTTP {status}{reason}");
            return Err(match status {
                401 => HttpError::Unauthorized { message, variable: self.endpoint.variable.clone() },
                _ => {
                    let message = format!("{} responded with {message}", self.endpoint.host());
                    // A request that is refused was not rendered, but what is asked for later was accepted.
                    let may_have_rendered = status >= 500 || url != self.endpoint.url();
                    HttpError::Failed { message, may_have_rendered }
                }
            });
        }
        if is_page {
            return Err(
                self.unusable(status, "a web page instead of a video, possibly of a proxy or a sign-in")
            );
        }
        // The header is enough.
        let answer = match answer {
            Some(answer) => answer,
            None if matches!(status, 201 | 202) && location.is_some() => JsonAnswer::default(),
            None => return Err(self.unusable(status, "neither a video nor a JSON object with its URL")),
        };
        let outcome = answer.status.as_deref().unwrap_or_default().to_ascii_lowercase();
        if matches!(outcome.as_str(), "failed" | "error" | "canceled" | "cancelled") {
            let reason = answer.reason().unwrap_or_else(|| "no reason".to_owned());
            return Ok(Answer::Failed(self.quoted(&reason)));
        }
        if let Some(status) = answer.status.as_deref().filter(|_| !outcome.is_empty()) {
            let status = self.quoted(status);
            (self.report)(Event::Status(status));
        }
        let resolved = |link: &str| self.endpoint.resolve(url, link);
        let invalid = |what: &str| self.unusable(status, &format!("an invalid link to the {what}"));
        if let Some(link) = answer.url.as_deref().or(answer.video_url.as_deref()).filter(|_| status != 202) {
            return resolved(link).map(Answer::Link).ok_or_else(|| invalid("video"));
        }
        match answer.status_url.as_deref() {
            Some(link) => {
                resolved(link).map(|url| Answer::Later(url, least)).ok_or_else(|| invalid("status"))
            }
            None if location.is_some() => Ok(Answer::Later(location.unwrap_or_default(), least)),
            // A status says where it is asked for only once.
            None if url != self.endpoint.url() && !outcome.is_empty() && outcome != "completed" => {
                Ok(Answer::Later(url.to_owned(), least))
            }
            None => Err(self.unusable(status, "no URL of a video")),
        }
    }

    /// Reads the beginning of a body as text.
    fn text(&self, response: Response<Body>) -> Result<String, HttpError> {
        let may_have_rendered = response.status().is_success();
        let bytes = response.into_body().with_config().limit(MAX_ANSWER).read_to_vec();
        let bytes = bytes.map_err(|error| HttpError::Failed {
            message: format!("cannot read the answer of the endpoint: {}", describe(&error)),
            may_have_rendered,
        })?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Writes a video that the endpoint answered with. It cannot be resumed.
    fn receive(
        &mut self,
        response: Response<Body>,
        total: Option<u64>,
        download: &mut Download,
    ) -> Result<(), HttpError> {
        let report = &mut self.report;
        let received =
            download.receive(response, total, &mut |done, total| report(Event::Downloading { done, total }));
        received.map_err(|error| match self.deadline.is_over() {
            true => self.timed_out(),
            false => HttpError::NotSaved { message: error.message, link: None },
        })
    }

    /// Downloads the video of a link, and resumes an interrupted transfer.
    fn download(&mut self, link: &str, download: &mut Download) -> Result<(), HttpError> {
        let mut attempt = 0;
        loop {
            let report = &mut self.report;
            let mut progress = |done, total| report(Event::Downloading { done, total });
            let fetched = download.fetch(self.endpoint, link, self.deadline, &mut progress);
            let Err(SaveError { message, remedy, progressed }) = fetched else { return Ok(()) };
            attempt = if progressed { 1 } else { attempt + 1 };
            // A video that was stored a moment ago may not be visible everywhere yet.
            let is_final = remedy == Remedy::None || attempt > self.retries || self.deadline.is_over();
            if is_final {
                return Err(HttpError::NotSaved { message, link: Some(without_query(link)) });
            }
            self.sleep(pause(retry_delay(attempt, None, random())))?;
        }
    }

    /// Returns what a status means in a message.
    fn responded(&self, status: u16) -> String {
        format!("{} responded with HTTP {status}", self.endpoint.host())
    }

    /// Returns the error of an answer that says nothing useful.
    fn unusable(&self, status: u16, what: &str) -> HttpError {
        let message = format!("{} responded with {what} (HTTP {status})", self.endpoint.host());
        HttpError::Failed { message, may_have_rendered: true }
    }

    /// Returns a text of the endpoint for a message.
    fn quoted(&self, text: &str) -> String {
        let text = plain(&self.endpoint.masked(text.trim()));
        match text.char_indices().nth(MAX_QUOTED) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }

    /// Waits, but not longer than until the deadline.
    fn sleep(&self, delay: Duration) -> Result<(), HttpError> {
        if self.deadline.limit(delay) < delay {
            return Err(self.timed_out());
        }
        std::thread::sleep(delay);
        Ok(())
    }

    fn timed_out(&self) -> HttpError {
        HttpError::TimedOut { is_resumable: self.endpoint.form.is_idempotent(), refusal: None }
    }
}

impl JsonAnswer {
    /// Returns the reason of a failure: the templates return `error` as a text, others as an object with a message.
    fn reason(&self) -> Option<String> {
        let error = self.error.as_ref().and_then(|error| match error {
            Value::String(text) => Some(text.clone()),
            Value::Object(members) => members.get("message")?.as_str().map(str::to_owned),
            _ => None,
        });
        error.or_else(|| self.message.clone()).filter(|reason| !reason.trim().is_empty())
    }
}

/// Returns the type of an answer in lower case. JSON is recognised without one: servers that are a few lines long forget it.
fn typed(response: Response<Body>) -> (String, Response<Body>) {
    if let Some(kind) = header(&response, "content-type") {
        return (kind.to_ascii_lowercase(), response);
    }
    let (parts, body) = response.into_parts();
    let (mut head, mut body) = (Vec::new(), body.into_reader());
    // What cannot be read fails again.
    let _ = body.by_ref().take(MAX_SPACE).read_to_end(&mut head);
    let kind = if head.trim_ascii_start().starts_with(b"{") { "application/json" } else { "" };
    let body = Body::builder().reader(Cursor::new(head).chain(body));
    (kind.to_owned(), Response::from_parts(parts, body))
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

/// Returns the seconds of the header `Retry-After`; dates are not read.
fn retry_after(response: &Response<Body>) -> Option<Duration> {
    header(response, "retry-after")?.trim().parse().ok().map(Duration::from_secs)
}
