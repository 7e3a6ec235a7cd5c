//! The comments of a pull request.

use serde_json::{Value, json};

use super::client::Client;
use super::event::is_sha;
use crate::ci::comment_sections::{Comments, PullState};
use crate::ci::error::ProviderError;
use crate::ci::event::PullRequest;
use crate::ci::rest::Body;
use crate::ci::sections::MARKER;

/// The comments of one pull request.
pub(super) struct PullRequestComments<'a> {
    pub(super) client: &'a Client,
    pub(super) request: &'a PullRequest,
}

impl Comments for PullRequestComments<'_> {
    fn state(&self) -> Result<PullState, ProviderError> {
        let pull = self.client.get(&format!("/pulls/{}", self.request.number), "the pull request")?;
        let newest = text(&pull, "/head/sha").filter(|sha| is_sha(sha));
        let newest = newest.unwrap_or_else(|| self.request.head.clone());
        Ok(PullState { newest, is_open: pull["state"] != "closed" })
    }

    fn own(&self) -> Result<Vec<(u64, String)>, ProviderError> {
        let path = format!("/issues/{}/comments?per_page=100", self.request.number);
        let comments = self.client.list(&path, "the comments of the pull request")?;
        let marked = comments.iter().filter(|comment| {
            text(comment, "/body").is_some_and(|body| body.trim_start().starts_with(MARKER))
        });
        let marked = marked.collect::<Vec<_>>();
        if marked.is_empty() {
            return Ok(Vec::new());
        }
        let login = self.client.login()?;
        let is_own = |comment: &Value| match login {
            Some(login) => text(comment, "/user/login").as_deref() == Some(login),
            None => text(comment, "/user/type").as_deref() == Some("Bot"),
        };
        let own = marked.into_iter().filter(|comment| is_own(comment)).filter_map(|comment| {
            let body = text(comment, "/body")?.replace("\r\n", "\n");
            Some((comment.get("id")?.as_u64()?, body))
        });
        Ok(own.collect())
    }

    fn create(&self, text: &str) -> Result<(), ProviderError> {
        let path = format!("/issues/{}/comments", self.request.number);
        self.client.send("POST", &path, &json!({ "body": text }), "the comment").map(|_| ())
    }

    fn edit(&self, id: u64, text: &str) -> Result<bool, ProviderError> {
        let body = json!({ "body": text });
        let answer = self.client.call("PATCH", &format!("/issues/comments/{id}"), &Body::Json(&body))?;
        if answer.status == 404 { Ok(false) } else { answer.ok("the comment").map(|_| true) }
    }

    fn delete(&self, id: u64) {
        let _ = self.client.call("DELETE", &format!("/issues/comments/{id}"), &Body::None);
    }
}

fn text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
}
