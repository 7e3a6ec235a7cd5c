//! A small HTTP/1.1 server: one thread and one request per connection, bodies streamed.
//!
//! Server libraries cannot do what faults need: close a connection in the middle of a reply or before it, stall, or
//! refuse connections for a while. Heads are parsed by `httparse`.

mod acceptor;
mod reply;
mod request;

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use acceptor::Acceptor;
pub(crate) use reply::{Content, Ending, Reply};
pub(crate) use request::Request;

/// How long a read or a write waits for the client.
const IDLE_TIMEOUT: Duration = Duration::from_secs(120);

/// How long a stalled connection stays open at most.
const MAX_STALL: Duration = Duration::from_secs(600);

/// Answers requests.
pub(crate) type Handler = Arc<dyn Fn(&mut Request) -> Reply + Send + Sync>;

/// A server on 127.0.0.1; dropping it stops accepting connections.
pub(crate) struct Server {
    /// `http://127.0.0.1:<port>`
    pub(crate) url: String,
    acceptor: Arc<Acceptor>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Binds a port, a free one for 0; requests are answered once [`Server::serve`] is called.
    ///
    /// # Errors
    /// Returns an error if the port is taken or not allowed.
    pub(crate) fn bind(port: u16) -> io::Result<(Self, TcpListener)> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let port = listener.local_addr()?.port();
        let url = format!("http://127.0.0.1:{port}");
        Ok((Self { url, acceptor: Arc::new(Acceptor::new(port)), thread: None }, listener))
    }

    /// Starts the thread that accepts connections.
    ///
    /// # Errors
    /// Returns an error if the system refuses the thread.
    pub(crate) fn serve(&mut self, listener: TcpListener, handler: Handler) -> io::Result<()> {
        let acceptor = Arc::clone(&self.acceptor);
        let accept = move || {
            let mut listener = Some(listener);
            while let Some(stream) = acceptor.accept(&mut listener) {
                let Ok(stream) = stream else { continue };
                let (handler, acceptor) = (Arc::clone(&handler), Arc::clone(&acceptor));
                // If the system refuses the thread, the connection is closed: the client sees a busy server.
                let _ =
                    std::thread::Builder::new().spawn(move || handle_connection(stream, &handler, &acceptor));
            }
        };
        self.thread = Some(std::thread::Builder::new().name("server".to_owned()).spawn(accept)?);
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.acceptor.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn handle_connection(stream: TcpStream, handler: &Handler, acceptor: &Acceptor) {
    let _ = stream.set_read_timeout(Some(IDLE_TIMEOUT));
    let _ = stream.set_write_timeout(Some(IDLE_TIMEOUT));
    let _ = stream.set_nodelay(true);
    let Ok(mut writer) = stream.try_clone() else { return };
    let Ok(mut request) = Request::read(stream) else { return };
    if request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
        && writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").is_err()
    {
        return;
    }
    let reply = handler(&mut request);
    let ending = reply.ending;
    if !matches!(ending, Ending::Disconnect | Ending::Refuse(_)) {
        request.drain();
    }
    // A client that has closed the connection does not need the reply.
    let _ = reply.write(&mut writer, request.method == "HEAD");
    match ending {
        Ending::Stall | Ending::StallAfter(_) => stall(&writer),
        Ending::Refuse(duration) => acceptor.pause(duration),
        Ending::Complete | Ending::Disconnect | Ending::DisconnectAfter(_) => {}
    }
    let _ = request.into_stream().shutdown(Shutdown::Both);
}

/// Waits until the client closes the connection.
fn stall(mut stream: &TcpStream) {
    let _ = stream.set_read_timeout(Some(MAX_STALL));
    let _ = stream.read(&mut [0]);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends `bytes` to a server that echoes bodies, and returns everything that it sends back.
    fn exchange(bytes: &[u8]) -> String {
        let (mut server, listener) = Server::bind(0).expect("a port");
        let echo = |request: &mut Request| {
            let mut body = String::new();
            let status = if request.read_to_string(&mut body).is_ok() { 200 } else { 400 };
            Reply::new(status, "text/plain", format!("{} {} {body}", request.method, request.path))
        };
        server.serve(listener, Arc::new(echo)).expect("a thread");
        let mut stream = TcpStream::connect(&server.url["http://".len()..]).expect("connected");
        // A server that has closed the connection already refuses the rest.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(Shutdown::Write);
        let mut reply = Vec::new();
        let _ = stream.read_to_end(&mut reply);
        String::from_utf8(reply).expect("text")
    }

    #[test]
    fn bodies_are_read_by_length_and_by_chunks() {
        let by_length = exchange(b"PUT /a?b=c HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello");
        assert!(by_length.starts_with("HTTP/1.1 200 OK\r\n") && by_length.ends_with("PUT /a hello"));
        let chunks = "5;x=y\r\nhello\r\nB\r\n, two lines\r\n0\r\nTrailer: 1\r\n\r\n";
        let chunked =
            exchange(format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}").as_bytes());
        assert!(chunked.ends_with("POST / hello, two lines"), "{chunked}");
    }

    #[test]
    fn bodies_that_break_off_are_errors() {
        for (header, body) in [
            ("Content-Length: 5", "hell"),
            ("Transfer-Encoding: chunked", "5\r\nhell"),
            ("Transfer-Encoding: chunked", "x\r\n"),
        ] {
            let reply = exchange(format!("POST / HTTP/1.1\r\n{header}\r\n\r\n{body}").as_bytes());
            assert!(reply.starts_with("HTTP/1.1 400"), "{header} {body:?}: {reply}");
        }
    }

    #[test]
    fn heads_that_are_malformed_or_too_large_get_no_reply() {
        let many = "a: b\r\n".repeat(101);
        let long = format!("a: {}\r\n", "b".repeat(80 * 1024));
        for headers in ["no colon\r\n", "Content-Length: five\r\n", &many, &long] {
            assert_eq!(exchange(format!("GET / HTTP/1.1\r\n{headers}\r\n").as_bytes()), "");
        }
        assert_eq!(exchange(b"GET / HTTP/1.1\r\na: b\r\n"), "");
        let most = "a: b\r\n".repeat(100);
        assert!(exchange(format!("GET / HTTP/1.1\r\n{most}\r\n").as_bytes()).ends_with("GET / "));
    }
}
