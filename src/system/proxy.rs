//! The proxy for a URL, by the variables that curl and other programs read.

use ureq::Proxy;
use ureq::http::Uri;

/// Returns the proxy for `url`: `HTTPS_PROXY` for https, `HTTP_PROXY` for http, and otherwise `ALL_PROXY`, each also in
/// lower case, which comes first. `NO_PROXY` lists hosts without one.
///
/// # Errors
/// Returns a message if the variable does not contain the URL of a proxy: the proxy must not be bypassed silently.
pub(crate) fn proxy(url: &str) -> Result<Option<Proxy>, String> {
    let Ok(uri) = url.parse::<Uri>() else { return Ok(None) };
    proxy_by(&uri, &|name| std::env::var(name).ok())
}

fn proxy_by(uri: &Uri, variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Proxy>, String> {
    let is_https = uri.scheme_str() == Some("https");
    // A CGI program gets the header `Proxy` of its client as HTTP_PROXY: the client must not choose the proxy.
    let is_trusted = |name: &str| name != "HTTP_PROXY" || variable("REQUEST_METHOD").is_none();
    let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty() && is_trusted(name));
    let names = if is_https { ["https_proxy", "HTTPS_PROXY"] } else { ["http_proxy", "HTTP_PROXY"] };
    let mut names = names.into_iter().chain(["all_proxy", "ALL_PROXY"]);
    let Some((name, value)) = names.find_map(|name| Some((name, set(name)?))) else { return Ok(None) };
    let exceptions = set("no_proxy").or_else(|| set("NO_PROXY")).unwrap_or_default();
    if uri.host().is_some_and(|host| is_excepted(host, uri.port_u16(), &exceptions)) {
        return Ok(None);
    }
    // Without the value: it may contain a password.
    let invalid = || {
        format!(
            "{name} is not a valid proxy URL; it must be an http://, https://, socks5:// or socks5h:// URL with a host"
        )
    };
    Proxy::new(value.trim()).map(Some).map_err(|_| invalid())
}

/// Returns whether a host, or a domain that it is in, is listed in `NO_PROXY`.
fn is_excepted(host: &str, port: Option<u16>, exceptions: &str) -> bool {
    let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
    exceptions.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let entry = entry.to_ascii_lowercase();
        let (name, only) = match entry.rsplit_once(':') {
            Some((name, digits)) if !name.contains(':') || name.ends_with(']') => match digits.parse::<u16>()
            {
                Ok(only) => (name, Some(only)),
                Err(_) => (entry.as_str(), None),
            },
            _ => (entry.as_str(), None),
        };
        let name = name.trim_matches(['[', ']']);
        let domain = name.trim_start_matches('*').trim_start_matches('.');
        let is_inside = || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
        (name == "*" || host == domain || (!domain.is_empty() && is_inside()))
            && only.is_none_or(|only| port == Some(only))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(url: &str, variables: &[(&str, &str)]) -> Result<Option<String>, String> {
        let uri = url.parse().expect("a URL");
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Ok(proxy_by(&uri, &variable)?.map(|proxy| proxy.host().to_owned()))
    }

    #[test]
    fn each_scheme_has_its_own_proxy() {
        let all = [("HTTPS_PROXY", "http://s"), ("HTTP_PROXY", "http://p"), ("ALL_PROXY", "socks5://a")];
        assert_eq!(chosen("https://x/", &all), Ok(Some("s".to_owned())));
        assert_eq!(chosen("http://x/", &all), Ok(Some("p".to_owned())));
        assert_eq!(chosen("http://x/", &all[..1]), Ok(None), "HTTPS_PROXY is for https");
        assert_eq!(chosen("https://x/", &all[1..2]), Ok(None), "HTTP_PROXY is for http");
        assert_eq!(chosen("http://x/", &[all[0], all[2]]), Ok(Some("a".to_owned())));
        assert_eq!(chosen("https://x/", &[("all_proxy", "socks5h://b:1"), all[2]]), Ok(Some("b".to_owned())));
        assert_eq!(chosen("https://x/", &[("https_proxy", "l"), all[0]]), Ok(Some("l".to_owned())));
        assert_eq!(
            chosen("http://x/", &[("REQUEST_METHOD", "GET"), all[1]]),
            Ok(None),
            "a header of a client"
        );
    }

    #[test]
    fn hosts_can_be_excepted() {
        for (exceptions, is_direct) in [
            ("*", true),
            ("api.example.com", true),
            ("other, example.com", true),
            (".example.com", true),
            ("*.example.com", true),
            ("API.EXAMPLE.COM", true),
            ("api.example.com:8443", true),
            ("api.example.com:443", false),
            ("ample.com", false),
            ("com.", false),
            ("", false),
        ] {
            let variables = [("HTTPS_PROXY", "http://s"), ("NO_PROXY", exceptions)];
            let found = chosen("https://api.example.com:8443/v3", &variables).expect("usable");
            assert_eq!(found.is_none(), is_direct, "{exceptions}");
        }
        assert_eq!(chosen("http://[::1]:80/", &[("HTTP_PROXY", "http://s"), ("no_proxy", "::1")]), Ok(None));
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_an_error_without_its_password() {
        for value in ["ftp://user:secret@x", "http://user:secret@", "::"] {
            let error = chosen("https://x/", &[("HTTPS_PROXY", value)]).expect_err("not a proxy");
            assert!(error.contains("HTTPS_PROXY") && !error.contains("secret"), "{error}");
        }
    }
}
