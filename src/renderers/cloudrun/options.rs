//! Options of Cloud Run.

/// Default version of `@hyperframes/gcp-cloud-run`, the newest that was tested. The stack should be deployed with the same version.
pub(crate) const CLOUD_RUN_VERSION: &str = "0.8.31";

/// Options of renders on Cloud Run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CloudRunOptions {
    /// Id of the project; that of the state file if absent.
    pub(crate) project: Option<String>,
    /// Region of the workflow; that of the state file if absent.
    pub(crate) region: Option<String>,
    /// Version of the official tooling.
    pub(crate) version: String,
}

impl Default for CloudRunOptions {
    fn default() -> Self {
        Self { project: None, region: None, version: CLOUD_RUN_VERSION.to_owned() }
    }
}
