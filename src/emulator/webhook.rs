//! Webhooks: the event that a render has ended, and its delivery.

use std::time::Duration;

use serde_json::{Value, json};

use super::state::Render;

const MAX_ATTEMPTS: u32 = 3;

/// Pause after the first attempt; it grows with each.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Returns the event of a finished render; `video_url` is absent if the render failed.
pub(super) fn event(render: &Render, video_url: Option<&str>) -> Value {
    match render.failure() {
        None => json!({
            "event_type": "hyperframes_video.success",
            "event_data": {
                "render_id": render.id,
                "callback_id": render.options.callback_id,
                "url": video_url,
            },
        }),
        Some(message) => json!({
            "event_type": "hyperframes_video.fail",
            "event_data": {
                "render_id": render.id,
                "callback_id": render.options.callback_id,
                "msg": message,
            },
        }),
    }
}

/// Posts an event to `url`, on a thread of its own. An event that cannot be delivered is lost, as in the cloud.
pub(super) fn deliver(url: String, event: String) {
    let post = move || {
        for attempt in 1..=MAX_ATTEMPTS {
            let sent = ureq::post(&url).header("content-type", "application/json").send(&event);
            if sent.is_ok() {
                return;
            }
            std::thread::sleep(RETRY_PAUSE * attempt);
        }
    };
    let _ = std::thread::Builder::new().name("webhook".to_owned()).spawn(post);
}
