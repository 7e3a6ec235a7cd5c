//! Servers on this machine that record what arrives.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
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
    /// Port of the HTTP server that the program takes for public hosts.
    pub(crate) public: u16,
    /// Whether there is a server on port 80 of 127.0.0.1: the proxy refuses other ports whatever the address is.
    pub(crate) has_web: bool,
    /// Whether there is one on port 80 of ::1.
    pub(crate) has_web_v6: bool,
}

/// Hosts that the program takes for public ones.
pub(crate) const PUBLIC: [&str; 2] = ["cdn.test", "other.test"];

/// Names that resolve to addresses which are not public.
const PRIVATE: &[(&str, &str)] =
    &[("private.test", "127.0.0.1"), ("private-v6.test", "::1"), ("mapped.test", "::ffff:127.0.0.1")];

impl Collector {
    pub(crate) fn start() -> Self {
        let arrived = Arrived::default();
        let local = IpAddr::from([127, 0, 0, 1]);
        let web = |address: IpAddr| {
            TcpListener::bind((address, 80)).map(|listener| serve(listener, &arrived)).is_ok()
        };
        Self {
            public: http(local, &arrived),
            has_web: web(local),
            has_web_v6: web(Ipv6Addr::LOCALHOST.into()),
            port: http(local, &arrived),
            preconnect: tcp("preconnect", &arrived),
            turn: tcp("webrtc-tcp", &arrived),
            stun: udp("webrtc-udp", &arrived),
            quic: udp("webtransport", &arrived),
            named: own_name().map(|(name, address)| (name, http(address, &arrived))),
            arrived,
        }
    }

    /// Returns the hosts that tests add, for `HYPERFRAMES_CI_TEST_HOSTS`.
    pub(crate) fn test_hosts(&self) -> String {
        let public = PUBLIC.iter().map(|name| format!("{name}:80=127.0.0.1:{}", self.public));
        let private = PRIVATE.iter().map(|(name, address)| format!("{name}={address}"));
        public.chain(private).collect::<Vec<_>>().join(",")
    }

    /// Forgets what arrived before.
    pub(crate) fn forget(&self) {
        self.arrived.lock().unwrap().clear();
    }

    /// Returns what arrived of the probe `name`; empty if nothing did.
    pub(crate) fn arrived(&self, name: &str) -> String {
        self.arrived.lock().unwrap().get(name).cloned().unwrap_or_default()
    }
}

/// Records requests to `/<name of a probe>`, and redirects those to `/redirect?<URL>`.
fn http(address: IpAddr, arrived: &Arrived) -> u16 {
    let listener = TcpListener::bind(SocketAddr::new(address, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    serve(listener, arrived);
    port
}

fn serve(listener: TcpListener, arrived: &Arrived) {
    let arrived = Arc::clone(arrived);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let arrived = Arc::clone(&arrived);
            thread::spawn(move || answer(stream, &arrived));
        }
    });
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
    let (status, location) = match line.split_once('?') {
        // `/redirect307?http://…` leads there.
        Some((path, rest)) if name.starts_with("redirect") => {
            let status = path.rsplit("redirect").next().filter(|status| !status.is_empty()).unwrap_or("302");
            (status, format!("Location: {}\r\n", rest.split(' ').next().unwrap_or_default()))
        }
        _ => ("200", String::new()),
    };
    let body = if name == "lib.js" { "window.LIB = 'yes';" } else { "/* canary */" };
    let _ = write!(
        stream,
        "HTTP/1.1 {status} OK\r\n{location}Access-Control-Allow-Origin: *\r\nContent-Type: text/javascript\r\n\
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
