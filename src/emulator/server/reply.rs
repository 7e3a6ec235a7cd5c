//! Replies, and how they can be interrupted.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::time::Duration;

use hyperframes_ci_core::time::format_http_date;

use crate::system::clock::unix_now;

/// The body of a reply.
pub(crate) enum Content {
    /// These bytes.
    Bytes(Vec<u8>),
    /// `length` bytes of a file from `start` on.
    File {
        /// The file.
        file: File,
        /// Offset of the first byte.
        start: u64,
        /// Number of bytes.
        length: u64,
    },
}

/// How much of a reply is sent, and what happens to the connection afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// All of it is sent, and the connection is closed.
    Complete,
    /// Nothing is sent, and the connection is closed.
    Disconnect,
    /// The connection is closed after this many bytes of the body.
    DisconnectAfter(u64),
    /// Nothing is sent, and the connection stays open until the client closes it.
    Stall,
    /// Nothing more is sent after this many bytes of the body, and the connection stays open.
    StallAfter(u64),
    /// Nothing is sent, the connection is closed, and new ones are refused for this long.
    Refuse(Duration),
}

/// A reply to a request.
pub(crate) struct Reply {
    /// HTTP status.
    pub(crate) status: u16,
    /// Headers, except `date`, `content-length` and `connection`.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) content: Content,
    /// How it ends.
    pub(crate) ending: Ending,
}

impl Reply {
    /// Returns a complete reply with this content type and body.
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            content: Content::Bytes(body.into()),
            ending: Ending::Complete,
        }
    }

    /// Returns an empty reply that is not sent, for an `ending` without one.
    pub(crate) fn unsent(ending: Ending) -> Self {
        Self { ending, ..Self::new(0, "text/plain", "") }
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Returns the status that the client receives; 0 if it receives none.
    pub(crate) fn received_status(&self) -> u16 {
        match self.ending {
            Ending::Disconnect | Ending::Stall | Ending::Refuse(_) => 0,
            Ending::Complete | Ending::DisconnectAfter(_) | Ending::StallAfter(_) => self.status,
        }
    }

    /// Writes as much of the reply as its ending allows; without the body if `head_only`.
    ///
    /// # Errors
    /// Returns an error if the client has closed the connection or the file cannot be read.
    pub(super) fn write(self, writer: &mut dyn Write, head_only: bool) -> io::Result<()> {
        let limit = match self.ending {
            Ending::Disconnect | Ending::Stall | Ending::Refuse(_) => return Ok(()),
            Ending::DisconnectAfter(bytes) | Ending::StallAfter(bytes) => bytes,
            Ending::Complete => u64::MAX,
        };
        let (mut body, length): (Box<dyn Read>, u64) = match self.content {
            Content::Bytes(bytes) => {
                let length = bytes.len() as u64;
                (Box::new(io::Cursor::new(bytes)), length)
            }
            Content::File { mut file, start, length } => {
                file.seek(SeekFrom::Start(start))?;
                (Box::new(file.take(length)), length)
            }
        };
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {}\r\n", value.replace(['\r', '\n'], " ")));
        }
        head.push_str(&format!("date: {}\r\n", format_http_date(unix_now())));
        head.push_str(&format!("content-length: {length}\r\nconnection: close\r\n\r\n"));
        writer.write_all(head.as_bytes())?;
        if !head_only {
            io::copy(&mut body.by_ref().take(limit), writer)?;
        }
        writer.flush()
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
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
