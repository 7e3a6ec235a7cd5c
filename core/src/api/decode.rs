//! Decodes responses of the API.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::lang::json::describe;

use super::{ApiError, Response, ResponseError, SubmittedRender};

impl Response {
    /// Checks the status of the response.
    ///
    /// # Errors
    /// [`ResponseError::Api`] for every other status, redirects included: the API does not redirect.
    pub fn check(&self) -> Result<(), ResponseError> {
        if self.is_success() { Ok(()) } else { Err(ResponseError::Api(Box::new(ApiError::of(self)))) }
    }

    /// Checks a response of a storage as [`Response::check`] does: the body of a success is ignored, unless it is an HTML
    /// page, which only a proxy can have sent.
    ///
    /// # Errors
    /// See [`ResponseError`].
    pub fn check_stored(&self) -> Result<(), ResponseError> {
        self.check()?;
        if self.looks_like_html() {
            return Err(self.malformed("received an HTML page, possibly from a proxy", true));
        }
        Ok(())
    }

    /// Returns the object in the `data` wrapper, or the bare object without a wrapper.
    ///
    /// # Errors
    /// See [`ResponseError`].
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, ResponseError> {
        self.data_as(|data| data)
    }

    /// Returns the object as [`Response::data`] does, after `change`.
    pub(super) fn data_as<T: DeserializeOwned>(
        &self,
        change: impl FnOnce(Value) -> Value,
    ) -> Result<T, ResponseError> {
        let mut value = self.json()?;
        let data = value.get_mut("data").map(Value::take).unwrap_or(value);
        serde_json::from_value(change(data)).map_err(|error| self.malformed(&describe(&error), false))
    }

    /// Returns the render that a submission created.
    ///
    /// # Errors
    /// See [`ResponseError`]. JSON without a render, or with an invalid ID, counts as truncated in transit: there may
    /// be a render, as after a lost response.
    pub fn submitted(&self) -> Result<SubmittedRender, ResponseError> {
        self.submitted_as(|answer| answer, "render_id")
    }

    /// Returns what a submission created as [`Response::submitted`] does, after `change`; `name` is that of the ID.
    pub(super) fn submitted_as(
        &self,
        change: impl FnOnce(Value) -> Value,
        name: &str,
    ) -> Result<SubmittedRender, ResponseError> {
        let answer: Value = self.data_as(change)?;
        serde_json::from_value::<SubmittedRender>(answer)
            .ok()
            .filter(SubmittedRender::is_plausible)
            .ok_or_else(|| self.malformed(&format!("the response has no valid {name}"), true))
    }

    /// Returns the whole object including the wrapper, as lists need it.
    ///
    /// # Errors
    /// See [`ResponseError`].
    pub fn whole<T: DeserializeOwned>(&self) -> Result<T, ResponseError> {
        serde_json::from_value(self.json()?).map_err(|error| self.malformed(&describe(&error), false))
    }

    fn json(&self) -> Result<Value, ResponseError> {
        self.check()?;
        serde_json::from_slice(&self.body).map_err(|error| {
            if self.looks_like_html() {
                let message =
                    "received an HTML page, possibly from a proxy or because HEYGEN_API_URL is wrong";
                self.malformed(message, false)
            } else {
                self.malformed(&format!("the response is not valid JSON: {error}"), true)
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

    /// Describes a response without an error envelope; never by its body, which may contain anything.
    pub(super) fn describe(&self) -> String {
        match self.status {
            300..=399 => "the server redirected the request; redirects are not followed".to_owned(),
            _ if self.looks_like_html() => "the server responded with an HTML page".to_owned(),
            status => format!("the server responded with status {status}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Account, Asset, RenderDetail, RenderStatus};

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
    fn a_submission_leads_to_a_render_with_a_plausible_id() {
        let submitted = |id: Value| {
            response(200, "application/json", &serde_json::json!({ "data": { "render_id": id } }).to_string())
        };
        for good in ["r1", "9f8e-AB_c", "hfr:1.2~x", &"x".repeat(255)] {
            let render = submitted(good.into()).submitted().expect("a render");
            assert_eq!(render.render_id, good);
        }
        let long = "x".repeat(256);
        for odd in ["", " ", "a b", "a/b", "a\nb", "a?b", "\u{e4}", "..", &long] {
            let error = submitted(odd.into()).submitted().expect_err("no id");
            assert!(matches!(error, ResponseError::Malformed { is_cut: true, .. }), "{odd:?}");
        }
        for odd in [Value::Null, 7.into(), Value::Bool(true)] {
            assert!(submitted(odd).submitted().is_err());
        }
        let page = response(200, "text/html", "<html>").submitted().expect_err("a page");
        assert!(
            matches!(page, ResponseError::Malformed { is_cut: false, .. }),
            "a page stands for no render"
        );
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
        assert!(error.to_string().contains("not valid JSON"), "{error}");
    }
}
