//! Renders the compositions of a run, one after the other.

use std::path::PathBuf;

use hyperframes_ci_core::archive::hex;
use hyperframes_ci_core::composition::Composition;
use hyperframes_ci_core::options::Format;
use sha2::{Digest, Sha256};

use super::inputs::Inputs;
use super::pictures::Pictures;
use super::preview::{Figures, Preview, PreviewState, RenderedPreview, changes, name_of, rows};
use super::scope::{Entry, Scope, is_exposed};
use crate::app::budget::Billed;
use crate::app::config::{self, Settings};
use crate::app::outcome::Outcome;
use crate::app::render::render;
use crate::app::spec::{ProjectSource, RenderSpec, RendererChoice};
use crate::ci::{CiProvider, Subject};
use crate::fault::{Error, Exit};
use crate::renderers;
use crate::ui::Console;

/// Renders what is to be rendered.
pub(super) fn render_all(
    scope: &Scope,
    inputs: &Inputs,
    provider: &dyn CiProvider,
    console: &mut Console,
) -> Vec<Preview> {
    let mut runner = PreviewRunner { scope, inputs, provider, console, spent: Billed::default() };
    let slugs = slugs(&scope.entries);
    scope.entries.iter().zip(slugs).map(|(entry, slug)| runner.run(entry, &slug)).collect()
}

struct PreviewRunner<'a> {
    scope: &'a Scope,
    inputs: &'a Inputs,
    provider: &'a dyn CiProvider,
    console: &'a mut Console,
    spent: Billed,
}

impl PreviewRunner<'_> {
    fn run(&mut self, entry: &Entry, slug: &str) -> Preview {
        self.provider.begin_group(&format!("HyperFrames: {}", entry.display_name));
        let mut preview = Preview::new(&entry.display_name, PreviewState::Invalid(entry.errors));
        self.compare(entry, &mut preview);
        if entry.errors > 0 {
            self.console.detail("the checks found errors: it is not rendered");
        } else {
            preview.state = match self.render(entry, slug, &mut preview) {
                Ok(rendered) => PreviewState::Rendered(Box::new(rendered)),
                Err(error) => {
                    self.console.failure(&error);
                    PreviewState::Failed { message: error.to_string(), is_limit: error.exit() == Exit::Limit }
                }
            };
        }
        self.provider.end_group();
        preview
    }

    /// What the base has of the composition.
    fn compare(&self, entry: &Entry, preview: &mut Preview) {
        let Some(base) = &self.scope.base else { return };
        let html = std::fs::read_to_string(base.path().join(entry.path())).unwrap_or_default();
        let before = Composition::parse(&entry.path(), &html).declarations;
        preview.variables = changes(&before, &entry.parsed.declarations);
        // Equal videos have equal names: what the base looks like may be published already.
        let directory = base.path().join(&entry.prefix);
        let spec = self.spec(entry, &self.scope.settings.at(&base.path()), directory);
        let dry = spec.and_then(|spec| {
            let spec = RenderSpec { is_dry_run: true, ..spec };
            render(spec, &mut Console::silent())
        });
        preview.base = dry.ok().as_ref().and_then(name_of);
    }

    fn render(&mut self, entry: &Entry, slug: &str, preview: &mut Preview) -> Result<RenderedPreview, Error> {
        let mut spec = self.spec(entry, &self.scope.settings, entry.directory.clone())?;
        let folder = &self.inputs.output_dir;
        let manifest = spec.batch.rows.as_ref().map(|_| folder.join(format!("{slug}.manifest.jsonl")));
        let of_file =
            entry.entry.as_ref().and_then(|entry| self.scope.settings.file.setting(entry, "output"));
        let name = match (&manifest, of_file.and_then(|output| output.rsplit('/').next())) {
            (None, _) => format!("{slug}.{}", spec.request.format.unwrap_or(Format::Mp4)),
            // The videos of a batch keep their names, and say what they are of.
            (Some(_), Some(name)) => format!("{slug}-{}", name.replace("{entry}-", "")),
            (Some(_), None) => format!("{slug}-{{index}}.{{ext}}"),
        };
        spec.output = Some(folder.join(name));
        spec.batch.manifest.clone_from(&manifest);
        let outcome = render(spec, self.console)?;
        preview.rows = manifest.iter().flat_map(|path| rows(path)).collect();
        let first = preview.rows.first().map(|row| row.video.clone());
        let video = first.or_else(|| outcome.video_path().map(ToOwned::to_owned));
        self.spent += outcome.billed();
        if let Some(video) = &video {
            let thumbnail = match &outcome {
                Outcome::Render(render) => render.thumbnail_url.as_deref(),
                Outcome::Batch(_) | Outcome::DryRun(_) => None,
            };
            preview.pictures = Pictures::make(video, thumbnail, folder, slug);
        }
        outcome.verdict()?;
        Ok(RenderedPreview { video, figures: Figures::of(&outcome), outcome: Some(outcome) })
    }

    /// What is rendered of an entry in `directory`.
    fn spec(&self, entry: &Entry, settings: &Settings, directory: PathBuf) -> Result<RenderSpec, Error> {
        let Self { scope, inputs, .. } = self;
        let base = RenderSpec {
            source: ProjectSource::Directory(directory),
            severities: inputs.severities.clone(),
            ..RenderSpec::default()
        };
        let (mut spec, _) = settings.resolve(base, &inputs.given, entry.entry.as_ref())?;
        if let (true, Some(key)) = (scope.entries.len() > 1, &spec.idempotency_key) {
            // One key for several renders would make them one.
            let own = &hex(&Sha256::digest(entry.unique_name()))[..12];
            let key = format!("{}.{own}", key.as_str()).parse();
            spec.idempotency_key = Some(key.map_err(|_| {
                Error::usage("the input idempotency-key is too long", "it may have 240 characters")
            })?);
        }
        if let (None, Some(path)) = (&entry.entry, &entry.composition) {
            spec.request.composition = Some(path.clone());
        }
        if let Some(renderer) = self.renderer() {
            spec.renderer = renderer;
        }
        spec.limits.max_renders = inputs.limits.max_renders.or(spec.limits.max_renders);
        spec.limits.max_seconds = inputs.limits.max_seconds.or(spec.limits.max_seconds);
        if inputs.limits.is_shared() {
            let left = inputs.limits.after(self.spent);
            spec.limits.max_renders = left.max_renders.or(spec.limits.max_renders);
            spec.limits.max_seconds = left.max_seconds.or(spec.limits.max_seconds);
        }
        Ok(spec)
    }

    /// A fork has no secrets: its videos are made on the runner, whatever the workflow says. Where there are secrets after
    /// all, they are made in the cloud, whatever the workflow says.
    fn renderer(&self) -> Option<RendererChoice> {
        let event = self.provider.event();
        let is_fork = matches!(&event.subject, Subject::PullRequest(request) if request.is_fork);
        let on =
            |renderer: &dyn renderers::Renderer| Some(RendererChoice::Named(renderer.description().name));
        if is_exposed(event) {
            on(renderers::cloud())
        } else if is_fork && !self.inputs.has_key {
            on(renderers::local())
        } else {
            self.inputs.renderer
        }
    }
}

/// Names for files, one for each entry: what people read of it, and what tells it from others where that is not enough.
fn slugs(entries: &[Entry]) -> Vec<String> {
    let readable = entries.iter().map(|entry| config::slug(&entry.unique_name())).collect::<Vec<_>>();
    let is_unique = |name: &String| readable.iter().filter(|other| *other == name).count() == 1;
    let named = readable.iter().zip(entries).map(|(name, entry)| match is_unique(name) {
        true => name.clone(),
        false => format!("{name}-{}", &hex(&Sha256::digest(entry.unique_name()))[..8]),
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_readable_and_apart() {
        let entry = |prefix: &str, composition: Option<&str>| Entry {
            directory: PathBuf::new(),
            prefix: prefix.to_owned(),
            composition: composition.map(str::to_owned),
            display_name: String::new(),
            parsed: Composition::default(),
            errors: 0,
            entry: None,
        };
        let names = slugs(&[
            entry("", None),
            entry("videos/Launch", None),
            entry("videos/a b", None),
            entry("videos/a-b", None),
        ]);
        assert_eq!(names[..2], ["video", "videos-launch"]);
        assert!(
            names[2].starts_with("videos-a-b-")
                && names[3].starts_with("videos-a-b-")
                && names[2] != names[3]
        );
    }
}
