//! The use case `publish`: a project at a stable URL, at which it can be played. The wire is that of the official
//! `hyperframes publish`.

mod error;
mod link;
mod wire;

use std::path::PathBuf;

use hyperframes_ci_core::archive::DIRECT_UPLOAD_LIMIT;
use hyperframes_ci_core::check::CheckOptions;

#[cfg(test)]
pub(crate) use error::PublishError;
use link::{Link, TeamFile, project_id, random_id, uuid};
use wire::{Publication, Publisher};

use super::outcome::PublishOutcome;
use super::prepare::{PreflightSpec, PreparedProject, check_size};
use super::severities;
use super::spec::Severities;
use crate::fault::Error;
use crate::heygen::auth::Credential;
use crate::heygen::environment::stored_or_set;
use crate::project::resolved_paths::ResolvedPaths;
use crate::system::gate::Reach;
use crate::ui::{Console, plain};

/// What to publish, and how.
#[derive(Clone, Debug)]
pub(crate) struct PublishSpec {
    /// The project directory.
    pub(crate) directory: PathBuf,
    /// Where the project's directory may be.
    pub(crate) reach: Reach,
    /// The title; by default, the name of the project.
    pub(crate) title: Option<String>,
    /// The project to update.
    pub(crate) target: PublishTarget,
    /// ID of a shared space.
    pub(crate) space: Option<String>,
    /// Whether anyone with the URL may open it.
    pub(crate) is_public: bool,
    /// Severities of findings.
    pub(crate) severities: Severities,
    /// The workspace of the CI service.
    pub(crate) workspace: Option<PathBuf>,
}

/// The project to update.
#[derive(Clone, Debug)]
pub(crate) enum PublishTarget {
    /// The one that `.hyperframes/project.json` names, which is written.
    TeamFile,
    /// One that was published before, by its URL or ID.
    Existing(String),
    /// A new one, for which this ID is suggested.
    New(String),
}

/// Returns the ID, for [`PublishTarget::New`], of a project that is identified by a digest: equal digests have equal IDs.
pub(crate) fn id_of(digest: &[u8]) -> String {
    let bits = digest.iter().take(16).fold(0, |bits, byte| bits << 8 | u128::from(*byte));
    uuid(bits)
}

/// Returns the token of the sign-in that projects are published with; `None` if there is only an API key, or nothing.
///
/// # Errors
/// Returns an error if a credential is set or stored but invalid.
pub(crate) fn sign_in() -> Result<Option<String>, Error> {
    Ok(stored_or_set()?.and_then(|found| match found.credential {
        Credential::Session(session) => Some(session.access_token.expose().to_owned()),
        Credential::ApiKey(_) => None,
    }))
}

/// Checks, packs and publishes a project.
///
/// # Errors
/// Returns [`PublishError`](error::PublishError) if there is no sign-in, or the server does not confirm it;
/// [`PreflightFailed`](super::failure::PreflightFailed) if the checks find errors, and an error if a file cannot be read or
/// written.
pub(crate) fn publish(spec: &PublishSpec, console: &mut Console) -> Result<PublishOutcome, Error> {
    spec.severities.validate()?;
    let existing = match &spec.target {
        PublishTarget::Existing(target) => Some(project_id(target)?),
        PublishTarget::TeamFile | PublishTarget::New(_) => None,
    };
    let publisher = Publisher::new(spec.space.as_deref())?;
    let reach = &spec.reach;
    let project = PreparedProject::new(
        PreflightSpec {
            directory: &spec.directory,
            own_files: &[],
            other_outputs: &ResolvedPaths::default(),
            workspace: spec.workspace.as_deref(),
            reach,
            options: &CheckOptions::default(),
        },
        |project| severities::levels(&spec.severities, &project.boundary, reach, severities::of_renders()),
        console,
    )?;
    let packed = project.pack(console)?;
    check_size(&packed, Some(DIRECT_UPLOAD_LIMIT))?;
    let file = TeamFile::of(&spec.directory);
    let link = match (&spec.target, existing) {
        (_, Some(id)) => Link::known(id),
        (PublishTarget::New(id), None) => Link::new(id.clone()),
        (_, None) => match file.read()? {
            Some(link) => link,
            None => {
                // Before the request: whoever continues after a lost answer sends the same ID.
                let link = Link { space: spec.space.clone(), ..Link::new(random_id()) };
                file.write(&link)?;
                link
            }
        },
    };
    let name = project.project().name.clone();
    let publication = Publication {
        title: spec.title.clone().filter(|title| !title.trim().is_empty()).unwrap_or_else(|| name.clone()),
        file_name: format!("{name}.zip"),
        is_public: spec.is_public,
        space: spec.space.clone().or_else(|| link.space.clone()),
        link: &link,
        packed: &packed,
    };
    console.step(&format!("Publishing {}", plain(&publication.title)));
    let published = publisher.publish(&publication)?;
    let is_updated = published.project_id == link.id && !link.is_pending;
    if !link.is_pending && !is_updated {
        console.warning(&format!(
            "the project {} was not found, or the account has no access to it; a new one was published instead",
            link.id
        ));
    }
    if matches!(spec.target, PublishTarget::TeamFile) {
        let space = publication.space.clone();
        let known = Link { space, ..Link::known(published.project_id.clone()) };
        if known != link {
            file.write(&known)?;
        }
    }
    console.done(&published.url);
    Ok(PublishOutcome {
        project_id: published.project_id,
        title: published.title.unwrap_or(publication.title),
        url: published.url,
        updated: is_updated,
        public: spec.is_public,
        file_count: published.file_count.unwrap_or(packed.manifest.entries().len() as u64),
        digest: packed.manifest.digest(),
        size_bytes: packed.size,
        diagnostics: project.findings.diagnostics,
    })
}
