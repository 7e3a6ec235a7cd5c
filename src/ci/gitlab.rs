//! GitLab CI/CD, on gitlab.com and on servers of one's own.
//!
//! What GitHub shows in a step, GitLab shows in reports: findings are a Code Quality report, outputs a dotenv report.
//! Pictures are those of the job's artifacts, and a release links to the package registry.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use hyperframes_ci_core::archive::hex;
use hyperframes_ci_core::findings::{Findings, Severity};
use hyperframes_ci_core::report::plain;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::board::{self, Board, Comments, MARK};
use super::rest::{Body, Rest};
use super::{Event, Host, HostError, Media, OtherRun, Request, Section, Settings, Subject};
use crate::system::clock::unix_now;
use crate::system::url::encode_component;

/// Names of the reports, in the folder of the job's output.
const CODE_QUALITY: &str = "gl-code-quality-report.json";
const DOTENV: &str = "hyperframes.env";
const SUMMARY: &str = "summary.md";

/// A job of GitLab CI/CD.
pub(super) struct GitLab {
    event: Event,
    /// With the user's token, where there is one: a job's own cannot write notes.
    api: Rest,
    /// With the job's token: the package registry takes it.
    job: Rest,
    /// `/projects/<id>`
    project: String,
    api_url: String,
    job_url: String,
    workspace: PathBuf,
    output: PathBuf,
    /// The section of the log that is open.
    section: RefCell<Option<String>>,
}

impl GitLab {
    pub(super) fn from_environment(
        environment: &dyn Fn(&str) -> Option<String>,
        settings: &Settings,
    ) -> Result<Self, HostError> {
        let set = |name: &str| environment(name).filter(|value| !value.is_empty());
        let required = |name: &str| set(name).ok_or_else(|| HostError::Event(format!("{name} is not set")));
        let repository = required("CI_PROJECT_PATH")?;
        let api_url = required("CI_API_V4_URL")?;
        let commit = required("CI_COMMIT_SHA")?;
        let request = set("CI_MERGE_REQUEST_IID").and_then(|iid| iid.parse().ok()).map(|number| Request {
            number,
            // A merged result has a commit of its own.
            head: set("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA").unwrap_or_else(|| commit.clone()),
            base: set("CI_MERGE_REQUEST_DIFF_BASE_SHA").unwrap_or_default(),
            is_fork: set("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH").is_some_and(|source| source != repository),
            is_closed: false,
        });
        let tag = set("CI_COMMIT_TAG");
        let event = Event {
            name: set("CI_PIPELINE_SOURCE").unwrap_or_else(|| "pipeline".to_owned()),
            subject: match (request, tag) {
                (Some(request), _) => Subject::Request(request),
                (None, Some(tag)) => Subject::Release { tag },
                (None, None) => Subject::Other,
            },
            commit,
            is_privileged: false,
            run_url: set("CI_JOB_URL").unwrap_or_default(),
            job: set("CI_JOB_NAME").unwrap_or_default(),
            repository,
        };
        let token = settings.token.clone();
        let job_token = set("CI_JOB_TOKEN").map(crate::heygen::auth::Secret::new);
        Ok(Self {
            api: Rest::new(&api_url, token, ("private-token", ""), &[])?,
            job: Rest::new(&api_url, job_token, ("job-token", ""), &[])?,
            project: format!("/projects/{}", encode_component(&required("CI_PROJECT_ID")?)),
            job_url: event.run_url.clone(),
            workspace: PathBuf::from(required("CI_PROJECT_DIR")?),
            output: settings.output_dir.clone(),
            api_url: api_url.trim_end_matches('/').to_owned(),
            section: RefCell::new(None),
            event,
        })
    }

    fn path(&self, path: &str) -> String {
        format!("{}{path}", self.project)
    }

    fn note_url(&self, request: &Request, id: u64) -> String {
        let project = self.job_url.split("/-/").next().unwrap_or_default();
        format!("{project}/-/merge_requests/{}#note_{id}", request.number)
    }

    fn need_token(&self) -> Result<(), HostError> {
        if self.api.has_token() {
            return Ok(());
        }
        Err(HostError::Forbidden("notes need a project access token with the scope api".to_owned()))
    }

    /// Puts a file into the package registry, unless it is there; gives back its URL.
    fn package(&self, tag: &str, file: &Media) -> Result<String, HostError> {
        let failed = |error: std::io::Error| HostError::Failed(format!("{}: {error}", file.path.display()));
        let sha256 = crate::system::digest::of_file(&file.path).map_err(failed)?;
        // Versions of packages are plainer than tags may be.
        let version = tag
            .chars()
            .map(|kept| if kept.is_ascii_alphanumeric() || ".-_".contains(kept) { kept } else { '-' });
        let version = version.collect::<String>();
        // A name of the contents: a file that is there is the file.
        let path = self.path(&format!(
            "/packages/generic/hyperframes-{}/{version}/{}",
            &sha256[..12],
            encode_component(&file.name)
        ));
        let there = self.job.call("HEAD", &path, &Body::None)?;
        if there.status != 200 {
            let answer = self.job.call("PUT", &path, &Body::File(&file.path, "application/octet-stream"))?;
            answer.ok(&format!("packaging {}", file.name))?;
        }
        Ok(format!("{}{path}", self.api_url))
    }

    fn append(&self, name: &str, text: &str) -> Result<(), HostError> {
        let path = self.output.join(name);
        let earlier = fs::read_to_string(&path).unwrap_or_default();
        fs::write(&path, format!("{earlier}{text}")).map_err(|error| HostError::Runner(path, error))
    }
}

/// Prints a line, in which the runner finds its sections.
#[expect(clippy::print_stdout, reason = "the runner reads sections from standard output")]
fn say(line: &str) {
    println!("{line}");
}

impl Host for GitLab {
    fn event(&self) -> &Event {
        &self.event
    }

    fn changed_files(&self, request: &Request) -> Result<BTreeSet<String>, HostError> {
        let path = self.path(&format!("/merge_requests/{}/diffs?per_page=100", request.number));
        let files = self.api.list(&path, "the files of the merge request")?;
        let names = files.iter().flat_map(|file| ["new_path", "old_path"].map(|name| file[name].as_str()));
        Ok(names.flatten().map(str::to_owned).collect())
    }

    fn file_at(&self, commit: &str, path: &str) -> Result<Option<String>, HostError> {
        let path = self.path(&format!("/repository/files/{}?ref={commit}", encode_component(path)));
        let answer = self.api.call("GET", &path, &Body::None)?;
        if answer.status == 404 {
            return Ok(None);
        }
        let file = answer.ok("a file of the base")?;
        let bytes = file["content"].as_str().and_then(|text| BASE64_STANDARD.decode(text).ok());
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// GitLab masks the variables that its settings say; a job cannot add to them.
    fn mask(&self, _: &str) {}

    fn begin_group(&self, title: &str) {
        let name = format!("hyperframes_{}", &hex(&Sha256::digest(title))[..12]);
        say(&format!(
            "\u{1b}[0Ksection_start:{}:{name}[collapsed=true]\r\u{1b}[0K{}",
            unix_now(),
            plain(title)
        ));
        *self.section.borrow_mut() = Some(name);
    }

    fn end_group(&self) {
        if let Some(name) = self.section.borrow_mut().take() {
            say(&format!("\u{1b}[0Ksection_end:{}:{name}\r\u{1b}[0K", unix_now()));
        }
    }

    /// Source of the form: docs.gitlab.com, "Code Quality report format".
    fn annotate(&self, findings: &Findings) -> usize {
        let issues = findings.diagnostics.iter().map(|found| {
            let line = found.position.map_or(1, |position| position.line);
            let identity = format!("{} {} {line} {}", found.rule, found.path, found.message);
            json!({
                "description": found.message,
                "check_name": found.rule.code(),
                "fingerprint": hex(&Sha256::digest(identity)),
                "severity": match found.severity {
                    Severity::Error => "major",
                    Severity::Warning => "minor",
                    Severity::Note => "info",
                },
                "location": { "path": found.path, "lines": { "begin": line } },
            })
        });
        let report = Value::Array(issues.collect());
        match fs::write(self.output.join(CODE_QUALITY), format!("{report:#}\n")) {
            Ok(()) => 0,
            Err(_) => findings.diagnostics.len(),
        }
    }

    fn annotate_error(&self, title: &str, message: &str) {
        say(&plain(&format!("{title}: {message}")));
    }

    fn output(&self, name: &str, value: &str) -> Result<(), HostError> {
        // A dotenv report has one line for each variable, and no quotes.
        let value = value.replace(['\n', '\r'], " ");
        self.append(DOTENV, &format!("HYPERFRAMES_{}={value}\n", name.to_ascii_uppercase().replace('-', "_")))
    }

    fn summary(&self, markdown: &str) -> Result<(), HostError> {
        self.append(SUMMARY, &format!("{markdown}\n"))
    }

    fn debug(&self, text: &str) {
        if std::env::var("CI_DEBUG_TRACE").is_ok_and(|value| value == "true") {
            say(&plain(text));
        }
    }

    fn mark_out_of_date(&self, request: &Request) -> Result<(), HostError> {
        self.need_token()?;
        board::mark_out_of_date(&MergeRequest { gitlab: self, request })
    }

    fn comment(&self, request: &Request, section: &Section) -> Result<Option<String>, HostError> {
        self.need_token()?;
        let written = board::write(&MergeRequest { gitlab: self, request }, section)?;
        Ok(written.map(|id| self.note_url(request, id)))
    }

    /// The job's artifacts have them, under the paths that they have in the checkout.
    fn publish(&self, _: Option<&Request>, media: &[Media]) -> Result<Vec<(String, String)>, HostError> {
        let urls = media.iter().map(|file| {
            let inside = file.path.strip_prefix(&self.workspace).map_err(|_| {
                HostError::Forbidden(
                    "the output directory is outside the project: artifacts cannot have it".to_owned(),
                )
            })?;
            let parts =
                inside.iter().map(|part| encode_component(&part.to_string_lossy())).collect::<Vec<_>>();
            Ok((file.name.clone(), format!("{}/artifacts/raw/{}", self.job_url, parts.join("/"))))
        });
        urls.collect()
    }

    fn published(&self, _: &[String]) -> Result<Vec<(String, String)>, HostError> {
        Ok(Vec::new())
    }

    fn attach(&self, tag: &str, files: &[Media]) -> Result<Vec<String>, HostError> {
        let base = self.path(&format!("/releases/{}", encode_component(tag)));
        // A tag without a release gets one.
        if self.job.call("GET", &base, &Body::None)?.status == 404 {
            let body = json!({ "tag_name": tag, "description": "Videos." });
            self.job.call("POST", &self.path("/releases"), &Body::Json(&body))?.ok("the release")?;
        }
        let links = self.job.list(&format!("{base}/assets/links?per_page=100"), "the release's links")?;
        let mut urls = Vec::new();
        for file in files {
            let url = self.package(tag, file)?;
            let body = json!({ "name": file.name, "url": url, "link_type": "other" });
            let present = links.iter().find(|link| link["name"] == file.name.as_str());
            match present {
                Some(link) if link["url"] == url.as_str() => {}
                Some(link) => {
                    let path = format!("{base}/assets/links/{}", link["id"]);
                    self.job.call("PUT", &path, &Body::Json(&body))?.ok("a link of the release")?;
                }
                None => {
                    let path = format!("{base}/assets/links");
                    self.job.call("POST", &path, &Body::Json(&body))?.ok("a link of the release")?;
                }
            }
            urls.push(url);
        }
        Ok(urls)
    }

    fn run_url(&self, _: &OtherRun) -> String {
        self.job_url.clone()
    }

    /// A pipeline for a merge request from a fork runs with its own rights: nobody speaks for it.
    fn request_of(&self, _: &OtherRun, _: &str, _: &Path) -> Result<Option<Request>, HostError> {
        Ok(None)
    }

    /// Artifacts expire by themselves.
    fn clean_up(&self, _: &Request) -> Result<(), HostError> {
        Ok(())
    }
}

/// The notes of one merge request.
struct MergeRequest<'a> {
    gitlab: &'a GitLab,
    request: &'a Request,
}

impl MergeRequest<'_> {
    fn path(&self, path: &str) -> String {
        self.gitlab.path(&format!("/merge_requests/{}{path}", self.request.number))
    }
}

impl Comments for MergeRequest<'_> {
    fn newest(&self) -> Result<String, HostError> {
        let found = self.gitlab.api.call("GET", &self.path(""), &Body::None)?.ok("the merge request")?;
        Ok(found["sha"].as_str().map_or_else(|| self.request.head.clone(), str::to_owned))
    }

    fn ours(&self) -> Result<Vec<(u64, Board)>, HostError> {
        let path = self.path("/notes?per_page=100&order_by=created_at&sort=asc");
        let notes = self.gitlab.api.list(&path, "the notes of the merge request")?;
        let marked = notes
            .iter()
            .filter(|note| note["body"].as_str().is_some_and(|body| body.trim_start().starts_with(MARK)));
        let marked = marked.collect::<Vec<_>>();
        if marked.is_empty() {
            return Ok(Vec::new());
        }
        let user = self.gitlab.api.call("GET", "/user", &Body::None)?.ok("the token's user")?;
        let ours = marked.into_iter().filter(|note| note["author"]["username"] == user["username"]);
        let read = |note: &Value| Some((note["id"].as_u64()?, Board::read(note["body"].as_str()?)));
        Ok(ours.filter_map(read).collect())
    }

    fn create(&self, text: &str) -> Result<(), HostError> {
        let body = json!({ "body": text });
        self.gitlab.api.call("POST", &self.path("/notes"), &Body::Json(&body))?.ok("the note").map(|_| ())
    }

    fn edit(&self, id: u64, text: &str) -> Result<bool, HostError> {
        let body = json!({ "body": text });
        let answer = self.gitlab.api.call("PUT", &self.path(&format!("/notes/{id}")), &Body::Json(&body))?;
        if answer.status == 404 { Ok(false) } else { answer.ok("the note").map(|_| true) }
    }

    fn delete(&self, id: u64) {
        let _ = self.gitlab.api.call("DELETE", &self.path(&format!("/notes/{id}")), &Body::None);
    }
}

/// A folder of the checkout: artifacts hold nothing else.
pub(super) fn default_output(workspace: &Path) -> PathBuf {
    workspace.join("hyperframes")
}
