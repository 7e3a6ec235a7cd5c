//! Answers as data. Unknown fields are kept, unknown statuses are not errors.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use super::{ApiError, ResponseError};
use crate::time::parse_http_date;

/// An HTTP answer, read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in any case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header named `name`, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The server's clock as it answered, in unix seconds.
    #[must_use]
    pub fn date(&self) -> Option<i64> {
        self.header("date").and_then(parse_http_date)
    }

    /// Whether the status says success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The error that the answer is, or `Ok` where the status says success.
    ///
    /// # Errors
    /// [`ResponseError::Api`] for every other status, redirects included: the API does not redirect.
    pub fn check(&self) -> Result<(), ResponseError> {
        if self.is_success() { Ok(()) } else { Err(ResponseError::Api(Box::new(ApiError::of(self)))) }
    }

    /// As [`Response::check`], for a storage: what it says to success does not matter, unless it is a page, which only
    /// somebody in between can have sent.
    ///
    /// # Errors
    /// See [`ResponseError`].
    pub fn check_stored(&self) -> Result<(), ResponseError> {
        self.check()?;
        if self.looks_like_html() {
            return Err(self.malformed("the answer is an HTML page; a proxy may stand in between", true));
        }
        Ok(())
    }

    /// The object in the `data` wrapper, or the bare object where there is none.
    ///
    /// # Errors
    /// See [`ResponseError`].
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, ResponseError> {
        let mut value = self.json()?;
        let data = value.get_mut("data").map(Value::take).unwrap_or(value);
        serde_json::from_value(data).map_err(|error| self.malformed(&error.to_string(), false))
    }

    /// The whole object, wrapper included, as lists need it.
    ///
    /// # Errors
    /// See [`ResponseError`].
    pub fn whole<T: DeserializeOwned>(&self) -> Result<T, ResponseError> {
        serde_json::from_value(self.json()?).map_err(|error| self.malformed(&error.to_string(), false))
    }

    fn json(&self) -> Result<Value, ResponseError> {
        self.check()?;
        serde_json::from_slice(&self.body).map_err(|error| {
            if self.looks_like_html() {
                let message =
                    "the answer is an HTML page; a proxy or a wrong HEYGEN_API_URL may stand in between";
                self.malformed(message, false)
            } else {
                self.malformed(&format!("the answer is not JSON: {error}"), true)
            }
        })
    }

    fn malformed(&self, message: &str, is_cut: bool) -> ResponseError {
        ResponseError::Malformed { status: self.status, message: message.to_owned(), is_cut }
    }

    fn looks_like_html(&self) -> bool {
        let is_xml = self.header("content-type").is_some_and(|kind| kind.contains("xml"));
        self.header("content-type").is_some_and(|kind| kind.contains("html"))
            || (!is_xml && self.body.trim_ascii_start().first() == Some(&b'<'))
    }

    /// What an answer without an error envelope says about itself; never its body, which may be anything.
    pub(super) fn describe(&self) -> String {
        match self.status {
            300..=399 => "the server redirects, and the credential does not follow".to_owned(),
            _ if self.looks_like_html() => "the server answered with an HTML page".to_owned(),
            status => format!("the server answered with status {status}"),
        }
    }
}

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
    /// The signed headers; values that are no text, number or truth value are left out.
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

/// The answer to [`Request::submit`](super::Request::submit) and
/// [`Request::delete_render`](super::Request::delete_render).
#[derive(Clone, Debug, Deserialize)]
pub struct SubmittedRender {
    /// The render.
    pub render_id: String,
}

/// Where a render stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenderStatus {
    /// Waiting.
    Queued,
    /// Under way.
    Rendering,
    /// The video is there.
    Completed,
    /// There will be no video.
    Failed,
    /// A status that this version does not know; it is taken as under way.
    Unknown,
}

impl RenderStatus {
    /// Whether nothing will change any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// One render, as the API tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RenderDetail {
    /// The render.
    pub render_id: String,
    /// Status as the server spells it; see [`RenderDetail::status`].
    pub status: String,
    /// Container as the server spells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Tracking id; a render key where this program chose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_id: Option<String>,
    /// Presigned and short-lived; its query must not be published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video_url: Option<String>,
    /// Presigned and short-lived; its query must not be published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail_url: Option<String>,
    /// Length in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Number>,
    /// Creation, in unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Number>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_message: Option<String>,
    /// Everything else the server said, known to this version or not.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl RenderDetail {
    /// Where the render stands.
    #[must_use]
    pub fn status(&self) -> RenderStatus {
        match self.status.as_str() {
            "queued" => RenderStatus::Queued,
            "rendering" => RenderStatus::Rendering,
            "completed" => RenderStatus::Completed,
            "failed" => RenderStatus::Failed,
            _ => RenderStatus::Unknown,
        }
    }

    /// Creation by the server's clock, in whole unix seconds.
    #[must_use]
    pub fn created(&self) -> Option<i64> {
        #[expect(clippy::cast_possible_truncation, reason = "casts saturate, and no time is that far away")]
        self.created_at.as_ref().and_then(Number::as_f64).map(|seconds| seconds as i64)
    }

    /// Whether the video is a built-in clip of the emulator, which is as long and as large as it is.
    #[must_use]
    pub fn is_placeholder(&self) -> bool {
        self.other.get("placeholder") == Some(&Value::Bool(true))
    }

    /// The same detail with the queries of its URLs replaced, safe to publish.
    #[must_use]
    pub fn redacted(&self) -> Self {
        let mut detail = self.clone();
        detail.video_url = detail.video_url.as_deref().map(redact_query);
        detail.thumbnail_url = detail.thumbnail_url.as_deref().map(redact_query);
        for value in detail.other.values_mut() {
            if let Value::String(text) = value
                && text.starts_with("http")
            {
                *text = redact_query(text);
            }
        }
        detail
    }
}

/// Replaces the query of a URL, which in a presigned one is a credential.
fn redact_query(url: &str) -> String {
    match url.split_once('?') {
        Some((base, _)) => format!("{base}?[redacted]"),
        None => url.to_owned(),
    }
}

/// Who the credential belongs to, and what is left to spend.
#[derive(Clone, Debug, Deserialize)]
pub struct Account {
    /// `wallet`, `subscription` or `usage_based`.
    #[serde(default)]
    pub billing_type: Option<String>,
    /// Everything else the server said.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Account {
    /// What is left to spend, in the unit that the account is billed in: the wallet's currency, credits, or US dollars
    /// below the cap. `None` where the server does not say; infinite where there is no cap.
    #[must_use]
    pub fn balance(&self) -> Option<f64> {
        let number = |section: &Value, path: &str| {
            let value = section.pointer(path)?;
            value.as_f64().or_else(|| value.as_str()?.parse().ok()).filter(|number| number.is_finite())
        };
        let section = |name: &str| self.other.get(name).filter(|section| section.is_object());
        let wallet = || number(section("wallet")?, "/remaining_balance");
        let subscription = || {
            let credits = section("subscription")?.get("credits")?.as_object()?;
            let left = credits.values().filter_map(|kind| number(kind, "/remaining")).collect::<Vec<_>>();
            (!left.is_empty()).then(|| left.into_iter().sum())
        };
        let usage_based = || {
            let section = section("usage_based")?;
            let spent = number(section, "/spending_current_usd")?;
            match section.get("spending_cap_usd") {
                None | Some(Value::Null) => Some(f64::INFINITY),
                Some(_) => Some(number(section, "/spending_cap_usd")? - spent),
            }
        };
        match self.billing_type.as_deref() {
            Some("wallet") => wallet(),
            Some("subscription") => subscription(),
            Some("usage_based") => usage_based(),
            _ => wallet().or_else(subscription).or_else(usage_based),
        }
    }
}

/// One page of renders.
#[derive(Clone, Debug, Deserialize)]
pub struct RenderList {
    /// Newest first.
    #[serde(default)]
    pub data: Vec<RenderDetail>,
    /// Whether there are more.
    #[serde(default)]
    pub has_more: bool,
    /// The cursor of the next page.
    #[serde(default)]
    pub next_token: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, kind: &str, body: &str) -> Response {
        Response {
            status,
            headers: vec![("Content-Type".into(), kind.into()), ("X-Request-Id".into(), "req-1".into())],
            body: body.into(),
        }
    }

    #[test]
    fn data_may_be_wrapped_or_bare() {
        for body in [r#"{"data":{"render_id":"r1"}}"#, r#"{"render_id":"r1"}"#] {
            let submitted: SubmittedRender = response(200, "application/json", body).data().expect("data");
            assert_eq!(submitted.render_id, "r1");
        }
    }

    #[test]
    fn unknown_fields_and_statuses_survive() {
        let body = r#"{"data":{"render_id":"r1","status":"thinking","new":[1],"fps":30,"duration":1.5,
            "video_url":"https://b.example/v.mp4?sig=secret","poster_url":"https://b.example/p?sig=secret"}}"#;
        let detail: RenderDetail = response(200, "application/json", body).data().expect("data");
        assert_eq!(detail.status(), RenderStatus::Unknown);
        assert!(!detail.status().is_final());
        let shown = serde_json::to_string(&detail.redacted()).expect("json");
        assert!(shown.contains(r#""new":[1]"#) && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn the_balance_is_that_of_the_way_of_billing() {
        let left = |body: &str| serde_json::from_str::<Account>(body).expect("an account").balance();
        let wallet = r#""wallet":{"currency":"usd","remaining_balance":12.5}"#;
        assert_eq!(left(&format!(r#"{{"billing_type":"wallet",{wallet}}}"#)), Some(12.5));
        assert_eq!(left(r#"{"billing_type":"wallet","wallet":{"remaining_balance":"7"}}"#), Some(7.0));
        let credits = r#""subscription":{"plan":"pro","credits":{"premium_credits":{"remaining":3,"resets_at":1},
            "add_on_credits":{"remaining":4}}}"#;
        assert_eq!(left(&format!(r#"{{"billing_type":"subscription",{wallet},{credits}}}"#)), Some(7.0));
        let usage = r#""usage_based":{"spending_current_usd":30,"spending_cap_usd":50}"#;
        assert_eq!(left(&format!(r#"{{"billing_type":"usage_based",{usage}}}"#)), Some(20.0));
        assert_eq!(
            left(
                r#"{"billing_type":"usage_based","usage_based":{"spending_current_usd":3,"spending_cap_usd":null}}"#
            ),
            Some(f64::INFINITY)
        );
        assert_eq!(left(&format!(r#"{{"billing_type":"new","wallet":null,{credits}}}"#)), Some(7.0));
        assert_eq!(left(r#"{"billing_type":"wallet","wallet":null}"#), None);
    }

    #[test]
    fn errors_carry_what_the_server_said() {
        let body =
            r#"{"error":{"code":"invalid_parameter","message":"fps is odd","param":"fps","doc_url":null}}"#;
        let Err(ResponseError::Api(error)) = response(400, "application/json", body).check() else {
            unreachable!("an error")
        };
        assert_eq!((error.code.as_str(), error.param.as_deref()), ("invalid_parameter", Some("fps")));
        assert_eq!(error.request_id.as_deref(), Some("req-1"));
    }

    #[test]
    fn a_page_from_a_proxy_is_named_as_one() {
        let error =
            response(200, "text/html", "<html>login</html>").data::<SubmittedRender>().expect_err("html");
        assert!(error.to_string().contains("HTML page"), "{error}");
        let error = response(502, "text/html", "<html>secret</html>").check().expect_err("html");
        assert!(!error.to_string().contains("secret"), "{error}");
        let error =
            response(200, "application/json", r#"{"data":{"render"#).data::<Asset>().expect_err("cut");
        assert!(error.to_string().contains("not JSON"), "{error}");
    }
}
