//! Copies both directions between two connections.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};

/// A connection whose directions end one by one.
pub(super) trait Stream: Read + Write + Send + Sized + 'static {
    /// Returns another handle of the connection.
    ///
    /// # Errors
    /// Returns an error if the system has no more of them.
    fn half(&self) -> io::Result<Self>;

    /// Ends directions. One that has ended is not an error.
    fn end(&self, how: Shutdown);
}

impl Stream for TcpStream {
    fn half(&self) -> io::Result<Self> {
        self.try_clone()
    }

    fn end(&self, how: Shutdown) {
        let _ = self.shutdown(how);
    }
}

#[cfg(unix)]
impl Stream for std::os::unix::net::UnixStream {
    fn half(&self) -> io::Result<Self> {
        self.try_clone()
    }

    fn end(&self, how: Shutdown) {
        let _ = self.shutdown(how);
    }
}

/// Copies both directions until both have ended.
///
/// # Errors
/// Returns an error if the system refuses a handle or a thread.
pub(super) fn tunnel(client: impl Stream, server: impl Stream) -> io::Result<()> {
    let (from_client, to_server) = (client.half()?, server.half()?);
    let upwards = move || copy(from_client, to_server);
    let upwards = std::thread::Builder::new().name("tunnel".to_owned()).spawn(upwards)?;
    copy(server, client);
    let _ = upwards.join();
    Ok(())
}

/// Copies one direction to its end.
fn copy(mut from: impl Stream, mut to: impl Stream) {
    let copied = io::copy(&mut from, &mut to);
    // The other direction of a failed one ends as well.
    to.end(if copied.is_ok() { Shutdown::Write } else { Shutdown::Both });
    if copied.is_err() {
        from.end(Shutdown::Both);
    }
}
