//! What `action.yml` runs: from an event to checks, renders, and what people see of them.
//!
//! `inputs.rs` reads what the workflow set, `scope.rs` finds out what is to be done, `film.rs` renders one composition
//! and makes its pictures, `report.rs` tells it in markdown and JSON. What happens where (comments, previews, releases)
//! is behind [`CiProvider`].

mod film;
mod inputs;
mod markdown;
mod relay;
mod report;
mod scope;

use std::fmt;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::findings::{Findings, Severity};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::ci;
use crate::ci::{CiProvider, Event, Media, ProviderError, PullRequest, Section, Settings, Subject};
use crate::fault::{Error, Exit, Fault};
use crate::ui::Console;
use film::{Film, State};
use inputs::{FailOn, Inputs, Mode};
use scope::Scope;

/// Why the action as a whole failed, after it has told everything.
#[derive(Debug)]
pub(crate) enum ActionError {
    /// There is no service around.
    NoHost,
    /// The service.
    Host(ProviderError),
    /// Films that were to be made and are not, and findings that are errors.
    Failed {
        /// How many films.
        films: usize,
        /// How many findings.
        findings: usize,
        /// Whether all that failed did so for a limit.
        is_limit: bool,
    },
}

impl fmt::Display for ActionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHost => write!(f, "this is no job of {}", ci::provider_names()),
            Self::Host(error) => error.fmt(f),
            Self::Failed { films, findings, .. } => {
                let counted = |count: &usize, what| crate::ui::counted(*count, what);
                match (films, findings) {
                    (0, findings) => write!(f, "{} in the checks", counted(findings, "finding")),
                    (films, 0) => write!(f, "{} failed", counted(films, "render")),
                    (films, findings) => {
                        write!(
                            f,
                            "{} failed, {} in the checks",
                            counted(films, "render"),
                            counted(findings, "finding")
                        )
                    }
                }
            }
        }
    }
}

impl Fault for ActionError {
    fn code(&self) -> &str {
        match self {
            Self::NoHost => "no_host",
            Self::Host(error) => error.code(),
            Self::Failed { .. } => "action_failed",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::NoHost => {
                Some("`hyperframes-ci render` and `hyperframes-ci check` work anywhere".to_owned())
            }
            Self::Host(error) => error.help(),
            Self::Failed { .. } => {
                Some("the summary and report.json say more about each; the input fail-on decides".to_owned())
            }
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoHost => Exit::Usage,
            Self::Failed { is_limit: true, .. } => Exit::Limit,
            Self::Failed { films: 0, .. } => Exit::Preflight,
            Self::Host(_) | Self::Failed { .. } => Exit::General,
        }
    }
}

/// Runs the action.
///
/// # Errors
/// When the inputs or the event make no sense, and at the end when something failed that must not.
pub(crate) fn run(environment: &dyn Fn(&str) -> Option<String>, console: &mut Console) -> Result<(), Error> {
    let inputs = Inputs::read(environment)?;
    let settings = Settings {
        token: inputs.token.clone(),
        preview_branch: inputs.preview_branch.clone(),
        output_dir: inputs.output_dir.clone(),
    };
    let host = ci::detect(environment, &settings).map_err(ActionError::Host)?.ok_or(ActionError::NoHost)?;
    let host = host.as_ref();
    for secret in inputs.secrets(environment) {
        host.mask(&secret);
    }
    let mode = inputs.mode.for_event(host.event(), inputs.release_tag.as_deref());
    console.detail(&format!("{} of {}: {mode}", host.event().name, host.event().repository));
    match (mode, &host.event().subject) {
        (Mode::Cleanup, Subject::PullRequest(request)) => clean_up(host, request, console),
        (Mode::Cleanup, _) => Err(Error::usage(
            "mode cleanup needs a pull request",
            "run it `on: pull_request: types: [closed]`",
        )),
        (Mode::Relay, Subject::Run(run)) => relay::run(&inputs, host, run, console),
        (Mode::Relay, _) => Err(Error::usage("mode relay needs another run", "run it `on: workflow_run`")),
        _ => Work { inputs: &inputs, host, mode, event: host.event(), console }.run(),
    }
}

fn clean_up(host: &dyn CiProvider, request: &PullRequest, console: &mut Console) -> Result<(), Error> {
    match host.clean_up(request) {
        Ok(()) => console.done(&format!("the previews of #{} are gone", request.number)),
        // A fork's token cannot write, and has published nothing.
        Err(ProviderError::Forbidden(message)) => {
            console.warning(&format!("the previews of #{} cannot be taken away: {message}", request.number));
        }
        Err(error) => return Err(ActionError::Host(error).into()),
    }
    Ok(())
}

struct Work<'a> {
    inputs: &'a Inputs,
    host: &'a dyn CiProvider,
    mode: Mode,
    /// What is told; the service's own, unless another run is spoken for.
    event: &'a Event,
    console: &'a mut Console,
}

impl Work<'_> {
    fn run(mut self) -> Result<(), Error> {
        std::fs::create_dir_all(&self.inputs.output_dir).map_err(|error| {
            let path = self.inputs.output_dir.clone();
            ActionError::Host(ProviderError::Runner(path, error))
        })?;
        self.announce();
        self.host.begin_group("HyperFrames: check");
        let scope = Scope::find(self.inputs, self.host, self.mode, self.console);
        self.host.end_group();
        let scope = scope?;
        self.host.debug(&format!("flags: {:?}", self.inputs.flags));
        for entry in &scope.entries {
            self.host.debug(&format!("to render: {} ({})", entry.shown, entry.directory.display()));
        }
        let hidden = self.host.annotate(&scope.findings);
        if hidden > 0 {
            self.console.detail(&format!("{hidden} more findings are in the summary and in the report"));
        }
        let mut films = film::make(&scope, self.inputs, self.host, self.console);
        for film in &films {
            if let State::Failed { message, .. } = &film.state {
                self.host.annotate_error(&format!("{} was not rendered", film.shown), message);
            }
        }
        let mut notes = scope.notes.clone();
        self.publish(&mut films, &mut notes);
        let comment_url = self.comment(&scope, &films, &mut notes);
        // What was made is told, whatever becomes of the release.
        let attached = self.attach(&films);
        let asset_urls = attached.as_deref().unwrap_or_default();
        self.tell(&scope, &films, &notes, comment_url.as_deref(), asset_urls)?;
        attached?;
        self.verdict(&scope.findings, &films)
    }

    /// What an older commit left in the comment is out of date from now on, not when the first job is done.
    fn announce(&mut self) {
        let Subject::PullRequest(request) = &self.event.subject else { return };
        if self.inputs.comment
            && self.mode == Mode::Preview
            && let Err(error) = self.host.mark_out_of_date(request)
        {
            self.host.debug(&format!("the comment was not marked: {error}"));
        }
    }

    /// Puts pictures where the comment can show them. Without permission the artifact has them.
    fn publish(&mut self, films: &mut [Film], notes: &mut Vec<String>) {
        if self.mode != Mode::Preview || films.iter().all(|film| film.media().is_empty()) {
            return;
        }
        let request = match &self.event.subject {
            Subject::PullRequest(request) => Some(request),
            _ => None,
        };
        let bases = films.iter().filter_map(Film::base_picture_names).flatten().collect::<Vec<_>>();
        let media = films.iter().flat_map(Film::media).collect::<Vec<_>>();
        let published =
            self.host.published(&bases).and_then(|known| Ok((known, self.host.publish(request, &media)?)));
        match published {
            Ok((known, published)) => {
                let named = published.into_iter().chain(known).collect::<Vec<_>>();
                films.iter_mut().for_each(|film| film.place(&named));
                if films.iter().any(|film| film.video().is_some() && film.places.video.is_none()) {
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

    fn comment(&mut self, scope: &Scope, films: &[Film], notes: &mut Vec<String>) -> Option<String> {
        let Subject::PullRequest(request) = &self.event.subject else { return None };
        if !self.inputs.comment || self.mode != Mode::Preview {
            return None;
        }
        let section = Section {
            key: self.section_key(),
            commit: request.head.clone(),
            texts: report::comment(scope, films, notes, self.event),
        };
        match self.host.comment(request, &section) {
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
        hyperframes_ci_core::archive::hex(&Sha256::digest(text))[..16].to_owned()
    }

    fn attach(&mut self, films: &[Film]) -> Result<Vec<String>, Error> {
        let Some(tag) = self.inputs.release_tag.clone().or_else(|| match &self.event.subject {
            Subject::Release { tag } => Some(tag.clone()),
            _ => None,
        }) else {
            return Ok(Vec::new());
        };
        // What is not whole does not belong into a release.
        if self.mode != Mode::Release || films.is_empty() || films.iter().any(Film::is_failed) {
            return Ok(Vec::new());
        }
        let provenance = report::provenance(films, self.event);
        let path = self.inputs.output_dir.join("provenance.json");
        write(&path, &format!("{provenance:#}\n"))?;
        let mut files = films.iter().flat_map(Film::release_files).collect::<Vec<_>>();
        files.push(Media { name: "hyperframes-provenance.json".to_owned(), path });
        let urls = self.host.attach(&tag, &files).map_err(ActionError::Host)?;
        self.console.done(&format!("{} attached to {tag}", crate::ui::counted(urls.len(), "file")));
        Ok(urls)
    }

    fn tell(
        &mut self,
        scope: &Scope,
        films: &[Film],
        notes: &[String],
        comment_url: Option<&str>,
        asset_urls: &[String],
    ) -> Result<(), Error> {
        let results = Value::Array(films.iter().map(Film::to_json).collect());
        let path = self.inputs.output_dir.join("report.json");
        let report = json!({
            "event": self.event.name,
            "mode": self.mode.to_string(),
            "results": results,
            "unchanged": scope.unchanged,
            "findings": scope.findings.to_json(),
            "comment_url": comment_url,
            "asset_urls": asset_urls,
        });
        write(&path, &format!("{report:#}\n"))?;
        let told = |error| Error::from(ActionError::Host(error));
        self.host.summary(&report::summary(scope, films, notes, self.event)).map_err(told)?;
        let made = films.iter().find(|film| film.video().is_some());
        let text = |value: Option<&Value>| match value {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        };
        let of_first = |pointer: &str| {
            text(made.and_then(|film| film.result()).and_then(|result| result.pointer(pointer)))
        };
        for (name, value) in [
            ("render-id", of_first("/render/render_id")),
            (
                "video-path",
                made.and_then(Film::video).map(|path| path.display().to_string()).unwrap_or_default(),
            ),
            ("duration", of_first("/video/duration")),
            ("digest", of_first("/digest")),
            ("reused", made.map(|film| film.is_reused().to_string()).unwrap_or_default()),
            ("results", results.to_string()),
            ("comment-url", comment_url.unwrap_or_default().to_owned()),
            ("asset-urls", json!(asset_urls).to_string()),
            ("report-path", path.display().to_string()),
            (
                "artifact-path",
                if films.is_empty() { String::new() } else { self.inputs.output_dir.display().to_string() },
            ),
        ] {
            self.host.output(name, &value).map_err(told)?;
        }
        Ok(())
    }

    fn verdict(&self, findings: &Findings, films: &[Film]) -> Result<(), Error> {
        let failed = films.iter().filter(|film| film.is_failed()).count();
        let is_limit = failed > 0 && films.iter().filter(|film| film.is_failed()).all(Film::is_limited);
        let errors = findings.count(Severity::Error);
        let findings = match self.inputs.fail_on {
            FailOn::Never => return Ok(()),
            FailOn::Error => errors,
            FailOn::Warning => errors + findings.count(Severity::Warning),
        };
        if failed + findings == 0 {
            return Ok(());
        }
        Err(ActionError::Failed { films: failed, findings, is_limit }.into())
    }
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(path, text).map_err(|error| {
        let path: PathBuf = path.to_owned();
        ActionError::Host(ProviderError::Runner(path, error)).into()
    })
}
