//! What a job must know before it writes: the pull request with its comments, and the previews branch. One query reads both,
//! at one time.

use hyperframes_ci_core::generated::{STORE_FOLDER, is_preview_branch};
use serde_json::{Value, json};

use super::client::Client;
use super::event::is_sha;
use super::objects::{File, read_blob};
use crate::ci::comment_sections::PullState;
use crate::ci::contention::wait_before;
use crate::ci::error::ProviderError;
use crate::ci::event::PullRequest;
use crate::ci::provider::Publication;
use crate::ci::sections::{EXPIRY, MARKER, SectionFile, StoredSection};

/// The name of the file of sections in a folder.
pub(super) const SECTIONS: &str = "sections.json";

/// Time after which the images of a job that no longer publishes the base are deleted, in seconds.
const BASE_EXPIRY: i64 = 90 * 24 * 60 * 60;

/// Attempts to read a branch that other jobs write.
const ATTEMPTS: u32 = 10;

/// Pages of comments that are read, of 100 each.
const MAX_PAGES: usize = 50;

const QUERY: &str =
    "query($owner: String!, $name: String!, $number: Int!, $isPull: Boolean!, $after: String, \
$branch: String!, $folder: String!, $sections: String!) {
  repository(owner: $owner, name: $name) {
    id
    pullRequest(number: $number) @include(if: $isPull) {
      state
      headRefOid
      comments(first: 100, after: $after) {
        nodes { url body viewerDidAuthor author { __typename } }
        pageInfo { hasNextPage endCursor }
      }
    }
    ref(qualifiedName: $branch) {
      target {
        oid
        ... on Commit { messageHeadline tree { oid entries { name oid object { ... on Tree { entries { name oid } } } } } }
      }
    }
    folder: object(expression: $folder) { oid ... on Tree { entries { name oid } } }
    sections: object(expression: $sections) { oid ... on Blob { text isTruncated } }
  }
}";

/// The state of the repository at one time.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    /// The id of the repository in the GraphQL API.
    pub(super) repository: String,
    /// The pull request; `None` if none was asked for, or it cannot be read.
    pub(super) pull: Option<Pull>,
    /// The newest commit of the previews branch; `None` if the branch does not exist.
    pub(super) tip: Option<Tip>,
}

/// A pull request.
#[derive(Clone, Debug)]
pub(super) struct Pull {
    pub(super) state: PullState,
    /// The comments with the marker that the token's owner wrote, oldest first.
    pub(super) comments: Vec<Comment>,
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Comment {
    pub(super) id: u64,
    pub(super) text: String,
}

/// The newest commit of the branch.
#[derive(Clone, Debug)]
pub(super) struct Tip {
    pub(super) commit: String,
    pub(super) tree: String,
    /// Whether the branch has previews and nothing that would be lost if its history is replaced.
    pub(super) is_ours: bool,
    /// The files of the folder that was asked for.
    pub(super) folder: Vec<File>,
    /// The sections in that folder.
    pub(super) sections: SectionFile,
    /// The files of the folder `base`.
    pub(super) base: Vec<File>,
    /// The files of the store of generated media.
    pub(super) media: Vec<File>,
}

impl Snapshot {
    /// Reads `branch` and, if it is given, a pull request. Its folder is read; `base` without one.
    ///
    /// # Errors
    /// Returns [`ProviderError`] if the repository cannot be read, or other jobs write the branch all the time.
    pub(super) fn read(
        client: &Client,
        branch: &str,
        request: Option<&PullRequest>,
    ) -> Result<Self, ProviderError> {
        let folder = folder(request);
        let (owner, name) =
            client.path.trim_start_matches("/repos/").split_once('/').unwrap_or(("", &client.path));
        let variables = |after: Option<&str>| {
            json!({
                "owner": owner,
                "name": name,
                "number": request.map_or(0, |request| request.number),
                "isPull": request.is_some(),
                "after": after,
                "branch": format!("refs/heads/{branch}"),
                "folder": format!("refs/heads/{branch}:{folder}"),
                "sections": format!("refs/heads/{branch}:{folder}/{SECTIONS}"),
            })
        };
        for attempt in 0..ATTEMPTS {
            wait_before(attempt);
            let repository = query(client, &variables(None))?;
            let Some(tip) = read_tip(client, &repository, &folder)? else { continue };
            let mut pull = read_pull(client, &repository["pullRequest"], request);
            let mut page = repository["pullRequest"]["comments"]["pageInfo"].clone();
            for _ in 0..MAX_PAGES {
                let Some(cursor) = page["endCursor"].as_str().filter(|_| page["hasNextPage"] == true) else {
                    break;
                };
                let next = query(client, &variables(Some(cursor)))?;
                let comments = &next["pullRequest"]["comments"];
                if let Some(pull) = &mut pull {
                    pull.comments.extend(own_comments(client, comments));
                }
                page = comments["pageInfo"].clone();
            }
            let repository = text(&repository["id"]);
            return Ok(Self { repository, pull, tip: Some(tip).filter(|tip| !tip.commit.is_empty()) });
        }
        Err(ProviderError::Failed("cannot read the previews branch: other jobs keep writing it".to_owned()))
    }

    /// Returns the sections of the folder.
    pub(super) fn sections(&self) -> SectionFile {
        self.tip.as_ref().map(|tip| tip.sections.clone()).unwrap_or_default()
    }

    /// Returns whether a run for the newest commit has stored the section of the job, and this run is for another one.
    pub(super) fn is_newer(&self, publication: &Publication<'_>) -> bool {
        let Some(pull) = &self.pull else { return false };
        let stored = self.tip.as_ref().and_then(|tip| tip.sections.get(publication.key));
        publication.commit != pull.state.newest
            && stored.is_some_and(|stored| stored.commit == pull.state.newest)
    }

    /// Returns the sections with `own`, and without those that have expired, and `own` as it is stored.
    pub(super) fn sections_with(&self, own: StoredSection, is_pull: bool) -> (SectionFile, StoredSection) {
        let newest = self.pull.as_ref().map_or(&own.commit, |pull| &pull.state.newest);
        let mut sections = self.sections();
        sections.expire(newest, own.time, if is_pull { EXPIRY } else { BASE_EXPIRY });
        sections.put(own.clone());
        let own = sections.get(&own.key).cloned().unwrap_or(own);
        (sections, own)
    }

    /// Returns whether the folder has a file.
    pub(super) fn has(&self, name: &str) -> bool {
        self.tip.as_ref().is_some_and(|tip| tip.folder.iter().any(|file| file.name == name))
    }

    /// Returns the files of the base and of the folder.
    pub(super) fn files(&self) -> impl Iterator<Item = &File> {
        self.tip.iter().flat_map(|tip| tip.base.iter().chain(&tip.folder))
    }

    /// Takes over what was written on top of this snapshot: a commit, its tree and its sections.
    pub(super) fn advance(&mut self, commit: String, tree: String, sections: SectionFile) {
        let known = self.tip.take().map(|tip| (tip.folder, tip.base, tip.media));
        let (folder, base, media) = known.unwrap_or_default();
        self.tip = Some(Tip { commit, tree, is_ours: true, folder, sections, base, media });
    }

    /// Returns the comments of the pull request.
    pub(super) fn comments(&self) -> &[Comment] {
        self.pull.as_ref().map(|pull| pull.comments.as_slice()).unwrap_or_default()
    }
}

/// Returns the folder of a pull request, or that of the base.
pub(super) fn folder(request: Option<&PullRequest>) -> String {
    request.map_or_else(|| "base".to_owned(), |request| format!("pr/{}", request.number))
}

fn query(client: &Client, variables: &Value) -> Result<Value, ProviderError> {
    let (mut data, errors) = client.graph(QUERY, variables, "the previews branch")?;
    let repository = data["repository"].take();
    if repository.is_null() {
        let message = errors.into_iter().next().map(|error| error.message).unwrap_or_default();
        return Err(ProviderError::Forbidden(format!("the previews branch: {message}")));
    }
    Ok(repository)
}

/// Reads the tip of the branch, without a commit if the branch does not exist. Returns `None` if the branch has changed while
/// it was read: folders are looked up by the branch's name, and must be those of the tip.
fn read_tip(client: &Client, repository: &Value, folder: &str) -> Result<Option<Tip>, ProviderError> {
    let target = &repository["ref"]["target"];
    let root = files(&target["tree"]["entries"]);
    let inside = |name: &str| {
        let entries = target["tree"]["entries"].as_array().into_iter().flatten();
        let found = entries.into_iter().find(|entry| entry["name"] == name);
        found.map(|entry| files(&entry["object"]["entries"])).unwrap_or_default()
    };
    let sha_of =
        |files: &[File], name: &str| files.iter().find(|file| file.name == name).map(|file| file.sha.clone());
    let expected = match folder.split_once('/') {
        Some((parent, name)) => sha_of(&inside(parent), name),
        None => sha_of(&root, folder),
    };
    let sha = |value: &Value| value["oid"].as_str().map(str::to_owned);
    let in_folder = files(&repository["folder"]["entries"]);
    let is_of_tip = sha(&repository["folder"]) == expected
        && sha(&repository["sections"]) == sha_of(&in_folder, SECTIONS);
    if !is_of_tip {
        return Ok(None);
    }
    let sections = &repository["sections"];
    let written = match (sections["text"].as_str(), sha(sections)) {
        (Some(text), _) if sections["isTruncated"] != true => text.to_owned(),
        (_, Some(sha)) => {
            // Too long for the query.
            let contents = read_blob(client, &sha, "the sections of the comment")?;
            String::from_utf8_lossy(&contents).into_owned()
        }
        (_, None) => String::new(),
    };
    let media = inside(STORE_FOLDER);
    let message = target["messageHeadline"].as_str().unwrap_or_default();
    let is_ours = is_preview_branch(&names(&root), &names(&media), message);
    Ok(Some(Tip {
        commit: text(&target["oid"]),
        tree: text(&target["tree"]["oid"]),
        is_ours,
        folder: in_folder,
        sections: SectionFile::read(&written),
        base: inside("base"),
        media,
    }))
}

fn read_pull(client: &Client, pull: &Value, request: Option<&PullRequest>) -> Option<Pull> {
    let newest = pull["headRefOid"].as_str().filter(|sha| is_sha(sha)).map(str::to_owned);
    let newest = newest.or_else(|| Some(request?.head.clone()))?;
    let state = PullState { newest, is_open: pull["state"] == "OPEN" };
    pull.is_object().then(|| Pull { state, comments: own_comments(client, &pull["comments"]) })
}

/// Returns the comments with the marker that the token's owner wrote: anyone can write the marker. The tokens of workflows
/// belong to a bot.
fn own_comments(client: &Client, comments: &Value) -> Vec<Comment> {
    let is_own = |comment: &Value| {
        let is_bot = client.is_app() && comment["author"]["__typename"] == "Bot";
        comment["viewerDidAuthor"] == true || is_bot
    };
    let read = |comment: &Value| {
        let text = text(&comment["body"]).replace("\r\n", "\n");
        let id = comment["url"].as_str()?.rsplit_once("#issuecomment-")?.1.parse().ok()?;
        text.trim_start().starts_with(MARKER).then_some(Comment { id, text })
    };
    let nodes = comments["nodes"].as_array().into_iter().flatten();
    nodes.filter(|comment| is_own(comment)).filter_map(read).collect()
}

fn names(files: &[File]) -> Vec<&str> {
    files.iter().map(|file| file.name.as_str()).collect()
}

fn files(entries: &Value) -> Vec<File> {
    let entries = entries.as_array().into_iter().flatten();
    entries.map(|entry| File { name: text(&entry["name"]), sha: text(&entry["oid"]) }).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
