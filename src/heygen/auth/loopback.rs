//! The redirect endpoint of a browser sign-in: a listener on 127.0.0.1; source: RFC 8252, section 7.3.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::pkce::is_equal;
use crate::system::page;
use crate::system::secret::Secret;

const PATH: &str = "/oauth/callback";

/// The longest request head that is read, in bytes.
const MAX_HEAD: u64 = 16 * 1024;

/// The pause between two checks for a connection.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The time limit of one read or write on a connection.
const IO_TIMEOUT: Duration = Duration::from_secs(5);

/// An error of waiting for the redirect.
#[derive(Debug)]
pub(crate) enum CallbackError {
    /// The listener failed.
    Listen(io::Error),
    /// No redirect arrived within this time.
    TimedOut(Duration),
    /// The server redirected with this error code.
    Denied(String),
    /// The redirect has neither a code nor an error.
    NoCode,
}

/// A listener for one sign-in.
#[derive(Debug)]
pub(crate) struct Loopback {
    listener: TcpListener,
    port: u16,
}

/// A redirect with a code. The browser waits for [`Callback::finish`].
#[derive(Debug)]
pub(crate) struct Callback {
    /// The authorization code, which can be exchanged once.
    pub(crate) code: Secret,
    stream: TcpStream,
}

impl Loopback {
    /// Listens on a free port.
    ///
    /// # Errors
    /// Returns an error if the system refuses.
    pub(crate) fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    /// Returns the redirect URI.
    pub(crate) fn redirect_uri(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }

    /// Waits for the redirect that answers the request with this `state`, for at most `timeout`.
    ///
    /// # Errors
    /// Returns [`CallbackError`] if it does not arrive or has no code. The browser shows the error.
    pub(crate) fn wait(&self, state: &str, timeout: Duration) -> Result<Callback, CallbackError> {
        let deadline = Instant::now() + timeout;
        let (sender, receiver) = mpsc::channel();
        while Instant::now() < deadline {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    // Browsers open idle connections in advance, which must not block the redirect.
                    let (sender, state) = (sender.clone(), state.to_owned());
                    std::thread::spawn(move || handle(stream, &state).map(|outcome| sender.send(outcome)));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if let Ok(outcome) = receiver.recv_timeout(POLL_INTERVAL) {
                        return outcome;
                    }
                }
                Err(error) => return Err(CallbackError::Listen(error)),
            }
        }
        Err(CallbackError::TimedOut(timeout))
    }
}

impl Callback {
    /// Shows the outcome in the browser: the user's name, or why the sign-in failed.
    pub(crate) fn finish(mut self, outcome: Result<&str, &str>) {
        let _ = match outcome {
            Ok(user) => reply(
                &mut self.stream,
                200,
                &message_page(
                    "Signed in",
                    &format!("You are signed in as {user}. You can close this window."),
                ),
            ),
            Err(message) => reply(&mut self.stream, 400, &message_page("Not signed in", message)),
        };
    }
}

/// Handles a connection. Returns `None` if it is not a request for the redirect URI.
fn handle(mut stream: TcpStream, state: &str) -> Option<Result<Callback, CallbackError>> {
    let _ = stream.set_nonblocking(false);
    let _ = stream.set_read_timeout(Some(IO_TIMEOUT));
    let _ = stream.set_write_timeout(Some(IO_TIMEOUT));
    let target = read_target(&stream)?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    if path != PATH {
        let _ = reply(&mut stream, 404, &message_page("Not found", "This page does not exist."));
        return None;
    }
    let parameter = |name: &str| {
        form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    let refused = |stream: &mut TcpStream, error: CallbackError, why: &str| {
        let _ = reply(stream, 400, &message_page("Not signed in", why));
        Some(Err(error))
    };
    if !parameter("state").is_some_and(|given| is_equal(&given, state)) {
        // Any page can send the browser here: the sign-in goes on waiting for its own response.
        let why = "This response does not belong to the sign-in that was started in the terminal.";
        let _ = reply(&mut stream, 400, &message_page("Not signed in", why));
        return None;
    }
    if let Some(error) = parameter("error") {
        let why = "The sign-in was denied. Stored credentials are unchanged.";
        return refused(&mut stream, CallbackError::Denied(error), why);
    }
    match parameter("code").filter(|code| !code.is_empty()) {
        Some(code) => Some(Ok(Callback { code: Secret::new(code), stream })),
        None => refused(
            &mut stream,
            CallbackError::NoCode,
            "The server returned neither an authorization code nor an error.",
        ),
    }
}

/// Reads the target of a GET request. Returns `None` for another method or an incomplete request.
fn read_target(stream: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream.try_clone().ok()?.take(MAX_HEAD));
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    // The rest of the head is read so that the browser does not see a connection reset.
    let mut rest = String::new();
    while reader.read_line(&mut rest).is_ok_and(|count| count > 2) {
        rest.clear();
    }
    let mut words = line.split_ascii_whitespace();
    let (method, target) = (words.next()?, words.next()?);
    (method == "GET").then(|| target.to_owned())
}

fn reply(stream: &mut TcpStream, status: u16, page: &str) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status} -\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n\r\n",
        page.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(page.as_bytes())?;
    stream.flush()
}

fn message_page(title: &str, text: &str) -> String {
    page::document(title, &format!("<p>{}</p>", page::escape(text)))
}

impl From<io::Error> for CallbackError {
    fn from(error: io::Error) -> Self {
        Self::Listen(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Comes back with this query; gives back how it ended, and what the browser sees.
    fn visit(query: &str) -> (Result<String, CallbackError>, String) {
        let loopback = Loopback::bind().expect("listening");
        let url = loopback.redirect_uri();
        std::thread::scope(|scope| {
            let browser = scope.spawn(|| {
                let (_, address) = url.split_once("//").expect("a URL");
                let (host, path) = address.split_once('/').expect("a path");
                let send = |target: &str, method: &str| {
                    let mut stream = TcpStream::connect(host).expect("connected");
                    write!(stream, "{method} /{target} HTTP/1.1\r\nHost: {host}\r\n\r\n").expect("sent");
                    let mut page = String::new();
                    let _ = stream.read_to_string(&mut page);
                    page
                };
                // Other requests do not end the sign-in.
                assert!(send("favicon.ico", "GET").starts_with("HTTP/1.1 404"));
                send(path, "POST");
                for foreign in ["code=a&state=other", "code=a", "error=access_denied&state=other"] {
                    let page = send(&format!("{path}?{foreign}"), "GET");
                    assert!(page.starts_with("HTTP/1.1 400") && page.contains("does not belong"), "{page}");
                }
                send(&format!("{path}?{query}"), "GET")
            });
            let ended = loopback.wait("the state", Duration::from_secs(10)).map(|callback| {
                let code = callback.code.expose().to_owned();
                callback.finish(Ok("<b>somebody</b>"));
                code
            });
            (ended, browser.join().expect("a page"))
        })
    }

    #[test]
    fn a_code_is_taken_and_the_browser_is_told() {
        let (code, page) = visit("code=a%2Fb+c&state=the+state");
        assert_eq!(code.expect("a code"), "a/b c");
        assert!(page.contains("signed in as &lt;b&gt;somebody&lt;/b&gt;"), "{page}");
        assert!(page.contains("default-src 'none'"), "{page}");
    }

    #[test]
    fn a_connection_that_says_nothing_holds_nobody_up() {
        let loopback = Loopback::bind().expect("listening");
        let idle = TcpStream::connect(("127.0.0.1", loopback.port)).expect("connected");
        let began = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut stream = TcpStream::connect(("127.0.0.1", loopback.port)).expect("connected");
                write!(stream, "GET {PATH}?code=c&state=s HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
                let _ = stream.read_to_string(&mut String::new());
            });
            let callback = loopback.wait("s", Duration::from_secs(30)).expect("a code");
            callback.finish(Ok("somebody"));
        });
        assert!(began.elapsed() < IO_TIMEOUT, "{:?}", began.elapsed());
        drop(idle);
    }

    #[test]
    fn what_is_no_answer_is_told_apart() {
        assert!(
            matches!(visit("error=access_denied&state=the%20state").0, Err(CallbackError::Denied(error)) if error == "access_denied")
        );
        assert!(matches!(visit("state=the%20state").0, Err(CallbackError::NoCode)));
        let alone = Loopback::bind().expect("listening").wait("s", Duration::from_millis(60));
        assert!(matches!(alone, Err(CallbackError::TimedOut(_))));
    }
}
