//! An endpoint, and requests to it. Its token is sent to its own origin only.

use std::time::Duration;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use ureq::http::{Response, Uri};
use ureq::{Agent, Body};

use super::error::HttpError;
use super::options::{HttpOptions, RequestForm};
use crate::heygen::source::Source;
use crate::heygen::transport::NoResponse;
use crate::system::deadline::Deadline;
use crate::system::http::{CONNECT_TIMEOUT, USER_AGENT, hardened_config, is_safe_origin};
use crate::system::proxy::proxy;
use crate::system::secret::Secret;

/// Prefix of the variable with the token of a host.
const TOKEN_VARIABLE: &str = "HYPERFRAMES_CI_HTTP_TOKEN_";

/// Redirects of one request that are followed.
const MAX_REDIRECTS: usize = 5;

/// What a token in a message is replaced by.
const MASK: &str = "***";

/// Characters that are escaped in links, in addition to all that are not ASCII.
const UNESCAPED: &AsciiSet = &CONTROLS.add(b' ');

/// An endpoint that renders.
#[derive(Debug)]
pub(super) struct Endpoint {
    url: String,
    origin: Origin,
    pub(super) form: RequestForm,
    /// Name of the variable with the token.
    pub(super) variable: String,
    token: Option<Secret>,
    /// For requests that are answered once the video is rendered.
    posts: Agent,
    gets: Agent,
}

/// The origin of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    fn of(url: &str) -> Option<Self> {
        let uri = url.parse::<Uri>().ok()?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        let port = authority.port_u16().or(match scheme.as_str() {
            "https" => Some(443),
            "http" => Some(80),
            _ => None,
        })?;
        Some(Self { scheme, host: authority.host().to_ascii_lowercase(), port })
    }

    /// Returns the beginning of the URLs of the origin.
    fn base(&self) -> String {
        format!("{}://{}:{}", self.scheme, self.host, self.port)
    }
}

impl Endpoint {
    /// Returns the endpoint of the options, with the token of its host in the environment, if there is one.
    ///
    /// # Errors
    /// Returns [`HttpError`] if no endpoint is set, its URL is not a safe origin for a token, or the token is invalid.
    pub(super) fn new(
        options: &HttpOptions,
        idle_timeout: Duration,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, HttpError> {
        let set = options.endpoint.as_deref().map(str::trim).filter(|url| !url.is_empty());
        let mut url = set.ok_or(HttpError::NoEndpoint)?.to_owned();
        if !is_safe_origin(&url) {
            return Err(HttpError::InvalidEndpoint("must be https://, or http:// on a loopback address"));
        }
        if url.contains('#') {
            return Err(HttpError::InvalidEndpoint("must not contain a fragment"));
        }
        let origin = Origin::of(&url).ok_or(HttpError::InvalidEndpoint("is not valid"))?;
        // Its variable would be that of another host, which has a dot there.
        if origin.host.contains('_') {
            return Err(HttpError::InvalidEndpoint("must not contain an underscore in its host"));
        }
        let uri = url.parse::<Uri>().map_err(|_| HttpError::InvalidEndpoint("is not valid"))?;
        if uri.path() == "/" && uri.query().is_none() {
            url = format!("{}{}", url.trim_end_matches('/'), options.form.default_path());
        }
        let name = token_variable(&origin.host);
        let token = variable(&name).filter(|token| !token.trim().is_empty());
        let token = token.map(|token| Secret::for_header(token.trim().to_owned()));
        let token =
            token.map(|token| token.ok_or_else(|| HttpError::InvalidToken(name.clone()))).transpose()?;
        let https_only = origin.scheme == "https";
        let settings = || {
            hardened_config()
                .https_only(https_only)
                .user_agent(USER_AGENT)
                .timeout_resolve(Some(CONNECT_TIMEOUT))
                .timeout_connect(Some(CONNECT_TIMEOUT))
        };
        Ok(Self {
            posts: settings().build().new_agent(),
            gets: settings()
                .timeout_recv_response(Some(idle_timeout))
                .timeout_per_read(Some(idle_timeout))
                .build()
                .new_agent(),
            url,
            origin,
            form: options.form,
            variable: name,
            token,
        })
    }

    /// Returns the host and the port, for messages.
    pub(super) fn host(&self) -> String {
        match (self.origin.scheme.as_str(), self.origin.port) {
            ("https", 443) | ("http", 80) => self.origin.host.clone(),
            (_, port) => format!("{}:{port}", self.origin.host),
        }
    }

    /// Posts `body`, and follows redirects that repeat a request within the origin.
    ///
    /// # Errors
    /// Returns [`NoResponse`] without the token if there is no response before `deadline`.
    pub(super) fn post(
        &self,
        body: &[u8],
        key: Option<&str>,
        deadline: Deadline,
    ) -> Result<Response<Body>, NoResponse> {
        let mut url = self.url.clone();
        for _ in 0..MAX_REDIRECTS {
            let mut request = ureq::http::Request::builder().method("POST").uri(&url);
            request = request.header("accept", "video/*, application/json").header("prefer", "respond-async");
            if let Some(key) = key {
                request = request.header("idempotency-key", key);
            }
            if let Some(token) = self.token_for(&url) {
                request = request.header("authorization", format!("Bearer {}", token.expose()));
            }
            let response = if self.form == RequestForm::Empty {
                self.run(&self.posts, request.body(()), &url, deadline)?
            } else {
                self.run(
                    &self.posts,
                    request.header("content-type", "application/json").body(body),
                    &url,
                    deadline,
                )?
            };
            let repeated = matches!(response.status().as_u16(), 307 | 308);
            match self.location(&url, &response).filter(|target| repeated && self.is_own(target)) {
                Some(target) => url = target,
                None => return Ok(response),
            }
        }
        Err(self.too_many_redirects())
    }

    /// Gets `url` with the given headers; the token goes to the endpoint's own origin only, also after redirects.
    ///
    /// # Errors
    /// Returns [`NoResponse`] without the token if there is no response before `deadline`.
    pub(super) fn get(
        &self,
        url: &str,
        headers: &[(&str, String)],
        deadline: Deadline,
    ) -> Result<Response<Body>, NoResponse> {
        let mut url = utf8_percent_encode(url, UNESCAPED).to_string();
        for _ in 0..MAX_REDIRECTS {
            let mut request = ureq::http::Request::builder().method("GET").uri(&url);
            for (name, value) in headers {
                request = request.header(*name, value);
            }
            if let Some(token) = self.token_for(&url) {
                request = request.header("authorization", format!("Bearer {}", token.expose()));
            }
            let response = self.run(&self.gets, request.body(()), &url, deadline)?;
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(response);
            }
            let Some(target) = self.location(&url, &response) else { return Ok(response) };
            url = target;
        }
        Err(self.too_many_redirects())
    }

    fn too_many_redirects(&self) -> NoResponse {
        NoResponse { message: format!("{}: too many redirects", self.host()), is_unsent: false }
    }

    fn run<B: ureq::AsSendBody>(
        &self,
        agent: &Agent,
        request: Result<ureq::http::Request<B>, ureq::http::Error>,
        url: &str,
        deadline: Deadline,
    ) -> Result<Response<Body>, NoResponse> {
        let request = request.map_err(|_| NoResponse::unsent("invalid URL"))?;
        let limit = deadline.request_time();
        if limit == Some(Duration::ZERO) {
            return Err(NoResponse::unsent("the time limit is exceeded"));
        }
        let proxy = proxy(url).map_err(NoResponse::unsent)?;
        let request = agent.configure_request(request).proxy(proxy).timeout_global(limit).build();
        agent.run(request).map_err(|error| NoResponse::of(&self.host(), &error))
    }

    /// Returns the token if it may be sent to `url`.
    fn token_for(&self, url: &str) -> Option<&Secret> {
        self.token.as_ref().filter(|_| self.is_own(url))
    }

    /// Returns whether a URL has the origin of the endpoint.
    fn is_own(&self, url: &str) -> bool {
        Origin::of(url).is_some_and(|origin| origin == self.origin)
    }

    /// Returns the target of the header `Location`.
    pub(super) fn location(&self, url: &str, response: &Response<Body>) -> Option<String> {
        self.resolve(url, response.headers().get("location")?.to_str().ok()?)
    }

    /// Returns a link of a response to `base` as an absolute URL; `None` if it is not HTTP, or not HTTPS although the endpoint is.
    /// Segments such as `..` are left to the server.
    pub(super) fn resolve(&self, base: &str, link: &str) -> Option<String> {
        let link = Some(link.trim()).filter(|link| !link.is_empty())?;
        let is_absolute = link.split_once(':').is_some_and(|(scheme, _)| !scheme.contains(['/', '?', '#']));
        let resolved = if is_absolute {
            link.to_owned()
        } else if link.starts_with("//") {
            format!("{}:{link}", Origin::of(base)?.scheme)
        } else if link.starts_with('/') {
            format!("{}{link}", Origin::of(base)?.base())
        } else {
            let page = base.split(['?', '#']).next()?;
            let path = page.find("://")? + 3;
            match page[path..].rfind('/') {
                _ if link.starts_with(['?', '#']) => format!("{page}{link}"),
                Some(end) => format!("{}{link}", &page[..=path + end]),
                None => format!("{page}/{link}"),
            }
        };
        let escaped = utf8_percent_encode(&resolved, UNESCAPED).to_string();
        let origin = Origin::of(&escaped)?;
        (origin.scheme == "https" || (origin.scheme == "http" && self.origin.scheme == "http"))
            .then_some(escaped)
    }

    /// Returns the URL of the endpoint.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Replaces the token in a text: a server that echoes the headers of requests must not bring it into a log.
    pub(super) fn masked(&self, text: &str) -> String {
        match &self.token {
            Some(token) => text.replace(token.expose(), MASK),
            None => text.to_owned(),
        }
    }
}

/// Downloads, with the token where the link has the endpoint's own origin.
impl Source for Endpoint {
    fn open(
        &self,
        url: &str,
        offset: u64,
        validator: Option<&str>,
        deadline: Deadline,
    ) -> Result<Response<Body>, String> {
        let mut headers = Vec::new();
        if offset > 0 {
            headers.push(("range", format!("bytes={offset}-")));
            headers.extend(validator.map(|validator| ("if-range", validator.to_owned())));
        }
        self.get(url, &headers, deadline).map_err(|error| error.message)
    }
}

/// Returns the name of the variable with the token of a host: each host has its own, so that a configuration that names
/// another endpoint does not get it.
fn token_variable(host: &str) -> String {
    let name = host.trim_matches(['[', ']']).to_ascii_uppercase().replace('-', "__").replace(['.', ':'], "_");
    format!("{TOKEN_VARIABLE}{name}")
}

/// Returns a URL without its query, which may contain a signature.
pub(super) fn without_query(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str, form: RequestForm) -> Result<Endpoint, HttpError> {
        let options = HttpOptions { endpoint: Some(url.to_owned()), form };
        let token =
            |name: &str| (name == "HYPERFRAMES_CI_HTTP_TOKEN_A__B_EXAMPLE").then(|| "topsecret".to_owned());
        Endpoint::new(&options, CONNECT_TIMEOUT, &token)
    }

    #[test]
    fn a_url_without_a_path_gets_that_of_the_form() {
        for (url, form, whole) in [
            ("https://x.example", RequestForm::Files, "https://x.example/render"),
            ("https://x.example/", RequestForm::Html, "https://x.example/api/render"),
            ("https://x.example/v", RequestForm::Html, "https://x.example/v"),
            ("http://127.0.0.1:8/", RequestForm::Emulator, "http://127.0.0.1:8/render"),
            ("https://x.example/?a=b", RequestForm::Empty, "https://x.example/?a=b"),
        ] {
            assert_eq!(endpoint(url, form).expect("usable").url(), whole);
        }
    }

    #[test]
    fn a_token_is_for_https_and_loopback() {
        for url in [
            "http://render.lan/render",
            "https://u:p@x.example",
            "ftp://x",
            "x.example",
            "https://x#y",
            // The variable of a.b.example.
            "https://a_b.example",
        ] {
            assert!(matches!(endpoint(url, RequestForm::Files), Err(HttpError::InvalidEndpoint(_))), "{url}");
        }
        let none = Endpoint::new(&HttpOptions::default(), CONNECT_TIMEOUT, &|_| None);
        assert!(matches!(none, Err(HttpError::NoEndpoint)));
        let broken = HttpOptions { endpoint: Some("https://x".to_owned()), ..HttpOptions::default() };
        let broken = Endpoint::new(&broken, CONNECT_TIMEOUT, &|_| Some("a\nb".to_owned()));
        assert!(
            matches!(broken, Err(HttpError::InvalidToken(name)) if name == "HYPERFRAMES_CI_HTTP_TOKEN_X")
        );
    }

    #[test]
    fn a_token_is_sent_to_its_own_origin_only() {
        let endpoint = endpoint("https://a-b.example/render", RequestForm::Files).expect("usable");
        for own in ["https://a-b.example/x", "https://A-B.EXAMPLE:443/y"] {
            assert!(endpoint.token_for(own).is_some(), "{own}");
        }
        for foreign in [
            "http://a-b.example/x",
            "https://a-b.example:8443/x",
            "https://b.example/x",
            "https://a-b.example.evil.example/x",
            "https://a-b.example@evil.example/x",
            "https://u@a-b.example/x",
        ] {
            assert!(endpoint.token_for(foreign).is_none(), "{foreign}");
        }
        assert_eq!(endpoint.masked("Bearer topsecret?"), "Bearer ***?");
        let other =
            HttpOptions { endpoint: Some("https://other.example".to_owned()), ..HttpOptions::default() };
        let other = Endpoint::new(&other, CONNECT_TIMEOUT, &|name| {
            (name == "HYPERFRAMES_CI_HTTP_TOKEN_A__B_EXAMPLE").then(|| "topsecret".to_owned())
        });
        assert!(other.expect("usable").token.is_none());
    }

    #[test]
    fn links_are_resolved_without_a_downgrade() {
        let endpoint = endpoint("https://x.example/api/render", RequestForm::Files).expect("usable");
        let resolved = |link: &str| endpoint.resolve("https://x.example/api/render", link);
        assert_eq!(resolved("/r/a b.mp4").as_deref(), Some("https://x.example:443/r/a%20b.mp4"));
        assert_eq!(resolved("https://y.example/v?s=1").as_deref(), Some("https://y.example/v?s=1"));
        assert_eq!(resolved("//y.example/v").as_deref(), Some("https://y.example/v"));
        assert_eq!(resolved("v.mp4?a=b:c").as_deref(), Some("https://x.example/api/v.mp4?a=b:c"));
        assert_eq!(resolved("?id=1").as_deref(), Some("https://x.example/api/render?id=1"));
        let bare = endpoint.resolve("https://x.example?a=b", "v.mp4");
        assert_eq!(bare.as_deref(), Some("https://x.example/v.mp4"));
        for bad in ["http://y.example/v", "file:///etc/passwd", "data:,x", "", " "] {
            assert_eq!(resolved(bad), None, "{bad}");
        }
    }
}
