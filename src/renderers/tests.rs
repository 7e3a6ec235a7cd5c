//! A fifth renderer, which makes the emulator's clip of everything: what a new renderer takes, and what knows it then.

use std::io::Write;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::options::{Format, Quality};

use super::order::{Order, OrderState, RunContext, RunOptions, RunTotals, SavedVideo};
use super::renderer::{Concurrency, Description, Renderer, Session};
use super::report::Reporter;
use super::verify::verify;
use crate::app::config::{self, Settings};
use crate::app::outcome::{BatchOutcome, Outcome};
use crate::app::render::render;
use crate::app::spec::{BatchOptions, ProjectSource, RenderSpec, RendererChoice};
use crate::fault::Error;
use crate::ui::Console;

const CLIP: &[u8] = include_bytes!("../emulator/clips/placeholder.mp4");

/// The renderer.
pub(super) struct Clip;

static DESCRIPTION: Description = Description {
    name: "clip",
    label: "rendered as a clip",
    is_selectable: true,
    is_billed: false,
    is_on_this_machine: true,
    is_distributed: false,
    upload_limit: None,
    concurrency: Concurrency::Fixed(1),
    capabilities: &[],
    formats: &[Format::Mp4],
    qualities: &[Quality::Standard],
    irrelevant_rules: &[],
};

impl Renderer for Clip {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn open(&self, _: &RunOptions) -> Result<Box<dyn Session>, Error> {
        Ok(Box::new(Clip))
    }
}

impl Session for Clip {
    fn prepare(&mut self, _: &RunContext<'_>, _: &mut Console) -> Result<(), Error> {
        Ok(())
    }

    fn render(
        &self,
        context: &RunContext<'_>,
        orders: &mut (dyn Iterator<Item = Order> + Send),
        reporter: &mut dyn Reporter,
    ) -> Result<RunTotals, Error> {
        for mut order in orders {
            let mut result = order.result(OrderState::Submitted);
            let output = std::mem::replace(&mut order.output, super::Output::None).open()?;
            if let Some(mut output) = output {
                output.file().write_all(CLIP).expect("a disk");
                let verified = verify(output.temporary_path(), &Default::default());
                let (path, size) = output.keep(&format!("{}.mp4", context.name))?;
                result.state = OrderState::Completed(Some(SavedVideo { path, size, verified }));
            }
            if !reporter.result(result) {
                break;
            }
        }
        Ok(RunTotals::default())
    }
}

/// A project in a repository of its own.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    std::fs::create_dir(folder.path().join(".git")).expect("a folder");
    write(
        "index.html",
        "<html data-composition-variables='[{\"id\":\"title\",\"label\":\"Title\",\"type\":\"string\",\"default\":\"x\"}]'>\
         <div data-composition-id=\"main\" data-width=\"1280\" data-height=\"720\" data-start=\"0\" data-duration=\"1\" \
         data-no-timeline><b data-var-text=\"title\"></b></div></html>",
    );
    write("rows.csv", "title\nAda\nGrace\nEdith\n");
    write("hyperframes-ci.toml", "[defaults]\nrenderer = \"clip\"\n");
    folder
}

fn spec(folder: &Path) -> RenderSpec {
    RenderSpec {
        source: ProjectSource::Directory(folder.to_owned()),
        renderer: RendererChoice::Named("clip"),
        output: Some(folder.join("out/video.mp4")),
        ..RenderSpec::default()
    }
}

/// What a render by it comes to; the folder has the video.
pub(crate) fn rendered() -> (tempfile::TempDir, Outcome) {
    let folder = project();
    let outcome = render(spec(folder.path()), &mut Console::silent()).expect("a render");
    (folder, outcome)
}

#[test]
fn a_line_in_the_registry_makes_it_known() {
    assert!(super::names().contains(&"clip"), "{:?}", super::names());
    assert_eq!(super::named("clip").expect("known").description().label, DESCRIPTION.label);
    let schema = config::schema();
    let words = &schema["properties"]["defaults"]["properties"]["renderer"]["enum"];
    assert!(words.as_array().expect("words").contains(&"clip".into()), "{words}");
    let folder = project();
    let settings = Settings::read(folder.path(), None, None).expect("a configuration");
    let (spec, _) = settings.resolve(RenderSpec::default(), &[], None).expect("valid");
    assert_eq!(spec.renderer, RendererChoice::Named("clip"));
}

#[test]
fn a_render_goes_through_it() {
    let (folder, outcome) = rendered();
    let Outcome::Render(render) = outcome else { panic!("{outcome:?}") };
    assert_eq!(std::fs::read(folder.path().join("out/video.mp4")).expect("a video"), CLIP);
    assert_eq!(render.label, DESCRIPTION.label);
    assert_eq!((render.billed.renders, render.bytes_written), (0, Some(CLIP.len() as u64)));
    let printed = serde_json::json!(render);
    assert_eq!(printed["render"]["renderer"], "clip");
    assert_eq!(printed["video"]["codec"], "h264");
}

#[test]
fn a_batch_goes_through_it() {
    let folder = project();
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    let batch = || RenderSpec {
        output: Some(path("out/{title}.{ext}")),
        batch: BatchOptions {
            rows: Some(path("rows.csv")),
            manifest: Some(path("out/manifest.jsonl")),
            ..BatchOptions::default()
        },
        ..spec(folder.path())
    };
    let outcome = render(batch(), &mut Console::silent()).expect("a batch");
    let Outcome::Batch(outcome) = outcome else { panic!("{outcome:?}") };
    let BatchOutcome { rows, would_render, .. } = *outcome;
    assert_eq!((rows, would_render, outcome.in_place()), (3, 3, 3));
    for name in ["Ada", "Grace", "Edith"] {
        assert!(path(&format!("out/{name}.mp4")).is_file(), "{name}");
    }
    let again = render(batch(), &mut Console::silent()).expect("a batch");
    let Outcome::Batch(again) = again else { panic!("{again:?}") };
    assert_eq!((again.done, again.would_render), (3, 0));
}

#[test]
fn what_it_cannot_do_is_refused_by_its_description() {
    let folder = project();
    let refused = |change: &dyn Fn(&mut RenderSpec)| {
        let mut spec = spec(folder.path());
        change(&mut spec);
        render(spec, &mut Console::silent()).expect_err("refused").to_string()
    };
    assert_eq!(
        refused(&|spec| spec.request.format = Some(Format::Webm)),
        "the clip renderer does not support format webm"
    );
    assert!(refused(&|spec| spec.run.is_waiting = false).contains("--no-wait"));
}
