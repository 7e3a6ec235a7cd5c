//! A server of the documented API, a storage and a video host, with the faults of a story.
//!
//! It is written from the public contract and shares nothing with the program's own emulator, so that a wrong idea of the
//! API shows.

mod cloud;
mod http;
mod script;
mod video;

use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub(crate) use cloud::{Cloud, SIGNATURE};
use http::{Delivery, Reply, Request};
use script::Script;
pub(crate) use script::title;
pub(crate) use video::video;

use crate::faults::{Fault, Signal, Site, When};
use crate::story::{Keys, Story};

/// The API key that the server accepts.
pub(crate) const KEY: &str = "sk_chaos_topsecret_9876543210";

/// Locks a mutex; a poisoned one too, since its panic has been reported.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the server counts.
#[derive(Clone, Default)]
pub(crate) struct Tally {
    pub(crate) requests: BTreeMap<Site, u64>,
    /// Requests that met a fault.
    pub(crate) faults: u64,
    pub(crate) signals: u64,
    /// What a client must never do.
    pub(crate) offences: Vec<String>,
    /// Every request in a line.
    pub(crate) journal: Vec<String>,
}

/// A running server.
pub(crate) struct Server {
    pub(crate) url: String,
    state: Arc<State>,
}

struct State {
    address: SocketAddr,
    script: Script,
    cloud: Mutex<Cloud>,
    tally: Mutex<Tally>,
    /// Connections, and submissions that take effect later.
    active: AtomicU64,
    /// How long nobody is to listen.
    down: Mutex<Option<Duration>>,
    /// Ends the processes of the run.
    kill: Box<dyn Fn(Signal) + Send + Sync>,
    is_over: Mutex<bool>,
}

impl Server {
    /// Starts a server for a story; `kill` sends a signal to the processes of the run.
    pub(crate) fn start(story: &Story, kill: impl Fn(Signal) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((own_address(), 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}");
        let script = Script::new(story);
        let state = Arc::new(State {
            address,
            cloud: Mutex::new(Cloud::new(&url, &script)),
            script,
            tally: Mutex::default(),
            active: AtomicU64::new(0),
            down: Mutex::default(),
            kill: Box::new(kill),
            is_over: Mutex::new(false),
        });
        let own = Arc::clone(&state);
        std::thread::spawn(move || listen(listener, &own));
        Self { url, state }
    }

    pub(crate) fn tally(&self) -> Tally {
        lock(&self.state.tally).clone()
    }

    pub(crate) fn cloud(&self) -> MutexGuard<'_, Cloud> {
        lock(&self.state.cloud)
    }

    /// Requests that met a fault.
    pub(crate) fn faults(&self) -> u64 {
        lock(&self.state.tally).faults
    }

    /// Notes something among the requests.
    pub(crate) fn note(&self, line: String) {
        lock(&self.state.tally).journal.push(line);
    }

    /// Waits until every request of processes that have ended has taken effect.
    pub(crate) fn settle(&self) {
        let (began, mut quiet) = (Instant::now(), 0);
        // More than once: a connection may not be accepted yet.
        while quiet < 4 && began.elapsed() < Duration::from_secs(10) {
            quiet = if self.state.active.load(SeqCst) == 0 { quiet + 1 } else { 0 };
            std::thread::sleep(Duration::from_micros(300));
        }
    }
}

/// A loopback address for each server, where the system has many: no other server can take the port of one that does not
/// listen for a while.
fn own_address() -> Ipv4Addr {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let [.., high, low] = COUNT.fetch_add(1, SeqCst).to_be_bytes();
    if cfg!(target_os = "linux") { Ipv4Addr::new(127, 1, high, low) } else { Ipv4Addr::LOCALHOST }
}

impl Drop for Server {
    fn drop(&mut self) {
        *lock(&self.state.is_over) = true;
        let _ = TcpStream::connect(self.state.address);
    }
}

fn listen(mut listener: TcpListener, state: &Arc<State>) {
    loop {
        let accepted = listener.accept();
        if *lock(&state.is_over) {
            return;
        }
        let down = lock(&state.down).take();
        if let Some(time) = down {
            drop((accepted, listener));
            std::thread::sleep(time);
            listener = loop {
                match TcpListener::bind(state.address) {
                    Ok(listener) => break listener,
                    Err(_) => std::thread::sleep(Duration::from_millis(1)),
                }
            };
            continue;
        }
        let Ok((stream, _)) = accepted else { continue };
        let state = Arc::clone(state);
        state.active.fetch_add(1, SeqCst);
        std::thread::spawn(move || {
            // A connection that breaks is the client's affair.
            let _ = state.serve(&stream);
            state.active.fetch_sub(1, SeqCst);
        });
    }
}

impl Site {
    fn of(request: &Request) -> Option<Self> {
        let path = request.path.strip_prefix("/moved").unwrap_or(&request.path);
        Some(match (request.method.as_str(), path) {
            ("GET", "/v3/users/me") => Self::Account,
            ("POST", "/v3/assets") => Self::ProxyUpload,
            ("POST", "/v3/assets/direct-uploads") => Self::CreateUpload,
            ("POST", path) if path.starts_with("/v3/assets/") && path.ends_with("/complete") => {
                Self::Complete
            }
            ("POST", "/v3/hyperframes/renders") => Self::Submit,
            ("GET", "/v3/hyperframes/renders") => Self::List,
            ("GET", path) if path.starts_with("/v3/hyperframes/renders/") => Self::Get,
            ("PUT", path) if path.starts_with("/storage/") => Self::Put,
            ("GET", path) if path.starts_with("/video/") => Self::Video,
            _ => return None,
        })
    }

    /// The call that a key belongs to.
    fn call(self) -> Option<&'static str> {
        match self {
            Self::Submit => Some("submit"),
            Self::CreateUpload => Some("create_upload"),
            Self::ProxyUpload => Some("upload"),
            Self::Complete => Some("complete"),
            _ => None,
        }
    }
}

impl State {
    /// Answers the requests of one connection.
    fn serve(self: &Arc<Self>, stream: &TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        while let Some(request) = Request::read(&mut reader)? {
            let Some(site) = Site::of(&request) else {
                lock(&self.tally)
                    .offences
                    .push(format!("{} {} does not exist", request.method, request.path));
                Reply::json(404, &json!({ "error": { "code": "not_found", "message": "no such path" } }))
                    .send(stream)?;
                continue;
            };
            let fault = self.count(site, &request);
            if !self.respond(site, &request, fault, stream)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Counts a request, and finds its fault.
    fn count(&self, site: Site, request: &Request) -> Option<Fault> {
        let mut tally = lock(&self.tally);
        let ordinal = tally.requests.entry(site).or_default();
        let fault = self.script.fault(site, *ordinal);
        *ordinal += 1;
        let number = *ordinal - 1;
        let met = fault.map(|fault| format!(" {fault:?}")).unwrap_or_default();
        let key = request.header("idempotency-key").map(|key| format!(" key {key}")).unwrap_or_default();
        let range = request.header("range").map(|range| format!(" {range}")).unwrap_or_default();
        tally.journal.push(format!("{site:?} {number} {}{key}{range}{met}", request.path));
        tally.faults += u64::from(fault.is_some());
        tally.signals += u64::from(fault.is_some_and(|fault| fault.signal().is_some()));
        let is_external = matches!(site, Site::Put | Site::Video);
        let has_credential = request.headers.iter().any(|(name, value)| {
            matches!(name.as_str(), "x-api-key" | "authorization" | "idempotency-key") || value.contains(KEY)
        });
        if is_external && has_credential {
            tally.offences.push(format!("{site:?} carries a credential"));
        }
        if site.call().is_some() && request.header("idempotency-key").is_none() {
            tally.offences.push(format!("{site:?} has no idempotency key"));
        }
        fault
    }

    /// Answers one request; returns whether the connection can be used again.
    fn respond(
        self: &Arc<Self>,
        site: Site,
        request: &Request,
        fault: Option<Fault>,
        stream: &TcpStream,
    ) -> std::io::Result<bool> {
        let take_effect =
            |when| if when == When::After { Some(self.perform(site, request, fault)) } else { None };
        let reply = match fault {
            Some(Fault::Reset(when)) => {
                take_effect(when);
                return Ok(false);
            }
            Some(Fault::Refused { milliseconds }) => {
                *lock(&self.down) = Some(Duration::from_millis(milliseconds));
                // Wakes the listener.
                let _ = TcpStream::connect(self.address);
                return Ok(false);
            }
            Some(Fault::Stall(when)) => {
                take_effect(when);
                // Until the client closes the connection.
                let _ = (&mut &*stream).read(&mut [0]);
                return Ok(false);
            }
            Some(Fault::Signal(signal, when)) => {
                take_effect(when);
                (self.kill)(signal);
                return Ok(false);
            }
            Some(Fault::Status { status, when, is_page, retry_after }) => {
                take_effect(when);
                let body = json!({ "error": { "code": format!("a_{status}"), "message": "not now" } });
                let reply = if is_page { Reply::page(status) } else { Reply::json(status, &body) };
                retry_after
                    .into_iter()
                    .fold(reply, |reply, seconds| reply.with("retry-after", seconds.to_string()))
            }
            Some(Fault::Page(when)) => {
                take_effect(when);
                Reply::page(200)
            }
            Some(Fault::Cut { when: When::Before, .. }) => {
                Reply::new(200, "application/json", "{\"data\": {\"a")
            }
            Some(Fault::Cut { has_whole_length, .. }) => {
                let mut reply = self.perform(site, request, fault);
                let sent = reply.body.len() / 2;
                reply.delivery = match has_whole_length {
                    true => Delivery::Cut { sent, has_length: true },
                    false => Delivery::Short(sent),
                };
                reply
            }
            Some(Fault::Late { milliseconds }) => {
                self.submit_later(request, Duration::from_millis(milliseconds))
            }
            Some(Fault::Redirect) => Reply::new(301, "text/plain", "").with(
                "location",
                format!("http://{}/moved{}", self.address, request.path.trim_start_matches("/moved")),
            ),
            _ => self.perform(site, request, fault),
        };
        let mut reply = reply;
        match fault {
            Some(Fault::Drip) => reply.delivery = Delivery::Drip,
            Some(Fault::Trickle) => reply.delivery = Delivery::Trickle,
            Some(Fault::StallHalfway) => reply.delivery = Delivery::StallHalfway,
            _ => {}
        }
        if let Some(date) = self.script.date() {
            reply = reply.with("date", script::http_date(date));
        }
        let sent = reply.with("x-request-id", "req_1").send(stream);
        if let Some(Fault::SignalLater { signal, milliseconds }) = fault {
            std::thread::sleep(Duration::from_millis(milliseconds));
            (self.kill)(signal);
        }
        sent
    }

    /// Does what a request asks for.
    fn perform(&self, site: Site, request: &Request, fault: Option<Fault>) -> Reply {
        let mut cloud = lock(&self.cloud);
        match site {
            Site::Put => return cloud.store(request),
            Site::Video => return self.video(&mut cloud, request, fault),
            _ if request.header("x-api-key") != Some(KEY) => {
                return Reply::json(
                    401,
                    &json!({ "error": { "code": "authentication_failed", "message": "no" } }),
                );
            }
            _ => {}
        }
        let Some(call) = site.call() else { return self.read(&mut cloud, site, request, fault) };
        let key = request.header("idempotency-key").unwrap_or_default();
        let keys = match site {
            Site::Submit => self.script.keys,
            _ if self.script.are_upload_keys_ignored() => Keys::Ignored,
            _ => Keys::Replayed,
        };
        if let Some(reply) = cloud.replay(call, key, keys) {
            return reply;
        }
        let answer = match site {
            Site::Submit => cloud.submit(request, &self.script),
            Site::CreateUpload => cloud.create_upload(request, self.script.not_visible()),
            Site::ProxyUpload => cloud.upload(request),
            _ => cloud.complete(id_of(request)),
        };
        cloud.remember(call, key, &answer);
        Reply::json(answer.0, &answer.1)
    }

    fn read(&self, cloud: &mut Cloud, site: Site, request: &Request, fault: Option<Fault>) -> Reply {
        match site {
            Site::List => cloud.list(request, &self.script),
            Site::Get => {
                let mut reply = cloud.get(id_of(request), &self.script);
                let mut body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
                let data = &mut body["data"];
                match fault {
                    Some(Fault::UnknownStatus) if data.is_object() => data["status"] = "compositing".into(),
                    Some(Fault::ExpiredUrl) if data["video_url"].is_string() => {
                        let url = data["video_url"].as_str().unwrap_or_default();
                        data["video_url"] = url.replace(SIGNATURE, "expired").into();
                    }
                    _ => return reply,
                }
                reply.body = body.to_string().into_bytes();
                reply
            }
            _ => Reply::json(
                200,
                &json!({ "data": { "username": "u", "email": "u@example.com", "billing_type": "wallet",
                    "wallet": { "currency": "usd", "remaining_balance": 1000.0, "auto_reload": null } } }),
            ),
        }
    }

    fn video(&self, cloud: &mut Cloud, request: &Request, fault: Option<Fault>) -> Reply {
        let Some(row) = cloud.video(request) else {
            return Reply::new(403, "application/xml", "<Error><Code>AccessDenied</Code></Error>");
        };
        if matches!(fault, Some(Fault::Changed | Fault::Spliced)) {
            cloud.change_version(&row);
        }
        video::serve(request, &row, cloud.version(&row), self.script.validators(), fault)
    }

    /// Gives an answer up and takes effect later.
    fn submit_later(self: &Arc<Self>, request: &Request, delay: Duration) -> Reply {
        let key = request.header("idempotency-key").unwrap_or_default().to_owned();
        let mut cloud = lock(&self.cloud);
        if let Some(reply) = cloud.replay("submit", &key, self.script.keys) {
            return reply;
        }
        cloud.reserve("submit", &key);
        let (state, request) = (Arc::clone(self), request.clone());
        self.active.fetch_add(1, SeqCst);
        std::thread::spawn(move || {
            std::thread::sleep(delay);
            let mut cloud = lock(&state.cloud);
            let answer = cloud.submit(&request, &state.script);
            cloud.remember("submit", &key, &answer);
            state.active.fetch_sub(1, SeqCst);
        });
        Reply::page(504)
    }
}

/// The id in a path such as `/v3/assets/{id}/complete`.
fn id_of(request: &Request) -> &str {
    let path = request.path.strip_suffix("/complete").unwrap_or(&request.path);
    path.rsplit('/').next().unwrap_or_default()
}
