//! The store of generated media: a folder of the previews branch whose files are named by their contents. Nothing is deleted from
//! it, and what is read from it is verified by whoever asked for it.

use std::path::Path;

use hyperframes_ci_core::generated::{PREVIEW_MESSAGE, STORE_FOLDER, is_stored_name};
use serde_json::json;

use super::objects::{self, File, entry};
use super::previews::{ATTEMPTS, PreviewBranch, Refusals, Swap, contended};
use super::snapshot::Snapshot;
use crate::ci::contention::wait_before;
use crate::ci::error::ProviderError;
use crate::ci::provider::{Media, StoredFile};

impl PreviewBranch<'_> {
    /// Returns the files of the store; none if the branch does not exist.
    ///
    /// # Errors
    /// Returns [`ProviderError`] if the API refuses.
    pub(super) fn stored_media(&self) -> Result<Vec<StoredFile>, ProviderError> {
        let tip = Snapshot::read(self.client, self.name, None)?.tip;
        let files = tip.map(|tip| tip.media).unwrap_or_default().into_iter();
        let files = files.filter(|file| is_stored_name(&file.name));
        Ok(files.map(|File { name, sha }| StoredFile { name, address: sha }).collect())
    }

    /// Downloads a file of the store to `path`.
    ///
    /// # Errors
    /// Returns [`ProviderError`] if the API refuses, or `path` cannot be written.
    pub(super) fn download_stored(&self, file: &StoredFile, path: &Path) -> Result<(), ProviderError> {
        self.download(&File { name: file.name.clone(), sha: file.address.clone() }, path)
    }

    /// Adds files to the store that it does not have.
    ///
    /// # Errors
    /// Returns [`ProviderError`] if the API refuses, the branch has other files than previews, or other jobs write it all the time.
    pub(super) fn store_media(&self, files: &[Media]) -> Result<(), ProviderError> {
        let mut blobs = Vec::new();
        let mut refusals = Refusals::default();
        for attempt in 0..ATTEMPTS {
            wait_before(attempt);
            let snapshot = Snapshot::read(self.client, self.name, None)?;
            self.require_own(&snapshot)?;
            let has = |name: &str| {
                snapshot.tip.as_ref().is_some_and(|tip| tip.media.iter().any(|file| file.name == name))
            };
            // After a lost response, the branch has them already.
            if files.iter().all(|file| has(&file.name)) {
                return Ok(());
            }
            if blobs.is_empty() {
                let missing = files.iter().filter(|file| !has(&file.name));
                let uploaded = missing.map(|file| {
                    let blob = objects::upload(self.client, file, "generated media")?;
                    Ok(entry(&format!("{STORE_FOLDER}/{}", file.name), Some(&blob)))
                });
                blobs = uploaded.collect::<Result<Vec<_>, ProviderError>>()?;
            }
            let tree = match &snapshot.tip {
                Some(tip) => json!({ "base_tree": tip.tree, "tree": blobs }),
                None => json!({ "tree": blobs }),
            };
            match self.swap(&snapshot, Some(&tree), &format!("{PREVIEW_MESSAGE} with generated media"))? {
                Swap::Done(..) => return Ok(()),
                Swap::Lost(message) => refusals.add(&snapshot, &message)?,
            }
        }
        Err(contended())
    }
}
