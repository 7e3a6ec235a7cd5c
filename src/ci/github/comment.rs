//! The comments of a pull request.

use serde_json::{Value, json};

use super::super::board::{Board, Comments, MARK};
use super::super::rest::Body;
use super::{GitHub, HostError, Request};
use crate::ci::github::event::is_sha;

/// The comments of one pull request.
pub(super) struct PullRequest<'a> {
    pub(super) github: &'a GitHub,
    pub(super) request: &'a Request,
}

impl Comments for PullRequest<'_> {
    fn newest(&self) -> Result<String, HostError> {
        let pull = self.github.get(&format!("/pulls/{}", self.request.number), "the pull request")?;
        let newest = text(&pull, "/head/sha").filter(|sha| is_sha(sha));
        Ok(newest.unwrap_or_else(|| self.request.head.clone()))
    }

    fn ours(&self) -> Result<Vec<(u64, Board)>, HostError> {
        let path = format!("/issues/{}/comments?per_page=100", self.request.number);
        let comments = self.github.list(&path, "the comments of the pull request")?;
        let marked = comments
            .iter()
            .filter(|comment| text(comment, "/body").is_some_and(|body| body.trim_start().starts_with(MARK)));
        let marked = marked.collect::<Vec<_>>();
        if marked.is_empty() {
            return Ok(Vec::new());
        }
        // Whose token it is, where that can be asked: an app's cannot, and an app is a bot.
        let user = self.github.api.call("GET", "/user", &Body::None)?;
        let login = if user.status == 200 { text(&user.json, "/login") } else { None };
        let is_ours = |comment: &Value| match &login {
            Some(login) => text(comment, "/user/login").as_ref() == Some(login),
            None => text(comment, "/user/type").as_deref() == Some("Bot"),
        };
        let ours = marked.into_iter().filter(|comment| is_ours(comment)).filter_map(|comment| {
            let body = text(comment, "/body")?.replace("\r\n", "\n");
            Some((comment.get("id")?.as_u64()?, Board::read(&body)))
        });
        Ok(ours.collect())
    }

    fn create(&self, text: &str) -> Result<(), HostError> {
        let path = format!("/issues/{}/comments", self.request.number);
        self.github.send("POST", &path, &json!({ "body": text }), "the comment").map(|_| ())
    }

    fn edit(&self, id: u64, text: &str) -> Result<bool, HostError> {
        let body = json!({ "body": text });
        let answer = self.github.call("PATCH", &format!("/issues/comments/{id}"), &Body::Json(&body))?;
        if answer.status == 404 { Ok(false) } else { answer.ok("the comment").map(|_| true) }
    }

    fn delete(&self, id: u64) {
        let _ = self.github.call("DELETE", &format!("/issues/comments/{id}"), &Body::None);
    }
}

fn text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
}
