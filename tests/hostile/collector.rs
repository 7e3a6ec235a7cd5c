//! Servers on this machine that record what arrives.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What arrived, by the name of the probe: the first line of the request.
type Arrived = Arc<Mutex<BTreeMap<String, String>>>;

/// The servers. Their threads end with the process.
pub(crate) struct Collector {
    arrived: Arrived,
    /// Port of the HTTP server on 127.0.0.1.
    pub(crate) port: u16,
    /// Port of a TCP server whose connections are those of `preconnect`.
    pub(crate) preconnect: u16,
    /// Port of a TCP server whose connections are those of WebRTC.
    pub(crate) turn: u16,
    /// Port of a UDP socket for WebRTC.
    pub(crate) stun: u16,
    /// Port of a UDP socket for WebTransport.
    pub(crate) quic: u16,
    /// A name that resolves to a private address of this machine, and a port there.
    pub(crate) named: Option<(String, u16)>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let arrived = Arrived::default();
        let local = IpAddr::from([127, 0, 0, 1]);
        Self {
            port: http(local, &arrived),
            preconnect: tcp("preconnect", &arrived),
            turn: tcp("webrtc-tcp", &arrived),
            stun: udp("webrtc-udp", &arrived),
            quic: udp("webtransport", &arrived),
            named: own_name().map(|(name, address)| (name, http(address, &arrived))),
            arrived,
        }
    }

    /// Returns what arrived of the probe `name`; empty if nothing did.
    pub(crate) fn arrived(&self, name: &str) -> String {
        self.arrived.lock().unwrap().get(name).cloned().unwrap_or_default()
    }
}

/// Records requests to `/<name of a probe>`.
fn http(address: IpAddr, arrived: &Arrived) -> u16 {
    let listener = TcpListener::bind(SocketAddr::new(address, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let arrived = Arc::clone(arrived);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let arrived = Arc::clone(&arrived);
            thread::spawn(move || answer(stream, &arrived));
        }
    });
    port
}

fn answer(mut stream: TcpStream, arrived: &Arrived) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
    let mut head = [0; 4096];
    let length = stream.read(&mut head).unwrap_or(0);
    let head = String::from_utf8_lossy(&head[..length]).into_owned();
    let line = head.lines().next().unwrap_or_default();
    let name = line.split(['/', '?', ' ']).nth(2).unwrap_or_default();
    if !name.is_empty() {
        arrived.lock().unwrap().insert(name.to_owned(), line.to_owned());
    }
    let body = "/* canary */";
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Type: text/javascript\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}

fn tcp(name: &'static str, arrived: &Arrived) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let arrived = Arc::clone(arrived);
    thread::spawn(move || {
        for _ in listener.incoming().flatten() {
            arrived.lock().unwrap().insert(name.to_owned(), "a TCP connection".to_owned());
        }
    });
    port
}

fn udp(name: &'static str, arrived: &Arrived) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let arrived = Arc::clone(arrived);
    thread::spawn(move || {
        let mut packet = [0; 2048];
        while socket.recv_from(&mut packet).is_ok() {
            arrived.lock().unwrap().insert(name.to_owned(), "a UDP packet".to_owned());
        }
    });
    port
}

/// Returns the name of this machine and its address, if that is an IPv4 address to listen on.
fn own_name() -> Option<(String, IpAddr)> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?.trim().to_owned();
    let address =
        (name.as_str(), 0).to_socket_addrs().ok()?.map(|address| address.ip()).find(IpAddr::is_ipv4)?;
    TcpListener::bind((address, 0)).ok()?;
    Some((name, address))
}
