//! The filtering proxy: the only way from a contained process to the network.
//!
//! It serves `CONNECT` and requests with an absolute `http:` URL on loopback, from this process, which is outside of the
//! layers. It resolves names itself and connects to the addresses that it has checked.

mod connection;
mod target;
mod upstream;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::layer::Network;
use connection::serve;

/// Number of connections at a time; further ones are closed. A browser opens at most 32 to a proxy.
const MAX_CONNECTIONS: usize = 128;

/// A running proxy; dropping it refuses new connections. Open ones end with the processes that use them.
#[derive(Debug)]
pub(super) struct FilteringProxy {
    address: SocketAddr,
    is_stopped: Arc<AtomicBool>,
}

impl FilteringProxy {
    /// Starts a proxy on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// Returns an error if no port can be bound or the system refuses the thread.
    pub(super) fn start(network: Network) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let is_stopped = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&is_stopped);
        let accept = move || accept(&listener, network, &stopped);
        std::thread::Builder::new().name("filtering-proxy".to_owned()).spawn(accept)?;
        Ok(Self { address, is_stopped })
    }

    /// Returns the port on 127.0.0.1.
    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for FilteringProxy {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Release);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

/// Accepts connections until the proxy is stopped.
fn accept(listener: &TcpListener, network: Network, is_stopped: &AtomicBool) {
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        let accepted = listener.accept();
        if is_stopped.load(Ordering::Acquire) {
            return;
        }
        let Ok((client, _)) = accepted else {
            // Out of file descriptors: connections end in a moment.
            std::thread::sleep(std::time::Duration::from_millis(50));
            continue;
        };
        let slot = Slot::take(&open);
        let Some(slot) = slot else { continue };
        let serve = move || {
            let _slot = slot;
            // The client sees the end of the connection; there is nobody else to tell.
            let _ = serve(client, network);
        };
        let _ = std::thread::Builder::new().name("filtering-proxy".to_owned()).spawn(serve);
    }
}

/// One of the connections that may be open at a time.
struct Slot(Arc<AtomicUsize>);

impl Slot {
    fn take(open: &Arc<AtomicUsize>) -> Option<Self> {
        let slot = Self(Arc::clone(open));
        let before = open.fetch_add(1, Ordering::AcqRel);
        (before < MAX_CONNECTIONS).then_some(slot)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    /// Sends `request` through a new proxy and returns everything that it answers.
    fn answer(network: Network, request: &str) -> String {
        let proxy = FilteringProxy::start(network).expect("started");
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).expect("connected");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    }

    #[test]
    fn nothing_but_public_hosts_is_reached() {
        let service = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        service.set_nonblocking(true).expect("set");
        let port = service.local_addr().expect("an address").port();
        for request in [
            format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\nHost: x\r\n\r\n"),
            format!("GET http://localhost:{port}/ HTTP/1.1\r\nHost: x\r\n\r\n"),
            format!("GET http://[::ffff:127.0.0.1]:{port}/ HTTP/1.1\r\nHost: x\r\n\r\n"),
            "CONNECT 169.254.169.254:80 HTTP/1.1\r\n\r\n".to_owned(),
        ] {
            let answer = answer(Network::Public, &request);
            match request.starts_with("CONNECT ") {
                true => assert!(answer.starts_with("HTTP/1.1 403 "), "{request}: {answer}"),
                false => assert_eq!(answer, "", "{request}"),
            }
        }
        assert!(answer(Network::None, "CONNECT 1.1.1.1:443 HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 403 "));
        assert!(service.accept().is_err(), "the service was reached");
    }

    #[test]
    fn what_is_not_a_request_to_a_proxy_is_rejected() {
        for request in [
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET ftp://x/ HTTP/1.1\r\n\r\n",
            "GET http://user@x/ HTTP/1.1\r\n\r\n",
            "CONNECT x HTTP/1.1\r\n\r\n",
            "\u{16}\u{3}\u{1}\r\n\r\n",
        ] {
            assert!(answer(Network::Public, request).starts_with("HTTP/1.1 400 "), "{request:?}");
        }
        let endless = format!("GET http://x/ HTTP/1.1\r\nX: {}\r\n", "x".repeat(40_000));
        assert!(!answer(Network::Public, &endless).contains(" 200 "));
    }

    #[test]
    fn a_stopped_proxy_accepts_nothing() {
        let proxy = FilteringProxy::start(Network::Public).expect("started");
        let port = proxy.port();
        drop(proxy);
        let refused = || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err();
        let began = std::time::Instant::now();
        while !refused() && began.elapsed().as_secs() < 5 {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert!(refused());
    }
}
