//! GitHub Actions, on github.com and on GitHub Enterprise Server.

mod approval;
mod check_run;
mod client;
mod command;
mod comment;
mod converge;
mod deployment;
mod event;
mod files;
mod graph;
mod index_page;
mod log;
mod objects;
mod previews;
mod proposal;
mod release;
mod release_store;
mod remote;
mod snapshot;
mod store;
#[cfg(test)]
mod tests;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hyperframes_ci_core::findings::Findings;
use hyperframes_ci_core::generated::MediaStore;
use serde_json::Value;

use super::Trust;
use super::approval::Approval;
use super::checkout;
use super::comment_sections;
use super::error::ProviderError;
use super::event::{Event, PullRequest, Subject, TriggeringRun};
use super::log::LogSyntax;
use super::provider::{
    Artifact, CheckRun, CiProvider, CleanedUp, EarlierRelease, Environment, FileStore, Media, Proposal,
    Proposed, ProviderDescription, Publication, Published, Section, SectionWriter, Settings, Written,
    variable,
};
use super::rest::Body;
use crate::ci::project_marks::ProjectMark;
use crate::system::url::encode_component;
use client::Client;
use comment::PullRequestComments;
use log::WorkflowCommands;
use previews::PreviewBranch;
use release_store::ReleaseStore;
use snapshot::Snapshot;
use store::BranchStore;

pub(super) use remote::release_store;

#[cfg(test)]
pub(super) use event::read as read_event;

/// GitHub Actions.
pub(super) const DESCRIPTION: ProviderDescription = ProviderDescription {
    name: "GitHub Actions",
    detect: |environment| {
        ["GITHUB_ACTIONS", "GITHUB_EVENT_PATH"].iter().any(|name| variable(environment, name).is_some())
    },
    workspace: |environment| variable(environment, "GITHUB_WORKSPACE").map(PathBuf::from),
    // Outside the checkout, where it cannot become a part of a project.
    default_output: |environment, _| {
        // Each use of the action in a job has its own.
        let number = variable(environment, "HYPERFRAMES_CI_USE")
            .filter(|number| event::is_number(number) && number != "1");
        let name =
            number.map_or_else(|| "hyperframes-ci".to_owned(), |number| format!("hyperframes-ci-{number}"));
        variable(environment, "RUNNER_TEMP").map(|folder| PathBuf::from(folder).join(name))
    },
    annotation: Some(log::error),
    connect: |environment, settings| Ok(Box::new(GitHub::connect(environment, settings)?)),
};

/// Files of a pull request that the API lists; source: docs.github.com, "List pull requests files".
const MAX_FILES: usize = 3000;

/// Files of a comparison that the API lists; source: docs.github.com, "Compare two commits".
const MAX_COMPARED: usize = 300;

/// Returns the paths of changed files. A renamed file no longer exists at its previous path.
fn names_of(files: &[Value]) -> BTreeSet<String> {
    let names =
        files.iter().flat_map(|file| ["filename", "previous_filename"].map(|name| file[name].as_str()));
    names.flatten().map(str::to_owned).collect()
}

/// Returns whether a branch of the repository ends at the commit. Commits of forks can be read in the repository, too, but
/// are on none of its branches.
fn is_branch_tip(client: &Client, commit: &str) -> bool {
    let branches = event::is_sha(commit)
        .then(|| client.get(&format!("/commits/{commit}/branches-where-head"), "the branches of the commit"));
    branches.and_then(Result::ok).is_some_and(|list| list.as_array().is_some_and(|list| !list.is_empty()))
}

/// A run of GitHub Actions.
struct GitHub {
    event: Event,
    client: Client,
    preview_branch: String,
    output: Option<PathBuf>,
    summary: Option<PathBuf>,
    /// The published files, once they are known.
    published: RefCell<Option<previews::PublishedFiles>>,
    /// The branch that the run is about.
    branch: Option<String>,
}

impl GitHub {
    fn connect(environment: &Environment<'_>, settings: &Settings) -> Result<Self, ProviderError> {
        let set = |name: &str| variable(environment, name);
        let base = set("GITHUB_API_URL").unwrap_or_else(|| "https://api.github.com".to_owned());
        let server = set("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
        let repository = event::repository(environment)?;
        let mut client = Client::new(&base, &server, &repository, settings.token.clone())?;
        if let Some(url) = set("GITHUB_GRAPHQL_URL") {
            client.graph = url;
        }
        let of_run = set("GITHUB_SHA").filter(|_| event::is_on_own_ref(environment));
        let is_own = |commit: &str| of_run.as_deref() == Some(commit) || is_branch_tip(&client, commit);
        let workspace = set("GITHUB_WORKSPACE").map(PathBuf::from);
        let mut event = event::read(environment, settings.has_secrets, &|proof| {
            workspace.as_deref().is_some_and(|folder| checkout::is_proven(folder, proof, &is_own))
        })?;
        if let Subject::Command(command) = &event.subject {
            event.subject = command::resolve(&client, command, &repository, workspace.as_deref())?;
        }
        Ok(Self {
            client,
            preview_branch: settings.preview_branch.clone(),
            output: set("GITHUB_OUTPUT").map(PathBuf::from),
            summary: set("GITHUB_STEP_SUMMARY").map(PathBuf::from),
            event,
            published: RefCell::default(),
            branch: set("GITHUB_REF").and_then(|name| Some(name.strip_prefix("refs/heads/")?.to_owned())),
        })
    }

    fn comments<'a>(&'a self, request: &'a PullRequest) -> PullRequestComments<'a> {
        PullRequestComments { client: &self.client, request }
    }

    fn previews(&self) -> PreviewBranch<'_> {
        PreviewBranch { client: &self.client, name: &self.preview_branch, is_linear: Cell::new(false) }
    }
}

impl CiProvider for GitHub {
    fn event(&self) -> &Event {
        &self.event
    }

    fn log(&self) -> &dyn LogSyntax {
        &WorkflowCommands
    }

    fn annotate(&self, findings: &Findings) -> usize {
        log::annotate(findings)
    }

    fn output(&self, name: &str, value: &str) -> Result<(), ProviderError> {
        match &self.output {
            Some(file) => files::output(file, name, value, &mut crate::system::random),
            None => Ok(()),
        }
    }

    fn summary(&self, markdown: &str) -> Result<(), ProviderError> {
        self.summary.as_deref().map_or(Ok(()), |file| files::summary(file, markdown))
    }

    fn changed_files(&self, request: &PullRequest) -> Result<BTreeSet<String>, ProviderError> {
        let path = format!("/pulls/{}/files?per_page=100", request.number);
        let files = self.client.list(&path, "the files of the pull request")?;
        if files.len() >= MAX_FILES {
            return Err(ProviderError::Failed(format!(
                "the pull request changes {MAX_FILES} files or more, and the API lists no further ones"
            )));
        }
        Ok(names_of(&files))
    }

    fn files_between(&self, base: &str, head: &str) -> Result<BTreeSet<String>, ProviderError> {
        let path = format!("/compare/{}...{}", encode_component(base), encode_component(head));
        let compared = self.client.get(&path, "the comparison with the target branch")?;
        let files = compared["files"].as_array().cloned().unwrap_or_default();
        if files.len() >= MAX_COMPARED {
            return Err(ProviderError::Failed(format!(
                "{MAX_COMPARED} files or more differ, and the API lists no further ones"
            )));
        }
        Ok(names_of(&files))
    }

    fn file_at(&self, commit: &str, path: &str) -> Result<Option<String>, ProviderError> {
        let path = path.split('/').map(encode_component).collect::<Vec<_>>().join("/");
        let response = self.client.call(
            "GET",
            &format!("/contents/{path}?ref={}", encode_component(commit)),
            &Body::None,
        )?;
        if response.status == 404 {
            return Ok(None);
        }
        let file = response.ok("a file of the base")?;
        let text = file.get("content").and_then(Value::as_str).map(|text| text.replace(['\n', '\r'], ""));
        let bytes = text.and_then(|text| BASE64_STANDARD.decode(text).ok());
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn download_source(&self, commit: &str, archive: &Path) -> Result<(), ProviderError> {
        self.client.require_token()?;
        let path = format!("{}/zipball/{}", self.client.path, encode_component(commit));
        self.client.api.download(&path, archive)
    }

    fn mark_out_of_date(&self, request: &PullRequest) -> Result<bool, ProviderError> {
        self.client.require_token()?;
        let (is_written, published) = self.previews().mark_out_of_date(request)?;
        *self.published.borrow_mut() = Some(published);
        Ok(is_written)
    }

    fn is_published(&self, name: &str) -> bool {
        self.published.borrow().as_ref().is_some_and(|published| published.find(name).is_some())
    }

    fn published_file(&self, name: &str) -> Result<Option<Vec<u8>>, ProviderError> {
        let known = self.published.borrow();
        let file = known.as_ref().and_then(|published| published.find(name));
        let sha = file.map(|file| file.sha.clone());
        sha.map(|sha| objects::read_blob(&self.client, &sha, "a published preview")).transpose()
    }

    fn download_published(&self, names: &[String], path: &Path) -> Result<Option<String>, ProviderError> {
        self.client.require_token()?;
        let mut known = self.published.borrow_mut();
        if known.is_none() {
            *known = Some(self.previews().published_base()?);
        }
        // The videos of the base among those of a stranger's pull request are not those of this repository.
        let is_own = self.event.trust == Trust::Own;
        let find = |name: &String| {
            let published = known.as_ref()?;
            if is_own { published.find(name) } else { published.find_base(name) }
        };
        let Some(file) = names.iter().find_map(find) else { return Ok(None) };
        self.previews().download(file, path)?;
        Ok(Some(file.name.clone()))
    }

    fn approval(&self, request: &PullRequest, label: &str) -> Result<Approval, ProviderError> {
        self.client.require_token()?;
        approval::read(&self.client, request, label)
    }

    fn comment(&self, request: &PullRequest, section: &Section) -> Result<Written<String>, ProviderError> {
        self.client.require_token()?;
        let written = comment_sections::write(&self.comments(request), section)?;
        Ok(written.map(|id| self.client.comment_url(request, id)))
    }

    fn published_projects(
        &self,
        request: &PullRequest,
        section: &str,
    ) -> Result<Vec<ProjectMark>, ProviderError> {
        self.client.require_token()?;
        let marks = comment_sections::projects(&self.comments(request), section)?;
        if !marks.is_empty() {
            return Ok(marks);
        }
        // The comment may have been deleted; the branch has its sections.
        let stored = Snapshot::read(&self.client, &self.preview_branch, Some(request));
        Ok(stored.map(|stored| stored.sections().projects(section)).unwrap_or_default())
    }

    fn check_run(&self, check: &CheckRun<'_>) -> Result<(), ProviderError> {
        self.client.require_token()?;
        check_run::create(&self.client, check)
    }

    fn publish(
        &self,
        request: Option<&PullRequest>,
        publication: Publication<'_>,
        section: Option<&mut SectionWriter<'_>>,
    ) -> Result<Published, ProviderError> {
        self.client.require_token()?;
        self.previews().publish(request, publication, section)
    }

    fn check_release(&self, tag: &str) -> Result<(), ProviderError> {
        self.client.require_token()?;
        release::check(&self.client, tag)
    }

    fn attach(&self, tag: &str, files: &[Media]) -> Result<Vec<String>, ProviderError> {
        self.client.require_token()?;
        release::attach(&self.client, tag, files)
    }

    fn release_before(&self, tag: Option<&str>, file: &str) -> Result<Option<EarlierRelease>, ProviderError> {
        self.client.require_token()?;
        release::before(&self.client, tag, file)
    }

    fn download_release_file(
        &self,
        release: &EarlierRelease,
        name: &str,
        path: &Path,
    ) -> Result<(), ProviderError> {
        let address = release.file(&release::asset_name(name))?;
        self.client.api.download_as(address, Some("application/octet-stream"), path)
    }

    fn set_release_notes(&self, tag: &str, section: &str) -> Result<(), ProviderError> {
        self.client.require_token()?;
        release::set_notes(&self.client, tag, section)
    }

    fn run_url(&self, run: &TriggeringRun) -> String {
        format!("{}/actions/runs/{}", self.client.web, run.id)
    }

    fn pull_request_of(&self, run: &TriggeringRun) -> Result<Option<PullRequest>, ProviderError> {
        self.client.require_token()?;
        let owner = run.repository.split('/').next().unwrap_or_default();
        let head = encode_component(&format!("{owner}:{}", run.branch));
        let pulls =
            self.client.list(&format!("/pulls?state=open&head={head}&per_page=100"), "the pull requests")?;
        let of_run = |pull: &&Value| {
            pull.pointer("/head/sha").and_then(Value::as_str) == Some(&run.head)
                && pull.pointer("/head/repo/full_name").and_then(Value::as_str) == Some(&run.repository)
        };
        Ok(pulls.iter().find(of_run).and_then(|pull| event::pull_request(pull, &self.event.repository)))
    }

    fn artifacts_of(
        &self,
        run: &TriggeringRun,
        is_wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<Artifact>, ProviderError> {
        let path = format!("/actions/runs/{}/artifacts?per_page=100", run.id);
        let listed = self.client.list_in(&path, "artifacts", "the run's artifacts")?;
        let mut newest = BTreeMap::<&str, u64>::new();
        for artifact in listed.iter().filter(|artifact| artifact["expired"] != true) {
            if let (Some(name), Some(id)) = (artifact["name"].as_str(), artifact["id"].as_u64())
                && is_wanted(name)
            {
                // Each attempt of the run has one.
                let known = newest.entry(name).or_default();
                *known = id.max(*known);
            }
        }
        Ok(newest.into_iter().map(|(name, id)| Artifact { name: name.to_owned(), id }).collect())
    }

    fn download_artifact(&self, artifact: &Artifact, archive: &Path) -> Result<(), ProviderError> {
        let path = format!("{}/actions/artifacts/{}/zip", self.client.path, artifact.id);
        self.client.api.download(&path, archive)
    }

    fn deploy(&self, request: &PullRequest, url: &str) -> Result<(), ProviderError> {
        self.client.require_token()?;
        deployment::create(&self.client, request, url, &self.event.run_url)
    }

    fn retire_deployments(&self, request: &PullRequest) -> Result<usize, ProviderError> {
        self.client.require_token()?;
        deployment::retire(&self.client, request)
    }

    fn propose(&self, proposal: &Proposal<'_>) -> Result<Proposed, ProviderError> {
        self.client.require_token()?;
        let Some(branch) = &self.branch else {
            return Err(ProviderError::Unsupported("pull requests of runs that are not about a branch"));
        };
        proposal::propose(&self.client, branch, &self.event.commit, proposal)
    }

    fn file_of_branch(&self, branch: &str, path: &str) -> Result<Option<Vec<u8>>, ProviderError> {
        self.client.require_token()?;
        proposal::file(&self.client, branch, path)
    }

    fn media_store(&self, store: MediaStore) -> Result<Box<dyn FileStore + '_>, ProviderError> {
        match store {
            MediaStore::Git => Err(ProviderError::Unsupported("a store of committed files")),
            MediaStore::Branch => {
                self.client.require_token()?;
                Ok(Box::new(BranchStore::new(self.previews())))
            }
            MediaStore::Release => Ok(Box::new(ReleaseStore::new(&self.client))),
        }
    }

    fn clean_up(&self, request: Option<&PullRequest>) -> Result<CleanedUp, ProviderError> {
        self.client.require_token()?;
        self.previews().clean_up(request)
    }
}
