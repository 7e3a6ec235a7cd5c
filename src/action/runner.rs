//! Renders the compositions of a run one by one.

use std::path::PathBuf;

use hyperframes_ci_core::archive::hex;
use hyperframes_ci_core::composition::Composition;
use hyperframes_ci_core::options::Format;
use sha2::{Digest, Sha256};

use super::figures::Figures;
use super::host_paths::shorten;
use super::images::Images;
use super::inputs::Inputs;
use super::preview::{Preview, PreviewState, RenderedPreview, file_stem, rows};
use super::published;
use super::review::{Comparison, Reviewer};
use super::scope::{RenderTarget, Scope};
use super::variable_changes::variable_changes;
use crate::app::budget::Billed;
use crate::app::config::{self, Settings};
use crate::app::diagnose::render_and_explain;
use crate::app::diff::golden_name;
use crate::app::outcome::Outcome;
use crate::app::render::render;
use crate::app::spec::{ProjectSource, RenderSpec, RendererChoice};
use crate::ci::{CiProvider, Trust};
use crate::engine::SharedEngine;
use crate::fault::{Error, Exit};
use crate::renderers;
use crate::system::gate::{self, Reach, limit};
use crate::ui::Console;

/// Renders the targets of `scope`, and compares them with `reviewer`, if there is one.
pub(super) fn render_all(
    scope: &Scope,
    inputs: &Inputs,
    provider: &dyn CiProvider,
    reviewer: Option<&mut Reviewer<'_>>,
    console: &mut Console,
) -> Result<Vec<Preview>, Error> {
    let (spent, engine) = (Billed::default(), SharedEngine::default());
    let mut runner = PreviewRunner { scope, inputs, provider, reviewer, console, spent, engine };
    let slugs = slugs(&scope.targets);
    scope.targets.iter().zip(slugs).map(|(target, slug)| runner.run(target, &slug)).collect()
}

struct PreviewRunner<'a, 'r> {
    scope: &'a Scope,
    inputs: &'a Inputs,
    provider: &'a dyn CiProvider,
    reviewer: Option<&'a mut Reviewer<'r>>,
    console: &'a mut Console,
    /// What the run is billed for so far.
    spent: Billed,
    /// The engine of all renders on the runner.
    engine: SharedEngine,
}

impl PreviewRunner<'_, '_> {
    fn run(&mut self, target: &RenderTarget, slug: &str) -> Result<Preview, Error> {
        self.provider.begin_group(&format!("HyperFrames: {}", target.display_name));
        let mut preview = Preview::new(&target.display_name, PreviewState::Invalid(target.errors));
        let base = self.compare_with_base(target, &mut preview);
        if target.errors > 0 {
            self.console.detail("not rendered, because the checks found errors");
        } else {
            preview.state = match self.render(target, slug, &mut preview) {
                Ok(rendered) => PreviewState::Rendered(Box::new(rendered)),
                Err(error) => {
                    self.console.failure(&error);
                    let folders = [&*self.inputs.workspace, &self.inputs.output_dir];
                    let message = shorten(&error.to_string(), &folders);
                    let code = Some(error.code().to_owned());
                    PreviewState::Failed { message, code, is_limit: error.exit() == Exit::Limit }
                }
            };
        }
        let reviewed = self.review(target, base, &mut preview);
        self.provider.end_group();
        reviewed.map(|()| preview)
    }

    /// Compares the video with that of the base.
    fn review(
        &mut self,
        target: &RenderTarget,
        base: Result<RenderSpec, String>,
        preview: &mut Preview,
    ) -> Result<(), Error> {
        let head = self.spec(target, &self.scope.settings, target.directory.clone());
        let (Some(reviewer), Ok(head)) = (&mut self.reviewer, head) else { return Ok(()) };
        let config = self.scope.settings.file.diff(target.entry.as_ref());
        let golden_name = golden_name(&head, target.entry.as_ref());
        let comparison = Comparison { config, head, base, golden_name };
        self.spent += reviewer.compare(comparison, preview, self.console)?;
        Ok(())
    }

    /// Sets the changed variables, and the name of the images of the base. Returns how the base is rendered, or why it cannot
    /// be.
    fn compare_with_base(&self, target: &RenderTarget, preview: &mut Preview) -> Result<RenderSpec, String> {
        let base = self.scope.base.as_ref().ok_or("the base of the pull request cannot be read")?;
        let reach = Reach::inside(base.path(), "the base");
        let Ok(html) = gate::read_text(&base.path().join(target.path()), &reach, limit::PAGE) else {
            // All variables of a new composition are new.
            preview.is_new = true;
            return Err("the base does not have it".to_owned());
        };
        let before = Composition::parse(&target.path(), &html).declarations;
        preview.variables = variable_changes(&before, &target.parsed.declarations);
        // Equal renders have equal names, so the images of the base may be published already.
        let directory = base.path().join(&target.prefix);
        let spec = self.spec(target, &self.scope.settings.at(base.path()), directory);
        let spec = spec.map_err(|error| error.to_string())?;
        let dry_run = RenderSpec { is_dry_run: true, ..spec.clone() };
        preview.base_name = render(dry_run, &mut Console::silent()).ok().as_ref().and_then(file_stem);
        Ok(spec)
    }

    /// Renders a target to files named after `slug`.
    fn render(
        &mut self,
        target: &RenderTarget,
        slug: &str,
        preview: &mut Preview,
    ) -> Result<RenderedPreview, Error> {
        let mut spec = self.spec(target, &self.scope.settings, target.directory.clone())?;
        let folder = &self.inputs.output_dir;
        if let Some(found) = published::find(self.provider, &spec, self.inputs.has_key, folder, slug, preview)
        {
            self.console.done("published already, from an earlier push");
            return Ok(found);
        }
        if let Some(format) = spec.request.format.filter(|format| format.is_directory()) {
            return Err(Error::usage(
                format!("the action cannot publish {format}, which is a directory"),
                "choose mp4, webm, mov or gif, or run `hyperframes-ci render` in a step of its own",
            ));
        }
        let manifest = spec.batch.rows.as_ref().map(|_| folder.join(format!("{slug}.manifest.jsonl")));
        let configured =
            target.entry.as_ref().and_then(|entry| self.scope.settings.file.setting(entry, "output"));
        let name = match (&manifest, configured.and_then(|output| output.rsplit('/').next())) {
            (None, _) => format!("{slug}.{}", spec.request.format.unwrap_or(Format::Mp4)),
            // The videos of a batch keep their names, after the name of the composition.
            (Some(_), Some(name)) => format!("{slug}-{}", name.replace("{entry}-", "")),
            (Some(_), None) => format!("{slug}-{{index}}.{{ext}}"),
        };
        spec.output = Some(folder.join(name));
        spec.batch.manifest.clone_from(&manifest);
        for option in ["output", "manifest"] {
            spec.reaches.insert(option, Reach::inside(folder, "the output directory"));
        }
        let outcome = match self.provider.event().trust {
            Trust::Own => render_and_explain(spec, self.console)?,
            // Pages of forks are not rendered where secrets may be.
            Trust::Fork | Trust::Exposed => render(spec, self.console)?,
        };
        if let (Some(path), Outcome::Batch(batch)) = (&manifest, &outcome) {
            preview.rows = rows(path, batch.rows);
            preview.manifest = Some(path.clone());
        }
        let first = preview.rows.first().map(|row| row.video.clone());
        let video = first.or_else(|| outcome.video_path().map(ToOwned::to_owned));
        self.spent += outcome.billed();
        if let Some(video) = &video {
            let thumbnail = match &outcome {
                Outcome::Render(render) => render.thumbnail_url.as_deref(),
                Outcome::Batch(_) | Outcome::DryRun(_) => None,
            };
            preview.images = Images::create(video, thumbnail, folder, slug);
        }
        outcome.verdict()?;
        Ok(RenderedPreview { video, figures: Figures::of(&outcome), outcome: Some(outcome) })
    }

    /// Returns the specification of a target whose project is in `directory`.
    fn spec(
        &self,
        target: &RenderTarget,
        settings: &Settings,
        directory: PathBuf,
    ) -> Result<RenderSpec, Error> {
        let Self { scope, inputs, .. } = self;
        let base = RenderSpec {
            source: ProjectSource::Directory(directory),
            severities: inputs.severities.clone(),
            ..RenderSpec::default()
        };
        let (mut spec, _) = settings.resolve(base, &inputs.given, target.entry.as_ref())?;
        if let (true, Some(key)) = (scope.targets.len() > 1, &spec.idempotency_key) {
            // Each render needs its own key: the server treats requests with the same key as one.
            let suffix = &hex(&Sha256::digest(target.unique_name()))[..12];
            let key = format!("{}.{suffix}", key.as_str()).parse();
            spec.idempotency_key = Some(key.map_err(|_| {
                Error::usage("input idempotency-key is too long", "shorten it to at most 240 characters")
            })?);
        }
        if let (None, Some(path)) = (&target.entry, &target.composition) {
            spec.request.composition = Some(path.clone());
        }
        if let Some(renderer) = self.renderer() {
            spec.renderer = renderer;
        }
        spec.run.engine = self.engine.clone();
        spec.run.sandbox.is_for_strangers = self.provider.event().trust != Trust::Own;
        spec.limits.max_renders = inputs.limits.max_renders.or(spec.limits.max_renders);
        spec.limits.max_seconds = inputs.limits.max_seconds.or(spec.limits.max_seconds);
        if inputs.limits.is_shared() {
            let left = inputs.limits.after(self.spent);
            spec.limits.max_renders = left.max_renders.or(spec.limits.max_renders);
            spec.limits.max_seconds = left.max_seconds.or(spec.limits.max_seconds);
        }
        Ok(spec)
    }

    /// Returns the renderer to use. Code that may be from a fork overrides the workflow: it is rendered on the runner if
    /// the run has no secrets, and in the cloud if it may have some, where its pages cannot read them.
    fn renderer(&self) -> Option<RendererChoice> {
        let on =
            |renderer: &dyn renderers::Renderer| Some(RendererChoice::Named(renderer.description().name));
        match self.provider.event().trust {
            Trust::Exposed => on(renderers::cloud()),
            Trust::Fork => on(renderers::local()),
            Trust::Own => self.inputs.renderer,
        }
    }
}

/// Returns a file name for each target: readable, with a hash if several would be the same.
fn slugs(targets: &[RenderTarget]) -> Vec<String> {
    let readable = targets.iter().map(|target| config::slug(&target.unique_name())).collect::<Vec<_>>();
    let is_unique = |name: &String| readable.iter().filter(|other| *other == name).count() == 1;
    let named = readable.iter().zip(targets).map(|(name, target)| match is_unique(name) {
        true => name.clone(),
        false => format!("{name}-{}", &hex(&Sha256::digest(target.unique_name()))[..8]),
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_readable_and_unique() {
        let target = |prefix: &str, composition: Option<&str>| RenderTarget {
            directory: PathBuf::new(),
            prefix: prefix.to_owned(),
            composition: composition.map(str::to_owned),
            display_name: String::new(),
            parsed: Composition::default(),
            errors: 0,
            entry: None,
        };
        let names = slugs(&[
            target("", None),
            target("videos/Launch", None),
            target("videos/a b", None),
            target("videos/a-b", None),
        ]);
        assert_eq!(names[..2], ["video", "videos-launch"]);
        assert!(
            names[2].starts_with("videos-a-b-")
                && names[3].starts_with("videos-a-b-")
                && names[2] != names[3]
        );
    }
}
