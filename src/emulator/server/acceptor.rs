//! A listener that can refuse connections for a while.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long [`Acceptor::pause`] waits for the listener to be closed.
const PAUSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether a port on 127.0.0.1 accepts connections.
pub(super) struct Acceptor {
    port: u16,
    status: Mutex<Status>,
    changed: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Open,
    /// The listener must be closed for this long.
    PauseRequested(Duration),
    Paused,
    Stopped,
}

impl Acceptor {
    /// Returns an acceptor for a port that is listened to already.
    pub(super) fn new(port: u16) -> Self {
        Self { port, status: Mutex::new(Status::Open), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, status: Status) {
        *self.lock() = status;
        self.changed.notify_all();
    }

    /// Makes the thread in [`Acceptor::accept`] read the status: it blocks until a connection arrives.
    fn wake(&self) {
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }

    /// Refuses new connections for `duration`; returns once they are refused.
    pub(super) fn pause(&self, duration: Duration) {
        self.set(Status::PauseRequested(duration));
        self.wake();
        let is_pending = |status: &mut Status| matches!(status, Status::PauseRequested(_));
        let _ = self.changed.wait_timeout_while(self.lock(), PAUSE_TIMEOUT, is_pending);
    }

    /// Makes [`Acceptor::accept`] return `None`.
    pub(super) fn stop(&self) {
        self.set(Status::Stopped);
        self.wake();
    }

    /// Waits for the next connection; returns `None` once the acceptor is stopped. `listener` is closed during pauses.
    pub(super) fn accept(&self, listener: &mut Option<TcpListener>) -> Option<io::Result<TcpStream>> {
        loop {
            if listener.is_none() {
                *listener = TcpListener::bind(("127.0.0.1", self.port)).ok();
            }
            let Some(open) = listener.as_ref() else {
                if *self.lock() == Status::Stopped {
                    return None;
                }
                // The port of another connection may be the same for a moment.
                std::thread::sleep(Duration::from_millis(10));
                continue;
            };
            let stream = open.accept().map(|(stream, _)| stream);
            let status = *self.lock();
            match status {
                Status::Open | Status::Paused => return Some(stream),
                Status::Stopped => return None,
                Status::PauseRequested(duration) => {
                    *listener = None;
                    self.set(Status::Paused);
                    std::thread::sleep(duration);
                    *listener = TcpListener::bind(("127.0.0.1", self.port)).ok();
                    self.set(Status::Open);
                }
            }
        }
    }
}
