//! Runs the checks and renders, and publishes the results to the CI service: previews, the comment and the release.

use hyperframes_ci_core::archive::hex;
use hyperframes_ci_core::findings::{Findings, Severity};
use sha2::{Digest, Sha256};

use super::error::ActionError;
use super::find_scope::find_scope;
use super::inputs::Inputs;
use super::mode::{FailOn, Mode};
use super::outputs::{PROVENANCE, Results, write_results};
use super::preview::{Preview, PreviewState};
use super::scope::Scope;
use super::{report, runner};
use crate::ci::{CiProvider, Event, Media, ProviderError, Section, Subject};
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
        self.mark_comment_out_of_date();
        let scope = self.check()?;
        let release = self.check_release(&scope);
        let mut previews = if release.is_ok() { self.render(&scope) } else { Vec::new() };
        let mut notes = scope.notes.clone();
        self.publish(&mut previews, &mut notes);
        let comment_url = self.comment(&scope, &previews, &mut notes);
        self.take_back(&mut notes);
        // The results are written even if the release cannot be changed.
        let attached = release.and_then(|()| self.attach(&previews));
        let results = Results {
            mode: self.mode,
            event: self.event,
            scope: &scope,
            previews: &previews,
            notes: &notes,
            comment_url: comment_url.as_deref(),
            asset_urls: attached.as_deref().unwrap_or_default(),
        };
        write_results(results, self.inputs, self.provider)?;
        attached?;
        self.verdict(&scope.findings, &previews)
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
        let hidden = self.provider.annotate(&scope.findings);
        if hidden > 0 {
            self.console.detail(&format!("{hidden} more findings are in the job summary and in report.json"));
        }
        Ok(scope)
    }

    /// Renders the compositions, and annotates those that failed.
    fn render(&mut self, scope: &Scope) -> Vec<Preview> {
        let previews = runner::render_all(scope, self.inputs, self.provider, self.console);
        for preview in &previews {
            if let PreviewState::Failed { message, .. } = &preview.state {
                self.provider.annotate_error(&format!("{} failed to render", preview.display_name), message);
            }
        }
        previews
    }

    /// Marks the results of earlier commits in the comment as out of date, before the new results are known.
    fn mark_comment_out_of_date(&mut self) {
        let Subject::PullRequest(request) = &self.event.subject else { return };
        if self.inputs.comment
            && self.mode == Mode::Preview
            && let Err(error) = self.provider.mark_out_of_date(request)
        {
            self.provider.debug(&format!("cannot mark the comment as out of date: {error}"));
        }
    }

    /// Publishes the files that the comment shows. If that fails, they are only in the artifact, and a note says so.
    pub(super) fn publish(&mut self, previews: &mut [Preview], notes: &mut Vec<String>) {
        if self.mode != Mode::Preview || previews.iter().all(|preview| preview.media().is_empty()) {
            return;
        }
        let request = match &self.event.subject {
            Subject::PullRequest(request) => Some(request),
            _ => None,
        };
        let base_names = previews.iter().filter_map(Preview::base_image_names).flatten().collect::<Vec<_>>();
        let media = previews.iter().flat_map(Preview::media).collect::<Vec<_>>();
        let published = self
            .provider
            .published(&base_names)
            .and_then(|known| Ok((known, self.provider.publish(request, &media)?)));
        match published {
            Ok((known, published)) => {
                let urls = published.into_iter().chain(known).collect::<Vec<_>>();
                previews.iter_mut().for_each(|preview| preview.set_urls(&urls));
                if previews.iter().any(|preview| preview.video().is_some() && preview.urls.video.is_none()) {
                    notes.push(
                        "Some videos are too large to preview; download them from the artifacts of the run."
                            .to_owned(),
                    );
                }
            }
            Err(ProviderError::Forbidden(message)) => {
                self.console.detail(&format!("previews were not published: {message}"));
                notes.push(
                    "The token does not have permission to publish previews; download the videos from the artifacts of the run."
                        .to_owned(),
                );
            }
            Err(error) => {
                self.console.warning(&format!("cannot publish the previews: {error}"));
                notes.push(
                    "The previews could not be published; download the videos from the artifacts of the run."
                        .to_owned(),
                );
            }
        }
    }

    /// Writes the section of the comment on the pull request; returns the URL of the comment.
    pub(super) fn comment(
        &mut self,
        scope: &Scope,
        previews: &[Preview],
        notes: &mut Vec<String>,
    ) -> Option<String> {
        let Subject::PullRequest(request) = &self.event.subject else { return None };
        if !self.inputs.comment || self.mode != Mode::Preview || scope.has_no_project {
            return None;
        }
        let section = Section {
            key: self.section_key(),
            commit: request.head.clone(),
            texts: report::comment(scope, previews, notes, self.event),
        };
        match self.provider.comment(request, &section) {
            Ok(Some(url)) => {
                self.console.done(&format!("updated the comment {url}"));
                Some(url)
            }
            Ok(None) => {
                self.console.detail("the comment already shows the results of a newer commit");
                None
            }
            Err(error) => {
                // Tokens of forks are read-only; the summary has the same content.
                self.console.warning(&format!("cannot comment on the pull request: {error}"));
                notes.push("The token does not have permission to comment on the pull request.".to_owned());
                None
            }
        }
    }

    /// Deletes what was published if the pull request was closed during the run: the cleanup of that event may have run before
    /// it was published.
    pub(super) fn take_back(&mut self, notes: &mut Vec<String>) {
        let Subject::PullRequest(request) = &self.event.subject else { return };
        if self.mode != Mode::Preview || !self.provider.is_open(request).is_ok_and(|is_open| !is_open) {
            return;
        }
        let note = "The pull request was closed during the run; its previews were deleted.";
        match self.provider.clean_up(Some(request)) {
            Ok(_) => notes.push(note.to_owned()),
            Err(error) => self.console.warning(&format!("cannot delete the previews: {error}")),
        }
    }

    /// Returns the key of the section: jobs with other inputs write other sections.
    fn section_key(&self) -> String {
        let text =
            format!("{}\n{}\n{}", self.event.job, self.inputs.projects.join("\n"), self.inputs.identity);
        hex(&Sha256::digest(text))[..16].to_owned()
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

    /// Attaches the videos and their provenance to the release; returns the URLs. Nothing is attached if a render
    /// failed.
    fn attach(&mut self, previews: &[Preview]) -> Result<Vec<String>, Error> {
        let Some(tag) = self.release_tag() else { return Ok(Vec::new()) };
        if previews.is_empty() || previews.iter().any(Preview::is_failed) {
            return Ok(Vec::new());
        }
        let provenance = report::provenance(previews, self.event);
        let provenance = format!("{provenance:#}\n");
        let path = output::write(&self.inputs.output_dir, PROVENANCE, provenance.as_bytes())?;
        let mut files = previews.iter().flat_map(Preview::release_files).collect::<Vec<_>>();
        files.push(Media { name: "hyperframes-provenance.json".to_owned(), path });
        let urls = self.provider.attach(&tag, &files).map_err(ActionError::from)?;
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
