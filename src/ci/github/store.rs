//! The store of generated media: a folder of the previews branch whose files are named by their contents. Nothing is deleted from
//! it, and what is read from it is verified by whoever asked for it.

use std::cell::OnceCell;
use std::path::Path;

use hyperframes_ci_core::generated::{PREVIEW_MESSAGE, STORE_FOLDER, is_stored_name};
use serde_json::json;

use super::objects::{self, File, entry};
use super::previews::{ATTEMPTS, PreviewBranch, Refusals, Swap, contended};
use super::snapshot::Snapshot;
use crate::ci::contention::wait_before;
use crate::ci::error::ProviderError;
use crate::ci::provider::{FileStore, Media};

/// The store on the previews branch.
pub(super) struct BranchStore<'a> {
    branch: PreviewBranch<'a>,
    /// The files, once they are known; none if the branch does not exist.
    files: OnceCell<Vec<File>>,
}

impl<'a> BranchStore<'a> {
    /// Returns the store on a branch.
    pub(super) fn new(branch: PreviewBranch<'a>) -> Self {
        Self { branch, files: OnceCell::new() }
    }

    fn find(&self, name: &str) -> Result<Option<&File>, ProviderError> {
        if self.files.get().is_none() {
            let tip = Snapshot::read(self.branch.client, self.branch.name, None)?.tip;
            let files = tip.map(|tip| tip.media).unwrap_or_default().into_iter();
            let _ = self.files.set(files.filter(|file| is_stored_name(&file.name)).collect());
        }
        Ok(self.files.get().into_iter().flatten().find(|file| file.name == name))
    }
}

impl FileStore for BranchStore<'_> {
    fn has(&self, name: &str) -> Result<bool, ProviderError> {
        Ok(self.find(name)?.is_some())
    }

    fn download(&self, name: &str, _: u64, path: &Path) -> Result<bool, ProviderError> {
        self.find(name)?.map_or(Ok(false), |file| self.branch.download(file, path).map(|()| true))
    }

    fn add(&self, files: &[Media]) -> Result<(), ProviderError> {
        self.branch.store_media(files)
    }
}

impl PreviewBranch<'_> {
    /// Adds files to the store that it does not have.
    ///
    /// # Errors
    /// Returns [`ProviderError`] if the API refuses, the branch has other files than previews, or other jobs write it all the time.
    fn store_media(&self, files: &[Media]) -> Result<(), ProviderError> {
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
