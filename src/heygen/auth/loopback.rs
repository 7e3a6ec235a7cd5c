//! Where the browser comes back to: a listener on 127.0.0.1 that takes one answer; source: RFC 8252, section 7.3.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::pkce::is_equal;
use crate::system::page;

const PATH: &str = "/oauth/callback";

/// A request line is not longer, in bytes.
const LONGEST_LINE: u64 = 16 * 1024;

/// How often it is looked whether somebody came.
const TICK: Duration = Duration::from_millis(50);

/// How long a browser may take to send its request.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why nobody came back with a code.
#[derive(Debug)]
pub(crate) enum CallbackError {
    /// There is no listening on this machine.
    Listen(io::Error),
    /// Nobody came in time.
    TimedOut(Duration),
    /// What came is not the answer to what was asked.
    WrongState,
    /// The server sent the user back with an error, which is named.
    Denied(String),
    /// Neither a code nor an error.
    NoCode,
}

/// A listener for one sign-in.
#[derive(Debug)]
pub(crate) struct Loopback {
    listener: TcpListener,
    port: u16,
}

/// Who came back: the browser waits for what is made of it.
#[derive(Debug)]
pub(crate) struct Callback {
    /// The code, which is worth a token once.
    pub(crate) code: super::Secret,
    stream: TcpStream,
}

impl Loopback {
    /// Listens on a free port.
    ///
    /// # Errors
    /// When the system does not let it.
    pub(crate) fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    /// Where the server is to send the browser.
    pub(crate) fn redirect_uri(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }

    /// Waits for the browser with the answer to the request with this `state`.
    ///
    /// # Errors
    /// See [`CallbackError`]; the browser has been told then.
    pub(crate) fn wait(&self, state: &str, patience: Duration) -> Result<Callback, CallbackError> {
        let deadline = Instant::now() + patience;
        let (tell, told) = mpsc::channel();
        while Instant::now() < deadline {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    // Browsers open connections ahead, on which they say nothing: nobody waits for those.
                    let (tell, state) = (tell.clone(), state.to_owned());
                    std::thread::spawn(move || answer(stream, &state).map(|ended| tell.send(ended)));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if let Ok(ended) = told.recv_timeout(TICK) {
                        return ended;
                    }
                }
                Err(error) => return Err(CallbackError::Listen(error)),
            }
        }
        Err(CallbackError::TimedOut(patience))
    }
}

impl Callback {
    /// Tells the browser how it went: who is signed in, or why nobody is.
    pub(crate) fn finish(mut self, ended: Result<&str, &str>) {
        let _ = match ended {
            Ok(who) => reply(
                &mut self.stream,
                200,
                &told("Signed in", &format!("You are signed in as {who}. You can close this window.")),
            ),
            Err(why) => reply(&mut self.stream, 400, &told("Not signed in", why)),
        };
    }
}

/// Takes a connection in; `None` where it is not the answer but somebody who looks what is here.
fn answer(mut stream: TcpStream, state: &str) -> Option<Result<Callback, CallbackError>> {
    let _ = stream.set_nonblocking(false);
    let _ = stream.set_read_timeout(Some(PATIENCE));
    let _ = stream.set_write_timeout(Some(PATIENCE));
    let target = request(&stream)?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    if path != PATH {
        let _ = reply(&mut stream, 404, &told("Not found", "There is nothing here."));
        return None;
    }
    let parameter = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let refused = |stream: &mut TcpStream, error: CallbackError, why: &str| {
        let _ = reply(stream, 400, &told("Not signed in", why));
        Some(Err(error))
    };
    if !parameter("state").is_some_and(|given| is_equal(&given, state)) {
        let why = "This is not the answer to the sign-in that was begun in the terminal. Begin again there.";
        return refused(&mut stream, CallbackError::WrongState, why);
    }
    if let Some(error) = parameter("error") {
        let why = "The sign-in was not allowed. What was stored before is as it was.";
        return refused(&mut stream, CallbackError::Denied(error), why);
    }
    match parameter("code").filter(|code| !code.is_empty()) {
        Some(code) => Some(Ok(Callback { code: super::Secret::new(code), stream })),
        None => refused(&mut stream, CallbackError::NoCode, "The server sent neither a code nor an error."),
    }
}

/// The target of a GET request; `None` where it is none.
fn request(stream: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream.try_clone().ok()?.take(LONGEST_LINE));
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    // The rest of the head is read, or the browser would see its connection break.
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

fn told(title: &str, text: &str) -> String {
    page::document(title, &format!("<p>{}</p>", page::escape(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Comes back with this query; gives back how it ended, and what the browser sees.
    fn come(query: &str) -> (Result<String, CallbackError>, String) {
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
                // Whoever looks around is no answer.
                assert!(send("favicon.ico", "GET").starts_with("HTTP/1.1 404"));
                send(path, "POST");
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
        let (code, page) = come("code=a%2Fb+c&state=the+state");
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
        assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
        drop(idle);
    }

    #[test]
    fn what_is_no_answer_is_told_apart() {
        assert!(matches!(come("code=a&state=other").0, Err(CallbackError::WrongState)));
        assert!(matches!(come("code=a").0, Err(CallbackError::WrongState)));
        assert!(
            matches!(come("error=access_denied&state=the%20state").0, Err(CallbackError::Denied(error)) if error == "access_denied")
        );
        assert!(matches!(come("state=the%20state").0, Err(CallbackError::NoCode)));
        let alone = Loopback::bind().expect("listening").wait("s", Duration::from_millis(60));
        assert!(matches!(alone, Err(CallbackError::TimedOut(_))));
    }
}
