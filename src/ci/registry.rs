//! The CI services that are supported, and which of them this process runs in.

use std::path::{Path, PathBuf};

use super::error::ProviderError;
use super::provider::{CiProvider, Environment, FileStore, ProviderDescription, Settings};
use super::{github, gitlab, log};
use crate::fault::Location;

/// The supported services. The first that detects itself is used.
pub(super) const PROVIDERS: &[&ProviderDescription] = &[
    &github::DESCRIPTION,
    &gitlab::DESCRIPTION,
    #[cfg(test)]
    &super::example::DESCRIPTION,
];

/// Connects to the service that this process runs in. Returns `None` if there is none.
///
/// # Errors
/// Returns [`ProviderError::Event`] if the service's variables or its event payload are missing or invalid.
pub(crate) fn detect(
    environment: &Environment<'_>,
    settings: &Settings,
) -> Result<Option<Box<dyn CiProvider>>, ProviderError> {
    let found = PROVIDERS.iter().find(|provider| (provider.detect)(environment));
    found.map(|provider| (provider.connect)(environment, settings)).transpose()
}

/// Prints an error to the log as an annotation, if the service that this process runs in has annotations. A file inside the
/// workspace is named from there.
pub(crate) fn annotate_error(
    environment: &Environment<'_>,
    title: &str,
    message: &str,
    location: Option<&Location>,
) {
    let found = PROVIDERS.iter().find(|provider| (provider.detect)(environment));
    let Some(annotation) = found.and_then(|provider| provider.annotation) else { return };
    let path = location.and_then(|location| {
        let path = std::path::absolute(&location.path).ok()?;
        let workspace = workspace(environment)?;
        let inside = path.strip_prefix(workspace).ok()?;
        Some((inside.to_string_lossy().replace('\\', "/"), location.line))
    });
    let place = path.as_ref().map(|(path, line)| (path.as_str(), *line));
    log::print([annotation(title, message, place)]);
}

/// Returns the store of generated media in a release of the repository at the URL of a remote, in a CI job and outside of one.
///
/// # Errors
/// Returns [`ProviderError::NotAService`] if the URL is not that of a service with releases.
pub(crate) fn release_store(
    environment: &Environment<'_>,
    url: &str,
) -> Result<Box<dyn FileStore>, ProviderError> {
    github::release_store(environment, url)
}

/// Returns the directory of the checkout, or `None` outside of CI.
pub(crate) fn workspace(environment: &Environment<'_>) -> Option<PathBuf> {
    PROVIDERS.iter().find_map(|provider| (provider.workspace)(environment))
}

/// Returns the default output directory: the one that suits the service, or a temporary directory.
pub(crate) fn default_output(environment: &Environment<'_>, workspace: &Path) -> PathBuf {
    let of_service = PROVIDERS.iter().find_map(|provider| (provider.default_output)(environment, workspace));
    of_service.unwrap_or_else(|| std::env::temp_dir().join("hyperframes-ci"))
}

/// Returns the directory of the job for temporary files, if the service has one besides that of the system.
pub(crate) fn temporary(environment: &Environment<'_>) -> Option<PathBuf> {
    let of_service =
        PROVIDERS.iter().find_map(|provider| (provider.default_output)(environment, Path::new(".")));
    of_service?.parent().filter(|folder| folder.is_absolute()).map(Path::to_owned)
}

/// Returns the names of the supported services, for messages: `GitHub Actions or GitLab CI/CD`.
pub(crate) fn provider_names() -> String {
    PROVIDERS.iter().map(|provider| provider.name).collect::<Vec<_>>().join(" or ")
}
