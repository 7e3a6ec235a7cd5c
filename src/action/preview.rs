//! The preview of one composition: its render, its images, and where they are published.

use std::ops::Range;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::video::{is_gif, signature};
use serde_json::{Map, Value, json};

use super::figures::Figures;
use super::images::{self, Images};
use super::review::{Review, RowCounts};
use super::variable_changes::VariableChange;
use crate::app::batch::{self, Manifest};
use crate::app::outcome::Outcome;
use crate::ci::{self, Media};
use crate::system::digest;
use crate::system::gate::{self, Reach};

/// Maximum number of videos of a batch in a release; GitHub limits a release to 1000 files.
const MAX_ROWS: usize = 400;

/// Longest header that [`signature`] looks at, in bytes.
const HEADER: u64 = 16;

/// Number of characters of a render key in file names.
const NAME_LENGTH: usize = 24;

/// A composition and its render.
pub(super) struct Preview {
    /// The name in reports.
    pub(super) display_name: String,
    pub(super) state: PreviewState,
    /// Whether the base does not have the composition.
    pub(super) is_new: bool,
    /// How the variables differ from those of the base.
    pub(super) variables: Vec<VariableChange>,
    /// The manifest of a batch.
    pub(super) manifest: Option<PathBuf>,
    /// The rows of a batch that have a video, in their order.
    pub(super) rows: Vec<PreviewRow>,
    pub(super) images: Images,
    /// File name of the images of the base without the extension, if the base has the composition.
    pub(super) base_name: Option<String>,
    /// Videos of the base that later pushes need.
    pub(super) base_videos: BaseVideos,
    /// URLs of the published files.
    pub(super) urls: PublishedUrls,
    /// Numbers of its comparisons with the base in this run.
    pub(super) comparisons: Range<usize>,
    /// How its rows differ from those of the base; `None` if it is one video.
    pub(super) rows_changed: Option<RowCounts>,
    /// The comparison with the base.
    pub(super) review: Option<Review>,
}

/// A video and its render.
#[derive(Clone, Debug)]
pub(super) struct PreviewRow {
    pub(super) video: PathBuf,
    /// The render key.
    pub(super) key: String,
    pub(super) render_id: Option<String>,
}

/// Videos of the base that later pushes need.
#[derive(Debug, Default)]
pub(super) struct BaseVideos {
    /// Names of those that an earlier run has published.
    pub(super) published: Vec<String>,
    /// Those that this run has rendered.
    pub(super) new: Vec<Media>,
}

/// URLs of the files that were published.
#[derive(Debug, Default)]
pub(super) struct PublishedUrls {
    pub(super) video: Option<String>,
    pub(super) image: Option<String>,
    pub(super) base_image: Option<String>,
}

/// The state of a preview.
pub(super) enum PreviewState {
    /// The composition was rendered.
    Rendered(Box<RenderedPreview>),
    /// Not rendered because of this number of errors in the checks.
    Invalid(usize),
    /// The render failed.
    Failed {
        /// The error.
        message: String,
        /// Its code, such as `not_contained`; unknown if another run rendered.
        code: Option<String>,
        /// Whether a limit was exceeded.
        is_limit: bool,
    },
}

/// A completed render.
pub(super) struct RenderedPreview {
    /// The video, or the first one of a batch.
    pub(super) video: Option<PathBuf>,
    pub(super) figures: Figures,
    /// The outcome; `None` if the triggering run rendered it.
    pub(super) outcome: Option<Outcome>,
}

/// Returns the first rows of a manifest that have a video, of `count` rows in all.
pub(super) fn rows(manifest: &Path, count: u64) -> Vec<PreviewRow> {
    // The folder may be in the checkout, and a manifest in it may name anything.
    let reach = Reach::inside(manifest.parent().unwrap_or(Path::new("")), "the output directory");
    let manifest = Manifest::read(manifest, count, &reach).ok();
    let row = |entry: batch::Entry| {
        let video = PathBuf::from(entry.output?);
        let row = PreviewRow { key: entry.identity, render_id: entry.render_id, video };
        let head = gate::head(&row.video, &reach, HEADER);
        let is_image = |head: &[u8]| images::is_gif(&row.video) && is_gif(head);
        head.is_ok_and(|head| signature(&head).is_ok() || is_image(&head)).then_some(row)
    };
    manifest.iter().flat_map(Manifest::completed).filter_map(row).take(MAX_ROWS).collect()
}

/// Returns the file name of the images of a render without the extension, from its render key.
pub(super) fn file_stem(outcome: &Outcome) -> Option<String> {
    let key = match outcome {
        Outcome::Render(render) => {
            let identity = render.project.as_ref().map(|project| project.identity.as_str());
            identity.or(render.key.as_deref())?
        }
        Outcome::DryRun(dry) => dry.key.as_str(),
        Outcome::Batch(_) => return None,
    };
    name_of_key(key)
}

/// Returns the file name of the images of a render key without the extension.
pub(super) fn name_of_key(key: &str) -> Option<String> {
    key.strip_prefix("hfci_")?.get(..NAME_LENGTH).map(str::to_owned)
}

impl Preview {
    /// Returns a preview without a video.
    pub(super) fn new(display_name: &str, state: PreviewState) -> Self {
        Self {
            display_name: display_name.to_owned(),
            state,
            is_new: false,
            variables: Vec::new(),
            manifest: None,
            rows: Vec::new(),
            images: Images::default(),
            base_name: None,
            base_videos: BaseVideos::default(),
            urls: PublishedUrls::default(),
            comparisons: 0..0,
            rows_changed: None,
            review: None,
        }
    }

    /// Returns the files that this run has made for it.
    pub(super) fn files(&self) -> Vec<&Path> {
        let manifest = self.manifest.as_deref();
        let pictures = self.review.iter().flat_map(Review::files);
        let mut files = self.own_files().into_iter().chain(manifest).chain(pictures).collect::<Vec<_>>();
        files.sort_unstable();
        files.dedup();
        files
    }

    /// Returns the videos and images of the render.
    pub(super) fn own_files(&self) -> Vec<&Path> {
        let Images { poster, gif } = &self.images;
        let rows = self.rows.iter().map(|row| row.video.as_path());
        let files = [self.video(), poster.as_deref(), gif.as_deref()];
        let mut files = files.into_iter().flatten().chain(rows).collect::<Vec<_>>();
        files.sort_unstable();
        files.dedup();
        files
    }

    /// Returns the render, if it is completed.
    pub(super) fn rendered(&self) -> Option<&RenderedPreview> {
        match &self.state {
            PreviewState::Rendered(rendered) => Some(rendered),
            _ => None,
        }
    }

    /// Returns the outcome of the render, if this run rendered it.
    pub(super) fn outcome(&self) -> Option<&Outcome> {
        self.rendered()?.outcome.as_ref()
    }

    /// Returns the video, or the first one of a batch.
    pub(super) fn video(&self) -> Option<&Path> {
        self.rendered()?.video.as_deref()
    }

    /// Returns whether the render failed.
    pub(super) fn is_failed(&self) -> bool {
        matches!(self.state, PreviewState::Failed { .. })
    }

    /// Returns whether a limit was exceeded.
    pub(super) fn is_limited(&self) -> bool {
        matches!(self.state, PreviewState::Failed { is_limit: true, .. })
    }

    /// Returns whether an earlier run was billed for the render.
    pub(super) fn is_reused(&self) -> bool {
        self.rendered().is_some_and(|rendered| rendered.figures.is_reused)
    }

    /// Returns the name of the published files without the extension: from the render key, or from the digest of the
    /// video if the key is unknown.
    fn file_stem(&self) -> Option<String> {
        let from_video = || Some(digest::of_file(self.video()?).ok()?[..NAME_LENGTH].to_owned());
        self.outcome().and_then(file_stem).or_else(from_video)
    }

    /// Returns the files to publish for the comment: those of the render, and the pictures of the comparison.
    pub(super) fn media(&self) -> Vec<Media> {
        self.own_media().into_iter().chain(self.review.iter().flat_map(Review::media)).collect()
    }

    /// Returns the published files of the render: one image, which is the animated one if there is one, and the video.
    pub(super) fn own_media(&self) -> Vec<Media> {
        let Some(name) = self.file_stem() else { return Vec::new() };
        let image = self.images.gif.as_deref().or(self.images.poster.as_deref());
        // The picture of a comparison shows more than the image does.
        let has_picture = self.review.as_ref().is_some_and(|review| review.sheets().next().is_some());
        let image = image.filter(|_| !has_picture && !self.has_no_visible_change());
        // An animated image is both.
        let files = [image.filter(|image| Some(*image) != self.video()), self.video()];
        let named = files.into_iter().flatten().filter_map(|path| {
            let extension = path.extension()?.to_str()?;
            Some(Media { name: format!("{name}.{extension}"), path: path.to_owned() })
        });
        named.collect()
    }

    /// Returns whether it was compared with the base and looks the same.
    pub(super) fn has_no_visible_change(&self) -> bool {
        self.review.as_ref().is_some_and(Review::is_unchanged)
    }

    /// Returns the possible names of the images of the base; none if a comparison shows more than they do.
    pub(super) fn base_image_names(&self) -> Option<Vec<String>> {
        let is_shown = !self.has_no_visible_change()
            && self.review.as_ref().is_none_or(|review| review.media().is_empty());
        self.base_name
            .as_ref()
            .filter(|_| is_shown)
            .map(|name| vec![format!("{name}.gif"), format!("{name}.png")])
    }

    /// Sets the URLs from names and URLs of published files.
    pub(super) fn set_urls(&mut self, published: &[(String, String)]) {
        let find = |name: &Option<String>, extensions: &[&str]| {
            let name = name.as_ref()?;
            extensions.iter().find_map(|extension| {
                let wanted = format!("{name}.{extension}");
                published.iter().find(|(known, _)| *known == wanted).map(|(_, url)| url.clone())
            })
        };
        let own = self.file_stem();
        let is_animated = self.video().is_some_and(images::is_gif);
        let (videos, images): (&[&str], &[&str]) = match (is_animated, &self.images.gif) {
            // The video is shown, unless it is too large for that.
            (true, Some(_)) => (&["gif"], &["gif"]),
            (true, None) => (&["gif"], &["png"]),
            (false, _) => (&["mp4", "webm", "mov"], &["gif", "png"]),
        };
        self.urls = PublishedUrls {
            video: find(&own, videos),
            image: find(&own, images),
            base_image: find(&self.base_name, &["gif", "png"]),
        };
        if let Some(review) = &mut self.review {
            review.set_urls(published);
        }
    }

    /// Returns the videos for a release: one, or those of a batch.
    pub(super) fn videos(&self) -> Vec<PreviewRow> {
        match (self.video(), self.outcome()) {
            (Some(video), Some(Outcome::Render(render))) if self.rows.is_empty() => vec![PreviewRow {
                video: video.to_owned(),
                key: render.key.clone().unwrap_or_default(),
                render_id: render.render.id().map(str::to_owned),
            }],
            _ => self.rows.clone(),
        }
    }

    /// Returns the files for a release: the videos and the poster.
    pub(super) fn release_files(&self) -> Vec<Media> {
        let videos = self.videos().into_iter().map(|row| row.video);
        let files = videos.chain(self.images.poster.clone()).collect::<Vec<_>>();
        files.into_iter().map(|path| Media { name: ci::file_name(&path), path }).collect()
    }

    /// Returns the result in `report.json`.
    pub(super) fn to_json(&self) -> Value {
        let mut json = match &self.state {
            PreviewState::Rendered(rendered) => match &rendered.outcome {
                Some(Outcome::DryRun(dry)) => {
                    let mut json = rendered.figures.to_json();
                    json["output_path"] = json!(rendered.video);
                    json["digest"] = dry.archive.digest.as_str().into();
                    json
                }
                Some(outcome) => json!(outcome),
                None => rendered.figures.to_json(),
            },
            PreviewState::Invalid(errors) => json!({ "errors": errors }),
            PreviewState::Failed { message, code, .. } => json!({ "message": message, "code": code }),
        };
        if let Value::Object(json) = &mut json {
            self.add_common_members(json);
        }
        json
    }

    /// Adds the members that every result has.
    fn add_common_members(&self, json: &mut Map<String, Value>) {
        let state = match &self.state {
            PreviewState::Rendered(_) if self.is_reused() => "reused",
            PreviewState::Rendered(_) => "rendered",
            PreviewState::Invalid(_) => "invalid",
            PreviewState::Failed { .. } => "failed",
        };
        json.insert("composition".to_owned(), self.display_name.as_str().into());
        json.insert("state".to_owned(), state.into());
        if !self.rows.is_empty() {
            let paths = self.rows.iter().map(|row| row.video.display().to_string());
            json.insert("output_paths".to_owned(), paths.collect());
        }
        json.insert("poster_path".to_owned(), json!(self.images.poster));
        json.insert("gif_path".to_owned(), json!(self.images.gif));
        if let Some(review) = &self.review {
            json.insert("diff".to_owned(), review.json.clone());
        }
        // The report lists the findings of all projects once.
        json.remove("diagnostics");
    }
}
