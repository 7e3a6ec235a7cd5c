//! A file server on loopback, for releases and for npm packages.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use anyhow::Result;

/// How a file is served.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    Whole(Vec<u8>),
    /// The connection closes in the middle of the file.
    Cut(Vec<u8>),
    /// The connection stays open in the middle of the file.
    Stall(Vec<u8>),
}

/// Replies by path.
pub(super) type Routes = BTreeMap<String, Reply>;

/// Serves files until the program ends.
pub(super) struct Server {
    url: String,
}

impl Server {
    /// Serves the files that `routes` returns for the server's URL.
    ///
    /// # Errors
    /// Returns an error if no port is available.
    pub(super) fn start(routes: impl FnOnce(&str) -> Result<Routes>) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let url = format!("http://{}", listener.local_addr()?);
        let routes = routes(&url)?;
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let routes = routes.clone();
                thread::spawn(move || serve(&stream, &routes));
            }
        });
        Ok(Self { url })
    }

    /// Returns the URL without a slash at the end.
    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

/// Answers one request and closes the connection.
fn serve(mut stream: &TcpStream, routes: &Routes) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.replace("%2f", "/").replace("%2F", "/").replace("%40", "@");
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 || line == "\r\n" {
            break;
        }
    }
    let (status, body, sent) = match routes.get(&path) {
        Some(Reply::Whole(body)) => ("200 OK", body.as_slice(), body.len()),
        Some(Reply::Cut(body) | Reply::Stall(body)) => ("200 OK", body.as_slice(), body.len() / 2),
        None => ("404 Not Found", b"{}".as_slice(), 2),
    };
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&body[..sent]).ok()?;
    if matches!(routes.get(&path), Some(Reply::Stall(_))) {
        // Returns when the client closes the connection.
        let _ = reader.read_line(&mut line);
    }
    Some(())
}
