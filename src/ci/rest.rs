//! A service's REST API: JSON, a token for its own origin, rate limits.

use std::io::Read;
use std::time::Duration;

use hyperframes_ci_core::job::retry_delay;
use serde_json::Value;

use super::HostError;
use crate::heygen::auth::Secret;
use crate::heygen::transport::{careful, is_safe_origin};
use crate::system::clock::unix_now;

const TIMEOUT: Duration = Duration::from_secs(60);

/// Answers are not larger.
const LARGEST_ANSWER: u64 = 64 * 1024 * 1024;

/// Artifacts of strangers are not larger, in bytes.
const LARGEST_DOWNLOAD: u64 = 512 * 1024 * 1024;

/// Tries of one request.
const TRIES: u32 = 5;

/// A server that asks for a longer pause gets an error instead: nobody waits that long for a comment.
const LONGEST_PAUSE: Duration = Duration::from_secs(90);

/// Pages of a list that are followed.
const MOST_PAGES: usize = 100;

/// An API and the token for it.
#[derive(Debug)]
pub(super) struct Rest {
    agent: ureq::Agent,
    base: String,
    token: Option<Secret>,
    /// The header that the token stands in, and what stands before it.
    scheme: (&'static str, &'static str),
    headers: &'static [(&'static str, &'static str)],
}

/// What a request carries.
pub(super) enum Body<'a> {
    /// Nothing.
    None,
    /// JSON.
    Json(&'a Value),
    /// A file, and its media type.
    File(&'a std::path::Path, &'static str),
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) json: Value,
    next: Option<String>,
}

impl Answer {
    /// The answer of a request that was to succeed.
    ///
    /// # Errors
    /// For every status that is none of success.
    pub(super) fn ok(self, what: &str) -> Result<Value, HostError> {
        match self.status {
            200..=299 => Ok(self.json),
            status => {
                let message = self.json.get("message").and_then(Value::as_str).unwrap_or_default();
                let text = format!("{what}: HTTP {status} {message}");
                Err(match status {
                    // A token that may not see something is told that there is nothing.
                    401 | 403 | 404 => HostError::Forbidden(text),
                    _ => HostError::Failed(text),
                })
            }
        }
    }
}

impl Rest {
    /// The API at `base`.
    ///
    /// # Errors
    /// When the token would travel in the clear.
    pub(super) fn new(
        base: &str,
        token: Option<Secret>,
        scheme: (&'static str, &'static str),
        headers: &'static [(&'static str, &'static str)],
    ) -> Result<Self, HostError> {
        if !is_safe_origin(base) {
            return Err(HostError::Event(format!("the API's address {base:?} is not https")));
        }
        let agent = careful()
            .timeout_global(Some(TIMEOUT))
            .user_agent(concat!("hyperframes-ci/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Ok(Self { agent, base: base.trim_end_matches('/').to_owned(), token, scheme, headers })
    }

    /// Whether there is a token at all.
    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Sends a request to `path` of the API, or to a whole URL that [`Rest::may_go_to`] allows. Busy servers and rate
    /// limits are waited for, within reason; a request that may have created something is not repeated.
    ///
    /// # Errors
    /// When there is no answer.
    pub(super) fn call(&self, method: &str, path: &str, body: &Body<'_>) -> Result<Answer, HostError> {
        let url = if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() };
        if !self.may_go_to(&url) {
            return Err(HostError::Failed("the service names an address that is not its own".to_owned()));
        }
        let is_safe = method != "POST";
        for attempt in 1.. {
            let pause = match self.send(method, &url, body) {
                Ok((answer, pause)) => match pause {
                    Some(pause) if attempt < TRIES && pause <= LONGEST_PAUSE => pause,
                    None if is_safe && answer.status >= 500 && attempt < TRIES => {
                        retry_delay(attempt, None, u64::from(attempt))
                    }
                    _ => return Ok(answer),
                },
                Err(_) if is_safe && attempt < TRIES => retry_delay(attempt, None, u64::from(attempt)),
                Err(message) => return Err(HostError::Failed(message)),
            };
            std::thread::sleep(pause);
        }
        Err(HostError::Failed("no answer".to_owned()))
    }

    /// All items of a list, page by page.
    ///
    /// # Errors
    /// As [`Rest::call`], and when a page is refused.
    pub(super) fn list(&self, path: &str, what: &str) -> Result<Vec<Value>, HostError> {
        let mut items = Vec::new();
        let mut next = Some(path.to_owned());
        for _ in 0..MOST_PAGES {
            let Some(path) = next.take() else { break };
            let mut answer = self.call("GET", &path, &Body::None)?;
            next = answer.next.take();
            match answer.ok(what)? {
                Value::Array(page) => items.extend(page),
                _ => return Err(HostError::Failed(format!("{what}: the answer is no list"))),
            }
        }
        Ok(items)
    }

    /// Downloads what `path` of the API leads to. It leads elsewhere, to a presigned URL: there no token goes along.
    ///
    /// # Errors
    /// When there is no such thing, or it is too large.
    pub(super) fn download(&self, path: &str, file: &std::path::Path) -> Result<(), HostError> {
        let failed = |message: &dyn std::fmt::Display| HostError::Failed(format!("the download: {message}"));
        let mut builder = ureq::http::Request::builder().uri(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            builder = builder.header(self.scheme.0, format!("{}{}", self.scheme.1, token.expose()));
        }
        let request = builder.body(()).map_err(|_| failed(&"the address is not valid"))?;
        let mut answer = self.agent.run(request).map_err(|error| failed(&error))?;
        if answer.status().is_redirection() {
            let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
            let location = location.filter(|location| is_safe_origin(location));
            let location = location.ok_or_else(|| failed(&"it leads nowhere safe"))?.to_owned();
            answer = self.agent.get(&location).call().map_err(|_| failed(&"the storage gives no answer"))?;
        }
        if !answer.status().is_success() {
            return Err(failed(&format!("HTTP {}", answer.status().as_u16())));
        }
        let mut body = answer.into_body().into_reader().take(LARGEST_DOWNLOAD + 1);
        let mut file = std::fs::File::create(file).map_err(|error| failed(&error))?;
        let size = std::io::copy(&mut body, &mut file).map_err(|error| failed(&error))?;
        if size > LARGEST_DOWNLOAD { Err(failed(&"it is too large")) } else { Ok(()) }
    }

    /// Whether `url` belongs to the API: the token goes nowhere else. Uploads have a host of their own beside it.
    fn may_go_to(&self, url: &str) -> bool {
        let origin = |url: &str| {
            let uri = url.parse::<ureq::http::Uri>().ok()?;
            Some((uri.scheme_str()?.to_owned(), uri.host()?.to_owned(), uri.port_u16()))
        };
        let (Some(ours), Some(theirs)) = (origin(&self.base), origin(url)) else { return false };
        let site = ours.1.strip_prefix("api.").unwrap_or(&ours.1);
        ours == theirs || (is_safe_origin(url) && ours.0 == theirs.0 && theirs.1 == format!("uploads.{site}"))
    }

    /// The answer, and how long the server wants to be left alone before the request is repeated.
    fn send(&self, method: &str, url: &str, body: &Body<'_>) -> Result<(Answer, Option<Duration>), String> {
        let mut builder = ureq::http::Request::builder().method(method).uri(url);
        for (name, value) in self.headers {
            builder = builder.header(*name, *value);
        }
        if let Some(token) = &self.token {
            builder = builder.header(self.scheme.0, format!("{}{}", self.scheme.1, token.expose()));
        }
        let failed = |error: &dyn std::fmt::Display| error.to_string();
        let invalid = |_| "the request is not valid".to_owned();
        let answer = match body {
            Body::None => self.agent.run(builder.body(()).map_err(invalid)?),
            Body::Json(json) => {
                let builder = builder.header("content-type", "application/json");
                self.agent.run(builder.body(json.to_string()).map_err(invalid)?)
            }
            Body::File(path, kind) => {
                let file = std::fs::File::open(path).map_err(|error| failed(&error))?;
                let builder = builder.header("content-type", *kind);
                self.agent.run(builder.body(file).map_err(invalid)?)
            }
        };
        let answer = answer.map_err(|error| failed(&error))?;
        let status = answer.status().as_u16();
        let header = |name: &str| answer.headers().get(name)?.to_str().ok().map(str::to_owned);
        let pause = pause(status, &header);
        let next = header("link").as_deref().and_then(next_link);
        let mut bytes = Vec::new();
        let read = answer.into_body().into_reader().take(LARGEST_ANSWER).read_to_end(&mut bytes);
        read.map_err(|error| failed(&error))?;
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok((Answer { status, json, next }, pause))
    }
}

/// How long a server wants to be left alone: a rate limit names seconds, or the time at which it ends.
fn pause(status: u16, header: &dyn Fn(&str) -> Option<String>) -> Option<Duration> {
    if !matches!(status, 403 | 429 | 503) {
        return None;
    }
    let number = |name: &str| header(name).and_then(|value| value.trim().parse::<i64>().ok());
    let seconds = match number("retry-after") {
        Some(seconds) => Some(seconds),
        None if number("x-ratelimit-remaining") == Some(0) => {
            number("x-ratelimit-reset").map(|reset| reset - unix_now() + 1)
        }
        None => (status == 429).then_some(5),
    };
    seconds.map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// The `next` of a `Link` header; source: RFC 8288.
fn next_link(header: &str) -> Option<String> {
    header.split(',').find_map(|link| {
        let (url, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        parameters.contains("rel=\"next\"").then(|| url.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(base: &str) -> Rest {
        Rest::new(base, None, ("authorization", "Bearer "), &[]).expect("a safe origin")
    }

    #[test]
    fn the_token_stays_with_its_service() {
        let public = rest("https://api.github.example");
        assert!(public.may_go_to("https://api.github.example/repos"));
        assert!(public.may_go_to("https://uploads.github.example/repos/1/assets?name=a"));
        for foreign in [
            "https://evil.example/",
            "https://api.github.example.evil.example/",
            "http://api.github.example/",
            "https://uploads.evil.example/",
            "https://api.github.example@evil.example/",
        ] {
            assert!(!public.may_go_to(foreign), "{foreign}");
        }
        // An Enterprise server has all of it below one host.
        let own = rest("https://ghe.example/api/v3");
        assert!(own.may_go_to("https://ghe.example/api/uploads/repos/o/r/releases/1/assets?name=a"));
        assert!(!own.may_go_to("https://api.github.example/repos"));
        assert!(Rest::new("http://api.github.example", None, ("a", "b"), &[]).is_err());
    }

    #[test]
    fn pages_are_found() {
        let header = "<https://a.example/?page=1>; rel=\"prev\", <https://a.example/?page=3>; rel=\"next\"";
        assert_eq!(next_link(header).as_deref(), Some("https://a.example/?page=3"));
        assert_eq!(next_link("<https://a.example/?page=1>; rel=\"last\""), None);
    }

    #[test]
    fn rate_limits_are_waited_for_and_refusals_are_not() {
        let pause_of = |status, headers: &[(&str, String)]| {
            pause(status, &|name| {
                headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
            })
        };
        assert_eq!(pause_of(403, &[]), None);
        assert_eq!(pause_of(403, &[("retry-after", "3".to_owned())]), Some(Duration::from_secs(3)));
        let reset = (unix_now() + 9).to_string();
        let limited = [("x-ratelimit-remaining", "0".to_owned()), ("x-ratelimit-reset", reset)];
        assert!(pause_of(429, &limited).is_some_and(|pause| (9..=11).contains(&pause.as_secs())));
        assert_eq!(pause_of(200, &limited), None);
    }
}
