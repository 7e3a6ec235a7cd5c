//! The video of the base: the published one, or one that is rendered.

use crate::app::diff::{KnownVideo, Side};
use crate::app::spec::RenderSpec;
use crate::system::gate::Reach;
use crate::ui::Console;

use super::Reviewer;

/// Extensions of videos.
const EXTENSIONS: [&str; 3] = ["mp4", "webm", "mov"];

impl Reviewer<'_> {
    /// Returns the base of a preview, with its video if a run for the default branch has published it. `identity` is the name of
    /// published files.
    pub(super) fn base(&self, mut spec: RenderSpec, identity: Option<String>, console: &mut Console) -> Side {
        // The head's own key would return the video of the head, and its webhook is not for the base.
        spec.idempotency_key = None;
        spec.request.callback_id = None;
        spec.request.callback_url = None;
        spec.run.reuse.is_off = false;
        let video = identity.as_deref().and_then(|name| self.published(name, console));
        Side { spec: Some(spec), identity, video }
    }

    /// Downloads the published video of a render; `None` if there is none, or it cannot be read.
    fn published(&self, name: &str, console: &mut Console) -> Option<KnownVideo> {
        let names = EXTENSIONS.map(|extension| format!("{name}.{extension}"));
        // Equal renders have one video, so a file of that name has the same bytes.
        let path = self.folder.path().join(format!("published-{name}"));
        match self.provider.download_published(&names, &path) {
            Ok(Some(_)) => {
                console.detail("comparing with the published video of the base");
                let reach = Reach::inside(self.folder.path(), "the temporary directory");
                Some(KnownVideo { path, reach, is_temporary: true })
            }
            Ok(None) => None,
            Err(error) => {
                console.detail(&format!("cannot read the published video of the base: {error}"));
                None
            }
        }
    }
}
