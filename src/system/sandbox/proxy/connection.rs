//! One connection of a client: a request, an answer or a tunnel.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::target::Target;
use super::upstream::connect;
use crate::system::sandbox::layer::Network;
use crate::system::sandbox::tunnel::tunnel;

/// Maximum size of the head of a request, in bytes.
const MAX_HEAD: usize = 32 * 1024;

/// Maximum number of headers of a request.
const MAX_HEADERS: usize = 100;

/// Time limit of each read and write. A page that is loading is never silent for so long.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Headers that concern one connection only; source: RFC 9110, section 7.6.1.
const HOP_BY_HOP: &[&str] =
    &["connection", "proxy-connection", "proxy-authorization", "keep-alive", "te", "upgrade"];

/// A request to a proxy.
enum Request {
    /// A tunnel to the target.
    Connect(Target),
    /// A request with an absolute URL: the target, and the head to send.
    Forward(Target, Vec<u8>),
}

/// Serves one request of `client`.
///
/// # Errors
/// Returns an error if a connection ends early or is idle for too long.
pub(super) fn serve(mut client: TcpStream, network: Network) -> io::Result<()> {
    client.set_read_timeout(Some(IDLE_TIMEOUT))?;
    client.set_write_timeout(Some(IDLE_TIMEOUT))?;
    client.set_nodelay(true)?;
    let Some((head, rest)) = read_head(&mut client)? else {
        return reject(&mut client, "400 Bad Request", "");
    };
    let Some(request) = parse(&head) else { return reject(&mut client, "400 Bad Request", "") };
    let (target, head) = match request {
        Request::Connect(target) => (target, None),
        Request::Forward(target, head) => (target, Some(head)),
    };
    let mut server = match connect(&target, network) {
        Ok(server) => server,
        // An answer would let a page tell a refused host from one that does not exist.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && head.is_some() => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return reject(&mut client, "403 Forbidden", &error.to_string());
        }
        Err(error) => return reject(&mut client, "502 Bad Gateway", &error.to_string()),
    };
    server.set_read_timeout(Some(IDLE_TIMEOUT))?;
    server.set_write_timeout(Some(IDLE_TIMEOUT))?;
    server.set_nodelay(true)?;
    match head {
        Some(head) => server.write_all(&head)?,
        None => client.write_all(b"HTTP/1.1 200 Connection Established\r\n\r\n")?,
    }
    server.write_all(&rest)?;
    tunnel(client, server)
}

/// Reads the head of a request; returns it with the bytes after it, or `None` if it is too long or incomplete.
fn read_head(client: &mut TcpStream) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            let rest = bytes.split_off(end + 4);
            return Ok(Some((bytes, rest)));
        }
        if bytes.len() > MAX_HEAD {
            return Ok(None);
        }
        match client.read(&mut buffer)? {
            0 => return Ok(None),
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

fn parse(head: &[u8]) -> Option<Request> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    request.parse(head).ok()?.is_complete().then_some(())?;
    let (method, target) = (request.method?, request.path?);
    if method == "CONNECT" {
        return Target::parse(target, None).map(Request::Connect);
    }
    let rest =
        target.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("http://")).map(|_| &target[7..])?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let target = Target::parse(authority, Some(80))?;
    let mut forwarded = Vec::new();
    let slash = if path.starts_with('/') { "" } else { "/" };
    write!(forwarded, "{method} {slash}{path} HTTP/1.1\r\n").ok()?;
    for header in request.headers.iter() {
        if !HOP_BY_HOP.iter().any(|name| header.name.eq_ignore_ascii_case(name)) {
            write!(forwarded, "{}: ", header.name).ok()?;
            forwarded.extend_from_slice(header.value);
            forwarded.extend_from_slice(b"\r\n");
        }
    }
    // One request per connection, so that every request is checked.
    forwarded.extend_from_slice(b"Connection: close\r\n\r\n");
    Some(Request::Forward(target, forwarded))
}

/// Answers with an error. The reason is that of the proxy; nothing of the network is repeated.
fn reject(client: &mut TcpStream, status: &str, reason: &str) -> io::Result<()> {
    let length = reason.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    );
    client.write_all(head.as_bytes())?;
    client.write_all(reason.as_bytes())?;
    let _ = client.shutdown(Shutdown::Write);
    // Otherwise unread bytes reset the connection, and the client does not see the answer.
    let mut unread = client.take(1 << 20);
    io::copy(&mut unread, &mut io::sink()).map(|_| ())
}
