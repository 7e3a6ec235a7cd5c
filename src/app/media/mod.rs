//! The use cases of `media`: media that HeyGen generates, under a lock file. Only `generate`, `fetch` and `push` use the network.

mod adopt;
pub(crate) mod catalogue;
mod declared;
mod error;
mod examine;
mod fetch;
mod files;
mod generate;
mod ignored;
mod manifest;
mod measure;
mod preflight;
mod push;
mod restore;
mod store;

use super::config::Settings;
use super::outcome::MediaOutcome;
use crate::fault::Error;

pub(crate) use adopt::adopt;
use declared::Declared;
pub(crate) use declared::MediaSpec;
pub(crate) use error::MediaError;
pub(crate) use fetch::{fetch, fetch_all, fetch_from};
pub(crate) use generate::{GenerateSpec, MediaLimits, forget, generate};
pub(crate) use measure::{ValuesSource, measured, measured_in, measured_of};
pub(crate) use preflight::MediaPreflight;
pub(crate) use push::push;
pub(crate) use restore::restore;
pub(crate) use store::{GitStore, PREVIEW_BRANCH, Source, Store};

/// Compares entries with the lock file and the files.
///
/// # Errors
/// Returns an error if the configuration or the lock file is invalid, or there are no entries.
pub(crate) fn examine(spec: &MediaSpec) -> Result<MediaOutcome, Error> {
    Ok(outcome(&Declared::read(spec)?))
}

/// Compares the entries of a configuration with the lock file and the files; returns `None` if it has no entries.
///
/// # Errors
/// Returns an error if the lock file is invalid.
pub(crate) fn examine_all(settings: &Settings) -> Result<Option<MediaOutcome>, Error> {
    match settings.file.media.is_empty() {
        true => Ok(None),
        false => {
            let mut declared = Declared::of(settings.clone(), &[])?;
            // Translations are results, as videos are: nothing is made of them.
            declared.entries.retain(|entry| entry.translation().is_none());
            Ok(Some(outcome(&declared)))
        }
    }
}

fn outcome(declared: &Declared) -> MediaOutcome {
    let media = declared.entries.iter().map(|entry| declared.status(entry)).collect::<Vec<_>>();
    let is_declared = |path: &String| declared.settings.file.generated().any(|entry| entry.file == *path);
    MediaOutcome {
        lock: declared.lock_path.display().to_string(),
        undeclared: declared.lock.media.keys().filter(|path| !is_declared(path)).cloned().collect(),
        not_ignored: ignored::not_ignored(&declared.settings.root, &declared.entries),
        not_current: media.iter().filter(|media| media.status.is_problem()).count(),
        estimated_seconds: media.iter().map(|media| media.estimated_seconds).sum(),
        estimated_usd: media.iter().map(|media| media.estimated_usd).sum(),
        media,
    }
}
