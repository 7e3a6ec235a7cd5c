//! Names, version and URLs of the project.

/// The repository; releases and links are below it.
pub(crate) const REPOSITORY: &str = "https://github.com/hyperframes-ci/hyperframes-ci";

/// What the project is, in package registries.
pub(crate) const DESCRIPTION: &str =
    "Check, pack and render HyperFrames compositions in continuous integration";

/// The version of the workspace.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Returns where the file `name` of a release is downloaded.
pub(crate) fn url(version: &str, name: &str) -> String {
    format!("{REPOSITORY}/releases/download/v{version}/{name}")
}
