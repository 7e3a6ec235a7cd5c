//! The user's own proxy, behind which the filtering proxy works.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ureq::{Proxy, ProxyProtocol};

use super::target::Target;
use crate::system::proxy::proxy;
use crate::system::sandbox::layer::Network;

/// Time limit of the connection to the user's proxy, and of its answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Maximum size of the head of its answer, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// Connects to a target, directly or through the user's proxy.
///
/// # Errors
/// Returns an error of the kind `PermissionDenied` if the target may not be reached, and otherwise why no connection was
/// made.
pub(super) fn connect(target: &Target, network: Network) -> io::Result<TcpStream> {
    let scheme = if target.port == 80 { "http" } else { "https" };
    let proxy = proxy(&format!("{scheme}://{}/", target.authority())).map_err(io::Error::other)?;
    match proxy {
        None => target.connect(network),
        Some(proxy) => connect_through(&proxy, target, network),
    }
}

/// Opens a tunnel through `proxy`. It resolves the name itself: where this machine can resolve it too, the address must
/// be public.
fn connect_through(proxy: &Proxy, target: &Target, network: Network) -> io::Result<TcpStream> {
    target.check(network)?;
    match target.addresses(network) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(error),
        _ => {}
    }
    if proxy.protocol() != ProxyProtocol::Http {
        return Err(io::Error::other("pages are loaded through proxies with an http:// URL only"));
    }
    let mut addresses = (proxy.host(), proxy.port()).to_socket_addrs()?;
    let address = addresses.next().ok_or_else(|| io::Error::other("the proxy has no address"))?;
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let authority = target.authority();
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
    if let Some(user) = proxy.username() {
        let credential = STANDARD.encode(format!("{user}:{}", proxy.password().unwrap_or_default()));
        request.extend(["Proxy-Authorization: Basic ", &credential, "\r\n"]);
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes())?;
    check_answer(&mut stream)?;
    Ok(stream)
}

/// Reads the head of the answer, and not a byte more: what follows belongs to the client.
fn check_answer(stream: &mut impl Read) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if head.len() > MAX_HEAD || stream.read(&mut byte)? == 0 {
            return Err(io::Error::other("the proxy did not answer"));
        }
        head.push(byte[0]);
    }
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let _ = response.parse(&head);
    match response.code {
        Some(200..=299) => Ok(()),
        Some(code) => Err(io::Error::other(format!("the proxy answered {code}"))),
        None => Err(io::Error::other("the proxy did not answer")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_a_proxy_is_read_to_its_end_only() {
        let mut answer = &b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\nhello"[..];
        assert!(check_answer(&mut answer).is_ok());
        assert_eq!(answer, b"hello");
        for wrong in ["HTTP/1.1 407 Who\r\n\r\n", "HTTP/1.1 200 OK\r\n", "nonsense\r\n\r\n", ""] {
            assert!(check_answer(&mut wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
