//! Chooses the renderer.

use hyperframes_ci_core::api::RenderRequest;

use crate::app::spec::{RenderSpec, RendererChoice};
use crate::fault::Error;
use crate::renderers::{self, Capability, Description, Renderer, Session};
use crate::ui::Console;

/// The chosen renderer and its session.
pub(crate) struct ChosenRenderer {
    pub(super) renderer: &'static dyn Renderer,
    pub(super) session: Box<dyn Session>,
}

/// Returns the chosen renderer, or for a dry run the one that the specification names.
pub(super) fn renderer_of(
    spec: &RenderSpec,
    chosen: Option<&ChosenRenderer>,
) -> Option<&'static dyn Renderer> {
    match (chosen, spec.renderer) {
        (Some(chosen), _) => Some(chosen.renderer),
        (None, RendererChoice::Named(name)) => renderers::named(name),
        (None, _) => None,
    }
}

/// Chooses the renderer of a project in a directory; prints the reason for an automatic choice.
pub(super) fn choose(spec: &RenderSpec, console: &mut Console) -> Result<ChosenRenderer, Error> {
    let renderer = match spec.renderer {
        RendererChoice::Emulated => renderers::emulated(),
        RendererChoice::Named(name) => renderers::named(name).ok_or_else(|| {
            Error::usage(
                format!("unknown renderer {name}"),
                "see `hyperframes-ci render --help` for --renderer",
            )
        })?,
        RendererChoice::Auto => {
            let (renderer, reason) = renderers::automatic(&spec.run)?;
            console.detail(&format!("renderer: {reason}"));
            renderer
        }
    };
    let chosen = ChosenRenderer { renderer, session: renderer.open(&spec.run)? };
    Ok(chosen)
}

/// Returns a usage error if the renderer does not support an option.
pub(super) fn check_capabilities(
    spec: &RenderSpec,
    request: &RenderRequest,
    renderer: &Description,
) -> Result<(), Error> {
    if !spec.run.is_waiting && !renderer.supports(Capability::NoWait) {
        return Err(Error::usage(
            format!("the {} renderer does not support --no-wait", renderer.name),
            match spec.renderer {
                RendererChoice::Auto => "remove --no-wait, or set HEYGEN_API_KEY to render in the cloud",
                _ => "remove --no-wait, or use --renderer cloud",
            },
        ));
    }
    renderers::check_support(renderer, request, &spec.run)?;
    if renderer.is_billed && spec.limits.min_balance.is_some() && !renderer.supports(Capability::Balance) {
        return Err(Error::usage(
            "--min-balance is only supported by the cloud renderer",
            "use --max-renders or --max-seconds",
        ));
    }
    Ok(())
}

/// Chooses the renderer of a project that the server already has or can download.
pub(super) fn choose_for_uploaded(
    spec: &RenderSpec,
    request: &RenderRequest,
) -> Result<ChosenRenderer, Error> {
    if spec.batch.rows.is_some() {
        return Err(Error::usage("--batch requires a project directory", "remove the project from --data"));
    }
    if spec.is_dry_run {
        return Err(Error::usage("--dry-run requires a project directory", "remove --asset-id and --url"));
    }
    let renderer = match spec.renderer {
        RendererChoice::Named(name) => renderers::named(name),
        RendererChoice::Auto => Some(renderers::cloud()),
        RendererChoice::Emulated => Some(renderers::emulated()),
    };
    match renderer.filter(|renderer| renderer.description().supports(Capability::UploadedProject)) {
        Some(renderer) => {
            renderers::check_support(renderer.description(), request, &spec.run)?;
            Ok(ChosenRenderer { renderer, session: renderer.open(&spec.run)? })
        }
        None => Err(Error::usage(
            "only the cloud renderer supports --asset-id and --url",
            "remove --renderer, or pass a project directory",
        )),
    }
}
