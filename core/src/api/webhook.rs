//! Webhooks: the events that the API posts when a job ends.

use serde_json::{Map, Value};

use super::details::redact_query;

/// An event of a webhook. Names of members vary between products; all that are documented or seen are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookEvent {
    /// Identifier of the event, if the body has one.
    pub id: Option<String>,
    /// Such as `hyperframes_video.success`.
    pub event_type: String,
    /// ID of the render, the clip or the translation.
    pub resource_id: Option<String>,
    /// The identifier that the job was submitted with.
    pub callback_id: Option<String>,
    /// Presigned URL of the result: print it by [`WebhookEvent::redacted`] only.
    pub url: Option<String>,
    /// Why the job has failed.
    pub message: Option<String>,
}

/// How a job has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobEnd {
    /// It has a result.
    Success,
    /// It has failed.
    Fail,
}

impl WebhookEvent {
    /// Reads the body of a webhook.
    ///
    /// # Errors
    /// Returns what is wrong, as a lowercase phrase, if it is not a JSON object with a string `event_type`.
    pub fn parse(body: &[u8]) -> Result<Self, String> {
        let value =
            serde_json::from_slice::<Value>(body).map_err(|error| format!("is not valid JSON: {error}"))?;
        let event = value.as_object().ok_or("must be a JSON object")?;
        let event_type = text(event, &["event_type"]).ok_or("has no string event_type")?;
        let empty = Map::new();
        let data = event.get("event_data").and_then(Value::as_object).unwrap_or(&empty);
        Ok(Self {
            id: text(event, &["event_id"]),
            event_type,
            resource_id: text(
                data,
                &["render_id", "video_translate_id", "video_translation_id", "video_id", "id"],
            ),
            callback_id: text(data, &["callback_id"]),
            url: text(data, &["url", "video_url"]),
            message: text(data, &["msg", "message", "failure_message"]),
        })
    }

    /// Returns how the job has ended; `None` for an event of another kind.
    pub fn end(&self) -> Option<JobEnd> {
        match self.event_type.rsplit('.').next() {
            Some("success") => Some(JobEnd::Success),
            Some("fail") => Some(JobEnd::Fail),
            _ => None,
        }
    }

    /// Returns the event without the signature of its URL, with which anyone can download the file.
    #[must_use]
    pub fn redacted(&self) -> Self {
        Self { url: self.url.as_deref().map(redact_query), ..self.clone() }
    }
}

/// Returns the first of these members that is a string.
fn text(members: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| members.get(*name)?.as_str()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<WebhookEvent, String> {
        WebhookEvent::parse(body.as_bytes())
    }

    #[test]
    fn names_of_all_products_are_read() {
        for (body, id, end) in [
            (
                r#"{"event_type":"hyperframes_video.success","event_data":{"render_id":"r","url":"https://x/a?s=1"}}"#,
                "r",
                Some(JobEnd::Success),
            ),
            (
                r#"{"event_id":"e","event_type":"avatar_video.fail","event_data":{"video_id":"v","msg":"no"},"new":1}"#,
                "v",
                Some(JobEnd::Fail),
            ),
            (r#"{"event_type":"batch.finished","event_data":{"id":"b","url":7}}"#, "b", None),
        ] {
            let event = parse(body).expect("an event");
            assert_eq!((event.resource_id.as_deref(), event.end()), (Some(id), end), "{body}");
            assert!(event.redacted().url.is_none_or(|url| !url.contains("s=1")));
        }
    }

    #[test]
    fn bodies_that_are_not_events_say_why() {
        for (body, reason) in [
            ("", "is not valid JSON"),
            ("[]", "must be a JSON object"),
            (r#"{"event_type":1}"#, "has no string event_type"),
        ] {
            assert!(parse(body).expect_err("no event").starts_with(reason), "{body}");
        }
        let event = parse(r#"{"event_type":"x","event_data":[]}"#).expect("an event");
        assert_eq!((event.resource_id, event.callback_id), (None, None));
    }
}
