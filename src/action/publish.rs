//! Hands what was rendered to the service: pictures, the comment, a release, the summary and outputs.

use std::path::{Path, PathBuf};

use hyperframes_ci_core::archive::hex;
use hyperframes_ci_core::findings::{Findings, Severity};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::error::ActionError;
use super::inputs::{FailOn, Inputs, Mode};
use super::preview::{Preview, PreviewState};
use super::scope::Scope;
use super::{report, runner};
use crate::app::outcome::{CheckOutcome, Outcome};
use crate::ci::{CiProvider, Event, Media, ProviderError, Section, Subject};
use crate::fault::Error;
use crate::ui::Console;

/// One run of the action.
pub(super) struct Publication<'a> {
    pub(super) inputs: &'a Inputs,
    pub(super) provider: &'a dyn CiProvider,
    pub(super) mode: Mode,
    /// What is told; the service's own, unless another run is spoken for.
    pub(super) event: &'a Event,
    pub(super) console: &'a mut Console,
}

impl Publication<'_> {
    /// Checks, renders, publishes and reports.
    ///
    /// # Errors
    /// Returns an error if the projects cannot be checked, a release cannot be changed, or something failed that must not.
    pub(super) fn run(mut self) -> Result<(), Error> {
        std::fs::create_dir_all(&self.inputs.output_dir).map_err(|error| {
            let path = self.inputs.output_dir.clone();
            ActionError::from(ProviderError::Runner(path, error))
        })?;
        self.announce();
        self.provider.begin_group("HyperFrames: check");
        let scope = Scope::find(self.inputs, self.provider, self.mode, self.console);
        self.provider.end_group();
        let scope = scope?;
        self.provider.debug(&format!("options: {:?}", self.inputs.given));
        for entry in &scope.entries {
            self.provider.debug(&format!(
                "to render: {} ({})",
                entry.display_name,
                entry.directory.display()
            ));
        }
        let hidden = self.provider.annotate(&scope.findings);
        if hidden > 0 {
            self.console.detail(&format!("{hidden} more findings are in the summary and in the report"));
        }
        let mut previews = runner::render_all(&scope, self.inputs, self.provider, self.console);
        for preview in &previews {
            if let PreviewState::Failed { message, .. } = &preview.state {
                self.provider.annotate_error(&format!("{} was not rendered", preview.display_name), message);
            }
        }
        let mut notes = scope.notes.clone();
        self.publish(&mut previews, &mut notes);
        let comment_url = self.comment(&scope, &previews, &mut notes);
        // What was made is told, whatever becomes of the release.
        let attached = self.attach(&previews);
        let asset_urls = attached.as_deref().unwrap_or_default();
        self.report(&scope, &previews, &notes, comment_url.as_deref(), asset_urls)?;
        attached?;
        self.verdict(&scope.findings, &previews)
    }

    /// What an older commit left in the comment is out of date from now on, not when the first job is done.
    fn announce(&mut self) {
        let Subject::PullRequest(request) = &self.event.subject else { return };
        if self.inputs.comment
            && self.mode == Mode::Preview
            && let Err(error) = self.provider.mark_out_of_date(request)
        {
            self.provider.debug(&format!("the comment was not marked: {error}"));
        }
    }

    /// Puts pictures where the comment can show them. Without permission the artifact has them.
    pub(super) fn publish(&mut self, previews: &mut [Preview], notes: &mut Vec<String>) {
        if self.mode != Mode::Preview || previews.iter().all(|preview| preview.media().is_empty()) {
            return;
        }
        let request = match &self.event.subject {
            Subject::PullRequest(request) => Some(request),
            _ => None,
        };
        let bases = previews.iter().filter_map(Preview::base_picture_names).flatten().collect::<Vec<_>>();
        let media = previews.iter().flat_map(Preview::media).collect::<Vec<_>>();
        let published = self
            .provider
            .published(&bases)
            .and_then(|known| Ok((known, self.provider.publish(request, &media)?)));
        match published {
            Ok((known, published)) => {
                let named = published.into_iter().chain(known).collect::<Vec<_>>();
                previews.iter_mut().for_each(|preview| preview.set_urls(&named));
                if previews.iter().any(|preview| preview.video().is_some() && preview.urls.video.is_none()) {
                    notes.push(
                        "Videos that are too large for a preview are in the run's artifact.".to_owned(),
                    );
                }
            }
            Err(ProviderError::Forbidden(message)) => {
                self.console.detail(&format!("no previews branch: {message}"));
                notes.push(
                    "The token of this run may not publish previews: the videos are in the run's artifact."
                        .to_owned(),
                );
            }
            Err(error) => {
                self.console.warning(&format!("the previews were not published: {error}"));
                notes.push(
                    "The previews could not be published: the videos are in the run's artifact.".to_owned(),
                );
            }
        }
    }

    /// Writes the section of the pull request's comment, and returns the comment's URL.
    pub(super) fn comment(
        &mut self,
        scope: &Scope,
        previews: &[Preview],
        notes: &mut Vec<String>,
    ) -> Option<String> {
        let Subject::PullRequest(request) = &self.event.subject else { return None };
        if !self.inputs.comment || self.mode != Mode::Preview {
            return None;
        }
        let section = Section {
            key: self.section_key(),
            commit: request.head.clone(),
            texts: report::comment(scope, previews, notes, self.event),
        };
        match self.provider.comment(request, &section) {
            Ok(Some(url)) => {
                self.console.done(&format!("comment {url}"));
                Some(url)
            }
            Ok(None) => {
                self.console.detail("a newer commit has written its results already");
                None
            }
            Err(error) => {
                // A read-only token is what forks get: the summary has everything.
                self.console.warning(&format!("there is no comment: {error}"));
                notes.push("This run may not comment on the pull request.".to_owned());
                None
            }
        }
    }

    /// Jobs with other inputs write other sections.
    fn section_key(&self) -> String {
        let text =
            format!("{}\n{}\n{}", self.event.job, self.inputs.projects.join("\n"), self.inputs.identity);
        hex(&Sha256::digest(text))[..16].to_owned()
    }

    fn attach(&mut self, previews: &[Preview]) -> Result<Vec<String>, Error> {
        let Some(tag) = self.inputs.release_tag.clone().or_else(|| match &self.event.subject {
            Subject::Release { tag } => Some(tag.clone()),
            _ => None,
        }) else {
            return Ok(Vec::new());
        };
        // What is not whole does not belong into a release.
        if self.mode != Mode::Release || previews.is_empty() || previews.iter().any(Preview::is_failed) {
            return Ok(Vec::new());
        }
        let provenance = report::provenance(previews, self.event);
        let path = self.inputs.output_dir.join("provenance.json");
        write(&path, &format!("{provenance:#}\n"))?;
        let mut files = previews.iter().flat_map(Preview::release_files).collect::<Vec<_>>();
        files.push(Media { name: "hyperframes-provenance.json".to_owned(), path });
        let urls = self.provider.attach(&tag, &files).map_err(ActionError::from)?;
        self.console.done(&format!("{} attached to {tag}", crate::ui::counted(urls.len(), "file")));
        Ok(urls)
    }

    /// Writes report.json, the summary and the outputs.
    ///
    /// # Errors
    /// Returns an error if the runner's files cannot be written.
    pub(super) fn report(
        &mut self,
        scope: &Scope,
        previews: &[Preview],
        notes: &[String],
        comment_url: Option<&str>,
        asset_urls: &[String],
    ) -> Result<(), Error> {
        let results = Value::Array(previews.iter().map(Preview::to_json).collect());
        let path = self.inputs.output_dir.join("report.json");
        let report = json!({
            "event": self.event.name,
            "mode": self.mode.to_string(),
            "results": results,
            "unchanged": scope.unchanged,
            "findings": CheckOutcome::from(&scope.findings),
            "comment_url": comment_url,
            "asset_urls": asset_urls,
        });
        write(&path, &format!("{report:#}\n"))?;
        let told = |error| Error::from(ActionError::from(error));
        self.provider.summary(&report::summary(scope, previews, notes, self.event)).map_err(told)?;
        let first = previews.iter().find(|preview| preview.video().is_some());
        let outcome = first.and_then(Preview::outcome);
        let render = match outcome {
            Some(Outcome::Render(render)) => Some(render),
            _ => None,
        };
        let digest = match outcome {
            Some(Outcome::Render(render)) => render.project.as_ref().map(|project| project.digest.clone()),
            Some(Outcome::Batch(batch)) => Some(batch.digest.clone()),
            Some(Outcome::DryRun(_)) | None => None,
        };
        let duration = first.and_then(Preview::rendered).and_then(|rendered| rendered.figures.duration);
        for (name, value) in [
            ("render-id", render.and_then(|render| render.render.id()).unwrap_or_default().to_owned()),
            (
                "video-path",
                first.and_then(Preview::video).map(|path| path.display().to_string()).unwrap_or_default(),
            ),
            ("duration", duration.map(|seconds| json!(seconds).to_string()).unwrap_or_default()),
            ("digest", digest.unwrap_or_default()),
            ("reused", first.map(|preview| preview.is_reused().to_string()).unwrap_or_default()),
            ("results", results.to_string()),
            ("comment-url", comment_url.unwrap_or_default().to_owned()),
            ("asset-urls", json!(asset_urls).to_string()),
            ("report-path", path.display().to_string()),
            (
                "artifact-path",
                if previews.is_empty() {
                    String::new()
                } else {
                    self.inputs.output_dir.display().to_string()
                },
            ),
        ] {
            self.provider.output(name, &value).map_err(told)?;
        }
        Ok(())
    }

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

fn write(path: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(path, text).map_err(|error| {
        let path: PathBuf = path.to_owned();
        ActionError::from(ProviderError::Runner(path, error)).into()
    })
}
