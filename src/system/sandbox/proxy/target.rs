//! Where a request to the proxy wants to go, and whether it may.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::system::sandbox::address::is_public;
use crate::system::sandbox::layer::Network;

/// Ports that pages may reach.
const PORTS: [u16; 2] = [80, 443];

/// Time limit of a connection to one address.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Number of addresses of a name that are tried.
const MAX_ADDRESSES: usize = 4;

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// A name in lower case, or an address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Target {
    /// Parses `host:port`, or `host` with a default port. An IPv6 address is in brackets.
    pub(super) fn parse(authority: &str, default_port: Option<u16>) -> Option<Self> {
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']')?;
                host.parse::<std::net::Ipv6Addr>().ok()?;
                (host, rest.strip_prefix(':').or(rest.is_empty().then_some(""))?)
            }
            None => authority.rsplit_once(':').unwrap_or((authority, "")),
        };
        let port = if port.is_empty() { default_port? } else { port.parse().ok()? };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
        let is_valid = !host.is_empty() && host.len() <= 255 && host.bytes().all(is_name);
        is_valid.then(|| Self { host: host.to_ascii_lowercase(), port })
    }

    /// Returns `host:port`.
    pub(super) fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// Resolves the name once, and returns its public addresses. The caller connects to these and to no others: the
    /// answer of a second look-up may differ.
    ///
    /// # Errors
    /// Returns an error of the kind `PermissionDenied` if the target may not be reached, and the error of the look-up.
    pub(super) fn addresses(&self, network: Network) -> io::Result<Vec<SocketAddr>> {
        if network == Network::Public
            && let Some(address) = test_host(&self.authority()).and_then(|address| address.parse().ok())
        {
            return Ok(vec![address]);
        }
        self.check(network)?;
        let tested = test_host(&self.host).and_then(|address| address.parse::<IpAddr>().ok());
        let all = match tested {
            Some(address) => vec![SocketAddr::new(address, self.port)],
            None => (self.host.as_str(), self.port).to_socket_addrs()?.collect(),
        };
        let public = all.into_iter().filter(|address| is_public(address.ip()));
        let public = public.take(MAX_ADDRESSES).collect::<Vec<_>>();
        if public.is_empty() { Err(refused("not a public address")) } else { Ok(public) }
    }

    /// Checks what can be known without a look-up.
    ///
    /// # Errors
    /// Returns an error of the kind `PermissionDenied`.
    pub(super) fn check(&self, network: Network) -> io::Result<()> {
        if network == Network::None {
            return Err(refused("--network none"));
        }
        if !PORTS.contains(&self.port) {
            return Err(refused("not port 80 or 443"));
        }
        let name = self.host.trim_end_matches('.');
        let is_internal = ["localhost", "local", "internal", "home.arpa"]
            .iter()
            .any(|zone| name.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')));
        let is_private = name.parse::<IpAddr>().is_ok_and(|address| !is_public(address));
        if is_internal || is_private { Err(refused("not a public address")) } else { Ok(()) }
    }

    /// Connects to the first address that answers.
    ///
    /// # Errors
    /// As [`Target::addresses`], or the error of the last connection.
    pub(super) fn connect(&self, network: Network) -> io::Result<TcpStream> {
        let mut last = refused("not a public address");
        for address in self.addresses(network)? {
            match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

fn refused(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, reason)
}

/// Returns the address that a test gives a host, in `HYPERFRAMES_CI_TEST_HOSTS=cdn.test:80=127.0.0.1:8080,…`: the host
/// with a port is taken for a public one; a name without a port, as in `private.test=10.0.0.1`, resolves to the address.
/// Builds for users do not have it.
fn test_host(wanted: &str) -> Option<String> {
    if !cfg!(debug_assertions) {
        return None;
    }
    let hosts = std::env::var("HYPERFRAMES_CI_TEST_HOSTS").ok()?;
    let mut pairs = hosts.split(',').filter_map(|pair| pair.split_once('='));
    pairs.find(|(host, _)| *host == wanted).map(|(_, address)| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_are_parsed_strictly() {
        let parse = |text| Target::parse(text, Some(80)).map(|target| target.authority());
        assert_eq!(parse("CDN.example:443").as_deref(), Some("cdn.example:443"));
        assert_eq!(parse("cdn.example").as_deref(), Some("cdn.example:80"));
        assert_eq!(parse("[2606:4700::1]:443").as_deref(), Some("[2606:4700::1]:443"));
        for wrong in [
            "",
            ":80",
            "a b:80",
            "user@host:80",
            "host:port",
            "host:70000",
            "[::1",
            "[x]:80",
            "[::1]80",
            "a/b",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!(Target::parse("host", None), None);
    }

    #[test]
    fn only_public_hosts_on_the_ports_of_the_web_may_be_reached() {
        let refused = |authority: &str, network| {
            let target = Target::parse(authority, None).expect("an authority");
            let error = target
                .addresses(network)
                .err()
                .filter(|error| error.kind() == io::ErrorKind::PermissionDenied);
            error.map(|error| error.to_string())
        };
        for authority in [
            "127.0.0.1:80",
            "localhost:80",
            "localhost.:80",
            "x.localhost:443",
            "printer.local:80",
            "metadata.google.internal:80",
            "169.254.169.254:80",
            "10.1.2.3:443",
            "[::1]:80",
            "[::ffff:127.0.0.1]:80",
            "[fd00:ec2::254]:80",
            // The forms that the system's resolver reads as 127.0.0.1.
            "127.1:80",
            "2130706433:80",
            "0x7f000001:80",
            "0177.0.0.1:80",
        ] {
            assert_eq!(
                refused(authority, Network::Public).as_deref(),
                Some("not a public address"),
                "{authority}"
            );
        }
        assert_eq!(refused("1.1.1.1:22", Network::Public).as_deref(), Some("not port 80 or 443"));
        assert_eq!(refused("1.1.1.1:443", Network::None).as_deref(), Some("--network none"));
        assert_eq!(refused("1.1.1.1:443", Network::Public), None);
    }
}
