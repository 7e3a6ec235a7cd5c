//! The artifacts of the newest successful job of the target branch: what the base looks like.

use std::path::Path;

use serde_json::Value;

use super::client::Client;
use crate::ci::error::ProviderError;
use crate::system::url::encode_component;

/// The artifacts of a job on a branch.
#[derive(Debug)]
pub(super) struct Artifacts {
    pub(super) branch: String,
    pub(super) job: String,
    /// Path of the output directory in the project.
    pub(super) folder: String,
}

impl Artifacts {
    /// Downloads a file of the output directory to `path`.
    ///
    /// # Errors
    /// Returns [`ProviderError`] if there is none, or it cannot be read.
    pub(super) fn download(&self, client: &Client, name: &str, path: &Path) -> Result<(), ProviderError> {
        let file = format!("{}/{name}", self.folder);
        let file = file.split('/').map(encode_component).collect::<Vec<_>>().join("/");
        let (branch, job) = (encode_component(&self.branch), encode_component(&self.job));
        let url = client.path(&format!("/jobs/artifacts/{branch}/raw/{file}?job={job}"));
        let api = if client.api.has_token() { &client.api } else { &client.job };
        api.download(&url, path)
    }
}

/// Returns the published name of a video in a report whose name is one of `names`, and the name of its file. Published names
/// start with the render key.
pub(super) fn video_in(report: &Value, names: &[String]) -> Option<(String, String)> {
    report["results"].as_array()?.iter().find_map(|result| {
        let (key, path) = (result["identity"].as_str()?, result["output_path"].as_str()?);
        let key = key.strip_prefix("hfci_")?;
        let is_of_key = |name: &&String| name.split_once('.').is_some_and(|(stem, _)| key.starts_with(stem));
        let published = names.iter().find(is_of_key)?;
        let file = path.rsplit('/').next().filter(|file| !file.is_empty() && !file.starts_with('.'))?;
        Some((published.clone(), file.to_owned()))
    })
}
