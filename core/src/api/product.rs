//! What the API makes: renders, presenter clips and translations. They are submitted, polled and listed alike, at endpoints and with
//! names of their own.

use serde_json::{Map, Value};

use super::{
    IdempotencyKey, Page, RENDERS, RenderDetail, RenderList, Request, Response, ResponseError,
    SubmittedRender,
};

/// What a submission makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Product {
    /// The render of a project.
    #[default]
    Render,
    /// A presenter clip, whose `title` is its key: the API does not return a `callback_id`.
    Clip,
    /// The translation of a video into one language, whose `title` is its key.
    Translation,
}

/// Members of clips and translations, and their names in a render.
const NAMES: [(&str, &str); 4] = [
    ("video_id", "render_id"),
    ("id", "render_id"),
    ("output_format", "format"),
    ("srt_caption_url", "subtitle_url"),
];

/// The member of a submission's response with the ID of each language.
const IDS: &str = "video_translation_ids";

impl Product {
    /// Returns the word for it in messages.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Render => "render",
            Self::Clip => "clip",
            Self::Translation => "translation",
        }
    }

    /// Returns the path of its endpoints.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Render => RENDERS,
            Self::Clip => "/v3/videos",
            Self::Translation => "/v3/video-translations",
        }
    }

    /// Returns the member of a submission that marks it as that of a key.
    pub(crate) fn marker(self) -> &'static str {
        match self {
            Self::Render => "callback_id",
            Self::Clip | Self::Translation => "title",
        }
    }

    /// Returns the request that submits `body`, which is billed from here on.
    #[must_use]
    pub fn submit(self, body: &Map<String, Value>, key: &IdempotencyKey) -> Request {
        Request::create(self.path(), body, key)
    }

    /// Returns the request for one of them.
    #[must_use]
    pub fn detail(self, id: &str) -> Request {
        Request::one(self.path(), id)
    }

    /// Reads the response to [`Product::submit`]; see [`Response::submitted`].
    ///
    /// # Errors
    /// See [`ResponseError`].
    pub fn read_submitted(self, response: &Response) -> Result<SubmittedRender, ResponseError> {
        match self {
            Self::Render => response.submitted(),
            Self::Clip => response.submitted_as(|answer| self.renamed(answer), "video_id"),
            Self::Translation => response.submitted_as(|answer| self.renamed(answer), IDS),
        }
    }

    /// Reads the response to [`Product::detail`].
    ///
    /// # Errors
    /// See [`ResponseError`].
    pub fn read_detail(self, response: &Response) -> Result<RenderDetail, ResponseError> {
        match self {
            Self::Render => response.data(),
            Self::Clip | Self::Translation => response.data_as(|answer| self.renamed(answer)),
        }
    }

    /// Reads a page of the list.
    ///
    /// # Errors
    /// See [`ResponseError`].
    pub fn read_list(self, response: &Response) -> Result<RenderList, ResponseError> {
        let Page { data, has_more, next_token } = response.whole::<Page<Value>>()?;
        let detail = |entry| serde_json::from_value(self.renamed(entry)).ok();
        Ok(Page { data: data.into_iter().filter_map(detail).collect(), has_more, next_token })
    }

    /// Returns an object with the names that a render has.
    fn renamed(self, mut value: Value) -> Value {
        let members = value.as_object_mut().filter(|_| self != Self::Render);
        if let Some(members) = members {
            // A submission names one language.
            if let Some(Value::Array(ids)) = members.get_mut(IDS)
                && ids.len() == 1
            {
                let id = ids.remove(0);
                members.entry("render_id").or_insert(id);
            }
            for (from, to) in NAMES {
                if let Some(member) = members.remove(from) {
                    members.entry(to).or_insert(member);
                }
            }
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::RenderStatus;

    fn response(body: &str) -> Response {
        Response { status: 200, headers: Vec::new(), body: body.into() }
    }

    #[test]
    fn a_clip_is_read_under_each_of_its_names() {
        let submitted = |body: &str| Product::Clip.read_submitted(&response(body)).map(|made| made.render_id);
        assert_eq!(submitted(r#"{"data":{"video_id":"v1","status":"waiting"}}"#).ok().as_deref(), Some("v1"));
        assert_eq!(submitted(r#"{"data":{"id":"v1"}}"#).ok().as_deref(), Some("v1"));
        for odd in [r#"{"data":{"video_id":""}}"#, r#"{"data":{}}"#, r#"{"data":{"video_id":7}}"#] {
            let error = submitted(odd).expect_err(odd);
            assert!(matches!(error, ResponseError::Malformed { is_cut: true, .. }), "{odd}");
        }
        let body = r#"{"data":{"id":"v1","video_id":"v1","status":"processing","output_format":"mp4","title":"hfci_0","new":1}}"#;
        let detail = Product::Clip.read_detail(&response(body)).expect("a detail");
        assert_eq!((detail.render_id.as_str(), detail.status()), ("v1", RenderStatus::Rendering));
        assert_eq!((detail.format.as_deref(), detail.title.as_deref()), (Some("mp4"), Some("hfci_0")));
        let page = r#"{"data":[{"video_id":"v2","status":"waiting"},{"title":"odd"},7,{"id":"v1"}],"has_more":true,"next_token":"t"}"#;
        let page = Product::Clip.read_list(&response(page)).expect("a page");
        let ids = page.data.iter().map(|detail| detail.render_id.as_str()).collect::<Vec<_>>();
        assert_eq!((ids, page.has_more), (vec!["v2", "v1"], true));
        assert_eq!(page.data[0].status(), RenderStatus::Queued);
    }

    #[test]
    fn a_translation_is_read_under_each_of_its_names() {
        let product = Product::Translation;
        let submitted = |body: &str| product.read_submitted(&response(body)).map(|made| made.render_id);
        let body = r#"{"data":{"video_translation_ids":["t1"]}}"#;
        assert_eq!(submitted(body).ok().as_deref(), Some("t1"));
        // One language has one ID; anything else may have been billed, and is searched in the list.
        for odd in [
            r#"{"data":{"video_translation_ids":[]}}"#,
            r#"{"data":{"video_translation_ids":["t1","t2"]}}"#,
            r#"{"data":{"video_translation_ids":[7]}}"#,
            r#"{"data":{}}"#,
        ] {
            let error = submitted(odd).expect_err(odd);
            assert!(matches!(error, ResponseError::Malformed { is_cut: true, .. }), "{odd}");
        }
        let body = r#"{"data":{"id":"t1","status":"running","output_language":"German","srt_caption_url":"https://x/a.srt"}}"#;
        let detail = product.read_detail(&response(body)).expect("a detail");
        assert_eq!((detail.render_id.as_str(), detail.status()), ("t1", RenderStatus::Rendering));
        assert_eq!(detail.subtitle_url.as_deref(), Some("https://x/a.srt"));
    }

    #[test]
    fn a_render_keeps_its_other_members() {
        let body = r#"{"data":{"render_id":"r1","id":"other","video_id":"x"}}"#;
        let detail = Product::Render.read_detail(&response(body)).expect("a detail");
        assert_eq!((detail.render_id.as_str(), detail.other.len()), ("r1", 2));
    }
}
