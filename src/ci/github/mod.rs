//! GitHub Actions, on github.com and on Enterprise servers.

mod commands;
mod comment;
mod event;
mod previews;
mod release;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use comment::PullRequest;
use hyperframes_ci_core::findings::Findings;
use serde_json::Value;

use super::board;
use super::rest::{Body, Rest};
use super::{Event, Host, HostError, Media, OtherRun, Request, Section, Settings};
use crate::system::url::encode_component;

const HEADERS: &[(&str, &str)] =
    &[("accept", "application/vnd.github+json"), ("x-github-api-version", "2022-11-28")];

/// A run of GitHub Actions.
pub(super) struct GitHub {
    event: Event,
    api: Rest,
    /// `/repos/owner/name`
    repository: String,
    /// `https://github.com/owner/name`
    web: String,
    preview_branch: String,
    output: Option<PathBuf>,
    summary: Option<PathBuf>,
}

impl GitHub {
    pub(super) fn from_environment(
        environment: &dyn Fn(&str) -> Option<String>,
        settings: &Settings,
    ) -> Result<Self, HostError> {
        let set = |name: &str| environment(name).filter(|value| !value.is_empty());
        let event = event::read(environment)?;
        let base = set("GITHUB_API_URL").unwrap_or_else(|| "https://api.github.com".to_owned());
        let server = set("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
        Ok(Self {
            api: Rest::new(&base, settings.token.clone(), ("authorization", "Bearer "), HEADERS)?,
            repository: format!("/repos/{}", event.repository),
            web: format!("{}/{}", server.trim_end_matches('/'), event.repository),
            preview_branch: settings.preview_branch.clone(),
            output: set("GITHUB_OUTPUT").map(PathBuf::from),
            summary: set("GITHUB_STEP_SUMMARY").map(PathBuf::from),
            event,
        })
    }

    /// `path` below the repository's API.
    fn call(&self, method: &str, path: &str, body: &Body<'_>) -> Result<super::rest::Answer, HostError> {
        self.api.call(method, &format!("{}{path}", self.repository), body)
    }

    fn get(&self, path: &str, what: &str) -> Result<Value, HostError> {
        self.call("GET", path, &Body::None)?.ok(what)
    }

    fn list(&self, path: &str, what: &str) -> Result<Vec<Value>, HostError> {
        self.api.list(&format!("{}{path}", self.repository), what)
    }

    fn send(&self, method: &str, path: &str, body: &Value, what: &str) -> Result<Value, HostError> {
        self.call(method, path, &Body::Json(body))?.ok(what)
    }
}

impl Host for GitHub {
    fn event(&self) -> &Event {
        &self.event
    }

    fn changed_files(&self, request: &Request) -> Result<BTreeSet<String>, HostError> {
        let path = format!("/pulls/{}/files?per_page=100", request.number);
        let files = self.list(&path, "the files of the pull request")?;
        let names = files.iter().flat_map(|file| {
            // A file that was renamed is gone from its old place.
            ["filename", "previous_filename"].map(|name| file.get(name).and_then(Value::as_str))
        });
        Ok(names.flatten().map(str::to_owned).collect())
    }

    fn file_at(&self, commit: &str, path: &str) -> Result<Option<String>, HostError> {
        let path = path.split('/').map(encode_component).collect::<Vec<_>>().join("/");
        let answer = self.call("GET", &format!("/contents/{path}?ref={commit}"), &Body::None)?;
        if answer.status == 404 {
            return Ok(None);
        }
        let file = answer.ok("a file of the base")?;
        let text = file.get("content").and_then(Value::as_str).map(|text| text.replace(['\n', '\r'], ""));
        let bytes = text.and_then(|text| BASE64_STANDARD.decode(text).ok());
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn mask(&self, secret: &str) {
        commands::mask(secret);
    }

    fn begin_group(&self, title: &str) {
        commands::begin_group(title);
    }

    fn end_group(&self) {
        commands::end_group();
    }

    fn annotate(&self, findings: &Findings) -> usize {
        commands::annotate(findings)
    }

    fn annotate_error(&self, title: &str, message: &str) {
        commands::annotate_error(title, message);
    }

    fn output(&self, name: &str, value: &str) -> Result<(), HostError> {
        match &self.output {
            Some(file) => commands::output(file, name, value, &mut crate::system::random),
            None => Ok(()),
        }
    }

    fn summary(&self, markdown: &str) -> Result<(), HostError> {
        self.summary.as_deref().map_or(Ok(()), |file| commands::summary(file, markdown))
    }

    fn debug(&self, text: &str) {
        commands::debug(text);
    }

    fn mark_out_of_date(&self, request: &Request) -> Result<(), HostError> {
        self.need_token()?;
        board::mark_out_of_date(&PullRequest { github: self, request })
    }

    fn comment(&self, request: &Request, section: &Section) -> Result<Option<String>, HostError> {
        self.need_token()?;
        let written = board::write(&PullRequest { github: self, request }, section)?;
        Ok(written.map(|id| format!("{}/pull/{}#issuecomment-{id}", self.web, request.number)))
    }

    fn publish(
        &self,
        request: Option<&Request>,
        media: &[Media],
    ) -> Result<Vec<(String, String)>, HostError> {
        self.need_token()?;
        previews::publish(self, request, media)
    }

    fn published(&self, names: &[String]) -> Result<Vec<(String, String)>, HostError> {
        self.need_token()?;
        previews::published(self, names)
    }

    fn attach(&self, tag: &str, files: &[Media]) -> Result<Vec<String>, HostError> {
        self.need_token()?;
        release::attach(self, tag, files)
    }

    fn run_url(&self, run: &OtherRun) -> String {
        format!("{}/actions/runs/{}", self.web, run.id)
    }

    fn request_of(&self, run: &OtherRun, name: &str, archive: &Path) -> Result<Option<Request>, HostError> {
        self.need_token()?;
        let owner = run.repository.split('/').next().unwrap_or_default();
        let head = encode_component(&format!("{owner}:{}", run.branch));
        let pulls = self.list(&format!("/pulls?state=open&head={head}&per_page=100"), "the pull requests")?;
        let of_run = |pull: &&Value| {
            pull.pointer("/head/sha").and_then(Value::as_str) == Some(&run.head)
                && pull.pointer("/head/repo/full_name").and_then(Value::as_str) == Some(&run.repository)
        };
        let Some(request) =
            pulls.iter().find(of_run).and_then(|pull| event::request(pull, &self.event.repository))
        else {
            return Ok(None);
        };
        let path = format!("/actions/runs/{}/artifacts?per_page=100", run.id);
        let artifacts = self.get(&path, "the run's artifacts")?;
        let artifacts = artifacts["artifacts"].as_array().cloned().unwrap_or_default();
        let Some(artifact) = artifacts.iter().find(|artifact| artifact["name"] == name) else {
            return Ok(None);
        };
        let path = format!("{}/actions/artifacts/{}/zip", self.repository, artifact["id"]);
        self.api.download(&path, archive)?;
        Ok(Some(request))
    }

    fn clean_up(&self, request: &Request) -> Result<(), HostError> {
        self.need_token()?;
        previews::clean_up(self, request)
    }
}

impl GitHub {
    fn need_token(&self) -> Result<(), HostError> {
        if self.api.has_token() { Ok(()) } else { Err(HostError::Forbidden("there is no token".to_owned())) }
    }
}
