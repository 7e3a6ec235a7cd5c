//! The interface to a CI service.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::findings::{Diagnostic, Findings};
use hyperframes_ci_core::generated::MediaStore;

use super::approval::Approval;
use super::error::ProviderError;
use super::event::{Event, PullRequest, TriggeringRun};
use super::log::{self, LogSyntax};
use super::project_marks::ProjectMark;
use crate::system::secret::Secret;

/// The environment variables.
pub(crate) type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Returns an environment variable, or `None` if it is not set or blank.
pub(super) fn variable(environment: &Environment<'_>, name: &str) -> Option<String> {
    environment(name).filter(|value| !value.trim().is_empty())
}

/// Returns an environment variable that the service always sets.
///
/// # Errors
/// Returns [`ProviderError::Event`] if it is not set or blank.
pub(super) fn required(environment: &Environment<'_>, name: &str) -> Result<String, ProviderError> {
    variable(environment, name).ok_or_else(|| ProviderError::Event(format!("{name} is not set")))
}

/// The result of [`ProviderDescription::connect`].
pub(crate) type Connected = Result<Box<dyn CiProvider>, ProviderError>;

/// Formats an error as an annotation; see [`ProviderDescription::annotation`].
pub(crate) type Annotation = fn(&str, &str, Option<(&str, usize)>) -> String;

/// The static description of a CI service, for the registry.
pub(crate) struct ProviderDescription {
    /// The name of the service, for messages.
    pub(crate) name: &'static str,
    /// Returns whether this process runs in a job of the service.
    pub(crate) detect: fn(&Environment<'_>) -> bool,
    /// Returns the directory of the checkout, or `None` if the service has not set one.
    pub(crate) workspace: fn(&Environment<'_>) -> Option<PathBuf>,
    /// Returns the default output directory for a workspace, or `None` if the service has not set what it depends on.
    pub(crate) default_output: fn(&Environment<'_>, &Path) -> Option<PathBuf>,
    /// Formats an error as an annotation for the log, from a title, a message, and the path from the workspace and the line
    /// that it is about; `None` if the service has no annotations. Unlike [`LogSyntax::error`], it is available before the service is connected.
    pub(crate) annotation: Option<Annotation>,
    /// Reads the event and creates the service.
    pub(crate) connect: fn(&Environment<'_>, &Settings) -> Connected,
}

/// The user's settings of a service.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// A token for the service's API.
    pub(crate) token: Option<Secret>,
    /// The branch of the files that comments show.
    pub(crate) preview_branch: String,
    /// The output directory.
    pub(crate) output_dir: PathBuf,
    /// Whether the run has credentials, apart from the token.
    pub(crate) has_secrets: bool,
}

/// The section of a comment that one job writes.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    /// An identifier of letters and digits that is unique among the jobs of a run.
    pub(crate) key: String,
    /// The commit that the section is about.
    pub(crate) commit: String,
    /// The section in Markdown, from the longest form to the shortest. The first that fits is used.
    pub(crate) texts: Vec<String>,
}

/// An image or a video to publish.
#[derive(Clone, Debug)]
pub(crate) struct Media {
    /// The name under which it is published. Names of previews depend on the contents.
    pub(crate) name: String,
    /// The path of the file.
    pub(crate) path: PathBuf,
}

/// What a job publishes for comments.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Publication<'a> {
    /// Identifies the job and its options, in letters and digits.
    pub(crate) key: &'a str,
    /// The commit that was rendered.
    pub(crate) commit: &'a str,
    /// The images and videos. They replace those of earlier runs of the job.
    pub(crate) media: &'a [Media],
    /// Names of images and videos of the base, which earlier runs may have published.
    pub(crate) base_names: &'a [String],
    /// Videos of the base that the run has rendered. Later runs find them where the service keeps files of pull requests.
    pub(crate) base_videos: &'a [Media],
}

/// Makes the section of the comment in Markdown from names and URLs of published files: from the longest form to the
/// shortest, of which the first that fits is used.
pub(crate) type SectionWriter<'a> = dyn FnMut(&[(String, String)]) -> Vec<String> + 'a;

/// Files of the repository to propose as a pull request.
#[derive(Clone, Debug)]
pub(crate) struct Proposal<'a> {
    /// The branch of the pull request, which has nothing but proposals.
    pub(crate) branch: &'a str,
    /// Message of the commit, and title of the pull request.
    pub(crate) title: &'a str,
    /// Text of the pull request, in Markdown.
    pub(crate) body: &'a str,
    /// Paths from the root of the repository, and the files.
    pub(crate) files: &'a [Media],
}

/// What became of a [`Proposal`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Proposed {
    /// There is a pull request at this URL.
    PullRequest(String),
    /// The branch was written, and the service refused the pull request with this message: a person can open it at this URL.
    Branch(String, String),
}

/// What was published.
#[derive(Debug, Default)]
pub(crate) struct Published {
    /// Names and URLs of the files, and of the images of the base that were found.
    pub(crate) urls: Vec<(String, String)>,
    /// What became of the section of the comment; `None` if it was not written.
    pub(crate) comment: Option<Result<Written<String>, ProviderError>>,
}

/// What became of a section of the comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Written<T> {
    /// It is in the comment at this place.
    At(T),
    /// A run for a newer commit has written it already.
    Superseded,
    /// The pull request was closed meanwhile, and what was published is deleted.
    Closed,
}

impl<T> Written<T> {
    /// Converts the place.
    pub(super) fn map<U>(self, convert: impl FnOnce(T) -> U) -> Written<U> {
        match self {
            Self::At(place) => Written::At(convert(place)),
            Self::Superseded => Written::Superseded,
            Self::Closed => Written::Closed,
        }
    }
}

/// The result of a run about a commit, with findings at their lines.
#[derive(Debug)]
pub(crate) struct CheckRun<'a> {
    /// The name, by which a branch can require it.
    pub(crate) name: String,
    /// The commit.
    pub(crate) commit: &'a str,
    /// The result.
    pub(crate) conclusion: Conclusion,
    /// The result in a few words.
    pub(crate) title: String,
    /// The result in Markdown.
    pub(crate) summary: String,
    /// The findings, errors first.
    pub(crate) findings: Vec<&'a Diagnostic>,
    /// The page with the details.
    pub(crate) url: &'a str,
}

/// The result of a [`CheckRun`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conclusion {
    /// There is nothing to report.
    Success,
    /// There are findings, which do not fail the run.
    Neutral,
    /// The run fails.
    Failure,
}

/// An artifact of another run, which is untrusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Artifact {
    /// The name, which the run chose.
    pub(crate) name: String,
    /// The id in the service's API.
    pub(crate) id: u64,
}

/// A release before another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EarlierRelease {
    /// Its tag.
    pub(crate) tag: String,
    /// Names and addresses of its files in the service's API.
    pub(super) files: Vec<(String, String)>,
}

impl EarlierRelease {
    /// Returns the address of a file.
    ///
    /// # Errors
    /// Returns [`ProviderError::Failed`] if the release does not have it.
    pub(super) fn file(&self, name: &str) -> Result<&str, ProviderError> {
        let found = self.files.iter().find(|(known, _)| known == name);
        let missing = || ProviderError::Failed(format!("the release {} does not have {name}", self.tag));
        found.map(|(_, address)| address.as_str()).ok_or_else(missing)
    }
}

/// A store of generated media. Names are made of the digests of the contents, which the service does not verify.
///
/// # Errors
/// Methods return [`ProviderError`] as those of [`CiProvider`] do.
pub(crate) trait FileStore {
    /// Returns whether it has a file.
    fn has(&self, name: &str) -> Result<bool, ProviderError>;

    /// Downloads a file to `path`, at most one byte more than `limit`. Returns false if the store does not have it.
    fn download(&self, name: &str, limit: u64, path: &Path) -> Result<bool, ProviderError>;

    /// Adds files, unless it has them. No file of another name is ever deleted.
    fn add(&self, files: &[Media]) -> Result<(), ProviderError>;
}

/// Returns the last component of a path.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// What a cleanup has done.
#[derive(Debug)]
pub(crate) struct CleanedUp {
    /// The numbers of the pull requests whose files were deleted.
    pub(crate) deleted: Vec<u64>,
    /// Whether the comment of the pull request says so.
    pub(crate) comment: Result<(), ProviderError>,
}

/// A CI service during one run. The default of a method is for a service without the feature.
///
/// # Errors
/// Methods return [`ProviderError::Forbidden`] if the token does not have the permission, [`ProviderError::Unsupported`]
/// if the service does not have the feature, [`ProviderError::Runner`] if a file cannot be written, and
/// [`ProviderError::Failed`] if the service refuses or does not respond.
pub(crate) trait CiProvider {
    /// Returns the event that started the run.
    fn event(&self) -> &Event;

    /// Returns the markup of the log.
    fn log(&self) -> &dyn LogSyntax;

    /// Shows findings at their locations. Returns the number of findings beyond what the service shows.
    fn annotate(&self, findings: &Findings) -> usize {
        findings.diagnostics.len()
    }

    /// Reports the result about a commit, with all findings at their locations.
    fn check_run(&self, _check: &CheckRun<'_>) -> Result<(), ProviderError> {
        Err(ProviderError::Unsupported("check runs"))
    }

    /// Sets an output of the step.
    fn output(&self, name: &str, value: &str) -> Result<(), ProviderError>;

    /// Appends Markdown to the summary of the job.
    fn summary(&self, markdown: &str) -> Result<(), ProviderError>;

    /// Returns the repository paths that the pull request changes, including deleted files.
    fn changed_files(&self, _request: &PullRequest) -> Result<BTreeSet<String>, ProviderError> {
        Err(ProviderError::Unsupported("lists of changed files"))
    }

    /// Returns the repository paths that differ between two commits, including deleted files.
    fn files_between(&self, _base: &str, _head: &str) -> Result<BTreeSet<String>, ProviderError> {
        Err(ProviderError::Unsupported("comparisons of commits"))
    }

    /// Returns the text of a file at a commit, or `None` if it does not exist.
    fn file_at(&self, _commit: &str, _path: &str) -> Result<Option<String>, ProviderError> {
        Err(ProviderError::Unsupported("files of other commits"))
    }

    /// Downloads the files of a commit as a ZIP archive with one directory at the top.
    fn download_source(&self, _commit: &str, _archive: &Path) -> Result<(), ProviderError> {
        Err(ProviderError::Unsupported("archives of other commits"))
    }

    /// Marks the sections about older commits in the pull request's comment, if there is one, as out of date. Returns whether
    /// it has changed the comment.
    fn mark_out_of_date(&self, _request: &PullRequest) -> Result<bool, ProviderError> {
        Ok(false)
    }

    /// Returns whether an earlier run has published a file for the pull request or the base, as far as is known without a
    /// request.
    fn is_published(&self, _name: &str) -> bool {
        false
    }

    /// Returns a file that an earlier run has published for the pull request or the base; `None` if there is none, as far as
    /// is known without a request.
    fn published_file(&self, _name: &str) -> Result<Option<Vec<u8>>, ProviderError> {
        Ok(None)
    }

    /// Writes a section of the pull request's comment and returns the comment's URL.
    fn comment(&self, _request: &PullRequest, _section: &Section) -> Result<Written<String>, ProviderError> {
        Err(ProviderError::Unsupported("comments"))
    }

    /// Returns the published projects that the pull request's comment remembers, those of the section `section` first.
    fn published_projects(
        &self,
        _request: &PullRequest,
        _section: &str,
    ) -> Result<Vec<ProjectMark>, ProviderError> {
        Err(ProviderError::Unsupported("comments"))
    }

    /// Publishes files for comments, until the pull request is closed, and writes the section of the comment together with
    /// them if the service can. Files that are too large are left out.
    fn publish(
        &self,
        _request: Option<&PullRequest>,
        _publication: Publication<'_>,
        _section: Option<&mut SectionWriter<'_>>,
    ) -> Result<Published, ProviderError> {
        Err(ProviderError::Unsupported("previews"))
    }

    /// Downloads a video that an earlier run for the base or the pull request has published under one of `names` to `path`.
    /// Returns its name, which is the first of those that there are; `None` if there is none.
    fn download_published(&self, _names: &[String], _path: &Path) -> Result<Option<String>, ProviderError> {
        Ok(None)
    }

    /// Returns whether a label approves the head of the pull request.
    fn approval(&self, _request: &PullRequest, _label: &str) -> Result<Approval, ProviderError> {
        Err(ProviderError::Unsupported("labels of pull requests"))
    }

    /// Checks that files can be attached to the release of a tag, without changing anything.
    ///
    /// Returns [`ProviderError::NotFound`] if there is no such release.
    fn check_release(&self, _tag: &str) -> Result<(), ProviderError> {
        Err(ProviderError::Unsupported("files of releases"))
    }

    /// Attaches files to the release of a tag and returns their URLs in the same order. A file of the same name is
    /// replaced if its contents differ.
    fn attach(&self, _tag: &str, _files: &[Media]) -> Result<Vec<String>, ProviderError> {
        Err(ProviderError::Unsupported("files of releases"))
    }

    /// Returns the newest release before that of `tag`, or of all without a tag, that has a file of this name. Releases that are
    /// not final are skipped, unless that of `tag` is one of them.
    fn release_before(
        &self,
        _tag: Option<&str>,
        _file: &str,
    ) -> Result<Option<EarlierRelease>, ProviderError> {
        Err(ProviderError::Unsupported("files of earlier releases"))
    }

    /// Downloads a file of a release to `path`.
    fn download_release_file(
        &self,
        _release: &EarlierRelease,
        _name: &str,
        _path: &Path,
    ) -> Result<(), ProviderError> {
        Err(ProviderError::Unsupported("files of earlier releases"))
    }

    /// Writes a section of the notes of the release of `tag`, in place of the one that an earlier run has written.
    fn set_release_notes(&self, _tag: &str, _section: &str) -> Result<(), ProviderError> {
        Err(ProviderError::Unsupported("notes of releases"))
    }

    /// Returns the URL of a triggering run's log. The default is this run's own.
    fn run_url(&self, _run: &TriggeringRun) -> String {
        self.event().run_url.clone()
    }

    /// Finds the open pull request of a triggering run. The run is untrusted: the pull request is determined by the service,
    /// not by what the run left.
    fn pull_request_of(&self, _run: &TriggeringRun) -> Result<Option<PullRequest>, ProviderError> {
        Ok(None)
    }

    /// Lists the artifacts of a triggering run whose names are wanted; of artifacts with one name, the newest.
    fn artifacts_of(
        &self,
        _run: &TriggeringRun,
        _is_wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<Artifact>, ProviderError> {
        Ok(Vec::new())
    }

    /// Downloads an artifact to `archive`.
    fn download_artifact(&self, _artifact: &Artifact, _archive: &Path) -> Result<(), ProviderError> {
        Err(ProviderError::Unsupported("artifacts of other runs"))
    }

    /// Announces the page that shows the previews of a pull request, instead of earlier ones.
    fn deploy(&self, _request: &PullRequest, _url: &str) -> Result<(), ProviderError> {
        Err(ProviderError::Unsupported("deployments"))
    }

    /// Says that the page of a pull request does not exist any more. Returns how often it was announced.
    fn retire_deployments(&self, _request: &PullRequest) -> Result<usize, ProviderError> {
        Ok(0)
    }

    /// Deletes the published files of `request` and of all pull requests that are closed, and says in the comment of `request`
    /// that they were deleted.
    fn clean_up(&self, _request: Option<&PullRequest>) -> Result<CleanedUp, ProviderError> {
        Ok(CleanedUp { deleted: Vec::new(), comment: Ok(()) })
    }

    /// Writes files to a branch on top of the run's commit, and opens a pull request unless there is one.
    fn propose(&self, _proposal: &Proposal<'_>) -> Result<Proposed, ProviderError> {
        Err(ProviderError::Unsupported("pull requests with files"))
    }

    /// Returns a file of a branch; `None` if the branch or the file does not exist.
    fn file_of_branch(&self, _branch: &str, _path: &str) -> Result<Option<Vec<u8>>, ProviderError> {
        Ok(None)
    }

    /// Returns a store of generated media.
    fn media_store(&self, _store: MediaStore) -> Result<Box<dyn FileStore + '_>, ProviderError> {
        Err(ProviderError::Unsupported("a store of generated media"))
    }

    /// Masks a secret in the log.
    fn mask(&self, secret: &str) {
        log::print(self.log().mask(secret));
    }

    /// Starts a collapsible group in the log.
    fn begin_group(&self, title: &str) {
        log::print([self.log().group_start(title)]);
    }

    /// Ends the group.
    fn end_group(&self) {
        log::print(self.log().group_end());
    }

    /// Prints an error that is not about a file.
    fn annotate_error(&self, title: &str, message: &str) {
        log::print([self.log().error(title, message)]);
    }

    /// Prints a line if debug logging is on.
    fn debug(&self, text: &str) {
        log::print(self.log().debug(text));
    }
}
