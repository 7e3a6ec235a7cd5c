//! Previews that are published already: a composition that is the same as at an earlier push is not rendered on the runner
//! again. Renders in the cloud are found in the account instead.

use std::path::{Path, PathBuf};

use hyperframes_ci_core::options::Format;
use hyperframes_ci_core::video::{Video, check_whole};

use super::figures::Figures;
use super::images::{Images, is_gif};
use super::preview::{Preview, RenderedPreview, file_stem};
use crate::app::outcome::Outcome;
use crate::app::render::render;
use crate::app::spec::{RenderSpec, RendererChoice};
use crate::ci::{CiProvider, Subject, Trust};
use crate::renderers;
use crate::system::gate;
use crate::system::output;
use crate::ui::Console;

/// Returns the published preview of an equal render, with its files in `folder`, named after `slug`; `None` if there is none,
/// or it cannot be read.
pub(super) fn find(
    provider: &dyn CiProvider,
    spec: &RenderSpec,
    has_key: bool,
    folder: &Path,
    slug: &str,
    preview: &mut Preview,
) -> Option<RenderedPreview> {
    let event = provider.event();
    let is_request = matches!(event.subject, Subject::PullRequest(_));
    let reuse = &spec.run.reuse;
    if !is_request || event.trust != Trust::Own || !is_local(spec.renderer, has_key) {
        return None;
    }
    // The branch does not know how old a video is.
    if reuse.is_off || reuse.window.is_some() || spec.batch.rows.is_some() {
        return None;
    }
    let dry_run = RenderSpec { is_dry_run: true, ..spec.clone() };
    let outcome = render(dry_run, &mut Console::silent()).ok()?;
    let stem = file_stem(&outcome)?;
    let extension = spec.request.format.unwrap_or(Format::Mp4).to_string();
    let video = save(provider, &format!("{stem}.{extension}"), folder, &format!("{slug}.{extension}"))?;
    let mut file = gate::open_made(&video).ok()?;
    let properties = Video::read(&mut file).ok()?;
    check_whole(&mut file).ok()?;
    if is_gif(&video) {
        preview.images = Images::create(&video, None, folder, slug);
        return Some(found(video, &properties, outcome));
    }
    let image = |extension: &str| {
        save(provider, &format!("{stem}.{extension}"), folder, &format!("{slug}.{extension}"))
    };
    let gif = image("gif");
    // The comment shows one of both.
    let poster = if gif.is_none() { image("png") } else { None };
    preview.images = match (&gif, &poster) {
        (None, None) => Images::create(&video, None, folder, slug),
        _ => Images { poster, gif },
    };
    Some(found(video, &properties, outcome))
}

/// Returns the preview of a video that was published.
fn found(video: PathBuf, properties: &Video, outcome: Outcome) -> RenderedPreview {
    let figures = Figures {
        width: Some(f64::from(properties.width)),
        height: Some(f64::from(properties.height)),
        fps: properties.fps,
        duration: properties.duration,
        is_reused: true,
        label: renderers::local().description().label,
        ..Figures::default()
    };
    RenderedPreview { video: Some(video), figures, outcome: Some(outcome) }
}

/// Returns whether a render is one on the runner.
fn is_local(renderer: RendererChoice, has_key: bool) -> bool {
    match renderer {
        RendererChoice::Auto => !has_key,
        RendererChoice::Named(name) => name == renderers::local().description().name,
        RendererChoice::Emulated => false,
    }
}

/// Saves a published file under `name`; returns its path, or `None` if it is not published or cannot be read.
fn save(provider: &dyn CiProvider, published: &str, folder: &Path, name: &str) -> Option<PathBuf> {
    let contents = provider.published_file(published).ok()??;
    output::write(folder, name, &contents).ok()
}
