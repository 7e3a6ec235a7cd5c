//! HTTP settings shared by every client of this program.

use std::net::IpAddr;
use std::time::Duration;

use ureq::Agent;
use ureq::config::ConfigBuilder;
use ureq::typestate::AgentScope;

/// How long finding and connecting to a server may take.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// The header `User-Agent` of requests to services that a user has chosen.
pub(crate) const USER_AGENT: &str = concat!("hyperframes-ci/", env!("CARGO_PKG_VERSION"));

/// Returns the settings that every client starts from: the platform's root certificates, no redirects, no proxy, and no
/// error for a status of 400 or above.
pub(crate) fn hardened_config() -> ConfigBuilder<AgentScope> {
    let tls = ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::PlatformVerifier).build();
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        // One that fits the URL is set for each request; see `system::proxy`.
        .proxy(None)
        .tls_config(tls)
}

/// Returns whether a credential may be sent to `url`: HTTPS, or HTTP on a loopback address; never with user info.
pub(crate) fn is_safe_origin(url: &str) -> bool {
    let Ok(uri) = url.parse::<ureq::http::Uri>() else { return false };
    uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
        && match uri.scheme_str() {
            Some("https") => true,
            Some("http") => uri.host().is_some_and(is_loopback),
            _ => false,
        }
}

/// Returns an error's message without URLs: the query of a presigned one contains its signature.
pub(crate) fn describe(error: &ureq::Error) -> String {
    match error {
        ureq::Error::BadUri(_) => "invalid URL".to_owned(),
        ureq::Error::RequireHttpsOnly(_) => "the URL is not HTTPS".to_owned(),
        ureq::Error::HostNotFound => "host not found".to_owned(),
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::ConnectionFailed => "connection failed".to_owned(),
        ureq::Error::Timeout(ureq::Timeout::Global) => "timed out".to_owned(),
        ureq::Error::Timeout(what) => format!("timed out waiting for data ({what})"),
        other => other.to_string(),
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
