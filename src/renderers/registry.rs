//! The list of renderers.

use std::sync::LazyLock;

use super::cloud::Cloud;
use super::cloudrun::CloudRun;
use super::docker::DockerRenderer;
use super::emulated::Emulated;
use super::http::Http;
use super::lambda::Lambda;
use super::local::Local;
use super::order::RunOptions;
use super::renderer::Renderer;
use crate::fault::Error;
use crate::heygen::auth::NoCredential;

/// All renderers; `auto` chooses the first one that is available.
pub(crate) static RENDERERS: &[&dyn Renderer] = &[
    &Cloud,
    &Local,
    &DockerRenderer,
    &Lambda,
    &CloudRun,
    &Http,
    &Emulated,
    #[cfg(test)]
    &super::tests::Clip,
];

/// The value of `--renderer` for an automatic choice.
pub(crate) const AUTO: &str = "auto";

/// Returns the values of `--renderer`, the configuration and the action.
pub(crate) fn names() -> &'static [&'static str] {
    static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        let descriptions = RENDERERS.iter().map(|renderer| renderer.description());
        let names = descriptions.filter(|description| description.is_selectable).map(|known| known.name);
        std::iter::once(AUTO).chain(names).collect()
    });
    &NAMES
}

/// Returns the renderer of this name.
pub(crate) fn named(name: &str) -> Option<&'static dyn Renderer> {
    RENDERERS.iter().copied().find(|renderer| renderer.description().name == name)
}

/// Returns the renderer of `render --emulator`.
pub(crate) fn emulated() -> &'static dyn Renderer {
    &Emulated
}

/// Returns the renderer on this machine.
pub(crate) fn local() -> &'static dyn Renderer {
    &Local
}

/// Returns the renderer in the HeyGen cloud.
pub(crate) fn cloud() -> &'static dyn Renderer {
    &Cloud
}

/// Returns the renderer that `auto` chooses, and the reason for messages.
///
/// # Errors
/// Returns an error if a credential is set but invalid.
pub(crate) fn automatic(options: &RunOptions) -> Result<(&'static dyn Renderer, String), Error> {
    for renderer in RENDERERS {
        if let Some(reason) = renderer.available(options)? {
            return Ok((*renderer, reason));
        }
    }
    Err(NoCredential.into())
}
