//! Generated media that is kept in a store of the CI service: fetched with the token of the run before anything is checked, as a
//! checkout leaves no credentials for Git.

use std::path::Path;

use super::error::ActionError;
use crate::app::config::Settings;
use crate::app::media::{Store, fetch_all};
use crate::ci::{CiProvider, StoredFile};
use crate::fault::Error;
use crate::ui::{Console, counted, plain};

/// The store of the CI service.
struct ProviderStore<'a> {
    provider: &'a dyn CiProvider,
    files: Vec<StoredFile>,
}

impl Store for ProviderStore<'_> {
    fn prepare(&mut self, _: &[String]) -> Result<(), Error> {
        Ok(())
    }

    fn read(&mut self, name: &str, _: u64, target: &Path) -> Result<bool, Error> {
        let Some(file) = self.files.iter().find(|file| file.name == name) else { return Ok(false) };
        self.provider.download_stored(file, target).map_err(ActionError::from)?;
        Ok(true)
    }
}

/// Fetches what the working tree does not have, as far as the token may. What is still missing is a finding of the checks.
pub(super) fn fetch(settings: &Settings, provider: &dyn CiProvider, console: &mut Console) {
    let fetched = fetch_all(settings, &mut |_| {
        let files = provider.stored_media().map_err(ActionError::from)?;
        Ok(Box::new(ProviderStore { provider, files }))
    });
    match fetched {
        Ok(None) => {}
        Ok(Some(outcome)) => {
            for media in outcome.media.iter().filter(|media| media.status.is_problem()) {
                let message = media.message.as_deref().unwrap_or_default();
                console.warning(&format!("cannot fetch {}: {message}", plain(&media.file)));
            }
            if outcome.fetched > 0 {
                console.done(&format!("fetched {}", counted(outcome.fetched, "media file")));
            }
        }
        Err(error) => console.warning(&format!("cannot fetch media: {error}")),
    }
}
