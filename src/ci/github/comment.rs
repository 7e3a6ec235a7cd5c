//! The comment of a pull request: found by mark and author, edited in place, shared by jobs that run at the same time.

use serde_json::{Value, json};

use super::super::board::{Board, MARK};
use super::super::rest::Body;
use super::{GitHub, HostError, Request, Section};
use crate::ci::github::event::is_sha;

/// Tries against other jobs that write at the same time.
const TRIES: u32 = 6;

struct Comment {
    id: u64,
    url: Option<String>,
    board: Board,
}

/// Writes `section`; `None` where a newer commit has written it already.
pub(super) fn write(
    github: &GitHub,
    request: &Request,
    section: &Section,
) -> Result<Option<String>, HostError> {
    for attempt in 0..TRIES {
        if attempt > 0 {
            // Whoever wrote at the same time waits for another moment.
            let milliseconds = 100 + crate::random() % (400 << attempt.min(3));
            std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        }
        let newest = newest(github, request)?;
        let mut comments = find(github, request)?;
        // Jobs that found none made one each: the first stays, with the sections of all.
        let first = if comments.is_empty() { None } else { Some(comments.remove(0)) };
        let (id, url, mut board) = match first {
            Some(Comment { id, url, board }) => (Some(id), url, board),
            None => (None, None, Board::default()),
        };
        for Comment { board: other, .. } in &comments {
            board.adopt(other.clone());
        }
        let is_newer = board.commit_of(&section.key).is_some_and(|commit| commit == newest);
        if section.commit != newest && is_newer {
            return Ok(None);
        }
        if board.holds(section) && comments.is_empty() && attempt > 0 {
            return Ok(url);
        }
        board.put(section);
        let body = json!({ "body": board.text(&newest) });
        let answer = match id {
            Some(id) => github.call("PATCH", &format!("/issues/comments/{id}"), &Body::Json(&body))?,
            None => {
                let path = format!("/issues/{}/comments", request.number);
                github.call("POST", &path, &Body::Json(&body))?
            }
        };
        if answer.status == 404 && id.is_some() {
            // Somebody deleted it between our reading and our writing.
            continue;
        }
        let written = answer.ok("the comment")?;
        for Comment { id, .. } in &comments {
            // Best effort: a comment too many is no reason to fail.
            let _ = github.call("DELETE", &format!("/issues/comments/{id}"), &Body::None);
        }
        // Read again: nothing keeps two jobs from writing at the same time but looking whether they did.
        let after = find(github, request)?;
        if let [only] = after.as_slice()
            && only.board.holds(section)
        {
            return Ok(only.url.clone().or_else(|| text(&written, "/html_url")));
        }
    }
    Err(HostError::Failed("the comment is being written by others all the time".to_owned()))
}

/// Marks what older commits have written.
pub(super) fn mark_out_of_date(github: &GitHub, request: &Request) -> Result<(), HostError> {
    let newest = newest(github, request)?;
    for Comment { id, board, .. } in find(github, request)? {
        if board.is_out_of_date(&newest) {
            let body = json!({ "body": board.text(&newest) });
            github.send("PATCH", &format!("/issues/comments/{id}"), &body, "the comment")?;
        }
    }
    Ok(())
}

/// The request's newest commit, which may be newer than the event.
fn newest(github: &GitHub, request: &Request) -> Result<String, HostError> {
    let pull = github.get(&format!("/pulls/{}", request.number), "the pull request")?;
    Ok(text(&pull, "/head/sha").filter(|sha| is_sha(sha)).unwrap_or_else(|| request.head.clone()))
}

/// Our comments, oldest first. The mark alone proves nothing, since anybody can write it.
fn find(github: &GitHub, request: &Request) -> Result<Vec<Comment>, HostError> {
    let path = format!("/issues/{}/comments?per_page=100", request.number);
    let comments = github.list(&path, "the comments of the pull request")?;
    let marked = comments
        .iter()
        .filter(|comment| text(comment, "/body").is_some_and(|body| body.trim_start().starts_with(MARK)));
    let marked = marked.collect::<Vec<_>>();
    if marked.is_empty() {
        return Ok(Vec::new());
    }
    // Whose token it is, where that can be asked: an app's cannot, and an app is a bot.
    let login = github.api.call("GET", "/user", &Body::None)?;
    let login = if login.status == 200 { text(&login.json, "/login") } else { None };
    let is_ours = |comment: &Value| match &login {
        Some(login) => text(comment, "/user/login").as_ref() == Some(login),
        None => text(comment, "/user/type").as_deref() == Some("Bot"),
    };
    let ours = marked.into_iter().filter(|comment| is_ours(comment)).filter_map(|comment| {
        Some(Comment {
            id: comment.get("id")?.as_u64()?,
            url: text(comment, "/html_url"),
            board: Board::read(&text(comment, "/body")?.replace("\r\n", "\n")),
        })
    });
    Ok(ours.collect())
}

fn text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
}
