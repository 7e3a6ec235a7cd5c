//! Publishes the projects of a pull request, so that its comment links to pages on which they can be played. The comment
//! remembers which project is whose, so that later pushes update them.

use std::collections::BTreeSet;

use hyperframes_ci_core::archive::hex;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::inputs::Inputs;
use super::markdown::short_code;
use super::scope::{RenderTarget, Scope};
use crate::app::publish::{self, PublishSpec, PublishTarget};
use crate::app::spec::RenderSpec;
use crate::ci::{CiProvider, Event, ProjectMark, PullRequest, Trust};
use crate::fault::Error;
use crate::system::gate::Reach;
use crate::ui::Console;

/// Maximum number of projects that a run publishes.
const MAX_PROJECTS: usize = 50;

/// Longest reason in a note, in characters: the message of a server must not take the room of the links in the comment.
const MAX_REASON: usize = 500;

/// The published projects of a pull request.
#[derive(Debug, Default)]
pub(super) struct ProjectLinks {
    /// Names and URLs of those that this run has published.
    links: Vec<(String, String)>,
    /// All, to be remembered.
    marks: Vec<ProjectMark>,
}

impl ProjectLinks {
    /// Returns the URLs of those that this run has published by their directories in the repository.
    pub(super) fn urls(&self) -> Value {
        self.links.iter().map(|(name, url)| (name.clone(), url.as_str().into())).collect::<Map<_, _>>().into()
    }

    /// Returns the links, and what the comment remembers, in Markdown.
    pub(super) fn markdown(&self) -> String {
        let links = self.links.iter().map(|(name, url)| format!("[{}]({url})", short_code(name, 120)));
        let links = links.collect::<Vec<_>>().join(", ");
        let shown = if links.is_empty() { links } else { format!("Play: {links}\n\n") };
        self.marks.iter().fold(shown, |text, mark| text + &mark.line())
    }
}

/// Publishes projects.
pub(super) struct ProjectPublisher<'a> {
    pub(super) inputs: &'a Inputs,
    pub(super) provider: &'a dyn CiProvider,
    pub(super) event: &'a Event,
    pub(super) console: &'a mut Console,
}

impl ProjectPublisher<'_> {
    /// Publishes the projects of `scope` that have no errors, for the section `section` of the comment of `request`. What prevents
    /// it is a note, and fails nothing.
    pub(super) fn publish(
        &mut self,
        request: &PullRequest,
        scope: &Scope,
        section: &str,
        notes: &mut Vec<String>,
    ) -> ProjectLinks {
        let mut links = ProjectLinks::default();
        if let Err(note) = may_publish(self.provider, self.inputs.comment) {
            notes.push(note);
            return links;
        }
        match self.provider.published_projects(request, section) {
            Ok(marks) => links.marks = marks,
            Err(error) => {
                // Without them, a project would be published a second time.
                self.console.warning(&format!("cannot read the published projects of the comment: {error}"));
                notes.push("No project was published: the comment could not be read.".to_owned());
                return links;
            }
        }
        let mut seen = BTreeSet::new();
        let targets = scope.targets.iter().filter(|target| target.errors == 0);
        let targets = targets.filter(|target| seen.insert(target.prefix.clone())).collect::<Vec<_>>();
        if targets.len() > MAX_PROJECTS {
            notes.push(format!("Only {MAX_PROJECTS} of {} projects were published.", targets.len()));
        }
        for target in targets.into_iter().take(MAX_PROJECTS) {
            let name = if target.prefix.is_empty() { "." } else { &target.prefix };
            match self.publish_project(scope, target, request, &mut links) {
                Ok(url) => {
                    self.console.done(&format!("published {name} at {url}"));
                    links.links.push((name.to_owned(), url));
                }
                Err(error) => {
                    self.console.warning(&format!("cannot publish {name}: {error}"));
                    notes.push(format!(
                        "{} was not published: {}",
                        short_code(name, 120),
                        short_code(&error.to_string(), MAX_REASON)
                    ));
                }
            }
        }
        links
    }

    fn publish_project(
        &self,
        scope: &Scope,
        target: &RenderTarget,
        request: &PullRequest,
        links: &mut ProjectLinks,
    ) -> Result<String, Error> {
        let inputs = self.inputs;
        let base = RenderSpec { severities: inputs.severities.clone(), ..RenderSpec::default() };
        let (render, _) = scope.settings.resolve(base, &inputs.given, target.entry.as_ref())?;
        // Equal for every push, for servers that keep the ID which a client suggests.
        let server = self.event.run_url.split('/').nth(2).unwrap_or_default();
        let identity = format!(
            "hyperframes-ci project\n{server}\n{}\n{}\n{}",
            self.event.repository, request.number, target.prefix
        );
        let digest = Sha256::digest(&identity);
        let key = hex(&digest)[..12].to_owned();
        let repository = self.event.repository.as_str();
        let name = if target.prefix.is_empty() { repository } else { &target.prefix };
        let name = name.rsplit('/').next().unwrap_or(name);
        let known = links.marks.iter().position(|mark| mark.key == key);
        let spec = PublishSpec {
            directory: target.directory.clone(),
            reach: Reach::inside(&inputs.workspace, "the workspace"),
            title: Some(format!("{name} (#{})", request.number)),
            target: match known {
                Some(index) => PublishTarget::Existing(links.marks[index].id.clone()),
                None => PublishTarget::New(publish::id_of(&digest)),
            },
            space: inputs.publish_space.clone().or_else(|| scope.settings.file.publish.space.clone()),
            is_public: false,
            severities: render.severities,
            workspace: Some(inputs.workspace.clone()),
        };
        let outcome = publish::publish(&spec, &mut Console::silent())?;
        let mark = ProjectMark { key, id: outcome.project_id, url: outcome.url.clone() };
        match known {
            Some(index) => links.marks[index] = mark,
            None => links.marks.push(mark),
        }
        Ok(outcome.url)
    }
}

/// Checks that projects may be published.
///
/// # Errors
/// Returns a note with the reason.
fn may_publish(provider: &dyn CiProvider, has_comment: bool) -> Result<(), String> {
    let refused = |reason: &str| Err(format!("No project was published: {reason}."));
    if provider.event().trust != Trust::Own {
        return refused("the code may be from a fork");
    }
    if !has_comment {
        return refused("`publish` requires the comment, which remembers what was published");
    }
    match publish::sign_in() {
        Ok(Some(token)) => {
            provider.mask(&token);
            Ok(())
        }
        Ok(None) => refused("publishing requires a sign-in; an API key cannot own a project"),
        Err(error) => refused(&short_code(&error.to_string(), MAX_REASON)),
    }
}
