//! The renderers that there are.

use std::sync::LazyLock;

use super::cloud::Cloud;
use super::emulated::Emulated;
use super::lambda::Lambda;
use super::local::Local;
use super::order::RunOptions;
use super::renderer::Renderer;
use crate::fault::Error;
use crate::heygen::auth::NoCredential;

/// All renderers. Those with a name can be chosen by it; `auto` takes the first of them that is available.
pub(crate) static RENDERERS: &[&dyn Renderer] = &[&Cloud, &Local, &Lambda, &Emulated];

/// The value of `--renderer` that leaves the choice open.
pub(crate) const AUTO: &str = "auto";

/// The values that `--renderer`, the configuration and the action take.
pub(crate) fn names() -> &'static [&'static str] {
    static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        let descriptions = RENDERERS.iter().map(|renderer| renderer.description());
        let names = descriptions.filter(|description| description.is_selectable).map(|known| known.name);
        std::iter::once(AUTO).chain(names).collect()
    });
    &NAMES
}

/// The renderer of this name.
pub(crate) fn named(name: &str) -> Option<&'static dyn Renderer> {
    RENDERERS.iter().copied().find(|renderer| renderer.description().name == name)
}

/// The renderer behind `render --emulator`.
pub(crate) fn emulated() -> &'static dyn Renderer {
    &Emulated
}

/// The renderer that needs no account.
pub(crate) fn local() -> &'static dyn Renderer {
    &Local
}

/// The renderer that knows the account's renders.
pub(crate) fn cloud() -> &'static dyn Renderer {
    &Cloud
}

/// The first renderer that `auto` may take, and why, in a sentence.
///
/// # Errors
/// Returns an error if a credential is set and cannot be used.
pub(crate) fn automatic(options: &RunOptions) -> Result<(&'static dyn Renderer, String), Error> {
    for renderer in RENDERERS {
        if let Some(reason) = renderer.available(options)? {
            return Ok((*renderer, reason));
        }
    }
    Err(NoCredential.into())
}
