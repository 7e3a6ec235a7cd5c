//! Generated media that is kept in a store of the CI service: fetched with the token of the run before anything is checked, as a
//! checkout leaves no credentials for Git.

use std::path::{Path, PathBuf};

use crate::app::config::Settings;
use crate::app::media::{Source, Store, fetch_all};
use crate::app::outcome::Direction;
use crate::ci::{CiProvider, FileStore, Media};
use crate::fault::Error;
use crate::ui::{Console, counted, plain};

/// A store that a service has.
pub(crate) struct ServiceStore<'a>(pub(crate) Box<dyn FileStore + 'a>);

impl Source for ServiceStore<'_> {
    fn read(&mut self, name: &str, limit: u64, target: &Path) -> Result<bool, Error> {
        Ok(self.0.download(name, limit, target)?)
    }
}

impl Store for ServiceStore<'_> {
    fn has(&mut self, name: &str, _: Option<&Path>) -> Result<bool, Error> {
        Ok(self.0.has(name)?)
    }

    fn add(&mut self, files: &[(String, PathBuf)]) -> Result<(), Error> {
        let files = files.iter().map(|(name, path)| Media { name: name.clone(), path: path.clone() });
        Ok(self.0.add(&files.collect::<Vec<_>>())?)
    }
}

/// Fetches what the working tree does not have, as far as the token may. What is still missing is a finding of the checks.
pub(super) fn fetch(settings: &Settings, provider: &dyn CiProvider, console: &mut Console) {
    let fetched =
        fetch_all(settings, &mut |store, _| Ok(Box::new(ServiceStore(provider.media_store(store)?))));
    match fetched {
        Ok(None) => {}
        Ok(Some(outcome)) => {
            for media in outcome.media.iter().filter(|media| media.status.is_problem(Direction::Fetch)) {
                let message = media.message.as_deref().unwrap_or_default();
                console.warning(&format!("cannot fetch {}: {message}", plain(&media.file)));
            }
            if outcome.transferred > 0 {
                console.done(&format!("fetched {}", counted(outcome.transferred, "media file")));
            }
        }
        Err(error) => console.warning(&format!("cannot fetch media: {error}")),
    }
}
