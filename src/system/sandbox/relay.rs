//! The way from a network namespace to the filtering proxy.
//!
//! A namespace has a loopback interface of its own, and nothing else. A process in it accepts connections on the port of the
//! proxy and passes them to a socket that is a file; this process passes those to the proxy. Nothing else leads outside.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::tunnel::{Stream, tunnel};

/// First argument of the process in the namespace; the file of the restriction follows.
pub(super) const ARGUMENT: &str = "__relay";

/// The two ends of the way, for the process in the namespace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Relay {
    /// The port on 127.0.0.1 in the namespace.
    pub(super) port: u16,
    /// The socket to which connections are passed.
    pub(super) socket: PathBuf,
}

impl Relay {
    /// Starts the process that accepts connections in the namespace of this process; `policy` is the file of the restriction
    /// that it applies to itself.
    ///
    /// # Errors
    /// Returns an error if the port is taken or the process cannot be started.
    pub(super) fn start(&self, policy: &Path) -> io::Result<()> {
        // It is open before the engine starts; the engine would not try again.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port))?;
        let mut command = Command::new("/proc/self/exe");
        command.arg(ARGUMENT).arg(policy).stdin(OwnedFd::from(listener));
        command.env_clear().stdout(Stdio::null()).stderr(Stdio::null());
        // It ends with the namespace.
        command.spawn().map(drop)
    }

    /// Passes connections of the listener that is the standard input of this process, without end.
    ///
    /// # Errors
    /// Returns an error if the standard input cannot be used.
    pub(super) fn run(&self) -> io::Result<std::convert::Infallible> {
        let listener = TcpListener::from(io::stdin().as_fd().try_clone_to_owned()?);
        loop {
            if let Ok((client, _)) = listener.accept() {
                let socket = self.socket.clone();
                pass(client, move || UnixStream::connect(socket));
            }
        }
    }
}

/// The end of the way outside of the namespace; dropping it accepts no more connections.
#[derive(Debug)]
pub(super) struct Entrance {
    socket: PathBuf,
    is_stopped: Arc<AtomicBool>,
}

impl Entrance {
    /// Passes connections of a new socket to a port of 127.0.0.1.
    ///
    /// # Errors
    /// Returns an error if the socket cannot be made, such as for a path of more than 107 bytes.
    pub(super) fn open(socket: PathBuf, port: u16) -> io::Result<Self> {
        let listener = UnixListener::bind(&socket)?;
        let is_stopped = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&is_stopped);
        let accept = move || {
            while let Ok((client, _)) = listener.accept() {
                if stopped.load(Ordering::Acquire) {
                    return;
                }
                pass(client, move || TcpStream::connect((Ipv4Addr::LOCALHOST, port)));
            }
        };
        std::thread::Builder::new().name("relay".to_owned()).spawn(accept)?;
        Ok(Self { socket, is_stopped })
    }
}

impl Drop for Entrance {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Release);
        // Wakes the thread that accepts.
        let _ = UnixStream::connect(&self.socket);
    }
}

/// Passes one connection on, in threads of its own. A client whose connection cannot be passed sees its end.
fn pass<S: Stream>(client: impl Stream, connect: impl FnOnce() -> io::Result<S> + Send + 'static) {
    let both = move || tunnel(client, connect()?);
    let _ = std::thread::Builder::new().name("relay".to_owned()).spawn(both);
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::Shutdown;

    use super::*;

    #[test]
    fn both_directions_pass_to_their_ends() {
        let folder = tempfile::tempdir().expect("a directory");
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = server.local_addr().expect("an address").port();
        let socket = folder.path().join("s");
        let entrance = Entrance::open(socket.clone(), port).expect("opened");
        let served = std::thread::spawn(move || {
            let (mut stream, _) = server.accept().expect("a connection");
            let mut asked = String::new();
            stream.read_to_string(&mut asked).expect("asked");
            stream.write_all(asked.repeat(2).as_bytes()).expect("answered");
        });
        let mut client = UnixStream::connect(&socket).expect("connected");
        client.write_all(b"abc").expect("sent");
        client.shutdown(Shutdown::Write).expect("ended");
        let mut answer = String::new();
        client.read_to_string(&mut answer).expect("answered");
        assert_eq!(answer, "abcabc");
        served.join().expect("served");
        drop(entrance);
        let mut refused = String::new();
        if let Ok(mut late) = UnixStream::connect(&socket) {
            let _ = late.read_to_string(&mut refused);
        }
        assert_eq!(refused, "");
    }
}
