//! What an installation of the engine consists of, for caches of CI services. A restored cache is not trusted: its files are
//! used only if they are those of the lock files.

use std::path::PathBuf;

use super::browser::{Browser, BrowserSource};
use super::provision::packages;
use crate::system::programs::{self, Node, ProgramError};

/// The directories of the engine, and of Node, FFmpeg and a browser if the machine has none.
#[derive(Debug)]
pub(crate) struct Installation {
    /// Identifies the contents: the system, the version and the lock files.
    pub(crate) key: String,
    /// The directories.
    pub(crate) folders: Vec<PathBuf>,
}

impl Installation {
    /// Returns the installation that local renders use or make.
    ///
    /// # Errors
    /// Returns [`ProgramError`] if there is no directory for it.
    pub(crate) fn find() -> Result<Self, ProgramError> {
        let cache = programs::cache()?;
        let engine = packages(&cache).folder().to_owned();
        let node = Node::find(&cache).own_folder();
        let ffmpeg = programs::ffmpeg_folder(&cache);
        let is_packaged = Browser::find().is_none_or(|browser| browser.source == BrowserSource::Package);
        let browser = programs::browser_folder(&cache).filter(|_| is_packaged);
        let folders = [Some(engine), node, ffmpeg, browser].into_iter().flatten().collect::<Vec<_>>();
        let names = folders.iter().filter_map(|folder| folder.file_name()?.to_str()).collect::<Vec<_>>();
        let system = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
        Ok(Self { key: format!("hyperframes-ci-{system}-{}", names.join("-")), folders })
    }

    /// Returns whether all directories exist.
    pub(crate) fn is_there(&self) -> bool {
        self.folders.iter().all(|folder| folder.is_dir())
    }
}

#[cfg(test)]
mod tests {
    use super::super::provision::{ENGINE_VERSION, LOCK};
    use super::*;

    #[test]
    fn the_key_changes_with_the_version_the_lock_and_the_system() {
        let Ok(installation) = Installation::find() else { return };
        let key = installation.key;
        for part in [ENGINE_VERSION, &LOCK.id(), std::env::consts::ARCH] {
            assert!(key.contains(part), "{part} in {key}");
        }
        assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)), "{key}");
        let others = key.matches("-node-").count()
            + key.matches("-ffmpeg-").count()
            + key.matches("-browser-").count();
        assert_eq!(installation.folders.len(), 1 + others, "{key}");
    }
}
