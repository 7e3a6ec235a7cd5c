//! The videos of the release before, as the base of a comparison.

use std::path::Path;

use hyperframes_ci_core::archive::hex;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::app::diff::{KnownVideo, Side};
use crate::ci::{CiProvider, EarlierRelease};
use crate::system::digest;
use crate::system::gate::{self, Reach, limit};

/// The name of the provenance among the files of a release.
pub(in crate::action) const RELEASE_PROVENANCE: &str = "hyperframes-provenance.json";

/// The release before, and what its provenance says about its videos.
pub(super) struct LastRelease {
    release: EarlierRelease,
    videos: Vec<Value>,
}

impl LastRelease {
    /// Reads the release before `tag`, or the latest one without a tag. `folder` is for temporary files.
    ///
    /// # Errors
    /// Returns the reason if there is none with a provenance, or it cannot be read.
    pub(super) fn read(provider: &dyn CiProvider, tag: Option<&str>, folder: &Path) -> Result<Self, String> {
        let release = provider.release_before(tag, RELEASE_PROVENANCE).map_err(|error| error.to_string())?;
        let release = release.ok_or("no earlier release has videos")?;
        let path = folder.join(RELEASE_PROVENANCE);
        provider
            .download_release_file(&release, RELEASE_PROVENANCE, &path)
            .map_err(|error| error.to_string())?;
        let reach = Reach::inside(folder, "the temporary directory");
        let text = gate::read(&path, &reach, limit::REPORT).map_err(|error| error.to_string())?;
        let provenance = serde_json::from_slice::<Value>(&text).ok();
        let videos = provenance.as_ref().and_then(|provenance| provenance["videos"].as_array());
        let videos = videos.ok_or("the provenance of the earlier release is not valid")?.clone();
        Ok(Self { release, videos })
    }

    /// Returns the tag of the release.
    pub(super) fn tag(&self) -> &str {
        &self.release.tag
    }

    /// Returns the video of a composition; `None` if the release does not have it.
    ///
    /// # Errors
    /// Returns the reason if it cannot be read.
    pub(super) fn side(
        &self,
        provider: &dyn CiProvider,
        composition: &str,
        folder: &Path,
    ) -> Result<Option<Side>, String> {
        let mut videos = self.videos.iter().filter(|video| video["composition"] == composition);
        let Some(video) = videos.next() else { return Ok(None) };
        let (Some(file), Some(sha256)) = (video["file"].as_str(), video["sha256"].as_str()) else {
            return Err("the provenance of the earlier release is not valid".to_owned());
        };
        let path = folder.join(format!("released-{}", &hex(&Sha256::digest(file))[..16]));
        provider.download_release_file(&self.release, file, &path).map_err(|error| error.to_string())?;
        if digest::of_file(&path).map_err(|error| error.to_string())? != sha256 {
            return Err("the video of the earlier release is not the one of its provenance".to_owned());
        }
        let reach = Reach::inside(folder, "the temporary directory");
        Ok(Some(Side {
            spec: None,
            identity: None,
            video: Some(KnownVideo { path, reach, is_temporary: true, is_stable: false }),
        }))
    }
}
