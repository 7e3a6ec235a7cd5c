//! Finds sounds of the catalogue, which has no request for a single one.

use hyperframes_ci_core::api::{Catalogued, Page, Pages, Sound};
use hyperframes_ci_core::generated::SoundChoice;

use super::result::Problem;
use super::run::Run;
use crate::system::random;

/// Pages of one search.
const MAX_PAGES: u32 = 20;

impl Run<'_> {
    /// Returns the URL of a sound.
    pub(super) fn sound(&self, choice: &SoundChoice) -> Result<String, Problem> {
        let queries = match &choice.query {
            Some(query) => vec![Some(query.as_str())],
            None => vec![Some(choice.id.as_str()), None],
        };
        for query in queries {
            let mut pages = Pages::of(Sound::PATH, &[("query", query)], Some(Sound::MOST), MAX_PAGES);
            while let Some(request) = pages.request() {
                let page = self.transport.get(&request, self.retries, random());
                let page: Page<Sound> = page.map_err(|error| Problem::Failed(error.into()))?;
                // A list with broken cursors ends here.
                let _ = pages.advance(&page);
                let found = page.data.into_iter().find(|sound| sound.id == choice.id);
                if let Some(url) = found.and_then(|sound| sound.audio_url) {
                    return Ok(url);
                }
            }
        }
        Err(Problem::NoSound(choice.id.clone()))
    }
}
