//! A scripted API on loopback: it does what the real one does, unless the test says otherwise for a request.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const CLIP: &[u8] = include_bytes!("../../../emulator/clips/placeholder.mp4");

/// How long a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a test says about a request; `None` for what the API does.
type Script = dyn Fn(&Call, &mut Api) -> Option<Reply> + Send + Sync;

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Method and path, such as `GET /v3/users/me`.
    pub(super) line: String,
    pub(super) body: Value,
    pub(super) at: Instant,
}

/// An answer.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// A status, headers and a body.
    Status(u16, &'static str, Value),
    /// None, until the test says so; the connection is cut then.
    Held,
    /// What the API does, but no earlier than the test says.
    Later,
    /// What the API does, after a pause.
    After(Duration),
}

/// What the API knows.
#[derive(Default)]
pub(super) struct Api {
    /// Render ids with their callback ids and the variable `row`, in their order.
    pub(super) renders: Vec<(String, Value, Value)>,
    keys: HashMap<String, usize>,
    /// What is left to spend.
    pub(super) balance: f64,
    /// Whether renders are complete.
    pub(super) is_complete: bool,
    pub(super) calls: Vec<Call>,
    /// Renders that the list leaves out.
    pub(super) unlisted: Vec<String>,
    is_released: bool,
}

/// The server; its threads end with the test.
pub(super) struct Server {
    pub(super) url: String,
    state: Arc<State>,
}

struct State {
    api: Mutex<Api>,
    changed: Condvar,
    script: Box<Script>,
}

impl Server {
    /// With a script for some of the requests.
    pub(super) fn start(script: impl Fn(&Call, &mut Api) -> Option<Reply> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let api = Api { balance: 100.0, is_complete: true, ..Api::default() };
        let state =
            Arc::new(State { api: Mutex::new(api), changed: Condvar::new(), script: Box::new(script) });
        let (shared, own) = (Arc::clone(&state), url.clone());
        let serve = move || {
            for stream in listener.incoming().flatten() {
                let (state, url) = (Arc::clone(&shared), own.clone());
                spawn(move || state.handle_connection(stream, &url));
            }
        };
        spawn(serve);
        Self { url, state }
    }

    pub(super) fn api(&self) -> MutexGuard<'_, Api> {
        self.state.lock()
    }

    /// Lets go of everything that is held.
    pub(super) fn release(&self) {
        self.api().is_released = true;
        self.state.changed.notify_all();
    }

    /// Requests whose line begins with this.
    pub(super) fn count(&self, line: &str) -> usize {
        self.api().calls.iter().filter(|call| call.line.starts_with(line)).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.release();
    }
}

/// A thread whose name sets it apart from those that are counted.
fn spawn(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().name("api".to_owned()).spawn(work).expect("a thread");
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Api> {
        self.api.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self) {
        let api = self.lock();
        let waited = self.changed.wait_timeout_while(api, PATIENCE, |api| !api.is_released);
        let is_late = waited.is_ok_and(|(_, timeout)| timeout.timed_out());
        assert!(!is_late, "nobody lets go of what is held");
    }

    /// Answers the requests of a connection, until one of them gets none.
    fn handle_connection(&self, mut stream: TcpStream, url: &str) {
        while self.answer(&mut stream, url).is_some() {}
    }

    fn answer(&self, stream: &mut TcpStream, url: &str) -> Option<()> {
        let (call, key) = read(stream)?;
        let reply = {
            let mut api = self.lock();
            api.calls.push(call.clone());
            (self.script)(&call, &mut api)
        };
        match &reply {
            Some(Reply::Held) => {
                self.wait();
                return None;
            }
            Some(Reply::Later) => self.wait(),
            Some(Reply::After(pause)) => std::thread::sleep(*pause),
            Some(Reply::Status(..)) | None => {}
        }
        let (status, headers, body) = match reply {
            Some(Reply::Status(status, headers, body)) => (status, headers, body.to_string().into_bytes()),
            _ => self.lock().answer(&call, &key, url),
        };
        let head = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n", body.len());
        stream.write_all(&[head.as_bytes(), &body].concat()).ok()
    }
}

/// A request and its idempotency key.
fn read(stream: &mut TcpStream) -> Option<(Call, String)> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let header = |name: &str| {
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(name))?;
        Some(line.split_once(": ")?.1.to_owned())
    };
    let length = header("content-length: ").map_or(0, |length| length.parse::<u64>().unwrap_or(0));
    let mut body = Vec::new();
    stream.take(length).read_to_end(&mut body).ok()?;
    let line = head.lines().next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    Some((Call { line, body, at: Instant::now() }, header("idempotency-key: ").unwrap_or_default()))
}

impl Api {
    /// Whether the test has let go of what was held.
    pub(super) fn is_released(&self) -> bool {
        self.is_released
    }

    /// What the API does.
    fn answer(&mut self, call: &Call, key: &str, url: &str) -> (u16, &'static str, Vec<u8>) {
        let ok = |body: Value| (200, "", body.to_string().into_bytes());
        let (method, path) = call.line.split_once(' ').unwrap_or_default();
        match (method, path) {
            ("POST", "/v3/assets/direct-uploads") => ok(json!({ "data": {
                "asset_id": "a1", "upload_url": format!("{url}/put"), "upload_headers": {} } })),
            ("PUT", "/put") => ok(json!({})),
            ("POST", "/v3/assets/a1/complete") => ok(json!({ "data": { "asset_id": "a1" } })),
            ("GET", "/v3/users/me") => ok(json!({ "data": {
                "billing_type": "wallet", "wallet": { "remaining_balance": self.balance } } })),
            ("POST", "/v3/hyperframes/renders") => {
                let known = self.keys.get(key).copied();
                let index = known.unwrap_or_else(|| {
                    self.renders.push((
                        format!("r{}", self.renders.len()),
                        call.body["callback_id"].clone(),
                        call.body["variables"]["row"].clone(),
                    ));
                    self.renders.len() - 1
                });
                self.keys.insert(key.to_owned(), index);
                ok(json!({ "data": { "render_id": self.renders[index].0 } }))
            }
            ("GET", path) if path.starts_with("/v3/hyperframes/renders?") => {
                let start = path.split("token=").nth(1).and_then(|token| token.parse().ok()).unwrap_or(0);
                let listed = self.renders.iter().rev().filter(|render| !self.unlisted.contains(&render.0));
                let page = listed.clone().skip(start).take(100).map(|render| self.detail(&render.0, url));
                let has_more = listed.count() > start + 100;
                ok(json!({ "data": page.collect::<Vec<_>>(), "has_more": has_more,
                    "next_token": has_more.then(|| (start + 100).to_string()) }))
            }
            ("GET", path) if path.starts_with("/v3/hyperframes/renders/") => {
                let id = path.rsplit('/').next().unwrap_or_default();
                ok(json!({ "data": self.detail(id, url) }))
            }
            ("GET", path) if path.starts_with("/video/") => (200, "", CLIP.to_vec()),
            _ => (404, "", json!({ "error": { "code": "not_found", "message": path } }).to_string().into()),
        }
    }

    fn detail(&self, id: &str, url: &str) -> Value {
        let callback_id = self.renders.iter().find(|render| render.0 == id).map(|render| &render.1);
        let status = if self.is_complete { "completed" } else { "rendering" };
        let video = self.is_complete.then(|| format!("{url}/video/{id}"));
        json!({ "render_id": id, "status": status, "callback_id": callback_id, "format": "mp4", "video_url": video })
    }
}
