//! How much findings matter, from what the user and the configuration say.

use std::path::Path;

use hyperframes_ci_core::findings::Levels;

use super::config;
use super::spec::Severities;
use crate::fault::Error;

/// The severities for the repository at `root`: the user's over its configuration over `base`.
///
/// # Errors
/// Returns an error if the configuration cannot be used.
pub(crate) fn levels(severities: &Severities, root: &Path, mut base: Levels) -> Result<Levels, Error> {
    match &severities.known {
        Some(known) => known.iter().for_each(|check| check.apply(&mut base)),
        None => config::read(root, severities.config.as_deref())?.check.apply(&mut base),
    }
    severities.own.apply(&mut base);
    Ok(base)
}
