//! The branch of the images and videos that comments show, and of the sections of the comments. It is separate from the
//! repository's history and written by the Git data API.
//!
//! The names of files depend on their contents, so that image proxies cannot serve outdated ones. Each pull request has a
//! folder (`pr/7`); the others are in `base`. In each folder, `sections.json` says which job shows which files, and a file
//! that none shows is deleted by the next write. So the branch has the newest files of each job of the open pull requests and
//! of the base. The folder `media` is the store of generated media, from which nothing is deleted (`store.rs`). It has one commit without a parent, so that clones do not grow.
//!
//! Every write replaces the commit that was read, and fails if that is not the newest any more ([`PreviewBranch::swap`]): no
//! job can delete what another has written.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use hyperframes_ci_core::generated::PREVIEW_MESSAGE;
use serde_json::{Value, json};

use super::client::Client;
use super::converge::{Converged, Convergence};
use super::index_page;
use super::objects::{self, File, entry};
use super::snapshot::{SECTIONS, Snapshot, folder};
use crate::ci::contention::wait_before;
use crate::ci::error::ProviderError;
use crate::ci::event::PullRequest;
use crate::ci::provider::{CleanedUp, Media, Publication, Published, SectionWriter, Written};
use crate::ci::rest::{Body, Response};
use crate::ci::sections::{SectionFile, StoredSection};
use crate::system::clock::unix_now;

/// The largest file that is published, in bytes. The API is unreliable beyond.
const MAX_FILE: u64 = 25 * 1024 * 1024;

/// Attempts of a write that conflicts with other jobs. Of twenty jobs that write at the same time, the last fails often.
pub(super) const ATTEMPTS: u32 = 60;

/// Attempts to replace one commit, which is the newest as far as is known: reads may be older than writes.
const MAX_REFUSALS: u32 = 4;

/// The value of a reference that does not exist; source: docs.github.com, "updateRefs".
const ABSENT: &str = "0000000000000000000000000000000000000000";

const UPDATE: &str = "mutation($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }";

/// The media type of the bytes of a blob; source: docs.github.com, "Get a blob".
const RAW: &str = "application/vnd.github.raw+json";

/// The file that is left where the branch cannot be deleted.
const README: &str = "Images and videos of comments on pull requests, written by hyperframes-ci.\n";

/// The files of the branch that a job may use.
#[derive(Default)]
pub(super) struct PublishedFiles {
    /// Those of the pull request.
    pub(super) folder: Vec<File>,
    pub(super) base: Vec<File>,
}

impl PublishedFiles {
    fn new(snapshot: Snapshot) -> Self {
        snapshot.tip.map(|tip| Self { folder: tip.folder, base: tip.base }).unwrap_or_default()
    }

    /// Returns the file of a name.
    pub(super) fn find(&self, name: &str) -> Option<&File> {
        self.folder.iter().chain(&self.base).find(|file| file.name == name)
    }

    /// Returns the file of a name that a run for the default branch has published.
    pub(super) fn find_base(&self, name: &str) -> Option<&File> {
        self.base.iter().find(|file| file.name == name)
    }
}

/// The branch.
pub(super) struct PreviewBranch<'a> {
    pub(super) client: &'a Client,
    pub(super) name: &'a str,
    /// Whether references can be updated only along their history: the server does not have or allow `updateRefs`.
    pub(super) is_linear: Cell<bool>,
}

/// Writes of one job that were refused: because another job has written, or by the server.
#[derive(Default)]
pub(super) struct Refusals {
    /// The commit that the last one was to replace.
    commit: String,
    /// How often it was refused.
    count: u32,
}

impl Refusals {
    /// Counts a refused replacement of the commit of `snapshot`.
    ///
    /// # Errors
    /// Returns [`ProviderError::Failed`] with the message if no other job writes, so that it would be refused again.
    pub(super) fn add(&mut self, snapshot: &Snapshot, message: &str) -> Result<(), ProviderError> {
        let commit = snapshot.tip.as_ref().map(|tip| tip.commit.clone()).unwrap_or_default();
        self.count = if self.commit == commit { self.count + 1 } else { 1 };
        self.commit = commit;
        match self.count > MAX_REFUSALS && !message.is_empty() {
            true => Err(ProviderError::Failed(format!("the previews branch: {message}"))),
            false => Ok(()),
        }
    }
}

/// The result of a write.
pub(super) enum Swap {
    /// The branch has the new commit and tree.
    Done(String, String),
    /// The branch was changed since it was read, or the write was refused with this message.
    Lost(String),
}

impl PreviewBranch<'_> {
    /// Publishes files and, if `section` is given, the section of the comment, in one commit, and writes the comment.
    ///
    /// # Errors
    /// Returns [`ProviderError`] if the API refuses, or other jobs write the branch all the time. That the comment cannot be
    /// written is a part of the result.
    pub(super) fn publish(
        &self,
        request: Option<&PullRequest>,
        publication: Publication<'_>,
        mut section: Option<&mut SectionWriter<'_>>,
    ) -> Result<Published, ProviderError> {
        let is_small =
            |file: &&Media| fs::metadata(&file.path).is_ok_and(|metadata| metadata.len() <= MAX_FILE);
        let media =
            publication.media.iter().chain(publication.base_videos).filter(is_small).collect::<Vec<_>>();
        let (folder, time) = (folder(request), unix_now());
        let mut blobs = BTreeMap::new();
        let mut refusals = Refusals::default();
        for attempt in 0..ATTEMPTS {
            wait_before(attempt);
            let mut snapshot = Snapshot::read(self.client, self.name, request)?;
            if snapshot.pull.as_ref().is_some_and(|pull| !pull.state.is_open) {
                return self.take_back(request);
            }
            self.require_own(&snapshot)?;
            if snapshot.is_newer(&publication) {
                return Ok(Published { urls: Vec::new(), comment: Some(Ok(Written::Superseded)) });
            }
            for file in snapshot.files().filter(|file| publication.base_names.contains(&file.name)) {
                blobs.insert(file.name.clone(), file.sha.clone());
            }
            let from_base = publication.base_names.iter().filter(|name| blobs.contains_key(*name));
            let mut files = media.iter().map(|file| &file.name).chain(from_base).cloned().collect::<Vec<_>>();
            files.sort_unstable();
            files.dedup();
            let urls = files.iter().map(|name| (name.clone(), self.url(&format!("{folder}/{name}"))));
            let urls = urls.collect::<Vec<_>>();
            let own = StoredSection {
                key: publication.key.to_owned(),
                commit: publication.commit.to_owned(),
                time,
                texts: section.as_mut().map(|section| section(&urls)).unwrap_or_default(),
                files,
            };
            let is_first = snapshot.sections().has_no_texts();
            let (sections, own) = snapshot.sections_with(own, request.is_some());
            // After a lost response, the branch has it already.
            if sections != snapshot.sections() || !own.files.iter().all(|name| snapshot.has(name)) {
                for file in media.iter().filter(|file| !snapshot.has(&file.name)) {
                    if !blobs.contains_key(&file.name) {
                        blobs.insert(file.name.clone(), objects::upload(self.client, file, "a preview")?);
                    }
                }
                let tree = tree(&snapshot, &folder, &sections, &blobs);
                match self.swap(&snapshot, Some(&tree), &format!("{PREVIEW_MESSAGE} for {folder}"))? {
                    Swap::Done(commit, tree) => snapshot.advance(commit, tree, sections),
                    Swap::Lost(message) => {
                        refusals.add(&snapshot, &message)?;
                        continue;
                    }
                }
            }
            let Some(request) = request else { return Ok(Published { urls, comment: None }) };
            let comment = match (own.texts.is_empty(), self.converge(request).run(snapshot, &own, is_first)) {
                (_, Ok(Converged::Closed)) => return self.take_back(Some(request)),
                (_, Ok(Converged::Lost)) => continue,
                (true, _) => None,
                (false, Ok(Converged::Right(id))) => Some(Ok(Written::At(self.comment_url(request, id)))),
                (false, Err(error)) => Some(Err(error)),
            };
            return Ok(Published { urls, comment });
        }
        Err(contended())
    }

    /// Checks that the branch is one of previews: its history is replaced.
    pub(super) fn require_own(&self, snapshot: &Snapshot) -> Result<(), ProviderError> {
        match &snapshot.tip {
            Some(tip) if !tip.is_ours => Err(ProviderError::Failed(format!(
                "the branch {} has other files than previews; set the input preview-branch to another one",
                self.name
            ))),
            _ => Ok(()),
        }
    }

    /// Deletes what a run has published for a pull request that was closed meanwhile: the cleanup of that event may have run
    /// before.
    fn take_back(&self, request: Option<&PullRequest>) -> Result<Published, ProviderError> {
        self.clean_up(request)?.comment?;
        Ok(Published { urls: Vec::new(), comment: Some(Ok(Written::Closed)) })
    }

    /// Deletes the folders of `request` and of all closed pull requests, and says so in the comment of `request`.
    ///
    /// # Errors
    /// Returns [`ProviderError`] if the API refuses, or other jobs write the branch all the time. That the comment cannot be
    /// written is a part of the result.
    pub(super) fn clean_up(&self, request: Option<&PullRequest>) -> Result<CleanedUp, ProviderError> {
        let deleted = self.delete_folders(request)?;
        let comment = request.map_or(Ok(()), |request| self.converge(request).retire());
        Ok(CleanedUp { deleted, comment })
    }

    fn delete_folders(&self, request: Option<&PullRequest>) -> Result<Vec<u64>, ProviderError> {
        let mut refusals = Refusals::default();
        for attempt in 0..ATTEMPTS {
            wait_before(attempt);
            let snapshot = Snapshot::read(self.client, self.name, None)?;
            // Others have no previews to delete.
            let Some(tip) = snapshot.tip.as_ref().filter(|tip| tip.is_ours) else { return Ok(Vec::new()) };
            let files = objects::files(self.client, &tip.tree, "the previews' tree")?;
            let mut stale =
                files.iter().filter_map(|file| pull_request_of(&file.name)).collect::<BTreeSet<_>>();
            // Read after the branch: a pull request with a folder that is not open now was closed.
            let open = if stale.is_empty() { BTreeSet::new() } else { self.open_pull_requests(&stale)? };
            stale.retain(|number| !open.contains(number) || request.is_some_and(|it| it.number == *number));
            if stale.is_empty() {
                return Ok(Vec::new());
            }
            let is_kept =
                |file: &&File| pull_request_of(&file.name).is_none_or(|number| !stale.contains(&number));
            let kept = files.iter().filter(is_kept);
            let kept = kept.map(|file| entry(&file.name, Some(&file.sha))).collect::<Vec<_>>();
            let tree = (!kept.is_empty()).then(|| json!({ "tree": kept }));
            match self.swap(&snapshot, tree.as_ref(), PREVIEW_MESSAGE)? {
                Swap::Done(..) => return Ok(stale.into_iter().collect()),
                Swap::Lost(message) => refusals.add(&snapshot, &message)?,
            }
        }
        Err(contended())
    }

    /// Returns the numbers of the open pull requests; those of `folders` if the token may not list them.
    fn open_pull_requests(&self, folders: &BTreeSet<u64>) -> Result<BTreeSet<u64>, ProviderError> {
        match self.client.list("/pulls?state=open&per_page=100", "the open pull requests") {
            Ok(open) => Ok(open.iter().filter_map(|pull| pull["number"].as_u64()).collect()),
            Err(ProviderError::Forbidden(_)) => Ok(folders.clone()),
            Err(error) => Err(error),
        }
    }

    /// Replaces the commit of the branch that was read by one of `tree`, without a parent; deletes the branch if there is no
    /// tree. Does nothing if the branch was changed since it was read.
    pub(super) fn swap(
        &self,
        from: &Snapshot,
        tree: Option<&Value>,
        message: &str,
    ) -> Result<Swap, ProviderError> {
        let tip = from.tip.as_ref().map(|tip| tip.commit.as_str());
        let new_tree = match tree {
            Some(tree) => objects::create(self.client, "/git/trees", tree, "the previews' tree")?,
            None => String::new(),
        };
        if self.is_linear.get() {
            return self.advance(tip, new_tree, message);
        }
        let commit = match tree {
            Some(_) => {
                let commit = json!({ "message": message, "tree": new_tree, "parents": [] });
                objects::create(self.client, "/git/commits", &commit, "the previews' commit")?
            }
            None => ABSENT.to_owned(),
        };
        let update = json!({ "name": format!("refs/heads/{}", self.name), "beforeOid": tip.unwrap_or(ABSENT),
            "afterOid": commit, "force": true });
        let input = json!({ "input": { "repositoryId": from.repository, "refUpdates": [update] } });
        let (_, errors) = self.client.graph(UPDATE, &input, "the previews branch")?;
        match errors.into_iter().next() {
            None => Ok(Swap::Done(commit, new_tree)),
            Some(error) if error.is_unavailable() => {
                self.is_linear.set(true);
                self.advance(tip, new_tree, message)
            }
            Some(error) if error.is_final() => {
                Err(ProviderError::Failed(format!("the previews branch: {}", error.message)))
            }
            Some(error) => Ok(Swap::Lost(error.message)),
        }
    }

    /// Adds a commit to the history of the branch, which fails if the branch has another one meanwhile. An empty tree cannot
    /// be created, and a branch cannot be deleted on a condition.
    fn advance(&self, tip: Option<&str>, tree: String, message: &str) -> Result<Swap, ProviderError> {
        let tree = match tree.is_empty() {
            true => {
                let tree = json!({ "tree": [text_entry("README.md", README)] });
                objects::create(self.client, "/git/trees", &tree, "the previews' tree")?
            }
            false => tree,
        };
        let parents = tip.into_iter().collect::<Vec<_>>();
        let commit = json!({ "message": message, "tree": tree, "parents": parents });
        let commit = objects::create(self.client, "/git/commits", &commit, "the previews' commit")?;
        let name = format!("heads/{}", self.name);
        let response = match tip {
            Some(_) => {
                let update = json!({ "sha": commit, "force": false });
                self.client.call("PATCH", &format!("/git/refs/{name}"), &Body::Json(&update))?
            }
            None => {
                let create = json!({ "ref": format!("refs/{name}"), "sha": commit });
                self.client.call("POST", "/git/refs", &Body::Json(&create))?
            }
        };
        // Another job has written, created or deleted the branch. Other refusals, such as those of rulesets, are final.
        let is_race =
            ["fast forward", "already exists", "does not exist"].iter().any(|text| says(&response, text));
        if response.status == 409 || is_race {
            return Ok(Swap::Lost(String::new()));
        }
        response.ok("the previews branch")?;
        Ok(Swap::Done(commit, tree))
    }

    fn converge<'b>(&'b self, request: &'b PullRequest) -> Convergence<'b> {
        Convergence { client: self.client, branch: self.name, request }
    }

    /// Marks sections of older commits as out of date. Returns whether the comment was written, and the published files.
    ///
    /// # Errors
    /// Returns [`ProviderError`] if the API refuses.
    pub(super) fn mark_out_of_date(
        &self,
        request: &PullRequest,
    ) -> Result<(bool, PublishedFiles), ProviderError> {
        let (is_written, snapshot) = self.converge(request).refresh()?;
        Ok((is_written, PublishedFiles::new(snapshot)))
    }

    /// Returns the published files of the base.
    ///
    /// # Errors
    /// Returns [`ProviderError`] if the API refuses.
    pub(super) fn published_base(&self) -> Result<PublishedFiles, ProviderError> {
        Ok(PublishedFiles::new(Snapshot::read(self.client, self.name, None)?))
    }

    /// Downloads a file of the branch to `path`.
    ///
    /// # Errors
    /// Returns [`ProviderError`] if the API refuses, or `path` cannot be written.
    pub(super) fn download(&self, file: &File, path: &Path) -> Result<(), ProviderError> {
        let blob = format!("{}/git/blobs/{}", self.client.path, file.sha);
        self.client.api.download_as(&blob, Some(RAW), path)
    }

    fn comment_url(&self, request: &PullRequest, id: Option<u64>) -> String {
        id.map(|id| self.client.comment_url(request, id)).unwrap_or_default()
    }

    fn url(&self, path: &str) -> String {
        format!("{}/raw/{}/{path}", self.client.web, self.name)
    }
}

/// Returns the request for a tree in which the folder has the sections and the files that they show: those of `blobs` are
/// added, and those that no section shows are deleted.
fn tree(
    snapshot: &Snapshot,
    folder: &str,
    sections: &SectionFile,
    blobs: &BTreeMap<String, String>,
) -> Value {
    let present = snapshot.tip.as_ref().map(|tip| tip.folder.as_slice()).unwrap_or_default();
    let index = index_page::page(sections);
    let is_kept = |name: &str| name == SECTIONS || (name == index_page::NAME && index.is_some());
    let stale = present.iter().filter(|file| !is_kept(&file.name) && !sections.shows(&file.name));
    let added = blobs.iter().filter(|(name, _)| sections.shows(name) && !snapshot.has(name));
    let mut entries = vec![text_entry(&format!("{folder}/{SECTIONS}"), &sections.to_text())];
    entries.extend(added.map(|(name, sha)| entry(&format!("{folder}/{name}"), Some(sha))));
    entries.extend(stale.map(|file| entry(&format!("{folder}/{}", file.name), None)));
    entries.extend(index.map(|text| text_entry(&format!("{folder}/{}", index_page::NAME), &text)));
    match &snapshot.tip {
        Some(tip) => json!({ "base_tree": tip.tree, "tree": entries }),
        None => json!({ "tree": entries }),
    }
}

/// Returns the number of the pull request whose folder a path is in.
fn pull_request_of(path: &str) -> Option<u64> {
    path.strip_prefix("pr/")?.split('/').next()?.parse().ok()
}

/// Returns the entry of a file with this text.
fn text_entry(path: &str, text: &str) -> Value {
    json!({ "path": path, "mode": "100644", "type": "blob", "content": text })
}

/// Returns whether a request was refused as invalid with a message that contains `text`.
fn says(response: &Response, text: &str) -> bool {
    response.status == 422 && response.message().contains(text)
}

pub(super) fn contended() -> ProviderError {
    ProviderError::Failed("cannot write the previews branch: other jobs keep writing it".to_owned())
}
