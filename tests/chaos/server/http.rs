//! As much of HTTP/1.1 as the server needs, and ways to do it badly.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A request, read whole.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Reads the next request of a connection; `None` at its end.
    pub(crate) fn read(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Self>> {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_whitespace();
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (method, path, query) = (method.to_owned(), path.to_owned(), query.to_owned());
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut request = Self { method, path, query, headers, body: Vec::new() };
        let length = request.header("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
        request.body = vec![0; length];
        reader.read_exact(&mut request.body)?;
        Ok(Some(request))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

/// How much of a body is sent, and how.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    Whole,
    /// Without `Content-Length`: the body ends with the connection.
    Unsized,
    /// So many bytes; with the length of all, or with none.
    Cut {
        sent: usize,
        has_length: bool,
    },
    /// So many bytes, with their own length.
    Short(usize),
    /// In small pieces.
    Drip,
    /// One byte after the other, with long pauses.
    Trickle,
    /// Half of it, and then silence until the other side closes the connection.
    StallHalfway,
}

/// An answer.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) delivery: Delivery,
}

impl Reply {
    pub(crate) fn new(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type", kind.to_owned())];
        Self { status, headers, body: body.into(), delivery: Delivery::Whole }
    }

    pub(crate) fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::new(status, "application/json", value.to_string())
    }

    /// The page of a proxy.
    pub(crate) fn page(status: u16) -> Self {
        Self::new(status, "text/html", "<!doctype html><html><body><h1>Gateway</h1></body></html>")
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sends it; returns whether the connection can be used again.
    pub(crate) fn send(&self, mut stream: &TcpStream) -> io::Result<bool> {
        let (sent, length) = match self.delivery {
            Delivery::Whole | Delivery::Drip | Delivery::Trickle => (self.body.len(), Some(self.body.len())),
            Delivery::StallHalfway => (self.body.len() / 2, Some(self.body.len())),
            Delivery::Unsized => (self.body.len(), None),
            Delivery::Cut { sent, has_length } => (sent, has_length.then_some(self.body.len())),
            Delivery::Short(sent) => (sent, Some(sent)),
        };
        let mut head = format!("HTTP/1.1 {} Status\r\n", self.status);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let is_open = length.is_some() && !matches!(self.delivery, Delivery::Cut { .. });
        head += &length.map(|length| format!("content-length: {length}\r\n")).unwrap_or_default();
        head += if is_open { "\r\n" } else { "connection: close\r\n\r\n" };
        let sent = &self.body[..sent.min(self.body.len())];
        let (piece, pause) = match self.delivery {
            Delivery::Drip => (sent.len().div_ceil(12).max(1), Duration::from_millis(4)),
            Delivery::Trickle => (1, Duration::from_millis(200)),
            _ => (usize::MAX, Duration::ZERO),
        };
        stream.write_all(head.as_bytes())?;
        for piece in sent.chunks(piece) {
            stream.write_all(piece)?;
            std::thread::sleep(pause);
        }
        if self.delivery == Delivery::StallHalfway {
            let _ = stream.read(&mut [0]);
            return Ok(false);
        }
        Ok(is_open)
    }
}
