//! A small HTTP/1.1 server: one thread and one request per connection, bodies streamed.
//!
//! It is ours because the emulator must be able to do what no server library offers: cut a connection in the
//! middle of an answer, or before it, fall silent, or refuse connections for a while.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use hyperframes_ci_core::time::format_http_date;

use crate::system::clock::unix_now;

/// A line of the request's head is not longer.
const LONGEST_LINE: u64 = 16 * 1024;
const MOST_HEADERS: usize = 100;
/// What is left of a body after the answer is read up to here, so that the client sees the answer.
const DRAIN: u64 = 256 * 1024 * 1024;
const IDLE_TIMEOUT: Duration = Duration::from_secs(120);
/// A connection that is held in silence is let go at last.
const LONGEST_SILENCE: Duration = Duration::from_secs(600);

/// A request's head; the body is read from it.
pub(super) struct Request {
    /// In upper case.
    pub(super) method: String,
    /// Without the query.
    pub(super) path: String,
    /// Without the question mark.
    pub(super) query: String,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    body: Body,
}

impl Request {
    /// The first header named `name`, which is in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The parameter of the query, percent-decoded.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

impl Read for Request {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.body.read(buffer)
    }
}

enum Framing {
    Length(u64),
    /// Bytes left in the present chunk; `None` before the first.
    Chunked(Option<u64>),
    Ended,
}

struct Body {
    stream: BufReader<TcpStream>,
    framing: Framing,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = match self.framing {
            Framing::Ended => return Ok(0),
            Framing::Length(left) => left,
            Framing::Chunked(Some(left)) if left > 0 => left,
            Framing::Chunked(present) => {
                if present.is_some() {
                    read_line(&mut self.stream)?;
                }
                let line = read_line(&mut self.stream)?;
                let size = line.split(';').next().unwrap_or_default().trim();
                u64::from_str_radix(size, 16).map_err(|_| io::Error::other("a chunk without a size"))?
            }
        };
        if left == 0 {
            self.framing = Framing::Ended;
            return Ok(0);
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.stream.read(&mut buffer[..most])?;
        if count == 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let left = left - count as u64;
        self.framing = match self.framing {
            Framing::Chunked(_) => Framing::Chunked(Some(left)),
            _ if left == 0 => Framing::Ended,
            _ => Framing::Length(left),
        };
        Ok(count)
    }
}

/// What an answer carries.
pub(super) enum Content {
    /// These bytes.
    Bytes(Vec<u8>),
    /// `length` bytes of a file from `start` on.
    File {
        /// The file.
        file: File,
        /// First byte.
        start: u64,
        /// How many bytes.
        length: u64,
    },
}

/// An answer.
pub(super) struct Reply {
    /// HTTP status.
    pub(super) status: u16,
    /// Headers, without length and connection.
    pub(super) headers: Vec<(String, String)>,
    /// The body.
    pub(super) content: Content,
    /// How much of it is sent, and what then becomes of the connection.
    pub(super) ending: Ending,
}

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// As it should.
    Whole,
    /// The connection is cut before it.
    Cut,
    /// The connection is cut after this many bytes of the body.
    CutAfter(u64),
    /// The server says nothing, for as long as the client bears it.
    Silence,
    /// The server says nothing more after this many bytes of the body.
    SilenceAfter(u64),
    /// The connection is cut before it, and further ones are refused for so long.
    Refusal(Duration),
}

impl Reply {
    /// An answer of `content_type`.
    pub(super) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            content: Content::Bytes(body.into()),
            ending: Ending::Whole,
        }
    }

    /// Adds a header.
    pub(super) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// No answer, and nothing was done.
    pub(super) fn none(ending: Ending) -> Self {
        Self { ending, ..Self::new(0, "text/plain", "") }
    }

    /// The status as statistics have it: 0 where the client sees none.
    pub(super) fn seen_status(&self) -> u16 {
        match self.ending {
            Ending::Cut | Ending::Silence | Ending::Refusal(_) => 0,
            Ending::Whole | Ending::CutAfter(_) | Ending::SilenceAfter(_) => self.status,
        }
    }
}

/// What answers requests.
pub(super) type Handler = Arc<dyn Fn(&mut Request) -> Reply + Send + Sync>;

/// A listener on 127.0.0.1 with a thread that accepts; dropping it stops accepting.
pub(super) struct Server {
    /// `http://127.0.0.1:<port>`
    pub(super) url: String,
    door: Arc<Door>,
    thread: Option<JoinHandle<()>>,
}

/// Whether a server accepts connections.
struct Door {
    port: u16,
    state: Mutex<DoorState>,
    changed: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum DoorState {
    Open,
    /// To be closed for so long.
    Closing(Duration),
    Closed,
    Stopped,
}

impl Door {
    fn set(&self, state: DoorState) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
        self.changed.notify_all();
    }

    /// Has the thread notice, which waits for a connection.
    fn knock(&self) {
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }

    /// Refuses connections for a while, from now on.
    fn close(&self, duration: Duration) {
        self.set(DoorState::Closing(duration));
        self.knock();
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let closing = |state: &mut DoorState| matches!(state, DoorState::Closing(_));
        let _ = self.changed.wait_timeout_while(state, Duration::from_secs(5), closing);
    }

    /// Lets the next connection in; `None` when the server stops.
    fn accept(&self, listener: &mut Option<TcpListener>) -> Option<io::Result<TcpStream>> {
        loop {
            if listener.is_none() {
                *listener = TcpListener::bind(("127.0.0.1", self.port)).ok();
            }
            let Some(open) = listener.as_ref() else {
                // Somebody else's connection may hold the port for a moment.
                std::thread::sleep(Duration::from_millis(10));
                continue;
            };
            let stream = open.accept().map(|(stream, _)| stream);
            let state = *self.state.lock().unwrap_or_else(PoisonError::into_inner);
            match state {
                DoorState::Open | DoorState::Closed => return Some(stream),
                DoorState::Stopped => return None,
                DoorState::Closing(duration) => {
                    *listener = None;
                    self.set(DoorState::Closed);
                    std::thread::sleep(duration);
                    *listener = TcpListener::bind(("127.0.0.1", self.port)).ok();
                    self.set(DoorState::Open);
                }
            }
        }
    }
}

impl Server {
    /// Takes a port; requests are answered once [`Server::serve`] is called.
    pub(super) fn bind(port: u16) -> io::Result<(Self, TcpListener)> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let port = listener.local_addr()?.port();
        let url = format!("http://127.0.0.1:{port}");
        let door = Door { port, state: Mutex::new(DoorState::Open), changed: Condvar::new() };
        Ok((Self { url, door: Arc::new(door), thread: None }, listener))
    }

    /// Answers requests from now on.
    pub(super) fn serve(&mut self, listener: TcpListener, handler: Handler) -> io::Result<()> {
        let door = Arc::clone(&self.door);
        let accept = move || {
            let mut listener = Some(listener);
            while let Some(stream) = door.accept(&mut listener) {
                let Ok(stream) = stream else { continue };
                let (handler, door) = (Arc::clone(&handler), Arc::clone(&door));
                // A refused thread drops the connection, which the client sees as a busy server.
                let _ = std::thread::Builder::new().spawn(move || converse(stream, &handler, &door));
            }
        };
        self.thread = Some(std::thread::Builder::new().name("emulator".to_owned()).spawn(accept)?);
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.door.set(DoorState::Stopped);
        self.door.knock();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn converse(stream: TcpStream, handler: &Handler, door: &Door) {
    let _ = stream.set_read_timeout(Some(IDLE_TIMEOUT));
    let _ = stream.set_write_timeout(Some(IDLE_TIMEOUT));
    let _ = stream.set_nodelay(true);
    let Ok(mut writer) = stream.try_clone() else { return };
    let stream = match read_head(stream) {
        Ok(mut request) => {
            if request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
                && writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").is_err()
            {
                return;
            }
            let reply = handler(&mut request);
            let ending = reply.ending;
            if !matches!(ending, Ending::Cut | Ending::Refusal(_)) {
                let _ = io::copy(&mut request.body.by_ref().take(DRAIN), &mut io::sink());
            }
            let head_only = request.method == "HEAD";
            // Whoever closed the connection does not want the answer.
            let _ = answer(&mut writer, reply, head_only);
            match ending {
                Ending::Silence | Ending::SilenceAfter(_) => hold(&writer),
                Ending::Refusal(duration) => door.close(duration),
                Ending::Whole | Ending::Cut | Ending::CutAfter(_) => {}
            }
            request.body.stream.into_inner()
        }
        Err(_) => return,
    };
    let _ = stream.shutdown(Shutdown::Both);
}

/// Says nothing until the client has gone.
fn hold(mut stream: &TcpStream) {
    let _ = stream.set_read_timeout(Some(LONGEST_SILENCE));
    let _ = stream.read(&mut [0]);
}

fn read_line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = Vec::new();
    stream.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    if !line.ends_with(b"\n") {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let text = String::from_utf8(line).map_err(|_| io::Error::other("a head that is not text"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn read_head(stream: TcpStream) -> io::Result<Request> {
    let mut stream = BufReader::with_capacity(64 * 1024, stream);
    let first = read_line(&mut stream)?;
    let mut parts = first.split(' ');
    let (method, target) = (parts.next().unwrap_or_default().to_owned(), parts.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let mut headers = Vec::new();
    loop {
        let line = read_line(&mut stream)?;
        if line.is_empty() {
            break;
        }
        let (name, value) =
            line.split_once(':').ok_or_else(|| io::Error::other("a header without a colon"))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        if headers.len() > MOST_HEADERS {
            return Err(io::Error::other("too many headers"));
        }
    }
    let value = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let framing = if value("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        Framing::Chunked(None)
    } else {
        match value("content-length").map(str::parse::<u64>) {
            None | Some(Ok(0)) => Framing::Ended,
            Some(Ok(length)) => Framing::Length(length),
            Some(Err(_)) => return Err(io::Error::other("a length that is no number")),
        }
    };
    Ok(Request { method, path, query, headers, body: Body { stream, framing } })
}

fn answer(writer: &mut TcpStream, reply: Reply, head_only: bool) -> io::Result<()> {
    let most = match reply.ending {
        Ending::Cut | Ending::Silence | Ending::Refusal(_) => return Ok(()),
        Ending::CutAfter(bytes) | Ending::SilenceAfter(bytes) => bytes,
        Ending::Whole => u64::MAX,
    };
    let (mut body, length): (Box<dyn Read>, u64) = match reply.content {
        Content::Bytes(bytes) => {
            let length = bytes.len() as u64;
            (Box::new(io::Cursor::new(bytes)), length)
        }
        Content::File { mut file, start, length } => {
            file.seek(SeekFrom::Start(start))?;
            (Box::new(file.take(length)), length)
        }
    };
    let mut head = format!("HTTP/1.1 {} {}\r\n", reply.status, reason(reply.status));
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {}\r\n", value.replace(['\r', '\n'], " ")));
    }
    head.push_str(&format!("date: {}\r\n", format_http_date(unix_now())));
    head.push_str(&format!("content-length: {length}\r\nconnection: close\r\n\r\n"));
    writer.write_all(head.as_bytes())?;
    if !head_only {
        io::copy(&mut body.by_ref().take(most), writer)?;
    }
    writer.flush()
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        206 => "Partial Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        413 => "Content Too Large",
        416 => "Range Not Satisfiable",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Status",
    }
}
