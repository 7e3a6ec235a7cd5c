//! GitLab CI/CD, on gitlab.com and on self-managed servers.
//!
//! GitLab shows findings in a Code Quality report, and passes outputs to other jobs in a dotenv report. Previews are
//! the job's artifacts, and the files of a release are in the package registry.

mod approval;
mod artifacts;
mod client;
mod event;
mod log;
mod notes;
mod release;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::findings::Findings;
use hyperframes_ci_core::report;
use serde_json::Value;

use super::approval::Approval;
use super::comment_sections;
use super::error::ProviderError;
use super::event::{Event, PullRequest};
use super::log::LogSyntax;
use super::provider::{
    CiProvider, EarlierRelease, Environment, Media, ProviderDescription, Publication, Published, Section,
    SectionWriter, Settings, Written, required, variable,
};
use super::rest::{Body, Rest};
use crate::ci::project_marks::ProjectMark;
use crate::system::gate::{self, Reach, limit};
use crate::system::output::{self, OutputError};
use crate::system::secret::Secret;
use crate::system::url::encode_component;
use artifacts::{Artifacts, video_in};
use client::Client;
use log::LogSections;
use notes::MergeRequestNotes;

#[cfg(test)]
pub(super) use event::read as read_event;

/// The name of the Code Quality report, in the output directory.
const CODE_QUALITY: &str = "gl-code-quality-report.json";

/// GitLab CI/CD.
pub(super) const DESCRIPTION: ProviderDescription = ProviderDescription {
    name: "GitLab CI/CD",
    detect: |environment| variable(environment, "GITLAB_CI").is_some(),
    workspace: |environment| variable(environment, "CI_PROJECT_DIR").map(PathBuf::from),
    // Inside the checkout: artifacts cannot contain anything else.
    default_output: |environment, workspace| {
        variable(environment, "GITLAB_CI").map(|_| workspace.join("hyperframes"))
    },
    annotation: None,
    connect: |environment, settings| Ok(Box::new(GitLab::connect(environment, settings)?)),
};

/// The names of the dotenv report and the summary, in the output directory.
const DOTENV: &str = "hyperframes.env";
const SUMMARY: &str = "summary.md";

/// Outputs that are not variables of the dotenv report: GitLab rejects a report above 5 KB, and these grow with the number of
/// videos. They are in `report.json`, whose path is an output; source: docs.gitlab.com, "CI/CD artifacts reports types".
const REPORT_ONLY: &[&str] =
    &["results", "diff-results", "asset-urls", "project-urls", "artifact-path", "artifact-name"];

/// A job of GitLab CI/CD.
struct GitLab {
    event: Event,
    client: Client,
    log: LogSections,
    workspace: PathBuf,
    output: PathBuf,
    /// The artifacts of this job on the target branch; `None` if they are not in the checkout.
    base: Option<Artifacts>,
    /// The files that are appended to, by name.
    texts: RefCell<BTreeMap<String, String>>,
}

impl GitLab {
    fn connect(environment: &Environment<'_>, settings: &Settings) -> Result<Self, ProviderError> {
        let event = event::read(environment)?;
        let url = required(environment, "CI_API_V4_URL")?;
        let workspace = PathBuf::from(required(environment, "CI_PROJECT_DIR")?);
        let branch = ["CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "CI_DEFAULT_BRANCH"];
        let branch = branch.iter().find_map(|name| variable(environment, name));
        let folder = settings.output_dir.strip_prefix(&workspace).ok();
        let base = branch.zip(folder).map(|(branch, folder)| Artifacts {
            branch,
            job: event.job.clone(),
            folder: folder.to_string_lossy().replace('\\', "/"),
        });
        let job_token = variable(environment, "CI_JOB_TOKEN").map(Secret::new);
        Ok(Self {
            client: Client {
                api: Rest::new(&url, settings.token.clone(), ("private-token", ""), &[])?,
                job: Rest::new(&url, job_token, ("job-token", ""), &[])?,
                url: url.trim_end_matches('/').to_owned(),
                project: format!("/projects/{}", encode_component(&required(environment, "CI_PROJECT_ID")?)),
            },
            log: LogSections::new(variable(environment, "CI_DEBUG_TRACE").as_deref() == Some("true")),
            workspace,
            base,
            output: settings.output_dir.clone(),
            texts: RefCell::default(),
            event,
        })
    }

    fn notes<'a>(&'a self, request: &'a PullRequest) -> MergeRequestNotes<'a> {
        MergeRequestNotes { client: &self.client, request }
    }

    /// Returns the URL of a note.
    fn note_url(&self, request: &PullRequest, id: u64) -> String {
        let project = self.event.run_url.split("/-/").next().unwrap_or_default();
        format!("{project}/-/merge_requests/{}#note_{id}", request.number)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), ProviderError> {
        let failed = |error: OutputError| {
            ProviderError::Runner(self.output.join(name), io::Error::other(error.to_string()))
        };
        output::write(&self.output, name, text.as_bytes()).map(|_| ()).map_err(failed)
    }

    fn append(&self, name: &str, text: &str) -> Result<(), ProviderError> {
        // From memory: a file of that name may come with the checkout.
        let mut texts = self.texts.borrow_mut();
        let whole = texts.entry(name.to_owned()).or_default();
        whole.push_str(text);
        self.write(name, whole)
    }
}

impl CiProvider for GitLab {
    fn event(&self) -> &Event {
        &self.event
    }

    fn log(&self) -> &dyn LogSyntax {
        &self.log
    }

    fn annotate(&self, findings: &Findings) -> usize {
        match self.write(CODE_QUALITY, &report::code_quality(findings)) {
            Ok(()) => 0,
            Err(_) => findings.diagnostics.len(),
        }
    }

    fn output(&self, name: &str, value: &str) -> Result<(), ProviderError> {
        if REPORT_ONLY.contains(&name) {
            return Ok(());
        }
        // A dotenv report has one line for each variable, without quotes.
        let value = value.replace(['\n', '\r'], " ");
        self.append(DOTENV, &format!("HYPERFRAMES_{}={value}\n", name.to_ascii_uppercase().replace('-', "_")))
    }

    fn summary(&self, markdown: &str) -> Result<(), ProviderError> {
        self.append(SUMMARY, &format!("{markdown}\n"))
    }

    fn changed_files(&self, request: &PullRequest) -> Result<BTreeSet<String>, ProviderError> {
        let path = self.client.path(&format!("/merge_requests/{}/diffs?per_page=100", request.number));
        let files = self.client.api.list(&path, "the files of the merge request")?;
        let names = files.iter().flat_map(|file| ["new_path", "old_path"].map(|name| file[name].as_str()));
        Ok(names.flatten().map(str::to_owned).collect())
    }

    fn file_at(&self, commit: &str, path: &str) -> Result<Option<String>, ProviderError> {
        // Without a token, a file that exists is "not found", and the limits in it would not apply.
        self.client.require_token()?;
        let [path, commit] = [path, commit].map(encode_component);
        let path = self.client.path(&format!("/repository/files/{path}?ref={commit}"));
        let response = self.client.api.call("GET", &path, &Body::None)?;
        if response.status == 404 {
            return Ok(None);
        }
        let file = response.ok("a file of the base")?;
        let bytes = file["content"].as_str().and_then(|text| BASE64_STANDARD.decode(text).ok());
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn mark_out_of_date(&self, request: &PullRequest) -> Result<bool, ProviderError> {
        self.client.require_token()?;
        comment_sections::mark_out_of_date(&self.notes(request)).map(|()| false)
    }

    fn comment(&self, request: &PullRequest, section: &Section) -> Result<Written<String>, ProviderError> {
        self.client.require_token()?;
        Ok(comment_sections::write(&self.notes(request), section)?.map(|id| self.note_url(request, id)))
    }

    fn published_projects(
        &self,
        request: &PullRequest,
        section: &str,
    ) -> Result<Vec<ProjectMark>, ProviderError> {
        self.client.require_token()?;
        comment_sections::projects(&self.notes(request), section)
    }

    /// Returns URLs in the job's artifacts, whose paths are those in the checkout.
    fn publish(
        &self,
        _: Option<&PullRequest>,
        publication: Publication<'_>,
        _: Option<&mut SectionWriter<'_>>,
    ) -> Result<Published, ProviderError> {
        let urls = publication.media.iter().map(|file| {
            let inside = file.path.strip_prefix(&self.workspace).map_err(|_| {
                ProviderError::Forbidden(
                    "the output directory must be inside the project directory, or GitLab cannot keep it as artifacts".to_owned(),
                )
            })?;
            let parts =
                inside.iter().map(|part| encode_component(&part.to_string_lossy())).collect::<Vec<_>>();
            Ok((file.name.clone(), format!("{}/artifacts/raw/{}", self.event.run_url, parts.join("/"))))
        });
        Ok(Published { urls: urls.collect::<Result<_, ProviderError>>()?, comment: None })
    }

    /// Finds the video in the report of the newest job of the target branch.
    fn download_published(&self, names: &[String], path: &Path) -> Result<Option<String>, ProviderError> {
        let Some(base) = &self.base else { return Ok(None) };
        base.download(&self.client, "report.json", path)?;
        let reach = Reach::inside(path.parent().unwrap_or(Path::new("")), "the temporary directory");
        let report = gate::read(path, &reach, limit::REPORT).ok();
        let report = report.and_then(|text| serde_json::from_slice::<Value>(&text).ok());
        let Some((name, file)) = report.and_then(|report| video_in(&report, names)) else { return Ok(None) };
        base.download(&self.client, &file, path)?;
        Ok(Some(name))
    }

    fn approval(&self, request: &PullRequest, label: &str) -> Result<Approval, ProviderError> {
        self.client.require_token()?;
        approval::read(&self.client, request, label)
    }

    fn release_before(&self, tag: Option<&str>, file: &str) -> Result<Option<EarlierRelease>, ProviderError> {
        release::before(&self.client, tag, file)
    }

    fn download_release_file(
        &self,
        release: &EarlierRelease,
        name: &str,
        path: &Path,
    ) -> Result<(), ProviderError> {
        self.client.job.download(release.file(name)?, path)
    }

    fn set_release_notes(&self, tag: &str, section: &str) -> Result<(), ProviderError> {
        release::set_notes(&self.client, tag, section)
    }

    fn check_release(&self, tag: &str) -> Result<(), ProviderError> {
        release::check(&self.client, tag)
    }

    fn attach(&self, tag: &str, files: &[Media]) -> Result<Vec<String>, ProviderError> {
        release::attach(&self.client, tag, files)
    }
}
