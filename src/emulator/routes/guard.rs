//! Refuses requests that a web page of another site may have caused.
//!
//! Pages can send requests to loopback. A name that resolves to 127.0.0.1 makes them requests of the page's own origin (DNS
//! rebinding), but the name is then in the `Host` header; any other page is named in the `Origin` header.

use crate::emulator::server::Request;

/// Returns why a request to the server at `url`, such as `http://127.0.0.1:8787`, is refused; `None` if it is not.
pub(super) fn refusal(request: &Request, url: &str) -> Option<&'static str> {
    let port = url.rsplit(':').next().unwrap_or_default();
    let is_own_host = |host: &str| {
        let names = ["127.0.0.1", "localhost", "[::1]"];
        names.iter().any(|name| {
            let host = host.to_ascii_lowercase();
            host.strip_prefix(name)
                .is_some_and(|rest| rest.strip_prefix(':') == Some(port) || rest.is_empty() && port == "80")
        })
    };
    let mut hosts = request.values("host");
    if !matches!((hosts.next(), hosts.next()), (Some(host), None) if is_own_host(host)) {
        return Some("the Host header is not the address of the emulator");
    }
    let is_own_origin = |origin: &str| origin.strip_prefix("http://").is_some_and(is_own_host);
    if !request.values("origin").all(is_own_origin) {
        return Some("requests from pages of other origins are not allowed");
    }
    None
}
