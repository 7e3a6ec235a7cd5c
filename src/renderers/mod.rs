//! Everything that renders, behind one trait.
//!
//! A renderer is a [`Renderer`]: a static [`Description`], which the command line, the configuration, the action's
//! validation and the reports read, and a way to open a [`Session`], which performs a run. One render is a run of one
//! [`Order`]. A new renderer is one folder, one line in [`RENDERERS`], and its options in `app::options`.

pub(crate) mod cloud;
mod emulated;
pub(crate) mod lambda;
mod local;
mod order;
mod renderer;
mod report;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod verify;

use std::sync::{Arc, LazyLock};

use crate::fault::Error;
use crate::heygen::auth::NoCredential;
use crate::ui::Console;
pub(crate) use order::{
    Input, Order, OrderResult, OrderState, Output, RunOptions, RunTotals, SavedVideo, Work,
};
pub(crate) use renderer::{Capability, Description, Renderer, Session};
pub(crate) use report::{Event, Reporter};

/// All renderers. Those with a name can be chosen by it; `auto` takes the first of them that is available.
pub(crate) static RENDERERS: &[&dyn Renderer] = &[
    &cloud::Cloud,
    &local::Local,
    &lambda::Lambda,
    &emulated::Emulated,
    #[cfg(test)]
    &tests::Clip,
];

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
    &emulated::Emulated
}

/// The renderer that needs no account.
pub(crate) fn local() -> &'static dyn Renderer {
    &local::Local
}

/// What makes the emulator's videos: the official engine, found or installed.
///
/// # Errors
/// Returns an error that names what is missing.
pub(crate) fn emulator_backend(
    console: &mut Console,
) -> Result<Arc<dyn crate::emulator::RenderBackend>, Error> {
    Ok(Arc::new(local::EngineRenderer(local::provision(console)?)))
}

/// The renderer that knows the account's renders.
pub(crate) fn cloud() -> &'static dyn Renderer {
    &cloud::Cloud
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
