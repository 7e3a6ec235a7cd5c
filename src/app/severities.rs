//! Severities of findings, from the user and the configuration.

use std::path::Path;

use hyperframes_ci_core::findings::Levels;

use super::config;
use super::spec::Severities;
use crate::fault::Error;
use crate::system::gate::Reach;

/// Returns the severities for the repository at `root`: those of the user override its configuration, which overrides
/// `base`. A configuration that the user names must be in `reach`.
///
/// # Errors
/// Returns an error if the configuration is invalid or cannot be read.
pub(crate) fn levels(
    severities: &Severities,
    root: &Path,
    reach: &Reach,
    mut base: Levels,
) -> Result<Levels, Error> {
    match &severities.known {
        Some(known) => known.iter().for_each(|check| check.apply(&mut base)),
        None => config::read(root, severities.config.as_deref(), reach)?.check.apply(&mut base),
    }
    severities.own.apply(&mut base);
    Ok(base)
}
