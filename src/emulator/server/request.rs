//! Requests: the head, parsed at once, and the body, streamed from the connection.

use std::io::{self, BufRead, BufReader, Read};
use std::net::TcpStream;
use std::time::Duration;

/// A head that is still incomplete after this many bytes is refused.
const MAX_HEAD: usize = 64 * 1024;

/// A head with more headers is refused.
const MAX_HEADERS: usize = 100;

/// Longest line between two chunks of a body, in bytes.
const MAX_CHUNK_LINE: u64 = 16 * 1024;

/// An unread body is read up to this many bytes before the reply: a client that is still sending sees the reply then.
const MAX_DRAINED: u64 = 256 * 1024 * 1024;

/// The head of a request; its body is read through [`Read`].
pub(crate) struct Request {
    /// As the client sent it: in upper case by convention.
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    /// Without the question mark.
    pub(crate) query: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// How long the work takes, as a script of faults wants it.
    pub(crate) work: Duration,
    body: Body,
}

impl Request {
    /// Reads a head from `stream`.
    ///
    /// # Errors
    /// Returns an error if the connection ends within the head, or if the head is malformed or exceeds a limit.
    pub(super) fn read(stream: TcpStream) -> io::Result<Self> {
        let mut stream = BufReader::with_capacity(MAX_HEAD, stream);
        let mut head = Vec::new();
        loop {
            let received = stream.fill_buf()?;
            if received.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let (count, parsed_before) = (received.len(), head.len());
            head.extend_from_slice(received);
            let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
            let mut parsed = httparse::Request::new(&mut headers);
            match parsed.parse(&head).map_err(io::Error::other)? {
                httparse::Status::Complete(length) => {
                    stream.consume(length - parsed_before);
                    return Self::from_head(&parsed, stream);
                }
                httparse::Status::Partial if head.len() >= MAX_HEAD => {
                    return Err(io::Error::other("request head too large"));
                }
                httparse::Status::Partial => stream.consume(count),
            }
        }
    }

    fn from_head(head: &httparse::Request<'_, '_>, stream: BufReader<TcpStream>) -> io::Result<Self> {
        let (path, query) = {
            let target = head.path.unwrap_or_default();
            target.split_once('?').unwrap_or((target, ""))
        };
        let headers = head.headers.iter().map(|header| {
            let value = std::str::from_utf8(header.value).map_err(io::Error::other)?;
            Ok((header.name.to_ascii_lowercase(), value.trim().to_owned()))
        });
        let headers = headers.collect::<io::Result<Vec<_>>>()?;
        let framing = Framing::from_headers(&headers)?;
        Ok(Self {
            method: head.method.unwrap_or_default().to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            work: Duration::ZERO,
            body: Body { stream, framing },
        })
    }

    /// Returns the value of the first header with this name, given in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// Returns the values of all headers with this name, given in lower case.
    pub(crate) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns the decoded value of the first query parameter with this name.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// Reads and drops the rest of the body, up to a limit.
    pub(super) fn drain(&mut self) {
        // A body that breaks off here was of no interest to the handler.
        let _ = io::copy(&mut self.body.by_ref().take(MAX_DRAINED), &mut io::sink());
    }

    /// Returns the connection.
    pub(super) fn into_stream(self) -> TcpStream {
        self.body.stream.into_inner()
    }
}

impl Read for Request {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.body.read(buffer)
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// How the end of a body is found; source: RFC 9112, section 6.
enum Framing {
    /// This many bytes are left.
    Length(u64),
    /// This many bytes are left in the current chunk; `None` before the first chunk.
    Chunked(Option<u64>),
    Ended,
}

impl Framing {
    fn from_headers(headers: &[(String, String)]) -> io::Result<Self> {
        let encoding = find(headers, "transfer-encoding");
        if encoding.is_some_and(|encoding| encoding.eq_ignore_ascii_case("chunked")) {
            return Ok(Self::Chunked(None));
        }
        match find(headers, "content-length").map(str::parse::<u64>) {
            None | Some(Ok(0)) => Ok(Self::Ended),
            Some(Ok(length)) => Ok(Self::Length(length)),
            Some(Err(error)) => Err(io::Error::other(error)),
        }
    }
}

struct Body {
    stream: BufReader<TcpStream>,
    framing: Framing,
}

impl Body {
    fn read_line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        self.stream.by_ref().take(MAX_CHUNK_LINE).read_until(b'\n', &mut line)?;
        if line.ends_with(b"\n") { Ok(line) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Reads the size of the next chunk; after the last one, of size 0, also the trailers.
    fn read_chunk_size(&mut self) -> io::Result<u64> {
        match httparse::parse_chunk_size(&self.read_line()?) {
            Ok(httparse::Status::Complete((_, 0))) => {
                while !matches!(self.read_line()?.as_slice(), b"\r\n" | b"\n") {}
                Ok(0)
            }
            Ok(httparse::Status::Complete((_, size))) => Ok(size),
            Ok(httparse::Status::Partial) | Err(_) => Err(io::Error::other("invalid chunk size")),
        }
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = match self.framing {
            Framing::Ended => return Ok(0),
            Framing::Length(left) => left,
            Framing::Chunked(Some(left)) if left > 0 => left,
            Framing::Chunked(current) => {
                if current.is_some() {
                    self.read_line()?;
                }
                self.read_chunk_size()?
            }
        };
        if left == 0 {
            self.framing = Framing::Ended;
            return Ok(0);
        }
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.stream.read(&mut buffer[..wanted])?;
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
