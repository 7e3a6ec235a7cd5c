//! `webhook listen`: receives webhooks on loopback, and runs a command for each.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::error::WebhookError;
use super::seen::SeenFile;
use super::verify::{Delivery, Verified, Verifier};
use crate::app::outcome::{DeliveryOutcome, DeliveryState, ListeningOutcome, WebhookListenOutcome};
use crate::emulator::{Reply, Request, Server};
use crate::fault::Error;
use crate::system::deadline::Deadline;
use crate::system::programs::process::{self, ProcessEvent, RunningProcess};
use crate::ui::{Console, plain};

/// How long a command may take. HeyGen stops waiting for a response earlier, and delivers the event again.
const TIMEOUT: Duration = Duration::from_secs(600);

/// How often the end of a command is looked for.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// How long the end waits for responses that are still being sent.
const LAST_RESPONSES: Duration = Duration::from_secs(2);

/// How often responses are looked for.
const RESPONSE_PAUSE: Duration = Duration::from_millis(5);

/// What `webhook listen` does.
pub(crate) struct ListenSpec {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub(crate) port: u16,
    /// The program and its arguments, which no shell interprets.
    pub(crate) command: (PathBuf, Vec<std::ffi::OsString>),
    /// Verifies signatures and times.
    pub(crate) verifier: Verifier,
    /// The file of events that were received.
    pub(crate) seen: Option<SeenFile>,
    /// Number of handled events after which it ends; never if `None`.
    pub(crate) count: Option<u32>,
    /// Whether signatures of URLs are shown.
    pub(crate) shows_urls: bool,
}

/// A webhook, and where the status of the response goes.
type Received = (Result<Delivery, WebhookError>, Sender<u16>);

/// Receives webhooks one after the other.
///
/// # Errors
/// Returns [`WebhookError::Port`] if the port cannot be bound.
pub(crate) fn listen(spec: &ListenSpec, console: &mut Console) -> Result<(), Error> {
    let refused = |error| WebhookError::Port(spec.port, error);
    let (mut server, listener) = Server::bind(spec.port).map_err(refused)?;
    let (sender, received) = mpsc::channel::<Received>();
    let sender = Mutex::new(sender);
    let handler = Arc::new(move |request: &mut Request| receive(request, &sender));
    let answer = Arc::clone(&handler);
    server.serve(listener, answer).map_err(refused)?;
    console.done(&format!("Listening at {}", server.url));
    console.outcome_line(&WebhookListenOutcome::Listening(ListeningOutcome { url: server.url.clone() }));
    let mut handled = 0;
    for (delivery, status) in received {
        let outcome = delivery.map_err(Error::from).and_then(|delivery| handle(spec, &delivery, console));
        let (code, outcome) = match outcome {
            Ok(outcome) => (if outcome.state == DeliveryState::Handled { 200 } else { 500 }, outcome),
            Err(error) => {
                console.warning(&error.to_string());
                let outcome = DeliveryOutcome::refused(error.code());
                (refusal_status(&error), outcome)
            }
        };
        let _ = status.send(code);
        handled += u32::from(outcome.state == DeliveryState::Handled);
        console.outcome_line(&WebhookListenOutcome::Delivery(outcome));
        if spec.count.is_some_and(|count| handled >= count) {
            break;
        }
    }
    drop(server);
    // Each connection has a handler until its response is written.
    let deadline = Deadline::after(LAST_RESPONSES);
    while Arc::strong_count(&handler) > 1 && !deadline.is_over() {
        std::thread::sleep(deadline.limit(RESPONSE_PAUSE));
    }
    Ok(())
}

/// Returns the status of the response to a webhook that is not handled. A repeated event is acknowledged, so that it is not
/// delivered again.
fn refusal_status(error: &Error) -> u16 {
    match error.code() {
        "webhook_repeated" => 200,
        "seen_not_usable" => 500,
        "webhook_not_authentic" | "webhook_expired" => 403,
        _ => 400,
    }
}

/// Hands a request to the main thread, and waits for its response.
fn receive(request: &mut Request, sender: &Mutex<Sender<Received>>) -> Reply {
    if request.method != "POST" {
        return Reply::new(405, "text/plain", "webhooks are POST requests\n");
    }
    let header = |name: &str| request.header(name).map(str::to_owned);
    let delivery = Delivery {
        body: Vec::new(),
        signature: header("heygen-signature"),
        timestamp: header("heygen-timestamp"),
        event_id: header("heygen-event-id"),
    };
    let delivery = Delivery::read_body(request).map(|body| Delivery { body, ..delivery });
    let (respond, status) = mpsc::channel();
    let sender = sender.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let sent = sender.send((delivery, respond)).is_ok();
    let status = if sent { status.recv().unwrap_or(503) } else { 503 };
    Reply::new(status, "text/plain", "")
}

/// Verifies a webhook and runs the command. The event is recorded only if the command succeeds: otherwise it is handled when
/// it is delivered again.
fn handle(spec: &ListenSpec, delivery: &Delivery, console: &mut Console) -> Result<DeliveryOutcome, Error> {
    let verified = spec.verifier.verify(delivery)?;
    let seen = spec.seen.as_ref().map(SeenFile::lock).transpose()?;
    let seen = seen.map(|seen| seen.check(&verified)).transpose()?;
    let name = verified.event.resource_id.as_deref().or(verified.id.as_deref()).unwrap_or("-");
    console.step(&format!("{} {}", plain(&verified.event.event_type), plain(name)));
    let (exit_code, problem) = match run(spec, delivery, &verified, console) {
        Ok(status) if status.success() => (status.code(), None),
        Ok(status) => (status.code(), Some(status.to_string())),
        Err(error) => (None, Some(error.to_string())),
    };
    let event = Some(verified.outcome(spec.shows_urls));
    if let Some(problem) = problem {
        console.warning(&format!("the command failed and the event will be delivered again: {problem}"));
        return Ok(DeliveryOutcome { state: DeliveryState::Failed, code: None, event, exit_code });
    }
    if let Some(seen) = seen {
        seen.record(&verified)?;
    }
    Ok(DeliveryOutcome { state: DeliveryState::Handled, code: None, event, exit_code })
}

/// Runs the command with the body on its standard input, and without the variables of this process that may be secrets.
fn run(
    spec: &ListenSpec,
    delivery: &Delivery,
    verified: &Verified,
    console: &mut Console,
) -> std::io::Result<std::process::ExitStatus> {
    let (program, arguments) = &spec.command;
    let mut command = process::without_secrets(Command::new(program));
    let variables = [
        ("HEYGEN_EVENT_TYPE", Some(verified.event.event_type.as_str())),
        ("HEYGEN_EVENT_ID", verified.id.as_deref()),
        ("HEYGEN_RESOURCE_ID", verified.event.resource_id.as_deref()),
        ("HEYGEN_CALLBACK_ID", verified.event.callback_id.as_deref()),
    ];
    // The system refuses a variable with a NUL.
    let usable = |value: &&str| !value.contains('\0');
    command.args(arguments);
    command.envs(variables.into_iter().filter_map(|(name, value)| Some((name, value.filter(usable)?))));
    let mut running = RunningProcess::start(command, Stdio::piped())?;
    if let Some(mut stdin) = running.take_stdin() {
        let body = delivery.body.clone();
        // A thread: a command that does not read its input must not block this one.
        std::thread::spawn(move || stdin.write_all(&body));
    }
    let deadline = Deadline::after(TIMEOUT);
    loop {
        match running.next_event(deadline.limit(POLL_INTERVAL))? {
            ProcessEvent::Stdout(line) | ProcessEvent::Stderr(line) => console.detail(&plain(&line)),
            ProcessEvent::Exited(status) => return Ok(status),
            ProcessEvent::Idle if deadline.is_over() => return Err(std::io::ErrorKind::TimedOut.into()),
            ProcessEvent::Idle => {}
        }
    }
}
