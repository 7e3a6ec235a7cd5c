//! Who renders.

use crate::app::spec::{RenderSpec, RendererChoice};
use crate::fault::Error;
use crate::renderers::{self, Capability, Description, Renderer, Session};
use crate::ui::Console;

/// A renderer that was chosen, and its session.
pub(crate) struct Chosen {
    pub(super) renderer: &'static dyn Renderer,
    pub(super) session: Box<dyn Session>,
}

/// The renderer that a specification names, or that was chosen for it.
pub(super) fn renderer_of(spec: &RenderSpec, chosen: Option<&Chosen>) -> Option<&'static dyn Renderer> {
    match (chosen, spec.renderer) {
        (Some(chosen), _) => Some(chosen.renderer),
        (None, RendererChoice::Named(name)) => renderers::named(name),
        (None, _) => None,
    }
}

/// Decides who renders; says so where the user left it open.
pub(super) fn choose(spec: &RenderSpec, console: &mut Console) -> Result<Chosen, Error> {
    let renderer = match spec.renderer {
        RendererChoice::Emulated => renderers::emulated(),
        RendererChoice::Named(name) => renderers::named(name)
            .ok_or_else(|| Error::usage(format!("there is no renderer {name}"), "see --renderer"))?,
        RendererChoice::Auto => {
            let (renderer, reason) = renderers::automatic(&spec.run)?;
            console.detail(&format!("renderer: {reason}"));
            renderer
        }
    };
    let chosen = Chosen { renderer, session: renderer.open(&spec.run)? };
    check_capabilities(spec, renderer.description())?;
    Ok(chosen)
}

/// Refuses what the renderer cannot do.
fn check_capabilities(spec: &RenderSpec, renderer: &Description) -> Result<(), Error> {
    if !spec.run.is_waiting && !renderer.can(Capability::NoWait) {
        return Err(Error::usage(
            "--no-wait is for the cloud: other renders end with the command",
            "leave it out, or set HEYGEN_API_KEY",
        ));
    }
    if let Some(format) = spec.request.format.filter(|format| !renderer.formats.contains(format)) {
        return Err(Error::usage(
            format!("the renderer {} makes no {format}", renderer.name),
            "choose another --format or --renderer",
        ));
    }
    if renderer.is_billed && spec.limits.min_balance.is_some() && !renderer.can(Capability::Balance) {
        return Err(Error::usage(
            "--min-balance is about a HeyGen account",
            "use --max-renders or --max-seconds",
        ));
    }
    Ok(())
}

/// The renderer of a project that the server can reach already.
pub(super) fn choose_for_uploaded(spec: &RenderSpec) -> Result<Chosen, Error> {
    if spec.batch.rows.is_some() {
        return Err(Error::usage("--batch renders a directory", "leave the project out of --data"));
    }
    if spec.is_dry_run {
        return Err(Error::usage("--dry-run inspects a directory", "leave out --asset-id and --url"));
    }
    let renderer = match spec.renderer {
        RendererChoice::Named(name) => renderers::named(name),
        RendererChoice::Auto => Some(renderers::cloud()),
        RendererChoice::Emulated => Some(renderers::emulated()),
    };
    match renderer.filter(|renderer| renderer.description().can(Capability::UploadedProject)) {
        Some(renderer) => Ok(Chosen { renderer, session: renderer.open(&spec.run)? }),
        None => Err(Error::usage(
            "only the cloud renders what is uploaded already",
            "leave out --asset-id and --url",
        )),
    }
}
