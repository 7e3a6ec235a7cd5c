//! Objects in responses of the API.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Number, Value};

/// The answer to [`Request::create_upload`](super::Request::create_upload).
#[derive(Clone, Deserialize)]
pub struct DirectUpload {
    /// The asset, usable once it is completed.
    pub asset_id: String,
    /// Presigned; its query is a credential.
    pub upload_url: String,
    /// Headers that the signature covers.
    #[serde(default)]
    pub upload_headers: Map<String, Value>,
    /// The largest body accepted, in bytes.
    pub max_bytes: Option<u64>,
}

impl DirectUpload {
    /// Returns the signed headers; values other than strings, numbers and booleans are ignored.
    #[must_use]
    pub fn headers(&self) -> Vec<(String, String)> {
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            _ => None,
        };
        self.upload_headers.iter().filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect()
    }
}

/// The answer to [`Request::complete_upload`](super::Request::complete_upload) and
/// [`Request::proxy_upload`](super::Request::proxy_upload).
#[derive(Clone, Debug, Deserialize)]
pub struct Asset {
    /// The asset.
    pub asset_id: String,
}

/// The answer to a submitted render and to
/// [`Request::delete_render`](super::Request::delete_render).
#[derive(Clone, Debug, Deserialize)]
pub struct SubmittedRender {
    /// The render.
    pub render_id: String,
}

impl SubmittedRender {
    /// Returns whether the ID is valid: 1 to 255 characters of `[A-Za-z0-9_:.~-]`, which are safe in URLs and terminals, and
    /// not only dots.
    #[must_use]
    pub fn is_plausible(&self) -> bool {
        let id = self.render_id.as_str();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_:.~-".contains(&byte);
        (1..=255).contains(&id.len()) && id.bytes().all(allowed) && !id.trim_matches('.').is_empty()
    }
}

/// The status of a render.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenderStatus {
    /// Waiting.
    Queued,
    /// Under way.
    Rendering,
    /// The video is available.
    Completed,
    /// There will be no video.
    Failed,
    /// A status that this version does not know; it is taken as under way.
    Unknown,
}

impl RenderStatus {
    /// Returns whether the status is final.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// The meaning of a status word.
#[derive(Clone, Copy, Debug)]
enum Meaning {
    /// This.
    Is(RenderStatus),
    /// [`RenderStatus::Completed`] if there is a video; otherwise nothing that is known.
    CompletedWithVideo,
}

/// All status words that are known, in lowercase. The API documents `queued`, `rendering`, `completed` and `failed` for
/// renders, and its webhooks say `success` and `fail`. In addition, every word that starts with `failed_` is a failure.
const WORDS: &[(&[&str], Meaning)] = &[
    (&["queued", "pending", "waiting"], Meaning::Is(RenderStatus::Queued)),
    (&["rendering", "processing", "running"], Meaning::Is(RenderStatus::Rendering)),
    (&["completed", "complete"], Meaning::Is(RenderStatus::Completed)),
    (&["success", "succeeded", "done", "finished", "ready"], Meaning::CompletedWithVideo),
    (
        &[
            "failed",
            "fail",
            "failure",
            "error",
            "errored",
            "canceled",
            "cancelled",
            "expired",
            "aborted",
            "rejected",
            "timeout",
            "timed_out",
        ],
        Meaning::Is(RenderStatus::Failed),
    ),
];

/// One render, as the API describes it. A field of an unexpected type counts as absent; only the ID is required.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RenderDetail {
    /// The render.
    #[serde(deserialize_with = "id")]
    pub render_id: String,
    /// Status as spelled by the server, empty if absent; see [`RenderDetail::status`].
    #[serde(default, deserialize_with = "lenient")]
    pub status: String,
    /// Container as the server spells it.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Label.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Tracking id; a render key where this program chose it.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub callback_id: Option<String>,
    /// Presigned and short-lived; its query must not be published.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub video_url: Option<String>,
    /// Presigned and short-lived; its query must not be published.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub thumbnail_url: Option<String>,
    /// Captions of a clip in the form of SubRip; presigned and short-lived like the others.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub subtitle_url: Option<String>,
    /// Length in seconds.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub duration: Option<Number>,
    /// Creation, in unix seconds.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Number>,
    /// Why it failed.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub failure_message: Option<String>,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl RenderDetail {
    /// Returns the status, ignoring case and spelling variants. A word that may be about
    /// another step than the render means completed only if there is a video.
    #[must_use]
    pub fn status(&self) -> RenderStatus {
        let word = self.status.trim().to_ascii_lowercase();
        let has_video = self.video_url.as_ref().is_some_and(|url| !url.is_empty());
        let meaning =
            WORDS.iter().find(|(words, _)| words.contains(&word.as_str())).map(|(_, meaning)| *meaning);
        match meaning {
            Some(Meaning::Is(status)) => status,
            Some(Meaning::CompletedWithVideo) if has_video => RenderStatus::Completed,
            None if word.starts_with("failed_") => RenderStatus::Failed,
            Some(Meaning::CompletedWithVideo) | None => RenderStatus::Unknown,
        }
    }

    /// Returns the server's failure message, with its status unless that is `failed`.
    #[must_use]
    pub fn failure_reason(&self) -> String {
        let message = self.failure_message.as_deref().map(str::trim).filter(|message| !message.is_empty());
        let status = self.status.trim();
        let is_plain = status.is_empty() || status.eq_ignore_ascii_case("failed");
        match message {
            Some(message) if is_plain => message.to_owned(),
            Some(message) => format!("{message} (status {status})"),
            None if is_plain => String::new(),
            None => format!("the server gave no reason (status {status})"),
        }
    }

    /// Returns the creation time by the server's clock, in whole unix seconds.
    #[must_use]
    pub fn created(&self) -> Option<i64> {
        #[expect(clippy::cast_possible_truncation, reason = "casts saturate, and no time is that far away")]
        self.created_at.as_ref().and_then(Number::as_f64).map(|seconds| seconds as i64)
    }

    /// Returns whether the video is a built-in clip of the emulator, with fixed duration and dimensions.
    #[must_use]
    pub fn is_placeholder(&self) -> bool {
        self.other.get("placeholder") == Some(&Value::Bool(true))
    }

    /// Returns the detail with the queries of its URLs replaced, safe to publish.
    #[must_use]
    pub fn redacted(&self) -> Self {
        let mut detail = self.clone();
        detail.video_url = detail.video_url.as_deref().map(redact_query);
        detail.thumbnail_url = detail.thumbnail_url.as_deref().map(redact_query);
        detail.subtitle_url = detail.subtitle_url.as_deref().map(redact_query);
        redact_urls(&mut detail.other);
        detail
    }
}

/// Replaces the queries of URLs.
pub(super) fn redact_urls(members: &mut Map<String, Value>) {
    for value in members.values_mut() {
        if let Value::String(text) = value
            && text.starts_with("http")
        {
            *text = redact_query(text);
        }
    }
}

/// Replaces the query of a URL, which in a presigned one is a credential.
pub(super) fn redact_query(url: &str) -> String {
    match url.split_once('?') {
        Some((base, _)) => format!("{base}?[redacted]"),
        None => url.to_owned(),
    }
}

/// The account of a credential, with its balance.
#[derive(Clone, Debug, Deserialize)]
pub struct Account {
    /// `wallet`, `subscription` or `usage_based`.
    #[serde(default)]
    pub billing_type: Option<String>,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What an account has left to spend.
#[derive(Clone, Debug, PartialEq)]
pub struct Balance {
    /// Infinite for an account without a cap.
    pub amount: f64,
    /// The currency in lowercase, such as `usd`; `None` for credits.
    pub currency: Option<String>,
}

impl Account {
    /// Returns the amount of [`Account::funds`].
    #[must_use]
    pub fn balance(&self) -> Option<f64> {
        self.funds().map(|funds| funds.amount)
    }

    /// Returns the balance, in the unit that the account is billed in: the wallet's currency, credits, or US dollars
    /// below the cap. `None` if the server does not report it.
    #[must_use]
    pub fn funds(&self) -> Option<Balance> {
        let number = |section: &Value, path: &str| {
            let value = section.pointer(path)?;
            value.as_f64().or_else(|| value.as_str()?.parse().ok()).filter(|number| number.is_finite())
        };
        let section = |name: &str| self.other.get(name).filter(|section| section.is_object());
        let wallet = || {
            let currency = section("wallet")?.get("currency").and_then(Value::as_str).unwrap_or("usd");
            let currency = Some(currency.to_ascii_lowercase());
            Some(Balance { amount: number(section("wallet")?, "/remaining_balance")?, currency })
        };
        let subscription = || {
            let credits = section("subscription")?.get("credits")?.as_object()?;
            let left = credits.values().filter_map(|kind| number(kind, "/remaining")).collect::<Vec<_>>();
            (!left.is_empty()).then(|| Balance { amount: left.into_iter().sum(), currency: None })
        };
        let usage_based = || {
            let section = section("usage_based")?;
            let spent = number(section, "/spending_current_usd")?;
            let amount = match section.get("spending_cap_usd") {
                None | Some(Value::Null) => f64::INFINITY,
                Some(_) => number(section, "/spending_cap_usd")? - spent,
            };
            Some(Balance { amount, currency: Some("usd".to_owned()) })
        };
        match self.billing_type.as_deref() {
            Some("wallet") => wallet(),
            Some("subscription") => subscription(),
            Some("usage_based") => usage_based(),
            _ => wallet().or_else(subscription).or_else(usage_based),
        }
    }
}

/// Reads an id, which is never empty.
pub(super) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let id = String::deserialize(deserializer)?;
    if id.is_empty() { Err(serde::de::Error::custom("the id is empty")) } else { Ok(id) }
}

/// Reads a value of another type as an absent one.
pub(super) fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FIELDS: [&str; 10] = [
        "status",
        "format",
        "title",
        "callback_id",
        "video_url",
        "thumbnail_url",
        "subtitle_url",
        "duration",
        "created_at",
        "failure_message",
    ];

    #[test]
    fn a_field_of_another_type_counts_as_absent() {
        let good =
            json!({ "render_id": "r1", "status": "queued", "callback_id": "k", "created_at": 5, "fps": 30 });
        for field in FIELDS {
            for odd in [json!(null), json!([1]), json!({ "a": 1 }), json!(true)] {
                let mut entry = good.clone();
                entry[field] = odd;
                let detail: RenderDetail = serde_json::from_value(entry.clone()).expect("a detail");
                assert_eq!(detail.render_id, "r1", "{entry}");
                assert_eq!(detail.other, json!({ "fps": 30 }).as_object().cloned().unwrap_or_default());
            }
        }
        let odd =
            json!({ "render_id": "r1", "created_at": "2026-11-20T12:00:00Z", "title": 7, "duration": "1.5" });
        let detail: RenderDetail = serde_json::from_value(odd).expect("a detail");
        assert_eq!((detail.status(), detail.created(), detail.title), (RenderStatus::Unknown, None, None));
        for odd in [json!({ "status": "queued" }), json!({ "render_id": 7 }), json!({ "render_id": "" })] {
            assert!(serde_json::from_value::<RenderDetail>(odd).is_err());
        }
    }

    #[test]
    fn every_known_word_has_one_meaning() {
        let status = |word: &str, url: Option<&str>| {
            let detail = json!({ "render_id": "r1", "status": word, "video_url": url });
            serde_json::from_value::<RenderDetail>(detail).expect("a detail").status()
        };
        let mut seen = std::collections::HashSet::new();
        for (word, meaning) in
            WORDS.iter().flat_map(|(words, meaning)| words.iter().map(move |word| (word, meaning)))
        {
            assert!(seen.insert(word), "{word} is there once");
            let (with, without) = match meaning {
                Meaning::Is(status) => (*status, *status),
                Meaning::CompletedWithVideo => (RenderStatus::Completed, RenderStatus::Unknown),
            };
            for word in [(*word).to_owned(), format!(" {} ", word.to_uppercase())] {
                assert_eq!(status(&word, Some("https://cdn.example/v")), with, "{word}");
                assert_eq!([status(&word, None), status(&word, Some(""))], [without; 2], "{word}");
            }
        }
        for (word, expected) in [
            ("Success", RenderStatus::Completed),
            ("fail", RenderStatus::Failed),
            ("timed_out", RenderStatus::Failed),
            ("FAILED_MODERATION", RenderStatus::Failed),
            ("failing", RenderStatus::Unknown),
            ("", RenderStatus::Unknown),
        ] {
            assert_eq!(status(word, Some("https://cdn.example/v")), expected, "{word}");
        }
    }

    #[test]
    fn an_odd_entry_of_the_list_hides_no_other() {
        let data = json!([null, 7, "r0", [], {}, { "render_id": null }, { "render_id": 1 }, { "render_id": "" },
            { "render_id": "r1", "status": 3 }, { "render_id": "r2", "status": "failed", "created_at": "now" }]);
        let page: crate::api::RenderList =
            serde_json::from_value(json!({ "data": data, "has_more": true })).expect("a page");
        let ids = page.data.iter().map(|detail| detail.render_id.as_str()).collect::<Vec<_>>();
        assert_eq!((ids, page.has_more), (vec!["r1", "r2"], true));
        assert!(
            serde_json::from_value::<crate::api::RenderList>(json!({ "data": "none" })).is_err(),
            "that is no list"
        );
    }
}
