//! Webhooks: the events that jobs have ended, and their delivery.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::state::{Endpoint, Render, State, Status, Translation, Video};
use crate::system::clock::unix_now;
use crate::system::secret::Secret;
use crate::system::signature;

const MAX_ATTEMPTS: u32 = 4;

/// Pause after the first attempt; it grows with each.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// How long one attempt may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Announces the end of a render.
pub(super) fn render_ended(state: &Arc<State>, render: &Render) {
    let (id, options) = (&render.id, &render.options);
    let data = match render.failure() {
        None => {
            json!({ "render_id": id, "callback_id": options.callback_id, "url": state.video_url(render) })
        }
        Some(message) => json!({ "render_id": id, "callback_id": options.callback_id, "msg": message }),
    };
    ended(state, "hyperframes_video", render.failure().is_none(), &data, options.callback_url.as_deref());
}

/// Announces the end of a presenter clip.
pub(super) fn video_ended(state: &Arc<State>, video: &Video) {
    let (id, callback_id) = (&video.id, &video.callback_id);
    let (is_success, data) = match &video.status {
        Status::Failed(message) => {
            (false, json!({ "video_id": id, "callback_id": callback_id, "msg": message }))
        }
        _ => {
            let url = state.presigner.url("GET", &video.video_name(), "");
            (true, json!({ "video_id": id, "callback_id": callback_id, "url": url }))
        }
    };
    ended(state, "avatar_video", is_success, &data, video.callback_url.as_deref());
}

/// Announces the end of a translation.
pub(super) fn translation_ended(state: &Arc<State>, translation: &Translation) {
    let (id, callback_id) = (&translation.id, &translation.callback_id);
    let (is_success, data) = match &translation.status {
        Status::Failed(message) => {
            (false, json!({ "video_translate_id": id, "callback_id": callback_id, "msg": message }))
        }
        _ => {
            let url = state.presigner.url("GET", &translation.video_name(), "");
            (true, json!({ "video_translate_id": id, "callback_id": callback_id, "url": url }))
        }
    };
    ended(state, "video_translate", is_success, &data, translation.callback_url.as_deref());
}

/// Records the event that a job of the product `name` has ended, and delivers it to every endpoint that wants it, and to the
/// URL of the job.
pub(super) fn ended(
    state: &Arc<State>,
    name: &str,
    is_success: bool,
    data: &Value,
    callback_url: Option<&str>,
) {
    let event_type = format!("{name}.{}", if is_success { "success" } else { "fail" });
    let mut inner = state.lock();
    let id = inner.ids.next("evt");
    let event = json!({
        "event_id": id, "event_type": event_type, "event_data": data, "created_at": unix_now(),
    });
    inner.events.push(event.clone());
    let endpoints = inner.endpoints.iter().filter(|endpoint| endpoint.wants(&event_type));
    let mut receivers = endpoints.map(Receiver::of).collect::<Vec<_>>();
    drop(inner);
    receivers.extend(callback_url.map(|url| Receiver { url: url.to_owned(), secret: None }));
    for receiver in receivers {
        deliver(Arc::clone(state), receiver, &id, event.to_string());
    }
}

/// Where an event is sent.
struct Receiver {
    url: String,
    /// Signs the body. Whether the cloud signs requests to the URL of a job is not documented: the emulator does not.
    secret: Option<Secret>,
}

impl Receiver {
    fn of(endpoint: &Endpoint) -> Self {
        Self { url: endpoint.url.clone(), secret: Some(endpoint.secret.clone()) }
    }
}

/// Posts an event on a thread of its own, until it is accepted. An event that cannot be delivered is lost, as in the cloud.
fn deliver(state: Arc<State>, receiver: Receiver, id: &str, event: String) {
    let id = id.to_owned();
    let post = move || {
        let agent =
            ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).max_redirects(0).build().new_agent();
        for attempt in 1..=MAX_ATTEMPTS {
            let mut request = agent.post(&receiver.url).header("content-type", "application/json");
            request = request.header("heygen-event-id", &id);
            if let Some(secret) = &receiver.secret {
                request = request.header("heygen-timestamp", unix_now().to_string());
                request = request.header("heygen-signature", signature::sign(secret, event.as_bytes()));
            }
            let sent = request.send(&event);
            state.lock().stats.webhook_attempts += 1;
            if sent.is_ok_and(|reply| reply.status().is_success()) {
                state.lock().stats.webhooks_delivered += 1;
                return;
            }
            if attempt < MAX_ATTEMPTS {
                std::thread::sleep(RETRY_PAUSE * attempt);
            }
        }
        state.lock().stats.webhooks_lost += 1;
    };
    let _ = std::thread::Builder::new().name("webhook".to_owned()).spawn(post);
}
