//! The video of the base: the published one, or one that is rendered.
//!
//! A run for the default branch publishes its videos. A pull request keeps what it has rendered of the base among its own
//! previews, so that later pushes do not render it again: under the name of the render, with [`STABLE`] if a second render
//! was equal.

use hyperframes_ci_core::options::Format;

use crate::action::preview::Preview;
use crate::app::diff::{BaseVideo, KnownVideo, Side};
use crate::app::spec::RenderSpec;
use crate::ci::Media;
use crate::system::gate::Reach;
use crate::ui::Console;

use super::Reviewer;

/// Extensions of videos.
const EXTENSIONS: [&str; 3] = ["mp4", "webm", "mov"];

/// The end of the name of a video of which two renders were equal.
const STABLE: &str = "-stable";

impl Reviewer<'_> {
    /// Returns the base of a preview, with its video if an earlier run has published it. `identity` is the name of published
    /// files.
    pub(super) fn base(
        &self,
        mut spec: RenderSpec,
        identity: Option<String>,
        preview: &mut Preview,
        console: &mut Console,
    ) -> Side {
        // The head's own key would return the video of the head, and its webhook is not for the base.
        spec.idempotency_key = None;
        spec.request.callback_id = None;
        spec.request.callback_url = None;
        spec.run.reuse.is_off = false;
        let video = identity.as_deref().and_then(|name| self.published(name, preview, console));
        Side { spec: Some(spec), identity, video }
    }

    /// Downloads the published video of a render; `None` if there is none, or it cannot be read.
    fn published(&self, name: &str, preview: &mut Preview, console: &mut Console) -> Option<KnownVideo> {
        let names = [STABLE, ""].map(|end| EXTENSIONS.map(|extension| format!("{name}{end}.{extension}")));
        // Equal renders have one video, so a file of that name has the same bytes.
        let path = self.folder.path().join(format!("published-{name}"));
        match self.provider.download_published(&names.concat(), &path) {
            Ok(Some(found)) => {
                console.detail("comparing with the published video of the base");
                let reach = Reach::inside(self.folder.path(), "the temporary directory");
                let is_stable = found.strip_prefix(name).is_some_and(|end| end.starts_with(STABLE));
                preview.base_videos.published.push(found);
                Some(KnownVideo { path, reach, is_temporary: true, is_stable })
            }
            Ok(None) => None,
            Err(error) => {
                console.detail(&format!("cannot read the published video of the base: {error}"));
                None
            }
        }
    }

    /// Keeps a video of the base for later pushes; `name` is the name of published files, `format` that of the render.
    pub(super) fn keep_base(
        video: Option<BaseVideo>,
        name: Option<&str>,
        format: Option<Format>,
        preview: &mut Preview,
    ) {
        let extension = format.unwrap_or(Format::Mp4).as_str();
        let (Some(video), Some(name)) = (video, name) else { return };
        if EXTENSIONS.contains(&extension) {
            let end = if video.is_stable { STABLE } else { "" };
            let name = format!("{name}{end}.{extension}");
            preview.base_videos.new.push(Media { name, path: video.path });
        }
    }
}
