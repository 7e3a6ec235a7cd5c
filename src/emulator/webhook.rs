//! The call that announces the end of a render.

use std::time::Duration;

use serde_json::json;

use super::renders::Render;
use super::state::State;

const ATTEMPTS: u32 = 3;

/// Calls the render's webhook, where it has one, on a thread of its own.
pub(super) fn notify(state: &State, render: &Render) {
    let Some(url) = render.options.callback_url.clone() else { return };
    let event = match render.failure() {
        None => json!({
            "event_type": "hyperframes_video.success",
            "event_data": {
                "render_id": render.id,
                "callback_id": render.options.callback_id,
                "url": render.video_url(state),
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
    };
    let deliver = move || {
        for attempt in 1..=ATTEMPTS {
            let sent = ureq::post(&url).header("content-type", "application/json").send(event.to_string());
            if sent.is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(200) * attempt);
        }
    };
    // A webhook that cannot be delivered is lost, as in the cloud.
    let _ = std::thread::Builder::new().name("webhook".to_owned()).spawn(deliver);
}
