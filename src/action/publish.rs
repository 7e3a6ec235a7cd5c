//! Runs the checks and renders, and publishes the results to the CI service: previews, the comment and the release.

use hyperframes_ci_core::findings::{Findings, Severity};

use super::check_run::{self, CheckReport};
use super::engine_cache;
use super::error::ActionError;
use super::find_scope::find_scope;
use super::inputs::Inputs;
use super::mode::{FailOn, Mode};
use super::outputs::{PROVENANCE, Results, set_outputs, write_results};
use super::page::{self, BranchPage};
use super::plan::Plan;
use super::preview::{Preview, PreviewState};
use super::projects::{ProjectLinks, ProjectPublisher};
use super::review::{Baseline, Gate, RELEASE_PROVENANCE, Reviewed, Reviewer};
use super::scope::Scope;
use super::{report, review, runner};
use crate::app::diff::DiffResult;
use crate::ci::{
    CiProvider, Event, Media, ProviderError, Publication, PullRequest, Section, SectionWriter, Subject,
    Written,
};
use crate::fault::Error;
use crate::system::gate::Folder;
use crate::system::output;
use crate::ui::Console;

/// One run of the action.
pub(super) struct ActionRun<'a> {
    pub(super) inputs: &'a Inputs,
    pub(super) provider: &'a dyn CiProvider,
    pub(super) mode: Mode,
    /// The event to report: that of the run, or that of the triggering run.
    pub(super) event: &'a Event,
    /// The name of the artifact whose results are published; `None` if the run has rendered them.
    pub(super) part: Option<String>,
    /// The published projects of the pull request.
    pub(super) projects: ProjectLinks,
    pub(super) console: &'a mut Console,
}

impl ActionRun<'_> {
    /// Checks, renders, publishes and reports.
    ///
    /// # Errors
    /// Returns an error if the projects cannot be checked, the release cannot be changed, or a result fails the step by
    /// the input `fail-on`.
    pub(super) fn run(mut self) -> Result<(), Error> {
        Folder::of(&self.inputs.output_dir).map_err(|error| {
            let path = self.inputs.output_dir.clone();
            ActionError::from(ProviderError::Runner(path, error))
        })?;
        let is_marked = self.mark_comment_out_of_date();
        let scope = self.check().inspect_err(|_| {
            // What was written is checked: it may have replaced what another job has just written.
            if is_marked {
                self.mark_comment_out_of_date();
            }
        })?;
        let release = self.check_release(&scope);
        let mut notes = scope.notes.clone();
        let (mut previews, compared) = match self.mode {
            Mode::Plan => self.plan(&scope, &mut notes).map(|()| (Vec::new(), None))?,
            _ if release.is_err() => (Vec::new(), None),
            _ => self.render(&scope)?,
        };
        let gate = self.gate(compared.as_ref().map(|compared| &compared.diff));
        notes.extend(gate.note.clone());
        self.publish_projects(&scope, &mut notes);
        let comment_url = self.publish(&scope, &mut previews, &mut notes);
        if is_marked && comment_url.is_none() {
            self.mark_comment_out_of_date();
        }
        if check_run::is_wanted(self.inputs, self.mode, self.event) {
            let report = CheckReport {
                inputs: self.inputs,
                event: self.event,
                scope: &scope,
                previews: &previews,
                notes: &notes,
                comment_url: comment_url.as_deref(),
                is_failure: gate.is_failed() || self.verdict(&scope.findings, &previews).is_err(),
            };
            if !report.send(self.provider, self.console) {
                self.annotate(&scope.findings);
            }
        }
        // The results are written even if the release cannot be changed.
        let since = compared.as_ref().and_then(|compared| compared.since.as_deref());
        let attached = release.and_then(|()| self.attach(&previews, since));
        page::write(&scope, &previews, self.event, self.inputs)?;
        let results = Results {
            mode: self.mode,
            event: self.event,
            scope: &scope,
            previews: &previews,
            compared: compared.as_ref().map(|compared| &compared.diff.outcome),
            notes: &notes,
            comment_url: comment_url.as_deref(),
            asset_urls: attached.as_deref().unwrap_or_default(),
            project_urls: &self.projects.urls(),
            artifact_name: &self.inputs.artifact_name(&self.event.job, self.part.as_deref()),
        };
        write_results(results, self.inputs, self.provider)?;
        attached?;
        self.verdict(&scope.findings, &previews)?;
        Ok(gate.verdict()?)
    }

    /// Publishes the projects of a pull request, if that is wanted.
    fn publish_projects(&mut self, scope: &Scope, notes: &mut Vec<String>) {
        let section = self.section_key();
        let Subject::PullRequest(request) = &self.event.subject else { return };
        if self.inputs.publish && self.mode == Mode::Preview {
            let Self { inputs, provider, event, .. } = *self;
            let mut publisher = ProjectPublisher { inputs, provider, event, console: self.console };
            self.projects = publisher.publish(request, scope, &section, notes);
        }
    }

    /// Decides whether differences fail the step.
    fn gate(&mut self, compared: Option<&DiffResult>) -> Gate {
        let request = match &self.event.subject {
            Subject::PullRequest(request) => Some(request),
            _ => None,
        };
        Gate::new(compared, &self.inputs.review, self.provider, request, self.console)
    }

    /// Finds and checks the projects, and annotates the findings.
    fn check(&mut self) -> Result<Scope, Error> {
        self.provider.begin_group("HyperFrames: check");
        let scope = find_scope(self.inputs, self.provider, self.mode, self.console);
        self.provider.end_group();
        let scope = scope?;
        self.provider.debug(&format!("options: {:?}", self.inputs.given));
        for target in &scope.targets {
            let directory = target.directory.display();
            self.provider.debug(&format!("to render: {} ({directory})", target.display_name));
        }
        match self.inputs.targets {
            // The plan has annotated them.
            Some(_) => self.console.findings(&scope.findings),
            None if check_run::is_wanted(self.inputs, self.mode, self.event) => {}
            None => self.annotate(&scope.findings),
        }
        Ok(scope)
    }

    /// Annotates findings, as many as the service shows.
    fn annotate(&mut self, findings: &Findings) {
        let hidden = self.provider.annotate(findings);
        if hidden > 0 {
            self.console.detail(&format!("{hidden} more findings are in the job summary and in report.json"));
        }
    }

    /// Sets the outputs for the jobs that render.
    fn plan(&mut self, scope: &Scope, notes: &mut Vec<String>) -> Result<(), Error> {
        let plan = Plan::new(scope);
        self.console.done(&plan.note);
        let outputs = [("matrix", plan.matrix.to_string()), ("count", plan.count.to_string())];
        set_outputs(self.provider, outputs)?;
        notes.push(plan.note);
        Ok(())
    }

    /// Renders the compositions, compares those of pull requests with the base, and annotates those that failed.
    fn render(&mut self, scope: &Scope) -> Result<(Vec<Preview>, Option<Reviewed>), Error> {
        let review = &self.inputs.review;
        let has_base = match self.mode {
            Mode::Preview => self.request().is_some(),
            Mode::Release => review.baseline == Baseline::Release,
            _ => false,
        };
        let is_empty = scope.targets.is_empty() && scope.removed.is_empty();
        let mut reviewer = match review.is_on && has_base && !is_empty {
            true => Some(Reviewer::new(self.inputs, self.provider, self.release_tag().as_deref())?),
            false => None,
        };
        let mut previews =
            runner::render_all(scope, self.inputs, self.provider, reviewer.as_mut(), self.console)?;
        let finish = |mut reviewer: Reviewer<'_>| {
            reviewer.add_removed(&scope.removed, &scope.settings.file.diff(None));
            reviewer.finish(&mut previews)
        };
        let compared = reviewer.map(finish).transpose()?.flatten();
        if self.inputs.engine_cache && engine_cache::is_installed() {
            // Without the output, the engine is not saved, which costs time only.
            let _ = self.provider.output("engine-installed", "true");
        }
        for (preview, target) in previews.iter_mut().zip(&scope.targets) {
            if let Some(review) = &mut preview.review {
                review.explain(&scope.findings.diagnostics, &target.prefix);
            }
        }
        for preview in &previews {
            if let PreviewState::Failed { message, .. } = &preview.state {
                self.provider.annotate_error(&format!("{} failed to render", preview.display_name), message);
            }
        }
        Ok((previews, compared))
    }

    /// Marks the results of earlier commits in the comment as out of date, before the new results are known. Returns whether
    /// the comment was changed.
    fn mark_comment_out_of_date(&mut self) -> bool {
        let Some(request) = self.request() else { return false };
        if !self.inputs.comment || !self.mode.is_for_changes() {
            return false;
        }
        self.provider.mark_out_of_date(request).unwrap_or_else(|error| {
            self.provider.debug(&format!("cannot mark the comment as out of date: {error}"));
            false
        })
    }

    /// Returns the pull request that the run is about.
    fn request(&self) -> Option<&PullRequest> {
        match &self.event.subject {
            Subject::PullRequest(request) => Some(request),
            _ => None,
        }
    }

    /// Publishes the files that the comment shows, and its section; returns the URL of the comment. Files that cannot be
    /// published are only in the artifact, and a note says so.
    pub(super) fn publish(
        &mut self,
        scope: &Scope,
        previews: &mut [Preview],
        notes: &mut Vec<String>,
    ) -> Option<String> {
        let event = self.event;
        let request = match &event.subject {
            Subject::PullRequest(request) => Some(request),
            _ => None,
        };
        let mut media = previews.iter().flat_map(Preview::media).collect::<Vec<_>>();
        let comments = request.filter(|_| self.inputs.comment && !scope.has_no_project);
        if self.mode != Mode::Preview || (media.is_empty() && comments.is_none()) {
            return None;
        }
        let page = BranchPage::new(scope, previews, event, self.inputs, self.provider);
        let page = page.filter(|_| !media.is_empty());
        media.extend(page.as_ref().map(|page| page.media.clone()));
        let images = previews.iter().filter_map(Preview::base_image_names).flatten();
        let videos = previews.iter().flat_map(|preview| preview.base_videos.published.clone());
        let base_names = images.chain(videos).collect::<Vec<_>>();
        let base_videos = previews.iter().flat_map(|preview| preview.base_videos.new.clone());
        let base_videos = base_videos.collect::<Vec<_>>();
        let (key, commit) = (self.section_key(), request.map_or(&event.commit, |request| &request.head));
        let publication = Publication {
            key: &key,
            commit,
            media: &media,
            base_names: &base_names,
            base_videos: &base_videos,
        };
        let projects = self.projects.markdown();
        let mut section = |urls: &[(String, String)]| {
            previews.iter_mut().for_each(|preview| preview.set_urls(urls));
            let notes = notes.iter().cloned().chain(note_about_size(previews)).collect::<Vec<_>>();
            let mut texts = report::comment(scope, previews, &notes, event);
            let link = page.as_ref().and_then(|page| page.link(self.inputs, urls)).unwrap_or_default();
            texts.iter_mut().for_each(|text| *text += &format!("{link}{projects}"));
            texts
        };
        let mut page_url = None;
        let writer = comments.map(|_| &mut section as &mut SectionWriter<'_>);
        let written = match self.provider.publish(request, publication, writer) {
            Ok(published) => {
                previews.iter_mut().for_each(|preview| preview.set_urls(&published.urls));
                page_url = page.as_ref().and_then(|page| page.url(self.inputs, &published.urls));
                if !published.urls.is_empty() {
                    notes.extend(note_about_size(previews));
                }
                published.comment
            }
            Err(error) => {
                previews.iter_mut().for_each(|preview| preview.set_urls(&[]));
                if !media.is_empty() {
                    notes.push(self.report_unpublished(&error));
                }
                None
            }
        };
        let written = written.or_else(|| {
            let mut texts = report::comment(scope, previews, notes, event);
            texts.iter_mut().for_each(|text| text.push_str(&projects));
            let section = Section { key, commit: commit.clone(), texts };
            Some(self.provider.comment(comments?, &section))
        })?;
        match written {
            Ok(Written::At(url)) => {
                self.console.done(&format!("updated the comment {url}"));
                if let (Some(request), Some(page_url)) = (request, page_url) {
                    self.deploy(request, page::folder_of(&page_url));
                }
                return Some(url);
            }
            Ok(Written::Superseded) => {
                self.console.detail("the comment already shows the results of a newer commit");
            }
            Ok(Written::Closed) => notes
                .push("The pull request was closed during the run; its previews were deleted.".to_owned()),
            Err(error) => {
                // Tokens of forks are read-only; the summary has the same content.
                self.console.warning(&format!("cannot comment on the pull request: {error}"));
                notes.push(match error {
                    ProviderError::Forbidden(_) => {
                        "The token does not have permission to comment on the pull request.".to_owned()
                    }
                    _ => "The comment on the pull request could not be written; see the log.".to_owned(),
                });
            }
        }
        None
    }

    /// Announces the page as a deployment, where the token may.
    fn deploy(&mut self, request: &PullRequest, url: &str) {
        match self.provider.deploy(request, url) {
            Ok(()) => self.console.done(&format!("deployed {url}")),
            Err(ProviderError::Unsupported(_)) => {}
            Err(ProviderError::Forbidden(message)) => {
                self.console.detail(&format!("no deployment, which needs `deployments: write`: {message}"));
            }
            Err(error) => self.console.warning(&format!("cannot create the deployment: {error}")),
        }
    }

    /// Reports that the previews were not published, and returns a note.
    fn report_unpublished(&mut self, error: &ProviderError) -> String {
        let reason = match error {
            ProviderError::Forbidden(message) => {
                self.console.detail(&format!("previews were not published: {message}"));
                "The token does not have permission to publish previews"
            }
            error => {
                self.console.warning(&format!("cannot publish the previews: {error}"));
                "The previews could not be published"
            }
        };
        format!("{reason}; download the videos from the artifacts of the run.")
    }

    /// Returns the key of the section: jobs with other inputs write other sections.
    fn section_key(&self) -> String {
        self.inputs.key(&self.event.job, self.part.as_deref())
    }

    /// Checks that the videos can be attached to the release, before anything is rendered and billed.
    fn check_release(&self, scope: &Scope) -> Result<(), Error> {
        match self.release_tag() {
            Some(tag) if scope.targets.iter().any(|target| target.errors == 0) => {
                Ok(self.provider.check_release(&tag).map_err(ActionError::from)?)
            }
            _ => Ok(()),
        }
    }

    /// Returns the tag of the release to attach files to; `None` in other modes.
    fn release_tag(&self) -> Option<String> {
        let of_event = || match &self.event.subject {
            Subject::Release { tag } => Some(tag.clone()),
            _ => None,
        };
        let tag = self.inputs.release_tag.clone().or_else(of_event);
        tag.filter(|_| self.mode == Mode::Release)
    }

    /// Attaches the videos and their provenance to the release, and writes into its notes what has changed since the release
    /// of the tag `since`; returns the URLs. Nothing is attached if a render failed.
    fn attach(&mut self, previews: &[Preview], since: Option<&str>) -> Result<Vec<String>, Error> {
        let Some(tag) = self.release_tag() else { return Ok(Vec::new()) };
        if previews.is_empty() || previews.iter().any(Preview::is_failed) {
            return Ok(Vec::new());
        }
        let provenance = report::provenance(previews, self.event, since);
        let provenance = format!("{provenance:#}\n");
        let path = output::write(&self.inputs.output_dir, PROVENANCE, provenance.as_bytes())?;
        let mut files = previews.iter().flat_map(Preview::release_files).collect::<Vec<_>>();
        files.push(Media { name: RELEASE_PROVENANCE.to_owned(), path });
        let urls = self.provider.attach(&tag, &files).map_err(ActionError::from)?;
        let animated = report::animated_images(&files, &urls);
        if since.is_some() || !animated.is_empty() {
            let notes =
                since.map(|since| review::release_notes(previews, since)).unwrap_or_default() + &animated;
            // The videos and their provenance are attached: notes that cannot be written fail nothing.
            if let Err(error) = self.provider.set_release_notes(&tag, &notes) {
                self.console.warning(&format!("cannot write the notes of the release: {error}"));
            }
        }
        self.console
            .done(&format!("attached {} to the release {tag}", crate::ui::counted(urls.len(), "file")));
        Ok(urls)
    }

    /// Returns whether the results fail the step.
    fn verdict(&self, findings: &Findings, previews: &[Preview]) -> Result<(), Error> {
        let failed = previews.iter().filter(|preview| preview.is_failed()).count();
        let is_limit =
            failed > 0 && previews.iter().filter(|preview| preview.is_failed()).all(Preview::is_limited);
        let errors = findings.count(Severity::Error);
        let findings = match self.inputs.fail_on {
            FailOn::Never => return Ok(()),
            FailOn::Error => errors,
            FailOn::Warning => errors + findings.count(Severity::Warning),
        };
        if failed + findings == 0 {
            return Ok(());
        }
        Err(ActionError::Failed { renders: failed, findings, is_limit }.into())
    }
}

/// Returns a note if a video was not published because of its size.
fn note_about_size(previews: &[Preview]) -> Option<String> {
    let is_missing = previews.iter().any(|preview| preview.video().is_some() && preview.urls.video.is_none());
    let note = "Some videos are too large to preview; download them from the artifacts of the run.";
    is_missing.then(|| note.to_owned())
}
