//! One composition and what became of it.

use std::path::{Path, PathBuf};

use hyperframes_ci_core::variables::Declarations;
use serde_json::{Map, Value, json};

use super::pictures::Pictures;
use crate::app::batch::{self, Manifest};
use crate::app::outcome::Outcome;
use crate::ci::{self, Media};
use crate::system::digest;

/// Videos of one batch that a release gets: it holds a thousand files.
const MOST_ROWS: usize = 400;

/// Characters of a render key that files are named after.
const NAME: usize = 24;

/// A composition and what became of it.
pub(super) struct Preview {
    /// What people call it.
    pub(super) shown: String,
    pub(super) state: PreviewState,
    /// How its variables differ from the base's.
    pub(super) variables: Vec<VariableChange>,
    /// The rows of a batch whose videos are in place, in their order.
    pub(super) rows: Vec<PreviewRow>,
    pub(super) pictures: Pictures,
    /// What the base's pictures are called, where the base has the composition.
    pub(super) base: Option<String>,
    /// Where people can see it.
    pub(super) urls: PublishedUrls,
}

/// A video and what it is of.
#[derive(Clone, Debug)]
pub(super) struct PreviewRow {
    pub(super) video: PathBuf,
    /// The render key.
    pub(super) key: String,
    pub(super) render_id: Option<String>,
}

/// URLs, as far as something was published.
#[derive(Debug, Default)]
pub(super) struct PublishedUrls {
    pub(super) video: Option<String>,
    pub(super) picture: Option<String>,
    pub(super) base_picture: Option<String>,
}

/// What became of a composition.
pub(super) enum PreviewState {
    /// It is rendered.
    Rendered(Box<RenderedPreview>),
    /// The checks found errors: it was not rendered.
    Invalid(usize),
    /// It should have been rendered.
    Failed {
        /// Why, in a sentence.
        message: String,
        /// Whether a limit of the user's is the reason.
        is_limit: bool,
    },
}

/// A render, as reports show it.
pub(super) struct RenderedPreview {
    /// Its video, or the first one of a batch.
    pub(super) video: Option<PathBuf>,
    pub(super) figures: Figures,
    /// The render itself; `None` where another run has made it.
    pub(super) outcome: Option<Outcome>,
}

/// What reports show of a render.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    /// Pixels.
    pub(super) width: Option<f64>,
    /// Pixels.
    pub(super) height: Option<f64>,
    pub(super) fps: Option<f64>,
    /// Seconds.
    pub(super) duration: Option<f64>,
    /// Rows with a video, and all of them, for a batch.
    pub(super) rows: Option<(u64, u64)>,
    /// Whether earlier runs paid for it.
    pub(super) is_reused: bool,
    /// How it was rendered, such as `rendered on the runner`.
    pub(super) label: &'static str,
    /// Seconds that this run has paid for.
    pub(super) billed_seconds: f64,
}

impl Figures {
    /// The figures of a render.
    pub(super) fn of(outcome: &Outcome) -> Self {
        let billed_seconds = outcome.billed().seconds;
        let figures = Self { label: "rendered", billed_seconds, ..Self::default() };
        match outcome {
            Outcome::Render(render) => {
                let video = render.video.as_ref().and_then(|video| video.video.as_ref());
                Self {
                    width: video.map(|video| f64::from(video.width)),
                    height: video.map(|video| f64::from(video.height)),
                    fps: video.and_then(|video| video.fps),
                    duration: video.and_then(|video| video.duration),
                    is_reused: render.reused,
                    label: render.label,
                    ..figures
                }
            }
            // Reused is a batch whose every row is, as far as this run has completed some.
            Outcome::Batch(batch) => Self {
                rows: Some((batch.in_place(), batch.rows)),
                is_reused: batch.results.as_ref().is_some_and(|results| results.completed == batch.reused),
                ..figures
            },
            Outcome::DryRun(_) => figures,
        }
    }
}

/// How a variable differs from the base's.
#[derive(Debug, PartialEq)]
pub(super) enum VariableChange {
    Added(String),
    Removed(String),
    Retyped(String, &'static str, &'static str),
}

/// How the declarations of `head` differ from those of `base`.
pub(super) fn changes(base: &Declarations, head: &Declarations) -> Vec<VariableChange> {
    let mut changes = Vec::new();
    for after in head.entries() {
        match base.get(&after.id) {
            None => changes.push(VariableChange::Added(after.id.clone())),
            Some(before) if before.kind != after.kind => {
                let (before, after_kind) = (before.kind.as_str(), after.kind.as_str());
                changes.push(VariableChange::Retyped(after.id.clone(), before, after_kind));
            }
            Some(_) => {}
        }
    }
    let removed = base.entries().iter().filter(|before| head.get(&before.id).is_none());
    changes.extend(removed.map(|before| VariableChange::Removed(before.id.clone())));
    changes
}

/// The rows whose videos are in place, as a manifest has them.
pub(super) fn rows(manifest: &Path) -> Vec<PreviewRow> {
    let manifest = Manifest::read(manifest).ok();
    let row = |entry: &batch::Entry| {
        let video = PathBuf::from(entry.output.as_ref()?);
        let row = PreviewRow { video, key: entry.identity.clone(), render_id: entry.render_id.clone() };
        row.video.is_file().then_some(row)
    };
    manifest.iter().flat_map(Manifest::completed).filter_map(row).collect()
}

/// What the pictures of a render are called: after what it is of.
pub(super) fn name_of(outcome: &Outcome) -> Option<String> {
    let key = match outcome {
        Outcome::Render(render) => {
            let identity = render.project.as_ref().map(|project| project.identity.as_str());
            identity.or(render.key.as_deref())?
        }
        Outcome::DryRun(dry) => dry.key.as_str(),
        Outcome::Batch(_) => return None,
    };
    key.strip_prefix("hfci_")?.get(..NAME).map(str::to_owned)
}

impl Preview {
    /// A composition that nothing is known of yet.
    pub(super) fn new(shown: &str, state: PreviewState) -> Self {
        Self {
            shown: shown.to_owned(),
            state,
            variables: Vec::new(),
            rows: Vec::new(),
            pictures: Pictures::default(),
            base: None,
            urls: PublishedUrls::default(),
        }
    }

    /// The render, where there is one.
    pub(super) fn rendered(&self) -> Option<&RenderedPreview> {
        match &self.state {
            PreviewState::Rendered(rendered) => Some(rendered),
            _ => None,
        }
    }

    /// The outcome of the render, where this run has it.
    pub(super) fn outcome(&self) -> Option<&Outcome> {
        self.rendered()?.outcome.as_ref()
    }

    /// The video, or the first one of a batch.
    pub(super) fn video(&self) -> Option<&Path> {
        self.rendered()?.video.as_deref()
    }

    /// Whether it should have been rendered, and is not.
    pub(super) fn is_failed(&self) -> bool {
        matches!(self.state, PreviewState::Failed { .. })
    }

    /// Whether a limit of the user's is why it is not rendered.
    pub(super) fn is_limited(&self) -> bool {
        matches!(self.state, PreviewState::Failed { is_limit: true, .. })
    }

    /// Whether earlier runs paid for it.
    pub(super) fn is_reused(&self) -> bool {
        self.rendered().is_some_and(|rendered| rendered.figures.is_reused)
    }

    /// What its files are called: after what it is of, or after the video where that is not known.
    fn name(&self) -> Option<String> {
        let of_video = || Some(digest::of_file(self.video()?).ok()?[..NAME].to_owned());
        self.outcome().and_then(name_of).or_else(of_video)
    }

    /// What comments show.
    pub(super) fn media(&self) -> Vec<Media> {
        let Some(name) = self.name() else { return Vec::new() };
        let files = [self.pictures.poster.as_deref(), self.pictures.gif.as_deref(), self.video()];
        let named = files.into_iter().flatten().filter_map(|path| {
            let ending = path.extension()?.to_str()?;
            Some(Media { name: format!("{name}.{ending}"), path: path.to_owned() })
        });
        named.collect()
    }

    /// What the base's pictures may be called.
    pub(super) fn base_picture_names(&self) -> Option<Vec<String>> {
        self.base.as_ref().map(|name| vec![format!("{name}.gif"), format!("{name}.png")])
    }

    /// Takes in where files were published, by name.
    pub(super) fn set_urls(&mut self, named: &[(String, String)]) {
        let find = |name: &Option<String>, endings: &[&str]| {
            let name = name.as_ref()?;
            endings.iter().find_map(|ending| {
                let wanted = format!("{name}.{ending}");
                named.iter().find(|(known, _)| *known == wanted).map(|(_, url)| url.clone())
            })
        };
        let own = self.name();
        self.urls = PublishedUrls {
            video: find(&own, &["mp4", "webm", "mov"]),
            picture: find(&own, &["gif", "png"]),
            base_picture: find(&self.base, &["gif", "png"]),
        };
    }

    /// The videos that a release gets: one, or those of a batch.
    pub(super) fn videos(&self) -> Vec<PreviewRow> {
        match (self.video(), self.outcome()) {
            (Some(video), Some(Outcome::Render(render))) if self.rows.is_empty() => vec![PreviewRow {
                video: video.to_owned(),
                key: render.key.clone().unwrap_or_default(),
                render_id: render.render.id().map(str::to_owned),
            }],
            _ => self.rows.iter().take(MOST_ROWS).cloned().collect(),
        }
    }

    /// What a release gets.
    pub(super) fn release_files(&self) -> Vec<Media> {
        let videos = self.videos().into_iter().map(|row| row.video);
        let files = videos.chain(self.pictures.poster.clone()).collect::<Vec<_>>();
        files.into_iter().map(|path| Media { name: ci::file_name(&path), path }).collect()
    }

    /// For programs.
    pub(super) fn to_json(&self) -> Value {
        let mut json = match &self.state {
            PreviewState::Rendered(rendered) => match &rendered.outcome {
                Some(outcome) => json!(outcome),
                None => figures_json(&rendered.figures),
            },
            PreviewState::Invalid(errors) => json!({ "errors": errors }),
            PreviewState::Failed { message, .. } => json!({ "message": message }),
        };
        if let Value::Object(json) = &mut json {
            self.describe(json);
        }
        json
    }

    fn describe(&self, json: &mut Map<String, Value>) {
        let state = match &self.state {
            PreviewState::Rendered(_) if self.is_reused() => "reused",
            PreviewState::Rendered(_) => "rendered",
            PreviewState::Invalid(_) => "invalid",
            PreviewState::Failed { .. } => "failed",
        };
        json.insert("composition".to_owned(), self.shown.as_str().into());
        json.insert("state".to_owned(), state.into());
        if !self.rows.is_empty() {
            let paths = self.rows.iter().map(|row| row.video.display().to_string());
            json.insert("output_paths".to_owned(), paths.collect());
        }
        json.insert("poster_path".to_owned(), json!(self.pictures.poster));
        json.insert("gif_path".to_owned(), json!(self.pictures.gif));
        // The findings of all projects are in the report, once.
        json.remove("diagnostics");
    }
}

/// The figures of a render of another run.
fn figures_json(figures: &Figures) -> Value {
    json!({
        "reused": figures.is_reused,
        "video": {
            "width": figures.width,
            "height": figures.height,
            "fps": figures.fps,
            "duration": figures.duration,
        },
    })
}

#[cfg(test)]
mod tests {
    use hyperframes_ci_core::composition::Composition;

    use super::*;

    fn declarations(json: &str) -> Declarations {
        let page =
            format!("<html data-composition-variables='{json}'><div data-composition-id=\"a\"></div></html>");
        Composition::parse("index.html", &page).declarations
    }

    #[test]
    fn figures_say_how_a_renderer_of_the_registry_renders() {
        let (_folder, outcome) = crate::renderers::tests::rendered();
        let figures = Figures::of(&outcome);
        assert_eq!((figures.label, figures.width), ("rendered as a clip", Some(160.0)));
    }

    #[test]
    fn variables_that_differ_are_reported() {
        let variable = |id: &str, kind: &str, default: &str| {
            format!(r#"{{"id":"{id}","label":"L","type":"{kind}","default":{default}}}"#)
        };
        let before = format!("[{},{}]", variable("size", "number", "1"), variable("old", "string", "\"x\""));
        let after =
            format!("[{},{}]", variable("size", "string", "\"1\""), variable("new", "boolean", "true"));
        assert_eq!(
            changes(&declarations(&before), &declarations(&after)),
            [
                VariableChange::Retyped("size".to_owned(), "number", "string"),
                VariableChange::Added("new".to_owned()),
                VariableChange::Removed("old".to_owned()),
            ]
        );
    }
}
